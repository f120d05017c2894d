// Access tokens: signed JWTs (RFC 7519, HS256) that say who is calling for some minutes. What they say of a person's
// standing is checked against the log at every request, so a token that is still valid grants nothing to who was suspended.
import { JOSEError } from 'jose/errors';
import { SignJWT } from 'jose/jwt/sign';
import { jwtVerify } from 'jose/jwt/verify';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { loginActor, uuid } from './vocabulary.ts';

const ISSUER = 'daybook';
const AUDIENCE = 'daybook-api';
/** RFC 9068: an access token says that it is one, so that no other kind of token can be taken for it. */
const TYPE = 'at+jwt';
const OPERATOR = 'daybook-operator';

const MAX_REMEMBERED = 10_000;

const claims = z.object({ sub: uuid, login_id: uuid, actor: loginActor });
export type TokenClaims = z.output<typeof claims>;

export type Tokens = {
  readonly expiresInSeconds: number;
  readonly issue: (claims: TokenClaims) => Promise<string>;
  /** What a token says; undefined where it is forged, expired or not one of ours. */
  readonly verify: (token: string) => Promise<TokenClaims | undefined>;
  /** For who has the secret itself and runs Daybook: valid for a minute, and for nothing that is a person's. */
  readonly issueForOperator: () => Promise<string>;
  readonly isOperators: (token: string) => Promise<boolean>;
};

/** @param secret at least 32 bytes */
export function createTokens(secret: string, expireMinutes: number): Tokens {
  const key = new TextEncoder().encode(secret);
  // Each token comes with many requests, and its signature is as good at the next.
  const verified = new LRUCache<string, { readonly claims: TokenClaims; readonly expiresMs: number }>({ max: MAX_REMEMBERED });
  return {
    expiresInSeconds: expireMinutes * 60,
    issue: ({ sub, ...rest }) =>
      new SignJWT(rest)
        .setProtectedHeader({ alg: 'HS256', typ: TYPE })
        .setSubject(sub)
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setIssuedAt()
        .setExpirationTime(`${expireMinutes}m`)
        .sign(key),
    verify: async (token) => {
      const known = verified.get(token);
      if (known && known.expiresMs > Date.now()) return known.claims;
      try {
        const { payload } = await jwtVerify(token, key, {
          algorithms: ['HS256'],
          issuer: ISSUER,
          audience: AUDIENCE,
          typ: TYPE,
          requiredClaims: ['sub', 'exp', 'iat'],
        });
        const { data } = claims.safeParse(payload);
        if (data && payload.exp !== undefined) verified.set(token, { claims: data, expiresMs: payload.exp * 1_000 });
        return data;
      } catch (error) {
        if (error instanceof JOSEError) return undefined;
        throw error;
      }
    },
    issueForOperator: () =>
      new SignJWT()
        .setProtectedHeader({ alg: 'HS256', typ: OPERATOR })
        .setIssuer(ISSUER)
        .setAudience(OPERATOR)
        .setIssuedAt()
        .setExpirationTime('1m')
        .sign(key),
    isOperators: async (token) => {
      try {
        const given = { algorithms: ['HS256'], issuer: ISSUER, audience: OPERATOR, typ: OPERATOR, requiredClaims: ['exp', 'iat'] };
        await jwtVerify(token, key, given);
        return true;
      } catch (error) {
        if (error instanceof JOSEError) return false;
        throw error;
      }
    },
  };
}
