"""One export from kick-off to the last line, against a server written from HL7 Bulk Data Access 2.0."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator

import orjson
import pytest

from phr.errors import NotAuthorized, Refused, Unreachable, UsageError
from phr.model import Change
from phr.store.store import Store

from .bulk_server import TIME, outcome, resource
from .bulk_world import TOKEN, World, a_world, small


@pytest.fixture
def world(store: Store, source: str) -> Iterator[World]:
    with a_world(store, source) as found:
        yield found


# ── the whole way ───────────────────────────────────────────────────────────────────────────────────


def test_an_export_is_kicked_off_fetched_and_let_go(world: World) -> None:
    small(world.server)
    done = world.pull()

    assert world.kept == {"Patient/me", *(f"Observation/o{n}" for n in range(5))}
    assert (done.complete, done.transaction_time, done.files, done.left_out) == (True, TIME, 2, 0)
    assert done.bytes == sum(len(body) for _, _, body in world.server.files.values())
    first = world.server.asked[0]
    assert first.path == "/r4/Patient/$export"
    assert first.query == {"_outputFormat": ["application/fhir+ndjson"]}
    assert first.headers["accept"] == "application/fhir+json"
    assert first.headers["prefer"] == "respond-async"
    assert world.server.paths("DELETE") == ["/bulkstatus/1"]
    assert world.tally.changes == Counter({("Patient", Change.NEW): 1, ("Observation", Change.NEW): 5})
    assert world.tally.status == "completed"
    assert world.state == ["completed"]


def test_what_comes_is_kept_byte_for_byte(world: World) -> None:
    line = b'{"resourceType":"Observation", "id":"o", "subject":{"reference":"Patient/me"},"valueQuantity":{"value":1.20}}'
    world.server.files["o"] = ("output", "Observation", line + b"\r\n")
    world.pull()
    assert world.store.raw("Observation", "o")[0][1] == line


@pytest.mark.parametrize(
    ("level", "path"),
    [("patient", "/r4/Patient/$export"), ("system", "/r4/$export"), ("group:a/b", "/r4/Group/a%2Fb/$export")],
)
def test_each_level_has_its_address(world: World, level: str, path: str) -> None:
    small(world.server)
    world.pull(level)
    assert world.server.asked[0].path == path


def test_a_level_that_there_is_none_of_is_refused_before_anything_is_asked(world: World) -> None:
    with pytest.raises(UsageError, match="no export of the kind galaxy"):
        world.pull("galaxy")
    assert not world.server.asked


def test_types_filters_and_since_are_asked_for_in_one_parameter_each(world: World) -> None:
    small(world.server)
    world.pull(
        since="2026-01-01T00:00:00+01:00",
        types=("Observation", "Patient"),
        filters=("Observation?category=laboratory",),
    )
    assert world.server.asked[0].query == {
        "_outputFormat": ["application/fhir+ndjson"],
        "_since": ["2026-01-01T00:00:00+01:00"],
        "_type": ["Observation,Patient"],
        "_typeFilter": ["Observation?category=laboratory"],
    }


def test_a_server_that_refuses_get_is_asked_by_post(world: World) -> None:
    small(world.server)
    world.server.post_only = True
    assert world.pull(types=("Patient", "Observation"), since="2026-01-01T00:00:00Z").complete
    post = next(one for one in world.server.asked if one.method == "POST")
    assert post.query == {}
    assert orjson.loads(post.body) == {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "_outputFormat", "valueString": "application/fhir+ndjson"},
            {"name": "_since", "valueInstant": "2026-01-01T00:00:00Z"},
            {"name": "_type", "valueString": "Patient,Observation"},
        ],
    }


@pytest.mark.parametrize("name", ["_typeFilter", "_since", "_type", "_outputFormat"])
def test_a_parameter_that_is_refused_by_name_is_left_out_once(world: World, name: str) -> None:
    small(world.server)
    refusal = (400, {}, outcome(f"Unknown parameter {name}."))
    wish = {"since": "2026-01-01T00:00:00Z", "types": ("Patient", "Observation"), "filters": ("Patient?x=1",)}
    world.server.kick_off = [refusal]
    world.pull(**wish)
    assert [name in one.query for one in world.server.asked[:2]] == [True, False]
    assert f"the server does not take {name}; it was asked without" in world.words

    world.server.kick_off = [refusal, refusal]
    with pytest.raises(Refused, match="Unknown parameter"):
        world.pull(**wish)


def test_types_that_were_not_asked_for_are_not_kept_where_the_server_takes_no_type(world: World) -> None:
    small(world.server)
    world.server.kick_off = [(400, {}, outcome("_type is not supported"))]
    world.pull(types=("Patient",))
    assert world.kept == {"Patient/me"}


def test_a_refusal_is_told_in_the_words_of_the_server(world: World) -> None:
    world.server.kick_off = [(403, {}, outcome("Exports are for system accounts."))]
    with pytest.raises(
        Refused, match=r"Exports are for system accounts\. \(403\)|Exports are for system accounts"
    ):
        world.pull()
    assert world.state == []


def test_a_kick_off_waits_as_long_as_the_server_says(world: World) -> None:
    small(world.server)
    world.server.kick_off = [(429, {"Retry-After": "900"}, b""), (503, {"Retry-After": "120"}, b"")]
    assert world.pull().complete
    assert sum(world.waited) == 900 + 120


def test_a_kick_off_that_is_put_off_for_ever_ends(world: World) -> None:
    world.server.kick_off = [(503, {"Retry-After": "1800"}, outcome("busy night"))] * 10
    with pytest.raises(Unreachable, match="busy night"):
        world.pull()
    assert sum(world.waited) <= 3600


@pytest.mark.parametrize("status", [400, 403, 409, 429])
def test_one_export_at_a_time_is_a_clear_sentence(world: World, status: int) -> None:
    reply = (status, {}, outcome("An export request is already in progress for this client."))
    world.server.kick_off = [reply] * 20
    with pytest.raises(Refused, match="one export at a time, and another one is under way") as caught:
        world.pull()
    assert caught.value.http_status == status
    assert "phr jobs cancel" in (caught.value.hint or "")


@pytest.mark.parametrize("location", ["", "/", "http://127.0.0.1:1", "https://elsewhere.example.org"])
def test_the_status_address_is_followed_only_at_home(world: World, location: str) -> None:
    small(world.server)
    world.server.location = location.rstrip("/") if location != "/" else ""
    if location == "/":
        world.server.kick_off = [(202, {"Content-Location": "/bulkstatus/9"}, b"")]
        world.server.known.add("/bulkstatus/9")
    if location.startswith("http"):
        with pytest.raises(Refused, match="another server, where the sign-in does not belong"):
            world.pull()
        assert len(world.server.asked) == 1
    else:
        assert world.pull().complete


def test_a_server_that_does_not_say_where_to_ask_is_named(world: World) -> None:
    world.server.kick_off = [(202, {}, b"")]
    with pytest.raises(Refused, match="does not say where to ask for it"):
        world.pull()


# ── waiting ─────────────────────────────────────────────────────────────────────────────────────────


def test_polling_grows_from_a_second_to_a_minute_without_a_word_from_the_server(world: World) -> None:
    small(world.server)
    world.server.status = [(202, {}, b"")] * 9
    times: list[float] = []
    world.on_sleep = lambda: times.append(world.now)
    start = world.now
    world.pull()
    asked = [n for n, one in enumerate(world.server.paths()) if one.startswith("/bulkstatus")]
    assert len(asked) == 10
    assert world.now - start == 1 + 2 + 4 + 8 + 16 + 32 + 60 + 60 + 60


def test_polling_waits_as_long_as_the_server_says(world: World) -> None:
    small(world.server)
    date = "Mon, 21 Sep 2026 14:15:00 GMT"
    headers = {"Retry-After": "Mon, 21 Sep 2026 14:17:00 GMT", "Date": date}
    world.server.status = [
        (202, {"Retry-After": "7"}, b""),
        (202, headers, b""),
        (429, {"Retry-After": "30"}, b""),
    ]
    start = world.now
    world.pull()
    assert world.now - start == pytest.approx(7 + 120 + 30, abs=3)


def test_progress_is_handed_on(world: World) -> None:
    small(world.server)
    world.server.status = [
        (202, {"X-Progress": words}, b"") for words in ("queued", "40% done", "3 of 4 files")
    ]
    world.pull()
    told = [(one.type, one.share) for one in world.seen if one.type.startswith("export: ")]
    assert told == [("export: queued", None), ("export: 40% done", 0.4), ("export: 3 of 4 files", 0.75)]
    assert {one.phase for one in world.seen} == {"bulk"}
    assert world.seen[-1].done


def test_an_hour_without_movement_is_said_once_an_hour_and_the_waiting_goes_on(world: World) -> None:
    small(world.server)
    world.server.status = [(202, {"Retry-After": "600", "X-Progress": "10%"}, b"")] * 14
    assert world.pull().complete
    said = [one.type for one in world.seen if "nothing has moved" in one.type]
    assert said == ["export: nothing has moved for 1 hour", "export: nothing has moved for 2 hours"]
    assert "nothing has moved for 1 hour while the server prepared it" in world.words
    assert world.tally.status == "completed"


def test_patience_ends_and_the_next_run_asks_at_the_same_address(world: World) -> None:
    small(world.server)
    world.server.status = [(202, {"Retry-After": "3600"}, b"")] * 30
    with pytest.raises(Unreachable, match="not ready after 24 hours"):
        world.pull()
    assert world.state == ["preparing"]
    world.server.status = []
    assert world.pull().complete
    assert world.server.exports == 1


@pytest.mark.parametrize(
    "reply",
    [
        (500, {}, b"oops"),
        (503, {"Retry-After": "5"}, b""),
        (504, {}, outcome("timed out", "transient")),
        (200, {"Content-Type": "text/html"}, b"<html><body>Maintenance</body></html>"),
    ],
)
def test_passing_troubles_of_the_status_address_are_waited_through(
    world: World, reply: tuple[int, dict[str, str], bytes]
) -> None:
    small(world.server)
    world.server.status = [reply] * 5
    assert world.pull().complete


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"<!doctype html><p>Please sign in</p>", "a web page instead of the list of files"),
        (b'{"transactionTime":"2026-01-01T00:00:00Z"}', "a list without its files"),
        (b"[1]", "something else"),
        (b'{"resourceType":"Bundle"}', "something else"),
    ],
)
def test_something_else_than_a_list_is_named_and_can_be_gone_on_from(
    world: World, body: bytes, words: str
) -> None:
    small(world.server)
    world.server.status = [(200, {}, body)] * 8
    with pytest.raises(Unreachable, match=words):
        world.pull()
    assert world.state == ["preparing"]
    assert world.pull().complete


def test_an_export_that_failed_at_the_server_is_told_in_its_words(world: World) -> None:
    world.server.status = [(500, {}, outcome("The disk is full.", "exception"))] * 3
    with pytest.raises(Refused, match="The disk is full"):
        world.pull()
    assert world.state == ["failed"]


def test_an_export_that_is_refused_while_it_is_prepared_ends(world: World) -> None:
    world.server.status = [(403, {}, outcome("This account was closed."))]
    with pytest.raises(Refused, match="This account was closed"):
        world.pull()
    assert world.state == ["failed"]


def test_a_rejected_sign_in_is_passed_on_and_the_export_kept(world: World) -> None:
    world.server.status = [(401, {"WWW-Authenticate": "Bearer"}, b"")]
    with pytest.raises(NotAuthorized):
        world.pull()
    assert world.state == ["preparing"]


def test_no_secret_and_no_content_is_logged(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    small(world.server)
    world.server.add("Patient", resource("Patient", "stranger-77"))
    world.pull()
    for word in (TOKEN, "stranger-77", "sig="):
        assert word not in caplog.text
        assert word not in "".join(world.words)
