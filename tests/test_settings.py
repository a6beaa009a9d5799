from __future__ import annotations

import os
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from phr.errors import UsageError
from phr.settings import DAY, HOUR, Hook, Settings, duration, load, set_sync, set_vendor_client_id


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def test_without_a_file_and_without_variables_the_defaults_hold(config: Path) -> None:
    settings = load(config, {})

    assert settings == Settings()
    assert (settings.general.user, settings.sync.retry_attempts, settings.sync.interval) == (
        "default",
        3,
        DAY,
    )
    assert settings.vendor("epic").client_id is None


def test_the_environment_wins_over_the_file_and_the_file_over_the_default(config: Path) -> None:
    config.write_text('[general]\nuser = "anna"\n[sync]\ntimeout = 5\nretry_delay = 0.5\ninterval = "6h"\n')

    settings = load(config, {"PHR_SYNC_TIMEOUT": "7.5", "PHR_USER": "ben", "PHR_CONNECT_PORT": "8123"})

    assert settings.general.user == "ben"
    assert settings.sync.timeout == 7.5
    assert settings.sync.retry_delay == 0.5
    assert settings.sync.interval == 6 * HOUR
    assert settings.sync.concurrency == 4
    assert settings.connect.port == 8123


def test_an_empty_variable_counts_as_not_set(config: Path) -> None:
    assert load(config, {"PHR_USER": "", "PHR_SYNC_TIMEOUT": ""}) == Settings()


def test_a_user_name_of_digits_stays_text(config: Path) -> None:
    assert load(config, {"PHR_USER": "42"}).general.user == "42"


def test_all_problems_are_told_at_once_with_table_key_and_near_miss(config: Path) -> None:
    config.write_text(
        '[sync]\nretry_attemps = 3\ntimeout = "long"\nconcurrency = true\n[conect]\nport = 1\n'
        "[vendors.epic]\nclientid = 1\nredirect_uri = 5\n"
    )

    with pytest.raises(UsageError) as caught:
        load(config, {"PHR_CONNECT_PORT": "high"})

    for words in (
        "[sync] retry_attemps is not a setting (did you mean retry_attempts?)",
        "[sync] timeout must be a number of seconds from 1 to 3600",
        "[sync] concurrency must be a whole number",
        "[conect] is not a table phr knows (did you mean connect?)",
        "[vendors.epic] clientid is not a setting (did you mean client_id?)",
        "[vendors.epic] redirect_uri must be a text",
        "PHR_CONNECT_PORT must be a whole number from 0 to 65535",
        "7 settings",
    ):
        assert words in caught.value.message


@pytest.mark.parametrize(
    "text", ["sync = 3", "vendors = 3", "[vendors]\nepic = 3", 'general = "x"', '[sync]\ninterval = "30m"',
             "[sync]\ninterval = 24", '[sync]\ninterval = "soon"', '[general]\nuser = "../x"', "[sync]\ntimeout = nan"]
)  # fmt: skip
def test_a_value_of_the_wrong_shape_is_a_usage_error(config: Path, text: str) -> None:
    config.write_text(text)

    with pytest.raises(UsageError):
        load(config, {})


def test_a_file_that_is_not_toml_is_told_with_the_place(config: Path) -> None:
    config.write_text("[sync\n")
    with pytest.raises(UsageError, match="line 1"):
        load(config, {})

    config.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="UTF-8"):
        load(config, {})


def test_a_file_saved_with_a_byte_order_mark_is_read(config: Path) -> None:
    config.write_bytes(b'\xef\xbb\xbf[general]\nuser = "anna"\n')

    assert load(config, {}).general.user == "anna"


def test_a_client_secret_in_the_file_is_refused_and_not_repeated(config: Path) -> None:
    config.write_text('[vendors.my-ehr]\nclient_secret = "hush-hush"\n')

    with pytest.raises(UsageError) as caught:
        load(config, {})

    assert "PHR_MY_EHR_CLIENT_SECRET" in caught.value.message
    assert "hush-hush" not in f"{caught.value} {caught.value.hint}"


def test_vendor_variables_win_and_stay_out_of_reprs(config: Path) -> None:
    config.write_text(
        '[vendors.my-ehr]\nclient_id = "from-file"\nredirect_uri = "http://127.0.0.1:8765/callback"\n'
    )
    settings = load(config, {"PHR_MY_EHR_CLIENT_ID": "from-env", "PHR_MY_EHR_CLIENT_SECRET": "hush-hush"})

    vendor = settings.vendor("my-ehr")

    assert (vendor.client_id, vendor.client_secret) == ("from-env", "hush-hush")
    assert vendor.redirect_uri == "http://127.0.0.1:8765/callback"
    assert "hush-hush" not in repr(settings) + repr(vendor)


def test_only_what_a_vendor_needs_is_kept_of_the_environment(config: Path) -> None:
    settings = load(config, {"PHR_PASSPHRASE": "hush", "HOME": "/home/anna", "PHR_EPIC_CLIENT_ID": "x"})

    assert dict(settings.environ) == {"PHR_EPIC_CLIENT_ID": "x"}


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("30m", 1800), ("6h", 21600), ("7D", 604800), (" 1w ", 604800), ("1.5h", 5400)],
)
def test_durations_are_read_with_their_unit(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "24", "-1h", "1y", "1h30m"])
def test_a_duration_without_a_clear_unit_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        duration(text)


# ── keeping a client id ───────────────────────────────────────────────────────────────────────────

WRITTEN = (
    "# mine\n\n[general]\nuser = 'anna'   # me\n\n"
    "[ vendors.epic ]  # hospital\nclient_id = \"old\" # from the portal\nredirect_uri = \"https://x.example/cb\"\n\n"
    "[vendors.oracle]\nredirect_uri = \"https://y.example/cb\"\n\n[sync]\nconcurrency = 2"
)  # fmt: skip


def test_a_client_id_replaces_the_one_line_and_nothing_else(config: Path) -> None:
    config.write_text(WRITTEN)

    set_vendor_client_id(config, "epic", "new-id")

    assert config.read_text() == WRITTEN.replace('"old"', '"new-id"')
    assert load(config, {}).vendor("epic").client_id == "new-id"
    assert stat.S_IMODE(config.stat().st_mode) == 0o600


def test_a_client_id_is_added_to_a_table_that_has_none(config: Path) -> None:
    config.write_text(WRITTEN)

    set_vendor_client_id(config, "oracle", "new-id")

    assert config.read_text() == WRITTEN.replace(
        "[vendors.oracle]\n", '[vendors.oracle]\nclient_id = "new-id"\n'
    )


def test_a_new_vendor_is_added_at_the_end(config: Path) -> None:
    config.write_text(WRITTEN)

    set_vendor_client_id(config, "my-ehr", "new-id")

    assert config.read_text() == WRITTEN + '\n\n[vendors.my-ehr]\nclient_id = "new-id"\n'


def test_a_file_is_made_when_there_is_none(tmp_path: Path) -> None:
    config = tmp_path / "config" / "config.toml"

    set_vendor_client_id(config, "epic", "new-id")
    set_vendor_client_id(config, "epic", 'odd "\\ id')

    assert config.read_text() == '[vendors.epic]\nclient_id = "odd \\"\\\\ id"\n'


def test_windows_line_ends_and_the_byte_order_mark_are_kept(config: Path) -> None:
    config.write_bytes(b'\xef\xbb\xbf[vendors.epic]\r\nredirect_uri = "https://x.example/cb"\r\n')

    set_vendor_client_id(config, "epic", "a")
    set_vendor_client_id(config, "oracle", "b")

    assert config.read_bytes() == (
        b'\xef\xbb\xbf[vendors.epic]\r\nclient_id = "a"\r\nredirect_uri = "https://x.example/cb"\r\n'
        b'\r\n[vendors.oracle]\r\nclient_id = "b"\r\n'
    )


@pytest.mark.parametrize(
    "text",
    ['vendors = { epic = { client_id = "old" } }\n', '[vendors]\nepic.client_id = "old"\n',
     '[vendors.epic]\nclient_id = """old"""\n'],
)  # fmt: skip
def test_a_file_written_in_another_way_is_left_alone(config: Path, text: str) -> None:
    config.write_text(text)

    with pytest.raises(UsageError, match="without rewriting"):
        set_vendor_client_id(config, "epic", "new-id")

    assert config.read_text() == text


@pytest.mark.parametrize(
    "header", ["[vendors.epic]", "[vendors.'epic']", '[vendors."epic"]', "[vendors.epic]"]
)
@pytest.mark.parametrize("end", ["", "\n", "\n\n# end"])
def test_a_header_is_found_however_it_is_written(config: Path, header: str, end: str) -> None:
    config.write_text(header + end)

    set_vendor_client_id(config, "epic", "new-id")

    assert tomllib.loads(config.read_text()) == {"vendors": {"epic": {"client_id": "new-id"}}}


def test_quick_commands_do_not_pay_for_settings() -> None:
    code = "import sys, phr.settings; sys.exit(any(m in sys.modules for m in ('typer', 'httpx', 'platformdirs')))"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# ── files that others can write ───────────────────────────────────────────────────────────────────

# What runs a program, or decides who sees a sign-in: as it is written, where it is found, and its variable.
GUARDED = [
    ('[general]\ncredential_command = "evil"', "[general] credential_command", "PHR_CREDENTIAL_COMMAND"),
    ('[network]\nca_file = "/etc/evil.pem"', "[network] ca_file", "PHR_NETWORK_CA_FILE"),
    ('[connect]\nrelay = "https://evil.example/"', "[connect] relay", "PHR_CONNECT_RELAY"),
    (
        '[vendors.epic]\nredirect_uri = "https://evil.example/"',
        "[vendors.epic] redirect_uri",
        "PHR_EPIC_REDIRECT_URI",
    ),
]
OWN = {
    "PHR_CREDENTIAL_COMMAND": "mine",
    "PHR_NETWORK_CA_FILE": "/etc/mine.pem",
    "PHR_CONNECT_RELAY": "https://mine.example/",
    "PHR_EPIC_REDIRECT_URI": "https://mine.example/",
}


@pytest.mark.skipif(sys.platform == "win32", reason="modes are of POSIX")
@pytest.mark.parametrize(("text", "where", "variable"), GUARDED)
@pytest.mark.parametrize("mode", [0o602, 0o666, 0o646])
def test_a_file_that_others_can_write_is_not_obeyed_where_it_matters(
    config: Path, mode: int, text: str, where: str, variable: str
) -> None:
    config.write_text(text)
    config.chmod(mode)
    with pytest.raises(UsageError, match="others can write") as caught:
        load(config, {})
    assert where in str(caught.value) and f"chmod go-w {config}" in str(caught.value)
    load(config, {variable: OWN[variable]})  # the file's word does not count then
    config.chmod(0o644)
    load(config, {})


@pytest.mark.skipif(sys.platform == "win32" or os.getuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize(("text", "where", "variable"), GUARDED)
def test_somebody_elses_file_is_not_obeyed_where_it_matters(
    config: Path, text: str, where: str, variable: str
) -> None:
    config.write_text(text)
    os.chown(config, 12345, 12345)
    with pytest.raises(UsageError, match="others can write") as caught:
        load(config, {})
    assert where in str(caught.value) and "chown" in str(caught.value)
    config.write_text('[general]\nuser = "anna"\n')
    assert load(config, {}).general.user == "anna"


@pytest.mark.skipif(sys.platform == "win32", reason="modes are of POSIX")
def test_a_file_writable_for_a_group_of_our_own_is_obeyed(config: Path) -> None:
    config.write_text(GUARDED[1][0])
    os.chown(config, -1, os.getgid())
    config.chmod(0o664)
    assert load(config, {}).network.ca_file == Path("/etc/evil.pem")


# ── hooks, mail, and quiet hours ──────────────────────────────────────────────────────────────────

HOOKS = """
[mail]
host = "mail.example.org"
user = "ada"
[hooks.failed]
notify = true
mail = "me@example.org"
[[hooks.post_sync]]
command = "run this"
[[hooks.post_sync]]
webhook = "https://home.example.org/phr"
include_values = true
"""


def test_hooks_are_read_in_the_order_of_the_file_one_or_several_for_an_event(config: Path) -> None:
    config.write_text(HOOKS)
    settings = load(config, {"PHR_MAIL_SECURITY": "tls", "PHR_MAIL_PASSWORD": "hush-hush"})
    assert settings.hooks == (
        Hook("failed", notify=True, mail="me@example.org"),
        Hook("post_sync", command="run this"),
        Hook("post_sync", webhook="https://home.example.org/phr", include_values=True),
    )
    assert (settings.mail.host, settings.mail.security, settings.mail.submission) == (
        "mail.example.org",
        "tls",
        465,
    )
    assert "hush-hush" not in repr(settings)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hooks = 3", "[hooks] must hold a table"),
        ("[hook.failed]\nnotify = true", "[hook] is not a table phr knows (did you mean hooks?)"),
        ("[hooks.fail]\nnotify = true", "[hooks] fail is not an event (did you mean failed?)"),
        ("[hooks.failed]\nnotfy = true", "[hooks.failed] notfy is not a setting (did you mean notify?)"),
        ('[hooks.failed]\nnotify = "yes"', "[hooks.failed] notify must be true or false"),
        ("[hooks.failed]\nnotify = false", "[hooks.failed] says nothing to do"),
        ("[hooks]\nfailed = 3", "[hooks.failed] must be a table"),
        ('[hooks]\nfailed = ["x"]', "[hooks.failed] must be a table"),
        ('[hooks.failed]\nmail = "a@b"', "[mail] host is missing"),
        ('[hooks.failed]\nmail = "a@b\\nBcc: c@d"', "[hooks.failed] mail must be one address"),
        ('[hooks.failed]\nmail = "a@b, c@d"', "[hooks.failed] mail must be one address"),
        ('[hooks.failed]\nwebhook = "http://example.org/"', "[hooks.failed] webhook must be an address"),
        ('[hooks.failed]\nwebhook = "https://a:b@example.org/"', "[hooks.failed] webhook must be an address"),
        ('[hooks.failed]\nsecret = "hush-hush"', "secret does not belong in a file: set PHR_WEBHOOK_SECRET_FILE"),
        ('[mail]\nhost = "x"\npassword = "hush-hush"', "[mail] password does not belong in a file"),
        ('[mail]\nhost = "https://x"', "[mail] host must be the name of a server"),
        ('[mail]\nhost = "mail.example.org"\nsecurity = "none"', "only where host is this computer"),
        ('[mail]\nsecurity = "ssl"', "[mail] security must be one of starttls, tls, none"),
        ("[mail]\nport = 0", "[mail] port must be a whole number"),
        ('[sync]\nquiet_hours = "8"', "[sync] quiet_hours must be hours of the day"),
        ("[sync]\nquiet_hours = 8", "[sync] quiet_hours must be a text"),
        ('[sync]\nquiet_hours = "08-08"', "[sync] quiet_hours must be hours"),
        ('[sync]\nquiet_hours = "00-24"', "[sync] quiet_hours must be hours"),
        ('[sync]\nquiet_hours = "07:60-09"', "[sync] quiet_hours must be hours"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_hooks_is_told_with_table_and_key(config: Path, text: str, words: str) -> None:
    config.write_text(text)
    with pytest.raises(UsageError) as caught:
        load(config, {})
    assert words in caught.value.message and "hush" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.skipif(sys.platform == "win32", reason="modes are of POSIX")
@pytest.mark.parametrize("text", ['[hooks.failed]\ncommand = "evil"', '[mail]\nhost = "evil.example"'])
def test_hooks_in_a_file_that_others_can_write_are_not_obeyed(config: Path, text: str) -> None:
    config.write_text(text)
    config.chmod(0o666)
    with pytest.raises(UsageError, match="others can write"):
        load(config, {})
    config.chmod(0o600)
    load(config, {})


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("08-18", ("08:00", "12:00", "17:59"), ("07:59", "18:00", "00:00")),
        ("22-06", ("22:00", "23:59", "00:00", "05:59"), ("06:00", "12:00", "21:59")),
        ("7:30 – 8", ("07:30", "07:59"), ("07:29", "08:00")),
        ("18-24", ("18:00", "23:59"), ("00:00", "17:59")),
        ("00-01", ("00:00", "00:59"), ("01:00", "23:59")),
    ],
)
def test_quiet_hours_may_go_past_midnight(
    config: Path, text: str, inside: tuple[str, ...], outside: tuple[str, ...]
) -> None:
    hours = load(config, {"PHR_SYNC_QUIET_HOURS": text}).sync.quiet_hours
    assert hours is not None
    at = {one: int(one[:2]) * 60 + int(one[3:]) for one in (*inside, *outside)}
    assert [one for one in at if hours.cover(at[one])] == list(inside)


def test_a_variable_can_switch_quiet_hours_off(config: Path) -> None:
    config.write_text('[sync]\nquiet_hours = "08-18"\n')
    assert str(load(config, {}).sync.quiet_hours) == "08-18"
    assert load(config, {"PHR_SYNC_QUIET_HOURS": "off"}).sync.quiet_hours is None


def test_a_setting_of_the_sync_is_kept_where_it_stands(config: Path) -> None:
    config.write_text('# mine\n[sync]  # all of it\nquiet_hours = "01-02" # old\ntimeout = 5\n')
    set_sync(config, "quiet_hours", "08-18")
    set_sync(config, "interval", "6h")
    assert config.read_text() == (
        '# mine\n[sync]  # all of it\ninterval = "6h"\nquiet_hours = "08-18" # old\ntimeout = 5\n'
    )
    config.write_text('sync = { interval = "1h" }\n')
    with pytest.raises(UsageError, match=r"interval cannot be added .* without rewriting"):
        set_sync(config, "interval", "6h")


# ── the network, and the way back ─────────────────────────────────────────────────────────────────


def test_the_own_ca_and_the_way_back_are_settings(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/anna")
    config.write_text(
        '[network]\nca_file = "~/company.pem"\n'
        '[connect]\nredirect = "relay"\nrelay = "https://anna.example.org/phr/"\n'
    )

    settings = load(config, {})
    assert settings.network.ca_file == Path("/home/anna/company.pem")
    assert (settings.connect.redirect, settings.connect.relay) == ("relay", "https://anna.example.org/phr/")

    settings = load(config, {"PHR_NETWORK_CA_FILE": "/etc/ca.pem", "PHR_CONNECT_REDIRECT": "paste"})
    assert (settings.network.ca_file, settings.connect.redirect) == (Path("/etc/ca.pem"), "paste")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[network]\nca_file = "ca.pem"', "[network] ca_file must be the whole path"),
        ('[network]\nca_file = "~nobody-of-this-name/x"', "[network] ca_file must be a file"),
        ("[network]\nca_file = 1", "[network] ca_file must be a text"),
        ("[network]\nverify = false", "[network] verify is not a setting"),
        ('[connect]\nredirect = "https"', "[connect] redirect must be one of loopback, https-loopback, relay, paste"),
        ('[connect]\nrelay = "http://anna.example.org/"', "[connect] relay must be an address that begins with https://"),
        ('[connect]\nrelay = "http://127.0.0.1/"', "[connect] relay must be"),
        ('[vendors.epic]\nredirect_uri = "http://anna.example.org/cb"', "[vendors.epic] redirect_uri must be"),
        ('[vendors.epic]\nredirect_uri = "https://u:p@anna.example.org/cb"', "[vendors.epic] redirect_uri must be"),
        ('[vendors.epic]\nredirect_uri = "https://anna.example.org/cb#x"', "[vendors.epic] redirect_uri must be"),
        ('[vendors.epic]\nredirect_uri = "https://[/cb"', "[vendors.epic] redirect_uri must be"),
        ('[vendors.epic]\nredirect_uri = "callback"', "[vendors.epic] redirect_uri must be"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_there_is_told(config: Path, text: str, words: str) -> None:
    config.write_text(text)

    with pytest.raises(UsageError) as caught:
        load(config, {})
    assert words in caught.value.message


def test_a_redirect_address_in_a_variable_is_checked_too(config: Path) -> None:
    with pytest.raises(UsageError, match="PHR_EPIC_REDIRECT_URI must be an address"):
        load(config, {"PHR_EPIC_REDIRECT_URI": "http://anna.example.org/cb"})
    for address in ("https://anna.example.org/cb", "http://localhost:8765/callback", "http://[::1]:1/cb"):
        assert load(config, {"PHR_EPIC_REDIRECT_URI": address}).vendor("epic").redirect_uri == address
