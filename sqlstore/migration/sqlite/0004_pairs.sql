-- Who has a conversation with whom, from each one's side. A row is there before
-- the first message is; one without messages is skipped.
CREATE TABLE {p}pairs (
  user_id INTEGER NOT NULL,
  other_id INTEGER NOT NULL,
  PRIMARY KEY (user_id, other_id)
) WITHOUT ROWID;

-- From nobody is the row in place of the highest id.
INSERT INTO {p}pairs (user_id, other_id)
  WITH written (a, b) AS (SELECT DISTINCT sender_id, receiver_id FROM {p}messages WHERE sender_id > 0)
  SELECT a, b FROM written UNION SELECT b, a FROM written;

-- What reader_id has read of what sender_id sent: up to an id.
CREATE TABLE {p}reads (
  reader_id INTEGER NOT NULL,
  sender_id INTEGER NOT NULL,
  upto INTEGER NOT NULL,
  PRIMARY KEY (reader_id, sender_id)
) WITHOUT ROWID;
