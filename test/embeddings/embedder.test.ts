// From what is written to its vectors, by way of the log, the read model and an endpoint that embeds.
import { sql } from 'slonik';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { startDaybook, type TestDaybook } from '../support/daybook.ts';
import { type EmbeddingEndpoint, embeddingEndpoint } from '../support/embeddingEndpoint.ts';
import { type Person, register } from '../support/person.ts';

const patience = { timeout: 20_000 };
let endpoint: EmbeddingEndpoint;
let daybook: TestDaybook;
let ann: Person;

beforeAll(async () => {
  endpoint = await embeddingEndpoint();
  daybook = await startDaybook({
    ROLES: 'api,projector,embedder',
    EMBEDDINGS_URL: endpoint.url,
    EMBEDDINGS_MODEL: 'words',
    EMBEDDINGS_API_KEY: 'a secret of the endpoint',
    EMBEDDINGS_REQUESTS_PER_MINUTE: '1000000',
  });
  ann = await register(daybook.app);
});
afterAll(async () => {
  await daybook.close();
  await endpoint.close();
});
beforeEach(() => {
  endpoint.texts.length = 0;
});

const created = z.object({ id: z.string() });
const add = async (path: string, body: object, person = ann) => created.parse((await person.post(path, body)).body).id;
const row = z.object({ chunk_index: z.number(), content: z.string() });
const chunksOf = (id: string) =>
  daybook.database.any(sql.type(row)`SELECT chunk_index, content FROM relationships.entity_embeddings WHERE entity_id = ${id} ORDER BY 1`);
const contentOf = async (id: string) => (await chunksOf(id)).map(({ content }) => content);

describe('what is written', () => {
  test('is embedded, each kind of it, and only where it has changed', async () => {
    const session = await add('/sessions', { title: 'Talk', channel: 'cli' });
    const message = await add(`/sessions/${session}/messages`, { role: 'user', content: 'Water\n the plants' });
    const task = await add('/tasks', { title: 'Plants', description: 'on the balcony' });
    const event = await add('/calendar/events', {
      title: 'Dentist',
      location: 'Main Street',
      starts_at: '2027-01-01T10:00:00Z',
      ends_at: '2027-01-01T11:00:00Z',
      timezone: 'UTC',
    });
    const document = await add('/documents', { title: 'Diary', content: 'A long day', content_type: 'text/plain' });
    await expect.poll(() => contentOf(document), patience).toEqual(['Diary A long day']);
    expect(await contentOf(message)).toEqual(['Water the plants']);
    expect(await contentOf(task)).toEqual(['Plants on the balcony']);
    expect(await contentOf(event)).toEqual(['Dentist Main Street']);
    expect(endpoint.headers.at(-1)?.authorization).toBe('Bearer a secret of the endpoint');

    endpoint.texts.length = 0;
    await ann.post(`/tasks/${task}/start`);
    await ann.patch(`/documents/${document}`, { title: 'Old diary' });
    await expect.poll(() => contentOf(document), patience).toEqual(['Old diary A long day']);
    expect(endpoint.texts).toEqual(['Old diary A long day']);
  });
});
