"""What is handed on: which resources, under which addresses, with which bytes."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import orjson

from phr.model import Received
from phr.store.store import Store
from phr.views.bundle import bundle, stream
from phr.views.selection import Selection
from phr.views.status import patient_names


def _addresses(store: Store, selection: Selection) -> list[str]:
    return ["/".join(url.rsplit("/", 2)[-2:]) for url, _ in stream(store, selection)]


def test_everything_of_every_source_is_handed_on_patients_first(life: Store) -> None:
    urls = [url for url, _ in stream(life)]

    assert len(urls) == len(set(urls)) == 11
    assert [url.rsplit("/", 2)[1] for url in urls[:3]] == ["Patient", "Patient", "Practitioner"]
    assert "https://h.example/fhir/Observation/o1" in urls


def test_a_selection_takes_the_supporting_resources_of_its_sources_along(life: Store) -> None:
    found = _addresses(life, Selection(kinds=("problem",), sources=("clinic",)))

    assert found == ["Patient/p", "Condition/c1"], "nobody is named whom the condition does not name"
    found = _addresses(life, Selection(kinds=("encounter",), sources=("clinic",)))
    assert found == ["Patient/p", "Practitioner/d", "Encounter/e"]


def test_a_part_of_the_record_does_not_tell_of_the_rest(
    store: Store, source: str, received: Callable[..., Received]
) -> None:
    store.save(
        source,
        [
            received("Patient", "p", name=[{"text": "Ada Example"}]),
            received("Organization", "lab", name="Town Laboratory", partOf={"reference": "Organization/top"}),
            received("Organization", "top", name="Town"),
            received("Organization", "clinic", name="Clinic for a private matter"),
            received("Practitioner", "a", identifier=[{"system": "urn:npi", "value": "1"}]),
            received("Practitioner", "b", identifier=[{"system": "urn:npi", "value": "2"}]),
            received(
                "Observation",
                "o",
                code={"text": "Potassium"},
                performer=[
                    {"reference": "Organization/lab"},
                    {"reference": "Practitioner?identifier=urn:npi|1"},
                ],
            ),
            received(
                "Condition",
                "c",
                code={"text": "Private matter"},
                recorder={"reference": "Organization/clinic"},
            ),
        ],
    )
    handed = _addresses(store, Selection(search="potassium"))

    assert sorted(handed) == [
        "Observation/o",
        "Organization/lab",
        "Organization/top",
        "Patient/p",
        "Practitioner/a",
    ]
    assert "Organization/clinic" in _addresses(
        store, Selection(sources=tuple(s.name for s in store.sources.all()))
    )


def test_references_by_urn_bring_their_targets_along(
    store: Store, source: str, received: Callable[..., Received]
) -> None:
    id_ = str(uuid4())
    store.save(
        source,
        [
            received("Practitioner", id_, name=[{"text": "Dr. Who"}]),
            received("Observation", "o", code={"text": "x"}, performer=[{"reference": f"urn:uuid:{id_}"}]),
        ],
    )
    assert f"urn:uuid:{id_}" in [url for url, _ in stream(store, Selection(search="x"))]


def test_nothing_restricted_leaves_the_house_with_normal_sensitivity(life: Store) -> None:
    assert "Condition/secret" in _addresses(life, Selection())
    assert "Condition/secret" not in _addresses(life, Selection(sensitivity="normal"))


def test_bytes_are_those_of_the_source(store: Store, source: str) -> None:
    body = b'{"resourceType" : "Condition","id":"c", "code":{"text":"x"}, "n": 1.50}'
    store.save(source, [Received("Condition", "c", body)])

    assert [raw for _, raw in stream(store)] == [body]


def test_the_bundle_begins_with_a_composition_about_the_patient_of_the_connection(life: Store) -> None:
    gathered = bundle(life)
    entries = gathered.bundle["entry"]

    clinic = next(s.key for s in life.sources.all() if s.name == "clinic")
    assert entries[0]["resource"]["resourceType"] == "Composition"
    assert entries[0]["resource"]["subject"] == {"reference": "https://h.example/fhir/Patient/p"}
    assert gathered.sources == {
        f"https://phr.invalid/{clinic}": "clinic",
        "https://h.example/fhir": "hospital",
    }
    bases = {entry["fullUrl"].rsplit("/", 2)[0] for entry in entries[1:]}
    assert bases == set(gathered.sources)


def test_two_sources_of_one_server_do_not_share_addresses(
    store: Store, received: Callable[..., Received]
) -> None:
    for name in ("a", "b"):
        key = store.sources.ensure(name, "import", "https://one.example/fhir").key
        store.save(key, [received("Condition", "1", code={"text": name})])

    urls = [url for url, _ in stream(store)]
    assert len(set(urls)) == 2


def test_what_the_source_deleted_is_named_and_not_handed_on(life: Store) -> None:
    life.gone("k2", "Condition", "secret")

    gathered = bundle(life)
    assert [(problem.type, problem.reason[:1]) for problem in gathered.left_out] == [("Condition", "1")]
    assert "Condition/secret" not in _addresses(life, Selection())


def test_urn_references_of_an_imported_file_can_be_followed_in_both_forms(store: Store, source: str) -> None:
    patient, visit = str(uuid4()), str(uuid4())
    resources = [
        {"resourceType": "Patient", "id": patient},
        {"resourceType": "Encounter", "id": visit, "subject": {"reference": f"urn:uuid:{patient}"}},
    ]
    store.save(source, [Received(r["resourceType"], r["id"], orjson.dumps(r)) for r in resources])

    assert [url for url, _ in stream(store)] == [f"urn:uuid:{patient}", f"urn:uuid:{visit}"]
    encounter = bundle(store).bundle["entry"][2]["resource"]
    assert encounter["subject"] == {"reference": f"Patient/{patient}"}


def test_an_empty_record_gives_an_empty_bundle_without_a_subject(store: Store) -> None:
    entries = bundle(store).bundle["entry"]

    assert len(entries) == 1
    assert "subject" not in entries[0]["resource"]


def test_it_is_the_record_of_whoever_came_first_and_not_of_whoever_has_most(
    store: Store, received: Callable[..., Received]
) -> None:
    own, child = (store.sources.ensure(name).key for name in ("own", "child"))
    shot = {"vaccineCode": {"text": "MMR"}, "occurrenceDateTime": "2020-01-01", "status": "completed"}
    store.save(own, [received("Patient", "a", name=[{"text": "Jack Doe"}])])
    store.save(
        child,
        [
            received("Patient", "b", name=[{"text": "Mia Doe"}]),
            *(
                received("Immunization", str(number), patient={"reference": "Patient/b"}, **shot)
                for number in range(9)
            ),
        ],
    )
    about = [
        bundle(store, selection).bundle["entry"][0]["resource"]["subject"]["reference"].rpartition("/")[2]
        for selection in (Selection(), Selection(kinds=("immunization",)), Selection(sources=("child",)))
    ]

    assert about == ["a", "a", "b"]
    assert patient_names(store) == ("Jack Doe", "Mia Doe")
