"""`phr sandbox`: a pretend hospital on this computer, thin over the room of that name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from phr.cli import output
from phr.cli.options import Json

if TYPE_CHECKING:
    from phr.sandbox.config import SandboxConfig


def complete_faults(incomplete: str) -> list[str]:
    """Names of faults that begin like this."""
    from phr.sandbox.config import FAULTS

    return [name for name in FAULTS if name.startswith(incomplete)]


def complete_vendors(incomplete: str) -> list[str]:
    """Ids of vendors that begin like this."""
    from phr.sandbox.vendors import VENDORS

    return [name for name in VENDORS if name.startswith(incomplete)]


def sandbox(
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.", metavar="N")
    ] = 0,
    vendor: Annotated[
        str | None,
        typer.Option(
            "--vendor",
            help="Imitate this vendor's habits: epic, oracle, nextgen …",
            autocompletion=complete_vendors,
            metavar="ID",
        ),
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
    redirect_uri: Annotated[
        list[str] | None,
        typer.Option("--redirect-uri", help="Register this one too; may be repeated.", metavar="URI"),
    ] = None,
    jwks: Annotated[
        Path | None,
        typer.Option("--jwks", help="Public keys of the client phr-sandbox-key.", metavar="FILE"),
    ] = None,
    token_seconds: Annotated[
        int | None, typer.Option("--token-seconds", min=1, help="Life of an access token.", metavar="N")
    ] = None,
    control: Annotated[
        bool,
        typer.Option("--control", help="Let other programs change the records by POST to /_control/…"),
    ] = False,
    json: Json = False,
) -> None:
    """Run a pretend hospital on 127.0.0.1: a SMART on FHIR R4 server with synthetic patients, or your own files.

    Three apps are registered: phr-sandbox (public), phr-sandbox-confidential (its secret is phr-sandbox-secret) and,
    with --jwks, phr-sandbox-key (private_key_jwt and backend services).

    Faults: 429, 500-once, 503, expired-token, page-2, slow, truncated, broken-resource, html-error, reset. They
    hit FHIR requests only, the first time for each resource type. End it with Ctrl-C.

    With --control, POST of JSON to /_control/put, delete, hide, show, merge, change or requests changes the hospital
    while it runs, or tells what was asked of it.

    Exit statuses: 0 ended by SIGTERM, 1 failed, 2 usage, 130 interrupted.
    """
    from phr.sandbox.config import SandboxConfig
    from phr.sandbox.server import serve_forever

    config = SandboxConfig(
        port=port,
        data=tuple(data or ()),
        patient=patient,
        scale=scale,
        faults=tuple(fault or ()),
        auto_approve=auto_approve,
        vendor=vendor,
        redirect_uris=tuple(redirect_uri or ()),
        jwks=_read_jwks(jwks) if jwks else None,
        token_seconds=token_seconds,
        control=control,
    )

    def announce(fhir_base: str, client_id: str, pid: int, who: str) -> None:
        if json:
            more = {"patient": who, **_registered(config)} if vendor or redirect_uri or jwks else {}
            more |= {"control": fhir_base.removesuffix("/fhir") + "/_control"} if control else {}
            output.emit_json({"fhir_base": fhir_base, "client_id": client_id, "pid": pid, **more})
            return
        output.emit([f"A pretend hospital is open at {fhir_base}"])
        output.talk("Connect: " + _connect_line(config, fhir_base))
        output.talk("End it with Ctrl-C.")

    try:
        serve_forever(config, announce)
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def _registered(config: SandboxConfig) -> dict[str, Any]:
    """What is registered there, for programs that read the line."""
    from phr.sandbox.config import CONFIDENTIAL_ID, CONFIDENTIAL_SECRET, KEY_ID

    return {
        "vendor": config.vendor_id,
        "confidential_client_id": CONFIDENTIAL_ID,
        "client_secret": CONFIDENTIAL_SECRET,
        "key_client_id": KEY_ID if config.jwks is not None else None,
        "redirect_uris": list(config.all_redirect_uris),
    }


def _connect_line(config: SandboxConfig, fhir_base: str) -> str:
    from phr.sandbox.config import CONFIDENTIAL_SECRET

    line = f"phr connect {config.vendor_id or 'custom'} --url {fhir_base}"
    if config.habits.open_access:
        return f"{line} --auth none"
    line += f" --client-id {config.client_id}"
    if not config.habits.public_client:
        return f"echo {CONFIDENTIAL_SECRET} | {line} --client-secret-stdin"
    return f"{line} --port 0" if config.habits.redirects == "loopback" else line


def _read_jwks(path: Path) -> dict[str, Any]:
    """The JWK Set in a file; what `phr keys show --json` prints is one too. Raises UsageError."""
    import orjson

    from phr.errors import UsageError

    try:
        value = orjson.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise UsageError(
            f"There are no public keys to read in {path}.", hint="Make them with phr keys show --json."
        ) from error
    inner = value.get("jwks", value) if isinstance(value, dict) else {}
    return {"keys": inner.get("keys")} if isinstance(inner, dict) else {}
