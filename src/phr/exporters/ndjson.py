"""One resource a line, as FHIR Bulk Data has it: easy to grep, and other programs read it line by line.

The bytes of a resource stay as its source sent them, with one exception: a resource that was sent over several
lines has its layout taken out, because a line may not contain a line break. Its numbers and texts stay.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import BinaryIO

from phr.exporters.base import Counted, Exported, Handover
from phr.exporters.fhir import type_of

_STRING_OR_SPACE = re.compile(rb'("[^"\\]*(?:\\.[^"\\]*)*")|[ \t\r\n]+', re.DOTALL)


class NdjsonExporter:
    """`phr export --format ndjson`."""

    media_type = "application/fhir+ndjson"
    suffix = ".ndjson"

    def write(self, given: Handover, out: BinaryIO) -> Exported:
        to, types = Counted(out), Counter[str]()
        for _, raw in given.resources():
            to.write(one_line(raw) + b"\n")
            types[type_of(raw)] += 1
        return Exported(to.bytes, dict(sorted(types.items())), given.missing())


def one_line(raw: bytes) -> bytes:
    """The same JSON on one line: untouched if it is on one already, else without its layout."""
    if b"\n" not in raw and b"\r" not in raw:
        return raw
    return _STRING_OR_SPACE.sub(lambda found: found[1] or b"", raw)
