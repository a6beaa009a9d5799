"""The seam behind which secrets are kept, so that the rest of the house never learns where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


class SecretStore(Protocol):
    """Keeps named secrets. The terms, which `phr.testing.secret_store.SecretStoreContract` tests:

    - an item is a short printable text such as `token/17`; a value is any bytes, up to some tens of kilobytes
    - `get` gives back exactly what `set` was given, or None for an item nobody set
    - `set` replaces; once it has returned, another process reads the new value; when it fails, the old one is there
    - `delete` forgets, and is content when there is nothing to forget
    - trouble is a SecretsError, a key that does not fit or a locked keyring is Locked; neither names a value
    - no repr shows a value
    """

    @property
    def name(self) -> str:
        """`keyring`, `sealed-file` or `memory`; a plug-in's own word for its own kind."""

    def get(self, item: str) -> bytes | None: ...

    def set(self, item: str, value: bytes) -> None: ...

    def delete(self, item: str) -> None: ...


@dataclass(frozen=True)
class ScopedStore:
    """A corner of a shared store: two homes on one computer share a keyring, and must not share entries.

    `scope` is asked at the first use, since finding it may have to make it.
    """

    store: SecretStore
    scope: Callable[[], str]

    @property
    def name(self) -> str:
        return self.store.name

    def get(self, item: str) -> bytes | None:
        return self.store.get(f"{self.scope()}/{item}")

    def set(self, item: str, value: bytes) -> None:
        self.store.set(f"{self.scope()}/{item}", value)

    def delete(self, item: str) -> None:
        self.store.delete(f"{self.scope()}/{item}")
