"""What makes two facts of one type the same where no identifier says so: a table, each line one type of resource.

Each reader gets two facts that do not contradict each other, and answers how surely they are one (see `match_dates`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from phr.fhir import read
from phr.records import match_dates, match_drugs, match_values
from phr.records.match_dates import COARSE, DAY, INSTANT, NOT
from phr.records.match_standing import course, stands_alike
from phr.records.match_terms import DIFFERENT, SAME, UNKNOWN, compare_codes, compare_concepts, fold

if TYPE_CHECKING:
    from phr.records.match import Fact


def named_alike(one: Fact, other: Fact) -> bool:
    """A code in common; or, where codes say nothing, the same words."""
    found = compare_codes(one.codes, other.codes)
    return found == SAME or (found == UNKNOWN and not one.words.isdisjoint(other.words))


def texts_differ(one: object, other: object) -> bool:
    first, second = read.text(one), read.text(other)
    return bool(first and second and fold(first) != fold(second))


# ── each type ─────────────────────────────────────────────────────────────────────────────────────────


def _courses_agree(one: Fact, other: Fact) -> int:
    """The clinical status of a problem: both go on, both are over; where one is silent nobody can tell."""
    first, second = course(one.body), course(other.body)
    if first is None or second is None:
        return SAME if first == second else UNKNOWN
    return SAME if first == second else DIFFERENT


def _observation(one: Fact, other: Fact) -> int:
    date, value = match_dates.agree(one.when, other.when), match_values.compare(one.body, other.body)
    if not date or value != SAME or not stands_alike(one, other):
        return NOT
    told = match_values.is_told(one.body)
    if compare_codes(one.codes, other.codes) == SAME:
        return (
            date if told or date == INSTANT else NOT
        )  # without a value only the instant tells one panel from the next
    return date if told and date > COARSE and _same_words(one, other) else NOT


def _same_words(one: Fact, other: Fact) -> bool:
    """What is not coded in common needs identical words."""
    return compare_codes(one.codes, other.codes) == UNKNOWN and not one.words.isdisjoint(other.words)


def _drug(one: Fact, other: Fact) -> int:
    date, dose = match_drugs.dates(one.body, other.body), match_drugs.compare(one, other)
    if not date or not stands_alike(one, other):
        return NOT
    if compare_codes(one.codes, other.codes) == SAME:
        return date
    return date if date > COARSE and dose == SAME and _same_words(one, other) else NOT


def _condition(one: Fact, other: Fact) -> int:
    course = _courses_agree(one, other)
    if course == DIFFERENT or not named_alike(one, other):
        return NOT
    coded = compare_codes(one.codes, other.codes) == SAME
    date = match_dates.agree(one.when, other.when)
    if date:
        return date if coded or date > COARSE else NOT
    if one.when is not None or other.when is not None or _has_onset(one.body) or _has_onset(other.body):
        return NOT
    first, second = _categories(one), _categories(other)
    if first != second or course != SAME or not coded:
        return NOT
    if "encounter-diagnosis" in first:  # each visit has its own
        written = [match_dates.when(fact_.body.recordedDate) for fact_ in (one, other)]
        return match_dates.agree(*written)
    return DAY


def _has_onset(body: Any) -> bool:
    return body.onsetAge is not None or body.onsetString is not None


def _categories(one: Fact) -> frozenset[str]:
    return frozenset(code.code for code in read.codings(one.body.category) if code.code)


def _allergy(one: Fact, other: Fact) -> int:
    """A substance is an allergy once, with or without a date; what is said of it has to agree (`match_standing`)."""
    return DAY if named_alike(one, other) else NOT


def _encounter(one: Fact, other: Fact) -> int:
    """Two visits on one day are two. One that begins (and ends) at one instant is one, or one of a day at one place."""
    date = match_dates.agree(one.when, other.when)
    if not date or not stands_alike(one, other):
        return NOT
    named = named_alike(one, other)
    if date == INSTANT and one.when is not None and not one.when.is_midnight:
        ends = match_dates.agree(one.end, other.end) == INSTANT
        return INSTANT if named or ends else NOT
    placed = _in_common(one.row.facility, other.row.facility) or _in_common(
        one.row.performer, other.row.performer
    )
    return DAY if date > COARSE and named and placed else NOT


def _in_common(one: str | None, other: str | None) -> bool:
    return bool(one and other) and fold(one or "") == fold(other or "")


def _report(one: Fact, other: Fact) -> int:
    """A report says what its results say: its own words, or its instant, tell that it is the same one."""
    date = match_dates.agree(one.when, other.when)
    if not date or not stands_alike(one, other) or texts_differ(one.body.conclusion, other.body.conclusion):
        return NOT
    if compare_codes(one.codes, other.codes) == SAME:
        return date if date == INSTANT or _in_common(one.body.conclusion, other.body.conclusion) else NOT
    return NOT


def _event(one: Fact, other: Fact) -> int:
    """Immunizations and procedures: what, and on which day."""
    date = match_dates.agree(one.when, other.when)
    if not date or not stands_alike(one, other):
        return NOT
    return date if compare_codes(one.codes, other.codes) == SAME else NOT


def _document(one: Fact, other: Fact) -> int:
    """Notes and documents are the same by their bytes or an identifier, and by nothing else."""
    return NOT


def plain(one: Fact, other: Fact) -> int:
    """Any other type: what it says in words has to be the same too."""
    date = match_dates.agree(one.when, other.when)
    alike = all(_fold(a) == _fold(b) for a, b in zip(_told(one), _told(other), strict=True))
    if date < DAY or not alike or one.body.intent != other.body.intent or not stands_alike(one, other):
        return NOT
    first, second = one.body.relationship, other.body.relationship
    if (first is not None or second is not None) and compare_concepts(first, second) != SAME:
        return NOT
    return date if compare_codes(one.codes, other.codes) == SAME else NOT


def _told(one: Fact) -> tuple[str | None, ...]:
    return one.row.value, one.row.description


def _fold(words: str | None) -> str:
    return fold(words or "")


BY_TYPE: dict[str, Callable[[Fact, Fact], int]] = {
    "Observation": _observation,
    "drug": _drug,
    "Condition": _condition,
    "AllergyIntolerance": _allergy,
    "Encounter": _encounter,
    "DiagnosticReport": _report,
    "Immunization": _event,
    "Procedure": _event,
    "DocumentReference": _document,
    "Composition": _document,
    "Media": _document,
}
