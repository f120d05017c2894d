// What only a real socket sends: requests that are no HTTP, which the server below the application answers, and addresses that a
// client would have tidied up.
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDaybook, type TestDaybook } from '../support/daybook.ts';
import { NOT_FOUND } from '../support/person.ts';

let daybook: TestDaybook;
let port: number;

beforeAll(async () => {
  daybook = await startDaybook();
  port = Number(new URL(await daybook.app.listen({ host: '127.0.0.1', port: 0 })).port);
});
afterAll(() => daybook.close());

async function answerTo(request: string) {
  const socket = connect(port, '127.0.0.1');
  socket.write(request);
  const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n');
  return { head, body };
}

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
  const { head, body } = await answerTo(request);
  expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(head).toContain('\r\nContent-Type: application/problem+json\r\n');
  expect(JSON.parse(body)).toEqual({ type: `urn:daybook:problem:${code}`, title, status, detail, request_id: expect.any(String) });
});

test.each([
  ...['/docs/../api/v1/users/me', '/docs/%2e%2e/api/v1/users/me', '/docs/static/../../health/live'],
  ...['/docs/nothing', '/docs//nothing', '/docs/static/nothing'],
])('there is nothing at %s', async (address) => {
  const { head, body } = await answerTo(`GET ${address} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  expect(head).toMatch(/^HTTP\/1.1 404 /);
  expect(JSON.parse(body)).toEqual({ ...NOT_FOUND, request_id: expect.any(String) });
});

test('a request of HTTP/1.1 that does not say which host it is for is refused as any other that is wrong', async () => {
  const { head, body } = await answerTo('GET /health/live HTTP/1.1\r\nConnection: close\r\n\r\n');
  expect(head).toMatch(/^HTTP\/1.1 400 /);
  expect(head).toContain('\r\nx-request-id: ');
  expect(JSON.parse(body)).toMatchObject({
    type: 'urn:daybook:problem:validation-failed',
    errors: [{ in: 'header', pointer: '/host', detail: 'has to be there' }],
  });
  expect((await answerTo('GET /health/live HTTP/1.0\r\n\r\n')).head).toMatch(/^HTTP\/1.1 200 /);
});
