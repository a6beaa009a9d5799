"""Faults in pairs: one after another for each type, and in each step of a bulk export, which is FHIR too."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import httpx
import pytest

from phr.sandbox.config import FAULTS

from .conftest import ADA, App, Start

ONCE = [name for name in FAULTS if name != "broken-resource"]
SPOILING = {"429": 429, "500-once": 500, "503": 503, "expired-token": 401, "html-error": 502}
LOST = ("truncated", "reset")


class Stubborn:
    """Asks until it is answered, with a new token where the old one has expired."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.token = app.sandbox.issue_token("system/*.rs")
        self.met: list[str] = []

    def ask(self, url: str, **headers: str) -> httpx.Response:
        address = url if url.startswith("http") else f"{self.app.sandbox.fhir_base}/{url}"
        for _ in range(12):
            try:
                answer = self.app.http.get(
                    address, headers={"Authorization": f"Bearer {self.token}", **headers}
                )
            except httpx.TransportError:
                self.met.append("lost")
                continue
            if answer.status_code < 300:
                return answer
            self.met.append(str(answer.status_code))
            if answer.status_code == 401:
                self.token = self.app.sandbox.issue_token("system/*.rs")
        raise AssertionError("never answered: " + " ".join(self.met))


def expected(fault: str) -> list[str]:
    if fault in LOST:
        return ["lost"]
    return [str(SPOILING[fault])] if fault in SPOILING else []


@pytest.mark.parametrize("pair", list(permutations(ONCE, 2)), ids="+".join)
def test_a_pair_of_faults_hits_in_its_order_and_heals(start: Start, pair: tuple[str, str]) -> None:
    app = start(faults=pair)
    client = Stubborn(app)

    def everything() -> list[str]:
        found: list[str] = []
        bundle: dict[str, Any] = client.ask(f"Observation?patient={ADA}&_count=2").json()
        for _ in range(5):
            found += [entry["resource"]["id"] for entry in bundle["entry"]]
            following = [one["url"] for one in bundle["link"] if one["relation"] == "next"]
            if not following:
                return found
            bundle = client.ask(following[0]).json()
        raise AssertionError("no end")

    # A sign-in of its own has pages of its own: after a renewal the search begins anew.
    if "expired-token" in pair:
        client.ask("Observation/a1")
    assert everything() == ["a1", "a2", "a3"]
    first = [said for fault in pair for said in expected(fault)]
    assert client.met == first + (["500"] if "page-2" in pair else [])
    assert everything() == ["a1", "a2", "a3"]
    assert client.met == first + (["500"] if "page-2" in pair else [])


@pytest.mark.parametrize("fault", FAULTS)
def test_each_step_of_a_bulk_export_is_hit_once(start: Start, fault: str) -> None:
    app = start(faults=(fault,), change={"bulk_polls": 0})
    client = Stubborn(app)
    wanted = {"Accept": "application/fhir+json", "Prefer": "respond-async"}
    begun = client.ask("Patient/$export?_type=Patient,Observation", **wanted)
    said = client.ask(begun.headers["content-location"]).json()
    lines = [client.ask(file["url"]).content.splitlines() for file in said["output"]]
    extra = 1 if fault == "broken-resource" else 0

    assert client.met == expected(fault) * 4  # kick-off, status, and a file of each type
    assert [len(found) for found in lines] == [2 + extra, 4 + extra]
    again = [client.ask(file["url"]).content.splitlines() for file in said["output"]]
    assert again == lines


def test_a_batch_is_hit_as_one_request(start: Start) -> None:
    app = start(faults=("503",))
    headers = {
        "Authorization": f"Bearer {app.sandbox.issue_token()}",
        "Content-Type": "application/fhir+json",
    }
    body = {
        "resourceType": "Bundle",
        "type": "batch",
        "entry": [{"request": {"method": "GET", "url": "Patient/ada"}}],
    }
    posted = [app.http.post(app.sandbox.fhir_base, json=body, headers=headers).status_code for _ in range(2)]

    assert posted == [503, 200]
    assert app.fhir("Patient/ada", app.sandbox.issue_token()).status_code == 503, (
        "Patient is a type of its own"
    )
