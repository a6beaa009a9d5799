"""The seam to everything that leaves the house: one page to read before writing an exporter.

An exporter has a media type, a file suffix and one method: `write(given, out)`. It gets a `Handover`
(header, exact resources, readable events, or one Bundle), writes to `out` from beginning to end, never seeks and
never closes it, and answers what it wrote and what it had to leave out. It asks no clock and no random number:
time and id of the file are in the header, so that the same record can give the same bytes twice.
"""

from __future__ import annotations

import gc
import json
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, TypeVar

import orjson

from phr.errors import PhrError, UsageError
from phr.fhir import read
from phr.model import Problem
from phr.paths import private_file_beside, settle
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
_REWRITTEN = "was not valid JSON as the source sent it, and is written corrected here"


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


class Exporter(Protocol):
    """Turns what was selected into a file that someone else can read."""

    @property
    def media_type(self) -> str: ...

    @property
    def suffix(self) -> str: ...

    def write(self, given: Handover, out: BinaryIO) -> Exported:
        """Write everything to `out`. Raises PhrError."""
        ...


class Handover:
    """What an exporter is given. Each part is only read from the record when it is asked for."""

    def __init__(self, store: Store, selection: Selection, options: Options) -> None:
        self._store = store
        self._asked = replace(selection, marked=False)
        self.options = options
        self.rewritten: list[Problem] = []
        """Resources that had to be corrected to be JSON, known once `resources` came to its end."""

    @cached_property
    def _closed(self) -> tuple[Selection, Discretion]:
        check_sources(self._store, self._asked)
        return closed(self._store.db, self._asked)

    @property
    def selection(self) -> Selection:
        """What goes along: without what the person marked as private by hand, unless a level was asked for, and without
        what would tell it."""
        return self._closed[0]

    @cached_property
    def contents(self) -> bundle.Contents:
        """Which resources belong to the selection, and what is left out of it."""
        return bundle.discreetly(self._store, *self._closed, notes=self.options.notes)

    def told(self, done: Exported) -> Exported:
        """What was written, with what is for the person alone."""
        selection, discretion = self._closed
        if not discretion:
            return done
        return replace(
            done,
            held_back=withheld(self._store, selection),
            softened=len(discretion.touched.intersection(self.contents.ids)),
            naming=tuple(sorted(discretion.naming.intersection(self.contents.ids))),
        )

    @cached_property
    def header(self) -> Header:
        made = datetime.fromisoformat(self._store.now())
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
        for full_url, raw in bundle.stream_contents(self._store, self.contents):
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
        found = timeline.all_events(self._store, selection)
        return told_events(self._store.db, found, discretion, notes=self.options.notes)

    def extent(self) -> tuple[int, str | None, str | None]:
        """`(number of records, earliest date, latest date)`."""
        return timeline.extent(self._store, self.selection)

    def summary(self) -> bundle.Gathered:
        """Everything as one Bundle in memory, for a document."""
        return bundle.bundle_contents(self._store, self.contents)

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
        digest, latest = bundle.fingerprint(self._store, self.contents)
        how = {
            "template": self.options.template,
            "sections": self.options.sections,
            "reason": self.options.reason,
            "notes": self.options.notes,
        }
        described = self.selection.described() | {name: value for name, value in how.items() if value}
        asked = orjson.dumps(described, option=orjson.OPT_SORT_KEYS)
        made = datetime.fromisoformat(latest) if latest else datetime(1970, 1, 1, tzinfo=UTC)
        return made, uuid.uuid5(_NAMESPACE, sha256(asked + digest).hexdigest())


@contextmanager
def uncollected() -> Iterator[None]:
    """Without the collector of cyclic garbage: a document in the making is a tree of a million small things.

    None of them is part of a cycle, and walking all of them again and again makes each entry of a large record dearer.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


class Counted:
    """A stream that counts what passes through it."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self.bytes = 0

    def write(self, data: bytes) -> None:
        self._out.write(data)
        self.bytes += len(data)


def to_file(path: Path, write: Callable[[BinaryIO], T]) -> T:
    """Let `write` fill a file that appears at `path` only when it is whole; 0600 like everything else.

    Written beside and renamed; on any error nothing is left behind and an older file stays as it was. A pipe or
    a device is written to directly. Raises UsageError when there is no such folder, PhrError when the disk
    refuses.
    """
    target = path.resolve()  # through a symbolic link, so that the link itself stays
    if target.is_dir():
        raise UsageError(f"{path} is a folder.", hint="Name a file: -o FILE, or -o - for the standard output")
    if not target.parent.is_dir():
        raise UsageError(
            f"There is no folder {path.parent}.", hint="Make it first, or choose another: -o FILE"
        )
    try:
        if target.exists() and not target.is_file():
            if os.name == "posix" and target.stat().st_uid not in (0, os.getuid()):
                raise UsageError(f"{path} belongs to somebody else.", hint="Choose another place: -o FILE")
            with target.open("wb") as out:
                return write(out)
        with private_file_beside(target) as (handle, temporary):
            answer = write(handle)
            settle(handle, temporary, target)
            return answer
    except OSError as error:
        raise PhrError(
            f"{path} could not be written: {error.strerror or type(error).__name__}.",
            hint="Nothing was left behind. Choose another place: -o FILE",
        ) from error


def private_file(path: Path) -> BinaryIO:
    """A new file that only its owner can read."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def to_folder(path: Path, write: Callable[[Path], T], *, suffix: str) -> T:
    """Let `write` fill a folder that appears at `path` only when it is whole; 0700, its files 0600.

    A folder of an earlier export is replaced; one that holds anything but files with this suffix stays, and
    raises UsageError. On any error nothing is left behind and the earlier folder stays as it was.
    """
    target = path.resolve()
    if target.exists() and not target.is_dir():
        raise UsageError(f"{path} is a file, but a folder is needed.", hint="Name a folder: -o FOLDER/")
    if not target.parent.is_dir():
        raise UsageError(
            f"There is no folder {path.parent}.", hint="Make it first, or choose another: -o FOLDER/"
        )
    if target.is_dir() and any(one.suffix != suffix or not one.is_file() for one in target.iterdir()):
        raise UsageError(
            f"{path} holds other files too, and would be replaced as a whole.",
            hint="Name a folder of its own: -o FOLDER/",
        )
    try:
        made = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent))  # 0700
        try:
            answer = write(made)
            _take_place(made, target)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    except OSError as error:
        raise PhrError(
            f"{path} could not be written: {error.strerror or type(error).__name__}.",
            hint="Nothing was left behind. Choose another place: -o FOLDER/",
        ) from error
    return answer


def _take_place(made: Path, target: Path) -> None:
    """Put the new folder where the old one was; the old one goes last."""
    if not target.exists():
        made.rename(target)
        return
    aside = made.with_name(f"{made.name}.old")
    target.rename(aside)
    try:
        made.rename(target)
    except OSError:
        aside.rename(target)
        raise
    shutil.rmtree(aside, ignore_errors=True)
