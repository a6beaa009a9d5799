"""What is missing, as lines: by reason, the newest first, each with what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from phr.cli.text import Screen, clean, count, day, wrapped
from phr.views.titles import plain

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
_MOST = 8
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
    looked = ", ".join(
        f"{found.checked[name]:,} {words}"
        for name, words in (("orders", "orders"), ("referrals", "referrals"), ("imaging_studies", "imaging studies"),
                            ("hospital_stays", "hospital stays"))
        if found.checked.get(name)
    )  # fmt: skip
    if number:
        return f"{count(number, 'thing')} should be in your record and {'is' if number == 1 else 'are'} not."
    return "Nothing is missing, as far as your record can tell" + (
        f": {looked} were looked at." if looked else "."
    )


def _wrap(sentence: str, view: Screen, style: str | None) -> Iterator[str]:
    for line in wrapped(sentence, view, indent=0):
        yield view.paint(view.spell(line), style)


def _lines(lines: Sequence[Line], view: Screen, *, hints: bool = True) -> Iterator[str]:
    recent = [one for one in lines if (one.waiting_days or 0) <= _LONG_AGO]
    older = len(lines) - len(recent)
    for one in recent[:_MOST]:
        title = plain(clean(one.title))
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
    if len(recent) > _MOST:
        yield view.paint(
            f"  and {len(recent) - _MOST:,} more: add --json for all, --since or --source for some", "dim"
        )
    if older:
        yield view.paint(
            f"  {'and ' if recent else ''}{older:,} from more than ten years ago: add --json", "dim"
        )


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
