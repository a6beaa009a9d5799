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


@pytest.mark.parametrize(
    ("selection", "index"),
    [
        (Selection(since="2020"), "record_by_date"),
        (Selection(kinds=("lab_result",), since="2020"), "record_by_kind"),
        (Selection(kinds=("lab_result", "problem")), "record_by_kind"),
        (Selection(sensitivity="normal"), "record_by_date"),
    ],
)
def test_the_ids_of_a_page_come_from_an_index_without_sorting(
    life: Store, selection: Selection, index: str
) -> None:
    statements: list[str] = []
    life.db.set_trace_callback(statements.append)
    timeline(life, selection, limit=2, after="MTYwMDAwMDAwMDo5")
    life.db.set_trace_callback(None)

    paging = [one for one in statements if "ORDER BY record.date_from DESC" in one]
    assert paging
    for one in paging:
        plan = [row[3] for row in life.db.execute(f"EXPLAIN QUERY PLAN {one}")]
        assert any(index in step for step in plan)
        assert not any("TEMP B-TREE" in step for step in plan)


KINDS = ("lab_result", "problem", "encounter")


@pytest.mark.parametrize(
    "selection",
    [
        Selection(),
        Selection(kinds=KINDS),
        Selection(kinds=("problem", "problem")),
        Selection(since="2020"),
        Selection(since="2020-06", until="2021"),
        Selection(since="2019-07"),
        Selection(until="2019"),
        Selection(sources=("clinic",)),
        Selection(sources=("clinic", "hospital"), kinds=("lab_result",)),
        Selection(search="hemoglobin"),
        Selection(search="hemoglobin", kinds=("lab_result",), sources=("hospital",)),
        Selection(sensitivity="normal"),
        Selection(include_undated=False),
        Selection(since="2020", include_undated=True),
    ],
)
def test_a_walk_along_an_index_finds_what_the_selection_says(life: Store, selection: Selection) -> None:
    condition, values = selection.where()
    rows = life.db.execute(
        f"SELECT id, date, date_from FROM record WHERE {condition}"
        " ORDER BY date_from IS NULL, date_from DESC, id DESC",
        values,
    ).fetchall()
    dates = [row[1] for row in rows if row[2] is not None]
    paged: list[str] = []
    after = None
    for _ in range(len(rows) + 1):
        page = timeline(life, selection, limit=1, after=after)
        paged += [event["id"] for event in page.events]
        after = page.next
        if after is None:
            break

    assert paged == [str(row[0]) for row in rows]
    assert [event["id"] for event in all_events(life, selection)] == paged
    assert page.total == len(rows)
    assert (page.earliest, page.latest) == ((dates[-1], dates[0]) if dates else (None, None))
    assert page.selected({int(id_) for id_ in paged} | {10**6}) == {int(id_) for id_ in paged}


def test_a_word_that_many_records_have_is_found_on_the_way(
    life: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = timeline(life, Selection(search="hemoglobin"), limit=2)
    monkeypatch.setattr("phr.views.timeline._RARE", 1)
    many = timeline(life, Selection(search="hemoglobin"), limit=2)

    assert many == few
    assert timeline(life, Selection(search="hemoglobin"), after=few.next).total == few.total
    assert [one["id"] for one in timeline(life, Selection(search="hemoglobin")).events] == [
        one["id"] for one in all_events(life, Selection(search="hemoglobin"))
    ]


def test_counting_stops_where_a_screen_needs_no_more(life: Store) -> None:
    page = timeline(life, Selection(sensitivity="normal"), limit=2, count_to=3)
    assert (page.total, page.counted) == (3, False)
    whole = timeline(life, Selection(sensitivity="normal"), count_to=3)
    assert (whole.total, whole.counted) == (len(whole.events), True)
    assert timeline(life, Selection(sensitivity="normal"), count_to=100).counted


def test_only_what_was_bookmarked_is_shown_when_that_is_asked_for(life: Store) -> None:
    one = next(event for event in timeline(life).events if event["kind"] == "problem")
    assert timeline(life, bookmarked=True).total == 0
    life.db.execute(
        "INSERT INTO bookmark SELECT id, '2026-01-01T00:00:00Z' FROM resource WHERE id = ?", (one["id"],)
    )

    page = timeline(life, bookmarked=True)
    assert [event["id"] for event in page.events] == [one["id"]]
    assert page.events[0]["bookmarked"] is True
    assert [event["id"] for event in all_events(life, bookmarked=True)] == [one["id"]]
