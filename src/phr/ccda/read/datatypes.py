"""HL7 v3 data types as FHIR data types: identifiers, codes, quantities, and values of any type.

The other direction of `phr.ccda.datatypes`, through the same tables: the data type page of C-CDA on FHIR and the
CDA R2 data type schema (II, CD, PQ, IVL, RTO, ED). None where there is nothing to say; digits stay as written.
"""

from __future__ import annotations

import base64
import binascii
import re
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from phr.ccda import codes
from phr.ccda.read.identifiers import OID, identifier, identifiers, root_name
from phr.ccda.read.nodes import Node, attr, child, children, is_null, null_flavor, xsi_type
from phr.ccda.read.once import distinct
from phr.ccda.read.people import address, name, telecom, text
from phr.ccda.read.times import moment_or_period, span, when
from phr.ccda.read.units import ucum

if TYPE_CHECKING:
    from phr.ccda.read.reading import Reading

__all__ = [
    "absent", "address", "bounded", "concept", "distinct", "identifier", "identifiers", "measured", "moment_or_period",
    "name", "number", "quantity", "range_", "ratio", "span", "system", "telecom", "text", "value", "when",
]  # fmt: skip

_SYSTEMS = codes.backward(codes.SYSTEMS) | {"2.16.840.1.113883.6.24": "urn:iso:std:iso:11073:10101"}

# ── codes ─────────────────────────────────────────────────────────────────────────────────────────

_NAMED = {
    "loinc": codes.LOINC, "ln": codes.LOINC, "snomedct": codes.SNOMED, "snomed": codes.SNOMED, "sct": codes.SNOMED,
    "rxnorm": codes.RXNORM, "ndc": codes.NDC, "icd10cm": codes.ICD10, "icd10": codes.ICD10, "icd9cm": codes.ICD9,
    "icd9": codes.ICD9, "cpt": codes.CPT, "cpt4": codes.CPT, "hcpcs": codes.HCPCS, "cvx": codes.CVX,
    "unii": codes.UNII, "icd10pcs": codes.ICD10_PCS,
}  # fmt: skip
"""Code systems by the name they are given where the OID is missing (letters and digits only)."""


_URI_NAME = re.compile(r"(https?://|urn:)\S+")
"""A system without an OID is named by its URI (our own documents)."""


def system(node: Node) -> str | None:
    """The URI of a code's system: a known OID, an unknown one as `urn:oid:`, or a well-known name."""
    oid = attr(node, "codeSystem")
    oid = oid.removeprefix("urn:oid:") if oid else None
    if oid is None:
        called = attr(node, "codeSystemName") or ""
        oid = _NAMED.get(re.sub(r"[^a-z0-9]", "", called.lower())) or (
            called if _URI_NAME.match(called) else None
        )
    if oid is None:
        return None
    if oid in _SYSTEMS:
        return _SYSTEMS[oid]
    if OID.fullmatch(oid):
        return f"urn:oid:{oid}"
    return oid if re.fullmatch(r"[a-z][a-z0-9+.-]*:\S+", oid, re.IGNORECASE) else root_name(oid)


def coding(node: Node) -> dict[str, Any] | None:
    """The code of one CD, without its translations."""
    code = " ".join((attr(node, "code") or "").split())
    if not code:
        return None
    found = {
        "system": system(node),
        "version": attr(node, "codeSystemVersion"),
        "code": code,
        "display": attr(node, "displayName"),
    }
    return {key: kept for key, kept in found.items() if kept}


def concept(node: Node | None, reading: Reading | None = None) -> dict[str, Any] | None:
    """A CD as CodeableConcept: the code, its translations, and the words of the source."""
    if node is None:
        return None
    said = (coding(each) for each in (node, *node.iterfind(".//translation")))
    codings = distinct(one for one in said if one is not None)
    words = original(node, reading) or _said(node)
    words = _with_qualifiers(node, words or (codings[0].get("display") if codings else None))
    found = {"coding": codings, "text": words}
    return {key: kept for key, kept in found.items() if kept} or None


def original(node: Node, reading: Reading | None = None) -> str | None:
    """The originalText of a code, in place or where its reference points."""
    said = child(node, "originalText")
    if said is None:
        said = next((one for one in node.iterfind(".//translation/originalText") if text(one)), None)
        if attr(node, "code"):  # then the words belong to the translation, not to the concept
            return None
    pointer = attr(child(said, "reference"), "value")
    resolved = reading.resolve(pointer) if reading is not None and pointer else None
    return resolved or text(said)


def _said(node: Node) -> str | None:
    """The display of a concept that has no code of its own, or the words some write inside."""
    for each in (node, *children(node, "translation")):
        if (words := attr(each, "displayName")) is not None:
            return words
    return text(node) if not len(node) else None


def _with_qualifiers(node: Node, words: str | None) -> str | None:
    """A post-coordinated code: FHIR has no place for its qualifiers but the text (HL7 v3 CR)."""
    values = (child(each, "value") for each in children(node, "qualifier"))
    said = [found for each in values if (found := attr(each, "displayName") or attr(each, "code"))]
    return f"{words or ''} ({', '.join(said)})".strip() if said else words


# ── quantities ────────────────────────────────────────────────────────────────────────────────────


def number(written: str | None) -> Decimal | None:
    """A number with its digits as written; None if it is none."""
    if written is None or len(written) > 100:
        return None
    plain = written.strip()
    if re.fullmatch(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?", plain):
        plain = plain.replace(",", "")
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?", plain):
        return None
    try:
        return Decimal(plain)
    except InvalidOperation:
        return None


def quantity(node: Node | None) -> dict[str, Any] | None:
    """A PQ as Quantity: with UCUM code when its unit is UCUM, else with the unit in words. One without a number of
    its own may have it in a translation (PQR), in a unit that UCUM does not know."""
    written = attr(node, "value")
    if node is None:
        return None
    said = _translated(node)
    if written is None:
        return quantity(said) if said is not None else None
    sign = re.match(r"[<>]=?", written)
    amount = number(written[sign.end() :] if sign else written)
    if amount is None:
        return None
    found: dict[str, Any] = {"value": amount}
    if sign:
        found["comparator"] = sign[0]
    words = _own_unit(node) or _own_unit(said)
    return found | (_unit(attr(node, "unit")) or ({"unit": words} if words else {}))


def _translated(node: Node) -> Node | None:
    numbers = (one for one in children(node, "translation") if number(attr(one, "value")) is not None)
    return next(numbers, None)


def _own_unit(said: Node | None) -> str | None:
    """The unit of a translation (PQR): a code of any system, and its words."""
    if said is None or said.tag != "translation":
        return None
    words = text(child(said, "originalText")) or attr(said, "displayName")
    return words or attr(said, "unit") or attr(said, "code")


def _unit(unit: str | None) -> dict[str, Any]:
    if unit is None:
        return {}
    code = ucum(unit)
    if code is None:
        return {"unit": unit}
    return {"unit": unit, "system": "http://unitsofmeasure.org", "code": code}


def measured(node: Node | None) -> str | None:
    """What stands where a number should: "1 to 2 tablets", "120,5 10*3/uL", in words."""
    written = attr(node, "value")
    return " ".join(filter(None, (written, attr(node, "unit")))) if written else None


def range_(node: Node | None) -> dict[str, Any] | None:
    """An IVL_PQ as Range; either end may be missing. Its unit may stand on one end only."""
    ends = {side: quantity(child(node, side)) for side in ("low", "high")}
    found = {side: end for side, end in ends.items() if end is not None}
    return found or None


def bounded(node: Node | None) -> dict[str, Any] | None:
    """An IVL_PQ with one end as Quantity with comparator: `<5` is a `high` that is not included."""
    low, high = child(node, "low"), child(node, "high")
    for end, other, open_, closed in ((high, low, "<", "<="), (low, high, ">", ">=")):
        found = quantity(end)
        if found is not None and quantity(other) is None:
            included = (attr(end, "inclusive") or "true").lower() not in ("false", "0")
            return {"value": found.pop("value"), "comparator": closed if included else open_} | found
    return None


def ratio(node: Node | None) -> dict[str, Any] | None:
    """An RTO as Ratio."""
    ends = {side: quantity(child(node, side)) for side in ("numerator", "denominator")}
    return {side: end for side, end in ends.items() if end is not None} if all(ends.values()) else None


# ── values of any type ────────────────────────────────────────────────────────────────────────────

_ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
_REASONS = {
    "NI": "unknown", "UNK": "unknown", "NP": "unknown", "OTH": "unsupported", "TRC": "unsupported", "MSK": "masked",
    "NA": "not-applicable", "ASKU": "asked-unknown", "NAV": "temp-unknown", "NASK": "not-asked",
    "NINF": "negative-infinity", "PINF": "positive-infinity", "QS": "unsupported",
}  # fmt: skip
"""NullFlavor to data-absent-reason, the way back of C-CDA on FHIR."""


def absent(node: Node | None) -> dict[str, Any]:
    """Why a value is not there."""
    reason = _REASONS.get(null_flavor(node) or "", "unknown")
    return {"coding": [{"system": _ABSENT, "code": reason}]}


def value(node: Node | None, reading: Reading | None, stem: str = "value") -> dict[str, Any]:
    """A value of any type (ANY) under its FHIR name; a null one says why it is absent; nothing for nothing."""
    if node is None:
        return {}
    kind = xsi_type(node) or _guessed(node)
    found = _typed(node, kind.upper(), reading)
    if found is not None:
        suffix, what = found
        return {f"{stem}{suffix}": what}
    words = _words(node, reading) or measured(node) or attr(node, "displayName")
    if words:
        return {f"{stem}String": words}
    return {"dataAbsentReason": absent(node)} if null_flavor(node) or is_null(node) else {}


def _typed(node: Node, kind: str, reading: Reading | None) -> tuple[str, Any] | None:
    kind = kind.partition("_")[0] if kind.startswith(("RTO", "PIVL", "EIVL", "SXCM")) else kind
    found: Any = None
    suffix = ""
    if kind in ("PQ", "REAL", "MO", "SXCM"):
        suffix, found = "Quantity", quantity(node)
    elif kind in ("IVL_PQ", "IVL_REAL", "IVL_INT"):
        return _interval(node)
    elif kind in ("CD", "CE", "CV", "CO", "CS", "SC", "CR", "EQ"):
        suffix, found = "CodeableConcept", concept(node, reading)
    elif kind == "INT":
        whole = number(attr(node, "value"))
        small = whole is not None and whole == whole.to_integral_value() and abs(whole) < 2**31
        suffix, found = (
            ("Integer", int(whole)) if small and whole is not None else ("Quantity", quantity(node))
        )
    elif kind == "BL":
        said = (attr(node, "value") or "").lower()
        suffix, found = (
            "Boolean",
            True if said in ("true", "1") else False if said in ("false", "0") else None,
        )
    elif kind == "RTO":
        suffix, found = "Ratio", ratio(node)
    elif kind == "TS":
        suffix, found = "DateTime", when(node)
    elif kind in ("IVL_TS", "PIVL", "EIVL"):
        return next(((key, what) for key, what in moment_or_period(node, "").items()), None)
    elif kind == "II":
        one = identifier(node)
        suffix, found = "String", one.get("value") if one else None
    return None if found is None else (suffix, found)


def _interval(node: Node) -> tuple[str, Any] | None:
    both = range_(node)
    if both is None:
        single = quantity(node) or quantity(child(node, "center"))
        return ("Quantity", single) if single else None
    if len(both) == 1:
        return "Quantity", bounded(node)
    return ("Quantity", both["low"]) if both["low"] == both["high"] else ("Range", both)


def _guessed(node: Node) -> str:
    """The type of a value that does not say it: by what stands in it."""
    if attr(node, "code") or attr(node, "codeSystem") or child(node, "translation") is not None:
        return "PQ" if attr(node, "unit") else "CD"
    written = attr(node, "value")
    if child(node, "numerator") is not None:
        return "RTO"
    if child(node, "low") is not None or child(node, "high") is not None:
        ends = [attr(child(node, side), "value") or "" for side in ("low", "high")]
        return "IVL_TS" if any(re.match(r"(19|20)\d{6}", end) for end in ends) else "IVL_PQ"
    if written is None:
        return "CD" if attr(node, "displayName") or null_flavor(node) else "ST"
    if written.lower() in ("true", "false"):
        return "BL"
    return "PQ" if number(written) is not None else "ST"


def _words(node: Node, reading: Reading | None) -> str | None:
    """The text of an ST or ED: in place, behind its reference, or in base64."""
    pointer = attr(child(node, "reference"), "value")
    resolved = reading.resolve(pointer) if reading is not None and pointer else None
    if resolved:
        return resolved
    written = text(node)
    if (attr(node, "representation") or "").upper() != "B64" or written is None:
        return written
    if not (attr(node, "mediaType") or "").startswith("text/"):
        return None
    try:
        return (
            base64.b64decode(written.replace(" ", ""), validate=True).decode("utf-8", "replace").strip()
            or None
        )
    except binascii.Error:
        return written
