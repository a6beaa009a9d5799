"""A resource without what would tell a secret: references, narratives beside them, attachments. Pure.

Numbers keep the digits that they were sent with; the layout of such a resource is lost, and nothing else that is not named
in `redacted`.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import msgspec

from phr.fhir import read

_WORDS_BESIDE = {
    "DiagnosticReport": ("conclusion", "conclusionCode", "presentedForm"),
    "ClinicalImpression": ("summary",),
}
"""By type what tells in words what its references lead to."""
_BETWEEN = re.compile(r"[\W_]+")
_LOOKED_AT = 4_000_000
"""Bytes of a document that are looked through for words."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """What must not be told."""

    targets: frozenset[tuple[int, str]] = frozenset()
    """`(source, Type/id)` and `(source, urn:uuid:id)`."""
    phrases: tuple[str, ...] = ()
    """As `plain` writes them."""
    codes: tuple[bytes, ...] = ()
    """As JSON strings: `"E88.01"`."""
    documents: frozenset[bytes] = frozenset()
    """SHA-256 of the bytes."""
    urls: frozenset[tuple[int, str]] = frozenset()

    def named(self, text: str) -> bool:
        """Whether one of the phrases stands in a text, as words of its own."""
        if not text or not self.phrases:
            return False
        words = f" {plain(text)} "
        return any(f" {phrase} " in words for phrase in self.phrases)

    def coded(self, raw: bytes) -> bool:
        """Whether one of the codes stands in a resource."""
        return any(code in raw for code in self.codes)

    def named_in(self, content: bytes) -> bool:
        """The same of bytes that may be a text."""
        return self.named(bytes(content[:_LOOKED_AT]).decode("utf-8", "ignore"))

    def __repr__(self) -> str:
        return f"<Secrets {len(self.targets)}>"


NO_SECRETS = Secrets()


def plain(text: str) -> str:
    """Words alone, so that hyphens, case and layout make no difference."""
    return _BETWEEN.sub(" ", text.casefold()).strip()


def identifiers(value: object) -> Iterator[str]:
    """`system|value` of Identifiers."""
    for one in read.dicts(value):
        if isinstance(one.get("value"), str):
            yield f"{one.get('system') or ''}|{one['value']}"


def references(value: object) -> Iterator[str]:
    """`Type/id` or `urn:uuid:…` of each Reference in a value, and `system|value` of logical ones."""
    open_ = [value]
    while open_:
        node = open_.pop()
        if isinstance(node, dict):
            yield from _targets(node)
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
    cut = _Cut(source, secrets)
    after = cut.resource(body)
    return after if cut.done else body


class _Cut:
    """One resource on its way."""

    def __init__(self, source: int, secrets: Secrets) -> None:
        self._source = source
        self._secrets = secrets
        self.done = False
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
        if not isinstance(value, dict):
            return value
        if self._leads(value) or self._encloses(value):
            self.done = self._led = True
            return None
        if isinstance(value.get("resourceType"), str):
            return self.resource(value)
        return self._element(value)

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
        """A Reference to a secret; one of mere words (`display`) that name it."""
        if any((self._source, target) in self._secrets.targets for target in _targets(node)):
            return True
        display = node.get("display")
        return (
            isinstance(display, str) and node.keys() <= {"display", "type"} and self._secrets.named(display)
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
        return isinstance(div, str) and self._secrets.named(re.sub(r"<[^>]*>", " ", div))


def _targets(node: dict[str, Any]) -> Iterator[str]:
    """Where a Reference leads: by address, by condition (FHIR R4 3.1.0.7.1), by identifier."""
    text, identifier = node.get("reference"), node.get("identifier")
    if isinstance(text, str):
        if text.startswith("urn:uuid:"):
            yield text
        elif "?identifier=" in text:
            yield text.partition("?identifier=")[2]
        else:
            yield read.reference(node) or text
    if isinstance(identifier, dict) and "resourceType" not in node:
        yield from identifiers(identifier)
