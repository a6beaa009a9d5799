"""Bulk Data exports that nobody fetches any more: called off at the server that still prepares them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from phr.sync import bulk
from phr.workspace.clients import client_for

if TYPE_CHECKING:
    from phr.workspace.workspace import Workspace


def call_off(workspace: Workspace, name: str) -> bool:
    """Give up what is under way for this connection, and tell the server; answers whether there was anything.

    Raises Busy while somebody works at the record, UsageError for a connection that is none, ReconnectNeeded.
    """
    with workspace.lock(), workspace.store() as store:
        connection = store.connections.get(name)
        if not store.bulk.under_way(connection.key):
            return False
        vendor = workspace.catalog.vendor_of(connection.vendor)
        with client_for(workspace, connection, vendor, retry_attempts=1) as client:
            done = bulk.cancel(client, store, connection)
        store.audit.note("cancel export", name)
    return done
