-- What a person lives with: their own words beside a record, and what makes looking at a long life quick.

-- The person's own words. Never touched by a rebuild.
CREATE TABLE note (
  id INTEGER PRIMARY KEY,
  resource_id INTEGER NOT NULL REFERENCES resource(id) ON DELETE CASCADE,
  text TEXT NOT NULL,
  written TEXT NOT NULL,
  changed TEXT
);
CREATE INDEX note_of ON note(resource_id);

CREATE TABLE bookmark (
  resource_id INTEGER PRIMARY KEY REFERENCES resource(id) ON DELETE CASCADE,
  since TEXT NOT NULL
);

-- A correction laid over what the source says, field by field. The resource itself stays as it was sent.
CREATE TABLE correction (
  resource_id INTEGER NOT NULL REFERENCES resource(id) ON DELETE CASCADE,
  field TEXT NOT NULL,
  value TEXT,                -- NULL: the person says that there is nothing
  reason TEXT,
  made TEXT NOT NULL,
  PRIMARY KEY (resource_id, field)
) WITHOUT ROWID;

CREATE TABLE recent_search (
  words TEXT PRIMARY KEY,
  searched TEXT NOT NULL
) WITHOUT ROWID;

-- Derived: what stands out in a life, by the rules of the condition packs. Valid while the setting `milestones_of`
-- names the rules and the records they were found with; else found anew.
CREATE TABLE milestone (
  id INTEGER PRIMARY KEY,
  record_id INTEGER NOT NULL,
  rule TEXT NOT NULL,
  pack TEXT,
  title TEXT NOT NULL,
  detail TEXT,
  date TEXT,
  date_from INTEGER
);
CREATE INDEX milestone_by_date ON milestone(date_from DESC, record_id);
CREATE INDEX milestone_of ON milestone(record_id);

-- How many records of each kind are shown, and how often that changed: counting them takes longer the longer the
-- life is, these triggers do not.
CREATE TABLE tally (
  kind TEXT PRIMARY KEY,
  shown INTEGER NOT NULL,
  changes INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO tally SELECT kind, count(*), 1 FROM record WHERE supporting = 0 GROUP BY kind;
CREATE TRIGGER tally_came AFTER INSERT ON record WHEN new.supporting = 0 BEGIN
  INSERT INTO tally VALUES (new.kind, 1, 1)
    ON CONFLICT (kind) DO UPDATE SET shown = shown + 1, changes = changes + 1;
END;
CREATE TRIGGER tally_went AFTER DELETE ON record WHEN old.supporting = 0 BEGIN
  UPDATE tally SET shown = shown - 1, changes = changes + 1 WHERE kind = old.kind;
END;
CREATE TRIGGER tally_moved AFTER UPDATE OF kind, supporting ON record BEGIN
  UPDATE tally SET shown = shown - 1, changes = changes + 1 WHERE kind = old.kind AND old.supporting = 0;
  INSERT INTO tally SELECT new.kind, 1, 1 WHERE new.supporting = 0
    ON CONFLICT (kind) DO UPDATE SET shown = shown + 1, changes = changes + 1;
END;

-- One kind in the order of a timeline, and which of it stands (status). Counting is the tally's work now.
DROP INDEX record_by_kind;
CREATE INDEX record_by_kind ON record(kind, date_from DESC, id DESC, status) WHERE supporting = 0;
-- What lies outside its range, newest first.
CREATE INDEX record_abnormal ON record(date_from DESC, id DESC) WHERE abnormal = 1 AND supporting = 0;
-- One measurement over time: by the first code (a standard one, where there is any), else by its name.
CREATE INDEX record_measured ON record(
  coalesce(json_extract(codes, '$[0][1]'), lower(title)), date_from DESC, id DESC
) WHERE value IS NOT NULL AND supporting = 0;
