"""Mix-up: a dishonest FHIR base names an honest issuer and wants its code (RFC 9207 section 4)."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

from phr.errors import StateMismatch
from phr.model import SmartConfiguration
from phr.smart import issuer

BASE = "https://fhir.example.org/r4"
OURS = SmartConfiguration("https://auth.example.org/authorize", "https://auth.example.org/token")
TENANT = "https://login.example.net/tenant"


def says(**pages: object) -> httpx.MockTransport:
    """The issuer's own description, at `openid` or at `oauth` (RFC 8414)."""
    places = {
        "/tenant/.well-known/openid-configuration": "openid",
        "/.well-known/oauth-authorization-server/tenant": "oauth",
    }

    def handle(request: httpx.Request) -> httpx.Response:
        assert request.url.host == "login.example.net" and "authorization" not in request.headers
        found = pages.get(places.get(request.url.path, ""))
        return (
            found
            if isinstance(found, httpx.Response)
            else httpx.Response(404 if found is None else 200, json=found)
        )

    return httpx.MockTransport(handle)


@pytest.mark.parametrize(
    "named", [None, "https://auth.example.org", "https://auth.example.org/x/", BASE, BASE + "/"]
)
def test_an_issuer_that_is_at_home_where_the_code_goes_is_believed(named: str | None) -> None:
    issuer.check(named, OURS, BASE, transport=says())


@pytest.mark.parametrize("place", ["openid", "oauth"])
def test_an_issuer_elsewhere_has_to_name_our_token_endpoint(place: str) -> None:
    own = {"issuer": TENANT + "/", "token_endpoint": OURS.token_endpoint}
    issuer.check(TENANT, OURS, BASE, transport=says(**{place: own}))
    with pytest.raises(StateMismatch, match=r"login\.example\.net.*auth\.example\.org"):
        issuer.check(
            TENANT,
            replace(OURS, token_endpoint="https://auth.example.org/other"),
            BASE,
            transport=says(**{place: own}),
        )


@pytest.mark.parametrize(
    "answer",
    [
        None,
        {"issuer": "https://else.example", "token_endpoint": OURS.token_endpoint},
        {"token_endpoint": OURS.token_endpoint},
        httpx.Response(302, headers={"location": "https://evil.example/"}),
        httpx.Response(200, html="<html>"),
    ],
)
def test_an_issuer_that_does_not_describe_itself_is_not_believed(answer: object) -> None:
    with pytest.raises(StateMismatch):
        issuer.check(TENANT, OURS, BASE, transport=says(openid=answer))


@pytest.mark.parametrize("named", ["http://127.0.0.1:9/x", "http://login.example.net/tenant", "file:///etc"])
def test_an_issuer_cannot_send_us_to_a_plain_port_of_this_computer(named: str) -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        raise AssertionError("nothing may be asked there")

    with pytest.raises(StateMismatch):
        issuer.check(named, OURS, BASE, transport=httpx.MockTransport(handle))
