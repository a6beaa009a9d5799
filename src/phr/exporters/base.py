"""The seam to everything that leaves the house: one page to read before writing an exporter.

An exporter has a media type, a file suffix and one method: `write(given, out)`. It gets a `Handover`
(header, exact resources, readable events, or one Bundle), writes to `out` from beginning to end, never seeks and
never closes it, and answers what it wrote and what it had to leave out. It asks no clock and no random number:
time and id of the file are in the header, so that the same record can give the same bytes twice.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, TypeVar, runtime_checkable

import orjson

from phr.fhir import read
from phr.model import Problem
from phr.views import bundle, timeline
from phr.views.discreet import Discretion, closed
from phr.views.discreet_events import told_events
from phr.views.selection import Selection, check_sources, withheld

if TYPE_CHECKING:
    from phr.ccda.check import Report
    from phr.store.store import Store

T = TypeVar("T")
_NAMESPACE = uuid.UUID("6f3d8c52-9a0e-4f0b-8d7e-2b1c5a4e7f90")
_URN = "urn:uuid:"
_STRIDE = 200
"""Records between two words of progress."""
_REWRITTEN = "was not valid JSON as the source sent it, and is written corrected here"


class Progress(Protocol):
    """Whoever wants to know how far a file is."""

    def __call__(self, doing: str, done: int, of: int | None) -> None:
        """`doing` such as “Reading the record”, so many done, of so many where that is known. Must be quick."""
        ...


@dataclass(frozen=True, slots=True)
class Options:
    """How to write, beside what to write."""

    reproducible: bool = False
    """Take time and id from the record itself: the same record and selection give the same bytes."""
    software: str = "phr"
    template: str = "ccd"
    """Of a C-CDA document: `ccd` or `referral-note`."""
    sections: tuple[str, ...] = ()
    """Of a summary: names or LOINC codes of sections; none means all."""
    reason: str | None = field(default=None, repr=False)
    """Of a Referral Note: why the patient is sent."""
    bundle: str = "collection"
    """Of FHIR: `collection`, or `document` with a Composition."""
    notes: bool = False
    """Whether the person's own notes go along; they are private otherwise."""
    whom: str | None = field(default=None, repr=False)
    """For whom it is made: stands on the paper, and in a C-CDA document as its information recipient."""
    layout: str = "full"
    """Of a PDF: `full`, or `summary` (four pages for a doctor)."""
    research: bool = False
    """Of CSV: tables for a registry, with LOINC columns and UCUM units."""
    progress: Progress | None = field(default=None, repr=False, compare=False)
    """Is told what is being done; see `Progress`."""


@dataclass(frozen=True, slots=True)
class Header:
    """What is true of the whole file."""

    id: str
    """A UUID."""
    made: datetime
    selection: Selection
    sources: tuple[str, ...]
    software: str


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: bytes, entries by section (of a document) or by type, and what is not in it."""

    bytes: int
    sections: dict[str, int]
    left_out: tuple[Problem, ...] = ()
    check: Report | None = None
    """What our own check of a C-CDA document found."""
    about: str | None = field(default=None, repr=False)
    """The name of the one person that a document is about."""
    held_back: int = 0
    """How many records of the selection are withheld for their sensitivity, and what would tell them. For the person
    alone: it stands in no file."""
    softened: int = 0
    """How many go along without a mention of these."""
    naming: tuple[int, ...] = ()
    """Numbers of records that go along and say something of the same name or code by themselves."""
    tokens: int | None = None
    """Of a text for an assistant: about so many tokens."""


class Exporter(Protocol):
    """Turns what was selected into a file that someone else can read."""

    @property
    def media_type(self) -> str: ...

    @property
    def suffix(self) -> str: ...

    def write(self, given: Handover, out: BinaryIO) -> Exported:
        """Write everything to `out`. Raises PhrError."""
        ...


@runtime_checkable
class FolderExporter(Exporter, Protocol):
    """One that can also write a folder of files."""

    folder_first: bool
    """Whether it is a folder unless a file was named."""
    file_suffixes: tuple[str, ...]
    """How the name of a single file ends, where that is one too."""

    def made(self, files: Sequence[Path]) -> bool:
        """Whether these are the files of an earlier export, and may be replaced by a new one."""
        ...

    def write_folder(self, given: Handover, folder: Path) -> Exported:
        """Write files into a folder that is there and empty, 0600 each (`files.private_file`). Raises PhrError."""
        ...


@runtime_checkable
class PathExporter(Exporter, Protocol):
    """One whose file another library has to open by its name."""

    def write_path(self, given: Handover, path: Path) -> Exported:
        """Fill the empty file at `path`; nothing else may be left beside it. Raises PhrError."""
        ...


@runtime_checkable
class NamedExporter(Exporter, Protocol):
    """One whose file depends on its name (`.zip`)."""

    def write_as(self, given: Handover, out: BinaryIO, name: Path) -> Exported:
        """As `write`, for a file that will have this name. Raises PhrError."""
        ...


class Handover:
    """What an exporter is given. Each part is only read from the record when it is asked for."""

    def __init__(self, store: Store, selection: Selection, options: Options) -> None:
        self.store = store
        """Where it is read from. Whoever reads there by themselves keeps out what `contents` and `selection` keep out."""
        self._asked = replace(selection, marked=False)
        self.options = options
        self.rewritten: list[Problem] = []
        """Resources that had to be corrected to be JSON, known once `resources` came to its end."""

    @cached_property
    def _closed(self) -> tuple[Selection, Discretion]:
        check_sources(self.store, self._asked)
        return closed(self.store.db, self._asked)

    @property
    def selection(self) -> Selection:
        """What goes along: without what the person marked as private by hand, unless a level was asked for, and without
        what would tell it."""
        return self._closed[0]

    @cached_property
    def contents(self) -> bundle.Contents:
        """Which resources belong to the selection, and what is left out of it."""
        return bundle.discreetly(self.store, *self._closed, notes=self.options.notes)

    def told(self, done: Exported) -> Exported:
        """What was written, with what is for the person alone."""
        selection, discretion = self._closed
        if not discretion:
            return done
        return replace(
            done,
            held_back=withheld(self.store, selection),
            softened=len(discretion.touched.intersection(self.contents.ids)),
            naming=tuple(sorted(discretion.naming.intersection(self.contents.ids))),
        )

    @cached_property
    def header(self) -> Header:
        made = datetime.fromisoformat(self.store.now())
        id_ = uuid.uuid4()
        if self.options.reproducible:
            made, id_ = self._from_record()
        names = tuple(sorted(self.contents.names.values()))
        return Header(str(id_), made, self.selection, names, self.options.software)

    def resources(self) -> Iterator[tuple[str, bytes]]:
        """`(fullUrl, bytes)`: exactly what the source sent, unless that is not JSON for a strict reader.

        No fullUrl comes twice (FHIR R4 2.36, bdl-7): a file that was imported under two names is told once, and
        where the two differ the second one gets an address of its own.
        """
        seen: dict[str, bytes] = {}
        for full_url, raw in bundle.stream_contents(self.store, self.contents):
            digest = sha256(raw).digest()[:8]
            before = seen.setdefault(full_url, digest)
            if before is not digest:
                if before == digest:
                    continue
                full_url = f"{_URN}{uuid.uuid5(_NAMESPACE, full_url + digest.hex())}"
            yield full_url, self._strict(full_url, raw)

    def missing(self) -> tuple[Problem, ...]:
        """What is not in a file made of `resources`, and what is in it but not as it was sent."""
        what = self.contents
        return (*what.left_out, *what.gone, *what.words.unsaid(), *self.rewritten)

    def events(self) -> Iterator[dict[str, Any]]:
        """The selected records in the shape of the timeline, newest first, with the person's corrections beside them."""
        selection, discretion = self._closed
        found = timeline.all_events(self.store, selection)
        told = told_events(self.store.db, found, discretion, notes=self.options.notes)
        return self._watched(told, "Reading the record")

    def doing(self, what: str, done: int = 0, of: int | None = None) -> None:
        """Tell whoever waits how far the file is."""
        if self.options.progress is not None:
            self.options.progress(what, done, of)

    def _watched(self, found: Iterable[T], what: str) -> Iterator[T]:
        if self.options.progress is None:
            yield from found
            return
        of = self.extent()[0]
        for done, one in enumerate(found):
            if not done % _STRIDE:
                self.doing(what, done, of)
            yield one

    def extent(self) -> tuple[int, str | None, str | None]:
        """`(number of records, earliest date, latest date)`."""
        return timeline.extent(self.store, self.selection)

    def summary(self) -> bundle.Gathered:
        """Everything as one Bundle in memory, for a document."""
        return bundle.bundle_contents(self.store, self.contents)

    def _strict(self, full_url: str, raw: bytes) -> bytes:
        try:
            orjson.loads(raw)
        except ValueError:
            type_, _, id_ = (read.reference(full_url) or f"resource/{full_url}").partition("/")
            try:
                # the standard library also writes whole numbers that have more digits than orjson takes
                strict = json.dumps(read.parse_json(raw), separators=(",", ":"), allow_nan=False).encode()
            except ValueError:
                return raw  # a number beyond what computers count with (1e400): good JSON, and nothing else to write
            self.rewritten.append(Problem(type_, _REWRITTEN, id=id_))
            return strict
        return raw

    def _from_record(self) -> tuple[datetime, uuid.UUID]:
        """The moment of the last change among the contents, and an id made of their content."""
        digest, latest = bundle.fingerprint(self.store, self.contents)
        how: dict[str, object] = {
            "template": self.options.template,
            "sections": self.options.sections,
            "reason": self.options.reason,
            "notes": self.options.notes,
            "whom": self.options.whom,
            "research": self.options.research,
        }
        if self.options.layout != "full":
            how["layout"] = self.options.layout
        described = self.selection.described() | {name: value for name, value in how.items() if value}
        asked = orjson.dumps(described, option=orjson.OPT_SORT_KEYS)
        made = datetime.fromisoformat(latest) if latest else datetime(1970, 1, 1, tzinfo=UTC)
        return made, uuid.uuid5(_NAMESPACE, sha256(asked + digest).hexdigest())
