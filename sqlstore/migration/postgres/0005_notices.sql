-- What the server has to tell a user.
CREATE TABLE {p}notices (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  user_id BIGINT NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  body TEXT NOT NULL,
  sent_at BIGINT NOT NULL,
  received_at BIGINT
);

CREATE INDEX {p}notices_pending ON {p}notices (user_id, id) WHERE received_at IS NULL;

CREATE INDEX {p}notices_user ON {p}notices (user_id, id);

-- {p}notify stores a notice. The lock is the user's, and held from before the id
-- is given to the commit: so ids of one user become visible in ascending order.
CREATE FUNCTION {p}notify(slot INT, n_user BIGINT, n_kind TEXT, n_body TEXT, n_at BIGINT)
RETURNS BIGINT LANGUAGE plpgsql SET lock_timeout = '5s'
AS $$
DECLARE
  stored BIGINT;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('{p}notices'::regclass::oid::text), slot);
  INSERT INTO {p}notices (user_id, kind, body, sent_at) VALUES (n_user, n_kind, n_body, n_at) RETURNING id INTO stored;
  RETURN stored;
END
$$;
