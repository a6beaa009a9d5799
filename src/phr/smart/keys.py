"""The key pairs with which phr shows who it is, without a shared secret (RFC 7523; RFC 7517).

SMART App Launch 2.2, client-confidential-asymmetric: servers support RS384 or ES384, so there is a key of each kind.
The former pair is kept behind the newest one, because a provider learns of new keys only when a person or a
registration tells it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from phr.errors import SecretsError

_BITS = 3072
_PUBLIC = {"RSA": ("n", "e"), "EC": ("crv", "x", "y")}
_SECRET = {"RSA": ("d",), "EC": ("d",)}
_KEPT_PAIRS = 2


@dataclass(frozen=True, slots=True)
class ClientKeys:
    """The private keys of one registration, newest first. The repr shows only their ids."""

    _keys: tuple[Mapping[str, Any], ...] = field(repr=False)

    def __repr__(self) -> str:
        return f"ClientKeys({', '.join(str(key['kid']) for key in self._keys)})"

    @classmethod
    def new(cls) -> ClientKeys:
        """A new RSA key for RS384 and a new P-384 key for ES384, named by their thumbprints (RFC 7638)."""
        from joserfc.jwk import ECKey, RSAKey

        pair = (("RS384", RSAKey.generate_key(_BITS)), ("ES384", ECKey.generate_key("P-384")))
        return cls(
            tuple({**key.as_dict(private=True), "kid": key.thumbprint(), "alg": alg} for alg, key in pair)
        )

    def rotated(self) -> ClientKeys:
        """New keys first, those of now kept behind them, older ones dropped."""
        kept = [key for kty in _PUBLIC for key in self._of(kty)[: _KEPT_PAIRS - 1]]
        return ClientKeys((*ClientKeys.new()._keys, *kept))

    @property
    def kids(self) -> tuple[str, ...]:
        return tuple(str(key["kid"]) for key in self._keys)

    @property
    def has_former(self) -> bool:
        """Whether there are keys from before the last rotation."""
        return all(len(self._of(kty)) > 1 for kty in _PUBLIC)

    def public(self) -> dict[str, Any]:
        """The JWKS to register; the former keys are in it too, for they are still honoured."""
        return {
            "keys": [
                {
                    "kty": key["kty"],
                    "kid": key["kid"],
                    "use": "sig",
                    "key_ops": ["verify"],
                    "alg": key["alg"],
                    **{name: key[name] for name in _PUBLIC[key["kty"]]},
                }
                for key in self._keys
            ]
        }

    def sign(self, claims: Mapping[str, Any], algorithm: str = "RS384", *, former: bool = False) -> str:
        """A JWT over the claims. `former`: with the key from before the last rotation."""
        from joserfc import jws
        from joserfc.jwk import import_key

        found = self._of("EC" if algorithm.startswith("ES") else "RSA")
        key = found[1] if former and len(found) > 1 else found[0]
        header = {"alg": algorithm, "kid": key["kid"], "typ": "JWT"}
        numbers = {name: value for name, value in key.items() if name not in ("kid", "alg")}
        signed: str = jws.serialize_compact(
            header, json.dumps(claims).encode(), import_key(numbers), algorithms=[algorithm]
        )
        return signed

    def dump(self) -> bytes:
        """The private JWKS, for the vault and nowhere else."""
        return json.dumps({"keys": list(self._keys)}).encode()

    @classmethod
    def load(cls, raw: bytes) -> ClientKeys:
        """What `dump` gave. Raises SecretsError when it is not."""
        try:
            keys = cls(tuple(json.loads(raw)["keys"]))
            whole = all(
                isinstance(key[name], str)
                for key in keys._keys
                for name in ("kid", "alg", *_PUBLIC[key["kty"]], *_SECRET[key["kty"]])
            )
        except (ValueError, KeyError, TypeError):
            whole = False
        if not whole or not all(keys._of(kty) for kty in _PUBLIC):
            raise SecretsError(
                "The kept signing keys cannot be read.", hint="Make new ones: phr keys rotate"
            ) from None
        return keys

    def _of(self, kty: str) -> list[Mapping[str, Any]]:
        return [key for key in self._keys if key["kty"] == kty]
