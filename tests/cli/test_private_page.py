"""`phr summary --emergency` and files of it: what the person marked as private is not on them, unless they say so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from phr.model import Received
from phr.workspace import Workspace

ALL = ("--sensitivity", "restricted")


@pytest.fixture
def marked(phr: Any, record: Workspace) -> Workspace:
    with record.store() as store:
        store.save(
            "k1",
            [
                Received(
                    "Condition",
                    id_,
                    orjson.dumps({"resourceType": "Condition", "id": id_, "code": {"text": name}}),
                )
                for id_, name in (("c1", "Zorblattosis"), ("c2", "Ordinary asthma"))
            ],
        )
    phr("edit", "Condition/c1", *ALL)
    return record


@pytest.mark.parametrize("format_", ["text", "json", "svg", "html"])
def test_what_is_private_is_on_no_emergency_page(
    phr: Any, marked: Workspace, tmp_path: Path, format_: str
) -> None:
    file = tmp_path / "page"
    told = phr("summary", "--emergency", "--format", format_, "-o", str(file))
    page = file.read_text()

    assert "Zorblattosis" not in page
    assert "asthma" in page.casefold()
    assert "1 record that you marked as private is not on it" in told.err + told.out
    assert "private" not in page
    phr("summary", "--emergency", "--format", format_, *ALL, "-o", str(file))
    assert "Zorblattosis" in file.read_text()


def test_the_screen_for_a_rescuer_has_none_of_it_and_ones_own_has_all(
    phr: Any, marked: Workspace, tmp_path: Path
) -> None:
    assert "Zorblattosis" not in phr("summary", "--emergency").out
    assert "Zorblattosis" in phr("summary", "--emergency", *ALL).out
    assert "Zorblattosis" in phr("summary").out
    phr("summary", "-o", str(tmp_path / "page"))
    assert "Zorblattosis" not in (tmp_path / "page").read_text()
