"""`phr quality` on a screen and as a document."""

from __future__ import annotations

from typing import Any

import pytest

from phr.cli.quality_screen import quality_lines
from phr.cli.text import Screen, width
from phr.workspace import Workspace


def test_the_document_has_the_keys_that_scripts_rely_on(phr: Any, record: Workspace) -> None:
    found = phr("quality", "--json").json
    assert found["schema"] == 1
    assert {"sources", "implausible", "checked"} <= set(found)
    for source in found["sources"]:
        assert {"source", "records", "coded", "dated", "unit", "range", "attributed", "by_kind"} <= set(
            source
        )
        assert set(source["coded"]) == {"have", "of", "share"}
        assert source["records"] == sum(kind["records"] for kind in source["by_kind"].values())


def test_a_selection_is_the_same_as_everywhere(phr: Any, record: Workspace) -> None:
    names = [one["source"] for one in phr("quality", "--json").json["sources"]]
    assert [one["source"] for one in phr("quality", "--json", "--source", names[0]).json["sources"]] == names[
        :1
    ]
    assert phr("quality", "--json", "--since", "2999").json["sources"] == []
    assert "No record fits" in phr("quality", "--since", "2999").err


@pytest.mark.parametrize("wrong", [("--source", "nowhere"), ("--kind", "labz"), ("--since", "soon")])
def test_what_makes_no_sense_is_a_usage_error(phr: Any, record: Workspace, wrong: tuple[str, str]) -> None:
    assert phr("quality", *wrong).status == 2


def share(have: int, of: int) -> dict[str, Any]:
    return {"have": have, "of": of, "share": have / of if of else None}


def finding(record: str, reason: str, **more: Any) -> dict[str, Any]:
    return {
        "record": record, "resource": f"Observation/{record}", "source": "clinic", "title": "Body height",
        "date": "2024-05-01", "value": 17.2, "unit": "m", "reason": reason, "also": [],
        "detail": "17.2 m is not possible for height.", "compared_with": [], "limits": None, **more,
    }  # fmt: skip


def report(findings: list[dict[str, Any]]) -> dict[str, Any]:
    aspects = {"coded": share(1, 4), "dated": share(999, 1000), "unit": share(5, 5), "range": share(0, 3),
               "attributed": share(0, 0)}  # fmt: skip
    source = {
        "source": "clinic",
        "records": 1000,
        **aspects,
        "by_kind": {"lab_result": {"records": 1000, **aspects}},
    }
    return {"sources": [source], "implausible": findings, "checked": 1000, "values": 12}


@pytest.mark.parametrize("columns", [40, 60, 80, 120])
@pytest.mark.parametrize("unicode", [True, False])
def test_the_screen_fits_and_says_how_many(columns: int, unicode: bool) -> None:
    findings = [finding("7", "factor_of_ten"), finding("8", "future", value=None, title="A visit " * 20)]
    lines = list(quality_lines(report(findings), Screen(columns, colour=False, unicode=unicode)))
    assert max(width(line) for line in lines) <= max(columns, 48)
    text = "\n".join(lines)
    assert "99 %" in text
    assert "1,000" in text
    assert "phr show 7" in text
    assert "who/where" not in text  # nothing to have
    assert unicode or text.isascii()


def test_many_of_one_kind_are_counted_and_not_all_told() -> None:
    codes = [finding(str(at), "code", title="Lab", detail="12: no code of LOINC.") for at in range(30)]
    dates = [finding(str(at), "future") for at in range(100, 112)]
    text = "\n".join(quality_lines(report([*dates, *codes]), Screen(80, colour=False)))
    assert "And in 29 more records." in text
    assert "… and 7 more (--limit N shows more)" in text
    assert len(text.splitlines()) < 40
    whole = "\n".join(quality_lines(report([*dates, *codes]), Screen(80, colour=False), 100))
    assert "more (--limit" not in whole
    assert all(f"  {at}  2024" in whole for at in range(100, 112))


def test_where_nothing_stands_out_that_is_said() -> None:
    text = "\n".join(quality_lines(report([]), Screen(80, colour=False)))
    assert "1,000 records and 12 numbers checked: nothing stands out as impossible." in text
