"""`phr had`: what only looks like what was asked for is never a yes: another side, contrast, kind, word, or a vaccine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from phr.model import Received
from phr.store.store import Store
from phr.views.had import Had, had
from phr.views.had_codes import words_of
from phr.views.had_exam import compare, exam
from phr.views.had_query import understood

CVX, CPT = "http://hl7.org/fhir/sid/cvx", "http://www.ama-assn.org/go/cpt"
Life = Callable[..., Store]


@pytest.fixture
def life(store: Store) -> Life:
    """A record of a few resources: `life(report("CT CHEST"), …)`."""

    def made(*resources: dict[str, Any]) -> Store:
        named = [one | {"id": f"r{at}"} for at, one in enumerate(resources)]
        received = [Received(one["resourceType"], one["id"], orjson.dumps(one)) for one in named]
        store.save(store.sources.ensure("river").key, received)
        return store

    return made


def report(text: str, date: str = "2024-05-02", **more: Any) -> dict[str, Any]:
    return {"resourceType": "DiagnosticReport", "status": "final", "code": {"text": text}, "effectiveDateTime": date,
            "category": [{"coding": [{"code": "RAD"}]}], **more}  # fmt: skip


def procedure(text: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Procedure",
        "status": "completed",
        "code": {"text": text},
        "performedDateTime": "2020-02-02",
        **more,
    }


def problem(text: str) -> dict[str, Any]:
    return {"resourceType": "Condition", "code": {"text": text}, "onsetDateTime": "2021-01-01"}


def shot(text: str, cvx: str) -> dict[str, Any]:
    return {"resourceType": "Immunization", "status": "completed", "occurrenceDateTime": "2021-03-01",
            "vaccineCode": {"text": text, "coding": [{"system": CVX, "code": cvx}]}}  # fmt: skip


def observation(text: str, category: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Observation", "status": "final", "code": {"text": text}, "effectiveDateTime": "2024-01-05",
            "category": [{"coding": [{"code": category}]}], "valueString": "seen", **more}  # fmt: skip


def level(answer: Had) -> str:
    return "yes" if answer.had else "perhaps" if answer.perhaps else "no"


@pytest.mark.parametrize("asked", ["right knee mri", "mri of the right knee", "mri r knee"])
def test_the_other_side_is_no_slip_of_the_finger(life: Life, asked: str) -> None:
    answer = had(life(report("MR KNEE LT WO CONTRAST")), asked)
    assert (level(answer), answer.asked.corrected) == ("no", ())
    assert "left side" in answer.near[0]["difference"]


@pytest.mark.parametrize(
    ("typed", "there"),
    [
        ("hypernatremia", problem("Hyponatremia")),
        ("hypokalemia", problem("Hyperkalemia")),
        ("ileoscopy", procedure("Ileostomy")),
        ("lobotomy", procedure("Lobectomy of lung")),
        ("valvectomy", procedure("Vasectomy")),
        ("thoracostomy", procedure("Thoracoscopy")),
    ],
)
def test_one_word_of_medicine_is_never_turned_into_another(
    life: Life, typed: str, there: dict[str, Any]
) -> None:
    answer = had(life(there), typed)
    assert (level(answer), answer.document()["had"]) == ("no", False)


def test_what_only_sounds_alike_is_named_as_near(life: Life) -> None:
    near = had(life(problem("Hyponatremia")), "hypernatremia").near
    assert [(one["title"], one["difference"]) for one in near] == [("Hyponatremia", "only its name is alike")]


@pytest.mark.parametrize(
    ("typed", "meant", "guessed"),
    [
        ("colonoscpy", "colonoscopy", False),
        ("apendectomy", "appendectomy", False),
        ("mamogram", "mammogram", False),
        ("pnuemonia", "pneumonia", False),
        ("echocardigram", "echocardiogram", False),
        ("mammagram", "mammogram", True),
        ("trazadone", "trazodone", True),
    ],
)
def test_a_slip_in_a_long_word_is_mended_and_anything_else_is_a_guess(
    typed: str, meant: str, guessed: bool
) -> None:
    asked = understood(typed, lambda _: False)
    assert (asked.corrected, asked.guessed) == (((typed, meant),), guessed)


def test_a_guess_is_at_most_perhaps(life: Life) -> None:
    answer = had(life(report("Mammogram")), "mammagram")
    assert level(answer) == "perhaps"
    assert "if you meant this" in answer.unsure[0]["why"]


@pytest.mark.parametrize(
    ("asked", "told", "expected"),
    [
        ("ct chest with contrast", "CT CHEST WO CONTRAST", "near"),
        ("ct chest without contrast", "CT CHEST W CON", "near"),
        ("ct chest with contrast", "CT CHEST W AND WO CONTRAST", "yes"),
        ("ct chest with contrast", "CT CHEST", "perhaps"),
        ("ct chest", "CT CHEST WO CONTRAST", "yes"),
        ("diagnostic mammogram", "MAMMO SCREENING BILATERAL", "near"),
        ("screening mammogram", "MAMMOGRAM DIAGNOSTIC RIGHT", "near"),
        ("mammogram", "MAMMOGRAM DIAGNOSTIC RIGHT", "yes"),
        ("diagnostic mammogram", "Mammogram", "perhaps"),
        ("tee", "TRANSTHORACIC ECHO COMPLETE", "near"),
        ("transesophageal echo", "STRESS ECHOCARDIOGRAM", "near"),
        ("tee", "Echocardiogram", "perhaps"),
        ("echo", "Transesophageal echocardiogram", "yes"),
        ("tb skin test", "QuantiFERON-TB Gold Plus", "near"),
        ("quantiferon", "PPD (Mantoux)", "near"),
        ("tb test", "PPD (Mantoux)", "yes"),
        ("fit test", "Cologuard stool DNA and occult blood", "near"),
        ("left eye cataract surgery", "Cataract extraction with IOL, OD", "near"),
        ("left eye cataract surgery", "Cataract extraction OS", "yes"),
        ("left knee replacement", "L TKA", "yes"),
        ("right knee replacement", "L TKA", "near"),
        ("lumbar spine ct", "CT L SPINE", "yes"),
        ("gallbladder removed", "s/p lap chole", "yes"),
        ("neck x-ray", "XR CERVICAL SPINE", "perhaps"),
        ("cervical biopsy", "Biopsy of cervix", "yes"),
        ("pet scan", "Pet therapy session", "no"),
        ("pet scan", "Pet visit", "no"),
        ("pet scan", "PET Dotatate", "yes"),
        ("colonoscopy", "Flexible sigmoidoscopy", "near"),
    ],
)
def test_what_differs_is_compared(asked: str, told: str, expected: str) -> None:
    assert compare(exam(asked), exam(told)).level == expected


def test_a_billing_code_tells_the_contrast_and_the_purpose() -> None:
    assert [exam(words_of(CPT, code) or "").contrast for code in ("71250", "71260", "71270")] == [
        "without contrast", "with contrast", "without and with contrast",
    ]  # fmt: skip
    assert "screening" in exam(words_of(CPT, "77067") or "").flags


@pytest.mark.parametrize(
    ("asked", "near"), [("colonoscopy", "sigmoidoscopy"), ("sigmoidoscopy", "colonoscopy")]
)
def test_a_look_into_the_same_part_is_named_as_near(life: Life, asked: str, near: str) -> None:
    answer = had(life(procedure(f"Flexible {near}")), asked)
    assert level(answer) == "no"
    assert near in answer.near[0]["difference"]


@pytest.mark.parametrize(
    ("asked", "text", "category"),
    [("ekg", "ECG 12-LEAD", "procedure"), ("spirometry", "Spirometry", "procedure"),
     ("eye exam", "Eye exam dilated", "exam")],
)  # fmt: skip
def test_an_examination_that_came_as_an_observation_is_found(
    life: Life, asked: str, text: str, category: str
) -> None:
    assert level(had(life(observation(text, category)), asked)) == "yes"


def test_a_cancelled_measurement_is_told_as_cancelled(life: Life) -> None:
    gone = observation(
        "HbA1c", "laboratory", status="cancelled", dataAbsentReason={"text": "Specimen hemolyzed"}
    )
    gone.pop("valueString")
    answer = had(life(gone), "a1c")
    assert (level(answer), len(answer.cancelled)) == ("no", 1)


@pytest.mark.parametrize(
    ("asked", "given", "expected"),
    [
        ("bexsero", shot("MenACWY (Menveo)", "136"), "no"),
        ("meningitis b vaccine", shot("MenACWY (Menveo)", "136"), "no"),
        ("meningitis vaccine", shot("MenACWY (Menveo)", "136"), "yes"),
        ("prevnar", shot("Pneumovax 23", "33"), "no"),
        ("shingrix", shot("Zostavax", "121"), "no"),
        ("shingles shot", shot("Zostavax", "121"), "yes"),
        ("covid", shot("COVID-19 vaccine", "208"), "perhaps"),
        ("influenza a", shot("Influenza, seasonal", "141"), "perhaps"),
        ("covid vaccine", shot("COVID-19 vaccine", "208"), "yes"),
        ("tetanus", shot("Td", "113"), "yes"),
    ],
)
def test_a_vaccine_is_the_one_that_was_asked_for_and_no_illness(
    life: Life, asked: str, given: dict[str, Any], expected: str
) -> None:
    assert level(had(life(given), asked)) == expected


def test_the_illness_counts_and_its_vaccine_is_near(life: Life) -> None:
    answer = had(life(shot("COVID-19 vaccine", "208"), problem("COVID-19")), "covid")
    assert [one["title"] for one in answer.times] == ["COVID-19"]
    assert "vaccinated" in answer.near[0]["difference"]


def test_what_was_before_the_day_that_was_asked_for_is_still_told(life: Life) -> None:
    store = life(report("CT CHEST"))
    answer = had(store, "chest ct", since="2025")
    assert (level(answer), answer.document()["since"]) == ("no", "2025")
    assert [one["date"][:10] for one in answer.document()["earlier"]] == ["2024-05-02"]
    assert had(store, "chest ct", since="2024").earlier == []


def test_that_a_bill_was_processed_is_no_result(life: Life) -> None:
    bill = {"resourceType": "ExplanationOfBenefit", "status": "active", "use": "claim", "outcome": "complete",
            "billablePeriod": {"start": "2024-05-02"}, "created": "2024-05-03",
            "item": [{"sequence": 1, "productOrService": {"coding": [{"system": CPT, "code": "71250"}]}}]}  # fmt: skip
    time = had(life(bill, report("CT CHEST")), "chest ct").times[0]
    assert time["result"] is None
    assert "bill" not in time["why"]


@pytest.fixture
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    path = tmp_path_factory.mktemp("near") / "records.db"
    with Store(path, bytes(32), create=True, clock=lambda: datetime(2026, 3, 1, tzinfo=UTC)) as made:
        yield made
