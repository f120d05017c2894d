// The role `scheduler`: all policies and all duties, in one process or in several.
import { schedule } from 'node-cron';
import { type Follower, follow, type Policy, type PolicyServices, type PolicyStatus } from './policy.ts';
import { type Duty, messageOf } from './schedule.ts';

export type Scheduler = {
  /** Resolves when nothing that happens from here on escapes the policies. */
  readonly start: () => Promise<void>;
  /** Looks for what is due, once; resolves when it is done. Never rejects: what fails is logged and due again. */
  readonly tick: (now?: Date) => Promise<void>;
  readonly status: () => readonly PolicyStatus[];
  /** What is under way is finished; nothing further begins. */
  readonly stop: () => Promise<void>;
};

/** @param cron when to tick, as node-cron takes it */
export function createScheduler(policies: readonly Policy[], duties: readonly Duty[], services: PolicyServices, cron: string): Scheduler {
  const { logger } = services;
  const followers: readonly Follower[] = policies.map((policy) => follow(policy, services));
  const stopping = new AbortController();
  let ticking: Promise<void> = Promise.resolve();

  async function fulfilAll(now: string): Promise<void> {
    for (const { name, fulfil } of duties) {
      if (stopping.signal.aborted) return;
      try {
        await fulfil(services, now, stopping.signal);
      } catch (error) {
        logger.warn(`${name} cannot tell what is due, and looks again at the next tick: ${messageOf(error)}`);
      }
    }
  }

  const tick = (now = new Date()): Promise<void> => {
    // One after the other, where one takes longer than it is until the next.
    ticking = ticking.then(() => fulfilAll(now.toISOString()));
    return ticking;
  };

  let stopCron = async (): Promise<void> => {};
  return {
    start: async () => {
      await Promise.all(followers.map(({ start }) => start()));
      // Under `noOverlap`, what is missed while a tick goes on is not made up for: the next one finds it.
      const task = schedule(cron, () => tick(), { name: 'tick', noOverlap: true, suppressMissedWarning: true, logger });
      stopCron = async () => task.destroy();
    },
    tick,
    status: () => followers.map(({ status }) => status()),
    stop: async () => {
      stopping.abort();
      await stopCron();
      await Promise.all([ticking, ...followers.map(({ stop }) => stop())]);
    },
  };
}
