"""`phr show --open` and `--save`: what a record attaches, handed to the commands that `phr documents` has for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phr.cli.context import workspace
from phr.errors import UsageError

if TYPE_CHECKING:
    import typer


def hand_out(
    ctx: typer.Context,
    record: str,
    number: int | None,
    *,
    save: str | None,
    source: str | None,
    json: bool,
) -> None:
    """Open or save one attachment. Raises UsageError when there is none, or several and nobody said which."""
    from phr.cli import documents
    from phr.views import record as view

    with workspace(ctx).store() as store:
        attached = view.show(store, record, source, versions=0)["attachments"]
    chosen = _chosen(attached, record, number)
    if save is None:
        documents.open_(ctx, chosen, json=json)
    else:
        documents.save(ctx, chosen, save, json=json)


def _chosen(attached: list[dict[str, str]], record: str, number: int | None) -> str:
    """The id by which `phr documents` knows it."""
    if not attached:
        raise UsageError("Nothing is attached to this record.", hint=f"See what it says: phr show {record}")
    if number is not None:
        if number > len(attached):
            raise UsageError(
                f"There is no attachment {number}: the record has {len(attached)}.", hint=f"phr show {record}"
            )
        return attached[number - 1]["id"]
    here = [one for one in attached if one["state"] == "stored"]
    if len(attached) == 1 or len(here) == 1:
        return (here or attached)[0]["id"]
    raise UsageError(
        f"{len(attached)} documents are attached to this record.",
        hint=f"Say which by its number: phr show {record} --open 1",
    )
