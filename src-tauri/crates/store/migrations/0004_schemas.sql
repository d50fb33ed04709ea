-- The attributes of each object type of a connector: as a person last saw them, and as they were last read. Where the two
-- differ, the type has drifted since `changed`.
CREATE TABLE connector_schema (
  connector   TEXT NOT NULL COLLATE NOCASE,
  object_type TEXT NOT NULL,
  seen        TEXT NOT NULL,
  latest      TEXT NOT NULL,
  read        TEXT NOT NULL,
  changed     TEXT,
  PRIMARY KEY (connector, object_type)
) WITHOUT ROWID;

-- How many objects of a managed type there were at the end of a day (UTC), as far as anybody looked.
CREATE TABLE population (
  type    TEXT NOT NULL,
  day     TEXT NOT NULL,
  objects INTEGER NOT NULL,
  PRIMARY KEY (type, day)
) WITHOUT ROWID;
