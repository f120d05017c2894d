-- Daybook's read model: what the event log means, as tables one can ask. Ten schemas with twenty tables are what queries
-- read; schema daybook holds the machinery that fills them. Everything here can be dropped and made again from the log,
-- so there are no migrations: a change of this file is a rebuild.
--
-- What may be assumed:
--   * Rows are written by the projector alone. No column has a default: every value was said by an event, and times are
--     the event's own.
--   * Every table has user_id, the person who owns the row, and the last word on who may read it. Every row goes with
--     its owner. Every list is of one owner, so every index for a list begins with user_id (or with a parent that has
--     one owner) and ends with id, which makes its sort key unique for keyset pagination.
--   * version is the revision of the stream that the row comes from (for what shares a stream: of the last event about it).
--   * What is part of a parent goes with it (ON DELETE CASCADE); what only points at something outlives it (SET NULL).
--   * Uniqueness is checked at commit (DEFERRABLE INITIALLY DEFERRED), since a batch of events may swap two names. What is
--     unique whatever its case is so on a stored generated column, for a constraint cannot be on an expression. It folds
--     the case of ASCII alone: what the write side lets through, which folds more, must never be refused here.
--   * Generated columns (…_key, …_rank, active_at, dated_at, search) only serve sorting, uniqueness and search and are no part
--     of a row.
--   * search has each word twice: as it is (simple), for all languages, and without its ending (english). It is without
--     < and >, between which Postgres sees a tag and no words, and cut, for a tsvector takes no more than 1 MiB and an event
--     whose row it refused would be parked.
--   * Limits of length are those of the API. They stop a fault of ours, not a person; text of outside origin has none.
--
-- Runs on PostgreSQL 15 or later with pgvector, and on PGlite.

CREATE EXTENSION IF NOT EXISTS vector;

CREATE SCHEMA daybook;
CREATE SCHEMA users;
CREATE SCHEMA sessions;
CREATE SCHEMA messages;
CREATE SCHEMA emails;
CREATE SCHEMA calendar;
CREATE SCHEMA documents;
CREATE SCHEMA tasks;
CREATE SCHEMA relationships;
CREATE SCHEMA activities;
CREATE SCHEMA integrations;


-- users: who Daybook works for. A deleted person's row stays, without what was personal, as the owner of nothing: it
-- keeps the id from being taken for one that never was.

CREATE TABLE users.users (
  id            uuid        PRIMARY KEY,
  user_id       uuid        NOT NULL CONSTRAINT users_own_themselves CHECK (user_id = id),
  email         text        CONSTRAINT users_email_length CHECK (char_length(email) BETWEEN 3 AND 254),
  email_key     text        COLLATE "C" GENERATED ALWAYS AS (lower(email COLLATE "C")) STORED,
  display_name  text        NOT NULL CONSTRAINT users_display_name_length CHECK (char_length(display_name) BETWEEN 1 AND 200),
  timezone      text        NOT NULL,
  locale        text        NOT NULL,
  preferences   jsonb       NOT NULL CONSTRAINT users_preferences_object CHECK (jsonb_typeof(preferences) = 'object'),
  role          text        NOT NULL CONSTRAINT users_role_enum CHECK (role IN ('user', 'admin')),
  status        text        NOT NULL CONSTRAINT users_status_enum CHECK (status IN ('active', 'suspended', 'deleted')),
  last_login_at timestamptz,
  deleted_at    timestamptz,
  created_at    timestamptz NOT NULL,
  updated_at    timestamptz NOT NULL,
  version       bigint      NOT NULL CONSTRAINT users_version_range CHECK (version >= 0),
  CONSTRAINT users_email_unique UNIQUE (email_key) DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT users_email_until_deleted CHECK ((email IS NULL) = (status = 'deleted')),
  CONSTRAINT users_deleted_at_with_status CHECK ((deleted_at IS NOT NULL) = (status = 'deleted'))
);
CREATE INDEX users_by_created ON users.users (created_at, id);
CREATE INDEX users_by_status ON users.users (status, created_at, id);


-- sessions: conversations between a person and the assistant.

CREATE TABLE sessions.sessions (
  id              uuid        PRIMARY KEY,
  user_id         uuid        NOT NULL REFERENCES users.users (id) ON DELETE CASCADE,
  title           text        CONSTRAINT sessions_title_length CHECK (char_length(title) BETWEEN 1 AND 500),
  channel         text        NOT NULL CONSTRAINT sessions_channel_enum CHECK (channel IN ('web', 'mobile', 'cli', 'voice', 'email', 'api')),
  status          text        NOT NULL CONSTRAINT sessions_status_enum CHECK (status IN ('active', 'archived', 'ended')),
  context         jsonb       NOT NULL CONSTRAINT sessions_context_object CHECK (jsonb_typeof(context) = 'object'),
  message_count   integer     NOT NULL CONSTRAINT sessions_message_count_range CHECK (message_count >= 0),
  last_message_at timestamptz,
  ended_at        timestamptz,
  -- A session without messages is as recent as its beginning.
  active_at       timestamptz GENERATED ALWAYS AS (coalesce(last_message_at, created_at)) STORED,
  created_at      timestamptz NOT NULL,
  updated_at      timestamptz NOT NULL,
  version         bigint      NOT NULL CONSTRAINT sessions_version_range CHECK (version >= 0)
);
CREATE INDEX sessions_by_active ON sessions.sessions (user_id, active_at, id);
CREATE INDEX sessions_by_created ON sessions.sessions (user_id, created_at, id);
CREATE INDEX sessions_by_updated ON sessions.sessions (user_id, updated_at, id);
CREATE INDEX sessions_by_status ON sessions.sessions (user_id, status, active_at, id);
CREATE INDEX sessions_by_channel ON sessions.sessions (user_id, channel, active_at, id);


-- messages: what was said in a session, and the model calls it took.

CREATE TABLE messages.messages (
  id                uuid        PRIMARY KEY,
  user_id           uuid        NOT NULL REFERENCES users.users (id) ON DELETE CASCADE,
  session_id        uuid        NOT NULL REFERENCES sessions.sessions (id) ON DELETE CASCADE,
  parent_message_id uuid        REFERENCES messages.messages (id) ON DELETE SET NULL,
  role              text        NOT NULL CONSTRAINT messages_role_enum CHECK (role IN ('user', 'assistant', 'system', 'tool')),
  content           text        NOT NULL,
  content_type      text        NOT NULL CONSTRAINT messages_content_type_length CHECK (char_length(content_type) BETWEEN 1 AND 200),
  token_count       integer     CONSTRAINT messages_token_count_range CHECK (token_count >= 0),
  metadata          jsonb       NOT NULL CONSTRAINT messages_metadata_object CHECK (jsonb_typeof(metadata) = 'object'),
  edited_at         timestamptz,
  search tsvector GENERATED ALWAYS AS (
    setweight(to_tsvector('english', translate(left(content, 50000), '<>', '  ')) || to_tsvector('simple', translate(left(content, 50000), '<>', '  ')), 'C')
  ) STORED,
  created_at        timestamptz NOT NULL,
  updated_at        timestamptz NOT NULL,
  version           bigint      NOT NULL CONSTRAINT messages_version_range CHECK (version >= 0)
);
CREATE INDEX messages_by_session ON messages.messages (session_id, created_at, id);
CREATE INDEX messages_by_created ON messages.messages (user_id, created_at, id);
CREATE INDEX messages_by_parent ON messages.messages (parent_message_id) WHERE parent_message_id IS NOT NULL;
CREATE INDEX messages_by_words ON messages.messages USING gin (search);

CREATE TABLE messages.llm_requests (
  id                uuid          PRIMARY KEY,
  user_id           uuid          NOT NULL REFERENCES users.users (id) ON DELETE CASCADE,
  session_id        uuid          REFERENCES sessions.sessions (id) ON DELETE SET NULL,
  message_id        uuid          REFERENCES messages.messages (id) ON DELETE SET NULL,
  provider          text          NOT NULL CONSTRAINT llm_requests_provider_length CHECK (char_length(provider) BETWEEN 1 AND 200),
  model             text          NOT NULL CONSTRAINT llm_requests_model_length CHECK (char_length(model) BETWEEN 1 AND 200),
  purpose           text          CONSTRAINT llm_requests_purpose_length CHECK (char_length(purpose) BETWEEN 1 AND 200),
  status            text          NOT NULL CONSTRAINT llm_requests_status_enum CHECK (status IN ('pending', 'succeeded', 'failed', 'cancelled')),
  prompt_tokens     integer       CONSTRAINT llm_requests_prompt_tokens_range CHECK (prompt_tokens >= 0),
  completion_tokens integer       CONSTRAINT llm_requests_completion_tokens_range CHECK (completion_tokens >= 0),
  cost_usd          numeric(12,6) CONSTRAINT llm_requests_cost_usd_range CHECK (cost_usd >= 0),
  latency_ms        integer       CONSTRAINT llm_requests_latency_ms_range CHECK (latency_ms >= 0),
  error             text,
  request           jsonb         CONSTRAINT llm_requests_request_object CHECK (jsonb_typeof(request) = 'object'),
  response          jsonb         CONSTRAINT llm_requests_response_object CHECK (jsonb_typeof(response) = 'object'),
  started_at        timestamptz   NOT NULL,
  completed_at      timestamptz,
  created_at        timestamptz   NOT NULL,
  updated_at        timestamptz   NOT NULL,
  version           bigint        NOT NULL CONSTRAINT llm_requests_version_range CHECK (version >= 0),
  CONSTRAINT llm_requests_completed_unless_pending CHECK ((completed_at IS NULL) = (status = 'pending'))
);
CREATE INDEX llm_requests_by_started ON messages.llm_requests (user_id, started_at, id);
CREATE INDEX llm_requests_by_model ON messages.llm_requests (user_id, model, started_at, id);
CREATE INDEX llm_requests_by_provider ON messages.llm_requests (user_id, provider, started_at, id);
CREATE INDEX llm_requests_by_purpose ON messages.llm_requests (user_id, purpose, started_at, id) WHERE purpose IS NOT NULL;
CREATE INDEX llm_requests_by_status ON messages.llm_requests (user_id, status, started_at, id);
CREATE INDEX llm_requests_by_session ON messages.llm_requests (session_id, started_at, id) WHERE session_id IS NOT NULL;
CREATE INDEX llm_requests_by_message ON messages.llm_requests (message_id, started_at, id) WHERE message_id IS NOT NULL;


-- emails: letters received and sent (RFC 5322), what was attached to them, and drafts. Addresses are JSON arrays of
-- {"name": string or null, "address": string}, in the order of the header.

CREATE TABLE emails.emails (
  id                uuid        PRIMARY KEY,
  user_id           uuid        NOT NULL REFERENCES users.users (id) ON DELETE CASCADE,
  message_id_header text,
  thread_id         uuid        NOT NULL,
  in_reply_to       text,
  direction         text        NOT NULL CONSTRAINT emails_direction_enum CHECK (direction IN ('inbound', 'outbound')),
  from_address      text        NOT NULL,
  from_name         text,
  to_addresses      jsonb       NOT NULL CONSTRAINT emails_to_addresses_array CHECK (jsonb_typeof(to_addresses) = 'array'),
  cc_addresses      jsonb       NOT NULL CONSTRAINT emails_cc_addresses_array CHECK (jsonb_typeof(cc_addresses) = 'array'),
  bcc_addresses     jsonb       NOT NULL CONSTRAINT emails_bcc_addresses_array CHECK (jsonb_typeof(bcc_addresses) = 'array'),
  subject           text,
  body_text         text,
  body_html         text,
  snippet           text        NOT NULL CONSTRAINT emails_snippet_length CHECK (char_length(snippet) <= 500),
  folder            text        NOT NULL CONSTRAINT emails_folder_enum CHECK (folder IN ('inbox', 'sent', 'drafts', 'archive', 'spam', 'trash')),
  is_read           boolean     NOT NULL,
  is_starred        boolean     NOT NULL,
  importance        text        NOT NULL CONSTRAINT emails_importance_enum CHECK (importance IN ('low', 'normal', 'high')),
  labels            text[]      NOT NULL,
  has_attachments   boolean     NOT NULL,
  sent_at           timestamptz,
  received_at       timestamptz,
  -- Letters without a date exist; they are as old as our knowledge of them.
  dated_at          timestamptz GENERATED ALWAYS AS (coalesce(received_at, sent_at, created_at)) STORED,
  search tsvector GENERATED ALWAYS AS (
    setweight(to_tsvector('english', translate(left(coalesce(subject, '') || ' ' || coalesce(from_name, '') || ' ' || from_address, 2000), '<>', '  ')) || to_tsvector('simple', translate(left(coalesce(subject, '') || ' ' || coalesce(from_name, '') || ' ' || from_address, 2000), '<>', '  ')), 'A') ||
    setweight(to_tsvector('english', translate(left(coalesce(body_text, snippet), 50000), '<>', '  ')) || to_tsvector('simple', translate(left(coalesce(body_text, snippet), 50000), '<>', '  ')), 'C')
  ) STORED,
  created_at        timestamptz NOT NULL,
  updated_at        timestamptz NOT NULL,
  version           bigint      NOT NULL CONSTRAINT emails_version_range CHECK (version >= 0)
);
CREATE INDEX emails_by_date ON emails.emails (user_id, dated_at, id);
CREATE INDEX emails_by_folder ON emails.emails (user_id, folder, dated_at, id);
CREATE INDEX emails_unread ON emails.emails (user_id, folder, dated_at, id) WHERE NOT is_read;
CREATE INDEX emails_starred ON emails.emails (user_id, dated_at, id) WHERE is_starred;
CREATE INDEX emails_by_thread ON emails.emails (user_id, thread_id, dated_at, id);
CREATE INDEX emails_by_label ON emails.emails USING gin (labels);
-- Hashes, since a header from outside may be longer than a B-tree entry can be.
CREATE INDEX emails_by_message_id_header ON emails.emails USING hash (message_id_header);
CREATE INDEX emails_by_from_address ON emails.emails USING hash (lower(from_address));
CREATE INDEX emails_by_words ON emails.emails USING gin (search);

CREATE TABLE emails.email_attachments (
  id           uuid        PRIMARY KEY,
  user_id      uuid        NOT NULL REFERENCES users.users (id) ON DELETE CASCADE,
  email_id     uuid        NOT NULL REFERENCES emails.emails (id) ON DELETE CASCADE,
  filename     text,
  content_type text        NOT NULL,
  size_bytes   bigint      NOT NULL CONSTRAINT email_attachments_size_bytes_range CHECK (size_bytes >= 0),
  content_id   text,
  is_inline    boolean     NOT NULL,
  sha256       text        NOT NULL CONSTRAINT email_attachments_sha256_format CHECK (sha256 ~ '^[0-9a-f]{64}$'),
  blob_key     text        NOT NULL,
  created_at   timestamptz NOT NULL,
  updated_at   timestamptz NOT NULL,
  version      bigint      NOT NULL CONSTRAINT email_attachments_version_range CHECK (version >= 0)
);
CREATE INDEX email_attachments_by_email ON emails.email_attachments (email_id, id);
CREATE INDEX email_attachments_by_created ON emails.email_attachments (user_id, created_at, id);

CREATE TABLE emails.email_drafts (
  id                   uuid        PRIMARY KEY,
  user_id              uuid        NOT NULL REFERENCES users.users (id) ON DELETE CASCADE,
  in_reply_to_email_id uuid        REFERENCES emails.emails (id) ON DELETE SET NULL,
  to_addresses         jsonb       NOT NULL CONSTRAINT email_drafts_to_addresses_array CHECK (jsonb_typeof(to_addresses) = 'array'),
  cc_addresses         jsonb       NOT NULL CONSTRAINT email_drafts_cc_addresses_array CHECK (jsonb_typeof(cc_addresses) = 'array'),
  bcc_addresses        jsonb       NOT NULL CONSTRAINT email_drafts_bcc_addresses_array CHECK (jsonb_typeof(bcc_addresses) = 'array'),
  subject              text        CONSTRAINT email_drafts_subject_length CHECK (char_length(subject) <= 998),
  body_text            text,
  body_html            text,
  status               text        NOT NULL CONSTRAINT email_drafts_status_enum
                                   CHECK (status IN ('draft', 'scheduled', 'sending', 'sent', 'failed', 'unknown', 'discarded')),
  send_at              timestamptz,
  sent_email_id        uuid        REFERENCES emails.emails (id) ON DELETE SET NULL,
  author               text        NOT NULL CONSTRAINT email_drafts_author_enum CHECK (author IN ('user', 'assistant')),
  created_at           timestamptz NOT NULL,
  updated_at           timestamptz NOT NULL,
  version              bigint      NOT NULL CONSTRAINT email_drafts_version_range CHECK (version >= 0),
  CONSTRAINT email_drafts_scheduled_for_a_time CHECK (status <> 'scheduled' OR send_at IS NOT NULL)
);
CREATE INDEX email_drafts_by_updated ON emails.email_drafts (user_id, updated_at, id);
CREATE INDEX email_drafts_by_created ON emails.email_drafts (user_id, created_at, id);
CREATE INDEX email_drafts_by_status ON emails.email_drafts (user_id, status, updated_at, id);
CREATE INDEX email_drafts_due ON emails.email_drafts (send_at, id) WHERE status = 'scheduled';
CREATE INDEX email_drafts_sending ON emails.email_drafts (updated_at, id) WHERE status = 'sending';
CREATE INDEX email_drafts_by_in_reply_to ON emails.email_drafts (in_reply_to_email_id) WHERE in_reply_to_email_id IS NOT NULL;
CREATE INDEX email_drafts_by_sent_email ON emails.email_drafts (sent_email_id) WHERE sent_email_id IS NOT NULL;


-- calendar: events and who is invited to them (RFC 5545). A recurring event is one row with its rule; occurrences are
-- expanded when asked for. Exceptions are a JSON array of {"recurrence_id": instant, "changes": object or null}, where
-- null means that this occurrence does not take place.

CREATE TABLE calendar.calendar_events (
  id                    uuid        PRIMARY KEY,
  user_id               uuid        NOT NULL REFERENCES users.users (id) ON DELETE CASCADE,
  title                 text        NOT NULL CONSTRAINT calendar_events_title_length CHECK (char_length(title) BETWEEN 1 AND 500),
  description           text,
  location              text,
  starts_at             timestamptz NOT NULL,
  ends_at               timestamptz NOT NULL,
  all_day               boolean     NOT NULL,
  timezone              text        NOT NULL,
  recurrence_rule       text,
  recurrence_exceptions jsonb       NOT NULL CONSTRAINT calendar_events_recurrence_exceptions_array CHECK (jsonb_typeof(recurrence_exceptions) = 'array'),
  status                text        NOT NULL CONSTRAINT calendar_events_status_enum CHECK (status IN ('confirmed', 'tentative', 'cancelled')),
  visibility            text        NOT NULL CONSTRAINT calendar_events_visibility_enum CHECK (visibility IN ('public', 'private', 'confidential')),
  transparency          text        NOT NULL CONSTRAINT calendar_events_transparency_enum CHECK (transparency IN ('opaque', 'transparent')),
  organizer_email       text,
  ical_uid              text        NOT NULL,
  conference_url        text,
  reminder_minutes      integer[]   NOT NULL,
  search tsvector GENERATED ALWAYS AS (
    setweight(to_tsvector('english', translate(title, '<>', '  ')) || to_tsvector('simple', translate(title, '<>', '  ')), 'A') ||
    setweight(to_tsvector('english', translate(left(coalesce(description, '') || ' ' || coalesce(location, ''), 50000), '<>', '  ')) || to_tsvector('simple', translate(left(coalesce(description, '') || ' ' || coalesce(location, ''), 50000), '<>', '  ')), 'C')
  ) STORED,
  created_at            timestamptz NOT NULL,
  updated_at            timestamptz NOT NULL,
  version               bigint      NOT NULL CONSTRAINT calendar_events_version_range CHECK (version >= 0),
  CONSTRAINT calendar_events_end_after_start CHECK (ends_at >= starts_at)
);
CREATE INDEX calendar_events_by_start ON calendar.calendar_events (user_id, starts_at, id);
CREATE INDEX calendar_events_by_end ON calendar.calendar_events (user_id, ends_at, id);
CREATE INDEX calendar_events_recurring ON calendar.calendar_events (user_id, starts_at, id) WHERE recurrence_rule IS NOT NULL;
CREATE INDEX calendar_events_to_remind ON calendar.calendar_events (starts_at, id)
  WHERE recurrence_rule IS NULL AND cardinality(reminder_minutes) > 0 AND status <> 'cancelled';
CREATE INDEX calendar_events_by_ical_uid ON calendar.calendar_events USING hash (ical_uid);
CREATE INDEX calendar_events_by_words ON calendar.calendar_events USING gin (search);

CREATE TABLE calendar.calendar_invitations (
  id              uuid        PRIMARY KEY,
  user_id         uuid        NOT NULL REFERENCES users.users (id) ON DELETE CASCADE,
  event_id        uuid        NOT NULL REFERENCES calendar.calendar_events (id) ON DELETE CASCADE,
  invitee_user_id uuid        REFERENCES users.users (id) ON DELETE SET NULL,
  email           text        NOT NULL CONSTRAINT calendar_invitations_email_length CHECK (char_length(email) BETWEEN 3 AND 254),
  email_key       text        COLLATE "C" GENERATED ALWAYS AS (lower(email COLLATE "C")) STORED,
  display_name    text        CONSTRAINT calendar_invitations_display_name_length CHECK (char_length(display_name) BETWEEN 1 AND 200),
  role            text        NOT NULL CONSTRAINT calendar_invitations_role_enum CHECK (role IN ('chair', 'required', 'optional', 'informational')),
  response        text        NOT NULL CONSTRAINT calendar_invitations_response_enum
                              CHECK (response IN ('needs_action', 'accepted', 'declined', 'tentative')),
  comment         text,
  responded_at    timestamptz,
  created_at      timestamptz NOT NULL,
  updated_at      timestamptz NOT NULL,
  version         bigint      NOT NULL CONSTRAINT calendar_invitations_version_range CHECK (version >= 0),
  CONSTRAINT calendar_invitations_email_unique UNIQUE (event_id, email_key) DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX calendar_invitations_by_event ON calendar.calendar_invitations (event_id, created_at, id);
CREATE INDEX calendar_invitations_by_owner ON calendar.calendar_invitations (user_id, created_at, id);
CREATE INDEX calendar_invitations_by_invitee ON calendar.calendar_invitations (invitee_user_id, created_at, id) WHERE invitee_user_id IS NOT NULL;


-- documents: texts and files, with tags. content is the text, given or extracted; the bytes of a file are in the blob
-- store under their sha256.

CREATE TABLE documents.documents (
  id              uuid        PRIMARY KEY,
  user_id         uuid        NOT NULL REFERENCES users.users (id) ON DELETE CASCADE,
  title           text        NOT NULL CONSTRAINT documents_title_length CHECK (char_length(title) BETWEEN 1 AND 500),
  content         text,
  content_type    text        NOT NULL CONSTRAINT documents_content_type_length CHECK (char_length(content_type) BETWEEN 1 AND 200),
  language        text,
  source_url      text,
  status          text        NOT NULL CONSTRAINT documents_status_enum CHECK (status IN ('draft', 'active', 'archived')),
  size_bytes      bigint      NOT NULL CONSTRAINT documents_size_bytes_range CHECK (size_bytes >= 0),
  sha256          text        NOT NULL CONSTRAINT documents_sha256_format CHECK (sha256 ~ '^[0-9a-f]{64}$'),
  word_count      integer     NOT NULL CONSTRAINT documents_word_count_range CHECK (word_count >= 0),
  revision_number integer     NOT NULL CONSTRAINT documents_revision_number_range CHECK (revision_number >= 1),
  search tsvector GENERATED ALWAYS AS (
    setweight(to_tsvector('english', translate(title, '<>', '  ')) || to_tsvector('simple', translate(title, '<>', '  ')), 'A') ||
    setweight(to_tsvector('english', translate(left(coalesce(content, ''), 50000), '<>', '  ')) || to_tsvector('simple', translate(left(coalesce(content, ''), 50000), '<>', '  ')), 'C')
  ) STORED,
  created_at      timestamptz NOT NULL,
  updated_at      timestamptz NOT NULL,
  version         bigint      NOT NULL CONSTRAINT documents_version_range CHECK (version >= 0)
);
CREATE INDEX documents_by_updated ON documents.documents (user_id, updated_at, id);
CREATE INDEX documents_by_created ON documents.documents (user_id, created_at, id);
CREATE INDEX documents_by_status ON documents.documents (user_id, status, updated_at, id);
CREATE INDEX documents_by_content_type ON documents.documents (user_id, content_type, updated_at, id);
CREATE INDEX documents_by_language ON documents.documents (user_id, language, updated_at, id) WHERE language IS NOT NULL;
CREATE INDEX documents_by_words ON documents.documents USING gin (search);

CREATE TABLE documents.document_tags (
  id         uuid        PRIMARY KEY,
  user_id    uuid        NOT NULL REFERENCES users.users (id) ON DELETE CASCADE,
  name       text        NOT NULL CONSTRAINT document_tags_name_length CHECK (char_length(name) BETWEEN 1 AND 200),
  name_key   text        COLLATE "C" GENERATED ALWAYS AS (lower(name COLLATE "C")) STORED,
  color      text        CONSTRAINT document_tags_color_format CHECK (color ~ '^#[0-9a-f]{6}$'),
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  version    bigint      NOT NULL CONSTRAINT document_tags_version_range CHECK (version >= 0),
  CONSTRAINT document_tags_name_unique UNIQUE (user_id, name_key) DEFERRABLE INITIALLY DEFERRED
);

CREATE TABLE documents.document_tag_assignments (
  document_id uuid        NOT NULL REFERENCES documents.documents (id) ON DELETE CASCADE,
  tag_id      uuid        NOT NULL REFERENCES documents.document_tags (id) ON DELETE CASCADE,
  user_id     uuid        NOT NULL REFERENCES users.users (id) ON DELETE CASCADE,
  created_at  timestamptz NOT NULL,
  PRIMARY KEY (document_id, tag_id)
);
CREATE INDEX document_tag_assignments_by_tag ON documents.document_tag_assignments (tag_id, document_id);
CREATE INDEX document_tag_assignments_by_owner ON documents.document_tag_assignments (user_id);


-- tasks: lists, what is to be done, and labels. position orders by hand; what is moved between two others gets a
-- number between theirs, which is why it is not an integer.

CREATE TABLE tasks.task_lists (
  id          uuid             PRIMARY KEY,
  user_id     uuid             NOT NULL REFERENCES users.users (id) ON DELETE CASCADE,
  name        text             NOT NULL CONSTRAINT task_lists_name_length CHECK (char_length(name) BETWEEN 1 AND 200),
  description text,
  color       text             CONSTRAINT task_lists_color_format CHECK (color ~ '^#[0-9a-f]{6}$'),
  position    double precision NOT NULL CONSTRAINT task_lists_position_finite CHECK (position BETWEEN -1e300 AND 1e300),
  is_default  boolean          NOT NULL,
  archived_at timestamptz,
  created_at  timestamptz      NOT NULL,
  updated_at  timestamptz      NOT NULL,
  version     bigint           NOT NULL CONSTRAINT task_lists_version_range CHECK (version >= 0)
);
CREATE INDEX task_lists_by_position ON tasks.task_lists (user_id, position, id);
CREATE INDEX task_lists_by_created ON tasks.task_lists (user_id, created_at, id);

CREATE TABLE tasks.tasks (
  id               uuid             PRIMARY KEY,
  user_id          uuid             NOT NULL REFERENCES users.users (id) ON DELETE CASCADE,
  list_id          uuid             REFERENCES tasks.task_lists (id) ON DELETE SET NULL,
  parent_task_id   uuid             REFERENCES tasks.tasks (id) ON DELETE CASCADE,
  title            text             NOT NULL CONSTRAINT tasks_title_length CHECK (char_length(title) BETWEEN 1 AND 500),
  description      text,
  status           text             NOT NULL CONSTRAINT tasks_status_enum CHECK (status IN ('todo', 'in_progress', 'blocked', 'done', 'cancelled')),
  priority         text             NOT NULL CONSTRAINT tasks_priority_enum CHECK (priority IN ('none', 'low', 'medium', 'high', 'urgent')),
  priority_rank    smallint         GENERATED ALWAYS AS (
                                      CASE priority WHEN 'none' THEN 0 WHEN 'low' THEN 1 WHEN 'medium' THEN 2 WHEN 'high' THEN 3 ELSE 4 END
                                    ) STORED,
  start_at         timestamptz,
  due_at           timestamptz,
  -- What has no due time comes after all that has one.
  due_key          timestamptz      GENERATED ALWAYS AS (coalesce(due_at, timestamptz 'infinity')) STORED,
  remind_at        timestamptz,
  reminded_at      timestamptz,
  estimate_minutes integer          CONSTRAINT tasks_estimate_minutes_range CHECK (estimate_minutes >= 0),
  recurrence_rule  text,
  position         double precision NOT NULL CONSTRAINT tasks_position_finite CHECK (position BETWEEN -1e300 AND 1e300),
  completed_at     timestamptz,
  -- Where the task came from stays said when that is gone, so it is no foreign key.
  source_type      text             CONSTRAINT tasks_source_type_enum CHECK (source_type IN ('message', 'email')),
  source_id        uuid,
  search tsvector GENERATED ALWAYS AS (
    setweight(to_tsvector('english', translate(title, '<>', '  ')) || to_tsvector('simple', translate(title, '<>', '  ')), 'A') ||
    setweight(to_tsvector('english', translate(left(coalesce(description, ''), 50000), '<>', '  ')) || to_tsvector('simple', translate(left(coalesce(description, ''), 50000), '<>', '  ')), 'C')
  ) STORED,
  created_at       timestamptz      NOT NULL,
  updated_at       timestamptz      NOT NULL,
  version          bigint           NOT NULL CONSTRAINT tasks_version_range CHECK (version >= 0),
  CONSTRAINT tasks_source_whole CHECK ((source_type IS NULL) = (source_id IS NULL)),
  CONSTRAINT tasks_completed_when_done CHECK ((completed_at IS NOT NULL) = (status = 'done')),
  CONSTRAINT tasks_not_their_own_parent CHECK (parent_task_id <> id)
);
CREATE INDEX tasks_by_created ON tasks.tasks (user_id, created_at, id);
CREATE INDEX tasks_by_updated ON tasks.tasks (user_id, updated_at, id);
CREATE INDEX tasks_by_due ON tasks.tasks (user_id, due_key, id);
CREATE INDEX tasks_by_priority ON tasks.tasks (user_id, priority_rank, id);
CREATE INDEX tasks_of_priority ON tasks.tasks (user_id, priority, position, id);
CREATE INDEX tasks_by_position ON tasks.tasks (user_id, position, id);
CREATE INDEX tasks_by_status ON tasks.tasks (user_id, status, due_key, id);
CREATE INDEX tasks_by_list ON tasks.tasks (list_id, position, id) WHERE list_id IS NOT NULL;
CREATE INDEX tasks_by_parent ON tasks.tasks (parent_task_id, position, id) WHERE parent_task_id IS NOT NULL;
CREATE INDEX tasks_by_source ON tasks.tasks (source_id) WHERE source_id IS NOT NULL;
CREATE INDEX tasks_to_remind ON tasks.tasks (remind_at, id)
  WHERE remind_at IS NOT NULL AND reminded_at IS NULL AND status IN ('todo', 'in_progress', 'blocked');
CREATE INDEX tasks_by_words ON tasks.tasks USING gin (search);

CREATE TABLE tasks.task_labels (
  id         uuid        PRIMARY KEY,
  user_id    uuid        NOT NULL REFERENCES users.users (id) ON DELETE CASCADE,
  name       text        NOT NULL CONSTRAINT task_labels_name_length CHECK (char_length(name) BETWEEN 1 AND 200),
  name_key   text        COLLATE "C" GENERATED ALWAYS AS (lower(name COLLATE "C")) STORED,
  color      text        CONSTRAINT task_labels_color_format CHECK (color ~ '^#[0-9a-f]{6}$'),
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  version    bigint      NOT NULL CONSTRAINT task_labels_version_range CHECK (version >= 0),
  CONSTRAINT task_labels_name_unique UNIQUE (user_id, name_key) DEFERRABLE INITIALLY DEFERRED
);

CREATE TABLE tasks.task_tags (
  task_id    uuid        NOT NULL REFERENCES tasks.tasks (id) ON DELETE CASCADE,
  label_id   uuid        NOT NULL REFERENCES tasks.task_labels (id) ON DELETE CASCADE,
  user_id    uuid        NOT NULL REFERENCES users.users (id) ON DELETE CASCADE,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (task_id, label_id)
);
CREATE INDEX task_tags_by_label ON tasks.task_tags (label_id, task_id);
CREATE INDEX task_tags_by_owner ON tasks.task_tags (user_id);


-- relationships: what has to do with what, and what it means (embeddings). Both point at entities of nine kinds, which
-- no foreign key can; the triggers below do what one would.

CREATE TABLE relationships.relationships (
  id            uuid             PRIMARY KEY,
  user_id       uuid             NOT NULL REFERENCES users.users (id) ON DELETE CASCADE,
  source_type   text             NOT NULL CONSTRAINT relationships_source_type_enum
                                 CHECK (source_type IN ('user', 'session', 'message', 'email', 'draft', 'event', 'document', 'task', 'task_list')),
  source_id     uuid             NOT NULL,
  target_type   text             NOT NULL CONSTRAINT relationships_target_type_enum
                                 CHECK (target_type IN ('user', 'session', 'message', 'email', 'draft', 'event', 'document', 'task', 'task_list')),
  target_id     uuid             NOT NULL,
  relation_type text             NOT NULL CONSTRAINT relationships_relation_type_length CHECK (char_length(relation_type) BETWEEN 1 AND 100),
  strength      double precision NOT NULL CONSTRAINT relationships_strength_range CHECK (strength BETWEEN 0 AND 1),
  author        text             NOT NULL CONSTRAINT relationships_author_enum CHECK (author IN ('user', 'assistant', 'system')),
  metadata      jsonb            NOT NULL CONSTRAINT relationships_metadata_object CHECK (jsonb_typeof(metadata) = 'object'),
  created_at    timestamptz      NOT NULL,
  updated_at    timestamptz      NOT NULL,
  version       bigint           NOT NULL CONSTRAINT relationships_version_range CHECK (version >= 0),
  CONSTRAINT relationships_unique UNIQUE (user_id, source_id, source_type, target_id, target_type, relation_type) DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT relationships_between_two CHECK ((source_type, source_id) <> (target_type, target_id))
);
CREATE INDEX relationships_by_target ON relationships.relationships (user_id, target_id, target_type, id);
CREATE INDEX relationships_by_created ON relationships.relationships (user_id, created_at, id);
CREATE INDEX relationships_by_source_type ON relationships.relationships (user_id, source_type, created_at, id);
CREATE INDEX relationships_by_target_type ON relationships.relationships (user_id, target_type, created_at, id);
CREATE INDEX relationships_by_relation_type ON relationships.relationships (user_id, relation_type, created_at, id);
CREATE INDEX relationships_by_author ON relationships.relationships (user_id, author, created_at, id);

CREATE TABLE relationships.entity_embeddings (
  id             uuid        PRIMARY KEY,
  user_id        uuid        NOT NULL REFERENCES users.users (id) ON DELETE CASCADE,
  entity_type    text        NOT NULL CONSTRAINT entity_embeddings_entity_type_enum
                             CHECK (entity_type IN ('user', 'session', 'message', 'email', 'draft', 'event', 'document', 'task', 'task_list')),
  entity_id      uuid        NOT NULL,
  chunk_index    integer     NOT NULL CONSTRAINT entity_embeddings_chunk_index_range CHECK (chunk_index >= 0),
  content        text        NOT NULL,
  content_sha256 text        NOT NULL CONSTRAINT entity_embeddings_content_sha256_format CHECK (content_sha256 ~ '^[0-9a-f]{64}$'),
  model          text        NOT NULL CONSTRAINT entity_embeddings_model_length CHECK (char_length(model) BETWEEN 1 AND 200),
  dimensions     integer     NOT NULL,
  -- Without a fixed length, so that two models can lie side by side while one replaces the other.
  embedding      vector      NOT NULL,
  created_at     timestamptz NOT NULL,
  updated_at     timestamptz NOT NULL,
  version        bigint      NOT NULL CONSTRAINT entity_embeddings_version_range CHECK (version >= 0),
  CONSTRAINT entity_embeddings_unique UNIQUE (entity_type, entity_id, model, chunk_index) DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT entity_embeddings_dimensions_true CHECK (dimensions = vector_dims(embedding))
-- Vectors of up to some 1,700 numbers stay in their rows, for a search reads all of a person's.
) WITH (toast_tuple_target = 8160);
CREATE INDEX entity_embeddings_by_owner ON relationships.entity_embeddings (user_id, entity_type, id);

-- All that can be related, each with what a person calls it. What begins with hundreds of kilobytes is cut before it is tidied.
CREATE VIEW relationships.entities AS
  SELECT user_id, 'user' AS type, id, display_name AS title FROM users.users WHERE status <> 'deleted'
  UNION ALL SELECT user_id, 'session', id, title FROM sessions.sessions
  UNION ALL SELECT user_id, 'message', id, left(btrim(regexp_replace(left(content, 400), '\s+', ' ', 'g')), 100) FROM messages.messages
  UNION ALL SELECT user_id, 'email', id, subject FROM emails.emails
  UNION ALL SELECT user_id, 'draft', id, subject FROM emails.email_drafts
  UNION ALL SELECT user_id, 'event', id, title FROM calendar.calendar_events
  UNION ALL SELECT user_id, 'document', id, title FROM documents.documents
  UNION ALL SELECT user_id, 'task', id, title FROM tasks.tasks
  UNION ALL SELECT user_id, 'task_list', id, name FROM tasks.task_lists;

-- All that can be searched. What happened when: an event when it begins, a letter when it came or went, a document when it
-- changed last.
CREATE VIEW relationships.searchable AS
  SELECT user_id, 'message' AS type, id, left(btrim(regexp_replace(left(content, 400), '\s+', ' ', 'g')), 100) AS title,
    content AS body, created_at AS occurred_at, search FROM messages.messages
  UNION ALL SELECT user_id, 'email', id, subject, coalesce(body_text, snippet), dated_at, search FROM emails.emails
  UNION ALL SELECT user_id, 'event', id, title, concat_ws(E'\n', location, description), starts_at, search FROM calendar.calendar_events
  UNION ALL SELECT user_id, 'document', id, title, coalesce(content, ''), updated_at, search FROM documents.documents
  UNION ALL SELECT user_id, 'task', id, title, coalesce(description, ''), created_at, search FROM tasks.tasks;

-- An end can be deleted while a relationship of it is being established. As a foreign key would, and like all that is
-- projected, such a row comes to nothing.
CREATE FUNCTION relationships.forget_loose_ends() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format(
    'DELETE FROM %1$I.relationships r USING made m WHERE r.id = m.id AND NOT (
       EXISTS (SELECT FROM %1$I.entities e WHERE e.user_id = m.user_id AND e.type = m.source_type AND e.id = m.source_id) AND
       EXISTS (SELECT FROM %1$I.entities e WHERE e.user_id = m.user_id AND e.type = m.target_type AND e.id = m.target_id))',
    TG_TABLE_SCHEMA);
  RETURN NULL;
END
$$;
CREATE TRIGGER forget_loose_ends AFTER INSERT ON relationships.relationships
  REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION relationships.forget_loose_ends();

-- Called with the entity type for rows that are gone, also by a cascade. The tables it cleans are those in its own
-- schema, whatever that is called at the moment: a rebuild makes all of this under other names and renames it at the end.
CREATE FUNCTION relationships.forget_entities() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  home regnamespace;
BEGIN
  SELECT p.pronamespace INTO home
  FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid
  WHERE t.tgrelid = TG_RELID AND t.tgname = TG_NAME;

  EXECUTE format('DELETE FROM %s.relationships r USING gone g WHERE r.user_id = g.user_id AND r.source_type = $1 AND r.source_id = g.id', home)
    USING TG_ARGV[0];
  EXECUTE format('DELETE FROM %s.relationships r USING gone g WHERE r.user_id = g.user_id AND r.target_type = $1 AND r.target_id = g.id', home)
    USING TG_ARGV[0];
  EXECUTE format('DELETE FROM %s.entity_embeddings e USING gone g WHERE e.entity_type = $1 AND e.entity_id = g.id', home)
    USING TG_ARGV[0];
  RETURN NULL;
END
$$;

CREATE TRIGGER forget_users AFTER DELETE ON users.users
  REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION relationships.forget_entities('user');
CREATE TRIGGER forget_sessions AFTER DELETE ON sessions.sessions
  REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION relationships.forget_entities('session');
CREATE TRIGGER forget_messages AFTER DELETE ON messages.messages
  REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION relationships.forget_entities('message');
CREATE TRIGGER forget_emails AFTER DELETE ON emails.emails
  REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION relationships.forget_entities('email');
CREATE TRIGGER forget_email_drafts AFTER DELETE ON emails.email_drafts
  REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION relationships.forget_entities('draft');
CREATE TRIGGER forget_calendar_events AFTER DELETE ON calendar.calendar_events
  REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION relationships.forget_entities('event');
CREATE TRIGGER forget_documents AFTER DELETE ON documents.documents
  REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION relationships.forget_entities('document');
CREATE TRIGGER forget_tasks AFTER DELETE ON tasks.tasks
  REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION relationships.forget_entities('task');
CREATE TRIGGER forget_task_lists AFTER DELETE ON tasks.task_lists
  REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION relationships.forget_entities('task_list');


-- activities: every event a person would recognise, as a sentence. They tell of what is gone as well, so they point at
-- their entity without a foreign key, and at kinds that nothing else points at (a label, a login).

CREATE TABLE activities.activities (
  id            uuid        PRIMARY KEY,
  user_id       uuid        NOT NULL REFERENCES users.users (id) ON DELETE CASCADE,
  actor         text        NOT NULL CONSTRAINT activities_actor_enum CHECK (actor IN ('user', 'assistant', 'system', 'integration')),
  activity_type text        NOT NULL CONSTRAINT activities_activity_type_length CHECK (char_length(activity_type) BETWEEN 1 AND 200),
  entity_type   text        NOT NULL CONSTRAINT activities_entity_type_format CHECK (entity_type ~ '^[a-z][a-z_]{0,62}$'),
  entity_id     uuid        NOT NULL,
  summary       text        NOT NULL,
  details       jsonb       NOT NULL CONSTRAINT activities_details_object CHECK (jsonb_typeof(details) = 'object'),
  occurred_at   timestamptz NOT NULL,
  log_position  bigint      NOT NULL CONSTRAINT activities_log_position_range CHECK (log_position >= 0),
  created_at    timestamptz NOT NULL,
  updated_at    timestamptz NOT NULL,
  version       bigint      NOT NULL CONSTRAINT activities_version_range CHECK (version >= 0)
);
CREATE INDEX activities_by_occurred ON activities.activities (user_id, occurred_at, id);
CREATE INDEX activities_by_position ON activities.activities (user_id, log_position, id);
CREATE INDEX activities_by_entity ON activities.activities (user_id, entity_type, entity_id, log_position, id);
CREATE INDEX activities_by_type ON activities.activities (user_id, activity_type, log_position, id);


-- integrations: what was asked of the outside, and by it, and how that went.

CREATE TABLE integrations.integration_logs (
  id             uuid        PRIMARY KEY,
  user_id        uuid        NOT NULL REFERENCES users.users (id) ON DELETE CASCADE,
  integration    text        NOT NULL CONSTRAINT integration_logs_integration_length CHECK (char_length(integration) BETWEEN 1 AND 200),
  operation      text        NOT NULL CONSTRAINT integration_logs_operation_length CHECK (char_length(operation) BETWEEN 1 AND 200),
  direction      text        NOT NULL CONSTRAINT integration_logs_direction_enum CHECK (direction IN ('inbound', 'outbound')),
  status         text        NOT NULL CONSTRAINT integration_logs_status_enum CHECK (status IN ('succeeded', 'failed', 'retried', 'skipped')),
  http_status    integer     CONSTRAINT integration_logs_http_status_range CHECK (http_status BETWEEN 100 AND 599),
  request        jsonb       CONSTRAINT integration_logs_request_object CHECK (jsonb_typeof(request) = 'object'),
  response       jsonb       CONSTRAINT integration_logs_response_object CHECK (jsonb_typeof(response) = 'object'),
  error          text,
  duration_ms    integer     CONSTRAINT integration_logs_duration_ms_range CHECK (duration_ms >= 0),
  correlation_id text        CONSTRAINT integration_logs_correlation_id_length CHECK (char_length(correlation_id) BETWEEN 1 AND 200),
  occurred_at    timestamptz NOT NULL,
  created_at     timestamptz NOT NULL,
  updated_at     timestamptz NOT NULL,
  version        bigint      NOT NULL CONSTRAINT integration_logs_version_range CHECK (version >= 0)
);
CREATE INDEX integration_logs_by_occurred ON integrations.integration_logs (user_id, occurred_at, id);
CREATE INDEX integration_logs_by_integration ON integrations.integration_logs (user_id, integration, occurred_at, id);
CREATE INDEX integration_logs_by_operation ON integrations.integration_logs (user_id, operation, occurred_at, id);
CREATE INDEX integration_logs_by_direction ON integrations.integration_logs (user_id, direction, occurred_at, id);
CREATE INDEX integration_logs_by_status ON integrations.integration_logs (user_id, status, occurred_at, id);
CREATE INDEX integration_logs_by_correlation ON integrations.integration_logs (user_id, correlation_id) WHERE correlation_id IS NOT NULL;


-- daybook: the machinery's own. Which read model this is, how far each projector has read, what it could not read, and
-- the logins that are alive.

-- One row: the hash of this file and of the projections' versions, and the log that the rows come from.
CREATE TABLE daybook.read_model (
  version    text        NOT NULL,
  log_id     uuid        NOT NULL,
  created_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX read_model_has_one_row ON daybook.read_model ((true));

-- A projector moves its checkpoint on in the transaction that writes the rows, and only where the row still says what it
-- read before: so of two projectors one can move on. A position of null is the start of the log. The build tells one read
-- model from the next of the same version, which may lie at the same position; nothing moves one that is paused.
CREATE TABLE daybook.checkpoints (
  name          text        PRIMARY KEY,
  position      bigint,
  event_id      uuid,
  log_id        uuid        NOT NULL,
  model_version text        NOT NULL,
  build_id      uuid        NOT NULL,
  paused_at     timestamptz,
  -- Of a read model: it never takes the place of the one that serves.
  is_to_compare boolean,
  updated_at    timestamptz NOT NULL,
  CONSTRAINT checkpoints_event_at_position CHECK ((position IS NULL) = (event_id IS NULL))
);

-- Events that could not be read or broke a check, and the later ones of their streams. The cure is a fix and a rebuild.
CREATE TABLE daybook.parked_events (
  position   bigint      PRIMARY KEY,
  stream     text        NOT NULL,
  revision   bigint      NOT NULL,
  event_type text        NOT NULL,
  event_id   uuid        NOT NULL,
  error      text        NOT NULL,
  parked_at  timestamptz NOT NULL
);
CREATE INDEX parked_events_by_stream ON daybook.parked_events (stream, revision);

-- Families of refresh tokens that can still be used. What ends a login removes its row.
CREATE TABLE daybook.logins (
  id           uuid        PRIMARY KEY,
  user_id      uuid        NOT NULL REFERENCES users.users (id) ON DELETE CASCADE,
  actor        text        NOT NULL CONSTRAINT logins_actor_enum CHECK (actor IN ('user', 'assistant')),
  user_agent   text,
  last_used_at timestamptz NOT NULL,
  expires_at   timestamptz NOT NULL,
  created_at   timestamptz NOT NULL,
  updated_at   timestamptz NOT NULL,
  version      bigint      NOT NULL CONSTRAINT logins_version_range CHECK (version >= 0)
);
CREATE INDEX logins_by_created ON daybook.logins (user_id, created_at, id);
CREATE INDEX logins_by_expiry ON daybook.logins (expires_at, id);
