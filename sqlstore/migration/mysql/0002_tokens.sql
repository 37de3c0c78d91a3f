-- A sign-in looks for its user's older tokens. MySQL knows no CREATE INDEX
-- IF NOT EXISTS, and this must be repeatable.
SET @make = (SELECT IF(COUNT(*) = 0, 'CREATE INDEX {p}tokens_user ON {p}tokens (user_id, expires_at)', 'DO 0')
  FROM information_schema.statistics WHERE table_schema = DATABASE() AND index_name = '{p}tokens_user');
PREPARE make FROM @make;
EXECUTE make;
DEALLOCATE PREPARE make;
