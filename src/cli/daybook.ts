// The command line: `npm run daybook -- <command>`. Exit code 0 is done, 1 is a fault that the one line on stderr names.
import { once } from 'node:events';
import { Command, InvalidArgumentError } from 'commander';
import { z } from 'zod';
import { readConfig } from '../config.ts';
import { startEmbeddedEventStore } from '../eventstore/embedded/embedded.ts';
import { openStores, type Stores } from '../stores.ts';
import { rebuildWithProgress } from './progress.ts';
import { statusLines } from './status.ts';

const program = new Command('daybook').description(
  'The backend of a personal assistant. Settings come from the environment, as for npm start.',
);

program
  .command('rebuild')
  .description('make the read model again from the event log')
  .action(() => withStores(({ log, database }) => rebuildWithProgress(log, database, 'as asked')));

program
  .command('status')
  .description('say how far the read model is, and what it could not read')
  .action(() =>
    withStores(async ({ log, database }) => {
      for (const line of await statusLines(log, database)) console.log(line);
    }),
  );

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
