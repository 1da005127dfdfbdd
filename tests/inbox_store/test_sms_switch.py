"""A county's switch-off: applied for, decided by a second person, effective from an instant, judged when a message leaves."""

from __future__ import annotations

from datetime import date

import pytest

from gateway.rules.sms_policy import Leave, SmsRules, judge
from inbox_store.engine import Program
from inbox_store.errors import Refused
from inbox_store.messages import Decide, Decision, Facts, Go, NewAlert
from inbox_store.programs import sms, sms_switch, trace
from inbox_store.programs.sms_switch import OnOff, Ruling, SmsSwitch, SwitchWish
from inbox_store.times import DAY_US, day_start, parse_iso
from sms_billing.periods import month_span
from tests.inbox_store.test_sms import ROUTE, claim, states, told
from tests.inbox_store.world import HOUR, World, rows_of

MARCH = (202603, *month_span(202603))
TOMORROW = day_start(date(2026, 3, 3))


async def counties(world: World) -> dict[str, int]:
    """The ids of the regions by code."""
    return dict(await world.read(rows_of("org_ids_region")))


async def apply(
    world: World, on_or_off: OnOff = "off", county: str = "110", wanted_at: int | None = None
) -> SmsSwitch:
    """The county's application, by u1-a."""
    wish = SwitchWish(
        county_id=(await counties(world))[county],
        letter_no="东政办函〔2026〕12号",
        on_or_off=on_or_off,
        wanted_at=wanted_at,
    )
    return await world.write(sms_switch.apply(wish, world.actor("u1-a"), world.clock.now))


async def decide(
    world: World, switch_id: int, *, by: str = "s0-a", yes: bool = True, from_at: int | None = None
) -> SmsSwitch:
    """The city's decision, by s0-a."""
    ruling = Ruling(approve=yes, from_at=from_at, note="已核")
    return await world.write(sms_switch.decide(switch_id, ruling, world.actor(by), world.clock.now))


async def switched(world: World, on_or_off: OnOff = "off", from_at: int | None = None) -> SmsSwitch:
    """Applied for and approved."""
    return await decide(world, (await apply(world, on_or_off)).id, from_at=from_at)


async def standing(world: World, at: int) -> dict[str, str]:
    """Each county's switch at an instant."""
    ids = (await counties(world)).values()
    return {one.code: one.on_or_off for one in await world.read(sms_switch.standing(ids, at))}


async def test_off_and_on_again_by_the_same_procedure(world: World) -> None:
    """Approved, it holds from the next midnight and for that county only; on again takes an application of its own."""
    opened = await apply(world)
    assert (opened.state, opened.from_at, opened.applicant) == ("open", None, "人员5")
    approved = await decide(world, opened.id)
    assert (approved.state, approved.from_at, approved.decided_by) == (
        "approved",
        TOMORROW,
        world.people["s0-a"],
    )
    assert await standing(world, TOMORROW - 1) == {"110": "on", "120": "on"}
    assert await standing(world, TOMORROW) == {"110": "off", "120": "on"}
    world.clock.forward(5 * DAY_US)
    back = await switched(world, "on")
    assert await standing(world, world.clock.now) == {"110": "off", "120": "on"}
    assert back.from_at is not None
    assert await standing(world, back.from_at) == {"110": "on", "120": "on"}
    # What held at an earlier instant is told as it was.
    assert await standing(world, TOMORROW) == {"110": "off", "120": "on"}


async def test_a_second_person_decides_once(world: World) -> None:
    """The applicant decides nothing, an application is decided once, and a rejected one changes nothing."""
    opened = await apply(world)
    for yes in (True, False):
        with pytest.raises(Refused, match="switch_own"):
            await decide(world, opened.id, by="u1-a", yes=yes)
    rejected = await decide(world, opened.id, yes=False)
    assert (rejected.state, rejected.note, rejected.from_at) == ("rejected", "已核", None)
    with pytest.raises(Refused, match="switch_decided"):
        await decide(world, opened.id)
    assert await standing(world, TOMORROW) == {"110": "on", "120": "on"}
    with pytest.raises(Refused, match="not_found"):
        await decide(world, 999)


async def test_one_open_application_for_each_county(world: World) -> None:
    """A second one is refused while the first is open, another county's is not; what holds already needs none."""
    with pytest.raises(Refused, match="switch_same"):
        await apply(world, "on")
    opened = await apply(world)
    with pytest.raises(Refused, match="switch_open"):
        await apply(world)
    await apply(world, county="120")
    await decide(world, opened.id)
    with pytest.raises(Refused, match="switch_same"):
        await apply(world)
    for county in ("100", "111"):
        with pytest.raises(Refused, match="not_found"):
            await apply(world, county=county)


async def test_nothing_holds_backwards(world: World) -> None:
    """No effective time lies before the decision, nor before what was approved for later and would overrule it unseen."""
    yesterday = world.clock.now - DAY_US
    with pytest.raises(Refused, match="switch_past"):
        await apply(world, wanted_at=yesterday)
    opened = await apply(world, wanted_at=TOMORROW + 3 * DAY_US)
    with pytest.raises(Refused, match="switch_past"):
        await decide(world, opened.id, from_at=world.clock.now - 1)
    assert (await decide(world, opened.id)).from_at == TOMORROW + 3 * DAY_US
    again = await apply(world, "on")
    with pytest.raises(Refused, match="switch_past"):
        await decide(world, again.id, from_at=TOMORROW + 2 * DAY_US)
    # At the same instant the later decision holds: the switch-off that was planned never begins.
    assert (await decide(world, again.id)).from_at == TOMORROW + 3 * DAY_US
    assert await standing(world, TOMORROW + 4 * DAY_US) == {"110": "on", "120": "on"}


async def test_a_wish_that_has_passed_meanwhile(world: World) -> None:
    """An application decided after its wished day takes effect at the next midnight, not on the day that is gone."""
    opened = await apply(world, wanted_at=TOMORROW)
    world.clock.forward(3 * DAY_US)
    assert (await decide(world, opened.id)).from_at == TOMORROW + 3 * DAY_US


def leaving_rules(world: World) -> Decide:
    """The house's own policy."""

    def decision(facts: Facts) -> Decision:
        judged = judge(facts, world.clock.now, SmsRules())
        return Go(segments=facts.segments, source="106573339001") if isinstance(judged, Leave) else judged

    return decision


async def suppressed(world: World) -> list[tuple[str, int, int, int]]:
    """(county, month, messages, segments) of what a switch-off kept from leaving."""
    codes = {number: code for code, number in (await counties(world)).items()}
    found = await world.read(sms_switch.suppressed(codes, [MARCH]))
    return [(codes[one.county_id], one.month, one.messages, one.segments) for one in found]


async def test_what_is_queued_is_judged_when_it_leaves(world: World) -> None:
    """Of messages ordered before, none of the county's leaves after the effective time; suppressed is the difference."""
    alert_id = await told(world, ["U1", "U2", "U4"], segments=2)
    ordered = (await states(world, alert_id))["waiting"]
    await switched(world, from_at=world.clock.now + HOUR)
    first = await claim(world, free=4, decide=leaving_rules(world))
    assert len(first) == 2, "before the effective time they leave"
    world.clock.forward(HOUR)
    rest = await claim(world, decide=leaving_rules(world))
    far = {world.people[code] for code in ("u4-a", "both", "u4-lead")}
    assert {one.facts.person_id for one in rest} <= far
    kept = ordered - len(first) - len(rest)
    assert (await states(world, alert_id))["suppressed"] == kept
    assert await suppressed(world) == [("110", 202603, kept, 2 * kept)]


async def urged_by(world: World, unit: str, units: list[str]) -> int:
    """An alert that the unit caused, to those units; gives its id."""
    submitted = await world.submit(units)
    alert = NewAlert(
        kind="urge",
        unit_id=world.units[unit],
        text="【送达】请尽快签收",
        segments=1,
        urgency="ordinary",
        priority=2,
        expires_at=world.clock.now + DAY_US,
        dispatch_id=submitted.dispatch_id,
    )
    alert_id = await world.write(sms.add_alert(alert, 0, world.clock.now))
    await world.write(sms.order_chunk(alert_id, {"after": 0, "to": 2**60}, world.clock.now))
    people = await world.read(sms.unrouted(100))
    await world.write(sms.set_routes([(person, ROUTE) for person, _, _ in people], world.clock.now))
    return alert_id


async def test_a_county_that_is_off_triggers_none(world: World) -> None:
    """Its units' messages to another county are suppressed, counted once and for the county that caused them."""
    await switched(world, from_at=world.clock.now)
    alert_id = await urged_by(world, "U1", ["U4", "U2"])
    assert await claim(world, decide=leaving_rules(world)) == []
    ordered = (await states(world, alert_id))["suppressed"]
    assert await suppressed(world) == [("110", 202603, ordered, ordered)]


async def test_every_step_is_in_the_trace(world: World) -> None:
    """Who applied and who decided what, for which county, from where."""
    opened = await apply(world)
    await decide(world, opened.id)
    county = (await counties(world))["110"]
    lines = await world.read(_audit(f"region:{county}"))
    assert [(line[0], line[1], line[2]) for line in lines] == [
        ("sms_switch.approve", world.people["s0-a"], "10.0.0.7"),
        ("sms_switch.apply", world.people["u1-a"], "10.0.0.7"),
    ]
    assert str(TOMORROW) in lines[0][3]


def _audit(subject: str) -> Program[list[tuple[str, int, str, str]]]:
    rows = yield from trace.page(
        before=(2**60, 0), limit=10, subject=subject, actor=0, action="", from_at=0, to_at=2**60
    )
    return [(row.action, row.actor, row.origin, str(row.detail)) for row in rows]


async def test_the_list_is_by_county_and_state(world: World) -> None:
    """Newest first, below an id, of the counties asked about only."""
    first = await apply(world)
    second = await apply(world, county="120")
    await decide(world, first.id)
    ids = await counties(world)

    async def listed(*codes: str, state: str = "", before: int = 2**53) -> list[int]:
        wanted = [ids[code] for code in codes]
        return [one.id for one in await world.read(sms_switch.page(wanted, state, before, 10))]

    assert await listed("110", "120") == [second.id, first.id]
    assert await listed("110", "120", before=second.id) == [first.id]
    assert await listed("110") == [first.id]
    assert await listed("110", "120", state="open") == [second.id]
    assert await listed("110", "120", state="approved") == [first.id]
    assert await listed("110", "120", state="rejected") == []


def test_midnight_is_shanghais() -> None:
    """The default effective time is the next 00:00 of Asia/Shanghai, also a microsecond before it."""
    for at in ("2026-03-02T00:00:00", "2026-03-02T23:59:59.999999"):
        assert sms_switch.next_midnight(parse_iso(at)) == TOMORROW
