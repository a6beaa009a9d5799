"""The packs that come with phr: whole, known by their codes, and honest about where these come from."""

from __future__ import annotations

import pytest

from phr.packs import loading
from phr.packs.codes import SYSTEMS, CodeSet
from phr.packs.model import Pack
from phr.packs.places import files, shipped_folder

FILES = files(shipped_folder())
EXPECTED = {"alpha-1", "asthma", "ckd", "copd", "diabetes", "general", "hypertension"}
# LOINC's last digit is a check digit (LOINC Users' Guide, "LOINC check digit": Luhn, mod 10), and so is SNOMED CT's
# (Verhoeff): a slip of the pen in a code does not stay unseen.
_D = "0123456789 1234067895 2340178956 3401289567 4012395678 5987604321 6598710432 7659821043 8765932104 9876543210"
_P = "0123456789 1576283094 5803796142 8916043527 9453126870 4286573901 2793806415 7046913258"


def _luhn(code: str) -> bool:
    digits, check = code.split("-")
    total = 0
    for at, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if at % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return (10 - total % 10) % 10 == int(check)


def _verhoeff(code: str) -> bool:
    table, turns = _D.split(), _P.split()
    check = 0
    for at, digit in enumerate(reversed(code)):
        check = int(table[check][int(turns[at % 8][int(digit)])])
    return check == 0


def _codes(pack: Pack) -> list[tuple[str, str]]:
    groups = [
        pack.codes,
        *(rule.codes for rule in pack.tags),
        *(rule.codes for rule in pack.milestones),
        *(extra.codes for extra in pack.summary),
        *((("loinc", one.codes),) for group in pack.trends for one in group.measures),
    ]
    return [(system, code) for group in groups for system, listed in group for code in listed]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_shipped_pack_is_well_written_and_says_where_it_comes_from(file):
    pack, wrong = loading.read(file, own=False)

    assert wrong == []
    assert pack is not None
    assert pack.id == file.stem
    assert pack.source
    assert pack.about.endswith(".")
    assert all(note.source for note in pack.notes)


def test_all_that_were_promised_are_there():
    assert {pack.id for pack in loading.packs()} == EXPECTED


# Accepted because records are said to hold it; alpha-1.toml says that it is no code of LOINC's own.
NO_LOINC = {"48805-0"}


@pytest.mark.parametrize("pack", loading.packs(), ids=lambda pack: pack.id)
def test_every_check_digit_is_right(pack):
    wrong = [
        (system, code)
        for system, code in _codes(pack)
        if (system == "loinc" and code not in NO_LOINC and not _luhn(code))
        or (system == "snomed" and not _verhoeff(code))
    ]

    assert wrong == []


def test_alpha_1_knows_its_level_its_type_and_its_treatment():
    pack = next(one for one in loading.packs() if one.id == "alpha-1")
    levels = next(one for group in pack.trends for one in group.measures if "6771-0" in one.codes)

    assert {"1825-9", "6771-0", "48805-0"} <= set(levels.codes)
    assert CodeSet(pack.codes).fits([("http://hl7.org/fhir/sid/icd-10-cm", "E88.01")])
    assert {"Phenotype", "Genotype", "Last FEV1", "Augmentation"} <= {extra.label for extra in pack.summary}
    assert any("57 mg/dL" in note.text for note in pack.notes)


@pytest.mark.parametrize(
    ("codes", "system", "code", "fits"),
    [
        ((("icd-10-cm", ("J44",)),), "http://hl7.org/fhir/sid/icd-10-cm", "J44.1", True),
        ((("icd-10-cm", ("J44",)),), "urn:oid:2.16.840.1.113883.6.90", "J441", True),
        ((("icd-10-cm", ("J44.1",)),), "http://hl7.org/fhir/sid/icd-10", "J44", False),
        ((("rxnorm", ("535",)),), "http://hl7.org/fhir/sid/ndc", "535", False),
        ((("rxnorm", ("535",)),), "http://www.nlm.nih.gov/research/umls/rxnorm", "5356", False),
        ((("cvx", ("08",)),), "http://hl7.org/fhir/sid/cvx", "8", True),
        ((("snomed", ("13645005",)),), "http://snomed.info/sct", "13645005", True),
        ((("snomed", ("13645005",)),), None, "13645005", False),
    ],
)
def test_a_code_counts_in_its_own_system_only(codes, system, code, fits):
    assert CodeSet(codes).fits([(system, code)]) is fits
    assert all(name in SYSTEMS for name, _ in codes)
