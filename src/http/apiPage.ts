// The API page, to read and try every route: an app of its own, which knows the routes of Daybook's and answers none of them.
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import fastify, { type FastifyInstance, type RouteOptions } from 'fastify';
import { breathing } from '../breath.ts';
import { jsonSchema } from './openapi.ts';
import { problemBody } from './problems.ts';

/** What the page groups routes by, in the order in which one needs them. */
const tags = [
  { name: 'auth', description: 'Register, log in and out, and see where you are logged in' },
  { name: 'users', description: 'You: profile, preferences, address, and leaving' },
  { name: 'sessions', description: 'Conversations' },
  { name: 'messages', description: 'What is said in a session' },
  { name: 'llm-requests', description: 'What language models were asked, what they answered and what it cost' },
  { name: 'tasks', description: 'What is to be done, with subtasks and labels' },
  { name: 'task-lists', description: 'What tasks are filed in' },
  { name: 'task-labels', description: 'What tasks are marked with' },
  { name: 'calendar', description: 'What takes place, when, and when again' },
  { name: 'relationships', description: 'What has to do with what' },
  { name: 'entities', description: 'What a thing has to do with others, whatever its kind' },
  { name: 'search', description: 'Find what is yours by words and by meaning' },
  { name: 'email-drafts', description: 'Emails being written, and sent' },
  { name: 'documents', description: 'Texts and files, in all their revisions' },
  { name: 'document-tags', description: 'What documents are marked with' },
  { name: 'emails', description: 'Letters that came and went, with what is attached to them' },
  { name: 'integration-logs', description: 'Calls to and from other services, without their secrets' },
  { name: 'activities', description: 'What happened lately, as sentences' },
  { name: 'admin', description: 'For admins: who has an account, and suspending one' },
  { name: 'system', description: 'How Daybook itself is' },
];

const about = `The backend of a personal assistant that never forgets and can always say why.

To try a route: **register** or **log in** below, then give the \`access_token\` of the answer to **Authorize**. Times have an
offset and are answered in UTC; lists go on with \`next_cursor\`; every error is \`application/problem+json\`, also that of
a method that its path does not take (405, with \`Allow\`). This page as a
document: [openapi.json](/openapi.json)`;

const icon =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3" fill="#1f6feb"/><path d="M4 5h8M4 8h8M4 11h5" stroke="#fff" stroke-width="1.5"/></svg>';

const BREATH_MS = 10;

/** Of the routes that describe themselves (openapi.ts); others are not for those who read the page. */
export async function createApiPage(routes: readonly RouteOptions[], version: string): Promise<FastifyInstance> {
  const page = fastify();
  // Nothing comes in that would have to be checked.
  page.setValidatorCompiler(() => () => true);
  page.setSerializerCompiler(() => JSON.stringify);
  await page.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Daybook', version, description: about },
      tags,
      components: {
        securitySchemes: { token: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'The `access_token` of a login' } },
      },
    },
    refResolver: { buildLocalReference: ({ $id }) => String($id) },
  });
  page.addSchema({ $id: 'Problem', ...jsonSchema(problemBody, 'output') });
  page.get('/openapi.json', { schema: { hide: true } }, () => page.swagger());
  await page.register(swaggerUi, {
    routePrefix: '/docs',
    // Without the bar at the top, which would offer to explore other APIs. Routes are sorted by their paths.
    uiConfig: { persistAuthorization: true, docExpansion: 'none', operationsSorter: 'alpha', layout: 'BaseLayout' },
    theme: {
      title: 'Daybook API',
      favicon: [{ filename: 'daybook.svg', rel: 'icon', type: 'image/svg+xml', sizes: 'any', content: icon }],
      // The address of the document is in the text already.
      css: [{ filename: 'daybook.css', content: '.swagger-ui .info hgroup.main > a { display: none; }' }],
    },
  });
  // Who asks for the page waits for it, and nobody else.
  const breath = breathing(BREATH_MS);
  for (const { method, url, config } of routes) {
    if (config?.describe && method !== 'HEAD') page.route({ method, url, schema: config.describe(), handler: async () => {} });
    await breath();
  }
  await page.ready();
  return page;
}
