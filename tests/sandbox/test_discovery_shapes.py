"""The shapes in which vendors say where to sign in, each of which a client has to read."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from phr.sandbox.vendors import VENDORS

from .conftest import ELSEWHERE, REGISTERED, App, Start, answer
from .test_vendors import scope_of

OAUTH_URIS = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"


def security(app: App) -> list[dict[str, Any]]:
    return list(app.fhir("metadata").json()["rest"][0]["security"]["extension"])


@pytest.mark.parametrize("vendor", sorted(set(VENDORS) - {"hapi"}))
def test_every_endpoint_that_is_named_answers(start: Start, vendor: str) -> None:
    app = start(vendor=vendor)
    said = app.said()

    assert app.http.get(said["authorization_endpoint"]).status_code == 400
    assert app.http.post(said["token_endpoint"], data={}).json()["error"] == "invalid_request"
    assert app.http.get(said["jwks_uri"]).json()["keys"]
    for member, method in (
        ("revocation_endpoint", "POST"),
        ("registration_endpoint", "POST"),
        ("management_endpoint", "GET"),
        ("introspection_endpoint", "GET" if vendor == "athenahealth" else "POST"),
    ):
        if member in said:
            response = app.http.request(method, said[member])
            assert response.status_code in (200, 400, 401), (member, response.status_code)
    (uris,) = (item["extension"] for item in security(app) if item["url"] == OAUTH_URIS)
    assert {item["url"]: item["valueUri"] for item in uris}["token"] == said["token_endpoint"]


def test_the_plain_sandbox_offers_all_there_is(app: App) -> None:
    said = app.said()

    assert said["authorization_response_iss_parameter_supported"] is True
    assert said["token_endpoint_auth_signing_alg_values_supported"] == ["RS384", "ES384"]
    assert {"authorization_code", "refresh_token", "client_credentials"} == set(said["grant_types_supported"])
    assert {"none", "client_secret_basic", "client_secret_post", "private_key_jwt"} == set(
        said["token_endpoint_auth_methods_supported"]
    )
    assert "client-confidential-asymmetric" in said["capabilities"]
    for member in ("registration", "introspection", "revocation", "management"):
        assert f"{member}_endpoint" in said


@pytest.mark.parametrize(
    ("shape", "below", "at_root", "extension"),
    [
        ("smart", 200, 404, OAUTH_URIS),
        ("root", 404, 200, OAUTH_URIS),
        ("metadata", 404, 404, OAUTH_URIS),
        ("metadata-old", 404, 404, "http://fhir-registry.smarthealthit.org/Profile/oauth-uris#authorize"),
        ("html", 200, 404, OAUTH_URIS),
    ],
)
def test_where_the_document_is(start: Start, shape: str, below: int, at_root: int, extension: str) -> None:
    app = start(discovery=shape)
    name = "/.well-known/smart-configuration"

    found = app.http.get(app.sandbox.fhir_base + name)

    assert found.status_code == below
    assert app.http.get(app.origin + name).status_code == at_root
    assert security(app)[0]["url"] == extension
    if below == 200:
        assert found.headers["content-type"].startswith(
            "text/html" if shape == "html" else "application/json"
        )


def test_the_old_extension_is_flat(start: Start) -> None:
    found = {
        item["url"].partition("#")[2]: item["valueUri"] for item in security(start(discovery="metadata-old"))
    }

    assert found["authorize"].endswith("/oauth/authorize")
    assert found["token"].endswith("/oauth/token")


def test_meditech_sits_at_the_root_and_ends_with_a_slash(start: Start) -> None:
    app = start(vendor="meditech")

    assert app.fhir(".well-known/smart-configuration").status_code == 404
    assert app.said()["issuer"] == app.origin + "/"


def test_veradigm_misnames_a_list_and_says_things_twice(start: Start) -> None:
    said = start(vendor="veradigm").said()

    assert "token_endpoint_auth_methods_supported" not in said
    assert "none" not in said["token_endpoint_auth_methods"]
    for name in ("token_endpoint_auth_methods", "scopes_supported"):
        assert len(said[name]) > len(set(said[name]))


def test_epic_lists_little(start: Start) -> None:
    said = start(vendor="epic").said()

    assert len(said["scopes_supported"]) == 5
    assert not [word for word in said["scopes_supported"] if "/" in word or word == "offline_access"]
    assert "none" not in said["token_endpoint_auth_methods_supported"]
    assert "introspection_endpoint" not in said
    assert "revocation_endpoint" not in said
    assert said["token_endpoint"].endswith("/oauth2/token")


def test_athenahealths_issuer_lives_elsewhere_and_refreshing_is_not_mentioned(start: Start) -> None:
    app = start(vendor="athenahealth")

    assert urlsplit(app.said()["issuer"]).hostname != "127.0.0.1"
    assert "refresh_token" not in app.said()["grant_types_supported"]


def test_nextgen_office_has_a_query_in_its_address_already(start: Start) -> None:
    app = start(vendor="nextgen-office")
    app.redirect_uri = REGISTERED
    address = app.where("authorize")

    assert parse_qs(urlsplit(address).query) == {"aud": [app.sandbox.fhir_base]}
    assert "code" in answer(app.authorize())
    assert "code" in answer(app.authorize(aud=app.sandbox.fhir_base + "/"))
    assert "code" in answer(app.authorize(aud=None))
    assert answer(app.authorize(aud="https://elsewhere.example"))["error"] == "invalid_request"


def test_pkce_that_is_ignored_is_not_advertised_and_not_checked(start: Start) -> None:
    app = start(pkce="ignored")

    assert "code_challenge_methods_supported" not in app.said()
    assert app.token(code=app.code(), code_verifier=None).status_code == 200
    assert app.token(code=app.code(), code_verifier="w" * 43).status_code == 200


@pytest.mark.parametrize(("rule", "without"), [("required", False), ("optional", True)])
def test_pkce_may_be_left_out_where_it_is_optional(start: Start, rule: str, without: bool) -> None:
    app = start(pkce=rule)

    assert ("code" in answer(app.authorize(code_challenge=None, code_challenge_method=None))) is without
    assert app.token(code=app.code(), code_verifier=None).status_code == 400


@pytest.mark.parametrize("vendor", ["eclinicalworks", "va"])
def test_public_apps_need_pkce_there(start: Start, vendor: str) -> None:
    app = start(vendor=vendor)
    app.redirect_uri = ELSEWHERE
    scope = scope_of(vendor)

    assert answer(app.authorize(code_challenge=None, scope=scope))["error"] == "invalid_request"


def test_any_habit_can_be_changed_for_a_test(start: Start) -> None:
    app = start(change={"issuer": "https://issuer.example", "says": {"capabilities": None}})

    assert app.said()["issuer"] == "https://issuer.example"
    assert "capabilities" not in app.said()
