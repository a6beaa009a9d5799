"""What a tolerant client must cope with, item by item: discovery, signing in, staying signed in, several people.

`PROOFS` says for every item which tests show it; a test below sees to it that they are there. What is not shown in
another room is walked here, with the whole program against the sandbox.
"""

from __future__ import annotations

import ast
import html
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from phr.errors import SignInDenied, SignInError
from phr.sandbox.clients import RegisteredClient
from phr.sandbox.config import CONFIDENTIAL_ID, CONFIDENTIAL_SECRET
from phr.sandbox.server import Sandbox
from phr.workspace import keys
from phr.workspace.sign_in import ConnectRequest, Speaker
from phr.workspace.sync import SyncWish
from phr.workspace.tokens import kept_token

from .conftest import Asked, Desk, ended_on, follow, ward_of_everything

Hospital = Callable[..., Sandbox]
TESTS = Path(__file__).parents[1]
DAY = 86_400
ADA = {"resourceType": "Patient", "id": "ada", "name": [{"text": "Ada Quill"}]}
BO = {"resourceType": "Patient", "id": "bo", "name": [{"text": "Bo Quill"}]}

PROOFS: dict[int, str] = {
    1: """providers/test_directories.py::test_1_the_contained_organisation_is_found_without_the_hash
          providers/test_directories.py::test_every_name_of_epics_list_is_the_contained_one""",
    2: """providers/test_directories.py::test_2_the_name_is_only_on_the_organization_that_points_at_the_endpoint
          providers/test_directories.py::test_every_name_of_oracles_list_is_that_of_its_organization""",
    3: """providers/test_directories.py::test_3_references_by_urn_or_type_and_id
          providers/test_directories.py::test_3_several_portals_chains_circles_and_hidden_brands
          providers/test_directories.py::test_a_brand_below_another_has_its_parents_endpoint""",
    4: "providers/test_directories.py::test_4_totals_and_dates_that_make_no_sense_do_not_matter",
    5: """providers/test_merging.py::test_5_one_address_under_nearly_one_name_is_one_organisation
          providers/test_organisations.py::test_spellings_of_one_address_are_equal
          walks/test_items.py::test_13_aud_is_spelled_as_the_vendor_registered_it
          walks/test_items.py::test_5_one_server_in_two_spellings_is_one_connection""",
    6: """providers/test_merging.py::test_6_one_address_for_many_names_is_shared_and_each_keeps_its_own
          providers/test_merging.py::test_6_a_practice_at_a_base_that_is_known_to_be_shared_is_shared
          workspace/test_connections.py::test_an_address_for_everybody_takes_the_name_of_the_place""",
    7: """providers/test_directories.py::test_7_addresses_that_are_refused
          providers/test_merging.py::test_7_what_is_refused_is_counted_by_reason
          walks/test_connect.py::test_plain_http_goes_to_this_computer_only""",
    8: """providers/test_directories.py::test_8_fifty_megabytes_of_brands_take_little_memory
          providers/test_directories.py::test_8_what_is_no_directory_is_said_in_words
          providers/test_update.py::test_answers_that_are_no_list_are_said_in_words""",
    9: """walks/test_items.py::test_9_the_sign_in_server_is_found_wherever_it_is_named
          smart/test_discovery.py::test_the_capability_statement_answers_when_there_is_no_smart_configuration""",
    10: """walks/test_items.py::test_10_lists_that_say_too_little_stop_nothing
           smart/test_discovery.py::test_lists_that_are_misnamed_duplicated_or_absent_never_stop_a_sign_in""",
    11: """smart/test_discovery.py::test_base_issuer_and_endpoints_may_all_be_on_different_hosts
           walks/test_items.py::test_11_an_issuer_may_live_anywhere_but_be_no_stranger""",
    12: """smart/test_launch.py::test_a_query_that_the_authorize_address_has_is_kept
           walks/test_items.py::test_12_an_authorize_address_with_a_query_keeps_it""",
    13: """walks/test_items.py::test_13_aud_is_spelled_as_the_vendor_registered_it
           smart/test_launch.py::test_the_audience_is_spelled_as_the_vendor_wants_it""",
    14: "walks/test_items.py::test_14_the_challenge_is_sent_to_a_server_that_ignores_it",
    15: """walks/test_items.py::test_15_an_error_that_comes_back_is_told_in_words
           walks/test_items.py::test_15_the_answer_may_come_in_any_shape
           walks/test_connect.py::test_a_lying_server_gets_no_connection
           smart/test_launch.py::test_a_forged_answer_does_not_keep_the_right_one_out
           smart/test_loopback.py::test_a_bare_visit_gets_a_page_that_hands_the_fragment_over
           smart/test_loopback.py::test_the_issuer_must_be_the_server_that_was_asked
           smart/test_loopback.py::test_a_login_of_more_than_four_minutes_is_waited_for""",
    16: """walks/test_items.py::test_16_the_grant_is_read_however_it_is_put
           walks/test_items.py::test_16_a_smaller_grant_is_named_and_only_the_rest_is_asked_for
           walks/test_items.py::test_16_a_grant_that_narrows_asks_for_what_it_allows""",
    17: "walks/test_items.py::test_17_whose_record_it_is_is_found_wherever_it_stands",
    18: """walks/test_items.py::test_18_the_life_of_a_token_may_be_said_in_any_way
           walks/test_items.py::test_18_a_token_that_ends_between_two_pages_costs_no_page
           walks/test_items.py::test_18_tokens_of_a_second_are_lived_with
           smart/test_session.py::test_a_token_that_dies_between_two_pages_is_renewed_once_for_all_threads""",
    19: """walks/test_items.py::test_19_the_old_refresh_token_stays_where_no_new_one_comes
           walks/test_connect.py::test_a_rotated_token_is_kept_for_the_next_process
           smart/test_session.py::test_a_rotated_refresh_token_is_kept_before_it_is_used
           walks/test_two_processes.py::test_killed_between_the_token_answer_and_the_next_call
           walks/test_two_processes.py::test_two_syncs_with_an_ended_token_refresh_once
           walks/test_two_processes.py::test_a_sync_beside_a_doctor_refreshes_once
           workspace/test_tokens.py::test_killed_right_after_a_renewal_nothing_is_lost""",
    20: "walks/test_items.py::test_20_a_refresh_says_what_the_server_wants_repeated",
    21: """walks/test_items.py::test_21_without_refresh_token_the_run_keeps_what_came_and_asks_for_a_sign_in
           walks/test_vendors.py::test_an_epic_hospital_without_dynamic_clients_says_how_long_it_lasts""",
    22: """walks/test_items.py::test_22_trouble_that_passes_ends_no_sign_in
           walks/test_items.py::test_22_what_only_a_sign_in_or_the_registration_mends_is_told_apart
           smart/test_token.py::test_a_400_without_a_readable_error_may_pass""",
    23: """walks/test_vendors.py::test_epics_dynamic_client_goes_on_for_years_without_the_person
           walks/test_vendors.py::test_an_epic_hospital_without_dynamic_clients_says_how_long_it_lasts
           walks/test_items.py::test_23_a_new_client_that_is_not_known_everywhere_yet_is_tried_again
           walks/test_items.py::test_23_a_clock_that_is_wrong_ends_no_lasting_access
           smart/test_client.py::test_a_wrong_clock_is_mended_by_the_servers""",
    24: """walks/test_vendors.py::test_oracle_is_not_asked_twice_a_minute
           smart/test_session.py::test_a_vendor_with_a_pause_is_not_asked_again_for_a_token_that_is_merely_due""",
    25: """walks/test_items.py::test_25_the_end_is_told_days_ahead
           walks/test_vendors.py::test_an_end_that_was_fixed_at_the_consent_is_not_moved_by_renewing
           smart/test_token.py::test_the_end_of_a_sign_in_is_foreseen""",
    61: """walks/test_items.py::test_61_a_second_patient_is_a_second_connection_and_overwrites_nothing
           walks/test_items.py::test_61_a_proxy_is_named
           walks/test_connect.py::test_reconnecting_as_somebody_else_changes_nothing""",
}
"""Number of the item to the tests that show it, below `tests`."""


def test_every_item_is_shown_by_tests_that_are_there() -> None:
    assert set(PROOFS) == {*range(1, 26), 61}
    named = {word for tests in PROOFS.values() for word in tests.split()}
    there: dict[str, set[str]] = {}
    for file in {word.partition("::")[0] for word in named}:
        tree = ast.parse((TESTS / file).read_text("utf-8"))
        there[file] = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    missing = {word for word in named if word.partition("::")[2] not in there[word.partition("::")[0]]}
    assert missing == set()


def news(report: Any) -> int:
    return sum(one.new + one.updated for run in report.runs for one in run.types.values())


def token_of(person: Any, made: Any) -> Any:
    found = kept_token(person.workspace, made)
    assert found is not None
    return found


# ── discovery and authorisation ───────────────────────────────────────────────────────────────────


def test_5_one_server_in_two_spellings_is_one_connection(person: Any, hospital: Hospital, desk: Desk) -> None:
    sandbox = hospital(resources=(ADA,))
    first = person.connect(sandbox, url=sandbox.fhir_base + "/")
    assert desk.authorize()["aud"] == sandbox.fhir_base + "/", "as it was published"
    second = person.connect(sandbox)
    assert desk.authorize()["aud"] == sandbox.fhir_base
    assert (second.key, second.fhir_base) == (first.key, first.fhir_base)


@pytest.mark.parametrize("where", ["smart", "metadata", "metadata-old", "root", "html"])
def test_9_the_sign_in_server_is_found_wherever_it_is_named(
    where: str, person: Any, hospital: Hospital, desk: Desk
) -> None:
    sandbox = hospital(resources=(ADA,), discovery=where, change={"iss_parameter": False})
    person.connect(sandbox, name="clinic")
    sandbox.authorization.expire_all()
    assert person.sync().exit_status == 0
    assert person.workspace.disconnect("clinic").revoked is True
    assert sandbox.authorization.living() == []


LISTS = ("scopes_supported", "grant_types_supported", "token_endpoint_auth_methods_supported", "capabilities",
         "response_types_supported", "code_challenge_methods_supported")  # fmt: skip


@pytest.mark.parametrize(
    "said", [None, [], ["openid", "openid", "x"], "private_key_jwt", 7, {"a": 1}], ids=repr
)
def test_10_lists_that_say_too_little_stop_nothing(said: object, person: Any, hospital: Hospital) -> None:
    says = dict.fromkeys(LISTS, said)
    sandbox = hospital(resources=(ADA,), change={"says": says})
    made = person.connect(sandbox)
    assert (made.patient_id, made.auth) == ("ada", "public")
    assert token_of(person, made).refresh_token


@pytest.mark.parametrize(
    ("issuer", "id_token", "good"),
    [
        ("https://id.elsewhere.invalid/oauth2/x", None, True),
        ("{origin}/", None, True),
        ("{base}/", "{base}", True),
        ("{base}", "https://stranger.invalid", False),
    ],
)
def test_11_an_issuer_may_live_anywhere_but_be_no_stranger(
    issuer: str, id_token: str | None, good: bool, person: Any, hospital: Hospital
) -> None:
    change = {"issuer": issuer, "id_token_issuer": id_token, "iss_parameter": False}
    paths = {"token": "/tenants/t/hosts/fhir.example.org/token", "authorize": "/elsewhere/authorize"}
    sandbox = hospital(resources=(ADA,), change={**change, "paths": paths})
    if good:
        assert person.connect(sandbox).patient_id == "ada"
    else:
        with pytest.raises(SignInError, match="another server"):
            person.connect(sandbox)


def test_12_an_authorize_address_with_a_query_keeps_it(person: Any, hospital: Hospital, desk: Desk) -> None:
    sandbox = hospital(resources=(ADA,), change={"authorize_query": "practice=7&aud={base}"})
    assert person.connect(sandbox).patient_id == "ada"
    asked = desk.authorize()
    assert (asked["practice"], asked["aud"]) == ("7", sandbox.fhir_base)
    queries = [one.query for one in desk.seen if "response_type" in one.said]
    assert all("?" not in query and query.count("practice=7") == 1 for query in queries)


@pytest.mark.parametrize("slash", [True, False])
def test_13_aud_is_spelled_as_the_vendor_registered_it(
    slash: bool, person: Any, hospital: Hospital, port: int
) -> None:
    own = (f"http://127.0.0.1:{port}/callback",)
    exact = {"aud_exact": True, "redirect_uris": own, "resources": ward_of_everything()}
    sandbox = hospital(vendor="oracle", change={"aud_slash": slash}, **exact)
    request = ConnectRequest("oracle", sandbox.fhir_base, client_id=sandbox.client_id, port=port, timeout=5)
    if not slash:  # Oracle's guide has it with a slash; who knows better writes that down
        with pytest.raises(SignInError):
            person.workspace.connect(request, Speaker(follow, print))
        own_catalogue(person, "[vendors.oracle]\naud_slash = false\n")
    assert person.workspace.connect(request, Speaker(follow, print)).patient_id == sandbox.patient


def own_catalogue(person: Any, text: str) -> None:
    file = person.workspace.paths.providers_file
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file.write_text(text)


def test_14_the_challenge_is_sent_to_a_server_that_ignores_it(
    person: Any, hospital: Hospital, desk: Desk
) -> None:
    sandbox = hospital(resources=(ADA,), pkce="ignored")
    assert person.connect(sandbox).patient_id == "ada"
    asked, (exchange,) = desk.authorize(), desk.tokens("authorization_code")
    assert asked["code_challenge_method"] == "S256" and len(asked["code_challenge"]) == 43
    assert exchange.form["code_verifier"]


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        ("access_denied", SignInDenied, "phr connect"),
        ("invalid_scope", SignInError, "phr providers show oracle"),
        ("unauthorized_client", SignInError, ""),
        ("temporarily_unavailable", SignInError, "again"),
        ("unheard_of", SignInError, ""),
    ],
)
def test_15_an_error_that_comes_back_is_told_in_words(
    error: str, kind: type[Exception], words: str, person: Any, hospital: Hospital, port: int
) -> None:
    own = (f"http://127.0.0.1:{port}/callback",)
    sandbox = hospital(vendor="oracle", resources=(ADA,), authorize_error=error, redirect_uris=own)
    request = ConnectRequest("oracle", sandbox.fhir_base, client_id=sandbox.client_id, port=port, timeout=5)
    with pytest.raises(kind) as caught:
        person.workspace.connect(request, Speaker(follow, print))
    told = f"{caught.value} {getattr(caught.value, 'hint', '')}"
    assert len(told) > 40 and "Traceback" not in told
    assert sandbox.fhir_base.removesuffix("/fhir") + "/errors/" not in told, (
        "plain http is no page to send one to"
    )
    with person.workspace.store() as store:
        assert store.connections.all() == []


def submit(url: str) -> bool:
    """A browser that posts the form it is shown."""
    page = httpx.get(url, follow_redirects=True, timeout=20).text
    action = html.unescape(re.search(r'action="([^"]+)"', page)[1])  # type: ignore[index]
    fields = re.findall(r'name="([^"]+)" value="([^"]*)"', page)
    data = {name: html.unescape(value) for name, value in fields}
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(url))
    return httpx.post(action, data=data, headers={"Origin": origin}, timeout=20).status_code < 500


def twice(url: str) -> bool:
    """A browser that loads the last page again."""
    last = ended_on(url)
    return [httpx.get(last, timeout=20).status_code < 500 for _ in range(2)] == [True, True]


def handed_over(url: str) -> bool:
    """A browser that keeps the fragment to itself, until the page it is shown asks for it."""
    before, _, fragment = ended_on(url).partition("#")
    page = httpx.get(before, timeout=20)
    assert fragment and "location.hash" in page.text
    return httpx.get(f"{before}?{fragment}", timeout=20).status_code < 500


@pytest.mark.parametrize(("by", "browser"), [("query", twice), ("post", submit), ("fragment", handed_over)])
def test_15_the_answer_may_come_in_any_shape(
    by: str, browser: Callable[[str], bool], person: Any, hospital: Hospital, desk: Desk
) -> None:
    sandbox = hospital(resources=(ADA,), answer_by=by)  # with `iss`, too
    made = person.connect(sandbox, browser=browser, timeout=5)
    assert made.patient_id == "ada"
    assert [one.status for one in desk.tokens("authorization_code")] == [200], "a code is used once"


# ── what was granted, and for whom ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("how", "granted"),
    [("as-granted", True), ("reordered", True), ("other-dialect", True), ("empty", False), ("missing", True)],
)
def test_16_the_grant_is_read_however_it_is_put(
    how: str, granted: bool, person: Any, hospital: Hospital
) -> None:
    sandbox = hospital(resources=ward_of_everything(), scope_answer=how)
    made = person.connect(sandbox)
    assert made.refused == (), "by meaning nothing is missing, or nothing was said"
    assert bool(made.granted_scopes) is granted
    assert not any("granted none" in words for words in person.said)
    for again in (False, True):
        if again:
            sandbox.authorization.expire_all()
        report = person.sync()
        assert report.exit_status == 0
        assert {"Condition", "Observation", "CarePlan"} <= set(report.runs[0].types)


def test_16_a_smaller_grant_is_named_and_only_the_rest_is_asked_for(
    person: Any, hospital: Hospital, desk: Desk, port: int
) -> None:
    sandbox = hospital(
        vendor="oracle",
        resources=ward_of_everything(),
        redirect_uris=(f"http://127.0.0.1:{port}/callback",),
        drop_scopes=("patient/Condition.rs", "patient/CarePlan.rs"),
    )
    made = person.connect(sandbox, provider="oracle", port=port)
    refused = {one.type: one.reason for one in made.refused}
    assert {"Condition", "CarePlan"} <= set(refused)
    assert all("not granted" in refused[one] for one in ("Condition", "CarePlan"))
    report = person.sync()
    assert report.exit_status == 0
    assert report.runs[0].types["Observation"].new == 1
    assert [one for one in desk.records() if one.path.endswith(("/Condition", "/CarePlan"))] == []


def test_16_a_grant_that_narrows_asks_for_what_it_allows(person: Any, hospital: Hospital, desk: Desk) -> None:
    own = RegisteredClient(scopes=("openid", "launch/patient", "offline_access", "patient/Condition.rs"))
    sandbox = hospital(resources=ward_of_everything(), clients={"narrow": own})
    named = '["patient/Condition.rs", "patient/Observation.rs"]'
    own_catalogue(person, f'[vendors.acme]\nname = "Acme"\nresource_scopes = {named}\n')
    made = person.connect(sandbox, provider="acme", client_id="narrow")
    assert "patient/Condition.rs" in made.granted_scopes
    reasons = {one.type: one.reason for one in made.refused}
    assert reasons["Observation"] == "not granted at sign-in"
    assert reasons["CarePlan"] == "not asked for at sign-in"
    assert person.sync().runs[0].types["Condition"].new == 1
    assert [one for one in desk.records() if one.path.endswith("/Observation")] == []


@pytest.mark.parametrize(
    ("changed", "searched"),
    [
        ({}, False),
        ({"patient_in_token": False}, False),
        ({"patient_in_token": False, "drop_scopes": ("fhirUser",), "access_claims": {"patient": "{patient}"}}, False),
        ({"patient_in_token": False, "drop_scopes": ("openid",),
          "access_claims": {"local_patient_id": "{patient}"}}, False),
        ({"patient_in_token": False, "drop_scopes": ("openid",),
          "access_claims": {"fhirUser": "https://h.invalid/r4/Patient/{patient}"}}, False),
        ({"patient_in_token": False, "drop_scopes": ("fhirUser",)}, True),
        ({"patient_in_token": False, "drop_scopes": ("openid", "fhirUser")}, True),
    ],
    ids=["token", "id_token", "access-patient", "access-local", "access-fhirUser", "search", "search-no-id_token"],
)  # fmt: skip
def test_17_whose_record_it_is_is_found_wherever_it_stands(
    changed: dict[str, Any], searched: bool, person: Any, hospital: Hospital, desk: Desk
) -> None:
    sandbox = hospital(resources=(ADA, BO), patient="bo", change=changed)
    made = person.connect(sandbox)
    assert made.patient_id == "bo"
    assert any(one.path == "/fhir/Patient" for one in desk.records()) is searched
    sandbox.authorization.expire_all()
    assert person.sync().exit_status == 0


# ── staying signed in ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("how", "known"), [("number", True), ("text", True), ("missing", False)])
def test_18_the_life_of_a_token_may_be_said_in_any_way(
    how: str, known: bool, person: Any, hospital: Hospital, desk: Desk, later: Any
) -> None:
    sandbox = hospital(resources=ward_of_everything(), expires_in_as=how, token_seconds=300)
    made = person.connect(sandbox)
    assert (made.token_expires is not None) is known
    desk.forget()
    later(sandbox, seconds=301)
    assert person.sync().exit_status == 0
    assert len(desk.tokens("refresh_token")) == 1
    met = [one for one in desk.records() if one.status == 401]
    assert len(met) == (0 if known else 1), "what is not known shows by a 401"


def test_18_a_token_that_ends_between_two_pages_costs_no_page(
    person: Any, hospital: Hospital, desk: Desk
) -> None:
    subject = {"reference": "Patient/ada"}
    rows = [{"resourceType": "Condition", "id": f"c{n}", "subject": subject} for n in range(9)]
    sandbox = hospital(resources=(ADA, *rows))
    person.connect(sandbox)
    person.environ["PHR_SYNC_BATCH_SIZE"] = "3"
    desk.forget()
    pages: list[Asked] = []

    def third(one: Asked) -> bool:
        if one.path.endswith("/Condition") or "page" in one.query:
            pages.append(one)
        return len(pages) == 3 and one is pages[-1]

    gate = desk.hold(third)

    def end() -> None:
        gate.wait()
        sandbox.authorization.expire_all()
        gate.open()

    helper = threading.Thread(target=end)
    helper.start()
    report = person.workspace.sync(SyncWish(types=("Condition",)))
    helper.join()
    assert (report.exit_status, report.runs[0].types["Condition"].new) == (0, 9)
    assert [one.status for one in desk.tokens()] == [200]
    assert [one.status for one in desk.records()].count(401) == 1


def test_18_tokens_of_a_second_are_lived_with(person: Any, hospital: Hospital, desk: Desk) -> None:
    sandbox = hospital(resources=ward_of_everything(), token_seconds=1, faults=("slow",))
    person.connect(sandbox)
    report = person.sync()
    assert report.exit_status == 0
    assert report.runs[0].types["Condition"].new == 1
    assert len(desk.tokens("refresh_token")) < len(desk.records()), "not one for every request"


@pytest.mark.parametrize("rotation", ["always", "sometimes", "never"])
def test_19_the_old_refresh_token_stays_where_no_new_one_comes(
    rotation: str, person: Any, hospital: Hospital, desk: Desk
) -> None:
    sandbox = hospital(resources=(ADA,), change={"rotation": rotation})
    made = person.connect(sandbox)
    good = token_of(person, made).refresh_token
    for _ in range(4):
        sandbox.authorization.expire_all()
        assert person.sync().exit_status == 0
        answer = desk.tokens("refresh_token")[-1].answer
        good = answer.get("refresh_token", good)
        assert token_of(person, made).refresh_token == good
    assert [one.status for one in desk.tokens("refresh_token")] == [200] * 4


@pytest.mark.parametrize("needs", [(), ("scope",), ("client_id",), ("scope", "client_id")], ids="+".join)
@pytest.mark.parametrize("method", ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"])
def test_20_a_refresh_says_what_the_server_wants_repeated(
    method: str, needs: tuple[str, ...], person: Any, hospital: Hospital, desk: Desk
) -> None:
    jwks = keys.show(person.workspace, "custom").jwks if method == "private_key_jwt" else None
    secret = CONFIDENTIAL_SECRET if method.startswith("client_secret") else None
    app = RegisteredClient(secret, jwks, method=method)
    sandbox = hospital(resources=(ADA,), clients={"app": app}, change={"refresh_needs": needs})
    auth = "public" if method == "none" else method
    made = person.connect(sandbox, client_id="app", client_secret=secret, auth=auth)
    assert made.auth == auth
    sandbox.authorization.expire_all()
    desk.forget()
    assert person.sync().exit_status == 0
    last = desk.tokens("refresh_token")[-1]
    assert last.status == 200 and set(needs) <= set(last.form)
    shown = {"client_secret_basic": "basic", "client_secret_post": "post", "private_key_jwt": "jwt"}
    assert last.shown == shown.get(method, "none")


def test_21_without_refresh_token_the_run_keeps_what_came_and_asks_for_a_sign_in(
    person: Any, hospital: Hospital, desk: Desk, phr: Any, begin: Any
) -> None:
    sandbox = hospital(resources=ward_of_everything(), change={"refresh_for_public": False})
    made = person.connect(sandbox, name="clinic")
    assert made.sign_in_before == made.token_expires is not None
    assert not token_of(person, made).refresh_token
    # Ends while the run is on its way: at the last type that it asks for.
    gate = desk.hold(lambda one: one.path.endswith("/Observation"))
    child = begin("sync")
    gate.wait()
    sandbox.authorization.expire_all()
    gate.open()
    out, err = child.communicate(timeout=60)
    assert child.returncode == 4, err
    assert "phr reconnect clinic" in out
    with person.workspace.store() as store:
        assert store.counts()[0]["Patient"] == 1, "what came before stays"
    assert phr("sync").status == 4
    assert "phr reconnect clinic" in phr("status").out


@pytest.mark.parametrize("trouble", ["empty-400", "429", "500", "503", "html", "reset"])
def test_22_trouble_that_passes_ends_no_sign_in(
    trouble: str, person: Any, hospital: Hospital, desk: Desk
) -> None:
    sandbox = hospital(resources=(ADA,))
    made = person.connect(sandbox, name="clinic")
    before = token_of(person, made)
    sandbox.authorization.expire_all()
    person.environ["PHR_SYNC_RETRY_ATTEMPTS"] = "0"
    sandbox.trouble_tokens(trouble)
    report = person.sync()
    assert report.exit_status in (0, 1), "0 where the server said when to come back"
    if report.exit_status:
        assert token_of(person, made) == before
        with person.workspace.store() as store:
            assert store.connections.get("clinic").state != "expired"
    assert person.sync().exit_status == 0


@pytest.mark.parametrize(
    ("trouble", "status", "state"),
    [
        ("invalid_grant", 4, "expired"),
        ("null-grant", 4, "expired"),
        ("invalid_client", 1, "error"),
        ("unauthorized_client", 1, "error"),
        ("invalid_scope", 0, "active"),
    ],
)
def test_22_what_only_a_sign_in_or_the_registration_mends_is_told_apart(
    trouble: str, status: int, state: str, person: Any, hospital: Hospital, phr: Any
) -> None:
    sandbox = hospital(resources=(ADA,))
    person.connect(sandbox, name="clinic")
    sandbox.authorization.expire_all()
    sandbox.trouble_tokens(trouble)
    ended = phr("sync")
    assert ended.status == status
    with person.workspace.store() as store:
        assert store.connections.get("clinic").state == state
    if status == 4:
        assert "phr reconnect clinic" in ended.out
    if status == 1:
        assert "client id" in ended.out
    if status != 4:  # the server was wrong about it, and the sign-in is good still
        assert phr("sync").status == 0


def test_23_a_new_client_that_is_not_known_everywhere_yet_is_tried_again(
    person: Any, hospital: Hospital, desk: Desk, port: int
) -> None:
    own = (f"http://127.0.0.1:{port}/callback",)
    sandbox = hospital(vendor="epic", resources=ward_of_everything(), redirect_uris=own)
    gate = desk.hold(lambda one: one.path == "/oauth2/register")

    def doubt() -> None:
        gate.wait()
        sandbox.trouble_tokens("null-grant")
        gate.open()

    helper = threading.Thread(target=doubt)
    helper.start()
    made = person.connect(sandbox, provider="epic", port=port)
    helper.join()
    assert (made.auth, made.sign_in_before) == ("dynamic", None)
    assert [one.status for one in desk.tokens("jwt-bearer")] == [400, 200]
    assertions = [one.form["assertion"] for one in desk.tokens("jwt-bearer")]
    assert len(set(assertions)) == 2, "none is ever sent twice"


LATE = (
    "import sys, time; real = time.time; time.time = lambda: real() + {seconds};"
    "from phr.cli.app import run; run(sys.argv[1:])"
)


@pytest.mark.parametrize("seconds", [-900, 900])
def test_23_a_clock_that_is_wrong_ends_no_lasting_access(
    seconds: int, person: Any, hospital: Hospital, desk: Desk, port: int, begin: Any,
    phr_signs_in: Any, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    own = (f"http://127.0.0.1:{port}/callback",)
    sandbox = hospital(vendor="epic", resources=ward_of_everything(), redirect_uris=own)
    spawn = subprocess.Popen

    def wrong_clock(words: list[str], **more: Any) -> Any:
        assert words[:3] == [sys.executable, "-m", "phr"]
        return spawn([sys.executable, "-c", LATE.format(seconds=seconds), *words[3:]], **more)

    monkeypatch.setattr(subprocess, "Popen", wrong_clock)
    where = ("epic", "--url", sandbox.fhir_base, "--client-id", sandbox.client_id, "--name", "clinic")
    came = phr_signs_in("connect", *where, "--port", str(port))
    assert came.status == 0, came.err
    assert desk.tokens("jwt-bearer")[-1].status == 200
    sandbox.authorization.expire_all()
    child = begin("sync")
    out, err = child.communicate(timeout=60)
    assert child.returncode == 0, out + err
    assert len(desk.tokens("jwt-bearer")) <= 4, "each with one more try, by the server's clock"


@pytest.mark.parametrize("told", ["jwt", "refresh_expires_in", "refresh_token_expires_in"])
def test_25_the_end_is_told_days_ahead(told: str, person: Any, hospital: Hospital, phr: Any) -> None:
    days = {"refresh_ends_seconds": 5 * DAY, "refresh_end_as": told}
    sandbox = hospital(resources=(ADA,), **days)
    request = {"client_id": CONFIDENTIAL_ID, "client_secret": CONFIDENTIAL_SECRET}
    made = person.connect(sandbox, name="clinic", **request)
    assert made.sign_in_before is not None
    day = made.sign_in_before[:10]
    sandbox.authorization.expire_all()
    report = person.sync()
    assert report.exit_status == 0, "it still works"
    assert [name for name, _ in report.sign_in_soon] == ["clinic"]
    (listed,) = phr("connections", "--json").json["connections"]
    assert listed["sign_in_soon"] is True and listed["sign_in_before"].startswith(day)
    screen = phr("status").out
    assert "phr reconnect clinic" in screen and "ign in again" in screen


def test_25_an_end_far_away_warns_nobody(person: Any, hospital: Hospital) -> None:
    sandbox = hospital(resources=(ADA,), refresh_ends_seconds=60 * DAY, refresh_end_as="jwt")
    assert person.connect(sandbox).sign_in_before is not None
    assert person.sync().sign_in_soon == ()


# ── several people ────────────────────────────────────────────────────────────────────────────────


def test_61_a_second_patient_is_a_second_connection_and_overwrites_nothing(
    person: Any, hospital: Hospital
) -> None:
    rows = [
        {"resourceType": "Condition", "id": f"c-{one}", "subject": {"reference": f"Patient/{one}"}}
        for one in ("ada", "bo")
    ]
    sandbox = hospital(resources=(ADA, BO, *rows))

    def as_bo(url: str) -> bool:
        sandbox._hospital.config = replace(sandbox._hospital.config, patient="bo")
        return follow(url)

    first = person.connect(sandbox)
    before = token_of(person, first)
    second = person.connect(sandbox, browser=as_bo)
    assert (first.patient_id, second.patient_id) == ("ada", "bo")
    assert first.key != second.key and first.name != second.name
    assert token_of(person, first) == before
    assert person.sync().exit_status == 0
    with person.workspace.store() as store:
        assert {one.patient_id for one in store.connections.all()} == {"ada", "bo"}
        assert store.counts()[0]["Condition"] == 2
    kept = token_of(person, first)
    voice = Speaker(as_bo, print)
    with pytest.raises(SignInError, match="another person"):
        person.workspace.reconnect(first.name, ConnectRequest(port=0), voice)
    assert token_of(person, first) == kept
    assert person.sync().exit_status == 0, "both sign-ins live, also the one that was not changed"


@pytest.mark.parametrize(
    ("who", "words"),
    [
        ("RelatedPerson/mum", "as a relative or proxy (RelatedPerson/mum) for patient bo"),
        ("Patient/ada", "as patient ada, with access to the record of patient bo"),
        ("Practitioner/dr", "as Practitioner/dr, not as a patient"),
    ],
)
def test_61_a_proxy_is_named(
    who: str, words: str, person: Any, hospital: Hospital, phr: Any, phr_signs_in: Any
) -> None:
    sandbox = hospital(resources=(ADA, BO), patient="bo", fhir_user=who)
    where = ("custom", "--url", sandbox.fhir_base, "--client-id", sandbox.client_id, "--name", "clinic")
    came = phr_signs_in("connect", *where, "--port", "0", "--no-sync")
    assert came.status == 0, came.err
    assert words in " ".join(came.err.split())
    shown = phr("connections", "show", "clinic", "--json").json
    assert (shown["fhir_user"], shown["patient_id"]) == (who, "bo")
