"""What every push sender promises the house, whichever vendor is behind it: one class of tests, run for each.

A vendor is held to it by a subclass with ``vendor`` (its far end in the simulator) and ``dialect``.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from push.app.calls import Dialect
from push.app.http_call import HttpLimits
from push.app.retry import PAUSES
from push.app.sender import Accepted, Deferred, InDoubt, Outcome, Push, Refused
from push.app.simulator.far import Keys
from push.app.simulator.office import Office, Plan, opened
from push.app.simulator.script import read_script
from push.app.vendor_http import VendorSender
from push.sms.backoff import Backoff
from tests.push.gateway_world import until

KEYS = Keys("100000001", "push-secret-0001")
LIMITS = HttpLimits(
    connections=4, connect_timeout_s=2, answer_timeout_s=10, stop_timeout_s=5, alarm_pause_s=60
)
QUICK = msgspec.structs.replace(LIMITS, answer_timeout_s=0.2)
"""For far ends that never answer; elsewhere a busy machine is no outage."""
LONG_PAUSES = dict.fromkeys(PAUSES, Backoff(first_s=60, max_s=60))
NO_PAUSES = dict.fromkeys(PAUSES, Backoff(first_s=1e-6, max_s=1e-6))
STORM = """
seed = 7
gone = 0.1
[answers]
throttle = 0.05
error = 0.1
slow = 0.05
silent = 0.05
cut = 0.1
cut_taken = 0.1
garbage = 0.1
expire = 0.1
[delays]
slow = [1, 5]
"""


def lines(record: Path) -> list[dict[str, Any]]:
    """What the vendors took."""
    return [msgspec.json.decode(line) for line in record.read_bytes().splitlines()]


class PushContract:
    """The promises. Every test starts a far end and a sender of its own."""

    vendor: str
    tells_dead = True
    """Whether an answer names dead devices."""
    has_quota = True
    has_token = True
    many = 30

    @abstractmethod
    def dialect(self, url: str, keys: Keys) -> Dialect:
        """The account towards the far end at ``url``."""

    def token(self, name: str) -> str:
        """The address of a device of that name."""
        return name

    def push(self, name: str, **changed: Any) -> Push:  # noqa: ANN401 - any field
        """What the house hands in for one device."""
        told = {
            "id": f"n1/{name}",
            "token": self.token(name),
            "title": "市政府办来文",
            "body": "请于今日18时前签收",
            "url": "/i/42",
            "tag": "n1",
            "ttl_s": 3600,
            "badge": 3,
        }
        return Push(**{**told, **changed})

    def pushes(self, count: int) -> list[Push]:
        """To as many devices."""
        return [self.push(f"device{number}") for number in range(count)]

    @asynccontextmanager
    async def sender(self, url: str, keys: Keys = KEYS, **changed: Any) -> AsyncIterator[VendorSender]:  # noqa: ANN401
        """A sender, started; stopped at the end."""
        given = {"limits": LIMITS, "chance": lambda: 0.5, **changed}
        sender = VendorSender(self.vendor, self.dialect(url, keys), **given)
        await sender.start()
        try:
            yield sender
        finally:
            await sender.stop()

    @asynccontextmanager
    async def world(
        self,
        script: str = "",
        record: Path | None = None,
        **changed: Any,  # noqa: ANN401 - the sender's
    ) -> AsyncIterator[tuple[VendorSender, Office]]:
        """A far end that plays ``script``, and a sender towards it."""
        plan = Plan(keys=KEYS, script=read_script(script), record=record)
        async with opened(plan) as office, self.sender(office.url(self.vendor), **changed) as sender:
            yield sender, office

    def requests(self, office: Office) -> int:
        """What reached the far end and was no log-in."""
        counts = office.counts[self.vendor]
        others = {"taken", "gone", "told", "heard", "unheard", "logins", "logins_refused"}
        return sum(count for name, count in counts.items() if name not in others)

    async def one(self, sender: VendorSender, **changed: Any) -> Outcome:  # noqa: ANN401 - any field
        """What became of one push."""
        (outcome,) = await sender.send([self.push("device0", **changed)])
        return outcome

    # -- the promises

    async def test_accepted_is_taken(self, tmp_path: Path) -> None:
        """Every push is accepted and stands on the far end's record once, with its words and its link."""
        record = tmp_path / "taken.jsonl"
        async with self.world(record=record) as (sender, _):
            outcomes = await sender.send(self.pushes(12))
        assert [type(one) for one in outcomes] == [Accepted] * 12
        taken = lines(record)
        assert len(taken) == 12
        assert {one["title"] for one in taken} == {"市政府办来文"}
        assert all("18时前签收" in one["body"] for one in taken)
        assert {one["url"] for one in taken} == {"https://songda.example.gov.cn/i/42"}

    async def test_nothing_to_send_is_nothing(self) -> None:
        """An empty batch has no outcomes and asks nobody."""
        async with self.world() as (sender, office):
            assert await sender.send([]) == []
            assert self.requests(office) == 0

    async def test_part_of_a_batch_may_be_dead(self) -> None:
        """Dead devices are told as gone, at their places; the others are accepted; nothing is sent again."""
        names = ["a", "dead1", "b", "dead2", "c"]
        async with self.world('cases = [{token = "dead", gone = true}]') as (sender, office):
            outcomes = await sender.send([self.push(name) for name in names])
            again = self.requests(office)
            gone = office.counts[self.vendor].get("gone", 0)
        dead = [isinstance(one, Refused) and one.gone for one in outcomes]
        assert dead == [self.tells_dead and "dead" in name for name in names]
        assert [isinstance(one, Accepted) for one in outcomes] == [not one for one in dead]
        assert not [one for one in outcomes if isinstance(one, Refused) and one.alarm]
        assert again in (1, len(names))
        assert gone == (2 if self.tells_dead or self.vendor == "xiaomi" else 0)

    async def test_too_fast_is_put_off(self) -> None:
        """The vendor's word for too fast puts off; while the pause lasts nobody is asked."""
        async with self.world('cases = [{at = [1], answer = "throttle"}]', pauses=LONG_PAUSES) as (
            sender,
            office,
        ):
            first = await self.one(sender)
            assert isinstance(first, Deferred)
            if sender._dialect.per_minute:
                return  # of this robot only, which the window test looks at
            second = await self.one(sender)
            assert isinstance(second, Deferred)
            assert second.after_s
            assert self.requests(office) == 1

    async def test_retry_after_is_heeded(self) -> None:
        """HTTP 503 with Retry-After puts off for that long at least."""
        async with self.world('cases = [{at = [1], answer = "busy"}]') as (sender, office):
            told = await self.one(sender)
            assert told == Deferred(code="flow:http_503", after_s=5)
            second = await self.one(sender)
            assert isinstance(second, Deferred)
            assert second.after_s is not None
            assert 0 < second.after_s < 6
            assert self.requests(office) == 1

    async def test_a_full_day_lasts_until_midnight(self) -> None:
        """The daily number puts off until the vendor's midnight, and nobody is asked again meanwhile."""
        async with self.world('cases = [{at = [1], answer = "quota"}]') as (sender, office):
            told = await self.one(sender)
            if not self.has_quota:
                assert not isinstance(told, Accepted)
                return
            assert isinstance(told, Deferred)
            assert told.code.startswith("quota:")
            assert told.after_s is not None
            assert 0 < told.after_s <= 86_400
            assert isinstance(await self.one(sender), Deferred)
            assert self.requests(office) == 1

    async def test_a_fault_of_the_account_is_an_alarm(self) -> None:
        """A refused account condemns no device; it is an alarm, and the vendor is left alone for a while."""
        async with self.world('cases = [{at = [1], answer = "refuse"}]') as (sender, office):
            told = await sender.send(self.pushes(1))
            refused = [one for one in told if isinstance(one, Refused)]
            assert refused
            assert not [one for one in refused if one.gone]
            if self.vendor != "oppo":  # whose own code for it is not on the sheet
                assert all(one.alarm for one in refused)
                assert sender.alarm == refused[0].code
            if not sender._dialect.per_minute and self.vendor != "oppo":
                before = self.requests(office)
                assert await self.one(sender) == refused[0]
                assert self.requests(office) == before

    async def test_a_wrong_secret_is_an_alarm(self) -> None:
        """With a wrong secret nothing is accepted, nobody is gone, and the alarm says so."""
        async with opened(Plan(keys=KEYS)) as office:
            wrong = Keys("100000002", "wrong-secret")
            async with self.sender(office.url(self.vendor), wrong) as sender:
                (told,) = await sender.send(self.pushes(1))
        assert isinstance(told, Refused)
        assert told.alarm
        assert not told.gone

    async def test_an_old_token_is_renewed_once(self) -> None:
        """A token that the vendor declares old is renewed and the push sent again, without anybody noticing."""
        async with self.world('cases = [{at = [1], answer = "expire"}]') as (sender, office):
            told = await self.one(sender)
            if self.has_token:
                assert isinstance(told, Accepted)
                assert office.counts[self.vendor]["logins"] == 2
            else:
                assert not isinstance(told, Accepted)

    async def test_all_wait_for_one_token(self) -> None:
        """Many who need a token at once ask for one together."""
        async with self.world() as (sender, office):
            await asyncio.gather(*(sender.send([self.push(f"d{number}")]) for number in range(10)))
            assert office.counts[self.vendor].get("logins", 0) == int(self.has_token)

    async def test_without_an_answer_it_is_in_doubt(self) -> None:
        """Taken and never answered, cut off after or before it was taken, answered with nonsense: nobody knows."""
        deeds = ["silent", "cut_taken", "cut", "garbage"]
        cases = ", ".join(f'{{at = [{at}], answer = "{deed}"}}' for at, deed in enumerate(deeds, 1))
        async with self.world(f"cases = [{cases}]", pauses=NO_PAUSES, limits=QUICK) as (sender, _):
            told = [await self.one(sender) for _ in deeds]
        assert [one.why for one in told if isinstance(one, InDoubt)] == [
            "timeout",
            "lost",
            "lost",
            "unreadable answer",
        ]

    async def test_a_repetition_alerts_once(self, tmp_path: Path) -> None:
        """Where the vendor has a key for it, what was in doubt and is sent again is shown once."""
        record = tmp_path / "taken.jsonl"
        script = 'cases = [{at = [1], answer = "cut_taken"}]'
        async with self.world(script, record, pauses=NO_PAUSES) as (sender, _):
            assert isinstance(await self.one(sender), InDoubt)
            assert isinstance(await self.one(sender), Accepted)
            assert [one["repeated"] for one in lines(record)] == [False, sender.idempotent]

    async def test_another_notice_is_no_repetition(self, tmp_path: Path) -> None:
        """A second notice to the same device is shown, whatever keys the vendor has against repetitions."""
        record = tmp_path / "taken.jsonl"
        async with self.world(record=record) as (sender, _):
            assert isinstance(await self.one(sender), Accepted)
            assert isinstance(await self.one(sender, id="n2/device0"), Accepted)
        assert [one["repeated"] for one in lines(record)] == [False, False]

    async def test_nobody_there_puts_off(self) -> None:
        """A vendor that cannot be reached has taken nothing."""
        async with opened(Plan(keys=KEYS)) as office:
            url = office.url(self.vendor)
        async with self.sender(url) as sender:
            told = await self.one(sender)
        assert isinstance(told, Deferred)
        assert told.code.startswith("network:")

    async def test_an_outage_does_not_hold_up_the_queue(self) -> None:
        """A vendor that never answers costs one wait, not one for each that stands behind."""
        script = "[answers]\nsilent = 1.0"
        async with self.world(script, limits=QUICK) as (sender, office):
            async with asyncio.timeout(10):
                told = await asyncio.gather(*(sender.send([self.push(f"d{n}")]) for n in range(self.many)))
            assert self.requests(office) <= 2 * LIMITS.connections
        kinds = Counter(type(one) for (one,) in told)
        assert kinds[InDoubt] + kinds[Deferred] == self.many
        assert kinds[InDoubt] >= 1

    async def test_stop_drains(self) -> None:
        """What has left is answered; what comes later is put off."""
        script = '[delays]\nslow = [20, 40]\n[[cases]]\nat = [1, 2, 3, 4]\nanswer = "slow"'
        async with self.world(script) as (sender, office):
            sending = asyncio.create_task(sender.send(self.pushes(4)))
            await until(lambda: self.requests(office) > 0)
            await asyncio.wait_for(sender.stop(), 5)
            told = await sending
            later = await self.one(sender)
        kinds = {type(one) for one in told}
        assert kinds <= {Accepted, Deferred}
        assert Accepted in kinds
        assert later == Deferred(code="stopping:stopping")

    async def test_a_stop_hangs_on_nobody(self) -> None:
        """Who never answers holds no stop up: what is open is in doubt then."""
        limits = msgspec.structs.replace(LIMITS, answer_timeout_s=60, stop_timeout_s=0.1)
        async with self.world('cases = [{at = [1], answer = "silent"}]', limits=limits) as (sender, office):
            sending = asyncio.create_task(sender.send(self.pushes(1)))
            await until(lambda: self.requests(office) > 0)
            await asyncio.wait_for(sender.stop(), 5)
            assert await sending == [InDoubt(why="stopped")]

    async def test_nothing_hangs_in_a_storm(self, tmp_path: Path) -> None:
        """Whatever the vendor does, each push has one outcome: accepted ones were taken, taken ones are not refused."""
        record = tmp_path / "taken.jsonl"
        async with self.world(STORM, record, pauses=NO_PAUSES, limits=QUICK) as (sender, _):
            async with asyncio.timeout(30):
                batches = [[self.push(f"b{batch}d{n}") for n in range(2)] for batch in range(self.many // 2)]
                told = await asyncio.gather(*map(sender.send, batches))
        pushes, outcomes = list(chain(*batches)), list(chain(*told))
        assert len(outcomes) == len(pushes)
        self.check_storm(pushes, outcomes, [one["token"] for one in lines(record)])

    def check_storm(self, pushes: Sequence[Push], outcomes: Sequence[Outcome], taken: Sequence[str]) -> None:
        """Outcomes against the record."""
        accepted = {
            push.token for push, one in zip(pushes, outcomes, strict=True) if isinstance(one, Accepted)
        }
        doubted = {push.token for push, one in zip(pushes, outcomes, strict=True) if isinstance(one, InDoubt)}
        known = {self.token(token) for token in taken}
        assert known <= accepted | doubted
        if self.tells_dead:
            assert accepted <= known
        assert len(taken) == len(known)
