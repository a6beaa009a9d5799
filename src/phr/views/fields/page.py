"""The tables of fields as a page of the documentation: docs/fields.md."""

from __future__ import annotations

from phr.records.derive import SHAPES
from phr.views.fields import everything
from phr.views.fields.table import Field

_HEAD = """# What `phr show` says of each kind of record

Made by `make docs` from the tables in `src/phr/views/fields/`. A page begins with the title, the kind, the date and
the status; then come the fields below, in this order, as far as the source has them. An element that is named here
nowhere is shown under **More** by its own name, so nothing of the source is hidden but ids, `meta` and what only
repeats the rest. `phr show RECORD --json` has all of it under `details`.

How values are said:

- Numbers keep the digits of the source; a unit is the source's own.
- Dates keep their precision: `2023`, `2023-12`, `2023-12-04`, `2023-12-04 09:30` (the clock of the place; `UTC` where
  the source says so). Seconds are left out, and a midnight stands for its day. A period says how long it was.
- A code is said by the source's words for it, else by those of its code system; codes themselves stand in the line
  *Codes*.
- A reference is said by the name of what it points at: the display, else the resource that the same source sent.
- A line with several elements holds them in the order given here, and whatever else the source put there.
"""


def page() -> str:
    """The whole page."""
    parts = [_HEAD]
    tables = everything()
    for type_, rows in tables.items():
        parts.append(f"\n## {type_}\n\n| Field | Element | How it is said |\n|---|---|---|\n")
        parts += [_line(row) for row in rows]
    missing = sorted(set(SHAPES) - set(tables))
    if missing:
        parts.append(f"\n## By their own names\n\n{', '.join(missing)}.\n")
    return "".join(parts)


def _line(row: Field) -> str:
    elements = " or ".join(f"`{path}`" for path in row.paths)
    how = "each under its own name" if row.own else row.form.name
    return f"| {row.label} | {elements} | {how.replace('|', '/')} |\n"
