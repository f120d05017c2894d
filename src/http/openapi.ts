// The API page: an OpenAPI 3.1 document made from the same schemas that validate, and a page to read and try it.
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance, FastifySchema } from 'fastify';
import { z } from 'zod';
import type { Command } from '../commands/command.ts';
import type { Query } from '../queries/query.ts';
import { pathParams } from '../validation.ts';
import { problemBody } from './problems.ts';

export async function describeApi(app: FastifyInstance, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Daybook', version, description: 'The backend of a personal assistant that never forgets and can always say why.' },
      components: { securitySchemes: { token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } },
    },
  });
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger());
  await app.register(swaggerUi, { routePrefix: '/docs', uiConfig: { persistAuthorization: true, docExpansion: 'none' } });
}

const jsonSchema = (schema: z.ZodType, io: 'input' | 'output') => {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
};

const text = (description: string) => ({ type: 'string', description });
const problem = { description: 'What is wrong', content: { 'application/problem+json': { schema: jsonSchema(problemBody, 'output') } } };

export function commandSchema(name: string, command: Command, answer: Query | undefined): FastifySchema {
  const { route, summary, description, access = 'owner', keyed, creates, response, body, example } = command;
  const headers = {
    ...(access !== 'public' &&
      keyed !== false && { 'idempotency-key': text('The same key and body again gives the same entity, and nothing is done twice') }),
    ...(!creates && access !== 'public' && { 'if-match': text('An ETag: refused with 412 where this has changed since') }),
    ...(answer && { prefer: text('`return=minimal` leaves the body out and does not wait for the read model') }),
  };
  const answerHeaders = {
    'daybook-position': { type: 'string', description: 'Where in the log this is; send it with a query to see this included' },
    ...(answer && { etag: { type: 'string', description: 'The revision and a hash of the body' } }),
    ...((response?.location ?? (creates && answer)) && { location: { type: 'string', description: 'Where it is' } }),
  };
  const schema = answer?.response ?? response?.schema;
  const status = response?.status ?? (creates ? 201 : 200);
  const takesBody = !(body instanceof z.ZodDefault);
  return {
    ...common(name, route, summary, description, access),
    ...(takesBody && { body: { ...jsonSchema(body, 'input'), ...(example !== undefined && { examples: [example] }) } }),
    headers: { type: 'object', properties: headers },
    response: {
      ...(schema
        ? {
            [status]: {
              description: 'Done',
              headers: answerHeaders,
              content: { 'application/json': { schema: jsonSchema(schema, 'output') } },
            },
          }
        : { 204: { description: 'Done', headers: answerHeaders, type: 'null' } }),
      ...(answer && { 202: { description: 'Done; the read model does not show it yet', headers: answerHeaders, type: 'null' } }),
      ...problems(access === 'public' ? [400, 401, 409, 429, 503] : [400, 401, 403, 404, 409, 412, 413, 422, 503]),
    },
  };
}

type Read = Pick<Query, 'name' | 'route' | 'summary' | 'response'> & {
  readonly description?: string;
  readonly access?: 'owner' | 'admin' | 'public';
  readonly querystring?: z.ZodType;
};

/** Of a route that only reads. */
export function describeRead({ name, route, summary, description, access = 'owner', querystring, response }: Read): FastifySchema {
  return {
    ...common(name, route, summary, description, access),
    ...(querystring && { querystring: jsonSchema(querystring, 'input') }),
    ...(access !== 'public' && {
      headers: {
        type: 'object',
        properties: {
          'daybook-position': text('The answer includes what is in the log up to here'),
          'if-none-match': text('An ETag: answered with 304 where nothing has changed'),
        },
      },
    }),
    response: {
      200: {
        description: 'Found',
        headers: { etag: { type: 'string' }, 'daybook-lag': { type: 'string', description: 'Your last write is not in the answer yet' } },
        content: { 'application/json': { schema: jsonSchema(response, 'output') } },
      },
      ...(access !== 'public' && { 304: { description: 'Nothing has changed', type: 'null' } }),
      ...problems(access === 'public' ? [503] : route.includes(':') ? [400, 401, 403, 404, 503] : [400, 401, 403, 503]),
    },
  };
}

function common(name: string, route: string, summary: string, description: string | undefined, access: 'owner' | 'admin' | 'public') {
  const params = jsonSchema(pathParams(route), 'input');
  return {
    operationId: name,
    tags: [route.split('/')[1] ?? ''],
    summary,
    ...(description !== undefined && { description }),
    ...(access !== 'public' && { security: [{ token: [] }] }),
    ...(route.includes(':') && { params }),
  };
}

const problems = (statuses: readonly number[]) => Object.fromEntries(statuses.map((status) => [status, problem]));
