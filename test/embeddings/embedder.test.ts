// From what is written to its vectors, by way of the log, the read model and an endpoint that embeds: whatever fails, and
// whoever else does the same.
import { randomUUIDv7 } from 'node:crypto';
import { type CommonQueryMethods, type DatabasePool, sql } from 'slonik';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { runningDaybook } from '../../src/cli/running.ts';
import { statusLines } from '../../src/cli/status.ts';
import { readConfig } from '../../src/config.ts';
import type { Daybook } from '../../src/daybook.ts';
import { follow } from '../../src/embeddings/follower.ts';
import { LOCAL_MODEL } from '../../src/embeddings/localModel.ts';
import { want } from '../../src/embeddings/models.ts';
import { type Place, PlaceMoved, readPlace } from '../../src/embeddings/place.ts';
import { embeddingStandings } from '../../src/embeddings/standing.ts';
import { subjectOf } from '../../src/embeddings/texts.ts';
import { chunkOf, keep, storeRows } from '../../src/embeddings/vectors.ts';
import { projections } from '../../src/projections/index.ts';
import { followProgress } from '../../src/projections/progress.ts';
import { rebuild } from '../../src/projections/rebuild.ts';
import { secrets, startDaybook, startNode, type TestDaybook } from '../support/daybook.ts';
import { type EmbeddingEndpoint, embeddingEndpoint, type Failure, saying, status, vectorOf } from '../support/embeddingEndpoint.ts';
import { client, inject, type Person, register } from '../support/person.ts';

const patience = { timeout: 20_000 };
let endpoint: EmbeddingEndpoint;
let daybook: TestDaybook;
let ann: Person;
let admin: Person;
const nodes: Daybook[] = [];

beforeAll(async () => {
  endpoint = await embeddingEndpoint();
  daybook = await startDaybook({ ADMIN_EMAILS: 'admin@example.com' });
  ann = await register(daybook.app);
  admin = await register(daybook.app, 'Admin', 'admin@example.com');
  expect((await admin.post('/system/projections/embeddings/pause')).status).toBe(409);
});
afterAll(async () => {
  await daybook.close();
  await endpoint.close();
});
beforeEach(() => {
  endpoint.texts.length = 0;
});
afterEach(async () => {
  for (const { stop } of nodes.splice(0)) await stop();
  endpoint.refuse = () => false;
  endpoint.failures.length = 0;
  endpoint.dimensions.clear();
});

const KEY = 'sk-a-secret-of-the-endpoint-0123456789';
/** One more process, which embeds. */
async function embedder(model = 'words', environment: Record<string, string> = {}): Promise<Daybook> {
  const node = await startNode(daybook, {
    ...{ ROLES: 'embedder', EMBEDDINGS_URL: endpoint.url, EMBEDDINGS_MODEL: model, EMBEDDINGS_API_KEY: KEY },
    ...{ EMBEDDINGS_REQUESTS_PER_MINUTE: '1000000', ...environment },
  });
  nodes.push(node);
  return node;
}

const created = z.object({ id: z.string() });
const add = async (path: string, body: object, person = ann) => created.parse((await person.post(path, body)).body).id;
const contentOf = (id: string, model = 'words') =>
  daybook.database.anyFirst(sql.type(z.object({ content: z.string() }))`
    SELECT content FROM relationships.entity_embeddings WHERE entity_id = ${id} AND model = ${model} ORDER BY chunk_index`);
const count = z.object({ count: z.number() });
const rowsOf = (person: Person) =>
  daybook.database.oneFirst(sql.type(count)`SELECT count(*) AS count FROM relationships.entity_embeddings WHERE user_id = ${person.id}`);
const vectorsOf = (person: Person) =>
  daybook.database.oneFirst(sql.type(count)`SELECT count(*) AS count FROM embeddings.vectors WHERE user_id = ${person.id}`);

async function leave({ token }: Person): Promise<void> {
  const payload = { current_password: 'correct horse battery staple' };
  const left = { method: 'DELETE', url: '/api/v1/users/me', headers: { authorization: `Bearer ${token}` }, payload } as const;
  expect((await inject(daybook.app, left)).status).toBe(204);
}

/** Rows and vectors as they are, of whatever model. */
const everything = () =>
  daybook.database.any(sql.type(z.record(z.string(), z.unknown()))`
    SELECT entity_type, entity_id, chunk_index, content, content_sha256, model, dimensions, embedding::text
    FROM relationships.entity_embeddings ORDER BY model, entity_id, chunk_index`);
const stateOf = (node: Daybook) => node.embedder?.status()[0]?.state;

test('where nothing is written yet, everything is embedded', async () => {
  await embedder();
  await expect
    .poll(async () => (await embeddingStandings(daybook.log, daybook.database))[0], patience)
    .toMatchObject({ is_complete: true });
});

describe('what is written', () => {
  test('is embedded, each kind of it, and only where it has changed', async () => {
    await embedder();
    const session = await add('/sessions', { title: 'Talk', channel: 'cli' });
    const message = await add(`/sessions/${session}/messages`, { role: 'user', content: 'Water\n the plants' });
    const task = await add('/tasks', { title: 'Plants', description: 'on the balcony' });
    const email = await add('/emails', { direction: 'inbound', from_address: 'a@b.org', subject: 'Hello', body_text: 'Are you well?' });
    const event = await add('/calendar/events', {
      ...{ title: 'Dentist', location: 'Main Street', timezone: 'UTC' },
      ...{ starts_at: '2027-01-01T10:00:00Z', ends_at: '2027-01-01T11:00:00Z' },
    });
    const document = await add('/documents', { title: 'Diary', content: 'A long day', content_type: 'text/plain' });
    await expect.poll(() => contentOf(document), patience).toEqual(['Diary A long day']);
    expect(await Promise.all([message, task, email, event].map((id) => contentOf(id)))).toEqual([
      ['Water the plants'],
      ['Plants on the balcony'],
      ['Hello Are you well?'],
      ['Dentist Main Street'],
    ]);

    endpoint.texts.length = 0;
    await ann.post(`/tasks/${task}/start`);
    await ann.patch(`/documents/${document}`, { title: 'Old diary' });
    await expect.poll(() => contentOf(document), patience).toEqual(['Old diary A long day']);
    expect(endpoint.texts).toEqual(['Old diary A long day']);
  });

  test('is embedded also after what somebody else wrote into a stream that is called alike', async () => {
    expect(['task-x', 'user-42', 'task-', `session-${ann.id}`, `task-${ann.id}`].map(subjectOf)).toEqual([
      ...[undefined, undefined, undefined, undefined],
      { type: 'task', id: ann.id },
    ]);
    const event = { event_id: randomUUIDv7(), type: 'SomethingElse', data: {}, metadata: { user_id: 'x', $correlationId: 'x' } };
    await daybook.log.append('task-x', 'any', [event]);
    await embedder();
    const id = await add('/tasks', { title: 'After somebody else' });
    await expect.poll(() => contentOf(id), patience).toEqual(['After somebody else']);
  });

  test('is embedded for each who wrote it, also where they wrote the same', async () => {
    const joe = await register(daybook.app, 'Joe');
    await embedder();
    for (const person of [ann, joe]) {
      const id = await add('/tasks', { title: 'What two have to do' }, person);
      await expect.poll(() => contentOf(id), patience).toEqual(['What two have to do']);
    }
    expect(endpoint.texts).toEqual(['What two have to do', 'What two have to do']);
    await leave(joe);
    await expect.poll(() => rowsOf(joe), patience).toBe(0);
  });

  test('where it is long, in chunks, of which only those are embedded that have changed', async () => {
    await embedder();
    const words = Array.from({ length: 1_200 }, (_, index) => `word${index}`);
    const id = await add('/documents', { title: 'Long', content: words.join(' '), content_type: 'text/plain' });
    await expect.poll(async () => (await contentOf(id)).length, patience).toBeGreaterThan(8);
    const before = endpoint.texts.length;
    expect(await contentOf(id)).toEqual(endpoint.texts);

    endpoint.texts.length = 0;
    await ann.patch(`/documents/${id}`, { content: words.slice(0, 600).join(' ') });
    await expect.poll(async () => (await contentOf(id)).length, patience).toBeLessThan(before);
    // The last one ends elsewhere; those before it are the same.
    await expect.poll(async () => (await contentOf(id)).at(-1), patience).toMatch(/word599$/);
    expect(endpoint.texts).toHaveLength(1);
  });

  test('and deleted leaves no row, also with what it was part of, and in time no vector', async () => {
    const bob = await register(daybook.app, 'Bob');
    await embedder();
    const session = await add('/sessions', { title: 'Talk', channel: 'cli' }, bob);
    await add(`/sessions/${session}/messages`, { role: 'user', content: 'Never mind' }, bob);
    const task = await add('/tasks', { title: 'Of no use' }, bob);
    await expect.poll(() => rowsOf(bob), patience).toBe(2);
    await bob.delete(`/sessions/${session}`);
    await bob.delete(`/tasks/${task}`);
    await expect.poll(() => rowsOf(bob), patience).toBe(0);
    // Who starts looks for what is left of any.
    for (const { stop } of nodes.splice(0)) await stop();
    await embedder();
    await expect.poll(() => vectorsOf(bob), patience).toBe(0);
  });

  test('and deleted while it is being embedded leaves none either', async () => {
    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    endpoint.hold.set('words', held);
    await embedder();
    const asked = endpoint.headers.length;
    const session = await add('/sessions', { title: 'Talk', channel: 'cli' });
    const message = await add(`/sessions/${session}/messages`, { role: 'user', content: 'On second thought' });
    await expect.poll(() => endpoint.headers.length, patience).toBeGreaterThan(asked);
    // No event tells of the message.
    await ann.delete(`/sessions/${session}`);
    await expect.poll(async () => (await ann.get(`/messages/${message}`)).status, patience).toBe(404);
    endpoint.hold.delete('words');
    release();
    const next = await add('/tasks', { title: 'A third' });
    await expect.poll(() => contentOf(next), patience).toEqual(['A third']);
    expect(await contentOf(message)).toEqual([]);
  });

  test('by somebody who leaves is gone with them, vectors and all', async () => {
    const eve = await register(daybook.app, 'Eve');
    await embedder();
    await add('/tasks', { title: 'Leave' }, eve);
    await expect.poll(() => rowsOf(eve), patience).toBe(1);
    expect(await vectorsOf(eve)).toBe(1);
    await leave(eve);
    await expect.poll(() => vectorsOf(eve), patience).toBe(0);
    expect(await rowsOf(eve)).toBe(0);
    // As when it was on its way.
    await keep(daybook.database, 'words', eve.id, [{ sha256: 'late', vector: [1] }]);
    expect(await vectorsOf(eve)).toBe(0);
  });

  test('by somebody who leaves is gone with them also while the model is away, or is held', async () => {
    const [hal, ida] = [await register(daybook.app, 'Hal'), await register(daybook.app, 'Ida')];
    const node = await embedder();
    for (const person of [hal, ida]) {
      await add('/tasks', { title: 'Leave, too' }, person);
      await expect.poll(() => vectorsOf(person), patience).toBe(1);
    }
    endpoint.refuse = () => true;
    const waiting = await add('/tasks', { title: 'To be waited for' });
    await expect.poll(() => stateOf(node), patience).toBe('waiting');
    await leave(hal);
    await expect.poll(() => vectorsOf(hal), patience).toBe(0);
    expect(stateOf(node)).toBe('waiting');
    expect((await admin.post('/system/projections/embeddings/pause')).status).toBe(200);
    await expect.poll(() => stateOf(node), patience).toBe('paused');
    await leave(ida);
    await expect.poll(() => vectorsOf(ida), patience).toBe(0);
    expect(stateOf(node)).toBe('paused');
    endpoint.refuse = () => false;
    expect((await admin.post('/system/projections/embeddings/resume')).status).toBe(200);
    await expect.poll(() => contentOf(waiting), patience).toHaveLength(1);
  });
});

describe('an endpoint that fails', () => {
  test('is asked again until it does not, and each call is in the integration log, without text or key', async () => {
    const fay = await register(daybook.app, 'Fay');
    const numbers = (length: number) => saying({ data: [{ index: 0, embedding: Array.from({ length }, () => 1) }] });
    endpoint.failures.push(status(429, { 'retry-after': '0' }), status(500, {}, `the key ${KEY}`), numbers(3));
    await embedder();
    const id = await add('/tasks', { title: 'Confidential matter' }, fay);
    await expect.poll(() => contentOf(id), patience).toEqual(['Confidential matter']);
    const logged = z.object({ items: z.array(z.object({ status: z.string(), http_status: z.number().nullable() })) });
    const log = async () => (await fay.get('/integration-logs')).body;
    await expect
      .poll(async () => logged.parse(await log()).items.map((item) => `${item.status} ${item.http_status}`), patience)
      .toEqual(['succeeded 200', 'succeeded 200', 'retried 500', 'retried 429']);
    expect(await log()).toMatchObject({
      items: expect.arrayContaining([
        expect.objectContaining({
          ...{ integration: 'embeddings', operation: 'embeddings.create', direction: 'outbound' },
          request: { method: 'POST', url: `${endpoint.url}/embeddings`, model: 'words', texts: 1, characters: 19 },
          ...{ response: { total_tokens: 7 }, correlation_id: 'the-request' },
        }),
      ]),
    });
    expect(JSON.stringify(await log())).not.toMatch(/Confidential|a-secret/);
  });

  test('to give vectors as long as before is asked again, and questions have its words left', async () => {
    const node = await embedder('words', { ROLES: 'api,projector,embedder' });
    const { get } = client(node.app, ann.token);
    const id = await add('/tasks', { title: 'Row a dinghy' });
    await expect.poll(() => contentOf(id), patience).toHaveLength(1);
    endpoint.dimensions.set('words', 65);
    expect(await get('/search?q=dinghy&mode=vector')).toMatchObject({ status: 503 });
    expect(await get('/search?q=dinghy')).toMatchObject({ status: 200, body: { mode: 'text', items: [{ entity_id: id }] } });
    const later = await add('/tasks', { title: 'Row another' });
    await expect
      .poll(() => node.embedder?.status()[0]?.lastError, patience)
      .toBe('words gave a vector of 65 numbers; those that are there have 64');
    endpoint.dimensions.delete('words');
    expect(await get('/search?q=dinghy')).toMatchObject({ status: 200, body: { mode: 'hybrid' } });
    await expect.poll(() => contentOf(later), patience).toHaveLength(1);
  });

  test('in a way that nobody thought of costs nobody their search', async () => {
    const node = await embedder('words', { ROLES: 'api,projector,embedder' });
    const gus = await register(daybook.app, 'Gus');
    const words = Array.from({ length: 300 }, (_, index) => `kite${index}`).join(' ');
    const [good, bad] = [await add('/documents', { title: 'Kites', content: words }, gus), await add('/tasks', { title: 'Kite' }, gus)];
    await expect.poll(() => rowsOf(gus), patience).toBeGreaterThan(3);
    expect(await contentOf(bad)).toHaveLength(1);
    await daybook.database.query(sql.unsafe`
      UPDATE relationships.entity_embeddings SET embedding = array_fill(0, ARRAY[64])::vector
      WHERE entity_id = ${bad} OR (entity_id = ${good} AND chunk_index = 0)`);
    const found = { status: 200, body: { items: [{ entity_id: good }] } };
    const { get } = client(node.app, gus.token);
    expect(await get('/search?q=boat&mode=vector&explain=true')).toMatchObject(found);
    expect(await get('/search?q=boat&explain=true')).toMatchObject(found);
  });

  test('to take one text has it set aside, takes all others, and takes it when it is another', async () => {
    endpoint.refuse = (text) => text.includes('forbidden');
    const node = await embedder();
    const [bad, good] = await Promise.all([add('/tasks', { title: 'A forbidden word' }), add('/tasks', { title: 'A word' })]);
    await expect.poll(() => contentOf(good), patience).toEqual(['A word']);
    await expect.poll(() => stateOf(node), patience).toBe('degraded');
    expect((await ann.get('/system/projections')).body).toMatchObject({ embeddings: [{ model: 'words', set_aside: 1, lag_events: 0 }] });
    expect(await contentOf(bad)).toEqual([]);
    await ann.patch(`/tasks/${bad}`, { title: 'A better word' });
    await expect.poll(() => contentOf(bad), patience).toEqual(['A better word']);
    await expect.poll(() => stateOf(node), patience).toBe('running');

    // What it did not take before it may take one day.
    endpoint.refuse = (text) => text.includes('odd');
    const odd = await add('/tasks', { title: 'An odd word' });
    await expect.poll(() => stateOf(node), patience).toBe('degraded');
    endpoint.refuse = () => false;
    await daybook.database.query(sql.unsafe`UPDATE embeddings.set_aside SET not_before = now()`);
    for (const { stop } of nodes.splice(0)) await stop();
    await embedder();
    await expect.poll(() => contentOf(odd), patience).toEqual(['An odd word']);
  });

  test('is left alone for as long as it says, and ever longer where it says nothing', async () => {
    const node = await embedder();
    await expect.poll(() => stateOf(node), patience).toBe('running');
    const times: number[] = [];
    const failing =
      (headers: Record<string, string>): Failure =>
      (response) => {
        times.push(performance.now());
        status(503, headers)(response);
      };
    endpoint.failures.push(failing({ 'retry-after': '1' }), failing({}), failing({}), failing({}));
    const id = await add('/tasks', { title: 'Have patience' });
    await expect.poll(() => contentOf(id), patience).toHaveLength(1);
    const waits = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    // Without the endpoint's word, it would have been a quarter of a second at first; then twice that, and again.
    for (const [index, least] of [1_000, 500, 1_000].entries()) expect(waits[index]).toBeGreaterThan(least - 20);
  });

  test('to take anything at all is waited for, and nothing is set aside', async () => {
    endpoint.refuse = () => true;
    const node = await embedder();
    const id = await add('/tasks', { title: 'In vain' });
    await expect.poll(() => stateOf(node), patience).toBe('waiting');
    expect(node.embedder?.status()[0]?.lastError).toContain('400');
    expect((await ann.get('/system/projections')).body).toMatchObject({ embeddings: [{ set_aside: 0, lag_events: 1 }] });
    endpoint.refuse = () => false;
    await expect.poll(() => contentOf(id), patience).toEqual(['In vain']);
  });
});

describe('whoever runs Daybook', () => {
  const statuses = z.object({ embeddings: z.array(z.object({ model: z.string(), status: z.string() })) });
  const statusAt = async (node: Daybook) => {
    const { body } = await client(node.app, admin.token).get('/system/projections');
    return statuses.parse(body).embeddings[0]?.status;
  };
  const act = async (word: string) => (await admin.post(`/system/projections/embeddings/${word}`)).status;

  test('has it held in all processes, also in one that starts then and for another model, until it is resumed', async () => {
    const [one, other] = [await embedder(), await embedder()];
    await expect.poll(() => [stateOf(one), stateOf(other)].toSorted(), patience).toEqual(['elsewhere', 'running']);
    expect((await ann.post('/system/projections/embeddings/pause')).status).toBe(403);
    expect(await act('pause')).toBe(200);
    expect(await statusAt(daybook)).toBe('paused');
    await expect.poll(() => [stateOf(one), stateOf(other)], patience).toEqual(['paused', 'paused']);
    const id = await add('/tasks', { title: 'Held' });
    for (const { stop } of nodes.splice(0)) await stop();

    const next = await embedder();
    const another = await embedder('more words');
    await expect.poll(() => [stateOf(next), stateOf(another)], patience).toEqual(['paused', 'paused']);
    await rebuild(daybook.log, daybook.database, projections, () => {});
    await expect
      .poll(async () => (await statusLines(daybook.log, daybook.database)).slice(-2), patience)
      .toEqual([
        expect.stringMatching(/^Embedder more words: paused, has \d+ events to look at, the oldest for [\d.]+ s; not complete yet\.$/),
        expect.stringMatching(/^Embedder words: paused, has \d+ events to look at, the oldest for [\d.]+ s\.$/),
      ]);
    expect(endpoint.texts).toEqual([]);

    await daybook.database.query(sql.unsafe`DELETE FROM embeddings.models WHERE name = 'more words'`);
    expect(await act('resume')).toBe(200);
    await expect.poll(() => contentOf(id), patience).toEqual(['Held']);
    await expect.poll(() => stateOf(next), patience).toBe('running');
    expect(await act('verify')).toBe(404);
  });

  test('has everything embedded anew, which is found meanwhile by what it had', async () => {
    const node = await embedder();
    const id = await add('/tasks', { title: 'Known by an older vector' });
    await expect.poll(() => contentOf(id), patience).toHaveLength(1);
    await expect.poll(() => stateOf(node), patience).toBe('running');
    const found = z.object({ lag_events: z.number() });
    const lag = async () => found.parse((await embeddingStandings(daybook.log, daybook.database))[0]).lag_events;
    // The tables may have been built anew just now, and what is embedded is still being put back.
    await expect.poll(lag, patience).toBe(0);
    const before = await everything();
    await daybook.database.query(sql.unsafe`
      UPDATE relationships.entity_embeddings SET embedding = (SELECT embedding FROM embeddings.vectors LIMIT 1)`);
    await daybook.database.query(sql.unsafe`UPDATE embeddings.vectors SET embedding = (SELECT embedding FROM embeddings.vectors LIMIT 1)`);
    expect(await everything()).not.toEqual(before);
    endpoint.texts.length = 0;

    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    endpoint.hold.set('words', held);
    expect(await act('rebuild')).toBe(200);
    await expect.poll(lag, patience).toBeGreaterThan(0);
    expect(await contentOf(id)).toEqual(['Known by an older vector']);
    release();
    await expect.poll(everything, patience).toEqual(before);
    expect(new Set(endpoint.texts)).toEqual(new Set(before.map(({ content }) => content)));
    expect(new Set(endpoint.texts).size).toBe(endpoint.texts.length);
  });

  test('reads on the command line how it is', async () => {
    const node = await embedder('words', { ROLES: 'api,projector,embedder' });
    const { port } = new URL(await node.app.listen({ host: '127.0.0.1', port: 0 }));
    const running = runningDaybook(readConfig({ HOST: '127.0.0.1', PORT: port, JWT_SECRET: secrets.jwtSecret }));
    const id = await add('/tasks', { title: 'Read of' });
    await expect.poll(() => contentOf(id), patience).toHaveLength(1);
    await expect
      .poll(async () => (await running.statusLines()).slice(-2), patience)
      .toEqual(['Embedder words: running, is done with all there is.', expect.stringMatching(/^It takes [\d.]+ events\/s\.$/)]);
    endpoint.refuse = (text) => text.includes('refused');
    const refused = await add('/tasks', { title: 'To be refused' });
    await expect
      .poll(async () => (await running.statusLines()).slice(-3), patience)
      .toEqual([
        'Embedder words: degraded, is done with all there is; 1 texts are set aside and tried again.',
        expect.stringMatching(/^It takes [\d.]+ events\/s\.$/),
        'Last error: 1 texts are refused by words',
      ]);
    const { body } = await node.app.inject('/metrics');
    const metrics = [...body.matchAll(/^daybook_embedder_(\w+)\{model="words"\} (\S+)$/gm)].map(([, name = '', value]) => [
      name,
      Number(value),
    ]);
    expect(Object.fromEntries(metrics)).toEqual({
      ...{ running: 0, rate: expect.any(Number), position: expect.any(Number), lag_events: 0, lag_seconds: 0, set_aside: 1 },
    });
    await running.act('pause', 'embeddings');
    await expect.poll(async () => (await running.statusLines()).at(-3), patience).toContain('Embedder words: paused');
    await running.act('resume', 'embeddings');
    await expect.poll(async () => (await running.statusLines()).at(-3), patience).toContain('Embedder words: degraded');
    await ann.delete(`/tasks/${refused}`);
    await expect.poll(() => stateOf(node), patience).toBe('running');
  });
});

describe('once more', () => {
  test('built anew, the read model has the same rows, and the model is not asked', async () => {
    const node = await embedder();
    await expect.poll(() => stateOf(node), patience).toBe('running');
    const before = await everything();
    expect(before.length).toBeGreaterThan(5);
    await rebuild(daybook.log, daybook.database, projections, () => {});
    await expect.poll(everything, patience).toEqual(before);
    expect(endpoint.texts).toEqual([]);
  });

  test('where the log is another than before, everything is looked at again', async () => {
    const first = await embedder();
    const id = await add('/tasks', { title: 'Of this log' });
    await expect.poll(() => contentOf(id), patience).toHaveLength(1);
    nodes.length = 0;
    await first.stop();
    await daybook.database.query(sql.unsafe`UPDATE daybook.checkpoints SET event_id = ${randomUUIDv7()} WHERE name = 'embeddings: words'`);
    await daybook.database.query(sql.unsafe`DELETE FROM relationships.entity_embeddings WHERE entity_id = ${id}`);
    await embedder();
    await expect.poll(() => contentOf(id), patience).toEqual(['Of this log']);
  });

  test('two at once ask of each text once, and what one leaves the other takes up', async () => {
    const [one, other] = [await embedder(), await embedder()];
    await expect.poll(() => [stateOf(one), stateOf(other)].toSorted(), patience).toEqual(['elsewhere', 'running']);
    const titles = ['One', 'Two', 'Three', 'Four'];
    const ids = await Promise.all(titles.map((title) => add('/tasks', { title })));
    for (const id of ids) await expect.poll(() => contentOf(id), patience).toHaveLength(1);
    expect(endpoint.texts.toSorted()).toEqual(titles.toSorted());
    const [busy = one, idle] = stateOf(one) === 'running' ? [one, other] : [other, one];
    nodes.splice(nodes.indexOf(busy), 1);
    await busy.stop();
    const id = await add('/tasks', { title: 'Five' });
    await expect.poll(() => contentOf(id), patience).toEqual(['Five']);
    expect(stateOf(idle)).toBe('running');
  });

  test('one that was overtaken writes nothing of what it has read before', async () => {
    const { database } = daybook;
    const id = await add('/tasks', { title: 'Newer' });
    await embedder();
    await expect.poll(() => contentOf(id), patience).toEqual(['Newer']);
    const place = await readPlace(database, 'words');
    const older = [chunkOf('Older')];
    const write = (from: Place) =>
      storeRows(
        database,
        { name: 'words', dimensions: 64 },
        from,
        { type: 'task', id, version: 0, at: '2026-01-01T00:00:00.000Z' },
        ann.id,
        older,
        [],
      );
    await expect(write({ ...place, position: 1n, event_id: id, model_version: '1', build_id: place?.build_id ?? id })).rejects.toThrow(
      PlaceMoved,
    );
    await expect(write({ position: null, event_id: null, model_version: '1', ...place, build_id: id })).rejects.toThrow(PlaceMoved);
    expect(await contentOf(id)).toEqual(['Newer']);
  });

  test('it crashes between any two steps, and goes on with the same rows', { timeout: 120_000 }, async () => {
    const texts: string[] = [];
    const model = {
      name: 'crashing',
      embed: async (asked: readonly string[]) => {
        texts.push(...asked);
        return asked.map((text) => vectorOf(text, 8));
      },
      close: async () => {},
    };
    const quiet = { info: () => {}, warn: () => {}, error: () => {} };
    const progress = followProgress(daybook.database, 'read_model');
    const run = async (database: DatabasePool, isDone: () => Promise<boolean>) => {
      const follower = follow(model, { log: daybook.log, database, progress, logger: quiet, onComputed: () => {} });
      follower.start();
      await expect.poll(isDone, patience).toBe(true);
      await follower.stop();
    };
    await want(daybook.database, model.name);
    const head = (await daybook.log.head()) ?? 0n;
    const place = () =>
      daybook.database.maybeOneFirst(sql.type(z.object({ position: z.number().nullable() }))`
        SELECT position FROM daybook.checkpoints WHERE name = 'embeddings: crashing'`);
    const ofModel = async () => (await everything()).filter((row) => row.model === model.name);
    const isThere = async () => Number(await place()) >= Number(lastOfTexts);
    const all = await Array.fromAsync(daybook.log.readAll(null));
    const lastOfTexts =
      all.filter(({ stream }) => /^(task|message|document|email|calendarEvent|user)-/.test(stream)).at(-1)?.position ?? head;
    await run(daybook.database, isThere);
    const right = await ofModel();
    expect(right.length).toBeGreaterThan(3);

    const steps = Number(process.env.DAYBOOK_FAULT_ROUNDS ?? 2);
    let crashes = 0;
    for (let at = 1; at <= steps; at += 1) {
      await forget(model.name);
      texts.length = 0;
      const failing = failingAt(daybook.database, at);
      await run(failing.database, isThere);
      if (failing.hasFailed()) crashes += 1;
      expect(await ofModel(), `crashed before step ${at}`).toEqual(right);
      // At the most what it was asked just then is asked again.
      expect(texts.length, `crashed before step ${at}`).toBeLessThanOrEqual(new Set(texts).size + 16);
    }
    expect(crashes).toBe(steps);
    await daybook.database.query(sql.unsafe`DELETE FROM embeddings.models WHERE name = ${model.name}`);
  });
});

/** As if it had never been embedded with. */
async function forget(model: string): Promise<void> {
  await daybook.database.query(sql.unsafe`DELETE FROM relationships.entity_embeddings WHERE model = ${model}`);
  await daybook.database.query(sql.unsafe`DELETE FROM embeddings.vectors WHERE model = ${model}`);
  await daybook.database.query(sql.unsafe`DELETE FROM daybook.checkpoints WHERE name = ${`embeddings: ${model}`}`);
  await daybook.database.query(sql.unsafe`UPDATE embeddings.models SET held_by = NULL WHERE name = ${model}`);
}

/** A pool of which one statement fails, the `at`-th, or a transaction's commit, as a crash there would look to what comes after it. */
function failingAt(database: DatabasePool, at: number) {
  let steps = 0;
  const step = () => {
    steps += 1;
    if (steps === at) throw new Error(`crashed before step ${at}`);
  };
  const countingQueries = <Connection extends CommonQueryMethods>(connection: Connection): Connection => {
    const query: CommonQueryMethods['query'] = async (statement) => {
      step();
      return connection.query(statement);
    };
    return new Proxy(connection, { get: (target, name) => (name === 'query' ? query : Reflect.get(target, name)) });
  };
  const transaction: DatabasePool['transaction'] = async (work, retries) => {
    step();
    const result = await database.transaction(async (inner) => {
      const done = await work(countingQueries(inner));
      step();
      return done;
    }, retries);
    step();
    return result;
  };
  return { database: { ...database, query: countingQueries(database).query, transaction }, hasFailed: () => steps >= at };
}

describe('another model', () => {
  const models = z.object({ embeddings: z.array(z.object({ model: z.string(), is_complete: z.boolean() })) });
  const standing = async () => models.parse((await ann.get('/system/projections')).body).embeddings;
  const asked = () => ({ userId: ann.id, correlationId: 'c' });

  test('lies beside the one it replaces, which serves until it is complete and is then gone', async () => {
    const earlier = await add('/tasks', { title: 'Before' });
    const first = await embedder();
    await expect.poll(() => contentOf(earlier), patience).toHaveLength(1);
    await expect.poll(async () => (await standing())[0]?.is_complete, patience).toBe(true);
    await first.stop();
    nodes.length = 0;

    const { promise: held, resolve: release } = Promise.withResolvers<void>();
    endpoint.hold.set('new words', held);
    endpoint.dimensions.set('new words', 32);
    const second = await embedder('new words', { ROLES: 'api,projector,embedder' });
    const later = await add('/tasks', { title: 'Meanwhile' });
    await expect.poll(() => contentOf(later), patience).toEqual(['Meanwhile']);
    expect(await contentOf(later, 'new words')).toEqual([]);
    expect(await standing()).toEqual([
      { model: 'new words', is_complete: false },
      { model: 'words', is_complete: true },
    ]);
    expect(await second.embeddings.ask('before', asked())).toMatchObject({ model: 'words', vector: { length: 64 } });

    // Also when the new one has its first vectors.
    const { database } = daybook;
    await database.query(sql.unsafe`UPDATE embeddings.models SET dimensions = 32 WHERE name = 'new words'`);
    await database.query(sql.unsafe`
      INSERT INTO relationships.entity_embeddings
      SELECT gen_random_uuid(), user_id, entity_type, entity_id, 0, content, content_sha256, 'new words', 32,
        array_fill(1, ARRAY[32])::vector, created_at, updated_at, version
      FROM relationships.entity_embeddings WHERE entity_id = ${earlier} AND model = 'words'`);
    expect(await second.embeddings.ask('before', asked())).toMatchObject({ model: 'words', vector: { length: 64 } });
    expect(await client(second.app, ann.token).get('/search?q=before&mode=vector&limit=1')).toMatchObject({
      ...{ status: 200, body: { items: [{ entity_id: earlier }] } },
    });
    await database.query(sql.unsafe`DELETE FROM relationships.entity_embeddings WHERE model = 'new words'`);

    release();
    await expect.poll(standing, patience).toEqual([{ model: 'new words', is_complete: true }]);
    expect(await second.embeddings.ask('before', asked())).toMatchObject({ model: 'new words', vector: { length: 32 } });
    expect(await contentOf(earlier, 'new words')).toEqual(['Before']);
    await expect.poll(() => contentOf(earlier, 'words'), patience).toEqual([]);
    const left = await daybook.database.anyFirst(sql.type(z.object({ name: z.string() }))`
      SELECT DISTINCT model AS name FROM embeddings.vectors UNION SELECT name FROM daybook.checkpoints ORDER BY 1`);
    expect(left).toEqual(['embeddings: new words', 'new words', 'read_model']);
    await expect.poll(() => second.embedder?.status().map(({ state }) => state), patience).toEqual(['running', 'outdated']);
  });

  test('is the one that comes along, where none is set', { timeout: 60_000 }, async () => {
    const node = await embedder('', { EMBEDDINGS_URL: '' });
    const id = await add('/tasks', { title: 'Call the dentist' });
    await expect.poll(() => contentOf(id, LOCAL_MODEL), { timeout: 50_000 }).toEqual(['Call the dentist']);
    await expect.poll(standing, { timeout: 50_000 }).toEqual([{ model: LOCAL_MODEL, is_complete: true }]);
    const question = await node.embeddings.ask('my tooth hurts', asked());
    const nearest = await daybook.database.anyFirst(sql.type(z.object({ content: z.string() }))`
      SELECT content FROM relationships.entity_embeddings WHERE model = ${LOCAL_MODEL}
      ORDER BY embedding::vector(512) <=> ${JSON.stringify(question?.vector)}::vector(512) LIMIT 1`);
    expect(question?.model).toBe(LOCAL_MODEL);
    expect(nearest).toEqual(['Call the dentist']);
  });
});
