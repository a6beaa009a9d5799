"""Everything that can go wrong, in the words of the person it happens to.

Each error says what happened (its message) and what to do next (its hint); the class carries the exit
status that `cli/app.py` ends with. Messages and hints never hold a token, a code, a name or a clinical
value: they may end up in a log, a bug report or a cron mail.

    PhrError                    1
    ├── UsageError              2  the command line, a setting or a file name makes no sense
    ├── ReconnectNeeded         4  the provider no longer honours this sign-in
    ├── Busy                    5  another run holds the lock
    ├── Locked                  6  no key opens the record
    ├── SecretsError            1  the keyring or the sealed file did not do what it was asked
    ├── StoreError              1  the records file is damaged, newer than this phr, or unwritable
    ├── UnreadableFile          1  a file to import is not what it seems
    ├── Stopped                 1  the run is to end; nothing is wrong
    ├── SignInError             1  SMART App Launch did not come to its end
    │   ├── SignInDenied        1  the person or the provider said no
    │   ├── SignInTimeout       1  nobody came back in time
    │   ├── StateMismatch       1  an answer that belongs to another sign-in
    │   └── PortTaken           1  the redirect port is in use
    └── FhirError               1  a server's answer, or the lack of one
        ├── NotAuthorized       1  401: the access token is not accepted (see ReconnectNeeded)
        ├── Refused             1  403, 404, 410, 400 …: this request will not work
        └── Unreachable         1  no answer, a broken one, or one that says "later"
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass


def typed(name: str) -> str:
    """A name as a person types it in a shell: every command that is printed can be pasted (sh(1), section 2.2)."""
    return shlex.quote(name)


class PhrError(Exception):
    """Something a person can be told in one sentence, with one line what to do next."""

    exit_status = 1
    default_hint: str | None = None

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint if hint is not None else self.default_hint


class UsageError(PhrError):
    """The command line, a setting or a file name makes no sense."""

    exit_status = 2


class ReconnectNeeded(PhrError):
    """The provider no longer honours this sign-in."""

    exit_status = 4

    def __init__(self, connection: str, message: str | None = None) -> None:
        super().__init__(
            message or f"{connection} asks for a new sign-in.",
            hint=f"Sign in again: phr reconnect {typed(connection)}",
        )
        self.connection = connection


class Busy(PhrError):
    """Another run holds the lock."""

    exit_status = 5


class Locked(PhrError):
    """No key opens the record."""

    exit_status = 6
    default_hint = "See which keys were tried: phr vault status"


class SecretsError(PhrError):
    """The keyring or the sealed file did not do what it was asked."""


class StoreError(PhrError):
    """The records file is damaged, newer than this phr, or unwritable."""

    default_hint = "Look what is wrong with it: phr doctor"


class UnreadableFile(PhrError):
    """A file to import is not what it seems."""


class Stopped(PhrError):
    """The run is to end: raised by whoever waits or asks once its `stopping` event is set."""

    def __init__(self, message: str = "The run was stopped.", *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)


class SignInError(PhrError):
    """SMART App Launch did not come to its end."""


class SignInDenied(SignInError):
    """The person or the provider said no."""


class SignInTimeout(SignInError):
    """Nobody came back in time."""


class StateMismatch(SignInError):
    """An answer that belongs to another sign-in, or a forged one."""


class PortTaken(SignInError):
    """The redirect port is in use by another program."""


@dataclass(frozen=True, slots=True)
class Said:
    """What an answer that refuses looked like: for deciding what to ask instead, never for a log."""

    codes: frozenset[str] = frozenset()
    """Issue codes of the OperationOutcome, `not-supported`."""
    vendor_codes: frozenset[str] = frozenset()
    """`details.coding.code` of its issues: `4103`, `59108`."""
    shape: str = ""
    """`outcome`, `html`, `empty` or `other`; nothing when there was no answer."""
    text: str = ""
    """The server's own words, made fit for a person's eyes."""
    wanted: tuple[tuple[str, ...], ...] = ()
    """Combinations of search parameters that the words name as needed; any one of them would do."""
    unknown: tuple[str, ...] = ()
    """Search parameters that the words say the server does not take, at least not in this combination."""
    values: tuple[str, ...] = ()
    """Values that the words offer for the parameter that is wanted."""


class FhirError(PhrError):
    """A server's answer, or the lack of one. `http_status` is None when there was no answer."""

    def __init__(
        self,
        message: str,
        *,
        http_status: int | None = None,
        hint: str | None = None,
        said: Said = Said(),
    ) -> None:
        super().__init__(message, hint=hint)
        self.http_status = http_status
        self.said = said


class NotAuthorized(FhirError):
    """401: the access token is not accepted."""


class Refused(FhirError):
    """The server understood and will not do it; asking again will not help."""


class Unreachable(FhirError):
    """No answer, a broken one, or one that says "later"; asking again may help."""
