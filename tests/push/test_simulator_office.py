"""The simulated carrier over real sockets, spoken to by the product's own channels."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from inbox_store.times import system_now
from push.sms.carrier import Heard, Hello, Inbound, Reply, Report, SubmitAnswer, cut
from push.sms.happenings import InDoubt
from push.sms.listener import Caller, Listener, ListenerHandlers
from push.sms.sgip import SgipListener
from push.sms.simulator.office import Plan, opened
from push.sms.simulator.protocols import Name
from push.sms.simulator.script import Script, read_script
from push.sms.simulator.sgip_push import Listening
from push.sms.smpp import SmppAccount, SmppClient
from tests.push.gateway_world import until
from tests.push.simulator_world import (
    ACCOUNTS,
    AT_ONCE,
    NAMES,
    SOURCE,
    Client,
    carrier,
    client_of,
    connected,
    dialect,
    lines_of,
    segment,
)

each = pytest.mark.parametrize("name", NAMES)


def script(text: str) -> Script:
    """A script whose reports leave at once."""
    return read_script(text + AT_ONCE)


async def submit(client: Client, to: str = "13800138000") -> SubmitAnswer:
    """Submit; it must be answered."""
    outcome = await client.link.submit(segment(to))
    assert isinstance(outcome, SubmitAnswer)
    return outcome


@each
async def test_a_message_its_report_and_its_reply(name: Name, tmp_path: Path) -> None:
    """In all four protocols: accepted, on the invoice, reported by its id, answered by the phone."""
    told = script(
        "cases = [{prefix = '1380', reply = '2 张伟'}, {prefix = '1381', failed = 'UNDELIV/029'}]\n"
    )
    file = tmp_path / "detail.csv"
    async with carrier(name, told, file) as office, client_of(name, office.ports[name]) as client:
        good, bad = await submit(client), await submit(client, "13812345678")
        lines = lines_of(file)
        await until(lambda: len(client.came) == 3)
        await until(lambda: office.desk(name).counts["taken"] == 3)
    assert {good.verdict, bad.verdict} == {"accepted"}
    assert [(one.message_id, one.number, one.source, one.segments, one.status) for one in lines] == [
        (good.message_id, "13800138000", SOURCE, 1, "delivered"),
        (bad.message_id, "13812345678", SOURCE, 1, "failed"),
    ]
    assert {(one.message_id, one.to, one.state) for one in client.reports} == {
        (good.message_id, "13800138000", "delivered"),
        (bad.message_id, "13812345678", "failed"),
    }
    if name != "cmpp":  # whose report has no code beside the word
        assert {int(one.error or 0) for one in client.reports} == {0, 29}
    assert [(one.sender, one.source, one.content.decode("utf-16-be")) for one in client.replies] == [
        ("13800138000", SOURCE, "2 张伟")
    ]


@each
async def test_refused_and_throttled(name: Name, tmp_path: Path) -> None:
    """Neither is accepted, neither is on the invoice; the channel reads both as what they are."""
    told = script("cases = [{at = [1], answer = 'refuse'}, {at = [2], answer = 'throttle'}]\n")
    file = tmp_path / "detail.csv"
    async with carrier(name, told, file) as office, client_of(name, office.ports[name]) as client:
        verdicts = [(await submit(client)).verdict for _ in range(3)]
        await until(lambda: len(client.reports) == 1)
    assert verdicts[0] not in {"accepted", "throttled"}
    assert verdicts[1:] == ["throttled", "accepted"]
    assert len(lines_of(file)) == 1


@each
async def test_accepted_and_never_answered(name: Name, tmp_path: Path) -> None:
    """The client is in doubt; the invoice knows, and so does the report."""
    told = script("cases = [{at = [1], answer = 'silent'}, {at = [2], answer = 'ignore'}]\n")
    file = tmp_path / "detail.csv"
    async with carrier(name, told, file) as office, client_of(name, office.ports[name]) as client:
        first, second = await client.link.submit(segment()), await client.link.submit(segment("13800138001"))
        await until(lambda: len(client.reports) == 1)
    assert isinstance(first, InDoubt)
    assert isinstance(second, InDoubt)
    lines = lines_of(file)
    assert [one.number for one in lines] == ["13800138000"]
    assert [one.message_id for one in lines] == [one.message_id for one in client.reports]


@each
async def test_dropped_connections(name: Name, tmp_path: Path) -> None:
    """Cut with the segment taken or not; the report of the taken one waits until the client is back."""
    told = script("cases = [{at = [1], answer = 'drop'}, {at = [2], answer = 'drop_accepted'}]\n")
    file = tmp_path / "detail.csv"
    async with carrier(name, told, file) as office, client_of(name, office.ports[name]) as client:
        for to in ("13800138000", "13800138001"):
            assert isinstance(await client.link.submit(segment(to)), InDoubt)
            await until(lambda: client.link.state.up)
        assert (await submit(client, "13800138002")).verdict == "accepted"
        await until(lambda: len(client.reports) == 2)
        counts = office.desk(name).counts
    assert [one.number for one in lines_of(file)] == ["13800138001", "13800138002"]
    assert {one.to for one in client.reports} == {"13800138001", "13800138002"}
    assert (counts["drop"], counts["drop_accepted"], counts["accept"]) == (1, 1, 1)


@each
async def test_reports_that_misbehave(name: Name) -> None:
    """Lost, twice, contradicting, ahead with a waiting word, overtaken: what the script says is what comes."""
    twists = ("lost", "duplicate", "contradicting", "interim", "reordered")
    cases = ", ".join(f"{{prefix = '1380000000{n}', twists = ['{what}']}}" for n, what in enumerate(twists))
    async with (
        carrier(name, script(f"cases = [{cases}]\n")) as office,
        client_of(name, office.ports[name]) as client,
    ):
        for n in (4, 0, 1, 2, 3, 5):
            await submit(client, f"1380000000{n}")
        await until(lambda: len(client.reports) == 8)
        await until(lambda: office.desk(name).waiting == 0)
    states = {n: [r.state for r in client.reports if r.to == f"1380000000{n}"] for n in range(6)}
    assert states[0] == []
    assert states[1] == ["delivered"] * 2
    assert sorted(states[2]) == ["delivered", "failed"]
    assert sorted(states[3]) == ["delivered", "waiting"]
    assert states[4] == states[5] == ["delivered"]
    assert client.reports[-1].to == "13800000004"


@each
async def test_a_report_before_its_answer(name: Name) -> None:
    """On the wire the report stands in front of the answer whose id it bears."""
    told = script("cases = [{prefix = '1', twists = ['early', 'duplicate']}]\n")
    async with carrier(name, told) as office:
        client = dialect(name, "900001", ACCOUNTS["900001"])(0, 1)
        reader, writer = await asyncio.open_connection("127.0.0.1", office.ports[name])
        heard: list[Heard] = []
        buffer = bytearray()
        now = system_now()
        sequence = client.first_sequence(now)
        for asked in (
            client.hello(sequence, now),
            client.submit(client.next_sequence(sequence, now), segment()),
        ):
            writer.write(asked)
            count = len(heard)
            while len(heard) == count:
                buffer += await reader.read(65536)
                heard += [client.read(frame) for frame in cut(buffer, client)]
        writer.close()
    first, second = heard[1:3]
    assert isinstance(first, Inbound)
    assert isinstance(first.what, Report)
    assert isinstance(second, SubmitAnswer)
    assert first.what.message_id == second.message_id


async def test_who_may_log_in() -> None:
    """A wrong secret and an unknown account are refused with an alarm; two accounts hear their own reports only."""
    async with carrier("cmpp", script("")) as office:
        port = office.ports["cmpp"]
        for account, secret in (("900001", "wrong"), ("900009", "888888")):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3), client_of("cmpp", port, account, secret):
                    pass
        async with client_of("cmpp", port) as one, client_of("cmpp", port, "900002") as two:
            ours = [await submit(one) for _ in range(5)]
            theirs = [await submit(two) for _ in range(4)]
            await until(lambda: len(one.reports) == 5 and len(two.reports) == 4)
    assert {r.message_id for r in one.reports} == {a.message_id for a in ours}
    assert {r.message_id for r in two.reports} == {a.message_id for a in theirs}


async def test_the_rate_of_an_account() -> None:
    """Above the set rate submits are throttled, and only as many as that."""
    async with (
        carrier("cmpp", script("rate_per_s = 50\n")) as office,
        client_of("cmpp", office.ports["cmpp"]) as client,
    ):
        first = [await client.link.submit(segment()) for _ in range(6)]
        assert {one.verdict for one in first if isinstance(one, SubmitAnswer)} == {"accepted"}
        rest = await asyncio.gather(*(client.link.submit(segment()) for _ in range(3)))
        assert "throttled" in {one.verdict for one in rest if isinstance(one, SubmitAnswer)}


async def test_a_phone_writes_when_told_to() -> None:
    """A test or a demo can let a phone write, whatever the script says."""
    async with carrier("smpp", script("")) as office, client_of("smpp", office.ports["smpp"]) as client:
        text = "3 出差".encode("utf-16-be")
        office.desk("smpp").reply(
            "900001", Reply(sender="13800138000", source=SOURCE, content=text, coding="ucs2")
        )
        await until(lambda: len(client.replies) == 1)
    assert client.replies[0].content == text


async def test_sgip_reports_over_the_carriers_own_connection() -> None:
    """The carrier logs in to the office's listener and reports there, not where was submitted."""
    came: list[Inbound] = []

    async def store(inbounds: Sequence[Inbound]) -> None:
        came.extend(inbounds)

    def admit(caller: Caller, hello: Hello) -> tuple[int, str]:
        assert caller.session.permits(hello, "pw")
        return 0, "pw"

    listener = Listener(lambda: SgipListener(3_093_312_345), ListenerHandlers(admit, store))
    await listener.start("127.0.0.1", 0)
    to = {"900001": Listening("127.0.0.1", listener.port, "smg", "pw")}
    plan = Plan(ports={"sgip": 0}, accounts=ACCOUNTS, script=script("[replies]\nshare = 1\n"), listeners=to)
    async with opened(plan) as office, client_of("sgip", office.ports["sgip"]) as client:
        answers = [await submit(client) for _ in range(3)]
        await until(lambda: office.desk("sgip").counts["taken"] == 6)
    await listener.stop()
    assert client.came == []
    assert {one.what.message_id for one in came if isinstance(one.what, Report)} == {
        one.message_id for one in answers
    }


async def test_a_report_that_nobody_took_comes_again() -> None:
    """What the client could not store is sent again over its next connection, before it is given up."""
    async with carrier("cmpp", script("")) as office:
        desk = office.desk("cmpp")
        async with client_of("cmpp", office.ports["cmpp"]) as client:
            client.broken = True
            answered = await submit(client)
            await until(lambda: desk.counts["told"] == 1)
        await until(lambda: desk.waiting == 1)
        async with client_of("cmpp", office.ports["cmpp"]) as client:
            await until(lambda: desk.counts["taken"] == 1)
    assert [one.message_id for one in client.reports] == [answered.message_id]


async def test_a_connection_that_only_sends() -> None:
    """A transmitter hears no reports; they wait for a receiver of the same account."""
    account = SmppAccount(system_id="900001", password="888888", bind="transmitter")
    receiver = msgspec.structs.replace(account, bind="receiver")
    async with carrier("smpp", script("")) as office:
        port = office.ports["smpp"]
        sending = Client("smpp", port, lambda _lane, _lanes: SmppClient(account))
        async with connected(sending):
            answered = await submit(sending)
            await until(lambda: office.desk("smpp").waiting == 1)
            hearing = Client("smpp", port, lambda _lane, _lanes: SmppClient(receiver))
            async with connected(hearing):
                await until(lambda: len(hearing.reports) == 1)
    assert sending.reports == []
    assert hearing.reports[0].message_id == answered.message_id


@each
async def test_all_at_once(name: Name, tmp_path: Path) -> None:
    """However a carrier misbehaves: what was answered as accepted, or is reported, stands on the invoice, once."""
    told = script(
        "cases = [{at = [40, 90], answer = 'drop_accepted'}, {at = [60], answer = 'drop'}]\n"
        "[answers]\nrefuse = 0.05\nthrottle = 0.05\nsilent = 0.02\nignore = 0.02\n"
        "[reports]\nfailed = 0.2\nlost = 0.1\nearly = 0.1\ninterim = 0.1\nduplicate = 0.1\ncontradicting = 0.1\n"
    )
    file = tmp_path / "detail.csv"
    async with carrier(name, told, file) as office, client_of(name, office.ports[name]) as client:
        outcomes = []
        for batch in range(15):
            await until(lambda: client.link.state.up)
            group = (client.link.submit(segment(f"138{batch * 10 + n:08}")) for n in range(10))
            outcomes += await asyncio.gather(*group)
        counts = office.desk(name).counts
        await until(lambda: office.desk(name).waiting == 0)
    ids = [one.message_id for one in lines_of(file)]
    accepted = {
        one.message_id for one in outcomes if isinstance(one, SubmitAnswer) and one.verdict == "accepted"
    }
    assert len(ids) == len(set(ids)) == counts["segments"] > len(accepted) > 60
    assert accepted <= set(ids)
    assert {one.message_id for one in client.reports} <= set(ids)
    assert len(client.reports) > 60
