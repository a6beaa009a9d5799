"""The nouns of this house, in the words of FHIR and SMART App Launch. Read this file first.

Values only: nothing here touches a network, a disk or a clock. `Resource` and `Bundle` stay plain JSON
dicts and are read through `phr.fhir.read`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Resource = dict[str, Any]
Bundle = dict[str, Any]

KINDS = (
    "lab_result",
    "vital_sign",
    "problem",
    "medication",
    "allergy",
    "immunization",
    "procedure",
    "encounter",
    "imaging",
    "clinical_note",
    "document",
    "care_plan",
    "goal",
    "care_team",
    "social_history",
    "family_history",
    "device",
    "message",
    "task",
    "appointment",
    "order",
    "coverage",
    "claim",
    "questionnaire",
    "directive",
    "other",
)
"""What a Record can be; the list is fixed, scripts rely on it."""

# ── who we talk to ────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Vendor:
    """An EHR product and its habits: everything that differs between vendors is a value here."""

    id: str
    name: str
    auth: str = "public"
    """`public`, `secret` (client_secret_basic/post) or `private-key`."""
    redirect_host: str = "127.0.0.1"
    redirect_port: int = 8765
    redirect_path: str = "/callback"
    scopes: tuple[str, ...] = ("openid", "fhirUser", "launch/patient", "offline_access")
    """Asked for beside the scopes for reading resources."""
    scope_dialect: str = "auto"
    """`v1` (`.read`), `v2` (`.rs`) or `auto`: what the server's smart-configuration says."""
    resource_scopes: tuple[str, ...] = ("patient/*",)
    """Without the permission part, which the dialect adds. Empty: the registration decides."""
    types: tuple[str, ...] = ()
    """The types this vendor has for patients; nothing else is asked for. Empty: whatever the server declares."""
    splits: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    """Searches a type must be cut into: `{"Observation": (("category", "laboratory"), …)}`."""
    page_size: int = 100
    concurrency: int = 4
    aud_slash: bool | None = None
    """Whether `aud` ends with a slash; None keeps the published spelling."""
    recipe: str = ""
    """How a person gets a client id here, in a few lines."""
    portal: str = ""


@dataclass(frozen=True, slots=True)
class Provider:
    """An institution's FHIR endpoint, or a vendor's sandbox: what `phr connect` takes."""

    id: str
    name: str
    vendor: Vendor
    fhir_base: str | None = None
    """None for a vendor's own entry: the organisation has to be chosen first."""
    place: str | None = None
    client_id: str | None = None
    sandbox: bool = False


@dataclass(frozen=True, slots=True)
class SmartConfiguration:
    """What `.well-known/smart-configuration` (or the CapabilityStatement's oauth-uris) says."""

    authorization_endpoint: str
    token_endpoint: str
    revocation_endpoint: str | None = None
    issuer: str | None = None
    scopes_supported: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    token_auth_methods: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Token:
    """What a sign-in gave. Only expiry and scope are ever shown."""

    access_token: str = field(repr=False)
    expires_at: float | None
    """Seconds since the epoch; None when the server did not say."""
    scope: str | None
    refresh_token: str | None = field(default=None, repr=False)
    patient: str | None = field(default=None, repr=False)
    id_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Connection:
    """One person at one provider. Holds no secret: those live in the vault under its `key`."""

    key: str
    """A random id that never changes; the source of every record that came this way."""
    name: str
    provider: str
    vendor: str
    organisation: str
    fhir_base: str
    client_id: str
    patient_id: str | None = None
    state: str = "active"
    """`active`, `expired`, `revoked` or `error`."""
    requested_scopes: tuple[str, ...] = ()
    granted_scopes: tuple[str, ...] = ()
    refused: tuple[Refusal, ...] = ()
    connected: str | None = None
    last_sync: str | None = None
    token_expires: str | None = None
    sign_in_before: str | None = None
    auth: str = "public"
    auto_sync: bool = True
    every_hours: int = 24


@dataclass(frozen=True, slots=True)
class Refusal:
    """A resource type that this connection does not get, and why."""

    type: str
    reason: str


# ── what comes in ─────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Search:
    """One search to ask: a type, its parameters, and why we ask."""

    type: str
    params: tuple[tuple[str, str], ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Received:
    """One resource as it came: its exact bytes, and the two words that address it."""

    type: str
    id: str
    raw: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that was skipped: what, why, and its bytes if there were any. Never a clinical word."""

    type: str
    reason: str
    id: str | None = None
    http_status: int | None = None
    known: bool = False
    """A server is known to refuse this: it is named but does not make a run `partial`."""
    raw: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a searchset: what came, what could not be read, what the server remarked, what is next."""

    received: tuple[Received, ...]
    problems: tuple[Problem, ...] = ()
    next_url: str | None = None
    total: int | None = None
    bytes: int = 0


class Change(StrEnum):
    """What saving one resource did."""

    NEW = "new"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    GONE = "gone"


# ── what we keep ──────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Source:
    """Where records came from: a connection, an imported file's sender, or the person."""

    key: str
    name: str
    kind: str
    """`connection`, `import` or `person`."""
    fhir_base: str | None = None


@dataclass(frozen=True, slots=True)
class Code:
    """One coding: FHIR system URI, code, display. Any of them may be missing in the world."""

    system: str | None
    code: str | None
    display: str | None = None


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
    """`normal`, `restricted` or `very_restricted` (FHIR security labels N, R, V)."""
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
    """`completed`, `partial`, `failed` or `cancelled`."""
    mode: str
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


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """What was done with the data. Append-only."""

    time: str
    actor: str
    action: str
    objects: str
    outcome: str
