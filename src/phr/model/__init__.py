"""The nouns of this house, in the words of FHIR and SMART App Launch. Read this room first.

Values only: nothing here touches a network, a disk or a clock. `Resource` and `Bundle` stay plain JSON
dicts and are read through `phr.fhir.read`.
"""

from phr.model.providers import (
    AUTH_METHODS,
    LOOPBACK,
    REDIRECTS,
    Connection,
    Provider,
    Refusal,
    SmartConfiguration,
    Token,
    Vendor,
)
from phr.model.records import (
    KINDS,
    Attachment,
    AuditEvent,
    Code,
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
