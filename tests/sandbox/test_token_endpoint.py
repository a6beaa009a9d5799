"""Codes, tokens, refresh and revocation: each right request has a wrong twin."""

from __future__ import annotations

import base64

import httpx
import orjson
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from phr.sandbox.config import CONFIDENTIAL_ID, CONFIDENTIAL_SECRET

from .conftest import ADA, SCOPE, App, Clock, Start


def refused(response: httpx.Response, error: str, status: int = 400) -> None:
    assert response.status_code == status, response.text
    assert response.json()["error"] == error
    assert response.headers["cache-control"] == "no-store"
    assert "access_token" not in response.text


def test_a_code_becomes_tokens(app: App) -> None:
    response = app.token(code=app.code())

    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    body = response.json()
    assert body["token_type"] == "Bearer"
    assert body["expires_in"] == 3600
    assert body["scope"] == SCOPE
    assert body["patient"] == ADA
    assert app.fhir(f"Patient/{ADA}", body["access_token"]).status_code == 200


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"code_verifier": "w" * 43}, "invalid_grant"),
        ({"code_verifier": None}, "invalid_grant"),
        ({"code_verifier": "short"}, "invalid_grant"),
        ({"redirect_uri": "http://127.0.0.1:4712/callback"}, "invalid_grant"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"client_id": None}, "invalid_request"),
        ({"grant_type": None}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
def test_a_code_is_refused_when_something_does_not_fit(
    app: App, changed: dict[str, str | None], error: str
) -> None:
    refused(app.token(code=app.code(), **changed), error)


def test_an_unknown_client_is_refused(app: App) -> None:
    refused(app.token(code=app.code(), client_id="nobody"), "invalid_client", 401)
    refused(app.token(code=app.code(), client_secret="x"), "invalid_client", 401)


def test_another_clients_code_is_refused(start: Start) -> None:
    app = start(clients={"other-app": None})

    refused(app.token(code=app.code(), client_id="other-app"), "invalid_grant")


def test_a_made_up_code_is_refused(app: App) -> None:
    refused(app.token(code="made-up"), "invalid_grant")
    refused(app.token(), "invalid_request")


def test_a_code_that_is_used_twice_takes_down_its_tokens(app: App) -> None:
    code = app.code()
    tokens = app.token(code=code).json()

    refused(app.token(code=code), "invalid_grant")

    assert app.fhir(f"Patient/{ADA}", tokens["access_token"]).status_code == 401
    refused(app.refresh(tokens["refresh_token"]), "invalid_grant")


def test_a_code_with_a_wrong_verifier_is_used_up(app: App) -> None:
    code = app.code()
    refused(app.token(code=code, code_verifier="w" * 43), "invalid_grant")

    refused(app.token(code=code), "invalid_grant")


def test_a_code_lives_a_minute(start: Start, clock: Clock) -> None:
    app = start(clock=clock)
    fresh, stale = app.code(), app.code()
    clock.now += 59
    assert app.token(code=fresh).status_code == 200
    clock.now += 1

    refused(app.token(code=stale), "invalid_grant")


def test_an_access_token_expires_and_a_refresh_brings_another(start: Start, clock: Clock) -> None:
    app = start(clock=clock, token_seconds=300)
    tokens = app.token(code=app.code()).json()
    assert tokens["expires_in"] == 300
    clock.now += 300
    assert app.fhir(f"Patient/{ADA}", tokens["access_token"]).status_code == 401

    renewed = app.refresh(tokens["refresh_token"]).json()

    assert app.fhir(f"Patient/{ADA}", renewed["access_token"]).status_code == 200
    assert renewed["scope"] == SCOPE
    assert "id_token" not in renewed


def test_a_refresh_rotates_and_the_old_token_ends_the_sign_in(app: App) -> None:
    first = app.token(code=app.code()).json()
    second = app.refresh(first["refresh_token"]).json()
    assert second["refresh_token"] != first["refresh_token"]

    refused(app.refresh(first["refresh_token"]), "invalid_grant")

    refused(app.refresh(second["refresh_token"]), "invalid_grant")
    assert app.fhir(f"Patient/{ADA}", second["access_token"]).status_code == 401


def test_a_refresh_may_narrow_the_scope_but_not_widen_it(app: App) -> None:
    tokens = app.token(code=app.code()).json()

    narrow = app.refresh(tokens["refresh_token"], scope="patient/*.rs").json()
    assert narrow["scope"] == "patient/*.rs"
    refused(app.refresh(narrow["refresh_token"], scope="patient/*.cruds"), "invalid_scope")
    assert app.refresh(narrow["refresh_token"]).json()["scope"] == SCOPE


def test_a_refresh_by_another_client_is_refused(start: Start) -> None:
    app = start(clients={"other-app": None})
    tokens = app.token(code=app.code()).json()

    refused(app.refresh(tokens["refresh_token"], client_id="other-app"), "invalid_grant")
    assert app.refresh(tokens["refresh_token"]).status_code == 200


def test_without_offline_access_there_is_no_refresh_token(app: App) -> None:
    tokens = app.token(code=app.code(scope="launch/patient patient/*.rs")).json()

    assert "refresh_token" not in tokens
    assert "id_token" not in tokens
    refused(app.refresh("made-up"), "invalid_grant")


def test_a_confidential_client_authenticates_by_header_or_by_form(app: App) -> None:
    asked = {"client_id": CONFIDENTIAL_ID, "code_challenge": None, "code_challenge_method": None}
    form = {"grant_type": "authorization_code", "redirect_uri": app.redirect_uri}

    by_header = app.post(
        "token", {**form, "code": app.code(**asked)}, auth=(CONFIDENTIAL_ID, CONFIDENTIAL_SECRET)
    )
    by_form = app.post(
        "token",
        {
            **form,
            "code": app.code(**asked),
            "client_id": CONFIDENTIAL_ID,
            "client_secret": CONFIDENTIAL_SECRET,
        },
    )

    assert by_header.status_code == by_form.status_code == 200
    refresh = {"grant_type": "refresh_token", "refresh_token": by_header.json()["refresh_token"]}
    refused(app.post("token", refresh), "invalid_client", 401)
    assert app.post("token", refresh, auth=(CONFIDENTIAL_ID, CONFIDENTIAL_SECRET)).status_code == 200


def test_a_confidential_client_with_a_wrong_secret_is_refused(app: App) -> None:
    form = {"grant_type": "authorization_code", "redirect_uri": app.redirect_uri, "code": "any"}

    response = app.post("token", form, auth=(CONFIDENTIAL_ID, "wrong"))

    refused(response, "invalid_client", 401)
    assert response.headers["www-authenticate"].startswith("Basic")
    refused(app.post("token", {**form, "client_id": CONFIDENTIAL_ID}), "invalid_client", 401)
    refused(app.post("token", form, headers={"Authorization": "Basic ???"}), "invalid_client", 401)


def test_a_verifier_without_a_challenge_is_refused(app: App) -> None:
    code = app.code(client_id=CONFIDENTIAL_ID, code_challenge=None, code_challenge_method=None)

    refused(
        app.token(code=code, client_id=CONFIDENTIAL_ID, client_secret=CONFIDENTIAL_SECRET), "invalid_grant"
    )


def test_a_form_is_needed(app: App) -> None:
    refused(app.http.post(f"{app.origin}/oauth/token", json={"grant_type": "x"}), "invalid_request")
    twice = {"grant_type": ["authorization_code", "refresh_token"]}
    refused(app.http.post(f"{app.origin}/oauth/token", data=twice), "invalid_request")


def test_revoking_the_refresh_token_ends_the_sign_in(app: App) -> None:
    tokens = app.token(code=app.code()).json()
    client = {"client_id": app.sandbox.client_id}

    response = app.post(
        "revoke", {"token": tokens["refresh_token"], "token_type_hint": "refresh_token", **client}
    )

    assert response.status_code == 200
    refused(app.refresh(tokens["refresh_token"]), "invalid_grant")
    assert app.fhir(f"Patient/{ADA}", tokens["access_token"]).status_code == 401


def test_revoking_the_access_token_leaves_the_refresh_token(app: App) -> None:
    tokens = app.token(code=app.code()).json()
    client = {"client_id": app.sandbox.client_id}

    assert app.post("revoke", {"token": tokens["access_token"], **client}).status_code == 200

    assert app.fhir(f"Patient/{ADA}", tokens["access_token"]).status_code == 401
    assert app.refresh(tokens["refresh_token"]).status_code == 200


def test_revoking_is_for_the_tokens_own_client(start: Start) -> None:
    app = start(clients={"other-app": None})
    tokens = app.token(code=app.code()).json()

    refused(app.post("revoke", {"token": tokens["refresh_token"]}), "invalid_client", 401)
    refused(
        app.post("revoke", {"token": tokens["refresh_token"], "client_id": "other-app"}),
        "unauthorized_client",
    )
    assert app.post("revoke", {"token": "unknown", "client_id": "other-app"}).status_code == 200
    assert app.refresh(tokens["refresh_token"]).status_code == 200


def _part(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_the_id_token_is_signed_and_carries_nonce_and_fhir_user(app: App) -> None:
    token = app.token(code=app.code(nonce="n-1")).json()["id_token"]
    header, claims, signature = token.split(".")
    jwk = app.http.get(f"{app.origin}/oauth/jwks").json()["keys"][0]
    numbers = [int.from_bytes(_part(jwk[name])) for name in ("x", "y")]
    key = ec.EllipticCurvePublicNumbers(*numbers, ec.SECP256R1()).public_key()
    raw = _part(signature)
    der = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))

    key.verify(der, f"{header}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))

    assert orjson.loads(_part(header)) == {"alg": "ES256", "typ": "JWT", "kid": jwk["kid"]}
    said = orjson.loads(_part(claims))
    assert said["iss"] == app.sandbox.fhir_base
    assert said["aud"] == app.sandbox.client_id
    assert said["nonce"] == "n-1"
    assert said["fhirUser"] == f"{app.sandbox.fhir_base}/Patient/{ADA}"
    with pytest.raises(InvalidSignature):
        key.verify(der, f"{header}.{claims}x".encode(), ec.ECDSA(hashes.SHA256()))
