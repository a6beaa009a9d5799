"""A picture as SVG 1.1: in one document without anything from elsewhere, read aloud, in black and white.

`look="page"` stands inside a page that has `STYLE` in its style sheet and follows light and dark; `"file"` is such a
picture by itself; `"paper"` is black on white, for simple renderers. Nothing overlaps: heads and legends take the lines
they need, and the picture is as high as that makes it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from phr.charts import lettering, scale
from phr.charts.lettering import text
from phr.charts.look import STYLE, Look, opening
from phr.charts.model import Curve, Dot, Picture, has_range, plain_unit
from phr.charts.svg_legend import Legend
from phr.charts.svg_marks import Sources, marks
from phr.charts.words import described

__all__ = ["STYLE", "Picture", "described", "draw"]

WIDTH = 800
_INSET, _PLOT, _LEAST_PLOT = 10.0, 240.0, 168.0
_MOST_JOINED = 400
"""More values than so many are not joined by a line."""


def draw(
    title: str, pictures: Sequence[Picture], *, look: str = "page", width: int = WIDTH, words: bool = True
) -> str:
    """One SVG document; several pictures stand above each other. Without `words` each has its name alone."""
    made = Look(look)
    parts: list[str] = []
    height = 0.0
    for one in pictures:
        drawn = _Drawing(one, made, float(width), words=words)
        parts += [f'<g transform="translate(0 {height:g})">\n', *drawn.parts(), "</g>\n"]
        height += drawn.height
    begin = opening(made, width, round(height), f"{title} over time", described(pictures))
    return "".join([begin, *parts, "</svg>\n"])


class _Drawing:
    """One picture: what stands where."""

    def __init__(self, one: Picture, look: Look, width: float, *, words: bool) -> None:
        self._one, self._look, self._width = one, look, width
        letters = look.letters
        self._pad, self._said, self._small = letters.edge, letters.said, letters.small
        room = width - 2 * self._pad
        self._name = lettering.lines(one.title, room / letters.bold, letters.head, 2)
        self._words = look.lines(one.words, room, self._said, 6) if words else []
        self._unit = plain_unit(one.curves[0].unit)
        self._sources = Sources(one.curves)
        self.upright = scale.values(one.curves, 5)
        edge = max(look.wide(label, self._small) for _, label in self.upright.marks)
        self.left, self.right = self._pad + edge + 9, width - self._pad
        self.along = scale.times(one.curves, max(2, int((self.right - self.left) / 86)))
        heads = 21 * len(self._name) + 17 * len(self._words)
        self.top = letters.above + 8 + heads + (31 if self._unit else 12)
        # Half as wide on paper is not to be higher than wide.
        self.bottom = self.top + (max(_LEAST_PLOT, min(_PLOT, 0.42 * width)) if look.print else _PLOT)
        begin = self._pad if look.print else self.left
        self._legend = Legend(one, look, self._sources, self.upright, begin, self.right)
        self.height = self.bottom + 34 + self._legend.height + letters.above

    def x(self, when: float) -> float:
        """Of a moment."""
        left, right = self.left + _INSET, self.right - _INSET
        return round(left + self.along.share(when) * (right - left), 1)

    def y(self, value: float) -> float:
        """Of a value; the edge for what lies beyond it."""
        share = min(1.0, max(0.0, self.upright.share(value)))
        return round(self.bottom - share * (self.bottom - self.top), 1)

    def _place(self, dot: Dot) -> tuple[float, float]:
        return self.x(dot.when), self.y(dot.value)

    def parts(self) -> Iterator[str]:
        """From the head to the legend."""
        look = self._look
        y = look.letters.above
        for line in self._name:
            y += 21
            yield self._text("ink", line, self._pad, y, look.letters.head, ' font-weight="bold"')
        y += 3
        for line in self._words:
            y += 17
            yield self._text("soft", line, self._pad, y, self._said)
        if self._unit:
            unit = look.cut(self._unit, self._width - 2 * self._pad, self._small)
            yield self._text("soft", unit, self._pad, self.top - 13, self._small)
        curves = self._one.curves
        if len(curves) == 1 and has_range(curves[0]):
            yield from self._range(curves[0])
        yield from self._axes()
        for at, curve in enumerate(curves):
            yield from self._line(curve, second=at > 0)
        for at, curve in enumerate(curves):
            yield from marks(curve, look, self._place, self._sources, second=at > 0)
        yield from self._legend.parts(self.bottom + 34)

    def _text(self, paint: str, said: str, x: float, y: float, size: float, more: str = "") -> str:
        sized = "" if size == 13 else f' font-size="{size:g}"'
        return f'<text {self._look.paint(paint)}{sized}{more} x="{x:.1f}" y="{y:.1f}">{text(said)}</text>\n'

    def _line(self, curve: Curve, *, second: bool) -> Iterator[str]:
        if len(curve.dots) > _MOST_JOINED:
            return
        for stretch in curve.stretches():
            if len(stretch) < 2:
                continue
            points = " ".join(f"{self.x(dot.when):g},{self.y(dot.value):g}" for dot in stretch)
            yield f'<polyline {self._look.paint("line2" if second else "line")} points="{points}"/>\n'

    def _axes(self) -> Iterator[str]:
        look = self._look
        for value, label in self.upright.marks:
            y = self.y(value)
            yield f'<path {look.paint("grid")} d="M{self.left:g} {y:g}H{self.right:g}"/>\n'
            yield self._text("soft", label, self.left - 8, y + 4.5, self._small, ' text-anchor="end"')
        y = self.bottom
        yield f'<path {look.paint("axis")} d="M{self.left:g} {y:g}H{self.right:g}"/>\n'
        last = -100.0
        for when, label in self.along.marks:
            x, wide = self.x(when), look.wide(label, self._small)
            left = min(max(x - wide / 2, 2.0), self._width - 2 - wide)
            if left > last + 10:
                yield f'<path {look.paint("axis")} d="M{x:g} {y:g}v5"/>\n'
                middle = left + wide / 2
                yield self._text("soft", label, middle, y + 19, self._small, ' text-anchor="middle"')
                last = left + wide

    def _range(self, curve: Curve) -> Iterator[str]:
        """Each range reaches half the way to its neighbours; an open end goes on to the edge."""
        look = self._look
        shades: list[str] = []
        edges: list[str] = []
        for left, right, low, high in self._pieces(curve):
            top = self.y(high) if high is not None else self.top
            bottom = self.y(low) if low is not None else self.bottom
            if bottom > top:
                shades.append(f"M{left:g} {top:g}H{right:g}V{bottom:g}H{left:g}z")
            for limit in (low, high):
                if limit is not None and self.upright.start < limit < self.upright.end:
                    edges.append(f"M{left:g} {self.y(limit):g}H{right:g}")
        if shades:
            yield f'<path {look.paint("range")} d="{"".join(shades)}"/>\n'
        if edges:
            yield f'<path {look.paint("edge")} d="{"".join(edges)}"/>\n'

    def _pieces(self, curve: Curve) -> list[tuple[float, float, float | None, float | None]]:
        dots = sorted(curve.dots, key=lambda dot: dot.when)
        middles = [round((self.x(a.when) + self.x(b.when)) / 2, 1) for a, b in pairwise(dots)]
        found: list[tuple[float, float, float | None, float | None]] = []
        for dot, (left, right) in zip(dots, pairwise([self.left, *middles, self.right]), strict=True):
            if found and found[-1][2:] == (dot.low, dot.high):
                found[-1] = (found[-1][0], right, dot.low, dot.high)
            elif right > left:
                found.append((left, right, dot.low, dot.high))
        return [one for one in found if one[2] is not None or one[3] is not None]
