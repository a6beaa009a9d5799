"""Tags that packs give: the same in SQL and in Python, by codes of their own system and by whole words."""

from __future__ import annotations

import gzip
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from phr.errors import UsageError
from phr.model import Received
from phr.sandbox.synthetic import family
from phr.store.store import Store
from phr.views.events import events
from phr.views.selection import Selection
from phr.views.tagging import known_tags, pack_tags, tagged
from phr.views.timeline import timeline

ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
NDC = "http://hl7.org/fhir/sid/ndc"


def _concept(text: str, *codes: tuple[str, str]) -> dict[str, Any]:
    return {"text": text, "coding": [{"system": system, "code": code} for system, code in codes]}


def _keep(store: Store, *received: Received) -> None:
    store.save(store.sources.ensure("clinic").key, received)


def _titles(store: Store, tag: str) -> set[str]:
    return {event["title"] for event in timeline(store, Selection(tags=(tag,))).events}


@pytest.fixture
def lungs(store: Store, received: Callable[..., Received]) -> Store:
    _keep(
        store,
        received("Condition", "1", code=_concept("Something coded", (ICD10, "J43.9"))),
        received("Condition", "2", code=_concept("Pulmonary embolism")),
        received("Condition", "3", code=_concept("Something else", (ICD10, "K43.9"))),
        received("Condition", "4", code=_concept("Plunging")),
        received(
            "FamilyMemberHistory",
            "5",
            status="completed",
            relationship={"text": "mother"},
            condition=[{"code": _concept("Emphysema", (ICD10, "J43.9"))}],
        ),
        received("MedicationRequest", "6", medicationCodeableConcept=_concept("AAT", (RXNORM, "535"))),
        received(
            "MedicationRequest", "7", medicationCodeableConcept=_concept("Other", (NDC, "68084-535-01"))
        ),
        received("MedicationRequest", "8", medicationCodeableConcept=_concept("fluticasone nasal spray")),
        received("MedicationRequest", "9", medicationCodeableConcept=_concept("fluticasone inhaler")),
        received(
            "Encounter",
            "10",
            status="finished",
            type=[_concept("Follow-up")],
            reasonCode=[_concept("COPD, yearly review")],
        ),
        received("Encounter", "11", status="finished", type=[_concept("Follow-up of the knee")]),
    )
    return store


def test_everything_about_the_lungs_is_found_and_nothing_else(lungs):
    assert _titles(lungs, "lungs") == {
        "Something coded",
        "Pulmonary embolism",
        "mother: Emphysema",
        "AAT",
        "fluticasone inhaler",
        "Follow-up",
    }


def test_a_tag_of_the_persons_own_counts_beside_what_packs_give(lungs):
    lungs.db.execute("INSERT INTO tag VALUES (4, 'lungs')")

    assert "Plunging" in _titles(lungs, "lungs")


def test_a_tag_that_nobody_gives_finds_nothing(lungs):
    assert _titles(lungs, "stars") == set()


def test_capitals_and_blanks_of_a_pack_tag_do_not_matter(lungs):
    assert _titles(lungs, "  LUNGS ".strip()) == _titles(lungs, "lungs")


def test_tags_combine_with_dates_and_kinds(lungs):
    found = timeline(lungs, Selection(tags=("lungs",), kinds=("medication",))).events

    assert {event["title"] for event in found} == {"AAT", "fluticasone inhaler"}


def test_a_tag_is_looked_up_by_the_full_text_and_not_by_walking_the_life(lungs):
    condition, values = tagged("lungs")

    plan = lungs.db.execute(f"EXPLAIN QUERY PLAN SELECT id FROM record WHERE {condition}", values).fetchall()

    assert not [line for *_, line in plan if line.startswith("SCAN") and " c" in line.split("VIRTUAL")[0]]
    assert any("VIRTUAL TABLE INDEX" in line for *_, line in plan)


def _own(tmp_path: Path, tables: int, words: int) -> None:
    folder = tmp_path / "home" / "config" / "packs"
    folder.mkdir(parents=True)
    listed = ", ".join(f'"lung{at}*"' for at in range(words))
    table = f'[[tags]]\nname = "much"\nwords = [{listed}]\ndescribed = [{listed}]\n'
    top = 'id = "much"\nname = "Much"\nabout = "Too much."\nsource = "Nobody"\n'
    (folder / "much.toml").write_text(top + table * tables, encoding="utf-8")


def test_long_lists_of_words_are_no_trouble(lungs, tmp_path):
    _own(tmp_path, 20, 400)

    assert _titles(lungs, "much") == set()


def test_more_rules_than_a_statement_holds_are_named(lungs, tmp_path):
    _own(tmp_path, 200, 2)

    with pytest.raises(UsageError, match="in 401 ways"):
        tagged("much")


def _agree(store: Store) -> int:
    """Hold both decisions together for every tag and every record; answers how many tags were given."""
    ids = [row[0] for row in store.db.execute("SELECT id FROM record WHERE supporting = 0")]
    given = {int(event["id"]): set(pack_tags(event)) for event in events(store.db, ids)}
    total = 0
    for tag in known_tags():
        condition, values = tagged(tag)
        rows = store.db.execute(f"SELECT id FROM record WHERE supporting = 0 AND {condition}", values)
        found = {row[0] for row in rows}
        assert found == {id_ for id_, tags in given.items() if tag in tags}, tag
        total += len(found)
    return total


def test_both_decisions_agree_on_the_invented_family(store):
    _keep(store, *(Received(one["resourceType"], one["id"], orjson.dumps(one)) for one in family()))

    assert _agree(store) > 500


def _bundles(shared: Path) -> Iterator[list[dict[str, Any]]]:
    for file in sorted(shared.glob("samples/ips/*.json")):
        yield _entries(file.read_bytes())
    for name in (
        "synthea/synthea-r4-20-patients",
        "us-core/us_core_610-examples",
        "fhir-r4-core/fhir-r4-core-examples",
    ):
        with tarfile.open(shared / "samples" / f"{name}.tar.gz") as archive:
            for at, member in enumerate(archive):
                if member.name.endswith(".json") and (at % 3 == 0 or "synthea" not in name):
                    opened = archive.extractfile(member)
                    yield _entries(opened.read()) if opened else []
    yield _entries(gzip.decompress(next(shared.glob("samples/synthea/large*.gz")).read_bytes()))


def _entries(raw: bytes) -> list[dict[str, Any]]:
    try:
        body = orjson.loads(raw)
    except ValueError:
        return []
    if body.get("resourceType") != "Bundle":
        return [body]
    return [entry["resource"] for entry in body.get("entry", ()) if isinstance(entry.get("resource"), dict)]


def test_both_decisions_agree_on_what_real_systems_send(store, shared):
    seen: set[tuple[str, str]] = set()
    for bundle in _bundles(shared):
        fresh = {
            (one["resourceType"], one["id"]): one
            for one in bundle
            if isinstance(one.get("id"), str) and one.get("resourceType") not in (None, "Bundle")
        }
        _keep(store, *(Received(*key, orjson.dumps(one)) for key, one in fresh.items() if key not in seen))
        seen |= fresh.keys()

    assert _agree(store) > 200
