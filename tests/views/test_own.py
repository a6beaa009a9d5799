"""Which record is meant, what is shown of the person's words, and what they may say."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from phr.errors import UsageError
from phr.model import Received
from phr.store.store import Store
from phr.views.own import checked, correctable, record_of, words_of
from phr.views.own_checks import note_text, tag_text
from phr.views.selection import Selection, withheld
from phr.views.timeline import timeline

TODAY = date(2026, 3, 1)
Make = Callable[..., Received]
CODE = {"coding": [{"system": "http://snomed.info/sct", "code": "195967001"}], "text": "Asthma"}


@pytest.fixture
def life(store: Store, received: Make) -> Store:
    for name in ("north", "south"):
        key = store.sources.ensure(name).key
        store.save(
            key,
            [
                received("Condition", f"c-{name}", code=CODE, onsetDateTime="2018-05-03"),
                received("Observation", "same", code={"text": name}, status="final", effectiveDateTime="2020",
                         valueQuantity={"value": 5.4, "unit": "g"}),
            ],
        )  # fmt: skip
    store.matches.settle()
    return store


def test_a_record_is_meant_by_number_by_address_and_by_a_copy(life: Store) -> None:
    shown = int(next(e["id"] for e in timeline(life, Selection()).events if e["title"] == "Asthma"))
    other = next(n for n in (1, 3) if n != shown)

    assert record_of(life, str(other)) == record_of(life, str(shown)) == shown
    assert record_of(life, "Condition/c-south") == record_of(life, "Condition/c-north") == shown
    assert record_of(life, "Observation/same", "south") != record_of(life, "Observation/same", "north")


@pytest.mark.parametrize("ref", ["99", "Condition/x", "asthma", "Observation/same", "9" * 30, ""])
def test_what_means_no_one_record_is_refused(life: Store, ref: str) -> None:
    with pytest.raises(UsageError) as caught:
        record_of(life, ref)
    assert caught.value.hint


def test_a_copy_is_corrected_with_what_is_shown(life: Store) -> None:
    shown = record_of(life, "Condition/c-north")
    life.own.correct(shown, {"date": "2019-05"})

    assert [one["field"] for one in words_of(life.db, shown)["corrections"]] == ["date"]
    assert len(life.own.corrections()) == 1


def test_without_any_words_there_are_none(life: Store) -> None:
    assert words_of(life.db, 1) == {"notes": [], "corrections": [], "bookmarked": False}


def test_only_what_has_a_value_has_one_to_correct(life: Store) -> None:
    assert "value" not in correctable(life, record_of(life, "Condition/c-north"))
    assert correctable(life, record_of(life, "Observation/same", "south"))["value"] == "5.4"


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ({"value": "≤ 5.0"}, {"value": "<=5.0"}),
        ({"date": "2019-05"}, {"date": "2019-05"}),
        ({"date": "last march"}, {"date": "2025-03"}),
        ({"date": "none"}, {"date": None}),
        ({"status": "Entered in error"}, {"status": "entered-in-error"}),
        ({"kind": "vital sign"}, {"kind": "vital_sign"}),
        ({"sensitivity": "normal"}, {"sensitivity": "normal"}),
        ({"title": "  two   words "}, {"title": "two words"}),
    ],
)
def test_what_was_typed_is_kept_in_one_form(life: Store, asked: dict, kept: dict) -> None:
    assert checked(life, record_of(life, "Observation/same", "south"), asked, today=TODAY) == kept


def test_what_is_said_beside_a_correction_and_is_so_already_is_no_error(life: Store) -> None:
    record = record_of(life, "Observation/same", "south")
    there = correctable(life, record)
    asked = {"value": "5.1", "unit": there["unit"] or "none"}
    assert checked(life, record, asked, today=TODAY) == {"value": "5.1"}
    life.own.correct(record, {"unit": "g/L"}, None)
    with pytest.raises(UsageError, match="what the source says already: unit"):
        checked(life, record, asked, today=TODAY)


def test_no_refusal_repeats_a_value(life: Store) -> None:
    record = record_of(life, "Observation/same", "south")
    for asked in ({"value": "5.40"}, {"value": "notanumber"}, {"title": "south"}, {"unit": "77"}):
        with pytest.raises(UsageError) as caught:
            checked(life, record, asked, today=TODAY)
        assert not any(word in str(caught.value) for word in ("5.4", "notanumber", "south", "77"))


def test_words_are_cleaned_before_they_are_kept() -> None:
    assert note_text("a\x1b[31m\r\n\tb\u202e ") == "a[31m\n b"
    assert tag_text("  two  words ") == "two words"


def test_own_marks_decide_over_labels(life: Store) -> None:
    record = record_of(life, "Condition/c-north")
    life.own.correct(record, {"sensitivity": "sensitive"})

    assert withheld(life, Selection(marked=False)) == withheld(life, Selection(sensitivity="normal")) == 1
    assert withheld(life, Selection(sensitivity="sensitive")) == withheld(life, Selection()) == 0
    assert timeline(life, Selection(without=(record,))).total == 2
