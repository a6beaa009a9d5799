"""Examinations and parts of the body in plain words, for what `phr had` says of a difference."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from phr.views import had_lexicon as lexicon

_ACT_NAMES = {
    "ct": "CT",
    "mri": "MRI",
    "xray": "X-ray",
    "us": "ultrasound",
    "mammo": "mammogram",
    "pet": "PET scan",
    "dexa": "bone density scan",
    "echo": "heart ultrasound",
    "nuclear": "nuclear scan",
    "ecg": "ECG",
    "holter": "long-term ECG",
    "egd": "upper endoscopy",
    "pft": "lung function test",
    "eeg": "EEG",
    "emg": "nerve test (EMG)",
    "abpm": "24-hour blood pressure",
    "ercp": "ERCP",
    "cath": "heart catheter",
    "cabg": "bypass operation",
    "pci": "stent or angioplasty",
    "allergytest": "allergy test",
    "genetictest": "genetic test",
    "sleepstudy": "sleep study",
    "replacement": "joint replacement",
    "stoolblood": "test for blood in the stool",
    "stooldna": "stool DNA test (Cologuard)",
    "stooltest": "stool test",
    "tbskin": "TB skin test",
    "tbblood": "TB blood test",
    "tbtest": "TB test",
    "dlco": "gas transfer",
}
_PART_NAMES = {
    "cspine": "cervical spine",
    "tspine": "thoracic spine",
    "lspine": "lumbar spine",
    "teeth_": "teeth",
    "upperarm": "upper arm",
    "lowerleg": "lower leg",
    "wholebody": "whole body",
    "bonemarrow": "bone marrow",
    "bileduct": "bile ducts",
    "vessel": "blood vessels",
}


@lru_cache(maxsize=1)
def _first_phrases() -> dict[str, str]:
    found: dict[str, str] = {}
    for ids, phrases in lexicon.entries():
        if len(ids) == 1 and phrases[0]:
            found.setdefault(ids[0], phrases[0])
    return found


def name(act: str) -> str:
    """An act in plain words."""
    return _ACT_NAMES.get(act) or _first_phrases().get(act, act)


def part_name(part: str) -> str:
    """A part of the body in plain words."""
    return _PART_NAMES.get(part, part)


def parts_named(parts: Iterable[str]) -> str:
    """Several parts of the body in one breath."""
    names = [part_name(part) for part in sorted(parts)]
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def article(words: str) -> str:
    """A name with its article."""
    return (
        f"an {words}"
        if words[:1].lower() in "aeio" or words[:3] in ("MRI", "X-r", "EEG", "ECG", "ult")
        else f"a {words}"
    )
