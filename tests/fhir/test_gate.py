"""Together, or alone."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from phr.fhir.gate import Gate


def test_many_go_in_together() -> None:
    gate, meet = Gate(), threading.Barrier(3, timeout=5)

    def visit(_: int) -> int:
        with gate.together():
            return meet.wait()

    with ThreadPoolExecutor(3) as pool:
        assert sorted(pool.map(visit, range(3))) == [0, 1, 2]


def test_whoever_is_alone_meets_nobody() -> None:
    gate, inside, met = Gate(), [0], []
    count = threading.Lock()

    def visit(number: int) -> None:
        with gate.alone() if number % 5 == 0 else gate.together():
            with count:
                inside[0] += 1
            time.sleep(0.002)
            if number % 5 == 0:
                met.append(inside[0])
            with count:
                inside[0] -= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(visit, range(60)))
    assert met == [1] * 12


def test_an_error_inside_leaves_the_gate_open() -> None:
    gate = Gate()
    for way in (gate.together, gate.alone):
        try:
            with way():
                raise ValueError
        except ValueError:
            pass
    with gate.alone():
        pass
