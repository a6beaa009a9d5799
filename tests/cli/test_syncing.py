"""`phr sync` on the command line: what its options mean, the plan of a dry run, and the report."""

from __future__ import annotations

import logging
import shlex
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from phr.cli.refusals import plain as plain_words
from phr.cli.sync_plan import plan_document, plan_lines
from phr.cli.sync_report import report_lines, span
from phr.cli.text import Screen
from phr.cli.types import bulk_level, day_of, past_instant, time_span
from phr.errors import UsageError
from phr.model import Problem, Refusal, Search, SyncRun, TypeCounts
from phr.workspace import Workspace
from phr.workspace import sync as syncing
from phr.workspace.sync import Planned, SyncReport

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def plain(columns: int | None = 80) -> Screen:
    return Screen(columns, colour=False)


# ── what was typed ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-02-28T08:00:00Z", "2026-02-28T08:00:00Z"),
        ("2026-02-28T08:00:00+02:00", "2026-02-28T06:00:00Z"),
        (" 2026-02-28T08:00:00.5Z ", "2026-02-28T08:00:00Z"),
        ("2026", datetime(2026, 1, 1).astimezone().astimezone(UTC).isoformat().replace("+00:00", "Z")),
        ("2026-02", datetime(2026, 2, 1).astimezone().astimezone(UTC).isoformat().replace("+00:00", "Z")),
    ],
)
def test_since_takes_a_date_or_an_instant(text: str, instant: str) -> None:
    assert past_instant("--since", text, NOW) == instant


@pytest.mark.parametrize("text", ["soon", "", "2026-13", "2026-02-30", "12.3.2026", "0000", "99999"])
def test_since_says_what_is_no_date(text: str) -> None:
    with pytest.raises(UsageError, match="is not a date"):
        past_instant("--since", text, NOW)


@pytest.mark.parametrize("text", ["2027", "2026-03-02", "2026-03-01T12:00:01Z"])
def test_since_says_what_is_in_the_future(text: str) -> None:
    with pytest.raises(UsageError, match="in the future"):
        past_instant("--since", text, NOW)


def test_spans_and_days_and_exports_are_read() -> None:
    assert [time_span("--max-duration", text) for text in ("90s", "30m", "2h", "1.5h")] == [
        90,
        1800,
        7200,
        5400,
    ]
    assert [bulk_level(text) for text in ("patient", "System", "GROUP:a-1")] == [
        "patient",
        "system",
        "group:a-1",
    ]
    assert day_of("--since", "30d", NOW) in ("2026-01-29", "2026-01-30", "2026-01-31")
    for wrong in ("0s", "30", "half an hour", "8d", "-3m"):
        with pytest.raises(UsageError):
            time_span("--max-duration", wrong)
    for wrong in ("", "group", "group:", "group:a/b", "everything", "group:a b"):
        with pytest.raises(UsageError):
            bulk_level(wrong)


@pytest.fixture
def wished(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What `phr sync` hands on; nobody is asked."""
    found: list[Any] = []

    def sync(here: Workspace, wish: Any) -> SyncReport:
        found.append(wish)
        return SyncReport("completed", (), 0)

    monkeypatch.setattr(Workspace, "sync", sync)
    return found


def test_every_option_reaches_the_engine(phr: Any, record: Workspace, wished: list[Any]) -> None:
    words = "sync clinic --since 2026-01-02T00:00:00Z -t observation -t Goal -t Goal --no-documents --bulk group:g1"
    assert phr(*words.split(), "--due", "--priority", "7", "--max-duration", "30m").status == 0
    (one,) = wished
    assert (one.names, one.types, one.documents) == (("clinic",), ("Observation", "Goal"), False)
    assert (one.since, one.bulk, one.priority) == ("2026-01-02T00:00:00Z", "group:g1", 7)
    assert (one.due, one.trigger, one.max_duration, one.full) == (True, "schedule", 1800.0, False)
    phr("sync", "--full")
    assert (wished[-1].full, wished[-1].since, wished[-1].max_duration) == (True, None, None)


@pytest.mark.parametrize(
    "words",
    [
        "--since soon",
        "--since 2999",
        "--type Observacion",
        "--bulk everything",
        "--priority 1000",
        "--max-duration 30",
        "--full --since 2024",
    ],
)
def test_what_makes_no_sense_is_said_before_anybody_is_asked(
    phr: Any, record: Workspace, wished: list[Any], words: str
) -> None:
    answer = phr("sync", *words.split(), "--json")
    assert (answer.status, wished) == (2, [])
    assert answer.json["error"]["status"] == 2


# ── a dry run ─────────────────────────────────────────────────────────────────────────────────────

PATIENT = "e.zz-77"
SEARCHES = (
    Search(f"Patient/{PATIENT}", (), "the person themselves"),
    Search("Observation", (("patient", PATIENT), ("category", "laboratory"), ("_lastUpdated", "ge2026-02-28T00:00:00Z")),
           "declared by the server; split, because this vendor wants a category", "category=laboratory",
           "2026-02-28T00:00:00Z"),
    Search("Coverage", (("beneficiary", f"Patient/{PATIENT}"),), "the profile has it"),
    Search("Patient", (("_id", PATIENT), ("_revinclude", "Provenance:target"), ("_revinclude", "x:y")), "beside it"),
    Search(f"Patient/{PATIENT}/$everything", (), "this server is trusted with it"),
)  # fmt: skip
REFUSED = (
    Refusal("Claim", "the sign-in does not allow it"),
    Refusal("Task", "the server has no such type"),
    Refusal("Consent", "the sign-in does not allow it."),
)
PLANNED = (
    Planned("clinic", "incremental", "2026-02-28T12:00:00Z", SEARCHES, REFUSED),
    Planned("lab", "full", None, error="lab asks for a new sign-in."),
)


@pytest.mark.parametrize("columns", [80, 120, 200])
def test_the_plan_fits_says_why_and_names_no_patient(columns: int) -> None:
    found = list(plan_lines(PLANNED, plain(columns)))
    text = "\n".join(found)
    assert max(map(len, found)) <= columns
    assert PATIENT not in text
    assert "clinic: what changed is asked for, 5 searches" in text
    assert "patient=…&category=laboratory" in text
    assert "_lastUpdated" not in text, "it has a column of its own"
    assert "Patient/…/$everything" in text
    assert "claims (Claim), directives (Consent): the sign-in does not allow it" in text
    assert "lab: nothing can be asked" in text
    for search in SEARCHES:
        assert search.reason.split(";")[0] in " ".join(text.split())


def test_a_plan_for_a_server_that_was_not_reached_says_so() -> None:
    one = Planned("clinic", "full", None, SEARCHES[:1], error="The server does not answer.")
    text = "\n".join(plan_lines((one,), plain()))
    assert "The server was not asked what it offers" in text
    assert "Patient/…" in text


def test_the_document_of_a_plan_is_whole() -> None:
    found = plan_document(PLANNED)
    first, second = found["runs"]
    assert (first["connection"], first["mode"], second["error"]) == (
        "clinic", "incremental", "lab asks for a new sign-in.",
    )  # fmt: skip
    assert first["searches"][1] == {
        "type": "Observation",
        "parameters": {
            "patient": PATIENT,
            "category": "laboratory",
            "_lastUpdated": "ge2026-02-28T00:00:00Z",
        },
        "filter": "category=laboratory",
        "since": "2026-02-28T00:00:00Z",
        "reason": "declared by the server; split, because this vendor wants a category",
    }
    assert first["searches"][3]["parameters"]["_revinclude"] == ["Provenance:target", "x:y"]
    assert first["refused"][0] == {"type": "Claim", "reason": "the sign-in does not allow it"}


@pytest.mark.parametrize(("planned", "status"), [(PLANNED[:1], 0), (PLANNED[1:], 1), (PLANNED, 3), ((), 0)])
def test_a_dry_run_asks_and_changes_nothing(
    phr: Any, record: Workspace, wished: list[Any], monkeypatch: pytest.MonkeyPatch, planned: Any, status: int
) -> None:
    monkeypatch.setattr(syncing, "dry_run", lambda here, wish: planned)
    answer = phr("sync", "--dry-run", "--json")
    assert (answer.status, wished) == (status, [])
    assert [one["connection"] for one in answer.json["runs"]] == [one.connection for one in planned]
    assert phr("sync", "--dry-run").status == status


# ── the report ────────────────────────────────────────────────────────────────────────────────────


def run(name: str = "clinic", status: str = "completed", *skipped: Problem, **more: Any) -> SyncRun:
    exit_status = more.pop(
        "exit_status", {"completed": 0, "partial": 3, "failed": 1, "cancelled": 130}[status]
    )
    types = more.pop("types", {"Observation": TypeCounts(new=1200, updated=3, unchanged=40, gone=2)})
    documents = more.pop("documents", {})
    return SyncRun(
        "12", name, "manual", status, more.pop("mode", "full"), "2026-03-01T12:00:00Z", "2026-03-01T12:01:12Z",
        72.0, 33, 4096, types, skipped, documents, more.pop("error", None), exit_status, **more,
    )  # fmt: skip


def told(*runs: SyncRun, columns: int | None = 80) -> list[str]:
    found = list(report_lines(SyncReport("completed", runs, 0), plain(columns)))
    assert columns is None or max(map(len, found)) <= columns
    return found


def test_a_good_run_is_two_lines() -> None:
    documents = {"new": 2, "unchanged": 4, "failed": 1, "bytes": 123_456}
    assert told(run(documents=documents)) == [
        "✓ clinic: 1,200 new, 3 updated, 40 unchanged, 2 gone (1 min 12 s)",
        "  Gone is what the source has taken back: phr jobs show 12",
        "  Documents: 7 attachments: 2 new (123.5 kB), 4 here already, 1 not to be had",
    ]
    changed = run(mode="incremental", types={"Goal": TypeCounts(unchanged=49)})
    assert told(changed) == ["✓ clinic: 0 new, 49 unchanged (asked only for what changed; 1 min 12 s)"]
    assert told() == ["Nothing is due."]


def test_new_troubles_come_first_and_what_is_known_is_short() -> None:
    known = [
        Problem(type_, f"the server says something number {n} of this kind of thing", known=True)
        for n in range(8)
        for type_ in ("Claim", "Task")
    ]
    same = [Problem(f"T{n}", "a.example: no (403)", http_status=403, known=True) for n in range(30)]
    new = Problem("Goal", "it did not come", http_status=503)
    lines = told(run("clinic", "partial", *same, *known, new, types={}))
    assert lines[1] == "  Skipped: it did not come: goals (Goal)"
    assert lines[2] == "  Noted:"
    assert lines[3] == "    T0, T1, T2, T3, T4, T5, T6, T7 and 22 more: nothing to do: this provider"
    assert lines[4] == "      does not give it to patients"
    assert lines[5].startswith("    claims (Claim), tasks (Task): the server says something number 0 of")
    assert lines[-2] == "    4 more reasons: phr jobs show 12"
    assert lines[-1] == "  What came is kept. Ask for the rest: phr sync clinic"


def test_not_returned_any_more_is_told_and_is_no_trouble() -> None:
    gone = Problem("Condition", "3 not returned since 2026-02-01; they are kept as they are", known=True)
    refused = Problem("Claim", "not granted at sign-in", known=True)
    assert told(run("clinic", "completed", refused, gone, types={}))[1:] == [
        "  problems (Condition): 3 not returned since 2026-02-01; they are kept as they",
        "    are",
        "  Noted:",
        "    claims (Claim): not granted at sign-in; nothing to do, unless you left it",
        "      out there yourself",
        "    In the words of the server: phr jobs show 12",
    ]


ATTACHMENT = "attachment gone: the server does not have it any more"


@pytest.mark.parametrize(
    ("skipped", "end"),
    [
        ([Problem("DocumentReference", ATTACHMENT, "a", 404, known=True)] * 2,
         "2 not to be had (the server does not have it any more)"),
        ([Problem("DocumentReference", "attachment timeout: no answer in time", "a")] * 2,
         "2 did not come (no answer in time); once more: phr documents fetch --failed"),
    ],
)  # fmt: skip
def test_documents_are_to_be_fetched_again_only_where_some_may_come(skipped: list[Problem], end: str) -> None:
    documents = {"new": 1, "unchanged": 3, "failed": 2, "bytes": 10}
    lines = told(run("clinic", "completed", *skipped, types={}, documents=documents), columns=200)
    assert lines[1:] == [f"  Documents: 6 attachments: 1 new (10 B), 3 here already, {end}"]


@pytest.mark.parametrize(
    ("type_", "reason", "status", "one", "words"),
    [
        ("Claim", "a.example: no (403)", None, False,
         ("claims (Claim)", "nothing to do: this provider does not give it to patients")),
        ("Claim", "a.example: not here", 404, False,
         ("claims (Claim)", "nothing to do: this provider does not offer it")),
        ("Basic", "known to be refused, not asked again until 2026-11-28: a.example: no (400)", None, False,
         ("other records (Basic)", "nothing to do: this provider does not let it be asked for in this way;"
          " asked again after 2026-11-28")),
        ("Observation", "category=x-1: a.example: Invalid category (400)", 400, False,
         ("results and vital signs (Observation), category=x-1",
          "nothing to do: this provider does not let it be asked for in this way")),
        ("Practitioner", "a.example: it is not offered there (404)", 404, True,
         ("some doctors and nurses (Practitioner) that records point at",
          "nothing to do: this provider does not offer it")),
        ("Odd", "a.example did not answer", 503, False, ("Odd", "a.example did not answer")),
    ],
)  # fmt: skip
def test_a_refusal_says_what_it_is_about_and_whether_anything_is_to_be_done(
    type_: str, reason: str, status: int | None, one: bool, words: tuple[str, str]
) -> None:
    assert plain_words(type_, reason, status, one=one) == words


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (run(status="failed", types={}, error="the server does not answer"),
         ["✗ clinic: the server does not answer", "  What is here stays. Try again later: phr sync clinic"]),
        (run(status="failed", types={}, mode="bulk", error="a.example: This export is not offered here (404)."),
         ["✗ clinic: a.example: This export is not offered here (404).",
          "  What is here stays. Ask without --bulk: phr sync clinic"]),
        (run(status="failed", types={}, mode="bulk", error="a.example did not answer."),
         ["✗ clinic: a.example did not answer.", "  What is here stays. Try again later: phr sync clinic"]),
        (run(status="failed", types={}, error="clinic asks for a new sign-in.", exit_status=4),
         ["✗ clinic: clinic asks for a new sign-in.", "  Sign in again: phr reconnect clinic"]),
        (run(status="partial", types={}, error="it was stopped after the time it was given"),
         ["! clinic: 0 new (1 min 12 s)", "  it was stopped after the time it was given",
          "  What came is kept. Ask for the rest: phr sync clinic"]),
        (run(status="cancelled", types={}, error="it was cancelled"),
         ["! clinic: 0 new (1 min 12 s)", "  it was cancelled", "  What came is kept. Go on: phr sync clinic"]),
    ],
)  # fmt: skip
def test_what_went_wrong_ends_with_the_next_step(one: SyncRun, words: list[str]) -> None:
    assert told(one) == words


def test_several_connections_are_summed_up() -> None:
    lines = told(run(), run("lab", "partial"), run("home", "failed", types={}, error="no answer"))
    assert lines[-2:] == [
        "3 connections (1 done, 1 partly done, 1 failed): 2,400 new, 6 updated, 80",
        "  unchanged, 4 gone",
    ]


def test_the_document_of_a_run_has_every_key_of_the_contract(
    phr: Any, record: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = SyncReport(
        "partial", (run("clinic", "partial", Problem("Goal", "no", "g1", 503, raw=b"secret")),), 3
    )
    monkeypatch.setattr(Workspace, "sync", lambda here, wish: report)
    answer = phr("sync", "--json")
    assert answer.status == 3
    found = answer.json
    assert found["status"] == "partial"
    (one,) = found["runs"]
    names = (
        "job_id connection trigger status mode started finished seconds requests bytes types skipped documents error"
        " failed_requests mean_response_ms priority attempts retry_of"
    )
    assert set(names.split()) <= set(one)
    assert one["types"]["Observation"] == {"new": 1200, "updated": 3, "unchanged": 40, "gone": 2, "failed": 0}
    assert one["skipped"] == [
        {"type": "Goal", "id": "g1", "reason": "no", "http_status": 503, "known": False}
    ]
    assert one["documents"] == {"new": 0, "unchanged": 0, "failed": 0, "bytes": 0}
    assert "secret" not in answer.out
    assert "! clinic" in answer.err


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.04, "0.0 s"), (59.9, "59.9 s"), (59.96, "1 min 00 s"), (72, "1 min 12 s"), (3661, "1 h 01 min")],
)
def test_times_are_said_as_people_say_them(seconds: float, words: str) -> None:
    assert span(seconds) == words


@pytest.mark.parametrize(
    ("words", "term", "moves"),
    [((), "xterm-256color", True), (("--quiet",), "xterm-256color", False), (("--json",), "xterm-256color", False),
     ((), "dumb", False)],
)  # fmt: skip
def test_something_moves_only_where_somebody_looks(
    on_a_terminal: Any,
    record: Workspace,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    term: str,
    moves: bool,
) -> None:
    """The clinic of the record has no sign-in, so the run is over at once. A display hides the cursor first."""
    monkeypatch.setenv("NO_COLOR", "1")
    status, seen = on_a_terminal("sync", *words, term=term)
    assert status == 4
    assert ("\x1b[?25l" in seen) is moves
    assert "\x1b[3" not in seen, "no colour"
    assert "phr reconnect clinic" in seen


# ── quiet hours, --due, and somebody else at work ─────────────────────────────────────────────────


@pytest.fixture
def quiet_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Quiet hours that began more than half an hour ago and last for more than an hour."""
    monkeypatch.setattr(logging.getLogger("phr"), "handlers", [])  # of another test, with its closed stream
    now = datetime.now().astimezone()
    monkeypatch.setenv("PHR_SYNC_QUIET_HOURS", f"{(now.hour - 1) % 24:02}:30-{(now.hour + 2) % 24:02}:15")


@pytest.mark.parametrize("more", [(), ("--dry-run",), ("clinic",)])
def test_in_quiet_hours_it_says_until_when_and_for_how_many(
    phr: Any, record: Workspace, quiet_now: None, more: tuple[str, ...]
) -> None:
    end = f"{(datetime.now().astimezone().hour + 2) % 24:02}:15"
    answer = phr("sync", "--due", *more)
    assert (answer.status, answer.out) == (0, f"Quiet hours until {end}; 1 is due then.\n")
    found = phr("sync", "--due", *more, "--json").json
    assert (found["runs"], found["due_then"]) == ([], 1)
    assert datetime.fromisoformat(found["quiet_until"]).astimezone().strftime("%H:%M") == end
    quiet = phr("sync", "--due", "--quiet")
    assert (quiet.status, quiet.out, quiet.err) == (0, "", "")


def test_in_quiet_hours_a_record_that_does_not_open_costs_only_the_number(
    phr: Any, record: Workspace, quiet_now: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PHR_KEY_FILE", "/nowhere/key")
    assert phr("sync", "--due").out.count("; ") == 0
    assert phr("sync", "--due", "--json").json["due_then"] is None


def test_due_holds_for_named_connections_too(phr: Any, record: Workspace) -> None:
    with record.store() as store:
        one = store.connections.get("clinic")
        store.connections.save(replace(one, last_sync=store.now()))
    assert phr("sync", "--due", "clinic").out == "Nothing is due.\n"
    assert phr("sync", "--due", "clinic", "--dry-run").out == "Nothing is due.\n"


def test_the_hourly_run_that_meets_a_long_one_writes_nothing(phr: Any, record: Workspace) -> None:
    with record.lock():
        answer = phr("sync", "--due", "--quiet")
        assert (answer.status, answer.out, answer.err) == (5, "", "")
        assert phr("sync", "--due", "--quiet", "--json").json["error"]["status"] == 5
        assert "Another phr" in phr("sync", "--due").err
        assert "Another phr" in phr("sync", "--quiet").err


def test_an_option_without_its_value_names_the_help_of_its_command(phr: Any) -> None:
    assert "See phr sync --help" in phr("sync", "--bulk").err
    assert "30d" in phr("stats", "--since", "foo").err


# ── what can be pasted ────────────────────────────────────────────────────────────────────────────

ODD = "St Mary's & Co #1 (the new one, in the north)"


@pytest.mark.parametrize("columns", [60, 80, 120, None])
def test_every_command_that_is_printed_can_be_pasted(
    phr: Any, record: Workspace, monkeypatch: pytest.MonkeyPatch, columns: int | None
) -> None:
    if columns:
        monkeypatch.setenv("TERMINAL_WIDTH", str(columns))
    phr("connections", "rename", "clinic", ODD)
    with record.store() as store:
        one = store.connections.get(ODD)
        store.connections.save(replace(one, state="expired"))
    said = [phr("sync"), phr("status"), phr("connections"), phr("connections", "set", ODD)]
    said += [phr("disconnect", "--all", ODD)]
    commands = [
        line[line.index("phr ") :]
        for answer in said
        for line in (answer.out + answer.err).splitlines()
        if "phr " in line and "Mary" in line
    ]
    assert len(commands) >= 5
    for command in commands:
        assert ODD in shlex.split(command), command
