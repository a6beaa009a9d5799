"""Sign-ins over loopback, the right ones and their wrong twins."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from phr.errors import (
    Locked,
    PortTaken,
    SignInDenied,
    SignInError,
    SignInTimeout,
    StateMismatch,
    UsageError,
)
from phr.sandbox.config import CONFIDENTIAL_ID, CONFIDENTIAL_SECRET
from phr.sandbox.server import Sandbox
from phr.workspace import Workspace
from phr.workspace.sign_in import ConnectRequest, Speaker
from phr.workspace.tokens import kept_token

Hospital = Callable[..., Sandbox]
ADA = {"resourceType": "Patient", "id": "ada", "name": [{"family": "Quill", "given": ["Ada"]}]}
BO = {"resourceType": "Patient", "id": "bo", "name": [{"family": "Quill", "given": ["Bo"]}]}


def test_a_sign_in_is_kept_with_what_was_granted(person: Any, hospital: Hospital) -> None:
    connection = person.connect(hospital(resources=(ADA,)), name="lakeside")
    assert (connection.name, connection.patient_id, connection.state) == ("lakeside", "ada", "active")
    assert "patient/*.rs" in connection.granted_scopes
    with person.workspace.store() as store:
        assert store.connections.get("lakeside") == connection
    token = kept_token(person.workspace, connection)
    assert token is not None
    assert token.refresh_token


def test_a_new_connection_is_asked_as_often_as_the_settings_say(person: Any, hospital: Hospital) -> None:
    person.environ["PHR_SYNC_INTERVAL"] = "6h"
    assert person.connect(hospital(resources=(ADA,))).every_hours == 6


def test_the_address_carries_state_pkce_and_aud(person: Any, hospital: Hospital) -> None:
    sandbox, seen = hospital(resources=(ADA,)), {}

    def look(url: str) -> bool:
        seen.update(parse_qs(urlsplit(url).query))
        return bool(httpx.get(url, follow_redirects=True).status_code)

    person.connect(sandbox, browser=look)
    assert seen["aud"] == [sandbox.fhir_base]
    assert seen["code_challenge_method"] == ["S256"]
    assert len(seen["state"][0]) >= 22 and len(seen["code_challenge"][0]) == 43
    assert seen["redirect_uri"][0].startswith("http://127.0.0.1:")


@pytest.mark.parametrize(
    ("lie", "error"),
    [("state", StateMismatch), ("iss", StateMismatch), ("nonce", StateMismatch), ("token-type", SignInError)],
)
def test_a_lying_server_gets_no_connection(
    person: Any, hospital: Hospital, lie: str, error: type[Exception]
) -> None:
    with pytest.raises(error) as caught:
        person.connect(hospital(resources=(ADA,), lies=(lie,)), timeout=3)
    assert type(caught.value) is error
    with person.workspace.store() as store:
        assert store.connections.all() == []


def test_a_smaller_grant_is_named(person: Any, hospital: Hospital) -> None:
    connection = person.connect(hospital(resources=(ADA, {**BO, "id": "b"}), lies=("scope",)))
    assert connection.granted_scopes != connection.requested_scopes


def test_a_server_that_names_no_patient_is_searched_for_the_only_one(person: Any, hospital: Hospital) -> None:
    silent = hospital(resources=(ADA,), lies=("no-patient",), drop_scopes=("fhirUser",))
    assert person.connect(silent).patient_id == "ada"


def test_a_denied_sign_in_ends_clearly(person: Any, hospital: Hospital) -> None:
    def deny(url: str) -> bool:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        answer = {"error": "access_denied", "state": asked["state"]}
        return httpx.get(asked["redirect_uri"], params=answer).status_code < 500

    with pytest.raises(SignInDenied):
        person.connect(hospital(resources=(ADA,)), browser=deny)


def test_nobody_coming_back_ends_after_the_time_given(person: Any, hospital: Hospital) -> None:
    with pytest.raises(SignInTimeout):
        person.connect(hospital(resources=(ADA,)), browser=lambda _: True, timeout=0.2)


def test_a_taken_port_is_said_before_the_browser_opens(person: Any, hospital: Hospital) -> None:
    opened: list[str] = []
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(PortTaken) as caught:
            person.connect(
                hospital(resources=(ADA,)),
                browser=lambda url: not opened.append(url),
                port=taken.getsockname()[1],
            )
    assert "--port" in (caught.value.hint or "")
    assert opened == []


def test_no_client_id_explains_how_to_get_one(person: Any) -> None:
    with pytest.raises(UsageError) as caught:
        person.workspace.connect(ConnectRequest("epic-sandbox"), Speaker(lambda _: True, print))
    assert "PHR_EPIC_CLIENT_ID" in (caught.value.hint or "")


def test_a_vendor_needs_an_organisation(person: Any) -> None:
    with pytest.raises(UsageError) as caught:
        person.workspace.connect(ConnectRequest("epic", client_id="x"), Speaker(lambda _: True, print))
    assert "phr providers search" in (caught.value.hint or "")


def test_without_a_key_nobody_is_sent_to_sign_in(person: Any, hospital: Hospital) -> None:
    del person.environ["PHR_KEY_FILE"]
    opened: list[str] = []
    with pytest.raises(Locked):
        person.connect(hospital(resources=(ADA,)), browser=lambda url: not opened.append(url))
    assert opened == []


def test_connecting_twice_is_one_connection_and_two_people_are_two(person: Any, hospital: Hospital) -> None:
    sandbox = hospital(resources=(ADA, BO))
    first = person.connect(sandbox, name="ada")
    again = person.connect(sandbox)
    assert (again.key, again.name) == (first.key, "ada")
    other = hospital(resources=(ADA, BO), patient="bo")
    with pytest.raises(UsageError):
        person.connect(other, name="ada")
    assert person.connect(other, name="bo").patient_id == "bo"


def test_reconnecting_as_somebody_else_changes_nothing(person: Any, hospital: Hospital) -> None:
    sandbox = hospital(resources=(ADA, BO))
    person.connect(sandbox, name="ada")
    before = kept_token(person.workspace, person.workspace.store().connections.get("ada"))
    request = ConnectRequest(port=0, patient="bo")
    follow = Speaker(lambda url: httpx.get(url, follow_redirects=True).status_code == 200, print)
    with pytest.raises(SignInError, match="another person"):
        person.workspace.reconnect("ada", request, follow)
    with person.workspace.store() as store:
        assert kept_token(person.workspace, store.connections.get("ada")) == before


def test_reconnecting_mends_a_dead_sign_in(person: Any, hospital: Hospital) -> None:
    sandbox = hospital(resources=(ADA,))
    key = person.connect(sandbox, name="ada").key
    sandbox.authorization.revoke_all()
    assert person.sync().exit_status == 4
    follow = Speaker(lambda url: httpx.get(url, follow_redirects=True).status_code == 200, print)
    renewed = person.workspace.reconnect("ada", ConnectRequest(port=0), follow)
    assert (renewed.key, renewed.state) == (key, "active")
    assert person.sync().exit_status == 0


def test_taking_leave_revokes_and_keeps_the_records(person: Any, hospital: Hospital) -> None:
    sandbox = hospital(resources=(ADA,))
    connection = person.connect(sandbox, name="ada")
    person.sync()
    done = person.workspace.disconnect("ada")
    assert (done.revoked, done.records_removed) == (True, 0)
    assert kept_token(person.workspace, connection) is None
    with person.workspace.store() as store:
        assert store.raw("Patient", "ada")
        assert store.connections.get("ada").state == "revoked"
    assert person.sync("ada").exit_status == 4
    purged = person.workspace.disconnect("ada", purge=True)
    assert purged.records_removed == 1
    with person.workspace.store() as store:
        assert store.connections.all() == []


def test_a_confidential_client_keeps_its_secret_in_the_vault(person: Any, hospital: Hospital) -> None:
    sandbox = hospital(resources=(ADA,))
    person.connect(sandbox, client_id=CONFIDENTIAL_ID, client_secret=CONFIDENTIAL_SECRET)
    sandbox.authorization.expire_all()
    assert person.sync().exit_status == 0
    raw = b"".join(p.read_bytes() for p in person.workspace.paths.data.rglob("*") if p.is_file())
    assert CONFIDENTIAL_SECRET.encode() not in raw


def test_a_rotated_token_is_kept_for_the_next_process(person: Any, hospital: Hospital) -> None:
    sandbox = hospital(resources=(ADA,))
    connection = person.connect(sandbox)
    first = kept_token(person.workspace, connection)
    sandbox.authorization.expire_all()
    assert person.sync().exit_status == 0
    second = kept_token(Workspace(person.environ), connection)
    assert first is not None and second is not None
    assert second.refresh_token != first.refresh_token
    sandbox.authorization.expire_all()
    assert person.sync().exit_status == 0


def test_plain_http_goes_to_this_computer_only(person: Any) -> None:
    with pytest.raises(UsageError, match="https"):
        person.workspace.connect(
            ConnectRequest(url="http://ehr.example/fhir", client_id="x"), Speaker(lambda _: True, print)
        )


def test_the_final_address_may_be_pasted(person: Any, hospital: Hospital) -> None:
    sandbox, ended = hospital(resources=(ADA,)), []

    def sign_in(url: str) -> bool:
        answer = httpx.get(url, follow_redirects=False)
        ended.append(answer.headers["location"])
        return True

    request = ConnectRequest(url=sandbox.fhir_base, client_id=sandbox.client_id, redirect="paste")
    made = person.workspace.connect(request, Speaker(sign_in, print, paste=lambda: f" {ended[0]} \n"))
    assert made.patient_id == "ada"
    with pytest.raises(StateMismatch):
        person.workspace.connect(request, Speaker(sign_in, print, paste=lambda: ended[0]))
