"""A city whose people all have telephones, carriers that write their own invoice, and servers between the two.

    with sms_world(tmp_path, units=60, spoken=FOUR, script=UNRELIABLE) as world:
        with world.serving(failpoint="sms_after_claim:3") as server:
            world.hand_in(server, documents=5)
            assert server.wait() == -signal.SIGKILL
        with world.serving() as server:
            world.until_quiet()
            server.stop()
        world.check()

The carriers (``tests/faults/sms_carriers.py``) are processes of their own, which no kill of ours ends.
"""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace

from inbox_store.embedded import FILE
from inbox_store.orgrows import OrgRows
from tests.faults.callers import LOST, Office, ledger_path, office
from tests.faults.ledger import Ledger
from tests.faults.server import Server, found, free_port, serving
from tests.faults.sms_carriers import PROMPT, Carrier, carrier
from tests.faults.sms_invariants import check_messages, listed_in_doubt, match_the_submits, messages_agree
from tests.faults.wide_city import more_units, wide_city
from tests.gateway.sms_city import SECRET, channel

SPOKEN: Final = {"cmpp3": "cmpp", "cmpp2": "cmpp", "smgp": "smgp", "smpp": "smpp", "sgip": "sgip"}
"""Our protocols, and what the carrier calls them."""

FOUR: Final = ("cmpp3", "smgp", "smpp", "sgip")
SGIP: Final = {"node": 3_093_399_999, "corp_id": "99999", "listen_host": "127.0.0.1"}
SOURCE: Final = "10657500"
DIGITS: Final = 4
"""Of the extension that tells alerts apart: what is in doubt is found in the invoice by number, extension and minute."""

LONG: Final = {"sensitivity": "public", "title": "关于进一步做好全市防汛抗旱和地质灾害防范应对工作的通知" * 3}
"""What is more of a document whose message takes two segments."""

OPEN: Final = ("waiting", "sending")
LOOK_EVERY_S: Final = 0.005
QUIET_S: Final = 60.0
SAME_LOOKS: Final = 150
"""Most of a second in which no report came."""


def two_counties(units: int) -> OrgRows:
    """The wide city, every second of its further units in the other county."""
    rows = wide_city(units)
    odd = set(more_units(units)[::2])
    return replace(
        rows,
        units=tuple(
            replace(unit, name=f"东川县第{unit.code}学校", region_code="110") if unit.code in odd else unit
            for unit in rows.units
        ),
    )


@dataclass
class SmsWorld:
    """The folder, its channels and carriers; servers come and go."""

    folder: Path
    rows: OrgRows
    units: tuple[str, ...]
    """Who is written to: three people each."""
    carriers: dict[str, Carrier] = field(default_factory=dict)
    capacity: dict[str, int] = field(default_factory=dict)
    """Of each channel: how many segments may be without an answer."""
    environ: dict[str, str] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    """What the carriers that were stopped have told of their desks, together."""
    begun: list[str] = field(default_factory=list)
    ended: set[str] = field(default_factory=set)
    answers: dict[tuple[str, str], bytes] = field(default_factory=dict)
    long_every: int = 0
    """Of so many documents one has a message of two segments; 0: none."""
    lost: set[int] = field(default_factory=set)
    """Attempts that a kill left without an outcome."""
    more_numbers: dict[str, int] = field(default_factory=dict)
    """Whose they became while it ran."""
    most_lost: int = 0
    """By one kill."""

    @property
    def details(self) -> list[Path]:
        """The invoices."""
        return [one.detail for one in self.carriers.values()]

    def accepted(self) -> int:
        """Segments that carriers have on their invoices."""
        return sum(one.accepted() for one in self.carriers.values())

    def channels(self, tables: Sequence[str]) -> None:
        """The channels of the servers to come."""
        (self.folder.parent / "channels.toml").write_text("\n".join(tables), "utf-8")

    def secret(self, name: str) -> None:
        """The secret of a channel, where the server looks for it."""
        path = self.folder / "keys" / f"sms-{name}.secret"
        path.write_text(SECRET)
        path.chmod(0o600)

    def serving(self, *, failpoint: str = "", **environ: str) -> AbstractContextManager[Server]:
        """A server that is ready."""
        return serving(self.folder, failpoint=failpoint, environ={**self.environ, **environ})

    def rows_in(self, query: str, *params: object) -> list[tuple[Any, ...]]:
        """What the file holds; nothing is folded or mended by looking, so that a start after a kill finds it as it was."""
        with closing(sqlite3.connect(f"file:{self.folder / FILE}?mode=ro", uri=True)) as conn:
            return conn.execute(query, params).fetchall()

    def states(self) -> Counter[str]:
        """Orders by state."""
        return Counter(dict(self.rows_in("select state, count(*) from sms_order group by state")))

    def sending(self) -> dict[int, str]:
        """Attempts that were handed to a channel, and whose outcome is not kept yet: each with its channel."""
        return dict(self.rows_in("select id, channel from sms_attempt where state = 'sending'"))

    def died(self) -> None:
        """After a kill: what has no outcome fits the windows, and all that is kept agrees. The next start must tell of it."""
        lost = self.sending()
        for name, count in Counter(lost.values()).items():
            # The segments of one message leave together: the second may be one more than there was room for.
            assert count <= self.capacity[name] + bool(self.long_every), (name, count)
        self.lost |= lost.keys()
        self.most_lost = max(self.most_lost, len(lost))
        messages_agree(self.rows_in)

    # Documents ------------------------------------------------------------------------------------------------------

    def begin(self, documents: int) -> None:
        """So many documents more are to be handed in."""
        first = len(self.begun) + 1
        self.begun += [f"sms-{number}" for number in range(first, first + documents)]

    def hand_in(self, server: Server, documents: int, **more: object) -> None:
        """So many documents more, each with a reminder to everybody who is written to; returns when all are sent out."""
        self.begin(documents)
        self.ask(server, lambda people: self.finish(people, **more))

    async def finish(self, people: Office, **more: object) -> None:
        """Hand in what was begun and not sent out; asked again after a kill it is the same documents."""
        for key in [key for key in self.begun if key not in self.ended]:
            is_long = self.long_every and int(key.rpartition("-")[2]) % self.long_every == 0
            told = await people.submit(
                key, self.units, sms_reminder=True, **{**(LONG if is_long else {}), **more}
            )
            await people.sent(told.dispatch_id)
            self.ended.add(key)

    def ask(self, server: Server, what: Callable[[Office], Any]) -> Any:  # noqa: ANN401 - whatever is asked for
        """One visit to the doors. Raises one of ``LOST``."""

        async def visit() -> Any:  # noqa: ANN401
            async with office(server, Ledger(ledger_path(self.folder)), answers=self.answers) as people:
                return await what(people)

        return asyncio.run(visit())

    def try_to_finish(self, server: Server) -> None:
        """As far as the server lives."""
        with suppress(*LOST):
            self.ask(server, self.finish)

    # Waiting --------------------------------------------------------------------------------------------------------

    def until(self, holds: Callable[[], bool], what: str, within_s: float = 30.0) -> float:
        """Wait for it; returns the seconds. Raises AssertionError with ``what`` was waited for."""
        began = time.monotonic()
        while not holds():
            assert time.monotonic() - began < within_s, f"not within {within_s} s: {what}; {self.states()}"
            time.sleep(LOOK_EVERY_S)
        return time.monotonic() - began

    def until_accepted(self, count: int, server: Server, within_s: float = 60.0) -> None:
        """Until the invoices hold so many segments, or everything has left. Raises AssertionError when the server ends."""
        looks = itertools.count()

        def there() -> bool:
            assert server.alive, server.said()[-4000:]
            return self.accepted() >= count or (next(looks) % 20 == 19 and self.all_left())

        self.until(there, f"{count} segments accepted", within_s)

    def all_left(self) -> bool:
        """Whether every document is out and every message has an outcome."""
        states = self.states()
        return len(self.ended) == len(self.begun) and not any(states[state] for state in OPEN)

    def until_quiet(self, within_s: float = QUIET_S) -> None:
        """Until nothing waits to leave or to be answered, and reports have stopped coming."""
        self.until(self.all_left, "all has left", within_s)
        seen: list[int] = []

        def unchanged() -> bool:
            seen.append(self.states()["accepted"])
            last = seen[-SAME_LOOKS:]
            return seen[-1] == 0 or (len(last) == SAME_LOOKS and len(set(last)) == 1)

        self.until(unchanged, "reports have come", within_s)

    def port(self, protocol: str, name: str = "carrier") -> int:
        """Where a carrier listens for one of our protocols."""
        return self.carriers[name].ports[SPOKEN[protocol]]

    def check(self, *, counted: bool = True) -> int:
        """End the carriers, apply their invoices, compare; returns how many attempts in doubt the invoices settled.

        A carrier that was killed took what it had counted with it: then not ``counted``.
        """
        self.stop_carriers()
        assert listed_in_doubt(self.rows_in) == len(self.lost), (
            "each attempt that a kill cut off is told of in the trace"
        )
        if counted:
            match_the_submits(self.rows_in, self.counts)
        return check_messages(self.folder, self.details, self.numbers(), DIGITS)

    def numbers(self) -> dict[str, int]:
        """The person of each telephone number."""
        ids = dict(self.rows_in("select code, id from person"))
        first = {person.phone: ids[person.code] for person in self.rows.people if person.phone}
        return {**first, **self.more_numbers}

    def stop_carriers(self) -> None:
        """End the carriers that run, and keep what they counted."""
        for one in self.carriers.values():
            if one.process.poll() is None:
                for counts in one.stop().values():
                    self.counts.update(counts)


_FOUNDED: Final[dict[int, dict[Path, bytes]]] = {}
"""Folders as they were founded, by the number of units: the same city is imported once in a process."""


def _founded(data: Path, units: int, rows: OrgRows) -> None:
    if units not in _FOUNDED:
        found(data, rows)
        files = [path for path in data.rglob("*") if path.is_file()]
        _FOUNDED[units] = {path.relative_to(data): path.read_bytes() for path in files}
        return
    for name, content in _FOUNDED[units].items():
        (data / name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        (data / name).write_bytes(content)
        (data / name).chmod(0o600)


@contextmanager
def sms_world(
    folder: Path, units: int, spoken: Sequence[str] = ("cmpp3",), script: str = PROMPT, **more: object
) -> Iterator[SmsWorld]:
    """A city of ``units`` with three people each, one carrier for all protocols ``spoken``, and a channel for each.

    ``more`` stands in every channel's table. Carriers that run at the end are killed.
    """
    rows = two_counties(units)
    data = folder / "data"
    _founded(data, units, rows)
    world = SmsWorld(data, rows, tuple(more_units(units)))
    world.environ["SONGDA__SMS__CHANNELS_FILE"] = str(folder / "channels.toml")
    world.environ["SONGDA__SMS__QUIET_HOURS"] = ""
    world.environ["SONGDA__SMS__PERSON_DAY"] = "0"
    listening = free_port() if "sgip" in spoken else 0
    one = carrier(folder, {SPOKEN[name]: 0 for name in spoken}, script, listening=listening)
    world.carriers["carrier"] = one
    try:
        tables = [world_channel(world, name, one.ports[SPOKEN[name]], listening, **more) for name in spoken]
        world.channels(tables)
        yield world
    finally:
        for each in world.carriers.values():
            each.kill()


def world_channel(world: SmsWorld, protocol: str, port: int, listening: int = 0, **more: object) -> str:
    """A channel's table; its secret is written and its capacity noted."""
    told: dict[str, object] = {
        "name": protocol,
        "source": SOURCE,
        "extension_digits": DIGITS,
        **(SGIP if protocol == "sgip" else {}),
        **({"listen_port": listening} if protocol == "sgip" and listening else {}),
        **more,
    }
    world.secret(str(told["name"]))
    window, lines = int(str(told.get("window", 16))), int(str(told.get("connections", 1)))
    world.capacity[str(told["name"])] = window * lines
    return channel(protocol, port, **told)
