// How often one address may call what needs no token, and whose address that is behind a proxy.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDaybook, type TestDaybook } from '../support/daybook.ts';

let daybook: TestDaybook;

beforeAll(async () => {
  daybook = await startDaybook({ TRUST_PROXY: '192.0.2.1' }, { publicRequestsPerMinute: 3 });
});
afterAll(() => daybook.close());

async function logIn(remoteAddress: string, forwardedFor?: string) {
  const headers = forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor };
  const payload = { email: `${Math.random()}@example.com`, password: 'not the right one' };
  return daybook.app.inject({ method: 'POST', url: '/api/v1/auth/login', payload, headers, remoteAddress });
}

const statuses = async (times: number, remoteAddress: string, forwardedFor?: string) => {
  const answers = [];
  for (let i = 0; i < times; i += 1) answers.push((await logIn(remoteAddress, forwardedFor)).statusCode);
  return answers;
};

test('the fourth call in a minute is refused, with how long to wait, and nothing is appended for it', async () => {
  expect(await statuses(3, '198.51.100.1')).toEqual([401, 401, 401]);
  const head = await daybook.log.head();
  const refused = await logIn('198.51.100.1');
  expect(refused.json()).toEqual({
    type: 'urn:daybook:problem:too-many-requests',
    title: 'Too many requests',
    status: 429,
    detail: 'Too many requests; try again later.',
    request_id: refused.headers['x-request-id'],
  });
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
  expect(await daybook.log.head()).toBe(head);
  expect(await statuses(1, '198.51.100.2')).toEqual([401]);
});

test('a caller behind the trusted proxy is counted, and not the proxy', async () => {
  expect(await statuses(4, '192.0.2.1', '203.0.113.1')).toEqual([401, 401, 401, 429]);
  expect(await statuses(1, '192.0.2.1', '203.0.113.2')).toEqual([401]);
});

test('whoever is not the proxy cannot say that they are somebody else', async () => {
  expect(await statuses(3, '198.51.100.3', '203.0.113.3')).toEqual([401, 401, 401]);
  expect(await statuses(1, '198.51.100.3', '203.0.113.4')).toEqual([429]);
});
