// One of many writers: sends one command after the other over HTTP, each with an Idempotency-Key, notes what was
// acknowledged, and repeats what was not, word for word, until it is.
import { v7 } from 'uuid';
import { z } from 'zod';
import { invitationIdOf } from '../../src/commands/calendar/invitations.ts';
import { type Kind, kinds } from './kinds.ts';
import type { Expected, Fields, Notes } from './notes.ts';

export type Account = { readonly token: string; readonly notes: Notes };

/** A command, and what it makes of each entity that it concerns. */
type Command = {
  readonly method: string;
  readonly path: string;
  readonly body?: Fields;
  readonly changes?: readonly (readonly [path: string, to: Expected])[];
  /** What it creates, and under which collection. */
  readonly creates?: {
    readonly at: string;
    readonly fields: Fields;
    readonly text: string;
    /** The path of what it is gone with. */
    readonly goesWith?: string;
  };
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

const markable = [
  { collection: '/tasks', marks: '/task-labels', field: 'label_ids', part: 'labels' },
  { collection: '/documents', marks: '/document-tags', field: 'tag_ids', part: 'tags' },
] as const;
const listOfIds = z.array(z.string());

/** Where a person's account is. */
export const ACCOUNT = '/users/me';

/** @param isAlone with the account itself, which no other writer changes */
export async function write(
  server: Server,
  { token, notes }: Account,
  name: string,
  random: () => number,
  isAlone: boolean,
): Promise<void> {
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
  const messages: string[] = [];
  const relationships: string[] = [];
  /** By kind, what is there. */
  const things = new Map<Kind, string[]>(kinds.map((kind) => [kind, []]));
  const pathsOf = (of: string) => things.get(kinds.find(({ collection }) => collection === of) ?? fail()) ?? [];
  /** What goes with a thing that is deleted. */
  const parts = new Map<string, string[]>();

  /** Some command; undefined where there is nothing yet that it could be about. */
  function next(session: string): Command | undefined {
    const choice = random();
    if (choice < 0.25) return aboutMessages(session);
    if (choice < 0.33) return relate(session);
    if (choice < 0.38) return invite();
    if (choice < 0.4 && isAlone) return changeAccount();
    if (choice < 0.48) return mark();
    const kind = one(kinds);
    return kind && aboutThings(kind);
  }

  function aboutMessages(session: string): Command | undefined {
    const text = `${name} ${count}`;
    const counted = (by: number) => [session, { message_count: Number(nowOf(session)?.message_count) + by }] as const;
    if (random() < 0.6) {
      return {
        method: 'POST',
        path: `${session}/messages`,
        body: { role: 'user', content: text },
        changes: [counted(1)],
        creates: { at: '/messages', fields: { content: text, version: 0 }, text },
      };
    }
    const path = one(messages);
    if (path === undefined) return undefined;
    if (random() < 0.6) return { method: 'PATCH', path, body: { content: text }, changes: [[path, bumped(path, { content: text })]] };
    messages.splice(messages.indexOf(path), 1);
    return { method: 'DELETE', path, changes: [[path, null], counted(-1)] };
  }

  /** Relates a task to the session, or changes or removes what was said before. */
  function relate(session: string): Command | undefined {
    const path = one(relationships.filter((each) => nowOf(each) !== null));
    if (path !== undefined && random() < 0.2) return { method: 'DELETE', path, changes: [[path, null]] };
    if (path !== undefined && random() < 0.3) {
      const set = { metadata: { seen: count } };
      return { method: 'PATCH', path, body: set, changes: [[path, bumped(path, set)]] };
    }
    const task = one(pathsOf('/tasks'));
    if (task === undefined) return undefined;
    const ends = {
      source_type: 'task',
      source_id: task.split('/').at(-1),
      target_type: 'session',
      target_id: session.split('/').at(-1),
      relation_type: `seen_${count}`,
    };
    return {
      method: 'POST',
      path: '/relationships',
      body: ends,
      creates: { at: '/relationships', fields: { ...ends, version: 0 }, text: `${name} ${count}`, goesWith: task },
    };
  }

  /** Or writes down what who was invited has answered. An invitation is in the stream of its event. */
  function invite(): Command | undefined {
    const event = one(pathsOf('/calendar/events'));
    if (event === undefined || nowOf(event)?.status === 'cancelled') return undefined;
    const email = 'guest@example.net';
    const path = `${event}/invitations/${invitationIdOf(event.split('/').at(-1) ?? '', email)}`;
    const version = Number(nowOf(event)?.version) + 1;
    const now = nowOf(path);
    const response = now === null ? 'needs_action' : now.response === 'accepted' ? 'declined' : 'accepted';
    const changes = [
      [event, bumped(event, {})],
      [path, { email, response, version }],
    ] as const;
    if (now !== null) return { method: 'POST', path: `${path}/answer`, body: { response }, changes };
    parts.set(event, [path]);
    return { method: 'POST', path: `${event}/invitations`, body: { email }, changes };
  }

  /** Puts a label on a task or takes it off; a tag and a document are the same. */
  function mark(): Command | undefined {
    const { collection, marks, field, part } = one(markable) ?? fail();
    const [path, id] = [one(pathsOf(collection)), one(pathsOf(marks))?.split('/').at(-1)];
    if (path === undefined || id === undefined) return undefined;
    const method = idsOn(path, field).includes(id) ? 'DELETE' : 'PUT';
    const others = idsOn(path, field).filter((each) => each !== id);
    const ids = method === 'PUT' ? [...others, id].sort() : others;
    return { method, path: `${path}/${part}/${id}`, changes: [[path, bumped(path, { [field]: ids })]] };
  }

  /** What a label or tag that is deleted is no longer on. */
  const unmarked = (gone: string) =>
    markable.flatMap(({ collection, field }) =>
      pathsOf(collection).flatMap((path) => {
        const ids = idsOn(path, field);
        const others = ids.filter((id) => !gone.endsWith(id));
        return others.length < ids.length ? [[path, { ...nowOf(path), [field]: others }] as const] : [];
      }),
    );

  const idsOn = (path: string, field: string) => listOfIds.parse(nowOf(path)?.[field]);

  function changeAccount(): Command {
    const set = { display_name: `${name} ${count}` };
    return { method: 'PATCH', path: ACCOUNT, body: set, changes: [[ACCOUNT, bumped(ACCOUNT, set)]] };
  }

  function aboutThings(kind: Kind): Command | undefined {
    const { collection, list, made, changed, isDeleted, isShared } = kind;
    const text = `${name} ${count}`;
    if (random() < 0.4) {
      const { body, fields } = made(text);
      const there = isShared ? fields : { ...fields, version: 0 };
      if (list !== undefined) return { method: 'POST', path: collection, body, creates: { at: collection, fields: there, text } };
      // What no list has is found by an id of the writer's own.
      const id = v7();
      const path = `${collection}/${id}`;
      things.get(kind)?.push(path);
      return { method: 'POST', path: collection, body: { ...body, id }, changes: [[path, there]] };
    }
    const paths = things.get(kind) ?? [];
    const path = one(paths);
    if (path === undefined) return undefined;
    if (isDeleted && random() < 0.15) {
      paths.splice(paths.indexOf(path), 1);
      const gone = [path, ...(parts.get(path) ?? [])];
      return { method: 'DELETE', path, changes: [...gone.map((each) => [each, null] as const), ...unmarked(path)] };
    }
    const change = changed(nowOf(path) ?? {}, text, random);
    if (!change) return undefined;
    const { method, action, body, set } = change;
    return {
      method,
      path: action === undefined ? path : `${path}/${action}`,
      ...(body && { body }),
      changes: [[path, isShared ? { ...nowOf(path), ...set } : bumped(path, set)]],
    };
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
    const { created } = done;
    if (!command.creates || created === undefined) continue;
    const { at, goesWith } = command.creates;
    if (at === '/messages') messages.push(created);
    if (at === '/relationships') relationships.push(created);
    if (goesWith !== undefined) parts.set(goesWith, [...(parts.get(goesWith) ?? []), created]);
    for (const [kind, paths] of things) if (kind.collection === at) paths.push(created);
  }
}

function fail(): never {
  throw new Error('there is no such kind');
}
