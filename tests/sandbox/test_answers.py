"""How answers come back and what the token endpoint says: every odd way that a client has to bear."""

from __future__ import annotations

import base64
import re
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import orjson
import pytest

from phr.errors import UsageError
from phr.sandbox.config import CONFIDENTIAL_ID, CONFIDENTIAL_SECRET, SandboxConfig

from .conftest import ADA, REDIRECT, REGISTERED, SCOPE, App, Clock, Start, answer

CONFIDENTIAL = {"id": CONFIDENTIAL_ID, "secret": CONFIDENTIAL_SECRET}


def claims(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    return dict(orjson.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))


def test_the_code_may_come_in_the_fragment(start: Start) -> None:
    for app in (start(answer_by="fragment"), start(vendor="one-medical")):
        app.redirect_uri = REGISTERED
        location = urlsplit(app.authorize().headers["location"])

        came = dict(parse_qsl(location.fragment))
        assert location.query == ""
        assert came["state"] == "st-1"
        assert app.token(code=came["code"]).status_code == 200


def test_the_answer_may_be_posted(start: Start) -> None:
    app = start(answer_by="post")

    page = app.authorize(state='"><b>')

    assert page.status_code == 200
    came = {name: unescape(value) for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', page.text)}
    assert f'action="{REDIRECT}"' in page.text
    assert came["state"] == '"><b>'
    assert app.token(code=came["code"]).status_code == 200
    policy = page.headers["content-security-policy"]
    assert "form-action 'self' http://127.0.0.1:4711" in policy
    assert "script-src 'sha256-" in policy


@pytest.mark.parametrize("way", ["query", "fragment", "post"])
def test_an_error_comes_back_the_same_way(start: Start, way: str) -> None:
    app = start(answer_by=way, authorize_error="access_denied", change={"error_uri": True})

    response = app.authorize()

    if way == "post":
        found = re.findall(r'name="(\w+)" value="([^"]*)"', response.text)
        came = {name: unescape(value) for name, value in found}
    else:
        came = dict(parse_qsl(getattr(urlsplit(response.headers["location"]), way)))
    assert (came["error"], came["state"]) == ("access_denied", "st-1")
    assert came["error_uri"] == app.origin + "/errors/access_denied"
    assert "code" not in came


def test_the_issuer_is_named_by_the_plain_sandbox_alone(start: Start) -> None:
    vendor = start(vendor="epic")
    vendor.redirect_uri = REGISTERED

    assert answer(start().authorize())["iss"].endswith("/fhir")
    assert "iss" not in answer(vendor.authorize())
    assert "authorization_response_iss_parameter_supported" not in vendor.said()


@pytest.mark.parametrize(("said_as", "value"), [("number", 3600), ("text", "3600"), ("missing", None)])
def test_the_life_of_a_token_may_be_said_otherwise(start: Start, said_as: str, value: object) -> None:
    assert start(expires_in_as=said_as).sign_in().get("expires_in") == value


@pytest.mark.parametrize(
    ("said_as", "scope"),
    [
        ("as-granted", "openid launch/patient patient/Goal.read"),
        ("missing", None),
        ("empty", ""),
        ("reordered", "patient/Goal.read launch/patient openid"),
        ("other-dialect", "openid launch/patient patient/Goal.rs"),
    ],
)
def test_the_granted_scope_may_be_said_otherwise(start: Start, said_as: str, scope: str | None) -> None:
    app = start(scope_answer=said_as)

    tokens = app.sign_in(scope="openid launch/patient patient/Goal.read")

    assert tokens.get("scope") == scope
    assert app.fhir("Goal", tokens["access_token"]).status_code == 200


def test_scopes_may_be_lost_on_the_way(start: Start) -> None:
    app = start(drop_scopes=("offline_access", "patient/*.rs"))

    assert app.sign_in()["scope"] == "openid fhirUser launch/patient"


@pytest.mark.parametrize("name", ["refresh_expires_in", "refresh_token_expires_in"])
def test_the_end_of_a_refresh_token_may_be_told_in_seconds(start: Start, clock: Clock, name: str) -> None:
    app = start(clock=clock, refresh_ends_seconds=1000, refresh_end_as=name)
    tokens = app.sign_in()
    assert tokens[name] == 1000
    clock.now += 400

    renewed = app.refresh(tokens["refresh_token"]).json()

    assert renewed[name] == 600
    clock.now += 600
    assert app.refresh(renewed["refresh_token"]).json()["error"] == "invalid_grant"


def test_the_end_of_a_refresh_token_may_be_inside_it(start: Start, clock: Clock) -> None:
    app = start(clock=clock, refresh_ends_seconds=1000, refresh_end_as="jwt")

    assert claims(app.sign_in()["refresh_token"])["exp"] == clock.now + 1000


def test_the_clock_can_be_turned_forward(app: App) -> None:
    token = app.sign_in()["access_token"]
    app.sandbox.advance(3500)
    assert app.fhir(f"Patient/{ADA}", token).status_code == 200
    app.sandbox.advance(101)

    assert app.fhir(f"Patient/{ADA}", token).status_code == 401


def test_the_id_token_may_name_another_issuer(start: Start) -> None:
    app = start(change={"id_token_issuer": "https://issuer.example"})

    assert claims(app.sign_in()["id_token"])["iss"] == "https://issuer.example"
    assert app.said()["issuer"] == app.sandbox.fhir_base


@pytest.mark.parametrize("who", ["RelatedPerson/mother", "Patient/ben"])
def test_somebody_may_act_for_the_patient(start: Start, who: str) -> None:
    tokens = start(fhir_user=who).sign_in()

    said = claims(tokens["id_token"])
    assert said["fhirUser"].endswith("/fhir/" + who)
    assert said["sub"] == who.rpartition("/")[2]
    assert tokens["patient"] == ADA


# --- troubles of the token endpoint ---


@pytest.mark.parametrize(
    ("trouble", "status", "error"),
    [
        ("empty-400", 400, None),
        ("null-grant", 400, "invalid_grant"),
        ("429", 429, "temporarily_unavailable"),
        ("500", 500, None),
        ("503", 503, None),
        ("html", 200, None),
        ("invalid_grant", 400, "invalid_grant"),
        ("invalid_client", 401, "invalid_client"),
        ("unauthorized_client", 400, "unauthorized_client"),
        ("invalid_scope", 400, "invalid_scope"),
    ],
)
def test_the_token_endpoint_fails_once_and_heals(
    start: Start, trouble: str, status: int, error: str | None
) -> None:
    app = start(token_faults=(trouble,))
    code = app.code()

    failed = app.token(code=code)

    assert failed.status_code == status
    if error:
        assert failed.json()["error"] == error
    else:
        assert b"access_token" not in failed.content
    assert app.token(code=code).status_code == 200


def test_troubles_come_one_after_the_other_and_on_demand(start: Start) -> None:
    app = start(token_faults=("500", "429"))
    code = app.code()
    assert [app.token(code=code).status_code for _ in range(3)] == [500, 429, 200]

    app.sandbox.trouble_tokens("reset")

    with pytest.raises(httpx.HTTPError):
        app.token(code=app.code())
    with pytest.raises(ValueError, match="fire"):
        app.sandbox.trouble_tokens("fire")


def test_a_lost_answer_has_used_the_refresh_token_up(app: App) -> None:
    token = app.sign_in()["refresh_token"]
    app.sandbox.trouble_tokens("lost")

    with pytest.raises(httpx.HTTPError):
        app.refresh(token)

    assert app.refresh(token).json()["error"] == "invalid_grant"


def test_an_unknown_trouble_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="fire"):
        SandboxConfig(token_faults=("fire",)).check()


# --- looking tokens up ---


def test_a_client_that_authenticates_may_look_its_tokens_up(start: Start, clock: Clock) -> None:
    app = start(clock=clock)
    app.client = CONFIDENTIAL
    tokens = app.sign_in()

    def look(token: str, auth: tuple[str, str] = (CONFIDENTIAL_ID, CONFIDENTIAL_SECRET)) -> dict[str, Any]:
        return dict(app.post("introspect", {"token": token}, auth=auth).json())

    said = look(tokens["access_token"])
    assert (said["active"], said["client_id"], said["patient"]) == (True, CONFIDENTIAL_ID, ADA)
    assert (said["scope"], said["exp"]) == (SCOPE, clock.now + 3600)
    assert look(tokens["refresh_token"])["active"] is True
    assert look("made-up") == {"active": False}
    assert look(app.sandbox.issue_token()) == {"active": False}, "another client's"
    assert look("x", (CONFIDENTIAL_ID, "wrong"))["error"] == "invalid_client"
    clock.now += 3600
    assert look(tokens["access_token"]) == {"active": False}


def test_a_public_client_shows_a_token_instead(app: App) -> None:
    token = app.sign_in()["access_token"]

    assert app.post("introspect", {"token": token, "client_id": app.client_id}).status_code == 401
    by_token = app.post("introspect", {"token": token}, headers={"Authorization": f"Bearer {token}"})
    assert by_token.json()["active"] is True
    assert app.post("introspect", {"token": token}, headers={"Authorization": "Bearer x"}).status_code == 401


def test_athenahealth_looks_up_by_get_and_wants_a_hint(start: Start) -> None:
    app = start(vendor="athenahealth")
    app.redirect_uri, app.client = REGISTERED, CONFIDENTIAL
    query = {"token": app.sign_in(nonce="n")["access_token"]}
    auth = (CONFIDENTIAL_ID, CONFIDENTIAL_SECRET)

    assert app.http.get(app.where("introspect"), params=query, auth=auth).json()["error"] == "invalid_request"
    hinted = {**query, "token_type_hint": "access_token"}
    assert app.http.get(app.where("introspect"), params=hinted, auth=auth).json()["active"] is True


def test_a_person_sees_and_ends_the_access_that_apps_have(app: App) -> None:
    tokens = app.sign_in()
    page = app.http.get(app.said()["management_endpoint"])
    key = re.findall(r'name="key" value="([^"]+)"', page.text)[0]
    assert app.client_id in page.text
    assert tokens["access_token"] not in page.text

    app.http.post(app.said()["management_endpoint"], data={"key": "guessed"})
    assert app.fhir(f"Patient/{ADA}", tokens["access_token"]).status_code == 200
    assert app.http.post(app.said()["management_endpoint"], data={"key": key}).status_code == 303
    assert app.fhir(f"Patient/{ADA}", tokens["access_token"]).status_code == 401
    assert "No app" in app.http.get(app.said()["management_endpoint"]).text
