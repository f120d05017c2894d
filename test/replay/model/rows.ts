// The rows that the model keeps: the tables of docs/domain.md with their columns.
import type { Json } from './core.ts';

type Common = {
  readonly id: string;
  readonly user_id: string;
  readonly created_at: string;
  updated_at: string;
  version: number;
};

export type UserRow = Common & {
  email: string | null;
  display_name: string;
  timezone: string;
  locale: string;
  preferences: Json;
  role: 'user' | 'admin';
  status: 'active' | 'suspended' | 'deleted';
  last_login_at: string | null;
  deleted_at: string | null;
};

export type LoginRow = Common & {
  readonly actor: 'user' | 'assistant';
  readonly user_agent: string | null;
  last_used_at: string;
  expires_at: string;
};

export type SessionRow = Common & {
  title: string | null;
  readonly channel: string;
  status: 'active' | 'archived' | 'ended';
  context: Json;
  message_count: number;
  last_message_at: string | null;
  ended_at: string | null;
};

export type MessageRow = Common & {
  readonly session_id: string;
  parent_message_id: string | null;
  readonly role: string;
  content: string;
  content_type: string;
  token_count: number | null;
  metadata: Json;
  edited_at: string | null;
};

export type LlmRequestRow = Common & {
  session_id: string | null;
  message_id: string | null;
  readonly provider: string;
  readonly model: string;
  readonly purpose: string | null;
  status: 'pending' | 'succeeded' | 'failed' | 'cancelled';
  prompt_tokens: number | null;
  completion_tokens: number | null;
  cost_usd: number | null;
  latency_ms: number | null;
  error: string | null;
  readonly request: Json;
  response: Json;
  readonly started_at: string;
  completed_at: string | null;
};

export type TaskListRow = Common & {
  name: string;
  description: string | null;
  color: string | null;
  position: number;
  is_default: boolean;
  archived_at: string | null;
};

export type TaskRow = Common & {
  list_id: string | null;
  parent_task_id: string | null;
  title: string;
  description: string | null;
  status: 'todo' | 'in_progress' | 'blocked' | 'done' | 'cancelled';
  priority: string;
  start_at: string | null;
  due_at: string | null;
  remind_at: string | null;
  reminded_at: string | null;
  estimate_minutes: number | null;
  recurrence_rule: string | null;
  position: number;
  completed_at: string | null;
  source_type: string | null;
  source_id: string | null;
};

export type CalendarEventRow = Common & {
  title: string;
  description: string | null;
  location: string | null;
  starts_at: string;
  ends_at: string;
  all_day: boolean;
  timezone: string;
  recurrence_rule: string | null;
  recurrence_exceptions: readonly {
    readonly recurrence_id: string;
    readonly changes: Partial<Omit<CalendarEventRow, keyof Common>> | null;
  }[];
  status: 'confirmed' | 'tentative' | 'cancelled';
  visibility: string;
  transparency: string;
  organizer_email: string | null;
  readonly ical_uid: string;
  conference_url: string | null;
  reminder_minutes: readonly number[];
};

/** Without the id, which the model does not foretell of what was imported. */
export type CalendarInvitationRow = Omit<Common, 'id'> & {
  readonly event_id: string;
  invitee_user_id: string | null;
  readonly email: string;
  readonly display_name: string | null;
  readonly role: string;
  response: 'needs_action' | 'accepted' | 'declined' | 'tentative';
  comment: string | null;
  responded_at: string | null;
};

export type TaskLabelRow = Common & { name: string; color: string | null };

export type TaskTagRow = { readonly task_id: string; readonly label_id: string; readonly user_id: string; readonly created_at: string };

type Mailbox = { readonly name: string | null; readonly address: string };

export type EmailDraftRow = Common & {
  in_reply_to_email_id: string | null;
  to_addresses: readonly Mailbox[];
  cc_addresses: readonly Mailbox[];
  bcc_addresses: readonly Mailbox[];
  subject: string | null;
  body_text: string | null;
  body_html: string | null;
  status: 'draft' | 'scheduled' | 'discarded';
  send_at: string | null;
  readonly sent_email_id: null;
  readonly author: 'user' | 'assistant';
};

export type DocumentRow = Common & {
  title: string;
  content: string | null;
  content_type: string;
  language: string | null;
  source_url: string | null;
  status: 'draft' | 'active' | 'archived';
  size_bytes: number;
  sha256: string;
  word_count: number;
  revision_number: number;
};

export type DocumentTagRow = Common & { name: string; color: string | null };

export type DocumentTagAssignmentRow = {
  readonly document_id: string;
  readonly tag_id: string;
  readonly user_id: string;
  readonly created_at: string;
};

export type EmailRow = Common & {
  readonly message_id_header: string | null;
  /** Whose it is, and what it began with: what Daybook makes of that is its own business. */
  readonly thread_id: string;
  readonly in_reply_to: string | null;
  readonly direction: 'inbound' | 'outbound';
  readonly from_address: string;
  readonly from_name: null;
  readonly to_addresses: Json;
  readonly cc_addresses: Json;
  readonly bcc_addresses: Json;
  readonly subject: string | null;
  readonly body_text: string | null;
  readonly body_html: null;
  readonly snippet: string;
  folder: string;
  is_read: boolean;
  is_starred: boolean;
  importance: string;
  labels: readonly string[];
  readonly has_attachments: boolean;
  readonly sent_at: string | null;
  readonly received_at: string | null;
};

/** Without the id, which the model does not foretell, and where the bytes are. */
export type EmailAttachmentRow = Omit<Common, 'id'> & {
  readonly email_id: string;
  readonly filename: string | null;
  readonly content_type: string;
  readonly size_bytes: number;
  readonly content_id: null;
  readonly is_inline: boolean;
  readonly sha256: string;
};

export type RelationshipRow = Common & {
  readonly source_type: string;
  readonly source_id: string;
  readonly target_type: string;
  readonly target_id: string;
  readonly relation_type: string;
  strength: number;
  readonly author: string;
  metadata: Json;
};

export type IntegrationLogRow = Common & {
  readonly integration: string;
  readonly operation: string;
  readonly direction: string;
  readonly status: string;
  readonly http_status: number | null;
  readonly request: Json;
  readonly response: Json;
  readonly error: string | null;
  readonly duration_ms: number | null;
  readonly correlation_id: string | null;
  readonly occurred_at: string;
};

/** Without what the model does not foretell: the id, the words, the place in the log. */
export type ActivityRow = Omit<Common, 'id'> & {
  readonly actor: string;
  readonly activity_type: string;
  readonly entity_type: string;
  readonly entity_id: string;
  readonly occurred_at: string;
};

export type Rows = {
  readonly users: Map<string, UserRow>;
  readonly logins: Map<string, LoginRow>;
  readonly sessions: Map<string, SessionRow>;
  readonly messages: Map<string, MessageRow>;
  readonly llm_requests: Map<string, LlmRequestRow>;
  readonly calendar_events: Map<string, CalendarEventRow>;
  /** By their event and address. */
  readonly calendar_invitations: Map<string, CalendarInvitationRow>;
  readonly task_lists: Map<string, TaskListRow>;
  readonly tasks: Map<string, TaskRow>;
  readonly task_labels: Map<string, TaskLabelRow>;
  readonly task_tags: Map<string, TaskTagRow>;
  readonly email_drafts: Map<string, EmailDraftRow>;
  readonly documents: Map<string, DocumentRow>;
  readonly document_tags: Map<string, DocumentTagRow>;
  readonly document_tag_assignments: Map<string, DocumentTagAssignmentRow>;
  readonly emails: Map<string, EmailRow>;
  email_attachments: EmailAttachmentRow[];
  readonly relationships: Map<string, RelationshipRow>;
  readonly integration_logs: Map<string, IntegrationLogRow>;
  activities: ActivityRow[];
};

export const noRows = (): Rows => ({
  users: new Map(),
  logins: new Map(),
  sessions: new Map(),
  messages: new Map(),
  llm_requests: new Map(),
  calendar_events: new Map(),
  calendar_invitations: new Map(),
  task_lists: new Map(),
  tasks: new Map(),
  task_labels: new Map(),
  task_tags: new Map(),
  email_drafts: new Map(),
  documents: new Map(),
  document_tags: new Map(),
  document_tag_assignments: new Map(),
  emails: new Map(),
  email_attachments: [],
  relationships: new Map(),
  integration_logs: new Map(),
  activities: [],
});

/** What a row gets from the event that makes it. */
export const stamped = (id: string, user_id: string, { at, version }: { at: string; version: number }): Common => ({
  id,
  user_id,
  created_at: at,
  updated_at: at,
  version,
});

/** A change by an event about the row itself. */
export function change<Row extends Omit<Common, 'id'>>(
  row: Row | undefined,
  { at, version }: { at: string; version: number },
  set: Partial<Row>,
): void {
  if (row) Object.assign(row, set, { updated_at: at, version });
}

/** The row, where it is there and this person's. */
export function own<Row extends { readonly user_id: string }>(table: Map<string, Row>, id: string | undefined, user_id: string) {
  const row = id === undefined ? undefined : table.get(id);
  return row?.user_id === user_id ? row : undefined;
}
