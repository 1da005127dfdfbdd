"""One check for every fault test: what was acknowledged is there, nothing else is, and all of it agrees.

``check_invariants`` opens the store as a restart would, lets the work that waits come to its end, and raises
AssertionError naming what does not hold: I1 nothing acknowledged is lost, I2 no ghosts, I3 every accepted segment is
charged once, I4 the money adds up, I5 one entry per person and document and gapless catch-up, I6 states move forward
only, I8 tallies equal the history, I9 the trace verifies.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from inbox_store.embedded import FILE, open_store
from inbox_store.engine import Row
from inbox_store.orgrows import AppointmentRow, OrgRows
from inbox_store.programs import dispatch, ledger, trace
from inbox_store.receipts import verify_receipt
from tests.faults import sms_invariants
from tests.faults.ledger import Line, facts
from tests.faults.worker import WallClock, catch_up
from tests.inbox_store.small_city import RECEIVERS, ROWS
from tests.inbox_store.world import KEYS, World, rows_of

SIGNED = {"signed", "handling", "finished", "archived"}


WATCHED = 60
"""People whose catching up is read page by page; of a bigger city every so many-th."""


def check_invariants(folder: Path, acked: list[Line], city: OrgRows = ROWS) -> None:
    """Raise AssertionError unless everything in ``acked`` is in the store in ``folder`` and all of the store agrees.

    ``city`` is what was imported. A folder with keys of its own (a server's) is opened with those.
    """
    asyncio.run(_check(folder, acked, city))
    with closing(sqlite3.connect(folder / FILE)) as conn:
        assert conn.execute("pragma integrity_check").fetchall() == [("ok",)]
        assert conn.execute("pragma foreign_key_check").fetchall() == []
        _no_entry_out_of_sight(conn)


async def _check(folder: Path, acked: list[Line], city: OrgRows) -> None:
    clock, keys = WallClock(), None if (folder / "keys").exists() else KEYS
    async with open_store(folder, clock=clock, keys=keys, readers=1) as store:
        world = await World.of(store, clock, city)
        # The quiet period: what was released goes out to its end, what was recalled is withdrawn.
        await catch_up(world)
        assert await world.read(dispatch.open_dispatches()) == []
        await world.must_agree()
        found = Found(world, acked, city.appointments)
        world.people = dict(found.rows("select code, id from person"))
        await found.nothing_is_lost()
        await found.nothing_is_invented()
        await found.copies_stand_where_they_were_told()
        await found.people_have_their_entries()
        await found.catching_up_is_gapless()
        await found.the_trace_verifies()
        await found.messages_agree()


@dataclass
class Found:
    """The store as it was found, against what was acknowledged."""

    world: World
    acked: list[Line]
    posts: Sequence[AppointmentRow]

    def told(self, *kinds: str) -> Iterable[Line]:
        """The acknowledged facts of these kinds."""
        return (line for kind in kinds for line in facts(self.acked, kind))

    async def copies(self, document_id: int) -> dict[str, str]:
        """The state of each unit's copy."""
        return await self.world.copy_states(document_id)

    async def nothing_is_lost(self) -> None:
        """I1: every acknowledged document and dispatch is there; what was told to be sent is with every unit."""
        for line in self.told("submitted"):
            head = await self.world.read(dispatch.document_head(line["document_id"]))
            assert line["key"] in head.title
            recalled = head.recalled_at is not None
            assert recalled or set(await self.copies(line["document_id"])) >= set(line["units"])
        for line in self.told("sent"):
            row = await self.world.read(dispatch.dispatch_row(line["dispatch_id"]))
            assert (row.state, row.sent_at is not None) == ("sent", True)
        for line in self.told("supplemented"):
            assert set(await self.copies(line["document_id"])) >= set(line.get("units", RECEIVERS))
        for line in self.told("recalled"):
            head = await self.world.read(dispatch.document_head(line["document_id"]))
            assert head.recalled_at is not None
            assert "unsigned" not in set((await self.copies(line["document_id"])).values())

    async def nothing_is_invented(self) -> None:
        """I2: each document was handed in, once; what was refused left nothing."""
        tried = {line["key"] for line in self.told("tried")}
        titles = Counter(title for (title,) in self.rows("select title from document"))
        assert all(count == 1 for count in titles.values()), titles
        assert set(titles) <= {f"通知 {key}" for key in tried}
        acked = {line["document_id"] for line in self.told("submitted")}
        assert len(acked) == len({line["key"] for line in self.told("submitted")}), "one key, one document"

    async def copies_stand_where_they_were_told(self) -> None:
        """I1, I6: what was signed stays signed, with a receipt that verifies offline; what was filed stays filed."""
        keys = {row[0]: row[1] for row in await self.world.read(trace.public_keys())}
        for line in self.told("signed"):
            document_id, unit = line["document_id"], line["unit"]
            assert (await self.copies(document_id))[unit] in SIGNED
            receipt = await self.world.read(trace.receipt(document_id, self.world.units[unit]))
            as_told = {name: getattr(receipt, name) for name in receipt.__struct_fields__}
            leaf, words = verify_receipt(json.loads(json.dumps(as_told)), keys)
            assert leaf is not None, words
            assert (leaf["document"], leaf["unit_code"]) == (document_id, unit)
        for line in self.told("archived"):
            assert (await self.copies(line["document_id"]))[line["unit"]] == "archived"
        for line in self.told("transferred"):
            assert await self.world.state(line["handler"], line["document_id"]) is not None
        for line in self.told("returned"):
            rows = self.rows(
                "select state, round from distribution where document_id = ? and unit_id = ?",
                line["document_id"],
                self.world.units[line["unit"]],
            )
            assert rows[0][0] == "returned" or rows[0][1] > 1
        for line in self.told("answered"):
            unit_id = self.world.units[line["unit"]]
            query = "select count(*) from meeting_receipt where document_id = ? and unit_id = ?"
            assert self.rows(query, line["document_id"], unit_id)[0][0] >= 1

    async def people_have_their_entries(self) -> None:
        """I5: of each document that is out, every clerk and leader of its units has one entry; opened stays opened."""
        for (document_id,) in self.rows("select id from document where recalled_at is null"):
            units = set(await self.copies(document_id))
            addressed = {
                post.person_code
                for post in self.posts
                if post.unit_code in units and post.role in ("clerk", "responsible_leader")
            }
            handlers = {
                line["handler"] for line in self.told("transferred") if line["document_id"] == document_id
            }
            entries = self.entries_of(document_id)
            staff = {post.person_code for post in self.posts if post.unit_code in units}
            everyone = any(
                line.get("everyone") for line in self.told("submitted") if line["document_id"] == document_id
            )
            assert set(entries) >= (staff if everyone else addressed) | handlers | {"s0-a"}
            assert max(entries.values()) == 1
            assert set(entries) <= staff | {"s0-a"}
        for line in self.told("opened"):
            opened = {
                entry.document_id for entry in await self.world.inbox(line["person"], 999) if entry.opened_at
            }
            assert line["document_id"] in opened
        for line in self.told("delivered"):
            for entry in await self.world.inbox(line["person"], 999):
                within = line.get("after", 0) < entry.commit_no <= line["to"]
                assert entry.delivered_at is not None or not within

    def entries_of(self, document_id: int) -> Counter[str]:
        """How many entries each person has of a document, counted in the tables themselves."""
        rows = self.rows(
            "select x.code from dispatch p join (select send_no, person_id from inbox union all"
            " select send_no, person_id from inbox_hot) e on e.send_no = p.send_no join person x on x.id = e.person_id"
            " where p.document_id = ?",
            document_id,
        )
        return Counter(row[0] for row in rows)

    async def catching_up_is_gapless(self) -> None:
        """I5: from any position anybody was at, each entry that came or changed since is told once, in commit order."""
        heads = [0, *(line["commit_no"] for line in self.told("head"))]
        for after in {heads[0], heads[len(heads) // 2], heads[-1]}:
            everybody = sorted(self.world.people.items())
            for person, person_id in everybody[:: max(1, len(everybody) // WATCHED)]:
                items = await self.world.catch_up(person, after, 7)
                numbers = [item.commit_no for item in items]
                assert numbers == sorted(numbers)
                assert all(number > after for number in numbers)
                expected = self.rows(
                    "select send_no from inbox where person_id = ?1 and commit_no > ?2"
                    " union select send_no from inbox_hot where person_id = ?1 and commit_no > ?2"
                    " union select send_no from entry_change where person_id = ?1 and commit_no > ?2",
                    person_id,
                    after,
                )
                assert sorted(item.send_no for item in items) == sorted(row[0] for row in expected)

    async def the_trace_verifies(self) -> None:
        """I9: the chain holds from the first commit to the last, through every head that anybody was told."""
        told = await self.world.read(trace.verify())
        assert told.faults == ()
        ((position,),) = await self.world.read(rows_of("position"))
        assert told.commits == position
        for line in self.told("head"):
            link = bytes.fromhex(line["link"])
            assert (await self.world.read(trace.verify(link, line["commit_no"]))).faults == ()

    async def messages_agree(self) -> None:
        """I3, I4, I6 of short messages, as far as they can be told without a carrier's invoice."""
        sms_invariants.messages_agree(self.rows)
        assert await self.world.read(ledger.inconsistencies()) == []

    def rows(self, query: str, *params: object) -> list[Row]:
        """What the file holds, read past the engine."""
        with closing(sqlite3.connect(self.world.store.folder / FILE)) as conn:
            return conn.execute(query, params).fetchall()


def _no_entry_out_of_sight(conn: sqlite3.Connection) -> None:
    """A hot row whose send is not on the list of hot sends would be seen by nobody."""
    lost = conn.execute("select count(*) from inbox_hot where send_no not in (select send_no from hot_send)")
    assert lost.fetchall() == [(0,)]
