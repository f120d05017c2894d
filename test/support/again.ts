// A policy is told everything again, as if it had heard of nothing yet: its checkpoint goes back to the log's beginning.
import { v7 } from 'uuid';
import { expect } from 'vitest';
import { readCheckpoint } from '../../src/policies/policy.ts';
import { startNode, type TestDaybook } from './daybook.ts';

/**
 * @param of the type of the events that the policy reacts to
 * @returns the types of the events that are in the log after it and were not before
 */
export async function toldAgain(daybook: TestDaybook, policy: string, of: string, environment: Record<string, string>): Promise<string[]> {
  const { log } = daybook;
  const events = async () => (await Array.fromAsync(log.readAll(null))).filter(({ stream }) => !stream.startsWith('policy-'));
  const before = await events();
  const last = before.findLast(({ type }) => type === of)?.position ?? null;
  await log.append(`policy-${policy}`, 'any', [
    { event_id: v7(), type: 'PolicyAdvanced', data: { position: null, aside: [] }, metadata: {} },
  ]);
  const anew = await startNode(daybook, { ...environment, ROLES: 'scheduler' });
  await expect.poll(async () => (await readCheckpoint(log, policy))?.position ?? null, { timeout: 20_000 }).toBe(last);
  await anew.stop();
  return (await events()).slice(before.length).map(({ type }) => type);
}
