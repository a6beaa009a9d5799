"""A secret store that forgets at the end of the process, for tests and for authors of plug-ins."""

from __future__ import annotations


class MemoryStore:
    """Keeps secrets in a dict; follows the terms of `phr.vault.base.SecretStore`."""

    name = "memory"

    def __init__(self) -> None:
        self._items: dict[str, bytes] = {}

    def __repr__(self) -> str:
        return f"MemoryStore({len(self._items)} items)"

    def get(self, item: str) -> bytes | None:
        return self._items.get(item)

    def set(self, item: str, value: bytes) -> None:
        self._items[item] = bytes(value)

    def delete(self, item: str) -> None:
        self._items.pop(item, None)
