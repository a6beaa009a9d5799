"""What a source can send and nobody expects: every screen goes on, and obeys nothing of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from phr.cli import app
from phr.model import Received
from phr.store.store import Store

KEY = bytes(range(32))
HOSTILE = "\x1b[31mred\x1b]52;c;cGhy\x07\x9b2J‮evil​<script>x</script>\x00=1+1"
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
MOMENTS = (
    "9999-12-31T23:59:59-05:00", "9999-12-31", "9999", "0001-01-01T00:00:00+05:00", "0001", "1582-10-10",
    "2024-02-30", "2024-06-31T25:61:00Z", "20240601", "2016-12-31T23:59:60Z", "last spring", "",
)  # fmt: skip
NUMBERS = ("1e999", "-0.0", "12345678901234567890123456789.123456789", "1e-300", "0", "-17.5")
SCREENS = (
    ("timeline",), ("timeline", "--flat"), ("timeline", "--milestones"), ("timeline", "--json"),
    ("timeline", "--format", "csv"), ("timeline", "--format", "html"), ("timeline", "--follow", "3"),
    ("search", "red"), ("search", "red", "--json"), ("trend",), ("trend", "--json"), ("summary",), ("summary", "--json"),
    ("summary", "--emergency"), ("summary", "--emergency", "--format", "html"),
    ("summary", "--emergency", "--format", "svg"), ("status",), ("status", "--json"), ("bookmark",), ("packs", "list"),
)  # fmt: skip


def concept(text: str, code: str = "odd") -> dict[str, Any]:
    return {"coding": [{"system": "http://loinc.org", "code": code, "display": text}], "text": text}


def odd() -> Iterator[dict[str, Any]]:
    """One of each kind for each moment, and observations with each number."""
    who = {"reference": "Patient/p", "display": HOSTILE}
    yield {"resourceType": "Patient", "id": "p", "name": [{"text": HOSTILE}], "birthDate": "0001-01-01"}
    for at, when in enumerate(MOMENTS):
        period = {"start": when, "end": when}
        for type_, more in {
            "Condition": {"code": concept(HOSTILE), "onsetDateTime": when, "abatementDateTime": when},
            "MedicationRequest": {"medicationCodeableConcept": concept(HOSTILE), "authoredOn": when, "status": "active",
                                  "dispenseRequest": {"validityPeriod": period}},
            "MedicationStatement": {"medicationCodeableConcept": concept("pill"), "effectivePeriod": period,
                                    "status": "active"},
            "AllergyIntolerance": {"code": concept(HOSTILE), "onsetDateTime": when},
            "Immunization": {"vaccineCode": concept("flu"), "occurrenceDateTime": when, "status": "completed"},
            "Procedure": {"code": concept("cut"), "performedPeriod": period, "status": "completed"},
            "Encounter": {"class": {"code": "IMP"}, "period": period, "type": [concept(HOSTILE)]},
            "Appointment": {"start": when, "status": "booked", "description": HOSTILE},
            "Task": {"restriction": {"period": period}, "status": "requested", "description": HOSTILE},
            "Goal": {"description": {"text": HOSTILE}, "startDate": when},
            "DocumentReference": {"date": when, "description": HOSTILE, "status": "current", "content": []},
        }.items():  # fmt: skip
            yield {"resourceType": type_, "id": f"d{at}", "subject": who, "patient": who, **more}
        yield {"resourceType": "Observation", "id": f"d{at}", "code": concept(HOSTILE, "718-7"), "subject": who,
               "effectiveDateTime": when, "valueQuantity": {"value": 1, "unit": HOSTILE},
               "note": [{"text": HOSTILE}]}  # fmt: skip
    for at, _ in enumerate(NUMBERS):
        yield {"resourceType": "Observation", "id": f"n{at}", "code": concept("glucose", "2345-7"), "subject": who,
               "effectiveDateTime": f"20{at + 10}-01-01", "valueQuantity": {"value": f"NUMBER{at}", "unit": "mg/dL"},
               "referenceRange": [{"low": {"value": f"NUMBER{at}"}}]}  # fmt: skip
    loop = [{"reference": "Observation/loop"}]
    yield {
        "resourceType": "Observation",
        "id": "loop",
        "code": concept("loop"),
        "hasMember": loop,
        "derivedFrom": loop,
    }


def received() -> Iterator[Received]:
    for one in odd():
        raw = orjson.dumps(one)
        for at, number in enumerate(NUMBERS):
            raw = raw.replace(f'"NUMBER{at}"'.encode(), number.encode())
        yield Received(one["resourceType"], one["id"], raw)


@pytest.fixture
def life(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    key = tmp_path / "key"
    key.write_bytes(KEY)
    key.chmod(0o600)
    monkeypatch.setenv("PHR_KEY_FILE", str(key))
    home = tmp_path / "home" / "data" / "default"
    home.mkdir(parents=True, mode=0o700)
    with Store(home / "records.db", KEY, create=True) as store:
        for name in ("one", "two"):
            store.save(store.sources.ensure(name).key, received())
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


def test_every_screen_goes_on_and_a_terminal_obeys_nothing(life: Store, phr: Callable[..., str]) -> None:
    for words in SCREENS:
        out = phr(*words)
        shown = "" if "--json" in words else out.replace("\r\n", "\n")
        assert not CONTROL.search(shown), words
        if words[-1] in ("html", "svg"):
            assert "<script>x" not in out, words


def test_every_record_is_shown_whole(life: Store, phr: Callable[..., str]) -> None:
    for (id_,) in life.db.execute("SELECT id FROM record WHERE supporting IN (0, 1, 2)").fetchall():
        assert not CONTROL.search(phr("show", str(id_))), id_


def test_no_number_is_shown_that_no_source_holds(life: Store, phr: Callable[..., str]) -> None:
    exact = NUMBERS[2]
    row = life.db.execute(
        "SELECT id FROM record WHERE resource = 'Observation/n2' AND supporting = 0"
    ).fetchone()
    assert exact in phr("show", str(row[0]))
