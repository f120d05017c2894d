import * as argon2 from 'argon2';
import { afterEach, expect, test, vi } from 'vitest';

vi.mock('argon2', { spy: true });
// Another file may have loaded it already, with what is not spied on.
vi.resetModules();
const { hashPassword, isPassword, newPassword } = await import('../src/passwords.ts');

afterEach(() => {
  vi.mocked(argon2.hash).mockReset();
  vi.mocked(argon2.verify).mockReset();
});

test('a password is known again, in whatever encoding of its characters', async () => {
  const digest = await hashPassword('cafe\u0301 au lait');
  expect(await isPassword(digest, 'caf\u00e9 au lait')).toBe(true);
  expect(await isPassword(digest, 'cafe au lait')).toBe(false);
});

test('two hashes of one password are not alike', async () => {
  expect(await hashPassword('correct horse')).not.toBe(await hashPassword('correct horse'));
});

// What it costs to check is in the hash; so as long as these are equal, an unknown address takes as long as a known one.
test('nobody’s password is never right, and as dear to check as anybody’s', async () => {
  expect(await isPassword(await hashPassword('correct horse'), 'wrong')).toBe(false);
  expect(await isPassword(undefined, 'wrong')).toBe(false);
  const costs = vi.mocked(argon2.verify).mock.calls.map(([digest]) => {
    const [, algorithm, version, parameters = '', salt = '', hash = ''] = digest.split('$');
    return { algorithm, version, parameters: parameters.split(',').sort(), salt: salt.length, hash: hash.length };
  });
  const cost = { algorithm: 'argon2id', version: 'v=19', parameters: ['m=19456', 'p=1', 't=2'], salt: 22, hash: 43 };
  expect(costs).toEqual([cost, cost]);
});

test.each([
  ['seven77', false],
  ['eight888', true],
  ['\u{1F511}'.repeat(7), false],
  ['\u{1F511}'.repeat(8), true],
  [' '.repeat(8), true],
  ['x'.repeat(1_024), true],
  ['x'.repeat(1_025), false],
])('%s may be one: %s', (password, may) => {
  expect(newPassword.safeParse(password).success).toBe(may);
});

test('two are hashed at once, two hundred wait, and the next is told to come later', async () => {
  const { promise: done, resolve } = Promise.withResolvers<string>();
  vi.mocked(argon2.hash).mockReturnValue(done);
  const taken = Array.from({ length: 202 }, () => hashPassword('correct horse'));
  await expect(hashPassword('correct horse')).rejects.toMatchObject({ status: 503, retryAfterSeconds: 1 });
  expect(argon2.hash).toHaveBeenCalledTimes(2);
  resolve('a hash');
  expect(await Promise.all(taken)).toEqual(taken.map(() => 'a hash'));
  expect(argon2.hash).toHaveBeenCalledTimes(202);
});

test('one that fails gives its turn on', async () => {
  vi.mocked(argon2.hash).mockRejectedValue(new Error('out of memory'));
  const failed = await Promise.allSettled(Array.from({ length: 5 }, () => hashPassword('correct horse')));
  expect(failed.map(({ status }) => status)).toEqual(failed.map(() => 'rejected'));
  vi.mocked(argon2.hash).mockResolvedValue('a hash');
  expect(await hashPassword('correct horse')).toBe('a hash');
});
