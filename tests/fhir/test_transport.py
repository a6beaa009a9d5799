from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from phr.errors import Refused
from phr.fhir.client import FhirClient
from phr.model import Search


class Rough(BaseHTTPRequestHandler):
    """The first request is cut off in mid-body, the second reset, the third answered."""

    count = 0
    lock = threading.Lock()

    def do_GET(self) -> None:
        with Rough.lock:
            Rough.count += 1
            number = Rough.count
        body = b'{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Goal","id":"1"}}]}'
        if number == 2:
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Set-Cookie", "session=1")
        self.end_headers()
        self.wfile.write(body[:20] if number == 1 else body)
        self.close_connection = True

    def log_message(self, *args: object) -> None: ...


@pytest.fixture
def rough() -> Iterator[str]:
    Rough.count = 0
    server = ThreadingHTTPServer(("127.0.0.1", 0), Rough)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/r4"
    server.shutdown()
    server.server_close()
    thread.join()


def test_cut_and_reset_connections_are_outlived(ehr: Any, rough: str) -> None:
    waits: list[float] = []
    with FhirClient(rough, sleep=waits.append, retry_delay=0.01) as client:
        assert ehr.ids(list(client.search(Search("Goal")))) == ["1"]
    assert len(waits) == 2 and Rough.count == 3


def test_logs_at_debug_hold_no_token_no_query_and_no_clinical_word(
    ehr: Any, rough: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "httpcore.http11", "httpcore.connection"):
        caplog.set_level(logging.DEBUG, logger=name)
    with FhirClient(rough, ehr.Tokens(), sleep=lambda s: None) as client:
        list(client.search(Search("Goal", (("patient", "pat-77"),))))
    world = ehr.World(lambda request: ehr.outcome(403, "Smallpox of Jane"))
    with pytest.raises(Refused):
        world.search(patient="pat-77")
    with pytest.raises(Refused):
        ehr.World(lambda request: ehr.outcome(403, "x", code="Smallpox")).search()
    assert "Goal: 1 resources" in caplog.text
    for secret in ("secret-1", "pat-77", "Smallpox", "Jane", "/r4", "Authorization"):
        assert secret not in caplog.text


def test_several_threads_may_search_with_one_client(ehr: Any) -> None:
    world = ehr.World(lambda request: ehr.bundle("a"))
    threads = [threading.Thread(target=world.search) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert world.client.requests == 8
