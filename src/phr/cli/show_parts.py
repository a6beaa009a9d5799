"""What stands below the facts of one record: own words, documents, values over time, related records."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from phr.cli import lines
from phr.cli.show_page import section, wrapped
from phr.cli.text import Screen, clean, clean_lines, command, elide, kind_word, pad, size, when, width
from phr.views.fields.dates import date_words
from phr.views.fields.rest import label_of

if TYPE_CHECKING:
    from phr.cli.show_page import Wish

Report = dict[str, Any]
_LINES = 40
_EACH = 8
_BOUND = 20
"""So many of each relation the view looks up."""
_SHARED = 5
_BRIEF = 3


# ── the person's own words ────────────────────────────────────────────────────────────────────────


def own_words(report: Report, view: Screen) -> Iterator[str]:
    """Notes that the person wrote beside it."""
    if report["notes"]:
        yield from section("Your notes", view)
        for one in report["notes"]:
            for line in wrapped(clean_lines(one["text"]), view, 2):
                yield "  " + view.spell(line)
            changed = f", changed {when(one['changed'])[:10]}" if one.get("changed") else ""
            yield view.paint(f"  {when(one['written'])[:10]}{changed}", "dim")


# ── documents ─────────────────────────────────────────────────────────────────────────────────────

_NOT_HERE = {
    "wanted": "not fetched yet: phr sync",
    "failed": "could not be fetched",
    "refused": "the source does not give it",
    "absent": "the source names it but did not send it",
}


def media_words(media_type: object) -> str:
    """`PDF`, `text`, `picture`: a media type as people say it."""
    kind = clean(media_type).partition(";")[0].lower()
    for ending, words in _MEDIA.items():
        if kind.endswith(ending) or kind.startswith(ending):
            return words
    return kind


_MEDIA = {
    "application/pdf": "PDF",
    "text/plain": "text",
    "html": "web page",
    "rtf": "formatted text",
    "image/": "picture",
    "audio/": "recording",
    "video/": "video",
    "xml": "health document (XML)",
    "json": "data (JSON)",
    "dicom": "medical picture (DICOM)",
    "msword": "Word document",
    "wordprocessingml.document": "Word document",
}


def attached(report: Report, view: Screen, wish: Wish) -> Iterator[str]:
    """The documents, whether they are here, and what can be read in them."""
    found = report["attachments"]
    if not found:
        return
    yield from section("Attached", view)
    for number, one in enumerate(found, 1):
        state = (
            size(one["bytes"])
            if one["bytes"] is not None
            else one.get("reason") or _NOT_HERE.get(one["state"], one["state"])
        )
        words = [clean(one["filename"]) or "document", media_words(one["media_type"]), clean(state)]
        yield view.fit(view.spell(f"  {number}  " + " · ".join(word for word in words if word)))
    if any(one["state"] == "stored" for one in found):
        which = " N" if len(found) > 1 else ""
        id_ = report["id"]
        hint = f"phr show {id_} --open{which}   phr show {id_} --save FOLDER{which}"
        yield view.paint(f"     {hint}", "dim")
    if wish.brief:
        return
    shown: set[str] = set()
    for one in found:
        text = one.get("text")
        if text and text not in shown:
            shown.add(text)
            yield from _words_in(text, one["text_length"], report, view, whole=wish.text)


def _words_in(text: str, length: int, report: Report, view: Screen, *, whole: bool) -> Iterator[str]:
    yield ""
    found: list[str] = []
    for line in clean_lines(text).split("\n"):
        if line or (found and found[-1]):
            found += list(wrapped(line, view, 4)) if line else [""]
    cut = not whole and (len(found) > _LINES or length > len(text))
    for line in found[:_LINES] if cut else found:
        yield view.spell(f"  │ {line}".rstrip() if view.unicode else f"  | {line}".rstrip())
    if cut:
        yield view.paint(view.spell(f"  … all of it: phr show {report['id']} --text"), "dim")


# ── over time ─────────────────────────────────────────────────────────────────────────────────────


def _point_words(point: Report) -> str:
    """The value as the source wrote it, with its unit."""
    said, unit = clean(point.get("original")), clean(point.get("unit"))
    said = said or clean(point.get("value"))
    return said if not unit or said.endswith(unit) or any(map(str.isalpha, said)) else f"{said} {unit}"


_BARS = "▁▂▃▄▅▆▇█"


def over_time(report: Report, view: Screen) -> Iterator[str]:
    """The last values of the same measurement, the newest last, and where all of them are."""
    found = report["trend"]
    points = found if isinstance(found, list) else (found or {}).get("points", [])
    points = points[-5:]
    if len(points) < 2:
        return
    bars = _sparkline([point.get("value") for point in points]) if view.unicode else ""
    yield from section(f"Over time  {bars}".rstrip(), view)
    rows = []
    for point in points:
        value = _point_words(point)
        here = "this one" if point.get("id") == report["id"] else ""
        here = ", ".join(filter(None, (lines.YOURS if point.get("corrected") else "", here)))
        rows.append(
            (date_words(point.get("date")) or "", value, lines.mark(point), clean(point.get("source")), here)
        )
    sizes = [max(width(str(row[at])) for row in rows) for at in range(4)]
    several = len({row[3] for row in rows}) > 1
    for row in rows:
        cells = [pad(str(row[0]), sizes[0]), pad(row[1], sizes[1], right=True), pad(row[2], sizes[2])]
        cells += [pad(row[3], sizes[3])] if several else []
        yield view.fit(view.spell("  " + "  ".join([*cells, row[4]]).rstrip()))
    code = next((one["code"] for one in report["codes"] if one["code"]), None)
    yield view.paint(
        f"  All of them: {command('phr trend', code or report['title'])}".replace("\xa0", " "), "dim"
    )


def _sparkline(values: list[object]) -> str:
    """A bar for each value; empty where one of them is no number."""
    numbers = [value for value in values if isinstance(value, int | float)]
    if len(numbers) < 3 or len(numbers) < len(values):
        return ""
    low, high = min(numbers), max(numbers)
    if low == high:
        return ""
    return "".join(_BARS[round((value - low) / (high - low) * (len(_BARS) - 1))] for value in numbers)


# ── related ───────────────────────────────────────────────────────────────────────────────────────

_WAYS = {
    "same visit": "Same visit",
    "same panel": "Same report",
    "same code": "The same before and after",
    "points here": "Belongs to it",
    "document": "Taken from",
    "encounter": "Visit",
    "context": "Visit",
    "basedOn": "Order",
    "request": "Order",
    "authorizingPrescription": "Prescription",
    "reasonReference": "Reason",
    "result": "Results in it",
    "hasMember": "Results in it",
    "derivedFrom": "Worked out from",
    "partOf": "Part of",
    "addresses": "For",
    "goal": "Goal",
    "diagnosis": "Diagnosis",
    "inResponseTo": "Answer to",
    "focus": "About",
    "about": "About",
    "replaces": "Instead of",
    "device": "Device",
    "imagingStudy": "Pictures",
    "report": "Report",
    "evidence": "Evidence",
    "section": "In it",
    "entry": "In it",
    "claim": "Claim",
}
_NAMED_BY = {
    "result": "In this report",
    "hasMember": "In this panel",
    "basedOn": "Came of this order",
    "request": "Came of this order",
    "authorizingPrescription": "Filled from this prescription",
    "reasonReference": "Because of it",
    "diagnosis": "Because of it",
    "addresses": "Plan for it",
    "goal": "Plan with it",
    "partOf": "Part of it",
    "inResponseTo": "Answers",
    "focus": "About it",
    "about": "About it",
    "replaces": "Came instead",
    "derivedFrom": "Worked out from it",
    "section": "Named in",
    "entry": "Named in",
}


_LAST = ("Same visit", "The same before and after")
"""What only shares something with the record comes after what it is tied to."""


def belongs_to(report: Report, view: Screen, *, brief: bool) -> Iterator[str]:
    """Related records, at most a handful of each kind of relation."""
    groups: dict[str, list[Report]] = {}
    for one in report["related"]:
        groups.setdefault(_way(one), []).append(one)
    told = {one.get("element") for one in report["details"]}
    if "result" in told or "hasMember" in told:
        groups.pop("Results in it", None)
    if len(report["trend"]) > 1:
        groups.pop("The same before and after", None)
    if not groups:
        return
    yield from section("Belongs together", view)
    for way, found in sorted(groups.items(), key=lambda group: group[0] in _LAST):
        yield view.paint(view.spell(f"  {way}"), "bold")
        most = _BRIEF if brief else _SHARED if way in _LAST else _EACH
        for one in found[:most]:
            yield _related_line(one, view)
        if len(found) > most:
            # the view stops at a bound, so there may be more than were counted
            or_more = " or" if len(found) >= _BOUND else ""
            further = f"    and {len(found) - most}{or_more} more: phr timeline --follow {report['id']}"
            yield view.paint(view.fit(view.spell(further)), "dim")


def _way(one: Report) -> str:
    relation = str(one["relation"])
    if relation == "points here" and one.get("element") in _NAMED_BY:
        return _NAMED_BY[str(one["element"])]
    return _WAYS.get(relation) or label_of(relation)


def _related_line(one: Report, view: Screen) -> str:
    value = clean(" ".join(str(part) for part in (one.get("value_text"), one.get("unit")) if part))
    date = (date_words(one.get("date")) or "")[:10]
    head = f"    {pad(date, 10)}  {pad(kind_word(str(one['kind'])), 10)}  "
    tail = f"  {one['id']}"
    words = lines.titled(one) + (f": {value}" if value else "")
    if view.columns:
        words = elide(words, max(12, view.columns - width(head) - width(tail)))
    return view.spell(head + words) + view.paint(tail, "dim")
