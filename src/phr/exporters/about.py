"""What each file says of itself: when it was made, from which sources, with which selection, and what is not in it.

One place for all formats, in words for people and as JSON for programs. What is withheld for its sensitivity is not told
here: these words travel with the file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from phr.views.selection_words import in_words

if TYPE_CHECKING:
    from phr.exporters.base import Handover
    from phr.model import Problem

NO_CLINICIAN = (
    "A copy that the person keeps, as the sources named have said it. No clinician has signed it;"
    " what is not in it is not known here."
)


@dataclass(frozen=True, slots=True)
class About:
    """What is true of the whole file."""

    id: str
    made: datetime
    software: str
    sources: tuple[str, ...]
    selection: tuple[str, ...]
    """In words, a part each; empty where everything was asked for."""
    asked: dict[str, object]
    """The same as JSON."""
    left_out: tuple[tuple[str, str, int], ...] = ()
    """`(what, why, how many)`."""
    whom: str | None = field(default=None, repr=False)
    """For whom it was made, as the person said it."""

    def sentences(self) -> list[str]:
        """In a person's words, a line each."""
        for_whom = f" for {self.whom}" if self.whom else ""
        lines = [
            f"Made on {self.made:%Y-%m-%d}{for_whom} from: {', '.join(self.sources) or 'no source'}.",
            f"A selection: {'; '.join(self.selection)}." if self.selection else "Everything in the record.",
        ]
        lines += [
            f"Left out: {what}: {why}" + (f" ({number} times)" if number > 1 else "")
            for what, why, number in self.left_out
        ]
        return lines

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "id": self.id,
            "made": self.made.isoformat(),
            "software": self.software,
            "for": self.whom,
            "sources": list(self.sources),
            "selection": self.asked,
            "left_out": [
                {"what": what, "reason": why, "count": number} for what, why, number in self.left_out
            ],
        }


def about(given: Handover, left_out: Iterable[Problem] | None = None) -> About:
    """What this file says of itself; `left_out` defaults to what the selection leaves out."""
    header = given.header
    missing = given.contents.left_out if left_out is None else left_out
    counted = Counter((one.type, one.reason) for one in missing)
    asked = {name: value for name, value in header.selection.described().items() if name != "sensitivity"}
    return About(
        header.id,
        header.made,
        header.software,
        header.sources,
        tuple(in_words(header.selection)),
        asked,
        tuple((what, why, number) for (what, why), number in counted.items()),
        given.options.whom,
    )
