"""What we keep: Source, Record and what stands in it, the runs, the log."""

from __future__ import annotations

from dataclasses import dataclass, field

from phr.model.codes import Code
from phr.model.resources import Problem


@dataclass(frozen=True, slots=True)
class Source:
    """Where records came from: a connection, an imported file's sender, or the person."""

    key: str
    name: str
    kind: str
    """`connection`, `import` or `person`."""
    fhir_base: str | None = None


@dataclass(frozen=True, slots=True)
class Attachment:
    """Bytes that a record points at. `url` and `data` as FHIR Attachment has them; both may be missing."""

    index: int
    media_type: str | None = None
    title: str | None = None
    url: str | None = field(default=None, repr=False)
    data: str | None = field(default=None, repr=False)
    """base64 as it stands in the resource."""


@dataclass(frozen=True, slots=True)
class Record:
    """One readable row of a life, derived from one resource; can be rebuilt from it at any time."""

    kind: str
    title: str
    resource: str
    """`Type/id`."""
    description: str | None = None
    date: str | None = None
    """FHIR date or dateTime with the precision the source gave: when it happened to the person."""
    end: str | None = None
    recorded: str | None = None
    """When it was written down, which is not when it happened."""
    value: str | None = None
    """As text, with the digits of the source: `1.20` stays `1.20`."""
    value_number: float | None = None
    unit: str | None = None
    low: float | None = None
    high: float | None = None
    range_text: str | None = None
    interpretation: str | None = None
    """v3-ObservationInterpretation code: H, L, A, HH, LL, N …, as the source said or as value and range show."""
    abnormal: bool | None = None
    """None: nobody said and it cannot be computed."""
    status: str | None = None
    category: str | None = None
    codes: tuple[Code, ...] = ()
    facility: str | None = None
    performer: str | None = None
    encounter: str | None = None
    """`Encounter/id` in which it happened, if said."""
    origin: str = "provider"
    """`provider`, `patient`, `payer`, `device` or `person` (typed in by hand)."""
    sensitivity: str = "normal"
    """`normal`, `sensitive` or `restricted`, by the security labels of its source, or as the person marked it."""
    supporting: bool = False
    """A Practitioner, an Organization …: kept and shown by name, not an event of its own."""
    text: str = ""
    """Further words for the full-text index (notes, conclusions, narrative); not shown."""
    attachments: tuple[Attachment, ...] = ()
    wanted: tuple[str, ...] = ()
    """`Type/id` of what was looked up while deriving: when one of these changes, derive again."""


@dataclass(frozen=True, slots=True)
class TypeCounts:
    """What one run did to one resource type."""

    new: int = 0
    updated: int = 0
    unchanged: int = 0
    gone: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class SyncRun:
    """One pull: when, what changed, what failed."""

    job_id: str
    connection: str
    trigger: str
    status: str
    """`queued`, `running`, `completed`, `partial`, `failed` or `cancelled`."""
    mode: str
    """`full`, `incremental`, `bulk`, `documents` or `file` (an import)."""
    started: str
    finished: str
    seconds: float
    requests: int
    bytes: int
    types: dict[str, TypeCounts]
    skipped: tuple[Problem, ...]
    documents: dict[str, int]
    error: str | None = None
    exit_status: int = 0
    failed_requests: int = 0
    """Requests that met no answer or one that says no, retries included."""
    mean_response_ms: float | None = None
    priority: int = 0
    attempts: int = 1
    retry_of: str | None = None
    progress: float | None = None
    """The share that is done, 0 to 1, while it runs."""


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """What was done with the data. Append-only."""

    time: str
    actor: str
    action: str
    objects: str
    outcome: str
