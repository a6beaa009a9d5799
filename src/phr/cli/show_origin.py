"""How a record was before and where it came from: versions with what changed, sources, runs, who stands for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from phr.cli.show_page import section, wrapped
from phr.cli.text import Screen, clean, clean_lines, count, elide, size, when

Report = dict[str, Any]


# ── versions ──────────────────────────────────────────────────────────────────────────────────────


def versions(report: Report, view: Screen, *, history: bool) -> Iterator[str]:
    """What it said before: all of it when asked for, else one line for the last change."""
    found = report["history"]
    if not found:
        if history:
            yield from section("How it was before", view)
            yield "  It never changed since it came."
        return
    if not history:
        yield ""
        yield view.fit(view.spell(_last_change(found[0], report)))
        return
    yield from section("How it was before", view)
    for one in found:
        yield view.paint(f"  Changed {when(one['replaced'])}", "bold") + view.paint(
            f"  (as it was: from {when(one['seen'])}, {size(one['bytes'])})", "dim"
        )
        if one.get("changes") == []:
            yield "    only bookkeeping of the source"
        for change in one.get("changes") or ():
            yield from _change(change, view)
    if report["history_count"] > len(found):
        yield view.paint(f"  and {report['history_count'] - len(found)} older", "dim")


def _last_change(last: Report, report: Report) -> str:
    changes = last.get("changes") or []
    words = "; ".join(_in_short(one) for one in changes[:2]) or "only bookkeeping of the source"
    more = f" and {len(changes) - 2} more" if len(changes) > 2 else ""
    times = f", {count(report['history_count'], 'time')} in all" if report["history_count"] > 1 else ""
    return f"Changed {when(last['replaced'])[:10]}{times} (--history): {words}{more}"


def _in_short(change: Report) -> str:
    before, after = clean(change["before"]), clean(change["after"])
    label = clean(change["label"])
    if max(len(before), len(after)) > 40:
        return label
    return f"{label}: {before or 'nothing'} → {after or 'nothing'}" if before or after else label


def _change(change: Report, view: Screen) -> Iterator[str]:
    label = clean(change["label"])
    if change.get("words"):
        yield view.spell(f"    {label}:")
        text = "".join(_marked(kind, piece) for kind, piece in change["words"])
        for line in wrapped(clean_lines(text), view, 6):
            yield "      " + view.spell(line)
        return
    before, after = (clean(change[name]) or "nothing" for name in ("before", "after"))
    if change["before"] is None and change["after"] is None:
        yield view.spell(f"    {label}")
        return
    for number, line in enumerate(wrapped(f"{label}: {before} → {after}", view, 6)):
        yield ("    " if number == 0 else "      ") + view.spell(line)


def _marked(kind: str, piece: str) -> str:
    """Words that went as `[-so-]`, words that came as `{+so+}`, as word by word comparisons are commonly written."""
    bare = piece.strip()
    if kind == "=" or not bare:
        return piece
    marked = f"[-{bare}-]" if kind == "-" else f"{{+{bare}+}}"
    return piece.replace(bare, marked, 1) + (" " if not piece.endswith((" ", "\n")) else "")


# ── origin ────────────────────────────────────────────────────────────────────────────────────────


def origin(report: Report, view: Screen, *, brief: bool) -> Iterator[str]:
    """Each source, when it came and by which run, who stands for it."""
    yield from section("Where it came from", view)
    for one in report["provenance"]:
        address = elide(clean(one["resource"]), 44)
        where = f"{clean(one['source'])}: {address}, here since {when(one['first_seen'])}"
        for number, line in enumerate(wrapped(where, view, 6)):
            yield f"{'  ' if number == 0 else '      '}{line}"
        if said := standing(one):
            yield view.fit(view.spell(f"    {said}"))
        if brief:
            continue
        for run in one.get("runs") or ():
            for number, line in enumerate(wrapped(_run_words(run), view, 6)):
                yield f"{'    ' if number == 0 else '      '}{view.spell(line)}"
        for agent in one.get("stated_by") or ():
            for line in wrapped(_agent_words(agent), view, 6):
                yield f"    {view.spell(line)}"


def _run_words(run: Report) -> str:
    what = {"fetched": "brought by", "changed": "last changed by"}.get(run["did"], run["did"])
    how = "a sync" if run["mode"] != "file" else "an import"
    if run["mode"] == "file" and run.get("file"):
        how = f"the import of {clean(run['file'])}"
    return f"{what} {how} on {when(run['started'])} (phr jobs show {run['job_id']})"


def _agent_words(agent: Report) -> str:
    who = clean(agent.get("who") or agent.get("on_behalf_of"))
    behalf = f", for {clean(agent['on_behalf_of'])}" if agent.get("who") and agent.get("on_behalf_of") else ""
    role = clean(agent.get("role") or "stated").casefold()
    at = f" ({clean(agent['when'])})" if agent.get("when") else ""
    return f"{role}: {who}{behalf}{at}"


_REASONS = {"entered-in-error": "entered in error"}


def standing(one: Report) -> str | None:
    """Whether a source still stands by it: a sentence where it does not."""
    if one["state"] == "gone":
        reason = one.get("reason") or "deleted"
        into = one.get("merged_into")
        why = f"merged into {into}" if into else _REASONS.get(reason, reason)
        on = f" on {when(one['gone_since'])}" if one.get("gone_since") else ""
        return f"taken back by the source{on}: {clean(why)}"
    since = one.get("not_returned_since")
    return f"not returned since {when(since)}; kept as it was" if since else None
