"""A new record key for an old record, so that a key that may have been seen opens nothing any more.

The new key is kept beside the old one before the record is touched, and takes its place afterwards. Wherever the
power fails in between, one of the two opens the record: try `record_key`, then `pending_key`, then `finish`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from phr.errors import Locked, SecretsError, UsageError
from phr.paths import RECORDS_FILE, write_private
from phr.vault import sources
from phr.vault.sources import KEY_BYTES

if TYPE_CHECKING:
    from phr.vault.keys import Vault

PENDING = "record-key-next"


def rotate(vault: Vault, rekey: Callable[[bytes, bytes], None]) -> None:
    """Make a new record key, let `rekey(old, new)` change the record over to it, then keep only the new one.

    A key file is rewritten in place. Raises SecretsError where the key is not this vault's to change: when a
    command gives it, or when other people's records may be opened by the same key file.
    """
    _check_ours(vault)
    old, new = vault.record_key(), os.urandom(KEY_BYTES)
    if vault.source() == "key-file":
        write_private(_pending_file(vault), new)
    else:
        vault.secrets.set(PENDING, new)
    rekey(old, new)
    finish(vault)


def pending_key(vault: Vault) -> bytes | None:
    """The key of a rotation that was broken off; it opens the record when `record_key` no longer does."""
    if vault.source() != "key-file":
        return vault.secrets.get(PENDING)
    path = _pending_file(vault)
    return sources.read_key_file(path, vault.environ) if path.exists() else None


def finish(vault: Vault) -> None:
    """Make the pending key the record key. Safe to repeat; content when there is nothing pending."""
    new = pending_key(vault)
    if new is None:
        return
    if vault.source() == "key-file":
        _reseal(vault, new)
        write_private(sources.key_file(vault.environ), new)
        _pending_file(vault).unlink()
        vault.forget()
    else:
        vault.restore_key(new)
        vault.secrets.delete(PENDING)


def change_passphrase(vault: Vault, passphrase: str) -> None:
    """Seal the same secrets with another passphrase. Raises UsageError where no passphrase is in use."""
    from phr.vault.envelope import SealKey
    from phr.vault.sealed import SealedStore

    store = vault.secrets
    if not isinstance(store, SealedStore) or store.key_kind != "passphrase":
        raise UsageError(
            "This record is not opened by a passphrase.", hint="See what opens it: phr vault status"
        )
    if not passphrase:
        raise UsageError(
            "The new passphrase is empty.", hint="Choose one that you can still find in ten years."
        )
    store.get(PENDING)  # the old one must open the file before it is replaced
    store.reseal(SealKey.from_passphrase(passphrase))


def _reseal(vault: Vault, new: bytes) -> None:
    """Seal the tokens with the new key file; they may be already, when an earlier attempt got that far."""
    from phr.vault.envelope import SealKey
    from phr.vault.sealed import SealedStore

    key = SealKey.from_key(new)
    if not vault.sealed_file.exists():
        return
    try:
        SealedStore(vault.sealed_file, key).get(PENDING)
    except Locked:
        store = vault.secrets
        assert isinstance(store, SealedStore)  # noqa: S101 — a key file always seals
        store.reseal(key)


def _check_ours(vault: Vault) -> None:
    source = vault.source()
    others = [
        folder
        for folder in vault.user_dir.parent.glob(f"*/{RECORDS_FILE}")
        if folder.parent != vault.user_dir
    ]
    if source == "command" and vault.own_key() is not None:
        raise SecretsError(
            "The record key comes from the credential command, which phr cannot change.",
            hint="Use another source for the record (phr vault recover), then rotate.",
        )
    if source == "key-file" and others:
        raise SecretsError(
            "Other people's records may be opened by the same key file, so it was not changed.",
            hint="Give each person a key file of their own (phr vault recover), then rotate.",
        )


def _pending_file(vault: Vault) -> Path:
    path = sources.key_file(vault.environ)
    return path.with_name(f"{path.name}.new")
