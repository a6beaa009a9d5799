"""Looking at records that nobody here wrote: every screen renders, and shows nothing that no source says."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.walks.test_samples import ARCHIVES, examples, recorded
from tests.walks.test_synthea import unpacked

from phr.cli import app
from phr.fhir import bundle
from phr.store.store import Store
from phr.views.timeline import all_events

KEY = bytes(range(32))
EVENTS_EACH = 40
"""Of each kind so many records are shown whole; the timeline shows all of them."""

Bodies = Iterator[tuple[str, bytes, int]]


def _vendors(shared: Path, folder: Path) -> Bodies:
    yield from recorded(shared)


def _profiles(shared: Path, folder: Path) -> Bodies:
    for archive in ARCHIVES:
        yield from examples(shared, archive)


def _synthea(shared: Path, folder: Path) -> Bodies:
    import tarfile

    with tarfile.open(shared / "samples" / "synthea" / "synthea-r4-20-patients.tar.gz") as archive:
        names = sorted(member.name for member in archive.getmembers() if member.isfile())
    for name in names[::7]:
        yield name, unpacked(shared, name, folder).read_bytes(), 200


@pytest.fixture(params=[_vendors, _profiles, _synthea], ids=["vendors", "profiles", "synthea"])
def life(
    request: pytest.FixtureRequest, shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Store]:
    """A record of these samples, at home where the command line looks for it."""
    key = tmp_path / "key"
    key.write_bytes(KEY)
    key.chmod(0o600)
    monkeypatch.setenv("PHR_KEY_FILE", str(key))
    home = tmp_path / "home" / "data" / "default"
    home.mkdir(parents=True, mode=0o700)
    with Store(home / "records.db", KEY, create=True) as store:
        for number, (name, body, _) in enumerate(request.param(shared, tmp_path)):
            try:
                page = bundle.split(body)
            except ValueError:
                continue
            store.save(store.sources.ensure(f"{number % 40}-{Path(name).stem}").key, page.received)
        yield store


@pytest.fixture
def phr(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run a command line in this process: what it wrote to stdout."""

    def run(*words: str, status: int = 0) -> str:
        with pytest.raises(SystemExit) as ended:
            app.run(words)
        out, said = capsys.readouterr()
        assert ended.value.code == status, f"{words[0]}: {said[:200]}"
        return out

    return run


def raws(store: Store, event: dict[str, Any]) -> list[bytes]:
    """The resources that tell a record, and those that they point at in their own source."""
    own = store.db.execute(
        "SELECT r.source_id, r.raw FROM record_source rs JOIN resource r ON r.id = rs.resource_id WHERE rs.record_id = ?",
        (int(event["id"]),),
    ).fetchall()
    found = [bytes(raw) for _, raw in own]
    for source, raw in own:
        for type_, id_ in set(re.findall(rb'([A-Z][A-Za-z]+)/([A-Za-z0-9.-]{1,64})(?=["/|])', bytes(raw))):
            row = store.db.execute(
                "SELECT raw FROM resource WHERE source_id = ? AND type = ? AND fhir_id = ?",
                (source, type_.decode(), id_.decode()),
            ).fetchone()
            found += [bytes(row[0])] if row else []
    return found


_NUMBER = re.compile(r"\d+(?:\.\d+)?")


def words_in(node: object) -> Iterator[str]:
    """Every text and number of a resource, as text."""
    if isinstance(node, dict):
        for part in node.values():
            yield from words_in(part)
    elif isinstance(node, list):
        for part in node:
            yield from words_in(part)
    elif isinstance(node, str):
        yield node
    elif node is not None and not isinstance(node, bool):
        yield str(node)


def numbers(texts: str) -> set[Decimal]:
    found = set()
    for text in _NUMBER.findall(texts):
        try:
            found.add(Decimal(text).normalize())
        except InvalidOperation:
            continue
    return found


def untraced(event: dict[str, Any], bodies: list[bytes]) -> list[str]:
    """Dates, numbers, units and codes of an event that none of these resources holds."""
    import json

    texts = [
        word for raw in bodies for word in words_in(json.loads(raw, parse_float=Decimal, parse_int=Decimal))
    ]
    whole = "\n".join(" ".join(text.split()) for text in texts)
    missing = [
        f"{name} {event[name]}"
        for name in ("date", "end", "recorded")
        if event[name] and event[name] not in whole
    ]
    held = numbers(whole)
    said = numbers(str(event["value_text"] or "")) | {
        Decimal(str(event[side])).normalize().copy_abs()
        for side in ("low", "high")
        if event[side] is not None
    }
    missing += [f"number {number}" for number in said - held]
    if event["unit"] and event["unit"] not in whole:
        missing.append(f"unit {event['unit']}")
    for code in event["codes"]:
        missing += [
            f"code {code[name]}" for name in ("system", "code") if code[name] and code[name] not in whole
        ]
    return missing


def test_every_date_number_unit_and_code_of_the_timeline_stands_in_what_a_source_sent(life: Store) -> None:
    seen = 0
    for event in all_events(life):
        found = untraced(event, raws(life, event))
        assert not found, (event["resource"], event["kind"], [words.split()[0] for words in found])
        seen += 1
    assert seen > 200


_NAMES = (
    "code",
    "vaccineCode",
    "medicationCodeableConcept",
    "type",
    "category",
    "description",
    "title",
    "name",
)


def named(raw: bytes) -> list[str]:
    """Words by which a resource names itself: texts and displays of the elements that can be its title."""
    resource = orjson.loads(raw)
    found = []
    for element in _NAMES[:3]:
        for concept in (
            resource.get(element) if isinstance(resource.get(element), list) else [resource.get(element)]
        ):
            if isinstance(concept, dict):
                found += [
                    concept.get("text"),
                    *(c.get("display") for c in concept.get("coding") or [] if isinstance(c, dict)),
                ]
    return [word for word in found if isinstance(word, str) and re.search("[A-Za-z]{3}", word)]


def test_no_title_is_empty_or_says_that_it_is_unknown_where_the_source_has_a_name(life: Store) -> None:
    for event in all_events(life):
        title = event["title"].casefold()
        if "unknown" in title or "without a name" in title or not title.strip():
            row = life.db.execute("SELECT raw FROM resource WHERE id = ?", (int(event["id"]),)).fetchone()
            other = [word for word in named(bytes(row[0])) if not re.search("unknown|null|^unk", word, re.I)]
            assert not other, (event["resource"], event["kind"])


@pytest.mark.parametrize("columns", ["80", "120"])
def test_every_screen_renders_within_its_width(
    life: Store, phr: Callable[..., str], monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("TERMINAL_WIDTH", columns)
    screens = [("timeline",), ("timeline", "--flat"), ("timeline", "--milestones"), ("summary",), ("status",)]
    screens += [("search", word) for word in ("glucose", "blood pressure", "kind:problem", "vaccine")]
    for words in screens:
        for line in phr(*words).splitlines():
            assert len(line) <= int(columns) or "://" in line or "phr " in line, (words, len(line))


def test_each_kind_of_record_is_shown_whole(life: Store, phr: Callable[..., str]) -> None:
    rows = life.db.execute(
        "SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY kind ORDER BY id) AS place FROM record"
        " WHERE supporting = 0) WHERE place <= ?",
        (EVENTS_EACH,),
    ).fetchall()
    for (id_,) in rows:
        page = phr("show", str(id_))
        assert page.strip(), id_
        assert "None" not in page.split("Where it came from")[0].split(), id_


def test_every_measurement_can_be_drawn(life: Store, phr: Callable[..., str]) -> None:
    listed = orjson.loads(phr("trend", "--json"))["measurements"]
    assert listed
    for one in listed[:60]:
        report = orjson.loads(phr("trend", one["code"] or one["title"], "--json"))
        for point in report["points"]:
            event = next(iter(_event(life, point["id"])))
            text = "\n".join(word for raw in raws(life, event) for word in words_in(orjson.loads(raw)))
            assert numbers(str(point["original"])) <= numbers(text), one["code"]
            assert point["date"] in text
        if any(point["value"] is not None for point in report["points"]):
            assert "<svg" in phr("trend", one["code"] or one["title"], "--format", "svg")


def _event(store: Store, id_: str) -> Iterator[dict[str, Any]]:
    from phr.views.events import events

    return events(store.db, [int(id_)])
