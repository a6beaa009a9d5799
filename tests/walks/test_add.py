"""Own entries beside those of a hospital: in one record, in one document, and nothing lost to a rebuild."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from phr.model import KINDS
from phr.workspace.own.kinds import KINDS as OWN_KINDS


@pytest.fixture
def examples(tmp_path: Path) -> list[list[str]]:
    """The examples of every kind's help, as somebody would paste them."""
    import shlex

    for name in ("scan.pdf", "report.pdf", "will.pdf"):
        (tmp_path / name).write_bytes(b"%PDF-1.4 " + name.encode())
    found = [shlex.split(line)[1:] for kind in OWN_KINDS for line in kind.examples]
    return [line[: line.index("--to")] if "--to" in line and "document" in line else line for line in found]


def test_every_example_works_and_a_document_with_all_of_it_is_valid(
    phr: Any,
    examples: list[list[str]],
    hospital: Callable[..., Any],
    person: Any,
    judge: Callable[[bytes, Path], list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    person.connect(hospital(), name="clinic")
    person.sync()
    for line in examples:
        done = phr(*line, "--yes")
        assert done.status == 0, f"{line}: {done.err}"
    mine = phr("timeline", "--source", "self", "--json", "--limit", "100").json["events"]
    assert {one["kind"] for one in mine} == set(KINDS)
    assert {one["origin"] for one in mine if one["sources"] == ["self"]} == {"person"}
    assert phr("validate").status == 0
    assert phr("export", "--format", "ccd", "-o", "out.xml").status == 0
    assert judge(Path("out.xml").read_bytes(), tmp_path) == []
    assert b"short of breath on the stairs" in Path("out.xml").read_bytes()
