// The two adapters that make a command or a query an HTTP route. Everything that each of them keeps (the last part of
// docs/domain.md) is here, once.
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify';
import type { DatabasePool } from 'slonik';
import { type Caller, type Command, type CommandRunner, makesPart } from '../commands/command.ts';
import type { Embeddings } from '../embeddings/embeddings.ts';
import { Problem, unavailable } from '../problem.ts';
import type { Row } from '../projections/projection.ts';
import type { Answer, Query } from '../queries/query.ts';
import type { Table } from '../tables/table.ts';
import { type FileServices, readBody, sendFile } from './files.ts';
import { entityTag, idempotencyKeyOf, ifMatchOf, isNotModified, positionOf, prefersMinimal } from './headers.ts';
import { describeCommand, describeRead } from './openapi.ts';
import { isOutage } from './problems.ts';
import type { ReadModel } from './readModel.ts';

export const PREFIX = '/api/v1';

export type RouteServices = FileServices & {
  readonly run: CommandRunner;
  readonly database: DatabasePool;
  readonly readModel: ReadModel;
  /** What rows were, from the log, for the query with this route. */
  readonly past: (route: string, userId: string, table: Table, id: string) => AsyncIterable<Row>;
  /** What a person asks, as a vector. */
  readonly embed: Embeddings['ask'];
  /** @throws Problem 401 or 403 */
  readonly authenticate: (request: FastifyRequest) => Promise<Caller>;
  /** Whether who calls is nobody's account but has the secrets of this Daybook, as its command line does. */
  readonly isOperator: (request: FastifyRequest) => Promise<boolean>;
};

/** Who calls what needs no token. The id is nobody's. */
export const anonymous: Caller = {
  id: '00000000-0000-0000-0000-000000000000',
  role: 'user',
  actor: 'user',
  login_id: '00000000-0000-0000-0000-000000000000',
};

export function addCommand(
  app: FastifyInstance,
  name: string,
  command: Command,
  queries: ReadonlyMap<string, Query>,
  services: RouteServices,
): void {
  const answer = command.answer === undefined ? undefined : queries.get(command.answer);
  if (command.answer !== undefined && !answer) throw new Error(`${command.route} is answered by ${command.answer}, which is no query`);
  const { run, database, readModel } = services;
  const creates = command.creates || makesPart(command);

  app.route({
    ...methodAndUrl(command.route),
    config: { ...describeCommand(name, command, answer), command: name, ...(command.access === 'public' && { rateLimit: {} }) },
    handler: async (request, reply) => {
      const user = command.access === 'public' ? anonymous : await caller(request, command.access, services);
      // Who logs in or out needs no read model.
      if (command.access !== 'public' && command.keyed !== false) await readModel.keepsUp();
      const idempotencyKey = idempotencyKeyOf(request);
      const ifMatch = ifMatchOf(request);
      // RFC 9110 section 13.1.1: with `*`, too, it asks for what is there.
      if (command.creates && request.headers['if-match'] !== undefined) throw nothingToMatch();
      const body = await readBody(request, command, user, services);
      const outcome = await command
        .run(run, {
          params: request.params,
          body,
          user,
          correlationId: request.id,
          idempotencyKey,
          ifMatch,
          userAgent: request.headers['user-agent'],
        })
        .catch((error: unknown) => {
          // Who is refused looks next at what it is refused for.
          if (error instanceof Problem && error.position !== undefined) readModel.told(user.id, error.position);
          throw error;
        });
      const { position, revision } = outcome;
      if (position !== undefined) {
        reply.header('daybook-position', String(position));
        readModel.told(user === anonymous ? outcome.owner : user.id, position);
      }
      if (command.response) {
        const { status, location } = command.response;
        if (location !== undefined) reply.header('location', PREFIX + location);
        return sendJson(reply.code(status).header('cache-control', 'no-store'), outcome.response);
      }
      if (!answer) return reply.code(204).send();

      const part = command.part !== undefined && outcome.part !== undefined && { [command.part]: outcome.part };
      const params = { ...stringParams(request), id: outcome.id, ...part };
      if (creates) reply.header('location', PREFIX + fill(answer.route, params));
      const shown = async () => {
        if (position !== undefined && !(await readModel.includes(position))) return undefined;
        return answer.read(database, { params, querystring: {}, userId: user.id, loginId: user.login_id });
      };
      const isMinimal = prefersMinimal(request);
      // What was done now is there. What was done before may be gone since, which the query knows. It is done by now in any
      // case: a read model that is away is one that does not show it yet.
      const read =
        isMinimal && outcome.events.length > 0
          ? undefined
          : await shown().catch((error: unknown) => {
              if (!isOutage(error)) throw error;
            });
      if (isMinimal) {
        reply.header('preference-applied', 'return=minimal').header('etag', `"${revision}"`);
        return reply.code(creates ? 201 : 204).send();
      }
      if (!read) return reply.code(202).header('etag', `"${revision}"`).send();
      return sendAnswer(request, reply.code(creates ? 201 : 200), read);
    },
  });
}

export function addQuery(app: FastifyInstance, query: Query, services: RouteServices): void {
  const { database, readModel, past, embed } = services;
  app.route({
    ...methodAndUrl(query.route),
    config: describeRead(query),
    handler: async (request, reply) => {
      const user = await caller(request, query.access, services);
      await readModel.keepsUp();
      const isBehind = query.waits?.(request.query) !== false && (await untilReadable(request, reply, user, readModel));
      const read = await query
        .read(database, {
          params: request.params,
          querystring: request.query,
          userId: user.id,
          loginId: user.login_id,
          past: (table, id) => past(query.route, user.id, table, id),
          embed: (text) => embed(text, { userId: user.id, correlationId: request.id }),
        })
        // Where no id is asked for, it is the caller, who is known to be there.
        .catch(notFoundYet(isBehind || !query.route.includes(':')));
      return read.file ? sendFile(request, reply, user, read.file, services) : sendAnswer(request, reply, read);
    },
  });
}

export async function caller(
  request: FastifyRequest,
  access: 'owner' | 'admin' | undefined,
  { authenticate }: RouteServices,
): Promise<Caller> {
  const user = await authenticate(request);
  if (access === 'admin' && user.role !== 'admin') throw new Problem(403, 'forbidden', 'Only an admin may do this.');
  return user;
}

/**
 * Waits for the position that the request names, and for what the caller was last told of on this node.
 * @returns whether that took too long, and the tables are behind it
 */
export async function untilReadable(request: FastifyRequest, reply: FastifyReply, user: Caller, readModel: ReadModel): Promise<boolean> {
  const position = positionOf(request);
  if (position !== undefined) await readModel.upTo(position);
  const lag = await readModel.upToTold(user.id);
  if (lag !== undefined) reply.header('daybook-lag', lag);
  return lag !== undefined;
}

/** What is not in tables that are behind is not said to be nowhere. */
export const notFoundYet =
  (isBehind: boolean) =>
  (error: unknown): never => {
    throw isBehind && error instanceof Problem && error.status === 404 ? unavailable('The read model does not have this yet.') : error;
  };

const nothingToMatch = () => new Problem(412, 'nothing-to-match', 'If-Match is about what is there, and this makes something.');

export function sendAnswer(request: FastifyRequest, reply: FastifyReply, answer: Answer): FastifyReply {
  const body = JSON.stringify(answer.body);
  const tag = entityTag(body, answer);
  reply.header('etag', tag).header('cache-control', 'private, no-cache');
  if (['GET', 'HEAD'].includes(request.method) && isNotModified(request, tag)) return reply.code(304).send();
  return reply.type('application/json; charset=utf-8').send(body);
}

const sendJson = (reply: FastifyReply, body: unknown) => reply.type('application/json; charset=utf-8').send(JSON.stringify(body));

const methods: Readonly<Record<string, HTTPMethods>> = { GET: 'GET', POST: 'POST', PUT: 'PUT', PATCH: 'PATCH', DELETE: 'DELETE' };

function methodAndUrl(route: string): { method: HTTPMethods; url: string } {
  const [name = '', path = ''] = route.split(' ');
  const method = methods[name];
  if (!method) throw new Error(`${route} does not begin with a method`);
  return { method, url: PREFIX + path };
}

const fill = (route: string, params: Readonly<Record<string, string>>) =>
  route.replace(/^\w+ /, '').replaceAll(/:(\w+)/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));

const stringParams = (request: FastifyRequest): Record<string, string> =>
  Object.fromEntries(Object.entries(request.params ?? {}).map(([name, value]) => [name, String(value)]));
