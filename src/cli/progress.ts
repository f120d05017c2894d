// Building the read model with the person at the terminal watching: a bar where there is a terminal, lines where not.
import type { DatabasePool } from 'slonik';
import type { EventLog } from '../eventstore/log.ts';
import { projections } from '../projections/index.ts';
import { interimVersion, reasonToRebuild, rebuild } from '../projections/rebuild.ts';

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

const LINE_EVERY_MS = 2_000;

export async function rebuildWithProgress(log: EventLog, database: DatabasePool, reason: string): Promise<void> {
  console.log(`Building the read model from the event log: ${reason}.`);
  const began = Date.now();
  // Most starts build nothing.
  const { default: cliProgress } = await import('cli-progress');
  const bar = new cliProgress.SingleBar(
    { format: '{bar} {percentage}% · {events} events · {rate}/s · {eta_formatted} left', etaBuffer: 100, hideCursor: true },
    cliProgress.Presets.shades_classic,
  );
  // From the first event on: how long it took to get there says nothing about the rest.
  let projecting: number | undefined;
  let lastLine = 0;
  let events = 0;
  const showsBar = process.stdout.isTTY;
  if (showsBar) bar.start(1, 0, { events, rate: 0 });
  await rebuild(log, database, projections, (progress) => {
    events = progress.events;
    if (projecting === undefined) lastLine = projecting = Date.now();
    const seconds = (Date.now() - projecting) / 1_000;
    const rate = seconds === 0 ? 0 : Math.round(events / seconds);
    const part = progress.head === 0n ? 1 : Math.min(Number(progress.position) / Number(progress.head), 1);
    if (showsBar) {
      bar.setTotal(Number(progress.head));
      bar.update(Number(progress.position), { events, rate });
    } else if (Date.now() - lastLine >= LINE_EVERY_MS) {
      lastLine = Date.now();
      const left = part === 0 ? '?' : Math.round((seconds / part) * (1 - part));
      console.log(`${Math.floor(part * 100)}% · ${events} events · ${rate}/s · ${left} s left`);
    }
  });
  if (showsBar) bar.stop();
  console.log(`The read model is built: ${events} events in ${((Date.now() - began) / 1_000).toFixed(1)} s.`);
}
