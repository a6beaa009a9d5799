from __future__ import annotations

import base64
import stat
import threading
from pathlib import Path

import pytest

from phr.errors import Locked, SecretsError, UsageError
from phr.vault.base import SecretStore
from phr.vault.keys import Vault
from phr.vault.memory import MemoryStore
from phr.vault.recovery import parse, recovery_key

from .sources import KEY, key_file, printing, vault

# ── order ─────────────────────────────────────────────────────────────────────────────────────────


def test_the_first_source_that_is_set_answers(tmp_path: Path) -> None:
    everything = key_file(tmp_path) | {"PHR_CREDENTIAL_COMMAND": printing(b"c" * 32), "PHR_PASSPHRASE": "p"}
    found = []
    for name in ("PHR_KEY_FILE", "PHR_CREDENTIAL_COMMAND", "PHR_PASSPHRASE", None):
        found.append(
            vault(tmp_path, dict(everything), keyring=MemoryStore(), ask_passphrase=lambda: "p").source()
        )
        if name:
            del everything[name]

    assert found == ["key-file", "command", "passphrase", "keyring"]
    assert vault(tmp_path, {}, ask_passphrase=lambda: "p").source() == "prompt"


def test_the_option_wins_over_the_variable(tmp_path: Path) -> None:
    environ = {"PHR_CREDENTIAL_COMMAND": printing(b"e" * 32)}

    assert vault(tmp_path, environ, credential_command=printing(b"o" * 32)).record_key() == b"o" * 32


def test_without_any_source_it_is_locked_with_ways_out_and_nothing_is_written(tmp_path: Path) -> None:
    for ask in (lambda v: v.record_key(create=True), lambda v: v.secrets, lambda v: v.source()):
        with pytest.raises(Locked, match="there is none on this computer") as caught:
            ask(vault(tmp_path))
        assert "PHR_PASSPHRASE" in (caught.value.hint or "")
        assert "head -c 32 /dev/urandom" in (caught.value.hint or "")
    assert list(tmp_path.iterdir()) == []


# ── keyring ───────────────────────────────────────────────────────────────────────────────────────


def test_the_keyring_keeps_key_and_tokens_and_nothing_secret_is_on_disk(tmp_path: Path) -> None:
    keyring = MemoryStore()
    opened = vault(tmp_path, keyring=keyring)
    key = opened.record_key(create=True)
    opened.secrets.set("token/1", b"t")

    again = vault(tmp_path, keyring=keyring)

    assert (again.record_key(), again.secrets.get("token/1")) == (key, b"t")
    assert again.secrets.name == "memory"
    contents = b"".join(path.read_bytes() for path in (tmp_path / "data" / "anna").iterdir())
    assert key not in contents
    assert base64.b64encode(key) not in contents


def test_two_homes_and_two_people_share_a_keyring_without_meeting(tmp_path: Path) -> None:
    keyring = MemoryStore()
    homes = [tmp_path / "one" / "anna", tmp_path / "one" / "ben", tmp_path / "two" / "anna"]

    keys = [Vault(home, {}, keyring=keyring).record_key(create=True) for home in homes]

    assert len(set(keys)) == 3
    assert [Vault(home, {}, keyring=keyring).record_key() for home in homes] == keys


def test_asking_for_a_key_that_is_not_there_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(Locked, match="no record yet"):
        vault(tmp_path, keyring=MemoryStore()).record_key()

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("environ", [{}, {"PHR_PASSPHRASE": "p"}])
def test_a_record_without_its_key_is_never_given_a_new_one(tmp_path: Path, environ: dict[str, str]) -> None:
    folder = tmp_path / "data" / "anna"
    folder.mkdir(parents=True)
    (folder / "records.db").write_bytes(b"sealed")

    with pytest.raises(Locked, match="does not hold its key") as caught:
        vault(tmp_path, environ, keyring=MemoryStore()).record_key(create=True)

    assert "phr vault recover" in (caught.value.hint or "")


def test_a_record_sealed_by_passphrase_stays_so_when_a_keyring_appears(tmp_path: Path) -> None:
    key = vault(tmp_path, {"PHR_PASSPHRASE": "p"}).record_key(create=True)

    with pytest.raises(Locked, match="nothing was given to open it"):
        vault(tmp_path, keyring=MemoryStore()).record_key(create=True)
    assert vault(tmp_path, keyring=MemoryStore(), ask_passphrase=lambda: "p").record_key() == key


def test_threads_that_ask_at_once_agree_on_one_new_key(tmp_path: Path) -> None:
    keyring = MemoryStore()
    found: list[bytes] = []
    threads = [
        threading.Thread(
            target=lambda: found.append(vault(tmp_path, keyring=keyring).record_key(create=True))
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert len(found) == 4
    assert len(set(found)) == 1


def test_a_damaged_scope_file_is_named_and_not_replaced(tmp_path: Path) -> None:
    keyring = MemoryStore()
    vault(tmp_path, keyring=keyring).record_key(create=True)
    path = tmp_path / "data" / "anna" / "vault.json"
    path.write_text("{")

    with pytest.raises(SecretsError, match=r"vault\.json cannot be read"):
        vault(tmp_path, keyring=keyring).record_key(create=True)
    assert path.read_text() == "{"


def test_something_that_is_no_key_is_not_used_as_one(tmp_path: Path) -> None:
    keyring = MemoryStore()
    vault(tmp_path, keyring=keyring).secrets.set("record-key", b"short")

    with pytest.raises(SecretsError, match="not a record key"):
        vault(tmp_path, keyring=keyring).record_key(create=True)


# ── prompt ────────────────────────────────────────────────────────────────────────────────────────


def test_a_new_passphrase_is_asked_twice_and_a_known_one_once(tmp_path: Path) -> None:
    answers = ["p", "p", "p"]
    key = vault(tmp_path, ask_passphrase=lambda: answers.pop()).record_key(create=True)
    assert len(answers) == 1

    assert vault(tmp_path, ask_passphrase=lambda: answers.pop()).record_key() == key
    assert answers == []


def test_two_different_answers_seal_nothing(tmp_path: Path) -> None:
    answers = ["one", "two"]

    with pytest.raises(Locked, match="differ"):
        vault(tmp_path, ask_passphrase=lambda: answers.pop()).record_key(create=True)
    with pytest.raises(Locked, match="No passphrase"):
        vault(tmp_path, ask_passphrase=lambda: "").record_key(create=True)
    assert not (tmp_path / "data" / "anna" / "secrets.sealed").exists()


# ── recovery ──────────────────────────────────────────────────────────────────────────────────────


def test_a_recovery_key_puts_the_record_key_back_into_another_source(tmp_path: Path) -> None:
    first = vault(tmp_path, keyring=MemoryStore())
    key = first.record_key(create=True)
    (tmp_path / "data" / "anna" / "records.db").write_bytes(b"sealed")
    printed = recovery_key(key)

    moved = vault(tmp_path, {"PHR_PASSPHRASE": "p"})
    moved.restore_key(parse(printed))

    assert moved.record_key() == key
    assert vault(tmp_path, {"PHR_PASSPHRASE": "p"}).record_key() == key


def test_a_lost_passphrase_is_replaced_and_the_old_file_put_aside(tmp_path: Path) -> None:
    key = vault(tmp_path, {"PHR_PASSPHRASE": "lost"}).record_key(create=True)
    sealed = tmp_path / "data" / "anna" / "secrets.sealed"
    before = sealed.read_bytes()
    found = vault(tmp_path, {"PHR_PASSPHRASE": "new"})

    with pytest.raises(Locked):
        found.restore_key(key)
    assert sealed.read_bytes() == before

    found.restore_key(key, replace_unreadable=True)
    assert vault(tmp_path, {"PHR_PASSPHRASE": "new"}).record_key() == key
    assert (tmp_path / "data" / "anna" / "secrets.sealed.old-1").read_bytes() == before


def test_a_sealed_file_that_opens_is_not_put_aside(tmp_path: Path) -> None:
    opened = vault(tmp_path, {"PHR_PASSPHRASE": "p"})
    opened.secrets.set("token/1", b"t")

    opened.restore_key(KEY, replace_unreadable=True)

    assert (opened.record_key(), opened.secrets.get("token/1")) == (KEY, b"t")


def test_a_missing_key_file_is_written_and_another_one_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "new.key"
    opened = vault(tmp_path, {"PHR_KEY_FILE": str(path)})
    opened.restore_key(KEY)
    opened.restore_key(KEY)

    assert path.read_bytes() == opened.record_key() == KEY
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(SecretsError, match="another key"):
        opened.restore_key(b"x" * 32)
    assert path.read_bytes() == KEY


def test_a_command_that_gives_another_key_is_not_overruled(tmp_path: Path) -> None:
    opened = vault(tmp_path, credential_command=printing(KEY))
    opened.restore_key(KEY)

    with pytest.raises(SecretsError, match="another key"):
        opened.restore_key(b"x" * 32)
    with pytest.raises(UsageError):
        opened.restore_key(b"short")


# ── status ────────────────────────────────────────────────────────────────────────────────────────


def states(opened: Vault) -> dict[str, str]:
    return {candidate.name: candidate.state for candidate in opened.status().candidates}


def test_status_says_which_source_answers_and_what_else_is_set(tmp_path: Path) -> None:
    environ = key_file(tmp_path) | {"PHR_PASSPHRASE": "p"}
    status = vault(tmp_path, environ, keyring=MemoryStore()).status()

    assert (status.source, status.record_key, status.tokens, status.sealed_file) == (
        "key-file",
        True,
        "sealed-file",
        False,
    )
    assert states(vault(tmp_path, environ, keyring=MemoryStore())) == {
        "key-file": "used", "command": "absent", "passphrase": "set", "keyring": "set",
    }  # fmt: skip


def test_status_tells_of_trouble_without_raising_prompting_or_writing(tmp_path: Path) -> None:
    asked: list[int] = []

    def ask() -> str:
        asked.append(1)
        return "p"

    nothing = vault(tmp_path).status()
    assert (nothing.source, nothing.record_key, nothing.tokens) == (None, False, None)
    assert "there is none" in nothing.keyring
    assert vault(tmp_path, ask_passphrase=ask).status().source == "prompt"
    assert asked == []
    assert states(vault(tmp_path, {"PHR_KEY_FILE": "/nowhere"}))["key-file"] == "failed"
    keyring = vault(tmp_path, keyring=MemoryStore()).status()
    assert (keyring.source, keyring.record_key) == ("keyring", False)
    assert list(tmp_path.iterdir()) == []


def test_no_repr_and_no_status_shows_a_secret(tmp_path: Path) -> None:
    environ = key_file(tmp_path) | {"PHR_PASSPHRASE": "hush-hush"}
    for opened in (vault(tmp_path, environ), vault(tmp_path / "b", {"PHR_PASSPHRASE": "hush-hush"})):
        key = opened.record_key(create=True)
        opened.secrets.set("token/1", b"hush-hush")
        said = f"{opened!r} {opened.status()!r} {opened.secrets!r} {opened._ask()!r}"
        assert "hush" not in said
        assert repr(key) not in said
        assert key.hex() not in said


def test_forgetting_asks_the_source_again(tmp_path: Path) -> None:
    environ = key_file(tmp_path)
    opened = vault(tmp_path, environ)
    assert opened.record_key() == KEY
    Path(environ["PHR_KEY_FILE"]).write_bytes(b"n" * 32)

    assert opened.record_key() == KEY
    opened.forget()
    assert opened.record_key() == b"n" * 32


def test_the_store_given_for_the_keyring_is_any_secret_store(tmp_path: Path) -> None:
    store: SecretStore = MemoryStore()
    assert vault(tmp_path, keyring=store).source() == "keyring"
    assert list(tmp_path.iterdir()) == []


def test_a_key_in_the_keyring_of_a_desktop_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    vault(tmp_path, keyring=MemoryStore()).record_key(create=True)

    with pytest.raises(Locked, match="keyring that this run cannot reach") as caught:  # as cron, or over ssh
        vault(tmp_path).record_key()

    assert "phr doctor --as-cron" in str(caught.value.hint)


def test_a_keyring_that_is_reached_over_the_desktop_is_known(tmp_path: Path) -> None:
    class Desktop(MemoryStore):
        needs_desktop = True

    assert vault(tmp_path, keyring=Desktop()).keyring_needs_desktop()
    assert not vault(tmp_path, keyring=MemoryStore()).keyring_needs_desktop()
    assert not vault(tmp_path).keyring_needs_desktop()
