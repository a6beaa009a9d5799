"""What condition packs add to trends: groups that are looked at together, and codes that mean the same.

Our own table goes first where both know a code: what it tells apart (two formulas of an eGFR, glucose in plasma and in
whole blood) is never drawn as one line because a pack lists it together.
"""

from __future__ import annotations

from functools import lru_cache

from phr.packs.loading import packs
from phr.packs.model import Measure as PackMeasure
from phr.records.measures import BY_CODE, Measure
from phr.views.panels import Panel


def _folded(text: str) -> str:
    return " ".join(text.casefold().replace("-", " ").split())


def panel(words: str) -> Panel | None:
    """The trend group that is called so, by its id, its name or the name of its pack."""
    wanted = _folded(words)
    for pack in packs():
        for group in pack.trends:
            if wanted in (_folded(group.id), _folded(group.name)):
                return _panel(group.id, group.name, group.measures)
    for pack in packs():
        if pack.trends and wanted in (_folded(pack.id), _folded(pack.name), *map(_folded, pack.words)):
            every = tuple(measure for group in pack.trends for measure in group.measures)
            return _panel(pack.id, pack.name, every)
    return None


def names() -> list[tuple[str, str]]:
    """`(id, name)` of every trend group."""
    return [(group.id, group.name) for pack in packs() for group in pack.trends]


def _panel(id_: str, name: str, measures: tuple[PackMeasure, ...]) -> Panel:
    ids: dict[str, None] = {}
    extra: list[Measure] = []
    for each in measures:
        known = [BY_CODE[code].id for code in each.codes if code in BY_CODE]
        own = _measure(each)
        ids |= dict.fromkeys(known)
        if own is not None:
            ids[own.id] = None
            extra.append(own)
    return Panel(id_, name, (), tuple(ids), tuple(extra))


@lru_cache(maxsize=1024)
def _measure(one: PackMeasure) -> Measure | None:
    """A measure of the codes that our own table does not know; none of them: nothing to add."""
    codes = tuple(code for code in one.codes if code not in BY_CODE)
    if not codes or len(codes) < len(one.codes):
        return None
    return Measure(f"pack:{_folded(one.name)}", one.name, codes, tuple(map(_folded, one.words)))


def measures() -> tuple[Measure, ...]:
    """All measures that only packs know."""
    found = {
        own.id: own
        for pack in packs()
        for group in pack.trends
        for each in group.measures
        if (own := _measure(each)) is not None
    }
    return tuple(found.values())
