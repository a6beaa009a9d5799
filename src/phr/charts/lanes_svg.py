"""Swim lanes as SVG: a heading for each kind, a lane for each thing, years from left to right.

Bars that go on end in an arrow and are darker, dashed from the last sign on where one has to ask. A toothed edge stands
where a beginning or an end is not known, a dashed box where a date is only a month or a year. Points that would lie on
each other are one mark with their number in it; a diamond has something outside its range in it. All of that can be told
without colour.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from phr.charts import scale
from phr.charts.lanes import KINDS, NOUNS, Bar, Heap, Lane, Lanes, heaps
from phr.charts.lanes_words import described, not_drawn, stretch
from phr.charts.lettering import text
from phr.charts.look import Look, opening
from phr.charts.scale import YEAR, moment

__all__ = ["WIDTH", "described", "draw"]

WIDTH = 760
_HEAD, _BAR, _SIZE = 27.0, 11.0, 12.5
_ARROW, _GUTTER = 7.0, 26.0


class _Sizes(NamedTuple):
    """What differs on paper, where nobody can look closer."""

    row: float
    pad: float
    small: float
    least: float
    """So far from each other marks stand alone."""
    number: float
    """Of the letters in a mark; smaller for three of them."""


_ON_SCREEN, _IN_PRINT = _Sizes(20.0, 10.0, 9.5, 16.0, 8.6), _Sizes(22.0, 1.0, 11.0, 20.0, 11.5)


def draw(lanes: Lanes, *, look: str = "page", width: int = WIDTH) -> str:
    """One SVG document."""
    made = _Drawing(lanes, Look(look), float(width))
    parts = list(made.parts())
    begin = opening(made.look, width, round(made.height), "Timeline", described(lanes))
    return "".join([begin, *parts, "</svg>\n"])


class _Drawing:
    """What stands where."""

    def __init__(self, lanes: Lanes, look: Look, width: float) -> None:
        self._lanes, self.look, self._width = lanes, look, width
        self._of = _IN_PRINT if look.print else _ON_SCREEN
        longest = max((look.wide(lane.name, _SIZE) for lane in lanes.lanes), default=0.0)
        self._left = self._of.pad + min(max(longest, 90.0), max(0.3 * width, 150.0)) + _GUTTER
        self._right = width - self._of.pad - _ARROW - 3
        self._span = max(lanes.end - lanes.begin, 86_400.0)
        self._marks = scale.calendar(lanes.begin, lanes.end, max(2, int((self._right - self._left) / 37)))
        self._stretches: set[int] = set()
        self.height = 0.0

    def _x(self, when: float) -> float:
        share = min(1.0, max(0.0, (when - self._lanes.begin) / self._span))
        return round(self._left + share * (self._right - self._left), 1)

    def parts(self) -> Iterator[str]:
        """From the years to the legend."""
        rows: list[str] = []
        y, heading = 28.0, ""
        for at, lane in enumerate(self._lanes.lanes):
            if KINDS.get(lane.kind, lane.kind) != heading:
                heading = KINDS.get(lane.kind, lane.kind)
                y += _HEAD - (8 if at == 0 else 0)
                rows.append(self._text("ink", heading, self._of.pad, y - 7, 13.5, ' font-weight="bold"'))
            rows += self._row(lane, y)
            y += self._of.row
            after = self._lanes.lanes[at + 1] if at + 1 < len(self._lanes.lanes) else None
            more = dict(self._lanes.more).get(lane.kind, 0)
            if more and (after is None or after.kind != lane.kind):
                noun = NOUNS.get(lane.kind, ("", ""))[more != 1]
                rows.append(
                    self._text("soft", f"and {more} more {noun}".strip(), self._of.pad, y + 13, _SIZE)
                )
                y += self._of.row
        bottom = y + 4
        yield from self._years(bottom)
        yield from rows
        self.height = bottom + 30
        for line in self._legend():
            self.height += 17
            yield self._text("soft", line, self._of.pad, self.height - 10, 12)

    def _text(self, paint: str, said: str, x: float, y: float, size: float, more: str = "") -> str:
        return f'<text {self.look.paint(paint)} font-size="{size:g}"{more} x="{x:.1f}" y="{y:.1f}">{text(said)}</text>\n'

    def _years(self, bottom: float) -> Iterator[str]:
        last = -100.0
        for when, label in self._marks:
            x, wide = self._x(when), self.look.wide(label, 12)
            left = min(max(x - wide / 2, 2.0), self._width - 2 - wide)
            if left <= last + 8:
                continue
            last = left + wide
            yield f'<path {self.look.paint("grid")} d="M{x:g} 26V{bottom:g}"/>\n'
            for y in (20.0, bottom + 15):
                yield self._text("soft", label, left + wide / 2, y, 12, ' text-anchor="middle"')
        edges = "".join(f"M{self._left:g} {y:g}H{self._right:g}" for y in (26, bottom))
        yield f'<path {self.look.paint("axis")} d="{edges}"/>\n'

    # ── one lane ──────────────────────────────────────────────────────────────────────────────────

    def _row(self, lane: Lane, y: float) -> Iterator[str]:
        middle = y + self._of.row / 2
        room = self._left - self._of.pad - _GUTTER
        name = self.look.cut(lane.name, room, _SIZE)
        full = f"<title>{text(lane.name)}</title>" if name != lane.name and not self.look.print else ""
        yield self._text("ink", name, self._of.pad, middle + 4.3, _SIZE).replace("</text>", f"{full}</text>")
        yield f'<path {self.look.paint("grid")} d="M{self._left:g} {middle:g}H{self._right:g}"/>\n'
        for bar in lane.bars:
            yield from self._bar(bar, lane.name, middle)
        early = [bar for bar in lane.bars if bar.end[1] < self._lanes.begin]
        alone = len(early) == len(lane.bars) and not lane.points
        notes = [f"‹ {_years_of(early)}"] if early and alone else []
        if early and not alone:
            yield self._beside(f"‹{len(early)}", middle, left=True)
        if lane.kind == "medication" and lane.bars and lane.points:
            yield from self._ticks(lane, middle)
        elif lane.points:
            yield from self._points(lane, middle)
        notes += [lane.note] if lane.note else []
        if notes:
            yield self._text("soft", ", ".join(notes), self._left + 3, middle + 3.4, self._of.small)

    def _bar(self, bar: Bar, name: str, middle: float) -> Iterator[str]:
        if bar.end[1] < self._lanes.begin:
            return
        first, sure, over, last = (self._x(when) for when in (*bar.begin, *bar.end))
        sure = first if sure - first < 3 else sure
        over = last if last - over < 3 else over
        if not bar.end_known:
            sure, over, last = first, first + 9, first + 9
        top, low = middle - _BAR / 2, middle + _BAR / 2
        title = "" if self.look.print else f"<title>{text(f'{name}: {bar.label}')}</title>"
        if over < sure:  # begin and end lie in one month or year, nobody says where
            yield self._path(
                "broken", f"M{first:g} {top:g}H{max(last, first + 3):g}V{low:g}H{first:g}z", title
            )
            return
        if sure > first:
            yield self._path("broken", f"M{sure:g} {top:g}H{first:g}V{low:g}H{sure:g}")
        if last > over:
            yield self._path("broken", f"M{over:g} {top:g}H{last:g}V{low:g}H{over:g}")
        before = bar.begin[0] < self._lanes.begin
        over = max(over, sure + 3)
        left = _teeth(sure, top, low, up=True) if not bar.begin_known or before else f"V{top:g}"
        onward = f"H{self._right:g}L{self._right + _ARROW:g} {middle:g}L{self._right:g} {low:g}"
        if bar.goes_on and bar.seen is not None:
            over = min(max(self._x(bar.seen), sure + 3), self._right)
            yield self._path("broken", f"M{over:g} {top:g}{onward}H{over:g}")
            right = f"H{over:g}V{low:g}"
        elif bar.goes_on:
            right = onward
        else:
            right = f"H{over:g}" + (f"V{low:g}" if bar.end_known else _teeth(over, top, low, up=False))
        yield self._path("bar" if bar.goes_on else "past", f"M{sure:g} {low:g}{left}{right}z", title)
        if before and over - sure > 36:
            yield self._text("ink", f"{moment(bar.begin[0]):%Y}", sure + 5, middle + 3.3, self._of.small)

    def _path(self, paint: str, path: str, title: str = "") -> str:
        end = f">{title}</path>" if title else "/>"
        return f'<path {self.look.paint(paint)} d="{path}"{end}\n'

    def _ticks(self, lane: Lane, middle: float) -> Iterator[str]:
        """What was given while a bar lasted: small dots on it."""
        spots = dict.fromkeys(round(self._x(one.middle)) for one in lane.points if self._inside(one.middle))
        path = "".join(f"M{x} {middle - 2:g}v4" for x in spots)
        if path:
            yield self._path("tick", path)

    def _inside(self, when: float) -> bool:
        return self._lanes.begin <= when <= self._lanes.end

    def _points(self, lane: Lane, middle: float) -> Iterator[str]:
        least = self._of.least / (self._right - self._left) * self._span
        found, months = heaps(lane.points, self._lanes.begin, self._lanes.end, least)
        if months:
            self._stretches.add(months)
        else:
            yield from self._breadths(lane, middle)
        for heap in found:
            yield from self._heap(heap, middle, lane.name)
        early = sum(one.middle < self._lanes.begin for one in lane.points)
        late = sum(one.when[0] > self._lanes.end for one in lane.points)
        if early:
            yield self._beside(f"‹{early}", middle, left=True)
        if late:
            yield self._beside(f"{late}›", middle, left=False)

    def _beside(self, said: str, middle: float, *, left: bool) -> str:
        x = self._left - 2 if left else self._width - 1
        return self._text("soft", said, x, middle + 3.4, self._of.small, ' text-anchor="end"')

    def _breadths(self, lane: Lane, middle: float) -> Iterator[str]:
        for one in lane.points:
            first, last = self._x(one.when[0]), self._x(one.when[1])
            if last - first > 9:
                yield self._path("broken", f"M{first:g} {middle:g}H{last:g}")

    def _heap(self, heap: Heap, middle: float, name: str) -> Iterator[str]:
        x, many = self._x(heap.where), heap.many > 1
        size = (self._of.least / 2 - (0.1 if heap.many > 99 else 0.8)) if many else 4.2
        if heap.abnormal:
            wide = min(size * 1.3, self._of.least / 2 + 0.8)
            shape = f"M{x:g} {middle - wide:.1f}l{wide:.1f} {wide:.1f}l{-wide:.1f} {wide:.1f}l{-wide:.1f} {-wide:.1f}z"
        else:
            turn = f"a{size:g} {size:g} 0 1 0"
            shape = f"M{x - size:.1f} {middle:g}{turn} {2 * size:g} 0{turn} {-2 * size:g} 0z"
        title = "" if self.look.print else f"<title>{text(f'{name}: {heap.label}')}</title>"
        hollow = many and self.look.print  # black on white: ink runs into small white letters
        filled, open_ = ("alarm", "open-alarm") if heap.abnormal else ("dot", "open")
        yield self._path(open_ if hollow else filled, shape, title)
        if many:
            number = str(heap.many) if heap.many < 1000 else f"{heap.many // 1000}k"
            small = self._of.number * (1.0 if len(number) < 3 else 0.86 if not heap.abnormal else 0.8)
            more = ' font-weight="bold" text-anchor="middle"'
            paint = "ink" if hollow else "paper"
            yield self._text(paint, number, x, middle + small * 0.34, round(small, 1), more).replace(
                "<text ", '<text pointer-events="none" '
            )

    def _legend(self) -> list[str]:
        bars = [bar for lane in self._lanes.lanes for bar in lane.bars]
        points = [point for lane in self._lanes.lanes if not lane.bars for point in lane.points]
        said: list[str] = []
        if any(bar.goes_on for bar in bars):
            said.append("Arrow: not ended, as far as the record says.")
        if any(bar.seen is not None for bar in bars):
            said.append("Dashed arrow: not ended either, but no later sign of it; still taken?")
        if any(not bar.begin_known or not bar.end_known for bar in bars):
            said.append("Toothed edge: begin or end not known.")
        if any(bar.begin[0] < self._lanes.begin for bar in bars):
            said.append("A year in a bar, ‹ years: before this picture.")
        if any(when[1] - when[0] > 40 * 86_400 for bar in bars for when in (bar.begin, bar.end)) or any(
            one.when[1] - one.when[0] > 40 * 86_400 for one in points
        ):
            said.append("Dashed: the date is only a month or a year.")
        if self._stretches:
            said.append(f"A number: so many within {stretch(self._stretches)}.")
        if any(one.abnormal for one in points):
            said.append("Diamond: something outside its range.")
        if any(one.middle < self._lanes.begin or one.when[0] > self._lanes.end for one in points):
            said.append("‹1, 1›: so many earlier, or later.")
        if self._lanes.unborn:
            said.append(not_drawn(self._lanes))
        if self._span > 200 * YEAR:
            said.append("One of the dates may be wrong.")
        return self.look.lines(" ".join(said), self._width - 2 * self._of.pad, 12, 6)


def _years_of(bars: Sequence[Bar]) -> str:
    """`2011–2012`, of what was over before the picture begins."""
    first, last = moment(min(bar.begin[0] for bar in bars)).year, moment(max(bar.end[0] for bar in bars)).year
    return f"{first}–{last}" if first != last else str(first)


def _teeth(x: float, top: float, low: float, *, up: bool) -> str:
    """A torn edge."""
    step = (low - top) / 4
    ys = [top + step * number for number in range(5)]
    places = [f"L{x + (3.5 if number % 2 else 0):.1f} {y:.1f}" for number, y in enumerate(ys)]
    return "".join(reversed(places) if up else places)
