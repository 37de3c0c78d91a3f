-- SQLite gives the id after the highest one, so when the highest is deleted, by
-- whatever SQL, it would come again. AUTOINCREMENT would be one more page to
-- write for each message, and a new table for a database that exists.

-- A message with the highest id leaves a row without content, which is to
-- nobody and confirmed; one at most.
CREATE TRIGGER {p}messages_deleted AFTER DELETE ON {p}messages
WHEN NOT EXISTS (SELECT 1 FROM {p}messages WHERE id > OLD.id)
BEGIN
  INSERT INTO {p}messages (id, chat_key, chat_id, sender_id, receiver_id, sender_name, receiver_name, content, sent_at, received_at)
    VALUES (OLD.id, OLD.id, '', 0, 0, '', '', '', 0, 0); DELETE FROM {p}messages WHERE sender_id = 0 AND receiver_id = 0 AND id < OLD.id; END;

-- A user's row is listed, so the highest id of a deleted one is kept here.
CREATE TABLE {p}users_gone (id INTEGER NOT NULL);

INSERT INTO {p}users_gone (id) VALUES (0);

CREATE TRIGGER {p}users_deleted AFTER DELETE ON {p}users
BEGIN UPDATE {p}users_gone SET id = MAX(id, OLD.id); END;

CREATE TRIGGER {p}users_inserted AFTER INSERT ON {p}users
WHEN NEW.id <= (SELECT id FROM {p}users_gone)
BEGIN UPDATE {p}users SET id = (SELECT id FROM {p}users_gone) + 1 WHERE id = NEW.id; END;
