"""Which records: the options of every command that shows or hands on a part, and the Selection that they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from phr.cli.options import names, near, usage

if TYPE_CHECKING:
    from phr.views.selection import Selection


def complete_kinds(incomplete: str) -> list[str]:
    """Kinds of record that begin like this."""
    from phr.model import KINDS

    return [kind for kind in KINDS if kind.startswith(incomplete)]


def complete_sensitivities(incomplete: str) -> list[str]:
    """Levels of privacy that begin like this."""
    from phr.views.selection import SENSITIVITIES

    return [level for level in SENSITIVITIES if level.startswith(incomplete)]


def complete_tags(ctx: typer.Context, incomplete: str) -> list[str]:
    """Tags that begin like this; none when the record is locked."""
    return names(ctx, "SELECT DISTINCT tag FROM tag ORDER BY tag", incomplete)


def complete_packs(incomplete: str) -> list[str]:
    """Condition packs that begin like this."""
    from phr.packs.loading import packs

    return [pack.id for pack in packs() if pack.id.startswith(incomplete)]


def complete_sources(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of sources that begin like this; none when the record is locked."""
    return names(ctx, "SELECT name FROM source ORDER BY name", incomplete)


Kinds = Annotated[
    list[str] | None,
    typer.Option(
        "--kind",
        "-k",
        help="Only this kind, such as labs, meds or visits; may be repeated.",
        autocompletion=complete_kinds,
    ),
]


def said_date(option: str, text: str | None) -> str | None:
    """A date option as a FHIR date; “last march” is understood as `phr add` does. None stays None.

    Raises UsageError for what is no date, and for 03/04/2024, which is two.
    """
    from phr.fhir import dates

    if text is None or dates.parse(text) is not None:
        return text
    from datetime import date

    from phr.records.said_dates import AmbiguousDate, NotADate, said

    try:
        return said(text, date.today())[:10]  # noqa: DTZ011 - the person's own day
    except AmbiguousDate as error:
        raise usage(f"{option}: {error.message}", f"Write {' or '.join(error.readings.values())}.") from None
    except NotADate:
        raise usage(
            f"{option} {text} is not a date.",
            "Such as: 2024, 2024-03-15, march 2024, last march, 3 weeks ago",
        ) from None


def _as_date(param: typer.CallbackParam, value: str | None) -> str | None:
    return said_date(max(param.opts, key=len), value)


Since = Annotated[
    str | None,
    typer.Option(
        "--since", help="From this date on: 2024, 2024-03-15, “last march”.", metavar="D", callback=_as_date
    ),
]
Until = Annotated[
    str | None,
    typer.Option("--until", help="Up to this date and with it.", metavar="D", callback=_as_date),
]
Sources = Annotated[
    list[str] | None,
    typer.Option(
        "--source",
        help="Only from this source; may be repeated.",
        autocompletion=complete_sources,
        metavar="N",
    ),
]
Tags = Annotated[
    list[str] | None,
    typer.Option(
        "--tag", help="Only with this tag; may be repeated.", autocompletion=complete_tags, metavar="T"
    ),
]
Packs = Annotated[
    list[str] | None,
    typer.Option(
        "--pack",
        help="Only what this condition is about, such as alpha-1 (phr packs); may be repeated.",
        autocompletion=complete_packs,
        metavar="P",
    ),
]
Search = Annotated[str | None, typer.Option("--search", help="Only with these words.", metavar="TEXT")]
Sensitivity = Annotated[
    str | None,
    typer.Option(
        "--sensitivity",
        help="The most private that belongs: normal, sensitive or restricted.",
        autocompletion=complete_sensitivities,
        metavar="LEVEL",
    ),
]


def select(
    kinds: list[str] | None,
    since: str | None,
    until: str | None,
    sources: list[str] | None = None,
    tags: list[str] | None = None,
    search: str | None = None,
    sensitivity: str | None = None,
    packs: list[str] | None = None,
) -> Selection:
    """The Selection that these options mean. Raises UsageError for a kind or a date that makes no sense."""
    from phr.fhir import dates
    from phr.views.selection import SENSITIVITIES, Selection

    since, until = said_date("--since", since), said_date("--until", until)
    begin, end = dates.parse(since), dates.parse(until)
    if begin and end and begin.start >= end.end:
        raise usage(f"--since {since} is after --until {until}.", "Exchange the two.")
    return Selection(
        kinds=tuple(_kind(kind) for kind in kinds or ()),
        since=since,
        until=until,
        sources=tuple(sources or ()),
        tags=tuple(tags or ()),
        packs=tuple(dict.fromkeys(_pack(pack) for pack in packs or ())),
        search=search or None,
        sensitivity=_one_of("--sensitivity", sensitivity, SENSITIVITIES),
    )


def _kind(text: str) -> str:
    """A kind by its own name, by the word that the timeline shows for it, or as people say it (`labs`, `meds`)."""
    from phr.model import KINDS
    from phr.views.kind_words import kind_of, known_words

    kind = kind_of(text)
    if kind is None:
        raise usage(
            f"There is no kind of record named {text}.",
            near(text.strip().lower(), known_words()) or f"Kinds are: {', '.join(KINDS)}",
        )
    return kind


def _pack(text: str) -> str:
    """A pack by its id or its name."""
    from phr.packs.loading import packs

    def plain(words: str) -> str:
        return "".join(char for char in words.casefold() if char.isalnum())

    there = packs()
    for one in there:
        if plain(text) in (plain(one.id), plain(one.name)):
            return one.id
    names = tuple(name for one in there for name in (one.id, one.name))
    raise usage(
        f"There is no pack named {text}.",
        near(text, names) or f"Packs are: {', '.join(one.id for one in there)}",
    )


def _one_of(option: str, text: str | None, known: tuple[str, ...]) -> str | None:
    if text is not None and text not in known:
        raise usage(f"{option} {text} is not known.", f"It can be: {', '.join(known)}")
    return text
