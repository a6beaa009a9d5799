"""The synthetic family as a stream of resources: the same for everyone, whole, and valid."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from typing import Any

import orjson
import pytest

from phr.sandbox.synthetic import family
from phr.sandbox.synthetic.build import TODAY, copies

Json = dict[str, Any]
MAIN = "Patient/tamsin-quillfeather"


@pytest.fixture(scope="module")
def record() -> list[Json]:
    return list(family())


def subject(resource: Json) -> str | None:
    for name in ("subject", "patient", "beneficiary", "for"):
        if name in resource:
            return str(resource[name]["reference"])
    return None


def walk(value: object) -> Iterator[Json]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from walk(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from walk(inner)


def test_the_same_seed_gives_the_same_bytes(record: list[Json]) -> None:
    assert orjson.dumps(list(family(seed=1))) == orjson.dumps(record)


def test_another_seed_gives_other_values_under_the_same_ids(record: list[Json]) -> None:
    other = list(family(seed=2))

    assert [(r["resourceType"], r["id"]) for r in other] == [(r["resourceType"], r["id"]) for r in record]
    assert sum(one != two for one, two in zip(record, other, strict=True)) > 150


def test_the_record_does_not_depend_on_the_hash_seed_of_the_process(record: list[Json]) -> None:
    program = (
        "import hashlib, orjson\nfrom phr.sandbox.synthetic import family\n"
        "print(hashlib.sha256(orjson.dumps(list(family()))).hexdigest())"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "4711"}
    out = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )

    assert out.stdout.strip() == hashlib.sha256(orjson.dumps(record)).hexdigest()


def test_ids_are_plain_and_unique_within_their_type(record: list[Json]) -> None:
    counts = Counter((r["resourceType"], r["id"]) for r in record)

    assert max(counts.values()) == 1
    assert all(re.fullmatch(r"[A-Za-z0-9\-.]{1,64}", id_) for _, id_ in counts)


def test_every_reference_resolves_within_the_family(record: list[Json]) -> None:
    known = {f"{r['resourceType']}/{r['id']}" for r in record}
    asked = {node["reference"] for r in record for node in walk(r) if isinstance(node.get("reference"), str)}
    asked |= {
        node["url"] for r in record for node in walk(r) if str(node.get("url", "")).startswith("Binary/")
    }

    assert asked - known == set()
    assert {"Binary", "Encounter", "Medication", "Organization", "Practitioner"} <= {
        each.split("/")[0] for each in asked
    }


def test_some_references_have_no_display_so_that_readers_must_resolve_them(record: list[Json]) -> None:
    bare = {
        node["reference"].split("/")[0]
        for r in record
        for node in walk(r)
        if isinstance(node.get("reference"), str) and "display" not in node
    }

    assert {"Encounter", "Medication", "Practitioner", "Condition"} <= bare


def test_every_resource_is_valid_in_the_fhir_models(record: list[Json]) -> None:
    from fhir.resources.R4B import get_fhir_model_class

    refused = []
    for resource in record:
        try:
            get_fhir_model_class(resource["resourceType"]).model_validate(resource)
        except ValueError as error:
            refused.append((resource["resourceType"], resource["id"], str(error)[:200]))

    assert refused == []


def test_supporting_resources_come_first_then_patients_then_their_lives(record: list[Json]) -> None:
    types = [r["resourceType"] for r in record]
    first, last = types.index("Patient"), len(types) - 1 - types[::-1].index("Patient")

    assert set(types[:first]) == {
        "Organization",
        "Location",
        "Practitioner",
        "PractitionerRole",
        "Medication",
    }
    assert set(types[first : last + 1]) == {"Patient"}
    assert f"Patient/{record[first]['id']}" == MAIN


def test_the_main_person_has_the_long_record_and_the_others_short_ones(record: list[Json]) -> None:
    counts = Counter(subject(r) for r in record if subject(r))
    main = counts.pop(MAIN)

    assert main > 400
    assert len(counts) == 3
    assert all(40 <= count <= 80 for count in counts.values())


def test_the_main_record_has_every_kind_of_thing(record: list[Json]) -> None:
    types = {r["resourceType"] for r in record if subject(r) == MAIN}

    assert types >= set(
        "AllergyIntolerance CarePlan CareTeam Claim Communication Condition Consent Coverage Device DiagnosticReport "
        "DocumentReference Encounter ExplanationOfBenefit FamilyMemberHistory Goal ImagingStudy Immunization "
        "MedicationAdministration MedicationRequest MedicationStatement Observation Procedure QuestionnaireResponse "
        "RelatedPerson ServiceRequest Specimen Task".split()
    )


def test_scale_multiplies_what_repeats_and_keeps_ids_unique(record: list[Json]) -> None:
    scaled = list(family(scale=5))
    once = Counter(r["resourceType"] for r in record if subject(r) == MAIN)
    often = Counter(r["resourceType"] for r in scaled if subject(r) == MAIN)

    assert len({(r["resourceType"], r["id"]) for r in scaled}) == len(scaled)
    assert often["MedicationAdministration"] == 5 * once["MedicationAdministration"]
    assert often["Observation"] > 4 * once["Observation"]
    assert often["Encounter"] > 4 * once["Encounter"]
    assert often["Condition"] == once["Condition"]
    known = {f"{r['resourceType']}/{r['id']}" for r in scaled}
    assert all(
        n["reference"] in known for r in scaled for n in walk(r) if isinstance(n.get("reference"), str)
    )  # fmt: skip


def test_scale_streams_its_resources() -> None:
    assert len({r["id"] for r in islice(family(scale=10**7), 3000)}) == 3000


def test_nothing_measured_lies_after_the_fixed_today() -> None:
    latest = ""
    for resource in family(scale=60):
        latest = max(
            latest, resource.get("effectiveDateTime") or resource.get("effectivePeriod", {}).get("start", "")
        )

    assert "2026-10-26" < latest < TODAY.isoformat()


def test_the_latest_copies_lie_before_today_at_any_scale() -> None:
    assert max(later for _, later in copies(20_000)) < timedelta(days=25)


def test_dates_come_with_offsets_in_utc_and_with_less_than_a_day(record: list[Json]) -> None:
    text = orjson.dumps(record).decode()

    assert re.search(r'"\d{4}-\d\d-\d\dT[\d:]+-0[45]:00"', text)
    assert re.search(r'"effectiveDateTime":"[^"]+Z"', text)
    assert re.search(r'"onsetDateTime":"\d{4}"', text)
    assert re.search(r'"performedDateTime":"\d{4}-\d\d"', text)
