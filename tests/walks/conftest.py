"""The sandbox as a hospital, and a person with a home of their own who follows its redirects."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from phr.model import Connection
from phr.sandbox.config import SandboxConfig
from phr.sandbox.server import Sandbox
from phr.workspace import Workspace
from phr.workspace.sign_in import ConnectRequest, Speaker
from phr.workspace.sync import SyncReport, SyncWish


def follow(url: str) -> bool:
    """A browser in one line: follows redirects to their end."""
    return httpx.get(url, follow_redirects=True, timeout=20).status_code < 500


@dataclass
class Person:
    """Someone with a home of their own and a key file."""

    environ: dict[str, str]
    said: list[str] = field(default_factory=list)

    @property
    def workspace(self) -> Workspace:
        """As a new process would have it: nothing remembered but what is on disk."""
        return Workspace(self.environ)

    def connect(self, sandbox: Sandbox, browser: Callable[[str], bool] = follow, **wishes: Any) -> Connection:
        request = ConnectRequest(
            provider="custom", url=sandbox.fhir_base, client_id=sandbox.client_id, port=0, timeout=20
        )
        return self.workspace.connect(replace(request, **wishes), Speaker(browser, self.said.append))

    def sync(self, *names: str, **wishes: Any) -> SyncReport:
        return self.workspace.sync(SyncWish(names=names, **wishes))


@pytest.fixture
def person(tmp_path: Path) -> Person:
    """A person with an empty home; retries do not wait."""
    key = tmp_path / "key"
    key.write_bytes(os.urandom(32))
    key.chmod(0o600)
    return Person(
        {
            "PHR_HOME": str(tmp_path / "home"),
            "PHR_KEY_FILE": str(key),
            "PHR_SYNC_RETRY_DELAY": "0",
            "PHR_SYNC_BATCH_SIZE": "20",
        }
    )


@pytest.fixture
def hospital() -> Iterator[Callable[..., Sandbox]]:
    """Open a sandbox: `hospital(faults=("429",))`. It closes with the test."""
    with ExitStack() as stack:

        def open_sandbox(**config: Any) -> Sandbox:
            return stack.enter_context(Sandbox(SandboxConfig(**{"auto_approve": True, **config})))

        yield open_sandbox
