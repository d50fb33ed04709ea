-- Schedules in IDM's shape. `next_ms` is when it is due, in milliseconds since 1970. A process that wants to fire it takes the
-- lease first, and moves `next_ms` once it has, so that of several processes one fires, and a process that dies in between
-- loses nothing. An interval without a start time is counted from `anchor_ms`.
CREATE TABLE schedule (
  name           TEXT NOT NULL PRIMARY KEY COLLATE NOCASE,
  config         TEXT NOT NULL,
  anchor_ms      INTEGER NOT NULL,
  next_ms        INTEGER,
  lease_until_ms INTEGER,
  fired          INTEGER NOT NULL DEFAULT 0,
  last_fired     TEXT,
  last_run       TEXT,
  last_outcome   TEXT,
  updated        TEXT NOT NULL
) WITHOUT ROWID;
