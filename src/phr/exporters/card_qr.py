"""The QR code of the emergency card: plain text in it, no address, so that it works without a network.

ISO/IEC 18004, byte mode, UTF-8, error correction level M (15 % of it may be damaged). The version stays so small that
a module is at least 0.35 mm wide on the card, which telephones read from a hand's breadth.
"""

from __future__ import annotations

from typing import NamedTuple

OCTETS_BY_VERSION = {
    6: 106, 7: 122, 8: 152, 9: 180, 10: 213, 11: 251, 12: 287, 13: 331, 14: 362, 15: 412, 16: 450, 17: 504,
}  # fmt: skip
"""How many bytes level M holds (ISO/IEC 18004, table 7)."""
PAPER_VERSION = 16
PAPER_OCTETS = OCTETS_BY_VERSION[PAPER_VERSION]
QUIET = 4
"""Modules of white around it that the standard asks for."""


class Code(NamedTuple):
    """A QR code: what it says, and its modules (True is dark), without the quiet zone."""

    text: str
    version: int
    level: str
    modules: tuple[tuple[bool, ...], ...]

    def __repr__(self) -> str:
        return f"<Code version {self.version}>"


def code(text: str) -> Code:
    """The smallest code of level M that holds the text."""
    import segno

    made = segno.make_qr(text, error="m", encoding="utf-8", boost_error=False)
    modules = tuple(tuple(bool(one) for one in line) for line in made.matrix)
    return Code(text, int(made.version), str(made.error), modules)


def modules_wide(version: int, quiet: int = QUIET) -> int:
    """How many modules a code of this version is wide, with the white around it."""
    return 17 + 4 * version + 2 * quiet


def octets_within(columns: int, quiet: int) -> int:
    """How many bytes a code holds that is at most so many modules wide; 0 where none fits."""
    fitting = [
        octets
        for version, octets in OCTETS_BY_VERSION.items()
        if version <= PAPER_VERSION and modules_wide(version, quiet) <= columns
    ]
    return max(fitting, default=0)


def path(found: Code) -> str:
    """The dark modules as an SVG path in units of one module, a run at a time."""
    parts = []
    for y, line in enumerate(found.modules):
        x = 0
        while x < len(line):
            if line[x]:
                run = 1
                while x + run < len(line) and line[x + run]:
                    run += 1
                parts.append(f"M{x} {y}h{run}v1h-{run}z")
                x += run
            x += 1
    return "".join(parts)
