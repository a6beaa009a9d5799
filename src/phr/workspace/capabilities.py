"""What a connection can do right now: what the server declares, what the sign-in gave, what the vendor is known for."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from phr.errors import PhrError
from phr.fhir.capability import Capability
from phr.fhir.client import FhirClient
from phr.model import Connection, Vendor
from phr.smart import scopes
from phr.sync.plan import plan
from phr.sync.types import COMPARTMENT
from phr.workspace import tokens

if TYPE_CHECKING:
    from phr.smart.session import Session
    from phr.workspace.workspace import Workspace

_LAST_UPDATED = "_lastupdated"
_WRITING = (("create", "c"), ("update", "u"), ("patch", "u"), ("delete", "d"))


@dataclass(frozen=True, slots=True)
class TypeAbility:
    """One resource type. `granted` is None where a sign-in named no types at all, so that only asking shows."""

    type: str
    searchable: bool
    granted: bool | None
    last_updated: bool
    required: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Abilities:
    """`declared` False: the server said nothing, and this is the vendor's profile alone."""

    declared: bool
    types: tuple[TypeAbility, ...]
    bulk: str | None
    everything: bool
    write: tuple[str, ...]
    rate_limit: dict[str, float] | None

    def document(self) -> dict[str, Any]:
        """As `phr connections capabilities --json` prints it."""
        return asdict(self)


def capabilities(workspace: Workspace, name: str) -> Abilities:
    """Ask the server what it declares, and lay the grant and the vendor's profile beside it.

    Raises UsageError for a name that is none, Unreachable when nobody answers.
    """
    with workspace.store() as store:
        connection = store.connections.get(name)
    vendor = workspace.catalog.vendor_of(connection.vendor)
    with FhirClient(
        connection.fhir_base, _bearer(workspace, connection), timeout=workspace.settings.sync.timeout
    ) as client:
        declared = client.capabilities()
    return abilities(vendor, declared, connection)


def abilities(vendor: Vendor, declared: Capability | None, connection: Connection) -> Abilities:
    """Pure: what these three say together."""
    granted = connection.granted_scopes
    everywhere = plan(vendor, declared, (), connection.patient_id or "")
    searched = {one.type for one in everywhere.searches} | {"Patient"}
    named = scopes.names_resources(granted)
    known = set(declared.types) if declared else set()
    types = []
    for type_ in sorted((known & {*COMPARTMENT, "Patient"}) | searched | set(vendor.types)):
        params = declared.types[type_].search_params if declared and type_ in declared.types else frozenset()
        types.append(
            TypeAbility(
                type=type_,
                searchable=type_ in searched,
                granted=_granted(granted, type_) if named else (connection.auth == "none" or None),
                last_updated=type_ in vendor.last_updated or _LAST_UPDATED in {one.lower() for one in params},
                required=_required(vendor, type_),
            )
        )
    return Abilities(
        declared=declared is not None,
        types=tuple(types),
        bulk=vendor.bulk if vendor.bulk != "none" else (_bulk(declared) if declared else None),
        everything=vendor.everything
        if vendor.everything is not None
        else bool(declared and declared.everything),
        write=_writable(declared, granted),
        rate_limit=_rate_limit(vendor),
    )


def _bearer(workspace: Workspace, connection: Connection) -> Session | None:
    """The sign-in, for servers that show what they can do only to those who have one."""
    if connection.auth == "none" or connection.state == "revoked":
        return None
    with suppress(PhrError):
        return tokens.session(workspace, connection)
    return None


def _granted(granted: tuple[str, ...], type_: str) -> bool:
    """The Patient is read, not searched for."""
    return "r" in scopes.permissions(granted, type_) if type_ == "Patient" else scopes.allows(granted, type_)


def _required(vendor: Vendor, type_: str) -> tuple[str, ...]:
    """Parameters that a search of this type needs beside the patient."""
    names = [name for name, _ in (*vendor.splits.get(type_, ()), *vendor.search_params.get(type_, ()))]
    return tuple(dict.fromkeys((*names, *vendor.claim_params)))


def _bulk(declared: Capability) -> str | None:
    """Where the server declares `$export`; who may use it, it does not say."""
    return ",".join(declared.exports) or None


def _writable(declared: Capability | None, granted: tuple[str, ...]) -> tuple[str, ...]:
    """Types that the server takes and the sign-in allows to write."""
    if declared is None:
        return ()
    return tuple(
        type_
        for type_, one in sorted(declared.types.items())
        if any(
            interaction in one.interactions and letter in scopes.permissions(granted, type_)
            for interaction, letter in _WRITING
        )
    )


def _rate_limit(vendor: Vendor) -> dict[str, float] | None:
    limits = {
        "requests_per_second": vendor.requests_per_second,
        "burst": vendor.burst,
        "requests_per_minute": vendor.requests_per_minute,
        "requests_per_day": vendor.requests_per_day,
    }
    known = {name: value for name, value in limits.items() if value is not None}
    return known or None
