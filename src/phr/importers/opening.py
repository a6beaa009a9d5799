"""What is this file? Decided by looking inside, never by its name.

The first bytes tell gzip, archives, PDF, XML and HTML; then the first line tells NDJSON from one large JSON
document. What cannot be read is refused in a sentence that says what the file is and what to do.
"""

from __future__ import annotations

import errno
import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, cast

from phr.errors import UnreadableFile, UsageError
from phr.fhir.read import parse_json
from phr.importers import bundle, ndjson
from phr.importers.base import Imported, Part
from phr.importers.patients import Survey

FORMATS = ("fhir-bundle", "fhir-resource", "ndjson")
BOM = b"\xef\xbb\xbf"
GZIP = b"\x1f\x8b"
Opener = Callable[[], BinaryIO]
_SPACE = b" \t\r\n"
_HEAD = 4096
LARGEST = 1_000_000_000
"""Bytes in one piece (a JSON document, or a line of NDJSON) up to which a file is looked into."""
# What people bring that is not FHIR JSON: how it begins, what it is, what to do.
_STRANGERS: tuple[tuple[bytes, str, str], ...] = (
    (b"PK\x03\x04", "is a ZIP archive", "Unpack it, then import the files inside"),
    (b"%PDF", "is a PDF document", "Ask your provider for the FHIR or JSON form of the same record"),
    (b"\xff\xfe", "is text in UTF-16", "Save it as UTF-8 in an editor, then import it again"),
    (b"\xfe\xff", "is text in UTF-16", "Save it as UTF-8 in an editor, then import it again"),
    (b"MSH|", "is an HL7 v2 message", "Only FHIR files can be read: Bundle, resource or NDJSON"),
    (b"SQLite format 3", "is a database", "Only FHIR files can be read: Bundle, resource or NDJSON"),
)
_MARKUP = (
    (
        b"clinicaldocument",
        "is a C-CDA document in XML",
        "Only FHIR JSON can be read: ask for that form of the record",
    ),
    (b"<html", "is a web page", "Probably a sign-in or error page was saved: download the file itself again"),
    (
        b"<!doctype html",
        "is a web page",
        "Probably a sign-in or error page was saved: download the file itself again",
    ),
    (b"", "is XML", "Only FHIR JSON can be read: ask for that form of the record"),
)


def read(
    source: Path | BinaryIO,
    *,
    name: str | None = None,
    format: str | None = None,  # noqa: A002 (the option's name)
) -> Imported:
    """Look into a file, or into a stream such as the standard input (kept in memory).

    Raises UnreadableFile when it is not FHIR JSON, UsageError when there is no such file or format.
    """
    if format is not None and format not in FORMATS:
        raise UsageError(f"There is no format named {format}.", hint=f"There is: {', '.join(FORMATS)}")
    shown = name or (source.name if isinstance(source, Path) else "the standard input")
    try:
        opener = _opener(source, shown)
        found, parts = _identify(opener, shown, format)
        return _looked_into(shown, found, parts)
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise UnreadableFile(
            f"{shown} is a damaged gzip file.", hint="Download it again: it is probably not complete"
        ) from None
    except ValueError:
        raise UnreadableFile(f"{shown} is broken JSON.", hint="Download it again") from None
    except OSError as error:
        raise UnreadableFile(f"{shown} cannot be read: {error.strerror or type(error).__name__}.") from error


def _looked_into(name: str, format_: str, parts: Callable[[], Iterator[Part]]) -> Imported:
    """The first look: whose data it is. A file without a single resource is not what it seems."""
    survey, count = Survey(), 0
    for received, names, _ in parts():
        survey.learn(names)
        count += len(received)
        for one in received:
            survey.note(one)
    if not count and format_ == "ndjson":
        raise UnreadableFile(f"{name} holds no line that is a FHIR resource.")
    return Imported(name, format_, survey.patients(), parts, survey)


def _opener(source: Path | BinaryIO, shown: str) -> Opener:
    """How to open the bytes as often as needed, unpacked."""
    if isinstance(source, Path):
        if source.is_dir():
            raise UsageError(f"{shown} is a folder.", hint=f"Name its files: phr import {source}/*")
        if not source.exists():
            raise UsageError(f"There is no file {source}.")
        if source.is_file():
            return _file(source)
        return _memory(source.read_bytes())  # a pipe can be read once only
    return _memory(source.read())


def _file(path: Path) -> Opener:
    with path.open("rb") as stream:
        packed = stream.read(2) == GZIP
    return lambda: cast(BinaryIO, gzip.open(path)) if packed else path.open("rb")


def _memory(content: bytes) -> Opener:
    body = content
    if content.startswith(GZIP):
        with gzip.open(io.BytesIO(content)) as stream:
            body = _all_of(cast(BinaryIO, stream))
    return lambda: io.BytesIO(body)


def _all_of(stream: BinaryIO) -> bytes:
    """The whole stream, unless it is more than a record can be: a small packed file can unpack to any size."""
    body = stream.read(LARGEST + 1)
    if len(body) > LARGEST:
        raise OSError(errno.EFBIG, "it holds more than 1 GB in one piece; as NDJSON it could be read")
    return body


def _identify(opener: Opener, name: str, format_: str | None) -> tuple[str, Callable[[], Iterator[Part]]]:
    with opener() as stream:
        head = stream.read(_HEAD)
        _refuse_strangers(head, name)
        stream.seek(0)
        first = _first_line(stream)
        more = any(line.strip() for line in iter(lambda: stream.readline(LARGEST), b""))
    if format_ == "ndjson" or (format_ is None and more and bundle.resource_type(first)):
        return "ndjson", lambda: _by_line(opener)
    with opener() as stream:
        body = _all_of(stream).removeprefix(BOM).strip()
    kind = bundle.resource_type(body)
    if kind is None:
        if format_ is None and _has_resource_line(body):
            return "ndjson", lambda: _by_line(opener)
        raise _not_a_resource(body, name)
    return ("fhir-bundle" if kind == "Bundle" else "fhir-resource"), lambda: bundle.parts(body)


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


def _refuse_strangers(head: bytes, name: str) -> None:
    words = head.removeprefix(BOM).lstrip(_SPACE)
    if not words and len(head) < _HEAD:
        raise UnreadableFile(f"{name} is empty.", hint="Download it again: it is probably not complete")
    for beginning, what, mend in _STRANGERS:
        if head.startswith(beginning):
            raise UnreadableFile(f"{name} {what}.", hint=mend)
    if head[257:262] == b"ustar":
        raise UnreadableFile(f"{name} is an archive.", hint="Unpack it, then import the files inside")
    if words.startswith(b"<"):
        what, mend = next((what, mend) for mark, what, mend in _MARKUP if mark in words.lower())
        raise UnreadableFile(f"{name} {what}.", hint=mend)


def _not_a_resource(body: bytes, name: str) -> UnreadableFile:
    """Why one whole JSON document is not a FHIR resource, as precisely as its bytes tell."""
    try:
        parse_json(body)
    except ValueError:
        if _is_json(body.split(b"\n", 1)[0]):
            return UnreadableFile(
                f"{name} holds lines of JSON, but none is a FHIR resource.",
                hint="FHIR files can be read: Bundle, resource or NDJSON",
            )
        if body[:1] in (b"{", b"[") and not body.endswith((b"}", b"]")):
            return UnreadableFile(
                f"{name} ends in the middle: it is cut off.", hint="Download it again and compare its size"
            )
        if body[:1] in (b"{", b"["):
            return UnreadableFile(f"{name} is broken JSON.", hint="Download it again")
        return UnreadableFile(
            f"{name} is not JSON.", hint="FHIR files can be read: Bundle, resource or NDJSON"
        )
    return UnreadableFile(
        f"{name} is JSON but not FHIR: it has no resourceType.",
        hint="FHIR files can be read: Bundle, resource or NDJSON",
    )
