"""A process that is made to be killed: it opens a store, sends and signs in a loop, and writes down what it was told.

    python -m tests.faults.worker FOLDER SEED [--rounds N] [--file-max BYTES] [--folds]

The ledger lies beside the store. Started again it finishes what is open, hands in the last key once more, and goes on.
Exit status: 0 after the last round or SIGTERM, 3 when the store broke.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import random
import resource
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog

from inbox_store.embedded import open_store
from inbox_store.embedded.engine import EmbeddedEngine
from inbox_store.engine import Program
from inbox_store.errors import Refused, StoreBroken
from inbox_store.programs import dispatch, inbox, trace, work
from inbox_store.programs.dispatch import Submitted
from inbox_store.programs.idempotency import Answer, Idempotency, once
from inbox_store.times import system_now
from tests.faults.ledger import Ledger, facts, read
from tests.inbox_store.small_city import POSTS, RECEIVERS, ROWS
from tests.inbox_store.world import KEYS, Clock, World, import_rows

CHUNK_ROWS = 4
BROKEN = 3
OWNER = 7


class WallClock(Clock):
    """The machine's clock, where the tests' stands still."""

    def __call__(self) -> int:
        """Tell the time (UTC microseconds)."""
        self.now = system_now()
        return self.now


def ledger_of(folder: Path) -> Path:
    """Where the worker of a store writes down what it was told."""
    return folder / "ledger.jsonl"


def clerk_of(unit: str, rank: str) -> str:
    """Clerk A or B of a unit."""
    return next(post.person_code for post in POSTS if (post.unit_code, post.clerk_rank) == (unit, rank))


async def fan_out(world: World, dispatch_id: int) -> None:
    """Chunk by chunk to the end."""
    complete = False
    while not complete:
        complete = await world.chunk(dispatch_id, CHUNK_ROWS)


async def withdraw(world: World) -> None:
    """Work off what is to be withdrawn; a dead worker's lease is not waited for."""
    late = world.clock() + 3_600_000_000
    for order in await world.write(work.claim(99, 1, late)):
        document_id = json.loads(order.payload)["document_id"]
        reached: int | None = 0
        while reached is not None:
            fact = dispatch.withdraw_chunk(document_id, reached, 2, world.clock())
            reached = await world.write(fact, bulk=True)
        await world.write(work.done(order))


async def catch_up(world: World) -> None:
    """Finish what a process before this one left open."""
    for dispatch_id, _ in await world.read(dispatch.open_dispatches()):
        await fan_out(world, dispatch_id)
    await withdraw(world)


class Worker:
    """The rounds of one seed."""

    def __init__(self, world: World, ledger: Ledger, seed: int, *, folds: bool = False) -> None:
        self.world = world
        self.ledger = ledger
        self.seed = seed
        self.folds = folds
        self.stopping = False

    async def round(self, no: int) -> None:
        """One document on its road, by the dice of its own number."""
        dice = random.Random(f"{self.seed}/{no}")
        units = dice.sample(RECEIVERS, dice.randint(2, 5))
        document_id, dispatch_id = await self.submit(f"{self.seed}-{no}", units)
        await self.refused(f"{self.seed}-{no}")
        await self.fan_out(dispatch_id)
        # Beside the writers the log is folded in part; alone it is whole, and begins anew with the next commit.
        folding = [self.fold()] if self.folds else []
        await asyncio.gather(*(self.receive(document_id, unit, dice) for unit in units), *folding)
        if self.folds:
            await self.fold()
        steps: list[Callable[[int, list[str]], Awaitable[None]]] = [self.supplement, self.recall, self.merge]
        await dice.choice(steps)(document_id, units)
        commit_no, _, link = await self.world.read(trace.head())
        self.ledger.tell("head", commit_no=commit_no, link=link.hex())

    async def submit(self, key: str, units: list[str]) -> tuple[int, int]:
        """Hand a document in under a key: the same key again is the same document."""
        self.ledger.tell("tried", key=key, units=units)
        plan, now = self.world.plan(units), self.world.clock()
        document = self.world.document(title=f"通知 {key}")
        fact = dispatch.submit(document, None, plan, self.world.people["s0-a"], "", "云水市", now)
        told = await self.world.write(once(_key(key), fact, _told, now))
        document_id, dispatch_id = json.loads(told.body)
        self.ledger.tell("submitted", key=key, units=units, document_id=document_id, dispatch_id=dispatch_id)
        return document_id, dispatch_id

    async def refused(self, key: str) -> None:
        """A document that is refused at the last moment: nothing of it may ever be found."""

        def never() -> Program[None]:
            fact = dispatch.submit(
                self.world.document(title=f"拒收 {key}"),
                None,
                self.world.plan(["U1"]),
                1,
                "",
                "云水市",
                self.world.clock(),
            )
            yield from fact
            raise Refused("changed_my_mind")

        try:
            await self.world.write(never())
        except Refused:
            self.ledger.tell("refused", key=key)

    async def fan_out(self, dispatch_id: int) -> None:
        """Chunk by chunk to the end."""
        await fan_out(self.world, dispatch_id)
        self.ledger.tell("sent", dispatch_id=dispatch_id)

    async def receive(self, document_id: int, unit: str, dice: random.Random) -> None:
        """A unit's clerk opens, acknowledges, signs or returns; some hand it on and file it."""
        by, returns, hands_on = clerk_of(unit, dice.choice("AB")), dice.random() < 0.2, dice.random() < 0.4
        self.world.clock()
        where = {"document_id": document_id, "unit": unit}
        try:
            await self.world.open(document_id, by)
            self.ledger.tell("opened", document_id=document_id, person=by)
            to = self.world.store.engine.position
            ack = inbox.Delivered(person_id=self.world.people[by], after=0, to=to)
            await self.world.write(inbox.deliver([ack], self.world.clock()))
            self.ledger.tell("delivered", person=by, to=to)
            if returns:
                await self.world.give_back(document_id, unit, by)
                self.ledger.tell("returned", **where)
                return
            await self.world.sign(document_id, unit, by)
            self.ledger.tell("signed", **where)
            if hands_on:
                handler = f"{unit.lower()}-staff"
                await self.world.transfer(document_id, unit, handler, by)
                self.ledger.tell("transferred", **where, handler=handler)
                await self.world.archive(document_id, unit, by)
                self.ledger.tell("archived", **where)
        except Refused as fault:
            # A round that is begun anew after a kill finds some of its steps done.
            self.ledger.tell("declined", **where, code=fault.code)

    async def supplement(self, document_id: int, units: list[str]) -> None:
        """To every unit: the returned ones get it again, the others for the first time."""
        del units
        try:
            told = await self.world.supplement(document_id, RECEIVERS)
        except Refused as fault:
            self.ledger.tell("declined", document_id=document_id, unit="", code=fault.code)
            return
        self.ledger.tell("supplemented", document_id=document_id, dispatch_id=told.dispatch_id)
        await self.fan_out(told.dispatch_id)

    async def recall(self, document_id: int, units: list[str]) -> None:
        """Take it back."""
        del units
        try:
            await self.world.recall(document_id)
        except Refused as fault:
            self.ledger.tell("declined", document_id=document_id, unit="", code=fault.code)
            return
        self.ledger.tell("recalled", document_id=document_id)
        await withdraw(self.world)

    async def fold(self) -> None:
        """Fold the log into the file while others write, as the engine does by itself when the log is long."""
        engine = self.world.store.engine
        assert isinstance(engine, EmbeddedEngine)
        await engine.fold()

    async def merge(self, document_id: int, units: list[str]) -> None:
        """Some slices of the merge."""
        del document_id, units
        while await self.world.write(inbox.merge_slice(1, 5), bulk=True):
            continue
        self.ledger.tell("merged")


def _key(key: str) -> Idempotency:
    return Idempotency(owner=OWNER, key=key, route="POST /dispatches", body_hash=b"")


def _told(done: Submitted) -> Answer:
    return Answer(status=201, body=json.dumps([done.document_id, done.dispatch_id]).encode())


async def run(folder: Path, seed: int, rounds: int, *, folds: bool = False) -> None:
    """Rounds from where the ledger ends, until told to stop."""
    path = ledger_of(folder)
    before = read(path)
    ledger, clock = Ledger(path), WallClock()
    async with open_store(folder, clock=clock, keys=KEYS, readers=1) as store:
        ledger.tell("opened_store", epoch=store.engine.epoch)
        if not any(facts(before, "imported")):
            await import_rows(store, ROWS, clock())
        worker = Worker(await World.of(store, clock), ledger, seed, folds=folds)
        ledger.tell("imported")
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, setattr, worker, "stopping", True)
        await catch_up(worker.world)
        begun = sum(1 for _ in facts(before, "tried"))
        first = max(begun - 1, 0)
        for no in range(first, first + rounds):
            if worker.stopping:
                break
            await worker.round(no)
    ledger.tell("closed")


def main() -> None:
    """Run until the last round, SIGTERM, a broken store, or the end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("seed", type=int)
    parser.add_argument("--rounds", type=int, default=10_000)
    parser.add_argument(
        "--file-max", type=int, default=0, help="bytes that any file may grow to; 0: no limit"
    )
    parser.add_argument("--folds", action="store_true", help="fold the log into the file in every round")
    told = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    if told.file_max:
        # Without the signal a write beyond the limit fails as it would on a disk that answers with an error.
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (told.file_max, told.file_max))
    try:
        asyncio.run(run(told.folder, told.seed, told.rounds, folds=told.folds))
    except* StoreBroken:
        sys.exit(BROKEN)


if __name__ == "__main__":
    main()
