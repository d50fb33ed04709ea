-- What a record held before is in the run's entries, where undo reads it; nobody reads it here.
ALTER TABLE journal DROP COLUMN before;
