"""The password of the mail server and the secret that signs webhooks: a variable, a file, or the vault."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from phr.errors import PhrError, UsageError
from phr.paths import expanded

if TYPE_CHECKING:
    from phr.workspace.workspace import Workspace

KEPT = {"mail-password": "PHR_MAIL_PASSWORD", "webhook-secret": "PHR_WEBHOOK_SECRET"}
"""What may be kept in the vault under `hooks/`, and the variable that comes before it."""
_LONGEST = 4096


def find(workspace: Workspace, name: str) -> str | None:
    """The secret of this name, of KEPT; None when there is none. Raises UsageError for a file that is no place for it."""
    variable = KEPT[name]
    if given := workspace.environ.get(variable):
        return given
    if path := workspace.environ.get(f"{variable}_FILE"):
        return _in_file(expanded(path, f"{variable}_FILE"), workspace)
    kept = workspace.vault.secrets.get(f"hooks/{name}")
    return kept.decode() if kept else None


def needed(workspace: Workspace, name: str) -> str:
    """As `find`; raises PhrError that says where to put it."""
    found = find(workspace, name)
    if not found:
        raise PhrError(
            f"there is no {name.replace('-', ' ')}.",
            hint=f"Keep it in the vault: phr hooks keep {name}; or name a file of mode 600 in {KEPT[name]}_FILE.",
        )
    return found


def keep(workspace: Workspace, name: str, value: str) -> None:
    """Put a secret of KEPT into the vault."""
    workspace.vault.secrets.set(f"hooks/{name}", value.encode())


def _in_file(path: Path, workspace: Workspace) -> str:
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            # systemd's LoadCredential guards the folder; its files may show a group bit.
            folder = workspace.environ.get("CREDENTIALS_DIRECTORY")
            guarded = bool(folder) and path.absolute().is_relative_to(Path(str(folder)))
            if os.name == "posix" and mode & 0o077 and not guarded:
                raise UsageError(
                    f"{path} can be read by others, so it is not used.", hint=f"chmod 600 {path}"
                )
            return file.read(_LONGEST).decode("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError):
        raise UsageError(f"{path} cannot be read.", hint="Check the path and its permissions.") from None
