// Everything that a person can ask for, as Daybook answers it.
import { z } from 'zod';
import { kinds } from './kinds.ts';
import type { Fields } from './notes.ts';

const page = z.object({ items: z.array(z.looseObject({ id: z.string() })), next_cursor: z.string().nullable() });

export type Reader = (path: string) => Promise<Response>;

/** @param position what the answers have to include */
export const reader =
  (url: string, token: string, position: bigint): Reader =>
  async (path) => {
    const headers = { authorization: `Bearer ${token}`, 'daybook-position': String(position) };
    // Behind after a start, the read model says so and is asked again.
    for (let attempt = 1; ; attempt += 1) {
      const answer = await fetch(`${url}/api/v1${path}`, { headers });
      if (answer.status !== 503 || attempt === 20) return answer;
      await answer.body?.cancel();
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  };

/** Where the log ends: once an answer includes that, no other will differ until somebody writes. */
export async function headOf(url: string, token: string): Promise<bigint> {
  const answer = await fetch(`${url}/api/v1/system/projections`, { headers: { authorization: `Bearer ${token}` } });
  return BigInt(progress.parse(await answer.json()).items[0].head);
}

const progress = z.object({ items: z.tuple([z.object({ head: z.int() })]) });

/** A person's logins are listed, and none has an answer of its own. */
export const LOGINS = '/auth/logins';

/** All that is listed, each by the path that it alone has. */
export async function everything(read: Reader): Promise<Map<string, Fields>> {
  const found = new Map<string, Fields>();
  const take = async (list: string, collection: string) => {
    for await (const item of all(read, list)) found.set(`${collection}/${item.id}`, item);
  };
  for (const { list, collection } of kinds) if (list !== undefined) await take(list, collection);
  found.set('/users/me', z.record(z.string(), z.unknown()).parse(await (await read('/users/me')).json()));
  await take('/relationships', '/relationships');
  await take(LOGINS, LOGINS);
  await take('/sessions', '/sessions');
  for (const session of [...found.keys()].filter((path) => path.startsWith('/sessions/'))) await take(`${session}/messages`, '/messages');
  return found;
}

/** A whole list, page by page. */
export async function* all(read: Reader, list: string): AsyncGenerator<{ id: string; [field: string]: unknown }> {
  for (let cursor: string | null = ''; cursor !== null; ) {
    const answer: Response = await read(`${list}${list.includes('?') ? '&' : '?'}limit=200${cursor === '' ? '' : `&cursor=${cursor}`}`);
    const text = await answer.text();
    if (answer.status !== 200) throw new Error(`GET ${list} was answered with ${answer.status} ${text}`);
    const { items, next_cursor } = page.parse(JSON.parse(text));
    yield* items;
    cursor = next_cursor;
  }
}
