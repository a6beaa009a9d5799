"""Facts of several sources are shown once, whatever came first, and apart again when one source goes."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from phr.model import Received
from phr.records.match import same
from phr.store import matches, near
from phr.store.store import Store

LOINC, SNOMED = "http://loinc.org", "http://snomed.info/sct"
Make = Callable[..., Received]


def lab(
    make: Make, id_: str, date: str | None, value: float = 5.4, code: str = "2345-7", **more: Any
) -> Received:
    when = {"effectiveDateTime": date} if date else {}
    return make(
        "Observation",
        id_,
        status="final",
        category=[{"coding": [{"code": "laboratory"}]}],
        code={"coding": [{"system": LOINC, "code": code, "display": "Glucose"}]},
        valueQuantity={"value": value, "unit": "mg/dL"},
        **when,
        **more,
    )


def problem(make: Make, id_: str, code: str, onset: str | None = None, **more: Any) -> Received:
    when = {"onsetDateTime": onset} if onset else {}
    coding = {"coding": [{"system": SNOMED, "code": code}]}
    active = {"coding": [{"code": "active"}]}
    return make("Condition", id_, code=coding, clinicalStatus=active, **when, **more)


def put(store: Store, source: str, *received: Received) -> str:
    key = store.sources.ensure(source).key
    store.save(key, received)
    return key


def together(store: Store) -> list[list[str]]:
    """What is shown as one: `source Type/id` of each, in groups of two and more."""
    rows = store.db.execute(
        "SELECT rs.record_id, s.name || ' ' || x.type || '/' || x.fhir_id FROM record_source rs"
        " JOIN resource x ON x.id = rs.resource_id JOIN source s ON s.id = x.source_id"
    )
    found: dict[int, list[str]] = {}
    for record, name in rows:
        found.setdefault(record, []).append(name)
    return sorted(sorted(names) for names in found.values() if len(names) > 1)


def state(store: Store) -> list[list[Any]]:
    """Every table that a settling writes, but for what it notes about itself."""
    queries = (
        "SELECT id, supporting FROM record ORDER BY id",
        "SELECT * FROM record_source ORDER BY 1, 2, 3",
        "SELECT rowid FROM record_search ORDER BY 1",
    )
    return [store.db.execute(query).fetchall() for query in queries]


def shown(store: Store) -> int:
    return int(store.db.execute("SELECT count(*) FROM record WHERE supporting = 0").fetchone()[0])


def test_one_fact_of_two_sources_is_one_record_with_both(store: Store, received: Make) -> None:
    put(store, "clinic", lab(received, "a", "2024-03-05"), lab(received, "b", "2024-03-06"))
    put(store, "hospital", lab(received, "z", "2024-03-05T08:30:00-05:00"))

    assert store.matches.settle() == 1
    assert together(store) == [["clinic Observation/a", "hospital Observation/z"]]
    assert shown(store) == 2
    assert sum(store.counts()[1].values()) == 2
    assert store.counts()[0]["Observation"] == 3
    found = store.db.execute("SELECT rowid FROM record_search WHERE record_search MATCH 'glucose'").fetchall()
    assert len(found) == 2


def test_with_one_source_nothing_is_computed(store: Store, received: Make) -> None:
    put(store, "clinic", lab(received, "a", "2024-03-05"), lab(received, "b", "2024-03-05"))
    put(store, "names", received("Patient", "p", name=[{"text": "Ada"}]))

    assert store.matches.settle() == 0
    assert store.db.execute("SELECT count(*) FROM record_key").fetchone()[0] == 0


def test_two_of_one_source_are_never_one(store: Store, received: Make) -> None:
    put(store, "clinic", lab(received, "a", "2024-03-05"), lab(received, "b", "2024-03-05"))
    put(store, "hospital", problem(received, "c", "44054006", "2019-01-01"))

    assert store.matches.settle() == 0
    assert shown(store) == 3


def test_two_readings_of_a_day_are_paired_by_their_instants_or_not_at_all(
    store: Store, received: Make
) -> None:
    morning, evening = "2024-03-05T08:00:00Z", "2024-03-05T20:00:00Z"
    put(store, "clinic", lab(received, "a", morning), lab(received, "b", evening))
    put(store, "hospital", lab(received, "y", "2024-03-05T15:00:00-05:00"))
    store.matches.settle()
    assert together(store) == [["clinic Observation/b", "hospital Observation/y"]]

    put(store, "pharmacy", lab(received, "d", "2024-03-05"))
    store.matches.settle()
    assert together(store) == [["clinic Observation/b", "hospital Observation/y"]]


def test_refills_are_paired_one_to_one(store: Store, received: Make) -> None:
    drug = {"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "860975"}]}

    def refill(id_: str, day: str) -> Received:
        return received(
            "MedicationRequest", id_, status="active", medicationCodeableConcept=drug, authoredOn=day
        )

    days = ["2024-01-05", "2024-02-05", "2024-03-05"]
    put(store, "clinic", *(refill(f"a{day}", day) for day in days))
    put(store, "hospital", *(refill(f"b{day}", day) for day in days[1:]), refill("b4", "2024-04-05"))

    assert store.matches.settle() == 2
    assert together(store) == [
        [f"clinic MedicationRequest/a{day}", f"hospital MedicationRequest/b{day}"] for day in days[1:]
    ]


def test_three_sources_say_one_thing(store: Store, received: Make) -> None:
    for name in ("a", "b", "c"):
        put(store, name, problem(received, f"{name}1", "44054006", "2019-05-28"))
    store.matches.settle()

    assert together(store) == [["a Condition/a1", "b Condition/b1", "c Condition/c1"]]
    assert shown(store) == 1


def test_what_lies_between_two_that_differ_joins_neither_of_them(store: Store, received: Make) -> None:
    put(store, "a", lab(received, "1", "2024-03-05T08:00:00Z"))
    put(store, "b", lab(received, "2", "2024-03-05"))
    put(store, "c", lab(received, "3", "2024-03-05T20:00:00Z"))
    store.matches.settle()

    assert together(store) == []


def test_the_connection_is_shown_before_the_file_and_then_what_says_more(
    store: Store, received: Make
) -> None:
    put(
        store,
        "file",
        lab(received, "f", "2024-03-05", note=[{"text": "fasting"}], issued="2024-03-05T09:00:00Z"),
    )
    put(store, "other", lab(received, "o", "2024-03-05"))
    store.matches.settle()
    assert _shown_resource(store) == "Observation/f"

    key = store.sources.ensure("server", "connection").key
    store.save(key, [lab(received, "s", "2024-03-05")])
    assert store.matches.settle() == 1
    assert _shown_resource(store) == "Observation/s"


def _shown_resource(store: Store) -> str:
    (row,) = store.db.execute("SELECT resource FROM record WHERE supporting = 0").fetchall()
    return str(row[0])


def test_settling_twice_changes_nothing(store: Store, received: Make) -> None:
    put(store, "clinic", lab(received, "a", "2024-03-05"), received("CareTeam", "t", name="Team"))
    put(store, "hospital", lab(received, "z", "2024-03-05"), received("CareTeam", "u", name="Other"))
    store.matches.settle()
    before = state(store), store.db.execute("SELECT * FROM record_key").fetchall()

    assert store.matches.settle() == 1
    assert (state(store), store.db.execute("SELECT * FROM record_key").fetchall()) == before


def test_a_source_that_goes_leaves_the_other_as_if_they_had_never_met(store: Store, received: Make) -> None:
    put(store, "clinic", lab(received, "a", "2024-03-05"), problem(received, "c", "44054006", "2019-01-01"))
    before = state(store)
    server = store.sources.ensure("server", "connection").key
    store.save(server, [lab(received, "z", "2024-03-05"), problem(received, "y", "44054006", "2019-01-01")])
    assert store.matches.settle() == 2
    assert _shown_of(store, "clinic") == 0

    store.sources.purge(server)
    assert state(store) == before


def test_rows_that_vanish_behind_its_back_bring_the_copies_back(store: Store, received: Make) -> None:
    put(store, "clinic", lab(received, "a", "2024-03-05"))
    before = state(store)
    server = store.sources.ensure("server", "connection").key
    store.save(server, [lab(received, "z", "2024-03-05")])
    store.matches.settle()
    (id_,) = store.db.execute("SELECT id FROM resource WHERE fhir_id = 'z'").fetchone()
    for table, column in (("record_search", "rowid"), ("record", "id"), ("resource", "id")):
        store.db.execute(f"DELETE FROM {table} WHERE {column} = ?", (id_,))

    assert store.matches.settle() == 0
    assert state(store) == before


def _shown_of(store: Store, name: str) -> int:
    row = store.db.execute(
        "SELECT count(*) FROM record r JOIN resource x ON x.id = r.id JOIN source s ON s.id = x.source_id"
        " WHERE s.name = ? AND r.supporting = 0",
        (name,),
    ).fetchone()
    return int(row[0])


@pytest.mark.parametrize("which", ["a", "z"])
def test_what_is_taken_back_stands_for_nothing(store: Store, received: Make, which: str) -> None:
    clinic = put(store, "clinic", lab(received, "a", "2024-03-05"))
    hospital = put(store, "hospital", lab(received, "z", "2024-03-05"))
    store.matches.settle()

    store.gone(clinic if which == "a" else hospital, "Observation", which)
    assert store.matches.settle() == 0
    assert shown(store) == 1
    assert together(store) == []
    rest = {"a": "Observation/z", "z": "Observation/a"}[which]
    assert _shown_resource(store) == rest
    assert [row[0] for row in store.db.execute("SELECT count(*) FROM record_search")] == [1]


@pytest.mark.parametrize("which", ["a", "z"])
def test_what_says_something_else_now_stands_alone(store: Store, received: Make, which: str) -> None:
    keys = {"a": put(store, "clinic", lab(received, "a", "2024-03-05"))}
    keys["z"] = put(store, "hospital", lab(received, "z", "2024-03-05"))
    store.matches.settle()

    store.save(keys[which], [lab(received, which, "2024-03-05", 9.9)])
    assert shown(store) == 2, "nothing is hidden before the next settling either"
    assert store.matches.settle() == 0
    assert shown(store) == 2

    store.save(keys[which], [lab(received, which, "2024-03-05", 5.4)])
    assert store.matches.settle() == 1
    assert shown(store) == 1


def test_two_candidates_become_one_when_the_other_changes(store: Store, received: Make) -> None:
    put(store, "clinic", lab(received, "a", "2024-03-05"))
    hospital = put(store, "hospital", lab(received, "y", "2024-03-05"), lab(received, "z", "2024-03-05"))
    assert store.matches.settle() == 0

    store.save(hospital, [lab(received, "y", "2024-04-04")])
    assert store.matches.settle() == 1
    assert together(store) == [["clinic Observation/a", "hospital Observation/z"]]


def test_a_medical_record_number_names_the_person_not_the_result(store: Store, received: Make) -> None:
    number = {"identifier": [{"system": "urn:oid:1.2.3", "value": "777"}]}
    patient = received("Patient", "p", **number)
    put(store, "clinic", patient, problem(received, "a", "44054006", "2019-01-01", **number))
    put(store, "hospital", patient, problem(received, "b", "44054006", None, **number))

    assert store.matches.settle() == 0


def test_a_document_is_the_same_by_its_bytes(store: Store, received: Make) -> None:
    def note(id_: str, data: str) -> Received:
        attachment = {"contentType": "text/plain", "data": data}
        return received("DocumentReference", id_, status="current", content=[{"attachment": attachment}])

    words = "U2VlbiB0b2RheSBmb3IgYSBzb3JlIGtuZWUsIHdoaWNoIGlzIGJldHRlciBub3cu"
    put(store, "clinic", note("a", words), note("b", "U2hvcnQu"))
    put(store, "hospital", note("y", words), note("z", "U2hvcnQu"))
    store.matches.settle()

    assert together(store) == [["clinic DocumentReference/a", "hospital DocumentReference/y"]]


# ── nothing dangerous is hidden ───────────────────────────────────────────────────────────────────────

PADDING: dict[str, Any] = {
    "note": [{"text": "n"}],
    "category": ["food"],
    "type": "allergy",
    "recordedDate": "2024-01-01",
}


def allergy(make: Make, id_: str, *reactions: str, status: str = "active", **more: Any) -> Received:
    return make(
        "AllergyIntolerance",
        id_,
        identifier=[{"system": "urn:oid:1.2.3.4.5", "value": "A1"}],
        clinicalStatus={"coding": [{"code": status}]},
        code={"coding": [{"system": SNOMED, "code": "764146007", "display": "Penicillin"}]},
        reaction=[{"manifestation": [{"text": each}]} for each in reactions],
        **more,
    )


@pytest.mark.parametrize(
    "other",
    [
        {"status": "resolved"},
        {"status": "inactive"},
        {"verificationStatus": {"coding": [{"code": "unconfirmed"}]}},
        {"verificationStatus": {"coding": [{"code": "refuted"}]}},
        {"criticality": "low"},
        {},
    ],
)
def test_a_file_does_not_hide_an_anaphylaxis(store: Store, received: Make, other: dict[str, Any]) -> None:
    put(store, "file", allergy(received, "fake", "itch", "rash", **other, **PADDING))
    put(store, "clinic", allergy(received, "real", "Anaphylaxis"))

    assert store.matches.settle() == 0
    assert shown(store) == 2


def test_what_stands_around_a_fact_does_not_decide_which_is_shown(store: Store, received: Make) -> None:
    put(store, "clinic", allergy(received, "real", "Anaphylaxis"))
    put(store, "file", allergy(received, "padded", "Anaphylaxis", **PADDING))
    assert store.matches.settle() == 1
    assert _shown_resource(store) == "AllergyIntolerance/real", "the older one"

    put(store, "hospital", allergy(received, "more", "Anaphylaxis", "Hives"))
    assert store.matches.settle() == 1
    assert _shown_resource(store) == "AllergyIntolerance/more", "who knows of all that the others know"


def test_each_knows_of_another_danger_so_all_are_shown(store: Store, received: Make) -> None:
    put(store, "a", allergy(received, "1"))
    put(store, "b", allergy(received, "2", "Hives"))
    put(store, "c", allergy(received, "3", "Anaphylaxis"))

    assert store.matches.settle() == 0
    assert shown(store) == 3


def test_facts_of_two_people_are_never_one(store: Store, received: Make) -> None:
    def person(id_: str, given: str, born: str) -> Received:
        return received("Patient", id_, name=[{"family": "Vale", "given": [given]}], birthDate=born)

    mine: dict[str, Any] = {"subject": {"reference": "Patient/p"}}
    hers: dict[str, Any] = {"subject": {"reference": "Patient/q"}}
    put(store, "clinic", person("p", "Una", "1980-02-29"), lab(received, "a", "2024-03-05", **mine))
    put(store, "family", person("q", "Ida", "2011-07-07"), lab(received, "b", "2024-03-05", **hers))
    assert store.matches.settle() == 0

    put(store, "hospital", person("p", "Una", "1980-02-29"), lab(received, "c", "2024-03-05", **mine))
    store.matches.settle()
    assert together(store) == [["clinic Observation/a", "hospital Observation/c"]]


# ── many that are alike ───────────────────────────────────────────────────────────────────────────────


def test_hundreds_of_equal_readings_are_left_apart_without_comparing_them(
    store: Store, received: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    def counted(*args: Any, **more: Any) -> int:
        calls.append(1)
        return same(*args, **more)

    monkeypatch.setattr(matches, "same", counted)
    for name in ("a", "b"):
        put(store, name, *(lab(received, f"{name}{number}", "2024-03-05") for number in range(300)))
    put(store, "a", lab(received, "one", "2024-03-06"))
    put(store, "b", lab(received, "two", "2024-03-06"))

    assert store.matches.settle() == 1
    assert together(store) == [["a Observation/one", "b Observation/two"]]
    assert len(calls) == 1


def test_among_equal_readings_identifiers_and_equal_bytes_tell(store: Store, received: Make) -> None:
    def known(number: int) -> dict[str, Any]:
        return {"identifier": [{"system": "urn:oid:1.2.3", "value": f"n{number}"}]} if number < 50 else {}

    def number_of(name: str) -> str:
        return name.partition("/")[2].lstrip("ab")

    put(store, "a", *(lab(received, f"a{at}", "2024-03-05", **known(at)) for at in range(60)))
    put(store, "b", *(lab(received, f"b{at}", "2024-03-05", **known(at)) for at in range(60)))
    assert store.matches.settle() == 50
    assert all(number_of(one) == number_of(other) for one, other in together(store))

    put(store, "c", *(lab(received, f"a{at}", "2024-03-05") for at in range(50, 60)))
    assert store.matches.settle() == 60


def test_what_becomes_a_crowd_parts_and_meets_again(
    store: Store, received: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(near, "MOST", 2)
    at = "2024-03-05T08:00:00Z"
    put(store, "a", lab(received, "a1", at))
    put(store, "b", lab(received, "b1", at))
    assert store.matches.settle() == 1

    key = put(store, "a", lab(received, "a2", at), lab(received, "a3", at))
    assert store.matches.settle() == 0, "three pairs are more than two"
    assert shown(store) == 4

    store.gone(key, "Observation", "a3")
    assert store.matches.settle() == 1
    before = together(store)
    store.rebuild()
    assert together(store) == before


def test_who_was_unsure_because_of_a_year_is_sure_when_it_goes(store: Store, received: Make) -> None:
    put(store, "a", problem(received, "year", "1", "2024"))
    hospital = put(
        store, "b", problem(received, "x", "1", "2024-03-05"), problem(received, "y", "1", "2024-04-04")
    )
    assert store.matches.settle() == 0

    store.gone(hospital, "Condition", "y")
    assert store.matches.settle() == 1
    assert together(store) == [["a Condition/year", "b Condition/x"]]


# ── whatever the order ────────────────────────────────────────────────────────────────────────────────


def a_life(make: Make, seed: int) -> dict[str, list[Received]]:
    """Three sources that say much of one another, with rivals, coarse dates and identifiers."""
    chance = random.Random(seed)
    days = [
        "2024-03-05",
        "2024-03-05T08:00:00Z",
        "2024-03-05T20:00:00Z",
        "2024-03-06",
        "2024",
        "2024-03",
        None,
    ]
    life: dict[str, list[Received]] = {}
    for name in ("a", "b", "c"):
        found = []
        for number in range(12):
            more: dict[str, Any] = {}
            if chance.random() < 0.3:
                more["identifier"] = [{"system": "urn:oid:1.2.3", "value": str(chance.randrange(4))}]
            found.append(
                lab(
                    make,
                    f"{name}{number}",
                    chance.choice(days),
                    chance.choice([1, 2]),
                    chance.choice("12") + "-1",
                    **more,
                )
            )
            found.append(
                problem(make, f"{name}p{number}", chance.choice("1234"), chance.choice(days), **more)
            )
        life[name] = found
    return life


def fresh(path: Path) -> Store:
    return Store(path, bytes(range(32)), create=True, clock=lambda: datetime(2026, 3, 1, tzinfo=UTC))


def filled(path: Path, life: dict[str, list[Received]], order: Iterable[str], *, settle_each: bool) -> Store:
    store = fresh(path)
    for name in order:
        put(store, name, *life[name])
        if settle_each:
            store.matches.settle()
    store.matches.settle()
    return store


@pytest.fixture(params=[near.MOST, 3], ids=["few", "crowded"])
def most(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many pairs of one key are compared; the smaller number makes crowds of the small cases here."""
    monkeypatch.setattr(near, "MOST", request.param)
    return int(request.param)


@pytest.mark.usefixtures("most")
@pytest.mark.parametrize("seed", range(8))
def test_the_order_of_imports_changes_nothing(tmp_path: Path, received: Make, seed: int) -> None:
    life = a_life(received, seed)
    ways = [("abc", True), ("cab", True), ("bca", False)]
    found = []
    for number, (order, each) in enumerate(ways):
        with filled(tmp_path / f"{number}.db", life, order, settle_each=each) as store:
            found.append(together(store))
            before = state(store)
            store.rebuild()
            assert state(store) == before, "a rebuild gives the same"

    assert found[0] or near.MOST == 3, "the case is of use"
    assert found[1:] == found[:1] * 2


@pytest.mark.usefixtures("most")
@pytest.mark.parametrize("seed", range(8))
def test_without_one_source_the_others_are_what_they_were(tmp_path: Path, received: Make, seed: int) -> None:
    life = a_life(received, seed)
    with filled(tmp_path / "two.db", life, "ab", settle_each=True) as store:
        two = together(store)
    with filled(tmp_path / "three.db", life, "acb", settle_each=True) as store:
        (key,) = (one.key for one in store.sources.all() if one.name == "c")
        store.sources.purge(key)
        assert together(store) == two
        words = store.db.execute("SELECT count(*) FROM record_search").fetchone()
        assert words[0] == shown(store)


@pytest.mark.usefixtures("most")
@pytest.mark.parametrize("seed", range(8))
def test_changes_bit_by_bit_end_where_a_rebuild_ends(tmp_path: Path, received: Make, seed: int) -> None:
    life, later = a_life(received, seed), a_life(received, seed + 100)
    with filled(tmp_path / "r.db", life, "abc", settle_each=True) as store:
        for name in "bac":
            put(store, name, *later[name][: 4 + seed])
            (key,) = (one.key for one in store.sources.all() if one.name == name)
            store.gone(key, "Condition", f"{name}p{seed}")
            store.matches.settle()
        before = together(store)
        store.rebuild()
        assert together(store) == before


def test_every_resource_still_belongs_to_one_record(store: Store, received: Make) -> None:
    for name, resources in a_life(received, 1).items():
        put(store, name, *resources)
    store.matches.settle()
    rows = store.db.execute("SELECT resource_id, count(*) FROM record_source GROUP BY 1").fetchall()

    assert {row[1] for row in rows} == {1}
    assert len(rows) == store.db.execute("SELECT count(*) FROM resource").fetchone()[0]


def test_broken_bytes_do_not_stop_it(store: Store, received: Make) -> None:
    put(
        store,
        "clinic",
        lab(received, "a", "2024-03-05"),
        Received("Observation", "q", orjson.dumps({"a": [1]})),
    )
    put(store, "hospital", Received("Goal", "g", b'{"resourceType":"Goal","id":"g","identifier":7}'))

    assert store.matches.settle() == 0


@pytest.mark.parametrize(
    "moment", ["9999-12-31T23:59:59-05:00", "0001-01-01T00:00:00+05:00", "9999-12-31", "0001"]
)
def test_the_ends_of_the_calendar_stop_nothing(store: Store, received: Make, moment: str) -> None:
    put(store, "one", lab(received, "1", moment))
    put(store, "two", lab(received, "2", moment))
    assert store.matches.settle() == 1
