"""ZIP and tar archives, as portals hand records out.

Seen: MyChart's "Download my record" (the IHE XDM layout: IHE_XDM/SUBSET01/DOC0001.XML with METADATA.XML, INDEX.HTM
and a stylesheet), the Health app's export.zip, folders of FHIR files. Follows APPNOTE.TXT 6.3 (ZIP) and
POSIX.1-2017 pax (tar) as far as Python's readers do, and IHE ITI TF-2 3.32 for the layout of XDM.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
from collections.abc import Iterator
from functools import partial
from typing import BinaryIO, cast

from phr.errors import UnreadableFile
from phr.importers import apple_health, tape
from phr.importers.base import Part
from phr.importers.bounded import BOMB, Budget, is_bomb
from phr.importers.found import Found, Opener
from phr.importers.members import (
    BROKEN,
    IN_MEMORY,
    LOCKED,
    MOST,
    TOO_MANY,
    TOTAL,
    Look,
    Members,
    nothing_in,
    reason,
    refused,
)

_END, _END64 = b"PK\x05\x06", b"PK\x06\x06"
_TAIL = 22 + 65_535 + 76
"""The end of the list of files, with a comment of any length and the 64-bit form before it."""
_LONGEST_LIST = 16_000_000
"""Bytes of the list of files; more would be too many files, or names that nobody gives."""
_HEAD = 16_384
"""Bytes of a document in which its time is looked for."""
_AGAIN = "Download it again: it is probably not complete"
_MADE = re.compile(r"<(?:\w+:)?effectiveTime\b[^<>]{0,200}?\bvalue\s*=\s*[\"'](\d{4,14})")


def zipped(opener: Opener, name: str, look: Look, budget: Budget, *, outermost: bool = True) -> Found:
    """A ZIP archive. Raises UnreadableFile when it is damaged or was made to do harm."""
    opener = _seekable(opener, name)
    try:
        with opener() as stream:
            _check_end(stream, name)
            with zipfile.ZipFile(stream) as packed:
                infos = packed.infolist()
                _check_list(infos, stream, name)
                paths = [info.filename for info in infos]
    except BROKEN as error:
        if isinstance(error, MemoryError):
            raise
        raise UnreadableFile(f"{name} is a damaged ZIP archive.", hint=_AGAIN) from None
    apple = apple_health.is_export(paths)
    members = Members(name, look, budget, outermost=outermost)
    parts = partial(_apple_parts, opener, {}, members) if apple else partial(_zip_parts, opener, members)
    return Found(
        "apple-health" if apple else "zip",
        parts,
        members.sections,
        sender=(lambda: apple_health.SENDER) if apple else members.sender,
        where=members.where,
        nothing=partial(nothing_in, "a ZIP archive"),
    )


def _seekable(opener: Opener, name: str) -> Opener:
    """ZIP is read from its end and back and forth. What is packed would be unpacked anew each time: it is held."""
    with opener() as stream:
        if isinstance(stream, io.BytesIO) or isinstance(getattr(stream, "raw", None), io.FileIO):
            return opener
        content = stream.read(IN_MEMORY * 4 + 1)
    if len(content) > IN_MEMORY * 4:
        raise UnreadableFile(
            f"{name} is a packed archive of more than {IN_MEMORY * 4 // 1_000_000} MB.",
            hint="Unpack it, then import the archive inside",
        )
    return partial(io.BytesIO, content)


def _check_end(stream: BinaryIO, name: str) -> None:
    """The list of files is read into memory, so its size is looked at first."""
    size = stream.seek(0, io.SEEK_END)
    stream.seek(max(0, size - _TAIL))
    tail = stream.read()
    at = tail.rfind(_END)
    if at < 0 or len(tail) < at + 22:
        raise zipfile.BadZipFile
    length = struct.unpack_from("<L", tail, at + 12)[0]
    before = tail.rfind(_END64, 0, at)
    if before >= 0:
        length = max(struct.unpack_from("<Q", tail, before + 40)[0], 0 if length == 0xFFFFFFFF else length)
    if length > _LONGEST_LIST:
        raise UnreadableFile(f"{name} {TOO_MANY}.", hint="Import its files one by one")


def _check_list(infos: list[zipfile.ZipInfo], stream: BinaryIO, name: str) -> None:
    if len(infos) > MOST:
        raise UnreadableFile(f"{name} {TOO_MANY}.", hint="Import its files one by one")
    # Files that lie over one another are how a small archive pretends to be a large one (Fifield 2019).
    if sum(info.compress_size for info in infos) > stream.seek(0, io.SEEK_END):
        raise UnreadableFile(f"{name} {BOMB}.", hint="It may be made to do harm: ask whoever sent it")


def _zip_parts(opener: Opener, members: Members) -> Iterator[Part]:
    members.begin()
    with opener() as stream, zipfile.ZipFile(stream) as packed:
        infos = packed.infolist()
        for index in _oldest_first(packed, infos, members.budget):
            yield from _zip_member(packed, infos[index], index, members)


def _zip_member(
    packed: zipfile.ZipFile, info: zipfile.ZipInfo, index: int, members: Members
) -> Iterator[Part]:
    if info.filename.endswith("/"):
        return
    if info.flag_bits & 0x1:
        yield refused(info.filename, LOCKED)
        return
    opener = cast(Opener, partial(packed.open, info))
    yield from members.member(index, info.filename, info.file_size, info.compress_size, opener)


def _apple_parts(opener: Opener, listed: dict[str, apple_health.Listed], members: Members) -> Iterator[Part]:
    members.begin()
    with opener() as stream, zipfile.ZipFile(stream) as packed:
        infos = packed.infolist()
        if not listed:  # once: the list may be gigabytes long
            paths = [info.filename for info in infos]
            listed |= apple_health.listed_in(_listing(packed, infos, members.budget), paths)
        export = apple_health.Export(listed)
        for index, info in enumerate(infos):
            why = apple_health.why_not(info.filename)
            if info.filename.endswith("/"):
                continue
            if why is not None:
                yield refused(info.filename, why, known=True)
                continue
            for part in _zip_member(packed, info, index, members):
                yield export.part(info.filename, part)
        members.report(export.sections(members.name))


def _listing(packed: zipfile.ZipFile, infos: list[zipfile.ZipInfo], budget: Budget) -> Iterator[BinaryIO]:
    for info in infos:
        wanted = apple_health.is_listing(info.filename) and not info.flag_bits & 0x1
        honest = info.file_size <= TOTAL and not is_bomb(info.file_size, info.compress_size)
        # It is only searched, many times faster than a record is read: an eighth of it counts.
        if wanted and honest and budget.spend(info.file_size // 8):
            with packed.open(info) as stream:
                yield cast(BinaryIO, stream)


def _oldest_first(packed: zipfile.ZipFile, infos: list[zipfile.ZipInfo], budget: Budget) -> list[int]:
    """FHIR first, then documents by the time they were made.

    What several documents say of one thing counts as the last one says it, whatever order the archive has.
    """
    return sorted(range(len(infos)), key=lambda index: (_made(packed, infos[index], budget), index))


def _made(packed: zipfile.ZipFile, info: zipfile.ZipInfo, budget: Budget) -> str:
    if not info.filename.lower().endswith(".xml") or info.flag_bits & 0x1:
        return ""
    if not budget.spend(min(_HEAD, info.file_size)):
        return ""
    try:
        with packed.open(info) as stream:
            head = stream.read(_HEAD)
    except BROKEN:
        return ""
    found = _MADE.search(head.replace(b"\x00", b"").decode("latin-1"))
    return found[1] if found else "0"


def taped(opener: Opener, name: str, look: Look, budget: Budget, *, outermost: bool = True) -> Found:
    """A tar archive, read from front to back."""
    members = Members(name, look, budget, outermost=outermost)
    return Found(
        "tar",
        partial(_tar_parts, opener, members),
        members.sections,
        sender=members.sender,
        where=members.where,
        nothing=partial(nothing_in, "a tar archive"),
    )


def _tar_parts(opener: Opener, members: Members) -> Iterator[Part]:
    members.begin()
    with opener() as stream:
        try:
            for index, member in enumerate(tape.members(stream, members.name)):
                if index >= MOST:
                    yield refused(members.name, TOO_MANY)
                    return
                yield from _tar_member(member, index, members)
        except UnreadableFile as error:
            yield refused(members.name, reason(error, members.name))
        except BROKEN:
            yield refused(members.name, "ends in the middle: the archive is cut off or damaged there")


def _tar_member(member: tape.TapeMember, index: int, members: Members) -> Iterator[Part]:
    if member.is_folder:
        return
    if not member.is_file:
        yield refused(member.name, "is a link or a device, not a file", known=True)
        return
    if member.size > IN_MEMORY * 4:
        yield refused(
            member.name, f"is larger than {IN_MEMORY * 4 // 1_000_000} MB: unpack the archive for it"
        )
        return
    content = member.read()
    yield from members.member(index, member.name, len(content), len(content), partial(io.BytesIO, content))
