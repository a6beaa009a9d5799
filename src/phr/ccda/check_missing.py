"""What a receiver would look for and not find, for want of data: the SHOULDs of C-CDA that matter in a practice.

Nothing of it is a fault of the document. Each line says what to ask for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from phr.ccda.check_sheet import Node, Sheet, kid, kids, path, said, title_of, xsi_type
from phr.ccda.template import NOT_CHOSEN


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that is not known, how often, and out of how many."""

    section: str
    """LOINC code, or `header`."""
    title: str
    what: str
    count: int
    of: int


Test = Callable[[Node], bool]
_DOCTOR_LIST = ("48765-2", "10160-0", "11450-4", "30954-2", "29762-2", "8716-3")


def _negated(node: Node) -> bool:
    return node.get("negationInd") == "true"


def _unsaid(steps: str) -> Test:
    return lambda node: not said(kid(node, steps))


def _uncoded(steps: str) -> Test:
    return lambda node: (found := kid(node, steps)) is None or not found.get("code")


def _no_reaction(node: Node) -> bool:
    return not any(each.get("typeCode") == "MFST" for each in kids(node, "entryRelationship"))


def _dose(node: Node) -> bool:
    found = kid(node, "doseQuantity")
    return found is None or not (found.get("value") or len(found))


def _how_often(node: Node) -> bool:
    times = kids(node, "effectiveTime")
    return not any(
        time.get("operator") == "A" or xsi_type(time) in ("PIVL_TS", "EIVL_TS") for time in times
    ) and not any(time.get("value") for time in times)


def _repeated(node: Node) -> bool:
    """Whether it is taken more than once, as far as is known: an infusion on one day, a single dose are not asked."""
    times = kids(node, "effectiveTime")
    if node.get("moodCode") != "EVN" or len(times) != 1:
        return True
    low, high = kid(times[0], "low"), kid(times[0], "high")
    if low is None or high is None:
        return times[0].get("value") is None
    return not low.get("value") or (low.get("value") or "")[:8] != (high.get("value") or "")[:8]


def _begin(node: Node) -> bool:
    time = kid(node, "effectiveTime")
    return time is None or not (time.get("value") or said(kid(time, "low")))


def _day(node: Node) -> bool:
    time = kid(node, "effectiveTime")
    if time is None:
        return True
    return not (time.get("value") or said(kid(time, "low")) or said(kid(time, "high")))


def _measured(node: Node) -> bool:
    value = kid(node, "value")
    return (
        value is not None
        and xsi_type(value) in ("PQ", "IVL_PQ", "REAL", "INT")
        and value.get("nullFlavor") is None
    )


def _no_unit(node: Node) -> bool:
    value = kid(node, "value")
    return value is not None and xsi_type(value) == "PQ" and not value.get("unit") and not len(value)


_TABLE: tuple[tuple[str, str, str, Test, Test | None], ...] = (
    ("48765-2", "4.7", "without a reaction", _no_reaction, None),
    ("48765-2", "4.7", "without a coded substance", _uncoded("participant/participantRole/playingEntity/code"), None),
    ("48765-2", "4.7", "without the time it began", _unsaid("effectiveTime/low"), None),
    ("10160-0", "4.16", "without a dose", _dose, None),
    ("10160-0", "4.16", "without how often it is taken", _how_often, _repeated),
    ("10160-0", "4.16", "without the day it began", _begin, None),
    ("10160-0", "4.16", "without a coded drug", _uncoded("consumable/manufacturedProduct/manufacturedMaterial/code"), None),
    ("11450-4", "4.4", "without the time it began", _unsaid("effectiveTime/low"), None),
    ("11450-4", "4.4", "without a SNOMED CT code", _uncoded("value"), None),
    ("30954-2", "4.2", "without a reference range", lambda node: kid(node, "referenceRange") is None, _measured),
    ("30954-2", "4.2", "without a unit", _no_unit, _measured),
    ("30954-2", "4.2", "without a LOINC code", _uncoded("code"), None),
    ("30954-2", "4.2", "without a day", _day, None),
    ("30954-2", "4.2", "without a value", _unsaid("value"), None),
    ("11369-6", "4.52", "without a lot number",
     _unsaid("consumable/manufacturedProduct/manufacturedMaterial/lotNumberText"), None),
    ("11369-6", "4.52", "without a day", _day, None),
    ("47519-4", "4.14", "without a day", _day, None),
    ("47519-4", "4.14", "without a code", _uncoded("code"), None),
    ("46240-8", "4.49", "without a day", _day, None),
)  # fmt: skip
"""Section, template, what is missing, how to see it, and which of them are looked at."""
_PATIENT = "recordTarget/patientRole/"
_HEADER = (
    ("patient/name/family", "the name"),
    ("patient/birthTime", "the date of birth"),
    ("patient/administrativeGenderCode", "the administrative gender"),
    ("patient/raceCode", "the race"),
    ("patient/ethnicGroupCode", "the ethnicity"),
    ("patient/languageCommunication", "the preferred language"),
    ("addr", "the address"),
    ("telecom", "a telephone number or mail address"),
)


def missing(sheet: Sheet) -> Iterator[Missing]:
    """Everything that a receiver would miss, in the order of the document."""
    for steps, what in _HEADER:
        if not said(kid(sheet.root, _PATIENT + steps)):
            yield Missing("header", "About you", what, 1, 1)
    for code in _DOCTOR_LIST:
        section = sheet.section(code)
        if section is not None and section.get("nullFlavor") and not _was_not_chosen(section):
            yield Missing(code, title_of(section), "any information, also whether there is none known", 1, 1)
    for code, template, what, lacking, relevant in _TABLE:
        section = sheet.section(code)
        if section is None:
            continue
        found = [
            node
            for node in sheet.of(template)
            if not _negated(node) and _within(node, section) and (relevant is None or relevant(node))
        ]
        count = sum(map(lacking, found))
        if count:
            yield Missing(code, title_of(section), what, count, len(found))
    yield from _absent(sheet)


def _absent(sheet: Sheet) -> Iterator[Missing]:
    """Statements of which one is looked for."""
    social = sheet.section("29762-2")
    if social is not None and not _was_not_chosen(social) and next(sheet.of("4.78"), None) is None:
        yield Missing("29762-2", title_of(social), "the smoking status", 1, 1)
    if sheet.kind == "ccd" and not any(_was_not_chosen(one) for one in sheet.sections):
        for code, title in (
            ("11369-6", "Immunizations"),
            ("47519-4", "Procedures"),
            ("85847-2", "Care Team"),
        ):
            if sheet.section(code) is None:
                yield Missing(code, title, "any information", 1, 1)


def _was_not_chosen(section: Node) -> bool:
    words = kid(section, "text/paragraph")
    return words is not None and (words.text or "").strip() == NOT_CHOSEN


def _within(node: Node, section: Node) -> bool:
    """Whether a statement stands in this section: a problem also stands in encounters, as their diagnosis."""
    return any(parent is section for parent in node.iterancestors(path("section")))
