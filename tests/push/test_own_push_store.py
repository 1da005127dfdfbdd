"""What every store of the push service promises, in memory and in the house's own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import msgspec
import pytest

from inbox_store.embedded import open_store
from inbox_store.engine import Program, Sql
from inbox_store.errors import Refused
from inbox_store.keys import Keys
from inbox_store.programs.push_service import Message, Settled, Subscribed
from inbox_store.times import DAY_US, US
from push.app.own_service.memory import MemoryStore
from push.app.own_service.ports import PushStore
from push.app.own_service.stored import StoredPushes

CHANNEL: Final = "11111111-2222-3333-4444-555555555555"
KEYS: Final = Keys.of(b"tests of the push service")


def message(number: int, topic: str = "", until: int = 10 * US, token: str = "t") -> Message:  # noqa: S107
    """A message that waits."""
    told = {"id": f"m{number}", "token": token, "agent": "a", "channel": CHANNEL, "body": b"x"}
    return Message(**told, topic=topic, urgency="normal", at=number, until=until)  # type: ignore[arg-type]


@pytest.fixture(params=["memory", "stored"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[PushStore]:
    """A store of each kind with one subscription."""
    subscribed = Subscribed(token="t", agent="a", channel=CHANNEL, key="", at=0)
    if request.param == "memory":
        made: PushStore = MemoryStore()
        assert await made.subscribe(subscribed, 2)
        yield made
        return
    async with open_store(tmp_path, clock=lambda: 1, keys=KEYS, readers=1) as opened:
        made = StoredPushes(opened.engine)
        assert await made.subscribe(subscribed, 2)
        yield made


async def test_subscriptions_are_kept_and_bounded(store: PushStore) -> None:
    """The same one again changes nothing; a browser has so many and no more; forgotten, nothing of it waits."""
    again = Subscribed(token="t", agent="a", channel=CHANNEL, key="", at=9)
    assert await store.subscribe(again, 1)
    assert (await store.subscription("t") or again).at == 0
    assert not await store.subscribe(msgspec.structs.replace(again, token="u"), 1)
    assert await store.greet("a", 1)
    assert not await store.greet("b", 1)
    await store.put(message(1), 9)
    await store.unsubscribe("b", CHANNEL)
    assert await store.subscription("t")
    await store.unsubscribe("a", CHANNEL)
    assert await store.subscription("t") is None
    assert await store.due("a", 1, 9) == []
    assert not await store.greet("a", 1)


async def test_messages_wait_in_order_and_replace_each_other(store: PushStore) -> None:
    """Oldest first; a topic has one message, the newest; a full line refuses; settled once, by its own browser."""
    for number, topic in ((1, "x"), (2, ""), (3, "x"), (4, "y")):
        assert await store.put(message(number, topic), 3)
    assert [one.id for one in await store.due("a", 1, 9)] == ["m2", "m3", "m4"]
    assert [one.id for one in await store.due("a", 1, 2)] == ["m2", "m3"]
    assert not await store.put(message(5), 3)
    assert await store.put(message(6, "x"), 3)
    assert not await store.settle(Settled(id="m2", agent="b", channel=CHANNEL, code=100, at=1))
    assert await store.settle(Settled(id="m2", agent="a", channel=CHANNEL, code=100, at=1))
    assert not await store.settle(Settled(id="m2", agent="a", channel=CHANNEL, code=100, at=1))
    assert await store.withdraw("m4")
    assert not await store.withdraw("m4")
    assert [one.id for one in await store.due("a", 1, 9)] == ["m6"]


async def test_what_is_too_old_is_not_sent_and_forgotten(store: PushStore) -> None:
    """A message whose time is over is due no more, takes no place, and goes in steps."""
    for number in range(3):
        assert await store.put(message(number, until=5), 3)
    assert await store.due("a", 5, 9) == []
    assert await store.put(msgspec.structs.replace(message(9, until=50), at=5), 3)
    assert [await store.expire(5, 2), await store.expire(5, 2), await store.expire(5, 2)] == [2, 1, 0]
    assert [one.id for one in await store.due("a", 5, 9)] == ["m9"]


async def test_nothing_is_put_for_a_subscription_that_is_gone(store: PushStore) -> None:
    """Between the look and the put it may have been forgotten."""
    assert not await store.put(message(1, token="gone"), 9)


async def test_it_outlives_a_restart_and_the_delivery_belongs_to_it(tmp_path: Path) -> None:
    """What waited waits again; what the house writes with a settled message is in the same transaction or not at all."""

    def belongs(settled: Settled) -> Program[None]:
        yield Sql("web_push_withdraw", {"id": "m2"})
        if not settled.delivered:
            raise Refused("not_now")

    async with open_store(tmp_path, clock=lambda: 1, keys=KEYS, readers=1) as opened:
        made = StoredPushes(opened.engine)
        assert await made.subscribe(Subscribed(token="t", agent="a", channel=CHANNEL, key="k", at=0), 2)
        for number in (1, 2):
            assert await made.put(message(number), 9)
    async with open_store(tmp_path, clock=lambda: 1, keys=KEYS, readers=1) as opened:
        made = StoredPushes(opened.engine, belongs)
        assert await made.greet("a", 2 * DAY_US)
        assert await made.due("a", 1, 9) == [message(1), message(2)]
        with pytest.raises(Refused, match="not_now"):
            await made.settle(Settled(id="m1", agent="a", channel=CHANNEL, code=101, at=1))
        assert await made.due("a", 1, 9) == [message(1), message(2)]
        assert await made.settle(Settled(id="m1", agent="a", channel=CHANNEL, code=100, at=1))
        assert await made.due("a", 1, 9) == []
