from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from phr.errors import Busy, ReconnectNeeded, SignInError, Unreachable
from phr.fhir.client import FhirClient
from phr.model import Connection, Search, SmartConfiguration, Token, Vendor
from phr.smart.client import JWT_BEARER, Client
from phr.smart.keys import ClientKeys
from phr.smart.session import Session

CONFIGURATION = SmartConfiguration("https://auth.example.org/authorize", "https://auth.example.org/token")
CONNECTION = Connection("key", "home", "epic", "epic", "Home", "https://fhir.example.org/r4", "my-app")
Answer = httpx.Response | Exception | Callable[[dict[str, str]], httpx.Response]


class World:
    """A token endpoint that answers in turn, a clock, and the place where tokens are kept."""

    def __init__(self, *answers: Answer, token: Token | None = None, **more: Any) -> None:
        self.now = 1000.0
        self.posted: list[dict[str, str]] = []
        self.kept: list[Token] = []
        self.slept: list[float] = []
        self._answers = list(answers)
        self.session = Session(
            more.pop("connection", CONNECTION),
            CONFIGURATION,
            token or Token("at-0", 1300.0, "patient/*.rs", refresh_token="rt-0", patient="p1", id_token="i"),
            client=more.pop("client", Client("my-app")),
            keep=more.pop("keep", self.kept.append),
            sleep=self.slept.append,
            transport=httpx.MockTransport(self._handle),
            clock=lambda: self.now,
            **more,
        )

    def _handle(self, request: httpx.Request) -> httpx.Response:
        posted = {k: v[0] for k, v in parse_qs(request.content.decode()).items()}
        self.posted.append(posted)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else answer(posted)


def fresh(number: int = 1, **more: object) -> httpx.Response:
    answer = {"access_token": f"at-{number}", "token_type": "bearer", "expires_in": 300}
    return httpx.Response(200, json=answer | more)


def refusal(error: str, status: int = 400, **more: str) -> httpx.Response:
    return httpx.Response(status, json={"error": error} | more)


def test_a_token_with_time_left_is_used_as_it_is() -> None:
    world = World()
    world.now = 1239.0
    assert world.session.bearer() == "at-0"
    assert world.posted == []


def test_a_token_is_renewed_within_the_last_minute() -> None:
    world = World(fresh())
    world.now = 1240.0
    assert world.session.bearer() == "at-1"
    assert world.posted == [{"grant_type": "refresh_token", "refresh_token": "rt-0", "client_id": "my-app"}]


def test_a_token_of_unknown_life_is_used_until_it_is_rejected() -> None:
    world = World(fresh(), token=Token("at-0", None, None, refresh_token="rt-0"))
    world.now = 1e12
    assert world.session.bearer() == "at-0"
    assert world.session.renew("at-0") == "at-1"


def test_what_the_refresh_answer_leaves_out_is_carried_over() -> None:
    world = World(fresh())
    world.session.renew("at-0")
    kept = world.kept[-1]
    assert (kept.refresh_token, kept.scope, kept.patient, kept.id_token) == (
        "rt-0",
        "patient/*.rs",
        "p1",
        "i",
    )


def test_a_rotated_refresh_token_is_kept_before_it_is_used() -> None:
    order: list[str] = []
    world = World(
        fresh(1, refresh_token="rt-1"),
        fresh(2),
        keep=lambda token: order.append(f"keep {token.refresh_token}"),
    )
    order.append(f"use {world.session.renew('at-0')}")
    assert order == ["keep rt-1", "use at-1"]
    world.session.renew("at-1")
    assert world.posted[1]["refresh_token"] == "rt-1"


def test_a_token_that_could_not_be_kept_is_told_but_not_lost_to_this_run() -> None:
    def keep(token: Token) -> None:
        raise OSError("disk full")

    world = World(fresh(1, refresh_token="rt-1"), keep=keep)
    with pytest.raises(OSError, match="disk full"):
        world.session.renew("at-0")
    assert world.session.bearer() == "at-1"


def test_many_threads_rejected_at_once_refresh_once() -> None:
    world = World(fresh())
    barrier = threading.Barrier(8)
    got: list[str] = []

    def meet_401() -> None:
        barrier.wait(5)
        got.append(world.session.renew("at-0"))

    threads = [threading.Thread(target=meet_401) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert got == ["at-1"] * 8 and len(world.posted) == 1


def test_a_very_short_life_does_not_mean_a_refresh_for_every_request() -> None:
    world = World(fresh(1, expires_in=40), fresh(2, expires_in=40))
    world.session.renew("at-0")
    assert [world.session.bearer() for _ in range(5)] == ["at-1"] * 5
    world.now += 21
    assert world.session.bearer() == "at-2"


def test_another_process_that_renewed_first_is_believed_under_the_lock() -> None:
    events: list[str] = []
    theirs = Token("at-9", 5000.0, None, refresh_token="rt-9")

    @contextmanager
    def lock() -> Iterator[None]:
        events.append("lock")
        yield
        events.append("unlock")

    def reload() -> Token:
        events.append("reload")
        return theirs

    world = World(fresh(10), reload=reload, lock=lock)
    assert world.session.renew("at-0") == "at-9"
    assert events == ["lock", "reload", "unlock"] and world.posted == []
    assert world.session.renew("at-9") == "at-10"
    assert world.posted[0]["refresh_token"] == "rt-9"


def test_without_refresh_token_a_new_sign_in_is_needed_only_when_the_token_has_ended() -> None:
    world = World(token=Token("at-0", 1300.0, None))
    world.now = 1290.0
    assert world.session.bearer() == "at-0"
    world.now = 1300.0
    with pytest.raises(ReconnectNeeded) as caught:
        world.session.bearer()
    assert caught.value.connection == "home" and "phr reconnect home" in (caught.value.hint or "")
    with pytest.raises(ReconnectNeeded):
        world.session.renew("at-0")


def test_a_dead_refresh_token_needs_a_new_sign_in() -> None:
    with pytest.raises(ReconnectNeeded):
        World(refusal("invalid_grant")).session.renew("at-0")


@pytest.mark.parametrize("error", ["invalid_client", "unauthorized_client"])
@pytest.mark.parametrize("status", [400, 401])
def test_a_registration_that_is_not_accepted_is_no_reason_to_sign_in_again(error: str, status: int) -> None:
    with pytest.raises(SignInError, match="client id"):
        World(refusal(error, status)).session.renew("at-0")


@pytest.mark.parametrize(
    "trouble",
    [httpx.Response(500), httpx.Response(503, html="<html>"), httpx.Response(400), httpx.Response(429),
     refusal("invalid_grant", 503), httpx.ConnectError("x"), httpx.ReadTimeout("x")],
    ids=str,
)  # fmt: skip
def test_passing_trouble_is_not_the_end_of_a_sign_in(trouble: Answer) -> None:
    world = World(trouble, fresh())
    with pytest.raises(Unreachable):
        world.session.renew("at-0")
    assert world.session.renew("at-0") == "at-1"


def test_trouble_ahead_of_expiry_uses_what_is_left_of_the_token() -> None:
    world = World(httpx.Response(503), httpx.Response(503))
    world.now = 1250.0
    assert world.session.bearer() == "at-0"
    world.now = 1301.0
    with pytest.raises(Unreachable):
        world.session.bearer()


def test_a_server_that_wants_the_scope_repeated_gets_it() -> None:
    def wants_scope(posted: dict[str, str]) -> httpx.Response:
        return fresh() if posted.get("scope") == "patient/*.rs" else refusal("invalid_request")

    world = World(wants_scope, wants_scope)
    assert world.session.renew("at-0") == "at-1"
    assert ["scope" in posted for posted in world.posted] == [False, True]


def test_a_secret_authenticates_the_refresh() -> None:
    seen: list[httpx.Headers] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers)
        return fresh()

    session = Session(
        CONNECTION,
        CONFIGURATION,
        Token("at-0", None, None, refresh_token="rt-0"),
        client=Client("my-app", "cl-secret"),
        keep=lambda token: None,
        transport=httpx.MockTransport(handle),
    )
    session.renew("at-0")
    assert seen[0]["authorization"].startswith("Basic ")


def test_no_secret_reaches_a_log_a_repr_or_an_error(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    told = refusal("invalid_client", error_description="rt-1 of at-1 is unknown")
    world = World(fresh(1, refresh_token="rt-1"), told)
    world.session.renew("at-0")
    with pytest.raises(SignInError) as caught:
        world.session.renew("at-1")
    shown = caplog.text + repr(world.session) + caught.value.message + repr(caught.value)
    assert not [secret for secret in ("at-0", "at-1", "rt-0", "rt-1", "p1") if secret in shown]
    assert "token renewed" in caplog.text


def test_a_token_that_dies_between_two_pages_is_renewed_once_for_all_threads() -> None:
    valid = ["at-0"]
    refreshes: list[str] = []
    lock = threading.Lock()

    def server(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/token":
            with lock:
                refreshes.append(parse_qs(request.content.decode())["refresh_token"][0])
                valid[0] = f"at-{len(refreshes)}"
            return fresh(len(refreshes), refresh_token=f"rt-{len(refreshes)}")
        if request.headers["authorization"] != f"Bearer {valid[0]}":
            return httpx.Response(401)
        page = int(request.url.params.get("page", "1"))
        links = [{"relation": "next", "url": f"?page={page + 1}"}] if page < 4 else []
        entry = [{"resource": {"resourceType": "Goal", "id": f"{request.url.path}-{page}"}}]
        return httpx.Response(200, json={"resourceType": "Bundle", "link": links, "entry": entry})

    transport = httpx.MockTransport(server)
    token = Token("at-0", None, None, refresh_token="rt-0")
    session = Session(
        CONNECTION,
        CONFIGURATION,
        token,
        client=Client("my-app"),
        keep=lambda kept: None,
        transport=transport,
    )
    client = FhirClient(CONNECTION.fhir_base, session, transport=transport)
    started = [iter(client.search(Search(type_))) for type_ in ("Goal", "Device", "Condition")]
    first = [next(pages) for pages in started]
    valid[0] = "revoked at the server"
    counts: list[int] = []
    threads = [threading.Thread(target=lambda p=pages: counts.append(len(list(p)))) for pages in started]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(first) == 3 and counts == [3, 3, 3]
    assert refreshes == ["rt-0"]
    assert session.token.refresh_token == "rt-1"


# ── short lives and pauses ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("life", [5, 40, 300, 570, 3600])
def test_a_token_that_another_process_has_just_renewed_is_used_however_short_its_life(life: int) -> None:
    kept = Token("at-9", 1000.0 + life, None, "rt-9", renewed_at=1000.0)
    world = World(reload=lambda: kept)
    assert world.session.renew("at-0") == "at-9"
    assert [world.session.bearer() for _ in range(3)] == ["at-9"] * 3 and world.posted == []


def test_a_kept_token_of_five_seconds_is_not_renewed_at_once() -> None:
    world = World(fresh(), token=Token("at-0", 1005.0, None, "rt-0", renewed_at=1000.0))
    assert world.session.bearer() == "at-0"
    world.now = 1003.0
    assert world.session.bearer() == "at-1"


ORACLE = Vendor("oracle", "Oracle Health", refresh_pause=60)


def test_a_vendor_with_a_pause_is_not_asked_again_for_a_token_that_is_merely_due() -> None:
    world = World(fresh(), vendor=ORACLE, token=Token("at-0", 1050.0, None, "rt-0", renewed_at=1000.0))
    world.now = 1049.0
    assert world.session.bearer() == "at-0" and world.posted == []
    world.now = 1050.0
    assert world.session.bearer() == "at-1"


def test_after_the_pause_a_token_is_renewed_ahead_of_its_end() -> None:
    world = World(fresh(), vendor=ORACLE, token=Token("at-0", 1570.0, None, "rt-0", renewed_at=1000.0))
    world.now = 1511.0
    assert world.session.bearer() == "at-1"


def test_a_token_that_met_a_401_is_renewed_within_the_pause_too() -> None:
    world = World(fresh(), vendor=ORACLE, token=Token("at-0", 1570.0, None, "rt-0", renewed_at=990.0))
    assert world.session.renew("at-0") == "at-1"
    assert len(world.posted) == 1 and world.slept == []


def test_a_clock_that_was_set_back_does_not_pause_for_ever() -> None:
    world = World(fresh(), vendor=ORACLE, token=Token("at-0", 9000.0, None, "rt-0", renewed_at=8000.0))
    assert world.session.renew("at-0") == "at-1"


def test_a_server_that_asks_for_a_moment_gets_it_during_a_renewal() -> None:
    busy = httpx.Response(429, headers={"retry-after": "5"})
    world = World(busy, fresh())
    assert world.session.renew("at-0") == "at-1" and world.slept == [5.0]


# ── other ways to renew ───────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def keys() -> ClientKeys:
    return ClientKeys.new()


NO_REFRESH = Token("at-0", 1300.0, "patient/*.rs", patient="p1", fhir_user="Patient/p1", signed_in_at=7.0)


def test_a_client_of_its_own_renews_by_its_own_signature(keys: ClientKeys) -> None:
    client = Client("own-id", method="private_key_jwt", keys=keys)
    connection = replace(CONNECTION, auth="dynamic")
    world = World(fresh(), connection=connection, client=client, token=NO_REFRESH)
    world.now = 1300.0
    assert world.session.bearer() == "at-1"
    assert world.posted[0].keys() == {"grant_type", "assertion", "client_id"}
    assert (world.posted[0]["grant_type"], world.posted[0]["client_id"]) == (JWT_BEARER, "own-id")
    kept = world.kept[-1]
    assert (kept.patient, kept.fhir_user, kept.signed_in_at, kept.refresh_token, kept.scope) == (
        "p1", "Patient/p1", 7.0, None, "patient/*.rs",
    )  # fmt: skip


@pytest.mark.parametrize("error", ["invalid_grant", "invalid_client", "unauthorized_client"])
def test_a_client_of_its_own_that_is_gone_comes_back_by_signing_in(keys: ClientKeys, error: str) -> None:
    client = Client("own-id", method="private_key_jwt", keys=keys)
    connection = replace(CONNECTION, auth="dynamic")
    world = World(refusal(error), connection=connection, client=client, token=NO_REFRESH)
    with pytest.raises(ReconnectNeeded):
        world.session.renew("at-0")


def test_a_client_of_its_own_without_keys_needs_a_sign_in() -> None:
    world = World(connection=replace(CONNECTION, auth="dynamic"), token=NO_REFRESH)
    with pytest.raises(ReconnectNeeded):
        world.session.renew("at-0")
    assert world.posted == []


def test_a_backend_asks_for_its_scopes_anew(keys: ClientKeys) -> None:
    connection = replace(CONNECTION, auth="backend", requested_scopes=("system/*.rs",))
    client = Client("my-app", method="private_key_jwt", keys=keys)
    world = World(fresh(), connection=connection, client=client, token=NO_REFRESH)
    assert world.session.renew("at-0") == "at-1"
    assert world.posted[0]["scope"] == "system/*.rs" and "client_assertion" in world.posted[0]
    assert world.kept[-1].patient == "p1"


def test_a_backend_that_is_refused_has_nobody_to_sign_in() -> None:
    connection = replace(CONNECTION, auth="backend", requested_scopes=("system/*.rs",))
    world = World(
        refusal("invalid_grant"), connection=connection, client=Client("my-app", "s"), token=NO_REFRESH
    )
    with pytest.raises(SignInError):
        world.session.renew("at-0")


@pytest.mark.parametrize(
    "token", [NO_REFRESH, replace(NO_REFRESH, refresh_token="rt"), replace(NO_REFRESH, expires_at=None)]
)
def test_a_token_given_by_hand_is_used_until_it_ends_and_never_renewed(token: Token) -> None:
    world = World(connection=replace(CONNECTION, auth="bearer"), token=token)
    world.now = 1299.0
    assert world.session.bearer() == "at-0"
    with pytest.raises(ReconnectNeeded) as caught:
        world.session.renew("at-0")
    assert "phr reconnect home" in (caught.value.hint or "") and world.posted == []


# ── the end ───────────────────────────────────────────────────────────────────────────────────────


def test_a_suspended_sign_in_names_the_page_where_it_is_approved_again() -> None:
    page = "https://authorization.example.org/approve"
    world = World(refusal("invalid_grant", error_uri=page))
    with pytest.raises(ReconnectNeeded) as caught:
        world.session.renew("at-0")
    assert page in (caught.value.hint or "") and "phr reconnect home" in (caught.value.hint or "")


@pytest.mark.parametrize("error", ["invalid_scope", "unsupported_grant_type", "made_up_by_the_vendor"])
def test_an_error_that_is_not_known_to_be_the_end_is_not_taken_for_it(error: str) -> None:
    world = World(*[refusal(error)] * 3)
    with pytest.raises(SignInError):
        world.session.renew("at-0")


def test_a_refresh_is_never_sent_twice_over_a_broken_connection() -> None:
    # Its answer may have been on the way: a used refresh token that comes again ends the grant (RFC 9700).
    world = World(httpx.ReadError("reset"), fresh())
    with pytest.raises(Unreachable):
        world.session.renew("at-0")
    assert len(world.posted) == 1


# ── other processes ───────────────────────────────────────────────────────────────────────────────


@contextmanager
def held_by_another() -> Iterator[None]:
    raise Busy("held")
    yield


def test_a_lock_that_stays_held_does_not_stop_a_token_that_still_lives() -> None:
    world = World(lock=held_by_another)
    world.now = 1250.0
    assert world.session.bearer() == "at-0"
    world.now = 1300.0
    with pytest.raises(Busy):
        world.session.bearer()


def test_what_the_holder_of_the_lock_has_kept_is_used() -> None:
    world = World(lock=held_by_another, reload=lambda: Token("at-9", 9000.0, None, "rt-9"))
    assert world.session.renew("at-0") == "at-9"


def test_many_sessions_at_once_refresh_a_rotating_token_once() -> None:
    lock, store = threading.Lock(), [Token("at-0", 1005.0, None, "rt-0", renewed_at=1000.0)]
    used: list[str] = []

    def server(request: httpx.Request) -> httpx.Response:
        used.append(parse_qs(request.content.decode())["refresh_token"][0])
        return fresh(len(used), expires_in=5, refresh_token=f"rt-{len(used)}")

    def process() -> Session:
        return Session(
            CONNECTION,
            CONFIGURATION,
            store[0],
            client=Client("my-app"),
            keep=lambda token: store.__setitem__(0, token),
            reload=lambda: store[0],
            lock=lambda: lock,
            transport=httpx.MockTransport(server),
            clock=lambda: 1005.0,
        )

    sessions = [process() for _ in range(6)]
    got: list[str] = []
    threads = [threading.Thread(target=lambda s=s: got.append(s.bearer())) for s in sessions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert got == ["at-1"] * 6 and used == ["rt-0"]


def test_a_process_killed_right_after_the_answer_was_kept_goes_on_with_the_new_token() -> None:
    store: list[Token] = []

    class KilledError(BaseException):
        pass

    def keep(token: Token) -> None:
        store.append(token)
        raise KilledError

    world = World(fresh(1, refresh_token="rt-1"), keep=keep)
    with pytest.raises(KilledError):
        world.session.renew("at-0")
    after = World(fresh(2), token=store[-1])
    assert after.session.bearer() == "at-1"
    after.session.renew("at-1")
    assert after.posted[0]["refresh_token"] == "rt-1"
