"""Errors as FHIR says them: an OperationOutcome for every one (FHIR R4 http.html#3.1.0.9)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response

from phr.sandbox.habits import FHIR_JSON, VendorHabits

_NO_PAGE = "<!doctype html><title>Not here</title><h1>There is no such page</h1>"


class OutcomeError(Exception):
    """A request that is answered with an OperationOutcome; `code` is from the value set issue-type."""

    def __init__(
        self, status: int, code: str, diagnostics: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(diagnostics)
        self.status = status
        self.code = code
        self.diagnostics = diagnostics
        self.headers = dict(headers or {})

    def response(self) -> Response:
        body = orjson.dumps(outcome(self.code, self.diagnostics))
        return Response(body, self.status, {**self.headers, "Cache-Control": "no-store"}, FHIR_JSON)


def outcome(code: str, diagnostics: str, severity: str = "error") -> dict[str, Any]:
    """An OperationOutcome with one issue."""
    issue = {"severity": severity, "code": code, "diagnostics": diagnostics}
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def not_found(what: str) -> OutcomeError:
    return OutcomeError(404, "not-found", f"{what} is not known here.")


def not_served(type_: str) -> OutcomeError:
    return OutcomeError(404, "not-supported", f"{type_} is not served here.")


def insufficient_scope(type_: str, letter: str) -> OutcomeError:
    """403 for a token whose scopes do not cover it (RFC 6750, section 3.1)."""
    doing = {"r": "reading", "s": "searching"}[letter]
    return OutcomeError(
        403,
        "forbidden",
        f"The sign-in does not cover {doing} {type_}.",
        {"WWW-Authenticate": 'Bearer error="insufficient_scope"'},
    )


def invalid_token(described: str) -> OutcomeError:
    """401 for a missing, unknown, expired or revoked access token (RFC 6750, section 3.1)."""
    return OutcomeError(
        401,
        "login",
        described,
        {"WWW-Authenticate": f'Bearer error="invalid_token", error_description="{described}"'},
    )


def vendors_answer(problem: OutcomeError, habits: VendorHabits) -> Response:
    """The error as the vendor shows it: a page or nothing at all where others send an OperationOutcome."""
    if problem.status == 404 and problem.code == "not-supported" and habits.unknown_type.startswith("html"):
        return Response(_NO_PAGE, int(habits.unknown_type[-3:]), media_type="text/html")
    if problem.status == 403 and "WWW-Authenticate" in problem.headers:
        if habits.refused_type == "empty-403":
            return Response(b"", 403, problem.headers)
        if habits.refused_type == "500":
            return OutcomeError(500, "exception", "Something went wrong.").response()
    return problem.response()
