"""The emergency card: everything fits, what does not is counted, and nothing in it comes from elsewhere."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import pytest

from phr.exporters import card
from phr.exporters.card_face import POINT, Block, advance, fitted, wrap
from phr.exporters.card_qr import OCTETS_BY_VERSION, PAPER_VERSION, code, octets_within, path

SVG = "{http://www.w3.org/2000/svg}"


def entry(title: str, **more: Any) -> dict[str, Any]:
    bare = {
        "title": title, "kind": "problem", "description": None, "codes": [], "date": "2025-01-02", "value": None,
        "value_text": None, "unit": None, "since": "2020", "sources": ["clinic"],
    }  # fmt: skip
    return bare | more


def page(**more: Any) -> dict[str, Any]:
    patient = {"name": "Ada Example", "birth_date": "1980-03-02", "age": 45, "sex": "female"}
    parts = {
        "patient": patient, "blood_type": None, "allergies": [], "none_known_allergies": [], "medications": [],
        "none_known_medications": [], "not_to_be_taken": [], "problems": [], "devices": [], "directives": [],
        "contacts": [], "doctor": None, "insurance": [], "baseline": [], "sources": ["clinic"], "newest": "2026-01-01",
        "made": "2026-03-01T00:00:00Z", "more": {},
    }  # fmt: skip
    return parts | more


def allergies(number: int, *, grave: bool = False) -> list[dict[str, Any]]:
    return [entry(f"Allergen number {n}", life_threatening=grave, reactions=[]) for n in range(number)]


def medicines(number: int) -> list[dict[str, Any]]:
    return [
        entry(
            f"Medicine {n} 500 mg tablet",
            **{"class": None, "still_taking": False, "dose": None, "doubt": None},
        )
        for n in range(number)
    ]


def texts(svg: bytes) -> list[str]:
    return [one.text or "" for one in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_both_sides_have_the_size_of_a_bank_card() -> None:
    root = ElementTree.fromstring(card.svg(page()))
    assert root.get("width") == "85.6mm"
    sides = [one for one in root.iter(f"{SVG}rect") if one.get("rx") == "3.18"]
    assert len(sides) == 2


@pytest.mark.parametrize("number", [0, 3, 40, 200])
def test_text_stays_on_the_card_and_is_never_smaller_than_five_points(number: int) -> None:
    full = page(
        allergies=allergies(number),
        medications=medicines(number),
        problems=[entry(f"Problem {n}") for n in range(number)],
        contacts=[{"text": f"Contact {n}, 555 0{n}"} for n in range(number)],
    )
    root = ElementTree.fromstring(card.svg(full))
    for one in root.iter(f"{SVG}text"):
        size = float(one.get("font-size", "0"))
        assert size >= 5 * POINT - 0.001
        assert 0 < float(one.get("y", "0")) < card.HEIGHT
        if one.get("text-anchor") is None:
            wide = advance(one.text or "", size / POINT, bold=one.get("font-weight") == "700")
            assert float(one.get("x", "0")) + wide <= card.WIDTH + 0.5


def test_what_does_not_fit_is_counted_and_allergies_go_last() -> None:
    full = page(
        allergies=allergies(12, grave=True),
        insurance=[entry("Insurer", member="1")],
        contacts=[{"text": f"Contact {n}, 555 0{n}"} for n in range(30)],
        medications=medicines(40),
    )
    said = " ".join(texts(card.svg(full)))
    assert all(f"Allergen number {n}" in said for n in range(12))
    assert said.count("more: see the page") >= 2
    shown = len(re.findall(r"Medicine \d+ 500", said))
    assert f"+{40 - shown} more" in said


def test_blocks_lose_their_last_entries_the_first_block_last() -> None:
    blocks = [
        Block("A", [f"a{n}" for n in range(4)], joined=False),
        Block("B", [f"b{n}" for n in range(9)], joined=False),
    ]
    first, second = fitted(blocks, 50, 26)
    assert (len(first.entries), first.cut) == (4, 0)
    assert second.cut > 0
    assert len(second.entries) + second.cut == 9


def test_a_word_wider_than_its_line_is_broken_not_lost() -> None:
    lines = wrap("a" * 300, 6, 30)
    assert "".join(lines) == "a" * 300
    assert all(advance(line, 6) <= 30 for line in lines)


# ── the code ──────────────────────────────────────────────────────────────────────────────────────────


def test_the_code_holds_the_text_given_at_level_m(monkeypatch: pytest.MonkeyPatch) -> None:
    import segno

    given: list[tuple[str, dict[str, Any]]] = []
    make = segno.make_qr

    def noted(text: str, **more: Any) -> Any:
        given.append((text, more))
        return make(text, **more)

    monkeypatch.setattr(segno, "make_qr", noted)
    svg = card.svg(page(allergies=allergies(2), patient=page()["patient"] | {"name": "Zoë Ökonom"}))
    ((text, how),) = given
    assert text.startswith("EMERGENCY: Zoë Ökonom, born 1980-03-02")
    assert "://" not in text
    assert (how["error"], how["boost_error"], how["encoding"]) == ("m", False, "utf-8")
    assert path(code(text)).encode() in svg


@pytest.mark.parametrize(("version", "octets"), sorted(OCTETS_BY_VERSION.items()))
def test_so_many_bytes_fit_each_version(version: int, octets: int) -> None:
    assert code("x" * octets).version == version
    assert code("x" * (octets + 1)).version == version + 1


def test_a_code_is_chosen_that_the_screen_can_show() -> None:
    assert octets_within(80, 3) == OCTETS_BY_VERSION[14]
    assert octets_within(1000, 3) == OCTETS_BY_VERSION[PAPER_VERSION]
    assert octets_within(20, 3) == 0


# ── the page ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("paper", ["page", "card"])
def test_the_page_is_complete_in_itself_and_escaped(paper: str) -> None:
    evil = '<script>alert("x")</script>\u202e&'
    html = card.html(page(allergies=[entry(evil, life_threatening=True, reactions=[])]), paper).decode()
    assert "default-src 'none'" in html
    assert "<script" not in html
    assert "\u202e" not in html
    assert "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;" in html
    assert not re.search(r"(?:src|href)=|url\(|@import", html)
    assert ("size:85.6mm 53.98mm" in html) == (paper == "card")


def test_the_page_says_what_is_not_known_and_what_is_not_here() -> None:
    html = card.html(page(more={"problems": 7}, problems=[entry("Gout")])).decode()
    assert "no information (not the same as none)" in html
    assert "and 7 more, not on this page" in html
