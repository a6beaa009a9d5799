"""Names, addresses and numbers of the US Realm templates."""

from __future__ import annotations

from typing import Any

import pytest

from phr.ccda.people import address, addresses, patient_names, person_name, telecom, telecoms
from phr.ccda.xml import Element


def _words(element: Element | None) -> list[tuple[str, str | None]]:
    assert element is not None
    found = []
    for child in element.children:
        assert isinstance(child, Element)
        found.append(
            (child.tag, str(child.children[0]) if child.children else child.attributes.get("nullFlavor"))
        )
    return found


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ({"family": "Roe", "given": ["Ann", "B"]}, [("given", "Ann"), ("given", "B"), ("family", "Roe")]),
        ({"family": "Roe"}, [("given", "UNK"), ("family", "Roe")]),
        ({"given": ["Ann"]}, [("given", "Ann"), ("family", "UNK")]),
        ({"text": "Ann B Roe"}, [("given", "Ann"), ("given", "B"), ("family", "Roe")]),
        ({"text": "Roe, Ann"}, [("given", "Ann"), ("family", "Roe")]),
        ({"text": "Ann"}, [("given", "UNK"), ("family", "Ann")]),
    ],
)
def test_a_patient_has_given_and_family_even_if_null(
    name: dict[str, Any], parts: list[tuple[str, str]]
) -> None:
    assert _words(patient_names([name])[0]) == parts


def test_official_is_legal_unless_there_is_a_usual_name() -> None:
    official, usual = ({"use": use, "family": use, "given": ["A"]} for use in ("official", "usual"))
    maiden = {"use": "maiden", "family": "Old", "given": ["A"]}

    assert [name.attributes["use"] for name in patient_names([official])] == ["L"]
    all_three = patient_names([official, usual, maiden])
    assert [(name.attributes.get("use"), _words(name)[-1][1]) for name in all_three] == [
        ("L", "usual"),
        ("C", "official"),
        (None, "Old"),
    ]
    assert len(patient_names([maiden])) == 1
    assert patient_names("nobody") == []


def test_a_name_of_birth_is_qualified_and_a_name_of_before_has_an_end() -> None:
    birth, old = patient_names(
        [{"use": use, "family": "Old", "given": ["A"]} for use in ("maiden", "old")][:2]
    )[:2]

    assert _family(birth).attributes == {"qualifier": "BR"}
    assert [child.tag for child in old.children if isinstance(child, Element)][-1] == "validTime"


def _family(name: Element) -> Element:
    return next(child for child in name.children if isinstance(child, Element) and child.tag == "family")


def test_a_person_known_by_one_text_keeps_it() -> None:
    name = person_name([{"text": "Dr. Who"}])

    assert name is not None and name.children == ["Dr. Who"]
    assert person_name(None) is None


def test_an_address_has_what_the_template_requires() -> None:
    found = address({"line": ["a", "b", "c", "d", "e"], "city": "Rome", "country": "IT"})

    assert _words(found) == [
        *[("streetAddressLine", line) for line in ("a", "b", "c", "d, e")],
        ("city", "Rome"),
        ("country", "IT"),
    ]
    home = _words(address({"state": "new york", "country": "USA"}))
    assert home == [
        ("streetAddressLine", "UNK"),
        ("city", "UNK"),
        ("state", "NY"),
        ("postalCode", "UNK"),
        ("country", "US"),
    ]
    assert [a.attributes for a in addresses([{}, None])] == [{"nullFlavor": "UNK"}]


@pytest.mark.parametrize(
    ("point", "attributes"),
    [
        (
            {"system": "phone", "value": "617 555 0100", "use": "work"},
            {"use": "WP", "value": "tel:6175550100"},
        ),
        ({"system": "pager", "value": "1"}, {"use": "PG", "value": "tel:1"}),
        ({"system": "fax", "value": "1"}, {"value": "x-text-fax:1"}),
        ({"system": "email", "value": "a@b.example"}, {"value": "mailto:a@b.example"}),
        ({"system": "url", "value": "https://b.example"}, {"value": "https://b.example"}),
        ({"value": "a@b.example"}, {"value": "mailto:a@b.example"}),
        ({"system": "phone", "value": "tel:1"}, {"value": "tel:1"}),
    ],
)
def test_a_contact_point_is_a_url(point: dict[str, str], attributes: dict[str, str]) -> None:
    element = telecom(point)

    assert element is not None and element.attributes == attributes


def test_without_a_number_there_is_a_null_one() -> None:
    assert [t.attributes for t in telecoms([{"system": "phone"}, "x"])] == [{"nullFlavor": "UNK"}]
