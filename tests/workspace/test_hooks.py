"""What is told after a sync, to whom it is not told again, and that nothing clinical goes out unasked."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from phr.cli.sync_report import run_document
from phr.model import Connection, Problem, Received, SyncRun, TypeCounts
from phr.sandbox.config import SandboxConfig
from phr.sandbox.server import Sandbox
from phr.workspace import Workspace, hooks
from phr.workspace.hooks.events import Event
from phr.workspace.hooks.payload import payload, plain
from phr.workspace.sync import SyncReport

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
CLINIC = Connection("k1", "clinic", "custom", "custom", "Clinic", "http://127.0.0.1:9/r4", "app", auth="none")
WRITER = "import os,sys;open(sys.argv[1],'ab').write(sys.stdin.buffer.read()+b'\\n')"


@pytest.fixture
def told(tmp_path: Path) -> Callable[[], list[dict[str, Any]]]:
    """The reports that the hooks of this test have got so far."""

    def read() -> list[dict[str, Any]]:
        file = tmp_path / "told"
        return [orjson.loads(line) for line in file.read_bytes().splitlines()] if file.exists() else []

    return read


@pytest.fixture
def here(tmp_path: Path) -> Callable[..., Workspace]:
    """A person whose hooks write what they get into a file: `here("failed")`."""
    key = tmp_path / "key"
    key.write_bytes(bytes(range(32)))
    key.chmod(0o600)
    (tmp_path / "writer.py").write_text(WRITER)

    def make(*events: str, more: str = "") -> Workspace:
        config = tmp_path / "home" / "config" / "config.toml"
        config.parent.mkdir(parents=True, exist_ok=True)
        command = json.dumps(f"{sys.executable} {tmp_path / 'writer.py'} {tmp_path / 'told'}")
        config.write_text("".join(f"[hooks.{one}]\ncommand = {command}\n{more}\n" for one in events))
        environ = {"PHR_HOME": str(tmp_path / "home"), "PHR_KEY_FILE": str(key), "PATH": os.environ["PATH"]}
        made = Workspace({**environ, "PHR_SYNC_RETRY_DELAY": "0"})
        if not made.paths.records("default").exists():
            with made.store(create=True) as store:
                store.connections.save(CLINIC)
        return made

    return make


def run(status: str = "completed", **more: Any) -> SyncRun:
    made = SyncRun(
        job_id="1",
        connection="clinic",
        trigger="schedule",
        status=status,
        mode="full",
        started="2026-03-01T11:59:00Z",
        finished="2026-03-01T12:00:00Z",
        seconds=60.0,
        requests=3,
        bytes=100,
        types={},
        skipped=(),
        documents={"new": 0, "unchanged": 0, "failed": 0, "bytes": 0},
        exit_status={"completed": 0, "partial": 3, "failed": 1, "cancelled": 130}[status],
    )
    return replace(made, **more)


def after(here: Workspace, *runs: SyncRun, now: datetime = NOON, soon: Any = ()) -> tuple[str, ...]:
    report = SyncReport(runs[0].status if runs else "completed", runs, 0, soon)
    return hooks.after(here, report, run_document(report), clock=lambda: now, sleep=lambda _: None)


NEWS = {"Observation": TypeCounts(new=2, updated=1), "Goal": TypeCounts(unchanged=5, gone=1)}


# ── which event it is ─────────────────────────────────────────────────────────────────────────────


def test_post_sync_is_told_only_when_something_changed(here: Any, told: Any) -> None:
    one = here("post_sync")
    assert after(one, run(types={"Goal": TypeCounts(unchanged=5)})) == ()
    assert told() == []
    assert after(one, run(types=NEWS)) == ()
    (report,) = told()
    assert (report["schema"], report["event"], report["status"]) == (1, "post_sync", "completed")
    assert report["summary"] == "phr: 2 new, 1 updated, 1 gone"
    assert report["runs"][0]["types"]["Observation"] == asdict(NEWS["Observation"])
    after(one, run(documents={"new": 3, "unchanged": 0, "failed": 0, "bytes": 9}))
    assert told()[-1]["summary"] == "phr: 3 documents"


def test_without_hooks_nothing_is_opened(tmp_path: Path) -> None:
    assert after(Workspace({"PHR_HOME": str(tmp_path)}), run("failed", error="x")) == ()
    assert list(tmp_path.iterdir()) == []


def test_a_failure_is_told_at_once_then_once_a_week_and_anew_after_it_was_mended(
    here: Any, told: Any
) -> None:
    one = here("failed")
    broken = run("failed", error="clinic.example cannot be reached.")
    for night in range(10):
        assert after(one, broken, now=NOON + timedelta(days=night, minutes=night % 3)) == ()
    assert [report["time"][:10] for report in told()] == ["2026-03-01", "2026-03-08"]
    after(one, run(), now=NOON + timedelta(days=10))
    after(one, broken, now=NOON + timedelta(days=11))
    assert len(told()) == 3 and told()[-1]["summary"] == "phr: 1 connection failed"


def test_a_new_reason_is_told_although_another_is_known(here: Any, told: Any) -> None:
    one = here("failed")
    goal = Problem("Goal", "clinic.example: request 4711 failed (500).", http_status=500)
    after(one, run("partial", skipped=(goal,)))
    after(one, run("partial", skipped=(replace(goal, reason="clinic.example: request 4712 failed (500)."),)))
    assert len(told()) == 1
    after(one, run("partial", skipped=(goal, Problem("Claim", "x", http_status=500))))
    assert len(told()) == 2 and told()[-1]["summary"] == "phr: 1 connection only partly done"
    after(one, run("partial", skipped=(goal, Problem("Coverage", "x", http_status=403, known=True))))
    after(one, run("cancelled"))
    assert len(told()) == 2


def test_numbers_in_the_words_of_a_failure_do_not_make_it_news(here: Any, told: Any) -> None:
    one = here("failed")
    after(one, run("failed", error="trouble no 1234-ab at 11:59"))
    after(one, run("failed", error="trouble no 9876-cd at 12:01"))
    assert len(told()) == 1


def test_a_failure_that_nobody_could_be_told_is_told_the_next_time(
    here: Any, told: Any, tmp_path: Path
) -> None:
    one = here("failed")
    (tmp_path / "writer.py").rename(tmp_path / "gone.py")
    (sentence,) = after(one, run("failed", error="x"))
    assert sentence == "The hook failed (command): the command failed with status 2."
    (tmp_path / "gone.py").rename(tmp_path / "writer.py")
    assert after(one, run("failed", error="x")) == () and len(told()) == 1


def test_a_sign_in_is_asked_for_once_a_day_at_most(here: Any, told: Any) -> None:
    one = here("sign_in_soon")
    asks = run("failed", exit_status=4, error="clinic asks for a new sign-in.")
    for hours in (0, 1, 5, 23, 24, 25, 49):
        after(one, asks, now=NOON.astimezone().replace(hour=0, minute=30) + timedelta(hours=hours))
    assert len(told()) == 3
    assert told()[0]["sign_in"] == [{"connection": "clinic", "before": None}]
    after(one, run(), soon=(("bay", "2026-03-04T08:00:00Z"),))
    assert told()[-1]["sign_in"] == [{"connection": "bay", "before": "2026-03-04T08:00:00Z"}]


# ── results outside their range ───────────────────────────────────────────────────────────────────


def observation(id_: str, value: float, title: str = "Xanthochromia index") -> Received:
    body = {
        "resourceType": "Observation",
        "id": id_,
        "status": "final",
        "code": {"text": title},
        "category": [{"coding": [{"code": "laboratory"}]}],
        "effectiveDateTime": "2026-02-28",
        "valueQuantity": {"value": value, "unit": "mg/dL"},
        "referenceRange": [{"high": {"value": 5, "unit": "mg/dL"}}],
    }
    return Received("Observation", id_, orjson.dumps(body))


def synced(here: Workspace, *received: Received, status: str = "completed", **more: Any) -> tuple[str, ...]:
    """A run that brings these, written down as the engine does."""
    with here.store() as store:
        job = store.runs.start(CLINIC.key, "manual", "full")
        started = store.now()
        store.save(CLINIC.key, received)
        counts = {"Observation": TypeCounts(new=len(received))}
        done = run(status, job_id=str(job), started=started, finished=store.now(), types=counts, **more)
        store.runs.finish(done)
        store.db.execute("UPDATE resource SET first_seen = '2020-01-01T00:00:00Z' WHERE fhir_id LIKE 'old%'")
    return after(here, done)


def test_abnormal_results_are_told_when_they_are_new_but_not_of_the_first_sync(here: Any, told: Any) -> None:
    one = here("new_abnormal")
    synced(one, observation("old1", 9))
    synced(one, observation("old2", 9), status="cancelled")
    assert told() == []
    synced(one, observation("fine", 4))
    assert told() == []
    synced(one, observation("a", 77.125), observation("b", 8), observation("ok", 1))
    (report,) = told()
    assert report["new_abnormal"] == {"total": 2, "by_kind": {"lab_result": 2}}
    assert report["summary"] == "phr: 2 new results are marked as abnormal"
    assert not re.search(r"Xantho|77\.125|mg/dL|2026-02-28", json.dumps(report))


def test_a_first_sync_that_was_stopped_goes_on_being_the_first(here: Any, told: Any) -> None:
    one = here("new_abnormal")
    late = "it was stopped after the time it was given; the next sync goes on from there"
    synced(one, observation("old1", 9), status="partial", error=late)
    synced(one, observation("a", 9))
    assert told() == []


def test_with_include_values_titles_values_and_dates_go_along(here: Any, told: Any) -> None:
    one = here("new_abnormal", more="include_values = true")
    synced(one)
    synced(one, observation("a", 77.125))
    (result,) = told()[0]["new_abnormal"]["results"]
    assert (result["title"], result["value"], result["unit"], result["date"]) == (
        "Xanthochromia index",
        "77.125",
        "mg/dL",
        "2026-02-28",
    )
    assert (result["kind"], result["connection"]) == ("lab_result", "clinic")


# ── nothing clinical ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ("clinic.example: Patient Quill is not yours (404).", None, "it is not offered there (404)"),
        ("Quill has leprosy", 500, "an error inside the server (500)"),
        ("Quill has leprosy", 599, "the server said no (599)"),
        ("Quill has leprosy", None, None),
        ("clinic.example cannot be reached.", None, "clinic.example cannot be reached."),
        ("The connection to [::1]:80 broke off.", None, "The connection to [::1]:80 broke off."),
        ("Quill cannot be reached. She has leprosy.", None, None),
        (None, None, None),
    ],
)
def test_of_a_failure_nothing_goes_out_that_a_server_wrote(
    words: str | None, status: int | None, said: str | None
) -> None:
    assert plain(words, status) == said


def test_ids_and_reasons_of_what_was_skipped_stay_here(here: Any, told: Any) -> None:
    one = here("failed")
    problem = Problem("Goal", "clinic.example: about Quill", "goal-4711", 404)
    after(one, run("partial", skipped=(problem, problem), error="Quill has leprosy"))
    (report,) = told()
    assert report["runs"][0]["skipped"] == [
        {
            "type": "Goal",
            "reason": "it is not offered there (404)",
            "http_status": 404,
            "known": False,
            "count": 2,
        }
    ]
    assert "Quill" not in json.dumps(report) and report["runs"][0]["error"] == "see phr jobs show 1"


def words_of(node: object) -> set[str]:
    """Every text in a record that is a word, a name, a number or an id of it; codes that all of FHIR shares are not."""
    if isinstance(node, dict):
        keys = (
            "text",
            "display",
            "family",
            "given",
            "id",
            "value",
            "birthDate",
            "data",
            "line",
            "title",
            "reference",
        )
        found = {str(node[key]) for key in keys if isinstance(node.get(key), str | float)}
        found |= {str(name) for name in node.get("given", ()) if isinstance(node.get("given"), list)}
        return found.union(*map(words_of, node.values()), set())
    return set().union(*map(words_of, node)) if isinstance(node, list) else set()


def test_a_whole_sync_of_the_sandbox_tells_its_hooks_nothing_clinical_and_no_token(
    person: Any, here: Any, told: Any, tmp_path: Path
) -> None:
    one = here("post_sync", "failed", "sign_in_soon", "new_abnormal")
    person.environ = dict(one.environ)
    with Sandbox(SandboxConfig(auto_approve=True, faults=("broken-resource", "500-once"))) as sandbox:
        person.connect(sandbox, client_id=sandbox.client_id, name="bay")
        for _ in range(2):
            report = person.sync("bay")
            hooks.after(one, report, run_document(report), sleep=lambda _: None)
            with one.store() as store:  # as if all came again, so that there is news of every kind
                store.db.execute("UPDATE resource SET first_seen = '2999-01-01T00:00:00Z'")
        fresh = replace(report.runs[0], types=NEWS, exit_status=4)
        report = replace(report, runs=(fresh,))
        assert hooks.after(one, report, run_document(report), sleep=lambda _: None) == ()
        sandbox.authorization.revoke_all()
    assert {"post_sync", "sign_in_soon", "new_abnormal"} <= {report["event"] for report in told()}
    with one.store() as store:
        raws = [orjson.loads(row[0]) for row in store.db.execute("SELECT raw FROM resource")]
        connection = store.connections.get("bay")
    private = {word for word in words_of(raws) if (len(word) > 3 and not word.isalpha()) or " " in word}
    private = {word for word in private if not re.fullmatch(r"[-0-9.]{1,6}", word)}  # part of any id or time
    private |= {
        name for raw in raws if raw["resourceType"] == "Patient" for name in words_of(raw.get("name", []))
    }
    secrets = one.vault.secrets.get(f"token/{connection.key}") or b""
    private |= {
        word
        for word in re.findall(r'"([A-Za-z0-9_.-]{16,})"', secrets.decode())
        if "." in word or len(word) > 24
    }
    assert len(private) > 100
    # How long it took may by chance be the same number as a result.
    measured = r'"(seconds|mean_response_ms|bytes|requests|started|finished|time)":("[^"]*"|[0-9.e-]+)'
    everything = re.sub(measured, "", (tmp_path / "told").read_text())
    assert '"runs"' in everything and "mean_response_ms" not in everything.replace(
        '"mean_response_ms":null', ""
    )
    assert not {word for word in private if word in everything}


@pytest.mark.parametrize("whole", [False, True])
def test_a_name_of_a_type_that_cannot_be_one_stays_here(whole: bool) -> None:
    odd = ["Anna has HIV\nhttps://evil.example", "x" * 65, "Ob\u017fervation"]
    skipped = [{"type": odd[0], "reason": None, "http_status": None, "known": False}] * 2
    document = {
        "status": "partial",
        "runs": [
            {
                "error": None,
                "job_id": 1,
                "types": {
                    "Observation": {"new": 1, "gone": 0},
                    **{name: {"new": 2, "gone": 1} for name in odd},
                },
                "skipped": skipped,
            }
        ],
    }
    told = payload(document, Event("failed", "phr: x"), user="default", time="t", whole=whole)
    (one,) = told["runs"]
    assert one["types"] == {"Observation": {"new": 1, "gone": 0}, "other": {"new": 6, "gone": 3}}
    assert {each["type"] for each in one["skipped"]} == {"other"}
    assert "HIV" not in json.dumps(told)
