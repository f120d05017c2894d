// Search as a client sees it: what is found, in which order, how the match is marked, and that it is only one's own.
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { startDaybook, type TestDaybook } from '../support/daybook.ts';
import { type Answer, type Person, register, T0 } from '../support/person.ts';

let daybook: TestDaybook;
let ann: Person;
let bob: Person;

const made = z.object({ id: z.string() });
const idIn = ({ body }: Answer) => made.parse(body).id;
const itemsIn = ({ body }: Answer) => z.object({ items: z.array(z.record(z.string(), z.unknown())) }).parse(body).items;
const ask = async (question: string, more = '', person = ann) =>
  itemsIn(await person.get(`/search?mode=text&q=${encodeURIComponent(question)}${more}`));
const titles = async (question: string, more = '', person = ann) => (await ask(question, more, person)).map(({ title }) => title);

let dentist: string;

beforeAll(async () => {
  vi.setSystemTime(T0);
  daybook = await startDaybook();
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
afterAll(() => daybook.close());
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
          explanation: { text: score },
        },
      ],
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

test('the longest text that Daybook takes, in whatever script, is taken', async () => {
  const words = Array.from({ length: 40_000 }, (_, index) => String.fromCodePoint(0x20000 + index)).join('-');
  expect((await ann.post('/documents', { title: 'Characters', content: words.slice(0, 120_000).toWellFormed() })).status).toBe(201);
  expect(await titles('characters')).toEqual(['Characters']);
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
