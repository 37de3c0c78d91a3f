-- The lowest mark is where Overdue has looked up to; the others say when the
-- log was how long.
CREATE TABLE IF NOT EXISTS {p}overdue_marks (
  id BIGINT NOT NULL PRIMARY KEY,
  marked_at BIGINT NOT NULL
) ENGINE=InnoDB;

-- Receivers whom the app has to be told about. due_at is also when a claim ends.
CREATE TABLE IF NOT EXISTS {p}overdue (
  receiver_id BIGINT NOT NULL PRIMARY KEY,
  up_to BIGINT NOT NULL,
  due_at BIGINT NOT NULL,
  tries INT NOT NULL,
  KEY {p}overdue_due (due_at)
) ENGINE=InnoDB;
