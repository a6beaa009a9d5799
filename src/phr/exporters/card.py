"""The emergency card: SVG of its two sides in the size of a bank card, and a page to print with the card on it.

ISO/IEC 7810, ID-1: 85.60 by 53.98 mm, corners of 3.18 mm. The front has what kills, the back a QR code with all that a
telephone can read without a network. The page is complete in itself: no script, no request, and a policy (CSP) that
forbids the browser to fetch anything.
"""

from __future__ import annotations

import re
from typing import Any

from phr.exporters.card_face import FONT as FONT
from phr.exporters.card_face import POINT, Block, beside, fitted, set_blocks, spelled, text, title, wrap
from phr.exporters.card_qr import PAPER_OCTETS, QUIET, Code, code, path
from phr.views import emergency_text as words

Page = dict[str, Any]
WIDTH, HEIGHT, CORNER = 85.6, 53.98, 3.18
_MARGIN = 3.0
_QR = 34.0
"""Millimetres, with the white around it."""
_RED = "#a50e0e"


def svg(page: Page) -> bytes:
    """Both sides, the back below the front, with a hair of room for the scissors."""
    tall = 2 * HEIGHT + 4
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}mm" height="{tall}mm" viewBox="0 0 {WIDTH} {tall}"'
        f' font-family="{FONT}"><title>{spelled(_title(page))}</title>'
        f'{front(page)}<g transform="translate(0 {HEIGHT + 4})">{back(page)}</g></svg>\n'
    ).encode("utf-8", "replace")


def _title(page: Page) -> str:
    return f"Emergency card of {page['patient']['name'] or 'somebody whose name is not known'}"


def _side(content: str) -> str:
    return (
        f'<rect x=".1" y=".1" width="{WIDTH - 0.2}" height="{HEIGHT - 0.2}" rx="{CORNER}" fill="#fff" stroke="#999"'
        f' stroke-width=".2"/>{content}'
    )


def _band(left: str, right: str) -> str:
    return (
        f'<path d="M.2 {CORNER}a{CORNER - 0.2} {CORNER - 0.2} 0 0 1 {CORNER - 0.2} -{CORNER - 0.2}h{WIDTH - 2 * CORNER}'
        f'a{CORNER - 0.2} {CORNER - 0.2} 0 0 1 {CORNER - 0.2} {CORNER - 0.2}v3.2h-{WIDTH - 0.4}z" fill="{_RED}"/>'
        + text(_MARGIN, 4.5, left, 8, bold=True, colour="#fff")
        + text(WIDTH - _MARGIN, 4.5, right, 6, colour="#fff", end=True)
    )


def front(page: Page) -> str:
    """Who it is, and allergies; below them whom to call, implants and wishes beside problems and baseline values."""
    drawn, y = _who(page)
    allergies, columns, left_out = _front_blocks(page, y)
    said, y = set_blocks([allergies], _MARGIN, y, _ROOM)
    for number, column in enumerate(columns):
        said += set_blocks(column, _MARGIN + number * (_HALF + _BETWEEN), y, _HALF)[0]
    foot = [words.sources_words(page), *["more on the page"] * left_out]
    foot += [words.OWN_NOTE] if words.shows_own(said) else []
    return _side(drawn + said + text(_MARGIN, HEIGHT - 1.3, "; ".join(foot), 5, colour="#444"))


def _who(page: Page) -> tuple[str, float]:
    patient = page["patient"]
    facts = (
        f"born {patient['birth_date']}" if patient["birth_date"] else None,
        patient["sex"],
        f"blood {page['blood_type']}" if page["blood_type"] else None,
    )
    y = 6.8
    parts = [_band("EMERGENCY", f"made {page['made'][:10]}")]
    for line, size in title(patient["name"] or "Name not known", _ROOM, 9):
        y += size * 1.1 * POINT
        parts.append(text(_MARGIN, y, line, size, bold=True))
    for line in wrap(", ".join(fact for fact in facts if fact), 7, _ROOM)[:2]:
        y += 7 * 1.2 * POINT
        parts.append(text(_MARGIN, y, line, 7))
    return "".join(parts), y + 0.8


def _front_blocks(page: Page, y: float) -> tuple[Block, list[list[Block]], bool]:
    """Allergies, the columns below them as far as they fit, and whether a part of these is not on the front at all."""
    allergies = Block("ALLERGIES (! = threatens life)", words.allergy_words(page), 7, strong=True, colour=_RED,
                      cut=page["more"].get("allergies", 0), keep=ALL)  # fmt: skip
    columns = [_left(page), _right(page)]
    wanted = {block.label for column in columns for block in column if block.entries}
    shown = beside(allergies, columns, _ROOM, _HALF, HEIGHT - y - 2.8)
    return (
        allergies,
        shown,
        bool(wanted - {block.label for column in shown for block in column} - {PROBLEMS, BASELINE}),
    )


ALL = 10_000
_ROOM, _BETWEEN = WIDTH - 2 * _MARGIN, 2.4
_HALF = (_ROOM - _BETWEEN) / 2
PROBLEMS, BASELINE = "PROBLEMS", "BASELINE"


def _left(page: Page) -> list[Block]:
    dnr = words.forbids_revival(page)
    doctor = [_NUMBER.sub("\xa0", words.doctor_words(page["doctor"]))] if page["doctor"] else []
    full = words.wishes(page)[:2]
    short = dict(zip(full, words.wishes(page, brief=True), strict=False))
    wishes = Block("WISHES", full, 6, strong=dnr, colour=_RED, brief=lambda entry: short.get(entry, entry))
    rest = [
        Block(
            "CALL", [_NUMBER.sub("\xa0", one["text"]) for one in page["contacts"]], 6.2, joined=False, keep=2
        ),
        Block("IMPLANTS", [words.marked(one) for one in page["devices"]], 6.2, colour=_RED, keep=2),
    ]
    found = [wishes, *rest] if dnr else [*rest, wishes]
    return [*found, Block("DOCTOR", doctor, 5.8)]


_NUMBER = re.compile(r"(?<=\d) (?=\d)")
"""A telephone number is not broken."""


def _right(page: Page) -> list[Block]:
    return [
        Block(PROBLEMS, _problems(page), 6.2, keep=5, where="back"),
        Block(BASELINE, _baseline(page), 5.8, keep=4, brief=_brief, where="back"),
    ]


def _problems(page: Page) -> list[str]:
    return [words.marked(one) for one in page["problems"]]


def _baseline(page: Page) -> list[str]:
    """To the month; a number and its unit stay together."""
    found = (_DAY.sub(r"\1", words.baseline_words(one)) for one in page["baseline"])
    return [_UNIT.sub("\xa0", one) for one in found]


_DAY, _UNIT = re.compile(r"(\d{4}-\d\d)-\d\d(?=\)$)"), re.compile(r"(?<=\d) (?=[^\s(])")
_EXPLAINED = re.compile(r": [^()]{12,}")


def _brief(value: str) -> str:
    """A baseline value without what explains it: `Genotype Pi*ZZ (2015-03)`."""
    head, apart, date = value.rpartition(" (")
    said = f"{_EXPLAINED.sub('', words.short(head))}{apart}{date}" if apart else value
    return _UNIT.sub("\xa0", said)


def back(page: Page) -> str:
    """Medicines beside the QR code, and what else has room."""
    made = code(words.text(page, PAPER_OCTETS))
    x, room, side = _MARGIN, WIDTH - _QR - 2 * _MARGIN - 1, WIDTH - _QR - 1.6
    blocks = fitted(_back_blocks(page), room, HEIGHT - 7.0 - 1.2)
    insurance = [words.insurance_words(one) for one in page["insurance"][:1]]
    tall, see = HEIGHT - QR_TOP - _QR - 2.6, ["see the page"] * bool(insurance)
    below = fitted([Block("INSURANCE", insurance, 5)], _QR - QR_EDGE, tall, last=0)
    below = below or fitted([Block("INSURANCE", see, 5)], _QR - QR_EDGE, tall)
    own = words.shows_own("".join(entry for block in [*blocks, *below] for entry in block.entries))
    said = words.OWN_NOTE if own else "Scan: text, no internet needed"
    note = text(side + _QR / 2, QR_TOP + _QR + 1.0, said, 5, colour="#444")
    name = wrap(page["patient"]["name"] or "", 6, WIDTH * 0.55)
    shown = f"{name[0]}{' …' if len(name) > 1 else ''}" if name else ""
    return _side(
        _band("MEDICINES", shown)
        + set_blocks(blocks, x, 7.0, room)[0]
        + qr_mark(made, side, QR_TOP, _QR)
        + note.replace("<text ", '<text text-anchor="middle" ')
        + set_blocks(below, side + QR_EDGE / 2, QR_TOP + _QR + 1.8, _QR - QR_EDGE)[0]
    )


QR_TOP, QR_EDGE = 7.2, 2.0


def _back_blocks(page: Page) -> list[Block]:
    takes, asks = words.takes_words(page), [_SEEN.sub(r"(\1", one) for one in words.asks_words(page)]
    grave = sum(1 for one in words.asks(page) if one["class"])
    problems, baseline = _left_over(page)
    return [
        Block("DO NOT GIVE", [words.marked(one) for one in page["not_to_be_taken"]], 6, strong=True, colour=_RED),
        Block("TAKES", takes, 6, joined=False, cut=page["more"].get("medications", 0), keep=8, brief=words.short),
        Block("ASK ABOUT: old entries (last seen)", asks, 5.6, joined=False, keep=max(1, grave), brief=_shorter),
        Block(PROBLEMS, problems, 5.6, cut=page["more"].get("problems", 0) if problems else 0),
        Block(BASELINE, baseline, 5.6),
    ]  # fmt: skip


def _left_over(page: Page) -> tuple[list[str], list[str]]:
    """The problems and the baseline values that the front had no room for."""
    columns = _front_blocks(page, _who(page)[1])[1]
    shown = {block.label: len(block.entries) for column in columns for block in column}
    return _problems(page)[shown.get(PROBLEMS, 0) :], _baseline(page)[shown.get(BASELINE, 0) :]


def _shorter(entry: str) -> str:
    """`amlodipine 5 mg (2018)`."""
    head, apart, tail = entry.rpartition(" (")
    return f"{words.short(head)}{apart}{tail[:4] + ')' if _MONTH.fullmatch(tail) else tail}"


_SEEN, _MONTH = re.compile(r"\(last seen (\d{4})"), re.compile(r"\d{4}-\d\d\)")


def qr_mark(made: Code, x: float, y: float, size: float) -> str:
    """The code as SVG, black on white with its quiet zone, `size` millimetres wide."""
    wide = len(made.modules) + 2 * QUIET
    return (
        f'<svg x="{x:.2f}" y="{y:.2f}" width="{size}" height="{size}" viewBox="0 0 {wide} {wide}" role="img"'
        f' aria-label="QR code with the same in plain text" shape-rendering="crispEdges"><rect width="{wide}"'
        f' height="{wide}" fill="#fff"/><path transform="translate({QUIET} {QUIET})" d="{path(made)}" fill="#000"/></svg>'
    )


def html(page: Page, paper: str = "page") -> bytes:
    """A page for a browser and a printer: `page` (A4 or Letter, the card to cut out below) or `card` (its two sides)."""
    from phr.exporters.card_page import document

    return document(page, paper).encode("utf-8", "replace")
