"""The words of a PDF, and what of it stays the same when it is made anew (ISO 32000-1), by `pypdf`.

Bounded in bytes, pages, characters, decoded streams and time: a damaged or hostile file ends in no text. Never raises.
"""

from __future__ import annotations

import io
import logging
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from phr.records.patience import within

if TYPE_CHECKING:
    from pypdf import PdfReader

BYTES = 60_000_000
PAGES = 300
SECONDS = 10.0
_STREAM = 20_000_000
_OBJECTS = 20_000
# Where a PDF says when it was made and which copy it is: Info dictionary, XMP metadata, trailer ID.
_MADE = re.compile(
    rb"/(?:CreationDate|ModDate|Producer|Creator)\s*\((?:[^()\\]|\\.){0,300}\)"
    rb"|/(?:CreationDate|ModDate)\s*<[0-9A-Fa-f\s]{0,300}>"
    rb"|/ID\s*\[\s*(?:<[0-9A-Fa-f\s]{0,200}>\s*|\((?:[^()\\]|\\.){0,200}\)\s*){2}\]"
    rb"|<(xmp:(?:CreateDate|ModifyDate|MetadataDate)|xmpMM:(?:DocumentID|InstanceID))>[^<]{0,200}</\1>"
)
_START = re.compile(rb"startxref\s+\d+")


def words(content: bytes, limit: int, seconds: float = SECONDS) -> str:
    """The text of the first pages, at most `limit` characters; empty when there is none to be had."""
    if len(content) > BYTES:
        return ""
    parts: list[str] = []
    ends = time.monotonic() + seconds * 0.8
    within(seconds, lambda: _read(content, limit, ends, parts), None)
    return "\n".join(parts)[:limit]  # what came before trouble is good


def _read(content: bytes, limit: int, ends: float, parts: list[str]) -> None:
    size = 0
    with _opened(content) as reader:
        for number, page in enumerate(reader.pages):
            if number >= PAGES or size >= limit or time.monotonic() > ends:
                break
            with suppress(Exception):  # the next page may be better
                found = page.extract_text()
                parts.append(found)
                size += len(found)


@contextmanager
def _opened(content: bytes) -> Iterator[PdfReader]:
    from pypdf import PdfReader, apply_configuration

    logging.getLogger("pypdf").setLevel(logging.CRITICAL + 1)  # its warnings may quote the document
    with apply_configuration(
        zlib_maximum_output_length=_STREAM,
        lzw_maximum_output_length=_STREAM,
        run_length_maximum_output_length=_STREAM,
        array_based_stream_maximum_output_length=_STREAM,
        stream_decoding_work_maximum_length=_STREAM * 4,
        stream_parsing_work_maximum_count=500_000,
        xform_maximum_invocations_per_extraction=500,
        page_tree_maximum_entries=_OBJECTS,
        jbig2dec_binary=None,  # no other program is run on a stranger's bytes
    ):
        yield PdfReader(io.BytesIO(content), strict=False)


def gist(content: bytes, seconds: float = SECONDS) -> bytes | None:
    """A fingerprint without the times and numbers of this copy; None where that cannot be told.

    What is drawn on each page and the pictures it uses count, byte for byte once they are unpacked.
    """
    if len(content) > BYTES:
        return None
    return within(seconds, lambda: _gist(content), None)


def plain_gist(content: bytes) -> bytes:
    """A fingerprint of the file's own bytes without times and numbers: quick, and enough where nothing else moved."""
    return sha256(_START.sub(b"", _MADE.sub(b"", content))).digest()


def _gist(content: bytes) -> bytes:
    digest = sha256()
    with _opened(content) as reader:
        pages = reader.pages
        if len(pages) > PAGES:
            raise ValueError("too many pages to compare")
        for page in pages:
            drawn = page.get_contents()
            digest.update(b"page")
            digest.update(drawn.get_data() if drawn is not None else b"")
            for annotation in page.annotations or ():
                digest.update(str(annotation.get_object().get("/Contents", "")).encode("utf-8", "replace"))
            _resources(page.get("/Resources"), digest, set(), 0)
    return digest.digest()


def _resources(found: Any, digest: Any, seen: set[int], depth: int) -> None:
    """Pictures and forms that a page draws, and the fonts by name: all that its own commands only point at."""
    found = found.get_object() if found is not None else None
    if found is None or depth > 8:
        return
    for name, reference in sorted(dict(found.get("/XObject", {})).items()):
        thing = reference.get_object()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        digest.update(name.encode("utf-8", "replace"))
        digest.update(bytes(getattr(thing, "_data", b"")))
        _resources(thing.get("/Resources"), digest, seen, depth + 1)
