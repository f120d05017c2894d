// The beginning of every made-up history of events, and how it goes on: one event after the other, a millisecond apart.
import { encode } from '../../src/events/codec.ts';
import type { NewEvent } from '../../src/events/event.ts';
import { userRegistered } from '../../src/events/users.ts';
import type { LoggedEvent } from '../../src/eventstore/log.ts';

/** The people of every history: what happens is Ada's, and Bob may take over the address that she leaves. */
export const ADA = idOf('a', 1);
export const BOB = idOf('b', 1);
const AT = Date.parse('2026-01-01T00:00:00.000Z');

export function idOf(kind: string, number: number): string {
  return `${kind.repeat(8)}-0000-7000-8000-${String(number).padStart(12, '0')}`;
}

/** With both of them registered. `now` is when the next event happens. */
export function beginHistory() {
  const events: LoggedEvent[] = [];
  const revisions = new Map<string, number>();
  const now = () => new Date(AT + events.length).toISOString();
  function append(stream: string, event: NewEvent, user_id: string = ADA): void {
    const revision = (revisions.get(stream) ?? -1) + 1;
    revisions.set(stream, revision);
    const encoded = encode(event, { user_id, actor: 'user', at: now(), $correlationId: 'test', $causationId: 'test' });
    events.push({ ...encoded, event_id: idOf('e', events.length), stream, revision, position: BigInt(events.length), appended_ms: 0 });
  }
  const people = { display_name: 'Somebody', timezone: 'UTC', locale: 'en', role: 'user', password_hash: 'a hash' } as const;
  append(`user-${ADA}`, userRegistered({ email: 'ada@example.org', ...people }));
  append(`user-${BOB}`, userRegistered({ email: 'bob@example.org', ...people }), BOB);
  return { events, append, now };
}
