"""FHIR data types as HL7 v3 data types: times, identifiers, codes, quantities.

Follows the data type page of C-CDA on FHIR and the CDA R2 data type schema (TS, II, CD, PQ). Whatever cannot
be said in the target type is said by a nullFlavor and the source's own words.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from phr.ccda import codes, measures
from phr.ccda.bundle import Entry, is_uuid, name_uuid, part_uuid
from phr.ccda.xml import Element, clean, el, null
from phr.fhir import dates
from phr.fhir.read import codings, concept_text, first, listed, text
from phr.model import Code

# ── times ─────────────────────────────────────────────────────────────────────────────────────────

_ZONE = re.compile(r"(?:(Z)|([+-]\d\d):?(\d\d)?)$", re.IGNORECASE)
_LENGTHS = {"year": 4, "month": 6, "day": 8, "minute": 12, "second": 14}


def timestamp(value: object) -> str | None:
    """A FHIR date with the same precision and offset as HL7 v3 TS; None if it is no date."""
    date = dates.parse(value)
    if date is None:
        return None
    if date.precision in ("year", "month", "day"):
        return re.sub(r"\D", "", date.text)[: _LENGTHS[date.precision]]
    digits = re.sub(r"\D", "", date.text[:19])[: _LENGTHS[date.precision]]
    zone = _ZONE.search(date.text[16:])
    if zone is None:
        return digits
    return digits + ("+0000" if zone[1] else f"{zone[2]}{zone[3] or '00'}")


def from_clock(moment: datetime) -> str:
    """A moment of our own clock as TS with offset."""
    aware = moment if moment.tzinfo else moment.astimezone()
    return aware.strftime("%Y%m%d%H%M%S%z")


def at(tag: str, value: object, flavor: str = "UNK", **attributes: str | None) -> Element:
    """A point in time, or why there is none."""
    when = timestamp(value)
    return el(tag, value=when, nullFlavor=None if when else flavor, **attributes)


def maybe_at(tag: str, value: object) -> Element | None:
    """A point in time if there is one."""
    when = timestamp(value)
    return el(tag, value=when) if when else None


def interval(tag: str, start: object, end: object = None, *, xsi_type: str | None = None) -> Element:
    """`low` (UNK if not known) and `high` (left out if not known)."""
    return el(tag, at("low", start), maybe_at("high", end), xsi_type=xsi_type)


def period(value: object) -> tuple[object, object]:
    """Start and end of a Period; a plain date is both."""
    value = first(value)
    if isinstance(value, dict):
        return value.get("start"), value.get("end")
    return value, value


# ── identifiers ───────────────────────────────────────────────────────────────────────────────────

_OID = re.compile(r"[0-2](\.(0|[1-9][0-9]*))+")


def _oid(value: str) -> str | None:
    for prefix in ("urn:oid:", "urn:uuid:", "URN:OID:"):
        value = value.removeprefix(prefix)
    if is_uuid(value):
        return value.upper()  # as CDA writes them (II.root, UUID)
    return value if _OID.fullmatch(value) else None


def identifier(value: object, scope: str) -> Element | None:
    """An Identifier as II; one without a system is unique within `scope` (its server) only."""
    if not isinstance(value, dict):
        return None
    system, number = text(value.get("system")), clean(text(value.get("value")) or "")
    if not number:
        return None
    assigner = value.get("assigner")
    by = clean(text(assigner.get("display")) or "") if isinstance(assigner, dict) else None
    if system is None:
        return el("id", root=name_uuid(scope or "urn:unknown"), extension=number, assigningAuthorityName=by)
    if system == "urn:ietf:rfc:3986":
        root = _oid(number)
        return el(
            "id",
            root=root or codes.URL_IDENTIFIERS,
            extension=None if root else number,
            assigningAuthorityName=by,
        )
    root = codes.IDENTIFIER_SYSTEMS.get(system) or _oid(system)
    if root:
        return el("id", root=root, extension=number, assigningAuthorityName=by)
    joint = ":" if system.startswith("urn:") else "" if system.endswith("/") else "/"
    return el(
        "id", root=codes.URL_IDENTIFIERS, extension=f"{system}{joint}{number}", assigningAuthorityName=by
    )


def ids(entry: Entry) -> list[Element]:
    """The identifiers of a resource; if they do not name it alone, a name-based UUID of where it is comes first."""
    found = [
        element
        for value in listed(entry.resource.get("identifier"))
        if (element := identifier(value, entry.base)) is not None
    ]
    return [el("id", root=entry.uuid()), *found] if entry.shared or not found else found


def part_id(entry: Entry, part: str) -> Element:
    """An id for something that C-CDA counts separately and FHIR does not.

    It is made of the id that the whole has in the document, so that a reader can tell what belongs together.
    """
    whole = ids(entry)[0].attributes
    root, extension = (whole.get("root") or "").lower(), whole.get("extension")
    return el("id", root=part_uuid(f"{root}|{extension}" if extension else root, part))


# ── codes ─────────────────────────────────────────────────────────────────────────────────────────


def system_oid(system: str | None) -> str | None:
    """The OID of a FHIR code system URI; None if it has none that we know."""
    if system is None:
        return None
    known = codes.SYSTEMS.get(system) or codes.SPELLINGS.get(system)
    if known is None and _OID.fullmatch(system.removeprefix("urn:oid:")):
        known = system.removeprefix("urn:oid:")
    return known


def code(tag: str, value: str, system: str, display: str | None = None, *inside: Element) -> Element:
    """A code that we choose ourselves."""
    return el(
        tag,
        *inside,
        code=value,
        displayName=display,
        codeSystem=system,
        codeSystemName=codes.SYSTEM_NAMES.get(system),
    )


def value_code(value: str, system: str, display: str | None = None, *, xsi_type: str = "CD") -> Element:
    """An observation value that we choose ourselves."""
    element = code("value", value, system, display)
    element.attributes = {"xsi:type": xsi_type} | element.attributes
    return element


def coded(
    tag: str,
    concept: object,
    binding: Sequence[str] = (),
    *,
    xsi_type: str | None = None,
    flavor: str = "UNK",
    translations: Sequence[Element] = (),
) -> Element:
    """A CodeableConcept: the coding that fits the binding at the root, all others as translations.

    `binding` are OIDs, best first; empty takes any system that has an OID. Without a fitting coding the root
    says nullFlavor OTH, without any coding `flavor`; the words of the source stand in originalText.
    """
    found = codings(concept)
    root = _root(concept, found, binding)
    words = _words(concept, found if root is None else ())
    others = [_translation(coding) for coding in found if coding is not root]
    return el(
        tag,
        el("originalText", words) if words else None,
        others,
        translations,
        xsi_type=xsi_type,
        code=root.code if root else None,
        displayName=root.display if root else None,
        codeSystem=system_oid(root.system) if root else None,
        codeSystemName=codes.SYSTEM_NAMES.get(system_oid(root.system) or "") if root else None,
        nullFlavor=None if root else "OTH" if others else flavor,
    )


def maybe_coded(tag: str, concept: object, binding: Sequence[str] = (codes.SNOMED,)) -> Element | None:
    """`coded` for what may be missing altogether; a concept in words only keeps them."""
    return coded(tag, concept, binding) if concept_text(concept) else None


def translations(concept: object) -> list[Element]:
    """All codings of a concept, for a code that we choose ourselves."""
    return [_translation(coding) for coding in codings(concept)]


def _words(concept: object, found: Sequence[Code]) -> str | None:
    """The source's own text; a display only where no root carries it."""
    words = text(concept.get("text")) if isinstance(concept, dict) else None
    return words or next((coding.display for coding in found if coding.display), None)


def _codable(coding: Code) -> bool:
    return (
        coding.code is not None
        and not re.search(r"\s", coding.code)
        and system_oid(coding.system) is not None
    )


def _root(concept: object, found: Sequence[Code], binding: Sequence[str]) -> Code | None:
    fitting = [
        coding
        for coding in found
        if _codable(coding) and (not binding or system_oid(coding.system) in binding)
    ]
    if not fitting:
        return None
    chosen = _user_selected(concept)
    return min(
        fitting,
        key=lambda coding: (
            (coding.system, coding.code) not in chosen,
            binding.index(system_oid(coding.system) or "") if binding else 0,
        ),
    )


def _user_selected(concept: object) -> set[tuple[str | None, str | None]]:
    listing = listed(concept.get("coding")) if isinstance(concept, dict) else []
    return {
        (text(coding.get("system")), text(coding.get("code")))
        for coding in listing
        if isinstance(coding, dict) and coding.get("userSelected") is True
    }


def _translation(coding: Code) -> Element:
    """A further coding. A code of a system without an OID keeps its code, and the system as a name.

    CDA wants an OID beside a code, and says of a code without one only that it is not understood. As `originalText`
    with a nullFlavor the code would come back as words: what a source coded and we write has to be the same code when
    it is read again. Only translations are written so; the root is null, and no receiver takes one for the other.
    """
    if _codable(coding):
        return code("translation", coding.code or "", system_oid(coding.system) or "", coding.display)
    if coding.code and coding.system and not re.search(r"\s", coding.code):
        return el("translation", code=coding.code, displayName=coding.display, codeSystemName=coding.system)
    return null("translation", "OTH", el("originalText", coding.display or coding.code))


def has_code(concept: object, wanted: frozenset[str] | set[str]) -> str | None:
    """The first code of a concept that is in the set, whatever its system."""
    return next((coding.code for coding in codings(concept) if coding.code in wanted), None)


def code_in(concept: object, oid: str) -> str | None:
    """The first code of a concept in one code system."""
    return next(iter(codings_in(concept, oid)), None)


def codings_in(concept: object, oid: str) -> list[str]:
    """All codes of a concept in one code system."""
    return [c.code for c in codings(concept) if c.code and _codable(c) and system_oid(c.system) == oid]


# ── quantities ────────────────────────────────────────────────────────────────────────────────────


def number(value: object) -> str | None:
    """A decimal as the schema wants it: digits, no exponent; None if it is no number."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str, Decimal)):
        return None
    try:
        decimal = Decimal(str(value).strip())
    except ArithmeticError:
        return None
    return f"{decimal:f}" if decimal.is_finite() and math.isfinite(float(decimal)) else None


def ucum(quantity: object) -> str | None:
    """The UCUM unit of a Quantity; None if it has none or not one of UCUM."""
    if not isinstance(quantity, dict):
        return None
    unit, symbol = text(quantity.get("unit")), text(quantity.get("code"))
    system = text(quantity.get("system"))
    if system == "http://unitsofmeasure.org" and symbol:
        return None if re.search(r"\s", symbol) else symbol
    for spelling in (
        unit if system else symbol,
        unit,
    ):  # the code of another system is not UCUM, though it may look so
        if spelling:
            known = (
                spelling
                if spelling in measures.UCUM
                else measures.UNITS.get(spelling.lower().replace(" ", ""))
            )
            if known:
                return known
    return None


def quantity(tag: str, value: object, *, xsi_type: str | None = "PQ", flavor: str = "UNK") -> Element:
    """A Quantity as PQ; a unit that is not UCUM stands in a translation, in the source's words."""
    amount = number(value.get("value")) if isinstance(value, dict) else None
    if amount is None:
        return el(tag, xsi_type=xsi_type, nullFlavor=flavor)
    unit = ucum(value)
    words = text(value.get("unit")) or text(value.get("code")) if isinstance(value, dict) else None
    other = null("translation", "OTH", el("originalText", words)) if unit is None and words else None
    if other is not None:
        other.attributes["value"] = amount
    return el(tag, other, xsi_type=xsi_type, value=amount, unit=unit)


def bounds(tag: str, low: object, high: object, *, xsi_type: str | None = "IVL_PQ") -> Element:
    """A Range, either end of which may be missing."""
    return el(
        tag,
        quantity("low", low, xsi_type=None) if _amount(low) else None,
        quantity("high", high, xsi_type=None) if _amount(high) else None,
        xsi_type=xsi_type,
        nullFlavor=None if _amount(low) or _amount(high) else "UNK",
    )


def _amount(value: object) -> bool:
    return isinstance(value, dict) and number(value.get("value")) is not None
