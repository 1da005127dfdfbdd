"""The small pure rules around a session: peaks, the door, when a client comes back, where it keeps its mark."""

from __future__ import annotations

import gc
import resource
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.frames import Close
from websockets.http11 import Response

from inbox_store.times import US
from realtime.door import Door, origin_allowed
from realtime.housekeeping import YOUNG, Freezer, raise_descriptor_limit
from realtime.limits import LiveLimits
from realtime.peaks import BIN_US, PeakMeter
from realtime.positions import FilePositions, Mark, MemoryPositions
from realtime.reconnect import Backoff, Verdict, retry_after_s, verdict


@given(st.lists(st.tuples(st.integers(0, 1_000), st.integers(0, 50)), max_size=60))
def test_each_bin_tells_its_highest_number_once(steps: list[tuple[int, int]]) -> None:
    """Whatever comes and goes, a bin's peak is the most that was seen in it; empty bins say nothing."""
    meter, at = PeakMeter(), BIN_US
    most: dict[int, int] = {}
    told: list[tuple[int, int]] = []
    for seconds, persons in steps:
        at += seconds * US
        most[at - at % BIN_US] = max(most.get(at - at % BIN_US, 0), persons)
        if ended := meter.seen(at, persons):
            told.append(ended)
    if last := meter.ended():
        told.append(last)

    assert {start: peak for start, peak in most.items() if peak} == dict(told)
    assert meter.ended() is None


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (None, True),
        ("https://oa.example.gov.cn", True),
        ("HTTPS://OA.EXAMPLE.GOV.CN", True),
        ("https://oa.example.gov.cn:8443", False),
        ("http://oa.example.gov.cn", False),
        ("https://oa.example.gov.cn.evil.example", False),
        ("null", False),
        ("", False),
    ],
)
def test_only_pages_of_listed_origins_may_connect(origin: str | None, allowed: bool) -> None:  # noqa: FBT001
    """Scheme, host and port must agree; programs send no origin."""
    assert allowed == origin_allowed(origin, frozenset({"https://oa.example.gov.cn"}))


def test_the_door_counts_and_turns_away() -> None:
    """In all, per address, and of those who have not said who they are; and everybody while it is shut."""
    door = Door(["https://a/"], LiveLimits(sessions_max=3, sessions_per_address_max=2))
    door.enter("10.0.0.1")
    door.enter("10.0.0.1")

    assert "full_for_address" == door.refusal("https://a", "10.0.0.1")
    assert door.refusal("https://a", "10.0.0.2") is None
    assert "foreign_origin" == door.refusal("https://b", "10.0.0.2")
    door.enter("10.0.0.2")
    assert "full" == door.refusal(None, "10.0.0.3")
    door.leave("10.0.0.2")
    assert door.refusal(None, "10.0.0.3") is None
    door.shut = True
    assert "draining" == door.refusal(None, "10.0.0.3")


def test_strangers_cannot_take_all_places() -> None:
    """When too many have not been admitted yet, the next one waits outside."""
    door = Door([], LiveLimits(greeting_max=1))
    door.enter("10.0.0.1")

    assert "full" == door.refusal(None, "10.0.0.2")
    door.known()
    assert door.refusal(None, "10.0.0.2") is None


def closed_with(code: int) -> ConnectionClosedError:
    """What a client sees when the server closes with this code."""
    return ConnectionClosedError(Close(code, ""), None)


def answered(status: int, **headers: str) -> InvalidStatus:
    """What a client sees when the server refuses the upgrade."""
    return InvalidStatus(Response(status, "", Headers(headers)))


@pytest.mark.parametrize(
    ("why", "means"),
    [
        (closed_with(1012), "again"),
        (closed_with(1013), "again"),
        (closed_with(4401), "denied"),
        (closed_with(4409), "replaced"),
        (ConnectionClosedError(None, None), "again"),
        (answered(403), "refused"),
        (answered(404), "refused"),
        (answered(503), "again"),
        (OSError("refused"), "again"),
        (TimeoutError(), "again"),
    ],
)
def test_what_the_end_of_a_connection_means(why: Exception, means: Verdict) -> None:
    """A client comes back unless coming back cannot help."""
    assert means == verdict(why)


def test_a_full_server_says_how_long_to_wait() -> None:
    """Its answer's Retry-After is heeded; dates and nonsense are not."""
    told = [answered(503, **{"Retry-After": "5"}), answered(503, **{"Retry-After": "soon"}), OSError()]

    assert [5, 0, 0] == [retry_after_s(why) for why in told]


@given(st.integers(0, 10_000), st.floats(0, 1, exclude_max=True))
def test_pauses_grow_and_stay_within_their_bounds(attempt: int, chance: float) -> None:
    """From a quarter of a second to half a minute; never zero, never more, whatever the attempt."""
    backoff = Backoff(first_s=0.5, max_s=30)

    assert 0.25 <= backoff.pause_s(attempt, chance) <= 30
    assert backoff.pause_s(attempt, chance) <= backoff.pause_s(attempt + 1, chance)


MARK = Mark(epoch="e", position=7, acked=5)


def test_marks_of_several_inboxes_share_a_file(tmp_path: Path) -> None:
    """Each key has its own; a fresh start reads what the last one kept."""
    path = tmp_path / "state" / "live.json"
    FilePositions(path, "one").save(MARK)
    FilePositions(path, "two").save(Mark(epoch="e", position=9, acked=9))

    assert MARK == FilePositions(path, "one").load()
    assert FilePositions(path, "three").load() is None
    assert [path] == list(path.parent.iterdir())


def test_a_broken_file_counts_as_none(tmp_path: Path) -> None:
    """The session then begins at the present, and the next mark mends the file."""
    path = tmp_path / "live.json"
    path.write_text("{", encoding="utf-8")
    positions = FilePositions(path, "one")

    assert positions.load() is None
    positions.save(MARK)
    assert MARK == positions.load()


def test_memory_keeps_the_last_mark() -> None:
    """As long as the process lives."""
    positions = MemoryPositions()
    positions.save(MARK)

    assert MARK == positions.load()


def test_the_descriptor_limit_is_raised_as_far_as_it_goes() -> None:
    """Never lowered, never above the hard limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    ceiling = hard if hard != resource.RLIM_INFINITY else soft + 10
    try:
        assert soft == raise_descriptor_limit(1)
        assert max(soft, ceiling) == raise_descriptor_limit(ceiling)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_the_collector_is_left_as_it_was_found() -> None:
    """It looks at the young seldom once sessions stand, and everything is given back when the server stops."""
    before = gc.get_threshold()
    freezer = Freezer(freeze_every=2)
    try:
        freezer.came()
        assert before == gc.get_threshold()
        freezer.came()
        assert (YOUNG, *before[1:]) == gc.get_threshold()
        assert gc.get_freeze_count()
    finally:
        freezer.thaw()

    assert before == gc.get_threshold()
    assert not gc.get_freeze_count()
