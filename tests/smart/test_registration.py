"""phr registers itself: open registration, its management, and Epic's clients of a connection's own."""

from __future__ import annotations

import json
import logging
from typing import Any

import httpx
import msgspec
import pytest

from phr.errors import SignInError, Unreachable
from phr.model import SmartConfiguration, Vendor
from phr.smart.keys import ClientKeys
from phr.smart.registration import (
    Registration,
    read,
    register,
    register_dynamic,
    registration_endpoint,
    unregister,
    update,
)

WHERE = "https://auth.example.org/oauth2/register"
CONFIGURATION = SmartConfiguration("a", "https://auth.example.org/oauth2/token", registration_endpoint=WHERE)
URIS = ("http://127.0.0.1:8765/callback",)
GOOD = {
    "client_id": "c-1",
    "client_id_issued_at": 5,
    "client_secret_expires_at": 0,
    "token_endpoint_auth_method": "none",
    "registration_client_uri": f"{WHERE}/c-1",
    "registration_access_token": "rat-secret",
    "redirect_uris": list(URIS),
    "vendor_extra": {"kept": True},
}


@pytest.fixture(scope="module")
def keys() -> ClientKeys:
    return ClientKeys.new()


class Server:
    """A registration endpoint that answers in turn and notes what it was told."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self.handle)

    @property
    def told(self) -> list[Any]:
        return [json.loads(request.content) if request.content else None for request in self.requests]

    @property
    def bearers(self) -> list[str | None]:
        return [request.headers.get("authorization") for request in self.requests]

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def register(self, method: str = "public", **more: Any) -> Registration:
        configuration = more.pop("configuration", CONFIGURATION)
        more = {"redirect_uris": URIS, "scopes": ("openid", "patient/*.rs")} | more
        return register(configuration, method=method, transport=self.transport, **more)


def created(**more: Any) -> httpx.Response:
    return httpx.Response(201, json={k: v for k, v in (GOOD | more).items() if v is not None})


def refused(error: str, description: str = "", status: int = 400) -> httpx.Response:
    return httpx.Response(status, json={"error": error, "error_description": description})


# ── open registration ─────────────────────────────────────────────────────────────────────────────


def test_a_public_app_says_what_it_is() -> None:
    server = Server(created())
    found = server.register()
    assert server.told == [
        {
            "application_type": "native",
            "client_name": "phr",
            "redirect_uris": list(URIS),
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
            "scope": "openid patient/*.rs",
        }
    ]
    assert server.requests[0].headers["content-type"] == "application/json" and server.bearers == [None]
    assert found == Registration("c-1", None, "public", f"{WHERE}/c-1", "rat-secret", None)


@pytest.mark.parametrize("odd", [10**400, 1e308, float("nan"), float("inf"), "soon", [], True])
def test_an_end_of_the_secret_that_is_no_time_is_not_known(odd: object) -> None:
    body = json.dumps(GOOD | {"client_secret_expires_at": odd}).encode()
    assert Server(httpx.Response(201, content=body)).register().secret_expires_at is None


@pytest.mark.parametrize("odd", ["a\ud800", "a\x1b[2J", "a\r\nb", " ", "a" * 20_000])
def test_a_client_id_that_cannot_be_sent_or_shown_is_none(odd: str) -> None:
    body = json.dumps(GOOD | {"client_id": odd}).encode()
    with pytest.raises(SignInError, match="without giving it a client id"):
        Server(httpx.Response(201, content=body)).register()


@pytest.mark.parametrize("odd", ["rat\r\nX-Evil: 1", "rat\ud800"])
def test_a_registration_token_that_no_header_takes_is_left_out(odd: str) -> None:
    body = json.dumps(GOOD | {"registration_access_token": odd}).encode()
    assert Server(httpx.Response(201, content=body)).register().access_token is None


def test_an_app_with_keys_shows_its_public_ones(keys: ClientKeys) -> None:
    server = Server(created(token_endpoint_auth_method="private_key_jwt"))
    assert server.register("private_key_jwt", keys=keys).method == "private_key_jwt"
    assert server.told[0]["jwks"] == keys.public() and "jwks_uri" not in server.told[0]
    assert '"d"' not in server.requests[0].content.decode()
    with pytest.raises(SignInError):
        Server().register("private_key_jwt")


@pytest.mark.parametrize(
    ("asked", "answer", "method", "secret", "ends"),
    [
        ("public", {"token_endpoint_auth_method": None}, "public", None, None),
        ("client_secret_basic", {"token_endpoint_auth_method": None, "client_secret": "s"},
         "client_secret_basic", "s", None),
        ("public", {"token_endpoint_auth_method": None, "client_secret": "s"}, "client_secret_basic", "s", None),
        ("public", {"token_endpoint_auth_method": "client_secret_post", "client_secret": "s"},
         "client_secret_post", "s", None),
        ("client_secret_basic", {"client_secret": "s"}, "public", None, None),
        ("client_secret_post",
         {"token_endpoint_auth_method": "client_secret_post", "client_secret": "s", "client_secret_expires_at": 9},
         "client_secret_post", "s", 9.0),
        ("public", {"client_secret_expires_at": "never", "client_id": 17}, "public", None, None),
    ],
)  # fmt: skip
def test_what_an_answer_leaves_out_is_as_asked(
    asked: str, answer: dict[str, Any], method: str, secret: str | None, ends: float | None
) -> None:
    found = Server(created(**answer)).register(asked)
    assert (found.method, found.client_secret, found.secret_expires_at) == (method, secret, ends)


@pytest.mark.parametrize(
    ("uri", "kept"),
    [
        (f"{WHERE}/c-1", f"{WHERE}/c-1"),
        ("/oauth2/register/c-1", "https://auth.example.org/oauth2/register/c-1"),
        ("https://evil.example/c-1", None),
        ("http://auth.example.org/c-1", None),
        (5, None),
    ],
)
def test_a_registration_is_managed_where_it_was_made_and_nowhere_else(uri: object, kept: str | None) -> None:
    assert Server(created(registration_client_uri=uri)).register().uri == kept


def test_https_on_this_computer_is_no_address_of_a_native_app() -> None:
    server = Server(created(), created())
    server.register(redirect_uris=("https://localhost:8765/callback",))
    server.register(redirect_uris=("https://me.example.org/phr",))
    assert [told["application_type"] for told in server.told] == ["web", "native"]


def test_a_server_that_knows_other_scopes_is_asked_without() -> None:
    server = Server(refused("invalid_client_metadata", "scope"), created())
    assert server.register().client_id == "c-1"
    assert ["scope" in told for told in server.told] == [True, False]


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([refused("invalid_redirect_uri")], "redirect address"),
        ([refused("invalid_client_metadata"), refused("invalid_client_metadata")], "registration"),
        ([httpx.Response(401)], "does not let this app register itself"),
        ([httpx.Response(403, html="<html>")], "does not let this app register itself"),
        ([httpx.Response(404)], "does not let apps register"),
        ([httpx.Response(400, html="<html>")], "no readable answer"),
        ([httpx.Response(200, html="<html>")], "no readable answer"),
        ([httpx.Response(201, json={"client_secret": "x"})], "client id"),
        ([created(token_endpoint_auth_method="client_secret_jwt")], "way of proof"),
        ([created(token_endpoint_auth_method="private_key_jwt")], "way of proof"),
    ],
)
def test_a_registration_that_is_refused_says_why_and_what_next(
    answers: list[httpx.Response], said: str
) -> None:
    with pytest.raises(SignInError, match=said) as caught:
        Server(*answers).register()
    assert caught.value.hint and "sign-in failed" not in caught.value.message


@pytest.mark.parametrize(
    "answer", [httpx.Response(503), httpx.Response(429), httpx.ConnectError("x")], ids=str
)
def test_trouble_may_pass(answer: httpx.Response | Exception) -> None:
    with pytest.raises(Unreachable):
        Server(answer).register()


def test_a_server_that_offers_no_registration_is_not_asked() -> None:
    with pytest.raises(SignInError, match="does not let apps"):
        Server().register(configuration=SmartConfiguration("a", "https://auth.example.org/token"))


# ── a client of the connection's own (Epic) ───────────────────────────────────────────────────────


def dynamic(
    server: Server, keys: ClientKeys, configuration: SmartConfiguration = CONFIGURATION
) -> Registration | None:
    return register_dynamic(
        configuration, software_id="app-1", access_token="at-secret", keys=keys, transport=server.transport
    )


def test_a_sign_in_makes_a_client_of_its_own(keys: ClientKeys) -> None:
    server = Server(httpx.Response(201, json={"client_id": "own-1", "software_id": "app-1"}))
    assert dynamic(server, keys) == Registration("own-1", None, "private_key_jwt")
    assert server.told == [{"software_id": "app-1", "jwks": keys.public()}]
    assert server.bearers == ["Bearer at-secret"] and str(server.requests[0].url) == WHERE


def test_the_endpoint_lies_beside_the_token_endpoint_where_discovery_is_silent(keys: ClientKeys) -> None:
    silent = SmartConfiguration("a", "https://auth.example.org/x/oauth2/token?tenant=1")
    server = Server(httpx.Response(200, json={"client_id": "own-1"}))
    assert dynamic(server, keys, silent) is not None
    assert str(server.requests[0].url) == "https://auth.example.org/x/oauth2/register"
    epic = Vendor("epic", "Epic", registration="after-sign-in")
    assert registration_endpoint(silent, epic) == "https://auth.example.org/x/oauth2/register"
    assert registration_endpoint(silent, Vendor("x", "X", registration="open")) is None
    assert registration_endpoint(CONFIGURATION, Vendor("x", "X")) == WHERE


def test_an_organisation_that_does_not_offer_it_says_404(keys: ClientKeys) -> None:
    assert dynamic(Server(httpx.Response(404, html="<html>")), keys) is None


@pytest.mark.parametrize(
    "answer", [httpx.Response(401), refused("invalid_client_metadata"), httpx.Response(400)]
)
def test_any_other_refusal_is_an_error(keys: ClientKeys, answer: httpx.Response) -> None:
    with pytest.raises(SignInError):
        dynamic(Server(answer), keys)


@pytest.mark.parametrize(
    "where",
    ["https://evil.example/register", "http://auth.example.org/register", "https://auth.example.org:444/register",
     "https://auth.example.org.evil.example/register"],
)  # fmt: skip
def test_the_access_token_goes_to_the_sign_in_server_alone(keys: ClientKeys, where: str) -> None:
    server = Server()
    configuration = SmartConfiguration("a", CONFIGURATION.token_endpoint, registration_endpoint=where)
    with pytest.raises(SignInError):
        dynamic(server, keys, configuration)
    assert server.requests == []


# ── management ────────────────────────────────────────────────────────────────────────────────────

MADE = Registration("c-1", None, "public", f"{WHERE}/c-1", "rat-secret")


def test_new_keys_are_told_with_everything_else_as_it_was(keys: ClientKeys) -> None:
    held = httpx.Response(
        200, json=GOOD | {"jwks_uri": "https://x.example/", "registration_access_token": "rat-2"}
    )
    server = Server(held, created(registration_access_token="rat-3", client_secret_expires_at=0))
    found = update(MADE, keys=keys, transport=server.transport)
    assert [request.method for request in server.requests] == ["GET", "PUT"]
    assert server.bearers == ["Bearer rat-secret", "Bearer rat-2"] and found.access_token == "rat-3"
    told = server.told[1]
    assert (
        told["jwks"] == keys.public()
        and told["client_id"] == "c-1"
        and told["vendor_extra"] == {"kept": True}
    )
    assert not told.keys() & {
        "jwks_uri", "registration_access_token", "registration_client_uri", "client_id_issued_at",
        "client_secret_expires_at",
    }  # fmt: skip


def test_a_registration_can_be_read_and_ended() -> None:
    server = Server(httpx.Response(200, json=GOOD), httpx.Response(204))
    assert read(MADE, transport=server.transport)["client_id"] == "c-1"
    assert unregister(MADE, transport=server.transport) is True
    assert [request.method for request in server.requests] == ["GET", "DELETE"]


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(401),
        httpx.Response(405),
        httpx.Response(500),
        httpx.ReadError("x"),
        httpx.Response(302, headers={"location": "https://evil.example/"}),
    ],
    ids=str,
)
def test_ending_that_cannot_be_done_is_false_and_never_an_error(answer: httpx.Response | Exception) -> None:
    assert unregister(MADE, transport=Server(answer).transport) is False
    assert unregister(Registration("c-1")) is False


def test_what_cannot_be_managed_is_said() -> None:
    with pytest.raises(SignInError):
        update(Registration("c-1"))


# ── privacy ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_token_follows_a_redirect(keys: ClientKeys, status: int) -> None:
    away = httpx.Response(status, headers={"location": "https://evil.example/register"})
    for act in (
        lambda server: dynamic(server, keys),
        lambda server: server.register(access_token="iat-secret"),
        lambda server: read(MADE, transport=server.transport),
        lambda server: update(MADE, transport=server.transport),
    ):
        server = Server(away)
        with pytest.raises(SignInError, match="secrets do not follow"):
            act(server)
        assert [request.url.host for request in server.requests] == ["auth.example.org"]


def test_no_secret_reaches_a_log_a_repr_or_an_error(
    keys: ClientKeys, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    shown = repr(Registration("c-1", "cl-secret", "client_secret_basic", f"{WHERE}/uri-secret", "rat-secret"))
    with pytest.raises(SignInError) as caught:
        dynamic(Server(refused("invalid_client_metadata", "at-secret is not known")), keys)
    shown += caught.value.message + repr(caught.value) + str(caught.value.hint)
    with pytest.raises(SignInError) as caught:
        read(MADE, transport=Server(refused("invalid_token", "rat-secret ended", 401)).transport)
    shown += caught.value.message + repr(caught.value) + str(caught.value.hint)
    assert not [s for s in ("cl-secret", "uri-secret", "rat-secret", "at-secret") if s in shown + caplog.text]


def test_a_registration_goes_through_the_vault_unchanged() -> None:
    made = Registration("c-1", "s", "client_secret_post", WHERE, "rat", 9.0)
    assert msgspec.json.decode(msgspec.json.encode(made), type=Registration) == made
