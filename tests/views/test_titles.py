"""Titles in plain language, which still tell things apart."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phr.views.titles import chosen, plain


@pytest.mark.parametrize(
    ("title", "said"),
    [
        ("Albumin [Mass/volume] in Serum or Plasma", "Albumin"),
        ("Alanine aminotransferase [Enzymatic activity/\u200bvolume] in Serum or Plasma", "Alanine aminotransferase"),
        ("Glucose [Mass/volume] in Urine by Test strip", "Glucose (urine, test strip)"),
        ("Glucose [Moles/volume] in Blood", "Glucose (blood)"),
        ("Glucose [Mass/volume] in Serum or Plasma --2 hours post meal", "Glucose (2 hours post meal)"),
        ("Hemoglobin [Mass/volume] in Blood", "Hemoglobin"),
        ("Hemoglobin [Mass/volume] in Serum or Plasma", "Hemoglobin (serum or plasma)"),
        ("Hemoglobin A1c/Hemoglobin.total in Blood", "Hemoglobin A1c"),
        ("Bilirubin.direct [Mass/volume] in Serum or Plasma", "Bilirubin, direct"),
        ("Cholesterol in LDL [Mass/volume] in Serum or Plasma by calculation", "LDL cholesterol (calculated)"),
        ("Neutrophils/100 leukocytes in Blood by Automated count", "Neutrophils, % of leukocytes"),
        ("Oxygen saturation in Arterial blood by Pulse oximetry", "Oxygen saturation (pulse oximetry)"),
        ("Forced vital capacity [Volume] Respiratory system by Spirometry", "Forced vital capacity"),
        ("Body mass index (BMI) [Percentile] Per age and sex", "Body mass index (BMI) (percentile, per age and sex)"),
        ("CBC panel - Blood by Automated count", "CBC panel"),
        ("pH of Urine", "pH (urine)"),
        ("Glucose SerPl-mCnc", "Glucose"),
        ("Prot Ur Strip-mCnc", "Protein (urine, test strip)"),
        ("Patient Health Questionnaire 2 item (PHQ-2) total score [Reported]",
         "Patient Health Questionnaire 2 item (PHQ-2) total score"),
        ("Essential hypertension (disorder)", "Essential hypertension"),
        ("Explanation of benefits: Encounter for check up (procedure)",
         "Explanation of benefits: Encounter for check up"),
        ("Asthma (moderate)", "Asthma (moderate)"),
        ("24 HR metoprolol succinate 100 MG Extended Release Oral Tablet [Toprol]",
         "metoprolol succinate 100 mg extended-release tablet (Toprol), 24-hour"),
        ("LORATADINE 10 MG Tablet (LORATADINE Oral Tablet 10 MG)", "Loratadine 10 mg tablet"),
        ("insulin human, isophane 70 UNT/ML Injectable Suspension",
         "insulin human, isophane 70 units/mL injectable suspension"),
        ("influenza, NOS", "influenza, type not stated"),
        ("SARS-COV-2 (COVID-19) vaccine, mRNA, spike protein, LNP, preservative free, 30 mcg/0.3mL dose",
         "COVID-19 vaccine, mRNA, 30 mcg/0.3 mL dose"),
        ("HEMOGLOBIN A1C", "Hemoglobin A1c"),
        ("Blood pressure panel with all children optional", "Blood pressure panel"),
        ("Tobacco smoking status NHIS", "Tobacco smoking status"),
        ("Substance with penicillin structure and antibacterial mechanism of action (substance)", "Penicillin"),
        ("Product containing only anastrozole", "Anastrozole"),
        ("Substance abuse", "Substance abuse"),
        ("Productive cough", "Productive cough"),
        ("BASIC METABOLIC PANEL", "Basic metabolic panel"),
    ],
)  # fmt: skip
def test_a_title_is_said_plainly(title: str, said: str) -> None:
    assert plain(title) == said


@pytest.mark.parametrize(
    "title",
    ["TSH", "BRCAPRO", "NM HL7 Cardiac Study", "eGFR", "predniSONE 5 mg tablet", "(disorder)", "[x]", "Scan.pdf",
     "Hunger Vital Sign [HVS]", "LEG-GESIC SUSP", "Cholesterol in HDL", "A/G ratio"],
)  # fmt: skip
def test_what_is_plain_already_or_may_be_a_name_stays(title: str) -> None:
    assert plain(title) == title


APART = [
    "Glucose [Mass/volume] in Serum or Plasma",
    "Glucose [Mass/volume] in Blood",
    "Glucose [Mass/volume] in Capillary blood by Glucometer",
    "Glucose [Mass/volume] in Urine",
    "Glucose [Mass/volume] in Cerebral spinal fluid",
    "Protein [Mass/volume] in 24 hour Urine",
    "Protein [Mass/time] in 24 hour Urine",
    "Cholesterol [Mass/volume] in Serum or Plasma",
    "Cholesterol in HDL [Mass/volume] in Serum or Plasma",
    "Cholesterol in LDL [Mass/volume] in Serum or Plasma",
    "Cholesterol in LDL [Mass/volume] in Serum or Plasma by Direct assay",
    "Bilirubin.total [Mass/volume] in Serum or Plasma",
    "Bilirubin.direct [Mass/volume] in Serum or Plasma",
    "Hepatitis B virus surface Ag [Presence] in Serum",
    "Hepatitis B virus surface Ab [Presence] in Serum",
    "Neutrophils [#/volume] in Blood by Automated count",
    "Neutrophils/100 leukocytes in Blood by Automated count",
    "Glomerular filtration rate/1.73 sq M.predicted [Volume Rate/Area] in Serum or Plasma"
    " by Creatinine-based formula (CKD-EPI 2021)",
    "Glomerular filtration rate/1.73 sq M.predicted [Volume Rate/Area] in Serum or Plasma"
    " by Creatinine and Cystatin C-based formula (CKD-EPI 2021)",
    "Gas panel - Arterial blood",
    "Gas panel - Venous blood",
    "12 HR bupropion hydrochloride 150 MG Extended Release Oral Tablet",
    "24 HR bupropion hydrochloride 150 MG Extended Release Oral Tablet",
    "bupropion hydrochloride 150 MG Oral Tablet",
    "Loratadine 5 MG Oral Tablet",
    "Loratadine 5 MG Chewable Tablet",
    "Loratadine 10 MG Oral Tablet",
    "Amoxicillin 250 MG / Clavulanate 125 MG Oral Tablet",
    "Hep A, adult",
    "Hep B, adult",
    "influenza, NOS",
    "influenza, high-dose",
]


def test_two_things_stay_two_things() -> None:
    assert [(one, other) for one, other in combinations(APART, 2) if plain(one) == plain(other)] == []


@given(st.text(max_size=120))
def test_a_title_never_becomes_nothing(title: str) -> None:
    assert bool(plain(title).strip()) or not title.replace("\u200b", "").strip()


def test_the_source_s_words_come_before_a_standard_name_and_that_before_a_local_code() -> None:
    codes = [
        {"system": "http://loinc.org", "code": "2345-7", "display": "Glucose"},
        {"system": "urn:lab", "code": "GLU9", "display": "GLU9"},
    ]
    assert chosen({"title": "Sugar", "codes": codes}) == "Sugar"
    assert chosen({"title": "GLU9", "codes": codes}) == "Glucose"
    assert chosen({"title": "glu9", "codes": codes[1:]}) == "glu9"
    assert chosen({"title": None, "codes": []}) == ""
