"""How much of what each source tells is coded, dated, with a unit, with a range, and says who or where."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from phr.views.quality_codes import coded
from phr.views.quality_limits import UNITLESS
from phr.views.quality_rows import Row

ASPECTS = ("coded", "dated", "unit", "range", "attributed")
_WORDS = re.compile(r"[a-z0-9-]+")
_MEASURED = ("lab_result", "vital_sign")
_BODIES = re.compile(r"[<>]=?\s*\d|\d+(\.\d+)?\s*/\s*\d")


class Shares:
    """Counted while records pass by."""

    def __init__(self, placed: set[tuple[int, str]]) -> None:
        """`placed`: `(source, Encounter/id)` of the visits that say who or where."""
        self._placed = placed
        self._records = Counter[tuple[int, str]]()
        self._of = Counter[tuple[int, str, str]]()
        self._have = Counter[tuple[int, str, str]]()

    def add(self, row: Row) -> None:
        """One record of one source."""
        self._records[row.source, row.kind] += 1
        for aspect, has in self._aspects(row):
            self._of[row.source, row.kind, aspect] += 1
            self._have[row.source, row.kind, aspect] += has

    def _aspects(self, row: Row) -> Iterator[tuple[str, bool]]:
        if (known := coded(row.kind, row.codes)) is not None:
            yield "coded", known
        yield "dated", row.date is not None
        if row.kind in _MEASURED and measured(row):
            if row.unit or not _goes_without(row):
                yield "unit", bool(row.unit)
            if row.kind == "lab_result" and row.number is not None:
                yield "range", row.low is not None or row.high is not None or bool(row.range_text)
        yield "attributed", bool(row.facility or row.performer) or (row.source, row.encounter) in self._placed

    @property
    def sources(self) -> list[int]:
        """Those that have told anything, most first."""
        told = Counter[int]()
        for (source, _), number in self._records.items():
            told[source] += number
        return [source for source, _ in told.most_common()]

    def records(self, source: int, kind: str | None = None) -> int:
        """How many records a source tells."""
        return sum(
            number for (of, one), number in self._records.items() if of == source and kind in (None, one)
        )

    def share(self, source: int, aspect: str, kind: str | None = None) -> dict[str, Any]:
        """`{have, of, share}`; the share is None where none applies."""
        have = sum(
            n
            for (of, one, what), n in self._have.items()
            if (of, what) == (source, aspect) and kind in (None, one)
        )
        of_all = sum(
            n
            for (of, one, what), n in self._of.items()
            if (of, what) == (source, aspect) and kind in (None, one)
        )
        return {"have": have, "of": of_all, "share": round(have / of_all, 4) if of_all else None}

    def document(self, source: int, name: str) -> dict[str, Any]:
        """One source as JSON."""
        kinds = sorted(kind for of, kind in self._records if of == source)
        return {
            "source": name,
            "records": self.records(source),
            **{aspect: self.share(source, aspect) for aspect in ASPECTS},
            "by_kind": {
                kind: {
                    "records": self.records(source, kind),
                    **{aspect: self.share(source, aspect, kind) for aspect in ASPECTS},
                }
                for kind in kinds
            },
        }


def measured(row: Row) -> bool:
    """Whether the value is a number, also `<5` and `120/80`: words need no unit."""
    return row.number is not None or bool(row.value and _BODIES.match(row.value.strip()))


def _goes_without(row: Row) -> bool:
    """A score, a ratio, a pH: told as a bare number."""
    return not UNITLESS.isdisjoint(_WORDS.findall(row.title.casefold()))
