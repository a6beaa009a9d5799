"""How pictures look: one set of paints for a page (light and dark), and one for paper.

Each paint is a class and, beside it, presentation attributes: a renderer without CSS shows the attributes, a page that
has `STYLE` in its style sheet the classes. `STYLE` never changes, so a Content-Security-Policy may allow it by its hash.
"""

from __future__ import annotations

from typing import NamedTuple

from phr.charts import lettering

SANS = "system-ui, -apple-system, Segoe UI, Roboto, Helvetica Neue, Arial, sans-serif"
SERIF = "Libertinus Serif"

STYLE = """
.phr-chart { max-width: 100%; height: auto; --chart-paper: #ffffff; --chart-ink: #1c1c1e; --chart-soft: #565a61;
  --chart-grid: #d9dce1; --chart-range: #2f7d4f; --chart-line: #0b57a4; --chart-second: #7a4a9e; --chart-alarm: #b3261e;
  --chart-bar: #7fa6cf; --chart-past: #c3cad3; }
@media (prefers-color-scheme: dark) { .phr-chart { --chart-paper: #15171a; --chart-ink: #eceef1; --chart-soft: #a7adb6;
  --chart-grid: #34383f; --chart-range: #6cc495; --chart-line: #7db7ff; --chart-second: #c9a1f0; --chart-alarm: #ff8a80;
  --chart-bar: #3f6ea3; --chart-past: #4a515b; } }
@media print { .phr-chart { --chart-paper: #ffffff; --chart-ink: #000000; --chart-soft: #333333; --chart-grid: #cccccc;
  --chart-range: #2f7d4f; --chart-line: #0b57a4; --chart-second: #7a4a9e; --chart-alarm: #b3261e;
  --chart-bar: #9dbbdb; --chart-past: #d5dae0; } }
.phr-chart .c-paper { fill: var(--chart-paper); }
.phr-chart .c-ink { fill: var(--chart-ink); }
.phr-chart .c-soft { fill: var(--chart-soft); }
.phr-chart .c-grid { stroke: var(--chart-grid); }
.phr-chart .c-axis { stroke: var(--chart-soft); }
.phr-chart .c-range { fill: var(--chart-range); }
.phr-chart .c-edge { stroke: var(--chart-range); }
.phr-chart .c-line { stroke: var(--chart-line); }
.phr-chart .c-line2 { stroke: var(--chart-second); }
.phr-chart .c-dot { fill: var(--chart-line); stroke: var(--chart-paper); }
.phr-chart .c-dot2 { fill: var(--chart-second); stroke: var(--chart-paper); }
.phr-chart .c-alarm { fill: var(--chart-alarm); stroke: var(--chart-paper); }
.phr-chart .c-open { fill: var(--chart-paper); stroke: var(--chart-line); }
.phr-chart .c-open2 { fill: var(--chart-paper); stroke: var(--chart-second); }
.phr-chart .c-open-alarm { fill: var(--chart-paper); stroke: var(--chart-alarm); }
.phr-chart .c-many { stroke: var(--chart-line); }
.phr-chart .c-many2 { stroke: var(--chart-second); }
.phr-chart .c-bar { fill: var(--chart-bar); stroke: var(--chart-ink); }
.phr-chart .c-past { fill: var(--chart-past); stroke: var(--chart-ink); }
.phr-chart .c-broken { stroke: var(--chart-ink); }
.phr-chart .c-tick { stroke: var(--chart-ink); }
"""
"""Goes into the style sheet of a page that has pictures in it, once."""


class Colours(NamedTuple):
    """What the paints are mixed from."""

    paper: str = "#ffffff"
    ink: str = "#1c1c1e"
    soft: str = "#565a61"
    grid: str = "#d9dce1"
    range: str = "#2f7d4f"
    line: str = "#0b57a4"
    second: str = "#7a4a9e"
    alarm: str = "#b3261e"
    bar: str = "#7fa6cf"
    past: str = "#c3cad3"


_PAPER = Colours(
    ink="#000000", soft="#333333", grid="#cfcfcf", range="#000000", line="#000000", second="#000000",
    bar="#9a9a9a", past="#e0e0e0",
)  # fmt: skip


class Letters(NamedTuple):
    """How large words are in a chart, and how much is left free around it."""

    head: float
    said: float
    small: float
    edge: float
    """At each side."""
    above: float
    narrow: float
    """How wide letters are, of those that `lettering` counts with."""
    bold: float


_ON_SCREEN = Letters(17.0, 13.0, 12.5, 16.0, 12.0, 1.0, 1.07)
_IN_PRINT = Letters(17.0, 14.2, 13.8, 1.0, 2.0, 0.87, 0.97)
"""800 units are the line of an A4 page, 400 half of one: one unit is 0.6 points, and no letter is below 8."""


class Look:
    """The paints of one look: `page` (inside a page that has `STYLE`), `file` (an SVG by itself), or `paper`."""

    def __init__(self, name: str) -> None:
        if name not in ("page", "file", "paper"):
            raise ValueError(name)
        self.name = name
        self.print = name == "paper"
        self.font = SERIF if self.print else SANS
        self.letters = _IN_PRINT if self.print else _ON_SCREEN
        self._made: dict[str, str] = {}
        self._colours = _PAPER if self.print else Colours()

    def wide(self, said: str, size: float) -> float:
        """How wide a line is."""
        return lettering.width(said, size) * self.letters.narrow

    def cut(self, said: str, room: float, size: float) -> str:
        """As much of a line as there is room for."""
        return lettering.cut(said, room / self.letters.narrow, size)

    def lines(self, said: str, room: float, size: float, most: int = 4) -> list[str]:
        """Words in lines."""
        return lettering.lines(said, room / self.letters.narrow, size, most)

    def paint(self, name: str) -> str:
        """Attributes of a paint, with its class where a style sheet may know it."""
        if name not in self._made:
            attributes = _attributes(self._colours)[name]
            self._made[name] = attributes if self.print else f'class="c-{name}" {attributes}'
        return self._made[name]


def _attributes(of: Colours) -> dict[str, str]:
    edge = f'stroke="{of.paper}" stroke-width="1"'
    open_ = f'fill="{of.paper}" stroke-width="1.8"'
    return {
        "paper": f'fill="{of.paper}"',
        "ink": f'fill="{of.ink}"',
        "soft": f'fill="{of.soft}"',
        "grid": f'fill="none" stroke="{of.grid}" stroke-width="1"',
        "axis": f'fill="none" stroke="{of.soft}" stroke-width="1"',
        "range": f'fill="{of.range}" fill-opacity=".13"',
        "edge": f'fill="none" stroke="{of.range}" stroke-width="1.2" stroke-dasharray="5 4"',
        "line": f'fill="none" stroke="{of.line}" stroke-width="1.8" stroke-linejoin="round"',
        "line2": f'fill="none" stroke="{of.second}" stroke-width="1.8" stroke-linejoin="round" stroke-dasharray="7 4"',
        "dot": f'fill="{of.line}" {edge}',
        "dot2": f'fill="{of.second}" {edge}',
        "alarm": f'fill="{of.alarm}" {edge}',
        "open": f'{open_} stroke="{of.line}"',
        "open2": f'{open_} stroke="{of.second}"',
        "open-alarm": f'{open_} stroke="{of.alarm}"',
        "many": f'fill="none" stroke="{of.line}" stroke-linecap="round"',
        "many2": f'fill="none" stroke="{of.second}" stroke-linecap="square"',
        "bar": f'fill="{of.bar}" stroke="{of.ink}" stroke-width=".8"',
        "past": f'fill="{of.past}" stroke="{of.ink}" stroke-width=".8"',
        "tick": f'fill="none" stroke="{of.ink}" stroke-width="1.2"',
        "broken": f'fill="none" stroke="{of.ink}" stroke-width="1" stroke-dasharray="2 2"',
    }


def opening(look: Look, width: float, height: float, title: str, about: str) -> str:
    """The beginning of a document, with what it is for who does not see it (SVG 2, section 5.8; WAI-ARIA Graphics)."""
    text = lettering.text
    alone = look.name == "file"
    parts = [
        '<?xml version="1.0" encoding="UTF-8"?>\n' if alone else "",
        f'<svg xmlns="http://www.w3.org/2000/svg"{"" if look.print else " class=" + chr(34) + "phr-chart" + chr(34)}'
        f' width="{width:g}" height="{height:g}" viewBox="0 0 {width:g} {height:g}" role="img"'
        f' font-family="{look.font}" font-size="13">\n',
        f"<title>{text(title)}</title>\n<desc>{text(about)}</desc>\n",
        f"<style>:root {{ color-scheme: light dark; }}{STYLE}</style>\n" if alone else "",
        f'<rect {look.paint("paper")} width="{width:g}" height="{height:g}"/>\n'
        if look.name != "page"
        else "",
    ]
    return "".join(parts)
