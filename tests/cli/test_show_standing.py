"""`phr show` of what its source does not stand by any more, or does not return."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize(
    ("reason", "detail", "words"),
    [
        ("deleted", None, ": deleted"),
        ("entered-in-error", None, ": entered in error"),
        ("merged", "Condition/c2", ": merged into Condition/c2"),
    ],
)
def test_show_says_in_a_sentence_who_took_it_back_and_why(
    phr: Any, record: Any, reason: str, detail: str | None, words: str
) -> None:
    before = phr("show", "Condition/c1", "--raw").out
    with record.store() as store:
        store.gone("k1", "Condition", "c1", reason, detail)
    answer = phr("show", "Condition/c1", "--history")
    assert "Taken back by the source on 20" in answer.out
    assert words + "." in answer.out
    assert "clinic: Condition/c1, here since" in answer.out
    number = phr("show", "Condition/c1", "--json").json["id"]
    assert phr("show", number).out.startswith("Asthma\n")
    assert phr("show", "Condition/c1", "--raw").out == before
    assert "Asthma" not in phr("timeline").out


def test_show_says_since_when_it_was_not_returned(phr: Any, record: Any) -> None:
    with record.store() as store:
        store.db.execute(
            "INSERT INTO absence (resource_id, since) SELECT id, '2026-02-01T00:00:00Z' FROM resource"
            " WHERE type = 'Condition'"
        )
    assert "not returned since 2026-0" in phr("show", "Condition/c1").out
    assert "Asthma" in phr("timeline").out
