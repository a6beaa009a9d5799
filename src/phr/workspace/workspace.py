"""`Workspace`: everything of one person, opened when it is first needed.

Nothing heavy is imported here: `phr timeline` goes through this file.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from phr import paths, settings
from phr.errors import Locked, StoreError
from phr.fhir import trust
from phr.paths import Paths
from phr.settings import Settings
from phr.store.store import Store
from phr.vault.keys import Vault

if TYPE_CHECKING:
    from phr.model import Connection
    from phr.providers.catalog import Catalog
    from phr.workspace.backup import Backup, Restored
    from phr.workspace.capabilities import Abilities
    from phr.workspace.files import ImportReport, ImportWish
    from phr.workspace.leave import Disconnected
    from phr.workspace.sign_in import ConnectRequest, Speaker
    from phr.workspace.sync import SyncReport, SyncWish


class Workspace:
    """One person's record and the means to fill it."""

    def __init__(
        self,
        environ: Mapping[str, str],
        user: str | None = None,
        *,
        credential_command: str | None = None,
        ask_passphrase: Callable[[], str] | None = None,
    ) -> None:
        """`user` wins over PHR_USER and the setting; `ask_passphrase` only where someone can answer."""
        self.environ = environ
        self.paths: Paths = paths.locate(environ)
        self.settings: Settings = settings.load(self.paths.config_file, environ)
        self.user = paths.check_user_name(user or self.settings.general.user)
        self._command = credential_command or self.settings.general.credential_command
        self._ask_passphrase = ask_passphrase
        trust.configure(self.settings.network.ca_file)

    def __repr__(self) -> str:
        return f"<Workspace {self.user}>"

    @cached_property
    def vault(self) -> Vault:
        """Where this person's keys and tokens are."""
        return Vault(
            self.paths.user_dir(self.user),
            self.environ,
            credential_command=self._command,
            ask_passphrase=self._ask_passphrase,
        )

    @cached_property
    def catalog(self) -> Catalog:
        """Vendors and organisations: the packaged ones and the person's own.

        Raises UsageError for an own file that others can write: it says where a sign-in goes.
        """
        from phr.providers import catalog, organisations

        found = self.paths.data / organisations.FILE_NAME
        for path in (self.paths.providers_file, found):
            paths.refuse_foreign(path)
        return catalog.load(self.paths.providers_file, found)

    def store(self, *, create: bool = False) -> Store:
        """Open the records file; use it as a context manager.

        Raises StoreError when there is none (and `create` is not set), Locked when no key opens it.
        """
        path = self.paths.records(self.user)
        create = create and not path.exists()  # one that was emptied is not begun anew without a word
        if create:
            paths.make_private(path.parent)
        elif not path.exists():
            raise self._nothing_here()  # said before a key is asked for
        try:
            return Store(path, self.vault.record_key(create=create), create=create)
        except Locked:
            from phr.vault import rotation

            pending = rotation.pending_key(self.vault)
            if pending is None:
                raise
            store = Store(path, pending)  # a rotation was broken off half-way: bring it to its end
            rotation.finish(self.vault)
            return store

    def rotate_key(self) -> None:
        """Encrypt the record anew with a new key. Raises Busy, Locked, SecretsError (the key is not ours to change)."""
        from phr.vault import rotation

        with self.lock(), self.store() as store:
            rotation.rotate(self.vault, lambda _, new: store.rekey(new))
            store.audit.note("rotate key")

    def _nothing_here(self) -> StoreError:
        """There is no record; perhaps because the name of the user is a slip of the pen."""
        users = sorted(p.name for p in self.paths.data.glob("*") if (p / paths.RECORDS_FILE).exists())
        if users:
            return StoreError(
                f"There is no record yet for the user {self.user}.",
                hint=f"There is one for {', '.join(users)}: --user NAME. A new one begins with phr connect or phr import.",
            )
        return StoreError(
            "There is no record yet.",
            hint="Bring one in: phr connect PROVIDER, or phr import FILE; or look around first: phr demo",
        )

    def lock(self) -> AbstractContextManager[None]:
        """Keep other runs away from this person's record. Raises Busy."""
        return paths.exclusive_lock(self.paths.lock(self.user))

    def connect(self, request: ConnectRequest, speaker: Speaker) -> Connection:
        """Sign in at a provider and keep the connection. See `connect.connect`."""
        from phr.workspace import connect as connecting

        return connecting.connect(self, request, speaker)

    def reconnect(self, name: str, request: ConnectRequest, speaker: Speaker) -> Connection:
        """Sign in again: same connection, same records. See `connect.reconnect`."""
        from phr.workspace import connect as connecting

        return connecting.reconnect(self, name, request, speaker)

    def disconnect(self, name: str, *, purge: bool = False) -> Disconnected:
        """Revoke, forget the secrets, keep the records unless `purge`. See `leave.disconnect`."""
        from phr.workspace import leave

        return leave.disconnect(self, name, purge=purge)

    def capabilities(self, name: str) -> Abilities:
        """What a connection can do right now. See `capabilities.capabilities`."""
        from phr.workspace import capabilities

        return capabilities.capabilities(self, name)

    def idle_hours(self, vendor: str) -> int | None:
        """After how many hours without a renewal a sign-in at this vendor ends; None: not known to."""
        return self.catalog.vendor_of(vendor).refresh_idle_hours

    def sync(self, wish: SyncWish) -> SyncReport:
        """Bring connections up to date, except where quiet hours keep away. See `sync.sync`."""
        from phr.workspace import sync as syncing
        from phr.workspace.schedule import quiet

        return quiet.kept_away(self, wish) or syncing.sync(self, wish)

    def import_files(self, files: Sequence[Path | None], wish: ImportWish) -> ImportReport:
        """Take in files; None is standard input. See `files.import_files`."""
        from phr.workspace import files as taking

        return taking.import_files(self, files, wish, stdin=sys.stdin.buffer)

    def backup(self, target: Path, passphrase: str) -> Backup:
        """Write a sealed copy and read it back. See `backup.backup`."""
        from phr.workspace import backup as backups

        return backups.backup(self, target, passphrase)

    def restore(
        self, file: Path, passphrase: str, *, dry_run: bool = False, replace: bool = False
    ) -> Restored:
        """Put a sealed copy in place. See `backup.restore`."""
        from phr.workspace import backup as backups

        return backups.restore(self, file, passphrase, dry_run=dry_run, replace=replace)
