"""Dates that no calendar holds, numbers beyond all sense: what looks ahead and what looks back goes on, and names them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from icalendar import Calendar

from phr.cli import app
from phr.model import Received
from phr.store.store import Store

KEY = bytes(range(32))
FIXED = (
    "0000", "0000-01-01", "0001", "0001-01", "0001-01-01", "0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00-14:00",
    "9999", "9999-12", "9999-12-31", "9999-12-31T23:59:59-14:00", "9999-12-31T24:00:00Z", "9999-12-31T23:59:60+14:00",
    "2032-06-30T23:59:60Z", "2032-01-01T24:00:00Z", "2032-01-01T25:00:00Z", "2032-02-30", "20320101", "2032-13",
    f"2032-01-01T10:00:00.{'1' * 5_000}Z", "2032-01-01T10:00:00.5+1400", "2032-01-01 10:00", "2032-01-01T10:00Zrubbish",
    "2032-01-01T10:00:00+15:00", "99999-01-01", "-001-01-01", "２０３２-01-01", "last spring", "", " ", "0",
    "\u202e2032-01-01",
)  # fmt: skip
SCREENS = (
    ("visit", "Dr. Odd"), ("visit", "Dr. Odd", "--json"), ("visit", "Dr. Odd", "--since", "2000"),
    ("calendar",), ("calendar", "--since", "0001"), ("calendar", "--json"), ("calendar", "--until", "9999"),
    ("tasks", "--all"), ("tasks", "--json"), ("tasks", "--due", "2032"), ("messages",), ("diff", "--since", "2000"),
    ("had", "cut"), ("missing",), ("quality",),
)  # fmt: skip


def guessed(number: int) -> list[str]:
    """Dates put together from parts that are right and wrong; the same in every run."""
    chance = random.Random(20260301)
    parts = (
        ("0000", "0001", "1969", "2032", "9999", "203"), ("-01", "-02", "-12", "-13", "-00", ""),
        ("-01", "-29", "-31", "-00", ""), ("", "T00:00:00", "T23:59:60", "T24:00", "T24:00:00.999999999", "t9:00", "T"),
        ("", "Z", "+14:00", "-14:00", "-00:00", "+9", "z", "+00:60", "]"),
    )  # fmt: skip
    return ["".join(map(chance.choice, parts)) for _ in range(number)]


def odd() -> Iterator[dict[str, Any]]:
    dates = [*FIXED, *guessed(24)]
    cut = {"coding": [{"system": "http://snomed.info/sct", "code": "1"}], "text": "cut"}
    odd_one = [{"actor": {"display": "Dr. Odd"}}]
    yield {"resourceType": "Patient", "id": "p", "name": [{"text": "Ada Example"}], "birthDate": "0001-01-01"}
    for at, when in enumerate(dates):
        other = dates[-at - 1]
        span = {"start": when, "end": other}
        repeat = {"frequency": 1, "period": "@BIG" if at % 2 else 1, "periodUnit": "wk", "boundsPeriod": span}
        often = {"repeat": repeat | ({} if at % 3 else {"dayOfWeek": ["sun"], "timeOfDay": [when]})}
        who = {
            "subject": {"reference": "Patient/p"},
            "patient": {"reference": "Patient/p"},
            "status": "active",
        }
        for type_, more in {
            "Appointment": {"status": "booked", "start": when, "end": other, "description": f"App {at}",
                            "participant": odd_one},
            "Encounter": {"status": "finished", "period": span, "participant": [{"individual": {"display": "Dr. Odd"}}]},
            "Task": {"status": "requested", "restriction": {"period": {"end": when}}, "authoredOn": other},
            "Condition": {"code": {"text": f"C {at}"}, "onsetDateTime": when, "abatementDateTime": other},
            "MedicationRequest": {"medicationCodeableConcept": {"text": f"Drug {at % 5}"}, "authoredOn": when,
                                  "dosageInstruction": [{"timing": often, "text": "infusion"}]},
            "Procedure": {"status": "completed", "code": cut, "performedDateTime": when},
            "ServiceRequest": {"intent": "order", "code": cut, "authoredOn": other, "occurrenceTiming": often},
            "CarePlan": {"period": span, "activity": [{"detail": {"scheduledPeriod": span, "status": "scheduled"}},
                                                      {"detail": {"scheduledTiming": {"event": [when]}}}]},
            "ImmunizationRecommendation": {"date": other, "recommendation": [{
                "vaccineCode": [{"text": "Flu"}],
                "dateCriterion": [{"code": {"coding": [{"code": "30980-7"}]}, "value": when}]}]},
            "Observation": {"status": "final", "code": cut, "effectiveDateTime": when, "valueQuantity": {"value": 1}},
            "Communication": {"status": "completed", "sent": when, "received": other, "payload": [{"contentString": "m"}]},
        }.items():  # fmt: skip
            yield {"resourceType": type_, "id": f"d{at}", **who, **more}


@pytest.fixture
def life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    key = tmp_path / "key"
    key.write_bytes(KEY)
    key.chmod(0o600)
    monkeypatch.setenv("PHR_KEY_FILE", str(key))
    home = tmp_path / "home" / "data" / "default"
    home.mkdir(parents=True, mode=0o700)
    raw = [
        Received(one["resourceType"], one["id"], orjson.dumps(one).replace(b'"@BIG"', b"1e308"))
        for one in odd()
    ]
    with Store(home / "records.db", KEY, create=True) as store:
        store.save(store.sources.ensure("odd").key, raw)
        store.matches.settle()
        yield store


@pytest.fixture
def phr(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    def run(*words: str) -> str:
        with pytest.raises(SystemExit) as ended:
            app.run(words)
        out, said = capsys.readouterr()
        assert ended.value.code == 0, (words, said[-300:])
        return out

    return run


def test_no_date_and_no_number_stops_a_screen_or_a_file(
    life: Store, phr: Callable[..., str], tmp_path: Path
) -> None:
    for words in SCREENS:
        phr(*words)
    asked = ("calendar", "--since", "0001", "--json")
    agenda = orjson.loads(phr(*asked))
    file = tmp_path / "odd.ics"
    phr("calendar", "--since", "0001", "-o", str(file), "--remind", "1d")
    held = Calendar.from_ical(file.read_bytes()).walk("VEVENT")
    assert len(held) == len(agenda["events"]) > 50
    assert all("DTSTART" in one for one in held)
    appointments = [one for one in agenda["events"] if one["kind"] == "appointment"]
    unread = [one["title"] for one in agenda["left_out"] if one["reason"] == "its date cannot be read"]
    assert {f"App {FIXED.index('2032-02-30')}", f"App {FIXED.index('last spring')}"} <= set(unread)
    known = {one["title"] for one in [*appointments, *agenda["left_out"]]}
    before = {"App 5"}  # in the last hours of the year before 1: not since then
    assert {f"App {at}" for at in range(len(FIXED))} - known == before  # none is lost without a word
    page = tmp_path / "page.md"
    phr("visit", "Dr. Odd", "-o", str(page))
    assert "None" not in page.read_text()
