"""What the token endpoint answers, validated at the door, all problems at once (RFC 6749 section 5).

Of a failing answer only `error`, `error_description` and `error_uri` are read. What has no readable error (Epic's
empty 400, a maintenance page, any 5xx) is taken as passing: it must not cost a person a sign-in.
"""

from __future__ import annotations

import math
import re
from email.utils import parsedate_to_datetime

from phr.errors import SignInError, Unreachable
from phr.fhir import outcome
from phr.fhir.transport import Answer
from phr.model import Token
from phr.smart import jwt
from phr.smart.refusal import more_at, refusal

_LONGEST_LIFE = 10 * 366 * 86_400
_LONGEST_ID = 256
_LONGEST_SCOPE = 65_536
_BEARER = re.compile(r"[\x21-\x7e]+")


class TokenRefusedError(SignInError):
    """The token endpoint said no; `error` is the OAuth error code."""

    def __init__(self, message: str, error: str, *, hint: str | None = None, more: str = "") -> None:
        super().__init__(message, hint=hint)
        self.error = error
        self.more = more
        """Where the provider says more about it (`error_uri`), as words to put behind a hint; else empty."""


def read_answer(
    answer: Answer, *, asked: str | None, now: float, secrets: tuple[str | None, ...] = ()
) -> Token:
    """Validate a token answer. A missing scope means: as asked (RFC 6749 section 5.1)."""
    if answer.status != 200:
        raise refused(answer, secrets)
    source = outcome.parse(answer.body)
    if not isinstance(source, dict):
        raise SignInError("The provider's token answer cannot be read.", hint="Try the sign-in again.")
    if "error" in source and "access_token" not in source:
        raise refused(answer, secrets)
    problems = []
    access = source.get("access_token")
    if not isinstance(access, str) or not _BEARER.fullmatch(access):
        problems.append("access_token is missing or malformed")
    kind = source.get("token_type")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        problems.append("token_type is not Bearer")
    fresh = source.get("refresh_token")
    if fresh is not None and not isinstance(fresh, str):
        problems.append("refresh_token is not text")
    if problems:
        raise SignInError(f"The provider's token answer makes no sense: {'; '.join(problems)}.")
    life = lifetime(source.get("expires_in"))
    return Token(
        access_token=str(access),
        expires_at=None if life is None else now + life,
        scope=_scope(source.get("scope"), asked),
        refresh_token=fresh or None,
        patient=bare_id(source.get("patient")),
        id_token=_text(source.get("id_token")),
        fhir_user=_text(source.get("fhirUser")),
        renewed_at=now,
        refresh_ends_at=_refresh_end(source, now),
    )


def lifetime(value: object) -> float | None:
    """Seconds from `expires_in`: number or text; None when missing, unreadable, not positive or absurd."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return None
    return seconds if math.isfinite(seconds) and 0 < seconds <= _LONGEST_LIFE else None


def error_of(answer: Answer) -> str | None:
    """The OAuth error code of an answer; None for a good one, and for one that is only trouble."""
    if comes_later(answer):
        return None
    source = outcome.parse(answer.body)
    source = source if isinstance(source, dict) else {}
    error = source.get("error")
    if isinstance(error, str) and error.strip() and "access_token" not in source:
        return error.strip()
    # RFC 6749 section 5.2: 401 says that the client did not prove who it is.
    return "invalid_client" if answer.status == 401 else None


def comes_later(answer: Answer) -> bool:
    """Whether this says "not now" by its status alone, whatever stands in it."""
    return answer.status >= 500 or answer.status in (408, 425, 429)


def refused(answer: Answer, secrets: tuple[str | None, ...] = ()) -> TokenRefusedError | Unreachable:
    """A failing answer as an error: TokenRefusedError when the server says why, else Unreachable."""
    error = error_of(answer)
    if error is None:
        return Unreachable(
            f"The provider's sign-in server has trouble right now ({answer.status}).",
            http_status=answer.status,
            hint="Try again later.",
        )
    found = outcome.parse(answer.body)
    source = found if isinstance(found, dict) else {}
    description, uri = _text(source.get("error_description")), _text(source.get("error_uri"))
    told = refusal(error, description, uri, secrets=secrets)
    code = outcome.clean(error, 40, secrets)
    return TokenRefusedError(told.message, code, hint=told.hint, more=more_at(uri, secrets))


def server_time(answer: Answer) -> float | None:
    """What the server's clock shows (RFC 9110 section 6.6.1), a cache's delay added; None if it does not say."""
    try:
        shown = parsedate_to_datetime(answer.headers.get("date", "")).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    age = answer.headers.get("age", "")
    return shown + (int(age) if age.isdecimal() and len(age) < 10 else 0)


def _refresh_end(source: dict[str, object], now: float) -> float | None:
    """When the refresh token ends: as the answer says, or as the token itself does (seen at Epic: a JWT)."""
    for name in ("refresh_token_expires_in", "refresh_expires_in"):
        life = lifetime(source.get(name))
        if life is not None:
            return now + life
    ends = jwt.moment(jwt.claims(_text(source.get("refresh_token"))).get("exp"))
    life = None if ends is None else lifetime(ends - now)
    return None if life is None else now + life


def _scope(value: object, asked: str | None) -> str | None:
    if isinstance(value, list):
        value = " ".join(item for item in value if isinstance(item, str))
    if not isinstance(value, str):
        return asked
    # Each type is looked up in it, so a list without end would cost minutes; the longest seen have some kilobytes.
    return value if len(value) <= _LONGEST_SCOPE else value[:_LONGEST_SCOPE].rpartition(" ")[0]


def bare_id(value: object) -> str | None:
    """The id of a resource, named by its id, its `Type/id` or its address; a number was seen too."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        return None
    found = value.strip().rstrip("/").rpartition("/")[2]
    # What cannot be shown or sent as it is names nobody: the patient is then looked for.
    fit = found.isprintable() and "\N{REPLACEMENT CHARACTER}" not in found and len(found) <= _LONGEST_ID
    return found if found and fit else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
