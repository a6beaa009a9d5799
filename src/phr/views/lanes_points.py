"""What happened at one time, a lane each: visits, hospital stays, procedures, results, vaccines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from phr.charts.lanes import Bar, Lane, Point
from phr.fhir import dates
from phr.views.events import Event
from phr.views.lanes_bars import spell_of
from phr.views.titles import plain

DAY = 86_400.0
_STAYS = frozenset(("IMP", "ACUTE", "NONAC", "EMER", "OBSENC", "SS", "inpatient", "emergency", "IP", "ED"))
"""Codes of encounters in a hospital (HL7 v3 ActEncounterCode), and how older servers spell them."""
_PLANNED = frozenset(("planned", "booked", "proposed", "preparation", "pending", "waitlist", "noshow"))
_LANES: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("stay", "Hospital and emergency", ("encounter",)),
    ("procedure", "Procedures", ("procedure",)),
    ("visit", "Visits", ("encounter",)),
    ("result", "Laboratory results", ("lab_result",)),
    ("result", "Measurements", ("vital_sign",)),
    ("result", "Imaging", ("imaging",)),
    ("immunization", "Vaccines", ("immunization",)),
)
HAPPENING = frozenset(kind for _, _, kinds in _LANES for kind in kinds)


def happenings(given: Sequence[Event]) -> Iterator[Lane]:
    """A lane of each kind that there is any of."""
    by_kind: dict[str, list[Event]] = {}
    for event in given:
        if event["kind"] in HAPPENING and event["status"] not in _PLANNED:
            by_kind.setdefault(str(event["kind"]), []).append(event)
    for kind, name, kinds in _LANES:
        fits: Callable[[Event], bool] = (
            _is_stay if kind == "stay" else _is_visit if kind == "visit" else lambda _: True
        )
        events = [one for each in kinds for one in by_kind.get(each, ()) if fits(one)]
        bars = [bar for one in events if kind == "stay" and (bar := _stay(one)) is not None]
        points = [point for one in events if kind != "stay" or _stay(one) is None if (point := point_of(one))]
        undated = len(events) - len(bars) - len(points)
        if bars or points:
            note = f"{undated} without a date" if undated else ""
            yield Lane(name, kind, tuple(bars), tuple(sorted(points, key=lambda one: one.when)), note)


def _is_stay(event: Event) -> bool:
    return event["category"] in _STAYS or _nights(event) >= 1


def _is_visit(event: Event) -> bool:
    return not _is_stay(event)


def _nights(event: Event) -> float:
    first, last = dates.parse(event["date"]), dates.parse(event["end"])
    return (last.start - first.start) / DAY if first and last else 0.0


def _stay(event: Event) -> Bar | None:
    """A stay over night; what was over on the same day is a point."""
    if _nights(event) < 0.9:
        return None
    spell = spell_of({**event, "status": "completed"}, float("inf"))
    return None if spell is None else _named(spell.bar(), event)


def _named(bar: Bar, event: Event) -> Bar:
    return replace(bar, goes_on=False, label=f"{_title(event)}: {bar.label}")


def point_of(event: Event) -> Point | None:
    """When it was; None where nobody says."""
    when = dates.parse(event["date"]) or dates.parse(event["recorded"])
    if when is None:
        return None
    words = f"{when.text[:10]} {_title(event)}"
    return Point((float(when.start), float(when.end)), event["abnormal"] is True, words)


def _title(event: Event) -> str:
    return plain(str(event["title"]))
