"""Immunization (US Core 6.1) with CVX codes; one was not given, with its reason."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from phr.sandbox.synthetic import codes
from phr.sandbox.synthetic.build import Json, concept, guid, quantity, reference, resource
from phr.sandbox.synthetic.organisations import CLINICIANS, location, practitioner
from phr.sandbox.synthetic.people import BARNABY, JUNIPER, ORLO, TAMSIN, Person

VACCINES = {
    "flu": ("140", "Influenza, seasonal, injectable, preservative free"),
    "flu quadrivalent": ("150", "Influenza, injectable, quadrivalent, preservative free"),
    "pneumo 23": ("33", "pneumococcal polysaccharide PPV23"),
    "pneumo 13": ("133", "Pneumococcal conjugate PCV 13"),
    "hep ab": ("104", "Hep A-Hep B"),
    "tdap": ("115", "Tdap"),
    "td": ("113", "Td (adult), 5 Lf tetanus toxoid, preservative free, adsorbed"),
    "zoster": ("187", "zoster recombinant"),
    "covid": ("208", "COVID-19, mRNA, LNP-S, PF, 30 mcg/0.3 mL dose"),
    "covid 2023": ("309", "COVID-19, mRNA, LNP-S, PF, tris-sucrose, 30 mcg/0.3 mL"),
    "covid any": ("213", "SARS-COV-2 (COVID-19) vaccine, UNSPECIFIED"),
    "dtap": ("20", "DTaP"),
    "polio": ("10", "IPV"),
    "mmr": ("03", "MMR"),
    "varicella": ("21", "varicella"),
    "hep b child": ("08", "Hep B, adolescent or pediatric"),
    "meningitis": ("114", "meningococcal MCV4P"),
}

_T, _O, _J, _B = TAMSIN, ORLO, JUNIPER, BARNABY
# Who, which vaccine, when (some sources know no more than the month), lot.
_GIVEN = (
    (_T, "tdap", "2011-08", None),
    (_T, "hep ab", "2015-04-28", "AHABC201"), (_T, "hep ab", "2015-05-26", "AHABC204"), (_T, "hep ab",
     "2015-10-27", "AHABC233"),
    (_T, "pneumo 13", "2015-04-28", "M07712"), (_T, "pneumo 23", "2016-09-20", "R010241"), (_T, "pneumo 23",
     "2021-09-21", "S024118"),
    (_T, "flu quadrivalent", "2015-10-13", "UI451AB"), (_T, "flu quadrivalent", "2016-10-11", "UI622AA"),
    (_T, "flu quadrivalent", "2017-10-10", "UI788AC"), (_T, "flu quadrivalent", "2018-10-09", "UT6342KA"),
    (_T, "flu quadrivalent", "2019-10-08", "UT6721LA"), (_T, "flu quadrivalent", "2020-10-06", "UJ501AA"),
    (_T, "flu quadrivalent", "2021-10-12", "UJ712AB"), (_T, "flu quadrivalent", "2022-10-11", "UT7706NA"),
    (_T, "flu quadrivalent", "2023-10-10", "UT8011CA"), (_T, "flu", "2024-10-08", "U8412AA"), (_T, "flu",
     "2025-10-14", "U8803BA"),
    (_T, "covid", "2021-03-30", "ER8737"), (_T, "covid", "2021-04-20", "EW0164"), (_T, "covid", "2021-11-16",
     "FH8028"),
    (_T, "covid 2023", "2023-10-24", "HD9866"), (_T, "zoster", "2022-01-11", "N4X29"), (_T, "zoster",
     "2022-04-12", "7B33L"),
    (_T, "td", "2021-09-21", "A135A"),
    (_O, "covid", "2021-04-06", "ER8734"), (_O, "covid", "2021-04-27", "EW0170"), (_O, "flu", "2024-10-08",
     "U8412AA"),
    (_O, "tdap", "2017-10-10", "C5303AA"), (_O, "zoster", "2020-10-13", "47G92"), (_O, "zoster", "2021-01-12",
     "9MH3K"),
    (_J, "hep b child", "2011-06-29", None), (_J, "hep b child", "2011-08-30", "AHBVC1"), (_J, "hep b child",
     "2011-12-29", "AHBVC4"),
    (_J, "dtap", "2011-08-30", "AC21B"), (_J, "dtap", "2011-10-25", "AC21B"), (_J, "dtap", "2011-12-29", "AC22A"),
    (_J, "polio", "2011-08-30", "G0391"), (_J, "polio", "2011-10-25", "G0391"), (_J, "polio", "2015-07", None),
    (_J, "mmr", "2012-07-03", "0988AA"), (_J, "mmr", "2015-07", None), (_J, "varicella", "2012-07-03", "1022Z"),
    (_J, "varicella", "2016-07-12", "L019823"), (_J, "tdap", "2022-07-19", "C5841AA"), (_J, "meningitis",
     "2022-07-19", "U6621AA"),
    (_B, "pneumo 23", "2008", None), (_B, "pneumo 13", "2016-04-05", "N22310"), (_B, "flu", "2024-10-01", "U8409AA"),
    (_B, "covid", "2021-02-02", "EL9262"), (_B, "covid", "2021-02-23", "EN6201"), (_B, "flu", "2025-10-07",
     "U8801AA"),
)  # fmt: skip


def immunizations(person: Person) -> Iterator[Json]:
    """The person's vaccinations in the order of the table."""
    for who, vaccine, when, lot in _GIVEN:
        if who is person:
            yield _given(person, vaccine, when, lot)
    if person is TAMSIN:
        yield _refused(person)


def _given(person: Person, vaccine: str, when: str, lot: str | None) -> Json:
    return resource(
        "Immunization", guid("immunization", person.id, vaccine, when), _day(when), "us-core-immunization",
        status="completed",
        vaccineCode=concept((codes.CVX, *VACCINES[vaccine])),
        patient=person.subject,
        occurrenceDateTime=when,
        primarySource=lot is not None,
        reportOrigin=None if lot else concept(codes.hl7("immunization-origin", "record", "Written Record")),
        location=location(CLINICIANS[person.doctor].place) if lot else None,
        lotNumber=lot,
        site=concept(codes.hl7("v3-ActSite", "LA", "left arm")) if lot else None,
        route=concept(codes.ROUTES["intramuscular"]) if lot else None,
        doseQuantity=quantity(0.5, "mL") if lot else None,
        performer=[_performer(person)] if lot else None,
    )  # fmt: skip


def _performer(person: Person) -> Json:
    return {
        "function": concept(codes.hl7("v2-0443", "AP", "Administering Provider")),
        "actor": practitioner(person.doctor),
    }


def _refused(person: Person) -> Json:
    return resource(
        "Immunization", guid("immunization", person.id, "refused"), date(2022, 10, 11), "us-core-immunization",
        status="not-done",
        statusReason=concept(codes.hl7("v3-ActReason", "PATOBJ", "patient objection")),
        vaccineCode=concept((codes.CVX, *VACCINES["covid any"])),
        patient=person.subject,
        occurrenceDateTime="2022-10-11",
        primarySource=True,
        performer=[{"actor": reference(f"Practitioner/{person.doctor}")}],
        note=[{"text": "Prefers to wait until after the winter."}],
    )  # fmt: skip


def _day(when: str) -> date:
    return date.fromisoformat((when + "-01-01")[:10] if len(when) == 4 else (when + "-01")[:10])
