"""When something must be signed for, handled or answered, by urgency, and the lights that tell how near that is.

The numbers are proposals of the municipal exchange rules (existing-systems 7.2: 特急 half an hour at any hour, 加急
two working hours, ordinary four, the next look-in time; handling at once, 2 and 7 working days): all of them are
settings, frozen into ``DeadlineRules`` and passed in.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum

import msgspec

from gateway.rules.workcal import MINUTE_US, Due, WorkCalendar
from inbox_store.nouns import Urgency
from inbox_store.times import day_of


class Light(StrEnum):
    """The lamp beside an item: 红灯 overdue, 黄灯 nearly due (L26)."""

    off = "off"
    amber = "amber"
    red = "red"


class DeadlineRules(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers behind every deadline. ``*_any_hour_min`` run on the clock, ``*_work_min`` in working hours."""

    sign_extra_urgent_any_hour_min: int = 30
    sign_urgent_work_min: int = 120
    sign_ordinary_work_min: int = 240
    handle_extra_urgent_work_days: int = 1
    handle_urgent_work_days: int = 2
    handle_ordinary_work_days: int = 7
    reply_extra_urgent_any_hour_min: int = 120
    reply_urgent_work_min: int = 240
    reply_ordinary_work_days: int = 1
    sign_amber_extra_urgent_min: int = 10
    sign_amber_min: int = 60
    handle_amber_min: int = 24 * 60


_AT_ONCE = frozenset({"flash", "extra_urgent"})
"""特提 and 特急 do not wait for office hours."""


def sign_due(sent_at: int, urgency: Urgency, calendar: WorkCalendar, rules: DeadlineRules) -> Due:
    """The sign-for deadline of a copy sent at ``sent_at``."""
    if urgency in _AT_ONCE:
        return _any_hour(sent_at, rules.sign_extra_urgent_any_hour_min)
    urgent = urgency == "urgent"
    minutes = rules.sign_urgent_work_min if urgent else rules.sign_ordinary_work_min
    return calendar.add_work_us(sent_at, minutes * MINUTE_US)


def handle_due(taken_at: int, urgency: Urgency, calendar: WorkCalendar, rules: DeadlineRules) -> Due:
    """The handling deadline: the end of the n-th working day after the day ``taken_at`` of the transfer to handling."""
    if urgency in _AT_ONCE:
        days = rules.handle_extra_urgent_work_days
    else:
        days = rules.handle_urgent_work_days if urgency == "urgent" else rules.handle_ordinary_work_days
    return end_of_work_day(day_of(taken_at), days, calendar)


def reply_due(
    sent_at: int, urgency: Urgency, starts_at: int, calendar: WorkCalendar, rules: DeadlineRules
) -> Due:
    """The default reply deadline of a meeting notice, never later than the start of the meeting.

    An organiser may set another one; this is what stands in the form when none is given.
    """
    if urgency in _AT_ONCE:
        due = _any_hour(sent_at, rules.reply_extra_urgent_any_hour_min)
    elif urgency == "urgent":
        due = calendar.add_work_us(sent_at, rules.reply_urgent_work_min * MINUTE_US)
    else:
        due = end_of_work_day(day_of(sent_at), rules.reply_ordinary_work_days, calendar)
    return due if due.at <= starts_at else Due(at=starts_at)


def end_of_work_day(day: date, count: int, calendar: WorkCalendar) -> Due:
    """The close of working hours on the ``count``-th working day after ``day`` (L25: 三天内)."""
    reached = calendar.add_work_days(day, count)
    return Due(at=calendar.close_of(reached.day), provisional=reached.provisional)


def sign_amber_us(urgency: Urgency, rules: DeadlineRules) -> int:
    """How long before the sign-for deadline the amber light comes on, in microseconds of the clock."""
    at_once = urgency in _AT_ONCE
    return (rules.sign_amber_extra_urgent_min if at_once else rules.sign_amber_min) * MINUTE_US


def light(now: int, due_at: int, amber_us: int, done_at: int | None = None) -> Light:
    """Red from the very moment ``due_at`` on (F15: due + 0 s), amber within ``amber_us`` before it.

    A thing done by ``due_at``, that moment included, is dark; done later it stays red, because the alert one level
    up (L27) has been earned.
    """
    if done_at is not None:
        return Light.red if done_at > due_at else Light.off
    if now >= due_at:
        return Light.red
    return Light.amber if now >= due_at - amber_us else Light.off


def _any_hour(at: int, minutes: int) -> Due:
    return Due(at=at + minutes * MINUTE_US)
