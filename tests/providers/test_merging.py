"""What directories say, laid over what is known."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from phr.providers import merging, organisations
from phr.providers.catalog import Catalog, load
from phr.providers.directories import Directory, Found
from phr.providers.merging import Counts, Merging
from phr.providers.organisations import ALIASES, BASE, ID, NAME, PLACE, SHARED, VENDOR, Row


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load(None)


def take(
    catalog: Catalog, *listed: Found | str, rows: list[Row] | None = None, **more: str
) -> tuple[Counts, list[Row]]:
    """Counts, and the rows afterwards."""
    merged = Merging(catalog, rows or [])
    counts = merged.take(list(listed), **more)
    return counts, list(merged.found.values())


def figures(counts: Counts) -> tuple[int, int, int, int]:
    return counts.added, counts.updated, counts.unchanged, counts.skipped.total()


def test_5_one_address_under_nearly_one_name_is_one_organisation(catalog: Catalog) -> None:
    counts, rows = take(
        catalog,
        Found("Larkspur Health System", "https://fhir.larkspur.org:443/R4"),
        Found("LARKSPUR HEALTH SYSTEM", "https://FHIR.Larkspur.org/R4/"),
        Found("Larkspur Health Systems, Inc.", "https://fhir.larkspur.org/R4"),
        Found("Larkspur Healht System", "https://fhir.larkspur.org/R4"),
        Found("Larkspur Health System", "https://fhir.larkspur.org/r4"),  # the path's letter case is its own
        Found("Birch Clinic 2", "https://fhir.larkspur.org/R4"),
        Found("Birch Clinic 3", "https://fhir.larkspur.org/R4"),
    )
    assert figures(counts) == (4, 0, 0, 3) and counts.skipped == {"listed twice": 3}
    assert rows[0][BASE] == "https://fhir.larkspur.org:443/R4", "the published spelling stays, for aud"
    assert [row[NAME] for row in rows[2:]] == ["Birch Clinic 2", "Birch Clinic 3"]


def test_6_one_address_for_many_names_is_shared_and_each_keeps_its_own(catalog: Catalog) -> None:
    names = "Alder Birch Cedar Dogwood Elm Fir Ginkgo Hazel Ivy Juniper Kapok Larch".split()
    counts, rows = take(
        catalog, *(Found(f"{name} Family Practice", "https://one.example.org/R4") for name in names)
    )
    assert counts.added == 12 and {row[SHARED] for row in rows} == {"yes"}
    counts, rows = take(catalog, *(Found(name, "https://one.example.org/R4") for name in names[:4]))
    assert {row[SHARED] for row in rows} == {""}
    brands = [Found(name, "https://one.example.org/R4", brand=True) for name in names]
    assert {row[SHARED] for row in take(catalog, *brands)[1]} == {""}


def test_6_a_practice_at_a_base_that_is_known_to_be_shared_is_shared(catalog: Catalog) -> None:
    base = next(one.fhir_base for one in catalog if one.shared and one.vendor.id == "athenahealth")
    _, [row] = take(catalog, Found("A Practice Nobody Knows", str(base)))
    assert (row[SHARED], row[VENDOR]) == ("yes", "athenahealth")


def test_a_second_time_nothing_changes(catalog: Catalog) -> None:
    listed = [
        Found(f"Clinic {name}", f"https://{name}.example.org/R4", place="Rome, NY")
        for name in ("ab", "cd", "ef")
    ]
    counts, rows = take(catalog, *listed)
    assert figures(counts) == (3, 0, 0, 0)
    again, after = take(catalog, *reversed(listed), rows=[list(row) for row in rows])
    assert figures(again) == (0, 0, 3, 0) and sorted(after) == sorted(rows)


def test_what_is_new_is_taken_over_and_the_id_stays(catalog: Catalog) -> None:
    _, rows = take(catalog, Found("Alder Clinic", "https://alder.example.org/R4"))
    known = [list(row) for row in rows]
    counts, [row] = take(
        catalog,
        Found("Alder Clinic", "https://alder.example.org/R4/", place="Rome, NY", aliases=("AC",)),
        rows=known,
    )
    assert figures(counts) == (0, 1, 0, 0)
    assert (row[ID], row[PLACE], row[ALIASES], row[BASE]) == (
        "alder-clinic", "Rome, NY", "AC", "https://alder.example.org/R4/",
    )  # fmt: skip
    counts, [renamed] = take(catalog, Found("Birch Hospital", "https://alder.example.org/R4"), rows=[row])
    assert (counts.updated, renamed[ID], renamed[NAME]) == (1, "alder-clinic", "Birch Hospital")
    assert renamed[PLACE] == "Rome, NY", "what is not said does not delete"


def test_names_that_make_the_same_id_get_one_each(catalog: Catalog) -> None:
    _, rows = take(
        catalog,
        Found("Alder Clinic", "https://a.example.org"),
        Found("Alder  Clinic!", "https://b.example.org", place="Rome, NY"),
        Found("ALDER CLINIC", "https://c.example.org", place="Rome, NY"),
        Found("Epic", "https://d.example.org"),
        Found("健康", "https://e.example.org"),
    )
    ids = [row[ID] for row in rows]
    assert ids[:4] == ["alder-clinic", "alder-clinic-rome-ny", "alder-clinic-2", "epic-2"]
    assert ids[4].startswith("organisation-") and len(set(ids)) == 5


def test_what_came_with_phr_keeps_its_name_and_id(catalog: Catalog) -> None:
    known = catalog.find("denver-health")
    base = str(known.fhir_base)
    counts, rows = take(catalog, Found("Denver Health and Hospital Authority", base))
    assert (figures(counts), rows) == ((0, 0, 1, 0), [])
    counts, [row] = take(
        catalog, Found("DENVER HEALTH", base.rstrip("/") if base.endswith("/") else base + "/")
    )
    assert (counts.updated, row[ID], row[NAME], row[PLACE]) == (1, known.id, known.name, known.place or "")


def test_the_vendor_is_found_by_word_wish_address_publisher(catalog: Catalog) -> None:
    def vendor(found: Found, **more: str) -> str:
        return take(catalog, found, **more)[1][0][VENDOR]

    base = "https://fhir.example.org/x"
    assert vendor(Found("A", base, vendor="oracle-health")) == "oracle"
    assert vendor(Found("A", base, vendor="Cerner"), vendor="epic") == "oracle"
    assert vendor(Found("A", base), vendor="epic") == "epic"
    assert vendor(Found("A", "https://fhir4.healow.com/fhir/r4/ZZZZZZ")) == "eclinicalworks"
    assert vendor(Found("A", "https://fhir4.healow.com/fhir/r4/ZZZZZZ"), usual="epic") == "eclinicalworks"
    assert vendor(Found("A", base), usual="epic") == "epic"
    assert vendor(Found("A", base, publisher="open@epic.com")) == "epic"
    assert vendor(Found("A", base, publisher="https://fhir.meditech.com")) == "meditech"
    assert vendor(Found("A", base, vendor="Plug Board, Inc.")) == "plug-board-inc"
    assert vendor(Found("A", base)) == "custom"


def test_the_rules_for_hosts_agree_with_the_real_lists(catalog: Catalog, shared: Path) -> None:
    for name, usual in (
        ("oracle-millennium-patient-r4-2026-02", {"oracle"}),
        ("veradigm-endpoints-dstu2", {"veradigm", "altera"}),
    ):
        with (shared / "directories" / f"{name}.json").open("rb") as handle:
            counts = Merging(catalog, []).take(list(Directory(handle)))
        assert sum(counts.vendors[one] for one in usual) > 0.9 * counts.organisations


def test_7_what_is_refused_is_counted_by_reason(catalog: Catalog) -> None:
    counts, rows = take(
        catalog,
        Found("", "https://a.example.org"),
        Found("10066006", "https://a.example.org"),
        Found("A", ""),
        Found("A", "http://a.example.org"),
        Found("A", "https://a.local/R4"),
        Found("A", "https://a.example.org/DSTU2"),
        Found("A", "https://uat.a.org/R4"),
        "not active",
    )
    assert rows == [] and counts.read == 8
    assert counts.skipped == {
        "no name": 2, "no address": 1, "not https": 1, "private address": 1, "not FHIR R4": 1,
        "test or development system": 1, "not active": 1,
    }  # fmt: skip


def test_a_sandbox_that_is_known_is_no_stranger(catalog: Catalog) -> None:
    known = catalog.find("medicare-sandbox")
    counts, rows = take(catalog, Found(known.name, str(known.fhir_base)))
    assert (figures(counts), rows) == ((0, 0, 1, 0), [])


def test_the_large_table_gives_what_a_plain_count_gives(catalog: Catalog, shared: Path) -> None:
    with (shared / "endpoints.tsv").open("rb") as handle:
        merged = Merging(catalog, [])
        counts = merged.take(list(Directory(handle)))
    assert counts.read == counts.organisations + counts.skipped.total() == 20_392
    lines = (shared / "endpoints.tsv").read_text("utf-8").splitlines()[1:]
    old = sum("/R2/" in line or "dstu2" in line.lower() for line in lines)
    assert counts.skipped[merging.addresses.OTHER_RELEASE] == old
    assert len(merged.found) > 17_500
    again = organisations.parse(organisations.dump(merged.found.values()).decode())
    assert sorted(again) == sorted(merged.found.values())
    assert len({row[ID] for row in again}) == len(again)


def test_epics_list_is_epics_and_every_entry_is_accounted_for(catalog: Catalog, shared: Path) -> None:
    path = shared / "directories" / "epic-endpoints-r4-2026-08.json"
    with path.open("rb") as handle:
        merged = Merging(catalog, [])
        counts = merged.take(list(Directory(handle)), vendor="epic")
    bases = {e["resource"]["address"].strip() for e in json.loads(path.read_bytes())["entry"]}
    known = {merging.addresses.key(str(one.fhir_base)) for one in catalog if one.fhir_base}
    known |= {merging.addresses.key(row[BASE]) for row in merged.found.values()}
    assert (counts.read, set(counts.vendors)) == (479, {"epic"})
    assert counts.organisations + counts.skipped.total() == 479
    assert {merging.addresses.key(base) for base in bases} <= known
