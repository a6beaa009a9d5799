"""Tables about measured things: units, vital signs, smoking, surveys, kinds of notes.

Units follow UCUM; vital signs are the Vital Sign Result Type value set of C-CDA R2.1; the smoking statuses
are the Smoking Status value set with the LOINC answers that EHRs send in their place.
"""

from __future__ import annotations

UNITS = {
    "mmhg": "mm[Hg]",
    "bpm": "/min",
    "beats/min": "/min",
    "beats/minute": "/min",
    "breaths/min": "/min",
    "breaths/minute": "/min",
    "br/min": "/min",
    "perminute": "/min",
    "lb": "[lb_av]",
    "lbs": "[lb_av]",
    "pounds": "[lb_av]",
    "oz": "[oz_av]",
    "in": "[in_i]",
    "inch": "[in_i]",
    "inches": "[in_i]",
    "degf": "[degF]",
    "°f": "[degF]",
    "degc": "Cel",
    "°c": "Cel",
    "percent": "%",
    "kg/m^2": "kg/m2",
    "years": "a",
    "year": "a",
    "mg/dl": "mg/dL",
    "g/dl": "g/dL",
    "meq/l": "meq/L",
    "mmol/l": "mmol/L",
    "u/l": "U/L",
    "ng/ml": "ng/mL",
    "pg/ml": "pg/mL",
    "ml/min": "mL/min",
    "10*3/ul": "10*3/uL",
    "10*6/ul": "10*6/uL",
}
"""Units as people write them (in lower case, without blanks) to UCUM."""

UCUM = frozenset(UNITS.values()) | frozenset(
    "% cm m kg g mg ug ng mL L /min kg/m2 1 [degF] Cel fL pg s min h d wk mo a mL/min mg/L ug/L ug/dL 10*3/uL".split()
)
"""Units that are taken as UCUM although the source does not name the system."""

VITAL_SIGNS = frozenset(
    """8480-6 8462-4 8867-4 9279-1 8310-5 59408-5 2708-6 29463-7 3141-9 8302-2 39156-5 9843-4 8287-5 59576-9
    77606-2 8289-1 3150-0 3151-8 85354-9 85353-1""".split()
)

SMOKING_STATUS = "72166-2"
SMOKING_STATUSES = {
    "449868002": "Smokes tobacco daily",
    "428041000124106": "Occasional tobacco smoker",
    "8517006": "Ex-smoker",
    "266919005": "Never smoked tobacco",
    "77176002": "Smoker",
    "266927001": "Tobacco smoking consumption unknown",
    "428071000124103": "Heavy tobacco smoker",
    "428061000124105": "Light tobacco smoker",
}
SMOKING_UNKNOWN = "266927001"
SMOKING_ANSWERS = {
    "LA18976-3": "449868002",
    "LA18977-1": "428041000124106",
    "LA15920-4": "8517006",
    "LA18978-9": "266919005",
    "LA18979-7": "77176002",
    "LA18980-5": "266927001",
    "LA18981-3": "428071000124103",
    "LA18982-1": "428061000124105",
}

SOCIAL_HISTORY = frozenset(
    """72166-2 11367-0 11341-5 86188-0 76689-9 46098-0 76691-5 76690-7 95370-3 82810-3 86645-9 89571-4 8663-7
    63773-6 74013-4 11331-6 63586-2 71802-3 93025-5 96777-8 88122-7 88124-3 82589-3 63512-8 67875-5 93038-8
    93035-4 93159-2 54899-0 56051-6 56799-0 63504-5""".split()
)
"""LOINC codes that belong in Social History whatever category the source gave."""

MENTAL_STATUS = frozenset(
    """44249-1 44261-6 55757-9 55758-7 69725-0 70274-6 69737-5 72106-8 72172-0 72133-2 54632-5 89204-2 89205-9
    71354-5 48544-1 99046-5 85105-5""".split()
)
"""LOINC codes of depression, anxiety and cognition instruments and their scores."""

NOTE_SECTIONS = {
    "11506-3": "Progress Notes",
    "34117-2": "History and Physical Notes",
    "18842-5": "Discharge Summaries",
    "11488-4": "Consultation Notes",
    "28570-0": "Procedure Notes",
    "18748-4": "Imaging Reports",
    "11502-2": "Laboratory Reports",
    "11526-1": "Pathology Reports",
    "34109-9": "Notes",
}
"""LOINC code of a Notes Section and its title; 34109-9 takes what fits nowhere else."""

NOTE_TYPES = {
    "34117-2": "34117-2",
    "51847-2": "34117-2",
    "34746-8": "11506-3",
    "34131-3": "11506-3",
    "28569-2": "11506-3",
    "11504-8": "28570-0",
    "18745-0": "18842-5",
    "28655-9": "18842-5",
    "34099-2": "11488-4",
    "34133-9": "34109-9",
    "60591-5": "34109-9",
}
"""Narrower document types to the section they belong in."""

AGES = {"a": "a", "mo": "mo", "wk": "wk", "d": "d", "h": "h", "min": "min"}
"""Units an age may have (AgePQ_UCUM)."""

PREGNANCY_STATUSES = frozenset(("77386006", "60001007", "146799005"))
