"""What SGIP's Result and ErrorCode mean for us, by the table of 1.2 (2001) or of 1.3 (2009): the layouts are the same."""

from __future__ import annotations

from typing import Final, Literal

from push.sms.carrier import ReportState, Verdict

Codes = Literal["1.2", "1.3"]

OK: Final = 0
ILLEGAL_LOGIN: Final = 1
LOGIN_REPEATED: Final = 2
TOO_MANY: Final = 3
WRONG_TYPE: Final = 4
UNKNOWN_COMMAND: Final = 7
BUSY: Final = 11
FLOW: Final = 33
FLOW_ALSO: Final = 88

LOGIN_ALARMS: Final = frozenset((ILLEGAL_LOGIN, TOO_MANY, WRONG_TYPE, 34))
"""Log-ins refused for what a quick second try does not mend: wait at least 60 s (§5)."""

_BOTH: Final[dict[int, Verdict]] = {
    0: "accepted",
    1: "misconfigured",
    4: "misconfigured",
    6: "bad_number",
    9: "repeated",
    BUSY: "throttled",
    21: "unserved",
    22: "unserved",
    23: "unserved",
    29: "bad_number",
}
_VERDICTS: Final[dict[Codes, dict[int, Verdict]]] = {
    "1.2": _BOTH | {FLOW_ALSO: "throttled"},
    # 13: the service type is not known to the gateway, 14: its fee is above the declared one - so is every message's.
    "1.3": _BOTH | {13: "misconfigured", 14: "misconfigured", FLOW: "throttled", FLOW_ALSO: "throttled"},
}

_NAMES: Final[dict[int, str]] = {
    0: "成功",
    1: "非法登录：登录名或口令不对",
    2: "重复登录",
    3: "连接过多",
    4: "登录类型不对",
    5: "参数格式错误",
    6: "手机号码非法",
    7: "命令字非法",
    8: "消息长度错误",
    9: "序列号非法或重复",
    10: "GNS 操作非法",
    11: "节点忙",
    21: "目的节点不可达",
    22: "路由错误",
    23: "没有路由",
    24: "计费号码无效",
    25: "用户不在服务区",
    26: "手机存储已满",
    27: "手机不支持短信",
    28: "手机接收出错",
    29: "用户不存在",
    30: "不提供此功能",
    31: "设备非法",
    32: "系统失败",
    33: "短信中心队列已满",
    88: "流量控制",
}
_NAMES_13: Final[dict[int, str]] = _NAMES | {
    13: "业务代码不存在",
    14: "资费高于报备",
    17: "LinkID 不符",
    18: "用户未订购",
    19: "接收号码多于一个",
    32: "消息结构错误",
    33: "超过本秒流量",
    34: "一分钟内登录过多",
    38: "下行条数不符",
    39: "第三方付费",
    40: "不接受系统下行标志",
    43: "网站指令",
    44: "提醒被拦截",
    95: "不接受包月话单",
    106: "未订购",
    108: "已暂停",
    110: "黑名单",
    114: "接收号码多于一个",
    182: "超过当日上限",
}
"""112 and 113 are listed twice with different meanings, so that they have none here."""

_STATES: Final[dict[int, ReportState]] = {0: "delivered", 1: "waiting", 2: "failed"}
STATE_NUMBERS: Final[dict[ReportState, int]] = {state: number for number, state in _STATES.items()}


def verdicts(codes: Codes, own: dict[int, Verdict]) -> dict[int, Verdict]:
    """The table of Results for a channel; what it does not name is ``failed``."""
    return {**_VERDICTS[codes], **own}


def verdict(code: int, codes: Codes) -> Verdict:
    """What a Result or an ErrorCode means; only 11, 88 and 33 of 1.3 are not final (§4)."""
    return _VERDICTS[codes].get(code, "failed")


def name(code: int, codes: Codes) -> str:
    """The code with its name, for an operator."""
    known = (_NAMES if codes == "1.2" else _NAMES_13).get(code)
    return f"{known}（{code}）" if known else f"错误 {code}"


def state_of(number: int) -> ReportState | None:
    """What the State of a REPORT means; None for a number that no text has."""
    return _STATES.get(number)
