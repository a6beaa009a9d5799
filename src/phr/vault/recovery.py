"""The record key on paper: 14 groups of five letters and digits that survive being copied by hand.

Crockford's Base32 (no I, L, O, U; read case-insensitively, with O as 0 and I, L as 1). 32 bytes of key and 3 bytes
of their SHA-256 are exactly 56 characters: four to a group, and a fifth that checks the group. The fifth is a
weighted sum over GF(32) that also knows the number of its group, so one wrong character, two exchanged
characters or two exchanged groups always show, and show where.
"""

from __future__ import annotations

import hashlib
import re

from phr.errors import UsageError

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
GROUPS = 14
_CHECKSUM = 3
_LABEL = b"phr recovery key\x00"
_READ_AS = str.maketrans({"O": "0", "I": "1", "L": "1"})
_PLACES = {character: place for place, character in enumerate(ALPHABET)}
# One weight to each place of a group, all different; the check character itself has weight 1.
_WEIGHTS = (2, 3, 4, 5)


def recovery_key(record_key: bytes) -> str:
    """The 32-byte record key as `XXXXX-XXXXX-…`, 14 groups, to be printed and put away."""
    if len(record_key) != 32:
        raise ValueError("a record key has 32 bytes")
    number = int.from_bytes(record_key + _digest(record_key), "big")
    places = [(number >> 5 * at) & 31 for at in range(4 * GROUPS - 1, -1, -1)]
    groups = [places[at : at + 4] for at in range(0, len(places), 4)]
    return "-".join(
        "".join(ALPHABET[place] for place in (*group, _check(group, at))) for at, group in enumerate(groups)
    )


def parse(text: str) -> bytes:
    """The record key again. Raises UsageError that names the groups that look wrong, and none of what they say."""
    groups = _groups(text)
    wrong = [at for at, group in enumerate(groups, start=1) if not _sound(group, at - 1)]
    if wrong:
        raise _mistyped(wrong)
    number = 0
    for group in groups:
        for character in group[:4]:
            number = number << 5 | _PLACES[character]
    whole = number.to_bytes(32 + _CHECKSUM, "big")
    key, digest = whole[:32], whole[32:]
    if digest != _digest(key):
        raise UsageError(
            "This is not a recovery key of phr, or several of its groups are mistyped.",
            hint="Compare it with the paper from the beginning.",
        )
    return key


def _groups(text: str) -> list[str]:
    """14 groups, by the dashes as they were typed when they are right, else five characters each."""
    cleaned = text.strip().upper().translate(_READ_AS)
    typed = [group for group in re.split(r"[\s\-–—_.]+", cleaned) if group]
    joined = "".join(typed)
    if len(joined) == 5 * GROUPS:
        return [joined[at : at + 5] for at in range(0, len(joined), 5)]
    if len(typed) == GROUPS:
        raise _mistyped([at for at, group in enumerate(typed, start=1) if len(group) != 5])
    raise UsageError(
        f"A recovery key has {5 * GROUPS} letters and digits; this one has {len(joined)}.",
        hint=f"Type all {GROUPS} groups of five; dashes, spaces and capitals do not matter.",
    )


def _mistyped(groups: list[int]) -> UsageError:
    plural = len(groups) > 1
    named = ", ".join(str(group) for group in groups)
    return UsageError(
        f"Group{'s' if plural else ''} {named} of the recovery key {'look' if plural else 'looks'} wrong.",
        hint="Compare with the paper there; a group has five letters and digits, and never I, L, O or U.",
    )


def _sound(group: str, at: int) -> bool:
    places = [_PLACES.get(character, -1) for character in group]
    return -1 not in places and _check(places[:4], at) == places[4]


def _check(places: list[int], at: int) -> int:
    total = at
    for weight, place in zip(_WEIGHTS, places, strict=True):
        total ^= _times(weight, place)
    return total


def _times(left: int, right: int) -> int:
    """Product in GF(32) modulo x⁵ + x² + 1."""
    product = 0
    while right:
        if right & 1:
            product ^= left
        left <<= 1
        if left & 32:
            left ^= 0b100101
        right >>= 1
    return product


def _digest(record_key: bytes) -> bytes:
    return hashlib.sha256(_LABEL + record_key).digest()[:_CHECKSUM]
