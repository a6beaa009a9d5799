"""What an export says of itself: written and left out, what our check found, what a receiver would miss."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from phr.cli.text import clean, count, size

if TYPE_CHECKING:
    from phr.ccda.check import Report
    from phr.exporters.base import Exported

_MOST = 20
"""Reasons for leaving something out that are told one by one."""


def document(done: Exported, path: Path | None, format_: str, *, check: bool = False) -> dict[str, Any]:
    """What was written, as `phr export --json` prints it."""
    left_out = [{"type": one.type, "id": one.id, "reason": one.reason} for one in done.left_out]
    where = str(path.absolute()) if path else None
    told: dict[str, Any] = {
        "path": where,
        "format": format_,
        "bytes": done.bytes,
        "sections": done.sections,
        "left_out": left_out,
        "held_back": done.held_back,
        "softened": done.softened,
        "naming": [str(number) for number in done.naming],
    }
    if format_ in ("ccd", "ips", "html") or done.about is not None:
        told["about"] = done.about
    if done.tokens is not None:
        told["tokens"] = done.tokens
    if done.check is not None and (check or not done.check.sound):
        told["check"] = check_document(done.check)
    return told


def check_document(report: Report) -> dict[str, Any]:
    """What the check found, as JSON."""
    return {
        "document": report.kind,
        "errors": [{"where": one.where, "what": one.what, "count": one.count} for one in report.errors],
        "missing": [
            {"section": one.section, "title": one.title, "what": one.what, "count": one.count, "of": one.of}
            for one in report.missing
        ],
    }


_COUNTS_RECORDS = ("pdf", "html", "csv", "json", "markdown", "sqlite")
"""Formats that count records; in a CCD or an IPS a panel is one entry, and some kinds have no section."""


def sentences(
    done: Exported, path: Path | None, *, nothing: bool = False, format_: str | None = None
) -> list[str]:
    """What was written and what was left out, in words. `nothing`: no record fits the selection."""
    from phr.ccda.desk import ANOTHER

    filled = {name: number for name, number in done.sections.items() if number}
    noun = ("record", "records") if format_ in _COUNTS_RECORDS else ("entry", "entries")
    entries = count(sum(filled.values()), *noun)
    lines = [f"Wrote {clean(path) if path else 'to stdout'}: {size(done.bytes)}, {entries}."]
    if done.tokens is not None:
        from phr.exporters.markdown_text import about_tokens

        lines.append(f"About {about_tokens(done.tokens)} tokens for an assistant: an estimate.")
    if nothing:
        lines.append("Nothing fits: the file is whole, and holds no records.")
    others = sum(one.reason == ANOTHER for one in done.left_out)
    if others:
        whom = clean(done.about) if done.about else "one person, whose name is not known"
        are = "is" if others == 1 else "are"
        lines.append(
            f"This document is about {whom}. {count(others, 'thing')} about another person {are} left out."
        )
    reasons: dict[str, int] = {}
    for one in done.left_out:
        if one.reason == ANOTHER:
            continue
        reasons[f"{one.type}: {one.reason}"] = reasons.get(f"{one.type}: {one.reason}", 0) + 1
    lines += [
        f"  Left out: {reason}" + (f" ({number} times)" if number > 1 else "")
        for reason, number in list(reasons.items())[:_MOST]
    ]
    if len(reasons) > _MOST:
        lines.append(f"  … and {count(len(reasons) - _MOST, 'more reason')}: see --json")
    if done.held_back:
        lines.append(f"  Held back for their sensitivity: {count(done.held_back, 'record')}")
    if done.softened:
        goes = "goes" if done.softened == 1 else "go"
        lines.append(f"  Without a mention of these {goes} along: {count(done.softened, 'resource')}")
    if done.naming:
        numbers = ", ".join(map(str, done.naming[:_MOST])) + (" …" if len(done.naming) > _MOST else "")
        lines += [
            f"  With the same words or codes of their own, and handed on: {count(len(done.naming), 'record')}: {numbers}",
            "  Whatever tells too much can be marked too: phr edit RECORD --sensitivity restricted",
        ]
    return lines


def check_lines(report: Report, *, asked: bool) -> list[str]:
    """What the check found, in words; without having been asked for, only what is wrong."""
    lines = []
    if not report.sound:
        lines.append(
            "This document is not built as it should be, and a receiver may refuse it. That is our mistake:"
        )
        lines += [f"  {clean(one.where)}: {clean(one.what)}{_times(one.count)}" for one in report.errors]
        lines.append(
            "The file is there all the same. Please report these lines; they hold nothing of your record."
        )
    elif asked:
        lines.append("The document is built as C-CDA R2.1 asks.")
    if asked and report.missing:
        lines.append("What a receiver would look for and not find. Your doctor can tell you:")
        lines += [f"  {clean(one.title)}: {_share(one.count, one.of)}{one.what}" for one in report.missing]
    elif asked and report.sound:
        lines.append("Nothing that a receiver looks for is missing.")
    return lines


def _times(number: int) -> str:
    return f" ({number} times)" if number > 1 else ""


def _share(number: int, of: int) -> str:
    return f"{number} of {of} " if of > 1 else "" if of == 1 and number == 1 else f"{number} "
