"""A person with a home of their own, and providers on loopback that follow the specifications."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from phr.model import Connection
from phr.workspace import Workspace, lasting
from phr.workspace.sign_in import ConnectRequest, Speaker
from phr.workspace.sync import SyncReport, SyncWish

from . import ward as _WARD  # noqa: N812 - a fixture has its name


def follow(url: str) -> bool:
    """A browser in one line: follows redirects to their end."""
    return httpx.get(url, follow_redirects=True, timeout=20, trust_env=False).status_code < 500


@dataclass
class Person:
    """Someone with a home of their own and a key file; `said` is what they were told."""

    environ: dict[str, str]
    said: list[str] = field(default_factory=list)
    browser: Callable[[str], bool] = follow
    paste: Callable[[], str] | None = None

    @property
    def workspace(self) -> Workspace:
        """As a new process would have it: nothing remembered but what is on disk."""
        return Workspace(self.environ)

    @property
    def speaker(self) -> Speaker:
        return Speaker(self.browser, self.said.append, self.paste, self.said.append)

    def connect(self, ward: Any, **wishes: Any) -> Connection:
        request = ConnectRequest(url=ward.fhir_base, client_id="app", port=0, timeout=20)
        return self.workspace.connect(replace(request, **wishes), self.speaker)

    def reconnect(self, name: str, **wishes: Any) -> Connection:
        request = replace(ConnectRequest(timeout=20), **wishes)
        return self.workspace.reconnect(name, request, self.speaker)

    def sync(self, *names: str) -> SyncReport:
        return self.workspace.sync(SyncWish(names=names))

    def known(self, name: str) -> Connection:
        with self.workspace.store() as store:
            return store.connections.get(name)

    def heard(self, words: str) -> bool:
        return any(words in one for one in self.said)


@pytest.fixture
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Person:
    """A person with an empty home; retries do not wait."""
    monkeypatch.setattr(lasting, "PAUSES", (0.0, 0.01, 0.01, 0.01))
    key = tmp_path / "key"
    key.write_bytes(os.urandom(32))
    key.chmod(0o600)
    home = tmp_path / "home"
    return Person({"PHR_HOME": str(home), "PHR_KEY_FILE": str(key), "PHR_SYNC_RETRY_DELAY": "0"})


@pytest.fixture
def ward() -> Iterator[Any]:
    """One provider; its habits are set by its fields."""
    made = _WARD.Ward()
    server = _WARD.opened(made)
    yield made
    server.shutdown()
    server.server_close()


@pytest.fixture
def people() -> ModuleType:
    """Patients to put into a ward: `ADA`, `BO`, `TWIN`; `unsigned` makes a JWT."""
    return _WARD


@pytest.fixture
def vendor(tmp_path: Path) -> Callable[..., None]:
    """Write an entry of the person's own catalogue: `vendor("acme", auth=["dynamic"], …)`."""

    def write(id_: str, **keys: Any) -> None:
        folder = tmp_path / "home"
        folder = _providers_file(folder)
        folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lines = [f"[vendors.{id_}]", f'name = "{id_.title()}"']
        tables = []
        for key, value in keys.items():
            if isinstance(value, dict):
                tables += [
                    f"[vendors.{id_}.{key}]",
                    *(f"{_toml(k)} = {_inline(v)}" for k, v in value.items()),
                ]
            else:
                lines.append(f"{key} = {_inline(value)}")
        with folder.open("a") as file:
            file.write("\n".join([*lines, *tables]) + "\n")

    return write


def _providers_file(home: Path) -> Path:
    from phr import paths

    return paths.locate({"PHR_HOME": str(home)}).providers_file


def _toml(text: str) -> str:
    return f'"{text}"'


def _inline(value: Any) -> str:
    import json

    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_toml(k)} = {_inline(v)}" for k, v in value.items()) + " }"
    return json.dumps(value)
