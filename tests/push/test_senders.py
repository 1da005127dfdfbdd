"""The senders that ship with the product, each held to the contract."""

from __future__ import annotations

from push.sms.bucket import Pace
from push.sms.carrier_sender import CarrierSender
from push.sms.happenings import SessionRules
from push.sms.link import ChannelLink
from push.sms.ports import Address, Handlers, LinkLimits
from push.sms.sample_http import HttpAccount, HttpLimits, HttpSender
from push.sms.sender import Sender
from push.sms.simulator.protocols import Name
from push.sms.text import MAINLAND
from tests.push.gateway_world import House
from tests.push.sender_contract import WINDOW, SenderContract
from tests.push.simulator_world import ACCOUNTS, FAST, dialect

ACCOUNT = "900001"


class TestHttp(SenderContract):
    """The sample channel over HTTP."""

    name = "http"

    def make(self, port: int) -> Sender:
        """Towards the simulated aggregator."""
        url = f"http://127.0.0.1:{port}/messages"
        account = HttpAccount(account=ACCOUNT, secret=ACCOUNTS[ACCOUNT], url=url)
        limits = HttpLimits(
            window=WINDOW, pace=FAST, answer_timeout_s=0.3, connect_timeout_s=2, stop_timeout_s=2
        )
        return HttpSender("http", account, limits)


class Carrier(SenderContract):
    """A carrier's protocol; its subclasses say which."""

    name: Name

    def make(self, port: int) -> Sender:
        """Towards the simulated carrier."""
        house = House()
        rules = SessionRules(window=WINDOW, answer_timeout_s=0.3, leave_timeout_s=0.5, goodbye_timeout_s=0.5)
        link = ChannelLink(
            self.name,
            dialect(self.name, ACCOUNT, ACCOUNTS[ACCOUNT]),
            Address("127.0.0.1", port),
            LinkLimits(session=rules, pace=Pace(rate_per_s=100_000), stop_timeout_s=2),
            Handlers(house.store),
            pause=house.pause,
        )
        return CarrierSender(link, MAINLAND)


class TestCmpp(Carrier):
    """China Mobile."""

    name = "cmpp"


class TestSmgp(Carrier):
    """China Telecom."""

    name = "smgp"


class TestSmpp(Carrier):
    """Networks abroad and many aggregators."""

    name = "smpp"


class TestSgip(Carrier):
    """China Unicom."""

    name = "sgip"
