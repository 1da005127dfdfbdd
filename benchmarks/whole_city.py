"""The city that the whole server is measured with: imported, with log-ins and tokens for everybody, prepared offline."""

from __future__ import annotations

import json
import secrets
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.fanout import CHUNK_ROWS, UNITS, due_soon, fill, submitted
from config.loading import load
from config.settings import Settings
from gateway.assembly import Parts, open_parts
from gateway.tokens import Holder, Tokens
from inbox_store.embedded import FILE
from inbox_store.engine import Many, Program
from inbox_store.programs import dispatch
from inbox_store.times import DAY_US, system_now

TOKEN_LIFE_S: Final = 12 * 3600

_PEOPLE: Final = (
    "select c.id, c.person_id, c.token_epoch from account c"
    " join (select person_id, max(is_clerk) as is_clerk from addressee group by person_id) x on x.person_id = c.person_id"
    " order by x.is_clerk desc, c.person_id limit ?"
)
_CLERKS: Final = (
    "select a.unit_id, a.person_id from appointment a join audience u on u.unit_id = a.unit_id"
    " where a.role = 'clerk' and a.clerk_rank = 'A' and u.dispatch_id = 1 order by a.unit_id"
)
_MISSED: Final = (
    "select h.person_id, h.commit_no, p.document_id from inbox_hot h join dispatch p on p.send_no = h.send_no"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class City:
    """A data folder: its documents in the order in which they were sent, and a token for each of some persons."""

    folder: Path
    units: tuple[int, ...]
    persons: int
    documents: tuple[int, ...]
    tokens: dict[int, str]

    def clerks(self) -> list[tuple[int, int]]:
        """(unit, person) of clerk A of every unit that gets the documents."""
        return _rows(self.folder, _CLERKS)  # type: ignore[return-value]

    def entries(self) -> list[tuple[int, int, int]]:
        """(person, commit, document) of every entry of the hot inbox."""
        return _rows(self.folder, _MISSED)  # type: ignore[return-value]

    def epoch(self) -> str:
        """The name of the store's history."""
        ((epoch,),) = _rows(self.folder, "select epoch from installation")
        return str(epoch)


def _rows(folder: Path, query: str, *params: object) -> list[tuple[int, ...]]:
    with closing(sqlite3.connect(folder / FILE)) as conn:
        return conn.execute(query, params).fetchall()


def settings_of(folder: Path) -> Settings:
    """What `songda serve` would load for this folder, on a port that the system chooses."""
    told = {"store.path": str(folder), "server.port": 0, "server.host": "127.0.0.1"}
    return load(None, {}, told).settings


async def build(folder: Path, *, persons: int, documents: int, logged_in: int) -> City:
    """Import the city, log ``logged_in`` people in, send ``documents`` to everybody; all as the product does it."""
    async with open_parts(settings_of(folder)) as parts:
        units = await fill(parts.store, UNITS, persons)
        sent = [await send(parts, tuple(units), persons) for _ in range(documents)]
        people = _rows(folder, _PEOPLE, logged_in)
        tokens = await _log_in(parts, people)
    return City(folder=folder, units=tuple(units), persons=persons, documents=tuple(sent), tokens=tokens)


async def send(parts: Parts, units: tuple[int, ...], persons: int) -> int:
    """One document to everybody, fanned out to the end; its id."""
    told = await submitted(parts.store, list(units), persons)
    step = dispatch.fan_out_chunk
    while not await parts.store.engine.write(
        step(told.dispatch_id, CHUNK_ROWS, due_soon, system_now()), bulk=True
    ):
        pass
    return told.document_id


async def _log_in(parts: Parts, people: list[tuple[int, ...]]) -> dict[int, str]:
    """A session and an access token for each (account, person, epoch): what a log-in leaves, but for argon2."""
    now = system_now()
    names = [secrets.token_urlsafe(16) for _ in people]
    await parts.store.engine.write(_sessions(people, names, now), bulk=True)
    tokens: Tokens = parts.access.tokens
    return {
        person: tokens.access(
            Holder(account_id=account, epoch=epoch, session=name), now, life_s=TOKEN_LIFE_S
        ).text
        for (account, person, epoch), name in zip(people, names, strict=True)
    }


def _sessions(people: list[tuple[int, ...]], names: list[str], now: int) -> Program[None]:
    rows = [
        {
            "id": name,
            "chain": secrets.token_urlsafe(16),
            "account_id": account,
            "digest": secrets.token_bytes(32),
            "refresh_until": now + 7 * DAY_US,
            "ends_at": now + 30 * DAY_US,
            "created_at": now,
            "origin": "127.0.0.1",
        }
        for (account, _, _), name in zip(people, names, strict=True)
    ]
    yield Many("access_session_add", rows)


def request(method: str, path: str, token: str, key: str = "") -> str:
    """One HTTP request of a keep-alive client, as text."""
    extra = f"Idempotency-Key: {key}\r\nContent-Length: 0\r\n" if key else ""
    return (
        f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
        f"User-Agent: songda-bench/1\r\nAccept: application/json\r\n{extra}\r\n"
    )


def write_plan(path: Path, plan: object) -> None:
    """A plan for a client process."""
    path.write_text(json.dumps(plan), encoding="utf-8")
