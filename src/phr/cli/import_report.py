"""What came of an import, or of taking one back, in lines of words and as the documents that scripts read.

Counts, types and reasons only: no value, and of a document no more than the headings of its sections.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from phr.cli.import_words import of_format, of_types, short_format
from phr.cli.text import Screen, clean, count, elide, pad, width, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from phr.importers.patients import FoundPatient
    from phr.workspace.files import Stranger
    from phr.workspace.import_job import ImportedFile
    from phr.workspace.undo import UndoReport

_REASONS = 8
"""So many reasons of one file are spelt out, unless the whole is wanted."""
_TITLE = 32
"""Columns of a section's heading."""
_TIMES = re.compile(r" \([\d,]+ times\)|\.$")
Section = dict[str, Any]


def file_lines(one: ImportedFile, view: Screen, *, dry_run: bool, whole: bool) -> Iterator[str]:
    """One file: what it is and what came, section by section where it is a document, and what was skipped.

    Of a file that brings nothing new, only what cannot be read is told again, unless the `whole` is wanted (-v).
    Nothing of a file that could not be read at all: see `error_lines`.
    """
    if one.error is None or one.found:
        for line in _lines(one, view, dry_run=dry_run, whole=whole):
            yield view.spell(line)


def error_lines(one: ImportedFile, view: Screen) -> Iterator[str]:
    """Why a file could not be read, or not to its end."""
    if one.error:
        name, words = clean(one.file), clean(one.error)
        came = "" if one.found else " nothing came in."
        if words.startswith(f"{name} "):  # its name is said already
            words = f"It{words[len(name) :]}"
        for line in wrapped(f"{name}:{came} {words}", view, indent=0):
            yield view.spell(line)


def stranger_lines(one: ImportedFile, job: str | None, view: Screen) -> Iterator[str]:
    """Of a file about somebody else, where nobody could be asked: what to do if that is a mistake."""
    if not one.another_person:
        return
    own = "phr --user NAME import FILE".replace(" ", "\xa0")
    undo = f"phr import --undo {job}".replace(" ", "\xa0")
    says = (
        f"{clean(one.file)} names another person than this record: name and birth date are both different."
        " If that is a mistake:"
    )
    if one.new or one.updated:
        does = f"{undo}, then {own}" if job else f"take it into a record of its own: {own}"
    else:
        does = f"take back each import that brought it (phr jobs tells which), then {own}"
    for line in wrapped(f"{says} {does}", view, indent=0):
        yield view.spell(line)


def _lines(one: ImportedFile, view: Screen, *, dry_run: bool, whole: bool) -> Iterator[str]:
    name, found = clean(one.file), of_types(one.found) or "nothing that can be taken in"
    changes = f"{one.new:,} new, {one.updated:,} updated, {one.unchanged:,} unchanged"
    known = one.unchanged > 0 and not (one.new or one.updated or one.error)
    brief = known and not whole  # its parts were told when they came
    sender = f", from {clean(one.sender)}" if one.sender else ""
    if dry_run:
        head = f"{name} is {of_format(one.format)}{sender}: would bring {'nothing new' if brief else found} ({changes})."
    else:
        head = f"{name} ({short_format(one.format)}), as {clean(one.source)}{sender}: {changes}."
    yield from wrapped(head, view, indent=0)
    if one.instead_of and not brief:
        why = f"The source {clean(one.instead_of)} is from another sender, so this one is called {clean(one.source)}."
        yield from wrapped(why, view)
    if not brief:
        if not dry_run:
            yield from wrapped(found, view)
        yield from _sections(one.sections, view, whole=whole)
    if not brief or one.failed:
        yield from _skipped(one.skipped if whole else _untold(one), view, whole=whole)


def _skipped(skipped: list[dict[str, Any]], view: Screen, *, whole: bool) -> Iterator[str]:
    """A line for each reason, the first ones only unless the `whole` is wanted."""
    for entry in skipped if whole else skipped[:_REASONS]:
        head = "Noted" if is_note(entry["reason"]) else "Skipped"
        yield from wrapped(f"{head}: {_entry(entry)}: {clean(entry['reason'])}", view)
    if not whole and len(skipped) > _REASONS:
        yield from wrapped(f"Skipped: {count(len(skipped) - _REASONS, 'more reason')}: -v or --json", view)


def is_note(reason: str) -> bool:
    """Whether nothing was left out: what was kept has a remark."""
    from phr.importers.base import NOTED

    return reason in NOTED


def _untold(one: ImportedFile) -> list[dict[str, Any]]:
    """What was skipped, but for what the sections of a document have said already."""
    told = {_bare(skip["reason"]) for section in one.sections for skip in section["skipped"]}
    return [entry for entry in one.skipped if _bare(entry["reason"]) not in told]


def _bare(reason: str) -> str:
    """A reason without how often, which is counted in two ways."""
    return _TIMES.sub("", reason).rstrip(".")


def _sections(sections: list[Section], view: Screen, *, whole: bool) -> Iterator[str]:
    """A table: each section, how much stands in it, what was made of it; then what was skipped, and why.

    Short: sections of one kind are one line, also over several documents, and those that say nothing are left out.
    """
    said = ("found", "skipped", "made")
    shown = sections if whole else [one for one in _gathered(sections) if any(one[name] for name in said)]
    if not shown:
        return
    cells = min(_TITLE, max(len("SECTION"), *(width(_title(one)) for one in shown)))
    head = f"  {pad('SECTION', cells)}  ENTRIES  SKIPPED  "
    yield view.paint(f"{head}CAME OF IT", "bold")
    for one in shown:
        skips = sum(skip["count"] for skip in one["skipped"])
        begin = f"  {pad(elide(_title(one), cells), cells)}  {one['found']:>7,}  {skips or '':>7}  "
        room = replace(view, columns=max(30, view.columns - len(head)) if view.columns else 10_000)
        first, *more = wrapped(_came(one), room, indent=0)
        yield f"{begin}{first}"
        yield from (" " * len(head) + line.strip() for line in more)
    reasons = [
        (_title(one), clean(skip["reason"]), skip["count"]) for one in shown for skip in one["skipped"]
    ]
    for title, reason, number in reasons if whole else reasons[:_REASONS]:
        times = f" ({number:,})" if number > 1 else ""
        head = "Noted" if is_note(reason) else "Skipped"
        yield from wrapped(f"{head} in {title}{times}: {reason}", view)
    if not whole and len(reasons) > _REASONS:
        yield from wrapped(f"Skipped: {count(len(reasons) - _REASONS, 'more reason')}: -v or --json", view)


def _came(one: Section) -> str:
    """What was made of a section. Words that hold no entry are kept as a document of their own."""
    if set(one["made"]) == {"DocumentReference"} and (not one["found"] or one["skipped"]):
        return "kept as words"
    return of_types(one["made"]) or "–"


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


def stranger_question(stranger: Stranger) -> Iterable[str]:
    """Whose file, whose record: shown on a terminal only, to whoever has to decide."""
    yield f"{clean(stranger.file)} is about another person than this record."
    yield f"  The file:   {clean(stranger.label)}"
    yield f"  The record: {clean(stranger.record)}"


def patients_question(file: str, patients: Sequence[FoundPatient]) -> Iterator[str]:
    """Who is in a file, with a number to choose by: shown on a terminal only."""
    yield f"{clean(file)} holds the records of {len(patients)} patients:"
    for number, one in enumerate(patients, 1):
        facts = (
            one.label or "without a name",
            count(one.resources, "entry", "entries"),
            one.where and f"in {one.where}",
        )
        yield f"  {number}. {', '.join(clean(fact) for fact in facts if fact)}"


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
        "marked": told.marked,
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
    lines = [f"{does} {of_types(told.removed) or 'nothing'}."]
    if told.restored:
        lines.append(
            f"{'Would be' if dry else 'Are'} again what they were before: {of_types(told.restored)}."
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
        lines.append(f"{told.tagged:,} of those removed {'carry' if dry else 'carried'} words of your own.")
    if told.marked:
        are = ("is" if told.marked == 1 else "are") if dry else ("was" if told.marked == 1 else "were")
        again = "it comes again, it is" if told.marked == 1 else "they come again, they are"
        lines.append(
            f"{told.marked:,} of those removed {are} marked as private by you. If {again} private again."
        )
    if told.sources:
        there = ", ".join(map(clean, told.sources))
        lines.append(f"Nothing {'would be' if dry else 'is'} left of {there}.")
    for at, line in enumerate(lines):
        for part in wrapped(line, view, indent=2 if at else 0):
            yield view.spell(part)
