"""A page as Markdown: each kind of block is what it should be, and no text becomes more than text."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from markdown_it import MarkdownIt

from phr.exporters.about import About
from phr.exporters.leaf import Bullets, Figure, Heading, Leaf, Table, Words
from phr.exporters.leaf_markdown import to_markdown

WICKED = [
    "# x",
    "- x",
    "1. x",
    "| a",
    "`x`",
    "[a](b)",
    "<img src=x>",
    "***",
    "&lt;",
    "a\n===",
    "a\n\n> b",
    "x\\",
]


def types(text: str) -> list[str]:
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    return [one.type for token in tokens for one in (token, *(token.children or ()))]


def leaf(text: str = "Words") -> Leaf:
    blocks = (
        Heading(text),
        Heading(text, 3),
        Words(text),
        Words(text, "alarm"),
        Bullets((text, text)),
        Bullets((text,), boxes=True),
        Table(("Day", text), ((text, text), ("▲ 5",)), caption=text),
        Figure("<svg/>", alt=text, caption=text),
    )
    about = About("id", datetime(2026, 3, 1, tzinfo=UTC), "phr", ("clinic",), (), {}, whom=text)
    return Leaf(text, text, blocks, about)


def test_each_block_is_written_as_what_it_is() -> None:
    written = to_markdown(leaf())
    found = types(written)

    assert [found.count(one) for one in ("heading_open", "list_item_open", "table_open", "tr_open")] == [
        3,
        3,
        1,
        3,
    ]
    assert "- [ ] Words" in written
    assert "**Words**" in written
    assert "<svg" not in written
    assert "| ▲ 5 |   |" in written
    assert "Made on 2026-03-01 for Words from: clinic." in written
    assert "No clinician has signed it" in written
    assert written.endswith("\n")
    assert not written.endswith("\n\n")


@pytest.mark.parametrize("wicked", WICKED)
def test_text_changes_nothing_in_the_structure(wicked: str) -> None:
    plain, found = types(to_markdown(leaf())), types(to_markdown(leaf(wicked)))
    blocks = (
        "heading_open",
        "list_item_open",
        "table_open",
        "tr_open",
        "td_open",
        "paragraph_open",
        "hr",
        "blockquote_open",
    )
    assert [found.count(one) for one in blocks] == [plain.count(one) for one in blocks]
    assert not {"link_open", "image", "html_inline", "html_block", "code_inline", "fence", "em_open"} & set(
        found
    )
