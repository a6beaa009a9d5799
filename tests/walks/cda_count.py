"""What a C-CDA document states, counted by XPath alone: nothing of the reader under test is used here.

A statement is looked for among the resources by what it says: one of its codes (or its words), its date, its value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from lxml import etree

NS = {"h": "urn:hl7-org:v3", "xsi": "http://www.w3.org/2001/XMLSchema-instance"}
_PREFIXES = {"xsi": NS["xsi"], "sdtc": "urn:hl7-org:sdtc", "voc": "urn:hl7-org:v3/voc"}
_T = "2.16.840.1.113883.10.20.22.4."
_NO_DATA = re.compile(
    r"no (information|[a-z ]*data|[a-z ]*medications)\b.*(about|applicable|recorded).*", re.IGNORECASE
)
"""Words about the record: they state nothing about the person."""
_OLD = "2.16.840.1.113883.10.20.1."
_IHE = "1.3.6.1.4.1.19376.1.5.3.1.4."

_NO_CODES = {"UNK", "UNKNOWN", "NONE", "NI", "NA", "OTH"}
"""What some senders write where they have no code."""
_NOTHING = {"55607006", "410942007", "105590001"}
"""A problem, a drug, a substance: with a negation, or standing for all of them, it says that there is none."""

KINDS: dict[str, tuple[str, tuple[str, ...], str, tuple[str, ...]]] = {
    "allergy": (
        "observation",
        (f"{_T}7", f"{_OLD}18", f"{_IHE}6"),
        "h:participant[@typeCode='CSM']/h:participantRole/h:playingEntity/h:code",
        ("AllergyIntolerance",),
    ),
    "problem": ("observation", (f"{_T}4", f"{_OLD}28", f"{_IHE}5"), "h:value", ("Condition",)),
    "medication": (
        "substanceAdministration",
        (f"{_T}16", f"{_T}42", f"{_OLD}24", f"{_IHE}7"),
        "h:consumable/h:manufacturedProduct/h:manufacturedMaterial/h:code",
        ("MedicationRequest", "MedicationStatement", "MedicationAdministration", "Immunization"),
    ),
    "immunization": (
        "substanceAdministration",
        (f"{_T}52", f"{_IHE}12"),
        "h:consumable/h:manufacturedProduct/h:manufacturedMaterial/h:code",
        ("Immunization",),
    ),
    "procedure": (
        "procedure",
        (f"{_T}14", f"{_OLD}29", f"{_IHE}19"),
        "h:code",
        ("Procedure", "Device", "ServiceRequest"),
    ),
    "encounter": ("encounter", (f"{_T}49", f"{_T}40", f"{_OLD}21", f"{_IHE}14"), "h:code", ("Encounter",)),
    "observation": (
        "observation",
        (f"{_T}2", f"{_T}27", f"{_OLD}31", f"{_IHE}13"),
        "h:code",
        ("Observation",),
    ),
}
"""Kind → element, templates, where its code stands, what it may become."""


@dataclass(frozen=True)
class Statement:
    """One thing that a document says."""

    kind: str
    line: int
    codes: frozenset[str]
    words: str | None = field(repr=False)
    day: str | None = field(repr=False)
    number: Decimal | None = field(repr=False)
    value: str | None = field(repr=False)


def stated(content: bytes) -> list[Statement]:
    """Every allergy, problem, drug, vaccine, procedure, visit and observation with a code or with words."""
    root = _root(content)
    found = []
    for kind, (element, roots, path, _) in KINDS.items():
        for node in root.iter(f"{{urn:hl7-org:v3}}{element}"):
            own = {each.get("root") for each in node.findall("h:templateId", NS)}
            if own.isdisjoint(roots) or (kind == "observation" and _belongs_elsewhere(own)):
                continue
            one = _statement(kind, node, path, root)
            if one is not None:
                found.append(one)
    return found


def _root(content: bytes) -> Any:
    """The document; or the pieces of one, whose prefixes are declared around them."""
    parser = etree.XMLParser(huge_tree=True, resolve_entities=False)
    try:
        root = etree.fromstring(content, parser)
        if root.tag.startswith("{urn:hl7-org:v3}"):
            return root
    except etree.XMLSyntaxError:
        pass
    pieces = re.sub(rb"<\?xml[^>]*\?>", b"", content.removeprefix(b"\xef\xbb\xbf"))
    declared = " ".join(f'xmlns:{prefix}="{name}"' for prefix, name in _PREFIXES.items())
    return etree.fromstring(f'<all xmlns="urn:hl7-org:v3" {declared}>'.encode() + pieces + b"</all>", parser)


def _belongs_elsewhere(own: set[str | None]) -> bool:
    """A result template that stands beside one of another kind."""
    others = {root for kind, (_, roots, _, _) in KINDS.items() if kind != "observation" for root in roots}
    return not own.isdisjoint(others)


def _statement(kind: str, node: Any, path: str, root: Any) -> Statement | None:
    coded = node.find(path, NS)
    codes = frozenset(_codes(coded)) if coded is not None else frozenset()
    words = (_name(coded) or _words(coded, root)) if coded is not None else None
    denied = codes & _NOTHING and (node.get("negationInd") == "true" or kind == "medication")
    if denied or (not codes and (not words or _NO_DATA.fullmatch(words))):
        return None
    number, value = _value(node) if kind == "observation" else (None, None)
    return Statement(kind, node.sourceline or 0, codes, words, _day(node), number, value)


def _codes(coded: Any) -> Iterator[str]:
    for each in (coded, *coded.findall("h:translation", NS)):
        code = (each.get("code") or "").strip()
        if code and not re.search(r"\s", code) and code.upper() not in _NO_CODES:
            yield code


def _name(coded: Any) -> str | None:
    """The name of a substance stands beside its code."""
    entity = coded.getparent()
    name = (
        entity.find("h:name", NS) if entity.tag.endswith(("playingEntity", "manufacturedMaterial")) else None
    )
    return _plain("".join(name.itertext())) or None if name is not None else None


def _words(coded: Any, root: Any) -> str | None:
    original = coded.find("h:originalText", NS)
    if original is None:
        return _plain(coded.get("displayName") or "") or None
    words = _plain("".join(original.itertext()))
    reference = original.find("h:reference", NS)
    if not words and reference is not None:
        target = (reference.get("value") or "").removeprefix("#")
        meant = next((e for e in root.iter() if isinstance(e.tag, str) and e.get("ID") == target), None)
        words = _plain("".join(meant.itertext())) if target and meant is not None else ""
    return words or None


def _plain(words: str) -> str:
    return " ".join(words.split())


def _day(node: Any) -> str | None:
    time = node.find("h:effectiveTime", NS)
    if time is None:
        return None
    low = time.find("h:low", NS)
    said = time.get("value") or (low.get("value") if low is not None else None) or ""
    digits = re.match(r"\d{4,8}", said.strip())
    return digits[0] if digits and not digits[0].startswith("0000") else None


def _value(node: Any) -> tuple[Decimal | None, str | None]:
    value = node.find("h:value", NS)
    if value is None:
        return None, None
    kind = (value.get(f"{{{NS['xsi']}}}type") or "").rpartition(":")[2]
    if kind in ("PQ", "INT", "REAL") and value.get("value"):
        try:
            return Decimal(value.get("value").strip()), None
        except InvalidOperation:
            return None, None
    if kind in ("CD", "CE", "CO") and value.get("code"):
        return None, value.get("code").strip()
    if kind == "ST":
        return None, _plain("".join(value.itertext())) or None
    return None, None


# ── among the resources ───────────────────────────────────────────────────────────────────────────


def missing(statements: Iterable[Statement], resources: list[dict[str, Any]]) -> list[Statement]:
    """The statements that no resource says."""
    by_kind = {
        kind: [_Said(each) for each in resources if each["resourceType"] in types]
        for kind, (_, _, _, types) in KINDS.items()
    }
    return [one for one in statements if not any(said.says(one) for said in by_kind[one.kind])]


class _Said:
    """All that stands in a resource: codes, words, dates, numbers, wherever it stands."""

    def __init__(self, resource: dict[str, Any]) -> None:
        self.codes: set[str] = set()
        self.days: set[str] = set()
        self.numbers: set[Decimal] = set()
        texts: list[str] = []
        open_: list[Any] = [resource]
        while open_:
            node = open_.pop()
            if isinstance(node, dict):
                if isinstance(node.get("code"), str):
                    self.codes.add(node["code"])
                open_.extend(node.values())
            elif isinstance(node, list):
                open_.extend(node)
            elif isinstance(node, str):
                texts.append(_plain(node))
                self.days.add(re.sub(r"\D", "", node[:10]))
            elif isinstance(node, int | float | Decimal) and not isinstance(node, bool):
                self.numbers.add(Decimal(str(node)))
        self.text = "\n".join(texts)

    def says(self, one: Statement) -> bool:
        named = bool(one.codes & self.codes) if one.codes else (one.words or "") in self.text
        dated = one.day is None or any(day.startswith(one.day) for day in self.days)
        counted = one.number is None or one.number in self.numbers
        valued = one.value is None or one.value in self.codes or one.value in self.text
        return named and dated and counted and valued


def same(one: Statement, other: Statement) -> bool:
    """Whether another document's statement says what this one says."""
    alike = {"medication", "immunization"}  # a vaccine among the drugs is written among the vaccines
    kinds = one.kind == other.kind or {one.kind, other.kind} == alike
    named = bool(one.codes & other.codes) if one.codes else (one.words or "") in (other.words or "")
    dated = one.day is None or (other.day or "").startswith(one.day)
    return (
        kinds and named and dated and one.number in (None, other.number) and one.value in (None, other.value)
    )
