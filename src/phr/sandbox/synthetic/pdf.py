"""One page of text as a PDF 1.4 file (ISO 32000-1, section 7.5), for the documents of the synthetic record.

No library is needed for that: five objects, a cross-reference table of exact offsets, a trailer.
"""

from __future__ import annotations

from collections.abc import Sequence

_ESCAPES = str.maketrans({"\\": r"\\", "(": r"\(", ")": r"\)"})


def page(title: str, lines: Sequence[str]) -> bytes:
    """The bytes of a letter-size page with a heading and these lines, each at most some 90 characters long."""
    content = _content(title, lines)
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    )
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)


def _content(title: str, lines: Sequence[str]) -> bytes:
    drawn = [
        "BT",
        "/F1 15 Tf",
        "72 730 Td",
        f"({title.translate(_ESCAPES)}) Tj",
        "/F1 10 Tf",
        "14 TL",
        "0 -28 Td",
    ]
    drawn += [f"({line.translate(_ESCAPES)}) Tj T*" for line in lines]
    return "\n".join([*drawn, "ET"]).encode("cp1252", errors="replace")
