"""A whole city's messages at a set rate: how exactly it is kept, and how often the carrier finds us too fast.

    python -m benchmarks.sms_rate --messages 36100 --rate 1000

The whole durable road over CMPP 3.0, towards a simulated carrier that throttles above the same rate. The rate of every
ten seconds is counted by the carrier's answers, windows beginning a second apart, from the first answer on: with the tenth
of a second that may be saved up in the first.
"""

from __future__ import annotations

import argparse
import asyncio
from bisect import bisect_left
from collections.abc import Sequence
from typing import Any, Final

import uvloop

from benchmarks.figures import figure, tell
from benchmarks.sms_carrier import PROMPT, CarrierSim
from benchmarks.sms_road import Sent, road

WINDOW_S: Final = 10
SECOND: Final = 1_000_000
ERROR_GOAL: Final = 2.0
THROTTLED_GOAL: Final = 0.1


def rates(answered_at: Sequence[int]) -> list[float]:
    """Messages a second of each whole window of ten seconds, one beginning each second."""
    first, last = answered_at[0], answered_at[-1]
    starts = range(first, last - WINDOW_S * SECOND + 1, SECOND)
    ends = [
        (bisect_left(answered_at, one), bisect_left(answered_at, one + WINDOW_S * SECOND)) for one in starts
    ]
    return [(high - low) / WINDOW_S for low, high in ends]


async def measure(messages: int, rate: int) -> list[dict[str, Any]]:
    """One run."""
    script = f"rate_per_s = {rate}\n{PROMPT}"
    async with await CarrierSim.start("cmpp", script) as sim:
        async with road("cmpp", sim.port, messages, rate_per_s=rate) as here:
            sent = await here.send(messages)
            found = rates(here.answered_at())
        counts = (await sim.end())["cmpp"]
    return report(sent, rate, found, counts)


def report(sent: Sent, rate: int, found: Sequence[float], counts: dict[str, int]) -> list[dict[str, Any]]:
    """The figures as lines."""
    errors = [abs(one / rate - 1) * 100 for one in found]
    throttled = counts.get("throttle", 0) / sent.messages * 100
    worst = max(errors)
    return [
        figure("sms.rate.messages", [sent.messages], "messages", "what is sent", holds=None),
        figure("sms.rate", found, "messages/s over 10 s", f"{rate:,} set", holds=None),
        figure("sms.rate.worst_window", [worst], "% off", f"< {ERROR_GOAL:g}", holds=worst < ERROR_GOAL),
        figure("sms.rate.error", errors, "% off", "", holds=None),
        figure(
            "sms.rate.throttled",
            [throttled],
            "% of answers",
            f"< {THROTTLED_GOAL:g}",
            holds=throttled < THROTTLED_GOAL,
        ),
        figure("sms.rate.cpu", [sent.cpu_s / sent.messages * 1e6], "us CPU/message", "", holds=None),
    ]


def main() -> None:
    """Measure, print the lines as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=36_100)
    parser.add_argument("--rate", type=int, default=1_000)
    told = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
        tell(loop.run(measure(told.messages, told.rate)))


if __name__ == "__main__":
    main()
