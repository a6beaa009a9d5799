"""What stands on the emergency page, so that it is one page on A4 and on Letter.

A browser breaks pages where it likes. So the height is reckoned (widths as on the card: rather too much): the letters get
smaller down to 8 points, then what is said beside an entry goes, then the last entries of what matters least. What goes is
counted. Only the print is so small; a screen shows it larger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from phr.exporters.card_face import POINT, within, wrap
from phr.views import emergency_text as words
from phr.views.summary_onset import since_words

Page = dict[str, Any]
SIZES = (10.5, 10.0, 9.5, 9.0, 8.5, 8.0)
"""Points, from what is pleasant to what is still read."""
HEIGHT, WIDTH = 254.0, 190.0
"""Millimetres that A4 and Letter have both, within margins of 10 mm; a little less."""
_HEADER, _CARDS, _FOOT = 47.0, 62.0, 9.0
_BULLET, _BETWEEN = 4.0, 6.0
_LINE = 1.3


@dataclass(slots=True)
class Part:
    """A heading with entries; each has what it is, and what is said beside it."""

    label: str
    entries: list[tuple[str, str]] = field(repr=False)
    weight: int = 0
    """How early it gives way: high numbers first; 0 only when nothing else is left."""
    least: int = 1
    red: bool = False
    grave: bool = False
    two: bool = False
    """In two columns."""
    more: int = 0

    def __post_init__(self) -> None:
        self.entries = [(within(head), within(rest)) for head, rest in self.entries]

    def height(self, points: float, room: float) -> float:
        """Millimetres."""
        if not self.entries and not self.more:
            return 0.0
        room = (room - _BETWEEN) / 2 if self.two else room
        said = [*self.entries, ("and 100 more, not on this page", "")] if self.more else self.entries
        lines = sum(
            max(1, len(wrap(head + rest, points, room - _BULLET, bold=self.grave))) for head, rest in said
        )
        lines = (lines + 1) // 2 + 1 if self.two else lines
        return (lines * _LINE + 0.85 + _LINE) * points * POINT + 0.3


@dataclass(slots=True)
class Laid:
    """The parts in their places, and the size of the letters."""

    points: float
    call: Part
    top: list[Part]
    columns: tuple[list[Part], list[Part]]


def laid_out(page: Page) -> Laid:
    """Everything in its place, on one page."""
    call = Part("Call", _plain([one["text"] for one in page["contacts"]]), weight=2, least=2)
    top, rest = _allergies(page), [part for part in _parts(page) if part.entries or part.more]
    for points in SIZES:
        laid = Laid(points, call, top, _split(rest, points))
        if _height(laid) <= HEIGHT:
            return laid
    for part in sorted(rest, key=lambda part: -part.weight):
        part.entries = [(head, "") for head, _ in part.entries]
        laid.columns = _split(rest, points)
        if _height(laid) <= HEIGHT:
            return laid
    everything = [call, *rest, *top]
    while _height(laid) > HEIGHT:
        last = _next(everything)
        if last is None:
            break
        last.entries.pop()
        last.more += 1
        laid.columns = _split(rest, points)
    return laid


def _next(parts: Sequence[Part]) -> Part | None:
    """Which part loses its last entry: what matters least; down to one at last."""
    able = [part for part in parts if len(part.entries) > part.least]
    able = able or [part for part in parts if len(part.entries) > 1]
    return max(able, key=lambda part: (part.weight, len(part.entries)), default=None)


def _split(parts: Sequence[Part], points: float) -> tuple[list[Part], list[Part]]:
    """Two columns of about the same height, in the order of reading."""
    room = (WIDTH - _BETWEEN) / 2
    heights = [part.height(points, room) for part in parts]
    at = min(
        range(len(parts) + 1), key=lambda number: (max(sum(heights[:number]), sum(heights[number:])), -number)
    )
    return list(parts[:at]), list(parts[at:])


def _height(laid: Laid) -> float:
    room = (WIDTH - _BETWEEN) / 2
    called = 24 + laid.call.height(laid.points, WIDTH - 44)
    tall = max(_HEADER, called) + _CARDS + _FOOT
    tall += sum(part.height(laid.points, WIDTH) for part in laid.top)
    return tall + max(sum(part.height(laid.points, room) for part in column) for column in laid.columns)


# ── the parts ─────────────────────────────────────────────────────────────────────────────────────────


def _plain(entries: Sequence[str]) -> list[tuple[str, str]]:
    return [(entry, "") for entry in entries]


def _allergies(page: Page) -> list[Part]:
    known = words.allergy_words(page)
    grave = [one[2:] for one in known if one.startswith("! ")]
    rest = [one for one in known if not one.startswith("! ")]
    more = page["more"].get("allergies", 0)
    label = "Other allergies" if grave else "Allergies"
    return [
        Part(
            "Allergies that threaten life", _plain(grave), red=True, grave=True, two=len(grave) > 6, least=100
        ),
        Part(label, _plain(rest), red=not grave, two=len(rest) > 6, more=more, weight=1, least=8),
    ]


def _parts(page: Page) -> list[Part]:
    """What is said beside allergies, in the order of reading."""
    more, dnr = page["more"], words.forbids_revival(page)
    takes, asks = words.takes(page), words.asks(page)
    grave = sum(1 for one in asks if one["class"])
    forbidden = [words.marked(one) for one in page["not_to_be_taken"]]
    doctor = [words.doctor_words(page["doctor"])] if page["doctor"] else []
    taken = [(said, _dose(one)) for one, said in zip(takes, words.takes_words(page), strict=False)]
    return [
        Part("Implants", _plain([words.marked(one) for one in page["devices"]]), 3, 4, red=True),
        Part("Wishes", _plain(words.wishes(page)[:4]), 3, 2, red=dnr, grave=dnr),
        Part("Not to be given", _plain(forbidden), 1, 8, red=True, grave=True),
        Part("Takes", taken or _plain(words.takes_words(page)), 4, 10, more=more.get("medications", 0)),
        Part("Problems", [(words.marked(one), _since(one)) for one in page["problems"]], 5, 6,
             more=more.get("problems", 0)),
        Part("Baseline values", _plain([words.baseline_words(one) for one in page["baseline"]]), 6, 6),
        Part("Ask about: on a list, no renewal on record", [(said, _dose(one)) for one, said in
             zip(asks, words.asks_words(page), strict=True)], 8, max(2, grave)),
        Part("Doctor", _plain(doctor), 7),
        Part("Insurance", _plain([words.insurance_words(one) for one in page["insurance"]]), 9),
    ]  # fmt: skip


def _dose(one: dict[str, Any]) -> str:
    return f" – {one['dose']}" if one["dose"] else ""


def _since(one: dict[str, Any]) -> str:
    return f", {said}" if (said := since_words(one)) else ""
