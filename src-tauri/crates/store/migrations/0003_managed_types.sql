-- Which attribute is in which column a0..a7 of a type's objects. A type without rows here has its indexed attributes in the
-- order of its schema. While `filled` is a text, the objects with a greater id may still hold something else there, and no
-- query asks the column.
CREATE TABLE managed_column (
  type      TEXT NOT NULL,
  slot      INTEGER NOT NULL,
  attribute TEXT NOT NULL,
  number    INTEGER NOT NULL,
  filled    TEXT,
  PRIMARY KEY (type, slot)
) WITHOUT ROWID;

-- Hashes of values that nobody may read, kept apart from the objects so that nothing that reads objects ever meets them.
-- What is sealed instead is in `secret`, with managed/<type>/<id> as its owner.
CREATE TABLE managed_hash (
  type      TEXT NOT NULL,
  object_id TEXT NOT NULL,
  attribute TEXT NOT NULL,
  hash      TEXT NOT NULL,
  updated   TEXT NOT NULL,
  PRIMARY KEY (type, object_id, attribute)
) WITHOUT ROWID;
