"""What one row of a table says, by element, and the small elements of FHIR that are made of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from phr.importers.base import STATUS_UNKNOWN, TIME_LEFT_OUT
from phr.importers.table import kinds, notation
from phr.importers.table.mapping import Rows, TableMapping

HL7 = "http://terminology.hl7.org/CodeSystem"
Json = dict[str, Any]


class Unreadable(Exception):
    """Why a row cannot be read."""


@dataclass(slots=True)
class Cells:
    """What one row says, by element."""

    mapping: TableMapping
    rows: Rows
    cells: dict[str, str] = field(repr=False)
    """By column in lower case."""
    remarks: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list, repr=False)

    def get(self, element: str) -> str | None:
        """What the row says of an element, translated by the mapping's words; None for nothing."""
        column = self.rows.columns.get(element)
        said = self.rows.fixed.get(element) if column is None else self.cells.get(column.casefold())
        translated = self.rows.words.get(element, {}).get((said or "").casefold())
        return (translated if translated is not None else said) or None

    def when(self, element: str) -> str | None:
        """A date. Raises Unreadable when something else stands there."""
        said = self.get(element)
        if said is None:
            return None
        found = notation.when(said, self.mapping.dates, self.mapping.timezone)
        if found is None:
            kind = element if element == "date" else f"date ({element})"
            raise Unreadable(f"has a {kind} unlike {' or '.join(self.mapping.dates) or 'YYYY-MM-DD'}")
        if found[1]:
            self.remarks.append(TIME_LEFT_OUT)
        return found[0]

    def number(self, element: str) -> Decimal | None:
        """A number. Raises Unreadable when something else stands there."""
        said = self.get(element)
        if said is None:
            return None
        found = notation.number(said, self.mapping.decimal)
        if found is None:
            raise Unreadable(f"has a {element} that is no number")
        return found

    def concept(self) -> Json | None:
        """What the row is about: its codes and its words."""
        codings = [
            {"system": notation.SYSTEMS[name], "code": code}
            for name in notation.SYSTEMS
            if (code := self.get(name)) is not None
        ]
        if (code := self.get("code")) is not None:
            system = notation.system(self.get("code_system") or "")
            codings.insert(0, {**({"system": system} if system else {}), "code": code})
        text = self.get("text")
        return filled({"coding": codings, "text": text}) or None

    def status(self) -> str | None:
        """FHIR's code for the row's status; an unknown word becomes a note, but never for "was it given?"."""
        said = self.get("status")
        found = kinds.STATUSES[self.rows.kind].get((said or "").lower())
        if said is not None and found is None:
            if self.rows.kind == "immunization":
                raise Unreadable("has a status that is not known here: translate it in [rows.words.status]")
            self.remarks.append(STATUS_UNKNOWN)
            self.notes.append(f"Status: {said}")
        return found

    def annotations(self) -> list[Json]:
        """The row's note, and what has no other place."""
        return [{"text": text} for text in filter(None, (self.get("note"), *self.notes))]


def filled(element: Json) -> Json:
    return {key: value for key, value in element.items() if value not in (None, [], {}, "")}


def text(words: str | None) -> Json | None:
    return {"text": words} if words else None


def people(*names: str | None) -> list[Json]:
    return [{"display": name} for name in names if name]


def coded(system: str, code: str | None) -> Json | None:
    return {"coding": [{"system": f"{HL7}/{system}", "code": code}]} if code else None


def span(cells: Cells, name: str) -> Json:
    """`name` + DateTime, or + Period when the row has an end."""
    start, end = cells.when("date"), cells.when("end")
    if end is not None:
        return {f"{name}Period": filled({"start": start, "end": end})}
    return {f"{name}DateTime": start}


def named(cells: Cells) -> Json:
    concept = cells.concept()
    if concept is None:
        raise Unreadable("does not say what it is about: text and code are blank")
    return concept
