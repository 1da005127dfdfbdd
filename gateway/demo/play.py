"""The demo's acts: the city comes online, a document goes to every unit, a meeting is called, the figures are read."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import aiohttp

from gateway.demo.crowd import REQUEST_TIMEOUT_S, Api, Crowd
from gateway.demo.stage import Cast
from inbox_store.programs.cast import Player
from inbox_store.times import SHANGHAI, system_now
from realtime.items import Item
from sms_billing.periods import month_at

MEETING_UNITS: Final = 100
SETTLE_TIMEOUT_S: Final = 90
SEED: Final = 2018
STILL_S: Final = 2.0
"""So long without a change, the messages have got all the reports that will come."""

DOCUMENT: Final[dict[str, Any]] = {
    "kind": "notice",
    "title": "关于做好今年汛期防汛抗旱工作的通知",
    "doc_no": "防指发〔2018〕6号",
    "urgency": "urgent",
    "duty": "handle",
    "sensitivity": "internal",
    "body": "各县（区）人民政府，市直各部门，各驻地单位：\n\n为切实做好今年汛期防汛抗旱工作，现就有关事项通知如下。\n\n"
    "一、压实责任，逐级明确行政责任人。\n二、排查隐患，五月底前完成重点部位整改。\n三、备足物资，完善应急预案。\n\n"
    "请认真贯彻落实，并及时签收。",
    "elements": {"issuer": "防汛抗旱指挥部办公室", "issued_on": "2018-04-16"},
    "has_letterhead": True,
    "has_seal": True,
}
MEETING: Final[dict[str, Any]] = {
    "kind": "meeting_notice",
    "title": "关于召开防汛工作电视电话会议的通知",
    "doc_no": "防指办函〔2018〕9号",
    "urgency": "urgent",
    "duty": "read",
    "sensitivity": "internal",
    "body": "定于近日召开防汛工作电视电话会议，请各单位报送参会人员名单。",
    "elements": {"issuer": "防汛抗旱指挥部办公室", "issued_on": "2018-04-16"},
    "has_letterhead": True,
}
COUNTY_NOTICE: Final[dict[str, Any]] = {
    "kind": "notice",
    "title": "关于报送今年汛期值班安排的通知",
    "urgency": "ordinary",
    "duty": "read",
    "sensitivity": "internal",
    "body": "请各单位于本周内报送汛期值班安排，并及时签收。",
    "elements": {"issuer": "县政府办公室", "issued_on": "2018-04-17"},
    "has_letterhead": True,
    "sms_reminder": True,
}
WAITING: Final = frozenset({"waiting", "sending"})


@dataclass(slots=True)
class Progress:
    """What is shown: the phase, and how far each line of it is."""

    phase: str = "准备"
    lines: dict[str, tuple[int, int]] = field(default_factory=dict)


Show = Callable[[Progress], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What was played; the figures themselves are read from the store afterwards."""

    document_id: int
    dispatch_id: int
    meeting_id: int
    reminded: tuple[int, ...]
    """The documents that were announced by short message."""
    summary: dict[str, int]
    faults: list[str]
    month: int
    """yyyymm, that of the messages' charges."""
    seconds: float


class Play:
    """One run of the demo against a server."""

    def __init__(self, cast: Cast, address: str, show: Show) -> None:
        self.cast = cast
        self.address = address
        self.progress = Progress()
        self._show = show
        self._token = cast.tokens[cast.sender.account_id]

    async def run(self) -> Played:
        """Play all acts."""
        started = time.monotonic()
        timeout = aiohttp.ClientTimeout(total=REQUEST_TIMEOUT_S)
        connector = aiohttp.TCPConnector(limit=64)
        async with aiohttp.ClientSession(timeout=timeout, connector=connector) as client:
            api = Api(self.address, client)
            crowd = Crowd(self.cast, api, SEED)
            meeting_clerks = self._meeting_clerks()
            async with self._online(crowd):
                document = await self._send_document(api)
                await self._reached(
                    crowd, document["document_id"], len(self.cast.clerks), "公文送达在线收发员"
                )
                meeting = await self._send_meeting(api, meeting_clerks)
                await self._reached(crowd, meeting["document_id"], len(meeting_clerks), "会议通知送达")
                counties = await self._send_county_notices(api)
                await self._settled(crowd)
            reminded = (document["document_id"], *counties)
            await self._messages(api, reminded)
            await self._alerts(api, (*reminded, meeting["document_id"]))
            roster = await api.get(self._token, f"/meetings/{meeting['document_id']}/roster")
        return Played(
            document_id=document["document_id"],
            dispatch_id=document["dispatch_id"],
            meeting_id=meeting["document_id"],
            reminded=reminded,
            summary=roster["summary"],
            faults=crowd.board.faults,
            month=month_at(system_now()),
            seconds=time.monotonic() - started,
        )

    def tell(self, phase: str, **lines: tuple[int, int]) -> None:
        """Show a phase with its lines."""
        self.progress.phase = phase
        self.progress.lines.update(lines)
        self._show(self.progress)

    def _meeting_clerks(self) -> list[Player]:
        """The clerks of the first hundred city and county units: the meeting is theirs."""
        players = sorted(self.cast.clerks.values(), key=lambda player: player.unit_code)
        return players[:MEETING_UNITS]

    @asynccontextmanager
    async def _online(self, crowd: Crowd) -> AsyncIterator[None]:
        """Every clerk A online; they stay until the acts are over."""
        everybody = len(self.cast.clerks)
        all_in = asyncio.Event()

        def came() -> None:
            self.tell("收发员上线", 在线=(crowd.board.online, everybody))
            if crowd.board.online >= everybody:
                all_in.set()

        async def act(player: Player, item: Item) -> None:
            if item.folder == "outgoing":  # what one's own office sent
                return
            if "会议" in item.title:
                await crowd.handle_meeting(player, item)
            else:
                await crowd.handle_document(player, item)

        async with asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(crowd.follow(player, came, act)) for player in self.cast.clerks.values()
            ]
            async with asyncio.timeout(SETTLE_TIMEOUT_S):
                await all_in.wait()
            yield
            for task in tasks:
                task.cancel()

    async def _send_document(self, api: Api) -> dict[str, Any]:
        """One document from the office outside to every unit: general, therefore approved by a second person."""
        scope = {"units": sorted(self.cast.clerks)}
        body = {**DOCUMENT, "scope": scope, "leaders": ["responsible_leader"], "sms_reminder": True}
        self.tell("发文：一份公文发往全部单位，属于普发，等待第二人批准")
        return await self._sent(api, "demo-document", body)

    async def _sent(self, api: Api, key: str, body: dict[str, Any]) -> dict[str, Any]:
        """Hand in; what is held as general is approved by another person."""
        told: dict[str, Any] = await api.write(self._token, "/dispatches", key, body)
        if told["state"] == "held":
            approver = self.cast.tokens[self.cast.approver.account_id]
            path = f"/dispatches/{told['dispatch_id']}/approve"
            await api.write(approver, path, f"{key}-approve", {"note": "同意普发"})
        return told

    async def _send_meeting(self, api: Api, players: list[Player]) -> dict[str, Any]:
        start = datetime.now(SHANGHAI) + timedelta(days=3)
        form = {
            "place": "市政务中心三楼会议室",
            "starts_at": start.isoformat(),
            "reply_due_at": (start - timedelta(days=1)).isoformat(),
            "seats": 2,
        }
        body = {**MEETING, "scope": {"units": [player.unit_id for player in players]}, "meeting": form}
        self.tell("会议通知：发往一百个单位")
        return await self._sent(api, "demo-meeting", body)

    async def _send_county_notices(self, api: Api) -> list[int]:
        """Each county's office writes to its own county's units; the county bears the messages."""
        self.tell("各县（区）政府办公室向本县（区）单位发文，短信提醒由本县（区）承担费用")
        sent = []
        for office in self.cast.county_offices:
            county = office.unit_code.partition("-")[0]
            units = [
                one.unit_id
                for one in self.cast.clerks.values()
                if one.unit_code.startswith(f"{county}-") and one.unit_id != office.unit_id
            ]
            if units:
                told = await api.write(
                    self.cast.tokens[office.account_id],
                    "/dispatches",
                    f"demo-county-{county}",
                    {**COUNTY_NOTICE, "scope": {"units": units}},
                )
                sent.append(told["document_id"])
        return sent

    async def _messages(self, api: Api, documents: tuple[int, ...]) -> None:
        """Wait until every message has left, or never will, and no report has come for a while."""

        def show(sums: Counter[str], left: int, total: int) -> None:
            lines = {"已发短信": (left, total), "已送达短信": (sums["delivered"], total)}
            self.tell("短信提醒：经运营商通道发送，收状态报告", **lines)

        await self._until_still(lambda: self._sums(api, documents, "sms", "messages"), show)

    async def _alerts(self, api: Api, documents: tuple[int, ...]) -> None:
        """Wait until the leaders' phones have been alerted and the vendor has reported."""

        def show(sums: Counter[str], left: int, total: int) -> None:
            lines = {"已推送": (left, total), "推送已送达": (sums["delivered"], total)}
            self.tell("分管领导不在线：推送到手机，收送达回执", **lines)

        await self._until_still(lambda: self._sums(api, documents, "alerts", "devices"), show)

    async def _until_still(
        self, look: Callable[[], Awaitable[Counter[str]]], show: Callable[[Counter[str], int, int], None]
    ) -> None:
        """Look at sums by state, and show how many have left of how many, until all have and no report comes any more."""
        before: Counter[str] = Counter()
        changed_at = time.monotonic()
        async with asyncio.timeout(SETTLE_TIMEOUT_S):
            while True:
                sums = await look()
                if sums != before:
                    before, changed_at = sums, time.monotonic()
                total = sums.total()
                left = total - sum(sums[one] for one in WAITING)
                show(sums, left, total)
                if left == total and (not sums["accepted"] or time.monotonic() - changed_at > STILL_S):
                    return
                await asyncio.sleep(0.2)

    async def _sums(self, api: Api, documents: tuple[int, ...], what: str, counted: str) -> Counter[str]:
        token = self.cast.tokens[self.cast.approver.account_id]
        sums: Counter[str] = Counter()
        for document_id in documents:
            told = await api.get(token, f"/documents/{document_id}/{what}")
            sums.update({one["state"]: one[counted] for one in told["sums"]})
        return sums

    async def _reached(self, crowd: Crowd, document_id: int, expected: int, line: str) -> None:
        async with asyncio.timeout(SETTLE_TIMEOUT_S):
            while crowd.board.seen[document_id] < expected:
                self._board(crowd, {line: (crowd.board.seen[document_id], expected)})
                await asyncio.sleep(0.05)
        self._board(crowd, {line: (expected, expected)})

    async def _settled(self, crowd: Crowd) -> None:
        """Wait until everybody has done what they were going to do."""
        async with asyncio.timeout(SETTLE_TIMEOUT_S):
            while crowd.board.acting:
                self._board(crowd, {})
                await asyncio.sleep(0.05)
        self._board(crowd, {})

    def _board(self, crowd: Crowd, lines: dict[str, tuple[int, int]]) -> None:
        board, copies = crowd.board, sum(crowd.board.seen.values())
        told = {"已签收": (board.signed, copies), "已退回": (board.returned, copies)}
        told["会议回执"] = (board.answered, len(self._meeting_clerks()))
        self.tell("收文、阅读、签收、报送回执", **{**lines, **told})
