"""Proxies are honoured, except for servers on this very computer; their passwords stay out of all words."""

from __future__ import annotations

import base64
import os
import select
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from phr.errors import PhrError, Unreachable, UsageError
from phr.fhir import roads, trust
from phr.fhir.transport import Wire
from phr.fhir.wire_words import Untrusted

from .pki import issue, serving

CA = issue("Test CA", ca=True)
ELSEWHERE = "ehr.example.org"


class Tunnel(BaseHTTPRequestHandler):
    """A proxy that connects every name to the one server behind it; wants a user and password."""

    def do_CONNECT(self) -> None:
        self.server.asked.append((self.path, self.headers.get("Proxy-Authorization")))  # type: ignore[attr-defined]
        if self.headers.get("Proxy-Authorization") != "Basic " + base64.b64encode(b"anna:hush-hush").decode():
            self.send_error(407)
            return
        self.send_response(200)
        self.end_headers()
        with socket.create_connection(("127.0.0.1", self.server.behind)) as far:  # type: ignore[attr-defined]
            ends = [self.connection, far]
            while True:
                ready, _, _ = select.select(ends, [], [], 5)
                for end in ready:
                    portion = end.recv(65536)
                    if not portion:
                        return
                    (far if end is self.connection else self.connection).sendall(portion)
                if not ready:
                    return

    def log_message(self, *args: object) -> None: ...


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    (tmp_path / "ca.pem").write_bytes(CA.pem)
    trust.configure(tmp_path / "ca.pem")
    yield
    trust.configure(None)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[tuple[Any, Any]]:
    """A server that calls itself elsewhere, and the only proxy that leads to it."""
    with (
        serving(tmp_path, issue("far", CA, hosts=(ELSEWHERE, "127.0.0.1"))) as far,
        serving(tmp_path, handler=Tunnel) as proxy,
    ):
        proxy.behind = far.server_address[1]  # type: ignore[attr-defined]
        yield far, proxy


def ask(url: str) -> int:
    with Wire(url, timeout=5) as wire:
        return wire.send("GET", url, {"Authorization": "Bearer secret-1"}).status


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_a_proxy_is_asked_and_sees_neither_path_nor_bearer(
    world: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    far, proxy = world
    monkeypatch.setenv(variable, f"http://anna:hush-hush@127.0.0.1:{proxy.server_address[1]}")

    assert ask(f"https://{ELSEWHERE}/r4/Patient/pat-77") == 200

    assert [path for path, _ in proxy.asked] == [f"{ELSEWHERE}:443"]
    assert far.asked[0][1] == "/r4/Patient/pat-77"
    assert "Proxy-Authorization" not in far.asked[0][2]


def test_behind_a_proxy_the_certificate_still_has_to_be_right(
    world: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    far, proxy = world
    monkeypatch.setenv("HTTPS_PROXY", f"http://anna:hush-hush@127.0.0.1:{proxy.server_address[1]}")

    with pytest.raises(Untrusted, match="another name"):
        ask("https://other.example.org/")
    trust.configure(None)
    with pytest.raises(Untrusted, match="does not know") as caught:
        ask(f"https://{ELSEWHERE}/")
    assert "behind a company's proxy" in str(caught.value.hint)
    assert far.asked == []


def test_this_computer_is_never_asked_through_a_proxy(
    world: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    far, proxy = world
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.server_address[1]}")
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.server_address[1]}")
    # A Wire made for another server does not send it through either.
    with Wire(f"https://{ELSEWHERE}/", timeout=5) as wire:
        assert wire.send("GET", f"https://127.0.0.1:{far.server_address[1]}/", {}).status == 200
    assert proxy.asked == []


@pytest.mark.parametrize(
    ("proxy", "words"),
    [
        ("http://anna:wrong@127.0.0.1:{port}", "does not lead to"),
        ("http://anna:hush-hush@127.0.0.1:1", "does not lead to"),
        ("socks5://anna:hush-hush@127.0.0.1:{port}", "proxy that is set"),
        ("gopher://anna:hush-hush@127.0.0.1:{port}", "proxy that is set"),
        ("http://anna:hush-hush@[", "proxy"),
        ("http://anna:hush-hush@127.0.0.1:port", "proxy that is set"),
    ],
)
def test_the_password_of_a_proxy_stays_out_of_all_words(
    world: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch, proxy: str, words: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy.format(port=world[1].server_address[1]))

    with pytest.raises(PhrError, match=words) as caught:
        ask(f"https://{ELSEWHERE}/r4/Patient/pat-77")

    assert isinstance(caught.value, Unreachable | UsageError)
    said = f"{caught.value} {caught.value.hint} {caught.value.__cause__}"
    assert not any(secret in said for secret in ("hush", "anna", "wrong", "pat-77", "secret-1"))


@pytest.mark.parametrize(
    ("without", "host", "straight"),
    [
        ("", "ehr.example.org", False),
        ("*", "ehr.example.org", True),
        ("example.org", "ehr.example.org", True),
        (".example.org", "ehr.example.org", True),
        ("other.org, ehr.example.org", "ehr.example.org", True),
        ("ehr.example.org:8443", "ehr.example.org", False),
        ("ehr.example.org:443", "ehr.example.org", True),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("[fe80::1],[::1]", "fe80::1", True),
        ("[,::/,//", "ehr.example.org", False),
        ("", "127.0.0.1", True),
        ("", "localhost", True),
        ("", "::1", True),
    ],
)
def test_which_servers_are_asked_straight(
    monkeypatch: pytest.MonkeyPatch, without: str, host: str, straight: bool
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "proxy.example.net:3128")
    monkeypatch.setenv("NO_PROXY", without)

    expected = None if straight else "http://proxy.example.net:3128"
    assert roads.proxy_for("https", host, 443) == expected
