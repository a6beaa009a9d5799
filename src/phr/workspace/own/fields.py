"""What may be said of an entry: the fields that kinds share, and the words that people use for FHIR's codes.

Medium-neutral: the command line makes an option and a question of each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

WORDS, DATE, NUMBER, COUNT, CHOICE, FLAG, CODE, RECORD, FILE = (
    "words",
    "date",
    "number",
    "count",
    "choice",
    "flag",
    "code",
    "record",
    "file",
)


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that may be said."""

    name: str
    about: str
    """What it is, for a page of help."""
    example: str = ""
    type: str = WORDS
    ask: bool = False
    """Whether a person at a terminal is asked for it."""
    required: bool = False
    many: bool = False
    ahead: bool = False
    """A date that may lie in the future, and is read as the next one."""
    choices: Mapping[str, str] = field(default_factory=dict)
    """Words in lower case to FHIR's code."""
    also: tuple[str, ...] = ()
    """Further spellings of the option."""
    default: str = ""
    """What Enter means, where a person is asked."""

    @property
    def flag(self) -> str:
        """The option: `--how-often`."""
        return "--" + self.name.replace("_", "-")


def asked(one: Field, *, required: bool = False, **changes: object) -> Field:
    """The same, but a person is asked for it."""
    return replace(one, ask=True, required=required, **changes)  # type: ignore[arg-type]


def codes(spelled: str, **others: str) -> dict[str, str]:
    """FHIR's codes as they are and with blanks for the dashes, and other words for them."""
    own = {code: code for code in spelled.split()}
    return own | {code.replace("-", " "): code for code in own} | others


DATE_FIELD = Field("date", "When it was.", "last march, 2019, 3/14/2024", DATE)
END = Field("end", "When it ended.", "2024-03-20", DATE)
NOTE = Field("note", "Anything else, in your words.", "after breakfast", ask=True)
WHERE = Field("where", "The place: a clinic, a hospital, a pharmacy.", "Pinebrook Clinic")
BY = Field("by", "Who did it, or said so.", "Dr. Marrowby")
REASON = Field("reason", "Why.", "cough")
STATUS = Field("status", "How it stands.", type=CHOICE)
TEXT = Field("text", "What it says.", "")
FILE_FIELD = Field("file", "A file: PDF, picture, text; may be repeated.", "scan.pdf", FILE, many=True)

CODE_FIELD = Field(
    "code",
    "Its code: SYSTEM|CODE, such as loinc|4548-4 (loinc, snomed, rxnorm, icd10, cvx …); may be repeated.",
    "loinc|4548-4",
    CODE,
    many=True,
)
ABOUT = Field("about", "A record that it is about; may be repeated.", "412", RECORD, many=True)
VISIT = Field("visit", "The visit it belongs to, by its number.", "398", RECORD)
TAG = Field("tag", "A word of yours to put on it; may be repeated.", "insurance", many=True)
SENSITIVITY = Field(
    "sensitivity",
    "normal, sensitive or restricted: what an export may hold.",
    "sensitive",
    CHOICE,
    choices={"normal": "normal", "sensitive": "sensitive", "restricted": "restricted"},
)
ANY: frozenset[str] = frozenset()
ABOUT_TARGETS = {
    "document": ANY, "clinical_note": ANY, "directive": ANY, "message": ANY, "task": ANY, "appointment": ANY,
    "order": ANY,
    "care_plan": ANY, "problem": ANY, "symptom": ANY,
    **dict.fromkeys(
        ("lab_result", "vital_sign", "social_history", "other"),
        frozenset("DocumentReference ImagingStudy Media QuestionnaireResponse Observation".split()),
    ),
    "medication": frozenset("Condition Observation DiagnosticReport".split()),
    "immunization": frozenset("Condition Observation DiagnosticReport".split()),
    "procedure": frozenset("Condition Observation Procedure DiagnosticReport DocumentReference".split()),
    "encounter": frozenset("Condition Procedure Observation ImmunizationRecommendation".split()),
    "goal": frozenset("Condition Observation MedicationStatement NutritionOrder ServiceRequest RiskAssessment".split()),
}  # fmt: skip
"""What the element for it may point at, by kind (FHIR R4); kinds that have none are not here."""
VISITS = frozenset(
    "lab_result vital_sign social_history other problem symptom allergy medication immunization procedure order imaging"
    " document clinical_note care_plan care_team task message questionnaire".split()
)
"""Kinds that can belong to a visit."""


def common(kind: str) -> tuple[Field, ...]:
    """The fields that every entry has, and the links that this one can have."""
    about = (ABOUT,) if kind in ABOUT_TARGETS else ()
    if kind in ("document", "clinical_note"):  # of a paper people say that it goes to a record
        about = (replace(ABOUT, also=("--to",)),)
    return (CODE_FIELD, *about, *((VISIT,) if kind in VISITS else ()), TAG, SENSITIVITY)


VALUE = Field("value", "What was measured or found.", "6.1")
UNIT = Field("unit", "Its unit, as it stands on the paper.", "mg/dL")
LOW = Field("low", "The lower end of the normal range.", "4", NUMBER)
HIGH = Field("high", "The upper end of the normal range.", "5.6", NUMBER)
RANGE = (LOW, HIGH)
FLAG_FIELD = Field(
    "flag",
    "What the laboratory says of it: high, low, abnormal, normal.",
    "high",
    CHOICE,
    choices={
        "h": "H", "high": "H", "l": "L", "low": "L", "hh": "HH", "critical high": "HH", "ll": "LL",
        "critical low": "LL", "a": "A", "abnormal": "A", "n": "N", "normal": "N", "positive": "POS", "pos": "POS",
        "negative": "NEG", "neg": "NEG",
    },
)  # fmt: skip
SEVERITY = Field(
    "severity",
    "mild, moderate or severe.",
    "moderate",
    CHOICE,
    choices={"mild": "mild", "moderate": "moderate", "severe": "severe"},
)

# value sets of FHIR R4 that an own entry can need; `entered-in-error` is what `--undo` says
OBSERVATION = codes(
    "final preliminary amended corrected cancelled registered unknown", done="final", complete="final"
)
CLINICAL = codes("active recurrence relapse inactive remission resolved", current="active", gone="resolved")
ALLERGY_CLINICAL = codes("active inactive resolved", current="active", gone="resolved", outgrown="resolved")
MEDICATION = codes(
    "active completed intended stopped on-hold unknown not-taken",
    taking="active", current="active", finished="completed", discontinued="stopped", paused="on-hold",
)  # fmt: skip
GIVEN = codes("completed not-done", given="completed", refused="not-done", **{"not given": "not-done"})
EVENT = codes(
    "preparation in-progress not-done on-hold stopped completed unknown",
    done="completed",
    planned="preparation",
)
ENCOUNTER = codes(
    "planned arrived triaged in-progress onleave finished cancelled unknown", done="finished", over="finished"
)
APPOINTMENT = codes(
    "proposed pending booked arrived fulfilled cancelled noshow waitlist checked-in",
    confirmed="booked", canceled="cancelled", kept="fulfilled", missed="noshow",
)  # fmt: skip
REQUEST = codes("draft active on-hold revoked completed unknown", open="active", done="completed")
TASK = codes(
    "draft requested received accepted rejected ready cancelled in-progress on-hold failed completed",
    open="requested", todo="requested", done="completed", started="in-progress",
)  # fmt: skip
GOAL = codes(
    "proposed planned accepted active on-hold completed cancelled rejected",
    reached="completed",
    given_up="cancelled",
)
TEAM = codes("proposed active suspended inactive", current="active", former="inactive")
COVERAGE = codes("active cancelled draft", current="active", ended="cancelled")
USE = codes(
    "active completed intended stopped on-hold", using="active", current="active", removed="completed"
)
COMMUNICATION = codes("preparation in-progress not-done on-hold stopped completed unknown", sent="completed")
REPORT = codes("registered partial preliminary final amended corrected cancelled unknown", done="final")
DOCUMENT = codes("current superseded", old="superseded", replaced="superseded")
BILL = codes("draft issued balanced cancelled", open="issued", unpaid="issued", paid="balanced")
FORM = codes("in-progress completed amended stopped", done="completed")
CONSENT = codes("draft proposed active rejected inactive", current="active", revoked="inactive")
FAMILY = codes("partial completed health-unknown")
