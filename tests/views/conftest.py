"""A small life in two sources, with a real records file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from phr.model import Connection, Received
from phr.store.store import Store

LOINC = "http://loinc.org"


def lab(make: Callable[..., Received], id_: str, date: str | None, value: float, **more: Any) -> Received:
    """A haemoglobin result."""
    when = {"effectiveDateTime": date} if date else {}
    return make(
        "Observation",
        id_,
        status="final",
        category=[{"coding": [{"code": "laboratory"}]}],
        code={"coding": [{"system": LOINC, "code": "718-7", "display": "Hemoglobin"}]},
        subject={"reference": "Patient/p"},
        valueQuantity={"value": value, "unit": "g/dL"},
        **when,
        **more,
    )


@pytest.fixture
def life(store: Store, received: Callable[..., Received]) -> Store:
    """Two sources that both use the ids `p`, `e` and `o1`."""
    clinic = store.sources.ensure("clinic", "import").key
    store.connections.save(
        Connection(
            key="k2",
            name="hospital",
            provider="h",
            vendor="epic",
            organisation="General",
            fhir_base="https://h.example/fhir/",
            client_id="c",
            patient_id="p",
            connected="2026-02-27T12:00:00Z",
            last_sync="2026-02-28T12:00:00Z",
        )
    )
    store.save(
        clinic,
        [
            received("Patient", "p", name=[{"text": "Ada Example"}]),
            received("Practitioner", "d", name=[{"text": "Dr. Who"}]),
            received(
                "Encounter",
                "e",
                status="finished",
                period={"start": "2020-06-01"},
                type=[{"text": "Office visit"}],
                serviceProvider={"display": "Village Clinic"},
                participant=[{"individual": {"reference": "Practitioner/d"}}],
            ),
            lab(received, "o1", "2020-06-01T08:00:00Z", 13.5, encounter={"reference": "Encounter/e"}),
            lab(received, "o2", "2021-02", 12.1),
            lab(received, "o3", None, 11.0),
            received("Condition", "c1", code={"text": 'Öst-Arthritis "left" knee'}, onsetDateTime="2019"),
        ],
    )
    store.save(
        "k2",
        [
            received("Patient", "p", name=[{"given": ["Ada"], "family": "Example"}]),
            received(
                "Encounter", "e", period={"start": "2022-01-01"}, serviceProvider={"display": "General"}
            ),
            lab(received, "o1", "2022-01-01T09:30:00+01:00", 14.0, encounter={"reference": "Encounter/e"}),
            received(
                "Condition",
                "secret",
                code={"text": "Private matter"},
                onsetDateTime="2021-05-05",
                meta={
                    "security": [
                        {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}
                    ]
                },
            ),
        ],
    )
    return store
