"""Whether a run at night will find its key is said while somebody is still looking."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from phr.model import Connection, Token
from phr.smart.keys import ClientKeys
from phr.vault.memory import MemoryStore
from phr.workspace import Workspace, headless, tokens


class DesktopKeyring(MemoryStore):
    """A keyring that is reached over the D-Bus of a desktop session."""

    needs_desktop = True


def home(tmp_path: Path, keyring: MemoryStore | None = None, **environ: str) -> Workspace:
    here = Workspace({"PHR_HOME": str(tmp_path / "home"), **environ})
    here.vault._given_keyring = keyring
    return here


@pytest.fixture
def key(tmp_path: Path) -> str:
    path = tmp_path / "phr.key"
    path.write_bytes(bytes(32))
    path.chmod(0o600)
    return str(path)


def test_a_key_file_or_a_keyring_without_a_desktop_is_fine(tmp_path: Path, key: str) -> None:
    assert headless.warning(home(tmp_path, PHR_KEY_FILE=key)) is None
    assert headless.warning(home(tmp_path, PHR_PASSPHRASE_FILE=key)) is None
    assert headless.warning(home(tmp_path, PHR_CREDENTIAL_COMMAND="cat x")) is None
    assert headless.warning(home(tmp_path, MemoryStore())) is None


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"PHR_PASSPHRASE": "hush-hush"}, ("only in the variables of this shell", "PHR_PASSPHRASE_FILE")),
        (
            {"PHR_KEY_FILE": "phr.key"},
            ("PHR_KEY_FILE names a file in the folder of this shell", "whole path"),
        ),
        ({"PHR_PASSPHRASE_FILE": "x/phrase"}, ("PHR_PASSPHRASE_FILE names a file", "whole path")),
        ({}, ("no key for the record", "PHR_KEY_FILE")),
    ],
)
def test_what_only_this_shell_has_is_named_with_the_next_step(
    tmp_path: Path, environ: dict[str, str], words: tuple[str, ...]
) -> None:
    said = str(headless.warning(home(tmp_path, **environ)))
    assert all(word in said for word in words) and "hush" not in said


def test_a_keyring_of_the_desktop_is_warned_about(tmp_path: Path) -> None:
    new = str(headless.warning(home(tmp_path, DesktopKeyring())))
    assert "signed in to the desktop" in new and "key file" in new

    here = home(tmp_path, DesktopKeyring())
    with here.store(create=True):
        pass
    assert "phr vault recovery-key | PHR_KEY_FILE=~/phr.key phr vault recover" in str(headless.warning(here))


def test_a_passphrase_that_is_typed_is_warned_about(tmp_path: Path) -> None:
    here = Workspace({"PHR_HOME": str(tmp_path)}, ask_passphrase=lambda: pytest.fail("asked"))
    assert "passphrase that you type" in str(headless.warning(here))


def test_a_credential_command_of_one_run_is_warned_about(tmp_path: Path) -> None:
    here = Workspace({"PHR_HOME": str(tmp_path)}, credential_command="cat hush-hush")
    said = str(headless.warning(here))
    assert "for this run only" in said and "[general]" in said and "hush" not in said


def test_the_line_carries_what_a_sync_needs_and_no_secret(tmp_path: Path, key: str) -> None:
    here = home(
        tmp_path,
        PHR_KEY_FILE=key,
        PHR_CREDENTIAL_COMMAND="echo hush-hush",
        PHR_EPIC_CLIENT_SECRET="hush-hush",
        PHR_EPIC_CLIENT_ID="app",
        PHR_DEBUG="1",
        PHR_SYNC_TIMEOUT="5",
        HTTPS_PROXY="http://anna:hush-hush@proxy:1",
        XDG_DATA_HOME="/elsewhere",
        HOME="/home/anna",
        DISPLAY=":0",
        SSH_AUTH_SOCK="/x",
        PATH="/srv/bin",
    )
    plan = headless.nightly(here, "/srv/phr 100%")

    assert "hush" not in plan.line + repr(plan)
    assert plan.line.startswith("17 * * * * HTTPS_PROXY=… PHR_CREDENTIAL_COMMAND=… PHR_HOME=")
    assert plan.line.endswith(r"PHR_SYNC_TIMEOUT=5 /srv/phr 100\% sync --due --quiet")
    assert set(plan.named) == {"HTTPS_PROXY", "PHR_CREDENTIAL_COMMAND"}
    bare = {name: value for name, value in plan.environ.items() if not name.startswith(("PHR_", "HTTPS"))}
    assert bare == {"SHELL": "/bin/sh", "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": "/home/anna"}


SECRETS = (
    "PHR_BACKUP_PASSPHRASE",
    "PHR_CUSTOM_CLIENT_SECRET",
    "PHR_SOMETHING_TOKEN",
    "PHR_PASSWORD",
    "PHR_EXPORT_OUTPUT",
    "PHR_WHATEVER",
    "PHR_CONNECT_RELAY",
)


@pytest.mark.parametrize("name", SECRETS)
def test_of_variables_that_a_sync_does_not_read_nothing_is_passed_on(
    tmp_path: Path, key: str, name: str
) -> None:
    plan = headless.nightly(home(tmp_path, PHR_KEY_FILE=key, **{name: "https://hush-hush.example"}), "phr")

    assert name not in plan.line and "hush" not in plan.line
    assert name not in plan.environ and name not in plan.named


def test_settings_that_a_sync_reads_are_passed_on(tmp_path: Path, key: str) -> None:
    read = {
        "PHR_SYNC_RETRY_ATTEMPTS": "2",
        "PHR_SYNC_BATCH_SIZE": "50",
        "PHR_SYNC_INTERVAL": "12h",
        "PHR_NETWORK_CA_FILE": "/etc/ssl/ca.pem",
    }
    plan = headless.nightly(home(tmp_path, PHR_KEY_FILE=key, **read), "phr")

    assert all(f" {name}={value} " in plan.line for name, value in read.items())
    assert plan.named == ()


def test_a_value_that_a_crontab_cannot_say_is_not_shown(tmp_path: Path, key: str) -> None:
    odd = str(tmp_path / "x\n* * * * * touch here\n")
    plan = headless.nightly(Workspace({"PHR_HOME": odd, "PHR_KEY_FILE": key}), "phr")

    assert "\n" not in plan.line and "touch" not in plan.line and plan.named == ("PHR_HOME",)


def test_another_user_is_named_in_the_line(tmp_path: Path, key: str) -> None:
    here = Workspace({"PHR_HOME": str(tmp_path), "PHR_KEY_FILE": key, "PHR_USER": "anna"})
    assert headless.nightly(here, "phr").line.endswith("phr sync --due --quiet --user anna")


@pytest.mark.parametrize(
    ("auth", "token", "secret", "keys", "words"),
    [
        ("public", {"refresh_token": "r"}, False, False, None),
        ("public", None, False, False, "no sign-in in the vault"),
        ("public", {"expires_at": 10.0}, False, False, "nothing to renew it with"),
        ("public", {"refresh_token": "r", "refresh_ends_at": 10.0}, False, False, "time for it is over"),
        ("client_secret_basic", {"refresh_token": "r"}, False, False, "client secret"),
        ("client_secret_basic", {"refresh_token": "r"}, True, False, None),
        ("private_key_jwt", {"refresh_token": "r"}, False, False, "private key"),
        ("private_key_jwt", {"refresh_token": "r"}, False, True, None),
        ("dynamic", {"expires_at": 10.0}, False, True, None),
        ("backend", None, False, True, None),
        ("bearer", {"expires_at": None}, False, False, None),
        ("none", None, False, False, None),
    ],
)
def test_each_connection_needs_what_its_way_of_signing_in_needs(
    tmp_path: Path,
    key: str,
    auth: str,
    token: dict[str, Any] | None,
    secret: bool,
    keys: bool,
    words: str | None,
) -> None:
    here = home(tmp_path, PHR_KEY_FILE=key)
    one = Connection("k1", "clinic", "custom", "custom", "Clinic", "https://x.example/r4", "app", auth=auth)
    with here.store(create=True) as store:
        store.connections.save(one)
    if token is not None:
        tokens.keep(here.vault.secrets, one, Token("a", token.pop("expires_at", 10.0), None, **token))
    if secret:
        tokens.keep_secret(here.vault.secrets, one, "s")
    if keys:
        tokens.keep_keys(here.vault.secrets, one.key, ClientKeys.new())

    (found,) = headless.secrets_found(here, now=1000.0)

    assert found["ok"] is (words is None)
    assert words is None or words in found["detail"]


def test_nothing_of_the_desktop_is_read_from_the_environment_of_this_process(
    tmp_path: Path, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/x")
    plan = headless.nightly(home(tmp_path, PHR_KEY_FILE=key, **dict(os.environ)), "phr")
    assert not {"DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "XDG_RUNTIME_DIR"} & set(plan.environ)
