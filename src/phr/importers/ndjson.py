"""NDJSON: one resource a line, as FHIR Bulk Data, `.phr` files and our own export have it.

Read line by line, so that a file may be larger than memory. A line that cannot be read is named with its number
and does not stop the rest; a line may also hold a whole Bundle.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from phr.importers import bundle
from phr.importers.base import Names, Part
from phr.model import Problem, Received

BATCH = 500
UNREADABLE = "is not a readable resource"
CUT_OFF = "ends in the middle: the file is cut off there"


def parts(lines: Iterable[bytes]) -> Iterator[Part]:
    """The resources of the lines, some hundreds at a time."""
    received: list[Received] = []
    names: Names = {}
    problems: list[Problem] = []
    for number, line in enumerate(lines, 1):
        body = line.strip().removeprefix(b"\xef\xbb\xbf")
        if not body:
            continue
        try:
            page, called = bundle.cut(body)
        except ValueError:
            reason = UNREADABLE if line.endswith(b"\n") else CUT_OFF
            problems.append(Problem("line", reason, id=f"line {number}", raw=bytes(body)))
            continue
        received += page.received
        names |= called
        problems += page.problems
        if len(received) >= BATCH:
            yield tuple(received), names, tuple(problems)
            received, names, problems = [], {}, []
    if received or problems:
        yield tuple(received), names, tuple(problems)
