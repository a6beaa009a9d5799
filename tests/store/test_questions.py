"""Questions for an appointment: noted, closed, counted once."""

from __future__ import annotations

import pytest

from phr.errors import UsageError
from phr.store.questions import LONGEST
from phr.store.store import Store


def test_a_question_waits_until_it_is_answered(store: Store) -> None:
    one = store.questions.ask("  Should I\nstop? ", " Dr.  Martinez ")
    store.questions.ask("Anything else?")
    assert (one.text, one.whom) == ("Should I stop?", "Dr. Martinez")
    assert [each.id for each in store.questions.open()] == [1, 2]
    closed = store.questions.answer(1, "Not before winter")
    assert (closed.answered, closed.answer) == (store.now(), "Not before winter")
    assert [each.id for each in store.questions.open()] == [2]
    assert [each.id for each in store.questions.all()] == [2, 1]


def test_the_same_question_is_noted_once(store: Store) -> None:
    first = store.questions.ask("Stop?", "Dr. Lee")
    assert store.questions.ask("stop?", "dr. lee").id == first.id
    assert store.questions.ask("Stop?", "Dr. Roe").id != first.id
    store.questions.answer(first.id)
    assert store.questions.ask("Stop?", "Dr. Lee").id != first.id  # it is asked again


def test_what_was_said_can_be_written_later(store: Store) -> None:
    store.questions.ask("Stop?")
    store.questions.answer(1)
    assert store.questions.answer(1, "Yes").answer == "Yes"
    assert store.questions.answer(1).answer == "Yes"


@pytest.mark.parametrize("text", ["", "   ", "x" * (LONGEST + 1)])
def test_what_is_no_question_is_refused(store: Store, text: str) -> None:
    with pytest.raises(UsageError):
        store.questions.ask(text)
    assert store.questions.all() == []


def test_a_number_that_is_none_is_said_so(store: Store) -> None:
    for call in (store.questions.find, store.questions.answer, store.questions.remove):
        with pytest.raises(UsageError, match="There is no question 7"):
            call(7)


def test_a_question_can_be_taken_away_and_leaves_no_words(store: Store) -> None:
    store.questions.ask("Secret matter?", "Dr. Lee")
    store.questions.remove(1)
    assert store.questions.all() == []
    assert "Secret" not in str(store.audit.events()) and "Lee" not in str(store.audit.events())
    assert "Secret" not in repr(store.questions.ask("Secret matter?"))
