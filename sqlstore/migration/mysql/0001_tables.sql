-- Times are milliseconds since 1970. {p} is the table prefix. A table is a
-- transaction by itself here, so each statement can be repeated.
CREATE TABLE IF NOT EXISTS {p}users (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  name VARCHAR(64) NOT NULL,
  name_key VARBINARY(2304) NOT NULL,
  display_name VARCHAR(64) NOT NULL,
  password VARCHAR(255) NOT NULL,
  created_at BIGINT NOT NULL,
  UNIQUE KEY {p}users_name (name_key)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

CREATE TABLE IF NOT EXISTS {p}tokens (
  hash VARBINARY(32) NOT NULL PRIMARY KEY,
  user_id BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  KEY {p}tokens_expiry (expires_at)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- chat_id is binary, because even utf8mb4_bin ignores spaces at the end.
-- InnoDB ends each index with the id.
CREATE TABLE IF NOT EXISTS {p}messages (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  chat_id VARBINARY(64) NOT NULL,
  sender_id BIGINT NOT NULL,
  receiver_id BIGINT NOT NULL,
  sender_name TEXT NOT NULL,
  receiver_name TEXT NOT NULL,
  content MEDIUMTEXT NOT NULL,
  sent_at BIGINT NOT NULL,
  received_at BIGINT,
  UNIQUE KEY {p}messages_chat (chat_id, sender_id),
  KEY {p}messages_pending (receiver_id, received_at),
  KEY {p}messages_received (receiver_id),
  KEY {p}messages_pair (sender_id, receiver_id)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;

-- What a transaction locks of a receiver: see batch.slots.
CREATE TABLE IF NOT EXISTS {p}slots (
  slot INT NOT NULL PRIMARY KEY
) ENGINE=InnoDB;

INSERT IGNORE INTO {p}slots (slot)
  WITH RECURSIVE digit (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM digit WHERE n < 15)
  SELECT a.n * 4096 + b.n * 256 + c.n * 16 + d.n FROM digit a, digit b, digit c, digit d;
