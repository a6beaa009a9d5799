"""What the server says about itself: `.well-known/smart-configuration` and the CapabilityStatement.

SMART App Launch 2.2, "Conformance"; FHIR R4 http.html#capabilities; OpenID Connect Discovery 1.0. Open to
anyone, and never spoiled by a fault.
"""

from __future__ import annotations

from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from phr.sandbox import negotiation, params
from phr.sandbox.hospital import Hospital, hospital_of
from phr.sandbox.problems import OutcomeError
from phr.sandbox.scopes import CONTEXT

_OAUTH_URIS = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
_SECURITY_SERVICE = "http://terminology.hl7.org/CodeSystem/restful-security-service"
_CAPABILITIES = (
    "launch-standalone",
    "authorize-post",
    "client-public",
    "client-confidential-symmetric",
    "sso-openid-connect",
    "context-standalone-patient",
    "permission-offline",
    "permission-online",
    "permission-patient",
    "permission-v1",
    "permission-v2",
)
_COMMON_PARAMS = {"_id": "token", "_count": "number", "_lastUpdated": "date"}


def smart_configuration(hospital: Hospital) -> dict[str, Any]:
    """The document for apps that want to sign in."""
    types = hospital.store.types()
    scopes = [*CONTEXT, "patient/*.rs", "patient/*.read"]
    scopes += [f"patient/{type_}.{suffix}" for type_ in types for suffix in ("rs", "read")]
    refreshes = ["refresh_token"] if hospital.habits.refresh_for_public else []
    return {
        "issuer": hospital.base,
        "jwks_uri": f"{hospital.origin}/oauth/jwks",
        "authorization_endpoint": f"{hospital.origin}/oauth/authorize",
        "token_endpoint": f"{hospital.origin}/oauth/token",
        "revocation_endpoint": f"{hospital.origin}/oauth/revoke",
        "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
        "grant_types_supported": ["authorization_code", *refreshes],
        "scopes_supported": scopes,
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "capabilities": list(_CAPABILITIES),
    }


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
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": "2026-01-01",
        "kind": "instance",
        "software": {"name": "phr sandbox"},
        "implementation": {"description": "A pretend hospital on loopback", "url": hospital.base},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "rest": [
            {
                "mode": "server",
                "security": _security(hospital),
                "resource": [_resource(hospital, type_) for type_ in hospital.store.types()],
            }
        ],
    }


def _security(hospital: Hospital) -> dict[str, Any]:
    uris = [
        {"url": name, "valueUri": f"{hospital.origin}/oauth/{name}"}
        for name in ("authorize", "token", "revoke")
    ]
    coding = {"system": _SECURITY_SERVICE, "code": "SMART-on-FHIR", "display": "SMART-on-FHIR"}
    return {
        "extension": [{"url": _OAUTH_URIS, "extension": uris}],
        "service": [
            {
                "coding": [coding],
                "text": "OAuth2 using SMART-on-FHIR profile (see http://docs.smarthealthit.org)",
            }
        ],
    }


def _resource(hospital: Hospital, type_: str) -> dict[str, Any]:
    interactions = ["read", "vread", "history-instance"]
    described: dict[str, Any] = {"type": type_, "versioning": "versioned", "readHistory": True}
    if type_ != "Binary":
        interactions.append("search-type")
        kinds = {**_COMMON_PARAMS, **{name: param.kind for name, param in params.of(type_).items()}}
        if not hospital.habits.last_updated:
            del kinds["_lastUpdated"]
        described["searchParam"] = [{"name": name, "type": kind} for name, kind in sorted(kinds.items())]
        described["searchRevInclude"] = ["Provenance:target"]
    described["interaction"] = [{"code": code} for code in interactions]
    if type_ == "Patient":
        definition = "http://hl7.org/fhir/OperationDefinition/Patient-everything"
        described["operation"] = [{"name": "everything", "definition": definition}]
    return described


async def _smart(request: Request) -> Response:
    return _json(smart_configuration(hospital_of(request)))


async def _openid(request: Request) -> Response:
    return _json(openid_configuration(hospital_of(request)))


async def _jwks(request: Request) -> Response:
    return _json(hospital_of(request).signer.jwks())


async def _metadata(request: Request) -> Response:
    if not negotiation.takes_fhir_json(request.headers.get("accept"), request.query_params.get("_format")):
        return OutcomeError(406, "not-supported", "Only application/fhir+json is spoken here.").response()
    hospital = hospital_of(request)
    return _json(capability_statement(hospital), hospital.habits.content_type)


def _json(value: dict[str, Any], media_type: str = "application/json") -> Response:
    return Response(orjson.dumps(value), media_type=media_type)


def routes() -> list[Route]:
    """Routes under the FHIR base."""
    return [
        Route("/metadata", _metadata),
        Route("/.well-known/smart-configuration", _smart),
        Route("/.well-known/openid-configuration", _openid),
    ]


def key_route() -> Route:
    return Route("/oauth/jwks", _jwks)
