-- The first shape of a records file. Numbered files like this one are the truth about raw tables; the
-- models in store/tables.py say the same to Python and to readers, and a test holds both together.

-- Where records came from: a connection, an imported file, the person.
CREATE TABLE source (
  id INTEGER PRIMARY KEY,
  key TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  fhir_base TEXT,
  created TEXT NOT NULL
);

-- A source that can be asked again. Tokens are not here: they live in the vault.
CREATE TABLE connection (
  source_id INTEGER PRIMARY KEY REFERENCES source(id) ON DELETE CASCADE,
  provider TEXT NOT NULL,
  vendor TEXT NOT NULL,
  organisation TEXT NOT NULL,
  fhir_base TEXT NOT NULL,
  client_id TEXT NOT NULL,
  auth TEXT NOT NULL,
  patient_id TEXT,
  state TEXT NOT NULL,
  requested_scopes TEXT NOT NULL,
  granted_scopes TEXT NOT NULL,
  refused TEXT NOT NULL,
  connected TEXT,
  last_sync TEXT,
  token_expires TEXT,
  sign_in_before TEXT,
  auto_sync INTEGER NOT NULL,
  every_hours INTEGER NOT NULL
);

-- Raw: what a source said, byte for byte.
CREATE TABLE resource (
  id INTEGER PRIMARY KEY,
  source_id INTEGER NOT NULL REFERENCES source(id) ON DELETE CASCADE,
  type TEXT NOT NULL,
  fhir_id TEXT NOT NULL,
  raw_hash BLOB NOT NULL,
  content_hash BLOB NOT NULL,
  state TEXT NOT NULL,
  first_seen TEXT NOT NULL,
  changed TEXT NOT NULL,
  raw BLOB NOT NULL, -- last, so that reading the others never walks its overflow pages
  UNIQUE (source_id, type, fhir_id)
);

-- What it said before.
CREATE TABLE resource_version (
  id INTEGER PRIMARY KEY,
  resource_id INTEGER NOT NULL REFERENCES resource(id) ON DELETE CASCADE,
  raw BLOB NOT NULL,
  seen TEXT NOT NULL,
  replaced TEXT NOT NULL
);
CREATE INDEX resource_version_of ON resource_version(resource_id);

-- References that nothing stored answers yet: read in one round at the end of a sync, also of the next one.
CREATE TABLE wanted_reference (
  source_id INTEGER NOT NULL REFERENCES source(id) ON DELETE CASCADE,
  type TEXT NOT NULL,
  fhir_id TEXT NOT NULL,
  tried TEXT,
  http_status INTEGER,
  reason TEXT,
  PRIMARY KEY (source_id, type, fhir_id)
);

-- Bytes of documents, each kept once.
CREATE TABLE document (
  id INTEGER PRIMARY KEY,
  sha256 BLOB NOT NULL UNIQUE,
  bytes INTEGER NOT NULL,
  content BLOB NOT NULL
);

-- What a resource attaches. state: wanted, stored, refused, failed, absent.
CREATE TABLE attachment (
  resource_id INTEGER NOT NULL REFERENCES resource(id) ON DELETE CASCADE,
  position INTEGER NOT NULL,
  title TEXT,
  media_type TEXT,
  url TEXT,
  state TEXT NOT NULL,
  reason TEXT,
  document_id INTEGER REFERENCES document(id),
  PRIMARY KEY (resource_id, position)
);
CREATE INDEX attachment_state ON attachment(state) WHERE state IN ('wanted', 'failed');
CREATE INDEX attachment_document ON attachment(document_id);

-- Records are derived: everything from here to record_search may be dropped and rebuilt from raw.
CREATE TABLE record (
  id INTEGER PRIMARY KEY, -- of the resource it was first read from, so it survives a rebuild
  kind TEXT NOT NULL,
  title TEXT NOT NULL,
  description TEXT,
  date TEXT,
  precision TEXT,
  date_from INTEGER,
  date_to INTEGER,
  end TEXT,
  recorded TEXT,
  value TEXT,
  value_number REAL,
  unit TEXT,
  low REAL,
  high REAL,
  range_text TEXT,
  interpretation TEXT,
  abnormal INTEGER,
  status TEXT,
  category TEXT,
  codes TEXT NOT NULL,
  facility TEXT,
  performer TEXT,
  encounter TEXT,
  origin TEXT NOT NULL,
  sensitivity TEXT NOT NULL,
  supporting INTEGER NOT NULL,
  resource TEXT NOT NULL
);
-- The first two columns order a timeline, the others answer its filters without touching the row.
CREATE INDEX record_by_date ON record(date_from DESC, id DESC, date_to, kind, sensitivity) WHERE supporting = 0;
-- Narrow, so that counting a whole life reads a fifth of the pages.
CREATE INDEX record_by_kind ON record(kind) WHERE supporting = 0;
CREATE INDEX record_encounter ON record(encounter) WHERE encounter IS NOT NULL;

-- One fact can come from several sources, and one source can say it more than once.
CREATE TABLE record_source (
  record_id INTEGER NOT NULL REFERENCES record(id) ON DELETE CASCADE,
  source_id INTEGER NOT NULL REFERENCES source(id) ON DELETE CASCADE,
  resource_id INTEGER NOT NULL REFERENCES resource(id) ON DELETE CASCADE,
  PRIMARY KEY (record_id, source_id, resource_id)
) WITHOUT ROWID;
CREATE INDEX record_source_resource ON record_source(resource_id);

-- What was looked up while deriving: when it changes, the record is derived again.
CREATE TABLE record_link (
  source_id INTEGER NOT NULL,
  target TEXT NOT NULL,
  record_id INTEGER NOT NULL REFERENCES record(id) ON DELETE CASCADE,
  PRIMARY KEY (source_id, target, record_id)
) WITHOUT ROWID;
CREATE INDEX record_link_record ON record_link(record_id);

CREATE VIRTUAL TABLE record_search USING fts5(
  title, detail, codes, body,
  content='', contentless_delete=1, tokenize='unicode61 remove_diacritics 2'
);

-- The person's own words beside a record. Never touched by a rebuild.
CREATE TABLE tag (
  resource_id INTEGER NOT NULL REFERENCES resource(id) ON DELETE CASCADE,
  tag TEXT NOT NULL,
  PRIMARY KEY (resource_id, tag)
) WITHOUT ROWID;

CREATE TABLE sync_run (
  id INTEGER PRIMARY KEY,
  source_id INTEGER NOT NULL REFERENCES source(id) ON DELETE CASCADE,
  trigger TEXT NOT NULL,
  status TEXT NOT NULL,
  mode TEXT NOT NULL,
  started TEXT NOT NULL,
  finished TEXT,
  seconds REAL NOT NULL,
  requests INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  types TEXT NOT NULL,
  documents TEXT NOT NULL,
  error TEXT
);
CREATE INDEX sync_run_of ON sync_run(source_id, id);

-- What was skipped and why, with its bytes where there were any.
CREATE TABLE problem (
  id INTEGER PRIMARY KEY,
  run_id INTEGER NOT NULL REFERENCES sync_run(id) ON DELETE CASCADE,
  type TEXT NOT NULL,
  fhir_id TEXT,
  reason TEXT NOT NULL,
  http_status INTEGER,
  known INTEGER NOT NULL,
  raw BLOB
);
CREATE INDEX problem_of ON problem(run_id);

-- Append-only; each line holds the hash of the one before.
CREATE TABLE audit_event (
  id INTEGER PRIMARY KEY,
  time TEXT NOT NULL,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  objects TEXT NOT NULL,
  outcome TEXT NOT NULL,
  hash BLOB NOT NULL
);

CREATE TABLE setting (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
);
