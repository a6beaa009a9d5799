"""Two processes at one sign-in, and one that is killed: a refresh token that counts once is never lost.

Real processes, real HTTP; the sandbox turns each refresh token into a new one and ends the sign-in when an old one
comes again, so every slip shows. Requests are held before the server where two things have to happen at once.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from phr.sandbox.server import Sandbox
from phr.workspace.tokens import kept_token

from .conftest import Asked, Desk, ward_of_everything

Hospital = Callable[..., Sandbox]


def renewal(one: Asked) -> bool:
    return one.method == "POST" and one.form.get("grant_type", "").endswith(("refresh_token", "jwt-bearer"))


def record(one: Asked) -> bool:
    return one.method == "GET" and one.shown == "bearer"


@pytest.fixture
def connected(person: Any, hospital: Hospital, desk: Desk) -> Sandbox:
    """Signed in and brought up to date; the access token has just ended."""
    sandbox = hospital(resources=ward_of_everything())
    person.connect(sandbox, name="clinic")
    assert person.sync().exit_status == 0
    sandbox.authorization.expire_all()
    desk.forget()
    return sandbox


def all_is_well(person: Any, desk: Desk, sandbox: Sandbox) -> None:
    """The sign-in is good, and what is kept is what the server honours: also for the renewal after this one."""
    # Doctor looks at the sign-in page only: what the pretend hospital agrees to there is never fetched.
    assert [one.renewals > 0 for one in sandbox.authorization.living() if one.refresh] == [True]
    for _ in range(2):
        desk.forget()
        report = person.sync()
        assert report.exit_status == 0
        assert sum(one.new + one.updated for one in report.runs[0].types.values()) == 0
        sandbox.authorization.expire_all()
    assert [one.status for one in desk.tokens("refresh_token")] == [200]


def ended(*children: Any) -> list[int]:
    """Exit statuses, once all are done."""
    for child in children:
        _, child.error = child.communicate(timeout=60)
    return [child.returncode for child in children]


def test_two_syncs_with_an_ended_token_refresh_once(
    connected: Sandbox, person: Any, desk: Desk, begin: Any
) -> None:
    gate = desk.hold(renewal)
    first = begin("sync")
    gate.wait()
    second = begin("sync")
    assert ended(second) == [5], "the first is at work: nothing is done twice"
    gate.open()
    assert ended(first) == [0], first.error
    assert [one.status for one in desk.tokens()] == [200]
    all_is_well(person, desk, connected)


def test_two_syncs_started_together_lose_nothing_whoever_is_first(
    connected: Sandbox, person: Any, desk: Desk, begin: Any
) -> None:
    found = ended(begin("sync", "--quiet"), begin("sync", "--quiet"))
    assert set(found) <= {0, 5} and 0 in found
    assert [one.status for one in desk.tokens()] == [200]
    all_is_well(person, desk, connected)


@pytest.mark.parametrize("first", ["sync", "doctor"])
def test_a_sync_beside_a_doctor_refreshes_once(
    first: str, connected: Sandbox, person: Any, desk: Desk, begin: Any
) -> None:
    """Doctor takes no lock of the record, so only the lock of the sign-in keeps the two apart."""
    ways = {"sync": ("sync",), "doctor": ("doctor", "--network", "clinic")}
    other = "doctor" if first == "sync" else "sync"
    gate = desk.hold(renewal)
    one = begin(*ways[first])
    gate.wait()
    before = len(desk.seen)
    two = begin(*ways[other])
    # The second has to be at the server with the ended token, and be told so, before the first gets its answer.
    until = time.monotonic() + 15
    while not [seen for seen in desk.seen[before:] if seen.status == 401] and time.monotonic() < until:
        time.sleep(0.02)
    assert [seen for seen in desk.seen[before:] if seen.status == 401], "it has met the end of the token"
    assert len(desk.tokens()) == 1, "and waits for the one that renews"
    gate.open()
    assert ended(one, two) == [0, 0], (one.error, two.error)
    assert [seen.status for seen in desk.tokens()] == [200]
    all_is_well(person, desk, connected)


def test_killed_between_the_token_answer_and_the_next_call(
    connected: Sandbox, person: Any, desk: Desk, begin: Any
) -> None:
    before = kept(person)
    answered = desk.hold(lambda one: record(one) and bool(desk.tokens()))
    child = begin("sync")
    answered.wait()
    child.send_signal(signal.SIGKILL)
    assert ended(child) == [-signal.SIGKILL]
    answered.open()
    (renewed,) = desk.tokens()
    after = kept(person)
    assert after.refresh_token == renewed.answer["refresh_token"] != before.refresh_token
    assert after.access_token == renewed.answer["access_token"]
    all_is_well(person, desk, connected)


def test_killed_while_it_waits_for_the_token_endpoint(
    connected: Sandbox, person: Any, desk: Desk, begin: Any
) -> None:
    """Nothing has been used up yet; the lock of the dead process keeps nobody out."""
    before = kept(person)
    connected.trouble_tokens("503")  # the request of the dead process is not carried out
    gate = desk.hold(renewal)
    child = begin("sync")
    gate.wait()
    child.send_signal(signal.SIGKILL)
    assert ended(child) == [-signal.SIGKILL]
    gate.open()
    assert kept(person) == before
    until = time.monotonic() + 5
    while not desk.tokens()[0].status and time.monotonic() < until:
        time.sleep(0.01)
    assert person.sync().exit_status == 0
    all_is_well(person, desk, connected)


def kept(person: Any) -> Any:
    with person.workspace.store() as store:
        return kept_token(person.workspace, store.connections.get("clinic"))


# ── the honest limit: an answer that never arrives ────────────────────────────────────────────────


def test_a_lost_answer_of_a_server_that_turns_tokens_over_asks_for_a_sign_in(
    connected: Sandbox, person: Any, desk: Desk, phr: Any, phr_signs_in: Any
) -> None:
    """The server has used the old token up and nobody got the new one: no client can outlive that.

    It must be told as what it is, at once and with the way out; and that mends it.
    """
    connected.trouble_tokens("lost")
    said = phr("sync")
    assert said.status == 4
    assert "phr reconnect clinic" in said.out
    assert [one.status for one in desk.tokens()] == [0, 400], "asked once more, and then no more"
    assert phr_signs_in("reconnect", "clinic", "--port", "0").status == 0
    assert person.sync().exit_status == 0


@pytest.mark.parametrize(
    ("vendor", "pause"),
    [pytest.param("oracle", 0, id="one-refresh-token-for-good"), pytest.param("epic", 0, id="by-assertion")],
)
def test_a_lost_answer_costs_nothing_where_nothing_is_used_up(
    vendor: str, pause: int, person: Any, hospital: Hospital, desk: Desk, port: int
) -> None:
    sandbox = hospital(
        vendor=vendor,
        resources=ward_of_everything(),
        redirect_uris=(f"http://127.0.0.1:{port}/callback",),
        change={"refresh_pause": pause},
    )
    person.connect(sandbox, provider=vendor, name="clinic", port=port)
    sandbox.authorization.expire_all()
    sandbox.trouble_tokens("lost")
    desk.forget()
    assert person.sync().exit_status == 0
    assert [one.status for one in desk.tokens()] == [0, 200]
