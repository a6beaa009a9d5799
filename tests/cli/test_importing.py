"""`phr import` on a terminal and in words: the question whose file it is, and what came of each section."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from phr.cli.import_report import file_lines
from phr.cli.text import Screen
from phr.workspace.import_job import ImportedFile

PLAIN = Screen(None, colour=False)


def record(path: Path, given: str, born: str, text: str) -> str:
    rows = [
        {"resourceType": "Patient", "id": given, "name": [{"family": "Quill", "given": [given]}], "birthDate": born},
        {"resourceType": "Condition", "id": "c", "code": {"text": text}, "subject": {"reference": f"Patient/{given}"}},
    ]  # fmt: skip
    path.write_bytes(b"\n".join(map(orjson.dumps, rows)))
    return str(path)


@pytest.mark.parametrize(("typed", "status", "records"), [("yes\n", 0, 2), ("no\n", 2, 1), ("\n", 2, 1)])
def test_on_a_terminal_somebody_is_asked_whether_a_strangers_file_belongs_here(
    phr: Any,
    on_a_terminal: Callable[..., tuple[int, str]],
    tmp_path: Path,
    typed: str,
    status: int,
    records: int,
) -> None:
    phr("import", record(tmp_path / "a.ndjson", "Ada", "1970-12-31", "Asthma"))
    ended, seen = on_a_terminal(
        "import", record(tmp_path / "b.ndjson", "Tim", "2010-01-02", "Gout"), typed=typed
    )
    assert ended == status
    assert "about another person than this record" in seen
    assert "Tim Quill, 2010-01-02" in seen, "whoever decides has to know between whom"
    assert "Ada Quill, 1970-12-31" in seen
    assert phr("timeline", "--json").json["total"] == records
    assert ("Nothing was changed" in seen) is (status == 2)
    assert "Error" not in seen, "to say no is none"


@pytest.mark.parametrize(
    ("typed", "status", "title"), [("2\n", 0, "Gout"), ("9\n", 2, None), ("\n", 2, None)]
)
def test_on_a_terminal_somebody_is_asked_whose_data_to_take(
    phr: Any,
    on_a_terminal: Callable[..., tuple[int, str]],
    tmp_path: Path,
    typed: str,
    status: int,
    title: str | None,
) -> None:
    for given, born, text in (("Ada", "1970-12-31", "Asthma"), ("Tim", "2010-01-02", "Gout")):
        record(tmp_path / f"{given}.ndjson", given, born, text)
    both = tmp_path / "both.ndjson"
    lines = [(tmp_path / f"{given}.ndjson").read_bytes() for given in ("Ada", "Tim")]
    both.write_bytes(b"\n".join(lines).replace(b'"id":"c"', b'"id":"c1"', 1))
    ended, seen = on_a_terminal("import", str(both), typed=typed)
    assert ended == status
    assert "1. Ada Quill, 1970-12-31" in seen and "2. Tim Quill, 2010-01-02" in seen
    if title:
        assert [one["title"] for one in phr("timeline", "--json").json["events"]] == [title]
    alone = phr("import", str(both))
    assert (alone.status, "holds 2 patients" in alone.err) == (2, True), "nobody can be asked"


def test_on_a_terminal_what_comes_is_counted_once(
    on_a_terminal: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    types = ("Condition", "Procedure", "Goal")
    rows = [
        {"resourceType": types[n % 3], "id": f"c{n}", "code": {"text": f"Kind {n}"}} for n in range(3_000)
    ]
    path = tmp_path / "many.ndjson"
    path.write_bytes(b"\n".join(map(orjson.dumps, rows)))
    _, seen = on_a_terminal("import", str(path))
    counts = [
        [int(word.replace(",", "")) for word in found]
        for found in re.findall(r"([\d,]+) came, ([\d,]+) new", seen)
    ]
    assert counts and all(new <= came <= 3_000 for came, new in counts)


SECTIONS = [
    {"section": "11450-4", "title": "Problems", "found": 3, "made": {"Condition": 2},
     "skipped": [{"reason": "it says nothing", "count": 1}]},
    {"section": "11450-4", "title": "Problem list", "found": 1, "made": {"Condition": 1}, "skipped": []},
    {"section": None, "title": None, "found": 1, "made": {}, "skipped": [{"reason": "no code", "count": 1}]},
    {"section": "8716-3", "title": "Vital signs", "found": 0, "made": {}, "skipped": []},
]  # fmt: skip


def test_sections_are_told_together_shortly_and_one_by_one_on_request() -> None:
    one = ImportedFile("a.xml", "ccda", "a", {"Condition": 3}, new=3, sections=SECTIONS)
    short = list(file_lines(one, PLAIN, dry_run=False, whole=False))
    row = next(line for line in short if line.strip().startswith("Problems"))
    assert row.split() == ["Problems", "4", "1", "3", "problems"]
    assert not any("Vital signs" in line for line in short)
    assert "  Skipped in Problems: it says nothing" in short
    assert any("without a heading" in line and "no code" in line for line in short)
    whole = list(file_lines(one, PLAIN, dry_run=False, whole=True))
    assert any("Problem list" in line for line in whole) and any("Vital signs" in line for line in whole)


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_file_that_brings_nothing_new_is_one_line_unless_more_is_asked_for(dry_run: bool) -> None:
    one = ImportedFile("a.xml", "ccda", "a", {"Condition": 3}, unchanged=3, failed=1, sections=SECTIONS)
    one.skipped.append({"what": "document", "first": None, "reason": "no code", "count": 1})
    [line] = file_lines(one, PLAIN, dry_run=dry_run, whole=False)
    assert "0 new, 0 updated, 3 unchanged" in line
    whole = "\n".join(file_lines(one, PLAIN, dry_run=dry_run, whole=True))
    assert "no code" in whole and "Problem list" in whole
    one.skipped.append({"what": "line", "first": "line 2", "reason": "is cut off", "count": 1})
    assert "is cut off" in "\n".join(file_lines(one, PLAIN, dry_run=dry_run, whole=False)), (
        "no loss in silence"
    )


def test_what_the_sections_said_is_not_said_again() -> None:
    skips = [{"what": "document", "first": None, "reason": why, "count": 1} for why in ("no code", "is late")]
    one = ImportedFile("a.xml", "ccda", "a", {"Condition": 3}, new=3, sections=SECTIONS, skipped=skips)
    said = "\n".join(file_lines(one, PLAIN, dry_run=False, whole=False))
    assert said.count("no code") == 1 and said.count("is late") == 1


def test_many_reasons_are_cut_short_and_say_where_the_rest_is() -> None:
    skips = [{"what": "line", "first": str(n), "reason": f"reason {n}", "count": 1} for n in range(30)]
    one = ImportedFile("a.csv", "csv", "a", {"Observation": 1}, new=1, skipped=skips)
    short = "\n".join(file_lines(one, PLAIN, dry_run=False, whole=False))
    assert "reason 7" in short and "reason 8" not in short and "22 more reasons: -v or --json" in short
    assert "reason 29" in "\n".join(file_lines(one, PLAIN, dry_run=False, whole=True))


def test_what_a_file_says_cannot_move_the_cursor() -> None:
    sections = [{"section": "1", "title": "A\x1b[2J", "found": 1, "made": {"X\x1b": 1}, "skipped": []}]
    one = ImportedFile("a\x1b.xml", "ccda", "a\x9b", {"X": 1}, sections=sections, error=None)
    assert not set("\x1b\x9b") & set("".join(file_lines(one, PLAIN, dry_run=False, whole=True)))


def test_a_mapping_that_is_not_there_is_said(phr: Any, tmp_path: Path) -> None:
    table = tmp_path / "weights.csv"
    table.write_text("date,kg\n2026-01-02,71.5\n")
    answer = phr("import", str(table), "--mapping", str(tmp_path / "absent.toml"))
    assert answer.status == 2
    assert "absent.toml" in answer.err
    assert "--mapping" in phr("import", str(table)).err


def test_sections_whose_words_were_kept_are_told_and_each_skip_once() -> None:
    sections = [
        {"section": "10160-0", "title": "Medications", "found": 0, "made": {"DocumentReference": 1}, "skipped": []},
        {"section": "48765-2", "title": "Allergies", "found": 2, "made": {"DocumentReference": 1},
         "skipped": [{"reason": "It does not say to what.", "count": 2}]},
        {"section": "30954-2", "title": "Results", "found": 0, "made": {}, "skipped": []},
    ]  # fmt: skip
    one = ImportedFile("a.zip", "zip", "a", {"DocumentReference": 2}, new=2, sections=sections)
    one.skipped.append(
        {"what": "document", "first": None, "reason": "It does not say to what (2 times).", "count": 1}
    )
    lines = list(file_lines(one, PLAIN, dry_run=True, whole=False))
    assert lines[0].startswith("a.zip is a ZIP archive: would bring 2 documents (2 new")
    kept = [line.split()[0] for line in lines if line.endswith("kept as words")]
    assert kept == ["Medications", "Allergies"]
    assert [line.strip() for line in lines if "does not say" in line] == [
        "Skipped in Allergies (2): It does not say to what."
    ]
    assert not any("Results" in line for line in lines)


def test_a_remark_about_what_was_kept_is_no_skip() -> None:
    from phr.importers.base import NOTED

    skips = [
        {"what": "Condition", "first": "c", "reason": why, "count": 1} for why in (min(NOTED), "is cut off")
    ]
    one = ImportedFile("a.csv", "csv", "a", {"Condition": 1}, new=1, skipped=skips)
    heads = [line.split()[0] for line in file_lines(one, PLAIN, dry_run=False, whole=False)]
    assert heads[-2:] == ["Noted:", "Skipped:"]


@pytest.mark.parametrize("columns", [60, 80])
def test_no_line_of_a_report_is_wider_than_the_screen(columns: int) -> None:
    found = {
        "Condition": 1200,
        "AllergyIntolerance": 7,
        "Observation": 90_000,
        "Patient": 1,
        "Practitioner": 80,
    }
    one = ImportedFile(
        "a-summary-of-care.xml",
        "ccda",
        "a",
        found,
        new=3,
        sections=SECTIONS,
        sender="The Hospital of the Harbor",
    )
    for dry_run in (False, True):
        lines = list(file_lines(one, Screen(columns, colour=False), dry_run=dry_run, whole=True))
        assert max(map(len, lines)) <= columns
        assert "81 supporting" in " ".join(lines)
