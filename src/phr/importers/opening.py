"""What is this file? Decided by looking inside, never by its name.

The first bytes tell gzip, archives, XML, tables and what is not read; then the first line tells NDJSON from one large JSON
document. What cannot be read is refused in a sentence that says what the file is and what to do. A file inside
an archive is looked into by the same functions as one that stands alone.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from phr.errors import UnreadableFile, UsageError
from phr.fhir.read import parse_json
from phr.importers import archive, bounded, bundle, ccda, ndjson, sniffing
from phr.importers.base import FORMATS, NOT_NEEDED, Imported, Part, Versions
from phr.importers.bounded import Budget
from phr.importers.found import Found, Opener
from phr.importers.members import MOST, TOTAL
from phr.importers.patients import Survey
from phr.importers.sniffing import BOM, HEAD, ForeignFile
from phr.model import Problem

if TYPE_CHECKING:
    from phr.importers.table.mapping import TableMapping

GZIP = b"\x1f\x8b"
_PIPED = 1_000_000_000
"""Bytes that are taken from a pipe."""
MOST_RESOURCES = 2_000_000
"""Of one file: whose each of them is has to be held in memory."""
_TOLD = 10_000
"""Remarks that are looked at to say why there is nothing in a file."""
_READABLE = "FHIR files can be read: Bundle, resource or NDJSON; C-CDA documents; ZIP archives of them"
_LEAVE_OUT = "Leave out --format: what a file is is found by looking inside"


@dataclass(frozen=True, slots=True)
class _Wish:
    """What was said about a file: its format, the mapping of its columns; and how deep in archives it lies."""

    budget: Budget
    format: str | None = None
    mapping: TableMapping | None = None
    depth: int = 0
    tables: list[str] = field(default_factory=list, repr=False)
    """The tables that the mapping was used for."""


def read(
    source: Path | BinaryIO,
    *,
    name: str | None = None,
    format: str | None = None,  # noqa: A002 (the option's name)
    mapping: Path | None = None,
) -> Imported:
    """Look into a file, or into a stream such as the standard input (kept in memory).

    Raises UnreadableFile when it is not what is read here, or not of the `format` that was said; UsageError when
    there is no such file or format, or the mapping of a table does not fit.
    """
    if format is not None and format not in FORMATS:
        raise UsageError(f"There is no format named {format}.", hint=f"There is: {', '.join(FORMATS)}")
    shown = name or ((source.name or str(source)) if isinstance(source, Path) else "the standard input")
    columns = _loaded(mapping)
    try:
        opener, size = _opener(source, shown)
        budget = Budget(size, most_bytes=TOTAL, most_members=MOST)
        wish = _Wish(budget, format, columns)
        found = identify(opener, shown, wish)
        _as_said(found.format, format, shown)
        imported = _looked_into(shown, found)
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise UnreadableFile(
            f"{shown} is a damaged gzip file.", hint="Download it again: it is probably not complete"
        ) from None
    except (ValueError, RecursionError):
        raise UnreadableFile(f"{shown} is broken JSON.", hint="Download it again") from None
    except MemoryError:
        raise UnreadableFile(f"{shown} needs more memory than there is.") from None
    except OSError as error:
        raise UnreadableFile(f"{shown} cannot be read: {error.strerror or type(error).__name__}.") from error
    if columns is not None and not wish.tables:
        imported.remarks = (Problem("mapping", NOT_NEEDED, id=columns.name, known=True),)
    return imported


def _loaded(mapping: Path | None) -> TableMapping | None:
    if mapping is None:
        return None
    from phr.importers.table.mapping import load

    return load(mapping)


def _as_said(found: str, said: str | None, name: str) -> None:
    """A format that was said has to be the one that is found; a Health export is a ZIP archive too."""
    if said not in (None, found) and not (said == "zip" and found == "apple-health"):
        raise UnreadableFile(f"{name} is {found}, not {said}.", hint=_LEAVE_OUT)


def _looked_into(name: str, found: Found) -> Imported:
    """The first look: whose data it is. A file without a single resource is not what it seems."""
    survey, versions, count, problems = Survey(), Versions(), 0, list[Problem]()
    for received, names, remarks in found.parts():
        survey.learn(names)
        count += len(received)
        problems += remarks[: _TOLD - len(problems)] if len(problems) < _TOLD else ()
        if count > MOST_RESOURCES:
            raise UnreadableFile(
                f"{name} holds more than {MOST_RESOURCES:,} resources.", hint="Import it in several files"
            )
        where = found.where() if found.where is not None else None
        for one in received:
            survey.note(one, where)
            versions.note(one)
    if not count and found.format == "ndjson":
        raise UnreadableFile(f"{name} holds no line that is a FHIR resource.")
    if not count and found.nothing is not None:
        raise found.nothing(name, problems)
    return Imported(
        name,
        found.format,
        survey.patients(),
        found.parts,
        survey,
        sections=found.sections,
        final=versions.final,
        sender=found.sender() if found.sender is not None else None,
    )


def _opener(source: Path | BinaryIO, shown: str) -> tuple[Opener, int]:
    """How to open the bytes as often as needed, unpacked; and how many they are packed."""
    if isinstance(source, Path):
        if source.is_dir():
            raise UsageError(f"{shown} is a folder.", hint=f"Name its files: phr import {source}/*")
        if not source.exists():
            raise UsageError(f"There is no file {source}.")
        if source.is_file():
            size = source.stat().st_size
            return _unpacking(lambda: cast(BinaryIO, source.open("rb")), size, shown), size
        with source.open("rb") as stream:
            body = _piped(stream, shown)
    else:
        body = _piped(source, shown)
    return _unpacking(partial(io.BytesIO, body), len(body), shown), len(body)


def _piped(stream: BinaryIO, shown: str) -> bytes:
    """What comes through a pipe, which can be read once only and need never end."""
    body = stream.read(_PIPED + 1)
    if len(body) > _PIPED:
        raise UnreadableFile(
            f"{shown} is more than 1 GB, which is too much for a pipe.", hint="Import it as a file"
        )
    if not body:
        raise UnreadableFile(
            f"{shown} is empty.", hint="Look at the command before the pipe: nothing came from it"
        )
    return body


def _unpacking(opener: Opener, size: int, shown: str, budget: Budget | None = None) -> Opener:
    """The same opener, or one that unpacks what gzip packed."""
    with opener() as stream:
        packed = stream.read(2) == GZIP
    return (lambda: bounded.unpacked(opener(), size, shown, budget)) if packed else opener


def _all_of(stream: BinaryIO, name: str) -> bytes:
    """The whole stream, unless it is more than a record can be: a small packed file can unpack to any size."""
    body = stream.read(bundle.LARGEST + 1)
    if len(body) > bundle.LARGEST:
        raise UnreadableFile(
            f"{name} holds more than {bundle.LARGEST // 1_000_000} MB in one piece.", hint=bundle.IN_LINES
        )
    return body


def identify(opener: Opener, name: str, wish: _Wish) -> Found:
    """What the bytes are, and how their resources are read. Raises UnreadableFile and what reading raises."""
    with opener() as stream:
        head = stream.read(HEAD)
    sniffing.refuse_foreign(head, name)
    if head.startswith(GZIP):
        raise UnreadableFile(f"{name} is packed twice.", hint="Unpack it, then import what is inside")
    if sniffing.is_zip(head) or sniffing.is_tar(head):
        return _archive(opener, name, wish, head)
    if sniffing.is_xml(head):
        return _xml(opener, name, head)
    if wish.format == "csv" or (wish.mapping is not None and not _begins_as_json(head)):
        return _table(opener, name, wish)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UnreadableFile(
            f"{name} is text in UTF-16.", hint="Save it as UTF-8 in an editor, then import it again"
        )
    if not _begins_as_json(head) and _looks_like_table(head):
        raise sniffing.foreign(
            name,
            "looks like a table (CSV), and nothing says what its columns are",
            "Write a mapping (an example is in docs/importing.md): phr import --mapping M.toml FILE.csv",
        )
    return _json(opener, name, wish.format)


def _begins_as_json(head: bytes) -> bool:
    return sniffing.words(head).startswith((b"{", b"["))


def _archive(opener: Opener, name: str, wish: _Wish, head: bytes) -> Found:
    if wish.depth > 1:
        raise ForeignFile(f"{name} is an archive inside an archive inside an archive.", hint="Unpack it")

    def look(inner: Opener, size: int, member: str) -> Found:
        deeper = replace(wish, format=None, depth=wish.depth + 1)
        return identify(_unpacking(inner, size, member, wish.budget), member, deeper)

    reader = archive.zipped if sniffing.is_zip(head) else archive.taped
    return reader(opener, name, look, wish.budget, outermost=wish.depth == 0)


def _xml(opener: Opener, name: str, head: bytes) -> Found:
    if sniffing.root_of(head)[1] == sniffing.FHIR:
        raise sniffing.foreign(
            name, "is FHIR in XML, which is not read", "Ask for the same record as FHIR in JSON, or as C-CDA"
        )
    sniffing.refuse_other_xml(head, name)
    with opener() as stream:
        content = stream.read(ccda.LARGEST + 1)
    document = ccda.read(content, name)
    return Found(
        "ccda",
        document.parts,
        lambda: document.sections,
        weight=document.weight,
        sender=lambda: document.sender,
    )


def _table(opener: Opener, name: str, wish: _Wish) -> Found:
    from phr.importers.table.file import found

    if wish.mapping is None:
        raise UsageError(
            f"{name} is a table, and nothing says what its columns are.",
            hint="Write a mapping (an example is in docs/importing.md): phr import --mapping M.toml FILE.csv",
        )
    wish.tables.append(name)
    return found(opener, name, wish.mapping)


def _looks_like_table(head: bytes) -> bool:
    from phr.importers.table.grid import looks_like_table

    return looks_like_table(head)


def _json(opener: Opener, name: str, format_: str | None) -> Found:
    with opener() as stream:
        begins = bundle.resource_type(_first_line(stream)) is not None
        more = any(line.strip() for line in iter(lambda: stream.readline(bundle.LARGEST), b""))
    if format_ == "ndjson" or (format_ is None and more and begins):
        return Found("ndjson", lambda: _by_line(opener))
    with opener() as stream:
        body = _all_of(stream, name).removeprefix(BOM).strip()
    kind = bundle.resource_type(body)
    if kind is None:
        if format_ is None and _has_resource_line(body):
            return Found("ndjson", lambda: _by_line(opener))
        raise _not_a_resource(body, name)
    return Found("fhir-bundle" if kind == "Bundle" else "fhir-resource", lambda: bundle.parts(body, name))


def _by_line(opener: Opener) -> Iterator[Part]:
    with opener() as stream:
        yield from ndjson.parts(iter(lambda: stream.readline(bundle.LARGEST), b""))


def _first_line(stream: BinaryIO) -> bytes:
    for line in iter(lambda: stream.readline(bundle.LARGEST), b""):
        if words := line.strip().removeprefix(BOM):
            return words
    return b""


def _has_resource_line(body: bytes) -> bool:
    """NDJSON whose first line is broken is still NDJSON."""
    return any(
        line.lstrip().startswith(b"{") and bundle.resource_type(line)
        for line in islice(io.BytesIO(body), 1000)
    )


def _is_json(line: bytes) -> bool:
    if bundle.is_rich(line):
        return False
    try:
        return isinstance(parse_json(line), dict)
    except ValueError:
        return False


def _not_a_resource(body: bytes, name: str) -> UnreadableFile:
    """Why one whole JSON document is not a FHIR resource, as precisely as its bytes tell."""
    if bundle.is_rich(body):
        return UnreadableFile(f"{name} {bundle.TOO_RICH}, and is no strict JSON.", hint=bundle.IN_LINES)
    try:
        parse_json(body)
    except ValueError:
        if _is_json(body.split(b"\n", 1)[0]):
            return ForeignFile(f"{name} holds lines of JSON, but none is a FHIR resource.", hint=_READABLE)
        if body[:1] in (b"{", b"[") and not body.endswith((b"}", b"]")):
            return UnreadableFile(f"{name} ends in the middle: it was cut off.", hint=sniffing.ONCE_MORE)
        if body[:1] in (b"{", b"["):
            return UnreadableFile(f"{name} is broken JSON.", hint="Download it again")
        return ForeignFile(f"{name} is of a kind that phr cannot read.", hint=_READABLE)
    return ForeignFile(f"{name} is JSON but not FHIR: it has no resourceType.", hint=_READABLE)
