"""What came, changed or went, on a screen: by source, each with its title, and what is different in words.

Long texts are shown around what changed: `[-what went-]` and `{+what came+}`, with colour where that is welcome, and
readable without.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from phr.cli.lines import mark, measured, titled
from phr.cli.text import Screen, clean, count, elide, kind_word, pad, when, width, wrapped
from phr.cli.timeline_lines import heading

Report = dict[str, Any]
Event = dict[str, Any]
_AROUND = 6
"""So many words that stayed are shown on each side of what changed."""
_LINES = 24
"""So many lines of one changed text."""
_KINDS = 5
_DEEP = 6
_HEADS = {
    "appeared": "New",
    "changed": "Changed",
    "vanished": "No longer there",
    "came_back": "Came back",
    "added": "You wrote down",
    "removed": "You took back",
    "notes": "Your notes",
    "corrections": "Your corrections",
    "bookmarks": "Bookmarked",
}
_FIELDS = {"value_now": "value"}
_COLOURS = {"-": "31", "+": "4;32"}


def says_something(report: Report) -> bool:
    """Whether there is anything to draw."""
    return bool(report["total"]) or any(
        one["counts"]["told_too"] or one["undone"] or one["not_in_newest_file"] for one in report["sources"]
    )


def drawn(report: Report, view: Screen) -> Iterator[str]:
    """The whole report as lines that fit this screen."""
    yield from _head(report, view)
    for one in report["sources"]:
        yield ""
        yield heading(clean(one["source"]), view)
        for name in ("appeared", "changed", "vanished", "came_back"):
            yield from _list(name, one[name], one["counts"][name], view, one["counts"])
        yield from _counted(one, view)
    own = report["own"]
    if any(own["counts"].values()):
        yield ""
        yield heading("Your own", view)
        for name in ("added", "changed", "removed", "came_back", "notes", "corrections", "bookmarks"):
            yield from _list(name, own[name], own["counts"][name], view, {})


def nothing(report: Report, *, empty: bool, filtered: bool) -> str:
    """The sentence where there is nothing to show."""
    if empty:
        return "The record is empty so far: phr connect, or phr import FILE"
    what = "Nothing that fits has" if filtered else "Nothing has"
    return f"{what} come, changed or gone {_span(report)}."


def _span(report: Report) -> str:
    since, until = report["since"], when(report["until"])
    if since is None:
        return "since the record began"
    begin = when(since)
    begin = begin[:10] if begin.endswith(" 00:00") and not report["last_look"] else begin
    said = f"since your last look, {begin}" if report["last_look"] else f"since {begin}"
    return said if report["until_now"] else f"{said}, until {until}"


def _head(report: Report, view: Screen) -> Iterator[str]:
    if not report["total"]:
        first = nothing(report, empty=False, filtered=False)
    elif report["since"] is None:
        first = (
            "You have not looked before, so all of it is new."
            if report["last_look"]
            else "From the beginning."
        )
    else:
        first = f"What is new {_span(report)}"
    yield from (view.paint(view.spell(line), "bold") for line in wrapped(first, view, indent=0))
    totals = {
        name: sum(one["counts"][name] for one in report["sources"])
        for name in ("appeared", "changed", "vanished", "came_back")
    }
    words = ("new", "changed", "no longer there", "came back")
    said = [f"{number:,} {word}" for number, word in zip(totals.values(), words, strict=True) if number]
    own = sum(report["own"]["counts"].values())
    said += [f"{own:,} of your own"] if own else []
    if said:
        at = [one for one in report["sources"] if any(one["counts"][name] for name in totals)]
        where = f" at {count(len(at), 'source')}" if len(at) > 1 else ""
        yield view.paint(view.spell(view.fit(f"{', '.join(said)}{where}.")), "dim")


def _list(name: str, events: Sequence[Event], number: int, view: Screen, counts: Report) -> Iterator[str]:
    if not number:
        return
    kinds = counts.get("appeared_by_kind") if name == "appeared" else None
    said = f"{_HEADS[name]}: {number:,}"
    if kinds and number > 3 and len(kinds) > 1:
        said += f" ({_by_kind(kinds)})"
    for at, line in enumerate(wrapped(said, view, indent=1)):
        yield view.paint(view.spell(line), "bold" if at == 0 else None)
    for event in events:
        # how it went stands below, so its title need not say it
        yield _line(event | {"status": None} if name == "vanished" else event, view)
        yield from _beneath(name, event, view)
    if number > len(events):
        more = f"   and {number - len(events):,} more" + (" (--limit N shows more)" if events else "")
        yield view.paint(view.fit(more), "dim")
    if any(event.get("how") == "not returned" for event in events):
        said = "Not returned does not mean deleted: nobody knows why, and it stays in your record as it was."
        yield from (view.paint(line, "dim") for line in wrapped(said, view, indent=3))


def _by_kind(kinds: dict[str, int]) -> str:
    from phr.views.kind_words import plural

    said = [
        f"{number:,} {plural(kind) if number != 1 else kind_word(kind)}"
        for kind, number in list(kinds.items())[:_KINDS]
    ]
    rest = sum(list(kinds.values())[_KINDS:])
    return ", ".join([*said, f"{rest:,} others"] if rest else said)


def _line(event: Event, view: Screen) -> str:
    value, sign = measured(event), mark(event)
    words = titled(event) + (f": {value}" if value else "") + (f" {sign}" if sign else "")
    head = f"   {pad(clean(event.get('date'))[:10] or 'no date', 10)}  {pad(elide(kind_word(str(event['kind'])), 10), 10)}  "
    tail = f"  {event['id']}"
    if view.columns:
        room = max(12, view.columns - width(head) - width(tail))
        words = pad(elide(words, room), room)
    return view.spell(head + words) + view.paint(tail, "dim")


# ── what is different ─────────────────────────────────────────────────────────────────────────────


def _beneath(name: str, event: Event, view: Screen) -> Iterator[str]:
    if name in ("changed", "came_back"):
        for one in event.get("changes") or ():
            yield from _change(one, view)
        if event.get("times", 1) > 1:
            yield from _dim(f"changed {event['times']} times, last on {when(event['changed_on'])[:10]}", view)
        elif name == "came_back":
            yield from _dim(f"the source gives it again, since {when(event['changed_on'])[:10]}", view)
    elif name in ("vanished", "removed"):
        yield from _dim(_gone(event), view)
    elif name == "notes":
        yield from (view.spell(line) for line in wrapped(clean(event["note"]), view, indent=_DEEP))
    elif name == "corrections":
        now = clean(event["value_now"]) or "nothing"
        why = f" ({clean(event['reason'])})" if event.get("reason") else ""
        yield from (
            view.spell(line) for line in wrapped(f"{clean(event['field'])}: {now}{why}", view, indent=_DEEP)
        )
    elif event.get("not_returned_since"):
        yield from _dim(f"not returned since {when(event['not_returned_since'])[:10]}; kept as it was", view)


def _dim(words: str, view: Screen) -> Iterator[str]:
    yield from (view.paint(view.spell(line), "dim") for line in wrapped(words, view, indent=_DEEP))


def _gone(event: Event) -> str:
    day = when(event["gone_since"])[:10]
    if event["how"] == "not returned":
        said = f"not returned since {day}"
    elif event["how"] == "entered in error":
        said = f"the source says it was entered in error ({day})"
    elif event.get("merged_into"):
        said = f"the source made it part of another entry ({day}): {clean(event['merged_into'])}"
    else:
        said = f"taken back by the source on {day}"
    if event.get("came"):
        said += f"; it had come on {when(event['came'])[:10]}"
    if event.get("still_told_by"):
        said += f"; still told by {', '.join(clean(name) for name in event['still_told_by'])}"
    return said


def _change(change: Report, view: Screen) -> Iterator[str]:
    label, before, after = clean(change["field"]), clean(change["before"]), clean(change["after"])
    if change.get("words") and before and after:
        yield from _word_by_word(label, change["words"], view)
        return
    if before and after:
        said = f"{label}: {before} → {after}"
    elif after:
        said = f"{label}, new: {after}"
    elif before:
        said = f"{label}, no longer: {before}"
    else:
        said = f"{label}: another one now"
    found = wrapped(said, view, indent=_DEEP)
    yield from (view.spell(line) for line in found[:_LINES])
    if len(found) > _LINES:
        yield from _dim("…", view)


def _word_by_word(label: str, pieces: Sequence[Sequence[str]], view: Screen) -> Iterator[str]:
    """The text around what changed, in lines that fit."""
    room = max(30, view.columns or 110) - _DEEP - 2
    yield f"{' ' * _DEEP}{label}:"
    line, used, lines = "", 0, 0
    for word, style in _words(pieces):
        size = width(word)
        if used and used + 1 + size > room:
            yield view.spell(f"{' ' * (_DEEP + 2)}{line}")
            lines += 1
            if lines >= _LINES:
                yield from _dim("… (all of it: phr show NUMBER --history)", view)
                return
            line, used = "", 0
        painted = f"\x1b[{_COLOURS[style]}m{word}\x1b[0m" if style in _COLOURS and view.colour else word
        line, used = f"{line} {painted}" if used else painted, used + size + (1 if used else 0)
    if used:
        yield view.spell(f"{' ' * (_DEEP + 2)}{line}")


def _words(pieces: Sequence[Sequence[str]]) -> Iterator[tuple[str, str]]:
    """Each word with how it is marked; what stayed is cut to what stands near a change."""
    merged = _joined(pieces)
    for at, (kind, words) in enumerate(merged):
        if kind == "=":
            first, last = at == 0, at == len(merged) - 1
            if len(words) > _AROUND * (1 if first or last else 2) + 2:
                head = [] if first else words[:_AROUND]
                tail = [] if last else words[-_AROUND:]
                words = [*head, "…", *tail]
            yield from ((word, "=") for word in words)
            continue
        begin, end = ("[-", "-]") if kind == "-" else ("{+", "+}")
        for number, word in enumerate(words):
            opened = begin if number == 0 else ""
            closed = end if number == len(words) - 1 else ""
            yield f"{opened}{word}{closed}", kind


def _joined(pieces: Sequence[Sequence[str]]) -> list[tuple[str, list[str]]]:
    """Pieces as words; between two changes a single space that stayed is no reason to begin anew."""
    found: list[tuple[str, list[str]]] = []
    waiting: dict[str, list[str]] = {"-": [], "+": []}
    for kind, text in pieces:
        words = clean(text).split()
        if not words:
            continue
        if kind == "=":
            found += [(each, waiting[each]) for each in ("-", "+") if waiting[each]]
            waiting = {"-": [], "+": []}
            found.append(("=", words))
        else:
            waiting[kind] = waiting[kind] + words
    return found + [(each, waiting[each]) for each in ("-", "+") if waiting[each]]


# ── what is only counted ──────────────────────────────────────────────────────────────────────────


def _not_in_file(group: Report, missing: Report, view: Screen) -> Iterator[str]:
    """What the newest file of an import leaves out, by name; nobody deleted it."""
    number, listed = missing["count"], missing["entries"]
    said = (
        f"Not in the newest file of {clean(group['source'])} ({when(missing['imported'])[:10]}): {number:,}"
    )
    yield from (view.paint(view.spell(line), "bold") for line in wrapped(said, view, indent=1))
    yield from (_line(event, view) for event in listed)
    if number > len(listed):
        more = f"   and {number - len(listed):,} more" + (" (--limit N shows more)" if listed else "")
        yield view.paint(view.fit(more), "dim")
    said = "A file may hold a part, so nothing was deleted for that: it stays in your record as it was."
    yield from (view.paint(line, "dim") for line in wrapped(said, view, indent=3))


def _counted(one: Report, view: Screen) -> Iterator[str]:
    counts = one["counts"]
    said = []
    if number := counts["told_too"]:
        what = "thing that you knew is" if number == 1 else "things that you knew are"
        said.append(f"{number:,} {what} told by this source too now.")
    if number := counts["changed_back"]:
        said.append(f"{number:,} changed and changed back.")
    if number := counts["in_error"]:
        said.append(f"{number:,} came with the words that it was an error: not counted as new.")
    if number := counts["not_compared"]:
        said.append(f"{number:,} more were written anew; too many to compare one by one.")
    if missing := one["not_in_newest_file"]:
        yield from _not_in_file(one, missing, view)
    for job in one["undone"]:
        said.append(
            f"You took back an import of {when(job['imported'])[:10]} ({count(job['resources'], 'entry', 'entries')})"
            f" on {when(job['undone'])[:10]}."
        )
    for sentence in said:
        yield from (view.paint(view.spell(line), "dim") for line in wrapped(sentence, view, indent=1))
