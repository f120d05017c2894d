// Passwords: what may be one, and the only places that hash one. A hash takes 19 MiB and some 30 ms on a thread of its
// own, so few are made at once.
import { randomBytes } from 'node:crypto';
import { hash, verify } from 'argon2';
import { z } from 'zod';
import { takingTurns } from './turns.ts';

/** Argon2id as the OWASP Password Storage Cheat Sheet recommends it (19 MiB, two passes, one lane). */
const parameters = { memoryCost: 19_456, timeCost: 2, parallelism: 1, hashLength: 32 };
const inTurn = takingTurns(2, 'Too many people are logging in at once.');

const MIN_CHARACTERS = 8;
const given = z.string().max(1_024);

/** NIST SP 800-63B section 5.1.1.2: long enough, of any characters, and nothing else is asked of it. */
export const newPassword = given
  .refine((password) => [...normalized(password)].length >= MIN_CHARACTERS, `must have at least ${MIN_CHARACTERS} characters`)
  .meta({ format: 'password', minLength: MIN_CHARACTERS });

/** One that is only compared. */
export const password = given.min(1).meta({ format: 'password' });

export const hashPassword = (password: string): Promise<string> => inTurn(() => hash(normalized(password), parameters));

/** @param digest the hash of a person's password; undefined takes as long, and is never right */
export const isPassword = (digest: string | undefined, password: string): Promise<boolean> =>
  inTurn(() => verify(digest ?? nobodys, normalized(password)));

// The same characters can come in several encodings, by keyboard (SP 800-63B section 5.1.1.2 again).
const normalized = (password: string) => password.normalize('NFKC');

const base64 = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '');
/** In the form of a hash, but of nothing: checking against it costs what checking against a real one does. */
const nobodys = `$argon2id$v=19$m=${parameters.memoryCost},t=${parameters.timeCost},p=${parameters.parallelism}$${base64(randomBytes(16))}$${base64(randomBytes(parameters.hashLength))}`;
