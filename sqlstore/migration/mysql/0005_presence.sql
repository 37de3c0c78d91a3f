-- Nodes, each by a number of its own: when they last beat, and whether others
-- have removed users of theirs since they looked.
CREATE TABLE IF NOT EXISTS {p}nodes (
  node BIGINT NOT NULL PRIMARY KEY,
  beat_at BIGINT NOT NULL,
  buried INT NOT NULL
) ENGINE=InnoDB;

CREATE TABLE IF NOT EXISTS {p}online (
  node BIGINT NOT NULL,
  user_id BIGINT NOT NULL,
  PRIMARY KEY (node, user_id),
  KEY {p}online_user (user_id)
) ENGINE=InnoDB;

-- When users were last seen to leave.
CREATE TABLE IF NOT EXISTS {p}presence (
  user_id BIGINT NOT NULL PRIMARY KEY,
  seen_at BIGINT NOT NULL
) ENGINE=InnoDB;
