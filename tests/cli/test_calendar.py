"""`phr calendar` as a person types it."""

from __future__ import annotations

import stat
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from icalendar import Calendar

from phr.cli.text import width
from phr.model import Received
from phr.workspace import Workspace

SOON = (datetime.now(UTC) + timedelta(days=40)).strftime("%Y-%m-%d")


def booked(id_: str, start: str, words: str, status: str = "booked") -> Received:
    body = {"resourceType": "Appointment", "id": id_, "status": status, "start": start, "description": words}
    return Received("Appointment", id_, orjson.dumps(body))


@pytest.fixture
def ahead(record: Workspace) -> Workspace:
    """Three appointments that lie ahead, one of them private; one that was; and an order for a month."""
    order = {"resourceType": "ServiceRequest", "id": "s", "status": "active", "intent": "order",
             "code": {"text": "Chest film"}, "occurrenceDateTime": f"{int(SOON[:4]) + 1}-05"}  # fmt: skip
    with record.store() as store:
        store.save(
            "k1",
            [
                booked("a1", f"{SOON}T14:30:00Z", "Lung review\x1b[2J"),
                booked("a2", f"{SOON}T16:00:00Z", "Eye clinic", "cancelled"),
                booked("a3", f"{SOON}T18:00:00Z", "Paranoid clinic"),
                booked("past", "2024-02-02T10:00:00Z", "Long ago", "fulfilled"),
                Received("ServiceRequest", "s", orjson.dumps(order)),
            ],
        )
        row = store.db.execute("SELECT id FROM record WHERE title = 'Paranoid clinic'").fetchone()
        store.own.correct(row[0], {"sensitivity": "restricted"})
    return record


def test_the_agenda_tells_what_lies_ahead(phr: Any, ahead: Workspace) -> None:
    told = phr("calendar")
    assert told.status == 0 and "\x1b" not in told.out
    assert all(width(line) <= 80 for line in told.out.splitlines())
    for word in (
        "Lung review",
        "14:30 UTC",
        "cancelled: Eye clinic",
        "Paranoid clinic",
    ):  # for the person alone
        assert word in told.out
    assert "Long ago" not in told.out
    assert "only the month is known" in told.out


def test_json_has_events_and_what_is_left_out(phr: Any, ahead: Workspace) -> None:
    told = phr("calendar", "--json").json
    assert [one["title"] for one in told["left_out"]] == ["Chest film"]
    first = told["events"][0]
    assert (first["kind"], first["status"], first["all_day"]) == ("appointment", "confirmed", False)
    assert len(phr("calendar", "--json", "--since", "2024").json["events"]) == 4


def test_the_file_leaves_out_what_is_private_and_says_so(phr: Any, ahead: Workspace, tmp_path: Path) -> None:
    told = phr("calendar", "-o", "health.ics", "--remind", "1d")
    file = tmp_path / "health.ics"
    assert told.status == 0 and stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "Paranoid" not in file.read_text()
    assert "you marked them as private: 1" in told.err
    assert "--discreet" in told.err and "only the month" in told.err
    found = Calendar.from_ical(file.read_bytes()).walk("VEVENT")
    assert {str(one["STATUS"]) for one in found} == {"CONFIRMED", "CANCELLED"}
    assert len({str(one["UID"]) for one in found}) == 2
    before = file.read_bytes()
    assert phr("calendar", "-o", "health.ics", "--remind", "1d", "--json").json["bytes"] == len(before)
    assert file.read_bytes() == before


def test_without_a_name_the_file_has_one_of_its_own(phr: Any, ahead: Workspace, tmp_path: Path) -> None:
    assert phr("calendar", "--format", "ics").status == 0
    assert (tmp_path / "phr-calendar.ics").is_file()
    (tmp_path / "folder").mkdir()
    assert phr("calendar", "-o", "folder").status == 0
    assert (tmp_path / "folder" / "phr-calendar.ics").is_file()


def test_discreet_goes_to_stdout_without_a_word(phr: Any, ahead: Workspace) -> None:
    told = phr("calendar", "-o", "-", "--discreet")
    assert told.out.startswith("BEGIN:VCALENDAR") and "Lung" not in told.out
    assert "cloud" not in told.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--remind", "soon", "-o", "x.ics"), "is not a time"),
        (("--remind", "1d"), "belong to a file"),
        (("--discreet",), "belong to a file"),
        (("-o", "-", "--json"), "cannot both"),
        (("-o", "nowhere/x.ics"), "no folder"),
        (("--format", "json", "-o", "x.ics"), "is none"),
    ],
)
def test_what_makes_no_sense_is_said(phr: Any, ahead: Workspace, words: tuple[str, ...], said: str) -> None:
    told = phr("calendar", *words)
    assert told.status == 2 and said in told.err


def test_an_empty_agenda_is_no_error(phr: Any, record: Workspace) -> None:
    told = phr("calendar")
    assert told.status == 0 and told.out == "" and "Nothing with a day" in told.err
    assert phr("calendar", "-o", "-").out.count("BEGIN:VEVENT") == 0


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="this system keeps one clock for all")
def test_a_time_of_another_zone_is_told_on_the_own_clock_too(
    phr: Any, ahead: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as there:
        there.setenv("TZ", "XST+5")
        there.setenv("COLUMNS", "80")
        time.tzset()
        told = phr("calendar")
        piped = "14:30 UTC (09:30 here)  Lung review"
    time.tzset()
    assert piped in told.out


def test_an_appointment_of_last_night_elsewhere_that_lies_ahead_is_not_lost(
    phr: Any, record: Workspace
) -> None:
    soon = datetime.now(UTC) + timedelta(hours=2)
    start = (soon - timedelta(hours=14)).strftime("%Y-%m-%dT%H:%M:%S-14:00")
    with record.store() as store:
        store.save("k1", [booked("far", start, "Far away")])
    assert "Far away" in phr("calendar").out
