"""What a run makes of what happened to it."""

from __future__ import annotations

from collections import Counter

from phr.errors import Refused, Unreachable
from phr.model import Change, Problem, TypeCounts
from phr.store.resources import Saved
from phr.sync.tally import Tally


def saved(count: int = 1) -> Saved:
    return Saved(Counter({("Observation", Change.NEW): count}))


def test_a_run_in_which_all_came_is_completed() -> None:
    tally = Tally()
    tally.saved(saved(3))
    tally.note(Problem("Claim", "not granted at sign-in"))
    assert tally.status == "completed"
    assert tally.types() == {"Observation": TypeCounts(new=3)}
    assert tally.skipped[0].known


def test_a_first_refusal_is_news_and_the_same_one_next_time_is_not() -> None:
    first = Tally()
    first.saved(saved())
    first.failure("Claim", Refused("no (request 1)", http_status=403))
    assert first.status == "partial"
    assert first.refused["Claim"].reason == "no (request 1)"
    second = Tally(frozenset({("Claim", None, "403")}))
    second.saved(saved())
    second.failure("Claim", Refused("no (request 2)", http_status=403))
    assert second.status == "completed"
    assert second.types()["Claim"] == TypeCounts(failed=1)


def test_what_may_work_next_time_is_never_known() -> None:
    tally = Tally(frozenset({("Claim", None, "503")}))
    tally.saved(saved())
    tally.failure("Claim", Unreachable("busy", http_status=503))
    assert tally.status == "partial"
    assert not tally.refused


def test_a_run_in_which_nothing_came_has_failed() -> None:
    tally = Tally()
    tally.failure("Patient", Unreachable("no answer"))
    assert tally.status == "failed"


def test_a_broken_entry_is_news_once() -> None:
    problem = Problem("Observation", "is not a resource", raw=b"7")
    first = Tally()
    first.saved(saved())
    first.broken(problem)
    again = Tally(frozenset({("Observation", None, "is not a resource")}))
    again.saved(saved())
    again.broken(problem)
    assert (first.status, again.status) == ("partial", "completed")


def test_references_that_a_server_refuses_are_named_without_alarm() -> None:
    tally = Tally()
    tally.saved(saved())
    tally.unanswered(Problem("Organization", "403", id="1"), lasting=True)
    assert tally.status == "completed"
    tally.unanswered(Problem("Organization", "no answer", id="2"), lasting=False)
    assert tally.status == "partial"
    assert [p.known for p in tally.skipped] == [True, False]
