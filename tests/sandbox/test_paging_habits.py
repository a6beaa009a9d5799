"""Pages as servers were seen to make them: links of every form, wrong totals, circles, and odd entries."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from .conftest import ADA, App, Start, observation

MANY = ({"resourceType": "Patient", "id": ADA}, *(observation(f"o{n:03}") for n in range(109)))


def link(bundle: dict[str, Any], relation: str) -> str | None:
    return next((one["url"] for one in bundle["link"] if one["relation"] == relation), None)


def ids(bundle: dict[str, Any]) -> list[str]:
    return [entry["resource"]["id"] for entry in bundle.get("entry") or ()]


def first(app: App, query: str = "_count=2") -> dict[str, Any]:
    answer = app.fhir(f"Observation?patient={ADA}&{query}", app.sandbox.issue_token())
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


class Walk:
    """A client that goes where it is led, a few pages far."""

    def __init__(self, app: App, pages: int = 6) -> None:
        self.token = app.sandbox.issue_token()
        self.links: list[str] = []
        self.found: list[list[str]] = []
        self.totals: list[Any] = []
        self.answer = app.fhir(f"Observation?patient={ADA}&_count=2", self.token)
        for _ in range(pages):
            if self.answer.status_code != 200:
                break
            bundle = self.answer.json()
            self.found.append(ids(bundle))
            self.totals.append(bundle.get("total"))
            following = link(bundle, "next")
            if following is None:
                break
            self.links.append(following)
            self.answer = app.http.get(following, headers={"Authorization": f"Bearer {self.token}"})


def test_nextgen_announces_more_than_it_leads_to(start: Start) -> None:
    app = start(vendor="nextgen", resources=MANY, page_size=None)
    token = app.sandbox.issue_token()
    query = f"Observation?patient={ADA}&category=laboratory&_count=50"
    one = app.fhir(query, token).json()
    following = link(one, "next")
    assert following is not None
    two = app.http.get(following, headers={"Authorization": f"Bearer {token}"}).json()

    assert (one["total"], two["total"]) == (109, 109)
    assert (len(ids(one)), len(ids(two))) == (25, 25)
    assert link(two, "next") is None
    assert urlsplit(following).path == "/FHIR/Observation"
    assert dict(parse_qsl(urlsplit(following).query))["page"] == "2"
    probed = [ids(app.fhir(f"{query}&page={n}", token).json()) for n in range(3, 7)]
    assert [len(page) for page in probed] == [25, 25, 9, 0]
    everything = [*ids(one), *ids(two), *(id_ for page in probed for id_ in page)]
    assert sorted(everything) == [f"o{n:03}" for n in range(109)]


@pytest.mark.parametrize(("by", "second"), [("page", "2"), ("startIndex", "2")])
def test_numbers_count_pages_or_entries(start: Start, by: str, second: str) -> None:
    app = start(change={"next_by": by})
    walk = Walk(app)

    assert walk.found == [["a1", "a2"], ["a3"]]
    query = dict(parse_qsl(urlsplit(walk.links[0]).query))
    assert query == {"patient": ADA, "_count": "2", by: second}


@pytest.mark.parametrize(
    ("vendor", "by", "keeps"),
    [("epic", "sessionID", False), ("athenahealth", "cursor", True), ("oracle", "pageContext", True)],
)
def test_vendors_name_pages_in_their_own_way(start: Start, vendor: str, by: str, keeps: bool) -> None:
    app = start(vendor=vendor, resources=MANY)
    bundle = first(app, "category=laboratory&_count=5")
    said = dict(parse_qsl(urlsplit(link(bundle, "next") or "").query))

    assert by in said
    assert ("category" in said) is keeps
    assert (said.get("direction") == "NEXT") is (vendor == "oracle")


@pytest.mark.parametrize(
    ("how", "start_of_link"),
    [
        ("absolute", "http://127.0.0.1:{port}/fhir/Observation?"),
        ("relative", "Observation?"),
        ("rooted", "/fhir/Observation?"),
        ("other-host", "http://fhir4.invalid/fhir/Observation?"),
        ("localhost", "http://localhost:{port}/fhir/Observation?"),
        ("https", "https://127.0.0.1:{port}/fhir/Observation?"),
        ("other-case", "http://127.0.0.1:{port}/FHIR/Observation?"),
    ],
)
def test_links_take_many_forms_and_lead_on_below_the_base(start: Start, how: str, start_of_link: str) -> None:
    app = start(change={"next_as": how})
    token = app.sandbox.issue_token()
    bundle = app.fhir("Observation?_count=2", token).json()
    following = link(bundle, "next") or ""

    assert following.startswith(start_of_link.replace("{port}", app.origin.rpartition(":")[2]))
    rest = app.fhir(f"Observation?{urlsplit(following).query}", token).json()
    assert ids(bundle) + ids(rest) == ["a1", "a2", "a3"]


def test_a_bearer_that_follows_a_link_to_another_host_is_noticed(start: Start) -> None:
    app = start(change={"next_as": "localhost"})
    first(app)
    assert app.sandbox.ledger.strayed == []
    Walk(app)

    assert app.sandbox.ledger.strayed == ["/fhir/Observation"]


def test_a_path_of_other_letters_is_answered(start: Start) -> None:
    assert Walk(start(change={"next_as": "other-case"})).found == [["a1", "a2"], ["a3"]]


def test_a_link_may_hold_what_should_have_been_escaped(start: Start) -> None:
    app = start(change={"next_as": "unescaped", "next_keeps_query": True})
    token = app.sandbox.issue_token()
    category = "http://example.org/category%7Claboratory"
    bundle = app.fhir(f"Observation?category={category}&_count=1", token).json()
    following = link(bundle, "next") or ""

    assert "category|laboratory" in following
    assert " " in following
    following = following.replace(" ", "%20").replace("|", "%7C")
    assert ids(app.http.get(following, headers={"Authorization": f"Bearer {token}"}).json()) == ["a2"]


def test_links_may_lead_in_a_circle(start: Start) -> None:
    own = Walk(start(change={"next_loops": "self"}))
    assert own.found == [["a1", "a2"]] * 6
    assert len(set(own.links)) == 1

    again = Walk(start(change={"next_loops": "again"}))
    assert again.found == [["a1", "a2"]] + [["a3"]] * 5
    assert len(set(again.links)) == 1

    round_ = Walk(start(change={"next_loops": "first"}))
    assert round_.found == [["a1", "a2"], ["a3"]] * 3


@pytest.mark.parametrize(
    ("way", "status", "code"), [("404", 404, None), ("410", 410, None), ("4113", 400, "4113")]
)
def test_a_link_may_be_dead_once(start: Start, way: str, status: int, code: str | None) -> None:
    app = start(change={"next_dies": 1, "dead_as": way})
    walk = Walk(app)

    assert walk.answer.status_code == status
    details = walk.answer.json()["issue"][0].get("details", {"coding": [{}]})
    assert details["coding"][0].get("code") == code
    assert Walk(app).found == [["a1", "a2"], ["a3"]]
    assert [Walk(start(change={"next_dies": -1})).answer.status_code for _ in range(2)] == [410, 410]


def test_a_session_of_pages_ends(start: Start, clock: Any) -> None:
    app = start(vendor="epic", resources=MANY, clock=clock, change={"next_seconds": 60})
    token = app.sandbox.issue_token()
    path = "Observation?category=laboratory&_count=2"
    following = link(app.fhir(path, token).json(), "next") or ""
    bearer = {"Authorization": f"Bearer {token}"}
    assert app.http.get(following, headers=bearer).status_code == 200
    clock.now += 61

    dead = app.http.get(following, headers=bearer)
    assert (dead.status_code, dead.json()["issue"][0]["details"]["coding"][0]["code"]) == (400, "4113")


@pytest.mark.parametrize(
    ("total", "said"),
    [
        ("all", [3, 3]),
        ("page", [2, 1]),
        ("none", [None, None]),
        ("size", [2, 2]),
        ("more", [62, 62]),
        ("text", ["3", "3"]),
    ],
)
def test_totals_are_right_and_wrong(start: Start, total: str, said: list[Any]) -> None:
    assert Walk(start(change={"total": total})).totals == said


def test_a_total_may_come_without_entries(start: Start) -> None:
    app = start(change={"total_without_entries": {"Observation": 50}})
    bundle = first(app)

    assert bundle["total"] == 50
    assert "entry" not in bundle


@pytest.mark.parametrize(("shape", "said"), [("missing", "absent"), ("null", None), ("empty", [])])
def test_a_page_without_entries_has_many_shapes(start: Start, shape: str, said: Any) -> None:
    app = start(change={"no_entries": shape})

    assert first(app, "category=nothing").get("entry", "absent") == said


@pytest.mark.parametrize(
    ("change", "count", "size"),
    [
        ({"page_size": 2, "count": "ignored"}, 50, 2),
        ({"max_page_size": 1, "page_size": 1}, 50, 1),
        ({"count": "all"}, 1, 3),
        ({"page_sizes_of": {"Observation": (1, 2)}}, 50, 2),
    ],
)
def test_the_size_of_a_page_is_the_servers_choice(
    start: Start, change: dict[str, Any], count: int, size: int
) -> None:
    assert len(ids(first(start(change=change), f"_count={count}"))) == size


def test_count_may_be_refused(start: Start) -> None:
    app = start(change={"count": "refused"})
    token = app.sandbox.issue_token()

    assert app.fhir("Observation?_count=2", token).status_code == 400
    assert app.fhir("Observation", token).status_code == 200
    declared = app.fhir("metadata").json()["rest"][0]["resource"]
    assert not [one for item in declared for one in item.get("searchParam", ()) if one["name"] == "_count"]


@pytest.mark.parametrize(
    ("twice", "found"), [("page", [["a1", "a2", "a1"], ["a3", "a3"]]), ("next", [["a1", "a2"], ["a2", "a3"]])]
)
def test_a_resource_may_come_twice(start: Start, twice: str, found: list[list[str]]) -> None:
    assert Walk(start(change={"twice": twice})).found == found


def test_the_order_may_change_between_pages(start: Start) -> None:
    app = start(resources=MANY, change={"shuffled": True, "next_by": "page"})
    token = app.sandbox.issue_token()
    orders = {tuple(ids(app.fhir("Observation?_count=109", token).json())) for _ in range(3)}

    assert len(orders) == 3
    assert {frozenset(order) for order in orders} == {frozenset(f"o{n:03}" for n in range(109))}


def test_entries_may_lack_things(start: Start) -> None:
    entry = first(start(change={"entry_url": "missing", "entry_mode": False}))["entry"][0]
    assert set(entry) == {"resource"}
    for form, url in (
        ("relative", "Observation/a1"),
        ("other-host", "http://fhir4.invalid/fhir/Observation/a1"),
        ("urn", "urn:uuid:"),
    ):
        assert first(start(change={"entry_url": form}))["entry"][0]["fullUrl"].startswith(url)


def test_odd_entries_stand_beside_the_matches(start: Start) -> None:
    app = start(change={"odd_entries": ("no-resource", "no-id", "null", "outcome")})
    odd = first(app, "_count=9")["entry"][3:]

    assert "resource" not in odd[0]
    assert "id" not in odd[1]["resource"]
    assert odd[2] is None
    assert odd[3]["resource"]["resourceType"] == "OperationOutcome"
    assert "search" not in odd[3]


def test_a_search_may_answer_without_a_bundle(start: Start) -> None:
    single, outcome = start(change={"bare": "single"}), start(change={"bare": "outcome"})

    assert first(single, "_id=a1")["id"] == "a1"
    assert first(outcome, "category=none")["resourceType"] == "OperationOutcome"
    assert first(start(change={"bundle_type": "collection"}))["type"] == "collection"


def test_warnings_come_in_a_200(start: Start) -> None:
    warning = "Client not authorized for Observation - Periodontal."
    app = start(vendor="epic", change={"warnings": {"Observation": warning}})
    said = first(app, "category=laboratory")["entry"][-1]
    codes = [(one["code"], one["details"]["coding"][0]["code"]) for one in said["resource"]["issue"]]

    assert said["search"] == {"mode": "outcome"}
    assert codes == [("informational", "4119"), ("suppressed", "59204")]
    nothing = first(app, "category=vital-signs&date=gt2100")["entry"]
    assert len(nothing) == 1
    assert nothing[0]["resource"]["issue"][0]["details"]["coding"][0]["code"] == "4101"


def test_too_many_matches_may_be_refused(start: Start) -> None:
    app = start(change={"largest_result": 2})
    token = app.sandbox.issue_token()

    assert app.fhir("Observation", token).status_code == 413
    assert app.fhir("Observation?category=laboratory", token).status_code == 200


def test_the_bytes_on_a_page_are_those_of_a_read_whatever_the_habits(start: Start) -> None:
    app = start(vendor="nextgen")
    token = app.sandbox.issue_token()
    page = app.fhir("DocumentReference", token).content

    assert app.fhir("DocumentReference/d1", token).content in page


def test_eclinicalworks_names_another_host(start: Start) -> None:
    app = start(vendor="eclinicalworks", resources=MANY)
    bundle = first(app, "category=laboratory")

    assert (link(bundle, "self") or "").startswith("http://fhir4.invalid/fhir/Observation?")
    assert bundle["entry"][0]["fullUrl"].startswith("http://fhir4.invalid/")
    token = app.sandbox.issue_token()
    goals = app.fhir(f"Goal?patient={ADA}", token).json()
    assert (goals["total"], goals.get("entry")) == (50, None)
