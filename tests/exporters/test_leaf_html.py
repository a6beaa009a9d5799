"""One page as HTML: everything is text, nothing runs, and widths need no inline style."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime
from hashlib import sha256

import pytest

from phr.exporters.about import About
from phr.exporters.leaf import Bullets, Figure, Heading, Leaf, Table, Words
from phr.exporters.leaf_html import to_html

EVIL = "</style><script>alert(1)</script>"
ABOUT = About(
    "an-id", datetime(2026, 3, 1, tzinfo=UTC), "phr", ("clinic",), ("since 2023",), {}, (("Claim", EVIL, 2),), "Dr. M"
)  # fmt: skip
SVG = '<?xml version="1.0" encoding="UTF-8"?>\n<svg><style>a{}</style><path d="M0 0"/></svg>'


def page(*blocks: object, about: About | None = ABOUT) -> str:
    return to_html(Leaf(f"Visit {EVIL}", "for <b>", blocks, about)).decode()  # type: ignore[arg-type]


def test_every_kind_of_block_is_there_and_all_of_it_is_text() -> None:
    body = page(
        Heading("New"),
        Heading("Deeper", 3),
        Words(EVIL, "alarm"),
        Words("quiet", "soft"),
        Bullets(("Ask <this>", "that"), boxes=True),
        Table(("What", "When"), (("▲ 7.1", "2024-05-06"), ("<i>", "2023")), (3, 1), "Results <x>"),
        Figure(SVG, 'a "line"', "From 2020"),
    )
    assert "<script" not in body and body.count("<style>") == 1
    assert "<h2>New</h2>" in body and "<h3>Deeper</h3>" in body
    assert '<p class="alarm">&lt;/style&gt;' in body and '<p class="soft">quiet</p>' in body
    assert '<ul class="boxes"><li>Ask &lt;this&gt;</li><li>that</li></ul>' in body
    assert '<td class="alarm">▲ 7.1</td><td class="day">2024-05-06</td>' in body
    assert '<col width="75.0%"/><col width="25.0%"/>' in body
    assert 'aria-label="a &quot;line&quot;"' in body and "<?xml" not in body
    assert "for Dr. M from: clinic." in body and "A selection: since 2023." in body
    assert "(2 times)" in body


def test_the_policy_allows_its_own_style_and_nothing_else() -> None:
    body = page(Words("x"))
    style = re.search(r"<style>(.*?)</style>", body, re.DOTALL)
    assert style
    hash_ = base64.b64encode(sha256(style[1].encode()).digest()).decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', body)
    assert policy
    assert f"style-src 'sha256-{hash_}';" in policy[1]
    assert "default-src 'none'" in policy[1] and "script-src" not in policy[1]
    assert " style=" not in body


@pytest.mark.parametrize(("rows", "size"), [(5, "roomy"), (50, "close"), (65, "small"), (200, "tiny")])
def test_letters_on_paper_are_as_large_as_there_is_room(rows: int, size: str) -> None:
    body = page(Table(("A", "B"), tuple(("x", "y") for _ in range(rows))), about=None)
    assert f'<body class="leaf {size}">' in body
    assert "<footer" not in body
