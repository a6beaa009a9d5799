"""What a selection finds: ranges of partial dates, words, sources, tags, sensitivity."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from phr.errors import UsageError
from phr.model import Received
from phr.store.store import Store
from phr.views.query import full_text_query
from phr.views.selection import Selection, left_out, withheld
from phr.views.timeline import timeline


def _dates(store: Store, selection: Selection) -> list[str | None]:
    return [event["date"] for event in timeline(store, selection).events]


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        ("2021", None, ["2022-01-01T09:30:00+01:00", "2022-01-01", "2021-05-05", "2021-02"]),
        ("2021-02-20", "2021-03", ["2021-02"]),  # February may well mean the 20th
        ("2021-03", "2021", ["2021-05-05"]),
        (None, "2019-06", ["2019"]),
        (None, "2018", []),
        ("2020-06-01", "2020-06-01", ["2020-06-01T08:00:00Z", "2020-06-01"]),
        ("2022-01-01T08:30:01Z", None, ["2022-01-01"]),
    ],
)
def test_a_range_finds_every_record_whose_time_may_lie_in_it(
    life: Store, since: str | None, until: str | None, expected: list[str]
) -> None:
    assert _dates(life, Selection(since=since, until=until)) == expected


def test_undated_records_join_a_range_only_when_asked_and_are_named_otherwise(life: Store) -> None:
    assert _dates(life, Selection(since="2022", include_undated=True))[-1] is None
    assert None not in _dates(life, Selection(since="2022"))
    assert None not in _dates(life, Selection(include_undated=False))
    assert [problem.reason.split()[0] for problem in left_out(life, Selection(since="2022"))] == ["1"]
    assert left_out(life, Selection()) == ()
    assert left_out(life, Selection(since="2022", kinds=("problem",))) == ()


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("arthritis", 1),
        ("arthr", 1),
        ("OST knee", 1),  # accents and case do not matter
        ('"left', 1),
        ("knee AND", 0),
        ("718-7", 4),
        ("hemoglobin OR knee", 0),
        ("NEAR(knee", 0),
        ("title:knee", 0),
        ("*", 0),
        ("-- '", 0),
        ("\0knee", 1),
        ("", 8),
    ],
)
def test_words_that_a_person_types_are_never_a_syntax_error(life: Store, words: str, found: int) -> None:
    assert timeline(life, Selection(search=words)).total == found


def test_only_the_last_word_may_be_a_beginning() -> None:
    assert full_text_query('a "b') == '"a" """b" *'
    assert full_text_query(" -- ") is None


def test_sources_are_names_and_an_unknown_one_is_a_usage_error(life: Store) -> None:
    assert timeline(life, Selection(sources=("hospital",))).total == 3
    assert timeline(life, Selection(sources=("hospital", "clinic"))).total == 8
    with pytest.raises(UsageError, match="nowhere"):
        timeline(life, Selection(sources=("nowhere",)))


def test_all_tags_have_to_be_there(life: Store) -> None:
    life.db.execute("INSERT INTO tag SELECT id, 'a' FROM resource WHERE type = 'Observation'")
    life.db.execute("INSERT INTO tag SELECT id, 'b' FROM resource WHERE fhir_id = 'o2'")

    assert timeline(life, Selection(tags=("a",))).total == 4
    assert timeline(life, Selection(tags=("a", "b"))).total == 1


def test_normal_sensitivity_holds_back_what_is_restricted(life: Store) -> None:
    normal = Selection(sensitivity="normal")

    assert "Private matter" not in [event["title"] for event in timeline(life, normal).events]
    assert timeline(life, Selection(sensitivity="restricted")).total == 8
    assert withheld(life, normal) == 1
    assert withheld(life, Selection()) == 0


@pytest.mark.parametrize(
    "selection",
    [
        Selection(kinds=("lab",)),
        Selection(since="yesterday"),
        Selection(until="2020-13"),
        Selection(sensitivity="x"),
    ],
)
def test_what_makes_no_sense_is_a_usage_error_with_help(selection: Selection) -> None:
    with pytest.raises(UsageError) as caught:
        selection.where()
    assert caught.value.hint


@pytest.mark.parametrize(
    ("since", "until", "found"),
    [
        ("2023-12-31", "2023-12-31", ["late in California"]),
        ("2024-01-01", "2024-01-01", ["early in Japan"]),
        ("2023", "2023", ["late in California"]),
        ("2024", None, ["early in Japan"]),
        (None, "2023-12", ["late in California"]),
        ("2024-01-01T07:00:00Z", None, ["late in California"]),
        (None, "2023-12-31T16:00:00Z", ["early in Japan"]),
        ("20231231", "20231231", ["late in California"]),
    ],
)
def test_a_day_is_the_day_that_the_source_wrote(
    store: Store,
    source: str,
    received: Callable[..., Received],
    since: str | None,
    until: str | None,
    found: list[str],
) -> None:
    for id_, title, when in (
        ("1", "late in California", "2023-12-31T23:50:00-08:00"),
        ("2", "early in Japan", "2024-01-01T00:10:00+09:00"),
    ):
        store.save(
            source,
            [received("Observation", id_, code={"text": title}, effectiveDateTime=when, valueString="x")],
        )
    assert [one["title"] for one in timeline(store, Selection(since=since, until=until)).events] == found
