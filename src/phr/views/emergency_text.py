"""The essentials as a short text: for the QR code, which holds only so much.

What does not fit is counted in the text itself. Insurance goes first, then the doctor, baseline values, problems and
everyday medicines; allergies go last of all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from phr.views.emergency import named

Page = dict[str, Any]
NOTHING = {
    "allergies": "no information (not the same as none)",
    "medications": "no information",
}


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
    """So many entries are left until everything lighter is gone."""
    cut: int = 0
    """How many entries were taken away, or are not on the page either."""

    def text(self) -> str:
        more = f" +{self.cut} more" if self.cut else ""
        return f"{self.label}: {'; '.join(self.entries)}{more}"


def text(page: Page, octets: int) -> str:
    """The essentials in at most so many bytes of UTF-8; what is left out is counted or named."""
    lines = _lines(page)
    steps = _steps(lines)
    while True:
        here = [line for line in lines if line.entries]
        gone = [line.label.lower() for line in lines if line.cut and not line.entries]
        foot = [f"NOT HERE: {', '.join(gone)}"] if gone else []
        foot.append(f"Made {page['made'][:10]}{_newest(page)}")
        said = "\n".join([_head(page), *(line.text() for line in here), *foot])
        if len(said.encode()) <= octets or not next(steps, False):
            return said


def _steps(lines: list[Line]) -> Iterator[bool]:
    """Ways to make it shorter, the harmless ones first: fewer words, fewer entries where they matter least."""
    light = sorted((line for line in lines if line.weight), key=lambda line: -line.weight)
    for line in light:
        line.entries = [_short(entry) for entry in line.entries]
        yield True
    for line in light:
        while len(line.entries) > line.least:
            line.cut += line.entries.pop() is not None
            yield True
    for line in lines:
        line.entries = [_BRACKETS.sub("", entry) if len(entry) > 30 else entry for entry in line.entries]
        yield True
    for line in light:
        while line.entries:
            line.cut += line.entries.pop() is not None
            yield True
    for line in lines:  # allergies are all that is left
        line.entries = [entry[:28].rstrip() + "…" if len(entry) > 30 else entry for entry in line.entries]
        yield True
        while len(line.entries) > 1:
            line.cut += line.entries.pop() is not None
            yield True


def _short(entry: str) -> str:
    """Without what stands in brackets and the form of a medicine; a mark at the end stays."""
    mark = " ?" if entry.endswith(" ?") else ""
    kept = " ".join(_FORMS.sub("", _BRACKETS.sub("", entry.removesuffix(" ?"))).split())
    return (kept or entry.removesuffix(" ?")) + mark


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
        Line(
            "WISHES",
            ["DO NOT RESUSCITATE documented"]
            if any(one["no_resuscitation"] for one in page["directives"])
            else [named(one) for one in page["directives"][:1]],
            1,
            1,
        ),
        Line("IMPLANTS", [named(one) for one in page["devices"]], 2, 2),
        Line("CALL", [one["text"] for one in page["contacts"][:2]], 3, 1),
        Line("TAKES", medication_words(page), 4, 2, more.get("medications", 0)),
        Line("DO NOT GIVE", [named(one) for one in page["not_to_be_taken"]], 1, 3),
        Line("PROBLEMS", [named(one) for one in page["problems"]], 5, 1, more.get("problems", 0)),
        Line("BASELINE", [baseline_words(one) for one in page["baseline"]], 6),
        Line("DOCTOR", [doctor_words(page["doctor"])] if page["doctor"] else [], 7),
        Line("INSURANCE", [insurance_words(one) for one in page["insurance"][:1]], 8),
    ]
    return [line for line in found if line.entries]


def sources_words(page: Page) -> str:
    """`from 2 sources, newest record of 2026-03-01`."""
    number = len(page["sources"])
    newest = f", newest record of {page['newest'][:10]}" if page["newest"] else ""
    return f"from {number} source{'' if number == 1 else 's'}{newest}"


# ── the same words on every medium ────────────────────────────────────────────────────────────────────


def allergy_words(page: Page) -> list[str]:
    """Each allergy with its reaction, `!` before those that threaten life; or who says that there is none; or nothing."""
    found = [
        f"{'! ' if one['life_threatening'] else ''}{named(one)}{_reaction(one)}" for one in page["allergies"]
    ]
    if found:
        return found
    if page["none_known_allergies"]:
        one = page["none_known_allergies"][0]
        said = f" (says {', '.join(one['sources'])}"
        return [f"{named(one)}{said}{', ' + one['date'][:10] if one['date'] else ''})"]
    return [NOTHING["allergies"]]


def _reaction(one: dict[str, Any]) -> str:
    words = [reaction["manifestation"] for reaction in one["reactions"] if reaction["manifestation"]]
    return f" ({', '.join(words[:2]).casefold()})" if words else ""


def medication_words(page: Page) -> list[str]:
    """Each medicine, the class that a rescuer needs to know, `?` behind those that one has to ask about."""
    found = [
        f"{_warning(one)}{named(one)}{' ?' if one['still_taking'] else ''}" for one in page["medications"]
    ]
    if found:
        return found
    if page["none_known_medications"]:
        return [named(page["none_known_medications"][0])]
    return [NOTHING["medications"]]


def _warning(one: dict[str, Any]) -> str:
    """`BLOOD THINNER ` before the name; not where the name says it already."""
    word = one["class"]
    return f"{word.upper()} " if word and word not in one["title"].casefold() else ""


def baseline_words(one: dict[str, Any]) -> str:
    """`FEV1 1.59 L (2026-03-17)`."""
    value = one["value_text"] if one["value_text"] is not None else one["value"]
    words = (one["label"], value, one["unit"]) if value is not None else (f"{one['label']}: {named(one)}",)
    said = " ".join(str(part) for part in words if part not in (None, ""))
    return f"{said} ({one['date'][:10]})" if one["date"] else said


def doctor_words(one: dict[str, Any]) -> str:
    """Name and telephone."""
    return ", ".join(part for part in (one["name"], one["phone"]) if part)


def insurance_words(one: dict[str, Any]) -> str:
    """The insurer and the number of the member."""
    return ", ".join(part for part in (named(one), one["member"]) if part)
