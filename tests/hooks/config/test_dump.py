"""The merged configuration as text: read again it means the same, and it knows its places."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bough.hooks.config.dump import as_json, as_yaml, trace
from bough.hooks.config.load import load
from bough.hooks.errors import ConfigError
from tests.hooks.planning import Files

BASE = """\
hooks:
  post-commit:
    jobs:
      - {name: a, run: base, env: {X: "1", Y: "2"}}
"""
MAIN = """\
extends: base.yml
hooks:
  post-commit:
    env: {}
    jobs:
      - name: a
        run: |
          one
          two # not a comment
      - {run: "1.10", tags: [x, "yes"], timeout: 5}
"""
LOCAL = """\
hooks: {post-commit: {jobs: [{name: a, env: {Y: 3}}]}}
coordinator: {max_parallel: 2}
"""
FILES = Files({"bough.yml": MAIN, "base.yml": BASE, "bough.local.yml": LOCAL})


def test_what_is_written_means_the_same() -> None:
    traced = trace(FILES)
    assert traced is not None
    for text in (as_yaml(traced.data), as_yaml(traced.data, traced.origin)):
        again = load(Files({"bough.yml": text}))
        original = load(FILES)
        assert again is not None
        assert original is not None
        assert again.merged == original.merged
        assert again.hooks == original.hooks
    assert json.loads(as_json(traced.data)) == traced.data


def test_every_value_has_the_place_that_it_was_last_set_at() -> None:
    traced = trace(FILES)
    assert traced is not None
    lines = [line.split("  # ") for line in as_yaml(traced.data, traced.origin).splitlines()]
    places = {line[0].strip(): line[-1] for line in lines if len(line) > 1}
    assert places["X: '1'"] == "base.yml:4:39"
    assert places["Y: '3'"] == "bough.local.yml:1:49"
    assert places["env: {}"] == "bough.yml:4:10"
    assert places["- name: a"] == "bough.local.yml:1:37"
    assert places["max_parallel: 2"] == "bough.local.yml:2:29"
    assert places["timeout: '5'"] == "bough.yml:10:50"
    sources = json.loads(as_json(traced.data, traced.origin))["sources"]
    assert sources["/hooks/post-commit/jobs/0/run"] == "bough.yml:7:14"
    assert sources["/hooks/post-commit/jobs/0/env/X"] == "base.yml:4:39"
    assert sources["/hooks/post-commit/jobs/1/tags/1"] == "bough.yml:10:33"


def test_without_files_there_is_nothing() -> None:
    assert trace(Files({})) is None


def test_an_empty_file_is_an_empty_mapping() -> None:
    traced = trace(Files({"bough.yml": ""}))
    assert traced is not None
    assert (as_yaml(traced.data), as_json(traced.data)) == ("{}\n", "{}\n")


def test_a_broken_file_is_an_error() -> None:
    with pytest.raises(ConfigError, match="unknown key"):
        trace(Files({"bough.yml": "hoks: {}"}))


PLAIN = st.recursive(
    st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(min_size=1), inner, max_size=4)
    ),
)


@given(st.dictionaries(st.text(min_size=1), PLAIN, max_size=4))
def test_any_data_survives(data: dict[str, Any]) -> None:
    for text in (as_yaml(data), as_yaml(data, lambda _way: "bough.yml:1:1")):
        assert yaml.safe_load(text) == data
    assert json.loads(as_json(data)) == data
