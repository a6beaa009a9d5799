"""Under which source a file comes in, where nobody says it: by the file's name, and never two senders under one.

Hospitals name their files alike (`DOC0001.XML`). What two of them sent must not replace each other, so the second one's
source is called `DOC0001-2`.
"""

from __future__ import annotations

from itertools import count
from pathlib import Path

from phr.errors import UsageError
from phr.importers.base import Imported
from phr.store.store import Store

HEALTH_APP = "Health app"
STANDARD_INPUT = "standard input"
THE_STANDARD_INPUT = f"the {STANDARD_INPUT}"
"""How `importers.opening` calls it."""


class Names:
    """The names of sources that the files of one command come in under."""

    def __init__(self, store: Store | None, source: str | None) -> None:
        self._store, self._source = store, source
        self._taken: dict[str, set[str]] = {}

    def of(self, one: Imported) -> str:
        """The source of a file. Raises UsageError where that is a connection, or is kept for its documents."""
        if self._source is not None:
            self._check(self._source)
            return self._source
        wanted, sender = wanted_name(one), _plain(one.sender)
        for number in count(1):
            name = wanted if number == 1 else f"{wanted}-{number}"
            senders = self._senders(name)
            if sender is None or not senders or sender in senders:
                break
        self._check(name)
        if sender is not None:
            self._taken[name].add(sender)
        return name

    def _senders(self, name: str) -> set[str]:
        if name not in self._taken:
            known = self._store.imports.senders(name) if self._store is not None else ()
            self._taken[name] = {plain for one in known if (plain := _plain(one)) is not None}
        return self._taken[name]

    def _check(self, name: str) -> None:
        if self._store is None:
            return
        hint = "Choose another name with --as."
        if any(one.name == name and one.kind == "connection" for one in self._store.sources.all()):
            raise UsageError(f"{name} is a connection; a file cannot speak in its name.", hint=hint)
        beside = self._store.imports.connection_beside(name)
        if beside is not None:
            raise UsageError(f"{name} is for what is read out of the documents of {beside}.", hint=hint)


def wanted_name(one: Imported) -> str:
    """What the source of a file is called, as long as nobody else's is."""
    if one.format == "apple-health":
        return HEALTH_APP
    if one.name == THE_STANDARD_INPUT:
        return STANDARD_INPUT
    stem = Path(one.name).name.split(".")[0].strip()
    return stem or "import"


def _plain(sender: str | None) -> str | None:
    """By which two spellings of a sender are compared."""
    return " ".join(sender.casefold().split()) or None if sender else None
