"""Why a server could not be asked, in a patient's words: no such name, nobody there, a certificate that is not right.

The words of the libraries below are never repeated: they may hold an address with a query or a proxy's password.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

import httpx

from phr.errors import Unreachable


class Untrusted(Unreachable):
    """The server's certificate is not to be trusted, or its encryption is too old; asking again will not help."""


_OWN_CA = (
    "behind a company's proxy, or with a server of your own, name that CA's certificate: "
    "ca_file under [network] in config.toml, or PHR_NETWORK_CA_FILE."
)
_CLOCK = "Compare the date of this computer (phr doctor). If it is right, only the provider can mend this."
_NAME = (
    "Check the address, letter by letter. If it is right, only the provider can mend this: nothing was sent."
)
_UNKNOWN = (
    "shows a certificate from somebody this computer does not know.",
    f"Perhaps the provider forgot to send the one in between, then only it can mend this; {_OWN_CA}",
)
# The numbers of X509_verify_cert_error_string in OpenSSL.
_CERTIFICATE = {
    9: ("shows a certificate that is not valid yet.", _CLOCK),
    10: ("shows a certificate that has expired.", _CLOCK),
    18: (
        "shows a certificate that it made for itself, so nobody vouches for it.",
        f"Check the address; {_OWN_CA}",
    ),
    19: ("shows a certificate from somebody this computer does not know.", f"Check the address; {_OWN_CA}"),
    2: _UNKNOWN,
    20: _UNKNOWN,
    21: _UNKNOWN,
    23: ("shows a certificate that was taken back.", "Do not use this address; ask the provider."),
    62: ("shows a certificate that is made out to another name.", _NAME),
    64: ("shows a certificate that is made out to another address.", _NAME),
}
_OTHERWISE = ("shows a certificate that cannot be trusted.", f"Check the address; {_OWN_CA}")
_TOO_OLD = frozenset({"UNSUPPORTED_PROTOCOL", "TLSV1_ALERT_PROTOCOL_VERSION", "VERSION_TOO_LOW"})
_NOT_TLS = frozenset(
    {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE"}
)
_WEAK = frozenset({"EE_KEY_TOO_SMALL", "CA_KEY_TOO_SMALL", "CA_MD_TOO_WEAK", "DH_KEY_TOO_SMALL"})
_ONLINE = "Check the address, and whether this computer is online."


def unreachable(error: Exception, host: str) -> Unreachable:
    """What a request to this host ended with."""
    if isinstance(error, httpx.ProxyError):
        return Unreachable(
            f"The proxy of this network does not lead to {host}.",
            hint="Check HTTPS_PROXY (also its user and password), or name the server in NO_PROXY.",
        )
    for cause in causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            words, hint = _CERTIFICATE.get(cause.verify_code, _OTHERWISE)
            return Untrusted(f"{host} {words}", hint=hint)
        if isinstance(cause, ssl.SSLError):
            known = _tls(cause.reason or "", host)
            if known is not None:
                return known
        if isinstance(cause, socket.gaierror):
            return Unreachable(f"{host} cannot be found: no address is known for it.", hint=_ONLINE)
    if isinstance(error, httpx.TimeoutException):
        return Unreachable(f"{host} did not answer in time.")
    if isinstance(error, httpx.ConnectError):
        return Unreachable(f"{host} cannot be reached.", hint=_ONLINE)
    if isinstance(error, httpx.DecodingError):
        return Unreachable(f"{host} sent an answer that cannot be unpacked.")
    return Unreachable(f"The connection to {host} broke off.")


def _tls(reason: str, host: str) -> Unreachable | None:
    if reason in _TOO_OLD:
        return Untrusted(
            f"{host} only knows encryption that is too old to be safe (before TLS 1.2).",
            hint="Only the provider can mend this; nothing was sent.",
        )
    if reason in _WEAK:
        return Untrusted(
            f"{host} {_OTHERWISE[0]}", hint="Its keys are too weak; only the provider can mend this."
        )
    if reason in _NOT_TLS:
        return Untrusted(
            f"{host} does not speak https at this address.", hint="Check the address, also its port."
        )
    return None


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what lies behind it, nearest first."""
    seen = 0
    while error is not None and seen < 10:
        yield error
        error, seen = error.__cause__ or error.__context__, seen + 1
