"""`phr connect` and `phr reconnect`: sign in at a provider in the browser, then bring the records."""

from __future__ import annotations

import os
import re
import sys
from dataclasses import asdict
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from phr.cli import output
from phr.cli.connections import check_name
from phr.cli.context import workspace
from phr.cli.options import Connection, Json, Quiet
from phr.cli.text import clean, screen, when
from phr.errors import UsageError

if TYPE_CHECKING:
    from phr import model
    from phr.workspace import Workspace
    from phr.workspace.sign_in import ConnectRequest, Speaker


class Way(StrEnum):
    """How the answer of a sign-in comes back."""

    LOOPBACK = "loopback"
    PASTE = "paste"


_GRANTED = re.compile(r"(?:patient|user)/(\*|[A-Za-z]+)\.")


def complete_providers(incomplete: str) -> list[str]:
    """Provider ids that begin like this."""
    from phr import paths
    from phr.providers import catalog

    found = catalog.load(paths.locate(os.environ).providers_file)
    return [id_ for id_ in found.providers if id_.startswith(incomplete)]


NoBrowser = Annotated[
    bool, typer.Option("--no-browser", help="Print the address on stdout instead of opening a browser.")
]
Port = Annotated[
    int | None, typer.Option("--port", min=0, max=65535, help="Loopback port for the way back.", metavar="N")
]
Redirect = Annotated[
    Way,
    typer.Option(
        "--redirect",
        help="loopback: the browser comes back to this computer; paste: you paste the address it ended on.",
    ),
]
Timeout = Annotated[
    float | None,
    typer.Option("--timeout", min=1, help="Seconds to wait for the sign-in (default: 600).", metavar="S"),
]
Sync = Annotated[bool, typer.Option("--sync/--no-sync", help="Bring the records right away.")]
SecretStdin = Annotated[
    bool, typer.Option("--client-secret-stdin", help="Read the client secret from the first line of stdin.")
]


def connect(
    ctx: typer.Context,
    provider: Annotated[
        str,
        typer.Argument(
            help="A vendor (epic), an organisation's id (phr providers search), or custom.",
            autocompletion=complete_providers,
            metavar="PROVIDER",
        ),
    ],
    org: Annotated[
        str | None, typer.Option("--org", help="The organisation, by name, at that vendor.", metavar="TEXT")
    ] = None,
    url: Annotated[
        str | None, typer.Option("--url", help="Its FHIR base address.", metavar="FHIR_BASE")
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="What to call the connection.", metavar="N")
    ] = None,
    client_id: Annotated[
        str | None, typer.Option("--client-id", help="The client id of your app there.", metavar="ID")
    ] = None,
    client_secret_stdin: SecretStdin = False,
    patient: Annotated[
        str | None, typer.Option("--patient", help="FHIR id, if the provider does not say it.", metavar="ID")
    ] = None,
    port: Port = None,
    redirect: Redirect = Way.LOOPBACK,
    no_browser: NoBrowser = False,
    timeout: Timeout = None,
    sync: Sync = True,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Sign in at a provider in the browser, and bring your records.

    Your password is typed at the provider and never seen here. Afterwards it names what was granted and what was
    refused, and runs the first sync.

    \b
    phr connect epic --org "denver health"
    phr connect custom --url https://fhir.example.org/r4 --client-id abc

    Exit statuses: 0 fine, 1 failed, 2 usage (also: no client id yet), 3 partly done, 5 another run holds the
    lock, 6 locked, 130 interrupted.
    """
    output.hush(quiet)
    here = workspace(ctx)
    from phr.workspace.sign_in import ConnectRequest

    request = ConnectRequest(
        provider=_organisation(here, provider, org) if org else provider,
        url=url,
        name=check_name(name) if name is not None else None,
        client_id=client_id,
        client_secret=_secret() if client_secret_stdin else None,
        patient=patient,
        port=port,
        timeout=timeout,
    )
    _explain_client_id(here, request)
    try:
        made = here.connect(request, speaker(no_browser=no_browser, to_stderr=json, way=redirect))
    except UsageError as error:
        raise _with_place(here, request.provider, error) from None
    _finish(here, made, sync=sync, quiet=quiet, json=json)


def reconnect(
    ctx: typer.Context,
    name: Connection,
    client_secret_stdin: SecretStdin = False,
    port: Port = None,
    redirect: Redirect = Way.LOOPBACK,
    no_browser: NoBrowser = False,
    timeout: Timeout = None,
    sync: Sync = True,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Sign in again: the same connection, the same records.

    Exit statuses: 0 fine, 1 failed, 2 usage, 3 partly done, 5 another run holds the lock, 6 locked, 130
    interrupted.
    """
    output.hush(quiet)
    here = workspace(ctx)
    from phr.workspace.sign_in import ConnectRequest

    secret = _secret() if client_secret_stdin else None
    request = ConnectRequest(client_secret=secret, port=port, timeout=timeout)
    made = here.reconnect(name, request, speaker(no_browser=no_browser, to_stderr=json, way=redirect))
    _finish(here, made, sync=sync, quiet=quiet, json=json)


def speaker(*, no_browser: bool, to_stderr: bool, way: Way = Way.LOOPBACK) -> Speaker:
    """How the sign-in reaches the person: a browser, else the address alone on one line.

    With `to_stderr` stdout is kept for the JSON document.
    """
    from phr.workspace.sign_in import Speaker

    def announce(address: str) -> None:
        output.talk("Open this address in a browser and sign in there:")
        stream = sys.stderr if to_stderr else sys.stdout
        stream.write(clean(address) + "\n")
        stream.flush()

    def open_browser(address: str) -> bool:
        if no_browser or not _has_desktop():
            return False
        import webbrowser

        output.talk("Opening your browser to sign in. Waiting for you to come back …")
        return webbrowser.open(address)

    return Speaker(open_browser, announce, _pasted if way is Way.PASTE else None)


def _pasted() -> str:
    """The address on which the browser ended, from the person or from the first line of stdin."""
    output.talk("After signing in, the browser shows a page, perhaps one that cannot be reached.")
    output.talk("Paste its whole address here and press Enter:")
    return sys.stdin.readline().strip()


def _has_desktop() -> bool:
    """Without a display, a browser in the terminal would take the terminal over."""
    if sys.platform in ("darwin", "win32"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))


def _secret() -> str:
    secret = sys.stdin.readline().strip()
    if not secret:
        raise UsageError(
            "There was no client secret on stdin.",
            hint="Pipe it in: phr connect … --client-secret-stdin < FILE",
        )
    return secret


def _organisation(here: Workspace, vendor: str, text: str) -> str:
    """The id of the one organisation at this vendor that fits. Raises UsageError that names the candidates."""
    wanted = here.catalog.find(vendor).vendor.id
    found = [one for one in here.catalog.search(text, limit=200) if one.vendor.id == wanted and one.fhir_base]
    if len(found) == 1:
        return found[0].id
    named = ", ".join(one.id for one in found[:8])
    raise UsageError(
        f"{len(found) or 'No'} organisation{'s' if len(found) != 1 else ''} at {wanted} fit “{clean(text)}”.",
        hint=f"Choose one: phr connect ID, with one of {named}"
        if found
        else "Look for it: phr providers search TEXT",
    )


def _explain_client_id(here: Workspace, request: ConnectRequest) -> None:
    """A vendor without an address: the client id comes first, since it takes days; then the organisation.

    Raises UsageError with the recipe while there is no client id.
    """
    from phr.workspace.sign_in import OWN_TO_ONE_PERSON

    provider = here.catalog.find(request.provider)
    vendor = provider.vendor
    known = request.client_id or here.settings.vendor(vendor.id).client_id or provider.client_id
    if request.url or provider.fhir_base or known or provider.id in OWN_TO_ONE_PERSON:
        return
    recipe = vendor.recipe or f"Register an app with {vendor.name}."
    asked = UsageError(
        f"{vendor.name} knows apps by a client id, and there is none yet.",
        hint=f'{recipe.rstrip()}\nYour hospital: phr providers search "ITS NAME"',
    )
    raise _with_place(here, provider.id, asked, place="ITS-ID")


def _with_place(here: Workspace, provider: str, error: UsageError, place: str | None = None) -> UsageError:
    """The recipe for a client id, and where the id is kept once it is there."""
    if error.hint is None or "client id" not in error.message:
        return error
    vendor = here.catalog.find(provider).vendor
    variable = f"PHR_{vendor.id.upper().replace('-', '_')}_CLIENT_ID"
    kept = f"Then: phr connect {place or provider} --client-id ID (kept in {here.paths.config_file}), or set {variable}."
    return UsageError(error.message, hint=f"{error.hint.rstrip()}\n{kept}")


def _finish(here: Workspace, made: model.Connection, *, sync: bool, quiet: bool, json: bool) -> None:
    from phr.cli.sync import report_lines, run_document, run_sync
    from phr.workspace.sync import SyncWish

    for line in granted_lines(made):
        output.talk(line)
    if not sync:
        output.talk(f"When you like: phr sync {made.name}")
    report = run_sync(here, SyncWish(names=(made.name,), trigger="connect"), quiet=quiet) if sync else None
    if json:
        output.emit_json({"connection": document(made), "sync": run_document(report) if report else None})
    elif report:
        output.talk_lines(report_lines(report, screen(sys.stderr)))
    if report and report.exit_status:
        raise typer.Exit(report.exit_status)


def document(made: model.Connection) -> dict[str, Any]:
    """A connection as JSON, with the keys of `phr connections --json` as far as a sign-in knows them."""
    known = asdict(made)
    for inner in ("key", "client_id", "requested_scopes", "every_hours"):
        known.pop(inner)
    return {**known, "every": f"{made.every_hours}h"}


def granted_lines(made: model.Connection) -> list[str]:
    """What the provider granted and refused, and until when, in words."""
    types = sorted({found[1] for scope in made.granted_scopes if (found := _GRANTED.match(scope))})
    granted = "everything it has for you" if "*" in types else ", ".join(types) or "it did not say"
    lines = [f"Signed in. The connection is called {made.name}.", f"  Granted: {granted}"]
    reasons: dict[str, list[str]] = {}
    for one in made.refused:
        reasons.setdefault(clean(one.reason), []).append(one.type)
    lines += [f"  Not to be had: {', '.join(names)} ({reason})" for reason, names in reasons.items()]
    if made.sign_in_before:
        lines.append(f"  The provider asks for a new sign-in after {when(made.sign_in_before)}.")
    return lines
