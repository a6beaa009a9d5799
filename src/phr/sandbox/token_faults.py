"""Troubles of the token endpoint, as real ones have been seen to have: each hits once, in the order given."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import orjson
from starlette.responses import Response

from phr.sandbox.faults import ResetResponse

_PAGE = "<!doctype html><title>Maintenance</title><h1>We are being looked after</h1>"


class TokenFaults:
    """The troubles that are still to come."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = deque(names)

    def add(self, names: Iterable[str]) -> None:
        self._names.extend(names)

    def next(self) -> str | None:
        """The trouble of this request; the next one meets the next."""
        return self._names.popleft() if self._names else None


def instead(name: str) -> Response | None:
    """The answer of a trouble that happens before anything is done; None for `lost`."""
    if name == "lost":
        return None
    if name == "reset":
        return ResetResponse()
    if name == "html":
        return Response(_PAGE, 200, media_type="text/html")
    if name == "empty-400":  # Epic, when something passing is wrong
        return Response(b"", 400)
    if name == "null-grant":  # Epic, right after registering a dynamic client
        return _error(400, {"error": "invalid_grant", "error_description": None})
    if name == "429":
        return _error(429, {"error": "temporarily_unavailable"}, {"Retry-After": "1"})
    if name in ("500", "503"):
        return Response("Something went wrong.", int(name), media_type="text/plain")
    return _error(401 if name == "invalid_client" else 400, {"error": name})


def _error(status: int, body: dict[str, str | None], headers: dict[str, str] | None = None) -> Response:
    kept = {"Cache-Control": "no-store", **(headers or {})}
    return Response(orjson.dumps(body), status, kept, "application/json")
