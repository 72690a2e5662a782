"""The repository's id: kept through moves, not taken along by copies, agreed upon by racers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from bough.coordinator.places import PlaceError
from bough.hooks.identity import IdentityError, repo_id
from bough.hooks.repository import discover
from tests.support.repos import Repo
from tests.support.users import as_unprivileged_user

MakeRepo = Callable[..., Repo]


def id_file(repo: Repo) -> Path:
    return repo.path / ".git/bough/repo-id"


def id_at(path: Path | str) -> str:
    return repo_id(discover(str(path))).value


def test_an_id_is_made_once_and_kept(git_repo: MakeRepo, tmp_path: Path) -> None:
    repo = git_repo()
    first = repo_id(discover(str(repo.path)))
    assert first.fresh
    assert first.copied_from is None
    assert str(uuid.UUID(first.value)) == first.value
    again = repo_id(discover(str(repo.path)))
    assert (again.value, again.fresh) == (first.value, False)
    assert id_at(repo.worktree(tmp_path / "w", "w").path) == first.value


def test_the_file_is_private_and_names_the_id_first(git_repo: MakeRepo) -> None:
    repo = git_repo()
    value = id_at(repo.path)
    assert id_file(repo).stat().st_mode & 0o777 == 0o600
    assert id_file(repo).parent.stat().st_mode & 0o777 == 0o700
    assert id_file(repo).read_text().startswith(f'{{"id": "{value}"')
    record = json.loads(id_file(repo).read_text())
    assert record["path"] == str(repo.path / ".git")


def test_permissions_that_were_widened_are_narrowed(git_repo: MakeRepo) -> None:
    repo = git_repo()
    value = id_at(repo.path)
    id_file(repo).chmod(0o644)
    assert id_at(repo.path) == value
    assert id_file(repo).stat().st_mode & 0o777 == 0o600


def test_a_moved_repository_keeps_its_id(git_repo: MakeRepo, tmp_path: Path) -> None:
    repo = git_repo()
    value = id_at(repo.path)
    repo.path.rename(tmp_path / "moved")
    answer = repo_id(discover(str(tmp_path / "moved")))
    assert (answer.value, answer.fresh, answer.copied_from) == (value, False, None)
    record = json.loads((tmp_path / "moved/.git/bough/repo-id").read_text())
    assert record["path"] == os.path.realpath(tmp_path / "moved/.git")


def test_a_copy_gets_an_id_of_its_own_and_says_from_where_once(
    git_repo: MakeRepo, tmp_path: Path
) -> None:
    repo = git_repo()
    value = id_at(repo.path)
    shutil.copytree(repo.path, tmp_path / "copy", symlinks=True)
    copy = repo_id(discover(str(tmp_path / "copy")))
    assert copy.fresh
    assert copy.value != value
    assert copy.copied_from == str(repo.path / ".git")
    again = repo_id(discover(str(tmp_path / "copy")))
    assert (again.value, again.fresh, again.copied_from) == (copy.value, False, None)
    assert id_at(repo.path) == value


def test_a_place_taken_over_by_another_repository_does_not_make_this_one_a_copy(
    git_repo: MakeRepo, tmp_path: Path
) -> None:
    repo = git_repo()
    value = id_at(repo.path)
    repo.path.rename(tmp_path / "moved")
    other = git_repo()
    assert id_at(other.path) != value
    assert id_at(tmp_path / "moved") == value


def test_a_repository_restored_at_its_place_keeps_its_id(
    git_repo: MakeRepo, tmp_path: Path
) -> None:
    repo = git_repo()
    value = id_at(repo.path)
    shutil.copytree(repo.path, tmp_path / "backup", symlinks=True)
    shutil.rmtree(repo.path)
    shutil.copytree(tmp_path / "backup", repo.path, symlinks=True)
    assert id_at(repo.path) == value
    inode = json.loads(id_file(repo).read_text())["inode"]
    assert inode == os.stat(repo.path / ".git").st_ino


def test_a_place_that_cannot_be_looked_into_counts_as_still_there(
    git_repo: MakeRepo, tmp_path: Path
) -> None:
    repo = git_repo()
    id_at(repo.path)
    shutil.copytree(repo.path, tmp_path / "copy", symlinks=True)
    id_file(repo).unlink()
    id_file(repo).symlink_to("nowhere")
    assert repo_id(discover(str(tmp_path / "copy"))).copied_from == str(repo.path / ".git")


def test_a_hostile_path_survives_the_file(git_repo: MakeRepo) -> None:
    repo = git_repo(name="a\n\"b' \udce9")
    value = id_at(repo.path)
    assert repo_id(discover(str(repo.path))).fresh is False
    assert id_at(repo.path) == value


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b"\xff\xfe", b'{"id": "not-a-uuid"}', b'{"id": 1}', b"null"]
)
def test_a_damaged_file_is_an_error_not_a_new_repository(
    git_repo: MakeRepo, content: bytes
) -> None:
    repo = git_repo()
    id_at(repo.path)
    id_file(repo).write_bytes(content)
    with pytest.raises(IdentityError, match="is damaged") as error:
        id_at(repo.path)
    assert str(id_file(repo)) in error.value.hint
    assert id_file(repo).read_bytes() == content


def test_a_repository_that_may_not_be_written_has_no_id_and_says_so(git_repo: MakeRepo) -> None:
    repo = git_repo()
    here = discover(str(repo.path))
    (repo.path / ".git").chmod(0o500)

    def refusal() -> str:
        with pytest.raises(PlaceError) as error:
            repo_id(here)
        return error.value.message

    assert f"{repo.path}/.git/bough" in as_unprivileged_user(refusal)
    (repo.path / ".git").chmod(0o700)
    id_at(repo.path)
    id_file(repo).unlink()
    id_file(repo).parent.chmod(0o500)
    assert "cannot write" in as_unprivileged_user(refusal)


def test_a_link_is_refused_and_left_alone(git_repo: MakeRepo) -> None:
    repo, other = git_repo(), git_repo(name="other")
    id_at(repo.path)
    id_at(other.path)
    id_file(repo).unlink()
    id_file(repo).symlink_to(id_file(other))
    with pytest.raises(IdentityError, match="symbolic link"):
        id_at(repo.path)
    assert id_file(repo).is_symlink()


def test_what_is_no_file_is_refused(git_repo: MakeRepo) -> None:
    repo = git_repo()
    id_file(repo).parent.mkdir(mode=0o700)
    os.mkfifo(id_file(repo))
    with pytest.raises(IdentityError, match="not a regular file"):
        id_at(repo.path)


RACER = """
import sys
from bough.coordinator.places import PlaceError
from bough.hooks.identity import repo_id
from bough.hooks.repository import discover
repo = discover(sys.argv[1])
print("ready", flush=True)
sys.stdin.read()
print(repo_id(repo).value)
"""


def agreed(path: Path) -> set[str]:
    """The ids that six processes get which ask at the same moment."""
    argv = [sys.executable, "-P", "-c", RACER, str(path)]
    read_end, write_end = os.pipe()
    racers = [subprocess.Popen(argv, stdin=read_end, stdout=subprocess.PIPE) for _ in range(6)]
    os.close(read_end)
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == b"ready\n"
    os.close(write_end)
    outputs = [racer.communicate(timeout=60)[0] for racer in racers]
    assert [racer.returncode for racer in racers] == [0] * len(racers)
    return {output.decode().strip() for output in outputs}


def test_processes_that_need_an_id_at_once_agree(git_repo: MakeRepo) -> None:
    repo = git_repo()
    assert agreed(repo.path) == {id_at(repo.path)}


def test_processes_that_meet_a_copy_at_once_agree(git_repo: MakeRepo, tmp_path: Path) -> None:
    repo = git_repo()
    value = id_at(repo.path)
    shutil.copytree(repo.path, tmp_path / "copy", symlinks=True)
    found = agreed(tmp_path / "copy")
    assert found == {id_at(tmp_path / "copy")}
    assert found != {value}
