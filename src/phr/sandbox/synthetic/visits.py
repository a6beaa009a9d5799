"""When the family saw whom: one table of visits, from which encounters, vital signs, tests and notes follow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from phr.sandbox.synthetic import codes
from phr.sandbox.synthetic.build import Json, copies, number, reference
from phr.sandbox.synthetic.organisations import (
    CLINICIANS,
    EMERGENCY_DOCTOR,
    FAMILY_DOCTOR,
    HOSPITALIST,
    PEDIATRICIAN,
    PULMONOLOGIST,
)
from phr.sandbox.synthetic.people import BARNABY, JUNIPER, ORLO, TAMSIN, Person

Words = tuple[str, ...]

CHECKUP: Words = ("pressure", "pulse", "saturation", "weight", "bmi")
LUNGS: Words = ("saturation",)
SICK: Words = ("pressure", "pulse", "saturation", "temperature", "breathing")
GROWTH: Words = ("height", "weight", "bmi", "pulse")
FULL: Words = ("hepatic", "metabolic", "blood count", "lipid", "a1c")


@dataclass(frozen=True, slots=True)
class Visit:
    """One meeting of a person with a clinician, and what was measured there."""

    key: str
    person: Person
    at: datetime
    minutes: int
    type: str
    """A key of `codes.VISITS`."""
    who: str
    reason: str
    vitals: Words = ()
    panels: Words = ()
    diagnosis: str | None = None
    """A key of `codes.PROBLEMS`: an encounter diagnosis. Such a visit happens once, whatever the scale."""
    setting: codes.Code = codes.AMBULATORY
    copy: bool = False
    """One of those that a scale above 1 adds: its numbers may stray from what the notes tell."""

    @property
    def id(self) -> str:
        return number("encounter", self.key)

    @property
    def reference(self) -> Json:
        """The encounter without a display, as most systems refer to it."""
        return reference(f"Encounter/{self.id}")

    @property
    def place(self) -> str:
        return CLINICIANS[self.who].place

    @property
    def acute(self) -> bool:
        return "temperature" in self.vitals and self.person is not JUNIPER


def visits(person: Person, scale: int) -> Iterator[Visit]:
    """The person's visits, oldest first; what has no diagnosis of its own is repeated `scale` times."""
    for visit in _TABLES[person.id]:
        for suffix, later in copies(1 if visit.diagnosis else scale):
            yield replace(visit, key=visit.key + suffix, at=visit.at + later, copy=True) if suffix else visit


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _checkup(text: str) -> Visit:
    """Tamsin's yearly examination. The liver is looked at each year, as the Z protein stays in its cells."""
    year = int(text[:4])
    vitals = (*CHECKUP, "height") if year in {2015, 2020, 2026} else ("pressure", "pulse", "weight")
    panels = FULL if year % 4 == 3 else ("hepatic",)
    return Visit(
        f"checkup-{year}", TAMSIN, _at(text), 30, "checkup", FAMILY_DOCTOR, "Annual physical", vitals, panels
    )


def _lungs(text: str) -> Visit:
    return Visit(f"lungs-{text[:4]}", TAMSIN, _at(text), 45, "followup", PULMONOLOGIST,
                 "Alpha-1 antitrypsin deficiency with emphysema, yearly review", LUNGS)  # fmt: skip


_CHECKUPS = (
    "2015-09-15T08:30", "2016-09-20T08:30", "2017-09-19T09:00", "2018-09-18T08:30", "2019-09-24T08:15",
    "2020-09-22T08:30", "2021-09-21T08:30", "2022-09-20T08:45", "2023-09-19T08:30", "2024-09-24T08:30",
    "2025-09-23T08:30", "2026-09-22T08:30",
)  # fmt: skip
LUNG_REVIEWS = (
    "2015-03-24T10:00", "2016-03-22T10:00", "2017-03-21T10:30", "2018-03-20T10:00", "2019-03-19T10:00",
    "2020-02-25T10:00", "2021-03-16T09:00", "2022-03-22T10:00", "2023-03-21T10:15", "2024-03-19T10:00",
    "2025-03-18T10:00", "2026-03-17T10:00",
)  # fmt: skip

STAY = Visit("stay-2020", TAMSIN, _at("2020-11-17T16:40"), 5 * 24 * 60, "inpatient", HOSPITALIST,
             "Acute exacerbation of chronic obstructive pulmonary disease", SICK,
             ("acute", "culture"), "exacerbation", codes.INPATIENT)  # fmt: skip
"""Five days in November 2020, after which her lungs were never as before."""

ADMISSION = Visit("emergency-2020", TAMSIN, _at("2020-11-17T11:05"), 335, "emergency", EMERGENCY_DOCTOR,
                  "Worsening dyspnea and purulent sputum for three days", SICK,
                  ("covid",), "exacerbation", codes.EMERGENCY)  # fmt: skip
"""The emergency department, hours before the stay."""

_TAMSIN = sorted(
    (
        Visit("dyspnea-2015", TAMSIN, _at("2015-02-10T14:00"), 30, "problem", FAMILY_DOCTOR,
              "Shortness of breath on stairs for a year", CHECKUP, (), "dyspnea"),
        Visit("emergency-2018", TAMSIN, _at("2018-01-14T19:20"), 210, "emergency", EMERGENCY_DOCTOR,
              "Cough, fever and wheeze", SICK, ("acute",), "bronchitis", codes.EMERGENCY),
        Visit("cough-2018", TAMSIN, _at("2018-02-13T11:00"), 20, "problem", FAMILY_DOCTOR,
              "Dry cough since lisinopril", ("pressure",)),
        Visit("sinusitis-2019", TAMSIN, _at("2019-06-05T16:00"), 20, "problem", FAMILY_DOCTOR,
              "Facial pressure and congestion", ("temperature", "pulse"), (), "sinusitis"),
        Visit("telehealth-2020", TAMSIN, _at("2020-04-14T13:00"), 20, "followup", FAMILY_DOCTOR,
              "Medication review by video", setting=codes.VIRTUAL),
        ADMISSION,
        STAY,
        Visit("discharge-2020", TAMSIN, _at("2020-12-01T10:00"), 30, "followup", FAMILY_DOCTOR,
              "After hospital stay", SICK[:3]),
        Visit("augmentation-2021", TAMSIN, _at("2021-05-18T15:00"), 45, "followup", PULMONOLOGIST,
              "Decision on augmentation therapy", LUNGS, ("iga",)),
        *map(_checkup, _CHECKUPS),
        *map(_lungs, LUNG_REVIEWS),
    ),
    key=lambda visit: visit.at,
)  # fmt: skip

_ORLO = (
    Visit("orlo-2017", ORLO, _at("2017-10-10T09:00"), 30, "checkup", FAMILY_DOCTOR, "Annual physical", CHECKUP,
        ("lipid",)),
    Visit("orlo-2020", ORLO, _at("2020-10-13T09:00"), 30, "checkup", FAMILY_DOCTOR, "Annual physical", CHECKUP),
    Visit("orlo-2022", ORLO, _at("2022-10-11T09:00"), 30, "checkup", FAMILY_DOCTOR, "Annual physical", CHECKUP,
        ("lipid",)),
    Visit("orlo-snoring-2023", ORLO, _at("2023-02-07T15:30"), 30, "problem", FAMILY_DOCTOR,
        "Loud snoring, daytime sleepiness",
          ("pressure", "weight"), (), "sleep apnea"),
    Visit("orlo-2025", ORLO, _at("2025-10-14T09:00"), 30, "checkup", FAMILY_DOCTOR, "Annual physical",
          (*CHECKUP, "height"), ("lipid", "a1c")),
)  # fmt: skip

_JUNIPER = (
    Visit("juniper-2011", JUNIPER, _at("2011-12-29T10:00"), 20, "wellchild", PEDIATRICIAN, "6 month visit",
        GROWTH[:2]),
    Visit("juniper-2013", JUNIPER, _at("2013-07-02T10:00"), 20, "wellchild", PEDIATRICIAN, "2 year visit",
        GROWTH[:2]),
    Visit("juniper-ear-2014", JUNIPER, _at("2014-02-18T17:10"), 20, "problem", PEDIATRICIAN, "Ear pain",
        ("temperature",), (), "otitis"),
    Visit("juniper-2016", JUNIPER, _at("2016-07-12T10:00"), 20, "wellchild", PEDIATRICIAN, "5 year visit", GROWTH),
    Visit("juniper-wheeze-2018", JUNIPER, _at("2018-05-08T16:20"), 30, "problem", PEDIATRICIAN,
        "Wheeze after running",
          ("pulse", "saturation", "breathing"), (), "childhood asthma"),
    Visit("juniper-strep-2019", JUNIPER, _at("2019-01-22T16:00"), 20, "problem", PEDIATRICIAN,
        "Sore throat and fever",
          ("temperature", "pulse"), ("strep",), "strep throat"),
    Visit("juniper-2022", JUNIPER, _at("2022-07-19T10:00"), 30, "wellchild", PEDIATRICIAN, "11 year visit",
        (*GROWTH, "pressure")),
    Visit("juniper-2026", JUNIPER, _at("2026-07-21T10:00"), 30, "wellchild", PEDIATRICIAN, "15 year visit",
        (*GROWTH, "pressure")),
)  # fmt: skip

_BARNABY = (
    Visit("barnaby-2019", BARNABY, _at("2019-04-09T11:00"), 30, "checkup", FAMILY_DOCTOR, "Annual physical",
        CHECKUP, ("a1c",)),
    Visit("barnaby-flutter-2021", BARNABY, _at("2021-08-03T13:30"), 240, "emergency", EMERGENCY_DOCTOR,
          "Palpitations and fatigue", SICK[:3], (), "atrial fibrillation", codes.EMERGENCY),
    Visit("barnaby-2024", BARNABY, _at("2024-04-16T11:00"), 30, "checkup", FAMILY_DOCTOR, "Annual physical", CHECKUP,
          ("a1c", "inr", "kidney", "urine")),
    Visit("barnaby-2026", BARNABY, _at("2026-04-14T11:00"), 30, "checkup", FAMILY_DOCTOR, "Annual physical",
          (*CHECKUP, "height"), ("metabolic", "a1c", "inr", "kidney")),
)  # fmt: skip

_TABLES = {TAMSIN.id: tuple(_TAMSIN), ORLO.id: _ORLO, JUNIPER.id: _JUNIPER, BARNABY.id: _BARNABY}
