"""The table of vendors' habits, held against the catalogue that people choose from."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from phr.sandbox.vendors import VENDORS

CATALOGUE = Path(__file__).parents[2] / "providers.toml"


def test_every_vendor_of_the_catalogue_can_be_imitated() -> None:
    if not CATALOGUE.exists():
        pytest.skip("the catalogue is not beside the tests")
    with CATALOGUE.open("rb") as file:
        vendors = tomllib.load(file)["vendors"]

    assert set(vendors) <= set(VENDORS)
