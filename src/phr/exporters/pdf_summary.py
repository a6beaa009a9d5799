"""The doctor's summary: what stands now, in the order in which a doctor asks, each part cut to what a page holds.

What did not fit is counted and named. An empty part says that there is no information, never that there is nothing.
"""

from __future__ import annotations

from phr.exporters.pdf_blocks import Block, Cell, Row, heading, words
from phr.exporters.pdf_page import NOTHING, Page, aside, joined, known_none, two
from phr.exporters.pdf_summary_beside import happened, people, to_come, vaccines, wishes
from phr.exporters.pdf_words import day, measured, signed, titled, usual
from phr.views.events import Event
from phr.views.summary_onset import since_words

_FEW = 6


def summary_blocks(page: Page) -> list[Block]:
    """All parts without pictures."""
    return [
        *wishes([one for one in page.now["directives"] if one["no_resuscitation"]]),
        *_allergies(page),
        *_problems(page),
        *_medications(page),
        *_results(page),
        *_extras(page),
        *vaccines(page),
        *happened(page),
        *to_come(page),
        *people(page),
    ]


def _allergies(page: Page) -> list[Block]:
    entries = page.now["allergies"]
    rows: list[Row] = []
    for one in entries:
        shown = [
            f"{each['manifestation'] or 'reaction'}{' (' + each['severity'] + ')' if each['severity'] else ''}"
            for each in one["reactions"]
        ]
        risk = f"{one['criticality']} risk" if one["criticality"] else None
        kind = "intolerance, no allergy" if one["intolerance"] else None
        name = f"! {titled(one)}" if one["life_threatening"] else titled(one)
        since = since_words(one).removeprefix("since ")
        rows.append([[["b", name]], joined(", ".join(shown), risk, kind), since, page.of(one)])
    grave = sum(one["life_threatening"] for one in entries)
    known = page.now["none_known_allergies"]
    return [
        *page.part(
            "Allergies and intolerances",
            ("Substance", "Reaction and risk", "Since", "Source"),
            entries, rows, 12, ("allergy", "allergies"), least=grave, empty="" if known else NOTHING,
        ),
        *([heading("Allergies and intolerances")] if known and not rows else []),
        *known_none(known, bool(entries)),
        *aside("Ruled out, not an allergy", page.now["refuted_allergies"]),
        *aside("No longer", page.now["former_allergies"]),
    ]  # fmt: skip


def _problems(page: Page) -> list[Block]:
    stands = [one for one in page.now["problems"] if one["group"] != "circumstance"]
    rows: list[Row] = []
    for one in stands:
        only = "named at a visit" if one["group"] == "visit" else None
        over = f"over, according to {', '.join(one['over_elsewhere'])}" if one.get("over_elsewhere") else None
        said = str(one["description"] or "")
        below = joined(only, over, said if len(said) < 160 else None)
        rows.append([two(titled(one), below), since_words(one).removeprefix("since "), page.of(one)])
    known = page.now["none_known_problems"]
    life = [one for one in page.now["problems"] if one["group"] == "circumstance"]
    return [
        *page.part(
            "Problems", ("Problem", "Since", "Source"), stands, rows, 16, ("problem", "problems"),
            empty="" if known else NOTHING,
        ),
        *([heading("Problems")] if known and not rows else []),
        *known_none(known, bool(stands)),
        *aside("Life circumstances", life),
        *aside("Ruled out", page.now["refuted_problems"]),
        *aside("Over", page.now["resolved"]),
    ]  # fmt: skip


def _last(one: Event) -> str:
    """The last sign that a medicine is taken."""
    signs = [(one[name], name) for name in ("given", "dispensed", "prescribed") if one[name]]
    date, name = max(signs, default=(None, ""))
    return f"{name} {day(date)}" if date else ""


def _medications(page: Page) -> list[Block]:
    entries = page.now["medications"]
    rows: list[Row] = []
    for one in entries:
        others = f"other dose on record: {'; '.join(one['other_doses'])}" if one["other_doses"] else None
        last: Cell = _last(one)
        if one["still_taking"]:
            last = [["b", "still taking?"], ["s", f"  {one['doubt']}" if one["doubt"] else ""]]
        elif one["unrenewed"]:
            last = f"{_last(one)}; no renewal on record".removeprefix("; ")
        rows.append([two(titled(one), joined(one["dose"], others)), day(one["since"]), last, page.of(one)])
    known = page.now["none_known_medications"]
    forbidden = page.now["not_to_be_taken"]
    return [
        *page.part(
            "Medicines",
            ("Medicine and dose", "Since", "Last sign of it", "Source"),
            entries, rows, 20, ("medicine", "medicines"),
            empty="" if known else NOTHING,
        ),
        *([heading("Medicines")] if (known or forbidden) and not rows else []),
        *known_none(known, bool(entries)),
        *(words(f"{titled(one)}, {day(one['date'])}".rstrip(", "), "alarm") for one in forbidden[:_FEW]),
    ]  # fmt: skip


def _results(page: Page) -> list[Block]:
    entries = page.now.abnormal
    rows: list[Row] = [
        [
            titled(one),
            signed(one),
            usual(one),
            day(one["date"]),
            "in its range since" if one["back"] else "",
            page.of(one),
        ]
        for one in entries
    ]
    judged = page.now.judged
    if not judged:
        none = "No results of that time in this record."
    elif not any(judged):
        none = "Nobody says of the results of that time what their usual range is."
    elif not all(judged):
        none = (
            f"None among the {sum(judged):,} results of which a usual range is told ({len(judged):,} in all)."
        )
    else:
        none = "None among the results that are here."
    return page.part(
        f"Results outside their range since {page.now.abnormal_since}, the newest of each",
        ("Test", "Value", "Usual", "Date", "Later", "Source"),
        entries, rows, 14, ("test", "tests"), least=sum(one["critical"] for one in entries), empty=none,
    )  # fmt: skip


def _extras(page: Page) -> list[Block]:
    entries = page.now["extras"]
    rows: list[Row] = [
        [
            one["pack_name"],
            one["label"],
            signed(one) if measured(one) else titled(one),
            day(one["date"]),
            page.of(one),
        ]
        for one in entries
    ]
    columns = ("For", "What", "Value", "Date", "Source")
    return page.part(
        "What matters for these conditions", columns, entries, rows, 14, ("value", "values"), empty=""
    )
