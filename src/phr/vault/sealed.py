"""Secrets in one sealed file, for computers without a keyring: servers, containers, cron.

AES-256-GCM (NIST SP 800-38D) over a JSON map of the items; the head (see `phr.vault.envelope`) holds the nonce and
is authenticated with the content. Every write has a new nonce under the same salt, so the slow opening happens
once per process. The file is replaced whole, and never when it could not be opened first.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from contextlib import AbstractContextManager
from pathlib import Path
from threading import RLock

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from phr.errors import Locked, SecretsError
from phr.paths import exclusive_lock, make_private, write_private
from phr.vault.envelope import (
    Damaged,
    ForeignFile,
    Head,
    KdfParams,
    SealKey,
    WrongKey,
    head_with,
    new_head,
    read_head,
    subkey,
    unlock,
)

MAGIC = b"PHRSEAL1"
LOCK_WAIT = 10.0
_PURPOSE = b"phr sealed file"


class SealedStore:
    """Keeps secrets in a sealed file; follows the terms of `phr.vault.base.SecretStore`.

    Raises Locked when the key does not fit, SecretsError when the file is damaged, Busy when another
    process holds the file for longer than ten seconds. Threads may share it.
    """

    name = "sealed-file"

    def __init__(self, path: Path, key: SealKey, *, params: KdfParams | None = None) -> None:
        self.path = path
        self._key = key
        self._params = params or KdfParams()
        self._head: Head | None = None
        self._master = b""
        self._items: dict[str, bytes] = {}
        self._guard = RLock()

    def __repr__(self) -> str:
        return f"SealedStore({str(self.path)!r})"

    @property
    def key_kind(self) -> str:
        """What opens the file here: `passphrase` or `key`."""
        return self._key.kind

    def get(self, item: str) -> bytes | None:
        with self._guard:
            return self._read().get(item)

    def set(self, item: str, value: bytes) -> None:
        make_private(self.path.parent)
        with self._guard, self._lock():
            self._write({**self._read(), item: bytes(value)})

    def delete(self, item: str) -> None:
        if not self.path.exists():
            return
        with self._guard, self._lock():
            items = dict(self._read())
            if items.pop(item, None) is not None:
                self._write(items)

    def reseal(self, key: SealKey) -> None:
        """Seal the same items with another passphrase or key; the old one no longer opens the file."""
        make_private(self.path.parent)
        with self._guard, self._lock():
            fresh = SealedStore(self.path, key, params=self._params)
            fresh._write(self._read())
            self._key, self._head, self._master = key, fresh._head, fresh._master

    def _lock(self) -> AbstractContextManager[None]:
        return exclusive_lock(self.path.with_name(self.path.name + ".lock"), wait=LOCK_WAIT)

    def _read(self) -> dict[str, bytes]:
        """All items as they are in the file now.

        Another process may have replaced it, with a rotated refresh token inside: every write has a new nonce, so
        a head seen before means content seen before.
        """
        try:
            with self.path.open("rb") as file:
                head = read_head(file, MAGIC)
                if self._head is None or head.raw != self._head.raw:
                    self._items = self._open(head, file.read())
                    self._head = head
        except FileNotFoundError:
            self._items, self._head = {}, None
        except WrongKey as error:
            raise self._locked(error.kind) from None
        except (Damaged, ForeignFile):
            raise self._damaged() from None
        except OSError as error:
            raise SecretsError(f"The sealed file {self.path} cannot be read: {error.strerror}.") from None
        return self._items

    def _open(self, head: Head, sealed: bytes) -> dict[str, bytes]:
        if not (self._head and self._master and head.values["salt"] == self._head.values["salt"]):
            self._master = unlock(head, self._key)
        try:
            nonce = bytes.fromhex(head.values["nonce"])
            plain = AESGCM(subkey(self._master, _PURPOSE)).decrypt(nonce, sealed, head.raw)
            return {item: base64.b64decode(value, validate=True) for item, value in json.loads(plain).items()}
        except (InvalidTag, KeyError, ValueError, TypeError, AttributeError, binascii.Error):
            raise Damaged from None

    def _write(self, items: dict[str, bytes]) -> None:
        nonce = os.urandom(12)
        if self._head is None:
            head, self._master = new_head(MAGIC, self._key, self._params, nonce=nonce.hex())
        else:
            head = head_with(MAGIC, {**self._head.values, "nonce": nonce.hex()})
        plain = json.dumps({item: base64.b64encode(value).decode() for item, value in items.items()}).encode()
        sealed = AESGCM(subkey(self._master, _PURPOSE)).encrypt(nonce, plain, head.raw)
        write_private(self.path, head.raw + sealed)
        self._head, self._items = head, dict(items)

    def _locked(self, kind: str) -> Locked:
        if kind == self._key.kind == "passphrase":
            return Locked(
                f"The passphrase does not open {self.path}; nothing in it was changed.",
                hint="Try the passphrase again. If it is lost: phr vault recover, with your recovery key.",
            )
        if kind == self._key.kind:
            return Locked(
                f"The key does not open {self.path}; it was sealed with another one. Nothing in it was changed.",
                hint="Use the key it was sealed with. If it is lost: phr vault recover, with your recovery key.",
            )
        return Locked(
            f"{self.path} was sealed with {_KINDS[kind]}, and {_KINDS[self._key.kind]} was given.",
            hint=_OPENERS[kind],
        )

    def _damaged(self) -> SecretsError:
        return SecretsError(
            f"The sealed file {self.path} is damaged and cannot be opened; it was left as it is.",
            hint="Put back a copy of it, or make a new one from your recovery key: phr vault recover",
        )


_KINDS = {"passphrase": "a passphrase", "key": "a key file or a key from a command"}
_OPENERS = {
    "passphrase": "Give its passphrase: PHR_PASSPHRASE or PHR_PASSPHRASE_FILE.",
    "key": "Give its key: PHR_KEY_FILE or --credential-command.",
}
