"""The marks of values: a shape for each standing, open where the value is only a limit, an inner mark for each source.

Circle: within its range, or nobody says. Triangle: up is high, down is low. Diamond: abnormal in another way. Square:
the second line. Sources after the first have a spot, a bar or an upright bar in the middle of their marks. Shapes carry
the meaning, colour repeats it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from phr.charts.lettering import text
from phr.charts.look import Look
from phr.charts.model import ABNORMAL, HIGH, LOW, NORMAL, PLAIN, Curve, Dot, by_source

MOST_NAMED = 250
"""More than so many marks are drawn together, small and without a word each."""
INNER = 4
"""So many sources can be told apart; the last mark is for all others."""
ALARMS = (HIGH, LOW, ABNORMAL)
Place = Callable[[Dot], tuple[float, float]]


def shape(mark: str, bound: str | None, x: float, y: float, size: float, *, second: bool = False) -> str:
    """Path data."""
    big = size * 1.35
    if bound == ">" or (mark == HIGH and bound is None):
        return f"M{x:g} {y - big:.1f}l{big:.1f} {2 * size:.1f}h{-2 * big:.1f}z"
    if bound == "<" or (mark == LOW and bound is None):
        return f"M{x:g} {y + big:.1f}l{big:.1f} {-2 * size:.1f}h{-2 * big:.1f}z"
    if mark == ABNORMAL:
        return f"M{x:g} {y - big:.1f}l{big:.1f} {big:.1f}l{-big:.1f} {big:.1f}l{-big:.1f} {-big:.1f}z"
    if second:
        return f"M{x - size:.1f} {y - size:.1f}h{2 * size:.1f}v{2 * size:.1f}h{-2 * size:.1f}z"
    return _circle(x, y, size)


def _circle(x: float, y: float, size: float) -> str:
    r, d = f"{size:.1f}", f"{2 * size:.1f}"
    return f"M{x - size:.1f} {y:g}a{r} {r} 0 1 0 {d} 0a{r} {r} 0 1 0 -{d} 0z"


def inner(number: int, x: float, y: float, size: float) -> str:
    """Path data of the mark of a source; none for the first."""
    if number == 1:
        return _circle(x, y, 0.42 * size)
    if number == 2:
        return f"M{x - 0.75 * size:.1f} {y - 0.24 * size:.1f}h{1.5 * size:.1f}v{0.48 * size:.1f}h{-1.5 * size:.1f}z"
    if number >= 3:
        return f"M{x - 0.24 * size:.1f} {y - 0.75 * size:.1f}h{0.48 * size:.1f}v{1.5 * size:.1f}h{-0.48 * size:.1f}z"
    return ""


def paint_of(mark: str, bound: str | None, *, second: bool) -> str:
    """The name of the paint of a mark."""
    alarm = mark in ALARMS
    if bound is not None:
        return "open-alarm" if alarm else "open2" if second else "open"
    return "alarm" if alarm else "dot2" if second else "dot"


class Sources:
    """Which inner mark each source has: those with most values first."""

    def __init__(self, curves: Sequence[Curve]) -> None:
        self.names = by_source(curves)

    @property
    def several(self) -> bool:
        """Whether there is anything to tell apart."""
        return len(self.names) > 1

    def number(self, source: str) -> int:
        """Of its inner mark."""
        if not self.several or source not in self.names:
            return 0
        return min(self.names.index(source), INNER - 1)


def marks(curve: Curve, look: Look, place: Place, sources: Sources, *, second: bool) -> Iterator[str]:
    """All marks of a line; abnormal ones lie on top."""
    ordered = sorted(curve.dots, key=lambda dot: dot.mark in ALARMS)
    if len(ordered) > MOST_NAMED:
        yield from _many(ordered, look, place, sources, second=second)
        return
    size = 5.4 if sources.several else 4.6
    if len(ordered) > 90:
        size -= 1.2
    for dot in ordered:
        x, y = place(dot)
        paint = look.paint(paint_of(dot.mark, dot.bound, second=second))
        path = f'<path {paint} d="{shape(dot.mark, dot.bound, x, y, size, second=second)}"'
        yield f"{path}/>\n" if look.print else f"{path}><title>{text(_said(dot, sources))}</title></path>\n"
        within = inner(sources.number(dot.source), x, y, size)
        if within:
            yield f'<path {look.paint(_within(dot.mark, dot.bound))} d="{within}"/>\n'


def _within(mark: str, bound: str | None) -> str:
    return "paper" if bound is None else "ink"


def _said(dot: Dot, sources: Sources) -> str:
    standing = f", {dot.mark}" if dot.mark not in (PLAIN, NORMAL) else ""
    return f"{dot.label}: {dot.said}{standing}" + (
        f" ({dot.source})" if sources.several and dot.source else ""
    )


def _many(dots: Sequence[Dot], look: Look, place: Place, sources: Sources, *, second: bool) -> Iterator[str]:
    """Those that look alike as one path; what lies on the same spot once."""
    size = 2.6 if len(dots) <= 1000 else 2.0
    alike: dict[tuple[str, str | None, int], dict[tuple[float, float], None]] = {}
    for dot in dots:
        x, y = place(dot)
        alike.setdefault((dot.mark, dot.bound, sources.number(dot.source)), {})[round(x), round(y)] = None
    for (mark, bound, number), spots in alike.items():
        if bound is None and mark not in ALARMS:
            paint = look.paint("many2" if second else "many")
            path = "".join(f"M{x} {y}h.01" for x, y in spots)
            yield f'<path {paint} stroke-width="{2 * size:g}" d="{path}"/>\n'
        else:
            path = "".join(shape(mark, bound, x, y, size * 1.15, second=second) for x, y in spots)
            yield f'<path {look.paint(paint_of(mark, bound, second=second))} d="{path}"/>\n'
        if number:
            path = "".join(inner(number, x, y, size) for x, y in spots)
            yield f'<path {look.paint(_within(mark, bound))} d="{path}"/>\n'
