"""Masking a byte stream: however it is cut, as if it had come whole, and no byte too late."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bough.coordinator.logs.masker import Masker
from bough.coordinator.secrets import mask_text

SECRET = b"hunter2-hunter2"


def masked(chunks: list[bytes], secrets: list[bytes]) -> bytes:
    masker = Masker(secrets)
    return b"".join(map(masker.feed, chunks)) + masker.flush()


def reference(whole: bytes, secrets: list[bytes]) -> bytes:
    """The definition that stored texts use, byte for byte."""
    texts = [secret.decode("latin-1") for secret in secrets]
    return mask_text(whole.decode("latin-1"), texts).encode("latin-1")


fragments = st.one_of(
    st.binary(max_size=4),
    st.sampled_from([b"aab", b"abaab", b"aabaab", b"b\na", b"a", b"b", b"\n", b"ab" * 6]),
)
secret_lists = st.lists(
    st.one_of(st.binary(min_size=1, max_size=4), st.sampled_from([b"aabaab", b"abaaba", b"b\na"])),
    max_size=4,
)


@given(chunks=st.lists(fragments, max_size=20), secrets=secret_lists)
def test_the_output_is_the_masking_of_the_whole_for_any_split(
    chunks: list[bytes], secrets: list[bytes]
) -> None:
    assert masked(chunks, secrets) == reference(b"".join(chunks), secrets)


@given(data=st.lists(fragments, max_size=8).map(b"".join), secrets=secret_lists)
def test_byte_by_byte_is_no_different(data: bytes, secrets: list[bytes]) -> None:
    chunks = [data[at : at + 1] for at in range(len(data))]
    assert masked(chunks, secrets) == reference(data, secrets)


@pytest.mark.parametrize("cut", range(len(SECRET) + 1))
def test_a_secret_cut_anywhere_does_not_leak(cut: int) -> None:
    masker = Masker([SECRET])
    out = masker.feed(b"a " + SECRET[:cut])
    assert out == (b"a ***" if cut == len(SECRET) else b"a ")
    assert out + masker.feed(SECRET[cut:] + b" z") == b"a *** z"


def test_only_what_may_become_a_secret_is_held_back() -> None:
    masker = Masker([b"abcdef"])
    assert masker.feed(b"xyzabc") == b"xyz"
    assert masker.feed(b"x") == b"abcx"
    assert masker.feed(b"ababc") == b"ab"
    assert masker.flush() == b"abc"


def test_without_secrets_the_very_chunk_comes_back() -> None:
    chunk = b"anything"
    assert Masker([]).feed(chunk) is chunk
    assert Masker([b""]).feed(chunk) is chunk


def test_a_secret_over_several_lines_is_masked_as_a_whole() -> None:
    secret = b"-----BEGIN-----\nMIIB\n-----END-----\n"
    assert masked([b"key:\n-----BEG", b"IN-----\nMIIB\n--", b"---END-----\nok\n"], [secret]) == (
        b"key:\n***ok\n"
    )


def test_a_longer_secret_that_does_not_come_releases_the_shorter_one_masked() -> None:
    assert masked([b"abcdef", b"gX"], [b"abcdef", b"abcdefgh"]) == b"***gX"


def test_overlapping_secrets_over_reads_leave_no_rest_of_either() -> None:
    assert masked([b"user:passw0rd", b"@host."], [b"user:passw0rd", b"passw0rd@host"]) == b"***."


def test_a_masker_can_be_used_again_after_the_stream_ended() -> None:
    masker = Masker([b"abcdef"])
    masker.feed(b"abc")
    assert masker.flush() == b"abc"
    assert masker.flush() == b""
    assert masker.feed(b"def\n") == b"def\n"
