// Plays random requests against a whole Daybook and against the model at once. The clock stands still for each request and
// moves between two, so that the model knows every time that a row can have.
import { v7 } from 'uuid';
import { vi } from 'vitest';
import { z } from 'zod';
import type { TestDaybook } from '../support/daybook.ts';
import type { Body, Json, Model, Request } from './model/core.ts';
import { createModel, handle } from './model/model.ts';
import type { CalendarInvitationRow } from './model/rows.ts';
import type { FileEvent, Kind, Pick, Said, Secret, Step, Value } from './requests/said.ts';

export type Played = {
  readonly model: Model;
  /** The position of the last event before this run; its own are after it. */
  readonly after: bigint;
  readonly users: readonly string[];
  readonly sent: readonly Request[];
};

const methods = z.enum(['POST', 'PUT', 'PATCH', 'DELETE']);
const answerBody = z.looseObject({
  id: z.string().optional(),
  user: z.looseObject({ id: z.string() }).optional(),
  access_token: z.string().optional(),
  refresh_token: z.string().optional(),
  items: z.array(z.object({ uid: z.string().nullable(), id: z.string().nullable() })).optional(),
});
const claims = z.object({ login_id: z.string() });

/** @throws as soon as an answer is not the model's. @param run makes the addresses of this run its own */
export async function play(daybook: TestDaybook, run: number, steps: readonly Step[]): Promise<Played> {
  const after = (await daybook.log.head()) ?? -1n;
  const model = createModel((email) => email.startsWith('admin-'));
  const tokens = new Map<string, string>();
  const known: Record<Kind, string[]> = {
    relationship: [],
    user: [],
    login: [],
    session: [],
    message: [],
    list: [],
    task: [],
    label: [],
    draft: [],
    document: [],
    tag: [],
    event: [],
    invitation: [],
    llmRequest: [],
    email: [],
  };
  const owners = new Map<string, string | undefined>();
  const sent: Request[] = [];

  for (const step of steps) {
    const request = 'again' in step ? repeated(step.again, step.by) : resolved(step);
    if (!request) continue;
    sent.push(request);
    const now = tick();
    const { status, body, location } = await inject(request);
    const { login_id } = body.access_token === undefined ? { login_id: undefined } : readClaims(body.access_token);
    const made = {
      id: body.user?.id ?? location ?? body.id ?? '',
      login: login_id ?? '',
      refreshToken: body.refresh_token ?? '',
      imported: new Map((body.items ?? []).flatMap(({ uid, id }) => (uid !== null && id !== null ? [[uid, id] as const] : []))),
    };
    const expected = handle(model, request, new Date(now).toISOString(), made);
    // Done, but the read model was too slow to show it.
    const isLate = status === 202 && (expected === 200 || expected === 201);
    if (status !== expected && !isLate) {
      throw new Error(`${JSON.stringify(request)} was answered with ${status} ${JSON.stringify(body)} where the model says ${expected}`);
    }
    if (login_id !== undefined && body.access_token !== undefined) {
      tokens.set(login_id, body.access_token);
      if (!known.login.includes(login_id)) known.login.push(login_id);
      owners.set(login_id, model.rows.logins.get(login_id)?.user_id ?? owners.get(login_id));
    }
    for (const id of made.imported.values()) {
      if (!known.event.includes(id)) known.event.push(id);
      owners.set(id, model.rows.logins.get(request.login ?? '')?.user_id);
    }
    const kind = createdKinds[request.path.replace(/^\/(?:sessions|calendar\/events)\/.*\/(?=messages$|invitations$)/, '/')];
    if (status !== 201 || !kind || known[kind].includes(made.id)) continue;
    known[kind].push(made.id);
    owners.set(made.id, model.rows.logins.get(request.login ?? '')?.user_id);
  }
  return { model, after, users: known.user, sent };

  function repeated(again: number, by: Pick | undefined): Request | undefined {
    const request = sent[again % Math.max(sent.length, 1)];
    // All labels of a person share a stream, so none but theirs knows that an id is taken.
    return request && by && !['/task-labels', '/document-tags'].includes(request.path)
      ? { ...request, login: pick(by, undefined) }
      : request;
  }

  function resolved({ who, route, ids, body, key, ifMatch, prefersMinimal }: Said): Request {
    const [method, pattern = ''] = route.split(' ');
    const login = pick(who, undefined);
    const caller = model.rows.logins.get(login)?.user_id;
    const email = mailboxIn(body, run);
    const invitation = ids.invitation_id && pick(ids.invitation_id, caller);
    const path = pattern.replaceAll(/:(\w+)/g, (_, name: string) => {
      if (invitation !== undefined && name === 'invitation_id') return invitation;
      const of = ids[name];
      const event = of?.of === 'own' && invitation !== undefined ? invitationOf(invitation)?.event_id : undefined;
      return event ?? (of ? pick(of, caller) : name);
    });
    return {
      method: methods.parse(method),
      path,
      login,
      body: body && bodyOf(body, caller, email),
      idempotencyKey: key,
      ifMatch: ifMatch === undefined || ifMatch === '*' ? ifMatch : revisionOf(path, caller) + (ifMatch === 'stale' ? 1 : 0),
      prefersMinimal,
    };
  }

  /** The id that is meant; one that never was where there is none. */
  function pick({ pick: kind, of, rank }: Pick, caller: string | undefined): string {
    const all = known[kind];
    const own =
      kind === 'login' && caller === undefined ? all.filter((id) => tableOf(kind).has(id)) : all.filter((id) => isOf(kind, id, caller));
    const among =
      of === 'nobody' ? [] : of === 'past' ? all.filter((id) => owners.get(id) === caller) : of === 'any' || own.length === 0 ? all : own;
    if (of === 'deepest') return own.toSorted((a, b) => depthOf(b) - depthOf(a))[0] ?? v7();
    return among[rank % Math.max(among.length, 1)] ?? v7();
  }

  function isOf(kind: Kind, id: string, caller: string | undefined): boolean {
    if (kind !== 'invitation') return tableOf(kind).get(id)?.user_id === caller;
    const invitation = invitationOf(id);
    return invitation !== undefined && (invitation.user_id === caller || invitation.invitee_user_id === caller);
  }

  function invitationOf(id: string): CalendarInvitationRow | undefined {
    return model.rows.calendar_invitations.get(model.said.invitations.get(id) ?? '');
  }

  function tableOf(kind: Exclude<Kind, 'invitation'>): ReadonlyMap<string, { readonly user_id: string; readonly version: number }> {
    const {
      users,
      logins,
      sessions,
      messages,
      task_lists,
      tasks,
      task_labels,
      documents,
      document_tags,
      calendar_events,
      emails,
      email_drafts,
    } = model.rows;
    const tables = { draft: email_drafts, session: sessions, message: messages, list: task_lists, task: tasks, label: task_labels };
    return {
      user: users,
      login: logins,
      ...tables,
      document: documents,
      tag: document_tags,
      event: calendar_events,
      email: emails,
      relationship: model.rows.relationships,
      llmRequest: model.rows.llm_requests,
    }[kind];
  }

  function depthOf(id: string | null | undefined): number {
    const task = model.rows.tasks.get(id ?? '');
    return task ? 1 + depthOf(task.parent_task_id) : 0;
  }

  function revisionOf(path: string, caller: string | undefined): number {
    const [, collection = '', id = '', event = '', part, invitation = ''] = path.split('/');
    if (collection === 'calendar') {
      return (part === 'invitations' && invitation !== '' ? invitationOf(invitation) : model.rows.calendar_events.get(event))?.version ?? 0;
    }
    const { sessions, messages, task_lists, tasks, task_labels, documents, document_tags, users, emails, email_drafts } = model.rows;
    const filed = { 'task-lists': task_lists, 'task-labels': task_labels, 'document-tags': document_tags, 'email-drafts': email_drafts };
    const table = {
      sessions,
      messages,
      tasks,
      documents,
      emails,
      relationships: model.rows.relationships,
      'llm-requests': model.rows.llm_requests,
      ...filed,
    }[collection];
    return (table?.get(id) ?? users.get(caller ?? ''))?.version ?? 0;
  }

  function bodyOf(body: Readonly<Record<string, Value>>, caller: string | undefined, email: string | undefined): Body {
    return Object.fromEntries(Object.entries(body).map(([name, value]) => [name, jsonOf(value, caller, email)]));
  }

  function jsonOf(value: Value, caller: string | undefined, email: string | undefined): Json {
    if (typeof value !== 'object' || value === null) return value;
    if (isArray(value)) return value.map((element) => jsonOf(element, caller, email));
    if (isPick(value)) return pick(value, caller);
    if (!isSecret(value)) return bodyOf(value, caller, email);
    if ('mailbox' in value) return mailbox(value.mailbox, run);
    if ('calendar' in value) return fileOf(value.calendar, caller);
    if ('refreshTokenOf' in value) return refreshToken(pick(value.refreshTokenOf, undefined), value.state);
    const user =
      email === undefined ? caller : model.rows.users.values().find((row) => row.email?.toLowerCase() === email.toLowerCase())?.id;
    return (value.password === 'right' && model.passwords.get(user ?? '')) || 'no password of anybody';
  }

  function fileOf(events: readonly FileEvent[], caller: string | undefined): string {
    const time = (instant: string) => instant.replaceAll(/[-:]|\.000/g, '');
    const lines = events.flatMap(({ uid, title, starts_at, ends_at, isDaily, without, status, attendees }) => [
      'BEGIN:VEVENT',
      `UID:${typeof uid === 'string' ? uid : pick(uid, caller)}`,
      `SUMMARY:${title}`,
      `DTSTART:${time(starts_at)}`,
      `DTEND:${time(ends_at)}`,
      ...(isDaily ? ['RRULE:FREQ=DAILY'] : []),
      ...(without === null ? [] : [`EXDATE:${time(without)}`]),
      `STATUS:${status}`,
      ...attendees.map(({ mailbox: name, answer }) => `ATTENDEE;PARTSTAT=${answer}:mailto:${mailbox(name, run)}`),
      'END:VEVENT',
    ]);
    return ['BEGIN:VCALENDAR', 'VERSION:2.0', ...lines, 'END:VCALENDAR', ''].join('\r\n');
  }

  function refreshToken(login: string, state: 'latest' | 'used' | 'forged'): string {
    const ofLogin = [...model.refreshTokens].filter(([token]) => token.startsWith(login));
    const [found] = ofLogin.findLast(([, is]) => is === state) ?? [];
    return found ?? `${login}.${'A'.repeat(43)}`;
  }

  async function inject({ method, path, login, body, idempotencyKey, ifMatch, prefersMinimal }: Request) {
    const token = tokens.get(login ?? '');
    const answer = await daybook.app.inject({
      method,
      url: `/api/v1${path}`,
      headers: {
        'user-agent': 'replay',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
        ...(ifMatch !== undefined && { 'if-match': ifMatch === '*' ? '*' : `"${ifMatch}"` }),
        ...(prefersMinimal === true && { prefer: 'return=minimal' }),
      },
      ...(body && { payload: body }),
    });
    const { location } = answer.headers;
    return {
      status: answer.statusCode,
      body: answerBody.parse(answer.body === '' ? {} : answer.json()),
      location: typeof location === 'string' && !location.endsWith('/me') ? location.split('/').at(-1) : undefined,
    };
  }
}

const createdKinds: Readonly<Record<string, Kind>> = {
  '/auth/register': 'user',
  '/sessions': 'session',
  '/messages': 'message',
  '/task-lists': 'list',
  '/tasks': 'task',
  '/task-labels': 'label',
  '/email-drafts': 'draft',
  '/documents': 'document',
  '/document-tags': 'tag',
  '/calendar/events': 'event',
  '/invitations': 'invitation',
  '/emails': 'email',
  '/relationships': 'relationship',
  '/llm-requests': 'llmRequest',
};

/** Moves the clock on to a time that it has not shown; as near to the real one as that goes, for the event log has a clock of its own. */
export function tick(): number {
  const now = Math.max(Date.now() + 1, Math.round(performance.timeOrigin + performance.now()));
  vi.setSystemTime(now);
  return now;
}

const mailbox = (name: string, run: number) => `${name}-${run}@example.org`;

/** The address that a request to log in names: the password has to fit it, not the caller. */
function mailboxIn(body: Said['body'], run: number): string | undefined {
  const email = body?.email;
  return typeof email === 'object' && email !== null && 'mailbox' in email && !('current_password' in (body ?? {}))
    ? mailbox(String(email.mailbox), run)
    : undefined;
}

const isArray = (value: object): value is readonly Value[] => Array.isArray(value);
const isPick = (value: object): value is Pick => 'pick' in value;
const isSecret = (value: object): value is Secret =>
  'mailbox' in value || 'password' in value || 'refreshTokenOf' in value || 'calendar' in value;

const readClaims = (token: string) => claims.parse(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()));
