-- What the whole engine needs: post-actions, reads that can be taken up again, change feeds, the inbox, and an audit that
-- nobody can change.

-- The policy of the mapping that decided, counted from 0, for its post-action.
ALTER TABLE run_entry ADD COLUMN policy INTEGER;
-- What a person is asked about the record, if anything.
ALTER TABLE run_entry ADD COLUMN question TEXT;
CREATE INDEX run_entry_question ON run_entry (run, seq) WHERE question IS NOT NULL;
ALTER TABLE journal ADD COLUMN qualifier TEXT NOT NULL DEFAULT 'default';

-- A full read that has not ended: which records it has marked (mirror.seen), and where it goes on.
CREATE TABLE unfinished_read (
  path       TEXT PRIMARY KEY,
  seen       INTEGER NOT NULL,
  cursor     TEXT NOT NULL,
  attributes TEXT NOT NULL,
  began_ms   INTEGER NOT NULL
) WITHOUT ROWID;

-- Up to where a mapping's run has taken in the changes of a resource. Moved only in the transaction that ends such a run.
CREATE TABLE feed (
  mapping    TEXT NOT NULL,
  path       TEXT NOT NULL,
  cursor     TEXT NOT NULL,
  attributes TEXT NOT NULL,
  updated    TEXT NOT NULL,
  PRIMARY KEY (mapping, path)
) WITHOUT ROWID;

-- What only a person can decide. A run that finds the question again renews its row; one that does not, removes it.
CREATE TABLE inbox (
  seq       INTEGER PRIMARY KEY AUTOINCREMENT,
  mapping   TEXT NOT NULL,
  qualifier TEXT NOT NULL,
  source_id TEXT NOT NULL,
  kind      TEXT NOT NULL,
  title     TEXT NOT NULL,
  target_id TEXT,
  detail    TEXT NOT NULL,
  reason    TEXT NOT NULL,
  run       INTEGER,
  created   TEXT NOT NULL,
  updated   TEXT NOT NULL,
  UNIQUE (mapping, source_id, qualifier, kind)
);

CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER audit_is_not_shortened BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
