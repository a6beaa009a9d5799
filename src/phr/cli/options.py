"""Options that several commands share, and the ones that every command takes."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from phr.cli.context import Invocation, start_logging

if TYPE_CHECKING:
    from collections.abc import Callable

    from phr.views.selection import Selection

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing when all is well.")]
# A confirmation or a destructive flag has no variable: it is typed, each time.
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.", allow_from_autoenv=False)]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would happen, change nothing.")]
Name = Annotated[str, typer.Argument(help="The name of a connection: phr connections")]


class LogFormat(StrEnum):
    """How a line of the log is written."""

    TEXT = "text"
    JSON = "json"


def _keep(name: str, convert: Callable[[Any], Any]) -> Callable[..., Any]:
    def keep(ctx: typer.Context, param: typer.CallbackParam, value: Any) -> Any:
        run = ctx.find_root().obj
        if value and isinstance(run, Invocation):
            setattr(run, name, convert(value))
        return value

    return keep


def _everywhere() -> list[TyperOption]:
    """Fresh options for one command: `--user` and its like may stand after the command too."""
    hidden: dict[str, Any] = {
        "hidden": True,
        "expose_value": False,
        "allow_from_autoenv": False,
        "is_eager": True,
    }
    return [
        TyperOption(param_decls=["--user"], callback=_keep("user", str), metavar="NAME", **hidden),
        TyperOption(
            param_decls=["--credential-command"], callback=_keep("credential_command", str), **hidden
        ),
        TyperOption(param_decls=["--verbose", "-v"], count=True, callback=_keep("verbose", int), **hidden),
        TyperOption(param_decls=["--log-file"], callback=_keep("log_file", Path), metavar="FILE", **hidden),
        TyperOption(param_decls=["--log-format"], callback=_keep("log_format", _log_format), **hidden),
    ]


def _log_format(value: str) -> str:
    try:
        return LogFormat(value).value
    except ValueError:
        raise typer.BadParameter("it is text or json.", param_hint="--log-format") from None


def _plain(param: Any) -> Any:
    """`phr --help` tells the rule for variables once; beside every option it would be noise."""
    param.show_envvar = False
    return param


EPILOG = "With every command: --user NAME, -v, --log-file FILE … (phr --help)"


class PhrCommand(TyperCommand):
    """A command that also takes the options of every command."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **{**more, "epilog": more.get("epilog") or EPILOG})
        self.params = [*map(_plain, self.params), *_everywhere()]

    def invoke(self, ctx: Any) -> Any:
        """Run it, with the log that was asked for."""
        start_logging(ctx.find_root().obj)
        return super().invoke(ctx)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Arguments and options with their words.

        Click 8.5 has a `help` of its own for arguments, which Typer 0.21 leaves empty, so that what was said is
        lost (seen with 8.5.1): it is taken from the signature again.
        """
        for param in self.params:
            said = _said(self.callback, param.name)
            if said and param.param_type_name == "argument":
                param.help = said
        super().format_options(ctx, formatter)

    def format_arguments(self, ctx: Any, formatter: Any) -> None:
        """Nothing: Typer has a section for them, and Click 8.5 would write a second one."""


def _said(callback: Callable[..., Any] | None, name: str | None) -> str | None:
    """What the signature says of a parameter."""
    from inspect import unwrap
    from typing import get_args, get_type_hints

    hints = get_type_hints(unwrap(callback), include_extras=True) if callback else {}
    found = (getattr(word, "help", None) for word in get_args(hints.get(name or "")))
    return next((text for text in found if isinstance(text, str)), None)


class PhrGroup(TyperGroup):
    """A command with commands of its own, such as `phr users add`."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.params = [*map(_plain, self.params), *_everywhere()]

    def invoke(self, ctx: Any) -> Any:
        """Run it, with the log that was asked for."""
        start_logging(ctx.find_root().obj)
        return super().invoke(ctx)


SETTINGS: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


def group(**more: Any) -> typer.Typer:
    """A Typer app for a command with commands of its own; they are added with `@command(app)`."""
    return typer.Typer(
        cls=PhrGroup,
        rich_markup_mode=None,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings=SETTINGS,
        **more,
    )


# ── which records ─────────────────────────────────────────────────────────────────────────────────


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
    return _names(ctx, "SELECT DISTINCT tag FROM tag ORDER BY tag", incomplete)


def complete_sources(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of sources that begin like this; none when the record is locked."""
    return _names(ctx, "SELECT name FROM source ORDER BY name", incomplete)


def complete_connections(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of connections that begin like this; none when the record is locked."""
    return _names(
        ctx, "SELECT s.name FROM connection c JOIN source s ON s.id = c.source_id ORDER BY s.name", incomplete
    )


def _names(ctx: typer.Context, query: str, incomplete: str) -> list[str]:
    from phr.cli.context import workspace
    from phr.errors import PhrError

    if not isinstance(ctx.find_root().obj, Invocation):
        ctx.find_root().obj = Invocation()
    try:
        with workspace(ctx).store() as store:
            return [str(row[0]) for row in store.db.execute(query) if str(row[0]).startswith(incomplete)]
    except PhrError:
        return []


Connections = Annotated[
    list[str] | None,
    typer.Argument(
        help="Names of connections; none means all.", autocompletion=complete_connections, metavar="[N]..."
    ),
]
Connection = Annotated[
    str,
    typer.Argument(
        help="The name of a connection (phr connections).", autocompletion=complete_connections, metavar="N"
    ),
]
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


def _one_of(option: str, text: str | None, known: tuple[str, ...]) -> str | None:
    if text is not None and text not in known:
        raise usage(f"{option} {text} is not known.", f"It can be: {', '.join(known)}")
    return text


def usage(message: str, hint: str) -> Exception:
    """A UsageError; said in one breath."""
    from phr.errors import UsageError

    return UsageError(message, hint=hint)


def near(word: str, known: tuple[str, ...]) -> str | None:
    """`Did you mean lab_result?`, or None."""
    from difflib import get_close_matches

    from phr.views.selection import near as by_words

    found = get_close_matches(word, known, n=1) or by_words(word, known)
    return f"Did you mean {found[0]}?" if found else None
