"""Finding an organisation the way people type it."""

from __future__ import annotations

from pathlib import Path

import pytest

from phr.providers import merging, organisations
from phr.providers.catalog import Catalog, load
from phr.providers.directories import Directory

QUERIES = """
denver health                 | denver-health
Health DENVER                 | denver-health
denvr helth                   | denver-health
denver health epic            | denver-health
denver colorado health        | denver-health
mychart denver health         | denver-health
cleveland clinic              | cleveland-clinic
cleveland clinic ohio         | cleveland-clinic
clevlnd clinc                 | cleveland-clinic
clev clinic                   | cleveland-clinic
clinic cleveland              | cleveland-clinic
mayo                          | mayo-clinic
mayo clinic minnesota         | mayo-clinic
kaiser colorado               | kaiser-colorado
kaiser permanante colorado    | kaiser-colorado
kaiser norcal                 | kaiser-northern-california
childrens hospital colorado   | childrens-colorado
children's hosp colorado      | childrens-colorado
children hospitl philadelphia | chop
chop                          | chop
ucsf                          | ucsf-benioff
ucla                          | ucla
uc davis                      | uc-davis
univ of michigan              | university-of-michigan
u of michigan                 | university-of-michigan
mount sinai                   | mount-sinai
mt siani                      | mount-sinai
jhons hopkins                 | johns-hopkins
hopkins                       | johns-hopkins
baylor scott & white          | baylor-scott-white
baylor scott and white        | baylor-scott-white
healthpartners                | healthpartners
health partners               | healthpartners health-partners
vumc                          | vanderbilt
st judes                      | st-jude
memorial sloan kettring       | memorial-sloan-kettering
geisenger                     | geisinger
nyu langone                   | nyu-langone
cedars sinai                  | cedars-sinai
duke                          | duke
penn medicine                 | penn-medicine
advent health                 | adventhealth
boulder commnity              | boulder-community
pittsburgh                    | upmc
mgb                           | mass-general-brigham
netsmart denver               | mental-health-center-denver
epic                          | epic
epic sandbox                  | epic-sandbox
cerner                        | oracle
healow                        | eclinicalworks
blue button                   | medicare
"""
TABLE = [
    (text.strip(), wanted.split())
    for text, _, wanted in (line.partition("|") for line in QUERIES.strip().splitlines())
]


@pytest.fixture(scope="module")
def real(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """The packaged catalogue and twenty thousand organisations from the real lists."""
    catalog = load(None)
    found = merging.Merging(catalog, [])
    with (shared / "endpoints.tsv").open("rb") as handle:
        found.take(list(Directory(handle)))
    path = tmp_path_factory.mktemp("real") / "organisations.tsv"
    path.write_bytes(organisations.dump(found.found.values()))
    return load(None, path)


@pytest.mark.parametrize(("text", "wanted"), TABLE)
def test_among_twenty_thousand_it_is_one_of_the_first_three(
    real: Catalog, text: str, wanted: list[str]
) -> None:
    found = [one.id for one in real.search(text, limit=3)]
    assert set(wanted) & set(found), found


@pytest.mark.parametrize(("text", "wanted"), TABLE)
def test_among_the_packaged_it_is_one_of_the_first_three(text: str, wanted: list[str]) -> None:
    found = [one.id for one in packaged().search(text, limit=3)]
    assert set(wanted) & set(found), found


def packaged() -> Catalog:
    if not _CATALOGS:
        _CATALOGS.append(load(None))
    return _CATALOGS[0]


_CATALOGS: list[Catalog] = []


@pytest.fixture(scope="module")
def made(many: Path) -> Catalog:
    return load(None, many)


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("quillmark health", "quillmark"),
        ("health quillmark", "quillmark"),
        ("qillmark", "quillmark"),
        ("quilmark", "quillmark"),
        ("quillmrak helth", "quillmark"),
        ("quillmaark", "quillmark"),
        ("quillm", "quillmark"),
        ("qmh", "quillmark"),
        ("quillmark denver", "quillmark"),
        ("quillmark colorado", "quillmark"),
        ("quillmark epic", "quillmark"),
        ("quillmark foundation", "quillmark-foundation"),
        ("quillmark cerner", "quillmark-foundation"),
        ("saint orla", "saint-orla"),
        ("st orlas med ctr", "saint-orla"),
        ("saint orla’s medical centre", "saint-orla"),
        ("orla toledo ohio", "saint-orla"),
        ("wren field partners", "wrenfield"),
        ("wrenfieldpartners", "wrenfield"),
        ("hopital zumbro", "zumbro"),
        ("Zümbro Montreal", "zumbro"),
        ("QUILLMARK-FOUNDATION", "quillmark-foundation"),
    ],
)
def test_what_was_meant_comes_first(made: Catalog, text: str, first: str) -> None:
    assert made.search(text, limit=3)[0].id == first


def test_one_common_word_brings_no_flood(made: Catalog) -> None:
    assert [one.id for one in made.search("quillmark pediatrics clinic", limit=50)][:2] == [
        "quillmark",
        "quillmark-foundation",
    ]
    assert len(made.search("quillmark health", limit=50)) <= 3
    assert made.search("zzyzx qqxqq", limit=50) == []
    assert made.search("qqxqq health", limit=50) == []


def test_a_search_can_keep_to_one_vendor(made: Catalog) -> None:
    assert [one.id for one in made.search("quillmark", vendor="oracle")] == ["quillmark-foundation"]
    assert {one.vendor.id for one in made.search("health", limit=30, vendor="epic")} == {"epic"}


def test_the_same_place_from_two_lists_is_shown_once(tmp_path: Path) -> None:
    rows = [
        [id_, name, "epic", "", base, "", ""]
        for id_, name, base in (
            ("a", "Larkspur Health", "https://fhir.larkspur.org/R4/"),
            ("b", "LARKSPUR  HEALTH", "https://FHIR.larkspur.org:443/R4"),
            ("c", "Larkspur Health", "https://other.larkspur.org/R4"),
        )
    ]
    path = tmp_path / "organisations.tsv"
    path.write_bytes(organisations.dump(rows))
    found = [one.id for one in load(None, path).search("larkspur health") if one.id in "abc"]
    assert len(found) == 2 and "c" in found


def test_sandboxes_come_last_unless_they_are_asked_for(real: Catalog) -> None:
    assert real.search("epic sandbox")[0].id == "epic-sandbox"
    assert "epic-sandbox" not in [one.id for one in real.search("epic", limit=2)]
    found = real.search("oracle health", limit=10)
    assert found[0].id == "oracle"


@pytest.mark.parametrize("text", ["", "   ", "!!!", "’", "a" * 5000, "x " * 400, "\0\t\n", "*[(", "健康"])
def test_whatever_is_typed_is_answered(made: Catalog, text: str) -> None:
    assert len(made.search(text, limit=5)) <= 5
