"""What is to be done: which, by whom, until when, and what is none of it."""

from __future__ import annotations

from datetime import date
from typing import Any

import orjson
import pytest

from phr.errors import UsageError
from phr.model import Received
from phr.store.store import Store
from phr.views.selection import Selection
from phr.views.tasks import tasks

Json = dict[str, Any]
TODAY = date(2026, 3, 1)
ME = {"reference": "Patient/p"}
CVX = {"coding": [{"system": "http://hl7.org/fhir/sid/cvx", "code": "141", "display": "Influenza"}]}


def task(id_: str = "t", status: str = "requested", due: str | None = None, **more: Any) -> Json:
    until = {"restriction": {"period": {"end": due}}} if due else {}
    return {
        "resourceType": "Task", "id": id_, "status": status, "intent": "order", "authoredOn": "2026-02-01",
        "description": f"Task {id_}", "for": ME, "owner": ME, **until, **more,
    }  # fmt: skip


def recommended(status: str, *days: tuple[str, str]) -> Json:
    return {
        "resourceType": "ImmunizationRecommendation", "id": "v", "patient": ME, "date": "2026-01-01",
        "recommendation": [{
            "vaccineCode": [CVX], "forecastStatus": {"coding": [{"code": status}]},
            "dateCriterion": [{"code": {"coding": [{"code": code}]}, "value": day} for code, day in days],
        }],
    }  # fmt: skip


def plan(status: str = "active", **detail: Any) -> Json:
    step = {"status": "scheduled", "description": "Breathing exercises", **detail}
    return {"resourceType": "CarePlan", "id": "cp", "status": status, "intent": "plan", "subject": ME,
            "title": "Lung plan", "activity": [{"detail": step}]}  # fmt: skip


def goal(status: str = "active", due: str | None = "2026-04-01", **more: Any) -> Json:
    target = {"target": [{"dueDate": due}]} if due else {}
    return {"resourceType": "Goal", "id": "g", "lifecycleStatus": status, "description": {"text": "Walk 5 km"},
            "subject": ME, **target, **more}  # fmt: skip


def form(status: str) -> Json:
    return {"resourceType": "QuestionnaireResponse", "id": "q", "status": status, "source": ME,
            "_questionnaire": {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/display",
                                              "valueString": "CAT score"}]}}  # fmt: skip


def send(store: Store, *resources: Json) -> None:
    patient = {"resourceType": "Patient", "id": "p", "name": [{"text": "Ada Example"}]}
    store.save(
        store.sources.ensure("clinic").key,
        [Received(one["resourceType"], one["id"], orjson.dumps(one)) for one in (patient, *resources)],
    )


def found(store: Store, *resources: Json, **more: Any) -> list[Json]:
    send(store, *resources)
    return tasks(store, today=TODAY, **more)["tasks"]


# ── until when (the clock stands at 2026-03-01, midnight UTC) ─────────────────────────────────────

WHEN = [
    ("2026-02-28", "overdue"),
    ("2026-02", "overdue"),
    ("2026-02-28T23:00:00Z", "overdue"),
    ("2026-03-01", "today"),
    ("2026-03-02", "this week"),
    ("2026-03-07", "this week"),
    ("2026-03-08", "later"),
    ("2026-03", "later"),
    ("2026", "later"),
    ("0001-01-01T00:00:00-14:00", "overdue"),
    ("0001-01-01T00:00:00+14:00", "overdue"),
    ("9999-12-31T23:59:60-14:00", "later"),
    ("2026-03-20T10:00:00Zrubbish", "later"),
    ("2026-02-30", "no date"),
    (None, "no date"),
]


@pytest.mark.parametrize(("due", "group"), WHEN)
def test_a_task_stands_under_when_it_is_due(store: Store, due: str | None, group: str) -> None:
    (one,) = found(store, task(due=due))
    assert (one["group"], one["due"], one["overdue"]) == (group, due, group == "overdue")


def test_open_ones_come_by_when_they_are_due_and_done_ones_last(store: Store) -> None:
    dues = {
        "a": "2026-05-01",
        "b": "2026-02-01",
        "c": None,
        "d": "2026-03-01",
        "e": "2025-01-01",
        "f": "2026-03-03",
    }
    send(store, *(task(id_, due=due) for id_, due in dues.items()), task("x", "completed", "2026-01-01"))
    report = tasks(store, today=TODAY)
    assert [one["title"][-1] for one in report["tasks"]] == ["e", "b", "d", "f", "a", "c"]
    assert report["by_group"] == {"overdue": 2, "today": 1, "this week": 1, "later": 1, "no date": 1}
    assert report["done"] == 1
    everything = tasks(store, today=TODAY, done=True)["tasks"]
    assert (everything[-1]["title"], everything[-1]["overdue"]) == ("Task x", False)


@pytest.mark.parametrize(
    ("status", "open_", "words"),
    [
        ("requested", True, "asked for"),
        ("received", True, "received"),
        ("accepted", True, "accepted"),
        ("ready", True, "ready to begin"),
        ("in-progress", True, "under way"),
        ("on-hold", True, "on hold"),
        ("draft", True, "only a draft"),
        ("completed", False, "done"),
        ("cancelled", False, "cancelled"),
        ("rejected", False, "refused"),
        ("failed", False, "could not be done"),
    ],
)
def test_how_it_stands_is_said_in_words(store: Store, status: str, open_: bool, words: str) -> None:
    assert len(found(store, task(status=status))) is int(open_)
    (one,) = tasks(store, done=True, today=TODAY)["tasks"]
    assert one["state"] == words


def test_an_error_is_no_task(store: Store) -> None:
    assert found(store, task(status="entered-in-error"), done=True) == []


@pytest.mark.parametrize(
    ("owner", "yours", "name"),
    [
        (ME, True, "Ada Example"),
        ({"reference": "Practitioner/d", "display": "Dr. Okafor"}, False, "Dr. Okafor"),
        (None, False, None),
    ],
)
def test_whose_it_is(store: Store, owner: Json | None, yours: bool, name: str | None) -> None:
    (one,) = found(store, task(owner=owner))
    assert (one["yours"], one["owner"]) == (yours, name)


def test_who_asked_and_what_for(store: Store) -> None:
    order = {"resourceType": "ServiceRequest", "id": "s", "status": "active", "intent": "order", "subject": ME,
             "code": {"text": "Alpha-fetoprotein"}, "authoredOn": "2026-01-02"}  # fmt: skip
    (one,) = found(
        store,
        order,
        task(
            requester={"display": "Dr. Okafor"},
            focus={"reference": "ServiceRequest/s"},
            reasonCode={"text": "Yearly check"},
            businessStatus={"text": "waiting for the laboratory"},
        ),
    )
    assert one["requester"] == "Dr. Okafor"
    assert one["for"] == "Yearly check; Alpha-fetoprotein (2026-01-02)"
    assert one["state"] == "asked for: waiting for the laboratory"


# ── what is a task by its nature ──────────────────────────────────────────────────────────────────

DUE, EARLIEST, OVERDUE = "30980-7", "30981-5", "59778-1"
OTHERS: dict[str, tuple[Json, tuple[str, str | None] | None]] = {
    "a vaccine that is due": (
        recommended("due", (EARLIEST, "2026-01-01"), (DUE, "2026-04-01")), ("Vaccine: Influenza", "2026-04-01"),
    ),
    "a vaccine that is overdue": (recommended("overdue", (DUE, "2026-01-01")), ("Vaccine: Influenza", "2026-01-01")),
    "a vaccine that is due, nobody says when": (recommended("due"), ("Vaccine: Influenza", None)),
    "a vaccine of which only the end is told": (recommended("eligible", (OVERDUE, "2027-01-01")), None),
    "a vaccine that is complete": (recommended("complete", (DUE, "2026-04-01")), None),
    "a vaccine that must not be given": (recommended("contraindicated", (DUE, "2026-04-01")), None),
    "a form that was begun": (form("in-progress"), ("CAT score", None)),
    "a form that is filled in": (form("completed"), None),
    "a step with a day": (plan(scheduledPeriod={"end": "2026-04-01"}), ("Breathing exercises", "2026-04-01")),
    "a step with moments": (
        plan(scheduledTiming={"event": ["2026-03-05", "2026-04-02"]}), ("Breathing exercises", "2026-04-02"),
    ),
    "a step without a day": (plan(), None),
    "a step that is done": (plan(status="active", scheduledPeriod={"end": "2026-04-01"}) | {"activity": [
        {"detail": {"status": "completed", "description": "x", "scheduledPeriod": {"end": "2026-04-01"}}}]}, None),
    "a step that is not to be done": (plan(scheduledPeriod={"end": "2026-04-01"}, doNotPerform=True), None),
    "a plan that is over": (plan("completed", scheduledPeriod={"end": "2026-04-01"}), None),
    "a goal with a day": (goal(), ("Walk 5 km", "2026-04-01")),
    "a goal without a day": (goal(due=None), None),
    "a goal that was reached": (goal(achievementStatus={"coding": [{"code": "achieved"}]}), None),
    "a goal that was given up": (goal("cancelled"), None),
}  # fmt: skip


@pytest.mark.parametrize("case", OTHERS)
def test_what_else_is_to_be_done(store: Store, case: str) -> None:
    resource, expected = OTHERS[case]
    assert [(one["title"], one["due"]) for one in found(store, resource)] == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("due", "expected"),
    [
        ("2026-03-05", ["a"]),
        ("2026-03", ["a", "b"]),
        ("2026-04-01", ["a", "b", "c"]),
        ("2025", []),
        ("2026-04-29", ["a", "b", "c"]),
        ("2026-04-30", ["a", "b", "c", "m"]),
    ],
)
def test_only_what_is_due_until_then(store: Store, due: str, expected: list[str]) -> None:
    dues = {"a": "2026-03-05", "b": "2026-03-31", "c": "2026-04-01", "m": "2026-04", "z": None}
    titles = [
        one["title"][-1] for one in found(store, *(task(id_, due=day) for id_, day in dues.items()), due=due)
    ]
    assert titles == expected


def test_a_selection_and_a_limit_hold(store: Store) -> None:
    send(store, task("a"), task("b"), goal())
    assert [one["kind"] for one in tasks(store, Selection(kinds=("goal",)), today=TODAY)["tasks"]] == ["goal"]
    report = tasks(store, today=TODAY, limit=1)
    assert (len(report["tasks"]), report["total"]) == (1, 3)
    with pytest.raises(UsageError):
        tasks(store, Selection(sources=("nowhere",)))
    with pytest.raises(UsageError):
        tasks(store, due="soonish")


def test_what_the_person_corrected_holds(store: Store) -> None:
    send(store, task("a", due="2026-02-01"))
    number = store.db.execute("SELECT id FROM resource WHERE type = 'Task'").fetchone()[0]
    store.own.correct(number, {"end": "2026-05-01"})
    (one,) = tasks(store, today=TODAY)["tasks"]
    assert (one["due"], one["group"]) == ("2026-05-01", "later")
