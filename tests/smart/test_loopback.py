from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import threading
import time
import urllib.parse

import pytest

from phr.errors import PortTaken, SignInDenied, SignInError, SignInTimeout, StateMismatch
from phr.smart.loopback import RedirectListener


def visit(
    listener: RedirectListener, query: str = "", *, path: str | None = None, form: str | None = None
) -> tuple[int, str]:
    parts = urllib.parse.urlsplit(listener.redirect_uri)
    connection = http.client.HTTPConnection("127.0.0.1", parts.port, timeout=5)
    try:
        target = (path or parts.path) + (f"?{query}" if query else "")
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if form is not None else {}
        connection.request("POST" if form is not None else "GET", target, form, headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()


def test_the_code_comes_in_the_query() -> None:
    with RedirectListener("st", port=0) as listener:
        status, page = visit(listener, "code=c%2B1&state=st")
        assert listener.wait(5) == "c+1"
    assert status == 200 and "You can close this window" in page


def test_the_code_comes_by_post() -> None:
    with RedirectListener("st", port=0) as listener:
        assert visit(listener, form="code=c&state=st")[0] == 200
        assert listener.wait(5) == "c"


def test_a_bare_visit_gets_a_page_that_hands_the_fragment_over() -> None:
    with RedirectListener("st", port=0) as listener:
        status, page = visit(listener)
        assert status == 200 and "location.hash" in page
        visit(listener, "code=c&state=st")
        assert listener.wait(5) == "c"


def test_pages_load_nothing_from_elsewhere_and_are_not_kept() -> None:
    with RedirectListener("st", port=0) as listener:
        _, page = visit(listener)
        parts = urllib.parse.urlsplit(listener.redirect_uri)
        connection = http.client.HTTPConnection("127.0.0.1", parts.port, timeout=5)
        with contextlib.closing(connection):
            connection.request("GET", parts.path)
            headers = dict(connection.getresponse().getheaders())
    assert "http:" not in page and "https:" not in page and "src=" not in page
    assert headers["Cache-Control"] == "no-store" and headers["Referrer-Policy"] == "no-referrer"
    assert "default-src 'none'" in headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/favicon.ico", "/", "/callback/", "/other?code=c&state=st"])
def test_stray_requests_get_a_404_and_change_nothing(path: str) -> None:
    with RedirectListener("st", port=0) as listener:
        assert visit(listener, path=path)[0] == 404
        visit(listener, "code=c&state=st")
        assert listener.wait(5) == "c"


def test_the_second_visit_is_told_that_it_is_done() -> None:
    with RedirectListener("st", port=0) as listener:
        visit(listener, "code=first&state=st")
        status, page = visit(listener, "code=second&state=st")
        assert status == 200 and "received before" in page
        assert listener.wait(5) == "first"


@pytest.mark.parametrize(
    "query", ["code=c&state=wrong", "code=c", "code=c&state=", "error=x&state=wrong", "state=wrong"]
)
def test_an_answer_with_another_state_is_refused_and_the_page_says_so(query: str) -> None:
    with RedirectListener("st", port=0) as listener:
        status, page = visit(listener, query)
        assert status == 400 and "does not belong to this sign-in" in page
        with pytest.raises(StateMismatch):
            listener.wait(5)


def test_a_denial_carries_the_providers_words_short_and_harmless() -> None:
    words = urllib.parse.quote("<b>You said no\x07</b> " + "x " * 500)
    with RedirectListener("st", port=0) as listener:
        _, page = visit(listener, f"error=access_denied&error_description={words}&state=st")
        with pytest.raises(SignInDenied) as caught:
            listener.wait(5)
    assert "<b>" not in page and "&lt;b&gt;" in page
    assert "You said no" in caught.value.message and len(caught.value.message) < 260
    assert "\x07" not in caught.value.message


@pytest.mark.parametrize("query", ["error=invalid_scope&state=st", "error=server_error"])
def test_other_errors_end_the_sign_in_in_words(query: str) -> None:
    with RedirectListener("st", port=0) as listener:
        visit(listener, query)
        with pytest.raises(SignInError) as caught:
            listener.wait(5)
    assert not isinstance(caught.value, SignInDenied | StateMismatch)
    assert caught.value.hint


def test_a_state_without_code_is_an_error() -> None:
    with RedirectListener("st", port=0) as listener:
        visit(listener, "state=st")
        with pytest.raises(SignInError, match="without a code"):
            listener.wait(5)


@pytest.mark.parametrize(
    ("iss", "good"), [("https://auth.example.org/", True), ("https://evil.example", False)]
)
def test_the_issuer_must_be_the_server_that_was_asked(iss: str, good: bool) -> None:
    with RedirectListener("st", port=0, issuers=("https://auth.example.org",)) as listener:
        visit(listener, f"code=c&state=st&iss={iss}")
        if good:
            assert listener.wait(5) == "c"
        else:
            with pytest.raises(StateMismatch):
                listener.wait(5)


def test_nobody_coming_back_is_a_timeout() -> None:
    started = time.monotonic()
    with RedirectListener("st", port=0) as listener, pytest.raises(SignInTimeout):
        listener.wait(0.1)
    assert time.monotonic() - started < 2


def test_ctrl_c_ends_the_waiting_at_once() -> None:
    started = time.monotonic()
    timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT))
    with RedirectListener("st", port=0) as listener:
        timer.start()
        with pytest.raises(KeyboardInterrupt):
            listener.wait(30)
    assert time.monotonic() - started < 3


def test_a_taken_port_is_named_with_a_way_out() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with (
            pytest.raises(PortTaken, match=str(other.getsockname()[1])) as caught,
            RedirectListener("st", port=other.getsockname()[1]),
        ):
            pass
    assert "--port" in (caught.value.hint or "")


def test_the_port_is_free_again_after_any_end() -> None:
    with RedirectListener("st", port=0) as listener:
        port = urllib.parse.urlsplit(listener.redirect_uri).port
        visit(listener, "code=c&state=st")
    assert port
    with contextlib.suppress(KeyboardInterrupt), RedirectListener("st", port=port):
        raise KeyboardInterrupt
    with RedirectListener("st", port=port) as again:
        assert again.redirect_uri == f"http://127.0.0.1:{port}/callback"


def test_an_idle_connection_of_the_browser_does_not_block_the_answer() -> None:
    with RedirectListener("st", port=0) as listener:
        port = urllib.parse.urlsplit(listener.redirect_uri).port
        with socket.create_connection(("127.0.0.1", port or 0)):
            visit(listener, "code=c&state=st")
            assert listener.wait(5) == "c"


def test_too_large_a_form_is_refused() -> None:
    with RedirectListener("st", port=0) as listener:
        parts = urllib.parse.urlsplit(listener.redirect_uri)
        connection = http.client.HTTPConnection("127.0.0.1", parts.port, timeout=5)
        with contextlib.closing(connection):
            connection.putrequest("POST", parts.path)
            connection.putheader("Content-Length", "100000000")
            connection.endheaders()
            assert connection.getresponse().status == 413


def test_host_and_path_are_as_registered(capfd: pytest.CaptureFixture[str]) -> None:
    with RedirectListener("st", host="localhost", port=0, path="epic/callback") as listener:
        assert listener.redirect_uri.startswith("http://localhost:")
        assert listener.redirect_uri.endswith("/epic/callback")
        visit(listener, "code=very-secret&state=st")
        assert listener.wait(5) == "very-secret"
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:{port}"},
        {"Host": "127.0.0.1:1"},
        {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
        {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"},
        {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
    ],
)
@pytest.mark.parametrize("query", ["error=access_denied", "code=c&state=wrong", "code=c&state=st", ""])
def test_a_page_elsewhere_can_neither_end_nor_read_a_sign_in(headers: dict[str, str], query: str) -> None:
    with RedirectListener("st", port=0) as listener:
        parts = urllib.parse.urlsplit(listener.redirect_uri)
        sent = {name: value.format(port=parts.port) for name, value in headers.items()}
        connection = http.client.HTTPConnection("127.0.0.1", parts.port, timeout=5)
        with contextlib.closing(connection):
            connection.request("GET", f"{parts.path}?{query}", headers=sent)
            assert connection.getresponse().status == 403
        visit(listener, "code=good&state=st")
        assert listener.wait(5) == "good"


def test_a_browser_that_says_how_it_came_is_let_in() -> None:
    with RedirectListener("st", port=0) as listener:
        parts = urllib.parse.urlsplit(listener.redirect_uri)
        connection = http.client.HTTPConnection("localhost", parts.port, timeout=5)
        with contextlib.closing(connection):
            told = {
                "Sec-Fetch-Mode": "navigate",
                "Sec-Fetch-Dest": "document",
                "Sec-Fetch-Site": "cross-site",
            }
            connection.request("GET", f"{parts.path}?code=c&state=st", headers=told)
            assert connection.getresponse().status == 200
        assert listener.wait(5) == "c"


def has_ipv6() -> bool:
    with contextlib.suppress(OSError), socket.create_server(("::1", 0), family=socket.AF_INET6):
        return True
    return False


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 loopback here")
def test_nobody_else_can_take_the_other_address_of_localhost() -> None:
    with RedirectListener("st", host="localhost", port=0) as listener:
        port = urllib.parse.urlsplit(listener.redirect_uri).port
        with pytest.raises(OSError), socket.create_server(("::1", port or 0), family=socket.AF_INET6):
            pass
        connection = http.client.HTTPConnection("::1", port, timeout=5)
        with contextlib.closing(connection):
            connection.request("GET", "/callback?code=c&state=st", headers={"Host": f"localhost:{port}"})
            assert connection.getresponse().status == 200
        assert listener.wait(5) == "c"
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as other:
        taken = other.getsockname()[1]
        with pytest.raises(PortTaken), RedirectListener("st", host="localhost", port=taken):
            pass
    with socket.create_server(("127.0.0.1", taken)):
        pass
