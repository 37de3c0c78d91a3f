-- A sign-in looks for its user's older tokens. This one ends with the hash.
CREATE INDEX {p}tokens_user ON {p}tokens (user_id, expires_at);
