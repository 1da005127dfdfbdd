"""What every channel promises the house, whatever is behind it: one class of tests, run for each sender.

A new channel is held to it by a subclass with ``name`` (its far end in the simulated carrier) and ``make``.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from push.sms.carrier import SubmitAnswer
from push.sms.happenings import InDoubt
from push.sms.ports import NotSent, Outcome
from push.sms.sender import Message, Sender
from push.sms.simulator.office import Office, Plan, opened
from push.sms.simulator.protocols import AnyName
from push.sms.simulator.script import read_script
from push.sms.text import count
from tests.push.gateway_world import Outcomes, until
from tests.push.simulator_world import ACCOUNTS, AT_ONCE, SOURCE, lines_of

SHORT = "【云水政务】请于今日18时前签收市政府办来文"
LONG = SHORT + "，并按要求落实值班安排。" * 12
TOO_LONG = "防" * 700
WINDOW = 8
TOKEN = object()


def message(text: str = SHORT, to: str = "13800138000", segments: int = 0) -> Message:
    """What the house hands in; ``segments`` where the text cannot be counted."""
    numbers = tuple(range(1, (segments or count(text)) + 1))
    return Message(to=to, source=SOURCE, text=text, numbers=numbers, reference=7)


def answers(outcomes: list[Outcome]) -> list[SubmitAnswer]:
    """Outcomes that must all be answers."""
    assert all(isinstance(one, SubmitAnswer) for one in outcomes), outcomes
    return [one for one in outcomes if isinstance(one, SubmitAnswer)]


def why_not(outcomes: list[Outcome]) -> list[str]:
    """Outcomes that must all be NotSent: why."""
    assert all(isinstance(one, NotSent) for one in outcomes), outcomes
    return [one.why for one in outcomes if isinstance(one, NotSent)]


async def sent(sender: Sender, what: Message) -> list[Outcome]:
    """Post, and wait for what became of it: told once."""
    told = Outcomes()
    sender.post(what, told, TOKEN)
    await until(lambda: bool(told.all))
    (outcomes,) = told.all
    assert len(outcomes) == len(what.numbers)
    return outcomes


class SenderContract:
    """The promises. Every test starts a far end and a sender of its own."""

    name: AnyName

    @abstractmethod
    def make(self, port: int) -> Sender:
        """A sender towards the far end at ``port``: a window of WINDOW segments, answers waited for 0.3 s."""

    @asynccontextmanager
    async def running(self, port: int) -> AsyncIterator[Sender]:
        """A sender, started; stopped at the end."""
        sender = self.make(port)
        await sender.start()
        try:
            yield sender
        finally:
            await sender.stop()

    @asynccontextmanager
    async def world(
        self, script: str = "", detail: Path | None = None
    ) -> AsyncIterator[tuple[Sender, Office]]:
        """A far end that plays ``script``, and a sender that can be used."""
        told = read_script(script + "\n" + AT_ONCE)
        plan = Plan(ports={self.name: 0}, accounts=ACCOUNTS, script=told, detail=detail)
        async with opened(plan) as office, self.running(office.ports[self.name]) as sender:
            await until(lambda: sender.state.up)
            yield sender, office

    async def test_each_segment_has_an_id_of_its_own(self, tmp_path: Path) -> None:
        """Accepted segments bear distinct ids, those of the invoice, whatever the far end counts."""
        file = tmp_path / "detail.csv"
        async with self.world(detail=file) as (sender, _):
            short = answers(await sent(sender, message()))
            long = answers(await sent(sender, message(LONG)))
            lines = lines_of(file)
        assert len(long) == 3
        assert {one.verdict for one in (*short, *long)} == {"accepted"}
        ids = [one.message_id for one in (*short, *long)]
        assert ids == [one.message_id for one in lines]
        assert len(set(ids)) == 4

    async def test_ids_given_before_are_kept(self) -> None:
        """Where the sender gives ids before anything leaves, the answers bear exactly those."""
        async with self.world() as (sender, _):
            given = sender.own_ids(1)
            assert len(given) in {0, 1}
            what = message()
            if given:
                sequences = tuple(sequence for sequence, _ in given)
                what = Message(
                    to=what.to,
                    source=what.source,
                    text=what.text,
                    numbers=what.numbers,
                    reference=7,
                    sequences=sequences,
                )
            (answer,) = answers(await sent(sender, what))
        assert answer.message_id
        assert not given or answer.message_id == given[0][1]

    async def test_a_refusal_is_no_acceptance(self, tmp_path: Path) -> None:
        """A refused message has the far end's own code, a verdict that is neither accepted nor throttled, no id."""
        file = tmp_path / "detail.csv"
        async with self.world("cases = [{at = [1], answer = 'refuse'}]", file) as (sender, _):
            (refused,) = answers(await sent(sender, message()))
            (taken,) = answers(await sent(sender, message()))
        assert refused.verdict not in {"accepted", "throttled"}
        assert refused.code
        assert taken.verdict == "accepted"
        assert [one.message_id for one in lines_of(file)] == [taken.message_id]

    async def test_throttled_is_told_as_such(self) -> None:
        """Too fast is no failure of the message: it is told as throttled and the channel stays in use."""
        async with self.world("cases = [{at = [1], answer = 'throttle'}]") as (sender, _):
            (told,) = answers(await sent(sender, message()))
            assert told.verdict == "throttled"
            assert sender.state.up

    async def test_nobody_there_means_not_sent(self) -> None:
        """Where the far end cannot be reached nothing is in doubt: another channel may take it at once."""
        async with opened(Plan(ports={self.name: 0}, accounts=ACCOUNTS)) as office:
            port = office.ports[self.name]
        async with self.running(port) as sender:
            assert why_not(await sent(sender, message(LONG))) == ["down"] * 3

    async def test_died_after_taking_means_in_doubt(self, tmp_path: Path) -> None:
        """The connection ends after the message was taken: in doubt, with the token; it is on the invoice."""
        file = tmp_path / "detail.csv"
        async with self.world("cases = [{at = [1], answer = 'drop_accepted'}]", file) as (sender, _):
            (doubt,) = await sent(sender, message())
            assert isinstance(doubt, InDoubt)
            assert (doubt.token, doubt.why) == (TOKEN, "lost")
            assert len(lines_of(file)) == 1

    async def test_no_answer_means_in_doubt(self) -> None:
        """An answer that does not come in time, from whoever took it or not, is a doubt and never a refusal."""
        cases = "cases = [{at = [1], answer = 'silent'}, {at = [2], answer = 'ignore'}]"
        async with self.world(cases) as (sender, _):
            for _ in range(2):
                (doubt,) = await sent(sender, message())
                assert isinstance(doubt, InDoubt)
                assert (doubt.token, doubt.why) == (TOKEN, "timeout")

    async def test_free_falls_and_rises(self) -> None:
        """What is open or waits takes from ``free``; with its outcome it is given back."""
        async with self.world("cases = [{at = [1, 2, 3], answer = 'ignore'}]") as (sender, _):
            before, told = sender.free, Outcomes()
            assert before == WINDOW
            sender.post(message(), told, TOKEN)
            assert sender.free == before - 1
            await until(lambda: len(told.all) == 1)
            # A protocol without heartbeat connects anew first (sgip §5).
            await until(lambda: sender.free == before)

    async def test_more_than_the_window_waits_its_turn(self) -> None:
        """Everything handed in is told, once each, though it is several windows."""
        async with self.world() as (sender, office):
            told = [Outcomes() for _ in range(4 * WINDOW)]
            for number, one in enumerate(told):
                sender.post(message(to=f"138{number:08}"), one, TOKEN)
            assert sender.free == 0
            await until(lambda: all(one.all for one in told))
            segments = sum(counts["segments"] for counts in office.counts.values())
        assert [len(one.all) for one in told] == [1] * len(told)
        assert {answers(one.all[0])[0].verdict for one in told} == {"accepted"}
        assert segments == len(told)

    async def test_stop_drains_and_tells(self) -> None:
        """What has left is answered, what waits is given back, each once; what comes later is given back at once."""
        async with self.world() as (sender, office):
            told = [Outcomes() for _ in range(4 * WINDOW)]
            for number, one in enumerate(told):
                sender.post(message(to=f"138{number:08}"), one, TOKEN)
            await asyncio.wait_for(sender.stop(), 10)
            assert [len(one.all) for one in told] == [1] * len(told)
            outcomes = [one.all[0][0] for one in told]
            taken = [one for one in outcomes if isinstance(one, SubmitAnswer)]
            assert {one.why for one in outcomes if isinstance(one, NotSent)} == {"stopping"}
            assert not [one for one in outcomes if isinstance(one, InDoubt)]
            assert len(taken) == sum(counts["segments"] for counts in office.counts.values())
            assert why_not(await sent(sender, message())) == ["stopping"]
            assert (sender.state.up, sender.state.why, sender.free) == (False, "stopped", 0)

    async def test_a_stop_hangs_on_nobody(self) -> None:
        """Who never answers holds no stop up: what is open is in doubt then."""
        async with self.world("cases = [{at = [1], answer = 'ignore'}]") as (sender, _):
            told = Outcomes()
            sender.post(message(), told, TOKEN)
            await asyncio.wait_for(sender.stop(), 10)
            assert [type(one) for one in told.all[0]] == [InDoubt]

    async def test_what_cannot_be_sent_is_told(self) -> None:
        """A text above the segments a message may have never leaves; ``post`` raises nothing."""
        async with self.world() as (sender, _):
            assert set(why_not(await sent(sender, message(TOO_LONG, segments=11)))) == {"unsendable"}

    async def test_a_done_that_raises_harms_nobody(self) -> None:
        """A bug in what is told stops neither the message beside it nor the channel."""

        def raises(_outcomes: list[Outcome]) -> None:
            raise RuntimeError("bug")

        async with self.world() as (sender, _):
            told = Outcomes()
            sender.post(message(), raises, TOKEN)
            sender.post(message(), told, TOKEN)
            await until(lambda: bool(told.all))
            assert answers(await sent(sender, message()))[0].verdict == "accepted"
