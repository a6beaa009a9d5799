"""Whose record it is: name, birth date, sex, how to reach them, and the numbers by which offices know them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from phr.exporters.pdf_blocks import Cell
from phr.fhir.read import dicts, human_name, listed, text
from phr.views.summary_people import age

_NUMBERS = {"MR": "Record number", "PI": "Patient number", "MB": "Member number", "SN": "Subscriber number"}
_SECRET = frozenset(("SS", "SSN", "SB", "DL", "PPN", "TAX", "NI"))
"""A paper in a waiting room needs no social security number."""
_SECRET_SYSTEMS = ("us-ssn", "2.16.840.1.113883.4.1", "passport", "driver")
_FEW = 4


@dataclass(frozen=True, slots=True)
class Who:
    """The person, in words."""

    name: str = field(repr=False)
    born: str = field(repr=False)
    facts: list[str] = field(repr=False)
    reach: list[str] = field(repr=False)
    numbers: list[str] = field(repr=False)

    @property
    def header(self) -> str:
        """What stands on every page."""
        return f"{self.name} · born {self.born}" if self.born else self.name

    def lines(self) -> list[Cell]:
        """Below the name."""
        return [" · ".join(part) for part in (self.facts, self.reach, self.numbers) if part]


def who(patient: dict[str, Any], made: str) -> Who:
    """Of a Patient; `made` is the day of the paper, for the age."""
    born = (text(patient.get("birthDate")) or "")[:10]
    died = text(patient.get("deceasedDateTime"))
    years = age(born, died or made)
    facts = [
        f"Born {born}" + (f" ({years} years)" if years is not None and not died else "")
        if born
        else "Birth date not known",
        text(patient.get("gender")) or "",
        f"died {died[:10]}" if died else "died" if patient.get("deceasedBoolean") is True else "",
        _language(patient),
    ]
    return Who(
        human_name(patient.get("name")) or "Name not known",
        born,
        [one for one in facts if one and one != "unknown"],
        _reach(patient),
        _identifiers(patient),
    )


def _language(patient: dict[str, Any]) -> str:
    """What to speak with them, where it is not English."""
    for one in dicts(patient.get("communication")):
        language = one.get("language")
        codes = dicts(language.get("coding")) if isinstance(language, dict) else []
        said = text(language.get("text")) if isinstance(language, dict) else None
        said = said or next((name for each in codes if (name := text(each.get("display")))), None)
        english = any(str(each.get("code") or "").lower().startswith("en") for each in codes)
        if said and not english and "english" not in said.casefold():
            return f"speaks {said}"
    return ""


def _reach(patient: dict[str, Any]) -> list[str]:
    """Telephones, mail, and where they live."""
    found = []
    for one in dicts(patient.get("telecom")):
        value = text(one.get("value"))
        if value and one.get("use") != "old" and one.get("system") in ("phone", "sms", "email", None):
            found.append(value)
    for one in dicts(patient.get("address")):
        if one.get("use") == "old":
            continue
        lines = [said for part in listed(one.get("line")) if (said := text(part))]
        rest = [said for name in ("city", "state", "postalCode", "country") if (said := text(one.get(name)))]
        said = ", ".join([*lines, " ".join(rest)] if rest else lines) or text(one.get("text"))
        if said:
            found.append(said)
            break
    return list(dict.fromkeys(found))[:_FEW]


def _identifiers(patient: dict[str, Any]) -> list[str]:
    """The numbers of offices, each once; none that opens a bank account."""
    found: dict[str, str] = {}
    for one in dicts(patient.get("identifier")):
        value, kind = text(one.get("value")), one.get("type")
        codes = (
            [str(each.get("code") or "") for each in dicts(kind.get("coding"))]
            if isinstance(kind, dict)
            else []
        )
        words = (text(kind.get("text")) if isinstance(kind, dict) else None) or ""
        secret = _SECRET.intersection(codes) or "social security" in words.casefold()
        system = str(one.get("system") or "").casefold()
        if not value or secret or any(part in system for part in _SECRET_SYSTEMS):
            continue
        label = next((_NUMBERS[code] for code in codes if code in _NUMBERS), None)
        if label:
            assigner = one.get("assigner")
            by = text(assigner.get("display")) if isinstance(assigner, dict) else None
            found.setdefault(value, f"{label} {value}" + (f" ({by})" if by else ""))
    return list(found.values())[:_FEW]
