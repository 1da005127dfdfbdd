"""Lights (红黄灯): the board, putting lights out, the supervising organ one level up and its answer (督办)."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec
from msgspec.structs import replace

from gateway.flows.proposals import Proposal, consider, field_fault, refuse_faults, refuse_findings
from gateway.flows.words import DISPATCH_ZH
from gateway.house import Act, House
from gateway.rules.access import ACTIONS, Principal, Target, permit, reach
from gateway.rules.audience import Scope
from gateway.rules.deadlines import Light
from gateway.rules.lights import colour, unit_of_region
from gateway.rules.urging import DUTY_ZH
from inbox_store.engine import Program
from inbox_store.errors import Refused
from inbox_store.nouns import DispatchState, NewDocument, Noun
from inbox_store.org import Organisation, Unit
from inbox_store.programs import dispatch as dispatches
from inbox_store.programs import lights as programs
from inbox_store.programs.idempotency import Answer
from inbox_store.programs.lights import LightFilter, LightRow
from inbox_store.times import moment
from inbox_store.urging import Duty

SWEEP_LIGHTS = 500
"""Lights looked at in one step of putting out."""

TITLE_MAX = 300

Colour = Literal["amber", "red"]


class UnitRed(Noun, frozen=True, kw_only=True):
    """How many lights of a unit turned red in a period, and how many are on still."""

    unit: Unit
    red: int
    open: int


async def sweep_step(house: House) -> bool:
    """Put out the lights of what was done meanwhile. The board itself always asks the copies: this only keeps it short."""
    cursor: int | None = 0
    while cursor is not None:
        fact = programs.sweep(cursor, SWEEP_LIGHTS, house.clock())
        cursor = await house.store.engine.write(fact, bulk=True)
    return False


def units_within(
    principal: Principal, organisation: Organisation, county_id: int | None, unit_id: int | None
) -> tuple[Unit, ...]:
    """The units whose lights the principal sees, of one county or of one unit where they are named, by id."""
    told = reach(principal, "lights.read")
    return tuple(
        unit
        for _, unit in sorted(organisation.units.items())
        if told.places(Target(unit_id=unit.id, county_id=unit.county_id))
        and county_id in (None, unit.county_id)
        and unit_id in (None, unit.id)
    )


async def board(
    house: House,
    principal: Principal,
    *,
    county_id: int | None,
    unit_id: int | None,
    red_only: bool,
    duty: Duty | None,
    before: int,
    limit: int,
) -> tuple[LightRow, ...]:
    """Lights that are on within reach, the last that came on first."""
    units = units_within(principal, await house.organisation(), county_id, unit_id)
    wanted = LightFilter(
        units=tuple(unit.id for unit in units),
        red_only=red_only,
        duty=duty or "",
        before=before,
        limit=limit,
    )
    return await house.store.engine.read(programs.page(wanted))


def colour_of(row: LightRow, now: int) -> Colour:
    """The light as it is at ``now``, to the very moment: red from the deadline on."""
    return "red" if colour(now, row.due_at, row.amber_at) is Light.red else "amber"


async def red_counts(
    house: House, principal: Principal, county_id: int | None, from_at: int, to_at: int
) -> tuple[UnitRed, ...]:
    """How many lights turned red within [from_at, to_at), by unit within reach; units without are left out."""
    organisation = await house.organisation()
    units = tuple(unit.id for unit in units_within(principal, organisation, county_id, None))
    rows = await house.store.engine.read(programs.red_counts(units, from_at, to_at))
    return tuple(
        UnitRed(unit=organisation.units[row.unit_id], red=row.red, open=row.open)
        for row in rows
        if row.unit_id in organisation.units
    )


# The supervising organ's answer ----------------------------------------------------------------------------------------


class Instructed(msgspec.Struct, frozen=True, kw_only=True):
    """已发出的督办通知：一份便函，发到亮红灯的单位，须签收并在时限前反馈"""

    light_id: int
    document_id: int
    dispatch_id: int
    state: DispatchState
    state_zh: str
    due_at: datetime


class Instruction(Noun, frozen=True, kw_only=True):
    """What a supervisor tells the unit: the words, and by when the unit reports back (UTC microseconds)."""

    text: str
    due_at: int


async def instruct(house: House, act: Act, light_id: int, told: Instruction) -> Answer:
    """Answer a red light: a slip of the supervisor's unit goes to the unit, into its folder 督查督办, and is to be handled.

    It is signed for, handled and urged like any document; the board shows how far the unit has come with it. Raises
    Refused: not_found, forbidden, light_not_red, already_instructed, field_invalid.
    """
    row = await house.store.engine.read(programs.one(light_id))
    target = await house.target(row.unit_id)
    if not permit(act.principal, "lights.read", target) or not permit(
        act.principal, "lights.instruct", target
    ):
        raise Refused("forbidden", action=ACTIONS["lights.instruct"].zh)
    earlier = await house.told_before(act)
    if earlier is not None:
        return earlier
    if row.red_at is None:
        raise Refused("light_not_red")
    if told.due_at <= act.now:
        raise field_fault("field_invalid", "due_at", "反馈时限应在现在之后")
    sender = await _own_unit(house, act.principal, row)
    proposal = _slip(row, told, sender)
    considered = await consider(house, proposal, act.person_id, act.now)
    await refuse_findings(house, act, considered, proposal.document)
    refuse_faults(considered.audience)
    answer = await house.once(
        act,
        _instruct(row, proposal, considered.plan, sender, act),
        lambda done: _instructed(row, told, done),
        201,
    )
    for call in house.wake:
        call()
    return answer


def _instructed(row: LightRow, told: Instruction, done: dispatches.Submitted) -> Instructed:
    return Instructed(
        light_id=row.id,
        document_id=done.document_id,
        dispatch_id=done.dispatch_id,
        state="sending",
        state_zh=DISPATCH_ZH["sending"],
        due_at=moment(told.due_at),
    )


async def _own_unit(house: House, principal: Principal, row: LightRow) -> Unit:
    """In whose name the supervisor writes: the unit the light was handed to where it is one's own, else one's own first."""
    mine = sorted(principal.units_as("supervisor"))
    return await house.unit(row.supervisor_unit_id if row.supervisor_unit_id in mine else mine[0])


def _slip(row: LightRow, told: Instruction, sender: Unit) -> Proposal:
    """The supervision notice (督查通知单): a slip that is to be signed for and handled by a day."""
    document = NewDocument(
        kind="slip",
        title=f"督办通知：{row.title}"[:TITLE_MAX],
        urgency="urgent",
        duty="handle",
        sensitivity="work_secret" if row.sensitivity == "work_secret" else "internal",
        body=told.text,
        sender_unit_id=sender.id,
        elements={"issuer": sender.name, "note": f"{DUTY_ZH[row.duty]}逾期督办"},  # type: ignore[index]  # one of the three
    )
    scope = Scope(units=frozenset({row.unit_id}))
    return Proposal(document=document, scope=scope, handle_due_at=told.due_at)


def _instruct(
    row: LightRow, proposal: Proposal, plan: dispatches.Plan, sender: Unit, act: Act
) -> Program[dispatches.Submitted]:
    """The slip goes into 督查督办 of the unit, whatever the sender's tags; one unit is no general dispatch."""
    audience = tuple(replace(unit, folder="supervision") for unit in plan.audience)
    plan = replace(plan, audience=audience, general=False, held=False)
    done = yield from dispatches.submit(
        proposal.document, None, plan, act.person_id, act.origin, sender.name, act.now
    )
    yield from programs.instructed(row.id, done.document_id, act.actor)
    return done


# Who supervises --------------------------------------------------------------------------------------------------------


class RegionSupervisor(Noun, frozen=True, kw_only=True):
    """Who follows matters up in a region: the unit, None where nobody does, and whether it was set by hand."""

    region_id: int
    unit: Unit | None
    by_hand: bool


async def supervising(house: House, principal: Principal) -> tuple[RegionSupervisor, ...]:
    """The supervising unit of the city and of each county within reach."""
    organisation, now = await house.organisation(), house.clock()
    told, within = (
        await house.store.engine.read(programs.supervising(now)),
        reach(principal, "supervising.read"),
    )
    found = []
    for region in organisation.counties():
        if within.places(Target(county_id=region.id)):
            unit_id = unit_of_region(region.id, organisation, told, now)
            unit = organisation.units.get(unit_id or 0)
            found.append(
                RegionSupervisor(region_id=region.id, unit=unit, by_hand=region.id in told.by_region)
            )
    return tuple(found)


async def set_supervising(house: House, act: Act, region_id: int, unit_id: int | None) -> Answer:
    """Name the supervising unit of the city or a county; None: by tags and posts again. Raises Refused: not_found, field_invalid."""
    organisation = await house.organisation()
    region = organisation.regions.get(region_id)
    if region is None or region.level not in ("city", "county"):
        raise Refused("not_found", what="region", id=region_id)
    if unit_id is not None:
        unit = await house.unit(unit_id)
        if unit.county_id != region_id:
            raise field_fault("field_invalid", "unit_id", "督查单位应属于本县（区）或市本级")
    fact = programs.set_supervising(region_id, unit_id, act.actor, act.now)
    return await house.once(act, fact, lambda _: None, 204)
