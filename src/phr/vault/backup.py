"""One sealed file that brings a record back on another computer: `phr backup` and `phr restore`.

It holds what it is given under plain names: a consistent copy of the records database (the caller makes it) and
the record key that opens it. Tokens are left out on purpose: after a restore every provider asks for a new sign-in,
and a stolen backup gives access to none of them.

    head       see `phr.vault.envelope`; adds the nonce prefix and the size of what follows
    stream     see `phr.vault.stream`; its plain text is
        4 bytes    length of the list, big endian
        n bytes    JSON: when it was made, and name, size and SHA-256 of each file
        the files  one after the other, in that order
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from phr.errors import Locked, PhrError, UnreadableFile, UsageError
from phr.paths import make_private, private_file_beside, settle
from phr.vault.envelope import (
    CutShort,
    Damaged,
    ForeignFile,
    KdfParams,
    SealKey,
    WrongKey,
    new_head,
    read_head,
    subkey,
    unlock,
)
from phr.vault.manifest import PORTION, BackedUpFile, described, encoded, listed, portions
from phr.vault.stream import PREFIX, OpenedStream, seal_stream, sealed_size
from phr.vault.unpack import Folder, Nowhere

MAGIC = b"PHRBACK1"
_PURPOSE = b"phr backup"


@dataclass(frozen=True)
class BackupInfo:
    """What a backup holds; `bytes` is the size of the sealed file itself."""

    path: Path
    bytes: int
    created: str
    files: tuple[BackedUpFile, ...]


@dataclass(frozen=True)
class OpenedBackup:
    """The files are in the folder that was named, except the record key, which is here."""

    info: BackupInfo
    record_key: bytes | None = field(repr=False)


def seal(
    out_path: Path,
    files: Mapping[str, Path | bytes],
    passphrase: str,
    *,
    created: datetime | None = None,
    kdf: KdfParams | None = None,
) -> BackupInfo:
    """Seal the files into `out_path` (0600), read it back whole, and only then give it its name.

    Raises UsageError for an empty passphrase or a name that is no plain file name, PhrError when it cannot be
    written or does not read back as it was written; what was at `out_path` before is then still there.
    """
    if not passphrase:
        raise UsageError(
            "A backup needs a passphrase.", hint="Choose one that you can still find in ten years."
        )
    if not out_path.absolute().parent.is_dir():
        raise UsageError(f"The folder {out_path.absolute().parent} does not exist.", hint="Make it first.")
    try:
        holds = [described(name, content) for name, content in files.items()]
        manifest = encoded(holds, created or datetime.now(UTC))
        with private_file_beside(out_path) as (handle, temporary):
            _write(handle, manifest, files, sum(file.bytes for file in holds), passphrase, kdf)
            handle.flush()
            handle.seek(0)
            info = _read(handle, out_path, passphrase, Nowhere())
            if info.files != tuple(holds):
                raise Damaged
            settle(handle, temporary, out_path)
    except (Damaged, ForeignFile, WrongKey, UnreadableFile):
        raise PhrError(
            "The backup did not read back as it was written, so it was not kept.",
            hint="Nothing may write to the files meanwhile; then try again, perhaps on another disk.",
        ) from None
    except OSError as error:
        raise PhrError(
            f"The backup {out_path} could not be written: {error.strerror}.",
            hint="Look at the free space and the permissions of its folder.",
        ) from None
    return info


def verify(path: Path, passphrase: str) -> BackupInfo:
    """Read the whole backup and say what it holds. Raises as `open_sealed` does."""
    with _reading(path) as file:
        return _read(file, path, passphrase, Nowhere())


def open_sealed(path: Path, passphrase: str, into: Path) -> OpenedBackup:
    """Bring the files back into the folder `into`, all or none of them, replacing nothing.

    Raises Locked for a wrong passphrase, UnreadableFile when the file is damaged, cut short or no backup,
    UsageError when one of the files is already there.
    """
    make_private(into)
    target = Folder(into)
    try:
        with _reading(path) as file:
            info = _read(file, path, passphrase, target)
        target.settle()
    except OSError as error:
        raise PhrError(f"The backup could not be brought back into {into}: {error.strerror}.") from None
    finally:
        target.clear()
    return OpenedBackup(info, target.record_key)


# ── writing ───────────────────────────────────────────────────────────────────────────────────────


def _write(
    out: BinaryIO,
    manifest: bytes,
    files: Mapping[str, Path | bytes],
    size: int,
    passphrase: str,
    kdf: KdfParams | None,
) -> None:
    def plain() -> Iterator[bytes]:
        yield manifest
        for content in files.values():
            yield from portions(content)

    prefix = os.urandom(PREFIX)
    head, master = new_head(
        MAGIC,
        SealKey.from_passphrase(passphrase),
        kdf or KdfParams(),
        prefix=prefix.hex(),
        bytes=len(manifest) + size,
    )
    out.write(head.raw)
    seal_stream(subkey(master, _PURPOSE), prefix, head.raw, plain(), out)


# ── reading ───────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def _reading(path: Path) -> Iterator[BinaryIO]:
    """The file, and its troubles told in a person's words."""
    other = "Take another copy of this backup, or an older one."
    try:
        file = path.open("rb")
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be read: {error.strerror}.", hint="Check the path.") from None
    try:
        with file:
            yield file
    except WrongKey:
        raise Locked(
            f"The passphrase does not open {path}; the file itself looks sound.",
            hint="Try the passphrase again: a backup is opened by the one it was made with.",
        ) from None
    except ForeignFile:
        raise UnreadableFile(
            f"{path} is not a backup that this phr can read.", hint="Check the file."
        ) from None
    except CutShort:
        raise UnreadableFile(f"The backup {path} is cut short: its end is missing.", hint=other) from None
    except Damaged:
        raise UnreadableFile(f"The backup {path} is damaged: its bytes have changed.", hint=other) from None


def _read(file: BinaryIO, path: Path, passphrase: str, target: Nowhere | Folder) -> BackupInfo:
    """Walk through the whole backup, compare every file with its SHA-256 and hand it on."""
    head = read_head(file, MAGIC)
    size, expected = os.fstat(file.fileno()).st_size, _expected_size(head.values, len(head.raw))
    if size < expected:
        raise CutShort
    if size > expected or head.kind != "passphrase":
        raise Damaged
    master = unlock(head, SealKey.from_passphrase(passphrase))
    stream = OpenedStream(subkey(master, _PURPOSE), bytes.fromhex(head.values["prefix"]), head.raw, file)
    created, files = listed(stream)
    for entry in files:
        target.begin(entry)
        _copy(stream, entry, target)
    if stream.read(1):
        raise Damaged
    return BackupInfo(path, size, created, files)


def _expected_size(values: dict[str, Any], head_size: int) -> int:
    try:
        if len(bytes.fromhex(values["prefix"])) != PREFIX:
            raise Damaged
        return head_size + sealed_size(int(values["bytes"]))
    except (KeyError, TypeError, ValueError, OverflowError):
        raise Damaged from None


def _copy(stream: OpenedStream, file: BackedUpFile, target: Nowhere | Folder) -> None:
    digest, left = hashlib.sha256(), file.bytes
    while left > 0:
        portion = stream.read(min(left, PORTION))
        if not portion:
            raise Damaged
        digest.update(portion)
        target.take(portion)
        left -= len(portion)
    if digest.hexdigest() != file.sha256:
        raise Damaged
