"""`phr connect` and `phr reconnect`: sign in at a provider, then bring the records."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from phr.cli import output
from phr.cli import sign_in_options as opt
from phr.cli.connections import check_name
from phr.cli.context import workspace
from phr.cli.granted import document, granted_lines
from phr.cli.options import Connection, Json, Quiet
from phr.cli.text import clean, screen
from phr.errors import UsageError, typed

if TYPE_CHECKING:
    from phr import model
    from phr.workspace import Workspace
    from phr.workspace.sign_in import ConnectRequest


def connect(
    ctx: typer.Context,
    provider: Annotated[
        str,
        typer.Argument(
            help="A vendor (epic), an organisation's id (phr providers search), or custom.",
            autocompletion=opt.complete_providers,
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
    client_id: opt.ClientId = None,
    client_secret_stdin: opt.SecretStdin = False,
    token_stdin: opt.TokenStdin = False,
    auth: opt.Auth = None,
    patient: opt.Patient = None,
    patient_name: opt.PatientName = None,
    birth_date: opt.BirthDate = None,
    redirect: opt.Redirect = None,
    redirect_uri: opt.RedirectUri = None,
    port: opt.Port = None,
    no_browser: opt.NoBrowser = False,
    timeout: opt.Timeout = None,
    sync: opt.Sync = True,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Sign in at a provider in the browser, and bring your records.

    Your password is typed at the provider and never seen here. Afterwards it names what was granted and what was
    refused, how long it lasts, and runs the first sync.

    \b
    phr connect epic --org "denver health"
    phr connect custom --url https://fhir.example.org/r4 --client-id abc
    phr connect epic --redirect paste --no-browser      (over SSH)
    phr connect custom --url https://fhir.example.org/r4 --token-stdin < token.txt

    What your provider needs, and which redirect address to register: phr providers show PROVIDER.

    Exit statuses: 0 fine, 1 failed, 2 usage (also: no client id yet), 3 partly done, 5 another run holds the
    lock, 6 locked, 130 interrupted.
    """
    output.hush(quiet)
    here = workspace(ctx)
    from phr.workspace.sign_in import ConnectRequest

    secret, token = opt.secrets(client_secret=client_secret_stdin, token=token_stdin)
    request = ConnectRequest(
        provider=provider,
        url=url,
        name=check_name(name) if name is not None else None,
        client_id=client_id,
        client_secret=secret,
        bearer_token=token,
        auth=auth,
        patient=patient,
        patient_name=patient_name,
        birth_date=birth_date,
        redirect=redirect.value if redirect else None,
        redirect_uri=redirect_uri,
        port=port,
        timeout=timeout,
    )
    request = _at_organisation(here, request, org) if org else request
    _explain_client_id(here, request)
    voice = opt.speaker(
        no_browser=no_browser, to_stderr=json, timeout=timeout or here.settings.connect.timeout
    )
    again = ["phr", "connect", request.provider]
    for option, value in (("--url", url), ("--client-id", client_id)):
        again += [option, value] if value else []
    made = _unbroken(lambda: here.connect(request, voice), again)
    _finish(here, made, sync=sync, quiet=quiet, json=json)


def reconnect(
    ctx: typer.Context,
    name: Connection,
    client_id: opt.ClientId = None,
    client_secret_stdin: opt.SecretStdin = False,
    token_stdin: opt.TokenStdin = False,
    auth: opt.Auth = None,
    redirect: opt.Redirect = None,
    redirect_uri: opt.RedirectUri = None,
    port: opt.Port = None,
    no_browser: opt.NoBrowser = False,
    timeout: opt.Timeout = None,
    sync: opt.Sync = True,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Sign in again: the same connection, the same records, in the same way as last time.

    Somebody else's record is refused, and nothing changes. Another app or another way back can be given.

    \b
    phr reconnect clinic
    phr reconnect clinic --client-id NEW --client-secret-stdin < secret.txt

    Exit statuses: 0 fine, 1 failed, 2 usage, 3 partly done, 5 another run holds the lock, 6 locked, 130
    interrupted.
    """
    output.hush(quiet)
    here = workspace(ctx)
    from phr.workspace.sign_in import ConnectRequest

    secret, token = opt.secrets(client_secret=client_secret_stdin, token=token_stdin)
    request = ConnectRequest(
        client_id=client_id,
        client_secret=secret,
        bearer_token=token,
        auth=auth,
        redirect=redirect.value if redirect else None,
        redirect_uri=redirect_uri,
        port=port,
        timeout=timeout,
    )
    voice = opt.speaker(
        no_browser=no_browser, to_stderr=json, timeout=timeout or here.settings.connect.timeout
    )
    made = _unbroken(lambda: here.reconnect(name, request, voice), ["phr", "reconnect", name])
    _finish(here, made, sync=sync, quiet=quiet, json=json)


def _unbroken(sign_in: Callable[[], model.Connection], again: list[str]) -> model.Connection:
    """Ctrl-C in the middle of a sign-in leaves everything as it was; that is worth a sentence."""
    try:
        return sign_in()
    except KeyboardInterrupt:
        output.tell(
            f"The sign-in was broken off; nothing was changed. To start again: {clean(shlex.join(again))}"
        )
        raise


def _at_organisation(here: Workspace, request: ConnectRequest, text: str) -> ConnectRequest:
    """The one organisation at this vendor that fits; at an address for everybody the text is only its label.

    Raises UsageError that names the candidates.
    """
    if request.url:
        return replace(request, organisation=clean(text))
    chosen = here.catalog.find(request.provider)
    vendor = chosen.vendor.id
    found = [one for one in here.catalog.search(text, limit=200, vendor=vendor) if one.fhir_base]
    for fits in (_is_called, _has_words):
        meant = [one for one in found if fits(one.name, text)]
        if len(meant) == 1:
            return replace(request, provider=meant[0].id)
    if len(found) == 1 and not found[0].shared:
        return replace(request, provider=found[0].id)
    if chosen.shared:
        return replace(request, organisation=clean(text))
    named = ", ".join(one.id for one in found[:8])
    raise UsageError(
        f"{len(found) or 'No'} organisation{'s' if len(found) != 1 else ''} at {vendor} fit “{clean(text)}”.",
        hint=f"Choose one: phr connect ID, with one of {named}"
        if found
        else "Look for it: phr providers search TEXT",
    )


def _is_called(name: str, text: str) -> bool:
    return name.casefold() == " ".join(text.split()).casefold()


def _has_words(name: str, text: str) -> bool:
    return set(text.casefold().split()) <= set(name.casefold().split())


def _explain_client_id(here: Workspace, request: ConnectRequest) -> None:
    """A vendor without an address: the client id comes first, since it takes days; then the organisation.

    Raises UsageError that says how to get one.
    """
    from phr.workspace.goal import no_client_id
    from phr.workspace.sign_in import OWN_TO_ONE_PERSON

    provider = here.catalog.find(request.provider)
    vendor = provider.vendor
    known = request.client_id or here.settings.vendor(vendor.id).client_id or provider.client_id
    if request.url or provider.fhir_base or known or provider.id in OWN_TO_ONE_PERSON:
        return
    if vendor.registration == "open" or vendor.auth[0] in ("none", "bearer") or request.bearer_token:
        return
    raise no_client_id(here, provider)


def _finish(here: Workspace, made: model.Connection, *, sync: bool, quiet: bool, json: bool) -> None:
    from phr.cli.sync import report_lines, run_document, run_sync
    from phr.workspace.sync import SyncWish

    for line in granted_lines(made, here.idle_hours(made.vendor)):
        output.talk(line)
    if not sync:
        output.talk(f"When you like: phr sync {typed(made.name)}")
    report = run_sync(here, SyncWish(names=(made.name,), trigger="connect"), quiet=quiet) if sync else None
    if json:
        output.emit_json({"connection": document(made), "sync": run_document(report) if report else None})
    elif report:
        output.talk_lines(report_lines(report, screen(sys.stderr)))
    if report and report.exit_status:
        raise typer.Exit(report.exit_status)
