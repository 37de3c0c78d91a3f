-- Times are milliseconds since 1970. {p} is the table prefix.
CREATE TABLE {p}users (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  name_key TEXT NOT NULL UNIQUE,
  display_name TEXT NOT NULL,
  password TEXT NOT NULL,
  created_at INTEGER NOT NULL
);

CREATE TABLE {p}tokens (
  hash BLOB PRIMARY KEY,
  user_id INTEGER NOT NULL REFERENCES {p}users (id),
  expires_at INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX {p}tokens_expiry ON {p}tokens (expires_at);

CREATE TABLE {p}messages (
  id INTEGER PRIMARY KEY,
  chat_key INTEGER NOT NULL,
  chat_id TEXT NOT NULL,
  sender_id INTEGER NOT NULL,
  receiver_id INTEGER NOT NULL,
  sender_name TEXT NOT NULL,
  receiver_name TEXT NOT NULL,
  content TEXT NOT NULL,
  sent_at INTEGER NOT NULL,
  received_at INTEGER
);

-- One index serves the sender's repetition and the receiver's confirmation.
-- chat_key is 64 bits of a hash of chat_id: a third of its size, so three times
-- as many of these entries, which fall on random pages, share a page.
CREATE UNIQUE INDEX {p}messages_chat ON {p}messages (chat_key, sender_id);

-- SQLite ends each index with the id.
CREATE INDEX {p}messages_pending ON {p}messages (receiver_id) WHERE received_at IS NULL;

CREATE INDEX {p}messages_pair ON {p}messages (sender_id, receiver_id);
