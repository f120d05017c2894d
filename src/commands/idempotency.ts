// A key that came with an id for what is to be made. What the key did is remembered in that thing's stream, where a request
// with the same key and another id would not look; so the key has a stream of its own, which that request does find.
// Without an id the thing's own is derived from the key, and the thing's stream is enough.
import { v5 } from 'uuid';
import { idempotencyKeyUsed } from '../events/idempotency.ts';
import { Problem } from '../problem.ts';
import { type Aggregate, aggregate as anAggregate } from './aggregate.ts';
import type { CommandServices, Stamp } from './command.ts';

/** `command_id` is derived from who, which route and which key; `explicit` where a header gave the key. */
export type CommandKey = { readonly command_id: string; readonly body_hmac: string; readonly explicit: boolean };

const keyUse = anAggregate<{ readonly body_hmac: string }>({
  category: 'idempotencyKey',
  created: { IdempotencyKeyUsed: ({ data }) => data },
  evolve: {},
});

/** The id of what a create makes that came with a key and no id. */
export const derivedId = ({ command_id }: CommandKey): string => v5('entity', command_id);

/** @throws Problem 422 where the key was used to make something else */
export async function checkKeyOfNew<State>(
  { folds }: Pick<CommandServices, 'folds'>,
  aggregate: Aggregate<State>,
  key: CommandKey,
  id: string,
): Promise<void> {
  const { state } = await folds.fresh(keyUse, `${keyUse.category}-${key.command_id}`);
  if (state && state.body_hmac !== key.body_hmac) throw reusedKey();
  if (id === derivedId(key)) return;
  const { commands } = await folds.fresh(aggregate, `${aggregate.category}-${derivedId(key)}`);
  if (commands.has(key.command_id)) throw reusedKey();
}

/** Has the key be for this request alone. To be done before the thing is made: a crash in between leaves a key that its request can use again. */
export async function claimKeyOfNew({ transact }: Pick<CommandServices, 'transact'>, key: CommandKey, stamp: Stamp): Promise<void> {
  await transact(keyUse, key.command_id, stamp, (use) => {
    if (!use) return idempotencyKeyUsed({ body_hmac: key.body_hmac });
    return use.body_hmac === key.body_hmac ? [] : reusedKey();
  });
}

export const reusedKey = (): Problem =>
  new Problem(422, 'idempotency-key-reused', 'This key was used with another body.', {
    errors: [{ in: 'header', pointer: '/idempotency-key', detail: 'This key was used with another body.' }],
  });
