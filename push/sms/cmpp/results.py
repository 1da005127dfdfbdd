"""What CMPP's numbers mean to us: Result of an answer (§5), Status of a log-in (§4)."""

from __future__ import annotations

from typing import Final

from push.sms.carrier import Verdict

_COMMON: Final[dict[int, Verdict]] = {
    0: "accepted",
    1: "failed",
    2: "failed",
    3: "repeated",
    4: "failed",
    5: "misconfigured",
    6: "failed",
    7: "misconfigured",
    8: "throttled",
    # 2.0 calls it "other error"; the sheet's reaction is the same for both: try another channel.
    9: "unserved",
}

# Results that 3.0 added and 2.1 gateways send too; 2.0 reserves them.
_LATER: Final[dict[int, Verdict]] = {
    10: "misconfigured",
    11: "misconfigured",
    12: "misconfigured",
    13: "bad_number",
}

STATUS: Final = {
    1: "报文结构错误",
    2: "源地址非法：企业代码或接入 IP 未登记",
    3: "认证失败：企业代码或密钥不对",
    4: "版本太高",
}
"""Why a log-in was refused, for the operator."""

ALARMING: Final = frozenset({2, 3, 4})
"""Refusals that trying again soon does not mend (§10)."""


def verdicts(version: int, own: dict[int, Verdict]) -> dict[int, Verdict]:
    """The table of results for a channel; what it does not name is ``failed`` (reserved, or unknown to us)."""
    later = {} if version == 0x20 else _LATER
    return {**_COMMON, **later, **own}
