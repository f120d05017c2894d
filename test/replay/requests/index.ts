// All that is requested at random.
import fc from 'fast-check';
import { calendarKinds, newImport, newInvitation, newSeries } from './calendar.ts';
import { documentKinds, newDocument, newTag } from './documents.ts';
import { emailKinds, newDraft } from './emails.ts';
import { integrationKinds } from './integrations.ts';
import { mentionedAgain, relationshipKinds } from './relationships.ts';
import { rank, type Step, type Weighted, who } from './said.ts';
import { newSession, sessionKinds } from './sessions.ts';
import { newLabel, newList, newTask, taskKinds } from './tasks.ts';
import { registering, userKinds } from './users.ts';

const kinds: readonly Weighted[] = [
  ...taskKinds,
  ...sessionKinds,
  ...emailKinds,
  ...documentKinds,
  ...calendarKinds,
  ...relationshipKinds,
  ...integrationKinds,
  ...userKinds,
  [14, fc.record({ again: rank, by: fc.option(who, { nil: undefined, freq: 9 }) })],
];

/** Those who are there at the start, and something of theirs to begin with. */
export const beginnings: fc.Arbitrary<Step[]> = fc.tuple(
  ...['admin', 'ada', 'bob'].map((name) => registering(fc.constant({ mailbox: name }))),
  ...[
    newTask,
    newList,
    newLabel,
    newSession,
    newTask,
    newTask,
    newList,
    newLabel,
    newSession,
    newTask,
    newTag,
    newDraft,
    newDocument,
    newDocument,
    newSeries,
    newSeries,
    newInvitation,
    newInvitation,
    newImport,
    ...mentionedAgain,
  ],
);

export const steps = (maxLength: number): fc.Arbitrary<Step[]> =>
  fc.array(fc.oneof(...kinds.map(([weight, arbitrary]) => ({ weight: weight * 10, arbitrary }))), { minLength: 1, maxLength, size: 'max' });
