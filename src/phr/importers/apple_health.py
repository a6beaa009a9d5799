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
_MEASUREMENTS = frozenset({"workout-routes", "electrocardiograms"})
SENDER = "Health app"
UNSAID = "not said"
"""Who a record is from, where the list does not say."""
_CHUNK = 1 << 20
_LONGEST = 16_384
"""Bytes of one element of the list."""
# Possessive quantifiers never go back over what they have read, so that any list is searched in linear time; and no
# attribute holds a < (XML 1.0, 2.3), so that each try ends before the next element.
_ATTRIBUTE = re.compile(rb"""([\w:-]++)\s*+=\s*+(?:"([^"<]*+)"|'([^'<]*+)')""")
_ELEMENT = re.compile(rb"""<ClinicalRecord((?:\s++[\w:-]++\s*+=\s*+(?:"[^"<]*+"|'[^'<]*+'))*+)\s*+/?+>""")
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
    folders = head.split("/")
    listing = folders[-1] == _FOLDER and name.lower().endswith(".xml")
    return _MEASURED if listing or not _MEASUREMENTS.isdisjoint(folders) else None


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
        """What the file at this `path` gave, in the words of R4, and counted for its source."""
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
                "title": source or UNSAID,
                "found": made.total(),
                "made": dict(sorted(made.items())),
                "skipped": [],
            }
            for source, made in self._made.items()
            if made
        ]


def listed_in(streams: Iterator[BinaryIO], paths: Iterable[str]) -> dict[str, Listed]:
    """What the lists say of the files at these paths. One that is damaged takes away only the names of the sources."""
    found: dict[str, Listed] = {}
    there = {_last_two(path) for path in paths}
    try:
        for stream in streams:
            found.update((path, listed) for path, listed in _search(stream) if path in there)
    except BROKEN:
        pass
    return found


def _search(stream: BinaryIO) -> Iterator[tuple[str, Listed]]:
    """The `ClinicalRecord` elements of the list, by the path of the file that each names."""
    rest = b""
    while chunk := stream.read(_CHUNK):
        text = rest + chunk
        for found in _ELEMENT.finditer(text):
            said = {
                key.decode("ascii", "replace"): html.unescape((double or single).decode("utf-8", "replace"))
                for key, double, single in _ATTRIBUTE.findall(found[1])
            }
            if path := said.get("resourceFilePath"):
                yield _last_two(path), Listed(said.get("sourceName"), said.get("fhirVersion", ""))
        begun = text.rfind(b"<")  # what follows may be an element that goes on in the next chunk
        rest = text[begun:] if begun >= 0 and len(text) - begun <= _LONGEST else b""


def _last_two(path: str) -> str:
    """Folder and name of a file: the list calls it `/clinical-records/…`, the archive has a folder more."""
    return "/".join(path.replace("\\", "/").split("/")[-2:])
