"""Any history of one connection and its peer, on a clock of the test's own: each request is told exactly once, and truly."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Final

import pytest
from h2.errors import ErrorCodes
from h2.exceptions import H2Error
from h2.settings import SettingCodes
from hyperframe.frame import GoAwayFrame
from hypothesis import given
from hypothesis import strategies as st

from push.app.http2.happenings import Answered, Closed, Http2Rules, InDoubt, Unprocessed
from push.app.http2.sieve import Goaway, Sieve
from push.sms.window import NEVER
from tests.push.http2_peer import Pair, request

RULES: Final = Http2Rules(
    streams_max=20, answer_timeout_s=2, idle_s=3, probe_timeout_s=1, leave_timeout_s=1, answer_max=500
)
STEPS: Final = 120


class History:
    """Random deeds on both sides. ``processed`` are the tokens of requests that the peer acted on."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.pair = Pair(
            RULES, streams=self.random.choice([1, 5, 100]), window=self.random.choice([50, 65_535])
        )
        self.taken: list[str] = []
        self.streams: dict[int, str] = {}
        self.processed: Counter[str] = Counter()
        self.last: int | None = None
        self.cut = False

    def run(self) -> None:
        """Greet, do things, wait until nothing is open."""
        self.pair.up()
        deeds = (self.ask, self.act, self.pass_time, self.rare)
        for deed in self.random.choices(deeds, weights=(10, 10, 2, 1), k=STEPS):
            deed()
            if self.pair.machine.state == "closed":
                return
        for _ in range(40):
            if self.pair.machine.open == 0:
                return
            self.pair.now = max(self.pair.now, min(self.pair.machine.due, self.pair.now + 10**9))
            self.pair.told += self.pair.machine.tick(self.pair.now)

    def ask(self) -> None:
        """One request more; its bytes leave now, later, or never."""
        token = f"t{len(self.taken)}"
        number = self.pair.machine._next
        if self.pair.machine.request(request(self.random.choice([0, 40, 900])), token, self.pair.now):
            self.taken.append(token)
            self.streams[number] = token
        if self.random.random() < 0.8:
            self.carry()

    def carry(self) -> None:
        """All bytes reach the other side; what comes whole is processed, unless a GOAWAY said that it is not."""
        if self.cut:
            self.pair.machine.take()
            return
        before = set(self.pair.ended)
        self.pair.exchange()
        for stream in self.pair.ended - before:
            if self.last is None or stream <= self.last:
                self.processed[self.streams[stream]] += 1

    def act(self) -> None:
        """The peer does something to a request it has."""
        self.carry()
        served = [one for one in self.pair.ended if self.last is None or one <= self.last]
        if not served or self.cut:
            return
        stream, body = self.random.choice(sorted(served)), b"r" * self.random.choice([0, 20, 900])
        deed = self.random.choice(["answer", "answer", "answer", "half", "reset", "refuse"])
        try:
            if deed in ("answer", "half"):
                self.pair.answer(stream, self.random.choice([200, 410, 503]), body, ends=deed == "answer")
            elif deed == "reset":
                self.pair.peer.reset_stream(stream, ErrorCodes.INTERNAL_ERROR)
            else:
                # Said of a stream that was served: a peer that lies is none we know; so it is not served.
                self.refuse(stream)
        except (H2Error, KeyError):
            pass  # ended already
        self.carry()

    def refuse(self, stream: int) -> None:
        """REFUSED_STREAM where nothing was answered yet."""
        token = self.streams[stream]
        told = {one.token for one in self.pair.told if isinstance(one, Answered | InDoubt | Unprocessed)}
        if token not in told:
            self.pair.peer.reset_stream(stream, ErrorCodes.REFUSED_STREAM)
            self.processed[token] -= 1

    def pass_time(self) -> None:
        """Some time passes, with all timers."""
        if self.cut:
            self.pair.now += int(self.random.uniform(0, 1) * 10**6)
            self.pair.told += self.pair.machine.tick(self.pair.now)
        else:
            self.carry()
            self.pair.wait(self.random.uniform(0, 1))
            self.carry()

    def rare(self) -> None:
        """What happens to whole connections."""
        deed = self.random.choice(["settings", "ping", "goaway", "cut", "lost", "leave", "window"])
        pair = self.pair
        if deed == "goaway" and self.last is None:
            self.carry()
            self.last = self.random.choice([0, *sorted(self.pair.ended)])
            for stream, token in self.streams.items():
                if stream > self.last and self.processed[token]:
                    self.last = stream  # what was processed is never above the last stream
            pair.goaway(self.last)
        elif deed == "cut" and self.random.random() < 0.2:
            self.cut = True
        elif deed == "lost" and self.random.random() < 0.2:
            pair.told += pair.machine.lost()
        elif deed == "leave" and self.random.random() < 0.3:
            pair.told += pair.machine.leave(pair.now)
        elif deed == "settings" and not self.cut:
            pair.peer.update_settings({SettingCodes.MAX_CONCURRENT_STREAMS: self.random.choice([1, 3, 50])})
        elif deed == "ping" and not self.cut:
            pair.peer.ping(b"abcdefgh")


def faults(history: History) -> list[str]:
    """Requests that were told not at all, twice, or falsely."""
    found = []
    told: dict[str, list[object]] = {token: [] for token in history.taken}
    for one in history.pair.told:
        if isinstance(one, Answered | InDoubt | Unprocessed):
            told[one.token].append(one)
    for token, ends in told.items():
        if len(ends) != 1:
            found.append(f"{token} told {len(ends)} times: {ends}")
        elif isinstance(ends[0], Unprocessed) and history.processed[token] > 0:
            found.append(f"{token} was processed and told as {ends[0]}")
        elif isinstance(ends[0], Answered) and token not in history.processed:
            found.append(f"{token} was answered out of nothing")
    closed = [number for number, one in enumerate(history.pair.told) if isinstance(one, Closed)]
    if closed and closed != [len(history.pair.told) - 1]:
        found.append(f"told after its end: {history.pair.told[closed[0] :]}")
    if history.pair.machine.open:
        found.append(f"{history.pair.machine.open} never ended")
    if history.pair.machine.state == "closed" and history.pair.machine.due != NEVER:
        found.append("a closed machine wants to be woken")
    return found


def run(seed: int) -> History:
    """One history from its seed."""
    history = History(seed)
    history.run()
    return history


def test_every_request_is_told_once_and_truly() -> None:
    """300 histories, thousands of requests: answered, in doubt or certainly not processed; never nothing, never twice."""
    kinds: Counter[str] = Counter()
    for seed in range(300):
        history = run(seed)
        assert (seed, faults(history)) == (seed, [])
        kinds.update(type(one).__name__ for one in history.pair.told)
    assert min(kinds[name] for name in ("Answered", "InDoubt", "Unprocessed", "Closed")) > 50


@pytest.mark.long
@pytest.mark.parametrize("first", range(1_000, 9_000, 1_000))
def test_every_request_is_told_once_and_truly_in_many_histories(first: int) -> None:
    """The same in 8,000."""
    for seed in range(first, first + 1_000):
        assert (seed, faults(run(seed))) == (seed, [])


@given(
    st.lists(
        st.one_of(st.integers(0, 40), st.tuples(st.integers(0, 99), st.binary(max_size=12))), max_size=12
    ),
    st.lists(st.integers(1, 30), max_size=80),
)
def test_goaway_is_cut_out_wherever_the_stream_is_cut(
    frames: list[int | tuple[int, bytes]], slices: list[int]
) -> None:
    """Any frames in any slices: what h2 gets is the stream without its GOAWAYs, whole and in order."""
    stream, rest, goaways = b"", b"", []
    for frame in frames:
        if isinstance(frame, int):
            data = frame.to_bytes(3, "big") + b"\x00\x01\x00\x00\x00\x01" + b"\x07" * frame
            stream, rest = stream + data, rest + data
        else:
            stream += GoAwayFrame(0, frame[0], 2, frame[1]).serialize()
            goaways.append(Goaway(frame[0], 2, frame[1]))
    sieve, passed, found = Sieve(), b"", []
    at = 0
    for size in [*slices, len(stream) + 1]:
        for part in sieve.parts(stream[at : at + size]):
            if isinstance(part, Goaway):
                found.append(part)
            else:
                passed += part
        at += size
    assert (passed, found) == (rest, goaways)


@given(st.binary(max_size=300))
def test_any_bytes_end_in_order(data: bytes) -> None:
    """Whatever a peer sends after its greeting: no exception leaves the machine, and what was open ends."""
    pair = Pair(RULES).up()
    assert pair.machine.request(request(), "a", pair.now)
    pair.machine.take()
    pair.gave(data)
    pair.now += 10**8
    pair.told += pair.machine.tick(pair.now)
    assert sum(isinstance(one, Answered | InDoubt | Unprocessed) for one in pair.told) == 1
