"""How laboratories spell units: words for their parts, and the one spelling in which two of them are compared.

Spellings of whole units are those of `match_units`; what laboratories make out of characters that UCUM does not have is
turned into these first.
"""

from __future__ import annotations

import re
from functools import lru_cache

from phr.records.match_units import unit_of

WORDS = {  # of a part of a unit; what stands for a whole one is in match_units
    "l": "l",
    "liter": "l",
    "litre": "l",
    "liters": "l",
    "litres": "l",
    "kilogram": "kg",
    "kilograms": "kg",
    "kgs": "kg",
    "kilo": "kg",
    "kilos": "kg",
    "meter": "m",
    "metre": "m",
    "meters": "m",
    "metres": "m",
    "centimeter": "cm",
    "centimetre": "cm",
    "centimeters": "cm",
    "centimetres": "cm",
    "cms": "cm",
    "ounce": "[oz_av]",
    "ounces": "[oz_av]",
    "foot": "[ft_i]",
    "feet": "[ft_i]",
    "stones": "[stone_av]",
    "deciliter": "dl",
    "decilitre": "dl",
    "millilitre": "ml",
    "millilitres": "ml",
    "microliter": "ul",
    "microlitre": "ul",
    "microgram": "ug",
    "micrograms": "ug",
    "nanogram": "ng",
    "nanograms": "ng",
    "picogram": "pg",
    "picograms": "pg",
    "millimole": "mmol",
    "millimoles": "mmol",
    "micromole": "umol",
    "micromoles": "umol",
    "nmole": "nmol",
    "mmole": "mmol",
    "umole": "umol",
    "mins": "min",
    "minutes": "min",
    "mcl": "ul",
    "mm3": "ul",
    "cumm": "ul",
    "cmm": "ul",
    "mcmol": "umol",
    "mcmole": "umol",
    "mcg": "ug",
    "cc": "ml",
    "sec": "s",
    "second": "s",
    "seconds": "s",
    "minute": "min",
    "hr": "h",
    "hour": "h",
    "day": "d",
    "24h": "d",
    "24hr": "d",
    "24hrs": "d",
    "iu": "[iu]",
    "miu": "m[iu]",
    "uiu": "u[iu]",
    "kiu": "k[iu]",
    "unit": "u",
    "units": "u",
    "mval": "meq",
    "mmhg": "mm[hg]",
    "cmh2o": "cm[h2o]",
    "st": "[stone_av]",
    "stone": "[stone_av]",
    "ft": "[ft_i]",
    "[in_us]": "[in_i]",
    "[ft_us]": "[ft_i]",
    "mosmol": "mosm",
    "mgs": "mg",
    "mmoles": "mmol",
    "umoles": "umol",
    "nmoles": "nmol",
    "micromol": "umol",
    "mciu": "u[iu]",
    "microiu": "u[iu]",
}
NUMBERS = {"cells": 0, "cell": 0, "#": 0, "thou": 3, "thousand": 3, "k": 3, "mil": 6, "million": 6, "m": 6}
NUMBERS |= {"mill": 6, "giga": 9, "tera": 12}
"""Words for numbers in front of a solidus, as powers of ten: `K/uL`."""
_LETTERS = str.maketrans("µμ²³⁴⁵⁶⁹·⋅×", "uu234569..x")
# Compiled when one is met: most units need none of them, and a quick command starts without.
_AREA = r"(?:/|\.|\s|per)*[{(\[]?1[.,]73[\s_]*(?:m\^?2|sq\.?\s?m|m\*\*2)[)}\]]?"
_TEN = r"x?\s?10\s?(?:\*\*|\^|\*|e|exp)\s?\(?(-?\d{1,2})\)?"
_TEN_POWER = r"x?\s?10\(?([369]|12)\)?(?=\s?/)"
_PERCENT_OF = r"%\s?\(?(?!ile|ifcc)[a-z][a-z0-9 .]*\)?"
_SCORE = frozenset(
    (
        "score",
        "scores",
        "point",
        "points",
        "index",
        "{score}",
        "ph",
        "[ph]",
        "inr",
        "{inr}",
        "t-score",
        "z-score",
    )
)
_PRESSURE = frozenset(("mm/hg", "mmhg.", "mm[hg].", "mm of hg", "mm hg."))
_DEGREES = r"(?:deg(?:ree)?s?\.?|°|º)\s?(c|f|celsius|celcius|fahrenheit)\.?"
_REMARK = r"(.*[a-z%])\s*(?:\(\s*(?:calc|calculated|creat|creatinine|hb)\s*\)|\s(?:calc|creat|creatinine|crea|cr|hb|hgb))"
"""What is said beneath a solidus or behind all of it, and changes no number: `mg/g creat`, `mg/dL (calc)`."""
_PER_MINUTE = frozenset(
    ("beats/minute", "breaths/minute", "resp/min", "respirations/min", "breath/min", "beat/min")
)


@lru_cache(maxsize=1024)
def spelled(unit: str | None) -> str:
    """A unit in the one spelling that is compared here; empty for none."""
    text = " ".join((unit or "").translate(_LETTERS).casefold().replace("μ", "u").split())
    if "73" in text:
        text = re.sub(_AREA, "/[bsa]", text)
        text = text.removeprefix("/") if text.startswith("/[") else text
    if text in _SCORE:
        return ""
    if text.startswith("%") and len(text) > 1 and re.fullmatch(_PERCENT_OF, text):
        return "%"
    if "10" in text:
        text = re.sub(_TEN, lambda found: f"10*{found[1]}", text)
        text = re.sub(_TEN_POWER, lambda found: f"10*{found[1]}", text)
    if text in ("1", "{ratio}"):
        return "1"
    found = unit_of(_plain(text))
    return {"k/ul": "10*3/ul", "m/ul": "10*6/ul", "iu": "[iu]", "mg%": "mg/dl", "g%": "g/dl"}.get(
        found, found
    )


def _plain(text: str) -> str:
    """Without a full stop behind a short form, a plural in brackets, and remarks that change no number."""
    if text[:1] in "d°º" and (found := re.fullmatch(_DEGREES, text)):
        return "cel" if found[1].startswith("c") else "[degf]"
    if text in _PRESSURE:
        return "mm[hg]"
    if text in _PER_MINUTE:
        return "/min"
    if " " in text or "(" in text:
        text = text.replace(" / ", "/").removesuffix("(s)").replace("cu mm", "mm3")
        if found := re.fullmatch(_REMARK, text):
            text = found[1].strip()
    return text[:-1] if text.endswith(".") and text[:-1].isalpha() else text
