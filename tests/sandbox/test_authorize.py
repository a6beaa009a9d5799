"""The authorization endpoint: each right request has a wrong twin."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from phr.sandbox.clients import redirect_allowed
from phr.sandbox.habits import VendorHabits
from phr.sandbox.vendors import REGISTERED_REDIRECTS, VENDORS

from .conftest import REDIRECT, SCOPE, App, Start, answer


def test_a_right_request_comes_back_with_code_state_and_issuer(app: App) -> None:
    response = app.authorize(state="a b&c=<d>")

    assert response.status_code == 302
    assert response.headers["location"].startswith(REDIRECT + "?")
    came = answer(response)
    assert came["state"] == "a b&c=<d>"
    assert came["iss"] == app.sandbox.fhir_base
    assert len(came["code"]) >= 32


@pytest.mark.parametrize("slash", ["", "/"])
def test_aud_may_end_with_a_slash_or_not(app: App, slash: str) -> None:
    assert "code" in answer(app.authorize(aud=app.sandbox.fhir_base + slash))


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"aud": None}, "invalid_request"),
        ({"aud": "https://elsewhere.example/fhir"}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": "tooshort"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"scope": "user/*.rs system/*.read"}, "invalid_scope"),
        ({"scope": None}, "invalid_scope"),
    ],
)
def test_a_wrong_request_goes_back_with_an_error_and_the_state(
    app: App, changed: dict[str, str | None], error: str
) -> None:
    came = answer(app.authorize(**changed))

    assert came["error"] == error
    assert came["error_description"]
    assert came["state"] == "st-1"
    assert "code" not in came


def test_a_request_without_state_gets_no_code(app: App) -> None:
    came = answer(app.authorize(state=None))

    assert came["error"] == "invalid_request"
    assert "state" not in came
    assert "code" not in came


@pytest.mark.parametrize(
    "changed",
    [
        {"client_id": "nobody"},
        {"client_id": None},
        {"redirect_uri": "https://evil.example/callback"},
        {"redirect_uri": None},
        {"redirect_uri": "http://127.0.0.1:1/cb#fragment"},
        {"redirect_uri": "http://127.0.0.1@evil.example/"},
    ],
)
def test_a_wrong_client_or_redirect_address_is_told_to_the_person_and_never_redirected(
    app: App, changed: dict[str, str | None]
) -> None:
    response = app.authorize(**changed)

    assert response.status_code == 400
    assert "location" not in response.headers
    assert response.headers["content-type"].startswith("text/html")
    assert "cannot go on" in response.text


def test_a_parameter_that_is_there_twice_is_refused(app: App) -> None:
    response = app.authorize()
    twice = f"{app.origin}/oauth/authorize?{urlsplit(str(response.request.url)).query}"

    assert answer(app.http.get(twice + "&scope=openid"))["error"] == "invalid_request"
    assert app.http.get(twice + "&redirect_uri=http://localhost/").status_code == 400


def test_a_redirect_address_keeps_the_query_it_has(app: App) -> None:
    app.redirect_uri = "http://localhost:99/cb?keep=1"

    assert answer(app.authorize())["keep"] == "1"


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:1/callback",
        "http://127.0.0.1:65000/",
        "http://localhost/x/y",
        "http://[::1]:8765/callback",
        "https://127.0.0.1:8443/callback",
    ],
)
def test_any_loopback_port_and_path_may_be_redirected_to(uri: str) -> None:
    assert redirect_allowed(uri, VendorHabits())


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.2/",
        "http://127.0.0.1.evil.example/",
        "http://evil.example/127.0.0.1",
        "http://evil.example\\@127.0.0.1/",
        "http://[::1",
        "http://127.0.0.1:99999/",
        "ftp://127.0.0.1/",
        "javascript:alert(1)",
        "",
    ],
)
def test_no_other_address_may_be_redirected_to(uri: str) -> None:
    assert not redirect_allowed(uri, VendorHabits())


@pytest.mark.parametrize("vendor", ["epic", "oracle", "athenahealth"])
def test_a_vendor_compares_the_redirect_address_letter_by_letter(vendor: str) -> None:
    def allowed(uri: str) -> bool:
        return redirect_allowed(uri, VENDORS[vendor], REGISTERED_REDIRECTS)

    assert allowed("http://127.0.0.1:8765/callback")
    assert allowed("https://localhost:8765/callback")
    assert allowed("https://phr.invalid/callback")
    assert not allowed("http://127.0.0.1:8766/callback")
    assert not allowed("http://127.0.0.1:8765/callback/")
    assert not allowed("https://phr.invalid/callback?x=1")
    assert not allowed("https://elsewhere.example/callback")


def test_the_vendor_rule_holds_over_http(start: Start) -> None:
    app = start(vendor="epic")

    assert app.authorize().status_code == 400
    assert "code" in answer(app.authorize(redirect_uri="http://127.0.0.1:8765/callback"))


def test_unknown_scopes_are_dropped_from_the_grant(app: App) -> None:
    code = app.code(scope=SCOPE + " user/*.rs patient/Nonsense.rs patient/Observation.sr made/up")

    assert app.token(code=code).json()["scope"].split() == SCOPE.split()
