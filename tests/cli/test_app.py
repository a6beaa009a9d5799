"""The way in: help, errors, variables, streams."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from phr.cli import commands, failures
from phr.cli.root import build

HEAVY = {"sqlmodel", "httpx", "keyring", "rich", "lxml", "cryptography", "starlette", "uvicorn", "fhir"}
DESTRUCTIVE = {"yes", "purge", "every_one", "replace", "remove", "repair", "undo"}
EVERYWHERE = {"user", "credential_command", "verbose", "log_file", "log_format", "help"}


def imported(*words: str) -> set[str]:
    """The modules that are there after this command line has run."""
    code = (
        "import sys\nfrom phr.cli.app import run\n"
        f"try:\n    run({list(words)!r})\nexcept SystemExit as e:\n    assert not e.code, e.code\n"
        "print('\\n' + ' '.join(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    return {name.partition(".")[0] for name in done.stdout.splitlines()[-1].split()}


def every_command() -> Iterator[tuple[str, Any]]:
    """Every command with its path, as Typer makes it."""
    for one in commands.COMMANDS:
        made = build(one)
        yield one.name, made
        for name, inner in getattr(made, "commands", {}).items():
            yield f"{one.name} {name}", inner


def broken(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Let `phr broken` fail like this."""
    module = types.ModuleType("phr.cli.broken")

    def fail() -> None:
        raise error

    module.fail = fail  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "phr.cli.broken", module)
    monkeypatch.setitem(commands.BY_NAME, "broken", commands.Command("broken", "broken", "fail", "", ""))


def test_help_imports_nothing_heavy_and_not_even_typer() -> None:
    assert not imported("--help") & (HEAVY | {"typer", "click", "orjson", "dataclasses"})


def test_a_piped_timeline_imports_nothing_heavy(record: object) -> None:
    assert not imported("timeline") & HEAVY


def test_help_is_one_page_of_80_columns_with_every_command_in_its_group(phr: Any) -> None:
    answer = phr("--help")
    assert answer.status == 0
    assert max(map(len, answer.out.splitlines())) <= 80 + len("file on your own computer.")
    for one in commands.COMMANDS:
        assert f"\n  {one.name} " in answer.out
    assert [
        line[:-1] for line in answer.out.splitlines() if line in ("Getting records:", "Looking at them:")
    ] == [
        commands.GETTING,
        commands.LOOKING,
    ]


@pytest.mark.parametrize("words", [(), ("-h",), ("help",), ("--user", "mum", "--help"), ("-v",)])
def test_every_way_of_asking_for_help_gives_the_same_page(phr: Any, words: tuple[str, ...]) -> None:
    answer = phr(*words)
    assert (answer.status, answer.out.strip()) == (0, commands.page().strip())


def test_help_and_a_command_is_the_help_of_that_command(phr: Any) -> None:
    assert phr("help", "sync").out == phr("sync", "--help").out != ""


def test_the_help_of_every_command_says_its_exit_statuses() -> None:
    silent = [path for path, one in every_command() if "Exit statuses:" not in (one.help or "")]
    assert silent == []


def test_the_help_shows_what_an_argument_is(phr: Any) -> None:
    assert phr("show", "--help").out.count("The number from phr timeline, or Type/id.") == 1
    assert "rguments:" in phr("show", "--help").out
    assert "The name of a connection" in phr("connections", "rename", "--help").out


def test_no_option_lacks_words() -> None:
    for path, one in every_command():
        options = [p for p in one.params if p.param_type_name == "option" and not p.hidden]
        assert [p.name for p in options if not p.help] == [], path


def test_confirmations_and_destructive_flags_have_no_variable() -> None:
    found = set()
    for path, one in every_command():
        for param in one.params:
            if param.name in DESTRUCTIVE and param.param_type_name == "option":
                found.add(param.name)
                assert not param.allow_from_autoenv, f"{path} --{param.name}"
                assert not param.envvar
    assert found == DESTRUCTIVE


def test_every_other_option_has_a_variable_named_after_it() -> None:
    for path, one in every_command():
        for param in one.params:
            if param.param_type_name != "option" or param.name in DESTRUCTIVE | EVERYWHERE:
                continue
            flag = max(param.opts, key=len).lstrip("-").replace("-", "_").upper()
            named = f"PHR_{path.replace('-', '_').replace(' ', '_').upper()}_{flag}"
            given = (
                param.envvar or f"PHR_{path.replace('-', '_').replace(' ', '_').upper()}_{param.name.upper()}"
            )
            assert given in (named, f"PHR_BACKUP_{flag}"), f"{path}: {given}"


def test_a_variable_stands_for_its_option(phr: Any, record: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PHR_TIMELINE_LIMIT", "1")
    monkeypatch.setenv("PHR_TIMELINE_FORMAT", "json")
    assert len(phr("timeline").json["events"]) == 1
    assert len(phr("timeline", "--limit", "2").json["events"]) == 2


def test_a_variable_never_agrees(phr: Any, record: object, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PHR_YES", "PHR_USERS_REMOVE_YES", "PHR_DISCONNECT_YES", "PHR_DISCONNECT_PURGE"):
        monkeypatch.setenv(name, "1")
    assert phr("users", "remove", "default").status == 2
    assert phr("disconnect", "clinic", "--purge").status == 2
    assert phr("timeline", "--json").json["total"] == 6


def test_a_mistyped_command_names_the_nearest_and_exits_2(phr: Any) -> None:
    answer = phr("timelin")
    assert answer.status == 2
    assert "Did you mean timeline?" in answer.err
    assert answer.out == ""


def test_a_mistyped_inner_command_names_the_nearest(phr: Any) -> None:
    answer = phr("connections", "renam", "a", "b")
    assert answer.status == 2
    assert "rename" in answer.err


def test_a_mistyped_option_names_the_nearest(phr: Any) -> None:
    answer = phr("timeline", "--lmit", "3")
    assert answer.status == 2
    assert "Did you mean --limit" in answer.err


@pytest.mark.parametrize(
    "words", [("timeline", "--json", "--lmit", "3"), ("timeline", "--format", "json", "--kind", "lebbs")]
)
def test_with_json_a_usage_error_is_one_document_too(phr: Any, words: tuple[str, ...]) -> None:
    answer = phr(*words)
    error = answer.json["error"]
    assert answer.status == error["status"] == 2
    assert error["message"] in answer.err
    assert error["hint"]


def test_json_before_the_command_is_told_its_place(phr: Any) -> None:
    answer = phr("--json", "timeline")
    assert answer.status == 2
    assert "phr timeline --json" in answer.json["error"]["hint"]


def test_a_value_that_begins_with_a_dash_is_taken_after_an_option_and_after_two_dashes(
    phr: Any, record: object
) -> None:
    assert phr("timeline", "--search", "-x", "--json").json["total"] == 0
    assert phr("tag", "2", "--json", "--", "-urgent").json["tags"] == ["-urgent"]
    assert "goes after --" in phr("tag", "2", "-zzz").err


def test_an_unexpected_failure_tells_its_class_and_none_of_its_words(
    phr: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken(monkeypatch, ValueError("Ada Example has asthma"))
    answer = phr("broken")
    assert answer.status == 1
    assert "ValueError" in answer.err
    assert "PHR_DEBUG=1" in answer.err
    assert "Ada" not in answer.err + answer.out
    assert "Traceback" not in answer.err


def test_with_phr_debug_the_traceback_is_shown(phr: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    broken(monkeypatch, ValueError("inside"))
    monkeypatch.setenv("PHR_DEBUG", "1")
    assert "Traceback" in phr("broken").err


def test_an_interrupt_ends_with_130(phr: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    broken(monkeypatch, KeyboardInterrupt())
    answer = phr("broken")
    assert (answer.status, answer.out, answer.err) == (130, "", "Interrupted.\n")


def test_an_interrupted_sync_says_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    assert failures.tell_interrupted(("sync", "--quiet")) == 130
    assert "phr sync" in capsys.readouterr().err


def test_a_damaged_records_file_leads_to_doctor_and_restore(phr: Any, record: Any) -> None:
    file = record.paths.records("default")
    whole = bytearray(file.read_bytes())
    for at in range(5 * 16384 + 100, len(whole), 16384):
        whole[at] ^= 0xFF
    file.write_bytes(whole)
    answer = phr("timeline", "--json")
    assert answer.status == 1
    assert "phr restore" in answer.json["error"]["hint"]


def test_a_full_disk_is_said_in_words(phr: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    broken(monkeypatch, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "records.db"))
    answer = phr("broken")
    assert answer.status == 1
    assert "No space left on device: records.db" in answer.err
    assert "Make room" in answer.err


def test_no_record_is_one_sentence_and_what_to_do(phr: Any) -> None:
    answer = phr("timeline")
    assert answer.status == 1
    assert "no record yet" in answer.err
    assert "phr connect" in answer.err


def test_no_key_is_exit_6_without_a_prompt(phr: Any, record: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PHR_KEY_FILE")
    answer = phr("timeline", "--json")
    assert answer.status == answer.json["error"]["status"] == 6


def test_a_reader_that_leaves_ends_the_command_silently(record: Any) -> None:
    with record.store() as store:
        rows = [(number, f"t{number}") for number in range(20_000)]
        store.db.executemany("INSERT INTO tag (resource_id, tag) SELECT 2, ? || ?", rows)
    phr = subprocess.Popen(
        [sys.executable, "-m", "phr", "timeline", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ.copy(),
    )
    assert phr.stdout is not None
    assert phr.stderr is not None
    phr.stdout.read(10)
    phr.stdout.close()
    assert phr.wait(timeout=30) == 0
    assert phr.stderr.read() == b""
    phr.stderr.close()


def test_user_is_taken_before_and_after_the_command(phr: Any, record: object) -> None:
    assert phr("--user", "mum", "paths", "--json").json["user"].endswith("/mum")
    assert phr("paths", "--user", "mum", "--json").json["user"].endswith("/mum")
    assert phr("connections", "list", "--user", "mum", "--json").json["connections"] == []
    assert len(phr("connections", "--json").json["connections"]) == 1


def test_the_variable_phr_user_and_the_setting_say_who(
    phr: Any, record: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    record.paths.config.mkdir(parents=True)
    record.paths.config_file.write_text('[general]\nuser = "dad"\n')
    assert phr("paths", "--json").json["user"].endswith("/dad")
    monkeypatch.setenv("PHR_USER", "mum")
    assert phr("paths", "--json").json["user"].endswith("/mum")
    assert phr("paths", "--json", "--user", "kid").json["user"].endswith("/kid")


def test_an_unknown_setting_is_a_usage_error_that_names_it(phr: Any, record: Any) -> None:
    record.paths.config.mkdir(parents=True)
    record.paths.config_file.write_text("[sync]\nretries = 3\n")
    answer = phr("timeline")
    assert answer.status == 2
    assert "[sync] retries" in answer.err


def test_version_is_one_line(phr: Any) -> None:
    assert phr("--version").out.startswith("phr ")
    assert phr("--user", "mum", "--version").out.startswith("phr ")


def test_the_log_file_is_private_and_holds_json_lines_without_a_clinical_word(
    process: Any, record: object, tmp_path: Path
) -> None:
    log = tmp_path / "phr.log"
    answer = process("demo", "--json", "--log-file", str(log), "--log-format", "json", "-vv")
    assert answer.status == 0
    assert log.stat().st_mode & 0o777 == 0o600
    lines = [orjson.loads(line) for line in log.read_text().splitlines()]
    assert lines
    assert set(lines[0]) == {"time", "level", "logger", "message"}
    titles = {one["title"] for one in answer.json["timeline"]["events"] if " " in one["title"]}
    assert not [title for title in titles if title in log.read_text()]
    assert process("timeline", "--log-format", "xml").status == 2
    assert process("timeline", "--log-file", str(tmp_path)).status == 2


def test_completion_knows_commands_connections_and_providers(process: Any, record: object) -> None:
    def complete(line: str) -> list[str]:
        words = line.split(" ")
        answer = process(_PHR_COMPLETE="complete_bash", COMP_WORDS=line, COMP_CWORD=str(len(words) - 1))
        return answer.out.split()

    assert complete("phr timel") == ["timeline"]
    assert complete("phr sync cl") == ["clinic"]
    assert "epic" in complete("phr connect ep")
    assert "lab_result" in complete("phr timeline --kind la")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.EROFS, "Read-only file system", "/home/me/phr/state/lock"), "/home/me/phr/state"),
        (PermissionError(errno.EACCES, "Permission denied", "/nowhere/at/all"), "Permission denied"),
    ],
)
def test_a_folder_that_cannot_be_written_is_named(
    error: OSError, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert failures.tell(error, ("sync",)) == 1
    said = capsys.readouterr().err
    assert words in said
    assert ("This folder cannot be written" in said) is (error.errno == errno.EROFS)
