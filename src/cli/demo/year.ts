// A year of one person as commands, each at its time: letters that become tasks, meetings with notes, conversations with the
// assistant. The same seed and the same end give the same year. What one command makes, later ones refer to by its `Made`.
import { seeded } from './random.ts';
import * as words from './words.ts';

/** What a command made; `id` is there once it has run. */
export type Made = { id: string };
export type Step = {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly route: string;
  readonly by: 'user' | 'assistant';
  /** Asked for when the step's turn has come: what it refers to is there then. */
  readonly params: () => Readonly<Record<string, string>>;
  readonly body: () => Readonly<Record<string, unknown>>;
  readonly made: Made;
};

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const DAYS = 365;

/**
 * @param end the last moment of the year, milliseconds since 1970
 * @param size how much happens: 1 is a busy year
 * @param self the person's id and address
 */
export function year(seed: number, end: number, size: number, self: { readonly id: string; readonly email: string }): readonly Step[] {
  const random = seeded(seed);
  const steps: Step[] = [];
  const start = end - DAYS * DAY;

  function step(
    at: number,
    route: string,
    body: Step['body'] = () => ({}),
    params: Step['params'] = () => ({}),
    by: Step['by'] = 'user',
  ): Made {
    const made = { id: '' };
    steps.push({ at, route, by, params, body, made });
    return made;
  }
  const on = (made: Made) => () => ({ id: made.id });
  const relate = (at: number, source: [string, Made], relation_type: string, target: [string, Made], strength = 1) =>
    step(
      at,
      'POST /relationships',
      () => ({ source_type: source[0], source_id: source[1].id, relation_type, target_type: target[0], target_id: target[1].id, strength }),
      undefined,
      'assistant',
    );

  // What everything is filed in.
  const label = (name: string, color: string) => step(start, 'POST /task-labels', () => ({ name, color }));
  const labels = [label('Waiting', '#bf8700'), label('Quick', '#2da44e'), label('At home', '#8250df')] as const;
  const tag = (name: string, color: string) => step(start, 'POST /document-tags', () => ({ name, color }));
  const tags = { notes: tag('Notes', '#1f6feb'), plans: tag('Plans', '#cf222e') };
  const worlds = words.projects.map((project, index) => ({
    project,
    list: step(start + index, 'POST /task-lists', () => ({ name: project.name, is_default: index === 0 })),
    plan: step(start + project.from * DAYS * DAY + HOUR + index, 'POST /documents', () => ({
      title: `${project.name}: the plan`,
      content: `# ${project.name}\n\n${project.deeds.map((deed) => `- [ ] ${deed}`).join('\n')}\n`,
      language: 'en',
      tag_ids: [tags.plans.id],
    })),
  }));
  for (const { list, plan } of worlds) relate(start + DAYS * DAY * 0.62, ['document', plan], 'describes', ['task_list', list]);
  recurring('Team meeting', 'Northlight office', 9, 'FREQ=WEEKLY;BYDAY=MO');
  recurring('Running with the Danube Runners', 'Old bridge', 18, 'FREQ=WEEKLY;BYDAY=WE');
  recurring('Sunday lunch at Clara’s', 'At Clara’s', 12, 'FREQ=MONTHLY;BYDAY=1SU');

  // Not on the first day, of which only what is left after `start` would count.
  for (let day = 1; day <= DAYS; day += 1) {
    const morning = Math.floor((start + day * DAY) / DAY) * DAY + 7 * HOUR;
    const weekday = new Date(morning).getUTCDay();
    const isWorkday = weekday > 0 && weekday < 6;
    const current = worlds.filter(({ project: { from, to, isWork } }) => day >= from * DAYS && day <= to * DAYS && (isWorkday || !isWork));
    const often = (perDay: number) => Math.floor(perDay * size + random.next());
    const [first, ...rest] = current;
    for (let n = often(1.2); n > 0; n -= 1) newsletter(morning + random.between(0, 600) * MINUTE);
    if (first === undefined) continue;
    const world = () => random.pick([first, ...rest]);
    for (let n = often(isWorkday ? 2 : 0.8); n > 0; n -= 1) thread(world(), morning + random.between(0, 480) * MINUTE);
    for (let n = often(isWorkday ? 0.7 : 0.3); n > 0; n -= 1) meeting(world(), morning + random.between(2, 14) * 30 * MINUTE);
    for (let n = often(0.9); n > 0; n -= 1) conversation(world(), morning + random.between(0, 720) * MINUTE);
    for (let n = often(0.5); n > 0; n -= 1) task(world(), morning + random.between(0, 700) * MINUTE);
  }
  return steps.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);

  function recurring(title: string, location: string, hour: number, recurrence_rule: string): void {
    const starts = Math.floor(start / DAY) * DAY + hour * HOUR;
    step(start + MINUTE, 'POST /calendar/events', () => ({
      title,
      location,
      starts_at: new Date(starts).toISOString(),
      ends_at: new Date(starts + HOUR).toISOString(),
      recurrence_rule,
      reminder_minutes: [30],
    }));
  }

  function newsletter(at: number): void {
    const { from, subject, text } = random.pick(words.newsletters);
    const letter = receive(at, from, subject, text);
    const isRead = random.chance(0.5);
    if (isRead) step(at + random.between(10, 500) * MINUTE, 'PATCH /emails/:id', () => ({ is_read: true, folder: 'archive' }), on(letter));
  }

  /** A letter, an answer to it at times, and what one has to do since. */
  function thread(world: World, at: number): void {
    const { say, person } = talk(world);
    const subject = say(random.pick(words.subjects));
    const letter = receive(at, person, subject, say(random.pick(words.letters)));
    const readAt = at + random.between(5, 300) * MINUTE;
    step(readAt, 'PATCH /emails/:id', () => ({ is_read: true, labels: [world.project.name] }), on(letter));
    if (random.chance(0.15)) step(readAt + MINUTE, 'PATCH /emails/:id', () => ({ is_starred: true }), on(letter));
    relate(readAt + 2 * MINUTE, ['email', letter], 'about', ['task_list', world.list], random.between(5, 10) / 10);
    if (random.chance(0.35)) {
      const todo = task(world, readAt + 5 * MINUTE, () => ({ source_type: 'email', source_id: letter.id }));
      relate(readAt + 6 * MINUTE, ['task', todo], 'derived_from', ['email', letter]);
    }
    if (random.chance(0.6)) {
      const repliedAt = readAt + random.between(10, 900) * MINUTE;
      const reply = send(repliedAt, person, `Re: ${subject}`, say(random.pick(words.replies)), messageId(letter));
      if (random.chance(0.4))
        receive(
          repliedAt + random.between(20, 1_200) * MINUTE,
          person,
          `Re: ${subject}`,
          say(random.pick(words.closings)),
          messageId(reply),
        );
    } else draft(readAt + 3 * MINUTE, letter, person, `Re: ${subject}`, say(random.pick(words.replies)));
    if (random.chance(0.7)) step(readAt + DAY, 'PATCH /emails/:id', () => ({ folder: 'archive' }), on(letter));
  }

  /** An answer that the assistant proposes, and that nobody has sent yet, or ever will. */
  function draft(at: number, letter: Letter, to: words.Person, subject: string, body_text: string): void {
    const begun = step(
      at,
      'POST /email-drafts',
      () => ({ in_reply_to_email_id: letter.id, to_addresses: [to], subject, body_text }),
      undefined,
      'assistant',
    );
    const lookedAt = at + random.between(10, 600) * MINUTE;
    if (random.chance(0.4))
      step(lookedAt, 'PATCH /email-drafts/:id', () => ({ body_text: `${body_text}\n\nP.S. It can wait until next week.` }), on(begun));
    if (random.chance(0.5)) step(lookedAt + MINUTE, 'DELETE /email-drafts/:id', undefined, on(begun));
  }

  /** Planned some days before, with whom it is about, and notes afterwards. */
  function meeting(world: World, at: number): void {
    const { say, person } = talk(world);
    const title = say(random.pick(words.meetings));
    const location = random.pick(world.project.places);
    const plannedAt = Math.max(start + HOUR, at - random.between(1, 10) * DAY);
    const event = step(plannedAt, 'POST /calendar/events', () => ({
      title,
      location,
      starts_at: new Date(at).toISOString(),
      ends_at: new Date(at + 45 * MINUTE).toISOString(),
      reminder_minutes: [15],
    }));
    step(
      plannedAt + MINUTE,
      'POST /calendar/events/:id/invitations',
      () => ({ email: person.address, display_name: person.name }),
      on(event),
    );
    relate(plannedAt + 2 * MINUTE, ['event', event], 'about', ['task_list', world.list]);
    if (random.chance(0.1)) {
      step(plannedAt + 20 * HOUR < at ? plannedAt + 20 * HOUR : at - MINUTE, 'POST /calendar/events/:id/cancel', undefined, on(event));
      return;
    }
    if (random.chance(0.55)) {
      const content = say(random.pick(words.notes)).replace('{title}', title);
      const notes = step(at + HOUR, 'POST /documents', () => ({
        title: `Notes: ${title}`,
        content,
        language: 'en',
        tag_ids: [tags.notes.id],
      }));
      relate(at + HOUR + MINUTE, ['document', notes], 'notes_of', ['event', event]);
      if (random.chance(0.4))
        step(at + 3 * HOUR, 'PATCH /documents/:id', () => ({ content: `${content}\n_Sent to ${person.name}._\n` }), on(notes));
      if (random.chance(0.6)) relate(at + 2 * HOUR, ['task', task(world, at + 90 * MINUTE)], 'derived_from', ['document', notes], 0.9);
    }
  }

  function conversation(world: World, at: number): void {
    const { say } = talk(world);
    const question = say(random.pick(words.questions));
    const channel = random.pick(['web', 'mobile', 'voice', 'cli']);
    const session = step(at, 'POST /sessions', () => ({ title: question.slice(0, 80), channel }));
    let time = at;
    const message = (role: 'user' | 'assistant', content: string, parent?: Made) => {
      time += random.between(5, 90) * 1_000;
      return step(
        time,
        'POST /sessions/:id/messages',
        () => ({ role, content, token_count: Math.ceil(content.length / 4), ...(parent && { parent_message_id: parent.id }) }),
        on(session),
        role,
      );
    };
    const asked = message('user', question);
    think(time, session, asked);
    const answered = message('assistant', say(random.pick(words.answers)), asked);
    if (random.chance(0.6)) message('assistant', say(random.pick(words.answers)), message('user', random.pick(words.thanks), answered));
    relate(time + MINUTE, ['session', session], 'about', ['task_list', world.list], 0.6);
    if (random.chance(0.25)) {
      const todo = task(world, time + 2 * MINUTE, () => ({ source_type: 'message', source_id: asked.id }), 'assistant');
      relate(time + 3 * MINUTE, ['task', todo], 'derived_from', ['message', asked]);
    }
    if (random.chance(0.8))
      step(time + HOUR, random.chance(0.5) ? 'POST /sessions/:id/end' : 'POST /sessions/:id/archive', undefined, on(session));
  }

  /** What the assistant asked a model to find its answer. */
  function think(at: number, session: Made, message: Made): void {
    const prompt_tokens = random.between(300, 4_000);
    const completion_tokens = random.between(30, 400);
    const latency_ms = random.between(400, 4_000);
    const model = random.pick(['gpt-5-mini', 'gpt-5-mini', 'gpt-5']);
    const by = 'assistant';
    const asked = step(
      at + 500,
      'POST /llm-requests',
      () => ({ session_id: session.id, message_id: message.id, provider: 'openai', model, purpose: 'answer' }),
      undefined,
      by,
    );
    const isAnswered = random.chance(0.97);
    const error = isAnswered ? null : 'The model did not answer in time.';
    step(
      at + 500 + latency_ms,
      'POST /integration-logs',
      () => ({
        ...{ integration: 'openai', operation: 'chat.completions', direction: 'outbound', status: isAnswered ? 'succeeded' : 'failed' },
        ...{ http_status: isAnswered ? 200 : 504, request: { model, prompt_tokens }, error, duration_ms: latency_ms },
        occurred_at: new Date(at + 500).toISOString(),
      }),
      undefined,
      by,
    );
    if (!isAnswered) {
      step(at + 500 + latency_ms, 'POST /llm-requests/:id/fail', () => ({ error, latency_ms }), on(asked), by);
      return;
    }
    const cost_usd = Math.round(prompt_tokens * 0.25 + completion_tokens * 2) / 1_000_000;
    step(
      at + 500 + latency_ms,
      'POST /llm-requests/:id/succeed',
      () => ({ prompt_tokens, completion_tokens, cost_usd, latency_ms }),
      on(asked),
      by,
    );
  }

  /** Most are done in a few days, some wait, some are given up, and some are still there. */
  function task(world: World, at: number, source: Step['body'] = () => ({}), by: Step['by'] = 'user'): Made {
    const due = random.chance(0.6) ? new Date(at + random.between(1, 14) * DAY).toISOString() : null;
    const priority = random.pick(['none', 'none', 'low', 'medium', 'high', 'urgent']);
    const title = random.pick(world.project.deeds);
    const marked = random.chance(0.3) ? [random.pick(labels)] : [];
    const made = step(
      at,
      'POST /tasks',
      () => ({ title, list_id: world.list.id, priority, due_at: due, label_ids: marked.map(({ id }) => id), ...source() }),
      undefined,
      by,
    );
    const begun = at + random.between(2, 96) * HOUR;
    if (random.chance(0.5)) step(begun, 'POST /tasks/:id/start', undefined, on(made));
    if (random.chance(0.08)) step(begun + HOUR, 'POST /tasks/:id/block', undefined, on(made));
    if (random.chance(0.82)) step(begun + random.between(2, 120) * HOUR, 'POST /tasks/:id/complete', undefined, on(made));
    else if (random.chance(0.4)) step(begun + 200 * HOUR, 'POST /tasks/:id/cancel', undefined, on(made));
    return made;
  }

  function receive(at: number, from: words.Person, subject: string, body_text: string, in_reply_to?: string): Letter {
    return letter(at, {
      direction: 'inbound',
      from,
      to: { name: words.me.display_name, address: self.email },
      subject,
      body_text,
      in_reply_to,
    });
  }
  function send(at: number, to: words.Person, subject: string, body_text: string, in_reply_to: string): Letter {
    return letter(at, {
      direction: 'outbound',
      from: { name: words.me.display_name, address: self.email },
      to,
      subject,
      body_text,
      in_reply_to,
    });
  }
  function letter(at: number, said: Mail): Letter {
    const message_id = `<${at.toString(36)}.${steps.length}@${said.from.address.split('@')[1]}>`;
    const { direction, from, to, subject, body_text, in_reply_to = null } = said;
    const made = step(at, 'POST /emails', () => ({
      direction,
      message_id_header: message_id,
      in_reply_to,
      from_address: from.address,
      from_name: from.name,
      to_addresses: [to],
      subject,
      body_text,
      sent_at: new Date(at - MINUTE).toISOString(),
      received_at: direction === 'inbound' ? new Date(at).toISOString() : null,
    }));
    return Object.assign(made, { message_id });
  }

  /** One matter, one person and one day that a scene is about, and a way to speak of them. */
  function talk({ project }: World) {
    const person = random.pick(project.people);
    const matter = random.pick(project.matters);
    const day = random.pick(words.days);
    const deed = random.pick(project.deeds);
    const facts: Readonly<Record<string, string>> = {
      project: project.name,
      matter,
      Matter: matter.charAt(0).toUpperCase() + matter.slice(1),
      day,
      Day: day,
      deed: deed.charAt(0).toLowerCase() + deed.slice(1),
      name: person.name.split(' ')[0] ?? person.name,
    };
    return { person, say: (template: string) => template.replaceAll(/\{(\w+)\}/g, (whole, name: string) => facts[name] ?? whole) };
  }
}

type World = { readonly project: words.Project; readonly list: Made; readonly plan: Made };
type Letter = Made & { readonly message_id: string };
type Mail = {
  readonly direction: 'inbound' | 'outbound';
  readonly from: words.Person;
  readonly to: words.Person;
  readonly subject: string;
  readonly body_text: string;
  readonly in_reply_to: string | undefined;
};
const messageId = ({ message_id }: Letter) => message_id;
