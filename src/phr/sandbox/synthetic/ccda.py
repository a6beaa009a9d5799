"""The summary that the hospital sent along: a C-CDA R2.1 Continuity of Care Document of Tamsin's stay in 2020.

Written here by hand from plain tables, and on purpose by other code than the one that exports: a file from
elsewhere is what a record has to be able to read. Sections follow US Realm CCD (2.16.840.1.113883.10.20.22.1.2).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from xml.sax.saxutils import escape, quoteattr

from phr.sandbox.synthetic.build import guid

_T = "2.16.840.1.113883.10.20.22"
_LOINC, _SNOMED, _RXNORM = "2.16.840.1.113883.6.1", "2.16.840.1.113883.6.96", "2.16.840.1.113883.6.88"
_STAY = ("20201117164000-0500", "20201122164000-0500")
_AUTHOR = '<author><time value="20201122150000-0500"/><assignedAuthor><id root="2.16.840.1.113883.4.6" \
extension="9941300094"/>%s</assignedAuthor></author>'

# What the hospital knew: (title, code, …) of each section.
_PROBLEMS = (
    ("30188007", "Alpha-1-antitrypsin deficiency", "20150324"),
    ("87433001", "Pulmonary emphysema", "2014"),
    ("195951007", "Acute exacerbation of chronic obstructive airways disease", "20201117"),
)
_ALLERGIES = (("373270004", "Penicillin", "247472004", "Hives", "1989"),)
_DRUGS = (
    ("312615", "prednisone 20 MG Oral Tablet", "2", "20201122", "20201127"),
    ("308460", "azithromycin 250 MG Oral Tablet", "1", "20201122", "20201127"),
    ("485032", "tiotropium 0.018 MG Inhalation Powder", "1", "20150324", None),
)
_RESULTS = (
    ("6690-2", "Leukocytes [#/volume] in Blood by Automated count", "16.9", "10*3/uL", "H", ("3.4", "10.8")),
    ("1988-5", "C reactive protein [Mass/volume] in Serum or Plasma", "94.2", "mg/L", "H", ("0", "10")),
)
_VITALS = (
    ("8480-6", "Systolic blood pressure", "142", "mm[Hg]"),
    ("8462-4", "Diastolic blood pressure", "80", "mm[Hg]"),
    ("8867-4", "Heart rate", "102", "/min"),
    ("59408-5", "Oxygen saturation in Arterial blood by Pulse oximetry", "88", "%"),
)


def discharge_summary() -> bytes:
    """The CCD as UTF-8 XML."""
    sections = "".join(
        (
            _section("Allergies", "48765-2", ("2.6.1", "2015-08-01"), _ALLERGIES, _allergy, 1),
            _section("Medications", "10160-0", ("2.1.1", "2014-06-09"), _DRUGS, _drug, 1),
            _section("Problems", "11450-4", ("2.5.1", "2015-08-01"), _PROBLEMS, _problem, 1),
            _section("Results", "30954-2", ("2.3.1", "2015-08-01"), (_RESULTS,), _organizer, 1),
            _section(
                "Social History", "29762-2", ("2.17", "2015-08-01"), (("8517006", "Ex-smoker"),), _smoking, 1
            ),
            _section("Vital Signs", "8716-3", ("2.4.1", "2015-08-01"), (_VITALS,), _vital_signs, 1),
        )
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:sdtc="urn:hl7-org:sdtc" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
{_HEADER}
<component><structuredBody>{sections}</structuredBody></component>
</ClinicalDocument>
""".encode()


def _templates(*pairs: tuple[str, str | None]) -> str:
    """Every template with its date, after the same one without: older receivers look for the bare root."""
    written = []
    for root, extension in pairs:
        written.append(f'<templateId root="{_T}.{root}"/>')
        if extension:
            written.append(f'<templateId root="{_T}.{root}" extension="{extension}"/>')
    return "".join(written)


def _id(*parts: str) -> str:
    return f'<id root="{guid("ccd", *parts).upper()}"/>'


def _code(system: str, code: str, display: str, tag: str = "code", kind: str = "") -> str:
    typed = f' xsi:type="{kind}"' if kind else ""
    return f'<{tag}{typed} code="{code}" codeSystem="{system}" displayName={quoteattr(display)}/>'


def _section(
    title: str,
    code: str,
    template: tuple[str, str],
    rows: Sequence[Sequence[object]],
    entry: Callable[..., str],
    shown: int,
) -> str:
    words = [str(cell) for row in rows for cell in _words(row, shown)]
    items = "".join(f"<item>{escape(word)}</item>" for word in words)
    entries = "".join(f'<entry typeCode="DRIV">{entry(row)}</entry>' for row in rows)
    return (
        f"<component><section>{_templates(template)}{_code(_LOINC, code, title)}<title>{title}</title>"
        f"<text><list>{items}</list></text>{entries}</section></component>"
    )


def _words(row: Sequence[object], shown: int) -> list[str]:
    if isinstance(row[0], tuple):
        return [" ".join(str(cell) for cell in inner[1:4]) for inner in row if isinstance(inner, tuple)]
    return [str(row[shown])]


def _problem(row: tuple[str, str, str]) -> str:
    code, display, onset = row
    return (
        f'<act classCode="ACT" moodCode="EVN">{_templates(("4.3", "2015-08-01"))}{_id("concern", code)}'
        '<code code="CONC" codeSystem="2.16.840.1.113883.5.6"/><statusCode code="active"/>'
        f'<effectiveTime><low value="{onset}"/></effectiveTime>{_author()}<entryRelationship typeCode="SUBJ">'
        f'<observation classCode="OBS" moodCode="EVN">{_templates(("4.4", "2015-08-01"))}{_id("problem", code)}'
        '<code code="64572001" codeSystem="2.16.840.1.113883.6.96" displayName="Condition">'
        '<translation code="75323-6" codeSystem="2.16.840.1.113883.6.1" displayName="Condition"/></code>'
        f'<statusCode code="completed"/><effectiveTime><low value="{onset}"/></effectiveTime>'
        f"{_code(_SNOMED, code, display, 'value', 'CD')}</observation></entryRelationship></act>"
    )


def _allergy(row: tuple[str, str, str, str, str]) -> str:
    code, display, reaction, manifestation, onset = row
    return (
        f'<act classCode="ACT" moodCode="EVN">{_templates(("4.30", "2015-08-01"))}{_id("allergy concern", code)}'
        '<code code="CONC" codeSystem="2.16.840.1.113883.5.6"/><statusCode code="active"/>'
        f'<effectiveTime><low value="{onset}"/></effectiveTime>{_author()}<entryRelationship typeCode="SUBJ">'
        f'<observation classCode="OBS" moodCode="EVN">{_templates(("4.7", "2014-06-09"))}{_id("allergy", code)}'
        '<code code="ASSERTION" codeSystem="2.16.840.1.113883.5.4"/><statusCode code="completed"/>'
        f'<effectiveTime><low value="{onset}"/></effectiveTime>'
        f"{_code(_SNOMED, '416098002', 'Allergy to drug', 'value', 'CD')}"
        '<participant typeCode="CSM"><participantRole classCode="MANU"><playingEntity classCode="MMAT">'
        f"{_code(_SNOMED, code, display)}</playingEntity></participantRole></participant>"
        '<entryRelationship typeCode="MFST" inversionInd="true"><observation classCode="OBS" moodCode="EVN">'
        f"{_templates(('4.9', '2014-06-09'))}{_id('reaction', code)}"
        '<code code="ASSERTION" codeSystem="2.16.840.1.113883.5.4"/>'
        f'<statusCode code="completed"/>{_code(_SNOMED, reaction, manifestation, "value", "CD")}'
        "</observation></entryRelationship></observation></entryRelationship></act>"
    )


def _drug(row: tuple[str, str, str, str, str | None]) -> str:
    code, display, dose, since, until = row
    high = f'<high value="{until}"/>' if until else ""
    return (
        f'<substanceAdministration classCode="SBADM" moodCode="INT">{_templates(("4.16", "2014-06-09"))}{_id("drug", code)}'
        f'<statusCode code="{"completed" if until else "active"}"/>'
        f'<effectiveTime xsi:type="IVL_TS"><low value="{since}"/>{high}</effectiveTime>'
        '<effectiveTime xsi:type="PIVL_TS" institutionSpecified="true" operator="A">'
        '<period value="1" unit="d"/></effectiveTime>'
        f'<doseQuantity value="{dose}"/><consumable><manufacturedProduct classCode="MANU">'
        f"{_templates(('4.23', '2014-06-09'))}<manufacturedMaterial>{_code(_RXNORM, code, display)}"
        f"</manufacturedMaterial></manufacturedProduct></consumable>{_author()}</substanceAdministration>"
    )


def _organizer(rows: tuple[tuple[str, str, str, str, str, tuple[str, str]], ...]) -> str:
    parts = "".join(_result(*row) for row in rows)
    return (
        f'<organizer classCode="BATTERY" moodCode="EVN">{_templates(("4.1", "2015-08-01"))}{_id("results")}'
        f"{_code(_LOINC, '26436-6', 'Laboratory studies (set)')}"
        f'<statusCode code="completed"/>{_author()}{parts}</organizer>'
    )


def _result(code: str, display: str, value: str, unit: str, flag: str, normal: tuple[str, str]) -> str:
    return (
        f'<component><observation classCode="OBS" moodCode="EVN">{_templates(("4.2", "2015-08-01"))}{_id("result", code)}'
        f'{_code(_LOINC, code, display)}<statusCode code="completed"/><effectiveTime value="20201117130000-0500"/>'
        f'<value xsi:type="PQ" value="{value}" unit="{unit}"/>'
        f'<interpretationCode code="{flag}" codeSystem="2.16.840.1.113883.5.83"/>{_author()}'
        f'<referenceRange><observationRange><value xsi:type="IVL_PQ"><low value="{normal[0]}" unit="{unit}"/>'
        f'<high value="{normal[1]}" unit="{unit}"/></value></observationRange></referenceRange></observation></component>'
    )


def _vital_signs(rows: tuple[tuple[str, str, str, str], ...]) -> str:
    parts = "".join(
        f'<component><observation classCode="OBS" moodCode="EVN">{_templates(("4.27", "2014-06-09"))}{_id("vital", code)}'
        f'{_code(_LOINC, code, display)}<statusCode code="completed"/><effectiveTime value="20201117110500-0500"/>'
        f'<value xsi:type="PQ" value="{value}" unit="{unit}"/></observation></component>'
        for code, display, value, unit in rows
    )
    return (
        f'<organizer classCode="CLUSTER" moodCode="EVN">{_templates(("4.26", "2015-08-01"))}{_id("vitals")}'
        f'<code code="46680005" codeSystem="{_SNOMED}" displayName="Vital signs">'
        f'<translation code="74728-7" codeSystem="{_LOINC}" displayName="Vital signs"/></code>'
        f'<statusCode code="completed"/><effectiveTime value="20201117110500-0500"/>{_author()}{parts}</organizer>'
    )


def _smoking(row: tuple[str, str]) -> str:
    return (
        f'<observation classCode="OBS" moodCode="EVN">{_templates(("4.78", "2014-06-09"))}{_id("smoking")}'
        f'{_code(_LOINC, "72166-2", "Tobacco smoking status")}<statusCode code="completed"/>'
        f'<effectiveTime value="20201117"/>{_code(_SNOMED, row[0], row[1], "value", "CD")}{_author()}</observation>'
    )


def _author(details: str = "") -> str:
    return _AUTHOR % details


_HOSPITAL = (
    '<id root="2.16.840.1.113883.4.6" extension="9941300029"/><name>Saint Wendeline Hospital</name>'
    '<telecom use="WP" value="tel:+1-802-555-0120"/><addr use="WP"><streetAddressLine>400 Wendeline Way</streetAddressLine>'
    "<city>Port Ambry</city><state>VT</state><postalCode>05999</postalCode><country>US</country></addr>"
)
_DOCTOR = (
    '<addr use="WP"><streetAddressLine>400 Wendeline Way</streetAddressLine><city>Port Ambry</city><state>VT</state>'
    '<postalCode>05999</postalCode><country>US</country></addr><telecom use="WP" value="tel:+1-802-555-0120"/>'
    "<assignedPerson><name><given>Sunniva</given><family>Tarrowgate</family><suffix>MD</suffix></name></assignedPerson>"
)
_HEADER = (
    '<realmCode code="US"/><typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>'
    f"{_templates(('1.1', '2015-08-01'), ('1.2', '2015-08-01'))}{_id('document')}"
    f"{_code(_LOINC, '34133-9', 'Summarization of Episode Note')}<title>Summary of hospital stay</title>"
    '<effectiveTime value="20201122150000-0500"/>'
    '<confidentialityCode code="N" codeSystem="2.16.840.1.113883.5.25"/><languageCode code="en-US"/>'
    '<recordTarget><patientRole><id root="2.999.1.71" extension="QF-100271"/><addr use="HP">'
    "<streetAddressLine>5 Thistledown Lane</streetAddressLine><city>Harrowfield</city><state>VT</state>"
    '<postalCode>05999</postalCode><country>US</country></addr><telecom use="MC" value="tel:+1-802-555-0170"/>'
    '<patient><name use="L"><given>Tamsin</given><given>Aurelia</given><family>Quillfeather</family></name>'
    '<administrativeGenderCode code="F" codeSystem="2.16.840.1.113883.5.1"/><birthTime value="19710417"/>'
    '<maritalStatusCode code="M" codeSystem="2.16.840.1.113883.5.2"/>'
    '<raceCode code="2106-3" codeSystem="2.16.840.1.113883.6.238" displayName="White"/>'
    '<ethnicGroupCode code="2186-5" codeSystem="2.16.840.1.113883.6.238" displayName="Not Hispanic or Latino"/>'
    '<languageCommunication><languageCode code="en-US"/></languageCommunication></patient></patientRole></recordTarget>'
    f"{_author(_DOCTOR)}"
    f"<custodian><assignedCustodian><representedCustodianOrganization>{_HOSPITAL}"
    "</representedCustodianOrganization></assignedCustodian></custodian>"
    '<documentationOf><serviceEvent classCode="PCPR"><effectiveTime>'
    f'<low value="{_STAY[0]}"/><high value="{_STAY[1]}"/></effectiveTime></serviceEvent></documentationOf>'
)
