"""What the server says about itself: `.well-known/smart-configuration` and the CapabilityStatement.

SMART App Launch 2.2, "Conformance"; FHIR R4 http.html#capabilities; OpenID Connect Discovery 1.0. Open to
anyone, and never spoiled by a fault.
"""

from __future__ import annotations

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from phr.sandbox import negotiation, params
from phr.sandbox.clients import JWT_BEARER
from phr.sandbox.habits import VendorHabits
from phr.sandbox.hospital import Hospital, hospital_of
from phr.sandbox.problems import OutcomeError, vendors_answer
from phr.sandbox.scopes import CONTEXT
from phr.sandbox.search import by_last_updated

_OAUTH_URIS = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
_SECURITY_SERVICE = "http://terminology.hl7.org/CodeSystem/restful-security-service"
_OLD_OAUTH_URIS = "http://fhir-registry.smarthealthit.org/Profile/oauth-uris#"
"""The DSTU2-era form: one flat extension for each address."""
_CAPABILITIES = (
    "launch-standalone",
    "authorize-post",
    "client-public",
    "client-confidential-symmetric",
    "client-confidential-asymmetric",
    "sso-openid-connect",
    "context-standalone-patient",
    "permission-offline",
    "permission-online",
    "permission-patient",
    "permission-v1",
    "permission-v2",
)
_SMART = "/.well-known/smart-configuration"
_OPENID = "/.well-known/openid-configuration"
_LOGIN_PAGE = "<!doctype html><title>Sign in</title><h1>Please sign in</h1>"
_COMMON_PARAMS = {"_id": "token", "_count": "number"}
_OPERATION = "http://hl7.org/fhir/OperationDefinition/"
_BULK = "http://hl7.org/fhir/uv/bulkdata/OperationDefinition/"
_BULK_STATEMENT = "http://hl7.org/fhir/uv/bulkdata/CapabilityStatement/bulk-data"


def smart_configuration(hospital: Hospital) -> dict[str, Any]:
    """The document for apps that want to sign in."""
    habits = hospital.habits
    said: dict[str, Any] = {
        "issuer": hospital.issuer,
        "jwks_uri": hospital.endpoint("jwks"),
        "authorization_endpoint": hospital.endpoint("authorize"),
        "token_endpoint": hospital.endpoint("token"),
        **_more_endpoints(hospital),
        "token_endpoint_auth_methods_supported": list(habits.auth_methods),
        "grant_types_supported": _grant_types(habits),
        "scopes_supported": _scopes(hospital),
        "response_types_supported": ["code"],
        "capabilities": _capabilities(habits),
    }
    if "private_key_jwt" in habits.auth_methods:
        said["token_endpoint_auth_signing_alg_values_supported"] = list(habits.signing_algorithms)
    if habits.pkce != "ignored":
        said["code_challenge_methods_supported"] = ["S256"]
    if habits.iss_parameter:
        said["authorization_response_iss_parameter_supported"] = True
    return {name: value for name, value in {**said, **habits.says}.items() if value is not None}


def _more_endpoints(hospital: Hospital) -> dict[str, str]:
    """The endpoints that not every server has."""
    habits = hospital.habits
    offered = {
        "revocation_endpoint": ("revoke", habits.revocation),
        "introspection_endpoint": ("introspect", habits.introspection != "no"),
        "registration_endpoint": (
            "register",
            habits.registration != "none" and habits.advertises_registration,
        ),
        "management_endpoint": ("manage", habits.management),
    }
    return {member: hospital.endpoint(name) for member, (name, there) in offered.items() if there}


def _grant_types(habits: VendorHabits) -> list[str]:
    refreshes = (
        habits.refresh_for_public or not habits.public_client or "client_secret_basic" in habits.auth_methods
    )
    offered = {
        "authorization_code": True,
        "refresh_token": refreshes,
        "client_credentials": habits.backend != "no",
        JWT_BEARER: habits.registration == "after-sign-in",
    }
    return [name for name, there in offered.items() if there]


def _capabilities(habits: VendorHabits) -> list[str]:
    missing = set()
    if not habits.public_client:
        missing.add("client-public")
    if "private_key_jwt" not in habits.auth_methods:
        missing.add("client-confidential-asymmetric")
    if habits.scope_version == "v1":
        missing.add("permission-v2")
    return [name for name in _CAPABILITIES if name not in missing]


def _scopes(hospital: Hospital) -> list[str]:
    habits = hospital.habits
    if habits.exact_scopes:
        return list(habits.exact_scopes)
    # An app registered for version 2 sees both listed: the server's list says nothing about the registration.
    suffixes = ("read",) if habits.scope_version == "v1" else ("rs", "read")
    words = [word for word in CONTEXT if word not in habits.drop_scopes]
    for type_ in (*(("*",) if habits.wildcards else ()), *hospital.types):
        words += [f"patient/{type_}.{suffix}" for suffix in suffixes]
    return words + (["system/*.rs"] if habits.backend == "yes" else [])


def openid_configuration(hospital: Hospital) -> dict[str, Any]:
    """The same for OpenID Connect libraries."""
    return {
        **smart_configuration(hospital),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "claims_supported": ["iss", "sub", "aud", "exp", "iat", "nonce", "fhirUser"],
    }


def capability_statement(hospital: Hospital) -> dict[str, Any]:
    """The CapabilityStatement for the types that hold anything now."""
    habits = hospital.habits
    rest: dict[str, Any] = {"mode": "server"}
    if not habits.open_access:
        rest["security"] = _security(hospital)
    types = [name for name in hospital.types if name not in {*habits.refuses, *habits.conceals}]
    promised = [name for name in habits.promises if name not in types]
    rest["resource"] = [_resource(hospital, type_) for type_ in [*types, *promised]]
    if "group" in habits.bulk and "Group" not in types:
        rest["resource"].append({"type": "Group", "operation": _operations(habits, "Group")})
    if habits.batch:
        rest["interaction"] = [{"code": "batch"}]
    if "system" in habits.bulk:
        rest["operation"] = [{"name": "export", "definition": _BULK + "export"}]
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": "2026-01-01",
        "kind": "instance",
        **({"instantiates": [_BULK_STATEMENT]} if habits.bulk else {}),
        "software": {"name": "phr sandbox"},
        "implementation": {"description": "A pretend hospital on loopback", "url": hospital.base},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "rest": [rest],
    }


def _security(hospital: Hospital) -> dict[str, Any]:
    habits = hospital.habits
    names = ["authorize", "token", *(["revoke"] if habits.revocation else [])]
    if habits.registration != "none" and habits.advertises_registration:
        names.append("register")
    addresses = {name: hospital.endpoint(name) for name in names}
    coding = {"system": _SECURITY_SERVICE, "code": "SMART-on-FHIR", "display": "SMART-on-FHIR"}
    uris = [{"url": name, "valueUri": address} for name, address in addresses.items()]
    extensions: list[dict[str, Any]] = [{"url": _OAUTH_URIS, "extension": uris}]
    if habits.discovery == "metadata-old":
        extensions = [{"url": _OLD_OAUTH_URIS + item["url"], "valueUri": item["valueUri"]} for item in uris]
    text = "OAuth2 using SMART-on-FHIR profile (see http://docs.smarthealthit.org)"
    return {"extension": extensions, "service": [{"coding": [coding], "text": text}]}


def _resource(hospital: Hospital, type_: str) -> dict[str, Any]:
    habits = hospital.habits
    interactions = ["read", "vread", "history-instance"]
    described: dict[str, Any] = {"type": type_, "versioning": "versioned", "readHistory": True}
    if type_ != "Binary":
        interactions.append("search-type")
        kinds = {**_COMMON_PARAMS, **{name: param.kind for name, param in params.of(type_).items()}}
        if by_last_updated(habits, type_):
            kinds[habits.last_updated_name] = "date"
        for name in (*habits.undeclared, *(["_count"] if habits.count == "refused" else [])):
            kinds.pop(name, None)
        described["searchParam"] = [{"name": name, "type": kind} for name, kind in sorted(kinds.items())]
        if habits.revinclude:
            described["searchRevInclude"] = ["Provenance:target"]
    described["interaction"] = [{"code": code} for code in interactions]
    operations = _operations(habits, type_)
    return {**described, "operation": operations} if operations else described


def _operations(habits: VendorHabits, type_: str) -> list[dict[str, str]]:
    offered = {
        "everything": (type_ == "Patient" and habits.everything, _OPERATION + "Patient-everything"),
        "export": (type_.lower() in habits.bulk, f"{_BULK}{type_.lower()}-export"),
    }
    return [{"name": name, "definition": where} for name, (there, where) in offered.items() if there]


async def _smart(request: Request) -> Response:
    return _json(smart_configuration(hospital_of(request)))


async def _openid(request: Request) -> Response:
    return _json(openid_configuration(hospital_of(request)))


async def _missing(_request: Request) -> Response:
    return OutcomeError(404, "not-found", "There is no such document.").response()


async def _page_instead(_request: Request) -> Response:
    return HTMLResponse(_LOGIN_PAGE)


async def _jwks(request: Request) -> Response:
    return _json(hospital_of(request).signer.jwks())


async def _metadata(request: Request) -> Response:
    habits = hospital_of(request).habits
    if not habits.metadata:
        return OutcomeError(404, "not-found", "There is no such document.").response()
    if not negotiation.takes_fhir_json(request.headers.get("accept"), request.query_params.get("_format")):
        problem = OutcomeError(406, "not-supported", "Only application/fhir+json is spoken here.")
        return vendors_answer(problem, habits)
    return _json(capability_statement(hospital_of(request)), habits.content_type)


def _json(value: dict[str, Any], media_type: str = "application/json") -> Response:
    return Response(orjson.dumps(value), media_type=media_type or None)


def routes(habits: VendorHabits) -> list[Route]:
    """Routes under the FHIR base."""
    found = [Route("/metadata", _metadata)]
    if habits.discovery == "html":
        found += [Route(_SMART, _page_instead), Route(_OPENID, _page_instead)]
    elif habits.discovery == "smart":
        found += [Route(_SMART, _smart), Route(_OPENID, _openid)]
    else:
        found += [Route(_SMART, _missing), Route(_OPENID, _missing)]
    return found


def root_routes(habits: VendorHabits) -> list[Route]:
    """Routes at the root of the host."""
    found = [Route(habits.path("jwks"), _jwks)]
    if habits.discovery == "root":
        found += [Route(_SMART, _smart), Route(_OPENID, _openid)]
    return found
