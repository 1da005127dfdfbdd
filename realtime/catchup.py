"""Reading what a session missed, a few sessions at a time, at the pace at which each socket takes it."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from realtime.desk import Desk
from realtime.effects import CatchUp
from realtime.link import Link
from realtime.ports import Page

log = structlog.get_logger("realtime")

PAUSES_S: Final = (0.2, 1.0, 3.0)
"""How long to wait before a failed read is tried again; after the last one the client is sent away to come back."""


class CatchUps:
    """A queue of sessions that want a page, and the workers that read.

    The queue is bounded by the sessions: a machine never has two pages under way. ``reached`` is the highest position
    that a page has told: a read may see a commit a moment before its number is published.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.reached = 0
        self._wanted: asyncio.Queue[tuple[Link, CatchUp]] = asyncio.Queue()

    def want(self, link: Link, what: CatchUp) -> None:
        """Read a page for this session when it is its turn and its socket has room."""
        if link.congested:
            self._desk.spawn(self._when_drained(link, what))
        else:
            self._wanted.put_nowait((link, what))

    async def _when_drained(self, link: Link, what: CatchUp) -> None:
        if await link.drained(self._desk.limits.slow_timeout_s):
            self._wanted.put_nowait((link, what))
        else:
            self._desk.too_slow(link)

    async def work(self) -> None:
        """Read pages until cancelled; several of these run beside each other."""
        while True:
            link, what = await self._wanted.get()
            if link.session.state != "catching_up":
                continue
            page = await self._page(what)
            session, now = link.session, self._desk.now()
            if page is None:
                self._desk.perform(link, session.unread(now))
            else:
                self.reached = max(self.reached, page.position)
                self._desk.perform(link, session.page(page, now))

    async def _page(self, what: CatchUp) -> Page | None:
        for pause_s in (0, *PAUSES_S):
            await asyncio.sleep(pause_s)
            try:
                async with asyncio.timeout(self._desk.limits.read_timeout_s):
                    return await self._desk.feed.since(what.person_id, what.after, what.limit)
            except Exception as why:  # noqa: BLE001 - whatever the store says: there is no page yet
                log.warning("catch_up.unread", after=what.after, why=repr(why))
        return None
