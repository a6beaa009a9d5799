"""Where an address leads, seen from the source in which it stands: to one resource or to one of several. Pure.

A source refers to another one by an absolute address (FHIR R4 2.3.0): the person's own entries do, and files that were
saved from a server.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from phr.fhir import read

Place = tuple[int, str]
"""`(source, Type/id)`; `(0, …)` what means the same everywhere: `urn:…`, and `system|value` of an Identifier."""


@dataclass(frozen=True, slots=True)
class Places:
    """The bases of all sources."""

    bases: Mapping[str, frozenset[int]] = field(default_factory=dict)
    """By base, in small letters and without a slash at its end, the sources that are there."""
    files: frozenset[int] = frozenset()
    """Sources without a server: an address of a server that nobody knows may be in any of them."""

    def meant(self, source: int, text: str) -> Iterator[Place]:
        """What an address in this source may mean."""
        text = text.strip()
        if text.startswith("urn:"):
            yield everywhere(text)
        elif "?" in text:
            asked = unquote(text.partition("?")[2])
            if asked.startswith("identifier="):
                yield identified(source, asked.removeprefix("identifier="))
        elif (address := read.reference(text.partition("#")[0].partition("|")[0])) is not None:
            if "://" not in text:
                yield source, address
                return
            base = text[: text.find(f"/{address}")].lower()
            found = self.bases.get(base)
            if found is None:
                found = self.files | {source}
            elif source in self.files:
                found = found | {source}
            for one in found:
                yield one, address


NO_PLACES = Places()


def everywhere(urn: str) -> Place:
    """A `urn:uuid:…`."""
    return 0, urn.lower()


def identified(source: int, text: str) -> Place:
    """`system|value` of an Identifier; without a system it means something in its own source only."""
    return (source if text.startswith("|") or "|" not in text else 0), text
