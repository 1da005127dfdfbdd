"""Carriers that throttle, refuse, answer in halves, fall silent or die: only what failed goes again (faults.md 20, 21)."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.faults.proxy import Proxy
from tests.faults.sms_carriers import carrier
from tests.faults.sms_world import FOUR, LONG, SOURCE, SmsWorld, sms_world, world_channel

FAILOVER_S: Final = 5.0
"""What waits for a dead channel leaves by another within so long."""

MOODY: Final = """
[answers]
throttle = 0.1
refuse = 0.02
[delays]
report = [1, 20]
"""


@contextmanager
def proxied(port: int) -> Iterator[Proxy]:
    """A bad line before a port, in a loop of its own; its faults may be switched from here."""
    proxy, ready, over = Proxy(port), threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def stand() -> None:
        async with proxy:
            ready.set()
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=[stand()])
    thread.start()
    try:
        assert ready.wait(10)
        yield proxy
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
        loop.close()


def watched(world: SmsWorld) -> None:
    """Wait for the end, and look all the time that no channel has more under way than its window holds."""
    most = Counter[str]()

    def looked() -> bool:
        for name, count in Counter(world.sending().values()).items():
            most[name] = max(most[name], count)
        return world.all_left()

    world.until(looked, "all has left", 60)
    # The segments of one message leave together: the last may be one more than there was room for.
    assert all(count <= world.capacity[name] + 1 for name, count in most.items()), most
    world.until_quiet()


def test_only_what_failed_is_sent_again(tmp_path: Path) -> None:
    """Two segments each, byte by byte over a slow line, one in ten throttled: each taken once, the window kept (20)."""
    with sms_world(tmp_path, 10, ("cmpp3",), MOODY) as world, proxied(world.port("cmpp3")) as line:
        line.down.slice_bytes, line.down.latency_s = 7, 0.005
        world.channels([world_channel(world, "cmpp3", line.port, window=8, rate_per_s=400)])
        with world.serving() as server:
            world.hand_in(server, 2, **LONG)
            watched(world)
            server.stop()
        ((returned,),) = world.rows_in("select count(*) from sms_attempt where state = 'returned'")
        assert returned > 0
        again = world.rows_in(
            "select count(*) from sms_attempt a where a.state = 'accepted' group by a.order_id, a.segment_no having count(*) > 1"
        )
        assert again == []
        assert world.states()["delivered"] > 0
        assert world.states().keys() <= {"delivered", "failed"}
        world.check()


def test_a_message_longer_than_the_room_leaves_whole(tmp_path: Path) -> None:
    """Two segments where one slot is free, with ids that are ours: both are sent under ids of their own (SGIP)."""
    with sms_world(tmp_path, 5, ("sgip",), window=1) as world:
        with world.serving() as server:
            world.hand_in(server, 1, **LONG)
            world.until_quiet()
            server.stop()
            assert "Traceback" not in server.said(), server.said()[-4000:]
        assert world.states() == {"delivered": 15}
        assert world.accepted() == 30
        world.check()


@pytest.mark.long
def test_half_an_answer_is_none(tmp_path: Path) -> None:
    """A connection that breaks in the middle of its answers: what is open is in doubt, the rest goes over the next one (20)."""
    with sms_world(tmp_path, 20, ("cmpp3",)) as world, proxied(world.port("cmpp3")) as line:
        line.down.reset_after_bytes = 30 + 39 + 20  # the log-in, one answer, and a part of the next
        world.channels([world_channel(world, "cmpp3", line.port)])
        with world.serving() as server:
            world.hand_in(server, 2)
            world.until(lambda: world.states()["in_doubt"] > 0, "the line breaks")
            line.heal()
            world.until_quiet()
            server.stop()
        doubtful = world.states()["in_doubt"]
        assert 0 < doubtful <= world.capacity["cmpp3"]
        settled = world.check()
        assert 0 < settled <= doubtful
        assert world.states()["in_doubt"] == doubtful - settled


def two_channels(world: SmsWorld, first: int, second: int) -> None:
    """Two accounts for everybody's numbers, at these ports."""
    world.channels(
        [
            world_channel(world, "cmpp3", first, name="first", rate_per_s=200),
            world_channel(world, "cmpp3", second, name="second", rate_per_s=200, source=f"{SOURCE}9"),
        ]
    )


def test_what_waits_for_a_dead_carrier_goes_by_another(tmp_path: Path) -> None:
    """Killed in the middle: what waits leaves by the other channel within 5 s, what is in doubt by none."""
    with sms_world(tmp_path, 40, ("cmpp3",)) as world:
        world.carriers["other"] = carrier(tmp_path, {"cmpp": 0}, name="other")
        two_channels(world, world.port("cmpp3"), world.port("cmpp3", "other"))
        with world.serving() as server:
            world.hand_in(server, 3)
            world.until_accepted(60, server)
            world.carriers["carrier"].kill()
            took_s = world.until(lambda: world.states()["waiting"] == 0, "nothing waits", FAILOVER_S)
            sys.stdout.write(f"\nall left by the other channel {took_s:.1f} s after the first died\n")
            world.until_quiet()
            server.stop()
        assert world.states()["in_doubt"] <= world.capacity["first"]
        world.check(counted=False)


@pytest.mark.long
def test_what_waits_for_a_dead_line_goes_by_another(tmp_path: Path) -> None:
    """Nothing comes back and nobody is told: at most a window is stuck there, all that waits leaves by the other channel."""
    with sms_world(tmp_path, 40, ("cmpp3",)) as world, proxied(world.port("cmpp3")) as line:
        world.carriers["other"] = carrier(tmp_path, {"cmpp": 0}, name="other")
        two_channels(world, line.port, world.port("cmpp3", "other"))
        with world.serving() as server:
            world.hand_in(server, 3)
            world.until_accepted(60, server)
            line.up.hole = line.down.hole = True
            world.until(lambda: world.states()["waiting"] == 0, "nothing waits", FAILOVER_S)
            world.until(lambda: set(world.sending().values()) <= {"first"}, "only the dead line's is open", 5)
            assert 0 < len(world.sending()) <= world.capacity["first"]
            server.kill()
        world.died()
        line.heal()
        with world.serving() as server:
            world.until_quiet()
            server.stop()
        world.check()


def test_equal_channels_share_what_comes_in_bursts(tmp_path: Path) -> None:
    """However often they found nothing to take in between: of three alike each takes about a third."""
    with sms_world(tmp_path, 40, FOUR[:3]) as world:
        with world.serving() as server:
            for _ in range(5):
                world.hand_in(server, 2)
                world.until(world.all_left, "all has left")
            server.stop()
        shares = dict(world.rows_in("select channel, count(*) from sms_attempt group by channel"))
        assert all(count > sum(shares.values()) * 0.25 for count in shares.values()), shares
        assert len(shares) == 3


@pytest.mark.long
def test_a_carrier_that_comes_back_is_used_again(tmp_path: Path) -> None:
    """Dead from the beginning, then there: nothing left for it meanwhile, nothing is in doubt, and it gets its share (20)."""
    with sms_world(tmp_path, 20, ("cmpp3",)) as world:
        first = world.carriers["carrier"]
        world.carriers["other"] = carrier(tmp_path, {"cmpp": 0}, name="other")
        two_channels(world, world.port("cmpp3"), world.port("cmpp3", "other"))
        first.kill()
        with world.serving() as server:
            world.hand_in(server, 1)
            world.until_quiet()
            first = world.carriers["carrier"] = first.restart()
            ends = time.monotonic() + 60
            while not first.accepted():
                assert time.monotonic() < ends, "the first is used again"
                world.hand_in(server, 1)
                world.until(world.all_left, "all has left")
            world.until_quiet()
            server.stop()
        assert set(world.states()) == {"delivered"}
        world.check(counted=False)


@pytest.mark.long
@pytest.mark.timeout(200)
def test_a_line_that_fell_silent_is_noticed(tmp_path: Path) -> None:
    """No FIN, no RST, no byte: the heartbeat ends the connection within its time, and the next one goes on (21)."""
    with sms_world(tmp_path, 20, ("cmpp3",)) as world, proxied(world.port("cmpp3")) as line:
        world.channels([world_channel(world, "cmpp3", line.port)])
        with world.serving() as server:
            world.hand_in(server, 1)
            world.until_quiet()
            line.up.hole = line.down.hole = True
            began = time.monotonic()
            world.begin(1)
            world.try_to_finish(server)
            world.until(lambda: "why=silent" in server.said(), "the silence is noticed", 90)
            sys.stdout.write(f"\nnoticed after {time.monotonic() - began:.0f} s\n")
            line.heal()
            world.until_quiet()
            server.stop()
        assert 0 < world.states()["in_doubt"] <= world.capacity["cmpp3"]
        world.check()
