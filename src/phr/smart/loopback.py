"""The redirect listener on this computer (RFC 8252 section 7.3).

Port and path are fixed and configurable, because EHR vendors compare redirect addresses exactly. The code
arrives in the query; from some servers by POST (athenaFlow) or in the fragment (One Medical), which only a
script in the browser can see, so a bare visit gets a tiny page that hands the fragment over. Browsers also
open idle connections and ask for an icon: each request has its own thread and strays get a 404.
"""

from __future__ import annotations

import base64
import errno
import hashlib
import html
import os
import queue
import socket
import socketserver
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import parse_qsl, urlsplit

from phr.errors import PortTaken, SignInError, SignInTimeout
from phr.smart import redirect

BIND, BIND6 = "127.0.0.1", "::1"
_FORM_LIMIT = 65_536
_TICK = 0.2
_SCRIPT = (
    "var h=location.hash.slice(1);"
    "if(h){location.replace(location.pathname+'?'+h)}"
    "else{document.getElementById('t').textContent='Nothing to do here.'}"
)
_SCRIPT_HASH = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
_PAGE = (
    "<!doctype html><html lang='en'><meta charset='utf-8'><title>phr</title>"
    "<meta name='viewport' content='width=device-width'>"
    "<style>body{font:1.1rem system-ui,sans-serif;max-width:32rem;margin:20vh auto;padding:0 1rem}</style>"
    "<h1>%s</h1><p id='t'>%s</p>%s</html>"
)


class RedirectListener:
    """Waits for one answer on this computer alone, for `localhost` under both of its addresses.

    Use as a context manager: leaving it always closes the port. Port 0 takes a free one. Raises PortTaken on
    entering. `issuers`: see `redirect.code_from`.
    """

    def __init__(
        self,
        state: str,
        *,
        host: str = BIND,
        port: int = 8765,
        path: str = "/callback",
        issuers: tuple[str, ...] = (),
    ) -> None:
        self._state = state
        self._host = host
        self._port = port
        self._path = path if path.startswith("/") else f"/{path}"
        self._issuers = issuers
        self._answers: queue.Queue[str | SignInError] = queue.Queue()
        self._taken = threading.Lock()
        self._open: list[tuple[_Server, threading.Thread]] = []

    @property
    def redirect_uri(self) -> str:
        """As it is sent to the provider; with the real port once the listener is open."""
        return f"http://{self._host}:{self._port}{self._path}"

    def __enter__(self) -> RedirectListener:
        try:
            first = _Server((BIND, self._port), _Handler)
            self._port = int(first.server_address[1])
            self._serve(first)
            if self.host == "localhost":
                self._guard_ipv6()
        except (OSError, OverflowError) as error:
            self.__exit__(None, None, None)
            raise self._taken_port(error) from None
        return self

    def _guard_ipv6(self) -> None:
        """Browsers try ::1 first for `localhost`: whoever else listened there would get the code."""
        try:
            self._serve(_Server6((BIND6, self._port), _Handler))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise
            # No IPv6 on this computer, so nobody else has it either.

    def _serve(self, server: _Server) -> None:
        server.listener = self
        thread = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="phr-redirect", daemon=True
        )
        self._open.append((server, thread))
        thread.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server, thread in self._open:
            server.shutdown()
            server.server_close()
            thread.join(timeout=5)
        self._open.clear()

    def wait(self, timeout: float = 600.0) -> str:
        """The code. Raises SignInTimeout, SignInDenied, StateMismatch, SignInError. Ctrl-C gets through."""
        deadline = time.monotonic() + timeout
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise SignInTimeout(
                    "Nobody came back from the sign-in page in time.",
                    hint="Start again; --timeout gives more seconds.",
                )
            try:
                answer = self._answers.get(timeout=min(_TICK, left))
            except queue.Empty:
                continue
            if isinstance(answer, SignInError):
                raise answer
            return answer

    # ── called from the request threads ───────────────────────────────────────────────────────────

    @property
    def host(self) -> str:
        """The name under which the browser comes back."""
        return self._host.lower()

    def owns(self, path: str) -> bool:
        return path == self._path

    def page_for(self, params: dict[str, str]) -> tuple[str, str | SignInError | None]:
        """The page for one visit, and what it brought: a code, an error, or nothing new."""
        if not redirect.reads_as_answer(params):
            return _page("One moment …", "Finishing the sign-in.", script=True), None
        if not self._taken.acquire(blocking=False):
            return _page("Already done", "This sign-in was received before. You can close this window."), None
        try:
            code = redirect.code_from(params, self._state, self._issuers)
        except SignInError as error:
            return _page("Not signed in", f"{error.message} You can close this window."), error
        return _page("Thank you", "The sign-in was received. You can close this window."), code

    def deliver(self, answer: str | SignInError) -> None:
        self._answers.put(answer)

    def _taken_port(self, error: Exception) -> PortTaken:
        words = f"Port {self._port} on this computer is used by another program"
        if isinstance(error, OSError) and error.errno != errno.EADDRINUSE:
            words = f"Port {self._port} on this computer cannot be opened"
        return PortTaken(f"{words}.", hint="Take another one that is registered with the provider: --port")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # On Windows address reuse would let two programs share the port, and one of them get our code.
    allow_reuse_address = os.name != "nt"
    # Idle connections of browsers and of others must not crowd out the one that brings the code.
    request_queue_size = 128
    listener: RedirectListener

    def server_bind(self) -> None:
        """Without the reverse name lookup of HTTPServer, which can hang for seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = BIND, int(self.server_address[1])

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that hangs up is no news; and a traceback on stderr could show the code."""


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = 10
    server_version = "phr"
    sys_version = ""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self._serve(parts.path, dict(parse_qsl(parts.query)))

    def do_POST(self) -> None:
        parts = urlsplit(self.path)
        try:
            length = int(self.headers.get("Content-Length") or 0)
        except ValueError:
            length = -1
        if not 0 <= length <= _FORM_LIMIT:
            self._answer(413, _page("Too large", "Nothing was read."))
            return
        form = self.rfile.read(length).decode("utf-8", "replace")
        self._serve(parts.path, dict(parse_qsl(parts.query)) | dict(parse_qsl(form)))

    def _serve(self, path: str, params: dict[str, str]) -> None:
        listener = self.server.listener
        if not self._is_a_visit():
            self._answer(403, _page("Not from here", "Only a sign-in page may come back to this address."))
            return
        if not listener.owns(path):
            self._answer(404, _page("Nothing here", "This address belongs to a sign-in."))
            return
        page, answer = listener.page_for(params)
        try:
            self._answer(400 if isinstance(answer, SignInError) else 200, page)
        finally:
            # Only after the page: whoever waits closes the port as soon as it has the answer.
            if answer is not None:
                listener.deliver(answer)

    def _is_a_visit(self) -> bool:
        """Whether a person's browser came here itself, under the address that was registered.

        A page elsewhere could otherwise end a sign-in from behind, with an image or a script at our address that
        says `error=access_denied` (Fetch Metadata, W3C); and under a name of its own that points to this computer
        (DNS rebinding) it could read what we answer. Whoever sends no Fetch Metadata is let through.
        """
        name = (self.headers.get("Host") or "").lower().removesuffix(f":{self.server.server_port}")
        if name not in (BIND, "localhost", self.server.listener.host):
            return False
        mode, goal = self.headers.get("Sec-Fetch-Mode"), self.headers.get("Sec-Fetch-Dest")
        return mode in (None, "navigate") and goal in (None, "document")

    def _answer(self, status: int, page: str) -> None:
        body = page.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header(
            "Content-Security-Policy",
            f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{_SCRIPT_HASH}'; "
            "frame-ancestors 'none'",
        )
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (name of the base class)
        """The request line holds the code: never written anywhere."""


def _page(title: str, text: str, *, script: bool = False) -> str:
    return _PAGE % (html.escape(title), html.escape(text), f"<script>{_SCRIPT}</script>" if script else "")
