"""Resolves what a transaction leaves open: `urn:uuid:` and conditional references (FHIR R4 http.html#trules).

Works on the bytes: only the reference itself is replaced, every other byte of the resource stays.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl

import orjson

from phr.sandbox.load import Draft

log = logging.getLogger(__name__)

# Inside a JSON string every quote has a backslash before it, so this finds members only, never text.
_OPEN = re.compile(
    rb'("(?:reference|url|valueUri|valueUrl)"\s*:\s*)("(?:urn:(?:uuid|oid):|[A-Z][A-Za-z]+\?)(?:[^"\\]|\\.)*")'
)


@dataclass(frozen=True, slots=True)
class Resolved:
    """The drafts with their references resolved, and how many references stayed open."""

    drafts: list[Draft]
    unresolved: int
    merged: int
    """Entries that were not created because `ifNoneExist` found what they describe."""


def resolve(drafts: Iterable[Draft]) -> Resolved:
    """Resolve references among all loaded resources; what nothing matches stays as it is."""
    everything = list(drafts)
    names = _Names(everything)
    kept = [draft for draft in everything if names.created(draft)]
    unresolved = 0
    out = []
    for draft in kept:
        raw, missed = _resolved(draft, names)
        unresolved += missed
        out.append(draft if raw is draft.raw else replace(draft, raw=raw))
    if unresolved:
        log.info("%d references could not be resolved and stay as they are", unresolved)
    return Resolved(out, unresolved, len(everything) - len(kept))


def _resolved(draft: Draft, names: _Names) -> tuple[bytes, int]:
    missed = 0

    def swap(match: re.Match[bytes]) -> bytes:
        nonlocal missed
        found = names.find(str(orjson.loads(match[2])), draft.bundle)
        if found is None:
            missed += 1
            return match[0]
        return match[1] + orjson.dumps(found)

    if b"urn:" not in draft.raw and b"?" not in draft.raw:
        return draft.raw, 0
    raw, count = _OPEN.subn(swap, draft.raw)
    return (raw if count > missed else draft.raw), missed


class _Names:
    """Answers who is meant by a urn or a conditional reference."""

    def __init__(self, drafts: list[Draft]) -> None:
        self._drafts = drafts
        self._by_identifier: dict[str, dict[str, str]] = {}
        self._first: dict[tuple[str, str], Draft] = {}
        self._urns: dict[tuple[int, str], str] = {}
        for draft in drafts:
            if draft.if_none_exist:
                self._first.setdefault((draft.type, draft.if_none_exist), draft)
        for draft in drafts:
            self._name(draft)

    def created(self, draft: Draft) -> bool:
        """False for an entry whose `ifNoneExist` finds an earlier one (a conditional create)."""
        return not draft.if_none_exist or self._first[(draft.type, draft.if_none_exist)] is draft

    def find(self, reference: str, bundle: int) -> str | None:
        """`Type/id` for an open reference, or None."""
        if reference.startswith("urn:"):
            return self._urns.get((bundle, reference)) or self._urns.get((0, reference))
        type_, _, query = reference.partition("?")
        criteria = parse_qsl(query)
        if len(criteria) != 1:
            return None
        name, value = criteria[0]
        if name == "_id":
            return (
                f"{type_}/{value}" if any(d.type == type_ and d.id == value for d in self._drafts) else None
            )
        return self._identified(type_).get(value) if name == "identifier" else None

    def _name(self, draft: Draft) -> None:
        meant = self._first[(draft.type, draft.if_none_exist)] if draft.if_none_exist else draft
        address = f"{meant.type}/{meant.id}"
        for name in (draft.full_url, f"urn:uuid:{draft.id}"):
            if name and name.startswith("urn:"):
                self._urns[(draft.bundle, name)] = address
                self._urns.setdefault((0, name), address)

    def _identified(self, type_: str) -> dict[str, str]:
        if type_ not in self._by_identifier:
            table: dict[str, str] = {}
            for draft in self._drafts:
                if draft.type == type_ and self.created(draft):
                    for token in _identifiers(orjson.loads(draft.raw)):
                        table.setdefault(token, f"{type_}/{draft.id}")
            self._by_identifier[type_] = table
        return self._by_identifier[type_]


def _identifiers(resource: dict[str, Any]) -> Iterable[str]:
    """Each identifier as a search token would write it: `system|value` and `value`."""
    found = resource.get("identifier")
    for identifier in found if isinstance(found, list) else [found]:
        if isinstance(identifier, dict) and isinstance(identifier.get("value"), str):
            yield f"{identifier.get('system') or ''}|{identifier['value']}"
            yield identifier["value"]
