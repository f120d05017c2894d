// All projections, in the order in which each sees an event, and all tellers of what happened. A new context adds its
// lines here.
import { activities } from './activities.ts';
import { calendar, calendarEventSentences, calendarReminderSentences } from './calendar.ts';
import { departures } from './departures.ts';
import { documentSentences, documents, documentTagSentences } from './documents.ts';
import { emailDraftSentences, emailDrafts } from './emails/draft.ts';
import { emailSentences, emails } from './emails/email.ts';
import { integrationSentences, integrations } from './integrations.ts';
import { llmRequestSentences, messageSentences, messages } from './messages.ts';
import type { Projection } from './projection.ts';
import { relationshipSentences, relationships } from './relationships.ts';
import { sessionSentences, sessions } from './sessions.ts';
import { taskLabelSentences, taskListSentences, taskSentences, tasks } from './tasks.ts';
import { keySentences, loginSentences, userSentences, users } from './users.ts';

export const tellers = [
  userSentences,
  loginSentences,
  keySentences,
  sessionSentences,
  messageSentences,
  llmRequestSentences,
  taskListSentences,
  taskSentences,
  taskLabelSentences,
  calendarEventSentences,
  calendarReminderSentences,
  emailDraftSentences,
  documentSentences,
  documentTagSentences,
  emailSentences,
  relationshipSentences,
  integrationSentences,
];

export const projections: readonly Projection[] = [
  users,
  departures,
  sessions,
  messages,
  tasks,
  calendar,
  emailDrafts,
  documents,
  emails,
  relationships,
  integrations,
  activities(tellers),
];
