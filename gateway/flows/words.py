"""Chinese words for the closed lists which an answer shows beside their codes (glossary: docs/glossary.md)."""

from __future__ import annotations

from typing import Final, Literal

from inbox_store.nouns import DispatchState, DistributionRole, Duty, InboxState, Sensitivity

PersonalAnswer = Literal["yes", "no", "leave"]
"""What one person says to a meeting notice."""

DISPATCH_ZH: Final[dict[DispatchState, str]] = {
    "held": "待批普发",
    "rejected": "未获批准",
    "sending": "正在发送",
    "sent": "已发出",
}
INBOX_ZH: Final[dict[InboxState, str]] = {
    "to_do": "待办",
    "to_read": "待阅",
    "done": "已办",
    "read": "已阅",
    "withdrawn": "已撤回",
}
DUTY_ZH: Final[dict[Duty, str]] = {"handle": "请示性", "read": "阅知性"}
SENSITIVITY_ZH: Final[dict[Sensitivity, str]] = {
    "public": "公开",
    "internal": "内部",
    "work_secret": "工作秘密",
}
PART_ZH: Final[dict[DistributionRole, str]] = {"to": "主送", "cc": "抄送"}
PERSONAL_ZH: Final[dict[PersonalAnswer, str]] = {"yes": "参加", "no": "不参加", "leave": "请假"}


def yuan(amount_li: int) -> str:
    """An amount in li (0.001 yuan) as yuan: at least two places, the third only where it is not nought."""
    whole, rest = divmod(abs(amount_li), 1000)
    places = f"{rest:03d}"
    return f"{'-' if amount_li < 0 else ''}{whole}.{places[:2] if places.endswith('0') else places}"
