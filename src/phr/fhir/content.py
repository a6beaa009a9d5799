"""Whether two spellings of one resource say the same, and whether its source has taken it back.

FHIR R4 lets a server write much that is no new fact: `meta`, a narrative that it generates, addresses that
it signs anew for each answer. None of that may look like a change, or each night would bring one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import blake2b

import orjson

from phr.model import Resource

RULES = b"\x02"
"""The first byte of every `content_hash`: raised when other things are left out, so that hashes are comparable."""

_GENERATED = ("generated", "extensions", "empty")
_SORTED = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS


def content_hash(resource: Resource) -> bytes:
    """16 bytes that change when the content does.

    Leaves out what can change without a new fact: `meta` but for its security labels, a narrative that the
    server generated from the rest, and what signs an address for a while. The order of keys says nothing.
    """
    content = {name: value for name, value in resource.items() if name != "meta"}
    meta = resource.get("meta")
    if isinstance(meta, dict) and meta.get("security"):
        content["meta"] = meta["security"]
    narrative = content.get("text")
    if isinstance(narrative, dict) and narrative.get("status") in _GENERATED:
        del content["text"]
    try:
        canonical = orjson.dumps(content, option=_SORTED)
    except TypeError:  # a number beyond 64 bits, half a surrogate pair, or nested deeper than orjson goes
        canonical = "\n".join(sorted(_leaves(content))).encode("utf-8", "surrogatepass")
    else:
        if _SIGNED.search(canonical):
            canonical = orjson.dumps(_unsigned(content), option=_SORTED)
    return RULES + blake2b(canonical, digest_size=15).digest()


# ── signed addresses ──────────────────────────────────────────────────────────────────────────────

# What signs an address, or ties it to a session: Amazon, Google, Azure (SAS), Akamai, CloudFront, servlets.
_MARKS = (
    r"x-amz-[a-z0-9-]+|x-goog-[a-z0-9-]+|signature|sig|hmac|hdnts|hdnea|token|[a-z]+[_-]?token"
    r"|jsessionid|phpsessid|session[a-z_-]*|sid|key-pair-id|awsaccesskeyid|googleaccessid"
)
_SIGNED = re.compile(rb"(?i)[?&;#](?:" + _MARKS.encode() + rb")=")
_MARK = re.compile(_MARKS, re.IGNORECASE)
# What only says until when, for whom and what a signature holds: volatile beside one, else a parameter like any other.
_ALONGSIDE = frozenset(
    "se st sp sv sr srt ss spr sip si skoid sktid skt ske sks skv rscd rsct expires exp policy date nonce".split()
)
_PARAMETER = re.compile(r"([?&;#])([^=&;#?]*)(=[^&;#?]*)?")


def _unsigned(value: object) -> object:
    """The same with each address as it was before it was signed."""
    if isinstance(value, dict):
        return {name: _unsigned(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [_unsigned(entry) for entry in value]
    return lasting(value) if isinstance(value, str) else value


def lasting(address: str) -> str:
    """An address without its signature, the parameters that go with one, and the id of a session."""
    if "=" not in address or " " in address.strip():
        return address
    parts = _PARAMETER.findall(address)
    if not any(_MARK.fullmatch(name) for _, name, _ in parts):
        return address
    kept = [
        name + value
        for _, name, value in parts
        if not _MARK.fullmatch(name) and name.lower() not in _ALONGSIDE
    ]
    return "?".join([re.split("[?&;#]", address, maxsplit=1)[0], *kept])


def _leaves(content: object) -> Iterator[str]:
    """Every scalar with its path, without recursion, so that no depth is too deep."""
    open_: list[tuple[str, object]] = [("", content)]
    while open_:
        path, value = open_.pop()
        if isinstance(value, dict):
            open_.extend([(f"{path}.{key}", entry) for key, entry in value.items()])
        elif isinstance(value, list):
            open_.extend([(f"{path}[{index}]", entry) for index, entry in enumerate(value)])
        else:
            yield f"{path}={value!r}"


# ── taken back ────────────────────────────────────────────────────────────────────────────────────

# Where FHIR R4 has a place for `entered-in-error`: `status` of most types, `verificationStatus` of Condition and
# AllergyIntolerance, `lifecycleStatus` of Goal, `docStatus` of DocumentReference. `clinicalStatus` has none, but servers
# that came from DSTU2 write it there.
_STATUSES = ("status", "verificationStatus", "lifecycleStatus", "docStatus", "clinicalStatus")
# `nullified` is no code of R4: it is v3's word (ActStatus) for the same, and converters leave it as it is.
_IN_ERROR = frozenset(("entered-in-error", "nullified"))


def taken_back(resource: Resource) -> bool:
    """Whether the source says of its own statement that it should never have been made."""
    told = [
        resource[name] for name in _STATUSES if name in resource
    ]  # quick: every resource that comes is asked
    return bool(told) and any(map(_is_error, told))


def _is_error(status: object) -> bool:
    """A code, a Coding, a CodeableConcept or a list of them: servers put each where another belongs."""
    if isinstance(status, str):
        return status.strip().lower() in _IN_ERROR
    if isinstance(status, dict):
        return _is_error(status.get("code")) or any(
            isinstance(coding, dict) and _is_error(coding.get("code"))
            for coding in _listed(status.get("coding"))
        )
    return isinstance(status, list) and any(isinstance(one, (str, dict)) and _is_error(one) for one in status)


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]
