"""Whether the hooks could be carried out, for `phr doctor`: programs, secrets, and with the network the servers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from phr.errors import PhrError
from phr.workspace.hooks import secrets
from phr.workspace.hooks.ways import notice, split

if TYPE_CHECKING:
    from phr.settings import Hook
    from phr.workspace.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about the hooks; `trouble` is None when it is well."""

    name: str
    detail: str
    trouble: str | None = None


def look(workspace: Workspace, *, network: bool = False) -> list[Finding]:
    """What each hook needs, and whether it is there. Servers are asked only with `network`; nothing is sent to them."""
    found = [one for hook in workspace.settings.hooks for one in _of(workspace, hook)]
    if network:
        found = [*_servers(workspace)]
    return list(dict.fromkeys(found))


def _of(workspace: Workspace, hook: Hook) -> Iterator[Finding]:
    environ = workspace.environ
    name = f"hook {hook.event}"
    for words in (split(hook.command) if hook.command else None, notice("") if hook.notify else None):
        if words:
            there = shutil.which(words[0], path=environ.get("PATH")) is not None
            program = Path(words[0]).name
            yield Finding(name, program, None if there else f"There is no program {program} in the PATH.")
    needs = [("mail-password", hook.mail and workspace.settings.mail.user), ("webhook-secret", hook.webhook)]
    for secret, needed in needs:
        if needed:
            try:
                secrets.needed(workspace, secret)
                yield Finding(name, f"The {secret.replace('-', ' ')} is there.")
            except PhrError as error:
                trouble = " ".join(filter(None, (error.message.capitalize(), error.hint)))
                yield Finding(name, f"The {secret.replace('-', ' ')} is missing.", trouble)


def _servers(workspace: Workspace) -> Iterator[Finding]:
    mail = workspace.settings.mail
    if mail.host and any(hook.mail for hook in workspace.settings.hooks):
        yield Finding("hooks: mail", f"{mail.host}, port {mail.submission}", _mail_trouble(workspace))
    for hook in workspace.settings.hooks:
        if hook.webhook:
            from phr.fhir.transport import Wire, host_of

            try:
                with Wire(hook.webhook, timeout=10.0) as wire:
                    wire.send("HEAD", hook.webhook, {}, limit=100_000)
                trouble = None
            except PhrError as error:
                trouble = error.message
            yield Finding("hooks: webhook", host_of(hook.webhook), trouble)


def _mail_trouble(workspace: Workspace) -> str | None:
    import smtplib

    from phr.workspace.hooks.mail import opened

    try:
        with opened(workspace.settings.mail) as smtp:
            smtp.noop()
    except (smtplib.SMTPException, OSError):
        return "It does not answer, or not as security and port under [mail] say."
    return None
