"""What a file is by its first bytes, and what to say of what cannot be read.

Its name is never asked: portals hand out `download.php`, and a sign-in page gets saved as `record.xml`.
"""

from __future__ import annotations

import re

from phr.errors import UnreadableFile
from phr.records import media_types

HEAD = 16_384
"""Bytes at the beginning that are looked into."""
BOM = b"\xef\xbb\xbf"
_SPACE = b" \t\r\n"
CDA = "urn:hl7-org:v3"
FHIR = "http://hl7.org/fhir"

_FHIR_FILES = "FHIR files (Bundle, resource, NDJSON), C-CDA documents, and ZIP archives of them can be read"
ONCE_MORE = "Ask whoever gave you the file for it once more, and import that: phr import FILE"
_AGAIN = "Probably a sign-in or error page was saved: download the file itself again"
_OTHER_FORM = "Ask your provider for the C-CDA or FHIR form of the same record"
_BLUE_BUTTON = re.compile(rb"blue\s?button|my\s?medicare\.gov|my\s?healthevet", re.IGNORECASE)
_UNPACK = "Unpack it, then import the files inside"
# How other things begin, what they are, what to do.
_FOREIGN: tuple[tuple[bytes, str, str], ...] = (
    (b"%PDF", "is a PDF document, which is not read yet", _OTHER_FORM),
    (b"{\\rtf", "is a text document (RTF), which is not read yet", _OTHER_FORM),
    (b"MSH|", "is an HL7 v2 message, which is not read yet", _FHIR_FILES),
    (b"FHS|", "is a batch of HL7 v2 messages, which is not read yet", _FHIR_FILES),
    (b"BHS|", "is a batch of HL7 v2 messages, which is not read yet", _FHIR_FILES),
    (b"SQLite format 3", "is a database", _FHIR_FILES),
    (b"7z\xbc\xaf\x27\x1c", "is a 7-Zip archive", _UNPACK),
    (b"Rar!", "is a RAR archive", _UNPACK),
    (b"BZh", "is packed with bzip2", _UNPACK),
    (b"\xfd7zXZ\x00", "is packed with xz", _UNPACK),
    (b"\x28\xb5\x2f\xfd", "is packed with Zstandard", _UNPACK),
    (b"MZ", "is a program", "Delete it, unless you know what it is for"),
)
_KINDS = {
    "image": ("is a picture, which is not read yet", _OTHER_FORM),
    "audio": ("is a sound recording", _FHIR_FILES),
    "video": ("is a film", _FHIR_FILES),
    "application/dicom": ("is a picture (DICOM), which is not read yet", _OTHER_FORM),
    "application/msword": ("is an Office document, which is not read yet", _OTHER_FORM),
    "application/postscript": ("is a page for a printer (PostScript)", _OTHER_FORM),
}
_OFFICE = (
    (b"word/", "is a Word document, which is not read yet", _OTHER_FORM),
    (b"xl/", "is an Excel sheet", "Save it as CSV, then: phr import --mapping M.toml FILE.csv"),
    (b"ppt/", "is a PowerPoint file", _OTHER_FORM),
)
# XML by the namespace of its root, or by the root's name: what it is, what to do.
_NAMESPACES = {
    "http://www.w3.org/1999/XSL/Transform": ("is a stylesheet, no record", _FHIR_FILES),
    "http://www.w3.org/2000/svg": ("is a picture", _FHIR_FILES),
    "http://www.w3.org/2001/XMLSchema": ("is a schema, no record", _FHIR_FILES),
    "urn:astm-org:CCR": ("is a CCR document, which is not read", _OTHER_FORM),
}
_ROOTS = {
    "html": ("is a web page", _AGAIN),
    "healthdata": ("is the list of what a phone measured, which is not read yet",
                   "Import the export.zip of the Health app whole: it holds the records of your providers"),
    "continuityofcarerecord": ("is a CCR document, which is not read", _OTHER_FORM),
    "submitobjectsrequest": ("lists the documents of an archive, and is none",
                             "Import the whole archive, or the documents beside it"),
    "stylesheet": ("is a stylesheet, no record", _FHIR_FILES),
    "svg": ("is a picture", _FHIR_FILES),
}  # fmt: skip
_CDA_NAMES = frozenset(
    """clinicaldocument recordtarget component structuredbody section entry entryrelationship act observation
    organizer substanceadministration procedure encounter supply observationmedia regionofinterest author custodian
    documentationof componentof nonxmlbody participant informant legalauthenticator authenticator dataenterer
    informationrecipient relateddocument serviceevent encompassingencounter consumable performer templateid""".split()
)
_ELEMENT = re.compile(r"<(?:([^\W\d][\w.-]*):)?([^\W\d][\w.-]*)([^<>]{0,8000})")
_DOCTYPE = re.compile(r"<!DOCTYPE\s+(?:[\w.-]+:)?([\w.-]+)", re.IGNORECASE)


class ForeignFile(UnreadableFile):
    """A file of a kind that is not read: nothing is wrong with it."""


def foreign(name: str, what: str, hint: str) -> ForeignFile:
    """`what` is the rest of a sentence that begins with the file's name."""
    return ForeignFile(f"{name} {what}.", hint=hint)


def words(head: bytes) -> bytes:
    """The beginning without byte order mark and blanks."""
    return head.removeprefix(BOM).lstrip(_SPACE)


def is_zip(head: bytes) -> bool:
    """Whether a ZIP archive begins so (APPNOTE.TXT 4.3): with a file, or with the end of an empty one."""
    return head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"))


def is_tar(head: bytes) -> bool:
    """Whether a tar archive begins so (POSIX.1-2017, pax, ustar Interchange Format)."""
    return head[257:262] == b"ustar"


def is_xml(head: bytes) -> bool:
    """Whether these are the first bytes of XML, in any encoding that XML 1.0 appendix F tells apart."""
    return words(_narrow(head[:1024])).startswith(b"<")


def refuse_foreign(head: bytes, name: str) -> None:
    """Raises UnreadableFile for what is recognised and not read."""
    begin = words(head)
    if not begin and len(head) < HEAD:
        raise ForeignFile(f"{name} is empty.", hint="Download it again: it is probably not complete")
    for beginning, what, mend in _FOREIGN:
        if begin.startswith(beginning):
            raise foreign(name, what, mend)
    if is_zip(head):
        for folder, what, mend in _OFFICE:
            if folder in head and b"[Content_Types].xml" in head:
                raise foreign(name, what, mend)
        return
    kind = media_types.sniff(head[: media_types.LOOKED_AT]) or ""
    found = _KINDS.get(kind) or _KINDS.get(kind.partition("/")[0])
    if found and not is_xml(head):
        raise foreign(name, *found)
    # Medicare and the VA hand out the same record as text, with this title (Blue Button, since 2010).
    if not begin.startswith((b"<", b"{", b"[")) and _BLUE_BUTTON.search(_narrow(head)[:4096]):
        raise foreign(
            name,
            "is a Blue Button text file, which phr does not read yet",
            "Where you got it, take the other form of the same record: JSON (Medicare) or C-CDA, .xml (VA)",
        )


def refuse_other_xml(head: bytes, name: str) -> None:
    """Raises UnreadableFile for XML that is no C-CDA. What cannot be told from its beginning is let through."""
    local, namespace = root_of(head)
    if not local or namespace == CDA:
        return
    found = _NAMESPACES.get(namespace) or _ROOTS.get(local)
    if found:
        raise foreign(name, *found)
    if local not in _CDA_NAMES:
        raise foreign(name, "is XML, but neither a C-CDA document nor FHIR", _FHIR_FILES)


def root_of(head: bytes) -> tuple[str, str]:
    """The root element's name in lower case and its namespace; empty where the beginning does not show them."""
    rest = (_decoded(head) or "").lstrip("\ufeff \t\r\n")
    declared = _DOCTYPE.search(rest)
    while rest.startswith(("<?", "<!")):
        if rest.startswith("<!--"):
            end = "-->"
        elif rest.startswith("<?"):
            end = "?>"
        else:
            end = "]>" if "[" in rest.partition(">")[0] else ">"
        rest = rest.partition(end)[2].lstrip()
    root = _ELEMENT.match(rest)
    if root is None:
        return (declared[1].lower() if declared else ""), ""
    prefix, local, attributes = root.groups()
    space = re.search(
        rf"""\bxmlns{":" + re.escape(prefix) if prefix else ""}\s*=\s*["']([^"']*)["']""", attributes
    )
    return local.lower(), space[1].strip() if space else ""


def _decoded(head: bytes) -> str | None:
    return media_types.decoded(_narrow(head))


def _narrow(head: bytes) -> bytes:
    """The beginning of UTF-16 or UTF-32 as single bytes: names of elements are ASCII."""
    if (
        head.startswith((b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff"))
        or b"\x00<" in head[:5]
        or head[1:2] == b"\x00"
    ):
        return head.replace(b"\x00", b"").removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff")
    return head
