"""Every record of every sample renders: no exception, no "Unknown" that the source does not say, no bare address of
what has a name, and no number, date or unit that stands in none of the resources it was read from."""

from __future__ import annotations

import contextlib
import io
import json
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from phr.cli.show_page import Wish, page
from phr.cli.text import Screen
from phr.fhir import read
from phr.model import Received
from phr.store.store import Store
from phr.views.record import show

SCREEN = Screen(80, colour=False)
WISH = Wish(history=True, text=True)
MOST = 260
"""So many resources of one file are shown; a type that was shown twenty times is known."""


def _resources(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict) and node.get("resourceType") == "Bundle":
        for entry in read.dicts(node.get("entry")):
            yield from _resources(entry.get("resource"))
    elif isinstance(node, dict) and isinstance(node.get("resourceType"), str):
        yield node


def _kept(store: Store, bodies: list[dict[str, Any]], name: str) -> None:
    key = store.sources.ensure(name).key
    received = []
    for number, body in enumerate(bodies):
        id_ = body.get("id") if isinstance(body.get("id"), str) else f"made-up-{number}"
        body = {**body, "id": id_}
        received.append(Received(body["resourceType"], id_, orjson.dumps(body)))
    store.save(key, received)


def _walk(store: Store) -> int:
    shown: dict[str, int] = {}
    rows = store.db.execute("SELECT id, type FROM resource ORDER BY id").fetchall()
    for id_, type_ in rows:
        shown[type_] = shown.get(type_, 0) + 1
        if shown[type_] > 20 or sum(shown.values()) > MOST:
            continue
        report = show(store, str(id_), versions=5)
        text = "\n".join(page(report, SCREEN, WISH))
        raw = _told(store, id_)
        assert "Unknown" not in text or "nknown" in raw, f"{type_} of row {id_} says Unknown"
        assert text.strip()
        assert not (found := _invented(report, raw)), f"{type_} of row {id_}: {found}"
        orjson.dumps(report)
    return len(rows)


# ── nothing is shown that the source does not hold ────────────────────────────────────────────────

_LENGTH = re.compile(r"\((about )?\d+ (minute|hour|day|month|year)s?\)|\(\d+ h \d+ min\)|\(\d+ hours?\)")
_DATES = re.compile(r"\d{4}-\d\d(-\d\d( \d\d:\d\d)?)?")
_NUMBERS = re.compile(r"(?<![\w.,:-])-?\d+(?:\.\d+)?(?![\w:-])")


def _told(store: Store, id_: int) -> str:
    """The bytes of the record's resources, and of whatever they point at."""
    raws = [
        bytes(row[0]).decode("utf-8", "replace")
        for row in store.db.execute(
            "SELECT x.raw FROM record_source a JOIN record_source b ON b.record_id = a.record_id"
            " JOIN resource x ON x.id = b.resource_id WHERE a.resource_id = ?",
            (id_,),
        )
    ]
    spelled = set(re.findall(r'"reference": ?"([^"#]+)"', "".join(raws)))
    ids = {one.split("/_history")[0].replace("urn:uuid:", "").rpartition("/")[2] for one in spelled}
    for one in list(ids)[:400]:
        for row in store.db.execute("SELECT raw FROM resource WHERE fhir_id = ?", (one,)):
            raws.append(bytes(row[0]).decode("utf-8", "replace"))
            further = re.findall(r'"reference": ?"([^"#]+)"', raws[-1])
            for other in further if len(ids) < 40 else ():
                raws += [
                    bytes(more[0]).decode("utf-8", "replace")
                    for more in store.db.execute(
                        "SELECT raw FROM resource WHERE fhir_id = ?", (other.rpartition("/")[2],)
                    )
                ]
    return "\n".join(raws)


def _invented(report: dict[str, Any], raw: str) -> list[str]:
    """Dates and numbers of the details that stand nowhere in what was sent, given the conversions in docs/fields.md."""
    with contextlib.suppress(ValueError):
        raw += json.dumps(json.loads(raw), ensure_ascii=False)
    raw = raw.replace("\\n", "\n").replace("\\u003c", "<").replace("\\t", "\t")
    bare = raw.replace("T", " ")
    found = []
    for pair in report["details"]:
        if pair["label"] == "In its own words" or pair["label"].startswith("And so on"):
            continue
        words = _LENGTH.sub("", pair["value"])
        if len(words) > 3000:
            continue
        for date in _DATES.finditer(words):
            if date[0] not in bare and date[0].replace("-", "") not in bare:
                found.append(f"{pair['label']}: {date[0]}")
        for number in _NUMBERS.findall(_DATES.sub(" ", words)):
            if number not in raw and f"{float(number):g}" not in raw and number.lstrip("-") not in raw:
                found.append(f"{pair['label']}: {number}")
    return found


# ── the samples ───────────────────────────────────────────────────────────────────────────────────


def _files(shared: Path, *patterns: str) -> list[Path]:
    return [path for pattern in patterns for path in sorted((shared / "samples").glob(pattern))]


def _taken(path: Path) -> list[dict[str, Any]]:
    try:
        return list(_resources(orjson.loads(path.read_bytes())))
    except ValueError:
        return []


@pytest.mark.parametrize(
    "pattern",
    ["ips/*.json", "bluebutton/cms-bb2-api/*.json", "vendor-fhir/humana/*", "vendor-fhir/cigna*/*", "vendor-fhir/epic*/*",
     "vendor-fhir/athenahealth/*", "vendor-fhir/eclinicalworks/*", "vendor-fhir/nextgen/*", "vendor-fhir/drchrono/*",
     "vendor-fhir/dynamic-health-it/*", "vendor-fhir/medhost/*", "vendor-fhir/careevolution/*",
     "vendor-fhir/cerner-millennium*/*", "vendor-fhir/cerner-docs-millennium-r4/*", "vendor-fhir/cerner-docs-soarian-r4/*",
     "vendor-fhir/cerner-docs-*dstu2/*", "us-core/**/*.json"],
)  # fmt: skip
def test_every_record_of_a_vendor_has_a_page(pattern: str, shared: Path, store: Store) -> None:
    bodies = [body for path in _files(shared, pattern) if path.is_file() for body in _taken(path)]
    if not bodies:
        pytest.skip("no such sample here")
    _kept(store, bodies, "vendor")
    assert _walk(store)


def test_every_record_of_the_specification_has_a_page(shared: Path, store: Store) -> None:
    path = shared / "samples" / "fhir-r4-core" / "fhir-r4-core-examples.tar.gz"
    if not path.is_file():
        pytest.skip("no such sample here")
    bodies = []
    with tarfile.open(path) as archive:
        for member in archive:
            held = archive.extractfile(member) if member.isfile() else None
            if held and member.name.endswith(".json") and member.size < 200_000:
                bodies += list(_resources(_loaded(held.read())))
    _kept(store, bodies, "specification")
    assert _walk(store) > 150


def _loaded(content: bytes) -> Any:
    try:
        return orjson.loads(content)
    except ValueError:
        return None


def test_every_kind_of_record_of_synthea_has_a_page(shared: Path, store: Store) -> None:
    found = _files(shared, "synthea/**/*")
    bodies: list[dict[str, Any]] = []
    for path in found:
        if path.suffix == ".json":
            bodies += _taken(path)
        elif path.suffixes[-2:] == [".tar", ".gz"]:
            with tarfile.open(fileobj=io.BytesIO(path.read_bytes())) as archive:
                for member in archive:
                    held = archive.extractfile(member) if member.isfile() else None
                    if held and member.name.endswith(".json") and len(bodies) < 4000:
                        bodies += list(_resources(_loaded(held.read())))
    if not bodies:
        pytest.skip("no such sample here")
    _kept(store, bodies[:4000], "synthea")
    assert _walk(store)


@pytest.mark.parametrize(
    "name", ["hl7-samples__*.xml", "cerner__*.xml", "nist__*.xml", "allscripts-pro*.xml", "meditech__*.xml"]
)
def test_every_record_of_a_document_has_a_page(name: str, shared: Path, store: Store) -> None:
    from phr.importers import opening

    found = _files(shared, f"ccda/{name}")
    if not found:
        pytest.skip("no such sample here")
    key = store.sources.ensure("document").key
    for batch in opening.read(found[0]).batches("all"):
        store.save(key, batch)
    assert _walk(store) > 10
