"""`phr users`: each person at home has a file of their own."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Annotated, Any

import typer

from phr.cli import output
from phr.cli.context import for_user, workspace
from phr.cli.options import DryRun, Json, PhrCommand, Yes, group
from phr.cli.text import count, table
from phr.errors import PhrError, UsageError

if TYPE_CHECKING:
    from phr.workspace import Workspace

app = group(no_args_is_help=False)
User = Annotated[str, typer.Argument(help="The name of a user.", metavar="NAME")]


@app.callback(invoke_without_command=True)
def users(ctx: typer.Context, json: Json = False) -> None:
    """Each person at home has a file of their own: list, add, rename, remove. With any command: --user NAME.

    Exit statuses: 0 fine, 1 failed, 2 usage, 5 another run holds the lock, 6 locked.
    """
    if ctx.invoked_subcommand is None:
        _list(ctx, json=json)


@app.command("list", cls=PhrCommand)
def list_(ctx: typer.Context, json: Json = False) -> None:
    """Who has a record here.

    Exit statuses: 0 fine, 2 usage.
    """
    _list(ctx, json=json)


def _list(ctx: typer.Context, *, json: bool) -> None:
    here = workspace(ctx)
    found = [_described(for_user(ctx, name, ask=False)) for name in _names(here)]
    if json:
        output.emit_json({"users": found})
        return
    rows = [
        (one["name"], one["patient_name"], "locked" if one["records"] is None else f"{one['records']:,}")
        for one in found
    ]
    output.emit(
        table(rows, ("USER", "PATIENT", "RECORDS"), output.out(), wide=1)
        if rows
        else ["Nobody yet: phr connect PROVIDER, or look around first: phr demo"]
    )


def _names(here: Workspace) -> list[str]:
    """Every folder that holds somebody's record or waits for one."""
    if not here.paths.data.is_dir():
        return []
    from phr.paths import check_user_name

    found = []
    for folder in sorted(here.paths.data.iterdir()):
        try:
            if folder.is_dir() and check_user_name(folder.name):
                found.append(folder.name)
        except UsageError:
            continue
    return found


def _described(there: Workspace) -> dict[str, Any]:
    """A user with the name on their Patient resource; `records` is None when their record is locked."""
    from phr.views.status import patient_names

    if not there.paths.records(there.user).exists():
        return {"name": there.user, "patient_name": None, "records": 0}
    try:
        with there.store() as store:
            names = patient_names(store)
            return {
                "name": there.user,
                "patient_name": names[0] if names else None,
                "records": sum(store.counts()[1].values()),
            }
    except PhrError:
        return {"name": there.user, "patient_name": None, "records": None}


@app.command("add", cls=PhrCommand)
def add(ctx: typer.Context, name: User) -> None:
    """Make an empty record for somebody.

    Exit statuses: 0 fine, 1 failed, 2 usage (also: the name is taken), 6 locked.
    """
    there = for_user(ctx, name)
    if there.paths.user_dir(name).exists():
        raise UsageError(f"There is a user {name} already.", hint="See who there is: phr users")
    try:
        with there.store(create=True) as store:
            store.audit.note("user added")
    except PhrError:
        folder = there.paths.user_dir(name)
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
        raise
    output.talk(f"{name} has a record now: phr connect PROVIDER --user {name}")


@app.command("rename", cls=PhrCommand)
def rename(
    ctx: typer.Context,
    name: User,
    new_name: Annotated[str, typer.Argument(metavar="NEW", help="The new name.")],
    yes: Yes = False,
) -> None:
    """Give a user another name. Cron lines and scripts that use the old one have to change.

    Exit statuses: 0 fine, 1 failed, 2 usage, 5 another run holds the lock.
    """
    there, wanted = _existing(ctx, name), for_user(ctx, new_name)
    if wanted.paths.user_dir(new_name).exists():
        raise UsageError(f"There is a user {new_name} already.", hint="Choose another name.")
    output.confirm(f"{name} becomes {new_name}.", yes=yes)
    with there.lock(), wanted.lock():
        there.paths.user_dir(name).rename(wanted.paths.user_dir(new_name))
    output.talk(f"{name} is now called {new_name}.")


@app.command("remove", cls=PhrCommand)
def remove(ctx: typer.Context, name: User, dry_run: DryRun = False, yes: Yes = False) -> None:
    """Destroy a user's record, documents, keys and tokens, for good.

    Sign-ins are not revoked at the providers: run phr disconnect --all --user NAME first. Backups and exports
    stay where you put them.

    Exit statuses: 0 fine, 1 failed, 2 usage, 5 another run holds the lock.
    """
    there = _existing(ctx, name)
    described = _described(there)
    records = (
        "a record that does not open here"
        if described["records"] is None
        else count(described["records"], "record")
    )
    if dry_run:
        output.talk(f"Would destroy {records} of {name} in {there.paths.user_dir(name)}.")
        return
    output.confirm(f"This destroys {records} of {name}, with documents, keys and tokens, for good.", yes=yes)
    with there.lock():
        left = _forget_secrets(there)
        shutil.rmtree(there.paths.user_dir(name))
    output.talk(
        f"{name} is gone."
        + ("" if left else " Entries of its own may be left in the keyring: it was locked.")
    )


def _existing(ctx: typer.Context, name: str) -> Workspace:
    there = for_user(ctx, name)
    if not there.paths.user_dir(name).is_dir():
        named = ", ".join(_names(there))
        raise UsageError(
            f"There is no user {name}.", hint=f"There is: {named}" if named else "There is nobody yet."
        )
    return there


def _forget_secrets(there: Workspace) -> bool:
    """Forget tokens, client secrets and the record key; answers whether all could be reached."""
    from phr.vault.keys import RECORD_KEY

    if not there.paths.records(there.user).exists():
        return True
    try:
        with there.store() as store:
            keys = [one.key for one in store.connections.all()]
        for key in keys:
            there.vault.secrets.delete(f"token/{key}")
            there.vault.secrets.delete(f"client-secret/{key}")
        there.vault.secrets.delete(RECORD_KEY)
    except PhrError:
        return False
    return True
