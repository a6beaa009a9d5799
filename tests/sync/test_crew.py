"""Threads that ask: answers as they come, few in memory, and nobody waits for one that hangs."""

from __future__ import annotations

import itertools
import threading
import time

import pytest

from phr.errors import Refused, Stopped
from phr.sync.crew import aside, side_by_side


def test_each_thing_is_answered_once_and_a_refusal_is_an_answer() -> None:
    def ask(n: int) -> int:
        if n % 3 == 0:
            raise Refused(f"no {n}")
        return n * n

    found = dict(side_by_side(ask, range(50), 4))
    assert sorted(found) == list(range(50))
    assert all(isinstance(found[n], Refused) if n % 3 == 0 else found[n] == n * n for n in found)


def test_what_nobody_expects_is_raised_where_it_is_heard() -> None:
    def ask(_n: int) -> int:
        raise KeyError("odd")

    with pytest.raises(KeyError):
        list(side_by_side(ask, range(3), 2))


def test_no_more_is_asked_than_is_taken() -> None:
    asked = itertools.count()
    answers = side_by_side(lambda n: (next(asked), n)[1], itertools.count(), 3)
    for _ in range(5):
        next(answers)
    time.sleep(0.1)
    assert next(asked) <= 5 + 3 + 3 + 1
    answers.close()


def test_the_end_waits_for_nobody() -> None:
    stopping, leave = threading.Event(), threading.Event()
    threading.Timer(0.1, stopping.set).start()
    began = time.monotonic()
    with pytest.raises(Stopped):
        list(side_by_side(lambda _: leave.wait(20), range(3), 2, stopping))
    with pytest.raises(Stopped):
        aside(lambda: leave.wait(20), stopping)
    assert time.monotonic() - began < 2
    leave.set()


def test_aside_answers_and_raises_as_if_asked_here() -> None:
    assert aside(lambda: 7) == 7
    with pytest.raises(Refused):
        aside(refuse)


def refuse() -> None:
    raise Refused("no")
