from __future__ import annotations

from pathlib import Path

import pytest

from phr.errors import Locked, SecretsError, UsageError
from phr.vault.envelope import KdfParams
from phr.vault.keys import Vault
from phr.vault.memory import MemoryStore
from phr.vault.rotation import change_passphrase, finish, pending_key, rotate

QUICK = KdfParams(memory_kib=64, iterations=1, lanes=1)
KEYRING = MemoryStore()


class Record:
    """A record that only its key opens, and that can lose power while it is changed over."""

    def __init__(self, key: bytes) -> None:
        self.key = key

    def rekey(self, old: bytes, new: bytes) -> None:
        assert old == self.key
        self.key = new

    def rekey_and_lose_power(self, old: bytes, new: bytes) -> None:
        self.rekey(old, new)
        raise KeyboardInterrupt


def vault(folder: Path, environ: dict[str, str]) -> Vault:
    return Vault(folder / "data" / "anna", environ, keyring=KEYRING, kdf=QUICK)


@pytest.fixture(params=["key-file", "passphrase", "keyring"])
def environ(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    path = tmp_path / "phr.key"
    path.write_bytes(b"k" * 32)
    path.chmod(0o600)
    return {"key-file": {"PHR_KEY_FILE": str(path)}, "passphrase": {"PHR_PASSPHRASE": "p"}, "keyring": {}}[
        request.param
    ]


def test_a_rotated_record_opens_with_the_new_key_and_keeps_its_tokens(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    opened = vault(tmp_path, environ)
    old = opened.record_key(create=True)
    opened.secrets.set("token/1", b"t")
    record = Record(old)

    rotate(opened, record.rekey)

    assert record.key != old
    for again in (opened, vault(tmp_path, environ)):
        assert again.record_key() == record.key
        assert again.secrets.get("token/1") == b"t"
        assert pending_key(again) is None


def test_a_rotation_that_lost_power_is_finished_later(tmp_path: Path, environ: dict[str, str]) -> None:
    opened = vault(tmp_path, environ)
    record = Record(opened.record_key(create=True))
    opened.secrets.set("token/1", b"t")
    with pytest.raises(KeyboardInterrupt):
        rotate(opened, record.rekey_and_lose_power)

    later = vault(tmp_path, environ)
    assert later.record_key() != record.key
    assert pending_key(later) == record.key
    finish(later)
    finish(later)

    assert vault(tmp_path, environ).record_key() == record.key
    assert vault(tmp_path, environ).secrets.get("token/1") == b"t"


def test_a_key_file_that_others_may_share_is_not_rotated(tmp_path: Path) -> None:
    path = tmp_path / "phr.key"
    path.write_bytes(b"k" * 32)
    path.chmod(0o600)
    other = tmp_path / "data" / "ben"
    other.mkdir(parents=True)
    (other / "records.db").write_bytes(b"sealed")

    with pytest.raises(SecretsError, match="Other people"):
        rotate(vault(tmp_path, {"PHR_KEY_FILE": str(path)}), Record(b"k" * 32).rekey)
    assert path.read_bytes() == b"k" * 32


def test_a_key_from_a_command_is_not_rotated(tmp_path: Path) -> None:
    with pytest.raises(SecretsError, match="credential command"):
        rotate(vault(tmp_path, {"PHR_CREDENTIAL_COMMAND": f"echo {'ab' * 32}"}), Record(b"").rekey)


def test_a_changed_passphrase_opens_and_the_old_one_does_not(tmp_path: Path) -> None:
    opened = vault(tmp_path, {"PHR_PASSPHRASE": "old"})
    key = opened.record_key(create=True)

    change_passphrase(opened, "new")

    assert vault(tmp_path, {"PHR_PASSPHRASE": "new"}).record_key() == key
    with pytest.raises(Locked):
        vault(tmp_path, {"PHR_PASSPHRASE": "old"}).record_key()
    with pytest.raises(UsageError, match="empty"):
        change_passphrase(opened, "")
    with pytest.raises(UsageError, match="not opened by a passphrase"):
        change_passphrase(vault(tmp_path / "b", {}), "new")
