"""`phr import` on a terminal and in words: the question whose file it is, and what came of each section."""

from __future__ import annotations

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
    assert row.split() == ["Problems", "4", "1", "3", "Condition"]
    assert not any("Vital signs" in line for line in short)
    assert "  Skipped in Problems: 1: it says nothing" in short
    assert any("without a heading" in line and "no code" in line for line in short)
    whole = list(file_lines(one, PLAIN, dry_run=False, whole=True))
    assert any("Problem list" in line for line in whole) and any("Vital signs" in line for line in whole)


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
