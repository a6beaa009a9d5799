"""A disk that takes no more."""

from __future__ import annotations

from pathlib import Path

import pytest

from phr.errors import StoreError
from phr.store.db import connect, transaction

KEY = bytes(range(32))


def test_a_full_disk_is_a_sentence_and_what_was_kept_before_is_whole(tmp_path: Path) -> None:
    db = connect(tmp_path / "records.db", KEY, create=True)
    try:
        db.execute("CREATE TABLE filling (words TEXT)")
        with transaction(db):
            db.execute("INSERT INTO filling VALUES ('first')")
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        db.execute(f"PRAGMA max_page_count = {pages + 2}")
        with (
            pytest.raises(StoreError, match="The disk with the record takes no more") as caught,
            transaction(db),
        ):
            db.execute("INSERT INTO filling VALUES (?)", ("x" * 1_000_000,))
        assert "Make room" in str(caught.value.hint)
        assert not db.in_transaction
        db.execute(f"PRAGMA max_page_count = {pages + 1000}")
        with transaction(db):
            db.execute("INSERT INTO filling VALUES ('second')")
        assert [row[0] for row in db.execute("SELECT words FROM filling")] == ["first", "second"]
    finally:
        db.close()
