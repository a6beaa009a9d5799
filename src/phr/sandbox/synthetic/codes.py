"""The codes of the synthetic record: systems, and (system, code, display) under a short name.

The check digits of LOINC and SNOMED CT are tested, which catches a slip of the pen but not a wrong choice:
meanings and displays are for people to read, not a terminology to rely on. What had no code that we were sure
of is text in the record, which is also how much real data looks.
"""

from __future__ import annotations

Code = tuple[str, str, str | None]

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
NDC = "http://hl7.org/fhir/sid/ndc"
CVX = "http://hl7.org/fhir/sid/cvx"
CPT = "http://www.ama-assn.org/go/cpt"
HCPCS = "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
NUCC = "http://nucc.org/provider-taxonomy"
UCUM = "http://unitsofmeasure.org"
NPI = "http://hl7.org/fhir/sid/us-npi"
OMB = "urn:oid:2.16.840.1.113883.6.238"
DICOM = "http://dicom.nema.org/resources/ontology/DCM"
_TERMS = "http://terminology.hl7.org/CodeSystem/"


def hl7(system: str, code: str, display: str | None = None) -> Code:
    """A code of terminology.hl7.org, whose systems share one address."""
    return (_TERMS + system, code, display)


def loinc(code: str, display: str) -> Code:
    return (LOINC, code, display)


def snomed(code: str, display: str) -> Code:
    return (SNOMED, code, display)


def icd10(code: str, display: str) -> Code:
    return (ICD10, code, display)


def rxnorm(code: str, display: str) -> Code:
    return (RXNORM, code, display)


def interpretation(flag: str) -> Code:
    """v3-ObservationInterpretation."""
    return hl7("v3-ObservationInterpretation", flag, _FLAGS[flag])


_FLAGS = {
    "N": "Normal",
    "L": "Low",
    "H": "High",
    "LL": "Critical low",
    "HH": "Critical high",
    "A": "Abnormal",
    "NEG": "Negative",
    "POS": "Positive",
}

# ── problems: SNOMED CT first, ICD-10-CM beside it ────────────────────────────────────────────────

PROBLEMS: dict[str, tuple[Code, ...]] = {
    "alpha1": (
        snomed("30188007", "Alpha-1-antitrypsin deficiency"),
        icd10("E88.01", "Alpha-1-antitrypsin deficiency"),
    ),
    "emphysema": (snomed("87433001", "Pulmonary emphysema"), icd10("J43.9", "Emphysema, unspecified")),
    "exacerbation": (
        snomed("195951007", "Acute exacerbation of chronic obstructive airways disease"),
        icd10("J44.1", "Chronic obstructive pulmonary disease with (acute) exacerbation"),
    ),
    "hypertension": (
        snomed("59621000", "Essential hypertension"),
        icd10("I10", "Essential (primary) hypertension"),
    ),
    "hyperlipidemia": (snomed("55822004", "Hyperlipidemia"), icd10("E78.5", "Hyperlipidemia, unspecified")),
    "bronchitis": (snomed("10509002", "Acute bronchitis"), icd10("J20.9", "Acute bronchitis, unspecified")),
    "sinusitis": (snomed("444814009", "Viral sinusitis"),),
    "asthma": (snomed("195967001", "Asthma"), icd10("J45.909", "Unspecified asthma, uncomplicated")),
    "childhood asthma": (
        snomed("233678006", "Childhood asthma"),
        icd10("J45.20", "Mild intermittent asthma, uncomplicated"),
    ),
    "dyspnea": (snomed("267036007", "Dyspnea"), icd10("R06.00", "Dyspnea, unspecified")),
    "otitis": (
        snomed("65363002", "Otitis media"),
        icd10("H66.90", "Otitis media, unspecified, unspecified ear"),
    ),
    "strep throat": (
        snomed("43878008", "Streptococcal sore throat"),
        icd10("J02.0", "Streptococcal pharyngitis"),
    ),
    "diabetes": (
        snomed("44054006", "Diabetes mellitus type 2"),
        icd10("E11.9", "Type 2 diabetes mellitus without complications"),
    ),
    "atrial fibrillation": (
        snomed("49436004", "Atrial fibrillation"),
        icd10("I48.91", "Unspecified atrial fibrillation"),
    ),
    "sleep apnea": (
        snomed("78275009", "Obstructive sleep apnea syndrome"),
        icd10("G47.33", "Obstructive sleep apnea (adult) (pediatric)"),
    ),
    "anemia": (snomed("271737000", "Anemia"), icd10("D64.9", "Anemia, unspecified")),
    "isolation": (snomed("422650009", "Social isolation"),),
}

FINDINGS: dict[str, Code] = {
    "hives": snomed("247472004", "Wheal"),
    "rash": snomed("271807003", "Eruption of skin"),
    "anaphylaxis": snomed("39579001", "Anaphylaxis"),
    "dyspnea": snomed("267036007", "Dyspnea"),
    "cough": snomed("49727002", "Cough"),
}

SUBSTANCES: dict[str, Code] = {
    "penicillin": snomed(
        "373270004", "Substance with penicillin structure and antibacterial mechanism of action"
    ),
    "latex": snomed("111088007", "Latex"),
    "peanut": snomed("762952008", "Peanut"),
    "tree pollen": snomed("419263009", "Allergy to tree pollen"),
}

SMOKING = {
    "former": snomed("8517006", "Ex-smoker"),
    "never": snomed("266919005", "Never smoked tobacco"),
}

# ── encounters ────────────────────────────────────────────────────────────────────────────────────

VISITS: dict[str, Code] = {
    "checkup": snomed("185349003", "Encounter for check up"),
    "problem": snomed("185347001", "Encounter for problem"),
    "followup": snomed("390906007", "Follow-up encounter"),
    "wellchild": snomed("410620009", "Well child visit"),
    "emergency": snomed("50849002", "Emergency room admission"),
    "inpatient": snomed("183452005", "Emergency hospital admission"),
}
AMBULATORY = hl7("v3-ActCode", "AMB", "ambulatory")
VIRTUAL = hl7("v3-ActCode", "VR", "virtual")
EMERGENCY = hl7("v3-ActCode", "EMER", "emergency")
INPATIENT = hl7("v3-ActCode", "IMP", "inpatient encounter")

# ── notes and reports ─────────────────────────────────────────────────────────────────────────────

NOTES: dict[str, Code] = {
    "progress": loinc("11506-3", "Progress note"),
    "discharge": loinc("18842-5", "Discharge summary"),
    "consult": loinc("11488-4", "Consultation note"),
    "summary": loinc("34133-9", "Summary of episode note"),
    "history": loinc("34117-2", "History and physical note"),
    "imaging": loinc("18748-4", "Diagnostic imaging study"),
    "directive": loinc("42348-3", "Advance directives"),
}

ROUTES = {
    "oral": snomed("26643006", "Oral route"),
    "intravenous": snomed("47625008", "Intravenous route"),
    "intramuscular": hl7("v3-RouteOfAdministration", "IM", "Injection, intramuscular"),
    "inhaled": hl7("v3-RouteOfAdministration", "IPINHL", "Inhalation, respiratory"),
}
