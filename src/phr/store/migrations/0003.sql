-- What a sync that goes on where it was needs to know, what a source took back, and how each job went.

-- Where each search of a source stands. `filter` is what tells searches of one type apart
-- (`category=laboratory`), without the patient and without `_lastUpdated`.
CREATE TABLE search_state (
  id INTEGER PRIMARY KEY,
  source_id INTEGER NOT NULL REFERENCES source(id) ON DELETE CASCADE,
  type TEXT NOT NULL,
  filter TEXT NOT NULL,
  watermark TEXT,            -- all that changed before this instant is here; NULL: not known
  full_pass TEXT,            -- when the last complete full pass began
  mode TEXT,                 -- of the pass under way: full or incremental; NULL: none is
  began TEXT,
  since TEXT,                -- what an incremental pass under way asked for
  next_url TEXT,             -- where to go on; NULL with a mode: at the beginning
  came INTEGER NOT NULL DEFAULT 0,
  newest TEXT,               -- the newest meta.lastUpdated that came in this pass
  undated INTEGER NOT NULL DEFAULT 0, -- how many came without one
  flawed TEXT,               -- why absence says nothing in this pass
  UNIQUE (source_id, type, filter)
);

-- What a full pass under way has brought so far; emptied when it ends.
CREATE TABLE pass_seen (
  search_id INTEGER NOT NULL REFERENCES search_state(id) ON DELETE CASCADE,
  resource_id INTEGER NOT NULL,
  PRIMARY KEY (search_id, resource_id)
) WITHOUT ROWID;

-- Resources that a complete pass did not bring any more. They stay as they are.
CREATE TABLE absence (
  resource_id INTEGER PRIMARY KEY REFERENCES resource(id) ON DELETE CASCADE,
  since TEXT NOT NULL,
  asked TEXT                 -- when it was last read by its address to make sure
);

-- Resources that the source took back: resource.state is `gone`, bytes and history stay.
CREATE TABLE tombstone (
  resource_id INTEGER PRIMARY KEY REFERENCES resource(id) ON DELETE CASCADE,
  since TEXT NOT NULL,
  reason TEXT NOT NULL,      -- entered-in-error, deleted, merged
  detail TEXT                -- `Type/id` it was merged into
);

-- What asking has taught about a server: `kind` is split, no-count, no-last-updated, unsupported, no-batch, …
CREATE TABLE learned (
  source_id INTEGER NOT NULL REFERENCES source(id) ON DELETE CASCADE,
  type TEXT NOT NULL,
  kind TEXT NOT NULL,
  value TEXT NOT NULL,       -- JSON
  learned TEXT NOT NULL,
  PRIMARY KEY (source_id, type, kind)
) WITHOUT ROWID;

-- A Bulk Data export under way: enough to go on after any interruption.
CREATE TABLE bulk_export (
  id INTEGER PRIMARY KEY,
  source_id INTEGER NOT NULL REFERENCES source(id) ON DELETE CASCADE,
  level TEXT NOT NULL,       -- patient, group:ID, system
  request TEXT NOT NULL,     -- the kick-off address
  status_url TEXT,
  state TEXT NOT NULL,       -- preparing, downloading, completed, failed, cancelled
  since TEXT,
  began TEXT NOT NULL,
  moved TEXT NOT NULL,       -- when its progress last changed
  progress TEXT,
  transaction_time TEXT,
  manifest TEXT              -- JSON: the files, and which of them are done
);
CREATE INDEX bulk_export_of ON bulk_export(source_id, id);

ALTER TABLE sync_run ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sync_run ADD COLUMN retry_of INTEGER;
ALTER TABLE sync_run ADD COLUMN attempts INTEGER NOT NULL DEFAULT 1;
ALTER TABLE sync_run ADD COLUMN progress REAL;
ALTER TABLE sync_run ADD COLUMN failed_requests INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sync_run ADD COLUMN response_ms REAL NOT NULL DEFAULT 0;
ALTER TABLE sync_run ADD COLUMN cancel INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sync_run ADD COLUMN exit_status INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sync_run ADD COLUMN wish TEXT NOT NULL DEFAULT '{}';
ALTER TABLE problem ADD COLUMN time TEXT;

-- Attachments: how fetching went, and what kind of document it is.
ALTER TABLE attachment ADD COLUMN http_status INTEGER;
ALTER TABLE attachment ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;
ALTER TABLE attachment ADD COLUMN tried TEXT;
ALTER TABLE attachment ADD COLUMN fetched TEXT;
ALTER TABLE attachment ADD COLUMN format TEXT;

-- What can be read in a document, for the search; may be dropped and made again from its bytes.
CREATE TABLE document_text (
  document_id INTEGER PRIMARY KEY REFERENCES document(id) ON DELETE CASCADE,
  media_type TEXT,           -- as its first bytes say
  text TEXT NOT NULL,
  made_by TEXT NOT NULL
);

-- What happened at one visit: the end of an address tells visits apart as well as all of it, in half the room. Each
-- batch of a sync touches every page of this index, so its size is time.
DROP INDEX record_encounter;
CREATE INDEX record_encounter ON record(substr(encounter, -6)) WHERE encounter IS NOT NULL;

-- Let more pieces of the full-text index gather before they are merged: a long sync rewrites them half as often.
INSERT INTO record_search (record_search, rank) VALUES ('automerge', 16);
