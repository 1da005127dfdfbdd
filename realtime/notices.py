"""Notices on their way to the screens: what was committed together is read together and told at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from realtime.desk import Desk
from realtime.frames import Notice, pack
from realtime.ports import ReadNotices
from realtime.register import sliced

log = structlog.get_logger("realtime")


class Notices:
    """Notices that are to be told to those online. What is not told here is not lost: it stays unread in the store."""

    def __init__(self, desk: Desk, read: ReadNotices) -> None:
        self._desk = desk
        self._read = read
        self._waiting: list[int] = []
        self._wake = asyncio.Event()

    def soon(self, notice_id: int) -> None:
        """Read and tell this notice with the next round."""
        self._waiting.append(notice_id)
        self._wake.set()

    async def run(self) -> None:
        """Tell notices until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            waiting, self._waiting = self._waiting, []
            for some in sliced(waiting, self._desk.limits.slice_sends):
                await self._tell(some)

    async def _tell(self, notice_ids: Sequence[int]) -> None:
        try:
            async with asyncio.timeout(self._desk.limits.read_timeout_s):
                found = await self._read(notice_ids)
        except Exception as why:  # noqa: BLE001 - the person reads it at the next log-in
            log.warning("notices.unread", notices=len(notice_ids), why=repr(why))
            return
        for person_id, notice in found:
            self._push(person_id, notice)

    def _push(self, person_id: int, notice: Notice) -> None:
        frame = pack(notice)
        for link in self._desk.register.of(person_id):
            if link.session.takes_words:
                self._desk.write(link, frame)
