"""Jobs as lines on a screen: the list, and one of them whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from phr.cli.columns import listing
from phr.cli.sync_report import skipped_lines, span
from phr.cli.text import Screen, clean, count, elide, kind_word, size, table, when, wrapped

if TYPE_CHECKING:
    from phr.model import Problem

Job = dict[str, Any]
_MARKS = {
    "completed": ("✓", "green"),
    "partial": ("!", "yellow"),
    "failed": ("✗", "alarm"),
    "cancelled": ("–", "dim"),
    "running": ("·", "cyan"),
    "queued": ("·", "dim"),
}
_HEADS = "ID CONNECTION TYPE STATUS STARTED TIME NEW UPDATED GONE TRIGGER REQUESTS BYTES".split()
_GIVE = ("BYTES", "REQUESTS", "TRIGGER", "TIME", "UPDATED", "GONE", "NEW")
"""Left out in this order where there is no room; what a job is, how it went and why stay."""


def job_table(jobs: Sequence[Job], view: Screen) -> list[str]:
    """The list, with what there is room for; why a job went wrong beside it, or on a line below it."""
    short = view.columns is not None and view.columns < _ROOMY
    return listing([_row(one, short=short) for one in jobs], _HEADS, view, wide="CONNECTION", give=_GIVE)


_ROOMY = 100
"""Cells from which on there is room for the year."""


def _row(one: Job, *, short: bool) -> dict[str, str]:
    counts, started = one["counts"], when(one["started"])
    if short and started[:4] == when(utc())[:4]:
        started = started[5:]
    return {
        "ID": str(one["id"]),
        "CONNECTION": elide(clean(one["connection"]), 24),
        "TYPE": one["type"],
        "STATUS": status_word(one),
        "STARTED": started,
        "TIME": took(one["seconds"]),
        **{name.upper(): _standing(one, counts[name]) for name in ("new", "updated", "gone")},
        "TRIGGER": one["trigger"],
        "REQUESTS": f"{one['requests']:,}",
        "BYTES": size(one["bytes"]),
        "WHY": one["errors"][0]["message"] if one["errors"] and one["status"] != "completed" else "",
    }


def _standing(one: Job, number: int) -> str:
    """What a job did, unless that was taken back."""
    return "–" if one.get("undone") else f"{number:,}"


def took(seconds: float) -> str:
    """A time, or a dash: of a job that was killed, or never began, it is not known."""
    return span(seconds) if seconds else "–"


def utc() -> str:
    """This moment."""
    from datetime import UTC, datetime

    return datetime.now(UTC).isoformat()


def status_word(one: Job) -> str:
    """`running 40 %`, or just how it stands."""
    if one.get("undone"):
        return "undone"
    share = one.get("progress")
    if one["status"] == "running" and share is not None:
        return f"running {round(100 * share)} %"
    return str(one["status"])


def job_lines(one: Job, view: Screen) -> Iterator[str]:
    """One job whole."""
    for line in _lines(one, view):
        yield view.spell(line)


def _lines(one: Job, view: Screen) -> Iterator[str]:
    mark, colour = _MARKS[one["status"]]
    title = f"Job {one['id']}: {clean(one['connection'])}, {one['type']}, {status_word(one)}"
    yield f"{view.paint(mark, colour)} {view.paint(title, 'bold')}"
    if one["error"]:
        yield from wrapped(clean(one["error"]), view)
    yield ""
    for name, text in _facts(one):
        lines = wrapped(text, view, indent=12)
        yield from (f"{name:<12}{lines[0].strip()}", *lines[1:])
    rows = [(type_, *(f"{number:,}" for number in counts.values())) for type_, counts in one["types"].items()]
    if rows:
        yield ""
        yield from table(rows, ("TYPE", "NEW", "UPDATED", "UNCHANGED", "GONE", "FAILED"), view)
    yield from _gone(one, view)
    yield from _skipped(one, view)


def _facts(one: Job) -> Iterator[tuple[str, str]]:
    yield from _imported(one)
    waits = one["status"] == "queued"
    yield ("Queued" if waits else "Started"), when(one["started"])
    if one["finished"]:
        after = f", after {span(one['seconds'])}" if one["seconds"] else ""
        yield "Ended", f"{when(one['finished'])}{after}"
    elif one["status"] == "running":
        yield "At work", f"for {span(one['seconds'])}"
    yield "Trigger", one["trigger"] + (f", priority {one['priority']}" if one["priority"] else "")
    if one["requests"]:
        mean = f", {one['mean_response_ms']:,.0f} ms on average" if one["mean_response_ms"] else ""
        failed = f", {one['failed_requests']:,} failed" if one["failed_requests"] else ""
        yield "Requests", f"{one['requests']:,}{failed}{mean}; {size(one['bytes'])}"
    documents = {name: number for name, number in one["documents"].items() if number and name != "bytes"}
    if documents:
        yield "Documents", ", ".join(f"{number:,} {name}" for name, number in documents.items())
    asked = _wish(one["asked"])
    if asked:
        yield "Asked", asked
    if one["attempts"] > 1 or one["retry_of"]:
        yield "Attempt", f"{one['attempts']}, after job {one['retry_of']}"
    if one["retried_by"]:
        yield "Tried again", f"job {', '.join(one['retried_by'])}"


def _imported(one: Job) -> Iterator[tuple[str, str]]:
    """Of an import: its files, whether it was taken back, and how that is done."""
    files = one.get("files") or []
    if files:
        named = [clean(file["file"] or file["source"]) for file in files]
        more = f" and {len(named) - _NAMED:,} more" if len(named) > _NAMED else ""
        yield ("File" if len(named) == 1 else "Files"), f"{', '.join(named[:_NAMED])}{more}"
    if one.get("part_of"):
        yield "Part of", f"job {one['part_of']}"
    if one.get("undone"):
        yield "Undone", when(one["undone"])
    elif files and one["finished"]:
        yield "Undo", f"phr import --undo {one.get('part_of') or one['id']}"


def _wish(asked: dict[str, Any]) -> str:
    """The options that were given, as they are typed."""
    words = ["--full"] if asked.get("full") else []
    words += [f"--since {when(asked['since'])}"] if asked.get("since") else []
    words += [f"--bulk {asked['bulk']}"] if asked.get("bulk") else []
    words += [f"--type {one}" for one in asked.get("types") or ()]
    words += ["--no-documents"] if asked.get("documents") is False else []
    return clean(" ".join(words))


def _gone(one: Job, view: Screen) -> Iterator[str]:
    """What the source took back in this job, by kind and address."""
    kinds: dict[str, list[str]] = {}
    for row in one["gone"]:
        kinds.setdefault(kind_word(row["kind"] or "other"), []).append(clean(row["resource"]))
    if kinds:
        yield ""
        yield view.paint("Gone: taken back by the source, kept here (phr show Type/id)", "bold")
    for kind, places in kinds.items():
        more = f" and {len(places) - _NAMED:,} more: --json" if len(places) > _NAMED else ""
        yield from wrapped(f"{kind}: {', '.join(places[:_NAMED])}{more}", view)


def _skipped(one: Job, view: Screen) -> Iterator[str]:
    from phr.model import Problem

    found = [
        Problem(row["type"], row["reason"], row["id"], row["http_status"], row["known"])
        for row in one["skipped"]
    ]
    if found:
        yield ""
        yield view.paint(_how_many(found, file=one["type"] == "import"), "bold")
        yield from skipped_lines(found, view, job=one["id"], whole=True)
        yield from _resources(one["errors"], view)
    elif one["details_let_go"]:
        yield ""
        yield from wrapped("What it skipped is no longer kept: phr keeps that of the last 200 jobs.", view)
    if one["status"] in ("partial", "failed", "cancelled") and one["type"] != "import":
        yield ""
        yield f"Again: phr jobs retry {one['id']}"


def _how_many(found: Sequence[Problem], *, file: bool) -> str:
    """How many of them a person should look at: of a file what could not be read, of a sync what was not known."""
    new = sum(not row.known for row in found)
    if file:
        about = f"{new:,} about what" if new else "none about anything that"
        return f"{count(len(found), 'remark')}, {about} could not be read"
    news = f"{new:,} of them for the first time" if new else "all known before"
    return f"{count(len(found), 'thing')} skipped, {news}"


_NAMED = 20


def _resources(errors: Sequence[dict[str, Any]], view: Screen) -> Iterator[str]:
    """Which resources were met by new trouble, by their address."""
    found = list(dict.fromkeys(one["resource"] for one in errors if "/" in (one["resource"] or "")))
    if found:
        more = f" and {len(found) - _NAMED:,} more: phr jobs show ID --json" if len(found) > _NAMED else ""
        yield from wrapped(f"Resources: {', '.join(map(clean, found[:_NAMED]))}{more}", view)
