"""Apps that register themselves: openly (RFC 7591, 7592), or after a sign-in (Epic)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from .conftest import ADA, REDIRECT, REGISTERED, App, Clock, Start
from .keys import ASSERTION_TYPE, EC, JWKS, JWT_BEARER, RSA, assertion

PUBLIC = {"redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none", "client_name": "A test"}


def register(app: App, body: Any, **headers: str) -> httpx.Response:
    return app.http.post(app.where("register"), json=body, headers=headers)


def manage(
    app: App, said: dict[str, Any], method: str, body: Any = None, token: str | None = None
) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token or said['registration_access_token']}"}
    return app.http.request(method, said["registration_client_uri"], json=body, headers=headers)


def test_an_app_registers_and_signs_in(app: App) -> None:
    response = register(app, {**PUBLIC, "grant_types": ["authorization_code", "refresh_token"]})

    assert response.status_code == 201
    assert response.headers["cache-control"] == "no-store"
    said = response.json()
    assert "client_secret" not in said
    assert said["client_name"] == "A test"
    app.client = {"id": said["client_id"]}
    assert "refresh_token" in app.sign_in()


def test_an_app_gets_a_secret_unless_it_says_otherwise(app: App) -> None:
    said = register(app, {"redirect_uris": [REDIRECT]}).json()

    assert said["token_endpoint_auth_method"] == "client_secret_basic"
    assert said["client_secret_expires_at"] == 0
    assert said["grant_types"] == ["authorization_code"]
    app.client = {"id": said["client_id"], "secret": said["client_secret"]}
    assert "refresh_token" not in app.sign_in(), "it did not register for refreshing"
    assert app.refresh("any").json()["error"] == "unauthorized_client"
    app.client = {"id": said["client_id"], "secret": "wrong"}
    assert app.token(code=app.code()).json()["error"] == "invalid_client"


def test_an_app_registers_its_keys(start: Start, clock: Clock) -> None:
    app = start(clock=clock)
    body = {
        "token_endpoint_auth_method": "private_key_jwt",
        "grant_types": ["client_credentials"],
        "jwks": JWKS,
        "scope": "system/Patient.rs",
    }
    said = register(app, body).json()
    proof = assertion(said["client_id"], app.where("token"), clock.now)
    form = {
        "grant_type": "client_credentials",
        "scope": "system/*.rs system/Patient.rs",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": proof,
    }

    assert app.post("token", form).json()["scope"] == "system/Patient.rs"
    assert said["response_types"] == []


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"redirect_uris": None}, "invalid_redirect_uri"),
        ({"redirect_uris": []}, "invalid_redirect_uri"),
        ({"redirect_uris": "http://127.0.0.1/"}, "invalid_redirect_uri"),
        ({"redirect_uris": ["http://elsewhere.example/cb"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["http://127.0.0.1/cb#x"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["javascript:alert(1)"]}, "invalid_redirect_uri"),
        ({"redirect_uris": [REDIRECT, "ftp://127.0.0.1/"]}, "invalid_redirect_uri"),
        ({"token_endpoint_auth_method": "client_secret_jwt"}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "invalid_client_metadata"),
        ({"grant_types": ["password"]}, "invalid_client_metadata"),
        ({"grant_types": []}, "invalid_client_metadata"),
        ({"grant_types": ["authorization_code", "client_credentials"]}, "invalid_client_metadata"),
        ({"grant_types": "authorization_code"}, "invalid_client_metadata"),
        ({"response_types": ["token"]}, "invalid_client_metadata"),
        ({"response_types": []}, "invalid_client_metadata"),
        ({"client_name": 7}, "invalid_client_metadata"),
        ({"jwks_uri": "https://app.example/keys"}, "invalid_client_metadata"),
        ({"jwks": {"keys": []}}, "invalid_client_metadata"),
        ({"jwks": {"keys": [EC.export_private(as_dict=True)]}}, "invalid_client_metadata"),
        ({"jwks": {"keys": [{"kty": "EC", "kid": "x"}]}}, "invalid_client_metadata"),
        ({"jwks": {"keys": [{**EC.export_public(as_dict=True), "kid": 7}]}}, "invalid_client_metadata"),
    ],
)
def test_a_registration_that_makes_no_sense_is_refused(app: App, changed: dict[str, Any], error: str) -> None:
    body = {name: value for name, value in {**PUBLIC, **changed}.items() if value is not None}

    response = register(app, body)

    assert (response.status_code, response.json()["error"]) == (400, error)


def test_only_a_json_object_registers(app: App) -> None:
    assert register(app, ["x"]).json()["error"] == "invalid_client_metadata"
    assert app.post("register", {"redirect_uris": REDIRECT}).status_code == 400
    broken = app.http.post(app.where("register"), content=b"{", headers={"Content-Type": "application/json"})
    assert broken.status_code == 400


@pytest.mark.parametrize(
    "uri", ["https://app.example/cb", "http://localhost:1/cb", "http://[::1]/cb", "org.example.app:/cb"]
)
def test_addresses_that_may_be_registered(app: App, uri: str) -> None:
    said = register(app, {**PUBLIC, "redirect_uris": [uri]}).json()
    app.client, app.redirect_uri = {"id": said["client_id"]}, uri

    assert app.authorize().headers["location"].startswith(uri + "?code=")
    assert app.authorize(redirect_uri="https://elsewhere.example/cb").status_code == 400
    assert app.authorize(redirect_uri=uri + "/more").status_code == 400


def test_a_registration_is_read_changed_and_removed(app: App) -> None:
    said = register(app, {**PUBLIC, "token_endpoint_auth_method": "client_secret_post"}).json()
    assert manage(app, said, "GET").json() == said

    new = {"client_id": said["client_id"], "redirect_uris": ["https://app.example/new"], "client_name": "B"}
    changed = manage(app, said, "PUT", {**new, "client_secret": said["client_secret"]}).json()
    assert changed["redirect_uris"] == ["https://app.example/new"]
    assert changed["token_endpoint_auth_method"] == "client_secret_basic"
    assert changed["client_secret"] == said["client_secret"]
    app.client, app.redirect_uri = {"id": said["client_id"], "secret": said["client_secret"]}, REDIRECT
    assert app.authorize().status_code == 400
    app.redirect_uri = "https://app.example/new"
    tokens = app.sign_in()

    assert manage(app, said, "DELETE").status_code == 204
    assert app.fhir(f"Patient/{ADA}", tokens["access_token"]).status_code == 401
    assert app.authorize().status_code == 400
    assert manage(app, said, "GET").status_code == 401


@pytest.mark.parametrize(
    "more",
    [
        {"client_id": "another"},
        {"client_secret": "chosen"},
        {"registration_access_token": "x"},
        {"client_secret_expires_at": 0},
        {"client_id_issued_at": 0},
    ],
)
def test_what_the_server_gives_out_cannot_be_chosen(app: App, more: dict[str, Any]) -> None:
    said = register(app, {"redirect_uris": [REDIRECT]}).json()

    response = manage(app, said, "PUT", {"client_id": said["client_id"], "redirect_uris": [REDIRECT], **more})

    assert (response.status_code, response.json()["error"]) == (400, "invalid_client_metadata")


def test_a_registration_is_managed_with_its_own_token_only(app: App) -> None:
    mine, other = register(app, PUBLIC).json(), register(app, PUBLIC).json()

    for method in ("GET", "PUT", "DELETE"):
        response = manage(app, mine, method, PUBLIC, token=other["registration_access_token"])
        assert response.status_code == 401
        assert response.headers["www-authenticate"].startswith("Bearer")
    assert app.http.get(mine["registration_client_uri"]).status_code == 401


@pytest.mark.parametrize(
    ("vendor", "there"), [("meditech", True), ("nextgen-office", True), ("oracle", False)]
)
def test_where_registration_is_open(start: Start, vendor: str, there: bool) -> None:
    app = start(vendor=vendor)

    assert ("registration_endpoint" in app.said()) is there
    assert register(app, {"redirect_uris": [REDIRECT]}).status_code == (201 if there else 404)


def test_registration_can_be_turned_off(start: Start) -> None:
    app = start(dynamic_registration=False)

    assert "registration_endpoint" not in app.said()
    assert register(app, PUBLIC).status_code == 404


# --- Epic: a client of one's own after the sign-in ---


@pytest.fixture
def epic(start: Start, clock: Clock) -> App:
    app = start(vendor="epic", clock=clock)
    app.redirect_uri = REGISTERED
    return app


def beside_token(app: App) -> str:
    assert "registration_endpoint" not in app.said()
    return app.where("token").removesuffix("/token") + "/register"


def register_at_epic(app: App, token: str | None, **changed: Any) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    body = {"software_id": app.client_id, "jwks": JWKS, **changed}
    return app.http.post(beside_token(app), json=body, headers=headers)


def renew(app: App, client_id: str, now: float, **claims: Any) -> httpx.Response:
    audience = claims.pop("aud", app.where("token"))
    signed = assertion(client_id, audience, now, **claims)
    return app.post("token", {"grant_type": JWT_BEARER, "assertion": signed, "client_id": client_id})


def test_a_dynamic_client_comes_back_for_ever_without_its_person(epic: App, clock: Clock) -> None:
    tokens = epic.sign_in()
    registered = register_at_epic(epic, tokens["access_token"])
    assert registered.status_code == 201
    client_id = registered.json()["client_id"]
    assert client_id != epic.client_id
    clock.now += 400 * 86_400

    for key in (EC, RSA):
        renewed = renew(epic, client_id, clock.now, key=key).json()
        assert renewed["patient"] == ADA
        assert renewed["scope"] == tokens["scope"]
        assert "refresh_token" not in renewed
        assert epic.fhir(f"Patient/{ADA}", renewed["access_token"]).status_code == 200
        assert epic.fhir("Patient/ben", renewed["access_token"]).status_code == 404


def test_registering_needs_a_living_access_token_and_the_right_app(epic: App, clock: Clock) -> None:
    token = epic.sign_in()["access_token"]

    assert register_at_epic(epic, None).status_code == 401
    assert register_at_epic(epic, "made-up").status_code == 401
    assert register_at_epic(epic, token, software_id="another").json()["error"] == "invalid_client_metadata"
    assert register_at_epic(epic, token, jwks=None).json()["error"] == "invalid_client_metadata"
    clock.now += 3600
    assert register_at_epic(epic, token).status_code == 401


@pytest.mark.parametrize(
    "wrong",
    [
        {"aud": "https://elsewhere.example/token"},
        {"sub": "phr-sandbox"},
        {"jti": None},
        {"exp": 1},
        {"header": {"kid": "unknown"}},
    ],
)
def test_a_wrong_assertion_brings_no_token(epic: App, clock: Clock, wrong: dict[str, Any]) -> None:
    client_id = register_at_epic(epic, epic.sign_in()["access_token"]).json()["client_id"]

    response = renew(epic, client_id, clock.now, **wrong)

    assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")


def test_an_assertion_at_epic_counts_once(epic: App, clock: Clock) -> None:
    client_id = register_at_epic(epic, epic.sign_in()["access_token"]).json()["client_id"]

    assert renew(epic, client_id, clock.now, jti="once").status_code == 200
    assert renew(epic, client_id, clock.now, jti="once").json()["error"] == "invalid_grant"


def test_the_app_itself_cannot_come_back_by_assertion(epic: App, clock: Clock) -> None:
    assert renew(epic, epic.client_id, clock.now).json()["error"] == "invalid_grant"


def test_taking_back_the_consent_ends_the_dynamic_client(epic: App, clock: Clock) -> None:
    client_id = register_at_epic(epic, epic.sign_in()["access_token"]).json()["client_id"]
    token = renew(epic, client_id, clock.now).json()["access_token"]

    epic.sandbox.authorization.revoke_all()

    assert renew(epic, client_id, clock.now).json()["error"] == "invalid_grant"
    assert epic.fhir(f"Patient/{ADA}", token).status_code == 401


def test_an_organisation_may_not_offer_it(start: Start) -> None:
    app = start(vendor="epic", dynamic_registration=False)
    app.redirect_uri = REGISTERED

    assert register_at_epic(app, app.sign_in()["access_token"]).status_code == 404


def test_elsewhere_the_grant_is_not_known(app: App, clock: Clock) -> None:
    assert renew(app, app.client_id, clock.now).json()["error"] == "unsupported_grant_type"
