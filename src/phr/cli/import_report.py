"""What came of an import, or of taking one back, in lines of words and as the documents that scripts read.

Counts, types and reasons only: no value, and of a document no more than the headings of its sections.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from phr.cli.text import Screen, clean, count, elide, pad, width, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from phr.workspace.files import Stranger
    from phr.workspace.import_job import ImportedFile
    from phr.workspace.undo import UndoReport

_REASONS = 8
"""So many reasons of one file are spelt out, unless the whole is wanted."""
_TITLE = 32
Section = dict[str, Any]


def file_lines(one: ImportedFile, view: Screen, *, dry_run: bool, whole: bool) -> Iterator[str]:
    """One file: what it is and what came, section by section where it is a document, and what was skipped."""
    for line in _lines(one, view, dry_run=dry_run, whole=whole):
        yield view.spell(line)


_ANOTHER = (
    "It names another person than this record: name and birth date are both different. If that is a mistake:"
    " phr import --undo JOB, then phr --user NAME import FILE"
)


def _lines(one: ImportedFile, view: Screen, *, dry_run: bool, whole: bool) -> Iterator[str]:
    name, found = clean(one.file), _numbers(one.found) or "nothing that can be taken in"
    if one.error:
        came = "" if one.found else " nothing came in."
        yield from wrapped(f"{name}:{came} {clean(one.error)}", view, indent=0)
        if not one.found:
            return
    changes = f"{one.new:,} new, {one.updated:,} updated, {one.unchanged:,} unchanged"
    if dry_run:
        yield f"{name} is {one.format}: would bring {found} ({changes}).".replace("\xa0", " ")
    else:
        yield f"{name} ({one.format}), as {clean(one.source)}: {changes}."
        yield from wrapped(found, view)
    if one.another_person:
        yield from wrapped(_ANOTHER, view)
    yield from _sections(one.sections, view, whole=whole)
    for entry in one.skipped if whole else one.skipped[:_REASONS]:
        yield from wrapped(f"Skipped: {_entry(entry)}: {clean(entry['reason'])}", view)
    if not whole and len(one.skipped) > _REASONS:
        yield from wrapped(
            f"Skipped: {count(len(one.skipped) - _REASONS, 'more reason')}: -v or --json", view
        )


def _sections(sections: list[Section], view: Screen, *, whole: bool) -> Iterator[str]:
    """A table: each section, how much stands in it, what was made of it; then what was skipped, and why.

    Short: sections of one kind are one line, also over several documents, and those without entries are left out.
    """
    shown = sections if whole else [one for one in _gathered(sections) if one["found"] or one["skipped"]]
    if not shown:
        return
    cells = min(_TITLE, max(len("SECTION"), *(width(_title(one)) for one in shown)))
    head = f"  {pad('SECTION', cells)}  ENTRIES  SKIPPED  "
    yield view.paint(f"{head}CAME OF IT", "bold")
    for one in shown:
        skips = sum(skip["count"] for skip in one["skipped"])
        begin = f"  {pad(elide(_title(one), cells), cells)}  {one['found']:>7,}  {skips or '':>7}  "
        room = replace(view, columns=max(30, view.columns - len(head)) if view.columns else 10_000)
        first, *more = wrapped(_numbers(one["made"]) or "–", room, indent=0)
        yield f"{begin}{first}"
        yield from (" " * len(head) + line.strip() for line in more)
    reasons = [
        (_title(one), clean(skip["reason"]), skip["count"]) for one in shown for skip in one["skipped"]
    ]
    for title, reason, number in reasons if whole else reasons[:_REASONS]:
        yield from wrapped(f"Skipped in {title}: {number:,}: {reason}", view)
    if not whole and len(reasons) > _REASONS:
        yield from wrapped(f"Skipped: {count(len(reasons) - _REASONS, 'more reason')}: -v or --json", view)


def _gathered(sections: list[Section]) -> list[Section]:
    """Sections with one code as one: their numbers added."""
    found: dict[str, Section] = {}
    for one in sections:
        key = one.get("section") or _title(one)
        into = found.setdefault(key, {**one, "found": 0, "made": Counter(), "skipped": Counter()})
        into["found"] += one.get("found") or 0
        into["made"].update(one.get("made") or {})
        for skip in one.get("skipped") or ():
            into["skipped"][skip["reason"]] += skip["count"]
    return [
        {**one, "skipped": [{"reason": reason, "count": n} for reason, n in one["skipped"].items()]}
        for one in found.values()
    ]


def _title(one: Section) -> str:
    return clean(one.get("title") or one.get("section") or "without a heading")


def _entry(entry: Mapping[str, Any]) -> str:
    """`line 2`, `Condition c1`; the first of several, and how many they are."""
    what, first = clean(entry["what"]), clean(entry.get("first"))
    name = first if first.startswith(what) else f"{what} {first}".strip()
    return f"{name} and {entry['count'] - 1:,} more" if entry.get("count", 1) > 1 else name


def _numbers(found: Mapping[str, int]) -> str:
    """`3 Condition, 1 Patient`; no line ends between a number and its type."""
    return ", ".join(f"{number:,}\xa0{clean(type_)}" for type_, number in found.items())


def stranger_question(stranger: Stranger) -> Iterable[str]:
    """Whose file, whose record: shown on a terminal only, to whoever has to decide."""
    yield f"{clean(stranger.file)} is about another person than this record."
    yield f"  The file:   {clean(stranger.label)}"
    yield f"  The record: {clean(stranger.record)}"


# ── taking it back ────────────────────────────────────────────────────────────────────────────────────


def undo_document(report: UndoReport) -> dict[str, Any]:
    """As `phr import --undo --json` prints it."""
    told = report.told
    return {
        "job_id": report.job_id,
        "undone": not report.dry_run,
        "dry_run": report.dry_run,
        "files": list(report.files),
        "removed": told.removed,
        "restored": told.restored,
        "kept": told.kept,
        "changed_since": told.changed_since,
        "documents": told.documents,
        "tagged": told.tagged,
        "sources": list(told.sources),
    }


def undo_lines(report: UndoReport, view: Screen) -> Iterator[str]:
    """The same in words."""
    told, dry = report.told, report.dry_run
    files = count(len(report.files), "file")
    head = (
        f"Undoing job {report.job_id} ({files}) would" if dry else f"Job {report.job_id} ({files}) is undone."
    )
    does = f"{head} remove" if dry else f"{head} Removed:"
    lines = [f"{does} {_numbers(told.removed) or 'nothing'}."]
    if told.restored:
        lines.append(
            f"{'Would be' if dry else 'Are'} again what they were before: {_numbers(told.restored)}."
        )
    if told.kept:
        lines.append(f"{told.kept:,} stay: another import brought them too, or they were here before.")
    if told.changed_since:
        lines.append(f"{told.changed_since:,} stay as they are: a later import has changed them.")
    if told.documents:
        lines.append(
            f"Bytes of {count(told.documents, 'document')} {'would go' if dry else 'went'} with them."
        )
    if told.tagged:
        lines.append(f"{told.tagged:,} of those removed {'carry' if dry else 'carried'} tags of your own.")
    if told.sources:
        there = ", ".join(map(clean, told.sources))
        lines.append(f"Nothing {'would be' if dry else 'is'} left of {there}.")
    for at, line in enumerate(lines):
        for part in wrapped(line, view, indent=2 if at else 0):
            yield view.spell(part)
