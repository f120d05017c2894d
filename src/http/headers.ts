// The request headers that every command and query keeps, and the ETags they are about.
import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Answer } from '../queries/query.ts';
import { invalid } from '../validation.ts';

const ENTITY_TAG = /^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/;
// A tag that a proxy made weak on its way is still of that revision.
const REVISION_TAG = /^(?:W\/)?"(\d+)(?:-[^"]*)?"$/;

/** RFC 9110 section 8.8.3: the entity's revision and a hash of the body; of a list, the hash alone. */
export function entityTag(body: string, { revision }: Pick<Answer, 'revision'>): string {
  const hash = createHash('sha256').update(body).digest('base64url').slice(0, 16);
  return revision === undefined ? `"${hash}"` : `"${revision}-${hash}"`;
}

/** RFC 9110 section 13.1.2, with weak comparison. */
export function isNotModified(request: FastifyRequest, tag: string): boolean {
  const given = request.headers['if-none-match'];
  return (
    given !== undefined && (given.trim() === '*' || given.split(',').some((candidate) => candidate.trim().replace(/^W\//, '') === tag))
  );
}

/**
 * The revisions that If-Match asks for (RFC 9110 section 13.1.1); a tag that is none of Daybook's is of no revision. `*` asks for
 * any, and so for nothing beyond what a command needs anyway.
 */
export function ifMatchOf(request: FastifyRequest): readonly number[] | undefined {
  const given = request.headers['if-match'];
  if (given === undefined || given.trim() === '*') return undefined;
  const tags = given.split(',').map((tag) => tag.trim());
  if (!tags.every((tag) => ENTITY_TAG.test(tag))) throw badHeader('if-match', 'must be an ETag, or several between commas');
  return tags.flatMap((tag) => REVISION_TAG.exec(tag)?.[1] ?? []).map(Number);
}

const key = z.string().regex(/^[\x21-\x7e]{1,255}$/);

export function idempotencyKeyOf(request: FastifyRequest): string | undefined {
  const given = request.headers['idempotency-key'];
  if (given === undefined) return undefined;
  const { success, data } = key.safeParse(given);
  if (!success) throw badHeader('idempotency-key', 'must be 1 to 255 printable ASCII characters without spaces');
  return data;
}

/** RFC 7240 section 2: in whatever case, with or without quotes, and with what else is preferred between commas. */
export const prefersMinimal = (request: FastifyRequest): boolean =>
  /(^|,)\s*return\s*=\s*("?)minimal\2\s*($|[,;])/i.test(String(request.headers.prefer ?? ''));

/** The position in the log that the caller wants the answer to include. */
export function positionOf(request: FastifyRequest): bigint | undefined {
  const given = request.headers['daybook-position'];
  if (given === undefined) return undefined;
  if (typeof given !== 'string' || !/^\d{1,18}$/.test(given)) throw badHeader('daybook-position', 'must be a position that Daybook gave');
  return BigInt(given);
}

export const badHeader = (name: string, detail: string) => invalid([{ in: 'header', pointer: `/${name}`, detail }]);
