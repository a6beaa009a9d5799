"""How often a medicine is taken, where a source says numbers that nobody can follow."""

from __future__ import annotations

import pytest

from phr.ccda.sections.dosage import dosing


@pytest.mark.parametrize(
    ("period", "frequency", "told"),
    [
        (1, 3, "0.333333"),
        (7, 2, "3.5"),
        (1, 1, "1"),
        (1e308, 1, f"{10**308}"),
        (1e308, 3, None),
        (1e-300, 1, f"0.{'0' * 299}1"),
        (1, 10**30, f"0.{'0' * 29}1"),
        (0, 1, "0"),
    ],
)
def test_a_period_is_divided_whatever_its_size(period: float, frequency: int, told: str | None) -> None:
    made = dosing({"timing": {"repeat": {"period": period, "frequency": frequency, "periodUnit": "d"}}})
    assert made is not None
    said = made.children[0].attributes["value"]
    assert said == told if told else len(said) == 308 and said.startswith("3333")
