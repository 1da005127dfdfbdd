"""The whole durable road of a short message: claim, attempt, submit, settle with its charge, report applied.

    python -m benchmarks.sms_durable --messages 20000 --runs 5

Messages of one segment to a city's people over CMPP 3.0, window 16, one connection, towards the simulated carrier in a
process of its own; its reports come 10 to 50 ms after the submit. Beside it, on the same disk, as many bare transactions
of the same size and count.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
from typing import Any, Final

import uvloop

from benchmarks.figures import figure, tell
from benchmarks.live_crowd import cpu_s
from benchmarks.sms_carrier import CarrierSim
from benchmarks.sms_road import Sent, road

GOAL: Final = 3_000
BEYOND: Final = 6_000


async def measure(messages: int, runs: int) -> list[dict[str, Any]]:
    """Run after run, each with an alert of its own, after one that is not counted."""
    mine: list[Sent] = []
    far: list[float] = []
    async with await CarrierSim.start("cmpp") as sim, road("cmpp", sim.port, messages) as here:
        for _ in range(runs + 1):
            before = cpu_s(sim.pid)
            mine.append(await here.send(messages))
            far.append((cpu_s(sim.pid) - before) / mine[-1].messages * 1e6)
            states = await here.states()
            if states != {"delivered": mine[-1].messages}:
                raise RuntimeError(f"not all were delivered: {states}")
    return report(mine[1:], far[1:])


def report(mine: list[Sent], far: list[float]) -> list[dict[str, Any]]:
    """The figures as lines."""
    rates = [one.messages / one.reported_s for one in mine]
    told = statistics.median(rates)
    spent = [one.cpu_s / one.messages * 1e6 for one in mine]
    return [
        figure(
            "sms.durable.messages", [one.messages for one in mine], "messages", "what is sent", holds=None
        ),
        figure("sms.durable", rates, "messages/s", f">= {GOAL:,}", holds=told >= GOAL),
        figure("sms.durable.beyond", rates, "messages/s", f">= {BEYOND:,}", holds=told >= BEYOND),
        figure("sms.durable.cpu", spent, "us CPU/message", "", holds=None),
        figure("sms.durable.carrier_cpu", far, "us CPU/message", "the simulator's", holds=None),
    ]


def main() -> None:
    """Measure, print the lines as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=5)
    told = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
        tell(loop.run(measure(told.messages, told.runs)))


if __name__ == "__main__":
    main()
