"""What a sync would ask for: `phr sync --dry-run`, on a screen and as a document.

The id of a patient is in each address that is asked. On a screen, which somebody may photograph for a bug report,
it is written `patient=…`; JSON has it whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from phr.cli.granted import BESIDE, WORDS
from phr.cli.refusals import grouped, listed
from phr.cli.text import Screen, clean, count, table, when, width, wrapped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from phr.model import Refusal, Search
    from phr.workspace.sync import Planned

_MODES = {
    "full": "everything is asked for",
    "incremental": "what changed is asked for",
    "bulk": "a bulk export is asked for",
}
_ABOUT_A_PATIENT = frozenset(
    {"patient", "subject", "beneficiary", "subscriber", "_id", "individual", "member"}
)


def plan_document(planned: Sequence[Planned], types: Sequence[str] = ()) -> dict[str, Any]:
    """The plan as `phr sync --dry-run --json` prints it; `types` are those it was limited to."""
    runs = [
        {
            "connection": one.connection,
            "mode": one.mode,
            "last_sync": one.last_sync,
            "types": list(types),
            "searches": [_search(search) for search in one.searches],
            "refused": [{"type": refusal.type, "reason": refusal.reason} for refusal in one.refused],
            "error": one.error,
        }
        for one in planned
    ]
    return {"status": "completed", "dry_run": True, "runs": runs}


def _search(search: Search) -> dict[str, Any]:
    """A parameter that is given several times has a list of values."""
    parameters: dict[str, Any] = {}
    for name, value in search.params:
        before = parameters.get(name)
        parameters[name] = (
            value if before is None else [*(before if isinstance(before, list) else [before]), value]
        )
    return {
        "type": search.type,
        "parameters": parameters,
        "filter": search.filter,
        "since": search.since,
        "reason": search.reason,
    }


def plan_lines(planned: Sequence[Planned], view: Screen) -> Iterator[str]:
    """The plan of each connection: what is asked and why, what is not and why."""
    if not planned:
        yield "Nothing is due."
    for number, one in enumerate(planned):
        if number:
            yield ""
        name = view.paint(clean(one.connection), "heading")
        if not one.searches:
            yield f"{name}: {view.paint('nothing can be asked', 'alarm')}"
            yield from wrapped(clean(one.error), view)
            yield from map(view.spell, _refused(one.refused, view))
            continue
        asked = f"{count(len(one.searches), 'search', 'searches')}"
        yield f"{name}: {_MODES.get(one.mode, clean(one.mode))}, {asked}; last sync {when(one.last_sync)}"
        yield from wrapped(_summary(one), view)
        if one.error:
            words = f"The server was not asked what it offers: {clean(one.error).rstrip('.')}."
            yield from wrapped(f"{words} This is what its vendor is known for.", view, indent=0)
        yield from map(view.spell, _searches(one.searches, view))
        yield from map(view.spell, _refused(one.refused, view))


def _searches(searches: Sequence[Search], view: Screen) -> Iterator[str]:
    """A table with the reasons beside the searches, or with numbers for them where it is too wide."""
    dated = any(search.since for search in searches)
    heads = ["TYPE", "ASKED WITH", *(["CHANGED SINCE"] if dated else []), "WHY"]
    rows = [[_type(one), _asked(one), *([_since(one)] if dated else []), _why(one)] for one in searches]
    if not rows:
        return
    plain = table(rows, heads, Screen(None, colour=False, unicode=view.unicode))
    if not view.columns or max(map(width, plain)) <= view.columns:
        yield from table(rows, heads, view)
        return
    # Where most reasons fit they stand beside their search; the others, or all of them, below under a number.
    bare = table([row[:-1] for row in rows], heads[:-1], Screen(None, colour=False, unicode=view.unicode))
    room = view.columns - max(map(width, bare)) - 2
    below = [
        reason
        for reason in dict.fromkeys(row[-1] for row in rows)
        if room < _LEAST or width(clean(reason)) > room
    ]
    numbered = [[*row[:-1], below.index(row[-1]) + 1 if row[-1] in below else row[-1]] for row in rows]
    yield from table(numbered, heads, view, wide=1)
    for number, reason in enumerate(below, 1):
        yield from wrapped(f"{number}\xa0 {clean(reason)}", view, indent=0)


_LEAST = 40
"""Cells below which reasons do not stand beside their searches."""


def _type(search: Search) -> str:
    """The type, without the id in a path such as `Patient/1/$everything`."""
    first, *more = search.type.split("/")
    return "/".join([first, *(word if word.startswith("$") else "…" for word in more)])


def _asked(search: Search) -> str:
    """The parameters, without the patient; the date of an incremental search has a column of its own."""
    ids = {value.rpartition("/")[2] for name, value in search.params if name in _ABOUT_A_PATIENT}
    return "&".join(
        f"{name}=…" if value.rpartition("/")[2] in ids else f"{name}={value}"
        for name, value in search.params
        if not (name == "_lastUpdated" and search.since)
    )


def _summary(one: Planned) -> str:
    """The plan in one sentence: which kinds of record, and which of them only as far as they changed."""
    changed = _kinds(search for search in one.searches if search.since)
    whole = [
        kind
        for kind in _kinds(search for search in one.searches if not search.since and "/" not in search.type)
        if kind not in changed
    ]
    parts = [f"what changed of {_some(changed)}"] if changed else []
    parts += [f"all {_some(whole)}"] if whole else []
    return f"In short: {'; '.join(parts)}." if parts else ""


def _kinds(searches: Iterable[Search]) -> list[str]:
    return list(
        dict.fromkeys(WORDS.get(search.type, search.type) for search in searches if search.type not in BESIDE)
    )


_NAMED = 3


def _some(kinds: list[str]) -> str:
    """So many by name that it stays one line."""
    left = len(kinds) - _NAMED
    if left <= 1:
        return ", ".join(kinds)
    return f"{', '.join(kinds[:_NAMED])} and {left} more kinds"


_SINCE = re.compile(r"only what changed since \d{4}-\d\d-\d\d(?:, as wished)?; ?")


def _why(search: Search) -> str:
    """The reason; the date has a column of its own."""
    return _SINCE.sub("", clean(search.reason)) if search.since else clean(search.reason)


def _since(search: Search) -> str:
    return when(search.since) if search.since else "all"


def _refused(refused: Sequence[Refusal], view: Screen) -> Iterator[str]:
    """What is not asked, by reason."""
    reasons = grouped((one.type, one.reason, None, False, 1) for one in refused)
    if reasons:
        yield view.paint("Not asked", "bold")
    for reason, about in reasons.items():
        yield from wrapped(f"{listed(about)}: {reason}", view)
