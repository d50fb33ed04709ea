-- The entries of a run in two parts: what changes while the run is carried out is narrow, and what its plan says of the values
-- is written once. One index leads to the entries of a status, an action or a situation, because each index costs as much as
-- the entry itself; two records with the same claim are found while they are planned.
CREATE TABLE run_entry_doc (
  run     INTEGER NOT NULL REFERENCES run (seq) ON DELETE CASCADE,
  seq     INTEGER NOT NULL,
  changes TEXT,
  base    TEXT,
  PRIMARY KEY (run, seq)
) WITHOUT ROWID;
INSERT INTO run_entry_doc (run, seq, changes, base)
  SELECT run, seq, changes, base FROM run_entry WHERE changes IS NOT NULL OR base IS NOT NULL;
DROP INDEX run_entry_status;
DROP INDEX run_entry_action;
DROP INDEX run_entry_situation;
DROP INDEX run_entry_claim;
ALTER TABLE run_entry DROP COLUMN changes;
ALTER TABLE run_entry DROP COLUMN base;
CREATE INDEX run_entry_facet ON run_entry (run, status, action, situation, seq);
