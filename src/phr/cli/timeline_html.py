"""`phr timeline --format html`: the selected timeline as a page to print or to send on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from phr.cli import output
from phr.cli.text import clean, count, day

if TYPE_CHECKING:
    import typer

    from phr.cli.timeline_lines import Line
    from phr.store.store import Store
    from phr.views.selection import Selection
    from phr.views.timeline import Timeline


def emit_page(
    ctx: typer.Context, store: Store, page: Timeline, selection: Selection, *, flat: bool, milestones: bool
) -> None:
    """Write the page to stdout."""
    from phr.cli.timeline_lines import worded
    from phr.exporters.timeline_page import Entry, timeline_page
    from phr.views import gather
    from phr.views import timeline as view

    plain = flat or milestones
    shown = gather.flat(page.events) if plain else gather.gathered(store.db, page.events, page.selected)
    starred = frozenset() if milestones else view.starred(store, page.events)
    lines = worded(shown, starred=starred)
    if milestones:
        lines = [_as_milestone(line, one.event) for line, one in zip(lines, shown, strict=True)]
    above = None
    entries = []
    for line in lines:
        place = ", ".join(part for part in (line.place, line.who) if part)
        entries.append(
            Entry(
                year=line.year,
                month=line.month,
                date=" ".join(part for part in (line.date, line.time) if part),
                kind="appointment" if line.kind == "appt." else line.kind,
                title=line.title,
                value=f"{line.value} {line.mark}".strip(),
                abnormal=bool(line.mark),
                range=line.range,
                place="" if line.depth and place == above else place,
                source=line.source,
                depth=line.depth,
            )
        )
        above = place
    first, last = (day(one)[:10] for one in (page.earliest, page.latest))
    facts = [f"{count(page.total, 'milestone' if milestones else 'record')}"]
    if first:
        facts.append(f"from {first} to {last}" if first != last else first)
    if len(page.events) < page.total:
        facts.append(f"on this page: {len(page.events):,}")
    facts.append(f"written {store.now()[:10]}")
    title = "Milestones" if milestones else "Timeline"
    parts = timeline_page(title, " · ".join(facts), _filters(selection), entries, _person(store, selection))
    for part in parts:
        output.write(part.encode("utf-8", "replace"), flush=False)
    output.write(b"")


def _person(store: Store, selection: Selection) -> str:
    """Name and day of birth of whose record it is, as far as they are told."""
    from phr.fhir import read
    from phr.views import whose

    found = whose.patient(store.db, selection.sources) or whose.patient(store.db)
    if found is None:
        return ""
    row = store.db.execute(
        "SELECT raw FROM resource WHERE source_id = ? AND type = 'Patient' AND fhir_id = ?", found
    ).fetchone()
    resource = read.parse_json(row[0]) if row else None
    if not isinstance(resource, dict):
        return ""
    born = clean(resource.get("birthDate"))
    return ", ".join(
        part
        for part in (clean(read.human_name(resource.get("name"))), f"born {born}" if born else "")
        if part
    )


def _as_milestone(line: Line, event: dict[str, Any]) -> Line:
    from phr.cli.timeline_milestones import said

    detail = clean(event.get("detail"))
    title = f"{said(event)} – {detail}" if detail else said(event)
    return line._replace(title=title, value="", mark="", range="")


def _filters(selection: Selection) -> str:
    """What was asked for, in words. That something is held back for its sensitivity is not told."""
    told: list[str] = []
    asked: dict[str, Any] = {
        name: value for name, value in selection.described().items() if name != "sensitivity"
    }
    for name, value in asked.items():
        words = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        told.append(f"{name}: {words.replace('_', ' ')}")
    return "; ".join(told)
