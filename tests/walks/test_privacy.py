"""With logging at DEBUG through a whole connect, sync and failure, nothing private may be said anywhere.

The words looked for are taken from the sandbox itself: every token it issued and every code, and the names and values of
the people it serves. The test first proves that it would notice.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from phr.errors import PhrError
from phr.sandbox.oauth import AuthorizationServer
from phr.sandbox.server import Sandbox

NAME, DISEASE, VALUE, NOTE = "Quillfeather", "Xanthelasma", 7319.25, "Zyxwv-lab-note"


def ward() -> list[Any]:
    subject = {"reference": "Patient/p-40417", "display": NAME}
    return [
        {"resourceType": "Patient", "id": "p-40417", "name": [{"family": NAME, "given": ["Ada"]}]},
        {"resourceType": "Condition", "id": "c", "code": {"text": DISEASE}, "subject": subject},
        {
            "resourceType": "Observation",
            "id": "o",
            "subject": subject,
            "code": {"text": NOTE},
            "valueQuantity": {"value": VALUE},
            "note": [{"text": NOTE}],
        },
        {
            "resourceType": "DocumentReference",
            "id": "d",
            "subject": subject,
            "content": [{"attachment": {"url": "Binary/b"}}],
        },
        {"resourceType": "Binary", "id": "b", "contentType": "text/plain", "data": "WHl6enk="},
    ]


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Every code and token that the sandbox hands out while the test runs."""
    seen: list[str] = []
    issue_code, answer = AuthorizationServer.issue_code, AuthorizationServer._answer

    def spy_code(self: AuthorizationServer, *args: Any, **more: Any) -> str:
        seen.append(issue_code(self, *args, **more))
        return seen[-1]

    def spy_answer(self: AuthorizationServer, *args: Any, **more: Any) -> Any:
        given = answer(self, *args, **more)
        seen.extend(word for word in (given.access_token, given.refresh_token) if word)
        return given

    monkeypatch.setattr(AuthorizationServer, "issue_code", spy_code)
    monkeypatch.setattr(AuthorizationServer, "_answer", spy_answer)
    yield seen


def test_nothing_private_is_logged_printed_or_raised(
    person: Any,
    hospital: Callable[..., Sandbox],
    secrets: list[str],
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    said: list[str] = []
    sandbox = hospital(resources=ward(), faults=("expired-token", "truncated", "broken-resource"))
    said.append(repr(person.connect(sandbox)))
    said.append(repr(person.sync()))
    with person.workspace.store() as store:
        said += [
            repr(store),
            repr(store.runs.recent()),
            repr(store.audit.events()),
            repr(store.documents.wanted("x")),
        ]
    sandbox.authorization.revoke_all()
    said.append(repr(person.sync()))
    with pytest.raises(PhrError) as caught:
        person.connect(sandbox, timeout=0.2, browser=lambda _: True)
    said += [str(caught.value), repr(caught.value), str(caught.value.hint)]
    sandbox.close()
    said.append(repr(person.sync()))
    said += [repr(person.workspace), repr(person.workspace.vault)]
    logged = "\n".join(f"{r.name} {r.getMessage()} {r.exc_text or ''}" for r in caplog.records)
    out, err = capfd.readouterr()
    everything = "\n".join((logged, out, err, *said))
    assert len(secrets) >= 4
    assert "status" in logged, "the log is on: otherwise this test could not fail"
    for private in (*secrets, NAME, DISEASE, str(VALUE), NOTE, "Xyzzy", "WHl6enk"):
        assert private not in everything
