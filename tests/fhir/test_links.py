from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from phr.fhir.links import ForeignLinkError, next_address, redirect_address, search_url, taken_home
from phr.model import Search

BASE = "https://fhir.example.org/api/FHIR/R4"
ASKED = f"{BASE}/Observation?patient=1"


def test_a_search_address_keeps_slashes_and_quotes_the_rest() -> None:
    search = Search("Observation", (("ah-practice", "Organization/a-1"), ("code", "http://x|1 2")))
    assert search_url(BASE + "/", search, 50) == (
        f"{BASE}/Observation?ah-practice=Organization/a-1&code=http://x%7C1%202&_count=50"
    )


def test_a_count_of_the_search_itself_is_not_doubled() -> None:
    assert search_url(BASE, Search("Goal", (("_count", "5"),)), 50) == f"{BASE}/Goal?_count=5"


def test_an_operation_is_a_search_too() -> None:
    assert search_url(BASE, Search("Patient/1/$everything"), None) == f"{BASE}/Patient/1/$everything"


@pytest.mark.parametrize(
    ("link", "address"),
    [
        (f"{BASE}/Observation?page=2", f"{BASE}/Observation?page=2"),
        ("Observation?page=2", f"{BASE}/Observation?page=2"),
        ("?sessionID=x", f"{BASE}/Observation?sessionID=x"),
        ("/api/FHIR/R4/Observation?p=2", f"{BASE}/Observation?p=2"),
        (f"{BASE}?_getpages=1", f"{BASE}?_getpages=1"),
        ("https://fhir.example.org:443/api/FHIR/R4/Observation?p=2", f"{BASE}/Observation?p=2"),
        ("HTTPS://FHIR.EXAMPLE.ORG/api/FHIR/R4/Observation?p=2", f"{BASE}/Observation?p=2"),
        ("http://fhir.example.org/api/FHIR/R4/Observation?p=2", f"{BASE}/Observation?p=2"),
        (
            "http://other.example.org/api/fhir/r4/Observation?p=2",
            "https://fhir.example.org/api/fhir/r4/Observation?p=2",
        ),
        ("https://inner.local/some/proxy/Observation?p=2", f"{BASE}/Observation?p=2"),
        ("https://inner.local/x/Observation/_search?p=2", f"{BASE}/Observation/_search?p=2"),
        (f"{BASE}/Observation?code=a|b c&x=%7C", f"{BASE}/Observation?code=a%7Cb%20c&x=%7C"),
        ("https://fhir.example.org@evil.example/api/FHIR/R4/Observation?p=2", f"{BASE}/Observation?p=2"),
    ],
)
def test_next_links_lead_to_the_known_server(link: str, address: str) -> None:
    assert next_address(BASE, ASKED, link, "Observation") == address


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/collect?x=1",
        "javascript:alert(1)",
        "https://[bad",
        "ftp://fhir.example.org/x",
        "a\nb",
    ],
)
def test_next_links_that_cannot_be_brought_home_are_not_followed(link: str) -> None:
    with pytest.raises(ForeignLinkError):
        next_address(BASE, ASKED, link, "Observation")


@given(
    st.text(max_size=60)
    | st.builds(
        "{}://{}/{}".format,
        st.sampled_from(["http", "https", "HTTPS"]),
        st.text(max_size=20),
        st.text(max_size=20),
    )
)
@example("//evil.example/api/FHIR/R4/Observation")
@example("https://fhir.example.org:444/api/FHIR/R4/Observation")
@example("https://fhir.example.org\\@evil.example/Observation")
def test_whatever_a_link_says_the_next_address_is_on_the_origin_of_the_base(link: str) -> None:
    try:
        address = next_address(BASE, ASKED, link, "Observation")
    except ForeignLinkError:
        return
    assert address.startswith("https://fhir.example.org/")
    assert urlsplit(address).netloc == "fhir.example.org"
    assert address.isascii() and not any(c.isspace() for c in address)


def test_redirects_stay_on_the_origin_and_never_lose_https() -> None:
    assert redirect_address(ASKED, "../R4/Patient/2") == f"{BASE}/Patient/2"
    assert redirect_address(ASKED, "http://fhir.example.org/api/x") == "https://fhir.example.org/api/x"


@pytest.mark.parametrize(
    "location",
    [
        "https://evil.example/",
        "//evil.example/",
        "http://fhir.example.org:8080/",
        "https://fhir.example.org:444/",
    ],
)
def test_redirects_to_another_origin_are_refused(location: str) -> None:
    with pytest.raises(ForeignLinkError):
        redirect_address(ASKED, location)


def test_what_every_search_carries_keeps_its_slash_and_gives_way_to_the_search() -> None:
    always = (("ah-practice", "Organization/a-1.Practice-7"), ("category", "x"))
    search = Search("Observation", (("patient", "p"), ("category", "laboratory")))
    found = search_url("https://ehr.example/fhir", search, 50, always)
    assert found == (
        "https://ehr.example/fhir/Observation?patient=p&category=laboratory"
        "&ah-practice=Organization/a-1.Practice-7&_count=50"
    )


@pytest.mark.parametrize(
    ("base", "url", "home"),
    [
        ("https://a.example.org/x/fhir", "https://b.example.com/x/fhir/Binary/1", "https://a.example.org/x/fhir/Binary/1"),
        ("https://a.example.org/x/FHIR/r4", "https://b.example.com/x/fhir/R4/doc/1?k=v", "https://a.example.org/x/fhir/R4/doc/1?k=v"),
        ("http://127.0.0.1:8000/x/fhir", "https://b.example.com/x/fhir/doc", "http://127.0.0.1:8000/x/fhir/doc"),
        ("https://a.example.org/x/fhir", "https://a.example.org/x/fhir/Binary/1", None),
        ("https://a.example.org/x/fhir", "https://b.example.com/y/fhir/Binary/1", None),
        ("https://a.example.org/x/fhir", "https://b.example.com/x/fhirs/Binary/1", None),
        ("https://a.example.org/fhir", "https://b.example.com/fhir/Binary/1", None),
        ("https://a.example.org/x/fhir", "Binary/1", None),
        ("https://a.example.org/x/fhir", "ftp://b.example.com/x/fhir/1", None),
        ("https://a.example.org/x/fhir", "https://[b/x/fhir/1", None),
    ],
)  # fmt: skip
def test_what_is_said_to_be_below_our_path_elsewhere_is_looked_for_at_home(
    base: str, url: str, home: str | None
) -> None:
    assert taken_home(base, url) == home
