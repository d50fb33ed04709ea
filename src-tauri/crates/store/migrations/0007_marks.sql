-- A full read marks what it has met by a bit per record, so that a record that did not change is not written at all. The bits
-- of a read are kept in blocks while it is not through, for a run that takes it up. A record's number is given once in its
-- container; `container.numbers` is the last one given. `mirror.seen` is the read that last wrote the row.
CREATE TABLE mirror_numbered (
  container INTEGER NOT NULL REFERENCES container ON DELETE CASCADE,
  uid       TEXT NOT NULL,
  hash      BLOB NOT NULL,
  seen      INTEGER NOT NULL,
  indexed   INTEGER NOT NULL,
  number    INTEGER NOT NULL,
  PRIMARY KEY (container, uid)
) WITHOUT ROWID;
INSERT INTO mirror_numbered (container, uid, hash, seen, indexed, number)
  SELECT container, uid, hash, seen, indexed, row_number() OVER (PARTITION BY container ORDER BY uid) FROM mirror;
DROP TABLE mirror;
ALTER TABLE mirror_numbered RENAME TO mirror;
ALTER TABLE container ADD COLUMN numbers INTEGER NOT NULL DEFAULT 0;
UPDATE container SET numbers = (SELECT count(*) FROM mirror m WHERE m.container = container.id);

CREATE TABLE read_mark (
  container INTEGER NOT NULL REFERENCES container ON DELETE CASCADE,
  read      INTEGER NOT NULL,
  block     INTEGER NOT NULL,
  bits      BLOB NOT NULL,
  PRIMARY KEY (container, read, block)
) WITHOUT ROWID;
