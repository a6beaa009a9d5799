"""A walk at every vendor: sign in, read, outlive the access token, meet the end, take leave.

What is asserted is what the vendor's stand-in received and gave out, held against what is publicly known of that
vendor; the seven big ones are walked with the real command line, each command a process of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import httpx
import pytest

from phr.errors import PhrError, SignInError
from phr.providers import catalog
from phr.sandbox.clients import RegisteredClient
from phr.sandbox.config import CONFIDENTIAL_ID, CONFIDENTIAL_SECRET
from phr.sandbox.server import Sandbox
from phr.smart.launch import PASTE_PAGE
from phr.workspace import keys, tokens
from phr.workspace.sign_in import ConnectRequest, Speaker

from .conftest import Desk, ended_on, follow, ward_of_everything

Hospital = Callable[..., Sandbox]
DAY = 86_400
PRACTICE = "Organization/a-1.Practice-195900"


@dataclass(frozen=True)
class Facts:
    """What is known of a vendor, as far as a sign-in can see it."""

    vendor: str
    shows: str
    """How the client proves itself with the code, as it really came: `none`, `basic`, `post`, `jwt`."""
    auth: str
    """What the connection is kept with."""
    asks: str
    """Scopes that must be asked for."""
    never: str = "patient/*.write"
    """Scopes that must not."""
    pastes: bool = False
    """https only, and not this computer: the person pastes the address."""
    slash: bool = False
    nonce: bool = True
    told_by: str = "token"
    """Where the patient's id is: `token`, `id_token` or `access_token`."""
    seconds: int = 3600
    renewal: str | None = "refresh_token"
    repeats: str = ""
    """Parameters that the renewal has to carry."""
    keeps: bool = False
    """The renewal brings no new refresh token: the first one stays."""
    lasts: int | None = None
    """Seconds until a person is needed, from the sign-in; None: not known to end."""
    revokes: bool | None = True
    drops: tuple[str, ...] = ()
    """Scopes that the vendor leaves out here, to see that they are named."""
    refused: str | None = None

    @property
    def secret(self) -> str | None:
        return CONFIDENTIAL_SECRET if self.shows in ("basic", "post") else None

    @property
    def client_id(self) -> str:
        return CONFIDENTIAL_ID if self.secret else "phr-sandbox"


SEVEN = (
    Facts(
        "epic",
        shows="none",
        auth="dynamic",
        asks="openid fhirUser offline_access patient/*.rs",
        never="launch/patient",
        renewal="jwt-bearer",
        revokes=None,
    ),
    Facts(
        "oracle",
        shows="none",
        auth="public",
        asks="launch/patient offline_access patient/Observation.rs patient/Coverage.rs",
        never="patient/*.rs patient/*.read patient/Observation.read",
        slash=True,
        told_by="id_token",
        seconds=570,
        keeps=True,
        lasts=90 * DAY,
        drops=("patient/Coverage.rs",),
        refused="Coverage",
    ),
    Facts(
        "meditech",
        shows="basic",
        auth="client_secret_basic",
        asks="launch/patient offline_access patient/*.read",
        never="patient/*.rs",
    ),
    Facts(
        "veradigm",
        shows="none",
        auth="public",
        asks="launch/patient offline_access patient/*.rs",
        never="patient/*.read",
        told_by="access_token",
        renewal=None,
        lasts=3600,
    ),
    Facts(
        "nextgen",
        shows="basic",
        auth="client_secret_basic",
        asks="openid launch/patient offline_access patient/*.*",
        never="patient/*.rs patient/*.read",
        lasts=48 * 3600,
    ),
    Facts(
        "athenahealth",
        shows="none",
        auth="public",
        asks="launch/patient offline_access patient/Observation.rs",
        never="patient/*.rs patient/Observation.read",
        repeats="scope client_id",
        keeps=True,
        drops=("patient/Coverage.rs",),
        refused="Coverage",
    ),
    Facts(
        "eclinicalworks",
        shows="basic",
        auth="client_secret_basic",
        asks="openid fhirUser launch/patient offline_access patient/*.read",
        never="patient/*.rs",
        pastes=True,
        told_by="id_token",
    ),
)

FURTHER = (
    replace(SEVEN[0], shows="basic", auth="client_secret_basic", renewal="refresh_token", lasts=90 * DAY),
    replace(SEVEN[1], shows="basic", auth="client_secret_basic"),
    replace(SEVEN[2], shows="none", auth="public"),
    replace(SEVEN[3], shows="basic", auth="client_secret_basic", renewal="refresh_token", lasts=None),
    replace(SEVEN[5], shows="basic", auth="client_secret_basic"),
    replace(SEVEN[6], shows="none", auth="public", renewal=None, lasts=3600),
    replace(SEVEN[3], vendor="altera", never="patient/*.write"),
    replace(SEVEN[3], vendor="followmyhealth", never="patient/*.write", pastes=True),
    Facts(
        "nextgen-office",
        shows="basic",
        auth="client_secret_basic",
        asks="openid offline_access patient/*.rs",
        lasts=30 * DAY,
    ),
    Facts(
        "medicare",
        shows="basic",
        auth="client_secret_basic",
        asks="openid profile patient/Patient.read patient/Coverage.read patient/ExplanationOfBenefit.read",
        never="fhirUser patient/*.read offline_access launch/patient",
        pastes=True,
        lasts=395 * DAY,
    ),
    Facts(
        "va",
        shows="none",
        auth="public",
        asks="launch/patient offline_access patient/Observation.read",
        never="patient/*.read patient/*.rs",
        pastes=True,
    ),
)


def name_of(facts: Facts) -> str:
    return f"{facts.vendor}-{facts.shows}"


def opened(hospital: Hospital, facts: Facts, port: int, **more: Any) -> Sandbox:
    """The vendor's stand-in, where this computer's address is registered with its port."""
    changed = {"drop_scopes": facts.drops} if facts.drops else {}
    return hospital(
        vendor=facts.vendor,
        resources=ward_of_everything(),
        redirect_uris=() if facts.pastes else (f"http://127.0.0.1:{port}/callback",),
        **changed,
        **more,
    )


def seconds_until(text: str | None, since: str) -> float:
    assert text is not None
    return (datetime.fromisoformat(text) - datetime.fromisoformat(since)).total_seconds()


def news(run: dict[str, Any]) -> int:
    return sum(one["new"] + one["updated"] for one in run["types"].values())


# ── what every walk must show ─────────────────────────────────────────────────────────────────────


def check_request(desk: Desk, facts: Facts, sandbox: Sandbox, port: int) -> None:
    """The authorization request, as it came."""
    asked = desk.authorize()
    words = asked["scope"].split()
    assert set(facts.asks.split()) <= set(words)
    assert not set(facts.never.split()) & set(words)
    assert len(words) == len(set(words))
    assert asked["aud"] == sandbox.fhir_base + ("/" if facts.slash else "")
    assert asked["client_id"] == facts.client_id
    assert asked["redirect_uri"] == (PASTE_PAGE if facts.pastes else f"http://127.0.0.1:{port}/callback")
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert len(asked["code_challenge"]) == 43 and len(asked["state"]) >= 22
    assert ("nonce" in asked) is facts.nonce


def check_exchange(desk: Desk, facts: Facts, sandbox: Sandbox) -> None:
    """The code, how the client showed who it is, and where the patient's id was."""
    (code,) = desk.tokens("authorization_code")
    assert (code.status, code.shown) == (200, facts.shows)
    assert 43 <= len(code.form["code_verifier"]) <= 128
    assert code.form["redirect_uri"] == desk.authorize()["redirect_uri"]
    assert ("patient" in code.answer) is (facts.told_by == "token")
    assert (code.answer["access_token"].count(".") == 2) is (facts.vendor in JWTS)
    assert code.answer["expires_in"] == facts.seconds
    searches = [one for one in desk.seen if one.path == "/fhir/Patient" and "_id" not in one.said]
    assert searches == [], "nobody had to be searched for: the sign-in said who it is"


JWTS = ("athenahealth", "veradigm", "altera", "followmyhealth")


def check_renewal(desk: Desk, facts: Facts) -> None:
    """One renewal, in the form that the vendor wants."""
    assert facts.renewal is not None
    (renewal,) = desk.tokens()
    form = renewal.form
    assert form["grant_type"].endswith(facts.renewal)
    assert renewal.status == 200
    if facts.renewal == "jwt-bearer":
        assert renewal.shown == "none", "the assertion is the grant itself"
        assert form["assertion"].count(".") == 2
    else:
        assert renewal.shown == facts.shows
        assert ("refresh_token" not in renewal.answer) is facts.keeps
    assert set(facts.repeats.split()) <= set(form)
    if "scope" not in facts.repeats:
        assert "scope" not in form


def check_kept(made: dict[str, Any], facts: Facts, sandbox: Sandbox) -> None:
    """What a person sees of the connection."""
    assert (made["auth"], made["patient_id"]) == (facts.auth, sandbox.patient)
    assert made["redirect"] == ("paste" if facts.pastes else "loopback")
    assert facts.seconds - 60 < seconds_until(made["token_expires"], made["connected"]) < facts.seconds + 60
    if facts.lasts is None:
        assert made["sign_in_before"] is None
    else:
        until = seconds_until(made["sign_in_before"], made["connected"])
        assert facts.lasts - 60 < until < facts.lasts + 60
    refused = {one["type"]: one["reason"] for one in made["refused"]}
    assert facts.refused is None or "not granted" in refused[facts.refused]


# ── the seven, at the command line ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("facts", SEVEN, ids=name_of)
def test_a_walk_at_the_command_line(
    facts: Facts, person: Any, hospital: Hospital, desk: Desk, phr: Any, phr_signs_in: Any, port: int
) -> None:
    sandbox = opened(hospital, facts, port)
    where = (facts.vendor, "--url", sandbox.fhir_base, "--client-id", facts.client_id, "--name", "clinic")
    way = {"secret": facts.secret, "pastes": facts.pastes}
    here = () if facts.pastes else ("--port", str(port))
    came = phr_signs_in("connect", *where, *here, **way)
    assert came.status == 0, came.err
    check_request(desk, facts, sandbox, port)
    check_exchange(desk, facts, sandbox)
    assert "This is the record of Ada Quill." in came.err
    assert "Granted: " in came.err
    if facts.refused:
        assert f"({facts.refused})" in came.err.partition("Not to be had")[2]
    if facts.secret:
        assert facts.secret not in came.out + came.err
    check_kept(shown(person), facts, sandbox)
    assert {"Condition", "Observation", "CarePlan", "MedicationRequest"} <= read_types(person)
    if facts.vendor == "athenahealth":
        assert all(f"ah-practice={PRACTICE}" in one.query for one in searches(desk))

    desk.forget()
    sandbox.authorization.expire_all()
    again = phr("sync", "--json")
    if facts.renewal is None:
        assert again.status == 4
        assert again.json["runs"][0]["error"]
        assert "phr reconnect clinic" in phr("sync").out
        again = phr_signs_in("reconnect", "clinic", *here, **way)
        assert again.status == 0 and "clinic: 0 new" in again.err
    else:
        check_renewal(desk, facts)
        assert (again.status, again.json["status"]) == (0, "completed")
        assert news(again.json["runs"][0]) == 0

    left = phr("disconnect", "clinic", "--json")
    assert left.json["disconnected"][0]["revoked"] is facts.revokes
    check_left(person, sandbox, facts, given(desk))


def given(desk: Desk) -> list[str]:
    """Every access token that was handed out since the page began."""
    return [one.answer["access_token"] for one in desk.tokens() if one.status == 200]


def check_left(person: Any, sandbox: Sandbox, facts: Facts, given: list[str]) -> None:
    """The provider honours nothing any more, where it can be told so; here nothing is left."""
    if facts.revokes:
        assert [one for one in given if sandbox.authorization.access(one)] == []
    if facts.revokes and facts.renewal:
        assert sandbox.authorization.living() == []
    workspace = person.workspace
    with workspace.store() as store:
        (known,) = store.connections.all()
    assert (known.state, known.sign_in_before) == ("revoked", None)
    assert tokens.kept_token(workspace, known) is None
    assert tokens.kept_registration(workspace, known) is None
    assert tokens.kept_keys(workspace, known.key) is None
    assert tokens.kept_secret(workspace, known) is None


def read_types(person: Any) -> set[str]:
    with person.workspace.store() as store:
        return set(store.counts()[0])


def searches(desk: Desk) -> list[Any]:
    return [one for one in desk.records() if one.method == "GET" and one.path.count("/") == 2]


# ── their other ways in, and the rest ─────────────────────────────────────────────────────────────


def browser_of(facts_paste: bool, ended: list[str]) -> Callable[[str], bool]:
    def paste(url: str) -> bool:
        ended.append(ended_on(url))
        return True

    return paste if facts_paste else follow


def connect(person: Any, sandbox: Sandbox, facts: Facts, port: int, **more: Any) -> Any:
    ended: list[str] = []
    request = ConnectRequest(
        provider=facts.vendor,
        url=sandbox.fhir_base,
        client_id=facts.client_id,
        client_secret=facts.secret,
        port=None if facts.pastes else port,
        redirect="paste" if facts.pastes else None,
        timeout=5,
        name="clinic",
    )
    voice = Speaker(browser_of(facts.pastes, ended), print, lambda: ended[-1], person.said.append)
    return person.workspace.connect(replace(request, **more), voice)


def shown(person: Any) -> dict[str, Any]:
    from phr.views import status

    with person.workspace.store() as store:
        return dict(status.connections(store)[0])


@pytest.mark.parametrize("facts", FURTHER, ids=name_of)
def test_their_other_ways_in(
    facts: Facts, person: Any, hospital: Hospital, desk: Desk, later: Any, port: int
) -> None:
    sandbox = opened(hospital, facts, port)
    connect(person, sandbox, facts, port)
    check_request(desk, facts, sandbox, port)
    check_exchange(desk, facts, sandbox)
    check_kept(shown(person), facts, sandbox)
    assert person.sync().exit_status == 0
    desk.forget()
    later(sandbox, seconds=facts.seconds + 1)
    report = person.sync()
    if facts.renewal is None:
        assert report.exit_status == 4
        assert "phr reconnect clinic" in shown(person)["attention"][0]
    else:
        check_renewal(desk, facts)
        assert report.exit_status == 0
        assert sum(one.new + one.updated for one in report.runs[0].types.values()) == 0
    assert [one.status for one in desk.records() if one.status == 401] == [], "it was known to have ended"
    assert person.workspace.disconnect("clinic").revoked is facts.revokes
    check_left(person, sandbox, facts, given(desk))


WALKED = {one.vendor for one in (*SEVEN, *FURTHER)}
OTHERS = [one for one in catalog.load(None).vendors.values() if one.id not in WALKED]


@pytest.mark.parametrize("vendor", OTHERS, ids=lambda one: one.id)
def test_the_usual_way_in_of_every_other_vendor(
    vendor: Any, person: Any, hospital: Hospital, desk: Desk, port: int
) -> None:
    # One Medical answers in the fragment, which only a real browser hands on: it is read off the address line.
    usual, pastes = vendor.auth[0], vendor.redirects[0] == "paste" or vendor.id == "one-medical"
    signs = usual == "private_key_jwt"
    app = RegisteredClient(jwks=keys.show(person.workspace, vendor.id).jwks) if signs else None
    facts = Facts(
        vendor.id,
        shows={"client_secret_basic": "basic", "private_key_jwt": "jwt"}.get(usual, "none"),
        auth=usual,
        asks="",
        pastes=pastes,
    )
    # Of these only a peer's scopes are known, and they have a wildcard.
    changed = {"change": {"wildcards": True}} if "patient/*" in vendor.resource_scopes else {}
    sandbox = opened(hospital, facts, port, clients={"signer": app} if app else {}, **changed)
    if usual == "none":
        made = connect(person, sandbox, facts, port, client_id=None, patient=sandbox.patient)
        assert desk.tokens() == [] and all(one.shown == "none" for one in desk.seen)
    else:
        made = connect(person, sandbox, facts, port, client_id="signer" if signs else facts.client_id)
        (code,) = desk.tokens("authorization_code")
        assert (code.status, code.shown) == (200, facts.shows)
    assert (made.auth, made.patient_id) == (usual, sandbox.patient)
    first = person.sync()
    assert (first.exit_status, first.runs[0].types["Condition"].new) == (0, 1)
    desk.forget()
    sandbox.authorization.expire_all()
    second = person.sync()
    renews = vendor.refresh != "none" and "offline_access" in made.granted_scopes
    assert second.exit_status == (0 if renews or usual == "none" else 4)
    assert len(desk.tokens("refresh_token")) == (1 if renews else 0)
    assert sum(one.new + one.updated for one in second.runs[0].types.values()) == 0
    left = person.workspace.disconnect("clinic")
    assert left.revoked is (None if usual == "none" else True)
    assert [one for one in given(desk) if sandbox.authorization.access(one)] == []
    assert not (renews and sandbox.authorization.living())


# ── ends ──────────────────────────────────────────────────────────────────────────────────────────


def of(vendor: str, shows: str) -> Facts:
    return next(one for one in (*SEVEN, *FURTHER) if (one.vendor, one.shows) == (vendor, shows))


@pytest.mark.parametrize(
    ("facts", "alive", "over"),
    [
        pytest.param(of("nextgen", "basic"), {"hours": 47}, {"hours": 49}, id="nextgen-48-hours-unused"),
        pytest.param(of("oracle", "none"), {"days": 89}, {"days": 91}, id="oracle-3-months-unused"),
    ],
)
def test_a_sign_in_that_dies_unused_lives_as_long_as_it_is_used(
    facts: Facts, alive: dict[str, float], over: dict[str, float],
    person: Any, hospital: Hospital, later: Any, port: int,
) -> None:  # fmt: skip
    sandbox = opened(hospital, facts, port)
    connect(person, sandbox, facts, port)
    before = shown(person)["sign_in_before"]
    for _ in range(2):
        later(sandbox, **alive)
        assert person.sync().exit_status == 0
        after = shown(person)["sign_in_before"]
        assert seconds_until(after, before) > 46 * 3600, "each use puts the end off"
        before = after
    later(sandbox, **over)
    report = person.sync()
    assert report.exit_status == 4
    assert (shown(person)["state"], report.runs[0].connection) == ("expired", "clinic")
    assert "phr reconnect clinic" in shown(person)["attention"][0]


@pytest.mark.parametrize(
    ("facts", "days"),
    [
        pytest.param(of("medicare", "basic"), 395, id="medicare-13-months"),
        pytest.param(of("epic", "basic"), 90, id="epic-confidential"),
        pytest.param(of("nextgen-office", "basic"), 30, id="nextgen-office"),
    ],
)
def test_an_end_that_was_fixed_at_the_consent_is_not_moved_by_renewing(
    facts: Facts, days: int, person: Any, hospital: Hospital, later: Any, port: int
) -> None:
    sandbox = opened(hospital, facts, port)
    connect(person, sandbox, facts, port)
    told = shown(person)["sign_in_before"]
    for passed in (days / 2, days / 2 - 1):
        later(sandbox, days=passed)
        assert person.sync().exit_status == 0
        assert abs(seconds_until(shown(person)["sign_in_before"], told)) < 60
    later(sandbox, days=2)
    assert person.sync().exit_status == 4


def test_epics_dynamic_client_goes_on_for_years_without_the_person(
    person: Any, hospital: Hospital, desk: Desk, later: Any, port: int
) -> None:
    facts = SEVEN[0]
    sandbox = opened(hospital, facts, port)
    made = connect(person, sandbox, facts, port)
    (registered,) = desk.asked("POST", "/oauth2/register")
    assert registered.shown == "bearer"
    assert b'"software_id":"phr-sandbox"' in registered.body.replace(b" ", b"")
    assert all(isinstance(key["kid"], str) and "d" not in key for key in _jwks(registered.body))
    own = tokens.kept_registration(person.workspace, made)
    assert own is not None and own.client_id == registered.answer["client_id"] != made.client_id
    for _ in range(3):
        later(sandbox, days=300)
        desk.forget()
        assert person.sync().exit_status == 0
        (renewal,) = desk.tokens()
        assert renewal.form["grant_type"].endswith("jwt-bearer")
        assert shown(person)["sign_in_before"] is None
    assert desk.asked("GET", "/oauth2/authorize") == []
    sandbox.authorization.revoke_all()  # the person ends it in the portal
    assert person.sync().exit_status == 4


def _jwks(body: bytes) -> list[dict[str, Any]]:
    import orjson

    return list(orjson.loads(body)["jwks"]["keys"])


def test_an_epic_hospital_without_dynamic_clients_says_how_long_it_lasts(
    person: Any, hospital: Hospital, later: Any, port: int
) -> None:
    facts = replace(SEVEN[0], auth="public", renewal=None, lasts=3600)
    sandbox = opened(hospital, facts, port, dynamic_registration=False)
    connect(person, sandbox, facts, port)
    check_kept(shown(person), facts, sandbox)
    assert any("does not offer lasting access" in words for words in person.said)
    assert person.sync().exit_status == 0, "while the first token lives"
    later(sandbox, hours=1, seconds=5)
    assert person.sync().exit_status == 4


# ── what only one of them does ────────────────────────────────────────────────────────────────────


def test_nextgen_may_read_the_address_and_nothing_else(
    person: Any, hospital: Hospital, desk: Desk, port: int
) -> None:
    facts = of("nextgen", "basic")
    sandbox = opened(hospital, facts, port, token_in_query="only")
    connect(person, sandbox, facts, port)
    used = desk.tokens("authorization_code")[-1]
    assert used.status == 200 and used.body == b""
    assert {"code", "code_verifier", "redirect_uri"} <= set(used.said)
    assert "client_secret" not in used.said and used.shown == "basic"
    desk.forget()
    sandbox.authorization.expire_all()
    assert person.sync().exit_status == 0
    assert desk.tokens("refresh_token")[-1].status == 200
    assert not any("client_secret" in one.said for one in desk.tokens())


def test_oracle_is_not_asked_twice_a_minute(
    person: Any, hospital: Hospital, desk: Desk, later: Any, port: int
) -> None:
    facts = of("oracle", "none")
    sandbox = opened(hospital, facts, port)
    connect(person, sandbox, facts, port)
    later(sandbox, seconds=540)
    assert person.sync().exit_status == 0
    assert len(desk.tokens("refresh_token")) == 1, "ahead of the end at 570 seconds"
    for _ in range(2):
        later(sandbox, seconds=20)
        assert person.sync().exit_status == 0
    assert len(desk.tokens("refresh_token")) == 1
    assert 429 not in [one.status for one in desk.tokens()]


def test_oracles_app_for_the_other_version_of_scopes_is_explained(
    person: Any, hospital: Hospital, port: int
) -> None:
    facts = of("oracle", "none")
    sandbox = opened(hospital, facts, port, scope_version="v1")
    connect(person, sandbox, facts, port)
    assert any("SMART version" in words and "phr providers show oracle" in words for words in person.said)
    made = shown(person)
    assert {"Condition", "Observation"} <= {one["type"] for one in made["refused"]}


def test_healow_does_not_come_back_to_this_computer_and_that_is_said(
    person: Any, hospital: Hospital, port: int
) -> None:
    facts = of("eclinicalworks", "basic")
    sandbox = opened(hospital, replace(facts, pastes=False), port)
    with pytest.raises(PhrError) as caught:
        connect(person, sandbox, replace(facts, pastes=False), port, redirect="loopback", timeout=0.3)
    assert isinstance(caught.value, SignInError)
    with person.workspace.store() as store:
        assert store.connections.all() == []


def test_an_address_that_is_not_registered_is_refused_by_all_who_compare_letters(
    person: Any, hospital: Hospital, port: int
) -> None:
    for vendor in ("epic", "oracle", "meditech", "veradigm", "nextgen", "athenahealth"):
        facts = next(one for one in SEVEN if one.vendor == vendor)
        sandbox = opened(hospital, facts, port)
        tried: list[int] = []

        def elsewhere(url: str, tried: list[int] = tried) -> bool:
            tried.append(httpx.get(url, timeout=20).status_code)
            return True

        voice = Speaker(elsewhere, print, None, person.said.append)
        request = ConnectRequest(
            vendor, sandbox.fhir_base, client_id=facts.client_id, client_secret=facts.secret
        )
        with pytest.raises(SignInError):
            person.workspace.connect(replace(request, port=0, timeout=0.1), voice)
        assert tried == [400], vendor
        sandbox.close()
