"""The options of `phr connect` and `phr reconnect`, and how a sign-in reaches the person."""

from __future__ import annotations

import sys
import time
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from phr.cli import browser, output, stdin
from phr.cli.text import clean
from phr.errors import SignInTimeout, UsageError

if TYPE_CHECKING:
    from phr.workspace.sign_in import Speaker


class Way(StrEnum):
    """How the answer of a sign-in comes back (model.REDIRECTS)."""

    LOOPBACK = "loopback"
    HTTPS_LOOPBACK = "https-loopback"
    RELAY = "relay"
    PASTE = "paste"


def complete_auth(incomplete: str) -> list[str]:
    """Ways to sign in that begin like this."""
    from phr.model import AUTH_METHODS

    return [one for one in AUTH_METHODS if one.startswith(incomplete.lower().replace("-", "_"))]


def complete_providers(incomplete: str) -> list[str]:
    """Provider ids that begin like this."""
    from phr.cli.context import Invocation
    from phr.workspace import Workspace

    return Workspace(Invocation().environ).catalog.beginning(incomplete)


ClientId = Annotated[
    str | None, typer.Option("--client-id", help="The client id of your app there.", metavar="ID")
]
SecretStdin = Annotated[
    bool, typer.Option("--client-secret-stdin", help="Read the client secret from the first line of stdin.")
]
TokenStdin = Annotated[
    bool,
    typer.Option("--token-stdin", help="Read an access token from the first line of stdin: no sign-in."),
]
Auth = Annotated[
    str | None,
    typer.Option(
        "--auth",
        help="How to sign in, if not as usual there: public, client_secret_basic, client_secret_post, "
        "private_key_jwt, dynamic, backend, bearer or none.",
        autocompletion=complete_auth,
        metavar="METHOD",
    ),
]
Patient = Annotated[
    str | None, typer.Option("--patient", help="FHIR id, if the provider does not say it.", metavar="ID")
]
PatientName = Annotated[
    str | None,
    typer.Option("--patient-name", help="Whose record, where nobody signs in (backend).", metavar="TEXT"),
]
BirthDate = Annotated[
    str | None, typer.Option("--birth-date", help="With --patient-name: 1970-12-31.", metavar="DATE")
]
Redirect = Annotated[
    Way | None,
    typer.Option(
        "--redirect",
        help="How the browser comes back: loopback or https-loopback, to this computer; relay, by a page of yours; "
        "paste, you paste the address it ended on.",
        metavar="loopback|https-loopback|relay|paste",
    ),
]
RedirectUri = Annotated[
    str | None,
    typer.Option("--redirect-uri", help="The redirect address exactly as it is registered.", metavar="URI"),
]
Port = Annotated[
    int | None, typer.Option("--port", min=0, max=65535, help="Loopback port for the way back.", metavar="N")
]
NoBrowser = Annotated[
    bool, typer.Option("--no-browser", help="Print the address on stdout instead of opening a browser.")
]
Timeout = Annotated[
    float | None,
    typer.Option("--timeout", min=1, help="Seconds to wait for the sign-in (default: 600).", metavar="S"),
]
Sync = Annotated[bool, typer.Option("--sync/--no-sync", help="Bring the records right away.")]


def speaker(*, no_browser: bool, to_stderr: bool, timeout: float) -> Speaker:
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
        if no_browser or not browser.has_desktop():
            return False
        output.talk("Opening your browser to sign in. Waiting for you to come back …")
        return browser.open_in_browser(address)

    def say(sentence: str) -> None:
        output.talk(clean(sentence))  # it may quote a provider, who gets one line and no more

    ends = time.monotonic() + timeout
    return Speaker(open_browser, announce, lambda: _pasted(ends - time.monotonic()), say)


def first_line(what: str, option: str) -> str:
    """A secret from the first line of stdin. Raises UsageError when there is none."""
    if sys.stdin is not None and sys.stdin.isatty():
        import getpass

        text = getpass.getpass(f"The {what} (it is not shown): ")
    else:
        text = stdin.line_within(None) or ""
    if not text.strip():
        raise UsageError(f"There was no {what} on stdin.", hint=f"Pipe it in: phr connect … {option} < FILE")
    return text.strip()


def secrets(*, client_secret: bool, token: bool) -> tuple[str | None, str | None]:
    """The client secret and the token that were promised on stdin. Raises UsageError for both at once."""
    if client_secret and token:
        raise UsageError(
            "A token that was given to you needs no client secret.",
            hint="Choose --token-stdin or --client-secret-stdin.",
        )
    return (
        first_line("client secret", "--client-secret-stdin") if client_secret else None,
        first_line("token", "--token-stdin") if token else None,
    )


def _pasted(seconds: float) -> str:
    """The address on which the browser ended, from the person or from the next line of stdin.

    Raises SignInTimeout when nothing comes in time.
    """
    output.tell("After signing in, the browser shows a page, perhaps one that cannot be reached.")
    output.tell("Paste its whole address here and press Enter:")
    line = stdin.line_within(seconds)
    if line is None:
        raise SignInTimeout(
            "No address was pasted in time, so nobody is signed in.",
            hint="Start again; --timeout gives more seconds.",
        )
    return line.strip()
