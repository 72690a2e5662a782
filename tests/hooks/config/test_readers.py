"""Reading from a worktree's folder, and nothing from outside of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bough.hooks.config.readers import FolderReader
from bough.hooks.config.sources import MAX_FILE_BYTES
from bough.hooks.errors import ConfigError
from tests.support.users import as_unprivileged_user


@pytest.fixture
def worktree(tmp_path: Path) -> Path:
    """A folder with a file, beside a file that is none of its business."""
    folder = tmp_path / "work tree"
    (folder / "sub").mkdir(parents=True)
    (folder / "bough.yml").write_bytes(b"x: \xff")
    (tmp_path / "secret").write_bytes(b"secret")
    return folder


def refusal(worktree: Path, path: str) -> str:
    with pytest.raises(ConfigError) as refused:
        FolderReader(str(worktree)).read(path)
    (problem,) = refused.value.problems
    assert problem.path == path
    return problem.message


def test_a_file_is_read_as_it_is(worktree: Path) -> None:
    assert FolderReader(str(worktree)).read("bough.yml") == b"x: \xff"


@pytest.mark.parametrize("path", ["absent.yml", "sub/absent.yml", "no/absent.yml", "bough.yml/x"])
def test_what_is_not_there_is_none(worktree: Path, path: str) -> None:
    assert FolderReader(str(worktree)).read(path) is None


def test_links_inside_are_followed(worktree: Path) -> None:
    (worktree / "sub" / "link.yml").symlink_to("../bough.yml")
    (worktree / "folder").symlink_to("sub")
    assert FolderReader(str(worktree)).read("folder/link.yml") == b"x: \xff"


def test_a_worktree_behind_a_link_can_be_read(worktree: Path, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(worktree)
    assert FolderReader(str(tmp_path / "alias")).read("bough.yml") == b"x: \xff"


@pytest.mark.parametrize(
    "path", ["../secret", "sub/../../secret", "out.yml", "outside/secret", "/etc/hostname"]
)
def test_nothing_outside_is_read(worktree: Path, tmp_path: Path, path: str) -> None:
    (worktree / "out.yml").symlink_to(tmp_path / "secret")
    (worktree / "outside").symlink_to("..")
    assert "leads out of the worktree" in refusal(worktree, path)


def test_a_folder_whose_name_only_begins_alike_is_outside(worktree: Path, tmp_path: Path) -> None:
    (tmp_path / "work tree 2").mkdir()
    (tmp_path / "work tree 2" / "x").write_bytes(b"x")
    assert "leads out of the worktree" in refusal(worktree, "../work tree 2/x")


def test_only_regular_files_are_read(worktree: Path) -> None:
    os.mkfifo(worktree / "pipe.yml")
    assert "is not a regular file" in refusal(worktree, "pipe.yml")
    assert "is not a regular file" in refusal(worktree, "sub")


def test_a_link_to_nothing_is_no_absence(worktree: Path) -> None:
    (worktree / "dangling.yml").symlink_to("absent.yml")
    (worktree / "loop.yml").symlink_to("loop.yml")
    assert "cannot be read" in refusal(worktree, "dangling.yml")
    assert "cannot be read" in refusal(worktree, "loop.yml")


def test_an_unreadable_file_is_no_absence(worktree: Path) -> None:
    (worktree / "bough.yml").chmod(0)
    assert "Permission denied" in as_unprivileged_user(lambda: refusal(worktree, "bough.yml"))


def test_no_more_than_the_limit_and_one_byte_is_read(worktree: Path) -> None:
    (worktree / "big.yml").write_bytes(b"#" * (MAX_FILE_BYTES + 100))
    data = FolderReader(str(worktree)).read("big.yml")
    assert data is not None
    assert len(data) == MAX_FILE_BYTES + 1
