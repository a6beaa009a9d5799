"""FHIR bases in lists of other people: what is taken, what is refused and why, and when two are the same.

Directories mix releases of FHIR, test systems and addresses that only exist inside a hospital's network. A person
who signs in there gets nowhere, so they are left out and counted.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from phr.fhir.links import origin

NO_ADDRESS = "no address"
TOO_LONG = "address too long"
NOT_HTTPS = "not https"
PRIVATE = "private address"
OTHER_RELEASE = "not FHIR R4"
TEST = "test or development system"
STAFF = "for staff, not for patients"

LONGEST = 500
_PRIVATE_ENDINGS = (
    ".local",
    ".lan",
    ".internal",
    ".intranet",
    ".corp",
    ".home",
    ".localdomain",
    ".localhost",
)
_RELEASE = re.compile(r"(?:^|[/._-])(?:dstu-?[12]?|stu-?3|r[235])(?:[/._-]|$)|argonaut/v\d", re.IGNORECASE)
_TESTING = (
    r"test|tst|dev|devel|development|developer|uat|qa|stage|stg|staging|prostage|sandbox|sbx|train|training|trn"
    r"|poc|non-?prod|np|nprd|pre-?prod|preview|demo|sit"
)
_TEST_HOST = re.compile(
    rf"(?:(?:^|[.-])(?:fhir)?(?:{_TESTING})|\d(?:dev|test|tst|qa|uat))(?:fhir|web)?\d*(?=[.-])", re.IGNORECASE
)
_TEST_PATH = re.compile(r"(?:[/_-]|\d)(?:test|sandbox|uat|non-?prod|training)\d*(?=[/_-]|$)", re.IGNORECASE)
_STAFF_HOSTS = frozenset(
    {"fhir-ehr.cerner.com", "fhir-ehr-sc.cerner.com", "fhir4.eclinicalworks.com", "api.practicefusion.com"}
)
"""Twins of patients' addresses where only people who work there sign in (Oracle Health, eClinicalWorks, Practice Fusion)."""
_TAILS = re.compile(r"/(?:metadata|\.well-known/smart-configuration)/?$")


def tidy(address: str) -> str:
    """The base as it was published, without what some lists hang on it."""
    return _TAILS.sub("", address.strip())


def refusal(base: str) -> str | None:
    """Why this base is left out; None when it is one to sign in at."""
    if len(base) > LONGEST:
        return TOO_LONG
    if not base or any(c in base for c in ' ?#@\\"<>|\t\n'):
        return NO_ADDRESS
    try:
        parts = urlsplit(base)
        host, _ = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return NO_ADDRESS
    if not host or not base.isascii() or not base.isprintable():
        return NO_ADDRESS
    if _is_private(host):
        return PRIVATE
    if parts.scheme.lower() != "https":
        return NOT_HTTPS if parts.scheme.lower() == "http" else NO_ADDRESS
    if _RELEASE.search(host) or _RELEASE.search(parts.path):
        return OTHER_RELEASE
    if host in _STAFF_HOSTS:
        return STAFF
    if _TEST_HOST.search(host) or _TEST_PATH.search(parts.path):
        return TEST
    return None


def _is_private(host: str) -> bool:
    """An address of its own network: a bare name, a name that only resolves inside, or any IP address."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return "." not in host.strip(".") or host.rstrip(".").endswith(_PRIVATE_ENDINGS)
    return True


def key(base: str) -> str:
    """Equal for two spellings of one base: case of the host, default port, slash at the end do not count."""
    try:
        scheme, host, port = origin(base)
    except ValueError:
        return base
    return f"{scheme}://{host}:{port}{urlsplit(base).path.rstrip('/')}"
