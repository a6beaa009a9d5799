"""What a person has set: `config.toml` and the `PHR_…` variables, checked once at the door.

The order is flag > environment > file > default; the flag is the command line's business, the rest is decided
here. Every key has its variable, `PHR_<TABLE>_<KEY>`, without the table for [general]. An unknown key is an
error, since a misspelt setting that is silently ignored is worse than none. A client secret is refused in the
file: it belongs in the environment or in the keyring.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from phr.errors import UsageError
from phr.paths import to_own
from phr.settings.hooks import MAIL_KEYS, Hook, Mail, check_mail, read_hooks, read_mail
from phr.settings.values import DAY, HOUR, Hours, Key, accept, as_text, near, number, read_table


@dataclass(frozen=True)
class General:
    user: str = "default"
    credential_command: str | None = None


@dataclass(frozen=True)
class Sync:
    """How patient a sync is; times are seconds."""

    retry_attempts: int = 3
    retry_delay: float = 2.0
    timeout: float = 60.0
    concurrency: int = 4
    batch_size: int | None = None
    """Resources asked for per page (`_count`); None leaves it to the vendor's entry and the server."""
    interval: float = DAY
    full_every: float = 30 * DAY
    """After so long everything is asked for again, also where a server can say what changed."""
    side_by_side: int = 8
    """So many connections are brought up to date at once."""
    max_duration: float | None = None
    """A sync stops in good order after this; None: it takes what it takes."""
    quiet_hours: Hours | None = None
    """A part of the day, local time, in which `phr sync --due` asks nobody: the servers' busy time."""


@dataclass(frozen=True)
class Connect:
    """How a sign-in comes back: the loopback port (None: the vendor's own) and how many seconds to wait."""

    port: int | None = None
    timeout: float = 600.0
    redirect: str | None = None
    """One of `model.REDIRECTS`; None leaves it to the vendor's entry."""
    relay: str | None = None
    """The https address of the person's own relay page."""


@dataclass(frozen=True)
class Network:
    """How servers are reached, and whom to trust."""

    ca_file: Path | None = None
    """Certificates to trust beside the usual ones: a company's CA."""


@dataclass(frozen=True)
class VendorSettings:
    """The app registration at one vendor."""

    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    redirect_uri: str | None = None


@dataclass(frozen=True)
class Settings:
    general: General = General()
    sync: Sync = Sync()
    connect: Connect = Connect()
    network: Network = Network()
    mail: Mail = field(default_factory=Mail)
    hooks: tuple[Hook, ...] = ()
    vendors: Mapping[str, VendorSettings] = field(default_factory=dict)
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)

    def vendor(self, vendor_id: str) -> VendorSettings:
        """What is set for one vendor, the environment before the file; empty when nothing is."""
        in_file = self.vendors.get(vendor_id, VendorSettings())

        def given(key: str) -> str | None:
            return self.environ.get(vendor_variable(vendor_id, key)) or None

        return VendorSettings(
            client_id=given("client_id") or in_file.client_id,
            client_secret=given("client_secret"),
            redirect_uri=given("redirect_uri") or in_file.redirect_uri,
        )


def vendor_variable(vendor_id: str, key: str) -> str:
    """The variable for one setting of one vendor: `PHR_EPIC_CLIENT_ID`."""
    return f"PHR_{vendor_id}_{key}".upper().replace("-", "_")


_TABLES: dict[str, dict[str, Key]] = {
    "general": {"user": Key("user"), "credential_command": Key("text")},
    "sync": {
        "retry_attempts": Key("whole", 0, 20),
        "retry_delay": Key("seconds", 0, 600),
        "timeout": Key("seconds", 1, 3600),
        "concurrency": Key("whole", 1, 32),
        "batch_size": Key("whole", 1, 10_000),
        "interval": Key("duration", HOUR, 7 * DAY),
        "full_every": Key("duration", DAY, 365 * DAY),
        "side_by_side": Key("whole", 1, 32),
        "max_duration": Key("duration", 1, 7 * DAY),
        "quiet_hours": Key("hours"),
    },
    "connect": {
        "port": Key("whole", 0, 65535),
        "timeout": Key("seconds", 1, 24 * HOUR),
        "redirect": Key("mode"),
        "relay": Key("https"),
    },
    "network": {"ca_file": Key("file")},
    "mail": MAIL_KEYS,
}
_VENDOR_KEYS = {"client_id": Key("text"), "redirect_uri": Key("back")}
_VENDOR_ENDINGS = ("_CLIENT_ID", "_CLIENT_SECRET", "_REDIRECT_URI")


def variables(table: str) -> tuple[str, ...]:
    """The variables of one table's keys: `PHR_SYNC_TIMEOUT` and its like."""
    return tuple(_variable(table, key) for key in _TABLES[table])


def _variable(table: str, key: str) -> str:
    return f"PHR_{key}".upper() if table == "general" else f"PHR_{table}_{key}".upper()


def load(config_file: Path, environ: Mapping[str, str]) -> Settings:
    """Settings from the file (which may be absent) and the environment.

    Raises UsageError that lists every problem at once, each with its table and key.
    """
    problems: list[str] = []
    tables = parse(config_file)
    values: dict[str, dict[str, Any]] = {}
    for table, keys in _TABLES.items():
        found = tables.pop(table, {})
        values[table] = (
            read_mail(found, problems) if table == "mail" else read_table(table, found, keys, problems)
        )
        values[table].update(_environ_table(table, keys, environ, problems))
    vendors = _vendors(tables.pop("vendors", {}), problems)
    hooks = read_hooks(tables.pop("hooks", {}), problems)
    mail = check_mail(values["mail"], hooks, problems)
    if hooks and (mend := to_own(config_file)):
        problems.append(f"[hooks] is not obeyed in a file that others can write ({mend})")
    problems += _open_to_others(config_file, values, vendors, environ)
    problems += _vendor_variables(environ)
    problems += [
        f"[{name}] is not a table phr knows{near(name, (*_TABLES, 'vendors', 'hooks'))}" for name in tables
    ]
    if problems:
        raise UsageError(
            f"{len(problems)} setting{'s' if len(problems) > 1 else ''} cannot be used: {'; '.join(problems)}.",
            hint=f"Correct {config_file}, or the variable named.",
        )
    return Settings(
        General(**values["general"]),
        Sync(**values["sync"]),
        Connect(**values["connect"]),
        Network(**values["network"]),
        mail,
        hooks,
        vendors,
        {
            name: value
            for name, value in environ.items()
            if name.startswith("PHR_") and name.endswith(_VENDOR_ENDINGS)
        },
    )


def parse(config_file: Path) -> dict[str, Any]:
    import tomllib

    try:
        return tomllib.loads(config_file.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise UsageError(f"{config_file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise UsageError(f"{config_file} is not UTF-8 text.", hint="Save it again as UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{config_file} is not TOML: {error}.", hint="Correct that line.") from None


_FROM_OURS_ONLY = (
    ("general", "credential_command"),
    ("network", "ca_file"),
    ("connect", "relay"),
    ("mail", "host"),
)
"""What runs a program, or decides who sees a sign-in or the password of a mailbox. So do hooks; only the file has them."""


def _open_to_others(
    config_file: Path,
    values: Mapping[str, Mapping[str, Any]],
    vendors: Mapping[str, VendorSettings],
    environ: Mapping[str, str],
) -> list[str]:
    """What a file says that it may not say when somebody else can write it; the environment's word is the person's."""
    mend = to_own(config_file)
    if mend is None:
        return []
    said = [
        f"[{table}] {key}"
        for table, key in _FROM_OURS_ONLY
        if values[table].get(key) and not environ.get(_variable(table, key))
    ]
    said += [
        f"[vendors.{id_}] redirect_uri"
        for id_, one in vendors.items()
        if one.redirect_uri and not environ.get(vendor_variable(id_, "redirect_uri"))
    ]
    return [f"{one} is not obeyed in a file that others can write ({mend})" for one in said]


def _environ_table(
    table: str, keys: Mapping[str, Key], environ: Mapping[str, str], problems: list[str]
) -> dict[str, Any]:
    values = {}
    for key, wanted in keys.items():
        name = _variable(table, key)
        text = environ.get(name)
        if not text:
            continue
        try:
            values[key] = accept(wanted, number(text) if wanted.kind in ("whole", "seconds") else text)
        except ValueError as error:
            problems.append(f"{name} must be {error}")
    return values


def _vendors(found: object, problems: list[str]) -> dict[str, VendorSettings]:
    if not isinstance(found, dict):
        problems.append("[vendors] must hold one table per vendor")
        return {}
    vendors = {}
    for vendor, table in found.items():
        if isinstance(table, dict) and "client_secret" in table:
            problems.append(
                f"[vendors.{vendor}] client_secret does not belong in a file: "
                f"set {vendor_variable(vendor, 'client_secret')}, "
                f"or give it to phr connect {vendor} --client-secret-stdin"
            )
            table = {key: value for key, value in table.items() if key != "client_secret"}
        vendors[vendor] = VendorSettings(**read_table(f"vendors.{vendor}", table, _VENDOR_KEYS, problems))
    return vendors


def _vendor_variables(environ: Mapping[str, str]) -> list[str]:
    """What is wrong with the vendors' variables; which vendors there are is not known here."""
    problems = []
    for name, value in environ.items():
        if value and name.startswith("PHR_") and name.endswith("_REDIRECT_URI"):
            try:
                as_text("back", value)
            except ValueError as error:
                problems.append(f"{name} must be {error}")
    return problems
