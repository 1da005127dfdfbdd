"""Routes of the receiving unit: open, sign for, return, handle, file; receipts and the unit's register."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from gateway.doors.call import Encoded
from gateway.doors.cursors import Cursor, Page, PageQuery
from gateway.doors.problems import entry_of
from gateway.doors.routes import Routes
from gateway.doors.v1.adapter import AppCall, act_of, at_of, encoded
from gateway.doors.v1.dispatch_bodies import Reason
from gateway.doors.v1.document_answers import DocumentAnswer, UnitCopyLine, document_of, unit_copy_of
from gateway.doors.v1.shown import Position
from gateway.doors.wire import Body, Id, When
from gateway.flows import reading
from gateway.flows import receiving as flows
from gateway.flows.receiving import BULK_MAX, BulkAnswer, CopyMoved, Opened, OpinionGiven, SignedCopy
from inbox_store.nouns import DistributionState
from inbox_store.programs.inbox import NO_BOUND
from inbox_store.programs.trace import ProvenReceipt

COPY = "/api/v1/documents/{document_id:int}/units/{unit_id:int}"

routes = Routes("receiving")


class OneCopy(Body, frozen=True, kw_only=True):
    """一份：文件和收文单位"""

    document_id: Id
    unit_id: Id


class BulkSign(Body, frozen=True, kw_only=True):
    """批量签收的各份"""

    copies: Annotated[tuple[OneCopy, ...], Meta(min_length=1, max_length=BULK_MAX)]


class ReturnBody(Body, frozen=True, kw_only=True):
    """退回的原因"""

    reason: Reason


class TransferBody(Body, frozen=True, kw_only=True):
    """交给谁办理、何时办结；不填时限的，按紧急程度确定"""

    handler_id: Annotated[Id, Meta(description="承办人")]
    due_at: When | None = None
    note: Annotated[str, Meta(max_length=1_000, description="交办意见")] = ""


class ReopenBody(Body, frozen=True, kw_only=True):
    """重新办理：交给谁、何时办结"""

    handler_id: Annotated[Id, Meta(description="承办人")]
    due_at: When | None = None


class OpinionBody(Body, frozen=True, kw_only=True):
    """办理意见"""

    text: Annotated[str, Meta(min_length=1, max_length=4_000, pattern=r"\S", description="意见")]


class RegisterQuery(PageQuery, frozen=True, kw_only=True):
    """收文登记的条件"""

    state: DistributionState | None = None


class Below(msgspec.Struct, frozen=True):
    """Where a page of a unit's register begins: newest first."""

    document_id: Position


REGISTER = Cursor("unit.copies", Below)


def _copy(call: AppCall[Any, Any]) -> tuple[int, int]:
    return call.path.number("document_id"), call.path.number("unit_id")


@routes.at(
    "GET",
    "/api/v1/documents/{document_id:int}",
    name="document.show",
    access="document.read",
    answer=DocumentAnswer,
    zh="阅读文件：正文、要素、附件，本单位的办理情况和意见",
    en="A document as the reader may see it",
)
async def show(call: AppCall[None, None]) -> DocumentAnswer:
    """A document; one that may not be read is answered as if there were none."""
    house = call.services.house
    fact = reading.document_view(call.path.number("document_id"), call.principal, call.now)
    return document_of(await house.store.engine.read(fact), await house.organisation())


@routes.at(
    "POST",
    "/api/v1/documents/{document_id:int}/open",
    name="document.open",
    access="document.open",
    answer=Opened,
    zh="打开文件：记下本人第一次打开的时间，与签收分开",
    en="The person opens the document; kept apart from signing",
    errors=("not_addressed",),
)
async def open_document(call: AppCall[None, None]) -> Encoded:
    """Records the first opening."""
    document_id = call.path.number("document_id")
    return encoded(await flows.open_document(call.services.house, act_of(call), document_id))


@routes.at(
    "POST",
    f"{COPY}/sign",
    name="document.sign",
    access="document.sign",
    answer=SignedCopy,
    zh="签收：由 A 角或 B 角收发员办理，以第一次为准",
    en="Sign for the unit; the first act wins",
    errors=(
        "not_addressed",
        "not_clerk",
        "no_signing_duty",
        "already_signed",
        "already_returned",
        "already_recalled",
    ),
)
async def sign(call: AppCall[None, None]) -> Encoded:
    """Signs for the unit."""
    return encoded(await flows.sign(call.services.house, act_of(call), *_copy(call)))


@routes.at(
    "POST",
    "/api/v1/signatures",
    name="document.sign_many",
    access="document.sign",
    body=BulkSign,
    answer=BulkAnswer,
    zh="批量签收：逐份签收并标记为批量，一份不成不影响其他",
    en="Sign for many copies at once; each stands for itself and is marked as bulk",
    example=BulkSign(copies=(OneCopy(document_id=31, unit_id=17),)),
)
async def sign_many(call: AppCall[BulkSign, None]) -> Encoded:
    """Signs for several copies."""
    wanted = tuple(dict.fromkeys((one.document_id, one.unit_id) for one in call.body.copies))
    house = call.services.house
    return encoded(await flows.sign_many(house, act_of(call), wanted, lambda code: entry_of(code).title_zh))


@routes.at(
    "POST",
    f"{COPY}/return",
    name="document.return",
    access="document.return",
    body=ReturnBody,
    answer=CopyMoved,
    zh="退回：签收之前，须说明原因",
    en="Return a copy with a reason, before signing only",
    example=ReturnBody(reason="主送单位有误，不属我单位职责"),
    errors=(
        "not_addressed",
        "not_clerk",
        "already_signed",
        "already_answered",
        "already_returned",
        "already_recalled",
    ),
)
async def return_copy(call: AppCall[ReturnBody, None]) -> Encoded:
    """Sends a copy back."""
    house = call.services.house
    return encoded(await flows.return_copy(house, act_of(call), *_copy(call), call.body.reason))


@routes.at(
    "POST",
    f"{COPY}/transfer",
    name="document.transfer",
    access="document.transfer",
    body=TransferBody,
    answer=CopyMoved,
    zh="转内部办理：指定承办人和时限，承办人随即收到",
    en="Transfer to internal handling: a person of the unit gets the entry and a due date",
    example=TransferBody(handler_id=210, note="请于本周内提出意见"),
    errors=(
        "not_addressed",
        "not_signed",
        "not_handler",
        "handler_unknown",
        "step_not_possible",
        "field_invalid",
    ),
)
async def transfer(call: AppCall[TransferBody, None]) -> Encoded:
    """Assigns a handler."""
    body = call.body
    due_at = at_of(body.due_at, "/due_at") if body.due_at else None
    act, house = act_of(call), call.services.house
    return encoded(await flows.transfer(house, act, *_copy(call), body.handler_id, due_at, body.note))


@routes.at(
    "POST",
    f"{COPY}/opinions",
    name="document.opinion",
    access="document.opinion",
    body=OpinionBody,
    answer=OpinionGiven,
    status=201,
    zh="签署办理意见；意见依次保存，不能更改",
    en="Add an opinion; opinions stay in order and are never changed",
    example=OpinionBody(text="拟同意，请主要领导审定"),
    errors=("not_addressed",),
)
async def opinion(call: AppCall[OpinionBody, None]) -> Encoded:
    """Keeps an opinion."""
    return encoded(await flows.opinion(call.services.house, act_of(call), *_copy(call), call.body.text))


_STEPS = ("not_addressed", "not_signed", "not_handler", "step_not_possible")


@routes.at(
    "POST",
    f"{COPY}/finish",
    name="document.finish",
    access="document.finish",
    answer=CopyMoved,
    zh="办结",
    en="The matter is dealt with",
    errors=_STEPS,
)
async def finish(call: AppCall[None, None]) -> Encoded:
    """Finishes the handling."""
    return encoded(await flows.finish(call.services.house, act_of(call), *_copy(call)))


@routes.at(
    "POST",
    f"{COPY}/archive",
    name="document.archive",
    access="document.archive",
    answer=CopyMoved,
    zh="归档",
    en="File the copy",
    errors=_STEPS,
)
async def archive(call: AppCall[None, None]) -> Encoded:
    """Files the copy."""
    return encoded(await flows.archive(call.services.house, act_of(call), *_copy(call)))


@routes.at(
    "POST",
    f"{COPY}/reopen",
    name="document.reopen",
    access="document.transfer",
    body=ReopenBody,
    answer=CopyMoved,
    zh="已归档的重新办理",
    en="Take a filed copy up again",
    example=ReopenBody(handler_id=210),
    errors=(*_STEPS, "handler_unknown", "field_invalid"),
)
async def reopen(call: AppCall[ReopenBody, None]) -> Encoded:
    """Takes a filed copy up again."""
    body = call.body
    due_at = at_of(body.due_at, "/due_at") if body.due_at else None
    house = call.services.house
    return encoded(await flows.reopen(house, act_of(call), *_copy(call), body.handler_id, due_at))


@routes.at(
    "GET",
    f"{COPY}/receipt",
    name="document.receipt",
    access="document.read",
    answer=ProvenReceipt,
    zh="签收回执及其证明，可离线用公布的公钥校验",
    en="The sign-for receipt with its proof; it verifies offline with the published key",
    errors=("not_signed",),
)
async def receipt(call: AppCall[None, None]) -> ProvenReceipt:
    """The receipt, for the unit and for the sender."""
    fact = reading.receipt(*_copy(call), call.principal)
    return await call.services.house.store.engine.read(fact)


@routes.at(
    "GET",
    "/api/v1/units/{unit_id:int}/copies",
    name="unit.copies",
    access="document.read",
    query=RegisterQuery,
    answer=Page[UnitCopyLine],
    zh="单位收文登记，新的在前",
    en="A unit's register of incoming documents, newest first",
)
async def unit_copies(call: AppCall[None, RegisterQuery]) -> Page[UnitCopyLine]:
    """What came to a unit."""
    house, limit = call.services.house, call.query.limit
    before = REGISTER.decode(call.query.cursor) or Below(NO_BOUND)
    unit_id, state = call.path.number("unit_id"), call.query.state or ""
    rows = await reading.unit_copies(house, call.principal, unit_id, state, before.document_id, limit + 1)
    organisation = await house.organisation()
    lines = [unit_copy_of(row, organisation) for row in rows]
    return REGISTER.page(lines, limit, lambda line: Below(line.document_id))
