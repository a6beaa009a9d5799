"""Whether two copies of a document say the same, although their bytes differ.

Some servers make a document anew whenever it is read (a C-CDA at Epic, a PDF from a template), so that its id, its
times and the note on how long it took change each night. Such a copy is no new version. In doubt it is one.
"""

from __future__ import annotations

import re
from hashlib import sha256

from phr.records import media_types, pdf_text, xml_text
from phr.records.patience import within

_SECONDS = 10.0
_LARGEST = 60_000_000
_XML = frozenset({media_types.CCDA, "application/xml", "application/xhtml+xml"})
# A line that says nothing but when this copy was made.
_MADE = re.compile(
    r"(?im)^[^\S\n]*(?:document\s+)?(?:generated|printed|created|produced|downloaded|exported|retrieved|report run)"
    r"(?:\s+(?:on|at|by))?[\s:]+[\d/.,: TZapmAPM+-]{4,60}$"
)


def says_the_same(old: bytes, new: bytes) -> bool:
    """Whether only times and numbers of the copy differ. Never raises; bounded in time."""
    if old == new:
        return True
    kind = media_types.sniff(new)
    if kind is None or kind != media_types.sniff(old) or max(len(old), len(new)) > _LARGEST:
        return False
    if kind == media_types.PDF:
        if pdf_text.plain_gist(old) == pdf_text.plain_gist(new):
            return True
        first = pdf_text.gist(old)
        return first is not None and first == pdf_text.gist(new)
    if kind in _XML:
        return within(
            _SECONDS, lambda: (first := xml_text.gist(old)) is not None and first == xml_text.gist(new), False
        )
    if kind in ("text/plain", "text/html", media_types.RTF):
        return _text_gist(old) == _text_gist(new)
    return False


def _text_gist(content: bytes) -> bytes:
    return sha256(_MADE.sub("", media_types.decoded(content)).encode("utf-8", "replace")).digest()
