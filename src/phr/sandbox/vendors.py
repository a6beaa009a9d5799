"""How the EHR products differ from the plain specification, as far as a patient's app can see it.

A table for `phr sandbox --vendor`: each value is something that was seen in the vendor's public documentation
or discovery documents, or that other apps recorded. Where those are silent, the default stands. It imitates
habits, it is not a copy of any product. This half is about signing in, `vendor_records.py` about the records.
"""

from __future__ import annotations

import difflib
from dataclasses import replace

from phr.errors import UsageError
from phr.sandbox.habits import ALL_AUTH, VendorHabits
from phr.sandbox.vendor_records import PRACTICE, RECORDS

__all__ = ["ALIASES", "PRACTICE", "REGISTERED_REDIRECTS", "VENDORS", "canonical"]

REGISTERED_REDIRECTS = (
    "http://127.0.0.1:8765/callback",
    "http://localhost:8765/callback",
    "https://localhost:8765/callback",
    "https://127.0.0.1:8765/callback",
    "https://phr.invalid/callback",
)
"""Registered at the vendors that compare redirect addresses letter by letter; more by `--redirect-uri`."""

_CONFIDENTIAL = ("client_secret_basic", "client_secret_post", "private_key_jwt")
_DAY = 86_400
_PLAIN = VendorHabits(
    iss_parameter=True, registration="open", backend="yes", introspection="post", management=True
)
_VENDOR = VendorHabits(redirects="registered")


def _oauth2(prefix: str = "/oauth2") -> dict[str, str]:
    return {name: f"{prefix}/{name}" for name in ("authorize", "token", "revoke", "introspect", "register")}


# No refresh token for public standalone apps, unless they register a client of their own after the sign-in.
# A confidential one gets rolling tokens that keep the end of the first. `launch/patient` is unknown, five scopes
# are listed.
_EPIC = replace(
    _VENDOR,
    auth_methods=ALL_AUTH,
    registration="after-sign-in",
    advertises_registration=False,
    backend="yes",
    revocation=False,
    paths=_oauth2(),
    pkce="optional",
    drop_scopes=("launch/patient",),
    registered_scopes=True,
    refresh_for_public=False,
    refresh_ends_seconds=90 * _DAY,
    refresh_end_as="jwt",
    says={
        "scopes_supported": ["openid", "fhirUser", "profile", "launch", "epic.scanning.dmsusername"],
        "token_endpoint_auth_methods_supported": list(_CONFIDENTIAL),
    },
)

_TENANT = "/tenants/ec2458f2/protocols/oauth2/profiles/smart-v1"

# Tokens of 570 seconds, one refresh token for good, not more than one refresh a minute, no `patient` in the
# token answer, no wildcards, and an app registered for version 2 loses `.read`.
_ORACLE = replace(
    _VENDOR,
    auth_methods=("none", "client_secret_basic", "private_key_jwt"),
    backend="yes",
    paths={
        "authorize": f"{_TENANT}/personas/patient/authorize",
        "token": "/tenants/ec2458f2/hosts/fhir-myrecord.cerner.com/protocols/oauth2/profiles/smart-v1/token",
        "revoke": f"{_TENANT}/revoke",
        "introspect": f"{_TENANT}/tokeninfo",
        "manage": "/tenants/ec2458f2/my-apps",
    },
    pkce="optional",
    aud_slash=True,
    wildcards=False,
    scope_version="v2",
    error_uri=True,
    token_seconds=570,
    patient_in_token=False,
    rotation="never",
    refresh_pause=60,
    refresh_idle_seconds=90 * _DAY,
    introspection="post",
    management=True,
)

# The document sits at the host root, its issuer ends with a slash; client_credentials is offered, yet refused.
_MEDITECH = replace(
    _VENDOR,
    issuer="{origin}/",
    discovery="root",
    registration="open",
    backend="refused",
    introspection="post",
    says={"token_endpoint_auth_methods_supported": list(_CONFIDENTIAL)},
)

# A misnamed list with doubles; the patient is a claim of the access token; 238 scopes, some of them twice.
_VERADIGM = replace(
    _VENDOR,
    backend="yes",
    paths=_oauth2("/authorization/connect"),
    patient_in_token=False,
    access_claims={"local_patient_id": "{patient}"},
    refresh_for_public=False,
    says={
        "token_endpoint_auth_methods_supported": None,
        "token_endpoint_auth_methods": [*_CONFIDENTIAL, "client_secret_post", "private_key_jwt"],
        "scopes_supported": ["openid", "fhirUser", "launch/patient", "openid", "offline_access", "patient/*.read",
                             "online_access", "patient/*.rs", "patient/*.read"],
    },
)  # fmt: skip

# Token parameters in the query; refresh tokens die after 48 hours.
_NEXTGEN = replace(
    _VENDOR,
    token_in_query="both",  # noqa: S106 - a rule, no password
    paths={
        "authorize": "/nge/prod/patient-oauth/authorize",
        "token": "/nge/prod/patient-oauth/token",
        "revoke": "/nge/prod/patient-oauth/token/revoke",
    },
    refresh_idle_seconds=2 * _DAY,
    says={
        "scopes_supported": [
            "openid",
            "fhirUser",
            "offline_access",
            "launch",
            "launch/patient",
            "patient/*.*",
        ]
    },
)

# HAPI with Keycloak; the address of the authorization endpoint has a query already.
_NEXTGEN_OFFICE = replace(
    _VENDOR,
    auth_methods=("none", "client_secret_basic"),
    registration="open",
    introspection="post",
    paths=_oauth2("/realms/office/protocol/openid-connect"),
    authorize_query="aud={base}",
    refresh_end_as="refresh_expires_in",
    refresh_ends_seconds=30 * _DAY,
)

# The practice is a claim of the access token; `scope` and `client_id` are repeated at a refresh, and only now and
# then comes a new token. The issuer is another host.
_ATHENA = replace(
    _VENDOR,
    backend="yes",
    issuer="https://athena.okta.invalid/oauth2/sandbox",
    paths=_oauth2("/oauth2/v1"),
    needs_nonce=True,
    access_claims={"ah_practice": PRACTICE},
    rotation="sometimes",
    refresh_needs=("scope", "client_id"),
    introspection="get",
    says={"grant_types_supported": ["authorization_code", "client_credentials"]},
)

# healow: https addresses elsewhere only, refresh tokens for confidential apps only, who it is in the id_token.
_ECW = replace(
    _VENDOR,
    redirects="https",
    signing_algorithms=("RS384",),
    backend="yes",
    paths={name: f"/oauth/oauth2/{name}" for name in ("authorize", "token", "revoke", "introspect")},
    patient_in_token=False,
    refresh_for_public=False,
    introspection="post",
)

# Claims only, confidential apps, exact scopes, single use of refresh tokens, an end after 13 months.
_MEDICARE = replace(
    _VENDOR,
    redirects="https",
    public_client=False,
    auth_methods=_CONFIDENTIAL,
    pkce="optional",
    paths={"authorize": "/v2/o/authorize/", "token": "/v2/o/token/", "revoke": "/v2/o/revoke_token/"},
    exact_scopes=(
        "openid", "profile", "launch/patient",
        "patient/Patient.read", "patient/Coverage.read", "patient/ExplanationOfBenefit.read",
    ),
    scope_version="v1",
    refresh_by_registration=True,
    refresh_ends_seconds=395 * _DAY,
)  # fmt: skip

_CONFIDENTIAL_ONLY = replace(_VENDOR, public_client=False, auth_methods=_CONFIDENTIAL)
_NAMED_SCOPES = replace(_VENDOR, wildcards=False, scope_version="v1")

_SIGN_IN: dict[str, VendorHabits] = {
    "sandbox": _PLAIN,
    "custom": _PLAIN,
    "epic": _EPIC,
    "oracle": _ORACLE,
    "meditech": _MEDITECH,
    "veradigm": _VERADIGM,
    "altera": _VERADIGM,
    "followmyhealth": replace(_VERADIGM, redirects="https"),
    "nextgen": _NEXTGEN,
    "nextgen-office": _NEXTGEN_OFFICE,
    "athenahealth": _ATHENA,
    "eclinicalworks": _ECW,
    "medicare": _MEDICARE,
    "va": replace(_VENDOR, redirects="https", scope_version="v1", paths=_oauth2("/oauth2/health/v1")),
    "humana": _CONFIDENTIAL_ONLY,
    "quest": _CONFIDENTIAL_ONLY,
    "practice-fusion": _CONFIDENTIAL_ONLY,
    "aetna": _VENDOR,
    "cigna": _VENDOR,
    "unitedhealthcare": _NAMED_SCOPES,
    "kaiser": _VENDOR,
    # Says client_secret_post, but takes only private_key_jwt.
    "modmed": replace(
        _VENDOR,
        auth_methods=("none", "private_key_jwt"),
        scope_version="v2",
        says={"token_endpoint_auth_methods_supported": ["client_secret_post"]},
    ),
    "greenway": _VENDOR,
    # OnPatient: https only, tokens of two days, no patient in the answer.
    "drchrono": replace(
        _VENDOR, redirects="registered-https", token_seconds=2 * _DAY, patient_in_token=False
    ),
    "trubridge": _VENDOR,
    "medhost": _VENDOR,
    "netsmart": _VENDOR,
    "one-medical": replace(_VENDOR, answer_by="fragment"),
    # Any client id and redirect address; a year of refreshing.
    "smart-health-it": replace(
        _PLAIN,
        iss_parameter=False,
        management=False,
        any_client=True,
        redirects="any",
        refresh_ends_seconds=365 * _DAY,
    ),
    "hapi": replace(_VENDOR, discovery="none"),
    "medplum": replace(_VENDOR, backend="yes"),
    # Nothing is known of these but that they are certified.
    "azalea": _VENDOR,
    "darena-meldrx": _VENDOR,
    "first-insight": _VENDOR,
    "office-practicum": _VENDOR,
    "onc-sandbox": _VENDOR,
}

VENDORS: dict[str, VendorHabits] = {
    name: replace(habits, **RECORDS.get(name, {})) for name, habits in _SIGN_IN.items()
}
"""Vendor id to habits."""

ALIASES = {
    "cerner": "oracle",
    "oracle-health": "oracle",
    "allscripts": "veradigm",
    "athena": "athenahealth",
    "healow": "eclinicalworks",
    "ecw": "eclinicalworks",
    "cms-bluebutton": "medicare",
    "bluebutton": "medicare",
}
"""Other words that people type."""


def canonical(name: str) -> str:
    """The id of a vendor by its id or another word for it. Raises UsageError that names near ones."""
    wanted = name.strip().lower().replace("_", "-").replace(" ", "-")
    wanted = ALIASES.get(wanted, wanted)
    if wanted in VENDORS:
        return wanted
    near = difflib.get_close_matches(wanted, [*VENDORS, *ALIASES], n=3, cutoff=0.5)
    near += [word for word in (*VENDORS, *ALIASES) if len(wanted) > 2 and wanted in word and word not in near]
    raise UsageError(
        f"The sandbox does not know the vendor {name}.",
        hint=("Near it: " + ", ".join(near)) if near else "It can imitate: " + ", ".join(sorted(VENDORS)),
    )
