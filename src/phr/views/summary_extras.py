"""What the condition packs add to a summary: values that matter for a condition that the person has.

A pack names them (`SummaryExtra`: label, codes, words, kind); the newest record that fits is shown. The conditions are
looked for among the active problems, which have been read anyway.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from phr.views.summary_results import KEY
from phr.views.summary_rows import Desk, Row

if TYPE_CHECKING:
    from phr.packs.codes import CodeSet
    from phr.packs.model import SummaryExtra
    from phr.packs.words import Words

Said = tuple[Row, dict[str, Any]]
_LOOKED, _BESIDE = 200, 12
"""So many are looked at that were found by their words: where no value was found by its code, and where one was."""
_WORD = re.compile(r"[^\W_]+")
_NO_VALUE = frozenset(("cancelled", "entered-in-error", "not-done", "refuted"))


def extras(desk: Desk, marks: Mapping[int, Sequence[str]]) -> list[Said]:
    """The newest record of each extra of each pack that applies: `marks` are those of `applying`."""
    from phr.packs.codes import CodeSet
    from phr.packs.loading import packs

    found: list[Said] = []
    seen: set[int] = set()
    wanted = {id_ for ids in marks.values() for id_ in ids}
    for pack in packs():
        if not pack.summary or not (pack.general or pack.id in wanted):
            continue
        for extra in pack.summary:
            row = newest(desk, extra, CodeSet(extra.codes))
            if row is not None and row.id not in seen:
                seen.add(row.id)
                found.append((row, {"label": extra.label, "pack": pack.id, "pack_name": pack.name}))
    return found


def applying(active: Sequence[Row]) -> dict[int, list[str]]:
    """Of each of these problems the packs that are about it."""
    from phr.packs.codes import CodeSet
    from phr.packs.loading import packs
    from phr.packs.words import Words

    found: dict[int, list[str]] = {row.id: [] for row in active}
    for pack in packs():
        codes, words = CodeSet(pack.codes), Words(pack.words)
        for row in () if pack.general else active:
            if codes.fits((one[0], one[1]) for one in row.codes) or words.fit(row.title):
                found[row.id].append(pack.id)
    return found


def newest(desk: Desk, extra: SummaryExtra, codes: CodeSet) -> Row | None:
    """The newest record of its kind with one of these codes, or with these words in its title."""
    from phr.packs.words import Words

    words = Words(extra.words)
    plain = [code for _, listed in extra.codes for code in listed]
    measured = _measured(desk, plain)
    limit = _BESIDE if measured else _LOOKED
    ids = dict.fromkeys((*measured, *_found(desk, [] if measured else plain, extra.words, limit)))
    fitting = [
        row
        for row in desk.rows(list(ids), kind=extra.kind)
        if (row.date_from or 0) <= desk.now and row.status not in _NO_VALUE and _fits(row, codes, words)
    ]
    return max(fitting, key=lambda row: (row.date_from or 0, row.id), default=None)


def _fits(row: Row, codes: CodeSet, words: Words) -> bool:
    """By its code; by its name only where it has no code in the systems that are asked for."""
    coded = [(one[0], one[1]) for one in row.codes]
    return codes.fits(coded) or (not any(codes.knows(one[0]) for one in coded) and words.fit(row.title))


def _measured(desk: Desk, codes: Iterable[str]) -> list[int]:
    sql = (
        f"SELECT id FROM record WHERE {KEY} = ? AND value IS NOT NULL AND supporting = 0"
        " ORDER BY date_from DESC, id DESC LIMIT 3"
    )
    return [row[0] for code in codes for row in desk.db.execute(sql, (code,))]


def _found(desk: Desk, codes: Sequence[str], words: Sequence[str], limit: int) -> list[int]:
    """By the full text: what has no value, or another code before this one. The last that came are looked at."""
    from phr.packs.words import matching

    parts = [f'codes : "{" ".join(_WORD.findall(code))}"' for code in codes]
    parts += [f"title : ({said})" for said in [matching(words)] if said]
    if not parts:
        return []
    rows = desk.db.execute(
        "SELECT rowid FROM record_search WHERE record_search MATCH ? ORDER BY rowid DESC LIMIT ?",
        (" OR ".join(parts), limit),
    )
    return [row[0] for row in rows]
