"""What is this file? Decided by looking inside, never by its name.

The first bytes tell gzip, archives, XML, tables and strangers; then the first line tells NDJSON from one large JSON
document. What cannot be read is refused in a sentence that says what the file is and what to do. A file inside
an archive is looked into by the same functions as one that stands alone.
"""

from __future__ import annotations

import errno
import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from phr.errors import UnreadableFile, UsageError
from phr.fhir.read import parse_json
from phr.importers import archive, bounded, bundle, ccda, ndjson, sniffing
from phr.importers.base import FORMATS, Imported, Part, Versions
from phr.importers.found import Found, Opener
from phr.importers.patients import Survey
from phr.importers.sniffing import BOM, HEAD, Stranger
from phr.model import Problem

if TYPE_CHECKING:
    from phr.importers.csv_mapping import CsvMapping

GZIP = b"\x1f\x8b"
LARGEST = 1_000_000_000
"""Bytes in one piece (a JSON document, or a line of NDJSON) up to which a file is looked into."""
_READABLE = "FHIR files can be read: Bundle, resource or NDJSON; C-CDA documents; ZIP archives of them"
_LEAVE_OUT = "Leave out --format: what a file is is found by looking inside"


@dataclass(frozen=True, slots=True)
class _Wish:
    """What was said about a file: its format, the mapping of its columns; and how deep in archives it lies."""

    format: str | None = None
    mapping: CsvMapping | None = None
    depth: int = 0


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
    shown = name or (source.name if isinstance(source, Path) else "the standard input")
    wish = _Wish(format, _loaded(mapping))
    try:
        opener = _opener(source, shown)
        found = identify(opener, shown, wish)
        _as_said(found.format, format, shown)
        return _looked_into(shown, found)
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


def _loaded(mapping: Path | None) -> CsvMapping | None:
    if mapping is None:
        return None
    from phr.importers import csv_mapping

    return csv_mapping.load(mapping)


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
        problems += remarks
        for one in received:
            survey.note(one)
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
    )


def _opener(source: Path | BinaryIO, shown: str) -> Opener:
    """How to open the bytes as often as needed, unpacked."""
    if isinstance(source, Path):
        if source.is_dir():
            raise UsageError(f"{shown} is a folder.", hint=f"Name its files: phr import {source}/*")
        if not source.exists():
            raise UsageError(f"There is no file {source}.")
        if source.is_file():
            return _unpacking(lambda: cast(BinaryIO, source.open("rb")), source.stat().st_size, shown)
        with source.open("rb") as stream:
            return _memory(_piped(stream, shown), shown)
    return _memory(_piped(source, shown), shown)


def _piped(stream: BinaryIO, shown: str) -> bytes:
    """What comes through a pipe, which can be read once only and need never end."""
    body = stream.read(LARGEST + 1)
    if len(body) > LARGEST:
        raise UnreadableFile(
            f"{shown} is more than 1 GB, which is too much for a pipe.", hint="Import it as a file"
        )
    return body


def _memory(content: bytes, shown: str) -> Opener:
    return _unpacking(partial(io.BytesIO, content), len(content), shown)


def _unpacking(opener: Opener, size: int, shown: str) -> Opener:
    """The same opener, or one that unpacks what gzip packed."""
    with opener() as stream:
        packed = stream.read(2) == GZIP
    return (lambda: bounded.unpacked(opener(), size, shown)) if packed else opener


def _all_of(stream: BinaryIO) -> bytes:
    """The whole stream, unless it is more than a record can be: a small packed file can unpack to any size."""
    body = stream.read(LARGEST + 1)
    if len(body) > LARGEST:
        raise OSError(errno.EFBIG, "it holds more than 1 GB in one piece; as NDJSON it could be read")
    return body


def identify(opener: Opener, name: str, wish: _Wish) -> Found:
    """What the bytes are, and how their resources are read. Raises UnreadableFile and what reading raises."""
    with opener() as stream:
        head = stream.read(HEAD)
    sniffing.refuse_strangers(head, name)
    if head.startswith(GZIP):
        raise UnreadableFile(f"{name} is packed twice.", hint="Unpack it, then import what is inside")
    if sniffing.is_zip(head) or sniffing.is_tar(head):
        return _archive(opener, name, wish, head)
    if sniffing.is_xml(head):
        return _xml(opener, name, head)
    if wish.format == "csv" or (wish.mapping is not None and not _begins_as_json(head)):
        return _table(opener, name, wish.mapping)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UnreadableFile(
            f"{name} is text in UTF-16.", hint="Save it as UTF-8 in an editor, then import it again"
        )
    if not _begins_as_json(head) and _looks_like_table(head):
        raise sniffing.stranger(
            name,
            "looks like a table (CSV), and nothing says what its columns are",
            "Write a mapping (an example is in docs/importing.md): phr import --mapping M.toml FILE.csv",
        )
    return _json(opener, name, wish.format)


def _begins_as_json(head: bytes) -> bool:
    return sniffing.words(head).startswith((b"{", b"["))


def _archive(opener: Opener, name: str, wish: _Wish, head: bytes) -> Found:
    if wish.depth > 1:
        raise Stranger(f"{name} is an archive inside an archive inside an archive.", hint="Unpack it")

    def look(inner: Opener, size: int, member: str) -> Found:
        deeper = replace(wish, format=None, depth=wish.depth + 1)
        return identify(_unpacking(inner, size, member), member, deeper)

    return archive.zipped(opener, name, look) if sniffing.is_zip(head) else archive.taped(opener, name, look)


def _xml(opener: Opener, name: str, head: bytes) -> Found:
    if sniffing.root_of(head)[1] == sniffing.FHIR:
        raise sniffing.stranger(
            name, "is FHIR in XML, which is not read", "Ask for the same record as FHIR in JSON, or as C-CDA"
        )
    sniffing.refuse_other_xml(head, name)
    with opener() as stream:
        content = stream.read(ccda.LARGEST + 1)
    document = ccda.read(content, name)
    return Found("ccda", document.parts, document.sections, weight=document.weight)


def _table(opener: Opener, name: str, mapping: CsvMapping | None) -> Found:
    from phr.importers import csv_file

    if mapping is None:
        raise UsageError(
            f"{name} is a table, and nothing says what its columns are.",
            hint="Write a mapping (an example is in docs/importing.md): phr import --mapping M.toml FILE.csv",
        )
    return csv_file.found(opener, name, mapping)


def _looks_like_table(head: bytes) -> bool:
    from phr.importers import csv_rows

    return csv_rows.looks_like_table(head)


def _json(opener: Opener, name: str, format_: str | None) -> Found:
    with opener() as stream:
        first = _first_line(stream)
        more = any(line.strip() for line in iter(lambda: stream.readline(LARGEST), b""))
    if format_ == "ndjson" or (format_ is None and more and bundle.resource_type(first)):
        return Found("ndjson", lambda: _by_line(opener))
    with opener() as stream:
        body = _all_of(stream).removeprefix(BOM).strip()
    kind = bundle.resource_type(body)
    if kind is None:
        if format_ is None and _has_resource_line(body):
            return Found("ndjson", lambda: _by_line(opener))
        raise _not_a_resource(body, name)
    return Found("fhir-bundle" if kind == "Bundle" else "fhir-resource", lambda: bundle.parts(body))


def _by_line(opener: Opener) -> Iterator[Part]:
    with opener() as stream:
        yield from ndjson.parts(iter(lambda: stream.readline(LARGEST), b""))


def _first_line(stream: BinaryIO) -> bytes:
    for line in iter(lambda: stream.readline(LARGEST), b""):
        if words := line.strip().removeprefix(BOM):
            return words
    return b""


def _has_resource_line(body: bytes) -> bool:
    """NDJSON whose first line is broken is still NDJSON."""
    return any(
        line.lstrip().startswith(b"{") and bundle.resource_type(line) for line in body.splitlines()[:1000]
    )


def _is_json(line: bytes) -> bool:
    try:
        return isinstance(parse_json(line), dict)
    except ValueError:
        return False


def _not_a_resource(body: bytes, name: str) -> UnreadableFile:
    """Why one whole JSON document is not a FHIR resource, as precisely as its bytes tell."""
    try:
        parse_json(body)
    except ValueError:
        if _is_json(body.split(b"\n", 1)[0]):
            return Stranger(f"{name} holds lines of JSON, but none is a FHIR resource.", hint=_READABLE)
        if body[:1] in (b"{", b"[") and not body.endswith((b"}", b"]")):
            return UnreadableFile(
                f"{name} ends in the middle: it is cut off.", hint="Download it again and compare its size"
            )
        if body[:1] in (b"{", b"["):
            return UnreadableFile(f"{name} is broken JSON.", hint="Download it again")
        return Stranger(f"{name} is not JSON, nor anything else that is read.", hint=_READABLE)
    return Stranger(f"{name} is JSON but not FHIR: it has no resourceType.", hint=_READABLE)
