"""Which resources of a handover are about another person than the one whose record it is."""

from __future__ import annotations

from phr.ccda.desk import Desk
from phr.exporters.chapters import addressed
from phr.fhir import read

_SUBJECTS = ("subject", "patient", "beneficiary")
_URN = "urn:uuid:"


class Others:
    """The Patients of a record who are somebody else (see `Desk.is_another`), and what is about them."""

    def __init__(self, desk: Desk) -> None:
        found = [entry for entry in desk.index.entries if entry.type == "Patient" and desk.is_another(entry)]
        self._patients = {addressed(one) for one in found} | {f"{_URN}{one.id}" for one in found}

    def have(self, full_url: str, raw: bytes) -> bool:
        """Whether this resource is one of them, or about one."""
        if not self._patients:
            return False
        if full_url in self._patients:
            return True
        try:
            resource = read.parse_json(raw)
        except ValueError:
            return False
        if not isinstance(resource, dict):
            return False
        for key in _SUBJECTS:
            target = read.first(resource.get(key))
            said = read.text(target.get("reference")) if isinstance(target, dict) else None
            if said and self._named(said, full_url):
                return True
        return False

    def _named(self, said: str, full_url: str) -> bool:
        """A relative reference means the server of the resource that it stands in (FHIR R4 2.36.4.1)."""
        if ":" in said.partition("/")[0]:
            return said in self._patients
        base = full_url.rsplit("/", 2)[0]
        return f"{base}/{read.reference(said)}" in self._patients
