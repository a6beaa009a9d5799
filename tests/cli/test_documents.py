"""`phr documents` as a person meets it."""

from __future__ import annotations

import base64
import os
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from phr.model import Received
from phr.sandbox.synthetic.pdf import page
from phr.sync.attachments import read_stored
from phr.sync.desk import Desk
from phr.workspace import Workspace
from phr.workspace.viewing import tidy

PDF = page("Letter", ["The ocelot is well"])


def resource(type_: str, id_: str, **elements: Any) -> Received:
    return Received(type_, id_, orjson.dumps({"resourceType": type_, "id": id_, **elements}))


@pytest.fixture
def here() -> Iterator[Workspace]:
    """A record with a letter that is here and one that was refused."""
    workspace = Workspace(dict(os.environ))
    with workspace.store(create=True) as store:
        key = store.sources.ensure("clinic").key
        letter = {"data": base64.b64encode(PDF).decode(), "contentType": "application/pdf"}
        store.save(
            key,
            [
                resource(
                    "DocumentReference",
                    "a",
                    date="2024-05-01",
                    type={"text": "Letter to the patient about a rather long story"},
                    content=[{"attachment": letter}],
                ),
                resource("DocumentReference", "b", content=[{"attachment": {"url": "Binary/b"}}]),
            ],
        )
        (wanted,) = store.documents.wanted(key)
        store.documents.not_kept(wanted, "gone: the server does not have it any more", again=False)
        read_stored(Desk(store), key)
    yield workspace


def test_the_list_fits_the_screen_and_says_why_something_is_not_here(phr: Any, here: Workspace) -> None:
    said = phr("documents")
    assert said.status == 0
    assert all(len(line) <= 80 for line in said.out.splitlines())
    assert "1.0" in said.out and "2024-05-01" in said.out
    assert "\n    gone: the server does not have it any more\n" in said.out, "below its line"
    assert said.out == phr("documents", "list").out


def test_the_state_stands_once_and_the_next_page_is_a_whole_command(phr: Any, here: Workspace) -> None:
    said = phr("documents", "list", "--state", "refused").out
    assert said.count("refused") == 1 and "STATE" in said and "TYPE" not in said.split("\n")[1]
    cut = phr("documents", "list", "--limit", "1", "--source", "clinic").err
    assert "Shown: 1 of 2. Further: phr documents list --limit 1 --source clinic --after " in cut


def test_the_list_as_json_has_the_keys_of_the_contract(phr: Any, here: Workspace) -> None:
    found = phr("documents", "list", "--state", "stored", "--json").json
    assert found["schema"] == 1 and found["total"] == 1
    keys = {"id", "title", "type", "date", "media_type", "bytes", "source", "record", "state", "reason"}
    assert keys <= found["documents"][0].keys()
    assert found["documents"][0]["type"] == "letter"
    page_ = phr("documents", "list", "--limit", "1", "--json").json
    rest = phr("documents", "list", "--after", page_["next"], "--json").json
    assert [one["id"] for one in (*page_["documents"], *rest["documents"])] == ["1.0", "2.0"]


def test_the_timeline_finds_a_word_inside_a_letter(phr: Any, here: Workspace) -> None:
    assert phr("timeline", "--search", "ocelot", "--json").json["total"] == 1
    assert phr("timeline", "--search", "okapi", "--json").json["total"] == 0


def test_a_document_is_saved_as_it_came_for_its_owner_alone_and_replaces_nothing(
    phr: Any, here: Workspace, tmp_path: Path
) -> None:
    assert phr("documents", "save", "1.0").status == 0
    saved = tmp_path / "2024-05-01-letter-to-the-patient-about-a-rather-long-story.pdf"
    assert saved.read_bytes() == PDF
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    again = phr("documents", "save", "1.0")
    assert again.status == 2 and "--force" in again.err
    saved.write_bytes(b"mine")
    assert phr("documents", "save", "1.0", "--force", "--json").json["bytes"] == len(PDF)
    assert saved.read_bytes() == PDF
    (tmp_path / "box").mkdir()
    assert phr("documents", "save", "DocumentReference/a", "-o", "box").status == 0
    assert (tmp_path / "box" / saved.name).read_bytes() == PDF


def test_a_document_goes_to_stdout_byte_for_byte(capfdbinary: Any, here: Workspace) -> None:
    from phr.cli.app import run

    with pytest.raises(SystemExit):
        run(("documents", "save", "1", "-o", "-"))
    assert capfdbinary.readouterr().out == PDF


def test_what_is_not_here_says_why_and_how_to_ask_again(phr: Any, here: Workspace) -> None:
    said = phr("documents", "save", "2.0")
    assert said.status == 2
    assert "gone" in said.err and "phr documents fetch --failed" in said.err


def test_without_a_desktop_it_says_how_to_save(
    phr: Any, here: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    said = phr("documents", "open", "1.0")
    assert said.status == 2 and "phr documents save 1.0 -o" in said.err
    assert not (here.paths.state / "open").exists()


def test_a_viewer_gets_a_private_copy_that_goes_away(
    phr: Callable[..., Any], here: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer, seen = tmp_path / "bin" / "xdg-open", tmp_path / "seen"
    viewer.parent.mkdir()
    viewer.write_text(
        f'#!/bin/sh\nenv > {tmp_path}/env\nprintf %s "$1" > {seen}.part\nmv {seen}.part {seen}\n'
    )
    viewer.chmod(0o700)
    monkeypatch.setenv("PATH", f"{viewer.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("DISPLAY", ":9")
    monkeypatch.setattr("sys.platform", "linux")
    assert phr("documents", "open", "1.0").status == 0
    until = time.monotonic() + 10
    while not seen.exists() and time.monotonic() < until:
        time.sleep(0.02)
    copy = Path(seen.read_text())
    assert copy.read_bytes() == PDF and copy.suffix == ".pdf"
    assert copy.is_relative_to(here.paths.state)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in list(copy.parents)[:3]} == {0o700}
    assert "PHR_KEY_FILE" not in (tmp_path / "env").read_text()
    tidy(here)
    assert copy.exists(), "the viewer may still read it"
    os.utime(copy.parent, (0, 0))
    phr("documents")
    assert not copy.parent.exists()


def test_a_fetch_without_connections_says_what_to_do(phr: Any, here: Workspace) -> None:
    said = phr("documents", "fetch")
    assert said.status == 2 and "phr connect" in said.err


@pytest.mark.parametrize("command", ["list", "open", "save", "fetch"])
def test_each_command_names_its_exit_statuses(phr: Any, command: str) -> None:
    said = phr("documents", command, "--help")
    assert said.status == 0 and "Exit statuses: 0 fine" in said.out.replace("\n", " ")
