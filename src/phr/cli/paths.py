"""`phr paths`: where everything is kept."""

from __future__ import annotations

import typer

from phr.cli import output
from phr.cli.context import workspace
from phr.cli.options import Json


def paths(ctx: typer.Context, json: Json = False) -> None:
    """Where everything is kept. Nothing is made by asking.

    Exit statuses: 0 fine, 2 usage.
    """
    here = workspace(ctx)
    where = {
        "config": here.paths.config,
        "data": here.paths.data,
        "state": here.paths.state,
        "config_file": here.paths.config_file,
        "providers_file": here.paths.providers_file,
        "user": here.paths.user_dir(here.user),
        "records": here.paths.records(here.user),
        "lock": here.paths.lock(here.user),
    }
    if json:
        output.emit_json({name: str(path) for name, path in where.items()})
    else:
        output.emit(f"{name:<16}{path}" for name, path in where.items())
