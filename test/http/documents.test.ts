// Documents as a client sees them, word for word: texts, files and their tags.
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { startDaybook, type TestDaybook } from '../support/daybook.ts';
import { docx, pdf } from '../support/files.ts';
import { type Form, formOf, send } from '../support/form.ts';
import { idOf, NOT_FOUND, named, type Person, pageOf, register, said, T0, T1, T2, T3 } from '../support/person.ts';

let daybook: TestDaybook;
let ann: Person;

beforeAll(async () => {
  vi.setSystemTime(T0);
  daybook = await startDaybook({ MAX_UPLOAD_MIB: '2' });
});
afterAll(() => daybook.close());
beforeEach(async () => {
  vi.setSystemTime(T0);
  ann = await register(daybook.app);
});

const at = (time: string) => {
  vi.setSystemTime(time);
  return ann;
};
const sha256 = (content: string | Buffer) => createHash('sha256').update(content).digest('hex');
const upload = (form: Form, method: 'POST' | 'PATCH' = 'POST', path = '/documents', headers = {}) =>
  send(daybook.app, ann.token, method, path, form, headers);
const refusal = (status: number, code: string, title: string, detail: string, pointer?: string) => ({
  status,
  body: {
    type: `urn:daybook:problem:${code}`,
    title,
    status,
    detail,
    request_id: 'the-request',
    ...(pointer !== undefined && { errors: [{ in: 'body', pointer, detail }] }),
  },
});

const TEXT = '# Packing list\n\n- Passport\n';
const packing = (id: string) => ({
  id,
  title: 'Packing list',
  content: TEXT,
  content_type: 'text/markdown',
  language: null,
  source_url: null,
  status: 'active',
  size_bytes: 27,
  sha256: sha256(TEXT),
  word_count: 3,
  revision_number: 1,
  tags: [],
  created_at: T0,
  updated_at: T0,
  version: 0,
});

describe('a text', () => {
  test('is written, written anew, and read as it was', async () => {
    const id = idOf(1);
    const created = await ann.post('/documents', { id, title: 'Packing list', content: TEXT });
    expect(said(created)).toEqual({ status: 201, body: packing(id) });
    expect(created.headers).toMatchObject({ location: `/api/v1/documents/${id}`, etag: expect.stringMatching(/^"0-/) });
    expect(said(await ann.get(`/documents/${id}`))).toEqual({ status: 200, body: packing(id) });

    const other = { content: 'Passport, charger', size_bytes: 17, sha256: sha256('Passport, charger'), word_count: 2, revision_number: 2 };
    const changed = { ...packing(id), ...other, title: 'To take along', updated_at: T1, version: 2 };
    expect(said(await at(T1).patch(`/documents/${id}`, { title: 'To take along', content: other.content }))).toEqual({
      status: 200,
      body: changed,
    });
    expect(said(await at(T2).patch(`/documents/${id}`, { title: 'To take along', content: other.content }))).toEqual({
      status: 200,
      body: changed,
    });

    const now = await ann.get(`/documents/${id}/content`);
    expect(now).toMatchObject({
      status: 200,
      headers: {
        etag: `"${other.sha256}"`,
        'content-type': 'text/markdown; charset=utf-8',
        'content-disposition': 'attachment; filename="To take along.md"',
        'content-security-policy': "default-src 'none'; sandbox",
        'x-content-type-options': 'nosniff',
      },
      body: 'Passport, charger',
    });
    expect(await ann.get(`/documents/${id}/content`, { 'if-none-match': `"${other.sha256}"` })).toMatchObject({ status: 304 });
    expect((await ann.get(`/documents/${id}/content?revision=2`)).body).toBe('Passport, charger');
    expect(await ann.get(`/documents/${id}/content?revision=1`)).toMatchObject({
      status: 200,
      headers: { etag: `"${sha256(TEXT)}"`, 'content-disposition': 'attachment; filename="Packing list.md"' },
      body: TEXT,
    });
    expect(said(await ann.get(`/documents/${id}/content?revision=3`))).toEqual({ status: 404, body: NOT_FOUND });
  });

  test('has all its revisions in its history', async () => {
    const id = idOf(2);
    await ann.post('/documents', { id, title: 'Packing list', content: TEXT });
    await at(T1).patch(`/documents/${id}`, { content: 'Passport' });
    await at(T2).patch(`/documents/${id}`, { title: 'To take along' });
    const since = (field: string, from: unknown, to: unknown) => ({ field, from, to });
    const event = (type: string, summary: string, time: string, revision: number, changes: unknown[]) => ({
      ...{ type, summary, at: time, actor: 'user', correlation_id: 'the-request', caused_by: null },
      ...{ revision, position: 'a position', changes },
    });
    expect(named((await ann.get(`/documents/${id}/history`)).body)).toEqual({
      items: [
        event('DocumentCreated', 'Created the document “Packing list”', T0, 0, [
          since('title', null, 'Packing list'),
          since('status', null, 'active'),
          since('content', null, TEXT),
          since('content_type', null, 'text/markdown'),
          since('size_bytes', null, 27),
          since('sha256', null, sha256(TEXT)),
          since('word_count', null, 3),
          since('revision_number', null, 1),
        ]),
        event('DocumentContentChanged', 'Rewrote the document “Packing list”', T1, 1, [
          since('content', TEXT, 'Passport'),
          since('size_bytes', 27, 8),
          since('sha256', sha256(TEXT), sha256('Passport')),
          since('word_count', 3, 1),
          since('revision_number', 1, 2),
        ]),
        event('DocumentRenamed', 'Renamed a document to “To take along”', T2, 2, [since('title', 'Packing list', 'To take along')]),
      ],
      next_cursor: null,
    });
  });

  test('that is long is kept whole, and its beginning is what is found', async () => {
    const id = idOf(3);
    const long = 'wörd\n'.repeat(60_000);
    const created = await ann.post('/documents', { id, title: 'Long.txt', content: long, content_type: 'text/plain' });
    expect(created).toMatchObject({ status: 201, body: { size_bytes: 360_000, sha256: sha256(long), word_count: 60_000 } });
    const { content } =
      created.body && typeof created.body === 'object' && 'content' in created.body ? created.body : { content: undefined };
    expect(long.startsWith(String(content))).toBe(true);
    expect(Buffer.byteLength(JSON.stringify(content))).toBeLessThanOrEqual(256 * 1024);
    expect(await ann.get(`/documents/${id}/content`)).toMatchObject({
      headers: { 'content-disposition': 'inline; filename=Long.txt' },
      body: long,
    });
    await ann.patch(`/documents/${id}`, { content: 'short' });
    expect((await ann.get(`/documents/${id}/content?revision=1`)).body).toBe(long);
  });

  test('is archived, and taken out again as what it was', async () => {
    const id = idOf(4);
    await ann.post('/documents', { id, title: 'Packing list', content: TEXT, status: 'draft' });
    const draft = { ...packing(id), status: 'draft' };
    const archived = { ...draft, status: 'archived', updated_at: T1, version: 1 };
    expect(said(await at(T1).post(`/documents/${id}/archive`))).toEqual({ status: 200, body: archived });
    expect(said(await at(T2).post(`/documents/${id}/archive`))).toEqual({ status: 200, body: archived });
    expect(said(await ann.patch(`/documents/${id}`, { title: 'Other' }))).toEqual(
      refusal(409, 'document-archived', 'Document archived', 'This document is archived; restore it first.'),
    );
    expect(said(await at(T3).post(`/documents/${id}/restore`))).toEqual({ status: 200, body: { ...draft, updated_at: T3, version: 2 } });
  });

  test('is of nobody else, and once deleted of nobody', async () => {
    const id = idOf(5);
    await ann.post('/documents', { id, title: 'Packing list', content: TEXT });
    const tag = idOf(6);
    await ann.post('/document-tags', { id: tag, name: 'Travel' });
    const nothingFor = async (person: Person) => {
      for (const answer of [
        await person.get(`/documents/${id}`),
        await person.get(`/documents/${id}/content`),
        await person.get(`/documents/${id}/content?revision=1`),
        await person.patch(`/documents/${id}`, { title: 'Mine' }),
        await person.post(`/documents/${id}/archive`),
        await person.post(`/documents/${id}/restore`),
        await person.put(`/documents/${id}/tags/${tag}`),
        await person.delete(`/documents/${id}/tags/${tag}`),
        await person.delete(`/documents/${id}`),
      ]) {
        expect(said(answer)).toEqual({ status: 404, body: NOT_FOUND });
      }
    };
    const bob = await register(daybook.app, 'Bob');
    await nothingFor(bob);
    for (const path of [`/documents/${id}/history`, `/document-tags/${tag}`, `/document-tags/${tag}/history`])
      expect(said(await bob.get(path))).toEqual({ status: 404, body: NOT_FOUND });
    for (const path of ['/documents', '/document-tags'])
      expect(said(await bob.get(path))).toEqual({ status: 200, body: { items: [], next_cursor: null } });
    expect(said(await ann.delete(`/documents/${id}`))).toEqual({ status: 204, body: undefined });
    await nothingFor(ann);
  });
});

describe('a file', () => {
  test('is uploaded, its text read, and given back to the byte', async () => {
    const id = idOf(11);
    const tag = idOf(12);
    await ann.post('/document-tags', { id: tag, name: 'Travel', color: '#ff0000' });
    const bytes = pdf('Ticket to Vienna');
    const form = await formOf({ name: 'Fahrkarte Österreich.pdf', type: 'application/octet-stream', bytes }, [
      ['id', id],
      ['language', 'en'],
      ['tag_ids', tag],
    ]);
    const expected = {
      ...packing(id),
      title: 'Fahrkarte Österreich.pdf',
      content: 'Ticket to Vienna',
      content_type: 'application/pdf',
      language: 'en',
      size_bytes: bytes.length,
      sha256: sha256(bytes),
      tags: [{ id: tag, name: 'Travel', color: '#ff0000' }],
      version: 1,
    };
    expect(said(await upload(form))).toEqual({ status: 201, body: expected });
    // The same again is the same.
    expect(said(await upload(form))).toEqual({ status: 201, body: expected });
    const content = await daybook.app.inject({ url: `/api/v1/documents/${id}/content`, headers: { authorization: `Bearer ${ann.token}` } });
    expect(content.headers).toMatchObject({
      'content-type': 'application/pdf',
      'content-length': String(bytes.length),
      'content-disposition': `inline; filename="Fahrkarte ?sterreich.pdf"; filename*=UTF-8''Fahrkarte%20%C3%96sterreich.pdf`,
    });
    expect(content.rawPayload.equals(bytes)).toBe(true);

    const next = docx('Two tickets');
    const changed = await upload(await formOf({ name: 'x', type: '', bytes: next }), 'PATCH', `/documents/${id}`);
    expect(changed).toMatchObject({ status: 200, body: { title: 'Fahrkarte Österreich.pdf', content: 'Two tickets', revision_number: 2 } });
    const earlier = await daybook.app.inject({
      url: `/api/v1/documents/${id}/content?revision=1`,
      headers: { authorization: `Bearer ${ann.token}` },
    });
    expect(earlier.rawPayload.equals(bytes)).toBe(true);
  });

  test('that nobody can read has no text, and that is said', async () => {
    const id = idOf(13);
    const form = await formOf({ name: 'broken.pdf', type: 'application/pdf', bytes: Buffer.from('%PDF-1.7 and nothing more') }, [
      ['id', id],
      ['title', 'Broken'],
    ]);
    expect(await upload(form)).toMatchObject({
      status: 201,
      body: { title: 'Broken', content: null, content_type: 'application/pdf', word_count: 0 },
    });
    const told = pageOf((await ann.get(`/activities?entity_type=document&entity_id=${id}`)).body).items;
    expect(told).toMatchObject([
      { summary: 'Created the document “Broken”, whose text could not be read', details: { unread_because: 'damaged' } },
    ]);
  });

  test('that could run in a browser is given to be saved, in a sandbox', async () => {
    const id = idOf(14);
    const bytes = Buffer.from('<!doctype html><script>alert(document.domain)</script><p>Hello');
    expect(await upload(await formOf({ name: 'page.txt', type: 'text/plain', bytes }, [['id', id]]))).toMatchObject({
      status: 201,
      body: { content_type: 'text/html', content: 'Hello' },
    });
    expect(await ann.get(`/documents/${id}/content`)).toMatchObject({
      headers: {
        'content-type': 'text/html; charset=utf-8',
        'content-disposition': 'attachment; filename=page.txt',
        'content-security-policy': "default-src 'none'; sandbox",
        'x-content-type-options': 'nosniff',
      },
      body: bytes.toString(),
    });
  });

  test('is refused where it is too large, and nothing of it stays', async () => {
    const head = await daybook.log.head();
    const bytes = Buffer.alloc(2 * 1024 * 1024 + 1, 'a');
    expect(said(await upload(await formOf({ name: 'large', type: '', bytes })))).toEqual(
      refusal(413, 'too-large', 'Too large', 'The body is larger than 2 MiB.'),
    );
    expect(await daybook.log.head()).toBe(head);
    expect(await daybook.blobs.open(ann.id, sha256(bytes))).toBeUndefined();
  });

  const file = 'content-disposition: form-data; name="file"; filename="a.txt"';
  const multipart = (parts: string): Form => ({ type: 'multipart/form-data; boundary=b', bytes: Buffer.from(parts) });
  test.each([
    ['without a boundary', { type: 'multipart/form-data', bytes: Buffer.from('--b--') }, ''],
    ['that is none', multipart('nothing of the kind'), ''],
    ['that ends within the file', multipart(`--b\r\n${file}\r\n\r\nhalf of it`), ''],
    ['that ends within a field', multipart('--b\r\ncontent-disposition: form-data; name="title"\r\n\r\nhalf'), ''],
    [
      'in other characters than it says',
      {
        type: 'multipart/form-data; boundary=b',
        bytes: Buffer.from(
          `--b\r\n${file}\r\n\r\na\r\n--b\r\ncontent-disposition: form-data; name="title"\r\n\r\nCaf\xe9\r\n--b--\r\n`,
          'latin1',
        ),
      },
      '/title',
    ],
    ['with the file elsewhere', multipart(`--b\r\n${file.replace('"file"', '"attachment"')}\r\n\r\na\r\n--b--\r\n`), '/attachment'],
    ['with two files', multipart(`--b\r\n${file}\r\n\r\na\r\n--b\r\n${file}\r\n\r\nb\r\n--b--\r\n`), ''],
    [
      'with a file that is a field',
      multipart(
        '--b\r\ncontent-disposition: form-data; name="title"\r\n\r\na\r\n--b\r\ncontent-disposition: form-data; name="file"\r\n\r\na\r\n--b--\r\n',
      ),
      '/file',
    ],
    [
      'with a text beside the file',
      multipart(`--b\r\n${file}\r\n\r\na\r\n--b\r\ncontent-disposition: form-data; name="content"\r\n\r\nb\r\n--b--\r\n`),
      '/content',
    ],
    [
      'with a field nobody knows',
      multipart(`--b\r\ncontent-disposition: form-data; name="__proto__"\r\n\r\nb\r\n--b\r\n${file}\r\n\r\na\r\n--b--\r\n`),
      '/__proto__',
    ],
    [
      'with a field without a name',
      multipart(`--b\r\ncontent-disposition: form-data\r\n\r\nb\r\n--b\r\n${file}\r\n\r\na\r\n--b--\r\n`),
      '/undefined',
    ],
  ])('is refused in a form %s', async (_, form, pointer) => {
    const head = await daybook.log.head();
    const { status, body } = await upload(form);
    expect({ status, body }).toMatchObject({ status: 400, body: { errors: [{ in: 'body', pointer }] } });
    expect(await daybook.log.head()).toBe(head);
  });

  test('is not made up by who only says that there is one', async () => {
    const made = { filename: 'a', content_type: 'text/plain', sha256: sha256('a'), size_bytes: 1 };
    const { status, body } = await ann.post('/documents', { title: 'Forged', file: made });
    expect({ status, body }).toMatchObject({ status: 400, body: { errors: [{ in: 'body', pointer: '/file' }] } });
  });
});

describe('documents', () => {
  test('are listed as one likes, without what is in them', async () => {
    const tag = idOf(21);
    await ann.post('/document-tags', { id: tag, name: 'Travel' });
    await at(T0).post('/documents', { title: 'first', content: TEXT, language: 'de', tag_ids: [tag] });
    await at(T1).post('/documents', { title: 'second', content_type: 'text/plain', status: 'draft' });
    await at(T2).post('/documents', { id: idOf(22), title: 'third', language: 'en' });
    await at(T3).patch(`/documents/${idOf(22)}`, { title: 'third one' });
    const { content, ...listed } = packing('first');
    expect(named(pageOf((await ann.get('/documents?language=de')).body).items, { first: '' })).toMatchObject([
      {
        ...listed,
        id: expect.anything(),
        title: 'first',
        language: 'de',
        tags: [{ id: expect.anything(), name: 'Travel', color: null }],
        version: 1,
      },
    ]);
    const items = pageOf((await ann.get('/documents')).body).items;
    expect(items.some((item) => 'content' in item)).toBe(false);
    const titles = async (query: string) => pageOf((await ann.get(`/documents${query}`)).body).items.map(({ title }) => title);
    expect(await titles('')).toEqual(['third one', 'second', 'first']);
    expect(await titles('?sort=created_at')).toEqual(['first', 'second', 'third one']);
    expect(await titles('?status=draft,archived')).toEqual(['second']);
    expect(await titles('?content_type=text/plain')).toEqual(['second']);
    expect(await titles('?language=de,en')).toEqual(['third one', 'first']);
    expect(await titles(`?tag_id=${tag}`)).toEqual(['first']);
    for (const sort of ['updated_at', '-updated_at', 'created_at', '-created_at']) {
      const whole = await titles(`?sort=${sort}`);
      const pages: unknown[] = [];
      for (let cursor: string | null = ''; cursor !== null; ) {
        const page = pageOf((await ann.get(`/documents?sort=${sort}&limit=1${cursor && `&cursor=${cursor}`}`)).body);
        pages.push(...page.items.map(({ title }) => title));
        cursor = page.next_cursor;
      }
      expect(pages).toEqual(whole);
    }
  });
});

describe('tags', () => {
  test('are put on documents and taken off, renamed, and gone from all documents at once', async () => {
    const [id, tag, home] = [idOf(31), idOf(32), idOf(33)];
    const travel = { id: tag, name: 'Travel', color: null, created_at: T0, updated_at: T0, version: 0 };
    const created = await ann.post('/document-tags', { id: tag, name: 'Travel' });
    expect(said(created)).toEqual({ status: 201, body: travel });
    expect(created.headers.location).toBe(`/api/v1/document-tags/${tag}`);
    await ann.post('/document-tags', { id: home, name: 'home', color: '#1F6FEB' });
    expect(said(await ann.post('/document-tags', { name: 'TRAVEL' }))).toEqual(
      refusal(409, 'name-taken', 'Name taken', 'There is already a tag called TRAVEL.', '/name'),
    );
    await ann.post('/documents', { id, title: 'Packing list', content: TEXT });
    const tagged = { ...packing(id), tags: [{ id: tag, name: 'Travel', color: null }], updated_at: T1, version: 1 };
    expect(said(await at(T1).put(`/documents/${id}/tags/${tag}`))).toEqual({ status: 200, body: tagged });
    expect(said(await at(T2).put(`/documents/${id}/tags/${tag}`))).toEqual({ status: 200, body: tagged });
    expect(said(await ann.put(`/documents/${id}/tags/${idOf(39)}`))).toEqual({ status: 404, body: NOT_FOUND });
    await at(T2).put(`/documents/${id}/tags/${home}`);

    const renamed = { ...travel, name: 'Away', color: '#00ff00', updated_at: T3, version: 2 };
    expect(said(await at(T3).patch(`/document-tags/${tag}`, { name: 'Away', color: '#00FF00' }))).toEqual({ status: 200, body: renamed });
    expect(said(await ann.get(`/document-tags/${tag}`))).toEqual({ status: 200, body: renamed });
    const homely = { id: home, name: 'home', color: '#1f6feb', created_at: T0, updated_at: T0, version: 1 };
    expect(said(await ann.get('/document-tags'))).toEqual({ status: 200, body: { items: [renamed, homely], next_cursor: null } });
    const tags = [
      { id: tag, name: 'Away', color: '#00ff00' },
      { id: home, name: 'home', color: '#1f6feb' },
    ];
    expect((await ann.get(`/documents/${id}`)).body).toEqual({ ...tagged, tags, updated_at: T2, version: 2 });

    expect(said(await ann.delete(`/document-tags/${tag}`))).toEqual({ status: 204, body: undefined });
    expect((await ann.get(`/documents/${id}`)).body).toEqual({ ...tagged, tags: tags.slice(1), updated_at: T2, version: 2 });
    expect(said(await ann.delete(`/documents/${id}/tags/${home}`))).toEqual({ status: 204, body: undefined });
    expect((await ann.get(`/documents/${id}`)).body).toEqual({ ...tagged, tags: [], updated_at: T3, version: 3 });
    expect(pageOf((await ann.get(`/document-tags/${tag}/history`)).body).items.map(({ summary }) => summary)).toEqual([
      'Created the tag “Travel”',
      'Changed the tag “Away”',
      'Deleted the tag “Away”',
    ]);
  });
});
