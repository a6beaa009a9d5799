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
from phr.smart import landing, loopback
from phr.smart.loopback import RedirectListener


def visit(
    listener: RedirectListener,
    query: str = "",
    *,
    path: str | None = None,
    form: str | None = None,
    headers: dict[str, str] | None = None,
) -> tuple[int, str]:
    parts = urllib.parse.urlsplit(listener.redirect_uri)
    connection = http.client.HTTPConnection("127.0.0.1", parts.port, timeout=5)
    try:
        target = (path or parts.path) + (f"?{query}" if query else "")
        headers = dict(headers or {})
        if form is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
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


@pytest.mark.parametrize(
    "target", ["//callback", "///callback", "//evil.example/callback", "http://evil.example/callback"]
)
def test_a_path_that_a_page_could_take_for_a_host_is_not_ours(target: str) -> None:
    """The standard library makes one slash of them, and the page still sees two."""
    with RedirectListener("st", port=0) as listener:
        port = urllib.parse.urlsplit(listener.redirect_uri).port
        with socket.create_connection(("127.0.0.1", port), 5) as wire:
            wire.sendall(f"GET {target}?code=c&state=st HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
            page = b"".join(iter(lambda: wire.recv(65_536), b""))
        assert b" 404 " in page.partition(b"\r\n")[0] and b"<script>" not in page
        with pytest.raises(SignInTimeout):
            listener.wait(0.1)
        assert "location.replace('?'+h)" in visit(listener)[1]


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


FOREIGN = [
    "code=c&state=wrong",
    "code=c",
    "code=c&state=",
    "error=x&state=wrong",
    "state=wrong",
    "code=c&state=st&state=x",
]


@pytest.mark.parametrize("query", FOREIGN)
def test_an_answer_with_another_state_is_refused_and_ends_nothing(query: str) -> None:
    with RedirectListener("st", port=0) as listener:
        for _ in range(3):
            status, page = visit(listener, query)
            assert status == 400 and "does not belong to this sign-in" in page
        assert visit(listener, "code=good&state=st")[0] == 200
        assert listener.wait(5) == "good"


def test_an_answer_to_another_sign_in_ends_the_wait_after_a_moment_for_the_right_one() -> None:
    with RedirectListener("st", port=0) as listener:
        assert visit(listener, "code=c&state=wrong")[0] == 400
        with pytest.raises(StateMismatch):
            listener.wait(30)
    with RedirectListener("st", port=0) as listener:
        visit(listener, "code=c&state=wrong")
        visit(listener, "code=good&state=st")
        assert listener.wait(5) == "good"


def test_answers_that_a_page_sent_behind_the_persons_back_are_told_when_the_time_is_up() -> None:
    scripted = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    with RedirectListener("st", port=0) as listener:
        visit(listener, "code=c&state=wrong", headers=scripted)
        visit(listener, "code=c", headers=scripted)
        with pytest.raises(SignInTimeout, match="2 answers that did not belong to this sign-in"):
            listener.wait(0.1)


def test_a_foreign_answer_after_the_right_one_changes_nothing() -> None:
    with RedirectListener("st", port=0) as listener:
        visit(listener, "code=good&state=st")
        assert visit(listener, "error=access_denied&state=wrong")[0] == 400
        assert visit(listener, "error=access_denied")[0] == 200
        assert visit(listener, "error=access_denied&state=st")[0] == 200
        assert listener.wait(5) == "good"


# ── an error without state: from a server that forgets it, or from a page that wants to disturb ───


def test_an_error_without_state_leaves_a_right_answer_time_to_overtake_it() -> None:
    with RedirectListener("st", port=0) as listener:
        assert visit(listener, "error=access_denied")[0] == 400
        threading.Timer(0.3, visit, (listener, "code=good&state=st")).start()
        assert listener.wait(30) == "good"


def test_an_error_without_state_then_ends_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loopback, "GRACE", 0.1)
    started = time.monotonic()
    with RedirectListener("st", port=0) as listener:
        visit(
            listener, "error=access_denied", headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-User": "?1"}
        )
        with pytest.raises(SignInDenied):
            listener.wait(30)
    assert time.monotonic() - started < 5


def test_an_error_without_state_that_no_person_set_off_is_only_told_at_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(loopback, "GRACE", 0.01)
    sent = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    with RedirectListener("st", port=0) as listener:
        visit(listener, "error=access_denied", headers=sent)
        with pytest.raises(SignInTimeout, match=r"without proof.*declined"):
            listener.wait(0.5)
        visit(listener, "code=good&state=st", headers=sent)
        assert listener.wait(5) == "good"


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
def test_other_errors_end_the_sign_in_in_words(query: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loopback, "GRACE", 0.1)
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
    ("iss", "required", "good"),
    [
        ("&iss=https://auth.example.org", False, True),
        ("&iss=https://auth.example.org/", True, True),
        ("", False, True),
        ("", True, False),
        ("&iss=https://evil.example", False, False),
        ("&iss=https://AUTH.example.org", True, False),
        ("&iss=https://auth.example.org&iss=https://evil.example", True, False),
    ],
)
def test_the_issuer_must_be_the_server_that_was_asked(iss: str, required: bool, good: bool) -> None:
    issuers = ("https://auth.example.org",)
    with RedirectListener("st", port=0, issuers=issuers, iss_required=required) as listener:
        visit(listener, f"code=c&state=st{iss}")
        if good:
            assert listener.wait(5) == "c"
        else:
            with pytest.raises(StateMismatch):
                listener.wait(5)


def test_a_login_of_more_than_four_minutes_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    real, leap = time.monotonic, [0.0]
    monkeypatch.setattr(loopback.time, "monotonic", lambda: real() + leap[0])

    def come_back_late() -> None:
        leap[0] = 500.0
        visit(listener, "code=late&state=st")

    with RedirectListener("st", port=0) as listener:
        threading.Timer(0.3, come_back_late).start()
        assert listener.wait() == "late"


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


# ── hostile visitors ──────────────────────────────────────────────────────────────────────────────


def raw(listener: RedirectListener, *parts: bytes, wait: float = 5) -> bytes:
    """What the listener answers to these bytes; nothing if it hangs up."""
    port = urllib.parse.urlsplit(listener.redirect_uri).port
    with socket.create_connection(("127.0.0.1", port or 0), timeout=wait) as connection:
        answer = b""
        with contextlib.suppress(OSError):
            for part in parts:
                connection.sendall(part)
            while piece := connection.recv(65_536):
                answer += piece
        return answer


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /callback?code=very-secret HTTP/1.1\r\nX: " + b"a" * 70_000 + b"\r\n\r\n", b" 431 "),
        (b"GET /callback?code=very-secret HTTP/1.1\r\n" + b"X: a\r\n" * 200 + b"\r\n", b" 431 "),
        (b"GET /callback?code=very-secret" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", b" 414 "),
        (b"BREW /callback?code=very-secret HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", b" 501 "),
        (b"POST /callback HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -5\r\n\r\n", b" 413 "),
        (b"POST /callback HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: x\r\n\r\n", b" 413 "),
    ],
)
def test_a_request_that_cannot_be_read_is_refused_and_not_repeated(sent: bytes, status: bytes) -> None:
    with RedirectListener("st", port=0) as listener:
        answer = raw(listener, sent)
        assert status in answer.split(b"\r\n")[0]
        assert b"very-secret" not in answer
        visit(listener, "code=good&state=st")
        assert listener.wait(5) == "good"


def test_two_hundred_idle_connections_and_more_do_not_hold_up_the_answer() -> None:
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(RedirectListener("st", port=0))
        port = urllib.parse.urlsplit(listener.redirect_uri).port or 0
        idle = [
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5))
            for _ in range(landing.MOST_OPEN + 20)
        ]
        visit(listener, "code=good&state=st")
        assert listener.wait(5) == "good"
        # The oldest had to go, the newest are still there.
        assert idle[0].recv(1) == b""
        idle[-1].settimeout(0.1)
        with pytest.raises(TimeoutError):
            idle[-1].recv(1)


def test_a_visitor_who_trickles_holds_up_nobody_and_is_hung_up_on_at_the_end() -> None:
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(RedirectListener("st", port=0))
        port = urllib.parse.urlsplit(listener.redirect_uri).port or 0
        slow = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5))
        slow.sendall(b"GET /callback?code=c&sta")
        visit(listener, "code=good&state=st")
        assert listener.wait(5) == "good"
        listener.__exit__(None, None, None)
        with contextlib.suppress(ConnectionResetError):
            assert slow.recv(1) == b""


def test_a_silent_visitor_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landing, "PATIENCE", 0.1)
    monkeypatch.setattr(landing._Handler, "timeout", 0.1)
    with RedirectListener("st", port=0) as listener:
        assert raw(listener, b"GET /callback?co") == b""


def test_an_answer_posted_from_the_providers_page_is_taken() -> None:
    sent = {
        "Origin": "https://auth.example.org",
        "Sec-Fetch-Site": "cross-site",
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Dest": "document",
    }
    with RedirectListener("st", port=0) as listener:
        assert visit(listener, form="code=c&state=st", headers=sent)[0] == 200
        assert listener.wait(5) == "c"


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 loopback here")
def test_the_ipv6_address_may_be_the_registered_one() -> None:
    with RedirectListener("st", host="::1", port=0) as listener:
        parts = urllib.parse.urlsplit(listener.redirect_uri)
        assert listener.redirect_uri.startswith("http://[::1]:")
        connection = http.client.HTTPConnection("::1", parts.port, timeout=5)
        with contextlib.closing(connection):
            connection.request("GET", "/callback?code=c&state=st")
            assert connection.getresponse().status == 200
        assert listener.wait(5) == "c"


def test_the_state_can_name_the_port_for_a_relay_page() -> None:
    with RedirectListener("st", port=0, port_in_state=True) as listener:
        assert listener.state == f"st.{urllib.parse.urlsplit(listener.redirect_uri).port}"
        assert visit(listener, "code=c&state=st")[0] == 400
        visit(listener, f"code=c&state={listener.state}")
        assert listener.wait(5) == "c"
