"""Between which numbers a measurement can lie at all: wide bounds, compatible with having been measured in a person.

They are no reference ranges. Beyond them lies what no instrument has shown of anybody who was alive, so a slip of the
pen, of the decimal point or of the unit is likelier than the number. Within them nothing is doubted for its size alone:
a ferritin of 3,000, a TSH of 80, a CRP of 250 and a glucose of 600 are illness, not error.

Sources: `R` reported extremes of survivors and of single patients in case reports and textbooks (Guinness World Records
for height 272 cm, weight 635 kg; accidental hypothermia 13.7 °C, Gilbert, Lancet 2000;355:375; heat stroke 46.5 °C,
Slovis, Ann Emerg Med 1982;11:269; glucose 2,656 mg/dL, Guinness; hemoglobin 0.6 to 1.4 g/dL in patients without
transfusion), rounded outwards. `A` what analysers and cuffs can show at all. `D` by definition: a share of a whole, a score.
The usual span is no limit: it only says where a number has to come to stand to be named as what was probably meant.
"""

from __future__ import annotations

from typing import NamedTuple


class Limit(NamedTuple):
    """What is possible of one measure, in its standard unit."""

    unit: str
    low: float
    high: float
    usual: tuple[float, float]
    """Where a value has to lie to be believed as the meant one, when nothing of the person's own can be compared."""
    steady: bool = False
    """A person's own values do not become ten times as large: not even in illness."""
    mixed: tuple[str, ...] = ()
    """Units it is mistaken for."""
    zero: bool = False
    """Nothing at all is possible too."""
    grown: float | None = None
    """The least of an adult."""
    grows: bool = False
    """Changes as a child grows: compared with what lies near in time only."""
    most: bool = False
    """`high` is a limit by definition, such as all of a whole."""


def _enzyme(high: float, usual: tuple[float, float]) -> Limit:
    return Limit("U/L", 1, high, usual, mixed=("ukat/L",), zero=True)


def _cells(low: float, high: float, usual: tuple[float, float]) -> Limit:
    return Limit("10*3/uL", low, high, usual, mixed=("/uL", "/L"), zero=True)


_EGFR = Limit("mL/min/[bsa]", 0.5, 300, (5, 150))

LIMITS: dict[str, Limit] = {
    # ── vital signs ───────────────────────────────────────────────────────────────────────────────
    # R: the lightest newborn that lived 0.21 kg, the heaviest person 635 kg; adults below 20 kg: R 5 kg, a single one
    "weight": Limit("kg", 0.2, 650, (2, 200), True, ("[lb_av]", "g"), grown=20, grows=True),
    # R: preterm newborns from 20 cm; tallest 272 cm; smallest adult 54.6 cm
    "height": Limit("cm", 20, 275, (45, 210), True, ("m", "[in_i]", "mm"), grown=54, grows=True),
    "bmi": Limit("kg/m2", 5, 210, (11, 70), True, grows=True),  # R: from 6.7 and up to 204
    "temperature": Limit("Cel", 13, 47, (34, 42), True, ("[degF]",)),  # R
    "heart-rate": Limit("/min", 10, 400, (35, 220)),  # A: monitors show 15 to 350
    "respiratory-rate": Limit("/min", 3, 150, (8, 70)),  # A
    "oxygen": Limit("%", 20, 100, (70, 100), True, ("1",), most=True),  # D; A: below 30 meters do not show
    "systolic": Limit(
        "mm[Hg]", 20, 370, (70, 260), True, ("kPa",)
    ),  # R: 370 in the artery of a weight lifter
    "diastolic": Limit("mm[Hg]", 5, 300, (30, 150), True, ("kPa",), zero=True),  # R; heard down to 0
    "mean-pressure": Limit("mm[Hg]", 10, 330, (40, 180), True, ("kPa",)),
    # ── sugar ─────────────────────────────────────────────────────────────────────────────────────
    "glucose": Limit("mg/dL", 10, 3000, (40, 1200), mixed=("mmol/L",)),  # R
    "glucose-blood": Limit("mg/dL", 10, 3000, (40, 1200), mixed=("mmol/L",)),
    "glucose-fasting": Limit("mg/dL", 10, 3000, (40, 1200), mixed=("mmol/L",)),
    "glucose-meter": Limit("mg/dL", 10, 1000, (40, 600), mixed=("mmol/L",)),  # A: meters end at 600
    "hba1c": Limit("%", 3, 25, (4, 15), True, ("mmol/mol",)),  # A, R: up to 20 and a little
    # ── fats ──────────────────────────────────────────────────────────────────────────────────────
    "cholesterol": Limit("mg/dL", 15, 2500, (80, 450), True, ("mmol/L",)),  # R: lipoprotein X
    "ldl": Limit("mg/dL", 3, 2000, (15, 400), mixed=("mmol/L",)),
    "hdl": Limit("mg/dL", 2, 250, (15, 120), True, ("mmol/L",)),
    "non-hdl": Limit("mg/dL", 5, 2500, (30, 450), mixed=("mmol/L",)),
    "triglycerides": Limit("mg/dL", 5, 40000, (30, 3000), mixed=("mmol/L",)),  # R: chylomicronemia
    # ── kidney, salts ─────────────────────────────────────────────────────────────────────────────
    "creatinine": Limit("mg/dL", 0.05, 40, (0.2, 20), mixed=("umol/L",)),  # R: single reports beyond
    "egfr-2021": _EGFR,
    "egfr-2009": _EGFR,
    "egfr-mdrd": _EGFR,
    "egfr-mdrd-2": _EGFR,
    "egfr-mdrd-other": _EGFR,
    "egfr-mdrd-black": _EGFR,
    "urea": Limit("mg/dL", 0.5, 500, (3, 200), mixed=("mmol/L",)),
    "uric-acid": Limit("mg/dL", 0.05, 70, (0.5, 20), mixed=("umol/L",)),  # R: tumour lysis
    "sodium": Limit("mmol/L", 85, 210, (110, 170), True),  # R
    "potassium": Limit("mmol/L", 0.8, 15, (1.8, 9), True),  # R: 14.4 in hypothermia
    "chloride": Limit("mmol/L", 50, 180, (75, 135), True),
    "co2": Limit("mmol/L", 1, 80, (6, 50), True),
    "calcium": Limit("mg/dL", 3, 30, (5.5, 18), True, ("mmol/L",)),
    "magnesium": Limit("mg/dL", 0.2, 40, (0.7, 8), mixed=("mmol/L",)),
    "phosphate": Limit("mg/dL", 0.2, 50, (0.8, 15), mixed=("mmol/L",)),
    "acr": Limit("mg/g", 0, 60000, (0.5, 10000), zero=True),
    # ── liver, proteins ───────────────────────────────────────────────────────────────────────────
    "alt": _enzyme(60000, (3, 10000)),
    "ast": _enzyme(60000, (3, 10000)),
    "alp": _enzyme(20000, (10, 3000)),
    "ggt": _enzyme(20000, (3, 5000)),
    "ldh": _enzyme(150000, (50, 20000)),
    "ck": _enzyme(3_000_000, (5, 200000)),
    "lipase": Limit("U/L", 0, 200000, (3, 20000), zero=True),
    "amylase": Limit("U/L", 0, 200000, (5, 20000), zero=True),
    "bilirubin": Limit("mg/dL", 0.01, 90, (0.1, 45), True, ("umol/L",), zero=True),  # R: kernicterus
    "bilirubin-direct": Limit("mg/dL", 0, 80, (0.02, 35), mixed=("umol/L",), zero=True),
    "albumin": Limit("g/dL", 0.3, 9, (1, 6.5), True, ("g/L",)),
    "protein": Limit("g/dL", 1, 25, (2.5, 15), True, ("g/L",)),  # R: myeloma
    "aat": Limit("mg/dL", 1, 1000, (8, 400), True, ("umol/L", "g/L"), zero=True),  # null variants have none
    # ── blood count ───────────────────────────────────────────────────────────────────────────────
    "wbc": _cells(0.01, 1500, (0.1, 500)),  # R: leukaemia
    "rbc": Limit("10*6/uL", 0.2, 12, (1, 9), True),
    "hemoglobin": Limit("g/dL", 1.5, 28, (4, 23), True, ("g/L", "mmol/L")),  # R
    "hematocrit": Limit("%", 3, 90, (10, 75), True, ("1",)),  # R
    "mcv": Limit("fL", 30, 200, (50, 140), True),
    "mch": Limit("pg", 6, 80, (14, 50), True),
    "mchc": Limit("g/dL", 10, 60, (24, 42), True, ("g/L",)),
    "rdw": Limit("%", 5, 70, (9, 40), True),
    "platelets": _cells(0.5, 10000, (2, 2000)),
    "neutrophils": _cells(0.005, 600, (0.05, 150)),
    "lymphocytes": _cells(0.005, 1500, (0.05, 500)),
    "monocytes": _cells(0, 500, (0.01, 100)),
    "eosinophils": _cells(0, 500, (0.005, 100)),
    "basophils": _cells(0, 200, (0.005, 50)),
    "inr": Limit("", 0.4, 25, (0.7, 12)),  # A: most stop between 8 and 20
    # ── thyroid, hormones ─────────────────────────────────────────────────────────────────────────
    "tsh": Limit("m[IU]/L", 0, 3000, (0.005, 500), zero=True),
    "free-t4": Limit("ng/dL", 0.01, 12, (0.1, 8), mixed=("pmol/L",)),  # A: most end at 6 to 8
    "t4": Limit("ug/dL", 0.05, 60, (0.5, 30), mixed=("nmol/L",)),
    "free-t3": Limit("pg/mL", 0.1, 60, (0.5, 35), mixed=("pmol/L",)),
    "t3": Limit("ng/dL", 2, 2000, (20, 800), mixed=("nmol/L",)),
    "cortisol": Limit("ug/dL", 0, 700, (0.5, 200), mixed=("nmol/L",), zero=True),
    "testosterone": Limit("ng/dL", 0, 20000, (2, 3000), zero=True),
    "psa": Limit("ng/mL", 0, 100000, (0.01, 20000), zero=True),
    # ── iron, vitamins ────────────────────────────────────────────────────────────────────────────
    "serum-iron": Limit("ug/dL", 1, 20000, (5, 1000), mixed=("umol/L",)),  # R: iron poisoning
    "ferritin": Limit("ng/mL", 0.1, 500000, (1, 100000), zero=True),  # R: hemophagocytic syndrome
    "tibc": Limit("ug/dL", 20, 2000, (80, 800), mixed=("umol/L",)),
    "transferrin-saturation": Limit("%", 0, 130, (1, 100), mixed=("1",), zero=True),
    "transferrin": Limit("mg/dL", 2, 1000, (50, 600), True, ("g/L",)),
    "vitamin-d": Limit("ng/mL", 0.5, 1500, (3, 200), zero=True),  # R: poisoning
    "vitamin-d3": Limit("ng/mL", 0.5, 1500, (3, 200), zero=True),
    "b12": Limit("pg/mL", 10, 500000, (50, 5000)),
    "folate": Limit("ng/mL", 0.1, 2000, (1, 100)),
    # ── inflammation, heart ───────────────────────────────────────────────────────────────────────
    "crp": Limit("mg/L", 0, 1500, (0.1, 700), zero=True),
    "hs-crp": Limit("mg/L", 0, 1500, (0.05, 700), zero=True),
    "esr": Limit("mm/h", 0, 220, (1, 150), zero=True),  # D: the tube is 200 mm long
    "bnp": Limit("pg/mL", 0, 200000, (1, 50000), zero=True),
    "nt-probnp": Limit("pg/mL", 0, 2_000_000, (1, 200000), zero=True),
    # ── lungs ─────────────────────────────────────────────────────────────────────────────────────
    "fev1": Limit("L", 0.1, 9, (0.3, 7), True, ("mL",), grows=True),  # R
    "fev1-predicted": Limit("%", 3, 220, (8, 160), True, ("1",)),  # of what is expected: may be above 100
    "fvc": Limit("L", 0.15, 13, (0.4, 9), True, ("mL",), grows=True),
    "fev1-fvc": Limit("%", 8, 100, (20, 100), True, ("1",), most=True),  # D: a part of the other
    "dlco": Limit("mL/min/mm[Hg]", 0.5, 120, (3, 60), True, ("mmol/min/kPa",)),
    "peak-flow": Limit("L/min", 15, 1200, (60, 900), mixed=("L/s",)),
    # ── questionnaires ────────────────────────────────────────────────────────────────────────────
    "phq-9": Limit("", 0, 27, (0, 27), zero=True, most=True),  # D: nine questions, 0 to 3 each
    "gad-7": Limit("", 0, 21, (0, 21), zero=True, most=True),  # D: seven questions
}

VOLATILE = frozenset(
    """
    troponin dimer procalcitonin calcitonin viral virus copies rna dna antibody antibodies titer titre ige igg igm
    hcg gonadotropin chorionic afp fetoprotein ca-125 ca125 ca19-9 cea antigen calprotectin interleukin myoglobin lactate
    ammonia drug tacrolimus cyclosporine digoxin vancomycin trough peak alcohol ethanol estradiol progesterone
    prolactin fsh lh follitropin lutropin insulin c-peptide renin aldosterone urine protein albumin microalbumin bacteria
    cells leukocytes erythrocytes platelets neutrophils eosinophils bilirubin creatine transaminase aminotransferase
    phosphatase lipase amylase ferritin natriuretic methotrexate fibrinogen haptoglobin reticulocytes
    """.split()
)
"""Words of measurements outside of the table whose values may well be ten times as large in illness, in pregnancy, or
after a dose: for these the person's own values prove nothing."""

BASIC: dict[tuple[tuple[str, int], ...], str] = {
    (("length", 1),): "a length",
    (("mass", 1),): "a weight",
    (("temperature", 1),): "a temperature",
    (("fahrenheit", 1),): "a temperature",
    (("kelvin", 1),): "a temperature",
    (("pressure", 1),): "a pressure",
    (("time", -1),): "a rate",
    (("time", 1),): "a time",
    (("length", 3),): "a volume",
}
"""Units of one plain quantity: a weight in one of another quantity is a mistake, whatever the number."""

UNITLESS = frozenset(
    """
    ratio index score ph inr gravity count grade stage ratios scale number z-score t-score percentile percent
    """.split()
)
"""Words of what is told as a bare number, so that no unit is missed."""
MAY_BE_NEGATIVE = frozenset(
    """
    excess gap change delta difference deficit balance axis score z-score t-score sphere cylinder refraction refractive
    power deviation loss gain net offset residual vector strain slope trend anion temperature log log10
    """.split()
)
"""Words of what can lie below nothing."""
