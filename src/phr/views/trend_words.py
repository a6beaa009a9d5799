"""What the points of one measurement say, in words: the last one, how it changed, and whether there is a trend.

The slope is that of Theil and Sen (the median of all slopes between two points: a single odd value does not turn it).
A trend is only named where the test of Mann and Kendall finds that the order in time is no accident; else the words
say that there is none to be seen. Only exact values in one unit are compared, and nothing is said about what it means.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from phr.records.unit_words import spelled
from phr.views.figures import short, unit_words
from phr.views.trend_line import Point, instant

YEAR = 365.25 * 86_400
DAY = 86_400
WINDOW = 5 * YEAR
"""A trend is looked for in the last five years, or in all there is where that is too little."""
FEWEST = 4
MOST = 120
"""More points are gathered into so many medians first: their slopes are counted in pairs."""
_NO_PERCENT = ("%", "[degF]", "°F", "Cel", "°C", "degF", "degC", "")


@dataclass(frozen=True)
class Slope:
    """How a measurement moves."""

    per_year: float | None
    direction: str
    """`rising`, `falling`, `steady`, `no clear trend`, `too few values`."""
    points: int
    start: str | None
    end: str | None
    seconds: float


def slope(points: Sequence[Point]) -> Slope:
    """The trend of the exact values, oldest first."""
    exact = [
        (instant(one), float(one["value"]), one["date"])
        for one in points
        if one["exact"] and one["value"] is not None
    ]
    if exact:
        recent = [one for one in exact if one[0] >= exact[-1][0] - WINDOW]
        exact = recent if len(recent) >= FEWEST else exact
    many = len(exact)
    start, end = (exact[0][2], exact[-1][2]) if exact else (None, None)
    seconds = exact[-1][0] - exact[0][0] if exact else 0.0
    days = len({int(one[0] // DAY) for one in exact})
    if many < FEWEST or days < FEWEST:
        return Slope(None, "too few values", many, start, end, seconds)
    pairs = _thinned([(when, value) for when, value, _ in exact])
    steps = [
        (b - a) / (later - earlier)
        for at, (earlier, a) in enumerate(pairs)
        for later, b in pairs[at + 1 :]
        if later > earlier
    ]
    if not steps:
        return Slope(None, "too few values", many, start, end, seconds)
    per_year = median(steps) * YEAR
    if all(value == pairs[0][1] for _, value in pairs):
        return Slope(0.0, "steady", many, start, end, seconds)
    if per_year == 0 or not _is_ordered(pairs):
        return Slope(_rounded(per_year), "no clear trend", many, start, end, seconds)
    return Slope(_rounded(per_year), "rising" if per_year > 0 else "falling", many, start, end, seconds)


def median(values: Iterable[float]) -> float:
    """The one in the middle. (The module `statistics` takes longer to load than all of this takes to run.)"""
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def _thinned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """At most `MOST` points, each the median of those beside each other."""
    if len(points) <= MOST:
        return points
    size = math.ceil(len(points) / MOST)
    parts = [points[at : at + size] for at in range(0, len(points), size)]
    return [(median(when for when, _ in part), median(value for _, value in part)) for part in parts]


def _is_ordered(points: Sequence[tuple[float, float]]) -> bool:
    """Mann and Kendall, with ties; one in twenty by accident, of four or five points one in ten."""
    many = len(points)
    score = 0
    for at, (earlier, a) in enumerate(points):
        for later, b in points[at + 1 :]:
            if later > earlier:
                score += (b > a) - (b < a)
    ties: dict[float, int] = {}
    for _, value in points:
        ties[value] = ties.get(value, 0) + 1
    spread = many * (many - 1) * (2 * many + 5)
    spread -= sum(each * (each - 1) * (2 * each + 5) for each in ties.values())
    if spread <= 0 or abs(score) <= 1:
        return False
    z = (abs(score) - 1) / math.sqrt(spread / 18)
    accident = math.erfc(z / math.sqrt(2))
    return accident < (0.1 if many < 6 else 0.05)


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")


# ── in words ──────────────────────────────────────────────────────────────────────────────────────────


def decimals(points: Sequence[Point]) -> int:
    """How many digits behind the point the sources write; converted values have what that makes of three digits."""
    written = [
        len(short(one["original"].split()[0]).partition(".")[2])
        for one in points[-50:]
        if one["exact"] and not one["converted"] and one["original"][:1].isdigit()
    ]
    if written:
        return min(4, max(written))
    largest = max((abs(float(one["value"])) for one in points if one["value"] is not None), default=1.0)
    return max(0, min(4, 2 - math.floor(math.log10(largest)))) if largest else 0


_DEGREES = {"cel": "°C", "[degf]": "°F", "mm[hg]": "mmHg"}


def unit_said(unit: str | None) -> str:
    """A unit as people write it."""
    if not unit:
        return ""
    return _DEGREES.get(spelled(unit)) or unit_words(unit)


def written(text: str, *bounds: float | None) -> str:
    """A value as its source wrote it, for a screen: no more digits than anybody can measure, its unit in plain words."""
    number, _, unit = text.partition(" ")
    return f"{short(number, *bounds)} {unit_said(unit)}".strip() if number[-1:].isdigit() else text


def figure(value: float, digits: int) -> str:
    """A number to read: no more digits than were measured, a real minus sign."""
    text = f"{value:,.{digits}f}" if abs(value) >= 10_000 else f"{value:.{digits}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".") if digits > 2 else text
    if text.strip("-0.,") == "":
        text = text.lstrip("-")
    return text.replace("-", "−")


def shown(point: Point, digits: int) -> str:
    """The value of a point: as its source wrote it, in the unit of its line; converted, rounded like the others."""
    if not point["converted"]:
        number, space, _ = str(point["original"]).partition(" ")
        same = space and point["unit"] and (point["exact"] or point["bound"] is not None)
        text = f"{number} {point['unit']}" if same else str(point["original"])
        return written(text, point["low"], point["high"])
    amount = point["value"] if point["exact"] else point["bound"]
    sign = "" if point["exact"] else point["comparator"] or ""
    return f"{sign}{figure(float(amount), digits)} {unit_said(point['unit'])}".strip()


def standing(point: Point) -> str:
    """`low`, `high`, `outside its range`, `within its range`; empty where nobody says."""
    if point["abnormal"] is None and point["direction"] is None:
        return ""
    if point["abnormal"] is False:
        return "within its range"
    critical = point["interpretation"] in ("HH", "LL", "AA")
    words = point["direction"] or "abnormal"
    return f"critically {words}" if critical and point["direction"] else words


def told(
    points: Sequence[Point], moving: Slope, unit: str | None, refused: Sequence[Point] = ()
) -> tuple[str, dict[str, Any]]:
    """The sentences, and the numbers in them."""
    if not points:
        return "", {"change": None, "change_percent": None, "change_since": None}
    digits = decimals(points)
    last = points[-1]
    parts = [f"Last: {shown(last, digits)} on {str(last['date'])[:10]}", standing(last)]
    if last["status"] in ("preliminary", "registered"):
        parts.append("preliminary")
    elif last["status"] in ("corrected", "amended"):
        parts.append("corrected")
    sentences = [", ".join(part for part in parts if part) + "."]
    newer = [one for one in refused if one["date"] and instant(one) > instant(last)]
    if newer:
        value, on = written(str(newer[-1]["original"])), str(newer[-1]["date"])[:10]
        sentences.append(f"Newer, but not to be compared: {value} on {on}.")
    change = _change(points)
    if change["change"] is not None:
        sentences.append(_change_words(change, last, digits, unit))
    sentences.append(_slope_words(moving, unit, digits))
    return " ".join(one for one in sentences if one), change


def _change(points: Sequence[Point]) -> dict[str, Any]:
    """From the last exact value before; nothing where the last one is not exact."""
    found: dict[str, Any] = {"change": None, "change_percent": None, "change_since": None}
    exact = [one for one in points[:-1] if one["exact"]]
    last = points[-1]
    if last["exact"] and exact:
        before = exact[-1]
        change = float(f"{float(last['value']) - float(before['value']):.6g}")
        found |= {"change": change, "change_since": before["date"]}
        if float(before["value"]) > 0 and (last["unit"] or "") not in _NO_PERCENT:
            found["change_percent"] = round(100 * change / float(before["value"]), 1)
    return found


def _change_words(change: dict[str, Any], last: Point, digits: int, unit: str | None) -> str:
    since = str(change["change_since"])[:10]
    amount = float(change["change"])
    figures = figure(abs(amount), digits)
    same_day = since == str(last["date"])[:10] and len(since) == 10
    if not figures.strip("0.,"):
        return "The same as earlier that day." if same_day else f"The same as on {since}."
    if unit == "%":
        figures += " percentage point" if figures == "1" else " percentage points"
    words = f"{'Up' if amount > 0 else 'Down'} {figures} since {'earlier that day' if same_day else since}"
    percent = change["change_percent"]
    if percent is not None and abs(percent) >= 0.5:
        words += f" ({'+' if percent > 0 else '−'}{abs(percent):.0f} %)"
    return words + "."


def _slope_words(moving: Slope, unit: str | None, digits: int) -> str:
    if moving.direction == "too few values":
        return "Too few values to see a trend." if moving.points > 1 else ""
    over = span(moving.seconds)
    if moving.direction == "steady":
        return f"The same all the time over {over}."
    if moving.direction == "no clear trend" or moving.per_year is None:
        return f"No clear trend over {over}."
    name, seconds = ("year", YEAR) if moving.seconds >= 1.5 * YEAR else ("month", YEAR / 12)
    if moving.seconds < 60 * DAY:
        name, seconds = "week", 7 * DAY
    amount = moving.per_year * seconds / YEAR
    sign = "+" if amount > 0 else "−"
    places = max(digits, 1 - math.floor(math.log10(abs(amount)))) if amount else digits
    figures = f"{abs(amount):.{min(6, places)}f}"
    if "." in figures:
        figures = figures.rstrip("0").rstrip(".")
    named = " percentage points" if unit == "%" else f" {unit_said(unit)}" if unit else ""
    return f"{moving.direction.capitalize()} over {over}: about {sign}{figures}{named} a {name}."


def span(seconds: float) -> str:
    """`5 years`, `8 months`, `3 weeks`, `4 days`."""
    for size, name in ((YEAR, "year"), (YEAR / 12, "month"), (7 * DAY, "week"), (DAY, "day")):
        amount = round(seconds / size)
        if amount >= 2 or (name == "year" and seconds >= 0.95 * YEAR) or name == "day":
            return f"{max(1, amount)} {name}{'' if max(1, amount) == 1 else 's'}"
    return "1 day"
