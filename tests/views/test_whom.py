"""Who is meant: names as people type them, held against a record in which several doctors are nearly called the same."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from phr.errors import UsageError
from phr.model import Connection, Received
from phr.store.store import Store
from phr.views.visit_names import people, person
from phr.views.whom import whom

Make = Callable[..., Received]


def visit(make: Make, id_: str, who: str | None, where: str | None, day: str = "2025-05-05") -> Received:
    return make(
        "Encounter",
        id_,
        status="finished",
        period={"start": f"{day}T10:00:00Z"},
        participant=[{"individual": {"display": who}}] if who else [],
        serviceProvider={"display": where} if where else {},
    )


@pytest.fixture
def town(store: Store, received: Make) -> Store:
    """A town with two Lees, an office with a room, a hospital, and a doctor who works in two places."""
    for key, name, organisation in (
        ("k1", "lakeside", "Lakeside Pulmonology Associates"),
        ("k2", "city", "City General Hospital"),
    ):
        store.connections.save(
            Connection(
                key=key, name=name, provider="x", vendor="epic", organisation=organisation,
                fhir_base=f"https://{name}.example/fhir", client_id="c", patient_id="p",
            )
        )  # fmt: skip
    role = {"coding": [{"display": "Pulmonary Disease Physician"}]}
    store.save(
        "k1",
        [
            received(
                "Practitioner", "m", name=[{"family": "Martinez", "given": ["Elena", "R."], "suffix": ["MD"]}]
            ),
            received("PractitionerRole", "r", practitioner={"reference": "Practitioner/m"}, specialty=[role]),
            visit(received, "e1", "Martinez, Elena MD", "Lakeside Pulmonology Associates"),
            visit(received, "e2", "Dr. E. Martinez", "Lakeside Pulmonology Associates"),
            visit(received, "e3", "Noah Lee, NP", "Lakeside Pulmonology Associates, Room 4"),
        ],
    )
    store.save(
        "k2",
        [
            visit(received, "e1", "Martin Ellis, DO", "City General Hospital"),
            visit(received, "e2", "Grace Lee, MD", "City General Hospital"),
            visit(received, "e3", "José Núñez-Ortega, MD", "City General Hospital"),
            visit(received, "e4", "Minh Do, MD", "Harbor Eye Clinic"),
            visit(received, "e5", None, "Harbor Dental Clinic"),
            visit(received, "e6", "Siobhan O'Neil, PA-C", "Riverside Family Practice"),
            visit(received, "e7", "Anna Smith, MD, Peter Brandt, RN", "Riverside Family Practice"),
            received(
                "CareTeam", "t", status="active",
                participant=[
                    {"member": {"display": "Olga Petrova, MD"}, "role": [{"text": "Cardiologist"}]},
                    {"member": {"display": "Elena Martinez MD"}},
                ],
            ),
        ],
    )  # fmt: skip
    return store


MEANT = [
    ("Dr. Martinez", "Martinez"),
    ("dr martinez", "Martinez"),
    ("Martinez", "Martinez"),
    ("MARTINEZ, ELENA", "Martinez"),
    ("Elena Martinez", "Martinez"),
    ("Martinez Elena", "Martinez"),
    ("Elena R. Martinez, M.D.", "Martinez"),
    ("E. Martinez", "Martinez"),
    ("Martínez", "Martinez"),
    ("Dr. Martines", "Martinez"),
    ("Matrinez", "Martinez"),
    ("Prof. Dr. Elena Martinez PhD", "Martinez"),
    ("Martin", "Ellis"),
    ("Dr. Ellis", "Ellis"),
    ("grace lee", "Grace"),
    ("Noah Lee", "Noah"),
    ("G. Lee", "Grace"),
    ("Lee, City General", "Grace"),
    ("nunez", "Núñez"),
    ("Ortega", "Núñez"),
    ("Nuñez Ortega", "Núñez"),
    ("Dr. Do", "Minh"),
    ("oneil", "O'Neil"),
    ("O’Neil", "O'Neil"),
    ("Peter Brandt", "Brandt"),
    ("Dr Smith", "Smith"),
    ("Petrova", "Petrova"),
    ("cardiology", "Petrova"),
    ("my cardiologist", "Petrova"),
    ("lung", "Martinez"),
    ("respiratory", "Martinez"),
]


@pytest.mark.parametrize(("said", "name"), MEANT)
def test_a_person_is_found_by_what_people_type(town: Store, said: str, name: str) -> None:
    found = whom(town, said)
    assert found.by == "practitioner"
    assert name in found.name


PLACES = [
    ("Lakeside", ["Lakeside Pulmonology Associates", "Lakeside Pulmonology Associates, Room 4"]),
    ("Lakeside Pulmonology Associates", ["Lakeside Pulmonology Associates", "Lakeside Pulmonology Associates, Room 4"]),
    ("city general", ["City General Hospital"]),
    ("the City General hospital", ["City General Hospital"]),
    ("Citty General", ["City General Hospital"]),
    ("harbor eye", ["Harbor Eye Clinic"]),
    ("pulmonology", ["Lakeside Pulmonology Associates", "Lakeside Pulmonology Associates, Room 4"]),
    ("dentist", ["Harbor Dental Clinic"]),
    ("pcp", ["Riverside Family Practice"]),
]  # fmt: skip


@pytest.mark.parametrize(("said", "names"), PLACES)
def test_a_place_is_found_with_its_rooms(town: Store, said: str, names: list[str]) -> None:
    found = whom(town, said)
    assert found.by == "facility"
    assert sorted(found.facilities) == names


@pytest.mark.parametrize(
    ("said", "choices"),
    [
        ("Lee", ["Grace Lee, MD", "Noah Lee, NP"]),
        ("Dr. Lee", ["Grace Lee, MD", "Noah Lee, NP"]),
        ("Harbor", ["Harbor Dental Clinic", "Harbor Eye Clinic"]),
    ],
)
def test_several_that_fit_are_asked_about(town: Store, said: str, choices: list[str]) -> None:
    with pytest.raises(UsageError, match="Which one") as told:
        whom(town, said)
    assert all(one in (told.value.hint or "") for one in choices)


@pytest.mark.parametrize(
    ("said", "near"),
    [
        ("Mar", None),
        ("Dr. House", None),
        ("Dr. Marquez", "Martinez"),  # as many letters are others: asked, not guessed
        ("hospital", None),
        ("dermatology", None),
        ("E. M.", None),
        ("Grace Kelly", "Grace Lee"),
        ("Patel", None),
    ],
)
def test_nobody_of_that_name_is_said_so(town: Store, said: str, near: str | None) -> None:
    with pytest.raises(UsageError, match="Nobody in your record") as told:
        whom(town, said)
    assert near is None or near in (told.value.hint or "")


def test_all_spellings_of_one_person_are_one(town: Store) -> None:
    found = whom(town, "Martinez")
    assert {"Martinez, Elena MD", "Dr. E. Martinez"} <= set(found.practitioners)
    assert not found.taken
    assert whom(town, "Martines").taken


def test_an_initial_that_could_be_two_is_neither(store: Store, source: str, received: Make) -> None:
    store.save(
        source,
        [
            visit(received, "1", "Elena Martinez", "A Clinic"),
            visit(received, "2", "Eduardo Martinez", "B Clinic"),
            visit(received, "3", "E. Martinez", "C Clinic"),
        ],
    )
    assert whom(store, "Elena Martinez").practitioners == ("Elena Martinez",)
    with pytest.raises(UsageError, match="Which one"):
        whom(store, "Dr. Martinez")


@pytest.mark.parametrize(
    ("said", "sources"),
    [
        ("Dr. Martinez", ("lakeside",)),
        ("Dr. Ellis", ("city",)),
        ("Lakeside", ("lakeside",)),
        ("Petrova", ()),  # only on a care team: nobody knows which computer is hers
    ],
)
def test_an_office_has_the_sources_that_tell_its_visits(
    town: Store, said: str, sources: tuple[str, ...]
) -> None:
    assert whom(town, said).sources == sources


def test_what_the_person_wrote_makes_no_source_of_an_office(store: Store, received: Make) -> None:
    own = store.sources.ensure("self", "person").key
    store.save(own, [visit(received, "1", "Dr. Martinez", "Lakeside")])
    assert whom(store, "Martinez").sources == ()


def test_a_hospital_that_mentions_a_doctor_is_not_that_doctors_source(store: Store, received: Make) -> None:
    office, hospital = store.sources.ensure("office").key, store.sources.ensure("hospital").key
    store.save(
        office, [visit(received, str(n), "Elena Martinez", "Lakeside", f"2025-0{n}-01") for n in range(1, 6)]
    )
    store.save(hospital, [visit(received, "1", "Elena Martinez", "City General", "2024-01-01")])
    assert whom(store, "Martinez").sources == ("office",)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Odette Marrowby, MD, Lucan Brightwater, RN", ("Odette Marrowby, MD", "Lucan Brightwater, RN")),
        ("Martinez, Elena MD", ("Martinez, Elena MD",)),
        ("Martinez, Elena, MD, PhD", ("Martinez, Elena, MD, PhD",)),
        ("Applegate MD, Christina", ("Applegate MD, Christina",)),
        ("Smith MD, Jones RN", ("Smith MD", "Jones RN")),
        ("Dr. Martinez, Dr. Lee", ("Dr. Martinez", "Dr. Lee")),
        ("Elena Martinez", ("Elena Martinez",)),
        ("Martinez MD, Elena R", ("Martinez MD, Elena R",)),
        ("Martinez MD, Elena Rosa", ("Martinez MD, Elena Rosa",)),
        ("Elena Martinez MD, Grace Lee", ("Elena Martinez MD", "Grace Lee")),
        ("Elena Martinez, John Smith", ("Elena Martinez", "John Smith")),
        ("de la Cruz, María José", ("de la Cruz, María José",)),
        ("Müller-Lüdenscheidt, Jürgen", ("Müller-Lüdenscheidt, Jürgen",)),
        ("Van Der Berg, Piet, MD", ("Van Der Berg, Piet, MD",)),
        ("St. John, Ann, Lee, Grace", ("St. John, Ann", "Lee, Grace")),
        ("Abdul-Rahman, Yusuf bin Ali", ("Abdul-Rahman, Yusuf bin Ali",)),
        ("García López, María", ("García López, María",)),
        ("", ()),
    ],
)
def test_one_text_can_name_several(text: str, names: tuple[str, ...]) -> None:
    assert people(text) == names


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Dr. Elena R. Martinez, M.D., FACP", ("elena", "r", "martinez")),
        ("Minh Do, DO", ("minh", "do")),
        ("JR Ewing", ("jr", "ewing")),
        ("Philippa Ostrander-Quill MD", ("philippa", "ostrander", "quill")),
        ("Prof. Müller", ("muller",)),
        ("D'Angelo, M.", ("dangelo", "m")),
    ],
)
def test_titles_and_degrees_are_no_name(text: str, words: tuple[str, ...]) -> None:
    assert person(text) == words


@pytest.mark.parametrize(
    ("words", "means"),
    [
        ("Dr. Martinez", True),
        ("Elena Martinez", True),
        ("martines", True),
        ("Lakeside", True),
        ("pulmonology", True),
        ("Dr. Martin", False),
        ("Dr. Lee", False),
        ("City General", False),
    ],
)
def test_a_question_for_somebody_finds_its_page(town: Store, words: str, means: bool) -> None:
    assert whom(town, "Dr. Martinez").means(words) is means


@pytest.fixture
def spelt(store: Store, source: str, received: Make) -> Store:
    """Names in the forms that computers write them in."""
    names = (
        "O'Neill, Tim", "MCDONALD, RONALD A PA-C", "von Berg, Hans MD", "de la Cruz, María José", "St. John, Ann",
        "Dr. med. Łukasz Żółć",
    )  # fmt: skip
    role = {"coding": [{"display": "Pulmonary Disease"}]}
    store.save(
        source,
        [
            *[visit(received, str(at), name, "Oak Street") for at, name in enumerate(names)],
            visit(received, "a", "Elena Martinez, MD", "Riverbend Lung"),
            visit(received, "b", "Carlos Martinez, DO", "Oak Street"),
            received(
                "Practitioner", "m", name=[{"family": "Martinez", "given": ["Elena"], "suffix": ["MD"]}]
            ),
            received("PractitionerRole", "r", practitioner={"reference": "Practitioner/m"}, specialty=[role]),
            received("Practitioner", "y", name=[{"family": "Yamada", "given": ["Kenji"]}]),
            visit(received, "y", "YAMADA, KENJI MD", "Harbor Joints"),
        ],
    )
    return store


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("O Neill", "O'Neill"),
        ("Mc Donald", "MCDONALD"),
        ("vonBerg", "von Berg"),
        ("delacruz", "de la Cruz"),
        ("Maria Jose de la Cruz", "de la Cruz"),
        ("Saint John", "St. John"),
        ("Dr Lukasz Zolc", "Łukasz"),
        ("Dr. Martinez at Riverbend", "Elena"),
        ("Dr. Martinez, pulmonology", "Elena"),
        ("martinez oak street", "Carlos"),
        ("pneumologist", "Elena"),
        ("Dr. Yamada", "Kenji Yamada"),
    ],
)
def test_a_name_is_found_however_its_parts_are_written(spelt: Store, said: str, name: str) -> None:
    found = whom(spelt, said)
    assert found.by == "practitioner" and name in found.name and not found.taken
    assert found.means(said)


@pytest.mark.parametrize("said", ["family doctor", "my gp", "the family physician"])
def test_a_specialty_may_hold_the_word_doctor(town: Store, said: str) -> None:
    assert whom(town, said).facilities == ("Riverside Family Practice",)
