"""Illnesses, symptoms, allergies, and those of the family (FHIR R4 9.1 to 9.4)."""

from __future__ import annotations

from typing import Any

from phr.workspace.own.told import HL7, Told, coded, listed, person, text

Json = dict[str, Any]
_RELATIONS = {
    "mother": "MTH", "father": "FTH", "parent": "PRN", "sister": "SIS", "brother": "BRO", "sibling": "SIB",
    "daughter": "DAU", "son": "SON", "child": "CHILD", "aunt": "AUNT", "uncle": "UNCLE", "cousin": "COUSN",
    "grandmother": "GRMTH", "grandfather": "GRFTH", "grandparent": "GRPRN", "niece": "NIECE", "nephew": "NEPHEW",
    "maternal grandmother": "MGRMTH", "maternal grandfather": "MGRFTH", "paternal grandmother": "PGRMTH",
    "paternal grandfather": "PGRFTH", "maternal aunt": "MAUNT", "paternal aunt": "PAUNT", "maternal uncle": "MUNCLE",
    "paternal uncle": "PUNCLE", "half-sister": "HSIS", "half-brother": "HBRO", "twin": "TWIN", "grandson": "GRNDSON",
    "granddaughter": "GRNDDAU", "grandchild": "GRNDCHILD", "stepmother": "STPMTH", "stepfather": "STPFTH",
    "husband": "HUSB", "wife": "WIFE", "spouse": "SPS",
}  # fmt: skip
"""v3-RoleCode, PersonalRelationshipRoleType."""
_SHORT = {"mom": "mother", "mum": "mother", "mama": "mother", "dad": "father", "papa": "father", "grandma": "grandmother",
          "grandpa": "grandfather", "granny": "grandmother"}  # fmt: skip
_OVER = ("inactive", "remission", "resolved")


def problem(told: Told, subject: Json) -> Json:
    """A Condition of the problem list; a symptom is a health concern, which is what the person says, not a diagnosis."""
    symptom = told.kind.name == "symptom"
    end = told.get("resolved")
    status = told.get("status") or ("resolved" if end else None if symptom else "active")
    return {
        "resourceType": "Condition",
        "clinicalStatus": coded("condition-clinical", status),
        "category": listed(_concern() if symptom else coded("condition-category", "problem-list-item")),
        "severity": text(told.get("severity")),
        "code": told.concept(),
        "bodySite": listed(text(told.get("body_site"))),
        "subject": subject,
        "encounter": told.encounter(),
        "onsetDateTime": told.get("date"),
        # an abatement implies that it is over (con-4)
        "abatementDateTime": end if end and status in _OVER else None,
        "asserter": person(told.get("by")),
        "evidence": [{"detail": [one.reference() for one in told.about]}] if told.about else None,
        "note": told.notes(),
    }


def _concern() -> Json:
    """US Core's category for what others than the providers say."""
    system = "http://hl7.org/fhir/us/core/CodeSystem/condition-category"
    return {"coding": [{"system": system, "code": "health-concern", "display": "Health Concern"}]}


def allergy(told: Told, subject: Json) -> Json:
    """An AllergyIntolerance. What kind of substance it is, is said or left open."""
    reactions = told.many("reaction")
    severity = told.get("severity")
    category = told.get("category")
    return {
        "resourceType": "AllergyIntolerance",
        "clinicalStatus": coded("allergyintolerance-clinical", told.get("status") or "active"),
        "category": [category] if category else None,
        "criticality": told.get("criticality"),
        "code": told.concept(),
        "patient": subject,
        "encounter": told.encounter(),
        "onsetDateTime": told.get("date"),
        "asserter": person(told.get("by")),
        "note": told.notes(f"Severity: {severity}" if severity and not reactions else None),
        "reaction": [
            {
                "manifestation": [{"text": one} for one in reactions],
                **({"severity": severity} if severity else {}),
            }
        ]
        if reactions
        else None,
    }


def family(told: Told, subject: Json) -> Json:
    """A FamilyMemberHistory: one illness of one relative."""
    said = told.get("relation") or ""
    name = " ".join(said.lower().replace("my ", "").split())
    code = _RELATIONS.get(_SHORT.get(name, name))
    age = told.get("age")
    coding = [{"system": f"{HL7}/v3-RoleCode", "code": code}] if code else None
    return {
        "resourceType": "FamilyMemberHistory",
        "status": told.get("status") or "partial",
        "patient": subject,
        "date": told.get("date"),
        "relationship": {**({"coding": coding} if coding else {}), "text": said},
        "deceasedBoolean": True if told.yes("deceased") else None,
        "note": told.notes(),
        "condition": [
            {
                "code": told.concept(),
                **(
                    {
                        "onsetAge": {
                            "value": int(age), "unit": "years", "system": "http://unitsofmeasure.org", "code": "a",
                        }
                    }
                    if age
                    else {}
                ),
            }
        ],
    }  # fmt: skip
