"""One resource a line, as FHIR Bulk Data has it: easy to grep, and other programs read it line by line.

One stream, or a folder with one file for each type, which is the layout of a Bulk Data export (FHIR Bulk Data Access).
The bytes of a resource stay as its source sent them, with one exception: a resource that was sent over several
lines has its layout taken out, because a line may not contain a line break. Its numbers and texts stay.
"""

from __future__ import annotations

import re
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from phr.exporters.base import Counted, Exported, Handover, private_file
from phr.exporters.fhir import type_of

_TYPE = re.compile(r"[A-Za-z]{1,64}")
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


def write_folder(given: Handover, folder: Path) -> Exported:
    """One file for each type, such as `Condition.ndjson`, into a folder that is there and empty. 0600 each."""
    types, total = Counter[str](), 0
    with ExitStack() as open_:
        files: dict[str, BinaryIO] = {}
        for _, raw in given.resources():
            type_ = type_of(raw)
            name = type_ if _TYPE.fullmatch(type_) else "unknown"
            if name not in files:
                files[name] = open_.enter_context(private_file(folder / f"{name}.ndjson"))
            total += files[name].write(one_line(raw) + b"\n")
            types[type_] += 1
    return Exported(total, dict(sorted(types.items())), given.missing())


def one_line(raw: bytes) -> bytes:
    """The same JSON on one line: untouched if it is on one already, else without its layout."""
    if b"\n" not in raw and b"\r" not in raw:
        return raw
    return _STRING_OR_SPACE.sub(lambda found: found[1] or b"", raw)
