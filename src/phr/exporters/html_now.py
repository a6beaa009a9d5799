"""What stands now, at the top of the page: problems, medicines and allergies of what goes along (`pdf_now`), in plain words.

Whoever opens the page first wants to know what the person has, takes and must not get. It is picked out of the records on
the page, never out of the rest of the record; what is folded here opens without script, and all of it stands in the
sections below.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from phr.exporters.html_frame import words
from phr.exporters.html_words import Event, clean, row, source_word
from phr.exporters.pdf_now import Now
from phr.views.summary_onset import since_words
from phr.views.titles import plain

NOTHING = "No information. That does not mean that there is none."
NOT_SELECTED = "Nothing in this selection. That does not mean that there is none."
_PARTS = (("allergies", "Allergies"), ("problems", "Problems"), ("medications", "Medicines"))
"""In the order of every other summary: what must not be given comes first."""
_FORMER = {"allergies": ("refuted_allergies", "former_allergies"), "problems": ("refuted_problems", "")}
_MOST = 10
"""Lines of a part that are read at once; more of them are folded."""
_FEW = 8
_SHORT = 32
"""Letters of a fact that is not broken into two lines."""
_TEXT = 160
"""Characters of a description; longer ones stand in the section."""


def standing(now: Now, shown: Collection[str], *, part_only: bool) -> str:
    """The section, empty where there is nothing to stand in it. `shown`: names of the sections that are on the page."""
    several = len({name for part in now.parts.values() for one in part for name in one["sources"]}) > 1
    nothing = NOT_SELECTED if part_only else NOTHING
    wishes = [one for one in now["directives"] if one["no_resuscitation"]]
    told = {name: "".join(_part(now, name, several=several)) for name, _ in _PARTS if name in shown}
    if not told or (part_only and not wishes and not any(told.values())):
        return ""
    parts = "".join(
        f'<div class="{name}">\n<h3>{title}</h3>\n{told[name] or _soft(nothing)}</div>\n'
        for name, title in _PARTS
        if name in told
    )
    return (
        '<section id="now">\n<h2>What stands now</h2>\n'
        + "".join(_wish(one) for one in wishes)
        + f'<div class="now">\n{parts}</div>\n'
        + _soft("Picked out of the records on this page; the sections below have all of them.")
        + "</section>\n"
    )


def _part(now: Now, name: str, *, several: bool) -> Iterator[str]:
    """One of the three, empty where nothing is known."""
    entries = now[name]
    if name == "problems":
        entries = [one for one in entries if one["group"] != "circumstance"]
    lines = [_LINES[name](one, _sources(one) if several else "") for one in entries]
    most = max(_MOST, sum(bool(one.get("life_threatening")) for one in entries))
    if len(lines) == most + 1:  # folding one line saves none
        most += 1
    if lines:
        yield f"<ul>\n{''.join(lines[:most])}</ul>\n"
    if rest := lines[most:]:
        yield f"<details><summary>And {len(rest):,} more</summary><ul>\n{''.join(rest)}</ul></details>\n"
    for one in now[f"none_known_{name}"][:2]:
        yield f"<p>{'But: ' if entries else ''}{words(_titled(one))} {_small(_says(one))}</p>\n"
    if name == "medications":
        for one in now["not_to_be_taken"]:
            yield f'<p class="alarm">! {words(_titled(one))} {_small(_day(one["date"]))}</p>\n'
    if name == "problems":
        yield _aside("Life circumstances", [one for one in now[name] if one["group"] == "circumstance"])
    refuted, former = _FORMER.get(name, ("", ""))
    yield _aside("Ruled out", now[refuted] if refuted else ())
    yield _aside("No longer", now[former] if former else ())


def _allergy(one: Event, source: str) -> str:
    shown = [
        " ".join(
            part
            for part in (
                plain(clean(each["manifestation"])) or "reaction",
                f"({each['severity']})" if each["severity"] else "",
            )
            if part
        )
        for each in one["reactions"]
    ]
    risk = _risk(one)
    low = f"{one['criticality']} risk" if one["criticality"] and not risk else ""
    kind = "intolerance, no allergy" if one["intolerance"] else ""
    return _line(_titled(one), (", ".join(shown), low, kind, since_words(one), source), grave=risk)


def _risk(one: Event) -> str:
    """Why it is marked: what its source says, in a word."""
    if not one["life_threatening"]:
        return ""
    if one["criticality"] == "high":
        return "high risk"
    severe = any(each["severity"] == "severe" for each in one["reactions"])
    return "severe reaction" if severe else "can threaten life"


def _problem(one: Event, source: str) -> str:
    over = ", ".join(map(source_word, one.get("over_elsewhere") or ()))
    said = clean(one["description"])
    facts = (
        "named at a visit" if one["group"] == "visit" else "",
        f"over, according to {over}" if over else "",
        said if len(said) < _TEXT else "",
        since_words(one),
        source,
    )
    return _line(_titled(one), facts)


def _medicine(one: Event, source: str) -> str:
    others = "; ".join(map(clean, one["other_doses"]))
    signs = [(_day(one[name]), name) for name in ("given", "dispensed", "prescribed") if one[name]]
    last, how = max(signs, default=("", ""))
    since = _day(one["since"])
    facts = (
        clean(one["dose"]),
        f"other dose on record: {others}" if others else "",
        f"since {since}" if since else "",
        f"last {how} {last}" if last and last != since else "",
        clean(one["doubt"]) if one["still_taking"] else "",
        "no renewal on record" if one["unrenewed"] else "",
        source,
    )
    return _line(_titled(one), facts, doubt="still taking?" if one["still_taking"] else "")


_LINES = {"allergies": _allergy, "problems": _problem, "medications": _medicine}


def _line(title: str, facts: Sequence[str], *, grave: str = "", doubt: str = "") -> str:
    """A name, and what is said of it in softer words. What is grave is told by a sign, a word and a frame."""
    name = f'<b class="alarm">! {words(title)}</b>' if grave else f"<b>{words(title)}</b>"
    mark = f' <strong class="risk">{words(grave)}</strong>' if grave else ""
    mark += f" <em>{words(doubt)}</em>" if doubt else ""
    told = " · ".join(
        f"<span>{words(one)}</span>" if len(one) <= _SHORT else words(one) for one in filter(None, facts)
    )
    return f"<li>{name}{mark} {f'<small>{told}</small>' if told else ''}</li>\n"


def _wish(one: Event) -> str:
    papers = [clean(paper["title"]) for paper in one["documents"] if paper["title"]]
    facts = (_day(one["date"]), f"on paper: {', '.join(papers)}" if papers else "")
    return (
        f'<p class="alarm">! {words(_titled(one))} {_small(" · ".join(part for part in facts if part))}</p>\n'
    )


def _aside(label: str, entries: Sequence[Event]) -> str:
    """A few names in a sentence, and how many more there are."""
    if not entries:
        return ""
    names = [
        " ".join(part for part in (_bare(one), _day(one.get("ended") or one["date"])) if part)
        for one in entries[:_FEW]
    ]
    rest = f", and {len(entries) - _FEW:,} more" if len(entries) > _FEW else ""
    return _soft(f"{label}: {', '.join(names)}{rest}.")


def _titled(one: Event) -> str:
    return row(one).title


def _bare(one: Event) -> str:
    """The name alone, where the words before it say how it stands."""
    return row(one | {"status": None, "description": None}).title


def _says(one: Event) -> str:
    return ", ".join(part for part in (f"says {_sources(one)}", _day(one["date"])) if part)


def _sources(one: Event) -> str:
    return ", ".join(map(source_word, one["sources"]))


def _day(date: object) -> str:
    return clean(date)[:10]


def _small(text: str) -> str:
    return f"<small>{words(text)}</small>" if text else ""


def _soft(text: str) -> str:
    return f'<p class="soft">{words(text)}</p>\n'
