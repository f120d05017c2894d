// A key that came with an id for what is to be made, or with what names the stream of that. What the key did is remembered in
// that stream, where a request with the same key that says otherwise would not look; so it is remembered once more where that
// request does look, and meets it if both come at once.
import { v5 } from 'uuid';
import { idempotencyKeyUsed } from '../events/idempotency.ts';
import { Problem } from '../problem.ts';
import { type Aggregate, aggregate as anAggregate } from './aggregate.ts';
import type { CommandServices, Stamp } from './command.ts';

/** `command_id` is derived from who, which route and which key; `explicit` where a header gave the key. */
export type CommandKey = { readonly command_id: string; readonly body_hmac: string; readonly explicit: boolean };

/** The stream of one key. It has no state: that the key was used, and with which body, is in the metadata, as in any stream. */
const keyUse = anAggregate<never>({ category: 'idempotencyKey', created: {}, evolve: {} });

/** The id of what a create makes that came with a key and no id. */
export const derivedId = ({ command_id }: CommandKey): string => v5('entity', command_id);

/** A key, and a stream that every create with it reads or begins. */
export type PlacedKey = { readonly key: CommandKey; readonly aggregate: Aggregate<unknown>; readonly id: string };

/** That of the thing that the key makes without an id; where what is said names the stream, there is no such thing. */
export const placed = (key: CommandKey, aggregate: Aggregate<unknown>, isNamed: boolean): PlacedKey =>
  isNamed ? { key, aggregate: keyUse, id: key.command_id } : { key, aggregate, id: derivedId(key) };

/** Whether this request has claimed the key. @throws Problem 422 where the key was used to make something else */
export async function isKeyClaimed({ folds }: Pick<CommandServices, 'folds'>, { key, aggregate, id }: PlacedKey): Promise<boolean> {
  const { commands } = await folds.fresh(aggregate, `${aggregate.category}-${id}`);
  if (!commands.has(key.command_id)) return false;
  if (commands.get(key.command_id) !== key.body_hmac) throw reusedKey();
  return true;
}

/** Has the key be for this request alone. To be done before the thing is made: a crash in between leaves a key that its request can use again. */
export async function claimKey(services: Pick<CommandServices, 'folds' | 'transact'>, placed: PlacedKey, stamp: Stamp) {
  await services.transact(placed.aggregate, placed.id, stamp, async () =>
    (await isKeyClaimed(services, placed)) ? [] : idempotencyKeyUsed({ body_hmac: placed.key.body_hmac }),
  );
}

export const reusedKey = (): Problem =>
  new Problem(422, 'idempotency-key-reused', 'This key was used with another body.', {
    errors: [{ in: 'header', pointer: '/idempotency-key', detail: 'This key was used with another body.' }],
  });
