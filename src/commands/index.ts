// All commands that have a route, each with the name it is exported by. A new context adds its line here.
import * as calendarEvents from './calendar/event.ts';
import * as calendarImport from './calendar/import.ts';
import * as calendarInvitations from './calendar/invitation.ts';
import type { Command } from './command.ts';
import * as documents from './documents/document.ts';
import * as documentTags from './documents/tag.ts';
import * as emailDrafts from './emails/draft.ts';
import * as emails from './emails/email.ts';
import * as integrations from './integrations.ts';
import * as messages from './messages.ts';
import * as relationships from './relationships.ts';
import * as sessions from './sessions.ts';
import * as taskLabels from './tasks/label.ts';
import * as taskLists from './tasks/list.ts';
import * as tasks from './tasks/task.ts';
import * as logins from './users/login.ts';
import * as passwords from './users/password.ts';
import * as profiles from './users/profile.ts';
import * as registration from './users/registration.ts';
import * as suspension from './users/suspension.ts';

const slices = [
  documents,
  documentTags,
  registration,
  logins,
  passwords,
  profiles,
  suspension,
  sessions,
  messages,
  tasks,
  taskLists,
  taskLabels,
  calendarEvents,
  emailDrafts,
  emails,
  relationships,
  calendarInvitations,
  integrations,
  calendarImport,
];

export const commands: ReadonlyMap<string, Command> = new Map(
  slices.flatMap((slice) =>
    Object.entries(slice).flatMap(([name, exported]): [string, Command][] =>
      'run' in exported && !exported.internal ? [[name, exported]] : [],
    ),
  ),
);
