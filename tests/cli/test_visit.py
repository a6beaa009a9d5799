"""`phr visit` as a person types it: the page, the files beside it, the questions, and what is refused."""

from __future__ import annotations

import os
import stat
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from phr.cli.text import width
from phr.cli.visit_when import said_day
from phr.errors import UsageError
from phr.model import Received
from phr.workspace import Workspace


def res(type_: str, id_: str, **elements: Any) -> Received:
    return Received(type_, id_, orjson.dumps({"resourceType": type_, "id": id_, **elements}))


def meeting(id_: str, day: str, who: str = "Elena Martinez, MD", status: str = "finished") -> Received:
    return res("Encounter", id_, status=status, period={"start": f"{day}T10:00:00Z"},
               participant=[{"individual": {"display": who}}], serviceProvider={"display": "Harrow Clinic"})  # fmt: skip


SECRET = "Paranoid delusion"


@pytest.fixture
def life(record: Workspace) -> Workspace:
    """A visit in 2024 at the clinic, and what another hospital and the person have told since."""
    with record.store() as store:
        store.save("k1", [meeting("e1", "2024-05-05"), meeting("e2", "2024-06-06", "Grace Lee, MD")])
        store.save(
            store.sources.ensure("hospital").key,
            [
                res("Condition", "pe", code={"text": "Pulmonary embolism"}, onsetDateTime="2025-01-05"),
                res("Condition", "evil", code={"text": "=cmd\x1b[2J <b>&\u202e"}, onsetDateTime="2025-01-06"),
                res("Condition", "secret", code={"text": SECRET}, onsetDateTime="2025-01-07"),
                res(
                    "Procedure",
                    "old",
                    status="completed",
                    code={"text": "Bypass"},
                    performedDateTime="2011-01-01",
                ),
            ],
        )
        row = store.db.execute("SELECT id FROM record WHERE title = ?", (SECRET,)).fetchone()
        store.own.correct(row[0], {"sensitivity": "restricted"})
        store.own.note(row[0], "Will they find out?")
    return record


def test_the_page_fits_the_screen_and_says_what_is_new(phr: Any, life: Workspace) -> None:
    told = phr("visit", "dr martinez", "--in", "3d")
    assert told.status == 0
    lines = told.out.splitlines()
    assert lines[0] == "For Elena Martinez, MD"
    assert all(width(line) <= 80 for line in lines)
    assert "New since the last visit on 2024-05-05" in lines
    assert any("Pulmonary embolism" in line and "from hospital" in line for line in lines)
    assert any("in 3 days" in line for line in lines)
    assert any("Bypass" in line for line in lines)  # what they do not have, however old
    assert "\x1b" not in told.out and "\u202e" not in told.out
    assert SECRET not in told.out and "1 record that you marked as private" in " ".join(told.err.split())
    assert "Will they find out?" in told.err and "find out" not in told.out


def test_json_has_every_part(phr: Any, life: Workspace) -> None:
    told = phr("visit", "Martinez", "--json").json
    asked = "schema whom last_visit next since new changed not_there questions files"
    assert set(asked.split()) <= set(told)
    assert told["whom"]["practitioners"] == ["Elena Martinez, MD"] and told["whom"]["sources"] == ["clinic"]
    assert told["last_visit"]["resource"] == "Encounter/e1" and told["next"] is None
    assert told["not_there"]["known"] and told["not_there"]["counts"]["problem"] == {"hospital": 2}
    assert SECRET not in str(told) and "find out" not in str(told) and told["files"] == []


def test_the_ccd_says_for_whom_it_is_and_both_files_have_the_same_facts(
    phr: Any, life: Workspace, tmp_path: Path
) -> None:
    pytest.importorskip("typst")
    from pypdf import PdfReader

    phr("visit", "Martinez", "--ask", "Stop the inhaler?")
    told = phr("visit", "Dr. Martinez", "--on", "2035-01-02", "--write", "--json")
    assert told.status == 0, told.err
    name = tmp_path / "visit-dr-martinez-2035-01-02"
    page, ccd = name.with_suffix(".pdf"), Path(f"{name}-ccd.xml")
    assert [Path(one["path"]).name for one in told.json["files"]] == [page.name, ccd.name]
    pdf = PdfReader(page)
    words = " ".join(" ".join(each.extract_text() for each in pdf.pages).split())
    xml = ccd.read_text()
    assert len(pdf.pages) == 1
    for fact in ("Pulmonary embolism", "Bypass"):
        assert fact in words and fact in xml
    assert "Stop the inhaler?" in words and "Stop the inhaler?" not in xml
    assert "<name>Elena Martinez, MD</name>" in xml and "intendedRecipient" in xml
    for file in (page, ccd):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert SECRET.encode() not in file.read_bytes() and b"find out" not in file.read_bytes()
    assert SECRET not in words


@pytest.mark.parametrize(
    ("whom", "inside"),
    [
        ("Dr. Martinez", "<informationRecipient>\n    <name>Dr. Martinez</name>"),
        ("Lakeside Clinic", "<receivedOrganization>\n    <name>Lakeside Clinic</name>"),
        ("pulmonology", "<receivedOrganization>\n    <name>pulmonology</name>"),
        ("Anna <b> & Co", "<name>Anna &lt;b&gt; &amp; Co</name>"),
    ],
)
def test_the_recipient_of_a_ccd_is_a_person_or_a_place(
    phr: Any, record: Workspace, tmp_path: Path, whom: str, inside: str
) -> None:
    assert phr("export", "--format", "ccd", "--for", whom, "-o", "x.xml").status == 0
    assert inside in (tmp_path / "x.xml").read_text()
    assert phr("export", "--format", "ccd", "-o", "y.xml").status == 0
    assert "intendedRecipient" not in (tmp_path / "y.xml").read_text()


def test_a_ccd_for_somebody_is_valid(phr: Any, life: Workspace, tmp_path: Path, judge: Any) -> None:
    for whom in ("Dr. Martinez", "Lakeside Clinic"):
        phr("export", "--format", "ccd", "--for", whom, "-o", "x.xml")
        assert judge((tmp_path / "x.xml").read_bytes(), tmp_path) == []


def test_neither_file_is_left_where_one_cannot_be_written(
    phr: Any, life: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from phr.exporters import ccd

    pytest.importorskip("typst")

    def broken(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ccd.CcdExporter, "write", broken)
    assert phr("visit", "Martinez", "-o", "away/").status == 1
    assert not (tmp_path / "away").exists()


@pytest.mark.parametrize(("ending", "word"), [(".txt", "Pulmonary embolism"), (".json", '"not_there"')])
def test_the_ending_of_a_file_says_its_form(
    phr: Any, life: Workspace, tmp_path: Path, ending: str, word: str
) -> None:
    file = tmp_path / f"page{ending}"
    assert phr("visit", "Martinez", "-o", file.name).status == 0
    text = file.read_text()
    assert word in text and SECRET not in text and "--ask" not in text and "find out" not in text
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(one.name for one in tmp_path.glob("page*")) == [file.name]


def test_questions_are_noted_listed_and_closed(phr: Any, life: Workspace) -> None:
    assert phr("visit", "Dr. Martinez", "--ask", "Stop the inhaler?").status == 0
    assert phr("visit", "--ask", "Is it inherited?", "--json").json["question"]["whom"] is None
    assert phr("visit", "Grace Lee", "--ask", "The knee?").status == 0
    page = phr("visit", "Martinez").out
    assert "Stop the inhaler?" in page and "Is it inherited?" in page and "The knee?" not in page
    assert phr("visit", "--answered", "1", "Not before winter").status == 0
    assert phr("visit", "Grace Lee", "--answered", "3").status == 0
    listed = {one["id"]: one for one in phr("visit", "--questions", "--json").json["questions"]}
    assert listed[1]["answer"] == "Not before winter" and listed[1]["answered"]
    assert listed[3]["answer"] is None and listed[3]["answered"]
    assert "Stop the inhaler?" not in phr("visit", "Martinez").out
    assert phr("visit", "--unask", "2").status == 0
    assert phr("visit", "--answered", "2").status == 2


def test_questions_for_one_person_stand_together(phr: Any, life: Workspace) -> None:
    for who in ("Elena", "Elena Martinez", "Grace Lee", "Nobody Known"):
        assert phr("visit", who, "--ask", f"For {who}?").status == 0
    lines = phr("visit", "--questions").out.splitlines()
    assert [line for line in lines if line[:1] != " "][:-1] == [
        "Elena Martinez, MD",
        "Grace Lee",
        "Nobody Known",
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("visit", "Dr. Zabriskie"), "Nobody in your record"),
        (("visit",), "no appointment that lies ahead"),
        (("visit", "Martinez", "--in", "soon"), "is not a time"),
        (("visit", "Martinez", "--on", "2020-01-01"), "in the past"),
        (("visit", "Martinez", "--on", "2099-13-01"), "not a date"),
        (("visit", "Martinez", "--on", "2035"), "is no day"),
        (("visit", "Martinez", "--in", "3d", "--on", "2035-01-01"), "same thing"),
        (("visit", "Elena", "Martinez"), "Only one name"),
        (("visit", "Martinez", "--ask", " "), "empty"),
        (("visit", "--answered", "9"), "no question 9"),
        (("visit", "Martinez", "--ask", "x?", "--questions"), "two things"),
        (("visit", "Martinez", "-o", "page"), "in which form"),
        (("visit", "Martinez", "-o", "nowhere/page.txt"), "no folder"),
        (("visit", "Martinez", "--write", "-o", "x/"), "both say where"),
        (("visit", "Martinez", "--ccd"), "--ccd belongs"),
        (("visit", "Martinez", "--source", "nowhere"), "no source named"),
    ],
)
def test_what_makes_no_sense_is_said_with_a_next_step(
    phr: Any, life: Workspace, words: tuple[str, ...], said: str
) -> None:
    told = phr(*words)
    assert told.status == 2 and said in told.err
    assert len(told.err.strip().splitlines()) >= 2, "a next step"


TODAY = date(2026, 1, 31)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("3d", 3),
        ("3", 3),
        ("2w", 14),
        ("in 10 days", 10),
        ("today", 0),
        ("tomorrow", 1),
        ("a week", 7),
        ("1m", 28),
        ("1y", 365),
    ],
)
def test_a_time_ahead_is_counted_from_today(text: str, days: int) -> None:
    assert said_day(text, None, TODAY) == TODAY + timedelta(days=days)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-02-03", "2026-02-03"),
        ("3 february", "2026-02-03"),
        ("next monday", "2026-02-02"),
        ("today", "2026-01-31"),
    ],
)
def test_a_day_is_understood_as_it_is_said(text: str, day: str) -> None:
    assert said_day(None, text, TODAY) == date.fromisoformat(day)


@pytest.mark.parametrize("text", ["0x3", "-3d", "3q", "9999y", "99999d", "d", "3.5d"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        said_day(text, None, TODAY)


def test_the_screen_is_calm_where_there_is_one_source(phr: Any) -> None:
    here = Workspace(os.environ)
    with here.store(create=True) as store:
        store.save(store.sources.ensure("clinic").key, [meeting("e1", "2024-05-05")])
    told = phr("visit", "Martinez").out
    assert "Nothing came into this record since then" in told
    assert "All of this comes from clinic" in told


def test_an_appointment_whose_day_cannot_be_read_is_said_to_be_one(
    phr: Any, life: Workspace, tmp_path: Path
) -> None:
    with life.store() as store:
        who = [{"actor": {"display": "Elena Martinez, MD"}, "status": "accepted"}]
        store.save("k1", [res("Appointment", "odd", status="booked", description="Lung review", start="2999-02-30",
                              end="2999-03-01T10:00:00Z", participant=who)])  # fmt: skip
    told = phr("visit", "dr martinez")
    assert told.status == 0 and "None:" not in told.out and " None" not in told.out.replace("None noted", "")
    assert "its day cannot be read in your record, Lung review" in " ".join(told.out.split())
    found = orjson.loads(phr("visit", "dr martinez", "--json").out)["next"]
    assert (found["date"], found["in_days"], found["title"]) == (None, None, "Lung review")
    folder = tmp_path / "out"
    assert phr("visit", "dr martinez", "--format", "markdown", "--no-ccd", "-o", f"{folder}/").status == 0
    (page,) = folder.iterdir()
    assert page.name.startswith("visit-dr-martinez-20") and "None" not in page.name + page.read_text()


def test_what_began_long_ago_is_not_the_next_appointment(phr: Any, life: Workspace) -> None:
    with life.store() as store:
        who = [{"actor": {"display": "Elena Martinez, MD"}, "status": "accepted"}]
        for id_, start in (("old", "2024-01-01T10:00:00Z"), ("new", "2998-01-01T10:00:00Z")):
            store.save("k1", [res("Appointment", id_, status="booked", description=id_, start=start,
                                  end="2999-01-01T10:00:00Z", participant=who)])  # fmt: skip
    assert orjson.loads(phr("visit", "dr martinez", "--json").out)["next"]["title"] == "new"
