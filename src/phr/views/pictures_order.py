"""Which pictures come first: measures of conditions that the person has, then what is out of its range, then the rest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from phr.views.events import Event
from phr.views.summary_words import denies
from phr.views.trend_line import Point

Place = tuple[int, bool, int, int, str]
_OVER = frozenset(("resolved", "inactive", "remission", "entered-in-error", "refuted", "completed"))


class Order:
    """The codes of measures that matter most, in their order."""

    def __init__(self, codes: dict[str, int]) -> None:
        self._codes = codes

    def of(self, codes: Iterable[str], lines: Sequence[Sequence[Point]], name: str) -> Place:
        """What to sort a picture by."""
        rank = min((self._codes[code] for code in codes if code in self._codes), default=len(self._codes) + 1)
        points = [point for line in lines for point in line]
        abnormal = sum(bool(point["abnormal"]) for point in points)
        latest = any(line and line[-1]["abnormal"] for line in lines)
        return rank, not latest, -abnormal, -len(points), name


def places(events: Iterable[Event]) -> Order:
    """The order for a person with these problems: each pack that is about one of them says what is measured for it."""
    from phr.packs.codes import CodeSet
    from phr.packs.loading import packs
    from phr.packs.words import Words

    active = [one for one in events if one["kind"] == "problem" and _is_active(one)]
    codings = [[(code["system"], code["code"]) for code in one["codes"]] for one in active]
    ranks: dict[str, int] = {}
    for pack in packs():
        codes, words = CodeSet(pack.codes), Words(pack.words)
        if pack.general or not any(
            codes.fits(coded) or words.fit(str(one["title"]))
            for one, coded in zip(active, codings, strict=True)
        ):
            continue
        for group in pack.trends:
            for measure in group.measures:
                rank = len(ranks)
                for code in measure.codes:
                    ranks.setdefault(code, rank)
    return Order(ranks)


def _is_active(problem: Event) -> bool:
    codes = [code["code"] for code in problem["codes"]]
    over = problem["status"] in _OVER or problem["end"] is not None
    return not over and not denies(str(problem["title"]), codes)
