"""What `phr vault status` can say about the keys of one person, without prompting and without any secret."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from phr.errors import PhrError
from phr.vault import sources

if TYPE_CHECKING:
    from phr.vault.keys import Vault


@dataclass(frozen=True)
class Candidate:
    """One place a key could come from: `used`, `set` (but an earlier one answers), `failed` or `absent`."""

    name: str
    state: str
    sentence: str


@dataclass(frozen=True)
class VaultStatus:
    source: str | None
    """`key-file`, `command`, `passphrase`, `keyring` or `prompt`; None when nothing is set and there is no keyring."""
    record_key: bool
    """Whether the source gives the key of the record now (a prompt is not tried)."""
    tokens: str | None
    """Where tokens are kept: `keyring` or `sealed-file`."""
    sealed_file: bool
    keyring: str
    """The keyring's name for itself, or why there is none."""
    candidates: tuple[Candidate, ...]


_WORDS = {
    "key-file": ("PHR_KEY_FILE is set.", "PHR_KEY_FILE is not set."),
    "command": ("A credential command is set.", "No credential command is set."),
    "passphrase": ("A passphrase is set.", "Neither PHR_PASSPHRASE nor PHR_PASSPHRASE_FILE is set."),
}


def look(vault: Vault) -> VaultStatus:
    """Ask every source as far as that needs nobody's hand. Never raises a PhrError."""
    source = _source(vault)
    trouble = _trouble(vault, source)
    found = sources.configured(vault.environ, vault.credential_command)
    candidates = [_candidate(name, name in found, name == source, trouble) for name in _WORDS]
    candidates.append(_keyring_candidate(vault, source, trouble))
    return VaultStatus(
        source=source,
        record_key=source not in (None, "prompt") and trouble is None,
        tokens=None if source is None else "keyring" if source == "keyring" else "sealed-file",
        sealed_file=vault.sealed_file.exists(),
        keyring=vault.keyring_words(),
        candidates=tuple(candidates),
    )


def _source(vault: Vault) -> str | None:
    try:
        return vault.source()
    except PhrError:
        return None


def _trouble(vault: Vault, source: str | None) -> str | None:
    """Why the source does not give the record key; None when it does or was not tried."""
    if source in (None, "prompt"):
        return None
    try:
        vault.record_key()
    except PhrError as error:
        return error.message
    return None


def _candidate(name: str, is_set: bool, is_source: bool, trouble: str | None) -> Candidate:
    words = _WORDS[name]
    if not is_set:
        return Candidate(name, "absent", words[1])
    if not is_source:
        return Candidate(name, "set", f"{words[0]} An earlier one answers.")
    return Candidate(name, "failed", trouble) if trouble else Candidate(name, "used", words[0])


def _keyring_candidate(vault: Vault, source: str | None, trouble: str | None) -> Candidate:
    words = vault.keyring_words()
    if vault.usable_keyring() is None:
        return Candidate("keyring", "absent", f"The keyring is not used: {words}.")
    if source != "keyring":
        return Candidate("keyring", "set", f"There is a keyring ({words}). An earlier source answers.")
    return (
        Candidate("keyring", "failed", trouble)
        if trouble
        else Candidate("keyring", "used", f"Keyring: {words}.")
    )
