"""The demo's stage: a fresh data folder with the fictional city in it, and a server of its own process over it."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp

from config.loading import load
from gateway.assembly import Parts, open_parts
from gateway.demo.city import OUTSIDE_UNIT, build_city
from gateway.demo.vendor import with_phones
from gateway.flows.organisation import store_rows
from gateway.tokens import Holder, Tokens
from inbox_store.orgrows import OrgRows
from inbox_store.programs import cast, sms_switch
from inbox_store.programs.cast import Player
from inbox_store.programs.copies import Actor
from inbox_store.programs.sms_switch import Ruling, SwitchWish
from inbox_store.times import DAY_US

TOKEN_LIFE_S: Final = 12 * 3600
START_TIMEOUT_S: Final = 30
STOP_TIMEOUT_S: Final = 15
SWITCHED_DAYS_AGO: Final = 20

Told = Callable[[str, int, int], None]
"""Told a phase, how much of it is done, and of how much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Who plays: the sender outside the units, who approves, and clerk A of every unit; a token for each account."""

    sender: Player
    approver: Player
    clerks: dict[int, Player]
    county_offices: tuple[Player, ...]
    """Clerk A of each county's government office: they send to their own county."""
    switched_off: str
    """The county that asked for its short messages to be switched off."""
    tokens: dict[int, str]
    units: int
    persons: int


async def set_stage(folder: Path, rows: OrgRows, told: Told) -> Cast:
    """Import the city into a fresh ``folder`` and mint the players' tokens, so that nobody waits for argon2."""
    settings = load(None, {}, {"store.path": str(folder)}).settings
    async with open_parts(settings) as parts:
        await store_rows(parts.house, rows, progress=told)
        now = parts.house.clock()
        read = parts.store.engine.read
        clerks = {player.unit_id: player for player in await read(cast.clerks("A", now))}
        sender = next(player for player in clerks.values() if player.unit_code == OUTSIDE_UNIT)
        approver = (await read(cast.by_role("approver", "city", now)))[0]
        offices = tuple(await read(cast.by_role("administrator", "county", now)))
        switched_off = await _switch_off(parts, offices[-1], approver, now)
        leaders = await read(cast.by_role("responsible_leader", "unit", now))
        await parts.store.engine.write(with_phones(leaders, parts.store.keys.phones, now), bulk=True)
        tokens = parts.access.tokens
        players = (*clerks.values(), approver)
        return Cast(
            sender=sender,
            approver=approver,
            clerks={unit: player for unit, player in clerks.items() if unit != sender.unit_id},
            county_offices=tuple(clerks[player.unit_id] for player in offices),
            switched_off=switched_off,
            tokens={player.account_id: _token(tokens, player, now) for player in players},
            units=len(rows.units) - 1,
            persons=len(rows.people),
        )


async def _switch_off(parts: Parts, by: Player, approver: Player, now: int) -> str:
    """One county's messages were switched off some weeks ago (P66); returns its name."""
    organisation = await parts.house.organisation()
    county = organisation.regions[organisation.units[by.unit_id].county_id]
    then = now - SWITCHED_DAYS_AGO * DAY_US
    wish = SwitchWish(county_id=county.id, letter_no="政办函〔2018〕21号", on_or_off="off")
    write = parts.store.engine.write
    asked = await write(sms_switch.apply(wish, Actor(person_id=by.person_id, name=by.name), then))
    ruling = Ruling(approve=True, note="同意")
    decider = Actor(person_id=approver.person_id, name=approver.name)
    await write(sms_switch.decide(asked.id, ruling, decider, then))
    return county.name


def _token(tokens: Tokens, player: Player, now: int) -> str:
    holder = Holder(account_id=player.account_id, epoch=player.token_epoch)
    return tokens.access(holder, now, life_s=TOKEN_LIFE_S).text


def free_port(host: str) -> int:
    """A port nobody uses now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def server(
    folder: Path, host: str, port: int, log: Path, settings: Mapping[str, str]
) -> AsyncIterator[str]:
    """The product's own server in a process of its own over ``folder``; gives its address, stops it at the end.

    ``settings`` are further variables of its environment.
    """
    address = f"http://{host}:{port}"
    environ = {
        **os.environ,
        **settings,
        "SONGDA__STORE__PATH": str(folder),
        "SONGDA__SERVER__HOST": host,
        "SONGDA__SERVER__PORT": str(port),
        "SONGDA__LOG__LEVEL": "warning",
    }
    with log.open("ab") as sink:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "gateway.cli",
            "serve",
            env=environ,
            stdout=sink,
            stderr=sink,
            stdin=asyncio.subprocess.DEVNULL,
        )
    try:
        await _answering(address, process, log)
        yield address
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


async def _answering(address: str, process: asyncio.subprocess.Process, log: Path) -> None:
    """Wait until the server says that it is ready. Raises RuntimeError with the end of its log when it does not."""
    async with aiohttp.ClientSession() as client:
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                while process.returncode is None:
                    with suppress(aiohttp.ClientError):
                        async with client.get(f"{address}/readyz") as answer:
                            if answer.status == 200:
                                return
                    await asyncio.sleep(0.05)
        except TimeoutError:
            pass
    end = await asyncio.to_thread(log.read_text, "utf-8", "replace")
    raise RuntimeError(f"服务没有启动；日志 {log} 的末尾：\n{end[-2000:]}")


def demo_city(units: int, persons: int) -> OrgRows:
    """The fictional city; of Pingliang's size unless told otherwise."""
    return build_city(units=units, persons=persons)
