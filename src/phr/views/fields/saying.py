"""Any value of FHIR in plain words, by its shape; references by the names of what they point at.

FHIR R4, Datatypes and References. Total: a value of whatever shape answers words or None. What a reference points at
is looked up in the same source, and a name that is nowhere to be found leaves the kind of thing and its address.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from phr.fhir import read
from phr.records.elements import is_something, words_of
from phr.views.fields import amounts, codes
from phr.views.fields.dates import date_words, is_date, period_words, timing_words

Node = dict[str, Any]
MOST_LOOKED_UP = 300
_ADDRESS = r"[A-Z][A-Za-z]+/[A-Za-z0-9\-.]+(/_history/.*)?|urn:.*|https?://.*|#.*"
_PEOPLE = frozenset(
    "Practitioner PractitionerRole Patient RelatedPerson Person Organization Location Device Group"
    " HealthcareService Medication Substance CareTeam Endpoint InsurancePlan Coverage Specimen BodyStructure".split()
)


class Found:
    """A stored resource that a reference points at, as its record says it."""

    __slots__ = ("body", "date", "interpretation", "kind", "limits", "title", "value")

    def __init__(
        self,
        title: str | None,
        kind: str | None = None,
        date: str | None = None,
        value: str | None = None,
        interpretation: str | None = None,
        limits: str | None = None,
        body: Callable[[], Node] | None = None,
    ) -> None:
        """`value` has its unit; `body` answers the resource itself, and is called only when it is needed."""
        self.title, self.kind, self.date, self.value = title, kind, date, value
        self.interpretation, self.limits, self.body = interpretation, limits, body


Find = Callable[[str], Found | None]
"""`Type/id` of the same source."""


def nothing_found(address: str) -> Found | None:
    """Where there is no store to look into."""
    return None


class Saying:
    """One resource while it is put into words."""

    def __init__(self, resource: Node, find: Find = nothing_found) -> None:
        self.resource = resource
        self._find = find
        self._found: dict[str, Found | None] = {}

    # ── references ────────────────────────────────────────────────────────────────────────────────

    def find(self, pointer: object) -> Found | None:
        """What a Reference points at, if it is stored; `contained` counts as stored."""
        if (inner := self.contained(pointer)) is not None:
            return Found(_called(inner, self), None, None, body=lambda: inner)
        address = read.reference(pointer) or self._by_urn(pointer)
        if address is None:
            return None
        if address not in self._found:
            if len(self._found) >= MOST_LOOKED_UP:
                return None
            self._found[address] = self._find(address)
        return self._found[address]

    def contained(self, pointer: object) -> Node | None:
        """The resource inside this one that `#id` means."""
        spelled = pointer.get("reference") if isinstance(pointer, dict) else pointer
        if not isinstance(spelled, str) or not spelled.startswith("#"):
            return None
        inner = read.dicts(self.resource.get("contained"))
        return next((one for one in inner if one.get("id") in (spelled[1:], spelled)), None)

    def body(self, pointer: object) -> Node | None:
        """The resource that a Reference points at."""
        found = self.find(pointer)
        return found.body() if found and found.body else None

    def named(self, pointer: object) -> str | None:
        """A Reference in words: its display, else what it points at is called, and when it was."""
        if not isinstance(pointer, dict):
            return None
        display = read.text(pointer.get("display"))
        if display and is_something(display) and not re.fullmatch(_ADDRESS, display):
            return untagged(" ".join(display.split()))
        found = self.find(pointer)
        if found and found.title:
            return found.title if self.kind_of(pointer) in _PEOPLE else _dated(found)
        return self._unnamed(pointer)

    def kind_of(self, pointer: object) -> str | None:
        """The resource type it points at, as far as it says."""
        if (inner := self.contained(pointer)) is not None:
            return read.text(inner.get("resourceType"))
        address = read.reference(pointer)
        if address:
            return address.partition("/")[0]
        return read.text(pointer.get("type")) if isinstance(pointer, dict) else None

    def _unnamed(self, pointer: Node) -> str | None:
        identifier = pointer.get("identifier")
        if isinstance(identifier, dict) and (number := read.text(identifier.get("value"))):
            return number
        address = read.reference(pointer) or read.text(pointer.get("reference"))
        if address is None:
            return None
        if address.startswith("Patient/"):
            return "the patient"
        if address.startswith("#"):
            inner = self.contained(pointer)
            return type_words(str(inner.get("resourceType"))) if inner else None
        return f"{address} (no name given)"

    def _by_urn(self, pointer: object) -> str | None:
        """`urn:uuid:…`, by which Bundles name their entries: whatever type has this id (Synthea)."""
        spelled = pointer.get("reference") if isinstance(pointer, dict) else None
        if isinstance(spelled, str) and spelled.startswith("urn:uuid:"):
            return f"*/{spelled[9:]}"
        return None

    # ── values ────────────────────────────────────────────────────────────────────────────────────

    def words(self, value: object) -> str | None:
        """Any value in words; a list joined by commas. None when it says nothing, or has parts of its own."""
        if isinstance(value, list):
            found = [words for one in value if (words := self.words(one))]
            return ", ".join(dict.fromkeys(found)) or None
        if isinstance(value, bool):
            return "yes" if value else "no"
        if not isinstance(value, dict):
            words = read.text(value)
            return date_words(words) if words and is_date(words) else words
        for shape in _SHAPES:
            if words := shape(self, value):
                return words
        return None


def concept_words(value: object) -> str | None:
    """A CodeableConcept or Coding in words; a code alone in the words of its code system."""
    words = words_of(value)
    if words is None or not isinstance(value, dict):
        return words
    if isinstance(value.get("text"), str) and len(value["text"]) > 290:
        words = value["text"].strip()
    for one in read.codings(value):
        if one.code and words.casefold() == one.code.casefold():
            return codes.of_system(one.system, one.code) or codes.spelled(words)
    return untagged(words)


def untagged(words: str) -> str:
    """The name of a concept without SNOMED CT's semantic tag at its end: `(procedure)`, `(disorder)`."""
    from phr.views.fields.titles import plain

    return plain(words) if _TAGGED.search(words) else words


_TAGGED = re.compile(r" \([a-z][a-z /-]+\)$")


def annotation_words(value: Node, say: Saying) -> str | None:
    """An Annotation: its text, who wrote it and when."""
    text = read.text(value.get("text"))
    if text is None:
        return None
    who = read.text(value.get("authorString")) or say.named(value.get("authorReference"))
    told = ", ".join(word for word in (who, date_words(value.get("time"))) if word)
    return f"{text} ({told})" if told else text


def type_words(type_: str) -> str:
    """`MedicationRequest` as `medication request`."""
    return re.sub("(?<=[a-z])(?=[A-Z])", " ", type_).lower()


def _dated(found: Found) -> str:
    value = f": {found.value}" if found.value else ""
    date, title = (date_words(found.date) or "")[:10], untagged(found.title or "")
    return f"{title}{value} ({date})" if date else f"{title}{value}"


def _called(inner: Node, say: Saying) -> str | None:
    """What a contained resource is called."""
    if inner.get("resourceType") == "PractitionerRole":
        return say.named(inner.get("practitioner")) or concept_words(read.first(inner.get("code")))
    if name := read.human_name(inner.get("name")) if "name" in inner else None:
        return name
    for element in (
        "code",
        "title",
        "description",
        "type",
        "vaccineCode",
        "medicationCodeableConcept",
        "valueString",
    ):
        if words := concept_words(read.first(inner.get(element))):
            return words
    ingredients = [
        concept_words(one.get("itemCodeableConcept")) for one in read.dicts(inner.get("ingredient"))
    ]
    return " / ".join(word for word in ingredients if word) or None


def _reference(say: Saying, value: Node) -> str | None:
    if not isinstance(value.get("reference"), str | None) or "value" in value:
        return None
    if (
        "reference" in value
        or ("display" in value and "code" not in value)
        or set(value) <= {"identifier", "type"}
    ):
        return say.named(value)
    return None


def _concept(say: Saying, value: Node) -> str | None:
    if "coding" in value or set(value) <= {"text", "id", "extension"}:
        return concept_words(value)
    if "code" in value and "value" not in value and set(value) <= _CODING:
        return concept_words(value)
    return None


_CODING = {"system", "code", "display", "version", "userSelected", "id", "extension"}


def _quantity(say: Saying, value: Node) -> str | None:
    return amounts.quantity_words(value) if set(value) <= _QUANTITY else None


_QUANTITY = {"value", "unit", "system", "code", "comparator", "currency", "id", "extension"}


def _span(say: Saying, value: Node) -> str | None:
    return period_words(value) if set(value) <= {"start", "end", "id", "extension"} else None


def _range(say: Saying, value: Node) -> str | None:
    return amounts.range_words(value) if set(value) <= {"low", "high", "id", "extension"} else None


def _ratio(say: Saying, value: Node) -> str | None:
    return (
        amounts.ratio_words(value) if set(value) <= {"numerator", "denominator", "id", "extension"} else None
    )


def _name(say: Saying, value: Node) -> str | None:
    return read.human_name(value) if {"family", "given"} & set(value) else None


def _address(say: Saying, value: Node) -> str | None:
    if not {"line", "city", "postalCode"} & set(value):
        return None
    parts = [*read.listed(value.get("line"))]
    parts += [value.get(key) for key in ("city", "district", "state", "postalCode", "country")]
    words = [word for part in parts if (word := read.text(part))]
    return ", ".join(words) or read.text(value.get("text"))


def _contact(say: Saying, value: Node) -> str | None:
    if "value" not in value or value.get("system") not in (
        "phone",
        "fax",
        "email",
        "pager",
        "url",
        "sms",
        "other",
    ):
        return None
    system = value["system"]
    kind = ", ".join(str(word) for word in (system if system != "phone" else None, value.get("use")) if word)
    return f"{read.text(value['value'])} ({kind})" if kind else read.text(value["value"])


def _identifier(say: Saying, value: Node) -> str | None:
    if "value" not in value or not set(value) <= _IDENTIFIER:
        return None
    number, kind = read.text(value["value"]), concept_words(value.get("type"))
    return f"{number} ({kind})" if number and kind and not number.startswith("urn:") else number


_IDENTIFIER = {"use", "type", "system", "value", "period", "assigner", "id", "extension"}


def _timing(say: Saying, value: Node) -> str | None:
    return timing_words(value) if set(value) <= {"repeat", "code", "event", "id", "extension"} else None


def _annotation(say: Saying, value: Node) -> str | None:
    told = {"text", "time", "authorString", "authorReference", "id", "extension"}
    return annotation_words(value, say) if "text" in value and set(value) <= told else None


def _attachment(say: Saying, value: Node) -> str | None:
    if not {"contentType", "url", "data"} & set(value):
        return None
    title, kind = read.text(value.get("title")), read.text(value.get("contentType"))
    size = read.text(value.get("size"))
    made = date_words(value.get("creation"))
    told = [kind, f"{size} bytes" if size else None, made]
    words = ", ".join(word for word in told if word)
    return f"{title} ({words})" if title and words else title or words or None


def _sampled(say: Saying, value: Node) -> str | None:
    return "a recorded curve" if "origin" in value and "dimensions" in value else None


_SHAPES = (
    _quantity, _concept, _reference, _span, _range, _ratio, _timing, _annotation, _name, _address, _contact,
    _identifier, _attachment, _sampled,
)  # fmt: skip
