"""A command, a notice, a mail and a webhook, each with a real other end."""

from __future__ import annotations

import base64
import contextlib
import email
import email.policy
import hmac
import io
import json
import logging
import os
import socket
import socketserver
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from phr.errors import PhrError
from phr.fhir import trust
from phr.settings import Mail
from phr.smart import certificate
from phr.workspace import Workspace, hooks
from phr.workspace.hooks import mail, secrets, ways, webhook

TOLD = {"schema": 1, "event": "failed", "summary": "phr: 1 connection failed", "runs": []}
BODY = json.dumps(TOLD).encode()


@pytest.fixture
def home(tmp_path: Path) -> Callable[..., Workspace]:
    """A person with these settings and variables."""
    key = tmp_path / "key"
    key.write_bytes(bytes(range(32)))
    key.chmod(0o600)

    def make(config: str, **environ: str) -> Workspace:
        file = tmp_path / "home" / "config" / "config.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(config)
        base = {"PHR_HOME": str(tmp_path / "home"), "PHR_KEY_FILE": str(key), "HOME": str(tmp_path)}
        return Workspace({**base, "PATH": os.environ["PATH"], **environ})

    return make


def tried(here: Workspace, event: str = "failed") -> list[str | None]:
    return [sentence for _, sentence in hooks.rehearse(here, event, sleep=lambda _: None)]


# ── a command ─────────────────────────────────────────────────────────────────────────────────────


def script(tmp_path: Path, text: str) -> str:
    path = tmp_path / "a hook.py"
    path.write_text(text)
    return json.dumps(f"{sys.executable} '{path}' 'two words' '$HOME; x'")


def test_a_command_gets_the_report_and_its_words_and_no_secret_of_ours(home: Any, tmp_path: Path) -> None:
    command = script(
        tmp_path,
        "import json,os,sys\n"
        "json.dump([sys.argv[1:], json.load(sys.stdin), dict(os.environ), os.getcwd()], open('out.json', 'w'))",
    )
    hidden = "PHR_PASSPHRASE PHR_EPIC_CLIENT_SECRET PHR_MAIL_PASSWORD PHR_WEBHOOK_SECRET PHR_CREDENTIAL_COMMAND".split()
    here = home(f"[hooks.failed]\ncommand = {command}", **dict.fromkeys(hidden, "echo hush"), LANG="C.UTF-8")
    assert tried(here) == [None]
    words, told, environ, folder = json.loads((tmp_path / "out.json").read_text())
    assert words == ["two words", "$HOME; x"] and folder == str(tmp_path)
    assert told["event"] == "failed" and told["test"] is True
    assert not set(hidden) & set(environ) and "hush" not in json.dumps(environ)
    assert environ["PHR_EVENT"] == "failed" and environ["PHR_KEY_FILE"] and environ["LANG"] == "C.UTF-8"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ('"/nowhere/at all"', "there is no program at all"),
        ("/nowhere/x", "there is no program x"),
        ("'unclosed", "makes no sense"),
        ("false", "failed with status 1"),
    ],
)
def test_a_command_that_cannot_be_run_is_one_sentence(home: Any, command: str, words: str) -> None:
    (sentence,) = tried(home(f"[hooks.failed]\ncommand = {json.dumps(command)}"))
    assert sentence is not None and sentence.startswith("The hook failed (command): ") and words in sentence


def test_a_command_that_takes_too_long_ends_with_all_that_it_started(
    home: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ways, "COMMAND_SECONDS", 1.0)
    command = script(
        tmp_path,
        "import subprocess,sys,time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "open('pid', 'w').write(str(child.pid))\ntime.sleep(60)",
    )
    begun = time.monotonic()
    (sentence,) = tried(home(f"[hooks.failed]\ncommand = {command}"))
    assert sentence is not None and "ended after 1 seconds" in sentence and time.monotonic() - begun < 20
    pid = int((tmp_path / "pid").read_text())
    for _ in range(100):
        state = Path(f"/proc/{pid}/stat")
        if not state.exists() or state.read_text().split()[2] == "Z":
            return
        time.sleep(0.05)
    pytest.fail("what the command started is still there")


def test_what_a_command_says_is_kept_out_of_ours_except_with_v(
    home: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    command = script(tmp_path, "import sys\nprint('loud'); print('louder', file=sys.stderr)")
    caplog.set_level(logging.WARNING, "phr")
    here = home(f"[hooks.failed]\ncommand = {command}")
    assert tried(here) == [None]
    assert "loud" not in caplog.text and capfd.readouterr() == ("", "")
    caplog.set_level(logging.INFO, "phr")
    assert tried(here) == [None] and "loud louder" in caplog.text.replace("louder loud", "loud louder")
    caplog.clear()
    assert tried(home(f"[hooks.failed]\ncommand = {command}\ninclude_values = true")) == [None]
    assert "loud" not in caplog.text


def test_a_command_that_reads_nothing_is_fine(home: Any) -> None:
    assert tried(home('[hooks.failed]\ncommand = "true"')) == [None]


# ── a notice ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="notify-send is of Linux desktops")
def test_a_notice_has_fixed_words_and_says_when_it_cannot_be_shown(home: Any, tmp_path: Path) -> None:
    folder = tmp_path / "programs"
    folder.mkdir()
    here = home("[hooks.failed]\nnotify = true", PATH=str(folder))
    assert "no program notify-send" in str(tried(here)[0])
    program = folder / "notify-send"
    program.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/shown\n')
    program.chmod(0o755)
    assert tried(here) == [None]
    assert (tmp_path / "shown").read_text() == "--app-name=phr phr this is a test of a hook\n"


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_no_quote_or_sign_gets_into_the_command_of_a_notice(platform: str) -> None:
    words = ways.notice("phr: 1,200 new'\"; $(x) `y` \\ results", platform)
    assert "1,200 new x y  results" in words[-1] and "$(x)" not in words[-1]


# ── a mail ────────────────────────────────────────────────────────────────────────────────────────


class Post(socketserver.ThreadingTCPServer):
    """A mail server in forty lines: EHLO, STARTTLS, AUTH PLAIN, and a letter (RFC 5321, 3207, 4954)."""

    allow_reuse_address = daemon_threads = True

    def __init__(
        self, folder: Path, *, offers: tuple[str, ...] = ("STARTTLS", "AUTH PLAIN"), tls: bool = False
    ) -> None:
        super().__init__(("127.0.0.1", 0), Clerk)
        self.offers, self.tls = offers, tls
        self.letters: list[bytes] = []
        self.said: list[str] = []
        self.refuse = ""
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.pem = certificate.ensure(folder / "post.pem")
        self.context.load_cert_chain(self.pem)

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


class Clerk(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        post: Any = self.server
        self.stream: Any = self.request
        self.secure = False
        if post.tls:
            self.wrap()
        self.lines = self.stream.makefile("rb")
        self.say("220 post")
        while line := self.lines.readline():
            words = line.decode().strip()
            post.said.append(("tls " if self.secure else "") + words)
            verb = words.upper().split(" ")[0]
            if verb == post.refuse:
                self.say("550 about Quill")
            elif verb == "EHLO":
                offers = [one for one in post.offers if not (self.secure and one == "STARTTLS")]
                self.say(*(f"250-{one}" for one in ("post", *offers)), "250 OK")
            elif verb == "STARTTLS":
                self.say("220 go on")
                self.wrap()
                self.lines = self.stream.makefile("rb")
            elif verb == "DATA":
                self.say("354 go on")
                post.letters.append(b"".join(iter(self.lines.readline, b".\r\n")))
                self.say("250 OK")
            else:
                self.say({"AUTH": "235 welcome", "QUIT": "221 bye"}.get(verb, "250 OK"))

    def wrap(self) -> None:
        post: Any = self.server
        self.stream = post.context.wrap_socket(self.stream, server_side=True)
        self.secure = True

    def say(self, *lines: str) -> None:
        self.stream.sendall("".join(f"{line}\r\n" for line in lines).encode())

    def finish(self) -> None:
        if self.secure:
            self.stream.close()


@pytest.fixture
def post(tmp_path: Path) -> Iterator[Callable[..., Post]]:
    opened: list[Post] = []

    def make(**more: Any) -> Post:
        opened.append(Post(tmp_path, **more))
        threading.Thread(target=opened[-1].serve_forever, args=(0.05,), daemon=True).start()
        return opened[-1]

    yield make
    for one in opened:
        one.shutdown()
        one.server_close()
    trust.configure(None)


def settings(server: Post, security: str, user: bool = True, host: str = "127.0.0.1") -> str:
    who = 'user = "ada@example.org"\n' if user else ""
    return (
        f'[network]\nca_file = "{server.pem}"\n[mail]\nhost = "{host}"\nport = {server.server_address[1]}\n'
        f'security = "{security}"\n{who}[hooks.failed]\nmail = "me@example.org"\n'
    )


@pytest.mark.parametrize("security", ["none", "starttls", "tls"])
def test_a_mail_arrives_with_words_and_the_report(home: Any, post: Any, security: str) -> None:
    server = post(tls=security == "tls")
    here = home(settings(server, security), PHR_MAIL_PASSWORD="hush")
    assert tried(here) == [None]
    (raw,) = server.letters
    letter = email.message_from_bytes(raw, policy=email.policy.default)
    assert (letter["To"], letter["From"]) == ("me@example.org", "ada@example.org")
    assert (
        letter["Subject"] == "phr: this is a test of a hook" and letter["Auto-Submitted"] == "auto-generated"
    )
    assert letter["Message-ID"].endswith("@example.org>") and letter["Date"]
    report = next(letter.iter_attachments())
    assert json.loads(report.get_content())["event"] == "failed"
    password = base64.b64encode(b"\0ada@example.org\0hush").decode()
    secure = "" if security == "none" else "tls "
    assert f"{secure}AUTH PLAIN {password}" in server.said
    assert any(one.endswith("[127.0.0.1]") for one in server.said), "the name of this computer is not told"


def test_a_server_without_encryption_is_given_neither_password_nor_letter(home: Any, post: Any) -> None:
    server = post(offers=("AUTH PLAIN",))
    (sentence,) = tried(home(settings(server, "starttls"), PHR_MAIL_PASSWORD="hush"))
    assert sentence is not None and "offers no encryption" in sentence and "nothing was sent" in sentence
    assert server.letters == [] and not [one for one in server.said if "AUTH" in one or "MAIL" in one]


def test_a_certificate_that_nobody_vouches_for_gets_no_password(home: Any, post: Any) -> None:
    server = post()
    config = settings(server, "starttls").replace(f'[network]\nca_file = "{server.pem}"\n', "")
    (sentence,) = tried(home(config, PHR_MAIL_PASSWORD="hush"))
    assert sentence is not None and "not be trusted" in sentence and server.letters == []


@pytest.mark.parametrize("refuse", ["MAIL", "RCPT", "AUTH", "DATA"])
def test_what_a_mail_server_says_is_not_repeated(home: Any, post: Any, refuse: str) -> None:
    server = post()
    server.refuse = refuse
    (sentence,) = tried(home(settings(server, "none"), PHR_MAIL_PASSWORD="hush"))
    assert sentence is not None and "Quill" not in sentence and "hush" not in sentence
    assert "refused" in sentence or "does not accept" in sentence


def test_a_mail_without_its_password_says_where_to_put_it(home: Any, post: Any, tmp_path: Path) -> None:
    server = post()
    (sentence,) = tried(home(settings(server, "none")))
    assert sentence is not None and "phr hooks keep mail-password" in sentence and server.said == []

    file = tmp_path / "password"
    file.write_text("hush\n")
    file.chmod(0o644)
    (sentence,) = tried(home(settings(server, "none"), PHR_MAIL_PASSWORD_FILE=str(file)))
    assert sentence is not None and "can be read by others" in sentence
    file.chmod(0o600)
    assert tried(home(settings(server, "none"), PHR_MAIL_PASSWORD_FILE=str(file))) == [None]

    here = home(settings(server, "none"))
    with here.store(create=True):
        secrets.keep(here, "mail-password", "from the vault")
    assert tried(home(settings(server, "none"))) == [None]
    kept = base64.b64encode(b"\0ada@example.org\0from the vault").decode()
    assert any(kept in one for one in server.said)


def test_nobody_at_the_other_end_is_one_sentence(home: Any, post: Any) -> None:
    server = post()
    config = settings(server, "none", user=False).replace(str(server.server_address[1]), "1")
    (sentence,) = tried(home(config))
    assert sentence is not None and "cannot be reached on port 1" in sentence


def test_the_letter_names_what_was_asked_for_and_no_more() -> None:
    told = {
        **TOLD,
        "runs": [
            {
                "connection": "clinic",
                "status": "partial",
                "types": {"Goal": {"new": 2, "updated": 0, "gone": 0}},
                "error": None,
                "job_id": "7",
                "skipped": [
                    {"type": "Claim", "reason": None, "known": False},
                    {"type": "Task", "reason": "no", "known": True},
                ],
            }
        ],
        "sign_in": [{"connection": "bay", "before": None}],
    }
    made = mail.letter(Mail(host="x"), "me@example.org", told, BODY)
    text = made.get_body().get_content()  # type: ignore[union-attr]
    assert text.splitlines()[:6] == [
        "1 connection failed.",
        "",
        "clinic: partial, 2 new",
        "  Claim: see phr jobs show 7",
        "Sign in again: phr reconnect bay",
        "",
    ]
    assert made["From"] == "me@example.org"


# ── a webhook ─────────────────────────────────────────────────────────────────────────────────────


class Ear(ThreadingHTTPServer):
    """Answers with what it is told to, and keeps what it got."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Hears)
        self.answers: list[int] = []
        self.got: list[tuple[str, dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/hook"


class _Hears(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        ear: Any = self.server
        body = self.rfile.read(int(self.headers["Content-Length"]))
        ear.got.append((self.path, dict(self.headers.items()), body))
        status = ear.answers.pop(0) if ear.answers else 204
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("Location", f"{ear.url}/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def ear() -> Iterator[Ear]:
    made = Ear()
    threading.Thread(target=made.serve_forever, args=(0.05,), daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


def test_a_webhook_is_signed_so_that_the_other_end_can_check_it(home: Any, ear: Ear) -> None:
    here = home(f'[hooks.failed]\nwebhook = "{ear.url}"', PHR_WEBHOOK_SECRET="hush")
    assert tried(here) == [None]
    ((path, headers, body),) = ear.got
    signed = headers["X-Phr-Timestamp"].encode() + b"." + body
    assert headers["X-Phr-Signature"] == "sha256=" + hmac.new(b"hush", signed, "sha256").hexdigest()
    assert abs(int(headers["X-Phr-Timestamp"]) - time.time()) < 60
    assert (path, headers["Content-Type"], headers["X-Phr-Event"]) == ("/hook", "application/json", "failed")
    assert json.loads(body)["schema"] == 1


@pytest.mark.parametrize(
    ("answers", "tries", "words"),
    [
        ([], 1, None),
        ([500, 503], 3, None),
        ([500, 429, 502], 3, "answered 502"),
        ([404], 1, "answered 404"),
        ([302], 1, "answered 302"),
        ([307], 1, "answered 307"),
    ],
)
def test_a_webhook_is_tried_three_times_at_most_and_follows_no_redirect(
    ear: Ear, answers: list[int], tries: int, words: str | None
) -> None:
    ear.answers = answers
    slept: list[float] = []
    if words is None:
        webhook.send(ear.url, "hush", "failed", BODY, sleep=slept.append)
    else:
        with pytest.raises(PhrError, match=words):
            webhook.send(ear.url, "hush", "failed", BODY, sleep=slept.append)
    assert len(ear.got) == tries and {path for path, _, _ in ear.got} == {"/hook"}
    assert slept == [1.0, 4.0][: tries - 1]
    assert len({headers["X-Phr-Delivery"] for _, headers, _ in ear.got}) == 1


def test_a_webhook_goes_only_over_https_or_to_this_computer_and_only_signed(home: Any, ear: Ear) -> None:
    with pytest.raises(PhrError, match="neither https"):
        webhook.send("http://example.org/hook", "hush", "failed", BODY, sleep=lambda _: None)
    (sentence,) = tried(home(f'[hooks.failed]\nwebhook = "{ear.url}"'))
    assert sentence is not None and "phr hooks keep webhook-secret" in sentence and ear.got == []


def test_nobody_at_the_other_end_of_a_webhook_is_one_sentence(ear: Ear) -> None:
    ear.shutdown()
    ear.server_close()
    slept: list[float] = []
    with pytest.raises(PhrError, match=r"127\.0\.0\.1 cannot be reached"):
        webhook.send(ear.url, "hush", "failed", BODY, sleep=slept.append)
    assert slept == [1.0, 4.0]


# ── what doctor sees ──────────────────────────────────────────────────────────────────────────────


def test_the_look_at_the_hooks_finds_what_is_missing(home: Any, post: Any, ear: Ear) -> None:
    server = post()
    here = home(
        settings(server, "none") + f'[hooks.post_sync]\ncommand = "/nowhere/x"\nwebhook = "{ear.url}"\n'
    )
    troubles = " ".join(one.trouble or "" for one in hooks.look(here))
    assert (
        "no program x" in troubles and "keep mail-password" in troubles and "keep webhook-secret" in troubles
    )
    assert server.said == [] and ear.got == []
    here = replace_environ(here, PHR_MAIL_PASSWORD="x", PHR_WEBHOOK_SECRET="y")
    assert [one.trouble for one in hooks.look(here) if one.detail != "x"] == [None, None]
    assert [one.trouble for one in hooks.look(here, network=True)] == [None, None]
    assert server.letters == [] and ear.got == []


def replace_environ(here: Workspace, **more: str) -> Workspace:
    return Workspace({**here.environ, **more})


def test_the_settings_of_mail_are_as_the_ports_of_the_world() -> None:
    assert [replace(Mail("x"), security=one).submission for one in ("starttls", "tls", "none")] == [
        587,
        465,
        25,
    ]


def test_event_and_delivery_are_in_the_body_that_is_signed(home: Any, ear: Ear) -> None:
    here = home(f'[hooks.failed]\nwebhook = "{ear.url}"', PHR_WEBHOOK_SECRET="hush")
    assert tried(here) == [None] and tried(here) == [None]
    bodies = [json.loads(body) for _, _, body in ear.got]
    assert [one["event"] for one in bodies] == ["failed", "failed"]
    assert [one["delivery"] for one in bodies] == [headers["X-Phr-Delivery"] for _, headers, _ in ear.got]
    assert bodies[0]["delivery"] != bodies[1]["delivery"]


@pytest.mark.parametrize("speaks", [b"220-hello\r\n" * 100, b"2"])
def test_a_mail_server_that_never_ends_its_greeting_is_left(
    monkeypatch: pytest.MonkeyPatch, speaks: bytes
) -> None:
    monkeypatch.setattr(mail, "WHOLE", 0.5)
    ended = threading.Event()

    def serve(listening: socket.socket) -> None:
        talking, _ = listening.accept()
        with talking, contextlib.suppress(OSError):
            while not ended.wait(0.05):
                talking.sendall(speaks)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, args=(listening,), daemon=True).start()
        server = Mail(host="127.0.0.1", port=listening.getsockname()[1], security="none")
        told = {"summary": "phr: x", "runs": []}
        began = time.monotonic()
        with pytest.raises(PhrError, match=r"came to no end|refused the mail"):
            mail.send(server, None, mail.letter(server, "a@b.example", told, b"{}"))
        assert time.monotonic() - began < 10
        ended.set()


def test_an_answer_of_endless_lines_does_not_fill_the_memory() -> None:
    lines = mail._Answers(io.BytesIO(b"220-x\r\n" * 2000))
    with pytest.raises(OSError, match="too many lines"):
        for _ in range(2000):
            lines.readline(100)
