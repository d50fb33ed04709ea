-- Which entries of a run lead to a target is asked while it is planned: then a record that is yet to be made has none, and what
-- it gets later need not be found.
DROP INDEX run_entry_target;
CREATE INDEX run_entry_target ON run_entry (run, target_id) WHERE target_id IS NOT NULL AND action <> 'CREATE';
