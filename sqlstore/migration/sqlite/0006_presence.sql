-- Nodes, each by a number of its own: when they last beat, and whether others
-- have removed users of theirs since they looked.
CREATE TABLE IF NOT EXISTS {p}nodes (
  node INTEGER PRIMARY KEY,
  beat_at INTEGER NOT NULL,
  buried INTEGER NOT NULL
);

CREATE TABLE IF NOT EXISTS {p}online (
  node INTEGER NOT NULL,
  user_id INTEGER NOT NULL,
  PRIMARY KEY (node, user_id)
) WITHOUT ROWID;

CREATE INDEX IF NOT EXISTS {p}online_user ON {p}online (user_id);

-- When users were last seen to leave.
CREATE TABLE IF NOT EXISTS {p}presence (
  user_id INTEGER PRIMARY KEY,
  seen_at INTEGER NOT NULL
);
