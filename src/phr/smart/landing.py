"""Where the browser lands after the sign-in: a small HTTP server for this computer alone, and its pages.

It knows HTTP and nothing of OAuth: what comes is handed to a `Host`, which answers with the page to show. Every
connection has a thread of its own, TLS handshake included, because browsers open idle connections, ask for an
icon, and hang up at a certificate they do not know. The number of open connections is bounded; the oldest has to go.
"""

from __future__ import annotations

import base64
import hashlib
import html
import os
import socket
import socketserver
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from phr.smart.redirect import parameters

BIND, BIND6 = "127.0.0.1", "::1"
FORM_LIMIT = 65_536
PATIENCE = 10.0
"""Seconds that a connection may be silent."""
MOST_OPEN = 256
"""Connections open at once; one more, and the oldest is closed: a browser's own is always among the newest."""
_TLS_HANDSHAKE = b"\x16"  # RFC 8446 section 5.1: the first byte a TLS client sends
_SCRIPT = (
    "var h=location.hash.slice(1);"
    "if(h){location.replace('?'+h)}"
    "else{document.getElementById('t').textContent='Nothing to do here.'}"
)
_SCRIPT_HASH = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
_PAGE = (
    "<!doctype html><html lang='en'><meta charset='utf-8'><title>phr</title>"
    "<meta name='viewport' content='width=device-width'>"
    "<style>body{font:1.1rem system-ui,sans-serif;max-width:32rem;margin:20vh auto;padding:0 1rem}</style>"
    "<h1>%s</h1><p id='t'>%s</p>%s</html>"
)


def page(title: str, text: str, *, script: bool = False) -> str:
    """One of our pages; with `script`, the one that hands the fragment over in the query."""
    return _PAGE % (html.escape(title), html.escape(text), f"<script>{_SCRIPT}</script>" if script else "")


@dataclass(frozen=True, slots=True)
class Reply:
    """The page for one visit, and what it brought, delivered only after the page has gone out."""

    status: int
    page: str
    brought: object = None


class Host(Protocol):
    """Whoever waits for the browser."""

    def knows_name(self, name: str) -> bool: ...
    def owns(self, path: str) -> bool: ...
    def visited(self, params: dict[str, str], *, by_person: bool) -> Reply: ...
    def deliver(self, brought: object) -> None: ...


def tls_context(certificate: Path) -> ssl.SSLContext:
    """TLS 1.2 or later with the certificate and key of one file. Raises OSError (ssl.SSLError) for a bad file."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate)
    return context


class Server(ThreadingHTTPServer):
    """Listens on one address of this computer, with TLS if it gets a context. Raises OSError on a taken port."""

    daemon_threads = True
    # On Windows address reuse would let two programs share the port, and one of them get our code.
    allow_reuse_address = os.name != "nt"
    # Idle connections of browsers and of others must not crowd out the one that brings the code.
    request_queue_size = 256

    def __init__(self, address: str, port: int, host: Host, context: ssl.SSLContext | None = None) -> None:
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.host = host
        self.context = context
        self._open: dict[int, socket.socket] = {}
        self._guard = threading.Lock()
        super().__init__((address, port), _Handler)
        self._thread = threading.Thread(
            target=self.serve_forever, kwargs={"poll_interval": 0.05}, name="phr-redirect", daemon=True
        )

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Close the port and every connection that is still open."""
        self.shutdown()
        self.server_close()
        self._thread.join(timeout=5)
        with self._guard:
            for connection in self._open.values():
                _hang_up(connection)

    def server_bind(self) -> None:
        """Without the reverse name lookup of HTTPServer, which can hang for seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._guard:
            if len(self._open) >= MOST_OPEN:
                oldest = next(iter(self._open))
                _hang_up(self._open.pop(oldest))
            self._open[id(request)] = request
        super().process_request(request, client_address)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """In the connection's own thread: the handshake of one must never hold up another."""
        number = id(request)
        try:
            request.settimeout(PATIENCE)
            if self.context is None:
                super().finish_request(request, client_address)
            elif request.recv(1, socket.MSG_PEEK) == _TLS_HANDSHAKE:
                self._finish_tls(self.context, request, client_address, number)
            else:
                _tell_it_is_tls(request)
        finally:
            with self._guard:
                self._open.pop(number, None)

    def _finish_tls(self, context: ssl.SSLContext, request: Any, client_address: Any, number: int) -> None:
        secured = context.wrap_socket(request, server_side=True, do_handshake_on_connect=False)
        with secured:
            with self._guard:
                if number in self._open:  # else it had to go already
                    self._open[number] = secured
            secured.do_handshake()
            super().finish_request(secured, client_address)
            with suppress(OSError):
                secured.shutdown(socket.SHUT_WR)

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that hangs up is no news; and a traceback on stderr could show the code."""


def _hang_up(connection: socket.socket) -> None:
    with suppress(OSError):
        # Not the method of an SSLSocket, which touches the TLS state another thread is using.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


def _tell_it_is_tls(request: socket.socket) -> None:
    """Whoever speaks plain HTTP here mistyped or scans; nothing it says is read as an answer."""
    with suppress(OSError):
        request.recv(FORM_LIMIT)
        text = b"This address begins with https://.\n"
        request.sendall(
            b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(text), text)
        )


class _Handler(BaseHTTPRequestHandler):
    server: Server
    timeout = PATIENCE
    server_version = "phr"
    sys_version = ""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        self._serve(parts.path, parameters(parts.query))

    def do_POST(self) -> None:
        """Seen: athenaFlow answers by POST; `response_mode=form_post` posts from the provider's own page."""
        parts = urlsplit(self.path)
        try:
            length = int(self.headers.get("Content-Length") or 0)
        except ValueError:
            length = -1
        if not 0 <= length <= FORM_LIMIT:
            self._answer(413, page("Too large", "Nothing was read."))
            return
        form = self.rfile.read(length).decode("utf-8", "replace")
        self._serve(parts.path, parameters(parts.query, form))

    def _serve(self, path: str, params: dict[str, str]) -> None:
        host = self.server.host
        # `//name/path` is a path here, and another host to a page; a whole address is what a proxy is asked for.
        asked = self.requestline.split()[1]
        if not asked.startswith("/") or asked.startswith("//"):
            self._answer(404, page("Nothing here", "This address belongs to a sign-in."))
            return
        if not self._is_a_visit():
            self._answer(403, page("Not from here", "Only a sign-in page may come back to this address."))
            return
        if not host.owns(path):
            self._answer(404, page("Nothing here", "This address belongs to a sign-in."))
            return
        reply = host.visited(params, by_person=self._by_person())
        try:
            self._answer(reply.status, reply.page)
        finally:
            # Only after the page: whoever waits closes the port as soon as it has the answer.
            if reply.brought is not None:
                host.deliver(reply.brought)

    def _is_a_visit(self) -> bool:
        """Whether a person's browser came here itself, under the address that was registered.

        A page elsewhere could otherwise end a sign-in from behind, with an image or a script at our address that
        says `error=access_denied` (Fetch Metadata, W3C); and under a name of its own that points to this computer
        (DNS rebinding) it could read what we answer. Whoever sends no Fetch Metadata is let through.
        """
        name = (self.headers.get("Host") or "").lower().removesuffix(f":{self.server.port}")
        if not self.server.host.knows_name(name):
            return False
        mode, goal = self.headers.get("Sec-Fetch-Mode"), self.headers.get("Sec-Fetch-Dest")
        return mode in (None, "navigate") and goal in (None, "document")

    def _by_person(self) -> bool:
        """Whether a person set this visit off: by a click (`Sec-Fetch-User`), from outside the web (`none`: phr
        itself opened the page, and the provider sent it on at once), or with a browser that does not tell."""
        return (
            self.headers.get("Sec-Fetch-Site") in (None, "none") or self.headers.get("Sec-Fetch-User") == "?1"
        )

    def _answer(self, status: int, text: str) -> None:
        body = text.encode()
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

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """A request that cannot be read; the base class would repeat its first line, which may hold the code."""
        self.close_connection = True
        self._answer(code, page("Not understood", "Nothing was read."))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (name of the base class)
        """The request line holds the code: never written anywhere."""
