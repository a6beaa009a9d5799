"""A pretend world for every test: a temporary home, a fixed key, a clock that stands still, no keyring."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import settings

from phr.model import Received
from phr.store.store import Store

settings.register_profile("phr", deadline=None)  # a busy machine fails no test
settings.load_profile("phr")

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


class Judge:
    """The schema and the rules of HL7, loaded once."""

    def __init__(self, folder: Path) -> None:
        spec = importlib.util.spec_from_file_location("validate_ccd", folder / "validate_ccd.py")
        assert spec is not None and spec.loader is not None
        self._rules: Any = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self._rules)
        schema = folder / "xsd" / "infrastructure" / "cda" / "CDA_SDTC.xsd"
        from lxml import etree

        self._schema = etree.XMLSchema(etree.parse(str(schema)))
        self._sets = [
            self._rules.RuleSet(folder / "sch" / self._rules.RULES[name], folder / "sch" / "voc.xml")
            for name in self._rules.DEFAULT_RULES
        ]

    def errors(self, xml: bytes, folder: Path) -> list[str]:
        """What is wrong with a document, one line each; content that no rule can judge is wrong too."""
        path = folder / "document.xml"
        path.write_bytes(xml)
        result = self._rules.validate(path, self._schema, self._sets, {"huge_tree": True}, strict=True)
        assert result["assertions_evaluated"] > 400, "the rules did not see the document"
        return [
            f"{found['rule']} at {found['location']}: {found['message']}"
            for found in result["findings"]
            if found["severity"] == "error"
        ]


@pytest.fixture(scope="session")
def judge(shared: Path) -> Callable[[bytes, Path], list[str]]:
    """`judge(xml, folder)`: what HL7's schema and rules find wrong in a document; `folder` is for its files."""
    folder = shared / "ccda"
    if not (folder / "validate_ccd.py").is_file():
        pytest.skip("needs the C-CDA judge beside the checkout")
    return Judge(folder).errors
