"""Directories in every shape that vendors publish; each trap that was seen in one is a test."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import tarfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from phr.errors import UnreadableFile
from phr.providers import addresses
from phr.providers.directories import Directory, Found

SMART = "http://hl7.org/fhir/smart-app-launch/StructureDefinition/"
CORE = "http://hl7.org/fhir/StructureDefinition/"


def read(content: bytes | str | dict[str, Any] | list[Any]) -> tuple[str, list[Found], Counter[str]]:
    """Format, organisations, and how often each reason was given."""
    raw = content if isinstance(content, bytes) else content.encode() if isinstance(content, str) else None
    directory = Directory(io.BytesIO(raw if raw is not None else json.dumps(content).encode()))
    listed = list(directory)
    found = [one for one in listed if isinstance(one, Found)]
    return directory.format, found, Counter(one for one in listed if isinstance(one, str))


def endpoint(id_: str = "e", address: str = "https://fhir.clinic.org/R4", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Endpoint",
        "id": id_,
        "status": "active",
        "connectionType": {"code": "hl7-fhir-rest"},
        "address": address,
        **more,
    }


def organization(id_: str = "o", name: str = "Clinic", **more: Any) -> dict[str, Any]:
    return {"resourceType": "Organization", "id": id_, "name": name, **more}


def bundle(*resources: dict[str, Any], **more: Any) -> dict[str, Any]:
    entries = [
        {"fullUrl": one.pop("fullUrl", f"https://x.org/{one['resourceType']}/{one['id']}"), "resource": one}
        for one in resources
    ]
    return {"resourceType": "Bundle", "type": "collection", **more, "entry": entries}


# ── the real ones ─────────────────────────────────────────────────────────────────────────────────


def resources(path: Path, type_: str) -> int:
    """How many resources of a type there are, counted another way: json.load and the key itself."""
    return sum(one["resource"]["resourceType"] == type_ for one in json.loads(path.read_bytes())["entry"])


@pytest.mark.parametrize(
    ("name", "format_", "entries", "organisations"),
    [
        ("epic-endpoints-r4-2026-08", "endpoints", 479, 479),
        ("oracle-millennium-patient-r4-2026-02", "pairs", 1359, 1359),
        ("oracle-soarian-patient-r4-2026-02", "pairs", 7, 7),
        ("veradigm-endpoints-dstu2", "endpoints", 96, 96),
        ("brands-epic-connectathon-2023-05", "brands", 3, 2),
        ("brands-meditech-connectathon-2023", "brands", 9, 9),
        ("brands-epic-sandbox-2024-08", "brands", 1, 1),
    ],
)
def test_published_directories_are_read_whole(
    shared: Path, name: str, format_: str, entries: int, organisations: int
) -> None:
    path = shared / "directories" / f"{name}.json"
    found_format, found, skipped = read(path.read_bytes())
    assert (found_format, len(found), len(found) + skipped.total()) == (format_, organisations, entries)
    expected = resources(path, "Endpoint" if format_ == "endpoints" else "Organization")
    assert entries == expected
    assert all(one.name and one.base for one in found)


def test_every_name_of_epics_list_is_the_contained_one(shared: Path) -> None:
    content = json.loads((shared / "directories" / "epic-endpoints-r4-2026-08.json").read_bytes())
    wanted = {
        (e["resource"]["contained"][0]["name"].strip(), e["resource"]["address"]) for e in content["entry"]
    }
    _, found, _ = read(content)
    assert {(one.name, one.base) for one in found} == wanted


def test_every_name_of_oracles_list_is_that_of_its_organization(shared: Path) -> None:
    content = json.loads((shared / "directories" / "oracle-millennium-patient-r4-2026-02.json").read_bytes())
    bases = {e["resource"]["id"]: e["resource"].get("address") for e in content["entry"]}
    wanted = {
        (
            e["resource"]["name"].strip(),
            bases[e["resource"]["endpoint"][0]["reference"].removeprefix("Endpoint/")],
        )
        for e in content["entry"]
        if e["resource"]["resourceType"] == "Organization"
    }
    _, found, _ = read(content)
    assert {(one.name, one.base) for one in found} == wanted
    assert next(one.place for one in found if one.name == "Oscar Matthews, MD") == "Newport Beach, CA"


def test_a_brand_below_another_has_its_parents_endpoint(shared: Path) -> None:
    _, found, _ = read((shared / "directories" / "brands-meditech-connectathon-2023.json").read_bytes())
    by_name = {one.name: one for one in found}
    parent, child = by_name["Appalachian Regional Healthcare"], by_name["Hazard ARH Regional Medical Center"]
    assert child.base == parent.base == "https://mtrestapis-live01.arh.org:443/v1/uscore/R4"
    assert (child.place, child.brand, parent.brand) == ("Hazard, KY", True, False)
    assert "Appalachian Regional Healthcare" in child.aliases and "My ARH Chart" in parent.aliases
    assert not any("data:" in text or "base64" in text for one in found for text in (*one.aliases, one.name))


def members(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as archive:
        return {
            one.name.rpartition("/")[2]: archive.extractfile(one).read()  # type: ignore[union-attr]
            for one in archive
            if one.isfile()
        }


def test_all_lantern_lists_are_read(shared: Path) -> None:
    lists = members(shared / "samples" / "endpoints" / "lantern-prod-resources.tar.gz")
    total = 0
    for name, content in lists.items():
        if not name.endswith("EndpointSources.json"):
            continue
        format_, found, skipped = read(content)
        rows = json.loads(content)["Endpoints"] or []
        assert (format_, len(found) + skipped.total()) == ("lantern", len(rows)), name
        assert Counter(one.base for one in found) == Counter((row["URL"] or "").strip() for row in rows), name
        total += len(rows)
    assert total > 60_000


@pytest.mark.parametrize(
    ("archive", "name", "organisations", "refused"),
    [
        ("mere-medical-endpoints", "healow_R4Endpoints.json", 6919, 0),
        ("mere-medical-endpoints", "epic_R4Endpoints.json", 807, 0),
        ("mere-medical-endpoints", "epic_DSTU2Endpoints.json", 469, 469),
        ("mere-medical-endpoints", "cerner_R4Endpoints.json", 1454, 0),
        ("mere-medical-endpoints", "cerner_RawDSTU2Endpoints.json", 1653, 1653),
        ("oracle-ignite-endpoints", "millennium_provider_r4_endpoints.json", 1451, 0),
    ],
)
def test_lists_of_peers_are_read(
    shared: Path, archive: str, name: str, organisations: int, refused: int
) -> None:
    content = members(shared / "samples" / "endpoints" / f"{archive}.tar.gz")[name]
    _, found, _ = read(content)
    assert len(found) == organisations
    assert sum(addresses.refusal(one.base) == addresses.OTHER_RELEASE for one in found) == refused


def test_the_large_table_is_read(shared: Path) -> None:
    format_, found, skipped = read((shared / "endpoints.tsv").read_bytes())
    assert (format_, len(found), skipped.total()) == ("tsv", 20_392, 0)
    rows = csv.DictReader(
        io.StringIO((shared / "endpoints.tsv").read_text("utf-8")), delimiter="\t", quotechar="\x01"
    )
    assert {(row["vendor"], row["fhir_base_url"]) for row in rows} == {
        (one.vendor, one.base) for one in found
    }


def test_tables_of_payers_and_states_are_read(shared: Path) -> None:
    lists = members(shared / "samples" / "endpoints" / "lantern-prod-resources.tar.gz")
    _, found, _ = read(lists["oneupdata.csv"])
    assert ("Positive Healthcare", "https://api.ahffhir.com/r4") in {(one.name, one.base) for one in found}
    _, found, _ = read(lists["medicaid-state-endpoints.csv"])
    assert ("Alaska", "https://api.alaskafhir.com/r4") in {(one.name, one.base) for one in found}


def test_a_workbook_full_of_questions_gives_nothing(shared: Path) -> None:
    _, found, _ = read((shared / "samples" / "endpoints" / "SMAEndpointDirectory.csv").read_bytes())
    assert found == []


# ── the traps, one by one ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("reference", ["abc/d=", "#abc/d=", "Organization/abc/d=", "", "elsewhere"])
def test_1_the_contained_organisation_is_found_without_the_hash(reference: str) -> None:
    held = {"resourceType": "Organization", "id": "abc/d=", "name": "Real name"}
    one = endpoint(name="Other", contained=[held], managingOrganization={"reference": reference})
    format_, found, _ = read(bundle(one))
    assert (format_, [x.name for x in found]) == ("endpoints", ["Real name"])


def test_2_the_name_is_only_on_the_organization_that_points_at_the_endpoint() -> None:
    pair = organization("o1", "Mercy", endpoint=[{"reference": "Endpoint/e1"}])
    format_, found, skipped = read(bundle(pair, endpoint("e1"), organization("o2", "Nobody")))
    assert (format_, [one.name for one in found]) == ("pairs", ["Mercy"])
    assert skipped == {"no endpoint of its own": 1}


@pytest.mark.parametrize(
    "written", ["urn:uuid:e1", "Endpoint/e1", "https://other.org/fhir/Endpoint/e1/_history/2"]
)
@pytest.mark.parametrize("url", ["urn:uuid:e1", "urn:uuid:ffff", "https://x.org/Endpoint/e1", ""])
def test_3_references_by_urn_or_type_and_id(written: str, url: str) -> None:
    if written.startswith("urn") and "e1" not in url and url:
        pytest.skip("that reference means nothing there")
    one = endpoint("e1", fullUrl=url)
    portal = {
        "url": CORE + "organization-portal",
        "extension": [
            {"url": "portalName", "valueString": "MyMercy"},
            {"url": "portalEndpoint", "valueReference": {"reference": written}},
        ],
    }
    format_, found, _ = read(bundle(organization("o1", "Mercy", extension=[portal]), one))
    assert (format_, [(x.name, x.aliases) for x in found]) == ("brands", [("Mercy", ("MyMercy",))])


def test_3_several_portals_chains_circles_and_hidden_brands() -> None:
    hidden = {"url": SMART + "brand-flags", "valueCode": "hidden"}
    logo = {"url": SMART + "brand-logo", "valueUrl": "data:image/png;base64," + "A" * 100_000}
    portals = [
        {
            "url": CORE + "organization-portal",
            "extension": [{"url": "portalEndpoint", "valueReference": {"reference": f"Endpoint/e{at}"}}],
        }
        for at in (1, 2)
    ]
    format_, found, skipped = read(
        bundle(
            organization("top", "Hidden top", extension=[hidden, logo, *portals]),
            organization("mid", "Region", partOf={"reference": "urn:uuid:top"}),
            organization(
                "low",
                "Hospital",
                alias=["Old Infirmary", "Hospital"],
                partOf={"reference": "Organization/mid"},
            ),
            organization("a", "Circle A", partOf={"reference": "Organization/b"}),
            organization("b", "Circle B", partOf={"reference": "Organization/a"}),
            endpoint("e1", "https://one.org/R4"),
            endpoint("e2", "https://two.org/R4"),
        )
    )
    assert format_ == "brands"
    assert {(one.name, one.base) for one in found} == {
        (name, f"https://{host}.org/R4") for name in ("Region", "Hospital") for host in ("one", "two")
    }
    assert skipped == {"hidden brand": 1, "no endpoint of its own": 2}
    hospital = next(one for one in found if one.name == "Hospital")
    assert hospital.aliases[0] == "Old Infirmary" and "Region" in hospital.aliases
    assert max(len(text) for one in found for text in (one.name, *one.aliases)) < 100


def test_4_totals_and_dates_that_make_no_sense_do_not_matter() -> None:
    one = endpoint(name="A", period={"start": "9/12/2018 1:01:03 PM"})
    assert len(read(bundle(one, total=3326))[1]) == 1
    two = bundle(endpoint(name="A"))
    two["total"], two["link"] = "many", [{"relation": "self", "url": "x"}]
    assert len(read(two)[1]) == 1


def test_entries_without_a_resource_are_counted() -> None:
    found = {
        "resourceType": "Bundle",
        "entry": [None, 5, {}, {"resource": None}, {"resource": organization()}],
    }
    _, organisations, skipped = read(found)
    assert organisations == [] and skipped.total() == 5
    odd = bundle(endpoint(name=5, address=7, contained="x", contact={"value": None}, managingOrganization=[]))  # type: ignore[arg-type]
    assert read(odd)[1] == [Found("", "")]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"status": "off"}, "not active"),
        ({"status": "error"}, "not active"),
        ({"status": "entered-in-error"}, "not active"),
        ({"status": "test"}, "test or development system"),
        ({"connectionType": {"code": "ihe-xds"}}, "not a FHIR REST endpoint"),
        ({"connectionType": [{"coding": [{"code": "direct-project"}]}]}, "not a FHIR REST endpoint"),
        ({"extension": [{"url": CORE + "endpoint-fhir-version", "valueCode": "1.0.2"}]}, "not FHIR R4"),
        ({"extension": [{"url": SMART + "endpoint-fhir-version", "valueCode": "3.0.1"}]}, "not FHIR R4"),
        ({"extension": [{"url": SMART + "endpoint-fhir-version", "valueCode": "4.0.1"}]}, None),
        ({"connectionType": [{"coding": [{"code": "hl7-fhir-rest"}]}]}, None),
        ({"connectionType": None, "status": None}, None),
    ],
)
def test_endpoints_that_nobody_can_sign_in_at_are_left_out(
    change: dict[str, Any], reason: str | None
) -> None:
    _, found, skipped = read(bundle(endpoint(name="A", **change)))
    assert (len(found), dict(skipped)) == ((1, {}) if reason is None else (0, {reason: 1}))


@pytest.mark.parametrize(
    ("base", "reason"),
    [
        ("https://fhir.clinic.org/api/FHIR/R4/", None),
        ("https://FHIR.KP.ORG/service/190/api/FHIR/R4/", None),
        ("https://host.org:443/v1/uscore/R4", None),
        ("https://contest.org/latest/fhir", None),
        ("https://fhir.clinic.org/api/FHIR/DSTU2/", "not FHIR R4"),
        ("https://fhir.clinic.org/stu3", "not FHIR R4"),
        ("https://host.org/v2/argonaut/v1", "not FHIR R4"),
        ("https://fhir.clinic.org/R2/open", "not FHIR R4"),
        ("https://fhir-dstu2.clinic.org/x", "not FHIR R4"),
        ("http://fhir.clinic.org/R4", "not https"),
        ("https://10.1.2.3/R4", "private address"),
        ("https://8.8.8.8/R4", "private address"),
        ("https://[2001:db8::1]/R4", "private address"),
        ("http://192.168.0.1/R4", "private address"),
        ("https://localhost/R4", "private address"),
        ("https://intranet/R4", "private address"),
        ("https://epic.hospital.local/R4", "private address"),
        ("https://fhir-test.clinic.org/R4", "test or development system"),
        ("https://uat.clinic.org/R4", "test or development system"),
        ("https://twr10devweb2.rd.clinic.org/R4", "test or development system"),
        ("https://mtrestapis-np.clinic.org:443/R4", "test or development system"),
        ("https://fhir.clinic.org/fhirroute/fhir/a25test", "test or development system"),
        ("", "no address"),
        ("ask us", "no address"),
        ("ftp://clinic.org/R4", "no address"),
        ("https://user:pw@clinic.org/R4", "no address"),
        ("https://clinic.org/R4?key=1", "no address"),
        ("https://clinic.org/R4\\open", "no address"),
        ("https://clinic.org:99999/R4", "no address"),
        ("https://[::1/R4", "no address"),
        ("https://", "no address"),
    ],
)
def test_7_addresses_that_are_refused(base: str, reason: str | None) -> None:
    assert addresses.refusal(base) == reason


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("name,url\nA Clinic,https://a.org/R4\n", ("A Clinic", "https://a.org/R4", "", "")),
        ("Organization\tFHIR Base URL\tVendor\nA\thttps://a.org\tepic\n", ("A", "https://a.org", "epic", "")),
        (
            'sep\n\nFacility Name;City;State;"Prod FHIR URL (x)"\nA;Denver;Colorado;https://a.org\n',
            ("A", "https://a.org", "", "Denver, CO"),
        ),
        ("A Clinic,https://a.org/R4\nB,https://b.org/R4\n", ("A Clinic", "https://a.org/R4", "", "")),
        ("https://a.org/R4\tA Clinic\n", ("A Clinic", "https://a.org/R4", "", "")),
        ("\ufeffid,name,vendor,place,fhir_base\nx,A,epic,Rome,https://a.org\n", ("A", "https://a.org", "epic", "Rome")),
        ('name,url\n"A, B and\nC",https://a.org\n', ("A, B and\nC", "https://a.org", "", "")),
    ],
)  # fmt: skip
def test_tables_with_all_sorts_of_headings(text: str, wanted: tuple[str, str, str, str]) -> None:
    _, found, _ = read(text)
    assert (found[0].name, found[0].base, found[0].vendor, found[0].place) == wanted


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252", "utf-8-sig"])
def test_tables_in_the_encodings_of_spreadsheets(encoding: str) -> None:
    _, found, _ = read("name,url\nHôpital Zürich,https://a.org\n".encode(encoding))
    assert [one.name for one in found] == ["Hôpital Zürich"]


@pytest.mark.parametrize(
    "content",
    [
        [{"name": "A", "url": "https://a.org"}],
        {"data": [{"organizationName": "A", "fhirBaseUrl": "https://a.org"}]},
        {"Endpoints": [{"URL": "https://a.org", "OrganizationName": "A"}]},
        {"items": [{"displayName": "A", "endpoints": [{"url": "https://a.org", "name": "R4"}]}]},
        {"version": {"x": [1]}, "hospitals": [{"Facility": "A", "FHIR Endpoint": "https://a.org"}]},
        [organization("o", "A", endpoint=[{"reference": "Endpoint/e"}]), endpoint("e", "https://a.org")],
        [{"name": "A", "link": "https://a.org"}],
    ],
)  # fmt: skip
def test_lists_in_plain_json(content: Any) -> None:
    assert [(one.name, one.base) for one in read(content)[1]] == [("A", "https://a.org")]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"  <!DOCTYPE html><html><body>Sign in</body></html>", "web page"),
        (b"\xef\xbb\xbf<html lang=en>", "web page"),
        (b"<?xml version='1.0'?><Bundle/>", "XML"),
        (b'{"resourceType":"Patient","id":"1"}', "no list"),
        (b"{}", "no list"),
        (b"just some words\nand more\n", "not a list"),
        (b"%PDF-1.7\n\x00\x01", "not a list"),
        (b'{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Endpoint"', "damaged"),
        (b'[{"name":"A","url":"https://a.org"}', "damaged"),
        (b'{"resourceType":"Bundle","entry":[{"a":1}]]}', "damaged"),
        (b'[{"name":"\xff\xfe","url":"https://a.org"}]', "damaged"),
        (b"[" * 100_000, "damaged"),
    ],
)  # fmt: skip
def test_8_what_is_no_directory_is_said_in_words(content: bytes, words: str) -> None:
    with pytest.raises(UnreadableFile, match=words):
        read(content)


PEAK = """
import sys, tracemalloc
from phr.providers.directories import Directory, Found
import ijson
tracemalloc.start()
with open(sys.argv[1], "rb") as handle:
    found = [one for one in Directory(handle) if isinstance(one, Found)]
print(len(found), tracemalloc.get_traced_memory()[1] // 1000)
"""


@pytest.mark.full
def test_8_fifty_megabytes_of_brands_take_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "brands.json"
    logo = {"url": SMART + "brand-logo", "valueUrl": "data:image/png;base64," + "A" * 2000}
    with path.open("w", encoding="utf-8") as out:
        out.write('{"resourceType":"Bundle","type":"collection","entry":[')
        for at in range(18_200):
            parent = {"reference": f"Organization/o{at - at % 20}"} if at % 20 else None
            one = organization(f"o{at}", f"Clinic number {at}", extension=[logo], partOf=parent)
            one["address"] = [{"city": "Denver", "state": "CO", "text": "9" * 400}]
            out.write(json.dumps({"fullUrl": f"urn:uuid:o{at}", "resource": one}) + ",")
            if not at % 20:
                way = endpoint(
                    f"e{at}", f"https://h{at}.org/R4", managingOrganization={"reference": f"urn:uuid:o{at}"}
                )
                out.write(json.dumps({"fullUrl": f"urn:uuid:e{at}", "resource": way}) + ",")
        out.write('{"resource":null}]}')
    assert path.stat().st_size > 50_000_000
    done = subprocess.run([sys.executable, "-c", PEAK, str(path)], capture_output=True, text=True, check=True)
    organisations, kilobytes = map(int, done.stdout.split())
    assert organisations == 18_200
    assert kilobytes < 60_000, "a few short texts of each entry, not the file"


def test_addresses_for_staff_are_left_out() -> None:
    from phr.providers import addresses

    assert addresses.refusal("https://fhir-ehr.cerner.com/r4/tenant/") == addresses.STAFF
    assert addresses.refusal("https://fhir-myrecord.cerner.com/r4/tenant/") is None
