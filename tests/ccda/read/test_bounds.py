"""Large and hostile documents: twice as much takes about twice as long, and no words are repeated without end."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from phr.ccda.read import said
from phr.ccda.read.document import read
from phr.ccda.read.report import ReadDocument

T = "2.16.840.1.113883.10.20.22.4."
LOINC = "2.16.840.1.113883.6.1"


def document(section: str, header: str = "") -> ReadDocument:
    return read(
        f"""<ClinicalDocument xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<recordTarget><patientRole><id root="1.2.3.4.5" extension="p"/></patientRole></recordTarget>{header}
<component><structuredBody>{section}</structuredBody></component></ClinicalDocument>""".encode()
    )


def section(code: str, text: str, *entries: str) -> str:
    whole = "".join(f"<entry>{each}</entry>" for each in entries)
    return (
        f'<component><section><code code="{code}" codeSystem="{LOINC}"/><text>{text}</text>{whole}'
        "</section></component>"
    )


def result(number: int, id_: str = "") -> str:
    own = id_ or f'<id root="1.2.3.4.9" extension="{number}"/>'
    return (
        f'<observation classCode="OBS" moodCode="EVN"><templateId root="{T}2"/>{own}<code code="2345-7"'
        f' codeSystem="{LOINC}"/><statusCode code="completed"/><effectiveTime value="20200101"/>'
        f'<value xsi:type="PQ" value="{number}" unit="mg/dL"/></observation>'
    )


def organizer(*results: str) -> str:
    parts = "".join(f"<component>{each}</component>" for each in results)
    return (
        f'<organizer classCode="BATTERY" moodCode="EVN"><templateId root="{T}1"/><id root="1.2.3.4.8" extension="o"/>'
        f'<code code="24323-8" codeSystem="{LOINC}"/><statusCode code="completed"/>{parts}</organizer>'
    )


def problem(number: int, inner: str = "", ids: str = "") -> str:
    return (
        f'<act classCode="ACT" moodCode="EVN"><templateId root="{T}3"/>{ids}<code code="CONC"/><statusCode code="active"/>'
        '<entryRelationship typeCode="SUBJ"><observation classCode="OBS" moodCode="EVN">'
        f'<templateId root="{T}4"/><id root="1.2.3.4.7" extension="{number}"/><code code="55607006"/>'
        f'<value xsi:type="CD" code="{number}" codeSystem="2.16.840.1.113883.6.96"/>{inner}</observation>'
        "</entryRelationship></act>"
    )


def pressure(number: int) -> str:
    time = f'<effectiveTime value="2020{number % 12 + 1:02}{number % 28 + 1:02}{number % 24:02}"/>'
    return "".join(
        f'<component><observation classCode="OBS" moodCode="EVN"><templateId root="{T}27"/>'
        f'<id root="1.2.3.4.6" extension="{number}-{code}"/><code code="{code}" codeSystem="{LOINC}"/>'
        f'<statusCode code="completed"/>{time}<value xsi:type="PQ" value="{number}" unit="mm[Hg]"/></observation>'
        "</component>"
        for code in ("8480-6", "8462-4")
    )


def author(number: int) -> str:
    return (
        f'<author><time value="20240101"/><assignedAuthor><id root="1.2.3.9" extension="{number}"/>'
        "<assignedAuthoringDevice><softwareName>s</softwareName></assignedAuthoringDevice></assignedAuthor></author>"
    )


def performer(number: int) -> str:
    name = f"<given>a</given><family>b{number}</family>"
    return (
        f'<performer><assignedEntity><id root="1.2.3.9" extension="{number}"/><assignedPerson><name>{name}</name>'
        "</assignedPerson></assignedEntity></performer>"
    )


ONE_ID = '<id root="1.2.3.4.6" extension="one"/>'


def visit(number: int) -> str:
    return (
        f'<encounter classCode="ENC" moodCode="EVN"><templateId root="{T}49"/>{ONE_ID}<code code="99213"'
        f' codeSystem="2.16.840.1.113883.6.12"/><effectiveTime value="2020010{number % 9 + 1}"/></encounter>'
    )


def many(make: Callable[[int], str], count: int) -> list[str]:
    return [make(number) for number in range(count)]


LARGE: dict[str, Callable[[int], tuple[str, str]]] = {
    "results of one organizer": lambda n: (section("30954-2", "x", organizer(*many(result, n))), ""),
    "results of one id": lambda n: (
        section("30954-2", "x", organizer(*(result(number, ONE_ID) for number in range(n)))),
        "",
    ),
    "blood pressures of one organizer": lambda n: (
        section(
            "8716-3",
            "x",
            f'<organizer classCode="CLUSTER" moodCode="EVN"><templateId root="{T}26"/>'
            f"{''.join(many(pressure, n))}</organizer>",
        ),
        "",
    ),
    "authors of the header": lambda n: (section("11450-4", "x", *many(problem, n)), "".join(many(author, n))),
    "ids of one act": lambda n: (
        section(
            "11450-4",
            "x",
            problem(1, ids="".join(many(lambda one: f'<id root="1.2.3" extension="{one}"/>', n))),
        ),
        "",
    ),
    "visits of one id": lambda n: (
        section("46240-8", "x", *many(visit, n))
        + section(
            "11450-4",
            "x",
            *many(
                lambda one: problem(
                    one,
                    f'<entryRelationship typeCode="COMP"><encounter classCode="ENC" moodCode="EVN">{ONE_ID}</encounter>'
                    "</entryRelationship>",
                ),
                n,
            ),
        ),
        "",
    ),
    "performers of one procedure": lambda n: (
        section(
            "47519-4",
            "x",
            f'<procedure classCode="PROC" moodCode="EVN"><templateId root="{T}14"/><id root="1.2.3.4.5" extension="q"/>'
            f'<code code="80146002" codeSystem="2.16.840.1.113883.6.96"/>{"".join(many(performer, n))}</procedure>',
        ),
        "",
    ),
    "sections": lambda n: ("".join(section("11450-4", f"words {number} of it") for number in range(n)), ""),
    "rows without a heading": lambda n: (
        section(
            "10160-0",
            f'<table><tbody>{"".join(many(lambda one: f"""<tr ID="r{one}"><td>drug</td></tr>""", n))}</tbody></table>',
            *many(
                lambda one: (
                    f'<substanceAdministration classCode="SBADM" moodCode="EVN"><templateId root="{T}16"/>'
                    f'<text><reference value="#r{one}"/></text></substanceAdministration>'
                ),
                n,
            ),
        ),
        "",
    ),
}


def _steps(body: tuple[str, str]) -> int:
    """How many calls reading takes: the same on every machine."""
    count = 0

    def counted(_: Any, event: str, __: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(counted)
    try:
        document(*body)
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("kind", LARGE)
def test_twice_as_much_takes_twice_as_many_steps(kind: str) -> None:
    make = LARGE[kind]
    document(*make(2))  # what is loaded once is loaded

    once, twice = _steps(make(40)), _steps(make(160))

    assert twice < 4.8 * once


COMMENT = (
    f'<entryRelationship typeCode="SUBJ"><act classCode="ACT" moodCode="EVN"><templateId root="{T}64"/>'
    '<code code="48767-8"/><text><reference value="#a"/></text></act></entryRelationship>'
)


def test_one_long_element_is_not_repeated_whole_by_each_that_points_at_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(said, "ALL_LONG", 512 * 1024)
    long = f'<content ID="a">{"word " * 40_000}end</content>'

    found = document(section("11450-4", long, *(problem(number, COMMENT) for number in range(50))))

    sizes = [
        len(msgspec.json.encode(each)) for each in found.resources if each["resourceType"] == "Condition"
    ]
    assert len(sizes) == 50 and max(sizes) < 70_000 and sum(sizes) < 1_000_000
    assert [problem.known for problem in found.problems if "only the beginning" in problem.reason] == [True]


def test_words_of_usual_length_are_taken_whole_however_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(said, "ALL_LONG", 0)
    told = "Seen today and well. " * 20

    found = document(
        section("11450-4", f'<content ID="a">{told}</content>', *(problem(n, COMMENT) for n in range(30)))
    )

    notes = [each["note"][0]["text"] for each in found.resources if each["resourceType"] == "Condition"]
    assert notes == [told.strip()] * 30
    assert not any("only the beginning" in problem.reason for problem in found.problems)


def test_many_notes_of_one_long_element_do_not_multiply_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(said, "ALL_PAGES", 300 * 1024)
    note = f'<act classCode="ACT" moodCode="EVN"><templateId root="{T}202"/>%s<text><reference value="#a"/></text></act>'
    long = f'<paragraph ID="a">{"word " * 40_000}</paragraph>'

    found = document(
        section("11506-3", long, *(note % f'<id root="1.2.3.4.5" extension="n{n}"/>' for n in range(20)))
    )

    sizes = [
        len(msgspec.json.encode(each))
        for each in found.resources
        if each["resourceType"] == "DocumentReference"
    ]
    assert sum(size > 250_000 for size in sizes) == 2  # the first note, and the document itself
    assert len(sizes) == 21
