from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from phr import paths
from phr.errors import Busy, UsageError
from phr.paths import (
    check_user_name,
    exclusive_lock,
    locate,
    make_private,
    refuse_foreign,
    to_own,
    write_private,
)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_phr_home_puts_everything_under_one_folder(tmp_path: Path) -> None:
    paths = locate({"PHR_HOME": str(tmp_path)})

    assert paths.config_file == tmp_path / "config" / "config.toml"
    assert paths.providers_file == tmp_path / "config" / "providers.toml"
    assert paths.records("anna") == tmp_path / "data" / "anna" / "records.db"
    assert paths.logs.is_relative_to(tmp_path / "state")
    assert paths.lock("anna") != paths.lock("ben")
    assert list(tmp_path.iterdir()) == []


def test_without_phr_home_the_three_folders_differ() -> None:
    paths = locate({"PHR_HOME": ""})

    assert len({paths.config, paths.data, paths.state}) == 3
    assert all("phr" in str(path) for path in (paths.config, paths.data, paths.state))


def test_a_relative_home_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert locate({"PHR_HOME": "here"}).data == tmp_path / "here" / "data"


def test_platformdirs_is_not_loaded_when_the_home_is_given() -> None:
    code = (
        "import sys, phr.paths; phr.paths.locate({'PHR_HOME': 'x'}); sys.exit('platformdirs' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", ["default", "Anna", "anna-b.c_d", "7", "_x", "a" * 64])
def test_ordinary_user_names_are_taken(name: str) -> None:
    assert check_user_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", ".hidden", "-x", "a/b", "a\\b", "a b", "a" * 65, "é", "a\n", "nul", "Con.txt", "a."],
)
def test_names_that_could_leave_the_folder_or_hide_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        locate({"PHR_HOME": str(tmp_path)}).user_dir(name)


@pytest.mark.parametrize(
    "name", ["organisations.tsv", "Organisations.TSV", "a.toml", "b.db", "c.lock", "d.part"]
)
def test_nobody_is_called_like_a_file_of_phr(name: str) -> None:
    with pytest.raises(UsageError, match="files of its own") as caught:
        check_user_name(name)
    assert str(caught.value.hint).endswith(name.partition(".")[0])


def test_made_folders_are_private_whatever_the_umask(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        made = make_private(tmp_path / "a" / "b")
    finally:
        os.umask(old)

    assert mode(made) == mode(tmp_path / "a") == 0o700


def test_a_folder_of_our_own_that_is_too_wide_is_tightened(tmp_path: Path) -> None:
    wide = tmp_path / "wide"
    wide.mkdir()
    wide.chmod(0o755)

    assert mode(make_private(wide)) == 0o700


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_somebody_else_is_refused_and_one_of_the_system_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = tmp_path / "their's"
    theirs.mkdir(mode=0o777)
    os.chown(theirs, 12345, 12345)
    assert make_private(theirs) == theirs  # root in a container, with a folder of the host's person
    monkeypatch.setattr(os, "getuid", lambda: 4321)
    with pytest.raises(UsageError, match="belongs to somebody else") as caught:
        make_private(theirs)
    assert "chown" in str(caught.value.hint) and "PHR_HOME" in str(caught.value.hint)

    monkeypatch.setattr(os, "getuid", lambda: 12345)
    assert make_private(theirs) == theirs and mode(theirs) == 0o700
    assert make_private(tmp_path) == tmp_path


@pytest.mark.skipif(os.name != "posix", reason="modes are of POSIX")
def test_what_others_can_change_is_told_with_the_mend(tmp_path: Path) -> None:
    file = tmp_path / "a b"
    assert to_own(file) is None
    file.write_text("x")
    file.chmod(0o644)
    assert to_own(file) is None
    refuse_foreign(file)
    file.chmod(0o646)
    assert to_own(file) == f"chmod go-w '{file}'"
    with pytest.raises(UsageError, match="others can write it"):
        refuse_foreign(file)


def test_a_file_in_the_way_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")

    with pytest.raises(UsageError, match="file"):
        make_private(tmp_path / "file")
    with pytest.raises(UsageError, match="cannot be made"):
        make_private(tmp_path / "file" / "below")


def test_a_private_file_is_0600_replaces_whole_and_leaves_nothing_beside(tmp_path: Path) -> None:
    target = tmp_path / "new" / "file"
    old = os.umask(0)
    try:
        write_private(target, b"one")
        target.chmod(0o644)
        write_private(target, b"two")
    finally:
        os.umask(old)

    assert target.read_bytes() == b"two"
    assert mode(target) == 0o600
    assert [path.name for path in target.parent.iterdir()] == ["file"]


def test_a_link_is_followed_and_stays_a_link(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles" / "config.toml"
    write_private(real, b"old")
    link = tmp_path / "config.toml"
    link.symlink_to(real)

    write_private(link, b"new")

    assert link.is_symlink()
    assert real.read_bytes() == b"new"


def test_a_second_holder_of_the_lock_is_told_busy_until_the_first_lets_go(tmp_path: Path) -> None:
    lock = tmp_path / "locks" / "anna.lock"
    with exclusive_lock(lock):
        with pytest.raises(Busy), exclusive_lock(lock):
            pass
        with pytest.raises(Busy), exclusive_lock(lock, wait=0.05):
            pass
    with exclusive_lock(lock):
        assert mode(lock) == 0o600


def test_a_lock_is_free_again_when_its_process_was_killed(tmp_path: Path) -> None:
    lock = tmp_path / "x.lock"
    code = (
        "import sys, pathlib\nfrom phr.paths import exclusive_lock\n"
        "with exclusive_lock(pathlib.Path(sys.argv[1])):\n print('held', flush=True)\n sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(Busy), exclusive_lock(lock):
            pass
        holder.kill()
        holder.wait(10)
    with exclusive_lock(lock):
        pass


def test_busy_names_the_holder_its_process_and_since_when(tmp_path: Path) -> None:
    lock = tmp_path / "x.lock"
    code = (
        "import sys, pathlib\nfrom phr.paths import exclusive_lock\nlock = pathlib.Path(sys.argv[1])\n"
        "sys.argv[:] = ['/usr/bin/phr', '--user', 'anna', '-v', 'connect', '--token', 'hush-hush']\n"
        "with exclusive_lock(lock):\n print('held', flush=True)\n sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == b"held\n"
        assert b"hush" not in lock.read_bytes() and b"anna" not in lock.read_bytes()
        words = rf": phr connect, process {holder.pid}, since \d\d:\d\d\.$"
        with pytest.raises(Busy, match=words), exclusive_lock(lock):
            pass
        holder.kill()
        holder.wait(10)
    with exclusive_lock(lock):  # the note of one that was killed is no lock, and is replaced
        assert f"\n{os.getpid()} ".encode() in lock.read_bytes()
    assert lock.read_bytes() == b""


@pytest.mark.parametrize("note", [b"", b"\nx", b"\n1 2 phr; rm\n", b"\n" + b"9" * 90 + b" 1 phr\n"])
def test_a_note_that_says_nothing_sensible_is_not_repeated(tmp_path: Path, note: bytes) -> None:
    lock = tmp_path / "x.lock"
    with exclusive_lock(lock):
        lock.write_bytes(note)
        with pytest.raises(Busy, match=r"at work on this record\.$"), exclusive_lock(lock):
            pass


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["phr", "sync"], "phr sync"),
        (["/x/phr/__main__.py", "--log-file", "sync.log", "backup", "x"], "phr backup"),
        (["phr", "--user=anna", "import", "lab.json"], "phr import"),
        (["phr", "/home/anna/x"], "phr"),
        (["phr"], "phr"),
        (["pytest", "tests"], "phr"),
        ([], "phr"),
    ],
)
def test_of_what_was_typed_only_the_command_is_noted(argv: list[str], said: str) -> None:
    assert paths._doing(argv) == said


def test_the_home_of_a_stranger_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="PHR_HOME"):
        locate({"PHR_HOME": "~nobody-of-this-name/phr"})
