"""The certificate made here, and the listener behind it: TLS for one's own browser, and nothing for a scanner."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import socket
import ssl
import stat
import time
import urllib.parse
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from phr.errors import PhrError, SignInError, SignInTimeout
from phr.smart import certificate
from phr.smart.loopback import RedirectListener

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate.ensure(tmp_path_factory.mktemp("tls") / "localhost.pem")


def trusting(pem: Path) -> ssl.SSLContext:
    """A browser whose person took the trust step."""
    context = ssl.create_default_context(cafile=str(pem))
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # a leaf that is trusted itself
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def visit(listener: RedirectListener, context: ssl.SSLContext, query: str, host: str = "localhost") -> int:
    port = urllib.parse.urlsplit(listener.redirect_uri).port
    connection = http.client.HTTPSConnection(host, port, timeout=5, context=context)
    with contextlib.closing(connection):
        connection.request("GET", f"/callback?{query}")
        answer = connection.getresponse()
        answer.read()
        return answer.status


# ── the file ──────────────────────────────────────────────────────────────────────────────────────


def test_it_is_a_leaf_for_this_computer_alone(tmp_path: Path) -> None:
    path = certificate.ensure(tmp_path / "new" / "localhost.pem", now=NOW)
    made = x509.load_pem_x509_certificate(path.read_bytes())
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert sorted(map(str, names.get_values_for_type(x509.IPAddress))) == ["127.0.0.1", "::1"]
    assert made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False
    usage = made.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature and not usage.key_cert_sign and not usage.crl_sign
    allowed = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert [oid.dotted_string for oid in allowed] == ["1.3.6.1.5.5.7.3.1"]
    key = made.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name == "secp256r1"
    assert timedelta(days=3650) < made.not_valid_after_utc - NOW < timedelta(days=3660)
    assert made.not_valid_before_utc < NOW


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
def test_only_its_owner_may_read_the_key(tmp_path: Path) -> None:
    path = certificate.ensure(tmp_path / "tls" / "localhost.pem")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    first = path.read_bytes()
    path.chmod(0o644)  # others could have read it
    assert certificate.ensure(path).read_bytes() != first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_it_is_kept_for_years(tmp_path: Path) -> None:
    path = certificate.ensure(tmp_path / "localhost.pem", now=NOW)
    first = path.read_bytes()
    assert certificate.ensure(path, now=NOW + timedelta(days=9 * 365)).read_bytes() == first
    assert certificate.ensure(path, now=NOW + timedelta(days=3652 - 29)).read_bytes() != first


@pytest.mark.parametrize("damage", ["empty", "half", "no key", "other key", "not text", "not yet", "garbled"])
def test_it_is_made_again_when_it_is_of_no_use(tmp_path: Path, damage: str) -> None:
    path = certificate.ensure(tmp_path / "localhost.pem", now=NOW)
    other = certificate.ensure(tmp_path / "other.pem", now=NOW + timedelta(days=30)).read_bytes()
    good = path.read_bytes()
    _, begin, body = good.partition(b"-----BEGIN CERTIFICATE")
    broken = {
        "empty": b"",
        "half": good[: len(good) // 2],
        "no key": begin + body,
        "other key": other.partition(b"-----BEGIN CERTIFICATE")[0] + begin + body,
        "not text": bytes(range(256)),
        "not yet": other,
        "garbled": good.replace(b"MII", b"MIJ", 1),
    }[damage]
    path.write_bytes(broken)
    fresh = certificate.ensure(path, now=NOW).read_bytes()
    assert fresh not in (good, broken)
    assert certificate.ensure(path, now=NOW).read_bytes() == fresh


def test_a_place_where_it_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(PhrError):
        certificate.ensure(tmp_path / "file" / "localhost.pem")


def test_the_trust_step_names_the_fingerprint_and_never_the_key(made: Path) -> None:
    lines = certificate.trust_step(made)
    text = "\n".join(lines)
    der = ssl.PEM_cert_to_DER_cert(
        "-----BEGIN CERT" + made.read_text().partition("-----BEGIN CERT")[2].strip() + "\n"
    )
    digest = hashlib.sha256(der).hexdigest().upper()
    assert ":".join(digest[i : i + 2] for i in range(0, 64, 2)) in text
    assert str(made) in text and "Advanced" in text and "made on this computer" in text
    secret = "".join(made.read_text().partition("-----BEGIN CERT")[0].splitlines()[1:-1])
    assert secret and secret[:40] not in text


# ── the listener behind it ────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_a_browser_that_trusts_it_brings_the_code(made: Path, name: str) -> None:
    with RedirectListener("st", host=name, port=0, certificate=made) as listener:
        assert listener.redirect_uri.startswith(f"https://{name}:")
        assert visit(listener, trusting(made), "code=c&state=st", name) == 200
        assert listener.wait(5) == "c"


def test_a_browser_that_refuses_the_certificate_first_may_come_back(made: Path) -> None:
    with RedirectListener("st", host="localhost", port=0, certificate=made) as listener:
        with pytest.raises(ssl.SSLCertVerificationError):
            visit(listener, ssl.create_default_context(), "code=c&state=st")
        with pytest.raises(SignInTimeout):
            listener.wait(0.1)
        assert visit(listener, trusting(made), "code=c&state=st") == 200
        assert listener.wait(5) == "c"


@pytest.mark.parametrize(
    ("version", "good"),
    [(ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_3, True)],
)
@pytest.mark.filterwarnings("ignore:.*TLSv1_1 is deprecated:DeprecationWarning")
def test_tls_1_2_is_the_oldest_it_speaks(made: Path, version: ssl.TLSVersion, good: bool) -> None:
    context = trusting(made)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    with RedirectListener("st", host="localhost", port=0, certificate=made) as listener:
        if good:
            assert visit(listener, context, "code=c&state=st") == 200
        else:
            with pytest.raises((ssl.SSLError, OSError)):
                visit(listener, context, "code=c&state=st")


@pytest.mark.parametrize(
    "sent",
    [
        b"GET /callback?code=c&state=st HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"\x00\x00\x00\x00",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(40),
        b"\x16",
        b"SSH-2.0-scan\r\n",
        b"",
    ],
)
def test_a_scanner_and_plain_http_at_the_tls_port_end_nothing(made: Path, sent: bytes) -> None:
    with RedirectListener("st", host="localhost", port=0, certificate=made) as listener:
        port = urllib.parse.urlsplit(listener.redirect_uri).port or 0
        with socket.create_connection(("127.0.0.1", port), timeout=5) as scanner:
            scanner.sendall(sent)
            if sent.startswith(b"GET"):
                answer = scanner.recv(1000)
                assert b" 400 " in answer and b"https://" in answer
        with pytest.raises(SignInTimeout):
            listener.wait(0.1)
        assert visit(listener, trusting(made), "code=good&state=st") == 200
        assert listener.wait(5) == "good"


def test_handshakes_that_never_end_hold_up_nobody(made: Path) -> None:
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(RedirectListener("st", host="localhost", port=0, certificate=made))
        port = urllib.parse.urlsplit(listener.redirect_uri).port or 0
        for number in range(200):
            idle = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5))
            if number % 2:
                idle.sendall(b"\x16\x03\x01")
        started = time.monotonic()
        assert visit(listener, trusting(made), "code=good&state=st") == 200
        assert listener.wait(5) == "good"
        assert time.monotonic() - started < 5
    assert time.monotonic() - started < 10


def test_a_file_that_is_no_certificate_is_told_before_anything_listens(tmp_path: Path) -> None:
    (tmp_path / "bad.pem").write_text("nothing")
    with (
        pytest.raises(SignInError, match="certificate"),
        RedirectListener("st", port=0, certificate=tmp_path / "bad.pem"),
    ):
        pass
