"""The shape `series`: the dose that makes an immunization complete.

Either the record says so (`protocolApplied.doseNumber` and `seriesDoses`, FHIR R4 Immunization), or a rule counts the
doses of a vaccine by its CVX codes, `apart_days` from each other, so that one dose told by two sources counts once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from phr.fhir import read
from phr.packs.words import Words
from phr.store.db import batches, marks
from phr.store.milestones import Milestone
from phr.views.standing.ground import DAY, NOT_SO, Ground, Row, Rule, coded, day, spoken

_SERIES_DOSES = b"seriesDoses"
_NO_SERIES = Words(["influenza*", "flu"])  # once a year: one of one


class Given:
    """The doses that were given."""

    def __init__(self, ground: Ground) -> None:
        self.db = ground.db
        self.rows = [
            row
            for row in ground.rows("immunization")
            if row.type == "Immunization" and row.status not in NOT_SO and row.date_from is not None
        ]


def series(given: Given, rule: Rule) -> Iterator[Milestone]:
    """The last dose of a series."""
    yield from _counted(given, rule) if rule.says.doses else _said(given, rule)


def _counted(given: Given, rule: Rule) -> Iterator[Milestone]:
    doses: list[Row] = []
    for row in given.rows:
        if rule.codes.fits(coded(row.codes)) and (
            not doses or (row.date_from or 0) - (doses[-1].date_from or 0) >= rule.says.apart_days * DAY
        ):
            doses.append(row)
    if len(doses) >= rule.says.doses:
        row = doses[rule.says.doses - 1]
        told = ", ".join(day(one.date) for one in doses[: rule.says.doses])
        yield rule.found(
            row, f"Immunization series complete: {rule.says.title}", f"{rule.says.doses} doses: {told}."
        )


def _said(given: Given, rule: Rule) -> Iterator[Milestone]:
    """What records say of themselves: dose 3 of 3."""
    seen: set[str] = set()
    for part in batches(given.rows):
        found = given.db.execute(
            f"SELECT id, raw FROM resource WHERE id IN ({marks(part)}) AND instr(raw, ?)",
            [*(row.id for row in part), _SERIES_DOSES],
        )
        bodies = {id_: read.parse_as_written(raw) for id_, raw in found.fetchall()}
        for row in part:
            last = _last_dose(bodies.get(row.id))
            if last is None or _NO_SERIES.fit(row.title):
                continue
            name = last[1] or spoken(row.title)
            if name not in seen:
                seen.add(name)
                yield rule.found(
                    row,
                    f"Immunization series complete: {name}",
                    f"Dose {last[0]} of {last[0]} on {day(row.date)}, as the record says.",
                )


def _last_dose(body: Any) -> tuple[int, str | None] | None:
    """`(doses, name of the series)` where a record says that it is the last one of several."""
    for applied in read.dicts(body.get("protocolApplied")) if isinstance(body, dict) else ():
        number, of = (
            _whole(applied.get(f"{key}PositiveInt") or applied.get(f"{key}String"))
            for key in ("doseNumber", "seriesDoses")
        )
        if number is not None and number == of and number > 1:
            return number, read.text(applied.get("series"))
    return None


def _whole(value: Any) -> int | None:
    text = str(value).strip() if value is not None else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 3 else None
