"""Whether a short message may leave now: what stops it for good, what makes it wait, what passes all the same.

Judged when it leaves, never when it was ordered (sms-charges 4.4): a county may be switched off, a document taken back
and a reminder be too late by then. Times of the day are those of Asia/Shanghai.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from inbox_store.messages import Facts, Stop, Wait
from inbox_store.nouns import Noun
from inbox_store.times import DAY_US, US, day_of, day_start

MINUTE_US: Final = 60 * US
DAY_MINUTES: Final = 24 * 60

PRESSING: Final = frozenset({"flash", "extra_urgent"})
"""特提 and 特急: neither quiet hours nor caps nor a refused class hold them up."""

WAKING_KINDS: Final = frozenset({"code", "operator"})
"""Somebody waits for it this minute, or is on duty: quiet hours, caps and refusals do not count."""

TTL_MINUTES: Final[Mapping[str, int]] = MappingProxyType(
    {
        "arrival": 1440,
        "urge": 240,
        "red_light": 240,
        "reminder": 60,
        "code": 5,
        "drill": 240,
        "operator": 60,
    }
)
"""How long an alert of each kind is worth sending, in minutes (faults.md 9): a nine o'clock reminder is never sent at eleven."""

REASONS_ZH: Final[Mapping[str, str]] = MappingProxyType(
    {
        "recalled": "公文已撤回，不再发送",
        "expired": "已过有效时间，不再发送",
        "done": "催办的事项已经办理，不再发送",
        "opened": "本人已打开，不再提醒",
        "preference": "本人不接收平件短信",
        "no_number": "没有登记手机号码",
        "bad_number": "手机号码多次无法送达，已停用，请核对",
        "refused": "本人已退订此类短信",
        "switched_off": "所在县区短信提醒功能已关闭",
        "tries": "多次发送未成功，不再重发",
        "quiet_hours": "免打扰时段，暂缓发送",
        "person_cap": "此人当日短信已达上限",
        "unit_cap": "发文单位当日短信已达上限",
    }
)
"""What a person reads for a reason; it stands beside an order that waits, and beside one that will never leave."""

_PRIORITIES: Final[Mapping[str, int]] = {"flash": 0, "extra_urgent": 0, "urgent": 1}
_ORDINARY: Final = 2
_BULK: Final = 3

_RECALLED: Final = Stop(state="cancelled", reason="recalled")
_DONE: Final = Stop(state="cancelled", reason="done")
_EXPIRED: Final = Stop(state="expired", reason="expired")
_OPENED: Final = Stop(state="cancelled", reason="opened")
_PREFERENCE: Final = Stop(state="cancelled", reason="preference")
_NO_NUMBER: Final = Stop(state="failed", reason="no_number")
_BAD_NUMBER: Final = Stop(state="failed", reason="bad_number")
_REFUSED: Final = Stop(state="suppressed", reason="refused")
_SWITCHED_OFF: Final = Stop(state="suppressed", reason="switched_off")
_TRIES: Final = Stop(state="failed", reason="tries")


class SmsRules(Noun, frozen=True, kw_only=True):
    """An office's policy. Raises ValueError for what no day and no cap can be.

    Quiet hours are minutes after midnight: from the first, until before the second; equal: none; they may span midnight.
    """

    quiet_from: int = 0
    quiet_to: int = 0
    person_day: int = 0
    """Messages a person gets a day; 0: no cap."""
    unit_day: int = 0
    """Messages a unit causes a day; 0: no cap."""
    urgent_override: bool = False
    """What is extra urgent leaves although the county is switched off, and the city pays (sms-charges 4.4)."""
    tries_max: int = 5
    """So often a message is handed to a carrier."""

    def __post_init__(self) -> None:
        for field in ("quiet_from", "quiet_to"):
            if not 0 <= getattr(self, field) < DAY_MINUTES:
                raise ValueError(f"{field}: {getattr(self, field)} is no minute of the day, 0 to 1439")
        for field, least in (("person_day", 0), ("unit_day", 0), ("tries_max", 1)):
            if getattr(self, field) < least:
                raise ValueError(f"{field}: {getattr(self, field)} is below {least}")


class Leave(Noun, frozen=True, kw_only=True):
    """It may leave now. ``overridden``: its county is switched off, and it leaves at the city's cost."""

    overridden: bool = False


_FREE: Final = Leave()
_OVERRIDDEN: Final = Leave(overridden=True)


def judge(facts: Facts, now: int, rules: SmsRules) -> Wait | Stop | Leave:
    """What becomes of an order at ``now`` (UTC microseconds). The first reason that applies is the one told.

    A wait that would end too late is told at once as expired, for its reason: nobody waits for what never comes.
    """
    stop = _pointless(facts, now) or _unwanted(facts, rules)
    if stop is not None:
        return stop
    wait = None if facts.urgency in PRESSING else _early(facts, now, rules)
    if wait is None:
        return _OVERRIDDEN if facts.off or facts.to_off else _FREE
    if wait.until >= facts.expires_at:
        return Stop(state="expired", reason=wait.reason)
    return wait


def expires_at(kind: str, created_at: int, ttl_minutes: Mapping[str, int] = TTL_MINUTES) -> int:
    """When an alert is too late; of kinds that ``ttl_minutes`` leaves out, the shipped time holds. KeyError: no kind."""
    minutes = ttl_minutes[kind] if kind in ttl_minutes else TTL_MINUTES[kind]
    return created_at + minutes * MINUTE_US


def priority_of(urgency: str, kind: str) -> int:
    """0 extra urgent and codes, 1 urgent, 2 ordinary, 3 drills: a drill never stands before what is meant."""
    if kind == "drill":
        return _BULK
    return 0 if kind == "code" else _PRIORITIES.get(urgency, _ORDINARY)


def quiet_until(now: int, rules: SmsRules) -> int | None:
    """The end of the quiet hours that ``now`` lies in; None outside."""
    midnight = day_start(day_of(now))
    minute = (now - midnight) // MINUTE_US
    start, end = rules.quiet_from, rules.quiet_to
    if start <= end:
        return midnight + end * MINUTE_US if start <= minute < end else None
    if minute < end:
        return midnight + end * MINUTE_US
    return midnight + DAY_US + end * MINUTE_US if minute >= start else None


def _pointless(facts: Facts, now: int) -> Stop | None:
    """Nobody would have anything of it."""
    if facts.recalled:
        return _RECALLED
    if facts.expires_at <= now:
        return _EXPIRED
    if facts.done:
        return _DONE
    if facts.until_opened and facts.opened:
        return _OPENED
    if facts.phone_sealed is None:
        return _NO_NUMBER
    return _BAD_NUMBER if facts.bad else None


def _unwanted(facts: Facts, rules: SmsRules) -> Stop | None:
    """The person or the county does not want it, or it was tried often enough."""
    pressing = facts.urgency in PRESSING
    if not pressing and facts.kind not in WAKING_KINDS and facts.kind in _kinds(facts.refused):
        return _REFUSED
    if not pressing and facts.until_opened and not facts.sms_ordinary:
        return _PREFERENCE
    if (facts.off or facts.to_off) and not (pressing and rules.urgent_override):
        return _SWITCHED_OFF
    return _TRIES if facts.tries >= rules.tries_max else None


def _kinds(refused: str) -> list[str]:
    return [kind.strip() for kind in refused.split(",")]


def _early(facts: Facts, now: int, rules: SmsRules) -> Wait | None:
    """Why it has to wait. A message that was tried before was counted then, and is not held by a cap again."""
    if facts.kind in WAKING_KINDS:
        return None
    until = quiet_until(now, rules)
    if until is not None:
        return Wait(until=until, reason="quiet_hours")
    if facts.tries:
        return None
    if 0 < rules.person_day <= facts.sent_today:
        return Wait(until=_tomorrow(now, rules), reason="person_cap")
    if 0 < rules.unit_day <= facts.unit_today:
        return Wait(until=_tomorrow(now, rules), reason="unit_cap")
    return None


def _tomorrow(now: int, rules: SmsRules) -> int:
    """The first moment of the next day that is not quiet."""
    start = day_start(day_of(now)) + DAY_US
    until = quiet_until(start, rules)
    return start if until is None else until
