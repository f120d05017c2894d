// How much a person may send in a day. What they send is counted in a stream of that day before a word is said to the mail
// server, and appended at the stream's exact revision: however many processes send, it does not come to more.
import { emailSendCounted } from '../../events/emails.ts';
import { Problem } from '../../problem.ts';
import { sharedAggregate } from '../aggregate.ts';
import type { Decision } from '../command.ts';

const DAY_MS = 86_400_000;

/** Recipients, by the try to send to them: what was begun and never got further is not counted twice. */
type Sends = ReadonlyMap<string, number>;
const none: Sends = new Map();

export const emailSends = sharedAggregate<Sends>({
  category: 'emailSends',
  initial: none,
  evolve: {
    EmailSendCounted: (sends, { data }) => new Map([...sends, [nameOf(data.draft_id, data.try_number), data.recipients]]),
  },
  find: () => undefined,
});

const nameOf = (draft: string, tryNumber: number) => `${draft}:${tryNumber}`;

/** The id part of the stream's name: a day is one of UTC. */
export const sendsOf = (userId: string, at: string): string => `${userId}-${at.slice(0, 10).replaceAll('-', '')}`;

/** A draft's try to be sent, which counts as much as it has recipients. */
export type Sending = { readonly draft_id: string; readonly try_number: number; readonly recipients: number };

/** Whether that is too much for what is left of the day. @returns Problem 429, which says when the next day begins */
export function overdrawn(sends: Sends = none, sending: Sending, perDay: number, at: string): Problem | undefined {
  if (sends.has(nameOf(sending.draft_id, sending.try_number))) return undefined;
  const total = [...sends.values()].reduce((sum, recipients) => sum + recipients, sending.recipients);
  if (total <= perDay) return undefined;
  const retryAfterSeconds = Math.ceil((DAY_MS - (Date.parse(at) % DAY_MS)) / 1_000);
  return new Problem(429, 'too-many-sends', `In a day (UTC), no more than ${perDay} recipients can be sent emails.`, { retryAfterSeconds });
}

export const countSending = (sends: Sends = none, sending: Sending, perDay: number, at: string): Decision =>
  overdrawn(sends, sending, perDay, at) ?? (sends.has(nameOf(sending.draft_id, sending.try_number)) ? [] : emailSendCounted(sending));
