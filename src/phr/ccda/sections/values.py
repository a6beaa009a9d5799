"""The value[x] of an Observation, its reference range and interpretation, as v3 types and as words.

Follows the Result Observation map of C-CDA on FHIR (2.16.840.1.113883.10.20.22.4.2).
"""

from __future__ import annotations

import re
from typing import Any

from phr.ccda import codes
from phr.ccda.datatypes import (
    at,
    bounds,
    code,
    code_in,
    coded,
    has_code,
    interval,
    number,
    period,
    quantity,
    timestamp,
)
from phr.ccda.narrative import bold, moment, remarked, span
from phr.ccda.xml import Child, Element, el, flag
from phr.fhir.read import codings, concept_text, first, listed, text

Part = dict[str, Any]
"""An Observation or one of its components: whatever has a value[x]."""

_COMPARATORS = {"<": ("high", "false"), "<=": ("high", None), ">": ("low", "false"), ">=": ("low", None)}


def effective(resource: Part) -> object:
    """When it was true: the date, or the start of the period; a `Timing` or nothing gives None."""
    for key in ("effectiveDateTime", "effectiveInstant"):
        if (found := text(resource.get(key))) is not None:
            return found
    start, end = period(resource.get("effectivePeriod"))
    return start or end


def effective_time(resource: Part) -> Element:
    """`effectiveTime`: a point, or from when to when; UNK if not said. `issued` is no such time."""
    start, end = period(resource.get("effectivePeriod"))
    if timestamp(end) and end != start:
        return interval("effectiveTime", start, end)
    return at("effectiveTime", effective(resource))


def has_value(part: Part) -> bool:
    """Whether the source gave a value (a reason for its absence is none)."""
    return any(key.startswith("value") and part[key] not in (None, "", {}, []) for key in part)


def value(part: Part) -> Element:
    """The `value` of an observation; null with the source's reason if there is none."""
    flavor = _absence(part)
    if isinstance(found := part.get("valueQuantity"), dict):
        return _quantity(found, flavor)
    if (found := part.get("valueCodeableConcept")) is not None:
        return coded("value", found, xsi_type="CD", flavor=flavor)
    if isinstance(found := part.get("valueRange"), dict):
        return bounds("value", found.get("low"), found.get("high"))
    if isinstance(found := part.get("valueRatio"), dict):
        return el(
            "value",
            quantity("numerator", found.get("numerator"), xsi_type=None),
            quantity("denominator", found.get("denominator"), xsi_type=None),
            xsi_type="RTO_PQ_PQ",
        )
    return _plain(part) or el("value", xsi_type="ST" if has_value(part) else "PQ", nullFlavor=flavor)


def _plain(part: Part) -> Element | None:
    if isinstance(found := part.get("valueBoolean"), bool):
        return el("value", xsi_type="BL", value=flag(found))
    if (digits := number(part.get("valueInteger"))) is not None and "." not in digits:
        return el("value", xsi_type="INT", value=digits)
    if (when := timestamp(part.get("valueDateTime"))) is not None:
        return el("value", xsi_type="TS", value=when)
    if isinstance(found := part.get("valuePeriod"), dict):
        low, high = (timestamp(end) for end in period(found))
        if low or high:
            return el(
                "value",
                el("low", value=low) if low else None,
                el("high", value=high) if high else None,
                xsi_type="IVL_TS",
            )
    words = text(part.get("valueString")) or text(part.get("valueTime")) or _attached(part)
    return el("value", words, xsi_type="ST") if words else None


def _attached(part: Part) -> str | None:
    attachment = part.get("valueAttachment")
    sampled = part.get("valueSampledData")
    if isinstance(attachment, dict):
        return text(attachment.get("title")) or text(attachment.get("contentType"))
    return text(sampled.get("data")) if isinstance(sampled, dict) else None


def _quantity(found: Part, flavor: str) -> Element:
    side = _COMPARATORS.get(text(found.get("comparator")) or "")
    if side is None or number(found.get("value")) is None:
        return quantity("value", found, flavor=flavor)
    end = quantity(side[0], found, xsi_type=None)
    if side[1]:
        end.attributes["inclusive"] = side[1]
    return el("value", end, xsi_type="IVL_PQ")


def _absence(part: Part) -> str:
    reason = next((c.code for c in codings(part.get("dataAbsentReason")) if c.code), None)
    return codes.ABSENCE.get(reason or "", "NI")


# ── interpretation and range ──────────────────────────────────────────────────────────────────────

_INTERPRETATIONS = {
    "HH": "critically high",
    "LL": "critically low",
    "AA": "critically abnormal",
    "HU": "very high",
    "LU": "very low",
    "H": "high",
    "L": "low",
    "A": "abnormal",
    ">": "above scale",
    "<": "below scale",
}
_REMARKABLE = frozenset("registered preliminary partial cancelled amended corrected appended unknown".split())
_USUAL = frozenset(("normal", "n", "negative", "within normal limits", "within normal range", "final"))
_ALLOWED = frozenset("A AA HH LL HU LU H L N U D B W S R I MS VS POS NEG IND DET ND NR RR WR < >".split())


def interpretation(part: Part) -> str | None:
    """The v3 ObservationInterpretation code, if the source gave one."""
    concepts = listed(part.get("interpretation"))
    return next((c for concept in concepts if (c := code_in(concept, codes.INTERPRETATION))), None)


def interpretation_code(part: Part) -> Element | None:
    """`interpretationCode`; only with a code that the value set of C-CDA has."""
    found = interpretation(part)
    return code("interpretationCode", found, codes.INTERPRETATION) if found in _ALLOWED else None


def reference_ranges(part: Part) -> list[Element]:
    """`referenceRange` elements: low and high as IVL_PQ, or the source's text."""
    return [
        el("referenceRange", el("observationRange", _range_text(found), element))
        for found in listed(part.get("referenceRange"))
        if isinstance(found, dict) and (element := _range(found)) is not None
    ]


def _applies(found: Part) -> str | None:
    """Whom or what a range is for: women, 65 years and older, therapeutic."""
    for_whom = [concept_text(each) for each in listed(found.get("appliesTo"))]
    kind = concept_text(found.get("type"))
    if has_code(found.get("type"), {"normal"}) or (kind or "").lower() in ("normal", "normal range"):
        kind = None
    age = limits_words(found.get("age"))
    return remarked(None, kind, *for_whom, f"age {age}" if age else None)


def _range_text(found: Part) -> Element | None:
    """What the limits alone do not say."""
    words = text(found.get("text")) if limits_words(found) else None
    applies = _applies(found)
    return el("text", remarked(words or limits_words(found), applies)) if words or applies else None


def _range(found: Part) -> Element | None:
    limits = bounds("value", found.get("low"), found.get("high"))
    if limits.children:
        return limits
    words = text(found.get("text"))
    return el("value", words, xsi_type="ST") if words else None


# ── words ─────────────────────────────────────────────────────────────────────────────────────────


def quantity_words(found: object) -> str | None:
    """`1.20 mg/dL` of a Quantity, with its comparator."""
    if not isinstance(found, dict) or (amount := number(found.get("value"))) is None:
        return None
    unit = text(found.get("unit")) or text(found.get("code"))
    comparator = text(found.get("comparator")) or ""
    unit = None if unit in ("1", "{score}", "{nominal}") else unit
    return f"{comparator}{amount} {unit}" if unit else f"{comparator}{amount}"


def value_words(part: Part) -> str | None:
    """The value as words, without judgement."""
    if (words := quantity_words(part.get("valueQuantity"))) is not None:
        return words
    if (words := concept_text(part.get("valueCodeableConcept"))) is not None:
        return words
    if isinstance(found := part.get("valueBoolean"), bool):
        return "yes" if found else "no"
    if isinstance(found := part.get("valueRange"), dict):
        return limits_words(found)
    if isinstance(found := part.get("valueRatio"), dict):
        ends = [quantity_words(found.get(end)) or "?" for end in ("numerator", "denominator")]
        return " / ".join(ends)
    if isinstance(found := part.get("valuePeriod"), dict):
        return span(*period(found))
    plain = part.get("valueString", part.get("valueInteger", part.get("valueTime")))
    return text(plain) or moment(part.get("valueDateTime")) or _attached(part) or _reason(part)


def _reason(part: Part) -> str | None:
    return concept_text(part.get("dataAbsentReason"))


def judged(part: Part) -> Child:
    """The value as words; what is out of the ordinary in bold, with the word for it."""
    words = value_words(part)
    found = interpretation(part)
    remark = _INTERPRETATIONS.get(found or "") or (_unusual(part) if found is None else None)
    if words is None:
        return None
    return bold(f"{words} ({remark})") if remark else words


def with_status(words: Child, resource: Part) -> Child:
    """What is not final says so: a preliminary value may still change, a corrected one has changed."""
    status = text(resource.get("status"))
    if status not in _REMARKABLE:
        return words
    return [words, f" ({status})"] if words else status


def _unusual(part: Part) -> str | None:
    """The source's judgement where it has words only, else what its range says."""
    said = concept_text(part.get("interpretation"))
    if said is None:
        return _beside_range(part)
    return None if said.lower() in _USUAL else said


def _beside_range(part: Part) -> str | None:
    """Above or below the source's own range, where numbers and units can be compared."""
    measured, limits = part.get("valueQuantity"), first(part.get("referenceRange"))
    several = len(listed(part.get("referenceRange"))) > 1  # men and women, ages: which applies is not said
    if (
        not isinstance(measured, dict)
        or not isinstance(limits, dict)
        or several
        or measured.get("comparator")
    ):
        return None
    amount = number(measured.get("value"))
    low, high = (_limit(limits.get(side), measured) for side in ("low", "high"))
    if low is None and high is None:
        low, high = _written_range(text(limits.get("text")))
    if amount is None:
        return None
    if low is not None and float(amount) < low:
        return "below range"
    return "above range" if high is not None and float(amount) > high else None


def _limit(end: object, measured: Part) -> float | None:
    if not isinstance(end, dict) or (limit := number(end.get("value"))) is None:
        return None
    same = text(end.get("unit")) in (None, text(measured.get("unit")))
    return float(limit) if same else None


_WRITTEN_RANGE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(?:-|–|to)\s*(\d+(?:\.\d+)?)\s*")


def _written_range(words: str | None) -> tuple[float | None, float | None]:
    """`65-99`, as several laboratories send their range: as text, and without a unit."""
    found = _WRITTEN_RANGE.fullmatch(words or "")
    return (float(found[1]), float(found[2])) if found else (None, None)


def range_words(part: Part) -> str | None:
    """The reference ranges as words, each with whom it is for."""
    ranges = [found for found in listed(part.get("referenceRange")) if isinstance(found, dict)]
    said = (remarked(text(found.get("text")) or limits_words(found), _applies(found)) for found in ranges)
    return "; ".join(dict.fromkeys(words for words in said if words)) or None


def limits_words(found: object) -> str | None:
    """A Range as words."""
    if not isinstance(found, dict):
        return None
    low, high = quantity_words(found.get("low")), quantity_words(found.get("high"))
    if low and high:
        return f"{low.partition(' ')[0]} to {high}"
    return f"at least {low}" if low else f"at most {high}" if high else None
