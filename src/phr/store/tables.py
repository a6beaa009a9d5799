"""Every table of a records file, declared once for Python: what each row is, and its types.

`sqlmodel` costs a quarter of a second to import, so nothing on the way of a quick command imports this
module: reading goes through SQL on the store's own connection, and so does writing many rows. The small
tables of a sign-in (a connection and its source) are written as these models, through
`Store.session()`. `phr doctor` compares a file with them, a test compares them with the migrations.
"""

from __future__ import annotations

from sqlmodel import Field, SQLModel

from phr.store import derived

__all__ = ["SQLModel", "derived"]

Blob = bytes
"""A model with a column named `bytes` cannot name the type."""


class Source(SQLModel, table=True):
    """Where records came from: a connection, an imported file, the person."""

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True)
    name: str = Field(unique=True)
    kind: str
    fhir_base: str | None = None
    created: str


class Connection(SQLModel, table=True):
    """A source that can be asked again. Scope lists and refusals are JSON text."""

    source_id: int | None = Field(default=None, primary_key=True, foreign_key="source.id")
    provider: str
    vendor: str
    organisation: str
    fhir_base: str
    client_id: str
    auth: str
    patient_id: str | None = None
    state: str
    requested_scopes: str
    granted_scopes: str
    refused: str
    connected: str | None = None
    last_sync: str | None = None
    token_expires: str | None = None
    sign_in_before: str | None = None
    auto_sync: int
    every_hours: int
    redirect: str
    redirect_uri: str | None = None
    fhir_user: str | None = None
    patient_name: str | None = None


class Resource(SQLModel, table=True):
    """What a source said, byte for byte. `state` is `current` or `gone`."""

    id: int | None = Field(default=None, primary_key=True)
    source_id: int = Field(foreign_key="source.id")
    type: str
    fhir_id: str
    raw_hash: bytes
    content_hash: bytes
    state: str
    first_seen: str
    changed: str
    raw: bytes


class ResourceVersion(SQLModel, table=True):
    """What it said before."""

    __tablename__ = "resource_version"

    id: int | None = Field(default=None, primary_key=True)
    resource_id: int = Field(foreign_key="resource.id")
    raw: bytes
    seen: str
    replaced: str


class WantedReference(SQLModel, table=True):
    """A reference that nothing stored answers yet, and what the server said when asked."""

    __tablename__ = "wanted_reference"

    source_id: int = Field(primary_key=True, foreign_key="source.id")
    type: str = Field(primary_key=True)
    fhir_id: str = Field(primary_key=True)
    tried: str | None = None
    http_status: int | None = None
    reason: str | None = None


class SearchState(SQLModel, table=True):
    """Where one search of a source stands: its watermark, and the pass under way (see store.passes)."""

    __tablename__ = "search_state"

    id: int | None = Field(default=None, primary_key=True)
    source_id: int = Field(foreign_key="source.id")
    type: str
    filter: str
    watermark: str | None = None
    full_pass: str | None = None
    mode: str | None = None
    began: str | None = None
    since: str | None = None
    next_url: str | None = None
    came: int = 0
    newest: str | None = None
    undated: int = 0
    flawed: str | None = None


class PassSeen(SQLModel, table=True):
    """What a full pass under way has brought so far."""

    __tablename__ = "pass_seen"

    search_id: int = Field(primary_key=True, foreign_key="search_state.id")
    resource_id: int = Field(primary_key=True)


class Absence(SQLModel, table=True):
    """A resource that a complete pass did not bring any more. It stays as it is."""

    resource_id: int = Field(primary_key=True, foreign_key="resource.id")
    since: str
    asked: str | None = None


class Tombstone(SQLModel, table=True):
    """A resource that its source took back: `reason` is entered-in-error, deleted or merged."""

    resource_id: int = Field(primary_key=True, foreign_key="resource.id")
    since: str
    reason: str
    detail: str | None = None


class Learned(SQLModel, table=True):
    """What asking has taught about a server; `value` is JSON text."""

    source_id: int = Field(primary_key=True, foreign_key="source.id")
    type: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    value: str
    learned: str


class BulkExport(SQLModel, table=True):
    """A Bulk Data export under way; `manifest` is JSON text."""

    __tablename__ = "bulk_export"

    id: int | None = Field(default=None, primary_key=True)
    source_id: int = Field(foreign_key="source.id")
    level: str
    request: str
    status_url: str | None = None
    state: str
    since: str | None = None
    began: str
    moved: str
    progress: str | None = None
    transaction_time: str | None = None
    manifest: str | None = None


class Document(SQLModel, table=True):
    """Bytes of a document, each kept once."""

    id: int | None = Field(default=None, primary_key=True)
    sha256: Blob = Field(unique=True)
    bytes: int
    content: Blob


class Attachment(SQLModel, table=True):
    """What a resource attaches. `state`: wanted, stored, refused, failed, absent."""

    resource_id: int = Field(primary_key=True, foreign_key="resource.id")
    position: int = Field(primary_key=True)
    title: str | None = None
    media_type: str | None = None
    url: str | None = None
    state: str
    reason: str | None = None
    document_id: int | None = Field(default=None, foreign_key="document.id")
    http_status: int | None = None
    tries: int = 0
    tried: str | None = None
    fetched: str | None = None
    format: str | None = None


class Tag(SQLModel, table=True):
    """The person's own word beside a record."""

    resource_id: int = Field(primary_key=True, foreign_key="resource.id")
    tag: str = Field(primary_key=True)


class Note(SQLModel, table=True):
    """What the person wrote beside a record."""

    id: int | None = Field(default=None, primary_key=True)
    resource_id: int = Field(foreign_key="resource.id")
    text: str
    written: str
    changed: str | None = None


class Bookmark(SQLModel, table=True):
    """A record that the person wants to find again."""

    resource_id: int = Field(primary_key=True, foreign_key="resource.id")
    since: str


class Correction(SQLModel, table=True):
    """One field as the person says it is, laid over what the source says."""

    resource_id: int = Field(primary_key=True, foreign_key="resource.id")
    field: str = Field(primary_key=True)
    value: str | None = None
    reason: str | None = None
    made: str


class Question(SQLModel, table=True):
    """What the person wants to ask at an appointment."""

    id: int | None = Field(default=None, primary_key=True)
    whom: str | None = None
    text: str
    asked: str
    answered: str | None = None
    answer: str | None = None


class RecentSearch(SQLModel, table=True):
    """What was searched for lately."""

    __tablename__ = "recent_search"

    words: str = Field(primary_key=True)
    searched: str


class SyncRun(SQLModel, table=True):
    """One pull (see model.SyncRun). `types` and `documents` are JSON text."""

    __tablename__ = "sync_run"

    id: int | None = Field(default=None, primary_key=True)
    source_id: int = Field(foreign_key="source.id")
    trigger: str
    status: str
    mode: str
    started: str
    finished: str | None = None
    seconds: float
    requests: int
    bytes: int
    types: str
    documents: str
    error: str | None = None
    priority: int = 0
    retry_of: int | None = None
    attempts: int = 1
    progress: float | None = None
    failed_requests: int = 0
    response_ms: float = 0.0
    cancel: int = 0
    exit_status: int = 0
    wish: str = "{}"
    part_of: int | None = None
    undone: str | None = None


class ImportItem(SQLModel, table=True):
    """What an import brought. `change`: new, updated, unchanged."""

    __tablename__ = "import_item"

    run_id: int = Field(primary_key=True, foreign_key="sync_run.id")
    resource_id: int = Field(primary_key=True, foreign_key="resource.id")
    change: str


class DocumentImport(SQLModel, table=True):
    """Which attached documents were read into resources, by which import."""

    __tablename__ = "document_import"

    document_id: int = Field(primary_key=True, foreign_key="document.id")
    run_id: int = Field(primary_key=True, foreign_key="sync_run.id")


class Problem(SQLModel, table=True):
    """What a run skipped and why, with its bytes where there were any."""

    id: int | None = Field(default=None, primary_key=True)
    run_id: int = Field(foreign_key="sync_run.id")
    type: str
    fhir_id: str | None = None
    reason: str
    http_status: int | None = None
    known: int
    raw: bytes | None = None
    time: str | None = None


class AuditEvent(SQLModel, table=True):
    """One line of the append-only log."""

    __tablename__ = "audit_event"

    id: int | None = Field(default=None, primary_key=True)
    time: str
    actor: str
    action: str
    objects: str
    outcome: str
    hash: bytes


class Setting(SQLModel, table=True):
    """What a file says of itself: the version its records were derived with, …"""

    name: str = Field(primary_key=True)
    value: str
