"""Every command there is: where its code lives and what it is for, in one line.

The page of `phr --help` is made from this table, so that it needs none of the code behind it. A command that is
not built yet has no line here.
"""

from __future__ import annotations

from typing import NamedTuple

SYNOPSIS = "Your own medical record, from every provider, in one encrypted file on your own computer."
GETTING, LOOKING, NEXT, OWN, KEEPING = (
    "Getting records",
    "Looking at them",
    "Before an appointment",
    "Your own words",
    "Handing on, keeping safe",
)


class Command(NamedTuple):
    """One command: `attribute` of `phr.cli.<module>` is a function, or a Typer app with commands of its own."""

    name: str
    module: str
    attribute: str
    summary: str
    group: str


COMMANDS = (
    Command("demo", "demo", "demo", "See the whole story offline in 20 seconds", GETTING),
    Command("sandbox", "sandbox", "sandbox", "Run a pretend hospital on this computer", GETTING),
    Command("providers", "providers", "app", "Find the place you are a patient of", GETTING),
    Command("connect", "connect", "connect", "Sign in at a provider, and bring your records", GETTING),
    Command("connections", "connections", "app", "List, rename, set; what each can do", GETTING),
    Command("reconnect", "connect", "reconnect", "Sign in again; same connection, same records", GETTING),
    Command("disconnect", "disconnect", "disconnect", "End a connection; its records stay", GETTING),
    Command("keys", "keys", "app", "The public keys to register with a provider", GETTING),
    Command("sync", "sync", "sync", "Bring connections up to date", GETTING),
    Command("schedule", "schedule", "app", "Let syncs happen by themselves, when due", GETTING),
    Command("hooks", "hooks", "app", "What happens after a sync: a mail, a command", GETTING),
    Command("jobs", "jobs", "app", "What ran and what runs: watch, stop, repeat", GETTING),
    Command("stats", "stats", "stats", "Runs, requests and amounts, day by day", GETTING),
    Command("import", "import_", "import_", "Bring in files: FHIR, C-CDA, ZIP, CSV", GETTING),
    Command("status", "status", "status", "One screen: connections, health, what was skipped", LOOKING),
    Command("timeline", "timeline", "timeline", "Everything that happened, newest first", LOOKING),
    Command("search", "search", "search", "Find it: words as you would say them", LOOKING),
    Command("trend", "trend", "trend", "One measurement over time, drawn", LOOKING),
    Command("summary", "summary", "summary", "The essentials on one page; --emergency", LOOKING),
    Command("show", "show", "show", "One record whole, or exactly as it was sent", LOOKING),
    Command("messages", "messages", "messages", "Messages with your care teams, by conversation", LOOKING),
    Command("tasks", "tasks", "tasks", "What is to be done, by whom, until when", LOOKING),
    Command("documents", "documents", "app", "Letters and reports: list, open, save, fetch", LOOKING),
    Command("packs", "packs", "app", "Conditions phr knows: tags, milestones, values", LOOKING),
    Command("resources", "resources", "resources", "The FHIR resources as they are kept", LOOKING),
    Command("sql", "sql", "sql", "Ask it in SQL: read-only, over documented views", LOOKING),
    Command("visit", "visit", "visit", "One page for the next appointment", NEXT),
    Command("had", "had", "had", "Have I had this? When, where, and the report", NEXT),
    Command("diff", "diff", "diff", "What came, changed or went since a day", NEXT),
    Command("missing", "missing", "missing", "What should be here and is not", NEXT),
    Command("calendar", "calendar", "calendar", "Appointments and what is due, as .ics", NEXT),
    Command("quality", "quality", "quality", "How well each source keeps your record", NEXT),
    Command("add", "add", "app", "Write down what no provider sends", OWN),
    Command("note", "note", "note", "Write a note beside a record", OWN),
    Command("tag", "tag", "tag", "Put a word of yours on a record", OWN),
    Command("edit", "edit", "edit", "Correct what a source says, beside it", OWN),
    Command("bookmark", "bookmark", "bookmark", "Keep a record at hand", OWN),
    Command("export", "export", "export", "Hand on: PDF, CCD, IPS, FHIR, a page, tables", KEEPING),
    Command("validate", "validate", "validate", "Is it valid FHIR? A file, a record, or all", KEEPING),
    Command("backup", "backup", "backup", "Write everything into one sealed file", KEEPING),
    Command("restore", "backup", "restore", "Bring a backup back", KEEPING),
    Command("vault", "vault", "app", "See where the keys are; make a recovery key", KEEPING),
    Command("audit", "audit", "app", "See what was done with the data", KEEPING),
    Command("users", "users", "app", "A file of their own for each person at home", KEEPING),
    Command("paths", "paths", "paths", "Where everything is kept", KEEPING),
    Command(
        "doctor", "doctor", "doctor", "Check that all is well; each failing check says the mend", KEEPING
    ),
)

BY_NAME = {command.name: command for command in COMMANDS}

EVERYWHERE = """\
With every command:
  --user NAME             whose record: each person has a file of their own
                          (default: default, or PHR_USER)
  --credential-command C  a command that prints the key or passphrase
  -v, -vv                 say more, on stderr
  --log-file FILE         keep what -v says in a file
  --log-format text|json
  -h, --help              what a command does, and its exit statuses
Alone:
  --version
  --install-completion, --show-completion   for your shell

Every option has a variable: phr timeline --limit is PHR_TIMELINE_LIMIT.
Exit statuses: 0 fine, 1 failed, 2 usage, 3 partly done, 4 sign in again,
5 another run holds the lock, 6 locked: no key, 130 interrupted.

New here? phr demo"""


def page() -> str:
    """What `phr --help` says; fits 80 columns."""
    lines = ["Usage: phr COMMAND [OPTIONS] ...", "", SYNOPSIS]
    for group in (GETTING, LOOKING, NEXT, OWN, KEEPING):
        lines += ["", f"{group}:"]
        lines += [f"  {one.name:<13}{one.summary}" for one in COMMANDS if one.group == group]
    return "\n".join([*lines, "", EVERYWHERE])
