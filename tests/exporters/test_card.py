"""The emergency card: everything fits, what does not is counted, and nothing in it comes from elsewhere."""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from phr.exporters import card, card_parts
from phr.exporters.card_face import POINT, Block, advance, fitted, wrap
from phr.exporters.card_parts import _height, laid_out
from phr.exporters.card_qr import OCTETS_BY_VERSION, PAPER_VERSION, code, octets_within, path

SVG = "{http://www.w3.org/2000/svg}"


def entry(title: str, **more: Any) -> dict[str, Any]:
    bare = {
        "title": title, "kind": "problem", "description": None, "codes": [], "date": "2025-01-02", "value": None,
        "value_text": None, "unit": None, "since": "2020", "sources": ["clinic"], "facility": None,
    }  # fmt: skip
    return bare | more


def page(**more: Any) -> dict[str, Any]:
    patient = {"name": "Ada Example", "birth_date": "1980-03-02", "age": 45, "sex": "female"}
    parts = {
        "patient": patient, "blood_type": None, "allergies": [], "none_known_allergies": [], "medications": [],
        "none_known_medications": [], "not_to_be_taken": [], "problems": [], "devices": [], "directives": [],
        "contacts": [], "doctor": None, "insurance": [], "baseline": [], "sources": ["clinic"], "own_sources": [],
        "newest": "2026-01-01",
        "made": "2026-03-01T00:00:00Z", "more": {},
    }  # fmt: skip
    return parts | more


def allergies(number: int, *, grave: bool = False) -> list[dict[str, Any]]:
    return [entry(f"Allergen number {n}", life_threatening=grave, reactions=[]) for n in range(number)]


def medicines(number: int, **more: Any) -> list[dict[str, Any]]:
    sure = {
        "class": None,
        "still_taking": False,
        "dose": None,
        "doubt": None,
        "unrenewed": None,
        "last_seen": None,
    }
    return [entry(f"Medicine {n} 500 mg tablet", **sure | more) for n in range(number)]


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


def back_and_front(**more: Any) -> tuple[str, str]:
    """The words of both sides."""
    found = texts(card.svg(page(**more)))
    at = found.index("MEDICINES")
    return " ".join(found[:at]), " ".join(found[at:])


BASELINE = [
    entry("x", label=f"Last value {n}", value=n, value_text=str(n), unit="mg/dL", kind="lab_result")
    for n in range(7)
]
OLD = {"unrenewed": "prescribed 2018-02-13, no sign of it since", "last_seen": "2018-02-13"}


def test_what_a_rescuer_needs_has_its_place_beside_many_old_medicines() -> None:
    named = [
        "Alpha-1-antitrypsin deficiency",
        "Essential hypertension",
        "Pulmonary emphysema",
        "Hyperlipidemia",
        "Dyspnea",
    ]
    sides = back_and_front(
        allergies=allergies(2, grave=True),
        problems=[entry(name) for name in named],
        baseline=BASELINE,
        contacts=[{"text": "Bo Example, sister, 555 0101"}, {"text": "Cy Example, neighbour, 555 0102"}],
        doctor={"name": "Dr. Di Sample", "phone": "555 0103"},
        insurance=[entry("Insurer of the whole valley", member="BLH1")],
        devices=[entry("Venous port")],
        medications=[*medicines(1), *medicines(7, **OLD)],
    )  # fmt: skip
    front, back = (side.replace("\xa0", " ") for side in sides)
    assert all(word in front for name in named for word in name.split())
    assert all(number in front for number in ("555 0101", "555 0102", "555 0103"))
    said = f"{front} {back}".replace("\xa0", " ")
    assert all(f"Value {n} {n} mg/dL" in said for n in range(7))
    assert "Insurer" in back
    assert "BLH1" in back
    assert "see the page" not in said


def test_problems_without_room_on_the_front_stand_on_the_back() -> None:
    named = [f"Illness-{n} of the second kind" for n in range(9)]
    front, back = back_and_front(
        allergies=allergies(16, grave=True), problems=[entry(name) for name in named]
    )
    assert "more: back" in front or "Illness" not in front
    assert all(name.split()[0] in front + back for name in named)


def test_what_is_taken_stands_apart_from_what_one_has_to_ask_about() -> None:
    _, back = back_and_front(medications=[*medicines(1), medicines(1, **OLD)[0] | {"title": "Amlodipine"}])
    takes, _, asks = back.partition("ASK ABOUT")
    assert "Medicine 0" in takes
    assert "Amlodipine" not in takes
    assert "Amlodipine (2018-02)" in asks


def test_the_patients_own_word_bears_a_mark_and_the_mark_is_explained() -> None:
    corrected = entry(
        "x", label="ALT", value=50, value_text="50", unit="U/L", corrected=["value"], kind="lab_result"
    )
    front, back = back_and_front(baseline=[corrected], medications=medicines(1, own=True))
    assert "50\xa0U/L*" in front
    assert "* says the patient" in front
    assert "tablet*" in back
    assert "* says the patient" in back
    html = card.html(page(baseline=[corrected])).decode()
    assert "50 U/L*" in html
    assert "* says the patient" in html
    plain, _ = back_and_front(baseline=[entry("Pi*ZZ", label="Genotype", kind="lab_result")])
    assert "says the patient" not in plain, "an asterisk of a genotype is no mark"


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


@pytest.mark.parametrize("number", [0, 2, 12, 60, 150])
def test_the_page_is_reckoned_to_be_one_and_what_goes_is_counted(number: int) -> None:
    full = page(
        allergies=allergies(min(number, 20)),
        medications=[*medicines(number, dose="one in the morning"), *medicines(number, **OLD)],
        problems=[entry(f"Problem {n}") for n in range(number)],
        baseline=BASELINE,
        contacts=[{"text": f"Contact {n}, 555 0{n}"} for n in range(min(number, 8))],
    )
    laid = laid_out(full)
    assert _height(laid) <= card_parts.HEIGHT
    assert laid.points >= 8
    shown = [part for column in laid.columns for part in column]
    for label, all_of_it in (("Takes", number), ("Problems", number)):
        parts = [part for part in shown if part.label == label]
        assert sum(len(part.entries) + part.more for part in parts) == max(all_of_it, label == "Takes")
    if number == 2:
        assert laid.points == card_parts.SIZES[0]


@pytest.mark.parametrize("paper", ["a4", "letter"])
def test_a_browser_prints_one_page(tmp_path: Path, paper: str) -> None:
    names = ("chromium", "chromium-browser", "google-chrome", "chrome", "headless_shell")
    browser = next((found for name in names if (found := shutil.which(name))), None)
    if browser is None:
        pytest.skip("needs an installed Chromium")
    full = page(
        allergies=allergies(4, grave=True),
        medications=[*medicines(12, dose="one in the morning"), *medicines(14, dose="one at night", **OLD)],
        problems=[entry(f"Problem number {n}") for n in range(30)],
        baseline=BASELINE,
        contacts=[{"text": f"Contact {n}, 555 0{n}"} for n in range(3)],
    )
    html = card.html(full).decode().replace("@page{margin:10mm}", f"@page{{margin:10mm;size:{paper}}}")
    (tmp_path / "page.html").write_text(html)
    flags = "--headless --no-sandbox --disable-gpu --no-pdf-header-footer"
    made = tmp_path / "page.pdf"
    command = [browser, *flags.split(), f"--user-data-dir={tmp_path / 'profile'}", f"--print-to-pdf={made}"]
    with contextlib.suppress(subprocess.TimeoutExpired):
        subprocess.run(
            [*command, (tmp_path / "page.html").as_uri()], capture_output=True, timeout=60, check=False
        )
    if not made.exists():
        pytest.skip("Chromium printed nothing on this machine")
    assert re.findall(rb"/Count (\d+)", made.read_bytes()) == [b"1"]


def test_the_page_says_what_is_not_known_and_what_is_not_here() -> None:
    html = card.html(page(more={"problems": 7}, problems=[entry("Gout")])).decode()
    assert "no information (not the same as none)" in html
    assert "and 7 more, not on this page" in html


def test_a_part_alone_stands_on_the_left() -> None:
    laid = laid_out(page())

    assert [part.label for part in laid.columns[0] if part.entries] == ["Takes"]
    assert not any(part.entries for part in laid.columns[1])


def test_words_of_a_million_letters_are_cut_before_they_are_measured_and_that_is_said() -> None:
    import time

    long = "W" * 1_000_000
    taken = [one | {"dose": "d " * 500_000} for one in medicines(2)]
    grave = [entry("x " * 500_000, life_threatening=False, reactions=[])]
    told = page(problems=[entry(long)], medications=taken, allergies=grave)
    began = time.process_time()
    made = card.html(told).decode()
    assert len(wrap(long, 6, 80)) > 10_000  # and without the cut it is one pass
    assert time.process_time() - began < 5
    assert len(made) < 200_000 and made.count("(cut: too long)") >= 3


def test_what_is_wrapped_fits_and_loses_nothing() -> None:
    words = (
        "Trimethoprim/sulfamethoxazole WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW a b c d e f g h i j " * 3
    )
    for bold in (True, False):
        lines = wrap(words, 7, 40, bold=bold)
        assert "".join(lines).replace(" ", "") == words.replace(" ", "")
        assert all(advance(line, 7, bold=bold) <= 40 for line in lines)
        assert max(advance(line, 7, bold=bold) for line in lines) > 30
