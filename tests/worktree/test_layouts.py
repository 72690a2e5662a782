"""Layouts: where worktrees go, and templates that cannot be meant."""

from __future__ import annotations

import os.path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bough.coordinator.errors import Exit, UsageError
from bough.worktree.layouts import LAYOUTS, chosen_layout, worktree_path


def path(layout: str, branch: str = "feature/x", *, distinct: bool = False) -> str:
    return worktree_path(
        layout,
        repo_name="app",
        repo_path="/home/me/app",
        branch=branch,
        data_dir="/data",
        distinct=distinct,
    )


@pytest.mark.parametrize(
    ("layout", "expected"),
    [
        ("sibling", "/home/me/app.feature-x"),
        ("contained", "/home/me/app/feature/x"),
        ("contained-flat", "/home/me/app/feature-x"),
        ("nested", "/home/me/app/.worktrees/feature-x"),
        ("centralized", "/data/worktrees/app/feature-x"),
        ("../{repo}-{branch_slug}", "/home/me/app-feature-x"),
        ("/wt/{repo}/{branch}", "/wt/app/feature/x"),
        ("{repo_path}.d/{branch_slug}/", "/home/me/app.d/feature-x"),
        ("./{branch}", "/home/me/app/feature/x"),
    ],
)
def test_a_layout_says_where_a_branch_goes(layout: str, expected: str) -> None:
    assert path(layout) == expected


def test_values_are_inserted_once() -> None:
    assert path("/wt/{branch}", "{repo}/{branch_slug}") == "/wt/{repo}/{branch_slug}"


def test_a_distinct_path_differs_in_its_slug() -> None:
    assert path("sibling", distinct=True).startswith("/home/me/app.feature-x-")


@pytest.mark.parametrize(
    ("layout", "message", "hint"),
    [
        ("siblings", "there is no layout 'siblings'", "Did you mean sibling?"),
        ("xyz", "there is no layout 'xyz'", "centralized"),
        ("", "there is no layout ''", "contained-flat"),
        ("/wt/{brnch}", "contains {brnch}", "{branch_slug}"),
        ("/wt/{branch}/{data_dir}", "contains {data_dir}", "{repo}"),
        ("/wt/{branch", "contains a brace of its own", "{branch}"),
        ("/wt/}{branch}", "contains a brace of its own", "{branch}"),
        ("/wt/{{branch}}", "contains a brace of its own", "{branch}"),
        ("/wt/{repo}/", "the same folder", "'/wt/{repo}/{branch_slug}'"),
    ],
)
def test_a_layout_that_cannot_be_meant_is_a_usage_error(
    layout: str, message: str, hint: str
) -> None:
    with pytest.raises(UsageError) as error:
        path(layout)
    assert message in error.value.message
    assert hint in error.value.hint
    assert error.value.exit == Exit.USAGE


@pytest.mark.parametrize(
    ("flag", "git_config", "trusted", "user", "expected"),
    [
        ("a", "b", "c", "d", "a"),
        (None, "b", "c", "d", "b"),
        (None, None, "c", "d", "c"),
        (None, "", None, "d", "d"),
        (None, None, None, None, "sibling"),
    ],
)
def test_the_nearest_to_the_person_decides(
    flag: str | None, git_config: str | None, trusted: str | None, user: str | None, expected: str
) -> None:
    chosen = chosen_layout(
        flag=flag, git_config=git_config, trusted_config=trusted, user_config=user
    )
    assert chosen == expected


@given(st.sampled_from([name for name in LAYOUTS if name != "contained"]), st.text(max_size=80))
def test_no_branch_leads_out_of_a_layouts_folder(layout: str, branch: str) -> None:
    somewhere = os.path.dirname(path(layout))
    assert os.path.dirname(path(layout, branch)) == somewhere
