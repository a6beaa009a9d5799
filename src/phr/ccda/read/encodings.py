"""The bytes of an XML document as text, also where its encoding is not the one it names.

Follows XML 1.0, 4.3.3 and appendix F: marks first, the declaration second. UTF-8 that is not is windows-1252, byte
by byte, because that is what old EHR software writes; what was guessed is named.
"""

from __future__ import annotations

import codecs
import re

_ENCODING = re.compile(r"encoding\s*=\s*[\"']\s*([\w.:-]+)\s*[\"']", re.IGNORECASE)


def _from_windows(error: UnicodeError) -> tuple[str, int]:
    """Bytes that are no UTF-8 are windows-1252, as old EHR software writes them."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    wrong = error.object[error.start : error.end]
    return wrong.decode("cp1252", "replace"), error.end


codecs.register_error("phr-windows-1252", _from_windows)


def decode(content: bytes) -> tuple[str, list[str]]:
    """The text, by its marks first and its declaration second, with a remark where these do not fit."""
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF32_LE, "utf-32"),
        (codecs.BOM_UTF32_BE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if content.startswith(mark):
            return _lenient(content, encoding, [])
    start = content[:400].lstrip(b"\0 \t\r\n")
    if b"<\0" in content[:8] or b"\0<" in content[:8]:
        little = content[:8].find(b"<\0") % 2 == 0 and b"<\0" in content[:8]
        return _lenient(content, "utf-16-le" if little else "utf-16-be", [])
    found = _ENCODING.search(start.decode("latin-1"))
    declared = (found[1] if found else "utf-8").lower()
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return _not_utf8(content, declared)
    remarks = []
    if not content.isascii() and not declared.replace("_", "-").startswith(("utf-8", "utf8")):
        remarks.append(f"It says that it is written in {declared}, and is in UTF-8.")
    return text, remarks


def _lenient(content: bytes, encoding: str, remarks: list[str]) -> tuple[str, list[str]]:
    handler = "phr-windows-1252" if encoding == "utf-8" else "replace"
    text = content.decode(encoding, handler)
    if "\ufffd" in text and handler == "replace":
        remarks.append("Some characters could not be read.")
    return text.removeprefix("\ufeff"), remarks


def _not_utf8(content: bytes, declared: str) -> tuple[str, list[str]]:
    try:
        codec = codecs.lookup(declared).name
    except (LookupError, ValueError):
        codec = "utf-8"
    if codec in ("utf-8", "utf-16", "utf-32", "ascii", "utf-8-sig", "utf-16-le", "utf-16-be"):
        text = content.decode("utf-8", "phr-windows-1252")
        return text, [f"It says that it is written in {declared}, and is not: read as windows-1252."]
    if codec in (
        "iso8859-1",
        "latin-1",
    ):  # browsers read it so too: 0x80 to 0x9F are no letters in ISO 8859-1
        codec = "cp1252"
    try:
        return content.decode(codec, "replace"), []
    except (LookupError, TypeError, ValueError):  # not an encoding of text, such as base64
        return content.decode("utf-8", "phr-windows-1252"), [f"It names {declared}, which is no encoding."]
