// Who has an address. Each address has a stream, named by its HMAC, so that the log itself lets one of two be first. An
// address is claimed before the person's own stream says that it is theirs, and given up after that says it no more; a
// process can die in between. So a claim holds while
//   * its person has this very address, or
//   * their stream is still where it was when the claim was made: what the claim is for can then still be appended, and
//     only there.
// Any other claim is of something that did not come about, and is free.
import { encode } from '../../events/codec.ts';
import { emailReleased, emailReserved, registrationAbandoned } from '../../events/users.ts';
import { WrongExpectedRevision } from '../../eventstore/log.ts';
import { conflict } from '../../problem.ts';
import type { Secrets } from '../../secrets.ts';
import { aggregate } from '../aggregate.ts';
import type { CommandServices, Stamp } from '../command.ts';
import { user } from './user.ts';

/** How long a registration may take from its claim to its end. */
const REGISTRATION_MS = 60_000;

export type EmailClaim = { readonly user_id: string; readonly user_revision: number; readonly at: string };

export const emailClaim = aggregate<EmailClaim>({
  category: 'userEmail',
  created: { EmailReserved: ({ data, meta }) => ({ ...data, at: meta.at }) },
  evolve: { EmailReleased: () => undefined },
});

/** The id part of the stream's name: addresses that differ in case only are one. */
export const emailKey = (secrets: Secrets, address: string): string => secrets.hmac('email-address', address.toLowerCase());

/**
 * Claims an address for what will be appended to the person's stream at exactly `userRevision` (-1: their registration).
 * @throws Problem 409 where it is someone else's
 */
export async function reserveEmail(services: CommandServices, stamp: Stamp, address: string, userRevision: number): Promise<void> {
  const key = emailKey(services.secrets, address);
  await services.transact(emailClaim, key, stamp, async (claim) => {
    const isOwn = claim?.user_id === stamp.user_id;
    if (isOwn && claim.user_revision === userRevision) return [];
    if (claim && !isOwn && (await holds(services, stamp, claim, key))) return emailTaken();
    return emailReserved({ user_id: stamp.user_id, user_revision: userRevision });
  });
}

/** Gives up an address that the person's event at `leftAt` has left; not one they have claimed again since. */
export async function releaseEmail(services: CommandServices, stamp: Stamp, address: string, leftAt: number): Promise<void> {
  await services.transact(emailClaim, emailKey(services.secrets, address), stamp, (claim) =>
    claim?.user_id === stamp.user_id && claim.user_revision < leftAt ? emailReleased({ user_id: stamp.user_id }) : [],
  );
}

/** Whose address this is now: the id of a person with an account, or null. */
export async function holderOf({ folds, secrets }: CommandServices, address: string): Promise<string | null> {
  const key = emailKey(secrets, address);
  const claim = (await folds.fresh(emailClaim, `${emailClaim.category}-${key}`)).state;
  if (!claim) return null;
  const { state: holder } = await folds.fresh(user, `${user.category}-${claim.user_id}`);
  return holder && emailKey(secrets, holder.email) === key ? claim.user_id : null;
}

export const emailTaken = () => conflict('email-taken', 'There is already an account with this address.', '/email');

async function holds({ log, folds, secrets }: CommandServices, stamp: Stamp, claim: EmailClaim, key: string): Promise<boolean> {
  const stream = `${user.category}-${claim.user_id}`;
  const { state: holder, revision } = await folds.fresh(user, stream);
  if (revision >= 0) return holder !== undefined && (emailKey(secrets, holder.email) === key || revision === claim.user_revision);
  if (Date.parse(stamp.at) - Date.parse(claim.at) < REGISTRATION_MS) return true;
  // The registration may still be under way, on a slow node. Whichever of it and this is first in its stream is so for good.
  try {
    await log.append(stream, -1, [encode(registrationAbandoned({}), { ...stamp, user_id: claim.user_id })]);
    return false;
  } catch (error) {
    if (error instanceof WrongExpectedRevision) return true;
    throw error;
  }
}
