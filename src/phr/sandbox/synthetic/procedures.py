"""Procedures, devices and orders: Procedure, Device, ServiceRequest (US Core 6.1)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from phr.sandbox.synthetic import codes
from phr.sandbox.synthetic.build import Json, concept, reference, resource
from phr.sandbox.synthetic.organisations import (
    FAMILY_DOCTOR,
    HOSPITALIST,
    PEDIATRICIAN,
    PULMONOLOGIST,
    organization,
    practitioner,
)
from phr.sandbox.synthetic.people import BARNABY, JUNIPER, ORLO, TAMSIN, Person

_COLONOSCOPY = codes.snomed("73761001", "Colonoscopy")
_BRONCHOSCOPY = codes.snomed("10847001", "Bronchoscopy")
_NEBULIZATION = codes.snomed("56251003", "Nebulizer therapy")

# id, who, code, words, when, by whom, status, note.
_PROCEDURES = (
    ("proc-appendix", TAMSIN, codes.snomed("80146002", "Appendectomy"), "Appendectomy", "1987", None,
     "completed", None),
    ("proc-nebulizer-2020", TAMSIN, _NEBULIZATION, "Nebulizer therapy", "2020-11-18", HOSPITALIST, "completed", None),
    ("proc-bronchoscopy", TAMSIN, _BRONCHOSCOPY, "Bronchoscopy", "2020-11-19", HOSPITALIST, "not-done",
     "Improved without it."),
    ("proc-rehabilitation", TAMSIN, codes.snomed("307374004", "Pulmonary rehabilitation consult"),
     "Pulmonary rehabilitation",
     "2021-01", PULMONOLOGIST, "completed", "Sixteen sessions over eight weeks."),
    ("proc-colonoscopy", TAMSIN, _COLONOSCOPY, "Screening colonoscopy", "2021-11-04", FAMILY_DOCTOR, "completed",
     "Normal. Next in ten years."),
    ("orlo-colonoscopy", ORLO, _COLONOSCOPY, "Screening colonoscopy", "2019-12-12", FAMILY_DOCTOR, "completed",
     "One polyp removed."),
    ("juniper-tubes", JUNIPER, None, "Tympanostomy tubes, both ears", "2014-06", PEDIATRICIAN, "completed", None),
    ("barnaby-cataract", BARNABY, codes.snomed("54885007", "Extraction of cataract"),
     "Cataract surgery, right eye", "2017-03",
     FAMILY_DOCTOR, "completed", None),
)  # fmt: skip


def procedures(person: Person) -> Iterator[Json]:
    """What was done to the person, and once what was not done."""
    for id_, who, code, words, when, by, status, note in _PROCEDURES:
        if who is not person:
            continue
        yield resource(
            "Procedure", id_, date.fromisoformat((when + "-01-01")[:10] if len(when) < 10 else when),
             "us-core-procedure",
            status=status,
            statusReason={"text": note} if status == "not-done" else None,
            code=concept(code, text=words) if code else {"text": words},
            subject=person.subject,
            performedDateTime=when,
            performer=[{"actor": practitioner(by)}] if by else None,
            note=[{"text": note}] if note and status != "not-done" else None,
        )  # fmt: skip


def devices(person: Person) -> Iterator[Json]:
    """What the person carries or keeps at home. The UDIs are of the form, and of no device that was made."""
    if person is TAMSIN:
        yield _device(
            "dev-nebulizer", person, concept(codes.snomed("170615005", "Home nebulizer")),
             "Cloudlet 3 home nebulizer",
            "09999991000017", "2020-12-01", "SN-48210",
        )  # fmt: skip
        port = concept(text="Implanted venous access port")
        yield _device(
            "dev-port", person, port, "Harborline venous port", "09999991000024", "2022-05-03", "HL-77102"
        )
    if person is BARNABY:
        lens = concept(text="Intraocular lens, right eye")
        yield _device(
            "dev-lens", person, lens, "Clearwater 21 D lens", "09999991000031", "2017-03-14", "CW-21-5503"
        )


def _device(id_: str, person: Person, type_: Json, name: str, gtin: str, made: str, serial: str) -> Json:
    return resource(
        "Device", id_, date.fromisoformat(made), "us-core-implantable-device",
        udiCarrier=[{
            "deviceIdentifier": gtin,
            "issuer": "http://hl7.org/fhir/NamingSystem/gs1",
            "carrierHRF": f"(01){gtin}(11){made[2:].replace('-', '')}(21){serial}",
        }],
        status="active",
        manufacturer="Example Devices of Port Ambry",
        manufactureDate=made,
        serialNumber=serial,
        deviceName=[{"name": name, "type": "user-friendly-name"}],
        type=type_,
        patient=person.subject,
    )  # fmt: skip


# Categories of US Core for orders; a referral is its own.
_REFERRAL = codes.snomed("3457005", "Patient referral")
_LABORATORY = codes.snomed("108252007", "Laboratory procedure")
_IMAGING = codes.snomed("363679005", "Imaging")
_EDUCATION = codes.snomed("409073007", "Education")
_DIAGNOSTIC = codes.snomed("103693007", "Diagnostic procedure")

# id, who, category, code, words, status, authored, by whom, performed by, reason (Condition).
_ORDERS = (
    ("sr-pulmonology", TAMSIN, _REFERRAL, _REFERRAL, "Referral to pulmonology", "completed", "2015-02-24",
     FAMILY_DOCTOR,
     "larkfield", "prob-emphysema"),
    ("sr-rehabilitation", TAMSIN, _EDUCATION, codes.snomed("307374004", "Pulmonary rehabilitation consult"),
     "Pulmonary rehabilitation", "completed", "2020-12-01", FAMILY_DOCTOR, "larkfield", "prob-emphysema"),
    ("sr-infusions", TAMSIN, _REFERRAL, _REFERRAL, "Weekly alpha-1 augmentation at infusion center", "active",
     "2021-05-18",
     PULMONOLOGIST, "northmere", "prob-alpha1"),
    ("sr-ct-2027", TAMSIN, _IMAGING, codes.loinc("24627-2", "CT Chest"),
     "CT Chest, nodule follow-up in 12 months", "active",
     "2026-03-31", PULMONOLOGIST, "saint-wendeline", "prob-emphysema"),
    ("sr-afp", TAMSIN, _LABORATORY, codes.loinc("1834-1", "Alpha-1-Fetoprotein [Mass/volume] in Serum or Plasma"),
     "Alpha-fetoprotein", "active", "2026-09-22", FAMILY_DOCTOR, "pinebrook", "prob-alpha1"),
    ("orlo-sleep-study", ORLO, _DIAGNOSTIC, None, "Home sleep apnea test", "completed", "2023-02-07", FAMILY_DOCTOR,
     "saint-wendeline", None),
    ("juniper-aat", JUNIPER, _LABORATORY, codes.loinc("1825-9",
     "Alpha 1 antitrypsin [Mass/volume] in Serum or Plasma"),
     "Alpha-1 antitrypsin level and phenotype", "draft", "2026-07-21", PEDIATRICIAN, "pinebrook", None),
)  # fmt: skip


def requests(person: Person) -> Iterator[Json]:
    """Referrals and orders; two wait for their result."""
    for id_, who, category, code, words, status, authored, by, performer, reason in _ORDERS:
        if who is not person:
            continue
        yield resource(
            "ServiceRequest", id_, date.fromisoformat(authored), "us-core-servicerequest",
            status=status,
            intent="order",
            category=[concept(category)],
            code=concept(code, text=words) if code else {"text": words},
            subject=person.subject,
            occurrenceDateTime="2027-03" if id_ == "sr-ct-2027" else None,
            authoredOn=authored,
            requester=practitioner(by),
            performer=[organization(performer)],
            reasonReference=[reference(f"Condition/{reason}")] if reason else None,
        )  # fmt: skip
