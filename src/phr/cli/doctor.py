"""`phr doctor`: check that all is well, and say the mend of what is not."""

from __future__ import annotations

from typing import Annotated

import typer

from phr.cli import output
from phr.cli.context import workspace
from phr.cli.options import Json
from phr.cli.text import clean, count


def doctor(
    ctx: typer.Context,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair",
            "--rebuild",
            help="Read every record again from what the sources sent.",
            allow_from_autoenv=False,
        ),
    ] = False,
    json: Json = False,
) -> None:
    """Check versions, folders, keys, the record, its log and the clock. Each failing check says the mend.

    --repair reads every record again from the resources as they were sent, which stay untouched.

    Exit statuses: 0 all is well, 1 a check failed, 2 usage, 5 another run holds the lock, 6 locked.
    """
    from phr.cli.checks import examine

    here = workspace(ctx)
    if repair:
        with here.lock(), here.store() as store:
            number = store.rebuild()
            store.audit.note("repair", f"{number} records")
        output.talk(f"Read {count(number, 'record')} again.")
    checks = examine(here)
    well = all(check.ok for check in checks)
    if json:
        output.emit_json(
            {
                "ok": well,
                "checks": [
                    {
                        "name": one.name,
                        "ok": one.ok,
                        "detail": one.detail,
                        "mend": None if one.ok else one.mend,
                    }
                    for one in checks
                ],
            }
        )
    else:
        view = output.out()
        for one in checks:
            mark = view.paint(view.spell("✓" if one.ok else "✗"), "green" if one.ok else "alarm")
            output.emit([f"{mark} {one.name:<10} {clean(one.detail)}"])
            if one.mend and not one.ok:
                output.emit([f"             {clean(one.mend)}"])
    if not well:
        raise typer.Exit(1)
