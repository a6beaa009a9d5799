"""A mail through the person's own server: RFC 6409 (submission), RFC 3207 and RFC 8314 (TLS), RFC 5322 (the letter).

The words are in the text; the report goes along as an attachment. A server that offers no TLS is given nothing.
"""

from __future__ import annotations

import smtplib
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Any

from phr.errors import PhrError, typed
from phr.fhir import trust
from phr.settings import Mail
from phr.settings.values import is_mail

SECONDS = 30.0
WHOLE = 60.0
"""Seconds to wait for one answer, and those that a whole conversation may take: a greeting need not end."""
_MOST_LINES = 1000
"""Lines of one answer (RFC 5321 knows some dozen); smtplib collects them without end."""
_MY_NAME = "[127.0.0.1]"
"""What the server is told in EHLO: not the name of this computer (RFC 5321 section 4.1.3)."""


def letter(server: Mail, to: str, told: Mapping[str, Any], body: bytes) -> EmailMessage:
    """The mail for one event."""
    sender = server.sender or (server.user if server.user and is_mail(server.user) else to)
    made = EmailMessage()
    made["Subject"] = told["summary"]
    made["From"], made["To"] = sender, to
    made["Date"] = formatdate(localtime=False)
    made["Message-ID"] = make_msgid("phr", sender.rpartition("@")[2])
    made["Auto-Submitted"] = "auto-generated"  # RFC 3834: no machine is to answer
    made.set_content("\n".join([*_lines(told), "", "More: phr status", ""]))
    made.add_attachment(body, "application", "json", filename="report.json")
    return made


def _lines(told: Mapping[str, Any]) -> Iterator[str]:
    yield told["summary"].removeprefix("phr: ").capitalize() + "."
    if told.get("user", "default") != "default":
        yield f"The record of {told['user']}."
    yield ""
    for run in told["runs"]:
        counts = run["types"].values()
        numbers = {name: sum(one[name] for one in counts) for name in ("new", "updated", "gone")}
        words = ", ".join(f"{number:,} {name}" for name, number in numbers.items() if number)
        yield f"{run['connection']}: {run['status']}{', ' + words if words else ''}"
        if run["error"]:
            yield f"  {run['error']}"
        for one in run["skipped"]:
            if not one["known"]:
                yield f"  {one['type']}: {one['reason'] or 'see phr jobs show ' + str(run['job_id'])}"
    for one in told.get("sign_in", ()):
        until = f" before {one['before']}" if one["before"] else ""
        yield f"Sign in again{until}: phr reconnect {typed(one['connection'])}"
    for one in told.get("new_abnormal", {}).get("results", ()):
        parts = (one["date"], one["title"], one["value"], one["unit"])
        yield "  " + " ".join(str(part) for part in parts if part not in (None, ""))


def send(server: Mail, password: str | None, message: EmailMessage) -> None:
    """Hand it to the server. Raises PhrError, without a word of the server's: it may repeat the letter."""
    host = str(server.host)
    try:
        with opened(server) as smtp:
            if server.user and password is not None:
                smtp.login(server.user, password)
            smtp.send_message(message)
    except smtplib.SMTPNotSupportedError:
        raise PhrError(
            f"{host} offers no encryption, or no sign-in, here; nothing was sent.",
            hint="Set security and port under [mail] as your provider says.",
        ) from None
    except smtplib.SMTPAuthenticationError:
        raise PhrError(
            f"{host} does not accept the user and the password.",
            hint="Keep it anew: phr hooks keep mail-password",
        ) from None
    except smtplib.SMTPResponseException as error:
        raise PhrError(f"{host} refused the mail ({error.smtp_code}).") from None
    except smtplib.SMTPRecipientsRefused as error:
        codes = ", ".join(sorted({str(code) for code, _ in error.recipients.values()}))
        raise PhrError(f"{host} refused the address it is for ({codes}).") from None
    except smtplib.SMTPException:
        raise PhrError(f"{host} broke the conversation off, or came to no end.") from None
    except OSError:
        raise PhrError(f"{host} cannot be reached on port {server.submission}, or not be trusted.") from None


def opened(server: Mail) -> smtplib.SMTP:
    """A conversation with the server, encrypted as the settings want it. Raises what smtplib raises."""
    host, port = str(server.host), server.submission
    if server.security == "tls":
        return _Wrapped(host, port, _MY_NAME, timeout=SECONDS, context=trust.context())
    smtp = _Plain(host, port, _MY_NAME, timeout=SECONDS)
    if server.security == "starttls":
        try:
            smtp.starttls(context=trust.context())
        except BaseException:
            smtp.close()
            raise
    return smtp


class _Plain(smtplib.SMTP):
    """A conversation that ends after `WHOLE` seconds, whatever the server goes on to say."""

    _over: threading.Event | None = None

    def getreply(self) -> tuple[int, bytes]:
        if self._over is None:  # the greeting is read while this is made
            self._over = threading.Event()
            threading.Thread(target=self._watch, args=(self._over,), name="phr-mail", daemon=True).start()
        if self.file is None and self.sock is not None:
            self.file = self.sock.makefile("rb")
        if self.file is not None and not isinstance(self.file, _Answers):
            self.file = _Answers(self.file)
        if isinstance(self.file, _Answers):
            self.file.lines = 0
        return super().getreply()

    def close(self) -> None:
        if self._over is not None:
            self._over.set()
        super().close()

    def _watch(self, over: threading.Event) -> None:
        seconds = WHOLE
        while not over.wait(seconds):
            sock, seconds = self.sock, 1.0  # again: it may have been changed for one with TLS just now
            if sock is not None:
                with suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)


class _Wrapped(_Plain, smtplib.SMTP_SSL):
    """The same with TLS from the first byte."""


class _Answers:
    """The lines of a server, so many of them for one answer."""

    def __init__(self, file: Any) -> None:
        self._file = file
        self.lines = 0

    def readline(self, size: int = -1) -> bytes:
        self.lines += 1
        if self.lines > _MOST_LINES:
            raise OSError("too many lines")
        return bytes(self._file.readline(size))

    def close(self) -> None:
        self._file.close()
