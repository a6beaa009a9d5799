"""`phr export` of several formats at once, for somebody, and where each file goes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from phr.errors import PhrError
from phr.exporters.ccd import CcdExporter


def test_several_formats_share_a_name(phr: Any, record: Any, tmp_path: Path) -> None:
    answer = phr("export", "-f", "json", "-f", "ccd", "-o", str(tmp_path / "mine"), "--json")

    assert answer.status == 0
    assert [(one["format"], Path(one["path"]).name) for one in answer.json["exports"]] == [
        ("json", "mine.json"),
        ("ccd", "mine.xml"),
    ]
    assert answer.json["format"] == "json"
    assert {one.name: one.stat().st_mode & 0o777 for one in tmp_path.glob("mine.*")} == {
        "mine.json": 0o600,
        "mine.xml": 0o600,
    }


def test_a_folder_takes_them_under_names_of_their_own(phr: Any, record: Any, tmp_path: Path) -> None:
    folder = tmp_path / "for-her"
    assert phr("export", "--format", "json,ips", "-o", f"{folder}/").status == 0
    assert {one.suffix for one in folder.iterdir()} == {".json"}
    assert len(list(folder.iterdir())) == 2
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "In which format?"),
        (("--format", ""), "In which format?"),
        (("--format", "json,ndjsn"), "Did you mean ndjson?"),
        (("--format", "json,ccd", "-o", "-"), "Only one file can go to stdout"),
        (("--format", "json", "--layout", "summary"), "--layout does not belong to --format json"),
        (("--format", "json", "--research"), "--research does not belong to --format json"),
        (("--format", "json", "--pack", "alpa-1"), "Did you mean alpha-1?"),
        (("--format", "json", "--tag", "lungz"), "Did you mean lungs?"),
    ],
)
def test_what_makes_no_sense_is_said_with_a_next_step(
    phr: Any, record: Any, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    before = sorted(tmp_path.iterdir())
    answer = phr("export", *words)

    assert (answer.status, answer.out) == (2, "")
    assert said in answer.err
    assert sorted(tmp_path.iterdir()) == before


def test_for_a_doctor_means_paper_and_a_document_with_her_name_on_both(
    phr: Any, record: Any, tmp_path: Path
) -> None:
    answer = phr("export", "--for", " Dr.  Martinez ", "-o", str(tmp_path / "m"), "--json")

    assert [one["format"] for one in answer.json["exports"]] == ["pdf", "ccd"]
    assert b"<informationRecipient" in (tmp_path / "m.xml").read_bytes()
    assert b"Martinez" in (tmp_path / "m.xml").read_bytes()


def test_when_one_of_them_cannot_be_there_none_is_begun(phr: Any, record: Any, tmp_path: Path) -> None:
    (tmp_path / "x.xml").mkdir()
    answer = phr("export", "--format", "json,ccd", "-o", str(tmp_path / "x"))

    assert (answer.status, answer.out) == (2, "")
    assert "is a folder" in answer.err
    assert not (tmp_path / "x.json").exists()


def test_what_was_written_before_another_one_failed_is_said(
    phr: Any, record: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: CcdExporter, *_: Any) -> None:
        raise PhrError("The disk is full.", hint="Make room.")

    monkeypatch.setattr(CcdExporter, "write", full)
    answer = phr("export", "--format", "json,ccd", "-o", str(tmp_path / "x"))

    assert answer.status == 1
    assert "x.json" in answer.err
    assert "The disk is full." in answer.err
    assert sorted(one.name for one in tmp_path.glob("x*")) == ["x.json"]
