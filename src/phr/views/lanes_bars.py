"""How long something lasted, as honestly as its source says: known, as broad as a partial date, or unknown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from phr.charts.lanes import Bar
from phr.fhir import dates
from phr.views.events import Event

_OVER = frozenset(
    ("resolved", "inactive", "remission", "completed", "stopped", "ended", "abated", "superseded", "revoked")
)
Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Spell:
    """One statement that something lasted."""

    begin: Span
    end: Span
    begin_known: bool = True
    end_known: bool = True
    goes_on: bool = False
    seen: float | None = None
    """The last sign of it, where one has to ask whether it goes on."""
    said: tuple[str, ...] = field(default=(), repr=False)

    def bar(self) -> Bar:
        """As it is drawn."""
        return Bar(
            self.begin,
            self.end,
            self.begin_known,
            self.end_known,
            self.goes_on,
            self.seen,
            "; ".join(dict.fromkeys(self.said)),
        )


def is_over(event: Event, now: float) -> bool:
    """Whether its source says that it came to an end."""
    ended = dates.parse(event["end"])
    return event["status"] in _OVER or (ended is not None and ended.start <= now)


def spell_of(event: Event, now: float, *, sources: bool = False) -> Spell | None:
    """What an event says of its beginning and its end (`sources`: and who says so); None for what has no date at all."""
    began, ended = dates.parse(event["date"]), dates.parse(event["end"])
    noted = dates.parse(event["recorded"])
    over = is_over(event, now)
    first = began or noted or (ended if over else None)
    if first is None:
        return None
    begin = (float(first.start), float(first.end))
    # Of a problem without an onset the day when it was written down stands as its date.
    known = began is not None and not (event["kind"] == "problem" and event["date"] == event["recorded"])
    if not over:
        end = (max(now, begin[1]), max(now, begin[1]))
        said = _words(event, first.text, known=known, on=True, sources=sources)
        return Spell(begin, end, known, True, True, said=(said,))
    words = (_words(event, first.text, known=known, on=False, sources=sources),)
    if ended is None:
        return Spell(begin, begin, known, False, False, said=words)
    end = (max(float(ended.start), begin[0]), max(float(ended.end), begin[0]))
    return Spell(begin, end, known, True, False, said=words)


def _words(event: Event, begin: str, *, known: bool, on: bool, sources: bool) -> str:
    """`2015-03 to 2017 (clinic)`."""
    begin = begin[:10]
    first = begin if known else f"noted {begin}, may have begun before"
    if on:
        said = f"since {begin}" if known else f"{first}, not ended"
    elif event["end"]:
        last = str(event["end"])[:10]
        said = f"{first}{' to ' if known else '; until '}{last}" if last != begin or not known else first
    else:
        said = f"{first}, ended, nobody says when"
    names = " and ".join(event["sources"])
    return f"{said} ({names})" if sources and names else said


def joined(spells: Sequence[Spell], *, overlapping: bool) -> list[Spell]:
    """Statements of one and the same time as one; with `overlapping` all that touch, each told in the words."""
    found: list[Spell] = []
    for one in sorted(spells, key=lambda each: (each.begin, not each.goes_on, each.end)):
        last = found[-1] if found else None
        if last is not None and (_are_one(last, one) or (overlapping and one.begin[0] <= last.end[1])):
            found[-1] = _both(last, one)
        else:
            found.append(one)
    return found


def _are_one(one: Spell, other: Spell) -> bool:
    return one.begin == other.begin and one.end == other.end


def _both(one: Spell, other: Spell) -> Spell:
    """From the earlier beginning to the later end; what one of them knows is known."""
    later = (
        other
        if (other.goes_on, other.end_known, other.end[1]) > (one.goes_on, one.end_known, one.end[1])
        else one
    )
    begin, known = one.begin, one.begin_known
    if other.begin_known and not known and other.begin[0] <= one.begin[1]:
        begin, known = other.begin, True
    elif other.begin_known and known and one.begin[0] <= other.begin[0] and other.begin[1] <= one.begin[1]:
        begin = other.begin  # 2015 and 2015-03-02: the same, more exactly
    return replace(
        later,
        begin=begin,
        begin_known=known,
        said=(*one.said, *other.said),
        end=(max(later.end[0], begin[0]), later.end[1]),
    )
