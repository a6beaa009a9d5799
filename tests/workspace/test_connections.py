"""Several people, several patients, and taking leave of servers that are gone; what a connection can do."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from phr.errors import SignInDenied, SignInError
from phr.views.status import connections
from phr.workspace import tokens


def test_a_second_patient_is_a_second_connection_and_the_same_one_stays_one(
    person: Any, ward: Any, people: Any, vendor: Any
) -> None:
    vendor("acme")
    ward.patients = (people.ADA, people.BO)
    first = person.connect(ward, provider="acme")
    ward.patient = "bo"
    second = person.connect(ward, provider="acme")
    assert (first.name, second.name) == ("acme", "acme-2")
    assert first.key != second.key
    again = person.connect(ward, provider="acme")
    assert (again.key, again.name) == (second.key, "acme-2")
    assert tokens.kept_token(person.workspace, first) is not None


def test_the_same_record_keeps_its_name_and_says_how_to_change_it(person: Any, ward: Any) -> None:
    first = person.connect(ward, name="home")
    again = person.connect(ward, name="second")
    assert (again.key, again.name) == (first.key, "home")
    words = (
        "This record is connected already, as home; it keeps that name (phr connections rename home second)."
    )
    assert words in person.said
    person.said.clear()
    assert person.connect(ward, name="home").name == "home"
    assert not person.heard("keeps that name")


@pytest.mark.parametrize("again", [False, True])
def test_whose_record_it_is_stands_in_the_list_before_the_first_sync(
    person: Any, ward: Any, again: bool
) -> None:
    made = person.connect(ward, name="home")
    if again:
        person.reconnect("home")
    assert "Ada" not in repr(made)
    with person.workspace.store() as store:
        [one] = connections(store)
        assert not store.raw("Patient", "ada"), "the first sync brings it, and counts it as new"
    assert (one["patient_name"], one["last_sync"]) == ("Ada Maria Quill", None)


def test_a_refusal_names_the_vendor_whose_entry_helps(person: Any, ward: Any, vendor: Any) -> None:
    vendor("acme")
    ward.secrets["app"] = "s3cret"
    with pytest.raises(SignInError) as caught:
        person.connect(ward, provider="acme")
    assert (caught.value.hint or "").endswith("phr providers show acme")


def test_leaving_with_a_damaged_token_says_so_and_removes_it(person: Any, ward: Any) -> None:
    made = person.connect(ward, name="home")
    person.workspace.vault.secrets.set(f"token/{made.key}", b"not json")
    done = person.workspace.disconnect("home")
    assert (done.revoked, done.readable, done.forgotten, done.already) == (None, False, True, False)
    assert person.workspace.vault.secrets.get(f"token/{made.key}") is None
    assert person.workspace.disconnect("home").already


def test_an_address_for_everybody_takes_the_name_of_the_place(person: Any, ward: Any) -> None:
    made = person.connect(ward, organisation="Lakeside Family Care")
    assert (made.organisation, made.name) == ("Lakeside Family Care", "lakeside-family-care")
    assert person.reconnect(made.name).organisation == "Lakeside Family Care"


def test_another_way_in_leaves_nothing_of_the_former_behind(person: Any, ward: Any) -> None:
    ward.secrets["app"] = "s3cret"
    made = person.connect(ward, client_secret="s3cret", name="clinic")
    ward.secrets.clear()
    again = person.reconnect("clinic", auth="public")
    assert again.auth == "public"
    assert person.workspace.vault.secrets.get(f"client-secret/{made.key}") is None
    assert tokens.kept_token(person.workspace, again) is not None


def test_leaving_a_server_that_is_gone_succeeds_and_forgets(person: Any, ward: Any) -> None:
    ward.dynamic = True
    made = person.connect(ward, auth="dynamic", name="clinic")
    with person.workspace.store() as store:
        from dataclasses import replace

        store.connections.save(replace(made, fhir_base="http://127.0.0.1:9/fhir"))
    secrets = person.workspace.vault.secrets
    raw = secrets.get(f"sign-in-server/{made.key}")
    assert raw is not None
    secrets.set(f"sign-in-server/{made.key}", raw.replace(ward.base.encode(), b"http://127.0.0.1:9"))
    registration = secrets.get(f"registration/{made.key}")
    assert registration is not None
    secrets.set(f"registration/{made.key}", registration.replace(ward.base.encode(), b"http://127.0.0.1:9"))
    done = person.workspace.disconnect("clinic")
    assert (done.revoked, done.unregistered) == (False, False)
    assert tokens.kept_token(person.workspace, made) is None
    assert person.known("clinic").state == "revoked"


def test_what_a_connection_can_do(person: Any, ward: Any, vendor: Any) -> None:
    vendor(
        "acme",
        splits={"Observation": {"category": ["laboratory"]}},
        search_params={"Immunization": {"date": "ge1900-01-01"}},
        requests_per_minute=250,
    )
    ward.scope = "patient/Patient.r patient/Observation.crs"
    made = person.connect(ward, provider="acme")
    found = person.workspace.capabilities(made.name).document()
    types = {one["type"]: one for one in found["types"]}
    assert types["Observation"] == {
        "type": "Observation",
        "searchable": True,
        "granted": True,
        "last_updated": True,
        "required": ("category",),
    }
    assert types["Immunization"]["granted"] is False
    assert types["Immunization"]["required"] == ("date",)
    assert types["Patient"]["granted"] is True
    assert (found["bulk"], found["everything"], found["write"]) == ("system", False, ("Observation",))
    assert found["rate_limit"] == {"requests_per_minute": 250}
    assert [one.type for one in made.refused] == ["Immunization"]


def test_what_a_type_needs_is_asked_with_it(person: Any, ward: Any, vendor: Any) -> None:
    vendor("acme", search_params={"Immunization": {"date": "ge1900-01-01"}})
    person.connect(ward, provider="acme")
    ward.seen.clear()
    person.sync()
    asked = [params for _, path, params in ward.seen if path.startswith("/fhir/Immunization")]
    assert asked and all(one["date"] == "ge1900-01-01" and one["patient"] == "ada" for one in asked)


def test_the_end_of_a_consent_is_foreseen_and_kept_through_renewals(
    person: Any, ward: Any, vendor: Any
) -> None:
    vendor("acme", consent_days=5)
    made = person.connect(ward, provider="acme")
    assert made.sign_in_before is not None
    ward.tokens.clear()
    report = person.sync()
    assert report.sign_in_soon == ((made.name, made.sign_in_before),)
    assert person.known(made.name).sign_in_before == made.sign_in_before


def test_a_kept_secret_does_not_follow_a_sign_in_that_moved(person: Any, ward: Any) -> None:
    ward.secrets["app"] = "s3cret"
    connection = person.connect(ward, client_secret="s3cret", auth="client_secret_basic")
    elsewhere = ward.base.replace("127.0.0.1", "localhost")
    own = ward.configuration
    ward.configuration = lambda: {**own(), "token_endpoint": f"{elsewhere}/token"}
    before = len(ward.paths("/token"))
    with pytest.raises(SignInError, match="moved to another server"):
        person.reconnect(connection.name)
    assert len(ward.paths("/token")) == before
    assert person.reconnect(connection.name, client_secret="s3cret").state == "active"


def test_a_declined_sign_in_leaves_no_client_behind(person: Any, ward: Any) -> None:
    ward.open_registration = True

    def declines(url: str) -> bool:
        asked = parse_qs(urlsplit(url).query)
        answer = {"error": "access_denied", "state": asked["state"][0]}
        return httpx.get(asked["redirect_uri"][0], params=answer).status_code < 500

    person.browser = declines
    with pytest.raises(SignInDenied):
        person.connect(ward, client_id=None)
    assert ward.paths("/register") and not ward.clients


def test_signing_in_with_more_rights_forgets_what_the_former_ones_taught(person: Any, ward: Any) -> None:
    ward.scope = "launch/patient offline_access patient/Patient.rs patient/Observation.rs?category=laboratory"
    known = person.connect(ward)
    person.sync()
    with person.workspace.store() as store:
        store.learned.keep(known.key, [("Immunization", "unsupported", {}), ("Observation", "no-count", 1)])
        assert any(one.full_pass for one in store.passes.all(known.key))

    person.reconnect(known.name)  # the same rights
    with person.workspace.store() as store:
        assert len(store.learned.all(known.key)) >= 2
        assert any(one.full_pass for one in store.passes.all(known.key))

    ward.scope = "launch/patient offline_access patient/*.rs"
    person.reconnect(known.name)
    with person.workspace.store() as store:
        assert "unsupported" not in {kind for _, kind, _ in store.learned.all(known.key)}
        assert ("Observation", "no-count", 1) in store.learned.all(known.key)
        states = store.passes.all(known.key)
        assert states and not any(one.full_pass or one.watermark or one.began for one in states)
    assert {run.mode for run in person.sync().runs} == {"full"}
