"""What the token endpoint says when all is well (RFC 6749, section 5.1; SMART App Launch 2.2; OpenID Connect Core)."""

from __future__ import annotations

from typing import Any

from phr.sandbox.grants import Answer
from phr.sandbox.hospital import Hospital
from phr.sandbox.identity import Signer
from phr.sandbox.scopes import other_dialect, resource_scopes


def answer_body(hospital: Hospital, answer: Answer) -> dict[str, Any]:
    """The members of the answer, as the vendor words them."""
    grant, habits = answer.grant, hospital.habits
    body: dict[str, Any] = {
        "access_token": answer.access_token,
        "token_type": "mac" if "token-type" in hospital.config.lies else "Bearer",
        **_expires(answer.expires_in, habits.expires_in_as),
        **_scope(answer.scopes, habits.scope_answer),
    }
    told = habits.patient_in_token and "no-patient" not in hospital.config.lies
    asked = "launch/patient" in grant.scopes or resource_scopes(grant.scopes) or habits.registered_scopes
    if told and asked and grant.patient is not None:
        body["patient"] = grant.patient
    if answer.refresh_token is not None:
        body["refresh_token"] = answer.refresh_token
        if answer.refresh_ends is not None and habits.refresh_end_as.endswith("expires_in"):
            body[habits.refresh_end_as] = int(answer.refresh_ends - hospital.clock())
    if answer.first and "openid" in grant.scopes:
        body["id_token"] = _id_token(hospital, answer)
    return body


def _expires(seconds: int, said_as: str) -> dict[str, int | str]:
    return {} if said_as == "missing" else {"expires_in": str(seconds) if said_as == "text" else seconds}


def _scope(scopes: tuple[str, ...], said_as: str) -> dict[str, str]:
    if said_as == "missing":
        return {}
    words = {
        "empty": [],
        "reordered": list(reversed(scopes)),
        "other-dialect": [other_dialect(word) for word in scopes],
    }.get(said_as, list(scopes))
    return {"scope": " ".join(words)}


def _id_token(hospital: Hospital, answer: Answer) -> str:
    grant, now = answer.grant, int(hospital.clock())
    person = hospital.config.fhir_user or f"Patient/{grant.patient}"
    claims: dict[str, Any] = {
        "iss": hospital.id_token_issuer,
        "sub": person.rpartition("/")[2],
        "aud": "another-client" if "audience" in hospital.config.lies else grant.client_id,
        "iat": now,
        "exp": now + answer.expires_in,
    }
    if grant.nonce is not None:
        claims["nonce"] = grant.nonce
    if "fhirUser" in grant.scopes or "profile" in grant.scopes:
        claims["fhirUser"] = f"{hospital.base}/{person}"
    # A stranger's key under our name is what a forged signature looks like.
    return (Signer() if "signature" in hospital.config.lies else hospital.signer).sign(claims)
