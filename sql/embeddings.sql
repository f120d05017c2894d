-- What embeddings need beside the read model, in a schema of its own: a rebuild makes the read model anew and leaves this alone.
-- It can be dropped, too, and is when this file has changed; then vectors are computed once more.
--
-- What may be assumed: vectors are of one person's text and go with that person, for a vector tells of its text.

CREATE SCHEMA embeddings;

-- The models whose vectors there are. The one that was wanted last is to replace the others, and they go when it is complete:
-- when everything has been embedded with it.
CREATE TABLE embeddings.models (
  name        text        PRIMARY KEY,
  -- Known with its first vector.
  dimensions  integer,
  wanted_at   timestamptz NOT NULL,
  complete_at timestamptz,
  -- Since when it is held where it is.
  paused_at   timestamptz,
  -- Who embeds with it, and until when nobody else does.
  held_by     uuid,
  held_until  timestamptz
);

-- Every vector that is in use, by the text it is of (SHA-256 of the chunk).
CREATE TABLE embeddings.vectors (
  user_id        uuid   NOT NULL,
  model          text   NOT NULL,
  content_sha256 text   NOT NULL,
  embedding      vector NOT NULL,
  PRIMARY KEY (user_id, model, content_sha256)
);

-- What a model would not take, for whatever is in it. It is tried again, ever more rarely.
CREATE TABLE embeddings.set_aside (
  model       text        NOT NULL,
  entity_type text        NOT NULL,
  entity_id   uuid        NOT NULL,
  -- Of the last event about it.
  version     bigint      NOT NULL,
  at          timestamptz NOT NULL,
  failures    integer     NOT NULL,
  not_before  timestamptz NOT NULL,
  error       text        NOT NULL,
  PRIMARY KEY (model, entity_type, entity_id)
);
