"""The summary as lines on a screen: one part below the other, what is dangerous first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from phr.cli.lines import mark, measured, reference_range, titled
from phr.cli.summary_rows import (
    YOU,
    Entry,
    Page,
    below,
    heading,
    joined,
    more,
    names,
    nothing,
    of,
    row,
    says,
    since,
    ymd,
)
from phr.cli.text import Screen, clean, count, day, kind_word, wrapped
from phr.views.summary_people import document_words

MOST = {
    "problems": 14,
    "medications": 16,
    "allergies": 14,
    "abnormal": 12,
    "immunizations": 14,
    "care_team": 8,
}
_FEW = 6


def lines(page: Page, view: Screen) -> Iterator[str]:
    """The whole page."""
    for said in _page(page, view):
        yield from said.split("\n")


def _page(page: Page, view: Screen) -> Iterator[str]:
    yield from _head(page, view)
    yield from _allergies(page, view)
    yield from _problems(page, view)
    yield from _medications(page, view)
    yield from _results(page, view)
    yield from _extras(page, view)
    yield from _immunizations(page, view)
    yield from _to_come(page, view)
    yield from _people(page, view)
    if page["looked_at_newest_only"]:
        kinds = ", ".join(kind_word(kind) for kind in page["looked_at_newest_only"])
        yield ""
        yield from wrapped(
            f"This record is very long: only the newest were looked at of {kinds}.", view, indent=0
        )


# ── the parts ─────────────────────────────────────────────────────────────────────────────────────────


def who(patient: dict[str, Any]) -> str:
    """`born 1971-04-17 (55), female`."""
    born = f"born {patient['birth_date']}" if patient["birth_date"] else "birth date not known"
    years = f" ({patient['age']})" if patient["age"] is not None else ""
    died = patient["deceased"]
    gone = (f", died {ymd(died)}" if isinstance(died, str) else ", has died") if died else ""
    return clean(f"{born}{years}{', ' + patient['sex'] if patient['sex'] else ''}{gone}")


def _head(page: Page, view: Screen) -> Iterator[str]:
    patient = page["patient"]
    yield view.spell(
        view.fit(view.paint(clean(patient["name"]) or "Name not known", "bold") + f", {who(patient)}")
    )
    newest = f"; newest record {ymd(page['newest'])}" if page["newest"] else ""
    yield from (
        view.paint(line, "dim")
        for line in wrapped(f"As of {ymd(page['made'])}, from {_sources(page)}{newest}", view, indent=0)
    )
    if patient["other_names"]:
        yield from wrapped(
            f"! Sources name somebody else too: {', '.join(map(clean, patient['other_names']))}",
            view,
            indent=0,
        )
    if patient["differs"]:
        words = {"birthDate": "birth date", "gender": "sex"}
        yield f"! Sources differ in: {', '.join(words[one] for one in patient['differs'])}"


def _sources(page: Page) -> str:
    """Who tells this page; where several do, whose lines bear no name."""
    own = set(page["own_sources"])
    others = [one for one in page["sources"] if one not in own]
    told = (
        names(page, page["sources"])
        if len(others) <= _FEW
        else [f"{len(others)} sources", *([YOU] * bool(own))]
    )
    said = f"{', '.join(told[:-1])} and {told[-1]}" if len(told) > 1 else "".join(told) or "no source"
    main = clean(page["main_source"])
    return f"{said} (a line that names no source: {main})" if len(others) > 1 else said


def _allergies(page: Page, view: Screen) -> Iterator[str]:
    yield from heading("Allergies", view)
    entries = page["allergies"]
    limit = max(MOST["allergies"], sum(one["life_threatening"] for one in entries))
    for one in entries[:limit]:
        grave = one["life_threatening"]
        shown = [
            f"{reaction['manifestation'] or 'reaction'}{' (' + reaction['severity'] + ')' if reaction['severity'] else ''}"
            for reaction in one["reactions"]
        ]
        risk = f"{one['criticality']} risk" if one["criticality"] else None
        kind = "intolerance, no allergy" if one["intolerance"] else None
        words, by = joined(", ".join(shown), risk, kind), of(one, page)
        name = joined(titled(one), None if words else by)
        yield row(view, name, since(one), sign="!!" if grave else "", style="alarm" if grave else None)
        yield from below(view, joined(words, by)) if words else ()
    yield from more(view, page, "allergies", limit, "allergy")
    for one in page["none_known_allergies"][:3]:
        but = "But: " if entries else ""
        yield row(view, f"{but}{clean(one['title'])} ({says(page, one)})", ymd(one["date"]))
    if not entries and not page["none_known_allergies"]:
        yield nothing(view)
    yield from _aside(view, "Ruled out (refuted), not an allergy", page["refuted_allergies"], "title")
    yield from _aside(view, "No longer", page["former_allergies"], "title")


def _aside(view: Screen, label: str, entries: Sequence[Entry], name: str) -> Iterator[str]:
    """A few names in a sentence, and how many more there are."""
    if not entries:
        return
    names = []
    for one in entries[:_FEW]:
        bare = titled(one | {"status": None, "description": None}) if name == "title" else clean(one[name])
        when = ymd(one.get("ended") or one.get("date"))
        names.append(f"{bare} {when}".strip())
    rest = f" and {len(entries) - _FEW:,} more" if len(entries) > _FEW else ""
    for line in wrapped(clean(f"{label}: {', '.join(names)}{rest}"), view, indent=5):
        yield view.paint(view.spell(line), "dim")


def _problems(page: Page, view: Screen) -> Iterator[str]:
    yield from heading("Problems", view)
    entries = [one for one in page["problems"] if one["group"] != "circumstance"]
    listed = [one for one in entries if one["group"] == "problem-list"]
    visits = [one for one in entries if one["group"] == "visit"]
    yield from _some_problems(page, view, listed, MOST["problems"])
    if listed and visits:
        yield "     Named at visits only, not on a problem list:"
    elif visits:
        yield nothing(view, "On no problem list. Named at visits, and not said to be over:")
    yield from _some_problems(page, view, visits, _FEW if listed else MOST["problems"])
    if page["more"].get("problems"):
        yield view.fit(f"     and {page['more']['problems']:,} more: phr timeline --kind problem")
    for one in page["none_known_problems"][:2]:
        yield row(view, f"{clean(one['title'])} ({says(page, one)})", ymd(one["date"]))
    if not entries and not page["none_known_problems"]:
        yield nothing(view)
    life = [one for one in page["problems"] if one["group"] == "circumstance"]
    yield from _aside(view, "Life circumstances", life, "title")
    yield from _aside(view, "Ruled out (refuted)", page["refuted_problems"], "title")
    yield from _aside(view, "Over", page["resolved"], "title")


def _some_problems(page: Page, view: Screen, entries: Sequence[Entry], limit: int) -> Iterator[str]:
    for one in entries[:limit]:
        yield row(view, joined(titled(one), of(one, page)), since(one))
        if one.get("over_elsewhere"):
            yield from below(view, f"over, according to {', '.join(map(clean, one['over_elsewhere']))}")
    if len(entries) > limit:
        yield view.fit(f"     and {len(entries) - limit:,} more: phr timeline --kind problem")


def _medications(page: Page, view: Screen) -> Iterator[str]:
    yield from heading("Medicines", view)
    entries, limit = page["medications"], MOST["medications"]
    for one in entries[:limit]:
        doubt = one["still_taking"]
        right = "still taking?" if doubt else since(one)
        yield row(view, titled(one), right, sign="?" if doubt else "", style="yellow" if doubt else None)
        last = clean(one["doubt"]) or ("no renewal on record" if one["unrenewed"] else _last(one))
        words = joined(clean(one["dose"]) or None, last, of(one, page))
        yield from below(view, words) if words else ()
        if one["other_doses"]:
            yield from below(view, f"other dose on record: {'; '.join(one['other_doses'])}")
    yield from more(view, page, "medications", limit, "medication")
    if any(one["unrenewed"] for one in entries[:limit]):
        yield from below(
            view, "Renewals are rarely on record here: only the oldest are marked “still taking?”."
        )
    for one in page["not_to_be_taken"][:_FEW]:
        yield row(view, titled(one), ymd(one["date"]), sign="!!", style="alarm")
    for one in page["none_known_medications"][:2]:
        yield row(view, f"{clean(one['title'])} ({says(page, one)})", ymd(one["date"]))
    if not entries and not page["none_known_medications"]:
        yield nothing(view)


def _last(one: Entry) -> str | None:
    """The last sign of it, where that is not when it began."""
    signs = [(one[name], name) for name in ("given", "dispensed", "prescribed") if one[name]]
    date, name = max(signs, default=(None, ""))
    return f"last {name} {ymd(date)}" if date and ymd(date) != ymd(one["since"]) else None


def _results(page: Page, view: Screen) -> Iterator[str]:
    begin, until = page["abnormal_since"], page["abnormal_until"]
    recent, past = f"since {begin}, the newest of each", f"{begin} to {until}, the last year with results"
    yield from heading(f"Outside their range {past if until else recent}", view)
    entries, limit = page["abnormal"], MOST["abnormal"]
    limit = max(limit, sum(one["critical"] for one in entries))
    for one in entries[:limit]:
        arrow = view.spell(mark(one))
        usual = reference_range(one)
        again = "within its range since" if one["normal_since"] else None
        words = joined(
            f"{titled(one)}  {measured(one)}", f"usual {usual}" if usual else None, again, of(one, page)
        )
        style = "alarm" if one["critical"] else "red"
        yield row(view, words, ymd(one["date"]), sign=arrow, style=style)
    rest = len(entries) - limit + page["more"].get("abnormal", 0)
    if rest > 0:
        yield view.fit(f"     and {rest:,} more: phr timeline --kind lab_result")
    if not entries:
        last = page["results_newest"]
        none = f"No results since then; the newest is of {last}." if last else "No results in this record."
        none = "None among the results that are here." if page["results_since"] else none
        yield nothing(view, none)


def _extras(page: Page, view: Screen) -> Iterator[str]:
    last = None
    for one in page["extras"]:
        if one["pack"] != last:
            yield from heading(clean(one["pack_name"]), view)
            last = one["pack"]
        value = measured(one) or titled(one)
        words = joined(f"{clean(one['label'])}: {value}", of(one, page))
        yield row(view, words, ymd(one["date"]), sign=view.spell(mark(one)))


def _immunizations(page: Page, view: Screen) -> Iterator[str]:
    yield from heading("Vaccines", view)
    entries, limit = page["immunizations"], MOST["immunizations"]
    for one in entries[:limit]:
        yours = "✎ corrected by you" if one["corrected"] else None
        words = joined(f"{clean(one['vaccine'])}, {count(one['doses'], 'dose')}", yours, of(one, page))
        yield row(view, words, f"last {ymd(one['last'])}" if one["last"] else "")
    yield from more(view, page, "immunizations", limit, "immunization")
    if not entries:
        yield nothing(view)
    yield from _aside(view, "Not given", page["not_given"], "title")
    for one in page["due_immunizations"][:1]:
        yield from wrapped(
            clean(f"Recommended {ymd(one['date'])}: {one['description'] or one['title']}"), view, indent=5
        )


def _to_come(page: Page, view: Screen) -> Iterator[str]:
    yield from heading("To come", view)
    for one in page["upcoming"][:_FEW]:
        where = clean(one["facility"] or one["performer"])
        unsure = f"{one['status']}: " if one["status"] in ("proposed", "pending", "waitlist") else ""
        yield row(view, joined(f"{unsure}{titled(one)}", where, of(one, page)), day(one["date"]))
    yield from more(view, page, "upcoming", _FEW, "appointment")
    for one in page["tasks"][:_FEW]:
        due = f"due {ymd(one['due'])}" if one["due"] else f"asked {ymd(one['date'])}" if one["date"] else ""
        late = one["overdue"]
        words = joined(f"{'overdue' if late else 'to do'}: {titled(one)}", of(one, page))
        yield row(view, words, due, sign="!" if late else "", style="yellow" if late else None)
    yield from more(view, page, "tasks", _FEW, "task")
    for one in page["orders"][:_FEW]:
        words = joined(f"ordered, no result here: {titled(one)}", of(one, page))
        yield row(view, words, ymd(one["date"]))
    yield from more(view, page, "orders", _FEW, "order")
    if not (page["upcoming"] or page["tasks"] or page["orders"]):
        yield nothing(view, "No appointment, task or open order in this record.")


def _people(page: Page, view: Screen) -> Iterator[str]:
    yield from heading("Who cares for you", view)
    team = page["care_team"]
    for one in team[: MOST["care_team"]]:
        yield row(view, joined(clean(one["name"]), clean(one["role"]) or None), clean(one["phone"]))
    if len(team) > MOST["care_team"]:
        yield f"     and {len(team) - MOST['care_team']:,} more: phr timeline --kind care_team"
    if not team:
        yield nothing(view, "No information.")
    yield from heading("Advance directives", view)
    for one in page["directives"][:3]:
        dnr = one["no_resuscitation"]
        words = joined(titled(one), clean(one["facility"]) or None, of(one, page))
        yield row(view, words, ymd(one["date"]), sign="!!" if dnr else "", style="alarm" if dnr else None)
        for paper in one["documents"][:2]:
            name = document_words(paper)
            yield from below(view, f"{name}: phr show {paper['record']}")
    yield from more(view, page, "directives", 3, "directive")
    if not page["directives"]:
        yield nothing(view)
