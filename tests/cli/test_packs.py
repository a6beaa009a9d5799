"""`phr packs`: which there are, what each brings, and whether one is well written."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from phr.model import Received
from phr.workspace import Workspace

OWN = """
id = "mine"
name = "Mine"
about = "What I have."
source = "Myself"
[[tags]]
name = "my tag"
words = ["zebra*"]
"""


@pytest.fixture
def own_packs(tmp_path: Path) -> Path:
    folder = tmp_path / "home" / "config" / "packs"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def record(monkeypatch) -> None:
    import os

    resources = [
        {"resourceType": "Condition", "id": "1", "code": {"text": "Emphysema"}, "onsetDateTime": "2014"},
        {"resourceType": "Condition", "id": "2", "code": {"text": "Zebra fever"}},
        {
            "resourceType": "Condition",
            "id": "3",
            "code": {"text": "Asthma"},
            "verificationStatus": {"coding": [{"code": "refuted"}]},
        },
    ]
    with Workspace(dict(os.environ)).store(create=True) as store:
        key = store.sources.ensure("clinic").key
        store.save(key, [Received(one["resourceType"], one["id"], orjson.dumps(one)) for one in resources])


def test_the_list_says_which_conditions_the_record_holds(phr, record):
    found = phr("packs", "list", "--json").json

    applies = {pack["id"]: pack["applies"] for pack in found["packs"]}
    assert applies == {
        "alpha-1": False,
        "asthma": False,
        "ckd": False,
        "copd": True,
        "diabetes": False,
        "general": True,
        "hypertension": False,
    }
    assert found["broken"] == []


def test_without_a_record_nobody_can_say_whether_a_pack_applies(phr):
    answer = phr("packs", "--json")

    assert answer.status == 0
    assert {pack["applies"] for pack in answer.json["packs"] if pack["id"] != "general"} == {None}


def test_the_list_fits_a_terminal_and_puts_first_what_applies(phr, record):
    answer = phr("packs")

    lines = answer.out.splitlines()
    assert lines[0].split() == ["PACK", "APPLIES", "NAME"]
    assert lines[1].split()[:2] == ["copd", "yes"]
    assert max(map(len, lines)) <= 80


def test_show_tells_everything_that_a_pack_brings(phr, record):
    page = phr("packs", "show", "alpha-1")
    whole = phr("packs", "show", "alpha-1", "--json").json

    assert "E88.01" in page.out
    assert "phr timeline --tag augmentation" in page.out
    assert "57 mg/dL" in page.out
    assert whole["codes"]["icd-10-cm"] == ["E88.01"]
    assert {"id", "shape", "title", "always"} <= set(whole["milestones"][0])
    assert whole["notes"][0]["source"]


def test_a_pack_that_is_not_there_is_answered_with_those_that_are(phr):
    answer = phr("packs", "show", "gout")

    assert answer.status == 2
    assert "alpha-1" in answer.err


def test_check_says_what_is_wrong_and_ends_with_1(phr, tmp_path):
    file = tmp_path / "odd.toml"
    file.write_text(OWN.replace("words", "wrods"), encoding="utf-8")

    answer = phr("packs", "check", str(file))

    assert answer.status == 1
    assert "odd.toml: [[tags]] “wrods”" in answer.out
    assert "docs/packs.md" in answer.err
    assert phr("packs", "check", str(file), "--json").json["ok"] is False


def test_check_of_a_good_pack_ends_with_0(phr, tmp_path):
    file = tmp_path / "good.toml"
    file.write_text(OWN, encoding="utf-8")

    assert phr("packs", "check", str(file)).status == 0
    assert phr("packs", "check", str(file), "--json").json["problems"] == []
    assert phr("packs", "check", str(tmp_path / "none.toml")).status == 2


def test_an_own_pack_tags_the_timeline(phr, record, own_packs):
    (own_packs / "mine.toml").write_text(OWN, encoding="utf-8")

    found = phr("timeline", "--tag", "my tag", "--json").json

    assert [event["title"] for event in found["events"]] == ["Zebra fever"]


def test_a_broken_own_pack_is_named_and_the_timeline_goes_on(phr, record, own_packs):
    (own_packs / "bad.toml").write_text("id = ", encoding="utf-8")

    assert "Left out: bad.toml" in phr("packs").err
    answer = phr("timeline", "--tag", "copd", "--json")
    assert answer.status == 0
    assert [event["title"] for event in answer.json["events"]] == ["Emphysema"]
