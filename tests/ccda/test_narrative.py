"""Text, HTML and dates for the eye."""

from __future__ import annotations

from typing import Any

import pytest

from phr.ccda.narrative import day, from_html, moment, paragraphs, span
from phr.ccda.xml import Element, el, serialize


def _markup(markup: str) -> str:
    whole = serialize(el("text", from_html(markup))).decode()
    return "".join(line.strip() for line in whole.splitlines()[1:]).split(">", 1)[1].removesuffix("</text>")


@pytest.mark.parametrize(
    ("html", "narrative"),
    [
        ("<p>One</p><p>Two</p>", "<paragraph>One</paragraph><paragraph>Two</paragraph>"),
        ("bare words", "<paragraph>bare words</paragraph>"),
        ("<div>a<br/>b</div>", "<paragraph>a<br/>b</paragraph>"),
        ("<p>a <b>bold</b></p>", '<paragraph>a <content styleCode="Bold">bold</content></paragraph>'),
        ("<p>un<i>closed", '<paragraph>un<content styleCode="Italics">closed</content></paragraph>'),
        ("<script>x()</script><style>p{}</style>kept", "<paragraph>kept</paragraph>"),
        ("<ul><li>a<li>b</ul>", '<list listType="unordered"><item>a</item><item>b</item></list>'),
        ("fish &amp; chips &lt;3", "<paragraph>fish &amp; chips &lt;3</paragraph>"),
        ("<a href='javascript:x'>link</a>", "<paragraph>link</paragraph>"),
        ("", ""),
        ("<table></table>", ""),
    ],
)
def test_html_becomes_narrative_blocks(html: str, narrative: str) -> None:
    assert _markup(html) == narrative


def test_a_table_stays_a_table() -> None:
    html = "<table><thead><tr><th>Test</th></tr></thead><tbody><tr><td>Hb</td><td>14<p>g/dL</p></td></tr></tbody></table>"

    cells = (
        '<tr><td><content styleCode="Bold">Test</content></td></tr><tr><td>Hb</td><td>14<br/>g/dL</td></tr>'
    )
    assert _markup(html) == f"<table><tbody>{cells}</tbody></table>"


def test_a_nested_list_stays_inside() -> None:
    found = _markup("<ol><li>a<ul><li>b</li></ul></li></ol>")

    assert found == (
        '<list listType="ordered"><item>a</item><item><list listType="unordered"><item>b</item></list></item></list>'
    )


def test_no_nesting_is_too_deep() -> None:
    assert "deep" in _markup("<div>" * 20_000 + "deep")


def test_plain_text_keeps_its_lines() -> None:
    blocks = paragraphs("Chief complaint:\r\ncough\n\n\nPlan:\f rest\n")

    assert [block.children for block in blocks] == [
        ["Chief complaint:", el("br"), "cough"],
        ["Plan:"],
        [" rest"],
    ]


def test_dates_read_as_people_write_them() -> None:
    assert day("2024-05-03T10:20:30Z") == "2024-05-03"
    assert day("2024") == "2024"
    assert day("soon") is None
    assert moment("2024-05-03T10:20:30Z") == "2024-05-03 10:20 UTC"
    assert moment("2024-05-03T10:20:30-04:00") == "2024-05-03 10:20"
    assert moment("2024-05-03T00:00:00Z") == "2024-05-03"
    assert span("2024-05-03", "2024-06") == "2024-05-03 to 2024-06"
    assert span("2024-05-03", "2024-05-03T11:00:00Z") == "2024-05-03"
    assert span(None, "2024") == "? to 2024"
    assert span(None, None) is None


def test_links_and_raised_words_stay_and_what_runs_does_not() -> None:
    markup = '<p>10<sup>9</sup>, see <a href="https://x.example/a">here</a> or <a href="javascript:x()">there</a></p>'
    block = from_html(markup)[0]
    inner = [(each.tag, each.attributes) for each in block.children if isinstance(each, Element)]

    assert inner == [("sup", {}), ("linkHtml", {"href": "https://x.example/a"})]


def test_a_note_without_a_name_has_no_author_of_another(write: Any) -> None:
    told = {
        "resourceType": "Provenance",
        "target": [{"reference": "Condition/c"}],
        "agent": [{"type": {"coding": [{"code": "author"}]}, "who": {"display": "Ida Penn"}}],
    }
    note = {"text": "Better", "time": "2026-01-02"}
    document = write(
        {"resourceType": "Condition", "id": "c", "code": {"text": "Asthma"}, "note": [note]}, told
    )

    assert "Ida Penn" not in "".join(document.one("//c:act[c:code/@code='48767-8']").itertext())
