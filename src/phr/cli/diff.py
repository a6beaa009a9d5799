"""`phr diff`: what came, changed or went since the last look, or since a day."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from phr.cli import output
from phr.cli.context import workspace
from phr.cli.options import Json
from phr.cli.selecting import Kinds, Packs, Sensitivity, Sources, Tags, Until, said_date, select

_LAST_LOOK = ("last-look", "last look", "last_look", "lastlook", "look", "my last look")
_ON_SCREEN = 10


def _since(value: str | None) -> str | None:
    """A date as people say it; None for the last look."""
    if value is None or value.strip().lower() in _LAST_LOOK:
        return None
    return said_date("--since", value)


Since = Annotated[
    str | None,
    typer.Option(
        "--since",
        help="last-look (the default), a date (2024, 2024-03-15, “last march”), or an instant.",
        metavar="D",
        callback=_since,
    ),
]
Limit = Annotated[
    int | None,
    typer.Option(
        "--limit",
        "-n",
        min=0,
        help="At most so many of each list (default: 10, with --json 1000).",
        metavar="N",
    ),
]


def diff(
    ctx: typer.Context,
    since: Since = None,
    until: Until = None,
    kind: Kinds = None,
    source: Sources = None,
    tag: Tags = None,
    pack: Packs = None,
    sensitivity: Sensitivity = None,
    limit: Limit = None,
    json: Json = False,
) -> None:
    """What came, changed or went at each source, by when it got here; changed notes word by word.

    Without --since: since your last look (phr status, or this command; looking twice within an hour is one look). What
    a source no longer returns has not been deleted for that: it is named, and stays in your record.

    \b
    phr diff
    phr diff --since "last march" --kind meds
    phr diff --since 2024-01 --until 2024-06 --source clinic

    Exit statuses: 0 fine, 1 failed (also: no record yet), 2 usage, 6 locked.
    """
    from phr.views import diff as view
    from phr.views.diff_window import window
    from phr.views.look import note_look

    chosen = select(kind, None, None, source, tag, None, sensitivity, pack)
    most = limit if limit is not None else view.LISTED if json else _ON_SCREEN
    with workspace(ctx).store() as store:
        asked = window(store, since, until)
        report = view.diff(store, asked, chosen, limit=most)
        if json:
            _tag(report)
            output.emit_json(report)  # a script that asks has not looked
            return
        from phr.cli.diff_screen import drawn, nothing, says_something

        if says_something(report):
            output.emit(drawn(report, output.out()))
        else:
            empty = store.db.execute("SELECT 1 FROM resource LIMIT 1").fetchone() is None
            output.talk(nothing(report, empty=empty, filtered=bool(chosen.described())))
        if chosen.asks_nothing() and asked.covers_all_since_look(store):
            note_look(store)


def _tag(report: dict[str, Any]) -> None:
    """The tags of condition packs, as every event in JSON has them."""
    from phr.views.timeline import with_pack_tags

    for group in (*report["sources"], report["own"]):
        for name, found in group.items():
            if isinstance(found, list) and name != "undone":
                group[name] = list(with_pack_tags(found))
        if group.get("not_in_newest_file"):
            entries = group["not_in_newest_file"]["entries"]
            group["not_in_newest_file"]["entries"] = list(with_pack_tags(entries))
