"""The demo's crowd: clerks with real sockets and real requests, who behave as a city's clerks do.

What each clerk does is drawn from a seed and the unit's code, so that every run shows the same offices signing late,
sending back and staying silent. The crowd knows the API and the live protocol, nothing of the store.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp

from gateway.demo.stage import Cast
from inbox_store.programs.cast import Player
from realtime.client import Credential, LiveClient
from realtime.frames import Hello
from realtime.items import Item

REQUESTS_AT_ONCE: Final = 48
CONNECTING_AT_ONCE: Final = 64
REQUEST_TIMEOUT_S: Final = 60

SILENT_PER_MILLE: Final = 22
RETURNING_PER_MILLE: Final = 8
UNREAD_PER_MILLE: Final = 40
MEETING_SILENT_PER_MILLE: Final = 100

RETURN_REASONS: Final = ("主送机关有误，非我单位职责", "附件缺失，请补正后重发", "发文字号与标题不符")
POSTS: Final = ("局长", "副局长", "办公室主任", "科长")


def draw(seed: int, code: str, question: str) -> int:
    """0 to 999, the same for the same seed, unit and question."""
    told = hashlib.sha256(f"{seed}|{code}|{question}".encode()).digest()
    return int.from_bytes(told[:4], "big") % 1000


def signs(seed: int, player: Player) -> bool:
    """Whether this clerk signs for the document, neither silent nor sending it back."""
    return draw(seed, player.unit_code, "document") >= SILENT_PER_MILLE + RETURNING_PER_MILLE


class ApiRefusedError(RuntimeError):
    """The server refused; the text is its problem's title and detail."""


@dataclass(slots=True)
class Api:
    """The API as one program uses it: a token, an Idempotency-Key for each write."""

    address: str
    client: aiohttp.ClientSession
    gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(REQUESTS_AT_ONCE))

    async def get(self, token: str, path: str, **query: str | int) -> Any:  # noqa: ANN401 - JSON
        """What GET ``path`` answers."""
        return await self._ask("GET", token, path, params=query)

    async def write(
        self, token: str, path: str, key: str, body: object | None = None, method: str = "POST"
    ) -> Any:  # noqa: ANN401
        """What a write answers; the same ``key`` may be sent again."""
        content = {} if body is None else {"json": body}
        return await self._ask(method, token, path, headers={"Idempotency-Key": key}, **content)

    async def _ask(self, method: str, token: str, path: str, **more: Any) -> Any:  # noqa: ANN401
        headers = {"Authorization": f"Bearer {token}", **more.pop("headers", {})}
        async with (
            self.gate,
            self.client.request(method, f"{self.address}/api/v1{path}", headers=headers, **more) as answer,
        ):
            told = await answer.json(content_type=None)
            if answer.status >= 400:
                raise ApiRefusedError(f"{method} {path}: {told.get('title')} {told.get('detail')}")
            return told


@dataclass(slots=True)
class Board:
    """What has happened so far; the display reads it."""

    online: int = 0
    acting: int = 0
    seen: Counter[int] = field(default_factory=Counter)
    signed: int = 0
    returned: int = 0
    answered: int = 0
    faults: list[str] = field(default_factory=list)


class Crowd:
    """Clerk A of every unit, online and ready to act on what arrives."""

    def __init__(self, cast: Cast, api: Api, seed: int) -> None:
        self.board = Board()
        self._cast = cast
        self._api = api
        self._seed = seed
        self._connecting = asyncio.Semaphore(CONNECTING_AT_ONCE)
        self._done: set[tuple[int, int]] = set()

    async def follow(
        self, player: Player, ready: Callable[[], None], act: Callable[[Player, Item], Awaitable[None]]
    ) -> None:
        """One clerk: connect, say so, and act on each arrival until cancelled."""
        url = self._api.address.replace("http", "ws", 1) + "/api/v1/live"
        token = self._cast.tokens[player.account_id]

        async def credential() -> Credential:
            return Credential(token=token)

        async with LiveClient(url, credential, hello=Hello(device="demo", app="songda-demo")) as live:
            async with self._connecting:
                await live.connect()
            self.board.online += 1
            ready()
            try:
                async for item in live:
                    if item.kind == "arrived" and (player.unit_id, item.document_id) not in self._done:
                        self._done.add((player.unit_id, item.document_id))
                        self.board.seen[item.document_id] += 1
                        self.board.acting += 1
                        await act(player, item)
                        self.board.acting -= 1
            finally:
                self.board.online -= 1

    async def handle_document(self, player: Player, item: Item) -> None:
        """Open and sign, or return with a reason, or stay silent: by the draw."""
        fate = draw(self._seed, player.unit_code, "document")
        if fate < SILENT_PER_MILLE:
            return
        if fate < SILENT_PER_MILLE + RETURNING_PER_MILLE:
            reason = {"reason": RETURN_REASONS[fate % len(RETURN_REASONS)]}
            done = await self._act(player, item, "return", reason)
            self.board.returned += done
            return
        if draw(self._seed, player.unit_code, "unread") >= UNREAD_PER_MILLE:
            key = f"demo-open-{item.document_id}-{player.unit_id}"
            path = f"/documents/{item.document_id}/open"
            await self._done_with(self._api.write(self._cast.tokens[player.account_id], path, key))
        done = await self._act(player, item, "sign")
        self.board.signed += done

    async def handle_meeting(self, player: Player, item: Item) -> None:
        """Sign for the notice and report the names, or stay silent: by the draw."""
        if draw(self._seed, player.unit_code, "meeting") < MEETING_SILENT_PER_MILLE:
            return
        await self._act(player, item, "sign")
        path = f"/meetings/{item.document_id}/units/{player.unit_id}/receipt"
        key, body = (
            f"demo-receipt-{item.document_id}-{player.unit_id}",
            {"attendees": [attendee(self._seed, player)]},
        )
        token = self._cast.tokens[player.account_id]
        done = await self._done_with(self._api.write(token, path, key, body, "PUT"))
        self.board.answered += done

    async def _act(self, player: Player, item: Item, verb: str, body: object | None = None) -> bool:
        """One act on the clerk's own copy."""
        path = f"/documents/{item.document_id}/units/{player.unit_id}/{verb}"
        key = f"demo-{verb}-{item.document_id}-{player.unit_id}"
        return await self._done_with(self._api.write(self._cast.tokens[player.account_id], path, key, body))

    async def _done_with(self, asked: Awaitable[Any]) -> bool:
        """Whether it worked; a refusal or a lost line is kept and shown, and stops nobody else."""
        try:
            await asked
        except (ApiRefusedError, aiohttp.ClientError, TimeoutError) as fault:
            self.board.faults.append(str(fault) or type(fault).__name__)
            return False
        return True


def attendee(seed: int, player: Player) -> dict[str, str]:
    """Who comes from this unit: most attend, some send a substitute, sit in, or are on leave."""
    fate = draw(seed, player.unit_code, "mode")
    told = {"name": player.name, "post": POSTS[fate % len(POSTS)], "phone": f"1540000{fate:04d}"}
    if fate < 780:
        return told | {"mode": "attend"}
    if fate < 880:
        return told | {"mode": "substitute", "for_person": "单位主要负责人"}
    if fate < 930:
        return told | {"mode": "sit_in"}
    return told | {"mode": "leave", "reason": "外出开会"}
