"""What is pressed into a PDF: text stays text, and no character of a record can stop it."""

from __future__ import annotations

import io
import sys
from datetime import UTC, datetime
from typing import Any

import pytest
from pypdf import PdfReader
from tests.exporters.paper import kinds, opened, words

from phr.errors import PhrError
from phr.exporters import press as pressing
from phr.exporters.pdf_blocks import heading, tables
from phr.exporters.press import pages, press

MADE = datetime(2026, 3, 1, tzinfo=UTC)


def _pressed(*said: Any, **how: Any) -> bytes:
    blocks = [heading("Title", 1), *({"k": "p", "t": one} if isinstance(one, str) else one for one in said)]
    frame = {"blocks": blocks, "head_left": "", "head_right": "", "foot": ""}
    return press("record", frame, title="A paper", made=MADE, **how)


@pytest.mark.parametrize(
    "said",
    [
        '#eval("1+1")', "*bold* _slanted_", "$x^2$", "@someone", "<b>bold</b>", "<label>", "= Heading", "// comment",
        "/* comment */", "`code`", "#include \"/etc/passwd\"",
        "[content] {code}", "- item + item", "a \\ b \\u{41}", "~ --- '",
    ],
)  # fmt: skip
def test_markup_in_a_record_stays_text(said: str) -> None:
    pdf = _pressed(said, {"k": "ul", "items": [said]}, *tables(["A"], [[said]]), heading(said, 2))

    assert words(pdf).count(said) >= 4


@pytest.mark.parametrize(
    ("said", "shown", "counted"),
    [
        ("\u4f60\u597d", "[U+4F60][U+597D]", 2),
        ("\U0010fffd", "[U+10FFFD]", 1),
        ("half \ud83d", "half [U+D83D]", 1),
        ("bell \x07\x1b[31m", "bell [31m", 0),
        ("\u202eevil\u202c", "evil", 0),
        (
            "caf\u00e9 \u2265 5 \u00b5g \u2014 \u03b1\u2082",
            "caf\u00e9 \u2265 5 \u00b5g \u2014 \u03b1\u2082",
            0,
        ),
        ("a\x0b\x0cb", "ab", 0),
    ],
)
def test_what_no_font_shows_stands_as_its_number_and_is_counted(
    said: str, shown: str, counted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = pressing._tried  # the fonts of this computer are another computer's gap
    monkeypatch.setattr(pressing, "_tried", lambda letters, *, system: alone(letters, system=False))

    told = words(_pressed(said))

    assert shown in told
    assert ("could not be printed" in told) == bool(counted)
    if counted:
        assert f"{counted} character" in told


@pytest.mark.parametrize(
    "said",
    ["1\ufe0f\u20e3", "\U0001f469\u200d\U0001f469\u200d\U0001f467 x",
     "\u0627\u0644\u0639\u0631\u0628\u064a\u0629 12.5 (test)",
     "\u05e2\u05d1\u05e8\u05d9\u05ea", "a\u0301\u0323", "\u0301",
     "\u200d", "\u0e44\u0e17\u0e22", "\ue000", "\ufffe\uffff", "\x00", ""],
)  # fmt: skip
def test_no_text_stops_the_paper(said: str) -> None:
    assert pages(_pressed(said, *tables(["A"], [[said]]), heading(f"x{said}", 2))) == 1


def test_a_long_word_stays_on_its_page() -> None:
    told = words(_pressed(*tables(["One", "Two"], [["W" * 400, "b"]], widths=[1, 1])))

    assert told.replace(" ", "").count("W") == 400
    assert "b" in told


@pytest.mark.parametrize(
    "said",
    [
        "somebody.with.a.name@quillfeather.example",
        "http://hl7.org/fhir/NamingSystem/gs1-identifiers-of-devices",
        "A" * 60,
    ],
)
def test_what_is_copied_is_whole(said: str) -> None:
    """As much of it as stands on one line; where a narrow column breaks it, no character is put in."""
    pdf = _pressed(said, {"k": "ul", "items": [said]}, *tables(["One", "Two"], [[said, "b"]], widths=[1, 9]))
    text = "".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)

    assert text.count(said) >= 2
    assert "\u200b" not in text and text.replace("\n", "").count(said) == 3


def test_a_row_and_what_stands_below_it_stay_on_one_page() -> None:
    rows = [[f"name-{at}.", "52 %", "\n".join(f"line-{at}.{one}." for one in range(4))] for at in range(90)]

    reader = PdfReader(io.BytesIO(_pressed(*tables(["Name", "Value"], rows))))

    assert len(reader.pages) > 3
    for text in (page.extract_text() for page in reader.pages):
        names, first, last = (
            {at for at in range(90) if part.format(at) in text}
            for part in ("name-{}.", "line-{}.0.", "line-{}.3.")
        )
        assert names == first == last


def test_a_character_that_no_font_shows_is_a_question_mark_in_a_picture() -> None:
    svg = '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="30"><text x="5" y="20">mg/\U0010fffd</text></svg>'

    pdf = _pressed({"k": "fig", "file": "a.svg", "alt": "A picture"}, pictures={"a.svg": svg})

    assert "mg/?" in words(pdf)
    assert "/Figure" in kinds(opened(pdf))


def test_the_same_gives_the_same_bytes() -> None:
    assert _pressed("One") == _pressed("One") != _pressed("Two")


def test_the_language_and_the_title_are_those_that_were_said() -> None:
    pdf = opened(_pressed("Guten Tag", lang="de-CH"))

    assert str(pdf.Root.Lang) == "de-CH"
    assert opened(_pressed("x", lang='en"; #1')).Root.Lang == "en"


def test_without_typst_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "typst", None)

    with pytest.raises(PhrError) as raised:
        _pressed("One")

    assert raised.value.hint == "pip install typst" or "pip install typst" in str(raised.value.hint)


def test_what_typst_says_of_a_record_stays_in_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pressing, "_paper", lambda name: b'#panic(json("data.json").blocks.at(1).t)')

    with pytest.raises(PhrError) as raised:
        _pressed("Zorblattosis")

    assert "Zorblattosis" not in repr(raised.value) + str(raised.value) + repr(raised.value.__cause__)


@pytest.mark.parametrize("said", ["word " * 1_000_000, "a\n" * 200_000])
def test_a_megabyte_in_one_field_is_cut_and_the_page_says_so(said: str) -> None:
    text = words(_pressed(said))
    assert "cut here" in text
    assert len(text) < 30_000
