"""The four carriers' protocols over real sockets: log-in, a long message, its reports, a reply, the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import NamedTuple

import pytest

from push.sms.bucket import Pace
from push.sms.carrier import (
    ClientDialect,
    Hello,
    Inbound,
    Reply,
    Report,
    Segment,
    ServerDialect,
    SubmitAnswer,
    Submitted,
)
from push.sms.cmpp import CmppAccount, CmppClient, CmppServer
from push.sms.happenings import SessionRules
from push.sms.link import ChannelLink
from push.sms.listener import Caller, Listener, ListenerHandlers
from push.sms.ports import Address, Handlers, LinkLimits
from push.sms.sgip import SgipAccount, SgipCarrierClient, SgipClient, SgipListener, SgipServer
from push.sms.smgp import SmgpAccount, SmgpClient, SmgpServer
from push.sms.smpp import SmppAccount, SmppClient, SmppServer
from push.sms.text import Part, header
from tests.push.gateway_world import until

SECRET = "s3cret"
NODE = 3093312345
AT = 1_764_000_000_000_000


class Carrier(NamedTuple):
    """Both sides of a protocol, and how its ids are written."""

    client: Callable[[int, int], ClientDialect]
    server: Callable[[], ServerDialect]
    message_id: str


CMPP = CmppAccount(sp_id="900001", secret=SECRET)
SMGP = SmgpAccount(client_id="10690000", secret=SECRET)
SMPP = SmppAccount(system_id="oaclient", password=SECRET)
SGIP = SgipAccount(
    node=NODE, corp_id="12345", login_name="oaclient", login_password=SECRET, sp_number="10655333"
)
CARRIERS = {
    "cmpp": Carrier(lambda _lane, _lanes: CmppClient(CMPP), CmppServer, "{:016x}"),
    "smgp": Carrier(lambda _lane, _lanes: SmgpClient(SMGP), SmgpServer, "{:020d}"),
    "smpp": Carrier(lambda _lane, _lanes: SmppClient(SMPP), SmppServer, "{:x}"),
    "sgip": Carrier(lambda lane, lanes: SgipClient(SGIP, lane, lanes), lambda: SgipServer(105331), ""),
}


class Far:
    """A gateway that accepts all, and reports each at once where it is connected to."""

    def __init__(self, carrier: Carrier, *, reports: bool) -> None:
        self.carrier = carrier
        self.reports = reports
        self.heard: list[Segment] = []
        self.listener = Listener(carrier.server, ListenerHandlers(self.admit, submitted=self.submitted))

    def admit(self, caller: Caller, hello: Hello) -> tuple[int, str]:
        """Whoever knows the secret."""
        return (0 if caller.session.permits(hello, SECRET) else 3), SECRET

    def submitted(self, caller: Caller, asked: Submitted) -> None:
        """Accept, report."""
        self.heard.append(asked.segment)
        message_id = self.carrier.message_id.format(len(self.heard))
        caller.answer(asked, message_id, 0)
        if self.reports:
            caller.report(delivered(message_id), asked.segment.source, AT)


def delivered(message_id: str) -> Report:
    """A delivery report."""
    return Report(message_id=message_id, to="13800138000", state="delivered", stat="DELIVRD", done_at=AT)


def long_message() -> list[Segment]:
    """Three segments behind headers."""
    return [
        Segment(
            to="13800138000",
            source="10655333",
            content=header(Part(reference=42, total=3, number=number)) + "会议".encode("utf-16-be") * 20,
            coding="ucs2",
            header=True,
            total=3,
            number=number,
        )
        for number in (1, 2, 3)
    ]


class House:
    """What came."""

    def __init__(self) -> None:
        self.inbounds: list[Inbound] = []

    async def store(self, inbounds: Sequence[Inbound]) -> None:
        """Keep it."""
        self.inbounds += inbounds

    def ids(self) -> list[str]:
        """The ids of the reports."""
        return [one.what.message_id for one in self.inbounds if isinstance(one.what, Report)]


def link_to(name: str, port: int, client: Callable[[int, int], ClientDialect], house: House) -> ChannelLink:
    """A link without limits that matter."""
    limits = LinkLimits(session=SessionRules(window=4), connections=2, pace=Pace(rate_per_s=1e6))
    return ChannelLink(name, client, Address("127.0.0.1", port), limits, Handlers(house.store))


@pytest.mark.parametrize("name", CARRIERS)
async def test_a_long_message_and_its_reports(name: str) -> None:
    """Each protocol logs in, submits in order, and is told each segment's id again by its report."""
    carrier, house = CARRIERS[name], House()
    far = Far(carrier, reports=name != "sgip")
    await far.listener.start("127.0.0.1", 0)
    link = link_to(name, far.listener.port, carrier.client, house)
    await link.start()
    await until(lambda: link.state.up)
    found = await link.submit_all(long_message())
    assert [one.verdict for one in found if isinstance(one, SubmitAnswer)] == ["accepted"] * 3
    ids = [one.message_id for one in found if isinstance(one, SubmitAnswer)]
    assert len(set(ids)) == 3
    if name != "sgip":
        await until(lambda: house.ids() == ids)
    if name != "smpp":
        assert [one.content for one in far.heard] == [one.content for one in long_message()]
    assert [one.to for one in far.heard] == ["13800138000"] * 3
    await link.stop()
    assert not far.listener.callers
    await far.listener.stop()


async def test_sgip_reports_over_a_connection_of_its_own() -> None:
    """The id is known before the submit leaves; the carrier logs in to our listener and quotes it."""
    house, carrier = House(), CARRIERS["sgip"]
    far = Far(carrier, reports=False)
    handlers = ListenerHandlers(
        lambda caller, hello: (0 if caller.session.permits(hello, "ours") else 1, "ours"), house.store
    )
    ours = Listener(lambda: SgipListener(NODE), handlers)
    async with AsyncExitStack() as stack:
        for listener in (far.listener, ours):
            await listener.start("127.0.0.1", 0)
            stack.push_async_callback(listener.stop)
        link = link_to("sgip", far.listener.port, carrier.client, house)
        smg = SgipCarrierClient(105331, "smg", "ours")
        back = link_to("smg", ours.port, lambda _lane, _lanes: smg, House())
        for one in (link, back):
            await one.start()
            stack.push_async_callback(one.stop)
        await until(lambda: link.state.up and back.state.up)
        (sequence, message_id), *_ = link.own_ids(1)
        answer = await link.submit(long_message()[0], sequence=sequence)
        assert isinstance(answer, SubmitAnswer)
        assert answer.message_id == message_id
        reply = Reply(sender="13800138000", source="1065533312", content=b"1", coding="ascii")
        told = await back.submit_all(
            [
                lambda _dialect, sequence: smg.report(sequence, delivered(message_id), "", AT),
                lambda _dialect, sequence: smg.reply(sequence, reply, ""),
            ]
        )
        assert [getattr(one, "ok", None) for one in told] == [True, True]
    assert house.ids() == [message_id]
    assert [one.what.content for one in house.inbounds if isinstance(one.what, Reply)] == [b"1"]


@pytest.mark.parametrize("name", CARRIERS)
async def test_a_wrong_secret_is_an_alarm(name: str) -> None:
    """The gateway's refusal reaches the operator, and nothing is sent."""
    carrier = CARRIERS[name]
    codes = {"cmpp": 3, "smgp": 21, "smpp": 0x0E, "sgip": 1}
    handlers = ListenerHandlers(lambda _caller, _hello: (codes[name], SECRET))
    listener = Listener(carrier.server, handlers)
    await listener.start("127.0.0.1", 0)
    link = link_to(name, listener.port, carrier.client, House())
    await link.start()
    await until(lambda: link.state.why == "refused")
    assert link.state.alarm
    await link.stop()
    await listener.stop()
