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


# ── which connections ──────────────────────────────────────────────────────────────────────────────


def complete_connections(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of connections that begin like this; none when the record is locked."""
    return names(
        ctx, "SELECT s.name FROM connection c JOIN source s ON s.id = c.source_id ORDER BY s.name", incomplete
    )


def names(ctx: typer.Context, query: str, incomplete: str) -> list[str]:
    """What this query finds that begins like this; nothing when the record is locked."""
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
