"""The people at the doors: they ask a running server over HTTP and write down each fact that it acknowledged.

    async with office(server, Ledger(folder / "ledger.jsonl")) as people:
        told = await people.submit("7-1", ["U1", "U2"])
        await people.sign(told.document_id, "U1", "u1-a")

The lines are those of ``tests/faults/worker.py``, so that ``check_invariants(folder, read(path))`` judges both. A call
that the server did not answer raises ``LOST`` and leaves no line but what was tried: its outcome is unknown, and the
same call again (same key, same body) finds it out.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import aiohttp

from inbox_store.embedded import FILE
from inbox_store.times import SHANGHAI
from tests.faults.ledger import Ledger
from tests.faults.server import Server, tokens_of

LOST: Final = (aiohttp.ClientError, ConnectionError, TimeoutError)
"""No answer came: the server is gone or cut the line."""

TIMEOUT_S: Final = 20.0
LOOK_EVERY_S: Final = 0.01
SENDER: Final = "s0-a"


@dataclass(frozen=True, slots=True)
class Told:
    """One answer."""

    status: int
    headers: dict[str, str]
    raw: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever the server says
        """Its body as values, None without one."""
        return json.loads(self.raw) if self.raw else None

    @property
    def code(self) -> str:
        """The problem's code, "" for a success."""
        return str(self.json["code"]) if self.status >= 400 else ""

    @property
    def replayed(self) -> bool:
        """Whether this is the stored answer to an earlier call with the key."""
        return self.headers.get("Idempotency-Replayed") == "true"


@dataclass(frozen=True, slots=True)
class Submitted:
    """An accepted dispatch."""

    document_id: int
    dispatch_id: int
    state: str


def notice(key: str, units: Sequence[str], **more: object) -> dict[str, Any]:
    """The body of a slip whose title names its key, as the invariants expect it."""
    return {
        "kind": "slip",
        "title": f"通知 {key}",
        "body": "请各单位认真落实。",
        "elements": {"issuer": "云水市政府办公室"},
        "sender_unit_code": "S0",
        "scope": {"unit_codes": list(units)},
        **more,
    }


def meeting(key: str, units: Sequence[str]) -> dict[str, Any]:
    """The body of a meeting notice: in three days, to be answered within two."""
    starts = datetime.now(SHANGHAI) + timedelta(days=3)
    form = {
        "place": "市政府一楼会议室",
        "starts_at": starts.isoformat(),
        "reply_due_at": (starts - timedelta(days=1)).isoformat(),
    }
    return notice(key, units, kind="meeting_notice", meeting=form)


@dataclass
class Office:
    """Everybody who may ask, and the ledger into which they write."""

    server: Server
    ledger: Ledger
    session: aiohttp.ClientSession
    tokens: dict[str, str]
    units: dict[str, int] = field(default_factory=dict)
    people: dict[str, int] = field(default_factory=dict)
    answers: dict[tuple[str, str], bytes] = field(default_factory=dict)
    """What each key was answered with: a repetition must be answered with the same bytes, also after a restart."""

    async def ask(
        self,
        who: str,
        method: str,
        path: str,
        body: object = None,
        *,
        key: str = "",
        raw: bytes | None = None,
    ) -> Told:
        """One request of a person, "" for nobody's; ``raw`` is sent as it is. Raises one of ``LOST``."""
        headers = {"Authorization": f"Bearer {self.tokens[who]}"} if who else {}
        if key:
            headers["Idempotency-Key"] = f"key-{key:0>8}"
        data = raw if body is None else json.dumps(body, ensure_ascii=False).encode()
        if data is not None:
            headers["Content-Type"] = "application/json"
        url = f"{self.server.url}{path if path.startswith('/') else f'/api/v1/{path}'}"
        async with self.session.request(method, url, headers=headers, data=data) as answer:
            told = Told(answer.status, dict(answer.headers), await answer.read())
        if key and told.status < 300:
            first = self.answers.setdefault((who, key), told.raw)
            assert told.raw == first, (who, key, first, told.raw)
        return told

    async def done(self, who: str, method: str, path: str, body: object = None, *, key: str = "") -> Any:  # noqa: ANN401 - whatever the server says
        """One request that must succeed; its values."""
        told = await self.ask(who, method, path, body, key=key)
        assert told.status < 300, (method, path, told.status, told.raw.decode("utf-8", "replace"))
        return told.json

    async def may(
        self, who: str, method: str, path: str, body: object = None, *, key: str, **where: object
    ) -> bool:
        """A step that a repetition or a colleague may have made already: a refusal is written down as declined."""
        told = await self.ask(who, method, path, body, key=key)
        if told.status < 300:
            return True
        assert told.status in (403, 404, 409, 422), (method, path, told.status, told.raw)
        self.ledger.tell("declined", **{"unit": "", **where}, code=told.code)
        return False

    # Sending --------------------------------------------------------------------------------------------------------

    async def submit(self, key: str, units: Sequence[str], **more: object) -> Submitted:
        """Hand a document in under its key; the same key again is the same document."""
        return await self.hand_in(key, units, notice(key, units, **more))

    async def hand_in(self, key: str, units: Sequence[str], body: dict[str, Any]) -> Submitted:
        """Hand any body in that ``notice`` or ``meeting`` made; ``units`` is what its scope means."""
        self.ledger.tell("tried", key=key, units=list(units))
        told = await self.done(SENDER, "POST", "dispatches", body, key=key)
        one = Submitted(told["document_id"], told["dispatch_id"], told["state"])
        ids = {"document_id": one.document_id, "dispatch_id": one.dispatch_id}
        everyone = bool(body["scope"].get("everyone"))
        self.ledger.tell("submitted", key=key, units=list(units), **ids, everyone=everyone)
        return one

    async def refused(self, key: str) -> Told:
        """A document that may not be sent (it is classified): nothing of it may ever be found."""
        body = {**notice(key, ["U1"]), "title": f"拒收 {key} 机密"}
        told = await self.ask(SENDER, "POST", "dispatches", body, key=f"{key}-refused")
        assert told.status == 422, told.raw
        self.ledger.tell("refused", key=key)
        return told

    async def sent(self, dispatch_id: int, within_s: float = TIMEOUT_S) -> None:
        """Wait until the dispatch is with everybody. Raises TimeoutError, or one of ``LOST``."""
        async with asyncio.timeout(within_s):
            while await self._state(dispatch_id) != "sent":  # noqa: ASYNC110 - polled over HTTP
                await asyncio.sleep(LOOK_EVERY_S)
        self.ledger.tell("sent", dispatch_id=dispatch_id)

    async def _state(self, dispatch_id: int) -> str:
        return str((await self.done(SENDER, "GET", f"dispatches/{dispatch_id}"))["dispatch"]["state"])

    async def supplement(self, document_id: int, units: Sequence[str], *, key: str) -> int | None:
        """Send a document to further units; its dispatch, None where it was refused."""
        body = {"scope": {"unit_codes": list(units)}}
        path = f"documents/{document_id}/supplements"
        told = await self.ask(SENDER, "POST", path, body, key=key)
        if told.status != 201:
            assert told.status in (409, 422), told.raw
            self.ledger.tell("declined", document_id=document_id, unit="", code=told.code)
            return None
        dispatch_id = int(told.json["dispatch_id"])
        await self.sent(dispatch_id)
        self.ledger.tell("supplemented", document_id=document_id, dispatch_id=dispatch_id, units=list(units))
        return dispatch_id

    async def recall(self, document_id: int, *, key: str) -> bool:
        """Take a document back."""
        path, body = f"documents/{document_id}/recall", {"reason": "内容有误"}
        done = await self.may(SENDER, "POST", path, body, key=key, document_id=document_id)
        if done:
            self.ledger.tell("recalled", document_id=document_id)
        return done

    # Receiving ------------------------------------------------------------------------------------------------------

    def _copy(self, document_id: int, unit: str) -> str:
        return f"documents/{document_id}/units/{self.units[unit]}"

    async def _step(
        self, fact: str, document_id: int, unit: str, by: str, step: str, body: object = None
    ) -> bool:
        where = {"document_id": document_id, "unit": unit}
        path, key = f"{self._copy(document_id, unit)}/{step}", f"{document_id}-{unit}-{by}-{step}"
        done = await self.may(by, "POST", path, body, key=key, **where)
        if done:
            self.ledger.tell(fact, **where)
        return done

    async def open(self, document_id: int, by: str) -> bool:
        """A person opens the document."""
        where = {"document_id": document_id}
        done = await self.may(
            by, "POST", f"documents/{document_id}/open", key=f"{document_id}-{by}-open", **where
        )
        if done:
            self.ledger.tell("opened", document_id=document_id, person=by)
        return done

    async def sign(self, document_id: int, unit: str, by: str) -> bool:
        """Sign for a unit."""
        return await self._step("signed", document_id, unit, by, "sign")

    async def give_back(self, document_id: int, unit: str, by: str) -> bool:
        """Return a unit's copy."""
        return await self._step("returned", document_id, unit, by, "return", {"reason": "不属本单位职责"})

    async def archive(self, document_id: int, unit: str, by: str) -> bool:
        """File a unit's copy."""
        return await self._step("archived", document_id, unit, by, "archive")

    async def transfer(self, document_id: int, unit: str, handler: str, by: str) -> bool:
        """Hand a signed copy to a person of the unit."""
        where = {"document_id": document_id, "unit": unit}
        path, body = f"{self._copy(document_id, unit)}/transfer", {"handler_id": self.people[handler]}
        done = await self.may(by, "POST", path, body, key=f"{document_id}-{unit}-{by}-transfer", **where)
        if done:
            self.ledger.tell("transferred", **where, handler=handler)
        return done

    async def answer(self, document_id: int, unit: str, by: str) -> bool:
        """Answer a meeting for a unit."""
        where = {"document_id": document_id, "unit": unit}
        path = f"meetings/{document_id}/units/{self.units[unit]}/receipt"
        body = {
            "attendees": [{"name": f"{unit}参会", "mode": "attend", "post": "科长", "phone": "19900000000"}]
        }
        done = await self.may(by, "PUT", path, body, key=f"{document_id}-{unit}-{by}-answer", **where)
        if done:
            self.ledger.tell("answered", **where)
        return done

    # Looking --------------------------------------------------------------------------------------------------------

    async def inbox(self, who: str) -> list[dict[str, Any]]:
        """Every entry of a person's inbox, newest first."""
        entries: list[dict[str, Any]] = []
        cursor: str | None = ""
        while cursor is not None:
            more = f"&cursor={cursor}" if cursor else ""
            page = await self.done(who, "GET", f"inbox/entries?limit=100{more}")
            entries += page["items"]
            cursor = page["next"]
        return entries

    def head(self) -> None:
        """Note where the chain stands: what is committed now must be part of it for ever."""
        ((commit_no, link),) = self.rows(
            "select commit_no, link from commit_log order by commit_no desc limit 1"
        )
        self.ledger.tell("head", commit_no=commit_no, link=link.hex())

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What the file holds, read past the server."""
        return rows_in(self.server.folder, query)


def rows_in(folder: Path, query: str) -> list[tuple[Any, ...]]:
    """What the store in ``folder`` holds, read past every engine."""
    with closing(sqlite3.connect(folder / FILE)) as conn:
        return conn.execute(query).fetchall()


def ledger_path(folder: Path) -> Path:
    """Where the ledger of a served folder lies: beside it, so that it survives whatever happens to the folder."""
    return folder.with_name(f"{folder.name}.ledger")


@asynccontextmanager
async def office(
    server: Server,
    ledger: Ledger | None = None,
    *,
    answers: dict[tuple[str, str], bytes] | None = None,
    connections: int = 64,
    timeout_s: float = TIMEOUT_S,
) -> AsyncIterator[Office]:
    """The people of the served city; ``answers`` is kept by who restarts the server, so that repetitions are compared."""
    timeout = aiohttp.ClientTimeout(total=timeout_s)
    connector = aiohttp.TCPConnector(limit=connections)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
        kept = ledger or Ledger(ledger_path(server.folder))
        people = Office(server, kept, session, tokens_of(server.folder))
        people.answers = {} if answers is None else answers
        people.units = dict(people.rows("select code, id from unit"))
        people.people = dict(people.rows("select code, id from person"))
        try:
            yield people
        finally:
            if ledger is None:
                kept.close()
