"""Graphs: every job once, every edge, and no name that breaks out of its label."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bough.worktree.cli.drawing import Box, as_dot, as_mermaid, as_tree

BOXES = [
    Box(name="install", notes=("2.1s",), critical=True),
    Box(name="settings"),
    Box(name="build", after=("install",), below="install", background=True, critical=True),
    Box(name="lint", after=("install", "settings"), below="install"),
    Box(name="docs", after=("lint",), below="lint", skipped="only: not on branch main"),
]


def test_a_tree_has_each_job_below_the_last_it_waits_for() -> None:
    assert as_tree("pre-push", BOXES).splitlines() == [
        "pre-push",
        "├─ install *  (2.1s)",
        "│  ├─ build *  (background)",
        "│  └─ lint  (also after settings)",
        "│     └─ docs  (skipped: only: not on branch main)",
        "└─ settings",
    ]


def test_a_graph_for_mermaid() -> None:
    assert as_mermaid("pre-push", BOXES).splitlines()[2:-2] == [
        "---",
        "flowchart TD",
        '    job1["install<br>2.1s"]:::critical',
        '    job2["settings"]',
        '    job3(["build<br>background"]):::critical',
        '    job4["lint"]',
        '    job5["docs<br>skipped: only: not on branch main"]:::skipped',
        "    job1 --> job3",
        "    job1 --> job4",
        "    job2 --> job4",
        "    job4 -.-> job5",
    ]


def test_a_graph_for_graphviz() -> None:
    assert as_dot("pre-push", BOXES).splitlines() == [
        'digraph "pre-push" {',
        "  node [shape=box];",
        '  job1 [label="install\\n2.1s", style="bold"];',
        '  job2 [label="settings"];',
        '  job3 [label="build\\nbackground", style="rounded,bold"];',
        '  job4 [label="lint"];',
        '  job5 [label="docs\\nskipped: only: not on branch main", style="dashed"];',
        "  job1 -> job3;",
        "  job1 -> job4;",
        "  job2 -> job4;",
        "  job4 -> job5 [style=dashed];",
        "}",
    ]


@pytest.mark.parametrize("draw", [as_tree, as_mermaid, as_dot])
def test_without_jobs_there_is_a_frame(draw: object) -> None:
    assert callable(draw)
    assert "pre-push" in draw("pre-push", [])


def test_a_long_chain_is_drawn() -> None:
    chain = [Box(name="0")]
    chain += [Box(name=str(n), after=(str(n - 1),), below=str(n - 1)) for n in range(1, 3000)]
    assert len(as_tree("x", chain).splitlines()) == 3001


@given(st.text(min_size=1, max_size=30))
def test_no_name_breaks_out_of_its_label(name: str) -> None:
    boxes = [Box(name=name)]
    assert len(as_tree("x", boxes).splitlines()) == 2
    (line,) = as_mermaid("x", boxes).splitlines()[4:-2]
    assert re.fullmatch(r'    job1\["[^"\[\]<>]*"\]', line)
    line = as_dot("x", boxes).splitlines()[2]
    assert re.fullmatch(r'  job1 \[label="(?:[^"\\]|\\.)*"\];', line)
