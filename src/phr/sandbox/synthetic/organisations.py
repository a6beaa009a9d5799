"""Who cares for the family and where: Organization, Location, Practitioner, PractitionerRole (US Core 6.1).

All names are invented, all telephone numbers are of the range kept for fiction, and no NPI begins with 1 or 2,
so that none can belong to anyone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from phr.sandbox.synthetic import codes
from phr.sandbox.synthetic.build import Json, concept, reference, resource

_SINCE = date(2014, 9, 30)


@dataclass(frozen=True, slots=True)
class Place:
    """An organisation and the one site of it that the family knows."""

    id: str
    name: str
    npi: str
    kind: tuple[str, str]
    street: str
    city: str
    phone: str
    site: str
    """What the site's Location is called."""


PLACES = {
    place.id: place
    for place in (
        Place("harrow-valley", "Harrow Valley Family Medicine", "9941300011", ("prov", "Healthcare Provider"),
              "12 Millrace Road", "Harrowfield", "802-555-0110", "Harrow Valley Family Medicine, Suite 2"),
        Place("saint-wendeline", "Saint Wendeline Hospital", "9941300029", ("prov", "Healthcare Provider"),
              "400 Wendeline Way", "Port Ambry", "802-555-0120", "Saint Wendeline Hospital, Ward 5 West"),
        Place("larkfield", "Larkfield Pulmonary Associates", "9941300037", ("prov", "Healthcare Provider"),
              "77 Orchard Terrace", "Port Ambry", "802-555-0130", "Larkfield Pulmonary Clinic"),
        Place("northmere", "Northmere Infusion Center", "9941300045", ("prov", "Healthcare Provider"),
              "9 Quay Street", "Port Ambry", "802-555-0140", "Northmere Infusion Center, Room 3"),
        Place("pinebrook", "Pinebrook Clinical Laboratory", "9941300052", ("prov", "Healthcare Provider"),
              "210 Assay Lane", "Harrowfield", "802-555-0150", "Pinebrook Draw Station"),
        Place("blue-lantern", "Blue Lantern Health Plan", "9941300060", ("pay", "Payer"),
              "1 Lantern Plaza", "Montfield", "802-555-0160", "Blue Lantern Member Services"),
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Clinician:
    """A practitioner and the role in which the family meets them."""

    id: str
    given: str
    family: str
    suffix: str
    npi: str
    place: str
    role: codes.Code
    specialty: str

    @property
    def name(self) -> str:
        return f"{self.given} {self.family}, {self.suffix}"


def _nucc(code: str, display: str) -> codes.Code:
    return (codes.NUCC, code, display)


CLINICIANS = {
    clinician.id: clinician
    for clinician in (
        Clinician("1004417", "Odette", "Marrowby", "MD", "9941300078", "harrow-valley",
                  _nucc("207Q00000X", "Family Medicine Physician"), "Family Medicine"),
        Clinician("1004581", "Ignatius", "Penhallow", "MD", "9941300086", "larkfield",
                  _nucc("207RP1001X", "Pulmonary Disease Physician"), "Pulmonary Disease"),
        Clinician("1005220", "Sunniva", "Tarrowgate", "MD", "9941300094", "saint-wendeline",
                  _nucc("208M00000X", "Hospitalist Physician"), "Hospital Medicine"),
        Clinician("1005733", "Lucan", "Brightwater", "RN", "9941300102", "northmere",
                  _nucc("163W00000X", "Registered Nurse"), "Infusion Nursing"),
        Clinician("1006048", "Philippa", "Ostrander-Quill", "MD", "9941300110", "saint-wendeline",
                  _nucc("2085R0202X", "Diagnostic Radiology Physician"), "Diagnostic Radiology"),
        Clinician("1006402", "Cosmo", "Feathergill", "MD", "9941300128", "harrow-valley",
                  _nucc("208000000X", "Pediatrics Physician"), "Pediatrics"),
        Clinician("1006915", "Rosamund", "Yarrowell", "DO", "9941300136", "saint-wendeline",
                  _nucc("207P00000X", "Emergency Medicine Physician"), "Emergency Medicine"),
    )
}  # fmt: skip

FAMILY_DOCTOR, PULMONOLOGIST, HOSPITALIST, NURSE, RADIOLOGIST, PEDIATRICIAN, EMERGENCY_DOCTOR = CLINICIANS


def organization(id_: str) -> Json:
    """A reference to the organisation of that id, with its name."""
    return reference(f"Organization/{id_}", PLACES[id_].name)


def location(place: str) -> Json:
    """A reference to the place's site, with its name."""
    return reference(f"Location/{place}-site", PLACES[place].site)


def practitioner(id_: str) -> Json:
    """A reference to the practitioner of that id, with their name."""
    return reference(f"Practitioner/{id_}", CLINICIANS[id_].name)


def everyone() -> Iterator[Json]:
    """All supporting resources of the care side, each before those that point at it."""
    for place in PLACES.values():
        yield _organization(place)
        yield _site(place)
    for clinician in CLINICIANS.values():
        yield _practitioner(clinician)
        yield _role(clinician)


def _npi(value: str) -> list[Json]:
    return [{"system": codes.NPI, "value": value}]


def _phone(number: str) -> list[Json]:
    return [{"system": "phone", "value": number, "use": "work"}]


def _address(place: Place) -> Json:
    return {"line": [place.street], "city": place.city, "state": "VT", "postalCode": "05999", "country": "US"}


def _organization(place: Place) -> Json:
    return resource(
        "Organization", place.id, _SINCE, "us-core-organization",
        identifier=_npi(place.npi),
        active=True,
        type=[concept(codes.hl7("organization-type", *place.kind))],
        name=place.name,
        telecom=_phone(place.phone),
        address=[_address(place)],
    )  # fmt: skip


def _site(place: Place) -> Json:
    return resource(
        "Location", f"{place.id}-site", _SINCE, "us-core-location",
        status="active",
        name=place.site,
        telecom=_phone(place.phone),
        address=_address(place),
        managingOrganization=organization(place.id),
    )  # fmt: skip


def _practitioner(clinician: Clinician) -> Json:
    name = {
        "use": "official",
        "family": clinician.family,
        "given": [clinician.given],
        "suffix": [clinician.suffix],
    }
    return resource(
        "Practitioner", clinician.id, _SINCE, "us-core-practitioner",
        identifier=_npi(clinician.npi),
        active=True,
        name=[name],
        telecom=_phone(PLACES[clinician.place].phone),
        address=[_address(PLACES[clinician.place])],
    )  # fmt: skip


def _role(clinician: Clinician) -> Json:
    return resource(
        "PractitionerRole", f"role-{clinician.id}", _SINCE, "us-core-practitionerrole",
        active=True,
        practitioner=practitioner(clinician.id),
        organization=organization(clinician.place),
        code=[concept(codes.hl7("practitioner-role", "doctor" if clinician.suffix != "RN" else "nurse"))],
        specialty=[concept(clinician.role, text=clinician.specialty)],
        location=[location(clinician.place)],
        telecom=_phone(PLACES[clinician.place].phone),
    )  # fmt: skip
