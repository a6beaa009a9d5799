"""Searching: what comes first, what is found beside it, what is said when a word is not there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from phr.errors import UsageError
from phr.model import Received
from phr.store import recent
from phr.store.store import Store
from phr.views.search import Hits, search

Make = Callable[..., Received]


def result(make: Make, id_: str, title: str, when: str, code: str | None = None, **more: Any) -> Received:
    coding = [{"system": "http://loinc.org", "code": code, "display": title}] if code else []
    return make(
        "Observation",
        id_,
        status="final",
        category=[{"coding": [{"code": "laboratory"}]}],
        code={"text": title, "coding": coding},
        effectiveDateTime=when,
        **{"valueQuantity": {"value": 5, "unit": "mg/dL"}, **more},
    )


@pytest.fixture
def life(store: Store, source: str, received: Make) -> Store:
    """Thirty glucose results and one of each other thing."""
    store.save(
        source,
        [
            *(result(received, f"g{at}", "Glucose", f"20{at:02}-05-01", "2345-7") for at in range(30)),
            result(received, "a1c", "Hemoglobin A1c", "2019-01-01", "4548-4"),
            result(received, "local", "GLU-FAST", "2018-01-01", "2339-0"),
            result(received, "na", "Sodium", "2024-03-03", interpretation=[{"coding": [{"code": "H"}]}]),
            received("Condition", "dm", code={"text": "Diabetes mellitus"}, onsetDateTime="2011"),
            received("Condition", "knee", code={"text": "Öst-Arthritis of knee"}, onsetDateTime="2012",
                     note=[{"text": "Hurts \x1b[31m on stairs <b>badly</b>."}]),
            received("AllergyIntolerance", "lat", code={"text": "Latex"}, recordedDate="2015"),
            received("MedicationStatement", "ator", status="active",
                     medicationCodeableConcept={"text": "atorvastatin 20 mg"}, effectiveDateTime="2019"),
            received("Procedure", "ct", status="completed", code={"text": "CT of chest"}, performedDateTime="2021-07-01"),
            received("Communication", "m", status="completed", sent="2022-02-02T08:00:00Z",
                     payload=[{"contentString": "Please repeat the glucose in a chest clinic."}]),
        ],
    )  # fmt: skip
    return store


def titles(hits: Hits) -> list[str]:
    return [hit["title"] for hit in hits.hits]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("glucose", "Glucose"),
        ("gluc", "Glucose"),
        ("sodiums", "Sodium"),
        ("ost arthritis", "Öst-Arthritis of knee"),
        ("ARTHRITIS", "Öst-Arthritis of knee"),
        ("4548-4", "Hemoglobin A1c"),
        ("Lipitor", "atorvastatin 20 mg"),
        ("cholesterol pills", "atorvastatin 20 mg"),
        ("pills for cholesterol", "atorvastatin 20 mg"),
        ("what am i allergic to", "Latex"),
        ("high blood sugar", "Glucose"),
        ("chest ct", "CT of chest"),
        ("stairs", "Öst-Arthritis of knee"),
        ("kind:problem since 2012", "Öst-Arthritis of knee"),
        ("hba1c", "Hemoglobin A1c"),
    ],
)
def test_the_right_record_comes_first(life: Store, text: str, first: str) -> None:
    assert titles(search(life, text))[0] == first


def test_a_literal_match_comes_before_what_only_means_the_same(life: Store) -> None:
    found = titles(search(life, "glucose", limit=50))
    assert found.index("Glucose") < found.index("Hemoglobin A1c")
    assert "GLU-FAST" in titles(search(life, "glucose", limit=50)), "by its code"


def test_many_results_of_one_test_drown_nothing(life: Store) -> None:
    hits = search(life, "glucose")
    assert titles(hits)[:4].count("Glucose") == 3
    assert hits.hits[0]["date"] == "2029-05-01", "the newest first"
    other = [title for title in titles(hits) if title != "Glucose"]
    assert len(other) >= 3
    fourth = [at for at, title in enumerate(titles(hits)) if title == "Glucose"][3]
    assert all(titles(hits).index(title) < fourth for title in other)
    last = [hit for hit in hits.hits if hit["title"] == "Glucose"][-1]
    shown = titles(hits).count("Glucose")
    assert last["like_this"] == 30 - shown


def test_pages_follow_each_other_and_leave_nothing_out(life: Store) -> None:
    ids: list[str] = []
    after = None
    while True:
        hits = search(life, "glucose", limit=7, after=after)
        ids += [hit["id"] for hit in hits.hits]
        after = hits.next
        if after is None:
            break
    assert len(ids) == len(set(ids)) == hits.total


@pytest.mark.parametrize(
    ("text", "total"),
    [
        ("sodium", 1),
        ("kind:lab sodium", 1),
        ("kind:problem sodium", 0),
        ("kind:problem", 2),
        ("kind:lab is:abnormal", 1),
        ("kind:allergy latex -latex", 0),
        ("glucose after:2020 before:2023 kind:lab", 3),
        ("glucose on:2021 kind:lab", 1),
        ("is:bookmarked", 0),
        ("has:note", 0),
    ],
)
def test_filters_hold(life: Store, text: str, total: int) -> None:
    assert search(life, text).total == total


def test_a_time_said_in_passing_gives_way_when_nothing_fits_it(life: Store) -> None:
    assert [hit["date"] for hit in search(life, "sodium 2024").hits] == ["2024-03-03"]
    hits = search(life, "sodium 1999")
    assert titles(hits) == ["Sodium"]
    assert "other times" in hits.said[0]
    assert search(life, "sodium since 2025").total == 0, "a condition does not"


def test_a_slip_is_forgiven_and_told(life: Store) -> None:
    hits = search(life, "glocose")
    assert titles(hits)[0] == "Glucose"
    assert hits.corrected == (("glocose", "glucose"),)
    assert search(life, "atorvastatn").corrected == (("atorvastatn", "atorvastatin"),)


def test_a_word_of_the_table_that_nothing_holds_is_no_slip(life: Store) -> None:
    hits = search(life, "ultrasound")
    assert (hits.total, hits.missing, hits.corrected) == (0, ("ultrasound",), ())


def test_words_that_nothing_holds_are_named_and_the_others_found(life: Store) -> None:
    hits = search(life, "sodium qqqzzz")
    assert titles(hits) == ["Sodium"]
    assert hits.missing == ("qqqzzz",)


def test_when_no_record_holds_all_words_the_best_come(life: Store) -> None:
    hits = search(life, "sodium latex")
    assert {"Sodium", "Latex"} <= set(titles(hits))
    assert hits.partial and not hits.missing


def test_a_quoted_phrase_that_stands_nowhere_is_loosened_and_told(life: Store) -> None:
    hits = search(life, '"chest ct"')
    assert "CT of chest" in titles(hits)
    assert "side by side" in hits.said[0]
    assert not search(life, '"of chest"').said


def test_the_snippet_shows_the_words_around_the_match_and_nothing_a_terminal_obeys(life: Store) -> None:
    hit = search(life, "stairs").hits[0]
    assert hit["snippet"] == "Hurts [31m on stairs badly ."
    assert [hit["snippet"][a:b] for a, b in hit["highlights"]] == ["stairs"]


def test_highlights_point_at_every_match(life: Store) -> None:
    hit = next(hit for hit in search(life, "repeat glucose").hits if hit["kind"] == "message")
    assert [hit["snippet"][a:b] for a, b in hit["highlights"]] == ["repeat", "glucose"]


def test_a_note_and_a_tag_show_as_snippet(life: Store) -> None:
    id_ = int(search(life, "latex").hits[0]["id"])
    life.db.execute(
        "INSERT INTO note (resource_id, text, written) VALUES (?, 'Gloves at the bakery', 'x')", (id_,)
    )
    life.db.execute("DELETE FROM record_search WHERE rowid = ?", (id_,))
    life.db.execute(
        "INSERT INTO record_search (rowid, title, detail, codes, body) VALUES (?, 'Latex', '', '', 'Gloves at the bakery')",
        (id_,),
    )
    hit = search(life, "bakery").hits[0]
    assert (hit["title"], hit["snippet"]) == ("Latex", "Gloves at the bakery")


def test_nothing_to_look_for_is_a_usage_error(life: Store) -> None:
    with pytest.raises(UsageError):
        search(life, "  ")
    with pytest.raises(UsageError):
        search(life, "glucose", after="x")


def test_a_source_that_is_not_there_is_named(life: Store) -> None:
    hits = search(life, "source:nyu glucose")
    assert hits.total == 0
    assert "There is: clinic" in hits.said[0]
    assert search(life, "source:CLIN kind:lab glucose").total > 0


def test_recent_searches_are_the_last_twenty_and_can_be_forgotten(store: Store) -> None:
    for at in range(25):
        recent.remember(store.db, f"word {at}", f"2026-01-01T00:00:{at:02}Z")
    recent.remember(store.db, "word  24", "2026-01-01T00:01:00Z")
    kept = recent.recent(store.db)
    assert [one["words"] for one in kept] == [f"word {at}" for at in range(24, 4, -1)]
    assert recent.forget(store.db) == 20
    assert recent.recent(store.db) == []


def test_a_search_is_not_held_up_by_a_writer(store: Store, life: Store) -> None:
    with Store(store.path, bytes(range(32))) as other:
        other.db.execute("BEGIN IMMEDIATE")
        recent.remember(store.db, "glucose", "2026-01-01T00:00:00Z")
        other.db.execute("ROLLBACK")
    assert recent.recent(store.db) == []
    assert store.db.execute("PRAGMA busy_timeout").fetchone()[0] == 30000


# ── as people say it ──────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def clinic(store: Store, source: str, received: Make) -> Store:
    """Two vaccines under several names, a task of that name, medicines, a visit, a note and a bill."""

    def vaccine(id_: str, title: str, when: str) -> Received:
        return received(
            "Immunization", id_, status="completed", vaccineCode={"text": title}, occurrenceDateTime=when
        )

    def medicine(id_: str, title: str) -> Received:
        return received("MedicationStatement", id_, status="active",
                        medicationCodeableConcept={"text": title}, effectiveDateTime="2020")  # fmt: skip

    store.save(
        source,
        [
            vaccine("f22", "Influenza, injectable, quadrivalent", "2022-10-01"),
            vaccine("f23", "Influenza, injectable, quadrivalent", "2023-10-01"),
            vaccine("f24", "Influenza, seasonal", "2024-10-01"),
            vaccine("f25", "Influenza, seasonal", "2025-10-01"),
            vaccine("tdap", "Tdap", "2011-08-01"),
            vaccine("td", "Td (adult), 5 Lf tetanus toxoid, preservative free, adsorbed", "2021-09-21"),
            received("Task", "t", status="requested", intent="order", description="Get the flu vaccine before winter",
                     authoredOn="2026-09-22"),
            medicine("alen", "alendronate 70 mg tablet"),
            medicine("metf", "metformin 500 mg tablet"),
            received("AllergyIntolerance", "pen", code={"text": "clarithromycin"}, recordedDate="2015"),
            medicine("clar", "clarithromycin 500 mg tablet"),
            received("Condition", "osteo", code={"text": "Osteoporosis"}, onsetDateTime="2012"),
            received("Condition", "abort", code={"text": "Induced termination of pregnancy"}, onsetDateTime="2001"),
            received("Procedure", "xr", status="completed", code={"text": "Pelvis X-ray"}, performedDateTime="2021-07-01"),
            result(received, "na", "Sodium", "2024-03-03"),
            result(received, "hgb", "Hemoglobin in Blood", "2024-03-03"),
            received("ServiceRequest", "o", status="active", intent="order", code={"text": "Alpha-fetoprotein"},
                     authoredOn="2024-01-01"),
        ],
    )  # fmt: skip
    return store


def test_equally_good_answers_stand_newest_first_and_the_kind_that_was_asked_for_before_others(
    clinic: Store,
) -> None:
    for asked in ("flu shot", "last flu shot"):
        found = [(hit["kind"], hit["date"][:4]) for hit in search(clinic, asked).hits]
        assert found[:4] == [("immunization", year) for year in ("2025", "2024", "2023", "2022")], asked
        assert ("task", "2026") in found, "it is still there"


def test_the_last_shot_is_the_newest_whatever_its_name(clinic: Store) -> None:
    assert search(clinic, "last tetanus shot").hits[0]["date"] == "2021-09-21"
    assert search(clinic, "first tetanus shot").hits[0]["date"] == "2011-08-01"


def test_where_no_such_medicine_is_known_all_medicines_come_and_that_is_said(clinic: Store) -> None:
    hits = search(clinic, "water pill")
    assert (hits.missing, hits.instead) == (("water pill",), ("medication",))
    assert {hit["kind"] for hit in hits.hits} == {"medication"} and hits.total == 3
    assert search(clinic, "sodium").instead == ()


@pytest.mark.parametrize(
    ("asked", "first"),
    [
        ("weak bones pills", "alendronate 70 mg tablet"),  # another word for a condition, and its medicines
        ("medicine for weak bones", "alendronate 70 mg tablet"),
        ("what do i take for diabetes", "metformin 500 mg tablet"),
        ("antibiotics", "clarithromycin 500 mg tablet"),  # a class of drugs: the drug before the allergy
        ("miscarriage or abortion", "Induced termination of pregnancy"),
        ("salt in my blood", "Sodium"),
        ("haemoglobin", "Hemoglobin in Blood"),
        ("hip x-ray", "Pelvis X-ray"),
        ("orders", "Alpha-fetoprotein"),
        ("osteoperosis", "Osteoporosis"),
    ],
)
def test_people_are_understood(clinic: Store, asked: str, first: str) -> None:
    assert titles(search(clinic, asked))[0] == first


def test_a_phrase_with_a_slip_is_read_again_as_a_phrase(clinic: Store) -> None:
    hits = search(clinic, "tetnus shot")
    assert {hit["title"][:2] for hit in hits.hits} == {"Td"}
    assert hits.corrected and hits.corrected[0][0] == "tetnus"


def test_two_words_without_the_blank_between_them_are_found(clinic: Store) -> None:
    hits = search(clinic, "bloodtest")
    assert "Sodium" in titles(hits)
    assert hits.corrected == (("bloodtest", "blood test"),)


def test_a_short_word_is_no_slip_of_another(life: Store) -> None:
    assert search(life, "late").corrected == ()
    assert search(life, "sodum").corrected == (("sodum", "sodium"),)


def test_a_tag_that_nothing_carries_is_told_with_what_was_probably_meant(clinic: Store) -> None:
    hits = search(clinic, "tag:lung")
    assert hits.hits == []
    assert "“lung”" in hits.said[0] and "Did you mean lungs?" in hits.said[0] and "diabetes" in hits.said[0]
    id_ = int(search(clinic, "osteoporosis").hits[0]["id"])
    clinic.db.execute("INSERT INTO tag (resource_id, tag) VALUES (?, 'second opinion')", (id_,))
    assert titles(search(clinic, 'tag:"second opinion"')) == ["Osteoporosis"]
    assert search(clinic, 'tag:"second opinion"').said == ()
    assert "Did you mean second opinion?" in search(clinic, 'tag:"second opinon"').said[0]
    assert search(clinic, "tag:diabetes").said == (), "a pack gives it"


def test_a_filter_that_leaves_nothing_says_nothing_of_other_records(clinic: Store) -> None:
    assert search(clinic, "kind:lab after:2030").hits == []
    assert search(clinic, "kind:lab sodium after:2030").missing == ()
    assert search(clinic, "kind:lab after:2024").total == 2
