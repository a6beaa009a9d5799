"""What a refusal leads to: other searches, and lessons that are believed for a while."""

from __future__ import annotations

from collections import deque

import pytest

from phr.errors import FhirError, NotAuthorized, Refused, Said, Unreachable
from phr.fhir.capability import Capability, TypeCapability
from phr.model import Search, Vendor
from phr.sync import learn
from phr.sync.learn import Lesson, instead, known, lessons
from phr.sync.plan import Knowledge, plan

VENDOR = Vendor("any", "Any")
NOW = "2026-03-01T00:00:00Z"
MONTH_LATER = "2026-03-31T00:00:00Z"
REVINCLUDE = ("_revinclude", "Provenance:target")
CHANGED = ("_lastUpdated", "ge2026-02-01T00:00:00Z")


def search(type_: str = "Observation", *more: tuple[str, str], filter_: str = "") -> Search:
    since = next((value[2:] for name, value in more if name == "_lastUpdated"), None)
    return Search(type_, (("patient", "p"), *more), "why", filter_, since)


def refusal(status: int, **said: object) -> FhirError:
    said.setdefault("shape", "outcome")
    kind = NotAuthorized if status == 401 else Unreachable if status >= 500 else Refused
    return kind(f"no ({status})", http_status=status, said=Said(**said))  # type: ignore[arg-type]


def tried(asked: Search, error: FhirError, vendor: Vendor = VENDOR) -> list[tuple[tuple[str, str], ...]]:
    return [one.params[1:] for one in instead(asked, error, vendor, None, "p")]


# ── what to ask instead ───────────────────────────────────────────────────────────────────────────


def test_a_refusal_that_names_what_it_wants_is_asked_with_all_the_values_there_are() -> None:
    error = refusal(400, wanted=(("category",), ("code",)), vendor_codes=frozenset({"59108"}))
    found = instead(search(), error, VENDOR, None, "p")
    assert {"category=laboratory", "category=vital-signs", "category=social-history"} <= {
        one.filter for one in found
    }
    assert all(one.params[0] == ("patient", "p") and "refused without" in one.reason for one in found)


def test_the_vendors_own_values_and_those_that_the_refusal_offers_go_before_the_usual_ones() -> None:
    vendor = Vendor("v", "V", splits={"CarePlan": (("category", "a"),)})
    error = refusal(400, wanted=(("category",),), values=("38717003", "a"))
    assert tried(search("CarePlan"), error, vendor) == [(("category", "a"),), (("category", "38717003"),)]


def test_a_combination_that_asks_for_one_resource_is_no_way() -> None:
    error = refusal(403, wanted=(("patient", "intent"), ("_id",)), codes=frozenset({"forbidden"}))
    found = tried(search("MedicationRequest"), error)
    assert {params[0][0] for params in found} == {"intent"}
    assert {"order", "plan"} <= {params[0][1] for params in found}
    assert tried(search("MedicationRequest"), refusal(403, wanted=(("_id",),))) == []


def test_two_missing_parameters_are_asked_in_each_combination() -> None:
    error = refusal(400, wanted=(("patient", "status", "date"),))
    assert tried(search("Immunization"), error) == [
        (("status", status), ("date", "ge1900-01-01"))
        for status in ("completed", "not-done", "entered-in-error")
    ]


def test_a_date_that_is_needed_begins_before_everybody() -> None:
    assert tried(search("Zebra"), refusal(400, wanted=(("date",),))) == [(("date", "ge1900-01-01"),)]


def test_a_parameter_of_which_no_value_is_known_leads_nowhere() -> None:
    assert tried(search("Zebra"), refusal(400, wanted=(("colour",),))) == []


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ({"unknown": ("_lastUpdated",)}, (REVINCLUDE,)),
        ({"text": "Unknown search parameter _lastUpdated"}, (REVINCLUDE,)),
        ({"unknown": ("_revinclude",)}, (CHANGED,)),
        ({}, (CHANGED,)),
    ],
)
def test_what_may_be_left_away_is_left_away_one_by_one(
    said: dict[str, object], left: tuple[tuple[str, str], ...]
) -> None:
    (found,) = instead(search("Goal", CHANGED, REVINCLUDE), refusal(400, **said), VENDOR, None, "p")
    assert found.params[1:] == left
    assert (found.since is None) is (CHANGED not in left), "without it all is asked for"


def test_what_is_left_away_is_not_blamed_when_the_refusal_names_what_it_wants() -> None:
    found = instead(
        search("Observation", REVINCLUDE), refusal(400, wanted=(("category",),)), VENDOR, None, "p"
    )
    assert len(found) > 5 and all(REVINCLUDE in one.params for one in found)


def test_a_404_without_a_word_may_want_a_category_where_servers_are_known_for_it() -> None:
    assert len(tried(search("Observation"), refusal(404, shape="empty"))) > 5
    assert tried(search("Goal"), refusal(404, shape="empty")) == []
    vendor = Vendor("v", "V", splits={"Goal": (("lifecycle-status", "active"),)})
    assert tried(search("Goal"), refusal(404), vendor) == [(("lifecycle-status", "active"),)]


@pytest.mark.parametrize(
    "error",
    [
        refusal(403, shape="empty"),
        refusal(401, shape="html"),
        refusal(400, text="NotImplementedException: The method or operation is not implemented."),
        refusal(503),
        refusal(429),
        FhirError("nobody answered"),
    ],
)
def test_a_closed_door_is_not_tried_again_in_other_words(error: FhirError) -> None:
    assert tried(search("Observation"), error) == []


def test_one_part_of_a_cut_is_not_cut_again() -> None:
    part = search("Observation", ("category", "exam"), filter_="category=exam")
    assert tried(part, refusal(400)) == []
    assert tried(part, refusal(400, wanted=(("category", "date"),))) == [
        (("date", "ge1900-01-01"), ("category", "exam"))
    ]


def test_another_word_for_the_patient_is_tried_once() -> None:
    error = refusal(400, wanted=(("patient",), ("subject",), ("_id",)))
    # The plan takes `patient` for a type of the compartment; from `subject` nothing leads back.
    (found,) = instead(search("Communication"), error, VENDOR, None, "p")
    assert found.params == (("subject", "p"),)
    assert instead(found, error, VENDOR, None, "p") == ()


def test_a_declared_word_for_the_patient_is_taken_where_the_usual_one_is_refused() -> None:
    declared = Capability(
        None,
        {"Basic": TypeCapability(frozenset({"search-type"}), frozenset({"patient", "subject"}))},
        False,
        None,
    )
    assert instead(search("Basic"), refusal(400), VENDOR, declared, "p")[0].params == (("subject", "p"),)
    assert instead(search("Basic"), refusal(400), VENDOR, None, "p") == ()


@pytest.mark.parametrize("type_", ["Observation", "Goal", "Zebra", "Communication"])
@pytest.mark.parametrize(
    "said",
    [
        {},
        {"wanted": (("patient", "category", "date"), ("code",))},
        {"wanted": (("subject",), ("status", "intent", "date", "type"))},
        {"unknown": ("patient", "_lastUpdated", "_revinclude")},
    ],
)
@pytest.mark.parametrize("status", [400, 403, 404, 422, 500])
def test_asking_on_about_each_refused_alternative_ends(
    type_: str, said: dict[str, object], status: int
) -> None:
    waiting, asked = deque([search(type_, CHANGED, REVINCLUDE)]), 0
    seen = set()
    while waiting:
        one = waiting.popleft()
        assert one.params not in seen, "nothing is asked twice"
        seen.add(one.params)
        asked += 1
        assert asked < 400
        waiting += instead(one, refusal(status, **said), VENDOR, None, "p")


def test_everything_at_once_has_no_other_form() -> None:
    assert instead(Search("Patient/p/$everything"), refusal(400), VENDOR, None, "p") == ()


# ── what it teaches ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "error",
    [
        refusal(404, shape="html"),
        refusal(404, shape="empty"),
        refusal(403, shape="empty"),
        refusal(403, codes=frozenset({"forbidden"}), text="Read access to 'Account' is denied by user"),
        refusal(401, shape="html"),
        refusal(405),
        refusal(410),
        refusal(501),
        refusal(500, text="HAPI-2001: Resource type Zebra is not known"),
        refusal(500, text="Not implemented"),
        refusal(400, codes=frozenset({"not-supported"})),
        refusal(400, vendor_codes=frozenset({"59204"})),
        refusal(
            400, text="at NextGen.Api.Fhir.Engines.ProvenanceEngine.GetSupportedSearchParameters(FhirVersion"
        ),
    ],
)
def test_a_type_that_is_not_to_be_had_is_remembered_with_its_reason_for_a_month(error: FhirError) -> None:
    (found,) = lessons(search("Account"), error, (), (), NOW, times=3)
    assert (found.type, found.kind) == ("Account", "unsupported")
    assert "known to be refused" in known([found], NOW).unsupported["Account"]
    assert error.message in known([found], NOW).unsupported["Account"]
    assert not known([found], MONTH_LATER).unsupported, "then it is asked again"


@pytest.mark.parametrize(
    "error",
    [
        None,
        refusal(401, shape="empty"),
        refusal(401, shape="outcome"),
        refusal(503),
        refusal(500, text="Object reference not set"),
        refusal(429),
        refusal(408),
        FhirError("nobody answered"),
        refusal(400, shape="empty"),
    ],
)
def test_what_may_be_better_tomorrow_teaches_nothing(error: FhirError | None) -> None:
    assert lessons(search("Account"), error, (), (), NOW) == ()


def believed_days(found: tuple[Lesson, ...]) -> int:
    """After how many days a type is asked again, at the same hour."""
    nights = [f"2026-{3 + day // 31:02}-{1 + day % 31:02}T00:00:00Z" for day in range(40)]
    return [bool(known(found, night).unsupported) for night in nights].index(False)


@pytest.mark.parametrize(
    ("error", "days"),
    [(refusal(403), (1, 3, 7, 30, 30)), (refusal(400), (1, 3, 7, 7, 7))],
    ids=["refused", "without saying why"],
)
def test_one_bad_day_costs_a_day_and_only_the_fourth_in_a_row_a_month(
    error: FhirError, days: tuple[int, ...]
) -> None:
    met, times = [], 0
    for _ in days:
        found = lessons(search("Account"), error, (), (), NOW, times=times)
        met.append(believed_days(found))
        times = known(found, "2030-01-01T00:00:00Z").refusals["Account"]
    assert tuple(met) == days


def test_a_nightly_run_that_comes_some_minutes_early_asks_again_all_the_same() -> None:
    found = lessons(search("Account"), refusal(403), (), (), NOW)
    assert known(found, "2026-03-01T22:00:00Z").unsupported
    assert not known(found, "2026-03-01T23:50:00Z").unsupported


@pytest.mark.parametrize("status", [400, 500])
def test_an_exception_alone_is_taken_for_a_type_that_is_not_built_only_the_second_time(status: int) -> None:
    error = refusal(status, text="Object reference not set: exception", shape="other")
    assert lessons(search("Account"), error, (), (), NOW) == ()
    (found,) = lessons(search("Account"), error, (), (), NOW, again=True)
    assert found.kind == "unsupported"


@pytest.mark.parametrize(
    ("until", "believed"),
    [
        ("2026-02-28T00:00:00Z", False),
        ("2026-03-30T00:00:00Z", True),
        ("2026-03-31T23:00:00Z", True),
        ("2026-04-02T00:00:00Z", False),
        ("2039-01-01T00:00:00Z", False),
    ],
)
def test_a_lesson_of_a_clock_that_went_ahead_is_not_believed_until_then(until: str, believed: bool) -> None:
    rows = [Lesson("Goal", kind, {"until": until}) for kind in ("unsupported", "no-last-updated")]
    found = known(rows, NOW)
    assert bool(found.unsupported) is believed
    assert bool(found.no_last_updated) is believed


@pytest.mark.parametrize("times", [None, -1, 0, True, "3", 10**9])
def test_an_odd_count_of_refusals_is_one(times: object) -> None:
    assert known([Lesson("Goal", "unsupported", {"times": times})], NOW).refusals == {"Goal": 1}


def test_a_500_for_good_is_a_bad_night_once_and_remembered_the_second_time() -> None:
    error = Refused("no (500)", http_status=500, said=Said(shape="outcome", text="Something went wrong."))
    assert lessons(search("Account"), error, (), (), NOW) == ()
    assert believed_days(lessons(search("Account"), error, (), (), NOW, again=True)) == 1
    assert believed_days(lessons(search("Account"), error, (), (), NOW, again=True, times=9)) == 7
    assert lessons(search("Account"), refusal(503), (), (), NOW, again=True) == ()


def test_a_401_to_a_token_that_works_elsewhere_is_about_the_type() -> None:
    error = Refused("no (401)", http_status=401, said=Said(shape="outcome", codes=frozenset({"login"})))
    (found,) = lessons(search("Account"), error, (), (), NOW)
    assert found.kind == "unsupported"


def test_what_is_not_built_is_not_asked_for_by_another_word_for_the_patient() -> None:
    declared = Capability(
        None,
        {"Basic": TypeCapability(frozenset({"search-type"}), frozenset({"patient", "subject"}))},
        False,
        None,
    )
    error = refusal(400, text="NotImplementedException: The method or operation is not implemented.")
    assert instead(search("Basic"), error, VENDOR, declared, "p") == ()


def test_a_refusal_that_does_not_say_why_is_asked_again_within_a_week() -> None:
    assert [
        believed_days(lessons(search("Account"), refusal(400), (), (), NOW, times=n)) for n in (0, 9)
    ] == [1, 7]


def test_a_refused_part_says_nothing_about_the_whole_unless_all_parts_are_refused() -> None:
    part = search("Observation", ("category", "exam"), filter_="category=exam")
    other = search("Observation", ("category", "survey"), filter_="category=survey")
    assert lessons(part, refusal(403, shape="empty"), (), (), NOW) == ()
    (found,) = lessons(part, refusal(403, shape="empty"), (part, other), (), NOW)
    assert found.kind == "unsupported"
    (found,) = lessons(part, refusal(400), (part, other), (other,), NOW)
    assert known([found], NOW).splits == {"Observation": (("category", "survey"),)}


def test_a_refused_part_is_not_taken_for_a_parameter_that_the_other_parts_had_no_use_for() -> None:
    part = search("Observation", ("category", "exam"), CHANGED, filter_="category=exam")
    other = search("Observation", ("category", "survey"), filter_="category=survey")
    found = known(lessons(part, refusal(400), (part, other), (other,), NOW), NOW)
    assert not found.no_last_updated


def test_what_worked_instead_is_asked_at_once_next_time() -> None:
    asked = search("Observation", REVINCLUDE)
    error = refusal(400, wanted=(("category",),))
    alternatives = instead(asked, error, VENDOR, None, "p")
    found = known(lessons(asked, error, alternatives, alternatives[:2], NOW), NOW)
    again = plan(VENDOR, None, (), "p", ("Observation",), known=found).searches
    assert [one.filter for one in again] == [one.filter for one in alternatives[:2]]
    assert "Observation" not in found.no_revinclude
    assert not known(lessons(asked, error, alternatives, alternatives[:2], NOW), MONTH_LATER).splits


def test_what_the_searches_that_worked_have_in_common_is_needed_by_all() -> None:
    asked = search("Immunization")
    error = refusal(400, wanted=(("status", "date"),))
    alternatives = instead(asked, error, VENDOR, None, "p")
    found = known(lessons(asked, error, alternatives, alternatives, NOW), NOW)
    again = plan(VENDOR, None, (), "p", ("Immunization",), known=found).searches
    assert {one.filter for one in again} == {one.filter for one in alternatives}


def test_a_single_parameter_that_was_missing_is_learned() -> None:
    asked = search("Appointment")
    alternatives = instead(asked, refusal(400, wanted=(("date",),)), VENDOR, None, "p")
    found = known(lessons(asked, refusal(400), alternatives, alternatives, NOW), NOW)
    (again,) = plan(VENDOR, None, (), "p", ("Appointment",), known=found).searches
    assert again.params == (("patient", "p"), ("date", "ge1900-01-01"))


@pytest.mark.parametrize(
    ("kept", "learned"),
    [((REVINCLUDE,), "no_last_updated"), ((CHANGED,), "no_revinclude")],
)
def test_what_had_to_be_left_away_is_learned(kept: tuple[tuple[str, str], ...], learned: str) -> None:
    worked = search("Goal", *kept)
    found = known(lessons(search("Goal", CHANGED, REVINCLUDE), refusal(400), (worked,), (worked,), NOW), NOW)
    empty = {"no_last_updated": frozenset(), "no_revinclude": frozenset()}
    assert {name: getattr(found, name) for name in empty} == {**empty, learned: {"Goal"}}


def test_the_word_for_the_patient_that_worked_is_learned() -> None:
    worked = Search("Basic", (("subject", "p"),))
    found = known(lessons(search("Basic"), refusal(400), (worked,), (worked,), NOW), NOW)
    (again,) = plan(VENDOR, None, (), "p", ("Basic",), known=found).searches
    assert again.params == (("subject", "p"),)


def test_everything_at_once_that_was_refused_is_not_tried_for_a_month() -> None:
    everything = Search("Patient/p/$everything")
    found = lessons(everything, refusal(404), (), (), NOW)
    assert known(found, NOW).no_everything and not known(found, MONTH_LATER).no_everything
    assert lessons(everything, refusal(503), (), (), NOW) == ()


def test_other_hands_may_leave_lessons_too() -> None:
    rows = [
        learn.lesson("", "no-batch", "refused (400)", NOW),
        learn.lesson("Practitioner", "no-many", "refused (400)", NOW),
        learn.lesson("Goal", "no-count", "asked without", NOW),
    ]
    found = known(rows, NOW)
    assert (found.no_batch, found.no_many, found.no_count) == (True, {"Practitioner"}, {"Goal"})


@pytest.mark.parametrize(
    "value", [None, True, [], {}, {"each": 5}, {"each": [["a"], 3, ["a", 1]]}, {"until": 4}]
)
@pytest.mark.parametrize("kind", ["split", "parameter", "unsupported", "no-count", "whatever"])
def test_odd_rows_are_read_without_complaint(kind: str, value: object) -> None:
    assert isinstance(known([Lesson("Goal", kind, value)], NOW), Knowledge)
