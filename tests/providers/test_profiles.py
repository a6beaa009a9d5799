"""The facts we ship: what every vendor's profile has to say, and which organisations are listed."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from phr.model import Vendor
from phr.providers import tables
from phr.providers.catalog import Catalog, load

ROOT = Path(__file__).parents[2]
PROFILES = ROOT / "providers.toml"
ORGANISATIONS = ROOT / "organisations.tsv"
COLUMNS = ["id", "name", "vendor", "place", "fhir_base", "aliases", "shared"]

BIG = ("epic", "oracle", "meditech", "veradigm", "nextgen", "athenahealth", "eclinicalworks")
NAMED = (
    *BIG, "followmyhealth", "altera", "nextgen-office", "medicare", "va", "humana", "aetna", "cigna",
    "unitedhealthcare", "kaiser", "quest", "modmed", "practice-fusion", "greenway", "drchrono", "trubridge",
    "medhost", "netsmart", "one-medical", "smart-health-it", "hapi", "medplum", "custom", "sandbox",
)  # fmt: skip
NOBODY_REGISTERS = ("smart-health-it", "hapi", "sandbox")
OURS = ("custom", "sandbox")
WORDS = {"name", "recipe", "sure"}
"""Keys that are our own words, not facts about a vendor."""

AT_LEAST = {"epic": 100, "oracle": 50, "meditech": 25, "altera": 25, "eclinicalworks": 30, "athenahealth": 15}
MARK = re.compile(r"#.*(\[[DPU]\]|\bours\b)")
YEAR = re.compile(r"\b20(1\d|2\d)-\d\d\b|\b20[12]\d\b")
NOT_R4 = re.compile(r"dstu|stu3|argonaut|/r2/", re.IGNORECASE)
TEST_HOST = re.compile(r"(^|[.\-])(test|tst|dev|stage|stg|uat|train|sandbox|demo|poc)\d*[.\-]", re.IGNORECASE)


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return load(None)


@pytest.fixture(scope="module")
def source() -> dict[str, Any]:
    return tomllib.loads(PROFILES.read_text(encoding="utf-8"))


def organisations() -> list[dict[str, str]]:
    lines = [
        line for line in ORGANISATIONS.read_text(encoding="utf-8").splitlines() if line[:1] not in ("#", "")
    ]
    assert lines[0].split("\t") == COLUMNS
    rows = [line.split("\t") for line in lines[1:]]
    assert [row for row in rows if len(row) != len(COLUMNS)] == []
    return [dict(zip(COLUMNS, row, strict=True)) for row in rows]


def spelling(base: str) -> str:
    """The same for two ways of writing one base."""
    parts = urlsplit(base)
    port = f":{parts.port}" if parts.port not in (None, 443) else ""
    return f"{parts.hostname}{port}{parts.path.rstrip('/')}".lower()


# ── profiles ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("id_", NAMED)
def test_the_profile_is_there_and_says_what_a_person_needs(catalog: Catalog, id_: str) -> None:
    vendor = catalog.vendors[id_]
    assert vendor.recipe and vendor.auth and vendor.name != id_
    if id_ not in OURS:
        assert vendor.portal.startswith("https://")
        assert vendor.sure.endswith(".") and YEAR.search(vendor.sure), (
            "one sentence and when it was looked at"
        )
        assert vendor.support and vendor.waiting and vendor.refresh
    if id_ not in NOBODY_REGISTERS:
        assert "{redirect_uri}" in vendor.recipe, "the exact address to register"
        assert f"PHR_{id_.upper().replace('-', '_')}_CLIENT_ID" in vendor.recipe


@pytest.mark.parametrize("id_", BIG)
def test_the_big_seven_name_traps_and_a_way_without_this_computers_address(
    catalog: Catalog, id_: str
) -> None:
    vendor = catalog.vendors[id_]
    assert "Trap:" in vendor.recipe and "--redirect paste" in vendor.recipe
    assert vendor.test_sign_ins and vendor.directory_hosts
    # NextGen and athenahealth publish a web page of practices, which no program can read.
    assert vendor.directory.startswith("https://") or id_ in ("nextgen", "athenahealth")
    assert len([line for line in vendor.recipe.splitlines() if re.match(r"\d\. ", line)]) >= 4, (
        "steps are numbered"
    )


def test_a_vendor_that_wants_a_secret_says_how_to_give_it_without_showing_it(catalog: Catalog) -> None:
    for vendor in catalog.vendors.values():
        if vendor.auth[0].startswith("client_secret"):
            assert "--client-secret-stdin" in vendor.recipe, vendor.id


def test_every_value_says_where_it_comes_from_and_how_sure_it_is() -> None:
    bare, table, above, text = [], "", "", False
    for number, line in enumerate(PROFILES.read_text(encoding="utf-8").splitlines(), 1):
        if text or line.endswith('"""'):
            text = line.endswith('"""') != text
        elif line.startswith("["):
            table = line.strip("[]")
        elif found := re.match(r"([A-Za-z_]+) = ", line):
            asked = table.startswith("vendors.") and found[1] not in WORDS
            asked = asked or (found[1] in ("fhir_base", "auth", "shared") and table.startswith("providers."))
            if asked and not MARK.search(line) and not MARK.search(above):
                bare.append(f"{number}: [{table}] {found[1]}")
        above = line if line.startswith("#") else ""
    assert bare == []


def test_no_key_is_invented_and_every_key_is_used_somewhere(source: dict[str, Any]) -> None:
    used = {key for row in source["vendors"].values() for key in row}
    assert used <= set(tables.VENDOR_KEYS)
    unused = set(tables.VENDOR_KEYS) - used
    assert unused <= {"redirect_host", "redirect_port", "redirect_path", "issuer_differs", "requests_per_day"}


def test_no_word_means_two_vendors(catalog: Catalog) -> None:
    words = Counter(
        word.lower() for vendor in catalog.vendors.values() for word in (vendor.id, *vendor.aliases)
    )
    assert [word for word, times in words.items() if times > 1] == []


def test_habits_that_decide_whether_a_sign_in_works(catalog: Catalog) -> None:
    vendors = catalog.vendors
    assert (
        vendors["epic"].auth[:2] == ("dynamic", "public") and vendors["epic"].registration == "after-sign-in"
    )
    assert vendors["oracle"].aud_slash is True and "patient/*" not in vendors["oracle"].resource_scopes
    assert vendors["oracle"].search_params == {"Appointment": (("date", "ge1900-01-01"),)}
    assert (vendors["oracle"].token_seconds, vendors["oracle"].refresh_pause) == (570, 60)
    assert vendors["nextgen"].token_in_query and vendors["nextgen"].refresh_idle_hours == 48
    assert vendors["athenahealth"].claim_params == {"ah-practice": "Organization/{ah_practice}"}
    assert vendors["athenahealth"].nonce and vendors["athenahealth"].refresh_scope
    assert vendors["eclinicalworks"].requests_per_minute == 250 and vendors["eclinicalworks"].page_size == 0
    assert vendors["veradigm"].patient_claims[0] == "local_patient_id"
    assert vendors["medicare"].consent_days == 395
    assert vendors["quest"].search_params["DiagnosticReport"] == (("category", "LAB"),)
    assert vendors["modmed"].auth[0] == "private_key_jwt"


def test_limits_that_decide_whether_a_server_is_hammered(catalog: Catalog) -> None:
    healow = catalog.vendors["eclinicalworks"]
    assert (healow.requests_per_second, healow.burst) == (7, 14)
    assert (healow.requests_per_minute, healow.requests_per_day) == (250, 100_000)
    assert healow.timeout is not None and healow.timeout >= 60, "its searches take more than ten seconds"
    for vendor in catalog.vendors.values():
        assert 1 <= vendor.concurrency <= 4, vendor.id
        assert vendor.burst is None or vendor.requests_per_second is not None, vendor.id


def test_searches_that_a_vendor_needs_cut_are_cut_so_that_nothing_is_missed(catalog: Catalog) -> None:
    for id_ in ("epic", "nextgen", "eclinicalworks"):
        splits = catalog.vendors[id_].splits
        assert len({value for _, value in splits["Observation"]}) == len(splits["Observation"]) >= 8
        assert splits["CarePlan"]
    assert catalog.vendors["athenahealth"].splits["MedicationRequest"] == (
        ("intent", "order"),
        ("intent", "plan"),
    )
    assert catalog.vendors["epic"].provenance is True


@pytest.mark.parametrize("id_", ["eclinicalworks", "va", "medicare", "drchrono"])
def test_who_refuses_plain_http_is_never_offered_it(catalog: Catalog, id_: str) -> None:
    vendor = catalog.vendors[id_]
    assert vendor.redirects[0] == "paste" and "loopback" not in vendor.redirects
    assert "paste" in vendor.recipe


def test_the_sandboxes_are_there(catalog: Catalog) -> None:
    wanted = (
        "sandbox epic-sandbox oracle-sandbox oracle-open-sandbox meditech-sandbox meditech-sandbox-r4 veradigm-sandbox "
        "athenahealth-sandbox eclinicalworks-sandbox medicare-sandbox va-sandbox humana-sandbox trubridge-sandbox "
        "smart-health-it smart-health-it-open hapi"
    )
    for id_ in wanted.split():
        assert catalog.providers[id_].sandbox, id_
    for id_ in ("oracle-open-sandbox", "smart-health-it-open", "hapi"):
        assert catalog.providers[id_].auth == "none", id_
    for id_ in ("nextgen", "nextgen-office", "athenahealth", "netsmart", "one-medical"):
        assert catalog.providers[id_].shared, id_


# ── organisations ─────────────────────────────────────────────────────────────────────────────────


def test_there_are_many_organisations_over_all_vendors() -> None:
    rows = organisations()
    counted = Counter(row["vendor"] for row in rows)
    assert len(rows) >= 300
    for vendor, least in AT_LEAST.items():
        assert counted[vendor] >= least, vendor
    assert counted["veradigm"] > 0, "NextGen publishes no names: its one base stands in providers.toml"


def test_ids_are_stable_words_and_free(catalog: Catalog, source: dict[str, Any]) -> None:
    ids = [row["id"] for row in organisations()]
    assert [id_ for id_, times in Counter(ids).items() if times > 1] == []
    assert [id_ for id_ in ids if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", id_)] == []
    taken = {
        *source["providers"],
        *source["vendors"],
        *(a for v in catalog.vendors.values() for a in v.aliases),
    }
    assert [id_ for id_ in ids if id_ in taken] == []
    for id_ in (
        "denver-health",
        "cleveland-clinic",
        "mayo-clinic",
        "kaiser-colorado",
        "upmc",
        "banner",
        "iu-health",
    ):
        assert id_ in ids, "an id that people have in their scripts stays"


def test_names_are_for_reading(catalog: Catalog) -> None:
    for row in organisations():
        assert row["vendor"] in catalog.vendors, row
        assert all(cell == cell.strip() for cell in row.values()), row
        assert row["shared"] in ("", "yes"), row
        letters = re.sub(r"[^A-Za-z]", "", row["name"])
        assert not letters.isupper() or len(letters) <= 6, row["name"]
        assert not re.search(r"\bLLC\b|PROD|C/S|Expanse|MaaS|Hosted", row["name"]), row["name"]


def test_every_base_is_https_r4_and_nobody_elses() -> None:
    bases = Counter[str]()
    for row in organisations():
        parts = urlsplit(row["fhir_base"])
        assert parts.scheme == "https" and parts.hostname and not parts.query, row
        assert not NOT_R4.search(row["fhir_base"]) and not TEST_HOST.search(parts.hostname), row
        assert not parts.hostname.endswith((".local", ".hos", ".corp")), row
        if not row["shared"]:
            bases[spelling(row["fhir_base"])] += 1
    assert [base for base, times in bases.items() if times > 1] == []


def test_organisations_with_one_base_for_all_say_so(catalog: Catalog) -> None:
    one_for_all = {
        spelling(p.fhir_base or ""): p.vendor.id
        for p in catalog.providers.values()
        if p.shared and p.fhir_base
    }
    for row in organisations():
        assert (spelling(row["fhir_base"]) in one_for_all) is (row["shared"] == "yes"), row


def test_no_base_is_invented(shared: Path) -> None:
    """Each one stands in what the vendors published, letter by letter."""
    published = (shared / "endpoints.tsv").read_text(encoding="utf-8")
    lists = [path.read_text(encoding="utf-8") for path in (shared / "directories").glob("*.json")]
    known = {line.split("\t")[2] for line in published.splitlines()}
    known.update(found for text in lists for found in re.findall(r'"(https?://[^"]+)"', text))
    assert [row["id"] for row in organisations() if row["fhir_base"] not in known] == []


def test_addresses_tell_whose_they_are(catalog: Catalog, shared: Path) -> None:
    """Globs of all vendors against 20,000 published addresses; where two fit, the longer one says more."""
    globs = sorted(
        ((glob, vendor.id) for vendor in catalog.vendors.values() for glob in vendor.directory_hosts),
        key=lambda pair: -len(pair[0]),
    )
    named = {word: vendor.id for vendor in catalog.vendors.values() for word in (vendor.id, *vendor.aliases)}
    right = wrong = unknown = 0
    for line in (shared / "endpoints.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        word, _, base, _ = line.split("\t")
        parts = urlsplit(base)
        address = f"{parts.hostname}{parts.path}".lower()
        found = next((id_ for glob, id_ in globs if fnmatchcase(address, glob)), None)
        right += found == named.get(word)
        unknown += found is None
        wrong += found is not None and found != named.get(word)
    assert right > 50 * unknown and right > 200 * wrong, (right, unknown, wrong)


def test_the_example_of_an_own_file_loads(catalog: Catalog) -> None:
    own = load(ROOT / "examples" / "my-providers.toml")
    product: Vendor = own.vendors["my-product"]
    assert product.splits["Observation"] == (("category", "laboratory"), ("category", "vital-signs"))
    assert own.find("open-data").auth == "none" and own.find("my-clinic").vendor.redirect_port == 9100
    assert own.vendors["epic"].recipe == catalog.vendors["epic"].recipe
