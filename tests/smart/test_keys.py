"""Keys of a registration, checked by an independent implementation of JOSE."""

from __future__ import annotations

import base64
import json

import pytest
from jwcrypto import jwk, jwt

from phr.errors import SecretsError
from phr.smart.jwt import header
from phr.smart.keys import ClientKeys

CLAIMS = {"iss": "me", "sub": "me", "aud": "https://auth.example.org/token", "jti": "1"}
PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth"}


@pytest.fixture(scope="module")
def keys() -> ClientKeys:
    return ClientKeys.new()


@pytest.fixture(scope="module")
def rotated(keys: ClientKeys) -> ClientKeys:
    return keys.rotated()


def test_what_is_registered_is_a_public_rsa_and_a_public_p384_key(keys: ClientKeys) -> None:
    rsa, ec = keys.public()["keys"]
    assert (rsa["kty"], rsa["alg"], ec["kty"], ec["crv"], ec["alg"]) == (
        "RSA",
        "RS384",
        "EC",
        "P-384",
        "ES384",
    )
    for key in (rsa, ec):
        assert not PRIVATE & key.keys()
        assert key["use"] == "sig" and key["key_ops"] == ["verify"] and isinstance(key["kid"], str)
    assert len(base64.urlsafe_b64decode(rsa["n"] + "==")) * 8 == 3072


def test_a_key_is_named_by_its_thumbprint(keys: ClientKeys) -> None:
    for key in keys.public()["keys"]:
        assert jwk.JWK(**key).thumbprint() == key["kid"]


@pytest.mark.parametrize("algorithm", ["RS384", "ES384", "RS256", "PS384"])
def test_another_implementation_finds_the_signature_right(keys: ClientKeys, algorithm: str) -> None:
    signed = keys.sign(CLAIMS, algorithm)
    number = 1 if algorithm.startswith("ES") else 0
    public = {k: v for k, v in keys.public()["keys"][number].items() if k not in ("alg", "key_ops")}
    read = jwt.JWT(jwt=signed, key=jwk.JWK(**public), algs=[algorithm])
    assert json.loads(read.claims) == CLAIMS
    assert json.loads(read.header) == {"alg": algorithm, "kid": public["kid"], "typ": "JWT"}


def test_after_a_rotation_the_former_keys_are_behind_the_new_ones(
    keys: ClientKeys, rotated: ClientKeys
) -> None:
    former = set(keys.kids)
    assert len(rotated.kids) == 4 and set(rotated.kids[2:]) == former and not former & set(rotated.kids[:2])
    assert [key["kid"] for key in rotated.public()["keys"]] == list(rotated.kids)
    assert rotated.has_former and not keys.has_former
    for algorithm in ("RS384", "ES384"):
        assert header(rotated.sign(CLAIMS, algorithm))["kid"] in rotated.kids[:2]
        assert header(rotated.sign(CLAIMS, algorithm, former=True))["kid"] in former


def test_only_the_last_two_generations_are_kept(rotated: ClientKeys) -> None:
    again = rotated.rotated()
    assert again.kids[2:] == rotated.kids[:2]


def test_the_vault_gives_back_the_same_keys(rotated: ClientKeys) -> None:
    back = ClientKeys.load(rotated.dump())
    assert back == rotated and back.public() == rotated.public()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"nonsense",
        b"[]",
        b"{}",
        b'{"keys":[]}',
        b'{"keys":[{"kty":"RSA"}]}',
        b'{"keys":[5]}',
        b'{"keys":null}',
    ],
)
def test_damaged_keys_are_told_as_such(raw: bytes) -> None:
    with pytest.raises(SecretsError, match="signing keys"):
        ClientKeys.load(raw)


def test_a_public_half_alone_is_no_key(keys: ClientKeys) -> None:
    with pytest.raises(SecretsError):
        ClientKeys.load(json.dumps(keys.public()).encode())


def test_a_repr_shows_only_the_names(keys: ClientKeys) -> None:
    shown = repr(keys)
    assert all(kid in shown for kid in keys.kids)
    for key in json.loads(keys.dump())["keys"]:
        assert not [name for name in PRIVATE & key.keys() if key[name] in shown]
