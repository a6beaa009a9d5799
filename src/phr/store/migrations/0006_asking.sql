-- What the person wants to ask at a next appointment, in their own words. Whom: a name as they said it, or nobody in particular.
CREATE TABLE question (
  id INTEGER PRIMARY KEY,
  whom TEXT,
  text TEXT NOT NULL,
  asked TEXT NOT NULL,
  answered TEXT,
  answer TEXT
);
