"""An attacker who looks for what is withheld in every corner: markup, other sources, earlier names, depth, hits."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from tests.exporters.laid_open import laid_open

from phr.exporters.base import Options
from phr.exporters.registry import FORMATS, write
from phr.model import Received
from phr.store.store import Store
from phr.views.selection import Selection

WAYS = [
    *((name, {}) for name in FORMATS),
    ("fhir", {"bundle": "document"}),
    ("ccd", {"template": "referral-note"}),
    ("csv", {"research": True}),
]
SUBJECT = {"subject": {"reference": "Patient/p"}}
Make = Callable[..., Received]


def _files(store: Store, selection: Selection | None = None, **how: Any) -> dict[str, bytes]:
    """What every format says, with all that is in base64 laid open."""
    found = {}
    for format_, more in WAYS:
        out = io.BytesIO()
        write(store, format_, selection or Selection(), out, Options(**more, **how))
        found[f"{format_} {more}"] = laid_open(out.getvalue())
    return found


def _telling(store: Store, word: str, selection: Selection | None = None) -> list[str]:
    return [name for name, body in _files(store, selection).items() if word.encode() in body]


def _patient(make: Make) -> Received:
    return make("Patient", "p", name=[{"family": "Example", "given": ["Ada"]}], birthDate="1990")


def _visit(make: Make, **more: Any) -> Received:
    return make("Encounter", "e", status="finished", period={"start": "2020"}, type=[{"text": "Visit"}], **SUBJECT,
                **{"class": {"code": "AMB"}}, **more)  # fmt: skip


def _div(words: str) -> dict[str, Any]:
    return {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{words}</div>'}


def _text(words: bytes) -> dict[str, str]:
    return {"contentType": "text/plain", "data": base64.b64encode(words).decode()}


def _letter(make: Make, words: bytes, id_: str = "letter") -> Received:
    return make("DocumentReference", id_, status="current", type={"text": "Letter"}, date="2020-03-02T10:00:00Z",
                content=[{"attachment": _text(words)}], **SUBJECT)  # fmt: skip


def _secret(
    store: Store, source: str, make: Make, code: dict[str, Any], *others: Received, **fields: str
) -> None:
    condition = make("Condition", "secret", code=code, onsetDateTime="2020", **SUBJECT)
    store.save(source, [_patient(make), condition, *others])
    store.own.correct(_number(store, "secret"), {"sensitivity": "restricted", **fields})


def _number(store: Store, id_: str) -> int:
    return int(store.db.execute("SELECT id FROM resource WHERE fhir_id = ?", (id_,)).fetchone()[0])


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Opioid use disorder", "Opioid <b>use</b> disorder LEAK"),
        ("Crohn's disease", "Crohn&#39;s <i>disease</i> LEAK"),
        ("Ménière's disease", "Meniere\u2019s disease LEAK"),
    ],
)
def test_a_narrative_that_names_it_stays_out_at_every_depth(
    store: Store, source: str, received: Make, name: str, words: str
) -> None:
    goal = {"resourceType": "Goal", "id": "g", "lifecycleStatus": "active", "description": {"text": "x"},
            "text": _div(words), **SUBJECT}  # fmt: skip
    _secret(
        store, source, received, {"text": name},
        _visit(received, text=_div(words)),
        received("CarePlan", "cp", status="active", intent="plan", title="Plan", contained=[goal],
                 goal=[{"reference": "#g"}], period={"start": "2020"}, **SUBJECT),
        received("Composition", "comp", status="final", type={"text": "Letter"}, date="2020-04-02", title="Letter",
                 author=[{"display": "x"}], section=[{"title": "Problems", "text": _div(words)}], **SUBJECT),
    )  # fmt: skip

    assert _telling(store, "LEAK") == []
    assert _telling(store, "Visit")


@pytest.mark.parametrize("coding", ["utf-8", "utf-16"])
def test_a_name_of_three_letters_is_a_name(store: Store, source: str, received: Make, coding: str) -> None:
    words = "Your patient has HIV. LEAK"
    report = received("DiagnosticReport", "r", status="final", code={"text": "Report"}, effectiveDateTime="2020",
                      conclusion="HIV, LEAK", presentedForm=[_text(words.encode(coding))], **SUBJECT)  # fmt: skip
    _secret(store, source, received, {"text": "HIV"}, _letter(received, words.encode(coding)), report,
            _letter(received, b"An archive, SHIVERS", "other"))  # fmt: skip

    assert _telling(store, "LEAK") == []
    assert _telling(store, "SHIVERS")


@pytest.mark.parametrize("named", ["Original Wordington", "Displayed Otherwise", "Renamed Byhand"])
def test_every_name_that_it_ever_had_is_one(store: Store, source: str, received: Make, named: str) -> None:
    coding = {"system": "http://snomed.info/sct", "code": "111", "display": "Displayed Otherwise (disorder)"}
    code = {"text": "Original Wordington", "coding": [coding]}
    _secret(
        store,
        source,
        received,
        code,
        _letter(received, f"You have {named}: LEAK".encode()),
        title="Renamed Byhand",
    )

    assert _telling(store, "LEAK") == []


def test_an_entry_about_a_record_of_another_source_does_not_tell_it(
    store: Store, source: str, received: Make
) -> None:
    _secret(store, source, received, {"text": "Zorblattosis"})
    server = store.sources.ensure("ward", fhir_base="https://ward.example/fhir/").key
    store.save(server, [received("Condition", "far", code={"text": "Quibbleache"}, onsetDateTime="2021")])
    store.own.correct(_number(store, "far"), {"sensitivity": "restricted"})
    own = store.sources.ensure("self").key
    about = [
        {"reference": f"https://phr.invalid/{source}/Condition/secret", "display": "Zorblattosis"},
        {"reference": "https://ward.example/fhir/Condition/far/_history/3", "display": "Quibbleache"},
        {"reference": "https://ward.example/fhir/Condition/near", "display": "Ordinary"},
    ]
    store.save(own, [
        received("Task", f"t{at}", status="requested", intent="order", code={"text": "Call"}, focus=one,
                 authoredOn="2021") for at, one in enumerate(about)
    ])  # fmt: skip

    for word in ("Zorblattosis", "Quibbleache", "Condition/secret", "Condition/far"):
        assert _telling(store, word) == []
    assert _telling(store, "Ordinary")


@pytest.mark.parametrize(
    "address", ["Condition/secret", "https://any.example/fhir/Condition/secret", "urn:uuid:SECRET"]
)
def test_an_address_is_one_wherever_it_stands(
    store: Store, source: str, received: Make, address: str
) -> None:
    task = received("Task", "t", status="requested", intent="order", description="Do it", authoredOn="2020",
                    input=[{"type": {"text": "LEAK"}, "valueUri": address}], instantiatesUri="Condition/open")  # fmt: skip
    plan = received("CarePlan", "cp", status="active", intent="plan", title="Plan", period={"start": "2020"},
                    instantiatesUri=[address, "https://any.example/x"], **SUBJECT)  # fmt: skip
    _secret(store, source, received, {"text": "Zorblattosis"}, task, plan)

    assert _telling(store, "LEAK") == []
    assert _telling(store, address) == []
    assert _telling(store, "https://any.example/x")


def test_panels_around_it_stay_out_however_many(store: Store, source: str, received: Make) -> None:
    chain = [
        received("Observation", f"c{at}", status="final", code={"text": f"Link {at} LEAK"}, effectiveDateTime="2020",
                 hasMember=[{"reference": f"Observation/c{at - 1}"}] if at else [], **SUBJECT)
        for at in range(40)
    ]  # fmt: skip
    mixed = received("Observation", "mixed", status="final", code={"text": "Mixed"}, effectiveDateTime="2020",
                     hasMember=[{"reference": "Observation/c39"}, {"reference": "Observation/open"}], **SUBJECT)  # fmt: skip
    store.save(source, [_patient(received), *chain, mixed])
    store.own.correct(_number(store, "c0"), {"sensitivity": "restricted"})

    assert _telling(store, "LEAK") == []
    assert _telling(store, "Mixed")


def test_who_stands_only_in_what_is_cut_stays_at_home(store: Store, source: str, received: Make) -> None:
    by = {"url": "https://x.example/by", "valueReference": {"reference": "Practitioner/hush"}}
    visit = _visit(received, diagnosis=[{"condition": {"reference": "Condition/secret"}, "extension": [by]}],
                   participant=[{"individual": {"reference": "Practitioner/known"}}])  # fmt: skip
    _secret(
        store, source, received, {"text": "Zorblattosis"}, visit,
        received("Practitioner", "hush", name=[{"family": "LEAK"}]),
        received("Practitioner", "known", name=[{"family": "Marrow"}]),
    )  # fmt: skip

    assert _telling(store, "LEAK") == []
    assert _telling(store, "Marrow")


def test_a_search_brings_nothing_that_only_its_hidden_words_explain(
    store: Store, source: str, received: Make
) -> None:
    reason = [{"reference": "Condition/secret", "display": "Zorblattosis"}]
    _secret(
        store, source, received, {"text": "Zorblattosis"},
        _visit(received, reasonReference=reason),
        received("Procedure", "biopsy", status="completed", code={"text": "Biopsy"}, performedDateTime="2020",
                 reasonReference=reason, **SUBJECT),
        received("Procedure", "own", status="completed", code={"text": "Talk"}, performedDateTime="2020",
                 note=[{"text": "about zorblattosis"}], **SUBJECT),
    )  # fmt: skip

    hidden = Selection(search="zorblattosis")
    assert (_telling(store, "Biopsy", hidden), _telling(store, "Visit", hidden)) == ([], [])
    assert _telling(store, "Talk", hidden), "it says so by itself"
    assert _telling(store, "Biopsy", Selection(search="biopsy")), "its own word is still there"


@pytest.mark.parametrize(("notes", "tags"), [(False, []), (True, ["sharks"])])
def test_tags_are_as_private_as_notes(
    store: Store, source: str, received: Make, notes: bool, tags: list[str]
) -> None:
    store.save(
        source, [_patient(received), received("Condition", "c", code={"text": "Cough"}, onsetDateTime="2020")]
    )
    store.own.tag(_number(store, "c"), ["sharks"])
    out = io.BytesIO()
    write(store, "json", Selection(), out, Options(notes=notes))

    assert [event["tags"] for event in orjson.loads(out.getvalue())["events"]] == [tags]


def test_a_copy_that_came_after_the_mark_stays_out_when_the_first_source_takes_its_word_back(
    store: Store, received: Make
) -> None:
    code = {"coding": [{"system": "http://snomed.info/sct", "code": "195967001"}], "text": "Asthma"}
    body = {"code": code, "onsetDateTime": "2018-05-03", "recordedDate": "2018-05-03"}
    north, south = (store.sources.ensure(name).key for name in ("north", "south"))
    store.save(north, [_patient(received), received("Condition", "a", **body)])
    store.own.correct(_number(store, "a"), {"sensitivity": "restricted"})
    store.save(south, [received("Condition", "b", **body)])
    store.matches.settle()
    assert _telling(store, "Asthma") == []

    store.save(
        north,
        [received("Condition", "a", **body, verificationStatus={"coding": [{"code": "entered-in-error"}]})],
    )
    store.matches.settle()
    assert _telling(store, "Asthma") == []


def test_a_correction_in_a_document_is_the_patients_and_no_organizations(
    store: Store, source: str, received: Make, judge: Callable[[bytes, Path], list[str]], tmp_path: Path
) -> None:
    note = {"text": "seen", "authorString": "Dr. Marrow", "time": "2019-01-01T00:00:00Z"}
    condition = received(
        "Condition", "c", code={"text": "Cough"}, onsetDateTime="2018", note=[note], **SUBJECT
    )
    store.save(source, [_patient(received), condition])
    store.own.correct(_number(store, "c"), {"date": "2019-05"})
    out = io.BytesIO()
    write(store, "ccd", Selection(), out, Options())

    from lxml import etree

    names = {"c": "urn:hl7-org:v3"}
    authors = etree.fromstring(out.getvalue()).xpath(
        "//c:act[c:code/@code='48767-8']/c:author", namespaces=names
    )
    said = {
        one.findtext(".//c:family", namespaces=names): (
            one.xpath("boolean(.//c:representedOrganization)", namespaces=names),
            one.xpath("string(./c:assignedAuthor/c:code/@code)", namespaces=names),
        )
        for one in authors
    }
    assert said["Example"] == (False, "ONESELF")
    assert [organization for name, (organization, _) in said.items() if name != "Example"] == [True]
    assert judge(out.getvalue(), tmp_path) == []
