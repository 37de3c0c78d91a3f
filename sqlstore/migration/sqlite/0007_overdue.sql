-- The lowest mark is where Overdue has looked up to; the others say when the
-- log was how long.
CREATE TABLE {p}overdue_marks (
  id INTEGER PRIMARY KEY,
  marked_at INTEGER NOT NULL
);

-- Receivers whom the app has to be told about. due_at is also when a claim ends.
CREATE TABLE {p}overdue (
  receiver_id INTEGER PRIMARY KEY,
  up_to INTEGER NOT NULL,
  due_at INTEGER NOT NULL,
  tries INTEGER NOT NULL
);

CREATE INDEX {p}overdue_due ON {p}overdue (due_at);
