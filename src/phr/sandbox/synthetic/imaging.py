"""Chest imaging: DiagnosticReport (note exchange) with its words, and the ImagingStudy it reads."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from datetime import datetime, timedelta

from phr.sandbox.synthetic import codes
from phr.sandbox.synthetic.build import Json, concept, number, reference, resource, stamp, zulu
from phr.sandbox.synthetic.organisations import (
    EMERGENCY_DOCTOR,
    PULMONOLOGIST,
    RADIOLOGIST,
    organization,
    practitioner,
)
from phr.sandbox.synthetic.people import TAMSIN
from phr.sandbox.synthetic.visits import ADMISSION

_CT = codes.loinc("24627-2", "CT Chest")
_XRAY = codes.loinc("36643-5", "XR Chest 2 Views")
_RADIOLOGY = codes.loinc("LP29684-5", "Radiology")
_CHEST = codes.snomed("51185008", "Thoracic structure")

# When, what, modality, images, the report: (findings, impression).
_STUDIES = (
    ("2015-04-09T13:30", _CT, "CT", 142,
     "Panlobular emphysema with lower lobe predominance. Airways patent. No nodule. Visualized liver unremarkable.",
     "Lower lobe predominant panlobular emphysema, mild to moderate, in keeping with alpha-1 antitrypsin deficiency."),
    ("2020-11-17T12:10", _XRAY, "DX", 2,
     "Hyperinflated lungs with flattened diaphragms. No consolidation, effusion or pneumothorax.",
     "Hyperinflation. No pneumonia."),
    ("2021-04-13T09:45", _CT, "CT", 156,
     "Panlobular emphysema has progressed in both lower lobes. Mild cylindrical bronchiectasis in the left lower lobe.",
     "Progression of lower lobe emphysema since 2015. New mild bronchiectasis."),
    ("2026-03-24T10:20", _CT, "CT", 160,
     "Panlobular emphysema of the lower lobes without measurable change since 2021. "
     "4 mm solid nodule in the right upper lobe, not seen before.",
     "Emphysema stable on augmentation therapy. 4 mm nodule: no routine follow-up if low risk; optional CT in 12 months."),
)  # fmt: skip


def imaging() -> Iterator[Json]:
    """Each study of Tamsin's chest, then its report."""
    for when, code, modality, images, findings, impression in _STUDIES:
        at = datetime.fromisoformat(when)
        study = _study(at, code, modality, images)
        yield study
        yield _report(at, code, study, findings, impression)


def _encounter(at: datetime) -> Json | None:
    """The radiograph was taken in the emergency department; for the others Tamsin came on her own."""
    return ADMISSION.reference if at.date() == ADMISSION.at.date() else None


def _study(at: datetime, code: codes.Code, modality: str, images: int) -> Json:
    kind = {"CT": "Computed Tomography", "DX": "Digital Radiography"}[modality]
    uid = f"2.999.1.74.{number('study', at.isoformat())}"
    series: Json = {"uid": f"{uid}.1", "number": 1, "modality": {"system": codes.DICOM, "code": modality,
        "display": kind},
                    "numberOfInstances": images, "bodySite": {"system": _CHEST[0], "code": _CHEST[1],
                     "display": _CHEST[2]},
                    "started": stamp(at)}  # fmt: skip
    return resource(
        "ImagingStudy", f"img-{at.date().isoformat()}", at,
        identifier=[{"system": "urn:dicom:uid", "value": f"urn:oid:{uid}"}],
        status="available",
        modality=[{"system": codes.DICOM, "code": modality, "display": kind}],
        subject=TAMSIN.subject,
        encounter=_encounter(at),
        started=stamp(at),
        referrer=practitioner(EMERGENCY_DOCTOR if _encounter(at) else PULMONOLOGIST),
        numberOfSeries=1,
        numberOfInstances=images,
        procedureCode=[concept(code)],
        description=code[2],
        series=[series],
    )  # fmt: skip


def _report(at: datetime, code: codes.Code, study: Json, findings: str, impression: str) -> Json:
    words = f"{code[2]}\n\nFindings: {findings}\n\nImpression: {impression}\n"
    return resource(
        "DiagnosticReport", f"rad-{number('report', at.isoformat())}", at, "us-core-diagnosticreport-note",
        status="final",
        category=[concept(_RADIOLOGY)],
        code=concept(code),
        subject=TAMSIN.subject,
        encounter=_encounter(at),
        effectiveDateTime=stamp(at),
        issued=zulu(at + timedelta(hours=4)),
        performer=[organization("saint-wendeline")],
        resultsInterpreter=[practitioner(RADIOLOGIST)],
        imagingStudy=[reference(f"ImagingStudy/{study['id']}", code[2])],
        conclusion=impression,
        presentedForm=[{
            "contentType": "text/plain; charset=utf-8",
            "data": b64encode(words.encode()).decode(),
            "title": f"Report: {code[2]}",
        }],
    )  # fmt: skip
