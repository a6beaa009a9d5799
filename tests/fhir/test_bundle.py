from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phr.fhir.bundle import split

SAMPLES = Path(__file__).parents[2] / "../shared/samples/vendor-fhir"


def searchset(*entries: object, **more: object) -> bytes:
    return json.dumps(
        {"resourceType": "Bundle", "type": "searchset", "entry": list(entries), **more}
    ).encode()


def outcome(severity: str, text: str, **issue: object) -> dict[str, object]:
    issue = {"severity": severity, "code": "processing", "details": {"text": text}, **issue}
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def test_split_keeps_the_exact_bytes_of_each_resource() -> None:
    one = b'{ "resourceType":"Observation" ,"id":"a","v":1.20,\n "u":"\\u00e9" }'
    two = b'{"id":"b","resourceType":"Patient"}'
    body = b'{"resourceType":"Bundle","type":"searchset","total":2,"entry":[{"resource":%s},{"resource":%s}]}'
    page = split(body % (one, two))
    assert [(r.type, r.id, r.raw) for r in page.received] == [
        ("Observation", "a", one),
        ("Patient", "b", two),
    ]
    assert page.total == 2
    assert page.bytes == len(body % (one, two))


def test_split_reads_the_next_link_as_the_server_wrote_it() -> None:
    links = [{"relation": "self", "url": "x"}, {"relation": "next", "url": "Observation?page=2|a"}]
    assert split(searchset(link=links)).next_url == "Observation?page=2|a"


@pytest.mark.parametrize("entry", ["null", "[]"])
def test_split_of_an_empty_page_is_an_empty_page(entry: str) -> None:
    page = split(b'{"resourceType":"Bundle","type":"searchset","entry":%s}' % entry.encode())
    assert page.received == () and page.problems == () and page.next_url is None


def test_split_without_entry_and_total_is_an_empty_page() -> None:
    page = split(b'{"resourceType":"Bundle"}')
    assert page.received == () and page.total is None


@pytest.mark.parametrize(
    "kind", ["searchset", "collection", "transaction", "batch", "history", "document", "x"]
)
def test_split_reads_bundles_of_every_type(kind: str) -> None:
    body = {
        "resourceType": "Bundle",
        "type": kind,
        "entry": [{"resource": {"resourceType": "Goal", "id": "1"}}],
    }
    assert [r.id for r in split(json.dumps(body).encode()).received] == ["1"]


def test_one_bad_entry_becomes_one_problem_and_the_rest_is_kept() -> None:
    good = {"resource": {"resourceType": "Goal", "id": "1"}}
    page = split(
        searchset(good, {"resource": "oops"}, {"resource": {"id": "no type"}}, 7), source_type="Goal"
    )
    assert [r.id for r in page.received] == ["1"]
    assert [p.raw for p in page.problems] == [b'"oops"', b'{"id": "no type"}', b"7"]
    assert {p.type for p in page.problems} == {"Goal"}
    assert not any(p.known for p in page.problems)


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        ("2024-01-01T10:00:00Z", "2024-01-02T10:00:00Z", "second"),
        ("2024-01-02T10:00:00Z", "2024-01-01T10:00:00Z", "first"),
        ("2024-01-01T10:00:00.250Z", "2024-01-01T10:00:00.125Z", "first"),
        ("2024-01-01T12:00:00+09:00", "2024-01-01T10:00:00Z", "second"),
        ("2024-01-01T10:00:00Z", None, "second"),
        (None, "2024-01-01T10:00:00Z", "second"),
        ("yesterday", "2024-01-01T10:00:00Z", "second"),
        (None, None, "second"),
    ],
)
def test_of_two_versions_on_one_page_the_newer_is_kept_else_the_last(
    first: str | None, second: str | None, kept: str
) -> None:
    def version(name: str, changed: str | None) -> dict[str, object]:
        meta = {"meta": {"lastUpdated": changed}} if changed else {}
        return {"resource": {"resourceType": "Goal", "id": "1", **meta, "description": {"text": name}}}

    other = {"resource": {"resourceType": "Patient", "id": "1"}}
    page = split(searchset(version("first", first), other, version("second", second)))
    assert sorted(r.type for r in page.received) == ["Goal", "Patient"]
    (goal,) = (r for r in page.received if r.type == "Goal")
    assert kept.encode() in goal.raw and goal.last_updated == (first if kept == "first" else second)
    (left_out,) = page.problems
    assert left_out.id == "1" and left_out.known and left_out.raw and kept.encode() not in left_out.raw


def test_the_same_twice_on_one_page_is_one_and_worth_no_word() -> None:
    goal = {"resource": {"resourceType": "Goal", "id": "1"}}
    page = split(searchset(goal, goal, goal))
    assert len(page.received) == 1 and page.problems == () and page.flawed is None


@pytest.mark.parametrize(
    ("meta", "changed"),
    [
        (b'{"versionId":"1","lastUpdated":"2024-01-01T10:00:00Z"}', "2024-01-01T10:00:00Z"),
        (b'{"lastUpdated":null}', None),
        (b"{}", None),
        (b"null", None),
        (b"[]", None),
        (b'{"lastUpdated":5}', None),
        (b'{"lastUpdated":"2024-01-01T10:00:00Z","x":NaN}', "2024-01-01T10:00:00Z"),
    ],
)
@pytest.mark.parametrize("wrapped", [True, False])
def test_when_it_changed_is_read_and_odd_meta_does_no_harm(
    meta: bytes, changed: str | None, wrapped: bool
) -> None:
    raw = b'{"resourceType":"Goal","id":"1","meta":%s}' % meta
    page = split(b'{"resourceType":"Bundle","entry":[{"resource":%s}]}' % raw if wrapped else raw)
    assert [(r.raw, r.last_updated) for r in page.received] == [(raw, changed)]
    assert "2024" not in repr(page)


@pytest.mark.parametrize(
    ("entry", "flawed"),
    [
        ({"resource": {"resourceType": "Goal", "id": "1"}}, False),
        ({"resource": outcome("warning", "may not contain the entire record")}, False),
        ({"resource": outcome("warning", "Client not authorized for X.")}, False),
        ({"resource": outcome("error", "half of it is missing")}, True),
        ({"resource": "oops"}, True),
        ({"fullUrl": "urn:uuid:1"}, True),
        ({"response": {"status": "403"}}, True),
        ({"response": {"status": "204"}}, False),
    ],
)
def test_a_page_with_an_entry_that_cannot_be_read_is_flawed_and_one_with_a_remark_is_not(
    entry: dict[str, object], flawed: bool
) -> None:
    assert (split(searchset(entry), source_type="Goal").flawed is not None) is flawed


def test_an_entry_without_resource_is_named() -> None:
    page = split(searchset({"fullUrl": "urn:uuid:1"}, {"resource": None}, None))
    assert [p.reason for p in page.problems] == ["An entry held no resource."] * 3


def test_a_part_of_a_batch_that_failed_carries_its_status() -> None:
    page = split(searchset({"response": {"status": "404 Not Found"}}, {"response": {"status": "204"}}))
    assert [p.http_status for p in page.problems] == [404]


def test_the_answer_to_a_batch_is_opened_and_a_document_stays_whole() -> None:
    goal = {"resource": {"resourceType": "Goal", "id": "1"}}
    inner = {"resourceType": "Bundle", "id": "b", "type": "searchset", "entry": [goal]}
    paper = {"resourceType": "Bundle", "id": "d", "type": "document", "entry": [goal]}
    page = split(searchset({"resource": inner}, {"resource": paper}))
    assert [(r.type, r.id) for r in page.received] == [("Goal", "1"), ("Bundle", "d")]


def test_server_remarks_inside_a_page_are_known_problems() -> None:
    page = split(
        searchset(
            {"resource": outcome("warning", "Client not authorized for X."), "search": {"mode": "outcome"}},
            {"resource": outcome("warning", "Client not authorized for X.")},
            {"resource": outcome("information", "All OK")},
        ),
        source_type="Condition",
    )
    assert [(p.type, p.reason, p.known) for p in page.problems] == [
        ("Condition", "Client not authorized for X.", True)
    ]
    assert page.received == ()


def test_no_results_is_not_worth_a_remark() -> None:
    coding = {"coding": [{"code": "4101", "display": "Resource request returns no results."}]}
    assert split(searchset({"resource": outcome("warning", "", details=coding)})).problems == ()


def test_a_bare_error_with_status_200_is_not_a_known_problem() -> None:
    page = split(json.dumps(outcome("error", "It broke")).encode(), source_type="Goal")
    assert [(p.reason, p.known) for p in page.problems] == [("It broke", False)]


def test_a_bare_resource_is_a_page_of_one() -> None:
    body = b'{"resourceType":"Patient","id":"p"}'
    assert [(r.id, r.raw) for r in split(body).received] == [("p", body)]


def test_ids_are_opaque_text_and_numbers_are_read_as_text() -> None:
    page = split(
        searchset(
            {"resource": {"resourceType": "Goal", "id": 5}},
            {"resource": {"resourceType": "Goal", "id": "a/=.B" * 30}},
        )
    )
    assert [r.id for r in page.received] == ["5", "a/=.B" * 30]


def test_a_missing_id_comes_from_the_full_url() -> None:
    goal = {"resourceType": "Goal"}
    page = split(
        searchset(
            {"fullUrl": "urn:uuid:6e5c", "resource": goal},
            {"fullUrl": "https://x.example/fhir/Goal/g1", "resource": goal},
        )
    )
    assert [r.id for r in page.received] == ["6e5c", "g1"]


def test_a_missing_id_comes_from_the_content_and_stays_the_same() -> None:
    one = split(b'{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Goal","a":1,"b":2}}]}')
    two = split(b'{"resourceType":"Bundle","entry":[{"resource":{"b":2,"resourceType":"Goal","a":1}}]}')
    other = split(b'{"resourceType":"Bundle","entry":[{"resource":{"b":3,"resourceType":"Goal","a":1}}]}')
    ids = [page.received[0].id for page in (one, two, other)]
    assert ids[0] == ids[1] != ids[2]
    assert ids[0].startswith("sha256-") and len(ids[0]) == 7 + 24


@pytest.mark.parametrize(
    "odd",
    [b'"v":NaN', b'"v":"tab\there"', b'"v":"\xff"', b'"id":"first"'],
    ids=["NaN", "control character", "not UTF-8", "duplicate key"],
)
def test_json_that_strict_parsers_refuse_keeps_its_bytes(odd: bytes) -> None:
    raw = b'{"resourceType":"Observation",' + odd + b',"id":"a"}'
    page = split(
        b'{"resourceType":"Bundle","link":[{"relation":"next","url":"n"}],"entry":[{"resource":%s}]}' % raw
    )
    assert [(r.id, r.raw) for r in page.received] == [("a", raw)]
    assert page.next_url == "n"


def test_a_byte_order_mark_is_not_part_of_the_record() -> None:
    assert split(b'\xef\xbb\xbf{"resourceType":"Patient","id":"p"}').received[0].raw.startswith(b"{")


def test_an_entry_that_is_an_object_instead_of_a_list_is_read() -> None:
    body = b'{"resourceType":"Bundle","total":"1","entry":{"resource":{"resourceType":"Goal","id":"1"}}}'
    page = split(body)
    assert [r.id for r in page.received] == ["1"] and page.total is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"error":"x"}',
        b'{"resourceType":"Bundle","entry":[{"resource":{"resou',
        b"<html>",
    ],
)
def test_what_is_not_a_whole_fhir_answer_raises(body: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        split(body)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
resources = st.fixed_dictionaries(
    {"resourceType": st.sampled_from(["Goal", "Patient", "Observation"]), "id": st.text(min_size=1)},
    optional={"x": json_values},
)


@given(st.lists(resources, max_size=6, unique_by=lambda one: (one["resourceType"], one["id"])), st.booleans())
def test_every_good_resource_comes_out_with_its_bytes(
    found: list[dict[str, object]], ascii_only: bool
) -> None:
    slices = [json.dumps(r, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass") for r in found]
    body = b'{"resourceType":"Bundle","entry":[%s]}' % b",".join(b'{"resource":%s}' % s for s in slices)
    assert [r.raw for r in split(body).received] == slices


@given(st.lists(json_values, max_size=6))
def test_arbitrary_entries_are_each_received_or_named(entries: list[object]) -> None:
    page = split(searchset(*({"resource": entry} for entry in entries)))
    assert len(page.received) + len(page.problems) == len(entries)


@given(st.binary(max_size=200) | json_values.map(lambda v: json.dumps(v).encode()))
def test_arbitrary_bytes_give_a_page_or_a_value_error(body: bytes) -> None:
    try:
        split(body)
    except ValueError:
        return


@pytest.mark.skipif(not SAMPLES.exists(), reason="the shared samples are not beside the repository")
def test_recorded_answers_of_vendors_are_cut_without_loss() -> None:
    seen = 0
    for path in sorted(SAMPLES.glob("*/*_200.json")):
        body = path.read_bytes()
        whole = json.loads(body)
        page = split(body)
        entries = whole.get("entry", []) if whole["resourceType"] == "Bundle" else [{"resource": whole}]
        wanted = [e["resource"] for e in entries if e["resource"]["resourceType"] != "OperationOutcome"]
        assert [json.loads(r.raw) for r in page.received] == wanted, path.name
        seen += len(wanted)
    assert seen > 100


def test_cutting_a_file_needs_no_http_client() -> None:
    code = "import sys, phr.fhir.bundle, phr.providers.catalog, phr.smart.scopes; sys.exit('httpx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=20).returncode == 0


@pytest.mark.parametrize("kind", ["\x1b[2Jevil", "Obs/../x", "A" * 65, "Ob servation", "Pätient"])
@pytest.mark.parametrize("id_", ["1", None])
def test_a_type_that_is_no_name_is_a_broken_entry(kind: str, id_: str | None) -> None:
    odd = {"resourceType": kind, "id": id_}
    page = split(searchset({"resource": odd}, {"resource": {"resourceType": "Goal", "id": "g"}}))
    assert [one.type for one in page.received] == ["Goal"]
    (problem,) = page.problems
    assert problem.type == "unknown" and problem.raw is not None and page.flawed
