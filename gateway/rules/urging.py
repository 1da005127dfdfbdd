"""The urging ladder (催办): who is urged when about what is not signed for, handled or answered, and when it may be repeated.

A ladder is a list of steps, each with its instant: the rungs, the amber and the red light (P53, L25-L27). Working time counts
for what is ordinary or urgent, any hour for what is extra urgent (existing-systems 7.2).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final, Literal

from gateway.rules.workcal import MINUTE_US, WorkCalendar
from inbox_store.nouns import Noun
from inbox_store.times import DAY_US
from inbox_store.urging import DONE, Duty, Matter, Move, Rung, UnitPerson

AT_ONCE: Final = frozenset({"flash", "extra_urgent"})
"""特提 and 特急 do not wait for office hours."""

RUNGS: Final[dict[Duty, tuple[Rung, ...]]] = {
    "sign": ("clerk_a", "clerk_b", "leader"),
    "handle": ("handler", "clerk_a", "leader"),
    "reply": ("clerk_a", "clerk_b", "leader"),
}
"""The ladder of each duty from below; a time beyond the last rung urges the last one again."""

LEADERS: Final = ("responsible_leader", "head", "deputy_in_charge")
"""Who is the last rung: the leader named for paperless work, else whoever leads the unit (X26)."""

DUTY_ZH: Final[dict[Duty, str]] = {"sign": "签收", "handle": "办理", "reply": "会议回执"}
RUNG_ZH: Final[dict[Rung, str]] = {
    "handler": "承办人",
    "clerk_a": "A角收发员",
    "clerk_b": "B角收发员",
    "clerks": "收发员",
    "leader": "负责领导",
}


class UrgingRules(Noun, frozen=True, kw_only=True):
    """An office's numbers. Raises ValueError where the minutes of a ladder do not grow.

    ``sign_*`` are minutes after sending, one for each rung; ``handle_before`` and ``reply_before`` minutes before the
    deadline. ``*_any_hour`` run on the clock, all others in working time.
    """

    sign_any_hour: tuple[int, ...] = (10, 20, 25)
    sign_urgent_work: tuple[int, ...] = (60, 90, 105)
    sign_ordinary_work: tuple[int, ...] = (120, 180, 210)
    handle_before_work: tuple[int, ...] = (420, 210, 60)
    reply_before_work: tuple[int, ...] = (210, 120, 30)
    amber_any_hour: int = 10
    amber_sign_work: int = 60
    amber_handle_work: int = 420
    amber_reply_work: int = 120
    throttle: int = 10
    """So many minutes after an urge by hand before the next one to the same unit about the same document."""
    sms: Literal["ticked", "always", "never"] = "ticked"
    """Whether an urge of the ladder asks for a short message: where the sender ticked it, always, or for extra urgent only."""

    def __post_init__(self) -> None:
        for name in ("sign_any_hour", "sign_urgent_work", "sign_ordinary_work"):
            _must_grow(name, getattr(self, name))
        for name in ("handle_before_work", "reply_before_work"):
            _must_grow(name, tuple(-minutes for minutes in getattr(self, name)))


class Step(Noun, frozen=True, kw_only=True):
    """One step of a ladder: at ``at`` (UTC microseconds) a rung is urged, or a light comes on."""

    at: int
    act: Literal["urge", "amber", "red"]
    rung: Rung | None = None


STALE_US: Final = DAY_US
"""What should have been urged for longer ago is not caught up: nobody is woken for yesterday."""


def ladder(rules: UrgingRules, matter: Matter, calendar: WorkCalendar) -> tuple[Step, ...]:
    """All steps of a matter in order of time. The red light is on at the deadline itself (F15: due + 0 s)."""
    rungs = RUNGS[matter.duty]
    urges = [
        Step(at=at, act="urge", rung=rungs[min(place, len(rungs) - 1)])
        for place, at in enumerate(_times(rules, matter, calendar))
    ]
    amber = max(matter.sent_at, _before(matter, calendar, _amber(rules, matter)))
    lights = [Step(at=min(amber, matter.due_at), act="amber"), Step(at=matter.due_at, act="red")]
    return tuple(sorted((*urges, *lights), key=lambda step: step.at))


def move(steps: Sequence[Step], matter: Matter, now: int) -> Move:
    """What of ``steps`` is due. Steps missed while nobody looked are taken together, once: their rungs in one urge."""
    if not matter.open:
        return DONE
    due = [step for step in steps if matter.reached < step.at <= now]
    later = (step.at for step in steps if step.at > max(now, matter.reached))
    fresh = [step.rung for step in due if step.rung and step.at > now - STALE_US]
    return Move(
        rungs=tuple(dict.fromkeys(fresh)),
        step=due[-1].at if due else matter.reached,
        amber=any(step.act == "amber" for step in due),
        red=any(step.act == "red" for step in due),
        next_at=next(later, None),
    )


def whom(rung: Rung, people: Sequence[UnitPerson], handler_id: int | None) -> tuple[int, ...]:
    """The persons of a rung, by id, agents beside those they stand for.

    Where nobody is there, those of the next higher rung that has somebody, else of the next lower: an urge finds whoever
    can act. Empty only for a unit without clerk and leader (it stands in the reach report).
    """
    order: tuple[Rung, ...] = ("handler", "clerk_a", "clerk_b", "leader")
    if rung == "clerks":
        found = _on("clerk_a", people, handler_id) | _on("clerk_b", people, handler_id)
        return tuple(sorted(found)) or whom("leader", people, handler_id)
    place = order.index(rung)
    for one in (*order[place:], *reversed(order[:place])):
        if found := _on(one, people, handler_id):
            return tuple(sorted(found))
    return ()


def asks_sms(rules: UrgingRules, matter: Matter) -> bool:
    """Whether an urge of the ladder asks for a short message; what is extra urgent always does."""
    return (
        matter.urgency in AT_ONCE or rules.sms == "always" or (rules.sms == "ticked" and bool(matter.ticked))
    )


def again_at(last_at: int | None, rules: UrgingRules, now: int) -> int | None:
    """When a unit may be urged by hand again; None: now. A last urge from the future (the clock was set back) holds nobody up."""
    if last_at is None or last_at > now:
        return None
    until = last_at + rules.throttle * MINUTE_US
    return until if now < until else None


def _on(rung: Rung, people: Sequence[UnitPerson], handler_id: int | None) -> set[int]:
    if rung == "handler":
        here = {one.person_id for one in people if handler_id in (one.person_id, *one.for_persons)}
        return here if handler_id else set()
    if rung == "leader":
        for role in LEADERS:
            if found := {one.person_id for one in people if role in one.leads}:
                return found
        return set()
    return {one.person_id for one in people if rung.removeprefix("clerk_").upper() in one.ranks}


def _times(rules: UrgingRules, matter: Matter, calendar: WorkCalendar) -> list[int]:
    """The instants of the rungs; none before the document was there."""
    if matter.duty != "sign":
        minutes = rules.handle_before_work if matter.duty == "handle" else rules.reply_before_work
        return [max(matter.sent_at, _before(matter, calendar, one)) for one in minutes]
    if matter.urgency in AT_ONCE:
        return [matter.sent_at + one * MINUTE_US for one in rules.sign_any_hour]
    work = rules.sign_urgent_work if matter.urgency == "urgent" else rules.sign_ordinary_work
    return [calendar.add_work_us(matter.sent_at, one * MINUTE_US).at for one in work]


def _amber(rules: UrgingRules, matter: Matter) -> int:
    if matter.urgency in AT_ONCE and matter.duty != "handle":
        return rules.amber_any_hour
    work = {
        "sign": rules.amber_sign_work,
        "handle": rules.amber_handle_work,
        "reply": rules.amber_reply_work,
    }
    return work[matter.duty]


def _before(matter: Matter, calendar: WorkCalendar, minutes: int) -> int:
    """The instant so many minutes before the deadline: of the clock for what is extra urgent, else of working time."""
    if matter.urgency in AT_ONCE and matter.duty != "handle":
        return matter.due_at - minutes * MINUTE_US
    return calendar.take_work_us(matter.due_at, minutes * MINUTE_US)


def _must_grow(name: str, minutes: tuple[int, ...]) -> None:
    if any(later < earlier for earlier, later in pairwise(minutes)):
        raise ValueError(f"{name}: each rung comes after the one before it")
