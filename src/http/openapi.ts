// What the API page says of each route: OpenAPI 3.1, made from the same schemas that validate.
import type { FastifyInstance, FastifyReply, FastifyRequest, FastifySchema, RouteOptions } from 'fastify';
import { z } from 'zod';
import { type Command, makesPart } from '../commands/command.ts';
import { notFound } from '../problem.ts';
import type { Query } from '../queries/query.ts';
import { pathParams } from '../validation.ts';

/** Adds the page and its document, which are made when somebody first asks: most starts come and go without anybody reading them. */
export function addApiPage(app: FastifyInstance, version: string): void {
  const routes: RouteOptions[] = [];
  app.addHook('onRoute', (route) => {
    routes.push(route);
  });
  let page: Promise<FastifyInstance> | undefined;
  const answer = async ({ url, headers }: FastifyRequest, reply: FastifyReply) => {
    page ??= import('./apiPage.ts').then(({ createApiPage }) => createApiPage(routes, version));
    // With its dots followed, as the page does: it has all routes, and answers those that it describes with nothing.
    const { pathname } = new URL(url, 'http://localhost');
    if (!/^\/(docs(\/|$)|openapi\.json$)/.test(pathname)) throw notFound();
    const answered = await (await page).inject({ url: pathname, headers });
    if (answered.statusCode >= 400) throw notFound();
    return reply.code(answered.statusCode).headers(answered.headers).send(answered.rawPayload);
  };
  for (const url of ['/openapi.json', '/docs', '/docs/*']) app.get(url, answer);
  // Where a browser lands that was given the address alone.
  app.get('/', (_, reply) => reply.redirect('/docs'));
}

/** A route's `config` that describes it once somebody asks. */
const describedBy = (describe: () => FastifySchema) => ({ describe });

declare module 'fastify' {
  interface FastifyContextConfig {
    describe?: () => FastifySchema;
  }
}

/** Leaves out what is true and in the way: the pattern of what has a format, and the bounds of a number that is just whole. */
export const jsonSchema = (schema: z.ZodType, io: 'input' | 'output') => {
  const { $schema, ...rest } = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    override: ({ jsonSchema: described }) => {
      const { format, pattern, maximum, minimum } = described;
      if (format === 'date-time' || format === 'email' || (format === 'uuid' && pattern !== VERSION_7)) delete described.pattern;
      if (maximum === Number.MAX_SAFE_INTEGER) delete described.maximum;
      if (minimum === Number.MIN_SAFE_INTEGER) delete described.minimum;
    },
  });
  return rest;
};

const VERSION_7 = z.toJSONSchema(z.uuidv7()).pattern;

const text = (description: string) => ({ type: 'string', description });

/** Every answer has it. */
const REQUEST_ID = {
  'X-Request-Id': text('What the request gave as `X-Request-Id`, or one made for it; histories and the log know it by that'),
};

const POSITION = 'Daybook-Position';

/** Of what needs no token. */
const LIMITED = {
  'X-RateLimit-Limit': text('How many such requests one address may send in a minute'),
  'X-RateLimit-Remaining': text('How many of them are left'),
  'X-RateLimit-Reset': text('In how many seconds they begin anew'),
};

const APPLIED = { 'Preference-Applied': text('`return=minimal`, where that was preferred: there is no body') };

const ANY = [400, 401, 403, 503];
/** Of what comes with a body, be it of nothing. */
const TELLING = [...ANY, 409, 413, 415];
const missing = (route: string) => (route.includes(':') ? [404] : []);
const refusals: Readonly<Record<number, string>> = {
  400: 'The request cannot be read, or a field is missing or wrong',
  401: 'The token or the password is missing, wrong or no longer valid',
  403: 'The account is suspended, or this is for admins',
  404: 'There is no such thing, or it is someone else’s',
  409: 'Not as things stand',
  412: 'This has changed since the revision in `If-Match`, or there is only to be something by this',
  413: 'Larger than Daybook takes',
  415: 'The body is of a media type that is not taken here',
  422: 'What is said cannot be: it points at what is not there, or is more than can be answered, or its `Idempotency-Key` came with something else before',
  429: 'Too many requests',
  503: 'A store is away or too far behind',
};

/** @param headers what comes with each of them, beside what comes with all */
const problems = (statuses: readonly number[], headers: object = {}) =>
  Object.fromEntries(
    statuses.map((status) => [
      status,
      {
        description: refusals[status] ?? 'What is wrong',
        headers: {
          ...REQUEST_ID,
          ...headers,
          ...(status === 401 && { 'WWW-Authenticate': text('`Bearer`') }),
          ...((status === 429 || status === 503) && { 'Retry-After': text('In how many seconds to try again') }),
        },
        content: { 'application/problem+json': { schema: { $ref: 'Problem#' } } },
      },
    ]),
  );

export const describeCommand = (name: string, command: Command, answer: Query | undefined) =>
  describedBy(() => commandSchema(name, command, answer));

/** Of a route that only reads. */
export const describeRead = (read: Read) => describedBy(() => readSchema(read));

function commandSchema(name: string, command: Command, answer: Query | undefined): FastifySchema {
  const { route, summary, description, access = 'owner', keyed, refuses = [], response, body } = command;
  const creates = command.creates || makesPart(command);
  const takesIfMatch = !command.creates && access !== 'public';
  const headers = {
    ...(access !== 'public' &&
      keyed !== false && {
        'Idempotency-Key': text(
          'The same key and body again gives the same entity, and nothing is done twice; with another path, it is another request',
        ),
      }),
    ...(takesIfMatch && { 'If-Match': text('An ETag: refused with 412 where this has changed since') }),
    ...(answer && { Prefer: text('`return=minimal` leaves the body out, and does not wait for the read model where something is done') }),
  };
  const isLimited = access === 'public';
  const answerHeaders = {
    ...REQUEST_ID,
    ...(isLimited && LIMITED),
    [POSITION]: { type: 'string', description: 'Where in the log this is; send it with a query to see this included' },
    ...(answer && { ETag: { type: 'string', description: 'The revision and a hash of the body' } }),
    ...(answer && creates && APPLIED),
    ...((response?.location ?? (creates && answer)) && { Location: { type: 'string', description: 'Where it is' } }),
  };
  const schema = answer?.response ?? response?.schema;
  const status = response?.status ?? (creates ? 201 : 200);
  const takesBody = !(body instanceof z.ZodDefault);
  return {
    ...common(name, route, summary, description, access),
    ...(takesBody && { body: bodySchema(command) }),
    headers: { type: 'object', properties: headers },
    response: {
      ...(schema
        ? {
            [status]: {
              description: answer && creates ? 'Done; without a body where `return=minimal` is preferred' : 'Done',
              headers: answerHeaders,
              content: { 'application/json': { schema: jsonSchema(schema, 'output') } },
            },
          }
        : { 204: { description: 'Done', headers: answerHeaders, type: 'null' } }),
      ...(answer &&
        !creates && {
          204: { description: 'Done, where `return=minimal` is preferred', headers: { ...answerHeaders, ...APPLIED }, type: 'null' },
        }),
      ...(answer && { 202: { description: 'Done; the read model does not show it yet', headers: answerHeaders, type: 'null' } }),
      ...problems(
        [...TELLING, ...(isLimited ? [429] : [...missing(route), 422]), ...(takesIfMatch || command.creates ? [412] : []), ...refuses],
        {
          ...(isLimited && LIMITED),
          [POSITION]: text('Where in the log the latest is of what it was refused for, where that is something in the log'),
        },
      ),
    },
  };
}

function bodySchema({ body, bodies, readOnly = [], example }: Command) {
  const { properties = {}, ...rest } = jsonSchema(body, 'input');
  const json = {
    ...rest,
    properties: Object.fromEntries(Object.entries(properties).filter(([name]) => !readOnly.includes(name))),
    ...(example !== undefined && { examples: [example] }),
  };
  if (!bodies) return json;
  const others = Object.entries(bodies).map(([type, { description }]) => [
    type,
    { schema: { type: 'string', format: 'binary', description } },
  ]);
  return { content: { 'application/json': { schema: json }, ...Object.fromEntries(others) } };
}

type Read = Pick<Query, 'name' | 'route' | 'summary' | 'response' | 'refuses'> & {
  readonly description?: string;
  readonly access?: 'owner' | 'admin' | 'public';
  readonly querystring?: z.ZodType;
  /** False where it is not of the tables, and so never behind what was written. */
  readonly waits?: Query['waits'] | false;
  /** What comes with 503 instead of a problem. */
  readonly unavailable?: z.ZodType;
};

function readSchema(read: Read): FastifySchema {
  const { name, route, summary, description, access = 'owner', querystring, refuses = [], response, waits, unavailable } = read;
  const isTagged = access !== 'public';
  const isConditional = isTagged && route.startsWith('GET ');
  const isOfTables = isTagged && waits !== false;
  const headers = {
    ...(isOfTables && { 'Daybook-Position': text('The answer includes what is in the log up to here') }),
    ...(isConditional && { 'If-None-Match': text('An ETag: answered with 304 where nothing has changed') }),
  };
  const answerHeaders = {
    ...REQUEST_ID,
    ...(isTagged && { ETag: text('The revision, where it is one thing, and a hash of the body') }),
    ...(isOfTables && { 'Daybook-Lag': text('What your last command wrote, or was refused for, is not in the answer yet') }),
  };
  const json = (schema: z.ZodType) => ({ 'application/json': { schema: jsonSchema(schema, 'output') } });
  return {
    ...common(name, route, summary, description, access),
    ...(querystring && { querystring: jsonSchema(querystring, 'input') }),
    ...(Object.keys(headers).length > 0 && { headers: { type: 'object', properties: headers } }),
    response: {
      200: {
        description: 'Found',
        headers: answerHeaders,
        content: response instanceof z.ZodFile ? fileContent(response) : json(response),
      },
      ...(isConditional && {
        304: { description: 'Nothing has changed', headers: { ...REQUEST_ID, ETag: answerHeaders.ETag }, type: 'null' },
      }),
      ...problems([...(access === 'public' ? [] : [...ANY, ...missing(route)]), ...refuses]),
      ...(unavailable && { 503: { description: 'Not all of it is', content: json(unavailable) } }),
    },
  };
}

/** What is of no one type is of whatever type it has. */
function fileContent(file: z.ZodFile) {
  const { contentMediaType } = jsonSchema(file, 'output');
  return typeof contentMediaType === 'string'
    ? { [contentMediaType]: { schema: { type: 'string' } } }
    : { '*/*': { schema: { type: 'string', format: 'binary' } } };
}

function common(name: string, route: string, summary: string, description: string | undefined, access: 'owner' | 'admin' | 'public') {
  const params = jsonSchema(pathParams(route), 'input');
  return {
    operationId: name,
    tags: [tagOf(route)],
    summary,
    ...(description !== undefined && { description }),
    ...(access !== 'public' && { security: [{ token: [] }] }),
    ...(route.includes(':') && { params }),
  };
}

/** The context by its route: the first word, but for what is part of something else. */
function tagOf(route: string): string {
  const [, first = ''] = route.split('/');
  if (route.endsWith('/messages')) return 'messages';
  return ['health', 'metrics'].includes(first) ? 'system' : first;
}
