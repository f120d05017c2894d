// The embedded log as a process of its own, for tests that kill it. Says where it listens, and runs until it is killed.
import { startEmbeddedEventStore } from '../../src/eventstore/embedded/embedded.ts';

const [directory = ''] = process.argv.slice(2);
const { connectionString } = await startEmbeddedEventStore({ directory });
console.log(connectionString);
