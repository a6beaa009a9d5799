"""The essentials on a terminal: what kills first, and the QR code below, readable on dark and on light screens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from phr.cli.summary_rows import NO_INFORMATION, heading, nothing, row, ymd
from phr.cli.summary_screen import who
from phr.cli.text import Screen, clean, wrapped

Page = dict[str, Any]
_QUIET = 3
"""Modules of white around the code: the screen around it adds what the standard asks for."""
_PIPE = 100
_MOST = 20
_LEAST = 50
"""Modules: on a narrower screen the code says too little."""


def lines(page: Page, view: Screen, *, qr: bool = True) -> Iterator[str]:
    """The whole page."""
    for said in _page(page, view, qr=qr):
        yield from said.split("\n")


def _page(page: Page, view: Screen, *, qr: bool) -> Iterator[str]:
    patient = page["patient"]
    yield view.paint(view.fit(f"EMERGENCY  {clean(patient['name']) or 'Name not known'}"), "alarm")
    yield view.fit(who(patient) + (f", blood: {clean(page['blood_type'])}" if page["blood_type"] else ""))
    yield from _essentials(page, view)
    yield ""
    from phr.views.emergency_text import sources_words

    yield from (
        view.paint(line, "dim")
        for line in wrapped(f"Made {ymd(page['made'])}, {sources_words(page)}.", view, indent=0)
    )
    if qr:
        yield ""
        yield from _code(page, view)


def _essentials(page: Page, view: Screen) -> Iterator[str]:
    from phr.views import emergency_text as words
    from phr.views.emergency import named

    yield from heading("Allergies", view)
    if not page["allergies"] and not page["none_known_allergies"]:
        yield nothing(view, NO_INFORMATION)
    else:
        for said in words.allergy_words(page):
            grave = said.startswith("! ")
            yield row(
                view,
                clean(said.removeprefix("! ")),
                sign="!!" if grave else "",
                style="alarm" if grave else None,
            )
    yield from _more(view, page, "allergies", "allergy")
    if page["allergies"] and page["none_known_allergies"]:
        one = page["none_known_allergies"][0]
        yield row(
            view,
            f"But: {clean(one['title'])} (says {', '.join(map(clean, one['sources']))})",
            ymd(one["date"]),
        )
    yield from _part(view, "Implants", [clean(named(one)) for one in page["devices"]])
    yield from _wishes(page, view)
    yield from heading("Medicines", view)
    for one, said in zip(page["medications"][:_MOST], words.medication_words(page), strict=False):
        doubt = one["still_taking"]
        sign = "!!" if one["class"] else "?" if doubt else ""
        yield row(view, clean(said.removesuffix(" ?")), "still taking?" if doubt else "", sign=sign,
                  style="alarm" if one["class"] else None)  # fmt: skip
    if not page["medications"]:
        said = clean(words.medication_words(page)[0])
        yield row(view, said) if page["none_known_medications"] else nothing(view)
    if (rest := len(page["medications"]) - _MOST + page["more"].get("medications", 0)) > 0:
        yield f"     and {rest:,} more: phr summary"
    for one in page["not_to_be_taken"]:
        yield row(view, f"not to be taken: {clean(named(one))}", ymd(one["date"]), sign="!!", style="alarm")
    yield from heading("Problems", view)
    for one in page["problems"][:_MOST]:
        yield row(view, clean(named(one)), f"since {ymd(one['since'])}" if one["since"] else "")
    if not page["problems"]:
        known = page["none_known_problems"]
        yield row(view, clean(known[0]["title"]), ymd(known[0]["date"])) if known else nothing(view)
    if (rest := len(page["problems"]) - _MOST + page["more"].get("problems", 0)) > 0:
        yield f"     and {rest:,} more: phr summary"
    yield from _part(view, "Baseline", [clean(words.baseline_words(one)) for one in page["baseline"]])
    yield from _part(view, "Call", [clean(one["text"]) for one in page["contacts"]])
    if not page["contacts"]:
        yield from heading("Call", view)
        yield nothing(view, 'Nobody is noted: phr summary --set-contact "Name, relation, phone"')
    yield from _part(view, "Doctor", [clean(words.doctor_words(page["doctor"]))] if page["doctor"] else [])
    yield from _part(view, "Insurance", [clean(words.insurance_words(one)) for one in page["insurance"]])


def _part(view: Screen, label: str, entries: Sequence[str]) -> Iterator[str]:
    """A part with its entries; nothing where there are none."""
    if entries:
        yield from heading(label, view)
        for one in entries:
            yield from (view.spell(line) for line in wrapped(one, view, indent=5))


def _more(view: Screen, page: Page, name: str, kind: str) -> Iterator[str]:
    if rest := page["more"].get(name, 0):
        yield f"     and {rest:,} more: phr timeline --kind {kind}"


def _wishes(page: Page, view: Screen) -> Iterator[str]:
    from phr.views.emergency import named

    if page["directives"]:
        yield from heading("Wishes", view)
    for one in page["directives"][:3]:
        dnr = one["no_resuscitation"]
        said = f"DO NOT RESUSCITATE documented: {named(one)}" if dnr else named(one)
        yield row(
            view, clean(said), ymd(one["date"]), sign="!!" if dnr else "", style="alarm" if dnr else None
        )


# ── the code ──────────────────────────────────────────────────────────────────────────────────────────


def _code(page: Page, view: Screen) -> Iterator[str]:
    from phr.exporters.card_qr import OCTETS_BY_VERSION, code, octets_within
    from phr.views.emergency_text import text

    room = octets_within(view.columns or _PIPE, _QUIET)
    if not view.unicode or room < OCTETS_BY_VERSION[8]:
        yield from wrapped(
            "This screen cannot show the QR code: phr summary --emergency --format html -o FILE",
            view,
            indent=0,
        )
        return
    yield from drawn(code(text(page, room)).modules, view)
    yield view.paint(view.fit("Any telephone shows this as text, without internet."), "dim")


def drawn(modules: Sequence[Sequence[bool]], view: Screen) -> Iterator[str]:
    """Two rows of modules in a line of half blocks.

    With colour it is black on white, whatever the screen is. Without, ink is what is dark: as on paper; telephones read
    it the other way round too, which is what a dark screen makes of it.
    """
    wide = len(modules) + 2 * _QUIET
    blank = [False] * wide
    grid = [
        *([blank] * _QUIET),
        *([False] * _QUIET + [bool(one) for one in line] + [False] * _QUIET for line in modules),
        *([blank] * _QUIET),
    ]
    if len(grid) % 2:
        grid.append(blank)
    for at in range(0, len(grid), 2):
        line = "".join(_HALVES[pair] for pair in zip(grid[at], grid[at + 1], strict=True))
        yield f"\x1b[38;5;16;48;5;231m{line}\x1b[0m" if view.colour else line.rstrip()


_HALVES = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}
