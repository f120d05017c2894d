// What goes with what: the parts of what is removed, and what points at it.
import type { Rows } from './rows.ts';

export function removeSession(rows: Rows, id: string): void {
  rows.sessions.delete(id);
  for (const request of rows.llm_requests.values()) if (request.session_id === id) request.session_id = null;
  for (const message of rows.messages.values()) if (message.session_id === id) removeMessage(rows, message.id);
}

export function removeMessage({ messages, llm_requests }: Rows, id: string): void {
  messages.delete(id);
  for (const request of llm_requests.values()) if (request.message_id === id) request.message_id = null;
  for (const answer of messages.values()) if (answer.parent_message_id === id) answer.parent_message_id = null;
}

export function removeTaskList({ task_lists, tasks }: Rows, id: string): void {
  task_lists.delete(id);
  for (const task of tasks.values()) if (task.list_id === id) task.list_id = null;
}

export function removeTask(rows: Rows, id: string): void {
  rows.tasks.delete(id);
  for (const [key, tag] of rows.task_tags) if (tag.task_id === id) rows.task_tags.delete(key);
  for (const task of rows.tasks.values()) if (task.parent_task_id === id) removeTask(rows, task.id);
}

export function removeTaskLabel({ task_labels, task_tags }: Rows, id: string): void {
  task_labels.delete(id);
  for (const [key, tag] of task_tags) if (tag.label_id === id) task_tags.delete(key);
}

export function removeDocument({ documents, document_tag_assignments }: Rows, id: string): void {
  documents.delete(id);
  for (const [key, put] of document_tag_assignments) if (put.document_id === id) document_tag_assignments.delete(key);
}

export function removeDocumentTag({ document_tags, document_tag_assignments }: Rows, id: string): void {
  document_tags.delete(id);
  for (const [key, put] of document_tag_assignments) if (put.tag_id === id) document_tag_assignments.delete(key);
}

export function removeCalendarEvent({ calendar_events, calendar_invitations }: Rows, id: string): void {
  calendar_events.delete(id);
  for (const [key, invitation] of calendar_invitations) if (invitation.event_id === id) calendar_invitations.delete(key);
}

export function removeEmail(rows: Rows, id: string): void {
  rows.emails.delete(id);
  rows.email_attachments = rows.email_attachments.filter((row) => row.email_id !== id);
  for (const draft of rows.email_drafts.values()) if (draft.in_reply_to_email_id === id) draft.in_reply_to_email_id = null;
}

/** All that is a person's but their own row. */
export function removeBelongings(rows: Rows, user_id: string): void {
  const { llm_requests, integration_logs, calendar_invitations } = rows;
  const { logins, sessions, messages, task_lists, tasks, task_labels, task_tags } = rows;
  const { documents, document_tags, document_tag_assignments, calendar_events, emails, email_drafts, relationships } = rows;
  for (const table of [
    logins,
    sessions,
    messages,
    task_lists,
    tasks,
    task_labels,
    task_tags,
    documents,
    document_tags,
    document_tag_assignments,
    calendar_events,
    calendar_invitations,
    emails,
    email_drafts,
    relationships,
    llm_requests,
    integration_logs,
  ]) {
    for (const [key, row] of table) if (row.user_id === user_id) table.delete(key);
  }
  // Who was invited by others is still invited, but nobody's invitation is it any more.
  for (const invitation of calendar_invitations.values()) if (invitation.invitee_user_id === user_id) invitation.invitee_user_id = null;
  rows.email_attachments = rows.email_attachments.filter((row) => row.user_id !== user_id);
  rows.activities = rows.activities.filter((row) => row.user_id !== user_id);
}

/** Whether this is there, and this person's: of persons, only they themselves are. */
export function isEnd(rows: Rows, user_id: string, type: string, id: string): boolean {
  const { users, sessions, messages, emails, email_drafts, calendar_events, documents, tasks, task_lists } = rows;
  if (type === 'user') return id === user_id && users.get(id)?.status !== 'deleted';
  const table = {
    session: sessions,
    message: messages,
    email: emails,
    draft: email_drafts,
    event: calendar_events,
    document: documents,
    task: tasks,
    task_list: task_lists,
  }[type];
  return table?.get(id)?.user_id === user_id;
}

/** A relationship goes with either of its ends. */
export function removeLooseRelationships(rows: Rows): void {
  for (const { id, user_id, source_type, source_id, target_type, target_id } of rows.relationships.values()) {
    if (!isEnd(rows, user_id, source_type, source_id) || !isEnd(rows, user_id, target_type, target_id)) rows.relationships.delete(id);
  }
}
