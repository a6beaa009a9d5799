"""`phr schedule` with small programs in place of systemctl, crontab, launchctl and schtasks, in a pretend home."""

from __future__ import annotations

import os
import plistlib
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from phr.settings import load
from phr.workspace import Workspace

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the pretend programs are shell scripts")

KINDS = ("systemd", "cron", "launchd", "schtasks")
PROGRAMS = {"systemd": "systemctl", "cron": "crontab", "launchd": "launchctl", "schtasks": "schtasks"}
SCRIPTS = {
    "systemctl": "",
    "launchctl": "",
    "crontab": """
if [ "$1" = -l ]; then
  if [ -f "$STATE/crontab" ]; then cat "$STATE/crontab"; else echo "no crontab for anna" >&2; exit 1; fi
else cat > "$STATE/crontab"; fi
""",
    "schtasks": """
case "$1" in
/Create) cat "$5" > "$STATE/task" ;;
/Delete) rm "$STATE/task" ;;
/Query) cat "$STATE/task" 2>/dev/null ;;
esac
""",
}


@dataclass
class Computer:
    """A pretend system: which programs are there, and what they were asked."""

    home: Path
    state: Path
    programs: Path

    def has(self, *names: str, fails: bool = False) -> None:
        for name in names:
            script = self.programs / name
            rest = 'echo "not allowed here" >&2; exit 1' if fails else SCRIPTS[name]
            script.write_text(f'#!/bin/sh\nSTATE={self.state}\necho "{name} $*" >> "$STATE/asked"\n{rest}\n')
            script.chmod(0o755)

    @property
    def asked(self) -> list[str]:
        file = self.state / "asked"
        return file.read_text().splitlines() if file.exists() else []

    @property
    def crontab(self) -> Path:
        return self.state / "crontab"

    def files(self) -> dict[str, bytes]:
        """Everything that lies in the home or was kept by a program."""
        found = [path for path in (*self.home.rglob("*"), *self.state.rglob("*")) if path.is_file()]
        return {str(path): path.read_bytes() for path in found if path.name != "asked"}


@pytest.fixture
def computer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Computer:
    made = Computer(tmp_path / "person", tmp_path / "state", tmp_path / "programs")
    for folder in (made.home, made.state, made.programs):
        folder.mkdir()
    for name in ("cat", "rm"):
        real = next(Path(place, name) for place in ("/bin", "/usr/bin") if Path(place, name).exists())
        (made.programs / name).symlink_to(real)
    monkeypatch.setenv("HOME", str(made.home))
    monkeypatch.setenv("PATH", str(made.programs))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    return made


@pytest.mark.parametrize("kind", KINDS)
def test_installing_twice_gives_one_and_removing_leaves_nothing(
    phr: Any, computer: Computer, kind: str
) -> None:
    computer.has(*PROGRAMS.values())
    first = phr("schedule", "install", "--by", kind, "--json")
    once = computer.files()
    second = phr("schedule", "install", "--by", kind, "--json")

    assert (first.status, second.status) == (0, 0)
    assert computer.files() == once and once
    assert first.json["installed"] and first.json["by"] == kind and first.json["next_run"]
    assert phr("schedule", "show", "--json").json["by"] == kind

    assert phr("schedule", "remove", "--json").json["removed"] == [first.json["where"]]
    assert not [text for text in computer.files().values() if b"sync" in text]
    assert phr("schedule", "remove", "--json").json["removed"] == []
    assert phr("schedule", "show", "--json").json["installed"] is False


@pytest.mark.parametrize("kind", KINDS)
def test_print_touches_nothing_and_runs_nothing_of_the_system(
    phr: Any, computer: Computer, kind: str
) -> None:
    answer = phr("schedule", "install", "--print", "--by", kind, "--every", "6h", "--quiet-hours", "08-18")

    assert answer.status == 0 and "sync" in answer.out and "--due" in answer.out
    assert computer.files() == {} and computer.asked == []
    assert not (Path(os.environ["PHR_HOME"]) / "config").exists()
    assert 'quiet_hours = "08-18"' in answer.err and 'interval = "6h"' in answer.err


@pytest.mark.parametrize("kind", KINDS)
def test_no_secret_is_in_what_is_installed_printed_or_said(
    phr: Any, computer: Computer, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    computer.has(*PROGRAMS.values())
    for name in ("PHR_PASSPHRASE", "PHR_EPIC_CLIENT_SECRET", "PHR_MAIL_PASSWORD", "PHR_WEBHOOK_SECRET"):
        monkeypatch.setenv(name, "hush-hush-hush")
    monkeypatch.setenv("PHR_CREDENTIAL_COMMAND", "echo hush-hush-hush")
    monkeypatch.setenv("HTTPS_PROXY", "http://anna:hush-hush-hush@proxy:3128")

    printed = phr("schedule", "install", "--print", "--by", kind)
    installed = phr("schedule", "install", "--by", kind)
    shown = phr("schedule", "show", "--json")

    everything = [printed.out, printed.err, installed.out, installed.err, shown.out, *computer.asked]
    everything += [text.replace(b"\0", b"").decode("utf-8", "replace") for text in computer.files().values()]
    assert installed.status == 0 and not [text for text in everything if "hush" in text]
    assert "PHR_PASSPHRASE" in installed.err and "HTTPS_PROXY" in installed.err


def test_the_units_start_this_phr_with_the_variables_of_a_run_without_a_person(
    phr: Any, computer: Computer, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    computer.has("systemctl")
    monkeypatch.setenv("PHR_HOME", str(computer.home / 'odd "100%" $HOME'))
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:3128")
    assert phr("schedule", "install").status == 0

    folder = computer.home / ".config" / "systemd" / "user"
    (service,), (timer,) = folder.glob("*.service"), folder.glob("*.timer")
    text = service.read_text()
    assert f'Environment="PHR_KEY_FILE={key_file}"' in text
    assert f'Environment="PHR_HOME={computer.home}/odd \\"100%%\\" $HOME"' in text
    assert 'Environment="HTTPS_PROXY=http://proxy:3128"' in text
    assert text.count("ExecStart=") == 1 and '"sync" "--due" "--quiet"' in text
    assert "Persistent=true" in timer.read_text() and "RandomizedDelaySec=" in timer.read_text()
    assert {stat.S_IMODE(path.stat().st_mode) for path in (service, timer)} == {0o600}
    assert f"systemctl --user enable --now {timer.name}" in computer.asked
    if Path("/usr/bin/systemd-analyze").exists():
        done = subprocess.run(
            ["/usr/bin/systemd-analyze", "verify", "--user", "--man=no", str(timer), str(service)],
            env={"PATH": "/usr/bin:/bin", "HOME": str(computer.home), "XDG_RUNTIME_DIR": str(computer.state)},
            capture_output=True,
            text=True,
        )
        assert service.name not in done.stderr and timer.name not in done.stderr, done.stderr


def test_xdg_config_home_is_where_the_units_go(
    phr: Any, computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    computer.has("systemctl")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(computer.home / "settings"))
    assert phr("schedule", "install").status == 0
    assert list((computer.home / "settings" / "systemd" / "user").glob("*.timer"))


def test_units_written_by_hand_are_neither_replaced_nor_removed(phr: Any, computer: Computer) -> None:
    computer.has("systemctl", "crontab")
    where = phr("schedule", "install", "--by", "systemd", "--json").json["where"]
    Path(where).write_text("[Timer]\nOnCalendar=daily\n")

    answer = phr("schedule", "install", "--by", "systemd")
    assert answer.status == 2 and "was not made by phr" in answer.err
    phr("schedule", "remove")
    assert Path(where).read_text() == "[Timer]\nOnCalendar=daily\n"


def test_what_systemd_refuses_leaves_no_unit_behind(phr: Any, computer: Computer) -> None:
    computer.has("systemctl", fails=True)
    answer = phr("schedule", "install", "--by", "systemd")
    assert answer.status == 1 and "not allowed here" in answer.err
    assert computer.files() == {}


def test_without_a_systemd_that_answers_the_crontab_is_taken_and_without_any_it_is_said(
    phr: Any, computer: Computer
) -> None:
    computer.has("systemctl", fails=True)
    answer = phr("schedule", "install")
    assert answer.status == 1 and "--print --by cron" in answer.err
    assert "--due" in phr("schedule", "install", "--print").out
    computer.has("crontab")
    assert phr("schedule", "install", "--json").json["by"] == "cron"


def test_another_way_replaces_the_first_so_that_there_is_one(phr: Any, computer: Computer) -> None:
    computer.has("systemctl", "crontab")
    phr("schedule", "install", "--by", "cron")
    assert b"--due" in computer.crontab.read_bytes()
    phr("schedule", "install", "--by", "systemd")
    assert b"--due" not in computer.crontab.read_bytes()


OTHERS = b"MAILTO=anna\n\n# \xff odd bytes, 100%\n5 4 * * * /usr/bin/backup >>> x\n0 0 * * * last"


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_every_other_line_of_the_crontab_stays_byte_for_byte(
    phr: Any, computer: Computer, end: bytes
) -> None:
    computer.has("crontab")
    computer.crontab.write_bytes(OTHERS + end)
    phr("schedule", "install", "--by", "cron")
    ours = computer.crontab.read_bytes()
    assert ours.startswith(OTHERS + b"\n# >>> phr-sync") and ours.count(b"--due") == 1
    computer.crontab.write_bytes(ours + b"1 1 * * * later\n")
    phr("schedule", "install", "--by", "cron")
    phr("schedule", "remove")
    assert computer.crontab.read_bytes() == OTHERS + b"\n1 1 * * * later\n"


def test_the_line_of_the_crontab_runs_as_it_stands(
    phr: Any, computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """cron hands everything after the five fields to a shell, with `\\%` as `%`."""
    computer.has("crontab")
    monkeypatch.setenv("PHR_HOME", str(computer.home / "a b%'c"))
    prints = ("/bin/sh", "-c", 'printf "%s|%s" "$PHR_HOME" "$*"', "it")
    monkeypatch.setattr("phr.cli.cron.program", lambda: prints)
    phr("schedule", "install", "--by", "cron")
    (line,) = [one for one in computer.crontab.read_text().splitlines() if "--due" in one]
    minute, *stars, rest = line.split(" ", 5)
    assert 0 <= int(minute) < 60 and stars == ["*"] * 4 and "%" not in rest.replace(r"\%", "")
    done = subprocess.run(["/bin/sh", "-c", rest.replace(r"\%", "%")], capture_output=True, text=True)
    assert done.stdout == f"{computer.home}/a b%'c|sync --due --quiet"


def test_a_crontab_that_cannot_be_read_or_is_half_ours_is_not_replaced(phr: Any, computer: Computer) -> None:
    computer.has("crontab", fails=True)
    answer = phr("schedule", "install", "--by", "cron")
    assert answer.status == 1 and "not allowed here" in answer.err
    assert computer.asked == ["crontab -l"]

    computer.has("crontab")
    phr("schedule", "install", "--by", "cron")
    half = b"".join(computer.crontab.read_bytes().splitlines(keepends=True)[:-1])
    computer.crontab.write_bytes(half)
    assert phr("schedule", "install", "--by", "cron").status == 2
    assert computer.crontab.read_bytes() == half


def test_launchd_gets_a_property_list_and_schtasks_a_task(phr: Any, computer: Computer) -> None:
    computer.has("launchctl", "schtasks")
    where = phr("schedule", "install", "--by", "launchd", "--json").json["where"]
    agent = plistlib.loads(Path(where).read_bytes())
    assert agent["ProgramArguments"][-3:] == ["sync", "--due", "--quiet"]
    assert agent["EnvironmentVariables"]["PHR_KEY_FILE"] == os.environ["PHR_KEY_FILE"]
    assert 0 <= agent["StartCalendarInterval"]["Minute"] < 60
    assert stat.S_IMODE(Path(where).stat().st_mode) == 0o600
    assert any("bootstrap gui/" in one for one in computer.asked)

    phr("schedule", "install", "--by", "schtasks")
    task = ElementTree.fromstring((computer.state / "task").read_bytes().decode("utf-16"))
    assert "--due" in "".join(task.itertext()) and not Path(where).exists()


def test_people_and_homes_have_schedules_and_minutes_of_their_own(
    phr: Any, computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    computer.has("crontab")
    phr("schedule", "install", "--by", "cron")
    phr("schedule", "install", "--by", "cron", "--user", "anna")
    monkeypatch.setenv("PHR_HOME", str(computer.home / "other"))
    phr("schedule", "install", "--by", "cron")
    lines = [one for one in computer.crontab.read_text().splitlines() if "--due" in one]
    assert len(lines) == 3 and sum("--user anna" in one for one in lines) == 1
    phr("schedule", "remove")
    assert sum("--due" in one for one in computer.crontab.read_text().splitlines()) == 2


# ── every, and quiet hours ────────────────────────────────────────────────────────────────────────


def test_every_is_set_for_all_connections_and_those_to_come(
    phr: Any, computer: Computer, record: Workspace
) -> None:
    computer.has("crontab")
    shown = phr("schedule", "install", "--every", "6h", "--quiet-hours", "22-06", "--json").json
    assert shown["every"] == "6h" and load(record.paths.config_file, {}).sync.interval == 6 * 3600
    assert shown["quiet_hours"] == "22-06"
    assert [(one["name"], one["every"], one["due"]) for one in shown["connections"]] == [
        ("clinic", "6h", True)
    ]
    assert str(load(record.paths.config_file, {}).sync.quiet_hours) == "22-06"
    phr("schedule", "install", "--quiet-hours", "off")
    assert load(record.paths.config_file, {}).sync.quiet_hours is None


@pytest.mark.parametrize("words", ["--every 30m", "--every 8d", "--every soon", "--every 90m", "--quiet-hours 8",
                                   "--quiet-hours 08-08", "--quiet-hours 25-03", "--quiet-hours 08:70-09"])  # fmt: skip
def test_what_makes_no_sense_is_refused_before_anything_is_touched(
    phr: Any, computer: Computer, words: str
) -> None:
    computer.has("crontab")
    assert phr("schedule", "install", *words.split()).status == 2
    assert computer.files() == {}


def test_a_run_that_would_find_no_key_is_said_at_once(
    phr: Any, computer: Computer, monkeypatch: pytest.MonkeyPatch
) -> None:
    computer.has("crontab")
    monkeypatch.setenv("PHR_KEY_FILE", "test.key")
    answer = phr("schedule", "install", "--by", "cron")
    assert answer.status == 0 and "would not open the record" in answer.err and "whole path" in answer.err


def test_without_a_key_nothing_of_an_interval_is_written(
    phr: Any, computer: Computer, record: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    computer.has("crontab")
    monkeypatch.setenv("PHR_KEY_FILE", "/nowhere/key")
    assert phr("schedule", "install", "--by", "cron", "--every", "6h").status == 6
    assert computer.files() == {} and not record.paths.config_file.exists()


def test_what_the_system_refuses_leaves_the_interval_as_it_was(
    phr: Any, computer: Computer, record: Workspace
) -> None:
    computer.has("systemctl", fails=True)
    assert phr("schedule", "install", "--by", "systemd", "--every", "6h").status == 1
    assert not record.paths.config_file.exists()
    with record.store() as store:
        assert store.connections.get("clinic").every_hours == 24


def test_the_warning_comes_last(phr: Any, computer: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
    computer.has("crontab")
    monkeypatch.setenv("PHR_KEY_FILE", "test.key")
    assert phr("schedule", "install", "--by", "cron").err.splitlines()[-1].startswith("Warning: ")


def test_intervals_are_written_alike(phr: Any, computer: Computer, record: Workspace) -> None:
    found = phr("schedule", "--json").json
    assert found["every"] == found["connections"][0]["every"] == "24h"


def test_show_tells_a_person_what_they_need(
    phr: Any, computer: Computer, record: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    computer.has("systemctl")
    assert "Nothing is installed: phr schedule install" in phr("schedule").out
    phr("schedule", "install")
    said = phr("schedule", "show").out
    assert "Installed: systemd" in said and "Next run:" in said and "clinic" in said and "due" in said
    monkeypatch.setenv("PHR_KEY_FILE", "/nowhere/key")
    locked = phr("schedule", "show", "--json")
    assert locked.status == 0 and locked.json["installed"] and locked.json["locked"]
