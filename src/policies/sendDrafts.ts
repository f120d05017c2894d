// Sends drafts that are due. Mail servers know no transactions, so a try is bracketed by events: EmailDraftSendStarted, which
// one of any number of processes can append, before it says a word to the server, and then how it ended. A start without an
// end is of a process that is gone; whether the letter got through nobody knows, and a person decides.
import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'slonik';
import { v5 } from 'uuid';
import { z } from 'zod';
import type { CommandServices, Stamp } from '../commands/command.ts';
import { countSending, emailSends, sendsOf } from '../commands/emails/allowance.ts';
import { type Draft, emailDraft, haveFailed, haveSent, isDue, nextTry, recipientsOf, startSending } from '../commands/emails/draft.ts';
import { type Email, email, tooLarge } from '../commands/emails/email.ts';
import { emailIdOf, shortened, threadIdOf } from '../commands/emails/identity.ts';
import { snippetOf } from '../commands/emails/snippet.ts';
import { logOwnCall } from '../commands/integrations.ts';
import { type User, user } from '../commands/users/user.ts';
import { emailDraftScheduled, emailSent } from '../events/emails.ts';
import { LogUnavailable } from '../eventstore/log.ts';
import { Problem } from '../problem.ts';
import type { Delivery, Letter, MailServer } from '../smtp.ts';
import { type Policy, type PolicyServices, policy } from './policy.ts';
import { type Duty, duty, messageOf } from './schedule.ts';

/** All of one try to send a letter. */
export const LONGEST_TRY_MS = 3 * 60_000;
/** A try that began this long ago and has no end is of a process that is gone. */
const LEASE_MS = LONGEST_TRY_MS + 2 * 60_000;
const AGAIN_AFTER_MS = 1_000;
const MOST_AT_ONCE = 5;
const MOST_AT_A_TICK = 100;

const POLICY = 'sendDrafts';

type Services = Pick<CommandServices, 'folds' | 'transact'>;

/** Sends one draft, if it is due and nobody else has taken it. How it ended is in the log when this comes back, or the signal has aborted. */
export async function sendDraft(services: PolicyServices, server: MailServer, id: string, signal: AbortSignal): Promise<void> {
  const { folds, transact, settings } = services.commandHandler.services;
  const at = new Date().toISOString();
  const { state: draft, owner, revision: read } = await folds.fresh(emailDraft, `${emailDraft.category}-${id}`);
  if (!draft || owner === undefined || !isDue(draft, at)) return;
  // Who has left sends nothing.
  const sender = (await folds.fresh(user, `${user.category}-${owner}`)).state;
  if (!sender) return;
  const parent = await answered(folds, draft, owner);
  const messageId = draft.message_id_header ?? `<${id}@${sender.email.split('@').at(-1)}>`;
  const letter = letterOf(draft, sender, parent, messageId, at);
  const sentId = emailIdOf(owner, 'outbound', messageId);
  const sent = { id: sentId, event: sentEmail(owner, sentId, draft, letter, parent) };
  // Of a letter that the log has no room for, nothing could say afterwards that it was sent.
  const oversize = tooLarge(sent.event.data);
  const unfit = sender.status === 'active' ? oversize && saidOf(oversize) : `The account is ${sender.status}.`;
  const refusal = unfit ?? (await beyondAllowance(transact, id, draft, owner, settings.sendsPerDay, at));

  const started = await transact(emailDraft, id, stampOf(id, draft, owner, at), (now, revision) =>
    // What has changed since it was read is not what would be sent; it is looked at again.
    now && revision === read ? startSending(now, at, messageId) : [],
  );
  if (started.events.length === 0) return;
  const since = performance.now();
  const delivery: Delivery = refusal === undefined ? await server.send(letter) : { outcome: 'not_sent', error: refusal };
  const duration_ms = Math.round(performance.now() - since);
  // What is refused here calls nobody.
  const call = refusal === undefined && { host: server.host, from: sender.email, duration_ms };

  // What only this process knows is tried to be said until it is.
  const taken = { ...draft, message_id_header: messageId, tries: draft.tries + 1, started_at: at };
  for (;;) {
    try {
      await record({ folds, transact }, { id, owner, draft: taken, sent }, delivery, call);
      break;
    } catch (error) {
      if (signal.aborted || !isOutage(error)) throw error;
      await delay(AGAIN_AFTER_MS, undefined, { signal }).catch(() => {});
    }
  }
}

const saidOf = ({ code, message }: Problem) => `${code}: ${message}`;

/** Counts the try against its person's day. @returns why it may not be, where the day has no room for it */
async function beyondAllowance(transact: Services['transact'], id: string, draft: Draft, owner: string, perDay: number, at: string) {
  try {
    await transact(emailSends, sendsOf(owner, at), stampOf(id, draft, owner, at), (sends) =>
      countSending(sends, nextTry(id, draft), perDay, at),
    );
    return undefined;
  } catch (error) {
    if (error instanceof Problem && error.status === 429) return saidOf(error);
    throw error;
  }
}

/** A draft whose try was begun. */
type Try = { readonly id: string; readonly owner: string; readonly draft: Draft };
/** What of it the draft does not tell. */
type Call = { readonly host: string | null; readonly from: string | null; readonly duration_ms: number | null };
/** `sent` of which no more is known: the letter is there. */
type Ending = Delivery | { readonly outcome: 'sent'; readonly response: null; readonly refused: readonly string[] };

/** How a try ended: the letter, the call, then what became of the draft, after which nobody looks at it again. */
async function record(
  services: Services,
  { sent, ...attempt }: Try & { readonly sent: { readonly id: string; readonly event: ReturnType<typeof emailSent> } },
  delivery: Delivery,
  call: Call | false,
): Promise<void> {
  const { transact } = services;
  const { id, owner, draft } = attempt;
  const stamp = stampOf(id, draft, owner, new Date().toISOString());
  // First the letter: the draft points at it, and where only this much gets into the log, it says what the draft does not.
  if (delivery.outcome === 'sent') await transact(email, sent.id, stamp, (_, revision) => (revision >= 0 ? [] : sent.event));
  if (call) await logCall(services, attempt, call, delivery);
  await transact(emailDraft, id, stamp, (now) => {
    if (!now) return [];
    if (delivery.outcome === 'sent') return haveSent(now, sent.id, delivery.refused);
    return haveFailed(now, draft.tries, delivery.outcome, delivery.error);
  });
}

/** Whoever ends a try logs its call. */
async function logCall(
  { transact }: Services,
  { id, owner, draft }: Try,
  { host, from, duration_ms }: Call,
  ending: Ending,
): Promise<void> {
  const occurred_at = draft.started_at ?? new Date().toISOString();
  const stamp = stampOf(id, draft, owner, new Date().toISOString());
  const isSent = ending.outcome === 'sent';
  await logOwnCall({ transact }, stamp, v5(`smtp ${draft.tries}`, id), {
    integration: 'smtp',
    operation: 'send',
    direction: 'outbound',
    status: isSent ? 'succeeded' : 'failed',
    http_status: null,
    request: { host, from, recipients: recipientsOf(draft), message_id: draft.message_id_header },
    response: isSent ? { response: ending.response, refused: ending.refused.length } : { outcome: ending.outcome },
    error: isSent ? null : ending.error,
    duration_ms,
    correlation_id: stamp.$correlationId.slice(0, 200) || null,
    occurred_at,
  });
}

/** A draft whose sending was begun before a time and that nobody will end any more: sent, if the letter is there, otherwise unknown. */
export async function giveUpOn(services: Services, host: string | null, id: string, startedBefore: string): Promise<void> {
  const { folds, transact } = services;
  const { state: draft, owner } = await folds.fresh(emailDraft, `${emailDraft.category}-${id}`);
  if (!draft || owner === undefined || draft.status !== 'sending' || (draft.started_at ?? startedBefore) >= startedBefore) return;
  const sentId = emailIdOf(owner, 'outbound', draft.message_id_header ?? id);
  const isSent = (await folds.fresh(email, `${email.category}-${sentId}`)).revision >= 0;
  const error = 'Daybook ended while this was being sent.';
  const from = (await folds.fresh(user, `${user.category}-${owner}`)).state?.email ?? null;
  const ending: Ending = isSent ? { outcome: 'sent', response: null, refused: [] } : { outcome: 'unknown', error };
  await logCall(services, { id, owner, draft }, { host, from, duration_ms: null }, ending);
  await transact(emailDraft, id, stampOf(id, draft, owner, new Date().toISOString()), (now) => {
    if (!now) return [];
    return isSent ? haveSent(now, sentId, []) : haveFailed(now, draft.tries, 'unknown', error);
  });
}

/** What was done here was done because the draft was to be sent, and belongs to the request that said so. */
const stampOf = (id: string, { scheduled_by }: Draft, user_id: string, at: string): Stamp => ({
  user_id,
  actor: 'system',
  at,
  $correlationId: scheduled_by?.correlation_id ?? '',
  $causationId: scheduled_by?.event_id ?? '',
  caused_by: { policy: POLICY, event: scheduled_by && { type: emailDraftScheduled.type, entity_id: id, revision: scheduled_by.revision } },
});

/** The email that a draft answers, as long as it is there. */
async function answered(folds: Services['folds'], { in_reply_to_email_id }: Draft, owner: string): Promise<Email | undefined> {
  if (in_reply_to_email_id === null) return undefined;
  const found = await folds.fresh(email, `${email.category}-${in_reply_to_email_id}`);
  return found.owner === owner ? found.state : undefined;
}

const letterOf = (draft: Draft, sender: User, parent: Email | undefined, messageId: string, date: string): Letter => ({
  from: { name: sender.display_name, address: sender.email },
  to: draft.to_addresses,
  cc: draft.cc_addresses,
  bcc: draft.bcc_addresses,
  subject: draft.subject,
  text: draft.body_text,
  html: draft.body_html,
  messageId,
  inReplyTo: parent?.message_id_header ?? null,
  references: parent ? referencesTo(parent) : [],
  date,
});

/** RFC 5322 section 3.6.4: those of what is answered, or else what it answered, and then itself. */
function referencesTo({ message_id_header, in_reply_to, references }: Email): readonly string[] {
  const before = references.length > 0 ? references : in_reply_to === null ? [] : [in_reply_to];
  return message_id_header === null ? [] : shortened([...before, message_id_header]);
}

function sentEmail(owner: string, id: string, draft: Draft, { from, messageId, inReplyTo, references, date }: Letter, parent?: Email) {
  const place = { message_id_header: messageId, in_reply_to: inReplyTo, references: [...references] };
  return emailSent({
    ...place,
    thread_id: parent?.thread_id ?? threadIdOf(owner, place, id),
    from_address: from.address,
    from_name: from.name,
    to_addresses: [...draft.to_addresses],
    cc_addresses: [...draft.cc_addresses],
    bcc_addresses: [...draft.bcc_addresses],
    subject: draft.subject,
    body_text: draft.body_text,
    body_html: draft.body_html,
    snippet: snippetOf(draft.body_text, draft.body_html),
    folder: 'sent',
    is_read: true,
    is_starred: false,
    importance: 'normal',
    labels: [],
    sent_at: date,
    received_at: null,
    attachments: [],
  });
}

/** @param send of a draft that is due as soon as it is scheduled */
export const whatIsToBeSentAtOnce = (send: (id: string) => void): Policy =>
  policy(POLICY, [emailDraft.category], {
    EmailDraftScheduled: async (_, { id, data }) => {
      if (data.send_at <= new Date().toISOString()) send(id);
    },
  });

export type DraftSending = {
  readonly policies: readonly Policy[];
  readonly duties: readonly Duty[];
  /** What is being sent is sent, and how that ended is in the log. */
  readonly stop: () => Promise<void>;
};

/**
 * Sends what is due as it becomes so: what is said to be sent now when the log tells of it, the rest, and what was missed, at
 * the schedule's next tick. Neither waits for a mail server: what is being sent is kept count of here.
 *
 * @param server undefined where there is none: then nothing is sent, and only what was begun is given up
 * @param isAlone no other process appends to this log, so what was begun before now has no end to wait for
 */
export function draftSending(services: PolicyServices, server: MailServer | undefined, isAlone: boolean): DraftSending {
  const { logger } = services;
  const startedAt = new Date().toISOString();
  const stopping = new AbortController();
  const underWay = new Map<string, Promise<void>>();

  const send = (id: string) => {
    if (!server || stopping.signal.aborted || underWay.has(id) || underWay.size >= MOST_AT_ONCE) return;
    const sending = sendDraft(services, server, id, stopping.signal)
      .catch((error: unknown) => logger.warn(`The draft ${id} is looked at again at the next tick: ${messageOf(error)}`))
      .finally(() => underWay.delete(id));
    underWay.set(id, sending);
  };

  const nobodyEndsBefore = (now: string) => {
    const leaseEnd = new Date(Date.parse(now) - LEASE_MS).toISOString();
    return isAlone && startedAt > leaseEnd ? startedAt : leaseEnd;
  };

  return {
    policies: [whatIsToBeSentAtOnce(send)],
    duties: [
      duty(
        'giveUpOnDrafts',
        async (database, now, after) =>
          after
            ? []
            : database.any(sql.type(item)`
                SELECT id, user_id FROM emails.email_drafts WHERE status = 'sending' AND updated_at < ${nobodyEndsBefore(now)}
                ORDER BY updated_at, id LIMIT ${MOST_AT_A_TICK}`),
        ({ id }) => giveUpOn(services.commandHandler.services, server?.host ?? null, id, nobodyEndsBefore(new Date().toISOString())),
      ),
      duty(
        'sendDueDrafts',
        async (database, now, after) =>
          after
            ? []
            : database.any(sql.type(item)`
                SELECT id, user_id FROM emails.email_drafts WHERE status = 'scheduled' AND send_at <= ${now}
                ORDER BY send_at, id LIMIT ${MOST_AT_A_TICK}`),
        async ({ id }) => send(id),
      ),
    ],
    stop: async () => {
      stopping.abort();
      await Promise.all(underWay.values());
    },
  };
}

const item = z.object({ id: z.string(), user_id: z.string() });

const isOutage = (error: unknown) => error instanceof LogUnavailable || (error instanceof Problem && error.status === 503);
