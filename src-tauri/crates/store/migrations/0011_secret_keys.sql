-- Which data key a secret is sealed with, so that nothing is kept that no key opens any more. 0: from before this was told.
ALTER TABLE secret ADD COLUMN key INTEGER NOT NULL DEFAULT 0;
