from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phr.errors import UsageError
from phr.vault.recovery import ALPHABET, GROUPS, parse, recovery_key

keys = st.binary(min_size=32, max_size=32)
KEY = bytes(range(32))


@given(keys)
def test_what_is_printed_reads_back(key: bytes) -> None:
    text = recovery_key(key)

    assert re.fullmatch(rf"([{ALPHABET}]{{5}}-){{{GROUPS - 1}}}[{ALPHABET}]{{5}}", text)
    assert parse(text) == key


@given(keys, st.sampled_from(["", " ", "\n", "  -  ", "–"]))
def test_it_reads_back_however_it_was_typed(key: bytes, between: str) -> None:
    groups = recovery_key(key).lower().split("-")
    typed = between.join(groups).replace("0", "o").replace("1", "l")

    assert parse(f" {typed}\n") == key
    assert parse(typed.replace("l", "I")) == key


def test_a_printed_key_stays_readable_for_ever() -> None:
    printed = recovery_key(KEY)

    assert printed == PRINTED
    assert parse(PRINTED) == KEY


PRINTED = "000GT-40R4J-0M30Q-E209H-185GG-R38E3-1W815-24GKG-2GAHB-C5RR6-34D1M-P70XD-3RFH1-FCY6E"


@given(keys, st.integers(0, 5 * GROUPS - 1), st.sampled_from(ALPHABET))
def test_any_one_wrong_character_is_found_in_its_group(key: bytes, at: int, character: str) -> None:
    letters = list(recovery_key(key).replace("-", ""))
    if letters[at] == character:
        return
    letters[at] = character

    with pytest.raises(UsageError, match=rf"^Group {at // 5 + 1} of"):
        parse("".join(letters))


@given(keys, st.integers(0, 5 * GROUPS - 1), st.integers(0, 5 * GROUPS - 1))
def test_any_two_exchanged_characters_are_found(key: bytes, one: int, other: int) -> None:
    letters = list(recovery_key(key).replace("-", ""))
    if letters[one] == letters[other]:
        return
    letters[one], letters[other] = letters[other], letters[one]

    with pytest.raises(UsageError, match=r"^Groups? "):
        parse("".join(letters))


@given(keys, st.integers(0, GROUPS - 1), st.integers(0, GROUPS - 1))
def test_two_exchanged_groups_are_found_and_named(key: bytes, one: int, other: int) -> None:
    groups = recovery_key(key).split("-")
    if one == other:
        return
    groups[one], groups[other] = groups[other], groups[one]
    low, high = sorted((one + 1, other + 1))

    with pytest.raises(UsageError, match=rf"^Groups {low}, {high} of"):
        parse("-".join(groups))


@given(st.text(max_size=100))
def test_any_other_text_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError):
        parse(text)


def test_a_group_of_the_wrong_length_is_named_and_so_is_a_missing_group() -> None:
    groups = recovery_key(KEY).split("-")

    with pytest.raises(UsageError, match=r"^Group 3 of"):
        parse("-".join([*groups[:2], groups[2][:4], *groups[3:]]))
    with pytest.raises(UsageError, match="has 70 letters and digits; this one has 65"):
        parse("-".join(groups[1:]))


def test_no_message_repeats_what_was_typed() -> None:
    groups = recovery_key(KEY).split("-")
    groups[4] = "U*+UU"

    with pytest.raises(UsageError) as caught:
        parse("-".join(groups))

    said = f"{caught.value.message} {caught.value.hint}"
    assert not any(group in said for group in groups)


def test_only_32_bytes_are_a_record_key() -> None:
    with pytest.raises(ValueError):
        recovery_key(b"short")
