"""What stands now: told once, with its doubts, and never more than the sources said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from phr.model import Received
from phr.store.store import Store
from phr.views.selection import Selection
from phr.views.summary import summary
from phr.views.summary_onset import since_words
from phr.views.summary_rows import Row
from phr.views.summary_vaccines import groups

Make = Callable[..., Received]
SNOMED, ICD = "http://snomed.info/sct", "http://hl7.org/fhir/sid/icd-10-cm"
RXNORM, CVX = "http://www.nlm.nih.gov/research/umls/rxnorm", "http://hl7.org/fhir/sid/cvx"
# The clock of the store stands at 1 March 2026.


def concept(text: str, *codes: tuple[str, str]) -> dict[str, Any]:
    return {"text": text, "coding": [{"system": system, "code": code} for system, code in codes]}


def condition(
    make: Make, id_: str, code: dict[str, Any], status: str | None = "active", **more: Any
) -> Received:
    stands = {"clinicalStatus": {"coding": [{"code": status}]}} if status else {}
    return make("Condition", id_, code=code, **stands, **more)


def drug(make: Make, id_: str, code: dict[str, Any], written: str | None, **more: Any) -> Received:
    dated = {"authoredOn": written} if written else {}
    return make(
        "MedicationRequest",
        id_,
        **{"status": "active", "intent": "order", "medicationCodeableConcept": code, **dated, **more},
    )


def titles(page: dict[str, Any], part: str) -> list[str]:
    return [one["title"] for one in page[part]]


# ── problems ──────────────────────────────────────────────────────────────────────────────────────────


def test_one_problem_that_several_tell_is_shown_once_since_the_first(store: Store, received: Make) -> None:
    asthma = concept("Asthma", (SNOMED, "195967001"))
    store.save(
        store.sources.ensure("clinic").key,
        [
            condition(received, "1", asthma, onsetDateTime="2012"),
            condition(
                received, "2", concept("Bronchial asthma", (SNOMED, "195967001")), onsetDateTime="2019"
            ),
        ],
    )
    store.save(
        store.sources.ensure("hospital").key, [condition(received, "9", asthma, onsetDateTime="2015-02")]
    )

    (one,) = summary(store)["problems"]
    assert (one["since"], one["times"]) == ("2012", 3)
    assert one["sources"] == ["clinic", "hospital"]


@pytest.mark.parametrize(
    ("first", "second", "shown"),
    [
        (concept("Hip pain, left"), concept("Hip pain, right"), 2),
        (concept("A", (SNOMED, "1"), (ICD, "J45")), concept("B", (SNOMED, "2"), (ICD, "J45")), 2),
        (concept("A", (ICD, "J45.909")), concept("B", (SNOMED, "2"), (ICD, "J45909")), 1),
        (concept("Asthma (disorder)"), concept("asthma"), 1),
        (concept("A", ("http://local", "7")), concept("B", ("http://local", "7")), 2),
    ],
)
def test_problems_are_one_only_where_that_is_certain(
    store: Store, source: str, received: Make, first: dict[str, Any], second: dict[str, Any], shown: int
) -> None:
    store.save(source, [condition(received, "1", first), condition(received, "2", second)])
    assert len(summary(store)["problems"]) == shown


def test_what_is_over_refuted_or_no_illness_stands_apart(store: Store, source: str, received: Make) -> None:
    visit = [{"coding": [{"code": "encounter-diagnosis"}]}]
    refuted = {"coding": [{"code": "refuted"}]}
    store.save(
        source,
        [
            condition(received, "1", concept("Gout")),
            condition(received, "2", concept("Flu"), "resolved", abatementDateTime="2020-01"),
            condition(received, "3", concept("Cough"), category=visit),
            condition(received, "4", concept("Cancer"), verificationStatus=refuted),
            condition(received, "5", concept("Full-time employment (finding)")),
            condition(received, "6", concept("Sprain"), None, abatementDateTime="2019"),
        ],
    )

    page = summary(store)
    assert {one["title"]: one["group"] for one in page["problems"]} == {
        "Gout": "problem-list",
        "Cough": "visit",
        "Full-time employment (finding)": "circumstance",
    }
    assert sorted(titles(page, "resolved")) == ["Flu", "Sprain"]
    assert titles(page, "refuted_problems") == ["Cancer"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"onsetString": "as a teenager", "recordedDate": "2012-12-12"}, "as a teenager"),
        ({"onsetAge": {"value": 40, "unit": "years"}, "recordedDate": "2012-12-12"}, "since age 40"),
        ({"recordedDate": "2012-12-12"}, "noted 2012-12-12"),
        ({"onsetDateTime": "2010", "recordedDate": "2012-12-12"}, "since 2010"),
        ({"onsetPeriod": {"start": "2012-12-12"}, "recordedDate": "2012-12-12"}, "since 2012-12-12"),
        ({}, ""),
    ],
)
def test_when_it_was_written_down_is_not_since_when(
    store: Store, source: str, received: Make, more: dict[str, Any], said: str
) -> None:
    store.save(source, [condition(received, "1", concept("Migraine"), **more)])
    (one,) = summary(store)["problems"]
    assert since_words(one) == said
    assert (one["since"] is None) == ("onsetDateTime" not in more and "onsetPeriod" not in more)


def test_the_onset_that_one_source_knows_counts(store: Store, source: str, received: Make) -> None:
    migraine = concept("Migraine")
    store.save(source, [condition(received, "1", migraine, recordedDate="2012-12-12")])
    other = store.sources.ensure("hospital").key
    store.save(other, [condition(received, "9", migraine, onsetDateTime="2014-03")])
    (one,) = summary(store)["problems"]
    assert (one["since"], one["noted"]) == ("2014-03", None)


# ── medicines ─────────────────────────────────────────────────────────────────────────────────────────


def _days(number: int) -> dict[str, Any]:
    return {"value": number, "code": "d", "system": "http://unitsofmeasure.org"}


@pytest.mark.parametrize(
    ("written", "more", "doubt"),
    [
        ("2026-01-10", {}, None),
        ("2024-01-10", {}, "prescribed 2024-01-10"),
        ("2025-12-01", {"medicationCodeableConcept": concept("Amoxicillin 500 mg capsule")}, "short course"),
        ("2025-12-01", {"dosageInstruction": [{"text": "1 tablet for 5 days"}]}, "a course of 5 days"),
        (
            "2024-01-10",
            {"dispenseRequest": {"numberOfRepeatsAllowed": 11, "expectedSupplyDuration": _days(90)}},
            None,
        ),
        (
            "2025-06-01",
            {"dispenseRequest": {"numberOfRepeatsAllowed": 0, "expectedSupplyDuration": _days(30)}},
            "lasted until 2025-07-01",
        ),
        (
            "2026-02-01",
            {
                "dosageInstruction": [
                    {"timing": {"repeat": {"boundsPeriod": {"start": "2026-02-01", "end": "2026-02-08"}}}}
                ]
            },
            "until 2026-02-08",
        ),
        ("2026-02-01", {"status": "on-hold"}, "on hold"),
        (None, {}, "since when"),
    ],
)
def test_a_medicine_is_asked_about_where_the_record_gives_reason(
    store: Store, source: str, received: Make, written: str | None, more: dict[str, Any], doubt: str | None
) -> None:
    store.save(source, [drug(received, "1", concept("Metformin 500 mg"), written, **more)])

    (one,) = summary(store)["medications"]
    assert one["still_taking"] == (doubt is not None)
    assert (doubt or "") in (one["doubt"] or "")


def old_drugs(make: Make, *years: int) -> list[Received]:
    return [
        drug(make, f"o{n}", concept(f"Drug {chr(65 + n)}"), f"{year}-03-01") for n, year in enumerate(years)
    ]


def seen_lately(make: Make) -> Received:
    return make("Encounter", "v", status="finished", period={"start": "2025-12-01"})


def asked(page: dict[str, Any]) -> list[str]:
    return sorted(one["title"] for one in page["medications"] if one["still_taking"])


def test_where_nothing_is_ever_renewed_only_the_oldest_are_asked_about(
    store: Store, source: str, received: Make
) -> None:
    store.save(source, [seen_lately(received), *old_drugs(received, 2014, 2021, 2021, 2022, 2023, 2023)])
    page = summary(store)
    assert asked(page) == ["Drug A"], "the others are as old as all that this source tells"
    unasked = [one for one in page["medications"] if not one["still_taking"]]
    assert all(one["doubt"] is None for one in unasked)
    assert all("no sign of it since" in one["unrenewed"] for one in unasked)


@pytest.mark.parametrize(
    "beside",
    [
        ["2026-01-10", "2026-02-01", "2025-12-01"],  # others are renewed: then long ago means something
        [],  # too few to say anything of the source
    ],
)
def test_where_that_says_something_long_ago_is_asked_about(
    store: Store, source: str, received: Make, beside: list[str]
) -> None:
    new = [drug(received, f"n{n}", concept(f"New {n}"), day) for n, day in enumerate(beside)]
    years = (2021, 2022, 2023) if beside else (2021, 2022)
    store.save(source, [seen_lately(received), *new, *old_drugs(received, *years)])
    assert len(asked(summary(store))) == len(years)


def test_a_source_that_has_told_nothing_for_long_is_asked_about_whole(
    store: Store, source: str, received: Make
) -> None:
    store.save(source, old_drugs(received, 2021, 2022, 2022, 2023))
    other = store.sources.ensure("hospital").key
    store.save(other, [seen_lately(received)])
    assert len(asked(summary(store))) == 4


def test_courses_and_ends_are_asked_about_wherever_they_come_from(
    store: Store, source: str, received: Make
) -> None:
    course = drug(received, "c", concept("Amoxicillin 500 mg"), "2025-11-01")
    store.save(source, [seen_lately(received), course, *old_drugs(received, 2021, 2021, 2022, 2023)])
    assert asked(summary(store)) == ["Amoxicillin 500 mg"]


@pytest.mark.parametrize("began", [None, "2015", "2025-12"])
def test_what_the_person_wrote_lately_is_no_doubt(store: Store, received: Make, began: str | None) -> None:
    own = store.sources.ensure("self", "person").key
    dated = {"effectivePeriod": {"start": began}} if began else {}
    told = received(
        "MedicationStatement",
        "m",
        status="active",
        medicationCodeableConcept=concept("Metformin 500 mg"),
        **dated,
    )
    store.save(own, [told])
    (one,) = summary(store)["medications"]
    assert (one["still_taking"], one["own"], one["noted"]) == (False, True, "2026-03-01")


def test_what_a_clinic_asserted_lately_is_no_doubt(store: Store, source: str, received: Make) -> None:
    told = received("MedicationStatement", "m", status="active", medicationCodeableConcept=concept("Metformin 500 mg"),
                    effectivePeriod={"start": "2015"}, dateAsserted="2026-01-05")  # fmt: skip
    store.save(source, [told])
    (one,) = summary(store)["medications"]
    assert (one["still_taking"], one["noted"]) == (False, "2026-01-05")


def test_what_was_dispensed_lately_is_not_asked_about(store: Store, source: str, received: Make) -> None:
    metformin = concept("Metformin 500 mg", (RXNORM, "861007"))
    store.save(
        source,
        [
            drug(received, "1", metformin, "2023-01-10"),
            received(
                "MedicationDispense",
                "2",
                status="completed",
                medicationCodeableConcept=metformin,
                whenHandedOver="2026-02-01",
            ),
        ],
    )
    (one,) = summary(store)["medications"]
    assert (one["still_taking"], one["dispensed"], one["since"]) == (False, "2026-02-01", "2023-01-10")


def test_certain_duplicates_are_once_other_strengths_are_not(
    store: Store, source: str, received: Make
) -> None:
    five, ten = (
        concept("Amlodipine 5 mg", (RXNORM, "197361")),
        concept("Amlodipine 10 mg", (RXNORM, "308135")),
    )
    store.save(
        source,
        [
            drug(received, "1", five, "2025-11-01", dosageInstruction=[{"text": "one in the morning"}]),
            drug(received, "2", five, "2026-01-01", dosageInstruction=[{"text": "one at night"}]),
            drug(received, "3", ten, "2026-01-01"),
            drug(received, "4", concept("Aspirin"), "2026-01-01", status="stopped"),
            drug(received, "5", concept("Ibuprofen"), "2026-01-01", doNotPerform=True),
        ],
    )

    page = summary(store)
    assert titles(page, "medications") == ["Amlodipine 10 mg", "Amlodipine 5 mg"]
    assert page["medications"][1]["dose"] == "one at night"
    assert page["medications"][1]["other_doses"] == ["one in the morning"]
    assert page["medications"][1]["since"] == "2025-11-01"
    assert titles(page, "not_to_be_taken") == ["Ibuprofen"]


def test_a_newer_entry_that_says_stopped_is_named(store: Store, source: str, received: Make) -> None:
    store.save(source, [drug(received, "1", concept("Warfarin"), "2025-10-01")])
    other = store.sources.ensure("hospital").key
    store.save(other, [drug(received, "9", concept("Warfarin"), "2026-01-05", status="stopped")])

    (one,) = summary(store)["medications"]
    assert one["still_taking"]
    assert "stopped, 2026-01-05" in one["doubt"]
    assert one["class"] == "blood thinner"


def given(make: Make, id_: str, name: str, date: str, **more: Any) -> Received:
    return make(
        "MedicationAdministration",
        id_,
        **{
            "status": "completed",
            "medicationCodeableConcept": concept(name),
            "effectiveDateTime": date,
            "dosage": {"text": "4000 mg IV"},
            **more,
        },
    )


def infusions(make: Make, name: str, **more: Any) -> list[Received]:
    days = ("2025-12-02", "2025-12-30", "2026-01-13", "2026-02-10", "2026-02-24")
    return [given(make, f"g{number}", name, day, **more) for number, day in enumerate(days)]


@pytest.mark.parametrize(
    ("order", "name", "more"),
    [
        ("Zemaira 1,000 mg vial", "Zemaira infusion", {}),
        ("alpha1-proteinase inhibitor, human 1000 MG Injection [Zemaira]", "Zemaira infusion", {}),
        ("Zemaira 1,000 mg vial", "Alpha-1 proteinase inhibitor infusion", {}),
        ("Zemaira 1,000 mg vial", "Weekly visit product", {"request": {"reference": "MedicationRequest/1"}}),
    ],
)
def test_what_is_given_is_a_sign_of_its_order(
    store: Store, source: str, received: Make, order: str, name: str, more: dict[str, Any]
) -> None:
    store.save(
        source, [drug(received, "1", concept(order), "2016-09-06"), *infusions(received, name, **more)]
    )
    (one,) = summary(store)["medications"]
    assert (one["title"], one["since"], one["given"]) == (order, "2016-09-06", "2026-02-24")
    assert (one["still_taking"], one["unrenewed"], one["times"]) == (False, None, 6)


def test_a_renewed_order_is_since_the_first_of_what_was_given(
    store: Store, source: str, received: Make
) -> None:
    order = drug(received, "1", concept("Zemaira 1,000 mg vial"), "2026-01-20")
    store.save(source, [order, *infusions(received, "Zemaira infusion")])
    (one,) = summary(store)["medications"]
    assert (one["since"], one["given"]) == ("2025-12-02", "2026-02-24")


def test_what_is_only_given_is_since_the_first_of_the_run(store: Store, source: str, received: Make) -> None:
    long = [given(received, f"y{year}", "Zemaira infusion", f"{year}-12-01") for year in range(2015, 2025)]
    before = given(received, "x", "Zemaira infusion", "2012-01-01")
    store.save(source, [*infusions(received, "Zemaira infusion"), *long, before])
    (one,) = summary(store)["medications"]
    assert (one["since"], one["given"]) == ("2015-12-01", "2026-02-24")
    assert one["times"] > 5


@pytest.mark.parametrize(
    ("order", "name"),
    [
        ("methylprednisolone 4 mg tablet", "methylprednisolone 1,000 mg infusion"),
        ("losartan 50 mg tablet", "losartan 100 mg tablet"),
        ("Zemaira 1,000 mg vial", "Prolastin-C infusion"),
        ("insulin glargine 100 unit/mL vial", "insulin lispro injection"),
    ],
)
def test_another_drug_or_form_is_no_sign_of_an_order(
    store: Store, source: str, received: Make, order: str, name: str
) -> None:
    more = {"dosage": {"text": "given"}}
    store.save(
        source, [drug(received, "1", concept(order), "2016-09-06"), *infusions(received, name, **more)]
    )
    page = summary(store)
    assert {one["title"]: one["still_taking"] for one in page["medications"]} == {order: True, name: False}


# ── allergies ─────────────────────────────────────────────────────────────────────────────────────────


def allergy(make: Make, id_: str, code: dict[str, Any], **more: Any) -> Received:
    return make("AllergyIntolerance", id_, code=code, **more)


def test_no_information_is_not_none_known(store: Store, source: str, received: Make) -> None:
    page = summary(store)
    assert (page["allergies"], page["none_known_allergies"]) == ([], [])

    unknown = "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips"
    store.save(source, [allergy(received, "1", concept("?", (unknown, "no-allergy-info")))])
    assert summary(store)["none_known_allergies"] == []

    store.save(source, [allergy(received, "2", concept("No known allergy", (SNOMED, "716186003")))])
    page = summary(store)
    assert titles(page, "none_known_allergies") == ["No known allergy"]
    assert page["none_known_allergies"][0]["sources"] == ["clinic"]
    assert page["allergies"] == []


def test_allergies_that_threaten_life_come_first_with_the_gravest_of_all_sources(
    store: Store, source: str, received: Make
) -> None:
    mild = [{"manifestation": [{"text": "Hives (disorder)"}], "severity": "mild"}]
    grave = [{"manifestation": [{"text": "Hives"}], "severity": "severe"}]
    store.save(
        source,
        [
            allergy(received, "1", concept("Apple"), reaction=mild),
            allergy(
                received, "2", concept("Peanut", (SNOMED, "762952008")), reaction=mild, criticality="low"
            ),
            allergy(received, "3", concept("Dust"), verificationStatus={"coding": [{"code": "refuted"}]}),
            allergy(received, "4", concept("Milk"), clinicalStatus={"coding": [{"code": "inactive"}]}),
        ],
    )
    other = store.sources.ensure("hospital").key
    store.save(other, [allergy(received, "9", concept("Peanuts", (SNOMED, "762952008")), reaction=grave)])

    page = summary(store)
    assert [(one["life_threatening"], one["times"]) for one in page["allergies"]] == [(True, 2), (False, 1)]
    assert page["allergies"][0]["reactions"] == [{"manifestation": "Hives", "severity": "severe"}]
    assert titles(page, "refuted_allergies") == ["Dust"]
    assert titles(page, "former_allergies") == ["Milk"]


# ── vaccines, results, what is to come ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("title", "code", "expected"),
    [
        ("DTaP-Hep B-IPV", "110", ["Tetanus, diphtheria, pertussis", "Hepatitis B", "Polio"]),
        ("whatever it is called", "8", ["Hepatitis B"]),
        ("Influenza, seasonal", None, ["Influenza"]),
        ("Haemophilus influenza type b", None, ["Hib"]),
        ("zoster recombinant", None, ["Shingles (zoster)"]),
        ("Tuberculin skin test; PPD", None, ["Tuberculin skin test; PPD"]),
        ("cholera vaccine", None, ["cholera vaccine"]),
    ],
)
def test_vaccines_are_sorted_by_what_they_protect_against(
    title: str, code: str | None, expected: list[str]
) -> None:
    codes = ((CVX, code, None),) if code else ()
    assert groups(Row(1, title, None, None, None, None, None, codes, None, "Immunization/1")) == expected


def test_doses_are_counted_by_day_and_what_was_not_given_is_none(
    store: Store, source: str, received: Make
) -> None:
    flu = {"vaccineCode": concept("Influenza, seasonal")}
    store.save(
        source,
        [
            received("Immunization", "1", status="completed", occurrenceDateTime="2024-10-01", **flu),
            received("Immunization", "2", status="completed", occurrenceDateTime="2024-10-01", **flu),
            received("Immunization", "3", status="completed", occurrenceDateTime="2025-10-02", **flu),
            received("Immunization", "4", status="not-done", occurrenceDateTime="2026-01-02", **flu),
        ],
    )
    page = summary(store)
    (one,) = page["immunizations"]
    assert (one["vaccine"], one["doses"], one["last"]) == ("Influenza", 2, "2025-10-02")
    assert len(page["not_given"]) == 1


def lab(make: Make, id_: str, name: str, date: str, value: float, flag: str | None) -> Received:
    said = {"interpretation": [{"coding": [{"code": flag}]}]} if flag else {}
    return make(
        "Observation",
        id_,
        status="final",
        category=[{"coding": [{"code": "laboratory"}]}],
        code={"text": name},
        effectiveDateTime=date,
        valueQuantity={"value": value, "unit": "mmol/L"},
        referenceRange=[{"low": {"value": 1}, "high": {"value": 5}}],
        **said,
    )


def test_each_abnormal_test_is_shown_by_its_newest_result_critical_ones_first(
    store: Store, source: str, received: Make
) -> None:
    store.save(
        source,
        [
            lab(received, "1", "Sodium", "2025-06-01", 9, "H"),
            lab(received, "2", "Sodium", "2026-01-01", 8, "H"),
            lab(received, "3", "Potassium", "2025-12-01", 9, "HH"),
            lab(received, "4", "Iron", "2025-12-01", 9, "H"),
            lab(received, "5", "Iron", "2026-02-01", 3, "N"),
            lab(received, "6", "Zinc", "2023-02-01", 9, "H"),
        ],
    )
    found = summary(store)["abnormal"]
    assert [(one["title"], one["value"], one["critical"]) for one in found] == [
        ("Potassium", 9, True),
        ("Sodium", 8, False),
        ("Iron", 9, False),
    ]
    assert found[2]["normal_since"] is not None
    assert "Zinc" in titles(summary(store, Selection(since="2023")), "abnormal")


def test_without_recent_results_the_last_year_that_has_some_is_told(
    store: Store, source: str, received: Make
) -> None:
    store.save(
        source,
        [
            lab(received, "1", "Sodium", "2019-06-01", 9, "H"),
            lab(received, "2", "Zinc", "2018-09-01", 9, "H"),
            lab(received, "3", "Iron", "2017-06-01", 9, "H"),
            lab(received, "4", "Lead", "2031-06-01", 9, "H"),
        ],
    )
    page = summary(store)
    assert titles(page, "abnormal") == ["Sodium", "Zinc"]
    assert (page["abnormal_since"], page["abnormal_until"], page["results_since"]) == (
        "2018-05",
        "2019-06",
        True,
    )
    since = summary(store, Selection(since="2024"))
    assert (since["abnormal"], since["abnormal_until"], since["results_since"]) == ([], None, False)


def test_the_month_that_the_heading_names_is_told_whole(store: Store, source: str, received: Make) -> None:
    store.save(
        source,
        [
            lab(received, "1", "Sodium", "2026-02-01", 3, "N"),
            lab(received, "2", "Zinc", "2025-02-01", 9, "H"),
            lab(received, "3", "Iron", "2025-01-31", 9, "H"),
        ],
    )
    page = summary(store)
    assert (page["abnormal_since"], titles(page, "abnormal")) == ("2025-02", ["Zinc"])


def test_one_test_told_as_mass_and_as_amount_is_one_test(store: Store, source: str, received: Make) -> None:
    def aat(id_: str, code: str, date: str, value: float, unit: str) -> Received:
        return received("Observation", id_, status="final", category=[{"coding": [{"code": "laboratory"}]}],
                        code={"coding": [{"system": "http://loinc.org", "code": code}]}, effectiveDateTime=date,
                        valueQuantity={"value": value, "unit": unit},
                        interpretation=[{"coding": [{"code": "L"}]}])  # fmt: skip

    store.save(source, [aat("1", "1825-9", "2026-01-10", 65, "mg/dL")])
    store.save(
        store.sources.ensure("hospital").key,
        [aat("2", "6771-0", "2025-11-02", 12, "umol/L"), aat("3", "20150-9", "2026-01-02", 1.5, "L")],
    )
    found = summary(store)["abnormal"]
    assert [(one["value"], one["unit"], one["times"]) for one in found] == [(65, "mg/dL", 2), (1.5, "L", 1)]


def test_whose_word_it_is_is_told(store: Store, source: str, received: Make) -> None:
    own = store.sources.ensure("self", "person").key
    store.save(
        source, [condition(received, "1", concept("Gout")), condition(received, "2", concept("Asthma"))]
    )
    store.save(
        own, [condition(received, "3", concept("Gout")), condition(received, "4", concept("Cold hands"))]
    )
    page = summary(store)
    assert {one["title"]: (one["own"], one["sources"]) for one in page["problems"]} == {
        "Gout": (False, ["clinic", "self"]),
        "Asthma": (False, ["clinic"]),
        "Cold hands": (True, ["self"]),
    }
    assert (page["own_sources"], page["main_source"]) == (["self"], "clinic")


def test_what_is_to_come_begins_now_and_what_is_overdue_says_so(
    store: Store, source: str, received: Make
) -> None:
    def task(id_: str, **more: Any) -> Received:
        return received("Task", id_, **{"status": "requested", "intent": "order", "description": id_, **more})

    store.save(
        source,
        [
            received("Appointment", "1", status="booked", description="Later", start="2026-05-01T09:00:00Z"),
            received("Appointment", "2", status="booked", description="Soon", start="2026-03-02T09:00:00Z"),
            received("Appointment", "3", status="booked", description="Past", start="2026-02-02T09:00:00Z"),
            received("Appointment", "4", status="cancelled", description="Off", start="2026-03-05T09:00:00Z"),
            task("open", authoredOn="2026-01-01"),
            task("late", restriction={"period": {"end": "2026-02-01"}}),
            task("done", status="completed"),
        ],
    )
    page = summary(store)
    assert titles(page, "upcoming") == ["Soon", "Later"]
    assert [(one["title"], one["overdue"]) for one in page["tasks"]] == [("late", True), ("open", False)]


def test_an_order_with_a_result_is_not_open_any_more(store: Store, source: str, received: Make) -> None:
    def order(id_: str, name: str) -> Received:
        return received(
            "ServiceRequest",
            id_,
            status="active",
            intent="order",
            authoredOn="2026-01-05",
            code={"text": name},
        )

    store.save(
        source,
        [order("1", "Iron"), order("2", "Chest CT"), lab(received, "3", "Iron", "2026-01-07", 3, "N")],
    )
    assert titles(summary(store), "orders") == ["Chest CT"]


def test_who_it_is_and_who_cares(store: Store, source: str, received: Make) -> None:
    store.save(
        source,
        [
            received("Patient", "p", name=[{"text": "Ada Example"}], birthDate="1980-03-02", gender="female",
                     generalPractitioner=[{"reference": "Practitioner/d"}]),
            received("Practitioner", "d", name=[{"text": "Dr. Bo Sample"}], telecom=[{"system": "phone", "value": "555"}]),
            received("CareTeam", "t", status="active", participant=[
                {"role": [{"text": "Nurse"}], "member": {"display": "Cy Nurse"}},
                {"member": {"display": "Ada Example", "reference": "urn:uuid:1"}},
                {"role": [{"text": "Gone"}], "member": {"display": "Di Gone"}, "period": {"end": "2020"}},
            ]),
        ],
    )  # fmt: skip
    page = summary(store)
    assert (page["patient"]["name"], page["patient"]["age"], page["patient"]["sex"]) == (
        "Ada Example",
        45,
        "female",
    )
    assert [(one["name"], one["role"], one["phone"]) for one in page["care_team"]] == [
        ("Dr. Bo Sample", "primary care", "555"),
        ("Cy Nurse", "Nurse", None),
    ]


def test_what_is_private_can_be_held_back(store: Store, source: str, received: Make) -> None:
    restricted = {
        "security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}]
    }
    store.save(
        source,
        [
            condition(received, "1", concept("Secret"), meta=restricted),
            condition(received, "2", concept("Gout")),
        ],
    )
    assert len(summary(store)["problems"]) == 2
    assert titles(summary(store, Selection(sensitivity="normal")), "problems") == ["Gout"]


def test_long_lists_end_and_say_how_much_there_is(store: Store, source: str, received: Make) -> None:
    store.save(source, [condition(received, str(n), concept(f"Problem {n}")) for n in range(75)])
    page = summary(store)
    assert len(page["problems"]) + page["more"]["problems"] == 75


def test_an_empty_record_has_every_part(store: Store) -> None:
    page = summary(store)
    parts = "problems medications allergies immunizations abnormal upcoming tasks care_team extras directives"
    assert all(page[name] == [] for name in parts.split())
    assert page["patient"]["name"] is None
