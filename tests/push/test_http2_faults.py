"""Seeded far ends that misbehave in every way at once: each send ends, and nothing is taken twice or falsely."""

from __future__ import annotations

import asyncio
from collections import Counter
from random import Random
from typing import Any, Final

import msgspec
import pytest

from push.app.apns.bodies import apns_id
from push.app.sender import Accepted, Deferred, InDoubt, Outcome, Refused
from push.app.simulator.http2_script import SHARED, Http2Script, Shares
from push.app.simulator.script import Span
from tests.push.http2_world import QUICK, apns_world, fcm_world, pushes

ENDS_WITHIN_S: Final = 30
WORDS: Final = {Accepted: "accepted", Refused: "refused", Deferred: "deferred", InDoubt: "in doubt"}


def any_script(seed: int) -> Http2Script:
    """Some of the deeds with some shares, limits from tight to wide."""
    random = Random(seed)
    deeds = random.sample(SHARED, random.randint(2, len(SHARED)))
    # Each cut of a connection takes many requests with it.
    most = {"cut": 0.02, "cut_taken": 0.02, "garbage": 0.02, "silent": 0.03, "ignore": 0.03, "stuck": 0.03}
    shares: dict[str, Any] = {deed: random.uniform(0.005, most.get(deed, 0.06)) for deed in deeds}
    return Http2Script(
        seed=seed,
        streams=random.choice([1, 3, 40, 1_000]),
        first_streams=random.choice([1, 5]),
        window=random.choice([64, 700, 65_535]),
        slow_ms=Span(1, 80),
        shares=Shares(**shares),
    )


def faults(outcomes: list[Outcome], took: Counter[str], ids: list[str]) -> list[str]:
    """What must not be: told as taken and not taken, told as not taken and taken, taken twice."""
    found = []
    for name, outcome in zip(ids, outcomes, strict=True):
        times = took[name]
        fits = {Accepted: times == 1, InDoubt: times <= 1, Refused: times == 0, Deferred: times == 0}
        if not fits[type(outcome)]:
            found.append(f"{name} {outcome} taken {times} times")
    return found


def told(outcomes: list[Outcome]) -> Counter[str]:
    """How many of each kind."""
    return Counter(WORDS[type(one)] for one in outcomes)


async def apns_under(seed: int, count: int) -> tuple[list[str], Counter[str]]:
    """The faults of one history, and what was told in it."""
    async with apns_world(any_script(seed), QUICK) as (sender, desk, server):
        sent = pushes(count)
        async with asyncio.timeout(ENDS_WITHIN_S):
            outcomes = await sender.send(sent)
        found = faults(outcomes, desk.took, [apns_id(one.id) for one in sent])
        if server.counts["violations"]:
            found.append(f"{server.counts['violations']} breaches of the protocol")
    if sender._pool.open:
        found.append(f"{sender._pool.open} requests never ended")
    return found, told(outcomes)


async def fcm_under(seed: int, count: int) -> tuple[list[str], Counter[str]]:
    """The same with Google."""
    async with fcm_world(any_script(seed), QUICK) as (sender, desk, server):
        sent = pushes(count)
        async with asyncio.timeout(ENDS_WITHIN_S):
            outcomes = await sender.send(sent)
        found = faults(outcomes, desk.took, [one.id for one in sent])
        if server.counts["violations"]:
            found.append(f"{server.counts['violations']} breaches of the protocol")
    return found, told(outcomes)


@pytest.mark.parametrize("seed", range(8))
async def test_every_send_to_apple_ends_and_is_told_truly(seed: int) -> None:
    """Whatever the far end does: an outcome for each; taken once where accepted, at most once in doubt, else never."""
    found, counts = await apns_under(seed, 150)
    assert (seed, found) == (seed, [])
    assert counts.total() == 150


@pytest.mark.parametrize("seed", range(100, 104))
async def test_every_send_to_google_ends_and_is_told_truly(seed: int) -> None:
    """The same over the same pool with another vendor's words."""
    found, counts = await fcm_under(seed, 120)
    assert (seed, found) == (seed, [])
    assert counts.total() == 120


@pytest.mark.long
@pytest.mark.parametrize("seed", range(1_000, 1_060))
async def test_many_histories_end_and_are_told_truly(seed: int) -> None:
    """Sixty more histories, 24,000 sends."""
    for under in (apns_under, fcm_under):
        found, _counts = await under(seed, 200)
        assert (seed, found) == (seed, [])


async def test_a_faultless_far_end_takes_all() -> None:
    """The check itself can tell: without faults everything is accepted; a double and a ghost are found."""
    quiet = msgspec.structs.replace(any_script(1), shares=Shares(), streams=40)
    async with apns_world(quiet, QUICK) as (sender, desk, _server):
        sent = pushes(50)
        outcomes = await sender.send(sent)
    ids = [apns_id(one.id) for one in sent]
    assert told(outcomes) == {"accepted": 50}
    assert faults(outcomes, desk.took, ids) == []
    doubled, missing = desk.took + Counter({ids[0]: 1}), desk.took - Counter({ids[1]: 1})
    assert len(faults(outcomes, doubled, ids)) == 1
    assert len(faults(outcomes, missing, ids)) == 1
