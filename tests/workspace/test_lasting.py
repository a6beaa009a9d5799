"""Clients of a connection's own: registered, proved, used again, rotated, and ended."""

from __future__ import annotations

from typing import Any

import pytest

from phr.errors import SignInError, UsageError
from phr.workspace import keys, tokens
from phr.workspace.lasting import NOT_OFFERED


def test_after_the_sign_in_keys_are_registered_and_renew_for_ever(person: Any, ward: Any) -> None:
    ward.dynamic, ward.refreshes, ward.doubts = True, False, 2
    made = person.connect(ward, auth="dynamic", name="clinic")
    assert (made.auth, made.client_id, made.sign_in_before) == ("dynamic", "app", None)
    kept = tokens.kept_registration(person.workspace, made)
    assert kept is not None and kept.client_id in ward.clients
    assert ward.clients[kept.client_id]["software_id"] == "app"
    for _ in range(2):
        ward.tokens.clear()
        assert person.sync().exit_status == 0
    assert len(ward.paths("/authorize")) == 1, "nobody signed in again"
    done = person.workspace.disconnect("clinic")
    assert (done.revoked, done.unregistered) == (True, True)
    assert ward.clients == {}
    assert tokens.kept_keys(person.workspace, made.key) is None
    assert tokens.kept_registration(person.workspace, made) is None


def test_a_vendor_of_this_kind_does_it_by_itself(person: Any, ward: Any, vendor: Any) -> None:
    vendor("acme", auth=["dynamic", "public"], registration="after-sign-in")
    ward.dynamic = True
    assert person.connect(ward, provider="acme").auth == "dynamic"


def test_an_organisation_that_does_not_offer_it_keeps_the_plain_sign_in(person: Any, ward: Any) -> None:
    ward.refreshes = False
    made = person.connect(ward, auth="dynamic")
    assert (made.auth, NOT_OFFERED in person.said) == ("public", True)
    assert made.sign_in_before == made.token_expires is not None
    assert person.sync().exit_status == 0
    assert person.workspace.sync(_wish()).sign_in_soon[0][0] == made.name
    ward.tokens.clear()
    assert person.sync().exit_status == 4
    assert person.known(made.name).state == "expired"


def _wish() -> Any:
    from phr.workspace.sync import SyncWish

    return SyncWish()


def test_one_that_does_not_answer_yet_is_kept_and_tried_by_the_next_sync(person: Any, ward: Any) -> None:
    ward.dynamic, ward.refreshes, ward.doubts = True, False, 99
    made = person.connect(ward, auth="dynamic", name="clinic")
    assert made.auth == "dynamic"
    assert made.sign_in_before is not None, "nothing has shown that it lasts"
    assert person.heard("did not work yet")
    ward.doubts = 0
    ward.tokens.clear()
    assert person.sync().exit_status == 0
    assert person.known("clinic").sign_in_before is None


def test_signing_in_again_uses_the_registration_that_is_there(person: Any, ward: Any) -> None:
    ward.dynamic = True
    made = person.connect(ward, auth="dynamic", name="clinic")
    before = dict(ward.clients)
    assert person.reconnect("clinic").key == made.key
    assert ward.clients == before
    ward.jwks.clear()  # the provider has forgotten it: a new one is made
    assert person.reconnect("clinic").auth == "dynamic"
    assert set(ward.clients).isdisjoint(before), "the former one is ended"
    assert person.sync().exit_status == 0


def test_a_wrong_person_is_refused_taken_back_and_registers_nothing(
    person: Any, ward: Any, people: Any
) -> None:
    ward.dynamic, ward.patients = True, (people.ADA, people.BO)
    made = person.connect(ward, auth="dynamic", name="clinic")
    kept, clients = tokens.kept_token(person.workspace, made), dict(ward.clients)
    ward.patient = "bo"
    with pytest.raises(SignInError, match="another person"):
        person.reconnect("clinic")
    assert tokens.kept_token(person.workspace, made) == kept
    assert ward.clients == clients
    assert len(ward.revoked) == 2, "refresh and access token of the wrong sign-in"
    assert kept is not None and kept.access_token not in ward.revoked
    assert person.known("clinic") == made


# ── before the sign-in (RFC 7591) ─────────────────────────────────────────────────────────────────


def test_without_a_client_id_the_app_registers_itself_where_that_is_offered(person: Any, ward: Any) -> None:
    with pytest.raises(UsageError, match="client id"):
        person.connect(ward, client_id=None)
    ward.open_registration = True
    made = person.connect(ward, client_id=None, name="clinic")
    body = ward.clients[made.client_id]
    assert body["redirect_uris"] == [made.redirect_uri]
    assert (made.auth, body["token_endpoint_auth_method"]) == ("public", "none")
    again = person.reconnect("clinic")
    assert (again.client_id, again.redirect_uri) == (made.client_id, made.redirect_uri)
    assert len(ward.clients) == 1
    assert person.workspace.disconnect("clinic").unregistered is True
    assert ward.clients == {}


@pytest.mark.parametrize("method", ["client_secret_basic", "private_key_jwt"])
def test_a_server_that_takes_no_public_client_gets_another(person: Any, ward: Any, method: str) -> None:
    ward.open_registration, ward.methods = True, (method,)
    made = person.connect(ward, client_id=None, auth="dynamic", name="clinic")
    assert made.auth == method
    ward.tokens.clear()
    assert person.sync().exit_status == 0
    assert person.reconnect("clinic").client_id == made.client_id


def test_another_way_back_needs_another_registration_and_ends_the_first(person: Any, ward: Any) -> None:
    ward.open_registration = True
    made = person.connect(ward, client_id=None, name="clinic")
    again = person.reconnect("clinic", port=0)
    assert again.redirect_uri != made.redirect_uri
    assert list(ward.clients) == [again.client_id]


# ── keys ──────────────────────────────────────────────────────────────────────────────────────────


def test_public_keys_hold_nothing_private(person: Any) -> None:
    jwks = keys.show(person.workspace, "epic").jwks
    assert {key["kty"] for key in jwks["keys"]} == {"RSA", "EC"}
    assert all({"kid", "alg", "use"} <= set(key) and isinstance(key["kid"], str) for key in jwks["keys"])
    assert not [
        name for key in jwks["keys"] for name in ("d", "p", "q", "dp", "dq", "qi", "k") if name in key
    ]


def test_rotated_keys_come_first_and_the_former_still_sign_in(person: Any, ward: Any) -> None:
    old = keys.show(person.workspace, "custom").jwks
    ward.jwks["app"] = old
    made = person.connect(ward, auth="private_key_jwt")
    new = keys.rotate(person.workspace, made.name)
    assert not new.told
    assert new.jwks["keys"][0]["kid"] not in {key["kid"] for key in old["keys"]}
    assert {key["kid"] for key in old["keys"]} <= {key["kid"] for key in new.jwks["keys"]}
    assert keys.show(person.workspace, "custom").jwks == new.jwks, "one registration, one set of keys"
    ward.tokens.clear()
    assert person.sync().exit_status == 0, "the provider knows only the former ones"
    ward.jwks["app"] = new.jwks
    ward.tokens.clear()
    assert person.sync().exit_status == 0
    twice = keys.rotate(person.workspace, made.name).jwks["keys"]
    assert {key["kid"] for key in old["keys"]}.isdisjoint(key["kid"] for key in twice)


@pytest.mark.parametrize("managed", [True, False])
def test_a_client_of_its_own_learns_of_new_keys_at_once(person: Any, ward: Any, managed: bool) -> None:
    ward.dynamic, ward.managed = True, managed
    made = person.connect(ward, auth="dynamic", name="clinic")
    before = tokens.kept_registration(person.workspace, made)
    assert keys.rotate(person.workspace, "clinic").told
    after = tokens.kept_registration(person.workspace, made)
    assert before is not None and after is not None
    assert (before.client_id == after.client_id) is managed
    ward.tokens.clear()
    assert person.sync().exit_status == 0


def test_new_keys_that_the_provider_refuses_change_nothing(person: Any, ward: Any) -> None:
    ward.dynamic, ward.managed = True, False
    made = person.connect(ward, auth="dynamic", name="clinic")
    before = tokens.kept_keys(person.workspace, made.key)
    ward.dynamic = False
    with pytest.raises(SignInError):
        keys.rotate(person.workspace, "clinic")
    after = tokens.kept_keys(person.workspace, made.key)
    assert before is not None and after is not None and before.dump() == after.dump()
    assert person.sync().exit_status == 0


def test_keys_that_nobody_made_are_not_rotated(person: Any) -> None:
    with pytest.raises(UsageError) as caught:
        keys.rotate(person.workspace, "clinic")
    assert "phr keys show clinic" in (caught.value.hint or "")
