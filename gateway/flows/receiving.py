"""Receiving: open, sign for, return, transfer, opinions, finish, archive, reopen; each act answers with what it did."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from gateway.flows.proposals import field_fault
from gateway.house import Act, House, rendered
from gateway.rules.deadlines import handle_due
from inbox_store.engine import Program, Sql
from inbox_store.errors import Refused
from inbox_store.nouns import STATE_ZH, DistributionState
from inbox_store.programs import copies, signing
from inbox_store.programs import dispatch as dispatches
from inbox_store.programs.idempotency import Answer, once_each
from inbox_store.programs.signing import BulkSigned, Signed, SignOrder
from inbox_store.times import moment

BULK_MAX = 200
"""Copies signed for in one call: bounds how long the writer is held."""


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """打开文件的结果；first 为 true 是本人第一次打开"""

    document_id: int
    first: bool


class SignedCopy(msgspec.Struct, frozen=True, kw_only=True):
    """签收结果：何人何时为哪个单位签收，是否及时，是否未阅即签，是否批量签收；on_behalf_of 为代何人签收"""

    document_id: int
    unit_id: int
    signed_at: datetime
    signed_by: str
    on_time: bool
    unread: bool
    bulk: bool
    on_behalf_of: str = ""

    @classmethod
    def of(cls, done: Signed, *, bulk: bool = False) -> SignedCopy:
        """From the fact."""
        return cls(
            document_id=done.document_id,
            unit_id=done.unit_id,
            signed_at=moment(done.signed_at),
            signed_by=done.signed_by,
            on_time=done.on_time,
            unread=done.unread,
            bulk=bulk,
            on_behalf_of=done.signed_for,
        )


class NotSigned(msgspec.Struct, frozen=True, kw_only=True):
    """批量签收中没有签成的一份和原因"""

    document_id: int
    unit_id: int
    code: str
    reason: str


class BulkAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """批量签收的结果：一份不成不影响其他"""

    signed: tuple[SignedCopy, ...]
    refused: tuple[NotSigned, ...]


class CopyMoved(msgspec.Struct, frozen=True, kw_only=True):
    """一份文件办理后的状态"""

    document_id: int
    unit_id: int
    state: DistributionState
    state_zh: str
    at: datetime
    handle_due_at: datetime | None = None


class OpinionGiven(msgspec.Struct, frozen=True, kw_only=True):
    """已记录的一条办理意见"""

    opinion_id: int
    document_id: int
    unit_id: int
    at: datetime


def _moved(
    act: Act, document_id: int, unit_id: int, state: DistributionState, due_at: int | None = None
) -> Callable[[object], CopyMoved]:
    """How a step that leads to ``state`` is answered."""
    told = CopyMoved(
        document_id=document_id,
        unit_id=unit_id,
        state=state,
        state_zh=STATE_ZH[state],
        at=moment(act.now),
        handle_due_at=None if due_at is None else moment(due_at),
    )
    return lambda _: told


async def open_document(house: House, act: Act, document_id: int) -> Answer:
    """The reader opens the document; kept apart from signing (F9)."""
    fact = copies.open_document(document_id, act.actor, act.now)
    return await house.once(act, fact, lambda first: Opened(document_id=document_id, first=first))


_SIGN = once_each(signing.sign_each, rendered(SignedCopy.of))
"""Signatures that wait together are one fact."""


async def sign(house: House, act: Act, document_id: int, unit_id: int) -> Answer:
    """Sign for the unit; whoever comes second is told who was first (F8)."""
    await house.require(act.principal, "document.sign", unit_id)
    order = SignOrder(document_id=document_id, unit_id=unit_id, actor=act.actor, now=act.now)
    try:
        return await house.once_each(act, _SIGN, order)
    except Refused as refused:
        if refused.code != "already_signed":
            raise
        signed_at, signed_by = await house.store.engine.read(_signature(document_id, unit_id))
        raise Refused("already_signed", signed_at=signed_at, signed_by=signed_by) from refused


def _signature(document_id: int, unit_id: int) -> Program[tuple[int, str]]:
    """When and by whom a signed copy was signed for."""
    ((signed_at, name),) = yield Sql("signature_of", {"document_id": document_id, "unit_id": unit_id})
    return signed_at, name


async def sign_many(
    house: House, act: Act, wanted: tuple[tuple[int, int], ...], why: Callable[[str], str]
) -> Answer:
    """Sign for several copies at once, marked as bulk; each stands for itself (F9).

    ``why`` says a refusal's code in Chinese. Raises Refused: too_many, forbidden for a unit that is not one's own.
    """
    if len(wanted) > BULK_MAX:
        raise Refused("too_many", limit=BULK_MAX)
    for unit_id in {unit_id for _, unit_id in wanted}:
        await house.require(act.principal, "document.sign", unit_id)
    fact = signing.sign_many(wanted, act.actor, act.now)

    def told(done: BulkSigned) -> BulkAnswer:
        return BulkAnswer(
            signed=tuple(SignedCopy.of(one, bulk=True) for one in done.signed),
            refused=tuple(
                NotSigned(document_id=document, unit_id=unit, code=code, reason=why(code))
                for document, unit, code in done.refused
            ),
        )

    return await house.once(act, fact, told)


async def return_copy(house: House, act: Act, document_id: int, unit_id: int, reason: str) -> Answer:
    """Send a copy back with a reason, before signing only (F10)."""
    await house.require(act.principal, "document.return", unit_id)
    fact = copies.return_copy(document_id, unit_id, reason, act.actor, act.now)
    return await house.once(act, fact, _moved(act, document_id, unit_id, "returned"))


async def transfer(
    house: House,
    act: Act,
    document_id: int,
    unit_id: int,
    handler_id: int,
    due_at: int | None,
    note: str,
) -> Answer:
    """Transfer to internal handling; without a date the deadline follows the urgency."""
    await house.require(act.principal, "document.transfer", unit_id, act.person_id)
    earlier = await house.told_before(act)
    if earlier is not None:
        return earlier  # a repetition is answered as it was, though its date may have passed since
    due = await _handle_due(house, act, document_id, due_at)
    fact = copies.transfer(document_id, unit_id, handler_id, due, note, act.actor, act.now)
    return await house.once(act, fact, _moved(act, document_id, unit_id, "handling", due))


async def _handle_due(house: House, act: Act, document_id: int, due_at: int | None) -> int:
    """The handling deadline: the one given, which must lie ahead, or the urgency's. Raises field_invalid, not_found."""
    if due_at is not None:
        if due_at <= act.now:
            raise field_fault("field_invalid", "due_at", "办理时限应在现在之后")
        return due_at
    head = await house.store.engine.read(dispatches.document_head(document_id))
    return handle_due(act.now, head.urgency, house.calendar, house.rules).at  # type: ignore[arg-type]


async def opinion(house: House, act: Act, document_id: int, unit_id: int, text: str) -> Answer:
    """Add an opinion; opinions stay in order and are never changed."""
    await house.require(act.principal, "document.opinion", unit_id, act.person_id)
    fact = copies.opinion(document_id, unit_id, text, act.actor, act.now)

    def told(number: int) -> OpinionGiven:
        return OpinionGiven(opinion_id=number, document_id=document_id, unit_id=unit_id, at=moment(act.now))

    return await house.once(act, fact, told, 201)


async def finish(house: House, act: Act, document_id: int, unit_id: int) -> Answer:
    """The matter is dealt with (办结)."""
    await house.require(act.principal, "document.finish", unit_id, act.person_id)
    fact = copies.finish(document_id, unit_id, act.actor, act.now)
    return await house.once(act, fact, _moved(act, document_id, unit_id, "finished"))


async def archive(house: House, act: Act, document_id: int, unit_id: int) -> Answer:
    """File the copy (归档)."""
    await house.require(act.principal, "document.archive", unit_id)
    fact = copies.archive(document_id, unit_id, act.actor, act.now)
    return await house.once(act, fact, _moved(act, document_id, unit_id, "archived"))


async def reopen(
    house: House, act: Act, document_id: int, unit_id: int, handler_id: int, due_at: int | None
) -> Answer:
    """Take a filed copy up again; it counts as not archived until it is filed anew."""
    await house.require(act.principal, "document.transfer", unit_id, act.person_id)
    earlier = await house.told_before(act)
    if earlier is not None:
        return earlier
    due = await _handle_due(house, act, document_id, due_at)
    fact = copies.reopen(document_id, unit_id, handler_id, due, act.actor, act.now)
    return await house.once(act, fact, _moved(act, document_id, unit_id, "handling", due))
