"""One page on paper: tagged, in order, and the same in black and white; the emergency page and its card."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from tests.exporters.paper import elements, kinds, opened, words

from phr.exporters import card_pdf
from phr.exporters.about import About
from phr.exporters.leaf import Bullets, Figure, Heading, Leaf, Table, Words
from phr.exporters.leaf_pdf import to_pdf
from phr.exporters.press import pages
from phr.model import Received
from phr.store.store import Store

SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="90" height="30"><path d="M1 1h80" stroke="#000"/></svg>'
ABOUT = About(
    "id", datetime(2026, 3, 1, tzinfo=UTC), "phr", ("clinic",), ("since 2023",), {}, (), "Dr. Example"
)
LEAF = Leaf(
    "For the visit",
    "Dr. Example, 2026-03-04",
    (
        Words("Call before you come", "alarm"),
        Heading("Deep", 4),
        Heading("Higher", 2),
        Words("soft words", "soft"),
        Bullets(("Ask about #eval(1)", "And this"), boxes=True),
        Bullets(()),
        Table(("Test", "Value"), (("FEV1", "▼ 1.59 L"), ("short",)), caption="Measured"),
        Figure(SVG, "A line", "The line"),
        Figure(SVG, ""),
    ),
    ABOUT,
)


def test_every_block_is_there_as_text() -> None:
    told = words(to_pdf(LEAF))

    for said in (
        "For the visit",
        "Call before you come",
        "Ask about #eval(1)",
        "▼ 1.59 L",
        "The line",
        "Measured",
    ):
        assert said in told
    assert "Made on 2026-03-01 for Dr. Example from: clinic." in told
    assert "A selection: since 2023." in told


def test_headings_come_in_order_and_pictures_say_what_they_are() -> None:
    pdf = opened(to_pdf(LEAF))
    found = kinds(pdf)

    assert [one for one in found if one[:2] == "/H" and one[2:].isdigit()] == ["/H1", "/H2", "/H2"]
    assert [str(one.Alt) for one in elements(pdf) if one.S == "/Figure"] == [
        "A line",
        "A picture without a description",
    ]
    assert found.count("/TH") == 2 and found.count("/TD") == 4


def test_a_leaf_of_nothing_is_a_page() -> None:
    assert pages(to_pdf(Leaf("Title", "", ()))) == 1


@pytest.fixture
def emergency(store: Store, source: str, received: Callable[..., Received]) -> dict[str, object]:
    from phr.exporters.card_qr import PAPER_OCTETS
    from phr.views.emergency import emergency as essentials
    from phr.views.emergency_text import text

    subject = {"subject": {"reference": "Patient/p"}}
    active = {"clinicalStatus": {"coding": [{"code": "active"}]}}
    store.save(
        source,
        [
            received("Patient", "p", name=[{"text": "Ada Example"}], birthDate="1971-04-17"),
            received("AllergyIntolerance", "a", criticality="high", code={"text": "Penicillin"},
                     patient={"reference": "Patient/p"}, **active),
            *(received("Condition", f"c{at}", code={"text": f"Problem number {at} of many"}, **active, **subject)
              for at in range(60)),
        ],
    )  # fmt: skip
    page = essentials(store)
    return page | {"text": text(page, PAPER_OCTETS)}


def test_the_emergency_page_is_one_sheet_with_a_code_and_a_card(emergency: dict[str, object]) -> None:
    body = card_pdf.to_pdf(emergency)
    pdf = opened(body)

    assert pages(body) == 1
    assert "! Allergies that threaten life • Penicillin" in words(body)
    assert "more, not on this page" in words(body)
    assert len([one for one in elements(pdf) if one.S == "/Figure" and str(one.Alt)]) == 3
    assert str(pdf.Root.Metadata.read_bytes()).count("Emergency: Ada Example") == 1


def test_the_card_alone_has_its_true_size(emergency: dict[str, object]) -> None:
    pdf = opened(card_pdf.to_pdf(emergency, "card"))

    sizes = [[round(float(edge) / 72 * 25.4, 1) for edge in page.MediaBox[2:]] for page in pdf.pages]
    assert sizes == [[85.6, 54.0], [85.6, 54.0]]
