"""Laboratory results: Observations of a panel and the DiagnosticReport that gathers them (US Core 6.1).

Every number carries the laboratory's reference range and the flag that follows from it. A few results are odd
on purpose, the way real ones are: below the limit of detection, words instead of a number, a code, no result.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from phr.sandbox.synthetic import codes
from phr.sandbox.synthetic.build import Json, concept, draw, number, quantity, reference, resource, zulu
from phr.sandbox.synthetic.organisations import organization, practitioner
from phr.sandbox.synthetic.people import BARNABY, ORLO, TAMSIN
from phr.sandbox.synthetic.visits import Visit

LABORATORY = codes.hl7("observation-category", "laboratory", "Laboratory")
_LAB = codes.hl7("v2-0074", "LAB", "Laboratory")


@dataclass(frozen=True, slots=True)
class Analyte:
    """What is measured: its code, unit, reference range of the laboratory, and where healthy people lie."""

    code: codes.Code
    unit: str
    ucum: str
    low: float | None
    high: float | None
    center: float
    spread: float
    decimals: int = 0
    specimen: str = "blood"


def _serum(loinc: str, name: str) -> codes.Code:
    return codes.loinc(loinc, f"{name} in Serum or Plasma")


_A = Analyte
ANALYTES: dict[str, Analyte] = {
    "ALT": _A(_serum("1742-6", "Alanine aminotransferase [Enzymatic activity/volume]"), "U/L", "U/L", 0, 32, 20, 4),
    "AST": _A(_serum("1920-8", "Aspartate aminotransferase [Enzymatic activity/volume]"), "U/L", "U/L", 0, 40, 22, 4),
    "GGT": _A(_serum("2324-2", "Gamma glutamyl transferase [Enzymatic activity/volume]"), "U/L", "U/L", 0, 60, 28, 6),
    "BILI": _A(_serum("1975-2", "Bilirubin.total [Mass/volume]"), "mg/dL", "mg/dL", 0, 1.2, 0.6, 0.12, 1),
    "ALB": _A(_serum("1751-7", "Albumin [Mass/volume]"), "g/dL", "g/dL", 3.8, 4.9, 4.3, 0.15, 1),
    "GLU": _A(_serum("2345-7", "Glucose [Mass/volume]"), "mg/dL", "mg/dL", 70, 99, 91, 5),
    "BUN": _A(_serum("3094-0", "Urea nitrogen [Mass/volume]"), "mg/dL", "mg/dL", 6, 24, 14, 2),
    "CREA": _A(_serum("2160-0", "Creatinine [Mass/volume]"), "mg/dL", "mg/dL", 0.57, 1.27, 0.82, 0.05, 2),
    "EGFR": _A(
        codes.loinc("98979-8", "Glomerular filtration rate [Volume Rate/Area] in Serum, Plasma or Blood by "
                    "Creatinine-based formula (CKD-EPI 2021)/1.73 sq M"),
        "mL/min/1.73m2", "mL/min/{1.73_m2}", 60, None, 86, 4),
    "NA": _A(_serum("2951-2", "Sodium [Moles/volume]"), "mmol/L", "mmol/L", 134, 144, 140, 1.5),
    "K": _A(_serum("2823-3", "Potassium [Moles/volume]"), "mmol/L", "mmol/L", 3.5, 5.2, 4.2, 0.2, 1),
    "CL": _A(_serum("2075-0", "Chloride [Moles/volume]"), "mmol/L", "mmol/L", 96, 106, 102, 1.5),
    "CA": _A(_serum("17861-6", "Calcium [Mass/volume]"), "mg/dL", "mg/dL", 8.7, 10.2, 9.4, 0.2, 1),
    "WBC": _A(codes.loinc("6690-2", "Leukocytes [#/volume] in Blood by Automated count"),
              "10*3/uL", "10*3/uL", 3.4, 10.8, 6.4, 0.7, 1),
    "HGB": _A(codes.loinc("718-7", "Hemoglobin [Mass/volume] in Blood"), "g/dL", "g/dL", 11.1, 15.9, 13.6, 0.4, 1),
    "HCT": _A(codes.loinc("4544-3", "Hematocrit [Volume Fraction] of Blood by Automated count"),
              "%", "%", 34.0, 46.6, 40.8, 1.1, 1),
    "MCV": _A(codes.loinc("787-2", "MCV [Entitic volume] by Automated count"), "fL", "fL", 79, 97, 90, 2),
    "PLT": _A(codes.loinc("777-3", "Platelets [#/volume] in Blood by Automated count"),
              "10*3/uL", "10*3/uL", 150, 450, 236, 20),
    "CHOL": _A(_serum("2093-3", "Cholesterol [Mass/volume]"), "mg/dL", "mg/dL", 100, 199, 188, 10),
    "TRIG": _A(_serum("2571-8", "Triglyceride [Mass/volume]"), "mg/dL", "mg/dL", 0, 149, 112, 14),
    "HDL": _A(_serum("2085-9", "Cholesterol in HDL [Mass/volume]"), "mg/dL", "mg/dL", 39, None, 56, 4),
    "LDL": _A(codes.loinc("13457-7", "Cholesterol in LDL [Mass/volume] in Serum or Plasma by calculation"),
              "mg/dL", "mg/dL", 0, 99, 104, 8),
    "A1C": _A(codes.loinc("4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood"), "%", "%", 4.8, 5.6, 5.4, 0.1, 1),
    "INR": _A(codes.loinc("6301-6", "INR in Platelet poor plasma by Coagulation assay"),
              "{INR}", "{INR}", 0.9, 1.2, 1.0, 0.1, 1),
    "CRP": _A(_serum("1988-5", "C reactive protein [Mass/volume]"), "mg/L", "mg/L", 0, 10, 2, 0.5, 1),
    "IGA": _A(_serum("2458-8", "IgA [Mass/volume]"), "mg/dL", "mg/dL", 87, 352, 190, 25),
    "ACR": _A(codes.loinc("14959-1", "Microalbumin/Creatinine [Mass Ratio] in Urine"),
              "mg/g", "mg/g{creat}", 0, 29, 14, 4, 0, "urine"),
}  # fmt: skip

# panel: (code, short name, analytes)
PANELS: dict[str, tuple[codes.Code, str, tuple[str, ...]]] = {
    "hepatic": (codes.loinc("24325-3", "Hepatic function 2000 panel - Serum or Plasma"),
                "Liver panel", ("ALT", "AST", "GGT", "BILI", "ALB")),
    "metabolic": (codes.loinc("24321-2", "Basic metabolic 2000 panel - Serum or Plasma"),
                  "Basic metabolic panel", ("GLU", "BUN", "CREA", "EGFR", "NA", "K", "CL", "CA")),
    "blood count": (codes.loinc("58410-2", "CBC panel - Blood by Automated count"),
                    "Complete blood count", ("WBC", "HGB", "HCT", "MCV", "PLT")),
    "lipid": (codes.loinc("24331-1", "Lipid 1996 panel - Serum or Plasma"),
              "Lipid panel", ("CHOL", "TRIG", "HDL", "LDL")),
    "acute": (codes.loinc("26436-6", "Laboratory studies (set)"), "Emergency panel",
              ("WBC", "HGB", "PLT", "CREA", "K", "CRP")),
    "a1c": (ANALYTES["A1C"].code, "Hemoglobin A1c", ("A1C",)),
    "inr": (ANALYTES["INR"].code, "INR", ("INR",)),
    "kidney": (ANALYTES["ACR"].code, "Albumin/creatinine ratio", ("ACR",)),
    "iga": (ANALYTES["IGA"].code, "Immunoglobulin A", ("IGA",)),
    "urine": (codes.loinc("630-4", "Bacteria identified in Urine by Culture"), "Urine culture", ()),
    "culture": (codes.loinc("600-7", "Bacteria identified in Blood by Culture"), "Blood culture", ()),
    "strep": (codes.loinc("78012-2", "Streptococcus pyogenes Ag [Presence] in Throat by Rapid immunoassay"),
              "Rapid strep test", ()),
    "covid": (codes.loinc("94500-6", "SARS-CoV-2 (COVID-19) RNA [Presence] in Respiratory system specimen by NAA with "
                          "probe detection"), "SARS-CoV-2 PCR", ()),
}  # fmt: skip

# Where one person lies apart from healthy people: (center, spread).
_OWN: dict[tuple[str, str], tuple[float, float]] = {
    (TAMSIN.id, "ALT"): (35, 6),
    (TAMSIN.id, "AST"): (34, 5),
    (TAMSIN.id, "GGT"): (52, 9),
    (TAMSIN.id, "CHOL"): (207, 9),
    (ORLO.id, "CHOL"): (214, 9),
    (BARNABY.id, "A1C"): (7.3, 0.3),
    (BARNABY.id, "GLU"): (148, 12),
    (BARNABY.id, "CREA"): (1.24, 0.06),
    (BARNABY.id, "INR"): (2.4, 0.3),
    (BARNABY.id, "ACR"): (44, 8),
}
# What an illness did to the blood, by visit.
_ILL: dict[tuple[str, str], float] = {
    ("emergency-2018", "WBC"): 12.6,
    ("emergency-2018", "CRP"): 38.4,
    ("stay-2020", "WBC"): 16.9,
    ("stay-2020", "CRP"): 94.2,
}


def labs(visit: Visit, seed: int) -> Iterator[Json]:
    """For each panel of the visit its results, then the report that refers to them."""
    for panel in visit.panels:
        rng = draw(seed, "labs", panel, visit.key)
        code, name, analytes = PANELS[panel]
        values = _values(visit, analytes, rng)
        results = [_measured(visit, *each) for each in values.items()] or [_words(visit, panel)]
        yield from results
        yield _report(visit, panel, code, name, results)


def result(visit: Visit, key: str, code: codes.Code, **value: object) -> Json:
    """A laboratory Observation without its value, which the caller gives as `valueQuantity=…` or another type."""
    return resource(
        "Observation", f"lab-{number(visit.key, key)}", visit.at, "us-core-observation-lab",
        status="final",
        category=[concept(LABORATORY)],
        code=concept(code),
        subject=visit.person.subject,
        encounter=visit.reference,
        effectiveDateTime=zulu(visit.at + timedelta(minutes=visit.minutes if visit.minutes < 60 else 40)),
        issued=zulu(visit.at + timedelta(hours=9)),
        performer=[organization("pinebrook")],
        **value,
    )  # fmt: skip


def reference_range(low: float | None, high: float | None, unit: str, ucum: str) -> list[Json]:
    """One range with the laboratory's words for it."""
    built: Json = {}
    if low is not None:
        built["low"] = quantity(low, unit, ucum)
    if high is not None:
        built["high"] = quantity(high, unit, ucum)
    built["text"] = (
        f"{low}-{high}"
        if low is not None and high is not None
        else f">={low}"
        if high is None
        else f"<={high}"
    )
    return [built]


def _values(visit: Visit, analytes: tuple[str, ...], rng: random.Random) -> dict[str, float]:
    """The numbers of a panel; what laboratories calculate from other results is calculated here too."""
    values: dict[str, float] = {}
    for name in analytes:
        analyte = ANALYTES[name]
        center, spread = _OWN.get((visit.person.id, name), (analyte.center, analyte.spread))
        value = rng.gauss(center, spread)
        if name == "LDL":  # Friedewald
            value = values["CHOL"] - values["HDL"] - values["TRIG"] / 5
        elif name == "HCT":
            value = 2.98 * values["HGB"]
        elif name == "EGFR":
            value = _ckd_epi(visit, values["CREA"])
        value = _ILL.get((visit.key, name), max(value, 0.1))
        values[name] = round(value, analyte.decimals) if analyte.decimals else round(value)
    return values


def _ckd_epi(visit: Visit, creatinine: float) -> float:
    """The CKD-EPI equation of 2021: mL/min/1.73 m2 from creatinine in mg/dL, age and sex."""
    female = visit.person.gender == "female"
    part = creatinine / (0.7 if female else 0.9)
    low = min(part, 1.0) ** (-0.241 if female else -0.302)
    return float(
        142
        * low
        * max(part, 1.0) ** -1.2
        * 0.9938 ** visit.person.age(visit.at.date())
        * (1.012 if female else 1)
    )


def _measured(visit: Visit, name: str, value: float) -> Json:
    analyte = ANALYTES[name]
    built = result(visit, name, analyte.code)
    if visit.key == "checkup-2023" and name == "K":
        built["dataAbsentReason"] = concept(
            codes.hl7("data-absent-reason", "not-performed", "Not Performed"), text="Specimen hemolyzed"
        )
        return built
    if name == "BILI" and value <= 0.5:
        built["valueQuantity"] = quantity(0.5, analyte.unit, analyte.ucum, comparator="<")
    else:
        built["valueQuantity"] = quantity(value, analyte.unit, analyte.ucum)
    built["interpretation"] = [concept(codes.interpretation(flag(value, analyte.low, analyte.high)))]
    built["referenceRange"] = reference_range(analyte.low, analyte.high, analyte.unit, analyte.ucum)
    return built


def flag(value: float, low: float | None, high: float | None) -> str:
    """The v3-ObservationInterpretation code that follows from value and range."""
    if low is not None and value < low:
        return "L"
    return "H" if high is not None and value > high else "N"


# Results that are not numbers: a code with its flag.
_FOUND = {
    "strep": (codes.snomed("10828004", "Positive"), "A"),
    "covid": (codes.snomed("260415000", "Not detected"), "N"),
}


def _words(visit: Visit, panel: str) -> Json:
    """A culture in words, a rapid test as a code."""
    code = PANELS[panel][0]
    if panel in _FOUND:
        found, flagged = _FOUND[panel]
        interpretation = [concept(codes.interpretation(flagged))]
        return result(visit, panel, code, valueCodeableConcept=concept(found), interpretation=interpretation)
    days = 5 if panel == "culture" else 2
    built = result(visit, panel, code, valueString=f"No growth after {days} days")
    return built | {"issued": zulu(visit.at + timedelta(days=days, hours=9))}


def _report(visit: Visit, panel: str, code: codes.Code, name: str, results: list[Json]) -> Json:
    first = results[0]
    return resource(
        "DiagnosticReport", f"rep-{number(visit.key, panel)}", visit.at, "us-core-diagnosticreport-lab",
        identifier=[{"system": "urn:oid:2.999.1.73", "value": number("accession", visit.key, panel)}],
        status="final",
        category=[concept(_LAB)],
        code=concept(code, text=name),
        subject=visit.person.subject,
        encounter=visit.reference,
        effectiveDateTime=first["effectiveDateTime"],
        issued=first["issued"],
        performer=[organization("pinebrook")],
        resultsInterpreter=[practitioner(visit.who)],
        result=[reference(f"Observation/{each['id']}", each["code"]["coding"][0]["display"]) for each in results],
    )  # fmt: skip
