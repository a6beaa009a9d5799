"""`phr providers`: find the place you are a patient of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from phr.cli import output
from phr.cli.connect import complete_providers
from phr.cli.context import workspace
from phr.cli.options import Json, PhrCommand, group
from phr.cli.text import clean, clean_lines, count, table

if TYPE_CHECKING:
    from phr.model import Provider

app = group(no_args_is_help=False)
Limit = Annotated[int | None, typer.Option("--limit", "-n", min=1, help="At most so many.", metavar="N")]
SCREENFUL = 20


@app.callback(invoke_without_command=True)
def providers(ctx: typer.Context, json: Json = False) -> None:
    """Find the place you are a patient of: vendors, their sandboxes, organisations.

    Exit statuses: 0 fine, 2 usage.
    """
    if ctx.invoked_subcommand is None:
        _list(ctx, None, json=json)


@app.command("list", cls=PhrCommand)
def list_(ctx: typer.Context, limit: Limit = None, json: Json = False) -> None:
    """Everything in the catalogue.

    Exit statuses: 0 fine, 2 usage.
    """
    _list(ctx, limit, json=json)


def _list(ctx: typer.Context, limit: int | None, *, json: bool) -> None:
    found = list(workspace(ctx).catalog.providers.values())
    _tell(found[:limit], json=json)
    if limit and len(found) > limit and not json:
        output.talk(f"{count(len(found) - limit, 'more entry', 'more entries')}: phr providers search TEXT")


@app.command("search", cls=PhrCommand)
def search(
    ctx: typer.Context,
    text: Annotated[list[str], typer.Argument(help="Words of its name, place or vendor.", metavar="TEXT")],
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, help="At most so many.", metavar="N")
    ] = SCREENFUL,
    json: Json = False,
) -> None:
    """Find an organisation and its FHIR address; forgives small typos.

    \b
    phr providers search denver health

    Exit statuses: 0 fine, also when nothing fits; 2 usage.
    """
    found = workspace(ctx).catalog.search(" ".join(text), limit)
    _tell(found, json=json)
    if not found and not json:
        output.talk("Nothing fits. Any FHIR server will do: phr connect custom --url FHIR_BASE")


def _tell(found: list[Provider], *, json: bool) -> None:
    if json:
        output.emit_json({"results": [_result(one) for one in found]})
    elif found:
        rows = [
            (one.id, one.name, one.vendor.id, one.place, one.fhir_base or "(choose an organisation)")
            for one in found
        ]
        output.emit(table(rows, ("ID", "NAME", "VENDOR", "PLACE", "FHIR BASE"), output.out(), wide=4))


def _result(one: Provider) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "vendor": one.vendor.id,
        "place": one.place,
        "fhir_base": one.fhir_base,
    }


@app.command("show", cls=PhrCommand)
def show(
    ctx: typer.Context,
    id_: Annotated[
        str, typer.Argument(metavar="ID", help="An id from the catalogue.", autocompletion=complete_providers)
    ],
    json: Json = False,
) -> None:
    """One entry, with how to get a client id there. Works without network.

    Exit statuses: 0 fine, 2 usage (also: no such entry).
    """
    here = workspace(ctx)
    one = here.catalog.find(id_)
    vendor = one.vendor
    client_id = here.settings.vendor(vendor.id).client_id or one.client_id
    redirect = f"http://{vendor.redirect_host}:{vendor.redirect_port}{vendor.redirect_path}"
    if json:
        more = {"sandbox": one.sandbox, "auth": vendor.auth, "redirect_uri": redirect, "client_id": client_id}
        output.emit_json({**_result(one), **more, "recipe": vendor.recipe, "portal": vendor.portal})
        return
    pairs = {
        "Name": one.name,
        "Id": one.id,
        "Vendor": vendor.name,
        "Place": one.place,
        "FHIR base": one.fhir_base,
        "Sign-in": ", ".join(vendor.auth),
        "Redirect": redirect,
        "Client id": client_id or "none yet",
        "Portal": vendor.portal,
    }
    output.emit(f"{label:<11}{clean(value)}" for label, value in pairs.items() if value)
    if vendor.recipe:
        output.emit(
            [
                "",
                "How to get a client id:",
                *(f"  {line}" for line in clean_lines(vendor.recipe).splitlines()),
            ]
        )
    output.emit(["", f"Then: phr connect {one.id}"])
