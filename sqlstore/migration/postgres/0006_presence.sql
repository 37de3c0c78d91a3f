-- Nodes, each by a number of its own: when they last beat, and whether others
-- have removed users of theirs since they looked.
CREATE TABLE IF NOT EXISTS {p}nodes (
  node BIGINT PRIMARY KEY,
  beat_at BIGINT NOT NULL,
  buried INTEGER NOT NULL
);

CREATE TABLE IF NOT EXISTS {p}online (
  node BIGINT NOT NULL,
  user_id BIGINT NOT NULL,
  PRIMARY KEY (node, user_id)
);

CREATE INDEX IF NOT EXISTS {p}online_user ON {p}online (user_id);

-- When users were last seen to leave.
CREATE TABLE IF NOT EXISTS {p}presence (
  user_id BIGINT PRIMARY KEY,
  seen_at BIGINT NOT NULL
);
