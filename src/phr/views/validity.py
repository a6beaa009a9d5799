"""FHIR validity of what is stored, and of what stands in a file: `phr validate`.

Judged by `phr.fhir.validity`. A C-CDA document is looked at twice: how it is built (`phr.ccda.check`), and whether the
resources that are read from it are valid.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from phr.errors import UnreadableFile, UsageError
from phr.fhir import read, validity
from phr.fhir.validity import Issue

if TYPE_CHECKING:
    from phr.importers.base import Imported
    from phr.model import Received
    from phr.store.store import Store

_BATCH = 500
_LARGEST = 1_000_000_000
"""Bytes of a file, unpacked, that are judged as one."""
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Result:
    """One resource (or one C-CDA document) and what is wrong with it."""

    resource: str
    valid: bool | None
    """None: of a type that cannot be judged here."""
    issues: tuple[Issue, ...] = ()
    source: str | None = None
    """Whose it is: a source of the record, or the name of a file."""


def of_record(store: Store, ref: str) -> list[Result]:
    """What stands behind a record's number or `Type/id`, in every source. Raises UsageError when there is none."""
    from phr.views import record

    report = record.show(store, ref) if ref.isdigit() else None
    addresses = {one["resource"] for one in report["provenance"]} if report else {ref}
    rows = [
        row
        for address in sorted(addresses)
        for row in store.db.execute(
            "SELECT r.type || '/' || r.fhir_id, s.name, r.raw FROM resource r JOIN source s ON s.id = r.source_id"
            " WHERE r.type = ? AND r.fhir_id = ? ORDER BY r.id",
            address.partition("/")[::2],
        )
    ]
    if not rows:
        raise UsageError(f"There is no record {ref}.", hint="See the numbers: phr timeline")
    return [_result(name, bytes(raw), source) for name, source, raw in rows]


def total(store: Store) -> int:
    """How many resources `of_store` will judge."""
    return int(store.db.execute("SELECT count(*) FROM resource WHERE state = 'current'").fetchone()[0])


def of_store(store: Store) -> Iterator[Result]:
    """Every stored resource that stands, some hundreds in memory at a time."""
    last = 0
    while rows := store.db.execute(
        "SELECT r.id, r.type || '/' || r.fhir_id, s.name, r.raw FROM resource r JOIN source s ON s.id = r.source_id"
        " WHERE r.state = 'current' AND r.id > ? ORDER BY r.id LIMIT ?",
        (last, _BATCH),
    ).fetchall():
        for id_, name, source, raw in rows:
            last = id_
            yield _result(name, bytes(raw), source)


def of_file(source: Path | BinaryIO, name: str) -> Iterator[Result]:
    """What stands in a file that could be imported. Raises UnreadableFile, UsageError."""
    from phr.importers.opening import read as look_into

    content = _content(source, name)
    imported = look_into(io.BytesIO(content), name=name)
    if imported.format in ("fhir-bundle", "fhir-resource"):
        yield from _of_json(content, name)
        return
    if imported.format == "ccda":
        yield from _of_ccda(imported, name)
        return
    for one in imported.resources():
        yield _result(f"{one.type}/{one.id}", one.raw, name)
    yield from _problems(imported, name)


def _content(source: Path | BinaryIO, name: str) -> bytes:
    """All bytes, unpacked. Raises UnreadableFile."""
    try:
        body = source.read_bytes() if isinstance(source, Path) else source.read()
        if not body.startswith(_GZIP):
            return body
        with gzip.open(io.BytesIO(body)) as stream:
            unpacked = stream.read(_LARGEST + 1)
    except (OSError, EOFError) as error:
        reason = getattr(error, "strerror", None) or "it is damaged"
        raise UnreadableFile(f"{name} cannot be read: {reason}.") from None
    if len(unpacked) > _LARGEST:
        raise UnreadableFile(f"{name} holds more than 1 GB in one piece.")
    return unpacked


def _of_json(content: bytes, name: str) -> Iterator[Result]:
    """One resource; of a Bundle first what is wrong with itself, then each of its entries."""
    whole = read.parse_json(content.removeprefix(b"\xef\xbb\xbf").strip())
    if not isinstance(whole, dict) or whole.get("resourceType") != "Bundle":
        yield _judged(whole, name, 0)
        return
    entries = read.listed(whole.get("entry"))
    issues = [one for one in validity.judge(whole).issues if ".resource" not in one.path]
    yield Result(_called(whole, 0), not issues, tuple(issues), name)
    for number, entry in enumerate(entries):
        if isinstance(entry, dict) and "resource" in entry:
            yield _judged(entry["resource"], name, number)


def _judged(resource: object, source: str, number: int) -> Result:
    verdict = validity.judge(resource)
    return Result(
        _called(resource, number), verdict.valid if verdict.judged else None, verdict.issues, source
    )


def _called(resource: object, number: int) -> str:
    """`Type/id`; an entry without an id goes by its place."""
    found = resource if isinstance(resource, dict) else {}
    type_, id_ = found.get("resourceType"), found.get("id")
    words = type_ if isinstance(type_, str) and len(type_) < 65 else "?"
    return f"{words}/{id_}" if isinstance(id_, str) and id_ else f"{words} (entry {number + 1})"


def _of_ccda(imported: Imported, name: str) -> Iterator[Result]:
    """How the document is built, then what is read from it."""
    found = list(imported.resources())
    original = next(
        (xml for one in found if one.type == "DocumentReference" and (xml := _enclosed(one))), None
    )
    if original is not None:
        yield _built(original, name)
    for one in found:
        yield _result(f"{one.type}/{one.id}", one.raw, name)
    yield from _problems(imported, name)


def _enclosed(one: Received) -> bytes | None:
    """The document that a DocumentReference holds whole."""
    resource = read.parse_json(one.raw)
    for content in read.dicts(resource.get("content")) if isinstance(resource, dict) else []:
        attachment = content.get("attachment")
        data = attachment.get("data") if isinstance(attachment, dict) else None
        if isinstance(data, str):
            try:
                xml = base64.b64decode(data)
            except (binascii.Error, ValueError):
                continue
            if b"ClinicalDocument" in xml[:20000]:
                return xml
    return None


def _built(xml: bytes, name: str) -> Result:
    from lxml import etree

    from phr.ccda.check import examine

    try:
        report = examine(xml)
    except etree.XMLSyntaxError:
        return Result("ClinicalDocument", False, (Issue("", "is no well-formed XML"),), name)
    issues = tuple(
        Issue(one.where, f"{one.what} ({one.count} times)" if one.count > 1 else one.what)
        for one in report.errors
    )
    return Result("ClinicalDocument", report.sound, issues, name)


def _problems(imported: Imported, name: str) -> Iterator[Result]:
    """What could not be read at all is not valid either; what was merely passed over says so in the import."""
    for problem in imported.problems:
        if not problem.known:
            called = f"{problem.type}/{problem.id}" if problem.id else problem.type
            yield Result(called, False, (Issue("", problem.reason),), name)


def _result(name: str, raw: bytes, source: str) -> Result:
    verdict = validity.judge_bytes(raw)
    return Result(name, verdict.valid if verdict.judged else None, verdict.issues, source)
