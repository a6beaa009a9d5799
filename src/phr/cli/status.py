"""`phr status`: how things stand, on one screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from phr.cli import output
from phr.cli.columns import noted
from phr.cli.context import for_user, invocation, workspace
from phr.cli.options import Json, Quiet
from phr.cli.refusals import grouped, listed
from phr.cli.status_screen import due, kept, seen
from phr.cli.text import Screen, clean, command, count, elide, size, table, when, width, wrapped
from phr.errors import PhrError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from phr.workspace import Workspace

Report = dict[str, Any]
_MARKS = {
    "healthy": ("✓", "green", "connections work", "yes"),
    "degraded": ("!", "yellow", "a connection needs a look", "partly"),
    "critical": ("✗", "alarm", "a connection fails", "no"),
}
"""How the health of connections is said: never as a word that a patient takes for their own."""


def status(
    ctx: typer.Context,
    check: Annotated[
        bool, typer.Option("--check", help="For scripts: exit 1 when critical or stale.")
    ] = False,
    all_users: Annotated[
        bool, typer.Option("--all-users", help="Everybody at home whose record opens here.")
    ] = False,
    skipped: Annotated[
        bool, typer.Option("--skipped", help="Everything that was left out, and why.")
    ] = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """One screen: connections and their health, what is new, what is due, what was left out and why, what is kept.

    WORKS counts the last 20 runs of each connection: yes from 95 % that succeeded (in JSON: healthy), partly from 80 %
    (degraded), else no (critical). Stale: no success for twice the interval. -v shows requests and resources too.
    "New" is what came since you last looked at this screen; looking again within an hour is the same look.

    Exit statuses: 0 fine, 1 failed (with --check: critical or stale), 2 usage, 6 locked.
    """
    from phr.views import status as view

    here = workspace(ctx)
    if all_users:
        reports = [_opened(there) for there in _everybody(ctx, here)]
        found = view.household(reports)
    else:
        # a person reads text; a script that asks for JSON, or only for the exit status, has not looked
        reports = [found := _report(here, look=not (json or quiet or check))]
    if json:
        output.emit_json(found)
    elif not quiet:
        detailed = invocation(ctx).verbose > 0
        output.emit(_screens(reports, output.out(), everything=skipped, detailed=detailed))
    named = len(reports) > 1
    why = [
        f"{one['user']}: {sentence}" if named else sentence
        for one in reports
        if check and not one.get("locked")
        for sentence in view.check(one)
    ]
    for sentence in why:
        output.tell(sentence, style="alarm")
    if why:
        raise typer.Exit(1)


def _report(here: Workspace, *, look: bool = False) -> Report:
    from phr.cli.jobs import settle
    from phr.views import status as view

    with here.store() as store:
        settle(here, store)
        report = view.status(store, here.user, here.idle_hours)
        if look:
            from phr.views.look import note_look

            note_look(store)
        return report


def _everybody(ctx: typer.Context, here: Workspace) -> Iterator[Workspace]:
    """Each person with a record here; nobody is asked for a passphrase."""
    from phr.paths import RECORDS_FILE

    for file in sorted(here.paths.data.glob(f"*/{RECORDS_FILE}")):
        yield for_user(ctx, file.parent.name, ask=False)


def _opened(there: Workspace) -> Report:
    """How things stand with one person; their name and why, where the record does not open here."""
    try:
        return _report(there)
    except PhrError as error:
        return {"user": there.user, "locked": True, "reason": error.message}


def _screens(
    reports: list[Report], view: Screen, *, everything: bool, detailed: bool = False
) -> Iterator[str]:
    if not reports:
        yield "Nobody has a record here yet: phr connect PROVIDER"
    for number, one in enumerate(reports):
        if number:
            yield ""
        if one.get("locked"):
            yield view.spell(f"– {view.paint(clean(one['user']), 'heading')}: locked")
            yield from wrapped(
                f"{clean(one['reason'])} With the key at hand: phr status --user {one['user']}", view
            )
        else:
            yield from _screen(one, view, everything=everything, detailed=detailed)


def _screen(report: Report, view: Screen, *, everything: bool, detailed: bool) -> Iterator[str]:
    mark, colour, said, _ = _MARKS[report["health"]]
    who = view.paint(clean(report["user"]), "heading")
    yield view.spell(f"{view.paint(mark, colour)} {who}: {said}" if report["connections"] else who)
    yield ""
    if report["connections"]:
        yield from connection_table(report["connections"], view, counts=detailed)
    else:
        yield "No connection yet: phr connect PROVIDER"
    yield from attention_lines(report["connections"], view)
    yield from _at_work(report["connections"], view, detailed=detailed)
    yield from _imports(report, view)
    yield from _written(report, view)
    yield ""
    yield from kept(report, view, detailed=detailed)
    yield from seen(report, view)
    yield from due(report, view)
    if everything:
        yield from _skipped(report, view)
    else:
        yield from _left_out(report, view)
    yield from wrapped(_documents(report), view, indent=0)


def _documents(report: Report) -> str:
    """How many there are: the same letter may be attached to several records, or come from several sources."""
    told, states = count(report["documents"], "document"), report.get("attachments", {})
    stored = states.get("stored", 0)
    if stored != report["documents"]:
        told = f"{report['documents']:,} different documents in {count(stored, 'attachment')}"
    missing = sum(number for state, number in states.items() if state != "stored")
    told += (
        f" ({missing:,} more {'is' if missing == 1 else 'are'} not here: phr\xa0documents\xa0list)"
        if missing
        else ""
    )
    found = report["conflicts"]
    conflicts = f"{count(found, 'conflict')} to look at" if found else "No conflicts"
    return f"{told}, {size(report['storage_bytes'])} on disk, encrypted. {conflicts}."


_HEADS = ("CONNECTION", "STATE", "WORKS", "RESOURCES", "LAST SYNC", "EVERY")
_COUNTS = 3
_WHOSE = ("PATIENT", "PLACE")
_CELLS = 24
"""So wide may a patient's name and a place be in the table; JSON has them whole."""


def connection_table(found: list[Report], view: Screen, *, counts: bool = True) -> list[str]:
    """Connections as a table, the same here and in `phr connections`; `counts`: with the number of resources.

    Where there are several, it says whose and where: on a narrow screen on a line of its own below each.
    """
    rows: list[tuple[str, ...]] = [
        (
            one["name"],
            one["state"] + (" !" if one.get("sign_in_soon") and one["state"] == "active" else ""),
            "–"
            if one["state"] == "revoked" or one.get("runs") == 0
            else _MARKS[one["health"]][3]
            if one.get("health")
            else "",
            f"{one['resources']:,}",
            when(one["last_sync"]),
            one["every"] if one["auto_sync"] else "by hand",
        )
        for one in found
    ]
    names: tuple[str, ...] = _HEADS
    if not counts:
        rows = [row[:_COUNTS] + row[_COUNTS + 1 :] for row in rows]
        names = _HEADS[:_COUNTS] + _HEADS[_COUNTS + 1 :]
    if len(found) < 2:
        return table(rows, names, view)
    heads = (names[0], *_WHOSE, *names[1:])
    for cells in (10_000, _CELLS):
        whose = [(_patient(one, cells), elide(clean(one.get("organisation")), cells)) for one in found]
        wide = [(row[0], *pair, *row[1:]) for row, pair in zip(rows, whose, strict=True)]
        plain = table(wide, heads, Screen(None, colour=False, unicode=view.unicode))
        if not view.columns or max(map(width, plain)) <= view.columns:
            return table(wide, heads, view)
    whose = [(_patient(one, 10_000), clean(one.get("organisation"))) for one in found]
    head, *lines = table(rows, names, view)
    below = [", ".join(word for word in pair if word) for pair in whose]
    return [head, *noted(lines, below, view, indent=2)]


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
        if _is_new(one):
            words = f"{name} is not synced yet; {command('phr sync', name)} {'goes on' if one['resources'] else 'begins'}"
            yield from (view.paint(line, "yellow") for line in wrapped(words, view, indent=0))
        if one["sign_in_before"] and not one["sign_in_soon"] and one["state"] != "revoked":
            unless = ", unless it is synced before then" if one.get("renewed_by_sync") else ""
            yield from wrapped(f"{name} sign in again before {when(one['sign_in_before'])}{unless}", view)


def _is_new(one: Report) -> bool:
    """Whether no sync has come to its end so far, and none is under way."""
    under_way = one.get("running") or one.get("queued")
    return one["state"] == "active" and one["last_sync"] is None and one.get("runs") == 0 and not under_way


def _at_work(found: list[Report], view: Screen, *, detailed: bool) -> Iterator[str]:
    """What runs now; with -v, or where much failed, how the servers answered in the last seven days."""
    for one in found:
        running, words = one.get("running"), []
        if running:
            share = running["progress"]
            doing = {"documents": "fetching documents", "bulk": "a bulk export is under way"}
            word = doing.get(running["type"], "syncing")
            words.append(f"{word} now" + (f", {round(100 * share)} %" if share is not None else ""))
        elif one.get("queued"):
            words.append("a sync waits for its turn")
        if one.get("requests") and (detailed or one["failed_requests"] * _FAILING > one["requests"]):
            failed = f", {one['failed_requests']:,} failed" if one["failed_requests"] else ""
            mean = f", {one['mean_response_ms']:,.0f} ms on average" if one["mean_response_ms"] else ""
            words.append(f"{count(one['requests'], 'request')} in 7 days{failed}{mean}")
        if words:
            line = view.spell(view.fit(f"{clean(one['name'])}: {'; '.join(words)}"))
            yield view.paint(line, "cyan" if running else "dim")


_FAILING = 20
"""One request in so many that fails is worth a line."""
_REASONS, _ABOUT = 6, 12
"""So many reasons are spelt out for one connection, and so many kinds of record with each."""
_SHORT, _FEW = 2, 5


def _left_out(report: Report, view: Screen) -> Iterator[str]:
    """The same in few lines: what is new with its reason, and how much more there is to read."""
    for one in report["connections"]:
        reasons = _reasons(one)
        if not reasons:
            continue
        yield view.paint(f"Left out at {clean(one['name'])}", "bold")
        new = [sentence for sentence, news in reasons.items() if news[1]]
        shown = (new or list(reasons))[:_SHORT]
        for sentence in shown:
            yield from (
                view.spell(line)
                for line in wrapped(f"{listed(reasons[sentence][0], _FEW)}: {sentence}", view)
            )
        if len(reasons) > len(shown):
            rest = count(len(reasons) - len(shown), "more reason")
            yield from wrapped(f"and for {rest}: phr\xa0status\xa0--skipped", view)


def _reasons(one: Report) -> dict[str, tuple[dict[str, int], bool]]:
    """Each reason with what it is about, and whether it is news; news first."""
    skipped = one.get("skipped", ())
    new = [row for row in skipped if not row.get("known")]
    # A refusal that the last run met stands in both.
    met = {(row["type"], row["reason"]) for row in skipped}
    older = [row for row in one["refused"] if (row["type"], row["reason"]) not in met]
    found = _grouped((*new, *older, *(row for row in skipped if row.get("known"))))
    fresh = _grouped(new)
    return {sentence: (about, sentence in fresh) for sentence, about in found.items()}


def _grouped(rows: Iterable[Report]) -> dict[str, Any]:
    return grouped(
        (row["type"], row["reason"], row.get("http_status"), bool(row.get("single")), row.get("count", 1))
        for row in rows
    )


def _skipped(report: Report, view: Screen) -> Iterator[str]:
    for one in report["connections"]:
        reasons = _reasons(one)
        if reasons:
            yield ""
            yield view.paint(f"Left out at {clean(one['name'])}", "bold")
        for sentence, (about, _) in list(reasons.items())[:_REASONS]:
            yield from wrapped(f"{listed(about, _ABOUT)}: {sentence}", view)
        if len(reasons) > _REASONS:
            where = f"phr jobs show {one['last_job']}" if one.get("last_job") else "phr status --json"
            yield from wrapped(f"and for {count(len(reasons) - _REASONS, 'more reason')}: {where}", view)


def _imports(report: Report, view: Screen) -> Iterator[str]:
    sources = [one for one in report.get("sources", ()) if one["kind"] != "person"]
    if sources:
        yield ""
        yield view.paint("Brought in from files", "bold")
        rows = [(one["name"], f"{one['resources']:,}", when(one["changed"])) for one in sources]
        yield from table(rows, ("SOURCE", "ENTRIES", "LAST CHANGE"), view)


def _written(report: Report, view: Screen) -> Iterator[str]:
    """What the person wrote themselves."""
    for one in report.get("sources", ()):
        if one["kind"] == "person" and one["records"]:
            last = f", the last on {when(one['changed'])}" if one["changed"] else ""
            yield ""
            yield f"Written by you: {count(one['records'], 'entry', 'entries')}{last}"
