"""A walk: a file comes in, the person says what is private and what is wrong, and hands the rest on."""

from __future__ import annotations

import base64
import os
import re
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from phr.exporters.registry import FORMATS

SECRET, OPEN = "Zorblattosis", "Gout"
_PROBLEM = """<entry><act classCode="ACT" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.22.4.3"/>
<id root="2.16.840.1.113883.19.5" extension="c-{0}"/><code code="CONC" codeSystem="2.16.840.1.113883.5.6"/>
<statusCode code="active"/><entryRelationship typeCode="SUBJ"><observation classCode="OBS" moodCode="EVN">
<templateId root="2.16.840.1.113883.10.20.22.4.4"/><id root="2.16.840.1.113883.19.5" extension="{0}"/>
<code code="55607006" codeSystem="2.16.840.1.113883.6.96"/><statusCode code="completed"/>
<effectiveTime><low value="20190304"/></effectiveTime>
<value xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CD" code="90560007"
 codeSystem="2.16.840.1.113883.6.96" displayName="{0}"/></observation></entryRelationship></act></entry>"""
DOCUMENT = (
    '<?xml version="1.0" encoding="UTF-8"?><ClinicalDocument xmlns="urn:hl7-org:v3">'
    '<typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/><templateId root="2.16.840.1.113883.10.20.22.1.2"/>'
    '<id root="2.16.840.1.113883.19" extension="doc"/><code code="34133-9" codeSystem="2.16.840.1.113883.6.1"/>'
    '<title>Summary</title><effectiveTime value="20200101"/>{confidentiality}<recordTarget><patientRole>'
    '<id root="2.16.840.1.113883.19.4" extension="a"/><patient><name><given>Ada</given><family>Quill</family></name>'
    '<birthTime value="19701231"/></patient></patientRole></recordTarget><component><structuredBody><component><section>'
    '<templateId root="2.16.840.1.113883.10.20.22.2.5.1"/><code code="11450-4" codeSystem="2.16.840.1.113883.6.1"/>'
    f"<title>Problems</title><text>{SECRET} and {OPEN}</text>"
    f"{_PROBLEM.format(SECRET)}{_PROBLEM.format(OPEN).replace('90560007', '195967001')}"
    "</section></component></structuredBody></component></ClinicalDocument>"
)
RESTRICTED = '<confidentialityCode code="R" codeSystem="2.16.840.1.113883.5.25"/>'


@pytest.fixture(autouse=True)
def _key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "key"
    path.write_bytes(bytes(range(32)))
    path.chmod(0o600)
    monkeypatch.setenv("PHR_KEY_FILE", str(path))


def _phr(folder: Path, *words: str) -> bytes:
    done = subprocess.run(
        [sys.executable, "-m", "phr", *words],
        cwd=folder,
        env=os.environ,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def _told(body: bytes) -> bool:
    """Whether the secret stands in a file, or in base64 inside of it."""
    found = (base64.b64decode(one[: len(one) // 4 * 4]) for one in re.findall(rb"[A-Za-z0-9+/]{16,}", body))
    return any(SECRET.encode() in one for one in (body, *found))


def _number(folder: Path, title: str) -> str:
    events = orjson.loads(_phr(folder, "timeline", "--json"))["events"]
    return next(one["id"] for one in events if one["title"] == title)


def test_the_document_that_a_private_problem_was_read_from_stays_at_home_with_it(tmp_path: Path) -> None:
    (tmp_path / "ccd.xml").write_text(DOCUMENT.format(confidentiality=""))
    _phr(tmp_path, "import", "ccd.xml")
    _phr(tmp_path, "edit", _number(tmp_path, SECRET), "--sensitivity", "sensitive")

    for format_ in FORMATS:
        body = _phr(tmp_path, "export", "--format", format_, "-o", "-")
        assert not _told(body), format_
        assert OPEN.encode() in body, format_
        assert _told(
            _phr(tmp_path, "export", "--format", format_, "--sensitivity", "sensitive", "-o", "-")
        ), format_


def test_a_restricted_document_is_restricted_in_all_its_parts(tmp_path: Path) -> None:
    (tmp_path / "ccd.xml").write_text(DOCUMENT.format(confidentiality=RESTRICTED))
    _phr(tmp_path, "import", "ccd.xml")
    events = orjson.loads(_phr(tmp_path, "timeline", "--json"))["events"]

    assert {one["sensitivity"] for one in events} == {"restricted"}
    for format_ in FORMATS:
        assert not _told(
            _phr(tmp_path, "export", "--format", format_, "--sensitivity", "normal", "-o", "-")
        ), format_
    assert b'<confidentialityCode code="R"' in _phr(tmp_path, "export", "--format", "ccd", "-o", "-")


def test_the_persons_words_outlive_a_newer_file_and_a_rebuild(tmp_path: Path) -> None:
    (tmp_path / "ccd.xml").write_text(DOCUMENT.format(confidentiality=""))
    _phr(tmp_path, "import", "ccd.xml")
    number = _number(tmp_path, OPEN)
    _phr(tmp_path, "note", number, "first in my left foot")
    _phr(tmp_path, "edit", number, "--date", "2018-11")
    newer = DOCUMENT.format(confidentiality="").replace("20190304", "20190305")
    (tmp_path / "ccd.xml").write_text(newer)
    _phr(tmp_path, "import", "ccd.xml")

    [event] = orjson.loads(_phr(tmp_path, "timeline", "--search", "foot", "--json"))["events"]
    assert (event["title"], event["date"], event["corrected"]) == (OPEN, "2018-11", ["date"])
    [one] = orjson.loads(_phr(tmp_path, "edit", number, "--json"))["corrections"]
    assert (one["source_before"], one["source_value"], one["source_changed"]) == (
        "2019-03-04",
        "2019-03-05",
        True,
    )
