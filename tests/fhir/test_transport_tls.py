"""Whom a connection trusts: real TLS on loopback, with certificates made for the test."""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from phr.errors import Unreachable, UsageError
from phr.fhir import trust
from phr.fhir.transport import Answer, Wire
from phr.fhir.wire_words import Untrusted

from .pki import Issuer, Quiet, issue, serving

HOME = ("127.0.0.1", "localhost")
CA = issue("Test CA", ca=True)
OTHER_CA = issue("Other CA", ca=True)
MIDDLE = issue("Test CA in between", CA, ca=True)


@pytest.fixture(autouse=True)
def usual_trust() -> Iterator[None]:
    trust.configure(None)
    yield
    trust.configure(None)


@pytest.fixture
def own_ca(tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    path.write_bytes(CA.pem)
    return path


def get(server: Any, host: str = "127.0.0.1", **more: Any) -> Answer:
    url = f"https://{host}:{server.server_address[1]}/r4?patient=pat-77"
    with Wire(url, timeout=5) as wire:
        return wire.send("GET", url, {"Authorization": "Bearer secret-1"}, **more)


def test_an_own_ca_is_trusted_only_when_it_is_set(tmp_path: Path, own_ca: Path) -> None:
    with serving(tmp_path, issue("server", CA, hosts=HOME)) as server:
        with pytest.raises(Untrusted, match="somebody this computer does not know") as caught:
            get(server)
        assert "PHR_NETWORK_CA_FILE" in str(caught.value.hint)
        assert server.asked == []

        trust.configure(own_ca)
        assert get(server).status == 200
        assert get(server, "localhost").status == 200

        trust.configure(None)
        with pytest.raises(Untrusted):
            get(server)


def test_an_own_ca_is_added_to_the_usual_roots(own_ca: Path) -> None:
    usual = trust.context().cert_store_stats()["x509_ca"]
    trust.configure(own_ca)

    assert trust.context().cert_store_stats()["x509_ca"] == usual + 1 > 50


@pytest.mark.parametrize("form", ["pem", "der", "pem among other things", "in between only"])
def test_an_own_ca_is_read_as_people_get_it(tmp_path: Path, form: str) -> None:
    content = {
        "pem": CA.pem,
        "der": CA.certificate.public_bytes(Encoding.DER),
        "pem among other things": "# Müller & Söhne\n".encode() + OTHER_CA.pem + b"\r\n\r\n" + CA.pem,
        "in between only": MIDDLE.pem,
    }[form]
    (tmp_path / "ca").write_bytes(content)
    shown = issue("server", MIDDLE, hosts=HOME)
    trust.configure(tmp_path / "ca")

    with serving(tmp_path, shown, MIDDLE) as server:
        assert get(server).status == 200


EXPIRED = {"begins": timedelta(days=-30), "ends": timedelta(days=-1)}
EARLY = {"begins": timedelta(days=1), "ends": timedelta(days=30)}


@pytest.mark.parametrize(
    ("shown", "words", "next_step"),
    [
        ((issue("s", CA, hosts=HOME, **EXPIRED),), "has expired", "date of this computer"),
        ((issue("s", CA, hosts=HOME, **EARLY),), "not valid yet", "date of this computer"),
        ((issue("s", CA, hosts=("ehr.example.org",)),), "another", "letter by letter"),
        ((issue("s", CA, hosts=("10.0.0.1",)),), "another", "letter by letter"),
        ((issue("s", hosts=HOME),), "made for itself", "ca_file under"),
        ((issue("s", OTHER_CA, hosts=HOME), OTHER_CA), "does not know", "ca_file under"),
        ((issue("s", MIDDLE, hosts=HOME),), "does not know", "forgot to send the one in between"),
    ],
    ids=["expired", "early", "name", "address", "self-signed", "foreign", "middle"],
)
def test_a_certificate_that_is_not_right_is_refused_in_a_patients_words(
    tmp_path: Path, own_ca: Path, shown: tuple[Issuer, ...], words: str, next_step: str
) -> None:
    trust.configure(own_ca)

    with serving(tmp_path, *shown) as server, pytest.raises(Untrusted, match=words) as caught:
        get(server)

    assert next_step in str(caught.value.hint)
    for secret in ("secret-1", "pat-77", "/r4", "_ssl.c"):
        assert secret not in f"{caught.value} {caught.value.hint}"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_encryption_before_tls_1_2_is_refused(tmp_path: Path, own_ca: Path) -> None:
    trust.configure(own_ca)
    shown = issue("server", CA, hosts=HOME)

    with serving(tmp_path, shown, tls=ssl.TLSVersion.TLSv1_1) as server:
        with pytest.raises(Untrusted, match="too old"):
            get(server)
        assert server.asked == []
    with serving(tmp_path, shown, tls=ssl.TLSVersion.TLSv1_2) as server:
        assert get(server).status == 200


def test_no_variable_turns_the_check_off_or_writes_down_the_keys(
    tmp_path: Path, own_ca: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PYTHONHTTPSVERIFY", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE"):
        monkeypatch.setenv(name, "0" if name.startswith("PYTHON") else "")
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    monkeypatch.setattr(trust, "_made", {})
    with serving(tmp_path, issue("server", CA, hosts=HOME)) as server:
        with pytest.raises(Untrusted):
            get(server)
        trust.configure(own_ca)
        assert get(server).status == 200
    made = trust.context()
    assert (made.verify_mode, made.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert not (tmp_path / "keys").exists()


def test_ssl_cert_file_is_honoured_as_an_own_ca_and_takes_no_root_away(
    tmp_path: Path, own_ca: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(own_ca))
    monkeypatch.setattr(trust, "_made", {})

    with serving(tmp_path, issue("server", CA, hosts=HOME)) as server:
        assert get(server).status == 200
    assert trust.context().cert_store_stats()["x509_ca"] > 50


@pytest.mark.parametrize(
    ("content", "words"),
    [(None, "No such file"), (b"", "no certificate"), (b"hello", "no certificate"), (b"\xff\x00", "no certificate"),
     (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "no certificate"), ("folder", "not a file"),
     (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "no certificate")]
)  # fmt: skip
def test_an_own_ca_that_cannot_be_used_is_told_and_never_passed_over(
    tmp_path: Path, content: bytes | str | None, words: str
) -> None:
    path = tmp_path / "own-ca.pem"
    if content == "folder":
        path.mkdir()
    elif isinstance(content, bytes):
        path.write_bytes(content)
    trust.configure(path)

    with pytest.raises(UsageError, match=words) as caught, Wire("https://127.0.0.1:9/") as wire:
        wire.send("GET", "https://127.0.0.1:9/", {})

    assert "own-ca.pem" in caught.value.message and "ca_file under [network]" in str(caught.value.hint)


def test_plain_http_to_this_computer_needs_no_ca_at_all(tmp_path: Path) -> None:
    trust.configure(tmp_path / "absent.pem")
    with serving(tmp_path) as server, Wire("http://127.0.0.1") as wire:
        url = f"http://127.0.0.1:{server.server_address[1]}/"
        assert wire.send("GET", url, {}).certificate_ends is None


def test_the_end_of_the_certificate_is_told(tmp_path: Path, own_ca: Path) -> None:
    trust.configure(own_ca)
    shown = issue("server", CA, hosts=HOME)
    with serving(tmp_path, shown) as server:
        assert get(server).certificate_ends == shown.certificate.not_valid_after_utc.timestamp()


def test_plain_http_behind_https_and_names_nobody_knows_are_told(tmp_path: Path) -> None:
    with serving(tmp_path) as server, pytest.raises(Untrusted, match="does not speak https"):
        get(server)
    with Wire("https://x") as wire, pytest.raises(Unreachable, match="no address is known"):
        wire.send("GET", "https://nobody.invalid/", {})


def test_json_is_sent_byte_for_byte_and_forms_as_forms(tmp_path: Path) -> None:
    with serving(tmp_path) as server, Wire("http://127.0.0.1") as wire:
        url = f"http://127.0.0.1:{server.server_address[1]}/register"
        wire.send("POST", url, {"Accept": "application/json"}, json=b'{"a": 1.20}')
        wire.send("POST", url, {}, form={"grant_type": "a b"})
        wire.send("POST", url, {}, json=b"")
    types = [headers["Content-Type"] for _, _, headers, _ in server.asked]
    assert types == ["application/json", "application/x-www-form-urlencoded", "application/json"]
    assert [body for *_, body in server.asked] == [b'{"a": 1.20}', b"grant_type=a+b", b""]


class Slow(Quiet):
    """Sends the beginning, and the rest after a while."""

    def do_GET(self) -> None:  # noqa: N802 - as http.server calls it
        self.send_response(200)
        self.send_header("Content-Length", "40000")
        self.end_headers()
        self.wfile.write(b"{" * 20000)
        time.sleep(0.6)
        self.wfile.write(b"}" * 20000)


def test_an_answer_that_pauses_is_read_whole_over_tls_while_nobody_stops(
    tmp_path: Path, own_ca: Path
) -> None:
    trust.configure(own_ca)
    with serving(tmp_path, issue("server", CA, hosts=HOME), handler=Slow) as server:
        answer = get(server, stopping=threading.Event())
        assert answer.body == b"{" * 20000 + b"}" * 20000


def test_an_answer_that_pauses_is_left_over_tls_when_the_run_is_to_stop(tmp_path: Path, own_ca: Path) -> None:
    trust.configure(own_ca)
    stopping = threading.Event()
    with serving(tmp_path, issue("server", CA, hosts=HOME), handler=Slow) as server:
        stopping.set()
        with pytest.raises(Unreachable):
            get(server, stopping=stopping)
