"""What the marks of a picture mean, only those that are there, in as many lines as they need."""

from __future__ import annotations

from collections.abc import Iterator

from phr.charts import lettering
from phr.charts.lettering import text
from phr.charts.look import Look
from phr.charts.model import PLAIN, Picture, has_range
from phr.charts.scale import Axis
from phr.charts.svg_marks import INNER, Sources, inner, paint_of, shape
from phr.charts.words import bounds_said, marks_said, range_in, range_said

_LINE = 19.0
_SPOT, _GAP = 14.0, 20.0
_BOX = "M-6 -6h14v11h-14z"


class Legend:
    """Entries of a mark and its words, beside each other as long as there is room."""

    def __init__(
        self, one: Picture, look: Look, sources: Sources, upright: Axis, left: float, right: float
    ) -> None:
        self._look, self._left, self._room = look, left, right - left
        self._size = look.letters.small
        self._entries: list[tuple[str, str]] = []
        """Drawn about 0, 0; and what it means."""
        self._marks(one, upright)
        self._of_sources(one, sources)
        self._placed = list(self._lay())
        self.height = (self._placed[-1][1] + _LINE) if self._placed else 0.0

    def _marks(self, one: Picture, upright: Axis) -> None:
        curves, several = one.curves, len(one.curves) > 1
        if several:
            for at, curve in enumerate(curves):
                line = f'<path {self._look.paint("line2" if at else "line")} d="M-9 0h20"/>'
                self._entries.append((line + self._shape(PLAIN, None, second=at > 0), curve.name))
        for mark, words in marks_said(curves):
            self._entries.append((self._shape(mark, None), words))
        for sign, words in bounds_said(curves):
            self._entries.append((self._shape(PLAIN, sign), words))
        if several:
            told = [(curve, range_said(curve)) for curve in curves]
            self._entries += [("", f"{curve.name}, {words}") for curve, words in told if words]
        elif has_range(curves[0]):
            words, seen = range_in(curves[0], upright)
            paints = (self._look.paint("range"), self._look.paint("edge"))
            drawn = f'<path {paints[0]} d="{_BOX}"/><path {paints[1]} d="M-6 -6h14m0 11h-14"/>'
            self._entries.append((drawn if seen else "", words))

    def _shape(self, mark: str, bound: str | None, *, second: bool = False, number: int = 0) -> str:
        paint = self._look.paint(paint_of(mark, bound, second=second))
        found = f'<path {paint} d="{shape(mark, bound, 0, 0, 5.0, second=second)}"/>'
        within = inner(number, 0, 0, 5.4)
        return found + (f'<path {self._look.paint("paper")} d="{within}"/>' if within else "")

    def _of_sources(self, one: Picture, sources: Sources) -> None:
        if not sources.several:
            if one.sources:
                self._entries.append(("", f"From: {lettering.listed(one.sources)}"))
            return
        last = INNER - 1 if len(sources.names) > INNER else len(sources.names)
        for number, name in enumerate(sources.names[:last]):
            self._entries.append((self._shape(PLAIN, None, number=number), f"from {name}"))
        if last < len(sources.names):
            rest = lettering.listed(sources.names[last:])
            self._entries.append((self._shape(PLAIN, None, number=last), f"from others: {rest}"))

    def _lay(self) -> Iterator[tuple[float, float, str, list[str]]]:
        """Across, down, what is drawn, and its lines."""
        x = y = 0.0
        for drawn, words in self._entries:
            begin = _SPOT if drawn else -6.0
            said = self._look.lines(words, self._room - begin, self._size, 3)
            wide = begin + max((self._look.wide(line, self._size) for line in said), default=0.0)
            if x > 0 and x + wide > self._room:
                x, y = 0.0, y + _LINE
            yield x, y, drawn, said
            x += wide + _GAP
            if len(said) > 1:
                x, y = self._room, y + _LINE * (len(said) - 1)

    def parts(self, top: float) -> Iterator[str]:
        """From the height `top` on."""
        for across, down, drawn, said in self._placed:
            x, y = self._left + 6 + across, top + down + 10
            if drawn:
                yield f'<g transform="translate({x:.1f} {y:.1f})">{drawn}</g>\n'
            for number, line in enumerate(said):
                yield (
                    f'<text {self._look.paint("soft")} font-size="{self._size:g}" x="{x + (_SPOT if drawn else -6):.1f}"'
                    f' y="{y + 4 + number * _LINE:.1f}">{text(line)}</text>\n'
                )
