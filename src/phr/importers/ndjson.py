"""NDJSON: one resource a line, as FHIR Bulk Data, `.phr` files and our own export have it.

Read line by line, so that a file may be larger than memory. A line that cannot be read is named with its number
and does not stop the rest; a line may also hold a whole Bundle.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from phr.importers import bundle
from phr.importers.base import BATCH, Names, Part
from phr.model import Problem, Received

UNREADABLE = "is not a readable resource"
CUT_OFF = "ends in the middle: the file is cut off there"
TOO_MANY = "and all after it were not read: too many lines before could not be read"
_MOST_UNREADABLE = 50_000
_QUOTED = 4_096
"""Bytes of an unreadable line that are kept to look at."""


def parts(lines: Iterable[bytes]) -> Iterator[Part]:
    """The resources of the lines, some hundreds at a time."""
    received: list[Received] = []
    names: Names = {}
    problems: list[Problem] = []
    unreadable = 0
    for number, line in enumerate(lines, 1):
        body = line.strip().removeprefix(b"\xef\xbb\xbf")
        if not body:
            continue
        try:
            cut, called, remarks = bundle.cut(body)
        except ValueError as error:
            unreadable += 1
            if unreadable > _MOST_UNREADABLE:
                problems.append(Problem("line", TOO_MANY, id=f"line {number}"))
                break
            ends = UNREADABLE if line.endswith(b"\n") else CUT_OFF
            reason = str(error) if isinstance(error, bundle.TooMuchError) else ends
            problems.append(Problem("line", reason, id=f"line {number}", raw=bytes(body[:_QUOTED])))
            continue
        received += cut
        names |= called
        problems += remarks
        if len(received) >= BATCH or len(problems) >= BATCH:
            yield tuple(received), names, tuple(problems)
            received, names, problems = [], {}, []
    if received or problems:
        yield tuple(received), names, tuple(problems)
