"""Reads the files given by `--data`: FHIR Bundles, NDJSON or single resources, plain, gzipped or in a tar.

What a file is, is found by looking inside. The bytes of each resource are kept as they stand: a Bundle is cut
with `msgspec.Raw`, never parsed and written again (`1.20` must not become `1.2` on the way to a client).
"""

from __future__ import annotations

import gzip
import hashlib
import io
import logging
import tarfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import orjson

from phr.errors import UsageError

log = logging.getLogger(__name__)

_WHAT_IS_READ = "Give FHIR R4 Bundles (JSON), NDJSON, or these gzipped or in a .tar.gz."


@dataclass(frozen=True, slots=True)
class Draft:
    """One resource as it stands in a file, before references are resolved."""

    type: str
    id: str
    raw: bytes
    bundle: int
    """Number of the Bundle it came in: `urn:uuid:` references count inside one Bundle first."""
    full_url: str | None = None
    if_none_exist: str | None = None


class _Head(msgspec.Struct):
    resourceType: str  # noqa: N815 - FHIR's spelling
    id: str | None = None


class _Bundle(msgspec.Struct):
    resourceType: str  # noqa: N815
    entry: list[msgspec.Raw] | None = None


class _Request(msgspec.Struct):
    method: str | None = None
    ifNoneExist: str | None = None  # noqa: N815


class _Entry(msgspec.Struct):
    resource: msgspec.Raw = msgspec.Raw(b"null")
    fullUrl: str | None = None  # noqa: N815
    request: _Request | None = None


_bundle = msgspec.json.Decoder(_Bundle)
_entry = msgspec.json.Decoder(_Entry)
_head = msgspec.json.Decoder(_Head)


class Loader:
    """Collects Drafts from files and memory; `skipped` counts what was no resource."""

    def __init__(self) -> None:
        self.drafts: list[Draft] = []
        self.skipped = 0
        self._bundles = 0

    def add_file(self, path: Path) -> None:
        """Read one file. Raises UsageError when it cannot be read or holds no FHIR resource."""
        before = len(self.drafts)
        try:
            for body in _unpacked(path.read_bytes()):
                self._add_body(body)
        except OSError as error:
            reason = error.strerror or "it cannot be read"
            raise UsageError(f"{path.name} cannot be opened: {reason}.", hint="Check the name.") from error
        except (tarfile.TarError, zlib.error, EOFError) as error:
            raise UsageError(f"{path.name} is a damaged archive.", hint=_WHAT_IS_READ) from error
        if len(self.drafts) == before:
            raise UsageError(f"{path.name} holds no FHIR resource.", hint=_WHAT_IS_READ)
        log.info("loaded %d resources from one file", len(self.drafts) - before)

    def add_resources(self, resources: Iterable[Mapping[str, Any] | bytes]) -> None:
        """Take resources from memory: dicts are written once, bytes are kept as they are."""
        for resource in resources:
            # Copied: what orjson gives out keeps the room it was written in, five times as much as is needed.
            written = resource if isinstance(resource, bytes) else bytes(memoryview(orjson.dumps(resource)))
            self._add_value(written)

    def _add_body(self, body: bytes) -> None:
        body = body.removeprefix(b"\xef\xbb\xbf").strip()
        if not body:
            return
        try:
            self._add_value(_whole(body))
        except msgspec.DecodeError:
            for line in body.splitlines():
                if line.strip():
                    self._add_line(line.strip())

    def _add_line(self, line: bytes) -> None:
        try:
            self._add_value(_whole(line))
        except msgspec.DecodeError:
            self.skipped += 1

    def _add_value(self, raw: bytes) -> None:
        try:
            head = _head.decode(raw)
        except msgspec.DecodeError:
            self.skipped += 1
            return
        if head.resourceType != "Bundle":
            self._add_resource(raw, head, bundle=0, entry=None)
            return
        self._bundles += 1
        try:
            entries = _bundle.decode(raw).entry or []
        except msgspec.DecodeError:
            self.skipped += 1
            return
        for entry in entries:
            self._add_entry(bytes(entry), self._bundles)

    def _add_entry(self, raw: bytes, bundle: int) -> None:
        try:
            entry = _entry.decode(raw)
            head = _head.decode(entry.resource)
        except msgspec.DecodeError:
            self.skipped += 1
            return
        self._add_resource(bytes(entry.resource), head, bundle, entry)

    def _add_resource(self, raw: bytes, head: _Head, bundle: int, entry: _Entry | None) -> None:
        if head.resourceType == "OperationOutcome":
            self.skipped += 1
            return
        full_url = entry.fullUrl if entry else None
        id_ = head.id or _id_from(full_url, head.resourceType) or hashlib.sha256(raw).hexdigest()[:32]
        if head.id is None:
            raw = b'{"id":' + orjson.dumps(id_) + b"," + raw.lstrip()[1:].lstrip()
        request = entry.request if entry else None
        self.drafts.append(
            Draft(head.resourceType, id_, raw, bundle, full_url, request.ifNoneExist if request else None)
        )


def _whole(body: bytes) -> bytes:
    """The body itself if it is one JSON value. Raises msgspec.DecodeError if it is not."""
    return bytes(msgspec.json.decode(body, type=msgspec.Raw))


def _id_from(full_url: str | None, type_: str) -> str | None:
    """The id that a fullUrl gives an entry without one: `urn:uuid:X` or `…/Type/X`."""
    if full_url is None:
        return None
    if full_url.startswith(("urn:uuid:", "urn:oid:")):
        return full_url.rpartition(":")[2] or None
    head, _, id_ = full_url.rpartition("/")
    return id_ if id_ and head.endswith(type_) else None


def _unpacked(data: bytes) -> Iterator[bytes]:
    """The data itself, or what is inside when it is gzip or tar."""
    if data.startswith(b"\x1f\x8b"):
        data = gzip.decompress(data)
    if data[257:262] != b"ustar":
        yield data
        return
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            content = archive.extractfile(member) if member.isfile() else None
            if content is not None:
                yield from _unpacked(content.read())
