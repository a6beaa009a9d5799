"""Reading answers, choosing the way back, and the words for errors."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phr.errors import SignInDenied, SignInError, StateMismatch, UsageError
from phr.model import Vendor
from phr.smart import redirect
from phr.smart.address import PASTE_PAGE, Redirect
from phr.smart.redirect import Expected, NotAnAnswerError
from phr.smart.refusal import refusal

# ── what a person pastes ──────────────────────────────────────────────────────────────────────────

BOTH = {"code": "c+1", "state": "st"}


@pytest.mark.parametrize(
    "text",
    [
        "http://127.0.0.1:8765/callback?code=c%2B1&state=st",
        "127.0.0.1:8765/callback?code=c%2B1&state=st",
        "https://phr.invalid/callback?code=c%2B1&state=st\n",
        "?code=c%2B1&state=st",
        "code=c%2B1&state=st",
        "state=st&code=c%2B1",
        "#code=c%2B1&state=st",
        "https://me.example.org/phr#code=c%2B1&state=st",
        "https://me.example.org/phr#/done?code=c%2B1&state=st",
        "https://me.example.org/phr?x=1&code=c%2B1#state=st",
        "  <https://me.example.org/phr?code=c%2B1&state=st>  ",
        '"https://me.example.org/phr?code=c%2B1&state=st"',
        "“https://me.example.org/phr?code=c%2B1&state=st”",
        "'code=c%2B1&state=st'",
        "https://me.example.org/phr?code=c%2B\n   1&sta\r\nte=st",
        "https://me.example.org/phr?code=c%2B1&amp;state=st",
        "http://127.0.0.1:8765/callback?code=c%2B1&state=st#_=_",
    ],
)
def test_an_answer_is_found_however_it_was_copied(text: str) -> None:
    assert BOTH.items() <= redirect.pasted(text).items()
    assert Expected("st").code_from(redirect.pasted(text)) == "c+1"


def test_an_error_can_be_pasted_too() -> None:
    params = redirect.pasted("http://127.0.0.1:8765/callback?error=access_denied&state=st")
    with pytest.raises(SignInDenied):
        Expected("st").code_from(params)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "https://me.example.org/",
        "https://[bad",
        "https://me.example.org/?state=st",
        "https://auth.example.org/authorize?response_type=code&client_id=x&state=st",
        "?" + "&".join(f"a{n}=1" for n in range(5000)),
        "\x00" * 100,
    ],
)
def test_what_is_no_answer_is_told_so(text: str) -> None:
    with pytest.raises(NotAnAnswerError) as caught:
        redirect.pasted(text)
    assert "address line" in (caught.value.hint or "")


def test_the_address_where_the_sign_in_began_is_recognised() -> None:
    with pytest.raises(NotAnAnswerError, match="begins"):
        redirect.pasted(
            "https://auth.example.org/authorize?response_type=code&client_id=x&state=st&code_challenge=y"
        )


@given(st.text(max_size=200))
def test_no_text_breaks_the_reading(text: str) -> None:
    with contextlib.suppress(NotAnAnswerError):
        assert redirect.pasted(text).keys() & {"code", "error"}


# ── what an answer must hold ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "query",
    [
        "code=a&code=b&state=st",
        "code=a&state=other",
        "code=a&state=st&state=other",
        "code=a",
        "code=a&state=",
        "code=a&state=ST",
        "code=a&state=s%C3%A9",
        "error=x&state=other",
    ],
)
def test_an_answer_that_is_not_ours_gives_no_code(query: str) -> None:
    with pytest.raises(SignInError):
        Expected("st").code_from(redirect.parameters(query))


def test_the_same_parameter_twice_with_one_value_is_harmless() -> None:
    assert Expected("st").code_from(redirect.parameters("code=a&state=st", "code=a")) == "a"


ISSUER = "https://auth.example.org/o2"


@pytest.mark.parametrize(
    ("given_", "required", "good"),
    [
        (ISSUER, False, True),
        (ISSUER, True, True),
        (f"{ISSUER}/", True, True),
        (None, False, True),
        (None, True, False),
        ("https://auth.example.org/O2", False, False),
        ("http://auth.example.org/o2", False, False),
        ("https://auth.example.org", True, False),
        (f"{ISSUER}?x=1", True, False),
    ],
)
def test_the_issuer_is_compared_letter_by_letter(given_: str | None, required: bool, good: bool) -> None:
    """RFC 9207 section 2.4."""
    expected = Expected("st", (ISSUER,), iss_required=required)
    params = {"code": "c", "state": "st"} | ({} if given_ is None else {"iss": given_})
    if good:
        assert expected.code_from(params) == "c"
    else:
        with pytest.raises(StateMismatch):
            expected.code_from(params)


def test_an_error_of_another_issuer_is_not_believed_but_one_without_is_told() -> None:
    expected = Expected("st", (ISSUER,), iss_required=True)
    with pytest.raises(StateMismatch):
        expected.code_from({"error": "access_denied", "state": "st", "iss": "https://evil.example"})
    with pytest.raises(SignInDenied):
        expected.code_from({"error": "access_denied", "state": "st"})


def test_nothing_secret_is_in_its_repr() -> None:
    assert "very-secret" not in repr(Expected("very-secret"))


# ── the words for errors ──────────────────────────────────────────────────────────────────────────

CODES = """
invalid_request unauthorized_client unsupported_response_type invalid_scope server_error
temporarily_unavailable invalid_client invalid_grant unsupported_grant_type
interaction_required login_required account_selection_required consent_required invalid_request_uri
invalid_request_object request_not_supported request_uri_not_supported registration_not_supported
""".split()


@pytest.mark.parametrize("code", CODES)
def test_every_error_of_oauth_and_openid_has_a_sentence_and_a_next_step(code: str) -> None:
    """RFC 6749 sections 4.1.2.1 and 5.2, OpenID Connect Core section 3.1.2.6."""
    error = refusal(code, None)
    assert error.message.startswith("The sign-in failed: the ") and error.message.endswith(f"({code}).")
    assert "of its own" not in error.message and error.hint
    assert not isinstance(error, SignInDenied)


@pytest.mark.parametrize(
    ("code", "said", "uri", "words", "hint"),
    [
        ("invalid_request", "redirect_uri mismatch", None, "redirect address", "--redirect"),
        ("redirect_uri_mismatch", None, None, "redirect address", "--redirect"),
        ("invalid_request", "Invalid redirect URI", None, "redirect address", "--redirect"),
        ("unknown-tenant", None, None, "not subscribed", "FHIR R4, All"),
        (
            "access_denied",
            None,
            "https://auth.example.org/errors/urn%3Aerror%3Aoauth2%3Agrant%3Aunknown-tenant/instances/x",
            "not subscribed",
            "FHIR R4, All",
        ),
        ("something_else", "Odd", None, "of its own (something_else: Odd)", "phr providers show"),
        ("", None, None, "of its own", "phr providers show"),
        (
            "invalid_scope",
            "No patient/*.rs for you.",
            None,
            "(invalid_scope: No patient/*.rs for you).",
            "permissions",
        ),
    ],
)
def test_what_vendors_say_in_their_own_words_is_understood(
    code: str, said: str | None, uri: str | None, words: str, hint: str
) -> None:
    error = refusal(code, said, uri)
    assert words in error.message and hint in (error.hint or "")


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("https://help.example.org/oauth?x=1", True),
        ("http://help.example.org/oauth", False),
        ("javascript:alert(1)", False),
        ("https://u:p@help.example.org/", False),
        ("https://help.example.org/\x1b[31m", False),
        ("https://help.example.org/ two", False),
        ("https://help.example.org/" + "a" * 400, False),
        ("https://help.example.org/?state=my-state", False),
        ("https://help.example.org/?state=my%2Dstate", False),
        ("https://[", False),
    ],
)
def test_where_to_read_more_is_named_only_when_it_is_safe(uri: str, shown: bool) -> None:
    error = refusal("server_error", None, uri, secrets=("my-state",))
    assert (f"More: {uri}" in (error.hint or "")) is shown
    assert ("More:" in (error.hint or "")) is shown
    assert "my-state" not in error.message + (error.hint or "")


# ── choosing the way back ─────────────────────────────────────────────────────────────────────────

PLAIN = Vendor("x", "X", redirect_port=8765)
HTTPS_ONLY = Vendor("healow", "H", redirects=("relay", "paste"))
LOCAL_HTTPS = Vendor("oracle", "O", redirects=("https-loopback", "paste"), redirect_path="/oracle/callback")
RELAY = "https://me.example.org/phr"


@pytest.mark.parametrize(
    ("vendor", "more", "mode", "address"),
    [
        (PLAIN, {}, "loopback", "http://127.0.0.1:8765/callback"),
        (PLAIN, {"port": 9000}, "loopback", "http://127.0.0.1:9000/callback"),
        (Vendor("x", "X", redirect_host="localhost"), {}, "loopback", "http://localhost:8765/callback"),
        (PLAIN, {"mode": "https-loopback"}, "https-loopback", "https://localhost:8765/callback"),
        (PLAIN, {"mode": "https_loopback", "port": 1}, "https-loopback", "https://localhost:1/callback"),
        (LOCAL_HTTPS, {}, "https-loopback", "https://localhost:8765/oracle/callback"),
        (LOCAL_HTTPS, {"mode": "loopback"}, "loopback", "http://127.0.0.1:8765/oracle/callback"),
        (
            PLAIN,
            {"uri": "http://localhost:4200/epic/callback"},
            "loopback",
            "http://localhost:4200/epic/callback",
        ),
        (PLAIN, {"uri": "http://LocalHost/cb"}, "loopback", "http://LocalHost/cb"),
        (PLAIN, {"uri": "http://[::1]:7/cb"}, "loopback", "http://[::1]:7/cb"),
        (PLAIN, {"uri": "http://127.0.0.1:7/cb", "port": 9}, "loopback", "http://127.0.0.1:9/cb"),
        (PLAIN, {"uri": "https://localhost:4200/cb"}, "https-loopback", "https://localhost:4200/cb"),
        (PLAIN, {"uri": RELAY}, "relay", RELAY),
        (HTTPS_ONLY, {"uri": RELAY}, "relay", RELAY),
        (HTTPS_ONLY, {"mode": "paste"}, "paste", PASTE_PAGE),
        (HTTPS_ONLY, {"mode": "paste", "uri": RELAY}, "paste", RELAY),
        (PLAIN, {"mode": "paste"}, "paste", PASTE_PAGE),
        (replace(PLAIN, registration="open"), {"mode": "paste"}, "paste", "http://127.0.0.1:8765/callback"),
        (LOCAL_HTTPS, {"mode": "paste"}, "paste", PASTE_PAGE),
    ],
)
def test_the_way_back_is_chosen(vendor: Vendor, more: dict[str, object], mode: str, address: str) -> None:
    goal = Redirect.of(vendor, **more)  # type: ignore[arg-type]
    assert (goal.mode, goal.address) == (mode, address)


def test_host_port_and_path_of_a_registered_address_are_where_we_listen() -> None:
    goal = Redirect.of(PLAIN, uri="https://localhost/epic/callback", certificate=Path("c.pem"))
    assert (goal.host, goal.port, goal.path, goal.certificate) == (
        "localhost",
        443,
        "/epic/callback",
        Path("c.pem"),
    )
    relay = Redirect.of(PLAIN, port=9000, uri=RELAY)
    assert (relay.host, relay.port, relay.path) == ("127.0.0.1", 9000, "/callback")


@pytest.mark.parametrize(
    ("vendor", "more", "said"),
    [
        (HTTPS_ONLY, {}, "PHR_HEALOW_REDIRECT_URI"),
        (PLAIN, {"mode": "relay"}, "PHR_CONNECT_RELAY"),
        (PLAIN, {"mode": "pigeon"}, "https-loopback"),
        (PLAIN, {"uri": "http://me.example.org/cb"}, "https://"),
        (PLAIN, {"uri": "http://me.example.org/cb", "mode": "paste"}, "https://"),
        (PLAIN, {"uri": "myapp://cb"}, "https://"),
        (PLAIN, {"uri": "http://127.0.0.1.example.org/cb"}, "https://"),
        (PLAIN, {"uri": f"{RELAY}#x"}, "exactly"),
        (PLAIN, {"uri": RELAY, "mode": "loopback"}, "http://localhost"),
        (PLAIN, {"uri": RELAY, "mode": "https-loopback"}, "https://localhost"),
        (PLAIN, {"uri": "http://localhost:1/cb", "mode": "https-loopback"}, "https://localhost"),
        (PLAIN, {"uri": RELAY, "port": 80}, "8765"),
        (PLAIN, {"port": 70_000}, "65535"),
    ],
)
def test_a_way_back_that_cannot_work_is_refused(vendor: Vendor, more: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        Redirect.of(vendor, **more)  # type: ignore[arg-type]
    assert said in (caught.value.hint or "")
