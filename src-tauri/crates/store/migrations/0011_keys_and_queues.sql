-- Which data key a secret is sealed with, so that nothing is kept that no key opens any more. 0: from before this was told.
ALTER TABLE secret ADD COLUMN key INTEGER NOT NULL DEFAULT 0;

-- Each mapping's rows are delivered beside those of the others.
CREATE INDEX queue_mapping ON queue (mapping, state, seq, next_ms);
