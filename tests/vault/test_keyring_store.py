from __future__ import annotations

import logging
from pathlib import Path
from threading import Event

import pytest
from keyring.backend import KeyringBackend
from keyring.backends import fail, null
from keyring.backends.chainer import ChainerBackend
from keyring.errors import InitError, KeyringLocked, PasswordDeleteError

from phr.errors import Locked, SecretsError
from phr.testing.secret_store import SecretStoreContract
from phr.vault.base import ScopedStore, SecretStore
from phr.vault.keyring_store import KeyringStore

LONG = bytes(range(256)) * 20


class SmallEntries(KeyringBackend):
    """A keyring that holds as much per entry as Windows does, and counts what it is asked."""

    priority = 5  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.entries: dict[tuple[str, str], str] = {}
        self.fail_after: int | None = None
        self.looks = 0

    def get_password(self, service: str, username: str) -> str | None:
        self.looks += 1
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if len(password) > 1280:
            raise ValueError(f"too long: {password}")
        if self.fail_after is not None:
            if self.fail_after == 0:
                raise OSError(f"no more: {password}")
            self.fail_after -= 1
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if (service, username) not in self.entries:
            raise PasswordDeleteError("not found")
        del self.entries[service, username]


class Forgetful(SmallEntries):
    def set_password(self, service: str, username: str, password: str) -> None: ...


class LockedUp(SmallEntries):
    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked("collection is locked")


class NeverStarted(SmallEntries):
    def get_password(self, service: str, username: str) -> str | None:
        raise InitError("no bus")


class Waiting(SmallEntries):
    """Shows a dialog that nobody answers."""

    def get_password(self, service: str, username: str) -> str | None:
        Event().wait(1)
        return None


class PlainFile(SmallEntries):
    """Stands for `keyrings.alt.file.PlaintextKeyring`."""


PlainFile.__module__ = "keyrings.alt.file"


class NotRecommended(SmallEntries):
    priority = 0.5  # type: ignore[assignment]


class NotViable(SmallEntries):
    @property
    def priority(self) -> float:  # type: ignore[override]
        raise RuntimeError("needs a desktop")


class Chain(ChainerBackend):
    """keyring's own chain over backends of our choice."""

    backends: list[KeyringBackend] = []  # noqa: RUF012


Chain.__module__ = ChainerBackend.__module__

# keyring looks for keyrings among all classes that exist; other tests must not find these.
KeyringBackend._classes -= {
    SmallEntries,
    Forgetful,
    LockedUp,
    NeverStarted,
    PlainFile,
    NotRecommended,
    NotViable,
    Waiting,
    Chain,
}


class TestKeyringStore(SecretStoreContract):
    @pytest.fixture(autouse=True)
    def one_keyring(self) -> None:
        self.backend = SmallEntries()

    def make_store(self, tmp_path: Path) -> SecretStore:
        return KeyringStore(self.backend)


class TestScopedStore(SecretStoreContract):
    @pytest.fixture(autouse=True)
    def one_keyring(self) -> None:
        self.backend = SmallEntries()

    def make_store(self, tmp_path: Path) -> SecretStore:
        return ScopedStore(KeyringStore(self.backend), lambda: "a1b2")


def test_two_scopes_in_one_keyring_do_not_meet() -> None:
    backend = SmallEntries()
    one, two = (ScopedStore(KeyringStore(backend), lambda s=s: s) for s in ("one", "two"))

    one.set("record-key", b"1")
    two.set("record-key", b"2")
    two.delete("record-key")

    assert one.get("record-key") == b"1"


def test_a_short_value_takes_one_look_and_a_long_one_leaves_no_parts_behind() -> None:
    backend = SmallEntries()
    store = KeyringStore(backend)
    store.set("record-key", b"k" * 32)
    backend.looks = 0

    assert store.get("record-key") == b"k" * 32
    assert backend.looks == 1

    store.set("token/1", LONG)
    parts = len(backend.entries)
    assert parts > 5
    assert all(len(text) <= 1000 for text in backend.entries.values())
    store.set("token/1", LONG[::-1])
    assert len(backend.entries) == parts
    store.delete("token/1")
    assert len(backend.entries) == 1


@pytest.mark.parametrize("writes", [0, 1, 4, 7])
def test_the_old_value_stays_when_writing_breaks_off(writes: int) -> None:
    backend = SmallEntries()
    store = KeyringStore(backend)
    store.set("token/1", LONG)
    backend.fail_after = writes

    with pytest.raises(SecretsError) as caught:
        store.set("token/1", LONG[::-1])

    assert "no more" not in caught.value.message
    assert store.get("token/1") == LONG


def test_parts_that_are_missing_or_changed_are_never_taken_for_the_value() -> None:
    backend = SmallEntries()
    store = KeyringStore(backend)
    store.set("home/token/1", LONG)
    part = next(name for name in backend.entries if name[1].endswith(".2"))
    text = backend.entries[part]

    for broken in ("", text[:-4], "A" * len(text), "é"):
        backend.entries[part] = broken
        with pytest.raises(SecretsError, match="token/1 is incomplete"):
            store.get("home/token/1")


def test_an_entry_that_somebody_else_wrote_is_not_a_value() -> None:
    backend = SmallEntries()
    for text in ("", "plain", "1", "1 é", "2 a b c", "3 x"):
        backend.entries["phr", "token/1"] = text
        with pytest.raises(SecretsError):
            KeyringStore(backend).get("token/1")


def test_a_keyring_that_silently_forgets_is_noticed() -> None:
    with pytest.raises(SecretsError, match="did not keep"):
        KeyringStore(Forgetful()).set("token/1", b"x")


def test_a_locked_keyring_is_locked_and_a_broken_one_is_trouble() -> None:
    with pytest.raises(Locked, match="keyring is locked"):
        KeyringStore(LockedUp()).get("token/1")
    with pytest.raises(SecretsError, match="InitError"):
        KeyringStore(NeverStarted()).get("token/1")


def test_a_keyring_that_waits_for_a_dialog_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("phr.vault.keyring_store.PATIENCE", 0.05)

    with pytest.raises(Locked, match="waiting to be unlocked"):
        KeyringStore(Waiting()).get("token/1")


@pytest.mark.parametrize(
    ("backend", "why"),
    [
        (fail.Keyring(), "there is none"),
        (null.Keyring(), "switched off"),
        (PlainFile(), "plain file"),
        (NotRecommended(), "not recommended"),
        (NotViable(), "does not work"),
    ],
)
def test_keyrings_that_keep_no_secret_are_refused(backend: KeyringBackend, why: str) -> None:
    store = KeyringStore(backend)

    assert not store.available()
    assert why in (store.refusal or "")
    for attempt in (lambda: store.get("a"), lambda: store.set("a", b"b"), lambda: store.delete("a")):
        with pytest.raises(SecretsError, match="cannot be used"):
            attempt()


def test_behind_a_chain_only_a_safe_keyring_is_used() -> None:
    plain, safe = PlainFile(), SmallEntries()
    chain = Chain()
    chain.backends = [plain, safe]
    store = KeyringStore(chain)

    store.set("token/1", b"x")

    assert store.available()
    assert (plain.entries, len(safe.entries)) == ({}, 1)


def test_a_chain_of_unsafe_keyrings_is_refused() -> None:
    chain = Chain()
    chain.backends = [PlainFile(), NotRecommended()]

    assert not KeyringStore(chain).available()


def test_nothing_secret_reaches_a_repr_a_message_or_a_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    backend = SmallEntries()
    backend.fail_after = 1
    store = KeyringStore(backend)
    store.set("token/1", b"hush-hush")
    with pytest.raises(SecretsError) as caught:
        store.set("token/2", b"hush-hush")

    said = f"{store!r} {caught.value} {caught.value.hint} {caught.value.__cause__} {caplog.text}"
    assert "hush" not in said
    assert "aHVzaC1odXNo" not in said


def test_which_keyrings_need_a_desktop() -> None:
    def of(module: str) -> bool:
        return KeyringStore(type("Keyring", (SmallEntries,), {"__module__": module})()).needs_desktop

    assert all(
        map(of, ("keyring.backends.SecretService", "keyring.backends.libsecret", "keyring.backends.kwallet"))
    )
    assert not any(map(of, ("keyring.backends.macOS", "keyring.backends.Windows", "keyring_pass")))
