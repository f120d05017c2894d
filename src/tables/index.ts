// Every table that events are projected to.
import { activityRows } from './activities.ts';
import { calendarEventRows, calendarInvitationRows } from './calendar.ts';
import { documentRows, documentTagAssignmentRows, documentTagRows } from './documents.ts';
import { emailAttachmentRows, emailDraftRows, emailRows } from './emails.ts';
import { integrationLogRows } from './integrations.ts';
import { llmRequestRows, messageRows } from './messages.ts';
import { entityEmbeddingRows, relationshipRows } from './relationships.ts';
import { sessionRows } from './sessions.ts';
import type { Table } from './table.ts';
import { taskLabelRows, taskListRows, taskRows, taskTagRows } from './tasks.ts';
import { loginRows, userRows } from './users.ts';

export const tables: readonly Table[] = [
  userRows,
  loginRows,
  sessionRows,
  messageRows,
  llmRequestRows,
  emailRows,
  emailAttachmentRows,
  emailDraftRows,
  calendarEventRows,
  calendarInvitationRows,
  documentRows,
  documentTagRows,
  documentTagAssignmentRows,
  taskListRows,
  taskRows,
  taskLabelRows,
  taskTagRows,
  relationshipRows,
  entityEmbeddingRows,
  activityRows,
  integrationLogRows,
];
