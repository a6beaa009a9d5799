"""`phr search`: find it, in words as a person would say them."""

from __future__ import annotations

import re
import shutil
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from phr.cli import output
from phr.cli.context import further, workspace
from phr.cli.options import SETTINGS, Json, PhrCommand
from phr.cli.selecting import Kinds, Since, Sources, Tags, Until, select

if TYPE_CHECKING:
    from phr.store.store import Store
    from phr.views.query import Query
    from phr.views.search import Hits

_MINUS = re.compile(r"-(?!v+$|h$)[^\W\d_]{2,}.*|-\".*")
_JSON_PAGE = 50
_OF_WORDS = "not tag tags by doctor performer at place facility source sources".split()
_FILTER = re.compile(r"(?<!\S)-?[^\W\d_]+:\S|(?<!\S)-[^\W\d_]")


class _Command(PhrCommand):
    """A command in which `-word` is a word that must not be there, and no cluster of short options."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the command line."""
        if "--" not in args:
            args = [f"not:{arg[1:]}" if _MINUS.fullmatch(arg) else arg for arg in args]
        return super().parse_args(ctx, args)


search = typer.Typer(rich_markup_mode=None, add_completion=False, context_settings=SETTINGS)


@search.command("search", cls=_Command)
def _search(
    ctx: typer.Context,
    text: Annotated[
        list[str] | None, typer.Argument(help="What you look for, in your own words.", metavar="TEXT...")
    ] = None,
    kind: Kinds = None,
    since: Since = None,
    until: Until = None,
    source: Sources = None,
    tag: Tags = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", "-n", min=1, max=10_000, help="At most so many (default: a screenful).", metavar="N"
        ),
    ] = None,
    after: Annotated[
        str | None, typer.Option("--after", help="Go on after this cursor.", metavar="CURSOR")
    ] = None,
    recent: Annotated[bool, typer.Option("--recent", help="What was searched for lately.")] = False,
    forget: Annotated[
        bool, typer.Option("--forget", help="Forget what was searched for lately.", allow_from_autoenv=False)
    ] = False,
    json: Json = False,
) -> None:
    """Find records: titles, values, codes, notes, tags and the text of documents, the best answer first.

    Patients' words find what records say (high blood sugar finds glucose and A1c), beginnings find whole words, and
    a slip of the finger is forgiven. Narrow it down with kind:lab, after:2024, before:2025-06, source:NAME, tag:WORD,
    is:abnormal, is:bookmarked, has:document, by:NAME, at:PLACE, "words side by side" and -word.

    \b
    phr search last flu shot
    phr search 'kind:imaging after:2024 "chest ct"'
    phr search high blood pressure -family

    Exit statuses: 0 fine (also: nothing found), 1 failed, 2 usage, 6 locked.
    """
    if recent or forget:
        _recall(ctx, forget=forget, json=json)
        return
    words = joined(text or [])
    narrowed = _narrowed(kind, since, until, source, tag)
    if not words and not narrowed.filtered():
        _nothing_asked(ctx)
        return
    from phr.store.recent import remember
    from phr.views.search import search as find

    with workspace(ctx).store() as store:
        hits = find(store, words, narrowed, limit=limit or _page(json), after=after)
        whole = _wrapped(words) if not hits.hits and len(text or ()) == 1 else words
        if (
            whole != words
            and (other := find(store, whole, narrowed, limit=limit or _page(json), after=after)).hits
        ):
            hits = other
        if json:
            output.emit_json(hits.document())
        else:
            from phr.cli.search_lines import search_lines

            going_on = further(ctx, hits.next) if hits.next else None
            output.emit(search_lines(hits, output.out(), words, going_on))
            if not hits.hits:
                _say_nothing_found(store, hits, narrowed)
        if words and not after:
            remember(store.db, re.sub(r"\bnot:(?=\S)", "-", words), store.now())


def _page(json: bool) -> int:
    """So many that the first can still be seen above the last."""
    if json or not sys.stdout.isatty():
        return _JSON_PAGE if json else 20
    return max(5, (shutil.get_terminal_size((80, 24)).lines - 6) // 2)


def joined(words: list[str]) -> str:
    """The query that the shell took apart. What held blanks was quoted, when it stands beside others; a single
    argument is a whole query: `'kind:lab after:2024'`.
    """
    if len(words) == 1:
        return _wrapped(words[0].strip(), sure=True)
    parts = []
    for word in words:
        if " " in word.strip() and '"' not in word and ":" not in word:
            parts.append(f'"{word}"')
        else:
            parts.append(_wrapped(word))
    return " ".join(parts).strip()


def _wrapped(word: str, *, sure: bool = False) -> str:
    """`tag:second opinion` as one filter, unless another begins within it; `sure`: only what can be nothing else."""
    prefix, colon, value = word.partition(":")
    if not colon or " " not in value or _FILTER.search(value) or '"' in value:
        return word
    from phr.views.query import kinds_said

    if (prefix in _OF_WORDS and not sure) or (prefix in ("kind", "type", "is") and kinds_said(value)):
        return f'{prefix}:"{value}"'
    return word


def _narrowed(
    kinds: list[str] | None,
    since: str | None,
    until: str | None,
    sources: list[str] | None,
    tags: list[str] | None,
) -> Query:
    """The options, as filters. Raises UsageError for a kind or a date that makes no sense."""
    from phr.views.query import Query, kinds_said

    named = [one for kind in kinds or () for one in kinds_said(kind) or (kind,)]
    chosen = select(named, since, until, sources, tags)
    return Query(
        kinds=chosen.kinds, after=chosen.since, before=chosen.until, sources=chosen.sources, tags=chosen.tags
    )


def _recall(ctx: typer.Context, *, forget: bool, json: bool) -> None:
    from phr.store import recent

    with workspace(ctx).store() as store:
        gone = recent.forget(store.db) if forget else 0
        found = recent.recent(store.db)
    if json:
        output.emit_json({"searches": found})
    elif forget:
        output.talk(f"Forgotten: {gone}." if gone else "There was nothing to forget.")
    else:
        _emit_recent(found)


def _emit_recent(found: list[dict[str, str]]) -> None:
    from phr.cli.text import clean, when

    output.emit(f"  {when(one['searched'])}  {clean(one['words'])}" for one in found)
    if not found:
        output.talk("Nothing was searched for yet.")


def _nothing_asked(ctx: typer.Context) -> None:
    """Usage, and on a terminal what was searched for lately."""
    from phr.errors import UsageError

    if not sys.stdout.isatty():
        raise UsageError("What are you looking for?", hint="For example: phr search blood pressure")
    output.emit(
        [
            "What are you looking for? Say it in your own words:",
            "",
            "  phr search last flu shot",
            "  phr search chest ct 2024",
            "  phr search kind:lab after:2024 is:abnormal",
            "",
        ]
    )
    from phr.store.recent import recent

    with workspace(ctx).store() as store:
        found = recent(store.db)
    if found:
        output.emit(["Lately:"])
        _emit_recent(found)


def _say_nothing_found(store: Store, hits: Hits, narrowed: Query) -> None:
    """A helpful sentence."""
    if not store.db.execute("SELECT 1 FROM record LIMIT 1").fetchone():
        output.talk("The record is empty so far: phr connect, or phr import FILE")
    elif hits.said or hits.instead:
        return
    elif narrowed.filtered():
        output.talk("No record fits. With fewer conditions there may be some.")
    else:
        output.talk("No record fits. Fewer or other words may find it; phr timeline shows everything.")
