"""What FHIR and C-CDA call by different names: code systems and small closed code sets.

Follows the concept maps of HL7's C-CDA on FHIR guide. Where a map works both ways the table holds one
direction and `backward` gives the other, so that writing and reading cannot disagree.
"""

from __future__ import annotations

from collections.abc import Mapping

LOINC = "2.16.840.1.113883.6.1"
SNOMED = "2.16.840.1.113883.6.96"
RXNORM = "2.16.840.1.113883.6.88"
NDC = "2.16.840.1.113883.6.69"
ICD10 = "2.16.840.1.113883.6.90"
ICD9 = "2.16.840.1.113883.6.103"
ICD10_PCS = "2.16.840.1.113883.6.4"
CPT = "2.16.840.1.113883.6.12"
HCPCS = "2.16.840.1.113883.6.285"
CDT = "2.16.840.1.113883.6.13"
RACE = "2.16.840.1.113883.6.238"
NUCC = "2.16.840.1.113883.6.101"
HSLOC = "2.16.840.1.113883.6.259"
ICF = "2.16.840.1.113883.6.254"
CVX = "2.16.840.1.113883.12.292"
UNII = "2.16.840.1.113883.4.9"
NCIT = "2.16.840.1.113883.3.26.1.1"
ICD10_WHO = "2.16.840.1.113883.6.3"
ICD_O_3 = "2.16.840.1.113883.6.43.1"
ATC = "2.16.840.1.113883.6.73"
EDQM = "0.4.0.127.0.16.1.1.2.1"
PAYER = "2.16.840.1.113883.3.221.5"
ACT_CODE = "2.16.840.1.113883.5.4"
ACT_CLASS = "2.16.840.1.113883.5.6"
ACT_PRIORITY = "2.16.840.1.113883.5.7"
PARTICIPATION = "2.16.840.1.113883.5.88"
RELIGION = "2.16.840.1.113883.5.1076"
ACT_REASON = "2.16.840.1.113883.5.8"
GENDER = "2.16.840.1.113883.5.1"
MARITAL_STATUS = "2.16.840.1.113883.5.2"
INTERPRETATION = "2.16.840.1.113883.5.83"
OBSERVATION_VALUE = "2.16.840.1.113883.5.1063"
ROLE_CODE = "2.16.840.1.113883.5.111"
ROUTE = "2.16.840.1.113883.5.112"
CONFIDENTIALITY = "2.16.840.1.113883.5.25"
NPI = "2.16.840.1.113883.4.6"
URL_IDENTIFIERS = "2.16.840.1.113883.4.873"

_HL7 = "http://terminology.hl7.org/CodeSystem"
SYSTEMS = {
    "http://loinc.org": LOINC,
    "http://snomed.info/sct": SNOMED,
    "http://www.nlm.nih.gov/research/umls/rxnorm": RXNORM,
    "http://hl7.org/fhir/sid/ndc": NDC,
    "http://hl7.org/fhir/sid/icd-10-cm": ICD10,
    "http://hl7.org/fhir/sid/icd-10": ICD10_WHO,
    f"{_HL7}/icd-o-3": ICD_O_3,
    "http://www.whocc.no/atc": ATC,
    "http://standardterms.edqm.eu": EDQM,
    "http://hl7.org/fhir/sid/icd-9-cm": ICD9,
    "http://www.cms.gov/Medicare/Coding/ICD10": ICD10_PCS,
    "http://www.ama-assn.org/go/cpt": CPT,
    "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets": HCPCS,
    "http://www.ada.org/cdt": CDT,
    "http://nucc.org/provider-taxonomy": NUCC,
    "https://www.cdc.gov/nhsn/cdaportal/terminology/codesystem/hsloc.html": HSLOC,
    "http://hl7.org/fhir/sid/icf": ICF,
    "http://hl7.org/fhir/sid/cvx": CVX,
    "http://fdasis.nlm.nih.gov": UNII,
    "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl": NCIT,
    "https://nahdo.org/sopt": PAYER,
    f"{_HL7}/v3-ActCode": ACT_CODE,
    f"{_HL7}/v3-ActClass": ACT_CLASS,
    f"{_HL7}/v3-ActReason": ACT_REASON,
    f"{_HL7}/v3-ActPriority": ACT_PRIORITY,
    f"{_HL7}/v3-ReligiousAffiliation": RELIGION,
    f"{_HL7}/v3-AdministrativeGender": GENDER,
    f"{_HL7}/v3-MaritalStatus": MARITAL_STATUS,
    f"{_HL7}/v3-ObservationInterpretation": INTERPRETATION,
    f"{_HL7}/v3-ObservationValue": OBSERVATION_VALUE,
    f"{_HL7}/v3-RoleCode": ROLE_CODE,
    f"{_HL7}/v3-RouteOfAdministration": ROUTE,
    f"{_HL7}/v3-Confidentiality": CONFIDENTIALITY,
}
"""FHIR system URI to OID."""

SPELLINGS = {
    "http://hl7.org/fhir/v2/0078": INTERPRETATION,
    f"{_HL7}/v2-0078": INTERPRETATION,
    "http://hl7.org/fhir/v3/ActCode": ACT_CODE,
    "http://hl7.org/fhir/v3/MaritalStatus": MARITAL_STATUS,
    "http://hl7.org/fhir/v3/RoleCode": ROLE_CODE,
    "http://hl7.org/fhir/v3/RouteOfAdministration": ROUTE,
    "http://hl7.org/fhir/v3/ObservationInterpretation": INTERPRETATION,
    "http://www.cms.gov/Medicare/Coding/ICD9": ICD9,
    "http://www.icd10data.com/icd10pcs": ICD10_PCS,
    "urn:iso:std:iso:11073:10101": "2.16.840.1.113883.6.24",
}
"""Further URIs that servers use for the same systems; never written back."""

SYSTEM_NAMES = {
    LOINC: "LOINC",
    SNOMED: "SNOMED CT",
    RXNORM: "RxNorm",
    NDC: "NDC",
    ICD10: "ICD-10-CM",
    ICD9: "ICD-9-CM",
    ICD10_WHO: "ICD-10",
    ICD_O_3: "ICD-O-3",
    ATC: "ATC",
    EDQM: "EDQM Standard Terms",
    ROUTE: "RouteOfAdministration",
    ICD10_PCS: "ICD-10-PCS",
    CPT: "CPT-4",
    HCPCS: "HCPCS",
    CDT: "CDT",
    NUCC: "NUCC Health Care Provider Taxonomy",
    HSLOC: "HealthcareServiceLocation",
    CVX: "CVX",
    UNII: "UNII",
    NCIT: "NCI Thesaurus",
    PAYER: "Source of Payment Typology",
    GENDER: "AdministrativeGender",
    ACT_CODE: "ActCode",
}

IDENTIFIER_SYSTEMS = {
    "http://hl7.org/fhir/sid/us-npi": NPI,
    "http://hl7.org/fhir/sid/us-ssn": "2.16.840.1.113883.4.1",
    "http://hl7.org/fhir/sid/us-medicare": "2.16.840.1.113883.4.338",
    "http://hl7.org/fhir/sid/us-mbi": "2.16.840.1.113883.4.927",
}


def backward(table: Mapping[str, str]) -> dict[str, str]:
    """The other direction of a map; where several go to one, the first is the way back."""
    turned: dict[str, str] = {}
    for key, value in table.items():
        turned.setdefault(value, key)
    return turned


# ── people ────────────────────────────────────────────────────────────────────────────────────────

GENDERS = {"male": "M", "female": "F", "other": "UN"}
GENDER_NAMES = {"M": "Male", "F": "Female", "UN": "Undifferentiated"}
MARITAL_STATUSES = frozenset("A C D I L M P S T U W".split())
OMB_RACES = frozenset(("1002-5", "2028-9", "2054-5", "2076-8", "2106-3"))
OMB_ETHNICITIES = frozenset(("2135-2", "2186-5"))
ADDRESS_USES = {"home": "HP", "work": "WP", "temp": "TMP", "old": "BAD", "billing": "PST"}
TELECOM_USES = {"home": "HP", "work": "WP", "temp": "TMP", "old": "BAD", "mobile": "MC"}
TELECOM_SCHEMES = {
    "phone": "tel:",
    "pager": "tel:",
    "fax": "x-text-fax:",
    "email": "mailto:",
    "sms": "sms:",
    "url": "",
    "other": "",
}
STATES = {
    name: code
    for code, name in (
        pair.split("=")
        for pair in """AL=alabama|AK=alaska|AZ=arizona|AR=arkansas|CA=california|CO=colorado|CT=connecticut|\
DE=delaware|DC=district of columbia|FL=florida|GA=georgia|HI=hawaii|ID=idaho|IL=illinois|IN=indiana|IA=iowa|\
KS=kansas|KY=kentucky|LA=louisiana|ME=maine|MD=maryland|MA=massachusetts|MI=michigan|MN=minnesota|\
MS=mississippi|MO=missouri|MT=montana|NE=nebraska|NV=nevada|NH=new hampshire|NJ=new jersey|NM=new mexico|\
NY=new york|NC=north carolina|ND=north dakota|OH=ohio|OK=oklahoma|OR=oregon|PA=pennsylvania|PR=puerto rico|\
RI=rhode island|SC=south carolina|SD=south dakota|TN=tennessee|TX=texas|UT=utah|VT=vermont|VA=virginia|\
WA=washington|WV=west virginia|WI=wisconsin|WY=wyoming""".split("|")
    )
}

# ── statuses: FHIR to ActStatus; what is not here has no target ───────────────────────────────────

CLINICAL_STATUSES = {
    "active": "55561003",
    "recurrence": "246455001",
    "relapse": "263855007",
    "inactive": "73425007",
    "remission": "277022003",
    "resolved": "413322009",
}
CLINICAL_STATUS_NAMES = {
    "active": "Active",
    "recurrence": "Recurrence",
    "relapse": "Relapse",
    "inactive": "Inactive",
    "remission": "In remission",
    "resolved": "Resolved",
}
OVER = frozenset(("inactive", "remission", "resolved"))

MEDICATION_STATUSES = {
    "active": "active",
    "on-hold": "suspended",
    "completed": "completed",
    "stopped": "aborted",
    "entered-in-error": "nullified",
    "cancelled": "aborted",
    "in-progress": "active",
    "intended": "active",
    "not-taken": "completed",
    "not-done": "completed",
}
PROCEDURE_STATUSES = {
    "in-progress": "active",
    "completed": "completed",
    "stopped": "aborted",
    "not-done": "cancelled",
}
OBSERVATION_STATUSES = {
    "final": "completed",
    "amended": "completed",
    "corrected": "completed",
    "appended": "completed",
    "registered": "active",
    "preliminary": "active",
    "partial": "active",
    "cancelled": "cancelled",
}
ENCOUNTER_STATUSES = {
    "finished": "completed",
    "in-progress": "active",
    "arrived": "active",
    "triaged": "active",
    "planned": "held",
    "onleave": "suspended",
    "cancelled": "cancelled",
}
GOAL_STATUSES = {
    "proposed": "active",
    "planned": "active",
    "accepted": "active",
    "active": "active",
    "on-hold": "active",
    "completed": "completed",
    "cancelled": "cancelled",
    "rejected": "cancelled",
}
CARE_TEAM_STATUSES = {
    "proposed": "new",
    "active": "active",
    "suspended": "suspended",
    "inactive": "completed",
}

# ── clinical maps ─────────────────────────────────────────────────────────────────────────────────

ALLERGY_TYPES = {
    ("food", "allergy"): ("414285001", "Allergy to food"),
    ("food", "intolerance"): ("235719002", "Intolerance to food"),
    ("food", None): ("418471000", "Propensity to adverse reactions to food"),
    ("medication", "allergy"): ("416098002", "Allergy to drug"),
    ("medication", "intolerance"): ("59037007", "Intolerance to drug"),
    ("medication", None): ("419511003", "Propensity to adverse reactions to drug"),
    ("environment", "allergy"): ("419199007", "Allergy to substance"),
    ("environment", "intolerance"): ("418038007", "Propensity to adverse reactions to substance"),
    ("environment", None): ("418038007", "Propensity to adverse reactions to substance"),
    (None, "allergy"): ("419199007", "Allergy to substance"),
    (None, "intolerance"): ("420134006", "Propensity to adverse reaction"),
    (None, None): ("420134006", "Propensity to adverse reaction"),
}
"""(category, type) of an AllergyIntolerance to the SNOMED CT value."""

NO_KNOWN_ALLERGY = {
    "716186003": ("419199007", "Allergy to substance"),
    "409137002": ("416098002", "Allergy to drug"),
    "429625007": ("414285001", "Allergy to food"),
    "428607008": ("419199007", "Allergy to substance"),
    "no-known-allergies": ("419199007", "Allergy to substance"),
    "no-known-medication-allergies": ("416098002", "Allergy to drug"),
    "no-known-food-allergies": ("414285001", "Allergy to food"),
    "no-known-environmental-allergies": ("419199007", "Allergy to substance"),
}
NO_KNOWN_PROBLEM = frozenset(("160245001", "no-known-problems"))
NO_KNOWN_MEDICATION = frozenset(("410942007", "787481004", "no-known-medications"))
NO_KNOWN_OTHER = frozenset(
    ("no-known-procedures", "no-known-immunizations", "no-known-devices", "no-known-implants")
)
NO_INFORMATION = frozenset(
    f"no-{kind}-info"
    for kind in "allergy medication problem procedure immunization device implant family-history".split()
)
"""International Patient Summary codes for "nobody said": no statement, so nothing is written."""

CRITICALITIES = {"low": "CRITL", "high": "CRITH", "unable-to-assess": "CRITU"}
SEVERITIES = {
    "mild": ("255604002", "Mild"),
    "moderate": ("6736007", "Moderate"),
    "severe": ("24484000", "Severe"),
}
PRIORITIES = {"routine": "R", "urgent": "UR", "asap": "A", "stat": "S"}
PRIORITY_NAMES = {
    "R": "routine",
    "UR": "urgent",
    "A": "ASAP",
    "S": "stat",
    "EL": "elective",
    "EM": "emergency",
}
"""request-priority to v3 ActPriority, and what its codes mean."""

GOAL_PRIORITIES = {
    "high-priority": ("394849002", "High priority"),
    "medium-priority": ("394848005", "Normal priority"),
    "low-priority": ("441808003", "Delayed priority"),
}
"""goal-priority to the Priority Level value set."""

PROBLEM_SEVERITIES = {
    "255604002": "Mild",
    "371923003": "Mild to moderate",
    "6736007": "Moderate",
    "371924009": "Moderate to severe",
    "24484000": "Severe",
    "399166001": "Fatal",
}

REFUSALS = frozenset("IMMUNE MEDPREC OSTOCK PATOBJ PHILISOP RELIG VACEFF VACSAF".split())
SNOMED_REFUSALS = frozenset(
    """171257003 171265000 171266004 171267008 171268003 171269006 171270007 171271006 171272004 171280006
    171283008 171285001 171286000 171291004 171292006 171293001 268559007 310839003 310840001 314768003
    314769006 314936001 407598009""".split()
)
ABSENCE = {
    "unknown": "NI",
    "asked-unknown": "ASKU",
    "temp-unknown": "NAV",
    "not-asked": "NASK",
    "asked-declined": "UNK",
    "masked": "MSK",
    "not-applicable": "NA",
    "unsupported": "NI",
    "as-text": "OTH",
    "error": "NAV",
    "not-a-number": "OTH",
    "negative-infinity": "NINF",
    "positive-infinity": "PINF",
    "not-performed": "NASK",
    "not-permitted": "OTH",
}
"""data-absent-reason to NullFlavor."""
