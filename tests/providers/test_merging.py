"""What directories say, laid over what is known."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from phr.providers import merging, organisations
from phr.providers.catalog import Catalog, load
from phr.providers.directories import Directory, Found
from phr.providers.merging import Counts, Merging
from phr.providers.organisations import ALIASES, BASE, ID, NAME, PLACE, SHARED, SOURCE, VENDOR, Row


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load(None)


def take(
    catalog: Catalog, *listed: Found | str, rows: list[Row] | None = None, **more: Any
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
        catalog, Found("DENVER HEALTH", base.rstrip("/") if base.endswith("/") else base + "/"), vendor="epic"
    )
    assert (counts.updated, row[ID], row[NAME], row[PLACE]) == (1, known.id, known.name, known.place or "")


def vendor(catalog: Catalog, found: Found, **more: Any) -> str:
    return take(catalog, found, **more)[1][0][VENDOR]


BASE_OF_NOBODY = "https://fhir.example.org/x"


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (Found("A", BASE_OF_NOBODY, vendor="epic-systems"), "epic"),
        (Found("A", BASE_OF_NOBODY, vendor="Plug Board, Inc."), "plug-board-inc"),
        (Found("A", BASE_OF_NOBODY, publisher="open@epic.com"), "epic"),
        (Found("A", BASE_OF_NOBODY, publisher="https://fhir.meditech.com"), "meditech"),
        (Found("A", BASE_OF_NOBODY), "custom"),
        (Found("A", "https://fhir4.healow.com/fhir/r4/ZZZZZZ"), "eclinicalworks"),
        # Where all addresses of a vendor are at its own domains, another one is not its.
        (Found("A", BASE_OF_NOBODY, vendor="NextGen Enterprise"), "custom"),
        (Found("A", "https://fhir4.healow.com/fhir/r4/ZZZZZZ", vendor="Cerner"), "eclinicalworks"),
        (Found("A", "https://fhir-myrecord.cerner.com/r4/x", vendor="Cerner"), "oracle"),
        (Found("A", "https://fhir.example.org/api/FHIR/R4"), "epic"),
    ],
)
def test_the_vendor_in_a_persons_own_file(catalog: Catalog, found: Found, wanted: str) -> None:
    assert vendor(catalog, found, source="list.tsv", own=True) == wanted


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize(
    "found",
    [
        Found("A", "https://fhir.evil-host.example/api/FHIR/R4"),
        Found("A", "https://fhir.evil-host.example/fhir", vendor="NextGen Enterprise"),
        Found("A", "https://fhir.evil-host.example/fhir", publisher="open@epic.com"),
        Found("A", "https://fhir4.healow.com/fhir/r4/ZZZZZZ"),
    ],
)
def test_a_published_list_speaks_for_its_own_vendor_alone(catalog: Catalog, found: Found, own: bool) -> None:
    assert vendor(catalog, found, vendor="practice-fusion", own=own) == "practice-fusion"


@pytest.mark.parametrize(
    ("found", "wanted"),
    [
        (Found("A", BASE_OF_NOBODY, vendor="epic"), "custom"),
        (Found("A", BASE_OF_NOBODY, vendor="NextGen Enterprise"), "custom"),
        (Found("A", BASE_OF_NOBODY, vendor="Plug Board"), "plug-board"),
        (Found("A", BASE_OF_NOBODY, publisher="open@epic.com"), "custom"),
        (Found("A", "https://fhir4.healow.com/fhir/r4/Z", vendor="epic"), "eclinicalworks"),
        # A path may hold another's host, and may look like another's: the host comes first.
        (Found("A", "https://evil.example/x.healow.com/fhir/r4/Z"), "custom"),
        (Found("A", "https://fhir4.healow.com/fhir/r4/*/api/fhir/r4"), "eclinicalworks"),
    ],
)
def test_a_list_from_an_address_has_no_word_in_whose_its_entries_are(
    catalog: Catalog, found: Found, wanted: str
) -> None:
    assert vendor(catalog, found, source="https://lists.example.org/all.json") == wanted


def test_only_the_list_that_a_row_came_from_changes_it(catalog: Catalog) -> None:
    merged = Merging(catalog, [])
    base = "https://fhir.alder.org/api/FHIR/R4"
    merged.take([Found("Alder Clinic", base)], vendor="epic")
    before = [list(row) for row in merged.found.values()]
    assert [row[SOURCE] for row in before] == ["epic"]
    other = merged.take(
        [Found("Alder Clinic", base, place="Elsewhere, NV", aliases=("Mayo Clinic",))],
        vendor="practice-fusion",
    )
    assert list(merged.found.values()) == before
    assert (figures(other), other.skipped) == ((0, 0, 0, 1), {"known from another list": 1})
    renamed = merged.take([Found("Mayo Clinic", base)], source="list.json", own=True)
    assert renamed.added == 1, "another name is a row of its own"
    assert merged.found["alder-clinic"] == before[0]
    again = Merging(catalog, organisations.parse(organisations.dump(merged.found.values()).decode()))
    again.take([Found("Alder Clinic", base, place="Rome, NY")], vendor="epic")
    assert again.found["alder-clinic"][PLACE] == "Rome, NY"


def test_another_list_does_not_mark_rows_as_shared(catalog: Catalog) -> None:
    merged = Merging(catalog, [])
    base = "https://fhir.alder.org/api/FHIR/R4"
    merged.take([Found("Alder Clinic", base)], vendor="epic")
    merged.take([Found(f"Name {chr(97 + at) * 5}", base) for at in range(12)], vendor="practice-fusion")
    assert merged.found["alder-clinic"][SHARED] == ""


def test_what_came_with_phr_is_its_own_vendors_to_change(catalog: Catalog) -> None:
    known = catalog.find("denver-health")
    spelt = str(known.fhir_base).rstrip("/") + ("" if str(known.fhir_base).endswith("/") else "/")
    counts, rows = take(catalog, Found(known.name, spelt), vendor="practice-fusion")
    assert rows == [] and counts.skipped == {"known from another list": 1}


def test_thirty_thousand_of_one_name_take_no_long_time(catalog: Catalog) -> None:
    listed = [Found("City Clinic", f"https://h{at}.example.org/r4") for at in range(30_000)]
    started = time.process_time()
    counts, rows = take(catalog, *listed)
    assert counts.added == len({row[ID] for row in rows}) == 30_000
    assert time.process_time() - started < 20  # it were hours if each tried all numbers again


def test_names_and_addresses_that_are_too_long_are_left_out_and_counted(catalog: Catalog) -> None:
    base = "https://long.example.org/"
    counts, [row] = take(
        catalog,
        Found("A" * 301, base),
        Found("A" * 5_000_000, base),
        Found("A", base + "a" * 500),
        Found("A", base + "a" * 5_000_000),
        Found("Ab " * 100, base + "a" * 400),
    )
    assert counts.skipped == {"name too long": 2, "address too long": 2} and len(row[NAME]) == 200


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
