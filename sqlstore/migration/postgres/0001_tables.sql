-- Times are milliseconds since 1970. {p} is the table prefix.
CREATE TABLE {p}users (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name TEXT NOT NULL,
  name_key TEXT COLLATE "C" NOT NULL UNIQUE,
  display_name TEXT NOT NULL,
  password TEXT NOT NULL,
  created_at BIGINT NOT NULL
);

CREATE TABLE {p}tokens (
  hash BYTEA PRIMARY KEY,
  user_id BIGINT NOT NULL REFERENCES {p}users (id),
  expires_at BIGINT NOT NULL
);

CREATE INDEX {p}tokens_expiry ON {p}tokens (expires_at);

CREATE TABLE {p}messages (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  chat_id TEXT COLLATE "C" NOT NULL,
  sender_id BIGINT NOT NULL,
  receiver_id BIGINT NOT NULL,
  sender_name TEXT NOT NULL,
  receiver_name TEXT NOT NULL,
  content TEXT NOT NULL,
  sent_at BIGINT NOT NULL,
  received_at BIGINT
);

-- One index serves the sender's repetition and the receiver's confirmation.
CREATE UNIQUE INDEX {p}messages_chat ON {p}messages (chat_id, sender_id);

CREATE INDEX {p}messages_pending ON {p}messages (receiver_id, id) WHERE received_at IS NULL;

CREATE INDEX {p}messages_received ON {p}messages (receiver_id, id);

CREATE INDEX {p}messages_pair ON {p}messages (sender_id, receiver_id, id);
