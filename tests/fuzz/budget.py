"""How many inputs each door gets, and the bounds within which each single input must be answered.

An input is made from a few seeds (``mutations``), so that hypothesis can name the shortest one that breaks something.
The same inputs come in every run; ``SONGDA_FUZZ_SEED=7`` asks for others, and stands in the failure when it was set.
"""

from __future__ import annotations

import gc
import os
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final, NamedTuple, TypeVar

import pytest
from _pytest.mark import ParameterSet
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

T = TypeVar("T")


class Share(NamedTuple):
    """Inputs for one door: in `make test`, and in `make test-long`."""

    quick: int
    long: int


SHARES: Final = {
    "bodies": Share(500, 24_000),
    "queries": Share(200, 10_000),
    "paths": Share(100, 5_000),
    "headers": Share(100, 6_000),
    "requests": Share(250, 12_000),
    "framing": Share(12, 1_000),
    "words": Share(200, 12_000),
    "sessions": Share(60, 4_000),
    "sockets": Share(20, 4_000),
    "workbooks": Share(80, 4_000),
    "cells": Share(50, 4_000),
    "csv": Share(150, 6_000),
    "cursors": Share(150, 8_000),
    "tokens": Share(150, 8_000),
    "secrets": Share(100, 5_000),
    "receipts": Share(100, 6_000),
    "verbs": Share(10, 400),
    "settings": Share(60, 5_000),
    "calendars": Share(40, 2_000),
    "uploads": Share(100, 5_000),
    "sheets": Share(30, 1_500),
}
"""Door -> its share. Parsers that are called directly are cheap and get most of them."""

SEED: Final = int(os.environ.get("SONGDA_FUZZ_SEED", "20260601"))
CPU_MAX_S: Final = 2.0
"""Processor time of one input: some ten thousand times what an ordinary one takes."""

GROWN_MAX_MIB: Final = 96
"""By how much one input may raise the peak of the process's memory."""

seeds: Final = st.integers(0, 2**32 - 1)


def cases(bases: int, steps_max: int = 3) -> st.SearchStrategy[tuple[int, list[int]]]:
    """A valid example by its number, and the seeds of the steps that spoil it; no step leaves it valid."""
    # hypothesis draws 0 far more often than any other number: the steps turn it into all of them.
    drawn = st.tuples(st.integers(0, bases - 1), st.lists(seeds, max_size=steps_max))
    return drawn.map(lambda told: ((told[0] + sum(told[1])) % bases, told[1]))


def shares(door: str) -> list[ParameterSet]:
    """The two sizes of a door's test, for ``pytest.mark.parametrize("inputs", ...)``."""
    share = SHARES[door]
    long = (pytest.mark.long, pytest.mark.timeout(300))
    return [pytest.param(share.quick, id="quick"), pytest.param(share.long, id="long", marks=long)]


def fuzz(inputs: int, strategy: st.SearchStrategy[T], act: Callable[[T], None]) -> None:
    """Calls ``act`` with so many made-up inputs; each must come to its end within the bounds."""
    ran = 0

    @seed(SEED)
    @settings(
        max_examples=inputs,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @given(strategy)
    def once(one: T) -> None:
        nonlocal ran
        ran += 1
        try:
            with bounded():
                act(one)
        except Exception as fault:
            fault.add_note(f"input: {one!r} of seed {SEED}")
            raise

    # What earlier tests of this process left is not to be looked through on an input's account.
    gc.collect()
    gc.freeze()
    try:
        once()
    finally:
        gc.unfreeze()
    assert ran >= inputs, f"only {ran} of {inputs} inputs were made"


class TooSlow(AssertionError):
    """An input took more processor time than any input may."""


@contextmanager
def bounded(cpu_max_s: float = CPU_MAX_S, grown_max_mib: int = GROWN_MAX_MIB) -> Iterator[None]:
    """Ends the block by TooSlow after so much processor time; fails where the peak of memory rose too far."""
    before = _peak_kib()
    former = signal.signal(signal.SIGVTALRM, _give_up)
    signal.setitimer(signal.ITIMER_VIRTUAL, cpu_max_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, former)
    grown = (_peak_kib() - before) // 1024
    assert grown <= grown_max_mib, f"one input took {grown} MiB"


def _give_up(_number: int, _frame: FrameType | None) -> None:
    raise TooSlow(f"more than {CPU_MAX_S:g} s of processor time")


def _peak_kib() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
