"""A webhook: the report as the body of a POST, signed, so that whoever gets it knows it is ours and how old it is.

`X-Phr-Signature` is `sha256=` and the hexadecimal HMAC-SHA256 (RFC 2104), under the shared secret, of the value of
`X-Phr-Timestamp`, a full stop, and the body. A receiver refuses old timestamps and deliveries it has seen; it
takes event and delivery from the body (`event`, `delivery`), since headers are not signed.
"""

from __future__ import annotations

import hmac
import time
import uuid
from collections.abc import Callable

from phr.errors import FhirError, PhrError

PAUSES = (1.0, 4.0)
"""Seconds before the second and the third try."""
_LATER = frozenset({408, 425, 429})
_SECONDS = 20.0
_ANSWER = 100_000


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """The value of `X-Phr-Signature`."""
    return "sha256=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, "sha256").hexdigest()


def send(
    url: str,
    secret: str,
    event: str,
    body: bytes,
    *,
    delivery: str | None = None,
    sleep: Callable[[float], None],
    clock: Callable[[], float] = time.time,
) -> None:
    """Deliver it, in three tries at most; no redirect is followed, it would lead the report elsewhere. Raises PhrError."""
    from phr.fhir.transport import Wire, host_of, is_safe

    if not is_safe(url, loopback=True):
        raise PhrError("the address is neither https nor of this computer.")
    delivery = delivery or str(uuid.uuid4())
    trouble = ""
    with Wire(url, timeout=_SECONDS) as wire:
        for pause in (*PAUSES, None):
            timestamp = str(int(clock()))
            headers = {
                "Content-Type": "application/json",
                "X-Phr-Event": event,
                "X-Phr-Delivery": delivery,
                "X-Phr-Timestamp": timestamp,
                "X-Phr-Signature": signature(secret, timestamp, body),
            }
            try:
                status = wire.send("POST", url, headers, json=body, limit=_ANSWER).status
            except FhirError as error:
                trouble = error.message
            else:
                if 200 <= status < 300:
                    return
                trouble = f"{host_of(url)} answered {status}."
                if status < 500 and status not in _LATER:
                    break
            if pause is not None:
                sleep(pause)
    raise PhrError(trouble)
