"""A large list of organisations, the same every time."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from phr.providers.organisations import Row, dump

PLACES = "Ashford Birchwood Cedarville Dunmore Eastham Fairhaven Glenrock Hartwell Ironton Juniper Kingsley Larkspur"
KINDS = (
    "Family Medicine",
    "Medical Center",
    "Pediatrics",
    "Health",
    "Clinic",
    "Regional Hospital",
    "Orthopedics",
)
STATES = ("OH", "CO", "TX", "NY", "WA", "GA")


def made_up(number: int) -> list[Row]:
    """So many organisations, among them a few with names of their own."""
    dice = random.Random(7)
    syllables = [
        a + b for a in "bra cor del fen gor hal jun kel mar nor".split() for b in "ston wick ley dale".split()
    ]
    rows: list[Row] = [
        [
            "quillmark",
            "Quillmark Health",
            "epic",
            "Denver, Colorado",
            "https://fhir.quillmark.org/R4",
            "QMH",
            "",
        ],
        [
            "quillmark-foundation",
            "Quillmark Health Foundation Services",
            "oracle",
            "",
            "https://q.example.org/1",
            "",
            "",
        ],
        [
            "saint-orla",
            "St. Orla's Medical Center",
            "meditech",
            "Toledo, OH",
            "https://fhir.orla.org/R4",
            "",
            "",
        ],
        ["wrenfield", "WrenField Partners", "athenahealth", "", "https://api.example.org/fhir/r4", "", "yes"],
        ["zumbro", "Hôpital Zümbro", "custom", "Montréal", "https://fhir.zumbro.org/R4", "", ""],
    ]
    for at in range(number - len(rows)):
        name = (
            f"{dice.choice(syllables).title()} {dice.choice(PLACES.split())} {dice.choice(KINDS)} {at % 97}"
        )
        state = dice.choice(STATES)
        rows.append(
            [f"made-{at}", name, "eclinicalworks", f"Town, {state}", f"https://h{at}.example.org/R4", "", ""]
        )
    return rows


@pytest.fixture(scope="session")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20,000 organisations in a file."""
    path = tmp_path_factory.mktemp("organisations") / "organisations.tsv"
    path.write_bytes(dump(made_up(20_000)))
    return path
