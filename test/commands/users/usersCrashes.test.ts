// What takes several appends can be cut short between any two: here the process dies in each of these places. What was left
// then has to heal by itself or by asking again, and no address may ever be two people's.
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import type { Caller, Command } from '../../../src/commands/command.ts';
import { createCommandHandler } from '../../../src/commands/handle.ts';
import { logIn } from '../../../src/commands/users/login.ts';
import { changePassword } from '../../../src/commands/users/password.ts';
import { changeMe, deleteMe } from '../../../src/commands/users/profile.ts';
import { register } from '../../../src/commands/users/registration.ts';
import { Problem } from '../../../src/problem.ts';
import { deriveSecrets } from '../../../src/secrets.ts';
import { createTokens } from '../../../src/tokens.ts';
import { createMemoryBlobs } from '../../support/memoryBlobs.ts';
import { createMemoryLog, type MemoryLog } from '../../support/memoryLog.ts';

const PASSWORD = 'correct horse battery staple';
const START = Date.parse('2026-03-04T05:00:00.000Z');

let log: MemoryLog;
let handler: ReturnType<typeof createCommandHandler>;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: START });
  log = createMemoryLog();
  restart();
});

/** A new process on the same log. */
function restart(): void {
  log.before = () => {};
  const secrets = deriveSecrets('a master key of the tests, 32 bytes and more');
  const tokens = createTokens('a secret of the tests, 32 bytes and more', 15);
  handler = createCommandHandler({
    log,
    blobs: createMemoryBlobs(),
    secrets,
    tokens,
    settings: { refreshTokenExpireDays: 30, adminEmails: ['root@example.com'], sendsPerDay: 0 },
  });
}

const later = (seconds: number) => vi.setSystemTime(Date.now() + seconds * 1_000);

class Crash extends Error {}

/** The process dies before it appends to a stream of this category, the `nth` time. */
function dieBefore(category: string, nth = 1): void {
  let times = 0;
  log.before = (stream) => {
    if (stream.startsWith(`${category}-`)) times += 1;
    if (times >= nth) throw new Crash();
  };
}

const nobody = {
  id: '00000000-0000-0000-0000-000000000000',
  role: 'user',
  actor: 'user',
  login_id: '00000000-0000-0000-0000-000000000000',
} as const;

/** What the command appended, or the code it was refused with. */
async function ask(command: Command, body: object, user: Caller = nobody): Promise<string | string[]> {
  const before = log.events.length;
  try {
    await command.run(handler.run, { params: {}, body, user, correlationId: 'test' });
  } catch (error) {
    if (error instanceof Crash) return 'crash';
    if (error instanceof Problem) return error.code;
    throw error;
  }
  return log.events.slice(before).map(({ type }) => type);
}

const registration = (email: string) => ({ email, password: PASSWORD, display_name: 'Ada' });
const entering = (email: string) => ({ email, password: PASSWORD });
const REGISTERED = ['EmailReserved', 'UserRegistered', 'LoggedIn'];

/** Somebody registered and logged in. */
async function someone(email: string): Promise<Caller> {
  const login = z
    .object({ response: z.object({ user: z.object({ id: z.string() }), refresh_token: z.string() }) })
    .parse(await register.run(handler.run, { params: {}, body: registration(email), user: nobody, correlationId: 'test' })).response;
  return { id: login.user.id, role: 'user', actor: 'user', login_id: login.refresh_token.slice(0, 36) };
}

describe('a registration that dies', () => {
  test('before its claim has left nothing', async () => {
    dieBefore('userEmail');
    expect(await ask(register, registration('ada@example.com'))).toBe('crash');
    restart();
    expect(await ask(register, registration('ada@example.com'))).toEqual(REGISTERED);
  });

  test('after its claim keeps the address for a minute', async () => {
    dieBefore('user');
    expect(await ask(register, registration('ada@example.com'))).toBe('crash');
    restart();
    later(59);
    expect(await ask(register, registration('ada@example.com'))).toBe('email-taken');
    later(1);
    expect(await ask(register, registration('ada@example.com'))).toEqual(['RegistrationAbandoned', ...REGISTERED]);
    expect(await ask(logIn, entering('ada@example.com'))).toEqual(['LoggedIn']);
  });

  test('and whose claim was taken over half-way is taken over by the next', async () => {
    dieBefore('user');
    await ask(register, registration('ada@example.com'));
    restart();
    later(60);
    dieBefore('userEmail');
    expect(await ask(register, registration('ada@example.com'))).toBe('crash');
    restart();
    expect(await ask(register, registration('ada@example.com'))).toEqual(REGISTERED);
  });

  test('before the login has left somebody who can log in', async () => {
    dieBefore('login');
    expect(await ask(register, registration('ada@example.com'))).toBe('crash');
    restart();
    later(600);
    expect(await ask(register, registration('ada@example.com'))).toBe('email-taken');
    expect(await ask(logIn, entering('ada@example.com'))).toEqual(['LoggedIn']);
  });
});

test('a registration that is not dead but slow finds its claim taken over, and is refused', async () => {
  const { promise: reached, resolve: arrive } = Promise.withResolvers<void>();
  const { promise: awake, resolve: wake } = Promise.withResolvers<void>();
  log.before = async (stream) => {
    if (!stream.startsWith('user-')) return;
    log.before = () => {};
    arrive();
    await awake;
  };
  const slow = ask(register, registration('ada@example.com'));
  await reached;
  later(60);
  expect(await ask(register, registration('ada@example.com'))).toEqual(['RegistrationAbandoned', ...REGISTERED]);
  wake();
  expect(await slow).toBe('email-taken');
  expect(log.events.filter(({ type }) => type === 'UserRegistered')).toHaveLength(1);
});

test('a registration that was slow but first keeps its claim', async () => {
  const { promise: reached, resolve: arrive } = Promise.withResolvers<void>();
  const { promise: awake, resolve: wake } = Promise.withResolvers<void>();
  log.before = async (stream) => {
    if (!stream.startsWith('user-')) return;
    log.before = () => {};
    arrive();
    await awake;
  };
  const slow = register.run(handler.run, { params: {}, body: registration('ada@example.com'), user: nobody, correlationId: 'test' });
  await reached;
  restart();
  later(60);
  // The other node has seen nobody in the stream, and comes to append what ends the registration.
  log.before = async (stream) => {
    if (!stream.startsWith('user-')) return;
    log.before = () => {};
    wake();
    await slow;
  };
  expect(await ask(register, registration('ada@example.com'))).toBe('email-taken');
  expect(await ask(logIn, entering('ada@example.com'))).toEqual(['LoggedIn']);
});

describe('a change of address that dies', () => {
  const change = { email: 'countess@example.com', current_password: PASSWORD };
  const CHANGED = ['EmailReserved', 'UserEmailChanged', 'EmailReleased'];

  test('after its claim goes on when it is asked for again', async () => {
    const ada = await someone('ada@example.com');
    dieBefore('user');
    expect(await ask(changeMe, change, ada)).toBe('crash');
    restart();
    expect(await ask(register, registration('countess@example.com'))).toBe('email-taken');
    expect(await ask(logIn, entering('ada@example.com'))).toEqual(['LoggedIn']);
    expect(await ask(changeMe, change, ada)).toEqual(CHANGED.slice(1));
    expect(await ask(logIn, entering('countess@example.com'))).toEqual(['LoggedIn']);
  });

  test('after its claim holds nothing any more once the person has done anything else', async () => {
    const ada = await someone('ada@example.com');
    dieBefore('user');
    await ask(changeMe, change, ada);
    restart();
    await ask(changeMe, { display_name: 'Countess' }, ada);
    expect(await ask(register, registration('countess@example.com'))).toEqual(REGISTERED);
    expect(await ask(changeMe, change, ada)).toBe('email-taken');
  });

  test('before it has given up the old address leaves that free', async () => {
    const ada = await someone('ada@example.com');
    dieBefore('userEmail', 2);
    expect(await ask(changeMe, change, ada)).toBe('crash');
    restart();
    expect(await ask(logIn, entering('ada@example.com'))).toBe('wrong-credentials');
    expect(await ask(logIn, entering('countess@example.com'))).toEqual(['LoggedIn']);
    expect(await ask(register, registration('ada@example.com'))).toEqual(REGISTERED);
    expect(await ask(changeMe, { ...change, email: 'ada@example.com' }, ada)).toBe('email-taken');
  });
});

test('an address is not given up by who has come back to it', async () => {
  const ada = await someone('ada@example.com');
  const { promise: awake, resolve: wake } = Promise.withResolvers<void>();
  const { promise: reached, resolve: arrive } = Promise.withResolvers<void>();
  let claims = 0;
  log.before = async (stream) => {
    if (stream.startsWith('userEmail-')) claims += 1;
    if (claims !== 2) return;
    claims += 1;
    arrive();
    await awake;
  };
  const away = ask(changeMe, { email: 'countess@example.com', current_password: PASSWORD }, ada);
  await reached;
  restart();
  expect(await ask(changeMe, { email: 'ada@example.com', current_password: PASSWORD }, ada)).toEqual([
    'EmailReserved',
    'UserEmailChanged',
    'EmailReleased',
  ]);
  wake();
  await away;
  expect(await ask(register, registration('ada@example.com'))).toBe('email-taken');
  expect(await ask(logIn, entering('ada@example.com'))).toEqual(['LoggedIn']);
});

test('a departure that dies before it has given up the address leaves that free', async () => {
  const ada = await someone('ada@example.com');
  dieBefore('userEmail');
  expect(await ask(deleteMe, { current_password: PASSWORD }, ada)).toBe('crash');
  restart();
  expect(await ask(register, registration('ada@example.com'))).toEqual(REGISTERED);
});

test('a login whose password was changed meanwhile ends as it begins', async () => {
  const ada = await someone('ada@example.com');
  const { promise: awake, resolve: wake } = Promise.withResolvers<void>();
  const { promise: reached, resolve: arrive } = Promise.withResolvers<void>();
  log.before = async (stream) => {
    if (!stream.startsWith('login-')) return;
    log.before = () => {};
    arrive();
    await awake;
  };
  const late = logIn
    .run(handler.run, { params: {}, body: entering('ada@example.com'), user: nobody, correlationId: 'test' })
    .catch((error: unknown) => error);
  await reached;
  expect(await ask(changePassword, { current_password: PASSWORD, new_password: 'another one' }, ada)).toEqual(['PasswordChanged']);
  wake();
  expect(await late).toMatchObject({ status: 401, code: 'unauthorized' });
  expect(log.events.slice(-2).map(({ type }) => type)).toEqual(['LoggedIn', 'LoginRevoked']);
});

describe('wrong passwords', () => {
  const wrong = (email: string) => ({ email, password: 'wrong' });

  test.each(['ada@example.com', 'nobody@example.com'])('make an address wait after ten, whoever has it (%s)', async (email) => {
    await someone('ada@example.com');
    for (let attempt = 0; attempt < 10; attempt += 1) {
      later(30);
      expect(await ask(logIn, wrong(email))).toBe('wrong-credentials');
    }
    // On another node, and with the right password.
    restart();
    const refusal = await logIn
      .run(handler.run, { params: {}, body: entering(email.toUpperCase()), user: nobody, correlationId: 'test' })
      .catch((error: unknown) => error);
    expect(refusal).toMatchObject({ status: 429, code: 'too-many-failed-logins', retryAfterSeconds: 15 * 60 - 9 * 30 });
    expect(log.events.filter(({ type }) => type === 'LoginFailed')).toHaveLength(10);
    later(15 * 60 - 9 * 30 - 1);
    expect(await ask(logIn, wrong(email))).toBe('too-many-failed-logins');
    later(1);
    expect(await ask(logIn, wrong(email))).toBe('wrong-credentials');
    expect(await ask(logIn, wrong(email))).toBe('too-many-failed-logins');
  });

  test('count when many come at once', async () => {
    const answers = await Promise.all(Array.from({ length: 25 }, () => ask(logIn, wrong('ada@example.com'))));
    expect(answers.filter((code) => code === 'wrong-credentials')).toHaveLength(10);
    expect(answers.filter((code) => code === 'too-many-failed-logins')).toHaveLength(15);
  });

  test('count where a token was stolen, too', async () => {
    const ada = await someone('ada@example.com');
    for (let attempt = 0; attempt < 10; attempt += 1)
      expect(await ask(deleteMe, { current_password: 'wrong' }, ada)).toBe('wrong-password');
    expect(await ask(deleteMe, { current_password: PASSWORD }, ada)).toBe('too-many-failed-logins');
    expect(await ask(changePassword, { current_password: PASSWORD, new_password: 'another one' }, ada)).toBe('too-many-failed-logins');
  });
});

test('wrong passwords of somebody else keep nobody from their own account', async () => {
  const ada = await someone('ada@example.com');
  for (let attempt = 0; attempt < 11; attempt += 1) await ask(logIn, { email: 'ada@example.com', password: 'wrong' });
  expect(await ask(logIn, entering('ada@example.com'))).toBe('too-many-failed-logins');
  expect(await ask(changePassword, { current_password: PASSWORD, new_password: 'another one that is long' }, ada)).toEqual([
    'PasswordChanged',
  ]);
});

test('an address of the settings makes an admin, in whatever case', async () => {
  await someone('Root@example.com');
  await someone('ada@example.com');
  const roles = log.events
    .filter(({ type }) => type === 'UserRegistered')
    .map(({ data }) => z.object({ role: z.string() }).parse(data).role);
  expect(roles).toEqual(['admin', 'user']);
});

test('forty registrations of one address at once make one person', async () => {
  const answers = await Promise.all(Array.from({ length: 40 }, () => ask(register, registration('ada@example.com'))));
  expect(answers.filter((answer) => Array.isArray(answer))).toHaveLength(1);
  expect(answers.filter((answer) => answer === 'email-taken')).toHaveLength(39);
  expect(log.events.map(({ type }) => type)).toEqual(REGISTERED);
});
