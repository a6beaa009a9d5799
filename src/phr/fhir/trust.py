"""Whom a connection trusts: TLS 1.2 or later (RFC 8996), certificates always checked, an own CA beside the usual ones.

Nothing turns the check off: no setting, no option, no variable. The roots are those of certifi and those of the
system, where a company puts its own; SSL_CERT_FILE and SSL_CERT_DIR, which OpenSSL reads, only stand in for the
system's. SSLKEYLOGFILE is not honoured: it would write the keys of every connection into a file.

Nothing heavy is imported at the top, so that the own CA can be named before it is known whether it is needed.
"""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from phr.errors import UsageError
from phr.paths import refuse_foreign

if TYPE_CHECKING:
    import ssl

_LARGEST = 10_000_000
_PEM = b"-----BEGIN "
_own_ca: Path | None = None
_made: dict[Path | None, ssl.SSLContext] = {}
_making = Lock()


def configure(ca_file: Path | None) -> None:
    """Trust the certificates in this file too, in all of this process; None: only the usual ones.

    The file is looked at when the first connection is made. One that others can write is refused: they could put
    a CA of their own into it.
    """
    global _own_ca
    _own_ca = ca_file


def context() -> ssl.SSLContext:
    """What every connection is made with, loaded once. Raises UsageError for an own CA that cannot be used."""
    with _making:
        wanted = _own_ca
        if wanted not in _made:
            _made[wanted] = _context(wanted)
        return _made[wanted]


def check(ca_file: Path) -> int:
    """How many certificates the file holds. Raises UsageError when it is not there, unreadable or holds none."""
    import ssl

    alone = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _add(alone, ca_file)
    return alone.cert_store_stats()["x509"]


def _context(ca_file: Path | None) -> ssl.SSLContext:
    import ssl

    import certifi

    # Not create_default_context: it would honour SSLKEYLOGFILE.
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # checks certificate and host name
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    # A company may hand out the CA that signs, not the one above it; newer Pythons allow this by themselves.
    made.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    made.load_default_certs()
    made.load_verify_locations(certifi.where())
    if ca_file is not None:
        _add(made, ca_file)
    return made


def _add(to: ssl.SSLContext, ca_file: Path) -> None:
    import ssl

    try:
        if ca_file.exists() and not ca_file.is_file():  # a pipe would be waited for
            raise UsageError(f"{ca_file} is not a file.", hint=_WHICH)
        refuse_foreign(ca_file)
        with ca_file.open("rb") as file:
            content = file.read(_LARGEST)
    except OSError as error:
        raise UsageError(
            f"The certificates in {ca_file} cannot be read: {error.strerror}.", hint=_WHICH
        ) from None
    before = to.cert_store_stats()["x509"]
    try:
        # Windows exports a certificate as bare DER.
        to.load_verify_locations(cadata=content.decode("ascii", "ignore") if _PEM in content else content)
    except (ssl.SSLError, ValueError):
        raise UsageError(f"{ca_file} holds no certificate.", hint=_WHICH) from None
    if to.cert_store_stats()["x509"] == before and before == 0:
        raise UsageError(f"{ca_file} holds no certificate.", hint=_WHICH)


_WHICH = (
    "It must hold the certificate of your own CA, as PEM or DER: "
    "correct ca_file under [network] in config.toml, or PHR_NETWORK_CA_FILE."
)
