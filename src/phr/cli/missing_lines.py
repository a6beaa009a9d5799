"""What is missing, as lines: by reason, the newest first, each with what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from phr.cli.had_titles import quiet
from phr.cli.text import Screen, clean, count, day, wrapped
from phr.views.missing_reports import ONLY_NAMED

if TYPE_CHECKING:
    from phr.views.missing import Missing
    from phr.views.missing_ground import Line

_HEADINGS = {
    "ordered_without_result": "Ordered, no result is in your record",
    "referral_without_visit": "Referred, no visit there is in your record",
    "report_without_document": "Reports without their document",
    "stay_without_summary": "Hospital stays without a discharge summary",
    "results_not_here": "Reports whose results are not here",
    "never_final": "Never became final",
}
_COUNTED = {
    "ordered_without_result": ("order without a result", "orders without a result"),
    "referral_without_visit": ("referral without a visit", "referrals without a visit"),
    "report_without_document": ("report without its document", "reports without their document"),
    "stay_without_summary": ("hospital stay without a summary", "hospital stays without a summary"),
    "results_not_here": ("report without its results", "reports without their results"),
    "never_final": ("result that never became final", "results that never became final"),
}
_MOST = 8
_BARE = 4
"""From so many on, reports of which only the name is here are told together."""
_LONG_AGO = 3650
"""What lies longer back is counted; hardly anybody can still ask for it."""


def missing_lines(found: Missing, view: Screen) -> Iterator[str]:
    """Lines that do not wrap on this screen."""
    yield from _wrap(_sentence(found), view, "bold")
    for reason, heading in _HEADINGS.items():
        lines = [one for one in found.missing if one.reason == reason]
        if lines:
            yield ""
            yield view.paint(view.spell(f"{heading} ({len(lines):,})"), "heading")
            yield from _lines(lines, view)
    for heading, lines in (("Not sure", found.unsure), ("Explained, nothing to wait for", found.explained)):
        if lines:
            yield ""
            yield view.paint(view.spell(f"{heading} ({len(lines):,})"), "heading")
            yield from _lines(lines, view, hints=heading == "Not sure")
    if found.missing:
        yield ""
        yield from _wrap(
            "No result here does not mean that it was not done: it may lie with somebody whom this record does not ask.",
            view,
            "dim",
        )


def _sentence(found: Missing) -> str:
    number = len(found.missing)
    if number:
        kinds = [(reason, sum(one.reason == reason for one in found.missing)) for reason in _HEADINGS]
        parts = [_of(many, *_COUNTED[reason]) for reason, many in kinds if many]
        said = f": {', '.join(parts)}" if len(parts) > 1 else ""
        return f"{count(number, 'thing')} should be in your record and {'is' if number == 1 else 'are'} not{said}."
    seen = [
        (found.checked[name], words)
        for name, *words in (
            ("orders", "order", "orders"),
            ("referrals", "referral", "referrals"),
            ("imaging_studies", "imaging study", "imaging studies"),
            ("hospital_stays", "hospital stay", "hospital stays"),
        )
        if found.checked.get(name)
    ]
    looked = ", ".join(_of(many, *words) for many, words in seen)
    were = "was" if len(seen) == 1 and seen[0][0] == 1 else "were"
    return "Nothing is missing, as far as your record can tell" + (
        f": {looked} {were} looked at." if looked else "."
    )


def _of(many: int, one: str, more: str) -> str:
    return f"{many:,} {one if many == 1 else more}"


def _wrap(sentence: str, view: Screen, style: str | None) -> Iterator[str]:
    for line in wrapped(sentence, view, indent=0):
        yield view.paint(view.spell(line), style)


def _lines(lines: Sequence[Line], view: Screen, *, hints: bool = True) -> Iterator[str]:
    recent = [one for one in lines if (one.waiting_days or 0) <= _LONG_AGO]
    older = len(lines) - len(recent)
    bare = [one for one in recent if one.detail.startswith(ONLY_NAMED)]
    if len(bare) >= _BARE:
        recent = [one for one in recent if not one.detail.startswith(ONLY_NAMED)]
    for one in recent[:_MOST]:
        title = quiet(one.title)
        if one.reason == "stay_without_summary" and "stay" not in title.casefold():
            title = (
                f"Hospital stay ({title})"
                if title.casefold() not in ("encounter", "visit")
                else "Hospital stay"
            )
        by = f", by {clean(one.whom)}" if one.whom else ""
        at = f" at {clean(one.where)}" if one.where and not one.whom else ""
        waits = f"; {_waiting(one.waiting_days)}" if one.waiting_days is not None else ""
        head = f"{day(one.date)[:10] if one.date else 'no date':<10}  {title}"
        yield view.spell(view.fit(f"  {head}"))
        yield from _under(f"{_DATED.get(one.reason, 'Of then')}{by}{at}{waits}. {clean(one.detail)}", view)
        if hints:
            yield from _under(clean(one.hint), view, "dim")
    if len(bare) >= _BARE:
        yield from _gathered(bare, view, first=not recent)
    if len(recent) > _MOST:
        yield view.paint(
            f"  and {len(recent) - _MOST:,} more: add --json for all, --since or --source for some", "dim"
        )
    if older:
        yield view.paint(
            f"  {'and ' if recent else ''}{older:,} from more than ten years ago: add --json", "dim"
        )


def _gathered(lines: Sequence[Line], view: Screen, *, first: bool) -> Iterator[str]:
    """Many reports of which only the name is here, in a few lines: the newest by name, and whom to ask."""
    names = list(
        dict.fromkeys(f"{quiet(one.title)} {day(one.date)[:10] if one.date else ''}".strip() for one in lines)
    )
    sources = ", ".join(sorted({clean(one.source) for one in lines}))
    number = f"{len(lines):,} {'reports' if first else 'more'} from {sources}: only their names are here."
    yield view.spell(view.fit(f"  {number}"))
    more = f", and {len(names) - 3:,} more" if len(names) > 3 else ""
    yield from _under(f"The newest: {'; '.join(names[:3])}{more}.", view)
    yield from _under("Ask there for the reports. All of them: phr missing --json", view, "dim")


_DATED = {
    "ordered_without_result": "Ordered",
    "referral_without_visit": "Referred",
    "report_without_document": "Written",
    "stay_without_summary": "Begun",
    "results_not_here": "Reported",
    "never_final": "Reported",
}


def _under(sentence: str, view: Screen, style: str | None = None) -> Iterator[str]:
    for line in wrapped(sentence, view, indent=14):
        yield view.paint(view.spell("              " + line.strip()), style)


def _waiting(days: int) -> str:
    """`3 weeks ago`, `14 months ago`."""
    if days < 60:
        return f"{days} {'day' if days == 1 else 'days'} ago"
    months = days // 30
    return f"{months} months ago" if months < 25 else f"{days // 365} years ago"
