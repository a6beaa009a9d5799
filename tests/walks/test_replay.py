"""Recorded systems, answering as they once did: all that they show and lead to is kept byte for byte, and every
refusal is named. Nothing in phr knows these recordings; others would do as well."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

from phr.exporters import registry
from phr.fhir import bundle
from phr.model import SyncRun
from phr.views.selection import EVERYTHING
from phr.workspace.sign_in import ConnectRequest, Speaker

from .conftest import Person
from .replay import Exchange, Recording, Replay, base_of, replay

SYSTEMS = (
    "athenahealth careevolution cerner-millennium-sync cigna drchrono dynamic-health-it eclinicalworks epic epic-legacy"
    " humana medhost nextgen"
).split()
AS_VENDOR = {"epic-legacy": "epic", "cerner-millennium-sync": "oracle", "dynamic-health-it": "custom"}
REFERENCE = re.compile(rb'"reference"\s*:\s*"([^"#]+)"')


def _recording(shared: Path, name: str) -> Recording:
    folder = shared / "samples" / "vendor-fhir" / name
    if not (folder / "index.json").is_file():
        pytest.skip("needs the recorded answers beside the checkout")
    return Recording.read(folder)


@pytest.fixture(params=["custom", "own"])
def known_as(request: pytest.FixtureRequest) -> str:
    """Connected as an unknown server, or with the vendor's own profile."""
    return str(request.param)


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_recorded_system_is_kept_whole_and_its_refusals_are_named(
    person, shared, judge, tmp_path, name, known_as
):
    recording = _recording(shared, name)
    with replay(recording) as server:
        provider = "custom" if known_as == "custom" else AS_VENDOR.get(name, name)
        if provider not in person.workspace.catalog.vendors:
            provider = "custom"
        request = ConnectRequest(
            provider=provider, url=server.base, auth="none", patient=recording.patient, name="there"
        )
        person.workspace.connect(request, Speaker(lambda _: False, person.said.append))

        report = person.sync()

        run = report.runs[0]
        # A few answers of which none is about a patient: nothing can be read, and that is what the run says.
        assert report.exit_status in (0, 3) or recording.patient == "unknown", run.error
        with person.workspace.store() as store:
            kept = {
                (row[0], row[1]): bytes(row[2])
                for row in store.db.execute("SELECT type, fhir_id, raw FROM resource")
            }
        _all_that_came_is_kept(server, kept)
        _all_that_is_led_to_was_asked(server, kept)
        _refusals_are_named(server, run)
        if known_as == "own":
            assert judge(_as_ccd(person), tmp_path) == []


def _as_ccd(person: Person) -> bytes:
    out = io.BytesIO()
    with person.workspace.store() as store:
        registry.write(store, "ccd", EVERYTHING, out)
    return out.getvalue()


def _all_that_came_is_kept(server: Replay, kept: dict[tuple[str, str], bytes]) -> None:
    for one in server.given:
        if one.status != 200 or base_of(one.url) is None or "/Binary/" in one.url:
            continue
        for received in bundle.split(one.body).received:
            assert kept.get((received.type, received.id)) == received.raw, f"{received.type} of {one.url}"


def _all_that_is_led_to_was_asked(server: Replay, kept: dict[tuple[str, str], bytes]) -> None:
    """A page by a link, a resource by a reference, a type by its patient."""
    led_to = {found.decode() for raw in kept.values() for found in REFERENCE.findall(raw)}
    bodies = b"".join(one.body for one in server.given)
    for one in server.never_asked:
        path, params = one.key
        tail = path.removeprefix(server.recording.base_path).strip("/")
        if one.status != 200 or _type(tail) in ("Binary", "Patient"):
            continue
        assert tail not in led_to, f"{tail} is referred to, and was not asked for"
        assert not params or _by_link(one).encode() not in bodies, (
            f"{one.url} is linked, and was not asked for"
        )
        searched_for = dict(params)
        if searched_for == {"patient": server.recording.patient}:
            assert any(key == one.key for key in _asked(server)), f"{_type(tail)} was not searched for"


def _asked(server: Replay) -> set[object]:
    return {one.key for one in server.given}


def _by_link(one: Exchange) -> str:
    return one.url.partition("?")[2]


def _refusals_are_named(server: Replay, run: SyncRun) -> None:
    named = {problem.type for problem in run.skipped}
    for one in server.given:
        type_ = _type(one.key[0].removeprefix(server.recording.base_path).strip("/"))
        if one.status >= 400 and type_ != "Patient":
            assert type_ in named, f"{type_} was refused with {one.status}, and nobody is told"


def _type(tail: str) -> str:
    return tail.partition("/")[0]
