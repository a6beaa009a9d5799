"""Whose the resources of an export are: only the person's own are kept, whatever else is in it."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator

import orjson
import pytest

from phr.errors import Refused, UsageError
from phr.model import Change
from phr.store.store import Store

from .bulk_server import of, outcome, resource
from .bulk_world import World, a_world, small


@pytest.fixture
def world(store: Store, source: str) -> Iterator[World]:
    with a_world(store, source) as found:
        yield found


def to(address: str) -> dict[str, str]:
    return {"reference": address}


def crowd(world: World) -> None:
    """Two people, and what stands around them."""
    add = world.server.add
    add(
        "Organization",
        resource("Organization", "hers"),
        resource("Organization", "top"),
        resource("Organization", "far"),
    )
    add(
        "Practitioner",
        resource("Practitioner", "mine"),
        resource("Practitioner", "other"),
        resource("Practitioner", "role"),
    )
    add(
        "PractitionerRole",
        resource(
            "PractitionerRole",
            "r1",
            practitioner=to("Practitioner/role"),
            organization=to("Organization/hers"),
        ),
        resource("PractitionerRole", "r2", practitioner=to("Practitioner/other")),
    )
    add("Provenance", resource("Provenance", "p1", target=[to("Observation/o1")]))
    add("Provenance", resource("Provenance", "p2", target=[to("Observation/x1")]))
    add(
        "Observation",
        resource(
            "Observation", "o1", performer=[to("Practitioner/mine"), to("PractitionerRole/r1")], **of("me")
        ),
        resource("Observation", "x1", performer=[to("Practitioner/other")], **of("her")),
        resource("Observation", "member"),
        resource("Observation", "panel", hasMember=[to("Observation/member")], **of("me")),
        resource("Observation", "nobody"),
    )
    add("Coverage", resource("Coverage", "c1", beneficiary=to("Patient/me"), subscriber=to("Patient/her")))
    add("Coverage", resource("Coverage", "c2", beneficiary=to("Patient/her"), policyHolder=to("Patient/me")))
    add(
        "Appointment",
        resource(
            "Appointment", "a1", participant=[{"actor": to("Practitioner/mine")}, {"actor": to("Patient/me")}]
        ),
        resource("Appointment", "a2", participant=[{"actor": to("Patient/her")}]),
    )
    add("Group", resource("Group", "g", member=[{"entity": to("Patient/me")}, {"entity": to("Patient/her")}]))
    add("Patient", resource("Patient", "me"), resource("Patient", "her"))


MINE = {
    "Patient/me",
    "Observation/o1",
    "Observation/panel",
    "Observation/member",
    "Coverage/c1",
    "Appointment/a1",
    "Provenance/p1",
    "Practitioner/mine",
    "Practitioner/role",
    "PractitionerRole/r1",
    "Organization/hers",
}


def test_only_ones_own_is_kept_of_an_export_of_many(world: World) -> None:
    crowd(world)
    done = world.pull("system")
    assert world.kept == MINE
    assert done.complete
    assert done.left_out == 5 + 6
    assert "5 resources of other people were left out" in world.words
    assert "6 resources that nothing in this record points at were left out" in world.words
    assert world.tally.status == "completed"


def test_nothing_is_counted_twice_though_files_are_read_twice(world: World) -> None:
    crowd(world)
    world.pull("system")
    assert world.tally.changes.total() == len(MINE)
    assert {change for _, change in world.tally.changes} == {Change.NEW}
    world.pull("system", full=True)
    assert world.tally.changes == Counter(
        {(type_, Change.UNCHANGED): count for type_, count in _by_type(MINE).items()}
    )


def _by_type(addresses: set[str]) -> Counter[str]:
    return Counter(address.partition("/")[0] for address in addresses)


def test_what_only_refers_to_what_supports_is_followed_in_rounds(world: World) -> None:
    """An Organization's parent is in the same file, before it."""
    crowd(world)
    organisations = [
        resource("Organization", "top"),
        resource("Organization", "middle", partOf=to("Organization/top")),
        resource("Organization", "hers", partOf=to("Organization/middle")),
    ]
    del world.server.files["Organization.0"]
    world.server.add("Organization", *organisations)
    world.pull("system")
    assert {"Organization/hers", "Organization/middle", "Organization/top"} <= world.kept


def test_changed_supporting_resources_are_kept_up_to_date(world: World) -> None:
    crowd(world)
    world.pull("system")
    world.server.files.clear()
    world.server.add(
        "Practitioner", resource("Practitioner", "mine", active=True), resource("Practitioner", "new")
    )
    world.pull("system")
    assert world.tally.changes == Counter({("Practitioner", Change.UPDATED): 1})
    assert world.kept == MINE


def test_an_export_of_this_person_alone_is_kept_whole(world: World) -> None:
    small(world.server)
    world.server.add("Organization", resource("Organization", "unmentioned"))
    world.server.add("Observation", resource("Observation", "of-a-device"))
    done = world.pull()
    assert {"Organization/unmentioned", "Observation/of-a-device"} <= world.kept
    assert done.left_out == 0


def test_a_later_export_of_changes_does_not_bring_everybodys_doctors(world: World) -> None:
    small(world.server)
    world.pull("system")
    world.server.add("Practitioner", resource("Practitioner", "stranger"))
    world.pull("system")
    assert "Practitioner/stranger" not in world.kept


def test_types_in_mixed_files_are_told_apart_line_by_line(world: World) -> None:
    world.server.add(
        "",
        resource("Practitioner", "mine"),
        resource("Practitioner", "other"),
        resource("Observation", "x", **of("her")),
        resource("Observation", "o", performer=[to("Practitioner/mine")], **of("me")),
        resource("Parameters", "head"),
        resource("Patient", "me"),
    )
    world.pull("system")
    assert world.kept == {"Practitioner/mine", "Observation/o", "Patient/me"}


def test_nothing_of_other_people_is_stored_or_logged(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    crowd(world)
    world.server.files["broken"] = (
        "output",
        "Observation",
        b'{"resourceType":"Observation","note":"stranger-secret\n',
    )
    world.server.counts = False
    world.pull("system")
    for table in ("resource", "problem", "bulk_export"):
        for row in world.store.db.execute(f"SELECT * FROM {table}"):
            text = b" ".join(value if isinstance(value, bytes) else str(value).encode() for value in row)
            assert b"Patient/her" not in text or b"subscriber" in text
            assert b"stranger-secret" not in text
    assert "her" not in caplog.text.split()
    assert not any(one.raw for one in world.tally.skipped)
    assert "stranger-secret" not in caplog.text + " ".join(world.words)


# ── nobody said who is meant ────────────────────────────────────────────────────────────────────────


def test_the_only_patient_of_an_export_is_the_one_meant(world: World) -> None:
    small(world.server)
    assert world.pull(patients=()).complete
    assert len(world.kept) == 6
    assert world.tally.changes["Patient", Change.NEW] == 1


def test_of_several_patients_the_person_has_to_name_one(world: World) -> None:
    crowd(world)
    with pytest.raises(UsageError, match="several people, and this connection does not say which") as caught:
        world.pull(patients=())
    assert "--patient" in (caught.value.hint or "")
    assert world.kept == set()
    # Once that is known the same export is used.
    assert world.pull("patient", patients=("me",)).complete
    assert world.server.exports == 1


def test_an_export_without_a_patient_does_not_say_whose_it_is(world: World) -> None:
    world.server.add("Observation", resource("Observation", "o", **of("somebody")))
    with pytest.raises(Refused, match="does not say whose record it is"):
        world.pull(patients=())
    assert world.kept == set()


def test_who_is_kept_already_is_meant_later(world: World) -> None:
    small(world.server)
    world.pull(patients=())
    world.server.files.clear()
    world.server.add(
        "Observation", resource("Observation", "new", **of("me")), resource("Observation", "x", **of("her"))
    )
    done = world.pull(patients=())
    assert "Observation/new" in world.kept
    assert done.left_out == 1


def test_an_empty_export_is_no_error(world: World) -> None:
    done = world.pull(patients=())
    assert (done.complete, done.files) == (True, 0)


def test_an_export_of_other_people_only_is_named(world: World) -> None:
    world.server.add("Patient", resource("Patient", "her"))
    world.server.add("Observation", resource("Observation", "x", **of("her")))
    world.pull("system")
    assert world.kept == set()
    assert "the export holds other people only, and nothing of this patient" in world.words
    assert world.tally.status != "completed"


# ── taken back, and remarks ─────────────────────────────────────────────────────────────────────────


def _deleted(*urls: str) -> dict[str, object]:
    entries = [{"request": {"method": "DELETE", "url": url}} for url in urls]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def test_what_the_server_deleted_is_gone_and_its_bytes_stay(world: World) -> None:
    small(world.server)
    world.pull()
    world.server.files.clear()
    world.server.add(
        "Bundle", _deleted("Observation/o1", "Observation/never-seen"), kind="deleted", name="d1"
    )
    world.server.add(
        "Bundle",
        _deleted(f"{world.server.base}/Observation/o2", "Observation?identifier=x"),
        {
            "resourceType": "Bundle",
            "type": "transaction",
            "entry": [{"request": {"method": "PUT", "url": "Observation/o3"}}],
        },
        kind="deleted",
        name="d2",
    )
    world.pull()
    assert world.tally.changes == Counter({("Observation", Change.GONE): 2})
    assert world.kept == {"Patient/me", "Observation/o0", "Observation/o3", "Observation/o4"}
    assert world.store.raw("Observation", "o1")
    reasons = {row[0] for row in world.store.db.execute("SELECT reason FROM tombstone")}
    assert reasons == {"deleted"}


def test_a_broken_list_of_what_was_deleted_is_named(world: World) -> None:
    small(world.server)
    world.server.files["d"] = ("deleted", "Bundle", b"{nonsense\n")
    world.pull()
    assert "is not a readable list of what was deleted" in world.words


@pytest.mark.parametrize(
    ("severity", "status"), [("information", "completed"), ("warning", "completed"), ("error", "partial")]
)
def test_remarks_of_the_server_are_named_and_errors_count(world: World, severity: str, status: str) -> None:
    small(world.server)
    remark = {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": severity, "code": "processing", "diagnostics": "Some notes were too old."}],
    }
    world.server.add("OperationOutcome", remark, remark, kind="error")
    assert world.pull().complete
    assert world.tally.status == status
    assert [words for words in world.words if "too old" in words] == (
        [] if severity == "information" else ["Some notes were too old. (2 times)"]
    )
    _ = orjson, outcome
