"""The nouns of this house, in the words of FHIR and SMART App Launch. Read this room first.

Values only: nothing here touches a network, a disk or a clock. `Resource` and `Bundle` stay plain JSON
dicts and are read through `phr.fhir.read`. A noun is made when it is first asked for (PEP 562): making all of them
takes longer than all else that a quick command does before it opens the record.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from phr.model.codes import Code
    from phr.model.providers import (
        Connection,
        Provider,
        Refusal,
        SmartConfiguration,
        Token,
        Vendor,
    )
    from phr.model.records import (
        Attachment,
        AuditEvent,
        Record,
        Source,
        SyncRun,
        TypeCounts,
    )
    from phr.model.resources import (
        Bundle,
        Change,
        Page,
        Problem,
        Received,
        Resource,
        Search,
    )
    from phr.model.words import AUTH_METHODS, KINDS, LOOPBACK, REDIRECTS

__all__ = [
    "AUTH_METHODS",
    "KINDS",
    "LOOPBACK",
    "REDIRECTS",
    "Attachment",
    "AuditEvent",
    "Bundle",
    "Change",
    "Code",
    "Connection",
    "Page",
    "Problem",
    "Provider",
    "Received",
    "Record",
    "Refusal",
    "Resource",
    "Search",
    "SmartConfiguration",
    "Source",
    "SyncRun",
    "Token",
    "TypeCounts",
    "Vendor",
]

_WHERE = {
    "words": "AUTH_METHODS KINDS LOOPBACK REDIRECTS",
    "codes": "Code",
    "providers": "Connection Provider Refusal SmartConfiguration Token Vendor",
    "records": "Attachment AuditEvent Record Source SyncRun TypeCounts",
    "resources": "Bundle Change Page Problem Received Resource Search",
}


def __getattr__(name: str) -> object:
    for module, names in _WHERE.items():
        if name in names.split():
            found: object = getattr(import_module(f"phr.model.{module}"), name)
            globals()[name] = found
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
