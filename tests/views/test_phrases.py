"""Names that must not be told: found in whatever way a text tells them, and not where it says something else."""

from __future__ import annotations

import pytest

from phr.views.phrases import NO_NAMES, Names, Sieve, named, plain
from phr.views.places import Places


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Opioid use disorder", "<p>Opioid <b>use</b>\n disorder</p>"),
        ("Opioid use disorder", "Op<i>ioid</i> use disorder"),
        ("Opioid use disorder", '<img alt="opioid-use disorder"/>'),
        ("Opioid use disorder (disorder)", "has opioid use disorder, since long"),
        ("Crohn's disease", "Crohn&#39;s disease"),
        ("Crohn's disease", "Crohn&amp;apos;s <b>disease</b>"),
        ("Crohn's disease", "CROHN\u2019S DISEASE"),
        ("Ménière's disease", "Meniere's disease"),
        ("Meniere's disease", "Me\u0301nie\u0300re\u2019s disease"),
        ("Zorblattosis", "Zorb\u00adlatt\u200bosis"),
        ("Zorblattosis", "the zorblatt\u200bosis\u2014again"),
        ("HIV", "your patient has HIV."),
        ("HIV", "hiv: positive"),
        ("Human immunodeficiency virus (HIV) disease", "HIV clinic"),
        ("TB", "had TB in 1990"),
        ("ALL", "treated for ALL as a child"),
        ("G6PD", "G6PD: low"),
        ("糖尿病", "患有糖尿病多年"),
        ("Сифилис", "перенесла сифилис"),
    ],
)
def test_a_name_is_found_however_it_is_written(name: str, text: str) -> None:
    found = named(name, short=True)

    assert found.told_in(text)
    assert Sieve(found.needles(), wide=found.wide()).lets(text.encode())
    many = Sieve(
        {*found.needles(), *(f"needle{number}".encode() for number in range(100))}, wide=found.wide()
    )
    assert many.lets(text.encode())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("HIV", "an archive of shivers"),
        ("ALL", "all is well"),
        ("TB", "tb"),
        ("Use", "use it daily"),
        ("Asthma", "antiasthmatic"),
        ("Negative", "Everything negative"),
        ("E88.01", "code E88.01"),
        ("", "anything"),
    ],
)
def test_what_says_something_else_is_not_taken_for_it(name: str, text: str) -> None:
    assert not named(name, short=True).told_in(text)


def test_short_names_count_only_where_they_were_asked_for() -> None:
    assert named("Na") == named("WBC") == NO_NAMES
    assert named("WBC", short=True).told_in("WBC 5.1")


@pytest.mark.parametrize(
    "raw",
    [
        rb'{"div":"Crohn\u0027s d\u00edsease"}',
        rb'{"text":"It is\nCrohn\'s\ndisease"}',
        rb'{"div":"\u003cb\u003eCrohn\u003c/b\u003e&#39;s dis<i>ease</i>"}',
        'the — disease — "of" Cröhn'.encode(),
    ],
)
@pytest.mark.parametrize("others", [0, 100])
def test_the_sieve_holds_back_no_bytes_that_tell(raw: bytes, others: int) -> None:
    more = (f"needle{number}".encode() for number in range(others))
    assert Sieve({*named("Crohn's disease").needles(), *more}).lets(raw)
    assert not Sieve({b"asthma", *more}).lets(raw)


def test_names_can_be_added_and_taken_away() -> None:
    one, other = named("Asthma"), named("TB", short=True)

    assert (one | other) - other == one
    assert not Names()
    assert plain("  A-b_c ") == "a b c"


@pytest.mark.parametrize(
    ("address", "places"),
    [
        ("Condition/1", {(1, "Condition/1")}),
        ("https://h.example/fhir/Condition/1/_history/2", {(2, "Condition/1")}),
        ("HTTPS://H.example/fhir/Condition/1", {(2, "Condition/1")}),
        ("https://elsewhere.example/Condition/1", {(1, "Condition/1"), (3, "Condition/1")}),
        ("urn:uuid:ABC", {(0, "urn:uuid:abc")}),
        ("Condition?identifier=urn:x%7C7", {(0, "urn:x|7")}),
        ("Condition?identifier=7", {(1, "7")}),
        ("Condition?code=7", set()),
        ("#inside", set()),
        ("free words", set()),
    ],
)
def test_an_address_is_read_from_where_it_stands(address: str, places: set[tuple[int, str]]) -> None:
    known = Places({"https://h.example/fhir": frozenset({2})}, frozenset({3}))

    assert set(known.meant(1, address)) == places
