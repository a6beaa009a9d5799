"""In which order weighed answers are shown: the best first, equally good ones by their day, and no test drowns others."""

from __future__ import annotations

from collections.abc import Iterable

from phr.views.search_score import Candidate

_ALIKE = 0.75
"""Answers of one kind whose scores, whatever their day, lie so near to each other are equally good."""
_ALIKE_BUT_ITS_DAY = 2.5
"""The same of the kind that was asked for, where its day is what matters: `last tetanus shot` is the newest."""
_REPEATED = 2.0


def spread(candidates: Iterable[Candidate], wishes: frozenset[str], now: int) -> list[Candidate]:
    """Best first, but a fourth of the same title only after all others: ten results of one test hide nothing."""
    ordered = sorted(candidates, key=lambda one: (-one.score, -(one.date_from or 0), -one.id))
    met: dict[tuple[str, str], int] = {}
    placed: list[tuple[bool, float, int, Candidate]] = []
    for place, one in enumerate(ordered):
        before = met.get(one.group, 0)
        met[one.group] = before + 1
        again = 0.0 if one.preferred else _REPEATED * before
        placed.append((before > 2, again - one.score, place, one))
    placed.sort(key=lambda entry: entry[:3])
    first = [one for later, _, _, one in placed if not later]
    return _by_day(first, wishes, now) + [one for later, _, _, one in placed if later]


def _by_day(placed: list[Candidate], wishes: frozenset[str], now: int) -> list[Candidate]:
    """Equally good answers of one kind change places, so that the newest of them stands first (or what was wished)."""
    day_matters = bool(wishes & {"recent", "oldest", "next"})
    alike: list[list[int]] = []
    for at, one in enumerate(placed):
        for places in alike:
            head = placed[places[0]]
            near = _ALIKE_BUT_ITS_DAY if day_matters and head.preferred else _ALIKE
            if head.kind == one.kind and abs(head.base - one.base) <= near:
                places.append(at)
                break
        else:
            alike.append([at])
    found = list(placed)
    for places in alike:
        ordered = sorted((placed[at] for at in places), key=lambda one: _day(one, wishes, now))
        for at, one in zip(places, ordered, strict=True):
            found[at] = one
    return found


def _day(one: Candidate, wishes: frozenset[str], now: int) -> tuple[bool, int, float, int]:
    """What comes first by its day: the newest; the soonest to come, the oldest or what has been, where that was wished."""
    when, tie = one.date_from, (-one.base, -one.id)
    if when is None:
        return True, 0, *tie
    if "next" in wishes:
        return False, when - now if when > now else (1 << 40) - when, *tie
    if "oldest" in wishes:
        return False, when, *tie
    if "recent" in wishes and when > now:
        return False, (1 << 40) + when, *tie
    return False, -when, *tie


def by_date(candidates: Iterable[Candidate], wishes: frozenset[str]) -> list[Candidate]:
    """The newest first, or the oldest: where nothing but filters was asked."""
    oldest = "oldest" in wishes
    return sorted(
        candidates,
        key=lambda one: (one.date_from is None, (1 if oldest else -1) * (one.date_from or 0), -one.id),
    )
