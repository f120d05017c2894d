// Building the read model with the person at the terminal watching: a bar where there is a terminal, lines where not.
import type { DatabasePool } from 'slonik';
import type { EventLog } from '../eventstore/log.ts';
import { projections } from '../projections/index.ts';
import { interimVersion, reasonToRebuild, rebuild } from '../projections/rebuild.ts';
import { type BuildProgress, buildLines, measureBuild } from './buildProgress.ts';

/**
 * Sees to it that there is a read model to serve from: builds it where it cannot be continued. One of another version that can
 * serve all the same is the answer instead, with why it is to be built.
 */
export async function prepareReadModel(log: EventLog, database: DatabasePool): Promise<{ version: string; reason: string } | undefined> {
  const reason = await reasonToRebuild(log, database, projections);
  if (reason === undefined) return undefined;
  const version = await interimVersion(log, database, projections);
  if (version !== undefined) return { version, reason };
  await rebuildWithProgress(log, database, reason);
  return undefined;
}

export async function rebuildWithProgress(log: EventLog, database: DatabasePool, reason: string): Promise<void> {
  console.log(`Building the read model from the event log: ${reason}.`);
  const began = performance.now();
  const show = process.stdout.isTTY ? await bar() : lines();
  let events = 0;
  await rebuild(log, database, projections, (progress) => {
    events = progress.events;
    show.update(progress);
  });
  show.stop();
  console.log(`The read model is built: ${events} events in ${((performance.now() - began) / 1_000).toFixed(1)} s.`);
}

type Shown = { readonly update: (progress: BuildProgress) => void; readonly stop: () => void };

function lines(): Shown {
  const lineOf = buildLines();
  const update = (progress: BuildProgress) => {
    const line = lineOf(progress);
    if (line !== undefined) console.log(line);
  };
  return { update, stop: () => {} };
}

async function bar(): Promise<Shown> {
  // Most starts build nothing.
  const { default: cliProgress } = await import('cli-progress');
  const shown = new cliProgress.SingleBar(
    { format: '{bar} {percentage}% · {events} events · {rate}/s · {eta_formatted} left', etaBuffer: 100, hideCursor: true },
    cliProgress.Presets.shades_classic,
  );
  const measure = measureBuild();
  shown.start(1, 0, { events: 0, rate: '?' });
  const update = (progress: BuildProgress) => {
    shown.setTotal(Number(progress.head ?? 1));
    shown.update(Number(progress.position ?? 0), { events: progress.events, rate: measure(progress).eventsPerSecond ?? '?' });
  };
  return { update, stop: () => shown.stop() };
}
