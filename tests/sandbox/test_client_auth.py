"""How an app shows who it is: every method, and assertions of which each right one has wrong twins."""

from __future__ import annotations

import base64
from typing import Any

import httpx
import orjson
import pytest
from jwcrypto import jwk

from phr.sandbox.clients import RegisteredClient
from phr.sandbox.config import KEY_ID

from .conftest import REGISTERED, App, Clock, Start
from .keys import ASSERTION_TYPE, EC, JWKS, RSA, assertion

OTHER: jwk.JWK = jwk.JWK.generate(kty="EC", crv="P-384", kid="ec-1", alg="ES384", use="sig")
P256: jwk.JWK = jwk.JWK.generate(kty="EC", crv="P-256", kid="p256", use="sig")


@pytest.fixture
def app(start: Start, clock: Clock) -> App:
    started = start(jwks=JWKS, clock=clock)
    started.client = {"id": KEY_ID}
    return started


def ask(app: App, signed: str, **more: str) -> httpx.Response:
    """A system token, for which nothing but the assertion is needed."""
    form = {
        "grant_type": "client_credentials",
        "scope": "system/*.rs",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": signed,
        **more,
    }
    return app.post("token", form)


def refused(response: httpx.Response) -> None:
    assert (response.status_code, response.json()["error"]) == (401, "invalid_client"), response.text


@pytest.mark.parametrize("key", [EC, RSA], ids=["ES384", "RS384"])
def test_an_assertion_by_either_key_counts_once(app: App, clock: Clock, key: jwk.JWK) -> None:
    signed = assertion(KEY_ID, app.where("token"), clock.now, key=key)

    assert ask(app, signed).status_code == 200
    refused(ask(app, signed))


def test_a_person_signs_in_with_an_app_that_signs(app: App, clock: Clock) -> None:
    code, address = app.code(), app.where("token")

    def signed() -> dict[str, str]:
        proof = assertion(KEY_ID, address, clock.now)
        return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": proof}

    tokens = app.token(code=code, **signed()).json()

    assert app.refresh(tokens["refresh_token"], **signed()).status_code == 200
    refused(app.token(code=app.code()))


@pytest.mark.parametrize(
    "audience",
    ["token", "issuer", ["https://elsewhere.example", "token"]],
)
def test_the_audience_may_be_the_endpoint_or_the_issuer(app: App, clock: Clock, audience: Any) -> None:
    known = {"token": app.where("token"), "issuer": app.said()["issuer"]}
    said = [known.get(one, one) for one in audience] if isinstance(audience, list) else known[audience]

    assert ask(app, assertion(KEY_ID, said, clock.now)).status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"sub": "somebody"},
        {"iss": "somebody", "sub": "somebody"},
        {"iss": None},
        {"aud": "https://elsewhere.example/token"},
        {"aud": None},
        {"exp": None},
        {"exp": "soon"},
        {"exp": 1_800_000_000 + 361},
        {"exp": 1_800_000_000 - 60},
        {"iat": 1_800_000_000 + 61},
        {"nbf": 1_800_000_000 + 61},
        {"jti": None},
        {"jti": ""},
        {"header": {"kid": None}},
        {"header": {"kid": "unknown"}},
        {"header": {"kid": "rsa-1"}},
        {"key": OTHER},
    ],
)
def test_a_wrong_assertion_shows_nothing(app: App, clock: Clock, wrong: dict[str, Any]) -> None:
    made = {"audience": app.where("token"), **({"audience": wrong["aud"]} if "aud" in wrong else {})}
    more = {name: value for name, value in wrong.items() if name != "aud"}

    refused(ask(app, assertion(KEY_ID, made["audience"], clock.now, **more)))


@pytest.mark.parametrize("exp", [1_800_000_000 + 360, 1_800_000_000 - 59])
def test_clocks_may_differ_by_a_minute(app: App, clock: Clock, exp: int) -> None:
    assert ask(app, assertion(KEY_ID, app.where("token"), clock.now, exp=exp)).status_code == 200


def test_an_assertion_cannot_come_back_while_it_would_still_be_taken(app: App, clock: Clock) -> None:
    signed = assertion(KEY_ID, app.where("token"), clock.now)
    assert ask(app, signed).status_code == 200
    clock.now += 359

    refused(ask(app, signed))


@pytest.mark.parametrize("text", ["", "a.b", "a.b.c", "e30.e30.", "W10.W10.x"])
def test_rubbish_is_no_assertion(app: App, text: str) -> None:
    response = ask(app, text)

    assert response.status_code in (400, 401)
    assert response.json()["error"] in ("invalid_client", "invalid_request")


def test_an_unsigned_assertion_is_refused(app: App, clock: Clock) -> None:
    signed = assertion(KEY_ID, app.where("token"), clock.now)
    head = base64.urlsafe_b64encode(orjson.dumps({"alg": "none", "kid": "ec-1"})).rstrip(b"=").decode()

    refused(ask(app, f"{head}.{signed.split('.')[1]}."))


def test_an_algorithm_that_is_not_offered_is_refused(start: Start, clock: Clock) -> None:
    keys = {"keys": [P256.export_public(as_dict=True)]}
    app = start(jwks=keys, clock=clock)
    refused(ask(app, assertion(KEY_ID, app.where("token"), clock.now, key=P256, header={"alg": "ES256"})))

    ecw = start(vendor="healow", jwks=JWKS, clock=clock)
    assert ecw.said()["token_endpoint_auth_signing_alg_values_supported"] == ["RS384"]
    refused(ask(ecw, assertion(KEY_ID, ecw.where("token"), clock.now, key=EC)))
    assert ask(ecw, assertion(KEY_ID, ecw.where("token"), clock.now, key=RSA)).status_code == 200


def test_two_ways_at_once_are_refused(app: App, clock: Clock) -> None:
    signed = assertion(KEY_ID, app.where("token"), clock.now)

    for more in ({"client_secret": "x", "client_id": KEY_ID}, {"client_id": "phr-sandbox"}):
        response = ask(app, signed, **more)
        assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    form = {
        "grant_type": "client_credentials",
        "client_assertion": signed,
        "client_assertion_type": ASSERTION_TYPE,
    }
    both = app.post("token", form, auth=("a", "b"))
    assert both.json()["error"] == "invalid_request"


def test_the_type_of_assertion_is_needed(app: App, clock: Clock) -> None:
    signed = assertion(KEY_ID, app.where("token"), clock.now)

    assert ask(app, signed, client_assertion_type="made-up").json()["error"] == "invalid_request"


def test_a_client_authenticates_as_it_was_registered_and_not_otherwise(start: Start) -> None:
    app = start(
        clients={
            "by-header": RegisteredClient(secret="s", method="client_secret_basic"),
            "by-form": RegisteredClient(secret="s", method="client_secret_post"),
        }
    )
    form = {"grant_type": "client_credentials", "scope": "system/*.rs"}

    for name, header, body in (("by-header", 200, 401), ("by-form", 401, 200)):
        assert app.post("token", form, auth=(name, "s")).status_code == header
        assert app.post("token", {**form, "client_id": name, "client_secret": "s"}).status_code == body


def test_oracle_takes_no_secret_in_the_form(start: Start) -> None:
    app = start(vendor="oracle", clients={"app": "s"})
    app.redirect_uri, app.client = REGISTERED, {"id": "app", "post": "s"}
    assert app.token(code=app.code()).json()["error"] == "invalid_client"

    app.client = {"id": "app", "secret": "s"}
    assert "access_token" in app.sign_in()


def test_secrets_with_special_characters_survive_the_header(start: Start) -> None:
    app = start(clients={"a b": "c:d%é"})
    encoded = base64.b64encode(b"a+b:c%3Ad%25%C3%A9").decode()

    response = app.post(
        "token",
        {"grant_type": "client_credentials", "scope": "system/*.rs"},
        headers={"Authorization": f"Basic {encoded}"},
    )

    assert response.status_code == 200


def test_an_apps_own_redirect_addresses_and_scopes_bound_it(start: Start) -> None:
    own = RegisteredClient(
        secret="s", redirect_uris=("http://127.0.0.1/cb",), scopes=("openid", "patient/Patient.rs")
    )
    app = start(clients={"mine": own})
    app.client = {"id": "mine", "secret": "s"}

    assert app.authorize().status_code == 400
    app.redirect_uri = "http://127.0.0.1:55555/cb"
    assert app.sign_in()["scope"] == "openid"
    assert app.sign_in(scope="patient/Patient.r patient/Goal.r")["scope"] == "patient/Patient.r"
