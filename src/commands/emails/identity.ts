// Which email this is, and in which thread: derived from what its header says, so that everybody who records it comes to the
// same ids, in whatever order, at whatever time, without asking anything.
import { v5 } from 'uuid';
import { z } from 'zod';
import type { emailDirection } from '../../vocabulary.ts';

const EMAIL_IDS = '9a1d5a54-6d0e-4f55-8c53-0f7a4c2b1e93';
const THREAD_IDS = '4be2d7c0-52a9-4c6b-b1f7-6f0d8f6a2c15';
const MAX_LENGTH = 998;
const MAX_REFERENCES = 100;

/**
 * One person's email by its Message-ID: recorded again, it is the same. A letter to oneself is two, one sent and one received.
 * A sender who gives two letters one Message-ID, against RFC 5322, has only the first of them recorded.
 * @param said the Message-ID, or what else nothing but this letter says
 */
export const emailIdOf = (owner: string, direction: z.output<typeof emailDirection>, said: string): string =>
  v5(JSON.stringify([owner, direction, said]), EMAIL_IDS);

type Place = { readonly message_id_header: string | null; readonly in_reply_to: string | null; readonly references: readonly string[] };

/**
 * The thread that began with the first of the References (RFC 5322 section 3.6.4), else with what this answers, else with
 * this. An answer to an answer that has an In-Reply-To and no References begins a thread with what it answers.
 */
export const threadIdOf = (owner: string, { references, in_reply_to, message_id_header }: Place, emailId: string): string =>
  v5(JSON.stringify([owner, references[0] ?? in_reply_to ?? message_id_header ?? emailId]), THREAD_IDS);

/** A Message-ID as a header has it, in angle brackets; they may be left out. */
export const messageId = z
  .string()
  .trim()
  .max(MAX_LENGTH)
  .regex(/^(<[^<>\s]+>|[^<>\s]+)$/, 'must be a Message-ID such as <4.2026@example.com>')
  .transform((id) => (id.startsWith('<') ? id : `<${id}>`));

export const references = z.array(messageId).max(MAX_REFERENCES);

/** Of too many, the first, which tells the thread, and the last ones. */
export const shortened = (ids: readonly string[]): string[] =>
  ids.length > MAX_REFERENCES ? [...ids.slice(0, 1), ...ids.slice(1 - MAX_REFERENCES)] : [...ids];

/** The Message-IDs in a header as it is found in the wild, shortened. */
export function messageIdsIn(header: string | undefined): string[] {
  const bracketed = [...(header ?? '').matchAll(/<([^<>]+)>/g)].map(([, id = '']) => id.replaceAll(/\s+/g, ''));
  const bare = (header ?? '').split(/[\s,]+/).filter((word) => word.includes('@'));
  return shortened((bracketed.length > 0 ? bracketed : bare).flatMap((id) => messageId.safeParse(id).data ?? []));
}
