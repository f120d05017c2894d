// Search as a client sees it: what is found, in which order, how the match is marked, and that it is only one's own. Here, what
// means something alike is what has words in common; how well the model does that comes along is what npm run bench:search says.
import { type DatabasePool, sql } from 'slonik';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { questions, withoutSharedWords } from '../../bench/search/labelled.ts';
import { search } from '../../src/queries/search/search.ts';
import { startDaybook, type TestDaybook } from '../support/daybook.ts';
import { type EmbeddingEndpoint, embeddingEndpoint, status, vectorOf } from '../support/embeddingEndpoint.ts';
import { type Answer, type Person, register, T0 } from '../support/person.ts';

const DIMENSIONS = 64;
let endpoint: EmbeddingEndpoint;
let daybook: TestDaybook;
let ann: Person;
let bob: Person;

const made = z.object({ id: z.string() });
const idIn = ({ body }: Answer) => made.parse(body).id;
const itemsIn = ({ body }: Answer) => z.object({ items: z.array(z.record(z.string(), z.unknown())) }).parse(body).items;
const ask = async (question: string, more = '', person = ann) =>
  itemsIn(await person.get(`/search?q=${encodeURIComponent(question)}${more.includes('mode=') ? '' : '&mode=text'}${more}`));
const titles = async (question: string, more = '', person = ann) => (await ask(question, more, person)).map(({ title }) => title);

let dentist: string;

beforeAll(async () => {
  vi.setSystemTime(T0);
  endpoint = await embeddingEndpoint();
  daybook = await startDaybook({ ROLES: 'api,projector,embedder', EMBEDDINGS_URL: endpoint.url, EMBEDDINGS_MODEL: 'words' });
  [ann, bob] = await Promise.all([register(daybook.app), register(daybook.app, 'Bob')]);
  const session = idIn(await ann.post('/sessions', {}));
  dentist = idIn(
    await ann.post(`/sessions/${session}/messages`, { role: 'user', content: 'The dentist moved my appointment to 3 < 4 & "sent" a bill' }),
  );
  await ann.post('/emails', {
    direction: 'inbound',
    from_address: 'office@harbour.example',
    from_name: 'Harbour Office',
    subject: 'Mooring fees',
    body_text: 'The fees for your boat are due.',
    received_at: '2026-01-02T03:04:05Z',
  });
  await ann.post('/documents', { title: 'Sailing course', content: `${'Nothing of note. '.repeat(400)} Knots are tied with patience.` });
  await ann.post('/tasks', { title: 'Paint the boat', description: 'Two coats; running repairs first' });
  await ann.post('/calendar/events', {
    title: 'Regatta',
    location: 'Old pier',
    starts_at: '2026-06-01T08:00:00Z',
    ends_at: '2026-06-01T18:00:00Z',
  });
  await bob.post('/tasks', { title: 'Sell the boat' });
});
afterAll(async () => {
  await daybook.close();
  await endpoint.close();
});
beforeEach(() => {
  vi.setSystemTime(T0);
});

test('a match is marked, and nothing else in the snippet is HTML', async () => {
  const answer = await ann.get('/search?mode=text&q=appointments&explain=true');
  const [{ score } = { score: 0 }] = itemsIn(answer);
  expect(answer).toMatchObject({
    status: 200,
    body: {
      items: [
        {
          entity_type: 'message',
          entity_id: dentist,
          title: 'The dentist moved my appointment to 3 < 4 & "sent" a bill',
          snippet: 'dentist moved my <mark>appointment</mark> to 3 &lt; 4 &amp; &quot;sent&quot; a bill',
          score,
          occurred_at: T0,
          explanation: { text: { rank: 1, score, ts_rank: score }, vector: null },
        },
      ],
      mode: 'text',
    },
  });
});

describe('finds', () => {
  test.each([
    ['what is in a title before what is in a text', 'boat', ['Paint the boat', 'Mooring fees']],
    ['a word in another form', 'knot', ['Sailing course']],
    ['a word that is only begun', 'regat', ['Regatta']],
    ['a word that is only begun and has an ending that would be cut off', 'runn', ['Paint the boat']],
    ['all of several words', 'boat fees', ['Mooring fees']],
    ['one of several words', 'regatta or knots', ['Regatta', 'Sailing course']],
    ['words beside each other', '"paint the boat"', ['Paint the boat']],
    ['what is without a word', 'boat -fees', ['Paint the boat']],
    ['who wrote, and where it is', 'harbour', ['Mooring fees']],
    ['a place', 'pier', ['Regatta']],
    ['nothing where there is no word', '?!', []],
    ['nothing that was not said', 'submarine', []],
    ['what is no query of the database', "boat' | & ( ! :* \\", ['Paint the boat', 'Mooring fees']],
  ])('%s', async (_, question, expected) => {
    expect((await titles(question)).toSorted()).toEqual(expected.toSorted());
  });
});

test('the best comes first', async () => {
  expect(await titles('boat')).toEqual(['Paint the boat', 'Mooring fees']);
  expect(await titles('boat', '&limit=1')).toEqual(['Paint the boat']);
});

test('types and times narrow it down', async () => {
  expect(await titles('boat', '&types=email,event')).toEqual(['Mooring fees']);
  expect(await titles('boat', '&from=2026-01-02T03:04:05Z&to=2026-01-02T03:04:06Z')).toEqual(['Mooring fees']);
  expect(await titles('boat', '&to=2026-01-02T03:04:05Z')).toEqual([]);
});

test('a snippet is from where the match is', async () => {
  expect((await ask('patience'))[0]?.snippet).toMatch(/Knots are tied with <mark>patience<\/mark>/);
});

test('nobody finds what is someone else’s', async () => {
  expect(await titles('boat', '', bob)).toEqual(['Sell the boat']);
  expect(await titles('dentist', '', bob)).toEqual([]);
});

test('what was changed is found as it is now, and what was deleted is not', async () => {
  const id = idIn(await ann.post('/tasks', { title: 'Order a periscope' }));
  await ann.patch(`/tasks/${id}`, { title: 'Order a sextant' });
  expect(await titles('periscope')).toEqual([]);
  expect(await titles('sextant')).toEqual(['Order a sextant']);
  await ann.delete(`/tasks/${id}`);
  expect(await titles('sextant')).toEqual([]);
});

describe('what looks like HTML in a text', () => {
  beforeAll(async () => {
    await bob.post('/documents', {
      title: 'Notes on <style> and <script>',
      content: 'How do I use `<style>` in a page? Ask <name of customer> if i<n and j>m. Also remember the boiler on thursday',
    });
    for (const [route, body] of [
      ['/tasks', { title: 'Task <kiwi>', description: '<script> then quince' }],
      [
        '/emails',
        { ...{ direction: 'inbound', from_address: 'a@b.example', received_at: T0 }, subject: '<kiwi>', body_text: '<script> quince' },
      ],
      ['/calendar/events', { title: 'Event <kiwi>', description: '<script> then quince', starts_at: T0, ends_at: '2100-04-03T05:02:00Z' }],
      [`/sessions/${idIn(await bob.post('/sessions', {}))}/messages`, { role: 'user', content: 'Say <kiwi> <script> then quince' }],
    ] as const) {
      expect((await bob.post(route, body)).status).toBe(201);
    }
  });

  test.each([
    ['boiler', 'Also remember the <mark>boiler</mark> on thursday'],
    ['customers', '&lt;name of <mark>customer</mark>&gt;'],
    ['<name of customer>', '&lt;<mark>name</mark> of <mark>customer</mark>&gt;'],
    ['"n and j"', 'i&lt;<mark>n</mark> and <mark>j</mark>&gt;m'],
    ['"<name of customer>"', '&lt;<mark>name</mark> of <mark>customer</mark>&gt;'],
    ['<style> thursday', '<mark>style</mark>&gt;` in a page? Ask &lt;name of customer&gt;'],
  ])('is text: %s', async (question, marked) => {
    expect(await ask(question, '', bob)).toEqual([expect.objectContaining({ snippet: expect.stringContaining(marked) })]);
  });

  test.each(['kiwi', 'quince'])('is so wherever it is: %s', async (question) => {
    const found = await ask(question, '', bob);
    expect(found.map(({ entity_type }) => entity_type).toSorted()).toEqual(['email', 'event', 'message', 'task']);
  });

  test('is so in a title', async () => {
    expect(await titles('script style boiler', '', bob)).toEqual(['Notes on <style> and <script>']);
  });
});

test('what is as a mark is within is not in a snippet, nor is a quote as it is', async () => {
  const owner = await register(daybook.app, 'Marks');
  await owner.post('/documents', { title: 'Marks', content: '\u{e000}Ada\u{e001}\u{e002}s \u{e003}plum isn\'t "quite" ripe' });
  expect((await ask('plum', '', owner)).map(({ snippet }) => snippet)).toEqual(['Adas <mark>plum</mark> isn&#39;t &quot;quite&quot; ripe']);
  await expect
    .poll(async () => (await ask('unrelated', '&mode=vector', owner)).map(({ snippet }) => snippet), { timeout: 20_000 })
    .toEqual(['Marks Adas plum isn&#39;t &quot;quite&quot; ripe']);
});

test('what follows an apostrophe is not the beginning of other words', async () => {
  const owner = await register(daybook.app, 'Abbreviations');
  await owner.post('/documents', { title: 'Tea', content: "I don’t take tea there on tuesday, and don't tell" });
  const [{ snippet } = { snippet: '' }] = await ask("don't", '', owner);
  expect(String(snippet)).toContain('<mark>');
  expect(String(snippet)).toMatch(/take tea there on tuesday/);
});

test('as many are found as were asked for', async () => {
  const owner = await register(daybook.app, 'Many');
  for (let index = 0; index < 101; index += 1) await owner.post('/tasks', { title: `Kumquat ${index}` });
  expect((await ask('kumquat', '&limit=100', owner)).length).toBe(100);
});

test('long texts are looked through in turns, between which others are answered and what was found may go', async () => {
  const owner = await register(daybook.app, 'Long');
  for (const index of [1, 2, 3, 4]) {
    await owner.post('/documents', { title: `Long ${index}`, content: `${'nothing '.repeat(2500)} durian${' durian'.repeat(4 - index)}` });
  }
  let statements = 0;
  const any: DatabasePool['any'] = async (query) => {
    const rows = await daybook.database.any(query);
    statements += 1;
    if (statements === 2) {
      await daybook.database.query(sql.unsafe`DELETE FROM documents.documents WHERE user_id = ${owner.id} AND title = 'Long 4'`);
    }
    return rows;
  };
  const request = { params: {}, querystring: { q: 'durian', mode: 'text' }, userId: owner.id };
  const { body } = await search.read({ ...daybook.database, any }, request);
  expect(body).toMatchObject({ items: [{ title: 'Long 1' }, { title: 'Long 2' }, { title: 'Long 3' }] });
  expect(statements).toBe(3);
});

test('what has no text is found by who wrote it', async () => {
  const owner = await register(daybook.app, 'Empty');
  const letter = { direction: 'inbound', from_address: 'lychee@harbour.example', from_name: 'Lychee', received_at: T0 };
  expect((await owner.post('/emails', letter)).status).toBe(201);
  expect((await ask('lychee', '', owner)).map(({ title, snippet }) => ({ title, snippet }))).toEqual([{ title: null, snippet: '' }]);
});

test('the longest text that Daybook takes, in whatever script, is taken', async () => {
  const words = Array.from({ length: 40_000 }, (_, index) => String.fromCodePoint(0x20000 + index)).join('-');
  expect((await ann.post('/documents', { title: 'Characters', content: words.slice(0, 120_000).toWellFormed() })).status).toBe(201);
  expect(await titles('characters')).toEqual(['Characters']);
});

describe('by meaning', () => {
  const counted = z.object({ count: z.number() });
  const own = ({ id }: Person) =>
    daybook.database.one(sql.type(counted)`SELECT count(*) FROM relationships.searchable WHERE user_id = ${id}`);
  const allOf = async (person: Person) => itemsIn(await person.get('/search?mode=vector&q=boat&limit=100'));

  test('everything is found that is embedded', async () => {
    for (const person of [ann, bob]) {
      const { count } = await own(person);
      await expect.poll(async () => (await allOf(person)).length, { timeout: 20_000 }).toBe(count);
    }
  });

  test('each mode answers whole', async () => {
    const near = (value: number) => expect.closeTo(value, 4);
    const [paint, fees] = (await ask('boat', '&mode=vector&types=task,email')).map(({ entity_id }) => entity_id);
    const boat = { entity_type: 'task', entity_id: paint, title: 'Paint the boat', occurred_at: T0 };
    const mooring = { entity_type: 'email', entity_id: fees, title: 'Mooring fees', occurred_at: '2026-01-02T03:04:05.000Z' };
    expect((await ann.get('/search?mode=vector&q=Paint%20that%20boat&types=task,email&explain=true')).body).toEqual({
      items: [
        {
          ...boat,
          snippet: '<mark>Paint</mark> the <mark>boat</mark> Two coats; running repairs first',
          score: near(0.4229),
          explanation: { text: null, vector: { rank: 1, score: near(0.4229), similarity: near(0.4229) } },
        },
        {
          ...mooring,
          snippet: 'Mooring fees The fees for your <mark>boat</mark>',
          score: near(0.1771),
          explanation: { text: null, vector: { rank: 2, score: near(0.1771), similarity: near(0.1771) } },
        },
      ],
      mode: 'vector',
    });
    expect((await ann.get('/search?q=coats&types=task,email&explain=true')).body).toEqual({
      items: [
        {
          ...boat,
          snippet: '<mark>coats</mark>; running repairs first',
          score: near(2 / 11 + 1 / 11),
          explanation: {
            text: { rank: 1, score: near(2 / 11), ts_rank: near(0.0304) },
            vector: { rank: 1, score: near(1 / 11), similarity: near(0.3787) },
          },
        },
        {
          ...mooring,
          snippet: 'Mooring fees The fees for your boat are due.',
          score: near(1 / 12),
          explanation: { text: null, vector: { rank: 2, score: near(1 / 12), similarity: near(0.0289) } },
        },
      ],
      mode: 'hybrid',
    });
  });

  test('types and times narrow it down, also before anything is left out', async () => {
    expect(await titles('boat', '&mode=vector&types=event&limit=1')).toEqual(['Regatta']);
    expect(await titles('boat', '&mode=hybrid&types=event&limit=1')).toEqual(['Regatta']);
    expect(await titles('regatta', '&mode=vector&from=2026-01-02T03:04:05Z&to=2026-01-02T03:04:06Z')).toEqual(['Mooring fees']);
    expect(await titles('regatta', '&mode=hybrid&from=2026-01-02T03:04:05Z&to=2026-01-02T03:04:06Z&types=task')).toEqual([]);
  });

  test('a position is waited for by who looks for words, not by who looks for meaning alone', async () => {
    const far = { 'daybook-position': String(2n ** 62n) };
    expect((await ann.get('/search?mode=vector&q=boat', far)).status).toBe(200);
    expect((await ann.get('/search?q=boat', far)).status).toBe(400);
  });

  test('where the model is away, words are left, and the answer says so', async () => {
    endpoint.failures.push(status(503), status(503));
    const { body } = await ann.get('/search?q=boat');
    expect(body).toEqual((await ann.get('/search?q=boat&mode=text')).body);
    expect(await ann.get('/search?q=boat&mode=vector')).toMatchObject({
      status: 503,
      body: { detail: 'The model that understands texts is away.' },
    });
  });

  test('what the model refuses is the question’s fault', async () => {
    endpoint.refuse = (text) => text === 'unspeakable';
    expect(await ann.get('/search?q=unspeakable&mode=vector')).toMatchObject({
      status: 400,
      body: { errors: [{ in: 'query', pointer: '/q' }] },
    });
    expect((await ann.get('/search?q=unspeakable')).body).toEqual({ items: [], mode: 'text' });
  });

  test('everything of one’s own is found, however much of other people’s is nearer, also of one type or time', async () => {
    const nearest = JSON.stringify(vectorOf('boat', DIMENSIONS));
    const others = [bob, ...(await Promise.all(['Cleo', 'Dan', 'Eve'].map((name) => register(daybook.app, name))))].map(({ id }) => id);
    await daybook.settled();
    await daybook.database.query(sql.unsafe`
      INSERT INTO relationships.entity_embeddings
      SELECT gen_random_uuid(), (${sql.array(others, 'uuid')})[n % ${others.length}::int + 1],
        (ARRAY['task', 'email', 'document', 'message', 'event'])[n % 5 + 1], gen_random_uuid(), 0, 'boat', repeat('0', 64), 'words', ${DIMENSIONS},
        ${nearest}::vector + array_fill((n * 0.00001)::real, ARRAY[${DIMENSIONS}::int])::vector, now(), now(), 0
      FROM generate_series(1, 3000) n`);
    const all = await daybook.database.any(sql.type(z.object({ type: z.string() }))`
      SELECT type FROM relationships.searchable WHERE user_id = ${ann.id}`);
    expect(new Set(all.map(({ type }) => type)).size).toBe(5);
    for (const mode of ['vector', 'hybrid']) {
      for (const type of new Set(all.map((each) => each.type))) {
        const found = await ask('boat', `&mode=${mode}&types=${type}&limit=100`);
        expect(found.length).toBe(all.filter((each) => each.type === type).length);
      }
      expect(await titles('boat', `&mode=${mode}&limit=100&from=2026-06-01T00:00:00Z&to=2026-06-02T00:00:00Z`)).toEqual(['Regatta']);
    }
    const found = await allOf(ann);
    expect(found.length).toBe((await own(ann)).count);
    expect(found.slice(0, 2).map(({ title }) => title)).toEqual(['Paint the boat', 'Mooring fees']);
  });
});

test('of the questions that search is measured with, half share no word with what answers them', async () => {
  expect(questions.length).toBeGreaterThanOrEqual(200);
  expect(new Set(questions.map(({ q }) => q)).size).toBe(questions.length);
  const distant = await withoutSharedWords(daybook.database);
  for (const half of ['tuning', 'reporting']) {
    const asked = questions.filter((question) => question.half === half);
    expect(asked.filter((question) => distant.has(question)).length / asked.length).toBeGreaterThanOrEqual(0.5);
  }
});

test.each([
  ['q=', '/q'],
  ['q=%20', '/q'],
  ['q=a&types=session', '/types/0'],
  ['q=a&mode=psychic', '/mode'],
  ['q=a&limit=101', '/limit'],
  ['q=a&from=yesterday', '/from'],
  ['q=a&from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z', '/to'],
  ['q=a&explain=maybe', '/explain'],
])('%s is refused', async (query, pointer) => {
  expect(await ann.get(`/search?${query}`)).toMatchObject({ status: 400, body: { errors: [{ in: 'query', pointer }] } });
});
