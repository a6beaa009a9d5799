"""Four questions of a patient, each answered by one command; the truth is read from the raw resources, not from phr."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from tests.walks.conftest import Person

from phr.cli import app

Phr = Callable[..., str]


@pytest.fixture
def phr(
    person: Person, hospital: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Phr:
    """The invented patient of the sandbox, synced; run a command line and read its stdout."""
    person.connect(hospital())
    assert person.sync().status == "completed"
    for name, value in person.environ.items():
        monkeypatch.setenv(name, value)

    def run(*words: str) -> str:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            app.run(words)
        out, said = capsys.readouterr()
        assert ended.value.code == 0, said
        return out

    return run


def resources(person: Person, type_: str) -> list[dict[str, Any]]:
    with person.workspace.store() as store:
        rows = store.db.execute("SELECT raw FROM resource WHERE type = ?", (type_,)).fetchall()
    return [orjson.loads(row[0]) for row in rows]


def has_code(resource: dict[str, Any], element: str, code: str) -> bool:
    return any(one.get("code") == code for one in resource.get(element, {}).get("coding", ()))


def test_what_was_my_last_aat_level_and_is_it_falling(phr: Phr, person: Person) -> None:
    levels = [one for one in resources(person, "Observation") if has_code(one, "code", "1825-9")]
    levels.sort(key=lambda one: one["effectiveDateTime"])
    (before, last), count = levels[-2:], len(levels)
    page = " ".join(phr("trend", "AAT level").split())
    first = page[: page.index("DATE")]
    assert f"{last['valueQuantity']['value']} mg/dL" in first
    assert last["effectiveDateTime"][:10] in first
    change = last["valueQuantity"]["value"] - before["valueQuantity"]["value"]
    assert re.search(rf"[−-]?\b{abs(change):g}\b", page), "how it changed since the one before"
    assert re.search("no clear trend|steady|falling|rising", page, re.IGNORECASE)
    report = orjson.loads(phr("trend", "AAT level", "--json"))
    assert len(report["points"]) == count
    assert report["points"][-1]["value"] == last["valueQuantity"]["value"]


def test_when_did_i_start_augmentation(phr: Phr, person: Person) -> None:
    given = [
        one["effectivePeriod"]["start"]
        for one in resources(person, "MedicationAdministration")
        if "med-prolastin-c" in one["medicationReference"]["reference"]
    ]
    ordered = next(one for one in resources(person, "MedicationRequest") if one["id"] == "mr-prolastin-c")
    first = min([ordered["authoredOn"], *given])[:10]
    report = orjson.loads(phr("timeline", "--milestones", "--tag", "augmentation", "--json"))
    started = [one for one in report["milestones"] if one["milestone"].startswith("Started")]
    assert [one["date"][:10] for one in started] == [first]
    assert first in phr("timeline", "--milestones", "--tag", "augmentation")
    hits = orjson.loads(phr("search", "when did I start augmentation", "--json"))["hits"]
    assert any(re.search("prolastin|alpha-?1", one["title"], re.IGNORECASE) for one in hits[:3])


def test_everything_about_my_lungs_since_2023(phr: Phr, person: Person) -> None:
    report = orjson.loads(phr("timeline", "--tag", "lungs", "--since", "2023", "--json"))
    found = {one["resource"] for one in report["events"]}
    spirometry = {
        f"Observation/{one['id']}"
        for one in resources(person, "Observation")
        if any(has_code(one, "code", code) for code in ("20150-9", "20152-5", "19911-7"))
        and one["effectiveDateTime"] >= "2023"
    }
    chest = {
        f"{type_}/{one['id']}"
        for type_ in ("ImagingStudy", "DiagnosticReport")
        for one in resources(person, type_)
        if re.search(r"\bchest\b", orjson.dumps(one).decode(), re.IGNORECASE)
        and (one.get("started") or one.get("effectiveDateTime") or "") >= "2023"
    }
    infusions = {
        f"MedicationAdministration/{one['id']}"
        for one in resources(person, "MedicationAdministration")
        if one["effectivePeriod"]["start"] >= "2023"
    }
    assert spirometry, "the sandbox has some"
    assert spirometry <= found
    assert chest <= found
    assert infusions <= found
    assert all(one["date"] >= "2023" for one in report["events"])
    assert not any(
        re.search("colonoscopy|lipid|glucose|tetanus", one["title"], re.IGNORECASE)
        for one in report["events"]
    )


def test_i_am_in_an_emergency_room(phr: Phr, person: Person) -> None:
    page = phr("summary", "--emergency")
    patient = resources(person, "Patient")[0]
    assert patient["name"][0]["family"] in page
    assert patient["birthDate"] in page
    for one in resources(person, "AllergyIntolerance"):
        if has_code(one, "clinicalStatus", "active"):
            assert re.search("penicillin|latex", one["code"]["coding"][0]["display"], re.IGNORECASE)
    assert re.search("penicillin", page, re.IGNORECASE)
    assert re.search("latex", page, re.IGNORECASE)
    assert not re.search("peanut", page, re.IGNORECASE), "outgrown"
    for word in ("Prolastin", "tiotropium", "budesonide", "amlodipine"):
        assert word.casefold() in page.casefold(), word
    for word in ("azithromycin", "lisinopril"):
        assert word not in page.casefold(), f"{word} was stopped"
    assert "ZZ" in page, "the phenotype, by the pack"
    assert "1.59 L" in page, "the last FEV1, by the pack"
    contact = patient["contact"][0]["name"]
    assert contact.get("family", contact.get("text", "")) in page
