"""What an export says beside its resources: remarks and broken lines, counted so that a million of them fit on a screen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from phr.model import Problem
from phr.sync.tally import Tally

EXPORT = "export"
"""What a remark about the export as a whole is filed under."""
_MOST_REMARKS = 200
_MOST_BROKEN = 100
_MOST_KINDS = 2000
"""Remarks that are named, broken lines of one file that are, and different remarks that are kept apart."""


class Remarks:
    """Remarks, each with how often it was made."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str, bool]] = Counter()
        self._more = 0

    def add(self, one: Problem, times: int = 1) -> None:
        key = (one.type, one.reason, one.known)
        if key in self._counts or len(self._counts) < _MOST_KINDS:
            self._counts[key] += times
        else:
            self._more += times

    def take(self, others: Remarks) -> None:
        """Add those of a file."""
        for (type_, words, known), count in others._counts.items():
            self.add(Problem(type_, words, known=known), count)
        self._more += others._more

    def tell(self, tally: Tally) -> None:
        """Name them, errors as failures, and forget them."""
        named = self._counts.most_common(_MOST_REMARKS)
        for (type_, words, known), count in named:
            problem = Problem(type_, f"{words} ({count} times)" if count > 1 else words)
            (tally.note if known else tally.broken)(problem)
        rest = self._counts.total() - sum(count for _, count in named) + self._more
        if rest > 0:
            tally.note(Problem(EXPORT, f"{rest} further remarks of the export are not named"))
        self._counts.clear()
        self._more = 0


class Words:
    """What one file says beside its resources: told once it has come whole, and not again when it is read again."""

    def __init__(self) -> None:
        self._broken: list[Problem] = []
        self._more = 0
        self._remarks = Remarks()

    def add(self, problems: Iterable[Problem]) -> None:
        for one in problems:
            if one.id is None:
                self._remarks.add(one)
            elif len(self._broken) < _MOST_BROKEN:
                self._broken.append(one)
            else:
                self._more += 1

    def tell(self, type_: str, tally: Tally, remarks: Remarks) -> None:
        for one in self._broken:
            tally.broken(one)
        if self._more:
            tally.broken(Problem(type_, f"{self._more} further lines of a file cannot be read"))
        remarks.take(self._remarks)
