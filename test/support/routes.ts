// What a Daybook serves, as its API page has it.
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { PREFIX } from '../../src/http/routes.ts';

const document = z.object({
  paths: z.record(z.string(), z.record(z.string(), z.object({ responses: z.record(z.string(), z.unknown()) }))),
});
const known = new WeakMap<FastifyInstance, ReadonlyMap<string, readonly number[]>>();

/** By `GET /tasks/:id`, without the prefix, what statuses it may be answered with. */
export function answersOf(app: FastifyInstance): ReadonlyMap<string, readonly number[]> {
  const answers =
    known.get(app) ??
    new Map(
      Object.entries(document.parse(app.swagger()).paths).flatMap(([path, operations]) =>
        Object.entries(operations).map(([method, { responses }]) => {
          const route = `${method.toUpperCase()} ${path.replace(PREFIX, '').replaceAll(/\{(\w+)\}/g, ':$1')}`;
          return [route, Object.keys(responses).map(Number)] as const;
        }),
      ),
    );
  known.set(app, answers);
  return answers;
}

/** All of its routes. */
export const routesOf = (app: FastifyInstance): string[] => [...answersOf(app).keys()];
