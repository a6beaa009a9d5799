"""The list of files of an export and how far each is: what is written down so that any interruption can be gone on from.

Pure. It is kept as JSON in the encrypted record, since file addresses may open by themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from phr.fhir.bulk_manifest import File, Manifest

NEW, READ, DONE, FAILED = "new", "read", "done", "failed"
"""Not read; read, but with undecided resources left; all that is the person's is kept; cannot be had."""


@dataclass(slots=True)
class Entry:
    """One file and what it held. Counts are of its last reading."""

    kind: str
    type: str
    url: str = field(repr=False)
    count: int | None = None
    state: str = NEW
    decided: bool = False
    """Its undecided resources were looked at once already."""
    short: bool = False
    """It holds fewer resources than the list says."""
    own: int = 0
    others: int = 0
    loose: int = 0
    patients: int = 0
    lines: int = 0
    bytes: int = 0

    @property
    def file(self) -> File:
        return File(self.kind, self.type, self.url, self.count)

    def restart(self) -> None:
        """It is read from its beginning: what was counted does not count."""
        self.own = self.others = self.loose = self.patients = self.lines = 0


class Book:
    """All files of one export."""

    def __init__(self, entries: Iterable[Entry], needs_token: bool | None) -> None:
        self.entries = list(entries)
        self.needs_token = needs_token

    @classmethod
    def of(cls, pages: Sequence[Manifest], types: tuple[str, ...]) -> Book:
        """From the list as it came. With `types`, files of other types are left alone, whatever the server sent."""
        files = {(file.kind, file.url): file for page in pages for file in page.files}
        wanted = [
            file
            for file in files.values()
            if file.kind != "output" or not types or not file.type or file.type in types
        ]
        return cls(
            (Entry(file.kind, file.type, file.url, file.count) for file in wanted), _needs_token(pages)
        )

    @classmethod
    def loads(cls, kept: Mapping[str, Any]) -> Book:
        return cls((Entry(**entry) for entry in kept["files"]), kept["needs_token"])

    def dumps(self) -> dict[str, Any]:
        return {"files": [asdict(entry) for entry in self.entries], "needs_token": self.needs_token}

    def renew(self, pages: Sequence[Manifest]) -> None:
        """Take fresh addresses from a list that came later; how far each file is stays.

        A file is the same by its path, since signatures stand in the query; else by its place among those of its
        kind and type.
        """
        self.needs_token = _needs_token(pages)
        fresh = [file for page in pages for file in page.files]
        by_path = {(file.kind, _path(file.url)): file for file in fresh}
        alike: dict[tuple[str, str], list[File]] = {}
        for file in fresh:
            alike.setdefault((file.kind, file.type), []).append(file)
        for (kind, type_), entries in _grouped(self.entries).items():
            same = alike.get((kind, type_), [])
            for number, entry in enumerate(entries):
                new = by_path.get((kind, _path(entry.url)))
                if new is None and len(same) == len(entries):
                    new = same[number]
                if new is not None:
                    entry.url, entry.count = new.url, new.count

    def of_kind(self, kind: str) -> Iterator[int]:
        return (number for number, entry in enumerate(self.entries) if entry.kind == kind)

    @property
    def open(self) -> bool:
        """Whether a later run may still bring something."""
        return any(entry.state in (NEW, READ) for entry in self.entries)

    @property
    def whole(self) -> bool:
        """Whether everything came that the list names."""
        return all(entry.state == DONE and not entry.short for entry in self.entries)

    @property
    def share(self) -> float:
        """How much is done, 0 to 1."""
        done = sum(entry.state in (DONE, FAILED) for entry in self.entries)
        return done / len(self.entries) if self.entries else 1.0


def _needs_token(pages: Sequence[Manifest]) -> bool | None:
    """Whether files need the sign-in: when one page says yes, none of them goes without care."""
    said = {page.needs_token for page in pages}
    return True if True in said else None if None in said or not said else False


def _grouped(entries: Iterable[Entry]) -> dict[tuple[str, str], list[Entry]]:
    found: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries:
        found.setdefault((entry.kind, entry.type), []).append(entry)
    return found


def _path(url: str) -> str:
    return url.partition("?")[0]
