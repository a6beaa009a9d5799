"""The readable records as one JSON document: the events of the timeline under a header that says what this is.

For the person's own scripts. The keys of an event are those of `phr timeline --json`.
"""

from __future__ import annotations

from collections import Counter
from typing import BinaryIO

import orjson

from phr.exporters.base import Counted, Exported, Handover


class JsonExporter:
    """`phr export --format json`."""

    media_type = "application/json"
    suffix = ".json"

    def write(self, given: Handover, out: BinaryIO) -> Exported:
        to, kinds = Counted(out), Counter[str]()
        total, earliest, latest = given.extent()
        # What is withheld for its sensitivity is not told to whoever gets the file.
        missing = [{"what": one.type, "reason": one.reason} for one in given.contents.left_out]
        frame = orjson.dumps(
            {
                "schema": 1,
                "id": given.header.id,
                "made": given.header.made,
                "software": given.header.software,
                "selection": given.selection.described(),
                "sources": given.header.sources,
                "left_out": missing,
                "total": total,
                "date_range": {"earliest": earliest, "latest": latest},
            }
        )
        to.write(frame[:-1] + b',"events":[')
        between = b"\n"
        for event in given.events():
            to.write(between + orjson.dumps(event))
            kinds[event["kind"]] += 1
            between = b",\n"
        to.write(b"\n]}\n")
        return Exported(
            to.bytes, dict(sorted(kinds.items())), (*given.contents.left_out, *given.contents.gone)
        )
