"""Where the page of `phr visit` goes: to the screen, into a file, or with the CCD beside it into a folder."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from phr.cli import output
from phr.cli.options import usage
from phr.cli.text import Screen, clean, screen, size

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from phr.exporters.base import Exported, Handover, Progress
    from phr.store.store import Store
    from phr.views.selection import Selection
    from phr.views.visit import Visit

_ENDINGS = {
    ".pdf": "pdf",
    ".html": "html",
    ".htm": "html",
    ".md": "markdown",
    ".markdown": "markdown",
    ".json": "json",
    ".txt": "text",
}
_COLUMNS = 80


@dataclass(frozen=True)
class Way:
    """In which form, and where to."""

    format: str
    folder: Path | None = None
    """Names of our own in this folder."""
    file: Path | None = None
    stdout: bool = True
    ccd: bool = False


@dataclass(frozen=True)
class Asked:
    """What was asked for."""

    who: str | None = field(repr=False)
    selection: Selection = field(repr=False)
    within: str | None
    on: str | None
    way: Way
    quiet: bool
    json: bool


@dataclass(frozen=True)
class Done:
    """What came of it."""

    document: Exported | None = None


def way(layout: Any, to: str | None, *, write: bool, ccd: bool | None, json: bool) -> Way:
    """What the options mean together. Raises UsageError."""
    said = layout.value if layout is not None else None
    if write and to is not None:
        raise usage("--write and -o both say where to.", "Leave one of them out.")
    if to is None and not write and said != "pdf":
        if ccd:
            raise usage("--ccd belongs to a page in a file.", "Write both: --write, or -o FOLDER/")
        return Way("json" if json else said or "text")
    if to == "-":
        if json or ccd:
            raise usage("Only one thing can go to stdout.", "Give a file: -o FILE")
        return Way(said or "text")
    if to is None or to.endswith("/") or Path(to).is_dir():
        return Way(said or "pdf", folder=Path(to or "."), stdout=False, ccd=ccd is not False)
    path = Path(to)
    format_ = said or _ENDINGS.get(path.suffix.lower())
    if format_ is None:
        raise usage(
            f"{path.name}: in which form?", "End it with .pdf, .html, .md, .txt or .json, or say --format"
        )
    return Way(format_, file=path, stdout=False, ccd=format_ == "pdf" if ccd is None else ccd)


def run(store: Store, asked: Asked) -> Done:
    """Make the page, show or write it, and say so."""
    from phr.cli.visit_when import said_day
    from phr.exporters.base import Handover, Options
    from phr.views.visit import visit

    today = datetime.fromisoformat(store.now()).astimezone().date()
    on = said_day(asked.within, asked.on, today)
    found = visit(store, asked.who, asked.selection, on=on, private=not asked.json)
    if found.whom.taken:
        output.talk(f"Nobody is called {clean(found.whom.query)}: taken for {clean(found.whom.name)}.")
    way_ = asked.way
    if way_.stdout and way_.format in ("text", "json"):
        _show(found, way_.format)
        if not asked.json:
            _private(found)
        return Done()
    with _watching(asked) as progress:
        given = Handover(store, asked.selection, Options(whom=found.whom.name, progress=progress))
        content = _content(found, given, way_.format)
        if way_.stdout:
            sys.stdout.flush()
            sys.stdout.buffer.write(content)
            sys.stdout.flush()
            return Done()
        return _write(store, asked, found, given, content)


def _watching(asked: Asked) -> AbstractContextManager[Progress | None]:
    from phr.cli.export_progress import watching

    return nullcontext() if asked.quiet or asked.way.stdout else watching()


def _show(found: Visit, format_: str) -> None:
    if format_ == "json":
        output.emit_json({**found.document(), "files": []})
        return
    from phr.cli.visit_screen import drawn

    output.emit(drawn(found, output.out()))


def _private(found: Visit) -> None:
    from phr.cli.visit_screen import private_lines

    output.talk_lines(private_lines(found, screen(sys.stderr)))


def _content(found: Visit, given: Handover, format_: str) -> bytes:
    if format_ == "json":
        return output.dump({"schema": output.SCHEMA, **found.document(), "files": []}) + b"\n"
    if format_ == "text":
        from phr.cli.visit_screen import drawn

        lines = drawn(found, Screen(_COLUMNS, colour=False), on_paper=True)
        return ("\n".join(line.rstrip() for line in lines) + "\n").encode()
    from phr.exporters.visit import content

    return content(found, given, format_)


# ── files ─────────────────────────────────────────────────────────────────────────────────────────────


def name_of(found: Visit) -> str:
    """`visit-dr-martinez-2026-12-03`: as the person called them, and the day of the appointment, else of today."""
    from phr.views.visit_names import words_of

    words = "-".join(words_of(found.whom.query))[:60].strip("-") or "appointment"
    from phr.views.due_clock import day_here

    day = (found.next or {}).get("date") or found.today
    return f"visit-{words}-{day_here(day)}"


def _write(store: Store, asked: Asked, found: Visit, given: Handover, content: bytes) -> Done:
    from phr.exporters import visit as files

    way_ = asked.way
    made = False
    if way_.folder is not None:
        made = _make(way_.folder)
        page = way_.folder / f"{name_of(found)}{files.SUFFIXES[way_.format]}"
        beside = way_.folder / f"{name_of(found)}-ccd.xml"
    else:
        page = way_.file or Path("visit")
        beside = page.with_name(f"{page.stem}-ccd.xml")
    try:
        done = files.write(page, content, beside if way_.ccd else None, given)
    except BaseException:
        if made and way_.folder is not None:
            way_.folder.rmdir()
        raise
    store.audit.note("export", f"visit page {way_.format}{', ccd' if done.ccd else ''}")
    _report(asked, found, done)
    return Done(done.document)


def _make(folder: Path) -> bool:
    """Make the folder where it is missing; whether it was. Raises UsageError."""
    if folder.is_dir():
        return False
    if not folder.absolute().parent.is_dir():
        raise usage(f"There is no folder {folder.parent}.", "Make it first, or choose another: -o FOLDER/")
    folder.mkdir(mode=0o700)
    return True


def _report(asked: Asked, found: Visit, done: Any) -> None:
    listed = [{"path": str(done.page), "format": asked.way.format, "bytes": done.bytes}]
    if done.ccd is not None and done.document is not None:
        listed.append({"path": str(done.ccd), "format": "ccd", "bytes": done.document.bytes})
    output.talk(f"Wrote {clean(done.page)}: the page for {clean(found.whom.name)}, {size(done.bytes)}.")
    if done.ccd is not None and done.document is not None:
        from phr.cli.export_report import check_lines, sentences

        for line in sentences(done.document, done.ccd):
            output.talk(line)
        if done.document.check is not None and not done.document.check.sound:
            output.hush(False)
            for line in check_lines(done.document.check, asked=False):
                output.talk(line)
            output.hush(asked.quiet)
    _private(found)
    if asked.json:
        output.emit_json({**found.document(), "files": listed})
