"""Elements whose values have labels of their own: components, results of a report, answers, sections, bill lines."""

from __future__ import annotations

from collections.abc import Iterator

from phr.fhir import read
from phr.views.fields import amounts
from phr.views.fields.narrative import lines_of
from phr.views.fields.saying import Node, Saying, concept_words
from phr.views.fields.table import ANY, CONCEPT, LIMITS, REFERENCE, Part, item_words, joint, others, said

_COMPONENT = (
    Part("value[x]", ANY),
    Part("interpretation", CONCEPT, "({})"),
    Part("referenceRange", LIMITS, "usual range {}"),
    Part("dataAbsentReason", CONCEPT, "no value: {}"),
)


def component(value: object, say: Saying) -> Iterator[tuple[str, str]]:
    """A part of an Observation under its own name."""
    if isinstance(value, dict):
        left = {key: part for key, part in value.items() if key != "code"}
        if words := item_words(left, _COMPONENT, say):
            yield concept_words(value.get("code")) or "Part", words


def result(pointer: object, say: Saying) -> Iterator[tuple[str, str]]:
    """A single result of a report or panel: its name, value, judgement and range, as its own record says them."""
    if not isinstance(pointer, dict):
        return
    found = say.find(pointer)
    display = read.text(pointer.get("display"))
    if found is None or not (found.title or display):
        yield "Result", say.named(pointer) or "a result without a name"
        return
    inner = (
        found.body()
        if found.value is None and found.body and pointer.get("reference", "").startswith("#")
        else None
    )
    words = found.value or (said(inner, "value[x]", ANY, say) if inner else None) or "no value"
    told = [
        interpretation_words(found.interpretation),
        f"usual range {found.limits}" if found.limits else None,
    ]
    for piece in told:
        if piece:
            piece = piece if piece.startswith("usual") else f"({piece})"
            words = f"{words}{joint(words, piece)}{piece}"
    yield _plain(found.title or display or "Result"), words


def _plain(title: str) -> str:
    from phr.views.fields.titles import plain

    return plain(title)


def interpretation_words(code: str | None) -> str | None:
    """`high` for `H`; the codes are those of v3-ObservationInterpretation."""
    from phr.views.fields.codes import SYSTEMS

    return SYSTEMS["v3-ObservationInterpretation"].get(code.upper(), code) if code else None


# ── questionnaires ────────────────────────────────────────────────────────────────────────────────

_DEPTH = 12


def answers(value: object, say: Saying) -> Iterator[tuple[str, str]]:
    """Every question with its answers, groups opened; a group's name stands before its first question."""
    yield from _answers(value, say, "", _DEPTH)


def _answers(item: object, say: Saying, above: str, depth: int) -> Iterator[tuple[str, str]]:
    if not isinstance(item, dict) or not depth:
        return
    question = (read.text(item.get("text")) or read.text(item.get("linkId")) or "").rstrip(": ")
    label = f"{above} – {question}" if above and question else question or above
    given = [words for one in read.dicts(item.get("answer")) if (words := said(one, "value[x]", ANY, say))]
    inner = [part for one in read.dicts(item.get("answer")) for part in read.listed(one.get("item"))]
    inner += read.listed(item.get("item"))
    if given or not inner:
        yield label or "Answer", ", ".join(given) or "not answered"
    heading = "" if given else label
    for part in inner:
        yield from _answers(part, say, heading, depth - 1)


# ── documents ─────────────────────────────────────────────────────────────────────────────────────


def section(value: object, say: Saying) -> Iterator[tuple[str, str]]:
    """A section of a Composition: its words, else what it lists; sections inside of it after it."""
    if not isinstance(value, dict):
        return
    text = value.get("text")
    div = read.text(text.get("div")) if isinstance(text, dict) else None
    words = lines_of(div) if div else None
    if not words:
        words = said(value, "entry", REFERENCE, say) or concept_words(value.get("emptyReason"))
    title = read.text(value.get("title")) or concept_words(value.get("code")) or "Section"
    if words:
        yield title, words
    for inner in read.listed(value.get("section")):
        for label, found in section(inner, say):
            yield f"{title} – {label}", found


# ── bills ─────────────────────────────────────────────────────────────────────────────────────────


def bill_line(value: object, say: Saying) -> Iterator[tuple[str, str]]:
    """A line of a claim: what it was for, when, how many, and what became of the money."""
    if not isinstance(value, dict):
        return
    what = concept_words(read.first(value.get("productOrService"))) or concept_words(
        read.first(value.get("service"))
    )
    number = read.text(value.get("sequence")) or read.text(value.get("itemSequence"))
    left = {
        key: part
        for key, part in value.items()
        if key not in ("productOrService", "service", "sequence", "adjudication")
    }
    words = item_words(left, _LINE, say) or ""
    for one in read.dicts(value.get("adjudication")):
        for piece in adjudication(one, say):
            words = f"{words}{joint(words, piece)}{piece}"
    yield f"Line {number}" if number else "Line", f"{what or 'no name'}{': ' + words if words else ''}"


def adjudication(one: Node, say: Saying) -> Iterator[str]:
    """`paid by the insurer $12.00`: what the payer decided; amounts of nothing are left to `--raw`."""
    label = concept_words(one.get("category")) or "amount"
    amount = amounts.money_words(one["amount"]) if isinstance(one.get("amount"), dict) else None
    value = read.text(one.get("value"))
    reason = concept_words(one.get("reason"))
    words = " ".join(word for word in (amount or value, f"({reason})" if reason else None) if word)
    if words and not _is_nothing(one):
        yield f"{label} {words}"


def _is_nothing(one: Node) -> bool:
    amount = one.get("amount")
    number = read.text(amount.get("value")) if isinstance(amount, dict) else None
    return number is not None and not number.strip("0.-") and "reason" not in one


_LINE = (
    Part("serviced[x]", ANY, "on {}"),
    Part("quantity", ANY, "× {}"),
    Part("net", ANY, "{} in all"),
    Part("unitPrice", ANY, "{} each"),
    Part("modifier", CONCEPT, "({})"),
    Part("location[x]", ANY, "at {}"),
    Part("bodySite", CONCEPT, "{}"),
    Part("noteNumber", ANY, "note {}"),
    Part("diagnosisSequence", ANY, "for diagnosis {}"),
    Part("careTeamSequence", ANY, "by care team member {}"),
)


# ── how to take a medicine ────────────────────────────────────────────────────────────────────────

_DOSAGE = (
    ("doseAndRate.dose[x]", ANY, "{}"),
    ("dose[x]", ANY, "{}"),
    ("dose", ANY, "{}"),
    ("doseAndRate.rate[x]", ANY, "at {}"),
    ("rate[x]", ANY, "at {}"),
    ("route", CONCEPT, "{}"),
    ("timing", ANY, "{}"),
    ("asNeededCodeableConcept", CONCEPT, "as needed for {}"),
    ("asNeededBoolean", ANY, "as needed"),
    ("site", CONCEPT, "{}"),
    ("method", CONCEPT, "{}"),
    ("additionalInstruction", CONCEPT, "{}"),
    ("patientInstruction", ANY, "{}"),
    ("maxDosePerPeriod", ANY, "at most {}"),
    ("maxDosePerAdministration", ANY, "at most {} at a time"),
    ("maxDosePerLifetime", ANY, "at most {} in a lifetime"),
)
_ROUTES = {
    "26643006": "by mouth",
    "PO": "by mouth",
    "20053000": "by mouth",
    "C38288": "by mouth",
    "47625008": "into a vein",
    "78421000": "into a muscle",
    "34206005": "under the skin",
    "46713006": "into the nose",
    "37161004": "rectally",
    "54485002": "into the eye",
    "6064005": "on the skin",
}


def route_words(value: object, say: Saying) -> str | None:
    """`by mouth`: a route as people say it, where its code is one of the common ones."""
    for code in read.codings(value):
        if code.code in _ROUTES:
            return _ROUTES[code.code]
    words = concept_words(value)
    return "by mouth" if words and words.lower() in ("oral", "orally", "oral route", "oral use") else words


def dosage_words(value: object, say: Saying) -> str | None:
    """A Dosage: the sentence somebody wrote, and of its parts those that the sentence does not say already."""
    if not isinstance(value, dict):
        return read.text(value)
    line = read.text(value.get("text")) or ""
    if not line.replace("None", "").strip(": "):  # seen at DrChrono: ":None:None"
        line = ""
    told = ["text", "sequence", "doseAndRate.type"]
    for element, form, template in _DOSAGE:
        if element == "asNeededBoolean":
            words: str | None = "as needed" if value.get(element) is True else None
            if element in value:
                told.append(element)
        elif element == "route":
            words = route_words(value.get("route"), say)
        else:
            words = said(value, element, form, say)
        if not words:
            continue
        told.append(element)
        if not _is_said(words, line):
            piece = template.format(words)
            between = (
                " "
                if line and element in ("route", "timing") and not value.get("text")
                else joint(line, piece)
            )
            line = f"{line}{between}{piece}"
    for piece in others(value, tuple(Part(path, ANY) for path in told), say):
        line = f"{line}{joint(line, piece)}{piece}"
    return line or None


def _is_said(words: str, line: str) -> bool:
    bare = words.casefold().removesuffix(" route")
    return bare in line.casefold() or (bare == "by mouth" and "oral" in line.casefold())
