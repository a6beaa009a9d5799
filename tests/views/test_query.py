"""What a person types, read: filters, quotes, codes, time; and words as the index has them."""

from __future__ import annotations

import tomllib
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import phr
from phr.model import KINDS
from phr.views.query import KINDS_SAID, Query, full_text_query, kinds_said, parse
from phr.views.synonyms import Synonyms, packaged
from phr.views.words import apart, fold, forms, one_slip, stem, tokens

TODAY = date(2026, 11, 21)


def test_every_filter_of_the_language_is_read_at_once() -> None:
    query = parse(
        "kind:lab after:2024 before:2025-06 source:nyu tag:lungs is:abnormal is:bookmarked has:document"
        ' by:"Dr. Martinez" at:"clinic" "chest ct" -word sodium'
    )
    assert query.kinds == ("lab_result",)
    assert (query.after, query.before) == ("2024", "2025-05-31")
    assert (query.sources, query.tags) == (("nyu",), ("lungs",))
    assert (query.states, query.having) == (("abnormal", "bookmarked"), ("document",))
    assert (query.by, query.at) == (("Dr. Martinez",), ("clinic",))
    assert [term.text for term in query.without] == ["word"]
    assert query.words == ("chest ct", "sodium")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("foo:bar", ("foo", "bar")),
        ("12:30", ("12:30",)),
        ("4548-4", ("4548-4",)),
        ("E11.9 1825-9", ("E11.9", "1825-9")),
        ("what was my last sodium", ("sodium",)),
        ("kind:banana", ("banana",)),
        ("“curly quotes”", ("curly quotes",)),
        ('"never closed', ("never closed",)),
        ("is the are", ()),
        ("my dad's illness", ("dad", "illness")),
        ("what was it supposed to mean", ()),
    ],
)
def test_what_is_no_filter_is_words(text: str, words: tuple[str, ...]) -> None:
    query = parse(text, TODAY)
    assert query.words == words
    assert not query.filtered()


def test_a_filter_that_cannot_be_read_is_told() -> None:
    assert "names no kind" in parse("kind:banana").said[0]
    assert "no date" in parse("after:christmas").said[0]


@pytest.mark.parametrize(
    ("text", "after", "before", "around"),
    [
        ("lungs since 2023", "2023", None, None),
        ("fev1 from 2019 to 2021", "2019", "2021", None),
        ("fev1 from 2019", None, None, ("2019", "2019")),
        ("ct before march 2024", None, "2024-02-29", None),
        ("ct until march 2024", None, "2024-03", None),
        ("glucose march 2024", None, None, ("2024-03", "2024-03")),
        ("glucose on 3/5/2024", None, None, ("2024-03-05", "2024-03-05")),
        ("glucose Mar 5, 2024", None, None, ("2024-03-05", "2024-03-05")),
        ("a1c last year", None, None, ("2025", "2025")),
        ("a1c this month", None, None, ("2026-11", "2026-11")),
        ("a1c last march", None, None, ("2026-03", "2026-03")),
        ("a1c last december", None, None, ("2025-12", "2025-12")),
        ("labs past 6 months", "2026-05-21", None, None),
        ("labs last 2 weeks", "2026-11-07", None, None),
        ("last glucose", None, None, None),
        ("labs since last year", "2025", None, None),
        ("ct before last march", None, "2026-02-28", None),
        ("surgery 5 years ago", None, None, ("2021", "2021")),
        ("ct a month ago", None, None, ("2026-10", "2026-10")),
        ("labs past two weeks", "2026-11-07", None, None),
        ("results from last week", None, None, ("2026-11-09", "2026-11-15")),
        ("before:2024 a", None, "2023-12-31", None),
        ("on:2024-02 a", "2024-02", "2024-02", None),
        ("after:2024-13-01 a", None, None, None),
    ],
)
def test_time_is_read_as_people_say_it(
    text: str, after: str | None, before: str | None, around: tuple[str, str] | None
) -> None:
    query = parse(text, TODAY)
    assert (query.after, query.before, query.around) == (after, before, around)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("labs", "lab_result"),
        ("meds", "medication"),
        ("Vaccines", "immunization"),
        ("shots", "immunization"),
        ("visits", "encounter"),
        ("letters", "document"),
        ("notes", "clinical_note"),
        ("allergies", "allergy"),
        ("surgeries", "procedure"),
        ("care plan", "care_plan"),
        ("lab_result", "lab_result"),
    ],
)
def test_kinds_have_the_names_that_people_give_them(said: str, kind: str) -> None:
    assert kind in kinds_said(said)


def test_every_kind_can_be_said() -> None:
    assert set(KINDS_SAID) == set(KINDS)
    assert kinds_said("banana") == ()


@given(st.text(max_size=200))
def test_nothing_that_can_be_typed_is_a_mistake(text: str) -> None:
    assert isinstance(parse(text, TODAY), Query)
    full_text_query(text)


def test_the_exact_way_understands_quotes() -> None:
    assert full_text_query('kidney "chest ct"') == '"kidney" "chest ct"'
    assert full_text_query('"chest ct" kid') == '"chest ct" "kid" *'
    assert full_text_query('"') is None


@pytest.mark.parametrize(
    ("word", "other"),
    [("infusions", "infusion"), ("allergies", "allergy"), ("walking", "walk"), ("stopped", "stop"),
     ("haemoglobin", "hemoglobin"), ("pulmonologist", "pulmonology"), ("biopsy", "biopsies"),
     ("gynaecologist", "gynecology"), ("anemia", "anaemia"), ("leucocytes", "leukocyte"), ("dyspnoea", "dyspnea")],
)  # fmt: skip
def test_a_word_has_its_other_forms(word: str, other: str) -> None:
    assert other in forms(word)


def test_words_are_parted_as_the_index_parts_them() -> None:
    assert tokens("Öst-Arthritis, 4548-4 (x_y)") == ("ost", "arthritis", "4548", "4", "x", "y")
    assert len(fold("Ångström straße")) == len("Ångström straße")
    assert (stem("diagnosis"), stem("glasses"), stem("virus")) == ("diagnosis", "glass", "virus")


def test_slips_are_counted() -> None:
    assert apart("lisonipril", "lisinopril") == 2
    assert apart("tset", "test") == 1
    assert apart("abc", "abcdef") == 3
    assert {"potassium", "potssum"} <= set(one_slip("potassum"))


# ── the table ─────────────────────────────────────────────────────────────────────────────────────


def table() -> dict[str, object]:
    inside = Path(phr.__file__).parent / "synonyms.toml"
    path = inside if inside.exists() else Path(phr.__file__).parents[2] / "synonyms.toml"
    return tomllib.loads(path.read_text("utf-8"))


def test_the_table_is_toml_and_reads_the_same_line_by_line() -> None:
    data = table()
    read = packaged()
    for group in data["same"]:
        for word in group:
            found = read.longest(tokens(word))
            assert found is not None, word
            others = {tokens(other) for other in group} - {tokens(word)}
            assert others <= {tokens(meaning.text) for meaning in found.meanings}, word
    for generic, brands in data["drugs"].items():
        for brand in brands:
            found = read.longest(tokens(brand))
            assert found is not None and tokens(generic) in {tokens(m.text) for m in found.meanings}, brand
    for keys, targets in data["means"].items():
        for key in keys.split("|"):
            found = read.longest(tokens(key))
            assert found is not None and found.size == len(tokens(key)), key
            said = {tokens(meaning.text) for meaning in found.meanings} | {
                ("kind", *tokens(k)) for k in found.kinds
            }
            assert {tokens(target) for target in targets} - {tokens(key)} <= said, key


def test_the_table_holds_enough_and_names_kinds_that_exist() -> None:
    data = table()
    assert len(data["same"]) + len(data["means"]) >= 250
    assert len(data["drugs"]) >= 150
    kinds = {
        target[5:] for targets in data["means"].values() for target in targets if target.startswith("kind:")
    }
    assert kinds <= set(KINDS)


def test_a_meaning_goes_one_way() -> None:
    def texts(word: str) -> set[str]:
        found = packaged().longest(tokens(word))
        return {meaning.text for meaning in found.meanings} if found else set()

    assert "FEV1" in texts("lungs")
    assert not texts("FEV1") & {"pneumonia", "emphysema", "asthma"}


def test_the_nearest_meaning_weighs_most() -> None:
    found = packaged().longest(("high", "blood", "sugar"))
    assert found is not None
    weights = [meaning.weight for meaning in found.meanings if meaning.text.isalpha()]
    assert weights == sorted(weights, reverse=True) and weights[0] < 1


def test_like_words_count_as_one_in_a_phrase() -> None:
    table = Synonyms(
        '\nsame = [\n]\n[means]\n"blood pressure medicine|bp medicine" = ["amlodipine"]\n[alike]\n"medicine" = ["pills"]\n'
    )
    short, long = table.longest(("bp", "pills")), table.longest(("blood", "pressure", "medicine"))
    assert short is not None and long is not None
    assert short.meanings[-1].text == long.meanings[-1].text == "amlodipine"
    assert table.longest(("may", "mean")) is None
