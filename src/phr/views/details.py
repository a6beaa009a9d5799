"""One FHIR resource in plain words: every element that says something, as pairs of label and value.

Works for any resource type, because it looks at the shape of a value (FHIR R4 2.24, data types) and not at its
name; the table below only knows better words for common elements. Numbers keep the digits of the source.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from phr.fhir import read

Pair = dict[str, str]

# Addresses, bookkeeping and what the event already shows in its own place.
HIDDEN = frozenset(
    "resourceType id meta text contained extension modifierExtension identifier implicitRules language subject"
    " patient beneficiary data photo link presentedForm content reference".split()
)
LABELS = {
    "abatement": "Ended",
    "asserter": "Said by",
    "authoredOn": "Written on",
    "bodySite": "Body site",
    "clinicalStatus": "Clinical status",
    "code": "What",
    "conclusion": "Conclusion",
    "dataAbsentReason": "Why there is no value",
    "dispenseRequest": "To be dispensed",
    "dosageInstruction": "How to take it",
    "effective": "When",
    "issued": "Made available",
    "interpretation": "Interpretation",
    "medication": "Medication",
    "note": "Note",
    "occurrence": "When",
    "onset": "Began",
    "performed": "When",
    "performer": "Done by",
    "recordedDate": "Written down",
    "recorder": "Written down by",
    "reasonCode": "Reason",
    "reasonReference": "Reason",
    "referenceRange": "Usual range",
    "requester": "Ordered by",
    "value": "Result",
    "verificationStatus": "How certain",
}
_TYPES = (
    "Quantity CodeableConcept String Boolean Integer DateTime Date Period Range Ratio Reference Age Instant Time"
    " SampledData Timing Uri Attachment Coding Decimal Money Annotation Duration"
).split()
_CHOICES = (
    "value effective onset abatement performed occurrence medication deceased multipleBirth due start serviced"
    " asNeeded dose rate timing reported location product born age estimatedAge allowed scheduled"
).split()
_CHOICE = re.compile(rf"({'|'.join(_CHOICES)})({'|'.join(_TYPES)})")
_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_DEPTH = 4
_MOST = 80


def details(raw: bytes) -> list[Pair]:
    """`[{label, value}]` of a resource, in its own order; empty when the bytes are not readable."""
    resource = _exact(raw)
    if not isinstance(resource, dict):
        return []
    found: list[Pair] = []
    for label, value in _pairs(resource, "", _DEPTH):
        pair = {"label": label, "value": value}
        if pair not in found:
            found.append(pair)
        if len(found) == _MOST:
            break
    return found


def _exact(raw: bytes) -> Any:
    """JSON with every number as the text it was; falls back to the lenient reader."""
    try:
        return json.loads(raw, parse_float=str, parse_int=str, object_pairs_hook=read.paired)
    except (ValueError, RecursionError):
        pass
    try:
        return read.parse_json(raw)
    except ValueError:
        return None


def _pairs(node: dict[str, Any], above: str, depth: int) -> Iterator[tuple[str, str]]:
    for name, value in node.items():
        if name in HIDDEN or name.startswith("_"):
            continue
        for one in read.listed(value):
            label, words = _label(name) + _former(one), _words(one)
            if words is not None:
                yield (f"{above}: {label}" if above else label), words
            elif isinstance(one, dict) and depth > 1:
                yield from _parts(one, f"{above}: {label}" if above else label, depth)


def _parts(node: dict[str, Any], label: str, depth: int) -> Iterator[tuple[str, str]]:
    """A backbone element. One that names what it measures (a component) is headed by that name."""
    heading = read.concept_text(node.get("code")) if "code" in node else None
    value = next((words for key in node if key.startswith("value") and (words := _words(node[key]))), None)
    if heading and value:
        yield heading, value
        node = {key: part for key, part in node.items() if key != "code" and not key.startswith("value")}
        label = heading
    yield from _pairs(node, label, depth - 1)


def _label(name: str) -> str:
    choice = _CHOICE.fullmatch(name)
    name = choice[1] if choice else name
    return LABELS.get(name) or _CAPITAL.sub(" ", name).capitalize()


def _former(value: object) -> str:
    """Which of several names or addresses one is, where that is not the present, usual one (FHIR R4 2.24.0.14)."""
    use = value.get("use") if isinstance(value, dict) else None
    return f" ({use})" if use in ("old", "maiden", "temp", "nickname", "anonymous") else ""


def _words(value: object) -> str | None:
    """A value in words; None when it has parts that need labels of their own, or says nothing."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, dict):
        return read.text(value)
    for shape in (_concept, _quantity, _reference, _period, _range, _ratio, _name, _address, _contact):
        words = shape(value)
        if words:
            return words
    return None


def _concept(value: dict[str, Any]) -> str | None:
    if "coding" in value or set(value) <= {"text", "id", "extension"}:
        return read.concept_text(value)
    if "code" in value and ("display" in value or set(value) <= {"system", "code", "version"}):
        return read.text(value.get("display")) or read.text(value.get("code"))
    # Annotation and Dosage say it all in their text
    return read.text(value.get("text")) if isinstance(value.get("text"), str) else None


def _quantity(value: dict[str, Any]) -> str | None:
    amount = read.text(value.get("value"))
    if amount is None or ("system" in value and "use" in value):
        return None
    unit = read.text(value.get("unit")) or read.text(value.get("code")) or read.text(value.get("currency"))
    comparator = read.text(value.get("comparator")) or ""
    return f"{comparator}{amount} {unit}" if unit else f"{comparator}{amount}"


def _reference(value: dict[str, Any]) -> str | None:
    if "reference" not in value and "display" not in value:
        return None
    return read.text(value.get("display")) or read.reference(value)


def _period(value: dict[str, Any]) -> str | None:
    start, end = read.text(value.get("start")), read.text(value.get("end"))
    if not set(value) <= {"start", "end", "id", "extension"} or not (start or end):
        return None
    return f"{start or '…'} to {end}" if end else f"from {start}"


def _range(value: dict[str, Any]) -> str | None:
    low, high = value.get("low"), value.get("high")
    if not isinstance(low, dict) and not isinstance(high, dict):
        return None
    first, last = (_quantity(side) if isinstance(side, dict) else None for side in (low, high))
    if first and last:
        return f"{first} to {last}"
    return f"from {first}" if first else f"up to {last}" if last else None


def _ratio(value: dict[str, Any]) -> str | None:
    above, below = value.get("numerator"), value.get("denominator")
    if not isinstance(above, dict) or not isinstance(below, dict):
        return None
    return f"{_quantity(above) or '?'} / {_quantity(below) or '?'}"


def _name(value: dict[str, Any]) -> str | None:
    return read.human_name(value) if "family" in value or "given" in value else None


def _address(value: dict[str, Any]) -> str | None:
    if "line" not in value and "city" not in value:
        return None
    parts = [*read.listed(value.get("line")), *(value.get(key) for key in ("city", "state", "postalCode"))]
    return ", ".join(words for part in parts if (words := read.text(part)))


def _contact(value: dict[str, Any]) -> str | None:
    return read.text(value.get("value")) if "system" in value and "value" in value else None
