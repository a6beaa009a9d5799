"""What stands beside problems, medicines and results in a doctor's summary: vaccines, visits, what is to come, people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from phr.exporters.pdf_blocks import Block, Cell, Row, heading, tables, words
from phr.exporters.pdf_now import start
from phr.exporters.pdf_page import NOTHING, Page, aside, joined, two
from phr.exporters.pdf_words import day, moment, place, titled
from phr.views.events import Event

_UPCOMING_VISIT = ("planned", "booked", "proposed", "pending", "cancelled", "noshow", "entered-in-error")


def vaccines(page: Page) -> list[Block]:
    entries = page.now["immunizations"]
    rows: list[Row] = [[one["vaccine"], str(one["doses"]), day(one["last"]), page.of(one)] for one in entries]
    due = page.now["due_immunizations"]
    return [
        *page.part(
            "Vaccines", ("Against", "Doses", "Last", "Source"), entries, rows, 12, ("vaccine", "vaccines"),
        ),
        *aside("Not given", page.now["not_given"]),
        *(words(f"Recommended {day(one['date'])}: {one['description'] or titled(one)}", "soft") for one in due[:1]),
    ]  # fmt: skip


def happened(page: Page) -> list[Block]:
    """Visits and operations, the newest first."""
    past = [one for one in page.events if start(one) <= page.made]
    visits = [one for one in past if one["kind"] == "encounter" and one["status"] not in _UPCOMING_VISIT]
    done = _each_once(
        one for one in past if one["kind"] in ("procedure", "imaging") and one["status"] != "not-done"
    )
    found: list[Block] = []
    for title, entries, most, names in (
        ("Recent visits and stays", visits, 7, ("visit", "visits")),
        (
            "Operations, procedures and imaging, the newest of each",
            done,
            7,
            ("kind of procedure", "kinds of procedures"),
        ),
    ):
        limit = page.room.rows(most)
        rows: list[Row] = [
            [
                _when(one),
                two(titled(one), joined(_short(one["description"]), _often(one))),
                place(one),
                page.of(one),
            ]
            for one in entries[:limit]
        ]
        if rows:
            found += [heading(title), *tables(("Date", "What", "Where and with whom", "Source"), rows)]
            found += page.rest(len(entries) - limit, names)
    return found


def _each_once(entries: Iterable[Event]) -> list[Event]:
    """The newest of each, with how often; the report of a scan before the list of its pictures (ImagingStudy)."""
    found: dict[str, list[Event]] = {}
    for one in entries:
        found.setdefault(titled(one).casefold(), []).append(one)
    told = []
    for same in found.values():
        days = {day(one["date"]) for one in same} - {""}
        shown = next(
            (one for one in same if not _is_pictures(one) and day(one["date"]) == day(same[0]["date"])),
            same[0],
        )
        told.append(shown | {"times": len(days), "first": min(days, default="")})
    return told


def _is_pictures(one: Event) -> bool:
    return str(one["resource"]).startswith("ImagingStudy/")


def _often(one: Event) -> str:
    return f"{one['times']} times since {one['first']}" if one.get("times", 1) > 1 else ""


def _when(one: Event) -> str:
    begin, end = day(one["date"]), day(one["end"])
    return f"{begin} to {end}" if begin and end and begin != end and len(end) == len(begin) else begin


def _short(said: str | None) -> str:
    words_ = " ".join(str(said or "").split())
    return words_ if len(words_) <= 120 else f"{words_[:117].rsplit(' ', 1)[0]} …"


def to_come(page: Page) -> list[Block]:
    rows: list[Row] = []
    for one in page.now["upcoming"]:
        rows.append([moment(one["date"]), two(titled(one), ""), place(one), page.of(one)])
    for one in page.now["tasks"]:
        due = f"due {day(one['due'])}" if one["due"] else f"asked {day(one['date'])}" if one["date"] else ""
        late: Cell = f"! {due}, overdue" if one["overdue"] else due
        rows.append([late, two(titled(one), "to do"), place(one), page.of(one)])
    for one in page.now["orders"]:
        rows.append([day(one["date"]), two(titled(one), "ordered, no result here"), place(one), page.of(one)])
    none = "No appointment, task or open order in this record."
    columns = ("When", "What", "Where and with whom", "Source")
    return page.part("To come", columns, [], rows, 10, ("entry", "entries"), empty=none)


def people(page: Page) -> list[Block]:
    rows: list[Row] = [[one["name"], one["role"] or "", one["phone"] or ""] for one in page.now.team]
    found = page.part(
        "Care team", ("Name", "Role", "Telephone"), [], rows, 8, ("person", "people"), empty=NOTHING
    )
    directives = [one for one in page.now["directives"] if not one["no_resuscitation"]]
    return [*found, *([heading("Advance directives"), *wishes(directives[:4])] if directives else [])]


def wishes(entries: Sequence[Event]) -> list[Block]:
    """What the person laid down. That nobody shall revive them must be seen first."""
    found = []
    for one in entries:
        papers = [str(paper["title"]) for paper in one["documents"] if paper["title"]]
        said = joined(
            titled(one), place(one), day(one["date"]), f"on paper: {', '.join(papers)}" if papers else None
        )
        found.append(words(said, "alarm" if one["no_resuscitation"] else "plain"))
    return found
