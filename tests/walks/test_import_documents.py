"""C-CDA documents that came with a sync are read into records, once, beside their connection."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from phr.errors import UsageError
from phr.sandbox.server import Sandbox
from phr.workspace.files import ImportWish
from phr.workspace.from_documents import DocumentsWish, from_documents
from phr.workspace.undo import undo

PROBLEM = """<entry><act classCode="ACT" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.3"/>
<id root="2.16.840.1.113883.19.5" extension="c-{text}"/><code code="CONC" codeSystem="2.16.840.1.113883.5.6"/>
<statusCode code="active"/><entryRelationship typeCode="SUBJ"><observation classCode="OBS" moodCode="EVN">
<templateId root="2.16.840.1.113883.10.20.22.4.4"/><id root="2.16.840.1.113883.19.5" extension="{text}"/>
<code code="55607006" codeSystem="2.16.840.1.113883.6.96"/><statusCode code="completed"/>
<effectiveTime><low value="20190304"/></effectiveTime>
<value xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CD" code="{code}"
 codeSystem="2.16.840.1.113883.6.96" displayName="{text}"/></observation></entryRelationship></act></entry>"""


def ccda(*problems: tuple[str, str], given: str = "Ada", born: str = "19701231", number: int = 1) -> bytes:
    """A small document with a section of problems."""
    entries = "".join(PROBLEM.format(text=text, code=code) for text, code in problems)
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<ClinicalDocument xmlns="urn:hl7-org:v3"><realmCode code="US"/>
<typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>
<templateId root="2.16.840.1.113883.10.20.22.1.2"/><id root="2.16.840.1.113883.19" extension="doc-{number}"/>
<code code="34133-9" codeSystem="2.16.840.1.113883.6.1"/><title>Summary</title><effectiveTime value="20200101"/>
<recordTarget><patientRole><id root="2.16.840.1.113883.19.4" extension="{given}"/><patient>
<name><given>{given}</given><family>Quill</family></name><birthTime value="{born}"/></patient></patientRole></recordTarget>
<custodian><assignedCustodian><representedCustodianOrganization><id root="2.16.840.1.113883.19.6"/><name>Old clinic</name>
</representedCustodianOrganization></assignedCustodian></custodian>
<component><structuredBody><component><section><templateId root="2.16.840.1.113883.10.20.22.2.5.1"/>
<code code="11450-4" codeSystem="2.16.840.1.113883.6.1"/><title>Problems</title><text>as listed</text>{entries}
</section></component></structuredBody></component></ClinicalDocument>""".encode()


ASTHMA, GOUT = ("Asthma", "195967001"), ("Gout", "90560007")
PATIENT = {
    "resourceType": "Patient", "id": "p", "name": [{"family": "Quill", "given": ["Ada"]}], "birthDate": "1970-12-31",
}  # fmt: skip


def letter(id_: str, content: bytes, status: str = "current") -> dict[str, Any]:
    data = base64.b64encode(content).decode()
    return {
        "resourceType": "DocumentReference",
        "id": id_,
        "status": status,
        "subject": {"reference": "Patient/p"},
        "type": {"text": "Summary"},
        "content": [{"attachment": {"contentType": "application/xml", "data": data}}],
    }


@pytest.fixture
def clinic(person: Any, hospital: Callable[..., Sandbox]) -> Callable[..., Any]:
    """A person connected to a clinic that sent these."""

    def begin(*resources: dict[str, Any]) -> Any:
        person.connect(hospital(resources=(PATIENT, *resources)), name="clinic")
        return person

    return begin


def sql(person: Any, question: str) -> list[tuple[Any, ...]]:
    with person.workspace.store() as store:
        return list(store.db.execute(question).fetchall())


def problems(person: Any) -> list[tuple[str, str]]:
    return sql(
        person,
        "SELECT rec.title, s.name FROM record rec JOIN record_source rs ON rs.record_id = rec.id"
        " JOIN source s ON s.id = rs.source_id WHERE rec.kind = 'problem' AND rec.supporting = 0"
        " ORDER BY rec.title, s.name",
    )


def test_documents_become_records_of_a_source_beside_the_connection(clinic: Any) -> None:
    person = clinic(letter("d", ccda(ASTHMA, GOUT)))
    assert person.sync().unread == 1
    looked = from_documents(person.workspace, DocumentsWish(dry_run=True))
    assert (looked.job_id, looked.files[0].new > 2) == (None, True)
    assert problems(person) == []
    report = from_documents(person.workspace, DocumentsWish())
    (file,) = report.files
    assert (report.exit_status, file.source, file.new) == (0, "clinic documents", looked.files[0].new)
    assert file.file.startswith("clinic document ")
    assert problems(person) == [("Asthma", "clinic documents"), ("Gout", "clinic documents")]
    assert [one["section"] for one in file.sections] == ["11450-4"]
    again = from_documents(person.workspace, DocumentsWish())
    assert (again.job_id, again.files, again.exit_status) == (None, (), 0)


def test_the_document_itself_is_not_kept_twice_and_is_still_pointed_at(clinic: Any) -> None:
    person = clinic(letter("d", ccda(ASTHMA)))
    person.sync()
    from_documents(person.workspace, DocumentsWish())
    assert sql(person, "SELECT count(*) FROM resource WHERE type = 'DocumentReference'") == [(1,)]
    bodies = sql(
        person, "SELECT r.raw FROM resource r JOIN source s ON s.id = r.source_id WHERE s.kind = 'import'"
    )
    raw = [bytes(row[0]) for row in bodies]
    here = {f"{one['resourceType']}/{one['id']}" for one in map(orjson.loads, raw)}
    pointed = {words for one in raw for words in _references(orjson.loads(one))}
    elsewhere = {words for words in pointed if words not in here and not words.startswith("#")}
    assert elsewhere, "the provenance names the document that it was read from"
    assert all(words.startswith("http") and words.endswith("/DocumentReference/d") for words in elsewhere)


def _references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["reference"]] if isinstance(node.get("reference"), str) else []
        return own + [words for value in node.values() for words in _references(value)]
    return [words for value in node for words in _references(value)] if isinstance(node, list) else []


def test_a_sync_after_it_leaves_what_was_read_in_and_offers_only_what_is_new(
    clinic: Any, hospital: Callable[..., Sandbox]
) -> None:
    person = clinic(letter("d", ccda(ASTHMA)))
    person.sync()
    from_documents(person.workspace, DocumentsWish())
    assert person.sync(full=True).unread == 0
    assert problems(person) == [("Asthma", "clinic documents")]
    assert sql(person, "SELECT count(*) FROM absence") == [(0,)]


def test_the_same_fact_from_both_is_one_record(clinic: Any) -> None:
    condition = {
        "resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/p"}, "onsetDateTime": "2019-03-04",
        "clinicalStatus": {"coding": [
            {"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]},
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": ASTHMA[1], "display": "Asthma"}]},
    }  # fmt: skip
    person = clinic(condition, letter("d", ccda(ASTHMA)))
    person.sync()
    job = from_documents(person.workspace, DocumentsWish()).job_id
    assert problems(person) == [("Asthma", "clinic"), ("Asthma", "clinic documents")]
    assert sql(person, "SELECT count(*) FROM record WHERE kind = 'problem' AND supporting = 0") == [(1,)]
    undo(person.workspace, job)
    assert problems(person) == [("Asthma", "clinic")]


def test_undone_documents_wait_again(clinic: Any) -> None:
    person = clinic(letter("d", ccda(ASTHMA)))
    person.sync()
    job = from_documents(person.workspace, DocumentsWish()).job_id
    told = undo(person.workspace, job).told
    assert told.sources == ("clinic documents",)
    assert problems(person) == []
    assert sql(person, "SELECT count(*) FROM document") == [(1,)], "the clinic's own stays"
    assert from_documents(person.workspace, DocumentsWish()).files[0].new > 0
    assert problems(person) == [("Asthma", "clinic documents")]


def test_what_cannot_be_read_or_is_anothers_is_named_once_and_the_rest_comes(clinic: Any) -> None:
    person = clinic(
        letter("good", ccda(ASTHMA)),
        letter("cut", ccda(GOUT, number=2)[:900]),
        letter("hers", ccda(GOUT, given="Eve", born="20100101", number=3)),
        letter("taken-back", ccda(("Flu", "6142004"), number=4), "entered-in-error"),
        letter("pdf", b"%PDF-1.4 nothing"),
    )
    assert person.sync().unread == 3
    report = from_documents(person.workspace, DocumentsWish())
    assert report.exit_status == 3
    errors = sorted(one.error or "" for one in report.files)
    assert errors[0] == ""
    assert sum("another person" in words for words in errors) == 1
    assert not any(word in words for words in errors for word in ("Eve", "Quill", "Gout"))
    assert problems(person) == [("Asthma", "clinic documents")]
    assert from_documents(person.workspace, DocumentsWish()).files == ()


def test_a_file_with_the_same_bytes_was_read_already(clinic: Any, tmp_path: Any) -> None:
    person = clinic(letter("d", ccda(ASTHMA)))
    file = tmp_path / "summary.xml"
    file.write_bytes(ccda(ASTHMA))
    person.sync()
    person.workspace.import_files([file], ImportWish())
    assert from_documents(person.workspace, DocumentsWish()).files == ()
    with pytest.raises(UsageError):
        from_documents(person.workspace, DocumentsWish(sources=("summary",)))


def test_the_sync_and_the_list_of_documents_offer_it_in_one_line(phr: Any, clinic: Any) -> None:
    person = clinic(letter("d", ccda(ASTHMA)))
    assert "1 document holds records in C-CDA form: phr import --from-documents" in phr("sync").out
    assert "--from-documents" in phr("documents", "list").err
    assert phr("sync", "--quiet").out == ""
    answer = phr("import", "--from-documents", "--source", "clinic", "--json")
    assert (answer.status, answer.json["files"][0]["format"]) == (0, "ccda")
    assert "--from-documents" not in phr("sync").out + phr("documents", "list").err
    assert "No document waits" in phr("import", "--from-documents").err
    assert person.said is not None
