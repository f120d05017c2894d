// A race that is forced: what the other one does is done between the decision and the append of the first, so that it is lost
// the same way every time.
import { expect, vi } from 'vitest';
import type { EventLog } from '../../src/eventstore/log.ts';
import type { Answer } from './person.ts';

/** Does something once the log's next append is decided, and before it is made. */
export function beforeNextAppend(log: EventLog, race: () => Promise<Answer>): void {
  const append = vi.spyOn(log, 'append');
  append.mockImplementationOnce(async (...appended) => {
    append.mockRestore();
    const { status, body } = await race();
    expect(status, JSON.stringify(body)).toBeLessThan(300);
    return log.append(...appended);
  });
}

export async function typesIn(log: EventLog, stream: string): Promise<string[]> {
  const types: string[] = [];
  for await (const { type } of log.readStream(stream, 0)) types.push(type);
  return types;
}
