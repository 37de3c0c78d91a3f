-- What the server has to tell a user. kind is binary, because even utf8mb4_bin
-- ignores spaces at the end. InnoDB ends each index with the id.
CREATE TABLE IF NOT EXISTS {p}notices (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  user_id BIGINT NOT NULL,
  kind VARBINARY(64) NOT NULL,
  body MEDIUMTEXT NOT NULL,
  sent_at BIGINT NOT NULL,
  received_at BIGINT,
  KEY {p}notices_pending (user_id, received_at),
  KEY {p}notices_user (user_id)
) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin;
