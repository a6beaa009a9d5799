"""What tables are about, for programs: Metadata Vocabulary for Tabular Data (W3C, CSV on the Web, 2015).

One document describes each file, column by column, with type and meaning, and says when and from what it was made.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from phr.exporters.about import NO_CLINICIAN, About
from phr.views.tables.shape import Column

_TYPES = {"text": "string", "number": "decimal", "date": "date", "time": "string", "boolean": "boolean"}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
GUARD = (
    "A text that a spreadsheet would take for a formula (it begins with = + - or @, also behind a semicolon or a quote)"
    " has an apostrophe before it; without that it is the text of the source. Empty cells: nobody said."
)
WHEN = "A date is the first day of what was said; date_precision tells whether that was a year, a month or a day."


def metadata(about: About, files: Mapping[str, tuple[Column, ...]], *remarks: str) -> bytes:
    """The document for these files (`lab_results.csv`) with their columns."""
    said: dict[str, Any] = {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": "en"}],
        "dc:title": "Health record as tables",
        "dc:created": about.made.isoformat(),
        "dc:description": " ".join([*about.sentences(), NO_CLINICIAN, GUARD, WHEN, *remarks]),
        "notes": [about.document()],
        "dialect": {"encoding": "utf-8", "delimiter": ",", "lineTerminators": ["\r\n"], "header": True},
    }
    described = [{"url": name, "tableSchema": _schema(columns)} for name, columns in files.items()]
    said |= described[0] if len(described) == 1 else {"tables": described}
    return json.dumps(said, ensure_ascii=False, indent=1).encode() + b"\n"


def _schema(columns: tuple[Column, ...]) -> dict[str, Any]:
    return {
        "columns": [
            {
                **({"name": one.name} if _NAME.fullmatch(one.name) else {}),
                "titles": one.name,
                "datatype": _TYPES[one.type],
                "dc:description": one.meaning,
            }
            for one in columns
        ]
    }
