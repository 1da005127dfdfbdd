"""Who we are to a gateway of China Unicom (SMG), and what it agreed with us."""

from __future__ import annotations

from typing import Final, Literal, get_args

import msgspec

from push.sms.carrier import Verdict
from push.sms.checks import check_verdicts, fen, member
from push.sms.fields import octets
from push.sms.sgip.results import Codes

Payer = Literal["sp", "receiver"]
"""ChargeNumber: 21 ASCII zeros where we pay, empty where the receiver does."""

NODE_MAX: Final = 0xFFFF_FFFF
"""Node numbers of SPs are above 2^31 and unsigned (§1)."""


def node_number(area: str, enterprise: str) -> int:
    """3AAAAQQQQQ: the long-distance code (0933, 010) as four digits filled up behind (010 is 0100), and the enterprise code of five."""
    if not (area.isdecimal() and len(area) <= 4):
        raise ValueError(f"area: {area!r} is no long-distance code of at most 4 digits")
    if not (enterprise.isdecimal() and len(enterprise) == 5):
        raise ValueError(f"enterprise: {enterprise!r} is no code of 5 digits")
    return int("3" + area.ljust(4, "0") + enterprise)


_TEXTS: Final = {
    "corp_id": 5,
    "login_name": 16,
    "login_password": 16,
    "sp_number": 21,
    "service_type": 10,
    "fee_value": 6,
    "given_value": 6,
}
"""Bytes of each text field."""


class SgipAccount(msgspec.Struct, frozen=True, kw_only=True):
    """An account with an SMG. Raises ValueError naming the field that the protocol cannot carry.

    ``login_name`` and ``login_password`` are those of our connection to the SMG; the ones that the SMG uses on our
    listener are the listener's.
    """

    node: int
    """Our node number, the first part of every sequence."""
    corp_id: str
    login_name: str
    login_password: str
    sp_number: str
    """The access number, where a segment names none."""
    service_type: str = ""
    code_table: Codes = "1.3"
    payer: Payer = "sp"
    fee_type: int = 1
    """0 channel fee only, 1 free, 2 per message, 3 monthly, 4 by SP."""
    fee_value: str = "0"
    """Fen, or empty."""
    given_value: str = "0"
    """Fen, or empty."""
    agent_flag: int = 0
    more_flag: int = 2
    """MorelatetoMTFlag: 2 is a message that no reply has caused; 3 is refused by gateways of 1.3."""
    verdicts: dict[int, Verdict] = {}
    """What the gateway's own results (100 and more) mean; takes precedence over the table."""

    def __post_init__(self) -> None:
        if not 0 < self.node <= NODE_MAX:
            raise ValueError(f"node: {self.node} is no node number")
        for field, size in _TEXTS.items():
            octets(getattr(self, field), size, field)
        _figures(self)
        member("code_table", self.code_table, get_args(Codes))
        member("payer", self.payer, get_args(Payer))
        check_verdicts(self.verdicts)

    def __repr__(self) -> str:
        # Without the password: an account may stand in a log line.
        return f"SgipAccount(node={self.node}, login_name={self.login_name!r}, sp_number={self.sp_number!r})"


def _figures(account: SgipAccount) -> None:
    for field, highest in (("fee_type", 4), ("agent_flag", 1), ("more_flag", 3)):
        if not 0 <= getattr(account, field) <= highest:
            raise ValueError(f"{field}: {getattr(account, field)} is not 0 to {highest}")
    for field in ("fee_value", "given_value"):
        fen(field, getattr(account, field) or "0")
