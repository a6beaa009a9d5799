"""The essentials on a terminal: what kills first, and the QR code below, readable on dark and on light screens."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from phr.cli.summary_rows import NO_INFORMATION, heading, nothing, row, since, ymd
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
    essentials = list(_essentials(page, view))
    yield from essentials
    yield ""
    from phr.views.emergency_text import OWN_NOTE, shows_own, sources_words

    own = f" {OWN_NOTE}." if any(shows_own(line) for line in essentials) else ""
    yield from (
        view.paint(line, "dim")
        for line in wrapped(f"Made {ymd(page['made'])}, {sources_words(page)}.{own}", view, indent=0)
    )
    if qr:
        yield ""
        yield from _code(page, view)


def _essentials(page: Page, view: Screen) -> Iterator[str]:
    from phr.views import emergency_text as words

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
        yield row(view, clean(f"But: {one['title']} ({words.says(page, one)})"), ymd(one["date"]))
    yield from _part(view, "Implants", [words.marked(one) for one in page["devices"]])
    yield from _wishes(page, view)
    yield from _medicines(page, view)
    yield from heading("Problems", view)
    for one in page["problems"][:_MOST]:
        yield row(view, clean(words.marked(one)), since(one))
    if not page["problems"]:
        known = page["none_known_problems"]
        yield row(view, clean(known[0]["title"]), ymd(known[0]["date"])) if known else nothing(view)
    if (rest := len(page["problems"]) - _MOST + page["more"].get("problems", 0)) > 0:
        yield f"     and {rest:,} more: phr summary"
    yield from _part(view, "Baseline", [words.baseline_words(one) for one in page["baseline"]])
    yield from _part(view, "Call", [one["text"] for one in page["contacts"]])
    if not page["contacts"]:
        yield from heading("Call", view)
        yield nothing(view, 'Nobody is noted: phr summary --set-contact "Name, relation, phone"')
    yield from _part(view, "Doctor", [words.doctor_words(page["doctor"])] if page["doctor"] else [])
    yield from _part(view, "Insurance", [words.insurance_words(one) for one in page["insurance"]])


def _medicines(page: Page, view: Screen) -> Iterator[str]:
    """What is taken; apart from it what one has to ask about."""
    from phr.views import emergency_text as words

    taken, asked = words.takes(page), words.asks(page)
    if taken or not asked:
        yield from heading("Takes", view)
    for one in taken[:_MOST]:
        grave = one["class"] is not None
        said = clean(words.warned(one))
        yield row(view, said, sign="!!" if grave else "", style="alarm" if grave else None)
    if not page["medications"]:
        said = clean(words.takes_words(page)[0])
        yield row(view, said) if page["none_known_medications"] else nothing(view)
    if asked:
        yield from heading("Ask about: on a list, no renewal on record", view)
    for one in asked[:_MOST]:
        grave = one["class"] is not None
        said = clean(words.warned(one))
        sign = "!!" if grave else "?" if one["still_taking"] else ""
        yield row(view, said, clean(words.why(one)), sign=sign, style="alarm" if grave else None)
    rest = max(0, len(taken) - _MOST) + max(0, len(asked) - _MOST) + page["more"].get("medications", 0)
    if rest:
        yield f"     and {rest:,} more: phr summary"
    for one in page["not_to_be_taken"]:
        said = clean(f"not to be taken: {words.marked(one)}")
        yield row(view, said, ymd(one["date"]), sign="!!", style="alarm")


def _part(view: Screen, label: str, entries: Sequence[str]) -> Iterator[str]:
    """A part with its entries; nothing where there are none."""
    if entries:
        yield from heading(label, view)
        for one in entries:
            yield from (view.spell(line) for line in wrapped(clean(one), view, indent=5))


def _more(view: Screen, page: Page, name: str, kind: str) -> Iterator[str]:
    if rest := page["more"].get(name, 0):
        yield f"     and {rest:,} more: phr timeline --kind {kind}"


def _wishes(page: Page, view: Screen) -> Iterator[str]:
    from phr.views import emergency_text as words

    dnr = words.forbids_revival(page)
    if page["directives"]:
        yield from heading("Wishes", view)
    for said in words.wishes(page)[:3]:
        yield row(view, clean(said), sign="!!" if dnr else "", style="alarm" if dnr else None)


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
