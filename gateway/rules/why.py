"""In words: why somebody was, or was not, told of a document. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gateway.rules import alert_policy, sms_policy
from inbox_store.programs.why import ToldBy, ToldOf

STATES_ZH: Final = {
    "waiting": "等待发送",
    "sending": "发送中",
    "accepted": "已发出",
    "delivered": "已送达",
    "failed": "未成功",
    "in_doubt": "结果不明",
    "unreported": "已发出，无状态报告",
    "expired": "过时未发",
    "suppressed": "按规定未发",
    "cancelled": "不再需要",
    "merged": "并入另一条",
}
CHANNELS_ZH: Final = {"sms": "短信", "webpush": "网页推送", "unifiedpush": "推送"}


def order_zh(told: ToldBy) -> str:
    """One order in a sentence."""
    channel = CHANNELS_ZH.get(told.channel, f"{told.channel} 推送")
    device = f"（{told.device}）" if told.device else ""
    reasons = sms_policy.REASONS_ZH if told.channel == "sms" else alert_policy.REASONS_ZH
    word = told.reason.partition(":")[0]
    reason = reasons.get(word, f"代码 {told.reason}" if told.reason else "")
    after = "，未打开才发" if told.until_opened else ""
    return (
        f"{channel}{device}：{STATES_ZH.get(told.state, told.state)}{after}{'，' + reason if reason else ''}"
    )


def summary_zh(told: ToldOf, orders: Sequence[ToldBy]) -> str:
    """The answer in one sentence."""
    if told.state is None:
        return f"{told.name}不是这份文件的收件人，没有提醒"
    if orders:
        return f"{told.name}的收件箱已有此文件，另有 {len(orders)} 条提醒"
    lacks = [
        word for holds, word in ((told.has_number, "手机号码"), (told.devices, "登记的设备")) if not holds
    ]
    because = f"没有{'和'.join(lacks)}" if lacks else "发文时没有勾选短信，策略也没有要求推送或短信"
    return f"{told.name}的收件箱已有此文件，没有其他提醒：{because}"
