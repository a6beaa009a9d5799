"""A whole sign-in: real listener, a pretend browser that visits it, a pretend token endpoint."""

from __future__ import annotations

import base64
import http.client
import json
import logging
import socket
import ssl
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import httpx
import pytest

from phr.errors import SignInDenied, SignInError, SignInTimeout, StateMismatch, Unreachable, UsageError
from phr.model import SmartConfiguration, Token, Vendor
from phr.smart.address import PASTE_PAGE, Redirect
from phr.smart.client import Client
from phr.smart.launch import authorize_url, sign_in
from phr.smart.pkce import challenge_of

BASE = "https://fhir.example.org/r4"
CONFIGURATION = SmartConfiguration(
    authorization_endpoint="https://auth.example.org/authorize",
    token_endpoint="https://auth.example.org/token",
    revocation_endpoint="https://auth.example.org/revoke",
    issuer="https://auth.example.org",
)
SCOPES = ("openid", "launch/patient", "patient/*.rs")
ANSWER = {"access_token": "at-secret", "token_type": "Bearer", "expires_in": 300, "patient": "p1"}


def jwt(**claims: object) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"eyJhbGciOiJSUzI1NiJ9.{payload}.c2ln"  # its keys cannot be had here


class World:
    """The provider. `browse` says with which parameters the browser comes back; None: as it should."""

    def __init__(
        self,
        token: dict[str, Any] | httpx.Response | Callable[[World], httpx.Response] = ANSWER,
        *,
        browse: dict[str, str] | None = None,
        method: str = "GET",
        configuration: SmartConfiguration = CONFIGURATION,
    ) -> None:
        self.token = token
        self.browse = browse
        self.method = method
        self.configuration = configuration
        self.asked: dict[str, str] = {}
        self.posted: dict[str, str] = {}
        self.headers: httpx.Headers = httpx.Headers()
        self.posts = 0

    def open(self, url: str) -> bool:
        self.asked = {k: v[0] for k, v in parse_qs(urlsplit(url).query).items()}
        back = {"code": "code-secret", "state": self.asked["state"]} if self.browse is None else self.browse
        target = urlsplit(self.asked["redirect_uri"])
        connection = http.client.HTTPConnection("127.0.0.1", target.port, timeout=5)
        if self.method == "POST":
            connection.request("POST", target.path, urlencode(back))
        else:
            connection.request("GET", f"{target.path}?{urlencode(back)}")
        connection.getresponse().read()
        connection.close()
        return True

    def handle(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            return httpx.Response(404)
        self.posts += 1
        self.headers = request.headers
        self.posted = {k: v[0] for k, v in parse_qs(request.content.decode()).items()}
        if challenge_of(self.posted.get("code_verifier", "")) != self.asked.get("code_challenge"):
            return httpx.Response(400, json={"error": "invalid_grant"})
        if callable(self.token):
            return self.token(self)
        return self.token if isinstance(self.token, httpx.Response) else httpx.Response(200, json=self.token)

    def sign_in(self, client: Client | None = None, **more: Any) -> Token:
        more = {
            "open_browser": self.open,
            "announce": lambda url: None,
            "timeout": 5.0,
            "scopes": SCOPES,
        } | more
        return sign_in(
            BASE,
            self.configuration,
            more.pop("vendor", Vendor("x", "X", redirect_port=0)),
            client or Client("my-app"),
            transport=httpx.MockTransport(self.handle),
            clock=lambda: 1000.0,
            **more,
        )


def test_a_sign_in_gives_a_token() -> None:
    world = World(ANSWER | {"scope": "patient/*.rs", "refresh_token": "rt-secret"})
    token = world.sign_in()
    assert (token.access_token, token.refresh_token, token.patient) == ("at-secret", "rt-secret", "p1")
    assert (token.expires_at, token.scope) == (1300.0, "patient/*.rs")


def test_the_authorize_request_says_all_it_must() -> None:
    world = World()
    world.sign_in()
    assert set(world.asked) == {
        "response_type", "client_id", "redirect_uri", "scope", "state", "aud",
        "code_challenge", "code_challenge_method", "nonce",
    }  # fmt: skip
    assert world.asked["response_type"] == "code" and world.asked["client_id"] == "my-app"
    assert world.asked["aud"] == BASE and world.asked["code_challenge_method"] == "S256"
    assert world.asked["scope"] == "openid launch/patient patient/*.rs"
    assert len(world.asked["state"]) >= 43


def test_a_public_client_names_itself_in_the_body() -> None:
    world = World()
    world.sign_in()
    assert world.posted["grant_type"] == "authorization_code" and world.posted["code"] == "code-secret"
    assert world.posted["client_id"] == "my-app" and "authorization" not in world.headers
    assert world.posted["redirect_uri"] == world.asked["redirect_uri"]


def test_a_client_with_a_secret_uses_basic_or_post_as_the_server_says() -> None:
    world = World()
    world.sign_in(Client("my app", "s:cret"))
    assert world.headers["authorization"] == "Basic " + base64.b64encode(b"my%20app:s%3Acret").decode()
    assert "client_secret" not in world.posted

    posting = SmartConfiguration(
        "https://auth.example.org/authorize",
        "https://auth.example.org/token",
        token_auth_methods=("client_secret_post",),
    )
    world = World(configuration=posting)
    world.sign_in(Client("my-app", "s"))
    assert world.posted["client_secret"] == "s" and "authorization" not in world.headers


def test_an_answer_by_post_works_too() -> None:
    assert World(method="POST").sign_in().patient == "p1"


def test_the_address_is_announced_when_no_browser_opens() -> None:
    world, said = World(), []

    def announce(url: str) -> None:
        said.append(url)
        world.open(url)

    assert world.sign_in(open_browser=lambda url: False, announce=announce).patient == "p1"
    assert len(said) == 1 and said[0].startswith("https://auth.example.org/authorize?")


# ── the answer pasted by hand ─────────────────────────────────────────────────────────────────────

PAGE = "https://me.example.org/phr"


def by_hand(world: World, *texts: str, **more: Any) -> Token:
    """Sign in by pasting these one after the other; `{state}` stands for the right one."""
    asked = iter(texts)

    def note(url: str) -> bool:
        world.asked = {k: v[0] for k, v in parse_qs(urlsplit(url).query).items()}
        return True

    def paste() -> str:
        return next(asked).replace("{state}", quote(world.asked["state"]))

    goal = more.pop("redirect_to", Redirect("paste", uri=PAGE))
    token = world.sign_in(open_browser=note, redirect_to=goal, paste=paste, **more)
    assert next(asked, None) is None, "not all was asked for"
    return token


@pytest.mark.parametrize(
    "texts",
    [
        [f" {PAGE}#code=code-secret&state={{state}}\n"],
        ["code=code-secret&state={state}"],
        ["nonsense", "<me.example.org/phr?code=code-secret&state={state}>"],
        ["what?", PAGE, "?code=code-secret&state={state}"],
    ],
)
def test_a_pasted_address_does_the_same_as_the_listener(texts: list[str]) -> None:
    world = World()
    assert by_hand(world, *texts).patient == "p1"
    assert world.posted["redirect_uri"] == world.asked["redirect_uri"] == PAGE


@pytest.mark.parametrize(
    ("texts", "error"),
    [
        ([""], SignInError),
        (["nonsense", ""], SignInError),
        (["nonsense"] * 3, SignInError),
        ([f"{PAGE}?code=c&state=forged"], StateMismatch),
        ([f"{PAGE}?code=c"], StateMismatch),
        ([f"{PAGE}?error=access_denied&state={{state}}"], SignInDenied),
        ([f"{PAGE}?error=access_denied"], SignInDenied),
        ([f"{PAGE}?code=c&state={{state}}&iss=https://evil.example"], StateMismatch),
    ],
)
def test_a_pasted_answer_is_checked_like_any_other(texts: list[str], error: type[SignInError]) -> None:
    world = World()
    with pytest.raises(error):
        by_hand(world, *texts)
    assert world.posts == 0


def test_without_somebody_to_ask_nothing_can_be_pasted() -> None:
    with pytest.raises(UsageError):
        World().sign_in(redirect_to=Redirect("paste", uri=PAGE))


def test_a_pasted_sign_in_needs_no_page_anywhere() -> None:
    world = World()
    goal = Redirect.of(Vendor("x", "X", redirects=("relay", "paste")), mode="paste")
    by_hand(world, f"{PASTE_PAGE}?code=code-secret&state={{state}}", redirect_to=goal)
    assert world.posted["redirect_uri"] == PASTE_PAGE


# ── the other ways back ───────────────────────────────────────────────────────────────────────────


def test_an_answer_through_a_relay_page_finds_the_port_in_its_state() -> None:
    world = World()

    def relayed(url: str) -> bool:
        world.asked = {k: v[0] for k, v in parse_qs(urlsplit(url).query).items()}
        state = world.asked["state"]
        back = urlencode({"code": "code-secret", "state": state})
        connection = http.client.HTTPConnection("127.0.0.1", int(state.rpartition(".")[2]), timeout=5)
        connection.request("GET", f"/callback?{back}")
        assert connection.getresponse().status == 200
        connection.close()
        return True

    token = world.sign_in(open_browser=relayed, redirect_to=Redirect("relay", port=0, uri=PAGE))
    assert token.patient == "p1"
    assert world.asked["redirect_uri"] == world.posted["redirect_uri"] == PAGE


def test_https_to_this_computer_makes_its_own_certificate(tmp_path: Path) -> None:
    world, pem = World(), tmp_path / "tls" / "localhost.pem"

    def trusting(url: str) -> bool:
        world.asked = {k: v[0] for k, v in parse_qs(urlsplit(url).query).items()}
        target = urlsplit(world.asked["redirect_uri"])
        assert (target.scheme, target.hostname, target.path) == ("https", "localhost", "/callback")
        context = ssl.create_default_context(cafile=str(pem))
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        connection = http.client.HTTPSConnection("localhost", target.port, timeout=5, context=context)
        connection.request("GET", f"/callback?code=code-secret&state={world.asked['state']}")
        assert connection.getresponse().status == 200
        connection.close()
        return True

    goal = Redirect.of(Vendor("x", "X"), port=0, mode="https-loopback", certificate=pem)
    assert world.sign_in(open_browser=trusting, redirect_to=goal).patient == "p1"
    with pytest.raises(UsageError):
        world.sign_in(redirect_to=Redirect("https-loopback", port=0))


def test_a_registered_address_is_told_letter_by_letter() -> None:
    world = World()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    uri = f"http://LOCALHOST:{port}/epic/callback?tenant=a"
    world.sign_in(redirect_to=Redirect.of(Vendor("x", "X"), uri=uri))
    assert world.asked["redirect_uri"] == world.posted["redirect_uri"] == uri


def test_the_port_is_free_again_however_a_sign_in_ends() -> None:
    ports: list[int] = []

    def interrupted(url: str) -> bool:
        uri = parse_qs(urlsplit(url).query)["redirect_uri"][0]
        ports.append(urlsplit(uri).port or 0)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        World().sign_in(open_browser=interrupted)
    with socket.create_server(("127.0.0.1", ports[0])):
        pass


# ── what is asked ─────────────────────────────────────────────────────────────────────────────────


def test_a_query_that_the_authorize_address_has_is_kept() -> None:
    """Seen at NextGen Office."""
    url = "https://auth.example.org/authorize?practice=7&x=&client_id=theirs"
    world = World(configuration=replace(CONFIGURATION, authorization_endpoint=url))
    seen: list[str] = []

    def note(url: str) -> bool:
        seen.append(url)
        return world.open(url)

    world.sign_in(open_browser=note)
    query = parse_qs(urlsplit(seen[0]).query, keep_blank_values=True)
    assert query["practice"] == ["7"] and query["x"] == [""] and query["client_id"] == ["my-app"]


def test_blanks_and_control_characters_of_the_authorize_address_are_encoded() -> None:
    where = "https://auth.example.org/a b\x1b\x7f\u2028/%20c/é;x=1"
    url = authorize_url(
        replace(CONFIGURATION, authorization_endpoint=where),
        client_id="c",
        redirect_uri="u",
        scope="s",
        state="t",
        aud="a",
        challenge="h",
    )
    assert url.startswith("https://auth.example.org/a%20b%1B%7F%E2%80%A8/%20c/é;x=1?response_type=code&")


@pytest.mark.parametrize(("slash", "aud"), [(None, BASE), (True, f"{BASE}/"), (False, BASE)])
def test_the_audience_is_spelled_as_the_vendor_wants_it(slash: bool | None, aud: str) -> None:
    world = World()
    world.sign_in(vendor=Vendor("x", "X", redirect_port=0, aud_slash=slash))
    assert world.asked["aud"] == aud


@pytest.mark.parametrize(
    ("rule", "scopes", "sent"),
    [
        (None, ("openid",), True),
        (None, ("patient/*.rs",), False),
        (True, ("patient/*.rs",), True),
        (False, ("openid",), False),
    ],
)
def test_the_nonce_follows_the_vendors_rule(rule: bool | None, scopes: tuple[str, ...], sent: bool) -> None:
    world = World()
    world.sign_in(vendor=Vendor("x", "X", redirect_port=0, nonce=rule), scopes=scopes)
    assert ("nonce" in world.asked) is sent


def test_without_scopes_none_is_asked_for() -> None:
    world = World()
    world.sign_in(scopes=())
    assert "scope" not in world.asked


@pytest.mark.parametrize("pkce", ["required", "optional", "ignored"])
def test_the_challenge_is_sent_to_every_server(pkce: str) -> None:
    world = World()
    world.sign_in(vendor=Vendor("x", "X", redirect_port=0, pkce=pkce))
    assert world.asked["code_challenge_method"] == "S256" and world.posted["code_verifier"]


# ── a provider that never calls back ──────────────────────────────────────────────────────────────


def test_an_error_page_that_stops_everything_is_read_when_the_time_is_up() -> None:
    world = World()
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(400, html="<h1>invalid redirect_uri</h1>")

    def note(url: str) -> bool:
        world.asked = {k: v[0] for k, v in parse_qs(urlsplit(url).query).items()}
        return True

    with pytest.raises(SignInTimeout, match="speaks of the redirect address") as caught:
        sign_in(
            BASE,
            CONFIGURATION,
            Vendor("x", "X", redirect_port=0),
            Client("my-app", "cl-secret"),
            scopes=SCOPES,
            open_browser=note,
            announce=lambda url: None,
            timeout=0.2,
            transport=httpx.MockTransport(handle),
        )
    assert world.asked["redirect_uri"] in (caught.value.hint or "")
    assert len(seen) == 1 and seen[0].method == "GET"
    sent = str(seen[0].url) + str(seen[0].headers)
    for secret in (world.asked["state"], world.asked["nonce"], world.asked["code_challenge"], "cl-secret"):
        assert secret not in sent


# ── wrong servers ─────────────────────────────────────────────────────────────────────────────────


def test_a_forged_state_gives_no_token() -> None:
    world = World(browse={"code": "code-secret", "state": "forged"})
    with pytest.raises(StateMismatch) as caught:
        world.sign_in(timeout=0.3)
    assert world.posts == 0
    assert "forged" not in caught.value.message and "code-secret" not in caught.value.message


def test_a_forged_answer_does_not_keep_the_right_one_out() -> None:
    world = World(browse={"code": "code-secret", "state": "forged"})

    def attacked(url: str) -> bool:
        world.open(url)
        world.browse = None
        return world.open(url)

    assert world.sign_in(open_browser=attacked).access_token == "at-secret"


def test_an_answer_of_another_issuer_is_not_used() -> None:
    world = World(browse={})
    original = world.open

    def mixed_up(url: str) -> bool:
        state = parse_qs(urlsplit(url).query)["state"][0]
        world.browse = {"code": "c", "state": state, "iss": "https://evil.example"}
        return original(url)

    with pytest.raises(StateMismatch):
        world.sign_in(open_browser=mixed_up)
    assert world.posts == 0


def test_a_denied_sign_in_is_told_as_such() -> None:
    with pytest.raises(SignInDenied):
        World(browse={"error": "access_denied"}).sign_in()


def test_a_server_that_got_another_challenge_refuses_the_code() -> None:
    world = World()
    original = world.open

    def tampered(url: str) -> bool:
        original(url)
        world.asked["code_challenge"] = "other"
        return True

    with pytest.raises(SignInError, match="invalid_grant"):
        world.sign_in(open_browser=tampered)


def test_an_id_token_of_another_sign_in_is_refused() -> None:
    with pytest.raises(StateMismatch):
        World(ANSWER | {"id_token": jwt(nonce="other")}).sign_in()


def test_an_id_token_made_out_to_another_app_is_refused() -> None:
    with pytest.raises(SignInError):
        World(ANSWER | {"id_token": jwt(fhirUser="Patient/p2", aud="another-app")}).sign_in()


def test_an_id_token_with_the_right_nonce_is_taken() -> None:
    def answer(world: World) -> httpx.Response:
        return httpx.Response(200, json=ANSWER | {"id_token": jwt(nonce=world.asked["nonce"], aud="my-app")})

    assert World(answer).sign_in().id_token


def test_a_redirecting_token_endpoint_gets_the_code_once_and_never_elsewhere() -> None:
    world = World(httpx.Response(307, headers={"location": "https://evil.example/token"}))
    with pytest.raises(SignInError, match="secrets do not follow"):
        world.sign_in()
    assert world.posts == 1


def test_everything_wrong_with_a_token_answer_is_told_at_once() -> None:
    with pytest.raises(SignInError) as caught:
        World({"access_token": "two words", "token_type": "mac", "refresh_token": 5}).sign_in()
    for word in ("access_token", "token_type", "refresh_token"):
        assert word in caught.value.message


@pytest.mark.parametrize("body", [b"", b"[]", b"hello", b"<html>"])
def test_a_token_answer_that_is_no_json_object_is_an_error(body: bytes) -> None:
    with pytest.raises(SignInError):
        World(httpx.Response(200, content=body)).sign_in()


@pytest.mark.parametrize(
    "answer",
    [httpx.Response(500), httpx.Response(400), httpx.Response(503, html="<html>"), httpx.Response(429)],
)
def test_a_token_endpoint_in_trouble_is_unreachable(answer: httpx.Response) -> None:
    with pytest.raises(Unreachable):
        World(answer).sign_in()


def test_a_server_that_repeats_our_code_does_not_get_it_shown() -> None:
    said = httpx.Response(
        400, json={"error": "invalid_grant", "error_description": "code-secret expired", "x": "body"}
    )
    with pytest.raises(SignInError) as caught:
        World(said).sign_in()
    assert "code-secret" not in caught.value.message and "expired" in caught.value.message
    assert "body" not in caught.value.message


# ── odd but good answers ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("given", "kept"), [(None, " ".join(SCOPES)), ("", ""), (["a", "b"], "a b"), ("openid", "openid")]
)
def test_a_missing_scope_means_as_asked(given: object, kept: str) -> None:
    answer = ANSWER | ({} if given is None else {"scope": given})
    assert World(answer).sign_in().scope == kept


def test_token_type_may_be_in_any_letters() -> None:
    assert World(ANSWER | {"token_type": "bearer"}).sign_in().access_token == "at-secret"


@pytest.mark.parametrize(
    ("parts", "patient"),
    [
        ({"patient": "p1"}, "p1"),
        ({"patient": 17}, "17"),
        ({"patient": "Patient/p1"}, "p1"),
        ({"id_token": jwt(fhirUser="https://f.example/r4/Patient/p2")}, "p2"),
        ({"id_token": jwt(fhirUser="Patient/p2/_history/3", aud=["other", "my-app"])}, "p2"),
        ({"id_token": jwt(profile="https://f.example/r4/Patient/p3/")}, "p3"),
        ({"id_token": jwt(fhirUser="https://f.example/r4/RelatedPerson/r1")}, None),
        ({"id_token": jwt(fhirUser="https://f.example/r4/Practitioner/d1")}, None),
        ({"access_token": jwt(local_patient_id="p4")}, "p4"),
        ({"access_token": jwt(patient="Patient/p5")}, "p5"),
        ({"access_token": jwt(fhirUser="Patient/p6")}, "p6"),
        ({"id_token": "a.!!!.c"}, None),
        ({"id_token": "nothing"}, None),
        ({"id_token": jwt(fhirUser=5)}, None),
        ({}, None),
    ],
)
def test_whose_record_it_is_is_found_where_vendors_put_it(parts: dict[str, Any], patient: str | None) -> None:
    answer = {k: v for k, v in ANSWER.items() if k != "patient"} | parts
    assert World(answer).sign_in(scopes=("patient/*.rs",)).patient == patient


# ── privacy ───────────────────────────────────────────────────────────────────────────────────────


def test_no_secret_reaches_a_log_a_repr_or_an_error(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    world = World(ANSWER | {"refresh_token": "rt-secret", "id_token": jwt(name="Jane")})
    token = world.sign_in(Client("my-app", "cl-secret"))
    errors = []
    for wrong in (
        {"access_token": 1},
        httpx.Response(400, json={"error": "invalid_grant", "error_description": "code-secret"}),
    ):
        with pytest.raises(SignInError) as caught:
            World(wrong).sign_in()
        errors.append(caught.value.message + repr(caught.value) + (caught.value.hint or ""))
    shown = caplog.text + repr(token) + repr(Client("my-app", "cl-secret")) + "".join(errors)
    for secret in (
        "at-secret",
        "rt-secret",
        "code-secret",
        "cl-secret",
        "Jane",
        "eyJ",
        world.asked["state"],
        world.posted["code_verifier"],
    ):
        assert secret not in shown
    assert "a code came back" in caplog.text
