"""`phr demo`: the whole story, leaving one file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from lxml import etree


def test_demo_tells_the_whole_story_and_leaves_one_file(process: Any, tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    (tmp_path / "test.key").unlink()
    answer = process("demo", "--json", TMPDIR=str(temporary), PHR_KEY_FILE=str(tmp_path / "none"))
    assert answer.status == 0, answer.err
    told = answer.json
    assert told["sync"]["status"] == "completed"
    assert told["connection"]["state"] == "active"
    assert told["timeline"]["total"] == len(told["timeline"]["events"]) > 100
    path = Path(told["export"]["path"])
    assert path == tmp_path / "phr-demo-ccd.xml"
    assert path.stat().st_size == told["export"]["bytes"]
    assert etree.parse(str(path)).getroot().tag == "{urn:hl7-org:v3}ClinicalDocument"
    assert list(temporary.iterdir()) == []
    assert not (tmp_path / "home").exists()


def test_demo_shows_the_timeline_and_what_to_type_next(process: Any, tmp_path: Path) -> None:
    answer = process("demo")
    assert answer.status == 0, answer.err
    assert len(answer.out.splitlines()) <= 30
    assert max(map(len, answer.out.splitlines())) <= 80
    assert "phr demo --keep" in answer.err


def test_keep_keeps_a_record_that_the_printed_line_opens(process: Any, tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    answer = process("demo", "--keep", TMPDIR=str(temporary))
    line = next(line for line in answer.err.splitlines() if line.endswith("phr timeline"))
    environ = dict(word.split("=", 1) for word in line.split()[:2])
    assert set(environ) == {"PHR_HOME", "PHR_KEY_FILE"}
    assert process("timeline", "--json", **environ).json["total"] > 100


def test_an_interrupted_demo_leaves_nothing_behind(tmp_path: Path) -> None:
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        child = subprocess.Popen(
            [sys.executable, "-m", "phr", "demo"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "TMPDIR": str(temporary)},
        )
        with child:
            assert child.stderr is not None
            child.stderr.readline()
            child.send_signal(number)
            child.communicate(timeout=20)
        assert child.returncode == status
        assert list(temporary.iterdir()) == []
