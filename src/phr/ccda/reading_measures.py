"""Tables for reading observations: what a section or a template says that the statement itself does not.

Categories follow US Core; template and LOINC codes are those of C-CDA R2.1, its Companion Guide and the eICR
guide. The writing direction of the same facts is in `phr.ccda.measures` and the writers of the sections.
"""

from __future__ import annotations

_HL7 = "http://terminology.hl7.org/CodeSystem"
CATEGORY = f"{_HL7}/observation-category"
US_CORE_CATEGORY = "http://hl7.org/fhir/us/core/CodeSystem/us-core-category"

LABORATORY = (CATEGORY, "laboratory", "Laboratory")
IMAGING = (CATEGORY, "imaging", "Imaging")
VITAL_SIGNS = (CATEGORY, "vital-signs", "Vital Signs")
SOCIAL_HISTORY = (CATEGORY, "social-history", "Social History")
SURVEY = (CATEGORY, "survey", "Survey")
EXAM = (CATEGORY, "exam", "Exam")
PROCEDURE = (CATEGORY, "procedure", "Procedure")
FUNCTIONAL = (US_CORE_CATEGORY, "functional-status", "Functional Status")
COGNITIVE = (US_CORE_CATEGORY, "cognitive-status", "Cognitive Status")

SECTION_CATEGORIES = {
    "30954-2": LABORATORY,
    "26436-6": LABORATORY,
    "18748-4": IMAGING,
    "8716-3": VITAL_SIGNS,
    "29762-2": SOCIAL_HISTORY,
    "47420-5": FUNCTIONAL,
    "10190-7": COGNITIVE,
    "29545-1": EXAM,
    "47519-4": PROCEDURE,
}
"""LOINC code of a section to the category of the Observations in it."""

LABORATORY_SECTIONS = (
    "18717-9 18718-7 18719-5 18720-3 18721-1 18722-9 18723-7 18724-5 18725-2 18727-8 18728-6 18729-4 18767-4"
    " 18768-2 18769-0 26435-8 26436-6 26437-4 26438-2 27898-6 22634-0 56846-9"
).split()
"""LOINC codes of the Laboratory Specialty Sections (IHE PaLM XD-LAB)."""

RESULT_STATUSES = {
    "completed": "final",
    "active": "registered",
    "held": "registered",
    "new": "registered",
    "suspended": "registered",
    "aborted": "cancelled",
    "cancelled": "cancelled",
    "canceled": "cancelled",
    "final": "final",
    "nullified": "entered-in-error",
}
"""ActStatus to the status of an Observation or DiagnosticReport (C-CDA on FHIR)."""

TEMPLATE_CODES = {
    "2.16.840.1.113883.10.20.22.4.78": ("http://loinc.org", "72166-2", "Tobacco smoking status"),
    "2.16.840.1.113883.10.22.4.78": ("http://loinc.org", "72166-2", "Tobacco smoking status"),
    "2.16.840.1.113883.10.20.22.4.85": ("http://loinc.org", "11367-0", "History of tobacco use"),
    "2.16.840.1.113883.10.20.15.3.8": ("http://loinc.org", "82810-3", "Pregnancy status"),
    "2.16.840.1.113883.10.20.22.4.293": ("http://loinc.org", "82810-3", "Pregnancy status"),
    "2.16.840.1.113883.10.20.15.3.1": ("http://loinc.org", "11778-8", "Delivery date Estimated"),
    "2.16.840.1.113883.10.20.22.4.281": ("http://loinc.org", "86645-9", "Pregnancy intention"),
    "2.16.840.1.113883.10.20.22.4.200": ("http://loinc.org", "76689-9", "Sex assigned at birth"),
    "2.16.840.1.113883.10.20.22.4.507": ("http://loinc.org", "46098-0", "Sex"),
    "2.16.840.1.113883.10.20.34.3.45": ("http://loinc.org", "76691-5", "Gender identity"),
    "2.16.840.1.113883.10.20.22.4.501": ("http://loinc.org", "76690-7", "Sexual orientation"),
    "2.16.840.1.113883.10.20.22.4.503": ("http://loinc.org", "11341-5", "History of Occupation"),
    "2.16.840.1.113883.10.20.22.4.504": ("http://loinc.org", "86188-0", "History of Occupation industry"),
    "2.16.840.1.113883.10.20.22.4.505": ("http://loinc.org", "89571-4", "Disability status"),
    "2.16.840.1.113883.10.20.22.4.506": ("http://loinc.org", "95370-3", "Tribal affiliation"),
    "2.16.840.1.113883.10.20.22.4.67": ("http://loinc.org", "54522-8", "Functional status"),
    "2.16.840.1.113883.10.20.22.4.68": ("http://loinc.org", "54522-8", "Functional status"),
    "2.16.840.1.113883.10.20.22.4.73": ("http://loinc.org", "75275-8", "Cognitive function"),
    "2.16.840.1.113883.10.20.22.4.74": ("http://loinc.org", "75275-8", "Cognitive function"),
    "2.16.840.1.113883.10.20.22.4.75": ("http://loinc.org", "75275-8", "Cognitive function"),
    "2.16.840.1.113883.10.20.22.4.128": (None, None, "Self-care activities"),
    "2.16.840.1.113883.10.20.22.4.127": (None, None, "Sensory status"),
    "2.16.840.1.113883.10.20.22.4.124": ("http://loinc.org", "75305-3", "Nutrition status"),
}
"""What an observation is about whose own code is null or only says ASSERTION."""

IMAGING_WORDS = (
    r"\b(x-?ray|radiolog|radiograph|ultraso|sonogra|mammogra|tomogra|imaging|mri\b|fluoroscop|dexa\b|densitometr"
    r"|angiogra|echocardiogra|scintigra)"
)
IMAGING_PREFIXES = ("XR ", "CT ", "MR ", "MRI ", "US ", "MG ", "NM ", "RF ", "DXA ", "PET ", "XA ")
"""How the names of imaging studies are told: LOINC puts the method first."""

DEVICE_UDI = "2.16.840.1.113883.3.3719"
SUPPLY_STATUSES = {
    "completed": "completed",
    "active": "active",
    "aborted": "stopped",
    "cancelled": "stopped",
    "suspended": "on-hold",
    "held": "on-hold",
    "nullified": "entered-in-error",
    "new": "intended",
}
"""ActStatus to DeviceUseStatement.status."""
DEVICE_STATUSES = {"C45329": "active", "C154407": "inactive", "55561003": "active", "73425007": "inactive"}
"""Implantable Device Status (NCI Thesaurus) to Device.status."""
REQUEST_STATUSES = {
    "active": "active",
    "new": "draft",
    "held": "on-hold",
    "suspended": "on-hold",
    "completed": "completed",
    "aborted": "revoked",
    "cancelled": "revoked",
    "obsolete": "revoked",
    "nullified": "entered-in-error",
}
INTENTS = {
    "RQO": "order",
    "INT": "plan",
    "PRP": "proposal",
    "PRMS": "plan",
    "ARQ": "proposal",
    "APT": "order",
}
GOAL_STATUSES = {
    "active": "active",
    "new": "proposed",
    "completed": "completed",
    "aborted": "cancelled",
    "cancelled": "cancelled",
    "suspended": "on-hold",
    "held": "on-hold",
    "nullified": "entered-in-error",
}
PROCEDURE_STATUSES = {
    "active": "in-progress",
    "completed": "completed",
    "aborted": "stopped",
    "cancelled": "not-done",
    "suspended": "on-hold",
    "held": "on-hold",
    "new": "preparation",
    "nullified": "entered-in-error",
}
