"""The whole server over the small city on a thread of its own, asked through raw sockets; and what it logged."""

from __future__ import annotations

import asyncio
import io
import itertools
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Final

import aiohttp
import msgspec
import structlog

from config.settings import Server, Settings
from config.settings import Store as StoreSettings
from gateway import assembly
from gateway.doors.call import Limits
from gateway.flows.organisation import store_rows
from gateway.logs import configure_logs
from gateway.rules.access import ACTIONS, reach
from inbox_store.orgrows import PersonRow
from realtime.server import LIVE_PATH
from tests.api.city import ROWS, _post
from tests.api.conftest import City, Clock
from tests.realtime.raw_client import UPGRADE

ANSWER_MAX_S: Final = 10.0
"""Far above what any answer takes: what is waited for longer is a hang."""

SHORT: Final = 0.15
"""How long the server waits for the rest of a request in these tests, so that an unfinished one costs no time."""

LOGINS: Final = ("s01a", "e02a", "org", "appr", "admin", "supe", "secu", "audi")

WHOLE: Final = msgspec.structs.replace(
    ROWS,
    people=(*ROWS.people, PersonRow(code="secu", name="安全员"), PersonRow(code="audi", name="审计员")),
    appointments=(
        *ROWS.appointments,
        _post("secu", "S03", "security", scope="city"),
        _post("audi", "S03", "auditor", scope="city"),
    ),
)
"""The small city and those who look after its accounts and its trace."""


class Answer(msgspec.Struct, frozen=True):
    """One answer as it came."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class Front:
    """The running server. ``ids`` are of things that exist, by the name of their place in a path.

    ``may``: the logins of ``tokens`` that may do an action somewhere.
    """

    port: int
    tokens: dict[str, str]
    ids: dict[str, list[str]]
    may: dict[str, list[str]]
    log: io.TextIOWrapper
    failures: list[str] = field(default_factory=list)
    keys: itertools.count[int] = field(default_factory=itertools.count)

    def _connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=ANSWER_MAX_S)

    def ask(self, raw: bytes, method: str = "GET") -> Answer | None:
        """Sends the bytes and waits for the answer; None where the server closed without one. Raises TimeoutError."""
        with self._connect() as line:
            with suppress(BrokenPipeError, ConnectionResetError):
                line.sendall(raw)  # an answer before the end of what was sent is one all the same
            with HTTPResponse(line, method=method) as response:
                try:
                    response.begin()
                    body = response.read()
                except (ConnectionResetError, HTTPException):
                    return None
                return Answer(
                    response.status, {name.lower(): text for name, text in response.getheaders()}, body
                )

    def live(self, sent: bytes, *, whole: bool) -> int | None:
        """Opens a live session, sends the bytes and a close, and reads to the end: the close code, if one came.

        What is not ``whole`` may swallow the close: there the client's side is shut.
        """
        with self._connect() as line, line.makefile("rb") as told:
            line.sendall(UPGRADE.format(path=LIVE_PATH).encode())
            assert told.readline().startswith(b"HTTP/1.1 101 ")
            while told.readline().strip():
                pass
            try:
                line.sendall(sent + bytes((0x88, 0x80, 0, 0, 0, 0)))
                if not whole:
                    line.shutdown(socket.SHUT_WR)
                return close_code(told.read())
            except ConnectionResetError:
                return None

    def check_log(self) -> None:
        """Nothing went wrong behind the answers: no traceback, no bug, no line that could not be written."""
        self.log.flush()
        told = self.log.buffer.getvalue().decode()  # type: ignore[attr-defined]  # a BytesIO stands below
        assert self.failures == [], "; ".join(self.failures[:3])
        for line in told.splitlines():
            assert "Traceback" not in line, line[:3_000]
            assert '"level": "error"' not in line, line[:3_000]


def close_code(frames: bytes) -> int | None:
    """The code in the close frame of a server's bytes."""
    while len(frames) >= 2:
        size, start = frames[1], 2
        if size == 126:
            size, start = int.from_bytes(frames[2:4], "big"), 4
        if frames[0] & 0xF == 8:
            return int.from_bytes(frames[start : start + 2], "big") if size >= 2 else 1000
        frames = frames[start + size :]
    return None


async def _rights(city: City, tokens: dict[str, str]) -> dict[str, list[str]]:
    """For each action the logins that may do it somewhere."""
    access = city.server.parts.access
    who = {login: await access.principal_of_bearer(token) for login, token in tokens.items()}
    return {action: [login for login in who if reach(who[login], action)] for action in ACTIONS}


async def _furnished(city: City) -> dict[str, list[str]]:
    """Things that exist, by the name of their place in a path."""
    units = [str(city.units[code]) for code in ("E02", "W02", "E01")]
    document = await city.send(["E02", "W02"])
    sender = await city.person("s01a")
    scope = await sender.post(
        "/scopes", {"unit_id": city.units["S01"], "name": "范围", "units": [city.units["E02"]]}
    )
    accounts = [str((await city.server.parts.access.account(login)).id) for login in ("e03a", "w03a")]
    return {
        "unit_id": units,
        "document_id": [str(document)],
        "dispatch_id": ["1"],
        "scope_id": [str(scope.json["id"])],
        "account_id": accounts,
        "prefix": ["00000000"],
        "attachment_id": ["0" * 32],
        "code": ["forbidden"],
    }


def _short(limits: Limits) -> Limits:
    return msgspec.structs.replace(limits, read_timeout_s=SHORT, keepalive_s=SHORT, head_timeout_s=SHORT)


async def _serve(
    folder: Path, log: io.TextIOWrapper, ready: list[Front], up: threading.Event, down: asyncio.Event
) -> None:
    clock = Clock()
    settings = Settings(server=Server(port=0, drain_s=0.2), store=StoreSettings(path=str(folder), readers=1))
    async with assembly.running(settings, clock) as server, aiohttp.ClientSession() as session:
        await store_rows(server.parts.house, WHOLE)
        server.parts.house.wake.clear()
        units = {unit.code: unit.id for unit in (await server.parts.house.organisation()).units.values()}
        city = City(server, session, clock, folder, units=units)
        people = {login: await city.person(login) for login in LOGINS}
        tokens = {
            login: one.headers["Authorization"].removeprefix("Bearer ") for login, one in people.items()
        }
        may = await _rights(city, tokens)
        ready.append(Front(server.port, tokens, await _furnished(city), may, log))
        asyncio.get_running_loop().set_exception_handler(
            lambda _, told: ready[0].failures.append(f"{told.get('message')}: {told.get('exception')!r}")
        )
        up.set()
        await down.wait()


@contextmanager
def serving(folder: Path) -> Iterator[Front]:
    """A front for the time of the block."""
    log = io.TextIOWrapper(io.BytesIO(), "utf-8", errors="strict", write_through=True)
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    configure_logs(level="info", form="json", stream=log)
    ready: list[Front] = []
    up, loops = threading.Event(), []
    ended: list[asyncio.Event] = []

    async def main() -> None:
        ended.append(asyncio.Event())
        loops.append(asyncio.get_running_loop())
        try:
            await _serve(folder, log, ready, up, ended[0])
        finally:
            up.set()

    thread = threading.Thread(target=asyncio.run, args=(main(),), daemon=True)
    thread.start()
    try:
        up.wait(30)
        yield ready[0]
    finally:
        loops[0].call_soon_threadsafe(ended[0].set)
        thread.join(30)
        root.handlers = handlers
        root.setLevel(level)
        structlog.reset_defaults()
