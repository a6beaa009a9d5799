"""Errors as FHIR says them: an OperationOutcome for every one (FHIR R4 http.html#3.1.0.9), or as a vendor does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response

from phr.sandbox.record_habits import FHIR_JSON, RecordHabits

_NO_PAGE = "<!doctype html><title>Not here</title><h1>There is no such page</h1>"
_LOGIN_PAGE = "<!doctype html><title>Sign in</title><h1>Please sign in</h1>"
_NOT_IMPLEMENTED = "NotImplementedException: The method or operation is not implemented."
_TRACE = (
    "at Sandbox.Api.Fhir.Engines.{type}Engine.Search(FhirRequest request) in /src/{type}Engine.cs:line 348"
)


class OutcomeError(Exception):
    """A request that is answered with an OperationOutcome; `code` is from the value set issue-type."""

    def __init__(
        self,
        status: int,
        code: str,
        diagnostics: str,
        headers: Mapping[str, str] | None = None,
        *,
        type_: str = "",
        way: str = "",
        own: str = "",
    ) -> None:
        super().__init__(diagnostics)
        self.status = status
        self.code = code
        self.diagnostics = diagnostics
        self.headers = dict(headers or {})
        self.type = type_
        self.way = way
        """One of REFUSALS, where the vendor has its own way."""
        self.own = own
        """A vendor's own code, whatever `issue_codes` says."""

    def response(self, habits: RecordHabits | None = None) -> Response:
        said = outcome(self.code, self.diagnostics, habits=habits, type_=self.type, own=self.own)
        headers = {**self.headers, "Cache-Control": "no-store"}
        return Response(orjson.dumps(said), self.status, headers, FHIR_JSON)


def outcome(
    code: str,
    diagnostics: str,
    severity: str = "error",
    *,
    habits: RecordHabits | None = None,
    type_: str = "",
    own: str = "",
) -> dict[str, Any]:
    """An OperationOutcome with one issue."""
    one = issue(code, diagnostics, severity, habits=habits, type_=type_, own=own)
    return {"resourceType": "OperationOutcome", "issue": [one]}


def issue(
    code: str,
    diagnostics: str,
    severity: str = "error",
    *,
    habits: RecordHabits | None = None,
    type_: str = "",
    own: str = "",
) -> dict[str, Any]:
    """One issue, worded and coded as the vendor does."""
    said: dict[str, Any] = {"severity": severity, "code": code, "diagnostics": diagnostics}
    if habits is None:
        return said
    if habits.issue_text == "details":
        said["details"] = {"text": said.pop("diagnostics")}
    own = own or habits.issue_codes.get(f"{code}:{type_}", habits.issue_codes.get(code, ""))
    if own:
        said["details"] = {"coding": [{"system": habits.issue_system, "code": own}], "text": diagnostics}
    if not habits.issue_has_code:
        del said["code"]
    return said


def not_found(what: str) -> OutcomeError:
    return OutcomeError(404, "not-found", f"{what} is not known here.")


def not_served(type_: str, way: str) -> OutcomeError:
    return OutcomeError(404, "not-supported", f"{type_} is not served here.", type_=type_, way=way)


def insufficient_scope(type_: str, letter: str) -> OutcomeError:
    """403 for a token whose scopes do not cover it (RFC 6750, section 3.1)."""
    doing = {"r": "reading", "s": "searching"}[letter]
    return OutcomeError(
        403,
        "forbidden",
        f"The sign-in does not cover {doing} {type_}.",
        {"WWW-Authenticate": 'Bearer error="insufficient_scope"'},
        type_=type_,
    )


def invalid_token(described: str) -> OutcomeError:
    """401 for a missing, unknown, expired or revoked access token (RFC 6750, section 3.1)."""
    return OutcomeError(
        401,
        "login",
        described,
        {"WWW-Authenticate": f'Bearer error="invalid_token", error_description="{described}"'},
    )


def vendors_answer(problem: OutcomeError, habits: RecordHabits, elsewhere: str = "") -> Response:
    """The error as the vendor shows it: a page or nothing at all where others send an OperationOutcome."""
    way = problem.way
    if (
        not way
        and problem.status == 403
        and "insufficient_scope" in problem.headers.get("WWW-Authenticate", "")
    ):
        way = habits.refused_type
    if problem.status == 406 and habits.not_acceptable == "empty":
        return Response(b"", 406)
    answer = _refusal(way, problem, elsewhere)
    return problem.response(habits) if answer is None else answer


def _refusal(way: str, problem: OutcomeError, elsewhere: str) -> Response | None:
    """One of REFUSALS; None for those that are an ordinary OperationOutcome with the status it has."""
    type_ = problem.type
    if way.startswith("html-"):
        page = _LOGIN_PAGE if way == "html-200" else _NO_PAGE
        return Response(page, int(way[-3:]), media_type="text/html")
    if way == "empty-403":
        return Response(b"", 403, problem.headers)
    if way == "redirect":
        return Response(b"", 302, {"Location": f"{elsewhere}/login?from={type_}"})
    if way == "stack-400":
        issues: list[dict[str, str]] = [
            {"severity": "error", "diagnostics": _NOT_IMPLEMENTED},
            {"severity": "information", "diagnostics": _TRACE.replace("{type}", type_)},
        ]
        return _plain(400, issues)
    if way == "denied-403":
        words = f"Read access to '{type_}' is denied by user"
        return _plain(403, [{"severity": "error", "diagnostics": words}])
    if way == "500-not-known":
        words = f"HAPI-2001: Resource {type_} is not known"
        return _plain(500, [{"severity": "error", "code": "processing", "diagnostics": words}])
    if way == "500":
        return OutcomeError(500, "exception", "Something went wrong.").response()
    if way in ("outcome-401", "outcome-403", "outcome-404") and int(way[-3:]) != problem.status:
        code = {"401": "login", "403": "forbidden", "404": "not-supported"}[way[-3:]]
        return OutcomeError(int(way[-3:]), code, problem.diagnostics).response()
    return None


def _plain(status: int, issues: list[dict[str, str]]) -> Response:
    body = orjson.dumps({"resourceType": "OperationOutcome", "issue": issues})
    return Response(body, status, {"Cache-Control": "no-store"}, FHIR_JSON)
