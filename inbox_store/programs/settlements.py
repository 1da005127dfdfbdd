"""The settlement of a year as it is kept: shares, steps, objections, consents (sms-charges 4.5).

What may be done is decided by ``sms_billing.settlement``, in the transaction that keeps it. A draft may be made anew;
what was sent out stays, and the database itself refuses anything else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec

from inbox_store.engine import Audit, Many, Program, Sql
from inbox_store.failpoints import failpoint
from inbox_store.nouns import Noun


class Share(Noun, frozen=True):
    """What one payer bears: its lines (``own_li`` is the part that is not apportioned) and what it owes, in li."""

    region_id: int
    code: str
    name: str
    messages: int
    segments: int
    amount_li: int
    own_li: int
    share_li: int


class StepRow(Noun, frozen=True):
    """A step taken; ``until_at`` is the end of the window that began with it."""

    step: Literal["draft", "objections", "confirmed", "frozen"]
    actor: int
    at: int
    until_at: int | None


class ObjectionRow(Noun, frozen=True):
    """What a county objected, and what was answered."""

    no: int
    region_id: int
    text: str
    actor: int
    at: int
    answer: str | None
    answered_by: int | None
    answered_at: int | None


class ConsentRow(Noun, frozen=True):
    """A county's own word."""

    region_id: int
    actor: int
    at: int


class Draft(Noun, frozen=True, kw_only=True):
    """Who owes what, by which method; amounts in li. ``digest`` is over the statements and the shares."""

    method: Literal["lines", "invoice"]
    invoice_li: int | None
    lines_li: int
    difference_li: int
    digest: bytes
    shares: tuple[Share, ...]


class Kept(Noun, frozen=True, kw_only=True):
    """A settlement as it stands."""

    year: int
    draft: Draft
    steps: tuple[StepRow, ...]
    objections: tuple[ObjectionRow, ...]
    consents: tuple[ConsentRow, ...]


class Change(Noun, frozen=True, kw_only=True):
    """What is to be kept: a draft in place of any before, and what is new beside what stands."""

    draft: Draft | None = None
    steps: tuple[StepRow, ...] = ()
    objections: tuple[ObjectionRow, ...] = ()
    answers: tuple[ObjectionRow, ...] = ()
    consents: tuple[ConsentRow, ...] = ()


NOTHING = Change()

Decide = Callable[["Kept | None", frozenset[int]], Change]
"""Pure: from the settlement as it stands and the closed months, what is to be kept. Raises Refused."""


def kept(year: int) -> Program[Kept | None]:
    """The settlement of the year, None before there is one."""
    told = {"year": year}
    found = yield Sql("settlement", told)
    if not found:
        return None
    method, invoice_li, lines_li, difference_li, digest = found[0]
    draft = Draft(
        method=method,
        invoice_li=invoice_li,
        lines_li=lines_li,
        difference_li=difference_li,
        digest=digest,
        shares=tuple(Share(*row) for row in (yield Sql("settlement_shares", told))),
    )
    return Kept(
        year=year,
        draft=draft,
        steps=tuple(StepRow(*row) for row in (yield Sql("settlement_steps", told))),
        objections=tuple(ObjectionRow(*row) for row in (yield Sql("settlement_objections", told))),
        consents=tuple(ConsentRow(*row) for row in (yield Sql("settlement_consents", told))),
    )


def change(year: int, decide: Decide, action: str, origin: str) -> Program[Kept]:
    """Keep what ``decide`` says, as one fact with its trace, and return how it stands then; nothing new: no trace either.

    Raises what ``decide`` refuses.
    """
    closed = frozenset(row[0] for row in (yield Sql("charge_months_closed")))
    wanted = decide((yield from kept(year)), closed)
    if wanted != NOTHING:
        yield from _keep(year, wanted)
        detail = {"shown": wanted.draft.digest.hex()} if wanted.draft else {}
        rows = (*wanted.steps, *wanted.objections, *wanted.answers, *wanted.consents)
        told = [msgspec.to_builtins(row) for row in rows]
        subject = f"year:{year}"
        yield Audit(action=action, actor=0, subject=subject, detail={**detail, "kept": told}, origin=origin)
        failpoint("before_close")
    found = yield from kept(year)
    if found is None:
        raise AssertionError(year)  # pragma: no cover - whoever decides nothing over nothing refuses
    return found


def _keep(year: int, wanted: Change) -> Program[None]:
    told = {"year": year}
    if wanted.draft is not None:
        for name in ("settlement_drop_shares", "settlement_drop_steps", "settlement_drop"):
            yield Sql(name, told)
        names = ("method", "invoice_li", "lines_li", "difference_li", "digest")
        yield Sql("settlement_add", {**told, **{name: getattr(wanted.draft, name) for name in names}})
        shares = [{**told, **msgspec.structs.asdict(share)} for share in wanted.draft.shares]
        yield Many("settlement_share_add", shares)
    # After the draft's own step shares are closed: steps come last.
    for name, rows in (
        ("settlement_objection_add", wanted.objections),
        ("settlement_objection_answer", wanted.answers),
        ("settlement_consent_add", wanted.consents),
        ("settlement_step_add", wanted.steps),
    ):
        yield Many(name, [{**told, **msgspec.structs.asdict(row)} for row in rows])
