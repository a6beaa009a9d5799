"""A pretend world for every test: a temporary home, a fixed key, a clock that stands still, no keyring."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from phr.model import Received
from phr.store.store import Store

KEY = bytes(range(32))
SHARED = Path(__file__).parents[1] / ".." / "shared"


@pytest.fixture(autouse=True)
def _own_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test reads or writes the home, the settings or the keyring of whoever runs it, or another test's log."""
    import logging
    import os

    log = logging.getLogger("phr")  # a command line that ran in this process has turned it to a file
    for name, value in (("propagate", True), ("handlers", []), ("level", logging.NOTSET)):
        monkeypatch.setattr(log, name, value)

    for name in [name for name in os.environ if name.startswith("PHR_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PHR_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    monkeypatch.setenv("TERMINAL_WIDTH", "80")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty records file whose clock stands still."""
    with Store(
        tmp_path / "records.db", KEY, create=True, clock=lambda: datetime(2026, 3, 1, tzinfo=UTC)
    ) as opened:
        yield opened


@pytest.fixture
def source(store: Store) -> str:
    """The key of a source to save into."""
    return store.sources.ensure("clinic").key


@pytest.fixture
def received() -> Callable[..., Received]:
    """Make what a server would send: `received("Observation", "1", status="final")`."""

    def make(type_: str, id_: str, **elements: Any) -> Received:
        return Received(type_, id_, orjson.dumps({"resourceType": type_, "id": id_, **elements}))

    return make


@pytest.fixture(scope="session")
def shared() -> Path:
    """Shapes from real systems that lie beside a checkout; tests that need them are skipped without."""
    if not SHARED.is_dir():
        pytest.skip("needs the folder of sample data beside the checkout")
    return SHARED.resolve()
