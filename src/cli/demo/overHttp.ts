// The demo's year in a Daybook that runs, wherever that is: the same commands as requests. Its clock is its own, so what
// happens there happens now; letters and appointments have the days of their year all the same.
import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { type DemoOptions, play } from './demo.ts';
import * as words from './words.ts';
import { type Step, year } from './year.ts';

const entered = z.object({ user: z.object({ id: z.string() }), access_token: z.string() });
type Entered = z.output<typeof entered>;

const ATTEMPTS = 30;

async function tokensIn(answer: Response): Promise<Entered> {
  const text = await answer.text();
  if (!answer.ok) throw new Error(`The account cannot be entered: ${text}`);
  return entered.parse(JSON.parse(text));
}

/**
 * Undefined where somebody has this address already, and nothing is done.
 * @param url of the server, without a path
 * @throws an error that says which request was refused, and how
 */
export async function makeDemoAt(
  url: string,
  password: string,
  { email, seed, size, until }: DemoOptions,
): Promise<{ readonly commands: number } | undefined> {
  const base = `${url.replace(/\/+$/, '')}/api/v1`;
  const run = randomUUID();

  /** Asks again, with the same key, where there was no answer or a later one is promised. */
  async function ask(method: string, path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
    for (let attempt = 1; ; attempt += 1) {
      const answer = await fetch(`${base}${path}`, {
        method,
        headers: { 'content-type': 'application/json', prefer: 'return=minimal', ...headers },
        body: JSON.stringify(body),
      }).catch((error: unknown) => {
        if (attempt === ATTEMPTS) throw new Error(`${base} does not answer.`, { cause: error });
        return undefined;
      });
      if (answer && ![429, 503].includes(answer.status)) return answer;
      if (attempt === ATTEMPTS) throw new Error(`${method} ${path}: ${await answer?.text()}`);
      await setTimeout(1_000 * Number(answer?.headers.get('retry-after') ?? 1));
    }
  }

  const enter = async (actor: Step['by']) => tokensIn(await ask('POST', '/auth/login', { email, password, actor }));

  const registered = await ask('POST', '/auth/register', { email, password, ...words.me });
  if (registered.status === 409) return undefined;
  const tokens = { user: await tokensIn(registered), assistant: await enter('assistant') };
  const steps = year(seed, until, size, { id: tokens.user.user.id, email });
  await play(steps, async ({ route, by, params, body }, number) => {
    const [method = '', template = ''] = route.split(' ');
    const path = Object.entries(params()).reduce((path, [name, value]) => path.replace(`:${name}`, value), template);
    const send = () =>
      ask(method, path, body(), { authorization: `Bearer ${tokens[by].access_token}`, 'idempotency-key': `demo-${run}-${number}` });
    let answer = await send();
    if (answer.status === 401) {
      // A token is good for minutes only.
      tokens[by] = await enter(by);
      answer = await send();
    }
    if (!answer.ok) throw new Error(`${method} ${path} was refused: ${await answer.text()}`);
    await answer.body?.cancel();
    return answer.headers.get('location')?.split('/').at(-1) ?? '';
  });
  return { commands: steps.length };
}
