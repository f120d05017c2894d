// Decisions as sentences: given what had happened, when a command comes, then these events are appended, or it is refused.
// The command runs as it does in production, validation and all, but on a log in memory and at a set time.
//
//   await given(task, [taskCreated({ … })]).when(completeTask).thenAppends([taskCompleted({ completed_at: NOW })]);
import { expect, vi } from 'vitest';
import type { Aggregate } from '../../src/commands/aggregate.ts';
import type { Caller, Command, CommandRequest } from '../../src/commands/command.ts';
import { createCommandHandler } from '../../src/commands/handle.ts';
import { encode } from '../../src/events/codec.ts';
import type { NewEvent } from '../../src/events/event.ts';
import { Problem } from '../../src/problem.ts';
import { deriveSecrets } from '../../src/secrets.ts';
import { createTokens } from '../../src/tokens.ts';
import { createMemoryBlobs } from './memoryBlobs.ts';
import { createMemoryLog } from './memoryLog.ts';

/** The entity that a test is about, unless it says otherwise. */
export const ID = '0192f0c1-0000-7000-8000-000000000001';
export const OTHER_ID = '0192f0c1-0000-7000-8000-000000000002';
export const THIRD_ID = '0192f0c1-0000-7000-8000-000000000003';
export const NOBODYS_ID = '0192f0c1-0000-7000-8000-00000000dead';
export const ME = '0192f0c1-0000-7000-8000-00000000aaaa';
export const STRANGER = '0192f0c1-0000-7000-8000-00000000bbbb';
/** When the command comes, and when all before it had happened. */
export const NOW = '2026-03-04T05:06:07.890Z';
export const BEFORE = '2026-01-02T03:04:05.678Z';

type Stream = { readonly category: string; readonly id: string; readonly owner: string; readonly events: readonly NewEvent[] };

/** What happened to an entity of the caller's; `id` is the part of the stream's name after the category. */
export function given(aggregate: Pick<Aggregate<unknown>, 'category'>, events: readonly NewEvent[], id = ID, owner = ME): Given {
  return history([{ category: aggregate.category, id, owner, events }]);
}

export const givenNothing = (): Given => history([]);

export type Given = {
  /** What had happened elsewhere. */
  readonly and: typeof given;
  readonly when: (command: Command, body?: unknown, request?: Partial<CommandRequest>) => Outcome;
};

type Outcome = {
  /** Nothing but these, in this order; none: it was already so. */
  readonly thenAppends: (events: readonly NewEvent[]) => Promise<void>;
  readonly thenRefuses: (status: number, code: string, ...pointers: string[]) => Promise<void>;
};

const history = (streams: readonly Stream[]): Given => ({
  and: ({ category }, events, id = ID, owner = ME) => history([...streams, { category, id, owner, events }]),
  when: (command, body, request = {}) => {
    const outcome = run(streams, command, { params: paramsOf(command), body, user: me, correlationId: 'test', ...request });
    return {
      thenAppends: async (events) => {
        expect(await outcome).toEqual(events.map(({ type, data }) => ({ type, data })));
      },
      thenRefuses: async (status, code, ...pointers) => {
        const refusal = await outcome.catch((error: unknown) => error);
        expect(refusal).toBeInstanceOf(Problem);
        if (!(refusal instanceof Problem)) return;
        const badFields = new Set(refusal.errors.map(({ pointer }) => pointer));
        expect({ status: refusal.status, code: refusal.code, badFields }).toEqual({ status, code, badFields: new Set(pointers) });
      },
    };
  },
});

const me: Caller = { id: ME, role: 'user', actor: 'user', login_id: OTHER_ID };

const paramsOf = ({ route }: Command) => (route.includes(':id') ? { id: ID } : {});

async function run(streams: readonly Stream[], command: Command, request: CommandRequest): Promise<unknown> {
  vi.setSystemTime(NOW);
  const log = createMemoryLog();
  for (const { category, id, owner, events } of streams) {
    const meta = { user_id: owner, actor: 'user', at: BEFORE, $correlationId: 'before', $causationId: 'before' } as const;
    await log.append(
      `${category}-${id}`,
      -1,
      events.map((event) => encode(event, meta)),
    );
  }
  const happened = log.events.length;
  const handler = createCommandHandler({
    log,
    blobs: createMemoryBlobs(),
    secrets: deriveSecrets('a master key of the tests, 32 bytes and more'),
    tokens: createTokens('a secret of the tests, 32 bytes and more', 15),
    settings: { refreshTokenExpireDays: 30, adminEmails: [], sendsPerDay: 500 },
  });
  await command.run(handler.run, request);
  return log.events.slice(happened).map(({ type, data }) => ({ type, data }));
}
