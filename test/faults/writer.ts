// One of many writers: sends one command after the other over HTTP, each with an Idempotency-Key, notes what was
// acknowledged, and repeats what was not, word for word, until it is.
import type { Expected, Fields, Notes } from './notes.ts';

export type Account = { readonly token: string; readonly notes: Notes };

/** A command, and what it makes of each entity that it concerns. */
type Command = {
  readonly method: string;
  readonly path: string;
  readonly body?: Fields;
  readonly changes?: readonly (readonly [path: string, to: Expected])[];
  /** What it creates, and under which collection. */
  readonly creates?: { readonly at: string; readonly fields: Fields; readonly text: string };
};

export type Server = {
  /** The URL of the process that runs now; while there is none, it is waited for. Undefined: the test is over. */
  readonly url: () => Promise<string | undefined>;
  readonly counted: { acknowledged: number; unanswered: number };
};

/** Lets writers through to a server, or makes them wait. */
export function createGate(writers: number) {
  let url: string | undefined;
  let isOpen = false;
  let opened = Promise.withResolvers<void>();
  let quiet = Promise.withResolvers<void>();
  let waiting = 0;
  const server: Server = {
    url: async () => {
      while (!isOpen) {
        waiting += 1;
        if (waiting === writers) quiet.resolve();
        await opened.promise;
        waiting -= 1;
      }
      return url;
    },
    counted: { acknowledged: 0, unanswered: 0 },
  };
  return {
    server,
    /** @param to undefined: the writers may go home */
    open: (to: string | undefined) => {
      url = to;
      isOpen = true;
      opened.resolve();
    },
    /** From here on nobody sends a request; `quiet` when all have the answer to their last one, or know that it does not come. */
    close: () => {
      isOpen = false;
      opened = Promise.withResolvers();
      quiet = Promise.withResolvers();
      return { quiet: quiet.promise };
    },
  };
}

export async function write(server: Server, { token, notes }: Account, name: string, random: () => number): Promise<void> {
  let count = 0;

  /** Resolves to the path of what was created; undefined when the test is over before there was an answer. */
  async function send(command: Command): Promise<{ created: string | undefined } | undefined> {
    const { method, path, body, changes = [], creates } = command;
    const headers = {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'idempotency-key': `${name}-${count}`,
      ...(random() < 0.5 && { prefer: 'return=minimal' }),
    };
    for (;;) {
      const url = await server.url();
      if (url === undefined) return undefined;
      for (const [changed, to] of changes) notes.entities.set(changed, { now: nowOf(changed), perhaps: to });
      if (creates) notes.unborn.set(creates.text, creates.fields);
      const response = await fetch(`${url}/api/v1${path}`, { method, headers, ...(body && { body: JSON.stringify(body) }) })
        .then(async (answer) => ({ answer, text: await answer.text() }))
        .catch(() => undefined);
      // Killed meanwhile, or the log did not say in time what became of it.
      if (response === undefined || response.answer.status === 503) {
        server.counted.unanswered += 1;
        continue;
      }
      const { answer, text } = response;
      if (!answer.ok) throw new Error(`${method} ${path} was answered with ${answer.status} ${text}`);
      server.counted.acknowledged += 1;
      const position = BigInt(answer.headers.get('daybook-position') ?? 0);
      if (position > notes.position) notes.position = position;
      for (const [changed, to] of changes) notes.entities.set(changed, { now: to, perhaps: undefined });
      const created = creates && `${creates.at}/${answer.headers.get('location')?.split('/').at(-1)}`;
      if (creates && created !== undefined) {
        notes.unborn.delete(creates.text);
        notes.entities.set(created, { now: creates.fields, perhaps: undefined });
      }
      return { created };
    }
  }

  const nowOf = (path: string): Expected => notes.entities.get(path)?.now ?? null;
  const one = <Item>(items: readonly Item[]): Item | undefined => items[Math.floor(random() * items.length)];
  const tasks: string[] = [];
  const messages: string[] = [];

  /** Some command; undefined where there is nothing yet that it could be about. */
  function next(session: string): Command | undefined {
    const text = `${name} ${count}`;
    const choice = random();
    if (choice < 0.3) {
      return {
        method: 'POST',
        path: '/tasks',
        body: { title: text },
        creates: { at: '/tasks', fields: { title: text, status: 'todo', version: 0 }, text },
      };
    }
    if (choice < 0.5) {
      const { message_count } = nowOf(session) ?? {};
      return {
        method: 'POST',
        path: `${session}/messages`,
        body: { role: 'user', content: text },
        changes: [[session, { message_count: Number(message_count) + 1 }]],
        creates: { at: '/messages', fields: { content: text, version: 0 }, text },
      };
    }
    if (choice < 0.6) {
      const path = one(messages);
      if (path === undefined) return undefined;
      if (random() < 0.6) return { method: 'PATCH', path, body: { content: text }, changes: [[path, bumped(path, { content: text })]] };
      messages.splice(messages.indexOf(path), 1);
      const { message_count } = nowOf(session) ?? {};
      return {
        method: 'DELETE',
        path,
        changes: [
          [path, null],
          [session, { message_count: Number(message_count) - 1 }],
        ],
      };
    }
    const path = one(tasks);
    if (path === undefined) return undefined;
    const isDone = nowOf(path)?.status === 'done';
    if (choice < 0.75) return { method: 'PATCH', path, body: { title: text }, changes: [[path, bumped(path, { title: text })]] };
    if (choice < 0.92) {
      const [verb, status] = isDone ? ['reopen', 'todo'] : ['complete', 'done'];
      return { method: 'POST', path: `${path}/${verb}`, changes: [[path, bumped(path, { status })]] };
    }
    tasks.splice(tasks.indexOf(path), 1);
    return { method: 'DELETE', path, changes: [[path, null]] };
  }

  /** Exactly one event further, whatever was repeated. */
  function bumped(path: string, set: Fields): Fields {
    const now = nowOf(path) ?? {};
    return { ...now, ...set, version: Number(now.version) + 1 };
  }

  const session = await send({
    method: 'POST',
    path: '/sessions',
    body: { title: name },
    creates: { at: '/sessions', fields: { title: name, message_count: 0 }, text: name },
  });
  while (session?.created !== undefined) {
    count += 1;
    const command = next(session.created);
    if (!command) continue;
    const done = await send(command);
    if (!done) return;
    if (command.creates?.at === '/tasks' && done.created !== undefined) tasks.push(done.created);
    if (command.creates?.at === '/messages' && done.created !== undefined) messages.push(done.created);
  }
}
