"""The certificate of this computer for `https://localhost`: made here, kept for years, never shared.

For vendors that register https redirect addresses only. A leaf (RFC 5280 section 4.2.1.9: no CA) for `localhost`,
127.0.0.1 and ::1 and for servers alone, so that whoever trusts it trusts nothing else with it. No key of a CA
ever exists that could sign more. Certificate and key lie in one file that only its owner can read.
"""

from __future__ import annotations

import ipaddress
import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from phr import paths

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.x509 import Certificate

NAMES = ("localhost",)
ADDRESSES = ("127.0.0.1", "::1")
LIFE = timedelta(days=3652)
RENEW_BEFORE = timedelta(days=30)
_SKEW = timedelta(days=1)
_READ_LIMIT = 100_000


def ensure(path: Path, *, now: datetime | None = None) -> Path:
    """The file with certificate and key, made if it is missing, damaged, foreign or soon at its end.

    Also made again when others could have read it: its key might be known. Raises PhrError when it cannot be written.
    """
    now = now or datetime.now(UTC)
    if not _serves(path, now):
        paths.write_private(path, _new(now))
    return path


def fingerprint(path: Path) -> str:
    """SHA-256 of the certificate as browsers show it: `AB:CD:…`."""
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256

    digest = x509.load_pem_x509_certificate(path.read_bytes()).fingerprint(SHA256())
    return ":".join(f"{byte:02X}" for byte in digest)


def trust_step(path: Path) -> tuple[str, ...]:
    """What to tell the person before the browser comes back and warns."""
    return (
        "Your browser will warn once that it does not know this certificate: it was made on this computer, for",
        "this computer alone, and no authority has signed it. Check that the address begins with https://localhost",
        "(or 127.0.0.1), then choose Advanced and continue to it. Its fingerprint (SHA-256) is",
        f"  {fingerprint(path)}",
        f"To be asked never again, let your browser or system trust {path}; the file also holds the key: never send it.",
    )


def _serves(path: Path, now: datetime) -> bool:
    """Whether the file holds a certificate of ours with its key, good for a while yet, seen by nobody else."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > _READ_LIMIT:
            return False
        if os.name == "posix" and stat.S_IMODE(status.st_mode) & 0o077:
            return False
        raw = path.read_bytes()
        certificate = x509.load_pem_x509_certificate(raw)
        key = load_pem_private_key(raw, password=None)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, TypeError, x509.ExtensionNotFound):
        return False
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    return (
        certificate.public_key().public_bytes(*form) == key.public_key().public_bytes(*form)
        and certificate.not_valid_before_utc <= now
        and certificate.not_valid_after_utc - now > RENEW_BEFORE
        and set(NAMES) <= set(names.get_values_for_type(x509.DNSName))
        and {ipaddress.ip_address(a) for a in ADDRESSES} <= set(names.get_values_for_type(x509.IPAddress))
    )


def _new(now: datetime) -> bytes:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = ec.generate_private_key(ec.SECP256R1())
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return secret + _signed(key, now).public_bytes(Encoding.PEM)


def _signed(key: EllipticCurvePrivateKey, now: datetime) -> Certificate:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    who = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "phr, made on this computer"),
            x509.NameAttribute(NameOID.COMMON_NAME, "localhost"),
        ]
    )
    not_used = (
        "content_commitment key_encipherment data_encipherment key_agreement key_cert_sign crl_sign "
        "encipher_only decipher_only"
    )
    usage = dict.fromkeys(not_used.split(), False)
    names = [x509.DNSName(name) for name in NAMES]
    addresses = [x509.IPAddress(ipaddress.ip_address(address)) for address in ADDRESSES]
    builder = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _SKEW)  # a clock put right a little later must not make it invalid
        .not_valid_after(now + LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=True, **usage), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([*names, *addresses]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return builder.sign(key, hashes.SHA256())
