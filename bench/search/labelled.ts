// What search is measured with: what an imagined person keeps in her Daybook, and what she looks for, each question with its
// answers. Nora Lindqvist is an architect in Bristol, married to Tom, with Ivy (seven), Leo (three), and a dog, Biscuit.
import { type CommonQueryMethods, type FragmentSqlToken, sql } from 'slonik';
import { z } from 'zod';
import { documents } from './documents.ts';
import { emails } from './emails.ts';
import { events } from './events.ts';
import { messages } from './messages.ts';
import { tasks } from './tasks.ts';

type Labelled = {
  /** What it is one of several answers to: `about`, below. */
  readonly about?: keyof typeof about;
  /** What is looked for with this in mind. */
  readonly asked: readonly string[];
};
export type Message = Labelled & { readonly text: string; readonly role?: 'assistant' };
export type Email = Labelled & { readonly from: `${string} <${string}>`; readonly subject: string; readonly text: string };
export type Document = Labelled & { readonly title: string; readonly text: string };
export type Task = Labelled & { readonly title: string; readonly text: string };
export type Event = Labelled & { readonly title: string; readonly place: string; readonly text: string };

/** What several things are the answer to. */
const about = {
  allotment: ['growing our own food', 'work on the plot'],
  bicycle: ['everything about my bike', 'two-wheeler'],
  car: ['the automobile', 'Skoda'],
  choir: ['singing', 'vocal ensemble'],
  cooking: ['recipes', 'something to bake or cook'],
  dog: ['our pet', 'puppy'],
  hartley: ['the school building project', 'extension for the primary school'],
  health: ['medical appointments and exercise', 'my body'],
  heating: ['keeping the house warm', 'central heating'],
  hiring: ['staff changes', 'recruiting someone for the office'],
  ivy: ['our daughter', 'Ivy'],
  leo: ['our little boy', 'Leo'],
  lisbon: ['trip to Portugal', 'Lisbon'],
  money: ['paying less', 'finances and banks'],
  mother: ['my elderly mother', 'looking after mum'],
  pottery: ['ceramics hobby', 'clay'],
  renovation: ['improving our house', 'rebuilding the loft'],
} satisfies Readonly<Record<string, readonly string[]>>;

const corpus = {
  message: messages,
  email: emails,
  document: documents,
  task: tasks,
  event: events,
} satisfies Readonly<Record<string, readonly Labelled[]>>;

/** An entity: its type, and where it is in that list. */
export type Key = `${keyof typeof corpus} ${number}`;

type Kept = Labelled & {
  readonly key: Key;
  /** All that is written in it. */
  readonly words: string;
  readonly path: string;
  readonly body: object;
};

const DAY_MS = 86_400_000;
const dayOf = (index: number, hours: number) => new Date(Date.UTC(2026, 0, 5, hours) + index * DAY_MS).toISOString();
const keyOf = (type: keyof typeof corpus, index: number): Key => `${type} ${index}`;

/** What is kept, and the command that makes it. @param session which the messages are in */
export const keptIn = (session: string): readonly Kept[] => [
  ...corpus.message.map((message, index) => ({
    ...message,
    key: keyOf('message', index),
    words: message.text,
    path: `/sessions/${session}/messages`,
    body: { role: message.role ?? 'user', content: message.text },
  })),
  ...corpus.email.map((email, index) => {
    const [, from_name = '', from_address = ''] = /^(.*) <(.*)>$/.exec(email.from) ?? [];
    return {
      ...email,
      key: keyOf('email', index),
      words: `${email.from} ${email.subject} ${email.text}`,
      path: '/emails',
      body: {
        ...{ direction: 'inbound', from_name, from_address, subject: email.subject, body_text: email.text },
        received_at: dayOf(index, 8),
      },
    };
  }),
  ...corpus.document.map((document, index) => ({
    ...document,
    key: keyOf('document', index),
    words: `${document.title} ${document.text}`,
    path: '/documents',
    body: { title: document.title, content: document.text },
  })),
  ...corpus.task.map((task, index) => ({
    ...task,
    key: keyOf('task', index),
    words: `${task.title} ${task.text}`,
    path: '/tasks',
    body: { title: task.title, description: task.text },
  })),
  ...corpus.event.map((event, index) => ({
    ...event,
    key: keyOf('event', index),
    words: `${event.title} ${event.place} ${event.text}`,
    path: '/calendar/events',
    body: { title: event.title, location: event.place, description: event.text, starts_at: dayOf(index, 9), ends_at: dayOf(index, 10) },
  })),
];

export type Question = {
  readonly q: string;
  readonly answers: readonly Key[];
  /** What the answers say. */
  readonly words: string;
  readonly half: 'tuning' | 'reporting';
};

/** Every other entity is asked about in the half on which nothing is tuned, and so is every other subject. */
const halfOf = (index: number) => (index % 2 === 0 ? 'tuning' : 'reporting');

const kept = keptIn('');
export const questions: readonly Question[] = [
  ...kept.flatMap(({ key, words, asked }, index) => asked.map((q): Question => ({ q, answers: [key], words, half: halfOf(index) }))),
  ...Object.entries(about).flatMap(([subject, asked], index) => {
    const answers = kept.filter((each) => each.about === subject);
    const words = answers.map((each) => each.words).join(' ');
    return asked.map((q): Question => ({ q, answers: answers.map(({ key }) => key), words, half: halfOf(index) }));
  }),
];

/** The questions that no content word leads to an answer of: none is in both, whatever its ending. */
export async function withoutSharedWords(database: CommonQueryMethods): Promise<ReadonlySet<Question>> {
  const lexemes = (text: FragmentSqlToken) => sql.fragment`tsvector_to_array(to_tsvector('english', ${text}))`;
  const rows = await database.any(sql.type(z.object({ index: z.int() }))`
    SELECT (index - 1)::int AS index FROM ROWS FROM (unnest(${array(({ q }) => q)}), unnest(${array(({ words }) => words)}))
      WITH ORDINALITY AS asked (q, words, index)
    WHERE NOT ${lexemes(sql.fragment`q`)} && ${lexemes(sql.fragment`words`)}`);
  return new Set(rows.flatMap(({ index }) => questions[index] ?? []));
}

const array = (of: (question: Question) => string) => sql.array(questions.map(of), 'text');
