"""Hooks at the end of `phr sync`, and `phr hooks`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from phr.model import SyncRun, TypeCounts
from phr.settings import Sync, hours
from phr.workspace import Workspace
from phr.workspace.schedule import is_quiet, next_run
from phr.workspace.sync import SyncReport

RUN = SyncRun("1", "clinic", "manual", "failed", "full", "2026-03-01T00:00:00Z", "2026-03-01T00:00:01Z", 1.0, 3, 9, {},
              (), {"new": 0, "unchanged": 0, "failed": 0, "bytes": 0}, error="x", exit_status=1)  # fmt: skip
CHANGED = replace(RUN, status="completed", exit_status=0, error=None, types={"Goal": TypeCounts(new=1)})


@pytest.fixture
def hook(record: Workspace, tmp_path: Path) -> Callable[..., Path]:
    """Set hooks that keep what they get; answers where."""

    def make(*events: str, command: str | None = None) -> Path:
        writer, out = tmp_path / "writer.py", tmp_path / "told"
        writer.write_text("import sys; open(sys.argv[1], 'ab').write(sys.stdin.buffer.read() + b'\\n')")
        words = json.dumps(command or f"{sys.executable} {writer} {out}")
        record.paths.config_file.parent.mkdir(parents=True, exist_ok=True)
        record.paths.config_file.write_text("".join(f"[hooks.{one}]\ncommand = {words}\n" for one in events))
        return out

    return make


@pytest.fixture
def ends(monkeypatch: pytest.MonkeyPatch) -> Callable[[SyncRun], None]:
    """The next sync ends like this."""

    def make(run: SyncRun) -> None:
        report = SyncReport(run.status, (run,), run.exit_status)
        monkeypatch.setattr(Workspace, "sync", lambda here, wish: report)

    return make


def test_the_hooks_are_carried_out_after_the_report_and_silently(phr: Any, hook: Any, ends: Any) -> None:
    out = hook("post_sync", "failed")
    ends(CHANGED)
    answer = phr("sync", "--quiet")
    assert (answer.status, answer.out, answer.err) == (0, "", "")
    assert orjson.loads(out.read_bytes())["event"] == "post_sync"
    ends(RUN)
    answer = phr("sync", "--json")
    assert answer.status == 1 and answer.json["status"] == "failed"
    told = [orjson.loads(line) for line in out.read_bytes().splitlines()]
    assert [one["event"] for one in told] == ["post_sync", "failed"]
    assert set(answer.json["runs"][0]) == set(told[1]["runs"][0])


@pytest.mark.parametrize(("run", "status"), [(RUN, 1), (replace(RUN, exit_status=4), 4), (CHANGED, 0)])
def test_a_hook_that_fails_is_said_even_quietly_and_changes_no_exit_status(
    phr: Any, hook: Any, ends: Any, run: SyncRun, status: int
) -> None:
    hook("post_sync", "failed", command="/nowhere/at-all")
    ends(run)
    answer = phr("sync", "--quiet")
    assert answer.status == status
    assert answer.err.count("there is no program at-all") == 1


def test_hooks_are_tried_out_and_listed(phr: Any, hook: Any) -> None:
    assert phr("hooks", "test", "failed").status == 2
    out = hook("failed")
    answer = phr("hooks", "test", "failed", "--json")
    assert answer.status == 0 and answer.json["hooks"] == [{"way": "command", "error": None}]
    assert orjson.loads(out.read_bytes())["test"] is True
    assert phr("hooks", "--json").json["hooks"][0]["event"] == "failed"
    hook("failed", command="false")
    answer = phr("hooks", "test", "failed")
    assert answer.status == 1 and "failed with status 1" in answer.err
    assert phr("hooks", "test", "sunrise").status == 2


def test_a_secret_is_kept_from_standard_input_and_never_said(process: Any, record: Workspace) -> None:
    answer = process("hooks", "keep", "webhook-secret", stdin="hush-hush\n")
    assert answer.status == 0 and "hush" not in answer.out + answer.err
    assert record.vault.secrets.get("hooks/webhook-secret") == b"hush-hush"
    assert process("hooks", "keep", "mail-password", stdin="").status == 2


def test_doctor_looks_at_the_hooks(phr: Any, hook: Any) -> None:
    hook("failed", command="/nowhere/at-all")
    (check,) = [one for one in phr("doctor", "--json").json["checks"] if one["name"] == "hook failed"]
    assert not check["ok"] and "at-all" in check["mend"]
    hook("failed")
    assert all(one["ok"] for one in phr("doctor", "--json").json["checks"] if one["name"] == "hook failed")


def test_the_example_keeps_a_line_for_each_sync_that_brought_something(
    phr: Any, hook: Any, ends: Any, tmp_path: Path
) -> None:
    example = Path(__file__).parents[2] / "examples" / "after-sync"
    hook("post_sync", command=f"{sys.executable} {example} {tmp_path / 'syncs.tsv'}")
    ends(CHANGED)
    assert phr("sync", "--quiet").err == ""
    (line,) = (tmp_path / "syncs.tsv").read_text().splitlines()
    assert line.split("\t")[1:] == ["clinic", "completed", "1", "0", "0"]


# ── quiet hours ───────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Live in Denver: seven hours behind, six in summer."""
    import time

    monkeypatch.setenv("TZ", "America/Denver")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("instant", "quiet"),
    [
        ("2026-01-10T14:59:00", False),
        ("2026-01-10T15:00:00", True),
        ("2026-01-11T00:59:00", True),
        ("2026-01-11T01:00:00", False),
        ("2026-07-10T14:00:00", True),
        ("2026-07-10T13:59:00", False),
    ],
)
def test_quiet_hours_are_of_the_clock_on_the_wall(zone: None, instant: str, quiet: bool) -> None:
    settings = Sync(quiet_hours=hours("08-18"))
    assert is_quiet(settings, datetime.fromisoformat(instant).replace(tzinfo=UTC)) is quiet
    assert not is_quiet(Sync(), datetime.fromisoformat(instant).replace(tzinfo=UTC))


def test_the_next_run_is_told_after_the_quiet_hours(zone: None) -> None:
    class Plan:
        minute = 20

    quiet = Sync(quiet_hours=hours("08-18"))
    noon = datetime(2026, 1, 10, 19, tzinfo=UTC)
    assert next_run(Plan(), quiet, noon) == datetime(2026, 1, 11, 1, 20, tzinfo=UTC)  # type: ignore[arg-type]
    assert next_run(Plan(), Sync(), noon) == datetime(2026, 1, 10, 19, 20, tzinfo=UTC)  # type: ignore[arg-type]
    never = Sync(quiet_hours=hours("19:15-19:00"))
    assert next_run(Plan(), never, noon) is None  # type: ignore[arg-type]


def test_in_quiet_hours_nobody_is_asked_unless_by_hand(
    phr: Any, record: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now().astimezone()
    minute = now.hour * 60 + now.minute
    ahead, behind = (minute + 120) % 1440, (minute - 120) % 1440
    words = f"{behind // 60:02}:{behind % 60:02}-{ahead // 60:02}:{ahead % 60:02}"
    monkeypatch.setenv("PHR_SYNC_RETRY_ATTEMPTS", "0")
    monkeypatch.setenv("PHR_SYNC_QUIET_HOURS", words)
    with record.lock():  # not even the lock is looked at
        answer = phr("sync", "--due", "-v")
    assert answer.status == 0 and "quiet hours" in answer.err
    found = phr("sync", "--due", "--json").json
    assert (found["status"], found["runs"], found["due_then"]) == ("completed", [], 1)
    assert phr("sync", "--quiet").status != 0  # by hand: it asks, and nobody is there
    monkeypatch.setenv("PHR_SYNC_QUIET_HOURS", "off")
    assert phr("sync", "--due", "--quiet").status != 0
