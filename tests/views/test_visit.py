"""The page for an appointment, held against planted truths: what is new to Dr. Martinez since 2025-09-10, what not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from phr.errors import UsageError
from phr.model import Received
from phr.store.store import Store
from phr.views.selection import Selection
from phr.views.visit import Visit, visit
from phr.views.visit_page import page

Make = Callable[..., Received]
LOINC, RXNORM = "http://loinc.org", "http://www.nlm.nih.gov/research/umls/rxnorm"
NOW = "2026-03-01"  # the clock of the store
LAST = "2025-09-10"


def meeting(
    make: Make, id_: str, day: str, who: str, where: str, status: str = "finished", **more: Any
) -> Received:
    return make(
        "Encounter", id_, status=status, period={"start": f"{day}T10:00:00Z", "end": f"{day}T10:30:00Z"},
        participant=[{"individual": {"display": who}}], serviceProvider={"display": where}, **more,
    )  # fmt: skip


def booked(make: Make, id_: str, start: str, who: str, status: str = "booked") -> Received:
    return make("Appointment", id_, status=status, start=start, description="Review",
                participant=[{"actor": {"reference": "Practitioner/x", "display": who}}])  # fmt: skip


def lab(make: Make, id_: str, day: str, code: str, value: float, **more: Any) -> Received:
    return make(
        "Observation", id_, status="final", code={"coding": [{"system": LOINC, "code": code, "display": f"Test {code}"}]},
        category=[{"coding": [{"code": "laboratory"}]}], effectiveDateTime=day, valueQuantity={"value": value, "unit": "u"},
        referenceRange=[{"low": {"value": 1}, "high": {"value": 10}}], **more,
    )  # fmt: skip


def drug(
    make: Make,
    id_: str,
    day: str,
    name: str,
    dose: str = "1 tablet a day",
    status: str = "active",
    **more: Any,
) -> Received:
    return make("MedicationRequest", id_, status=status, intent="order", authoredOn=day,
                medicationCodeableConcept={"text": name}, dosageInstruction=[{"text": dose, **more}])  # fmt: skip


def problem(make: Make, id_: str, name: str, **more: Any) -> Received:
    return make("Condition", id_, code={"text": name}, **more)


M, OFFICE = "Elena Martinez, MD", "Lakeside Pulmonology"


@pytest.fixture
def life(store: Store, received: Make) -> Store:
    """Years with Dr. Martinez, who sees what `office` tells; and what happened elsewhere since."""
    office, hospital = store.sources.ensure("office").key, store.sources.ensure("hospital").key
    mine = store.sources.ensure("self", "person").key
    r = received
    store.save(
        office,
        [
            r("Patient", "p", name=[{"text": "Ada Example"}], birthDate="1970-01-02"),
            meeting(r, "e1", "2024-09-01", M, OFFICE),
            meeting(r, "e2", LAST, M, OFFICE),
            meeting(r, "off", "2025-12-01", M, OFFICE, "cancelled"),
            meeting(r, "later", "2026-05-05", M, OFFICE, "planned"),
            r("EpisodeOfCare", "ep", status="active", period={"start": "2025-11-01"},
              careManager={"display": M}, managingOrganization={"display": OFFICE}),
            meeting(r, "refill", "2025-12-20", M, OFFICE, type=[{"text": "Refill"}]),
            booked(r, "a0", "2025-12-24T09:00:00Z", M, "noshow"),
            booked(r, "a1", "2026-03-05T09:00:00Z", M),
            booked(r, "a2", "2026-03-04T09:00:00Z", M, "cancelled"),
            booked(r, "a3", "2026-03-03T09:00:00Z", "Grace Lee, MD"),
            lab(r, "fev", LAST, "20150-9", 2.0, encounter={"reference": "Encounter/e2"}),
            lab(r, "same-day", LAST, "111-1", 99),
            lab(r, "old", "2025-01-01", "222-2", 99),
            drug(r, "d-old", "2024-01-01", "Prednisone 10 MG Oral Tablet", "10 mg a day"),
            drug(r, "d-same", "2024-02-01", "Albuterol 90 mcg inhaler", "2 puffs as needed"),
            problem(r, "copd", "Emphysema", onsetDateTime="2015"),
            r("Immunization", "rec-no", status="not-done", vaccineCode={"text": "Shingles"},
              occurrenceDateTime="2025-10-10"),
        ],
    )  # fmt: skip
    store.save(
        hospital,
        [
            r("Patient", "p", name=[{"text": "Ada Example"}], birthDate="1970-01-02"),
            meeting(r, "stay", "2025-11-11", "Grace Lee, MD", "City Hospital", **{"class": {"code": "IMP"}}),
            meeting(r, "er-off", "2025-11-12", "Grace Lee, MD", "City Hospital", "entered-in-error"),
            lab(r, "high", "2025-11-11", "333-3", 42),
            lab(r, "normal", "2025-11-11", "444-4", 5),
            lab(r, "fev-new", "2025-11-11", "20150-9", 1.7),
            lab(r, "late", "2025-09-01", "555-5", 77, issued="2025-09-20T08:00:00Z"),
            lab(r, "intime", "2025-09-01", "666-6", 77, issued="2025-09-02T08:00:00Z"),
            lab(r, "that-day", LAST, "777-7", 88),
            problem(r, "pe", "Pulmonary embolism", onsetDateTime="2025-11-11"),
            problem(r, "emph", "Emphysema", onsetDateTime="2025-11-11"),
            problem(r, "no", "Lung cancer", onsetDateTime="2025-11-12",
                    verificationStatus={"coding": [{"code": "refuted"}]}),
            problem(r, "found-late", "Nodule", onsetDateTime="2025-06", recordedDate="2025-11-13"),
            problem(r, "over", "Pneumonia", onsetDateTime="2025-08-20", abatementDateTime="2025-10-01"),
            problem(r, "older", "Appendicitis", onsetDateTime="1999"),
            r("AllergyIntolerance", "al", code={"text": "Heparin"}, recordedDate="2025-11-12"),
            r("AllergyIntolerance", "al-old", code={"text": "Latex"}, recordedDate="2010-01-01"),
            drug(r, "apix", "2025-11-12", "Apixaban 5 MG Oral Tablet", "5 mg twice a day"),
            drug(r, "pred20", "2025-11-12", "predniSONE 20 MG Oral Tablet", "20 mg a day"),
            drug(r, "again", "2025-11-12", "Albuterol 90 mcg inhaler", "2 puffs as needed"),
            drug(r, "stop", "2025-01-05", "Roflumilast 500 mcg tablet", status="stopped",
                 timing={"repeat": {"boundsPeriod": {"start": "2025-01-05", "end": "2025-11-11"}}}),
            drug(r, "stop-old", "2024-01-05", "Theophylline 200 mg", status="stopped",
                 timing={"repeat": {"boundsPeriod": {"start": "2024-01-05", "end": "2024-11-11"}}}),
            r("Procedure", "br", status="completed", code={"text": "Bronchoscopy"}, performedDateTime="2025-11-12"),
            r("Procedure", "br-no", status="not-done", code={"text": "Lung biopsy"}, performedDateTime="2025-11-12"),
            r("Immunization", "flu", status="completed", vaccineCode={"text": "Influenza"}, occurrenceDateTime="2025-10-09"),
            r("DocumentReference", "dl", status="current", type={"text": "Discharge letter"}, date="2025-11-14T00:00:00Z",
              content=[{"attachment": {"title": "Discharge letter"}}]),
            r("ImmunizationRecommendation", "ir", date="2025-12-01",
              recommendation=[{"vaccineCode": [{"text": "Zoster"}], "forecastStatus": {"coding": [{"code": "due"}]}}]),
            r("ServiceRequest", "planned", status="active", intent="order", code={"text": "CT in a year"},
              occurrenceDateTime="2026-11"),
        ],
    )  # fmt: skip
    store.save(mine, [lab(r, "home", "2026-01-15", "888-8", 50)])
    return store


@pytest.fixture
def seen(life: Store) -> Visit:
    return visit(life, "Dr. Martinez", Selection())


def resources(found: Visit) -> set[str]:
    return {event["resource"] for events in found.news.events.values() for event in events}


NEW = """
    Encounter/stay Observation/high Observation/fev-new Observation/late Observation/that-day Condition/pe
    Condition/found-late AllergyIntolerance/al MedicationRequest/apix Procedure/br Immunization/flu DocumentReference/dl
    Observation/home
""".split()
OLD = """
    Encounter/e1 Encounter/e2 Encounter/off Encounter/later Encounter/refill Encounter/er-off EpisodeOfCare/ep
    Appointment/a0 Appointment/a1 Observation/fev Observation/same-day Observation/old Observation/normal
    Observation/intime Condition/copd Condition/emph Condition/no Condition/older AllergyIntolerance/al-old
    MedicationRequest/d-old MedicationRequest/again MedicationRequest/stop-old Procedure/br-no Immunization/rec-no
    ImmunizationRecommendation/ir ServiceRequest/planned
""".split()


@pytest.mark.parametrize("resource", NEW)
def test_what_came_since_the_last_visit_is_new(seen: Visit, resource: str) -> None:
    assert resource in resources(seen)


@pytest.mark.parametrize("resource", OLD)
def test_what_they_know_or_what_never_was_is_not_new(seen: Visit, resource: str) -> None:
    assert resource not in resources(seen)


def test_the_last_visit_is_the_one_that_took_place(seen: Visit) -> None:
    assert seen.last is not None and seen.last["resource"] == "Encounter/e2"
    assert seen.since == LAST


def test_the_next_appointment_is_the_one_that_stands(seen: Visit, life: Store) -> None:
    assert seen.next is not None and seen.next["date"] == "2026-03-05T09:00:00Z"
    assert seen.next["event"]["resource"] == "Appointment/a1"
    said = visit(life, "Martinez", Selection(), on=date(2026, 3, 9)).next
    assert said is not None and (said["date"], said["from"]) == ("2026-03-09", "you")
    assert said["appointment_on"] == "2026-03-05T09:00:00Z"


def test_without_a_name_it_is_for_the_next_appointment_of_all(life: Store) -> None:
    assert visit(life, None, Selection()).whom.name == "Grace Lee, MD"


def test_changes_of_what_they_know_are_told_apart(seen: Visit) -> None:
    told = {one["resource"]: one for one in seen.news.changed}
    assert set(told) == {"MedicationRequest/pred20", "MedicationRequest/stop", "Condition/over"}
    dose, stopped = told["MedicationRequest/pred20"], told["MedicationRequest/stop"]
    assert dose["change"] == "dose" and "10 mg" in dose["before"]
    assert (stopped["change"], stopped["on"]) == ("stopped", "2025-11-11")
    assert told["Condition/over"]["change"] == "over"


def test_a_result_that_is_followed_stands_beside_the_one_they_know(seen: Visit) -> None:
    fev = next(one for one in seen.news.events["lab_result"] if one["resource"] == "Observation/fev-new")
    assert fev["before"]["value"] == 2 and fev["before"]["date"] == LAST
    assert seen.news.normal == 1


def test_what_their_source_does_not_tell_is_counted_by_kind_and_source(seen: Visit) -> None:
    told = seen.not_there
    assert told.known and told.sources == ("office",) and told.others == ("hospital", "self")
    assert told.counts["lab_result"] == {"hospital": 6, "self": 1}
    assert told.total == sum(number for by in told.counts.values() for number in by.values())
    named = {event["resource"] for event in told.events}
    assert {"Condition/older", "AllergyIntolerance/al-old", "Procedure/br", "Encounter/stay"} <= named
    assert all("office" not in event["sources"] for event in told.events)


def test_where_their_source_is_not_known_the_page_says_so(life: Store, received: Make) -> None:
    life.save(
        life.sources.ensure("hospital").key,
        [
            received(
                "CareTeam", "t", status="active", participant=[{"member": {"display": "Olga Petrova, MD"}}]
            )
        ],
    )
    told = visit(life, "Petrova", Selection())
    assert told.last is None and told.since is None
    assert told.not_there.document() | {"events": []} == {
        "known": False, "sources": [], "other_sources": [], "kinds": {}, "total": 0, "counts": {}, "events": [],
    }  # fmt: skip


def test_who_knows_nothing_yet_is_told_what_stands(life: Store, received: Make) -> None:
    life.save(
        life.sources.ensure("hospital").key,
        [booked(received, "first", "2026-04-01T09:00:00Z", "Ida Roe, MD")],
    )
    told = visit(life, "Roe", Selection())
    assert told.last is None
    names = {event["title"] for event in told.news.events["medication"]}
    assert "Theophylline 200 mg" not in names and len(names) == 3  # one of the two strengths
    assert {"Emphysema", "Appendicitis"} <= {event["title"] for event in told.news.events["problem"]}


def test_a_day_that_the_person_says_stands_for_the_last_visit(life: Store) -> None:
    told = visit(life, "Martinez", Selection(since="2026"))
    assert told.since == "2026" and resources(told) == {"Observation/home"}
    assert told.last is not None  # it was when it was


def test_a_selection_narrows_the_page(life: Store) -> None:
    told = visit(life, "Martinez", Selection(kinds=("problem",)))
    assert set(told.news.events) == {"problem"} and set(told.not_there.counts) == {"problem"}
    assert told.last is not None and told.next is not None


def test_what_was_marked_as_private_is_not_on_it(life: Store) -> None:
    row = life.db.execute("SELECT id FROM record WHERE title = 'Pulmonary embolism'").fetchone()
    life.own.correct(row[0], {"sensitivity": "restricted"})
    told = visit(life, "Martinez", Selection(), private=True)
    assert "Condition/pe" not in resources(told)
    assert "Condition/pe" not in {event["resource"] for event in told.not_there.events}
    assert told.withheld == 1
    assert "Condition/pe" in resources(visit(life, "Martinez", Selection(sensitivity="restricted")))


def test_what_a_known_source_sent_later_is_new_though_it_is_old(life: Store, received: Make) -> None:
    life.db.execute("UPDATE source SET created = '2024-01-01T00:00:00Z'")
    life.db.execute("UPDATE resource SET first_seen = '2025-01-01T00:00:00Z'")
    life.save(
        life.sources.ensure("hospital").key,
        [
            received(
                "Procedure",
                "released",
                status="completed",
                code={"text": "Angiogram"},
                performedDateTime="2025-07-01",
            )
        ],
    )
    told = visit(life, "Martinez", Selection())
    event = next(one for one in told.news.events["procedure"] if one["resource"] == "Procedure/released")
    assert event["new_because"] == "arrived"
    assert "Observation/intime" not in resources(told)


def test_a_medicine_that_the_source_says_otherwise_now_has_changed(life: Store, received: Make) -> None:
    life.db.execute(
        "UPDATE resource SET first_seen = '2025-01-01T00:00:00Z', changed = '2025-01-01T00:00:00Z'"
    )
    life.save(
        life.sources.ensure("office").key,
        [drug(received, "d-same", "2024-02-01", "Albuterol 90 mcg inhaler", "4 puffs a day")],
    )
    told = [
        one
        for one in visit(life, "Martinez", Selection()).news.changed
        if one["resource"] == "MedicationRequest/d-same"
    ]
    assert told and (told[0]["change"], told[0]["before"]) == ("dose", "2 puffs as needed")


def test_questions_for_them_and_for_anybody_stand_on_it(life: Store) -> None:
    life.questions.ask("Stop the inhaler?", "Dr. Martines")
    life.questions.ask("And the knee?", "Dr. Lee")
    life.questions.ask("Is it inherited?")
    done = life.questions.ask("Old?", "Dr. Martinez")
    life.questions.answer(done.id, "No")
    told = visit(life, "Martinez", Selection()).questions
    assert [one.text for one in told] == ["Stop the inhaler?", "Is it inherited?"]


def test_a_note_that_asks_is_for_the_person_alone(life: Store) -> None:
    row = life.db.execute("SELECT id FROM record WHERE title = 'Nodule'").fetchone()
    life.own.note(row[0], "Is this dangerous?")
    mine = visit(life, "Martinez", Selection(), private=True)
    assert [one["text"] for one in mine.own_notes] == ["Is this dangerous?"]
    assert "dangerous" not in str(mine.document())
    assert visit(life, "Martinez", Selection()).own_notes == []


@pytest.mark.parametrize("room", [30, 16, 8, 4])
def test_the_page_has_no_more_rows_than_there_is_room_for(seen: Visit, room: int) -> None:
    shown = page(seen, room)
    rows = sum(len(section.rows) for section in shown.new)
    assert rows + len(shown.there) + len(shown.questions) <= max(room, 6)
    for section in shown.new:
        most = len(seen.news.changed) if section.kind == "changed" else seen.news.counts[section.kind]
        assert len(section.rows) + section.more == most


def test_the_most_important_stays_where_there_is_little_room(seen: Visit) -> None:
    kinds = [section.kind for section in page(seen, 8).new if section.rows]
    assert kinds[:2] == ["allergy", "problem"]


def test_somebody_unknown_needs_a_day_to_begin_with(life: Store) -> None:
    with pytest.raises(UsageError, match="Nobody"):
        visit(life, "Dr. Zabriskie", Selection())
    told = visit(life, "Dr. Zabriskie", Selection(since="2025-11"))
    assert told.whom.by == "nobody" and "Condition/pe" in resources(told)


def test_an_office_without_visits_in_the_record_takes_a_kept_appointment(
    store: Store, received: Make
) -> None:
    key = store.sources.ensure("office").key
    store.save(key, [booked(received, "a", "2025-08-01T09:00:00Z", M, "fulfilled"),
                     booked(received, "b", "2025-12-01T09:00:00Z", M, "noshow"),
                     booked(received, "c", "2025-12-02T09:00:00Z", M, "booked")])  # fmt: skip
    told = visit(store, "Martinez", Selection())
    assert told.last is not None and told.last["resource"] == "Appointment/a"


def test_a_visit_in_the_same_house_with_somebody_else_does_not_count(store: Store, received: Make) -> None:
    key = store.sources.ensure("hospital").key
    store.save(key, [meeting(received, "1", "2025-01-01", M, "City Hospital"),
                     meeting(received, "2", "2025-12-01", "Grace Lee, MD", "City Hospital")])  # fmt: skip
    told = visit(store, "Dr. Martinez", Selection())
    assert told.last is not None and told.last["resource"] == "Encounter/1"
    assert "Encounter/2" in resources(told)
    there = visit(store, "City Hospital", Selection())
    assert there.last is not None and there.last["resource"] == "Encounter/2"
