"""Reports that are brought together, that say nothing final, that come for what is in doubt or for a number since changed."""

from __future__ import annotations

from msgspec.structs import replace

from inbox_store.ledger import ChargeLine
from inbox_store.messages import Accepted, Claiming
from inbox_store.programs import ledger, sms
from inbox_store.programs import organisation as org
from tests.inbox_store.small_city import ROWS
from tests.inbox_store.test_sms import (
    CHANNEL,
    ROUTE,
    answer,
    claim,
    go,
    lines,
    price,
    report,
    settle,
    states,
    told,
)
from tests.inbox_store.world import HOUR, World


async def test_two_reports_in_one_batch_charge_once(world: World) -> None:
    """The intermediate and the final report of an attempt in doubt, brought together: one line (SGIP knows the id before)."""
    await told(world, ["U4"])
    who = Claiming(channel=CHANNEL, routes=(ROUTE,), free=1, own_ids=("own",))
    (one,) = await world.write(sms.claim(who, go, world.clock.now))
    reports = [
        replace(report(world, one.attempts[0][1], state), message_id="own")
        for state in ("waiting", "delivered")
    ]
    assert await world.write(sms.reporting(price)(reports)) == [True, True]
    assert len(await lines(world)) == 1


async def test_an_intermediate_report_is_no_outcome(world: World) -> None:
    """Accepted, then "on its way", then nothing for 72 hours: told as unreported; "on its way" after that changes nothing."""
    alert_id = await told(world, ["U4"])
    (one, *_) = await claim(world, 1)
    attempt = one.attempts[0][1]
    await settle(world, [answer(world, attempt)])
    on_its_way = report(world, attempt, "waiting")
    await world.write(sms.reporting(price)([on_its_way]))
    world.clock.forward(72 * HOUR)
    assert await world.write(sms.unreported(world.clock.now, 100)) == 1
    await world.write(sms.reporting(price)([on_its_way]))
    assert (await states(world, alert_id))["unreported"] == 1


async def test_a_line_shows_no_number_that_it_was_not_sent_to(world: World) -> None:
    """Accepted after the person's number was changed: the line has none rather than the new one; the report still fits (32)."""
    await told(world, ["U4"])
    (one, *_) = await claim(world, 1)
    attempt, old = one.attempts[0][1], one.facts
    (code,) = [code for code, person_id in world.people.items() if person_id == old.person_id]
    row = next(person for person in ROWS.people if person.code == code)
    vault = world.store.keys.phones
    changed = replace(row, phone="19977770001")
    await world.write(org.import_people([changed], [], vault, world.clock.now))
    seen: list[Accepted] = []

    def priced(accepted: Accepted) -> ChargeLine | None:
        seen.append(accepted)
        return price(accepted)

    await world.write(sms.settling(priced)([answer(world, attempt)]))
    assert [(accepted.phone_sealed, accepted.phone_key) for accepted in seen] == [(None, None)]
    sent_to = vault.lookup(str(row.phone))
    assert await world.write(sms.reporting(price)([report(world, attempt, phone_lookup=sent_to)])) == [True]


async def test_the_reports_of_one_segment_are_not_another_ones(world: World) -> None:
    """Both segments in doubt, two reports of one message id: one segment is charged, with its final report, the other waits."""
    alert_id = await told(world, ["U4"], segments=2)
    (one, *_) = await claim(world, 1, lambda facts: go(facts, 2))
    await world.write(sms.in_doubt(world.clock.now))
    row = next(person for person in ROWS.people if world.people[person.code] == one.facts.person_id)
    sent_to = world.store.keys.phones.lookup(str(row.phone))
    for state in ("waiting", "delivered"):
        kept = replace(report(world, 0, state, phone_lookup=sent_to), message_id="only")
        assert await world.write(sms.reporting(price)([kept])) == [False]
    now = world.clock.now
    assert await world.write(sms.match_doubts(price, now, now)) == 1
    assert await world.write(sms.match_doubts(price, now, now)) == 0
    assert [segment for _, segment, _ in await lines(world)] == [1]
    assert (await states(world, alert_id))["in_doubt"] == 1
    other = replace(report(world, 0, "delivered", phone_lookup=sent_to), message_id="other")
    await world.write(sms.reporting(price)([other]))
    assert await world.write(sms.match_doubts(price, now, now)) == 1
    assert [segment for _, segment, _ in await lines(world)] == [1, 2]
    assert (await states(world, alert_id))["delivered"] == 1
    assert (await world.read(ledger.inconsistencies())) == []
