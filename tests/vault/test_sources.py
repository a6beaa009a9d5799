from __future__ import annotations

import base64
import json
import os
import shlex
import shutil
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from phr.errors import Locked, UsageError
from phr.vault.keys import Vault
from phr.vault.memory import MemoryStore
from phr.vault.sources import ask

from .sources import KEY, key_file, printing, vault

# ── key file ──────────────────────────────────────────────────────────────────────────────────────


def test_a_key_file_is_the_record_key_and_tokens_are_sealed_by_it(tmp_path: Path) -> None:
    opened = vault(tmp_path, key_file(tmp_path))

    assert opened.source() == "key-file"
    assert opened.record_key() == opened.record_key(create=True) == KEY
    opened.secrets.set("token/1", b"t")
    assert opened.secrets.name == "sealed-file"
    assert vault(tmp_path, key_file(tmp_path)).secrets.get("token/1") == b"t"
    with pytest.raises(Locked, match="another one"):
        vault(tmp_path, key_file(tmp_path, b"x" * 32)).secrets.get("token/1")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_key_file_that_others_can_read_is_not_used(tmp_path: Path, mode: int) -> None:
    environ = key_file(tmp_path, mode=mode)

    with pytest.raises(Locked, match="can be read by others") as caught:
        vault(tmp_path, environ).record_key()

    assert caught.value.hint == f"Keep it to yourself: chmod 600 {environ['PHR_KEY_FILE']}"


def test_a_credential_of_systemd_is_trusted_although_its_group_bit_is_set(tmp_path: Path) -> None:
    environ = key_file(tmp_path, mode=0o440) | {"CREDENTIALS_DIRECTORY": str(tmp_path)}

    assert vault(tmp_path, environ).record_key() == KEY


@pytest.mark.parametrize("content", [b"", b"x" * 31, b"x" * 33, b"x" * 64, b"x" * 100_000])
def test_a_key_file_of_another_length_is_locked(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(Locked, match="exactly 32 raw bytes"):
        vault(tmp_path, key_file(tmp_path, content)).record_key(create=True)


def test_a_key_file_that_is_set_but_missing_is_locked_and_nothing_else_is_tried(tmp_path: Path) -> None:
    environ = {"PHR_KEY_FILE": str(tmp_path / "nowhere"), "PHR_PASSPHRASE": "p"}

    with pytest.raises(Locked, match="does not exist"):
        vault(tmp_path, environ, keyring=MemoryStore()).record_key(create=True)
    with pytest.raises(Locked, match="cannot be read"):
        vault(tmp_path, {"PHR_KEY_FILE": str(tmp_path)}).record_key()
    assert not (tmp_path / "data").exists()


def test_with_a_key_file_neither_keyring_nor_cryptography_is_loaded(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from phr.vault.keys import Vault\n"
        "assert len(Vault(Path('nowhere'), os.environ).record_key()) == 32\n"
        "print([m for m in ('keyring', 'cryptography', 'subprocess', 'platformdirs') if m in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], env=key_file(tmp_path), capture_output=True, text=True, check=True
    )

    assert ran.stdout.strip() == "[]"


# ── credential command ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "answer",
    [
        KEY,
        KEY.hex().encode(),
        KEY.hex().upper().encode() + b"\n",
        base64.b64encode(KEY) + b"\n",
        base64.urlsafe_b64encode(KEY).rstrip(b"=") + b"\r\n",
    ],
)
def test_a_command_may_give_the_key_in_any_of_its_forms(tmp_path: Path, answer: bytes) -> None:
    opened = vault(tmp_path, credential_command=printing(answer))

    assert opened.record_key(create=True) == KEY
    assert opened.secrets.name == "sealed-file"


def test_a_command_and_a_key_file_with_the_same_bytes_are_the_same_key(tmp_path: Path) -> None:
    environ = key_file(tmp_path, b"k" * 32)
    command = {"PHR_CREDENTIAL_COMMAND": f"cat {environ['PHR_KEY_FILE']}"}
    vault(tmp_path, environ).secrets.set("token/1", b"t")

    assert vault(tmp_path, command).record_key() == vault(tmp_path, environ).record_key()
    assert vault(tmp_path, command).secrets.get("token/1") == b"t"


def test_any_other_answer_of_a_command_is_a_passphrase(tmp_path: Path) -> None:
    key = vault(tmp_path, credential_command=printing(b"correct horse\n")).record_key(create=True)

    assert vault(tmp_path, {"PHR_PASSPHRASE": "correct horse"}).record_key() == key


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (printing(b""), "answered nothing"),
        (printing(b"\n"), "answered nothing"),
        (printing(b"\xff\xfe\xfd"), "neither a key nor text"),
        (printing(b"x" * 9999), "far more"),
        (
            shlex.join([sys.executable, "-c", "print('hush-hush'); raise SystemExit(3)"]),
            "failed with status 3",
        ),
        ("/nowhere/at-all", "cannot be started"),
        ("'unclosed", "cannot be started"),
        ("   ", "cannot be started"),
    ],
)
def test_a_command_without_an_answer_is_locked_and_its_output_stays_secret(
    tmp_path: Path, command: str, words: str
) -> None:
    with pytest.raises(Locked, match=words) as caught:
        vault(tmp_path, {"PHR_PASSPHRASE": "p"}, credential_command=command).record_key(create=True)

    assert "hush" not in f"{caught.value} {caught.value.hint} {caught.value.__cause__}"


def test_a_command_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("phr.vault.sources.COMMAND_TIMEOUT", 0.2)
    started = time.monotonic()

    with pytest.raises(Locked, match="gave no answer"):
        vault(tmp_path, credential_command="sleep 20").record_key()

    assert time.monotonic() - started < 5


def test_a_command_runs_without_a_shell_and_once_per_process(tmp_path: Path) -> None:
    log = tmp_path / "log"
    code = f"import sys; open({str(log)!r}, 'a').write(repr(sys.argv[1:])); print('pass phrase')"
    opened = vault(
        tmp_path, credential_command=shlex.join([sys.executable, "-c", code, "$HOME; echo x", "a b"])
    )

    opened.record_key(create=True)
    opened.secrets.set("token/1", b"t")
    opened.record_key()

    assert log.read_text() == repr(["$HOME; echo x", "a b"])


# ── passphrase ────────────────────────────────────────────────────────────────────────────────────


def test_a_passphrase_makes_a_sealed_file_that_only_it_opens(tmp_path: Path) -> None:
    key = vault(tmp_path, {"PHR_PASSPHRASE": "correct horse"}).record_key(create=True)

    assert len(key) == 32
    assert vault(tmp_path, {"PHR_PASSPHRASE": "correct horse"}).record_key() == key
    with pytest.raises(Locked, match="passphrase does not open"):
        vault(tmp_path, {"PHR_PASSPHRASE": "wrong"}).record_key(create=True)
    assert stat.S_IMODE((tmp_path / "data" / "anna").stat().st_mode) == 0o700
    for path in (tmp_path / "data" / "anna").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_passphrase_file_is_read_without_its_last_line_end(tmp_path: Path) -> None:
    path = tmp_path / "phrase"
    path.write_text("correct horse \n")
    path.chmod(0o600)
    environ = {"PHR_PASSPHRASE_FILE": str(path)}

    key = vault(tmp_path, environ).record_key(create=True)

    assert vault(tmp_path, {"PHR_PASSPHRASE": "correct horse "}).record_key() == key
    path.write_text("\n")
    with pytest.raises(Locked, match="is empty"):
        vault(tmp_path, environ).record_key()
    path.chmod(0o644)
    with pytest.raises(Locked, match="read by others"):
        vault(tmp_path, environ).record_key()


def test_the_usual_slowness_is_there_when_nobody_asks_for_less(tmp_path: Path) -> None:
    Vault(tmp_path, {"PHR_PASSPHRASE": "p"}).record_key(create=True)

    content = (tmp_path / "secrets.sealed").read_bytes()
    head = json.loads(content[10 : 10 + int.from_bytes(content[8:10], "big")])
    assert (head["kdf"], head["memory_kib"], head["iterations"], head["lanes"]) == ("argon2id", 65536, 3, 4)


@pytest.mark.parametrize("variable", ["PHR_KEY_FILE", "PHR_PASSPHRASE_FILE"])
def test_the_home_of_a_stranger_is_said_in_words(variable: str) -> None:
    with pytest.raises(UsageError, match=variable):
        ask(
            {"PHR_KEY_FILE": "key-file"}.get(variable, "passphrase"),
            {variable: "~nobody-of-this-name/x"},
            None,
        )


# ── pipes ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("variable", ["PHR_KEY_FILE", "PHR_PASSPHRASE_FILE"])
def test_a_pipe_into_which_nobody_writes_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setattr("phr.vault.sources.PIPE_TIMEOUT", 0.2)
    os.mkfifo(tmp_path / "pipe", 0o600)
    started = time.monotonic()

    with pytest.raises(Locked, match="is a pipe, and nothing came"):
        vault(tmp_path, {variable: str(tmp_path / "pipe")}).record_key(create=True)

    assert time.monotonic() - started < 3


@pytest.mark.parametrize("late", [0.0, 0.3])
def test_a_pipe_gives_the_key_also_in_pieces(tmp_path: Path, late: float) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)

    def write() -> None:
        time.sleep(late)
        with pipe.open("wb", buffering=0) as file:
            file.write(KEY[:7])
            time.sleep(0.1)
            file.write(KEY[7:])

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    assert vault(tmp_path, {"PHR_KEY_FILE": str(pipe)}).record_key() == KEY
    thread.join()


def test_a_key_may_come_out_of_the_shell_s_own_pipe(tmp_path: Path) -> None:
    code = (
        "import os; from pathlib import Path; from phr.vault.sources import read_key_file;"
        "path = Path(os.environ['PHR_KEY_FILE']); print(read_key_file(path, {}).hex())"
    )
    line = f'PHR_KEY_FILE=<(printf %032d 7) {shlex.quote(sys.executable)} -c "$1"'
    if not shutil.which("bash"):
        pytest.skip("needs bash")
    done = subprocess.run(["bash", "-c", line, "-", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == b"00000000000000000000000000000007".hex(), done.stderr


@pytest.mark.parametrize(
    ("path", "words"), [("/dev/zero", "more than"), ("/dev/null", "holds 0"), ("/", "read by|cannot be read")]
)
def test_what_is_no_file_at_all_is_locked_and_not_waited_for(path: str, words: str) -> None:
    # Devices may be read by all; as if systemd had put them there.
    with pytest.raises(Locked, match=words):
        ask("key-file", {"PHR_KEY_FILE": path, "CREDENTIALS_DIRECTORY": "/dev"}, None)
