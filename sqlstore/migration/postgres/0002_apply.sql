-- {p}apply carries out a batch of operations: one way there and back on the
-- network. Saves are arrays that begin with s_, one element for each, with
-- different keys (chat_id, sender_id); Confirmations begin with c_. *_op is
-- the operation's place in the batch, slots are the locks of the Saves'
-- receivers, ascending. A Confirmation follows c_saves Saves, and its ranges
-- are those of r_after and r_upto from c_range[n] to before c_range[n + 1].
--
-- It returns a row for each operation, except for a Confirmation that names no
-- message; of an operation that has two rows the first one counts. Of what was stored now it
-- returns the ids only.
--
-- Two calls never wait for each other: each takes locks of receivers in
-- ascending order, then keys in ascending order, then rows in ascending order.
--
-- The settings: a table that was empty when its statements were planned is
-- read as a whole until it is analyzed, which takes a busy minute: not here;
-- an index scan takes the rows of a list in the order of the index, a bitmap's
-- does not; planning for each call costs more than the call; nobody waits for
-- ever.
CREATE OR REPLACE FUNCTION {p}apply(
  slots INT[], s_op INT[], s_chat TEXT[], s_sender BIGINT[], s_receiver BIGINT[],
  s_sender_name TEXT[], s_receiver_name TEXT[], s_content TEXT[], s_at BIGINT[],
  c_op INT[], c_receiver BIGINT[], c_chat TEXT[], c_id BIGINT[], c_saves INT[], c_at BIGINT[],
  c_range INT[], r_after BIGINT[], r_upto BIGINT[])
RETURNS TABLE (op INT, changed BOOLEAN, previous BIGINT, id BIGINT, chat_id TEXT, sender_id BIGINT, receiver_id BIGINT,
  sender_name TEXT, receiver_name TEXT, content TEXT, sent_at BIGINT, received_at BIGINT)
LANGUAGE plpgsql
SET enable_seqscan = off SET enable_bitmapscan = off
SET plan_cache_mode = force_generic_plan SET lock_timeout = '5s'
AS $$
#variable_conflict use_column
DECLARE
  saves INT := cardinality(s_op);
  confirmations INT := cardinality(c_op);
  n INT;
  fresh_n INT;
  ids BIGINT[];                                                        -- of the Saves
  chosen BIGINT[] := array_fill(0::BIGINT, ARRAY[confirmations]);      -- by the Confirmations
  fresh BOOLEAN[] := array_fill(false, ARRAY[confirmations]);          -- what they chose was not confirmed
  several BOOLEAN := false;                                            -- one of them had a choice
  best INT;
  rank INT;
  c RECORD;
BEGIN
  -- Each statement must see what was committed before it began.
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE 'default_transaction_isolation must be read committed';
  END IF;
  IF saves > 0 THEN
    PERFORM pg_advisory_xact_lock(hashtext('{p}messages'::regclass::oid::text), slot) FROM unnest(slots) AS slot;
    ids := ARRAY(SELECT nextval('{p}messages_id_seq') FROM generate_series(1, saves));
    RETURN QUERY WITH stored AS (
      INSERT INTO {p}messages AS m (id, chat_id, sender_id, receiver_id, sender_name, receiver_name, content, sent_at)
      OVERRIDING SYSTEM VALUE
      SELECT * FROM unnest(ids, s_chat, s_sender, s_receiver, s_sender_name, s_receiver_name, s_content, s_at)
        AS u (id, chat, sender, a, b, c, d, e) ORDER BY u.chat COLLATE "C", u.sender
      ON CONFLICT DO NOTHING RETURNING m.id, m.receiver_id)
    SELECT s_op[array_position(ids, s.id)], true,
      -- The table is as it was before this statement.
      COALESCE(lag(s.id) OVER (PARTITION BY s.receiver_id ORDER BY s.id), (SELECT m.id FROM {p}messages AS m
        WHERE m.receiver_id >= s.receiver_id AND m.receiver_id <= s.receiver_id ORDER BY m.receiver_id DESC, m.id DESC LIMIT 1), 0),
      s.id, '', 0::BIGINT, 0::BIGINT, '', '', '', 0::BIGINT, NULL::BIGINT FROM stored AS s;
    GET DIAGNOSTICS n = ROW_COUNT;
    IF n < saves THEN
      RETURN QUERY SELECT u.op, false, 0::BIGINT, m.id, m.chat_id, m.sender_id, m.receiver_id, m.sender_name, m.receiver_name, m.content, m.sent_at, m.received_at
        FROM unnest(s_op, s_chat, s_sender) AS u (op, chat, sender)
        CROSS JOIN LATERAL (SELECT * FROM {p}messages AS m WHERE m.chat_id = u.chat AND m.sender_id = u.sender OFFSET 0) AS m
        WHERE m.id <> ALL (ids);
    END IF;
  END IF;
  IF confirmations > 0 THEN
    FOR c IN
      SELECT k.n, m.id, m.received_at IS NOT NULL AS confirmed
      FROM unnest(c_id, c_chat, c_receiver, c_saves) WITH ORDINALITY AS k (id, chat, receiver, saves, n)
      CROSS JOIN LATERAL (
        SELECT m.id, m.received_at FROM {p}messages AS m
          WHERE k.id <> 0 AND m.id = k.id AND m.receiver_id + 0 = k.receiver AND k.chat IN ('', m.chat_id)
        UNION ALL
        -- Bounded by the number of accounts: one of each sender who chose this chat_id.
        SELECT m.id, m.received_at FROM {p}messages AS m
          WHERE k.id = 0 AND m.chat_id = k.chat AND m.receiver_id + 0 = k.receiver) AS m
      -- Not what a later operation of the batch stored.
      WHERE m.id < COALESCE(ids[k.saves + 1], 9223372036854775807)
      ORDER BY k.n, m.id
    LOOP
      IF chosen[c.n] = 0 THEN
        best := 0;
      ELSE
        several := true;
      END IF;
      rank := 1;
      IF c.confirmed OR c.id = ANY (chosen[:c.n - 1]) THEN
        rank := 2;
      ELSE
        FOR i IN c_range[c.n] .. c_range[c.n + 1] - 1 LOOP
          IF c.id > r_after[i] AND c.id <= r_upto[i] THEN
            rank := 3;
          END IF;
        END LOOP;
      END IF;
      IF rank > best THEN
        best := rank;
        chosen[c.n] := c.id;
        fresh[c.n] := rank <> 2;
      END IF;
    END LOOP;
    -- "+ 0" keeps it from the index of all that is pending.
    RETURN QUERY UPDATE {p}messages AS m SET received_at = c_at[array_position(chosen, m.id)]
      WHERE m.id = ANY (chosen) AND m.received_at + 0 IS NULL
      RETURNING c_op[array_position(chosen, m.id)], true, 0::BIGINT, m.id, m.chat_id, m.sender_id, m.receiver_id, m.sender_name, m.receiver_name, m.content, m.sent_at, m.received_at;
    GET DIAGNOSTICS n = ROW_COUNT;
    fresh_n := cardinality(array_positions(fresh, true));
    -- Others may have confirmed it since it was chosen. Where that was a choice it is made again.
    IF several AND n < fresh_n THEN
      RAISE 'confirmed by another' USING ERRCODE = 'serialization_failure';
    END IF;
    IF n < confirmations THEN
      RETURN QUERY SELECT u.op, false, 0::BIGINT, m.id, m.chat_id, m.sender_id, m.receiver_id, m.sender_name, m.receiver_name, m.content, m.sent_at, m.received_at
        FROM unnest(c_op, chosen, fresh) AS u (op, id, fresh)
        CROSS JOIN LATERAL (SELECT * FROM {p}messages AS m WHERE m.id = u.id OFFSET 0) AS m
        WHERE NOT u.fresh OR n < fresh_n;
    END IF;
  END IF;
END
$$;
