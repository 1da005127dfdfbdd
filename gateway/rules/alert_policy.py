"""Who is alerted how: whether an alert may leave to a device now, when a message follows it, and why. Pure.

A live client that has taken the entry (an ack) needs no push; who has opened the document needs nothing more. Everything
is judged when it leaves, never when it was ordered. Times of the day are those of Asia/Shanghai.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Literal

from gateway.rules.sms_policy import MINUTE_US, PRESSING, SmsRules, quiet_until
from inbox_store.nouns import Noun
from inbox_store.pushes import PushDecision, PushFacts, PushGo, PushStop, PushWait

VERSION: Final = "1"
"""Stands beside every alert with the rules it was made by; changed with each change of meaning here."""

ASKS: Final = frozenset({"urge", "red_light", "reminder", "code", "operator"})
"""Alerts that are about something already known: an ack of the entry says nothing about them."""

REASONS_ZH: Final[Mapping[str, str]] = MappingProxyType(
    {
        "recalled": "公文已撤回，不再提醒",
        "expired": "已过有效时间，不再提醒",
        "acked": "电脑或手机已在线收到，不再推送",
        "opened": "本人已打开，不再提醒",
        "device_gone": "设备已移除或失效",
        "preference": "本人不接收平件推送",
        "quiet_hours": "免打扰时段，暂缓推送",
        "digest": "与其他提醒合并发送",
        "merged": "已并入同一条提醒",
        "tries": "多次推送未成功",
        "stopped": "推送时服务中断，结果不明",
    }
)


class AlertRules(Noun, frozen=True, kw_only=True):
    """An office's policy of alerts. ``quiet_*`` as in ``SmsRules``."""

    quiet_from: int = 0
    quiet_to: int = 0
    ack_grace_s: int = 10
    """So long a live client has to take the entry before the push leaves."""
    sms_after: Mapping[str, int] = MappingProxyType({"flash": 5, "extra_urgent": 15})
    """By urgency: minutes without an opening after which a message follows; without an entry none does."""
    tries_max: int = 8

    @property
    def words(self) -> str:
        """The rules as they are kept with an alert."""
        after = ",".join(f"{urgency}={minutes}" for urgency, minutes in sorted(self.sms_after.items()))
        return (
            f"{VERSION};quiet={self.quiet_from}-{self.quiet_to};grace={self.ack_grace_s};sms={after or '-'}"
        )


NO_ESCALATION: Final = AlertRules(sms_after=MappingProxyType({}))
"""No message follows anything."""


def judge_push(facts: PushFacts, now: int, rules: AlertRules) -> PushDecision:
    """What becomes of an order at ``now`` (UTC microseconds). The first reason that applies is the one told."""
    if reason := _pointless(facts, now, rules):
        return reason
    pressing = facts.urgency in PRESSING
    if not pressing and facts.priority >= 2 and not facts.push_ordinary and facts.kind not in ASKS:
        return PushStop(state="cancelled", reason="preference")
    wait = None if pressing else _early(facts, now, rules)
    if wait is None:
        return PushGo(merged=facts.waiting if _mergeable(facts) else 1)
    if wait.until >= facts.expires_at:
        return PushStop(state="expired", reason=wait.reason)
    return wait


def _mergeable(facts: PushFacts) -> bool:
    return facts.priority >= 2 and facts.waiting > 1 and facts.digest_minutes > 0


def _pointless(facts: PushFacts, now: int, rules: AlertRules) -> PushStop | None:
    """Nobody would have anything of it."""
    known = facts.kind not in ASKS
    reasons: tuple[tuple[object, Literal["cancelled", "expired", "failed"], str], ...] = (
        (facts.recalled, "cancelled", "recalled"),
        (facts.expires_at <= now, "expired", "expired"),
        (facts.gone, "failed", "device_gone"),
        (facts.opened and known, "cancelled", "opened"),
        (facts.acked and known, "cancelled", "acked"),
        (facts.tries >= rules.tries_max, "failed", "tries"),
    )
    return next((PushStop(state=state, reason=reason) for holds, state, reason in reasons if holds), None)


def _early(facts: PushFacts, now: int, rules: AlertRules) -> PushWait | None:
    """Why an ordinary or urgent alert has to wait: the office's quiet hours, the person's own, a digest."""
    for start, end in ((rules.quiet_from, rules.quiet_to), (facts.quiet_from, facts.quiet_to)):
        until = quiet_until(now, SmsRules(quiet_from=start, quiet_to=end))
        if until is not None:
            return PushWait(until=until, reason="quiet_hours")
    if facts.priority < 2 or facts.kind in ASKS or not facts.digest_minutes or facts.tries:
        return None
    # Windows lie still: an alert waits for the end of the one it was made in, and whatever else came in it is told with it.
    window = facts.digest_minutes * MINUTE_US
    end = (facts.created_at // window + 1) * window
    return PushWait(until=end, reason="digest") if now < end else None


def sms_due(urgency: str, now: int, rules: AlertRules) -> int | None:
    """When a message follows an alert that nobody opened, UTC microseconds; None where none does."""
    minutes = rules.sms_after.get(urgency)
    return None if minutes is None else now + minutes * MINUTE_US


def mail_due(urgency: str, now: int, digest_minutes: int) -> tuple[int, bool]:
    """When a mail leaves, and whether it waits for others: ordinary ones at the end of the window that ``now`` lies in."""
    if urgency in PRESSING or not digest_minutes:
        return now, False
    window = digest_minutes * MINUTE_US
    return (now // window + 1) * window, True
