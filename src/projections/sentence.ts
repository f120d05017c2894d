// The sentences that tell a person what happened: one per event type, or a reason why there is none. Activities and an
// entity's history both say them.
import type { AnyEvent, EventHandlers } from '../events/index.ts';
import { dispatch } from '../events/index.ts';

/** `details` is what a reader may want beyond the sentence; never a secret, never a whole text. */
export type Sentence = { readonly summary: string; readonly details: Readonly<Record<string, unknown>> };

/** An event that no person would call something that happened; the reason says why. */
export type Silent = { readonly silent: string };

export type Told = Sentence & { readonly entity_type: string; readonly entity_id: string };

type Telling = (event: AnyEvent) => Told | Silent | undefined;
export type Teller = { readonly entity_type: string; readonly eventTypes: readonly string[]; readonly tell: Telling };

/**
 * @param entityType what the events are about
 * @param sentences a sentence, a sentence with details, or `silent(reason)`
 * @param entityId which entity, where it is not the one the stream is named after
 */
export const teller = (
  entityType: string,
  sentences: EventHandlers<[], string | Sentence | Silent>,
  entityId: (event: AnyEvent) => string = ({ id }) => id,
): Teller => ({
  entity_type: entityType,
  eventTypes: Object.keys(sentences),
  tell: (event) => {
    const said = dispatch(sentences, event);
    if (said === undefined || (typeof said === 'object' && 'silent' in said)) return said;
    const sentence = typeof said === 'string' ? { summary: said, details: {} } : said;
    return { ...sentence, entity_type: entityType, entity_id: entityId(event) };
  },
});

export const silent = (reason: string) => (): Silent => ({ silent: reason });

/** A name within a sentence: “Buy milk”, cut where it is long. */
export const quoted = (name: string | undefined): string => {
  if (name === undefined) return '';
  const characters = [...name];
  return ` “${characters.length > 80 ? `${characters.slice(0, 79).join('')}…` : name}”`;
};
