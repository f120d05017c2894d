// An event as it comes out of the log, for tests of what is made of it.
import { decode, encode } from '../../src/events/codec.ts';
import type { Metadata, NewEvent } from '../../src/events/event.ts';
import type { AnyEvent } from '../../src/events/index.ts';

export const AT = '2026-03-04T05:06:07.890Z';
export const OWNER = '0192f0c1-0000-7000-8000-00000000aaaa';

/** @param stream `category-id` */
export function recorded(stream: string, event: NewEvent, revision = 0, meta: Partial<Metadata> = {}): AnyEvent {
  const encoded = encode(event, { user_id: OWNER, actor: 'user', at: AT, $correlationId: 'test', $causationId: 'test', ...meta });
  const read = decode({ ...encoded, stream, revision, position: 7n, appended_ms: 0 });
  if (!read) throw new Error(`${event.type} is not known`);
  return read;
}
