"""Entries read in a small document about an invented person, and questions to what was made of them."""

from __future__ import annotations

from typing import Any

from fhir.resources.R4B import get_fhir_model_class

from phr.ccda.read.document import read

T = "2.16.840.1.113883.10.20.22.4"
LOINC, SNOMED = "2.16.840.1.113883.6.1", "2.16.840.1.113883.6.96"

Resource = dict[str, Any]


def made(*entries: str, section: str, narrative: str = "") -> list[Resource]:
    """The resources of the entries of one section (its LOINC code); each has to be valid FHIR."""
    whole = "".join(f"<entry>{entry}</entry>" for entry in entries)
    document = f"""<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
      xmlns:sdtc="urn:hl7-org:sdtc"><id root="1.2.3.4.5.6.7" extension="1"/>
      <recordTarget><patientRole><id root="1.2.3.4.5.6.8" extension="7"/><patient><birthTime value="19500601"/></patient>
      </patientRole></recordTarget>
      <component><structuredBody><component><section><code code="{section}" codeSystem="{LOINC}"/><title>Section</title>
      <text>{narrative}</text>{whole}</section></component></structuredBody></component></ClinicalDocument>"""
    found = read(document.encode()).resources
    for each in found:
        get_fhir_model_class(each["resourceType"]).model_validate(each)
    return found


def of(type_: str, resources: list[Resource]) -> list[Resource]:
    """Those of one type."""
    return [each for each in resources if each["resourceType"] == type_]


def one(type_: str, resources: list[Resource]) -> Resource:
    """The only one of its type."""
    found = of(type_, resources)
    assert len(found) == 1, f"{len(found)} of {type_}"
    return found[0]


def codes(concept: Resource | None) -> list[str]:
    """The codes of a concept."""
    return [each["code"] for each in (concept or {}).get("coding", ())]


class Section:
    """The same questions to single entries of one section; a question may name another section."""

    def __init__(self, code: str) -> None:
        self._code = code

    def made(self, entry: str, section: str | None = None, narrative: str = "") -> list[Resource]:
        """All resources of the entry."""
        return made(entry, section=section or self._code, narrative=narrative)

    def of(self, type_: str, entry: str, section: str | None = None, narrative: str = "") -> list[Resource]:
        """Those of one type."""
        return of(type_, self.made(entry, section, narrative))

    def one(self, type_: str, entry: str, section: str | None = None, narrative: str = "") -> Resource:
        """The only one of its type."""
        return one(type_, self.made(entry, section, narrative))
