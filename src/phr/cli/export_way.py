"""How and where an export is written: what fits together on a command line, each file, and the report."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phr.cli import output
from phr.cli.context import workspace
from phr.cli.export_report import check_lines, document, sentences
from phr.cli.options import near
from phr.cli.text import count
from phr.errors import UsageError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    import typer

    from phr.exporters.base import Exported, Options, Progress
    from phr.store.store import Store
    from phr.views.selection import Selection

log = logging.getLogger(__name__)

Written = tuple[str, Path | None, "Exported"]
"""Format, path (None for stdout), and what was written."""

_BELONGS = {
    "sections": ("ccd", "ips", "html", "pdf"),
    "template": ("ccd",),
    "reason": ("ccd",),
    "check": ("ccd",),
    "bundle": ("fhir",),
    "split": ("ndjson",),
    "layout": ("pdf",),
    "research": ("csv",),
}
"""Options that only some formats have a use for."""
_BINARY = ("pdf", "sqlite")
_PLAIN = "This file is not encrypted: whoever has it can read all that is in it."


@dataclass(frozen=True)
class Way:
    """Which formats, and where to."""

    formats: tuple[str, ...]
    to: str | None
    split: bool
    yes: bool
    quiet: bool
    json: bool
    check: bool


def chosen_way(ctx: typer.Context) -> Way:
    """What the options say, if they fit together. Raises UsageError."""
    said, to = ctx.params, ctx.params["to"]
    way = Way(
        _formats(said),
        to,
        said["split"] or (to is not None and to != "-" and (to.endswith("/") or Path(to).is_dir())),
        *(said[name] for name in ("yes", "quiet", "json", "check")),
    )
    if to == "-" and way.json:
        raise UsageError(
            "The export and the report cannot both go to stdout.", hint="Give a file: -o FILE --json"
        )
    if to == "-" and len(way.formats) > 1:
        raise UsageError("Only one file can go to stdout.", hint="Name a folder: -o FOLDER/")
    if to == "-" and way.formats[0] in _BINARY and sys.stdout.isatty():
        raise UsageError(
            "This format is not for a screen.", hint="Give a file, or send it on: -o FILE, or -o - > FILE"
        )
    for name, formats in _BELONGS.items():
        if said[name] and not set(formats).intersection(way.formats):
            raise UsageError(
                f"--{name} does not belong to --format {way.formats[0]}.",
                hint=f"Leave it out, or choose --format {' or '.join(formats)}",
            )
    if said["reason"] is not None and said["template"] != "referral-note":
        raise UsageError("--reason belongs to a Referral Note.", hint="Add --template referral-note")
    if said["split"] and to == "-":
        raise UsageError("A folder cannot go to stdout.", hint="Name one: --split -o FOLDER/")
    return way


def _formats(said: dict[str, Any]) -> tuple[str, ...]:
    """The formats that were asked for, each once. Raises UsageError."""
    from phr.exporters.registry import FORMATS

    known = tuple(FORMATS)
    asked = [
        word.strip().lower() for each in said["formats"] or () for word in each.split(",") if word.strip()
    ]
    if not asked and said["whom"]:
        asked = ["pdf", "ccd"]
    if not asked:
        raise UsageError(
            "In which format?",
            hint=f"Say --format and one of: {', '.join(known)}. For a doctor: --format ccd",
        )
    for word in asked:
        if word not in known:
            raise UsageError(
                f"There is no format named {word}.", hint=near(word, known) or f"There is: {', '.join(known)}"
            )
    return tuple(dict.fromkeys(asked))


def run(ctx: typer.Context, way: Way, chosen: Selection, options: Options) -> list[Written]:
    """Write every file, and say so."""
    from phr.views.selection import check_sources, fitting
    from phr.views.tagging import unknown_tags

    if "sqlite" in way.formats:
        _warn(way)
    with (here := workspace(ctx)).store() as store:
        check_sources(store, chosen)
        for sentence in unknown_tags(store, chosen.tags):  # a slip of the pen must not become an empty paper
            said, stop, hint = sentence.partition("”.")
            raise UsageError(said + stop, hint=hint.strip())
        fits = fitting(store, replace(chosen, sensitivity=None))
        done: list[Written] = []
        try:
            with _watching(way) as progress:
                for one in _written(store, way, chosen, replace(options, progress=progress), here.user):
                    done.append(one)
        finally:  # what was written before another format failed is there, and is said
            for format_, path, report in done:
                log.info("export %s: %s bytes, %s left out", format_, report.bytes, len(report.left_out))
                entries = count(sum(report.sections.values()), "entry", "entries")
                store.audit.note("export", f"{format_} {entries}")
                _say(report, path, format_, way, nothing=fits <= report.held_back)
    if way.json:
        output.emit_json(_report(done, check=way.check))
    return done


def _say(report: Exported, path: Path | None, format_: str, way: Way, *, nothing: bool) -> None:
    """What was written, in words."""
    for line in sentences(report, path, nothing=nothing, format_=format_):
        output.talk(line)
    if report.check is not None:
        output.hush(way.quiet and report.check.sound)  # a fault is told all the same
        for line in check_lines(report.check, asked=way.check):
            output.talk(line)
        output.hush(way.quiet)


def _report(done: Sequence[Written], *, check: bool) -> dict[str, Any]:
    """One file as it is; of several the first, and all of them under `exports`."""
    told = [document(one, path, format_, check=check) for format_, path, one in done]
    return told[0] if len(told) == 1 else {**told[0], "exports": told}


def _warn(way: Way) -> None:
    """A database looks like the record itself, which is encrypted; this one is not."""
    from phr.cli.output import talk

    talk(_PLAIN)
    if way.yes or not sys.stdin.isatty() or not sys.stderr.isatty():
        return
    import typer

    if not typer.confirm("Write it?", default=True, err=True):
        raise UsageError("Nothing was written.", hint="For a sealed copy of everything: phr backup FILE")


def _watching(way: Way) -> AbstractContextManager[Progress | None]:
    from phr.cli.export_progress import watching

    return nullcontext() if way.quiet else watching()


def _written(store: Store, way: Way, chosen: Selection, options: Options, user: str) -> Iterator[Written]:
    """Each file, once it is there; what cannot be written is known before the first one is."""
    from phr.exporters import files, registry

    if way.to == "-":
        sys.stdout.flush()
        format_ = way.formats[0]
        yield format_, None, registry.write(store, format_, chosen, sys.stdout.buffer, options)
        return
    places = list(_places(way, user))
    for _, path, folder in places:
        files.check_place(path, folder=folder)
    for format_, path, folder in places:
        yield format_, path, registry.write_to(store, format_, chosen, path, options, folder=folder)


def _places(way: Way, user: str) -> list[tuple[str, Path, bool]]:
    """`(format, path, whether it is a folder)` of each file. Several formats share a name, or a folder."""
    from phr.exporters import registry

    places = []
    for format_ in way.formats:
        several, maker = len(way.formats) > 1, registry.exporter(format_)
        folder = registry.wants_folder(maker, way.to, split=way.split, several=several)
        suffix = "" if folder else maker.suffix
        own_name = f"phr-{user}-{format_}-{date.today():%Y-%m-%d}{suffix}"  # noqa: DTZ011 - the person's own day
        if way.to is None:
            path = Path(own_name)
        elif not several:
            path = Path(way.to) / own_name if way.to.endswith("/") and not folder else Path(way.to)
        elif way.split:
            Path(way.to).mkdir(mode=0o700, exist_ok=True)
            path = Path(way.to) / own_name
        else:
            path = Path(f"{way.to}{suffix or '-' + format_}")
        places.append((format_, path, folder))
    return places
