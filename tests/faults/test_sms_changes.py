"""A county is switched off, and a number changed, while messages wait: decided when they leave (faults.md 32, P66)."""

from __future__ import annotations

import asyncio
import csv
from pathlib import Path
from typing import Final

import pytest
from msgspec.structs import replace

from gateway.assembly import open_offline
from gateway.flows.organisation import store_rows
from inbox_store.orgrows import OrgRows, PersonRow
from inbox_store.programs import sms_switch
from inbox_store.programs.copies import Actor
from inbox_store.programs.sms_switch import Ruling, SwitchWish
from inbox_store.times import US, day_at, parse_iso, system_now
from sms_billing.periods import month_span
from tests.faults.sms_world import SmsWorld, sms_world

COUNTY: Final = "110"
SOON_S: Final = 2


def switched_off(world: SmsWorld) -> tuple[int, int]:
    """Switch the county off from a whole second soon; (its id, from when)."""
    ((county,),) = world.rows_in("select id from region where code = ?", COUNTY)
    people = dict(world.rows_in("select code, id from person"))
    from_at = (system_now() // US + SOON_S) * US

    async def decided() -> None:
        async with open_offline(world.folder) as parts:
            write, now = parts.store.engine.write, parts.house.clock()
            wish = SwitchWish(county_id=county, letter_no="东政办函〔2026〕12号", on_or_off="off")
            told = await write(sms_switch.apply(wish, by(people, "u1-a"), now))
            await write(
                sms_switch.decide(told.id, Ruling(approve=True, from_at=from_at), by(people, "s0-b"), now)
            )

    asyncio.run(decided())
    return county, from_at


def by(people: dict[str, int], code: str) -> Actor:
    """A person of the city at the machine."""
    return Actor(person_id=people[code], name=code, origin="10.0.0.7", device="desk")


def suppressed(world: SmsWorld, county: int) -> tuple[int, int]:
    """What the switch-off is said to have kept from leaving: messages, segments."""
    month = day_at(system_now()) // 100

    async def told() -> tuple[int, int]:
        async with open_offline(world.folder) as parts:
            spans = [(month, *month_span(month))]
            (one,) = await parts.store.engine.read(sms_switch.suppressed([county], spans))
            return one.messages, one.segments

    return asyncio.run(told())


def switch_while_waiting(folder: Path, units: int, documents: int, rate: int) -> None:
    """Half of the messages are the county's; it is switched off when some have left."""
    with sms_world(folder, units, ("cmpp3",), rate_per_s=rate) as world:
        with world.serving() as server:
            world.hand_in(server, documents)
            assert world.states()["waiting"] > 0
            county, from_at = switched_off(world)
            world.until_quiet()
            server.stop()
        world.check()
        _nothing_left_after(world, county, from_at)


def _nothing_left_after(world: SmsWorld, county: int, from_at: int) -> None:
    query = "select o.id, o.person_id from sms_order o join unit_county c on c.unit_id = o.unit_id where c.county_id = ?"
    its = dict(world.rows_in(query, county))
    numbers = world.numbers()
    with world.details[0].open(encoding="utf-8") as file:
        lines = [(numbers[row["手机号码"]], parse_iso(row["接收时间"])) for row in csv.DictReader(file)]
    people = set(its.values())
    of_county = [at for person, at in lines if person in people]
    assert of_county, "some had left before"
    assert max(of_county) < from_at, "none is accepted from the effective time on"
    states = dict(world.rows_in("select id, state from sms_order"))
    held = [order for order in its if states[order] == "suppressed"]
    assert len(held) == len(its) - len(of_county) > 0
    assert {state for order, state in states.items() if order not in its} == {"delivered"}
    assert suppressed(world, county) == (len(held), len(held))


def test_a_county_is_switched_off_while_its_messages_wait(tmp_path: Path) -> None:
    """600 wait at a slow channel: none of the county's is accepted after the effective time; suppressed is the difference."""
    switch_while_waiting(tmp_path, 40, 5, 200)


@pytest.mark.long
@pytest.mark.timeout(300)
def test_a_county_is_switched_off_while_five_thousand_wait(tmp_path: Path) -> None:
    """Check 5 of the charging rules, with 5,100."""
    switch_while_waiting(tmp_path, 100, 17, 500)


@pytest.mark.long
def test_a_number_is_changed_while_messages_wait(tmp_path: Path) -> None:
    """What left before is delivered and charged under the old number, what leaves later under the new one (32)."""
    late = "[delays]\nreport = [1500, 1600]\n"
    with sms_world(tmp_path, 5, ("cmpp3",), late, rate_per_s=25) as world:
        numbers = world.numbers()
        person = next(one for one in world.rows.people if one.code == "v005-a")
        old, new = str(person.phone), "19977770001"
        with world.serving() as server:
            world.hand_in(server, 3)
            world.until_accepted(15, server)
            changed(world, person, new)
            world.until_quiet()
            server.stop()
        assert set(world.states()) == {"delivered"}
        world.more_numbers[new] = numbers[old]
        world.check()
        query = "select phone from charge_line where person_id = ? order by commit_no, no"
        lines = world.rows_in(query, numbers[old])
        shown = [phone[-4:] for (phone,) in lines]
        assert (len(shown), shown[0], shown[2]) == (
            3,
            old[-4:],
            new[-4:],
        )  # the second may leave at that very moment


def changed(world: SmsWorld, person: PersonRow, number: str) -> None:
    """The person's number is another from now on."""
    rows = OrgRows(people=(replace(person, phone=number),))

    async def imported() -> None:
        async with open_offline(world.folder) as parts:
            await store_rows(parts.house, rows)

    asyncio.run(imported())
