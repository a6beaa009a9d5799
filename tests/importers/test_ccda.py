"""A C-CDA document as a file: whose it is, its exact digits, its report."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from decimal import Decimal

import pytest

from phr.importers.opening import read


@pytest.mark.parametrize(
    "encoded",
    [
        lambda text: text.encode(),
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: b"\r\n " + text.encode(),
        lambda text: text.replace("UTF-8", "UTF-16").encode("utf-16"),
        lambda text: text.replace("UTF-8", "UTF-16").encode("utf-16-be"),
        lambda text: text.replace("UTF-8", "windows-1252").encode("cp1252"),
        lambda text: gzip.compress(text.encode()),
    ],
)
def test_a_document_is_one_in_any_encoding(
    document: Callable[..., str], encoded: Callable[[str], bytes]
) -> None:
    found = read(io.BytesIO(encoded(document("Aspirin à croquer"))), name="record.php")
    received = list(found.resources())

    assert found.format == "ccda"
    assert [one.label for one in found.patients] == ["Ada Example, 1990-01-01"]
    assert received[0].type == "Patient"
    medication = next(one for one in received if one.type == "MedicationStatement")
    assert "Aspirin à croquer" in medication.raw.decode()
    assert "1.50" in str(json.loads(medication.raw, parse_float=Decimal))


def test_a_document_reports_each_section_and_gives_the_same_bytes_again(document: Callable[..., str]) -> None:
    first, second = (read(io.BytesIO(document().encode()), name="a.xml") for _ in range(2))

    assert [one.raw for one in first.resources()] == [one.raw for one in second.resources()]
    assert first.sections is not None
    (section,) = first.sections()
    assert set(section) == {"document", "section", "title", "found", "made", "skipped"}
    assert (section["section"], section["found"], section["made"]["MedicationStatement"]) == ("10160-0", 1, 1)
