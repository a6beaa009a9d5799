"""Whose record it is, where the sign-in did not say: the only patient, or the one of this name and birth date.

Nobody is ever listed: a server that shows several people shows people who did not ask for it.
"""

from __future__ import annotations

from contextlib import suppress
from itertools import islice
from typing import Any

from phr.errors import FhirError, PhrError, SignInError, UsageError
from phr.fhir import outcome, read
from phr.fhir.client import FhirClient
from phr.model import Connection, Search, Token, Vendor
from phr.smart import identity, jwt

_MOST_PAGES = 3
"""Pages of a search for one patient; a server could send them without end."""
_ENOUGH = 200
"""Patients looked at when a server answers with more than were asked for."""
_LONGEST = 120
"""Letters of a name or an id from a server that are said to a person."""


def only_patient(client: FhirClient, *, signed_in: bool = True) -> str:
    """The one patient that can be seen. Raises SignInError (after a sign-in) or UsageError."""
    found: set[str] = set()
    with suppress(FhirError):
        search = Search("Patient", (), "the sign-in named no patient")
        for page in islice(client.search(search, 2), _MOST_PAGES):
            found |= {one.id for one in page.received if one.type == "Patient"}
            if len(found) > 1:
                break
    if len(found) == 1:
        return found.pop()
    if signed_in:
        raise SignInError(
            "The provider did not say whose record this sign-in is for.",
            hint="Give the patient's FHIR id: --patient ID",
        )
    raise UsageError(
        "This server shows several patients." if found else "This server shows no patient.",
        hint='Say whose record it is: --patient ID, or --patient-name "GIVEN FAMILY" --birth-date 1970-12-31',
    )


def by_name(client: FhirClient, name: str, birth_date: str) -> str:
    """The one patient of this name, born on this day (FHIR R4 Patient search parameters).

    Servers differ in which parameters they know, and some leave out those they do not: every answer is checked here.
    Raises UsageError that says how many there are, and names nobody.
    """
    words = name.split()
    born = ("birthdate", birth_date)
    given = tuple(("given", word) for word in words[:-1])
    ways: tuple[tuple[tuple[str, str], ...], ...] = (
        (("family", words[-1]), *given, born),
        (*(("name", word) for word in words), born),
        (("family", words[0]), born),
    )
    refusal: FhirError | None = None
    for params in ways:
        try:
            found = _matching(client, params, words, birth_date)
        except FhirError as error:
            refusal = error
            continue
        if len(found) == 1:
            return found.pop()
        if found:
            raise UsageError(
                f"{len(found)} patients there have this name and date of birth.",
                hint="Give the patient's FHIR id: --patient ID",
            )
    if refusal is not None:
        raise refusal
    raise UsageError(
        "0 patients there have this name and date of birth.",
        hint="Check both as the provider writes them; or give the patient's FHIR id: --patient ID",
    )


def patient_name(client: FhirClient, patient: str) -> str | None:
    """What the record calls this patient, for the person's own screen; None where it does not say."""
    with suppress(PhrError, ValueError):
        for one in client.read("Patient", patient).received:
            resource = read.parse_json(one.raw)
            if isinstance(resource, dict) and one.type == "Patient":
                # A name with line ends could pass for words of phr.
                return outcome.clean(read.human_name(resource.get("name")), _LONGEST) or None
    return None


def proxy_words(fhir_user: str | None, patient: str) -> str | None:
    """A sentence where somebody else than the patient signed in; ids only, no names."""
    kind, _, id_ = _line(fhir_user or "").rpartition("/")
    kind, patient = kind.rpartition("/")[2], _line(patient)
    if not kind or (kind == "Patient" and id_ == patient):
        return None
    if kind == "RelatedPerson":
        return f"You signed in as a relative or proxy (RelatedPerson/{id_}) for patient {patient}."
    if kind == "Patient":
        return f"You signed in as patient {id_}, with access to the record of patient {patient}."
    return f"You signed in as {kind}/{id_}, not as a patient; the record is that of patient {patient}."


def claim_params(vendor: Vendor, token: Token | None) -> tuple[tuple[str, str], ...]:
    """Parameters of every search that are claims of the access token (athenahealth: the practice).

    A claim that the token does not have leaves its parameter out.
    """
    return tuple(
        (name, template.format_map(known))
        for name, template in vendor.claim_params.items()
        if (known := _texts(vendor, token)) and _filled(template, known)
    )


def practice(vendor: Vendor, token: Token | None) -> str | None:
    """The practice that the access token is for, as the label of last resort."""
    return next((_line(text) for text in _texts(vendor, token).values()), None)


def claimed_patient(vendor: Vendor, access_token: str | None) -> str | None:
    """The patient that a token given by hand names itself."""
    return identity.claimed_patient(access_token, vendor)


def same_patient(one: Connection, fhir_base: str, patient: str) -> bool:
    """Whether a connection reads this very record."""
    return one.fhir_base.rstrip("/") == fhir_base.rstrip("/") and one.patient_id == patient


def _texts(vendor: Vendor, token: Token | None) -> dict[str, str]:
    """The claims that the vendor's parameters are made of, as far as the token has them."""
    if token is None or not vendor.claim_params:
        return {}
    said = jwt.claims(token.access_token)
    return {
        name: str(said[name])
        for template in vendor.claim_params.values()
        for name in _names(template)
        if isinstance(said.get(name), str | int) and str(said[name]).strip()
    }


def _line(text: str) -> str:
    """On one line, printable and not without end; an id stays as it is, which `outcome.clean` would leave out."""
    return " ".join("".join(one if one.isprintable() else " " for one in text[:_LONGEST]).split())


def _filled(template: str, known: dict[str, str]) -> bool:
    return all(name in known for name in _names(template))


def _names(template: str) -> list[str]:
    from string import Formatter

    return [name for _, name, _, _ in Formatter().parse(template) if name]


def _matching(
    client: FhirClient, params: tuple[tuple[str, str], ...], words: list[str], birth_date: str
) -> set[str]:
    found: set[str] = set()
    seen = 0
    for page in islice(client.search(Search("Patient", params, "looking for one patient"), 20), _MOST_PAGES):
        for one in page.received:
            seen += 1
            resource = read.parse_json(one.raw) if one.type == "Patient" else None
            if isinstance(resource, dict) and _fits(resource, words, birth_date):
                found.add(one.id)
        if seen > _ENOUGH:
            break
    return found


def _fits(patient: dict[str, Any], words: list[str], birth_date: str) -> bool:
    """Whether every word is part of one of the names, and the day of birth is this one."""
    if patient.get("birthDate") != birth_date:
        return False
    for name in read.dicts(patient.get("name")):
        given = name.get("given")
        parts = [name.get("family"), name.get("text"), *(given if isinstance(given, list) else [given])]
        own = " ".join(part for part in parts if isinstance(part, str)).casefold().replace(",", " ").split()
        if all(word.casefold().strip(",") in own for word in words):
            return True
    return False
