// How fast a command is, beside the least that could do the job: a route of the same Fastify with a plain SQL insert into the
// same Postgres. What Fastify does for each request, it does for both: an id, headers, limits, metrics, a line for the log. Who
// is calling, the plain one does not ask. Both are driven over real sockets, in turns, in one run: npm run bench
// Nothing is embedded meanwhile, which takes what it finds idle of a machine, and for longer than this takes; with it:
// ROLES=api,projector,embedder,scheduler npm run bench
import { rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { pino } from 'pino';
import { sql } from 'slonik';
import { v7 } from 'uuid';
import { z } from 'zod';
import { readConfig } from '../src/config.ts';
import { createDaybook, type Daybook } from '../src/daybook.ts';
import { projections } from '../src/projections/index.ts';
import { rebuild } from '../src/projections/rebuild.ts';
import { openStores } from '../src/stores.ts';

const ROUNDS = 5;
const folder = process.env.DAYBOOK_DATA_DIR ?? `/tmp/daybook-bench-${process.pid}`;
const config = readConfig({ ROLES: 'api,projector,scheduler', ...process.env, DAYBOOK_DATA_DIR: folder, PORT: '0' });
const stores = await openStores(config, () => {});
const { log, database } = stores;
await rebuild(log, database, projections, () => {});

const daybook = await createDaybook(stores, config, pino({ level: 'silent' }));
await addPlain(daybook.app);
await daybook.app.listen({ port: 0 });
const port = portOf(daybook.app);

const agent = new Agent({ keepAlive: true, maxSockets: 64 });
const { access_token } = await registered();

/** The least: validate, insert, answer with the row. */
async function addPlain(app: Daybook['app']) {
  await database.query(
    sql.unsafe`CREATE TABLE IF NOT EXISTS plain_tasks (id uuid PRIMARY KEY, title text NOT NULL, created_at timestamptz NOT NULL)`,
  );
  const body = z.strictObject({ title: z.string().min(1).max(500) });
  const row = z.object({ id: z.string(), title: z.string(), created_at: z.string() });
  app.post('/plain/tasks', { schema: { hide: true } }, async (request, reply) => {
    const { title } = body.parse(request.body);
    return reply
      .code(201)
      .send(
        await database.one(
          sql.type(row)`INSERT INTO plain_tasks VALUES (${v7()}, ${title}, ${new Date().toISOString()}) RETURNING id, title, created_at`,
        ),
      );
  });
}

async function registered() {
  const body = { email: `${v7()}@example.org`, password: 'a password for the bench', display_name: 'Bench' };
  return z.object({ access_token: z.string() }).parse(JSON.parse(await post('/api/v1/auth/register', body)));
}

function portOf({ server }: Daybook['app']): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server listens on no port');
  return address.port;
}

function post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const call = request({ port, path, method: 'POST', agent, headers: { 'content-type': 'application/json', ...headers } }, (response) => {
    const chunks: Buffer[] = [];
    response.on('data', (chunk: Buffer) => chunks.push(chunk));
    response.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      if ((response.statusCode ?? 500) >= 300) reject(new Error(`${response.statusCode}: ${text}`));
      else resolve(text);
    });
  });
  call.on('error', reject);
  call.end(JSON.stringify(body));
  return promise;
}

/** Requests a second. */
async function rate(call: () => Promise<unknown>, requests: number, inFlight: number): Promise<number> {
  const began = performance.now();
  let left = requests;
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (left > 0) {
        left -= 1;
        await call();
      }
    }),
  );
  return requests / ((performance.now() - began) / 1_000);
}

const authorization = { authorization: `Bearer ${access_token}` };
const candidates = {
  'plain SQL insert': () => post('/plain/tasks', { title: 'Buy milk' }),
  'POST /tasks, return=minimal': () => post('/api/v1/tasks', { title: 'Buy milk' }, { ...authorization, prefer: 'return=minimal' }),
  'POST /tasks, with its answer': () => post('/api/v1/tasks', { title: 'Buy milk' }, authorization),
};

const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

for (const [inFlight, requests] of [
  [1, 200],
  [32, 1_000],
] as const) {
  const measured = Object.entries(candidates).map(([name, call]) => ({ name, call, rates: [] as number[] }));
  for (const { call } of measured) await rate(call, requests, inFlight);
  for (let round = 0; round < ROUNDS; round += 1) for (const { call, rates } of measured) rates.push(await rate(call, requests, inFlight));
  const base = median(measured[0]?.rates ?? []);
  console.log(`\n${inFlight} in flight, median of ${ROUNDS} rounds of ${requests}`);
  for (const { name, rates } of measured) {
    console.log(
      `  ${name.padEnd(30)} ${Math.round(median(rates)).toString().padStart(6)}/s   ${(median(rates) / base).toFixed(2)} of plain`,
    );
  }
}

agent.destroy();
await daybook.stop();
await stores.close();
if (process.env.DAYBOOK_DATA_DIR === undefined) rmSync(folder, { recursive: true });
