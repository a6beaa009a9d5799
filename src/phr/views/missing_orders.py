"""Ordered, and no result is in the record: orders of tests, pictures and procedures whose time has passed.

A result answers an order when it says so (`basedOn`), or when it is the same examination or measurement, from whatever
source, after the order and within a sensible time. Cancelled, replaced, future and young orders wait for nothing.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from phr.fhir import read
from phr.records.elements import walk, words_of
from phr.views.had_exam import PERHAPS
from phr.views.had_record import Told
from phr.views.had_role import CANCELLED, DONE, ORDERED, PLANNED, UNSURE
from phr.views.missing_evidence import evidence, wanted
from phr.views.missing_ground import DAY, TEST_GRACE, Ground, Line, Row, day_words, whom
from phr.views.missing_papers import paper

LONGEST = 400 * DAY
"""A result that comes later than this was hardly for this order."""
_ALIVE = (
    None,
    "active",
    "completed",
    "unknown",
    "in-progress",
    "requested",
    "received",
    "accepted",
    "in-review",
)
_MEANT = (None, "order", "original-order", "reflex-order", "filler-order", "instance-order")
_NO_TEST = re.compile(
    r"educat|counsel|instruct|\bdiet\b|nutrition|nursing|equipment|\bdme\b|home health|transport|isolation"
    r"|\badmi(?:t|ssion)\b|discharge|code status|\boxygen\b|wheelchair|walker|compression|activity|work note|school"
    r"|precaution|consent|monitor at home|smoking cessation|advance directive|vital signs"
    r"|physiotherap|social work|care plan|self[- ]care|case management|therapy|infusion|\bshot\b|vaccin|immuni[sz]",
    re.IGNORECASE,
)
_WARD = re.compile(
    r"\bdiet(?:ary)?\b|\bnpo\b|vital signs|\bvitals\b|\bper unit\b|nursing|intake and output|\bi ?& ?o\b|\bi/o\b|bed ?rest"
    r"|out of bed|ambulat(?:e|ion)\b|up ad lib|activity (?:as|order|level|restrict)|fall (?:risk|precaution)"
    r"|notify (?:provider|physician|md|doctor)|\bcall (?:provider|md|physician)|saline lock|peripheral iv|\bfoley\b"
    r"|incentive spirometr|sequential compression|\bscds?\b|elevate (?:head|leg|extrem)|turn (?:and|every|q)"
    r"|weigh (?:daily|patient)|daily weights?|fluid restriction|wound care|dressing change|code status|isolation"
    r"|feeding|regular texture|weight[- ]bearing|suction|\bfull code\b|\bdnr\b|telemetry",
    re.IGNORECASE,
)
"""What a ward does or a person eats: it has no result, even where it names a measurement (`low sodium diet`)."""
_STANDING = re.compile(
    r"\b(?:weekly|daily|monthly|yearly|every|standing|series of|recurring|periodic|times a|per week|prn)\b",
    re.I,
)


class Answered(NamedTuple):
    """What became of an order."""

    how: str
    """`yes`, `other` (an explanation), `perhaps`, or `no`."""
    detail: str = ""


def orders(ground: Ground, found: list[Row]) -> tuple[list[Line], list[Line], list[Line]]:
    """Without a result; explained in another way; unsure."""
    missing: list[Line] = []
    explained: list[Line] = []
    unsure: list[Line] = []
    for row in found:
        ground.count("orders")
        if not is_due(ground, row, TEST_GRACE):
            continue
        if _is_no_test(row):
            ground.count("orders_without_a_result_by_nature")
            continue
        answer = _answered(ground, row)
        if answer.how == "yes":
            ground.count("orders_with_result")
            continue
        hint = f"Ask {whom(row)} for the result; phr show {row.id}"
        line = ground.line("ordered_without_result", row, answer.detail or _NOTHING, hint, since=_due(row))
        if answer.how == "no" and row.status == "unknown":
            line.detail = f"Its source does not know what became of the order. {line.detail}"
            unsure.append(line)
        else:
            {"no": missing, "other": explained, "perhaps": unsure}[answer.how].append(line)
    return missing, explained, unsure


_NOTHING = "No result is in your record."


def standing(ground: Ground, rows: list[Row]) -> list[Row]:
    """Orders that stand: not cancelled, replaced, proposed or told not to be done."""
    replaced = {
        (row.source_id, target)
        for row in rows
        for pointer in walk(row.raw, ("replaces",))
        if (target := read.reference(pointer))
    }
    return [
        row
        for row in rows
        if row.status in _ALIVE
        and row.raw.get("intent") in _MEANT
        and row.raw.get("doNotPerform") is not True
        and not any(one in replaced for one in ground.addresses(row.id))
    ]


def is_due(ground: Ground, row: Row, grace: int) -> bool:
    """Whether its time has come and the patience is over."""
    due = _due(row)
    if due is None:
        ground.count("orders_without_a_date")
        return False
    last = row.date_to or due
    end = _end(row)
    if end is not None and end > ground.now:
        return False
    if last > ground.now and due > ground.now - 31 * DAY:  # a month or a year that is not over yet
        return False
    return ground.now - due > ground.patience(grace) * DAY


def _due(row: Row) -> int | None:
    moments = [one for one in (row.written, row.date_from) if one is not None]
    return max(moments) if moments else None


def _end(row: Row) -> int | None:
    from phr.fhir import dates

    found = dates.parse(row.end) if row.end else None
    return found.end if found else None


def _is_no_test(row: Row) -> bool:
    if _WARD.search(row.title):
        return True
    asked = wanted(row)
    return asked.kind == "words" and bool(_NO_TEST.search(" ".join(row.names) + " " + (row.category or "")))


# ── what became of it ─────────────────────────────────────────────────────────────────────────────


def _answered(ground: Ground, row: Row) -> Answered:
    """By those that name the order, else by what is the same."""
    naming = [one for address in ground.addresses(row.id) for one in ground.pointing.get(address, ())]
    by_name = _by_reference(naming)
    if by_name.how in ("yes", "other"):
        return by_name
    alike = _alike(ground, row)
    if alike.how in ("yes", "other"):
        return alike
    measured = _measured(ground, row)
    if measured.how == "yes":
        return measured
    if by_name.detail or alike.how == "perhaps":
        return by_name if by_name.detail else alike
    if found := paper(ground, row):
        return Answered(
            "perhaps",
            f"“{found.title}” of {day_words(found.date_from)} may hold its result (record {found.id}).",
        )
    return measured if measured.detail else alike


def _measured(ground: Ground, row: Row) -> Answered:
    """By the measurements that name the order; one that was cancelled is none."""
    gone = Answered("no")
    for address in ground.addresses(row.id):
        for _, resource in ground.observed.get(address, ()):
            if resource.get("status") not in ("cancelled", "entered-in-error", "registered"):
                return Answered("yes")
            if resource.get("status") == "cancelled":
                why = words_of(resource.get("dataAbsentReason"))
                said = f": {why}" if why else ""
                gone = Answered("no", f"Its result was cancelled{said}. No result is in your record.")
    return gone


def _by_reference(naming: list[tuple[str, dict[str, Any]]]) -> Answered:
    taken = ""
    other = ""
    for address, resource in naming:
        type_, status = address.partition("/")[0], resource.get("status")
        if type_ in ("DiagnosticReport", "ImagingStudy", "DocumentReference"):
            if status == "cancelled":
                taken = (
                    taken
                    or "Its report was cancelled by the laboratory or clinic; no result is in your record."
                )
            elif status != "entered-in-error":
                return Answered("yes")
        elif type_ in ("Procedure", "MedicationAdministration", "Immunization"):
            if status == "not-done":
                reason = words_of(resource.get("statusReason"))
                other = f"It was not done: {reason}" if reason else "It was not done; no reason is told."
            elif status not in ("preparation", "entered-in-error", "on-hold"):
                return Answered("yes")
        elif type_ == "Specimen":
            taken = "A sample for it was taken; no result is in your record."
        elif type_ == "Appointment" and status == "booked":
            taken = taken or "An appointment was made for it; no result is in your record."
    return Answered("other", other) if other else Answered("no", taken)


def _alike(ground: Ground, row: Row) -> Answered:
    """The same examination or measurement after the order, wherever it was done."""
    start, due = row.written, _due(row)
    if start is None or due is None:
        return Answered("no")
    own = {address for _, address in ground.addresses(row.id)}
    repeats = _STANDING.search(row.title) or "occurrenceTiming" in row.raw
    perhaps = detail = other = ""
    for one in evidence(ground, row):
        if one.date_from is None or (one.date_to or 0) <= start - (0 if _exact(one, row) else DAY):
            continue
        if one.date_from > due + LONGEST and not repeats:
            continue
        if one.role == PLANNED and one.kind == "appointment" and one.date_from > ground.now:
            return Answered("other", f"It is planned for {day_words(one.date_from)}.")
        if one.role == CANCELLED and one.type == "Procedure":
            other = other or f"{_sentence(one.said) or 'It was cancelled.'}"
        elif one.role == CANCELLED and one.type in ("DiagnosticReport", "Observation"):
            detail = (
                detail
                or f"Its report of {day_words(one.date_from)} was cancelled; no result is in your record."
            )
        if one.role == ORDERED and one.type in ("DiagnosticReport", "ImagingStudy", "Observation"):
            return Answered("yes")  # it is named as a report that never became final
        if one.role not in (DONE, UNSURE):
            continue
        if one.kind == "claim":
            detail = (
                detail
                or f"It was billed on {day_words(one.date_from)}, so it was probably done; no result is in your record."
            )
        elif one.level == PERHAPS or one.role == UNSURE:
            perhaps = (
                perhaps or f"“{one.title}” of {day_words(one.date_from)} may be its result (record {one.id})."
            )
        elif _for_another(one, own):
            perhaps = (
                perhaps
                or f"The same was done on {day_words(one.date_from)} for another order (record {one.id})."
            )
        else:
            return Answered("yes")
    if other:
        return Answered("other", other)
    return Answered("perhaps", perhaps) if perhaps else Answered("no", detail)


def _exact(one: Told, row: Row) -> bool:
    """Whether both dates have a clock."""
    return len(one.date or "") > 10 and len(row.recorded or row.date or "") > 10


def _sentence(words: str) -> str:
    return f"It was {words}." if words.startswith("not ") else words


def _for_another(one: Told, own: set[str]) -> bool:
    named = {target for pointer in walk(one.raw, ("basedOn",)) if (target := read.reference(pointer))}
    orders = {target for target in named if target.startswith(("ServiceRequest/", "ProcedureRequest/"))}
    return bool(orders) and not orders & own
