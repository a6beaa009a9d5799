"""`phr sandbox`: a pretend hospital on this computer, thin over the room of that name."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from phr.cli import output
from phr.cli.options import Json


def complete_faults(incomplete: str) -> list[str]:
    """Names of faults that begin like this."""
    from phr.sandbox.config import FAULTS

    return [name for name in FAULTS if name.startswith(incomplete)]


def sandbox(
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.", metavar="N")
    ] = 0,
    vendor: Annotated[
        str | None, typer.Option("--vendor", help="Imitate this vendor's habits.", metavar="ID")
    ] = None,
    data: Annotated[
        list[Path] | None,
        typer.Option("--data", help="FHIR Bundle or NDJSON to serve; may be repeated.", metavar="FILE"),
    ] = None,
    patient: Annotated[str | None, typer.Option("--patient", help="Who signs in.", metavar="ID")] = None,
    scale: Annotated[
        int, typer.Option("--scale", min=1, help="So many times the synthetic records.", metavar="N")
    ] = 1,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            "--fault",
            help="Go wrong like this; may be repeated.",
            autocompletion=complete_faults,
            metavar="NAME",
        ),
    ] = None,
    auto_approve: Annotated[
        bool, typer.Option("--auto-approve", help="Sign in and consent by redirects alone.")
    ] = False,
    json: Json = False,
) -> None:
    """Run a pretend hospital on 127.0.0.1: a SMART on FHIR R4 server with synthetic patients, or your own files.

    Faults: 429, 500-once, 503, expired-token, page-2, slow, truncated, broken-resource, html-error, reset. They
    hit FHIR requests only, the first time for each resource type. End it with Ctrl-C.

    Exit statuses: 0 ended by SIGTERM, 1 failed, 2 usage, 130 interrupted.
    """
    from phr.sandbox.config import SandboxConfig
    from phr.sandbox.server import serve_forever

    def announce(fhir_base: str, client_id: str, pid: int) -> None:
        if json:
            output.emit_json({"fhir_base": fhir_base, "client_id": client_id, "pid": pid})
            return
        output.emit([f"A pretend hospital is open at {fhir_base}"])
        output.talk(f"Connect: phr connect custom --url {fhir_base} --client-id {client_id} --port 0")
        output.talk("End it with Ctrl-C.")

    config = SandboxConfig(
        port=port,
        data=tuple(data or ()),
        patient=patient,
        scale=scale,
        faults=tuple(fault or ()),
        auto_approve=auto_approve,
        vendor=vendor,
    )
    try:
        serve_forever(config, announce)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
