// A form with a file, sent as a browser sends it.
import type { FastifyInstance } from 'fastify';
import { type Answer, inject } from './person.ts';

export type Form = { readonly type: string; readonly bytes: Buffer };

export async function formOf(
  file: { readonly name: string; readonly type: string; readonly bytes: Buffer },
  fields: readonly (readonly [name: string, value: string])[] = [],
): Promise<Form> {
  const form = new FormData();
  for (const [name, value] of fields) form.append(name, value);
  form.append('file', new File([new Uint8Array(file.bytes)], file.name, { type: file.type }));
  const encoded = new Response(form);
  return { type: encoded.headers.get('content-type') ?? '', bytes: Buffer.from(await encoded.arrayBuffer()) };
}

export const send = (
  app: FastifyInstance,
  token: string,
  method: 'POST' | 'PATCH',
  path: string,
  { type, bytes }: Form,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> =>
  inject(app, {
    method,
    url: `/api/v1${path}`,
    headers: { authorization: `Bearer ${token}`, 'content-type': type, ...headers },
    payload: bytes,
  });
