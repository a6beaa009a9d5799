from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from phr.errors import UsageError
from phr.model import Provider, Vendor
from phr.providers import tables
from phr.providers.catalog import Catalog, load
from phr.settings import vendor_variable
from phr.smart.discovery import check_base


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load(None)


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "providers.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_vendor_of_the_contract_is_there_with_an_entry_of_its_own(catalog: Catalog) -> None:
    wanted = "epic oracle meditech veradigm nextgen athenahealth eclinicalworks medicare va smart-health-it custom sandbox"
    for id_ in wanted.split():
        assert catalog.vendors[id_].id == id_
        assert catalog.providers[id_].vendor is catalog.vendors[id_]
        assert catalog.vendors[id_].recipe, "every vendor says how to get in"


def test_sandboxes_and_organisations_are_there(catalog: Catalog) -> None:
    assert catalog.find("epic-sandbox").sandbox and catalog.find("oracle-sandbox").sandbox
    assert catalog.find("sandbox").client_id == "phr-sandbox"
    assert len([one for one in catalog if one.fhir_base and not one.sandbox]) >= 250
    seven = "epic oracle meditech veradigm nextgen athenahealth eclinicalworks".split()
    assert {one.vendor.id for one in catalog if one.fhir_base and not one.sandbox} >= set(seven)


def test_every_base_is_one_that_a_sign_in_would_accept(catalog: Catalog) -> None:
    for provider in catalog:
        if provider.fhir_base is not None:
            check_base(provider.fhir_base)


def test_recipes_name_the_redirect_address_and_where_the_client_id_goes(catalog: Catalog) -> None:
    for vendor in catalog.vendors.values():
        if vendor.auth[0] == "none" or vendor.id in ("sandbox", "smart-health-it"):
            continue
        assert vendor_variable(vendor.id, "client_id") in vendor.recipe, vendor.id
        assert "{redirect_uri}" in vendor.recipe, vendor.id


def test_known_habits_are_values(catalog: Catalog) -> None:
    assert ("category", "laboratory") in catalog.vendors["epic"].splits["Observation"]
    assert catalog.vendors["athenahealth"].splits["MedicationRequest"] == (
        ("intent", "order"),
        ("intent", "plan"),
    )
    assert catalog.vendors["oracle"].aud_slash is True
    assert catalog.vendors["medicare"].types == ("Patient", "Coverage", "ExplanationOfBenefit")
    assert "fhirUser" not in catalog.vendors["medicare"].scopes
    assert catalog.vendors["eclinicalworks"].page_size == 0


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("denver health", "denver-health"),
        ("Health DENVER", "denver-health"),
        ("denvr helth", "denver-health"),
        ("mayo", "mayo-clinic"),
        ("kaiser colorado", "kaiser-colorado"),
        ("childrens hospital los angeles", "childrens-los-angeles"),
        ("Children’s Los Angeles", "childrens-los-angeles"),
        ("pittsburgh", "upmc"),
        ("epic-sandbox", "epic-sandbox"),
        ("epic", "epic"),
        ("blue button", "medicare"),
        ("blue button sandbox", "medicare-sandbox"),
    ],
)
def test_search_finds_what_was_meant_first(catalog: Catalog, text: str, first: str) -> None:
    assert catalog.search(text)[0].id == first


def test_search_is_empty_for_words_nobody_has_and_bounded_otherwise(catalog: Catalog) -> None:
    assert catalog.search("zzyzx qqq") == []
    assert len(catalog.search("health", limit=3)) == 3
    assert len(catalog.search("", limit=5)) == 5


def test_find_names_near_misses(catalog: Catalog) -> None:
    with pytest.raises(UsageError) as caught:
        catalog.find("epic-sandbx")
    assert "epic-sandbox" in (caught.value.hint or "")
    with pytest.raises(UsageError) as caught:
        catalog.find("qqqqq")
    assert "phr providers search" in (caught.value.hint or "")
    assert catalog.find(" EPIC ").id == "epic"


def test_a_persons_own_file_adds_and_overrides_key_by_key(tmp_path: Path) -> None:
    own = write(
        tmp_path,
        '[vendors.epic]\nredirect_port = 9999\n[providers.my-clinic]\nvendor = "epic"\nname = "My clinic"\n'
        'fhir_base = "https://fhir.example.org/r4"\nclient_id = "mine"\n[providers.mayo-clinic]\nname = "Mayo"\n',
    )
    catalog = load(own)
    assert catalog.vendors["epic"].redirect_port == 9999 and catalog.vendors["epic"].splits
    assert catalog.find("my-clinic").vendor.redirect_port == 9999
    assert catalog.find("mayo-clinic").name == "Mayo" and catalog.find("mayo-clinic").fhir_base


def test_an_organisation_without_vendor_is_a_custom_server(tmp_path: Path) -> None:
    own = write(tmp_path, '[providers.mine]\nfhir_base = "http://127.0.0.1:8080/fhir"\n')
    assert load(own).find("mine").vendor.id == "custom"


def test_an_own_file_that_is_not_there_is_no_problem(tmp_path: Path) -> None:
    assert load(tmp_path / "missing.toml").find("epic")


def test_everything_wrong_is_told_at_once_with_table_and_key(tmp_path: Path) -> None:
    own = write(
        tmp_path,
        '[vendors.epic]\nauht = "public"\nredirect_port = "8765"\nscope_dialect = "v3"\n'
        '[vendors.epic.splits]\nObservation = ["laboratory"]\n'
        '[providers.Mine]\nfhir_base = "http://fhir.example.org"\nsandbox = "no"\n[clinics.x]\na = 1\n',
    )
    with pytest.raises(UsageError) as caught:
        load(own)
    for words in (
        "[vendors.epic] auht: no such key",
        "[vendors.epic] redirect_port is a number",
        "[vendors.epic] scope_dialect is one of",
        "[vendors.epic] splits",
        "[providers.Mine]: an id has only small letters",
        "[providers.Mine] fhir_base is an https address",
        "[providers.Mine] sandbox is true or false",
        "[clinics] is not known",
    ):
        assert words in caught.value.message
    assert caught.value.exit_status == 2 and str(own) in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("requests_per_second = 0", "is a number above 0"),
        ("requests_per_second = true", "is a number above 0"),
        ("timeout = 'long'", "is a number above 0, at most 600"),
        ("timeout = 601", "is a number above 0, at most 600"),
        ("timeout = nan", "is a number above 0"),
        ("burst = 2.5", "is a number from 1"),
        ("provenance = 'yes'", "is true or false"),
    ],
)
def test_a_limit_that_is_none_is_told(tmp_path: Path, line: str, problem: str) -> None:
    with pytest.raises(UsageError) as caught:
        load(write(tmp_path, f"[vendors.epic]\n{line}\n"))
    assert f"{line.split()[0]} {problem}" in caught.value.message


def test_limits_of_ones_own_are_taken(tmp_path: Path) -> None:
    lines = "requests_per_second = 0.5\nburst = 3\ntimeout = 90\nprovenance = false\n"
    vendor = load(write(tmp_path, f"[vendors.epic]\n{lines}")).vendors["epic"]
    assert (vendor.requests_per_second, vendor.burst, vendor.timeout, vendor.provenance) == (
        0.5,
        3,
        90,
        False,
    )


def test_an_unknown_vendor_is_named(tmp_path: Path) -> None:
    own = write(tmp_path, '[providers.mine]\nvendor = "epik"\n')
    with pytest.raises(UsageError, match=r"\[providers\.mine\] vendor"):
        load(own)


@pytest.mark.parametrize("text", ["[vendors", "vendors = 5", "[vendors]\nepic = 5"])
def test_a_file_that_is_no_catalogue_is_a_usage_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match=r"providers\.toml"):
        load(write(tmp_path, text))


def test_a_file_that_is_not_text_is_a_usage_error(tmp_path: Path) -> None:
    path = tmp_path / "providers.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError):
        load(path)


def test_every_field_of_a_vendor_and_a_provider_can_be_set() -> None:
    assert {f.name for f in fields(Vendor)} - {"id"} == set(tables.VENDOR_KEYS)
    assert {f.name for f in fields(Provider)} - {"id"} == set(tables.PROVIDER_KEYS)
