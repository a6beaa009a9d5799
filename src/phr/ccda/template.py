"""The types of document that can be written: what each is called, and which sections it has to have.

Follows C-CDA R2.1, Continuity of Care Document (2.16.840.1.113883.10.20.22.1.2) and Referral Note (…1.14).
"""

from __future__ import annotations

from dataclasses import dataclass

NOT_CHOSEN = "This section was not chosen for this document. That says nothing about what the record holds: ask for it."
"""What a section says that the template demands and the person did not choose."""


@dataclass(frozen=True, slots=True)
class Template:
    """A type of document: what it is called and which sections it has to have."""

    name: str
    title: str
    code: str
    """LOINC, with the name that LOINC gives it."""
    display: str
    number: str
    dates: tuple[str | None, ...]
    required: tuple[str, ...]
    """LOINC codes of sections that stand even without information."""
    referral: bool = False
    """Whether it says to whom the patient is sent, and why."""


CCD = Template(
    "ccd",
    "Continuity of Care Document",
    "34133-9",
    "Summarization of Episode Note",
    "1.2",
    (None, "2015-08-01"),
    ("48765-2", "10160-0", "11450-4", "30954-2", "29762-2", "8716-3"),
)
REFERRAL_NOTE = Template(
    "referral-note",
    "Referral Note",
    "57133-1",
    "Referral note",
    "1.14",
    ("2015-08-01",),  # the template is younger than C-CDA R1.1
    ("48765-2", "10160-0", "11450-4", "18776-5", "51848-0"),
    referral=True,
)
TEMPLATES = {each.name: each for each in (CCD, REFERRAL_NOTE)}
