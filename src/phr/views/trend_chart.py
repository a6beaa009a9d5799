"""Points as what `phr.charts` draws."""

from __future__ import annotations

from typing import Any

from phr.charts.model import ABNORMAL, HIGH, LOW, NORMAL, PLAIN, Curve, Dot
from phr.views.trend_line import Point, instant
from phr.views.trend_words import unit_said, written

DRAWN = 1e12
"""No measurement of a body is beyond this: it is a slip, and would make a line of all others."""


def curve(report: dict[str, Any]) -> Curve | None:
    """The line of one measurement; None where nothing in it is a number."""
    dots = tuple(dot for point in report["points"] if (dot := _dot(point)) is not None)
    return Curve(report["name"], unit_said(report["unit"]), dots) if dots else None


def _dot(point: Point) -> Dot | None:
    value = point["value"] if point["exact"] else point["bound"]
    if value is None or not abs(value) < DRAWN:
        return None
    return Dot(
        instant(point),
        float(value),
        mark(point),
        None if point["exact"] else (point["comparator"] or "")[:1],
        point["low"],
        point["high"],
        _date(point),
        written(str(point["original"])),
        " and ".join(point["sources"]),
    )


def mark(point: Point) -> str:
    """How a point stands to its range."""
    if point["direction"] in (HIGH, LOW):
        return str(point["direction"])
    if point["abnormal"] is None:
        return PLAIN
    return ABNORMAL if point["abnormal"] else NORMAL


def _date(point: Point) -> str:
    date = str(point["date"] or "")
    return date[:16].replace("T", " ") if point["precision"] in ("minute", "second") else date[:10]
