// The command line: `npm run daybook -- <command>`. Exit code 0 is done, 1 is a fault that the one line on stderr names.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { Argument, Command, InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { readConfig } from '../config.ts';
import { type DataDirectory, DataDirectoryInUse, openDataDirectory } from '../dataDirectory.ts';
import { EMBEDDINGS, embedAnew, setPaused as setEmbeddingPaused } from '../embeddings/control.ts';
import { startEmbeddedEventStore } from '../eventstore/embedded/embedded.ts';
import { backUpLog, logFile, type Report, restoreLog, scavengeLog, verifyLog } from '../eventstore/embedded/maintenance.ts';
import { READ_MODEL } from '../projections/applier.ts';
import { setPaused } from '../projections/control.ts';
import { projections } from '../projections/index.ts';
import { type Verification, verifyProjections } from '../projections/verify.ts';
import { openStores, type Stores } from '../stores.ts';
import { makeDemo } from './demo/demo.ts';
import { makeDemoAt } from './demo/overHttp.ts';
import { prepareReadModel, rebuildWithProgress } from './progress.ts';
import { type RunningDaybook, runningDaybook } from './running.ts';
import { statusLines } from './status.ts';

type DemoCommand = { url?: string; password?: string; email: string; seed: number; size: number };

const program = new Command('daybook').description(
  'The backend of a personal assistant. Settings come from the environment, as for npm start.',
);

program
  .command('rebuild')
  .description('make the read model again from the event log, while Daybook runs if it does')
  .action(rebuildReadModel);

const projectionsCommand = program
  .command('projections')
  .description('say how the read model and the embeddings are, or act on them; as Daybook runs, or without');
const projection = () => new Argument('[name]', 'which').choices([READ_MODEL, EMBEDDINGS]).default(READ_MODEL);
projectionsCommand
  .command('status', { isDefault: true })
  .description('say how far they are, whether they are paused, and what they could not take')
  .action(sayStatus);
for (const [word, isPausing, summary] of [
  ['pause', true, 'hold it where it is, also through a start, until it is resumed'],
  ['resume', false, 'let it go on'],
] as const) {
  projectionsCommand
    .command(word)
    .description(summary)
    .addArgument(projection())
    .action((name: string) =>
      onReadModel(
        async ({ database }) => (name === EMBEDDINGS ? setEmbeddingPaused : setPaused)(database, isPausing),
        async (running) => running.act(word, name),
      ).then(() => sayAll([isPausing ? 'It is paused.' : 'It goes on.'])),
    );
}
projectionsCommand
  .command('rebuild')
  .description('the read model: as daybook rebuild; embeddings: have the model asked for all of them once more')
  .addArgument(projection())
  .action((name: string) => (name === EMBEDDINGS ? rebuildEmbeddings() : rebuildReadModel()));

program.command('status').description('say how far the read model and the embeddings are, and what they could not take').action(sayStatus);

program
  .command('verify-projections')
  .description('make the read model once more beside the one that serves, and compare the two, table by table')
  .action(() =>
    onReadModel(
      async ({ log, database }) => sayVerified(await verifyProjections(log, database, projections)),
      async (running) => sayVerified(await running.verify()),
    ),
  );

program
  .command('demo')
  .description('make an account with a year of a person’s life in it, in a Daybook that is not running, or in one that is (--url)')
  .option('--url <address>', 'of a Daybook that runs: there all of it happens now')
  .option('--password <password>', 'of the account; without it, one that nobody guesses')
  .option('--email <address>', 'address of the account', 'demo@example.com')
  .option('--seed <number>', 'another number is another year', wholeNumber, 1)
  .option('--size <factor>', 'how much happens: 1 is a busy year', factor, 1)
  .action(async ({ url, password = randomBytes(12).toString('base64url'), ...options }: DemoCommand) => {
    const year = { ...options, until: Date.now() };
    const tell = (made: { commands: number } | undefined) =>
      console.log(
        made
          ? `A year is there: ${made.commands} commands of ${options.email}. Log in with the password ${password}`
          : `${options.email} is there already, and nothing was done. Another --email makes another year.`,
      );
    if (url !== undefined) return tell(await makeDemoAt(url, password, year));
    const config = readConfig(process.env);
    return withStores(async (stores) => {
      const made = await makeDemo(stores, config, year, password);
      if (made) await prepareReadModel(stores.log, stores.database);
      tell(made);
    });
  });

program
  .command('eventstore')
  .description('run the embedded event log alone, until it is stopped')
  .requiredOption('--data-dir <folder>', 'folder of the log')
  .option('--port <port>', 'loopback port; 0 takes any free one', portNumber, 2113)
  .action(async ({ dataDir, port }: { dataDir: string; port: number }) => {
    const { connectionString, close } = await startEmbeddedEventStore({ directory: dataDir, port });
    console.log(`The event log is ready: ${connectionString}`);
    await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')]);
    await close();
  });

program
  .command('verify')
  .description('read all of the embedded event log, or of a backup of it, and say whether it is whole')
  .argument('[file]', 'a backup')
  .action((file?: string) => said(verifyLog(file ?? logFile(eventstoreFolder()))));

program
  .command('backup')
  .description('copy the embedded event log into a file, while Daybook runs if it does')
  .argument('<file>', 'where to; it must not be there yet')
  .action((file: string) => {
    said(backUpLog(eventstoreFolder(), file));
    console.log('A log works with its MASTER_KEY only, and files lie in the blob folder: keep both, apart from this.');
  });

program
  .command('restore')
  .description('put a backup into a data folder that has no event log; the next start builds the read model from it')
  .argument('<file>', 'the backup')
  .action((file: string) => withDataDirectory(({ eventstore }) => said(restoreLog(file, eventstore))));

program
  .command('scavenge')
  .description('take what was deleted and what has expired out of the embedded event log, for good; Daybook must not run')
  .action(() =>
    withDataDirectory(({ eventstore }) => {
      const removed = scavengeLog(eventstore);
      console.log(`${removed} events are gone. If the read model had ended at one of them, the next start builds it anew.`);
    }),
  );

function sayStatus(): Promise<void> {
  return onReadModel(
    async ({ log, database }) => sayAll(await statusLines(log, database)),
    async (running) => sayAll(await running.statusLines()),
  );
}

function rebuildReadModel(): Promise<void> {
  return onReadModel(
    ({ log, database }) => rebuildWithProgress(log, database, 'as asked'),
    async (running) => {
      sayAll(['Daybook runs, and goes on while the read model is built beside the one that serves.']);
      await running.rebuild((line) => sayAll([line]));
    },
  );
}

async function rebuildEmbeddings(): Promise<void> {
  await onReadModel(
    ({ database }) => embedAnew(database),
    (running) => running.act('rebuild', EMBEDDINGS),
  );
  sayAll(['Whoever embeds begins anew; what is there is found until then.']);
}

/** @throws where a table is not what the log gives */
function sayVerified(found: readonly Verification[]): void {
  sayAll(found.map(({ table, rows, hash }) => `${hash.slice(0, 16)}  ${table}: ${rows} rows`));
  const wrong = found.filter(({ differing }) => differing.length > 0);
  if (wrong.length > 0)
    throw new Error(
      ['Not what the event log gives:', ...wrong.map(({ table, differing }) => `${table}: ${differing.join(', ')}`)].join('\n  '),
    );
  sayAll(['Every table is what the event log gives.']);
}

const sayAll = (lines: readonly string[]) => {
  for (const line of lines) console.log(line);
};

/** With the stores, or through the Daybook that has them. */
async function onReadModel(work: (stores: Stores) => Promise<void>, ask: (running: RunningDaybook) => Promise<void>): Promise<void> {
  try {
    await withStores(work);
  } catch (error) {
    if (!(error instanceof DataDirectoryInUse)) throw error;
    await ask(runningDaybook(readConfig(process.env)));
  }
}

/** @throws an error of one sentence where the log is a cluster's */
function eventstoreFolder(): string {
  const { EVENTSTORE_URL, DAYBOOK_DATA_DIR } = readConfig(process.env);
  if (EVENTSTORE_URL !== undefined) throw new Error('EVENTSTORE_URL is set: that server has its own tools for this.');
  return join(DAYBOOK_DATA_DIR, 'eventstore');
}

function withDataDirectory(work: (directory: DataDirectory) => void): void {
  eventstoreFolder();
  const directory = openDataDirectory(readConfig(process.env).DAYBOOK_DATA_DIR);
  try {
    work(directory);
  } finally {
    directory.release();
  }
}

function said({ events, head, checksum, faults }: Report): void {
  if (faults.length > 0) throw new Error(['The event log is damaged:', ...faults].join('\n  '));
  console.log(`${events} events, the last at position ${head}. SHA-256 of them all: ${checksum}`);
}

function wholeNumber(text: string): number {
  const { success, data } = z.coerce.number().int().min(0).safeParse(text);
  if (!success) throw new InvalidArgumentError('must be a whole number from 0 on');
  return data;
}

function factor(text: string): number {
  const { success, data } = z.coerce.number().positive().max(100).safeParse(text);
  if (!success) throw new InvalidArgumentError('must be a number above 0, up to 100');
  return data;
}

function portNumber(text: string): number {
  const { success, data } = z.coerce.number().int().min(0).max(65_535).safeParse(text);
  if (!success) throw new InvalidArgumentError('must be a number from 0 to 65535');
  return data;
}

async function withStores(work: (stores: Stores) => Promise<void>): Promise<void> {
  const stores = await openStores(readConfig(process.env), (line) => console.log(line));
  try {
    await work(stores);
  } finally {
    await stores.close();
  }
}

try {
  await program.parseAsync();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
