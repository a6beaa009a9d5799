"""The emergency page as PDF: what stands on the page for a browser, and the card in its true size to cut out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from phr.exporters.card import HEIGHT, WIDTH, back, front, qr_mark
from phr.exporters.card_parts import Part, laid_out
from phr.exporters.card_qr import PAPER_OCTETS, code
from phr.exporters.press import pages, press
from phr.views import emergency_text as words
from phr.views.emergency import named

Page = dict[str, Any]
_FONT = "Libertinus Serif"
_CODE = 38
_LARGER = (1.15, 1.05, 1.0, 0.9, 0.8)
"""The page was reckoned for a wider letter than this one: on paper it may be larger, as long as it is one sheet."""


def to_pdf(page: Page, paper: str = "page") -> bytes:
    """`page` (one sheet that A4 and Letter hold, with the card on it) or `card` (its two sides). Raises PhrError."""
    name = page["patient"]["name"] or "Name not known"
    laid = laid_out(page)
    said = words.text(page, PAPER_OCTETS)
    columns = [[_part(one) for one in column] for column in laid.columns]
    top = [_part(one) for one in laid.top]
    denied = page["none_known_allergies"] if page["allergies"] else []
    shown = "".join(
        head for one in (*laid.top, *laid.columns[0], *laid.columns[1]) for head, _ in one.entries
    )
    own = f" {words.OWN_NOTE.capitalize()}." if words.shows_own(shown) else ""
    data = {
        "paper": paper,
        "name": name,
        "facts": _facts(page["patient"]),
        "blood": page["blood_type"],
        "call": _part(laid.call),
        "top": top,
        "denied": f"But {words.says(page, denied[0])}: {named(denied[0])}" if denied else None,
        "columns": columns,
        "foot": f"Made on {page['made'][:10]} {words.sources_words(page)}. What is not here may still be so.{own}",
        "front": f"Emergency card, front: {said}",
        "back": "Emergency card, back: medicines, and a QR code with the same text as the front.",
        "code": "QR code that holds the essentials of this page as plain text.",
    }
    pictures = {
        "front.svg": _side(front(page)),
        "back.svg": _side(back(page)),
        "code.svg": _code(said),
    }
    made = datetime.fromisoformat(page["made"])
    for larger in _LARGER:
        sized = data | {"points": laid.points * larger}
        pdf = press("card", sized, title=f"Emergency: {name}", pictures=pictures, made=made)
        if paper == "card" or pages(pdf) == 1:
            break
    return pdf


def _part(one: Part) -> dict[str, Any]:
    return {
        "label": one.label,
        "entries": [list(each) for each in one.entries],
        "more": one.more,
        "red": one.red and one.grave,
        "grave": one.grave,
        "two": one.two,
    }


def _facts(patient: Page) -> str:
    facts: Sequence[str | None] = (
        f"born {patient['birth_date']}" if patient["birth_date"] else "birth date not known",
        f"{patient['age']} years" if patient["age"] is not None else None,
        patient["sex"],
    )
    return ", ".join(fact for fact in facts if fact)


def _side(content: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}mm" height="{HEIGHT}mm" viewBox="0 0 {WIDTH} {HEIGHT}"'
        f' font-family="{_FONT}">{content}</svg>'
    )


def _code(said: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_CODE} {_CODE}">'
        f"{qr_mark(code(said), 0, 0, _CODE)}</svg>"
    )
