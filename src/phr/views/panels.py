"""What is looked at together: panels as people ask for them, and measurements that are one picture.

Which measures belong to a panel is data, by the ids of `records.measures`. The trend groups of condition packs stand
beside them under their own names.
"""

from __future__ import annotations

from typing import NamedTuple

from phr.records.measures import Measure


class Panel(NamedTuple):
    """Measures that are looked at together."""

    id: str
    name: str
    words: tuple[str, ...]
    measures: tuple[str, ...]
    extra: tuple[Measure, ...] = ()
    """Measures that only a condition pack knows."""


class Pair(NamedTuple):
    """A panel of one reading: drawn in one picture, such as blood pressure (LOINC 85354-9)."""

    id: str
    name: str
    words: tuple[str, ...]
    codes: tuple[str, ...]
    measures: tuple[str, ...]


def _panel(id_: str, name: str, words: str, measures: str) -> Panel:
    return Panel(id_, name, tuple(words.split("|")), tuple(measures.split()))


_SALTS = "sodium potassium chloride co2 urea creatinine egfr-2021 egfr-2009 egfr-mdrd egfr-mdrd-other calcium"
_EGFR = "egfr-2021 egfr-2009 egfr-mdrd egfr-mdrd-2 egfr-mdrd-other egfr-mdrd-black"

PANELS = (
    _panel("lipids", "Cholesterol and fats", "lipids|lipid|lipid panel|cholesterol panel|blood fats",
           "cholesterol ldl hdl non-hdl triglycerides"),
    _panel("liver", "Liver", "liver|liver panel|liver function|lft|lfts|hepatic|liver enzymes",
           "alt ast alp ggt bilirubin bilirubin-direct albumin inr"),
    _panel("kidney", "Kidneys", "kidney|kidneys|renal|kidney panel|kidney function|renal function",
           f"creatinine {_EGFR} urea acr potassium"),
    _panel("cbc", "Blood count", "cbc|blood count|complete blood count|full blood count|fbc|hemogram",
           "hemoglobin hematocrit rbc wbc platelets mcv mch mchc rdw neutrophils lymphocytes monocytes eosinophils"
           " basophils"),
    _panel("bmp", "Basic metabolic panel", "bmp|basic metabolic panel|electrolytes|salts|chem 7",
           f"glucose glucose-blood glucose-fasting {_SALTS}"),
    _panel("cmp", "Comprehensive metabolic panel", "cmp|comprehensive metabolic panel|metabolic panel|chem 14",
           f"glucose glucose-blood glucose-fasting {_SALTS} protein albumin bilirubin alp ast alt"),
    _panel("thyroid", "Thyroid", "thyroid|thyroid panel|thyroid function|tft", "tsh free-t4 free-t3 t4 t3"),
    _panel("lungs", "Lungs", "lungs|lung|lung function|breathing|spirometry|pulmonary|pft|pfts",
           "fev1 fev1-predicted fvc fev1-fvc dlco peak-flow oxygen"),
    _panel("vitals", "Vital signs", "vitals|vital signs|vital|vital sign",
           "systolic diastolic heart-rate oxygen temperature respiratory-rate weight bmi"),
    _panel("iron", "Iron", "iron|iron panel|iron studies",
           "ferritin serum-iron transferrin-saturation tibc transferrin hemoglobin"),
    _panel("diabetes", "Diabetes", "diabetes|diabetic|sugar panel",
           "hba1c glucose-fasting glucose glucose-blood glucose-meter acr creatinine"),
    _panel("inflammation", "Inflammation", "inflammation|inflammatory markers", "crp hs-crp esr wbc ferritin"),
    _panel("vitamins", "Vitamins", "vitamins|vitamin levels", "vitamin-d vitamin-d3 b12 folate"),
    _panel("heart", "Heart", "heart|cardiac|heart panel",
           "systolic diastolic heart-rate cholesterol ldl hdl triglycerides bnp nt-probnp"),
)  # fmt: skip

PAIRS = (
    Pair(
        "blood-pressure",
        "Blood pressure",
        ("blood pressure", "bp", "blood pressures"),
        ("85354-9", "55284-4", "96607-7"),
        ("systolic", "diastolic"),
    ),
)

PANEL_BY_WORD = {word: panel for panel in PANELS for word in panel.words}
