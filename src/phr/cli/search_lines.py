"""Answers of a search as lines on a screen: what it is, its value and day, and the words around what matched."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from phr.cli.lines import YOURS, mark, measured, titled
from phr.cli.text import Screen, clean, command, count, day, elide, kind_word, pad, width, wrapped
from phr.views.titles import plain

if TYPE_CHECKING:
    from phr.views.search import Hits

Event = dict[str, Any]
_KIND = 10
_MANY = {
    "lab_result": "lab results",
    "medication": "medicines",
    "allergy": "allergies",
    "immunization": "vaccines",
    "encounter": "visits",
    "imaging": "scans",
    "clinical_note": "notes",
    "social_history": "entries about habits",
    "family_history": "entries about the family",
    "coverage": "insurance policies",
    "claim": "bills",
}
_INDENT = " " * (_KIND + 4)


def search_lines(hits: Hits, view: Screen, words: str, going_on: str | None) -> Iterator[str]:
    """The page as lines that do not wrap on this screen."""
    for sentence in _said(hits):
        yield from (view.paint(view.spell(line), "yellow") for line in wrapped(sentence, view, indent=0))
    if hits.hits and any(True for _ in _said(hits)):
        yield ""
    pattern = re.compile(rf"(?<![^\W_])(?:{hits.pattern})") if hits.pattern else None
    sizes = _sizes(hits.hits, view)
    for event in hits.hits:
        yield view.spell(_line(event, sizes, view, pattern))
        yield from (view.spell(line) for line in _below(event, view))
    if hits.hits:
        yield ""
        yield from (view.paint(view.spell(line), "dim") for line in _ending(hits, view, going_on))


def _said(hits: Hits) -> Iterator[str]:
    """What has to be known before the answers are believed."""
    for typed, meant in hits.corrected:
        yield f"No record says “{clean(typed)}”. Looked for instead: {clean(meant)}"
    if hits.missing:
        named = ", ".join(f"“{clean(word)}”" for word in hits.missing)
        yield f"Not found: {named}." + _others(hits)
    if hits.partial and hits.hits:
        yield "No record holds all of these words; these hold most of them."
    yield from map(clean, hits.said)


def _others(hits: Hits) -> str:
    """What is shown in place of it."""
    if not hits.hits:
        return ""
    if not hits.instead:
        return " These hold the other words."
    there = " and ".join(_MANY.get(kind, kind.replace("_", " ") + "s") for kind in hits.instead)
    return f" Nothing else fits either; these are all the {there}."


def _sizes(events: Sequence[Event], view: Screen) -> tuple[int, int, int]:
    """Cells of title, value and number."""
    value = max((width(measured(event)) for event in events), default=0)
    yours = max((width(YOURS) + 1 for event in events if YOURS in measured(event)), default=0)
    value = min(value, (18 if view.columns is None or view.columns >= 100 else 13) + yours)
    number = max((len(event["id"]) for event in events), default=1)
    longest = max((width(titled(event)) for event in events), default=0)
    if view.columns is None:
        return min(longest, 64), value, number
    taken = 2 + _KIND + 2 + (value + 5 if value else 3) + 10 + 2 + number
    return max(12, min(longest, view.columns - taken - 2)), value, number


def _line(event: Event, sizes: tuple[int, int, int], view: Screen, pattern: re.Pattern[str] | None) -> str:
    title, value, number = sizes
    sign = mark(event)
    alarm = "alarm" if sign in ("↑↑", "↓↓", "!!") else "red" if sign else None

    def cell(text: str, cells: int) -> str:
        return pad(elide(text, cells) if view.columns else text, cells)

    parts = [f"  {pad(kind_word(event['kind']), _KIND)}", _bold(cell(titled(event), title), view, pattern)]
    if value:
        parts.append(view.paint(cell(measured(event), value), alarm) + " " + view.paint(pad(sign, 2), alarm))
    elif sign:
        parts.append(view.paint(pad(sign, 2), alarm))
    parts.append(pad(day(event["date"])[:10], 10))
    parts.append(view.paint(pad(event["id"], number, right=True), "dim"))
    return "  ".join(parts).rstrip()


def _bold(text: str, view: Screen, pattern: re.Pattern[str] | None) -> str:
    """The matches in a title, on a terminal."""
    if pattern is None or not view.colour:
        return text
    from phr.views.words import fold

    out, last = [], 0
    for found in pattern.finditer(fold(text)):
        out += [text[last : found.start()], view.paint(text[found.start() : found.end()], "bold")]
        last = found.end()
    return "".join([*out, text[last:]])


def _below(event: Event, view: Screen) -> Iterator[str]:
    """The words around the match, where they are not the title itself; and how many more there are."""
    snippet = event["snippet"]
    if snippet and event["highlights"] and snippet != clean(event["title"]):
        yield _INDENT + _marked(snippet, event["highlights"], view, (view.columns or 160) - len(_INDENT))
    if event["like_this"]:
        line = f"{_INDENT}and {event['like_this']:,} more like this"
        further = next(
            (f": {one}" for one in _commands(event) if view.columns is None or _fits(line, one, view)), ""
        )
        yield view.paint(view.fit(line + further), "dim")


def _fits(line: str, more: str, view: Screen) -> bool:
    return width(line) + width(more) + 2 <= (view.columns or 0)


def _commands(event: Event) -> Iterator[str]:
    """Where all of the same title are; a shorter one where that is too long for the screen."""
    if event["value_text"] is not None and event["kind"] in ("lab_result", "vital_sign"):
        names = [plain(str(event["title"])), *(code["code"] for code in event["codes"][:1] if code["code"])]
        yield from (command("phr trend", name).replace("\xa0", " ") for name in names)
        return
    yield command(f"phr timeline --kind {event['kind']} --search", event["title"]).replace("\xa0", " ")
    yield command("phr timeline --search", event["title"]).replace("\xa0", " ")


def _marked(text: str, places: Sequence[Sequence[int]], view: Screen, room: int) -> str:
    """A snippet with its matches bold, or between « and » where there is no colour; cut to the room there is."""
    begin = 0
    spare = room - (0 if view.colour else 2 * len(places))
    if width(text) > spare and places[0][0] > spare // 3:
        begin = text.rfind(" ", 0, places[0][0] - spare // 4) + 1 if places[0][0] > spare // 4 else 0
    kept = ("…" if begin else "") + text[begin:]
    shift = begin - (1 if begin else 0)
    kept = elide(kept, spare)
    out, last = "", 0
    for a, b in ((a - shift, b - shift) for a, b in places):
        if a < last or b > len(kept):
            continue
        word = kept[a:b]
        out += view.paint(_safe(kept[last:a]), "dim")
        out += view.paint(_safe(word), "bold") if view.colour else f"«{_safe(word)}»"
        last = b
    return out + view.paint(_safe(kept[last:]), "dim")


def _safe(text: str) -> str:
    """Cleaned, with the blanks at its ends."""
    inner = clean(text)
    if not inner:
        return " " if text else ""
    return (" " if text[:1].isspace() else "") + inner + (" " if text[-1:].isspace() else "")


def _ending(hits: Hits, view: Screen, going_on: str | None) -> Iterator[str]:
    total = count(hits.total, "record")
    line = f"At least {total}." if hits.total_is_least else f"{total}."
    if len(hits.hits) < hits.total:
        line += f" Shown: {len(hits.hits):,}."
    yield line
    if hits.also:
        room = (view.columns or 100) - 18
        named = ""
        for word in hits.also:
            if len(named) + len(word) + 2 > room:
                break
            named += (", " if named else "") + clean(word)
        yield f"Also looked for: {named}{' …' if len(named) < len(', '.join(hits.also)) else ''}"
    if going_on:
        yield f"More: {going_on}"
