"""The wrong twin of the authorization server: each lie changes what it says it changes, and no more."""

from __future__ import annotations

import base64
from typing import Any

import orjson
import pytest

from phr.errors import UsageError
from phr.sandbox.config import LIES, SandboxConfig

from .conftest import App, Start, answer


def claims(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    return dict(orjson.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))))


def key_id(token: str) -> str:
    part = token.split(".")[0]
    return str(orjson.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))["kid"])


def told(app: App) -> dict[str, str]:
    """Everything that a client could hold against what it asked."""
    came = answer(app.authorize(nonce="n-1"))
    tokens = app.token(code=came["code"]).json()
    said = claims(tokens["id_token"])
    published = app.http.get(f"{app.origin}/oauth/jwks").json()["keys"][0]["kid"]
    return {
        "state": str(came["state"] == "st-1"),
        "iss": str(came["iss"] == app.sandbox.fhir_base),
        "nonce": str(said["nonce"] == "n-1"),
        "audience": str(said["aud"] == app.sandbox.client_id),
        "signature": str(key_id(tokens["id_token"]) == published),
        "scope": str("patient/*.rs" in tokens["scope"].split()),
        "no-patient": str("patient" in tokens),
        "token-type": str(tokens["token_type"] == "Bearer"),
    }


def test_the_right_server_tells_no_lie(start: Start) -> None:
    assert set(told(start()).values()) == {"True"}


@pytest.mark.parametrize("lie", LIES)
def test_a_lie_changes_one_thing(start: Start, lie: str) -> None:
    assert [name for name, right in told(start(lies=(lie,))).items() if right == "False"] == [lie]


def test_an_unknown_lie_is_a_usage_error() -> None:
    with pytest.raises(UsageError):
        SandboxConfig(lies=("everything",)).check()
