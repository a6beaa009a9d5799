"""The contract of `phr.vault.base.SecretStore` as tests. Subclass it, say how to make a store, and run pytest.

class TestMyStore(SecretStoreContract):
    def make_store(self, tmp_path):
        return MyStore(tmp_path / "secrets")
"""

# ruff: noqa: S101 — these are tests
from __future__ import annotations

from pathlib import Path

from phr.vault.base import SecretStore

_SHORT = b"s3cr3t-value"
_LONG = bytes(range(256)) * 40


class SecretStoreContract:
    """Each `make_store` with the same `tmp_path` must give a store over the same secrets, as another process would."""

    keeps_across_processes = True

    def make_store(self, tmp_path: Path) -> SecretStore:
        raise NotImplementedError

    def test_an_item_nobody_set_is_none(self, tmp_path: Path) -> None:
        assert self.make_store(tmp_path).get("token/1") is None

    def test_what_was_set_is_given_back_exactly(self, tmp_path: Path) -> None:
        store = self.make_store(tmp_path)
        for item, value in {
            "token/1": _SHORT,
            "token/2": _LONG,
            "record-key": b"\x00\xff" * 16,
            "x": b"",
        }.items():
            store.set(item, value)
            assert store.get(item) == value

    def test_items_do_not_disturb_one_another(self, tmp_path: Path) -> None:
        store = self.make_store(tmp_path)
        store.set("token/1", _LONG)
        store.set("token/10", _SHORT)
        store.delete("token/1")
        assert store.get("token/1") is None
        assert store.get("token/10") == _SHORT

    def test_set_replaces_short_by_long_and_long_by_short(self, tmp_path: Path) -> None:
        store = self.make_store(tmp_path)
        for value in (_SHORT, _LONG, _LONG[::-1], _SHORT):
            store.set("token/1", value)
            assert store.get("token/1") == value

    def test_deleting_twice_is_no_trouble(self, tmp_path: Path) -> None:
        store = self.make_store(tmp_path)
        store.delete("token/1")
        store.set("token/1", _SHORT)
        store.delete("token/1")
        store.delete("token/1")
        assert store.get("token/1") is None

    def test_another_process_reads_the_newest_value(self, tmp_path: Path) -> None:
        if not self.keeps_across_processes:
            return
        here, there = self.make_store(tmp_path), self.make_store(tmp_path)
        here.set("token/1", _SHORT)
        assert there.get("token/1") == _SHORT
        there.set("token/1", b"rotated")
        assert here.get("token/1") == b"rotated"
        there.set("token/2", _SHORT)
        here.set("token/3", _SHORT)
        assert there.get("token/2") == there.get("token/3") == _SHORT

    def test_it_says_what_it_is_and_nothing_of_what_it_holds(self, tmp_path: Path) -> None:
        store = self.make_store(tmp_path)
        store.set("token/1", _SHORT)
        assert store.name
        assert _SHORT.decode() not in repr(store)
        assert _SHORT.decode() not in str(store)
