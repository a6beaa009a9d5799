"""The readable records as one JSON document: the events of the timeline under a header that says what this is.

For the person's own scripts. The keys of an event are those of `phr timeline --json`.
"""

from __future__ import annotations

from collections import Counter
from typing import BinaryIO

import orjson

from phr.exporters.about import NO_CLINICIAN, about
from phr.exporters.base import Exported, Handover
from phr.exporters.files import Counted
from phr.views.timeline import with_pack_tags


class JsonExporter:
    """`phr export --format json`."""

    media_type = "application/json"
    suffix = ".json"

    def write(self, given: Handover, out: BinaryIO) -> Exported:
        to, kinds = Counted(out), Counter[str]()
        total, earliest, latest = given.extent()
        said = about(
            given
        ).document()  # what is withheld for its sensitivity is not told to whoever gets the file
        frame = orjson.dumps(
            {
                "schema": 1,
                **said,
                "made": given.header.made,
                "statement": NO_CLINICIAN,
                "total": total,
                "date_range": {"earliest": earliest, "latest": latest},
            }
        )
        to.write(frame[:-1] + b',"events":[')
        between = b"\n"
        for event in with_pack_tags(given.events()):
            to.write(between + orjson.dumps(event, option=orjson.OPT_NON_STR_KEYS, default=str))
            kinds[event["kind"]] += 1
            between = b",\n"
        to.write(b"\n]}\n")
        return Exported(
            to.bytes, dict(sorted(kinds.items())), (*given.contents.left_out, *given.contents.gone)
        )
