"""Statements whose template nobody knows, read by their class: an observation is an observation anywhere.

Follows the clinical statement model of CDA R2 (4.3.6): classCode and moodCode say what kind of thing a statement
is, code, value and effectiveTime what it says. Drugs, procedures, encounters and supplies go to the readers of
their templates.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from phr.ccda import codes
from phr.ccda.read import nodes
from phr.ccda.read.datatypes import absent, concept, moment_or_period, quantity, range_, text, value
from phr.ccda.read.enclosed import enclosed
from phr.ccda.read.nodes import Node, attr, child, children, null_flavor, statements
from phr.ccda.read.once import same
from phr.ccda.read.reading import Reader, Reading, Resource, Where

_T = "2.16.840.1.113883.10.20.22.4"
_TYPICAL = {
    ("substanceAdministration", False): f"{_T}.16",
    ("substanceAdministration", True): f"{_T}.16",
    ("procedure", False): f"{_T}.14",
    ("procedure", True): f"{_T}.41",
    ("encounter", False): f"{_T}.49",
    ("encounter", True): f"{_T}.40",
    ("supply", False): f"{_T}.18",
    ("supply", True): f"{_T}.17",
    ("act", True): f"{_T}.39",
    ("observation", True): f"{_T}.44",
}
"""(class, planned) to the template whose reader takes statements of this class."""
_IMMUNIZATIONS, _IMMUNIZATION = "11369-6", f"{_T}.52"
_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
_US_CORE = "http://hl7.org/fhir/us/core/CodeSystem/us-core-category"
CATEGORIES = {
    "30954-2": (_CATEGORY, "laboratory"),
    "8716-3": (_CATEGORY, "vital-signs"),
    "29762-2": (_CATEGORY, "social-history"),
    "29545-1": (_CATEGORY, "exam"),
    "10210-3": (_CATEGORY, "exam"),
    "18748-4": (_CATEGORY, "imaging"),
    "47420-5": (_US_CORE, "functional-status"),
    "10190-7": (_US_CORE, "cognitive-status"),
}
"""Section code to the category of what is observed there."""
_STATUSES = {
    "completed": "final", "final": "final", "active": "registered", "held": "registered", "suspended": "registered",
    "aborted": "cancelled", "cancelled": "cancelled", "nullified": "entered-in-error", "corrected": "corrected",
    "preliminary": "preliminary",
}  # fmt: skip
_REQUESTS = {"completed": "completed", "cancelled": "revoked", "aborted": "revoked", "held": "on-hold"}
_ABSENT_FINDING = {"system": "http://snomed.info/sct", "code": "2667000", "display": "Absent"}
_WRAPPERS = frozenset(("CONC", "ADM", "ACTN", "DOCSECT"))
_QUALIFIERS = ("MFST", "CAUS")


def read(reading: Reading, where: Where, statement: Node) -> Sequence[Resource]:
    """Whatever can be said of a statement without knowing its template."""
    mood = (attr(statement, "moodCode") or "EVN").upper()
    planned = mood in ("INT", "RQO", "PRMS", "PRP", "APT", "ARQ", "GOL")
    typical = _reader(where, statement, planned)
    if typical is not None:
        made = typical(reading, where, statement)
        if made is not None:
            return made
    if statement.tag == "observation" and not planned:
        return _observation(reading, where, statement)
    if statement.tag == "organizer":
        return _inner(reading, where, statement)
    if statement.tag == "observationMedia":
        return _media(reading, where, statement)
    return _act(reading, where, statement, planned=planned)


def _reader(where: Where, statement: Node, planned: bool) -> Reader | None:
    from phr.ccda.read.entries import readers

    root = _TYPICAL.get((str(statement.tag), planned))
    if statement.tag == "substanceAdministration" and where.code == _IMMUNIZATIONS and not planned:
        root = _IMMUNIZATION
    by_template, _ = readers()
    return by_template.get(root or "")


def _inner(reading: Reading, where: Where, statement: Node) -> list[Resource]:
    made = same(each for _, nested in statements(statement) for each in reading.read(nested, where))
    if not made:
        reading.skip(statement, where, "An entry says nothing that could be taken over")
    return made


# ── observations ──────────────────────────────────────────────────────────────────────────────────


def _observation(reading: Reading, where: Where, statement: Node) -> list[Resource]:
    code = concept(child(statement, "code"), reading)
    said = _answers(reading, statement)
    words = reading.words(statement)
    if code is None and words:
        code = {"text": words}
    if code is None or (nodes.at(statement, "code", "code") is None and not said and not words):
        inner = [made for _, nested in statements(statement) for made in reading.read(nested, where)]
        if not inner:
            reading.skip(statement, where, "An entry says neither in a code nor in words what it is about")
        return inner
    category = CATEGORIES.get(where.code or "")
    elements: dict[str, Any] = {
        "status": _STATUSES.get(
            (nodes.at(statement, "statusCode", "code") or "completed").lower(), "unknown"
        ),
        "category": [{"coding": [{"system": category[0], "code": category[1]}]}] if category else None,
        "code": code,
        "subject": reading.patient,
        "encounter": reading.encounter(statement),
        **moment_or_period(child(statement, "effectiveTime"), "effective"),
        "performer": reading.performers(statement) or None,
        **said,
        "interpretation": [
            found for each in children(statement, "interpretationCode") if (found := concept(each, reading))
        ],
        "note": reading.notes(statement),
        "bodySite": concept(child(statement, "targetSiteCode"), reading),
        "method": concept(child(statement, "methodCode"), reading),
        "referenceRange": _ranges(reading, statement),
    }
    if nodes.negated(statement):
        elements = _negated(elements)
    made = [reading.resource("Observation", statement, where, elements)]
    for holder, nested in statements(statement):
        if (attr(holder, "typeCode") or "").upper() not in _QUALIFIERS and not _comment(nested):
            made += reading.read(nested, where)
    return made


def _comment(statement: Node) -> bool:
    return nodes.at(statement, "code", "code") == "48767-8" or nodes.has_template(statement, f"{_T}.64")


def _answers(reading: Reading, statement: Node) -> dict[str, Any]:
    """The value; of several all but the first as components would repeat the code, so they join as text."""
    found = [read for each in children(statement, "value") if (read := value(each, reading))]
    if len(found) < 2:
        return found[0] if found else {}
    real = [each for each in found if "dataAbsentReason" not in each]
    concepts = [each["valueCodeableConcept"] for each in real if "valueCodeableConcept" in each]
    if concepts and len(concepts) == len(real):
        codings = [coding for each in concepts for coding in each.get("coding", ())]
        texts = [words for each in concepts if (words := each.get("text"))]
        return {"valueCodeableConcept": {"coding": codings, "text": "; ".join(texts)}}
    strings = [words for each in children(statement, "value") if (words := text(each))]
    return {"valueString": "; ".join(strings)} if strings else (real or found)[0]


def _negated(elements: dict[str, Any]) -> dict[str, Any]:
    """What a source denies: an asserted finding is absent; of any other answer only that it is not so."""
    answer = elements.pop("valueCodeableConcept", None)
    asserted = any(coding.get("code") == "ASSERTION" for coding in elements["code"].get("coding", ()))
    if answer is not None and asserted:
        return elements | {
            "code": answer,
            "valueCodeableConcept": {"coding": [_ABSENT_FINDING], "text": "Absent"},
        }
    given = next((elements.pop(key) for key in list(elements) if key.startswith("value")), None)
    said = answer.get("text") if answer else given if isinstance(given, str) else None
    denied = f"Not so, says the source: {said}" if said else "Not so, says the source (negationInd)."
    elements["dataAbsentReason"] = absent(None)
    elements["note"] = [*(elements.get("note") or ()), {"text": denied}]
    return elements


def _ranges(reading: Reading, statement: Node) -> list[dict[str, Any]]:
    found = []
    for each in children(statement, "referenceRange/observationRange"):
        limits = range_(child(each, "value"))
        single = quantity(child(each, "value"))
        pointer = nodes.at(each, "text/reference", "value")
        words = (reading.resolve(pointer) if pointer else None) or text(child(each, "text"))
        if limits is None and single is None:
            words = words or text(child(each, "value"))
        one: dict[str, Any] = {**(limits or {}), **({"low": single, "high": single} if single else {})}
        if words:
            one["text"] = words
        if one:
            found.append(one)
    return found


# ── acts ──────────────────────────────────────────────────────────────────────────────────────────


def _act(reading: Reading, where: Where, statement: Node, *, planned: bool) -> list[Resource]:
    """What an act wraps; one that wraps nothing and has a code was done, or is to be done."""
    kind = nodes.at(statement, "code", "code")
    inner = [made for _, nested in statements(statement) for made in reading.read(nested, where)]
    code = concept(child(statement, "code"), reading)
    words = reading.words(statement)
    if inner or kind in _WRAPPERS or (attr(statement, "classCode") or "").upper() in _WRAPPERS:
        if not inner:
            reading.skip(statement, where, "An entry says nothing that could be taken over")
        return inner
    if _comment(statement) or (code is None and not words):
        reading.skip(statement, where, "A comment stands alone: its words stay in the document")
        return []
    if code is None and null_flavor(child(statement, "code")) is None and not words:
        return []
    if planned:
        return [
            reading.resource("ServiceRequest", statement, where, _request(reading, statement, code, words))
        ]
    return [reading.resource("Procedure", statement, where, _done(reading, statement, code, words))]


def _request(reading: Reading, statement: Node, code: Resource | None, words: str | None) -> dict[str, Any]:
    mood = (attr(statement, "moodCode") or "INT").upper()
    status = (nodes.at(statement, "statusCode", "code") or "active").lower()
    _, time = reading.author(statement)
    return {
        "status": _REQUESTS.get(status, "active"),
        "intent": {"RQO": "order", "PRP": "proposal", "PRMS": "plan"}.get(mood, "plan"),
        "doNotPerform": nodes.negated(statement) or None,
        "code": code or {"text": words},
        "subject": reading.patient,
        "encounter": reading.encounter(statement),
        **moment_or_period(child(statement, "effectiveTime"), "occurrence"),
        "authoredOn": time,
        "requester": reading.recorder(statement),
        "performer": reading.performers(statement),
        "note": reading.notes(statement),
    }  # fmt: skip


def _done(reading: Reading, statement: Node, code: Resource | None, words: str | None) -> dict[str, Any]:
    status = codes.backward(codes.PROCEDURE_STATUSES).get(
        (nodes.at(statement, "statusCode", "code") or "").lower(), "unknown"
    )
    return {
        "status": "not-done" if nodes.negated(statement) else status,
        "code": code or {"text": words},
        "subject": reading.patient,
        "encounter": reading.encounter(statement),
        **moment_or_period(child(statement, "effectiveTime"), "performed"),
        "recorder": reading.recorder(statement),
        "performer": [{"actor": who} for who in reading.performers(statement)],
        "note": reading.notes(statement),
    }


def _media(reading: Reading, where: Where, statement: Node) -> list[Resource]:
    """A picture of the narrative, kept with its bytes."""
    body = child(statement, "value")
    data, kind = enclosed(body), attr(body, "mediaType")
    if data is None:
        reading.skip(statement, where, "A picture is not in the document itself")
        return []
    attachment = {"contentType": kind, "data": data, "title": where.title}
    return [
        reading.resource(
            "DocumentReference",
            statement,
            where,
            {
                "status": "current",
                "type": concept(child(where.section, "code")) or {"text": where.title or "Picture"},
                "subject": reading.patient,
                "content": [{"attachment": attachment}],
            },
        )
    ]
