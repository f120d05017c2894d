// The model as a whole: a request finds its route, and the model answers with the status that Daybook must answer with.
import { z } from 'zod';
import { calendarRoutes } from './calendar.ts';
import { calendarImportRoutes } from './calendarImport.ts';
import { type Context, keyOf, type Made, type Model, type Request, type Routes, run } from './core.ts';
import { documentRoutes } from './documents.ts';
import { emailDraftRoutes } from './emailDrafts.ts';
import { emailRoutes } from './emails.ts';
import { filingRoutes } from './filing.ts';
import { integrationRoutes } from './integrations.ts';
import { invitationRoutes } from './invitations.ts';
import { llmRequestRoutes } from './llmRequests.ts';
import { relationshipRoutes } from './relationships.ts';
import { noRows } from './rows.ts';
import { sessionRoutes } from './sessions.ts';
import { taskRoutes } from './tasks.ts';
import { callerOf, publicRoutes, userRoutes } from './users.ts';

/** @param isAdmin who registers this address, in lower case, is an admin */
export const createModel = (isAdmin: (email: string) => boolean): Model => ({
  rows: noRows(),
  streams: new Map(),
  derivedIds: new Map(),
  usedKeys: new Map(),
  said: {
    relationships: new Map(),
    lists: new Map(),
    labellings: new Set(),
    defaults: new Set(),
    deletedLabels: new Set(),
    taggings: new Set(),
    deletedTags: new Set(),
    archivedFrom: new Map(),
    invitations: new Map(),
    ownAnswers: new Set(),
    imports: new Map(),
    emails: new Map(),
  },
  isAdmin,
  passwords: new Map(),
  failures: new Map(),
  refreshTokens: new Map(),
});

const routes: Routes = {
  ...userRoutes,
  ...sessionRoutes,
  ...filingRoutes,
  ...taskRoutes,
  ...documentRoutes,
  ...calendarRoutes,
  ...calendarImportRoutes,
  ...invitationRoutes,
  ...emailRoutes,
  ...emailDraftRoutes,
  ...relationshipRoutes,
  ...llmRequestRoutes,
  ...integrationRoutes,
};

/** Does to the model what the request must do, and answers with the status. */
export function handle(model: Model, request: Request, at: string, made: Made): number {
  const [route, params] = match(`${request.method} ${request.path}`);
  try {
    const open = publicRoutes[route];
    if (open) return open(model, request, at, made);
    const caller = callerOf(model, request.login);
    if (typeof caller === 'number') return caller;
    const context: Context = {
      model,
      caller,
      params,
      body: request.body ?? {},
      at,
      newId: (chosen) => chosen ?? model.derivedIds.get(keyOf(caller, route, request.idempotencyKey)) ?? made.id,
      imported: made.imported,
    };
    const plan = routes[route];
    if (!plan) throw new Error(`the model knows no ${route}`);
    const command = plan(context);
    return typeof command === 'number' ? command : run(context, route, request, made, command);
  } catch (error) {
    if (error instanceof z.ZodError) return 400;
    throw error;
  }
}

const patterns = [...Object.keys(routes), ...Object.keys(publicRoutes)].map(
  (route) => [route, new RegExp(`^${route.replaceAll(/:(\w+)/g, '(?<$1>[^/]+)')}$`)] as const,
);

function match(said: string): [route: string, params: Readonly<Record<string, string>>] {
  for (const [route, pattern] of patterns) {
    const found = pattern.exec(said);
    if (found) return [route, { ...found.groups }];
  }
  throw new Error(`the model knows no ${said}`);
}
