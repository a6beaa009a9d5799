"""What a sync did, in a few lines of words, and as the document that scripts read.

New trouble comes first. What a server is known to refuse is named in each run, but shortly: it is whole in
`phr jobs show` and in JSON.
"""

from __future__ import annotations

import re
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from phr.cli.granted import named
from phr.cli.refusals import grouped, listed
from phr.cli.text import Screen, clean, command, count, size, when, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from phr.model import Problem, SyncRun
    from phr.workspace.sync import SyncReport

_CHANGES = ("new", "updated", "unchanged", "gone")
_MARKS = {0: ("✓", "green"), 3: ("!", "yellow"), 130: ("!", "yellow")}
NEWS, KNOWN = 12, 5
"""So many reasons are spelt out, of troubles that are new and of those that are known."""
ABSENT = "not returned since"
"""What `sync.absence` says of resources that a whole pass did not bring any more."""
_NO_EXPORT = re.compile(r"\((?:400|403|404|405|410|422|501)\)|does not prepare exports")
"""A server that has no export will have none later either."""
_TYPES = 8
"""So many types are named behind one reason that is known."""


def span(seconds: float) -> str:
    """How long something took, as people say it: `4.2 s`, `3 min 12 s`, `1 h 05 min`."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"


def run_document(report: SyncReport) -> dict[str, Any]:
    """The report as `phr sync --json` prints it; the bytes of skipped resources are not in it."""
    return {"status": report.status, "runs": [_run(run) for run in report.runs]}


def _run(run: SyncRun) -> dict[str, Any]:
    plain = asdict(replace(run, skipped=()))
    plain.pop("exit_status")
    if run.status == "completed":
        plain["progress"] = 1.0
    plain["documents"] = {"new": 0, "unchanged": 0, "failed": 0, "bytes": 0, **run.documents}
    plain["skipped"] = [
        {
            "type": one.type,
            "id": one.id,
            "reason": one.reason,
            "http_status": one.http_status,
            "known": one.known,
        }
        for one in run.skipped
    ]
    return plain


def report_lines(report: SyncReport, view: Screen) -> Iterator[str]:
    """Each run in a few lines of words; where there are several, all of them in one."""
    if not report.runs:
        yield quiet_words(report.quiet_until) if report.quiet_until else "Nothing is due."
    for run in report.runs:
        for line in _run_lines(run, view):
            yield view.spell(line)
    if len(report.runs) > 1:
        for line in wrapped(_together(report.runs), view, indent=0):
            yield view.spell(view.paint(line, "bold"))
    for line in wrapped(unread_words(report.unread), view, indent=0):
        yield view.spell(line)


def unread_words(number: int) -> str:
    """What to do with C-CDA documents that nothing was read from yet; empty where there is none."""
    if not number:
        return ""
    holds = "document holds" if number == 1 else "documents hold"
    return f"{number:,} {holds} records in C-CDA form: phr import --from-documents"


def quiet_words(until: str, due: int | None = None) -> str:
    """`Quiet hours until 18:00; 3 are due then.`"""
    later = (
        ""
        if due is None
        else f"; {due:,} {'is' if due == 1 else 'are'} due then"
        if due
        else "; none is due then"
    )
    return f"Quiet hours until {when(until)[-5:]}{later}."


def _together(runs: tuple[SyncRun, ...]) -> str:
    states = {"completed": "done", "partial": "partly done", "failed": "failed", "cancelled": "stopped"}
    ended = [
        f"{number} {word}"
        for status, word in states.items()
        if (number := sum(run.status == status for run in runs))
    ]
    return f"{count(len(runs), 'connection')} ({', '.join(ended)}): {_changes(runs)}"


def _changes(runs: Iterable[SyncRun]) -> str:
    """`12 new, 3 updated`."""
    every = [one for run in runs for one in run.types.values()]
    totals = {name: sum(getattr(one, name) for one in every) for name in _CHANGES}
    return ", ".join(f"{number:,} {name}" for name, number in totals.items() if number or name == "new")


def _run_lines(run: SyncRun, view: Screen) -> Iterator[str]:
    mark, colour = _MARKS.get(run.exit_status, ("✗", "alarm"))
    name = f"{view.paint(mark, colour)} {clean(run.connection)}"
    if run.status == "failed" and not run.types:
        first, *more = wrapped(f"{clean(run.connection)}: {clean(run.error)}", view, indent=0)
        yield first.replace(clean(run.connection), name, 1)
        yield from more
    else:
        kind = {"incremental": "asked only for what changed", "bulk": "by a bulk export"}.get(run.mode, "")
        how = "; ".join(word for word in (kind, span(run.seconds) if run.seconds else "") if word)
        first, *more = wrapped(
            f"{clean(run.connection)}: {_changes((run,))}{f' ({how})' if how else ''}", view, indent=0
        )
        yield first.replace(clean(run.connection), name, 1)
        yield from more
        if run.error:
            yield from wrapped(clean(run.error), view)
    if any(one.gone for one in run.types.values()):
        yield from wrapped(
            f"Gone is what the source has taken back: phr\xa0jobs\xa0show\xa0{run.job_id}", view
        )
    yield from _documents(run, view)
    yield from skipped_lines(
        (one for one in run.skipped if not one.reason.startswith(_ATTACHMENT)), view, job=run.job_id
    )
    yield from wrapped(next_step(run), view)


_ATTACHMENT = "attachment "
"""How `sync.attachments` begins to say why one did not come: `attachment gone: …`."""
_MAY_PASS = ("timeout", "unavailable", "damaged")


def _documents(run: SyncRun, view: Screen) -> Iterator[str]:
    """What came of documents, in numbers that add up: all attachments of this connection that are here or failed now."""
    new, here, failed = (run.documents.get(name, 0) for name in ("new", "unchanged", "failed"))
    if not new and not failed:
        return
    words = [f"{new:,} new ({size(run.documents.get('bytes', 0))})"] if new else []
    words += [f"{here:,} here already"] if here else []
    reasons: dict[str, int] = {}
    for one in run.skipped:
        if one.reason.startswith(_ATTACHMENT):
            why = clean(one.reason).removeprefix(_ATTACHMENT).rstrip(".")
            reasons[why] = reasons.get(why, 0) + 1
    left = failed - sum(reasons.values())
    words += [f"{left:,} not to be had"] if left > 0 else []
    for why, number in reasons.items():
        kind, _, sentence = why.partition(": ")
        passing = kind in _MAY_PASS
        what = "did not come" if passing else "not to be had"
        words.append(f"{number:,} {what} ({sentence or why})")
    again = any(why.startswith(_MAY_PASS) for why in reasons)
    then = "; once more: phr\xa0documents\xa0fetch\xa0--failed" if again else ""
    yield from wrapped(
        f"Documents: {count(new + here + failed, 'attachment')}: {', '.join(words)}{then}", view
    )


def next_step(run: SyncRun) -> str:
    """What to do after a run that was not whole; empty after one that was."""
    again = command("phr sync", run.connection)
    if run.exit_status == 4:
        return f"Sign in again: {command('phr reconnect', run.connection)}"
    if run.status == "cancelled":
        return f"What came is kept. Go on: {again}"
    if run.exit_status == 1 and run.mode == "bulk" and _NO_EXPORT.search(run.error or ""):
        return f"What is here stays. Ask without --bulk: {again}"
    if run.exit_status == 1:
        return f"What is here stays. Try again later: {again}"
    if run.status == "partial":
        return f"What came is kept. Ask for the rest: {again}"
    return ""


def skipped_lines(
    skipped: Iterable[Problem], view: Screen, *, job: str, whole: bool = False
) -> Iterator[str]:
    """What was skipped, by reason: what is new first, then what is known; bounded, unless the `whole` is wanted."""
    found = list(skipped)
    reasons = _by_reason(one for one in found if not one.known)
    for reason, about in list(reasons.items())[: None if whole else NEWS]:
        yield from wrapped(f"Skipped: {reason}: {listed(about)}", view)
    if not whole and len(reasons) > NEWS:
        yield from wrapped(f"Skipped: {_more(len(reasons) - NEWS, job)}", view)
    for one in found:
        if one.known and ABSENT in one.reason:
            yield from wrapped(f"{named(clean(one.type))}: {clean(one.reason)}", view)
    noted = [one for one in found if one.known and ABSENT not in one.reason]
    if noted:
        yield view.paint("  Noted:", "dim")
    if whole:
        known = _by_reason(noted)
        lines = [f"{reason}: {listed(about)}" for reason, about in known.items()]
    else:
        known = grouped((one.type, one.reason, one.http_status, one.id is not None, 1) for one in noted)
        lines = [f"{listed(about, _TYPES)}: {sentence}" for sentence, about in known.items()][:KNOWN]
    for line in lines:
        yield from (view.paint(part, "dim") for part in wrapped(line, view, indent=4))
    if not whole and len(known) > KNOWN:
        yield view.paint(f"    {_more(len(known) - KNOWN, job)}".replace("\xa0", " "), "dim")
    elif not whole and known:
        yield view.paint(f"    In the words of the server: phr jobs show {job}", "dim")


def _more(number: int, job: str) -> str:
    return f"{count(number, 'more reason')}: phr\xa0jobs\xa0show\xa0{job}"


def _by_reason(skipped: Iterable[Problem]) -> dict[str, dict[str, int]]:
    """Each reason once, in the words of the server, with the types it was met for and how often."""
    reasons: dict[str, dict[str, int]] = {}
    for one in skipped:
        about, words = reasons.setdefault(clean(one.reason).rstrip("."), {}), named(clean(one.type))
        about[words] = about.get(words, 0) + 1
    return reasons
