-- Changes and removals of managed objects alone. A load keeps the unique values in memory, which holds while nobody else writes
-- objects.
ALTER TABLE disturbance ADD COLUMN objects INTEGER NOT NULL DEFAULT 0;
