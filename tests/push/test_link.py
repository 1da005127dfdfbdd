"""A channel on real sockets: outcomes, order, reconnecting, resting, stopping."""

from __future__ import annotations

import asyncio
from contextlib import closing, suppress

import pytest

from push.sms.breaker import BreakerRules
from push.sms.bucket import Pace
from push.sms.carrier import SubmitAnswer
from push.sms.happenings import InDoubt, SessionRules
from push.sms.listener import ListenerLimits
from push.sms.ports import LinkLimits, LinkState, NotSent
from tests.push.gateway_world import FAST, QUICKLY, WAIT_S, Gateway, House, Outcomes, linked, serving, until
from tests.push.tiny_dialect import RestingClient, RestingServer, segment

UP = LinkState(up=True, why="up")
QUICK = SessionRules(idle_s=0.02, probe_timeout_s=0.02, misses_max=2)
"""A peer that probes all the time, and is soon out of patience."""


async def test_a_submit_and_its_report() -> None:
    """The answer comes back with its id; the report is answered when the store has it."""
    house, gateway = House(), Gateway()
    async with serving(gateway), linked(house, gateway.listener.port) as link:
        await until(lambda: link.state.up)
        assert link.free == 4
        answer = await link.submit(segment("one"))
        assert isinstance(answer, SubmitAnswer)
        assert (answer.verdict, answer.message_id) == ("accepted", "id-one")
        house.shut.clear()
        gateway.report("id-one")
        await until(lambda: house.batches == [1])
        assert gateway.told == []
        house.shut.set()
        await until(lambda: len(gateway.told) == 1)
    assert house.states == [UP, LinkState(up=False, why="stopped")]


async def test_what_cannot_be_stored_is_not_answered() -> None:
    """Of several that came together only the one that brought the fault about stays unanswered."""
    house, gateway = House(), Gateway()
    house.poison = b"poison"
    async with serving(gateway), linked(house, gateway.listener.port) as link:
        await until(lambda: link.state.up)
        house.shut.clear()
        gateway.reply("first")
        await until(lambda: house.batches == [1])
        for text in ("a", "poison", "b"):
            gateway.reply(text)
        await asyncio.sleep(0)
        house.shut.set()
        await until(lambda: len(gateway.told) == 3)
        assert [one.token for one in gateway.told] == ["first", "a", "b"]
        assert gateway.caller.session.open == 1


async def test_segments_of_a_message_go_back_to_back_over_one_connection() -> None:
    """With two connections and a window smaller than the message, among others' segments."""
    house, gateway, limits = House(), Gateway(), LinkLimits(session=FAST, connections=2, pace=QUICKLY)
    async with serving(gateway), linked(house, gateway.listener.port, limits) as link:
        await until(lambda: len(gateway.listener.callers) == 2 and link.free == 8)
        messages = [[f"{name}{number}" for number in range(9)] for name in "abcdef"]
        found = await asyncio.gather(*(link.submit_all([segment(t) for t in texts]) for texts in messages))
    assert [[one.message_id for one in row if isinstance(one, SubmitAnswer)] for row in found] == [
        [f"id-{text}" for text in texts] for texts in messages
    ]
    lines = {caller: [text for who, text in gateway.texts if who is caller] for caller, _ in gateway.texts}
    assert len(lines) == 2
    heard = [line[start : start + 9] for line in lines.values() for start in range(0, len(line), 9)]
    assert sorted(heard) == messages


async def test_a_full_window_makes_others_wait() -> None:
    """Four are open, the fifth leaves when one is answered; the peer's probes are answered all the while."""
    house, gateway, done = House(), Gateway(ListenerLimits(session=QUICK)), Outcomes()
    gateway.code = None
    async with serving(gateway), linked(house, gateway.listener.port) as link:
        await until(lambda: link.state.up)
        for number in range(6):
            link.post([segment(str(number))], done)
        await until(lambda: len(gateway.asked) == 4)
        assert link.free == 0
        session = gateway.caller.session
        await until(lambda: session.counts["heartbeats"] >= 5)
        for asked in range(6):
            await until(lambda asked=asked: len(gateway.asked) > asked)  # type: ignore[misc]
            caller, what = gateway.asked[asked]
            caller.answer(what, "id", 0)
        await until(lambda: len(done.all) == 6)
    assert [text for _, text in gateway.texts] == list("012345")


async def test_a_broken_connection() -> None:
    """What is open is in doubt, the rest of its message never left, what waits goes over the next connection."""
    house, gateway, done = House(), Gateway(), Outcomes()
    gateway.code = None
    async with serving(gateway), linked(house, gateway.listener.port) as link:
        await until(lambda: link.state.up)
        link.post([segment(str(number)) for number in range(6)], done, "long")
        await until(lambda: len(gateway.asked) == 4)
        gateway.caller.wire.cut()
        await until(lambda: bool(done.all))
        doubt = InDoubt("long", "lost", "")
        left_over = NotSent("left_over", "connection ended")
        assert done.all == [[doubt, doubt, doubt, doubt, left_over, left_over]]
        gateway.code = 0
        await until(lambda: link.state.up and len(gateway.listener.callers) == 1)
        assert isinstance(await link.submit(segment("again")), SubmitAnswer)
    assert [state.why for state in house.states] == ["up", "lost", "up", "stopped"]
    assert house.pauses == [0.75]


async def test_what_waits_for_a_channel_that_is_down_is_given_back() -> None:
    """So that another channel sends it at once; nothing of it left."""
    house, gateway, done = House(), Gateway(), Outcomes()
    gateway.code = None
    async with serving(gateway), linked(house, gateway.listener.port) as link:
        assert await link.submit(segment("early")) == NotSent("down", "connecting")
        await until(lambda: link.state.up)
        for number in range(5):
            link.post([segment(str(number))], done, number)
        await until(lambda: len(gateway.asked) == 4)
        gateway.refusal = 9
        gateway.caller.wire.cut()
        await until(lambda: len(done.all) == 5)
        assert done.all[4] == [NotSent("down", "lost")]
        await until(lambda: link.state.why == "refused")
        assert await link.submit(segment("x")) == NotSent("down", "登录被拒绝（9）")


async def test_a_refusal_with_an_alarm_waits_a_minute() -> None:
    """Trying again soon would lock the account; the operator hears of it."""
    house, gateway = House(), Gateway()
    gateway.refusal = 3
    async with serving(gateway), linked(house, gateway.listener.port) as link:
        await until(lambda: len(house.pauses) >= 2)
        assert link.state.alarm
    assert all(60 <= pause <= 90 for pause in house.pauses)


async def test_an_unreachable_gateway_is_tried_for_ever_and_more_slowly() -> None:
    """1 s doubling to a minute."""
    house, gateway = House(), Gateway()
    async with serving(gateway):
        port = gateway.listener.port
    async with linked(house, port) as link:
        await until(lambda: len(house.pauses) >= 8)
        assert link.state.why == "unreachable"
    assert house.pauses[:8] == [1.5, 3, 6, 12, 24, 45, 45, 45]


async def test_a_late_answer_is_told() -> None:
    """After the doubt, with its token and number."""
    house, gateway = House(), Gateway()
    gateway.code = None
    limits = LinkLimits(session=SessionRules(answer_timeout_s=0.05))
    async with serving(gateway), linked(house, gateway.listener.port, limits) as link:
        await until(lambda: link.state.up)
        assert await link.submit(segment("slow"), "token") == InDoubt("token", "timeout", "")
        caller, asked = gateway.asked[0]
        caller.answer(asked, "id", 0)
        await until(lambda: house.late == [("token", 0, "0")])


async def test_a_peer_that_is_silent_is_given_up() -> None:
    """A connection that brings nothing, though nobody closes it, is dead after the probes (faults 21)."""
    house, said = House(), bytearray()

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A connection that the link gives up before it said hello is closed like the others.
        with closing(writer), suppress(asyncio.IncompleteReadError, ConnectionError):
            said.extend(await reader.readexactly(13))
            writer.write(b"\0\0\0\x08W" + bytes(said[5:7]) + b"\0")
            said.extend(await reader.read())

    server = await asyncio.start_server(mute, "127.0.0.1", 0)
    async with server, linked(house, server.sockets[0].getsockname()[1], LinkLimits(session=QUICK)):
        await until(lambda: any(state.why == "silent" for state in house.states))
        await until(lambda: said.count(b"P") >= 2)


async def test_a_message_the_protocol_cannot_carry() -> None:
    """The segment is named, the ones behind it do not leave, other messages do."""
    house, gateway = House(), Gateway()
    async with serving(gateway), linked(house, gateway.listener.port) as link:
        await until(lambda: link.state.up)
        found = await link.submit_all([segment("a"), segment("x" * 101), segment("c")])
        assert isinstance(found[0], SubmitAnswer)
        assert found[1:] == [
            NotSent("unsendable", "content: too long"),
            NotSent("left_over", "content: too long"),
        ]
        assert isinstance(await link.submit(segment("b")), SubmitAnswer)
        assert link.free == 4


async def test_throttling_slows_the_channel_down() -> None:
    """The answer is told, the rate falls."""
    house, gateway = House(), Gateway()
    limits = LinkLimits(session=FAST, pace=Pace(rate_per_s=50, burst_s=1))
    async with serving(gateway), linked(house, gateway.listener.port, limits) as link:
        await until(lambda: link.state.up)
        gateway.code = 8
        answer = await link.submit(segment("a"))
        assert isinstance(answer, SubmitAnswer)
        assert answer.verdict == "throttled"
        assert (link.rate_per_s, link.throttles) == (40, 1)
        gateway.code = 0
        assert isinstance(await link.submit(segment("b")), SubmitAnswer)


async def test_the_breaker_holds_the_channel() -> None:
    """A wrong account stops it with an alarm; after the pause one segment is tried, and all is well."""
    house, gateway = House(), Gateway()
    limits = LinkLimits(session=FAST, breaker=BreakerRules(open_s=0.05))
    async with serving(gateway), linked(house, gateway.listener.port, limits) as link:
        await until(lambda: link.state.up)
        gateway.code = 1
        await link.submit(segment("a"))
        assert link.state == LinkState(up=False, why="circuit_open", note="misconfigured", alarm=True)
        assert await link.submit(segment("b")) == NotSent("circuit_open", "misconfigured")
        gateway.code = 0
        await until(lambda: link.state.up)
        found = await asyncio.gather(*(link.submit(segment(str(number))) for number in range(5)))
        assert all(isinstance(one, SubmitAnswer) for one in found)
    assert [state.why for state in house.states] == ["up", "circuit_open", "up", "stopped"]


async def test_without_a_heartbeat_it_rests_and_comes_back_on_demand() -> None:
    """Idle, it ends in order, which is no fault; the next message brings it back, also where the peer hung up."""
    house, gateway = House(), Gateway(server=RestingServer)
    limits = LinkLimits(session=SessionRules(rest_s=0.05, settle_s=1e-6))
    async with (
        serving(gateway),
        linked(house, gateway.listener.port, limits, client=RestingClient) as link,
    ):
        await until(lambda: [end.why for end in gateway.ends] == ["goodbye"])
        assert isinstance(await link.submit(segment("a")), SubmitAnswer)
        gateway.caller.wire.cut()
        await until(lambda: link._lanes[0].resting)
        assert isinstance(await link.submit(segment("b")), SubmitAnswer)
        assert link.state.up
    assert [state.why for state in house.states] == ["up", "stopped"]
    assert house.pauses == []


async def test_own_ids_are_known_before_anything_is_sent() -> None:
    """Where the protocol's sequence is the message id, it can be stored before; elsewhere there are none."""
    house, gateway = House(), Gateway(server=RestingServer)
    async with serving(gateway), linked(house, gateway.listener.port, client=RestingClient) as link:
        ids = link.own_ids(2)
        assert ids == [(1, "own1"), (2, "own2")]
        await until(lambda: link.state.up)
        gateway.code = None
        done = Outcomes()
        (sequence, message_id), *_ = link.own_ids(1)
        link.post([segment("a")], done, "t", [sequence])
        await until(lambda: len(gateway.asked) == 1)
        assert gateway.asked[0][1].sequence == sequence
        gateway.caller.wire.cut()
        await until(lambda: done.all == [[InDoubt("t", "lost", message_id)]])
    async with serving(gateway), linked(House(), gateway.listener.port) as plain:
        assert plain.own_ids(2) == []


async def test_stopping_waits_for_answers() -> None:
    """A message that has begun to leave goes out whole, its answers are told, then comes the goodbye."""
    house, gateway, done = House(), Gateway(), Outcomes()
    gateway.code = None
    async with serving(gateway):
        async with linked(house, gateway.listener.port) as link:
            await until(lambda: link.state.up)
            link.post([segment(str(number)) for number in range(6)], done)
            link.post([segment("later")], done)
            stopping = asyncio.create_task(link.stop())
            for number in range(6):
                await until(lambda number=number: len(gateway.asked) > number)  # type: ignore[misc]
                caller, asked = gateway.asked[number]
                caller.answer(asked, "id", 0)
            await stopping
        assert done.all[0] == [NotSent("stopping")]
        assert all(isinstance(one, SubmitAnswer) for one in done.all[1])
        await until(lambda: [end.why for end in gateway.ends] == ["goodbye"])


async def test_stopping_is_bounded() -> None:
    """A gateway that never answers does not keep us: what is open is in doubt, once."""
    house, gateway, done = House(), Gateway(), Outcomes()
    gateway.code = None
    limits = LinkLimits(session=FAST, stop_timeout_s=0.1)
    async with serving(gateway), linked(house, gateway.listener.port, limits) as link:
        await until(lambda: link.state.up)
        link.post([segment("a")], done, "t")
        await until(lambda: len(gateway.asked) == 1)
        async with asyncio.timeout(WAIT_S / 2):
            await link.stop()
        assert done.all == [[InDoubt("t", "lost", "")]]
        assert await link.submit(segment("b")) == NotSent("stopping")


async def test_too_much_does_not_wait() -> None:
    """The line has an end; what is beyond it comes back at once."""
    house, gateway, done = House(), Gateway(), Outcomes()
    gateway.code = None
    limits = LinkLimits(session=FAST, waiting_max=3, stop_timeout_s=0.1)
    async with serving(gateway), linked(house, gateway.listener.port, limits) as link:
        await until(lambda: link.state.up)
        for number in range(8):
            link.post([segment(str(number))], done)
        assert done.all == [[NotSent("down", "too much waits")]]


@pytest.mark.parametrize("field", ["connections", "waiting_max", "inbound_max", "batch_max"])
def test_limits_name_what_is_wrong(field: str) -> None:
    """A limit of nothing is refused by name."""
    with pytest.raises(ValueError, match=field):
        LinkLimits(**{field: 0})  # type: ignore[arg-type]
