"""What may differ from the plain specification: one value for each habit that a vendor was seen to have.

The defaults are SMART App Launch 2.2 and the RFCs to the letter. `vendors.py` fills in the table, and
`SandboxConfig` can change any single habit for a test. This file is about signing in, `record_habits.py` about the
records.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from phr.sandbox.record_habits import FHIR_JSON, RecordHabits

__all__ = ["ALL_AUTH", "FHIR_JSON", "PATHS", "VendorHabits"]

ALL_AUTH = ("none", "client_secret_basic", "client_secret_post", "private_key_jwt")
"""The ways to authenticate at the token endpoint that this server can check."""


@dataclass(frozen=True, slots=True)
class VendorHabits(RecordHabits):
    """One product's habits, signing in first; the defaults are the plain specification."""

    # the way back
    redirects: str = "loopback"
    """`loopback`: this computer on any port (RFC 8252, 7.3); `registered`: letter by letter; `registered-https`:
    those of them with https; `https`: any https address that is not this computer; `any`: all of these."""
    answer_by: str = "query"
    """How the answer comes back: `query`, `fragment` or `post` (a form that posts itself)."""
    iss_parameter: bool = False
    """The answer names its issuer (RFC 9207)."""
    error_uri: bool = False
    """Errors say where to read more (RFC 6749, 4.1.2.1 and 5.2)."""

    # which app
    any_client: bool = False
    """Every client id is known, as at the SMART Health IT launcher."""
    public_client: bool = True
    """False: `client_id` has a secret too, so that coming without it ends with `invalid_client`."""
    auth_methods: tuple[str, ...] = ALL_AUTH
    signing_algorithms: tuple[str, ...] = ("RS384", "ES384")
    registration: str = "none"
    """`open`: RFC 7591 and 7592 for everyone; `after-sign-in`: Epic's dynamic clients; `none`: 404."""
    backend: str = "no"
    """client_credentials: `yes`, `refused` (offered, yet `unauthorized_client`) or `no`."""

    # what is asked for
    pkce: str = "required"
    """Of a public client: `required`, `optional`, or `ignored` and not advertised either."""
    needs_nonce: bool = False
    """With `openid`."""
    aud_exact: bool = False
    """`aud` is compared letter by letter; else with or without a slash at the end."""
    aud_slash: bool = False
    """The registered FHIR base ends with a slash."""
    wildcards: bool = True
    """False: `patient/*` is not granted."""
    scope_version: str = "both"
    """Of the registered app: `v1` loses `.rs`, `v2` loses `.read`, silently."""
    exact_scopes: tuple[str, ...] = ()
    """Anything else ends with `invalid_scope`; empty: what is unknown is dropped."""
    drop_scopes: tuple[str, ...] = ()
    """Never granted, and nothing is said."""
    registered_scopes: bool = False
    """Without any scope for resources the registration decides: everything that is held."""

    # the token answer
    token_seconds: int = 3600
    patient_in_token: bool = True
    """False: the person is told only by `fhirUser` in the id_token, or by a claim of the access token."""
    access_claims: Mapping[str, str] = field(default_factory=dict)
    """Not empty: access tokens are JWTs with these claims; `{patient}` stands for the Patient's id."""
    expires_in_as: str = "number"
    """`number`, `text` or `missing`."""
    scope_answer: str = "as-granted"
    """`as-granted`, `missing`, `empty`, `reordered` or `other-dialect` (`.rs` for `.read` and back)."""
    token_in_query: str = "no"  # noqa: S105 - a rule, no password
    """Parameters of the token endpoint in the address: `no` (RFC 6749, 3.2), `both` or `only`."""

    # staying signed in
    refresh_for_public: bool = True
    refresh_by_registration: bool = False
    """A refresh token comes without `offline_access` being granted."""
    rotation: str = "always"
    """A new refresh token: `always` (with reuse detection), `sometimes` (every second time) or `never`."""
    refresh_needs: tuple[str, ...] = ()
    """Parameters that have to be repeated."""
    refresh_pause: int = 0
    """Seconds between two refreshes; a faster one gets 429."""
    refresh_idle_seconds: int | None = None
    """A refresh token that lies unused so long is dead."""
    refresh_ends_seconds: int | None = None
    """Fixed end, counted from the consent."""
    refresh_end_as: str = "nothing"
    """How the end is told: `jwt` (`exp` of the refresh token), `refresh_expires_in`, `refresh_token_expires_in`."""

    # what the server says about itself
    discovery: str = "smart"
    """`smart`, `metadata` (only oauth-uris), `metadata-old` (the DSTU2-era form), `root` (not below the FHIR
    base), `html` (a page where JSON should be), or `none` (an open server)."""
    paths: Mapping[str, str] = field(default_factory=dict)
    """Where endpoints are, if not below `/oauth`; see `PATHS`."""
    authorize_query: str = ""
    """A query that the address of the authorization endpoint has already; `{base}` is the FHIR base."""
    issuer: str = "{base}"
    """`{base}` is the FHIR base, `{origin}` the server."""
    id_token_issuer: str | None = None
    """Where the id_token names another."""
    says: Mapping[str, object] = field(default_factory=dict)
    """Members of the smart-configuration that read otherwise than they should; None leaves one out."""
    advertises_registration: bool = True
    introspection: str = "no"
    """RFC 7662: `post`, `get` (athenahealth) or `no`."""
    revocation: bool = True
    management: bool = False
    """There is a page where a person sees and ends the access that apps have."""

    def path(self, name: str) -> str:
        """Where an endpoint is; `name` is one of PATHS."""
        return self.paths.get(name, PATHS[name])


PATHS = {
    name: f"/oauth/{name}" for name in ("authorize", "token", "revoke", "introspect", "register", "manage")
} | {"jwks": "/oauth/jwks"}
"""The endpoints and where they usually are."""
