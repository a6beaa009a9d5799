"""The page for an appointment, where two offices tell one thing in two ways, or a computer tells a visit that was none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from phr.cli.text import Screen, width
from phr.cli.visit_screen import drawn
from phr.model import Received
from phr.store.store import Store
from phr.views.selection import Selection
from phr.views.visit import Visit, visit
from phr.views.visit_page import counted, page

Make = Callable[..., Received]
SNOMED, RXNORM = "http://snomed.info/sct", "http://www.nlm.nih.gov/research/umls/rxnorm"
M, OFFICE = "Elena Martinez, MD", "Riverbend Lung"


def met(make: Make, id_: str, day: str, name: str = "Office Visit", who: str = M, **more: Any) -> Received:
    return make("Encounter", id_, status="finished", type=[{"text": name}], period={"start": day, "end": day},
                participant=[{"individual": {"display": who}}],
                **{"serviceProvider": {"display": OFFICE}, **more})  # fmt: skip


def coded(system: str, code: str, text: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code, "display": text}], "text": text}


def problem(make: Make, id_: str, code: str, text: str, day: str, **more: Any) -> Received:
    return make("Condition", id_, code=coded(SNOMED, code, text), onsetDateTime=day, recordedDate=day, **more)


def allergy(make: Make, id_: str, code: str, text: str, day: str, *reactions: dict[str, Any]) -> Received:
    what = coded(RXNORM, code, text)
    return make("AllergyIntolerance", id_, code=what, recordedDate=day, reaction=list(reactions))


def drug(make: Make, id_: str, code: str, text: str, day: str, status: str = "active") -> Received:
    return make("MedicationRequest", id_, status=status, intent="order", authoredOn=day,
                medicationCodeableConcept=coded(RXNORM, code, text))  # fmt: skip


def rash(words: str, severity: str | None = None) -> dict[str, Any]:
    return {"manifestation": [{"text": words}], **({"severity": severity} if severity else {})}


@pytest.fixture
def two(store: Store, received: Make) -> Store:
    """What Dr. Martinez' office tells, and what her neighbours on Oak Street tell; nothing is newer than the last visit."""
    r = received
    store.save(
        store.sources.ensure("riverbend").key,
        [
            met(r, "e1", "2025-09-10"),
            problem(r, "copd", "13645005", "Chronic obstructive pulmonary disease", "2018-05-01"),
            drug(r, "tio", "580261", "tiotropium 18 MCG Inhalation Capsule", "2024-11-12"),
            allergy(r, "pcn", "7980", "Penicillin G", "2018-05-01", rash("Hives")),
            allergy(r, "asa", "1191", "Aspirin", "2018-05-01", rash("Rash")),
        ],
    )
    oak = {"serviceProvider": {"display": "Oak Street"}}
    store.save(
        store.sources.ensure("oak").key,
        [
            *[met(r, f"d{n}", f"2024-02-0{n}", "Dermatology visit", "Ann Roe, MD", **oak) for n in range(1, 9)],
            problem(r, "copd", "13645005", "COPD", "2018-06-01"),
            problem(r, "gerd", "235595009", "Reflux disease", "2015-03-03"),
            drug(r, "tio", "580261", "Spiriva 18 MCG", "2024-11-20"),
            drug(r, "ome", "198053", "omeprazole 20 MG Delayed Release Oral Capsule", "2015-03-03"),
            drug(r, "amox", "723", "amoxicillin 500 MG", "2023-03-03", "completed"),
            allergy(r, "sulfa", "10831", "Sulfamethoxazole", "2021-02-02", rash("Hives", "moderate")),
            allergy(r, "pcn", "7980", "penicillin", "2020-01-01"),
            allergy(r, "asa", "1191", "Acetylsalicylic acid", "2020-01-01", rash("Anaphylaxis", "severe")),
            r("DiagnosticReport", "ct", status="final", category=[{"coding": [{"code": "RAD"}]}],
              code={"text": "CT Chest"}, effectiveDateTime="2025-03-03", conclusion="4 mm nodule. Emphysema."),
            r("Appointment", "past", status="cancelled", start="2025-05-05T10:00:00Z", description="Skin",
              participant=[{"actor": {"display": "Ann Roe, MD"}}]),
            r("Appointment", "ahead", status="booked", start="2026-05-05T10:00:00Z", description="Skin",
              participant=[{"actor": {"display": "Ann Roe, MD"}}]),
        ],
    )  # fmt: skip
    return store


@pytest.fixture
def seen(two: Store) -> Visit:
    return visit(two, "Dr. Martinez", Selection())


def named(found: Visit) -> set[str]:
    return {event["resource"] for event in found.not_there.events if event["sources"] == ["oak"]}


@pytest.mark.parametrize("resource", ["Condition/copd", "MedicationRequest/tio", "AllergyIntolerance/pcn"])
def test_what_they_have_by_another_name_is_not_what_they_do_not_have(seen: Visit, resource: str) -> None:
    assert resource not in named(seen)
    assert seen.not_there.kinds["problem"] == 1 and seen.not_there.kinds["medication"] == 2


def test_an_allergy_that_kills_is_not_the_rash_that_they_have(seen: Visit) -> None:
    assert {"AllergyIntolerance/asa", "AllergyIntolerance/sulfa"} <= named(seen)


def test_what_was_cancelled_or_lies_ahead_is_nothing_that_they_lack(seen: Visit) -> None:
    told = seen.not_there
    assert "appointment" not in told.kinds and told.kinds["encounter"] == 8
    assert told.total == sum(told.kinds.values())
    assert counted(seen).startswith("2 allergies, 8 visits, ") and "appointment" not in counted(seen)


def test_an_allergy_says_that_it_is_one_and_what_it_does(seen: Visit) -> None:
    rows = [row.what for row in page(seen).there]
    assert "Allergy: Sulfamethoxazole: Hives (moderate)" in rows


def test_a_medicine_is_named_before_the_skin_clinic_and_an_examination_says_what_was_seen(
    seen: Visit,
) -> None:
    rows = [row.what for row in page(seen).there]
    visits = next(at for at, what in enumerate(rows) if "Dermatology" in what)
    assert any("omeprazole" in what.lower() for what in rows[:visits])
    assert "CT Chest: 4 mm nodule. Emphysema." in rows
    assert len(rows) > 10, "a page that is half empty has room for more"
    assert next(what for what in rows if "moxicillin" in what).endswith("(no longer taken)")


@pytest.mark.parametrize("what", ["COPD", "Spiriva"])
def test_nothing_of_it_is_on_the_screen(seen: Visit, what: str) -> None:
    assert what not in "\n".join(drawn(seen, Screen(80, colour=False)))


@pytest.mark.parametrize("columns", [80, 97, 120])
def test_sources_and_places_are_whole_on_the_screen(seen: Visit, columns: int) -> None:
    lines = list(drawn(seen, Screen(columns, colour=False)))
    assert "…" not in "".join(lines).replace("Should I …", "")
    assert max(map(width, lines)) <= columns


NO_VISITS = [
    "No Show", "No-show", "Telephone", "Telephone Encounter", "Phone call", "Patient Message", "Orders Only", "Refill",
    "Office Visit (cancelled)", "Did not attend",
]  # fmt: skip
VISITS = ["Video Visit", "Telephone visit", "Office Visit", "Telephone consultation", "Hospital Encounter"]


@pytest.mark.parametrize("name", NO_VISITS)
def test_an_entry_where_nobody_was_seen_is_no_visit(two: Store, received: Make, name: str) -> None:
    riverbend, oak = two.sources.ensure("riverbend").key, two.sources.ensure("oak").key
    two.save(riverbend, [met(received, "none", "2025-12-12", name)])
    two.save(oak, [met(received, "other", "2025-12-13", name, "Ann Roe, MD", serviceProvider={"display": "Oak Street"}),
                   problem(received, "new", "1", "Something new", "2025-11-11")])  # fmt: skip
    found = visit(two, "Martinez", Selection())
    assert found.since == "2025-09-10"
    assert [event["title"] for event in found.news.events["problem"]] == ["Something new"]
    assert "encounter" not in found.news.events


@pytest.mark.parametrize("name", VISITS)
def test_a_visit_by_whatever_means_is_one(two: Store, received: Make, name: str) -> None:
    two.save(two.sources.ensure("riverbend").key, [met(received, "more", "2025-12-12", name)])
    assert visit(two, "Martinez", Selection()).since == "2025-12-12"


@pytest.mark.parametrize("query", ["Harborview Emergency Department", "emergency"])
def test_a_department_is_known_by_the_location_of_its_visits(two: Store, received: Make, query: str) -> None:
    two.save(
        two.sources.ensure("harbor").key,
        [
            received("Organization", "o", name="Harborview Medical Center"),
            received("Location", "ed", name="Harborview Emergency Department",
                     managingOrganization={"reference": "Organization/o"}),
            met(received, "er", "2025-10-02", "Visit", "Hans Berg, MD",
                serviceProvider={"reference": "Organization/o"}, location=[{"location": {"reference": "Location/ed"}}]),
            met(received, "ward", "2025-12-02", "Visit", "Hans Berg, MD", serviceProvider={"reference": "Organization/o"}),
        ],
    )  # fmt: skip
    found = visit(two, query, Selection())
    assert found.last is not None and found.last["resource"] == "Encounter/er"
    assert found.whom.sources == ("harbor",)
    assert visit(two, "Harborview Medical Center", Selection()).since == "2025-12-02"


def test_an_allergy_that_got_worse_is_news(two: Store, received: Make) -> None:
    two.db.execute("UPDATE resource SET first_seen = '2025-01-01T00:00:00Z', changed = first_seen")
    worse = rash("Stevens-Johnson syndrome", "severe")
    now = allergy(received, "sulfa", "10831", "Sulfamethoxazole", "2021-02-02", worse)
    two.save(two.sources.ensure("oak").key, [now])
    shown = page(visit(two, "Martinez", Selection()))
    assert shown.new[0].kind == "allergy"
    words = shown.new[0].rows[0].what
    assert "Stevens-Johnson syndrome (severe)" in words and "was: Hives (moderate)" in words


def test_a_medicine_that_began_and_ended_stands_once(two: Store, received: Make) -> None:
    two.save(
        two.sources.ensure("oak").key,
        [drug(received, "pred", "8640", "prednisone 20 MG", "2025-10-03", "completed")],
    )
    shown = page(visit(two, "Martinez", Selection()))
    rows = [row.what for section in shown.new for row in section.rows if "prednisone" in row.what.lower()]
    assert len(rows) == 1 and rows[0].endswith("(no longer taken)")


def test_a_brand_of_what_is_taken_already_is_no_new_medicine(two: Store, received: Make) -> None:
    oak = two.sources.ensure("oak").key
    two.save(oak, [drug(received, "again", "580261", "Spiriva 18 MCG", "2025-10-20"),
                   drug(received, "other", "999999", "Lisinopril 10 MG", "2025-10-20")])  # fmt: skip
    found = visit(two, "Martinez", Selection()).news
    assert [event["resource"] for event in found.events["medication"]] == ["MedicationRequest/other"]
    assert found.changed == []


def test_where_no_visit_is_told_the_page_speaks_of_none(store: Store, received: Make) -> None:
    store.save(store.sources.ensure("oak").key, [problem(received, "p", "1", "Reflux", "2015-01-01")])
    booked = received("Appointment", "a", status="booked", start="2026-05-05T10:00:00Z",
                      participant=[{"actor": {"display": M}}])  # fmt: skip
    store.save(store.sources.ensure("riverbend").key, [booked])
    text = " ".join(" ".join(drawn(visit(store, "Martinez", Selection()), Screen(80, colour=False))).split())
    assert "No visit there" in text and "source of the visits" not in text
    assert "Not in riverbend, the source of this office: 1 problem, from oak." in text
