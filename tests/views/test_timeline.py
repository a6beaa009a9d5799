"""The timeline: order, pages, places, and that a page is read from its index."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from phr.errors import UsageError
from phr.model import Received
from phr.store.store import Store
from phr.views.selection import Selection
from phr.views.timeline import all_events, timeline


def test_timeline_is_newest_first_and_what_has_no_date_stands_at_the_end(life: Store) -> None:
    page = timeline(life)

    found = [event["date"] for event in page.events]
    assert found == ["2022-01-01T09:30:00+01:00", "2022-01-01", "2021-05-05", "2021-02",
                     "2020-06-01T08:00:00Z", "2020-06-01", "2019", None]  # fmt: skip
    assert (page.total, page.earliest, page.latest) == (8, "2019", "2022-01-01T09:30:00+01:00")


def test_people_and_places_are_not_events_even_when_other_is_asked_for(life: Store) -> None:
    assert not [event for event in timeline(life).events if event["resource"].startswith("P")]
    assert timeline(life, Selection(kinds=("other",))).total == 0


def test_pages_give_every_event_once_and_in_the_same_order(life: Store) -> None:
    whole = [event["id"] for event in timeline(life).events]
    paged: list[str] = []
    after = None
    for _ in range(20):
        page = timeline(life, limit=3, after=after)
        assert page.total == 8
        paged += [event["id"] for event in page.events]
        after = page.next
        if after is None:
            break

    assert paged == whole
    assert [event["id"] for event in all_events(life)] == whole


def test_a_page_break_inside_the_undated_records_loses_none(
    store: Store, source: str, received: Callable[..., Received]
) -> None:
    store.save(source, [received("Condition", str(n), code={"text": f"C{n}"}) for n in range(5)])

    first = timeline(store, limit=2)
    second = timeline(store, limit=2, after=first.next)
    third = timeline(store, limit=2, after=second.next)

    titles = [event["title"] for page in (first, second, third) for event in page.events]
    assert titles == ["C4", "C3", "C2", "C1", "C0"]
    assert third.next is None


def test_a_record_saved_between_two_pages_moves_nothing(
    life: Store, received: Callable[..., Received]
) -> None:
    whole = [event["id"] for event in timeline(life).events]
    first = timeline(life, limit=4)
    clinic = next(s.key for s in life.sources.all() if s.name == "clinic")
    life.save(clinic, [received("Condition", "new", code={"text": "New"}, onsetDateTime="2025")])
    second = timeline(life, limit=10, after=first.next)

    assert [event["id"] for event in first.events + second.events] == whole


def test_a_result_shows_where_its_visit_was_as_its_own_source_tells_it(life: Store) -> None:
    by_date = {event["date"]: event for event in timeline(life, Selection(kinds=("lab_result",))).events}

    assert by_date["2020-06-01T08:00:00Z"]["facility"] == "Village Clinic"
    assert by_date["2020-06-01T08:00:00Z"]["performer"] == "Dr. Who"
    assert by_date["2022-01-01T09:30:00+01:00"]["facility"] == "General"
    assert by_date["2021-02"]["facility"] is None


def test_an_event_has_the_keys_and_types_that_scripts_rely_on(life: Store) -> None:
    life.db.execute("INSERT INTO tag SELECT id, 'knee' FROM resource WHERE fhir_id = 'o1' AND source_id = 1")
    event = timeline(life, Selection(tags=("knee",))).events[0]

    assert isinstance(event["id"], str)
    assert (event["kind"], event["precision"], event["value"], event["unit"]) == (
        "lab_result", "second", 13.5, "g/dL",
    )  # fmt: skip
    assert event["codes"] == [{"system": "http://loinc.org", "code": "718-7", "display": "Hemoglobin"}]
    assert (event["resource"], event["sources"], event["tags"]) == ("Observation/o1", ["clinic"], ["knee"])
    asked = (
        "id kind date precision recorded title description value unit low high abnormal status category codes"
        " facility performer sources origin sensitivity resource tags"
    )
    assert set(asked.split()) <= set(event)


def test_a_value_that_is_not_a_plain_number_stays_text(
    store: Store, source: str, received: Callable[..., Received]
) -> None:
    quantities = ({"value": 5, "comparator": "<", "unit": "mg"}, {"value": 1.20, "unit": "mg"})
    store.save(
        source,
        [
            received(
                "Observation", str(n), code={"text": "X"}, valueQuantity=quantity, effectiveDateTime="2020"
            )
            for n, quantity in enumerate(quantities)
        ],
    )

    values = [event["value"] for event in timeline(store).events]
    assert values[0] == 1.2
    assert isinstance(values[1], str)
    assert "5" in values[1]
    assert "<" in values[1]


def test_a_cursor_that_is_none_is_a_usage_error(life: Store) -> None:
    for cursor in ("x", "####", "YWJj", "ä"):
        with pytest.raises(UsageError):
            timeline(life, limit=2, after=cursor)


def test_limit_zero_still_says_how_many_there_are(life: Store) -> None:
    page = timeline(life, limit=0)

    assert (page.total, page.events) == (8, [])


def test_an_empty_record_has_an_empty_timeline(store: Store) -> None:
    assert timeline(store, limit=50).document() == {
        "schema": 1,
        "total": 0,
        "date_range": {"earliest": None, "latest": None},
        "milestones": [],
        "events": [],
        "next": None,
    }


def test_the_ids_of_a_page_come_from_the_date_index_without_sorting(life: Store) -> None:
    statements: list[str] = []
    life.db.set_trace_callback(statements.append)
    timeline(life, Selection(kinds=("lab_result",), since="2020"), limit=2, after="MTYwMDAwMDAwMDo5")
    life.db.set_trace_callback(None)

    paging = [one for one in statements if "ORDER BY record.date_from DESC" in one]
    assert paging
    plan = [row[3] for row in life.db.execute(f"EXPLAIN QUERY PLAN {paging[0]}")]
    assert any("record_by_date" in step for step in plan)
    assert not any("TEMP B-TREE" in step for step in plan)
