// Checking passwords, and changing one. Wrong ones are counted in the log, so that every node knows of them: for each address,
// whether or not anybody has it, so that an address gives nothing away; and for each login, so that nobody else keeps the one who
// is logged in from what needs a password.
import { z } from 'zod';
import { encode } from '../../events/codec.ts';
import { metadata } from '../../events/event.ts';
import { loginFailed, passwordChanged } from '../../events/users.ts';
import { hashPassword, isPassword, newPassword, password } from '../../passwords.ts';
import { Problem } from '../../problem.ts';
import { type CommandServices, command, type Input, stampOf } from '../command.ts';
import { unauthorized } from './standing.ts';
import { user } from './user.ts';

const MAX_FAILURES = 10;
const WINDOW_SECONDS = 15 * 60;

/**
 * Whether a password is right. One asker's are checked one at a time here: of many at once, too, no more than ten are
 * tried (and one for each further node).
 * @param asker who wrong ones are counted for: an address's HMAC, or a login's id
 * @param digest of the person who has to be; undefined where there is none, which takes as long
 * @throws Problem 429 after too many wrong ones, whatever this one is
 */
export function checkPassword(
  services: CommandServices,
  input: Input,
  asker: string,
  digest: string | undefined,
  password: string,
): Promise<boolean> {
  const stream = `loginFailures-${asker}`;
  return services.serially(stream, async () => {
    const failures: number[] = [];
    for await (const { metadata: meta } of services.log.readStreamBackwards(stream, MAX_FAILURES)) {
      failures.push(Date.parse(metadata.parse(meta).at));
    }
    const oldest = failures[MAX_FAILURES - 1];
    const waitSeconds = oldest === undefined ? 0 : Math.ceil((oldest - Date.parse(input.at)) / 1_000) + WINDOW_SECONDS;
    if (waitSeconds > 0) {
      throw new Problem(429, 'too-many-failed-logins', 'Too many wrong passwords; try again later.', { retryAfterSeconds: waitSeconds });
    }
    if (await isPassword(digest, password)) return true;
    // Nodes' clocks may differ: what is kept a little longer than it counts is never missed.
    if (failures.length === 0) await services.log.setMaxAge(stream, WINDOW_SECONDS * 2);
    await services.log.append(stream, 'any', [encode(loginFailed({}), stampOf(input))]);
    return false;
  });
}

/** The hash that the caller's password was found right against. Whoever decides on it compares it with the state's. @throws Problem */
export async function confirmPassword(services: CommandServices, input: Input, password: string): Promise<string> {
  const { state: person } = await services.folds.fresh(user, `${user.category}-${input.user.id}`);
  if (!person) throw unauthorized();
  if (!(await checkPassword(services, input, input.user.login_id, person.password_hash, password))) throw wrongPassword();
  return person.password_hash;
}

export const wrongPassword = () =>
  new Problem(403, 'wrong-password', 'This is not your password.', {
    errors: [{ in: 'body', pointer: '/current_password', detail: 'This is not your password.' }],
  });

export const changePassword = command({
  route: 'POST /auth/password',
  summary: 'Change your password',
  description: 'Every other login ends with it; the one it is changed with stays.',
  refuses: [429],
  body: z.strictObject({ current_password: password, new_password: newPassword }),
  example: { current_password: 'correct horse battery staple', new_password: 'an even better battery staple' },
  aggregate: user,
  keyed: false,
  creates: false,
  prepare: async (input, services) => {
    const confirmed = await confirmPassword(services, input, input.body.current_password);
    const password_hash = await hashPassword(input.body.new_password);
    return {
      decide: (person) =>
        person?.password_hash === confirmed ? passwordChanged({ password_hash, kept_login_id: input.user.login_id }) : wrongPassword(),
    };
  },
});
