"""`phr doctor`: alone it stays offline; `--as-cron` tries a bare process, `--network` asks the providers."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import Any

import pytest

from phr.cli import browser
from phr.model import Token
from phr.workspace import Workspace, tokens

from .conftest import CLINIC


def test_doctor_finds_what_is_wrong_and_says_the_mend(phr: Any, record: Any) -> None:
    well = phr("doctor", "--json").json
    assert well["ok"] is True
    assert {"python", "database", "folders", "key", "record", "integrity", "schema", "audit"} <= {
        one["name"] for one in well["checks"]
    }
    with record.store() as store:
        store.db.execute("DELETE FROM record WHERE resource = 'Condition/c1'")
    record.paths.records("default").chmod(0o644)
    sick = phr("doctor", "--json")
    assert sick.status == 1
    assert {one["name"]: one["mend"] for one in sick.json["checks"] if not one["ok"]} == {
        "folders": f"chmod -R go= {record.paths.records('default')}",
        "records": "phr doctor --repair",
    }
    record.paths.records("default").chmod(0o600)
    assert phr("doctor", "--repair").status == 0
    assert phr("timeline", "--json").json["total"] == 6


def test_doctor_without_a_record_or_a_key_does_not_stumble(phr: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert phr("doctor").status == 0
    monkeypatch.delenv("PHR_KEY_FILE")
    answer = phr("doctor", "--json")
    assert answer.status == 1
    assert [one["name"] for one in answer.json["checks"] if not one["ok"]] == ["key"]


def test_doctor_alone_asks_nobody(phr: Any, record: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("asked")

    monkeypatch.setattr("phr.fhir.transport.Wire.send", never)
    assert phr("doctor").status == 0


def test_an_own_ca_that_cannot_be_used_is_found_without_asking_anybody(
    phr: Any, record: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHR_NETWORK_CA_FILE", str(tmp_path / "ca.pem"))
    found = {one["name"]: one for one in phr("doctor", "--json").json["checks"]}
    assert found["own CA"]["ok"] is False and "ca_file under [network]" in found["own CA"]["mend"]


def test_what_others_can_change_is_found_and_the_mend_is_told(phr: Any, record: Any) -> None:
    config = record.paths.config
    config.mkdir(mode=0o700, exist_ok=True)
    for path in (record.paths.providers_file, config.parent):
        if not path.exists():
            path.write_text("")
        path.chmod(0o777)

    found = {one["name"]: one for one in phr("doctor", "--json").json["checks"]}

    assert found["settings"]["mend"] == f"chmod go-w {record.paths.providers_file}"
    assert found["folders"]["mend"] == f"chmod go-w {config.parent}"


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_somebody_else_is_found(phr: Any, record: Any) -> None:
    data = record.paths.data
    os.chown(data, 12345, 12345)

    found = {one["name"]: one for one in phr("doctor", "--json").json["checks"]}

    assert found["folders"]["ok"] is False
    assert found["folders"]["mend"].startswith(f'sudo chown -R "$(id -un)" {data}')


def test_names_without_network_are_a_slip(phr: Any, record: Any) -> None:
    answer = phr("doctor", "clinic")
    assert answer.status == 2 and "phr doctor --network clinic" in answer.err


# ── as cron ───────────────────────────────────────────────────────────────────────────────────────


def sign_in(record: Workspace, **more: Any) -> None:
    token = Token("access-secret", 4e9, "patient/*.rs", **more)
    tokens.keep(record.vault.secrets, CLINIC, token)


def as_cron(phr: Any) -> tuple[int, dict[str, Any], str]:
    answer = phr("doctor", "--as-cron", "--json")
    return answer.status, {one["name"]: one for one in answer.json["checks"]}, answer.out + answer.err


def test_cron_finds_its_secrets_and_the_line_for_the_crontab_is_told(
    phr: Any, record: Any, key_file: Path, tmp_path: Path
) -> None:
    sign_in(record, refresh_token="refresh-secret")

    status, found, said = as_cron(phr)

    assert status == 0
    assert found["clinic: secrets"]["ok"] is True
    line = found["crontab"]["detail"]
    assert line.startswith("17 * * * * ") and line.endswith(" sync --due --quiet")
    assert f"PHR_HOME={tmp_path / 'home'} PHR_KEY_FILE={key_file} " in line
    assert "secret-" not in said and "-secret" not in said


def test_the_line_for_the_crontab_works_in_a_bare_shell(phr: Any, record: Any) -> None:
    import subprocess

    line = as_cron(phr)[1]["crontab"]["detail"].removeprefix("17 * * * * ").replace(r"\%", "%")
    line = line.replace("sync --due --quiet", "sync --due --quiet --dry-run --json")
    done = subprocess.run(
        ["/bin/sh", "-c", line], env={"PATH": "/usr/bin:/bin"}, capture_output=True, timeout=60
    )
    assert b"clinic" in done.stdout + done.stderr


def test_cron_misses_a_sign_in_that_is_not_in_the_vault(phr: Any, record: Any) -> None:
    status, found, _ = as_cron(phr)
    assert status == 1 and found["cron record"]["ok"] is True
    assert found["clinic: secrets"]["mend"] == "phr reconnect clinic"


def test_the_passphrase_of_a_backup_is_not_written_into_the_crontab(
    phr: Any, record: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(record, refresh_token="r")
    monkeypatch.setenv("PHR_BACKUP_PASSPHRASE", "correct horse")

    assert "correct" not in as_cron(phr)[2] and "horse" not in as_cron(phr)[2]


def test_relative_paths_are_written_out_for_cron(
    phr: Any, record: Any, key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHR_KEY_FILE", key_file.name)  # the tests stand in its folder
    sign_in(record, refresh_token="r")

    status, found, _ = as_cron(phr)

    assert status == 0 and f"PHR_KEY_FILE={key_file} " in found["crontab"]["detail"]


def test_a_passphrase_of_this_shell_is_named_and_never_shown(
    phr: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PHR_KEY_FILE")
    monkeypatch.setenv("PHR_PASSPHRASE", "correct horse")
    here = Workspace(os.environ)
    with here.store(create=True) as store:
        store.connections.save(CLINIC)
    sign_in(here, refresh_token="r")

    status, found, said = as_cron(phr)

    assert status == 1 and found["cron record"]["ok"] is True
    assert "PHR_PASSPHRASE_FILE" in found["cron variables"]["mend"]
    assert "PHR_PASSPHRASE" not in found["crontab"]["detail"] and "horse" not in said


def test_a_credential_command_that_needs_this_shell_fails_as_it_would_tonight(
    phr: Any, record: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "ask"
    script.write_text(f'#!/bin/sh\ntest -n "$DBUS_SESSION_BUS_ADDRESS" && cat {tmp_path / "test.key"}\n')
    script.chmod(0o700)
    monkeypatch.delenv("PHR_KEY_FILE")
    monkeypatch.setenv("PHR_CREDENTIAL_COMMAND", str(script))
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")

    assert phr("doctor").status == 0
    status, found, said = as_cron(phr)

    assert status == 1 and "credential command failed" in found["cron record"]["detail"]
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS")
    script.write_text(f"#!/bin/sh\ncat {tmp_path / 'test.key'}\n")
    status, found, said = as_cron(phr)
    assert found["cron record"]["ok"] is True and "PHR_CREDENTIAL_COMMAND=… " in found["crontab"]["detail"]
    assert "PHR_CREDENTIAL_COMMAND" in found["cron variables"]["detail"] and str(script) not in said


def test_the_key_typed_at_a_terminal_is_not_there_tonight(
    on_a_terminal: Any, phr: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHR_PASSPHRASE", "correct horse")
    monkeypatch.delenv("PHR_KEY_FILE")
    with Workspace(os.environ).store(create=True):
        pass
    monkeypatch.delenv("PHR_PASSPHRASE")

    status, seen = on_a_terminal("doctor", "--as-cron", columns=200)

    assert status == 1 and "cannot ask for the passphrase that you type" in seen


def test_without_a_record_cron_is_told_about_all_the_same(phr: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert as_cron(phr)[0] == 0
    monkeypatch.delenv("PHR_KEY_FILE")
    status, found, _ = as_cron(phr)
    assert status == 1 and "PHR_PASSPHRASE" in found["cron record"]["mend"]


# ── network ───────────────────────────────────────────────────────────────────────────────────────


def test_a_provider_that_is_down_is_told_with_the_mend(phr: Any, record: Any) -> None:
    answer = phr("doctor", "--network", "--json")
    assert answer.status == 1
    (only,) = answer.json["checks"]
    assert only["name"] == "clinic: server" and only["mend"] and "p1" not in answer.out


def test_nobody_connected_is_no_failure_and_an_unknown_name_is_a_slip(phr: Any) -> None:
    assert phr("doctor", "--network").status == 0
    assert phr("doctor", "--network", "no-such-hospital").status == 2


# ── the browser ───────────────────────────────────────────────────────────────────────────────────


def test_the_browser_is_told_nothing_of_phr(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = tmp_path / "seen"
    script = tmp_path / "browser"
    script.write_text(f'#!/bin/sh\nenv > {seen}\necho "$1" >> {seen}\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("BROWSER", str(script))
    monkeypatch.setenv("PHR_PASSPHRASE", "hush-hush")
    address = "https://ehr.example.org/authorize?a=1&b=%20c"

    assert browser.open_in_browser(address) is True

    assert address in seen.read_text() and "PATH=" in seen.read_text()
    assert "PHR_" not in seen.read_text() and "hush" not in seen.read_text()


def test_a_browser_that_stays_in_front_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "browser"
    script.write_text("#!/bin/sh\nsleep 3\n")
    script.chmod(0o700)
    monkeypatch.setenv("BROWSER", str(script))
    monkeypatch.setattr(browser, "WAIT", 0.3)
    assert browser.open_in_browser("https://ehr.example.org/") is True


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="has a desktop always")
def test_without_a_desktop_no_browser_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    assert browser.open_in_browser("https://ehr.example.org/") is False
