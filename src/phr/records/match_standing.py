"""What two records say of how things stand: is it going on, how sure is it, how dangerous is it?

Whoever reads a record acts on this, so it has to agree however the two were found, by an identifier too. Where only one of
them says it, silence counts as what is more careful: a problem that goes on, a medicine that is taken, a diagnosis that
is sure. And of two that are one, the one that is shown says everything that the other says of a danger (`covers`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from phr.fhir import read
from phr.records import match_values
from phr.records.match_terms import SAME, compare_concepts, fold

if TYPE_CHECKING:
    from phr.records.match import Fact

# ── is it going on? ───────────────────────────────────────────────────────────────────────────────────

_OFF = frozenset("cancelled stopped aborted revoked noshow declined rejected abandoned failed".split())
_AHEAD = frozenset("planned draft proposed pending booked waitlist preparation ready requested".split())
_OVER = frozenset(("inactive", "remission", "resolved"))
_ENDS = ("abatementDateTime", "abatementPeriod", "abatementAge", "abatementString")
_TAKEN = {"completed": "done", "on-hold": "held", "suspended": "held"}
"""Of a medicine; what is not here and not off is being taken (`active`, `in-progress`, `intended`)."""


def standing(body: Any) -> str | None:
    """Whether it is going on or done, called off, or still to come; None where nobody says."""
    status = body.status if body.status is not None else body.lifecycleStatus
    if not isinstance(status, str) or status == "unknown":
        return None
    return "off" if status in _OFF else "ahead" if status in _AHEAD else "on"


def stands_alike(one: Fact, other: Fact) -> bool:
    """Whether both are going on or done, called off, or still to come."""
    first, second = standing(one.body), standing(other.body)
    return first is None or second is None or first == second


def course(body: Any) -> bool | None:
    """Whether a problem or an allergy is over, by its clinicalStatus, else by its end; None: nobody says."""
    said = codes_said(body.clinicalStatus)
    if said:
        return bool(said & _OVER)
    return True if any(getattr(body, name) is not None for name in _ENDS) else None


def codes_said(concept: object) -> frozenset[str]:
    """The codes of a status: a CodeableConcept, or a code as DSTU2 has it."""
    if isinstance(concept, str):
        return frozenset((concept,))
    return frozenset(one.code for one in read.codings(concept) if one.code) if concept else frozenset()


def differ(one: Fact, other: Fact) -> bool:
    """Whether what they say of how things stand cannot be said of one fact."""
    first, second = one.body, other.body
    if one.type in _DIAGNOSES:
        return (
            bool(course(first)) != bool(course(second))
            or _doubt(first) != _doubt(second)
            or (one.type == "Condition" and _severities_differ(first.severity, second.severity))
            or (one.type == "AllergyIntolerance" and not covers(one, other) and not covers(other, one))
        )
    if one.family == "drug":
        if _taken(first) != _taken(second):
            return True
    elif "off" in (states := {standing(first), standing(second)} - {None}) and len(states) > 1:
        return True
    return first.intent is not None and second.intent is not None and _wish(first) != _wish(second)


_DIAGNOSES = frozenset(("Condition", "AllergyIntolerance"))


def _taken(body: Any) -> str:
    return "off" if standing(body) == "off" else _TAKEN.get(str(body.status), "on")


def _wish(body: Any) -> str:
    """A plan is no order; the kinds of orders are one (FHIR R4, request-intent)."""
    words = str(body.intent)
    return "order" if words.endswith("order") else words


def _doubt(body: Any) -> frozenset[str]:
    """How far from sure a diagnosis is said to be; nothing where it is sure, or nobody says."""
    return codes_said(body.verificationStatus) - {"confirmed", "unknown"}


def _severities_differ(one: object, other: object) -> bool:
    return one is not None and other is not None and compare_concepts(one, other) != SAME


# ── how dangerous is it? ──────────────────────────────────────────────────────────────────────────────


def covers(one: Fact, other: Fact) -> bool:
    """Whether whoever reads `one` knows of every danger that `other` tells, and of every value."""
    if one.type == "Observation":
        return _measured(one.body) >= _measured(other.body)
    if one.type != "AllergyIntolerance":
        return True
    if other.body.criticality is not None and other.body.criticality != one.body.criticality:
        return False
    known = _reactions(one.body)
    return all(
        any(_is_told_by(reaction, severity, entry) for entry in known)
        for reaction, severity in _reactions(other.body)
    )


def _is_told_by(reaction: object, severity: str | None, known: tuple[object, str | None]) -> bool:
    return (severity is None or severity == known[1]) and (
        reaction is None or compare_concepts(reaction, known[0]) == SAME
    )


def _reactions(body: Any) -> list[tuple[object, str | None]]:
    """How an allergy showed itself: each manifestation, or else the words, with how severe it was."""
    found: list[tuple[object, str | None]] = []
    for entry in read.dicts(body.reaction):
        severity = read.text(entry.get("severity"))
        shown: list[object] = list(read.dicts(entry.get("manifestation")))
        if not shown and (words := read.text(entry.get("description"))):
            shown.append({"text": words})
        found += [(one, severity) for one in shown or ([None] if severity else [])]
    return found


def _measured(body: Any) -> int:
    return match_values.is_told(body) + len(read.dicts(body.component))


def content(one: Fact) -> int:
    """How much of medical use a fact says, whatever words and categories stand around it."""
    body = one.body
    doses = read.dicts(body.dosageInstruction) or read.dicts(body.dosage)
    told = (
        one.codes,
        body.criticality,
        body.severity,
        body.bodySite or body.site,
        body.lotNumber,
        one.end,
        any(dose.get("doseAndRate") or dose.get("dose") or dose.get("doseQuantity") for dose in doses),
        any(dose.get("timing") for dose in doses),
        any(dose.get("route") for dose in doses),
    )
    precise = len(one.when.digits) + 2 * one.when.is_instant if one.when else 0
    return 2 * sum(bool(each) for each in told) + precise


# ── what a sentence forbids ───────────────────────────────────────────────────────────────────────────

_STOP = frozenset("not don't dont never stop stopped discontinue discontinued hold held avoid no".split())


def forbids(words: str) -> bool:
    """Whether an instruction for a medicine says that it is not to be taken."""
    return not _STOP.isdisjoint(fold(words).replace("’", "'").replace(".", " ").replace(",", " ").split())
