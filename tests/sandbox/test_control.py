"""The control interface: another process changes the hospital; off unless asked for, closed to web pages."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from .conftest import App, Start, observation


@pytest.fixture
def ruled(start: Start) -> App:
    return start(control=True)


def tell(app: App, action: str, said: dict[str, Any] | None = None) -> httpx.Response:
    return app.http.post(f"{app.origin}/_control/{action}", json=said or {})


def test_it_is_off_unless_asked_for(app: App) -> None:
    assert tell(app, "delete", {"address": "Observation/a1"}).status_code == 404
    assert app.fhir("Observation/a1", app.sandbox.issue_token()).status_code == 200


def test_everything_that_happens_in_a_hospital_can_be_told(ruled: App) -> None:
    token = ruled.sandbox.issue_token()

    assert tell(ruled, "put", {"resource": observation("new")}).json() == {
        "address": "Observation/new",
        "version": "1",
    }
    assert tell(ruled, "delete", {"address": "Observation/a1"}).status_code == 200
    assert tell(ruled, "hide", {"address": "Observation/a2", "readable": True}).status_code == 200
    assert ruled.ids("Observation", token) == ["a3", "new"]
    assert tell(ruled, "show", {"address": "Observation/a2"}).status_code == 200
    assert tell(ruled, "merge", {"address": "Patient/ben", "into": "Patient/ada"}).status_code == 200
    assert set(ruled.ids("Observation", token)) == {"a3", "new", "a2", "b1"}
    assert tell(ruled, "change", {"total": "none"}).status_code == 200
    assert "total" not in ruled.fhir("Observation", token).json()


def test_what_was_asked_can_be_read(ruled: App) -> None:
    token = ruled.sandbox.issue_token()
    ruled.fhir("Observation", token)
    ruled.fhir("Observation/none", token)

    said = tell(ruled, "requests").json()

    assert said["requests"] == [["GET", "/fhir/Observation", 200], ["GET", "/fhir/Observation/none", 404]]
    assert said["counts"] == [
        {"type": "Observation", "status": 200, "count": 1},
        {"type": "Observation", "status": 404, "count": 1},
    ]
    assert (said["largest_in_2_seconds"], said["most_at_once"], said["strayed"]) == (2, 1, [])


@pytest.mark.parametrize(
    ("action", "said", "status"),
    [
        ("explode", {}, 404),
        ("delete", {"address": "Observation/none"}, 404),
        ("delete", {}, 404),
        ("change", {"pkce": "optional"}, 400),
        ("put", {"resource": 5}, 400),
    ],
)
def test_what_makes_no_sense_is_refused(ruled: App, action: str, said: dict[str, Any], status: int) -> None:
    assert tell(ruled, action, said).status_code == status


def test_a_web_page_cannot_send_what_is_taken(ruled: App) -> None:
    """Without a question beforehand (CORS) a page can send forms and plain text alone."""
    body = b'{"address": "Observation/a1"}'
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        answer = ruled.http.post(
            f"{ruled.origin}/_control/delete", content=body, headers={"Content-Type": kind}
        )
        assert answer.status_code == 415
    asked = ruled.http.options(f"{ruled.origin}/_control/delete")
    assert "access-control-allow-origin" not in asked.headers
