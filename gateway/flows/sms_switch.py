"""A county's short messages off and on (P66): the county applies, another person of the city office decides."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import msgspec

from gateway.house import Act, House
from gateway.rules.access import ACTIONS, Principal, Target, permit, reach
from inbox_store.errors import Refused
from inbox_store.nouns import Noun
from inbox_store.programs import sms_switch as programs
from inbox_store.programs.idempotency import Answer
from inbox_store.programs.sms_switch import OnOff, Ruling, SmsSwitch, SwitchState, SwitchWish
from inbox_store.times import moment
from sms_billing.periods import month_span

STATE_ZH: Final[Mapping[str, str]] = {"open": "待审批", "approved": "已批准", "rejected": "未批准"}


class Switch(msgspec.Struct, frozen=True, kw_only=True):
    """一项短信开关申请；from_at 为批准后的生效时间"""

    id: int
    county_id: int
    county: str
    letter_no: str
    on_or_off: OnOff
    state: SwitchState
    state_zh: str
    applicant: str
    applied_at: datetime
    wanted_at: datetime | None
    decider: str | None
    decided_at: datetime | None
    from_at: datetime | None
    note: str

    @classmethod
    def of(cls, told: SmsSwitch) -> Switch:
        """From what is recorded."""
        return cls(
            id=told.id,
            county_id=told.county_id,
            county=told.county,
            letter_no=told.letter_no,
            on_or_off=told.on_or_off,
            state=told.state,
            state_zh=STATE_ZH[told.state],
            applicant=told.applicant,
            applied_at=moment(told.applied_at),
            wanted_at=_when(told.wanted_at),
            decider=told.decider or None,
            decided_at=_when(told.decided_at),
            from_at=_when(told.from_at),
            note=told.note,
        )


def _when(at: int | None) -> datetime | None:
    return None if at is None else moment(at)


class CountyStanding(Noun, frozen=True, kw_only=True):
    """A county's standing with what its switch-off kept from leaving in each month of a year."""

    standing: programs.SwitchStanding
    suppressed: tuple[programs.Suppressed, ...]


async def apply(house: House, act: Act, wish: SwitchWish) -> Answer:
    """Keep a county's application. Raises Refused: forbidden, not_found, switch_open, switch_same, switch_past."""
    target = Target(county_id=wish.county_id)
    if not permit(act.principal, "sms_switch.apply", target):
        raise Refused("forbidden", action=ACTIONS["sms_switch.apply"].zh)
    return await house.once(act, programs.apply(wish, act.actor, act.now), Switch.of, 201)


async def decide(house: House, act: Act, switch_id: int, ruling: Ruling) -> Answer:
    """Approve or reject an application, never one's own.

    Raises Refused: forbidden, not_found, switch_own, switch_decided, switch_past.
    """
    told = await house.store.engine.read(programs.one(switch_id))
    target = Target(county_id=told.county_id, person_id=told.applied_by)
    if not permit(act.principal, "sms_switch.decide", target):
        if told.applied_by == act.person_id:
            raise Refused("switch_own")
        raise Refused("forbidden", action=ACTIONS["sms_switch.decide"].zh)
    return await house.once(act, programs.decide(switch_id, ruling, act.actor, act.now), Switch.of)


async def counties_within(house: House, principal: Principal) -> frozenset[int]:
    """The counties whose switch the principal may look at."""
    told = reach(principal, "sms_switch.read")
    regions = (await house.organisation()).regions.values()
    return frozenset(
        one.id for one in regions if one.level == "county" and told.places(Target(county_id=one.id))
    )


async def applications(
    house: House, counties: frozenset[int], state: str, before: int, limit: int
) -> tuple[Switch, ...]:
    """Applications of the counties below the id ``before``, newest first."""
    found = await house.store.engine.read(programs.page(counties, state, before, limit))
    return tuple(Switch.of(one) for one in found)


async def standing(
    house: House, counties: frozenset[int], at: int, months: tuple[int, ...]
) -> tuple[CountyStanding, ...]:
    """The counties as they stand at ``at``, with what was suppressed in ``months`` (yyyymm)."""
    spans = [(month, *month_span(month)) for month in months]
    stands = await house.store.engine.read(programs.standing(counties, at))
    suppressed = await house.store.engine.read(programs.suppressed(counties, spans))
    return tuple(
        CountyStanding(
            standing=one,
            suppressed=tuple(told for told in suppressed if told.county_id == one.county_id),
        )
        for one in stands
    )
