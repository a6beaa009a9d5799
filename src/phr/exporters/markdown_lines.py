"""Events as short lines of Markdown: what, how much, when, where. Whatever a source wrote is escaped here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from phr.exporters.markdown_text import inline
from phr.views.event_words import has_value as has_value
from phr.views.event_words import outside, usual
from phr.views.figures import short, unit_words
from phr.views.titles import plain

Event = dict[str, Any]
_MARKS = {"HH": "↑↑", "H": "↑", "LL": "↓↓", "L": "↓", "AA": "!!", "A": "!"}


def title(event: Event) -> str:
    """What it is, in plain words."""
    return inline(plain(str(event["title"])))


def value(event: Event, measured: str = "") -> str:
    """The value, with its unit where that is given, and the mark of what lies outside its range."""
    text = str(event["value_text"] if event.get("value_text") is not None else event["value"])
    said = inline(short(text, event.get("low"), event.get("high")))
    return " ".join(part for part in (said, measured, mark(event)) if part)


def mark(event: Event) -> str:
    """`↑`, `↓`, doubled when critical, `!` when abnormal otherwise."""
    return _MARKS.get(outside(event), "")


def unit(event: Event) -> str:
    """The unit as people write it."""
    return inline(unit_words(str(event.get("unit") or "")))


def span(event: Event) -> str:
    """The range that the value was held against."""
    return inline(usual(event))


def day(event: Event, name: str = "date") -> str:
    """The day, as exact as its source gave it."""
    return inline(event.get(name))[:10]


def when(event: Event) -> str:
    """From when to when."""
    start, end = day(event), day(event, "end")
    if end and end != start:
        return f"{start or 'unknown'} to {end}"
    return start or "no date"


def clock(event: Event) -> str:
    """The time of the day, for values of one day."""
    text = str(event.get("date") or "")
    return inline(text[11:16]) if len(text) >= 16 and text[10] == "T" else ""


def where(event: Event) -> str:
    """Where and by whom."""
    place, who = inline(event.get("facility")), inline(event.get("performer"))
    return ", ".join(one for one in dict.fromkeys((place, who)) if one)


def beside(event: Event) -> str:
    """What the person says beside the source: corrections, and with `--notes` notes and tags."""
    said = []
    for one in event.get("corrections") or ():
        now = inline(one["value"]) or "nothing"
        before = inline(one["source_value"]) or "nothing"
        said.append(f"corrected by the person: {inline(one['field'])} {now}, the source says {before}")
    said += [f"note of the person: “{inline(one['text'])}”" for one in event.get("notes") or ()]
    if event.get("tags"):
        said.append(f"tagged {inline(', '.join(event['tags']))}")
    return "; ".join(said)


class Letters:
    """Sources by a letter, where there are several: short enough to stand behind each line."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._letters: Mapping[str, str] = (
            {name: _letter(at) for at, name in enumerate(names)} if len(names) > 1 else {}
        )

    def legend(self) -> str | None:
        """`A clinic · B hospital`; None where there is one."""
        if not self._letters:
            return None
        return " · ".join(f"{letter} = {inline(name)}" for name, letter in self._letters.items())

    def of(self, event: Event) -> str:
        """`A` or `A+B`."""
        return "+".join(self._letters[name] for name in event["sources"] if name in self._letters)


def _letter(at: int) -> str:
    return chr(65 + at) if at < 26 else f"S{at + 1}"
