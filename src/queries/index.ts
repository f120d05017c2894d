// All queries. A new context adds its line here.
import * as activities from './activities.ts';
import * as calendarEvents from './calendar/event.ts';
import * as calendarExport from './calendar/export.ts';
import * as calendarFreeBusy from './calendar/freeBusy.ts';
import * as calendarInvitations from './calendar/invitation.ts';
import * as documents from './documents.ts';
import * as emailDrafts from './emails/draft.ts';
import * as emails from './emails/email.ts';
import * as integrations from './integrations.ts';
import * as messages from './messages.ts';
import type { Query } from './query.ts';
import * as relationships from './relationships.ts';
import * as search from './search/search.ts';
import * as sessions from './sessions.ts';
import * as tasks from './tasks.ts';
import * as users from './users.ts';

const slices = [
  users,
  sessions,
  messages,
  tasks,
  calendarEvents,
  calendarInvitations,
  calendarExport,
  calendarFreeBusy,
  emails,
  emailDrafts,
  documents,
  relationships,
  integrations,
  activities,
  search,
];

export const queries: readonly Query[] = slices.flatMap((slice) => Object.values(slice));
