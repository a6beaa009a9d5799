"""What belongs together on a page: each event once, visits and panels at the head of what is theirs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from phr.model import Received
from phr.store.store import Store
from phr.views import gather
from phr.views.selection import EVERYTHING, Selection
from phr.views.timeline import timeline

Make = Callable[..., Received]


def visit(make: Make, id_: str, start: str, end: str | None = None) -> Received:
    period = {"start": start, **({"end": end} if end else {})}
    return make("Encounter", id_, status="finished", period=period, type=[{"text": f"Visit {id_}"}])


def result(make: Make, id_: str, date: str | None, **more: Any) -> Received:
    when = {"effectiveDateTime": date} if date else {}
    return make(
        "Observation", id_, status="final", category=[{"coding": [{"code": "laboratory"}]}], code={"text": id_},
        valueQuantity={"value": 1, "unit": "g/L"}, **when, **more,
    )  # fmt: skip


def inside(id_: str) -> dict[str, Any]:
    return {"encounter": {"reference": f"Encounter/{id_}"}}


def tree(store: Store, selection: Selection = EVERYTHING, **page: Any) -> list[str]:
    """The page as indented addresses; `+` marks a heading that is said again."""
    found = timeline(store, selection, **page)
    shown = gather.gathered(store.db, found.events, found.selected)
    own = [one.event["id"] for one in shown if not one.again]
    assert sorted(own) == sorted(event["id"] for event in found.events), "each event once"
    return ["  " * one.depth + one.event["resource"] + ("+" if one.again else "") for one in shown]


def test_what_happened_in_a_visit_stands_beneath_it(store: Store, source: str, received: Make) -> None:
    store.save(
        source,
        [
            visit(received, "v", "2024-03-01", "2024-03-08"),
            result(received, "early", "2024-03-02", **inside("v")),
            result(received, "late", "2024-03-07T10:00:00Z", **inside("v")),
            result(received, "between", "2024-03-05"),
            result(received, "after", "2024-03-20"),
        ],
    )

    assert tree(store) == [
        "Observation/after",
        "Observation/between",
        "Encounter/v",
        "  Observation/late",
        "  Observation/early",
    ]


def test_a_visit_that_heads_two_pages_says_on_the_first_that_more_comes(
    store: Store, source: str, received: Make
) -> None:
    store.save(
        source,
        [
            visit(received, "v", "2024-03-01", "2024-03-08"),
            result(received, "a", "2024-03-04", **inside("v")),
            result(received, "b", "2024-03-03", **inside("v")),
        ],
    )

    def heads(**page: Any) -> list[tuple[bool, bool]]:
        found = timeline(store, limit=2, **page)
        shown = gather.gathered(store.db, found.events, found.selected)
        return [(one.again, one.later) for one in shown if one.event["kind"] == "encounter"]

    assert heads() == [(True, True)]
    assert heads(after=timeline(store, limit=2).next) == [(False, False)]


def test_a_panel_keeps_its_results_in_its_own_order(store: Store, source: str, received: Make) -> None:
    day = "2024-03-01T10:00:00Z"
    listed = [{"reference": "Observation/b"}, {"reference": "Observation/a"}, {"reference": "#inside"}]
    store.save(
        source,
        [
            visit(received, "v", "2024-03-01"),
            received("DiagnosticReport", "r", status="final", code={"text": "Panel"}, effectiveDateTime=day,
                     result=listed, **inside("v")),
            result(received, "a", day, **inside("v")),
            result(received, "b", day, **inside("v")),
            result(received, "alone", day, **inside("v")),
        ],
    )  # fmt: skip

    assert tree(store) == [
        "Encounter/v",
        "  DiagnosticReport/r",
        "    Observation/b",
        "    Observation/a",
        "  Observation/alone",
    ]


def test_a_page_that_begins_inside_a_visit_or_a_panel_heads_it_again(
    store: Store, source: str, received: Make
) -> None:
    day = "2024-03-01T10:00:00Z"
    results = [result(received, f"o{n}", day, **inside("v")) for n in range(6)]
    listed = [{"reference": f"Observation/o{n}"} for n in range(6)]
    store.save(
        source,
        [
            visit(received, "v", "2024-03-01T08:00:00Z"),
            *results,
            received("DiagnosticReport", "r", status="final", code={"text": "Panel"}, effectiveDateTime=day,
                     result=listed, **inside("v")),
        ],
    )  # fmt: skip

    pages, after = [], None
    while True:
        pages.append(tree(store, limit=3, after=after))
        after = timeline(store, limit=3, after=after).next
        if after is None:
            break
    assert pages[0] == ["Encounter/v+", "  DiagnosticReport/r", "    Observation/o4", "    Observation/o5"]
    assert pages[1][:2] == ["Encounter/v+", "  DiagnosticReport/r+"]
    assert pages[2][0] == "Encounter/v"
    own = [line.strip() for page in pages for line in page if not line.endswith("+")]
    assert len(own) == len(set(own)) == 8


def test_a_visit_that_was_not_asked_for_heads_nothing(store: Store, source: str, received: Make) -> None:
    store.save(
        source, [visit(received, "v", "2024-03-01"), result(received, "o", "2024-03-01", **inside("v"))]
    )
    assert tree(store, Selection(kinds=("lab_result",))) == ["Observation/o"]


def test_the_same_id_at_another_hospital_is_another_visit(store: Store, received: Make) -> None:
    for name in ("one", "two"):
        key = store.sources.ensure(name).key
        store.save(
            key, [visit(received, "1", "2024-03-01"), result(received, name, "2024-03-01", **inside("1"))]
        )

    found = timeline(store)
    shown = gather.gathered(store.db, found.events, found.selected)
    pairs = [(one.depth, tuple(one.event["sources"])) for one in shown]
    assert pairs == [(0, ("two",)), (1, ("two",)), (0, ("one",)), (1, ("one",))]


@pytest.mark.parametrize("onset", ["1999", "2019-05-01"])
def test_a_problem_noted_in_a_visit_stays_where_it_began(
    store: Store, source: str, received: Make, onset: str
) -> None:
    problem = received("Condition", "c", code={"text": "Gout"}, onsetDateTime=onset, **inside("v"))
    store.save(source, [visit(received, "v", "2024-03-01"), problem])
    assert tree(store) == ["Encounter/v", "Condition/c"]


def test_a_course_of_care_of_many_months_gathers_nothing(store: Store, source: str, received: Make) -> None:
    store.save(
        source,
        [
            visit(received, "v", "2023-01-01", "2023-12-31"),
            result(received, "o", "2023-11-01", **inside("v")),
        ],
    )
    assert tree(store) == ["Observation/o", "Encounter/v"]


def test_what_has_no_date_follows_its_visit_only_where_that_is_on_the_page(
    store: Store, source: str, received: Make
) -> None:
    store.save(source, [visit(received, "v", "2024-03-01"), result(received, "o", None, **inside("v"))])
    assert tree(store) == ["Encounter/v", "  Observation/o"]
    first = timeline(store, limit=1)
    assert tree(store, limit=1, after=first.next) == ["Observation/o"]


def test_a_panel_without_a_date_stands_where_its_newest_result_does(
    store: Store, source: str, received: Make
) -> None:
    listed = [{"reference": "Observation/a"}, {"reference": "Observation/b"}]
    store.save(
        source,
        [
            received("DiagnosticReport", "r", status="final", code={"text": "Panel"}, result=listed),
            result(received, "a", "2024-03-01"),
            result(received, "b", "2024-04-01"),
            result(received, "alone", "2024-03-15"),
            result(received, "undated", None),
        ],
    )
    assert tree(store) == [
        "DiagnosticReport/r",
        "  Observation/a",
        "  Observation/b",
        "Observation/alone",
        "Observation/undated",
    ]


def test_panels_that_name_each_other_in_a_circle_are_shown_once_each(
    store: Store, source: str, received: Make
) -> None:
    def panel(id_: str, member: str) -> Received:
        members = [{"reference": f"Observation/{member}"}]
        return received("Observation", id_, code={"text": id_}, effectiveDateTime="2024", hasMember=members)

    store.save(source, [panel("a", "b"), panel("b", "a"), panel("c", "c")])
    assert sorted(line.strip() for line in tree(store)) == ["Observation/a", "Observation/b", "Observation/c"]


def test_years_months_and_days_never_turn_back_whatever_the_time_zone(
    store: Store, source: str, received: Make
) -> None:
    dates = [
        "2024-04-01",
        "2024-03-31T23:30:00-05:00",
        "2024-04-01T00:10:00+14:00",
        "2024-03",
        "2024",
        "2023-12-31",
    ]
    store.save(source, [result(received, f"o{n}", date) for n, date in enumerate(dates)])
    shown = [str(one.event["date"])[:10] for one in gather.flat(timeline(store).events)]
    assert shown == ["2024-04-01", "2024-04-01", "2024-03-31", "2024-03", "2024", "2023-12-31"]
