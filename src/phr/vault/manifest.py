"""The list at the beginning of a backup: what is in it, and how each file must come out again."""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from phr.errors import UsageError
from phr.vault.envelope import Damaged

PORTION = 256 * 1024
_LONGEST_LIST = 1024 * 1024
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")


@dataclass(frozen=True)
class BackedUpFile:
    name: str
    bytes: int
    sha256: str


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def described(name: str, content: Path | bytes) -> BackedUpFile:
    """One entry of the list. Raises UsageError when the name is no plain file name."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"“{name[:100]}” cannot be the name of a file in a backup.")
    digest, size = hashlib.sha256(), 0
    for portion in portions(content):
        digest.update(portion)
        size += len(portion)
    return BackedUpFile(name, size, digest.hexdigest())


def portions(content: Path | bytes) -> Iterator[bytes]:
    """The content in pieces that never fill the memory."""
    with io.BytesIO(content) if isinstance(content, bytes) else content.open("rb") as file:
        while portion := file.read(PORTION):
            yield portion


def encoded(files: list[BackedUpFile], created: datetime) -> bytes:
    """The list as it stands in the backup, its length before it."""
    listed = [{"name": file.name, "bytes": file.bytes, "sha256": file.sha256} for file in files]
    body = json.dumps(
        {"created": created.astimezone(UTC).isoformat(timespec="seconds"), "files": listed}
    ).encode()
    return len(body).to_bytes(4, "big") + body


def listed(stream: Readable) -> tuple[str, tuple[BackedUpFile, ...]]:
    """When the backup was made and what it holds. Raises Damaged."""
    length = int.from_bytes(_exactly(stream, 4), "big")
    if length > _LONGEST_LIST:
        raise Damaged
    try:
        manifest = json.loads(_exactly(stream, length))
        files = tuple(
            BackedUpFile(str(f["name"]), int(f["bytes"]), str(f["sha256"])) for f in manifest["files"]
        )
        created = str(manifest["created"])
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        raise Damaged from None
    names = {file.name for file in files}
    if len(names) < len(files) or not all(_NAME.fullmatch(name) for name in names):
        raise Damaged
    return created, files


def _exactly(stream: Readable, count: int) -> bytes:
    found = b""
    while len(found) < count:
        portion = stream.read(count - len(found))
        if not portion:
            raise Damaged
        found += portion
    return found
