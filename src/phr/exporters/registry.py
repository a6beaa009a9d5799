"""The formats by name. Each exporter is imported when it is asked for, because some carry heavy libraries."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from phr.errors import UsageError
from phr.exporters.base import (
    Exported,
    Exporter,
    FolderExporter,
    Handover,
    NamedExporter,
    Options,
    PathExporter,
)
from phr.exporters.files import to_file, to_folder, to_path, uncollected
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
    "pdf": ("phr.exporters.pdf", "PdfExporter"),
    "csv": ("phr.exporters.csv", "CsvExporter"),
    "markdown": ("phr.exporters.markdown", "MarkdownExporter"),
    "sqlite": ("phr.exporters.sqlite", "SqliteExporter"),
}


def exporter(format_: str) -> Exporter:
    """The exporter of this name. Raises UsageError that lists the names there are."""
    if format_ not in FORMATS:
        raise UsageError(f"There is no format named {format_}.", hint=f"There is: {', '.join(FORMATS)}")
    module, name = FORMATS[format_]
    return cast(Exporter, getattr(import_module(module), name)())


def wants_folder(maker: Exporter, to: str | None, *, split: bool, several: bool) -> bool:
    """Whether this format is to become a folder: NDJSON where it was asked for, tables unless a file is named."""
    if not isinstance(maker, FolderExporter):
        return False
    if maker.folder_first:
        return to is None or several or split or not to.lower().endswith(maker.file_suffixes)
    return split and not several


def write(
    store: Store, format_: str, selection: Selection, out: BinaryIO, options: Options | None = None
) -> Exported:
    """Write the selected records to `out` in one of the formats. Raises UsageError or another PhrError."""
    with uncollected():
        given = Handover(store, selection, options or Options())
        return given.told(exporter(format_).write(given, out))


def write_to(
    store: Store, format_: str, selection: Selection, path: Path, options: Options, *, folder: bool = False
) -> Exported:
    """Write them to a file, or a folder, that appears only when it is whole. Raises PhrError."""
    maker, given = exporter(format_), Handover(store, selection, options)
    with uncollected():
        if folder and isinstance(maker, FolderExporter):
            done = to_folder(path, lambda made: maker.write_folder(given, made), ours=maker.made)
        elif isinstance(maker, PathExporter):
            done = to_path(path, lambda made: maker.write_path(given, made))
        elif isinstance(maker, NamedExporter):
            done = to_file(path, lambda out: maker.write_as(given, out, path))
        else:
            done = to_file(path, lambda out: maker.write(given, out))
    return given.told(done)
