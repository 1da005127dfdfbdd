"""Mail in the store: orders claimed once and settled forward only, digests, reports, addresses, drafts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from inbox_store.engine import Program
from inbox_store.errors import Refused
from inbox_store.mails import MailAnswered, MailFacts, MailIn, MailLeaving, MailPolicy, MailReported, NewDraft
from inbox_store.messages import NewAlert, Stop, Wait
from inbox_store.programs import mail, mail_addresses, mail_drafts, sms
from inbox_store.programs.registers import Upload
from inbox_store.times import DAY_US, US
from tests.inbox_store.world import HOUR, KEYS, VARIANTS, Clock, World, rows_of


@pytest.fixture(params=VARIANTS)
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """The small city, where two clerks have addresses."""
    clock = Clock()
    async with VARIANTS[request.param](tmp_path, clock) as store:
        told = await World.of(store, clock)
        for person in ("u1-a", "u1-b"):
            await told.write(
                mail_addresses.store(told.people[person], f"{person}@office.example", KEYS.phones, clock.now)
            )
        yield told


async def alert(world: World, kind: str = "arrival", urgency: str = "ordinary", priority: int = 2) -> int:
    """An alert that lives for a day."""
    told = NewAlert(
        kind=kind,
        unit_id=world.units["S0"],
        text="您有1份公文待签收",
        segments=1,
        urgency=urgency,
        priority=priority,
        expires_at=world.clock.now + DAY_US,
    )
    return await world.write(sms.add_alert(told, 0, world.clock.now))


async def order(world: World, alert_id: int, *people: str, **more: object) -> int:
    """Orders for these people, through U1."""
    rows = [(world.people[person], world.units["U1"]) for person in people]
    return await world.write(mail.order(alert_id, rows, world.clock.now, **more))  # type: ignore[arg-type]


async def claim(world: World, free: int = 10, decide: object = None) -> list[MailLeaving]:
    """What leaves now; without a rule everything does."""
    rule = decide or (lambda _: None)
    return await world.write(mail.claim(free, rule, world.clock.now))  # type: ignore[arg-type]


async def answer(world: World, one: MailLeaving, outcome: str, **more: object) -> None:
    """The relay's word."""
    told = MailAnswered(
        attempt_id=one.attempt_id,
        person_id=one.facts[0].person_id,
        outcome=outcome,  # type: ignore[arg-type]
        at=world.clock.now,
        **more,  # type: ignore[arg-type]
    )
    await world.write(mail.settle([told]))


async def states(world: World) -> dict[str, int]:
    """Orders by state."""
    return await world.read(mail.backlog())


async def test_one_order_for_an_alert_and_a_person(world: World) -> None:
    """Ordered again, nothing is added; what leaves carries the address, sealed, and leaves once."""
    told = await alert(world)
    assert (await order(world, told, "u1-a", "u1-b"), await order(world, told, "u1-a")) == (2, 0)
    first, second = await claim(world)
    assert (
        KEYS.phones.open(first.facts[0].address_sealed or b"", first.facts[0].address_key or 0)
        == "u1-a@office.example"
    )
    assert (first.mark, second.mark) == (first.attempt_id, second.attempt_id)
    assert await claim(world) == []
    await answer(world, first, "accepted")
    await answer(world, second, "refused", code="rcpt:550 5.1.1", dead=True)
    assert await states(world) == {"accepted": 1, "failed": 1}


async def test_the_urgent_first_and_no_more_than_is_free(world: World) -> None:
    """One place is taken by the alert with the lowest priority number, the other waits."""
    await order(world, await alert(world), "u1-a")
    await order(world, await alert(world, urgency="extra_urgent", priority=0), "u1-b")
    (first,) = await claim(world, free=1)
    assert first.facts[0].urgency == "extra_urgent"
    assert await states(world) == {"sending": 1, "waiting": 1}


async def test_a_chunk_of_a_dispatch_has_its_addressed_people(world: World) -> None:
    """Of the units' addressed people those with an address get an order, once, also where a chunk is repeated."""
    done = await world.submit(["U1", "U2"])
    told = NewAlert(
        kind="arrival", unit_id=world.units["S0"], text="x", segments=1, urgency="ordinary", priority=2,
        expires_at=world.clock.now + DAY_US, dispatch_id=done.dispatch_id, document_id=done.document_id,
    )  # fmt: skip
    alert_id = await world.write(sms.add_alert(told, 0, world.clock.now))
    window = {"after": 0, "to": max(world.units.values())}
    assert await world.write(mail.order_chunk(alert_id, window, world.clock.now)) == 2
    assert await world.write(mail.order_chunk(alert_id, window, world.clock.now)) == 0
    (first, _) = await claim(world)
    assert (first.facts[0].title, first.facts[0].recalled) == ("关于召开防汛工作会议的通知", 0)


async def test_what_is_held_waits_or_ends_with_its_reason(world: World) -> None:
    """A rule's word is kept: later, or never; and what is held makes room for the next."""
    told = await alert(world)
    await order(world, told, "u1-a", "u1-b")

    def rule(facts: MailFacts) -> Wait | Stop | None:
        late = world.clock.now + HOUR
        mine = facts.person_id == world.people["u1-a"] and facts.due_at < late
        return Wait(until=late, reason="quiet_hours") if mine else None

    (one,) = await claim(world, free=1, decide=rule)
    assert one.facts[0].person_id == world.people["u1-b"]
    world.clock.forward(HOUR)
    assert await claim(world, decide=lambda _: Stop(state="cancelled", reason="recalled")) == []
    assert await states(world) == {"cancelled": 1, "sending": 1}


async def test_a_digest_is_one_mail(world: World) -> None:
    """Ordinary alerts of a person leave together when the first is due; another person's stay apart."""
    later = world.clock.now + HOUR
    for _ in range(3):
        told = await alert(world)
        await order(world, told, "u1-a", "u1-b", digest=True, due_at=later)
        later += HOUR
    assert await claim(world) == []
    world.clock.forward(HOUR)
    one, other = await claim(world)
    assert [len(one.facts), len(other.facts)] == [3, 3]
    assert {facts.person_id for facts in one.facts} == {world.people["u1-a"]}
    await answer(world, one, "accepted")
    assert await states(world) == {"accepted": 3, "sending": 3}


async def test_the_same_mail_again_keeps_its_mark(world: World) -> None:
    """What was put off or is in doubt leaves again as the same mail; with another alert in it, it is another one."""
    await order(world, await alert(world), "u1-a", digest=True)
    (one,) = await claim(world)
    await answer(world, one, "in_doubt", code="content:timeout", again_at=world.clock.now + US)
    world.clock.forward(US)
    (two,) = await claim(world)
    assert (two.mark, two.attempt_id, two.facts[0].tries) == (one.mark, one.attempt_id + 1, 1)
    await answer(world, two, "returned", code="rcpt:450", again_at=world.clock.now + US)
    await order(world, await alert(world), "u1-a", digest=True)
    world.clock.forward(US)
    (three,) = await claim(world)
    assert (three.mark, len(three.facts)) == (three.attempt_id, 2)


async def test_what_a_dead_process_had_handed_over_is_in_doubt(world: World) -> None:
    """After a death an attempt without an answer is in doubt, once, with a line in the trace; a late report settles it."""
    await order(world, await alert(world), "u1-a")
    (one,) = await claim(world)
    assert await world.write(mail.in_doubt(world.clock.now)) == [one.attempt_id]
    assert await world.write(mail.in_doubt(world.clock.now)) == []
    assert await states(world) == {"in_doubt": 1}
    assert await world.write(mail.report(reported(world, one.mark, "delivered")))
    assert await states(world) == {"delivered": 1}


def reported(world: World, mark: int, what: str, *, permanent: bool = False) -> MailReported:
    """A relay's report."""
    told = {"report": what, "status": "5.1.1" if permanent else "", "permanent": permanent}
    return MailReported(mark=mark, at=world.clock.now, **told)  # type: ignore[arg-type]  # one of the three


async def test_reports_only_go_forward(world: World) -> None:
    """A delay gives way to an end, an end to nothing; a report about no mail of ours is none."""
    await order(world, await alert(world), "u1-a")
    (one,) = await claim(world)
    await answer(world, one, "accepted")
    said = ("delayed", "delayed", "failed", "delivered", "delayed")
    told = [await world.write(mail.report(reported(world, one.mark, what))) for what in said]
    assert told == [True, False, True, False, False]
    assert await states(world) == {"failed": 1}
    assert not await world.write(mail.report(reported(world, 999, "delivered")))


async def test_three_dead_ends_mark_an_address_bad(world: World) -> None:
    """Permanent failures in a row, answered or reported, mark the address; a delivery between them starts anew."""
    person = world.people["u1-a"]
    for what in ("failed", "delivered", "failed", "failed"):
        await order(world, await alert(world), "u1-a")
        (one,) = await claim(world)
        await answer(world, one, "accepted")
        await world.write(mail.report(reported(world, one.mark, what, permanent=what == "failed")))
        kept = await world.read(mail_addresses.address_of(person))
        assert kept is not None
        assert kept.bad_at is None
    await order(world, await alert(world), "u1-a")
    (one,) = await claim(world)
    await answer(world, one, "refused", code="rcpt:550 5.1.1", dead=True)
    kept = await world.read(mail_addresses.address_of(person))
    assert kept is not None
    assert (kept.bad_at, kept.status) == (world.clock.now, "rcpt:550 5.1.1")
    await order(world, await alert(world), "u1-a")
    (told,) = await _due(world)
    assert told.bad == 1


async def _due(world: World) -> list[MailFacts]:
    found: list[MailFacts] = []

    def note(facts: MailFacts) -> Stop:
        found.append(facts)
        return Stop(state="failed", reason="bad_address")

    await claim(world, decide=note)
    return found


async def test_what_nobody_took_expires(world: World) -> None:
    """After the alert's life its order is told as expired, also while no relay is up."""
    await order(world, await alert(world), "u1-a", "u1-b")
    world.clock.forward(2 * DAY_US)
    assert await world.write(mail.expire(world.clock.now, 1)) == 1
    assert await world.write(mail.expire(world.clock.now, 10)) == 1
    assert await states(world) == {"expired": 2}


# Addresses ----------------------------------------------------------------------------------------------------------


async def test_an_address_is_proved_by_its_code(world: World) -> None:
    """The old address stays until the code of the new one came back; nothing is stored in clear."""
    person, by = world.people["u1-a"], world.actor("u1-a")
    ask = mail_addresses.ask(
        person, "new@office.example", b"right", world.clock.now + HOUR, KEYS.phones, world.clock.now
    )
    await world.write(ask)
    assert not await world.write(mail_addresses.prove(by, b"wrong", world.clock.now))
    assert await address(world, "u1-a") == "u1-a@office.example"
    assert await world.write(mail_addresses.prove(by, b"right", world.clock.now))
    assert await address(world, "u1-a") == "new@office.example"
    assert not await world.write(mail_addresses.prove(by, b"right", world.clock.now))
    await world.write(mail_addresses.drop(by))
    assert await world.read(mail_addresses.address_of(person)) is None


async def address(world: World, person: str) -> str:
    """The proved address."""
    kept = await world.read(mail_addresses.address_of(world.people[person]))
    assert kept is not None
    assert b"office" not in kept.address_sealed
    return KEYS.phones.open(kept.address_sealed, kept.address_key)


async def test_codes_are_few_and_short_lived(world: World) -> None:
    """A code is asked for once a minute, tried five times, and good for its time."""
    person, by = world.people["u1-a"], world.actor("u1-a")

    def ask() -> Program[None]:
        until = world.clock.now + HOUR
        return mail_addresses.ask(person, "new@office.example", b"right", until, KEYS.phones, world.clock.now)

    await world.write(ask())
    with pytest.raises(Refused, match="throttled"):
        await world.write(ask())
    for _ in range(5):
        assert not await world.write(mail_addresses.prove(by, b"wrong", world.clock.now))
    assert not await world.write(mail_addresses.prove(by, b"right", world.clock.now))
    world.clock.forward(HOUR)
    await world.write(ask())
    world.clock.forward(HOUR)
    assert not await world.write(mail_addresses.prove(by, b"right", world.clock.now))


async def test_a_mail_says_who_wants_fewer(world: World) -> None:
    """Whoever got the mail with the mark gets no ordinary ones; an unknown mark is nobody's."""
    await order(world, await alert(world), "u1-a")
    (one,) = await claim(world)
    assert await world.write(mail_addresses.unsubscribe(one.mark))
    assert not await world.write(mail_addresses.unsubscribe(999))
    kept = await world.read(mail_addresses.address_of(world.people["u1-a"]))
    assert kept is not None
    assert kept.ordinary == 0


# Drafts -------------------------------------------------------------------------------------------------------------


def draft(world: World, number: int = 1, unit: str = "S0") -> tuple[MailIn, NewDraft]:
    """A mail of a unit's scanner with one attachment."""
    came = MailIn(
        owner=-1, digest=bytes([number]), unit_id=world.units[unit], message_id="<1@x>", mail_from="a@b"
    )
    file = Upload(id=f"{number:032x}", name="a.pdf", media_type="application/pdf", size_bytes=1, sha256=b"x")
    told = NewDraft(
        unit_id=world.units[unit], person_id=world.people["s0-a"], key_name="扫描仪", mail_from="a@b", message_id="<1@x>",
        title="题", body="文", kind="slip", urgency="ordinary", scope="{}", files=(file,),
    )  # fmt: skip
    return came, told


async def test_drafts_by_unit_newest_first(world: World) -> None:
    """Each unit's drafts with their attachments, in pages."""
    for number in (1, 2, 3):
        await world.write(mail_drafts.keep(*draft(world, number), "10.0.0.9", world.clock.now))
    other = await world.write(mail_drafts.keep(*draft(world, 4, "U1"), "10.0.0.9", world.clock.now))
    mine = await world.read(mail_drafts.of_units([world.units["S0"]], mail_drafts.FIRST, 2))
    assert [one.id for one in mine] == [3, 2, 1]
    assert [file.name for file in mine[0].files] == ["a.pdf"]
    assert [one.id for one in await world.read(mail_drafts.of_units([world.units["S0"]], 2, 2))] == [1]
    assert (await world.read(mail_drafts.one(other))).unit_id == world.units["U1"]
    assert await world.read(mail_drafts.seen(-1, bytes([2]))) == (2, None)
    assert await world.read(mail_drafts.seen(-2, bytes([2]))) is None


async def test_a_draft_is_sent_once(world: World) -> None:
    """Sending takes its attachments along in the transaction; of two clerks one finds nothing; a refusal changes nothing."""
    draft_id = await world.write(mail_drafts.keep(*draft(world), "10.0.0.9", world.clock.now))
    told = await world.read(mail_drafts.one(draft_id))

    def send(person: str, units: list[str]) -> Program[object]:
        paper = replace(world.document(), attachments=tuple(file.id for file in told.files))
        from inbox_store.programs import dispatch  # noqa: PLC0415

        fact = dispatch.submit(
            paper, None, world.plan(units), world.people[person], "", "市政府办", world.clock.now
        )
        return mail_drafts.sent(told, world.actor(person), fact, world.clock.now)

    await world.write(send("s0-b", ["U1"]))
    with pytest.raises(Refused, match="not_found"):
        await world.write(send("s0-a", ["U1"]))
    assert await world.read(mail_drafts.seen(-1, bytes([1]))) == (1, 1)
    assert await world.read(rows_of("attachments_of", document_id=1))
    with pytest.raises(Refused, match="not_found"):
        await world.write(mail_drafts.drop(draft_id, world.actor("s0-a"), world.clock.now))


async def test_a_units_rule(world: World) -> None:
    """Without a rule a unit's mail is drafts; a rule replaces the one before."""
    unit, by = world.units["S0"], world.actor("s0-a")
    assert await world.read(mail_drafts.policy_of(unit)) == MailPolicy("draft", "slip")
    for policy in (MailPolicy("dispatch", "notice"), MailPolicy("draft", "letter")):
        await world.write(mail_drafts.set_policy(unit, policy, by, world.clock.now))
        assert await world.read(mail_drafts.policy_of(unit)) == policy
