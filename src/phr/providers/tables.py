"""Reading providers.toml at the door: every key known, every value of its kind, all problems told at once."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from phr.errors import UsageError
from phr.fhir.links import origin
from phr.model import AUTH_METHODS, LOOPBACK, REDIRECTS, Vendor

Tables = dict[str, dict[str, dict[str, Any]]]
"""`{"vendors": {id: {key: value}}, "providers": {id: {key: value}}}`."""

_ID = re.compile(r"[a-z0-9][a-z0-9-]*")


def _text(value: object) -> str | None:
    return None if isinstance(value, str) and value.strip() else "is text"


def _any_text(value: object) -> str | None:
    return None if isinstance(value, str) else "is text"


def _flag(value: object) -> str | None:
    return None if isinstance(value, bool) else "is true or false"


def _texts(value: object) -> str | None:
    if isinstance(value, list) and all(isinstance(item, str) and item for item in value):
        return None
    return "is a list of texts"


def _number(low: int, high: int) -> Callable[[object], str | None]:
    def check(value: object) -> str | None:
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return None
        return f"is a number from {low} to {high}"

    return check


def _amount(high: float) -> Callable[[object], str | None]:
    def check(value: object) -> str | None:
        good = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= high
        return None if good else f"is a number above 0, at most {high:g}"

    return check


def _one_of(*choices: str) -> Callable[[object], str | None]:
    return lambda value: None if value in choices else f"is one of {', '.join(choices)}"


def _path(value: object) -> str | None:
    return None if isinstance(value, str) and value.startswith("/") else "begins with /"


def _base(value: object) -> str | None:
    problem = "is an https address"
    if not isinstance(value, str):
        return problem
    try:
        scheme, host, _ = origin(value)
    except ValueError:
        return problem
    if not host or any(c in value for c in " ?#@"):
        return problem
    return None if scheme == "https" or (scheme == "http" and host in LOOPBACK) else problem


def _splits(value: object) -> str | None:
    """`Observation = { category = ["laboratory", "vital-signs"] }`: one search for each value."""
    good = isinstance(value, dict) and all(
        isinstance(ways, dict) and ways and all(_texts(choices) is None for choices in ways.values())
        for ways in value.values()
    )
    return None if good else "is a table of types, each with parameters and their lists of values"


def _among(*choices: str) -> Callable[[object], str | None]:
    """A list, not empty, of some of these words."""

    def check(value: object) -> str | None:
        if isinstance(value, list) and value and all(item in choices for item in value):
            return None
        return f"is a list of some of {', '.join(choices)}"

    return check


def _by_type(value: object) -> str | None:
    """`Appointment = { date = "ge1900-01-01" }`: parameters beside the patient."""
    good = isinstance(value, dict) and all(
        isinstance(params, dict) and params and all(isinstance(one, str) for one in params.values())
        for params in value.values()
    )
    return None if good else "is a table of types, each with parameters and their values"


def _pairs(value: object) -> str | None:
    good = isinstance(value, dict) and all(isinstance(one, str) and one for one in value.values())
    return None if good else "is a table of names and texts"


VENDOR_KEYS: dict[str, Callable[[object], str | None]] = {
    "name": _text,
    "aliases": _texts,
    "auth": _among(*AUTH_METHODS),
    "registration": _one_of("portal", "open", "after-sign-in"),
    "redirects": _among(*REDIRECTS),
    "redirect_host": _one_of("127.0.0.1", "localhost"),
    "redirect_port": _number(0, 65535),
    "redirect_path": _path,
    "scopes": _texts,
    "scope_dialect": _one_of("auto", "v1", "v2"),
    "resource_scopes": _texts,
    "aud_slash": _flag,
    "pkce": _one_of("required", "optional", "ignored"),
    "nonce": _flag,
    "issuer_differs": _flag,
    "patient_from": _among("token", "id_token", "access_token", "search"),
    "patient_claims": _texts,
    "token_in_query": _flag,
    "token_seconds": _number(1, 10_000_000),
    "refresh": _one_of("public", "confidential", "dynamic", "none", "unknown"),
    "refresh_scope": _flag,
    "refresh_pause": _number(0, 3600),
    "refresh_idle_hours": _number(1, 100_000),
    "consent_days": _number(1, 10_000),
    "types": _texts,
    "splits": _splits,
    "search_params": _by_type,
    "claim_params": _pairs,
    "page_size": _number(0, 1000),
    "concurrency": _number(1, 8),
    "last_updated": _texts,
    "everything": _flag,
    "provenance": _flag,
    "bulk": _one_of("patient", "system", "none"),
    "timeout": _amount(600),
    "requests_per_second": _amount(10_000),
    "burst": _number(1, 100_000),
    "requests_per_minute": _number(1, 1_000_000),
    "requests_per_day": _number(1, 100_000_000),
    "portal": _any_text,
    "directory": _any_text,
    "directory_hosts": _texts,
    "recipe": _any_text,
    "waiting": _any_text,
    "support": _any_text,
    "status_page": _any_text,
    "test_sign_ins": _any_text,
    "sure": _any_text,
}
PROVIDER_KEYS: dict[str, Callable[[object], str | None]] = {
    "name": _text,
    "vendor": _text,
    "fhir_base": _base,
    "place": _text,
    "client_id": _text,
    "sandbox": _flag,
    "shared": _flag,
    "auth": _one_of(*AUTH_METHODS),
}
_CHECKS = {"vendors": VENDOR_KEYS, "providers": PROVIDER_KEYS}


def read(path: Path) -> Tables:
    """The tables of one file. Raises UsageError naming the file, and table and key of everything wrong."""
    try:
        source = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError:
        raise UsageError(f"{path.name} cannot be read.", hint=f"Check the file: {path}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path.name} is not valid TOML: {error}.", hint=f"Mend the file: {path}") from None
    problems: list[str] = []
    tables: Tables = {"vendors": {}, "providers": {}}
    for kind, rows in source.items():
        if kind not in _CHECKS:
            problems.append(f"[{kind}] is not known (there are [vendors.…] and [providers.…])")
        elif not isinstance(rows, dict):
            problems.append(f"{kind} is not a table")
        else:
            for id_, row in rows.items():
                problems += _problems(kind, id_, row)
            tables[kind] = rows
    complain(path, problems)
    return tables


def _problems(kind: str, id_: str, row: object) -> list[str]:
    where = f"[{kind}.{id_}]"
    found = [] if _ID.fullmatch(id_) else [f"{where}: an id has only small letters, digits and -"]
    if not isinstance(row, dict):
        return [*found, f"{where} is not a table"]
    for key, value in row.items():
        check = _CHECKS[kind].get(key)
        if check is None:
            found.append(f"{where} {key}: no such key")
        elif (wrong := check(value)) is not None:
            found.append(f"{where} {key} {wrong}")
    return found


def merge(first: Tables, second: Tables) -> Tables:
    """`second` on top of `first`, id by id and key by key."""
    return {
        kind: {
            id_: first[kind].get(id_, {}) | second[kind].get(id_, {})
            for id_ in (*first[kind], *(i for i in second[kind] if i not in first[kind]))
        }
        for kind in ("vendors", "providers")
    }


def complain(path: Path, problems: list[str]) -> None:
    if problems:
        raise UsageError(f"{path.name}: {'; '.join(problems)}.", hint=f"Mend the file: {path}")


def vendor(id_: str, row: Mapping[str, Any]) -> Vendor:
    """A checked row as a Vendor."""
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in row.items()
    }
    values["splits"] = {
        type_: tuple((param, choice) for param, choices in ways.items() for choice in choices)
        for type_, ways in row.get("splits", {}).items()
    }
    values["search_params"] = {
        type_: tuple(params.items()) for type_, params in row.get("search_params", {}).items()
    }
    values.setdefault("name", id_)
    values["recipe"] = str(values.get("recipe", "")).strip()
    return Vendor(id=id_, **values)
