"""Observation and DiagnosticReport: what was measured, answered or seen (FHIR R4 10.1 and 10.3).

Observation is most of any record, so it is read by hand and not through the table of shapes.
"""

from __future__ import annotations

from typing import Any

from phr.fhir import read
from phr.model import Resource
from phr.records import kinds
from phr.records.draft import Draft
from phr.records.elements import (
    attachments_of,
    code_of,
    codes_of,
    date_text,
    joined,
    labelled,
    notes,
    searchable,
    sensitivity_of,
    span,
    speaking,
    words_of,
)
from phr.records.measurements import (
    ABNORMAL,
    NO_RANGE,
    NO_VALUE,
    Range,
    Value,
    interpretation_of,
    judged,
    range_of,
    value_of,
)
from phr.records.references import Reading, encounter_of, origin_of, people, place

NAMES = {
    "lab_result": "Lab result",
    "vital_sign": "Vital sign",
    "imaging": "Imaging finding",
    "questionnaire": "Answer",
    "social_history": "Social history",
    "directive": "Preference",
    "clinical_note": "Report",
}


def observation(resource: Resource, reading: Reading, address: str) -> Draft:
    """One measurement, answer or finding."""
    get = resource.get
    category, concept = get("category"), get("code")
    categories, codes = read.codings(category) if category else (), codes_of(concept)
    kind = kinds.observation_kind(resource, categories, codes)
    value = value_of(resource)
    components = get("component")
    parts: list[tuple[str, Value, str | None]] = []
    description = None
    if components:
        value, parts, description = _with_components(value, read.listed(components))
    within, interpretation, abnormal = _judge(get("referenceRange"), get("interpretation"), value, parts)
    performers = get("performer")
    pointers = read.listed(performers) if performers else ()
    encounter = get("encounter")
    date, end = effective(resource)
    issued = get("issued")
    if value.text is None:
        description = joined((description, why_no_value(resource)))
    attachment = get("valueAttachment")
    attachments = attachments_of((attachment,)) if attachment else ()
    noted = "note" in resource or "text" in resource or attachments
    if "note" in resource:
        description = joined((description, notes(resource)))
    return Draft(
        kind=kind,
        title=speaking(words_of(concept), NAMES.get(kind, "Observation")),
        resource=address,
        description=description,
        date=date,
        end=end,
        recorded=date_text(issued) if issued else None,
        value=value.text,
        value_number=value.number,
        unit=value.unit,
        low=within.low,
        high=within.high,
        range_text=within.text,
        interpretation=interpretation,
        abnormal=abnormal,
        status=read.text(get("status")),
        category=categories[0].code or categories[0].display if categories else words_of(category),
        codes=codes,
        facility=place(reading, pointers) if pointers else None,
        performer=people(reading, pointers) if pointers else None,
        encounter=encounter_of(encounter) if encounter else None,
        origin=origin_of(pointers) if pointers else "provider",
        sensitivity=sensitivity_of(resource),
        text=searchable(resource, attachments=attachments) if noted else "",
        attachments=attachments,
        wanted=tuple(reading.wanted),
    )


def _judge(
    ranges: object, said: object, value: Value, parts: list[tuple[str, Value, str | None]]
) -> tuple[Range, str | None, bool | None]:
    """The range, its interpretation and whether that is abnormal: as said, else as value and range show."""
    within = range_of(ranges, value.unit) if ranges else NO_RANGE
    interpretation = interpretation_of(said) if said else None
    if interpretation is None and ranges:
        interpretation = judged(value, within)
    abnormal = ABNORMAL.get(interpretation) if interpretation else None
    if parts and abnormal is None:
        abnormal = _any_abnormal(parts)
    return within, interpretation, abnormal


_EFFECTIVE = ("effectiveDateTime", "effectivePeriod", "effectiveInstant", "effectiveTiming", "issued")


def effective(resource: Resource) -> tuple[str | None, str | None]:
    """When it was, and until when: the first element that has a start."""
    last = None
    for key in _EFFECTIVE:
        if key in resource:
            start, end = span(resource[key])
            if start:
                return start, end or last
            last = last or end
    return last, last


# ── components ────────────────────────────────────────────────────────────────────────────────────

_SYSTOLIC = frozenset(("8480-6", "271649006"))
_DIASTOLIC = frozenset(("8462-4", "271650006"))


def _with_components(
    value: Value, components: list[Any]
) -> tuple[Value, list[tuple[str, Value, str | None]], str | None]:
    """The value, or one made of the components: `120/80` for blood pressure, else `a: 1 u; b: 2 u`."""
    parts: list[tuple[str, Value, str | None]] = []
    above = below = NO_VALUE
    for component in components:
        if not isinstance(component, dict):
            continue
        found = value_of(component)
        concept = component.get("code")
        codes = {code.code for code in read.codings(concept)}
        if codes & _SYSTOLIC:
            above = found
        elif codes & _DIASTOLIC:
            below = found
        parts.append((words_of(concept) or "part", found, _judgement(component, found)))
    listing = joined(
        (f"{name}: {part.words}" for name, part, _ in parts if part.text),
    )
    if value.text is not None:
        return value, parts, listing
    if above.text and below.text:
        rest = listing if len(parts) > 2 else None
        return Value(f"{above.text}/{below.text}", None, above.unit or below.unit), parts, rest
    return Value(listing), parts, None


def _judgement(component: dict[str, Any], value: Value) -> str | None:
    said = interpretation_of(component.get("interpretation")) if "interpretation" in component else None
    if said is None and "referenceRange" in component:
        return judged(value, range_of(component["referenceRange"], value.unit))
    return said


def _any_abnormal(parts: list[tuple[str, Value, str | None]]) -> bool | None:
    """True if one part is; False only if every part was judged normal."""
    judgements = [ABNORMAL.get(judgement) if judgement else None for _, _, judgement in parts]
    if True in judgements:
        return True
    return None if None in judgements or not judgements else False


def why_no_value(resource: Resource) -> str | None:
    """Words in place of a value: the reason given, the size of a panel."""
    reason = resource.get("dataAbsentReason")
    if reason:
        return labelled("no value", words_of(reason) or code_of(reason))
    members = resource.get("hasMember")
    if isinstance(members, list) and members:
        return f"{len(members)} results in this panel" if len(members) > 1 else "1 result in this panel"
    if "valueSampledData" in resource:
        return "a recorded curve"
    return None


# ── reports ───────────────────────────────────────────────────────────────────────────────────────


def report(resource: Resource, reading: Reading, address: str) -> Draft:
    """A panel, an imaging report or a report in words; its single results are Records of their own."""
    category, concept = resource.get("category"), resource.get("code")
    categories, codes = read.codings(category), codes_of(concept)
    attachments = attachments_of(read.listed(resource.get("presentedForm")))
    results = read.dicts(resource.get("result"))
    kind = kinds.report_kind(
        categories, codes, has_text=bool(attachments), has_results=bool(results), category=category
    )
    pointers = read.listed(resource.get("performer"))
    readers = [*pointers, *read.listed(resource.get("resultsInterpreter"))]
    conclusion = read.text(resource.get("conclusion"))
    date, end = effective(resource)
    encounter = resource.get("encounter")
    return Draft(
        kind=kind,
        title=speaking(kinds.note_words(words_of(concept)), NAMES.get(kind, "Report")),
        resource=address,
        description=joined((conclusion and conclusion[:200], _contents(results))),
        date=date,
        end=end,
        recorded=date_text(resource.get("issued")),
        status=read.text(resource.get("status")),
        category=categories[0].code or categories[0].display if categories else words_of(category),
        codes=codes,
        facility=place(reading, pointers),
        performer=people(reading, readers),
        encounter=encounter_of(encounter) if encounter else None,
        origin=origin_of(pointers),
        sensitivity=sensitivity_of(resource),
        text=searchable(
            resource, conclusion, words_of(resource.get("conclusionCode")), attachments=attachments
        ),
        attachments=attachments,
        wanted=tuple(reading.wanted),
    )


def _contents(results: list[dict[str, Any]]) -> str | None:
    names = [name for entry in results if (name := read.text(entry.get("display")))]
    if names:
        return ", ".join(names)
    count = len(results)
    return None if not count else f"{count} results" if count > 1 else "1 result"
