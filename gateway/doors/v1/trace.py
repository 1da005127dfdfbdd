"""The trace for auditors, its signed head, and the published keys of receipts (F33)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from gateway.doors.cursors import Cursor, Page, PageQuery
from gateway.doors.routes import PUBLIC, Routes
from gateway.doors.v1.adapter import AppCall, at_of
from gateway.doors.v1.reaching import units_within
from gateway.doors.v1.shown import Position
from gateway.doors.wire import Answer, Body, Id, When, shown
from gateway.flows.heads import signed_head
from gateway.rules.access import reach
from inbox_store.chain import AuditRow
from inbox_store.engine import Program
from inbox_store.programs import trace as programs
from inbox_store.programs.trace import Verdict
from inbox_store.programs.usage import TraceFilter, trace_within

routes = Routes("trace")

ALWAYS: Final = 9_000_000_000_000_000_000
"""Above every commit number and instant: the bounds of a first page without filters."""


class TraceQuery(PageQuery, frozen=True, kw_only=True):
    """审计记录的条件"""

    subject: Annotated[str, Meta(max_length=80, description="对象，如 account:12")] | None = None
    actor: Annotated[Id, Meta(description="操作人")] | None = None
    action: Annotated[str, Meta(max_length=60, description="动作，如 account.login")] | None = None
    since: When | None = msgspec.field(name="from", default=None)
    until: When | None = msgspec.field(name="to", default=None)


class TraceLine(Answer, frozen=True, kw_only=True):
    """审计记录的一行；commit_no 和 no 是它在链上的位置，detail 是当时的细节"""

    commit_no: int
    no: int
    at: datetime
    actor: int
    action: str
    subject: str
    origin: str
    detail: dict[str, Any]


class Place(msgspec.Struct, frozen=True):
    """The line below which a page begins."""

    commit_no: Position
    no: Position


_LINES: Final = Cursor("audit", Place)


def _line(told: AuditRow) -> TraceLine:
    return TraceLine(
        commit_no=told.commit_no,
        no=told.no,
        at=shown(told.at),
        actor=told.actor,
        action=told.action,
        subject=told.subject,
        origin=told.origin,
        detail=msgspec.json.decode(told.detail),
    )


@routes.at(
    "GET",
    "/api/v1/audit",
    name="audit.list",
    access="audit.read",
    query=TraceQuery,
    answer=Page[TraceLine],
    errors=("cursor_invalid",),
    zh="审计记录，新的在前",
    en="The trace, newest first",
)
async def list_lines(call: AppCall[None, TraceQuery]) -> Page[TraceLine]:
    """A page of the trace; a county's auditor sees what the county's people did and what its units met."""
    told = call.query
    after = _LINES.decode(told.cursor)
    wanted = TraceFilter(
        subject=told.subject or "",
        actor=told.actor or 0,
        action=told.action or "",
        from_at=at_of(told.since, "/from") if told.since else 0,
        to_at=at_of(told.until, "/to") if told.until else ALWAYS,
    )
    before = (after.commit_no, after.no) if after else (ALWAYS, 0)
    lines = await call.services.house.store.engine.read(await _page(call, wanted, before, told.limit + 1))
    rows = [_line(line) for line in lines]
    return _LINES.page(rows, told.limit, lambda row: Place(row.commit_no, row.no))


async def _page(
    call: AppCall[None, TraceQuery], wanted: TraceFilter, before: tuple[int, int], limit: int
) -> Program[tuple[AuditRow, ...]]:
    if reach(call.principal, "audit.read").all:
        return programs.page(
            before=before,
            limit=limit,
            subject=wanted.subject,
            actor=wanted.actor,
            action=wanted.action,
            from_at=wanted.from_at,
            to_at=wanted.to_at,
        )
    units = units_within(call.principal, "audit.read", await call.services.house.organisation())
    return trace_within(wanted, [unit.id for unit in units], before, limit)


class VerifyQuery(Body, frozen=True, kw_only=True):
    """先前导出的链头，用来发现尾部被截断；两项同时填或都不填"""

    link: Annotated[str, Meta(pattern="^[0-9a-f]{64}$", description="链头，十六进制")] | None = None
    commit_no: Id | None = None


class VerdictView(Answer, frozen=True, kw_only=True):
    """校验结论：faults 逐条写明哪一处被改动，空为完好"""

    intact: bool
    commits: int
    rows: int
    receipts: int
    head: str
    faults: tuple[str, ...]


def verdict_view(told: Verdict) -> VerdictView:
    """What a verification found, as answers show it."""
    return VerdictView(
        intact=not told.faults,
        commits=told.commits,
        rows=told.rows,
        receipts=told.receipts,
        head=told.head,
        faults=told.faults,
    )


@routes.at(
    "GET",
    "/api/v1/audit/verify",
    name="audit.verify",
    access="audit.verify",
    query=VerifyQuery,
    answer=VerdictView,
    zh="校验审计链和签收回执；记录很多时请在服务器上执行 songda audit verify",
    en="Recompute the whole chain and every receipt; a changed row is named",
)
async def verify(call: AppCall[None, VerifyQuery]) -> VerdictView:
    """Verifies the trace."""
    told = call.query
    head = bytes.fromhex(told.link) if told.link and told.commit_no else None
    through = told.commit_no if head else None
    verdict = await call.services.house.store.engine.read(programs.verify(head, through))
    return verdict_view(verdict)


class SignedHead(Answer, frozen=True, kw_only=True):
    """带签名的链头；除 signature 外各项按键排序的紧凑 JSON 是签名的内容（Ed25519，base64）"""

    format: str
    epoch: str
    commit_no: int
    at: str
    link: str
    key_id: str
    signature: str


@routes.at(
    "GET",
    "/api/v1/audit/head",
    name="audit.head",
    access="audit.verify",
    answer=SignedHead,
    zh="带签名的链头，请每日导出到另一台机器保存",
    en="The signed head of the chain: keep one a day on another machine",
)
async def head(call: AppCall[None, None]) -> SignedHead:
    """The head as it stands, signed by the receipt key."""
    return SignedHead(**await signed_head(call.services.house))


class KeyView(Answer, frozen=True, kw_only=True):
    """一把回执公钥（Ed25519），十六进制；旧的一直保留"""

    key_id: str
    public_key: str
    algorithm: str
    valid_from: datetime


class KeyList(Answer, frozen=True, kw_only=True):
    """全部回执公钥"""

    keys: tuple[KeyView, ...]


@routes.at(
    "GET",
    "/api/v1/receipt-keys",
    name="receipt.keys",
    access=PUBLIC,
    answer=KeyList,
    zh="回执公钥：任何人都可以用来离线核验签收回执",
    en="The published keys by which anybody verifies a sign-for receipt offline",
)
async def receipt_keys(call: AppCall[None, None]) -> KeyList:
    """Every receipt key there ever was."""
    found = await call.services.house.store.engine.read(programs.public_keys())
    return KeyList(
        keys=tuple(
            KeyView(key_id=key_id, public_key=key.hex(), algorithm="Ed25519", valid_from=shown(at))
            for key_id, key, at in found
        )
    )
