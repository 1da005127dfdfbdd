"""Waiting work with leases and fences, answers kept under the sender's key, and the dated registers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec
import pytest

from inbox_store.engine import Audit, Program, Sql
from inbox_store.errors import Refused
from inbox_store.programs import dispatch, registers, work
from inbox_store.programs.idempotency import Answer, Idempotency, Keyed, once, once_each, prune, seen
from inbox_store.store import Store
from inbox_store.times import DAY_US, US
from tests.inbox_store.world import START, Clock, World, rows_of

LEASE_S = 60


async def put(store: Store, key: str, *, lane: int = 1, due_at: int = START) -> None:
    """One more piece of work."""
    await store.engine.write(work.put("test", key, f'{{"key":"{key}"}}', lane=lane, due_at=due_at))


async def claim(store: Store, now: int, batch: int = 9, lane_max: int = 9) -> list[work.Order]:
    """Claim what is due."""
    return await store.engine.write(work.claim(batch, LEASE_S, now, lane_max))


# Work ---------------------------------------------------------------------------------------------------------------


async def test_urgent_work_comes_first(store: Store) -> None:
    """By lane, then by due time; nothing before it is due; not more than asked for; not above a lane."""
    for key, lane, due_at in (("c", 2, 0), ("b", 1, 5), ("a", 0, 9), ("early", 0, START + 1), ("b2", 1, 7)):
        await put(store, key, lane=lane, due_at=due_at)
    assert [order.key for order in await claim(store, START, 2, 1)] == ["a", "b"]
    assert [order.key for order in await claim(store, START, 9, 1)] == ["b2"]
    assert [order.key for order in await claim(store, START)] == ["c"]
    assert await store.engine.read(work.waiting()) == [("test", 5, 0)]


async def test_one_row_for_one_piece(store: Store) -> None:
    """Put twice it is one piece, due at the earlier time."""
    await put(store, "a", due_at=START + 9 * US)
    await put(store, "a", due_at=START)
    assert [order.key for order in await claim(store, START)] == ["a"]
    assert await store.engine.read(work.waiting()) == [("test", 1, START)]


async def test_two_claims_never_share(store: Store) -> None:
    """Of many who claim together each piece goes to one."""
    for no in range(20):
        await put(store, str(no))
    claims = await asyncio.gather(*(claim(store, START, 3) for _ in range(8)))
    keys = [order.key for orders in claims for order in orders]
    assert sorted(keys, key=int) == [str(no) for no in range(20)]


async def test_a_lease_that_ran_out_is_claimed_anew(store: Store) -> None:
    """The late holder finds the fence closed and changes nothing; the new one settles."""
    await put(store, "a")
    (late,) = await claim(store, START)
    assert await claim(store, START + LEASE_S * US) == []
    (new,) = await claim(store, START + LEASE_S * US + 1)
    assert (new.fence, new.attempts) == (late.fence + 1, 2)
    for settle in (work.done(late), work.again(late, START)):
        with pytest.raises(Refused, match="fenced"):
            await store.engine.write(settle)
    await store.engine.write(work.done(new))
    assert await store.engine.read(work.waiting()) == []
    with pytest.raises(Refused, match="fenced"):
        await store.engine.write(work.done(new))


async def test_work_put_back_keeps_what_was_reached(store: Store) -> None:
    """A piece put back for later comes again when due, with its new payload and its count of attempts."""
    await put(store, "a")
    (order,) = await claim(store, START)
    await store.engine.write(work.again(order, START + 5, '{"after":7}'))
    assert await claim(store, START) == []
    (again,) = await claim(store, START + 5)
    assert (again.payload, again.attempts) == ('{"after":7}', 2)
    await store.engine.write(work.again(again, START))
    assert (await claim(store, START))[0].payload == '{"after":7}'


# Idempotency --------------------------------------------------------------------------------------------------------


def key(name: str = "k1", owner: int = 7) -> Idempotency:
    """A sender's key."""
    return Idempotency(owner=owner, key=name, route="POST /x", body_hash=b"1")


def add_line(code: str, *, refuse: bool = False) -> Program[str]:
    """A fact that shows how often it was done."""
    yield Sql("org_line_upsert", {"code": code, "name": code})
    yield Audit(action="line.add", actor=0, subject=f"line:{code}")
    if refuse:
        raise Refused("no")
    return code


def told(code: str) -> Answer:
    """What the sender is told."""
    return Answer(status=201, body=code.encode())


async def test_the_same_key_gives_the_same_answer(store: Store) -> None:
    """Of a hundred at once one does it and all are told the same bytes; later ones too, whatever they bring."""
    facts = [once(key(), add_line(f"L{no}"), told, START) for no in range(100)]
    answers = await asyncio.gather(*(store.engine.write(fact) for fact in facts))
    assert {(answer.status, answer.body) for answer in answers} == {(201, answers[0].body)}
    assert sum(not answer.replayed for answer in answers) == 1
    assert len(await store.engine.read(rows_of("known_lines"))) == 1
    assert await store.engine.read(seen(key())) == Answer(status=201, body=answers[0].body, replayed=True)


def add_lines(codes: Sequence[str]) -> Program[list[str | Refused]]:
    """A fact of many orders; "no" is refused."""
    told: list[str | Refused] = []
    for code in codes:
        if code == "no":
            told.append(Refused("no"))
        else:
            told.append((yield from add_line(code)))
    return told


async def test_orders_under_keys(store: Store) -> None:
    """Beside each other or later: one key is done once and told the same; another body is refused; a refusal keeps no key."""
    each = once_each(add_lines, told)

    async def ask(code: str, name: str = "k1", **change: object) -> object:
        under = msgspec.structs.replace(key(name), **change)
        try:
            answer = await store.engine.write_each(each, Keyed(idempotency=under, order=code, now=START))
        except Refused as refused:
            return refused.code
        return answer.body.decode(), answer.replayed

    async def ask_all() -> list[object]:
        asked = [
            ask("A"),
            ask("B"),
            ask("C", body_hash=b"2"),
            ask("D", "k2"),
            ask("no", "k3"),
            ask("no", "k3"),
        ]
        return list(await asyncio.gather(*asked))

    # The first is alone in its transaction, as nothing waits yet; the others wait for it together.
    assert await ask_all() == [
        ("A", False),
        ("A", True),
        "idempotency_mismatch",
        ("D", False),
        "no",
        "no",
    ]
    assert await ask_all() == [("A", True), ("A", True), "idempotency_mismatch", ("D", True), "no", "no"]
    assert await ask("E", "k3") == ("E", False)
    beside: list[object] = [
        *await asyncio.gather(ask("F", "k4"), ask("G", "k5"), ask("H", "k5"), ask("I", "k5", route="POST /y"))
    ]
    assert beside == [("F", False), ("G", False), ("G", True), "idempotency_mismatch"]
    assert {row[0] for row in await store.engine.read(rows_of("known_lines"))} == set("ADEFG")


@pytest.mark.parametrize("change", [{"body_hash": b"2"}, {"route": "POST /y"}])
async def test_another_body_under_a_key_is_refused(store: Store, change: dict[str, object]) -> None:
    """A key that was used for something else does nothing."""
    await store.engine.write(once(key(), add_line("A"), told, START))
    another = msgspec.structs.replace(key(), **change)
    with pytest.raises(Refused, match="idempotency_mismatch"):
        await store.engine.write(once(another, add_line("B"), told, START))
    assert [row[0] for row in await store.engine.read(rows_of("known_lines"))] == ["A"]


async def test_keys_of_others_are_others(store: Store) -> None:
    """Two owners may use the same key; a refused fact keeps none; keys are forgotten after their days."""
    await store.engine.write(once(key(), add_line("A"), told, START))
    await store.engine.write(once(key(owner=-7), add_line("B"), told, START))
    with pytest.raises(Refused, match="no"):
        await store.engine.write(once(key("k2"), add_line("C", refuse=True), told, START))
    assert await store.engine.read(seen(key("k2"))) is None
    assert await store.engine.write(prune(START + 7 * DAY_US, 7)) == 0
    assert await store.engine.write(prune(START + 7 * DAY_US + 1, 7)) == 2
    assert await store.engine.read(seen(key())) is None


async def test_a_dispatch_under_a_key_is_one_document(world: World, clock: Clock) -> None:
    """A sender who asks again after a lost answer gets the first document's number."""
    plan, me = world.plan(["U1"]), world.people["s0-a"]

    def submit() -> Program[Answer]:
        fact = dispatch.submit(world.document(), None, plan, me, "", "云水市", clock.now)
        return once(
            key(), fact, lambda done: Answer(status=201, body=str(done.document_id).encode()), clock.now
        )

    first, second = await world.write(submit()), await world.write(submit())
    assert (first.body, second.body, second.replayed) == (b"1", b"1", True)
    assert len(await world.read(dispatch.open_dispatches())) == 1


# Registers ----------------------------------------------------------------------------------------------------------


async def test_registers_keep_what_was_entered(world: World) -> None:
    """Saved scopes are replaced by name and dropped; exemptions and series stand with their days."""
    now, unit = world.clock.now, world.units["S0"]
    number = await world.write(registers.save_scope(unit, "常用", "[1]", 1, now))
    assert await world.write(registers.save_scope(unit, "常用", "[1,2]", 1, now)) == number
    (scope,) = await world.read(registers.scopes_of([unit]))
    assert (scope.name, scope.scope) == ("常用", "[1,2]")
    assert await world.read(registers.scope_one(number)) == scope
    await world.write(registers.drop_scope(number, 1))
    with pytest.raises(Refused, match="not_found"):
        await world.read(registers.scope_one(number))
    await world.write(registers.add_exemption('{"kinds":["bill"]}', "财政资金", 20260101, None, 1, now))
    assert [(row.basis, row.to_day) for row in await world.read(registers.exemptions())] == [
        ("财政资金", None)
    ]
    first = await world.write(registers.add_series(unit, "政务信息", 20260101, None, 1, now))
    assert await world.write(registers.add_series(unit, "政务信息", 20260101, 20261231, 1, now)) == first
    assert [(row.name, row.to_day) for row in await world.read(registers.series())] == [
        ("政务信息", 20261231)
    ]


async def test_an_attachment_belongs_to_one_document(world: World) -> None:
    """Whoever uploaded it may attach it, once; another's or an attached one is unknown, and nothing is stored then."""
    upload = registers.Upload(
        id="a1", name="附件1.pdf", media_type="application/pdf", size_bytes=9, sha256=b"h" * 32
    )
    await world.write(registers.keep_upload(upload, world.people["s0-a"], world.clock.now))
    document = world.document(attachments=("a1",))
    with pytest.raises(Refused, match="attachment_unknown"):
        await world.submit(["U1"], document=document, by="s0-b")
    done = await world.submit(["U1"], document=document)
    rows = await world.read(rows_of("attachments_of", document_id=done.document_id))
    assert [row[:2] for row in rows] == [("a1", "附件1.pdf")]
    with pytest.raises(Refused, match="attachment_unknown"):
        await world.submit(["U1"], document=document)
    assert len(await world.read(dispatch.open_dispatches())) == 1


async def test_the_digest_covers_what_is_signed_for(world: World) -> None:
    """Any change of text, number, urgency or attachment gives another digest; the same content gives the same."""
    base = world.document()
    changes: list[dict[str, object]] = [
        {"title": "别的标题"},
        {"body": "别的正文"},
        {"doc_no": "8号"},
        {"urgency": "urgent"},
        {"duty": "handle"},
        {"elements": {"signatory": "张三"}},
        {"co_issuers": ("东川县",)},
    ]
    papers = [msgspec.structs.replace(base, **change) for change in changes]
    digests = {dispatch.content_digest(paper, []) for paper in (base, *papers)}
    assert len(digests) == len(changes) + 1
    assert dispatch.content_digest(world.document(), []) in digests
    one, other = ("附件.pdf", "application/pdf", 9, b"1" * 32), ("附件.pdf", "application/pdf", 9, b"2" * 32)
    assert dispatch.content_digest(base, [one]) != dispatch.content_digest(base, [other])
