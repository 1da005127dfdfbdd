"""kill -9 while short messages go out: nobody gets one twice, and the ledger is the carriers' invoice (faults.md 6-10)."""

from __future__ import annotations

import random
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Final

import pytest

from tests.faults.callers import ledger_path
from tests.faults.invariants import check_invariants
from tests.faults.ledger import read
from tests.faults.server import start
from tests.faults.sms_carriers import TWISTED, UNRELIABLE
from tests.faults.sms_world import FOUR, SmsWorld, sms_world

UNSENT: Final = "sms_after_claim"
FAILPOINTS: Final = (
    "sms_after_claim:3",
    "sms_after_answer:40",
    "sms_before_settle:20",
    "sms_before_report:9",
    "sms_after_report:9",
    "after_commit:60",
)
TIMED_SHARE: Final = 0.1
"""So many of the kills come at any time after the start, also before the server serves."""


def life(world: SmsWorld, failpoint: str) -> None:
    """A server that dies at the failpoint while documents come in and messages go out."""
    with world.serving(failpoint=failpoint) as server:
        world.try_to_finish(server)
        assert server.wait() == -signal.SIGKILL, server.said()[-4000:]
    world.died()


def newest_claim(world: SmsWorld) -> set[int]:
    """The attempts of the last claim before a kill: committed, and nothing of them sent."""
    query = "select id from sms_attempt where sent_at = (select max(sent_at) from sms_attempt)"
    return {row[0] for row in world.rows_in(query)} & world.lost


def in_peace(world: SmsWorld, within_s: float = 60.0) -> None:
    """A last server that is left alone until all is quiet, and stopped."""
    with world.serving() as server:
        world.try_to_finish(server)
        world.until_quiet(within_s)
        server.stop()
        assert "Traceback" not in server.said(), server.said()[-4000:]


def lives(world: SmsWorld, dice: random.Random, kills: int, documents: int) -> None:
    """So many kills at places and times of the dice, while the documents are handed in and their messages go out."""
    world.begin(documents)
    world.long_every = 3
    step = 2 * documents * len(world.units) * 3 // kills
    for _ in range(kills):
        server = start(world.folder, environ=world.environ)
        helper = threading.Thread(target=world.try_to_finish, args=[server])
        try:
            if dice.random() < TIMED_SHARE:
                time.sleep(dice.uniform(0.1, 1.0))
            else:
                server.await_ready()
                helper.start()
                world.until_accepted(world.accepted() + dice.randint(1, step), server)
                # A little later than the line on the invoice: the answer is then at any place on its way.
                time.sleep(dice.random() / 50)
        finally:
            server.kill()
            server.wait()
            if helper.ident is not None:
                helper.join()
        world.died()


def tell(world: SmsWorld, settled: int) -> None:
    """What happened, for who looks with -s."""
    lost = f"{len(world.lost)} without an outcome after kills, at most {world.most_lost} after one"
    sys.stdout.write(
        f"\n{world.accepted()} accepted; {lost}; {settled} settled by invoices; {dict(world.states())}\n"
    )


def test_a_kill_at_every_place_of_the_road(tmp_path: Path) -> None:
    """Before the send, after the answer, before it is kept, around a report, around any commit: all in one folder (6, 7, 8).

    What was claimed and never sent is in doubt and on nobody's invoice; what was accepted and never kept is on the
    invoice, and charged once by it; a report that was not kept comes again.
    """
    with sms_world(tmp_path, 40, ("cmpp3",), rate_per_s=400) as world:
        world.begin(6)
        unsent = set[int]()
        for failpoint in FAILPOINTS:
            life(world, failpoint)
            if failpoint.startswith(UNSENT):
                unsent = newest_claim(world)
        in_peace(world)
        check_invariants(world.folder, read(ledger_path(world.folder)), world.rows)
        settled = world.check()
        tell(world, settled)
        assert settled > 0, "some were accepted whose answer was never kept"
        doubtful = {row[0] for row in world.rows_in("select id from sms_attempt where state = 'in_doubt'")}
        assert unsent, "killed between the claim and the first byte"
        assert unsent <= doubtful, "on no invoice, and never tried again"


@pytest.mark.parametrize("seed", [1])
def test_random_kills_charge_nothing_twice(tmp_path: Path, seed: int) -> None:
    """Five kills while 840 messages go out by four channels of carriers that refuse, cut and report as they like (10, 19)."""
    with sms_world(tmp_path, 40, FOUR, UNRELIABLE, rate_per_s=400) as world:
        lives(world, random.Random(seed), 5, 7)
        in_peace(world)
        tell(world, world.check())


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_hundred_kills_charge_nothing_twice(tmp_path: Path) -> None:
    """A hundred kills while 10,200 messages go out by all four protocols (check 4 of the charging rules)."""
    with sms_world(tmp_path, 200, FOUR, UNRELIABLE, rate_per_s=150, window=8, connections=2) as world:
        lives(world, random.Random(100), 100, 17)
        in_peace(world, 240)
        tell(world, world.check())


@pytest.mark.long
@pytest.mark.timeout(600)
def test_fifty_thousand_messages_under_kills(tmp_path: Path) -> None:
    """Five times as many messages with ten kills: what grows with the store must not change what is kept."""
    with sms_world(tmp_path, 600, FOUR, TWISTED, window=64, rate_per_s=2_000) as world:
        lives(world, random.Random(1_000), 10, 28)
        in_peace(world, 240)
        tell(world, world.check())
