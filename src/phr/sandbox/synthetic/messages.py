"""What goes between the family and the clinic: Appointment, Communication, Task."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from phr.sandbox.synthetic.build import Json, guid, reference, resource, stamp, zulu
from phr.sandbox.synthetic.organisations import (
    CLINICIANS,
    FAMILY_DOCTOR,
    NURSE,
    PEDIATRICIAN,
    PULMONOLOGIST,
    location,
    practitioner,
)
from phr.sandbox.synthetic.people import BARNABY, JUNIPER, ORLO, TAMSIN, Person

# Who, with whom, when, minutes, what, status.
_APPOINTMENTS = (
    (TAMSIN, PULMONOLOGIST, "2026-03-17T10:00", 45, "Yearly lung review", "fulfilled"),
    (TAMSIN, FAMILY_DOCTOR, "2025-04-08T11:00", 20, "Blood pressure check", "noshow"),
    (TAMSIN, NURSE, "2026-11-02T09:30", 60, "Prolastin-C infusion", "booked"),
    (TAMSIN, PULMONOLOGIST, "2027-03-16T10:00", 45, "Yearly lung review", "booked"),
    (JUNIPER, PEDIATRICIAN, "2026-11-17T16:00", 20, "Asthma review", "booked"),
    (BARNABY, FAMILY_DOCTOR, "2026-12-08T11:00", 20, "INR and A1c", "booked"),
)


def appointments(person: Person) -> Iterator[Json]:
    """Past and booked appointments; times are instants, as FHIR demands here."""
    for who, clinician, when, minutes, what, status in _APPOINTMENTS:
        if who is not person:
            continue
        at = datetime.fromisoformat(when)
        accepted = {"status": "accepted"}
        yield resource(
            "Appointment", f"apt-{at.date().isoformat()}-{person.given[0].lower()}", date(2026, 9, 22),
            status=status,
            description=what,
            start=zulu(at),
            end=zulu(at + timedelta(minutes=minutes)),
            minutesDuration=minutes,
            participant=[
                {"actor": person.subject, **accepted},
                {"actor": practitioner(clinician), **accepted},
                {"actor": location(CLINICIANS[clinician].place), **accepted},
            ],
        )  # fmt: skip


# Who, the clinician, from the patient, when, subject line, words.
_MESSAGES = (
    (TAMSIN, FAMILY_DOCTOR, True, "2018-02-08T20:41", "Cough",
     "Since the new blood pressure pill I cough all night. Is that from it?"),
    (TAMSIN, FAMILY_DOCTOR, False, "2018-02-09T08:12", "Re: Cough",
     "It can be. Please stop lisinopril and come on Tuesday."),
    (TAMSIN, PULMONOLOGIST, False, "2021-05-20T17:30", "Infusions approved",
     "Your plan has approved Prolastin-C. Northmere will call you for a first appointment on June 7."),
    (TAMSIN, PULMONOLOGIST, True, "2024-02-05T18:05", "Yellow sputum",
     "More breathless since Saturday and the sputum turned yellow."),
    (TAMSIN, PULMONOLOGIST, False, "2024-02-06T07:50", "Re: Yellow sputum",
     "I have sent five days of prednisone to your pharmacy. Call if you are not better by Friday."),
    (TAMSIN, FAMILY_DOCTOR, False, "2026-09-24T12:15", "Your results",
     "Your liver tests are as they were last year. AFP is still to be drawn."),
    (JUNIPER, PEDIATRICIAN, False, "2026-07-22T09:00", "Testing",
     "As her mother has alpha-1, we suggest one blood test at the next visit."),
    (ORLO, FAMILY_DOCTOR, True, "2023-03-15T19:00", "Sleep test", "What does the number 22 on my sleep test mean?"),
    (BARNABY, FAMILY_DOCTOR, False, "2026-04-16T10:30", "INR",
     "INR is in range. Same dose, next test in four weeks."),
)  # fmt: skip


def messages(person: Person) -> Iterator[Json]:
    """Secure messages; an answer names the message that it answers."""
    before: str | None = None
    for who, clinician, from_patient, when, subject, words in _MESSAGES:
        if who is not person:
            continue
        at = datetime.fromisoformat(when)
        id_ = guid("message", person.id, when)
        sender, recipient = person.subject, practitioner(clinician)
        if not from_patient:
            sender, recipient = recipient, sender
        answers = [reference(f"Communication/{before}")] if before and subject.startswith("Re: ") else None
        yield resource(
            "Communication", id_, at,
            inResponseTo=answers,
            status="completed",
            subject=person.subject,
            topic={"text": subject},
            sent=stamp(at),
            received=stamp(at + timedelta(minutes=1)),
            sender=sender,
            recipient=[recipient],
            payload=[{"contentString": words}],
        )  # fmt: skip
        before = id_


# id, who, what, status, since, owner.
_TASKS = (
    ("task-flu-2026", TAMSIN, "Get the flu vaccine before winter", "requested", "2026-09-22", None),
    ("task-afp-2026", TAMSIN, "Have blood drawn for alpha-fetoprotein", "requested", "2026-09-22", "sr-afp"),
    (
        "task-diary-2021",
        TAMSIN,
        "Keep a symptom diary until the first infusion",
        "completed",
        "2021-05-18",
        None,
    ),
    ("task-form-2026", JUNIPER, "Sign the school inhaler form", "requested", "2026-08-25", None),
)


def tasks(person: Person) -> Iterator[Json]:
    """What the clinic asked the person to do."""
    for id_, who, what, status, since, focus in _TASKS:
        if who is person:
            task = resource(
                "Task", id_, date.fromisoformat(since),
                status=status,
                intent="order",
                priority="routine",
                description=what,
                focus=reference(f"ServiceRequest/{focus}") if focus else None,
                authoredOn=since,
                requester=practitioner(person.doctor),
                owner=person.subject,
            )  # fmt: skip
            task["for"] = person.subject
            yield task
