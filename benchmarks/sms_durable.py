"""The whole durable road of a short message: claim, attempt, submit, answer with its charge, report, on the disk at each step.

python -m benchmarks.sms_durable --messages 20000 --runs 3
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import uvloop

from benchmarks.fanout import fill, submitted
from benchmarks.live_crowd import cpu_s
from benchmarks.sms_carrier import ACCOUNT, SECRET, CarrierSim
from inbox_store.embedded import open_store
from inbox_store.keys import Keys, mask
from inbox_store.ledger import ChargeLine
from inbox_store.programs import sms, sms_figures
from inbox_store.programs.sms import Accepted, Answered, Decision, Facts, Go, NewAlert, Reported
from inbox_store.store import Store
from inbox_store.times import DAY_US, day_at, system_now
from push.sms.bucket import Pace
from push.sms.carrier import Inbound, Report, Segment, SubmitAnswer
from push.sms.cmpp import CmppAccount, CmppClient
from push.sms.happenings import SessionRules
from push.sms.link import ChannelLink
from push.sms.ports import Address, Handlers, LinkLimits, Outcome

CHANNEL: Final = "mobile"
TEXT: Final = "【平凉市委办】您有1份公文待签收"
UNITS: Final = 300


def go(_facts: Facts) -> Decision:
    return Go(segments=1, source="106573339001")


def price(one: Accepted) -> ChargeLine:
    return ChargeLine(
        alert_id=one.alert_id, alert_kind=one.kind, purpose="document", round=one.round, document_id=one.document_id,
        unit_id=one.unit_id, region_id=one.region_id, person_id=one.person_id, to_unit_id=one.to_unit_id, to_region_id=one.to_region_id,
        phone=mask("13800138000"), channel=one.channel, message_id=one.message_id, segment_no=one.segment_no,
        acceptance_no=one.acceptance_no, segments=1, price_li=50, amount_li=50, payer_id=one.region_id,
        accepted_at=one.accepted_at, month=day_at(one.accepted_at) // 100, policy="originator/2018-04-01",
    )  # fmt: skip


SETTLE = sms.settling(price)
REPORT = sms.reporting(price)


async def alerted(store: Store, units: list[int], messages: int) -> int:
    """An alert to ``messages`` people, routed."""
    told = await submitted(store, units, messages)
    now = system_now()
    alert = NewAlert(kind="arrival", unit_id=units[-1], text=TEXT, segments=1, urgency="ordinary", priority=2,
        expires_at=now + DAY_US, document_id=told.document_id, dispatch_id=told.dispatch_id)
    alert_id = await store.engine.write(sms.add_alert(alert, 0, now))
    await store.engine.write(sms.order_chunk(alert_id, {"after": 0, "to": 2**60}, now))
    while people := await store.engine.read(sms.unrouted(5_000)):
        await store.engine.write(sms.set_routes([(person, CHANNEL) for person, _, _ in people], 0))
    return alert_id


class Road:
    """The minimal loop over the facts."""

    def __init__(self, store: Store, port: int, window: int, connections: int, ahead: int) -> None:
        self.store = store
        self.ahead = ahead
        limits = LinkLimits(session=SessionRules(window=window), connections=connections, pace=Pace(rate_per_s=1e9))
        account = CmppAccount(sp_id=ACCOUNT, secret=SECRET, service_id="OANOTICE")
        self.up = asyncio.Event()
        self.link = ChannelLink("bench", lambda _l, _n: CmppClient(account), Address("127.0.0.1", port), limits,
            Handlers(self.stored, lambda _s: self.up.set()))
        self.answers: list[Answered] = []
        self.arrived = asyncio.Event()
        self.out = 0
        self.reports = 0
        self.batches = [0, 0, 0]
        self.room = asyncio.Event()

    async def stored(self, inbounds: Sequence[Inbound]) -> None:
        now = system_now()
        lookup = self.store.keys.phones.lookup
        found = []
        for one in inbounds:
            what = one.what
            assert isinstance(what, Report)
            found.append(Reported(channel=CHANNEL, message_id=what.message_id, phone_lookup=lookup(what.to), state=what.state,
                stat=what.stat, error=what.error, done_at=what.done_at, at=now))
        told = await self.store.engine.write(REPORT(found))
        self.batches[2] += 1
        self.reports += len(told)

    def done(self, attempt: int, outcomes: list[Outcome]) -> None:
        (one,) = outcomes
        assert isinstance(one, SubmitAnswer) and one.verdict == "accepted", one
        self.answers.append(Answered(attempt_id=attempt, outcome="accepted", code=one.code, message_id=one.message_id, at=system_now()))
        self.arrived.set()
        self.out -= 1
        self.room.set()

    async def settle(self) -> None:
        while True:
            await self.arrived.wait()
            self.arrived.clear()
            while self.answers:
                mine, self.answers = self.answers, []
                await self.store.engine.write(SETTLE(mine))
                self.batches[1] += 1

    async def send(self) -> None:
        from functools import partial
        opened = self.store.keys.phones.open
        content = TEXT.encode("utf-16-be")
        while True:
            free = self.ahead - self.out
            if free <= 0:
                self.room.clear()
                await self.room.wait()
                continue
            leaving = await self.store.engine.write(sms.claim(CHANNEL, [CHANNEL], free, go, system_now()))
            self.batches[0] += 1
            if not leaving:
                return
            self.out += len(leaving)
            for one in leaving:
                facts = one.facts
                segment = Segment(to=opened(facts.phone_sealed, facts.phone_key), source=one.source, content=content, coding="ucs2")
                self.link.post((segment,), partial(self.done, one.attempts[0][1]))

    async def run(self, messages: int) -> tuple[float, float]:
        self.reports, self.batches = 0, [0, 0, 0]
        settling = asyncio.create_task(self.settle())
        cpu, began = time.process_time(), time.perf_counter()
        await self.send()
        while self.reports < messages:
            await asyncio.sleep(0.002)
        took = time.perf_counter() - began
        settling.cancel()
        return took, time.process_time() - cpu


async def measure(messages: int, runs: int, window: int, connections: int, ahead: int) -> None:
    with tempfile.TemporaryDirectory(prefix="songda-bench-") as folder:
        async with open_store(Path(folder), keys=Keys.of(b"bench")) as store, await CarrierSim.start("cmpp") as sim:
            units = await fill(store, UNITS, messages)
            road = Road(store, sim.port, window, connections, ahead)
            await road.link.start()
            await road.up.wait()
            for _ in range(runs):
                alert_id = await alerted(store, units, messages)
                n = (await store.engine.read(sms_figures.figures(alert_id)))["waiting"][0]
                far = cpu_s(sim.pid)
                took, cpu = await road.run(n)
                print(n, f"{n/took:.0f}/s, our cpu {1e6*cpu/n:.0f} us/msg, far {1e6*(cpu_s(sim.pid)-far)/n:.0f}", road.batches,
                      await store.engine.read(sms_figures.figures(alert_id)), flush=True)
            await road.link.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--window", type=int, default=16)
    parser.add_argument("--connections", type=int, default=1)
    parser.add_argument("--ahead", type=int, default=256)
    told = parser.parse_args()
    uvloop.run(measure(told.messages, told.runs, told.window, told.connections, told.ahead))
