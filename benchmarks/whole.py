"""The whole server under load: signing over HTTP, confirmations and the loop under fan-out, a storm of returns, an idle city.

    python -m benchmarks.whole [signing|fan_out|together|returns|idle ...]

The server is the product in a process of its own over a city imported before; clients are other processes with raw
sockets. Each figure stands beside its limit of the same run where there is one.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import uvloop

from benchmarks.figures import figure
from benchmarks.whole_city import City, build, request, write_plan
from benchmarks.whole_crew import Child, child, client
from realtime.server import LIVE_PATH

RUNS: Final = 5
PINGLIANG: Final = 36_100
CITY: Final = 101_800
CONNECTIONS: Final = 64
SIGNINGS: Final = 2_500
"""A run; 1,500 a second are asked for."""

OFFERED_PER_S: Final = 2_000
BUSY_S: Final = 3.0
SOCKETS: Final = 3_000
PROBES_PER_S: Final = 100
RETURNING: Final = 7_000
MISSED_MAX: Final = 4
WINDOW: Final = 256
"""Returning clients under way at once: more would only wait in the listener's backlog."""

IDLE_S: Final = 3.0
MIB: Final = 1024

Lines = list[dict[str, Any]]


@asynccontextmanager
async def served(city: City) -> AsyncIterator[tuple[Child, int]]:
    """The product over the city; gives the process and its port."""
    async with child("benchmarks.whole_server", str(city.folder)) as server:
        yield server, (await server.line())["port"]


async def cost(server: Child) -> float:
    """CPU seconds of the server so far."""
    return float((await server.ask("told"))["cpu"])


def held(
    name: str, values: list[float], unit: str, goal: str, limit: float, *, least: bool = False
) -> dict[str, Any]:
    """A figure with a goal: at most ``limit``, or at least."""
    told = statistics.median(values)
    return figure(name, values, unit, goal, holds=told >= limit if least else told <= limit)


def beside(name: str, values: Iterable[float], unit: str, what: str) -> dict[str, Any]:
    """A figure that stands beside another."""
    return figure(name, list(values), unit, what, holds=None)


# -- signing over HTTP


def sign_path(document: int, unit: int) -> str:
    """Where a unit signs for a document."""
    return f"/api/v1/documents/{document}/units/{unit}/sign"


def sign_plan(city: City) -> Path:
    """Every signature there is to give, document by document, each with its clerk's token and a key of its own."""
    clerks = [one for one in city.clerks() if one[1] in city.tokens]
    plan = [
        request("POST", sign_path(document, unit), city.tokens[person], f"bench-{document}-{unit}")
        for document in city.documents
        for unit, person in clerks
    ]
    path = city.folder / "sign.json"
    write_plan(path, plan)
    return path


async def signing(city: City) -> Lines:
    """Signatures through the door, and the same bytes from a bare handler, in turn."""
    plan = str(sign_plan(city))
    rows = []
    async with served(city) as (server, port), client() as crowd:
        one = (await crowd.obey("call", plan=plan, port=port, first=0, count=1, connections=1))["body"]
        async with child("benchmarks.whole_server", "--bare", one) as bare:
            limit_port = (await bare.line())["port"]
            for run in range(RUNS):
                terms = {
                    "plan": plan,
                    "first": 1 + run * SIGNINGS,
                    "count": SIGNINGS,
                    "connections": CONNECTIONS,
                }
                rows.append(
                    (await timed(server, crowd, port, terms), await timed(bare, crowd, limit_port, terms))
                )
    return signing_lines(rows)


async def timed(server: Child, crowd: Child, port: int, terms: dict[str, Any]) -> dict[str, float]:
    """One run of calls: rate, and CPU microseconds a call on both sides. Raises RuntimeError for an answer but 200."""
    cpu = await cost(server)
    told = await crowd.obey("call", port=port, **terms)
    if told["statuses"] != {"200": terms["count"]}:
        raise RuntimeError(f"not all were answered 200: {told['statuses']}")
    spent = await cost(server) - cpu
    each = 1e6 / terms["count"]
    return {
        "rate": terms["count"] / told["seconds"],
        "p99": told["p99"] * 1e3,
        "server": spent * each,
        "client": told["cpu"] * each,
    }


def signing_lines(rows: list[tuple[dict[str, float], dict[str, float]]]) -> Lines:
    """The figures of signing."""
    ours, bare = [row[0] for row in rows], [row[1] for row in rows]
    shares = [one["rate"] / limit["rate"] for one, limit in rows]
    return [
        held("whole.signings", [one["rate"] for one in ours], "per s", ">= 1,500", 1_500, least=True),
        beside("whole.signings_bare_handler", (one["rate"] for one in bare), "per s", "the limit"),
        beside("whole.signings_share_of_bare", shares, "x bare", ""),
        beside("whole.signing_p99", (one["p99"] for one in ours), "ms", f"{CONNECTIONS} at once"),
        beside("whole.signing_server_cpu", (one["server"] for one in ours), "us CPU", "both cores"),
        beside("whole.bare_handler_cpu", (one["server"] for one in bare), "us CPU", "the limit"),
        beside("whole.signing_client_cpu", (one["client"] for one in ours), "us CPU", "of the other process"),
    ]


# -- confirmations and the loop while the city is served


def work_of(city: City, run: int, count: int) -> list[tuple[int, int, int]]:
    """The signatures of one run: (document, unit, person), none given twice."""
    clerks = city.clerks()
    works = [(document, unit, person) for document in city.documents for unit, person in clerks]
    return works[run * count : (run + 1) * count]


async def fan_out(city: City) -> Lines:
    """Signatures through the store at 2,000 a second while documents go to the whole city one after another."""
    count = int(OFFERED_PER_S * BUSY_S)
    quiet, busy, sent = [], [], []
    async with served(city) as (server, _):
        terms = {"units": city.units, "persons": city.persons}
        for run in range(RUNS):
            signs = await server.ask("sign", work=work_of(city, 2 * run, count // 2), rate=OFFERED_PER_S)
            quiet.append(_p99(signs))
            fan = asyncio.create_task(server.ask("send", seconds=BUSY_S / 2, **terms))
            signs = await server.ask("sign", work=work_of(city, 2 * run + 1, count // 2), rate=OFFERED_PER_S)
            busy.append(_p99(signs))
            sent.append((await fan)["p50"] * 1e3)
    return [
        held("whole.confirm_p99_fan_out", busy, "ms", "<= 50 at 2,000/s during fan-out", 50),
        beside("whole.confirm_p99_quiet", quiet, "ms", "at 2,000/s, nothing else"),
        beside("whole.fan_out_beside", sent, "ms", f"one document to {city.persons:,}, at the same time"),
    ]


def _p99(told: dict[str, Any]) -> float:
    if told.get("refused"):
        raise RuntimeError(f"{told['refused']} signatures were refused: {told['why']}")
    return float(told["p99"]) * 1e3


async def together(city: City) -> Lines:
    """Fan-out, live broadcast, 2,000 signatures a second and people who read, all at once, in one process."""
    guests = list(city.tokens.items())[-SOCKETS:]
    hellos, probes = city.folder / "hellos.json", city.folder / "probes.json"
    write_plan(hellos, [(json.dumps({"type": "hello", "token": token}), []) for _, token in guests])
    readers = list(city.tokens.values())[:500]
    paths = ("/api/v1/inbox/entries?limit=20", "/api/v1/inbox")
    count = int(PROBES_PER_S * BUSY_S)
    write_plan(probes, [request("GET", paths[at % 2], readers[at % 500]) for at in range(count)])
    rows = []
    async with served(city) as (server, port), client(nice=5) as crowd, client() as callers:
        await crowd.obey("enter", port=port, path=LIVE_PATH, plan=str(hellos), window=WINDOW)
        calls = (port, str(probes), count)
        for run in range(RUNS):
            rows += [await _all_at_once(city, server, crowd, callers, run, calls)]
    return together_lines(rows)


async def _all_at_once(
    city: City, server: Child, crowd: Child, callers: Child, run: int, probes: tuple[int, str, int]
) -> dict[str, float]:
    port, plan, count = probes
    work = work_of(city, run, int(OFFERED_PER_S * BUSY_S))
    await server.ask("lag_start")
    cpu = await cost(server)
    async with asyncio.TaskGroup() as group:
        watched = group.create_task(crowd.obey("watch", seconds=BUSY_S + 0.5))
        sent = group.create_task(server.ask("send", seconds=BUSY_S, units=city.units, persons=city.persons))
        signed = group.create_task(server.ask("sign", work=work, rate=OFFERED_PER_S))
        called = group.create_task(
            callers.obey(
                "call", port=port, plan=plan, first=0, count=count, connections=16, rate=PROBES_PER_S
            )
        )
    lag = await server.ask("lag_stop")
    spent = await cost(server) - cpu
    return {
        "lag": lag["p99"] * 1e3,
        "lag_max": lag["max"] * 1e3,
        "api": called.result()["p99"] * 1e3,
        "confirm": _p99(signed.result()),
        "documents": sent.result()["count"] / BUSY_S,
        "frames": watched.result()["frames"] / BUSY_S,
        "server": spent / (BUSY_S + 0.5),
        "clients": (watched.result()["cpu"] + called.result()["cpu"]) / (BUSY_S + 0.5),
    }


def together_lines(rows: list[dict[str, float]]) -> Lines:
    """The figures of everything at once."""

    def of(name: str) -> list[float]:
        return [row[name] for row in rows]

    return [
        held("whole.loop_lag_p99", of("lag"), "ms", "<= 5", 5),
        beside("whole.loop_lag_max", of("lag_max"), "ms", ""),
        held("whole.api_p99", of("api"), "ms", "<= 20", 20),
        beside("whole.confirm_p99_together", of("confirm"), "ms", "at 2,000/s beside all that"),
        beside("whole.documents_beside", of("documents"), "per s", f"each to {CITY:,}"),
        beside("whole.frames_beside", of("frames"), "per s", f"to {SOCKETS:,} sockets"),
        beside("whole.together_server_cpu", of("server"), "cores", "of the server"),
        beside("whole.together_clients_cpu", of("clients"), "cores", "of the clients"),
    ]


# -- a storm of returns, and nobody at all


def returns_plan(city: City) -> Path:
    """Each returns with the position it had: some documents ago, another number for each."""
    mine: dict[int, list[tuple[int, int]]] = {}
    for person, commit, document in city.entries():
        if person in city.tokens:
            mine.setdefault(person, []).append((commit, document))
    plan = []
    for number, (person, token) in enumerate(list(city.tokens.items())[:RETURNING]):
        entries = sorted(mine[person])[-(1 + number % MISSED_MAX) - 1 :]
        hello = {
            "type": "hello",
            "token": token,
            "position": entries[0][0],
            "epoch": city.epoch(),
            "device": f"desk-{number}",
        }
        plan.append((json.dumps(hello), [document for _, document in entries[1:]]))
    path = city.folder / "returns.json"
    write_plan(path, plan)
    return path


async def returns(city: City) -> Lines:
    """7,000 come back after a restart, each with a token and a position."""
    plan, bare_plan = str(returns_plan(city)), city.folder / "bare.json"
    write_plan(bare_plan, [("{}", []) for _ in range(RETURNING)])
    rows, limits = [], []
    for _ in range(RUNS):
        async with child("benchmarks.whole_server", "--bare", "{}") as bare, client() as crowd:
            port = (await bare.line())["port"]
            await crowd.obey("ready", plan=str(bare_plan))
            told = await crowd.obey("enter", port=port, path=LIVE_PATH, plan=str(bare_plan), window=WINDOW)
            limits.append(told["seconds"])
        async with served(city) as (server, port), client() as crowd:
            await crowd.obey("ready", plan=plan)
            cpu = await cost(server)
            told = await crowd.obey("enter", port=port, path=LIVE_PATH, plan=plan, window=WINDOW)
            await crowd.obey("watch", seconds=0.3)
            after = await server.ask("told")
            await crowd.obey("leave")
            rows.append(told | {"server": after["cpu"] - cpu, "rss": after["rss"] / MIB})
    return [
        held("whole.returns", [row["seconds"] for row in rows], "s", "<= 3 for 7,000 with catch-up", 3),
        beside("whole.returns_bare_handshakes", limits, "s", "the limit: no token, nothing read"),
        held("whole.returns_wrong", [float(row["wrong"]) for row in rows], "sessions", "0 lost or twice", 0),
        beside("whole.returns_entries", (float(row["entries"]) for row in rows), "entries", "caught up"),
        beside("whole.returns_one_p99", (1e3 * row["p99"] for row in rows), "ms", f"{WINDOW} at once"),
        beside("whole.returns_server_cpu", (row["server"] for row in rows), "s", "CPU of the server"),
        beside("whole.returns_client_cpu", (row["cpu"] for row in rows), "s", "CPU of the clients"),
        beside("whole.returns_rss", (row["rss"] for row in rows), "MiB", "with 7,000 sessions"),
    ]


async def idle(city: City) -> Lines:
    """A server with nobody there: what it holds, and what its upkeep costs."""
    rss, cpu = [], []
    for _ in range(RUNS):
        async with served(city) as (server, _):
            await asyncio.sleep(1)
            before = await cost(server)
            await asyncio.sleep(IDLE_S)
            after = await server.ask("told")
            rss.append(after["rss"] / MIB)
            cpu.append((after["cpu"] - before) / IDLE_S * 1e3)
    return [
        held("whole.idle_rss", rss, "MiB", "<= 300", 300),
        beside("whole.idle_cpu", cpu, "ms CPU/s", "upkeep alone"),
    ]


PARTS: Final[dict[str, tuple[int, Callable[[City], Awaitable[Lines]]]]] = {
    "idle": (PINGLIANG, idle),
    "returns": (PINGLIANG, returns),
    "signing": (PINGLIANG, signing),
    "fan_out": (CITY, fan_out),
    "together": (CITY, together),
}
"""The city of each part, in an order in which none spoils the next: each has a folder of its own."""


async def measure(names: Iterable[str] = PARTS) -> Lines:
    """All parts, or those named, one after another."""
    lines: Lines = []
    for name in names:
        persons, part = PARTS[name]
        with tempfile.TemporaryDirectory(prefix="songda-bench-") as folder:
            documents = 32 if persons == CITY else 16
            lines += await part(
                await build(Path(folder), persons=persons, documents=documents, logged_in=RETURNING + 1_100)
            )
    return lines


def main() -> None:
    """Measure, print the lines as JSON."""
    for line in uvloop.run(measure(sys.argv[1:] or PARTS)):
        print(json.dumps(line, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()
