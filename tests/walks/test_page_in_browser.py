"""The page of a record in a real browser, without a network: search, filters, keys, charts, paper, and no complaint."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from pypdf import PdfReader
from tests.walks.chromium import Chromium, installed

from phr.exporters.base import Options
from phr.exporters.leaf import Bullets, Figure, Heading, Leaf, Table, Words
from phr.exporters.leaf_html import to_html
from phr.exporters.registry import write
from phr.model import Received
from phr.store.store import Store
from phr.views.selection import Selection

pytestmark = pytest.mark.browser

KEY = bytes(range(32))
PERSON = {"reference": "Patient/p"}
EVIL = '<img src=x onerror="alert(1)"></script><script>alert(2)</script><!-- \u2028'
FOUND = "[...document.querySelectorAll('#rows details')].filter(e => e.checkVisibility()).length"
TITLES = (
    "[...document.querySelectorAll('#rows details')].filter(e => e.checkVisibility())"
    ".map(e => e.querySelector('span:nth-child(3)').firstChild.data.trim())"
)
ON = "document.activeElement.textContent.replace(/\\s+/g, ' ')"


def _told(store: Store, source: str, type_: str, id_: str, **elements: Any) -> None:
    body = orjson.dumps({"resourceType": type_, "id": id_, **elements})
    store.save(store.sources.ensure(source).key, [Received(type_, id_, body)])


def _fill(store: Store) -> None:
    for source in ("clinic", "hospital"):
        _told(store, source, "Patient", "p", name=[{"text": "Ada Example"}], birthDate="1971-04-17")
    code = {"coding": [{"system": "http://loinc.org", "code": "718-7", "display": "Hemoglobin"}]}
    for year in range(2000, 2026):
        _told(
            store, "clinic", "Observation", f"o{year}", status="final", code=code, subject=PERSON,
            category=[{"coding": [{"code": "laboratory"}]}], effectiveDateTime=f"{year}-05-06",
            valueQuantity={"value": 9 + (year - 2000) / 5, "unit": "g/dL"},
            referenceRange=[{"low": {"value": 12, "unit": "g/dL"}, "high": {"value": 16, "unit": "g/dL"}}],
        )  # fmt: skip
    for number, title in enumerate(("Ménière disease", "Chest CT", "Factor V", EVIL)):
        _told(
            store, "hospital", "Condition", f"c{number}", code={"text": title}, subject=PERSON,
            onsetDateTime=f"2010-0{number + 1}-02", note=[{"text": f"More about {title}"}],
        )  # fmt: skip
    _told(
        store,
        "hospital",
        "Claim",
        "k",
        status="active",
        created="2011-01-02",
        type={"text": "Paid for everything"},
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pages: a record, and a leaf."""
    where = tmp_path_factory.mktemp("pages")
    with Store(
        where / "records.db", KEY, create=True, clock=lambda: datetime(2026, 3, 1, tzinfo=UTC)
    ) as store:
        _fill(store)
        out = io.BytesIO()
        write(store, "html", Selection(), out, Options())
    (where / "record.html").write_bytes(out.getvalue())
    table = Table(("What", "When"), tuple((f"▲ {number}", EVIL) for number in range(20)), (1, 3))
    figure = Figure(
        '<svg viewBox="0 0 9 9" width="90" height="90"><path d="M0 0h9v9z" fill="#000"/></svg>', "a line"
    )
    blocks = (Heading("New"), Words(EVIL, "alarm"), Bullets(("Ask", "Tell"), boxes=True), table, figure)
    (where / "leaf.html").write_bytes(to_html(Leaf("Visit", EVIL, blocks)))
    return where


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    path = installed()
    if path is None:
        pytest.skip("needs an installed Chromium")
    with ExitStack() as stack:
        try:
            opened = stack.enter_context(Chromium(path, tmp_path_factory.mktemp("chromium")))
        except (OSError, EOFError):  # TimeoutError is one of the first
            pytest.skip("needs a Chromium that starts here")
        yield opened


@pytest.fixture
def page(browser: Chromium, folder: Path) -> Iterator[Chromium]:
    """The record, opened anew. Whatever is done to it, the browser has nothing to complain of, and asks nobody."""
    browser.look(1280, 900)
    browser.open(folder / "record.html")
    yield browser
    assert browser.complaints == []
    assert browser.asked == [(folder / "record.html").as_uri()]


def _type(page: Chromium, words: str) -> list[str]:
    page.tell("document.getElementById('words').value = ''")
    page.press("/")
    page.type(words)
    return list(page.tell(TITLES))


def test_the_policy_is_kept_and_what_would_run_does_not(page: Chromium) -> None:
    assert page.tell(FOUND) == 31
    assert page.tell("document.images.length + document.querySelectorAll('iframe,object,link').length") == 0
    assert page.tell("document.scripts.length") == 2
    assert page.tell("document.body.textContent.includes('<img src=x onerror=')")
    blocked = page.tell(
        "new Promise(done => { document.addEventListener('securitypolicyviolation', e => done(e.effectiveDirective));"
        " fetch('http://127.0.0.1:9/').catch(() => 0); })"
    )
    assert blocked == "connect-src"
    page.complaints.clear()
    page.asked[1:] = []


@pytest.mark.parametrize(
    ("words", "titles"),
    [
        ("meniere", ["Ménière disease"]),
        ("MÉNIÈRE  dis", ["Ménière disease"]),
        ("ct", ["Chest CT"]),
        ("actor", ["Factor V"]),
        ("more about chest", ["Chest CT"]),
        ("march 2010", ["Factor V"]),
        ("hemoglobin 2003", ["Hemoglobin"]),
        ("718-7 2004", ["Hemoglobin"]),
        ("<!-- more", ["Problem <!--"]),
        ("chest hemoglobin", []),
    ],
)
def test_words_find_what_holds_all_of_them(page: Chromium, words: str, titles: list[str]) -> None:
    assert _type(page, words) == titles
    page.until(
        f"document.getElementById('found').textContent.startsWith('{len(titles)} of 31 records, with the words')"
    )
    assert page.tell("document.getElementById('none').checkVisibility()") is (not titles)


def test_filters_narrow_and_everything_comes_back(page: Chromium) -> None:
    def choose(list_: str, label: str) -> int:
        page.tell(
            f"(() => {{ const at = document.getElementById('{list_}');"
            f" at.value = [...at.options].find(one => one.text.startsWith('{label}')).value;"
            " at.dispatchEvent(new Event('change')); })()"
        )
        return int(page.tell(FOUND))

    assert choose("kind", "Problems") == 4
    assert choose("source", "clinic") == 0
    assert choose("kind", "All") == 26
    assert choose("year", "2005") == 1
    assert choose("year", "All") == 26
    page.tell("document.getElementById('outside').click()")
    assert page.tell(FOUND) == 15
    assert page.tell("document.querySelectorAll('#rows .year:not([hidden])').length") == 15
    page.tell("document.getElementById('clear').click()")
    assert page.tell(FOUND) == 31
    assert page.tell("document.getElementById('clear').hidden")


def test_keys_search_move_open_and_go_back(page: Chromium) -> None:
    page.press("/")
    assert page.tell("document.activeElement.id") == "words"
    page.type("2010")
    page.press("ArrowDown")
    assert "2010-05-06 lab result Hemoglobin" in page.tell(ON)
    page.press("j")
    assert "2010-04-02" in page.tell(ON)
    page.press("ArrowDown")
    page.press("k")
    page.press("Enter")
    assert page.tell("document.activeElement.parentNode.open")
    assert "More about" in page.tell("document.activeElement.nextElementSibling.innerText")
    page.press("Escape")
    assert not page.tell("document.activeElement.parentNode.open")
    page.press("Escape")
    assert page.tell(FOUND) == 31
    page.tell("document.activeElement.blur(); scrollTo(0, 0)")
    page.press("j")
    assert page.tell("document.activeElement.tagName") == "SUMMARY"


def test_letters_as_keys_can_be_switched_off(page: Chromium) -> None:
    page.tell("document.querySelector('.keys input').click()")
    page.press("/")
    assert page.tell("document.activeElement.id") != "words"


def test_charts_are_drawn_in_light_and_dark(page: Chromium) -> None:
    inks = (
        "[getComputedStyle(document.querySelector('#charts .c-line')).stroke,"
        " getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
    )
    assert page.tell("document.querySelectorAll('#charts svg').length") == 1
    assert page.tell("document.querySelector('#charts svg').getBoundingClientRect().height") > 200
    assert "Hemoglobin" in page.tell("document.querySelector('#charts svg > title').textContent")
    light = page.tell(inks)
    page.look(1280, 900, dark=True)
    assert not set(light) & set(page.tell(inks))


@pytest.mark.parametrize(("width", "phone"), [(390, True), (640, False), (320, True)])
def test_nothing_is_wider_than_a_narrow_window(page: Chromium, width: int, phone: bool) -> None:
    page.look(width, 844, phone=phone)
    assert page.tell("document.documentElement.scrollWidth") <= width
    assert page.tell("!document.getElementById('kind').checkVisibility()")
    page.tell("document.getElementById('filters').click()")
    assert page.tell("document.getElementById('kind').checkVisibility()")


def test_what_is_printed_is_whole_without_controls_or_says_what_was_chosen(page: Chromium) -> None:
    def paper() -> str:
        pages = PdfReader(io.BytesIO(page.paper())).pages
        return " ".join(" ".join(one.extract_text() for one in pages).split())

    whole = paper()
    assert all(f"{year}-05-06" in whole for year in range(2000, 2026))
    assert [year for year in range(2000, 2024) if whole.count(f"{year}-05-06") != 1] == [], "each one once"
    assert whole.count("More about Factor V") == 2, "what stands now, and its section"
    assert "Paid for everything" in whole and "The sections above have 30 of 31 records." in whole
    assert "Only a part" not in whole and "Show all" not in whole and "All kinds" not in whole
    _type(page, "meniere")
    part = paper()
    assert "Only a part of the timeline is printed: 1 of 31 records, with the words “meniere”." in part
    assert "Ménière disease" in part and "Ada Example" in part
    assert "Hemoglobin" not in part and "Everything in the record" not in part


def test_what_stands_now_comes_before_everything_else(page: Chromium) -> None:
    tops = page.tell(
        "['h1', '.bar', '#now', '#life', '#charts', '#problems', '#results', '#timeline', '#about']"
        ".map(one => document.querySelector(one).getBoundingClientRect().top)"
    )
    assert tops == sorted(tops) and len(set(tops)) == len(tops)
    rows = "[...document.querySelectorAll('#results tbody tr')].filter(e => e.checkVisibility()).length"
    assert page.tell(rows) == 8
    page.tell("document.querySelector('#results .fold').click()")
    assert page.tell(rows) == 26


def test_without_script_everything_is_there_to_read(page: Chromium, folder: Path) -> None:
    page.open(folder / "record.html", script=False)
    try:
        assert page.tell(FOUND) == 31
        assert not page.tell("document.getElementById('words').checkVisibility()")
        assert "need JavaScript" in page.tell("document.body.innerText")
    finally:
        page.do("Emulation.setScriptExecutionDisabled", value=False)


def test_a_leaf_is_one_sheet_and_nothing_in_it_runs(browser: Chromium, folder: Path) -> None:
    browser.open(folder / "leaf.html")
    printed = PdfReader(io.BytesIO(browser.paper()))
    assert len(printed.pages) == 1
    assert "<img src=x" in printed.pages[0].extract_text()
    assert browser.complaints == []
