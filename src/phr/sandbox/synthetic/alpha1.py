"""The story of the disease: alpha-1 antitrypsin level, phenotype, lung function by year, Prolastin-C infusions.

Tamsin carries two Z alleles. Her level lies far below the protective threshold of 57 mg/dL (11 µmol/L); FEV1
falls slowly, then by more than 10 % after the hospital stay of November 2020, and slowly again once weekly
augmentation (60 mg/kg) began on 7 June 2021. The level before each infusion then stays above the threshold.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from phr.sandbox.synthetic import codes
from phr.sandbox.synthetic.build import (
    TODAY,
    Json,
    concept,
    copies,
    draw,
    number,
    period,
    quantity,
    reference,
    resource,
    stamp,
)
from phr.sandbox.synthetic.labs import reference_range, result
from phr.sandbox.synthetic.organisations import NURSE, PULMONOLOGIST, location, practitioner
from phr.sandbox.synthetic.people import TAMSIN
from phr.sandbox.synthetic.visits import Visit

FIRST_INFUSION = datetime(2021, 6, 7, 9, 30)  # noqa: DTZ001  # wall-clock time of the infusion centre
PROLASTIN_REQUEST = "mr-prolastin-c"
PROLASTIN = "med-prolastin-c"

_LEVEL = codes.loinc("1825-9", "Alpha 1 antitrypsin [Mass/volume] in Serum or Plasma")
_PHENOTYPE = codes.loinc("32769-2", "Alpha 1 antitrypsin phenotyping")
_PROCEDURE = codes.hl7("observation-category", "procedure", "Procedure")
FEV1 = codes.loinc("20150-9", "FEV1")
_FEV1_PERCENT = codes.loinc("20152-5", "FEV1 measured/predicted")
_FVC = codes.loinc("19876-2", "Forced vital capacity [Volume] Respiratory system by Spirometry")
_RATIO = codes.loinc("19926-5", "FEV1/FVC")
_DLCO = codes.loinc("19911-7", "Diffusion capacity.carbon monoxide")

# Year: FEV1 in L, predicted FEV1 in L, FVC in L.
LUNGS = {
    2015: (2.24, 2.84, 3.52), 2016: (2.19, 2.81, 3.50), 2017: (2.13, 2.79, 3.46), 2018: (2.06, 2.76, 3.43),
    2019: (2.01, 2.73, 3.40), 2020: (1.94, 2.71, 3.36), 2021: (1.72, 2.68, 3.18), 2022: (1.70, 2.65, 3.16),
    2023: (1.67, 2.63, 3.14), 2024: (1.65, 2.60, 3.13), 2025: (1.61, 2.57, 3.09), 2026: (1.59, 2.55, 3.08),
}  # fmt: skip
_DIFFUSION = {2015: 18.6, 2018: 17.1, 2021: 14.3, 2023: 13.9, 2026: 13.2}
_LEVELS = {2015: 26, 2018: 24, 2020: 27, 2022: 63, 2023: 66, 2024: 61, 2025: 68, 2026: 65}


def lungs(visit: Visit, seed: int) -> Iterator[Json]:
    """What the yearly review at the pulmonologist's adds: spirometry, diffusion capacity, the AAT level."""
    if not visit.key.startswith("lungs-"):
        return
    year = visit.at.year
    yield from _spirometry(visit, seed)
    if year in _DIFFUSION:
        yield _function(visit, "dlco", _DLCO, quantity(_DIFFUSION[year], "mL/min/mmHg", "mL/min/mm[Hg]"))
    if year in _LEVELS:
        yield _level(
            visit, _LEVELS[year] + (draw(seed, "level", visit.key).choice((-1, 0, 1)) if visit.copy else 0)
        )
    if visit.key == "lungs-2015":
        yield from _type(visit)


def _spirometry(visit: Visit, seed: int) -> Iterator[Json]:
    fev1, predicted, fvc = LUNGS[visit.at.year]
    rng = draw(seed, "spirometry", visit.key)
    if visit.copy:
        fev1 = round(fev1 + rng.choice((-0.01, 0.0, 0.0, 0.01)), 2)
        fvc = round(fvc + rng.uniform(-0.03, 0.03), 2)
    percent, ratio = round(100 * fev1 / predicted), round(100 * fev1 / fvc)
    results = [
        _function(
            visit,
            "fev1",
            FEV1,
            quantity(fev1, "L"),
            "L" if percent < 80 else "N",
            (round(0.8 * predicted, 2), "L"),
        ),
        _function(
            visit,
            "fev1-percent",
            _FEV1_PERCENT,
            quantity(percent, "%"),
            "L" if percent < 80 else "N",
            (80, "%"),
        ),
        _function(visit, "fvc", _FVC, quantity(fvc, "L")),
        _function(visit, "ratio", _RATIO, quantity(ratio, "%"), "L" if ratio < 70 else "N", (70, "%")),
    ]
    yield from results
    if visit.at.year in _DIFFUSION:
        yield _performed(visit)
    yield resource(
        "DiagnosticReport", f"rep-{number(visit.key, 'pft')}", visit.at, "us-core-diagnosticreport-note",
        status="final",
        category=[concept(text="Pulmonary function")],
        code=concept(text="Spirometry after bronchodilator"),
        subject=TAMSIN.subject,
        encounter=visit.reference,
        effectiveDateTime=stamp(visit.at),
        issued=stamp(visit.at + timedelta(hours=2)),
        performer=[practitioner(PULMONOLOGIST)],
        result=[reference(f"Observation/{each['id']}", each["code"]["coding"][0]["display"]) for each in results],
        conclusion=_conclusion(visit.at.year, fev1, percent, ratio),
    )  # fmt: skip


def _conclusion(year: int, fev1: float, percent: int, ratio: int) -> str:
    words = f"Obstructive pattern. FEV1 {fev1:.2f} L, {percent} % of predicted, FEV1/FVC {ratio} %."
    if year == 2021:
        return words + " Fall of more than 10 % since last year, after a hospital stay for exacerbation."
    return words + (" Stable on weekly augmentation therapy." if year > 2021 else "")


def _performed(visit: Visit) -> Json:
    return resource(
        "Procedure", f"proc-{number(visit.key, 'spirometry')}", visit.at, "us-core-procedure",
        status="completed",
        code=concept((codes.CPT, "94060", None), text="Spirometry before and after bronchodilator"),
        subject=TAMSIN.subject,
        encounter=visit.reference,
        performedDateTime=stamp(visit.at),
        performer=[{"actor": practitioner(PULMONOLOGIST)}],
    )  # fmt: skip


def _function(
    visit: Visit,
    name: str,
    code: codes.Code,
    value: Json,
    flag: str | None = None,
    floor: tuple[float, str] | None = None,
) -> Json:
    """A lung function result; `floor` is the lower limit of normal with its unit."""
    return resource(
        "Observation", f"pft-{name}-{visit.key.removeprefix('lungs-')}", visit.at,
         "us-core-observation-clinical-result",
        status="final",
        category=[concept(_PROCEDURE)],
        code=concept(code),
        subject=TAMSIN.subject,
        encounter=visit.reference,
        effectiveDateTime=stamp(visit.at),
        issued=stamp(visit.at + timedelta(hours=2)),
        performer=[practitioner(PULMONOLOGIST)],
        valueQuantity=value,
        interpretation=[concept(codes.interpretation(flag))] if flag else None,
        referenceRange=[{"low": quantity(*floor), "text": f">={floor[0]} {floor[1]}"}] if floor else None,
    )  # fmt: skip


def _level(visit: Visit, value: int) -> Json:
    built = result(visit, "aat", _LEVEL, valueQuantity=quantity(value, "mg/dL"))
    built["interpretation"] = [concept(codes.interpretation("LL" if value < 57 else "L"))]
    built["referenceRange"] = reference_range(90, 200, "mg/dL", "mg/dL")
    if visit.at >= FIRST_INFUSION:
        built["note"] = [{"text": "Trough level, drawn before the infusion. Protective threshold 57 mg/dL."}]
    return built


def _type(visit: Visit) -> Iterator[Json]:
    abnormal = [concept(codes.interpretation("A"))]
    yield result(
        visit, "phenotype", _PHENOTYPE,
        valueCodeableConcept={"text": "ZZ"}, interpretation=abnormal,
        method={"text": "Isoelectric focusing"},
        referenceRange=[{"text": "M or MM"}],
        specimen=reference("Specimen/spec-2015-aat", "Serum"),
    )  # fmt: skip
    genotype = result(
        visit, "genotype", _PHENOTYPE, valueString="Pi*ZZ: homozygous for SERPINA1 c.1096G>A (p.Glu366Lys)"
    )
    genotype["code"] = {"text": "Alpha-1 antitrypsin (SERPINA1) genotype"}
    genotype["interpretation"] = abnormal
    yield genotype
    yield resource(
        "Specimen", "spec-2015-aat", visit.at, "us-core-specimen",
        status="available",
        type=concept(codes.snomed("119364003", "Serum specimen")),
        subject=TAMSIN.subject,
        receivedTime=stamp(visit.at + timedelta(hours=5)),
        collection={"collectedDateTime": stamp(visit.at)},
    )  # fmt: skip


def infusions(seed: int, scale: int) -> Iterator[Json]:
    """MedicationAdministration: of the weekly infusions the first of each month, as the infusion center reports."""
    for month in range(FIRST_INFUSION.month - 1, 12 * (TODAY.year - FIRST_INFUSION.year) + TODAY.month):
        first = datetime(FIRST_INFUSION.year + month // 12, month % 12 + 1, 1, 9, 30)  # noqa: DTZ001
        at = first + timedelta(days=-first.weekday() % 7)
        for suffix, later in copies(scale):
            yield _infusion(seed, at + later, f"{at.date().isoformat()}{suffix}")


def _infusion(seed: int, at: datetime, key: str) -> Json:
    dose = draw(seed, "infusion", key).choice((4000, 4000, 4100, 4200))
    return resource(
        "MedicationAdministration", f"inf-{key}", at,
        status="completed",
        medicationReference=reference(f"Medication/{PROLASTIN}"),
        subject=TAMSIN.subject,
        effectivePeriod=period(at, 30),
        performer=[{"actor": practitioner(NURSE)}],
        reasonReference=[reference("Condition/prob-alpha1", "Alpha-1-antitrypsin deficiency")],
        request=reference(f"MedicationRequest/{PROLASTIN_REQUEST}"),
        dosage={
            "text": f"{dose} mg intravenously over 30 minutes",
            "route": concept(codes.ROUTES["intravenous"]),
            "dose": quantity(dose, "mg"),
            "rateQuantity": quantity(0.04, "mL/kg/min"),
        },
        supportingInformation=[location("northmere")],
    )  # fmt: skip
