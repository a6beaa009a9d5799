"""How phr proves who it is, against a sign-in server that is as strict as the specifications allow."""

from __future__ import annotations

import base64
import json
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qs, unquote

import httpx
import pytest
from jwcrypto import jwk, jwt

from phr.errors import SignInError, Unreachable
from phr.model import SmartConfiguration, Token
from phr.smart.answer import TokenRefusedError
from phr.smart.client import ASSERTION_TYPE, JWT_BEARER, Client
from phr.smart.jwt import claims
from phr.smart.keys import ClientKeys
from phr.smart.token import client_credentials, exchange_code, introspect, jwt_bearer, refresh, revoke

NOW = 1_800_000_000.0
TOKEN = "https://auth.example.org/token"
CONFIGURATION = SmartConfiguration(
    "https://auth.example.org/authorize",
    TOKEN,
    revocation_endpoint="https://auth.example.org/revoke",
    introspection_endpoint="https://auth.example.org/introspect",
    issuer="https://auth.example.org",
)
GOOD = {"access_token": "at-1", "token_type": "Bearer", "expires_in": 300}
NO_CLIENT = httpx.Response(401, json={"error": "invalid_client"})


@pytest.fixture(scope="module")
def keys() -> ClientKeys:
    return ClientKeys.new()


@pytest.fixture(scope="module")
def rotated(keys: ClientKeys) -> ClientKeys:
    return keys.rotated()


class Server:
    """A token endpoint that checks assertions to the letter: signature, audience, time, and `jti` only once."""

    def __init__(
        self,
        jwks: dict[str, Any] | None = None,
        *,
        audience: str = TOKEN,
        ahead: float = 0.0,
        says_time: bool = True,
        answers: tuple[httpx.Response | Exception, ...] = (),
    ) -> None:
        self.jwks = jwks or {"keys": []}
        self.audience = audience
        self.ahead = ahead
        self.says_time = says_time
        self.answers = list(answers)
        self.seen: set[str] = set()
        self.posted: list[dict[str, str]] = []
        self.requests: list[httpx.Request] = []
        self.slept: list[float] = []

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self.handle)

    @property
    def how(self) -> dict[str, Any]:
        return {"now": NOW, "transport": self.transport, "sleep": self.slept.append}

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        form = {k: v[0] for k, v in parse_qs(request.content.decode(), keep_blank_values=True).items()}
        self.posted.append(form)
        if self.answers:
            answer = self.answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        return self._answer(form)

    def _answer(self, form: dict[str, str]) -> httpx.Response:
        headers = {"date": formatdate(NOW + self.ahead, usegmt=True)} if self.says_time else {}
        grant = form.get("grant_type") == JWT_BEARER
        wrong = self._wrong(form["assertion"] if grant else form.get("client_assertion", ""))
        if wrong:
            error = "invalid_grant" if grant else "invalid_client"
            said = {"error": error, "error_description": wrong}
            return httpx.Response(400 if grant else 401, json=said, headers=headers)
        return httpx.Response(200, json=GOOD, headers=headers)

    def _wrong(self, assertion: str) -> str | None:
        head = json.loads(base64.urlsafe_b64decode(assertion.split(".")[0] + "=="))
        known = [key for key in self.jwks["keys"] if key["kid"] == head["kid"]]
        if not known or head["typ"] != "JWT" or head["alg"] != known[0]["alg"]:
            return "unknown key"
        read = jwt.JWT(jwt=assertion, key=jwk.JWK(**known[0]), algs=[head["alg"]], check_claims={})
        said = json.loads(read.claims)
        now = NOW + self.ahead
        if said["iss"] != said["sub"] or said["iss"] != "my-app" or said["aud"] != self.audience:
            return "not for us"
        if not now - 5 <= said["exp"] <= now + 300 or said["iat"] > now + 5:
            return "not now"
        if said["jti"] in self.seen:
            return "seen before"
        self.seen.add(said["jti"])
        return None


def by_key(keys: ClientKeys) -> Client:
    return Client("my-app", method="private_key_jwt", keys=keys)


def code(server: Server, client: Client, configuration: SmartConfiguration = CONFIGURATION) -> Token:
    return exchange_code(
        configuration,
        client,
        code="c-secret",
        verifier="v-secret",
        redirect_uri="http://127.0.0.1:1/cb",
        asked="openid",
        **server.how,
    )


# ── the four methods ──────────────────────────────────────────────────────────────────────────────

PUBLIC, BASIC, POST, KEY = "client_id", "Authorization", "client_secret", "client_assertion"


@pytest.mark.parametrize(
    ("method", "secret", "offered", "shown"),
    [
        ("auto", None, (), {PUBLIC}),
        ("auto", "s", (), {BASIC}),
        ("auto", "s", ("client_secret_post",), {PUBLIC, POST}),
        ("auto", "s", ("client_secret_post", "client_secret_basic"), {BASIC}),
        ("public", "s", (), {PUBLIC}),
        ("client_secret_basic", "s", ("client_secret_post",), {BASIC}),
        ("client_secret_post", "s", ("client_secret_basic",), {PUBLIC, POST}),
        ("private_key_jwt", None, (), {KEY}),
        ("private_key_jwt", "s", ("client_secret_basic",), {KEY}),
    ],
)
def test_who_we_are_is_shown_in_exactly_one_way(
    keys: ClientKeys, method: str, secret: str | None, offered: tuple[str, ...], shown: set[str]
) -> None:
    server = Server(answers=(httpx.Response(200, json=GOOD),))
    configuration = SmartConfiguration("a", TOKEN, token_auth_methods=offered)
    code(server, Client("my-app", secret, method, keys), configuration)
    found = {name for name in (PUBLIC, POST, KEY) if name in server.posted[0]}
    if "authorization" in server.requests[0].headers:
        found.add(BASIC)
    assert found == shown


def test_id_and_secret_are_form_encoded_before_they_are_packed_for_basic() -> None:
    server = Server(answers=(httpx.Response(200, json=GOOD),))
    code(server, Client("my:app/ä", "s:cr&t=%+ ü", "client_secret_basic"))
    packed = server.requests[0].headers["authorization"].removeprefix("Basic ")
    client_id, _, secret = base64.b64decode(packed).decode("ascii").partition(":")
    assert (unquote(client_id), unquote(secret)) == ("my:app/ä", "s:cr&t=%+ ü")


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "private_key_jwt", "mtls"])
def test_what_a_method_needs_and_is_not_there_is_said_before_anything_is_sent(method: str) -> None:
    server = Server()
    with pytest.raises(SignInError):
        code(server, Client("my-app", method=method))
    assert not server.requests


@pytest.mark.parametrize(("first", "second"), [("basic", "post"), ("post", "basic")])
def test_a_secret_refused_in_one_place_is_shown_in_the_other_once(first: str, second: str) -> None:
    offered = ("client_secret_post",) if first == "post" else ()
    configuration = SmartConfiguration("a", TOKEN, token_auth_methods=offered)
    server = Server(answers=(NO_CLIENT, httpx.Response(200, json=GOOD)))
    code(server, Client("my-app", "s"), configuration)
    ways = ["post" if "client_secret" in form else "basic" for form in server.posted]
    assert ways == [first, second]
    assert all(
        ("authorization" in r.headers) == (w == "basic") for r, w in zip(server.requests, ways, strict=True)
    )

    server = Server(answers=(NO_CLIENT, NO_CLIENT))
    with pytest.raises(TokenRefusedError):
        code(server, Client("my-app", "s"), configuration)
    assert len(server.requests) == 2


def test_a_method_that_was_chosen_is_not_changed() -> None:
    server = Server(answers=(NO_CLIENT,))
    with pytest.raises(TokenRefusedError):
        code(server, Client("my-app", "s", "client_secret_basic"))
    assert len(server.requests) == 1


# ── assertions ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("listed", "used"),
    [
        ((), "RS384"),
        (("ES384", "RS384"), "RS384"),
        (("ES384",), "ES384"),
        (("ES384", "RS256"), "ES384"),
        (("x",), "RS384"),
    ],
)
def test_a_strict_server_takes_the_assertion(keys: ClientKeys, listed: tuple[str, ...], used: str) -> None:
    server = Server(keys.public())
    configuration = SmartConfiguration("a", TOKEN, signing_algorithms=listed)
    assert code(server, by_key(keys), configuration).access_token == "at-1"
    assert server.posted[0]["client_assertion_type"] == ASSERTION_TYPE
    head = json.loads(base64.urlsafe_b64decode(server.posted[0]["client_assertion"].split(".")[0] + "=="))
    assert head["alg"] == used


def test_every_request_has_an_assertion_of_its_own(keys: ClientKeys) -> None:
    server = Server(keys.public())
    token = Token("at-0", None, "a", refresh_token="rt-0")
    code(server, by_key(keys))
    refresh(CONFIGURATION, by_key(keys), token, **server.how)
    client_credentials(CONFIGURATION, by_key(keys), scopes=("system/*.rs",), **server.how)
    jwt_bearer(CONFIGURATION, by_key(keys), **server.how)
    assert len(server.seen) == 4


def test_a_repeated_request_has_an_assertion_of_its_own_too(keys: ClientKeys) -> None:
    busy = httpx.Response(503, headers={"retry-after": "2"})
    server = Server(keys.public(), answers=(busy, httpx.ReadError("reset")))
    client_credentials(CONFIGURATION, by_key(keys), scopes=("system/*.rs",), **server.how)
    sent = [form["client_assertion"] for form in server.posted]
    assert len(set(sent)) == 3 and len(server.slept) == 2


@pytest.mark.parametrize("ahead", [-3600.0, -200.0, 45.0, 400.0, 86_400.0])
@pytest.mark.parametrize("grant", ["code", "jwt-bearer"])
def test_a_wrong_clock_is_mended_by_the_servers(keys: ClientKeys, ahead: float, grant: str) -> None:
    server = Server(keys.public(), ahead=ahead)
    if grant == "code":
        code(server, by_key(keys))
    else:
        jwt_bearer(CONFIGURATION, by_key(keys), **server.how)
    assert len(server.requests) <= 2


@pytest.mark.parametrize("ahead", [-1e6, 26 * 3600.0, 3e8])
def test_a_clock_that_is_days_off_dates_no_assertion(keys: ClientKeys, ahead: float) -> None:
    """Whoever sets the date in an answer could else have assertions made that are good for years."""
    server = Server(keys.public(), ahead=ahead)
    with pytest.raises(TokenRefusedError):
        code(server, by_key(keys))
    assert {abs(claims(form["client_assertion"])["iat"] - NOW) < 120 for form in server.posted} == {True}


def test_a_server_that_does_not_tell_the_time_is_asked_once(keys: ClientKeys) -> None:
    server = Server(keys.public(), ahead=3600.0, says_time=False)
    with pytest.raises(TokenRefusedError):
        jwt_bearer(CONFIGURATION, by_key(keys), **server.how)
    assert len(server.requests) == 1


def test_the_clock_is_no_reason_to_repeat_what_has_no_assertion() -> None:
    answer = httpx.Response(
        401, json={"error": "invalid_client"}, headers={"date": formatdate(NOW + 9000, usegmt=True)}
    )
    server = Server(answers=(answer,))
    with pytest.raises(TokenRefusedError):
        code(server, Client("my-app"))
    assert len(server.requests) == 1


@pytest.mark.parametrize("grant", ["code", "jwt-bearer"])
def test_keys_that_are_not_registered_yet_give_way_to_the_former_ones(
    keys: ClientKeys, rotated: ClientKeys, grant: str
) -> None:
    server = Server(keys.public())
    if grant == "code":
        code(server, by_key(rotated))
    else:
        jwt_bearer(CONFIGURATION, by_key(rotated), **server.how)
    assert len(server.requests) == 2


def test_wrong_clock_and_unregistered_keys_together_are_mended(keys: ClientKeys, rotated: ClientKeys) -> None:
    server = Server(keys.public(), ahead=7200.0)
    jwt_bearer(CONFIGURATION, by_key(rotated), **server.how)
    assert len(server.requests) == 3


def test_a_server_that_wants_its_issuer_named_gets_it(keys: ClientKeys) -> None:
    server = Server(keys.public(), audience="https://auth.example.org")
    code(server, by_key(keys))
    assert len(server.requests) == 2


def test_keys_that_nobody_knows_are_tried_a_few_times_and_no_more(rotated: ClientKeys) -> None:
    server = Server({"keys": []})
    with pytest.raises(TokenRefusedError):
        code(server, by_key(rotated))
    assert len(server.requests) <= 4


@pytest.mark.parametrize(
    ("where", "audience"),
    [
        ("https://auth.example.org/revoke", TOKEN),
        ("https://auth.example.org/revoke", "https://auth.example.org/revoke"),
    ],
)
def test_revoking_is_signed_for_where_it_goes(keys: ClientKeys, where: str, audience: str) -> None:
    server = Server(keys.public(), audience=audience, ahead=time.time() - NOW, says_time=False)
    configuration = SmartConfiguration("a", TOKEN, revocation_endpoint=where)
    assert revoke(configuration, Token("at", None, None), by_key(keys), transport=server.transport)
    named = {claims(form["client_assertion"])["aud"] for form in server.posted}
    assert named <= {TOKEN, where}


def test_a_token_is_shown_to_no_other_server_to_end_it_or_to_ask_after_it(keys: ClientKeys) -> None:
    """Discovery leaves such addresses out; a configuration that was kept before it did may still have them."""
    where = "https://other.example.org/token-service"
    server = Server(keys.public())
    configuration = SmartConfiguration("a", TOKEN, revocation_endpoint=where, introspection_endpoint=where)
    for client in (by_key(keys), Client("my-app"), Client("my-app", "s3cret")):
        assert revoke(configuration, Token("at", None, None), client, transport=server.transport) is False
        assert introspect(configuration, client, "at", transport=server.transport) is None
    assert server.requests == []


# ── the query (NextGen) ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "refusal",
    [
        httpx.Response(400, json={"error": "invalid_request"}),
        httpx.Response(400, json={"error": "unsupported_grant_type"}),
        httpx.Response(400),
        httpx.Response(400, html="<html>bad</html>"),
    ],
)
def test_a_vendor_that_reads_the_query_gets_it_after_the_body(refusal: httpx.Response) -> None:
    server = Server(answers=(refusal, httpx.Response(200, json=GOOD)))
    configuration = SmartConfiguration("a", TOKEN + "?tenant=1")
    code(server, Client("my-app", "s", "client_secret_post", token_in_query=True), configuration)
    query = dict(server.requests[1].url.params)
    assert (
        query["code"] == "c-secret" and query["grant_type"] == "authorization_code" and query["tenant"] == "1"
    )
    assert "client_secret" not in query and server.posted[1] == {"client_secret": "s"}
    assert "code" not in dict(server.requests[0].url.params)


@pytest.mark.parametrize(
    ("in_query", "refusal"),
    [
        (False, httpx.Response(400, json={"error": "invalid_request"})),
        (True, httpx.Response(400, json={"error": "invalid_grant"})),
        (True, httpx.Response(500)),
    ],
)
def test_nobody_else_gets_a_code_in_an_address(in_query: bool, refusal: httpx.Response) -> None:
    server = Server(answers=(refusal,))
    with pytest.raises((SignInError, Unreachable)):
        code(server, Client("my-app", token_in_query=in_query))
    assert len(server.requests) == 1


# ── what may be repeated ──────────────────────────────────────────────────────────────────────────

BUSY = [httpx.Response(429, headers={"retry-after": "3"}), httpx.Response(503, headers={"retry-after": "0"})]
GRANTS: dict[str, Callable[[Server, ClientKeys], Any]] = {
    "code": lambda server, keys: code(server, Client("my-app")),
    "refresh": lambda server, keys: refresh(
        CONFIGURATION, Client("my-app"), Token("a", None, None, refresh_token="r"), **server.how
    ),
    "jwt-bearer": lambda server, keys: jwt_bearer(CONFIGURATION, by_key(keys), **server.how),
    "backend": lambda server, keys: client_credentials(
        CONFIGURATION, Client("my-app", "s"), scopes=("x",), **server.how
    ),
}


@pytest.mark.parametrize("grant", GRANTS)
@pytest.mark.parametrize("busy", BUSY, ids=str)
def test_a_server_that_says_soon_is_waited_for(keys: ClientKeys, grant: str, busy: httpx.Response) -> None:
    server = Server(answers=(busy, busy, httpx.Response(200, json=GOOD)))
    assert GRANTS[grant](server, keys).access_token == "at-1"
    assert len(server.slept) == 2 and sum(server.slept) <= 30


@pytest.mark.parametrize(
    "later",
    [
        httpx.Response(503),
        httpx.Response(429, headers={"retry-after": "31"}),
        httpx.Response(503, headers={"retry-after": "soon"}),
        httpx.Response(500, headers={"retry-after": "1"}),
    ],
    ids=str,
)
def test_a_server_that_does_not_say_soon_is_not_waited_for(keys: ClientKeys, later: httpx.Response) -> None:
    server = Server(answers=(later,))
    with pytest.raises(Unreachable):
        GRANTS["backend"](server, keys)
    assert server.slept == []


@pytest.mark.parametrize(("grant", "tries"), [("code", 1), ("refresh", 1), ("jwt-bearer", 3), ("backend", 3)])
def test_after_a_broken_connection_only_what_cannot_have_been_used_up_is_sent_again(
    keys: ClientKeys, grant: str, tries: int
) -> None:
    server = Server(answers=(httpx.ReadError("reset"),) * 5)
    with pytest.raises(Unreachable):
        GRANTS[grant](server, keys)
    assert len(server.requests) == tries


# ── asking after a token ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (httpx.Response(200, json={"active": True}), True),
        (httpx.Response(200, json={"active": False}), False),
        (httpx.Response(200, json={}), None),
        (httpx.Response(200, html="<html>"), None),
        (httpx.Response(403), None),
        (httpx.Response(302, headers={"location": "https://evil.example/"}), None),
        (httpx.ConnectError("x"), None),
    ],
)
def test_introspection_says_yes_no_or_nothing(answer: httpx.Response | Exception, said: bool | None) -> None:
    server = Server(answers=(answer,) * 3)
    assert (
        introspect(
            CONFIGURATION,
            Client("my-app", "s"),
            "at-1",
            transport=server.transport,
            sleep=lambda seconds: None,
        )
        is said
    )
    assert {request.url.host for request in server.requests} == {"auth.example.org"}
    assert server.posted[0] == {"token": "at-1", "token_type_hint": "access_token"}


def test_a_public_clients_token_speaks_for_itself() -> None:
    server = Server(answers=(NO_CLIENT, httpx.Response(200, json={"active": True})))
    assert introspect(CONFIGURATION, Client("my-app"), "at-1", transport=server.transport) is True
    assert server.requests[1].headers["authorization"] == "Bearer at-1"


def test_without_an_endpoint_nobody_is_asked() -> None:
    assert introspect(SmartConfiguration("a", TOKEN), Client("my-app"), "at-1") is None


# ── privacy ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("grant", GRANTS)
def test_nothing_follows_a_redirect(keys: ClientKeys, grant: str, status: int) -> None:
    away = httpx.Response(status, headers={"location": "https://evil.example/token"})
    server = Server(answers=(away, away, away))
    with pytest.raises(SignInError, match="secrets do not follow"):
        GRANTS[grant](server, keys)
    assert [request.url.host for request in server.requests] == ["auth.example.org"]


def test_no_secret_goes_to_an_address_without_https(keys: ClientKeys) -> None:
    server = Server()
    with pytest.raises(SignInError, match="https"):
        code(server, by_key(keys), SmartConfiguration("a", "http://auth.example.org/token"))
    assert not server.requests


def test_no_secret_reaches_a_log_a_repr_or_an_error(
    keys: ClientKeys, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    def parrot(request: httpx.Request) -> httpx.Response:
        form = {k: v[0] for k, v in parse_qs(request.content.decode()).items()}
        said = " ".join(form.values()) + request.headers.get("authorization", "")
        sent.extend(
            v for k, v in form.items() if k not in ("grant_type", "client_id", "redirect_uri", "scope")
        )
        return httpx.Response(400, json={"error": "invalid_scope", "error_description": said})

    sent: list[str] = []
    server = Server()
    server.handle = parrot  # type: ignore[method-assign]
    shown = ""
    for one in (Client("my-app", "cl-s3cret"), by_key(keys)):
        for grant in (
            lambda client: code(server, client),
            lambda client: refresh(
                CONFIGURATION,
                client,
                Token("at-s3cret", None, "x", refresh_token="rt-s3cret"),
                **server.how,
            ),
            lambda client: jwt_bearer(CONFIGURATION, replace(client, keys=keys), **server.how),
        ):
            with pytest.raises(SignInError) as caught:
                grant(one)
            shown += caught.value.message + repr(caught.value) + (caught.value.hint or "") + repr(one)
    shown += caplog.text
    words = {"cl-s3cret", "rt-s3cret", "at-s3cret", "c-secret", "v-secret"}
    words |= {value for value in sent if len(value) > 20 and not value.startswith("urn:")}
    words |= {key["d"] for key in json.loads(keys.dump())["keys"]}
    assert not [word for word in words if word in shown]
