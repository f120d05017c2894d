// Everything that goes wrong, as application/problem+json (RFC 9457). What is not meant for a caller is logged and
// answered with nothing but the request's id.
import { randomUUIDv7 } from 'node:crypto';
import type { Socket } from 'node:net';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { AppendTooLarge, LogUnavailable } from '../eventstore/log.ts';
import { isAway, sqlStateOf } from '../postgres/sqlState.ts';
import { notFound, Problem, unavailable } from '../problem.ts';

/** The shape of every error. */
export const problemBody = z.object({
  type: z.string().meta({ examples: ['urn:daybook:problem:validation-failed'] }),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  request_id: z.string(),
  errors: z
    .array(z.object({ in: z.enum(['body', 'query', 'path', 'header']), pointer: z.string(), detail: z.string() }))
    .optional()
    .meta({ description: 'Each bad field, with a JSON pointer (RFC 6901) into where it was given' }),
});

export function answerProblems(app: FastifyInstance): void {
  app.setErrorHandler((error: FastifyError | Error, request, reply) => {
    const problem = problemOf(error);
    if (problem.status >= 500) request.log.error({ err: error }, problem.message);
    return sendProblem(request, reply, problem);
  });
  const allowed = methodsByPath(app);
  app.setNotFoundHandler((request, reply) => {
    const methods = allowed(request.url);
    if (methods.length === 0) return sendProblem(request, reply, notFound());
    reply.header('allow', methods.join(', '));
    return sendProblem(request, reply, new Problem(405, 'method-not-allowed', `Here one can ${methods.join(', ')}.`));
  });
}

/** What the routes that are added from here on take at a path. They are gone through one by one, which only a wrong request has to wait for. */
function methodsByPath(app: FastifyInstance): (url: string) => readonly string[] {
  const paths = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ url, method }) => {
    // One for all paths says nothing of any.
    if (!url.includes('*')) paths.set(url, new Set([...(paths.get(url) ?? []), ...[method].flat()]));
  });
  return (url) => {
    const asked = url.split('?')[0]?.split('/') ?? [];
    const fits = (path: string) => {
      const parts = path.split('/');
      return (
        parts.length === asked.length && parts.every((part, place) => (part.startsWith(':') ? asked[place] !== '' : part === asked[place]))
      );
    };
    return [...new Set([...paths].flatMap(([path, methods]) => (fits(path) ? [...methods] : [])))].sort();
  };
}

export function sendProblem(request: FastifyRequest, reply: FastifyReply, problem: Problem): FastifyReply {
  const { status, retryAfterSeconds, position } = problem;
  if (position !== undefined) reply.header('daybook-position', String(position));
  if (retryAfterSeconds !== undefined) reply.header('retry-after', String(retryAfterSeconds));
  if (status === 401) reply.header('www-authenticate', 'Bearer');
  return reply.code(status).type('application/problem+json').send(bodyOf(problem, request.id));
}

/** What is no HTTP that could be read, or was too slow in coming, is answered on its connection, which ends with it. */
export function answerUnreadable({ code: fault }: { readonly code: string }, socket: Socket): void {
  if (fault === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const status = fault === 'HPE_HEADER_OVERFLOW' ? 431 : fault === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400;
  const [code, detail] = ofStatus[status] ?? ['malformed-request', 'The request could not be read.'];
  const body = bodyOf(new Problem(status, code, detail), randomUUIDv7());
  socket.end(
    `HTTP/1.1 ${status} \r\nContent-Type: application/problem+json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

function bodyOf({ status, code, message, errors }: Problem, request_id: string): string {
  const body: z.output<typeof problemBody> = {
    type: `urn:daybook:problem:${code}`,
    title: titleOf(code),
    status,
    detail: message,
    request_id,
    ...(errors.length > 0 && { errors: [...errors] }),
  };
  return JSON.stringify(body);
}

const titleOf = (code: string) => code.charAt(0).toUpperCase() + code.slice(1).replaceAll('-', ' ');

function problemOf(error: FastifyError | Error): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof LogUnavailable) {
    return unavailable(
      error.outcomeUnknown
        ? 'The event log did not answer; whether this was done is not known. Ask again with the same Idempotency-Key.'
        : 'The event log does not answer.',
    );
  }
  if (error instanceof AppendTooLarge) return new Problem(413, 'too-large', 'This is larger than the event log takes at once.');
  if (isOutage(error)) return unavailable('The read model does not answer.');
  if ('statusCode' in error && error.statusCode !== undefined && error.statusCode < 500) return ofFastify(error);
  return new Problem(500, 'internal-error', 'Something went wrong here. The request id finds it in the log.');
}

/** Whether the database is away. One without our schemas and tables (3F000, 42P01) waits for a projector to build them. */
export const isOutage = (error: unknown): boolean => isAway(error) || /^(3F000|42P01)/.test(sqlStateOf(error) ?? '');

const ofStatus: Readonly<Record<number, readonly [code: string, detail: string]>> = {
  400: ['malformed-request', 'The request could not be read.'],
  404: ['not-found', 'There is nothing here.'],
  408: ['too-slow', 'The request took too long to arrive.'],
  413: ['too-large', 'The body is larger than 1 MiB.'],
  415: ['unsupported-media-type', 'The body must be application/json.'],
  429: ['too-many-requests', 'Too many requests; try again later.'],
  431: ['headers-too-large', 'The headers of the request are too long.'],
};

export const malformedJson = (detail: string): Problem =>
  new Problem(400, 'malformed-json', 'The body is not JSON.', { errors: [{ in: 'body', pointer: '', detail }] });

function ofFastify({ statusCode = 400, code, message }: FastifyError): Problem {
  if (code === 'FST_ERR_CTP_INVALID_JSON_BODY' || message.includes('JSON')) {
    return malformedJson('This is not JSON.');
  }
  const [name, detail] = ofStatus[statusCode] ?? ['refused', 'The request cannot be taken.'];
  return new Problem(statusCode, name, detail);
}
