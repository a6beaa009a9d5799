from __future__ import annotations

import hashlib
import stat
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phr.errors import Locked, SecretsError
from phr.testing.secret_store import SecretStoreContract
from phr.vault.base import SecretStore
from phr.vault.envelope import Damaged, Head, KdfParams, SealKey, head_with, read_head, stretch
from phr.vault.memory import MemoryStore
from phr.vault.sealed import MAGIC, SealedStore

QUICK = KdfParams(memory_kib=64, iterations=1, lanes=1)
RIGHT = SealKey.from_passphrase("correct horse")


def sealed(folder: Path, key: SealKey = RIGHT) -> SealedStore:
    return SealedStore(folder / "secrets.sealed", key, params=QUICK)


class TestMemoryStore(SecretStoreContract):
    keeps_across_processes = False

    def make_store(self, tmp_path: Path) -> SecretStore:
        return MemoryStore()


class TestSealedByPassphrase(SecretStoreContract):
    def make_store(self, tmp_path: Path) -> SecretStore:
        return sealed(tmp_path)


class TestSealedByKey(SecretStoreContract):
    def make_store(self, tmp_path: Path) -> SecretStore:
        return sealed(tmp_path, SealKey.from_key(b"k" * 32))


def test_the_file_and_its_folder_are_private_and_hold_nothing_readable(tmp_path: Path) -> None:
    store = sealed(tmp_path / "data" / "anna")
    store.set("token/17", b"a-very-secret-token")

    content = store.path.read_bytes()

    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(store.path.parent.stat().st_mode) == 0o700
    assert content.startswith(MAGIC)
    for secret in (b"a-very-secret-token", b"YS12ZXJ5LXNlY3JldC10b2tlbg", b"token/17", b"correct horse"):
        assert secret not in content


def test_a_wrong_passphrase_is_locked_says_so_and_changes_nothing(tmp_path: Path) -> None:
    sealed(tmp_path).set("token/1", b"kept")
    before = (tmp_path / "secrets.sealed").read_bytes()
    wrong = sealed(tmp_path, SealKey.from_passphrase("wrong horse"))

    for attempt in (
        lambda: wrong.get("token/1"),
        lambda: wrong.set("x", b"y"),
        lambda: wrong.delete("token/1"),
    ):
        with pytest.raises(Locked, match="passphrase does not open") as caught:
            attempt()
        assert "horse" not in f"{caught.value} {caught.value.hint}"

    assert (tmp_path / "secrets.sealed").read_bytes() == before
    assert sealed(tmp_path).get("token/1") == b"kept"


def test_the_wrong_kind_of_key_is_told_which_kind_fits(tmp_path: Path) -> None:
    sealed(tmp_path).set("token/1", b"kept")
    with pytest.raises(Locked, match="sealed with a passphrase"):
        sealed(tmp_path, SealKey.from_key(b"k" * 32)).get("token/1")

    other = tmp_path / "other"
    sealed(other, SealKey.from_key(b"k" * 32)).set("token/1", b"kept")
    with pytest.raises(Locked, match="sealed with a key"):
        sealed(other).get("token/1")
    with pytest.raises(Locked, match="another one"):
        sealed(other, SealKey.from_key(b"x" * 32)).get("token/1")


def test_a_passphrase_opens_however_its_accents_were_typed(tmp_path: Path) -> None:
    sealed(tmp_path, SealKey.from_passphrase("caf\u00e9")).set("a", b"1")

    assert sealed(tmp_path, SealKey.from_passphrase("cafe\u0301")).get("a") == b"1"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_damage_anywhere_is_named_and_the_file_is_left_alone(tmp_path: Path, where: float, bit: int) -> None:
    store = sealed(tmp_path, SealKey.from_key(b"k" * 32))
    if not store.path.exists():
        store.set("token/1", b"kept")
    whole = store.path.read_bytes()
    at = int(where * len(whole))
    broken = whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :]
    store.path.write_bytes(broken)
    fresh = sealed(tmp_path, SealKey.from_key(b"k" * 32))

    try:
        for attempt in (lambda: fresh.get("token/1"), lambda: fresh.set("x", b"y")):
            with pytest.raises(SecretsError, match="damaged") as caught:
                attempt()
            assert str(store.path) in caught.value.message
        assert store.path.read_bytes() == broken
    finally:
        store.path.write_bytes(whole)


@pytest.mark.parametrize("keep", [0, 5, 9, 60, 300, -1])
def test_a_file_cut_short_is_damaged_not_locked(tmp_path: Path, keep: int) -> None:
    store = sealed(tmp_path)
    store.set("token/1", b"kept" * 100)
    store.path.write_bytes(store.path.read_bytes()[:keep])

    with pytest.raises(SecretsError, match="damaged"):
        sealed(tmp_path).get("token/1")


def test_the_slow_opening_happens_once_and_other_processes_are_still_noticed(tmp_path: Path) -> None:
    mine, theirs = sealed(tmp_path), sealed(tmp_path)
    mine.set("token/1", b"one")
    opened = mine._master
    theirs.set("token/1", b"two")

    assert mine.get("token/1") == b"two"
    assert mine._master is opened


def test_two_processes_that_set_at_once_lose_nothing(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from phr.vault.envelope import KdfParams, SealKey; from phr.vault.sealed import SealedStore\n"
        "store = SealedStore(Path(sys.argv[1]), SealKey.from_passphrase('p'), params=KdfParams(64, 1, 1))\n"
        "for n in range(20): store.set(f'{sys.argv[2]}/{n}', sys.argv[2].encode())\n"
    )
    path = tmp_path / "secrets.sealed"
    writers = [subprocess.Popen([sys.executable, "-c", code, str(path), name]) for name in ("a", "b")]

    assert [writer.wait(30) for writer in writers] == [0, 0]
    store = SealedStore(path, SealKey.from_passphrase("p"))
    assert [store.get(f"{name}/{n}") for name in "ab" for n in range(20)] == [b"a"] * 20 + [b"b"] * 20


def test_resealing_changes_the_key_and_keeps_the_items(tmp_path: Path) -> None:
    store = sealed(tmp_path)
    store.set("token/1", b"kept")
    store.reseal(SealKey.from_key(b"k" * 32))

    assert store.get("token/1") == b"kept"
    assert sealed(tmp_path, SealKey.from_key(b"k" * 32)).get("token/1") == b"kept"
    with pytest.raises(Locked):
        sealed(tmp_path).get("token/1")


def test_every_write_has_its_own_nonce_under_one_salt(tmp_path: Path) -> None:
    store = sealed(tmp_path)
    heads: list[Head] = []
    for _ in range(3):
        store.set("token/1", b"same")
        with store.path.open("rb") as file:
            heads.append(read_head(file, MAGIC))

    assert len({head.values["nonce"] for head in heads}) == 3
    assert len({head.values["salt"] for head in heads}) == 1


def test_the_usual_parameters_are_64_mib_3_passes_4_lanes() -> None:
    assert KdfParams() == KdfParams(memory_kib=65536, iterations=3, lanes=4)


@pytest.mark.parametrize(
    "change", [{"memory_kib": 1 << 24}, {"memory_kib": 7}, {"iterations": 10**6}, {"lanes": 0}, {"lanes": "4"},
               {"kdf": "md5"}, {"salt": "00"}, {"check": None}]
)  # fmt: skip
def test_a_head_that_asks_for_absurd_work_is_refused_before_the_work(
    tmp_path: Path, change: dict[str, object]
) -> None:
    values = {
        "kdf": "argon2id",
        "memory_kib": 64,
        "iterations": 1,
        "lanes": 1,
        "salt": "00" * 16,
        "check": "00" * 16,
    }
    (tmp_path / "f").write_bytes(head_with(MAGIC, {**values, **change}).raw)

    with (tmp_path / "f").open("rb") as file, pytest.raises(Damaged):
        read_head(file, MAGIC)


def test_a_passphrase_becomes_the_key_that_the_reference_implementation_makes() -> None:
    """phc-winner-argon2, src/test.c: Argon2id, t=2, m=65536, p=1, "password", "somesalt"."""
    values = {"kdf": "argon2id", "memory_kib": 65536, "iterations": 2, "lanes": 1, "salt": b"somesalt".hex()}

    assert stretch(values, SealKey.from_passphrase("password")).hex() == (
        "09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7"
    )


def test_threads_share_one_store_without_losing_or_mixing_anything(tmp_path: Path) -> None:
    store = sealed(tmp_path)
    wrong: list[str] = []

    def work(name: str) -> None:
        for number in range(15):
            store.set(name, str(number).encode())
            if store.get(name) != str(number).encode():
                wrong.append(name)

    threads = [Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert wrong == []
    assert [sealed(tmp_path).get(name) for name in "abcd"] == [b"14"] * 4


@pytest.mark.parametrize(
    "change",
    [
        {"iterations": 2.5},
        {"memory_kib": 64.5},
        {"lanes": True},
        {"memory_kib": 1024 * 1024, "iterations": 24},
        {"memory_kib": 10**9},
        {"iterations": float("nan")},
    ],
)
def test_a_head_that_asks_for_absurd_work_is_damage_and_costs_nothing(
    tmp_path: Path, change: dict[str, object]
) -> None:
    store = sealed(tmp_path)
    store.set("a", b"1")
    content = store.path.read_bytes()
    with store.path.open("rb") as file:
        head = read_head(file, MAGIC)
    store.path.write_bytes(head_with(MAGIC, {**head.values, **change}).raw + content[len(head.raw) :])
    started = time.monotonic()
    with pytest.raises(SecretsError, match="damaged"):
        sealed(tmp_path).get("a")
    assert time.monotonic() - started < 1


def test_a_head_nested_without_end_is_damage(tmp_path: Path) -> None:
    body = b"[" * 4000
    raw = MAGIC + len(body).to_bytes(2, "big") + body
    (tmp_path / "secrets.sealed").write_bytes(raw + hashlib.sha256(raw).digest())
    with pytest.raises(SecretsError, match="damaged"):
        sealed(tmp_path).get("a")
