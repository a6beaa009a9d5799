"""The house itself: what the pages say about it is so, and it holds nothing that does not belong there."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def tracked() -> list[Path]:
    found = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if found.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in found.stdout.splitlines() if (ROOT / name).is_file()]


def test_the_layers_in_the_architecture_page_are_those_of_the_contract() -> None:
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]
    expected = [re.sub(r"[()]", "", layer) for layer in contract["layers"]]
    page = (ROOT / "src/phr/ARCHITECTURE.md").read_text()
    drawn = page.split("## Who may see whom")[1].split("```")[1].strip().splitlines()
    assert drawn == expected


def test_every_room_has_a_sentence_in_the_architecture_page() -> None:
    page = (ROOT / "src/phr/ARCHITECTURE.md").read_text()
    rooms = {
        p.stem for p in (ROOT / "src/phr").iterdir() if p.suffix == ".py" or (p / "__init__.py").exists()
    }
    missing = {room for room in rooms - {"__init__", "__main__"} if f"| `{room}` |" not in page}
    assert not missing


def test_every_module_says_why_it_exists() -> None:
    silent = [p for p in (ROOT / "src").rglob("*.py") if not p.read_text().lstrip().startswith('"""')]
    assert not silent


def test_no_file_is_longer_than_a_reader_likes() -> None:
    long = {
        str(p.relative_to(ROOT)): n
        for p in (ROOT / "src").rglob("*.py")
        if (n := len(p.read_text().splitlines())) > 350
    }
    assert not long


def test_nothing_names_the_machine_it_was_written_on() -> None:
    pattern = re.compile(r"(?<![\w.])/(work|root|farm|opt)/|/tmp/")
    found = []
    for path in tracked():
        if path.suffix in {".py", ".md", ".toml", ".txt", ".yml", ""} and path.name != "test_house.py":
            found += [
                str(path) for line in path.read_text(errors="replace").splitlines() if pattern.search(line)
            ]
    assert not found


def test_constraints_name_versions_and_no_index() -> None:
    lines = (ROOT / "constraints.txt").read_text().split()
    assert lines
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", line) for line in lines)
