"""Kinds of record as people say them."""

from __future__ import annotations

import pytest

from phr.model import KINDS
from phr.views.kind_words import KIND_ALIASES, kind_of


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("labs", "lab_result"), ("lab", "lab_result"), ("Lab results", "lab_result"), ("meds", "medication"),
        ("vaccines", "immunization"), ("visits", "encounter"), ("allergies", "allergy"), ("diagnoses", "problem"),
        ("surgeries", "procedure"), ("blood tests", "lab_result"), ("vital signs", "vital_sign"),
        ("vital-signs", "vital_sign"), ("notes", "clinical_note"), ("appt.", "appointment"), ("x-rays", "imaging"),
        ("family history", "family_history"), ("diagnosis", "problem"), ("claims", "claim"),
    ],
)  # fmt: skip
def test_a_kind_is_understood_as_people_say_it(said: str, kind: str) -> None:
    assert kind_of(said) == kind


def test_every_word_means_a_kind_and_nonsense_means_none() -> None:
    assert set(KIND_ALIASES.values()) <= set(KINDS)
    assert all(kind_of(kind) == kind for kind in KINDS)
    assert not set(KIND_ALIASES) & set(KINDS)
    assert [kind_of(word) for word in ("", "labb", "s", "42", "é")] == [None] * 5
