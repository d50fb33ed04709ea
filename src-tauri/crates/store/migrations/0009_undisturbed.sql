-- Managed objects are changed, and links are stamped, by what is counted here: while the count stays, targets that stood once
-- still do, and need not be looked at. What is made new together with its link disturbs nobody.
CREATE TABLE disturbance (count INTEGER NOT NULL);
INSERT INTO disturbance VALUES (0);

-- All targets that this version of a mapping has judged stood at this count.
CREATE TABLE undisturbed (
  type      TEXT NOT NULL,
  qualifier TEXT NOT NULL,
  direction TEXT NOT NULL,
  version   INTEGER NOT NULL,
  at        INTEGER NOT NULL,
  PRIMARY KEY (type, qualifier, direction)
) WITHOUT ROWID;
