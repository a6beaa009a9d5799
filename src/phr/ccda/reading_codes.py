"""Tables for reading: codes that other systems write where ours would write another, and the way back of `codes`.

C-CDA R1.1, C32 (HITSP C83) and IHE PCC have their own value sets for the same facts; what the tables of `codes`
hold is turned round here, so that writing and reading cannot disagree.
"""

from __future__ import annotations

from phr.ccda import codes

HL7 = "http://terminology.hl7.org/CodeSystem"
SNOMED_URI = codes.backward(codes.SYSTEMS)[codes.SNOMED]
ACT_CODE_URI = codes.backward(codes.SYSTEMS)[codes.ACT_CODE]

NO_CODE = frozenset("unk unknown ni na nask asku nav oth msk np none null n/a nullflavor nocode".split())
"""What systems write into `code` where a nullFlavor belongs."""

# ── allergies ─────────────────────────────────────────────────────────────────────────────────────

_VAGUE = frozenset(("419199007", "418038007", "420134006"))
"""Values that writing takes for several categories: none can be read from them."""

ALLERGY_VALUES: dict[str, tuple[str | None, str | None]] = {
    **{
        code: (None if code in _VAGUE else category, type_)
        for (category, type_), (code, _) in reversed(codes.ALLERGY_TYPES.items())
    },
    "419199007": (None, "allergy"),
    "418038007": (None, None),
    "420134006": (None, None),
    "426232007": ("environment", "allergy"),
    "106190000": (None, "allergy"),
    "609328004": (None, "allergy"),
    "609433001": (None, None),
    "281647001": (None, None),
    "ASSERTION": (None, None),
    "DALG": ("medication", "allergy"),
    "FALG": ("food", "allergy"),
    "EALG": ("environment", "allergy"),
    "ALG": (None, "allergy"),
    "DINT": ("medication", "intolerance"),
    "FINT": ("food", "intolerance"),
    "EINT": ("environment", "intolerance"),
    "OINT": (None, "intolerance"),
    "DNAINT": ("medication", "intolerance"),
    "FNAINT": ("food", "intolerance"),
    "ENAINT": ("environment", "intolerance"),
    "NAINT": (None, "intolerance"),
}
"""SNOMED CT value (or ObservationIntoleranceType of IHE PCC) to category and type of an AllergyIntolerance."""

NO_KNOWN_ALLERGIES = {
    None: ("716186003", "No known allergy"),
    "medication": ("409137002", "No known drug allergy"),
    "food": ("429625007", "No known food allergy"),
    "environment": ("428607008", "No known environmental allergy"),
    "latex": ("1003774007", "No known latex allergy"),
}
"""What is denied to the SNOMED CT concept that denies it."""
NO_KNOWN_ALLERGY_CODES = frozenset(codes.NO_KNOWN_ALLERGY) | {"160244002", "1003774007"}
DENIABLE = frozenset(
    "419199007 416098002 414285001 418038007 420134006 419511003 418471000 106190000".split()
)
"""Values whose denial without a substance says "no known allergies" of their category."""

SUBSTANCES = {
    "105590001": None,  # substance
    "410942007": "medication",  # drug or medicament
    "373873005": "medication",  # pharmaceutical or biologic product
    "255620007": "food",
    "762766007": "food",  # edible substance
}
"""Substances so general that denying them denies all allergies of a category."""

SEVERITIES = {code: name for name, (code, _) in codes.SEVERITIES.items()} | {
    "371923003": "moderate",
    "371924009": "severe",
    "399166001": "severe",
    "H": "severe",
    "M": "moderate",
    "L": "mild",
}
"""Severity (SNOMED CT, or SeverityObservation of HL7) to the nearest of FHIR's three."""
CLINICAL_STATUSES = codes.backward(codes.CLINICAL_STATUSES) | {
    "90734009": "active",  # chronic
    "7087005": "active",  # intermittent
    "255227004": "recurrence",
    "415684004": "active",  # rule out: not over
    "410516002": "inactive",  # ruled out
    "392521001": "inactive",  # prior history
}
"""Problem and allergy status, with the values of C32 and IHE PCC that C-CDA no longer has."""
ALLERGY_STATUSES = {"recurrence": "active", "relapse": "active", "remission": "inactive"}
"""Clinical statuses that an allergy does not have in FHIR."""
CONCERN_STATUSES = {
    "active": "active",
    "completed": "inactive",
    "aborted": "inactive",
    "suspended": "inactive",
}
CRITICALITIES = codes.backward(codes.CRITICALITIES)

# ── problems ──────────────────────────────────────────────────────────────────────────────────────

PROBLEM_TYPES = frozenset(
    """55607006 64572001 404684003 282291009 418799008 409586006 373930000 248536006 75326-9 75323-6 75321-0
    29308-4 75325-1 75322-8 75275-8 75318-6 ASSERTION""".split()
)
"""Kinds of problem: as a value they name no problem."""
PLAIN_PROBLEM_TYPES = frozenset("55607006 64572001 75326-9 75323-6 ASSERTION".split())
NO_KNOWN_PROBLEMS = ("160245001", "No current problems or disability")
NO_KNOWN_PROBLEM_CODES = codes.NO_KNOWN_PROBLEM
DIAGNOSIS_SECTIONS = frozenset(
    """46240-8 11535-2 78375-3 46241-6 42347-5 10219-4 10218-6 59769-0 59768-2 51848-0 51847-2 29299-5 10154-3
    46239-0 18841-7 8648-8 8671-4 29554-3""".split()
)
"""Sections whose problems are diagnoses of an encounter."""
CONCERN_SECTIONS = frozenset(("75310-3",))

# ── medications and immunizations ─────────────────────────────────────────────────────────────────

NO_KNOWN_MEDICATIONS = ("787481004", "No known medications")
NO_KNOWN_MEDICATION_CODES = codes.NO_KNOWN_MEDICATION
REQUEST_STATUSES = {
    "active": "active",
    "suspended": "on-hold",
    "held": "on-hold",
    "completed": "completed",
    "aborted": "stopped",
    "cancelled": "cancelled",
    "nullified": "entered-in-error",
    "obsolete": "stopped",
    "new": "draft",
    "ordered": "active",
}
"""ActStatus (and what is written for it) to MedicationRequest.status."""
STATEMENT_STATUSES = REQUEST_STATUSES | {"cancelled": "not-taken", "new": "intended"}
DISPENSE_STATUSES = {
    "active": "in-progress",
    "suspended": "on-hold",
    "held": "on-hold",
    "completed": "completed",
    "aborted": "stopped",
    "cancelled": "cancelled",
    "nullified": "entered-in-error",
    "new": "preparation",
}
MEDICATION_STATUSES = {
    "55561003": "active",
    "421139008": "on-hold",
    "392521001": "completed",  # prior history
    "73425007": "completed",  # no longer active
    "421684003": "entered-in-error",
    "410546004": "stopped",  # discontinued
    "255594003": "completed",
    "active": "active",
    "on hold": "on-hold",
    "prior history": "completed",
    "no longer active": "completed",
    "inactive": "completed",
    "discontinued": "stopped",
    "stopped": "stopped",
    "completed": "completed",
}
"""Medication Status Observation of C32 and C-CDA R1.1, by code and by word."""
INTENTS = {"RQO": "order", "INT": "order", "PRMS": "plan", "PRP": "proposal", "EVN": "plan"}
PLANNED_INTENTS = INTENTS | {"INT": "plan"}
"""moodCode to MedicationRequest.intent: in Medications, and of what is only planned."""
PRIORITIES = {
    "R": "routine",
    "RR": "routine",
    "UR": "urgent",
    "A": "asap",
    "S": "stat",
    "EM": "stat",
    "CR": "asap",
}
PERIOD_UNITS = {
    "s": "s", "sec": "s", "second": "s", "seconds": "s", "min": "min", "minute": "min", "minutes": "min", "h": "h",
    "hr": "h", "hrs": "h", "hour": "h", "hours": "h", "d": "d", "day": "d", "days": "d", "wk": "wk", "week": "wk",
    "weeks": "wk", "mo": "mo", "month": "mo", "months": "mo", "a": "a", "y": "a", "yr": "a", "year": "a", "years": "a",
}  # fmt: skip
"""Units of time as people write them (in lower case) to those of FHIR."""
EVENT_TIMINGS = frozenset("HS WAKE C CM CD CV AC ACM ACD ACV PC PCM PCD PCV".split())
"""TimingEvent codes that Timing.repeat.when takes."""
IMMUNIZATION_STATUSES = {
    "completed": "completed",
    "active": "completed",
    "nullified": "entered-in-error",
    **dict.fromkeys(("aborted", "cancelled", "held", "new", "obsolete", "suspended"), "not-done"),
}
"""ActStatus of a vaccination in mood EVN; active is a series that goes on."""

# ── encounters ────────────────────────────────────────────────────────────────────────────────────

ENCOUNTER_STATUSES = {
    "completed": "finished",
    "active": "in-progress",
    "cancelled": "cancelled",
    "held": "planned",
    "suspended": "onleave",
    "nullified": "entered-in-error",
}
ENCOUNTER_CLASSES = frozenset("AMB EMER FLD HH IMP ACUTE NONAC OBSENC PRENC SS VR".split())
CLASS_SYSTEMS = frozenset(
    (ACT_CODE_URI, "urn:oid:2.16.840.1.113883.1.11.13955", f"{HL7}/v2-0004", "urn:oid:2.16.840.1.113883.12.4")
)
"""Systems that encounter classes come from: ActCode, its value set by mistake, patient class of HL7 v2."""
PATIENT_CLASSES = {"E": "EMER", "I": "IMP", "O": "AMB", "P": "PRENC"}
"""Patient class of HL7 v2 (table 0004) to v3 ActCode."""
CLASS_NAMES = {
    "AMB": "ambulatory",
    "EMER": "emergency",
    "FLD": "field",
    "HH": "home health",
    "IMP": "inpatient encounter",
    "ACUTE": "inpatient acute",
    "NONAC": "inpatient non-acute",
    "OBSENC": "observation encounter",
    "PRENC": "pre-admission",
    "SS": "short stay",
    "VR": "virtual",
}
PARTICIPATIONS = frozenset("ADM ATND CALLBCK CON DIS ESC REF SPRF PPRF PART".split())
"""ParticipationType codes that Encounter.participant.type takes."""
