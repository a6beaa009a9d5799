"""What lies ahead: what a source says with a day stands on that day, and nothing else does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from phr.model import Connection, Received
from phr.store.store import Store
from phr.views.due import Agenda, Due, agenda
from phr.views.selection import EVERYTHING, Selection

Make = Callable[..., Received]
# the clock of the store stands at 2026-03-01T00:00:00Z, a Sunday
WHO = [{"actor": {"display": "Elena Martinez, MD", "reference": "Practitioner/m"}}]
IV = {"coding": [{"system": "http://snomed.info/sct", "code": "47625008", "display": "Intravenous route"}]}


def booked(
    make: Make, id_: str, start: str | None, status: str = "booked", words: str = "Lung review"
) -> Received:
    when = {"start": start} if start else {}
    return make("Appointment", id_, status=status, description=words, participant=WHO, **when)


def infusion(make: Make, id_: str, timing: dict[str, Any], status: str = "active", **more: Any) -> Received:
    return make("MedicationRequest", id_, status=status, intent="order", authoredOn="2025-11-03",
                medicationCodeableConcept={"text": "Prolastin-C"},
                dosageInstruction=[{"timing": timing, "route": IV, **more}])  # fmt: skip


def given(make: Make, id_: str, day: str) -> Received:
    return make("MedicationAdministration", id_, status="completed", effectiveDateTime=day,
                medicationCodeableConcept={"text": "Prolastin-C"})  # fmt: skip


def vaccine(make: Make, id_: str, state: str, *dates: tuple[str, str]) -> Received:
    return make("ImmunizationRecommendation", id_, date="2026-01-01", recommendation=[{
        "vaccineCode": [{"text": "Zoster"}], "forecastStatus": {"coding": [{"code": state}]},
        "dateCriterion": [{"code": {"coding": [{"code": code}]}, "value": value} for code, value in dates]}])  # fmt: skip


EVERY_4 = {
    "repeat": {"frequency": 1, "period": 4, "periodUnit": "wk", "boundsPeriod": {"start": "2025-11-03"}}
}


def found(store: Store, selection: Selection = EVERYTHING) -> Agenda:
    return agenda(store, selection)


def one(store: Store, source: str, *received: Received) -> Due:
    store.save(source, received)
    told = found(store)
    assert len(told.events) == 1, [each.document() for each in told.events]
    return told.events[0]


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("booked", "confirmed"),
        ("pending", "tentative"),
        ("proposed", "tentative"),
        ("cancelled", "cancelled"),
        ("noshow", "cancelled"),
    ],
)
def test_an_appointment_says_how_sure_it_is(
    store: Store, source: str, received: Make, status: str, told: str
) -> None:
    event = one(store, source, booked(received, "a", "2026-03-16T10:00:00-04:00", status))
    assert (event.kind, event.status, event.start) == ("appointment", told, "2026-03-16T10:00:00-04:00")
    assert event.performer == "Elena Martinez, MD" and not event.all_day


@pytest.mark.parametrize(
    ("start", "status"),
    [
        ("2026-02-27T10:00:00Z", "booked"),
        ("2026-02-27T10:00:00Z", "cancelled"),
        ("2025-03-16", "booked"),
        ("2026-03-16T10:00:00Z", "fulfilled"),
    ],
)
def test_what_is_over_is_not_ahead(
    store: Store, source: str, received: Make, start: str, status: str
) -> None:
    store.save(source, [booked(received, "a", start, status)])
    assert found(store).events == [] and found(store).left_out == []


def test_the_past_comes_where_it_is_asked_for(store: Store, source: str, received: Make) -> None:
    store.save(
        source,
        [booked(received, "a", "2026-02-10T10:00:00Z", "fulfilled"), booked(received, "b", "2025-12-10")],
    )
    assert [each.start for each in found(store, Selection(since="2026")).events] == ["2026-02-10T10:00:00Z"]


def test_an_appointment_without_a_day_is_named(store: Store, source: str, received: Make) -> None:
    store.save(source, [booked(received, "a", None, "proposed")])
    told = found(store)
    assert told.events == [] and told.left_out[0].reason == "no day is fixed yet"


@pytest.mark.parametrize(
    ("when", "placed"),
    [
        ("2026-04-02", True),
        ("2026-04-02T09:00:00Z", True),
        ("2026-04", False),
        ("2027", False),
        ("2026-01-02", None),
    ],
)
def test_a_month_is_no_day(store: Store, source: str, received: Make, when: str, placed: bool | None) -> None:
    order = received(
        "ServiceRequest", "s", status="active", intent="order", code={"text": "CT"}, occurrenceDateTime=when
    )
    store.save(source, [order])
    told = found(store)
    assert len(told.events) == (1 if placed else 0)
    assert [each.date for each in told.left_out] == ([when] if placed is False else [])


@pytest.mark.parametrize(
    "more",
    [{"status": "revoked"}, {"status": "completed"}, {"doNotPerform": True}, {"status": "entered-in-error"}],
)
def test_what_is_not_to_be_done_is_not_due(
    store: Store, source: str, received: Make, more: dict[str, Any]
) -> None:
    body = {
        "status": "active",
        "intent": "order",
        "code": {"text": "CT"},
        "occurrenceDateTime": "2026-04-02",
        **more,
    }
    store.save(source, [received("ServiceRequest", "s", **body)])
    assert found(store).events == []


def test_an_infusion_is_counted_from_the_last_one_and_says_so(
    store: Store, source: str, received: Make
) -> None:
    event = one(store, source, infusion(received, "m", EVERY_4), given(received, "g", "2026-02-09T09:00:00Z"))
    assert (event.kind, event.start, event.status) == ("treatment", "2026-03-09", "tentative")
    assert "counted" in (event.description or "") and "2026-02-09" in (event.description or "")


@pytest.mark.parametrize(
    ("timing", "start", "status"),
    [
        ({"event": ["2026-03-20T09:00:00Z"]}, "2026-03-20T09:00:00Z", "confirmed"),
        ({"event": ["2026-01-20", "2026-03-20"]}, "2026-03-20", "confirmed"),
        ({"repeat": {"period": 1, "periodUnit": "wk", "dayOfWeek": ["thu"]}}, "2026-03-05", "tentative"),
        (EVERY_4, "2026-03-23", "tentative"),  # from its begin, 2025-11-03
    ],
)
def test_a_treatment_stands_on_the_day_that_its_timing_says(
    store: Store, source: str, received: Make, timing: dict[str, Any], start: str, status: str
) -> None:
    event = one(store, source, infusion(received, "m", timing))
    assert (event.start, event.status) == (start, status)


@pytest.mark.parametrize(
    ("timing", "more"),
    [
        ({"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}}, {}),
        (EVERY_4, {"asNeededBoolean": True}),
        (EVERY_4, {"route": {"text": "oral"}}),
        ({"repeat": {**EVERY_4["repeat"], "boundsPeriod": {"start": "2025-11-03", "end": "2025-12-31"}}}, {}),
    ],
)
def test_pills_what_is_taken_at_need_and_what_ended_stand_in_no_calendar(
    store: Store, source: str, received: Make, timing: dict[str, Any], more: dict[str, Any]
) -> None:
    store.save(source, [infusion(received, "m", timing, **more)])
    assert found(store).events == []


@pytest.mark.parametrize(
    ("name", "route", "text", "counted"),
    [
        ("Prolastin-C", "IV", "60 mg/kg every week", True),
        ("Prolastin-C", "I.V.", None, True),
        ("Dupilumab", "SubQ", None, True),
        ("Methotrexate", "SC", None, True),
        ("Vitamin B12", "im", None, True),
        ("Prolastin-C", None, "60 mg/kg IV every week", True),
        ("Vitamin B12", None, "1 mg i.m. every week", False),  # `im` stands in sentences of other languages
        ("Vitamin B12", None, "1 mg IM every week", True),
        ("alpha-1 proteinase inhibitor infusion", None, None, True),
        ("Ondansetron injection", "oral", "before the infusion comes a pill", True),
        ("Iron infusion", "oral", None, False),
        ("Alendronate", None, "1 Tablette im Stehen", False),
        ("Alendronate", "PO", "weekly", False),
    ],
)
def test_what_goes_in_by_a_needle_is_known_by_its_route_its_words_or_its_name(
    store: Store, source: str, received: Make, name: str, route: str | None, text: str | None, counted: bool
) -> None:
    weekly = {
        "repeat": {"frequency": 1, "period": 1, "periodUnit": "wk", "boundsPeriod": {"start": "2026-02-04"}}
    }
    dosage = (
        {"timing": weekly} | ({"route": {"text": route}} if route else {}) | ({"text": text} if text else {})
    )
    store.save(source, [received("MedicationRequest", "m", status="active", intent="order", authoredOn="2026-02-01",
                                 medicationCodeableConcept={"text": name}, dosageInstruction=[dosage])])  # fmt: skip
    assert [each.start for each in found(store).events] == (["2026-03-04"] if counted else [])


@pytest.mark.parametrize(
    ("start", "minutes", "end"),
    [
        ("2026-03-16T10:00:00-04:00", 45, "2026-03-16T10:45:00-04:00"),
        ("2026-03-16T23:30:00Z", 60, "2026-03-17T00:30:00+00:00"),
        ("2026-03-16", 45, None),
        ("2026-03-16T10:00:00Z", 0, None),
        ("2026-03-16T10:00:00Z", -5, None),
        ("2026-03-16T10:00:00Z", 99_999_999, None),
        ("2026-03-16T10:00:00Z", "soon", None),
    ],
)
def test_an_appointment_ends_after_its_minutes_where_no_end_is_said(
    store: Store, source: str, received: Make, start: str, minutes: object, end: str | None
) -> None:
    plain = {"status": "booked", "participant": WHO, "start": start, "minutesDuration": minutes}
    assert one(store, source, received("Appointment", "a", **plain)).end == end


def test_a_vaccine_that_is_due_says_nothing_of_the_others(store: Store, source: str, received: Make) -> None:
    due = {"code": {"coding": [{"code": "30980-7"}]}, "value": "2026-04-01"}
    event = one(store, source, received("ImmunizationRecommendation", "v", date="2026-01-01", recommendation=[
        {"vaccineCode": [{"text": "Influenza"}], "forecastStatus": {"coding": [{"code": "due"}]}, "dateCriterion": [due]},
        {"vaccineCode": [{"text": "MMR"}], "forecastStatus": {"coding": [{"code": "complete"}]}},
    ]))  # fmt: skip
    assert (event.title, event.description) == ("Vaccine due: Influenza", None)


@pytest.mark.parametrize(
    ("timing", "last", "why"),
    [
        ({"repeat": {"frequency": 2, "period": 1, "periodUnit": "mo"}}, None, "without a day"),
        (EVERY_4, "2025-04-01", "given last on 2025-04-01"),
    ],
)
def test_a_treatment_without_a_day_is_named(
    store: Store, source: str, received: Make, timing: dict[str, Any], last: str | None, why: str
) -> None:
    store.save(source, [infusion(received, "m", timing), *([given(received, "g", last)] if last else [])])
    told = found(store)
    assert told.events == [] and why in told.left_out[0].reason


def test_an_appointment_for_the_infusion_stands_for_it(store: Store, source: str, received: Make) -> None:
    meeting = booked(received, "a", "2026-03-24T09:00:00Z", words="Prolastin-C infusion")
    event = one(store, source, infusion(received, "m", EVERY_4), meeting)
    assert event.kind == "appointment"


@pytest.mark.parametrize(
    ("state", "dates", "day"),
    [
        ("due", [("30980-7", "2026-04-01")], "2026-04-01"),
        ("due", [("30981-5", "2026-03-05"), ("30980-7", "2026-04-01")], "2026-04-01"),
        ("due", [("30981-5", "2026-03-05")], "2026-03-05"),
        ("due", [("59777-3", "2026-06-01")], None),
        ("immune", [("30980-7", "2026-04-01")], None),
        ("contraindicated", [("30980-7", "2026-04-01")], None),
    ],
)
def test_a_vaccine_is_due_when_a_source_says_so(
    store: Store, source: str, received: Make, state: str, dates: list[tuple[str, str]], day: str | None
) -> None:
    store.save(source, [vaccine(received, "v", state, *dates)])
    events = found(store).events
    assert [each.start for each in events] == ([day] if day else [])
    assert all(each.title == "Vaccine due: Zoster" for each in events)


def test_a_task_stands_on_the_day_it_is_due(store: Store, source: str, received: Make) -> None:
    task = {"intent": "order", "authoredOn": "2026-01-01", "code": {"text": "Fasting blood test"}}
    due = {"restriction": {"period": {"end": "2026-03-10"}}}
    event = one(store, source, received("Task", "t", status="requested", **task, **due),
                received("Task", "done", status="completed", **task, **due))  # fmt: skip
    assert (event.kind, event.start, event.all_day) == ("task", "2026-03-10", True)


def test_a_care_plan_is_due_as_it_is_scheduled(store: Store, source: str, received: Make) -> None:
    def activity(text: str, **more: Any) -> dict[str, Any]:
        return {"detail": {"status": "scheduled", "code": {"text": text}, **more}}

    plan = received("CarePlan", "c", status="active", intent="plan", title="Plan", activity=[
        activity("Walk", scheduledString="daily"),
        activity("Rehab", scheduledPeriod={"start": "2026-03-09", "end": "2026-05-09"}),
        activity("Old", scheduledPeriod={"start": "2025-03-09"}),
        activity("Check", scheduledTiming={"event": ["2026-06-01T08:00:00Z"]}),
        {"detail": {"status": "cancelled", "code": {"text": "No"}, "scheduledPeriod": {"start": "2026-03-09"}}},
    ])  # fmt: skip
    store.save(source, [plan])
    told = found(store)
    assert [(each.title, each.start) for each in told.events] == [
        ("Rehab", "2026-03-09"),
        ("Check", "2026-06-01T08:00:00Z"),
    ]
    assert [each.title for each in told.left_out] == ["Walk"]
    assert len({each.uid for each in told.events}) == 2


@pytest.mark.parametrize(
    ("before", "expires", "state", "idle", "told"),
    [
        ("2026-03-20T10:00:00Z", "2026-03-20T10:00:00Z", "active", None, 1),
        ("2026-03-20T10:00:00Z", "2026-03-01T01:00:00Z", "active", None, 1),
        ("2026-03-20T10:00:00Z", "2026-03-01T01:00:00Z", "active", 720, 0),  # each sync puts it off
        ("2026-03-20T10:00:00Z", None, "revoked", None, 0),
        ("2026-02-20T10:00:00Z", None, "expired", None, 0),
        (None, "2026-03-01T01:00:00Z", "active", None, 0),
    ],
)
def test_a_sign_in_that_ends_stands_on_its_day(
    store: Store, before: str | None, expires: str | None, state: str, idle: int | None, told: int
) -> None:
    store.connections.save(Connection(
        key="k", name="city hospital", provider="x", vendor="epic", organisation="City Hospital",
        fhir_base="https://h.example/fhir", client_id="c", patient_id="p", state=state, connected="2026-01-01T00:00:00Z",
        sign_in_before=before, token_expires=expires,
    ))  # fmt: skip
    events = agenda(store, EVERYTHING, idle=lambda _: idle).events
    assert len(events) == told
    assert all(each.description == "phr reconnect 'city hospital'" for each in events)
    assert agenda(store, Selection(tags=("lungs",))).events == []


def test_an_event_keeps_its_name_and_counts_its_versions(store: Store, source: str, received: Make) -> None:
    first = one(store, source, booked(received, "a", "2026-03-16T10:00:00Z"))
    moved = one(store, source, booked(received, "a", "2026-03-17T10:00:00Z"))
    assert moved.uid == first.uid and moved.sequence == first.sequence + 1
    off = one(store, source, booked(received, "a", "2026-03-17T10:00:00Z", "cancelled"))
    assert (off.uid, off.sequence, off.status) == (first.uid, first.sequence + 2, "cancelled")


def test_a_day_that_is_none_is_not_the_same_as_no_day(store: Store, source: str, received: Make) -> None:
    store.save(
        source, [booked(received, "a", "2026-02-30", words="A"), booked(received, "b", None, words="B")]
    )
    assert {one.title: one.reason for one in found(store).left_out} == {
        "A": "its date cannot be read", "B": "no day is fixed yet"}  # fmt: skip


@pytest.mark.parametrize(
    "repeat",
    [
        {"frequency": 1, "period": 1e308, "periodUnit": "wk"},
        {"frequency": 1, "period": -1, "periodUnit": "wk"},
        {"frequency": 1, "period": 1, "periodUnit": "wk", "dayOfWeek": ["mon"], "boundsPeriod": {"start": "9999-12-31"}},
    ],
)  # fmt: skip
def test_a_rhythm_that_nobody_can_keep_stops_nothing(
    store: Store, source: str, received: Make, repeat: dict[str, Any]
) -> None:
    bounds = {"boundsPeriod": {"start": "2025-11-03"}} | repeat
    store.save(source, [infusion(received, "m", {"repeat": bounds})])
    assert found(store).events == []
