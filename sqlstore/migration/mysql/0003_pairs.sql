-- Who has a conversation with whom, from each one's side. A row is there before
-- the first message is; one without messages is skipped.
CREATE TABLE IF NOT EXISTS {p}pairs (
  user_id BIGINT NOT NULL,
  other_id BIGINT NOT NULL,
  PRIMARY KEY (user_id, other_id)
) ENGINE=InnoDB;

INSERT IGNORE INTO {p}pairs (user_id, other_id)
  SELECT a, b FROM (SELECT DISTINCT sender_id AS a, receiver_id AS b FROM {p}messages) AS written
  UNION SELECT b, a FROM (SELECT DISTINCT sender_id AS a, receiver_id AS b FROM {p}messages) AS written;

-- What reader_id has read of what sender_id sent: up to an id.
CREATE TABLE IF NOT EXISTS {p}reads (
  reader_id BIGINT NOT NULL,
  sender_id BIGINT NOT NULL,
  upto BIGINT NOT NULL,
  PRIMARY KEY (reader_id, sender_id)
) ENGINE=InnoDB;
