"""Frames without a mask are caught however the bytes are cut, and nothing else is touched."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from realtime.masks import REFUSED, MaskedOnly
from tests.realtime.raw_client import masked

FRAMES = st.lists(
    st.sampled_from([0, 1, 125, 126, 200, 65_535, 65_536]).map(lambda n: masked(b"x" * n)), max_size=3
)
CUTS = st.lists(st.integers(1, 80_000), max_size=30)


class Behind:
    """What the reader behind is given."""

    def __init__(self) -> None:
        self.got = b""
        self.ended = False

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """Keep it."""
        self.got += data
        return False, b""

    def feed_eof(self) -> None:
        """The end."""
        self.ended = True


def fed(data: bytes, cuts: list[int]) -> bytes:
    """What comes through when the bytes come in pieces of these sizes, and then one by one."""
    behind = Behind()
    reader = MaskedOnly(behind)
    for size in cuts:
        reader.feed_data(data[:size])
        data = data[size:]
    for start in range(0, len(data), 997):
        reader.feed_data(data[start : start + 997])
    return behind.got


@settings(max_examples=40)
@given(FRAMES, CUTS)
def test_masked_frames_pass_unchanged(frames: list[bytes], cuts: list[int]) -> None:
    """Whatever their length and however they are cut."""
    data = b"".join(frames)
    assert fed(data, cuts) == data


@settings(max_examples=40)
@given(
    FRAMES,
    CUTS,
    st.sampled_from([b"\x81\x00", b"\x89\x02hi", b"\x88\x7e\x01\x00", b"\x81\x7f"]),
    st.binary(max_size=300),
)
def test_a_frame_without_a_mask_ends_the_stream(
    frames: list[bytes], cuts: list[int], naked: bytes, more: bytes
) -> None:
    """What stands before it passes, in its place comes a head that every reader refuses, and nothing after it."""
    data = b"".join(frames)
    assert fed(data + naked + more, cuts) == data + REFUSED


def test_one_byte_at_a_time_and_the_end() -> None:
    """A head cut in its middle is kept back and passes whole; the end is passed on."""
    behind = Behind()
    reader = MaskedOnly(behind)
    data = masked(b"x" * 200) + masked(b"")
    for one in data:
        reader.feed_data(bytes((one,)))
    reader.feed_eof()
    assert (behind.got, behind.ended) == (data, True)
