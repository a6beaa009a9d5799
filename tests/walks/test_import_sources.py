"""Under which source files come in: never two senders under one name; and what is not a file's to name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from phr.sandbox.server import Sandbox
from phr.workspace.from_documents import DocumentsWish, from_documents
from phr.workspace.undo import undo

from .conftest import Asked, Desk
from .test_import import bundle, rows, titles
from .test_import_documents import ASTHMA, GOUT, PATIENT, ccda, letter, problems


def document(folder: Path, custodian: str, *facts: tuple[str, str], number: int = 1) -> str:
    """`DOC0001.XML` of a hospital, as each of them calls it."""
    folder.mkdir(exist_ok=True)
    path = folder / "DOC0001.XML"
    path.write_bytes(ccda(*facts, number=number).replace(b"Old clinic", custodian.encode()))
    return str(path)


def sources(answer: Any) -> list[str]:
    return [one["source"] for one in answer.json["files"]]


def test_two_hospitals_files_of_one_name_are_two_sources(phr: Any, tmp_path: Path) -> None:
    harbor = document(tmp_path / "a", "Harbor Hospital", ASTHMA)
    ridge = document(tmp_path / "b", "Ridge Hospital", GOUT)
    first = phr("import", harbor)
    assert "DOC0001.XML (C-CDA), as DOC0001, from Harbor Hospital:" in first.out
    second = phr("import", ridge)
    assert "as DOC0001-2, from Ridge Hospital:" in second.out
    assert "The source DOC0001 is from another sender" in second.out
    assert titles(phr).count("Asthma") == titles(phr).count("Gout") == 1
    for looked in ((), ("--dry-run",)):
        again = phr("import", ridge, harbor, "--json", *looked)
        assert sources(again) == ["DOC0001-2", "DOC0001"]
        assert [one["unchanged"] > 0 and one["new"] == 0 for one in again.json["files"]] == [True, True]


@pytest.mark.parametrize("looked", [(), ("--dry-run",)])
def test_within_one_command_too(phr: Any, tmp_path: Path, looked: tuple[str, ...]) -> None:
    files = [document(tmp_path / name, name) for name in ("Harbor", "Ridge")]
    assert sources(phr("import", *files, "--json", *looked)) == ["DOC0001", "DOC0001-2"]


def test_the_next_document_of_one_sender_goes_where_the_first_one_is(phr: Any, tmp_path: Path) -> None:
    phr("import", document(tmp_path / "a", "Harbor Hospital", ASTHMA))
    answer = phr("import", document(tmp_path / "b", "HARBOR  Hospital", GOUT, number=2), "--json")
    assert sources(answer) == ["DOC0001"]
    assert answer.json["files"][0]["instead_of"] is None


def test_a_name_that_was_said_is_taken_and_one_that_is_free_again_too(phr: Any, tmp_path: Path) -> None:
    harbor, ridge = document(tmp_path / "a", "Harbor", ASTHMA), document(tmp_path / "b", "Ridge", GOUT)
    job = phr("import", harbor, "--json").json["job_id"]
    assert sources(phr("import", ridge, "--as", "DOC0001", "--dry-run", "--json")) == ["DOC0001"]
    phr("import", "--undo", job)
    assert sources(phr("import", ridge, "--json")) == ["DOC0001"]


def test_the_standard_input_has_a_name(phr: Any, tmp_path: Path) -> None:
    words = bundle(tmp_path / "a.json", "Asthma").read_text()
    assert sources(phr("import", "-", "--json", stdin=words)) == ["standard input"]


# ── connections and what is read out of their documents ───────────────────────────────────────────────


@pytest.fixture
def clinic(person: Any, hospital: Callable[..., Sandbox]) -> Any:
    """A person whose clinic sent a document."""
    person.connect(hospital(resources=(PATIENT, letter("d", ccda(ASTHMA)))), name="clinic")
    person.sync()
    return person


def test_a_file_speaks_neither_as_a_connection_nor_as_its_documents(
    phr: Any, clinic: Any, tmp_path: Path
) -> None:
    from_documents(clinic.workspace, DocumentsWish())
    file = str(bundle(tmp_path / "a.json", "Flu"))
    for name, why in (
        ("clinic", "is a connection"),
        ("clinic documents", "read out of the documents of clinic"),
    ):
        for looked in ((), ("--dry-run",)):
            answer = phr("import", file, "--as", name, *looked)
            assert (answer.status, why in answer.err) == (2, True)
    assert "Flu" not in titles(phr)


def test_whoever_leaves_for_good_takes_what_was_read_out_of_the_documents_along(
    phr: Any, clinic: Any
) -> None:
    from_documents(clinic.workspace, DocumentsWish())
    assert phr("disconnect", "clinic", "--purge", "--yes").status == 0
    for table in ("source", "resource", "record", "document"):
        assert rows(clinic, f"SELECT count(*) FROM {table}") == [(0,)], table


def test_a_tag_stays_with_a_fact_that_another_source_tells_too(phr: Any, tmp_path: Path) -> None:
    """The tag was put on the record when only the file that goes told of it."""
    facts = (ASTHMA, GOUT)
    job = phr("import", document(tmp_path / "a", "Harbor", *facts), "--json").json["job_id"]
    event = next(one for one in phr("timeline", "--json").json["events"] if one["title"] == "Asthma")
    phr("tag", str(event["id"]), "mine")
    phr("import", document(tmp_path / "b", "Ridge", *facts))
    (both,) = phr("timeline", "--tag", "mine", "--json").json["events"]
    assert len(both["sources"]) == 2
    told = phr("import", "--undo", job, "--json").json
    assert told["tagged"] == 0, "none is lost"
    (left,) = phr("timeline", "--tag", "mine", "--json").json["events"]
    assert (left["title"], left["sources"]) == ("Asthma", ["DOC0001-2"])


def test_the_persons_own_patient_is_the_connections(phr: Any, clinic: Any, tmp_path: Path) -> None:
    """A stranger's file that came in first does not make the record theirs."""
    stranger = bundle(tmp_path / "b.json", "Gout", name={"text": "Jo Brook"}, born="1955-06-07", id_="q")
    for _ in range(2):
        assert phr("import", str(stranger), "--json").json["files"][0]["another_person"] is True
    same = bundle(tmp_path / "a.json", "Flu")
    assert phr("import", str(same), "--json").json["files"][0]["another_person"] is False


def test_while_a_sync_is_at_work_nothing_comes_in(
    phr: Any, begin: Any, person: Any, desk: Desk, hospital: Callable[..., Sandbox], tmp_path: Path
) -> None:
    def record(one: Asked) -> bool:
        return one.method == "GET" and one.shown == "bearer"

    file = str(bundle(tmp_path / "a.json", "Asthma"))
    person.connect(hospital(), name="clinic")
    gate = desk.hold(record)
    child = begin("sync")
    gate.wait()
    assert phr("import", file).status == phr("import", "--from-documents").status == 5
    gate.open()
    child.communicate(timeout=60)
    assert phr("import", file).status == 0


ENTITIES = b"<!ENTITY a 'ha'>" + b"".join(
    b"<!ENTITY %c '%b'>" % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9)
)
HOSTILE = {
    "a thousand million laughs": ccda(GOUT, number=2).replace(
        b"<ClinicalDocument", b"<!DOCTYPE x [" + ENTITIES + b"]><ClinicalDocument", 1
    ).replace(b"as listed", b"&j;"),
    "a file of the computer": ccda(GOUT, number=3).replace(
        b"<ClinicalDocument", b"<!DOCTYPE x [<!ENTITY f SYSTEM 'file:///etc/passwd'>]><ClinicalDocument", 1
    ).replace(b"as listed", b"&f;"),
    "a well without a bottom": ccda(GOUT, number=4).replace(
        b"as listed", b"<list>" * 50_000 + b"</list>" * 50_000
    ),
    "half of it": ccda(GOUT, number=5)[:1500],
}  # fmt: skip


def test_hostile_documents_of_a_sync_are_refused_by_name_and_the_rest_comes(
    phr: Any, person: Any, hospital: Callable[..., Sandbox]
) -> None:
    sent = [letter(f"h{at}", content) for at, content in enumerate(HOSTILE.values())]
    person.connect(hospital(resources=(PATIENT, *sent, letter("good", ccda(ASTHMA)))), name="clinic")
    person.sync()
    answer = phr("import", "--from-documents", "--json")
    assert answer.status == 3
    refused = [one for one in answer.json["files"] if one["error"]]
    assert len(refused) >= 3, [one["error"] for one in answer.json["files"]]
    assert all(one["found"] == {} and one["file"].startswith("clinic document ") for one in refused)
    assert all(one["file"] in answer.err for one in refused)
    assert problems(person) == [("Asthma", "clinic documents")]
    assert "root:" not in answer.out + answer.err
    assert rows(person, "SELECT count(*) FROM record WHERE title LIKE '%haha%'") == [(0,)]
    undo(person.workspace, answer.json["job_id"])
    assert problems(person) == []


# ── several people, new people, what is logged ────────────────────────────────────────────────────────


def test_a_record_that_begins_by_a_mistyped_name_is_said(phr: Any, tmp_path: Path) -> None:
    file = str(bundle(tmp_path / "a.json", "Asthma"))
    assert "begun" not in phr("import", file).err
    assert "A new record was begun for nobdy." in (first := phr("--user", "nobdy", "import", file)).err
    assert "phr users remove nobdy" in first.err
    assert "begun" not in phr("--user", "nobdy", "import", file).err


def test_the_log_tells_counts_and_no_names(phr: Any, tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    file = bundle(tmp_path / "ada-quill.json", "Asthma")
    job = phr("-vv", "--log-file", str(log), "import", str(file), "--json").json["job_id"]
    phr("-vv", "--log-file", str(log), "import", "--undo", job)
    words = log.read_text()
    assert f"file 1 of 1: fhir-bundle, {file.stat().st_size} bytes, 1 patients" in words
    assert "completed" in words and "2 came (2 new)" in words and f"job {job} undone: 2 removed" in words
    assert not any(name in words for name in ("Quill", "Ada", "ada-quill", "Asthma", "1970"))


def test_the_report_is_a_result_and_goes_where_results_go(phr: Any, tmp_path: Path) -> None:
    file = str(bundle(tmp_path / "a.json", "Asthma"))
    answer = phr("import", file)
    assert (answer.err, "2 new, 0 updated" in answer.out, "1 problem" in answer.out) == ("", True, True)
    undone = phr("import", "--undo", "1")
    assert (undone.err, "is undone" in undone.out) == ("", True)
    assert orjson.loads(phr("import", file, "--json").out)["files"][0]["found"] == {
        "Condition": 1,
        "Patient": 1,
    }
