-- What an import brought, so that it can be undone: `change` is new, updated or unchanged.
CREATE TABLE import_item (
  run_id INTEGER NOT NULL REFERENCES sync_run(id) ON DELETE CASCADE,
  resource_id INTEGER NOT NULL REFERENCES resource(id) ON DELETE CASCADE,
  change TEXT NOT NULL,
  PRIMARY KEY (run_id, resource_id)
) WITHOUT ROWID;
CREATE INDEX import_item_resource ON import_item(resource_id);

-- Files of one command are one import: all its runs name the first. `undone` is when it was taken back.
ALTER TABLE sync_run ADD COLUMN part_of INTEGER;
ALTER TABLE sync_run ADD COLUMN undone TEXT;

-- Which attached documents were read into resources, by which import.
CREATE TABLE document_import (
  document_id INTEGER NOT NULL REFERENCES document(id) ON DELETE CASCADE,
  run_id INTEGER NOT NULL REFERENCES sync_run(id) ON DELETE CASCADE,
  PRIMARY KEY (document_id, run_id)
) WITHOUT ROWID;

-- What tells that two records are one fact (see records.match); goes and comes with the record. `record.supporting`
-- is 3 where another record says the same: it is shown once, with all its sources.
CREATE TABLE record_key (
  key BLOB NOT NULL,
  record_id INTEGER NOT NULL REFERENCES record(id) ON DELETE CASCADE,
  PRIMARY KEY (key, record_id)
) WITHOUT ROWID;
CREATE INDEX record_key_record ON record_key(record_id);
