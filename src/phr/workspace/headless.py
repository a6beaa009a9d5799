"""Will tonight's sync find its key? Asked at `phr connect`, answered by `phr doctor --as-cron`.

Cron starts a run without a terminal, without a desktop session and with hardly any variables. What a person typed,
or a keyring of the desktop unlocked, is not there then; that has to be said while somebody is still looking.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phr import settings
from phr.errors import PhrError, typed
from phr.paths import expanded

if TYPE_CHECKING:
    from phr.model import Connection, Token
    from phr.workspace.workspace import Workspace

PATH = "/usr/bin:/bin"
_FILES = (
    "PHR_HOME",
    "PHR_KEY_FILE",
    "PHR_PASSPHRASE_FILE",
    "PHR_NETWORK_CA_FILE",
    "PHR_MAIL_PASSWORD_FILE",
    "PHR_WEBHOOK_SECRET_FILE",
)
"""Variables that name a file: cron starts in the home folder, so they need their whole path."""
_FOLDERS = ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME")
"""Where things are when PHR_HOME is not set (XDG Base Directory Specification)."""
_NEEDED = frozenset(
    {
        *_FILES,
        *settings.variables("general"),
        *settings.variables("sync"),
        *settings.variables("network"),
        *settings.variables("mail"),
        "PYTHON_KEYRING_BACKEND",
        "HTTPS_PROXY",
        "https_proxy",
        "ALL_PROXY",
        "all_proxy",
        "NO_PROXY",
        "no_proxy",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
    }
    - {"PHR_USER"}
)
"""All that a nightly sync reads. Of the rest nothing is passed on, nor named: who knows what a shell holds. The user is an
option of the line; client ids, secrets and tokens are found in the vault."""
_UNSUITED = "PHR_PASSPHRASE"
"""A crontab is no place for it: copies of it lie about, and mails and `ps` show its lines."""
_SECRETIVE = re.compile(
    r"PHR_CREDENTIAL_COMMAND|.*_PROXY|(?!.*_FILE$).*(PASSPHRASE|SECRET|TOKEN|PASSWORD|KEY)(_.*)?",
    re.IGNORECASE,
)
"""Variables whose values may hold a secret: named, never shown."""

_TO_FILE = (
    "Make a key file (for a new record: head -c 32 /dev/urandom > ~/phr.key; chmod 600 ~/phr.key) and name it in "
    "PHR_KEY_FILE, or put the passphrase into a file of mode 600 and name it in PHR_PASSPHRASE_FILE."
)
_FROM_KEYRING = (
    "Keep the key in a file instead: phr vault recovery-key | PHR_KEY_FILE=~/phr.key phr vault recover; "
    "then set PHR_KEY_FILE=~/phr.key for good, and sign in again: phr reconnect, for each connection."
)


def warning(workspace: Workspace) -> str | None:
    """Why a run without terminal and desktop session would not open the record, and what to do; None: it would.

    Asks nothing that prompts, and never raises a PhrError.
    """
    try:
        source = workspace.vault.source()
    except PhrError as error:
        return " ".join(filter(None, (error.message, error.hint)))
    environ = workspace.environ
    if source == "prompt":
        return f"Runs at night cannot ask for the passphrase that you type. {_TO_FILE}"
    if source == "keyring" and workspace.vault.keyring_needs_desktop():
        mend = _FROM_KEYRING if workspace.paths.records(workspace.user).exists() else _TO_FILE
        return f"The keyring opens only while you are signed in to the desktop, so runs at night may find no key. {mend}"
    if source == "passphrase" and environ.get("PHR_PASSPHRASE"):
        return (
            "The passphrase is only in the variables of this shell, where runs at night do not find it. "
            "Put it into a file of mode 600 and name that in PHR_PASSPHRASE_FILE."
        )
    if source == "command" and not _command_is_kept(workspace):
        return (
            "The credential command was given for this run only. "
            f"Put it into {workspace.paths.config_file}: credential_command under [general]."
        )
    name = {"key-file": "PHR_KEY_FILE", "passphrase": "PHR_PASSPHRASE_FILE"}.get(source)
    if name and not _whole(environ.get(name, ""), name, under=Path()).is_absolute():
        return f"{name} names a file in the folder of this shell, and runs at night start elsewhere. Write its whole path."
    return None


def _command_is_kept(workspace: Workspace) -> bool:
    set_ = workspace.settings.general.credential_command or workspace.environ.get("PHR_CREDENTIAL_COMMAND")
    return workspace.vault.credential_command in (None, set_)


# ── the world of cron ─────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Nightly:
    """What a crontab has to say so that a run finds its secrets, as far as this run's variables tell."""

    environ: Mapping[str, str]
    """The variables to start it with, cron's own among them. Holds secrets: for a child process only."""
    line: str
    """The line for the crontab; values that may hold a secret stand as `…`."""
    named: tuple[str, ...]
    """Variables that it needs whose values are not shown."""
    unsuited: tuple[str, ...]
    """Variables that are set here and do not belong into a crontab."""
    shown: Mapping[str, str] = field(default_factory=dict)
    """Variables that it needs and whose values are no secret."""

    def __repr__(self) -> str:
        return f"Nightly({self.line!r})"


def nightly(workspace: Workspace, program: str) -> Nightly:
    """How cron would start a sync of this person; `program` is what starts phr there."""
    mine = workspace.environ
    needed = {name: value for name in sorted(mine) if (value := mine[name]) and _is_needed(name, mine)}
    needed |= {name: str(_whole(needed[name], name, Path.cwd())) for name in _FILES if needed.get(name)}
    if workspace.vault.credential_command and not _command_is_kept(workspace):
        needed["PHR_CREDENTIAL_COMMAND"] = workspace.vault.credential_command
    unsuited = (_UNSUITED,) if mine.get(_UNSUITED) else ()
    # A crontab has one line for a run, and cannot say a line break inside of it.
    named = tuple(name for name in needed if _SECRETIVE.fullmatch(name) or not needed[name].isprintable())
    words = [f"{name}={'…' if name in named else shlex.quote(value)}" for name, value in needed.items()]
    words += [program, "sync", "--due", "--quiet"]
    if workspace.user != "default":
        words += ["--user", shlex.quote(workspace.user)]
    return Nightly(
        {**_bare(mine), **needed, **{name: mine[name] for name in unsuited}},
        # cron(5): an unescaped percent sign ends the command.
        "17 * * * * " + " ".join(words).replace("%", r"\%"),
        named,
        unsuited,
        {name: value for name, value in needed.items() if name not in named},
    )


def _is_needed(name: str, environ: Mapping[str, str]) -> bool:
    if name in _FOLDERS:
        return not environ.get("PHR_HOME")
    return name in _NEEDED


def _whole(value: str, name: str, under: Path) -> Path:
    try:
        return under / expanded(value, name)
    except PhrError:
        return Path(value)


def _bare(environ: Mapping[str, str]) -> dict[str, str]:
    """What cron(8) gives a run: no display, no D-Bus, no agent. Windows' own scheduler gives all a person has."""
    if sys.platform == "win32":
        return {name: value for name, value in environ.items() if not name.startswith("PHR_")}
    kept = {name: environ[name] for name in ("HOME", "LOGNAME", "USER") if environ.get(name)}
    return {"SHELL": "/bin/sh", "PATH": PATH, "LANG": "C.UTF-8", **kept}


# ── what the run of cron finds ────────────────────────────────────────────────────────────────────


def secrets_found(workspace: Workspace, *, now: float) -> list[dict[str, Any]]:
    """Open the record and look for every connection's secrets: `name`, `ok`, `detail`, `mend` for each.

    Asks no server. Raises Locked and its kin when the record does not open.
    """
    with workspace.store() as store:
        connections = [one for one in store.connections.all() if one.state != "revoked"]
    return [_look(workspace, one, now) for one in connections]


def _look(workspace: Workspace, connection: Connection, now: float) -> dict[str, Any]:
    mend: str | None = f"phr reconnect {typed(connection.name)}"
    try:
        trouble, detail = _trouble(workspace, connection, now)
    except PhrError as error:
        trouble, detail, mend = True, error.message, error.hint or mend
    return {"name": connection.name, "ok": not trouble, "detail": detail, "mend": mend if trouble else None}


def _trouble(workspace: Workspace, connection: Connection, now: float) -> tuple[bool, str]:
    from phr.workspace import tokens

    if connection.auth == "none":
        return False, "An open server: nothing is needed."
    if connection.auth in ("private_key_jwt", "dynamic", "backend") and not _has_keys(workspace, connection):
        return True, "The private key of this connection is not in the vault."
    confidential = connection.auth in ("client_secret_basic", "client_secret_post", "secret")
    if confidential and not tokens.kept_secret(workspace, connection):
        return True, "The client secret of this connection is not in the vault."
    token = tokens.kept_token(workspace, connection)
    if token is None:
        if connection.auth == "backend":
            return False, "Its key is there; it signs in by itself."
        return True, "There is no sign-in in the vault."
    if connection.auth in ("dynamic", "backend"):
        return False, "Its sign-in and its key are there."
    return _lasting(token, now)


def _lasting(token: Token, now: float) -> tuple[bool, str]:
    if token.refresh_token is None and token.expires_at is not None and token.expires_at <= now:
        return True, "Its sign-in has ended, and the provider gave nothing to renew it with."
    if token.refresh_ends_at is not None and token.refresh_ends_at <= now:
        return True, "Its sign-in has ended: the provider's time for it is over."
    if token.refresh_token is None and token.expires_at is not None:
        return False, "Its sign-in is there, but it cannot be renewed and ends soon."
    return False, "Its sign-in is there."


def _has_keys(workspace: Workspace, connection: Connection) -> bool:
    from phr.workspace import tokens

    client = tokens.client_of(workspace, connection)
    return client.keys is not None or (connection.auth == "backend" and client.secret is not None)
