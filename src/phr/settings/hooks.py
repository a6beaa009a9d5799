"""`[hooks]` and `[mail]` of `config.toml`: who is told after a sync, of what, and how.

A hook is one table, or a list of them, under the event it is for. What runs a program or sends something away is
written into the file by the person alone: hooks have no variables. A password or a secret is refused in the file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from phr.model import LOOPBACK
from phr.settings.values import Key, near, read_table

EVENTS = ("post_sync", "failed", "sign_in_soon", "new_abnormal")
WAYS = ("command", "notify", "mail", "webhook")
SUBMISSION = {"starttls": 587, "tls": 465, "none": 25}
"""The ports of RFC 6409, RFC 8314 and RFC 5321."""

MAIL_KEYS = {
    "host": Key("host"),
    "port": Key("whole", 1, 65535),
    "security": Key("security"),
    "user": Key("text"),
    "sender": Key("mail"),
}
_HOOK_KEYS = {
    "command": Key("text"),
    "notify": Key("flag"),
    "mail": Key("mail"),
    "webhook": Key("back"),
    "include_values": Key("flag"),
}
_SECRETS = {"password": "PHR_MAIL_PASSWORD", "secret": "PHR_WEBHOOK_SECRET"}


@dataclass(frozen=True)
class Mail:
    """The person's own mail server. Its password is in PHR_MAIL_PASSWORD, a file, or the vault; never here."""

    host: str | None = None
    port: int | None = None
    security: str = "starttls"
    """One of SECURITIES; `none` only to this very computer."""
    user: str | None = None
    sender: str | None = None
    """Whom the mail comes from; None: the user, where that is an address, else whoever gets it."""

    @property
    def submission(self) -> int:
        """The port in use."""
        return self.port or SUBMISSION[self.security]


@dataclass(frozen=True)
class Hook:
    """What to do after a sync in which `event` happened; each of the ways that is set."""

    event: str
    command: str | None = None
    notify: bool = False
    mail: str | None = None
    webhook: str | None = None
    include_values: bool = False
    """Whether titles, values and dates may go along; never in a desktop notice."""


def read_hooks(found: object, problems: list[str]) -> tuple[Hook, ...]:
    """The hooks in the order of the file; what is wrong with them is added to `problems`."""
    if not isinstance(found, Mapping):
        problems.append("[hooks] must hold a table for each event")
        return ()
    hooks = []
    for event, tables in found.items():
        if event not in EVENTS:
            problems.append(f"[hooks] {event} is not an event{near(event, EVENTS)}")
            continue
        for table in tables if isinstance(tables, Sequence) and not isinstance(tables, str) else (tables,):
            hook = Hook(event, **_without_secrets(f"hooks.{event}", table, _HOOK_KEYS, problems))
            if not any(getattr(hook, way) for way in WAYS):
                problems.append(
                    f"[hooks.{event}] says nothing to do: set {', '.join(WAYS[:-1])} or {WAYS[-1]}"
                )
            hooks.append(hook)
    return tuple(hooks)


def check_mail(values: Mapping[str, Any], hooks: Sequence[Hook], problems: list[str]) -> Mail:
    """The mail server, out of the values of its table; what does not go together is added to `problems`."""
    mail = Mail(**values)
    if mail.security == "none" and mail.host not in (None, *LOOPBACK):
        problems.append("[mail] security may be none only where host is this computer")
    if mail.host is None and any(hook.mail for hook in hooks):
        problems.append("[mail] host is missing: a hook sends mail")
    return mail


def read_mail(found: object, problems: list[str]) -> dict[str, Any]:
    """The values of `[mail]` as the file has them."""
    return _without_secrets("mail", found, MAIL_KEYS, problems)


def _without_secrets(
    name: str, found: object, keys: Mapping[str, Key], problems: list[str]
) -> dict[str, Any]:
    """As `read_table`, but a secret is sent away with the place where it belongs, and not repeated."""
    if isinstance(found, Mapping):
        for key, variable in _SECRETS.items():
            if key in found:
                problems.append(
                    f"[{name}] {key} does not belong in a file: set {variable}_FILE, or {variable}"
                )
        found = {key: value for key, value in found.items() if key not in _SECRETS}
    return read_table(name, found, keys, problems)
