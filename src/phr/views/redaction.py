"""A resource without what would tell a secret: references, narratives beside them, attachments. Pure.

Numbers keep the digits that they were sent with; the layout of such a resource is lost, and nothing else that is not named
in `redacted`.
"""

from __future__ import annotations

import base64
import binascii
import json
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import msgspec

from phr.fhir import read
from phr.views.phrases import NO_NAMES, NO_SIEVE, Names, Sieve
from phr.views.places import NO_PLACES, Place, Places, identified

_WORDS_BESIDE = {
    "DiagnosticReport": ("conclusion", "conclusionCode", "presentedForm"),
    "ClinicalImpression": ("summary",),
}
"""By type what tells in words what its references lead to."""
_LOOKED_AT = 4_000_000
"""Bytes of a document that are looked through for words."""
_NO_ADDRESS = frozenset(("div", "data"))


@dataclass(frozen=True, slots=True)
class Secrets:
    """What must not be told."""

    targets: frozenset[Place] = frozenset()
    names: Names = NO_NAMES
    codes: tuple[bytes, ...] = ()
    """As JSON strings: `"E88.01"`."""
    documents: frozenset[bytes] = frozenset()
    """SHA-256 of the bytes."""
    urls: frozenset[tuple[int, str]] = frozenset()
    places: Places = NO_PLACES
    sieve: Sieve = NO_SIEVE
    """Lets through every text that has one of the names."""

    def leads(self, source: int, address: str) -> bool:
        """Whether an address that stands in this source leads to a secret."""
        return any(place in self.targets for place in self.places.meant(source, address))

    def named(self, text: str) -> bool:
        """Whether one of the names stands in a text, as words of its own."""
        return self.names.told_in(text)

    def coded(self, raw: bytes) -> bool:
        """Whether one of the codes stands in a resource."""
        return any(code in raw for code in self.codes)

    def named_in(self, content: bytes) -> bool:
        """The same of bytes that may be a text."""
        text = decoded(content)
        return self.sieve.lets(text.encode("utf-8", "replace")) and self.named(text)

    def __repr__(self) -> str:
        return f"<Secrets {len(self.targets)}>"


NO_SECRETS = Secrets()


def decoded(content: bytes) -> str:
    """Bytes as the text that they may be: UTF-8, or UTF-16 where they begin like that."""
    content = bytes(content[:_LOOKED_AT])
    coding = "utf-16" if content[:2] in (BOM_UTF16_LE, BOM_UTF16_BE) else "utf-8"
    return content.decode(coding, "ignore")


def identifiers(source: int, value: object) -> Iterator[Place]:
    """Identifiers, as a logical reference names them."""
    for one in read.dicts(value):
        if isinstance(one.get("value"), str):
            yield identified(source, f"{one.get('system') or ''}|{one['value']}")


def references(source: int, value: object, places: Places) -> Iterator[Place]:
    """What each Reference in a value may mean."""
    open_ = [value]
    while open_:
        node = open_.pop()
        if isinstance(node, dict):
            if isinstance(node.get("reference"), str):
                yield from places.meant(source, node["reference"])
            if "resourceType" not in node and isinstance(node.get("identifier"), dict):
                yield from identifiers(source, node["identifier"])
            open_.extend(node.values())
        elif isinstance(node, list):
            open_.extend(node)


def handed(raw: bytes, source: int, secrets: Secrets) -> bytes:
    """The bytes of a resource without what tells a secret; the very same bytes where there is nothing."""
    try:
        body = json.loads(
            raw, parse_float=lambda digits: msgspec.Raw(digits.encode()), parse_constant=lambda _: None
        )
    except (ValueError, RecursionError):
        body = read.parse_json(raw)
    if not isinstance(body, dict):
        return raw
    after = redacted(body, source, secrets)
    return raw if after is body else msgspec.json.encode(after)


def redacted(body: dict[str, Any], source: int, secrets: Secrets) -> dict[str, Any]:
    """A resource without its references to what is secret, and without the words beside them.

    The very same object where nothing had to go.
    """
    return looked_at(body, source, secrets)[0]


def looked_at(body: dict[str, Any], source: int, secrets: Secrets) -> tuple[dict[str, Any], bool]:
    """The same, and whether it led to a secret by an address."""
    cut = _Cut(source, secrets)
    after = cut.resource(body)
    return (after if cut.done else body), cut.addressed


class _Cut:
    """One resource on its way."""

    def __init__(self, source: int, secrets: Secrets) -> None:
        self._source = source
        self._secrets = secrets
        self.done = False
        self.addressed = False
        self._led = False

    def resource(self, body: dict[str, Any]) -> dict[str, Any]:
        """The resource itself, or one that it contains."""
        found: dict[str, Any] = {}
        self._led, before = False, self._led
        for name, value in body.items():
            kept = self._value(value)
            if kept is not None:
                found[name] = kept
        if self._led:
            for name in ("text", *_WORDS_BESIDE.get(str(body.get("resourceType")), ())):
                found.pop(name, None)
        elif "text" in found and self._tells(found["text"]):
            del found["text"]
            self.done = True
        self._led = self._led or before
        return found

    def _value(self, value: object) -> Any:
        if isinstance(value, list):
            kept = [one for each in value if (one := self._value(each)) is not None]
            return kept if kept or not value else None
        if isinstance(value, str):
            return self._text(value)
        if not isinstance(value, dict):
            return value
        if self._leads(value) or self._encloses(value):
            self.done = self._led = True
            return None
        if isinstance(value.get("resourceType"), str):
            return self.resource(value)
        return self._element(value)

    def _text(self, value: str) -> str | None:
        """A text that is nothing but the address of a secret, such as a `uri` in a list, goes."""
        if not self._is_address(value):
            return value
        self.done = self._led = self.addressed = True
        return None

    def _element(self, value: dict[str, Any]) -> dict[str, Any] | None:
        """An element without what leads to a secret. One that was made to lead there goes as a whole."""
        found: dict[str, Any] = {}
        for name, each in value.items():
            if isinstance(each, dict) and (self._leads(each) or self._encloses(each)):
                self.done = self._led = True
                return None
            kept = self._value(each)
            if kept is not None:
                found[name] = kept
        if "div" in found and self._tells(found):
            self.done = True
            return None
        return found if found or not value else None

    def _leads(self, node: dict[str, Any]) -> bool:
        """An element that has the address of a secret, in a Reference or a `uri`; one of mere words (`display`) that
        name it."""
        if "resourceType" in node:
            return False
        identifier = node.get("identifier")
        if any(self._is_address(value) for name, value in node.items() if name not in _NO_ADDRESS) or any(
            place in self._secrets.targets
            for place in identifiers(self._source, identifier if isinstance(identifier, dict) else None)
        ):
            self.addressed = True
            return True
        display = node.get("display")
        return (
            isinstance(display, str) and node.keys() <= {"display", "type"} and self._secrets.named(display)
        )

    def _is_address(self, value: object) -> bool:
        return (
            isinstance(value, str)
            and ("/" in value or "?" in value or value.startswith("urn:"))
            and self._secrets.leads(self._source, value)
        )

    def _encloses(self, node: dict[str, Any]) -> bool:
        """An Attachment with one of the documents, or with its address."""
        url, data = node.get("url"), node.get("data")
        if isinstance(url, str) and (self._source, url) in self._secrets.urls:
            return True
        if not isinstance(data, str) or "resourceType" in node:
            return False
        try:
            content = base64.b64decode(data, validate=False)
        except (binascii.Error, ValueError):
            return False
        return sha256(content).digest() in self._secrets.documents or self._secrets.named_in(content)

    def _tells(self, narrative: object) -> bool:
        div = narrative.get("div") if isinstance(narrative, dict) else None
        return isinstance(div, str) and self._secrets.named(div)
