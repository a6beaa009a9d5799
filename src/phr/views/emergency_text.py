"""The essentials as a short text: for the QR code, which holds only so much.

What does not fit is counted in the text itself. Insurance goes first, then the doctor, medicines of long ago, baseline
values, problems and everyday medicines; allergies go last of all. What only the patient says, or has corrected, bears a
mark: a rescuer may not take it for what a hospital found.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from phr.views.emergency import named
from phr.views.figures import short as short_number
from phr.views.figures import unit_words
from phr.views.summary_people import document_words

Page = dict[str, Any]
NOTHING = {
    "allergies": "no information (not the same as none)",
    "medications": "no information",
}


OWN = "*"
"""Behind what only the patient says, or has corrected."""
OWN_NOTE = "* says the patient"
_OWN_SHOWN = re.compile(r"\*(?!\w)")  # HLA-B*57:01 and Pi*ZZ are names
_NO_MATTER = {"sensitivity", "kind"}
"""Corrections that change nothing of what is said."""
_BRACKETS = re.compile(r" ?[(\[][^()\[\]]*[)\]]")
_FORMS = re.compile(
    r"\b(?:oral|extended release|delayed release|tablets?|capsules?|inhalation|inhaler|nebuli[sz]er|injectable|injection"
    r"|solution|suspension|film.coated|powder|for|product containing(?: only)?|in oral dose form)\b",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Line:
    """One line of the text: a label, its entries, and how early it gives way (high numbers first)."""

    label: str
    entries: list[str] = field(repr=False)
    weight: int
    least: int = 0
    """So many entries are left until no other line has more than it needs."""
    cut: int = 0
    """How many entries were taken away, or are not on the page either."""
    spare: list[str] = field(default_factory=list, repr=False)
    """Those that were taken away, the last one first."""

    def drop(self) -> None:
        self.spare.append(self.entries.pop())
        self.cut += 1

    def restore(self) -> None:
        self.entries.append(self.spare.pop())
        self.cut -= 1

    def text(self) -> str:
        more = f" +{self.cut} more" if self.cut else ""
        return f"{self.label}: {'; '.join(self.entries)}{more}"


def text(page: Page, octets: int) -> str:
    """The essentials in at most so many bytes of UTF-8; what is left out is counted or named."""
    lines = _lines(page)
    steps = _steps(lines)
    while len((said := _said(page, lines)).encode()) > octets and next(steps, False):
        pass
    for line in sorted(lines, key=lambda line: line.weight):  # what was taken away for more than was needed
        while line.spare:
            line.restore()
            longer = _said(page, lines)
            if len(longer.encode()) > octets:
                line.drop()
                break
            said = longer
    return said


def _said(page: Page, lines: list[Line]) -> str:
    said = "\n".join(line.text() for line in lines if line.entries)
    gone = [line.label.lower() for line in lines if line.cut and not line.entries]
    foot = [f"NOT HERE: {', '.join(gone)}"] if gone else []
    if shows_own(said):
        foot.append(OWN_NOTE)
    foot.append(
        f"Made {page['made'][:10]}{'' if any(line.cut or line.spare for line in lines) else _newest(page)}"
    )
    return "\n".join([_head(page), said, *foot])


def _steps(lines: list[Line]) -> Iterator[bool]:
    """Ways to make it shorter, the harmless ones first: fewer words, fewer entries where they matter least."""
    light = sorted((line for line in lines if line.weight), key=lambda line: -line.weight)
    for line in light:
        line.entries = [short(entry) for entry in line.entries]
        yield True
    for least in (None, 1):
        for line in light:
            while len(line.entries) > (line.least if least is None else least):
                line.drop()
                yield True
    for line in lines:
        line.entries = [_BRACKETS.sub("", entry) if len(entry) > 30 else entry for entry in line.entries]
        yield True
    for line in light:
        while line.entries:
            line.drop()
            yield True
    for line in lines:  # allergies are all that is left
        line.entries = [entry[:28].rstrip() + "…" if len(entry) > 30 else entry for entry in line.entries]
        yield True
        while len(line.entries) > 1:
            line.drop()
            yield True


def short(entry: str) -> str:
    """Without what stands in brackets and the form of a medicine."""
    return " ".join(_FORMS.sub("", _BRACKETS.sub("", entry)).split()) or entry


def _newest(page: Page) -> str:
    return f", newest record {page['newest'][:10]}" if page["newest"] else ""


def _head(page: Page) -> str:
    patient = page["patient"]
    parts = (
        patient["name"] or "Name not known",
        f"born {patient['birth_date']}" if patient["birth_date"] else None,
        patient["sex"],
    )
    return "EMERGENCY: " + ", ".join(part for part in parts if part)


def _lines(page: Page) -> list[Line]:
    more = page["more"]
    found = [
        Line("ALLERGIES", allergy_words(page), 0, cut=more.get("allergies", 0)),
        Line("BLOOD", [page["blood_type"]] if page["blood_type"] else [], 1, 1),
        Line("WISHES", wishes(page, brief=True)[:2], *((1, 1) if forbids_revival(page) else (6, 0))),
        Line("IMPLANTS", [marked(one) for one in page["devices"]], 2, 2),
        Line("CALL", [one["text"] for one in page["contacts"][:2]], 3, 2),
        Line("TAKES", takes_words(page), 4, 6, more.get("medications", 0)),
        Line("DO NOT GIVE", [marked(one) for one in page["not_to_be_taken"]], 1, 3),
        Line("PROBLEMS", [marked(one) for one in page["problems"]], 5, 4, more.get("problems", 0)),
        Line("BASELINE", [baseline_words(one) for one in page["baseline"]], 6, 4),
        Line("ASK ABOUT", asks_words(page), 7, len([one for one in asks(page) if one["class"]])),
        Line("DOCTOR", [doctor_words(page["doctor"])] if page["doctor"] else [], 8),
        Line("INSURANCE", [insurance_words(one) for one in page["insurance"][:1]], 9),
    ]
    return [line for line in found if line.entries]


def sources_words(page: Page) -> str:
    """`from 2 sources and the patient, newest record of 2026-03-01`."""
    own = page["own_sources"]
    number = len(page["sources"]) - len(own)
    told = [f"{number} source{'' if number == 1 else 's'}"] if number or not own else []
    newest = f", newest record of {page['newest'][:10]}" if page["newest"] else ""
    return f"from {' and '.join([*told, *['the patient'] * bool(own)])}{newest}"


# ── the same words on every medium ────────────────────────────────────────────────────────────────────


def whose(one: dict[str, Any]) -> str:
    """Whose word it is, where it is not that of a source alone."""
    if one.get("own"):
        return "told by the patient"
    return "corrected by the patient" if set(one.get("corrected") or ()) - _NO_MATTER else ""


def shows_own(text: str) -> bool:
    """Whether a mark is in this that has to be explained."""
    return _OWN_SHOWN.search(text) is not None


def marked(one: dict[str, Any]) -> str:
    """The name; with a mark where it is the patient's own word."""
    return f"{named(one)}{OWN if whose(one) else ''}"


def allergy_words(page: Page) -> list[str]:
    """Each allergy with its reaction, `!` before those that threaten life; or who says that there is none; or nothing."""
    found = [
        f"{'! ' if one['life_threatening'] else ''}{marked(one)}{_reaction(one)}" for one in page["allergies"]
    ]
    if found:
        return found
    if page["none_known_allergies"]:
        one = page["none_known_allergies"][0]
        said = f" ({says(page, one)}"
        return [f"{named(one)}{said}{', ' + one['date'][:10] if one['date'] else ''})"]
    return [NOTHING["allergies"]]


def says(page: Page, one: dict[str, Any]) -> str:
    """`says clinic`."""
    own = set(page["own_sources"])
    told = [name for name in one["sources"] if name not in own]
    return f"says {', '.join(told or ['the patient'])}"


def _reaction(one: dict[str, Any]) -> str:
    words = [reaction["manifestation"] for reaction in one["reactions"] if reaction["manifestation"]]
    return f" ({', '.join(words[:2]).casefold()})" if words else ""


def takes(page: Page) -> list[dict[str, Any]]:
    """Medicines that the record gives no reason to doubt."""
    return [one for one in page["medications"] if not one["still_taking"] and not one["unrenewed"]]


def asks(page: Page) -> list[dict[str, Any]]:
    """Those one has to ask about: on a list, and nothing shows that they are taken today."""
    return [one for one in page["medications"] if one["still_taking"] or one["unrenewed"]]


def takes_words(page: Page) -> list[str]:
    """Each with the class that a rescuer needs to know; who says that there is none; or that nobody knows."""
    found = [warned(one) for one in takes(page)]
    if found or asks(page):
        return found
    if page["none_known_medications"]:
        return [marked(page["none_known_medications"][0])]
    return [NOTHING["medications"]]


def asks_words(page: Page) -> list[str]:
    """Each with when it was last seen, or what else speaks against it."""
    return [f"{warned(one)} ({why(one)})" for one in asks(page)]


def why(one: dict[str, Any]) -> str:
    """`last seen 2018-06`, `on hold`."""
    return f"last seen {one['last_seen'][:7]}" if one["last_seen"] else str(one["doubt"] or one["unrenewed"])


def warned(one: dict[str, Any]) -> str:
    """`BLOOD THINNER Warfarin`; its name alone where that says it already."""
    word = one["class"]
    return f"{word.upper()} {marked(one)}" if word and word not in one["title"].casefold() else marked(one)


def forbids_revival(page: Page) -> bool:
    """Whether "do not resuscitate" is documented."""
    return any(one["no_resuscitation"] for one in page["directives"])


def wishes(page: Page, *, brief: bool = False) -> list[str]:
    """What was laid down: what it is, of when, where, and the paper that was signed; what forbids to revive first.

    `brief`: without place and paper.
    """
    if forbids_revival(page):
        papers = [_paper(one, brief) for one in page["directives"] if one["no_resuscitation"]][:1]
        return [f"DO NOT RESUSCITATE documented: {papers[0]}"]
    return [_paper(one, brief) for one in page["directives"]]


def _paper(one: dict[str, Any], brief: bool) -> str:
    told = [f"{marked(one)} {(one['date'] or '')[:10]}".strip()]
    told += [] if brief else [one["facility"], *(document_words(paper) for paper in one["documents"][:1])]
    return ", ".join(part for part in told if part)


def baseline_words(one: dict[str, Any]) -> str:
    """`FEV1 1.59 L (2026-03-17)`."""
    value = one["value_text"] if one["value_text"] is not None else one["value"]
    own = OWN if whose(one) else ""
    date = f" ({one['date'][:10]})" if one["date"] else ""
    label = one["label"]
    label = label[5:6].upper() + label[6:] if label.startswith("Last ") and date else label
    if value is None:
        return f"{label}: {named(one)}{own}{date}"
    figure = short_number(str(value), one.get("low"), one.get("high"))
    said = " ".join(part for part in (label, figure, unit_words(one["unit"] or "")) if part)
    return f"{said}{own}{date}"


def doctor_words(one: dict[str, Any]) -> str:
    """Name and telephone."""
    return ", ".join(part for part in (one["name"], one["phone"]) if part)


def insurance_words(one: dict[str, Any]) -> str:
    """The insurer and the number of the member."""
    return ", ".join(part for part in (marked(one), one["member"]) if part)
