// How well search finds: what an imagined person keeps is sent as commands, and what she looks for is asked in each mode. One half
// of the questions is what the constants of hybrid search were tuned on; only the other half says how good they are.
//   npm run bench:search
//   npm run bench:search -- --tune    also what other constants would have done on the first half
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { v7 } from 'uuid';
import { z } from 'zod';
import { readConfig } from '../src/config.ts';
import { createDaybook } from '../src/daybook.ts';
import { projections } from '../src/projections/index.ts';
import { rebuild } from '../src/projections/rebuild.ts';
import { openStores } from '../src/stores.ts';
import { searchedType, searchMode } from '../src/vocabulary.ts';
import { type Key, keptIn, type Question, questions, withoutSharedWords } from './search/labelled.ts';
import { mean, type Quality, quality } from './search/measure.ts';

const answered = z.object({ items: z.array(z.object({ entity_id: z.string() })) });

const folder = mkdtempSync(join(tmpdir(), 'daybook-bench-'));
const config = readConfig({ ...process.env, DAYBOOK_DATA_DIR: folder, PORT: '0' });
const stores = await openStores(config, () => {});
const { log, database } = stores;
await rebuild(log, database, projections, () => {});
const daybook = await createDaybook(stores, config, pino({ level: 'warn' }), { publicRequestsPerMinute: 1_000_000 });
try {
  const nora = await register();
  const keys = await load(nora);
  await untilEmbedded(nora, keys.size);
  await report(nora, keys);
  if (process.argv.includes('--tune')) await tune(nora, keys);
} finally {
  await daybook.stop();
  await stores.close();
  rmSync(folder, { recursive: true });
}

type Call = (method: 'GET' | 'POST', path: string, body?: object) => Promise<unknown>;

async function register(): Promise<Call> {
  const caller =
    (headers: Readonly<Record<string, string>>): Call =>
    async (method, path, payload) => {
      const answer = await daybook.app.inject({ method, url: `/api/v1${path}`, headers, ...(payload && { payload }) });
      if (answer.statusCode >= 300) throw new Error(`${method} ${path}: ${answer.statusCode} ${answer.body}`);
      return answer.json();
    };
  const body = { email: `${v7()}@example.org`, password: 'a password for the bench', display_name: 'Nora' };
  const { access_token } = z.object({ access_token: z.string() }).parse(await caller({})('POST', '/auth/register', body));
  return caller({ authorization: `Bearer ${access_token}` });
}

/** @returns what each entity's id stands for */
async function load(call: Call): Promise<ReadonlyMap<string, Key>> {
  const made = z.object({ id: z.string() });
  const session = made.parse(await call('POST', '/sessions', {})).id;
  const keys = new Map<string, Key>();
  for (const { path, body, key } of keptIn(session)) keys.set(made.parse(await call('POST', path, body)).id, key);
  return keys;
}

/** Until everything is found by its meaning. */
async function untilEmbedded(call: Call, things: number): Promise<void> {
  for (let found = 0; found < things; ) {
    await sleep(1_000);
    const counts = await Promise.all(
      searchedType.options.map(async (type) => (await ask(call, `anything&types=${type}`, 'vector')).length),
    );
    found = counts.reduce((sum, count) => sum + count, 0);
  }
}

async function ask(call: Call, q: string, mode: string): Promise<readonly string[]> {
  const found = await call('GET', `/search?q=${q}&mode=${mode}&limit=100`);
  return answered.parse(found).items.map(({ entity_id }) => entity_id);
}

async function report(call: Call, keys: ReadonlyMap<string, Key>): Promise<void> {
  const distant = await withoutSharedWords(database);
  console.log(`${keys.size} things, ${questions.length} questions, of which ${distant.size} share no word with their answers`);
  for (const half of ['tuning', 'reporting'] as const) {
    console.log(`\n${half} half                  questions${searchMode.options.map((mode) => `  ${mode.padEnd(17)}`).join('')}`);
    const asked = questions.filter((question) => question.half === half);
    const groups = {
      all: asked,
      'without a shared word': asked.filter((question) => distant.has(question)),
      'with a shared word': asked.filter((question) => !distant.has(question)),
    };
    for (const [name, group] of Object.entries(groups)) {
      const columns = await Promise.all(searchMode.options.map((mode) => measured(call, keys, mode, group)));
      console.log(`  ${name.padEnd(28)}${String(group.length).padStart(4)}${columns.map((column) => `  ${column.padEnd(17)}`).join('')}`);
    }
  }
  console.log('\n  recall@10 / nDCG@10');
}

async function measured(call: Call, keys: ReadonlyMap<string, Key>, mode: string, group: readonly Question[]): Promise<string> {
  const qualities: Quality[] = [];
  for (const { q, answers } of group) {
    const found = await ask(call, encodeURIComponent(q), mode);
    qualities.push(
      quality(
        found.map((id) => keys.get(id) ?? ''),
        answers,
      ),
    );
  }
  return shown(qualities);
}

function shown(qualities: readonly Quality[]): string {
  const { recall, ndcg } = mean(qualities);
  return `${recall.toFixed(3)} / ${ndcg.toFixed(3)}`;
}

/** What reciprocal rank fusion would have done with other constants. */
async function tune(call: Call, keys: ReadonlyMap<string, Key>): Promise<void> {
  console.log('\ntuning half, hybrid by the weight of the words (across; that of the meaning is 1) and the flatness (down)');
  const lists = await Promise.all(
    questions
      .filter(({ half }) => half === 'tuning')
      .map(async ({ q, answers }) => {
        const keysBy = async (mode: string) => (await ask(call, encodeURIComponent(q), mode)).map((id) => keys.get(id) ?? '');
        return { answers, words: await keysBy('text'), meaning: await keysBy('vector') };
      }),
  );
  const weights = [0.25, 0.5, 1, 2, 4, 8];
  console.log(`      ${weights.map((weight) => String(weight).padEnd(15)).join('')}`);
  for (const flatness of [1, 5, 10, 20, 60]) {
    const columns = weights.map((weight) =>
      shown(lists.map(({ answers, words, meaning }) => quality(fused(words, meaning, weight, flatness), answers))),
    );
    console.log(`  ${String(flatness).padEnd(4)}${columns.map((column) => column.padEnd(15)).join('')}`);
  }
}

function fused(words: readonly string[], meaning: readonly string[], weight: number, flatness: number): readonly string[] {
  const score = (key: string) => part(words.indexOf(key), weight, flatness) + part(meaning.indexOf(key), 1, flatness);
  return [...new Set([...words, ...meaning])].toSorted((a, b) => score(b) - score(a));
}

function part(index: number, weight: number, flatness: number): number {
  return index < 0 ? 0 : weight / (flatness + index + 1);
}
