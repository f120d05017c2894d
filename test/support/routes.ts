// What a Daybook serves, as its API page has it, and whether an answer is what the page says.
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { PREFIX } from '../../src/http/routes.ts';
import type { Answer } from './person.ts';

const response = z.object({
  headers: z.record(z.string(), z.unknown()).default({}),
  content: z.record(z.string(), z.object({ schema: z.record(z.string(), z.unknown()) })).default({}),
});
const document = z.looseObject({
  paths: z.record(z.string(), z.record(z.string(), z.object({ responses: z.record(z.string(), response) }))),
});

type Described = { readonly headers: readonly string[]; readonly bodies: ReadonlyMap<string, () => ValidateFunction> };
/** By `GET /tasks/:id`, without the prefix, and by status. */
type Operations = ReadonlyMap<string, ReadonlyMap<number, Described>>;

const known = new WeakMap<FastifyInstance, Operations>();

async function operationsOf(app: FastifyInstance): Promise<Operations> {
  const operations = known.get(app) ?? operationsIn((await app.inject('/openapi.json')).json());
  known.set(app, operations);
  return operations;
}

function operationsIn(openapi: unknown): Operations {
  // What OpenAPI has beside JSON Schema (`example`) is no fault.
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  formats.default(ajv);
  const { paths, ...rest } = document.parse(openapi);
  ajv.addSchema(rest, 'openapi');
  const described = ({ headers, content }: z.output<typeof response>): Described => ({
    headers: Object.keys(headers).map((name) => name.toLowerCase()),
    bodies: new Map(Object.entries(content).map(([type, { schema }]) => [type, once(() => ajv.compile(closed(schema)))])),
  });
  return new Map(
    Object.entries(paths).flatMap(([path, operations]) =>
      Object.entries(operations).map(([method, { responses }]) => {
        const route = `${method.toUpperCase()} ${path.replace(PREFIX, '').replaceAll(/\{(\w+)\}/g, ':$1')}`;
        return [route, new Map(Object.entries(responses).map(([status, said]) => [Number(status), described(said)]))] as const;
      }),
    ),
  );
}

/** What takes long is made by who needs it. */
const once = <Made>(make: () => Made) => {
  let made: Made | undefined;
  return () => {
    made ??= make();
    return made;
  };
};

/** Where references lead, and no object has more than it says, unless it says that it may. */
const closed = (schema: object): object =>
  JSON.parse(JSON.stringify(schema), (_, part: unknown) => {
    const { success, data } = z.looseObject({ $ref: z.string().optional(), properties: z.unknown().optional() }).safeParse(part);
    if (!success || Array.isArray(part)) return part;
    if (data.$ref !== undefined) return { $ref: `openapi${data.$ref}` };
    return data.type === 'object' && data.properties !== undefined ? { additionalProperties: false, ...data } : part;
  });

/** By `GET /tasks/:id`, without the prefix, what statuses it may be answered with. */
export const answersOf = async (app: FastifyInstance): Promise<ReadonlyMap<string, readonly number[]>> =>
  new Map([...(await operationsOf(app))].map(([route, answers]) => [route, [...answers.keys()]]));

/** All of its routes. */
export const routesOf = async (app: FastifyInstance): Promise<string[]> => [...(await operationsOf(app)).keys()];

/** What comes with whatever is answered, from who keeps connections, caches and browsers safe. */
const COMMON =
  /^(connection|content-(length|type|disposition|security-policy)|date|vary|cache-control|access-control-.*|cross-origin-.*|origin-agent-cluster|referrer-policy|strict-transport-security|transfer-encoding|x-(content-type-options|dns-prefetch-control|download-options|frame-options|permitted-cross-domain-policies|xss-protection))$/;
/** What is there only where there is something to say. */
const SOMETIMES = [
  'daybook-lag',
  'daybook-position',
  'preference-applied',
  'x-ratelimit-limit',
  'x-ratelimit-remaining',
  'x-ratelimit-reset',
];

/** In what an answer differs from what the page says of the route: nothing, it is to be hoped. Of what is no route it says nothing. */
export async function undescribed(app: FastifyInstance, route: string, { status, headers, body }: Answer): Promise<string[]> {
  const operation = (await operationsOf(app)).get(route);
  if (!operation) return [];
  const described = operation.get(status);
  if (!described) return [`${status} is not said`];
  const names = Object.keys(headers);
  const unsaid = names.filter((name) => !COMMON.test(name) && !described.headers.includes(name)).map((name) => `${name} is not said`);
  const missing = described.headers
    .filter((name) => !names.includes(name) && !SOMETIMES.includes(name))
    .map((name) => `${name} is missing`);
  return [...unsaid, ...missing, ...undescribedBody(described, headers, body)].map((fault) => `${status}: ${fault}`);
}

function undescribedBody({ bodies }: Described, headers: Answer['headers'], body: unknown): string[] {
  if (body === undefined) return bodies.size > 0 && headers['preference-applied'] === undefined ? ['there is no body'] : [];
  const type = headers['content-type']?.split(';')[0] ?? 'no type';
  const validate = bodies.get(type) ?? bodies.get('*/*');
  if (!validate) return [`a body of ${type} is not said`];
  const validator = validate();
  validator(body);
  return (validator.errors ?? []).map(({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`);
}
