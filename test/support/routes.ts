// What a Daybook serves, as its API page has it.
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { PREFIX } from '../../src/http/routes.ts';

const document = z.object({ paths: z.record(z.string(), z.record(z.string(), z.unknown())) });

/** `GET /tasks/:id` for each operation, without the prefix. */
export const routesOf = (app: FastifyInstance): string[] =>
  Object.entries(document.parse(app.swagger()).paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path.replace(PREFIX, '').replaceAll(/\{(\w+)\}/g, ':$1')}`),
  );
