"""A pretend FHIR server for the tests of this room: what it is asked, what it answers, how long one waits."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from phr.errors import ReconnectNeeded
from phr.fhir.client import FhirClient
from phr.model import Page, Search

BASE = "https://fhir.example.org/r4"
Handler = Callable[[httpx.Request], httpx.Response]


class Tokens:
    """A TokenSource whose renewals can be counted."""

    def __init__(self, *, renewable: bool = True) -> None:
        self.number = 1
        self.renewable = renewable

    def bearer(self) -> str:
        return f"secret-{self.number}"

    def renew(self, rejected: str) -> str:
        if not self.renewable:
            raise ReconnectNeeded("home")
        if rejected == self.bearer():
            self.number += 1
        return self.bearer()


class World:
    """A server made of a handler; remembers what was asked and how long was waited."""

    def __init__(self, handler: Handler, base: str = BASE, **more: Any) -> None:
        self.asked: list[httpx.Request] = []
        self.waits: list[float] = []
        self._handler = handler
        more.setdefault("token", Tokens())
        more.setdefault("sleep", self.waits.append)
        more.setdefault("clock", lambda: sum(self.waits))
        self.client = FhirClient(base, transport=httpx.MockTransport(self._handle), **more)

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return self._handler(request)

    def search(self, type_: str = "Observation", page_size: int | None = None, **params: str) -> list[Page]:
        return list(self.client.search(Search(type_, tuple(params.items())), page_size))


def bundle(*ids: str, next_: str | None = None, type_: str = "Observation", **more: object) -> httpx.Response:
    links = [{"relation": "next", "url": next_}] if next_ else []
    entries = [{"resource": {"resourceType": type_, "id": id_}} for id_ in ids]
    body = {"resourceType": "Bundle", "type": "searchset", "link": links, "entry": entries, **more}
    return httpx.Response(200, json=body)


def bundle_of(*resources: dict[str, object]) -> httpx.Response:
    if len(resources) == 1:
        return httpx.Response(200, json=resources[0])
    return httpx.Response(200, json={"resourceType": "Bundle", "entry": [{"resource": r} for r in resources]})


def outcome(status: int, text: str, code: str = "processing") -> httpx.Response:
    issue = {"severity": "error", "code": code, "diagnostics": text}
    return httpx.Response(status, json={"resourceType": "OperationOutcome", "issue": [issue]})


def in_turn(*answers: httpx.Response | Exception) -> Handler:
    left = iter(answers)

    def handle(request: httpx.Request) -> httpx.Response:
        answer = next(left)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return handle


def ids(pages: list[Page]) -> list[str]:
    return [received.id for page in pages for received in page.received]


@pytest.fixture
def ehr() -> SimpleNamespace:
    """The pretend server and the answers it is made of."""
    return SimpleNamespace(
        BASE=BASE,
        World=World,
        Tokens=Tokens,
        bundle=bundle,
        bundle_of=bundle_of,
        outcome=outcome,
        in_turn=in_turn,
        ids=ids,
    )
