// What people change about themselves, and their departure.
import { z } from 'zod';
import { userDeleted, userEmailChanged, userPreferencesChanged, userProfileChanged } from '../../events/users.ts';
import { password } from '../../passwords.ts';
import { emailAddress, jsonObject, locale, name, timezone } from '../../vocabulary.ts';
import { command, stampOf } from '../command.ts';
import { changed, patchOf } from '../patch.ts';
import { emailKey, releaseEmail, reserveEmail } from './emailClaim.ts';
import { confirmPassword, wrongPassword } from './password.ts';
import { unauthorized } from './standing.ts';
import { user } from './user.ts';

const MAX_PREFERENCES_CHARACTERS = 65_536;

const preferences = jsonObject.refine(
  (object) => JSON.stringify(object).length <= MAX_PREFERENCES_CHARACTERS,
  `must not be longer than ${MAX_PREFERENCES_CHARACTERS} characters of JSON`,
);

export const changeMe = command({
  route: 'PATCH /users/me',
  summary: 'Change your profile, preferences or address',
  description: '`preferences` are replaced as a whole. A new `email` takes your `current_password`, too.',
  refuses: [429],
  body: patchOf({ display_name: name, timezone, locale, preferences, email: emailAddress, current_password: password }).refine(
    ({ email, current_password }) => (email === undefined) === (current_password === undefined),
    { path: ['current_password'], message: 'goes with email: give both or neither' },
  ),
  example: { display_name: 'Ada Lovelace', preferences: { theme: 'dark' } },
  aggregate: user,
  creates: false,
  answer: 'getMe',
  prepare: async (input, services) => {
    const { email, current_password, preferences, ...profile } = input.body;
    const confirmed = current_password === undefined ? undefined : await confirmPassword(services, input, current_password);
    const stamp = stampOf(input);
    let left: string | undefined;
    return {
      decide: async (me) => {
        if (!me) return unauthorized();
        if (confirmed !== undefined && me.password_hash !== confirmed) return wrongPassword();
        const differs = changed(me, profile);
        const prefers = preferences && changed(me, { preferences });
        const isNewAddress = email !== undefined && email !== me.email;
        // To write an address in other cases is to keep it.
        const moves = isNewAddress && emailKey(services.secrets, email) !== emailKey(services.secrets, me.email);
        if (moves) await reserveEmail(services, stamp, email, me.version);
        left = moves ? me.email : undefined;
        return [
          ...(differs ? [userProfileChanged(differs)] : []),
          ...(prefers ? [userPreferencesChanged(prefers)] : []),
          ...(isNewAddress ? [userEmailChanged({ email })] : []),
        ];
      },
      respond: async ({ revision }) => {
        if (left !== undefined) await releaseEmail(services, stamp, left, revision);
      },
    };
  },
});

export const deleteMe = command({
  route: 'DELETE /users/me',
  summary: 'Delete your account and everything in it',
  description: 'Takes your password: a token that was copied must not be enough for this.',
  refuses: [429],
  body: z.strictObject({ current_password: password }),
  example: { current_password: 'correct horse battery staple' },
  aggregate: user,
  creates: false,
  prepare: async (input, services) => {
    const confirmed = await confirmPassword(services, input, input.body.current_password);
    let left: string | undefined;
    return {
      decide: (me) => {
        if (!me) return unauthorized();
        if (me.password_hash !== confirmed) return wrongPassword();
        left = me.email;
        return userDeleted({});
      },
      respond: async ({ revision }) => {
        if (left !== undefined) await releaseEmail(services, stampOf(input), left, revision);
      },
    };
  },
});
