"""`phr summary`: the page for a doctor with four minutes, and with `--emergency` the one for whoever finds you."""

from __future__ import annotations

import sys
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from phr.cli import output
from phr.cli.context import workspace
from phr.cli.options import Json
from phr.cli.selecting import Sensitivity, Since, select
from phr.cli.text import Screen, clean
from phr.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from phr.store.store import Store
    from phr.views.selection import Selection

_LONGEST = 120


class SummaryFormat(StrEnum):
    """How the summary is written."""

    TEXT = "text"
    JSON = "json"
    HTML = "html"
    SVG = "svg"
    PDF = "pdf"


_PRINTED = (SummaryFormat.HTML, SummaryFormat.SVG, SummaryFormat.PDF)


class Paper(StrEnum):
    """What the HTML page is printed on."""

    PAGE = "page"
    CARD = "card"


Emergency = Annotated[
    bool, typer.Option("--emergency", help="One page with the essentials, and a QR code that holds them.")
]
Layout = Annotated[
    SummaryFormat,
    typer.Option(
        "--format",
        "-f",
        envvar="PHR_SUMMARY_FORMAT",
        help="text, json or pdf; with --emergency also html (a page and a card to print) or svg (the card).",
    ),
]
To = Annotated[
    str | None,
    typer.Option(
        "-o", "--output", envvar="PHR_SUMMARY_OUTPUT", help="Where to; - is stdout.", metavar="FILE"
    ),
]
Contact = Annotated[
    list[str] | None,
    typer.Option(
        "--set-contact",
        help="Note whom to call, “Name, relation, phone”; may be repeated, replaces what was noted; “” takes it away.",
        metavar="TEXT",
        allow_from_autoenv=False,
    ),
]
OnPaper = Annotated[
    Paper,
    typer.Option(
        "--paper", help="html, pdf: page (A4 or Letter, with the card to cut out) or card (its size)."
    ),
]
Code = Annotated[
    bool, typer.Option("--qr/--no-qr", help="--emergency as text: with the QR code, or without.")
]


def summary(
    ctx: typer.Context,
    emergency: Emergency = False,
    since: Since = None,
    sensitivity: Sensitivity = None,
    layout: Layout = SummaryFormat.TEXT,
    to: To = None,
    paper: OnPaper = Paper.PAGE,
    qr: Code = True,
    set_contact: Contact = None,
    json: Json = False,
) -> None:
    """What matters now, on one page: problems, medicines, allergies, results, what is due, who cares for you.

    --emergency, and what is written with -o, leave out what you marked as private (phr edit), unless --sensitivity says
    otherwise. "Still taking?" stands where a medicine is active on paper, but was not prescribed, dispensed or given
    again for long. "No information" does not mean that there is none. --since moves how far back results go (12 months).

    \b
    phr summary
    phr summary --emergency
    phr summary --format pdf -o for-the-doctor.pdf
    phr summary --emergency --format pdf -o emergency.pdf
    phr summary --set-contact "Jo Example, sister, 555 0100"

    Exit statuses: 0 fine, 1 failed (also: no record yet), 2 usage, 6 locked.
    """
    chosen = select(None, since, None, sensitivity=sensitivity)
    if json and layout not in _PRINTED:
        layout = SummaryFormat.JSON
    elif json and to == "-":
        raise UsageError("--json and -o - both want to write to stdout.", hint="Write the file with -o FILE.")
    if emergency or layout is SummaryFormat.PDF or to not in (None, "-"):
        chosen = replace(chosen, marked=False)  # it is made for others
    _check(layout, paper, emergency=emergency)
    with workspace(ctx).store() as store:
        if set_contact is not None:
            _note(store, set_contact)
            if not emergency:
                return
        if layout is SummaryFormat.PDF and not emergency:
            _doctors(store, chosen, to, json=json)
            return
        page = _page(store, chosen, emergency=emergency)
        _tell_what_is_not_on_it(store, chosen)
    where = None if to in (None, "-") else Path(to or "")
    if to is None and layout in _PRINTED and (json or sys.stdout.isatty()):
        where = Path(f"phr-emergency-{page['made'][:10]}.{layout.value}")
    if where is not None:
        content = _content(page, layout, paper, Screen(None, colour=False), emergency=emergency, qr=qr)
        _keep(where, content, layout if json else None)
    elif layout is SummaryFormat.JSON:
        output.emit_json(page)
    elif layout is SummaryFormat.TEXT:
        output.emit(_lines(page, output.out(), emergency=emergency, qr=qr))
    else:
        output.write(_content(page, layout, paper, output.out(), emergency=emergency, qr=qr))


def _page(store: Store, chosen: Selection, *, emergency: bool) -> dict[str, Any]:
    """What is to be told."""
    if not emergency:
        from phr.views.summary import summary as view

        return view(store, chosen)
    from phr.exporters.card_qr import PAPER_OCTETS
    from phr.views.emergency import emergency as essentials
    from phr.views.emergency_text import text

    page = essentials(store, chosen)
    return page | {"text": text(page, PAPER_OCTETS)}


def _doctors(store: Store, chosen: Selection, to: str | None, *, json: bool) -> None:
    """The summary on four pages of paper; what is left out of it is told to the person alone."""
    from phr.exporters.pdf import summary_of

    pdf = summary_of(store, replace(chosen, since=None), chosen.since)
    _tell_what_is_not_on_it(store, chosen)
    if to is None and (json or sys.stdout.isatty()):
        to = f"phr-summary-{store.now()[:10]}.pdf"
    if to in (None, "-"):
        output.write(pdf)
    else:
        _keep(Path(to or ""), pdf, SummaryFormat.PDF if json else None)


def _tell_what_is_not_on_it(store: Store, chosen: Selection) -> None:
    """What the person marked as private is named to them alone: neither the page nor a file speaks of it."""
    if chosen.marked or chosen.sensitivity is not None:
        return
    from phr.views.summary_rows import Desk

    number = len(Desk(store, chosen).marked)
    if number:
        are = (
            "record that you marked as private is"
            if number == 1
            else "records that you marked as private are"
        )
        output.talk(f"{number:,} {are} not on it. All of it: --sensitivity restricted")


def _lines(page: dict[str, Any], view: Screen, *, emergency: bool, qr: bool) -> Iterable[str]:
    if emergency:
        from phr.cli import summary_emergency

        return summary_emergency.lines(page, view, qr=qr)
    from phr.cli import summary_screen

    return summary_screen.lines(page, view)


def _content(
    page: dict[str, Any], layout: SummaryFormat, paper: Paper, view: Screen, *, emergency: bool, qr: bool
) -> bytes:
    """The same as bytes of a file."""
    if layout is SummaryFormat.JSON:
        return output.dump({"schema": output.SCHEMA, **page}) + b"\n"
    if layout is SummaryFormat.TEXT:
        told = _lines(page, view, emergency=emergency, qr=qr)
        return "".join(f"{line}\n" for line in told).encode("utf-8", "replace")
    if layout is SummaryFormat.PDF:
        from phr.exporters import card_pdf

        return card_pdf.to_pdf(page, paper.value)
    from phr.exporters import card

    return card.svg(page) if layout is SummaryFormat.SVG else card.html(page, paper.value)


def _keep(path: Path, content: bytes, told: SummaryFormat | None = None) -> None:
    """Write the file whole, or not at all. `told`: what was written is said as JSON, as `phr export --json` says it."""
    from phr.exporters.files import to_file

    to_file(path, lambda out: out.write(content))
    output.talk(f"Written: {clean(path)}. It can be read without a key.")
    if told is not None:
        output.emit_json({"path": str(path.absolute()), "format": told.value, "bytes": len(content)})


def _check(layout: SummaryFormat, paper: Paper, *, emergency: bool) -> None:
    """What fits together on one command line. Raises UsageError."""
    if layout in (SummaryFormat.HTML, SummaryFormat.SVG) and not emergency:
        raise UsageError(
            f"--format {layout.value} belongs to --emergency.",
            hint="Add --emergency; the whole record as a page: phr export --format html",
        )
    if layout is SummaryFormat.PDF and paper is Paper.CARD and not emergency:
        raise UsageError("--paper card belongs to --emergency.", hint="Add --emergency")


def _note(store: Store, contacts: list[str]) -> None:
    """Keep whom to call in the record file itself. Raises UsageError for a text that no card holds."""
    import orjson

    from phr.views.summary_people import CONTACTS

    told = [clean(one) for one in contacts if clean(one)]
    for one in told:
        if len(one) > _LONGEST:
            raise UsageError("This is too long for a card.", hint=f"Up to {_LONGEST} characters.")
    store.note_setting(CONTACTS, orjson.dumps(told).decode())
    output.talk(f"Noted: {'; '.join(told)}" if told else "Nobody is noted any more.")
