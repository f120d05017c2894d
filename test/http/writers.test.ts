// Two writers at once, through two nodes, on everything that there is beside tasks and sessions, and on what that is part of or
// points at. In the end the rows are those of a rebuild.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { Daybook } from '../../src/daybook.ts';
import { createPool } from '../../src/postgres/pool.ts';
import { makeReadModel, parkedEvents, rawRowsOf, rowsInBatches } from '../replay/tables.ts';
import { startDaybook, startNode, type TestDaybook } from '../support/daybook.ts';
import { type Answer, client, idOf, NOT_FOUND, type Person, register, said } from '../support/person.ts';
import { testDatabase } from '../support/postgres.ts';
import { beforeNextAppend as forceRace, typesIn } from '../support/race.ts';

let daybook: TestDaybook;
let otherNode: Daybook;
let ann: Person;
let bob: Person;
/** The two through another node: it has its own memory of what streams fold to, and its own queue. */
let elsewhere: ReturnType<typeof client>;
let bobElsewhere: ReturnType<typeof client>;

beforeAll(async () => {
  // A mail server that nobody asks: what is sent here is due in a time to come.
  const settings = { SMTP_URL: 'smtp://127.0.0.1:9' };
  daybook = await startDaybook(settings);
  otherNode = await startNode(daybook, { ...settings, ROLES: 'api' });
  [ann, bob] = [await register(daybook.app), await register(daybook.app, 'Bob')];
  elsewhere = client(otherNode.app, ann.token);
  bobElsewhere = client(otherNode.app, bob.token);
});
afterAll(async () => {
  await otherNode.stop();
  await daybook.close();
});

const beforeNextAppend = (race: () => Promise<Answer>) => forceRace(daybook.log, race);
const gone = { status: 404, body: NOT_FOUND };
const refused = (status: number, code: string) => ({ status, body: { type: `urn:daybook:problem:${code}` } });
const identified = z.looseObject({ id: z.string() });

let next = 0;
const newId = () => {
  next += 1;
  return idOf(next);
};
async function made(path: string, body: object): Promise<string> {
  const answer = await ann.post(path, body);
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  return identified.parse(answer.body).id;
}

const bobs = { to_addresses: [{ name: null, address: 'bob@example.com' }] };
const choir = { title: 'Choir', starts_at: '2100-03-04T19:00:00Z', ends_at: '2100-03-04T21:00:00Z' };
const letter = { direction: 'inbound', from_address: 'bob@example.com', subject: 'Dinner' };
const model = { provider: 'openai', model: 'gpt-5-mini' };
const newSession = () => made('/sessions', { id: newId() });
const newMessage = (session: string) => made(`/sessions/${session}/messages`, { id: newId(), role: 'user', content: 'Hello' });
const newTag = (name: string) => made('/document-tags', { id: newId(), name });
const newDocument = (more: object = {}) => made('/documents', { id: newId(), title: 'Packing list', content: 'Passport', ...more });
const newEvent = () => made('/calendar/events', { id: newId(), ...choir });
const newDraft = (more: object = {}) => made('/email-drafts', { id: newId(), subject: 'Dinner', ...bobs, ...more });
const newLetter = () => made('/emails', { id: newId(), ...letter });
const newTask = () => made('/tasks', { id: newId(), title: 'Buy milk' });
const related = (source: string, target: string) => ({
  source_type: 'task',
  source_id: source,
  target_type: 'document',
  target_id: target,
  relation_type: 'needs',
});
const newRelationship = async () => made('/relationships', related(await newTask(), await newDocument()));

describe.each([
  ['an email', '/emails', newLetter, { is_read: true }, { is_starred: true }],
  ['a draft', '/email-drafts', newDraft, { subject: 'Supper' }, { body_text: 'At eight?' }],
  ['a document', '/documents', newDocument, { title: 'What to take' }, { content: 'Passport and charger' }],
  ['a document tag', '/document-tags', () => newTag(`tag ${newId()}`), { color: '#0e8a16' }, { name: 'Errands' }],
  ['a calendar event', '/calendar/events', newEvent, { title: 'Orchestra' }, { location: 'Town hall' }],
  ['a relationship', '/relationships', newRelationship, { strength: 0.5 }, { metadata: { why: 'because' } }],
])('two writers on %s', (_, collection, make, one, other) => {
  test('both succeed where neither minds', async () => {
    const path = `${collection}/${await make()}`;
    beforeNextAppend(() => elsewhere.patch(path, other));
    expect(await ann.patch(path, one)).toMatchObject({ status: 200, body: { ...one, ...other } });
    // Other tags may then be called so.
    await ann.delete(path);
  });

  test('are one who succeeds and one who is told, where both mind', async () => {
    const path = `${collection}/${await make()}`;
    const ifMatch = { 'if-match': (await ann.get(path)).headers.etag ?? '' };
    beforeNextAppend(() => elsewhere.patch(path, other, ifMatch));
    expect(await ann.patch(path, one, ifMatch)).toMatchObject(refused(412, 'stale-revision'));
    const { body } = await ann.get(path);
    expect(body).toMatchObject(other);
    expect(body).not.toMatchObject(one);
    await ann.delete(path);
  });

  test('who do the same do it once', async () => {
    const path = `${collection}/${await make()}`;
    const before = await daybook.log.head();
    beforeNextAppend(() => elsewhere.patch(path, one));
    expect(await ann.patch(path, one)).toMatchObject({ status: 200, body: one });
    expect((await Array.fromAsync(daybook.log.readAll(before))).length).toBe(1);
  });

  test('of whom one takes it away are one who succeeds and one who is told', async () => {
    const path = `${collection}/${await make()}`;
    beforeNextAppend(() => elsewhere.delete(path));
    const isKept = collection === '/email-drafts';
    expect(await ann.patch(path, one)).toMatchObject(isKept ? refused(409, 'draft-discarded') : gone);
    expect(await ann.get(path)).toMatchObject(isKept ? { status: 200, body: { status: 'discarded' } } : gone);
    expect((await ann.delete(path)).status).toBe(isKept ? 204 : 404);
  });
});

describe.each([
  ['/emails', letter, { ...letter, subject: 'Supper' }],
  ['/email-drafts', { subject: 'Dinner' }, { subject: 'Supper' }],
  ['/documents', { title: 'Packing list', content: '' }, { title: 'What to take', content: '' }],
  ['/document-tags', { name: 'Travel' }, { name: 'Trips' }],
  ['/calendar/events', choir, { ...choir, title: 'Orchestra' }],
  ['/llm-requests', model, { ...model, model: 'gpt-5' }],
])('two who make one of %s with one id', (collection, mine, theirs) => {
  test('are one who has it and one who is told', async () => {
    const id = newId();
    beforeNextAppend(() => elsewhere.post(collection, { id, ...theirs }));
    expect(await ann.post(collection, { id, ...mine })).toMatchObject(refused(409, 'id-in-use'));
    expect((await ann.get(`${collection}/${id}`)).body).toMatchObject({ ...theirs, ...('starts_at' in theirs && timesOf(theirs)) });
    await ann.delete(`${collection}/${id}`);
  });

  test('and the same body have the same', async () => {
    const id = newId();
    const before = await daybook.log.head();
    beforeNextAppend(() => elsewhere.post(collection, { id, ...mine }));
    const answer = await ann.post(collection, { id, ...mine });
    expect(answer).toMatchObject({ status: 201, body: { id, version: expect.any(Number) } });
    expect((await Array.fromAsync(daybook.log.readAll(before))).length).toBe(1);
    await ann.delete(`${collection}/${id}`);
  });
});
const timesOf = ({ starts_at, ends_at }: { starts_at: string; ends_at: string }) => ({
  starts_at: new Date(starts_at).toISOString(),
  ends_at: new Date(ends_at).toISOString(),
});

test('two who record one letter have one email', async () => {
  const message_id_header = '<once@example.org>';
  const before = await daybook.log.head();
  beforeNextAppend(() => elsewhere.post('/emails', { ...letter, message_id_header }));
  const answer = await ann.post('/emails', { ...letter, message_id_header, subject: 'As another server has it' });
  expect(answer).toMatchObject({ status: 201, body: { message_id_header, subject: 'Dinner', version: 0 } });
  expect((await Array.fromAsync(daybook.log.readAll(before))).length).toBe(1);
});

describe('a draft', () => {
  test('in answer to an email that is deleted meanwhile answers none', async () => {
    const email = await newLetter();
    beforeNextAppend(() => elsewhere.delete(`/emails/${email}`));
    expect(await ann.post('/email-drafts', { in_reply_to_email_id: email })).toMatchObject({
      status: 201,
      body: { in_reply_to_email_id: null },
    });
  });

  test('that two send is sent once', async () => {
    const id = await newDraft();
    beforeNextAppend(() => elsewhere.post(`/email-drafts/${id}/send`));
    expect(await ann.post(`/email-drafts/${id}/send`)).toMatchObject({ status: 200, body: { status: 'scheduled', version: 1 } });
    expect(await typesIn(daybook.log, `emailDraft-${id}`)).toEqual(['EmailDraftCreated', 'EmailDraftScheduled']);
  });

  test('that is scheduled while it is written is sent as it was', async () => {
    const id = await newDraft();
    beforeNextAppend(() => elsewhere.post(`/email-drafts/${id}/schedule`, { send_at: '2100-03-05T08:00:00Z' }));
    expect(await ann.patch(`/email-drafts/${id}`, { subject: 'Supper' })).toMatchObject(refused(409, 'draft-scheduled'));
    expect((await ann.get(`/email-drafts/${id}`)).body).toMatchObject({ subject: 'Dinner', status: 'scheduled' });
  });

  test('that is scheduled for two times is sent at the later of the two words', async () => {
    const id = await newDraft();
    const at = (day: number) => ({ send_at: `2100-03-0${day}T08:00:00.000Z` });
    beforeNextAppend(() => elsewhere.post(`/email-drafts/${id}/schedule`, at(5)));
    expect(await ann.post(`/email-drafts/${id}/schedule`, at(6))).toMatchObject({ status: 200, body: { ...at(6), version: 2 } });
  });
});

describe('documents and tags', () => {
  test('a tag that is deleted while it is put on is on nothing', async () => {
    const [document, tag] = [await newDocument(), await newTag('Short-lived')];
    beforeNextAppend(() => elsewhere.delete(`/document-tags/${tag}`));
    expect(await ann.put(`/documents/${document}/tags/${tag}`)).toMatchObject({ status: 200, body: { tags: [] } });
    expect(said(await ann.put(`/documents/${document}/tags/${tag}`))).toEqual(gone);
  });

  test('a document that is deleted while it is tagged is gone', async () => {
    const [document, tag] = [await newDocument(), await newTag('Too late')];
    beforeNextAppend(() => elsewhere.delete(`/documents/${document}`));
    expect(said(await ann.put(`/documents/${document}/tags/${tag}`))).toEqual(gone);
    expect(await typesIn(daybook.log, `document-${document}`)).toEqual(['DocumentCreated', 'DocumentDeleted']);
  });

  test('two tags cannot come to have one name', async () => {
    const [first, second] = [await newTag('one'), await newTag('two')];
    beforeNextAppend(() => elsewhere.patch(`/document-tags/${second}`, { name: 'Prize' }));
    expect(await ann.patch(`/document-tags/${first}`, { name: 'prize' })).toMatchObject(refused(409, 'name-taken'));
  });

  test('two who write a document anew make two revisions', async () => {
    const document = await newDocument();
    beforeNextAppend(() => elsewhere.patch(`/documents/${document}`, { content: 'Theirs' }));
    expect(await ann.patch(`/documents/${document}`, { content: 'Mine' })).toMatchObject({
      status: 200,
      body: { content: 'Mine', revision_number: 3 },
    });
  });

  test('what is archived meanwhile is not written in', async () => {
    const document = await newDocument();
    beforeNextAppend(() => elsewhere.post(`/documents/${document}/archive`));
    expect(await ann.patch(`/documents/${document}`, { title: 'Mine' })).toMatchObject(refused(409, 'document-archived'));
  });
});

describe('a relationship', () => {
  test('that two establish is one', async () => {
    const ends = related(await newTask(), await newDocument());
    beforeNextAppend(() => elsewhere.post('/relationships', { ...ends, strength: 0.2 }));
    const answer = await ann.post('/relationships', { ...ends, strength: 0.9 });
    const { id } = identified.parse(answer.body);
    expect(answer).toMatchObject({ body: { strength: 0.9, version: 1 } });
    expect(await typesIn(daybook.log, `relationship-${id}`)).toEqual(['RelationshipEstablished', 'RelationshipChanged']);
  });

  test.each(['source', 'target'])('whose %s is deleted meanwhile is nowhere, though it is in the log', async (end) => {
    const [task, document] = [await newTask(), await newDocument()];
    beforeNextAppend(() => elsewhere.delete(end === 'source' ? `/tasks/${task}` : `/documents/${document}`));
    const before = await daybook.log.head();
    expect(said(await ann.post('/relationships', related(task, document)))).toEqual(gone);
    const [, established] = await Array.fromAsync(daybook.log.readAll(before));
    const path = `/relationships/${established?.stream.slice('relationship-'.length)}`;
    for (const answer of [await ann.get(path), await ann.patch(path, { strength: 0.1 }), await ann.delete(path)])
      expect(said(answer)).toEqual(gone);
  });

  test('that is removed while it is established again is there or not, as the last word was', async () => {
    const ends = related(await newTask(), await newDocument());
    const id = await made('/relationships', ends);
    beforeNextAppend(() => elsewhere.delete(`/relationships/${id}`));
    expect((await ann.post('/relationships', { ...ends, strength: 0.3 })).status).toBeLessThan(300);
    expect(await ann.get(`/relationships/${id}`)).toMatchObject({ status: 200, body: { strength: 0.3 } });
  });
});

describe('a model request', () => {
  test('ends once, as who was first says', async () => {
    const path = `/llm-requests/${await made('/llm-requests', { id: newId(), ...model })}`;
    beforeNextAppend(() => elsewhere.post(`${path}/succeed`, { prompt_tokens: 3 }));
    expect(await ann.post(`${path}/fail`, { error: 'Too slow' })).toMatchObject(refused(409, 'llm-request-ended'));
    expect((await ann.get(path)).body).toMatchObject({ status: 'succeeded', prompt_tokens: 3, version: 1 });
  });

  test('that two have succeed has succeeded once', async () => {
    const path = `/llm-requests/${await made('/llm-requests', { id: newId(), ...model })}`;
    beforeNextAppend(() => elsewhere.post(`${path}/succeed`, { prompt_tokens: 3 }));
    expect(await ann.post(`${path}/succeed`, { prompt_tokens: 4 })).toMatchObject({
      status: 200,
      body: { status: 'succeeded', prompt_tokens: 3, version: 1 },
    });
  });

  test('about a message that is deleted meanwhile is about its session', async () => {
    const session = await newSession();
    const message = await newMessage(session);
    beforeNextAppend(() => elsewhere.delete(`/messages/${message}`));
    expect(await ann.post('/llm-requests', { ...model, message_id: message })).toMatchObject({
      status: 201,
      body: { session_id: session, message_id: null },
    });
  });

  test('about a message whose session is deleted meanwhile is about nothing, and stays', async () => {
    const session = await newSession();
    const message = await newMessage(session);
    const id = newId();
    beforeNextAppend(() => elsewhere.delete(`/sessions/${session}`));
    expect(await ann.post('/llm-requests', { id, ...model, message_id: message })).toMatchObject({
      status: 201,
      body: { session_id: null, message_id: null },
    });
    expect((await ann.post(`/llm-requests/${id}/cancel`, {})).status).toBe(200);
  });
});

describe('a calendar event', () => {
  const invite = (event: string) => `/calendar/events/${event}/invitations`;
  const bobsAddress = async () => z.object({ email: z.string() }).parse((await bob.get('/users/me')).body);

  test('that is cancelled meanwhile is not changed', async () => {
    const path = `/calendar/events/${await newEvent()}`;
    beforeNextAppend(() => elsewhere.post(`${path}/cancel`));
    expect(await ann.patch(path, { title: 'Orchestra' })).toMatchObject(refused(409, 'event-cancelled'));
  });

  test('to which two invite one person has one invitation', async () => {
    const event = await newEvent();
    const guest = { email: 'guest@example.com' };
    beforeNextAppend(() => elsewhere.post(invite(event), guest));
    expect(await ann.post(invite(event), guest)).toMatchObject({ status: 201, body: guest });
    expect(await typesIn(daybook.log, `calendarEvent-${event}`)).toEqual(['CalendarEventScheduled', 'InviteeInvited']);
    beforeNextAppend(() => elsewhere.post(invite(event), { email: 'Other@example.com' }));
    expect(await ann.post(invite(event), { email: 'other@example.com', role: 'optional' })).toMatchObject(refused(409, 'already-invited'));
  });

  test('that two import from one file is there once', async () => {
    const lines = ['UID:at-once@example.com', 'DTSTART:21000304T190000Z', 'ATTENDEE;PARTSTAT=ACCEPTED:mailto:cleo@example.com'];
    const file = ['BEGIN:VCALENDAR', 'BEGIN:VEVENT', ...lines, 'END:VEVENT', 'END:VCALENDAR', ''];
    const icalendar = file.join('\r\n');
    beforeNextAppend(() => elsewhere.post('/calendar/import', { icalendar }));
    const { status, body } = await ann.post('/calendar/import', { icalendar });
    expect({ status, body }).toMatchObject({ status: 200, body: { created: 0, unchanged: 1 } });
    const [item] = z.object({ items: z.array(identified) }).parse(body).items;
    const once = ['CalendarEventScheduled', 'InviteeInvited', 'InvitationAnswered'];
    expect(await typesIn(daybook.log, `calendarEvent-${item?.id}`)).toEqual(once);
  });

  test('that is deleted meanwhile has nobody invited', async () => {
    const event = await newEvent();
    beforeNextAppend(() => elsewhere.delete(`/calendar/events/${event}`));
    expect(said(await ann.post(invite(event), { email: 'guest@example.com' }))).toEqual(gone);
  });

  test('is answered as who spoke last says, invitee or organizer', async () => {
    const event = await newEvent();
    const invitation = await made(invite(event), await bobsAddress());
    const answer = `${invite(event)}/${invitation}/answer`;
    beforeNextAppend(() => bobElsewhere.post(answer, { response: 'declined' }));
    expect(await ann.post(answer, { response: 'accepted' })).toMatchObject({ status: 200, body: { response: 'accepted' } });
    beforeNextAppend(() => elsewhere.post(`/calendar/events/${event}/cancel`));
    expect(await bob.post(answer, { response: 'tentative' })).toMatchObject(refused(409, 'event-cancelled'));
  });

  test('is answered by nobody whose invitation is taken back meanwhile', async () => {
    const event = await newEvent();
    const invitation = await made(invite(event), await bobsAddress());
    beforeNextAppend(() => elsewhere.delete(`${invite(event)}/${invitation}`));
    expect(said(await bob.post(`${invite(event)}/${invitation}/answer`, { response: 'accepted' }))).toEqual(gone);
  });
});

test('many at once, through both nodes, are each done or refused, and what is refused is not done', async () => {
  const [document, event] = [await newDocument(), await newEvent()];
  const tags = await Promise.all(['red', 'green', 'blue'].map(newTag));
  const asks = Array.from({ length: 24 }, (_, n) => {
    const who = n % 2 ? ann : elsewhere;
    const tag = tags[n % 3] ?? '';
    return {
      write: who.patch(`/documents/${document}`, { content: `Revision by ${n}` }),
      others: [
        who.put(`/documents/${document}/tags/${tag}`),
        who.delete(`/documents/${document}/tags/${tag}`),
        who.patch(`/document-tags/${tag}`, { name: `colour ${n % 4}` }),
        who.post(`/calendar/events/${event}/invitations`, { email: `guest-${n % 5}@example.com` }),
        who.post('/relationships', { ...related(event, document), source_type: 'event' }),
      ],
    };
  });
  const writes = await Promise.all(asks.map(({ write }) => write));
  const others = await Promise.all(asks.flatMap(({ others }) => others));
  // 503: others were first ten times in a row, and it may be asked again.
  const expected = new Set([200, 201, 204, 409, 503]);
  expect(new Set([...writes, ...others].map(({ status }) => status)).difference(expected)).toEqual(new Set());
  const { body } = await ann.get(`/documents/${document}`);
  expect(body).toMatchObject({ revision_number: 1 + writes.filter(({ status }) => status === 200).length });
  const invitations = z.object({ items: z.array(z.object({ email: z.string() })) });
  const { items } = invitations.parse((await ann.get(`/calendar/events/${event}/invitations`)).body);
  expect(new Set(items.map(({ email }) => email)).size).toBe(items.length);
});

test('the rows are those of a rebuild, in whatever batches', async () => {
  await daybook.settled();
  const postgres = await testDatabase();
  const database = await createPool(postgres.url);
  try {
    await makeReadModel(database);
    const events = await Array.fromAsync(daybook.log.readAll(null));
    const live = await rawRowsOf(daybook.database, [ann.id, bob.id]);
    expect(await parkedEvents(daybook.database)).toEqual([]);
    for (const sizes of [[events.length], [41]]) expect(await rowsInBatches(database, events, [ann.id, bob.id], sizes)).toEqual(live);
  } finally {
    await database.end();
    await postgres.close();
  }
});
