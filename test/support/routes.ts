// What a Daybook serves, as its API page has it.
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { PREFIX } from '../../src/http/routes.ts';

const document = z.object({
  paths: z.record(z.string(), z.record(z.string(), z.object({ responses: z.record(z.string(), z.unknown()) }))),
});

const known = new WeakMap<FastifyInstance, ReadonlyMap<string, readonly number[]>>();

/** By `GET /tasks/:id`, without the prefix, what statuses it may be answered with. */
export async function answersOf(app: FastifyInstance): Promise<ReadonlyMap<string, readonly number[]>> {
  const answers = known.get(app) ?? answersIn((await app.inject('/openapi.json')).json());
  known.set(app, answers);
  return answers;
}

const answersIn = (openapi: unknown) =>
  new Map(
    Object.entries(document.parse(openapi).paths).flatMap(([path, operations]) =>
      Object.entries(operations).map(([method, { responses }]) => {
        const route = `${method.toUpperCase()} ${path.replace(PREFIX, '').replaceAll(/\{(\w+)\}/g, ':$1')}`;
        return [route, Object.keys(responses).map(Number)] as const;
      }),
    ),
  );

/** All of its routes. */
export const routesOf = async (app: FastifyInstance): Promise<string[]> => [...(await answersOf(app)).keys()];
