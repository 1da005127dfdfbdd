"""What the simulated carrier knows of each protocol: its dialect, its ids, its numbers, who may be told reports."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, NamedTuple

from push.sms.carrier import ServerDialect
from push.sms.cmpp import CmppServer
from push.sms.sgip import SgipServer
from push.sms.sgip import results as sgip
from push.sms.simulator.ids import CmppIds, Ids, SgipIds, SmgpIds, SmppIds
from push.sms.simulator.player import Codes
from push.sms.smgp import SmgpServer
from push.sms.smgp.results import NOT_PROVEN
from push.sms.smpp import SmppServer, pdu
from push.sms.smpp import results as smpp

Name = Literal["cmpp", "smgp", "smpp", "sgip"]
AnyName = Literal["cmpp", "smgp", "smpp", "sgip", "http"]
"""What a port may speak: a carrier's protocol, or the sample aggregator's HTTP (``http_desk``)."""

NODE: Final = 3_093_300_001
"""The node number of the simulated SMG (sgip §1)."""
_SEND_ONLY: Final = 0


class Spoken(NamedTuple):
    """One protocol as a carrier speaks it."""

    dialect: Callable[[], ServerDialect]
    ids: Callable[[int], Ids]
    """From the instant of the start, UTC microseconds."""
    codes: Codes
    deaf: frozenset[int] = frozenset()
    """Modes of a log-in whose connection takes no reports."""


SPOKEN: Final[dict[Name, Spoken]] = {
    "cmpp": Spoken(
        CmppServer, lambda now: CmppIds(900_001, now), Codes(login=3, throttle=8, refusals=(9, 13))
    ),
    "smgp": Spoken(
        SmgpServer,
        lambda now: SmgpIds("093301", now),
        # The text has no "too fast": 1 (busy) is what carriers use (§7).
        Codes(login=NOT_PROVEN, throttle=1, refusals=(47, 58)),
        frozenset({_SEND_ONLY}),
    ),
    "smpp": Spoken(
        SmppServer,
        SmppIds,
        Codes(smpp.WRONG_PASSWORD, smpp.THROTTLED, (smpp.BAD_DESTINATION, smpp.SYSTEM_ERROR)),
        frozenset({pdu.BIND_TRANSMITTER}),
    ),
    "sgip": Spoken(
        lambda: SgipServer(NODE),
        lambda _now: SgipIds(),
        Codes(sgip.ILLEGAL_LOGIN, sgip.FLOW_ALSO, refusals=(6, 23)),
    ),
}
