"""What SMGP's Status means to us (§7)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from push.sms.carrier import Verdict

_OF: Final[dict[Verdict, tuple[int, ...]]] = {
    "accepted": (0,),
    # 1 busy, 2 too many connections; 74 not at this hour, 75 over the daily volume: the number is right, the time is not.
    "retry": (1, 2, 74, 75),
    "repeated": (12,),
    # The account: address, secret, version, fees, business code, our number, who pays, SP code, product, expired.
    "misconfigured": (20, 21, 22, 32, 33, 40, 43, 46, 48, 49, 69, 73, 76),
    "bad_number": (47,),
    # 39 route, 58 no matching route.
    "unserved": (39, 58),
}

_TABLE: Final[dict[int, Verdict]] = {code: verdict for verdict, codes in _OF.items() for code in codes}

STATUS: Final = {
    1: "网关忙",
    2: "连接数已满",
    10: "报文结构错误",
    20: "接入 IP 未登记",
    21: "认证失败：账号或密钥不对",
    22: "版本太高",
    76: "账号已过期",
}
"""Why a log-in was refused, for the operator."""

NOT_PROVEN: Final = 21

ALARMING: Final = frozenset({20, 21, 22, 76})
"""Refusals that trying again soon does not mend (§8)."""


def verdicts(throttle_codes: Iterable[int], own: dict[int, Verdict]) -> dict[int, Verdict]:
    """The table of statuses for a channel; what it does not name is ``failed``."""
    return {**_TABLE, **dict.fromkeys(throttle_codes, "throttled"), **own}
