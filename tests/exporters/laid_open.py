"""All that a file says to somebody who takes it apart: what is in base64 inside of it, and on the pages of a PDF."""

from __future__ import annotations

import base64
import io
import re

from pypdf import PdfReader


def laid_open(body: bytes) -> bytes:
    """The bytes, and beneath them everything that is packed in them."""
    parts = [body]
    if body.startswith(b"%PDF"):
        reader = PdfReader(io.BytesIO(body))
        text = "\n".join(page.extract_text() for page in reader.pages)
        # On paper a word may be broken at the end of a line.
        parts += [" ".join(text.split()).encode(), re.sub(r"[\s\u00ad-]+", "", text).encode()]
        parts += [repr(reader.metadata).encode(), repr(reader.outline).encode()]
        parts += [obj.get_object().get_data() for obj in _streams(reader)]
    parts += [base64.b64decode(one[: len(one) // 4 * 4]) for one in re.findall(rb"[A-Za-z0-9+/]{16,}", body)]
    return b"\n".join(parts)


def _streams(reader: PdfReader) -> list[object]:
    """What is neither a page nor a font: XMP, attached files, alternative texts are strings of the structure."""
    root = reader.trailer["/Root"]
    return [root[name] for name in ("/Metadata",) if name in root]
