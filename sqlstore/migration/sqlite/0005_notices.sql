-- What the server has to tell a user. AUTOINCREMENT gives no id again, whatever
-- is deleted.
CREATE TABLE {p}notices (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  user_id INTEGER NOT NULL,
  kind TEXT NOT NULL,
  body TEXT NOT NULL,
  sent_at INTEGER NOT NULL,
  received_at INTEGER
);

CREATE INDEX {p}notices_pending ON {p}notices (user_id) WHERE received_at IS NULL;

CREATE INDEX {p}notices_user ON {p}notices (user_id);
