"""C-CDA documents: `phr.ccda.read` makes the resources, here they become exact bytes.

The same document gives the same bytes each time, so that importing it twice changes nothing. Decimals keep the
digits that the document wrote (`1.20`), which only an encoder that knows `Decimal` can do.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from phr.errors import UnreadableFile
from phr.importers.base import Batch, Part, portions
from phr.model import Problem, Received

LARGEST = 100 * 1024 * 1024
"""Bytes of XML up to which a document is read: scanned pages inside make tens of millions."""

_encoder = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True)
class Document:
    """One document that was read: its resources, what could not be read, and what each section gave."""

    received: Batch = field(repr=False)
    problems: tuple[Problem, ...] = field(repr=False)
    sections: list[dict[str, Any]] = field(repr=False)
    """As `phr import --json` has them: `document`, `section` (LOINC code), `title`, `found`, `made`, `skipped`."""
    sender: str | None = field(default=None, repr=False)
    """Who keeps the document (CDA R2 4.2.2.6, custodian)."""

    @property
    def weight(self) -> int:
        """Bytes that holding it takes."""
        return sum(len(one.raw) for one in self.received)

    def parts(self) -> Iterator[Part]:
        """Its resources, some hundreds at a time."""
        return portions(self.received, {}, self.problems)


def read(content: bytes, name: str) -> Document:
    """Read one document. Raises UnreadableFile when it is no readable XML, or no C-CDA."""
    from phr.ccda.read.document import read as read_document  # lxml loads for documents only

    if len(content) > LARGEST:
        raise UnreadableFile(
            f"{name} is XML of more than {LARGEST // 1024**2} MB, which no health document is.",
            hint="Ask for the record in several documents, or as FHIR (NDJSON)",
        )
    found = read_document(content, name=name)
    sections = [
        {
            "document": name,
            "section": one.code,
            "title": one.title,
            "found": one.found,
            "made": dict(one.made),
            "skipped": [{"reason": reason, "count": count} for reason, count in one.skipped],
        }
        for one in found.sections
    ]
    skips = [
        Problem(one.title or one.code or "a section", reason, known=True)
        for one in found.sections
        for reason, count in one.skipped
        for _ in range(count)
    ]
    return Document(
        tuple(encoded(one) for one in found.resources), (*found.problems, *skips), sections, found.custodian
    )


def encoded(resource: dict[str, Any]) -> Received:
    """A resource that was made here, as the bytes that are kept."""
    return Received(resource["resourceType"], resource["id"], _encoder.encode(resource))
