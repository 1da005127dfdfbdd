"""Notices over real sockets: to every session of the one person, and nothing else is disturbed by them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from gateway.cli.listen import Screen
from inbox_store.engine import Nudge
from realtime.frames import Changes, Hello, Notice, Welcome, parse_server, say
from realtime.limits import LiveLimits
from realtime.ports import LivePorts
from tests.realtime.conftest import WAIT_S, Place, serving
from tests.realtime.memory_house import MemoryHouse
from tests.realtime.raw_client import RawClient

ME, OTHER = 7, 8


class NoticeHouse(MemoryHouse):
    """A city that writes notices; ``asked`` are the ids that were read, and while ``broken`` is above 0 reads fail."""

    def __init__(self) -> None:
        super().__init__()
        self.notices: dict[int, tuple[int, Notice]] = {}
        self.asked: list[Sequence[int]] = []

    @property
    def ports(self) -> LivePorts:
        """The ports, with notices."""
        return super().ports._replace(notices=self.read_notices)

    def notice(self, *persons: int) -> None:
        """One commit that tells each of ``persons``."""
        self.commit_no += 1
        told = []
        for person_id in persons:
            number = len(self.notices) + 1
            one = Notice(id=number, kind="phone_bad", about=person_id, text=f"第{number}条", created_at=1)
            self.notices[number] = (person_id, one)
            told.append((person_id, number))
        for listener in self.listeners:
            listener(Nudge(self.commit_no, told=tuple(told)))

    async def read_notices(self, ids: Sequence[int]) -> Sequence[tuple[int, Notice]]:
        """The notices with these ids."""
        self.asked.append(ids)
        if self.broken:
            self.broken -= 1
            raise OSError("unreadable")
        return [self.notices[number] for number in ids]


async def entered(place: Place, client: RawClient, person_id: int) -> None:
    """The client says hello and is welcomed."""
    client.say(say(Hello(ticket=place.house.ticket(person_id))))
    assert isinstance(await client.message(), Welcome)


async def test_each_session_of_the_person_is_told() -> None:
    """Both devices hear it, the other person hears only their own; who is offline costs no read."""
    city = NoticeHouse()
    async with (
        serving(city, LiveLimits(freeze_every=0)) as place,
        RawClient(place.port) as first,
        RawClient(place.port) as second,
        RawClient(place.port) as other,
        asyncio.timeout(WAIT_S),
    ):
        await entered(place, first, ME)
        await entered(place, second, ME)
        await entered(place, other, OTHER)
        city.notice(99)
        city.notice(ME, 99)
        city.notice(OTHER)
        for client, number in ((first, 2), (second, 2), (other, 4)):
            heard = await client.message()
            assert isinstance(heard, Notice)
            assert heard == city.notices[number][1]
    assert sorted(number for ids in city.asked for number in ids) == [2, 4]


async def test_a_notice_that_cannot_be_read_harms_nothing() -> None:
    """The session stays, the next document and the next notice come; the lost one is still unread in the store."""
    city = NoticeHouse()
    async with (
        serving(city, LiveLimits(freeze_every=0)) as place,
        RawClient(place.port) as client,
        asyncio.timeout(WAIT_S),
    ):
        await entered(place, client, ME)
        city.broken = 1
        city.notice(ME)
        await place.until(lambda: bool(city.asked))
        city.arrive(5, ME)
        arrived = await client.message()
        assert isinstance(arrived, Changes)
        assert [item.document_id for item in arrived.items] == [5]
        city.notice(ME)
        assert await client.message() == city.notices[2][1]


def test_the_terminal_shows_a_notice(capsys: pytest.CaptureFixture[str]) -> None:
    """`songda listen` remarks it to people beside the items, and writes a program one line with its type."""
    told = Notice(id=1, kind="phone_bad", about=ME, text="请核对号码。", created_at=1)
    Screen(as_json=False).notice(told)
    assert capsys.readouterr() == ("", "提醒：请核对号码。\n")
    Screen(as_json=True).notice(told)
    shown = capsys.readouterr().out
    assert parse_server(shown) == told
