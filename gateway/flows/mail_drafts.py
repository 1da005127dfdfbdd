"""Drafts that came by mail, in the hands of their unit's clerks: look, send, drop. And what a unit's mail may do by itself."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from gateway.flows import sending
from gateway.flows.proposals import Considered, Proposal
from gateway.house import Act, House
from gateway.rules.access import Principal, reach
from gateway.rules.audience import Scope
from inbox_store.errors import Refused
from inbox_store.mails import Draft, MailPolicy
from inbox_store.nouns import NewDocument
from inbox_store.programs import mail_drafts as programs
from inbox_store.programs.idempotency import Answer
from inbox_store.programs.registers import Upload

Complete = Callable[[Proposal], Proposal]
"""What the clerk adds to a draft, or says otherwise."""


async def listed(house: House, principal: Principal, before: int, limit: int) -> tuple[Draft, ...]:
    """The drafts of the units the caller sends for, newest first, ``limit`` and one more."""
    units = reach(principal, "dispatch.submit").unit_ids
    return await house.store.engine.read(programs.of_units(units, before, limit))


async def opened(house: House, principal: Principal, draft_id: int) -> Draft:
    """One draft; another unit's is as good as none. Raises Refused("not_found")."""
    draft = await house.store.engine.read(programs.one(draft_id))
    if draft.unit_id not in reach(principal, "dispatch.submit").unit_ids:
        raise Refused("not_found", what="draft", id=draft_id)
    return draft


def proposal_of(draft: Draft) -> Proposal:
    """The draft as a dispatch, as the mail said it."""
    document = NewDocument(
        kind=draft.kind,  # type: ignore[arg-type]  # as stored
        title=draft.title,
        body=draft.body,
        urgency=draft.urgency,  # type: ignore[arg-type]
        sender_unit_id=draft.unit_id,
        attachments=tuple(file.id for file in draft.files),
    )
    return Proposal(document=document, scope=msgspec.json.decode(draft.scope, type=Scope))


async def look(house: House, principal: Principal, draft_id: int, complete: Complete, now: int) -> Considered:
    """What sending it would do; nothing is stored."""
    draft = await opened(house, principal, draft_id)
    return await sending.look(house, principal, complete(proposal_of(draft)), now)


async def send(house: House, act: Act, draft_id: int, complete: Complete) -> Answer:
    """Send it by the flow of every dispatch; in the same transaction it is a draft no more.

    Raises Refused: not_found, and what a dispatch is refused for: the draft then stays.
    """
    earlier = await house.told_before(act)
    if earlier is not None:
        return earlier
    draft = await opened(house, act.principal, draft_id)
    proposal = complete(proposal_of(draft))
    return await sending.submit(
        house, act, proposal, lambda fact: programs.sent(draft, act.actor, fact, act.now)
    )


async def drop(house: House, act: Act, draft_id: int) -> tuple[Answer, list[str]]:
    """Forget it; returns the answer and the files to remove. Raises Refused("not_found")."""
    earlier = await house.told_before(act)
    if earlier is not None:
        return earlier, []
    await opened(house, act.principal, draft_id)
    files: list[str] = []
    told = await house.once(act, programs.drop(draft_id, act.actor, act.now), files.extend, 204)
    return told, files


async def file_of(house: House, principal: Principal, draft_id: int, file_id: str) -> Upload:
    """One attachment of a draft. Raises Refused("not_found")."""
    draft = await opened(house, principal, draft_id)
    found = next((file for file in draft.files if file.id == file_id), None)
    if found is None:
        raise Refused("not_found", what="attachment", id=file_id)
    return found


async def policy_of(house: House, principal: Principal, unit_id: int) -> MailPolicy:
    """A unit's rule for its mail. Raises not_found, forbidden."""
    await house.require(principal, "account.api_key", unit_id)
    return await house.store.engine.read(programs.policy_of(unit_id))


async def set_policy(
    house: House, act: Act, unit_id: int, policy: MailPolicy, render: Callable[[None], object]
) -> Answer:
    """Keep a unit's rule: whoever gives out keys says what mail under them may do. Raises not_found, forbidden."""
    await house.require(act.principal, "account.api_key", unit_id)
    return await house.once(act, programs.set_policy(unit_id, policy, act.actor, act.now), render)
