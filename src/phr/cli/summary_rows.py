"""How the lines of a summary are set: headings, entries with a sign and a date, what is said below them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from phr.cli.text import Screen, clean, pad, width, wrapped
from phr.views.summary_onset import since_words

Page = dict[str, Any]
Entry = dict[str, Any]
NO_INFORMATION = "No information. That does not mean that there is none."
_WIDE = 100
_DAY = 10


def edge(view: Screen) -> int:
    """Where a line ends: on a wide screen the eye would lose the line on its way to the date."""
    return min(view.columns or _WIDE, _WIDE)


def heading(text: str, view: Screen) -> Iterator[str]:
    """A part begins."""
    yield ""
    rule = "─" * max(0, edge(view) - width(text) - 1)
    yield f"{view.paint(text, 'heading')} {view.paint(view.spell(rule), 'dim')}"


def row(view: Screen, left: str, right: str = "", *, sign: str = "", style: str | None = None) -> str:
    """A sign, what it is, and at the edge of when. What is too long goes on below: nothing of it is cut."""
    import textwrap

    room = max(20, edge(view) - 5 - (width(right) + 2 if right else 0))
    parts = textwrap.wrap(left, room, break_on_hyphens=False) if width(left) > room else [left]
    lines = []
    for number, part in enumerate(parts or [""]):
        lead = view.paint(pad("" if number else sign, 2), style)
        said = f"  {lead} {view.paint(part, style if style == 'alarm' else None)}"
        gap = max(2, room - width(part) + 2)
        lines.append(
            f"{said}{' ' * gap}{view.paint(right, 'dim')}" if right and not number else said.rstrip()
        )
    return view.spell("\n".join(lines)).rstrip()


def below(view: Screen, words: str) -> Iterator[str]:
    """What is to be said of the line above, in as many lines as it takes."""
    for line in wrapped(clean(words), view, indent=5):
        yield view.paint(view.spell(line), "dim")


def more(view: Screen, page: Page, name: str, shown: int, kind: str) -> Iterator[str]:
    """How many are not shown, and where they are."""
    rest = len(page[name]) - shown + page["more"].get(name, 0)
    if rest > 0:
        yield view.fit(f"     and {rest:,} more: phr timeline --kind {kind}")


def nothing(view: Screen, words: str = NO_INFORMATION) -> str:
    """An empty part."""
    return view.paint(view.fit(f"     {words}"), "dim")


def ymd(date: str | None) -> str:
    """A date to the day, as far as it is known."""
    return clean(date)[:_DAY]


def since(entry: Entry) -> str:
    """Since when, as far as that is known; else when it was noted."""
    return clean(since_words(entry))


YOU = "you"
"""Who says what the person wrote down."""


def names(page: Page, sources: Iterable[str]) -> list[str]:
    """Sources as they are said: the person's own is no name of a source, and comes last."""
    own = set(page["own_sources"])
    told = list(sources)
    return [clean(one) for one in told if one not in own] + ([YOU] if own.intersection(told) else [])


def of(entry: Entry, page: Page) -> str:
    """Who says so, where that is not the source that most of the page is from."""
    told = entry["sources"]
    if told == [page["main_source"]]:
        return ""
    said = ", ".join(names(page, told))
    return f"{said}, corrected" if entry.get("corrected") and said != YOU else said


def says(page: Page, entry: Entry) -> str:
    """`says clinic`, `you say`: always with a name, for what denies."""
    told = names(page, entry["sources"])
    return "you say" if told == [YOU] else f"says {', '.join(told)}"


def joined(*words: str | None) -> str:
    return " · ".join(word for word in words if word)
