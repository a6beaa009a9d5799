"""One record whole as a page: what it is, what it says, and beneath it everything around it.

A page begins with what a person wants to know first and is read from the top; nothing is said twice. What the head
says already is left out below, whatever element it came from.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from phr.cli import lines
from phr.cli.edit import LABELS, plainly
from phr.cli.text import Screen, clean, clean_lines, pad, width
from phr.views.fields.codes import SYSTEMS, spelled
from phr.views.fields.dates import date_words, period_words
from phr.views.fields.saying import type_words

Report = dict[str, Any]
_WIDEST = 22
NAMELESS = "(no name given)"
"""How a reference ends of which the source says nothing but an address: it stands behind what has a name."""
KINDS = {
    "lab_result": "Lab result",
    "vital_sign": "Vital sign",
    "problem": "Problem",
    "medication": "Medication",
    "allergy": "Allergy",
    "immunization": "Vaccination",
    "procedure": "Procedure",
    "encounter": "Visit",
    "imaging": "Imaging",
    "clinical_note": "Clinical note",
    "document": "Document",
    "care_plan": "Care plan",
    "goal": "Goal",
    "care_team": "Care team",
    "social_history": "Social history",
    "family_history": "Family history",
    "device": "Device",
    "message": "Message",
    "task": "Task",
    "appointment": "Appointment",
    "order": "Order",
    "coverage": "Insurance",
    "claim": "Bill",
    "questionnaire": "Questionnaire",
    "directive": "Wishes for care",
}
_STATES = {
    "finished": "finished",
    "unknown": "status not known",
    "current": "",
    "completed": "completed",
    "gone": "taken back",
    "amended": "amended after it was final",
    "corrected": "corrected after it was final",
    "preliminary": "preliminary, not final yet",
    "registered": "registered, no result yet",
}
_CODE_SYSTEMS = {
    "http://loinc.org": "LOINC",
    "http://snomed.info/sct": "SNOMED CT",
    "http://www.nlm.nih.gov/research/umls/rxnorm": "RxNorm",
    "http://hl7.org/fhir/sid/cvx": "CVX",
    "http://hl7.org/fhir/sid/ndc": "NDC",
    "http://hl7.org/fhir/sid/icd-10-cm": "ICD-10-CM",
    "http://hl7.org/fhir/sid/icd-10": "ICD-10",
    "http://hl7.org/fhir/sid/icd-9-cm": "ICD-9-CM",
    "http://www.ama-assn.org/go/cpt": "CPT",
    "http://www.cms.gov/Medicare/Coding/ICD10": "ICD-10-PCS",
    "urn:oid:2.16.840.1.113883.6.285": "HCPCS",
    "http://fdasis.nlm.nih.gov": "UNII",
    "http://www.whocc.no/atc": "ATC",
    "http://unitsofmeasure.org": "UCUM",
}
_PAGES = ("content.attachment", "presentedForm", "content")
"""Documents, which stand below with their size and their words."""
_HEAD_ELEMENTS = ("status", "lifecycleStatus", "clinicalStatus")


class Wish(NamedTuple):
    """How much of a record a person wants to see."""

    history: bool = False
    brief: bool = False
    text: bool = False


def page(report: Report, view: Screen, wish: Wish) -> Iterator[str]:
    """The lines of the page."""
    from phr.cli import show_origin as origin
    from phr.cli import show_parts as parts

    yield from _head(report, view)
    yield ""
    said = _Said(report)
    facts = [pair for pair in _facts(report) if pair[1]]
    for _, value in facts:
        said.note(value)
    facts += [(label, value) for label, value in said.new(report["details"], more=False)]
    facts += _behind(report)
    yield from pairs(facts, view)
    yield from parts.own_words(report, view)
    yield from parts.attached(report, view, wish)
    yield from parts.over_time(report, view)
    yield from parts.belongs_to(report, view, brief=wish.brief)
    further = list(said.new(report["details"], more=True))
    if further and not wish.brief:
        yield from section("More", view)
        yield from pairs(further, view, quiet=True)
    yield from origin.versions(report, view, history=wish.history)
    yield from origin.origin(report, view, brief=wish.brief)


def section(title: str, view: Screen) -> Iterator[str]:
    """A heading with a blank line above it."""
    yield ""
    yield view.paint(view.spell(title), "heading")


# ── the head ──────────────────────────────────────────────────────────────────────────────────────


def _head(report: Report, view: Screen) -> Iterator[str]:
    title = ("★ " if report.get("bookmarked") and view.unicode else "") + lines.titled(report)
    for line in textwrap.wrap(title, view.columns or 120) or [title]:
        yield view.paint(view.spell(line), "bold")
    words = [kind_words(report), when_words(report), status_words(report.get("status"))]
    yield view.paint(view.spell(" · ".join(word for word in words if word)), "dim")
    if report.get("sensitivity") not in (None, "normal"):
        level = clean(report["sensitivity"]).replace("_", " ").capitalize()
        yield view.paint(f"{level}: kept out of what you hand on, unless you say so.", "dim")
    if report["provenance"] and all(one["state"] == "gone" for one in report["provenance"]):
        from phr.cli.show_origin import standing

        said = standing(report["provenance"][0]) or ""
        yield view.paint(view.spell(f"{said[:1].upper()}{said[1:]}."), "bold")


def kind_words(report: Report) -> str:
    """`Lab result`; of what is no event of a life the name of its type."""
    kind = str(report["kind"])
    if kind in KINDS:
        return KINDS[kind]
    return type_words(str(report["resource"]).partition("/")[0]).capitalize()


def when_words(report: Report) -> str:
    """The date as far as it is known, and until when."""
    start, end = report.get("date"), report.get("end")
    if start and end:
        return clean(period_words({"start": start, "end": end}))
    return clean(date_words(start) or (f"until {date_words(end)}" if end else "no date"))


def status_words(status: object) -> str:
    """A status in plain words; one that goes without saying says nothing."""
    word = clean(status)
    return _STATES.get(word, spelled(word))


def _facts(report: Report) -> Iterator[tuple[str, str]]:
    """What is said first, whatever the kind: the result, the conclusion, who and where."""
    corrected = {one["field"]: one for one in report.get("corrections") or () if one["in_effect"]}
    value = _result(report)
    yield "Result", value + _source_measured(report, corrected)
    if value:
        yield "Usual range", lines.reference_range(report)
    yield "Conclusion", clean_lines(report["conclusion"]) if report.get("conclusion") else ""
    for name in LABELS:
        one = corrected.get(name)
        if one is not None and name not in ("value", "unit"):
            yield LABELS[name], f"{_plainly(name, one['value'])} {lines.YOURS}{_source_says(one, name)}"
    yield "Facility", clean(report["facility"])
    yield "Ordered by", clean(report.get("ordered_by"))
    if report["performer"] != report.get("ordered_by"):
        yield "By", clean(report["performer"])


def _behind(report: Report) -> Iterator[tuple[str, str]]:
    """What stands behind the facts: the person's tags, the codes."""
    yield "Tags", ", ".join(clean(tag) for tag in (*report["tags"], *(report.get("pack_tags") or ())))
    yield "Codes", codes_words(report["codes"])


def _result(report: Report) -> str:
    value = lines.measured(report)
    if not value:
        return ""
    said = str(report.get("interpretation") or "")
    words = SYSTEMS["v3-ObservationInterpretation"].get(said.upper())
    if words is None and report.get("abnormal"):
        words = "outside the usual range"
    mark = lines.mark(report)
    told = " ".join(part for part in (mark, words) if part)
    return f"{value} ({told})" if told else value


def _plainly(name: str, value: object) -> str:
    if name in ("date", "end") and value:
        return clean(date_words(value))
    return status_words(value) or clean(value) if name == "status" else plainly(name, value)  # type: ignore[arg-type]


def _source_measured(report: Report, corrected: dict[str, Report]) -> str:
    """What the source says of a result that the person corrected, with how the source judges it."""
    parts = [corrected[name] for name in ("value", "unit") if name in corrected]
    if not parts:
        return ""
    judged = next((one["value"] for one in report["details"] if one.get("element") == "interpretation"), None)
    value = lines.measured(_as_sent(report)) or "nothing"
    judged = judged and SYSTEMS["v3-ObservationInterpretation"].get(judged.upper(), judged)
    told = f"{value} ({clean(judged).lower()})" if judged else value
    return _beside(told, parts)


def _source_says(one: Report, name: str) -> str:
    return _beside(_plainly(name, one.get("source_value")), [one])


def _beside(source: str, parts: Iterable[Report]) -> str:
    reasons = ", ".join(dict.fromkeys(clean(one["reason"]) for one in parts if one.get("reason")))
    return f"\nThe source says: {source}" + (f"\nYour reason: {reasons}" if reasons else "")


def _as_sent(report: Report) -> Report:
    """The same record with the source's words where the person's are laid over them."""
    told = {one["field"]: one["source_value"] for one in report.get("corrections") or () if one["in_effect"]}
    if not told:
        return report
    changed = {name: value for name, value in told.items() if name != "value"}
    if "value" in told:
        changed |= {"value": told["value"], "value_text": told["value"]}
    return {**report, **changed, "corrected": []}


def codes_words(codes: Iterable[Report]) -> str:
    """Standard codes with their system; local ones only where no standard one speaks."""
    standard, local = [], []
    for code in codes:
        if not code["code"]:
            continue
        name = _CODE_SYSTEMS.get(code["system"] or "")
        if name:
            standard.append(f"{name} {clean(code['code'])}")
        else:
            local.append(f"{clean(code['code'])} (of the source)")
    return ", ".join(dict.fromkeys(standard or local[:3]))


# ── pairs ─────────────────────────────────────────────────────────────────────────────────────────


class _Said:
    """What the page says already."""

    def __init__(self, report: Report) -> None:
        names = ("title", "date", "facility", "performer", "conclusion", "ordered_by")
        self._said = {_bare(report.get(name)) for name in names}
        self._said |= {_bare(lines.titled(report)), _bare(when_words(report)), _bare(lines.measured(report))}
        self._said |= {_bare(date_words(report.get(name))) for name in ("date", "recorded", "end")}
        self._said |= {_bare(lines.reference_range(report)), _bare(report.get("value_text"))}
        sent = _as_sent(report)  # beside a correction it stands already what the source says
        self._said |= {_bare(sent.get("title")), _bare(lines.titled(sent)), _bare(when_words(sent))}
        self._said |= {_bare(lines.measured(sent)), _bare(lines.measured(sent, exact=True))}
        self._said |= {_bare(sent.get("value_text"))}
        self._said |= {_bare(one["source_value"]) for one in report.get("corrections") or ()}
        self._said |= {_bare(date_words(sent.get(name))) for name in ("date", "end")}
        self._said -= {""}
        self._states = {_bare(one.get("status")).replace(" ", "-") for one in (report, sent)}
        self._corrected = {one["field"] for one in report.get("corrections") or () if one["in_effect"]}
        self._result = bool(lines.measured(report))
        self._date = _bare(report.get("date"))
        self._judged = bool(report.get("interpretation"))
        self._ranged = bool(lines.reference_range(report))
        self._attached = bool(report["attachments"])

    def note(self, value: str) -> None:
        """It stands on the page now."""
        self._said.add(_bare(value))

    def new(self, details: Iterable[Report], *, more: bool) -> Iterator[tuple[str, str]]:
        """Labels and values of the resource that the page does not say yet."""
        for one in details:
            aside = bool(one.get("more")) or one["value"].endswith(NAMELESS)
            if aside != more or self._is_said(one):
                continue
            element = one.get("element") or ""
            label = one["label"]
            if element == "component" and "value" in self._corrected:
                label = f"{label} (the source)"
            yield label, one["value"]

    def _is_said(self, one: Report) -> bool:
        element, value = one.get("element") or "", _bare(one["value"])
        if element in _HEAD_ELEMENTS:
            return value.replace(" ", "-") in self._states
        if element == "value[x]" and {"value", "unit"} & self._corrected:
            return True
        if element in ("value[x]", "component") and self._result and value in self._said:
            return True
        if element == "interpretation" and self._result:
            return self._judged or bool({"value", "unit"} & self._corrected)
        if element == "referenceRange" and self._ranged and self._result:
            return True
        if element in _PAGES and self._attached:
            return True
        if element == "issued" or element.endswith(("Date", "recorded")):
            return value in self._said and value != ""
        return value in self._said and (not value.isdecimal() or value == self._date)


def _bare(value: object) -> str:
    return clean(value).casefold().replace("–", "-")


def pairs(found: Iterable[tuple[str, object]], view: Screen, *, quiet: bool = False) -> Iterator[str]:
    """Labels in a column, values beside them; a label that is too long has a line of its own."""
    shown: list[tuple[str, str]] = []
    for label, value in found:
        text = clean_lines(value) if value not in (None, "") else ""
        if text and (clean(label), text) not in shown:
            shown.append((clean(label), text))
    room = min(_WIDEST, max((width(label) for label, _ in shown), default=0))
    before = None
    for label, text in shown:
        head = "" if label == before else label
        before = label
        lead = view.paint(view.spell(pad(head, room)), "dim" if quiet else "bold") + "  "
        if width(head) > room:
            yield view.paint(view.spell(head), "dim" if quiet else "bold")
            lead = " " * (room + 2)
        for number, line in enumerate(wrapped(text, view, room + 2)):
            yield ((lead if number == 0 else " " * (room + 2)) + view.spell(line)).rstrip()


def wrapped(text: str, view: Screen, taken: int) -> Iterator[str]:
    """The lines of a text beside or below something of so many cells; further lines of a wrapped one are deeper."""
    room = max(30, (view.columns or 110) - taken)
    for line in text.split("\n"):
        several = "\n" in text
        yield from textwrap.wrap(
            line, room, subsequent_indent="  " if several else "", break_on_hyphens=False
        ) or [""]
