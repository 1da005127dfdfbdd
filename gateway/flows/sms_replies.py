"""Replies from phones (上行): stored and acted on before the carrier is answered; and their lists.

A long reply's parts are rows before anything waits in memory: a restart hands them in again, and nothing is lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog

from gateway.house import House
from gateway.rules.access import ACTIONS, HOUSE, Principal, explain, permit
from gateway.rules.replies import REPLY_RULES
from inbox_store.engine import Program
from inbox_store.errors import Refused, StoreBroken, StoreFull
from inbox_store.programs import reply_lists, reply_parts
from inbox_store.programs import sms_replies as programs
from inbox_store.programs.dispatch import document_head
from inbox_store.programs.reply_lists import ReplyRow
from inbox_store.programs.reply_parts import NewPart
from inbox_store.programs.sms_replies import NewReply
from inbox_store.times import DAY_US
from push.sms.carrier import Coding, Reply
from push.sms.joining import Joined, Joining
from push.sms.text import read_header

PARTS_KEPT_US: Final = 2 * DAY_US
"""So long a part is known after its message was taken: longer than any carrier goes on sending."""

NO_PART: Final = 0

log = structlog.get_logger("sms")


class ReplyDesk:
    """Takes replies in, in the order in which they come; one for the house, whatever its channels."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._vault = house.store.keys.phones
        self._joining: dict[str, Joining[int]] = {}
        self._whole: list[NewReply] = []
        self._turn = asyncio.Lock()

    @property
    def waiting(self) -> int:
        """Long replies that lack parts."""
        return sum(map(len, self._joining.values()))

    async def start(self) -> None:
        """Take up what an earlier run had stored and not taken."""
        async with self._turn:
            for part in await self._house.store.engine.read(reply_parts.waiting_parts(self._vault)):
                coding: Coding = part.coding  # type: ignore[assignment]  # was one when it was kept
                reply = Reply(
                    sender=part.number,
                    source=part.source,
                    content=part.content,
                    coding=coding,
                    header=part.header,
                )
                self._join(part.channel, reply, part.id, part.received_at)
            await self._take_whole()

    async def take(self, channel: str, replies: Sequence[tuple[Reply, int]]) -> None:
        """Store replies with the instants at which they came (UTC microseconds) and do what they say.

        Durable when it returns: only then may the carrier be answered. The same reply again does nothing again. Raises
        StoreFull, StoreBroken, Refused("busy"): then the carrier is not answered and sends them again.
        """
        # What waited at the carrier comes at one instant: its order still says which was the last word.
        told = [(reply, at + place) for place, (reply, at) in enumerate(replies)]
        async with self._turn:
            keys = await self._keep(channel, told)
            for (reply, at), key in zip(told, keys, strict=True):
                if key is not None:
                    self._join(channel, reply, key, at)
            await self._take_whole()

    async def sweep(self, now: int) -> None:
        """Take what has lacked parts for 24 hours as it is; forget parts that no carrier sends again."""
        async with self._turn:
            for channel, joining in self._joining.items():
                for joined in joining.expired(now):
                    self._add(channel, joined, now)
            await self._take_whole()
            await self._house.store.engine.write(reply_parts.forget_parts(now - PARTS_KEPT_US))

    async def _keep(self, channel: str, replies: Sequence[tuple[Reply, int]]) -> list[int | None]:
        """The row of each part, NO_PART for what is whole by itself, None for a part that is known."""
        parts = [_new_part(channel, reply, at) for reply, at in replies if _is_part(reply)]
        if not parts:
            return [NO_PART] * len(replies)
        rows = iter(await self._house.store.engine.write(reply_parts.keep_parts(parts, self._vault)))
        return [next(rows) if _is_part(reply) else NO_PART for reply, _ in replies]

    def _join(self, channel: str, reply: Reply, key: int, at: int) -> None:
        joining = self._joining.setdefault(channel, Joining())
        for joined in joining.take(reply, key, at):
            self._add(channel, joined, at)

    def _add(self, channel: str, joined: Joined[int], at: int) -> None:
        self._whole.append(
            NewReply(
                channel=channel,
                number=joined.sender,
                source=joined.source,
                # What no coding could have carried must not stop the row.
                text=joined.text.encode("utf-8", "replace").decode(),
                received_at=at,
                complete=joined.complete,
                parts=tuple(key for key in joined.keys if key != NO_PART),
            )
        )

    async def _take_whole(self) -> None:
        """What is made of stored parts waits for the next time where the store refuses; the rest the carrier sends again."""
        if not self._whole:
            return
        try:
            await self._write(self._whole)
        except BaseException:
            self._whole = [one for one in self._whole if one.parts]
            raise
        self._whole = []

    async def _write(self, replies: Sequence[NewReply]) -> None:
        """One transaction; what fails in it for a reason nobody foresaw is tried alone, and at last kept unread."""
        write, now = self._house.store.engine.write, self._house.clock()
        try:
            await write(programs.take_replies(replies, REPLY_RULES, self._vault, now))
        except (Refused, StoreBroken, StoreFull):
            raise
        except Exception:
            log.exception("sms.replies_failed", replies=len(replies))
            if len(replies) == 1:
                await write(programs.keep_unread(replies, self._vault, now))
                return
            for one in replies:
                await self._write([one])


def _is_part(reply: Reply) -> bool:
    """Whether there are other parts to it; a broken header is content."""
    if not reply.header:
        return False
    try:
        part, _ = read_header(reply.content)
    except ValueError:
        return False
    return part is not None and part.total > 1


def _new_part(channel: str, reply: Reply, at: int) -> NewPart:
    return NewPart(
        channel=channel,
        number=reply.sender,
        source=reply.source,
        content=reply.content,
        coding=reply.coding,
        header=reply.header,
        received_at=at,
    )


# The lists ----------------------------------------------------------------------------------------------------------


async def of_document(
    house: House, principal: Principal, document_id: int, before: int, limit: int
) -> tuple[ReplyRow, ...]:
    """Replies to the messages about a document, for those who may see its roster, newest first, below ``before``.

    Raises Refused("not_found"), also for whom it does not concern.
    """
    sender_unit_id, rows = await house.store.engine.read(_of_document(document_id, before, limit, house))
    if not permit(principal, "meeting.roster", await house.target(sender_unit_id)):
        raise Refused("not_found", what="document", id=document_id)
    return rows


def _of_document(
    document_id: int, before: int, limit: int, house: House
) -> Program[tuple[int, tuple[ReplyRow, ...]]]:
    head = yield from document_head(document_id)
    rows = yield from reply_lists.document_page(document_id, before, limit, house.store.keys.phones)
    return head.sender_unit_id, rows


async def unmatched(house: House, principal: Principal, before: int, limit: int) -> tuple[ReplyRow, ...]:
    """Replies that answer nothing we asked, for who looks after the whole house, newest first, below ``before``.

    Raises Refused("forbidden").
    """
    if not permit(principal, "sms.read", HOUSE):
        reason = explain(principal, "sms.read", HOUSE).zh
        raise Refused("forbidden", action=ACTIONS["sms.read"].zh, reason=reason)
    return await house.store.engine.read(reply_lists.unmatched_page(before, limit, house.store.keys.phones))
