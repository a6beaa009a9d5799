"""A long file sealed piece by piece, so that memory stays flat and no piece can be lost, moved or added.

The STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár: Online Authenticated-Encryption and its
Nonce-Reuse Misuse-Resistance, CRYPTO 2015) with AES-256-GCM over pieces of 1 MiB. The nonce is 7 random bytes,
the piece's number in 4, and 1 byte that says whether it is the last; every piece is bound to the head.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from phr.vault.envelope import Damaged

PIECE = 1024 * 1024
TAG = 16
PREFIX = 7


def sealed_size(plain_size: int) -> int:
    """How many bytes so many plain ones become; nothing at all still is one sealed piece."""
    return plain_size + TAG * max(1, -(-plain_size // PIECE))


def seal_stream(key: bytes, prefix: bytes, head: bytes, plain: Iterable[bytes], out: BinaryIO) -> None:
    """Seal all of `plain`, in whatever portions it comes."""
    cipher = AESGCM(key)
    buffer = bytearray()
    number = 0
    for portion in plain:
        buffer += portion
        while len(buffer) > PIECE:  # the last piece is only known when nothing follows
            piece = bytes(buffer[:PIECE])
            del buffer[:PIECE]
            out.write(cipher.encrypt(_nonce(prefix, number, last=False), piece, head))
            number += 1
    out.write(cipher.encrypt(_nonce(prefix, number, last=True), bytes(buffer), head))


class OpenedStream(io.RawIOBase):
    """Reads what was sealed; every byte it gives has been authenticated. Raises Damaged.

    Only when `read` has given nothing is it certain that the end is the end.
    """

    def __init__(self, key: bytes, prefix: bytes, head: bytes, sealed: BinaryIO) -> None:
        self._cipher, self._prefix, self._head, self._sealed = AESGCM(key), prefix, head, sealed
        self._number = 0
        self._ahead = sealed.read(PIECE + TAG)
        self._plain = memoryview(b"")
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, into: bytearray | memoryview) -> int:  # type: ignore[override]
        if not self._plain and not self._ended:
            self._open_next()
        count = min(len(into), len(self._plain))
        into[:count] = self._plain[:count]
        self._plain = self._plain[count:]
        return count

    def _open_next(self) -> None:
        piece, self._ahead = self._ahead, self._sealed.read(PIECE + TAG)
        self._ended = not self._ahead
        nonce = _nonce(self._prefix, self._number, last=self._ended)
        try:
            self._plain = memoryview(self._cipher.decrypt(nonce, piece, self._head))
        except (InvalidTag, ValueError):
            raise Damaged from None
        self._number += 1


def _nonce(prefix: bytes, number: int, *, last: bool) -> bytes:
    return prefix + number.to_bytes(4, "big") + bytes([last])
