"""Units: one spelling, conversions that rest on a fact, and refusal of everything else."""

from __future__ import annotations

import re

import pytest

from phr.records.measures import BY_CODE, BY_ID, MEASURES
from phr.records.unit_words import spelled
from phr.records.units import conversion, parse

# Abridged standard atomic weights of IUPAC (2021).
WEIGHTS = {
    "H": 1.008, "C": 12.011, "N": 14.007, "O": 15.999, "P": 30.974, "Mg": 24.305, "Ca": 40.078, "Fe": 55.845,
    "Co": 58.933, "I": 126.904,
}  # fmt: skip


@pytest.mark.parametrize(
    ("measure", "value", "unit", "into", "expected"),
    [
        ("glucose", 100, "mg/dL", "mmol/L", 5.55),
        ("glucose", 5.6, "mmol/L", "mg/dL", 100.9),
        ("cholesterol", 200, "mg/dL", "mmol/L", 5.17),
        ("ldl", 3.0, "mmol/l", "mg/dL", 116.0),
        ("triglycerides", 150, "mg/dL", "mmol/L", 1.69),
        ("creatinine", 1.0, "mg/dL", "umol/L", 88.4),
        ("creatinine", 88.4, "µmol/L", "mg/dL", 1.0),
        ("urea", 14, "mg/dL", "mmol/L", 5.0),
        ("uric-acid", 6.0, "mg/dL", "umol/L", 356.9),
        ("bilirubin", 1.0, "mg/dL", "umol/L", 17.1),
        ("calcium", 10, "mg/dL", "mmol/L", 2.495),
        ("calcium", 5, "mEq/L", "mg/dL", 10.02),
        ("magnesium", 2.0, "mg/dL", "mmol/L", 0.823),
        ("phosphate", 3.5, "mg/dL", "mmol/L", 1.13),
        ("serum-iron", 100, "ug/dL", "umol/L", 17.9),
        ("hemoglobin", 14, "g/dL", "g/L", 140),
        ("hemoglobin", 14, "g/dL", "mmol/L", 8.69),
        ("hba1c", 7.0, "%", "mmol/mol", 53.0),
        ("hba1c", 48, "mmol/mol", "%", 6.54),
        ("aat", 120, "mg/dL", "g/L", 1.2),
        ("aat", 60, "mg/dL", "umol/L", 11.04),
        ("vitamin-d", 30, "ng/mL", "nmol/L", 74.9),
        ("b12", 400, "pg/mL", "pmol/L", 295),
        ("folate", 10, "ng/mL", "nmol/L", 22.66),
        ("ferritin", 50, "ng/mL", "ug/L", 50),
        ("tsh", 2.5, "mIU/L", "u[IU]/mL", 2.5),
        ("tsh", 2.5, "mU/L", "uIU/mL", 2.5),
        ("free-t4", 1.2, "ng/dL", "pmol/L", 15.4),
        ("free-t3", 3.0, "pg/mL", "pmol/L", 4.61),
        ("cortisol", 10, "ug/dL", "nmol/L", 275.9),
        ("testosterone", 500, "ng/dL", "nmol/L", 17.3),
        ("psa", 4, "ng/mL", "ug/L", 4),
        ("crp", 10, "mg/L", "mg/dL", 1.0),
        ("wbc", 5.5, "10*3/uL", "10*9/L", 5.5),
        ("wbc", 5500, "/uL", "10*9/L", 5.5),
        ("platelets", 250, "K/uL", "/mm3", 250_000),
        ("alt", 60, "U/L", "ukat/L", 1.0),
        ("alt", 40, "IU/L", "U/L", 40),
        ("sodium", 140, "mEq/L", "mmol/L", 140),
        ("hematocrit", 0.45, "L/L", "%", 45),
        ("acr", 3, "mg/mmol", "mg/g", 26.5),
        ("dlco", 5, "mmol/min/kPa", "mL/min/mmHg", 14.9),
        ("temperature", 98.6, "[degF]", "Cel", 37.0),
        ("temperature", 38, "°C", "°F", 100.4),
        ("weight", 150, "lb", "kg", 68.04),
        ("height", 70, "in", "cm", 177.8),
        ("systolic", 16, "kPa", "mmHg", 120.0),
    ],
)
def test_the_common_measurements_convert(
    measure: str, value: float, unit: str, into: str, expected: float
) -> None:
    one = BY_ID[measure]
    way = conversion(unit, into, one, one.codes[0])
    assert way is not None
    assert way.of(value) == pytest.approx(expected, rel=5e-3)
    back = conversion(into, unit, one, one.codes[0])
    assert back is not None and back.of(way.of(value)) == pytest.approx(value, rel=1e-4)


@pytest.mark.parametrize(
    ("measure", "unit", "into"),
    [
        (None, "mmol/L", "mg/dL"),  # of what?
        ("glucose", None, "mg/dL"),
        ("glucose", "", "mg/dL"),
        ("hematocrit", "", "%"),
        ("glucose", "mg/dL", "kg"),
        ("glucose", "plus", "mg/dL"),
        ("crp", "mg/L", "nmol/L"),  # a protein: no factor in our table
        ("ferritin", "ng/mL", "pmol/L"),
        (None, "IU/L", "U/L"),
        (None, "%", "mmol/mol"),  # HbA1c under a local code: not a tenth
        ("creatinine", "mL/min", "mL/min/{1.73_m2}"),
        ("weight", "percentile", "kg"),
        ("wbc", "/[HPF]", "10*3/uL"),
    ],
)
def test_what_is_not_certain_is_refused(measure: str | None, unit: str | None, into: str) -> None:
    assert conversion(unit, into, BY_ID[measure] if measure else None) is None


def test_a_percentage_under_the_code_of_the_ifcc_method_is_another_scale() -> None:
    one = BY_ID["hba1c"]
    assert conversion("%", "mmol/mol", one, "59261-8") is None
    assert conversion("%", "%", one, "59261-8") is None, "not the % that stands among 4548-4"
    assert conversion("%", "%", one, "4548-4", "59261-8") is None
    assert conversion("%", "%", one, "59261-8", "59261-8") is not None
    way = conversion("mmol/mol", "%", one, "59261-8")
    assert way is not None and way.of(53) == pytest.approx(7.0, abs=0.01), "the unit says what it is"
    assert conversion("mmol/mol", "mmol/mol", one, "59261-8") is not None


def test_the_mass_of_urea_is_not_that_of_its_nitrogen() -> None:
    one = BY_ID["urea"]
    nitrogen, urea = (
        conversion("mg/dL", "mmol/L", one, "3094-0"),
        conversion("mg/dL", "mmol/L", one, "3091-6"),
    )
    assert nitrogen is not None and urea is not None
    assert nitrogen.factor / urea.factor == pytest.approx(60.056 / 28.014, rel=1e-4)
    as_nitrogen = conversion("mg/dL", "mg/dL", one, "3091-6", "3094-0")
    assert as_nitrogen is not None and as_nitrogen.of(36) == pytest.approx(16.79, abs=0.01)
    as_urea = conversion("mmol/L", "g/L", one, "22664-7", "3091-6")
    assert as_urea is not None and as_urea.of(5) == pytest.approx(0.3003, abs=0.0001)
    same = conversion("mg/dL", "mg/dL", one, "3091-6", "3091-6")
    assert same is not None and same.same


def test_giga_in_a_litre_is_a_number_of_cells_and_else_a_mass() -> None:
    cells, protein = (
        conversion("G/L", "10*3/uL", BY_ID["platelets"]),
        conversion("G/L", "g/dL", BY_ID["albumin"]),
    )
    assert cells is not None and cells.factor == pytest.approx(1)
    assert protein is not None and protein.factor == pytest.approx(0.1)


@pytest.mark.parametrize(
    "units",
    [
        ("10*3/uL", "10^3/uL", "K/uL", "x10E3/uL", "10*9/L", "10⁹/L", "Thousand/uL", "x10(3)/mcL", "10e9/l", "10 *3/uL"),
        ("10*6/uL", "10*12/L", "x10E6/uL", "M/uL", "Million/uL"),
        ("mg/dL", "mg/dl", "MG/DL", "mg/100mL", "mg%"),
        ("umol/L", "µmol/L", "μmol/L", "mcmol/L"),
        ("mm[Hg]", "mmHg", "mm Hg", "mm(Hg)") [:3],
        ("/min", "{beats}/min", "bpm", "beats/min", "1/min"),
        ("mL/min/{1.73_m2}", "mL/min/1.73m2", "mL/min/1.73 m²", "mL/min/1.73m^2", "mL/min/1.73 sq.m"),
        ("%", "percent", "% of total Hgb", "%{Hb}"),
        ("kg/m2", "kg/m^2", "kg/m²"),
        ("Cel", "°C", "degC", "Celsius", "degrees C", "Deg. C", "º C"),
        ("[degF]", "°F", "Deg F", "degrees Fahrenheit", "° F"),
        ("L", "Liters", "litre", "l"),
        ("kg", "Kgs", "kilograms"),
        ("[lb_av]", "lb", "LBS.", "pound(s)"),
        ("mm[Hg]", "mm/Hg", "mmHg", "MM HG"),
        ("mg/g", "mg/g creat", "mg/g{creat}", "mg/g Cr"),
        ("mg/dL", "mg/dL (calc)", "mg / dL", "mgs/dL"),
        ("mmol/L", "mmoles/L"),
        ("10*9/L", "Giga/L"),
    ],
)  # fmt: skip
def test_spellings_of_one_unit_are_one(units: tuple[str, ...]) -> None:
    for unit in units:
        way = conversion(unit, units[0])
        assert way is not None and way.factor == pytest.approx(1.0), unit


@pytest.mark.parametrize(
    "unit", ["", None, "{score}", "score", "foo", "mg/", "%ile", "mg/foo", "per", "/", "1:40", "MG/DL x2"]
)
def test_a_unit_that_is_not_known_for_certain_means_nothing(unit: str | None) -> None:
    assert parse(unit) is None


def test_scores_have_no_unit() -> None:
    assert {spelled("{score}"), spelled("score"), spelled(""), spelled(None)} == {""}


def test_molar_masses_are_those_of_the_formulas() -> None:
    for one in MEASURES:
        if one.formula and not one.source:
            parts = re.findall(r"([A-Z][a-z]?)(\d*)", one.formula)
            mass = sum(WEIGHTS[atom] * int(count or 1) for atom, count in parts)
            assert one.grams == pytest.approx(mass, rel=5e-5), one.id


def test_no_code_means_two_things() -> None:
    codes = [code for one in MEASURES for code in one.codes]
    assert len(codes) == len(set(codes)) == len(BY_CODE)
    assert all(re.fullmatch(r"\d{1,5}-\d", code) for code in codes)


def test_every_code_has_the_check_digit_of_loinc() -> None:
    """Modulus 10 (LOINC Users' Guide, appendix C): a slip of the finger shows.

    48805-0 is met for the antitrypsin level although its check digit would be 6; nothing else can be meant by it.
    """
    for code in BY_CODE.keys() - {"48805-0"}:
        digits, check = code.split("-")
        odd = str(int(digits[::-1][::2][::-1]) * 2)
        total = sum(map(int, odd)) + sum(map(int, digits[::-1][1::2]))
        assert (10 - total % 10) % 10 == int(check), code


def test_fasting_and_other_glucose_stay_apart() -> None:
    assert BY_CODE["2345-7"] is not BY_CODE["1558-6"]
    assert BY_CODE["2345-7"] is not BY_CODE["2339-0"]
    assert BY_CODE["2345-7"] is BY_CODE["14749-6"]
    assert BY_CODE["1825-9"] is BY_CODE["6771-0"] is BY_CODE["48805-0"]
    assert BY_CODE["4548-4"] is BY_CODE["17856-6"] is BY_CODE["59261-8"]
