"""A simulated carrier on real sockets, and the product's own channels towards it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from push.sms.bucket import Pace
from push.sms.carrier import Inbound, Reply, Report, Segment
from push.sms.cmpp import CmppAccount, CmppClient
from push.sms.happenings import SessionRules
from push.sms.link import ChannelLink
from push.sms.ports import Address, Dialects, Handlers, LinkLimits, LinkState
from push.sms.sgip import SgipAccount, SgipClient
from push.sms.simulator.office import Office, Plan, opened
from push.sms.simulator.protocols import Name
from push.sms.simulator.script import Script
from push.sms.smgp import SmgpAccount, SmgpClient
from push.sms.smpp import SmppAccount, SmppClient
from sms_billing.detail import DetailFormat, DetailLine, decoded, read_detail
from tests.push.gateway_world import until

NAMES: tuple[Name, ...] = ("cmpp", "smgp", "smpp", "sgip")
ACCOUNTS = {"900001": "888888", "900002": "999999"}
SOURCE = "10657333"
AT_ONCE = "[delays]\nreport = [0, 0]\nlate = [0, 0]\nreordered = [30, 30]\nagain = [1, 1]\nreply = [0, 0]\n"
"""Nothing waits for the clock but what must be overtaken."""

QUICK = SessionRules(window=16, answer_timeout_s=0.3, goodbye_timeout_s=1, leave_timeout_s=0.5)
FAST = Pace(rate_per_s=100_000)
_SGIP_NODE = 3_093_312_345


def dialect(name: Name, account: str, secret: str) -> Dialects:
    """The product's client for a protocol."""
    if name == "cmpp":
        mobile = CmppAccount(sp_id=account, secret=secret)
        return lambda _lane, _lanes: CmppClient(mobile)
    if name == "smgp":
        telecom = SmgpAccount(client_id=account, secret=secret, throttle_codes=(1,))
        return lambda _lane, _lanes: SmgpClient(telecom)
    if name == "smpp":
        smsc = SmppAccount(system_id=account, password=secret)
        return lambda _lane, _lanes: SmppClient(smsc)
    unicom = SgipAccount(
        node=_SGIP_NODE, corp_id="12345", login_name=account, login_password=secret, sp_number=SOURCE
    )
    return lambda lane, lanes: SgipClient(unicom, lane, lanes)


async def _no_pause(_seconds: float) -> None:
    """Come back at once."""
    await asyncio.sleep(0)


class Client:
    """A channel and all that came over it."""

    def __init__(self, name: str, port: int, dialects: Dialects) -> None:
        self.broken = False
        self.came: list[Inbound] = []
        self.states: list[LinkState] = []
        self.link = ChannelLink(
            name,
            dialects,
            Address("127.0.0.1", port),
            LinkLimits(session=QUICK, pace=FAST),
            Handlers(self.store, self.states.append),
            pause=_no_pause,
        )

    async def store(self, inbounds: Sequence[Inbound]) -> None:
        """Keep what came, or fail."""
        if self.broken:
            raise OSError("disk full")
        self.came += inbounds

    @property
    def reports(self) -> list[Report]:
        """Reports in the order they came."""
        return [one.what for one in self.came if isinstance(one.what, Report)]

    @property
    def replies(self) -> list[Reply]:
        """Replies in the order they came."""
        return [one.what for one in self.came if isinstance(one.what, Reply)]


@asynccontextmanager
async def connected(client: Client) -> AsyncIterator[Client]:
    """The channel, up."""
    await client.link.start()
    try:
        await until(lambda: client.link.state.up)
        yield client
    finally:
        await client.link.stop()


@asynccontextmanager
async def client_of(
    name: Name, port: int, account: str = "900001", secret: str = ""
) -> AsyncIterator[Client]:
    """A channel that is up."""
    async with connected(Client(name, port, dialect(name, account, secret or ACCOUNTS[account]))) as client:
        yield client


@asynccontextmanager
async def carrier(name: Name, script: Script, detail: Path | None = None) -> AsyncIterator[Office]:
    """One protocol's carrier."""
    async with opened(Plan(ports={name: 0}, accounts=ACCOUNTS, script=script, detail=detail)) as office:
        yield office


def segment(to: str = "13800138000", text: str = "请于今日18时前报送") -> Segment:
    """What an office sends."""
    return Segment(to=to, source=SOURCE, content=text.encode("utf-16-be"), coding="ucs2")


def lines_of(path: Path) -> list[DetailLine]:
    """The invoice as finance reads it; every line must be readable."""
    with path.open("rb") as file:
        lines = list(read_detail(decoded(file), DetailFormat()))
    assert all(isinstance(one, DetailLine) for one in lines)
    return [one for one in lines if isinstance(one, DetailLine)]
