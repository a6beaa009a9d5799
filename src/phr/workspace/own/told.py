"""One entry as a person told it, checked, and the small elements of FHIR that are made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from phr.model import Code
from phr.workspace.own import units
from phr.workspace.own.kinds import Kind

Json = dict[str, Any]
HL7 = "http://terminology.hl7.org/CodeSystem"
UCUM = "http://unitsofmeasure.org"
LOINC = "http://loinc.org"


@dataclass(frozen=True, slots=True)
class OwnFile:
    """A file that was read, once."""

    name: str
    media_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Link:
    """A record that this one is about: its absolute address, its type, what it is called."""

    url: str
    type: str
    title: str = field(repr=False)

    def reference(self) -> Json:
        """As a Reference."""
        return {"reference": self.url, "type": self.type, "display": self.title}


@dataclass(frozen=True, slots=True)
class Told:
    """What was told: dates are FHIR's, choices FHIR's codes, everything else the person's words."""

    kind: Kind
    now: str
    """An instant."""
    said: Mapping[str, Any] = field(repr=False)
    codes: tuple[Code, ...] = field(default=(), repr=False)
    about: tuple[Link, ...] = field(default=(), repr=False)
    visit: Link | None = field(default=None, repr=False)
    files: tuple[OwnFile, ...] = field(default=(), repr=False)

    def get(self, name: str) -> str | None:
        """What was said of one thing; None for nothing."""
        found = self.said.get(name)
        return str(found) if found not in (None, "", False) and not isinstance(found, list) else None

    def many(self, name: str) -> list[str]:
        """What may be said several times."""
        found = self.said.get(name)
        return [str(one) for one in found if one] if isinstance(found, list) else []

    def yes(self, name: str) -> bool:
        """Whether a flag was set."""
        return self.said.get(name) is True

    @property
    def title(self) -> str:
        """What it is called; a file by its name, where nobody named it."""
        named = self.get("title")
        return named or (self.files[0].name.rpartition(".")[0] or self.files[0].name if self.files else "")

    def concept(self) -> Json:
        """What it is: the words as they were typed, and the codes."""
        return concept(self.title, self.codes)

    def notes(self, *more: str | None) -> list[Json]:
        """What else was said, as Annotations (FHIR R4, datatypes.html#Annotation)."""
        return [{"text": words} for words in (self.get("note"), *more) if words]

    def encounter(self) -> Json | None:
        """The visit it belongs to."""
        return self.visit.reference() if self.visit else None


def filled(element: Json) -> Json:
    """Without what is empty: FHIR has no empty elements (R4, json.html)."""
    return {key: value for key, value in element.items() if value not in (None, [], {}, "")}


def concept(words: str | None, codes: Sequence[Code] = ()) -> Json:
    """A CodeableConcept."""
    coding = [filled({"system": one.system, "code": one.code, "display": one.display}) for one in codes]
    return filled({"coding": coding, "text": words})


def text(words: str | None) -> Json | None:
    """A CodeableConcept of words alone."""
    return {"text": words} if words else None


def coded(system: str, code: str | None, display: str | None = None) -> Json | None:
    """A CodeableConcept of one code of HL7's terminology."""
    return (
        {"coding": [filled({"system": f"{HL7}/{system}", "code": code, "display": display})]}
        if code
        else None
    )


def person(name: str | None) -> Json | None:
    """Somebody by name: a Reference with nothing behind it (FHIR R4, references.html#display)."""
    return {"type": "Practitioner", "display": name} if name else None


def place(name: str | None, type_: str = "Organization") -> Json | None:
    """A place by name."""
    return {"type": type_, "display": name} if name else None


def listed(*elements: Json | None) -> list[Json]:
    """Those that are there."""
    return [one for one in elements if one]


def period(start: str | None, end: str | None) -> Json:
    """A Period."""
    return filled({"start": start, "end": end})


def span(name: str, start: str | None, end: str | None) -> Json:
    """`name` + DateTime, or + Period where there is an end."""
    return {f"{name}Period": period(start, end)} if end else {f"{name}DateTime": start}


def quantity(value: str | Decimal, unit: str | None = None, comparator: str | None = None) -> Json:
    """A Quantity with the digits as they were typed; the unit in words, and its UCUM code."""
    code = units.known(unit) if unit else None
    return filled(
        {
            "value": Decimal(value),
            "comparator": comparator,
            "unit": unit,
            "system": UCUM if code else None,
            "code": code,
        }
    )
