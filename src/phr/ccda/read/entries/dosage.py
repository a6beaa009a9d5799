"""How a medicine is taken: effectiveTime, doseQuantity, precondition and words as Dosage.

The way back of `phr.ccda.sections.dosage`: the first effectiveTime says from when to when, those with operator A how often
(PIVL_TS) or at which event of the day (EIVL_TS). HL7 v3 data types, General Timing; FHIR R4 Timing.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from phr.ccda.read.datatypes import concept, measured, moment_or_period, number, quantity, range_, ratio, span
from phr.ccda.read.entries.meaning import CCD1, CCDA, IHE, Concept, cell, plain, without, words_of
from phr.ccda.read.entries.parts import words
from phr.ccda.read.nodes import Node, at, attr, child, children, has_template, statements, xsi_type
from phr.ccda.read.people import text
from phr.ccda.read.reading import Reading
from phr.ccda.read.times import when
from phr.ccda.reading_codes import EVENT_TIMINGS, HL7, NO_CODE, PERIOD_UNITS

Dosage = dict[str, Any]

_INSTRUCTIONS = (f"{CCDA}20", f"{CCD1}49", f"{IHE}3")
_PLAIN_INSTRUCTIONS = frozenset("PINSTRUCT FINSTRUCT 409073007 423564006 311401005 ASSERTION".split())
"""Codes that say no more than "instruction": their words are the instruction."""
_DRUG = "consumable/manufacturedProduct/manufacturedMaterial/code"
_ELEMENTS = (
    "text", "additionalInstruction", "patientInstruction", "timing", "asNeededBoolean", "asNeededCodeableConcept", "site",
    "route", "doseAndRate", "maxDosePerPeriod",
)  # fmt: skip
_ROWS = ("tr", "table", "tbody", "text", "list", "item")
_SIG_COLUMNS = (
    re.compile(r"\bsig\b|direction|instruction|how to take", re.IGNORECASE),
    re.compile(r"\bdos(e|age|ing)\b|regimen|administration", re.IGNORECASE),
)


def dosages(reading: Reading, statement: Node, drug: str | None, *, bounded: bool) -> list[Dosage]:
    """The Dosages of a statement: one for each rhythm, then those of subordinate administrations.

    `bounded` puts the dates of the whole into each timing, for resources that have no other place for them.
    """
    frame = _frame(reading, statement, drug)
    timings = _timings(statement, bounded=bounded) or [{}]
    found = [each for timing in timings if (each := _ordered(frame | {"timing": timing}))]
    for holder, nested in statements(statement):
        if is_step(nested):
            order = number(at(holder, "sequenceNumber", "value"))
            steps = dosages(reading, nested, drug, bounded=True)
            found += [{"sequence": int(order)} | each if order is not None else each for each in steps]
    return found


def _ordered(dosage: Dosage) -> Dosage:
    """The elements in the order of FHIR, without those that say nothing."""
    return {key: dosage[key] for key in _ELEMENTS if dosage.get(key) not in (None, [], {})}


def is_step(statement: Node) -> bool:
    """A subordinate administration: a step of a tapered, split or conditional dose of the same medicine."""
    if statement.tag != "substanceAdministration" or is_free_text(statement):
        return False
    outer = next(statement.iterancestors("substanceAdministration"), None)
    own = at(statement, _DRUG, "code")
    return outer is not None and own in (None, at(outer, _DRUG, "code"))


def is_free_text(statement: Node) -> bool:
    """A Medication Free Text Sig."""
    return has_template(statement, f"{CCDA}147") or at(statement, "code", "code") == "76662-6"


def is_instruction(statement: Node) -> bool:
    """An Instruction to the patient."""
    return statement.tag == "act" and (
        has_template(statement, *_INSTRUCTIONS) or at(statement, "code", "code") in ("PINSTRUCT", "FINSTRUCT")
    )


def _frame(reading: Reading, statement: Node, drug: str | None) -> Dosage:
    """Everything about how, but the times."""
    additional, instructions = _instructions(reading, statement)
    rate, dose = child(statement, "rateQuantity"), child(statement, "doseQuantity")
    dose_range, rate_range = range_(dose), range_(rate)
    amounts = {
        "doseRange": dose_range,
        "doseQuantity": None if dose_range else quantity(dose) or quantity(child(dose, "center")),
        "rateRange": rate_range,
        "rateQuantity": None if rate_range else quantity(rate),
    }
    return {
        "text": _with_dose(_sig(reading, statement, drug), amounts, dose, rate),
        "additionalInstruction": additional,
        "patientInstruction": "; ".join(instructions) or None,
        **_as_needed(reading, statement),
        "site": _concept(reading, statement, "approachSiteCode"),
        "route": _concept(reading, statement, "routeCode"),
        "doseAndRate": [amounts] if any(amounts.values()) else None,
        "maxDosePerPeriod": ratio(child(statement, "maxDoseQuantity")),
    }


def _with_dose(said: str | None, amounts: Dosage, dose: Node | None, rate: Node | None) -> str | None:
    """The instructions, with a dose or rate that is written as no number: "1 to 2 tablets"."""
    unread = [
        written
        for node, kind in ((dose, "dose"), (rate, "rate"))
        if not (amounts[f"{kind}Range"] or amounts[f"{kind}Quantity"])
        and (written := measured(node) or text(child(node, "originalText")))
    ]
    new = [each for each in unread if each.casefold() not in (said or "").casefold()]
    return "; ".join([*new, *filter(None, [said])]) or None


# ── words ─────────────────────────────────────────────────────────────────────────────────────────


def _sig(reading: Reading, statement: Node, drug: str | None) -> str | None:
    """The instructions in the source's words.

    A row of the narrative repeats the drug, the dates and the status: of that only the column of the instructions is
    taken; the whole row only where a free text sig points at it.
    """
    for _, nested in statements(statement):
        if is_free_text(nested) and (found := _words_at(reading, nested, whole=True)):
            return found
    said = _words_at(reading, statement, whole=False) or None
    if said and drug and said.casefold().startswith(f"{drug.casefold()} - "):
        said = said[len(drug) + 3 :].strip()
    known = said is None or said.casefold() in NO_CODE or (drug and said.casefold() in drug.casefold())
    return None if known else said


def _words_at(reading: Reading, statement: Node, *, whole: bool) -> str | None:
    said = child(statement, "text")
    inline = text(said)
    if inline:
        return inline
    pointer = at(said, "reference", "value")
    target = reading.index.target(pointer) if pointer else None
    if target is None:
        return None
    if target.tag not in _ROWS:
        return reading.index.said.words(target)
    column = cell(reading, target, _SIG_COLUMNS)
    return column if column is not None else reading.index.said.words(target) if whole else None


def _instructions(reading: Reading, statement: Node) -> tuple[list[Concept], list[str]]:
    """Instructions (4.20): coded ones, and those in words."""
    coded: list[Concept] = []
    said: list[str] = []
    for _, nested in statements(statement):
        if not is_instruction(nested):
            continue
        own = words(reading, nested)
        found = without(plain(concept(child(nested, "code"), reading)), _PLAIN_INSTRUCTIONS)
        if found is not None:
            displays = [each.get("display") for each in found.get("coding", ())]
            coded.append(found | {"text": own} if own and found.get("text") in (None, *displays) else found)
        elif own and own not in said:
            said.append(own)
    return coded, said


def _concept(reading: Reading, statement: Node, tag: str) -> Concept | None:
    """A code of the statement; the words that some write where a reference belongs count as its text."""
    for each in children(statement, tag):
        found = plain(concept(each, reading))
        if found is not None:
            return found
        pointer = at(each, "originalText/reference", "value")
        if pointer and not pointer.startswith("#") and reading.index.target(pointer) is None:
            return {"text": pointer}
    return None


def _as_needed(reading: Reading, statement: Node) -> Dosage:
    """Precondition (4.25): its presence means "as needed", its value for what."""
    conditions = children(statement, "precondition")
    if not conditions:
        return {}
    found: list[Concept] = []
    for each in conditions:
        criterion = child(each, "criterion")
        meant = (plain(concept(child(criterion, tag), reading)) for tag in ("value", "code"))
        said = next((one for one in (without(m, ("ASSERTION",)) for m in meant) if one), None)
        said = said or ({"text": own} if (own := text(child(criterion, "text"))) else None)
        if said:
            found.append(said)
    if not found:
        return {"asNeededBoolean": True}
    if len(found) == 1:
        return {"asNeededCodeableConcept": found[0]}
    codings = [coding for each in found for coding in each.get("coding", ())]
    joined = "; ".join(filter(None, map(words_of, found)))
    return {"asNeededCodeableConcept": {"coding": codings, "text": joined}}


# ── when ──────────────────────────────────────────────────────────────────────────────────────────


def _times(statement: Node) -> list[Node]:
    """All effectiveTimes; those that are an expression (SXPR_TS) by their parts."""
    found: list[Node] = []
    for each in children(statement, "effectiveTime"):
        found += children(each, "comp") or [each]
    return found


def _kind(time: Node) -> str:
    said = xsi_type(time) or ""
    if said.startswith("PIVL") or child(time, "period") is not None:
        return "period"
    return "event" if said.startswith("EIVL") or child(time, "event") is not None else "interval"


def effective(statement: Node) -> Dosage:
    """From when to when it was taken, as effective[x]."""
    intervals = (each for each in _times(statement) if _kind(each) == "interval")
    found = (_moment(each) for each in intervals)
    return next((each for each in found if each), {})


def _moment(time: Node) -> Dosage:
    ended = _end_of(time)
    found = moment_or_period(time, "effective")
    return {"effectivePeriod": {"start": when(child(time, "low")), "end": ended}} if ended else found


def _end_of(time: Node) -> str | None:
    """The end of an interval that says how long it is: counted in days from its low."""
    begun, width = when(child(time, "low")), quantity(child(time, "width"))
    days = {"d": 1, "wk": 7}.get(PERIOD_UNITS.get(str((width or {}).get("unit", "")).lower(), ""))
    if begun is None or len(begun) < 10 or width is None or days is None or child(time, "high") is not None:
        return None
    return (date.fromisoformat(begun[:10]) + timedelta(days=int(width["value"] * days))).isoformat()


def _timings(statement: Node, *, bounded: bool) -> list[Dosage]:
    """One Timing for each rhythm; the bounds stand in each."""
    bounds: Dosage = {}
    points: list[str] = []
    events: Dosage = {}
    codes: list[dict[str, str]] = []
    rhythms: list[Dosage] = []
    for time in _times(statement):
        kind = _kind(time)
        if kind == "period":
            rhythms.append(_rhythm(time))
        elif kind == "event":
            _add_event(events, codes, time)
        elif bounded and child(time, "low") is None and child(time, "high") is None and when(time):
            points.append(str(when(time)))
        elif bounded and not bounds:
            bounds = _bounds(time)
    ordered = attr(statement, "moodCode") not in (None, "EVN")  # of what was taken it counts the times so far
    count = number(at(statement, "repeatNumber", "value")) if ordered else None
    shared = bounds | ({"count": int(count)} if count is not None and count >= 1 else {}) | events
    base: Dosage = {"event": points} if points else {}
    if codes:
        base["code"] = {"coding": codes}
    repeats = [shared | each for each in rhythms if each] or [shared]
    found = [base | ({"repeat": each} if each else {}) for each in repeats]
    return [each for each in found if each]


def _bounds(time: Node) -> Dosage:
    period = span(time)
    if period is None:
        width = quantity(child(time, "width"))
        return {"boundsDuration": width} if width and width.get("code") in PERIOD_UNITS.values() else {}
    if ended := _end_of(time):
        period = period | {"end": ended}
    return {"boundsPeriod": period}


def _add_event(events: Dosage, codes: list[dict[str, str]], time: Node) -> None:
    code = at(time, "event", "code")
    if code not in EVENT_TIMINGS:
        if code:
            codes.append({"system": f"{HL7}/v3-TimingEvent", "code": code})
        return
    events.setdefault("when", []).append(code)
    offset = child(time, "offset")
    found = quantity(offset) or quantity(child(offset, "low")) or quantity(child(offset, "center"))
    unit = PERIOD_UNITS.get(str((found or {}).get("unit", "")).lower())
    minutes = {"s": Decimal(1) / 60, "min": Decimal(1), "h": Decimal(60), "d": Decimal(1440)}.get(unit or "")
    if found and minutes and code not in ("C", "CM", "CD", "CV"):
        events["offset"] = abs(int(found["value"] * minutes))


def _rhythm(time: Node) -> Dosage:
    """A PIVL_TS as repeat: every so often, or so many times in a period."""
    period = child(time, "period")
    found: Dosage = {}
    low, high = child(period, "low"), child(period, "high")
    amount = number(attr(period, "value")) or number(attr(low, "value")) or number(attr(high, "value"))
    unit = attr(period, "unit") or attr(low, "unit") or attr(high, "unit")
    name = PERIOD_UNITS.get((unit or "").lower())
    if amount is not None and amount > 0 and name is not None:
        by_day = (attr(time, "institutionSpecified") or "").lower() in ("true", "1")
        frequency, amount = _times_in(amount) if by_day or name in ("d", "wk", "mo", "a") else (1, amount)
        found = {"frequency": frequency, "period": amount, "periodUnit": name}
        most = number(attr(high, "value")) if low is not None else None
        if most is not None and most > amount:
            found["periodMax"] = most
    found |= _often(time)
    return found | _phase(time)


def _often(time: Node) -> Dosage:
    """How often as a ratio, as later data types have it: two times in one day."""
    often = ratio(child(time, "frequency"))
    unit = PERIOD_UNITS.get(str(often["denominator"].get("unit", "")).lower()) if often else None
    if often is None or unit is None:
        return {}
    times = int(often["numerator"]["value"])
    return (
        {"frequency": times, "period": often["denominator"]["value"], "periodUnit": unit} if times > 0 else {}
    )


def _phase(time: Node) -> Dosage:
    """When in the period, and for how long."""
    phase = child(time, "phase")
    width = quantity(child(phase, "width"))
    found: Dosage = {}
    unit = PERIOD_UNITS.get(str((width or {}).get("unit", "")).lower())
    if width and unit:
        found |= {"duration": width["value"], "durationUnit": unit}
    written = at(phase, "low", "value") or attr(phase, "value") or ""
    clock = re.match(r"\d{8}([01]\d|2[0-3])([0-5]\d)", written)
    if clock and clock[1] + clock[2] != "0000":
        found["timeOfDay"] = [f"{clock[1]}:{clock[2]}:00"]
    return found


def _times_in(amount: Decimal) -> tuple[int, Decimal]:
    """A part of a day as times a day: 0.333333 is three times in one."""
    for times in range(1, 25):
        whole = amount * times
        nearest = whole.to_integral_value()
        if nearest >= 1 and abs(whole - nearest) <= Decimal("0.00001") * times:
            return times, amount if times == 1 else nearest
    return 1, amount
