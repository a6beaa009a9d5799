"""`phr keys`: the public keys to register with a provider, and new ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from phr.cli import output
from phr.cli.context import workspace
from phr.cli.options import Json, PhrCommand, complete_connections, group
from phr.cli.text import clean
from phr.errors import typed

if TYPE_CHECKING:
    from phr.workspace.keys import Shown

app = group(no_args_is_help=True)

Holder = Annotated[
    str,
    typer.Argument(
        help="A connection, a vendor or provider (epic), or the name of a connection to come.",
        autocompletion=complete_connections,
        metavar="NAME",
    ),
]


@app.callback()
def keys() -> None:
    """The keys by which a provider knows this app (private_key_jwt): show the public ones, make new ones.

    \b
    phr keys show epic            (prints the JWK Set to paste at registration)
    phr connect epic --auth private_key_jwt

    Exit statuses: 0 fine, 1 failed, 2 usage, 5 another run holds the lock, 6 locked.
    """


@app.command("show", cls=PhrCommand)
def show(ctx: typer.Context, name: Holder, json: Json = False) -> None:
    """Print the public keys to register, as a JWK Set. There are none yet? Then they are made, and kept.

    Exit statuses: 0 fine, 1 failed, 2 usage, 6 locked.
    """
    here = workspace(ctx)
    from phr.workspace import keys as holding

    _print(shown := holding.show(here, name), json=json)
    if shown.made and shown.connection:
        output.talk(
            f"These keys are new. Register them, then: phr reconnect {typed(clean(name))} --auth private_key_jwt"
        )
    elif shown.made:
        known = name in here.catalog.providers
        how = name if known else f"PROVIDER --name {typed(clean(name))}"
        output.talk(
            "These keys are new, and kept for this. Register them with the provider, then: "
            f"phr connect {how} --auth private_key_jwt"
        )


@app.command("rotate", cls=PhrCommand)
def rotate(ctx: typer.Context, name: Holder, json: Json = False) -> None:
    """Make new keys. The former ones are honoured until the next rotation.

    A provider at which the app registered itself is told at once; at others you register the new ones.

    Exit statuses: 0 fine, 1 failed, 2 usage (also: no keys yet), 5 another run holds the lock, 6 locked.
    """
    here = workspace(ctx)
    from phr.workspace import keys as holding

    _print(shown := holding.rotate(here, name), json=json)
    if shown.told:
        output.talk("The provider knows the new keys already.")
    else:
        output.talk(
            "Register these keys with the provider in place of the old ones, now: the new ones come first, and the "
            "former ones still sign in until the next rotation."
        )


def _print(shown: Shown, *, json: bool) -> None:
    """The JWK Set: on its own for people to copy, else with the schema of all our JSON beside its keys."""
    if json:
        output.emit_json(shown.jwks)
        return
    import orjson

    text = orjson.dumps(shown.jwks, option=orjson.OPT_INDENT_2)
    output.write(text + b"\n")
