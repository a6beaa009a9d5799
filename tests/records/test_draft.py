"""A Draft and the Record it becomes are the same fields."""

from __future__ import annotations

from dataclasses import fields

import msgspec

from phr.model import Record
from phr.records.draft import Draft


def test_a_draft_has_the_fields_of_a_record_in_their_order_and_with_their_defaults() -> None:
    drafted = msgspec.structs.fields(Draft)
    kept = fields(Record)
    assert [field.name for field in drafted] == [field.name for field in kept]
    required = {field.name: (field.required, field.default) for field in drafted}
    for field in kept:
        is_required, default = required[field.name]
        assert is_required == (field.default is field.default_factory), field.name
        if not is_required:
            assert default == field.default, field.name
