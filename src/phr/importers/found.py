"""What looking into bytes gave: what they are, and how their resources are read from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from phr.errors import UnreadableFile
from phr.importers.base import Part
from phr.model import Problem

Opener = Callable[[], BinaryIO]
"""Opens the bytes of a file, or of a file in an archive, as often as needed."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file, or a file in an archive, that can be read."""

    format: str
    """One of `base.FORMATS`."""
    parts: Callable[[], Iterator[Part]] = field(repr=False)
    sections: Callable[[], list[dict[str, Any]]] | None = field(default=None, repr=False)
    """The report of a document's sections."""
    weight: int = 0
    """Bytes that holding it takes, where reading it again would be slow; 0 where it would not."""
    sender: Callable[[], str | None] | None = field(default=None, repr=False)
    """Who sent it, once it was read; None where that is not said, or several did."""
    where: Callable[[], str | None] | None = field(default=None, repr=False)
    """The file of an archive that the part which was given last is from."""
    nothing: Callable[[str, Sequence[Problem]], UnreadableFile] | None = field(default=None, repr=False)
    """What to say of the file of this name when not one resource was in it."""
