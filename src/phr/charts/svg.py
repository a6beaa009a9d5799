"""A picture as SVG 1.1: in one file without anything from elsewhere, for light and dark, read aloud, in black and white.

Title and description come first for screen readers (SVG 2, section 5.8; WAI-ARIA Graphics). Shapes carry the meaning,
colour repeats it. The style follows `prefers-color-scheme`; where that is not known, ink on white.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from phr.charts import scale
from phr.charts.model import ABNORMAL, HIGH, LOW, NORMAL, PLAIN, Curve, Dot, has_range, range_words
from phr.charts.scale import Axis

WIDTH, HEIGHT = 800, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 76, 24, 92, 86
_STYLE = """
  :root { color-scheme: light dark; }
  :root { --paper: #ffffff; --ink: #1c1c1e; --soft: #5b5f66; --grid: #d9dce1; --range: #2f7d4f; --line: #0b57a4;
    --second: #7a4a9e; --alarm: #b3261e; }
  @media (prefers-color-scheme: dark) { :root { --paper: #15171a; --ink: #eceef1; --soft: #a7adb6; --grid: #34383f;
    --range: #6cc495; --line: #7db7ff; --second: #c9a1f0; --alarm: #ff8a80; } }
  text { font: 13px system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; fill: var(--ink); }
  .head { font-size: 19px; font-weight: 600; } .soft { fill: var(--soft); } .paper { fill: var(--paper); }
  .grid { stroke: var(--grid); stroke-width: 1; } .axis { stroke: var(--soft); stroke-width: 1; }
  .range { fill: var(--range); fill-opacity: .14; }
  .edge { stroke: var(--range); stroke-width: 1.2; stroke-dasharray: 5 4; fill: none; }
  .line { fill: none; stroke: var(--line); stroke-width: 1.8; stroke-linejoin: round; }
  .second .line { stroke: var(--second); }
  .dot { fill: var(--line); stroke: var(--paper); stroke-width: 1; } .second .dot { fill: var(--second); }
  .alarm { fill: var(--alarm); stroke: var(--paper); stroke-width: 1; }
  .open { fill: var(--paper); stroke: var(--line); stroke-width: 1.8; }
  .alarm.open { fill: var(--paper); stroke: var(--alarm); }
"""


@dataclass(frozen=True, slots=True)
class Picture:
    """One plot with its words."""

    title: str
    words: str = field(repr=False)
    curves: tuple[Curve, ...] = field(repr=False)
    sources: tuple[str, ...] = ()


def draw(title: str, pictures: Sequence[Picture]) -> str:
    """One SVG document; several pictures stand above each other."""
    height = HEIGHT * len(pictures)
    about = " ".join(f"{one.title}: {' '.join(one.words.split())}" for one in pictures)
    parts = [
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
        ' role="img" aria-labelledby="title about">\n',
        f'<title id="title">{_text(title)} over time</title>\n<desc id="about">{_text(about)}</desc>\n',
        f"<style>{_STYLE}</style>\n",
        f'<rect class="paper" width="{WIDTH}" height="{height}"/>\n',
    ]
    for number, one in enumerate(pictures):
        parts.append(f'<g transform="translate(0 {number * HEIGHT})">\n')
        parts += _picture(one, number)
        parts.append("</g>\n")
    return "".join([*parts, "</svg>\n"])


class _Field:
    """Where values and moments stand in the picture."""

    def __init__(self, curves: Sequence[Curve]) -> None:
        self.upright = scale.values(curves, 5)
        self.along = scale.times(curves, 8)
        self.left, self.right = _LEFT + 10.0, WIDTH - _RIGHT - 10.0
        self.top, self.bottom = float(_TOP), float(HEIGHT - _BOTTOM)

    def x(self, when: float) -> float:
        return round(self.left + self.along.share(when) * (self.right - self.left), 1)

    def y(self, value: float) -> float:
        share = min(1.0, max(0.0, self.upright.share(value)))
        return round(self.bottom - share * (self.bottom - self.top), 1)


def _picture(one: Picture, number: int) -> Iterator[str]:
    field_ = _Field(one.curves)
    unit = one.curves[0].unit
    yield f'<text class="head" x="{_LEFT - 52}" y="34">{_text(one.title)}{_in(unit)}</text>\n'
    for at, line in enumerate([line for said in one.words.split("\n") for line in _lines(said, 112)][:2]):
        yield f'<text class="soft" x="{_LEFT - 52}" y="{54 + 17 * at}">{_text(line)}</text>\n'
    if len(one.curves) == 1 and has_range(one.curves[0]):
        yield from _range(one.curves[0], field_)
    yield from _axes(field_.upright, field_.along, field_)
    for at, curve in enumerate(one.curves):
        yield f"<g{' class=' + chr(34) + 'second' + chr(34) if at else ''}>\n"
        exact = curve.exact
        if 1 < len(exact) <= 400:
            points = " ".join(f"{field_.x(dot.when)},{field_.y(dot.value)}" for dot in exact)
            yield f'<polyline class="line" points="{points}"/>\n'
        small = len(curve.dots) > 150
        for dot in curve.dots:
            yield _mark(dot, field_, second=at > 0, size=2.6 if small else 4.6)
        yield "</g>\n"
    yield from _legend(one, number)


def _in(unit: str) -> str:
    plain = unit.replace("{", "").replace("}", "")
    return f'<tspan class="soft" font-weight="400" font-size="14"> in {_text(plain)}</tspan>' if plain else ""


def _axes(upright: Axis, along: Axis, field_: _Field) -> Iterator[str]:
    for value, label in upright.marks:
        y = field_.y(value)
        yield f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y}" y2="{y}"/>\n'
        yield f'<text class="soft" x="{_LEFT - 8}" y="{y + 4.5}" text-anchor="end">{_text(label)}</text>\n'
    y = field_.bottom
    yield f'<line class="axis" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y}" y2="{y}"/>\n'
    last = -200.0
    for when, label in along.marks:
        x = field_.x(when)
        half = len(label) * 3.6
        anchor, left = ("end", x - 2 * half) if x + half > WIDTH - 4 else ("middle", x - half)
        if left > last + 8:
            yield f'<line class="axis" x1="{x}" x2="{x}" y1="{y}" y2="{y + 5}"/>\n'
            yield f'<text class="soft" x="{x}" y="{y + 20}" text-anchor="{anchor}">{_text(label)}</text>\n'
            last = left + 2 * half


def _range(curve: Curve, field_: _Field) -> Iterator[str]:
    """Each range reaches half the way to its neighbours; an open end goes on to the edge."""
    dots = sorted(curve.dots, key=lambda dot: dot.when)
    edges = [
        _LEFT,
        *(round((field_.x(a.when) + field_.x(b.when)) / 2, 1) for a, b in pairwise(dots)),
        WIDTH - _RIGHT,
    ]
    pieces: list[tuple[float, float, float | None, float | None]] = []
    for dot, (left, right) in zip(dots, pairwise(edges), strict=True):
        if pieces and pieces[-1][2:] == (dot.low, dot.high):
            pieces[-1] = (pieces[-1][0], right, dot.low, dot.high)
        else:
            pieces.append((left, right, dot.low, dot.high))
    for left, right, low, high in pieces:
        if low is None and high is None:
            continue
        top = field_.y(high) if high is not None else field_.top
        bottom = field_.y(low) if low is not None else field_.bottom
        if bottom > top:
            yield f'<rect class="range" x="{left}" y="{top}" width="{right - left:.1f}" height="{bottom - top:.1f}"/>\n'
        for limit in (low, high):
            if limit is not None and field_.upright.start < limit < field_.upright.end:
                yield f'<path class="edge" d="M{left} {field_.y(limit)}H{right}"/>\n'


def _mark(dot: Dot, field_: _Field, *, second: bool, size: float) -> str:
    """A shape for each standing; open where the value is only a limit."""
    x, y = field_.x(dot.when), field_.y(dot.value)
    class_ = "alarm" if dot.mark in (HIGH, LOW, ABNORMAL) else "dot"
    shape = _shape(dot.mark, dot.bound, x, y, size, second=second)
    named = f"{dot.label}: {dot.said}" + (f", {dot.mark}" if dot.mark not in (PLAIN, NORMAL) else "")
    open_ = " open" if dot.bound is not None else ""
    return f'<{shape} class="{class_}{open_}"><title>{_text(named)}</title></{shape.split()[0]}>\n'


def _shape(mark: str, bound: str | None, x: float, y: float, size: float, *, second: bool = False) -> str:
    up, big = size, size * 1.35
    if bound == ">" or (mark == HIGH and bound is None):
        return f'path d="M{x} {y - big:.1f}l{big:.1f} {2 * up:.1f}h{-2 * big:.1f}z"'
    if bound == "<" or (mark == LOW and bound is None):
        return f'path d="M{x} {y + big:.1f}l{big:.1f} {-2 * up:.1f}h{-2 * big:.1f}z"'
    if mark == ABNORMAL:
        return f'path d="M{x} {y - big:.1f}l{big:.1f} {big:.1f}l{-big:.1f} {big:.1f}l{-big:.1f} {-big:.1f}z"'
    if second:
        return f'rect x="{x - up:.1f}" y="{y - up:.1f}" width="{2 * up:.1f}" height="{2 * up:.1f}"'
    return f'circle cx="{x}" cy="{y}" r="{up}"'


def _legend(one: Picture, number: int) -> Iterator[str]:
    dots = [dot for curve in one.curves for dot in curve.dots]
    there = {dot.mark for dot in dots if dot.bound is None}
    entries: list[tuple[str, str, str]] = []
    for at, curve in enumerate(one.curves):
        if len(one.curves) > 1 or there & {NORMAL, PLAIN}:
            words = (
                curve.name
                if len(one.curves) > 1
                else "within its range"
                if there & {NORMAL} and PLAIN not in there
                else "value"
            )
            class_ = "second" if at else ""
            entries.append((_shape(PLAIN, None, 0, 0, 4.6, second=at > 0) + ' class="dot"', words, class_))
    for mark, words in ((HIGH, "high"), (LOW, "low"), (ABNORMAL, "abnormal")):
        if mark in there:
            entries.append((_shape(mark, None, 0, 0, 4.6) + ' class="alarm"', words, ""))
    for sign, words in (("<", "less than this"), (">", "more than this")):
        if any(dot.bound == sign for dot in dots):
            entries.append((_shape(PLAIN, sign, 0, 0, 4.6) + ' class="dot open"', words, ""))
    if len(one.curves) == 1 and has_range(one.curves[0]):
        ranges = dict.fromkeys(
            (dot.low, dot.high) for dot in dots if dot.low is not None or dot.high is not None
        )
        latest = ", the latest" if len(ranges) > 1 else ""
        words = f"usual range{latest} {range_words(*list(ranges)[-1])}"
        entries.append(('rect x="-8" y="-6" width="16" height="12" class="range"', words, ""))
    x, y = float(_LEFT), HEIGHT - 38.0
    for shape, words, class_ in entries:
        group = f' class="{class_}"' if class_ else ""
        yield f'<g transform="translate({x:.0f} {y - 4:.0f})"{group}><{shape}/></g>'
        yield f'<text class="soft" x="{x + 12:.0f}" y="{y:.0f}">{_text(words)}</text>\n'
        x += 34 + len(words) * 6.9
    if one.sources:
        line = _lines(f"From: {', '.join(one.sources)}", 116)[0]
        yield f'<text class="soft" x="{_LEFT - 7}" y="{HEIGHT - 14}">{_text(line)}</text>\n'


def _lines(text: str, most: int) -> list[str]:
    """Words in lines of about so many letters; the last one tells when something is cut."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > most:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def _text(text: str) -> str:
    """Text as XML has it (1.0, section 2.2 and 2.4): no markup, no control characters."""
    plain = "".join(
        char for char in text if char >= " " and not "\x7f" <= char <= "\x9f" and char not in "\ufffe\uffff"
    )
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
