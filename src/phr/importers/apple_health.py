"""What Apple's Health app exports: export.zip with the FHIR resources of a person's providers.

Seen in exports: `apple_health_export/clinical-records/Observation-….json` holds one resource each, in FHIR R4 or
DSTU2 as the provider had it; `export.xml` lists what the phone measured (often more than a gigabyte) and, as
`ClinicalRecord` elements, which of these files is from whom in which version of FHIR. It is searched as a
stream, never held. The folder's name stays the same in every language, that of the list does not.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from phr.importers import dstu2
from phr.importers.base import Part
from phr.importers.members import BROKEN

_FOLDER = "apple_health_export"
_RECORDS = "clinical-records"
_CHUNK = 1 << 20
_LONGEST = 16_384
"""Bytes of one element of the list."""
_ELEMENT = re.compile(rb"<ClinicalRecord\b([^>]*)>")
_ATTRIBUTE = re.compile(rb"""([\w:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
_MEASURED = "is what the phone or the watch measured, which is not read yet"


def is_export(paths: Iterable[str]) -> bool:
    """Whether an archive with these files is one of the Health app."""
    folders = {part for path in paths for part in path.replace("\\", "/").split("/")[:-1]}
    return _FOLDER in folders or _RECORDS in folders


def is_listing(path: str) -> bool:
    """Whether this member is the list: XML directly in the folder, whatever it is called in which language."""
    head, _, name = path.replace("\\", "/").rpartition("/")
    low = name.lower()
    return head.rpartition("/")[2] == _FOLDER and low.endswith(".xml") and not low.endswith("_cda.xml")


def why_not(path: str) -> str | None:
    """Why a file of an export is not looked into; None when it is."""
    head, _, name = path.replace("\\", "/").rpartition("/")
    parts = head.split("/")
    if (
        is_listing(path)
        or ("workout-routes" in parts)
        or (parts[-1] == _FOLDER and name.lower().endswith(".xml"))
    ):
        return _MEASURED
    return _MEASURED if "electrocardiograms" in parts else None


@dataclass(frozen=True, slots=True)
class Listed:
    """What the list says of one file."""

    source: str | None
    version: str


class Export:
    """One reading of an export: who each resource is from, and how many came from whom."""

    def __init__(self, listed: dict[str, Listed]) -> None:
        self._listed = listed
        self._made: dict[str | None, Counter[str]] = {}

    def part(self, path: str, part: Part) -> Part:
        """What one file gave, in the words of R4, and counted for its source."""
        received, names, problems = part
        listed = self._listed.get(_last_two(path))
        if received and any(dstu2.is_old(one, listed.version if listed else "") for one in received):
            received, remarks = dstu2.modern(received)
            problems = (*problems, *remarks)
        made = self._made.setdefault(listed.source if listed else None, Counter())
        made.update(one.type for one in received)
        return received, names, problems

    def sections(self, name: str) -> list[dict[str, Any]]:
        """What came from whom, in the shape of a document's sections."""
        return [
            {
                "document": name,
                "section": None,
                "title": source,
                "found": made.total(),
                "made": dict(sorted(made.items())),
                "skipped": [],
            }
            for source, made in self._made.items()
            if made
        ]


def listed_in(streams: Iterator[BinaryIO]) -> dict[str, Listed]:
    """What the lists say of each file. One that is damaged takes away only the names of the sources."""
    found: dict[str, Listed] = {}
    try:
        for stream in streams:
            found.update(_search(stream))
    except BROKEN:
        pass
    return found


def _search(stream: BinaryIO) -> Iterator[tuple[str, Listed]]:
    """The `ClinicalRecord` elements of the list, by the path of the file that each names."""
    rest = b""
    while chunk := stream.read(_CHUNK):
        text, end = rest + chunk, 0
        for found in _ELEMENT.finditer(text):
            end = found.end()
            said = {
                key.decode(): html.unescape((double or single).decode("utf-8", "replace"))
                for key, double, single in _ATTRIBUTE.findall(found[1])
            }
            if path := said.get("resourceFilePath"):
                yield _last_two(path), Listed(said.get("sourceName"), said.get("fhirVersion", ""))
        rest = text[max(end, len(text) - _LONGEST) :]


def _last_two(path: str) -> str:
    return "/".join(path.replace("\\", "/").split("/")[-2:])
