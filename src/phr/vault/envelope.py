"""The head of every file sealed here: which key opens it, how the key is made, and how damage is told apart.

    8 bytes   magic, names the kind of file and its version
    2 bytes   length of the head that follows, big endian
    n bytes   JSON: kdf, its parameters, salt, key check, and what the kind of file adds
    32 bytes  SHA-256 of all before it

A passphrase becomes a key by Argon2id (RFC 9106), 32 random bytes by HKDF-SHA256 (RFC 5869). The key check is
derived from the key: a wrong passphrase is told as such, and never mistaken for a damaged file. It gives an
attacker nothing that the authentication tag of the content does not give already. The whole head is
authenticated again with the content; the SHA-256 is there for accidents, not for attackers.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import unicodedata
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from phr.errors import SecretsError

MAX_HEAD = 4096
# A file can ask for any amount of work before its key can be checked; this is where we stop listening.
MAX_MEMORY_KIB, MAX_ITERATIONS, MAX_LANES = 1024 * 1024, 24, 16
MAX_WORK = 4 * MAX_MEMORY_KIB
"""KiB times passes: much memory or many passes, but not both (half a minute and more)."""


class Unopened(Exception):
    """Why a sealed file does not open; whoever owns the file says it in a person's words."""


class Damaged(Unopened):
    """The file is of this kind, but its bytes are not those that were written."""


class CutShort(Damaged):
    """The file ends too early."""


class ForeignFile(Unopened):
    """The file is not of this kind, or of a later version."""


class WrongKey(Unopened):
    """The file is sound, and this key does not open it. `kind` is what would: `passphrase` or `key`."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


@dataclass(frozen=True)
class KdfParams:
    """Argon2id: 64 MiB, 3 passes, 4 lanes take about 150 ms (RFC 9106, second recommended option)."""

    memory_kib: int = 64 * 1024
    iterations: int = 3
    lanes: int = 4


@dataclass(frozen=True)
class SealKey:
    """What a person or a machine brings to open a sealed file: a passphrase, or 32 random bytes."""

    kind: str
    material: bytes = field(repr=False)

    @classmethod
    def from_passphrase(cls, passphrase: str) -> SealKey:
        # One keyboard types é as one character, another as two: NFC, as RFC 8265 asks for passwords.
        return cls("passphrase", unicodedata.normalize("NFC", passphrase).encode())

    @classmethod
    def from_key(cls, key: bytes) -> SealKey:
        return cls("key", key)


@dataclass(frozen=True)
class Head:
    """The head of one sealed file. `raw` are its exact bytes: the content is bound to them."""

    raw: bytes
    values: dict[str, Any]

    @property
    def kind(self) -> str:
        return "passphrase" if self.values["kdf"] == "argon2id" else "key"


def new_head(magic: bytes, key: SealKey, params: KdfParams, **more: object) -> tuple[Head, bytes]:
    """A head with a fresh salt for a file that this key will open, and the file's master key."""
    values: dict[str, Any] = {"kdf": "hkdf-sha256", "salt": os.urandom(16).hex()}
    if key.kind == "passphrase":
        argon = {"memory_kib": params.memory_kib, "iterations": params.iterations, "lanes": params.lanes}
        values = {"kdf": "argon2id", **argon, "salt": os.urandom(16).hex()}
    master = stretch(values, key)
    return head_with(magic, {**values, "check": key_check(master), **more}), master


def head_with(magic: bytes, values: dict[str, Any]) -> Head:
    body = json.dumps(values, separators=(",", ":")).encode()
    raw = magic + len(body).to_bytes(2, "big") + body
    return Head(raw + hashlib.sha256(raw).digest(), values)


def read_head(file: BinaryIO, magic: bytes) -> Head:
    """The head at the beginning of the file. Raises ForeignFile, CutShort or Damaged."""
    start = file.read(len(magic) + 2)
    if start[: len(magic)] != magic:
        if magic.startswith(start):
            raise CutShort
        raise ForeignFile
    length = int.from_bytes(start[len(magic) :], "big")
    if len(start) < len(magic) + 2:
        raise CutShort
    if length > MAX_HEAD:
        raise Damaged
    body, digest = file.read(length), file.read(32)
    if len(body) < length or len(digest) < 32:
        raise CutShort
    if not hmac.compare_digest(hashlib.sha256(start + body).digest(), digest):
        raise Damaged
    return Head(start + body + digest, _checked(body))


def _checked(body: bytes) -> dict[str, Any]:
    try:
        values = json.loads(body)
        sound = len(bytes.fromhex(values["salt"])) == len(bytes.fromhex(values["check"])) == 16
        if values["kdf"] == "argon2id":
            work = (values["memory_kib"], values["iterations"], values["lanes"])
            sound = sound and all(type(amount) is int for amount in work) and work[0] * work[1] <= MAX_WORK
            sound = (
                sound and 1 <= values["iterations"] <= MAX_ITERATIONS and 1 <= values["lanes"] <= MAX_LANES
            )
            sound = sound and 8 * values["lanes"] <= values["memory_kib"] <= MAX_MEMORY_KIB
        else:
            sound = sound and values["kdf"] == "hkdf-sha256"
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Damaged from None
    if not sound or not isinstance(values, dict):
        raise Damaged
    return values


def stretch(values: dict[str, Any], key: SealKey) -> bytes:
    """The 32-byte master key of a file, slow by intention for a passphrase. Raises WrongKey for the other kind."""
    salt = bytes.fromhex(values["salt"])
    if values["kdf"] == "hkdf-sha256":
        if key.kind != "key":
            raise WrongKey("key")
        return HKDF(SHA256(), 32, salt, b"phr master").derive(key.material)
    if key.kind != "passphrase":
        raise WrongKey("passphrase")
    try:
        argon = Argon2id(
            salt=salt,
            length=32,
            iterations=values["iterations"],
            lanes=values["lanes"],
            memory_cost=values["memory_kib"],
        )
        return argon.derive(key.material)
    except UnsupportedAlgorithm:
        raise SecretsError(
            "This computer's cryptography library lacks Argon2id.",
            hint="Use a key file instead (PHR_KEY_FILE), or install the official cryptography wheel.",
        ) from None
    except MemoryError:
        raise SecretsError("There is not enough free memory to open the sealed file.") from None


def key_check(master: bytes) -> str:
    return subkey(master, b"phr check")[:16].hex()


def subkey(master: bytes, purpose: bytes) -> bytes:
    return HKDFExpand(SHA256(), 32, purpose).derive(master)


def unlock(head: Head, key: SealKey) -> bytes:
    """The master key of the file. Raises WrongKey."""
    master = stretch(head.values, key)
    if not hmac.compare_digest(key_check(master), head.values["check"]):
        raise WrongKey(head.kind)
    return master
