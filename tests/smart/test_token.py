"""The token endpoint and the parts of a sign-in that need no browser."""

from __future__ import annotations

import base64
import json
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from phr.model import SmartConfiguration, Token, Vendor
from phr.smart.launch import audience, authorize_url, patient_of, revoke
from phr.smart.token import lifetime

BASE = "https://fhir.example.org/r4"
CONFIGURATION = SmartConfiguration(
    authorization_endpoint="https://auth.example.org/authorize",
    token_endpoint="https://auth.example.org/token",
    revocation_endpoint="https://auth.example.org/revoke",
)


def jwt(**claims: object) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"eyJhbGciOiJub25lIn0.{payload}.sig"


def test_an_authorize_address_keeps_the_query_it_has() -> None:
    configuration = SmartConfiguration(
        "https://a.example/authorize?tenant=a%20b&aud=old&x=#frag", "https://a.example/t"
    )
    url = authorize_url(
        configuration,
        client_id="c",
        redirect_uri="http://127.0.0.1:1/cb",
        scope="a b",
        state="s",
        aud="https://f/r4",
        challenge="ch",
    )
    query = parse_qs(urlsplit(url).query, keep_blank_values=True)
    assert query["tenant"] == ["a b"] and query["x"] == [""] and query["aud"] == ["https://f/r4"]
    assert "scope=a%20b" in url and "#" not in url and url.count("?") == 1


@pytest.mark.parametrize(
    ("slash", "base", "aud"),
    [(None, BASE, BASE), (None, BASE + "/", BASE + "/"), (True, BASE, BASE + "/"), (False, BASE + "/", BASE)],
)
def test_the_audience_is_spelled_as_the_vendor_wants(slash: bool | None, base: str, aud: str) -> None:
    assert audience(base, Vendor("x", "X", aud_slash=slash)) == aud


@pytest.mark.parametrize(
    ("given", "seconds"),
    [(300, 300.0), ("570", 570.0), ("3600.0", 3600.0), (None, None), ("soon", None), (0, None), (-5, None),
     (True, None), (10**12, None), ("nan", None), ("inf", None), ([], None), ("9" * 400, None)],
)  # fmt: skip
def test_expires_in_is_read_or_unknown(given: object, seconds: float | None) -> None:
    assert lifetime(given) == seconds


def test_the_patient_of_the_token_answer_counts_before_all_others() -> None:
    token = Token("a", None, None, patient="p1", id_token=jwt(fhirUser="Patient/p2"))
    assert patient_of(token, "my-app") == "p1"


def test_revoking_names_both_tokens_to_the_server() -> None:
    posted = []

    def handle(request: httpx.Request) -> httpx.Response:
        posted.append({k: v[0] for k, v in parse_qs(request.content.decode()).items()})
        return httpx.Response(200)

    token = Token("at", None, None, refresh_token="rt")
    assert revoke(CONFIGURATION, token, "my-app", transport=httpx.MockTransport(handle)) is True
    assert [(p["token"], p["token_type_hint"], p["client_id"]) for p in posted] == [
        ("rt", "refresh_token", "my-app"),
        ("at", "access_token", "my-app"),
    ]


def test_revoking_that_cannot_be_done_is_false_and_never_an_error() -> None:
    def broken(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("x")

    token = Token("at", None, None)
    assert revoke(SmartConfiguration("a", "t"), token, "c") is False
    for handle in (
        broken,
        lambda request: httpx.Response(400),
        lambda r: httpx.Response(302, headers={"location": "/"}),
    ):
        assert revoke(CONFIGURATION, token, "c", transport=httpx.MockTransport(handle)) is False
