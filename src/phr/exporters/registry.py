"""The formats by name. Each exporter is imported when it is asked for, because some carry heavy libraries."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, BinaryIO, cast

from phr.errors import UsageError
from phr.exporters.base import Exported, Exporter, Handover, Options, uncollected
from phr.views.selection import Selection

if TYPE_CHECKING:
    from phr.store.store import Store

FORMATS = {
    "ccd": ("phr.exporters.ccd", "CcdExporter"),
    "fhir": ("phr.exporters.fhir", "FhirExporter"),
    "ndjson": ("phr.exporters.ndjson", "NdjsonExporter"),
    "json": ("phr.exporters.json", "JsonExporter"),
    "ips": ("phr.exporters.ips", "IpsExporter"),
    "html": ("phr.exporters.html", "HtmlExporter"),
}


def exporter(format_: str) -> Exporter:
    """The exporter of this name. Raises UsageError that lists the names there are."""
    if format_ not in FORMATS:
        raise UsageError(f"There is no format named {format_}.", hint=f"There is: {', '.join(FORMATS)}")
    module, name = FORMATS[format_]
    return cast(Exporter, getattr(import_module(module), name)())


def write(
    store: Store, format_: str, selection: Selection, out: BinaryIO, options: Options | None = None
) -> Exported:
    """Write the selected records to `out` in one of the formats. Raises UsageError or another PhrError."""
    with uncollected():
        given = Handover(store, selection, options or Options())
        return given.told(exporter(format_).write(given, out))
