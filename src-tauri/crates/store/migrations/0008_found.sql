-- Which entries of a run lead to a target is asked while it is planned: then a record that is yet to be made has none, and what
-- it gets later need not be found.
DROP INDEX run_entry_target;
CREATE INDEX run_entry_target ON run_entry (run, target_id) WHERE target_id IS NOT NULL AND action <> 'CREATE';

-- Lists are found by their items, and what is within an object by its place: those of records that are here already are indexed
-- when these are read again.
UPDATE mirror SET indexed = 0 WHERE indexed > 0 AND EXISTS (
  SELECT 1 FROM mirror_doc d WHERE d.container = mirror.container AND d.uid = mirror.uid
    AND (instr(d.doc, '[') > 0 OR instr(substr(d.doc, 2), '{') > 0));
