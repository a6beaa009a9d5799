"""Asking for a Bulk Data export: kick-off, how far it is, and letting go (HL7 Bulk Data Access 2.0, "Request Flow").

One question each, nothing waits here: who asks decides how long (`sync.bulk_wait`). The kick-off and the status
address belong to the base's own origin, because they get the bearer. What servers were seen to do besides: refuse
a GET and take a POST; refuse one of the parameters; prepare one export at a time (Epic); ask for very long waits and
refuse a repeated `_type` (Oracle); answer 200 with a web page; send no Retry-After and no X-Progress.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote, urlencode

from phr.errors import FhirError, NotAuthorized, Refused, UsageError
from phr.fhir import links, outcome
from phr.fhir.bulk_manifest import Manifest, read_manifest
from phr.fhir.transport import BODY_LIMIT, Answer, host_of

if TYPE_CHECKING:
    from phr.fhir.transport import Sink

NDJSON = "application/fhir+ndjson"
ACCEPT = "application/fhir+json"
ACCEPT_STATUS = "application/json, application/fhir+json;q=0.9"
DROPPED = ("_typeFilter", "_since", "_type", "_outputFormat")
"""Parameters that an export can do without, the most often refused first."""
_LATER = frozenset({408, 425, 429, 503})
# Two searches and no `.*` between them: a stranger's words must not take the square of their length.
_OF_EXPORTS = re.compile(r"(?i)\b(?:export|request|job|bulk|operation)")
_BUSY = re.compile(
    r"(?i)\b(?:already|another|concurrent|in[ -]progress|only one|one .{0,20}at a time|simultaneous|under way|running)\b"
)
_READ = 2000
"""Characters of a refusal that are looked into for words that it is busy."""
_PERCENT = re.compile(r"(?<!\d)(\d{1,9}(?:\.\d{1,9})?)\s*%")
_PART_OF = re.compile(r"(?<!\d)(\d{1,12})\s*(?:of|/)\s*(\d{1,12})")


class Server(Protocol):
    """What is needed of `FhirClient`."""

    base: str

    @property
    def bearers(self) -> tuple[str, ...]:
        """What it was signed in with: a server that repeats it must not get it into words."""
        ...

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        *,
        body: bytes | None = None,
        bearer: bool = True,
        into: Sink | None = None,
        limit: int = BODY_LIMIT,
        even_stopped: bool = False,
    ) -> Answer: ...


@dataclass(frozen=True, slots=True)
class Ask:
    """One export as it is asked for. `level` is `patient`, `group:ID` or `system`."""

    level: str
    since: str | None = None
    types: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    """`_typeFilter`: `Observation?category=laboratory`."""
    dropped: frozenset[str] = frozenset()
    """Names of parameters that this server refused."""

    def params(self) -> tuple[tuple[str, str], ...]:
        """What is sent. `_type` is one parameter with commas: Oracle refuses it when it is repeated."""
        wanted = (
            ("_outputFormat", NDJSON),
            ("_since", self.since or ""),
            ("_type", ",".join(self.types)),
            ("_typeFilter", ",".join(self.filters)),
        )
        return tuple((name, value) for name, value in wanted if value and name not in self.dropped)

    def address(self, base: str) -> str:
        """The operation itself. Raises UsageError for a level that there is none of."""
        return f"{base.rstrip('/')}/{_path(self.level)}"

    def url(self, base: str) -> str:
        """The kick-off by GET."""
        return f"{self.address(base)}?{urlencode(self.params(), quote_via=quote, safe='/:,$')}"

    def body(self) -> bytes:
        """The kick-off by POST: a Parameters resource."""
        listed = [_parameter(name, value) for name, value in self.params() if name != "_typeFilter"]
        if "_typeFilter" not in self.dropped:
            listed += [_parameter("_typeFilter", value) for value in self.filters]
        return json.dumps({"resourceType": "Parameters", "parameter": listed}).encode()


@dataclass(frozen=True, slots=True)
class Begun:
    """The server prepares the export."""

    status_url: str = field(repr=False)
    dropped: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Later:
    """Not now. `seconds` is what the server asks for; None: it says nothing."""

    words: str
    seconds: float | None = None
    busy: bool = False
    """It says that another export is under way."""
    http_status: int | None = None
    told: bool = False
    """It came with an OperationOutcome that does not call it passing: the export itself may have failed."""


@dataclass(frozen=True, slots=True)
class Preparing:
    """Under way; `progress` are the server's words, if any."""

    progress: str | None = None
    seconds: float | None = None

    @property
    def share(self) -> float | None:
        """What is done as a number between 0 and 1, where the words hold one."""
        return share(self.progress)


@dataclass(frozen=True, slots=True)
class Lost:
    """The server knows nothing of this export (any more)."""


def kick_off(server: Server, ask: Ask, now: float) -> Begun | Later:
    """Ask for an export. Raises Refused with the server's words, NotAuthorized, Unreachable.

    A parameter that the server refuses by name is left out, each of them once; a GET that is not allowed becomes a POST.
    """
    post = False
    while True:
        url = ask.address(server.base) if post else ask.url(server.base)
        answer = _send(server, ask, url, post)
        if answer.status == 202:
            return Begun(_status_url(url, answer), ask.dropped)
        if answer.status == 405 and not post:
            post = True
            continue
        name = _refused_parameter(answer, ask)
        if name is not None:
            ask = replace(ask, dropped=ask.dropped | {name})
            continue
        return _not_begun(url, answer, now, server.bearers)


def status(server: Server, url: str, now: float) -> Preparing | Manifest | Lost | Later:
    """Ask how far the export is. Raises Refused when it failed, NotAuthorized, Unreachable."""
    if not links.same_origin(url, server.base):
        raise Refused(
            "The export's progress is said to be on another server, where the sign-in does not belong."
        )
    answer = server.request("GET", url, {"Accept": ACCEPT_STATUS})
    code, host = answer.status, host_of(url)
    if code == 202:
        words = outcome.clean(answer.headers.get("x-progress"), 100, server.bearers) or None
        return Preparing(words, retry_after(answer.headers, now))
    if code in (404, 410):
        return Lost()
    if code == 200:
        try:
            return read_manifest(answer, url)
        except ValueError as error:
            return Later(f"{host} sent {error} instead of the list of files.", http_status=code)
    if code in _LATER or code >= 500:
        issues = outcome.codes(answer)
        words = f"{host}: {outcome.reason(answer, server.bearers)}."
        told = code >= 500 and code not in _LATER and bool(issues) and not issues & {"transient", "timeout"}
        return Later(words, retry_after(answer.headers, now), http_status=code, told=told)
    raise _final(f"{host}: {outcome.reason(answer, server.bearers)}.", code)


def let_go(server: Server, url: str) -> bool:
    """Tell the server to stop an export, or that its files are no longer needed. Whether it said yes; never raises."""
    if not links.same_origin(url, server.base):
        return False
    try:
        return server.request("DELETE", url, {"Accept": ACCEPT}, even_stopped=True).status < 300
    except FhirError:
        return False


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds as `Retry-After` says, uncapped (RFC 9110, section 10.2.3); a date counts by the server's own clock."""
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    if value.isascii() and value.isdigit():
        return min(float(value[:12]), 1e9)
    then, date = _instant(value), _instant(headers.get("date", ""))
    return None if then is None else max(0.0, then - (now if date is None else date))


def share(words: str | None) -> float | None:
    """The share that words such as `40% complete` or `3 of 10` name."""
    if words is None:
        return None
    if found := _PERCENT.search(words):
        return min(float(found[1]) / 100, 1.0)
    if (found := _PART_OF.search(words)) and int(found[2]):
        return min(int(found[1]) / int(found[2]), 1.0)
    return None


def _path(level: str) -> str:
    if level == "patient":
        return "Patient/$export"
    if level == "system":
        return "$export"
    kind, _, group = level.partition(":")
    if kind != "group" or not group:
        raise UsageError(f"There is no export of the kind {level}.", hint="One of: patient, group:ID, system")
    return f"Group/{quote(group, safe='')}/$export"


def _parameter(name: str, value: str) -> dict[str, str]:
    return {"name": name, "valueInstant" if name == "_since" else "valueString": value}


def _send(server: Server, ask: Ask, url: str, post: bool) -> Answer:
    headers = {"Accept": ACCEPT, "Prefer": "respond-async"}
    if not post:
        return server.request("GET", url, headers)
    return server.request("POST", url, {**headers, "Content-Type": ACCEPT}, body=ask.body())


def _status_url(asked: str, answer: Answer) -> str:
    location = answer.headers.get("content-location") or answer.headers.get("location")
    if not location:
        raise Refused("The server prepares an export, but does not say where to ask for it.", http_status=202)
    try:
        return links.redirect_address(asked, location)
    except links.ForeignLinkError:
        raise Refused(
            "The export's progress is said to be on another server, where the sign-in does not belong.",
            http_status=202,
        ) from None


def _refused_parameter(answer: Answer, ask: Ask) -> str | None:
    """The parameter that this answer refuses by its name, if we sent it."""
    if answer.status not in (400, 422, 501):
        return None
    text = answer.body[:100_000].decode("utf-8", "replace")
    sent = {name for name, _ in ask.params()}
    return next((name for name in DROPPED if name in sent and re.search(rf"{name}(?![A-Za-z])", text)), None)


def _not_begun(url: str, answer: Answer, now: float, secrets: tuple[str, ...] = ()) -> Later:
    words, code = f"{host_of(url)}: {outcome.reason(answer, secrets)}.", answer.status
    busy = 400 <= code < 500 and code != 401 and _says_busy(answer.body)
    seconds = retry_after(answer.headers, now)
    if code in _LATER or (code >= 500 and code not in (501, 505)):
        return Later(words, seconds, busy, code)
    if busy:
        raise one_at_a_time(url, code)
    if code < 300:
        raise Refused(f"{host_of(url)} does not prepare exports: it answered at once.", http_status=code)
    raise _final(words, code)


def _says_busy(body: bytes) -> bool:
    text = " ".join(body[: _READ * 4].decode("utf-8", "replace").split())[:_READ]
    return _OF_EXPORTS.search(text) is not None and _BUSY.search(text) is not None


def one_at_a_time(url: str, http_status: int | None) -> Refused:
    """What to say when another export is in the way."""
    return Refused(
        f"{host_of(url)} prepares one export at a time, and another one is under way.",
        http_status=http_status,
        hint="Try again when it has ended; an export that phr began itself is given up with: phr jobs cancel ID",
    )


def _final(words: str, code: int) -> FhirError:
    return (NotAuthorized if code == 401 else Refused)(words, http_status=code)


def _instant(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
