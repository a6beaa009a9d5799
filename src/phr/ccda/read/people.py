"""Names, addresses and numbers to call, from C-CDA to FHIR.

The other direction of `phr.ccda.people`: US Realm name, address and telecom (2.16.840.1.113883.10.20.22.5.1, 5.1.1,
5.2) and the HumanName, Address and ContactPoint maps of C-CDA on FHIR. What is null or blank falls away.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from lxml import etree

from phr.ccda.read.nodes import Node, attr, child, children, is_null
from phr.ccda.read.once import distinct
from phr.ccda.read.times import span

# ── words ─────────────────────────────────────────────────────────────────────────────────────────

_BLOCKS = frozenset(
    "td th tr table thead tbody tfoot paragraph list item br caption title text p div li".split()
)
"""Narrative elements that end a word (CDA R2, 4.3.5)."""


def text(node: Node | None) -> str | None:
    """All words inside an element, white space collapsed; None if there are none."""
    if node is None:
        return None
    if not len(node):
        return " ".join((node.text or "").split()) or None
    return " ".join("".join(_pieces(node)).split()) or None


def text_within(node: Node, most: int) -> tuple[str | None, bool]:
    """The first words of an element, and whether these are all."""
    parts: list[str] = []
    length, read = 0, 4 * most  # space that will be collapsed counts too
    for piece in _pieces(node):
        parts.append(piece[: read - length])
        length += len(piece)
        if length > read:
            break
    words = " ".join("".join(parts).split())
    return words[:most] or None, length <= read and len(words) <= most


def _pieces(node: Node) -> Iterator[str]:
    """The text of an element piece by piece, with a space around what ends a word."""
    if node.text:
        yield node.text
    for event, each in etree.iterwalk(node, events=("start", "end")):
        if each is node:
            continue
        if each.tag in _BLOCKS:
            yield " "
        said = each.text if event == "start" else each.tail
        if said:
            yield said


# ── names ─────────────────────────────────────────────────────────────────────────────────────────

_QUALIFIED = {"BR": "maiden", "CL": "nickname"}


def name(node: Node | None) -> dict[str, Any] | None:
    """A PN, ON or EN as HumanName; one without parts keeps its text."""
    if node is None or is_null(node):
        return None
    parts = {tag: _parts(node, tag) for tag in ("prefix", "given", "family", "suffix")}
    written = _loose(node) if any(parts.values()) else text(node)
    if not any(parts.values()) and written is None:
        return None
    found = {
        "use": _name_use(node),
        "text": written,
        "family": " ".join(parts["family"]) or None,
        "given": parts["given"],
        "prefix": parts["prefix"],
        "suffix": parts["suffix"],
        "period": next((each for each in map(span, children(node, "validTime")) if each), None),
    }
    return _kept(found)


def _parts(node: Node, tag: str) -> list[str]:
    return [words for part in children(node, tag) if (words := text(part))]


def _loose(node: Node) -> str | None:
    """Words that stand beside the parts: then the whole reads otherwise than its parts."""
    loose = " ".join([node.text or "", *((part.tail or "") for part in node)]).strip(" ,.;\t\r\n")
    return text(node) if re.search(r"\w", loose) else None


def _name_use(node: Node) -> str | None:
    uses = (attr(node, "use") or "").split()
    qualifiers = {word for part in node for word in (attr(part, "qualifier") or "").split()}
    if "BR" in qualifiers and "L" not in uses and "C" not in uses:
        return "maiden"
    for use in uses:
        if use == "P":
            return "nickname" if "CL" in qualifiers or not qualifiers else "anonymous"
        found = {"L": "usual", "C": "official", "A": "nickname", "ASGN": "usual", "OR": "official"}.get(use)
        if found:
            return found
    # A name that was valid until some time is a former one, even if nobody knows until when.
    return "old" if not uses and child(node, "validTime/high") is not None else None


def name_words(human: dict[str, Any] | None) -> str | None:
    """A HumanName as one reads it."""
    if human is None:
        return None
    if human.get("text"):
        return str(human["text"])
    parts = [*human.get("prefix", ()), *human.get("given", ()), human.get("family", "")]
    whole = " ".join(part for part in parts if part)
    return ", ".join([whole, *human.get("suffix", ())]) if whole else None


_TITLES = frozenset(
    "md do rn np pa phd pharmd dds dmd dr mr mrs ms miss jr sr ii iii lpn crnp facp ma cma".split()
)


def letters(human: dict[str, Any] | None) -> str:
    """A name without titles, initials and order, for comparing."""
    if human is None:
        return ""
    parts = [*human.get("given", ()), human.get("family", "")]
    said = " ".join(part for part in parts if part) or str(human.get("text", ""))
    words = [word for word in re.split(r"[\W_]+", said.casefold().replace(".", "")) if word]
    long = [word for word in words if len(word) > 1 and word not in _TITLES]
    return " ".join(sorted(long or words))


# ── addresses ─────────────────────────────────────────────────────────────────────────────────────

_ADDRESS_USES = {
    "H": "home", "HP": "home", "HV": "home", "WP": "work", "DIR": "work", "PUB": "work", "TMP": "temp", "BAD": "old",
    "OLD": "old",
}  # fmt: skip


def address(node: Node | None) -> dict[str, Any] | None:
    """An AD as Address; one without parts keeps its text."""
    if node is None or is_null(node):
        return None
    lines = [*_parts(node, "streetAddressLine"), *_street(node), *_parts(node, "additionalLocator")]
    parts = {
        "line": lines,
        "city": _one(node, "city"),
        "district": _one(node, "county"),
        "state": _one(node, "state"),
        "postalCode": _one(node, "postalCode"),
        "country": _one(node, "country"),
    }
    written = None if any(parts.values()) else text(node)
    if not any(parts.values()) and written is None:
        return None
    uses = (attr(node, "use") or "").split()
    use = next((_ADDRESS_USES[each] for each in uses if each in _ADDRESS_USES), None)
    kind = "postal" if "PST" in uses else "physical" if "PHYS" in uses else None
    times = [*children(node, "useablePeriod"), *children(node, "usablePeriod")]
    period = next((each for each in map(span, times) if each), None)
    return _kept(
        {
            "use": "billing" if kind == "postal" and use is None else use,
            "type": kind if use else None,
            "text": written,
            **parts,
            "period": period,
        }
    )


def _street(node: Node) -> list[str]:
    """A street in parts: house number and name are one line."""
    names = [*_parts(node, "houseNumber"), *_parts(node, "direction"), *_parts(node, "streetName")]
    return [" ".join(names)] if names else []


def _one(node: Node, tag: str) -> str | None:
    return ", ".join(_parts(node, tag)) or None


# ── numbers to call ───────────────────────────────────────────────────────────────────────────────

_TELECOM_USES = {
    "H": "home", "HP": "home", "HV": "home", "WP": "work", "DIR": "work", "PUB": "work", "AS": "work", "MC": "mobile",
    "PG": "mobile", "TMP": "temp", "BAD": "old", "OLD": "old",
}  # fmt: skip
_SCHEMES = {
    "tel": "phone", "fax": "fax", "x-text-fax": "fax", "mailto": "email", "sms": "sms", "x-text-tel": "phone",
    "http": "url", "https": "url", "ftp": "url", "mllp": "other",
}  # fmt: skip


def telecom(node: Node | None) -> dict[str, Any] | None:
    """A TEL as ContactPoint."""
    value = attr(node, "value")
    if node is None or value is None:
        return None
    scheme, colon, rest = value.partition(":")
    system = _SCHEMES.get(scheme.strip().lower()) if colon else None
    number = value if system in (None, "url") else re.sub(r"^//", "", rest).strip()
    if not re.search(r"\w", number):
        return None
    uses = (attr(node, "use") or "").split()
    use = next((_TELECOM_USES[each] for each in uses if each in _TELECOM_USES), None)
    if "PG" in uses and system in (None, "phone"):
        system = "pager"
    if system is None:
        system = "email" if "@" in number else "phone" if re.search(r"\d{3}", number) else "other"
    period = next((each for each in map(span, children(node, "useablePeriod")) if each), None)
    return _kept({"system": system, "value": number, "use": use, "period": period})


def all_of(
    node: Node | None, tag: str, read: Callable[[Node], dict[str, Any] | None]
) -> list[dict[str, Any]]:
    """Every child of one name that says something, each once."""
    return distinct(value for each in children(node, tag) if (value := read(each)) is not None)


def _kept(elements: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in elements.items() if value not in (None, [], "")}
