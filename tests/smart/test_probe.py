"""What the provider's page says when nobody comes back: a pretend provider that stops at an error page."""

from __future__ import annotations

import time
from collections.abc import Callable

import httpx
import pytest

from phr.model import SmartConfiguration
from phr.smart import probe
from phr.smart.launch import authorize_url

CONFIGURATION = SmartConfiguration("https://auth.example.org/authorize", "https://auth.example.org/token")
CALLBACK = "http://127.0.0.1:8765/callback"
URL = authorize_url(
    CONFIGURATION,
    client_id="my-app",
    redirect_uri=CALLBACK,
    scope="openid",
    state="thrown-away",
    aud="https://fhir.example.org/r4",
    challenge="x" * 43,
)
Handler = Callable[[httpx.Request], httpx.Response]


def ask(answer: httpx.Response | Handler, url: str = URL) -> str | None:
    handler = answer if callable(answer) else lambda request: answer
    return probe.authorize_page(CONFIGURATION, url, transport=httpx.MockTransport(handler))


def to(location: str, status: int = 302) -> httpx.Response:
    return httpx.Response(status, headers={"location": location})


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, html="<html><h1>Log in</h1> redirect_uri client_id scope</html>"),
        httpx.Response(200, json={"client_id": "my-app"}),
        to(f"{CALLBACK}?code=c&state=thrown-away"),
        to("http://plain.example.org/login"),
        to("myapp://cb?error=x"),
        to("https://[bad"),
    ],
)
def test_a_login_page_is_nothing_to_tell(answer: httpx.Response) -> None:
    assert ask(answer) is None


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (httpx.Response(400, json={"error": "invalid_client", "error_description": "Old"}), "invalid_client: Old"),
        (httpx.Response(200, json={"error": "invalid_request", "error_description": "redirect_uri"}), "redirect address"),
        (httpx.Response(400, html="<h1>Mismatching redirect URI</h1>"), "(400 Bad Request) and speaks of the redirect"),
        (httpx.Response(401, html="<p>invalid_client</p>"), "the client id"),
        (httpx.Response(403, html="<script>var redirect_uri</script><p title='client_id'>No"), "(403 Forbidden)."),
        (httpx.Response(404), "(404 Not Found)."),
        (httpx.Response(503, html="down"), "trouble right now (503)"),
        (httpx.Response(429), "trouble right now (429)"),
        (to(f"{CALLBACK}?error=invalid_scope&state=thrown-away"), "invalid_scope"),
        (to(f"{CALLBACK}#error=unauthorized_client"), "unauthorized_client"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_sentence(answer: httpx.Response, words: str) -> None:
    said = ask(answer)
    assert said and words in said and said.startswith("The provider's") and said.endswith(".")


def test_nothing_of_a_strangers_page_is_repeated() -> None:
    said = ask(httpx.Response(400, html="<p>Dear Jane, your redirect_uri \x1b[31m <b>thrown-away</b></p>"))
    assert said and "Jane" not in said and "thrown-away" not in said and "\x1b" not in said


def test_it_follows_to_the_login_page_with_nothing_but_the_question() -> None:
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if request.url.path == "/authorize":
            return httpx.Response(
                303, headers={"location": "https://login.example.com/a", "set-cookie": "s=1; Path=/"}
            )
        return httpx.Response(200, html="<h1>Log in</h1>")

    assert ask(handle) is None
    assert [request.url.host for request in seen] == ["auth.example.org", "login.example.com"]
    assert all("cookie" not in request.headers and "authorization" not in request.headers for request in seen)
    assert "text/html" in seen[0].headers["accept"]


def test_it_never_visits_the_redirect_address() -> None:
    seen: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(str(request.url))
        return to(f"{CALLBACK}?error=server_error")

    assert ask(handle)
    assert len(seen) == 1


def test_a_circle_has_an_end() -> None:
    count = [0]

    def handle(request: httpx.Request) -> httpx.Response:
        count[0] += 1
        return to("https://auth.example.org/again")

    assert "circle" in (ask(handle) or "")
    assert count[0] <= 6


def test_a_server_that_cannot_be_reached_is_told() -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no")

    assert ask(handle) == "auth.example.org cannot be reached."


def test_a_page_made_to_be_slow_to_read_is_read_quickly() -> None:
    started = time.monotonic()
    ask(httpx.Response(400, html="<script" * 28_000 + "<" * 100_000))
    ask(httpx.Response(400, html="<script>" * 25_000))
    assert time.monotonic() - started < 2
