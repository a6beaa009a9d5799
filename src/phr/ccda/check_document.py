"""Rules about the document as a whole: header, sections, ids, links, codes and times wherever they stand.

Follows the US Realm Header and the document templates of C-CDA R2.1, and the data types of HL7 v3 (CDA R2).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from phr.ccda.check_sheet import (
    TEMPLATES,
    Fault,
    Sheet,
    code_of,
    kid,
    kids,
    name,
    path,
    said,
    title_of,
    xsi_type,
)
from phr.ccda.template import TEMPLATES as KINDS

_HEADER = (
    ("realmCode", "has no realmCode"),
    ("typeId", "has no typeId"),
    ("id", "has no id"),
    ("code", "has no code"),
    ("title", "has no title"),
    ("effectiveTime", "does not say when it was made"),
    ("confidentialityCode", "has no confidentialityCode"),
    ("languageCode", "does not say its language"),
    ("recordTarget/patientRole/id", "the patient has no id"),
    ("recordTarget/patientRole/addr", "the patient has no addr"),
    ("recordTarget/patientRole/telecom", "the patient has no telecom"),
    ("recordTarget/patientRole/patient/name", "the patient has no name"),
    (
        "recordTarget/patientRole/patient/administrativeGenderCode",
        "the patient has no administrativeGenderCode",
    ),
    ("recordTarget/patientRole/patient/birthTime", "the patient has no birthTime"),
    ("recordTarget/patientRole/patient/raceCode", "the patient has no raceCode"),
    ("recordTarget/patientRole/patient/ethnicGroupCode", "the patient has no ethnicGroupCode"),
    ("author/time", "the author has no time"),
    ("author/assignedAuthor/id", "the author has no id"),
    ("author/assignedAuthor/addr", "the author has no addr"),
    ("author/assignedAuthor/telecom", "the author has no telecom"),
    ("custodian/assignedCustodian/representedCustodianOrganization/name", "the custodian has no name"),
    ("component/structuredBody/component/section", "has no section"),
)
_CCD_ONLY = (
    ("documentationOf/serviceEvent/effectiveTime/low", "the service event has no beginning"),
    ("documentationOf/serviceEvent/effectiveTime/high", "the service event has no end"),
)
_REFERRAL_ONLY = (("informationRecipient/intendedRecipient/informationRecipient/name", "names no recipient"),)
ENTRIES = {
    "2.6.1": ("4.30",), "2.1.1": ("4.16",), "2.5.1": ("4.3",), "2.3.1": ("4.1",), "2.4.1": ("4.26",),
    "2.7.1": ("4.12", "4.13", "4.14"), "2.2.1": ("4.52",), "2.22.1": ("4.49",),
}  # fmt: skip
"""Templates of sections that demand entries, and the entries they demand."""
_NOTES = "2.65"
_OID = re.compile(
    r"[0-2](\.(0|[1-9][0-9]*))+|[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}|[A-Za-z][A-Za-z0-9-]*"
)
_TIME = re.compile(
    r"[0-9]{4}([0-9]{2}([0-9]{2}([0-9]{2}([0-9]{2}([0-9]{2}(\.[0-9]+)?)?)?)?)?)?([+-][0-9]{2,4})?"
)
_TIMES = frozenset(map(path, "effectiveTime time low high birthTime sdtc:deceasedTime".split()))
_CODED = frozenset(
    map(
        path,
        """code translation interpretationCode routeCode approachSiteCode targetSiteCode methodCode raceCode
        ethnicGroupCode administrativeGenderCode maritalStatusCode confidentialityCode priorityCode functionCode
        sdtc:raceCode sdtc:ethnicGroupCode sdtc:functionCode sdtc:dischargeDispositionCode""".split(),
    )
)
TWINNED = frozenset(
    """1.1 1.2 2.6.1 2.1.1 2.5.1 2.3.1 2.17 2.4.1 2.7.1 2.2.1 2.22.1 2.10 2.23 2.14 2.18 2.15 2.21.1 4.30 4.7 4.9 4.8 4.3 4.4
    4.6 4.16 4.23 4.25 4.17 4.18 4.19 4.20 4.52 4.54 4.14 4.1 4.2 4.26 4.27 4.78 4.49 4.80 4.45 4.46 4.60 4.61 4.39 4.40
    4.41 4.42 4.43 4.44 4.48""".split()
)
"""Templates that C-CDA R1.1 has too: beside their date stands the bare root."""


def document_faults(sheet: Sheet) -> Iterator[Fault]:
    """Everything that is wrong with the document as a whole."""
    yield from _links(sheet)
    yield from _data_types(sheet)
    if sheet.modern:
        yield from _header(sheet)
        yield from _sections(sheet)
        yield from _twins(sheet)


def _header(sheet: Sheet) -> Iterator[Fault]:
    root = sheet.root
    demanded = _HEADER + (
        _CCD_ONLY if sheet.kind == "ccd" else _REFERRAL_ONLY if sheet.kind == "referral-note" else ()
    )
    yield from (("header", what) for steps, what in demanded if kid(root, steps) is None)
    for tag in ("id", "code", "effectiveTime"):
        if len(kids(root, tag)) > 1:
            yield "header", f"has more than one {tag}"
    own = kid(root, "id")
    if own is not None and not own.get("root"):
        yield "header", "the id of the document is null"
    if (kid(root, "setId") is None) != (kid(root, "versionNumber") is None):
        yield "header", "has one of setId and versionNumber without the other"
    if not said(kid(root, "custodian/assignedCustodian/representedCustodianOrganization/name")):
        yield "header", "the name of the custodian is null"
    kind = KINDS.get(sheet.kind)
    for code in kind.required if kind else ():
        if sheet.section(code) is None:
            yield "sections", f"the section {code} is required and missing"


def _sections(sheet: Sheet) -> Iterator[Fault]:
    seen: Counter[str] = Counter()
    for section in sheet.sections:
        title = title_of(section)
        numbers = [(each.get("root") or "").removeprefix(TEMPLATES) for each in kids(section, "templateId")]
        for tag in ("templateId", "code", "title", "text"):
            if kid(section, tag) is None:
                yield title, f"the section has no {tag}"
        demanded = [entry for number in numbers for entry in ENTRIES.get(number, ())]
        null = section.get("nullFlavor") is not None
        if null and kid(section, "entry") is not None:
            yield title, "the section is null and has entries"
        if demanded and not null and not _has_entry(section, demanded):
            yield title, "the section has no entry of the kind it demands, and is not null"
        if _NOTES not in numbers:
            seen[code_of(section) or title] += 1
    yield from (
        ("sections", f"the section {code} stands {count} times") for code, count in seen.items() if count > 1
    )


def _has_entry(section: object, demanded: list[str]) -> bool:
    wanted = {TEMPLATES + number for number in demanded}
    return any(
        each.get("root") in wanted
        for each in section.iterfind(path("entry") + "/*/" + path("templateId"))  # type: ignore[attr-defined]
    )


def _twins(sheet: Sheet) -> Iterator[Fault]:
    for number in TWINNED:
        for node in sheet.of(number):
            own = [each for each in kids(node, "templateId") if each.get("root") == TEMPLATES + number]
            if own and all(each.get("extension") for each in own):
                yield sheet.where(node), f"the template {number} stands with a date only"


def _links(sheet: Sheet) -> Iterator[Fault]:
    ids = Counter(
        found for node in sheet.root.iter() if isinstance(node.tag, str) and (found := node.get("ID"))
    )
    repeated = sum(count - 1 for count in ids.values())
    if repeated:
        yield "narrative", f"{repeated} of the IDs stand more than once"
    for tag, attribute in (("reference", "value"), ("linkHtml", "href"), ("footnoteRef", "IDREF")):
        for node in sheet.root.iter(path(tag)):
            target = node.get(attribute) or ""
            if tag != "footnoteRef" and not target.startswith("#"):
                continue
            if target.removeprefix("#") not in ids:
                yield sheet.where(node), "a reference leads to no words of the narrative"


def _data_types(sheet: Sheet) -> Iterator[Fault]:
    for node in sheet.root.iter():
        if not isinstance(node.tag, str):
            continue
        what = None
        if node.tag == path("id"):
            what = _identifier(node.get("root"), node.get("nullFlavor"))
        elif node.tag in _CODED:
            system = node.get("codeSystem") or node.get(
                "codeSystemName"
            )  # one without an OID goes by its name
            what = _code(node.get("code"), system, node.get("nullFlavor"), name(node))
        elif (
            node.tag in _TIMES
            and (value := node.get("value")) is not None
            and xsi_type(node) not in ("PQ", "INT")
        ):
            parent = node.getparent()
            quantity = parent is not None and xsi_type(parent) in ("IVL_PQ", "IVL_INT", "IVL_REAL")
            what = (
                None
                if quantity or _is_time(node, value)
                else f"a time in {name(node)} is not written as HL7 has it"
            )
        if what:
            yield sheet.where(node), what


def _is_time(node: object, value: str) -> bool:
    unit = node.get("unit")  # type: ignore[attr-defined]
    return unit is not None or _TIME.fullmatch(value) is not None


def _identifier(root: str | None, null: str | None) -> str | None:
    if root is None:
        return None if null else "an id has neither root nor nullFlavor"
    return None if _OID.fullmatch(root) else "the root of an id is no OID or UUID"


def _code(code: str | None, system: str | None, null: str | None, tag: str) -> str | None:
    if code is None:
        return None if null else f"{tag}: neither a code nor a nullFlavor"
    if null:
        return f"{tag}: has a code and is null"
    return None if system else f"{tag}: the code has no codeSystem"
