"""Who we talk to, and what a sign-in gave: Vendor, Provider, SmartConfiguration, Token, Connection, Refusal."""

from __future__ import annotations

from dataclasses import dataclass, field

from phr.model.words import REDIRECTS


@dataclass(frozen=True, slots=True)
class Vendor:
    """An EHR product and its habits: everything that differs between vendors is a value here."""

    id: str
    name: str
    aliases: tuple[str, ...] = ()
    """Other words people type for it: `cerner`, `healow`."""

    # signing in
    auth: tuple[str, ...] = ("public",)
    """The methods this vendor takes (see AUTH_METHODS), the usual one first."""
    registration: str = "portal"
    """How a client id is had: `portal` by hand, `open` by the app (RFC 7591), `after-sign-in` a second one (Epic)."""
    redirects: tuple[str, ...] = REDIRECTS
    """The ways back this vendor allows, the usual one first."""
    redirect_host: str = "127.0.0.1"
    redirect_port: int = 8765
    redirect_path: str = "/callback"
    scopes: tuple[str, ...] = ("openid", "fhirUser", "launch/patient", "offline_access")
    """Asked for beside the scopes for reading resources."""
    scope_dialect: str = "auto"
    """`v1` (`.read`), `v2` (`.rs`) or `auto`: what the server's smart-configuration says."""
    resource_scopes: tuple[str, ...] = ("patient/*",)
    """Without the permission part, which the dialect adds. Empty: the registration decides."""
    aud_slash: bool | None = None
    """Whether `aud` ends with a slash; None keeps the published spelling."""
    pkce: str = "optional"
    """What the server does with the challenge, which is always sent: `required`, `optional` or `ignored`."""
    nonce: bool | None = None
    """Whether a nonce is sent, and has to come back; None: sent when `openid` is asked for, and missed by nobody."""
    issuer_differs: bool = False
    """The id_token names another issuer than discovery does; its signature and audience still have to be right."""
    patient_from: tuple[str, ...] = ("token", "id_token", "access_token", "search")
    """Where to learn whose record it is, tried in this order."""
    patient_claims: tuple[str, ...] = ("patient", "local_patient_id", "launch_response_patient")
    """Claims of a JWT access token that may name the patient."""
    token_in_query: bool = False
    """The token endpoint reads its parameters from the query, not from the body (NextGen)."""

    # staying signed in
    token_seconds: int | None = None
    """Usual life of an access token where the server does not say; None: unknown."""
    refresh: str = "unknown"
    """Who gets a refresh token: `public`, `confidential`, `dynamic` (by a client of its own), `none`, `unknown`."""
    refresh_scope: bool = False
    """The scope has to be repeated when refreshing (athenahealth)."""
    refresh_pause: int = 0
    """Seconds that have to lie between two refreshes (Oracle Health: 60)."""
    refresh_idle_hours: int | None = None
    """Hours after which a refresh token that was not used is dead; None: not known to die of it."""
    consent_days: int | None = None
    """Days after the sign-in at which the consent ends, however often it is renewed; None: not known to end."""

    # asking
    types: tuple[str, ...] = ()
    """The types this vendor is known to have for patients. A server that declares more is asked for them as well;
    one that declares nothing only for these, and for those granted by name. Empty: not known."""
    splits: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    """Searches a type must be cut into: `{"Observation": (("category", "laboratory"), …)}`."""
    search_params: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    """Parameters that every search of a type needs beside the patient: `{"Appointment": (("date", "ge1900-01-01"),)}`."""
    claim_params: dict[str, str] = field(default_factory=dict)
    """Parameters of every search taken from claims of the access token: `{"ah-practice": "Organization/{ah_practice}"}`."""
    page_size: int = 100
    concurrency: int = 4
    last_updated: tuple[str, ...] = ()
    """Types for which `_lastUpdated` is known to work; what the server declares counts too."""
    everything: bool | None = None
    """Whether `Patient/$everything` is offered to patients; None: as the server declares."""
    provenance: bool | None = None
    """Whether searches bring Provenance along (`_revinclude=Provenance:target`); None: as the server declares."""
    bulk: str = "none"
    """Bulk Data export: `patient` (for this person's app), `system` (backend services only) or `none`."""
    timeout: float | None = None
    """Seconds that a search may take here; None: as in the settings."""
    requests_per_second: float | None = None
    burst: int | None = None
    """How many requests may come at once, within two seconds, before `requests_per_second` holds."""
    requests_per_minute: int | None = None
    """By the minute of the clock."""
    requests_per_day: int | None = None

    # helping the person
    portal: str = ""
    directory: str = ""
    """Where the vendor publishes its customers' FHIR bases, for `phr providers update`."""
    directory_hosts: tuple[str, ...] = ()
    """What FHIR bases of this vendor look like, as globs on `host/path`: tells whose an address in a directory is."""
    recipe: str = ""
    """How a person gets a client id here, in a few lines; `{redirect_uri}` stands for the address to register."""
    waiting: str = ""
    """How long it takes until a client id works."""
    support: str = ""
    status_page: str = ""
    test_sign_ins: str = ""
    """Sign-ins that the vendor publishes for its sandbox."""
    sure: str = ""
    """How sure we are of all this, and when it was last looked at."""


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
    shared: bool = False
    """One base for many organisations: this one is chosen on the provider's own page while signing in."""
    auth: str | None = None
    """Where it differs from the vendor's usual method: `none` for an open server."""


@dataclass(frozen=True, slots=True)
class SmartConfiguration:
    """What `.well-known/smart-configuration` (or the CapabilityStatement's oauth-uris) says."""

    authorization_endpoint: str
    """Empty where only backend services can sign in."""
    token_endpoint: str
    revocation_endpoint: str | None = None
    issuer: str | None = None
    scopes_supported: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    token_auth_methods: tuple[str, ...] = ()
    registration_endpoint: str | None = None
    introspection_endpoint: str | None = None
    management_endpoint: str | None = None
    """Where a person sees and ends the access that apps have."""
    jwks_uri: str | None = None
    iss_parameter: bool = False
    """authorization_response_iss_parameter_supported (RFC 9207): an answer without `iss` is not this server's."""
    signing_algorithms: tuple[str, ...] = ()
    """token_endpoint_auth_signing_alg_values_supported."""


@dataclass(frozen=True, slots=True)
class Token:
    """What a sign-in gave. Only expiry and scope are ever shown; times are seconds since the epoch."""

    access_token: str = field(repr=False)
    expires_at: float | None
    """None when the server did not say."""
    scope: str | None
    refresh_token: str | None = field(default=None, repr=False)
    patient: str | None = field(default=None, repr=False)
    id_token: str | None = field(default=None, repr=False)
    fhir_user: str | None = field(default=None, repr=False)
    """`Type/id` of the person who signed in; a RelatedPerson acts for the patient."""
    signed_in_at: float | None = None
    """When a person last signed in; renewals do not move it."""
    renewed_at: float | None = None
    """When it was last given out, by sign-in or renewal."""
    refresh_ends_at: float | None = None
    """When the refresh token ends, if the server said so."""


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
    """One of AUTH_METHODS."""
    redirect: str = "loopback"
    """One of REDIRECTS: the way the last sign-in came back."""
    redirect_uri: str | None = None
    """As the provider was told it; None where nobody signed in."""
    fhir_user: str | None = None
    """`Type/id` of who signed in, where the provider said so."""
    patient_name: str | None = field(default=None, repr=False)
    """As the provider wrote it at the last sign-in, for listings before the first sync."""
    auto_sync: bool = True
    every_hours: int = 24


@dataclass(frozen=True, slots=True)
class Refusal:
    """A resource type that this connection does not get, and why."""

    type: str
    reason: str
