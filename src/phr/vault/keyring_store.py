"""The operating system's keyring: Secret Service, KWallet, macOS Keychain, Windows Credential Locker.

What was seen to differ: Windows holds about 1,280 characters an entry, so a long value is kept in numbered parts
behind a pointer that is switched last; the `null` backend silently forgets, so everything written is read back;
`keyrings.alt` keeps plain text on disk, so it is refused. Import this module only when a keyring is wanted: the
keyring library costs a quick command more than all the rest of it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from threading import Thread
from typing import TypeVar

import keyring
from keyring.backend import KeyringBackend
from keyring.errors import KeyringError, KeyringLocked, PasswordDeleteError

from phr.errors import Locked, SecretsError

SERVICE = "phr"
PART = 1000
PATIENCE = 120.0
_T = TypeVar("_T")


class KeyringStore:
    """Keeps secrets in the keyring; follows the terms of `phr.vault.base.SecretStore`.

    An entry is `1 <base64>` when it is short, else `2 <generation> <number of parts> <SHA-256>`, with the parts
    in entries of their own. `backend` is the one keyring chose when None.
    """

    name = "keyring"

    def __init__(self, backend: KeyringBackend | None = None) -> None:
        self._backend, self._refusal = _usable(backend or keyring.get_keyring())

    def __repr__(self) -> str:
        return f"KeyringStore({self.backend_name})"

    @property
    def backend_name(self) -> str:
        return str(self._backend.name)

    @property
    def refusal(self) -> str | None:
        """Why this keyring is not used, in a sentence; None when it can be."""
        return self._refusal

    def available(self) -> bool:
        return self._refusal is None

    @property
    def needs_desktop(self) -> bool:
        """Whether it answers only while a person is signed in to the desktop: it is reached over their D-Bus."""
        module = type(self._backend).__module__
        return module.rpartition(".")[2] in ("SecretService", "libsecret", "kwallet")

    def get(self, item: str) -> bytes | None:
        for _ in range(2):  # another process may switch the pointer between our two readings
            pointer = self._entry(item)
            if pointer is None:
                return None
            value = self._value(item, pointer)
            if value is not None:
                return value
        raise SecretsError(
            f"The keyring entry for {item.partition('/')[2] or item} is incomplete.",
            hint="If it is a sign-in, make it again: phr reconnect. If it is the record key: phr vault recover",
        )

    def set(self, item: str, value: bytes) -> None:
        old = self._entry(item)
        text = base64.b64encode(value).decode()
        pointer = f"1 {text}"
        if len(pointer) > PART:
            parts = [text[at : at + PART] for at in range(0, len(text), PART)]
            generation = secrets.token_hex(4)
            pointer = f"2 {generation} {len(parts)} {hashlib.sha256(value).hexdigest()}"
            for number, part in enumerate(parts):
                self._keep(_part(item, generation, number), part)
        self._keep(item, pointer)
        if old is not None and old != pointer:
            self._forget_parts(item, old)

    def delete(self, item: str) -> None:
        old = self._entry(item)
        if old is not None:
            self._forget(item)
            self._forget_parts(item, old)

    def _value(self, item: str, pointer: str) -> bytes | None:
        """The bytes an entry stands for; None when they are not all there."""
        match pointer.split(" "):
            case ["1", text]:
                return _decoded(text)
            case ["2", generation, count, digest] if count.isdecimal():
                parts = [self._entry(_part(item, generation, number)) for number in range(int(count))]
                value = _decoded("".join(part or "" for part in parts))
                return value if value is not None and hashlib.sha256(value).hexdigest() == digest else None
        return None

    def _entry(self, name: str) -> str | None:
        self._check()
        with _in_our_words("read"):
            return _patiently(lambda: self._backend.get_password(SERVICE, name))

    def _keep(self, name: str, text: str) -> None:
        with _in_our_words("write to"):
            _patiently(lambda: self._backend.set_password(SERVICE, name, text))
            kept = _patiently(lambda: self._backend.get_password(SERVICE, name))
        if kept != text:
            raise SecretsError(
                f"The keyring ({self.backend_name}) did not keep what it was given.",
                hint="Use a passphrase (PHR_PASSPHRASE) or a key file (PHR_KEY_FILE) instead.",
            )

    def _forget(self, name: str) -> None:
        with suppress(PasswordDeleteError), _in_our_words("remove from"):
            _patiently(lambda: self._backend.delete_password(SERVICE, name))

    def _forget_parts(self, item: str, pointer: str) -> None:
        match pointer.split(" "):
            case ["2", generation, count, _] if count.isdecimal():
                for number in range(int(count)):
                    with suppress(SecretsError, Locked):  # a part nobody points to does no harm
                        self._forget(_part(item, generation, number))

    def _check(self) -> None:
        if self._refusal:
            raise SecretsError(
                f"The keyring cannot be used: {self._refusal}.",
                hint="Use a passphrase (PHR_PASSPHRASE) or a key file (PHR_KEY_FILE) instead.",
            )


def _part(item: str, generation: str, number: int) -> str:
    return f"{item}#{generation}.{number}"


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _usable(backend: KeyringBackend) -> tuple[KeyringBackend, str | None]:
    """The backend to use and why it is refused, if it is. Behind a chain, the first one that is not refused."""
    if type(backend).__module__ == "keyring.backends.chainer":
        fit = [one for one in getattr(backend, "backends", []) if _refusal(one) is None]
        none_fit = "none of the keyrings found on this computer keeps a secret safely"
        return (fit[0], None) if fit else (backend, none_fit)
    return backend, _refusal(backend)


def _refusal(backend: KeyringBackend) -> str | None:
    module = type(backend).__module__
    if module == "keyring.backends.fail":
        return "there is none on this computer"
    if module == "keyring.backends.null":
        return "keyring is switched off here, and forgets whatever it is given"
    if module.partition(".")[0] == "keyrings" and module.split(".")[1:2] == ["alt"]:
        return "keyrings.alt would keep the secrets in a plain file"
    try:
        recommended = float(backend.priority) >= 1
    except Exception:  # noqa: BLE001 — a backend says with any exception that it cannot work here
        return f"{module} does not work on this computer"
    return None if recommended else f"{module} is not recommended for secrets by its own authors"


def _patiently(ask: Callable[[], _T]) -> _T:
    """The keyring's answer within PATIENCE: a dialog that waits for a password must not hold up cron for ever."""
    answer: Future[_T] = Future()

    def run() -> None:
        try:
            answer.set_result(ask())
        except BaseException as error:  # noqa: BLE001 — told to whoever waits
            answer.set_exception(error)

    Thread(target=run, daemon=True, name="keyring").start()
    try:
        return answer.result(PATIENCE)
    except TimeoutError:
        raise Locked(
            f"The keyring gave no answer within {PATIENCE:.0f} seconds; it may be waiting to be unlocked.",
            hint="Unlock it (sign in to your desktop), or use PHR_PASSPHRASE or PHR_KEY_FILE instead.",
        ) from None


@contextmanager
def _in_our_words(verb: str) -> Iterator[None]:
    """A backend's exceptions carry anything, also what they were given: only their kind goes on."""
    try:
        yield
    except KeyringLocked:
        raise Locked(
            "The keyring is locked.", hint="Unlock it (sign in to your desktop), then try again."
        ) from None
    except PasswordDeleteError:
        raise
    except (Locked, SecretsError):
        raise
    except Exception as error:  # noqa: BLE001 — D-Bus, Win32 and Keychain each raise their own
        kind = (
            type(error).__name__
            if isinstance(error, KeyringError)
            else f"{type(error).__name__} in its backend"
        )
        raise SecretsError(
            f"phr could not {verb} the keyring ({kind}).",
            hint="Unlock or repair the keyring, or use PHR_PASSPHRASE or PHR_KEY_FILE instead.",
        ) from None
