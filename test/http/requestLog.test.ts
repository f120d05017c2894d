// What the log says of a request: one line, under the id that its answer has, and nothing that is only the caller's to know.
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { readConfig } from '../../src/config.ts';
import { createDaybook, type Daybook } from '../../src/daybook.ts';
import { secrets, startDaybook, type TestDaybook } from '../support/daybook.ts';

let daybook: TestDaybook;
let node: Daybook;
const lines: string[] = [];

beforeAll(async () => {
  daybook = await startDaybook();
  const logger = pino({ base: null, timestamp: false }, { write: (line: string) => lines.push(line) });
  node = await createDaybook({ ...daybook, secrets }, readConfig({ ROLES: 'api' }), logger);
  await node.app.ready();
});
afterAll(async () => {
  await node.stop();
  await daybook.close();
});

test('a request is one line, without its query, body and token', async () => {
  const answer = await node.app.inject({
    method: 'POST',
    url: '/api/v1/auth/login?note=private',
    headers: { 'x-request-id': 'from-the-caller', authorization: 'Bearer private' },
    payload: { email: 'private@example.com', password: 'private as well' },
  });
  expect(answer.statusCode).toBe(401);
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    {
      level: 30,
      request_id: 'from-the-caller',
      method: 'POST',
      path: '/api/v1/auth/login',
      status: 401,
      ms: expect.any(Number),
      ip: '127.0.0.1',
      msg: 'answered',
    },
  ]);
  expect(z.object({ request_id: z.string() }).parse(answer.json()).request_id).toBe('from-the-caller');
});
