"""What to ask, decided without asking."""

from __future__ import annotations

from dataclasses import replace

import pytest

from phr.fhir.capability import Capability, TypeCapability
from phr.model import Search, Vendor
from phr.sync.plan import NOT_SEARCHABLE, Ask, Knowledge, Plan, Standing, filter_of, plan
from phr.sync.types import COMPARTMENT, ONLY_WHERE_DECLARED

ALL = ("patient/*.rs",)
VENDOR = Vendor("any", "Any")


def capability(**types: str) -> Capability:
    declared = {
        name: TypeCapability(frozenset({"read", "search-type"}), frozenset(params.split()))
        for name, params in types.items()
    }
    return Capability("4.0.1", declared, everything=False, software=None)


def types(found: Plan) -> list[str]:
    return [search.type for search in found.searches]


def test_types_are_what_the_server_declares_and_the_sign_in_granted() -> None:
    declared = capability(Observation="patient code", Condition="patient", Practitioner="name _id")
    found = plan(VENDOR, declared, ("patient/Observation.read", "patient/Practitioner.read"), "p")
    assert types(found) == ["Observation"]
    assert [(r.type, r.reason) for r in found.refused] == [("Condition", "not granted at sign-in")]


def test_a_server_that_offers_more_than_the_profile_knows_is_asked_for_it_without_a_promise() -> None:
    declared = capability(Observation="patient", Condition="patient")
    found = plan(Vendor("v", "V", types=("Condition", "Goal")), declared, ALL, "p")
    assert types(found) == ["Condition", "Observation"]
    assert found.unpromised == {"Observation"}
    assert "the profile does not have it" in found.searches[1].reason


def test_a_server_that_declares_nothing_is_asked_for_the_profile_and_what_was_granted_by_name() -> None:
    vendor = Vendor("v", "V", types=("Condition", "Goal", "Practitioner"))
    found = plan(vendor, None, ALL, "p")
    assert types(found) == ["Condition", "Goal"]
    assert not found.unpromised
    named = plan(vendor, None, ("patient/Goal.rs", "patient/Account.rs", "patient/Location.rs"), "p")
    assert types(named) == ["Goal", "Account"]
    assert [one.type for one in named.refused] == ["Condition"]


def test_a_type_that_came_before_is_asked_for_though_the_server_declares_it_no_more() -> None:
    before = {
        ("Goal", ""): Standing(full_pass="2026-01-01T00:00:00Z"),
        ("Patient", "$everything"): Standing(),
    }
    found = plan(VENDOR, capability(Observation="patient"), ALL, "p", standing=before)
    assert types(found) == ["Goal", "Observation"] and not found.unpromised
    assert "it came before" in found.searches[0].reason
    vendor = Vendor("v", "V", types=("Condition",))
    assert types(plan(vendor, None, ALL, "p", standing=before)) == ["Condition", "Goal"]
    not_granted = plan(
        VENDOR, capability(Observation="patient"), ("patient/Observation.rs",), "p", standing=before
    )
    assert [one.type for one in not_granted.refused] == ["Goal"], "named at least"


def test_where_nobody_says_anything_all_of_the_compartment_is_asked_and_nothing_is_promised() -> None:
    found = plan(VENDOR, None, ALL, "p")
    assert types(found) == [one for one in COMPARTMENT if one not in ONLY_WHERE_DECLARED]
    assert found.unpromised == set(types(found))
    assert types(plan(VENDOR, None, ("patient/Goal.rs",), "p")) == ["Goal"]
    assert not plan(VENDOR, None, ("patient/Goal.rs",), "p").refused, "nobody spoke of the others"


def test_types_are_searched_by_the_name_they_have_for_a_patient() -> None:
    declared = capability(
        Coverage="beneficiary", Observation="subject patient", AdverseEvent="", Medication="code"
    )
    found = {search.type: search.params for search in plan(VENDOR, declared, ALL, "p").searches}
    assert found == {
        "Coverage": (("beneficiary", "p"),),
        "Observation": (("patient", "p"),),
        "AdverseEvent": (("subject", "p"),),
    }


def test_a_type_that_must_be_split_is_asked_once_for_each_part() -> None:
    vendor = Vendor(
        "v", "V", splits={"Observation": (("category", "laboratory"), ("category", "vital-signs"))}
    )
    found = plan(vendor, capability(Observation="patient category"), ALL, "p")
    assert [search.params[1] for search in found.searches] == [
        ("category", "laboratory"),
        ("category", "vital-signs"),
    ]


def test_a_grant_that_names_no_resource_leaves_the_question_to_the_server() -> None:
    found = plan(VENDOR, capability(Observation="patient"), ("openid", "fhirUser"), "p")
    assert types(found) == ["Observation"]
    assert not found.refused


def test_a_type_without_search_is_not_searched_and_named() -> None:
    read, none = frozenset({"read"}), frozenset[str]()
    only_read = Capability(
        "4.0.1", {"Goal": TypeCapability(read, none), "Location": TypeCapability(read, none)}, False, None
    )
    found = plan(VENDOR, only_read, ALL, "p")
    assert not found.searches
    assert [(one.type, one.reason) for one in found.refused] == [("Goal", NOT_SEARCHABLE)]


def test_a_wish_for_some_types_leaves_the_others_out() -> None:
    found = plan(VENDOR, capability(Observation="patient", Goal="patient"), ALL, "p", Ask(types=("Goal",)))
    assert types(found) == ["Goal"]
    declared = capability(Observation="patient", Goal="patient")
    assert plan(VENDOR, declared, ALL, "p", ("Goal",)) == found, "a bare tuple is its types"


def test_every_type_that_a_person_names_is_asked_or_named() -> None:
    wish = Ask(types=("Goal", "Practitioner", "Nonsense", "Flag", "Provenance", "Patient"))
    found = plan(VENDOR, capability(Goal="patient", Observation="patient"), ALL, "p", wish)
    assert types(found) == ["Goal", "Flag", "Provenance"]
    assert {one.type for one in found.refused} == {"Practitioner", "Nonsense"}


def test_encounters_come_before_what_happened_in_them() -> None:
    found = types(
        plan(VENDOR, capability(Observation="patient", Zebra="patient", Encounter="patient"), ALL, "p")
    )
    assert found == ["Encounter", "Observation", "Zebra"]


def test_parameters_that_a_type_always_needs_go_with_each_of_its_searches() -> None:
    vendor = Vendor(
        "v",
        "V",
        splits={"Observation": (("category", "laboratory"), ("category", "exam"))},
        search_params={"Observation": (("date", "ge1900"),), "Appointment": (("date", "ge1900"),)},
    )
    found = plan(vendor, capability(Observation="patient", Appointment="patient", Goal="patient"), ALL, "p")
    needed = {
        (one.type, dict(one.params).get("category")): dict(one.params).get("date") for one in found.searches
    }
    assert needed == {
        ("Observation", "laboratory"): "ge1900",
        ("Observation", "exam"): "ge1900",
        ("Appointment", None): "ge1900",
        ("Goal", None): None,
    }


def test_a_type_that_was_not_asked_for_is_refused_with_that_reason() -> None:
    granted = ("patient/Goal.rs",)
    (refusal,) = plan(
        VENDOR, capability(Observation="patient", Goal="patient"), granted, "p", asked=granted
    ).refused
    assert (refusal.type, "not asked for" in refusal.reason) == ("Observation", True)


# ── all of it, or what changed ────────────────────────────────────────────────────────────────────

NOW = "2026-03-01T00:00:00Z"
BEFORE = Standing(watermark="2026-02-20T10:00:00Z", full_pass="2026-02-10T00:00:00Z", dated=True)
SINCE = "2026-02-19T10:00:00Z"
OBSERVATION = {("Observation", ""): BEFORE}


def one(
    params: str = "patient _lastUpdated",
    standing: Standing = BEFORE,
    ask: Ask = Ask(now=NOW),  # noqa: B008
    vendor: Vendor = VENDOR,
    known: Knowledge = Knowledge(),  # noqa: B008
) -> Search:
    (search,) = plan(
        vendor,
        capability(Observation=params),
        ALL,
        "p",
        ask,
        standing={("Observation", "date=ge1900-01-01" if vendor.search_params else ""): standing},
        known=known,
    ).searches
    return search


@pytest.mark.parametrize(
    ("search", "params", "reason"),
    [
        (
            one(),
            (("_lastUpdated", f"ge{SINCE}"),),
            "only what changed since 2026-02-19; the server declares _last",
        ),
        (one("patient _lastupdated"), (("_lastupdated", f"ge{SINCE}"),), "the server declares _lastupdated"),
        (
            one("patient", vendor=Vendor("v", "V", last_updated=("Observation",))),
            (("_lastUpdated", f"ge{SINCE}"),),
            "the profile lists _lastUpdated",
        ),
        (
            one(ask=Ask(now=NOW, since="2026-01-05"), standing=Standing()),
            (("_lastUpdated", "ge2026-01-05T00:00:00Z"),),
            "as wished",
        ),
        (one("patient"), (), "the server does not declare _lastUpdated"),
        (one(standing=Standing()), (), "asked in full: for the first time"),
        (one(standing=replace(BEFORE, dated=False)), (), "did not say when it last changed"),
        (one(standing=replace(BEFORE, watermark=None)), (), "did not say when it last changed"),
        (one(standing=replace(BEFORE, watermark="soon")), (), "did not say when it last changed"),
        (
            one(standing=replace(BEFORE, full_pass="2026-01-29T00:00:00Z")),
            (),
            "its last full pass is 31 days old",
        ),
        (
            one(standing=replace(BEFORE, full_pass="2026-01-30T00:00:00Z")),
            (),
            "its last full pass is 30 days old",
        ),
        (one(standing=replace(BEFORE, full_pass="2027-01-29T00:00:00Z")), (), "lies in the future"),
        (one(ask=Ask(now=NOW, full_every_days=7)), (), "its last full pass is 19 days old"),
        (one(ask=Ask()), (), "it is not known how old"),
        (one(ask=Ask(full=True, now=NOW)), (), "asked in full: as wished"),
        (one(known=Knowledge(no_last_updated=frozenset({"Observation"}))), (), "refused _lastUpdated before"),
        (one("patient", ask=Ask(now=NOW, since="2026-01-05")), (), "although a day was given"),
        (one(ask=Ask(now=NOW, since="yesterday")), (), "that is no date"),
        (
            one(vendor=Vendor("v", "V", search_params={"Observation": (("date", "ge1900-01-01"),)})),
            (("date", "ge1900-01-01"),),
            "may not stand beside a date",
        ),
    ],
)
def test_only_what_changed_is_asked_for_where_the_server_has_proved_that_it_tells(
    search: Search, params: tuple[tuple[str, str], ...], reason: str
) -> None:
    assert search.params == (("patient", "p"), *params)
    assert reason in search.reason
    assert bool(search.since) == any(name.lower() == "_lastupdated" for name, _ in params)


TWO_CUTS = Vendor("v", "V", splits={"Observation": (("category", "laboratory"), ("category", "exam"))})


@pytest.mark.parametrize(
    ("laboratory", "exam", "full"),
    [
        (BEFORE, BEFORE, ()),
        (None, BEFORE, ("laboratory", "exam")),
        (replace(BEFORE, full_pass="2026-01-01T00:00:00Z"), BEFORE, ("laboratory", "exam")),
        (None, replace(BEFORE, full_pass="2026-02-25T00:00:00Z"), ("laboratory",)),
        (replace(BEFORE, watermark=None, dated=False), BEFORE, ("laboratory",)),
    ],
    ids=["none is due", "one came never", "one is old", "the other came whole lately", "one brings nothing"],
)
def test_all_parts_of_a_type_are_asked_in_full_where_one_is_due(
    laboratory: Standing | None, exam: Standing, full: tuple[str, ...]
) -> None:
    """Else they drift apart, and what no part brings any more is never noticed."""
    at = {("Observation", "category=laboratory"): laboratory, ("Observation", "category=exam"): exam}
    found = plan(
        TWO_CUTS,
        capability(Observation="patient category _lastUpdated"),
        ALL,
        "p",
        Ask(now=NOW),
        standing={place: one for place, one in at.items() if one is not None},
    )
    in_full = tuple(one.filter.partition("=")[2] for one in found.searches if one.since is None)
    assert in_full == full
    assert ("another part of it has to be" in found.searches[1].reason) is ("exam" in full)


def test_each_cut_of_a_type_has_a_standing_of_its_own() -> None:
    found = plan(
        TWO_CUTS,
        capability(Observation="patient category _lastUpdated"),
        ALL,
        "p",
        Ask(now=NOW),
        standing={
            ("Observation", "category=exam"): BEFORE,
            ("Observation", "category=laboratory"): replace(BEFORE, watermark=None, dated=False),
        },
    )
    assert [(search.filter, search.since) for search in found.searches] == [
        ("category=laboratory", None),
        ("category=exam", SINCE),
    ]
    assert found.mode == "incremental"
    assert plan(TWO_CUTS, None, ALL, "p").mode == "full"


def test_a_filter_is_what_tells_searches_apart() -> None:
    params = (
        ("patient", "p"),
        ("_lastUpdated", "ge2026"),
        ("status", "b"),
        ("category", "a"),
        ("_count", "5"),
    )
    assert filter_of((*params, ("_revinclude", "Provenance:target"))) == "category=a&status=b"


# ── what was learned ──────────────────────────────────────────────────────────────────────────────


def test_what_is_known_to_be_refused_is_named_and_not_asked_unless_it_is_wished_or_came_before() -> None:
    declared = capability(Goal="patient", Flag="patient")
    known = Knowledge(unsupported={"Flag": "known to be refused until 2026-04-01: it is not offered there"})
    found = plan(VENDOR, declared, ALL, "p", known=known)
    assert types(found) == ["Goal"]
    assert [(one.type, "until 2026-04-01" in one.reason) for one in found.refused] == [("Flag", True)]
    assert "Flag" in types(plan(VENDOR, declared, ALL, "p", Ask(full=True), known=known))
    assert types(plan(VENDOR, declared, ALL, "p", Ask(types=("Flag",)), known=known)) == ["Flag"]
    came = {("Flag", ""): Standing(full_pass="2026-02-10T00:00:00Z")}
    assert "Flag" in types(plan(VENDOR, declared, ALL, "p", standing=came, known=known))


def test_learned_cuts_and_needs_go_before_those_of_the_profile() -> None:
    vendor = Vendor("v", "V", splits={"Observation": (("category", "laboratory"),)})
    known = Knowledge(
        splits={"Observation": (("code", "1"), ("code", "2"))},
        needs={"Observation": (("status", "final"),)},
        parameters={"Observation": "subject"},
    )
    found = plan(vendor, capability(Observation="patient"), ALL, "p", known=known).searches
    assert [search.params for search in found] == [
        (("subject", "p"), ("code", code), ("status", "final")) for code in "12"
    ]


# ── Provenance, and everything at once ────────────────────────────────────────────────────────────


def including(**types_: str) -> Capability:
    plain = capability(**types_)
    brought = {
        name: replace(declared, revincludes=frozenset({"Provenance:target"}))
        for name, declared in plain.types.items()
        if name != "Provenance"
    }
    return replace(plain, types={**plain.types, **brought})


REVINCLUDE = ("_revinclude", "Provenance:target")


def test_provenance_comes_along_where_it_cannot_be_searched_by_patient() -> None:
    found = plan(VENDOR, including(Goal="patient", Provenance="_id target"), ALL, "p")
    assert [search.params for search in found.searches] == [(("patient", "p"), REVINCLUDE)]
    assert (found.searches[0].filter, found.includes, found.refused) == ("", {"Goal"}, ())


def test_provenance_that_can_be_searched_by_patient_comes_by_itself() -> None:
    found = plan(VENDOR, including(Goal="patient", Provenance="patient"), ALL, "p")
    assert [search.params for search in found.searches] == [(("patient", "p"),)] * 2


def test_provenance_that_may_not_be_read_or_was_refused_does_not_come_along() -> None:
    declared = including(Goal="patient")
    assert not plan(VENDOR, declared, ("patient/Goal.rs",), "p").includes
    assert plan(VENDOR, declared, ("patient/Goal.rs", "patient/Provenance.r"), "p").includes
    known = Knowledge(no_revinclude=frozenset({"Goal"}))
    assert not plan(VENDOR, declared, ALL, "p", known=known).includes
    assert not plan(VENDOR, declared, ALL, "p", Ask(types=("Goal",))).includes


def test_provenance_that_neither_comes_along_nor_can_be_searched_is_named() -> None:
    found = plan(VENDOR, capability(Goal="patient", Provenance="target"), ALL, "p")
    assert [one.type for one in found.refused] == ["Provenance"]


def test_a_profile_knows_what_a_server_does_not_declare_about_provenance() -> None:
    declared = capability(Goal="patient", Flag="patient")
    assert plan(Vendor("v", "V", provenance=True), declared, ALL, "p").includes == {"Goal"}


def test_everything_is_asked_where_the_profile_trusts_it_and_types_it_left_out_one_by_one() -> None:
    vendor = Vendor("v", "V", everything=True)
    declared = capability(Goal="patient", Observation="patient")
    found = plan(vendor, declared, ALL, "p")
    assert found.everything is not None
    assert (found.everything.type, found.everything.params) == ("Patient/p/$everything", ())
    assert [search.type for search in found.beside(())] == ["Goal", "Observation"], "the fall-back"
    assert [search.type for search in found.beside({"Observation", "Patient"})] == ["Goal"]


@pytest.mark.parametrize(
    ("vendor", "granted", "ask", "known"),
    [
        (VENDOR, ALL, Ask(), Knowledge()),
        (Vendor("v", "V", everything=True), ("patient/Goal.rs",), Ask(), Knowledge()),
        (Vendor("v", "V", everything=True), ALL, Ask(types=("Goal",)), Knowledge()),
        (Vendor("v", "V", everything=True), ALL, Ask(), Knowledge(no_everything=True)),
        (Vendor("v", "V", everything=False), ALL, Ask(), Knowledge()),
    ],
)
def test_everything_is_not_asked_where_nobody_trusts_it(
    vendor: Vendor, granted: tuple[str, ...], ask: Ask, known: Knowledge
) -> None:
    declared = replace(capability(Goal="patient"), everything=True)
    assert plan(vendor, declared, granted, "p", ask, known=known).everything is None


def test_everything_is_tried_where_nobody_says_what_there_is_and_all_else_is_asked_all_the_same() -> None:
    found = plan(VENDOR, None, ALL, "p")
    assert found.everything is not None and not found.trusted
    assert found.beside({"Observation"}) == found.searches
    full = plan(Vendor("v", "V", everything=True), None, ALL, "p", Ask(full=True))
    assert full.everything is not None and full.beside({"Observation"}) == full.searches
