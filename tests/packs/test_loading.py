"""A person's own packs: they win, they are named when they are broken, and none of them can do harm."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from phr.errors import UsageError
from phr.packs import loading, places
from phr.packs.words import Words, matching, tokens

GOOD = """
id = "mine"
name = "My condition"
about = "What I have."
source = "Myself"
[codes]
icd-10-cm = ["D86"]
[[tags]]
name = "sarcoidosis"
words = ["sarcoid*"]
[[milestones]]
id = "ace"
shape = "change"
title = "ACE"
codes.loinc = ["2742-5"]
rise = 50
"""


def write(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def test_an_own_pack_is_there_beside_the_shipped_ones(tmp_path):
    write(tmp_path, "mine.toml", GOOD)

    found = loading.load(tmp_path)

    assert "mine" in {pack.id for pack in found.packs}
    assert "alpha-1" in {pack.id for pack in found.packs}
    assert found.broken == ()


def test_an_own_pack_replaces_the_shipped_one_of_its_id(tmp_path):
    write(tmp_path, "x.toml", GOOD.replace('"mine"', '"ckd"'))

    pack = next(one for one in loading.packs(tmp_path) if one.id == "ckd")

    assert (pack.name, pack.own) == ("My condition", True)


def test_a_broken_pack_is_left_out_and_named_while_the_others_stay(tmp_path):
    write(tmp_path, "good.toml", GOOD)
    write(tmp_path, "bad.toml", GOOD.replace("rise", "risse").replace('"mine"', '"bad"'))

    found = loading.load(tmp_path)

    assert "mine" in {pack.id for pack in found.packs}
    assert "bad" not in {pack.id for pack in found.packs}
    assert len(found.broken) == 1
    assert found.broken[0].startswith("bad.toml: [[milestones]]")


def test_one_id_in_two_own_packs_is_said(tmp_path):
    write(tmp_path, "a.toml", GOOD)
    write(tmp_path, "b.toml", GOOD)

    assert loading.load(tmp_path).broken == (
        "b.toml: id “mine” is the id of another pack of yours: give it an id of its own.",
    )


def test_a_changed_pack_is_read_again_and_changes_the_fingerprint(tmp_path):
    file = write(tmp_path, "mine.toml", GOOD)
    before, mark = loading.load(tmp_path), places.fingerprint(tmp_path)
    file.write_text(GOOD.replace("My condition", "My old condition"), encoding="utf-8")

    assert "My old condition" in {pack.name for pack in loading.load(tmp_path).packs}
    assert "My old condition" not in {pack.name for pack in before.packs}
    assert places.fingerprint(tmp_path) != mark


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ('name = "My condition"', 'nam = "x"', "name is missing"),
        ('id = "mine"', 'id = "Mine!"', "id has to be of small letters"),
        (
            'name = "My condition"',
            'name = "x"\ncolour = "red"',
            "“colour” is a key that phr does not know here",
        ),
        ('["D86"]', '["86D"]', "codes icd-10-cm has “86D”"),
        ("icd-10-cm = ", "icd10 = ", "codes “icd10” is no code system"),
        ('["sarcoid*"]', '["s*"]', "[[tags]] words has “s*”"),
        ('["sarcoid*"]', '["sar*coid"]', "[[tags]] words has “sar*coid”"),
        ('["sarcoid*"]', '"sarcoid"', "[[tags]] words has to be a list"),
        ('words = ["sarcoid*"]', 'words = ["sarcoid*"]\nkinds = ["lab"]', "[[tags]] kinds has “lab”"),
        ('words = ["sarcoid*"]', "", "[[tags]] codes is missing"),
        ('shape = "change"', 'shape = "chnge"', "[[milestones]] shape is none that phr knows"),
        ("rise = 50", "", "[[milestones]] fall or rise has to be there"),
        ("rise = 50", "rise = 50\nfall = 5", "[[milestones]] fall or rise has to be there"),
        ("rise = 50", "rise = true", "[[milestones]] rise has to be a number"),
        ("rise = 50", "rise = nan", "[[milestones]] rise has to be a number"),
        ('["2742-5"]', '["2742"]', "[[milestones]] codes loinc has “2742”"),
        ("rise = 50", "rise = 50\nunits = 5", "[[milestones]] units has to be a list"),
        ("rise = 50", "rise = 50\nclasses = 5", "“classes” is a key"),
        ('["2742-5"]\nrise', '["2742-5"]\ngeneric = ["ace"]\nrise', "“generic” is a key"),
        ("[codes]", '[[same]]\ncodes.snomed = ["44054006"]\n[codes]', "[[same]] codes has to be two codes"),
        ("[codes]", "[[codes]]", "codes has to be a table"),
    ],
)
def test_what_is_wrong_is_said_with_file_table_and_key(tmp_path, old, new, where):
    assert old in GOOD
    file = write(tmp_path, "mine.toml", GOOD.replace(old, new))

    pack, wrong = loading.read(file)

    assert pack is None
    assert any(where in line for line in wrong), wrong
    assert all(line.startswith("mine.toml: ") for line in wrong)
    assert all(len(line) < 500 and line.rstrip()[-1] in ".…?" for line in wrong)


@pytest.mark.parametrize(
    "content",
    [
        b"x = " + b"[" * 5000,
        b"a." * 5000 + b"b = 1",
        b"\xff\xfe",
        b"id = '" + b"x" * 300_000 + b"'",
        b"[[tags]]\n" * 20_000,
        b"tags = [" + b"{}," * 20_000 + b"]",
        b"",
        b"id = 1979-05-27",
        b"id = 99999999999999999999999999999999999999",
        b"[codes]\n" + b"".join(b"s%d = ['x']\n" % at for at in range(5000)),
        ("words = ['" + "é" * 79 + "']").encode() * 2,
    ],
    ids=[
        "deep",
        "dotted",
        "bytes",
        "huge",
        "tables",
        "inline",
        "empty",
        "date",
        "number",
        "systems",
        "twice",
    ],
)
def test_a_hostile_pack_is_refused_quickly_and_with_few_words(tmp_path, content):
    folder = tmp_path / "packs"
    folder.mkdir()
    (folder / "evil.toml").write_bytes(content)
    start = time.perf_counter()

    found = loading.load(folder)

    assert time.perf_counter() - start < 5
    assert len(found.broken) == 1
    assert len(found.broken[0]) < 600
    assert "alpha-1" in {pack.id for pack in found.packs}


def test_words_of_a_pack_are_no_patterns():
    start = time.perf_counter()
    words = Words(["(a+)+$", "lung*", '" OR title:x'])

    assert not words.fit("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!")
    assert words.fit("Lungs clear")
    assert matching(['" OR title:x']) == '"or title x"'
    assert time.perf_counter() - start < 1


def test_what_is_no_ordinary_file_in_the_folder_is_named_once_and_not_opened(tmp_path):
    folder, elsewhere = tmp_path / "packs", tmp_path / "elsewhere.toml"
    folder.mkdir()
    write(folder, "mine.toml", GOOD)
    elsewhere.write_text("root:x:0:0:root", encoding="utf-8")
    os.mkfifo(folder / "pipe.toml")
    (folder / "folder.toml").mkdir()
    (folder / "outside.toml").symlink_to(elsewhere)
    (folder / "device.toml").symlink_to("/dev/zero")
    (folder / "gone.toml").symlink_to(folder / "nowhere.toml")

    loaded = loading.load(folder)

    assert [pack.id for pack in loaded.packs if pack.own] == ["mine"]
    assert [line.partition(":")[0] for line in loaded.broken] == [
        "device.toml",
        "folder.toml",
        "gone.toml",
        "outside.toml",
        "pipe.toml",
    ]
    assert not any("root" in line for line in loaded.broken)
    (folder / "pipe.toml").unlink()
    assert len(loading.load(folder).broken) == 4


def test_more_own_packs_than_are_read_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr("phr.packs.places.MOST_OWN", 1)
    write(tmp_path, "a.toml", GOOD)
    write(tmp_path, "b.toml", GOOD)

    assert loading.load(tmp_path).broken == ("b.toml: no more than 1 packs are read.",)


def test_a_folder_or_a_missing_file_is_no_pack(tmp_path):
    (tmp_path / "odd.toml").mkdir()

    assert [line.partition(":")[0] for line in loading.load(tmp_path).broken] == ["odd.toml"]
    with pytest.raises(UsageError):
        loading.read(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FEV1/FVC", ("fev1", "fvc")),
        ("Émphysème, COPD-like", ("emphyseme", "copd", "like")),
        ("SARS-CoV-2_x", ("sars", "cov", "2", "x")),
        ("", ()),
    ],
)
def test_words_are_cut_as_the_full_text_cuts_them(text, expected):
    assert tokens(text) == expected


@pytest.mark.parametrize(
    ("phrases", "title", "fits"),
    [
        (["lung*"], "Lungs, both", True),
        (["lung"], "Lungs, both", False),
        (["chest pain"], "Pain in chest", False),
        (["chest x*"], "CHEST X-RAY", True),
        (["alpha 1"], "Alpha-1-antitrypsin deficiency", True),
        (["copd"], None, False),
        ([], "anything", False),
    ],
)
def test_a_phrase_is_found_as_whole_words_in_their_order(phrases, title, fits):
    assert Words(phrases).fit(title) is fits


def test_packs_are_kept_as_they_were_read_until_one_changes(tmp_path, monkeypatch):
    state = tmp_path / "home" / "state"
    state.mkdir(parents=True)
    folder = tmp_path / "packs"
    file = write(folder, "mine.toml", GOOD)
    first = loading.load(folder)
    loading._KNOWN.clear()

    with monkeypatch.context() as patched:
        patched.setattr(loading, "_load", lambda _: pytest.fail("was read again"))
        assert loading.load(folder) == first
    assert (state / "packs.json").stat().st_mode & 0o777 == 0o600
    file.write_text(GOOD.replace("My condition", "Another"), encoding="utf-8")
    assert "Another" in {pack.name for pack in loading.packs(folder)}


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b'{"of": [1, 2], "packs": 5}', b"\xff", b'{"packs": [{"id": 1}]}']
)
def test_an_odd_cache_is_no_reason_to_fail(tmp_path, content):
    state = tmp_path / "home" / "state"
    state.mkdir(parents=True)
    loading._KNOWN.clear()
    (state / "packs.json").write_bytes(content)

    assert "alpha-1" in {pack.id for pack in loading.packs(tmp_path / "none")}


def test_nothing_is_written_where_there_is_no_state_folder(tmp_path):
    loading._KNOWN.clear()
    loading.load(tmp_path / "none")

    assert not (tmp_path / "home").exists()


def test_a_key_of_a_hundred_thousand_tables_costs_nothing(tmp_path: Path) -> None:
    file = tmp_path / "deep.toml"
    file.write_text("a." * 60_000 + "a = 1\n")
    pack, problems = loading.read(file)
    assert pack is None
    assert "too many dots" in problems[0]
