"""What a document is, by its first bytes; for what its source does not say, or says wrongly.

Seen: `contentType` missing, `application/octet-stream` for everything, a C-CDA called text/xml or application/pdf.
The names are those of IANA's registry and, for C-CDA, the one of US Core's examples (`application/xml` with a
ClinicalDocument inside counts as XML with a better name for people).
"""

from __future__ import annotations

import re

CCDA = "application/hl7-cda+xml"
PDF = "application/pdf"
RTF = "application/rtf"
UNKNOWN = "application/octet-stream"
LOOKED_AT = 4096
"""Bytes at the beginning that are looked into."""

_MAGIC = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"BM", "image/bmp"),
    (b"PK\x03\x04", "application/zip"),
    (b"PK\x05\x06", "application/zip"),
    (b"\x1f\x8b", "application/gzip"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/msword"),
    (b"ID3", "audio/mpeg"),
    (b"OggS", "audio/ogg"),
    (b"%!PS", "application/postscript"),
)
_OFFICE = (
    (b"word/", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    (b"xl/", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    (b"ppt/", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
)
_SUFFIXES = {
    PDF: ".pdf",
    CCDA: ".xml",
    RTF: ".rtf",
    "text/rtf": ".rtf",
    "application/xml": ".xml",
    "text/xml": ".xml",
    "application/json": ".json",
    "application/fhir+json": ".json",
    "application/dicom": ".dcm",
    "application/zip": ".zip",
    "application/gzip": ".gz",
    "application/msword": ".doc",
    _OFFICE[0][1]: ".docx",
    _OFFICE[1][1]: ".xlsx",
    _OFFICE[2][1]: ".pptx",
    "text/html": ".html",
    "application/xhtml+xml": ".html",
    "text/plain": ".txt",
    "text/markdown": ".md",
    "text/csv": ".csv",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/gif": ".gif",
    "image/tiff": ".tif",
    "image/bmp": ".bmp",
    "image/webp": ".webp",
    "image/heic": ".heic",
    "image/svg+xml": ".svg",
    "audio/mpeg": ".mp3",
    "audio/ogg": ".ogg",
    "audio/wav": ".wav",
    "video/mp4": ".mp4",
    "application/postscript": ".ps",
}
_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
# What only the bytes can tell apart: another name from the same family is no contradiction.
_FAMILIES = (
    frozenset(
        {CCDA, "application/xml", "text/xml", "application/cda+xml", "application/xhtml+xml", "image/svg+xml"}
    ),
    frozenset({RTF, "text/rtf", "application/x-rtf"}),
    frozenset({"application/json", "application/fhir+json", "application/json+fhir"}),
)
_CHARSET = re.compile(r"charset\s*=\s*\"?([\w.:-]{1,40})", re.ASCII | re.IGNORECASE)
_DECLARED = re.compile(rb"""(?:encoding|charset)\s*=\s*["']?([\w.:-]{1,40})""", re.IGNORECASE)
_NAMESPACED = re.compile(r"<[a-z][^<>]*xmlns")
"""One repetition only: several beside each other take the cube of a stranger's length."""
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def sniff(content: bytes) -> str | None:
    """The media type that the first bytes show; None where they show none."""
    head = content[:LOOKED_AT]
    if not head:
        return None
    if b"%PDF-" in head[:1024]:  # ISO 32000-1, annex H: readers take it anywhere in the first 1024 bytes
        return PDF
    if head[128:132] == b"DICM":
        return "application/dicom"
    if head[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav"}.get(head[8:12])
    if head[4:8] == b"ftyp":
        return "image/heic" if head[8:11] in (b"hei", b"mif") else "video/mp4"
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return _inside_zip(content) if name == "application/zip" else name
    return _sniff_text(head)


def _inside_zip(content: bytes) -> str:
    """The three office formats name their folder in the first entries."""
    return next((name for folder, name in _OFFICE if folder in content[:LOOKED_AT]), "application/zip")


def _sniff_text(head: bytes) -> str | None:
    words = _decoded_head(head)
    if words is None:
        return None
    start = words.lstrip("\ufeff \t\r\n")
    low = start[:1000].lower()
    if start.startswith("{\\rtf"):
        return RTF
    if low.startswith(("<!doctype html", "<html")):
        return "text/html"
    if low.startswith(("<?xml", "<clinicaldocument", "<!--")) or _NAMESPACED.match(low):
        return _kind_of_xml(words)
    if low.startswith(("{", "[")) and re.match(r"[{\[]\s*[\"{\[\]}\d]", start):
        return "application/json"
    if re.match(r"<(p|div|body|head|table|b|br|span|h[1-6]|center|font|pre|ul|ol)\b[^>]*>", low):
        return "text/html"
    return "text/plain"


def _kind_of_xml(words: str) -> str:
    if re.search(r"<(?:[\w.-]+:)?ClinicalDocument\b", words):
        return CCDA
    if re.search(r"<html\b", words, re.IGNORECASE):
        return "application/xhtml+xml"
    if re.search(r"<svg\b", words):
        return "image/svg+xml"
    return "application/xml"


def _decoded_head(head: bytes) -> str | None:
    """The beginning as text; None where it is none."""
    for mark, name in _BOMS:
        if head.startswith(mark):
            return head.decode(name, "replace")
    if head[:1] == b"<" and head[1:2] == b"\x00":
        return head.decode("utf-16-le", "replace")
    return None if _BINARY.search(head) else head.decode("latin-1")


def bare(declared: str | None) -> str:
    """`Text/HTML; charset=x` as `text/html`; empty where nothing was said."""
    return (declared or "").partition(";")[0].strip().lower()


def settle(declared: str | None, sniffed: str | None) -> str:
    """What a document is called: the source's word, unless its bytes say otherwise."""
    said = bare(declared)
    if "/" not in said or said in (
        UNKNOWN,
        "binary/octet-stream",
        "application/binary",
        "application/unknown",
    ):
        return sniffed or UNKNOWN
    if sniffed is None or said == sniffed:
        return said
    if any(said in family and sniffed in family for family in _FAMILIES):
        return CCDA if sniffed == CCDA else said
    # text/plain is what is left when nothing speaks for another kind of text, so it contradicts no other
    if sniffed == "text/plain" and said.startswith("text/"):
        return said
    if sniffed == "application/zip" and said.startswith("application/") and said != PDF:
        return said  # many formats are zip files inside
    return sniffed


def suffix(media_type: str | None) -> str:
    """The ending that a file of this type has; `.bin` for what has none."""
    return _SUFFIXES.get(bare(media_type), ".bin")


def decoded(content: bytes, declared: str | None = None) -> str:
    """Text out of bytes: by its byte order mark, by what was declared outside or inside, as UTF-8, else Windows-1252."""
    for mark, name in _BOMS:
        if content.startswith(mark):
            return content[len(mark) :].decode(name, "replace")
    said = _CHARSET.search(declared or "")
    inside = _DECLARED.search(content[:1024])
    names = [said[1] if said else "", "utf-8", inside[1].decode("ascii", "replace") if inside else ""]
    for name in filter(None, names):
        try:
            return content.decode(name)
        except (LookupError, UnicodeError, ValueError):
            continue
    return content.decode("cp1252", "replace")
