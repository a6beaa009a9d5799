from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from phr.errors import Busy, UsageError
from phr.paths import check_user_name, exclusive_lock, locate, make_private, write_private


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


def test_the_home_of_a_stranger_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="PHR_HOME"):
        locate({"PHR_HOME": "~nobody-of-this-name/phr"})
