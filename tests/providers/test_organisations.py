from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from phr.errors import UsageError
from phr.providers import addresses, organisations
from phr.providers.catalog import load
from phr.providers.organisations import BASE, ID, SOURCE, dump, parse


def test_the_packaged_file_is_in_order() -> None:
    assert organisations.problems(organisations.packaged(), load(None).vendors) == []


def test_problems_of_a_file_are_named_by_line(tmp_path: Path) -> None:
    path = tmp_path / "organisations.tsv"
    head = "id\tname\tvendor\tplace\tfhir_base\n"
    path.write_text(
        "# a word before\n" + head + "a\tA\tepic\t\thttps://a.org/R4\nA b\tB\tnobody\t\thttp://b.org\n"
        "a\t\tepic\t \thttps://c.org/R4\t\tmaybe\nx\ty\n",
        encoding="utf-8",
    )
    found = "; ".join(organisations.problems(path, {"epic": 1}))
    for words in (
        "line 4",
        "no such vendor",
        "not https",
        "twice",
        "no name",
        "shared",
        "edge",
        "2 columns",
        "order",
    ):
        assert words in found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://a.org/R4", "https://a.org/R4/"),
        ("https://a.org/R4", "https://A.ORG:443/R4/"),
        ("HTTPS://a.org", "https://a.org/"),
    ],
)
def test_spellings_of_one_address_are_equal(one: str, other: str) -> None:
    assert addresses.key(one) == addresses.key(other)


def test_letter_case_of_the_path_counts() -> None:
    assert addresses.key("https://a.org/R4") != addresses.key("https://a.org/r4")


def test_what_is_written_is_read_again_and_cells_stay_cells() -> None:
    row = ["a", "Clinic\tof\nTwo \x1b[2JLines", "epic", "", "https://a.org/R4", "x|y", "yes"]
    [read] = parse(dump([row]).decode())
    assert read == ["a", "Clinic of Two [2JLines", "epic", "", "https://a.org/R4", "x|y", "yes", ""]
    assert next(iter(parse(dump([[*row, "list\t.json"]]).decode())))[SOURCE] == "list .json"
    assert list(parse("")) == [] and list(parse("rubbish\n\n#\tx\nid\tname\n")) == []


def test_a_line_too_long_beside_one_too_short_moves_no_cell() -> None:
    good = "a\tA\tepic\t\thttps://a.org\t\t\t"
    rows = parse(
        "\n".join([good, "b\tB\tepic\t\thttps://b.org\t\t\t\tx", "c\tC\tepic\t\thttps://c.org\t", good])
    )
    assert [row[BASE] for row in rows] == ["https://a.org", "https://b.org", "https://c.org", "https://a.org"]
    assert {len(row) for row in rows} == {8} and rows[-1] == rows[0] and len(rows[1:3]) == 2


def test_short_rows_comments_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    path = tmp_path / "o.tsv"
    path.write_bytes(
        b"# note\r\nid\tname\tvendor\tplace\tfhir_base\r\na\tA\tepic\t\thttps://a.org/R4\r\nbroken\tline\r\n"
    )
    [row] = organisations.read(path)
    assert (row[ID], row[BASE], len(row)) == ("a", "https://a.org/R4", 8)


def test_found_organisations_win_over_packaged_ones_and_own_files_over_both(tmp_path: Path) -> None:
    known = next(one for one in load(None) if one.place and one.id not in load(None).providers)
    found = tmp_path / "organisations.tsv"
    row = [known.id, known.name, known.vendor.id, "Elsewhere", "https://moved.example.org/R4", "", ""]
    found.write_bytes(dump([row, ["mine", "Mine", "cerner", "", "https://m.example.org/R4", "", "yes"]]))
    catalog = load(None, found)
    assert catalog.find(known.id).fhir_base == "https://moved.example.org/R4"
    assert [one.place for one in catalog if one.id == known.id] == ["Elsewhere"]
    mine = catalog.find("MINE")
    assert (mine.vendor.id, mine.shared) == ("oracle", True)

    own = tmp_path / "providers.toml"
    own.write_text(f'[providers.{known.id}]\nclient_id = "abc"\n[providers.mine]\nname = "My clinic"\n')
    catalog = load(own, found)
    changed = catalog.find(known.id)
    assert (changed.client_id, changed.fhir_base) == ("abc", "https://moved.example.org/R4")
    assert (catalog.find("mine").name, catalog.find("mine").vendor.id) == ("My clinic", "oracle")
    assert sum(one.id == "mine" for one in catalog) == 1


def test_an_unknown_vendor_word_is_a_server_of_its_own_kind_but_can_be_searched_for(tmp_path: Path) -> None:
    path = tmp_path / "organisations.tsv"
    path.write_bytes(dump([["a", "Alder Clinic", "plugboard-ehr", "", "https://a.org/R4", "", ""]]))
    catalog = load(None, path)
    assert catalog.find("a").vendor.id == "custom"
    assert [one.id for one in catalog.search("alder plugboard")] == ["a"]


def test_vendors_are_found_by_the_names_people_use() -> None:
    catalog = load(None)
    for word, id_ in (
        ("Cerner", "oracle"),
        ("healow", "eclinicalworks"),
        ("EPIC", "epic"),
        ("mychart", "epic"),
    ):
        assert catalog.find(word).id == id_
        assert catalog.vendor_of(word).id == id_
    assert catalog.vendor_named("nobody") is None and catalog.vendor_of("nobody").id == "custom"


def test_a_slip_in_an_id_of_twenty_thousand_names_the_near_ones(many: Path) -> None:
    with pytest.raises(UsageError) as caught:
        load(None, many).find("quilmark")
    assert "quillmark" in (caught.value.hint or "")


def test_a_damaged_list_breaks_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "organisations.tsv"
    path.write_bytes(
        b"\xff\xfe\x00\t\t\t\t\nok\tFine Clinic\tepic\t\thttps://ok.org/R4\n\tno id\n" + b"\t" * 40
    )
    catalog = load(None, path)
    assert catalog.find("ok").name == "Fine Clinic" and catalog.search("fine clinic")[0].id == "ok"


def test_loading_reads_no_organisation_and_needs_no_heavy_module(many: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from phr.providers import catalog, organisations\n"
        "organisations.parse = None\n"
        f"c = catalog.load(None, Path({str(many)!r})); c.find('epic'); c.find('cerner'); c.vendor_of('x')\n"
        "print(sorted({'ijson', 'rapidfuzz', 'httpx', 'sqlmodel', 'cryptography'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
