-- A write that no run sent is of use until its outcome is known; the run that holds the others takes them with it.
DELETE FROM journal WHERE run IS NULL AND state <> 'sending';
