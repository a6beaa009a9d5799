"""Nothing secret and nothing clinical gets into a log, whatever goes right or wrong."""

from __future__ import annotations

import logging

import httpx
import pytest

from .conftest import VERIFIER, Start


def test_signing_in_reading_and_failing_leaves_no_secret_in_the_log(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        app = start(faults=("503", "truncated", "reset", "expired-token"))
        code = app.code(state="state-to-hide")
        tokens = app.token(code=code).json()
        app.token(code=code, code_verifier="w" * 43)
        tokens = app.token(code=app.code()).json()
        for _ in range(4):
            try:
                app.fhir("Observation?patient=ada&code=4548-4", tokens["access_token"])
            except httpx.HTTPError:
                continue
        app.refresh(tokens["refresh_token"])
        app.authorize(aud="https://elsewhere.example")
    # httpx writes the address it asks for; that is the client's log, not the sandbox's.
    said = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith("http"))

    assert "loaded" in said or "resources" in said
    for secret in (
        code,
        tokens["access_token"],
        tokens["refresh_token"],
        VERIFIER,
        "state-to-hide",
        "4548-4",
        "Ada",
    ):
        assert secret not in said
