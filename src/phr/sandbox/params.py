"""The search parameters of each type, and how a value is compared (FHIR R4 search.html, search parameter registry).

An element may be a choice: `effective` stands for effectiveDateTime, effectivePeriod and so on.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from phr.sandbox import compartment, dates
from phr.sandbox.problems import OutcomeError

# kind:parameter[=element], separated by commas; `patient`, `subject` and `identifier` come by themselves.
_TABLE = """
AllergyIntolerance token:clinical-status=clinicalStatus,verification-status=verificationStatus,category,code,type,criticality date:date=recordedDate,onset
Appointment token:status,service-category=serviceCategory,appointment-type=appointmentType date:date=start
CarePlan token:category,status,intent date:date=period reference:encounter
CareTeam token:category,status date:date=period reference:encounter
Claim token:status,use date:created reference:encounter=item.encounter
Communication token:category,status date:sent,received reference:encounter
Composition token:category,status,type date:date reference:encounter
Condition token:category,code,clinical-status=clinicalStatus,verification-status=verificationStatus,severity date:onset-date=onset,recorded-date=recordedDate,abatement-date=abatement reference:encounter
Consent token:category,status,scope date:date=dateTime
Coverage token:status,type
Device token:type,status
DeviceRequest token:code,status,intent date:authored-on=authoredOn,event-date=occurrence reference:encounter
DiagnosticReport token:category,code,status date:date=effective,issued reference:encounter
DocumentReference token:category,type,status date:date,period=context.period reference:encounter=context.encounter
Encounter token:class,status,type date:date=period reference:part-of=partOf
EpisodeOfCare token:status,type date:date=period
ExplanationOfBenefit token:status date:created reference:encounter=item.encounter
FamilyMemberHistory token:code=condition.code,relationship,status date:date
Flag token:category,code,status date:date=period reference:encounter
Goal token:category,lifecycle-status=lifecycleStatus,achievement-status=achievementStatus date:start-date=start,target-date=target.due
ImagingStudy token:status,modality date:started reference:encounter
Immunization token:status,vaccine-code=vaccineCode date:date=occurrence
List token:code,status date:date reference:encounter
Media token:status,type date:created reference:encounter
Medication token:code,status
MedicationAdministration token:code=medication,status date:effective-time=effective reference:context
MedicationDispense token:code=medication,status date:whenhandedover=whenHandedOver,whenprepared=whenPrepared reference:context
MedicationRequest token:category,code=medication,status,intent date:authoredon=authoredOn,date=dosageInstruction.timing reference:encounter
MedicationStatement token:category,code=medication,status date:effective reference:context
NutritionOrder token:status,intent date:datetime=dateTime reference:encounter
Observation token:category,code,status,combo-code=code|component.code date:date=effective reference:encounter
Patient token:gender,active date:birthdate=birthDate string:name,family=name.family,given=name.given
Procedure token:category,code,status date:date=performed reference:encounter
Provenance token:agent-role=agent.role date:recorded reference:target
QuestionnaireResponse token:status date:authored reference:encounter
RelatedPerson token:relationship,active date:birthdate=birthDate
RiskAssessment token:status date:date=occurrence reference:encounter
ServiceRequest token:category,code,status,intent date:authored=authoredOn,occurrence reference:encounter
Specimen token:type,status date:collected=collection.collected
SupplyDelivery token:status
Task token:code,status,intent date:authored-on=authoredOn,modified=lastModified reference:encounter
"""  # noqa: E501


@dataclass(frozen=True, slots=True)
class Param:
    """One search parameter: its kind (`token`, `date`, `reference` or `string`) and the elements it looks at."""

    kind: str
    elements: tuple[str, ...]

    def matches(self, resource: dict[str, Any], asked: str) -> bool:
        """Whether any of the comma-separated values fits. Raises OutcomeError 400 for an unreadable date."""
        test = _TESTS[self.kind]
        found = [value for element in self.elements for value in _choice(resource, element)]
        return any(test(value, found) for value in _alternatives(asked))


def of(type_: str) -> dict[str, Param]:
    """The parameters of a type beside the common ones (`_id`, `_lastUpdated` …)."""
    known = dict(_PARAMS.get(type_, {}))
    known["identifier"] = Param("token", ("identifier",))
    elements = compartment.ELEMENTS.get(type_, ())
    if elements:
        known["patient"] = Param("reference", elements[:1])
        if elements[0] in ("subject", "for"):
            known["subject"] = known["patient"]
    return known


def _parsed(table: str) -> Iterator[tuple[str, dict[str, Param]]]:
    for line in table.strip().splitlines():
        type_, *groups = line.split()
        known = {}
        for group in groups:
            kind, _, items = group.partition(":")
            for item in items.split(","):
                name, _, elements = item.partition("=")
                known[name] = Param(kind, tuple((elements or name).split("|")))
        yield type_, known


_PARAMS = dict(_parsed(_TABLE))
_CHOICES = ("", "DateTime", "Period", "Instant", "Date", "Timing", "CodeableConcept", "Reference")


def _choice(resource: dict[str, Any], element: str) -> Iterator[Any]:
    for suffix in _CHOICES:
        yield from compartment.values(resource, element + suffix)


def _alternatives(asked: str) -> list[str]:
    """Values of a parameter: a comma means or, `\\,` is a comma."""
    return [re.sub(r"\\([,$|\\])", r"\1", part) for part in re.split(r"(?<!\\),", asked)]


def _token(asked: str, found: list[Any]) -> bool:
    system, bar, code = asked.rpartition("|")
    for has_system, has_code in (pair for value in found for pair in _codings(value)):
        if (not code or code == has_code) and (not bar or (system or None) == has_system):
            return True
    return False


def _codings(value: object) -> Iterator[tuple[str | None, str | None]]:
    """(system, code) pairs of a code, boolean, Coding, CodeableConcept or Identifier."""
    if isinstance(value, bool):
        yield None, str(value).lower()
    elif isinstance(value, str):
        yield None, value
    elif isinstance(value, dict):
        codings = value.get("coding")
        for coding in codings if isinstance(codings, list) else [value]:
            if isinstance(coding, dict):
                yield coding.get("system"), coding.get("code", coding.get("value"))


def _date(asked: str, found: list[Any]) -> bool:
    compare = date_comparison(asked)
    return any(compare(at) for value in found for at in dates.element_intervals(value))


def date_comparison(asked: str) -> Callable[[dates.Interval], bool]:
    """What a date parameter asks. Raises OutcomeError 400 when it cannot be read."""
    compare = dates.comparison(asked)
    if compare is None:
        raise OutcomeError(400, "value", "A date in the search is not a FHIR date with an optional prefix.")
    return compare


def _reference(asked: str, found: list[Any]) -> bool:
    for value in found:
        has = value.get("reference") if isinstance(value, dict) else None
        if isinstance(has, str) and (
            has == asked or has.rpartition("/")[2] == asked or has.endswith("/" + asked)
        ):
            return True
    return False


def _string(asked: str, found: list[Any]) -> bool:
    """Begins like this, without regard to case and accents (search.html#string)."""
    wanted = _plain(asked)
    return any(_plain(word).startswith(wanted) for value in found for word in _words(value))


def _words(value: object) -> Iterator[str]:
    """Every text of a string or a HumanName."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name in ("text", "family", "given", "prefix", "suffix"):
            yield from _words(value.get(name))
    elif isinstance(value, list):
        for one in value:
            yield from _words(one)


def _plain(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in apart if not unicodedata.combining(character))


_TESTS: dict[str, Callable[[str, list[Any]], bool]] = {
    "token": _token,
    "date": _date,
    "reference": _reference,
    "string": _string,
}
