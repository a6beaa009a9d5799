"""Whether a search may ask only for what changed, and since when. Pure.

FHIR R4 search.html#lastUpdated. A server has to have declared `_lastUpdated` for the type, or the profile to list
it, and the last full pass must have shown a `meta.lastUpdated` on each resource: NextGen declares the parameter and
fills the element nowhere. Oracle Health counts only clinically significant changes and takes no date beside it,
Epic writes the name in small letters; so there is an overlap, and a full pass every so many days all the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from phr.fhir import dates
from phr.fhir.capability import TypeCapability
from phr.sync.types import DATES

_DAY = 86_400
OVERLAP = _DAY
"""Clocks differ, and what was released late carries an earlier instant than its release."""
_LATELY = 4
"""A full pass is young in the first quarter of the time it is good for."""
_A_DATE = re.compile(r"(eq|ne|gt|lt|ge|le|sa|eb|ap)?\d{4}(-\d\d(-\d\d(T.*)?)?)?")
LAST_UPDATED = "_lastUpdated"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one search stands after the runs before this one."""

    watermark: str | None = None
    """All that the server changed before this instant is here."""
    full_pass: str | None = None
    """When the last complete full pass began."""
    dated: bool = False
    """That pass brought something, and each of it had `meta.lastUpdated`."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What this run is to ask for."""

    full: bool = False
    since: str | None = None
    """The person's own `--since`: an instant."""
    types: tuple[str, ...] = ()
    now: str = ""
    full_every_days: float = 30


@dataclass(frozen=True, slots=True)
class Amount:
    """All of it (`since` None), or what changed since; why; and how this server writes `_lastUpdated`."""

    reason: str
    since: str | None = None
    parameter: str = LAST_UPDATED
    due: bool = False
    """In full because of the age of the last full pass, not because the server cannot tell what changed."""


def how_much(
    parts: Mapping[str, Iterable[tuple[str, str]]],
    *,
    listed: bool,
    declared: TypeCapability | None,
    refused: bool,
    ask: Ask,
    standing: Mapping[str, Standing],
) -> dict[str, Amount]:
    """Decide it for the searches of one type, by their `filter`. `listed`: the profile lists the type for
    `_lastUpdated`; `refused`: learned.

    Where one part is due to be asked in full, all are: what no part brings any more is noticed only when all came whole
    in one run. Not those that were asked in full a short while ago: a part that fails each night would have all of it
    asked for each night.
    """
    at = {name: standing.get(name, Standing()) for name in parts}
    amounts = {name: _one(params, listed, declared, refused, ask, at[name]) for name, params in parts.items()}
    if any(one.due for one in amounts.values()):
        lately = replace(ask, full_every_days=ask.full_every_days / _LATELY)
        for name, one in amounts.items():
            if one.since and _too_early(lately, at[name]):
                amounts[name] = Amount("asked in full: another part of it has to be", due=True)
    return amounts


def _one(
    params: Iterable[tuple[str, str]],
    listed: bool,
    declared: TypeCapability | None,
    refused: bool,
    ask: Ask,
    standing: Standing,
) -> Amount:
    spelled = declared.spelling(LAST_UPDATED) if declared is not None else None
    if ask.full:
        return Amount("asked in full: as wished")
    obstacle = _obstacle(params, spelled is not None or listed, refused)
    if ask.since is not None:
        start = dates.parse(ask.since)
        if obstacle or start is None:
            return Amount(f"asked in full although a day was given: {obstacle or 'that is no date'}")
        return _changed(start.start, spelled, "as wished")
    early = _too_early(ask, standing)
    if early or obstacle:
        return Amount(f"asked in full: {early or obstacle}", due=early is not None)
    mark = dates.parse(standing.watermark)
    if not standing.dated or mark is None:
        return Amount("asked in full: what came before did not say when it last changed")
    return _changed(mark.start - OVERLAP, spelled, "")


def dated(params: Iterable[tuple[str, str]]) -> bool:
    """Whether a search has a parameter of time."""
    return any(
        name.partition(":")[0] in DATES or _A_DATE.fullmatch(value)
        for name, value in params
        if name.lower() != LAST_UPDATED.lower()
    )


def _obstacle(params: Iterable[tuple[str, str]], usable: bool, refused: bool) -> str | None:
    if not usable:
        return "the server does not declare _lastUpdated"
    if refused:
        return "the server refused _lastUpdated before"
    others = tuple(params)[1:]  # the first one is the patient, whose id may look like a year
    return "_lastUpdated may not stand beside a date" if dated(others) else None


def _too_early(ask: Ask, standing: Standing) -> str | None:
    """Why the last full pass does not do: there was none, it is too old, or the clock was moved."""
    if standing.full_pass is None:
        return "for the first time"
    now, last = dates.parse(ask.now), dates.parse(standing.full_pass)
    if now is None or last is None:
        return "it is not known how old its last full pass is"
    days = (now.start - last.start) / _DAY
    if days < 0:
        return "its last full pass lies in the future"
    if days >= ask.full_every_days:
        return f"its last full pass is {int(days)} day{'s' if int(days) != 1 else ''} old"
    return None


def _changed(start: int, spelled: str | None, wish: str) -> Amount:
    """From this second on; an instant has its time zone, and some servers take nothing else."""
    try:
        since = datetime.fromtimestamp(start, UTC).isoformat().replace("+00:00", "Z")
    except (OverflowError, OSError, ValueError):
        return Amount("asked in full: the day to begin with is none")
    source = f"the server declares {spelled}" if spelled else f"the profile lists {LAST_UPDATED}"
    words = f"only what changed since {since[:10]}{', ' + wish if wish else ''}; {source}"
    return Amount(words, since, spelled or LAST_UPDATED)
