"""What stands in a cell: a date, a number, a range, a flag. Nothing is guessed; None is what cannot be told."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from phr.ccda import codes, measures

_HL7 = "http://terminology.hl7.org/CodeSystem"
INTERPRETATIONS = f"{_HL7}/v3-ObservationInterpretation"
UCUM = "http://unitsofmeasure.org"
SYSTEMS = {
    "loinc": "http://loinc.org",
    "snomed": "http://snomed.info/sct",
    "rxnorm": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "ndc": "http://hl7.org/fhir/sid/ndc",
    "icd-10": "http://hl7.org/fhir/sid/icd-10-cm",
    "icd-10-cm": "http://hl7.org/fhir/sid/icd-10-cm",
    "icd-10-who": "http://hl7.org/fhir/sid/icd-10",
    "icd-9": "http://hl7.org/fhir/sid/icd-9-cm",
    "icd-10-pcs": "http://www.cms.gov/Medicare/Coding/ICD10",
    "cpt": "http://www.ama-assn.org/go/cpt",
    "hcpcs": "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
    "cvx": "http://hl7.org/fhir/sid/cvx",
    "atc": "http://www.whocc.no/atc",
    "unii": "http://fdasis.nlm.nih.gov",
}
"""Code systems by the names that people write; a URI may be written as it is."""
_FLAGS = {
    "h": "H", "high": "H", "above": "H", "l": "L", "low": "L", "below": "L", "hh": "HH", "critical high": "HH",
    "ll": "LL", "critical low": "LL", "n": "N", "normal": "N", "in range": "N", "a": "A", "abnormal": "A",
    "aa": "AA", "critical": "AA", "critical abnormal": "AA", "pos": "POS", "positive": "POS", "neg": "NEG",
    "negative": "NEG", "ind": "IND", "indeterminate": "IND", "nd": "ND", "not detected": "ND", "det": "DET",
    "detected": "DET", "s": "S", "susceptible": "S", "r": "R", "resistant": "R", "i": "I", "intermediate": "I",
}  # fmt: skip
_TOKENS = (
    ("YYYY", "%Y"), ("YY", "%y"), ("MMMM", "%B"), ("MMM", "%b"), ("MM", "%m"), ("DD", "%d"), ("HH", "%H"),
    ("hh", "%I"), ("mm", "%M"), ("ss", "%S"), ("AM", "%p"),
)  # fmt: skip
_TOKEN = re.compile("|".join(token for token, _ in _TOKENS))
_ISO = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[T ](\d\d:\d\d)(:\d\d(?:\.\d+)?)?\s?(Z|[+-]\d\d:?\d\d)?)?)?)?", re.ASCII
)
_NUMBER = re.compile(r"([<>≤≥]=?|=<|=>)?\s*([+-]?\d+(?:\.\d+)?)(?:\s*([^\s\d].*))?", re.ASCII)
_BETWEEN = re.compile(
    r"[(\[]?\s*([+-]?[\d.,]+)\s*(?:-|–|—|to|\.\.)\s*([+-]?[\d.,]+)\s*[)\]]?(?:\s*([^\d\s].*))?"
)
_ONE_SIDE = re.compile(r"(<|>|≤|≥|<=|>=|up to|at least)\s*([+-]?[\d.,]+)(?:\s*([^\d\s].*))?", re.IGNORECASE)
_PER = re.compile(r"[A-Za-zµμ\[\]\d*^]{1,20}/[A-Za-zµμ\[\]\d.*^/]{1,20}")
"""Words that can only be a unit."""
_SIGNS = {"≤": "<=", "≥": ">=", "=<": "<=", "=>": ">="}


@lru_cache(maxsize=64)
def strptime_format(pattern: str) -> str:
    """`MM/DD/YYYY hh:mm AM` as `%m/%d/%Y %I:%M %p`; a pattern with % is taken as it is."""
    table = dict(_TOKENS)
    return pattern if "%" in pattern else _TOKEN.sub(lambda found: table[found[0]], pattern)


def when(cell: str, patterns: tuple[str, ...], zone: ZoneInfo | None) -> tuple[str, bool] | None:
    """A FHIR date or dateTime, and whether a time of day had to be left out because no zone is known.

    The patterns of the mapping are tried in their order, then ISO 8601. FHIR R4 (datatypes.html#dateTime) has no
    time without an offset.
    """
    for pattern in patterns:
        spelled = strptime_format(pattern)
        try:
            moment = datetime.strptime(cell, spelled)  # noqa: DTZ007 (the zone is the mapping's)
        except (ValueError, re.error):
            continue
        if "%H" in spelled or "%I" in spelled:
            return _moment(moment, zone)
        if "%d" in spelled or "%j" in spelled:
            return moment.date().isoformat(), False
        return (f"{moment:%Y-%m}" if "%m" in spelled or "%b" in spelled.lower() else f"{moment:%Y}"), False
    return _iso(cell, zone)


def _iso(cell: str, zone: ZoneInfo | None) -> tuple[str, bool] | None:
    found = _ISO.fullmatch(cell)
    if found is None:
        return None
    year, month, day, time, seconds, offset = found.groups()
    try:
        date(int(year), int(month or 1), int(day or 1))
        if time is None:
            return "-".join(filter(None, (year, month, day))), False
        text = f"{year}-{month}-{day}T{time}{seconds or ':00'}"
        if offset:
            return text + (offset if offset == "Z" else f"{offset[:3]}:{offset[-2:]}"), False
        return _moment(datetime.fromisoformat(text), zone)
    except ValueError:
        return None


def _moment(moment: datetime, zone: ZoneInfo | None) -> tuple[str, bool]:
    if zone is not None and moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    if moment.tzinfo is None:
        return moment.date().isoformat(), True
    return moment.isoformat(timespec="seconds"), False


def plain_number(cell: str, decimal: str) -> str:
    """A number's digits with a decimal point and without thousands marks; other words as they are."""
    other = "." if decimal == "," else ","
    grouped = re.sub(rf"(?<=\d){re.escape(other)}(?=\d{{3}}(?:\D|$))", "", cell)
    return grouped.replace(",", ".") if decimal == "," and re.search(r"\d,\d", grouped) else grouped


def number(cell: str, decimal: str) -> Decimal | None:
    """A bare number with the digits that were written."""
    try:
        found = Decimal(plain_number(cell.strip(), decimal))
    except InvalidOperation:
        return None
    return found if found.is_finite() and len(cell) <= 40 else None


def value(cell: str, unit: str | None, decimal: str) -> dict[str, Any]:
    """`value[x]` of an Observation: a Quantity where the cell is a number, else its words."""
    found = _NUMBER.fullmatch(plain_number(cell, decimal)) if len(cell) <= 60 else None
    if found is None or (found[3] and unit):
        return {"valueString": cell}
    sign, digits, said = found.groups()
    if said and unit_code(said) is None and _PER.fullmatch(said) is None:  # `2 plus`, `0 Rh`, `1e5`
        return {"valueString": cell}
    return {
        "valueQuantity": {
            "value": Decimal(digits),
            **({"comparator": _SIGNS.get(sign, sign)} if sign else {}),
            **unit_of(unit or said),
        }
    }


def unit_of(unit: str | None) -> dict[str, Any]:
    """`unit` as it is written, and its UCUM code where that is certain."""
    if not unit:
        return {}
    code = unit_code(unit)
    return {"unit": unit, **({"system": UCUM, "code": code} if code else {})}


def unit_code(unit: str) -> str | None:
    """The UCUM code of a unit as people write it; None where it is not certain."""
    return unit if unit in measures.UCUM else measures.UNITS.get("".join(unit.lower().split()))


def reference_range(text: str, unit: str | None, decimal: str) -> dict[str, Any]:
    """`3.5-5.1`, `<= 5` as far as it can be told; the words stay in any case.

    The bounds of a range are inclusive (FHIR R4, Observation.referenceRange.low, .high): `< 5` has no place but its words.
    """
    found: dict[str, Any] = {}
    if (between := _BETWEEN.fullmatch(text.strip())) is not None:
        found = _bounds(between[1], between[2], unit or between[3], decimal)
    elif (side := _ONE_SIDE.fullmatch(text.strip())) is not None:
        if side[1] in ("<", ">"):
            return {"text": text}
        name = "high" if side[1].lower() in ("≤", "<=", "up to") else "low"
        found = _bounds(
            side[2] if name == "low" else None, side[2] if name == "high" else None, unit or side[3], decimal
        )
    return {**found, "text": text}


def _bounds(low: str | None, high: str | None, unit: str | None, decimal: str) -> dict[str, Any]:
    found = {}
    for name, digits in (("low", low), ("high", high)):
        if digits is not None and (amount := number(digits, decimal)) is not None:
            found[name] = {"value": amount, **unit_of(unit)}
    return found


def interpretation(cell: str) -> dict[str, Any]:
    """A flag beside a result: its code where it is a known one, and its words."""
    code = _FLAGS.get(cell.strip("*() ").lower())
    return {**({"coding": [{"system": INTERPRETATIONS, "code": code}]} if code else {}), "text": cell}


def system(name: str) -> str | None:
    """The URI of a code system by its short name, its URI, or `urn:oid:`; None for a word that means none."""
    low = name.strip().lower().replace("_", "-").replace(" ", "-").removesuffix("-ct")
    if low in SYSTEMS:
        return SYSTEMS[low]
    if low.startswith(("http://", "https://", "urn:")):
        return name.strip()
    known = codes.backward(codes.SYSTEMS).get(low.removeprefix("oid:"))
    return known or SYSTEMS.get(
        {"icd10": "icd-10", "icd10cm": "icd-10", "icd9": "icd-9"}.get(low.replace("-", ""), "")
    )
