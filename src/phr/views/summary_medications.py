"""Which medicines somebody takes, as far as the record says; and of which one has to ask.

A prescription that is active on paper says little: nobody ends it when the last tablet is taken (FHIR R4,
MedicationRequest.status: "may be different from what the patient does"). So what was not prescribed, dispensed or given
again for long, and what was meant for days, is listed with the question "still taking?" and the reason for it.
Nothing is left out for being old: what is left out says of itself that it was stopped or completed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from phr.fhir import dates, read
from phr.views.summary_drugs import course_days, emergency_class, is_short_course
from phr.views.summary_rows import Desk, Row, body, grouped
from phr.views.summary_words import denies, says_nothing

DAY = 86_400
LONG_AGO = 456 * DAY
"""A prescription is renewed at least each year in most places; fifteen months without any sign is long."""
_GRACE = 60 * DAY
_SHORTLY = 45 * DAY
_CHAIN = 400 * DAY
_RECENTLY_DISPENSED = 100 * DAY
_ORDERED = ("MedicationRequest", "MedicationStatement", "MedicationUsage")
_NOW = ("active", "on-hold", "intended", "unknown", "recording", None)
_PAST = ("completed", "in-progress", "stopped", "ended", "cancelled", "not-taken")
_HISTORY = 600
SAME_DRUG = frozenset(("rxnorm", "ndc", "snomed", "atc"))


class Drug(NamedTuple):
    """One medicine, with all that is said of it."""

    now: list[Row]
    """What is active, the newest first."""
    past: list[Row]

    def __repr__(self) -> str:
        return f"<Drug {len(self.now)}>"

    @property
    def newest(self) -> Row:
        return self.now[0]


class Medications:
    """What a summary says of medicines; each with what is to be said beside its event."""

    def __init__(self) -> None:
        self.listed: list[tuple[Row, dict[str, Any]]] = []
        self.none_known: list[Row] = []
        self.forbidden: list[tuple[Row, dict[str, Any]]] = []
        """What is not to be taken (`doNotPerform`)."""


def medications(desk: Desk) -> Medications:
    """What is taken, those without doubt first."""
    found = Medications()
    current: list[Row] = []
    for row in desk.newest("medication", statuses=_NOW):
        codes = [code[1] for code in row.codes]
        if denies(row.title, codes):
            found.none_known.append(row)
        elif row.type in _ORDERED and not says_nothing(row.title, codes):
            current.append(row)
    lately = desk.now - 3 * 366 * DAY
    past = desk.newest("medication", statuses=(*_PAST, None), since=lately, limit=_HISTORY)
    drugs = _drugs(desk, current, _without(past, current))
    told = desk.told([one.id for drug in drugs for one in (*drug.now[:4], *_dispensed(drug)[:1])])
    bodies = {id_: [body(one.raw) for one in ones] for id_, ones in told.items()}
    for drug in drugs:
        said = _said(desk, drug, bodies)
        target = found.forbidden if said.pop("forbidden") else found.listed
        target.append((drug.newest, said))
    found.listed.sort(key=lambda one: (one[1]["still_taking"], one[0].title.casefold()))
    return found


def _without(rows: Sequence[Row], known: Sequence[Row]) -> list[Row]:
    ids = _ids(known)
    return [row for row in rows if row.id not in ids]


def _ids(rows: Iterable[Row]) -> set[int]:
    return {row.id for row in rows}


def _drugs(desk: Desk, current: Sequence[Row], past: Sequence[Row]) -> list[Drug]:
    """Certain duplicates together. What is only dispensed, or given again and again, is taken as well."""
    drugs = []
    listed = _ids(current)
    for group in grouped([*current, *past], certain=SAME_DRUG):
        now = [row for row in group if row.id in listed]
        rest = [row for row in group if row.id not in listed]
        if now:
            drugs.append(Drug(now, rest))
        elif signs := _taken_without_order(desk, rest):
            drugs.append(Drug(signs[:1], [row for row in rest if row is not signs[0]]))
    return drugs


def _taken_without_order(desk: Desk, rows: Sequence[Row]) -> list[Row]:
    """Dispensed in the last weeks, or given on at least three days, weeks apart, and lately."""
    if any(row.status in ("stopped", "not-taken") for row in rows):
        return []
    recent = [
        row for row in rows if row.date_from and desk.now - _RECENTLY_DISPENSED < row.date_from <= desk.now
    ]
    dispensed = [row for row in recent if row.type == "MedicationDispense" and row.status == "completed"]
    if dispensed and not is_short_course(dispensed[0]):
        return dispensed
    given = [
        row
        for row in rows
        if row.type == "MedicationAdministration" and row.status == "completed" and row.date_from
    ]
    days = sorted({(row.date_from or 0) // (14 * DAY) for row in given})
    return given if len(days) >= 3 and any(row in recent for row in given) else []


def _dispensed(drug: Drug) -> list[Row]:
    return [
        row
        for row in (*drug.now, *drug.past)
        if row.type == "MedicationDispense" and row.status == "completed"
    ]


# ── what is said of one ───────────────────────────────────────────────────────────────────────────────


def _said(desk: Desk, drug: Drug, bodies: dict[int, list[dict[str, Any]]]) -> dict[str, Any]:
    resource = bodies.get(drug.newest.id, [{}])[0]
    signs = {
        "prescribed": _latest(desk, drug, ("MedicationRequest",)),
        "dispensed": _latest(desk, drug, ("MedicationDispense",)),
        "given": _latest(desk, drug, ("MedicationAdministration",)),
        "noted": _latest(desk, drug, ("MedicationStatement", "MedicationUsage")),
    }
    doses = _doses(drug, bodies)
    reason = _doubt(desk, drug, resource, bodies, signs)
    return {
        "dose": doses[0] if doses else None,
        "other_doses": doses[1:],
        "since": _since(drug),
        "times": len(drug.now),
        "same": [str(row.id) for row in drug.now[1:]],
        "prescribed": _date(signs["prescribed"]),
        "dispensed": _date(signs["dispensed"]),
        "given": _date(signs["given"]),
        "noted": _date(signs["noted"]),
        "still_taking": reason is not None,
        "doubt": reason,
        "class": emergency_class(drug.newest),
        "forbidden": resource.get("doNotPerform") is True,
    }


def _latest(desk: Desk, drug: Drug, types: tuple[str, ...]) -> Row | None:
    """The newest sign of this type that the medicine is taken; what lies ahead is none."""
    rows = [
        row
        for row in (*drug.now, *drug.past)
        if row.type in types
        and row.date_from is not None
        and row.date_from <= desk.now
        and row.status not in ("stopped", "cancelled", "not-taken")
    ]
    return max(rows, key=lambda row: row.date_from or 0, default=None)


def _date(row: Row | None) -> str | None:
    return row.date if row else None


def _since(drug: Drug) -> str | None:
    """When it began: the first active entry, and from there back over yearly renewals."""
    dated = sorted(
        (row for row in (*drug.now, *drug.past) if row.date_from is not None and row.type in _ORDERED),
        key=lambda row: -(row.date_from or 0),
    )
    known = _ids(drug.now)
    at = max((number for number, row in enumerate(dated) if row.id in known), default=None)
    if at is None:
        return drug.newest.date
    while at + 1 < len(dated) and (dated[at].date_from or 0) - (dated[at + 1].date_from or 0) < _CHAIN:
        at += 1
    return dated[at].date


def _doses(drug: Drug, bodies: dict[int, list[dict[str, Any]]]) -> list[str]:
    """How it is to be taken, as the newest says it; then what others say instead."""
    found: list[str] = []
    for row in drug.now[:4]:
        resource = bodies.get(row.id, [{}])[0]
        words = [_words(one) for one in _dosages(resource)]
        said = ", then ".join(word for word in words if word)
        if said and said.casefold() not in (one.casefold() for one in found):
            found.append(said)
    return found


def _words(dosage: dict[str, Any]) -> str | None:
    """Its sentence, as nearly all have one; else the words that are made of its parts."""
    said = read.text(dosage.get("text"))
    if said and "None" not in said:
        return said
    from phr.records.medications import dosage_words  # costs as much as all the rest of this file

    return dosage_words(dosage)


def _dosages(resource: dict[str, Any]) -> list[dict[str, Any]]:
    return read.dicts(resource.get("dosageInstruction") or resource.get("dosage"))


# ── is it still so? ───────────────────────────────────────────────────────────────────────────────────


def _doubt(
    desk: Desk,
    drug: Drug,
    resource: dict[str, Any],
    bodies: dict[int, list[dict[str, Any]]],
    signs: dict[str, Row | None],
) -> str | None:
    """Why one has to ask whether it is still taken; None where the record gives no reason."""
    row = drug.newest
    if row.status == "on-hold":
        return "on hold"
    if row.status == "intended":
        return "planned, not begun as far as the record says"
    if resource.get("intent") in ("proposal", "option"):
        return "proposed, not ordered"
    last = max((one.date_from or 0 for one in signs.values() if one), default=0)
    stopped = [
        one
        for one in drug.past
        if one.status in ("stopped", "not-taken", "ended") and (one.date_from or 0) > last
    ]
    if stopped:
        said = (stopped[0].status or "stopped").replace("-", " ")
        return f"another entry says {said}, {_day(stopped[0].date)}"
    ended = row.end if row.ended(desk.now) else None
    if ended and not _again_after(signs, ended):
        return f"it was meant until {_day(ended)}"
    out = _runs_out(drug, resource, bodies, signs)
    if out is not None:
        return f"prescribed supply lasted until {_iso(out)}" if out + _GRACE < desk.now else None
    if days := _course(drug, resource):
        over = last + days * DAY
        return f"a course of {days} days, begun {_iso(last)}" if last and over < desk.now else None
    if is_short_course(row) and last and last + _SHORTLY < desk.now:
        return f"usually a short course, last seen {_iso(last)}"
    return _unseen(desk, row, signs, last)


def _unseen(desk: Desk, row: Row, signs: dict[str, Row | None], last: int) -> str | None:
    if not last:
        return "the record does not say since when" if row.date_from is None else None
    if last + LONG_AGO < desk.now:
        name = max(
            (name for name, one in signs.items() if one),
            key=lambda name: getattr(signs[name], "date_from", 0),
        )
        sign = signs[name]
        return f"{name} {_day(sign.date if sign else None)}, no sign of it since"
    return "its source does not know whether it is taken" if row.status == "unknown" else None


def _again_after(signs: dict[str, Row | None], end: str) -> bool:
    """Whether it was prescribed, dispensed or given after this."""
    found = dates.parse(end)
    return found is not None and any((one.date_from or 0) > found.end for one in signs.values() if one)


def _course(drug: Drug, resource: dict[str, Any]) -> int | None:
    """For how many days, where its bounds or its words say so and it was not ordered again."""
    for dosage in _dosages(resource):
        timing = dosage.get("timing")
        repeat = timing.get("repeat") if isinstance(timing, dict) else None
        length = repeat.get("boundsDuration") if isinstance(repeat, dict) else None
        if (days := _days(length)) is not None:
            return days
    words = [read.text(one.get("text")) for one in _dosages(resource)]
    return course_days([*words, drug.newest.description])


def _runs_out(
    drug: Drug,
    resource: dict[str, Any],
    bodies: dict[int, list[dict[str, Any]]],
    signs: dict[str, Row | None],
) -> int | None:
    """Until when the last that was handed out or prescribed lasts; None where nobody said how much it was."""
    ends = []
    wish = resource.get("dispenseRequest")
    prescribed = drug.newest.date_from if drug.newest.type == "MedicationRequest" else None
    if isinstance(wish, dict):
        supply, repeats = _days(wish.get("expectedSupplyDuration")), wish.get("numberOfRepeatsAllowed")
        if supply and prescribed is not None:
            times = 1 + (repeats if isinstance(repeats, int) and 0 <= repeats < 100 else 0)
            ends.append(prescribed + supply * times * DAY)
        period = wish.get("validityPeriod")
        until = dates.parse(period.get("end")) if isinstance(period, dict) else None
        if until is not None and not ends:
            ends.append(until.end)
    for row in _dispensed(drug)[:1]:
        supply = _days(bodies.get(row.id, [{}])[0].get("daysSupply"))
        if supply and row.date_from is not None:
            ends.append(row.date_from + supply * DAY)
    if not ends:
        return None
    later = [one.date_from for one in signs.values() if one and one.date_from]
    return max(*ends, *later) if later else max(ends)


_UNITS = {"d": 1, "day": 1, "days": 1, "wk": 7, "week": 7, "weeks": 7, "mo": 30, "month": 30, "months": 30}


def _days(quantity: object) -> int | None:
    """A Duration or a `daysSupply` in days."""
    if not isinstance(quantity, dict):
        return None
    value = quantity.get("value")
    unit = _UNITS.get(str(quantity.get("code") or quantity.get("unit") or "d").casefold().strip("{}"))
    if (
        unit is None
        or not isinstance(value, int | float)
        or isinstance(value, bool)
        or not 0 < value < 10_000
    ):
        return None
    return round(value * unit)


def _iso(epoch: int) -> str:
    from datetime import UTC, datetime

    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%d")


def _day(date: str | None) -> str:
    return (date or "without a date")[:10]
