"""What is measured again and again: which codes mean the same, what people call it, and what converts its units.

Codes are LOINC (loinc.org). Codes stand together when they name the same component in the same system, measured as
mass or as amount of substance, by whatever method. What people would want told apart has a line of its own: glucose
fasting or not, in plasma or in whole blood; an eGFR of one formula or another.

Molar masses are computed from the formula with the abridged standard atomic weights of IUPAC (2021); a test computes
them again. The factors that they give are those of the tables in general use (AMA Manual of Style, 11th edition,
17.5 SI conversions). What is no small molecule says where its factor comes from.
"""

from __future__ import annotations

from typing import NamedTuple


class Scale(NamedTuple):
    """An equation between two units: `into` = `unit` × factor + offset."""

    unit: str
    into: str
    factor: float
    offset: float
    why: str
    not_for: tuple[str, ...] = ()
    """Codes that say another scale, although the unit looks alike."""


class Measure(NamedTuple):
    """One thing that is measured."""

    id: str
    name: str
    codes: tuple[str, ...]
    words: tuple[str, ...] = ()
    """What people call it, in lower case."""
    grams: float | None = None
    """Of a mole."""
    formula: str | None = None
    other_grams: tuple[tuple[str, float], ...] = ()
    """Where one of the codes means the mass of something else."""
    other_name: str | None = None
    """What it is called in that mass."""
    cells: bool = False
    """Counted: G/L are 10*9 in a litre."""
    valence: int | None = None
    units_are_iu: bool = False
    scales: tuple[Scale, ...] = ()
    scales_only: bool = False
    """Units that look alike are not: nothing but `scales` converts."""
    uncoded: bool = False
    """Its name alone is enough: nothing else is called so, as glucose in urine is called glucose too."""
    source: str | None = None

    def grams_of(self, code: str | None) -> float | None:
        """The molar mass that belongs to a mass told under this code."""
        return dict(self.other_grams).get(code or "", self.grams)

    def why_of(self, code: str | None) -> str | None:
        """What a conversion from mass rests on."""
        if self.source:
            return self.source
        if code in dict(self.other_grams):
            return f"molar mass {self.grams_of(code):g} g/mol"
        return f"molar mass {self.grams:g} g/mol ({self.formula})" if self.grams else None


def _measure(
    id_: str,
    name: str,
    codes: str,
    words: str = "",
    *,
    mol: tuple[str, float] | None = None,
    **more: object,
) -> Measure:
    formula, grams = mol or (None, None)
    said = tuple(word.strip() for word in words.split("|") if word.strip())
    return Measure(id_, name, tuple(codes.split()), said, grams, formula, **more)  # type: ignore[arg-type]


CHOLESTEROL = ("C27H46O", 386.664)
TRIOLEIN = ("C57H104O6", 885.432)  # what triglycerides are counted as
GLUCOSE = ("C6H12O6", 180.156)
UREA_NITROGEN = ("N2", 28.014)
UREA = 60.056
CALCIUM, MAGNESIUM, PHOSPHORUS, IRON = ("Ca", 40.078), ("Mg", 24.305), ("P", 30.974), ("Fe", 55.845)
CREATININE = ("C4H7N3O", 113.12)
BILIRUBIN = ("C33H36N4O6", 584.673)
HYDROXYVITAMIN_D = ("C27H44O2", 400.647)
THYROXINE, TRIIODOTHYRONINE = ("C15H11I4NO4", 776.87), ("C15H12I3NO4", 650.974)

_HBA1C = Scale(
    "mmol/mol",
    "%",
    0.09148,
    2.152,
    "IFCC and NGSP master equation: % = 0.09148 × mmol/mol + 2.152 (ngsp.org; Hoelzel, Clin Chem 2004;50:166)",
    not_for=("59261-8",),  # a % under the code of the IFCC method is not an NGSP %
)
_ACR = Scale("mg/mmol", "mg/g", 8.8402, 0.0, "molar mass of creatinine 113.12 g/mol")
_DLCO = Scale(
    "mmol/min/kPa",
    "mL/min/mm[Hg]",
    2.987,
    0.0,
    "1 mmol/min/kPa = 2.987 mL/min/mmHg (ERS/ATS 2017, Eur Respir J 49:1600016)",
)
_AAT = "1 mg/dL = 0.184 µmol/L (AMA Manual of Style, SI conversions); standards differ between laboratories"
_HEMOGLOBIN = "1 g/dL = 0.6206 mmol/L: the monomer, 16,114 g/mol (ICSH 1978)"

MEASURES: tuple[Measure, ...] = (
    # ── sugar ─────────────────────────────────────────────────────────────────────────────────────
    _measure("glucose", "Glucose", "2345-7 14749-6", "glucose|blood sugar|sugar|blood glucose", mol=GLUCOSE),
    _measure(
        "glucose-blood", "Glucose (whole blood)", "2339-0 15074-8", "glucose|blood sugar|sugar|blood glucose",
        mol=GLUCOSE,
    ),
    _measure(
        "glucose-fasting", "Fasting glucose", "1558-6 14771-0", "fasting glucose|fasting blood sugar|fasting sugar",
        mol=GLUCOSE,
    ),
    _measure(
        "glucose-meter", "Glucose (finger stick)", "41653-7 14743-9", "finger stick|glucose meter|glucometer",
        mol=GLUCOSE,
    ),
    _measure(
        "hba1c", "Hemoglobin A1c", "4548-4 17856-6 59261-8 4549-2 17855-8",
        "a1c|hba1c|hb a1c|hgb a1c|hemoglobin a1c|haemoglobin a1c|glycated hemoglobin|glycohemoglobin"
        "|long term sugar|long-term sugar",
        scales=(_HBA1C,), scales_only=True, uncoded=True,
    ),
    # ── fats ──────────────────────────────────────────────────────────────────────────────────────
    _measure(
        "cholesterol", "Total cholesterol", "2093-3 14647-2",
        "cholesterol|total cholesterol|cholesterol total|cholesterol, total", mol=CHOLESTEROL, uncoded=True,
    ),
    _measure(
        "ldl", "LDL cholesterol", "2089-1 13457-7 18262-6 22748-8 39469-2 69419-0",
        "ldl|ldl cholesterol|ldl-c|bad cholesterol|low density lipoprotein cholesterol|cholesterol in ldl",
        mol=CHOLESTEROL, uncoded=True,
    ),
    _measure(
        "hdl", "HDL cholesterol", "2085-9 14646-4",
        "hdl|hdl cholesterol|hdl-c|good cholesterol|high density lipoprotein cholesterol|cholesterol in hdl",
        mol=CHOLESTEROL, uncoded=True,
    ),
    _measure("non-hdl", "Non-HDL cholesterol", "43396-1 70204-3", "non hdl|non-hdl|non hdl cholesterol|non-hdl cholesterol",
             mol=CHOLESTEROL, uncoded=True),
    _measure("triglycerides", "Triglycerides", "2571-8 14927-8", "triglycerides|triglyceride|trigs",
             mol=TRIOLEIN, uncoded=True),
    # ── kidney, salts ─────────────────────────────────────────────────────────────────────────────
    _measure("creatinine", "Creatinine", "2160-0 14682-9", "creatinine|serum creatinine", mol=CREATININE),
    _measure("egfr-2021", "eGFR (CKD-EPI 2021)", "98979-8", "egfr|gfr|kidney function"),
    _measure("egfr-2009", "eGFR (CKD-EPI 2009)", "62238-1", "egfr|gfr|kidney function"),
    _measure("egfr-mdrd", "eGFR (MDRD)", "33914-3", "egfr|gfr|kidney function"),
    _measure("egfr-mdrd-other", "eGFR (MDRD, non-Black)", "48642-3", "egfr|gfr|kidney function"),
    _measure("egfr-mdrd-black", "eGFR (MDRD, Black)", "48643-1", "egfr|gfr|kidney function"),
    _measure("egfr-mdrd-2", "eGFR (MDRD)", "77147-7", "egfr|gfr|kidney function"),
    _measure(
        "urea", "Urea nitrogen (BUN)", "3094-0 22664-7 3091-6", "bun|urea|urea nitrogen|blood urea nitrogen",
        mol=UREA_NITROGEN, other_grams=(("3091-6", UREA),), other_name="Urea",
    ),
    _measure("uric-acid", "Uric acid", "3084-1 14933-6", "uric acid|urate", mol=("C5H4N4O3", 168.112)),
    _measure("sodium", "Sodium", "2951-2", "sodium|na|salt", valence=1),
    _measure("potassium", "Potassium", "2823-3", "potassium|k", valence=1),
    _measure("chloride", "Chloride", "2075-0", "chloride", valence=1),
    _measure("co2", "Carbon dioxide, total", "2028-9", "co2|carbon dioxide|bicarb|bicarbonate", valence=1),
    _measure("calcium", "Calcium", "17861-6 2000-8", "calcium", mol=CALCIUM, valence=2),
    _measure("magnesium", "Magnesium", "19123-9 2601-3", "magnesium", mol=MAGNESIUM, valence=2),
    _measure("phosphate", "Phosphate", "2777-1 14879-1", "phosphate|phosphorus|phosphorous", mol=PHOSPHORUS),
    _measure(
        "acr", "Albumin/creatinine, urine", "9318-7 14959-1 32294-1 30000-4",
        "acr|uacr|microalbumin|albumin creatinine ratio|albumin/creatinine ratio|microalbumin/creatinine ratio",
        scales=(_ACR,),
    ),
    # ── liver, proteins ───────────────────────────────────────────────────────────────────────────
    _measure(
        "alt", "ALT", "1742-6 1743-4 1744-2", "alt|sgpt|alanine aminotransferase|alt (sgpt)|gpt",
        units_are_iu=True, uncoded=True,
    ),
    _measure(
        "ast", "AST", "1920-8 30239-8 88112-8", "ast|sgot|aspartate aminotransferase|ast (sgot)|got",
        units_are_iu=True, uncoded=True,
    ),
    _measure(
        "alp", "Alkaline phosphatase", "6768-6",
        "alp|alk phos|alkaline phosphatase",
        units_are_iu=True, uncoded=True,
    ),
    _measure("ggt", "GGT", "2324-2", "ggt|gamma gt|gamma glutamyl transferase", units_are_iu=True, uncoded=True),
    _measure("ldh", "LDH", "2532-0 14804-9", "ldh|lactate dehydrogenase", units_are_iu=True),
    _measure("ck", "Creatine kinase", "2157-6", "ck|cpk|creatine kinase", units_are_iu=True, uncoded=True),
    _measure("lipase", "Lipase", "3040-3", "lipase", units_are_iu=True),
    _measure("amylase", "Amylase", "1798-8", "amylase", units_are_iu=True),
    _measure(
        "bilirubin", "Bilirubin, total", "1975-2 14631-6",
        "bilirubin|total bilirubin|bilirubin total",
        mol=BILIRUBIN,
    ),
    _measure(
        "bilirubin-direct", "Bilirubin, direct", "1968-7 14629-0",
        "direct bilirubin|conjugated bilirubin",
        mol=BILIRUBIN,
    ),
    _measure("albumin", "Albumin", "1751-7 61151-7 61152-5", "albumin|serum albumin"),
    _measure("protein", "Protein, total", "2885-2", "total protein|protein"),
    # 6771-0 and 48805-0 are met for the same level; the check digit of the last one is none of LOINC's.
    _measure(
        "aat", "Alpha-1 antitrypsin", "1825-9 6771-0 48805-0",
        "aat|a1at|alpha 1 antitrypsin|alpha-1 antitrypsin|alpha1 antitrypsin|alpha-1-antitrypsin"
        "|alpha 1 antitrypsin serum|alpha-1 antitrypsin, serum|a1-antitrypsin",
        mol=("AAT", 54347.8), source=_AAT, uncoded=True,
    ),
    # ── blood count ───────────────────────────────────────────────────────────────────────────────
    _measure(
        "wbc", "White blood cells", "6690-2 26464-8 804-5",
        "wbc|white blood cells|white cells|leukocytes|white count|white blood cell", cells=True,
    ),
    _measure(
        "rbc", "Red blood cells", "789-8 26453-1", "rbc|red blood cells|red cells|erythrocytes|red blood cell",
        cells=True,
    ),
    _measure(
        "hemoglobin", "Hemoglobin", "718-7 59260-0", "hemoglobin|haemoglobin|hgb|hb",
        mol=("Hb", 16114.0), source=_HEMOGLOBIN,
    ),
    _measure("hematocrit", "Hematocrit", "4544-3 20570-8 4545-0", "hematocrit|haematocrit|hct"),
    _measure("mcv", "MCV", "787-2 30428-7", "mcv"),
    _measure("mch", "MCH", "785-6 28539-5", "mch"),
    _measure("mchc", "MCHC", "786-4 28540-3", "mchc"),
    _measure("rdw", "RDW", "788-0 30385-9", "rdw"),
    _measure("platelets", "Platelets", "777-3 26515-7 778-1", "platelets|plt|platelet count|thrombocytes", cells=True),
    _measure("neutrophils", "Neutrophils", "751-8 26499-4", "neutrophils|anc|absolute neutrophils", cells=True),
    _measure("lymphocytes", "Lymphocytes", "731-0 26474-7", "lymphocytes|absolute lymphocytes", cells=True),
    _measure("monocytes", "Monocytes", "742-7", "monocytes|absolute monocytes", cells=True),
    _measure("eosinophils", "Eosinophils", "711-2", "eosinophils|eos|absolute eosinophils", cells=True),
    _measure("basophils", "Basophils", "704-7", "basophils|absolute basophils", cells=True),
    _measure("inr", "INR", "6301-6", "inr", uncoded=True),
    # ── thyroid, hormones ─────────────────────────────────────────────────────────────────────────
    _measure(
        "tsh", "TSH", "3016-3 11580-8 11579-0",
        "tsh|thyroid stimulating hormone|thyrotropin",
        units_are_iu=True, uncoded=True,
    ),
    _measure(
        "free-t4", "Free T4", "3024-7 14920-3",
        "free t4|ft4|t4 free|free thyroxine",
        mol=THYROXINE, uncoded=True,
    ),
    _measure("t4", "T4, total", "3026-2 14921-1", "t4|total t4|thyroxine", mol=THYROXINE),
    _measure("free-t3", "Free T3", "3051-0 14928-6", "free t3|ft3|t3 free", mol=TRIIODOTHYRONINE, uncoded=True),
    _measure("t3", "T3, total", "3053-6 14930-2", "t3|total t3", mol=TRIIODOTHYRONINE),
    _measure("cortisol", "Cortisol", "2143-6 14675-3", "cortisol", mol=("C21H30O5", 362.466)),
    _measure(
        "testosterone", "Testosterone", "2986-8 14913-8",
        "testosterone|total testosterone",
        mol=("C19H28O2", 288.431),
    ),
    _measure("psa", "PSA", "2857-1", "psa|prostate specific antigen", uncoded=True),
    # ── iron, vitamins ────────────────────────────────────────────────────────────────────────────
    _measure("serum-iron", "Iron", "2498-4 14798-3", "serum iron|iron level", mol=IRON),
    _measure("ferritin", "Ferritin", "2276-4 20567-4", "ferritin", uncoded=True),
    _measure("tibc", "Iron binding capacity", "2500-7 14800-7", "tibc|iron binding capacity", mol=IRON),
    _measure(
        "transferrin-saturation", "Transferrin saturation", "2502-3",
        "transferrin saturation|iron saturation|tsat",
    ),
    _measure("transferrin", "Transferrin", "3034-6", "transferrin"),
    _measure(
        "vitamin-d", "Vitamin D (25-hydroxy)", "62292-8 68438-1",
        "vitamin d|vit d|25-oh vitamin d|25-hydroxyvitamin d|25 hydroxy vitamin d", mol=HYDROXYVITAMIN_D,
    ),
    _measure(  # without the D2 that the total has
        "vitamin-d3", "Vitamin D3 (25-hydroxy)", "1989-3 14635-7",
        "vitamin d|vit d|vitamin d3|vit d3|25-oh vitamin d3|25-hydroxyvitamin d3", mol=HYDROXYVITAMIN_D,
    ),
    _measure(
        "b12", "Vitamin B12", "2132-9 14685-2",
        "b12|vitamin b12|cobalamin",
        mol=("C63H88CoN14O14P", 1355.388), uncoded=True,
    ),
    _measure("folate", "Folate", "2284-8 14732-2", "folate|folic acid", mol=("C19H19N7O6", 441.404)),
    # ── inflammation, heart ───────────────────────────────────────────────────────────────────────
    _measure("crp", "C-reactive protein", "1988-5", "crp|c-reactive protein|c reactive protein"),
    _measure(
        "hs-crp", "C-reactive protein (high sensitivity)", "30522-7",
        "hs crp|hs-crp|hscrp|crp|high sensitivity crp",
    ),
    _measure("esr", "Sedimentation rate", "4537-7 30341-2", "esr|sed rate|sedimentation rate"),
    _measure("bnp", "BNP", "30934-4 42637-9", "bnp"),
    _measure("nt-probnp", "NT-proBNP", "33762-6", "nt-probnp|probnp|nt probnp", uncoded=True),
    # ── lungs ─────────────────────────────────────────────────────────────────────────────────────
    _measure("fev1", "FEV1", "20150-9", "fev1|fev 1|forced expiratory volume", uncoded=True),
    _measure(
        "fev1-predicted", "FEV1 % of predicted", "20152-5",
        "fev1 % predicted|fev1 percent predicted|fev1 predicted|fev1 measured/predicted",
    ),
    _measure("fvc", "FVC", "19868-9 19876-2 19870-5", "fvc|forced vital capacity", uncoded=True),
    _measure("fev1-fvc", "FEV1/FVC", "19926-5", "fev1/fvc|fev1 fvc ratio|fev1/fvc ratio"),
    _measure(
        "dlco", "Gas transfer (DLCO)", "19911-7",
        "dlco|tlco|gas transfer|diffusing capacity|diffusion capacity",
        scales=(_DLCO,),
    ),
    _measure("peak-flow", "Peak flow", "33452-4 19935-6", "peak flow|pef|peak expiratory flow"),
    # ── vital signs ───────────────────────────────────────────────────────────────────────────────
    _measure("weight", "Weight", "29463-7 3141-9", "weight|body weight|my weight", uncoded=True),
    _measure("height", "Height", "8302-2 3137-7", "height|body height|body length", uncoded=True),
    _measure("bmi", "Body mass index", "39156-5", "bmi|body mass index", uncoded=True),
    _measure("temperature", "Body temperature", "8310-5", "temperature|temp|fever|body temperature", uncoded=True),
    _measure("heart-rate", "Heart rate", "8867-4", "heart rate|pulse|hr|heartbeat|pulse rate", uncoded=True),
    _measure(
        "respiratory-rate", "Breathing rate", "9279-1",
        "respiratory rate|breathing rate|respiration|breaths",
        uncoded=True,
    ),
    _measure(
        "oxygen", "Oxygen saturation", "59408-5",
        "oxygen|oxygen saturation|o2 sat|o2 saturation|spo2|sats|pulse ox|oxygen level", uncoded=True,
    ),
    _measure(
        "systolic", "Systolic blood pressure", "8480-6",
        "systolic|systolic blood pressure|upper blood pressure|sbp",
        uncoded=True,
    ),
    _measure(
        "diastolic", "Diastolic blood pressure", "8462-4",
        "diastolic|diastolic blood pressure|lower blood pressure|dbp",
        uncoded=True,
    ),
    _measure("mean-pressure", "Mean blood pressure", "8478-0", "mean blood pressure|mean arterial pressure"),
    # ── questionnaires ────────────────────────────────────────────────────────────────────────────
    _measure("phq-9", "PHQ-9 score", "44261-6", "phq-9|phq9|phq 9|depression score"),
    _measure("gad-7", "GAD-7 score", "70274-6", "gad-7|gad7|gad 7|anxiety score"),
)  # fmt: skip

BY_CODE: dict[str, Measure] = {code: measure for measure in MEASURES for code in measure.codes}
BY_ID: dict[str, Measure] = {measure.id: measure for measure in MEASURES}
