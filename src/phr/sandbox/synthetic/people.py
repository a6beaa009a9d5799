"""The four of the family: Patient (US Core 6.1), RelatedPerson, FamilyMemberHistory.

Everything that is true of a person for life stands in the table `FAMILY`; the other files look it up there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from phr.sandbox.synthetic import codes
from phr.sandbox.synthetic.build import US_CORE, Json, concept, guid, reference, resource
from phr.sandbox.synthetic.organisations import FAMILY_DOCTOR, PEDIATRICIAN, organization, practitioner

HTEST: codes.Code = ("http://terminology.hl7.org/CodeSystem/v3-ActReason", "HTEST", "test health data")


@dataclass(frozen=True, slots=True)
class Person:
    """One of the family: who they are, and the numbers around which their measurements lie."""

    id: str
    given: tuple[str, ...]
    family: str
    gender: str
    birth: date
    mrn: str
    marital: str
    race: tuple[str, str]
    doctor: str
    smoking: str
    pressure: tuple[int, int]
    pulse: int
    saturation: float
    weight: float
    height: float
    """kg and cm: in adult life, or at the last visit for a child."""

    @property
    def name(self) -> str:
        return f"{self.given[0]} {self.family}"

    @property
    def subject(self) -> Json:
        return reference(f"Patient/{self.id}", self.name)

    def age(self, day: date) -> float:
        """Years, with their fraction, on that day."""
        return (day - self.birth).days / 365.25


_WHITE, _BLACK = ("2106-3", "White"), ("2054-5", "Black or African American")

TAMSIN = Person("tamsin-quillfeather", ("Tamsin", "Aurelia"), "Quillfeather", "female", date(1971, 4, 17),
                "QF-100271", "M", _WHITE, FAMILY_DOCTOR, "former", (136, 84), 76, 95.5, 68.4, 168.0)  # fmt: skip
ORLO = Person("orlo-quillfeather", ("Orlo",), "Quillfeather", "male", date(1969, 11, 2),
              "QF-100272", "M", _BLACK, FAMILY_DOCTOR, "never", (127, 80), 68, 97.5, 86.0, 181.0)  # fmt: skip
JUNIPER = Person("juniper-quillfeather", ("Juniper", "Wren"), "Quillfeather", "female", date(2011, 6, 28),
                 "QF-100273", "S", _WHITE, PEDIATRICIAN, "never", (108, 66), 78, 98.5, 54.0, 163.0)  # fmt: skip
BARNABY = Person("barnaby-larkspindle", ("Barnaby", "Thaddeus"), "Larkspindle", "male", date(1943, 2, 9),
                 "QF-100274", "W", _WHITE, FAMILY_DOCTOR, "former", (142, 78), 74, 94.5, 77.0, 173.0)  # fmt: skip

FAMILY = (TAMSIN, ORLO, JUNIPER, BARNABY)

_MARITAL = {"M": "Married", "S": "Never Married", "W": "Widowed"}
_MRN = codes.hl7("v2-0203", "MR", "Medical Record Number")


def patient(person: Person) -> Json:
    """The Patient, marked as test data for whoever meets the file outside of its sandbox."""
    phone = f"802-555-01{70 + FAMILY.index(person)}"
    built = resource(
        "Patient", person.id, date(2026, 1, 12), "us-core-patient",
        extension=_extensions(person),
        identifier=[{"use": "usual", "type": concept(_MRN), "system": "urn:oid:2.999.1.71", "value": person.mrn}],
        active=True,
        name=_names(person),
        telecom=[
            {"system": "phone", "value": phone, "use": "mobile"},
            {"system": "email", "value": f"{person.given[0].lower()}@quillfeather.example"},
        ],
        gender=person.gender,
        birthDate=person.birth.isoformat(),
        address=_addresses(person),
        maritalStatus=concept(codes.hl7("v3-MaritalStatus", person.marital, _MARITAL[person.marital])),
        contact=[_contact(person)],
        communication=[{"language": concept(("urn:ietf:bcp:47", "en-US", "English (United States)")),
            "preferred": True}],
        generalPractitioner=[practitioner(person.doctor)],
        managingOrganization=organization("harrow-valley"),
    )  # fmt: skip
    built["meta"]["tag"] = [{"system": HTEST[0], "code": HTEST[1], "display": HTEST[2]}]
    return built


def _extensions(person: Person) -> list[Json]:
    code, display = person.race
    identity = codes.snomed("446151000124109", "Identifies as male gender")
    if person.gender == "female":
        identity = codes.snomed("446141000124107", "Identifies as female gender")
    return [
        _omb("us-core-race", code, display),
        _omb("us-core-ethnicity", "2186-5", "Not Hispanic or Latino"),
        {"url": US_CORE + "us-core-birthsex", "valueCode": "F" if person.gender == "female" else "M"},
        {"url": US_CORE + "us-core-genderIdentity", "valueCodeableConcept": concept(identity)},
    ]


def _omb(name: str, code: str, display: str) -> Json:
    category = {"system": codes.OMB, "code": code, "display": display}
    parts: list[Json] = [
        {"url": "ombCategory", "valueCoding": category},
        {"url": "text", "valueString": display},
    ]
    return {"url": US_CORE + name, "extension": parts}


def _names(person: Person) -> list[Json]:
    names: list[Json] = [{"use": "official", "family": person.family, "given": list(person.given)}]
    if person is TAMSIN:
        names[0]["period"] = {"start": "1998-09"}
        names.append(
            {
                "use": "maiden",
                "family": "Larkspindle",
                "given": ["Tamsin", "Aurelia"],
                "period": {"end": "1998-09"},
            }
        )
    return names


def _addresses(person: Person) -> list[Json]:
    line = "18 Cooper's Rise" if person is BARNABY else "5 Thistledown Lane"
    home: Json = {"use": "home", "type": "both", "line": [line], "city": "Harrowfield", "state": "VT",
                  "postalCode": "05999", "country": "US", "period": {"start": "2012"}}  # fmt: skip
    if person is not TAMSIN:
        return [home]
    old: Json = {"use": "old", "line": ["231 Gasworks Street", "Apt 4"], "city": "Port Ambry", "state": "VT",
                 "postalCode": "05998", "country": "US", "period": {"start": "1999", "end": "2012"}}  # fmt: skip
    return [home, old]


def _contact(person: Person) -> Json:
    nearest, role = {
        TAMSIN.id: (ORLO, ("N", "Next-of-Kin")),
        ORLO.id: (TAMSIN, ("N", "Next-of-Kin")),
        JUNIPER.id: (TAMSIN, ("C", "Emergency Contact")),
        BARNABY.id: (TAMSIN, ("C", "Emergency Contact")),
    }[person.id]
    return {
        "relationship": [concept(codes.hl7("v2-0131", *role))],
        "name": {"family": nearest.family, "given": [nearest.given[0]]},
        "telecom": [{"system": "phone", "value": f"802-555-01{70 + FAMILY.index(nearest)}", "use": "mobile"}],
    }


# ── who is who to whom ────────────────────────────────────────────────────────────────────────────

_SPOUSE, _MOTHER, _DAUGHTER = ("SPS", "spouse"), ("MTH", "mother"), ("DAUC", "daughter")
_RELATED = (
    (TAMSIN, ORLO, _SPOUSE),
    (ORLO, TAMSIN, _SPOUSE),
    (JUNIPER, TAMSIN, _MOTHER),
    (BARNABY, TAMSIN, _DAUGHTER),
)


def related(person: Person) -> Iterator[Json]:
    """The RelatedPerson through whom the clinic may reach the family."""
    for patient_, other, role in _RELATED:
        if patient_ is person:
            yield resource(
                "RelatedPerson", f"{other.given[0].lower()}-for-{person.given[0].lower()}", date(2020, 1, 6),
                "us-core-relatedperson",
                active=True,
                patient=person.subject,
                relationship=[concept(codes.hl7("v3-RoleCode", *role))],
                name=[{"use": "official", "family": other.family, "given": list(other.given)}],
                telecom=[{"system": "phone", "value": f"802-555-01{70 + FAMILY.index(other)}", "use": "mobile"}],
                gender=other.gender,
            )  # fmt: skip


_FATHER, _BROTHER = ("FTH", "father"), ("BRO", "brother")
_MATERNAL = ("MGRFTH", "maternal grandfather")
# Whose history, which relative, sex, born, died at (None: living), what they had, since which age, in words.
_HISTORY = (
    (TAMSIN, _FATHER, "male", "1943", None, (("emphysema", 62),), "Former smoker. Alpha-1 phenotype MZ."),
    (TAMSIN, _MOTHER, "female", "1946", 61, (("alpha1", None), ("emphysema", 48)),
     "Phenotype never tested; presumed ZZ."),
    (TAMSIN, _BROTHER, "male", "1974", None, (("alpha1", 41),), "Phenotype ZZ, found by family screening in 2015."),
    (JUNIPER, _MOTHER, "female", "1971-04-17", None, (("alpha1", 43), ("emphysema", 43)), "Phenotype ZZ."),
    (JUNIPER, _MATERNAL, "male", "1943", None, (("diabetes", 66), ("atrial fibrillation", 74)), "Phenotype MZ."),
    (ORLO, _FATHER, "male", "1940", 72, (("hypertension", 50),), None),
    (BARNABY, _MOTHER, "female", "1915", 88, (("diabetes", 70),), None),
)  # fmt: skip


def history(person: Person) -> Iterator[Json]:
    """FamilyMemberHistory, which is why anyone thought of a hereditary disease."""
    for whose, role, sex, born, died, problems, words in _HISTORY:
        if whose is not person:
            continue
        conditions: list[Json] = []
        for problem, age in problems:
            condition: Json = {"code": concept(*codes.PROBLEMS[problem])}
            if age is not None:
                condition["onsetAge"] = {"value": age, "unit": "years", "system": codes.UCUM, "code": "a"}
            conditions.append(condition)
        yield resource(
            "FamilyMemberHistory", guid("history", person.id, role[0]), date(2019, 5, 20),
            status="completed",
            patient=person.subject,
            date="2015-03" if person is TAMSIN else "2019-05-20",
            relationship=concept(codes.hl7("v3-RoleCode", *role)),
            sex=concept(("http://hl7.org/fhir/administrative-gender", sex, sex.capitalize())),
            bornDate=born,
            deceasedBoolean=False if died is None else None,
            deceasedAge=died and {"value": died, "unit": "years", "system": codes.UCUM, "code": "a"},
            note=words and [{"text": words}],
            condition=conditions,
        )  # fmt: skip
