"""Which key opens a person's record, and where that person's tokens are kept.

The first source that is set answers: a key file, the credential command, a passphrase, the OS keyring. With the
keyring the tokens live there too; with any other source they live in the sealed file beside the record. Nothing
is ever kept in plain text: where no source is set, the record stays locked.

Only the standard library is imported at the top: with a key file, `phr timeline` loads neither the keyring
library nor cryptography.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from phr.errors import Locked, SecretsError, UsageError
from phr.paths import RECORDS_FILE, exclusive_lock, make_private, write_private
from phr.vault import sources
from phr.vault.base import ScopedStore, SecretStore
from phr.vault.sources import KEY_BYTES, Credential

if TYPE_CHECKING:
    from phr.vault.envelope import KdfParams, SealKey
    from phr.vault.status import VaultStatus

SEALED_FILE = "secrets.sealed"
SCOPE_FILE = "vault.json"
RECORD_KEY = "record-key"
LOCK_WAIT = 10.0

CHOOSE = (
    "Choose one: set PHR_PASSPHRASE, or make a key file: "
    "head -c 32 /dev/urandom > ~/phr.key; chmod 600 ~/phr.key; export PHR_KEY_FILE=~/phr.key"
)


class Vault:
    """The keys and tokens of one person. Asking a source happens once per process, and only when needed.

    `keyring` replaces the OS keyring, `ask_passphrase` is called (at a terminal) when nothing else can answer,
    twice when the passphrase is new. `kdf` is for tests.
    """

    def __init__(
        self,
        user_dir: Path,
        environ: Mapping[str, str],
        *,
        credential_command: str | None = None,
        keyring: SecretStore | None = None,
        ask_passphrase: Callable[[], str] | None = None,
        kdf: KdfParams | None = None,
    ) -> None:
        self.user_dir = user_dir
        self.environ = environ
        self.credential_command = credential_command
        self._given_keyring = keyring
        self._ask_passphrase = ask_passphrase
        self._kdf = kdf
        self._credential: Credential | None = None
        self._os_keyring: tuple[SecretStore | None, str] | None = None
        self._store: SecretStore | None = None
        self._record_key: bytes | None = None

    def __repr__(self) -> str:
        return f"Vault({str(self.user_dir)!r})"

    @property
    def sealed_file(self) -> Path:
        return self.user_dir / SEALED_FILE

    def source(self) -> str:
        """`key-file`, `command`, `passphrase`, `keyring` or `prompt`. Raises Locked when none of them is there."""
        found = sources.configured(self.environ, self.credential_command)
        if found:
            return found[0]
        if self.usable_keyring() and not self._sealed_by_passphrase_only():
            return "keyring"
        if self._ask_passphrase:
            return "prompt"
        raise self._no_source()

    def record_key(self, *, create: bool = False) -> bytes:
        """The 32 bytes that open the record. With `create`, a new key is made and kept when there is no record yet.

        Raises Locked when no source answers, and when the record is there but its key is not.
        """
        if self._record_key is None:
            self._record_key = self.own_key() or self._kept_key() or self._new_key(create)
        return self._record_key

    @property
    def secrets(self) -> SecretStore:
        """Where tokens and client secrets are kept: the keyring, or the sealed file when another source is used."""
        if self._store is None:
            if self.source() == "keyring":
                keyring = self.usable_keyring()
                assert keyring is not None  # noqa: S101 — source() has just seen it
                self._store = ScopedStore(keyring, self._scope)
            else:
                self._store = self._sealed(self._ask())
        return self._store

    def restore_key(self, record_key: bytes, *, replace_unreadable: bool = False) -> None:
        """Put a recovered or restored record key where the active source keeps it.

        With `replace_unreadable`, a sealed file that does not open is put aside under another name first. Raises
        SecretsError when the active source is itself a different key.
        """
        if len(record_key) != KEY_BYTES:
            raise UsageError("A record key has 32 bytes.")
        if self._put_in_key_file(record_key):
            return
        own = self.own_key()
        if own is not None and own != record_key:
            raise SecretsError(
                "The credential command gives another key than this record needs.",
                hint="Store the recovered key where the command takes it from, or use another source.",
            )
        if own is None:
            if replace_unreadable:
                self._put_sealed_aside()
            make_private(self.user_dir)
            self.secrets.set(RECORD_KEY, record_key)
        self._record_key = record_key

    def forget(self) -> None:
        """Forget what this process has opened; the next question asks the sources again."""
        self._credential = self._store = self._record_key = self._os_keyring = None

    def status(self) -> VaultStatus:
        """Look at every source without prompting and without raising."""
        from phr.vault.status import look

        return look(self)

    # ── the sources ──────────────────────────────────────────────────────────────────────────────

    def _ask(self) -> Credential:
        """What the active source answers, when it is not the keyring."""
        if self._credential is None:
            source = self.source()
            if source == "prompt":
                self._credential = Credential(source, passphrase=self._prompt())
            else:
                self._credential = sources.ask(source, self.environ, self.credential_command)
        return self._credential

    def _prompt(self) -> str:
        assert self._ask_passphrase is not None  # noqa: S101 — source() has just seen it
        passphrase = self._ask_passphrase()
        if not passphrase:
            raise Locked("No passphrase was given.", hint=CHOOSE)
        if not self.sealed_file.exists() and self._ask_passphrase() != passphrase:
            raise Locked("The two passphrases differ, so nothing was sealed with them.", hint="Try again.")
        return passphrase

    def own_key(self) -> bytes | None:
        """The record key when the source is the key itself; None when the source only opens a store."""
        return None if self.source() == "keyring" else self._ask().key

    def _kept_key(self) -> bytes | None:
        key = self._look(RECORD_KEY)
        if key is not None and len(key) != KEY_BYTES:
            raise SecretsError(f"What the {self.secrets.name} holds is not a record key.", hint=_RECOVER)
        return key

    def _look(self, item: str) -> bytes | None:
        """What the active store holds, without making anything on disk only to find that it is empty."""
        if self.source() == "keyring" and not (self.user_dir / SCOPE_FILE).exists():
            return None
        return self.secrets.get(item)

    def _new_key(self, create: bool) -> bytes:
        if (self.user_dir / RECORDS_FILE).exists():
            raise Locked(
                f"The record in {self.user_dir} is here, but the {self.secrets.name} does not hold its key.",
                hint=f"Use the source it was made with. {_RECOVER}",
            )
        if not create:
            raise Locked(
                "There is no record yet, so there is no key.", hint="Begin with: phr connect, or phr import"
            )
        make_private(self.user_dir)
        with exclusive_lock(self.user_dir / "vault.lock", wait=LOCK_WAIT):
            key = self._kept_key()  # another process may have been first
            if key is None:
                key = os.urandom(KEY_BYTES)
                self.secrets.set(RECORD_KEY, key)
        return key

    # ── where things are kept ────────────────────────────────────────────────────────────────────

    def usable_keyring(self) -> SecretStore | None:
        """The keyring when it can be used, looked for once."""
        if self._given_keyring is not None:
            return self._given_keyring
        if self._os_keyring is None:
            from phr.vault.keyring_store import KeyringStore

            found = KeyringStore()
            self._os_keyring = (found if found.available() else None, found.refusal or found.backend_name)
        return self._os_keyring[0]

    def keyring_words(self) -> str:
        """The name of the keyring in use, or why there is none."""
        keyring = self.usable_keyring()
        return self._os_keyring[1] if self._os_keyring else str(keyring and keyring.name)

    def keyring_needs_desktop(self) -> bool:
        """Whether the keyring in use answers only while somebody is signed in to the desktop."""
        return bool(getattr(self.usable_keyring(), "needs_desktop", False))

    def _sealed_by_passphrase_only(self) -> bool:
        """Whether this vault was made with a passphrase, although there is a keyring now: nothing of it is there."""
        return self.sealed_file.exists() and not (self.user_dir / SCOPE_FILE).exists()

    def _no_source(self) -> Locked:
        if self.sealed_file.exists():
            return Locked(
                "The record is sealed, and nothing was given to open it.",
                hint="Give what it was sealed with: PHR_PASSPHRASE, PHR_PASSPHRASE_FILE, PHR_KEY_FILE or "
                "--credential-command.",
            )
        if (self.user_dir / SCOPE_FILE).exists():  # only a vault in the keyring has one
            return Locked(
                f"The key of the record is in a keyring that this run cannot reach: {self.keyring_words()}.",
                hint="Sign in to the desktop. For runs without one (cron, ssh): phr doctor --as-cron",
            )
        return Locked(
            f"There is no key for the record, and the keyring cannot keep one: {self.keyring_words()}.",
            hint=CHOOSE,
        )

    def _sealed(self, credential: Credential) -> SecretStore:
        from phr.vault.sealed import SealedStore

        return SealedStore(self.sealed_file, _seal_key(credential), params=self._kdf)

    def _scope(self) -> str:
        """The random id of this vault in the keyring, made at the first use; it is no secret."""
        path = self.user_dir / SCOPE_FILE
        if not path.exists():
            make_private(self.user_dir)
            with exclusive_lock(self.user_dir / "scope.lock", wait=LOCK_WAIT):
                if not path.exists():
                    write_private(path, json.dumps({"schema": 1, "id": os.urandom(8).hex()}).encode())
        try:
            return str(json.loads(path.read_bytes())["id"])
        except (OSError, ValueError, KeyError, TypeError):
            raise SecretsError(
                f"{path} cannot be read, and it says which keyring entries belong to this record.",
                hint=_RECOVER,
            ) from None

    def _put_in_key_file(self, record_key: bytes) -> bool:
        """With a key file: write it when it is absent, accept it when it is the same key."""
        if self.source() != "key-file":
            return False
        path = sources.key_file(self.environ)
        if not path.exists():
            write_private(path, record_key)
        elif sources.read_key_file(path, self.environ) != record_key:
            raise SecretsError(
                f"The key file {path} holds another key than this record needs; it was left as it is.",
                hint="Move it away and run this again: the key is then written there.",
            )
        self.forget()
        self._record_key = record_key
        return True

    def _put_sealed_aside(self) -> None:
        """Rename a sealed file that the active source does not open; nothing is lost if the key turns up again."""
        store = self.secrets
        try:
            store.get(RECORD_KEY)
        except (Locked, SecretsError):
            if store.name != "sealed-file" or not self.sealed_file.exists():
                raise
            names = (self.user_dir / f"{SEALED_FILE}.old-{number}" for number in range(1, 10_000))
            self.sealed_file.rename(next(path for path in names if not path.exists()))
            self.forget()


_RECOVER = "If it is lost: phr vault recover, with your recovery key."


def _seal_key(credential: Credential) -> SealKey:
    from phr.vault.envelope import SealKey

    if credential.key is not None:
        return SealKey.from_key(credential.key)
    return SealKey.from_passphrase(credential.passphrase or "")
