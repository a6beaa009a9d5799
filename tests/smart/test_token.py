"""What the token endpoint answers, what is carried over, when a sign-in ends, and taking leave."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from phr.errors import SignInError, Unreachable
from phr.fhir.transport import Answer
from phr.model import SmartConfiguration, Token, Vendor
from phr.smart.answer import TokenRefusedError, lifetime, read_answer
from phr.smart.client import Client
from phr.smart.token import claims, client_credentials, ends_at, refresh, revoke

DAY = 86_400.0
NOW = 1_800_000_000.0
CONFIGURATION = SmartConfiguration(
    authorization_endpoint="https://auth.example.org/authorize",
    token_endpoint="https://auth.example.org/token",
    revocation_endpoint="https://auth.example.org/revoke",
)
GOOD = {"access_token": "at-1", "token_type": "Bearer", "expires_in": 300}


def jwt(**claims: object) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"eyJhbGciOiJub25lIn0.{payload}.sig"


def answer(status: int = 200, **body: Any) -> Answer:
    return Answer(status, {}, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("given", "seconds"),
    [(300, 300.0), ("570", 570.0), ("3600.0", 3600.0), (None, None), ("soon", None), (0, None), (-5, None),
     (True, None), (10**12, None), ("nan", None), ("inf", None), ([], None), ("9" * 400, None)],
)  # fmt: skip
def test_expires_in_is_read_or_unknown(given: object, seconds: float | None) -> None:
    assert lifetime(given) == seconds


# ── errors ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("error", ["invalid_grant", "invalid_client", "unauthorized_client", "invalid_scope"])
@pytest.mark.parametrize("status", [200, 400, 401, 403])
def test_an_error_that_can_be_read_is_a_refusal(error: str, status: int) -> None:
    with pytest.raises(TokenRefusedError) as caught:
        read_answer(answer(status, error=error), asked=None, now=NOW)
    assert caught.value.error == error and caught.value.hint


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_what_comes_later_is_no_refusal_whatever_stands_in_it(status: int) -> None:
    with pytest.raises(Unreachable):
        read_answer(answer(status, error="invalid_grant"), asked=None, now=NOW)


@pytest.mark.parametrize(
    "body", [b"", b"<html>no</html>", b"{}", b'{"error":null}', b'{"error":{"code":4}}', b"[]"]
)
def test_a_400_without_a_readable_error_may_pass(body: bytes) -> None:
    with pytest.raises(Unreachable):
        read_answer(Answer(400, {}, body), asked=None, now=NOW)


def test_a_401_says_by_itself_that_the_client_is_not_accepted() -> None:
    with pytest.raises(TokenRefusedError) as caught:
        read_answer(Answer(401, {}, b""), asked=None, now=NOW)
    assert caught.value.error == "invalid_client"


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("https://provider.example/approve/7", True),
        ("http://provider.example/approve", False),
        ("javascript:alert(1)", False),
        ("https://evil.example/?token=rt-secret", False),
        (5, False),
    ],
)
def test_an_error_page_of_the_provider_is_named(uri: object, shown: bool) -> None:
    with pytest.raises(TokenRefusedError) as caught:
        read_answer(
            answer(400, error="invalid_grant", error_uri=uri), asked=None, now=NOW, secrets=("rt-secret",)
        )
    assert (str(uri) in (caught.value.hint or "")) is shown and bool(caught.value.more) is shown


# ── what an answer says of time ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("more", "ends"),
    [
        ({}, None),
        ({"refresh_expires_in": 600}, NOW + 600),
        ({"refresh_token_expires_in": "600"}, NOW + 600),
        ({"refresh_expires_in": 0}, None),
        ({"refresh_token": jwt(exp=NOW + 90 * DAY)}, NOW + 90 * DAY),
        ({"refresh_token": jwt(exp=NOW + 9), "refresh_expires_in": 700}, NOW + 700),
        ({"refresh_token": jwt(exp=5)}, None),
        ({"refresh_token": jwt(exp="soon")}, None),
        ({"refresh_token": jwt(exp=True)}, None),
        ({"refresh_token": "opaque"}, None),
        ({"refresh_token": "a.b.c.d.e"}, None),
    ],
)
def test_the_end_of_a_refresh_token_is_read_where_it_is_said(
    more: dict[str, Any], ends: float | None
) -> None:
    token = read_answer(answer(**GOOD | more), asked=None, now=NOW)
    assert token.refresh_ends_at == ends and token.renewed_at == NOW


ODD = [10**400, -(10**400), 1e308, float("nan"), float("inf"), float("-inf"), "1" * 400, None, [], {}]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: repr(odd)[:8])
@pytest.mark.parametrize("name", ["expires_in", "refresh_expires_in", "refresh_token_expires_in", "exp"])
def test_a_number_that_is_no_time_costs_no_sign_in(name: str, odd: object) -> None:
    more = {"refresh_token": jwt(exp=odd)} if name == "exp" else {"refresh_token": "rt", name: odd}
    token = read_answer(answer(**GOOD | {"expires_in": None} | more), asked=None, now=NOW)
    assert token.refresh_token == more["refresh_token"]
    assert (token.expires_at, token.refresh_ends_at) == (None, None)


@pytest.mark.parametrize("name", ["scope", "refresh_token", "id_token", "fhirUser", "patient"])
def test_half_a_surrogate_pair_leaves_a_token_that_can_be_kept(name: str) -> None:
    token = read_answer(answer(**GOOD | {name: "a\ud800b \ude00"}), asked=None, now=NOW)
    kept = json.dumps([token.refresh_token, token.scope, token.id_token, token.fhir_user], ensure_ascii=False)
    assert kept.encode()
    assert ("a\ufffdb" in kept) is (name != "patient") and token.patient is None
    whole = read_answer(answer(**GOOD | {"scope": "\U0001f600"}), asked=None, now=NOW)
    assert whole.scope == "\U0001f600", "a whole pair is a letter"


@pytest.mark.parametrize("patient", ["p\nError: x", "p\x1b[2J", "p\ud800", "p" * 100_000, " "])
def test_what_cannot_be_an_id_names_no_patient(patient: str) -> None:
    assert read_answer(answer(**GOOD | {"patient": patient}), asked=None, now=NOW).patient is None


def test_a_scope_without_end_is_cut_off_between_two_words() -> None:
    scope = read_answer(answer(**GOOD | {"scope": "patient/A.rs " * 60_000}), asked=None, now=NOW).scope or ""
    assert 60_000 < len(scope) <= 65_536 and set(scope.split()) == {"patient/A.rs"}


def test_claims_can_be_kept_whatever_stands_in_them() -> None:
    token = "e30." + base64.urlsafe_b64encode(b'{"a":"\\ud800","b":NaN}').decode() + ".c"
    assert claims(token) == {"a": "\ufffd", "b": None}


def renewed(old: Token, **more: Any) -> Token:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json=GOOD | more))
    return refresh(CONFIGURATION, Client("my-app"), old, now=NOW, transport=transport)


OLD = Token(
    "at-0", 5.0, "patient/*.rs", "rt-0", "p1", "i", "Patient/p1", NOW - 9 * DAY, NOW - 300, NOW + 50 * DAY
)


def test_a_renewal_carries_over_what_its_answer_leaves_out() -> None:
    assert renewed(OLD) == replace(OLD, access_token="at-1", expires_at=NOW + 300, renewed_at=NOW)


@pytest.mark.parametrize(
    ("known", "more", "ends"),
    [
        (NOW + 50 * DAY, {}, NOW + 50 * DAY),
        (NOW + 50 * DAY, {"refresh_token": "rt-1"}, NOW + 50 * DAY),
        (NOW - DAY, {"refresh_token": "rt-1"}, None),
        (NOW + 50 * DAY, {"refresh_token": jwt(exp=NOW + 40 * DAY)}, NOW + 40 * DAY),
        (NOW + 50 * DAY, {"refresh_token": "rt-1", "refresh_expires_in": 100 * DAY}, NOW + 100 * DAY),
        (None, {"refresh_token": "rt-1"}, None),
    ],
)
def test_a_renewal_moves_the_end_only_when_the_server_says_so(
    known: float | None, more: dict[str, Any], ends: float | None
) -> None:
    assert renewed(replace(OLD, refresh_ends_at=known), **more).refresh_ends_at == ends


def test_a_backend_keeps_no_refresh_token() -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json=GOOD | {"refresh_token": "x"}))
    token = client_credentials(
        CONFIGURATION, Client("my-app", "s"), scopes=("system/*.rs",), now=NOW, transport=transport
    )
    assert (token.refresh_token, token.scope, token.signed_in_at) == (None, "system/*.rs", None)


# ── the scope of a renewal ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("repeat", "refusals", "sent"),
    [
        (False, [], [False]),
        (True, [], [True]),
        (False, ["invalid_request"], [False, True]),
        (False, ["invalid_scope"], [False, True]),
        (True, ["invalid_scope"], [True, False]),
        (True, ["invalid_request"], [True, False]),
        (False, ["invalid_grant"], [False]),
        (True, ["invalid_client"], [True]),
        (False, ["invalid_scope", "invalid_scope"], [False, True]),
    ],
)
def test_the_scope_is_repeated_as_the_vendor_wants(
    repeat: bool, refusals: list[str], sent: list[bool]
) -> None:
    posted: list[bool] = []

    def handle(request: httpx.Request) -> httpx.Response:
        form = parse_qs(request.content.decode())
        assert form["client_id"] == ["my-app"]
        posted.append("scope" in form)
        if refusals:
            return httpx.Response(400, json={"error": refusals.pop(0)})
        return httpx.Response(200, json=GOOD)

    fails = len(refusals) == len(sent)
    transport = httpx.MockTransport(handle)
    try:
        refresh(CONFIGURATION, Client("my-app"), OLD, now=NOW, repeat_scope=repeat, transport=transport)
    except TokenRefusedError:
        assert fails
    else:
        assert not fails
    assert posted == sent


# ── when a person has to sign in again ────────────────────────────────────────────────────────────

PLAIN = Token("at", NOW + 3600, None, "rt", signed_in_at=NOW, renewed_at=NOW)


@pytest.mark.parametrize(
    ("why", "token", "vendor", "renewable", "ends"),
    [
        ("nothing is known", PLAIN, {}, False, None),
        ("NextGen: 48 h without use", PLAIN, {"refresh_idle_hours": 48}, False, NOW + 2 * DAY),
        ("… which a renewal moves", replace(PLAIN, renewed_at=NOW + DAY), {"refresh_idle_hours": 48}, False, NOW + 3 * DAY),
        ("Oracle: three months without use", PLAIN, {"refresh_idle_hours": 90 * 24}, False, NOW + 90 * DAY),
        ("CMS: 13 months of consent", PLAIN, {"consent_days": 395}, False, NOW + 395 * DAY),
        ("… which no renewal moves", replace(PLAIN, renewed_at=NOW + 300 * DAY),
         {"consent_days": 395}, False, NOW + 395 * DAY),
        ("Epic: the token's own end", replace(PLAIN, refresh_ends_at=NOW + 60 * DAY), {}, False, NOW + 60 * DAY),
        ("the first of several", replace(PLAIN, refresh_ends_at=NOW + 60 * DAY),
         {"consent_days": 30, "refresh_idle_hours": 2400}, False, NOW + 30 * DAY),
        ("no refresh token", replace(PLAIN, refresh_token=None), {"refresh_idle_hours": 48}, False, NOW + 3600),
        ("no refresh token, no known end", Token("at", None, None), {"consent_days": 5}, False, None),
        ("Epic: by a client of its own", replace(PLAIN, refresh_token=None), {"refresh_idle_hours": 48}, True, None),
        ("… whose consent ends", replace(PLAIN, refresh_token=None), {"consent_days": 90}, True, NOW + 90 * DAY),
        ("a backend, where nobody signed in", Token("at", NOW + 300, None, renewed_at=NOW),
         {"consent_days": 90}, True, None),
        ("kept by an older phr", Token("at", NOW, None, "rt"), {"consent_days": 90, "refresh_idle_hours": 48}, False, None),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_the_end_of_a_sign_in_is_foreseen(
    why: str, token: Token, vendor: dict[str, Any], renewable: bool, ends: float | None
) -> None:
    assert ends_at(token, Vendor("x", "X", **vendor), renewable=renewable) == ends


# ── taking leave ──────────────────────────────────────────────────────────────────────────────────


def test_revoking_names_both_tokens_to_the_server() -> None:
    posted = []

    def handle(request: httpx.Request) -> httpx.Response:
        posted.append({k: v[0] for k, v in parse_qs(request.content.decode()).items()})
        return httpx.Response(200)

    token = Token("at", None, None, refresh_token="rt")
    assert revoke(CONFIGURATION, token, Client("my-app"), transport=httpx.MockTransport(handle)) is True
    assert [(p["token"], p["token_type_hint"], p["client_id"]) for p in posted] == [
        ("rt", "refresh_token", "my-app"),
        ("at", "access_token", "my-app"),
    ]


def test_revoking_that_cannot_be_done_is_false_and_never_an_error() -> None:
    def broken(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("x")

    token = Token("at", None, None)
    assert revoke(SmartConfiguration("a", "t"), token, Client("c")) is False
    asked: list[str] = []
    for handle in (
        broken,
        lambda request: httpx.Response(400),
        lambda r: httpx.Response(302, headers={"location": "https://evil.example/"}),
    ):

        def note(request: httpx.Request, handle: Any = handle) -> httpx.Response:
            asked.append(request.url.host)
            answered: httpx.Response = handle(request)
            return answered

        transport = httpx.MockTransport(note)
        assert (
            revoke(CONFIGURATION, token, Client("c"), transport=transport, sleep=lambda seconds: None)
            is False
        )
    assert set(asked) == {"auth.example.org"}


@pytest.mark.parametrize(("refresh_token", "agreed"), [("rt", True), (None, False)])
def test_an_access_token_that_ends_with_its_refresh_token_need_not_be_revoked(
    refresh_token: str | None, agreed: bool
) -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        if b"hint=refresh" in request.content:
            return httpx.Response(200)
        return httpx.Response(400, json={"error": "unsupported_token_type"})

    token = Token("at", None, None, refresh_token=refresh_token)
    assert revoke(CONFIGURATION, token, Client("c"), transport=httpx.MockTransport(handle)) is agreed


def test_a_token_answer_that_makes_no_sense_is_told_without_its_values() -> None:
    with pytest.raises(SignInError) as caught:
        read_answer(answer(access_token="two words", token_type="mac", refresh_token=7), asked=None, now=NOW)
    assert "two words" not in caught.value.message and "access_token" in caught.value.message
