"""`phr documents`: letters, reports and pictures: list, open, save, ask for them again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from enum import StrEnum
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Annotated

import typer

from phr.cli import output
from phr.cli.browser import has_desktop
from phr.cli.context import further, workspace
from phr.cli.document_lines import document_lines, fetch_lines
from phr.cli.options import Connections, Json, PhrCommand, Quiet, group
from phr.cli.selecting import Sources
from phr.cli.sync_report import unread_words
from phr.cli.text import clean, screen, size
from phr.errors import UsageError

if TYPE_CHECKING:
    from phr.workspace import Workspace
    from phr.workspace.documents import FetchWish
    from phr.workspace.sync import SyncReport

app = group(no_args_is_help=False)
Id = Annotated[str, typer.Argument(help="The ID of a document, or the number of its record.", metavar="ID")]


class State(StrEnum):
    """Whether the bytes of a document are here."""

    STORED = "stored"
    WANTED = "wanted"
    FAILED = "failed"
    REFUSED = "refused"
    ABSENT = "absent"


@app.callback(invoke_without_command=True)
def documents(ctx: typer.Context, json: Json = False) -> None:
    """List the documents of your record; open one, save one, ask for those that are missing.

    Exit statuses: 0 fine, 1 failed, 2 usage, 6 locked.
    """
    if ctx.invoked_subcommand is None:
        _list(ctx, json=json)


@app.command("list", cls=PhrCommand)
def list_(
    ctx: typer.Context,
    source: Sources = None,
    type_: Annotated[
        list[str] | None,
        typer.Option(
            "--type",
            "-t",
            envvar="PHR_DOCUMENTS_LIST_TYPE",
            help="Only of this type, such as lab or discharge_summary; may be repeated.",
            metavar="T",
        ),
    ] = None,
    state: Annotated[
        list[State] | None, typer.Option("--state", help="Only those that stand so; may be repeated.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", "-n", min=1, help="At most so many.", metavar="N")
    ] = None,
    after: Annotated[
        str | None, typer.Option("--after", help="Go on after this cursor.", metavar="CURSOR")
    ] = None,
    json: Json = False,
) -> None:
    """List documents, the newest first.

    stored: here. wanted: the next sync asks for it. failed: it may come another time. refused: the server does
    not give it. absent: the source gives neither its bytes nor an address. Those that are not here say why.

    \b
    phr documents list --type radiology
    phr documents list --state failed --state refused

    Exit statuses: 0 fine, 1 failed, 2 usage, 6 locked.
    """
    _list(
        ctx,
        source or [],
        type_ or [],
        [one.value for one in state or ()],
        limit=limit,
        after=after,
        json=json,
    )


def _list(
    ctx: typer.Context,
    sources: list[str] | None = None,
    types: list[str] | None = None,
    states: list[str] | None = None,
    *,
    limit: int | None = None,
    after: str | None = None,
    json: bool,
) -> None:
    from phr.views import documents as view

    with (here := workspace(ctx)).store() as store:
        found = view.documents(
            store,
            sources=tuple(sources or ()),
            types=tuple(types or ()),
            states=tuple(states or ()),
            limit=limit,
            after=after,
        )
        unread = 0 if json else len(store.imports.unread_documents())
    _tidy(here)
    if json:
        output.emit_json(found.document())
        return
    output.emit(document_lines(found, output.out()))
    if not found.documents:
        chosen = sources or types or states or after
        output.talk(
            "No document fits." if chosen else "There is no document yet: phr sync, or phr import FILE"
        )
    elif found.next:
        output.talk(
            f"Shown: {len(found.documents):,} of {found.total:,}. Further: {further(ctx, found.next)}"
        )
    if unread:
        output.talk(unread_words(unread))


@app.command("open", cls=PhrCommand)
def open_(ctx: typer.Context, id_: Id, json: Json = False) -> None:
    """Show a document with the program that this computer has for it.

    It lies readable for you alone below the state folder meanwhile, and is taken away by the next phr documents
    an hour later.

    Exit statuses: 0 fine, 1 failed, 2 usage, 6 locked.
    """
    from phr.views import documents as view
    from phr.workspace.viewing import lay_out

    here = workspace(ctx)
    _tidy(here)
    with here.store() as store:
        found = view.one(store, id_)
        content = view.content(store, found)
        opener = _opener()
        if opener is None:
            raise UsageError(
                "There is no desktop here to show it on.",
                hint=f"Save it instead: phr documents save {found['id']} -o {view.file_name(found)}",
            )
        store.audit.note("open document", found["id"])
    path = lay_out(here, view.file_name(found), content)
    _show(opener, path)
    if json:
        output.emit_json({"path": str(path), "bytes": len(content), "media_type": found["media_type"]})
    else:
        output.talk(f"Opened {clean(path.name)} ({size(len(content))}).")


def _opener() -> list[str] | None:
    """The command that opens a file by its type; None where there is none, or nowhere to show it."""
    if sys.platform == "win32":
        return ["cmd", "/c", "start", ""]
    name = "open" if sys.platform == "darwin" else "xdg-open"
    found = shutil.which(name) if has_desktop() else None
    return [found] if found else None


def _show(opener: list[str], path: Path) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PHR_")}
    try:
        child = subprocess.Popen(  # noqa: S603 - the system's own opener, and a name that we made
            [*opener, str(path)],
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        raise UsageError(
            "The program that shows documents could not be started.", hint="Save it: phr documents save ID"
        ) from None
    Thread(target=child.wait, daemon=True).start()  # so that it leaves nothing behind when it is closed


@app.command("save", cls=PhrCommand)
def save(
    ctx: typer.Context,
    id_: Id,
    to: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            envvar="PHR_DOCUMENTS_SAVE_OUTPUT",
            help="Where to; - is stdout.",
            metavar="FILE",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a file that is there.", allow_from_autoenv=False)
    ] = False,
    json: Json = False,
) -> None:
    """Write a document into a file, byte for byte as it came. Only you can read it (mode 0600).

    Without -o it goes into the current folder, under its date and title. A file that is there stays, unless you
    say --force.

    \b
    phr documents save 812.0
    phr documents save 812.0 -o - | less

    Exit statuses: 0 fine, 1 failed, 2 usage, 6 locked.
    """
    from phr.exporters.files import to_file
    from phr.views import documents as view

    if to == "-" and json:
        raise UsageError("The document and the report cannot both go to stdout.", hint="Give a file: -o FILE")
    with (here := workspace(ctx)).store() as store:
        found = view.one(store, id_)
        content = view.content(store, found)
        store.audit.note("save document", found["id"])
    _tidy(here)
    if to == "-":
        output.write(content)
        return
    path = Path(to) if to else Path(view.file_name(found))
    if path.is_dir():
        path = path / view.file_name(found)
    if path.exists() and not force:
        raise UsageError(f"{path} is there already.", hint="Choose another name with -o, or add --force.")
    to_file(path, lambda out: out.write(content))
    if json:
        report = {"path": str(path.absolute()), "bytes": len(content), "media_type": found["media_type"]}
        output.emit_json({"id": found["id"], **report})
    else:
        output.talk(f"Wrote {clean(path)}: {size(len(content))}.")


@app.command("fetch", cls=PhrCommand)
def fetch(
    ctx: typer.Context,
    names: Connections = None,
    failed: Annotated[
        bool, typer.Option("--failed", help="Those that did not come before, for whatever reason.")
    ] = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Ask the servers for documents: those that are still wanted, or those that failed.

    Nothing else is synced. What does not come says why; phr documents list keeps it in view.

    Exit statuses: 0 fine, also when a server is known not to give some; 1 failed; 2 usage; 3 some are missing that
    may come another time; 4 every selected connection asks for a new sign-in; 5 another run holds the lock; 6
    locked; 130 interrupted.
    """
    from phr.cli.sync_report import run_document
    from phr.workspace.documents import FetchWish

    output.hush(quiet)
    here = workspace(ctx)
    _tidy(here)
    report = _run(here, FetchWish(tuple(names or ()), failed), quiet=quiet or json)
    if json:
        output.emit_json(run_document(report))
    elif not quiet:
        output.emit(fetch_lines(report, output.out()))
    if report.exit_status and (quiet or json):
        output.hush(False)
        output.talk_lines(fetch_lines(report, screen(sys.stderr)))
    if report.exit_status:
        raise typer.Exit(report.exit_status)


def _run(here: Workspace, wish: FetchWish, *, quiet: bool) -> SyncReport:
    """Run it, with moving progress where somebody looks at a terminal."""
    from dataclasses import replace

    from phr.workspace.documents import fetch as ask

    if quiet or not sys.stderr.isatty():
        return ask(here, wish)
    from phr.cli.progress import SyncProgress

    with SyncProgress() as moving:
        return ask(here, replace(wish, progress=moving.note))


def _tidy(here: Workspace) -> None:
    """Take away copies that were laid out for a viewer some time ago."""
    if (here.paths.state / "open").exists():
        from phr.workspace.viewing import tidy

        tidy(here)
