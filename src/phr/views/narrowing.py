"""The filters of a search as one SQL condition: kinds, time, sources and tags as everywhere, and what only a search asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from phr.fhir import dates
from phr.views.events import marks
from phr.views.query import Query
from phr.views.search_limits import WINDOW, Limits
from phr.views.words import fold, tokens

if TYPE_CHECKING:
    from phr.store.store import Store
    from phr.views.selection import Selection

_HAVING = {
    "document": "SELECT rs.record_id FROM record_source rs JOIN attachment a ON a.resource_id = rs.resource_id",
    "note": "SELECT rs.record_id FROM note n JOIN record_source rs ON rs.resource_id = n.resource_id",
    "tag": "SELECT rs.record_id FROM tag t JOIN record_source rs ON rs.resource_id = t.resource_id",
    "bookmarked": "SELECT rs.record_id FROM bookmark b JOIN record_source rs ON rs.resource_id = b.resource_id",
    "corrected": "SELECT rs.record_id FROM correction c JOIN record_source rs ON rs.resource_id = c.resource_id",
}
_BEING = {
    "abnormal": "record.abnormal = 1",
    "mine": "record.origin = 'person'",
    "active": "record.status IN ('active', 'in-progress', 'recurrence', 'relapse', 'booked', 'ready', 'requested')",
    "value": "record.value IS NOT NULL",
}


def limits_of(store: Store, query: Query, said: list[str]) -> Limits:
    """What every hit has to be, as SQL."""
    from phr.views.selection import Selection

    around = query.around or (None, None)
    selection = Selection(
        kinds=query.kinds,
        since=query.after or around[0],
        until=query.before or around[1],
        sources=_sources(store, query.sources, said),
        tags=query.tags,
    )
    said += _unknown(store, query.tags)
    condition, values = selection.where()
    for name in (*query.states, *query.having):
        condition += f" AND {_BEING[name]}" if name in _BEING else f" AND record.id IN ({_HAVING[name]})"
    if not meant_words(query) and query.wishes & {"abnormal", "high", "low"}:
        condition += " AND record.abnormal = 1"
    for column, asked in (("performer", query.by), ("facility", query.at)):
        for text in asked:
            words = [word for word in tokens(text) if word not in ("dr", "doctor", "mr", "mrs", "ms", "the")]
            for word in words or tokens(text):
                condition += f" AND {_SAID_OF[column]}"
                values += [f"%{word}%"] * 2
    without = " OR ".join(f'"{" ".join(term.tokens)}"' for term in query.without)
    plain = not query.filtered() and not query.around and condition == "record.supporting = 0"
    narrow = Selection(kinds=query.kinds, since=selection.since, until=selection.until)
    exact = narrow == selection and (condition, values) == narrow.where()
    window = None if plain else _window(store, narrow)
    return Limits(condition, tuple(values), without, plain, window, exact)


def _window(store: Store, narrow: Selection) -> tuple[int, ...] | None:
    """The records of these kinds and this time, newest first, out of an index alone; None when they are many.

    A partial date is a year at the longest, so nothing that begins more than a year before the time reaches into it.
    """
    condition, values = narrow.where()
    order = "ORDER BY record.date_from DESC, record.id DESC LIMIT ?"
    if narrow.since or narrow.until:
        begin = dates.parse(narrow.since) if narrow.since else None
        if begin:
            condition += " AND record.date_from > ?"
            values.append(begin.start - 367 * 86_400)
        rows = store.db.execute(
            f"SELECT record.id FROM record WHERE {condition} {order}", (*values, WINDOW + 1)
        )
        found = [row[0] for row in rows]
    elif narrow.kinds:
        shown = f"SELECT coalesce(sum(shown), 0) FROM tally WHERE kind IN ({marks(narrow.kinds)})"
        if store.db.execute(shown, narrow.kinds).fetchone()[0] > WINDOW:
            return None
        found = []
        for kind in narrow.kinds:
            rows = store.db.execute(
                f"SELECT record.id FROM record WHERE record.kind = ? AND record.supporting = 0 {order}",
                (kind, WINDOW),
            )
            found += [row[0] for row in rows]
    else:
        return None
    return tuple(found) if len(found) <= WINDOW else None


# The visit says where and by whom, when the record itself does not (as in views.events).
_SAID_OF = {
    column: f"(record.{column} LIKE ? OR (record.{column} IS NULL AND record.encounter IN (SELECT e.resource FROM"
    f" record e WHERE e.kind = 'encounter' AND e.supporting = 0 AND e.{column} LIKE ?)))"
    for column in ("performer", "facility")
}


def meant_words(query: Query) -> bool:
    """Whether anything but wishes and talk was typed."""
    return any(term.role in ("word", "quoted", "code") for term in query.terms)


def _unknown(store: Store, tags: Sequence[str]) -> list[str]:
    from phr.views.tagging import unknown_tags

    return unknown_tags(store, tags)


def _sources(store: Store, asked: Sequence[str], said: list[str]) -> tuple[str, ...]:
    """The sources that are meant: by name, or by a part of it."""
    if not asked:
        return ()
    names = [str(row[0]) for row in store.db.execute("SELECT name FROM source ORDER BY name")]
    found: list[str] = []
    for one in asked:
        near = [name for name in names if name == one] or [name for name in names if fold(one) in fold(name)]
        if not near:
            there = f" There is: {', '.join(names)}." if names else ""
            said.append(f"No source is named “{one}”.{there}")
        found += near or [one]
    return tuple(dict.fromkeys(found))
