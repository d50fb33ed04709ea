-- Everything that Concord remembers. Times are RFC 3339 text in UTC, or milliseconds since 1970 where they are compared
-- (names ending in _ms). Documents are JSON text. Hashes are 16 bytes.

CREATE TABLE setting (
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE vault_key (
  version INTEGER NOT NULL,
  kind    TEXT NOT NULL,
  wrapped TEXT NOT NULL,
  created TEXT NOT NULL,
  PRIMARY KEY (version, kind)
) WITHOUT ROWID;

CREATE TABLE secret (
  owner    TEXT NOT NULL,
  field    TEXT NOT NULL,
  revision INTEGER NOT NULL,
  sealed   BLOB NOT NULL,
  updated  TEXT NOT NULL,
  PRIMARY KEY (owner, field)
) WITHOUT ROWID;

CREATE TABLE connector (
  id           INTEGER PRIMARY KEY,
  name         TEXT NOT NULL UNIQUE COLLATE NOCASE,
  config       TEXT NOT NULL,
  tested_at    TEXT,
  test_error   TEXT,
  updated      TEXT NOT NULL
);

CREATE TABLE mapping (
  id       INTEGER PRIMARY KEY,
  name     TEXT NOT NULL UNIQUE COLLATE NOCASE,
  position INTEGER NOT NULL,
  config   TEXT NOT NULL,
  version  INTEGER NOT NULL,
  updated  TEXT NOT NULL
);

-- Objects of the repository. a0..a7 hold the searchable attributes in schema order.
CREATE TABLE managed_object (
  seq     INTEGER PRIMARY KEY,
  type    TEXT NOT NULL,
  id      TEXT NOT NULL,
  rev     INTEGER NOT NULL,
  doc     TEXT NOT NULL,
  hash    BLOB NOT NULL,
  created TEXT NOT NULL,
  updated TEXT NOT NULL,
  a0 TEXT COLLATE NOCASE, a1 TEXT COLLATE NOCASE, a2 TEXT COLLATE NOCASE, a3 TEXT COLLATE NOCASE,
  a4 TEXT COLLATE NOCASE, a5 TEXT COLLATE NOCASE, a6 TEXT COLLATE NOCASE, a7 TEXT COLLATE NOCASE,
  UNIQUE (type, id)
);
CREATE INDEX managed_object_a0 ON managed_object (type, a0, id);
CREATE INDEX managed_object_a1 ON managed_object (type, a1, id);
CREATE INDEX managed_object_a2 ON managed_object (type, a2, id);
CREATE INDEX managed_object_a3 ON managed_object (type, a3, id);
CREATE INDEX managed_object_a4 ON managed_object (type, a4, id) WHERE a4 IS NOT NULL;
CREATE INDEX managed_object_a5 ON managed_object (type, a5, id) WHERE a5 IS NOT NULL;
CREATE INDEX managed_object_a6 ON managed_object (type, a6, id) WHERE a6 IS NOT NULL;
CREATE INDEX managed_object_a7 ON managed_object (type, a7, id) WHERE a7 IS NOT NULL;

-- What the planner is to believe: there are many objects of a type and few with one value of an attribute. Left alone it
-- takes the type for the rarer one and walks all objects for each `a or b` that correlation asks. Stated here instead of
-- measured, so that plans are the same in every data folder.
ANALYZE;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
  ('managed_object', 'sqlite_autoindex_managed_object_1', '1000000 1000000 1'),
  ('managed_object', 'managed_object_a0', '1000000 1000000 10 1'),
  ('managed_object', 'managed_object_a1', '1000000 1000000 10 1'),
  ('managed_object', 'managed_object_a2', '1000000 1000000 10 1'),
  ('managed_object', 'managed_object_a3', '1000000 1000000 10 1'),
  ('managed_object', 'managed_object_a4', '1000000 1000000 10 1'),
  ('managed_object', 'managed_object_a5', '1000000 1000000 10 1'),
  ('managed_object', 'managed_object_a6', '1000000 1000000 10 1'),
  ('managed_object', 'managed_object_a7', '1000000 1000000 10 1');

-- The last seen copy of remote records. The narrow table alone is touched for a record that did not change.
-- `indexed` lists the attributes that correlation has ever asked for, and only grows; a record whose own `indexed` is the
-- length of that list has all its values in mirror_value.
CREATE TABLE container (
  id      INTEGER PRIMARY KEY,
  path    TEXT NOT NULL UNIQUE,
  indexed TEXT NOT NULL DEFAULT '[]'
);
CREATE TABLE mirror (
  container INTEGER NOT NULL REFERENCES container ON DELETE CASCADE,
  uid       TEXT NOT NULL,
  hash      BLOB NOT NULL,
  seen      INTEGER NOT NULL,
  indexed   INTEGER NOT NULL,
  PRIMARY KEY (container, uid)
) WITHOUT ROWID;
CREATE TABLE mirror_doc (
  container INTEGER NOT NULL,
  uid       TEXT NOT NULL,
  doc       TEXT NOT NULL,
  updated   TEXT NOT NULL,
  PRIMARY KEY (container, uid)
) WITHOUT ROWID;
-- Values that correlation asks for.
CREATE TABLE mirror_value (
  container INTEGER NOT NULL,
  attribute TEXT NOT NULL,
  value     TEXT NOT NULL COLLATE NOCASE,
  uid       TEXT NOT NULL,
  PRIMARY KEY (container, attribute, value, uid)
) WITHOUT ROWID;
CREATE INDEX mirror_value_uid ON mirror_value (container, uid);

CREATE TABLE link (
  seq         INTEGER PRIMARY KEY,
  type        TEXT NOT NULL,
  qualifier   TEXT NOT NULL,
  first_id    TEXT NOT NULL,
  second_id   TEXT NOT NULL,
  -- For each direction: the version of the mapping that last judged the pair, and the hashes of its source and its
  -- target then. The mapped values of both sides when they were last in sync are the base, shared by both directions.
  forward         INTEGER,
  forward_source  BLOB,
  forward_target  BLOB,
  backward        INTEGER,
  backward_source BLOB,
  backward_target BLOB,
  base            TEXT,
  created     TEXT NOT NULL,
  updated     TEXT NOT NULL
);
CREATE UNIQUE INDEX link_first  ON link (type, qualifier, first_id);
CREATE UNIQUE INDEX link_second ON link (type, qualifier, second_id);

-- A run's number is never given twice (AUTOINCREMENT), because mirrors remember by it which read saw a record.
CREATE TABLE run (
  seq      INTEGER PRIMARY KEY AUTOINCREMENT,
  id       TEXT NOT NULL UNIQUE,
  mapping  TEXT NOT NULL,
  mode     TEXT NOT NULL,
  state    TEXT NOT NULL,
  stage    TEXT NOT NULL,
  started  TEXT NOT NULL,
  ended    TEXT,
  progress TEXT NOT NULL,
  message  TEXT
);
CREATE INDEX run_mapping ON run (mapping, seq);
CREATE INDEX run_active ON run (seq) WHERE state = 'active';

-- The plan of a run and, once carried out, its outcome: a row per record that is not an unchanged CONFIRMED.
CREATE TABLE run_entry (
  run         INTEGER NOT NULL REFERENCES run (seq) ON DELETE CASCADE,
  seq         INTEGER NOT NULL,
  situation   TEXT NOT NULL,
  action      TEXT NOT NULL,
  status      TEXT NOT NULL,
  phase       TEXT NOT NULL,
  qualifier   TEXT NOT NULL,
  title       TEXT NOT NULL,
  source_id   TEXT,
  target_id   TEXT,
  ambiguous   TEXT,
  changes     TEXT,
  reason      TEXT NOT NULL,
  remedy      TEXT,
  claim       TEXT,
  source_hash BLOB,
  target_hash BLOB,
  base        TEXT,
  PRIMARY KEY (run, seq)
) WITHOUT ROWID;
CREATE INDEX run_entry_status ON run_entry (run, status, seq);
CREATE INDEX run_entry_action ON run_entry (run, status, action, seq);
CREATE INDEX run_entry_situation ON run_entry (run, situation, seq);
CREATE INDEX run_entry_target ON run_entry (run, target_id) WHERE target_id IS NOT NULL;
CREATE INDEX run_entry_claim ON run_entry (run, claim) WHERE claim IS NOT NULL;

-- Targets that an AMBIGUOUS record of the run might belong to: accounted for, though nobody's.
CREATE TABLE run_claim (
  run       INTEGER NOT NULL REFERENCES run (seq) ON DELETE CASCADE,
  target_id TEXT NOT NULL,
  PRIMARY KEY (run, target_id)
) WITHOUT ROWID;

-- What was sent to a remote system, committed before it was sent.
CREATE TABLE journal (
  seq         INTEGER PRIMARY KEY,
  run         TEXT,
  entry       INTEGER,
  mapping     TEXT NOT NULL,
  operation   TEXT NOT NULL,
  connector   TEXT NOT NULL,
  object_type TEXT NOT NULL,
  source_id   TEXT,
  target_id   TEXT,
  payload     TEXT NOT NULL,
  before      TEXT,
  state       TEXT NOT NULL,
  sent        TEXT NOT NULL,
  settled     TEXT,
  message     TEXT
);
CREATE INDEX journal_open ON journal (mapping, seq) WHERE state = 'sending';
CREATE INDEX journal_run ON journal (run, seq) WHERE run IS NOT NULL;

-- `generation` counts the changes that a row stands for, so that one that arrives during a delivery is told from the one
-- that is being delivered; with a number that is never given twice, the pair names one state of one row for good.
CREATE TABLE queue (
  seq        INTEGER PRIMARY KEY AUTOINCREMENT,
  generation INTEGER NOT NULL DEFAULT 1,
  mapping   TEXT NOT NULL,
  type      TEXT NOT NULL,
  object_id TEXT NOT NULL,
  title     TEXT NOT NULL,
  change    TEXT NOT NULL,
  state     TEXT NOT NULL,
  attempts  INTEGER NOT NULL,
  next_ms   INTEGER NOT NULL,
  message   TEXT,
  old       TEXT,
  created   TEXT NOT NULL,
  UNIQUE (mapping, type, object_id)
);
CREATE INDEX queue_due ON queue (state, seq, next_ms);
CREATE INDEX queue_object ON queue (type, object_id, seq);

-- The last result of an implicit sync per object and mapping.
CREATE TABLE sync_result (
  type      TEXT NOT NULL,
  object_id TEXT NOT NULL,
  mapping   TEXT NOT NULL,
  ok        INTEGER NOT NULL,
  message   TEXT NOT NULL,
  at        TEXT NOT NULL,
  PRIMARY KEY (type, object_id, mapping)
) WITHOUT ROWID;

CREATE TABLE history (
  seq       INTEGER PRIMARY KEY,
  type      TEXT NOT NULL,
  object_id TEXT NOT NULL,
  at        TEXT NOT NULL,
  who       TEXT NOT NULL,
  changes   TEXT NOT NULL,
  run       TEXT,
  mapping   TEXT
);
CREATE INDEX history_object ON history (type, object_id, seq);

CREATE TABLE audit (
  seq    INTEGER PRIMARY KEY,
  at     TEXT NOT NULL,
  who    TEXT NOT NULL,
  topic  TEXT NOT NULL,
  object TEXT NOT NULL,
  detail TEXT NOT NULL
);
