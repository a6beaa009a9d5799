"""What a server says when it says no: OperationOutcome (FHIR R4 http.html#outcome), else the status.

Looked for in this order: OperationOutcome `details.text`, `details.coding.display`, `diagnostics`, the issue
code; then words for the status. Servers put ids, dates and once even a diagnosis code into `diagnostics`, so
everything passes `clean`: printable, short, without addresses, ids and long opaque words. These words are
shown to the person whose record it is; this package logs only status and issue code.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from phr.errors import Said
from phr.fhir import wanted

if TYPE_CHECKING:
    from phr.fhir.transport import Answer

TEXT_LIMIT = 160
_READ_LIMIT = 1_000_000
"""Bytes of a refusal that are looked into; anything longer is no OperationOutcome for a person."""
STATUS_WORDS = {
    400: "the question was not accepted",
    401: "the sign-in was not accepted",
    403: "this sign-in may not see it",
    404: "it is not offered there",
    406: "the format was not accepted",
    408: "it took too long",
    410: "it is gone",
    413: "the result is too large",
    422: "the question was not accepted",
    429: "too many requests",
    500: "an error inside the server",
    501: "it is not offered there",
    503: "the service is down for now",
}
# Every repetition that can be tried from each place has an end: these words are a stranger's.
_URL = re.compile(r"(?i)\b[a-z][a-z0-9+.-]{0,30}://\S+")
_REFERENCE = re.compile(r"\b([A-Z][A-Za-z]{3,40})/(?=[^\s,;]{0,160}\d)[^\s,;]+")
_OPAQUE = re.compile(r"(?=[^\s]{0,160}\d)[A-Za-z0-9_\-.~+/=%:|]{20,}|[^\s]{48,}")
_ISSUE_CODE = re.compile(r"[a-z][a-z-]{2,29}")
_VENDOR_CODE = re.compile(r"[A-Za-z0-9][\w.-]{0,39}", re.ASCII)
_WORDS_IN_JSON = ("error_description", "message", "detail", "title", "error")
_LONG_NUMBER = re.compile(r"\d[\d-]{6,}\d")
_HALF_PAIR = re.compile(r"\\u[dD][89a-fA-F]")


@dataclass(frozen=True, slots=True)
class Remark:
    """One issue of an OperationOutcome; `text` is already clean."""

    severity: str
    code: str
    text: str
    vendor_code: str | None = None


def clean(text: object, limit: int = TEXT_LIMIT, secrets: Iterable[str | None] = ()) -> str:
    """Foreign text made fit for a person's eyes: one line, printable, no ids or addresses, at most `limit`."""
    if not isinstance(text, str):
        return ""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "…")
    line = " ".join("".join(c if c.isprintable() else " " for c in text[:2000]).split())
    line = _REFERENCE.sub(r"\1/…", _URL.sub("…", line))
    line = _LONG_NUMBER.sub("…", _OPAQUE.sub("…", line))
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def remarks(outcome: object, secrets: tuple[str, ...] = ()) -> tuple[Remark, ...]:
    """The issues of an OperationOutcome as parsed JSON; empty for anything else. Never raises.

    `secrets` are bearers: a server that repeats what it was sent must not get them into a report.
    """
    if not isinstance(outcome, dict) or outcome.get("resourceType") != "OperationOutcome":
        return ()
    issues = outcome.get("issue")
    issues = issues if isinstance(issues, list) else [issues]
    return tuple(_remark(issue, secrets) for issue in issues[:50] if isinstance(issue, dict))


def _remark(issue: dict[str, object], secrets: tuple[str, ...]) -> Remark:
    details = issue.get("details")
    details = details if isinstance(details, dict) else {}
    codings = details.get("coding")
    coding = next((c for c in codings if isinstance(c, dict)), {}) if isinstance(codings, list) else {}
    code, vendor_code = issue.get("code"), coding.get("code")
    first = clean(details.get("text"), secrets=secrets) or clean(coding.get("display"), secrets=secrets)
    second = clean(issue.get("diagnostics"), secrets=secrets)
    # Epic keeps what is missing ("Must have either code or category.") beside a general sentence.
    text = f"{first} {second}" if first and second and second not in first else first or second
    return Remark(
        severity=str(issue.get("severity") or "error"),
        code=code if isinstance(code, str) else "",
        text=clean(text) or clean(code, secrets=secrets) or "no reason given",
        vendor_code=vendor_code if isinstance(vendor_code, str) else None,
    )


def parse(body: bytes) -> object:
    """JSON or None. For small answers; Bundles go through `bundle.split`.

    NaN is read as null, and half a surrogate pair as U+FFFD: no encoder takes one, so it could not be kept.
    """
    text = body.decode("utf-8-sig", "replace")
    try:
        if not _HALF_PAIR.search(text):
            return json.loads(text, parse_constant=lambda _: None)
        from phr.fhir.read import parse_json

        return parse_json(body)
    except (ValueError, RecursionError):
        return None


def codes(answer: Answer) -> frozenset[str]:
    """The issue codes of a failing answer, e.g. `not-supported`. They get logged: anything else is left out."""
    found = (remark.code for remark in _said(answer))
    return frozenset(code for code in found if _ISSUE_CODE.fullmatch(code))


def reason(answer: Answer, secrets: tuple[str, ...] = ()) -> str:
    """Why this answer is not what was asked for: the server's own words, else the status in words."""
    worst = _worst(_said(answer, secrets))
    words = worst.text if worst else STATUS_WORDS.get(answer.status, answer.phrase)
    return f"{words.rstrip('.')} ({answer.status})"


def said(answer: Answer, secrets: tuple[str, ...] = ()) -> Said:
    """What a failing answer looked like, and what its words ask for. Never raises."""
    body = answer.body if len(answer.body) <= _READ_LIMIT else b""
    if not body.strip():
        return Said(shape="other" if answer.body.strip() else "empty")
    if answer.looks_like_html:
        return Said(shape="html")
    found = parse(body)
    if isinstance(found, dict) and found.get("resourceType") == "OperationOutcome":
        return _of_issues(found, remarks(found, secrets))
    words = found if isinstance(found, str) else _words(body, found)
    return Said(shape="other", text=clean(words, secrets=secrets), **_asked_for([words]))


def _of_issues(found: dict[str, object], told: tuple[Remark, ...]) -> Said:
    listed = found.get("issue")
    issues = [
        issue for issue in (listed if isinstance(listed, list) else [listed]) if isinstance(issue, dict)
    ]
    codes, vendor_codes, texts, expressions = set(), set(), [], []
    for issue in issues[:50]:
        details = issue.get("details")
        details = details if isinstance(details, dict) else {}
        codings = details.get("coding")
        codings = codings if isinstance(codings, list) else []
        codes.add(str(issue.get("code")))
        vendor_codes |= {str(coding.get("code")) for coding in codings if isinstance(coding, dict)}
        if issue.get("severity") not in ("information", "success", "warning"):
            texts += [str(words) for words in (details.get("text"), issue.get("diagnostics")) if words]
            named = issue.get("expression")
            expressions += named if issue.get("code") == "required" and isinstance(named, list) else []
    asked = _asked_for(texts)
    asked["wanted"] = asked["wanted"] or wanted.from_expressions(expressions)
    worst = _worst(told)
    return Said(
        codes=frozenset(code for code in codes if _ISSUE_CODE.fullmatch(code) and code != "None"),
        vendor_codes=frozenset(c for c in vendor_codes if _VENDOR_CODE.fullmatch(c) and c != "None"),
        shape="outcome",
        text=worst.text if worst else "",
        **asked,
    )


def _asked_for(texts: list[str]) -> dict[str, Any]:
    """Each text by itself: the list of accepted categories follows what asks for one."""
    needed = dict.fromkeys(one for text in texts for one in wanted.wanted(text))
    return {
        "wanted": tuple(needed),
        "unknown": tuple(dict.fromkeys(name for text in texts for name in wanted.unknown(text))),
        "values": next((found for text in texts if needed and (found := wanted.values(text))), ()),
    }


def _words(body: bytes, found: object) -> str:
    """The words of an answer that is no OperationOutcome: a gateway's JSON, or plain text."""
    if isinstance(found, dict):
        return next((str(found[key]) for key in _WORDS_IN_JSON if isinstance(found.get(key), str)), "")
    return "" if found is not None else body[:4000].decode("utf-8", "replace")


def _worst(found: tuple[Remark, ...]) -> Remark | None:
    return next((one for one in found if one.severity in ("fatal", "error")), found[0] if found else None)


def _said(answer: Answer, secrets: tuple[str, ...] = ()) -> tuple[Remark, ...]:
    return remarks(parse(answer.body), secrets) if len(answer.body) <= _READ_LIMIT else ()
