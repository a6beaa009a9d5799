"""The part of a section that people read: tables, paragraphs, lists.

Only what the NarrativeBlock schema of CDA R2 allows is written: HTML from notes is cut down to paragraphs,
lists, tables and content, everything else keeps its words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html.parser import HTMLParser

from phr.ccda.xml import Child, Element, el
from phr.fhir import dates

NO_INFORMATION = "No information"
_UTC = ("Z", "z", "+00:00", "-00:00")


def day(value: object) -> str | None:
    """A date for the eye: `2024-05-03`, or as much of it as is known."""
    date = dates.parse(value)
    return date.text[:10] if date else None


def moment(value: object) -> str | None:
    """A date for the eye with its time of day, if known; it is the local one unless it says UTC."""
    date = dates.parse(value)
    if date is None:
        return None
    if date.precision in ("minute", "second") and date.text[11:16] != "00:00":
        zone = " UTC" if date.text.endswith(_UTC) else ""
        return f"{date.text[:10]} {date.text[11:16]}{zone}"
    return date.text[:10]


def span(start: object, end: object) -> str | None:
    """From when to when."""
    first_day, last_day = day(start), day(end)
    if last_day is None or first_day == last_day:
        return first_day
    return f"{first_day or '?'} to {last_day}"


def remarked(words: str | None, *remarks: str | None) -> str | None:
    """Words with what qualifies them in brackets: `Asthma (refuted, severe)`."""
    said = ", ".join(dict.fromkeys(remark for remark in remarks if remark))
    return f"{words} ({said})" if words and said else words or said or None


def bold(words: str) -> Element:
    """Words that should not be overlooked."""
    return el("content", words, styleCode="Bold")


def table(columns: Sequence[str], rows: Iterable[Element]) -> Element:
    """A table with a heading row."""
    return el(
        "table",
        el("thead", el("tr", [el("th", column) for column in columns])),
        el("tbody", list(rows)),
    )


def paragraphs(words: str) -> list[Element]:
    """Plain text: blank lines part paragraphs, other line ends are kept."""
    lines = words.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n\n")
    return [el("paragraph", _lines(block)) for block in re.split(r"\n\s*\n", lines) if block.strip()]


def _lines(block: str) -> list[Child]:
    content: list[Child] = []
    for line in block.strip("\n").split("\n"):
        if content:
            content.append(el("br"))
        content.append(line.rstrip())
    return content


def from_html(markup: str) -> list[Element]:
    """HTML or XHTML as narrative blocks."""
    reader = _HtmlReader()
    reader.feed(markup)
    reader.close()
    return reader.finish()


_SKIPPED = frozenset("script style head title svg object iframe template".split())
_BOLD = frozenset("b strong th h1 h2 h3 h4 h5 h6 dt caption legend".split())
_ITALIC = frozenset("i em cite".split())
_RAISED = frozenset(("sub", "sup"))
_BREAKING = frozenset(
    """p div section article header footer main aside h1 h2 h3 h4 h5 h6 pre blockquote address figure form
    fieldset hr dl dt dd center body html caption legend ul ol table""".split()
)


def _linked(address: str | None) -> bool:
    """Whether a link leads to a page or a mailbox, and runs nothing."""
    return re.match(r"(https?://|mailto:)\S+$", (address or "").strip(), re.IGNORECASE) is not None


class _HtmlReader(HTMLParser):
    """Reads any HTML without a tree: no nesting is too deep, no tag has to be closed."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._blocks: list[Element] = []
        self._inline: list[Child] = []
        self._lists: list[Element] = []
        self._table: Element | None = None
        self._row: Element | None = None
        self._styles: list[str] = []
        self._links: list[str | None] = []
        self._skipping = 0
        self._kept_space = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _SKIPPED:
            self._skipping += 1
        if tag in _BREAKING or tag in ("li", "tr", "td", "th"):
            self._end_block()
        if tag == "pre":
            self._kept_space += 1
        elif tag == "br":
            self._inline.append(el("br"))
        elif tag in ("ul", "ol") and self._table is None:
            self._lists.append(el("list", listType="ordered" if tag == "ol" else "unordered"))
        elif tag == "table" and not self._lists:
            self._table = self._table or el("table", el("tbody"))
        elif tag == "tr" and self._table is not None:
            self._end_row()
            self._row = el("tr")
        elif tag == "a":
            self._links.append(
                next((value for name, value in attrs if name == "href" and _linked(value)), None)
            )
        if tag in _BOLD or tag in _ITALIC or tag in _RAISED:
            self._styles.append("Bold" if tag in _BOLD else "Italics" if tag in _ITALIC else tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in _SKIPPED:
            self._skipping = max(0, self._skipping - 1)
        if tag in ("td", "th"):
            self._end_cell()
        elif tag in _BREAKING or tag == "li":
            self._end_block()
        if tag in _BOLD or tag in _ITALIC or tag in _RAISED:
            self._styles = self._styles[:-1]
        if tag == "a":
            self._links = self._links[:-1]
        if tag == "pre":
            self._kept_space = max(0, self._kept_space - 1)
        elif tag == "tr":
            self._end_row()
        elif tag == "table":
            self._end_table()
        elif tag in ("ul", "ol") and self._table is None:
            self._end_list()

    def handle_data(self, data: str) -> None:
        if self._skipping:
            return
        words: list[Child] = _lines(data) if self._kept_space else [re.sub(r"\s+", " ", data)]
        if not self._inline and not data.strip():
            return
        self._inline.append(self._dressed(words))

    def _dressed(self, words: list[Child]) -> Child:
        """Words as link, raised or lowered, bold or italic: the innermost counts."""
        link = self._links[-1] if self._links else None
        style = self._styles[-1] if self._styles else None
        plain = " ".join(each for each in words if isinstance(each, str))  # neither holds a line break
        if link:
            return el("linkHtml", plain, href=link.strip())
        if style in _RAISED:
            return el(style, plain)
        return el("content", words, styleCode=style) if style else words

    def _taken(self) -> list[Child]:
        inline, self._inline = self._inline, []
        while inline and isinstance(inline[-1], Element) and inline[-1].tag == "br":
            inline.pop()
        return inline

    def _end_block(self) -> None:
        if self._row is not None:  # a cell holds one run of text: blocks inside it become lines
            if self._inline:
                self._inline.append(el("br"))
            return
        inline = self._taken()
        if not inline:
            return
        if self._lists:
            self._lists[-1].children.append(el("item", inline))
        elif self._table is None:
            self._blocks.append(el("paragraph", inline))
        else:
            self._table.children[0].children.append(el("tr", el("td", inline)))  # type: ignore[union-attr]

    def _end_cell(self) -> None:
        if self._row is not None:
            self._row.children.append(el("td", self._taken()))

    def _end_row(self) -> None:
        if self._row is None or self._table is None:
            return
        if self._inline:
            self._end_cell()
        row, self._row = self._row, None
        body = self._table.children[0]
        if row.children and isinstance(body, Element):
            body.children.append(row)

    def _end_table(self) -> None:
        self._end_row()
        table_, self._table = self._table, None
        if table_ is not None and isinstance(table_.children[0], Element) and table_.children[0].children:
            self._blocks.append(table_)

    def _end_list(self) -> None:
        self._end_block()
        if not self._lists:
            return
        done = self._lists.pop()
        if not done.children:
            return
        if self._lists:
            self._lists[-1].children.append(el("item", done))
        else:
            self._blocks.append(done)

    def finish(self) -> list[Element]:
        """All blocks, with whatever was still open closed."""
        self._end_row()
        self._end_block()
        self._end_table()
        while self._lists:
            self._end_list()
        self._end_block()
        return self._blocks
