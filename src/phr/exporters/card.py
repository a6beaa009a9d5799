"""The emergency card: SVG of its two sides in the size of a bank card, and a page to print with the card on it.

ISO/IEC 7810, ID-1: 85.60 by 53.98 mm, corners of 3.18 mm. The front has what kills, the back a QR code with all that a
telephone can read without a network. The page is complete in itself: no script, no request, and a policy (CSP) that
forbids the browser to fetch anything.
"""

from __future__ import annotations

from typing import Any

from phr.exporters.card_face import FONT as FONT
from phr.exporters.card_face import POINT, Block, fitted, set_blocks, spelled, text, title, wrap
from phr.exporters.card_qr import PAPER_OCTETS, QUIET, Code, code, path
from phr.views import emergency_text as words
from phr.views.emergency import named

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
    """Who it is, allergies, implants, wishes, whom to call."""
    room, patient = WIDTH - 2 * _MARGIN, page["patient"]
    facts = (
        f"born {patient['birth_date']}" if patient["birth_date"] else None,
        patient["sex"],
        f"blood {page['blood_type']}" if page["blood_type"] else None,
    )
    y = 6.8
    parts = [_band("EMERGENCY", f"made {page['made'][:10]}")]
    for line, size in title(patient["name"] or "Name not known", room, 9):
        y += size * 1.1 * POINT
        parts.append(text(_MARGIN, y, line, size, bold=True))
    for line in wrap(", ".join(fact for fact in facts if fact), 7, room)[:2]:
        y += 7 * 1.2 * POINT
        parts.append(text(_MARGIN, y, line, 7))
    blocks = fitted(_front_blocks(page), room, HEIGHT - y - 3.4)
    parts.append(set_blocks(blocks, _MARGIN, y + 0.8, room)[0])
    parts.append(
        text(
            _MARGIN, HEIGHT - 1.6, f"{words.sources_words(page)}; back: medicines, QR code", 5, colour="#444"
        )
    )
    return _side("".join(parts))


def _front_blocks(page: Page) -> list[Block]:
    dnr = any(one["no_resuscitation"] for one in page["directives"])
    wishes = ["DO NOT RESUSCITATE documented: see the directive"] if dnr else []
    wishes += [f"{named(one)} {(one['date'] or '')[:10]}".strip() for one in page["directives"] if not dnr][
        :2
    ]
    doctor = [words.doctor_words(page["doctor"])] if page["doctor"] else []
    return [
        Block("ALLERGIES (! = threatens life)", words.allergy_words(page), 7, strong=True, colour=_RED,
              cut=page["more"].get("allergies", 0)),
        Block("IMPLANTS", [named(one) for one in page["devices"]], 6.5, colour=_RED),
        Block("WISHES", wishes, 6.5, strong=dnr, colour=_RED),
        Block("CALL", [one["text"] for one in page["contacts"]], 6.5, joined=False),
        Block("DOCTOR", doctor, 6),
        Block("INSURANCE", [words.insurance_words(one) for one in page["insurance"][:1]], 6),
    ]  # fmt: skip


def back(page: Page) -> str:
    """Medicines and problems beside the QR code."""
    made = code(words.text(page, PAPER_OCTETS))
    x, room = _MARGIN, WIDTH - _QR - 2 * _MARGIN - 1
    blocks = fitted(_back_blocks(page), room, HEIGHT - 7.4 - 2)
    mark = qr_mark(made, WIDTH - _QR - 1.6, 8.2, _QR)
    below = text(WIDTH - 1.6 - _QR / 2, 8.2 + _QR + 2.2, "Scan: text, no internet needed", 5, colour="#444")
    below = below.replace("<text ", '<text text-anchor="middle" ')
    note = text(WIDTH - 1.6 - _QR / 2, 8.2 + _QR + 4.6, "? = still taking? ask", 5, colour="#444")
    note = note.replace("<text ", '<text text-anchor="middle" ')
    asked = any(one["still_taking"] for one in page["medications"])
    name = wrap(page["patient"]["name"] or "", 6, WIDTH * 0.55)
    shown = f"{name[0]}{' …' if len(name) > 1 else ''}" if name else ""
    return _side(
        _band("MEDICINES", shown)
        + set_blocks(blocks, x, 7.0, room)[0]
        + mark
        + below
        + (note if asked else "")
    )


def _back_blocks(page: Page) -> list[Block]:
    more = page["more"]
    takes = [f"{one[:-2]}\xa0?" if one.endswith(" ?") else one for one in words.medication_words(page)]
    forbidden = [named(one) for one in page["not_to_be_taken"]]
    return [
        Block("DO NOT GIVE", forbidden, 6, strong=True, colour=_RED),
        Block("TAKES", takes, 5.8, joined=False, cut=more.get("medications", 0)),
        Block("PROBLEMS", [named(one) for one in page["problems"]], 5.6, cut=more.get("problems", 0)),
        Block("BASELINE", [words.baseline_words(one) for one in page["baseline"]], 5.4),
    ]


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
