"""The answer of `phr had` as lines: first the sentence, then each time, then what was not done and what is near."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from phr.cli.had_titles import said_title
from phr.cli.lines import mark, measured, places
from phr.cli.text import Screen, clean, count, day, elide, pad, width, wrapped

if TYPE_CHECKING:
    from phr.views.had import Had

Event = dict[str, Any]
_MOST = 20
_FEW = 3


def had_lines(answer: Had, view: Screen) -> Iterator[str]:
    """Lines that do not wrap on this screen."""
    for typed, meant in answer.asked.corrected:
        said = (
            f"Did you mean {clean(meant)}?" if answer.asked.guessed else f"Looked for instead: {clean(meant)}"
        )
        yield from _wrap(f"No record says “{clean(typed)}”. {said}", view, "yellow")
    yield from _wrap(_sentence(answer), view, "bold")
    for sentence in _besides(answer):
        yield from _wrap(sentence, view, None)
    if answer.times:
        yield ""
        yield from _table(answer, view)
    for heading, found, field in (
        ("It may be this:", _others(_shots(answer), answer.unsure), "why"),
        ("Vaccinated against it:", _shots(answer), ""),
        (
            "Ordered, no result is here yet:",
            _others(answer.unsure, answer.ordered),
            "why",
        ),
        ("Planned:", answer.planned, "why"),
        ("Cancelled or not done:", answer.cancelled, "why"),
        ("Near, but not the same:", answer.near[: _FEW if answer.times else 2 * _FEW], "difference"),
    ):
        if found:
            yield ""
            yield view.paint(heading, "heading")
            yield from _below(found[: 2 * _FEW], field, view)
    yield from _ending(answer, view)


def _wrap(sentence: str, view: Screen, style: str | None) -> Iterator[str]:
    for line in wrapped(sentence, view, indent=0):
        yield view.paint(view.spell(line), style)


# ── the first lines ───────────────────────────────────────────────────────────────────────────────


def _sentence(answer: Had) -> str:
    """The whole answer in one sentence."""
    if answer.times:
        last = answer.times[0]
        where = f" at {clean(last['facility'])}" if last["facility"] else ""
        when = f"on {_date(last)}" if len(str(last["date"] or "")) >= 10 else f"in {_date(last)}"
        if not last["date"]:
            when = "without a date"
        number = answer.count
        if answer.asked.kind == "vaccine" and not answer.asked.bare:
            return (
                f"Yes, {count(number, 'dose')}; the last {when}{where}."
                if number > 1
                else f"Yes, one dose, {when}{where}."
            )
        return (
            f"Yes, {number:,} times; the last {when}{where}." if number > 1 else f"Yes, once, {when}{where}."
        )
    if answer.perhaps and answer.asked.bare:
        return _vaccinated(answer)
    if answer.perhaps:
        return "Perhaps: nothing in your record is surely this, but something may be."
    if answer.ordered:
        one = answer.ordered[0]
        return f"No record that it was done, but it was ordered{_on(_ordered_on(one))}{_due(one)}."
    if answer.planned:
        return f"No record that it was done, but it {_planned(answer)}."
    if answer.cancelled:
        return f"No record that it was done: it was cancelled or not done{_on(answer.cancelled[0]['date'])}."
    if answer.earlier and answer.since:
        last = answer.earlier[0]
        where = f" at {clean(last['facility'])}" if last["facility"] else ""
        more = f" ({len(answer.earlier):,} times in all)" if len(answer.earlier) > 1 else ""
        return f"None since {clean(answer.since)}; before that{_on(last['date'])}{where}{more}."
    return "No record of it."


def _vaccinated(answer: Had) -> str:
    """Of an illness: only the vaccine against it is in the record."""
    given = _shots(answer)
    if not given:
        return "Perhaps: nothing in your record is surely this, but something may be."
    times = (
        f"{len(given):,} times, the last{_on(given[0]['date'])}"
        if len(given) > 1
        else f"once{_on(given[0]['date'])}"
    )
    return f"No record that you were ill with it. You were vaccinated against it {times}."


def _besides(answer: Had) -> Iterator[str]:
    since = answer.since
    if answer.times:
        if since:
            before = (
                f"; before that there is more, the last{_on(answer.earlier[0]['date'])}"
                if answer.earlier
                else ""
            )
            yield f"Only since {clean(since)} was looked at{before}."
        if answer.ordered and not answer.perhaps:
            one = answer.ordered[0]
            rest = "" if _due(one) else "; no result of that is in your record"
            yield f"It was ordered again{_on(_ordered_on(one))}{_due(one)}{rest}."
        elif answer.planned:
            yield f"It {_planned(answer, again=True)}."
        return
    if answer.near and not answer.perhaps:
        one = answer.near[0]
        title = said_title(one)
        yield f"Nearest: {title} {_date(one)} (not the same: {clean(one['difference'])})."
    asked = [_source(one) for one in answer.sources]
    if answer.earlier:
        return
    if asked:
        limit = f" since {clean(since)}" if since else ""
        yield (
            f"That does not mean that you never had it{limit}: only what these sources have sent was looked through:"
            f" {', '.join(asked)}."
        )
    else:
        yield "There is no source of records yet: phr connect, or phr import FILE"


def _source(one: dict[str, Any]) -> str:
    said = [f"from {clean(one['from'])} on"] if one["from"] else []
    said += [f"last asked on {clean(one['asked'])[:10]}"] if one["asked"] else []
    return clean(one["name"]) + (f" ({', '.join(said)})" if said else "")


def _date(event: Event) -> str:
    return day(event["date"])[:10] if event["date"] else "no date"


def _on(date: str | None) -> str:
    said = day(date)[:10] if date else ""
    return "" if not said else f" on {said}" if len(said) == 10 else f" in {said}"


def _ordered_on(event: Event) -> str | None:
    found: str | None = event["recorded"] or event["date"]
    return found


def _due(event: Event) -> str:
    date, written = str(event["date"] or "")[:10], str(event["recorded"] or "")[:10]
    return f", to be done{_on(date)}" if date and written and date != written else ""


def _for(event: Event) -> str:
    said = day(event["date"])[:10] if event["date"] else ""
    return f" for {said}" if said else ""


def _planned(answer: Had, *, again: bool = False) -> str:
    """`is planned for 2026-04-01`, `was planned for 2025-04-01`, `is recommended`."""
    ahead = [one for one in answer.planned if str(one["date"] or "9") >= answer.today]
    one = min(ahead, key=lambda each: str(each["date"] or "9")) if ahead else answer.planned[0]
    more = " again" if again else ""
    if "recommended" in one["why"]:
        return f"is recommended{more}"
    return f"{'is' if ahead else 'was'} planned{more}{_for(one)}"


def _others(said: Sequence[Event], found: Sequence[Event]) -> list[Event]:
    known = {one["id"] for one in said}
    return [one for one in found if one["id"] not in known]


def _shots(answer: Had) -> list[Event]:
    """The doses against an illness that was asked for by its name alone."""
    return [one for one in answer.unsure if answer.asked.bare and one["kind"] == "immunization"]


# ── each time ─────────────────────────────────────────────────────────────────────────────────────


def _table(answer: Had, view: Screen) -> Iterator[str]:
    shown = answer.times[:_MOST]
    with_values = answer.asked.kind == "measure"
    rows = [_row(event, with_values=with_values) for event in shown]
    value = max((width(row[2]) for row in rows), default=0)
    title = max(width(row[1]) for row in rows)
    number = max(len(event["id"]) for event in shown)
    if view.columns:
        title = max(16, min(title, view.columns - 12 - (value + 2 if value else 0) - number - 2 - 4))
    for event, (when, name, figure) in zip(shown, rows, strict=True):
        cells = [pad(when, 10), pad(elide(name, title), title)]
        if value:
            cells.append(view.paint(pad(figure, value), "red" if mark(event) else None))
        cells.append(view.paint(pad(event["id"], number, right=True), "dim"))
        yield view.spell("  ".join(cells).rstrip())
        yield from (
            view.paint(view.spell(line), "dim") for line in _under(event, view, with_values=with_values)
        )
    if answer.count > len(shown):
        yield view.paint(f"and {answer.count - len(shown):,} before these: add --json for all", "dim")


def _row(event: Event, *, with_values: bool) -> tuple[str, str, str]:
    title = said_title(event) or "(no title)"
    if event["dose"]:
        title += f" (dose {clean(event['dose'])})"
    if event["contrast"] and "contrast" not in title.casefold():
        title += f", {event['contrast']}"
    figure = (
        f"{measured(event)} {mark(event)}".strip() if event["value_text"] is not None and with_values else ""
    )
    return _date(event), title, figure


def _under(event: Event, view: Screen, *, with_values: bool) -> Iterator[str]:
    """Where and by whom, what came of it, and how to open the report."""
    where, who = places(event)
    report = event["report"]
    if report and report["performer"] and clean(report["performer"]) not in (where, who):
        who = who or clean(report["performer"])
    said = ", ".join(filter(None, (where, who)))
    sources = ", ".join(map(clean, event["sources"]))
    place = f"{said}; from {sources}" if said and sources else said or (f"from {sources}" if sources else "")
    if place:
        yield view.fit(f"            {place}")
    if event["result"] and not with_values:
        room = 100 if view.columns is None else view.columns
        yield from wrapped(f"Result: {clean(event['result'])}", _Narrow(room, view), indent=12)[:3]
    here = [one for one in event["documents"] if one["state"] == "stored"]
    for one in here[:2]:
        yield view.fit(f"            Report here: phr documents open {one['id']}")
    if not here and event["documents"]:
        yield view.fit("            The report is named, its file is not here: phr documents fetch --failed")
    if event["kind"] == "claim":
        yield view.fit("            Only a bill tells it.")


def _Narrow(columns: int, view: Screen) -> Screen:  # noqa: N802 - a screen of another width
    return Screen(columns, view.colour, view.unicode)


def _below(found: Sequence[Event], field: str, view: Screen) -> Iterator[str]:
    number = max(len(event["id"]) for event in found)
    for event in found:
        title = said_title(event) or "(no title)"
        room = view.columns - 14 - number - 2 if view.columns else 0
        name = elide(title, room) if room else title
        yield view.spell(
            f"  {pad(_date(event), 10)}  {pad(name, room)}  {view.paint(event['id'], 'dim')}".rstrip()
        )
        if field and event[field]:
            yield view.paint(view.spell(view.fit(f"              {clean(event[field])}")), "dim")


def _ending(answer: Had, view: Screen) -> Iterator[str]:
    if answer.times:
        yield ""
        yield view.paint(view.fit(f"Whole: phr show {answer.times[0]['id']}"), "dim")
