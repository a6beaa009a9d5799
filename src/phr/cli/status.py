"""`phr status`: how things stand, on one screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from phr.cli import output
from phr.cli.context import workspace
from phr.cli.options import Json
from phr.cli.text import Screen, clean, count, elide, kind_word, size, table, when, width, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator

Report = dict[str, Any]
_MARKS = {"healthy": ("✓", "green"), "degraded": ("!", "yellow"), "critical": ("✗", "alarm")}


def status(
    ctx: typer.Context,
    check: Annotated[
        bool, typer.Option("--check", help="For scripts: exit 1 when critical or stale.")
    ] = False,
    json: Json = False,
) -> None:
    """One screen: connections and their health, what was skipped and why, what is kept.

    Health counts the last 20 runs of each connection: healthy from 95 % that succeeded, degraded from 80 %,
    else critical. Stale: no success for twice the interval.

    Exit statuses: 0 fine, 1 failed (with --check: critical or stale), 2 usage, 6 locked.
    """
    from phr.views import status as view

    with (here := workspace(ctx)).store() as store:
        report = view.status(store, here.user, here.idle_hours)
    why = view.check(report) if check else ()
    if json:
        output.emit_json(report)
    else:
        output.emit(_screen(report, output.out()))
    for sentence in why:
        output.tell(sentence, style="alarm")
    if why:
        raise typer.Exit(1)


def _screen(report: Report, view: Screen) -> Iterator[str]:
    mark, colour = _MARKS[report["health"]]
    yield view.spell(
        f"{view.paint(mark, colour)} {view.paint(clean(report['user']), 'heading')}: {report['health']}"
    )
    yield ""
    if report["connections"]:
        yield from connection_table(report["connections"], view)
    else:
        yield "No connection yet: phr connect PROVIDER"
    yield from attention_lines(report["connections"], view)
    yield from _skipped(report, view)
    yield from _imports(report, view)
    yield ""
    kinds = sorted(report["records_by_kind"].items(), key=lambda item: -item[1])
    total = sum(number for _, number in kinds)
    yield view.paint(
        f"{count(total, 'record')} from {count(sum(report['resources_by_type'].values()), 'resource')}",
        "bold",
    )
    yield from wrapped(", ".join(f"{number:,}\xa0{kind_word(kind)}" for kind, number in kinds), view)
    yield f"{count(report['documents'], 'document')}, {size(report['storage_bytes'])} on disk, encrypted."


_HEADS = ("CONNECTION", "STATE", "HEALTH", "RESOURCES", "LAST SYNC", "EVERY")
_WHOSE = ("PATIENT", "PLACE")
_CELLS = 24
"""So wide may a patient's name and a place be in the table; JSON has them whole."""


def connection_table(found: list[Report], view: Screen) -> list[str]:
    """Connections as a table, the same here and in `phr connections`.

    Where there are several, it says whose and where: on a narrow screen on a line of its own below each.
    """
    rows = [
        (
            one["name"],
            one["state"] + (" !" if one.get("sign_in_soon") and one["state"] == "active" else ""),
            "–" if one["state"] == "revoked" else one.get("health", ""),
            f"{one['resources']:,}",
            when(one["last_sync"]),
            one["every"] if one["auto_sync"] else "by hand",
        )
        for one in found
    ]
    if len(found) < 2:
        return table(rows, _HEADS, view)
    heads = (_HEADS[0], *_WHOSE, *_HEADS[1:])
    for cells in (10_000, _CELLS):
        whose = [(_patient(one, cells), elide(clean(one.get("organisation")), cells)) for one in found]
        wide = [(row[0], *pair, *row[1:]) for row, pair in zip(rows, whose, strict=True)]
        plain = table(wide, heads, Screen(None, colour=False, unicode=view.unicode))
        if not view.columns or max(map(width, plain)) <= view.columns:
            return table(wide, heads, view)
    whose = [(_patient(one, 10_000), clean(one.get("organisation"))) for one in found]
    head, *lines = table(rows, _HEADS, view)
    below = [", ".join(word for word in pair if word) for pair in whose]
    return [
        head,
        *(
            line
            for row, words in zip(lines, below, strict=True)
            for line in (row, view.paint(view.spell(view.fit(f"  {words}")), "dim"))
            if line.strip()
        ),
    ]


def _patient(one: Report, cells: int) -> str:
    """Whose record it is; marked where somebody else than the patient signed in (a parent, a proxy)."""
    name = elide(clean(one.get("patient_name")) or "–", cells)
    kind, _, id_ = (one.get("fhir_user") or "").rpartition("/")
    kind = kind.rpartition("/")[2]
    other = kind == "RelatedPerson" or (kind == "Patient" and id_ != one.get("patient_id"))
    return f"{name} (for a relative)" if other else name


def attention_lines(found: list[Report], view: Screen) -> Iterator[str]:
    """What each connection asks of the person; until when its sign-in lasts, where an end is known."""
    for one in found:
        name = clean(one["name"])
        for why in one["attention"]:
            for line in wrapped(f"! {name} {clean(why)}", view, indent=0):
                yield view.paint(view.spell(line), "yellow")
        if one["sign_in_before"] and not one["sign_in_soon"] and one["state"] != "revoked":
            unless = ", unless it is synced before then" if one.get("renewed_by_sync") else ""
            yield from wrapped(f"{name} sign in again before {when(one['sign_in_before'])}{unless}", view)


def _skipped(report: Report, view: Screen) -> Iterator[str]:
    for one in report["connections"]:
        reasons: dict[str, list[str]] = {}
        for refusal in one["refused"]:
            reasons.setdefault(clean(refusal["reason"]), []).append(clean(refusal["type"]))
        for skipped in one.get("skipped", ()):
            word = (
                f"{clean(skipped['type'])} ({skipped['count']})"
                if skipped.get("count", 1) > 1
                else clean(skipped["type"])
            )
            reasons.setdefault(clean(skipped["reason"]), []).append(word)
        if reasons:
            yield ""
            yield view.paint(f"Left out at {clean(one['name'])}", "bold")
        for reason, types in reasons.items():
            yield from wrapped(f"{reason.rstrip('.')}: {', '.join(dict.fromkeys(types))}", view)


def _imports(report: Report, view: Screen) -> Iterator[str]:
    sources = report.get("sources", ())
    if sources:
        yield ""
        yield view.paint("Brought in from files", "bold")
        rows = [(one["name"], f"{one['resources']:,}", when(one["changed"])) for one in sources]
        yield from table(rows, ("SOURCE", "RESOURCES", "LAST CHANGE"), view)
