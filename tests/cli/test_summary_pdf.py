"""`phr summary --format pdf` and `--emergency --format pdf`: as a person types it."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

import pytest

from phr.exporters.press import pages
from phr.workspace import Workspace


@pytest.mark.parametrize(
    ("how", "sheets"),
    [((), 4), (("--since", "2020"), 4), (("--emergency",), 1), (("--emergency", "--paper", "card"), 2)],
)
def test_it_is_written_whole_and_for_its_owner_alone(
    phr: Any, record: Workspace, tmp_path: Path, how: tuple[str, ...], sheets: int
) -> None:
    path = tmp_path / "page.pdf"

    said = phr("summary", *how, "--format", "pdf", "-o", str(path)).err

    assert 1 <= pages(path.read_bytes()) <= sheets
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert f"Written: {path}" in said


def test_a_card_is_for_emergencies(phr: Any, record: Workspace) -> None:
    refused = phr("summary", "--format", "pdf", "--paper", "card", "-o", "x.pdf")

    assert refused.status == 2 and "Add --emergency" in refused.err


@pytest.mark.parametrize("how", [("--format", "pdf"), ("--emergency", "--format", "svg")])
def test_json_says_what_was_written_and_the_file_is_what_was_asked_for(
    phr: Any, record: Workspace, tmp_path: Path, how: tuple[str, ...]
) -> None:
    path = tmp_path / "page"

    said = phr("summary", *how, "-o", str(path), "--json").json

    content = path.read_bytes()
    assert content[:5] in (b"%PDF-", b"<svg ", b"<?xml")
    assert said == {"schema": 1, "path": str(path), "format": how[-1], "bytes": len(content)}


def test_a_file_and_json_do_not_share_one_stream(phr: Any, record: Workspace) -> None:
    refused = phr("summary", "--format", "pdf", "-o", "-", "--json")

    assert refused.status == 2 and "-o FILE" in refused.err
