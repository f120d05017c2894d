// Requests that are no HTTP, on a real socket: what answers them is not the application but the server below it.
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDaybook, type TestDaybook } from '../support/daybook.ts';

let daybook: TestDaybook;
let port: number;

beforeAll(async () => {
  daybook = await startDaybook();
  port = Number(new URL(await daybook.app.listen({ host: '127.0.0.1', port: 0 })).port);
});
afterAll(() => daybook.close());

test.for([
  ['no HTTP', 'hello\r\n\r\n', 400, 'malformed-request', 'Malformed request', 'The request could not be read.'],
  [
    'headers without end',
    `GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}`,
    431,
    'headers-too-large',
    'Headers too large',
    'The headers of the request are too long.',
  ],
] as const)('%s', async ([, request, status, code, title, detail]) => {
  const socket = connect(port, '127.0.0.1');
  socket.write(request);
  const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n');
  expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(head).toContain('\r\nContent-Type: application/problem+json\r\n');
  expect(JSON.parse(body)).toEqual({ type: `urn:daybook:problem:${code}`, title, status, detail, request_id: expect.any(String) });
});
