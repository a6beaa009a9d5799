"""Documents of senders that nobody has seen: what they state comes in, what they deny stays denied.

Each document is built here, with the habits of many systems; the persons in them are made up.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from phr.ccda.sections.notes import OPENED_DOCUMENT
from phr.cli.app import run
from phr.exporters import registry
from phr.exporters.base import Options
from phr.importers import opening
from phr.views.selection import EVERYTHING
from phr.workspace.files import ImportWish

from .conftest import Person

T = "2.16.840.1.113883.10.20.22."
SCT, LOINC, RXNORM = "2.16.840.1.113883.6.96", "2.16.840.1.113883.6.1", "2.16.840.1.113883.6.88"
CVX, ACT, ICD10 = "2.16.840.1.113883.12.292", "2.16.840.1.113883.5.4", "2.16.840.1.113883.6.90"
NEGATED = ' negationInd="true"'

# ── builders ──────────────────────────────────────────────────────────────────────────────────────


def coded(tag: str, code: str, system: str = SCT, display: str = "") -> str:
    kind = ' xsi:type="CD"' if tag == "value" else ""
    return f'<{tag}{kind} code="{code}" codeSystem="{system}" displayName="{display}"/>'


def template(*roots: str) -> str:
    return "".join(f'<templateId root="{root}"/>' for root in roots)


def statement(
    tag: str, kind: str, inner: str, *, mood: str = "EVN", more: str = "", root: str = "", id_: str
) -> str:
    marks = template(T + root) if root else ""
    ident = f'<id root="2.16.840.1.113883.19.77" extension="{id_}"/>' if id_ else '<id nullFlavor="NI"/>'
    return f'<{tag} classCode="{kind}" moodCode="{mood}"{more}>{marks}{ident}{inner}</{tag}>'


def within(tag: str, inner: str, kind: str = "SUBJ") -> str:
    return f'<{tag} typeCode="{kind}">{inner}</{tag}>'


def problem(
    value: str, *, more: str = "", when: str = '<low value="20190304"/>', status: str = "active"
) -> str:
    name = re.sub(r"\W", "", value)[-24:]
    told = statement(
        "observation",
        "OBS",
        f'{coded("code", "55607006")}<statusCode code="completed"/><effectiveTime>{when}</effectiveTime>{value}',
        more=more,
        root="4.4",
        id_=f"o{name}",
    )
    concern = f'<code code="CONC"/><statusCode code="{status}"/>{within("entryRelationship", told)}'
    return within("entry", statement("act", "ACT", concern, root="4.3", id_=f"c{name}"), "DRIV")


def allergy(substance: str, *, kind: str = "416098002", more: str = "", value: str = "") -> str:
    name = re.sub(r"\W", "", substance + value)[-24:]
    who = f'<playingEntity classCode="MMAT">{substance}</playingEntity>'
    part = (
        f'<participant typeCode="CSM"><participantRole classCode="MANU">{who}</participantRole></participant>'
        if substance
        else ""
    )
    told = statement(
        "observation",
        "OBS",
        f'{coded("code", "ASSERTION", ACT)}<statusCode code="completed"/><effectiveTime><low value="2010"/>'
        f"</effectiveTime>{value or coded('value', kind)}{part}",
        more=more,
        root="4.7",
        id_=f"o{name}",
    )
    concern = f'<code code="CONC"/><statusCode code="active"/>{within("entryRelationship", told)}'
    return within("entry", statement("act", "ACT", concern, root="4.30", id_=f"c{name}"), "DRIV")


def drug(
    code: str, inner: str = "", *, mood: str = "EVN", more: str = "", after: str = "", id_: str = ""
) -> str:
    product = f"<consumable><manufacturedProduct><manufacturedMaterial>{code}</manufacturedMaterial>"
    whole = f'<statusCode code="active"/>{inner}{product}</manufacturedProduct></consumable>{after}'
    ident = id_ or re.sub(r"\W", "", code)[-24:]
    return within(
        "entry",
        statement("substanceAdministration", "SBADM", whole, mood=mood, more=more, root="4.16", id_=ident),
        "DRIV",
    )


def shot(code: str, display: str, *, more: str = ' negationInd="false"', status: str = "completed") -> str:
    return (
        drug(coded("code", code, CVX, display), '<effectiveTime value="20221001"/>', more=more)
        .replace("4.16", "4.52")
        .replace('"active"', f'"{status}"')
    )


def result(code: str, value: str, *, more: str = "", status: str = "completed", after: str = "") -> str:
    told = f'{coded("code", code, LOINC)}<statusCode code="{status}"/><effectiveTime value="20230102"/>{value}{after}'
    return statement("observation", "OBS", told, more=more, root="4.2", id_=f"r{code}")


def panel(*results: str, root: str = "4.1", code: str = "58410-2") -> str:
    parts = "".join(f"<component>{one}</component>" for one in results)
    inner = (
        f'{coded("code", code, LOINC)}<statusCode code="completed"/><effectiveTime value="20230102"/>{parts}'
    )
    return within("entry", statement("organizer", "BATTERY", inner, root=root, id_=f"p{code}"), "DRIV")


def procedure(code: str, *, status: str = "completed", mood: str = "EVN", more: str = "") -> str:
    inner = f'{coded("code", code)}<statusCode code="{status}"/><effectiveTime value="20200101"/>'
    return within(
        "entry",
        statement("procedure", "PROC", inner, mood=mood, more=more, root="4.14", id_=f"x{code}"),
        "DRIV",
    )


SECTIONS = {
    "problems": ("11450-4", "2.5.1"),
    "allergies": ("48765-2", "2.6.1"),
    "medications": ("10160-0", "2.1.1"),
    "immunizations": ("11369-6", "2.2.1"),
    "results": ("30954-2", "2.3.1"),
    "vitals": ("8716-3", "2.4.1"),
    "procedures": ("47519-4", "2.7.1"),
    "plan": ("18776-5", "2.10"),
}


def section(name: str, *entries: str, text: str = "as listed") -> str:
    code, root = SECTIONS[name]
    return (
        f"<component><section>{template(T + root)}{coded('code', code, LOINC)}<title>{name}</title>"
        f"<text>{text}</text>{''.join(entries)}</section></component>"
    )


def document(*sections: str, body: str = "", number: int = 1) -> str:
    inside = body or f"<component><structuredBody>{''.join(sections)}</structuredBody></component>"
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<realmCode code="US"/><typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>{template(T + "1.2")}
<id root="2.16.840.1.113883.19.9" extension="doc-{number}"/><code code="34133-9" codeSystem="{LOINC}"/>
<title>Summary</title><effectiveTime value="2023010{number}120000-0800"/>
<recordTarget><patientRole><id root="2.16.840.1.113883.19.5" extension="7"/><patient><name><given>Nora</given>
<family>Birch</family></name><administrativeGenderCode code="F"/><birthTime value="19620417"/></patient></patientRole>
</recordTarget><custodian><assignedCustodian><representedCustodianOrganization><id nullFlavor="NI"/><name>Elm Clinic</name>
</representedCustodianOrganization></assignedCustodian></custodian>{inside}</ClinicalDocument>"""


# ── what is asked of what came in ─────────────────────────────────────────────────────────────────


def read(xml: str | bytes) -> list[dict[str, Any]]:
    content = xml.encode() if isinstance(xml, str) else xml
    return [
        orjson.loads(one.raw) for one in opening.read(io.BytesIO(content), name="it.xml").resources("all")
    ]


def of(resources: list[dict[str, Any]], *kinds: str, having: str = "") -> list[dict[str, Any]]:
    found = [one for one in resources if one["resourceType"] in kinds]
    return [one for one in found if having in orjson.dumps(one).decode()]


def one(resources: list[dict[str, Any]], *kinds: str, having: str = "") -> dict[str, Any]:
    found = of(resources, *kinds, having=having)
    assert len(found) == 1, f"{len(found)} of {kinds} have {having!r}"
    return found[0]


def verified(resource: dict[str, Any]) -> str:
    return str(resource.get("verificationStatus", {}).get("coding", [{}])[0].get("code", ""))


PERIOD = '<effectiveTime xsi:type="IVL_TS"><low value="20200101"/></effectiveTime>'
PLAIN = document(
    section("problems", problem(coded("value", "195967001", display="Asthma"))),
    section("allergies", allergy(coded("code", "7980", RXNORM, "Penicillin G"))),
    section("medications", drug(coded("code", "314076", RXNORM, "lisinopril 10 MG"), PERIOD)),
    section("immunizations", shot("140", "Influenza")),
    section("results", panel(result("718-7", '<value xsi:type="PQ" value="13.5" unit="g/dL"/>'))),
    section("procedures", procedure("80146002")),
)


def prefixed(xml: str) -> str:
    named = re.sub(r"<(/?)(\w)", r"<\1cda:\2", xml)
    return named.replace("xmlns=", "xmlns:cda=")


SHAPES: dict[str, Callable[[str], str | bytes]] = {
    "as-it-is": lambda xml: xml,
    "prefix": prefixed,
    "no-namespace": lambda xml: xml.replace(' xmlns="urn:hl7-org:v3"', ""),
    "namespace-on-each-section": lambda xml: xml.replace("<section>", '<section xmlns="urn:hl7-org:v3">'),
    "type-with-prefix": lambda xml: xml.replace('xsi:type="', 'xmlns:v="urn:hl7-org:v3" xsi:type="v:'),
    "comments": lambda xml: re.sub(r"(<value |<section>|<entry |<code )", r"<!-- by --><?by me?>\1", xml),
    "no-templates": lambda xml: re.sub(r"<templateId[^>]*/>", "", xml),
    "unknown-templates": lambda xml: re.sub(r'(<templateId root=")[^"]*', r"\g<1>1.2.3.4", xml),
    "no-section-codes": lambda xml: re.sub(r"(<section><templateId[^>]*/>)<code[^>]*/>", r"\1", xml),
    "ids-unknown": lambda xml: re.sub(
        r'<id root="2.16.840.1.113883.19.77"[^>]*/>', '<id nullFlavor="NI"/>', xml
    ),
    "ids-all-one": lambda xml: re.sub(r'(19.77" extension=")[^"]*', r"\g<1>0", xml),
    "nested-sections": lambda xml: re.sub(
        r"(<structuredBody>)(.*)(</structuredBody>)",
        r"\1<component><section><title>All</title><text>x</text>\2</section></component>\3",
        xml,
    ),
    "utf-16": lambda xml: xml.replace("UTF-8", "UTF-16").encode("utf-16"),
    "body-first": lambda xml: re.sub(
        r"(?s)(<recordTarget>.*</custodian>)(<component>.*)(</ClinicalDocument>)", r"\2\1\3", xml
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_same_comes_in_however_a_sender_writes_its_xml(shape: str) -> None:
    resources = read(SHAPES[shape](PLAIN))

    assert one(resources, "Condition", having="195967001")["onsetDateTime"] == "2019-03-04"
    assert one(resources, "AllergyIntolerance", having="7980")["category"] == ["medication"]
    assert one(resources, "MedicationStatement", "MedicationRequest", having="314076")
    assert one(resources, "Immunization", having='"140"')["status"] == "completed"
    assert one(resources, "Observation", having="718-7")["valueQuantity"]["value"] == 13.5
    assert one(resources, "Procedure", having="80146002")["status"] == "completed"


NAMED = {
    "reference-to-a-cell": '<value xsi:type="CD" nullFlavor="UNK"><originalText>'
    '<reference value="#p1"/></originalText></value>',
    "translation-only": f'<value xsi:type="CD" nullFlavor="OTH"><translation code="M72.2" codeSystem="{ICD10}" '
    'displayName="Sore sole"/></value>',
    "display-only": '<value xsi:type="CD" displayName="Sore sole"/>',
    "local-code": '<value xsi:type="CD" code="L77" codeSystemName="Our list" displayName="Sore sole"/>',
    "blanks": f'<value xsi:type="CD" code=" M72.2 " codeSystem="{ICD10}" displayName=" Sore sole "/>',
    "words": '<value xsi:type="ST">Sore sole</value>',
    "marked-up-words": '<value xsi:type="ED"><![CDATA[Sore sole]]></value>',
    "reference-as-value": '<value xsi:type="ED"><reference value="#p1"/></value>',
}


@pytest.mark.parametrize("named", NAMED)
def test_a_problem_is_named_however_a_sender_names_it(named: str) -> None:
    cell = '<table><tbody><tr><td ID="p1">Sore <content styleCode="Bold">sole</content></td></tr></tbody></table>'

    condition = one(read(document(section("problems", problem(NAMED[named]), text=cell))), "Condition")

    assert "Sore sole" in orjson.dumps(condition["code"]).decode()


NONE_KNOWN = {
    "value": allergy("", value=coded("value", "716186003", display="No known allergy")),
    "older-value": allergy("", value=coded("value", "160244002", display="No known allergies")),
    "substance": allergy(coded("code", "409137002", display="No known drug allergy")),
    "negated": allergy('<code nullFlavor="NA"/>', kind="419199007", more=NEGATED),
    "negated-drug": allergy('<code nullFlavor="NA"/>', more=NEGATED),
    "negated-without-substance": allergy("", more=NEGATED),
    "negated-any-drug": allergy(coded("code", "410942007", display="Drug or medicament"), more=NEGATED),
    "words": allergy('<code nullFlavor="OTH"><originalText>No known drug allergies</originalText></code>'),
    "one-substance": allergy(coded("code", "111088007", display="Latex"), more=NEGATED),
}


@pytest.mark.parametrize("said", NONE_KNOWN)
def test_no_known_allergy_is_never_an_allergy(said: str) -> None:
    told = one(read(document(section("allergies", NONE_KNOWN[said]))), "AllergyIntolerance")

    named = orjson.dumps(told["code"]).decode().lower()
    assert verified(told) == "refuted" or "no known" in named


def test_a_denied_problem_is_refuted_and_one_taken_back_is_an_error() -> None:
    infarction, gout = coded("value", "22298006"), coded("value", "90560007")
    resources = read(
        document(section("problems", problem(infarction, more=NEGATED), problem(gout, status="nullified")))
    )

    assert verified(one(resources, "Condition", having="22298006")) == "refuted"
    assert verified(one(resources, "Condition", having="90560007")) in ("entered-in-error", "")


@pytest.mark.parametrize(
    "low", ['<low value="00000000"/>', '<low nullFlavor="UNK"/>', "", '<low value="x"/>']
)
def test_no_date_is_made_up(low: str) -> None:
    told = one(
        read(document(section("problems", problem(coded("value", "195967001"), when=low)))), "Condition"
    )

    assert "onsetDateTime" not in told and "onsetPeriod" not in told


def test_what_was_not_done_is_not_done_and_what_is_planned_is_planned() -> None:
    resources = read(
        document(
            section("immunizations", shot("207", "mRNA", more=NEGATED), shot("113", "Td", status="aborted")),
            section("medications", drug(coded("code", "3407", RXNORM), PERIOD, more=NEGATED)),
            section(
                "procedures",
                procedure("44950", more=NEGATED),
                procedure("52734007", mood="INT", status="active"),
            ),
            section("plan", procedure("73761001", mood="RQO", status="active").replace("4.14", "4.41")),
        )
    )

    assert {told["status"] for told in of(resources, "Immunization")} == {"not-done"}
    taken = one(resources, "MedicationStatement", "MedicationRequest", having="3407")
    assert taken.get("status") == "not-taken" or taken.get("doNotPerform")
    assert [told["status"] for told in of(resources, "Procedure", having="44950")] == ["not-done"]
    for planned in ("52734007", "73761001"):
        assert [one["status"] for one in of(resources, "Procedure", having=planned)] in ([], ["preparation"])
        assert of(resources, "ServiceRequest", "Procedure", having=planned)


VALUES: dict[str, tuple[str, str]] = {
    "less-than": (
        '<value xsi:type="IVL_PQ"><high value="0.3" unit="mg/dL" inclusive="false"/></value>',
        '"<"',
    ),
    "greater-than": (
        '<value xsi:type="IVL_PQ"><low value="5" unit="mg/L" inclusive="false"/></value>',
        '">"',
    ),
    "titer": (
        '<value xsi:type="RTO"><numerator xsi:type="INT" value="1"/>'
        '<denominator xsi:type="INT" value="160"/></value>',
        "160",
    ),
    "words": ('<value xsi:type="ED"><![CDATA[Cells < 5 & few]]></value>', "Cells < 5 & few"),
    "real": ('<value xsi:type="REAL" value="1.020"/>', "1.020"),
    "own-unit": ('<value xsi:type="PQ" value="250" unit="K/uL"/>', '"unit":"K/uL"'),
    "in-a-translation": (
        '<value xsi:type="PQ" nullFlavor="OTH"><translation value="4.5"><originalText>mill/mcl'
        "</originalText></translation></value>",
        "4.5",
    ),
    "decimal-comma": ('<value xsi:type="PQ" value="120,5" unit="10*3/uL"/>', "10*3/uL"),
    "unknown": ('<value xsi:type="PQ" nullFlavor="NAV"/>', "dataAbsentReason"),
}


@pytest.mark.parametrize("kind", VALUES)
def test_a_result_keeps_its_value(kind: str) -> None:
    value, kept = VALUES[kind]
    content = document(section("results", panel(result("777-3", value)))).encode()

    raw = [one.raw for one in opening.read(io.BytesIO(content), name="it.xml").resources("all")]

    assert [one for one in raw if b'"777-3"' in one and b'"Observation"' in one and kept.encode() in one]


def test_a_denied_result_does_not_stand_there_as_found() -> None:
    told = one(
        read(
            document(
                section(
                    "results", panel(result("600-7", '<value xsi:type="ST">E. coli</value>', more=NEGATED))
                )
            )
        ),
        "Observation",
    )

    assert told.get("valueString") != "E. coli" and "not" in orjson.dumps(told).decode().lower()


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        (
            '<effectiveTime xsi:type="PIVL_TS" operator="A"><period value="12" unit="h"/></effectiveTime>',
            {"period": 12},
        ),
        (
            '<effectiveTime xsi:type="EIVL_TS" operator="A"><event code="HS"/></effectiveTime>',
            {"when": ["HS"]},
        ),
        (
            '<effectiveTime xsi:type="PIVL_TS" operator="A"><period xsi:type="IVL_PQ"><low value="6" unit="h"/>'
            '<high value="8" unit="h"/></period></effectiveTime>',
            {"period": 6, "periodMax": 8, "periodUnit": "h"},
        ),
        ('<effectiveTime xsi:type="PIVL_TS" operator="A"><period nullFlavor="UNK"/></effectiveTime>', {}),
    ],
)
def test_a_drug_is_taken_as_often_as_was_said(times: str, expected: dict[str, Any]) -> None:
    took = one(
        read(document(section("medications", drug(coded("code", "5640", RXNORM), PERIOD + times)))),
        "MedicationStatement",
    )

    repeat = took.get("dosage", [{}])[0].get("timing", {}).get("repeat", {})
    assert {key: repeat.get(key) for key in expected} == expected
    assert expected or "period" not in repeat


def test_each_step_of_a_taper_is_kept() -> None:
    steps = "".join(
        within("entryRelationship", step, "COMP")
        for dose in (40, 20, 10)
        for step in [
            drug(
                coded("code", "8640", RXNORM),
                f'<effectiveTime xsi:type="IVL_TS"><low value="202201{dose}"/></effectiveTime>'
                f'<doseQuantity value="{dose}" unit="mg"/>',
                id_=f"s{dose}",
            ).removeprefix('<entry typeCode="DRIV">').removesuffix("</entry>")
        ]
    )  # fmt: skip

    resources = read(
        document(section("medications", drug('<code nullFlavor="NI"/>', PERIOD, after=steps, id_="all")))
    )

    told = orjson.dumps(of(resources, "MedicationStatement", "MedicationRequest")).decode()
    assert all(f'"value":{dose},' in told for dose in (40, 20, 10))


@pytest.mark.parametrize("kind", ["application/pdf", "text/rtf", "image/tiff"])
def test_a_document_without_structure_is_kept_as_the_file_that_it_holds(kind: str) -> None:
    held = base64.encodebytes(b"any bytes\0 of a file").decode()
    body = f'<component><nonXMLBody><text mediaType="{kind}" representation="B64">{held}</text></nonXMLBody></component>'

    attached = [
        part["attachment"]
        for one in of(read(document(body=body)), "DocumentReference")
        for part in one["content"]
    ]

    assert b"any bytes\0 of a file" in [
        base64.b64decode(one.get("data", "")) for one in attached if one["contentType"] == kind
    ]


def _ccd(person: Person) -> bytes:
    out = io.BytesIO()
    with person.workspace.store() as store:
        registry.write(store, "ccd", EVERYTHING, out, Options(reproducible=True))
    return out.getvalue()


def test_a_second_document_of_the_sender_doubles_nothing_and_makes_a_valid_document(
    person: Person, judge: Callable[[bytes, Path], list[str]], tmp_path: Path
) -> None:
    counted = []
    for name, xml in (
        ("a", PLAIN),
        ("a", PLAIN),
        ("b", PLAIN.replace("doc-1", "doc-2").replace("20230101", "20230201")),
    ):
        path = tmp_path / f"{name}.xml"
        path.write_text(xml)
        assert person.workspace.import_files([path], ImportWish()).exit_status == 0
        with person.workspace.store() as store:
            kinds = dict(store.counts()[1])
        counted.append(
            {kind: count for kind, count in kinds.items() if kind not in ("document", "clinical_note")}
        )

    assert counted[0] == counted[1] == counted[2]
    assert judge(_ccd(person), tmp_path) == []


def test_a_drug_with_an_order_and_a_supply_is_named_once_in_a_summary(person: Person, tmp_path: Path) -> None:
    def supply(mood: str, root: str) -> str:
        inner = '<statusCode code="completed"/><quantity value="30"/>'
        return within(
            "entryRelationship", statement("supply", "SPLY", inner, mood=mood, root=root, id_=mood), "REFR"
        )

    path = tmp_path / "a.xml"
    after = supply("INT", "4.17") + supply("EVN", "4.18")
    path.write_text(
        document(
            section("medications", drug(coded("code", "1364430", RXNORM, "apixaban"), PERIOD, after=after))
        )
    )

    person.workspace.import_files([path], ImportWish())

    assert len(re.findall(rb"<entry[^>]*>\s*<substanceAdministration", _ccd(person))) == 1


def test_a_document_that_was_read_is_not_to_be_read_again_before_it_is_handed_on(
    person: Person, tmp_path: Path
) -> None:
    path = tmp_path / "a.xml"
    path.write_text(PLAIN)
    person.workspace.import_files([path], ImportWish())

    with person.workspace.store() as store:
        done = registry.write(store, "ccd", EVERYTHING, io.BytesIO())

    reasons = [one.reason for one in done.left_out if one.type == "DocumentReference"]
    assert reasons == [OPENED_DOCUMENT]


def test_an_order_among_the_results_is_no_result() -> None:
    ordered = panel(result("2345-7", "")).replace('moodCode="EVN"', 'moodCode="RQO"')

    told = of(read(document(section("results", ordered))), "Observation", having="2345-7")

    assert [one for one in told if one["status"] == "final"] == []


@pytest.mark.parametrize("mood", ["INT", "GOL", "PRP"])
def test_a_problem_that_is_no_event_is_no_fact(mood: str) -> None:
    feared = problem(coded("value", "44054006")).replace('"OBS" moodCode="EVN"', f'"OBS" moodCode="{mood}"')

    resources = read(document(section("problems", feared)))

    assert [one for one in of(resources, "Condition") if verified(one) in ("", "confirmed")] == []
    assert "44054006" in orjson.dumps(resources).decode()


def test_a_dose_in_words_is_kept_in_words() -> None:
    dose = '<doseQuantity value="1 to 2" unit="tablets"/>'

    took = one(
        read(document(section("medications", drug(coded("code", "5640", RXNORM), PERIOD + dose)))),
        "MedicationStatement",
    )

    assert "1 to 2" in orjson.dumps(took).decode()


TABLE = "<table><tbody><tr><td>38.5</td></tr></tbody></table>"
LIST = "<list><item>rest <content>and</content> tea</item></list>"


@pytest.mark.parametrize("rich", ["", '<linkHtml href="https://example.org">this</linkHtml>', TABLE, LIST])
@pytest.mark.parametrize("held", ["paragraph", "content", "item"])
def test_a_note_keeps_the_words_after_its_markup(held: str, rich: str) -> None:
    words = f'<{held} ID="n1">Seen <content styleCode="Bold">today</content>. <br/>{rich}Plan: rest.</{held}>'
    text = {"item": f"<list>{words}</list>", "content": f"<paragraph>{words}</paragraph>"}.get(held, words)
    author = '<author><time value="20230101"/><assignedAuthor><id nullFlavor="NI"/></assignedAuthor></author>'
    inner = (
        f'<code code="34109-9" codeSystem="{LOINC}"/><text><reference value="#n1"/></text>'
        f'<statusCode code="completed"/><effectiveTime value="20230101"/>{author}'
    )
    note = within("entry", statement("act", "ACT", inner, root="4.202", id_="n"), "DRIV")
    xml = document(section("plan", note, text=text).replace("18776-5", "11506-3").replace("2.10", "2.65"))

    kept = [
        base64.b64decode(part["attachment"].get("data", "")).decode()
        for told in of(read(xml), "DocumentReference")
        for part in told["content"]
        if part["attachment"]["contentType"] != "application/xml"
    ]

    assert len(kept) == 1 and "today" in kept[0] and "Plan: rest." in kept[0]


def test_bytes_that_are_no_base64_make_no_invalid_resource() -> None:
    body = "<component><nonXMLBody>"
    body += (
        '<text mediaType="application/pdf" representation="B64">@@@ no @@@</text></nonXMLBody></component>'
    )

    for told in of(read(document(body=body)), "DocumentReference"):
        for part in told["content"]:
            base64.b64decode(part["attachment"].get("data", ""), validate=True)


DENIED = {
    "problem": (
        "problems",
        problem(coded("value", "22298006", display="Infarction"), more=NEGATED),
        "Infarction",
    ),
    "allergy": ("allergies", allergy(coded("code", "111088007", display="Latex"), more=NEGATED), "Latex"),
    "drug": ("medications", drug(coded("code", "3407", RXNORM, "Digoxin"), PERIOD, more=NEGATED), "Digoxin"),
    "vaccine": ("immunizations", shot("207", "Spikevax", more=NEGATED), "Spikevax"),
    "procedure": ("procedures", procedure("44950", more=NEGATED).replace('Name=""', 'Name="Appy"'), "Appy"),
}


@pytest.mark.parametrize("kind", DENIED)
def test_what_is_denied_is_seen_to_be_denied_in_the_timeline(
    person: Person,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    kind: str,
) -> None:
    name, entry, title = DENIED[kind]
    path = tmp_path / "a.xml"
    path.write_text(document(section(name, entry)))
    person.workspace.import_files([path], ImportWish())
    for variable, value in person.environ.items():
        monkeypatch.setenv(variable, value)

    with pytest.raises(SystemExit):
        run(("timeline",))

    line = next(line for line in capsys.readouterr().out.splitlines() if title in line)
    assert re.search(r"\b(no|not|denied|refuted|never)\b", line.lower().replace("note", ""))
