"""A server that does nothing but hand out pages that were made beforehand: `python -m benchmarks.pages FILE`.

Raw sockets, a thread for each connection, whole answers out of memory: what is measured against it is the client. It
runs in a process of its own, so it takes nothing from the interpreter of the client. A page may be a pattern: then each
`@` field is filled with a number, so that a million resources need no gigabyte here.
"""

from __future__ import annotations

import pickle
import re
import socket
import sys
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from phr.model import Received

BASE = "http://127.0.0.1:{port}/fhir"
WHOSE = re.compile(rb'"Patient/[^"/]+"')
MARK = b"@@@@@@@@"
"""Where the number of a pattern goes; as wide as the number is written."""


@dataclass(frozen=True)
class Served:
    """What is handed out: the pages of each type; with `repeat`, the one page of each type so many times."""

    pages: dict[str, list[bytes]]
    repeat: dict[str, int]

    @property
    def types(self) -> list[str]:
        return sorted(self.pages)


def of_resources(pages: Iterable[Sequence[Received]], size: int) -> Served:
    """Cut resources into searchsets of `size`, type by type; the Patient of the record is asked for by its address."""
    by_type: dict[str, list[bytes]] = {}
    for page in pages:
        for one in page:
            # The made-up family as one person: what is about others is not kept.
            by_type.setdefault(one.type, []).append(WHOSE.sub(b'"Patient/p"', one.raw))
    made = {
        type_: [_bundle(raws[at : at + size]) for at in range(0, len(raws), size)]
        for type_, raws in by_type.items()
        if type_ != "Patient"
    }
    return Served(made, {})


def of_pattern(count: int, size: int) -> Served:
    """`count` made-up laboratory results, of which only one page is ever in memory."""
    one = {
        "resourceType": "Observation",
        "id": f"o-{MARK.decode()}-%d",
        "status": "final",
        "category": [{"coding": [{"code": "laboratory"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "2345-7"}], "text": "Glucose in serum"},
        "subject": {"reference": "Patient/p"},
        "effectiveDateTime": "2024-05-06T07:08:09Z",
        "performer": [{"reference": f"Practitioner/d-{MARK.decode()}"}],
        "valueQuantity": {
            "value": 91.5,
            "unit": "mg/dL",
            "system": "http://unitsofmeasure.org",
            "code": "mg/dL",
        },
        "note": [{"text": "x" * 400}],
    }
    text = orjson.dumps(one)
    page = _bundle([text.replace(b"%d", b"%d" % n) for n in range(size)])
    return Served({"Observation": [page]}, {"Observation": -(-count // size)})


def _bundle(raws: Sequence[bytes]) -> bytes:
    entries = b",".join(b'{"resource":' + raw + b"}" for raw in raws)
    return b'{"resourceType":"Bundle","type":"searchset","link":[%LINK%],"entry":[' + entries + b"]}"


class Server:
    """Answers on one socket until the process ends."""

    def __init__(self, served: Served, sock: socket.socket) -> None:
        self._served = served
        self._base = BASE.format(port=sock.getsockname()[1])
        self._sock = sock
        self._ready: dict[str, bytes] = {
            "/fhir/metadata": _answer(orjson.dumps(self._statement())),
            "/fhir/Patient/p": _answer(b'{"resourceType":"Patient","id":"p"}'),
        }
        for type_, pages in served.pages.items():
            if type_ not in served.repeat:
                for number, page in enumerate(pages):
                    self._ready[f"/fhir/{type_}/{number}"] = _answer(
                        self._linked(type_, page, number, len(pages))
                    )

    def run(self) -> None:
        while True:
            connection, _ = self._sock.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as requests:
            while line := requests.readline():
                while requests.readline().strip():
                    pass
                connection.sendall(self._find(line.split()[1].decode()))

    def _find(self, target: str) -> bytes:
        path, _, query = target.partition("?")
        number = int(query.partition("page=")[2] or 0) if "page=" in query else 0
        type_ = path.rpartition("/")[2]
        if type_ in self._served.repeat:
            page = self._linked(type_, self._served.pages[type_][0], number, self._served.repeat[type_])
            return _answer(page.replace(MARK, b"%08d" % number))
        found = self._ready.get(path) or self._ready.get(f"{path}/{number}")
        return found or b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"

    def _linked(self, type_: str, page: bytes, number: int, pages: int) -> bytes:
        url = f"{self._base}/{type_}?page={number + 1}"
        link = orjson.dumps({"relation": "next", "url": url}) if number + 1 < pages else b""
        return page.replace(b"%LINK%", link, 1)

    def _statement(self) -> dict[str, object]:
        resources = [
            {"type": type_, "interaction": [{"code": "search-type"}], "searchParam": [{"name": "patient"}]}
            for type_ in self._served.types
        ]
        return {
            "resourceType": "CapabilityStatement",
            "fhirVersion": "4.0.1",
            "rest": [{"mode": "server", "resource": resources}],
        }


def _answer(body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def main() -> None:
    """Listen on a free port, print it, serve until the end."""
    served = pickle.loads(Path(sys.argv[1]).read_bytes())
    sock = socket.create_server(("127.0.0.1", 0), backlog=64)
    server = Server(served, sock)
    print(sock.getsockname()[1], flush=True)
    server.run()


def addresses(served: Served, base: str) -> Iterator[list[str]]:
    """The addresses of all pages, search by search."""
    for type_ in served.types:
        count = served.repeat.get(type_, len(served.pages[type_]))
        yield [f"{base}/{type_}?page={number}" for number in range(count)]


if __name__ == "__main__":
    main()
