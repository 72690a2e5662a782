"""Where things are kept: harmless names, private folders, no surprises from variables."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bough.coordinator import places
from bough.coordinator.places import PlaceError, StatePlaces, job_folder, private_dir
from tests.support.isolation import Sandbox
from tests.support.users import as_unprivileged_user

HOSTILE = [
    "../../x",
    "/etc/passwd",
    "..",
    ".",
    "",
    "-rf",
    "a b",
    "a\nb",
    "a\0b",
    "$(touch x)",
    "`x`",
    "'\"",
    "ü",
    "\udcff\udcfe",
    "x" * 5000,
    "build:test",
    "CON",
    "a/b",
    "a\\b",
]
ANY_NAME = st.text(st.characters(exclude_categories=["Cs"])) | st.binary().map(os.fsdecode)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_becomes_one_harmless_component(name: str) -> None:
    head, invocation, folder = job_folder("00ff", name, 1).split("/")
    assert (head, invocation) == ("jobs", "00ff")
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,48}", folder)


@given(st.lists(ANY_NAME, unique=True, max_size=6), st.integers(1, 3))
def test_no_two_names_share_a_folder(names: list[str], attempt: int) -> None:
    # Also where the file system does not tell capitals from small letters.
    folders = {job_folder("00ff", name, attempt).casefold() for name in names}
    assert len(folders) == len(names)


def test_attempts_have_folders_of_their_own() -> None:
    folders = {job_folder("00ff", name, number) for name in ("a", "a.2") for number in (1, 2, 3)}
    assert len(folders) == 6
    assert all(folder.startswith("jobs/00ff/a-") for folder in folders)


def test_a_readable_name_stays_readable() -> None:
    assert job_folder("00ff", "build docs", 1).startswith("jobs/00ff/build-docs-")


@pytest.mark.parametrize("variable", ["BOUGH_STATE_DIR", "BOUGH_CONFIG_DIR", "BOUGH_RUNTIME_DIR"])
def test_a_relative_folder_is_refused(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, "some/where")
    root = {
        "BOUGH_STATE_DIR": places.state_root,
        "BOUGH_CONFIG_DIR": places.config_root,
        "BOUGH_RUNTIME_DIR": places.runtime_root,
    }[variable]
    with pytest.raises(PlaceError, match="not an absolute path") as error:
        root()
    assert error.value.hint == f'export {variable}="$PWD/some/where"'


def test_the_runtime_folder(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    assert places.runtime_root() == str(sandbox.runtime)
    monkeypatch.delenv("BOUGH_RUNTIME_DIR")
    assert places.runtime_root() == f"{os.environ['XDG_RUNTIME_DIR']}/bough"
    monkeypatch.setenv("XDG_RUNTIME_DIR", "relative")
    assert places.runtime_root() == f"{sandbox.state}/runtime"


def test_the_token_tells_state_folders_apart() -> None:
    tokens = {StatePlaces(root=root).token for root in ("/a/repos/1", "/b/repos/1", "/a/repos/2")}
    assert len(tokens) == 3
    assert all(re.fullmatch("[0-9a-f]{16}", token) for token in tokens)


def test_a_new_folder_is_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        private_dir(str(tmp_path / "a" / "b"))
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700


def test_an_open_folder_of_ours_is_closed(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir(mode=0o755)
    assert private_dir(str(folder)) == str(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_folder_that_is_shared_by_design_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "shared"
    folder.mkdir()
    folder.chmod(0o1777)
    with pytest.raises(PlaceError, match="shared"):
        private_dir(str(folder))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o1777


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    os.chown(folder, 12345, -1)
    with pytest.raises(PlaceError, match="belongs to user 12345"):
        private_dir(str(folder))


def test_a_folder_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)

    def refused() -> str:
        try:
            return private_dir(str(tmp_path / "locked" / "new"))
        except PlaceError as error:
            return f"{error.message}; {error.hint}"

    said = as_unprivileged_user(refused)
    assert "cannot use the folder" in said
    assert "Permission denied" in said
    assert "BOUGH_STATE_DIR" in said


def test_a_file_in_the_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PlaceError, match="cannot use the folder"):
        private_dir(str(tmp_path / "file"))
