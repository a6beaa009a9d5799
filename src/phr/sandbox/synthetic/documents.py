"""Clinical notes: DocumentReference (US Core 6.1), inline or with their Binary, and Provenance for some.

Every way in which notes come is here once: plain text inside the resource, HTML inside, a PDF and a C-CDA
document behind a Binary.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from datetime import date, datetime, timedelta

from phr.sandbox.synthetic import codes
from phr.sandbox.synthetic.build import Json, concept, guid, period, reference, resource, zulu
from phr.sandbox.synthetic.ccda import discharge_summary
from phr.sandbox.synthetic.organisations import (
    CLINICIANS,
    FAMILY_DOCTOR,
    HOSPITALIST,
    PULMONOLOGIST,
    organization,
    practitioner,
)
from phr.sandbox.synthetic.pdf import page
from phr.sandbox.synthetic.people import TAMSIN, Person
from phr.sandbox.synthetic.visits import STAY, Visit, visits

_NOTE = (
    "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category",
    "clinical-note",
    "Clinical Note",
)
_CCD_FORMAT = {"system": "http://ihe.net/fhir/ihe.formatcode.fhir/CodeSystem/formatcode",
               "code": "urn:hl7-org:sdwg:ccda-structuredBody:2.1",
                "display": "C-CDA Structured Body Document"}  # fmt: skip

# By visit: what the clinician wrote.
PROGRESS = {
    "dyspnea-2015": "43-year-old, 12 pack-years, stopped 2009. Short of breath on one flight of stairs. "
    "Father has emphysema, mother died of it at 61. Spirometry obstructive. "
    "Plan: refer to pulmonology, alpha-1 antitrypsin level.",
    "cough-2018": "Dry cough since lisinopril, worse at night. Lungs as before. "
    "Plan: stop lisinopril, start amlodipine 5 mg.",
    "telehealth-2020": "By video. Breathing stable, isolating at home. Inhaler technique reviewed on camera. No change.",
    "discharge-2020": "One week after discharge. Breathless on level ground, sputum clear. Saturation 92 % at rest. "
    "Plan: add budesonide-formoterol, nebulizer at home, pulmonary rehabilitation.",
    "lungs-2021": "FEV1 has fallen by more than 10 % within a year. Level 27 mg/dL a year ago, phenotype ZZ, "
    "FEV1 64 % of predicted: meets criteria for augmentation. CT ordered.",
    "augmentation-2021": "CT shows progression. Benefits and risks of Prolastin-C 60 mg/kg weekly discussed, IgA normal. "
    "Patient wants to start; first infusion on June 7.",
    "lungs-2024": "Stable on augmentation: FEV1 1.65 L, trough level above 57 mg/dL. "
    "One exacerbation in February, treated at home.",
    "lungs-2026": "FEV1 loss some 20 to 40 mL a year since 2021. CT next week. Continue weekly infusions.",
}  # fmt: skip

_DISCHARGE = (
    "Patient: Tamsin Quillfeather    Born: April 17, 1971    Record: QF-100271",
    "Admitted: November 17, 2020     Discharged: November 22, 2020 (5 days)",
    "",
    "Diagnosis: acute exacerbation of chronic obstructive pulmonary disease (J44.1)",
    "with emphysema due to alpha-1 antitrypsin deficiency, phenotype ZZ.",
    "",
    "Course: three days of worsening dyspnea and purulent sputum. Saturation 88 % on room air.",
    "Chest radiograph without pneumonia. SARS-CoV-2 not detected. Oxygen 2 L/min for three days,",
    "prednisone 40 mg daily, azithromycin, albuterol by nebulizer. Walking on the ward from day 3.",
    "",
    "Medications at discharge:",
    "   prednisone 20 mg, 2 tablets once daily until November 27",
    "   azithromycin 250 mg, 1 tablet daily until November 27",
    "   tiotropium 18 mcg once daily; albuterol 2 puffs as needed; amlodipine 5 mg once daily",
    "",
    "Allergies: penicillin (hives).",
    "Follow-up: Dr. Marrowby on December 1. Pulmonary function test in spring.",
    "",
    "Sunniva Tarrowgate, MD, Saint Wendeline Hospital",
)
_DIRECTIVE = (
    "I, Tamsin Quillfeather, name my husband Orlo Quillfeather as my health care agent.",
    "If I cannot speak for myself, I want treatment that may bring me back to my own home.",
    "I do not want a breathing machine for longer than fourteen days without hope of recovery.",
    "",
    "Harrowfield, June 14, 2022                      Tamsin Quillfeather",
)
_CONSULT = (
    "<html><body><h1>Pulmonology consultation</h1><p>Thank you for sending <b>Ms. Quillfeather</b>.</p>"
    "<ul><li>FEV1 2.24 L (79 % of predicted), no reversibility</li><li>Alpha-1 antitrypsin 26 mg/dL, phenotype ZZ</li></ul>"
    "<p>Emphysema due to severe alpha-1 antitrypsin deficiency. Tiotropium started; vaccinate against hepatitis A and B; "
    "yearly liver tests; test her brother and her child.</p><p>Ignatius Penhallow, MD</p></body></html>"
)


def note(visit: Visit) -> Iterator[Json]:
    """The progress note of a visit, as plain text inside the resource, if one was written."""
    words = PROGRESS.get(visit.key)
    if words:
        text = f"{visit.reason}\n\n{words}\n\n{CLINICIANS[visit.who].name}\n"
        yield _document(
            guid("note", visit.key),
            visit,
            "progress",
            visit.reason,
            _inline("text/plain; charset=utf-8", text.encode()),
        )


def documents(person: Person) -> Iterator[Json]:
    """What is more than a progress note: consultation, discharge papers, directive; each Binary first."""
    if person is not TAMSIN:
        return
    found = {visit.key: visit for visit in visits(person, 1)}
    yield _document(
        "doc-consult-2015",
        found["lungs-2015"],
        "consult",
        "Pulmonology consultation",
        _inline("text/html", _CONSULT.encode()),
    )
    pdf = page("Saint Wendeline Hospital: Discharge Summary", _DISCHARGE)
    yield _binary("bin-discharge-2020", "application/pdf", pdf, STAY.at)
    yield _document("doc-discharge-2020", STAY, "discharge", "Discharge summary",
                    _attached("bin-discharge-2020", "application/pdf", len(pdf)))  # fmt: skip
    ccd = discharge_summary()
    yield _binary("bin-ccd-2020", "application/xml", ccd, STAY.at)
    summary = _document("doc-ccd-2020", STAY, "summary", "Summary of hospital stay",
                        _attached("bin-ccd-2020", "application/xml", len(ccd)))  # fmt: skip
    summary["content"][0]["format"] = _CCD_FORMAT
    yield summary
    yield from _directive(person)


def provenance(person: Person) -> Iterator[Json]:
    """Who wrote two of the papers, and that one came from another organisation."""
    if person is not TAMSIN:
        return
    for target, who, where in (
        ("DocumentReference/doc-ccd-2020", HOSPITALIST, "saint-wendeline"),
        ("DocumentReference/doc-consult-2015", PULMONOLOGIST, "larkfield"),
        ("Condition/prob-alpha1", FAMILY_DOCTOR, "harrow-valley"),
    ):
        author = codes.hl7("provenance-participant-type", "author", "Author")
        yield resource(
            "Provenance", f"prov-{target.split('/')[1]}", date(2020, 11, 23), "us-core-provenance",
            target=[reference(target)],
            recorded=zulu(datetime(2020, 11, 23, 3, 0)),  # noqa: DTZ001
            agent=[{"type": concept(author), "who": practitioner(who), "onBehalfOf": organization(where)}],
        )  # fmt: skip


def _directive(person: Person) -> Iterator[Json]:
    pdf = page("Advance directive", _DIRECTIVE)
    at = datetime(2022, 6, 14, 14, 0)  # noqa: DTZ001
    yield _binary("bin-directive", "application/pdf", pdf, at)
    yield resource(
        "DocumentReference", f"doc-directive-{person.id}", at, "us-core-documentreference",
        identifier=[{"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{guid('directive')}"}],
        status="current",
        type=concept(codes.NOTES["directive"]),
        category=[concept(codes.NOTES["directive"])],
        subject=person.subject,
        date=zulu(at),
        author=[person.subject],
        content=[_attached("bin-directive", "application/pdf", len(pdf), "Advance directive, signed")],
    )  # fmt: skip


def _document(id_: str, visit: Visit, kind: str, title: str, content: Json) -> Json:
    content["attachment"].setdefault("title", title)
    written = visit.at + timedelta(minutes=visit.minutes)
    return resource(
        "DocumentReference", id_, written, "us-core-documentreference",
        identifier=[{"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{guid('document', id_)}"}],
        status="current",
        docStatus="final",
        type=concept(codes.NOTES[kind]),
        category=[concept(_NOTE)],
        subject=visit.person.subject,
        date=zulu(written),
        author=[practitioner(visit.who)],
        custodian=organization(visit.place),
        description=title,
        content=[content],
        context={"encounter": [visit.reference], "period": period(visit.at, visit.minutes)},
    )  # fmt: skip


def _inline(media_type: str, data: bytes) -> Json:
    return {"attachment": {"contentType": media_type, "data": b64encode(data).decode()}}


def _attached(binary: str, media_type: str, size: int, title: str | None = None) -> Json:
    attachment: Json = {"contentType": media_type, "url": f"Binary/{binary}", "size": size}
    if title:
        attachment["title"] = title
    return {"attachment": attachment}


def _binary(id_: str, media_type: str, data: bytes, at: datetime) -> Json:
    return resource("Binary", id_, at, contentType=media_type, data=b64encode(data).decode())
