// What can happen to people, to the claims on their addresses and to their logins. What is a secret (a password's or a
// token's hash) is in events only: no table, no sentence and no answer has it.
import { z } from 'zod';
import { instant, jsonObject, loginActor, name, text, userRole, uuid } from '../vocabulary.ts';
import { event } from './event.ts';

// Addresses, zones and languages were validated where they came in. What is a valid one changes with the libraries that
// say so; what was registered must be readable for ever.
const profile = { display_name: name, timezone: text(64), locale: text(100) };
const email = text(254);
const password_hash = text(500);
export const userRegistered = event('UserRegistered', { email, ...profile, role: userRole, password_hash });
/** Somebody else took over the claim of a registration that had stopped half-way: it can never go on. */
export const registrationAbandoned = event('RegistrationAbandoned', {});
export const userProfileChanged = event('UserProfileChanged', z.object(profile).exactPartial().shape);
export const userPreferencesChanged = event('UserPreferencesChanged', { preferences: jsonObject });
/** Ends every login but the one it was made with. */
export const passwordChanged = event('PasswordChanged', { password_hash, kept_login_id: uuid });
export const userEmailChanged = event('UserEmailChanged', { email });
export const userSuspended = event('UserSuspended', { suspended_by: uuid });
export const userReinstated = event('UserReinstated', { reinstated_by: uuid });
export const userDeleted = event('UserDeleted', {});

/** `user_revision` is where the person's stream was: the claim is for what is appended there, and for nothing later. */
export const emailReserved = event('EmailReserved', { user_id: uuid, user_revision: z.int().min(-1) });
export const emailReleased = event('EmailReleased', { user_id: uuid });

const refreshToken = { refresh_token_hash: text(64), expires_at: instant };
/** `user_revision` is where the person's stream was when their password was checked: a later change of it ends the login. */
export const loggedIn = event('LoggedIn', {
  ...refreshToken,
  actor: loginActor,
  user_agent: text(500).nullable(),
  user_revision: z.int().nonnegative(),
});
export const tokensRefreshed = event('TokensRefreshed', refreshToken);
export const refreshTokenReused = event('RefreshTokenReused', {});
export const loggedOut = event('LoggedOut', {});
export const loginRevoked = event('LoginRevoked', {});
/** It was not used for so long that it could not be any more. */
export const loginExpired = event('LoginExpired', {});

export const loginFailed = event('LoginFailed', {});
